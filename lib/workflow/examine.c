#include "vestige/examine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "workflow/case_internal.h"
#include "workflow/exhibit_file.h"

struct vst_examination {
	struct vst_case *c; /* borrowed */
	uint64_t number;
	const struct vst_seal *seal; /* the log's */
	int fd;
	struct vst_input in;
	char **sources; /* copies: the log's seal goes when an event is added */
	size_t source_count;
	struct vst_exhibit *exhibit;
};

static int copy_sources(struct vst_examination *e, struct vst_err *err)
{
	if (!(e->sources = vst_calloc(e->seal->source_count + 1, sizeof *e->sources)))
		return vst_err_nomem(err);
	for (; e->source_count < e->seal->source_count; e->source_count++)
		if (!(e->sources[e->source_count] = vst_strdup(e->seal->sources[e->source_count].name)))
			return vst_err_nomem(err);
	return 0;
}

static int open_sealed(
        struct vst_examination *e, const struct vst_age_identities *identities, struct vst_err *err)
{
	char name[VST_EXHIBIT_NAME_MAX], file[2 * VST_EXHIBIT_NAME_MAX];
	uint64_t bytes = 0, header = 0;
	vst_exhibit_name(e->number, name);
	snprintf(file, sizeof file, "%s" VST_EXHIBIT_SUFFIX, name);
	int rc = exhibit_file_open(e->c->exhibits_fd, file, &e->fd, &bytes, err);
	if (rc == VST_ENOTFOUND) {
		vst_err_set(err, rc, "exhibits/%s is missing, though the log has its seal", file);
		vst_err_hint(err, "put the file back from a copy: its digest is in vestige show %s", name);
	}
	if (rc == 0)
		rc = vst_input_fd(e->fd, &e->in, err);
	if (rc == 0 && bytes != e->seal->file_bytes) {
		rc = vst_err_set(err, VST_ETAMPERED, "is %llu bytes long, sealed were %llu",
		        (unsigned long long)bytes, (unsigned long long)e->seal->file_bytes);
		vst_err_hint(err, "vestige recover takes out what still authenticates");
	}
	if (rc == 0 && (rc = vst_age_header_len(&e->in, &header, err)) == 0 &&
	        bytes - header != e->seal->payload_bytes)
		rc = vst_err_set(err, VST_ETAMPERED, "payload is %llu bytes long, sealed were %llu",
		        (unsigned long long)(bytes - header), (unsigned long long)e->seal->payload_bytes);
	if (rc == 0)
		rc = copy_sources(e, err);
	if (rc == 0) {
		struct vst_exhibit_expectation expect = {
		        .items = e->seal->items,
		        .sources = (const char *const *)e->sources,
		        .source_count = e->source_count,
		};
		memcpy(expect.root, e->seal->root, VST_HASH_LEN);
		rc = vst_exhibit_open(&e->exhibit, &e->in, identities, &expect, err);
	}
	return rc == 0 ? 0 : (vst_err_prepend(err, "%s", name), rc);
}

int vst_examine_open(struct vst_case *c, uint64_t number, const struct vst_age_identities *identities,
        struct vst_examination **ret, struct vst_err *err)
{
	const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(c->custody, number);
	if (!exhibit || !exhibit->seal)
		return vst_err_set(
		        err, VST_ENOTFOUND, "the log has no sealed exhibit %llu", (unsigned long long)number);
	struct vst_examination *e = vst_calloc(1, sizeof *e);
	if (!e)
		return vst_err_nomem(err);
	e->c = c;
	e->number = number;
	e->seal = exhibit->seal;
	e->fd = -1;
	int rc = open_sealed(e, identities, err);
	if (rc != 0) {
		vst_examine_free(e);
		return rc;
	}
	*ret = e;
	return 0;
}

void vst_examine_free(struct vst_examination *e)
{
	if (!e)
		return;
	vst_exhibit_free(e->exhibit);
	for (size_t i = 0; i < e->source_count; i++)
		free(e->sources[i]);
	free(e->sources);
	if (e->fd >= 0)
		close(e->fd);
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
