/*
 * The package database of the evidence (dpkg's, below /var/lib/dpkg), and whether files are as their packages
 * brought them.
 *
 * Read when it is first asked for, once for all sources of a process, beneath context->root_fd and nowhere
 * else. Where a file differs and the database has changed since it was read, it is read again first: an
 * upgrade that runs meanwhile is no difference.
 *
 * The functions fail as collectors do: for want of memory, or cancelled.
 */
#ifndef COLLECT_PACKAGES_H
#define COLLECT_PACKAGES_H

#include "collect/package_table.h"
#include "vestige/collector.h"

#define VST_PACKAGES_NOTE "/packages/dpkg" /* the item that tells of the database itself */

/* Whether a package names the path (absolute within the root, without links). */
int vst_packages_names(struct vst_packages *packages, struct vst_collect_context *context, const char *path,
        bool *ret_named, struct vst_err *err);
/*
 * By a content's MD5. `*ret_named` false: no package names the path (any more), nothing else is set. `ret` is
 * borrowed until the next call.
 */
int vst_packages_judge(struct vst_packages *packages, struct vst_collect_context *context, const char *path,
        const uint8_t md5[VST_MD5_LEN], bool *ret_named, struct vst_package_claim *ret, bool *ret_same,
        struct vst_err *err);
/*
 * The first claim on a path, of a content that is not known.
 */
int vst_packages_claim(struct vst_packages *packages, struct vst_collect_context *context, const char *path,
        bool *ret_named, struct vst_package_claim *ret, struct vst_err *err);
/*
 * An item that says what was compared with: how large the database is, what of it was odd or could not be
 * had; `absent` if there is none.
 */
int vst_packages_tell(struct vst_packages *packages, struct vst_collect_context *context, const char *source,
        const struct vst_sink *sink, struct vst_err *err);

#endif
