#include "collect/keyed.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"

#define FIRST 64
#define COUNT_MAX (UINT32_C(1) << 30)

void vst_keyed_free(struct vst_keyed *keyed)
{
	free(keyed->records);
	free(keyed->slots);
	*keyed = (struct vst_keyed){.size = keyed->size};
}

void *vst_keyed_at(const struct vst_keyed *keyed, uint32_t number)
{
	return keyed->records + (size_t)number * keyed->size;
}

/* The slot that leads to the key, or the free one where it would go. Slots are at most half full. */
static uint32_t *slot_of(const struct vst_keyed *keyed, const uint8_t key[VST_KEY_LEN])
{
	uint32_t at;
	memcpy(&at, key, sizeof at);
	for (at &= keyed->slot_count - 1; keyed->slots[at] != 0; at = (at + 1) & (keyed->slot_count - 1))
		if (memcmp(vst_keyed_at(keyed, keyed->slots[at] - 1), key, VST_KEY_LEN) == 0)
			break;
	return &keyed->slots[at];
}

uint32_t vst_keyed_find(const struct vst_keyed *keyed, const uint8_t key[VST_KEY_LEN])
{
	return keyed->slot_count == 0 ? VST_KEYED_NONE : *slot_of(keyed, key) - 1;
}

static int grow_records(struct vst_keyed *keyed, struct vst_err *err)
{
	uint32_t cap = keyed->cap ? keyed->cap * 2 : FIRST;
	uint8_t *grown = vst_realloc(keyed->records, cap, keyed->size);
	if (!grown)
		return vst_err_nomem(err);
	keyed->records = grown;
	keyed->cap = cap;
	return 0;
}

static int grow_slots(struct vst_keyed *keyed, struct vst_err *err)
{
	uint32_t old_count = keyed->slot_count, count = old_count ? old_count * 2 : FIRST * 2;
	uint32_t *old = keyed->slots, *slots = vst_calloc(count, sizeof *slots);
	if (!slots)
		return vst_err_nomem(err);
	keyed->slots = slots;
	keyed->slot_count = count;
	for (uint32_t i = 0; i < old_count; i++)
		if (old[i] != 0)
			*slot_of(keyed, vst_keyed_at(keyed, old[i] - 1)) = old[i];
	free(old);
	return 0;
}

int vst_keyed_append(struct vst_keyed *keyed, const void *record, bool found, struct vst_err *err)
{
	int rc = 0;
	if (keyed->count >= COUNT_MAX)
		return vst_err_set(err, VST_ELIMIT, "more than %u records", COUNT_MAX);
	if (keyed->count == keyed->cap)
		rc = grow_records(keyed, err);
	if (rc == 0 && keyed->count >= keyed->slot_count / 2)
		rc = grow_slots(keyed, err);
	if (rc != 0)
		return rc;
	memcpy(vst_keyed_at(keyed, keyed->count), record, keyed->size);
	keyed->count++;
	if (found)
		*slot_of(keyed, record) = keyed->count;
	return 0;
}
