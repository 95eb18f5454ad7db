#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exhibit/salvage_state.h"
#include "vestige/err.h"

#define TEMP_NAME_MAX 40

static void temp_name(uint64_t number, char ret[TEMP_NAME_MAX])
{
	(void)snprintf(ret, TEMP_NAME_MAX, VST_SALVAGE_TEMP, (unsigned long long)number);
}

int vst_salvage_temp_open(struct vst_salvage *salvage, struct vst_salvage_entry *entry, struct vst_err *err)
{
	char name[TEMP_NAME_MAX];

	temp_name(++salvage->temps, name);
	salvage->fd = openat(salvage->options->out_dirfd, name,
	        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (salvage->fd < 0)
		return vst_err_sys(err, errno, "%s: create", name);
	salvage->fd_at = 0;
	entry->temp = salvage->temps;
	return 0;
}

void vst_salvage_temp_drop(struct vst_salvage *salvage, struct vst_salvage_entry *entry)
{
	char name[TEMP_NAME_MAX];

	if (entry->temp == 0)
		return;
	temp_name(entry->temp, name);
	(void)unlinkat(salvage->options->out_dirfd, name, 0);
	entry->temp = 0;
}

/* Reasons that lie in the name, which a hostile host chose, and not in the place that is written to. */
static bool name_refused(int rc, const struct vst_err *why)
{
	return rc == VST_EFORMAT || rc == VST_EEXIST ||
	       (rc == VST_EIO && (why->sys == ENAMETOOLONG || why->sys == EINVAL));
}

static int place_file(struct vst_salvage *salvage, struct vst_salvage_entry *entry, int parent,
        const char *base, struct vst_err *err)
{
	char name[TEMP_NAME_MAX];
	int rc = 0;

	temp_name(entry->temp, name);
	/* Not vst_io_rename(): thousands of small files need no fsync each; the caller syncs what it wants to
	 * keep. */
	if (renameat2(salvage->options->out_dirfd, name, parent, base, RENAME_NOREPLACE) != 0)
		rc = errno == EEXIST ? vst_err_set(err, VST_EEXIST, "there is something of this name")
		                     : vst_err_sys(err, errno, "rename");
	if (rc == 0)
		entry->temp = 0;
	return rc;
}

static int place_at(
        struct vst_salvage *salvage, struct vst_salvage_entry *entry, const char *name, struct vst_err *err)
{
	char *base = NULL;
	int parent = -1;
	int rc = vst_tree_parent(&salvage->tree, name, true, &parent, &base, err);

	if (rc == 0 && entry->type == '5')
		rc = vst_tree_mkdir(&salvage->tree, parent, base, err);
	else if (rc == 0)
		rc = place_file(salvage, entry, parent, base, err);
	free(base);
	return rc;
}

int vst_salvage_place(struct vst_salvage *salvage, struct vst_salvage_entry *entry,
        enum vst_salvage_state state, struct vst_buf *what, struct vst_err *err)
{
	struct vst_buf name = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	int rc = 0;

	if (salvage->options->out_dirfd < 0 || (entry->type != '5' && entry->temp == 0))
		return 0;
	vst_buf_text(&name, vst_salvage_state_name(state));
	vst_buf_byte(&name, '/');
	vst_buf_bytes(&name, entry->name, entry->name_len);
	rc = vst_buf_check(&name, err);
	if (rc == 0) {
		rc = place_at(salvage, entry, vst_buf_cstr(&name), &why);
		if (name_refused(rc, &why)) {
			if (what->len > 0)
				vst_buf_text(what, "; ");
			vst_buf_printf(what, "cannot have its name here (%s)", why.text);
			if (entry->temp != 0)
				vst_buf_printf(
				        what, ", left as " VST_SALVAGE_TEMP, (unsigned long long)entry->temp);
			entry->temp = 0;
			rc = vst_buf_check(what, err);
		} else if (rc != 0 && err != NULL) {
			*err = why;
			(void)vst_err_prepend(err, "%s", vst_buf_cstr(&name));
		}
	}
	vst_buf_free(&name);
	return rc;
}
