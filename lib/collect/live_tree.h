/*
 * A walk over a tree of /proc or /sys: directory after directory, names in order, links not followed.
 */
#ifndef COLLECT_LIVE_TREE_H
#define COLLECT_LIVE_TREE_H

#include "collect/live.h"

#define VST_LIVE_TREE_MAX (1024 * 1024) /* names */
#define VST_LIVE_TREE_DEPTH 32

/*
 * A name that is no directory, or a directory that could not be read: `error` is then its errno, else 0.
 * `path` is that of the top and what is below it.
 */
typedef int vst_live_each_name(
        void *ctx, const char *path, enum vst_item_type type, int error, struct vst_err *err);
/* `skip` (NULL: none): a directory or file that is not touched. Returns what `each` returned, VST_ENOMEM,
 * VST_ECANCELLED. */
typedef bool vst_live_skip(void *ctx, const char *path);
int vst_live_tree(struct vst_live *live, const char *top, vst_live_skip *skip, vst_live_each_name *each,
        void *ctx, struct vst_err *err);

#endif
