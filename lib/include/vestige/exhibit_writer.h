/*
 * Writing an exhibit: items in, one sealed stream out (layout: exhibit_format.h).
 *
 *   caller's thread: hash ─▶ tar (libarchive) ─▶ 4 MiB frames ─▶ workers: zstd ─▶ in order: age chunks ─▶ digests ─▶ output
 *
 * Memory is bounded by the number of workers and grows by VST_INDEX_RECORD_LEN + 33 bytes and a hash table slot an item, twice that for a
 * tail. Only public keys are needed. One thread drives a writer.
 *
 * Order of calls: new, record (exhibit.json, policy.yaml, …), then for each source: source, and for each of its items begin, data…,
 * end; or item alone when there is nothing to read; record (closing.json); finish. After a failure only free may follow, save that
 * what begin, item, record and source refuse before they write (VST_EUSAGE, VST_EEXIST, VST_ENOTFOUND) leaves the writer as it was.
 *
 * Incremental: of an unchanged item only its line is written (item, with `whole`). A tail is begun with status tail, `size` the bytes that
 * follow, and `whole.stored` set, which gives the offset where they begin; it is ended as a tail again, or as changed, truncated, denied or
 * error where its end could not be read in peace, with the digests of the whole (over
 * what was read and, if it fell short, zeros up to the announced size). Its metadata are those of the file. `prefix` is the caller's;
 * long_entry is the writer's.
 *
 * Of what it is given it leaves out, in tar and manifest alike: a sparse map without holes, an access ACL that says only what the mode says,
 * and extended attributes of more than 8 MiB in all (then xattrs_error says so).
 */
#ifndef VESTIGE_EXHIBIT_WRITER_H
#define VESTIGE_EXHIBIT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/age.h"
#include "vestige/io.h"
#include "vestige/manifest.h"

struct vst_exhibit_writer;

struct vst_exhibit_writer_options {
	const struct vst_age_recipients *recipients; /* borrowed while writing */
	struct vst_output out;
	unsigned workers; /* 0: one for each processor, at most 16 */
	unsigned hashes;  /* set of enum vst_hash_set for contents; SHA-256 is always there */
	/* Bytes of tar written and bytes given to `out` so far; may be called often, from the caller's
	 * thread. NULL: none. */
	void (*progress)(void *ctx, uint64_t tar_bytes, uint64_t out_bytes);
	void *progress_ctx;
};

int vst_exhibit_writer_new(const struct vst_exhibit_writer_options *options, struct vst_exhibit_writer **ret,
	struct vst_err *err);
void vst_exhibit_writer_free(struct vst_exhibit_writer *writer);

/* One of the exhibit's own records: an item of source "exhibit" and type record, complete at once. */
int vst_exhibit_writer_record(struct vst_exhibit_writer *writer, const char *name, const void *data, size_t len,
	struct vst_err *err);

/* Following items belong to this source (copied; `item->source` is set by the writer). Each name once, not
 * VST_SOURCE_EXHIBIT nor "long". */
int vst_exhibit_writer_source(struct vst_exhibit_writer *writer, const char *name, struct vst_err *err);

/* Whether the current source already has an item of this path. */
bool vst_exhibit_writer_has(const struct vst_exhibit_writer *writer, const char *path);

/*
 * Begins an item with an entry in the tar. Its metadata goes into the tar header now; `item->size` is the
 * logical size that will be archived (file; for a sparse file with its extents set, the data calls give the
 * extents' bytes only), or the content has no known length (stream). VST_EEXIST if the source has this path
 * already.
 */
int vst_exhibit_writer_begin(struct vst_exhibit_writer *writer, const struct vst_item *item, struct vst_err *err);
/* Content, in order. More than was announced is VST_EUSAGE. */
/*
 * Memory of the frame that the next bytes will go into, to read to directly: *ret_len bytes, good until the
 * next call. NULL when there is none just now. Given to vst_exhibit_writer_data() these bytes are not copied.
 */
void *vst_exhibit_writer_space(struct vst_exhibit_writer *writer, size_t *ret_len);
int vst_exhibit_writer_data(struct vst_exhibit_writer *writer, const void *data, size_t len, struct vst_err *err);
/* The SHA-256 of the open item's data so far. */
int vst_exhibit_writer_so_far(
	const struct vst_exhibit_writer *writer, uint8_t ret[VST_HASH_LEN], struct vst_err *err);
/*
 * Ends it. Missing bytes are filled up with zeros and counted in read_padding. `item` is the same item with
 * the caller's final status, read record and so on; the writer fills in source, salt, seq, digests, size and
 * parts of it, and of a tail `whole.size`. Gives the leaf hash (NULL: not wanted).
 */
int vst_exhibit_writer_end(struct vst_exhibit_writer *writer, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN],
	struct vst_err *err);

/*
 * A whole item without content to read: a directory, symbolic link, device, socket, hard link, or something
 * that could not be had. Unchanged files and streams too. `link_path` is the path (same source) or, with
 * `link_source`, the place of the item that a hard link repeats; else NULL. VST_ENOTFOUND if that item is not
 * there or has no content; is_hardlink and hardlink are set by the writer. A hard link to an item that is
 * unchanged or a tail becomes unchanged itself (status), whatever it was given as, and has no entry.
 */
int vst_exhibit_writer_item(struct vst_exhibit_writer *writer, struct vst_item *item, const char *link_source,
	const char *link_path, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err);

/*
 * The manifest line of the item that the last end or item wrote, as it is sealed, without LF; its seq is in
 * that item. Borrowed until the next call that writes. Empty before the first.
 */
void vst_exhibit_writer_line(const struct vst_exhibit_writer *writer, const uint8_t **ret_line, size_t *ret_len);

/* Counts so far, by source (in order of their first use; the exhibit's own records are source "exhibit") and
 * status. Borrowed until the next call that names a source or writes a record. */
struct vst_exhibit_source_counts {
	char name[VST_SOURCE_NAME_MAX + 1];
	uint64_t items[VST_ITEM_STATUSES];
	uint64_t bytes; /* of content archived */
};
size_t vst_exhibit_writer_counts(const struct vst_exhibit_writer *writer,
	const struct vst_exhibit_source_counts **ret);

struct vst_exhibit_summary {
	uint8_t file_sha256[VST_HASH_LEN];
	uint64_t file_bytes;
	uint8_t payload_sha256[VST_HASH_LEN]; /* all behind the age header */
	uint64_t payload_bytes;
	uint8_t root[VST_HASH_LEN];
	uint64_t items;
	uint64_t tar_bytes;
};
/* Last segment, index, leaves, trailer, seek table, last age chunk. The caller makes the output durable. */
int vst_exhibit_writer_finish(struct vst_exhibit_writer *writer, struct vst_exhibit_summary *ret, struct vst_err *err);

#endif
