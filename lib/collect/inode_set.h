/*
 * A set of inode numbers, filled first and asked afterwards.
 */
#ifndef COLLECT_INODE_SET_H
#define COLLECT_INODE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_INODE_SET_MAX (8 * 1024 * 1024)

struct vst_err;

struct vst_inode_set {
	uint64_t *list;
	size_t count, cap;
	bool sorted;
	bool cut; /* more than VST_INODE_SET_MAX were added */
};

int vst_inode_set_add(struct vst_inode_set *set, uint64_t inode, struct vst_err *err); /* 0 is left out */
bool vst_inode_set_has(struct vst_inode_set *set, uint64_t inode);
void vst_inode_set_free(struct vst_inode_set *set);

#endif
