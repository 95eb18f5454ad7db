#include "ledger/key_index.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/secret.h"

#define INDEX_CAP_MIN 16
#define INDEX_CAP_MAX ((size_t)1 << 40)

int vst_key_index_init(struct index *index, struct vst_err *err)
{
	uint64_t multiplier;
	int rc = vst_random(&multiplier, sizeof multiplier, err);

	if (rc == 0)
		*index = (struct index){.multiplier = multiplier | 1};
	return rc;
}

void vst_key_index_free(struct index *index)
{
	free(index->slots);
	index->slots = NULL;
	index->cap = 0;
	index->count = 0;
}

/* The slot that holds the key, or the free one where it belongs. Half of all slots are free, so the loop
 * ends. */
static struct index_slot *find_slot(
        const struct index *index, struct index_slot *slots, size_t cap, const uint8_t key[VST_HASH_LEN])
{
	uint64_t head, place;

	memcpy(&head, key, sizeof head);
	place = head * index->multiplier;
	/* The high bits of the product depend on all bits of the key. */
	for (size_t i = (size_t)(place >> 20);; i++) {
		struct index_slot *slot = &slots[i & (cap - 1)];

		if (slot->place == 0 || memcmp(slot->key, key, VST_HASH_LEN) == 0)
			return slot;
	}
}

int vst_key_index_reserve(struct index *index, size_t more, struct vst_err *err)
{
	size_t cap = index->cap ? index->cap : INDEX_CAP_MIN;
	struct index_slot *slots;

	if (more > INDEX_CAP_MAX / 2 - index->count)
		return vst_err_nomem(err);
	while (cap / 2 < index->count + more)
		cap *= 2;
	if (cap == index->cap)
		return 0;
	slots = vst_calloc(cap, sizeof *slots);
	if (!slots)
		return vst_err_nomem(err);
	for (size_t i = 0; i < index->cap; i++)
		if (index->slots[i].place != 0)
			*find_slot(index, slots, cap, index->slots[i].key) = index->slots[i];
	free(index->slots);
	index->slots = slots;
	index->cap = cap;
	return 0;
}

void vst_key_index_put(struct index *index, const uint8_t key[VST_HASH_LEN], uint64_t number)
{
	struct index_slot *slot = find_slot(index, index->slots, index->cap, key);

	if (slot->place == 0)
		index->count++;
	memcpy(slot->key, key, VST_HASH_LEN);
	slot->place = number + 1;
}

bool vst_key_index_get(const struct index *index, const uint8_t key[VST_HASH_LEN], uint64_t *ret_number)
{
	const struct index_slot *slot = index->cap ? find_slot(index, index->slots, index->cap, key) : NULL;

	if (!slot || slot->place == 0)
		return false;
	if (ret_number)
		*ret_number = slot->place - 1;
	return true;
}
