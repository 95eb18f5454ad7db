/*
 * What is new in the later exhibit, found by inode and by content: so that what was removed elsewhere can be
 * seen to have moved, and a log to have been rotated.
 */
#ifndef COMPARE_MOVES_H
#define COMPARE_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include "vestige/series_index.h"

struct vst_err;

struct vst_moves; /* zero or more added items, some 110 bytes each */

/* Owns: the caller. Errors, of adding too: VST_ENOMEM. */
int vst_moves_new(struct vst_moves **ret, struct vst_err *err);
void vst_moves_free(struct vst_moves *moves);

/* An item of the later exhibit that is new at its place (`is_added`), or has another inode or content than
   the earlier one had there. All are added before the first is asked for. */
int vst_moves_add(struct vst_moves *moves, uint64_t seq, const struct vst_series_record *record,
        bool is_added, struct vst_err *err);

/*
 * Where an item of the earlier exhibit is now: the same inode of the same age (birth times are compared where
 * both are known), or the same content of at least one byte, of the same type. False: nowhere. Of items that
 * were added alone; one that was given is taken, and not given again.
 */
bool vst_moves_take(struct vst_moves *moves, const struct vst_series_record *before, uint64_t *ret_seq);

/* By one of the two alone, of all items, and without taking. */
bool vst_moves_by_inode(struct vst_moves *moves, const struct vst_series_record *before, uint64_t *ret_seq);
bool vst_moves_by_content(struct vst_moves *moves, const struct vst_series_record *before, uint64_t *ret_seq);

#endif
