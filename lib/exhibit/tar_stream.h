/*
 * Random access to the tar inside an exhibit: age chunks, seek table, and a cache of a few decompressed
 * frames.
 *
 * One thread reads from a stream. Once a long run of bytes was announced with vst_tar_stream_plan(), workers
 * decompress the frames ahead of it. Memory: VST_TAR_STREAM_SLOTS frames at most, twice a frame for each
 * worker.
 */
#ifndef VESTIGE_EXHIBIT_TAR_STREAM_H
#define VESTIGE_EXHIBIT_TAR_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "exhibit/seek_table.h"

struct vst_age_identities;
struct vst_age_reader;
struct vst_err;
struct vst_input;
struct vst_tar_stream;

/* Opens the age file and reads the seek table. Errors as of vst_age_reader_open() and
 * vst_seek_table_parse(). */
int vst_tar_stream_open(struct vst_tar_stream **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, struct vst_err *err);
void vst_tar_stream_free(struct vst_tar_stream *stream);

uint64_t vst_tar_stream_size(const struct vst_tar_stream *stream); /* bytes of tar */
const struct vst_seek_table *vst_tar_stream_table(const struct vst_tar_stream *stream);
const struct vst_age_reader *vst_tar_stream_age(const struct vst_tar_stream *stream);

/* Reads exactly `len` bytes at `offset`. VST_EFORMAT for a range that is not inside the tar. */
int vst_tar_stream_read(
        struct vst_tar_stream *stream, uint64_t offset, void *ret_data, size_t len, struct vst_err *err);

/*
 * As many bytes from `offset` on as its frame holds, without a copy: borrowed until the next call on the
 * stream. At the end of the tar `*ret_len` is 0.
 */
int vst_tar_stream_view(struct vst_tar_stream *stream, uint64_t offset, const uint8_t **ret_data,
        size_t *ret_len, struct vst_err *err);

/* Says that bytes [from, to) will be read in order soon: workers go ahead. A new plan replaces the old
 * one. */
void vst_tar_stream_plan(struct vst_tar_stream *stream, uint64_t from, uint64_t to);

/* Gives back the memory of frames that nobody reads just now: what was viewed is not valid any more. */
void vst_tar_stream_rest(struct vst_tar_stream *stream);

/* Bytes of the age file (header, nonce, chunks with tags) that were decrypted at least once, and all of
 * them. */
void vst_tar_stream_coverage(const struct vst_tar_stream *stream, uint64_t *ret_read, uint64_t *ret_total);

/*
 * `len` bytes of the age plaintext at `offset` (the compressed stream); any thread. Each chunk's tag is
 * checked. VST_EFORMAT for a range outside of it.
 */
int vst_age_plain_read(
        const struct vst_age_reader *age, uint64_t offset, void *ret_data, size_t len, struct vst_err *err);

#endif
