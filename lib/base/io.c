#include "vestige/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/fault.h"
#include "vestige/mem.h"
#include "vestige/text.h"

/* The kernel moves less than 2 GiB in one call; a larger request has no defined meaning everywhere. */
#define TRANSFER_MAX ((size_t)1 << 30)
#define READ_CHUNK ((size_t)64 * 1024)
#define TEMPORARY_TRIES 64
/* What ".", ".tmp-" and the suffix leave of NAME_MAX for the name in a temporary name. */
#define TEMPORARY_BASE_MAX (NAME_MAX - 14)

#define FLOW_BYTES ((uint64_t)8 * 1024 * 1024)

/* ---- single calls, which tests can make fail ---- */

static ssize_t read_once(int fd, void *data, size_t len, bool at, off_t offset)
{
	int fault = vst_fault(VST_FAULT_READ, NULL);
	if (fault > 0) {
		errno = fault;
		return -1;
	}
	if (fault < 0)
		len = (len + 1) / 2;
	return at ? pread(fd, data, len, offset) : read(fd, data, len);
}

static ssize_t write_once(int fd, const void *data, size_t len)
{
	int fault = vst_fault(VST_FAULT_WRITE, NULL);
	if (fault > 0) {
		errno = fault;
		return -1;
	}
	if (fault < 0)
		len = (len + 1) / 2;
	return write(fd, data, len);
}

static int fsync_once(int fd)
{
	int fault = vst_fault(VST_FAULT_FSYNC, NULL);
	if (fault > 0) {
		errno = fault;
		return -1;
	}
	return fsync(fd);
}

static int rename_once(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags)
{
	int fault = vst_fault(VST_FAULT_RENAME, NULL);
	if (fault > 0) {
		errno = fault;
		return -1;
	}
	/* renameat() for the plain case: a file system may know no flags at all. */
	return flags ? renameat2(from_dirfd, from, to_dirfd, to, flags)
	             : renameat(from_dirfd, from, to_dirfd, to);
}

/* Whether a failed transfer is to be tried again. Standard input and output may be non-blocking through no
 * doing of ours. */
static bool again(int fd, short events)
{
	if (errno == EINTR)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return false;
	struct pollfd wait = {.fd = fd, .events = events};
	return poll(&wait, 1, -1) >= 0 || errno == EINTR;
}

static int open_again(int dirfd, const char *name, int flags, mode_t mode)
{
	int fd;
	do {
		fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOCTTY, mode);
	} while (fd < 0 && errno == EINTR);
	return fd;
}

static int open_error(struct vst_err *err, const char *name)
{
	int sys = errno;
	if (sys == ENOENT) {
		vst_err_set(err, VST_ENOTFOUND, "%s: does not exist", name);
		if (err)
			err->sys = sys;
		return VST_ENOTFOUND;
	}
	return vst_err_sys(err, sys, "%s: open", name);
}

/* ---- complete transfers ---- */

static int read_complete(
        int fd, bool at, off_t offset, void *ret_data, size_t len, size_t *ret_len, struct vst_err *err)
{
	size_t done = 0;
	while (done < len) {
		size_t want = len - done < TRANSFER_MAX ? len - done : TRANSFER_MAX;
		ssize_t n =
		        read_once(fd, (uint8_t *)ret_data + done, want, at, at ? offset + (off_t)done : 0);
		if (n < 0 && again(fd, POLLIN))
			continue;
		if (n < 0)
			return vst_err_sys(err, errno, "read");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_len = done;
	return 0;
}

int vst_io_read(int fd, void *ret_data, size_t len, size_t *ret_len, struct vst_err *err)
{
	return read_complete(fd, false, 0, ret_data, len, ret_len, err);
}

int vst_io_pread(int fd, uint64_t offset, void *ret_data, size_t len, size_t *ret_len, struct vst_err *err)
{
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return vst_err_sys(err, EOVERFLOW, "read");
	return read_complete(fd, true, (off_t)offset, ret_data, len, ret_len, err);
}

int vst_io_write(int fd, const void *data, size_t len, struct vst_err *err)
{
	size_t done = 0;
	while (done < len) {
		size_t want = len - done < TRANSFER_MAX ? len - done : TRANSFER_MAX;
		ssize_t n = write_once(fd, (const uint8_t *)data + done, want);
		if (n < 0 && again(fd, POLLOUT))
			continue;
		if (n < 0)
			return vst_err_sys(err, errno, "write");
		if (n == 0) /* would go on for ever */
			return vst_err_sys(err, EIO, "write");
		done += (size_t)n;
	}
	return 0;
}

/* Reads on until the end; `hint` is how many bytes are expected. */
static int read_to_end(int fd, size_t max, size_t hint, struct vst_buf *out, struct vst_err *err)
{
	size_t before = out->len;
	size_t chunk = (hint < max ? hint : max) + (hint < SIZE_MAX / 2 ? 1 : 0);
	int rc;
	for (;;) {
		size_t total = out->len - before, n;
		/* One byte more than allowed is asked for, to learn whether there is one. */
		size_t room = max - total < SIZE_MAX ? max - total + 1 : SIZE_MAX;
		size_t want = chunk < room ? chunk : room;
		vst_buf_reserve(out, want);
		if ((rc = vst_buf_check(out, err)) != 0)
			goto out;
		if ((rc = vst_io_read(fd, out->data + out->len, want, &n, err)) != 0)
			goto out;
		if (n > max - total) {
			rc = vst_err_set(err, VST_ELIMIT, "longer than %zu bytes", max);
			goto out;
		}
		out->len += n;
		if (n < want)
			return 0;
		chunk = out->cap - out->len > READ_CHUNK ? out->cap - out->len : READ_CHUNK;
	}
out:
	out->len = before;
	return rc;
}

int vst_io_read_all(int fd, size_t max, struct vst_buf *out, struct vst_err *err)
{
	return read_to_end(fd, max, READ_CHUNK, out, err);
}

int vst_io_read_file(int dirfd, const char *name, size_t max, struct vst_buf *out, struct vst_err *err)
{
	/* Non-blocking, as the open of a FIFO would else wait for a writer; no effect on regular files. */
	int fd = open_again(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0)
		return open_error(err, name);
	struct stat st;
	int rc;
	if (fstat(fd, &st) != 0) {
		rc = vst_err_sys(err, errno, "%s: stat", name);
	} else if (!S_ISREG(st.st_mode)) {
		rc = vst_err_set(err, VST_EUNSUPPORTED, "%s: not a regular file", name);
	} else {
		/* Files of /proc say 0 and hold more. */
		size_t hint = (uint64_t)st.st_size < SIZE_MAX / 2 ? (size_t)st.st_size : SIZE_MAX / 2;
		rc = read_to_end(fd, max, hint ? hint : READ_CHUNK, out, err);
		if (rc != 0)
			vst_err_prepend(err, "%s", name);
	}
	close(fd);
	return rc;
}

/* ---- abstract input and output ---- */

int vst_input_read(
        const struct vst_input *in, uint64_t offset, void *ret_data, size_t len, struct vst_err *err)
{
	if (offset > in->size || len > in->size - offset)
		return vst_err_set(err, VST_EFORMAT, "cut short: %zu bytes wanted at %llu of %llu", len,
		        (unsigned long long)offset, (unsigned long long)in->size);
	return len ? in->read_at(in->ctx, offset, ret_data, len, err) : 0;
}

static int memory_read_at(void *ctx, uint64_t offset, void *ret_data, size_t len, struct vst_err *err)
{
	(void)err;
	memcpy(ret_data, (const uint8_t *)ctx + offset, len);
	return 0;
}

struct vst_input vst_input_memory(const void *data, size_t len)
{
	/* ctx is never written through. */
	return (struct vst_input){.ctx = (void *)(uintptr_t)data, .size = len, .read_at = memory_read_at};
}

static int fd_read_at(void *ctx, uint64_t offset, void *ret_data, size_t len, struct vst_err *err)
{
	size_t n;
	int rc = vst_io_pread((int)(intptr_t)ctx, offset, ret_data, len, &n, err);
	if (rc != 0)
		return rc;
	if (n < len)
		return vst_err_set(err, VST_EFORMAT, "cut short while it was read");
	return 0;
}

int vst_input_fd(int fd, struct vst_input *ret, struct vst_err *err)
{
	struct stat st;
	uint64_t size;
	if (fstat(fd, &st) != 0)
		return vst_err_sys(err, errno, "stat");
	if (S_ISREG(st.st_mode))
		size = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return vst_err_set(err, VST_EUNSUPPORTED, "not a regular file or block device");
	else if (ioctl(fd, BLKGETSIZE64, &size) != 0)
		return vst_err_sys(err, errno, "size of device");
	*ret = (struct vst_input){.ctx = (void *)(intptr_t)fd, .size = size, .read_at = fd_read_at};
	return 0;
}

static int fd_write(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	return vst_io_write((int)(intptr_t)ctx, data, len, err);
}

struct vst_output vst_output_fd(int fd)
{
	return (struct vst_output){.ctx = (void *)(intptr_t)fd, .write = fd_write};
}

static int flowing_write(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct vst_flowing_file *file = ctx;
	int rc = vst_io_write(file->fd, data, len, err);
	if (rc != 0)
		return rc;
	file->pending += len;
	if (file->pending >= FLOW_BYTES) {
		/* Only a push: whether the bytes are durable is what the fsync says. */
		(void)sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		file->pending = 0;
	}
	return 0;
}

struct vst_output vst_output_flowing(struct vst_flowing_file *file)
{
	return (struct vst_output){.ctx = file, .write = flowing_write};
}

static int buf_write(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct vst_buf *buf = ctx;
	vst_buf_bytes(buf, data, len);
	return vst_buf_check(buf, err);
}

struct vst_output vst_output_buf(struct vst_buf *buf)
{
	return (struct vst_output){.ctx = buf, .write = buf_write};
}

/* ---- durability ---- */

int vst_io_fsync(int fd, struct vst_err *err)
{
	while (fsync_once(fd) != 0)
		if (errno != EINTR)
			return vst_err_sys(err, errno, "fsync");
	return 0;
}

static int fsync_dir_fd(int fd, struct vst_err *err)
{
	while (fsync_once(fd) != 0) {
		/* How a file system says that its directories have no fsync (FUSE, some network ones). */
		if (errno == EINVAL)
			return 0;
		if (errno != EINTR)
			return vst_err_sys(err, errno, "fsync of the directory");
	}
	return 0;
}

int vst_io_fsync_dir(int dirfd, const char *name, struct vst_err *err)
{
	int fd = open_again(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return open_error(err, name);
	int rc = fsync_dir_fd(fd, err);
	close(fd);
	if (rc != 0)
		vst_err_prepend(err, "%s", name);
	return rc;
}

/* Splits a path into its directory and the last name, which stays in `path`. VST_EUSAGE for a path without a
 * last name. */
static int split(const char *path, char ret_dir[PATH_MAX], const char **ret_base, struct vst_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t len = slash ? (size_t)(slash - path) : 0;
	if (!*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return vst_err_set(err, VST_EUSAGE, "%s: not the name of a file", path);
	if (len >= PATH_MAX)
		return vst_err_sys(err, ENAMETOOLONG, "open");
	if (!slash) {
		strcpy(ret_dir, ".");
	} else if (len == 0) {
		strcpy(ret_dir, "/");
	} else {
		memcpy(ret_dir, path, len);
		ret_dir[len] = '\0';
	}
	*ret_base = base;
	return 0;
}

static int open_parent(int dirfd, const char *path, const char **ret_base, int *ret_fd, struct vst_err *err)
{
	char dir[PATH_MAX];
	int rc = split(path, dir, ret_base, err);
	if (rc != 0)
		return rc;
	int fd = open_again(dirfd, dir, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return open_error(err, dir);
	*ret_fd = fd;
	return 0;
}

/* For file systems without RENAME_NOREPLACE: link() never replaces either. Not for directories. */
static int rename_by_link(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	if (linkat(from_dirfd, from, to_dirfd, to, 0) != 0)
		return -1;
	return unlinkat(from_dirfd, from, 0);
}

static int rename_durably(int from_dirfd, const char *from, int to_dirfd, const char *to, bool keep,
        bool *ret_renamed, struct vst_err *err)
{
	int rc;
	do {
		rc = rename_once(from_dirfd, from, to_dirfd, to, keep ? RENAME_NOREPLACE : 0);
	} while (rc != 0 && errno == EINTR);
	if (rc != 0 && keep && (errno == EINVAL || errno == ENOSYS))
		rc = rename_by_link(from_dirfd, from, to_dirfd, to);
	if (rc != 0 && keep && errno == EEXIST)
		return vst_err_set(err, VST_EEXIST, "exists already");
	if (rc != 0)
		return vst_err_sys(err, errno, "rename");
	*ret_renamed = true;
	return fsync_dir_fd(to_dirfd, err);
}

int vst_io_rename(
        int from_dirfd, const char *from, int to_dirfd, const char *to, bool keep, struct vst_err *err)
{
	const char *base;
	int dir = -1;
	bool renamed = false;
	int rc = open_parent(to_dirfd, to, &base, &dir, err);
	if (rc != 0)
		return rc;
	rc = rename_durably(from_dirfd, from, dir, base, keep, &renamed, err);
	close(dir);
	if (rc != 0)
		vst_err_prepend(err, "%s", to);
	return rc;
}

/* ---- whole files ---- */

static int random_suffix(char ret_text[9], struct vst_err *err)
{
	uint8_t bytes[4];
	ssize_t n;
	do {
		n = getrandom(bytes, sizeof bytes, 0);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof bytes)
		return vst_err_sys(err, n < 0 ? errno : EIO, "getrandom");
	vst_hex(bytes, sizeof bytes, ret_text);
	return 0;
}

/* A new file next to `base`, under a name that nothing else has. */
static int make_temporary(
        int dir, const char *base, mode_t mode, char ret_name[NAME_MAX + 1], int *ret_fd, struct vst_err *err)
{
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		char suffix[9];
		int rc = random_suffix(suffix, err);
		if (rc != 0)
			return rc;
		snprintf(ret_name, NAME_MAX + 1, ".%.*s.tmp-%s", TEMPORARY_BASE_MAX, base, suffix);
		int fd = open_again(dir, ret_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno != EEXIST)
			return vst_err_sys(err, errno, "create");
	}
	return vst_err_sys(err, EEXIST, "create a temporary file");
}

int vst_io_write_file(int dirfd, const char *name, mode_t mode, const void *data, size_t len,
        enum vst_io_replace replace, struct vst_err *err)
{
	char temporary[NAME_MAX + 1];
	const char *base;
	int dir = -1, fd = -1;
	bool made = false, renamed = false;
	int rc = open_parent(dirfd, name, &base, &dir, err);
	if (rc != 0)
		return rc;
	if ((rc = make_temporary(dir, base, mode, temporary, &fd, err)) != 0)
		goto out;
	made = true;
	if ((rc = vst_io_write(fd, data, len, err)) != 0 || (rc = vst_io_fsync(fd, err)) != 0)
		goto out;
	/* Network file systems report a failed write here. */
	int closed = close(fd);
	fd = -1;
	if (closed != 0 && errno != EINTR) {
		rc = vst_err_sys(err, errno, "close");
		goto out;
	}
	rc = rename_durably(dir, temporary, dir, base, replace == VST_IO_NEW, &renamed, err);
out:
	if (fd >= 0)
		close(fd);
	if (made && !renamed)
		unlinkat(dir, temporary, 0);
	close(dir);
	if (rc != 0)
		vst_err_prepend(err, "%s", name);
	return rc;
}

static int overwrite(int fd, struct vst_err *err)
{
	static const uint8_t zeros[READ_CHUNK];
	struct stat st;
	if (fstat(fd, &st) != 0)
		return vst_err_sys(err, errno, "stat");
	for (uint64_t left = (uint64_t)st.st_size; left > 0;) {
		size_t n = left < sizeof zeros ? (size_t)left : sizeof zeros;
		int rc = vst_io_write(fd, zeros, n, err);
		if (rc != 0)
			return rc;
		left -= n;
	}
	return vst_io_fsync(fd, err);
}

int vst_io_erase_file(int dirfd, const char *name, struct vst_err *err)
{
	const char *base;
	int dir = -1, fd = -1;
	struct stat st;
	int rc = open_parent(dirfd, name, &base, &dir, err);
	if (rc != 0)
		return rc;
	fd = open_again(dir, base, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0) {
		rc = open_error(err, name);
		goto out;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		rc = vst_err_set(err, VST_EUNSUPPORTED, "%s: not a regular file", name);
		goto out;
	}
	/* The name goes even if the bytes could not be overwritten: a secret that is hard to find beats one
	 * that is not. */
	rc = overwrite(fd, err);
	if (unlinkat(dir, base, 0) != 0 && rc == 0)
		rc = vst_err_sys(err, errno, "unlink");
	int synced = fsync_dir_fd(dir, rc == 0 ? err : NULL);
	if (rc == 0)
		rc = synced;
	if (rc != 0)
		vst_err_prepend(err, "%s: erase", name);
out:
	if (fd >= 0)
		close(fd);
	close(dir);
	return rc;
}

/* ---- locks and directories ---- */

int vst_io_lock(int dirfd, const char *name, bool wait, int *ret_fd, struct vst_err *err)
{
	int fd = open_again(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return vst_err_sys(err, errno, "%s: open", name);
	/* Bound to the open file description: two descriptors of one process exclude each other as well, and
	   closing an unrelated descriptor of the same file does not release it. */
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int rc;
	do {
		rc = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
	} while (rc != 0 && errno == EINTR);
	if (rc == 0) {
		*ret_fd = fd;
		return 0;
	}
	if (errno == EAGAIN || errno == EACCES)
		rc = vst_err_set(err, VST_ELOCKED, "%s: held by another process", name);
	else
		rc = vst_err_sys(err, errno, "%s: lock", name);
	close(fd);
	return rc;
}

int vst_io_mkdir(int dirfd, const char *name, mode_t mode, struct vst_err *err)
{
	/* "a/b/" names a directory as well as "a/b" does. */
	char path[PATH_MAX];
	size_t len = strlen(name);
	while (len > 1 && name[len - 1] == '/')
		len--;
	if (len >= sizeof path)
		return vst_err_sys(err, ENAMETOOLONG, "mkdir");
	memcpy(path, name, len);
	path[len] = '\0';

	const char *base;
	int dir = -1;
	int rc = open_parent(dirfd, path, &base, &dir, err);
	if (rc != 0)
		return rc;
	if (mkdirat(dir, base, mode) == 0)
		rc = fsync_dir_fd(dir, err);
	else if (errno == EEXIST)
		rc = vst_err_set(err, VST_EEXIST, "exists already");
	else
		rc = vst_err_sys(err, errno, "mkdir");
	close(dir);
	if (rc != 0)
		vst_err_prepend(err, "%s", name);
	return rc;
}

int vst_io_open_dir(int dirfd, const char *name, int *ret_fd, struct vst_err *err)
{
	int fd = open_again(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0) {
		if (errno != ENOTDIR)
			return open_error(err, name);
		return vst_err_set(err, VST_ENOTFOUND, "%s: not a directory", name);
	}
	*ret_fd = fd;
	return 0;
}
