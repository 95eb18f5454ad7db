/*
 * Invariants:
 * 1. Between two calls the tar is at the end of an entry, unless an item is open (OPEN).
 * 2. Every item of the index has its line in `lines` or in a segment that is written; those from
 * `segment_seq` on are in `lines`.
 * 3. `last` or, where it is empty, the end of `lines` is the last item's line.
 * 4. `tails` has the names of all tails in the tar, as if they were paths: who has one of these gets another
 * name.
 * 5. Once something went wrong halfway, nothing but _free is done any more (FAILED): a later success would
 * hide it.
 */
#include "vestige/exhibit_writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exhibit/content_out.h"
#include "exhibit/exhibit_index.h"
#include "exhibit/exhibit_tail.h"
#include "exhibit/frames.h"
#include "exhibit/manifest_check.h"
#include "exhibit/sealed_out.h"
#include "exhibit/tar_out.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"
#include "vestige/merkle.h"
#include "vestige/secret.h"
#include "vestige/timefmt.h"

#define SALTS 256 /* drawn at once */
#define SEGMENT_LINES_MAX ((size_t)4 * 1024 * 1024)
#define XATTRS_BYTES_MAX ((size_t)8 * 1024 * 1024) /* so that a line stays below VST_MANIFEST_LINE_MAX */
#define PROGRESS_STEP ((uint64_t)1024 * 1024)

enum state { READY, OPEN, FAILED, FINISHED };

struct vst_exhibit_writer {
	struct vst_exhibit_writer_options options;
	enum state state;
	struct vst_sealed_out *sealed;
	struct vst_frames *frames;
	struct vst_tar_out *tar;
	struct vst_content_out *content;
	int64_t time; /* of our own entries, seconds */

	struct vst_index index, tails;
	struct vst_buf lines; /* manifest lines that no segment has yet */
	struct vst_buf last;  /* the last of them, when a segment took it */
	size_t last_len;      /* without LF */
	uint64_t segments, segment_seq, segment_bytes;

	char source[VST_SOURCE_NAME_MAX + 1]; /* empty: none yet */
	struct vst_exhibit_source_counts *counts;
	size_t source_count, current; /* `current` counts for `source` */

	uint8_t salts[SALTS][VST_SALT_LEN];
	size_t salts_left;
	struct vst_buf name, link;
	uint8_t open_path[VST_HASH_LEN]; /* of the open item */
	uint64_t open_offset;            /* of its first byte in its file */
	uint64_t told;                   /* position at the last progress */
};

/* ---- life ---- */

static unsigned worker_count(unsigned wanted)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	if (wanted == 0)
		wanted = online > 0 ? (unsigned)online : 1;
	return wanted < VST_FRAMES_WORKERS_MAX ? wanted : VST_FRAMES_WORKERS_MAX;
}

int vst_exhibit_writer_new(const struct vst_exhibit_writer_options *options, struct vst_exhibit_writer **ret,
        struct vst_err *err)
{
	struct vst_exhibit_writer *writer = vst_calloc(1, sizeof *writer);
	struct vst_frames_options frames = {
	        .workers = worker_count(options->workers), .frame_size = VST_FRAME_MAX};
	int rc;
	if (!writer)
		return vst_err_nomem(err);
	writer->options = *options;
	writer->options.hashes |= VST_HASH_SHA256;
	writer->time = vst_time_now() / VST_NS_PER_S;
	if ((rc = vst_index_init(&writer->index, err)) != 0 ||
	        (rc = vst_index_init(&writer->tails, err)) != 0 ||
	        (rc = vst_sealed_out_new(options->recipients, &options->out, &writer->sealed, err)) != 0)
		goto out;
	frames.out = vst_sealed_out_input(writer->sealed);
	if ((rc = vst_frames_new(&frames, &writer->frames, err)) != 0 ||
	        (rc = vst_tar_out_new(writer->frames, &writer->tar, err)) != 0 ||
	        (rc = vst_content_out_new(
	                 writer->tar, writer->options.hashes, writer->time, &writer->content, err)) != 0)
		goto out;
	*ret = writer;
	return 0;
out:
	vst_exhibit_writer_free(writer);
	return rc;
}

void vst_exhibit_writer_free(struct vst_exhibit_writer *writer)
{
	if (!writer)
		return;
	vst_content_out_free(writer->content);
	vst_tar_out_free(writer->tar);
	vst_frames_free(writer->frames);
	vst_sealed_out_free(writer->sealed);
	vst_index_free(&writer->index);
	vst_index_free(&writer->tails);
	vst_buf_free(&writer->lines);
	vst_buf_free(&writer->last);
	vst_buf_free(&writer->name);
	vst_buf_free(&writer->link);
	free(writer->counts);
	free(writer);
}

static int check_state(const struct vst_exhibit_writer *writer, enum state wanted, struct vst_err *err)
{
	static const char *const instead[] = {[READY] = "no item is open",
	        [OPEN] = "an item is open",
	        [FAILED] = "it failed before",
	        [FINISHED] = "it is finished"};
	if (writer->state == wanted)
		return 0;
	return vst_err_set(err, VST_EUSAGE, "exhibit writer: %s", instead[writer->state]);
}

static int fail(struct vst_exhibit_writer *writer, int rc)
{
	writer->state = FAILED;
	return rc;
}

static void tell_progress(struct vst_exhibit_writer *writer, uint64_t step)
{
	uint64_t position = vst_frames_position(writer->frames);
	if (!writer->options.progress || position - writer->told < step)
		return;
	writer->told = position;
	writer->options.progress(writer->options.progress_ctx, position, vst_frames_written(writer->frames));
}

/* ---- sources and counts ---- */

/* Makes `name` the source that is counted; `is_new` if it must not have been there. */
static int count_for(struct vst_exhibit_writer *writer, const char *name, bool is_new, struct vst_err *err)
{
	struct vst_exhibit_source_counts *counts;
	for (size_t i = 0; i < writer->source_count; i++) {
		if (strcmp(writer->counts[i].name, name) != 0)
			continue;
		if (is_new)
			return vst_err_set(err, VST_EEXIST, "exhibit writer: source %s a second time", name);
		writer->current = i;
		return 0;
	}
	counts = vst_realloc(writer->counts, writer->source_count + 1, sizeof *counts);
	if (!counts)
		return vst_err_nomem(err);
	writer->counts = counts;
	writer->current = writer->source_count++;
	memset(&counts[writer->current], 0, sizeof *counts);
	strcpy(counts[writer->current].name, name); /* the caller has checked its length */
	return 0;
}

int vst_exhibit_writer_source(struct vst_exhibit_writer *writer, const char *name, struct vst_err *err)
{
	struct vst_item probe; /* the manifest's idea of a name */
	int rc = check_state(writer, READY, err);
	if (rc != 0)
		return rc;
	vst_item_init(&probe);
	probe.source = name;
	probe.path = "/";
	probe.status = VST_ITEM_ABSENT;
	if ((rc = vst_item_check(&probe, err)) != 0 || (rc = count_for(writer, name, true, err)) != 0)
		return rc;
	strcpy(writer->source, name);
	return 0;
}

size_t vst_exhibit_writer_counts(
        const struct vst_exhibit_writer *writer, const struct vst_exhibit_source_counts **ret)
{
	*ret = writer->counts;
	return writer->source_count;
}

bool vst_exhibit_writer_has(const struct vst_exhibit_writer *writer, const char *path)
{
	uint8_t digest[VST_HASH_LEN];
	uint64_t seq;
	if (writer->state == FINISHED || writer->source[0] == '\0')
		return false;
	vst_item_path_digest(writer->source, path, digest);
	return vst_index_find(&writer->index, digest, &seq);
}

/* ---- manifest ---- */

static int put_segment(struct vst_exhibit_writer *writer, struct vst_err *err)
{
	uint64_t base;
	int rc;
	vst_buf_clear(&writer->last);
	vst_buf_bytes(&writer->last, writer->lines.data + writer->lines.len - writer->last_len - 1,
	        writer->last_len);
	if ((rc = vst_buf_check(&writer->last, err)) != 0)
		return rc;
	vst_buf_clear(&writer->name);
	vst_buf_printf(&writer->name, "manifest/%06llu.jsonl", (unsigned long long)writer->segments + 1);
	if ((rc = vst_buf_check(&writer->name, err)) != 0 ||
	        (rc = vst_exhibit_put_entry(writer->tar, writer->frames, vst_buf_cstr(&writer->name),
	                 writer->lines.data, writer->lines.len, writer->time, &base, err)) != 0)
		return rc;
	vst_index_place_lines(&writer->index, writer->segment_seq, base);
	writer->segments++;
	writer->segment_seq = writer->index.count;
	writer->segment_bytes = 0;
	vst_buf_clear(&writer->lines);
	return 0;
}

static int draw_salt(struct vst_exhibit_writer *writer, uint8_t ret[VST_SALT_LEN], struct vst_err *err)
{
	if (writer->salts_left == 0) {
		int rc = vst_random(writer->salts, sizeof writer->salts, err);
		if (rc != 0)
			return rc;
		writer->salts_left = SALTS;
	}
	memcpy(ret, writer->salts[--writer->salts_left], VST_SALT_LEN);
	return 0;
}

void vst_exhibit_writer_line(
        const struct vst_exhibit_writer *writer, const uint8_t **ret_line, size_t *ret_len)
{
	*ret_len = writer->last_len;
	*ret_line = writer->last_len == 0    ? NULL
	            : writer->lines.len == 0 ? writer->last.data
	                                     : writer->lines.data + writer->lines.len - writer->last_len - 1;
}

/* The last step of every item: its line, leaf and record. */
static int put_line(struct vst_exhibit_writer *writer, struct vst_item *item,
        const uint8_t path[VST_HASH_LEN], uint64_t entry_offset, uint8_t *ret_leaf, struct vst_err *err)
{
	struct vst_index_record record = {.entry_offset = entry_offset, .line_offset = writer->lines.len};
	struct vst_exhibit_source_counts *counts = &writer->counts[writer->current];
	uint8_t leaf[VST_HASH_LEN], notes = item->long_entry ? VST_INDEX_LONG : 0;
	int rc;
	if (item->status == VST_ITEM_UNCHANGED || item->has_whole)
		notes |= VST_INDEX_ELSEWHERE;
	if ((rc = draw_salt(writer, item->salt, err)) != 0 ||
	        (rc = vst_item_encode(item, &writer->lines, err)) != 0)
		return rc;
	record.line_len = (uint32_t)(writer->lines.len - record.line_offset);
	memcpy(record.path, path, sizeof record.path);
	vst_merkle_leaf(writer->lines.data + record.line_offset, record.line_len, leaf);
	vst_buf_byte(&writer->lines, '\n');
	if ((rc = vst_buf_check(&writer->lines, err)) != 0 ||
	        (rc = vst_index_add(&writer->index, &record, leaf, notes, err)) != 0)
		return rc;
	writer->last_len = record.line_len;
	counts->items[item->status]++;
	if (item->has_content && entry_offset != VST_INDEX_NO_ENTRY) {
		counts->bytes += item->size;
		writer->segment_bytes += item->size;
	}
	if (ret_leaf)
		memcpy(ret_leaf, leaf, VST_HASH_LEN);
	if (writer->index.count - writer->segment_seq >= VST_SEGMENT_ITEMS ||
	        writer->segment_bytes >= VST_SEGMENT_BYTES || writer->lines.len >= SEGMENT_LINES_MAX)
		return put_segment(writer, err);
	return 0;
}

/* ---- items ---- */

/* A hostile file system can give more attributes than a line may hold: they are then named as what could not
 * be had. */
static void limit_xattrs(struct vst_item *item)
{
	size_t bytes = 0;
	for (size_t i = 0; i < item->xattr_count && bytes <= XATTRS_BYTES_MAX; i++)
		bytes += strlen(item->xattrs[i].name) + item->xattrs[i].len;
	if (bytes <= XATTRS_BYTES_MAX)
		return;
	item->xattrs = NULL;
	item->xattr_count = 0;
	item->xattrs_error = "more than 8 MiB of extended attributes: left out";
}

/* A map without holes is no map: tar has no form for it. */
static void drop_full_map(struct vst_item *item)
{
	bool full = item->size == 0 || (item->extent_count == 1 && item->extents[0].offset == 0 &&
	                                       item->extents[0].len == item->size);
	if (!item->is_sparse || !full)
		return;
	item->is_sparse = item->has_whole_sha256 = false;
	item->extents = NULL;
	item->extent_count = 0;
}

/* An access ACL of three base entries is the mode in other words: the kernel keeps none, and neither does
 * tar. */
static void drop_base_acl(struct vst_item *item)
{
	if (item->acl && !strstr(item->acl, "mask:") && strncmp(item->acl, "user::", 6) == 0 &&
	        strlen(item->acl) == strlen("user::rwx,group::rwx,other::rwx"))
		item->acl = NULL;
}

/* Source, seq and path of an item that is about to be written. */
static int place(struct vst_exhibit_writer *writer, struct vst_item *item, uint8_t ret_path[VST_HASH_LEN],
        struct vst_err *err)
{
	uint64_t seq;
	if (item->type != VST_ITEM_RECORD && writer->source[0] == '\0')
		return vst_err_set(err, VST_EUSAGE, "exhibit writer: an item without a source");
	if (!item->path)
		return vst_err_set(err, VST_EUSAGE, "exhibit writer: an item without a path");
	item->source = item->type == VST_ITEM_RECORD ? VST_SOURCE_EXHIBIT : writer->source;
	item->seq = writer->index.count;
	item->long_entry = false;
	limit_xattrs(item);
	drop_full_map(item);
	drop_base_acl(item);
	vst_item_path_digest(item->source, item->path, ret_path);
	if (vst_index_find(&writer->index, ret_path, &seq))
		return vst_err_set(
		        err, VST_EEXIST, "exhibit writer: source %s has this path already", item->source);
	return 0;
}

/* The name of a tail as a path, to compare with paths: `ret` is its digest. */
static int digest_tail(struct vst_exhibit_writer *writer, const struct vst_item *item,
        uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	int rc;
	vst_buf_clear(&writer->name);
	vst_buf_printf(&writer->name, "%s@%llu", item->path, (unsigned long long)vst_item_tail_offset(item));
	if ((rc = vst_buf_check(&writer->name, err)) == 0)
		vst_item_path_digest(item->source, vst_buf_cstr(&writer->name), ret);
	return rc;
}

/*
 * `/x` from byte 5 on and a file `/x@5` would have the same name in the tar: whoever comes second gets the
 * long one. `item` is placed and has an entry.
 */
static int choose_entry(struct vst_exhibit_writer *writer, struct vst_item *item,
        const uint8_t path[VST_HASH_LEN], struct vst_err *err)
{
	uint8_t tail[VST_HASH_LEN];
	uint64_t seq;
	int rc;
	if (item->type == VST_ITEM_RECORD || !vst_item_entry_fits(item))
		return 0;
	if (!vst_item_is_tail(item)) {
		item->long_entry = vst_index_find(&writer->tails, path, &seq);
		return 0;
	}
	if ((rc = digest_tail(writer, item, tail, err)) == 0)
		item->long_entry = vst_index_find(&writer->index, tail, &seq) &&
		                   vst_index_get(&writer->index, seq).entry_offset != VST_INDEX_NO_ENTRY;
	return rc;
}

static int remember_tail(struct vst_exhibit_writer *writer, const struct vst_item *item, struct vst_err *err)
{
	struct vst_index_record record = {.entry_offset = VST_INDEX_NO_ENTRY};
	int rc;
	if (!vst_item_is_tail(item) || item->long_entry || !vst_item_entry_fits(item))
		return 0;
	if ((rc = digest_tail(writer, item, record.path, err)) != 0)
		return rc;
	return vst_index_add(&writer->tails, &record, record.path, 0, err);
}

/* A tail's file ends where the tail ends. */
static void set_whole_size(struct vst_item *item)
{
	item->whole.size = vst_item_tail_offset(item) + item->size;
}

/* As it will be if all goes well: what is wrong with it now would be wrong at its end, when it is in the
 * tar. */
static int check_beginning(const struct vst_item *item, struct vst_err *err)
{
	struct vst_item probe = *item;
	if (item->type != VST_ITEM_FILE && item->type != VST_ITEM_STREAM && item->type != VST_ITEM_RECORD)
		return vst_err_set(err, VST_EUSAGE, "exhibit writer: a type that has no content");
	probe.rule = NULL;
	probe.error = 0;
	probe.has_content = true;
	probe.hashes = 0;
	probe.size = item->type == VST_ITEM_STREAM ? 0 : item->size;
	probe.parts = item->type == VST_ITEM_STREAM;
	probe.has_read = false;
	probe.read_padding = 0;
	probe.has_prefix = false;
	if (vst_item_is_tail(&probe) || item->status == VST_ITEM_TAIL) {
		probe.status = VST_ITEM_TAIL;
		probe.whole.hashes = VST_HASH_SHA256;
		set_whole_size(&probe);
	} else {
		probe.status = VST_ITEM_COLLECTED;
		probe.has_whole = false;
	}
	return vst_item_check(&probe, err);
}

int vst_exhibit_writer_begin(
        struct vst_exhibit_writer *writer, const struct vst_item *item, struct vst_err *err)
{
	struct vst_item placed = *item;
	int rc = check_state(writer, READY, err);
	placed.has_content = true; /* that is what it is begun for, and what makes it a tail */
	if (rc != 0 || (rc = place(writer, &placed, writer->open_path, err)) != 0 ||
	        (rc = check_beginning(&placed, err)) != 0 ||
	        (rc = choose_entry(writer, &placed, writer->open_path, err)) != 0)
		return rc;
	writer->state = OPEN;
	writer->open_offset = vst_item_tail_offset(&placed);
	rc = vst_content_out_begin(writer->content, &placed, err);
	return rc != 0 ? fail(writer, rc) : 0;
}

void *vst_exhibit_writer_space(struct vst_exhibit_writer *writer, size_t *ret_len)
{
	/* libarchive hands content on by the pointer that it was given, so what was read into the frame stays
	 * there. */
	if (check_state(writer, OPEN, NULL) != 0 || vst_content_out_is_stream(writer->content))
		return NULL;
	return vst_frames_space(writer->frames, ret_len);
}

int vst_exhibit_writer_data(
        struct vst_exhibit_writer *writer, const void *data, size_t len, struct vst_err *err)
{
	int rc = check_state(writer, OPEN, err);
	if (rc != 0)
		return rc;
	if ((rc = vst_content_out_data(writer->content, data, len, err)) != 0)
		return fail(writer, rc);
	tell_progress(writer, PROGRESS_STEP);
	return 0;
}

int vst_exhibit_writer_so_far(
        const struct vst_exhibit_writer *writer, uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	int rc = check_state(writer, OPEN, err);
	return rc == 0 ? vst_content_out_so_far(writer->content, ret, err) : rc;
}

int vst_exhibit_writer_end(struct vst_exhibit_writer *writer, struct vst_item *item,
        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	uint8_t path[VST_HASH_LEN];
	uint64_t offset = 0;
	int rc = check_state(writer, OPEN, err);
	if (rc != 0)
		return rc;
	item->has_content = true;
	if ((rc = place(writer, item, path, err)) != 0)
		return fail(writer, rc);
	if (memcmp(path, writer->open_path, sizeof path) != 0 ||
	        vst_item_tail_offset(item) != writer->open_offset)
		return fail(
		        writer, vst_err_set(err, VST_EUSAGE, "exhibit writer: another item than was begun"));
	if ((rc = vst_content_out_end(writer->content, item, &offset, err)) != 0)
		return fail(writer, rc);
	if (vst_item_is_tail(item))
		set_whole_size(item);
	if ((rc = choose_entry(writer, item, path, err)) != 0 ||
	        (rc = put_line(writer, item, path, offset, ret_leaf, err)) != 0 ||
	        (rc = remember_tail(writer, item, err)) != 0)
		return fail(writer, rc);
	writer->state = READY;
	tell_progress(writer, PROGRESS_STEP);
	return 0;
}

/* Finds what a hard link repeats: its leaf into the item, its entry name into `link`. Where that has no entry
 * or one of its end alone, the link has none either. */
static int resolve_link(struct vst_exhibit_writer *writer, struct vst_item *item, const char *source,
        const char *path, struct vst_err *err)
{
	struct vst_item target = {
	        .source = source ? source : writer->source, .path = path, .type = item->type};
	uint8_t digest[VST_HASH_LEN], notes;
	vst_item_path_digest(target.source, path, digest);
	if (!vst_index_find(&writer->index, digest, &target.seq))
		return vst_err_set(err, VST_ENOTFOUND, "exhibit writer: a hard link to what is not there");
	notes = writer->index.notes[target.seq];
	target.long_entry = notes & VST_INDEX_LONG;
	if (!(notes & VST_INDEX_ELSEWHERE) &&
	        vst_index_get(&writer->index, target.seq).entry_offset == VST_INDEX_NO_ENTRY)
		return vst_err_set(
		        err, VST_ENOTFOUND, "exhibit writer: a hard link to what was not collected");
	item->is_hardlink = true;
	memcpy(item->hardlink, vst_index_leaf(&writer->index, target.seq), VST_HASH_LEN);
	if (notes & VST_INDEX_ELSEWHERE)
		item->status = VST_ITEM_UNCHANGED;
	vst_buf_clear(&writer->link);
	return vst_item_entry_name(&target, &writer->link, err);
}

static int put_bare_entry(struct vst_exhibit_writer *writer, const struct vst_item *item, const char *link,
        uint64_t *ret_offset, struct vst_err *err)
{
	int rc;
	vst_buf_clear(&writer->name);
	if ((rc = vst_item_entry_name(item, &writer->name, err)) != 0 ||
	        (rc = vst_tar_out_describe(
	                 writer->tar, item, vst_buf_cstr(&writer->name), link, 0, writer->time, err)) != 0 ||
	        (rc = vst_tar_out_header(writer->tar, ret_offset, err)) != 0)
		return rc;
	return vst_tar_out_end(writer->tar, err);
}

int vst_exhibit_writer_item(struct vst_exhibit_writer *writer, struct vst_item *item, const char *link_source,
        const char *link_path, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	uint64_t offset = VST_INDEX_NO_ENTRY;
	uint8_t path[VST_HASH_LEN];
	int rc = check_state(writer, READY, err);
	if (rc != 0 || (rc = place(writer, item, path, err)) != 0)
		return rc;
	if (item->type == VST_ITEM_RECORD)
		return vst_err_set(err, VST_EUSAGE, "exhibit writer: a record without content");
	if (!item->has_content)
		item->hashes = 0;
	item->is_hardlink = false;
	if (link_path && (rc = resolve_link(writer, item, link_source, link_path, err)) != 0)
		return rc;
	if ((rc = vst_item_check(item, err)) != 0 ||
	        (vst_item_has_entry(item) && (rc = choose_entry(writer, item, path, err)) != 0))
		return rc;
	if (item->has_content && vst_item_has_entry(item))
		return vst_err_set(err, VST_EUSAGE, "exhibit writer: content that was not given");
	if (vst_item_has_entry(item) &&
	        (rc = put_bare_entry(
	                 writer, item, link_path ? vst_buf_cstr(&writer->link) : NULL, &offset, err)) != 0)
		return fail(writer, rc);
	if ((rc = put_line(writer, item, path, offset, ret_leaf, err)) != 0)
		return fail(writer, rc);
	tell_progress(writer, PROGRESS_STEP);
	return 0;
}

int vst_exhibit_writer_record(struct vst_exhibit_writer *writer, const char *name, const void *data,
        size_t len, struct vst_err *err)
{
	size_t before = writer->current;
	struct vst_item item;
	int rc;
	vst_item_init(&item);
	item.type = VST_ITEM_RECORD;
	item.path = name;
	item.size = len;
	if ((rc = vst_exhibit_writer_begin(writer, &item, err)) != 0)
		return rc;
	if ((rc = count_for(writer, VST_SOURCE_EXHIBIT, false, err)) != 0)
		return fail(writer, rc);
	if ((rc = vst_exhibit_writer_data(writer, data, len, err)) == 0)
		rc = vst_exhibit_writer_end(writer, &item, NULL, err);
	if (writer->source[0] != '\0')
		writer->current = before;
	return rc;
}

/* ---- the end ---- */

int vst_exhibit_writer_finish(
        struct vst_exhibit_writer *writer, struct vst_exhibit_summary *ret, struct vst_err *err)
{
	struct vst_exhibit_summary summary = {.items = writer->index.count};
	struct vst_sealed_digests digests;
	int rc = check_state(writer, READY, err);
	if (rc != 0)
		return rc;
	writer->state = FAILED; /* until all of it is out */
	if (writer->lines.len > 0 && (rc = put_segment(writer, err)) != 0)
		return rc;
	vst_merkle_root_of(writer->index.leaves, writer->index.count, summary.root);
	vst_index_sort(&writer->index);
	if ((rc = vst_exhibit_put_tail(writer->tar, writer->frames, &writer->index, writer->segments,
	             summary.root, writer->time, err)) != 0 ||
	        (rc = vst_tar_out_close(writer->tar, err)) != 0)
		return rc;
	summary.tar_bytes = vst_frames_position(writer->frames);
	if ((rc = vst_frames_finish(writer->frames, err)) != 0 ||
	        (rc = vst_sealed_out_finish(writer->sealed, &digests, err)) != 0)
		return rc;
	memcpy(summary.file_sha256, digests.file, VST_HASH_LEN);
	memcpy(summary.payload_sha256, digests.payload, VST_HASH_LEN);
	summary.file_bytes = digests.file_bytes;
	summary.payload_bytes = digests.payload_bytes;
	tell_progress(writer, 0);
	writer->state = FINISHED;
	*ret = summary;
	return 0;
}
