/*
 * A set of 32-byte keys with a number each: which signing keys, sealed payloads and exhibit numbers the log
 * has seen.
 *
 * Open addressing, at most half full; nothing is ever removed. Keys may be chosen by an intruder (a signing
 * key can be made until its first bytes fit), so places are taken by a multiplier that is drawn at random for
 * each set.
 */
#ifndef LEDGER_KEY_INDEX_H
#define LEDGER_KEY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

struct vst_err;

struct index_slot {
	uint8_t key[VST_HASH_LEN];
	uint64_t place; /* the number plus one; 0 is a free slot */
};

struct index {
	uint64_t multiplier; /* odd */
	struct index_slot *slots;
	size_t cap; /* 0 or a power of two */
	size_t count;
};

int vst_key_index_init(struct index *index, struct vst_err *err);
void vst_key_index_free(struct index *index);
/* Makes room, so that `more` calls of vst_key_index_put() cannot fail. */
int vst_key_index_reserve(struct index *index, size_t more, struct vst_err *err);
void vst_key_index_put(struct index *index, const uint8_t key[VST_HASH_LEN], uint64_t number);
bool vst_key_index_get(const struct index *index, const uint8_t key[VST_HASH_LEN], uint64_t *ret_number);

#endif
