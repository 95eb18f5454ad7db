#include "vestige/exhibit_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/check_state.h"
#include "exhibit/tar_stream.h"
#include "vestige/err.h"
#include "vestige/reader.h"

#define RECORD_MAX (16u * 1024 * 1024) /* of one record of the exhibit's own */
#define LOOK_AT 64                     /* items looked at, at most, to learn which digests the exhibit has */
#define TEXT_MAX 1024

int vst_check_problem(struct vst_check *check, const char *source, const char *path, struct vst_err *err,
        const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;
	int rc = 0;

	check->result.problems++;
	if (check->options->problem == NULL)
		return 0;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	rc = check->options->problem(check->options->ctx, source, path, text);
	return rc != 0 ? vst_err_set(err, rc, "the check was stopped") : 0;
}

/* ---- layout: what each entry of the tar is ---- */

enum entry_kind { KIND_ITEM, KIND_SEGMENT, KIND_INDEX, KIND_LEAVES, KIND_TRAILER };

static bool name_is(const struct vst_tar_member *member, const char *name)
{
	return strcmp(member->name, name) == 0;
}

static enum entry_kind kind_of(const struct vst_tar_member *member)
{
	if (name_is(member, VST_ENTRY_INDEX))
		return KIND_INDEX;
	if (name_is(member, VST_ENTRY_LEAVES))
		return KIND_LEAVES;
	if (name_is(member, VST_ENTRY_TRAILER))
		return KIND_TRAILER;
	return strncmp(member->name, "manifest/", 9) == 0 ? KIND_SEGMENT : KIND_ITEM;
}

static int misplaced(
        struct vst_check *check, const struct vst_tar_member *member, const char *why, struct vst_err *err)
{
	return check->broken ? 0 : vst_check_problem(check, NULL, member->name, err, "%s", why);
}

static int begin_item(struct vst_check *check, struct vst_tar_member *member,
        const struct vst_item_extent *extents, size_t count, struct vst_err *err)
{
	bool evidence = strncmp(member->name, "items/", 6) == 0;
	int rc = 0;

	if (check->phase >= VST_CHECK_CLOSED)
		rc = misplaced(check, member, "an entry behind the closing record", err);
	else if (evidence && check->phase == VST_CHECK_FOUND)
		rc = misplaced(check, member, "an entry behind the findings", err);
	else if (evidence)
		check->phase = VST_CHECK_ITEMS;
	else if (name_is(member, VST_ENTRY_CLOSING))
		check->phase = VST_CHECK_CLOSED;
	else if (check->phase == VST_CHECK_FOUND)
		rc = misplaced(check, member, "an entry behind the findings", err);
	else if (name_is(member, VST_ENTRY_FINDINGS))
		check->phase = VST_CHECK_FOUND;
	else if (check->phase == VST_CHECK_ITEMS)
		rc = misplaced(check, member, "a record among the items", err);
	else if (name_is(member, VST_ENTRY_EXHIBIT) && check->entries > 1)
		rc = misplaced(check, member, "the exhibit's own record is not the first entry", err);
	if (rc != 0 || (rc = vst_content_begin(check->hasher, member, extents, count, err)) != 0)
		return rc;
	check->result.bytes += member->type == '0' ? member->body : 0;
	return vst_check_pending_add(check, member, err);
}

static int begin_segment(struct vst_check *check, const struct vst_tar_member *member, struct vst_err *err)
{
	char due[48];
	int rc = 0;

	(void)snprintf(due, sizeof(due), "manifest/%06llu.jsonl", (unsigned long long)check->segments + 1);
	if (!name_is(member, due))
		rc = misplaced(check, member,
		        "a manifest segment out of order, or the one before it is missing", err);
	if (rc == 0 && check->phase >= VST_CHECK_INDEX)
		rc = misplaced(check, member, "a manifest segment behind the index", err);
	check->segments++;
	vst_check_segment_begin(check);
	return rc;
}

static int begin_tail(struct vst_check *check, const struct vst_tar_member *member,
        enum vst_check_phase phase, struct vst_err *err)
{
	bool closed = phase != VST_CHECK_INDEX || check->phase <= VST_CHECK_CLOSED;
	int rc = 0;

	if ((phase != VST_CHECK_INDEX && check->phase != phase - 1) || !closed)
		rc = misplaced(check, member, "not where the layout has it", err);
	if (rc == 0 && check->pending_count > 0)
		rc = vst_check_pending_flush(check, err);
	check->phase = phase;
	check->part_len = 0;
	check->records = 0;
	if (phase == VST_CHECK_INDEX)
		check->index_at = vst_tar_scan_position(check->scan);
	else if (phase == VST_CHECK_LEAVES)
		check->leaves_at = vst_tar_scan_position(check->scan);
	else
		check->trailer_at = member->offset;
	return rc;
}

/* ---- the tar's events ---- */

static int on_member(void *ctx, struct vst_tar_member *member, const struct vst_item_extent *extents,
        size_t count, struct vst_err *err)
{
	struct vst_check *check = ctx;
	enum entry_kind kind = kind_of(member);
	bool twice = false;
	int rc = vst_check_table_name(check->table, member->name, member->name_len, &twice, err);

	check->entries++;
	check->kind = (int)kind;
	if (rc == 0 && twice)
		rc = vst_check_problem(check, NULL, member->name, err, "the tar has this name twice");
	if (rc != 0)
		return rc;
	if (kind != KIND_ITEM && (member->type != '0' || member->sparse)) {
		check->broken = true;
		return vst_err_set(err, VST_EFORMAT, "%s is no regular file", member->name);
	}
	switch (kind) {
	case KIND_SEGMENT:
		return begin_segment(check, member, err);
	case KIND_INDEX:
		return begin_tail(check, member, VST_CHECK_INDEX, err);
	case KIND_LEAVES:
		return begin_tail(check, member, VST_CHECK_LEAVES, err);
	case KIND_TRAILER:
		check->trailer_len = 0;
		return begin_tail(check, member, VST_CHECK_TRAILER, err);
	case KIND_ITEM:
	default:
		return begin_item(check, member, extents, count, err);
	}
}

/* The exhibit's own records are small and wanted by the caller. */
static int keep_record(struct vst_check *check, const void *data, size_t len, struct vst_err *err)
{
	struct vst_check_pending *pending = vst_check_pending_last(check);

	if (check->options->record == NULL || strncmp(pending->name, "items/", 6) == 0)
		return 0;
	check->pending_bytes += len;
	if (pending->record.len + len > RECORD_MAX)
		return vst_err_set(err, VST_EFORMAT, "%s is larger than any record", pending->name);
	vst_buf_bytes(&pending->record, data, len);
	return vst_buf_check(&pending->record, err);
}

static int on_data(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	struct vst_check *check = ctx;
	size_t room = 0;

	switch ((enum entry_kind)check->kind) {
	case KIND_SEGMENT:
		return vst_check_segment_data(
		        check, vst_tar_scan_position(check->scan) - len, data, len, err);
	case KIND_INDEX:
		return vst_check_index_data(check, data, len, err);
	case KIND_LEAVES:
		return vst_check_leaves_data(check, data, len, err);
	case KIND_TRAILER:
		room = VST_TRAILER_LEN - check->trailer_len;
		if (len > room)
			return vst_err_set(err, VST_EFORMAT, "the trailer is too long");
		memcpy(check->trailer + check->trailer_len, data, len);
		check->trailer_len += len;
		return 0;
	case KIND_ITEM:
	default:
		vst_content_data(check->hasher, offset, data, len);
		return keep_record(check, data, len, err);
	}
}

static int on_lost(void *ctx, uint64_t offset, uint64_t len, struct vst_err *err)
{
	struct vst_check *check = ctx;

	(void)offset;
	(void)err;
	if (check->kind == KIND_ITEM)
		vst_content_lost(check->hasher, len);
	else
		check->broken = true;
	if (check->kind == KIND_SEGMENT) /* the line goes on where nobody saw its beginning */
		vst_check_segment_cut(check);
	return 0;
}

static int on_end(void *ctx, struct vst_err *err)
{
	struct vst_check *check = ctx;

	switch ((enum entry_kind)check->kind) {
	case KIND_SEGMENT:
		return vst_check_segment_end(check, err);
	case KIND_INDEX:
		return vst_check_index_end(check, err);
	case KIND_LEAVES:
		return vst_check_leaves_end(check, err);
	case KIND_TRAILER:
		return check->broken && check->trailer_len != VST_TRAILER_LEN
		               ? 0
		               : vst_check_trailer_end(check, err);
	case KIND_ITEM:
	default:
		return vst_content_end(check->hasher, &vst_check_pending_last(check)->content, err);
	}
}

/* ---- which digests ---- */

static bool read_line_hashes(struct vst_tar_stream *stream, const uint8_t *record, unsigned *ret)
{
	struct vst_reader in = vst_reader_of(record + 36, VST_INDEX_RECORD_LEN - 36);
	struct vst_item *item = NULL;
	struct vst_buf line = VST_BUF_INIT;
	uint64_t entry = 0, at = 0;
	uint32_t len = 0;
	bool found = false;

	if (!vst_reader_u32le(&in, &len) || !vst_reader_u64le(&in, &entry) || !vst_reader_u64le(&in, &at) ||
	        len > VST_MANIFEST_LINE_MAX)
		return false;
	vst_buf_reserve(&line, len);
	if (!line.failed && vst_tar_stream_read(stream, at, line.data, len, NULL) == 0 &&
	        vst_item_parse(line.data, len, &item, NULL) == 0 && (item->has_content || item->has_whole)) {
		*ret = item->has_content ? item->hashes : item->whole.hashes;
		found = true;
	}
	vst_item_free(item);
	vst_buf_free(&line);
	return found;
}

/*
 * Lines come after contents, so which digests the exhibit has is looked up beforehand by trailer and index.
 * Both are only claims here: if they mislead, the digests that were not computed are reported with the first
 * line that has them.
 */
static unsigned look_up_hashes(struct vst_tar_stream *stream)
{
	uint8_t trailer[VST_TRAILER_LEN] = {0}, record[VST_INDEX_RECORD_LEN] = {0};
	struct vst_reader in = vst_reader_of(trailer, sizeof(trailer));
	uint64_t size = vst_tar_stream_size(stream), items = 0, index_at = 0;
	uint32_t version = 0, record_len = 0;
	unsigned hashes = VST_HASH_SHA256;

	if (size < VST_TRAILER_LEN + 2 * VST_TAR_BLOCK ||
	        vst_tar_stream_read(stream, size - VST_TRAILER_LEN - 2 * VST_TAR_BLOCK, trailer,
	                sizeof(trailer), NULL) != 0 ||
	        !vst_reader_literal(&in, VST_TRAILER_MAGIC) || !vst_reader_u32le(&in, &version) ||
	        !vst_reader_u32le(&in, &record_len) || !vst_reader_u64le(&in, &items) ||
	        !vst_reader_u64le(&in, &index_at))
		return hashes;
	for (uint64_t i = 0; i < items && i < LOOK_AT; i++) {
		if (index_at > size || i * VST_INDEX_RECORD_LEN > size - index_at ||
		        vst_tar_stream_read(stream, index_at + i * VST_INDEX_RECORD_LEN, record,
		                sizeof(record), NULL) != 0 ||
		        read_line_hashes(stream, record, &hashes))
			break;
	}
	return hashes;
}

/* ---- the walk ---- */

/* Reports damage and tells the scan of a gap; anything else than damage is a failure. */
static int walk_gap(struct vst_check *check, uint64_t len, const struct vst_err *why, struct vst_err *err)
{
	struct vst_err lost = VST_ERR_INIT;
	int rc = vst_check_problem(check, NULL, NULL, err, "%s", why->text);

	if (rc != 0 || vst_tar_scan_lost(check->scan))
		return rc;
	rc = vst_tar_scan_gap(check->scan, len, &lost);
	if (rc == VST_EFORMAT) {
		check->broken = true;
		return vst_check_problem(
		        check, NULL, NULL, err, "%s: what follows was not compared", lost.text);
	}
	if (rc != 0 && err != NULL)
		*err = lost;
	return rc;
}

static int walk_push(struct vst_check *check, const uint8_t *data, size_t len, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	int rc = 0;

	if (vst_tar_scan_lost(check->scan))
		return 0;
	rc = vst_tar_scan_push(check->scan, data, len, &why);
	if (rc == VST_EFORMAT) {
		check->broken = true;
		return vst_check_problem(
		        check, NULL, NULL, err, "%s: what follows was not compared", why.text);
	}
	if (rc != 0 && err != NULL)
		*err = why;
	return rc;
}

static int walk(struct vst_check *check, struct vst_tar_stream *stream, struct vst_err *err)
{
	const struct vst_seek_table *table = vst_tar_stream_table(stream);
	int rc = 0;

	check->result.tar_bytes = table->tar_size;
	vst_tar_stream_plan(stream, 0, table->tar_size);
	for (uint32_t i = 0; i < table->count && rc == 0; i++) {
		uint64_t at = table->tar_offsets[i];
		struct vst_err why = VST_ERR_INIT;
		const uint8_t *data = NULL;
		size_t len = (size_t)(table->tar_offsets[i + 1] - at);

		if (len == 0) {
			rc = vst_check_problem(check, NULL, NULL, err, "frame %u holds nothing", i);
			continue;
		}
		rc = vst_tar_stream_view(stream, at, &data, &len, &why);
		if (rc == VST_EFORMAT || rc == VST_EAUTH)
			rc = walk_gap(check, len, &why, err);
		else if (rc == 0)
			rc = walk_push(check, data, len, err);
		else if (err != NULL)
			*err = why;
		if (check->options->progress != NULL)
			check->options->progress(
			        check->options->ctx, table->tar_offsets[i + 1], table->tar_size);
	}
	return rc;
}

static int finish(struct vst_check *check, struct vst_tar_stream *stream, struct vst_err *err)
{
	uint64_t read = 0, total = 0;
	int rc = 0;

	if (!vst_tar_scan_lost(check->scan) && !vst_tar_scan_ended(check->scan)) {
		check->broken = true;
		rc = vst_check_problem(
		        check, NULL, NULL, err, "the tar stream ends without its two zero blocks");
	}
	if (rc == 0)
		rc = vst_check_pending_flush(check, err);
	if (rc == 0)
		rc = vst_check_links(check, err);
	if (rc == 0)
		rc = vst_check_root(check, err);
	vst_tar_stream_coverage(stream, &read, &total);
	if (rc == 0 && read != total && check->result.problems == 0)
		rc = vst_check_problem(check, NULL, NULL, err, "%llu bytes belong to no frame",
		        (unsigned long long)(total - read));
	check->result.items = vst_check_table_items(check->table);
	return rc;
}

/* ---- the whole ---- */

static int check_init(struct vst_check *check, unsigned hashes, struct vst_err *err)
{
	const struct vst_tar_events events = {check, on_member, on_data, on_lost, on_end};
	int rc = 0;

	vst_merkle_init(&check->tree);
	if ((rc = vst_check_table_new(&check->table, err)) != 0 ||
	        (rc = vst_content_hasher_new(&check->hasher, hashes, err)) != 0 ||
	        (rc = vst_hash_new(&check->index_hash, VST_HASH_SHA256, err)) != 0)
		return rc;
	return vst_tar_scan_new(&check->scan, &events, err);
}

static void check_clear(struct vst_check *check)
{
	vst_check_pending_free(check);
	vst_check_table_free(check->table);
	vst_content_hasher_free(check->hasher);
	vst_tar_scan_free(check->scan);
	vst_hash_free(check->index_hash);
	vst_buf_free(&check->line);
	free(check->links);
}

/* Whether it was the seek table that could not be read: then the file was opened and is damaged. */
static bool only_table(const struct vst_input *in, const struct vst_age_identities *identities, int rc)
{
	struct vst_age_reader *age = NULL;

	if ((rc != VST_EFORMAT && rc != VST_EAUTH && rc != VST_ELIMIT) ||
	        vst_age_reader_open(&age, in, identities, NULL) != 0)
		return false;
	vst_age_reader_free(age);
	return true;
}

int vst_exhibit_check(const struct vst_input *in, const struct vst_age_identities *identities,
        const struct vst_exhibit_expectation *expect, const struct vst_exhibit_check_options *options,
        struct vst_exhibit_check_result *ret, struct vst_err *err)
{
	struct vst_check check = {.options = options, .expect = expect};
	struct vst_tar_stream *stream = NULL;
	struct vst_err why = VST_ERR_INIT;
	int rc = vst_tar_stream_open(&stream, in, identities, &why);

	if (rc != 0 && only_table(in, identities, rc)) {
		rc = vst_check_problem(&check, NULL, NULL, err,
		        "no contents were checked, for want of the seek table: %s", why.text);
	} else if (rc != 0) {
		if (err != NULL)
			*err = why;
	} else if ((rc = check_init(&check, look_up_hashes(stream), err)) == 0 &&
	           (rc = walk(&check, stream, err)) == 0) {
		rc = finish(&check, stream, err);
	}
	check_clear(&check);
	vst_tar_stream_free(stream);
	if (rc == 0)
		*ret = check.result;
	return rc;
}
