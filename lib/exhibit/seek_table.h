/*
 * The seek table of the Zstandard seekable format: where each frame lies, in the compressed stream and in the
 * tar.
 *
 * Source: zstd's contrib/seekable_format specification, version 0.1.0. The table is a skippable frame, the
 * last thing in the stream, little-endian: 0  magic 0x184D2A5E              4 4  length of all that follows 4
 *     8  entries: compressed size 4, decompressed size 4, checksum 4 (only if the descriptor says so)
 *        number of frames              4  ┐
 *        descriptor: bit 7 checksums, bits 6 to 2 reserved (zero), bits 1 and 0 unused    1  │ footer
 *        magic 0x8F92EAB1              4  ┘
 * A checksum is the low half of the XXH64 of the frame's content: the same four bytes that end a Zstandard
 * frame with a content checksum.
 */
#ifndef VESTIGE_EXHIBIT_SEEK_TABLE_H
#define VESTIGE_EXHIBIT_SEEK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_SEEK_FOOTER_LEN 9
#define VST_SEEK_HEADER_LEN 8
#define VST_SEEK_FRAMES_MAX (16u * 1024 * 1024) /* 64 TiB in whole frames */
#define VST_SEEK_FRAME_MIN 9 /* magic, header, one empty block: nothing smaller is a frame */
#define VST_SEEK_COMPRESSED_MAX (4 * 1024 * 1024 + 64 * 1024) /* above ZSTD_compressBound(VST_FRAME_MAX) */

struct vst_err;

struct vst_seek_frame {
	uint64_t offset;     /* of its first byte in the compressed stream (the age plaintext) */
	uint64_t tar_offset; /* of its first byte of content in the tar */
	uint32_t len;        /* compressed bytes */
	uint32_t tar_len;    /* bytes of tar, at most VST_FRAME_MAX */
	uint32_t checksum;   /* if the table has checksums */
};

struct vst_seek_table {
	uint32_t count;
	bool has_checksums;
	uint64_t size;         /* all frames: bytes of the compressed stream before the table */
	uint64_t tar_size;     /* bytes of tar */
	uint64_t *offsets;     /* count + 1: starts of the frames, then `size` */
	uint64_t *tar_offsets; /* count + 1 */
	uint32_t *checksums;   /* count, NULL without checksums */
};

/*
 * How long the whole table is (skippable frame and all), from the stream's last VST_SEEK_FOOTER_LEN bytes.
 * `stream_size` bounds it. VST_EFORMAT: no table, or numbers that cannot be. VST_ELIMIT: more than
 * VST_SEEK_FRAMES_MAX frames.
 */
int vst_seek_table_len(const uint8_t footer[VST_SEEK_FOOTER_LEN], uint64_t stream_size, size_t *ret_len,
        struct vst_err *err);

/*
 * Parses the whole skippable frame. Each frame is at most VST_SEEK_COMPRESSED_MAX and VST_FRAME_MAX; all
 * frames and the table fill the stream exactly. On failure `ret` is untouched; on success release with
 * vst_seek_table_free().
 */
int vst_seek_table_parse(
        const void *data, size_t len, uint64_t stream_size, struct vst_seek_table *ret, struct vst_err *err);
void vst_seek_table_free(struct vst_seek_table *table);

/* Frame `index` < count. */
struct vst_seek_frame vst_seek_table_frame(const struct vst_seek_table *table, uint32_t index);
/* The frame that holds byte `tar_offset` < tar_size. (Frames without content hold none.) */
uint32_t vst_seek_table_find(const struct vst_seek_table *table, uint64_t tar_offset);

/*
 * Decompresses one frame (`data` is `frame->len` bytes) to `ret`, `frame->tar_len` bytes. It must be one
 * Zstandard frame of just that length and content, no dictionary, and fit the table's checksum if there is
 * one. `context` is a ZSTD_DCtx. VST_EFORMAT: not such a frame. VST_EAUTH: a checksum differs.
 */
struct ZSTD_DCtx_s;
int vst_seek_frame_decode(struct ZSTD_DCtx_s *context, const struct vst_seek_frame *frame, bool has_checksum,
        const uint8_t *data, uint8_t *ret, struct vst_err *err);

#endif
