/*
 * An item as bytes, for the way from the collector's process to ours: one program at both ends, so the
 * structure itself and behind it what its pointers lead to. What comes back points into the bytes and is
 * checked: each string ends inside them.
 */
#ifndef COLLECT_ISOLATED_ITEM_H
#define COLLECT_ISOLATED_ITEM_H

#include <stdbool.h>

#include "vestige/buf.h"
#include "vestige/manifest.h"

/* Appends. `link_source` and `link_path` may be NULL. Failure to allocate sticks to the buffer. */
void isolated_item_put(
        struct vst_buf *out, const struct vst_item *item, const char *link_source, const char *link_path);

struct isolated_item {
	struct vst_item item;
	const char *link_source, *link_path;
	struct vst_item_xattr *xattrs; /* what the item's point to; owned */
	struct vst_item_extent *extents;
};
/* False if the bytes are not such an item, or memory ran out. Borrows `bytes`; release in both cases. */
bool isolated_item_take(const uint8_t *bytes, size_t len, struct isolated_item *ret);
void isolated_item_release(struct isolated_item *item);

#endif
