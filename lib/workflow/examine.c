#include "vestige/examine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "workflow/case_internal.h"
#include "workflow/exhibit_file.h"
#include "workflow/exhibit_library.h"

struct vst_examination {
	struct vst_case *c; /* borrowed */
	uint64_t number;
	const struct vst_seal *seal; /* the log's */
	struct exhibit_library *library;
	struct exhibit_referrer referrer;
	struct vst_exhibit *exhibit; /* the library's */
};

int vst_examine_open(struct vst_case *c, uint64_t number, const struct vst_age_identities *identities,
        struct vst_examination **ret, struct vst_err *err)
{
	struct vst_examination *e = vst_calloc(1, sizeof *e);
	if (!e)
		return vst_err_nomem(err);
	e->c = c;
	e->number = number;
	int rc = exhibit_library_new(c, identities, &e->library, err);
	if (rc == 0)
		rc = exhibit_library_open(e->library, number, &e->exhibit, err);
	if (rc != 0) {
		vst_examine_free(e);
		return rc;
	}
	e->seal = vst_custody_exhibit_find(c->custody, number)->seal;
	e->referrer = (struct exhibit_referrer){e->library, number};
	exhibit_library_lend(&e->referrer, e->exhibit);
	*ret = e;
	return 0;
}

void vst_examine_free(struct vst_examination *e)
{
	if (!e)
		return;
	exhibit_library_free(e->library);
	free(e);
}

struct vst_exhibit *vst_examine_exhibit(struct vst_examination *examination)
{
	return examination->exhibit;
}

const struct vst_seal *vst_examine_seal(const struct vst_examination *examination)
{
	return examination->seal;
}

/* ---- what was opened ---- */

struct vst_selection {
	struct vst_hash *hash;
	uint64_t items;
};

int vst_selection_new(struct vst_selection **ret, struct vst_err *err)
{
	struct vst_selection *selection = vst_calloc(1, sizeof *selection);
	if (!selection)
		return vst_err_nomem(err);
	int rc = vst_hash_new(&selection->hash, VST_HASH_SHA256, err);
	if (rc != 0) {
		free(selection);
		return rc;
	}
	*ret = selection;
	return 0;
}

void vst_selection_add(struct vst_selection *selection, const uint8_t leaf[VST_HASH_LEN])
{
	vst_hash_update(selection->hash, leaf, VST_HASH_LEN);
	selection->items++;
}

void vst_selection_free(struct vst_selection *selection)
{
	if (!selection)
		return;
	vst_hash_free(selection->hash);
	free(selection);
}

static int append_one(struct vst_case *c, struct vst_event *event, struct vst_signer *examiner,
        uint64_t *ret_event, struct vst_err *err)
{
	int rc = vst_case_begin(c, err);
	if (rc != 0)
		return rc;
	rc = vst_case_append(c, event, examiner, NULL, err);
	if (rc == 0 && ret_event)
		*ret_event = event->number;
	vst_case_end(c);
	free(event->actor);
	free(event->next_key);
	return rc;
}

int vst_examine_record(struct vst_examination *e, const char *verb, struct vst_selection *selection,
        struct vst_signer *examiner, uint64_t *ret_event, struct vst_err *err)
{
	struct vst_event event = {.type = VST_EVENT_EXTRACT};
	event.extract.exhibit = e->number;
	event.extract.items = selection->items;
	int rc = vst_hash_peek(selection->hash, VST_HASH_SHA256, event.extract.selection_sha256, err);
	if (rc == 0 && !(event.extract.verb = vst_strdup(verb)))
		rc = vst_err_nomem(err);
	if (rc == 0)
		rc = append_one(e->c, &event, examiner, ret_event, err);
	/* The log was read anew, so the seal that this examination stands on is fetched again. */
	const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(e->c->custody, e->number);
	if (exhibit)
		e->seal = exhibit->seal;
	free(event.extract.verb);
	return rc == 0 ? 0 : (vst_err_prepend(err, "recording the %s", verb), rc);
}

/* ---- unfinished files ---- */

static int partial_number(const char *name, uint64_t *ret, struct vst_err *err)
{
	char expected[2 * VST_EXHIBIT_NAME_MAX], exhibit[VST_EXHIBIT_NAME_MAX];
	uint64_t number = strncmp(name, "EX", 2) == 0 ? strtoull(name + 2, NULL, 10) : 0;
	if (number > 0 && number <= VST_EXHIBIT_MAX) {
		vst_exhibit_name(number, exhibit);
		snprintf(expected, sizeof expected, "%s" VST_PARTIAL_SUFFIX, exhibit);
		if (strcmp(name, expected) == 0) {
			*ret = number;
			return 0;
		}
	}
	return vst_err_set(err, VST_EUSAGE,
	        "%s: not the name of an unfinished exhibit (EXnnnn" VST_PARTIAL_SUFFIX ")", name);
}

int vst_recover_record(struct vst_case *c, const char *partial_name, struct vst_signer *examiner,
        uint64_t *ret_event, struct vst_err *err)
{
	struct vst_event event = {.type = VST_EVENT_RECOVER};
	uint64_t bytes = 0;
	int fd = -1;
	int rc = partial_number(partial_name, &event.recover.exhibit, err);
	/* A snapshot that still runs holds this lock: its file is not unfinished, it is being written. */
	if (rc == 0)
		rc = vst_case_lock_snapshot(c, err);
	/* A finished exhibit whose event is pending bears this name too: it gets its own first. */
	if (rc == 0 && (rc = vst_case_begin(c, err)) == 0)
		vst_case_end(c);
	if (rc == 0 && vst_custody_exhibit_find(c->custody, event.recover.exhibit))
		rc = vst_err_set(err, VST_EEXIST, "the log already speaks of exhibit %llu",
		        (unsigned long long)event.recover.exhibit);
	if (rc == 0)
		rc = exhibit_file_open(c->exhibits_fd, partial_name, &fd, &bytes, err);
	if (rc == 0)
		rc = vst_io_fsync(fd, err); /* what is recorded is durable first */
	if (rc == 0)
		rc = exhibit_file_digest(fd, bytes, NULL, NULL, event.recover.file_sha256, err);
	if (rc == 0) {
		event.recover.file_bytes = bytes;
		rc = append_one(c, &event, examiner, ret_event, err);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}
