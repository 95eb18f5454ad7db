/*
 * An open exhibit, as the parts of the reader share it: trailer, leaves, and index.
 *
 * Invariants: 1. `root` is what the seal says, and `leaves`, once loaded, hash to it. 2. `records`, once
 * loaded, has every seq once, and the index was in order. 3. An entry that any of these functions gives was
 * found in `leaves`.
 */
#ifndef VESTIGE_EXHIBIT_STATE_H
#define VESTIGE_EXHIBIT_STATE_H

#include "exhibit/tar_stream.h"
#include "vestige/exhibit_reader.h"

/* An index record (exhibit_format.h) in memory, by seq. */
struct vst_exhibit_record {
	uint64_t line_offset, tar_offset;
	uint64_t path; /* the first bytes of the path digest */
	uint32_t line_len;
};

struct vst_exhibit {
	struct vst_tar_stream *stream;
	uint64_t items;
	uint8_t root[VST_HASH_LEN];
	const char *const *sources;
	size_t source_count;

	uint64_t index_offset, leaves_offset, trailer_offset;
	uint8_t index_sha256[VST_HASH_LEN];

	uint8_t *leaves;                    /* items * VST_HASH_LEN; NULL until needed */
	struct vst_exhibit_record *records; /* items; NULL until needed */
	uint32_t *by_leaf;                  /* every seq, sorted by leaf hash; NULL until needed */

	struct vst_exhibit_library library; /* open is NULL: none */
};

/* Trailer: `data` is VST_TRAILER_LEN bytes, its content; `tar_size` bounds its offsets. Fills in what it
 * says. */
int vst_exhibit_trailer_parse(
        const uint8_t *data, uint64_t tar_size, struct vst_exhibit *ret, struct vst_err *err);

/* ---- exhibit_lookup.c ---- */

int vst_exhibit_load_leaves(struct vst_exhibit *exhibit, struct vst_err *err);
int vst_exhibit_load_records(struct vst_exhibit *exhibit, struct vst_err *err);

/* The record of a path digest, by a few probes of the index. VST_ENOTFOUND. */
int vst_exhibit_probe(struct vst_exhibit *exhibit, const uint8_t digest[VST_HASH_LEN], uint64_t *ret_seq,
        struct vst_exhibit_record *ret, struct vst_err *err);

/* The item of a leaf hash (the first, if a hostile exhibit has it twice). VST_ENOTFOUND. Loads the leaves. */
int vst_exhibit_seq_of_leaf(struct vst_exhibit *exhibit, const uint8_t leaf[VST_HASH_LEN], uint64_t *ret_seq,
        struct vst_err *err);

/* ---- exhibit_reader.c ---- */

/* Reads and checks one item's line. Loads the leaves. */
int vst_exhibit_read_entry(struct vst_exhibit *exhibit, uint64_t seq, const struct vst_exhibit_record *record,
        struct vst_exhibit_entry *ret, struct vst_err *err);
/* vst_exhibit_entry_at(), by seq alone, loads the records too. */

/* ---- exhibit_content.c ---- */

/* Data at `offset` of the file's logical bytes; holes are what is left out between calls. */
typedef int vst_exhibit_sink(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err);

/* The item that a hard link repeats: it has content (if files have any; one that is unchanged: in part or all
 * in earlier exhibits) and is no hard link itself, or VST_ETAMPERED. */
int vst_exhibit_link_target(struct vst_exhibit *exhibit, const struct vst_item *link,
        struct vst_exhibit_entry *ret, struct vst_err *err);

/*
 * Compares the tar entry of an item with its line, and gives its content, if it has any, to `sink`; at the
 * end its digests were compared. A hard link's own entry alone is compared (with `target`, which may be NULL
 * for anything else).
 */
int vst_exhibit_read_item(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry,
        const struct vst_item *target, vst_exhibit_sink *sink, void *ctx, struct vst_err *err);

/* ---- exhibit_whole.c ---- */

/*
 * All the content of a file, stream or record that is no hard link: as vst_exhibit_read_item(), and where it
 * is in part or all in earlier exhibits, their pieces before its own. At the end the digests of the whole
 * were compared.
 */
int vst_exhibit_read_whole(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry,
        vst_exhibit_sink *sink, void *ctx, struct vst_err *err);

#endif
