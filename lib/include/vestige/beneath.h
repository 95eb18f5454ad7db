/*
 * Opening paths beneath a root descriptor, so that no link leads out of the evidence: one openat2() that refuses links where the
 * kernel has it and the path has none, component by component otherwise. Both ways give the same results.
 *
 * A link's text is taken as text, never by the kernel: an absolute target starts at the root again, ".." stops at the root, and
 * magic links (/proc/PID/root) are ordinary ones.
 */
#ifndef VESTIGE_BENEATH_H
#define VESTIGE_BENEATH_H

#include <stdbool.h>
#include <stddef.h>

struct vst_buf;
struct vst_err;

#define VST_BENEATH_LINKS_MAX 40 /* as the kernel's own limit */
#define VST_BENEATH_PATH_MAX (60 * 1024) /* of a resolved path: what is found there must still fit into an item's path */

/*
 * Opens one name in a directory: no link is followed, no component crossed (EINVAL for "", ".." and names with a slash).
 * O_NOFOLLOW and O_CLOEXEC are added; O_NOATIME is tried first where `flags` asks to read. Returns a descriptor, or -1 with errno.
 */
int vst_beneath_open_at(int dirfd, const char *name, int flags);

/*
 * Resolves a literal prefix inside the root and follows links inside it ("/var/run" leads to "<root>/run"), the last component
 * too. `each_link` (NULL: none) is told of each link before it is followed: its path (absolute within the root, free of links), the
 * directory that holds it (O_PATH) and its name; what it returns other than 0 ends the resolution. Paths may have any length
 * up to VST_BENEATH_PATH_MAX when resolved (ENAMETOOLONG).
 *
 * Gives a descriptor (O_PATH) and the resolved path (absolute within the root; the caller frees). Fails like open(2) with errno in
 * err->sys: ENOENT, EACCES, ELOOP, ENOTDIR.
 */
typedef int vst_beneath_each_link(void *ctx, const char *path, int parent_fd, const char *name, struct vst_err *err);
int vst_beneath_resolve(int root_fd, const char *path, vst_beneath_each_link *each_link, void *ctx, int *ret_fd,
	char **ret_path, struct vst_err *err);

/*
 * The directory (O_PATH) of a path that vst_beneath_resolve() gave, and the last component's name in it, "." for the root:
 * so that what stands there can be opened by vst_beneath_open_at(). `*ret_name` points into `resolved`, or is constant.
 */
int vst_beneath_parent(int root_fd, const char *resolved, int *ret_fd, const char **ret_name, struct vst_err *err);

/*
 * Appends a whole regular file to `out`, links followed inside the root. Never waits for a FIFO and never opens a device.
 * Errors: VST_ENOTFOUND, VST_EUNSUPPORTED (not a regular file), VST_ELIMIT (longer than `max`), VST_EIO.
 */
int vst_beneath_read(int root_fd, const char *path, size_t max, struct vst_buf *out, struct vst_err *err);

/* Tests: forces the way without openat2. */
void vst_beneath_force_walk(bool on);

#endif
