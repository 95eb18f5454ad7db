#include "collect/inode_set.h"

#include <stdlib.h>

#include "vestige/mem.h"

int vst_inode_set_add(struct vst_inode_set *set, uint64_t inode, struct vst_err *err)
{
	if (inode == 0)
		return 0;
	if (set->count == VST_INODE_SET_MAX) {
		set->cut = true;
		return 0;
	}
	if (set->count == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 256;
		uint64_t *grown = vst_realloc(set->list, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		set->list = grown;
		set->cap = cap;
	}
	set->list[set->count++] = inode;
	set->sorted = false;
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

bool vst_inode_set_has(struct vst_inode_set *set, uint64_t inode)
{
	if (set->count == 0)
		return false;
	if (!set->sorted)
		qsort(set->list, set->count, sizeof *set->list, compare);
	set->sorted = true;
	return bsearch(&inode, set->list, set->count, sizeof *set->list, compare) != NULL;
}

void vst_inode_set_free(struct vst_inode_set *set)
{
	free(set->list);
	*set = (struct vst_inode_set){0};
}
