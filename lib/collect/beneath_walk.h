/*
 * vst_beneath_resolve() for who must say where it ended.
 */
#ifndef COLLECT_BENEATH_WALK_H
#define COLLECT_BENEATH_WALK_H

#include "vestige/beneath.h"

/*
 * As vst_beneath_resolve(). If it fails because of the path (VST_EIO, errno in err->sys), and not because
 * `each_link` or memory did, `*ret_stop` is the path at which it stopped, absolute within the root and free
 * of links; the caller frees. Else it stays as it was. `err` may not be NULL.
 */
int vst_beneath_resolve_or_stop(int root_fd, const char *path, vst_beneath_each_link *each_link, void *ctx,
        int *ret_fd, char **ret_path, char **ret_stop, struct vst_err *err);

#endif
