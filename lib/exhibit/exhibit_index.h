/*
 * What a writer remembers of each item until the end: its index record and leaf hash, just as they will be
 * written (exhibit_format.h), and a hash table slot to find it by the digest of its path.
 *
 * Memory: VST_INDEX_RECORD_LEN + VST_HASH_LEN + 1 bytes an item and 4 bytes a slot, of which at most 7 in 10
 * are taken.
 */
#ifndef EXHIBIT_EXHIBIT_INDEX_H
#define EXHIBIT_EXHIBIT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

struct vst_err;

#define VST_INDEX_NO_ENTRY UINT64_MAX /* the item has no entry in the tar */

struct vst_index {
	uint8_t *records; /* count * VST_INDEX_RECORD_LEN, by seq until sorted */
	uint8_t *leaves;  /* count * VST_HASH_LEN, by seq */
	uint8_t *notes;   /* count, by seq: VST_INDEX_… */
	uint32_t *slots;  /* seq + 1, or 0 */
	uint64_t count, capacity, slot_count;
	uint64_t seed; /* so that nobody can choose paths that fall into one slot */
};

/* What the writer has to know of an item that another one links to. */
#define VST_INDEX_ELSEWHERE 1 /* not all of its content is in this exhibit */
#define VST_INDEX_LONG 2      /* long_entry */

struct vst_index_record {
	uint8_t path[VST_HASH_LEN];
	uint32_t seq;
	uint32_t line_len;
	uint64_t entry_offset;
	uint64_t line_offset;
};

int vst_index_init(struct vst_index *index, struct vst_err *err);
void vst_index_free(struct vst_index *index);

/* Appends the record of item `count` (seq is set by this) and its leaf. The path must not be there yet. */
int vst_index_add(struct vst_index *index, const struct vst_index_record *record,
        const uint8_t leaf[VST_HASH_LEN], uint8_t notes, struct vst_err *err);
/* Before the sort only. */
bool vst_index_find(const struct vst_index *index, const uint8_t path[VST_HASH_LEN], uint64_t *ret_seq);

struct vst_index_record vst_index_get(const struct vst_index *index, uint64_t place);
const uint8_t *vst_index_leaf(const struct vst_index *index, uint64_t seq);
/* The lines of all items from `seq` on have landed: `base` is added to their offsets. */
void vst_index_place_lines(struct vst_index *index, uint64_t seq, uint64_t base);

/* By path digest, in place; afterwards nothing can be added or found. */
void vst_index_sort(struct vst_index *index);

#endif
