/*
 * One worker's way of making a Zstandard frame: as much effort as the data gives back.
 *
 * Each frame is independent, has its content size and a checksum, and is readable by any Zstandard decoder.
 */
#ifndef EXHIBIT_COMPRESSOR_H
#define EXHIBIT_COMPRESSOR_H

#include <stddef.h>

struct vst_compressor;
struct vst_err;

int vst_compressor_new(struct vst_compressor **ret, struct vst_err *err);
void vst_compressor_free(struct vst_compressor *compressor);

/* Room that a frame of `len` bytes may need. */
size_t vst_compressor_bound(size_t len);

/* `cap` is at least vst_compressor_bound(len). */
int vst_compressor_frame(struct vst_compressor *compressor, const void *data, size_t len, void *ret,
        size_t cap, size_t *ret_len, struct vst_err *err);

#endif
