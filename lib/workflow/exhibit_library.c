#include "workflow/exhibit_library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/exhibit_reader.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "workflow/case_internal.h"
#include "workflow/exhibit_file.h"

#define WARM_MAX 8 /* exhibits that keep decompressed frames, of up to 24 MiB each */

struct opened {
	uint64_t number;
	int fd;
	struct vst_input in;
	char **sources; /* copies: the log's seal goes when an event is added */
	size_t source_count;
	struct vst_exhibit *exhibit;
	uint64_t used; /* tick of the last use */
	bool warm;
};

struct exhibit_library {
	const struct vst_case *c;                    /* borrowed */
	const struct vst_age_identities *identities; /* borrowed */
	struct opened **opened;
	size_t count;
	uint64_t tick;
};

int exhibit_library_new(const struct vst_case *c, const struct vst_age_identities *identities,
        struct exhibit_library **ret, struct vst_err *err)
{
	struct exhibit_library *library = vst_calloc(1, sizeof *library);
	if (!library)
		return vst_err_nomem(err);
	library->c = c;
	library->identities = identities;
	*ret = library;
	return 0;
}

static void opened_free(struct opened *opened)
{
	if (!opened)
		return;
	vst_exhibit_free(opened->exhibit);
	for (size_t i = 0; i < opened->source_count; i++)
		free(opened->sources[i]);
	free(opened->sources);
	if (opened->fd >= 0)
		close(opened->fd);
	free(opened);
}

void exhibit_library_free(struct exhibit_library *library)
{
	if (!library)
		return;
	for (size_t i = 0; i < library->count; i++)
		opened_free(library->opened[i]);
	free(library->opened);
	free(library);
}

/* ---- opening ---- */

static int copy_sources(struct opened *opened, const struct vst_seal *seal, struct vst_err *err)
{
	if (!(opened->sources = vst_calloc(seal->source_count + 1, sizeof *opened->sources)))
		return vst_err_nomem(err);
	for (; opened->source_count < seal->source_count; opened->source_count++)
		if (!(opened->sources[opened->source_count] =
		                    vst_strdup(seal->sources[opened->source_count].name)))
			return vst_err_nomem(err);
	return 0;
}

static int open_file(struct opened *opened, int exhibits_fd, const char *name, const struct vst_seal *seal,
        struct vst_err *err)
{
	char file[2 * VST_EXHIBIT_NAME_MAX];
	uint64_t bytes = 0, header = 0;
	snprintf(file, sizeof file, "%s" VST_EXHIBIT_SUFFIX, name);
	int rc = exhibit_file_open(exhibits_fd, file, &opened->fd, &bytes, err);
	if (rc == VST_ENOTFOUND) {
		vst_err_set(err, rc, "exhibits/%s is missing, though the log has its seal", file);
		vst_err_hint(err, "put the file back from a copy: its digest is in vestige show %s", name);
	}
	if (rc == 0)
		rc = vst_input_fd(opened->fd, &opened->in, err);
	if (rc == 0 && bytes != seal->file_bytes) {
		rc = vst_err_set(err, VST_ETAMPERED, "is %llu bytes long, sealed were %llu",
		        (unsigned long long)bytes, (unsigned long long)seal->file_bytes);
		vst_err_hint(err, "vestige recover takes out what still authenticates");
	}
	if (rc == 0 && (rc = vst_age_header_len(&opened->in, &header, err)) == 0 &&
	        bytes - header != seal->payload_bytes)
		rc = vst_err_set(err, VST_ETAMPERED, "payload is %llu bytes long, sealed were %llu",
		        (unsigned long long)(bytes - header), (unsigned long long)seal->payload_bytes);
	return rc;
}

static int open_sealed(struct exhibit_library *library, struct opened *opened, const struct vst_seal *seal,
        struct vst_err *err)
{
	char name[VST_EXHIBIT_NAME_MAX];
	vst_exhibit_name(opened->number, name);
	int rc = open_file(opened, library->c->exhibits_fd, name, seal, err);
	if (rc == 0)
		rc = copy_sources(opened, seal, err);
	if (rc == 0) {
		struct vst_exhibit_expectation expect = {
		        .items = seal->items,
		        .sources = (const char *const *)opened->sources,
		        .source_count = opened->source_count,
		};
		memcpy(expect.root, seal->root, VST_HASH_LEN);
		rc = vst_exhibit_open(&opened->exhibit, &opened->in, library->identities, &expect, err);
	}
	return rc == 0 ? 0 : (vst_err_prepend(err, "%s", name), rc);
}

static int open_new(
        struct exhibit_library *library, uint64_t number, struct opened **ret, struct vst_err *err)
{
	const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(library->c->custody, number);
	if (!exhibit || !exhibit->seal)
		return vst_err_set(
		        err, VST_ENOTFOUND, "the log has no sealed exhibit %llu", (unsigned long long)number);
	if (exhibit->disposed)
		return case_say_disposed(exhibit, err);
	struct opened **more = vst_realloc(library->opened, library->count + 1, sizeof *more);
	if (!more)
		return vst_err_nomem(err);
	library->opened = more;
	struct opened *opened = vst_calloc(1, sizeof *opened);
	if (!opened)
		return vst_err_nomem(err);
	opened->number = number;
	opened->fd = -1;
	int rc = open_sealed(library, opened, exhibit->seal, err);
	if (rc != 0) {
		opened_free(opened);
		return rc;
	}
	library->opened[library->count++] = opened;
	*ret = opened;
	return 0;
}

/* A generation may have many exhibits: those that were not asked for lately give back their frames. */
static void warm_up(struct exhibit_library *library, struct opened *opened)
{
	struct opened *oldest = NULL;
	size_t warm = 0;
	opened->warm = true;
	opened->used = ++library->tick;
	for (size_t i = 0; i < library->count; i++) {
		struct opened *other = library->opened[i];
		warm += other->warm;
		if (other->warm && (!oldest || other->used < oldest->used))
			oldest = other;
	}
	if (warm > WARM_MAX && oldest) {
		vst_exhibit_rest(oldest->exhibit);
		oldest->warm = false;
	}
}

int exhibit_library_open(
        struct exhibit_library *library, uint64_t number, struct vst_exhibit **ret, struct vst_err *err)
{
	struct opened *opened = NULL;
	for (size_t i = 0; i < library->count && !opened; i++)
		if (library->opened[i]->number == number)
			opened = library->opened[i];
	if (!opened) {
		int rc = open_new(library, number, &opened, err);
		if (rc != 0)
			return rc;
	}
	warm_up(library, opened);
	*ret = opened->exhibit;
	return 0;
}

/* ---- references ---- */

/* 0: the log has no seal of it. */
static uint64_t generation_of(const struct exhibit_library *library, uint64_t number)
{
	const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(library->c->custody, number);
	if (!exhibit || !exhibit->seal)
		return 0;
	return exhibit->seal->has_series ? exhibit->seal->series.full : number;
}

int exhibit_library_allows(
        const struct exhibit_library *library, uint64_t from, uint64_t to, struct vst_err *err)
{
	uint64_t full = generation_of(library, from);
	if (to >= full && to <= from && full > 0 && generation_of(library, to) == full)
		return 0;
	return vst_err_set(err, VST_ETAMPERED, "that exhibit is not of the generation of this one");
}

static int refer(void *ctx, uint64_t number, struct vst_exhibit **ret, struct vst_err *err)
{
	struct exhibit_referrer *referrer = ctx;
	int rc = exhibit_library_allows(referrer->library, referrer->number, number, err);
	return rc != 0 ? rc : exhibit_library_open(referrer->library, number, ret, err);
}

void exhibit_library_lend(struct exhibit_referrer *referrer, struct vst_exhibit *exhibit)
{
	const struct vst_exhibit_library library = {refer, referrer};
	vst_exhibit_set_library(exhibit, &library);
}
