/*
 * Extended attributes, POSIX ACLs and inode flags of one file at a time.
 *
 * An ACL that has no numeric text form stays an extended attribute, byte for byte.
 */
#ifndef COLLECT_FILE_ATTRIBUTES_H
#define COLLECT_FILE_ATTRIBUTES_H

#include <stdbool.h>

#include "vestige/buf.h"
#include "vestige/manifest.h"

#define VST_FILE_XATTRS_MAX                                                                                  \
	(8 * 1024 * 1024) /* bytes of values of one file; a manifest line must hold them in base64 */
#define VST_FILE_FLAGS_TEXT 33

struct statx;

struct vst_file_attributes { /* zero-initialise; memory is kept from file to file */
	struct vst_buf names, values, error;
	struct vst_item_xattr *xattrs;
	size_t cap;
	struct vst_buf acl, default_acl;
	char flags[VST_FILE_FLAGS_TEXT];
};

/*
 * Fills the item's xattrs, ACLs, xattrs_error and flags, borrowed from `attributes` until the next call.
 * `is_path`: the descriptor is an O_PATH one; inode flags need another. What cannot be had is told in
 * xattrs_error. Fails for want of memory only.
 */
int vst_file_attributes_read(struct vst_file_attributes *attributes, int fd, bool is_path,
        struct vst_item *item, struct vst_err *err);
/* The inode flags that a stat tells (c i a d E V x in chattr's letters), where nothing is opened that could be asked for all. */
void vst_file_attributes_flags(
        struct vst_file_attributes *attributes, const struct statx *st, struct vst_item *item);
void vst_file_attributes_free(struct vst_file_attributes *attributes);

/* Inode flags as chattr letters in lsattr's order. */
void vst_file_flags_text(unsigned flags, char ret_text[VST_FILE_FLAGS_TEXT]);
/* Appends a POSIX ACL as Linux keeps it in an extended attribute, in the manifest's form; false (and nothing)
 * if it has none. */
bool vst_file_acl_text(const void *value, size_t len, struct vst_buf *out);

#endif
