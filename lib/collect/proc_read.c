#include "collect/proc_read.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "collect/limits.h"
#include "vestige/fault.h"

#define LINK_MAX_BYTES 4096 /* d_path(), which makes the texts of links, gives no more than a page */
#define MOUNTINFO_MAX (16 * 1024 * 1024)
#define READ_STEP ((size_t)16 * 1024)
#define DIGEST_STEP ((size_t)128 * 1024)

/* ---- the file system ---- */

static bool is_procfs(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* A procfs that is mounted nowhere. */
static int own_procfs(void)
{
	int fd = -1;
	int fs = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
		        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	close(fs);
	return fd;
}

/* 0 and 1, off and noaccess, list all. */
static bool has_hidepid(struct vst_text line)
{
	static const char option[] = "hidepid=";
	const char *at = memmem(line.data, line.len, option, sizeof option - 1);
	if (!at)
		return false;
	const char *value = at + sizeof option - 1;
	size_t len = (size_t)(line.data + line.len - value);
	return len > 0 && memchr("24ip", *value, 4);
}

/* Whether /proc, as it is mounted for us, may hide what others run. A group or a capability may exempt us:
 * then too much is doubted. */
static bool is_hiding(int fd)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_text line, escaped, type;
	bool hiding = false;
	(void)vst_proc_read(fd, "thread-self/mountinfo", MOUNTINFO_MAX, &text, NULL);
	struct vst_text all = vst_proc_text(&text);
	while (vst_text_line(&all, &line)) {
		if (!vst_proc_parse_mount(line, &escaped, &type))
			continue;
		if (escaped.len == 5 && vst_text_starts(escaped, "/proc"))
			hiding = has_hidepid(line); /* the last one lies on top */
	}
	vst_buf_free(&text);
	return hiding;
}

int vst_proc_open(struct vst_proc *ret)
{
	struct vst_proc proc = {.fd = -1};
	int public = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	proc.is_overlaid = public >= 0 && !is_procfs(public);
	int own = own_procfs();
	if (own >= 0) {
		proc.fd = openat(own, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(own);
	}
	proc.is_own = proc.fd >= 0 && is_procfs(proc.fd);
	if (!proc.is_own && proc.fd >= 0) {
		close(proc.fd);
		proc.fd = -1;
	}
	if (proc.fd < 0 && public >= 0 && !proc.is_overlaid) {
		proc.fd = public;
		public = -1;
	}
	if (public >= 0)
		close(public);
	if (proc.fd < 0)
		return ENOTSUP;
	proc.is_hiding = !proc.is_own && is_hiding(proc.fd);
	*ret = proc;
	return 0;
}

void vst_proc_close(struct vst_proc *proc)
{
	if (proc->fd >= 0)
		close(proc->fd);
	proc->fd = -1;
}

int vst_proc_open_pid(const struct vst_proc *proc, uint64_t pid)
{
	char name[24];
	struct open_how how = {
	        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	snprintf(name, sizeof name, "%ju", (uintmax_t)pid);
	int fd = (int)syscall(SYS_openat2, proc->fd, name, &how, sizeof how);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	/* A kernel before 5.6, or a filter of system calls that does not know the call. */
	fd = openat(proc->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !is_procfs(fd)) {
		close(fd);
		errno = EXDEV;
		return -1;
	}
	return fd;
}

/* ---- files ---- */

static ssize_t read_some(int fd, void *data, size_t len)
{
	for (;;) {
		int fault = vst_fault(VST_FAULT_READ, NULL);
		if (fault > 0) {
			errno = fault;
			if (fault == EINTR)
				continue;
			return -1;
		}
		ssize_t n = read(fd, data, fault < 0 && len > 1 ? len / 2 : len);
		if (n >= 0 || errno != EINTR)
			return n;
	}
}

int vst_proc_read(int dirfd, const char *name, size_t max, struct vst_buf *out, bool *ret_cut)
{
	uint8_t chunk[READ_STEP];
	int error = 0;
	bool cut = false;
	vst_buf_clear(out);
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	for (;;) {
		ssize_t n = read_some(fd, chunk, sizeof chunk);
		if (n <= 0) {
			error = n < 0 ? errno : 0;
			break;
		}
		size_t room = max - out->len, take = (size_t)n < room ? (size_t)n : room;
		vst_buf_bytes(out, chunk, take);
		cut = take < (size_t)n;
		if (cut || out->failed)
			break;
	}
	close(fd);
	if (ret_cut)
		*ret_cut = cut;
	return error == 0 && out->failed ? ENOMEM : error;
}

int vst_proc_link(int dirfd, const char *name, struct vst_buf *out)
{
	char text[LINK_MAX_BYTES];
	vst_buf_clear(out);
	ssize_t len = readlinkat(dirfd, name, text, sizeof text);
	if (len < 0)
		return errno;
	if ((size_t)len < sizeof text) {
		vst_buf_bytes(out, text, (size_t)len);
		return out->failed ? ENOMEM : 0;
	}
	return ENAMETOOLONG;
}

bool vst_proc_is_deleted(const struct vst_buf *link, const struct stat *st)
{
	struct stat named;
	struct vst_text path = vst_proc_text(link);
	char name[LINK_MAX_BYTES + 1];
	if (st->st_nlink == 0)
		return true;
	if (!vst_proc_strip_deleted(&path))
		return false;
	if (link->len >= sizeof name || link->data[0] != '/')
		return true;
	memcpy(name, link->data, link->len);
	name[link->len] = '\0';
	return fstatat(AT_FDCWD, name, &named, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0 ||
	       named.st_dev != st->st_dev || named.st_ino != st->st_ino;
}

int vst_proc_numbers(int dirfd, const char *name, vst_proc_each_number *each, void *ctx)
{
	int error = 0;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		error = errno;
		close(fd);
		return error;
	}
	for (;;) {
		uint64_t number;
		errno = 0;
		struct dirent *entry = readdir(dir);
		if (!entry) {
			error = errno;
			break;
		}
		if (!vst_text_number((struct vst_text){entry->d_name, strlen(entry->d_name)}, 10, &number))
			continue;
		if ((error = each(ctx, number)) != 0)
			break;
	}
	closedir(dir);
	return error;
}

int vst_proc_open_file(int dirfd, const char *name)
{
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(dirfd, name, flags | O_NOATIME);
	return fd >= 0 || errno != EPERM ? fd : openat(dirfd, name, flags);
}

int vst_proc_digest(
        const struct vst_collect_context *context, int fd, uint64_t max, uint8_t ret[VST_HASH_LEN])
{
	static _Thread_local uint8_t chunk[DIGEST_STEP];
	struct vst_hash *hash = NULL;
	int error = 0;
	ssize_t n = 0;
	uint64_t offset = 0;
	if (vst_hash_new(&hash, VST_HASH_SHA256, NULL) != 0)
		return ENOMEM;
	for (;;) {
		if (context && (vst_limits_expired(context) || vst_limits_check_cancel(context, NULL) != 0))
			error = ECANCELED;
		else if (offset > max)
			error = EFBIG;
		else if ((n = pread(fd, chunk, sizeof chunk, (off_t)offset)) < 0 && errno != EINTR)
			error = errno;
		if (error != 0 || n == 0)
			break;
		if (n > 0) {
			vst_hash_update(hash, chunk, (size_t)n);
			offset += (uint64_t)n;
		}
	}
	if (error == 0)
		memcpy(ret, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
	vst_hash_free(hash);
	return error;
}
