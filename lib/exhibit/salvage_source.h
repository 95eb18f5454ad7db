/*
 * The tar stream of a damaged exhibit as far as it can be had: pieces of it, and the gaps between them.
 *
 * Every age chunk is tried once; then frames are found, by the seek table if it still authenticates, else by
 * following one frame to the next and, behind damage, by looking for a frame's beginning. What is found so
 * must go on from frame to frame up to the next damage, the table or the end, or for longer than a frame can
 * be: Zstandard frames inside the evidence cannot.
 *
 * Positions are bytes of tar. Where frames of unknown number are missing they count from an arbitrary base
 * behind such a gap, still in steps of a block.
 */
#ifndef EXHIBIT_SALVAGE_SOURCE_H
#define EXHIBIT_SALVAGE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_age_identities;
struct vst_err;
struct vst_input;
struct vst_salvage_options;
struct vst_salvage_source;

enum vst_salvage_piece_kind {
	VST_SALVAGE_FRAME,       /* a whole frame */
	VST_SALVAGE_PREFIX,      /* the beginning of one whose rest is damaged */
	VST_SALVAGE_GAP,         /* `len` bytes are missing */
	VST_SALVAGE_GAP_UNKNOWN, /* nobody knows how many */
};

struct vst_salvage_piece {
	enum vst_salvage_piece_kind kind;
	uint64_t position; /* of its first byte of tar */
	uint64_t len;      /* bytes of tar */
	uint64_t offset;   /* compressed, in the age plaintext */
	uint32_t stored;   /* compressed bytes */
};

/* Reports damage through options->damage and counts it. Errors: as vst_age_reader_open(), I/O, callbacks. */
int vst_salvage_source_open(struct vst_salvage_source **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, const struct vst_salvage_options *options,
        struct vst_err *err);
void vst_salvage_source_free(struct vst_salvage_source *source);

uint64_t vst_salvage_source_damaged(const struct vst_salvage_source *source); /* bytes of the file */
bool vst_salvage_source_exact(
        const struct vst_salvage_source *source); /* the table is there: positions are the tar's */
uint64_t vst_salvage_source_end(
        const struct vst_salvage_source *source); /* the position behind the last piece */

size_t vst_salvage_source_count(const struct vst_salvage_source *source);
const struct vst_salvage_piece *vst_salvage_source_piece(
        const struct vst_salvage_source *source, size_t index);
/* The piece that holds a position, or the count. */
size_t vst_salvage_source_find(const struct vst_salvage_source *source, uint64_t position);

/* A FRAME's or PREFIX's bytes, borrowed until the next call. VST_EFORMAT: it cannot be decompressed
 * (reported; it is a gap now). */
int vst_salvage_source_view(
        struct vst_salvage_source *source, size_t index, const uint8_t **ret_data, struct vst_err *err);
/* Bytes from anywhere, a view stays as it is. VST_EFORMAT, VST_EAUTH: some of them are missing. */
int vst_salvage_source_read(struct vst_salvage_source *source, uint64_t position, void *ret_data, size_t len,
        struct vst_err *err);

#endif
