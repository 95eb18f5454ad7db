/*
 * Sorting more entries of a fixed size than memory should hold: runs, each sorted in memory, go to a scratch
 * file and are merged as they are taken. Fewer than one run never leave memory.
 */
#ifndef VESTIGE_SORTER_H
#define VESTIGE_SORTER_H

#include <stddef.h>
#include <stdint.h>

struct vst_err;
struct vst_sorter;

/* Memory: `capacity` entries, and as many pointers while a run is sorted. Order: memcmp() of the first
   `key_len` bytes, at least 8; no two entries may have the same there, or which comes first is open.
   `scratch_fd` is borrowed. */
int vst_sorter_new(int scratch_fd, size_t entry_len, size_t key_len, size_t capacity, struct vst_sorter **ret,
        struct vst_err *err);
void vst_sorter_free(struct vst_sorter *sorter);
int vst_sorter_add(struct vst_sorter *sorter, const void *entry, struct vst_err *err);
/* No more are added after this. */
int vst_sorter_sort(struct vst_sorter *sorter, struct vst_err *err);
/* The next in order, borrowed until the next call; NULL at the end. */
int vst_sorter_next(struct vst_sorter *sorter, const uint8_t **ret_entry, struct vst_err *err);

#endif
