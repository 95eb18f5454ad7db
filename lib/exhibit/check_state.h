/*
 * The deep check's state, shared by its three parts: the walk and the layout (exhibit_check.c), entries
 * against manifest lines (check_lines.c), index, leaves and trailer against what was read (check_tail.c).
 *
 * Invariants: 1. an entry is pending from its end until a line names it or its segment ends; 2. the table,
 * the tree and the lines grow together, one for one; 3. `broken` is set before anything that could make later
 * comparisons fail for want of the bytes: such comparisons are then left out, since the damage itself was
 * reported.
 */
#ifndef EXHIBIT_CHECK_STATE_H
#define EXHIBIT_CHECK_STATE_H

#include <stdbool.h>

#include "exhibit/check_table.h"
#include "exhibit/entry_content.h"
#include "exhibit/tar_scan.h"
#include "vestige/buf.h"
#include "vestige/exhibit_check.h"
#include "vestige/exhibit_format.h"
#include "vestige/merkle.h"

/* One segment's items, and a stream of half a TiB in one of them. */
#define VST_CHECK_PENDING_MAX (VST_SEGMENT_ITEMS + 65536)
#define VST_CHECK_PENDING_BYTES_MAX (512u * 1024 * 1024) /* of their headers and records */

enum vst_check_phase {
	VST_CHECK_HEAD,
	VST_CHECK_ITEMS,
	VST_CHECK_FOUND, /* the findings' record has passed */
	VST_CHECK_CLOSED,
	VST_CHECK_INDEX,
	VST_CHECK_LEAVES,
	VST_CHECK_TRAILER
};

/* An entry that was read and whose line comes later. Owns `entry` and `record`. */
struct vst_check_pending {
	struct archive_entry *entry;
	const char *name; /* in `entry`, with a directory's slash */
	size_t name_len;  /* without it */
	uint64_t offset;
	struct vst_content content;
	struct vst_buf record; /* the content, if it is one of the exhibit's own records */
	bool used;
};

/* A hard link that has no entry. */
struct vst_check_link {
	uint64_t seq;
	uint8_t leaf[VST_HASH_LEN];
	bool found;
};

struct vst_check {
	const struct vst_exhibit_check_options *options;
	const struct vst_exhibit_expectation *expect;
	struct vst_exhibit_check_result result;
	struct vst_check_table *table;
	struct vst_content_hasher *hasher;
	struct vst_tar_scan *scan;
	struct vst_merkle tree;
	enum vst_check_phase phase;
	bool broken;
	uint64_t entries;
	int kind; /* of the present entry, as exhibit_check.c tells them apart */

	struct vst_check_pending *pending;
	size_t pending_count, pending_cap, pending_next;
	uint64_t pending_bytes;

	/* the manifest */
	uint64_t segments; /* number of the newest */
	uint64_t lines;    /* in it */
	uint64_t next_seq;
	struct vst_buf line;
	uint64_t line_at;
	bool line_skip; /* up to its end: too long, or its beginning is lost */

	struct vst_check_link *links;
	size_t link_count, link_cap;

	/* the tail */
	struct vst_hash *index_hash;
	uint8_t part[VST_INDEX_RECORD_LEN]; /* an incomplete record or leaf */
	size_t part_len;
	uint64_t records; /* of the index or the leaves that were seen */
	uint8_t last_digest[VST_HASH_LEN];
	bool differs; /* one difference of this part was reported */
	uint64_t index_at, leaves_at, trailer_at;
	uint8_t index_sha256[VST_HASH_LEN];
	uint8_t trailer[VST_TRAILER_LEN];
	size_t trailer_len;
};

/* Counts and reports. Returns 0, or the code with which the caller of the check wants to stop. */
int vst_check_problem(struct vst_check *check, const char *source, const char *path, struct vst_err *err,
        const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ---- check_lines.c ---- */
int vst_check_pending_add(struct vst_check *check, struct vst_tar_member *member, struct vst_err *err);
struct vst_check_pending *vst_check_pending_last(struct vst_check *check);
int vst_check_pending_flush(struct vst_check *check, struct vst_err *err); /* reports what no line named */
void vst_check_pending_free(struct vst_check *check);
void vst_check_segment_begin(struct vst_check *check);
int vst_check_segment_data(
        struct vst_check *check, uint64_t at, const uint8_t *data, size_t len, struct vst_err *err);
void vst_check_segment_cut(struct vst_check *check); /* bytes are missing here */
int vst_check_segment_end(struct vst_check *check, struct vst_err *err);

int vst_check_links(struct vst_check *check, struct vst_err *err); /* once all lines were read */

/* ---- check_tail.c ---- */
int vst_check_index_data(struct vst_check *check, const uint8_t *data, size_t len, struct vst_err *err);
int vst_check_index_end(struct vst_check *check, struct vst_err *err);
int vst_check_leaves_data(struct vst_check *check, const uint8_t *data, size_t len, struct vst_err *err);
int vst_check_leaves_end(struct vst_check *check, struct vst_err *err);
int vst_check_trailer_end(struct vst_check *check, struct vst_err *err);
int vst_check_root(struct vst_check *check, struct vst_err *err);

#endif
