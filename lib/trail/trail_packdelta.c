/*
 * Deltas of a pack: each must lead, in a bounded number of steps, to a whole object of the same pack. libgit2
 * follows them as far as they go, round a circle too.
 */
#include "trail/trail_internal.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/io.h"
#include "vestige/mem.h"

#define DEPTH_MAX 4096u /* git makes 4,095 at most */
#define HEAD_MAX 48u    /* type and size, then an offset or an id */
#define WHOLE UINT32_MAX

enum { PACK_OFS_DELTA = 6, PACK_REF_DELTA = 7 };

struct by_place {
	uint64_t offset;
	uint32_t entry;
};

static int compare_places(const void *a, const void *b)
{
	const struct by_place *left = a, *right = b;

	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static int compare_ids(const void *key, const void *entry)
{
	return git_oid_cmp(key, &((const struct trail_pack_entry *)entry)->id);
}

/* The base's distance: 7 bits a byte, most significant first, one added at each step. */
static bool distance_read(const uint8_t *data, size_t len, uint64_t *ret)
{
	uint64_t value;
	size_t i = 0;

	if (len == 0)
		return false;
	value = data[0] & 0x7f;
	while (data[i] & 0x80) {
		i++;
		if (i >= len || value >= UINT64_C(1) << 56)
			return false;
		value = (value + 1) << 7 | (data[i] & 0x7f);
	}
	*ret = value;
	return true;
}

/* Which entry is the base of this one? */
static bool base_find(const struct trail_pack *pack, const struct by_place *places, uint64_t offset,
        const uint8_t *head, size_t len, uint32_t *ret)
{
	unsigned type;
	size_t i = 0;

	if (len == 0)
		return false;
	type = head[0] >> 4 & 7;
	while (i < len && head[i] & 0x80)
		i++;
	i++;
	if (i > 10 || i > len)
		return false;
	if (type >= GIT_OBJECT_COMMIT && type <= GIT_OBJECT_TAG) {
		*ret = WHOLE;
		return true;
	}
	if (type == PACK_OFS_DELTA) {
		struct by_place key = {0}, *found;
		uint64_t distance;

		if (!distance_read(head + i, len - i, &distance) || distance == 0 || distance > offset)
			return false;
		key.offset = offset - distance;
		found = bsearch(&key, places, pack->count, sizeof(*places), compare_places);
		if (found)
			*ret = found->entry;
		return found != NULL;
	}
	if (type == PACK_REF_DELTA && len - i >= GIT_OID_RAWSZ) {
		const struct trail_pack_entry *found;
		git_oid id;

		git_oid_fromraw(&id, head + i);
		found = bsearch(&id, pack->entries, pack->count, sizeof(*pack->entries), compare_ids);
		if (found)
			*ret = (uint32_t)(found - pack->entries);
		return found != NULL;
	}
	return false;
}

static int bases_read(
        int fd, const struct trail_pack *pack, struct by_place *places, uint32_t *bases, struct vst_err *err)
{
	for (uint32_t i = 0; i < pack->count; i++)
		places[i] = (struct by_place){pack->entries[i].offset, i};
	qsort(places, pack->count, sizeof(*places), compare_places);
	for (uint32_t i = 0; i < pack->count; i++) {
		uint8_t head[HEAD_MAX];
		size_t got;
		int rc = vst_io_pread(fd, pack->entries[i].offset, head, sizeof(head), &got, err);

		if (rc != 0)
			return rc;
		if (!base_find(pack, places, pack->entries[i].offset, head, got, &bases[i]))
			return vst_err_set(err, VST_ETAMPERED, "damaged object at offset %llu",
			        (unsigned long long)pack->entries[i].offset);
	}
	return 0;
}

int vst_trail_pack_deltas(int fd, const struct trail_pack *pack, struct vst_err *err)
{
	struct by_place *places = vst_calloc((size_t)pack->count + 1, sizeof(*places));
	uint32_t *bases = vst_calloc((size_t)pack->count + 1, sizeof(*bases));
	uint16_t *depths = vst_calloc(
	        (size_t)pack->count + 1, sizeof(*depths)); /* 0: not known yet; a whole object has 1 */
	int rc = 0;

	if (!places || !bases || !depths)
		rc = vst_err_nomem(err);
	if (rc == 0)
		rc = bases_read(fd, pack, places, bases, err);
	for (uint32_t i = 0; rc == 0 && i < pack->count; i++) {
		unsigned steps = 0, depth;
		uint32_t at = i;

		while (bases[at] != WHOLE && depths[at] == 0 && steps <= DEPTH_MAX) {
			at = bases[at];
			steps++;
		}
		depth = (depths[at] ? depths[at] : 1u) + steps;
		if (depth > DEPTH_MAX) {
			rc = vst_err_set(err, VST_ETAMPERED, "an object's deltas do not end");
			break;
		}
		for (at = i; depths[at] == 0; at = bases[at]) {
			depths[at] = (uint16_t)depth--;
			if (bases[at] == WHOLE)
				break;
		}
	}
	free(places);
	free(bases);
	free(depths);
	return rc;
}
