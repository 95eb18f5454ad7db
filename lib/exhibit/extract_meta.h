/*
 * Giving a file that was taken out the metadata of its manifest line.
 *
 * The order matters: a change of owner drops set-id bits and file capabilities, an ACL changes the group's
 * bits, and an immutable file takes nothing more: so owner, ACL, mode, xattrs, times, and inode flags in a
 * call of their own. Each function does all that it can and returns the first failure.
 */
#ifndef VESTIGE_EXHIBIT_EXTRACT_META_H
#define VESTIGE_EXHIBIT_EXTRACT_META_H

#include <stdbool.h>

struct vst_err;
struct vst_item;

/* A regular file or directory that is open. Without `preserve` only mode & 0777 and times. */
int vst_meta_apply(int fd, const struct vst_item *item, bool preserve, struct vst_err *err);

/* A symbolic link, FIFO, socket or device `base` in `parent`: never followed. */
int vst_meta_apply_at(
        int parent, const char *base, const struct vst_item *item, bool preserve, struct vst_err *err);

/* Whether the item has inode flags that a program can set. */
bool vst_meta_has_flags(const struct vst_item *item);
int vst_meta_apply_flags(int fd, const struct vst_item *item, struct vst_err *err);

#endif
