/*
 * Exhibits that an event disposed of: that their files are gone is as recorded. And files that went while the
 * check ran: a disposal waits for no reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "vestige/err.h"
#include "workflow/verify_internal.h"

int verify_disposed(struct verification *v, const struct vst_custody_exhibit *exhibit, struct vst_err *err)
{
	char subject[VST_EXHIBIT_NAME_MAX], file[CASE_FILE_NAME_MAX];
	unsigned long long event = (unsigned long long)exhibit->disposed;
	struct stat st;
	vst_exhibit_name(exhibit->number, subject);
	case_exhibit_file(exhibit, file);
	v->result->exhibits_disposed++;
	if (v->c.exhibits_fd >= 0 && fstatat(v->c.exhibits_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return verify_say(v, VST_NOTE, subject,
		        "the next command that writes to the case takes it away; a copy put back is better "
		        "kept elsewhere",
		        "disposed of by event %llu, and its file is still there", event);
	if (v->c.exhibits_fd >= 0 && errno != ENOENT)
		return vst_err_sys(err, errno, CASE_EXHIBITS "/%s", file);
	if (!exhibit->seal)
		return verify_say(v, VST_GOOD, subject, NULL,
		        "disposed of by event %llu; what event %llu recorded of it stays", event,
		        (unsigned long long)exhibit->event);
	return verify_say(v, VST_GOOD, subject, NULL, "disposed of by event %llu; its seal stays", event);
}

/* Whether the log that stands there now extends the one that was checked, and disposes of the exhibit. */
static int disposed_since(struct verification *v, uint64_t number, uint64_t *ret_event, struct vst_err *err)
{
	char path[4096];
	uint8_t root[VST_HASH_LEN], then[VST_HASH_LEN];
	struct vst_trail *trail = NULL;
	struct vst_custody *custody = NULL;
	uint64_t size = vst_custody_size(v->c.custody);
	*ret_event = 0;
	if ((size_t)snprintf(path, sizeof path, "%s/" CASE_TRAIL, v->options->dir) >= sizeof path)
		return 0;
	int rc = vst_trail_open(path, &trail, err);
	if (rc != 0 || vst_trail_size(trail) <= size)
		goto out;
	if ((rc = vst_custody_new(&custody, err)) != 0 || (rc = case_log_load(trail, custody, err)) != 0)
		goto out;
	vst_custody_root(v->c.custody, root);
	if ((rc = vst_custody_root_at(custody, size, then)) == 0 && memcmp(root, then, VST_HASH_LEN) == 0) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(custody, number);
		*ret_event = exhibit ? exhibit->disposed : 0;
	}
out:
	vst_custody_free(custody);
	vst_trail_free(trail);
	if (rc != 0 && !verify_is_finding(rc))
		return rc;
	vst_err_clear(err);
	return 0;
}

int verify_missing(struct verification *v, const struct vst_custody_exhibit *exhibit, const char *speaks_of,
        struct vst_err *err)
{
	char subject[VST_EXHIBIT_NAME_MAX], file[CASE_FILE_NAME_MAX];
	uint64_t event = 0;
	vst_exhibit_name(exhibit->number, subject);
	case_exhibit_file(exhibit, file);
	int rc = disposed_since(v, exhibit->number, &event, err);
	if (rc != 0)
		return rc;
	if (event > 0)
		return verify_say(v, VST_NOTE, subject, NULL,
		        "disposed of by event %llu, while this check ran", (unsigned long long)event);
	return verify_say(v, VST_MISSING, subject, NULL,
	        "event %llu %s " CASE_EXHIBITS "/%s, and it is not there", (unsigned long long)exhibit->event,
	        speaks_of, file);
}
