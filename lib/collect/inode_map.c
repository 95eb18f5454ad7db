#include "collect/inode_map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vestige/mem.h"

struct vst_inode_slot {
	struct vst_inode inode;
	size_t number; /* plus one; 0: free */
};

void vst_inode_map_free(struct vst_inode_map *map)
{
	free(map->slots);
	*map = (struct vst_inode_map){0};
}

static bool is_same(const struct vst_inode *a, const struct vst_inode *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* The slot of the inode, or the free one where it would go. `cap` is a power of two, and a slot is always
 * free. */
static struct vst_inode_slot *slot_of(struct vst_inode_slot *slots, size_t cap, const struct vst_inode *inode)
{
	uint64_t hash =
	        (inode->ino ^ ((uint64_t)inode->dev_major << 40) ^ ((uint64_t)inode->dev_minor << 20)) *
	        UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(hash >> 20) & (cap - 1);
	while (slots[at].number != 0 && !is_same(&slots[at].inode, inode))
		at = (at + 1) & (cap - 1);
	return &slots[at];
}

size_t vst_inode_map_find(const struct vst_inode_map *map, const struct vst_inode *inode)
{
	if (map->cap == 0)
		return VST_INODE_NONE;
	return slot_of(map->slots, map->cap, inode)->number - 1;
}

static int grow(struct vst_inode_map *map)
{
	size_t cap = map->cap ? map->cap * 2 : 64;
	struct vst_inode_slot *slots = vst_calloc(cap, sizeof *slots);
	if (!slots)
		return ENOMEM;
	for (size_t i = 0; i < map->cap; i++)
		if (map->slots[i].number != 0)
			*slot_of(slots, cap, &map->slots[i].inode) = map->slots[i];
	free(map->slots);
	map->slots = slots;
	map->cap = cap;
	return 0;
}

int vst_inode_map_add(struct vst_inode_map *map, const struct vst_inode *inode, size_t number)
{
	if (map->count * 2 >= map->cap && grow(map) != 0)
		return ENOMEM;
	*slot_of(map->slots, map->cap, inode) = (struct vst_inode_slot){*inode, number + 1};
	map->count++;
	return 0;
}
