/*
 * The names in a directory, sorted by bytes: the order of items does not depend on the file system.
 *
 * Memory: the names of one directory and nothing else of it.
 */
#ifndef COLLECT_LISTING_H
#define COLLECT_LISTING_H

#include <stddef.h>

#include "vestige/buf.h"
#include "vestige/manifest.h"

struct vst_listing {
	struct vst_buf text; /* for each name a byte that holds its type, the name, NUL */
	size_t *offsets;     /* of the type bytes, in order of the names */
	size_t count, cap;
};

/*
 * Reads all of an open directory. What could be read is there even if it fails: `*ret_error` is then the
 * errno, else 0. Returns non-zero for want of memory only. A name that comes twice, or could be no name, is
 * left out (EIO for the latter).
 */
int vst_listing_read(struct vst_listing *listing, int fd, int *ret_error, struct vst_err *err);
void vst_listing_free(struct vst_listing *listing);

const char *vst_listing_name(const struct vst_listing *listing, size_t number);
/* As the directory says; VST_ITEM_UNKNOWN where the file system does not. */
enum vst_item_type vst_listing_type(const struct vst_listing *listing, size_t number);

#endif
