/*
 * Invariants: 1. the file holds the first `written` bytes, the buffer the `filled` bytes behind them; 2. the
 * descriptor's position is `written` whenever no call is under way; 3. fd is -1 until the buffer was full for
 * the first time.
 */
#include "vestige/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"

#define NAME_TRIES 64

struct vst_scratch {
	int dirfd, fd;
	uint64_t written;
	size_t filled, cap;
	uint8_t *buffer;
};

int vst_scratch_new(int dirfd, size_t buffer, struct vst_scratch **ret, struct vst_err *err)
{
	struct vst_scratch *scratch = vst_calloc(1, sizeof *scratch);
	if (!scratch)
		return vst_err_nomem(err);
	scratch->dirfd = dirfd;
	scratch->fd = -1;
	scratch->cap = buffer;
	scratch->buffer = vst_alloc(buffer);
	if (!scratch->buffer) {
		vst_scratch_free(scratch);
		return vst_err_nomem(err);
	}
	*ret = scratch;
	return 0;
}

void vst_scratch_free(struct vst_scratch *scratch)
{
	if (!scratch)
		return;
	if (scratch->fd >= 0)
		close(scratch->fd);
	free(scratch->buffer);
	free(scratch);
}

uint64_t vst_scratch_size(const struct vst_scratch *scratch)
{
	return scratch->written + scratch->filled;
}

/* For file systems without O_TMPFILE: a name for the moment between making and removing it. */
static int open_named(int dirfd, int *ret_fd, struct vst_err *err)
{
	for (int try = 0; try < NAME_TRIES; try++) {
		uint64_t chance;
		char name[40];
		int fd;
		if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
			return vst_err_sys(err, errno, "getrandom");
		snprintf(name, sizeof name, ".scratch.tmp-%016llx", (unsigned long long)chance);
		fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			if (unlinkat(dirfd, name, 0) == 0) {
				*ret_fd = fd;
				return 0;
			}
			close(fd);
			return vst_err_sys(err, errno, "scratch file: unlink");
		}
		if (errno != EEXIST)
			return vst_err_sys(err, errno, "scratch file: open");
	}
	return vst_err_sys(err, EEXIST, "scratch file: open");
}

int vst_scratch_open(int dirfd, int *ret_fd, struct vst_err *err)
{
	int fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	/* EISDIR: a kernel or file system that takes the flag for O_DIRECTORY. */
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
		return vst_err_sys(err, errno, "scratch file: open");
	return open_named(dirfd, ret_fd, err);
}

static int write_out(struct vst_scratch *scratch, const void *data, size_t len, struct vst_err *err)
{
	int rc = scratch->fd < 0 ? vst_scratch_open(scratch->dirfd, &scratch->fd, err) : 0;
	if (rc == 0 && len > 0 && (rc = vst_io_write(scratch->fd, data, len, err)) != 0)
		vst_err_prepend(err, "scratch file");
	if (rc == 0)
		scratch->written += len;
	return rc;
}

static int flush(struct vst_scratch *scratch, struct vst_err *err)
{
	int rc = write_out(scratch, scratch->buffer, scratch->filled, err);
	if (rc == 0)
		scratch->filled = 0;
	return rc;
}

int vst_scratch_append(struct vst_scratch *scratch, const void *data, size_t len, struct vst_err *err)
{
	int rc;
	if (len > scratch->cap - scratch->filled) {
		if (scratch->filled > 0 && (rc = flush(scratch, err)) != 0)
			return rc;
		if (len >= scratch->cap)
			return write_out(scratch, data, len, err);
	}
	memcpy(scratch->buffer + scratch->filled, data, len);
	scratch->filled += len;
	return 0;
}

static int check_range(const struct vst_scratch *scratch, uint64_t offset, size_t len, struct vst_err *err)
{
	uint64_t size = vst_scratch_size(scratch);
	if (offset > size || len > size - offset)
		return vst_err_set(err, VST_EUSAGE, "scratch file: bytes that were not written");
	return 0;
}

int vst_scratch_read(
        struct vst_scratch *scratch, uint64_t offset, void *ret_data, size_t len, struct vst_err *err)
{
	uint8_t *to = ret_data;
	size_t got;
	int rc = check_range(scratch, offset, len, err);
	if (rc != 0)
		return rc;
	if (offset < scratch->written) {
		size_t some = len;
		if (some > scratch->written - offset)
			some = (size_t)(scratch->written - offset);
		if ((rc = vst_io_pread(scratch->fd, offset, to, some, &got, err)) != 0)
			return vst_err_prepend(err, "scratch file");
		if (got < some)
			return vst_err_set(err, VST_EIO, "scratch file: it has become shorter");
		to += some;
		offset += some;
		len -= some;
	}
	if (len > 0)
		memcpy(to, scratch->buffer + (offset - scratch->written), len);
	return 0;
}

static int write_at(int fd, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return vst_err_sys(err, errno, "scratch file: lseek");
	return len > 0 ? vst_io_write(fd, data, len, err) : 0;
}

int vst_scratch_replace(
        struct vst_scratch *scratch, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *from = data;
	int rc = check_range(scratch, offset, len, err);
	if (rc != 0)
		return rc;
	if (offset < scratch->written) {
		size_t some = len;
		if (some > scratch->written - offset)
			some = (size_t)(scratch->written - offset);
		if ((rc = write_at(scratch->fd, offset, from, some, err)) != 0 ||
		        (rc = write_at(scratch->fd, scratch->written, NULL, 0, err)) != 0)
			return rc;
		from += some;
		offset += some;
		len -= some;
	}
	if (len > 0)
		memcpy(scratch->buffer + (offset - scratch->written), from, len);
	return 0;
}
