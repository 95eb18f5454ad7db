/*
 * Writes a series index (series_format.h). Blocks go to the file as the items come; all that follows them
 * waits in scratch files.
 *
 * Invariants: 1. the text so far is `ends` blocks in the file and `filled` bytes in `block`; 2. `records`
 * holds exactly the records of the seqs below counts.seqs; 3. after a failure nothing more is added, and
 * finishing fails in the same way.
 *
 * Memory: the runs of the three sorters (6 MiB), buffers of some 64 KiB, and zstd's tables; of items only the
 * places of the blocks, 8 bytes for about a hundred.
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "exhibit/series_contents.h"
#include "exhibit/series_keys.h"
#include "exhibit/series_links.h"
#include "exhibit/series_map.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/scratch.h"
#include "vestige/sorter.h"

#define ZSTD_LEVEL 1
#define RECORDS_BUFFER ((size_t)64 * 1024)
#define LIST_BUFFER ((size_t)4 * 1024)
#define ORDER_ENTRIES ((size_t)64 * 1024)
#define ORDER_LEN (VST_HASH_LEN + 4) /* path digest; seq, big-endian */

struct vst_series_writer {
	struct vst_flowing_file file;
	struct vst_hash *hash;
	ZSTD_CCtx *context;
	uint8_t *block, *frame; /* after the last block `block` collects what is written in small pieces */
	size_t filled, frame_cap;
	struct vst_buf ends, room;
	struct vst_scratch *records, *lists[VST_SERIES_LISTS];
	struct vst_sorter *order;
	struct vst_series_links *links;
	struct vst_series_contents *contents;
	bool carries;
	char *sources[VST_SERIES_SOURCES_MAX];
	uint32_t source; /* of the last item */
	struct vst_series_counts counts;
	struct vst_err failure;
};

static int check_generation(
        uint64_t exhibit, uint64_t full, const struct vst_series_index *earlier, struct vst_err *err)
{
	if (full == 0 || full > exhibit)
		return vst_err_set(err, VST_EUSAGE, "series index: an exhibit outside its generation");
	if (earlier && (vst_series_full(earlier) != full || vst_series_exhibit(earlier) >= exhibit))
		return vst_err_set(err, VST_EUSAGE, "series index: the earlier one is of another generation");
	return 0;
}

/* Whatever is written is part of the digest. */
static int emit(struct vst_series_writer *writer, const void *data, size_t len, struct vst_err *err)
{
	struct vst_output out = vst_output_flowing(&writer->file);
	vst_hash_update(writer->hash, data, len);
	return out.write(out.ctx, data, len, err);
}

static int set_up(
        struct vst_series_writer *writer, int scratch_fd, struct vst_series_map *earlier, struct vst_err *err)
{
	uint8_t header[VST_SERIES_HEADER_LEN] = VST_SERIES_MAGIC;
	int rc;
	header[VST_SERIES_MAGIC_LEN] = VST_SERIES_FORMAT;
	writer->frame_cap = ZSTD_compressBound(VST_SERIES_BLOCK);
	writer->block = vst_alloc(VST_SERIES_BLOCK);
	writer->frame = vst_alloc(writer->frame_cap);
	writer->context = ZSTD_createCCtx();
	if (!writer->block || !writer->frame || !writer->context)
		return vst_err_nomem(err);
	if (ZSTD_isError(ZSTD_CCtx_setParameter(writer->context, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
	        ZSTD_isError(ZSTD_CCtx_setParameter(writer->context, ZSTD_c_checksumFlag, 1)))
		return vst_err_set(err, VST_ELIBRARY, "series index: zstd does not take its settings");
	if ((rc = vst_hash_new(&writer->hash, VST_HASH_SHA256, err)) != 0 ||
	        (rc = vst_scratch_new(scratch_fd, RECORDS_BUFFER, &writer->records, err)) != 0 ||
	        (rc = vst_sorter_new(scratch_fd, ORDER_LEN, ORDER_LEN, ORDER_ENTRIES, &writer->order, err)) !=
	                0 ||
	        (rc = vst_series_links_new(scratch_fd, &writer->links, err)) != 0 ||
	        (rc = vst_series_contents_new(scratch_fd, earlier, &writer->contents, err)) != 0)
		return rc;
	for (int i = 0; i < VST_SERIES_LISTS; i++)
		if ((rc = vst_scratch_new(scratch_fd, LIST_BUFFER, &writer->lists[i], err)) != 0)
			return rc;
	return emit(writer, header, sizeof header, err);
}

int vst_series_writer_new(int fd, int scratch_fd, uint64_t exhibit, uint64_t full,
        const struct vst_series_index *earlier, struct vst_series_writer **ret, struct vst_err *err)
{
	struct vst_series_writer *writer;
	int rc = check_generation(exhibit, full, earlier, err);
	if (rc != 0)
		return rc;
	writer = vst_calloc(1, sizeof *writer);
	if (!writer)
		return vst_err_nomem(err);
	writer->file.fd = fd;
	writer->counts.exhibit = exhibit;
	writer->counts.full = full;
	writer->carries = earlier != NULL;
	rc = set_up(writer, scratch_fd, earlier ? vst_series_index_map(earlier) : NULL, err);
	if (rc != 0) {
		vst_series_writer_free(writer);
		return rc;
	}
	*ret = writer;
	return 0;
}

/* What is not needed after the end, and is large. */
static void let_go(struct vst_series_writer *writer)
{
	vst_series_contents_free(writer->contents);
	vst_series_links_free(writer->links);
	vst_sorter_free(writer->order);
	vst_scratch_free(writer->records);
	for (int i = 0; i < VST_SERIES_LISTS; i++) {
		vst_scratch_free(writer->lists[i]);
		writer->lists[i] = NULL;
	}
	writer->contents = NULL;
	writer->links = NULL;
	writer->order = NULL;
	writer->records = NULL;
}

void vst_series_writer_free(struct vst_series_writer *writer)
{
	if (!writer)
		return;
	for (uint64_t i = 0; i < writer->counts.sources; i++)
		free(writer->sources[i]);
	let_go(writer);
	vst_buf_free(&writer->room);
	vst_buf_free(&writer->ends);
	ZSTD_freeCCtx(writer->context);
	free(writer->frame);
	free(writer->block);
	vst_hash_free(writer->hash);
	free(writer);
}

/* ---- text ---- */

static int end_block(struct vst_series_writer *writer, struct vst_err *err)
{
	size_t got = ZSTD_compress2(
	        writer->context, writer->frame, writer->frame_cap, writer->block, writer->filled);
	int rc;
	if (ZSTD_isError(got))
		return vst_err_set(err, VST_ELIBRARY, "zstd: compress: %s", ZSTD_getErrorName(got));
	writer->filled = 0;
	writer->counts.blocks_len += got;
	vst_buf_u64le(&writer->ends, writer->counts.blocks_len);
	if ((rc = vst_buf_check(&writer->ends, err)) != 0)
		return rc;
	return emit(writer, writer->frame, got, err);
}

static int put_text(struct vst_series_writer *writer, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *from = data;
	writer->counts.text_len += len;
	while (len > 0) {
		size_t some = VST_SERIES_BLOCK - writer->filled;
		int rc;
		if (some > len)
			some = len;
		memcpy(writer->block + writer->filled, from, some);
		writer->filled += some;
		from += some;
		len -= some;
		if (writer->filled == VST_SERIES_BLOCK && (rc = end_block(writer, err)) != 0)
			return rc;
	}
	return 0;
}

/* ---- items ---- */

static int find_source(struct vst_series_writer *writer, const char *name, uint32_t *ret, struct vst_err *err)
{
	uint32_t count = (uint32_t)writer->counts.sources;
	*ret = writer->source;
	if (*ret < count && strcmp(writer->sources[*ret], name) == 0)
		return 0;
	for (*ret = 0; *ret < count; ++*ret) {
		if (strcmp(writer->sources[*ret], name) == 0)
			return 0;
	}
	if (strlen(name) > VST_SOURCE_NAME_MAX || count == VST_SERIES_SOURCES_MAX)
		return vst_err_set(err, VST_ELIMIT, "series index: too many sources, or a name too long");
	writer->sources[count] = vst_strdup(name);
	if (!writer->sources[count])
		return vst_err_nomem(err);
	writer->counts.sources++;
	return 0;
}

static uint8_t flags_of(const struct vst_item *item, unsigned flags)
{
	if (item->has_stat)
		flags |= VST_SERIES_STAT;
	if (item->is_sparse)
		flags |= VST_SERIES_SPARSE;
	if (item->type == VST_ITEM_FILE && item->has_stat && (item->mode & 06000))
		flags |= VST_SERIES_SET_ID;
	if (item->is_hardlink)
		flags |= VST_SERIES_HARDLINK;
	for (size_t i = 0; i < item->xattr_count; i++) {
		if (strcmp(item->xattrs[i].name, "security.capability") == 0)
			flags |= VST_SERIES_CAPABILITY;
	}
	return (uint8_t)flags;
}

static int record_of(struct vst_series_writer *writer, const struct vst_item *item, unsigned flags,
        struct vst_series_record *ret, bool *ret_has_key, struct vst_err *err)
{
	int rc;
	memset(ret, 0, sizeof *ret);
	ret->size = item->target ? strlen(item->target) : item->size;
	vst_item_path_digest(item->source, item->path, ret->path);
	if ((rc = vst_series_meta_of(item, &writer->room, ret->meta, err)) != 0 ||
	        (rc = vst_series_key_of(item, &writer->room, ret->content, &ret->size, ret_has_key, err)) !=
	                0 ||
	        (rc = find_source(writer, item->source, &ret->source, err)) != 0)
		return rc;
	writer->source = ret->source;
	ret->mtime = item->mtime;
	ret->ctime = item->ctime;
	ret->btime = item->btime;
	ret->ino = item->ino;
	ret->dev_major = item->dev_major;
	ret->dev_minor = item->dev_minor;
	ret->mode = item->mode;
	ret->type = (uint8_t)item->type;
	ret->status = (uint8_t)item->status;
	ret->extent = (uint8_t)item->content;
	ret->flags = flags_of(item, flags);
	return 0;
}

static int list_item(
        struct vst_series_writer *writer, enum vst_series_list list, uint64_t seq, struct vst_err *err)
{
	uint8_t packed[VST_SERIES_LISTED_LEN];
	vst_series_put(packed, seq, sizeof packed);
	writer->counts.listed[list]++;
	return vst_scratch_append(writer->lists[list], packed, sizeof packed, err);
}

static int put_record(struct vst_series_writer *writer, const struct vst_series_record *record, uint64_t seq,
        struct vst_err *err)
{
	static const uint8_t empty[VST_SERIES_RECORD_LEN];
	uint8_t packed[VST_SERIES_RECORD_LEN], entry[ORDER_LEN];
	int rc;
	for (; writer->counts.seqs < seq; writer->counts.seqs++) {
		if ((rc = vst_scratch_append(writer->records, empty, sizeof empty, err)) != 0)
			return rc;
	}
	vst_series_record_pack(record, packed);
	if ((rc = vst_scratch_append(writer->records, packed, sizeof packed, err)) != 0)
		return rc;
	writer->counts.seqs++;
	writer->counts.items++;
	if ((record->facts_len > 0 && (rc = list_item(writer, VST_SERIES_WITH_FACTS, seq, err)) != 0) ||
	        (record->flags & VST_SERIES_APPEND_ONLY &&
	                (rc = list_item(writer, VST_SERIES_GROWING, seq, err)) != 0))
		return rc;
	memcpy(entry, record->path, VST_HASH_LEN);
	for (unsigned i = 0; i < 4; i++)
		entry[VST_HASH_LEN + i] = (uint8_t)(seq >> (8 * (3 - i)));
	return vst_sorter_add(writer->order, entry, err);
}

/* What the exhibits hold now that they did not before. What was cut short or failed is in its entry too, but
   is not the file: nothing is to be built on it. */
static int add_content(struct vst_series_writer *writer, const struct vst_item *item,
        const struct vst_series_record *record, struct vst_err *err)
{
	const struct vst_item_stored own = {
	        writer->counts.exhibit, item->seq, vst_item_is_tail(item) ? item->size : record->size};
	switch (item->status) {
	case VST_ITEM_COLLECTED:
	case VST_ITEM_CHANGED:
	case VST_ITEM_TAIL:
		if (!item->has_content)
			return 0;
		if (!item->has_whole)
			return vst_series_contents_add(writer->contents, record->content, record->size,
			        item->seq, NULL, 0, &own, err);
		return vst_series_contents_add(writer->contents, record->content, record->size, item->seq,
		        item->whole.stored, item->whole.stored_count, &own, err);
	case VST_ITEM_UNCHANGED:
		if (writer->carries)
			return 0; /* the earlier index has it, or the snapshot could not have known */
		return vst_series_contents_add(writer->contents, record->content, record->size, item->seq,
		        item->whole.stored, item->whole.stored_count, NULL, err);
	default:
		return 0;
	}
}

static int check_item(const struct vst_series_writer *writer, const struct vst_item *item, size_t line_len,
        size_t facts_len, unsigned flags, struct vst_err *err)
{
	if (item->seq < writer->counts.seqs || item->seq >= VST_EXHIBIT_ITEMS_MAX)
		return vst_err_set(err, VST_EUSAGE, "series index: items out of order");
	if (item->type == VST_ITEM_RECORD)
		return vst_err_set(err, VST_EUSAGE, "series index: a record of the exhibit's own");
	if (line_len > VST_MANIFEST_LINE_MAX || facts_len > VST_SERIES_FACTS_MAX)
		return vst_err_set(err, VST_ELIMIT, "series index: a line or facts too long");
	if (flags & ~(unsigned)VST_SERIES_APPEND_ONLY)
		return vst_err_set(err, VST_EUSAGE, "series index: flags that the item itself tells");
	return 0;
}

static int add(struct vst_series_writer *writer, const struct vst_item *item, const void *line,
        size_t line_len, const void *facts, size_t facts_len, unsigned flags, struct vst_err *err)
{
	struct vst_series_record record;
	bool has_key = false;
	int rc = check_item(writer, item, line_len, facts_len, flags, err);
	if (rc != 0 || (rc = record_of(writer, item, flags, &record, &has_key, err)) != 0)
		return rc;
	record.line_at = writer->counts.text_len;
	record.line_len = (uint32_t)line_len;
	record.facts_len = (uint32_t)facts_len;
	if ((rc = put_text(writer, line, line_len, err)) != 0 || (rc = put_text(writer, "\n", 1, err)) != 0 ||
	        (rc = put_text(writer, facts, facts_len, err)) != 0 ||
	        (rc = put_text(writer, "\n", 1, err)) != 0 ||
	        (rc = put_record(writer, &record, item->seq, err)) != 0)
		return rc;
	if (item->is_hardlink)
		return vst_series_links_link(writer->links, item->hardlink, item->seq, err);
	if (!has_key)
		return 0;
	if (item->has_stat && item->nlink > 1 &&
	        (rc = vst_series_links_target(writer->links, line, line_len, item->seq, err)) != 0)
		return rc;
	return item->content == VST_ITEM_CONTENT_FULL ? add_content(writer, item, &record, err) : 0;
}

static int failed_before(const struct vst_series_writer *writer, struct vst_err *err)
{
	if (err)
		*err = writer->failure;
	return writer->failure.code;
}

int vst_series_writer_add(struct vst_series_writer *writer, const struct vst_item *item, const void *line,
        size_t line_len, const void *facts, size_t facts_len, unsigned flags, struct vst_err *err)
{
	if (writer->failure.code == 0)
		(void)add(writer, item, line, line_len, facts, facts_len, flags, &writer->failure);
	return writer->failure.code ? failed_before(writer, err) : 0;
}

/* ---- the end ---- */

static int flush(struct vst_series_writer *writer, struct vst_err *err)
{
	int rc = emit(writer, writer->block, writer->filled, err);
	writer->filled = 0;
	return rc;
}

static int put(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct vst_series_writer *writer = ctx;
	int rc;
	if (len > VST_SERIES_BLOCK - writer->filled && (rc = flush(writer, err)) != 0)
		return rc;
	memcpy(writer->block + writer->filled, data, len);
	writer->filled += len;
	return 0;
}

/* With nothing in `block`. */
static int write_scratch(struct vst_series_writer *writer, struct vst_scratch *scratch, struct vst_err *err)
{
	uint64_t size = vst_scratch_size(scratch);
	for (uint64_t at = 0; at < size;) {
		size_t some = size - at < VST_SERIES_BLOCK ? (size_t)(size - at) : VST_SERIES_BLOCK;
		int rc = vst_scratch_read(scratch, at, writer->block, some, err);
		if (rc != 0 || (rc = emit(writer, writer->block, some, err)) != 0)
			return rc;
		at += some;
	}
	return 0;
}

static int write_order(struct vst_series_writer *writer, struct vst_err *err)
{
	uint8_t last[VST_HASH_LEN];
	const uint8_t *entry;
	int rc = vst_sorter_sort(writer->order, err);
	for (uint64_t i = 0; rc == 0 && (rc = vst_sorter_next(writer->order, &entry, err)) == 0 && entry;
	        i++) {
		uint8_t packed[VST_SERIES_ORDER_LEN];
		if (i > 0 && memcmp(last, entry, VST_HASH_LEN) == 0)
			return vst_err_set(err, VST_EUSAGE, "series index: two items of one place");
		memcpy(last, entry, VST_HASH_LEN);
		memcpy(packed, entry, VST_SERIES_ORDER_SEQ_AT);
		for (unsigned byte = 0; byte < 4; byte++)
			packed[VST_SERIES_ORDER_SEQ_AT + byte] = entry[ORDER_LEN - 1 - byte];
		rc = put(writer, packed, sizeof packed, err);
	}
	return rc;
}

static int write_sources(struct vst_series_writer *writer, struct vst_err *err)
{
	for (uint64_t i = 0; i < writer->counts.sources; i++) {
		uint8_t len = (uint8_t)strlen(writer->sources[i]);
		int rc = put(writer, &len, 1, err);
		if (rc != 0 || (rc = put(writer, writer->sources[i], len, err)) != 0)
			return rc;
		writer->counts.sources_len += 1u + len;
	}
	return 0;
}

static int write_tables(struct vst_series_writer *writer, struct vst_err *err)
{
	const struct vst_output out = {writer, put};
	uint8_t trailer[VST_SERIES_TRAILER_LEN];
	int rc;
	if (writer->filled > 0 && (rc = end_block(writer, err)) != 0)
		return rc;
	if ((rc = vst_series_links_resolve(writer->links, writer->records, err)) != 0 ||
	        (rc = write_scratch(writer, writer->records, err)) != 0 ||
	        (rc = write_order(writer, err)) != 0 ||
	        (rc = vst_series_contents_write(writer->contents, &out, &writer->counts, err)) != 0 ||
	        (rc = flush(writer, err)) != 0 ||
	        (rc = emit(writer, writer->ends.data, writer->ends.len, err)) != 0 ||
	        (rc = write_scratch(writer, writer->lists[VST_SERIES_WITH_FACTS], err)) != 0 ||
	        (rc = write_scratch(writer, writer->lists[VST_SERIES_GROWING], err)) != 0 ||
	        (rc = write_sources(writer, err)) != 0)
		return rc;
	vst_series_trailer_pack(&writer->counts, trailer);
	if ((rc = put(writer, trailer, sizeof trailer, err)) != 0 || (rc = flush(writer, err)) != 0)
		return rc;
	return vst_io_fsync(writer->file.fd, err);
}

int vst_series_writer_finish(struct vst_series_writer *writer, uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	if (writer->failure.code != 0 || write_tables(writer, &writer->failure) != 0)
		return failed_before(writer, err);
	memcpy(ret, vst_hash_final(writer->hash, VST_HASH_SHA256), VST_HASH_LEN);
	let_go(writer);
	/* A second end would write a second trailer. */
	(void)vst_err_set(&writer->failure, VST_EUSAGE, "series index: it is finished");
	return 0;
}
