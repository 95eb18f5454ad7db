/*
 * The table of contents of a series index as it is made: what the items add, sorted, merged with what the
 * earlier index has. Where both know a content, the earlier one's word stays; among items the first's.
 */
#ifndef EXHIBIT_SERIES_CONTENTS_H
#define EXHIBIT_SERIES_CONTENTS_H

#include <stddef.h>
#include <stdint.h>

#include "exhibit/series_map.h"
#include "vestige/io.h"

struct vst_err;
struct vst_series_contents;

/* `earlier` NULL: none. Borrowed, as is `scratch_fd`, until free. Owns: the caller. Errors, of all:
 * VST_ENOMEM, VST_EIO for scratch files. */
int vst_series_contents_new(int scratch_fd, struct vst_series_map *earlier, struct vst_series_contents **ret,
        struct vst_err *err);
void vst_series_contents_free(struct vst_series_contents *contents);
/* A content of the item `seq`: the bytes of `pieces`, end to end, and then of `own` (NULL: none). One that
   has more pieces than can be written down is left out: it will be stored again. */
int vst_series_contents_add(struct vst_series_contents *contents, const uint8_t key[VST_HASH_LEN],
        uint64_t size, uint64_t seq, const struct vst_item_stored *pieces, size_t count,
        const struct vst_item_stored *own, struct vst_err *err);
/* Writes contents and pieces, as series_format.h has them; their numbers go to `counts`. */
int vst_series_contents_write(struct vst_series_contents *contents, const struct vst_output *out,
        struct vst_series_counts *counts, struct vst_err *err);

#endif
