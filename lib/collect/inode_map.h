/*
 * A map from inodes to small numbers: which entry of a caller's list belongs to a file that is met again.
 */
#ifndef COLLECT_INODE_MAP_H
#define COLLECT_INODE_MAP_H

#include <stddef.h>
#include <stdint.h>

#define VST_INODE_NONE SIZE_MAX

struct vst_inode {
	uint32_t dev_major, dev_minor;
	uint64_t ino;
};

struct vst_inode_slot;
struct vst_inode_map { /* zero-initialise */
	struct vst_inode_slot *slots;
	size_t count, cap;
};

void vst_inode_map_free(struct vst_inode_map *map);
/* The number of an inode, or VST_INODE_NONE. */
size_t vst_inode_map_find(const struct vst_inode_map *map, const struct vst_inode *inode);
/* For an inode that is not in it. 0 or ENOMEM. */
int vst_inode_map_add(struct vst_inode_map *map, const struct vst_inode *inode, size_t number);

#endif
