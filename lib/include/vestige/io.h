/*
 * Files: complete reads and writes, durable replacement, locks. All durable writes of the project are made
 * here.
 *
 * `dirfd` and `name` are as in openat(2). EINTR and short transfers never reach the caller. Errors name the
 * call and the reason; the caller prepends which file, unless a function takes the name itself.
 */
#ifndef VESTIGE_IO_H
#define VESTIGE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vst_buf;
struct vst_err;

/* ---- abstract input and output, so that formats work on files, memory and pipes alike ---- */

/* Random access to bytes of a known length. Implementations must allow calls from several threads at once. */
struct vst_input {
	void *ctx; /* owned by whoever made the input */
	uint64_t size;
	/* Reads exactly `len` bytes at `offset`; both lie inside `size`, the caller has checked. */
	int (*read_at)(void *ctx, uint64_t offset, void *ret_data, size_t len, struct vst_err *err);
};

/* Somewhere to write bytes, in order. */
struct vst_output {
	void *ctx;
	int (*write)(void *ctx, const void *data, size_t len, struct vst_err *err);
};

/* Checks the range, then reads. A range outside the input is VST_EFORMAT ("cut short"). */
int vst_input_read(
        const struct vst_input *in, uint64_t offset, void *ret_data, size_t len, struct vst_err *err);

struct vst_input vst_input_memory(const void *data, size_t len); /* borrows data, which must outlive it */
/* Size from fstat; the descriptor is borrowed, carried in ctx itself. VST_EUNSUPPORTED if not a regular file
 * or device. */
int vst_input_fd(int fd, struct vst_input *ret, struct vst_err *err);

struct vst_output vst_output_fd(int fd);               /* borrows the descriptor */
/*
 * A file that will be fsynced at its end: what was written is sent on to the disk as it goes, so that the fsync finds
 * little to do. `file` is the caller's and outlives the output; fd is borrowed.
 */
struct vst_flowing_file {
	int fd;
	uint64_t pending; /* bytes since the disk was last told; starts as 0 */
};
struct vst_output vst_output_flowing(struct vst_flowing_file *file);
struct vst_output vst_output_buf(struct vst_buf *buf); /* appends */

/* ---- complete transfers ---- */

/* Up to `len` bytes; fewer only at the end of the file. Units: bytes. */
int vst_io_read(int fd, void *ret_data, size_t len, size_t *ret_len, struct vst_err *err);
int vst_io_pread(int fd, uint64_t offset, void *ret_data, size_t len, size_t *ret_len, struct vst_err *err);
int vst_io_write(int fd, const void *data, size_t len, struct vst_err *err);

/* Appends a whole file to `out`; VST_ELIMIT if it is longer than `max`. O_NOFOLLOW, O_CLOEXEC; VST_ENOTFOUND
 * for ENOENT. */
int vst_io_read_file(int dirfd, const char *name, size_t max, struct vst_buf *out, struct vst_err *err);
/* The same for a descriptor at its present position (stdin). */
int vst_io_read_all(int fd, size_t max, struct vst_buf *out, struct vst_err *err);

/* ---- durability ---- */

int vst_io_fsync(int fd, struct vst_err *err);
/* Makes names durable: fsync of the directory. `name` "." for dirfd itself. */
int vst_io_fsync_dir(int dirfd, const char *name, struct vst_err *err);
/* rename(2), or with `keep` renameat2(RENAME_NOREPLACE): VST_EEXIST if the target is there. Fsyncs the
 * target's directory. */
int vst_io_rename(
        int from_dirfd, const char *from, int to_dirfd, const char *to, bool keep, struct vst_err *err);

enum vst_io_replace { VST_IO_NEW /* VST_EEXIST if there */, VST_IO_REPLACE };
/*
 * Writes a whole file so that after a crash the old bytes or the new ones are there, never a mixture: a
 * temporary name `.NAME.tmp-XXXXXXXX` in the same directory, write, fsync, rename, fsync of the directory.
 * The umask applies to `mode`.
 */
int vst_io_write_file(int dirfd, const char *name, mode_t mode, const void *data, size_t len,
        enum vst_io_replace replace, struct vst_err *err);

/* Overwrites the bytes in place, fsyncs, unlinks, fsyncs the directory. Modern storage may keep a copy: best
 * effort. */
int vst_io_erase_file(int dirfd, const char *name, struct vst_err *err);

/* ---- locks and directories ---- */

/* An exclusive lock on a file (made if missing, mode 0600), held until the descriptor is closed. VST_ELOCKED
   if `wait` is false and another process or descriptor has it. */
int vst_io_lock(int dirfd, const char *name, bool wait, int *ret_fd, struct vst_err *err);

/* mkdir (the umask applies) and fsync of the parent; VST_EEXIST if it is there. */
int vst_io_mkdir(int dirfd, const char *name, mode_t mode, struct vst_err *err);
/* VST_ENOTFOUND for ENOENT and ENOTDIR. */
int vst_io_open_dir(int dirfd, const char *name, int *ret_fd, struct vst_err *err);

#endif
