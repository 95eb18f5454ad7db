/*
 * A growing array of records that begin with a key of 16 bytes, and are found by it. Keys are digests of what
 * hosts wrote, so that nobody chooses where they fall.
 */
#ifndef COLLECT_KEYED_H
#define COLLECT_KEYED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_KEY_LEN 16
#define VST_KEYED_NONE UINT32_MAX

struct vst_err;

struct vst_keyed {   /* zero-initialise but for `size` */
	size_t size; /* bytes of a record */
	uint8_t *records;
	uint32_t count, cap;
	uint32_t *slots; /* number plus one; 0: free */
	uint32_t slot_count;
};

void vst_keyed_free(struct vst_keyed *keyed);
/* The first record of this key, or VST_KEYED_NONE. */
uint32_t vst_keyed_find(const struct vst_keyed *keyed, const uint8_t key[VST_KEY_LEN]);
/* Borrowed until the next append. */
void *vst_keyed_at(const struct vst_keyed *keyed, uint32_t number);
/* Copies the record behind the last one. `found`: its key is to find it; one that has a record already must
 * not be. VST_ELIMIT where numbers end. */
int vst_keyed_append(struct vst_keyed *keyed, const void *record, bool found, struct vst_err *err);

#endif
