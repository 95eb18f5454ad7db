/*
 * Entries that are no items: manifest segments, and what closes the tar (index, leaves, trailer). Layout:
 * exhibit_format.h.
 */
#ifndef EXHIBIT_EXHIBIT_TAIL_H
#define EXHIBIT_EXHIBIT_TAIL_H

#include <stddef.h>
#include <stdint.h>

#include "exhibit/exhibit_index.h"

struct vst_frames;
struct vst_tar_out;

/* A whole entry of mode 0644, time in seconds; gives the offset of its first content byte in the tar. */
int vst_exhibit_put_entry(struct vst_tar_out *tar, const struct vst_frames *frames, const char *name,
        const void *data, size_t len, int64_t time, uint64_t *ret_offset, struct vst_err *err);

/* Index (sorted), leaves and trailer. */
int vst_exhibit_put_tail(struct vst_tar_out *tar, const struct vst_frames *frames,
        const struct vst_index *index, uint64_t segments, const uint8_t root[VST_HASH_LEN], int64_t time,
        struct vst_err *err);

#endif
