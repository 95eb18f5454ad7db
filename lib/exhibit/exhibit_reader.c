#include "vestige/exhibit_reader.h"

#include <stdlib.h>
#include <string.h>

#include "exhibit/exhibit_state.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"
#include "vestige/merkle.h"
#include "vestige/reader.h"

#define TAR_BLOCK 512
#define TAR_END (2 * TAR_BLOCK) /* two zero blocks */
#define TRAILER_VERSION 1
#define TRAILER_DIGEST_AT 480
#define SOURCES_MAX 1024 /* that a search in whichever source goes through */

_Static_assert(VST_TRAILER_LEN % TAR_BLOCK == 0, "no padding between the trailer and the end");

/* ---- opening ---- */

static int check_ranges(const struct vst_exhibit *trailer, uint64_t tar_size, struct vst_err *err)
{
	uint64_t end = tar_size - TAR_END - VST_TRAILER_LEN;
	uint64_t index = trailer->items * VST_INDEX_RECORD_LEN, leaves = trailer->items * VST_HASH_LEN;

	if (trailer->trailer_offset > end - TAR_BLOCK || trailer->leaves_offset > trailer->trailer_offset ||
	        leaves > trailer->trailer_offset - trailer->leaves_offset ||
	        trailer->index_offset > trailer->leaves_offset ||
	        index > trailer->leaves_offset - trailer->index_offset)
		return vst_err_set(err, VST_EFORMAT, "trailer: offsets that cannot be");
	return 0;
}

int vst_exhibit_trailer_parse(
        const uint8_t *data, uint64_t tar_size, struct vst_exhibit *ret, struct vst_err *err)
{
	static const uint8_t zeros[TRAILER_DIGEST_AT];
	struct vst_reader in = vst_reader_of(data, TRAILER_DIGEST_AT);
	struct vst_exhibit trailer = {0};
	const uint8_t *root = NULL, *index = NULL, *rest = NULL;
	uint8_t digest[VST_HASH_LEN];
	uint32_t version = 0, record_len = 0;
	uint64_t segments = 0;
	int rc;

	if (!vst_reader_literal(&in, VST_TRAILER_MAGIC) || !vst_reader_u32le(&in, &version) ||
	        !vst_reader_u32le(&in, &record_len) || !vst_reader_u64le(&in, &trailer.items) ||
	        !vst_reader_u64le(&in, &trailer.index_offset) ||
	        !vst_reader_u64le(&in, &trailer.leaves_offset) ||
	        !vst_reader_u64le(&in, &trailer.trailer_offset) || !vst_reader_u64le(&in, &segments) ||
	        !vst_reader_bytes(&in, VST_HASH_LEN, &root) || !vst_reader_bytes(&in, VST_HASH_LEN, &index))
		return vst_err_set(err, VST_EFORMAT, "trailer: not there");
	if (version != TRAILER_VERSION)
		return vst_err_set(err, VST_EVERSION, "trailer: version %u", version);
	vst_sha256(data, TRAILER_DIGEST_AT, digest);
	if (memcmp(digest, data + TRAILER_DIGEST_AT, sizeof digest) != 0)
		return vst_err_set(err, VST_EAUTH, "trailer: its digest does not fit");
	if (record_len != VST_INDEX_RECORD_LEN || trailer.items > VST_EXHIBIT_ITEMS_MAX ||
	        !vst_reader_bytes(&in, vst_reader_left(&in), &rest) ||
	        memcmp(rest, zeros, (size_t)(data + TRAILER_DIGEST_AT - rest)) != 0)
		return vst_err_set(err, VST_EFORMAT, "trailer: not one of version 1");
	if ((rc = check_ranges(&trailer, tar_size, err)) != 0)
		return rc;
	ret->items = trailer.items;
	ret->index_offset = trailer.index_offset;
	ret->leaves_offset = trailer.leaves_offset;
	ret->trailer_offset = trailer.trailer_offset;
	memcpy(ret->root, root, VST_HASH_LEN);
	memcpy(ret->index_sha256, index, VST_HASH_LEN);
	return 0;
}

static int read_trailer(struct vst_exhibit *exhibit, struct vst_err *err)
{
	uint64_t size = vst_tar_stream_size(exhibit->stream);
	uint8_t data[VST_TRAILER_LEN];
	int rc;

	if (size < TAR_END + VST_TRAILER_LEN + TAR_BLOCK || size % TAR_BLOCK != 0)
		return vst_err_set(err, VST_EFORMAT, "trailer: no room for one");
	rc = vst_tar_stream_read(exhibit->stream, size - TAR_END - VST_TRAILER_LEN, data, sizeof data, err);
	return rc != 0 ? rc : vst_exhibit_trailer_parse(data, size, exhibit, err);
}

static int check_expectation(
        const struct vst_exhibit *exhibit, const struct vst_exhibit_expectation *expect, struct vst_err *err)
{
	if (exhibit->items != expect->items)
		return vst_err_set(err, VST_ETAMPERED, "the exhibit has %llu items, its seal says %llu",
		        (unsigned long long)exhibit->items, (unsigned long long)expect->items);
	if (memcmp(exhibit->root, expect->root, VST_HASH_LEN) != 0)
		return vst_err_set(err, VST_ETAMPERED, "the exhibit's Merkle root is not the sealed one");
	return 0;
}

int vst_exhibit_open(struct vst_exhibit **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, const struct vst_exhibit_expectation *expect,
        struct vst_err *err)
{
	struct vst_exhibit *exhibit = vst_calloc(1, sizeof *exhibit);
	int rc;

	if (!exhibit)
		return vst_err_nomem(err);
	if ((rc = vst_tar_stream_open(&exhibit->stream, in, identities, err)) != 0 ||
	        (rc = read_trailer(exhibit, err)) != 0) {
		if (rc == VST_EFORMAT || rc == VST_EAUTH)
			vst_err_hint(err, "a damaged or unfinished exhibit: `vestige recover` gives what is "
			                  "left of it");
		goto out;
	}
	if ((rc = check_expectation(exhibit, expect, err)) != 0)
		goto out;
	exhibit->sources = expect->sources;
	exhibit->source_count = expect->source_count;
	*ret = exhibit;
	exhibit = NULL;
out:
	vst_exhibit_free(exhibit);
	return rc;
}

void vst_exhibit_free(struct vst_exhibit *exhibit)
{
	if (!exhibit)
		return;
	vst_tar_stream_free(exhibit->stream);
	free(exhibit->leaves);
	free(exhibit->records);
	free(exhibit->by_leaf);
	free(exhibit);
}

uint64_t vst_exhibit_items(const struct vst_exhibit *exhibit)
{
	return exhibit->items;
}

void vst_exhibit_set_library(struct vst_exhibit *exhibit, const struct vst_exhibit_library *library)
{
	exhibit->library = *library;
}

void vst_exhibit_rest(struct vst_exhibit *exhibit)
{
	vst_tar_stream_rest(exhibit->stream);
}

void vst_exhibit_coverage(const struct vst_exhibit *exhibit, uint64_t *ret_read, uint64_t *ret_total)
{
	vst_tar_stream_coverage(exhibit->stream, ret_read, ret_total);
}

/* ---- one entry ---- */

void vst_exhibit_entry_free(struct vst_exhibit_entry *entry)
{
	vst_item_free(entry->item);
	free(entry->line);
	*entry = (struct vst_exhibit_entry){0};
}

/* The line is the tree's; what the index says about it is not, and has to fit. */
static int check_record(uint64_t seq, const struct vst_exhibit_record *record, const struct vst_item *item,
        struct vst_err *err)
{
	uint8_t digest[VST_HASH_LEN];
	struct vst_reader in = vst_reader_of(digest, sizeof digest);
	uint64_t key = 0;

	vst_item_path_digest(item->source, item->path, digest);
	(void)vst_reader_u64be(&in, &key);
	if (item->seq != seq || key != record->path)
		return vst_err_set(err, VST_ETAMPERED, "index: gives another item's line");
	if ((record->tar_offset != UINT64_MAX) != vst_item_has_entry(item))
		return vst_err_set(
		        err, VST_ETAMPERED, "index: whether there is a tar entry does not fit the line");
	return 0;
}

int vst_exhibit_read_entry(struct vst_exhibit *exhibit, uint64_t seq, const struct vst_exhibit_record *record,
        struct vst_exhibit_entry *ret, struct vst_err *err)
{
	struct vst_exhibit_entry entry = {.line_len = record->line_len, .tar_offset = record->tar_offset};
	int rc;

	if ((rc = vst_exhibit_load_leaves(exhibit, err)) != 0)
		return rc;
	if (!(entry.line = vst_alloc(entry.line_len + 1)))
		return vst_err_nomem(err);
	rc = vst_tar_stream_read(exhibit->stream, record->line_offset, entry.line, entry.line_len + 1, err);
	if (rc != 0)
		goto out;
	vst_merkle_leaf(entry.line, entry.line_len, entry.leaf);
	if (entry.line[entry.line_len] != '\n' ||
	        memcmp(entry.leaf, exhibit->leaves + (size_t)seq * VST_HASH_LEN, VST_HASH_LEN) != 0) {
		rc = vst_err_set(err, VST_ETAMPERED, "manifest line %llu is not the sealed one",
		        (unsigned long long)seq);
		goto out;
	}
	if ((rc = vst_item_parse(entry.line, entry.line_len, &entry.item, err)) != 0) {
		vst_err_prepend(err, "manifest line %llu", (unsigned long long)seq);
		goto out;
	}
	if ((rc = check_record(seq, record, entry.item, err)) != 0)
		goto out;
	*ret = entry;
	entry = (struct vst_exhibit_entry){0};
out:
	vst_exhibit_entry_free(&entry);
	return rc;
}

int vst_exhibit_entry_at(
        struct vst_exhibit *exhibit, uint64_t seq, struct vst_exhibit_entry *ret, struct vst_err *err)
{
	int rc = vst_exhibit_load_records(exhibit, err);

	if (rc == 0 && seq >= exhibit->items)
		return vst_err_set(
		        err, VST_ENOTFOUND, "the exhibit has no item %llu", (unsigned long long)seq);
	return rc != 0 ? rc : vst_exhibit_read_entry(exhibit, seq, &exhibit->records[seq], ret, err);
}

int vst_exhibit_list(struct vst_exhibit *exhibit, vst_exhibit_each *each, void *ctx, struct vst_err *err)
{
	int rc;

	if ((rc = vst_exhibit_load_leaves(exhibit, err)) != 0 ||
	        (rc = vst_exhibit_load_records(exhibit, err)) != 0)
		return rc;
	for (uint64_t seq = 0; rc == 0 && seq < exhibit->items; seq++) {
		struct vst_exhibit_entry entry = {0};

		if ((rc = vst_exhibit_entry_at(exhibit, seq, &entry, err)) == 0)
			rc = each(ctx, &entry, err);
		vst_exhibit_entry_free(&entry);
	}
	return rc;
}

/* ---- by place ---- */

static int find_in(struct vst_exhibit *exhibit, const char *source, const char *path,
        struct vst_exhibit_entry *ret, struct vst_err *err)
{
	struct vst_exhibit_entry entry = {0};
	struct vst_exhibit_record record;
	uint8_t digest[VST_HASH_LEN];
	uint64_t seq = 0;
	int rc;

	vst_item_path_digest(source, path, digest);
	if ((rc = vst_exhibit_probe(exhibit, digest, &seq, &record, err)) != 0 ||
	        (rc = vst_exhibit_read_entry(exhibit, seq, &record, &entry, err)) != 0)
		return rc;
	if (strcmp(entry.item->source, source) != 0 || strcmp(entry.item->path, path) != 0) {
		vst_exhibit_entry_free(&entry);
		return vst_err_set(err, VST_ETAMPERED, "index: gives another item's line");
	}
	*ret = entry;
	return 0;
}

struct source_names {
	char *names[SOURCES_MAX];
	size_t count;
};

static int add_source(struct source_names *set, const char *name, struct vst_err *err)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->names[i], name) == 0)
			return 0;
	if (set->count == SOURCES_MAX)
		return vst_err_set(err, VST_ELIMIT, "more than %d sources: name one", SOURCES_MAX);
	if (!(set->names[set->count] = vst_strdup(name)))
		return vst_err_nomem(err);
	set->count++;
	return 0;
}

static int add_source_of(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	return add_source(ctx, entry->item->source, err);
}

static int known_sources(struct vst_exhibit *exhibit, struct source_names *set, struct vst_err *err)
{
	int rc = add_source(set, VST_SOURCE_EXHIBIT, err);

	if (rc == 0 && exhibit->source_count == 0)
		return vst_exhibit_list(exhibit, add_source_of, set, err);
	for (size_t i = 0; rc == 0 && i < exhibit->source_count; i++)
		rc = add_source(set, exhibit->sources[i], err);
	return rc;
}

static int find_in_any(struct vst_exhibit *exhibit, const struct source_names *set, const char *path,
        struct vst_exhibit_entry *ret, struct vst_err *err)
{
	struct vst_exhibit_entry found = {0};
	struct vst_buf names = VST_BUF_INIT;
	size_t hits = 0;
	int rc = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct vst_exhibit_entry entry = {0};

		rc = find_in(exhibit, set->names[i], path, &entry, err);
		if (rc == VST_ENOTFOUND)
			continue;
		if (rc != 0)
			goto out;
		vst_exhibit_entry_free(&found);
		found = entry;
		vst_buf_printf(&names, "%s%s", hits++ ? ", " : "", set->names[i]);
	}
	if (hits == 1) {
		vst_err_clear(err);
		*ret = found;
		found = (struct vst_exhibit_entry){0};
		rc = 0;
	} else if (hits == 0) {
		rc = vst_err_set(err, VST_ENOTFOUND, "no such item");
	} else {
		rc = vst_err_set(err, VST_EUSAGE, "more than one source has it");
		vst_err_hint(err, "say which: %s", vst_buf_cstr(&names));
	}
out:
	vst_exhibit_entry_free(&found);
	vst_buf_free(&names);
	return rc;
}

int vst_exhibit_find(struct vst_exhibit *exhibit, const char *source, const char *path,
        struct vst_exhibit_entry *ret, struct vst_err *err)
{
	struct source_names *set = NULL;
	int rc;

	if (source)
		return find_in(exhibit, source, path, ret, err);
	if (!(set = vst_calloc(1, sizeof *set)))
		return vst_err_nomem(err);
	if ((rc = known_sources(exhibit, set, err)) == 0)
		rc = find_in_any(exhibit, set, path, ret, err);
	for (size_t i = 0; i < set->count; i++)
		free(set->names[i]);
	free(set);
	return rc;
}
