/*
 * The text of a series index: bytes by their place in it, through the blocks that were decompressed last. Not
 * for several threads.
 */
#ifndef EXHIBIT_SERIES_TEXT_H
#define EXHIBIT_SERIES_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "exhibit/series_map.h"

struct vst_buf;
struct vst_err;
struct vst_series_text;

/* `map` is borrowed and outlives it. Memory comes with use: VST_SERIES_BLOCK bytes for each of the few blocks
 * kept, and as much for one that is compressed. */
int vst_series_text_new(struct vst_series_map *map, struct vst_series_text **ret, struct vst_err *err);
void vst_series_text_free(struct vst_series_text *text);
/* Appends `len` bytes from place `at`. VST_EFORMAT: they are not there. */
int vst_series_text_read(
        struct vst_series_text *text, uint64_t at, size_t len, struct vst_buf *out, struct vst_err *err);

#endif
