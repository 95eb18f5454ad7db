/*
 * Reading /proc by descriptors: bounded, and never through something that was mounted over it.
 *
 * Where the kernel lets us (5.2 on, CAP_SYS_ADMIN), an instance of procfs of our own is made that is mounted
 * nowhere: neither a mount over /proc/PID nor hidepid hides anything from it, and the host does not see it.
 * Else it is /proc, and what is mounted over a process's directory is refused (EXDEV).
 */
#ifndef COLLECT_PROC_READ_H
#define COLLECT_PROC_READ_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "collect/proc_parse.h"
#include "vestige/buf.h"
#include "vestige/hash.h"

#define VST_PROC_PID_MAX 4194304 /* PID_MAX_LIMIT of the kernel */

#define VST_REASON_HIDEPID "/proc is mounted with hidepid: processes of others are not listed"

struct vst_collect_context;

struct vst_proc {
	int fd;           /* the root of a procfs */
	bool is_own;      /* it is ours alone, not /proc */
	bool is_overlaid; /* what stands at /proc is no procfs */
	bool is_hiding;   /* it does not list all: mounted with hidepid, and we are not exempt */
};

/* 0 or an errno; ENOTSUP where there is no procfs to be had. */
int vst_proc_open(struct vst_proc *ret);
void vst_proc_close(struct vst_proc *proc);

/* The directory of a process; -1 with errno, EXDEV: something is mounted over it. */
int vst_proc_open_pid(const struct vst_proc *proc, uint64_t pid);

/*
 * All of a file of procfs, at most `max` bytes, in `out` (cleared first); `*ret_cut` (may be NULL) tells that
 * there was more. 0 or an errno. `out` may hold some even so.
 */
int vst_proc_read(int dirfd, const char *name, size_t max, struct vst_buf *out, bool *ret_cut);
/* The text of a link in `out` (cleared first). 0 or an errno. */
int vst_proc_link(int dirfd, const char *name, struct vst_buf *out);

/*
 * Whether a file that a link of /proc leads to has lost its name. The kernel writes " (deleted)" behind a
 * path that is gone; a file may also be named so.
 */
bool vst_proc_is_deleted(const struct vst_buf *link, const struct stat *st);

/* Calls with each name of a directory that is a number, until it returns other than 0. 0, an errno, or what
 * `each` returned. */
typedef int vst_proc_each_number(void *ctx, uint64_t number);
int vst_proc_numbers(int dirfd, const char *name, vst_proc_each_number *each, void *ctx);

/* Opens a regular file for reading without waiting and, if we may, without touching its access time. */
int vst_proc_open_file(int dirfd, const char *name);
/* SHA-256 from the start of the file, at most `max` bytes. 0 or an errno: EFBIG, ECANCELED (the run is to
 * end). */
int vst_proc_digest(
        const struct vst_collect_context *context, int fd, uint64_t max, uint8_t ret[VST_HASH_LEN]);

static inline struct vst_text vst_proc_text(const struct vst_buf *buf)
{
	return (struct vst_text){(const char *)buf->data, buf->len};
}

#endif
