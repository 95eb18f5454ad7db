#include "vestige/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collect/beneath_walk.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"

#define LINK_TEXT_MAX (64 * 1024)

static atomic_bool walk_forced;
static atomic_bool openat2_missing; /* this kernel, or a filter around us, does not have it */

void vst_beneath_force_walk(bool on)
{
	atomic_store(&walk_forced, on);
}

static int open_retrying(int dirfd, const char *name, int flags)
{
	int fd;
	do
		fd = openat(dirfd, name, flags);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int vst_beneath_open_at(int dirfd, const char *name, int flags)
{
	if (name[0] == '\0' || strchr(name, '/') || strcmp(name, "..") == 0) {
		errno = EINVAL;
		return -1;
	}
	flags |= O_NOFOLLOW | O_CLOEXEC;
	if (!(flags & O_PATH) && (flags & O_ACCMODE) == O_RDONLY) {
		/* Only the owner and the privileged may ask for it. */
		int fd = open_retrying(dirfd, name, flags | O_NOATIME);
		if (fd >= 0 || errno != EPERM)
			return fd;
	}
	return open_retrying(dirfd, name, flags);
}

/* ---- a path being resolved ---- */

struct resolution {
	int root_fd;
	int fd;      /* where we are: O_PATH */
	bool is_dir; /* what fd is */
	unsigned links;
	struct vst_buf done; /* its path without links: "" for the root, else "/a/b" */
	struct vst_buf todo; /* what is still to come */
	size_t at;           /* how much of todo is behind us */
	bool refused;        /* by each_link */
	vst_beneath_each_link *each_link;
	void *each_ctx;
	struct vst_err *err;
};

static int restart_at_root(struct resolution *r)
{
	int fd = open_retrying(r->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return vst_err_sys(r->err, errno, "/");
	if (r->fd >= 0)
		close(r->fd);
	r->fd = fd;
	r->is_dir = true;
	return 0;
}

/* Opens a path free of links in one call. -1 with errno if that cannot be: the walk then finds out why. */
static int open_at_once(int root_fd, const char *path)
{
	const struct open_how how = {
	        .flags = O_PATH |
	                 O_CLOEXEC, /* with O_NOFOLLOW a link in the last place would be opened itself */
	        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	if (atomic_load(&walk_forced) || atomic_load(&openat2_missing)) {
		errno = ENOSYS;
		return -1;
	}
	path += strspn(path, "/");
	int fd = (int)syscall(SYS_openat2, root_fd, *path ? path : ".", &how, sizeof how);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL || errno == E2BIG))
		atomic_store(&openat2_missing, true);
	return fd;
}

static int is_directory(int fd, bool *ret, bool *ret_link)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -1;
	*ret = S_ISDIR(st.st_mode);
	*ret_link = S_ISLNK(st.st_mode);
	return 0;
}

static int fail_at(struct resolution *r, int sys)
{
	return vst_err_sys(r->err, sys, "%s", r->done.len ? vst_buf_cstr(&r->done) : "/");
}

/* The directory above, by its path from the root: ".." of a directory that was moved would lead elsewhere. */
static int step_up(struct resolution *r)
{
	while (r->done.len > 0 && r->done.data[--r->done.len] != '/')
		;
	int rc = restart_at_root(r);
	for (size_t at = 0; rc == 0 && at < r->done.len;) {
		char name[NAME_MAX + 1];
		size_t start = ++at;
		while (at < r->done.len && r->done.data[at] != '/')
			at++;
		if (at - start > NAME_MAX)
			return fail_at(r, ENAMETOOLONG);
		memcpy(name, r->done.data + start, at - start);
		name[at - start] = '\0';
		int fd = open_retrying(r->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return fail_at(r, errno);
		close(r->fd);
		r->fd = fd;
	}
	return rc;
}

/* Appends a link's text to `out`. */
static int read_link(int fd, struct vst_buf *out)
{
	for (size_t cap = PATH_MAX; cap <= LINK_TEXT_MAX; cap *= 2) {
		vst_buf_reserve(out, cap);
		if (out->failed)
			return ENOMEM;
		ssize_t n = readlinkat(fd, "", (char *)out->data + out->len, cap);
		if (n < 0)
			return errno;
		if ((size_t)n < cap) {
			out->len += (size_t)n;
			return n == 0 ? ENOENT : 0;
		}
	}
	return ENAMETOOLONG;
}

/* `link_fd` is a link called `name` in r->fd; done still ends before it. Its text takes the place of its
 * name. */
static int follow(struct resolution *r, int link_fd, const char *name)
{
	struct vst_buf todo = VST_BUF_INIT;
	size_t before = r->done.len;
	int rc = 0, sys = 0;

	vst_buf_byte(&r->done, '/');
	vst_buf_text(&r->done, name);
	if (++r->links > VST_BENEATH_LINKS_MAX) {
		rc = fail_at(r, ELOOP);
		goto out;
	}
	if ((sys = read_link(link_fd, &todo)) != 0) {
		rc = fail_at(r, sys);
		goto out;
	}
	if (r->each_link &&
	        (rc = r->each_link(r->each_ctx, vst_buf_cstr(&r->done), r->fd, name, r->err)) != 0) {
		r->refused = true;
		goto out;
	}
	bool absolute = todo.data[0] == '/';
	vst_buf_bytes(&todo, r->todo.data + r->at, r->todo.len - r->at);
	if ((rc = vst_buf_check(&todo, r->err)) != 0)
		goto out;
	vst_buf_free(&r->todo);
	r->todo = todo;
	todo = (struct vst_buf)VST_BUF_INIT;
	r->at = 0;
	r->done.len = before;
	if (absolute) {
		r->done.len = 0;
		rc = restart_at_root(r);
	}
out:
	vst_buf_free(&todo);
	return rc;
}

static int enter(struct resolution *r, const char *name)
{
	bool dir = false, link = false;
	int fd = r->is_dir ? open_retrying(r->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	int sys = r->is_dir ? errno : ENOTDIR;
	int rc = 0;

	if (fd >= 0 && is_directory(fd, &dir, &link) != 0) {
		sys = errno;
		close(fd);
		fd = -1;
	}
	if (fd >= 0 && link) {
		rc = follow(r, fd, name);
		close(fd);
		return rc;
	}
	if (sys != ENOTDIR || fd >= 0) { /* where it stops is the file that is no directory */
		vst_buf_byte(&r->done, '/');
		vst_buf_text(&r->done, name);
	}
	if (fd < 0)
		return fail_at(r, sys);
	close(r->fd);
	r->fd = fd;
	r->is_dir = dir;
	return vst_buf_check(&r->done, r->err);
}

static int walk(struct resolution *r)
{
	int rc = restart_at_root(r);
	while (rc == 0 && r->at < r->todo.len) {
		char name[NAME_MAX + 1];
		const uint8_t *start = r->todo.data + r->at;
		const uint8_t *slash = memchr(start, '/', r->todo.len - r->at);
		size_t len = slash ? (size_t)(slash - start) : r->todo.len - r->at;
		r->at += len;
		if (len == 0) {
			if (!r->is_dir) /* "file/" */
				return fail_at(r, ENOTDIR);
			r->at++;
			continue;
		}
		if (len > NAME_MAX || r->done.len + len >= VST_BENEATH_PATH_MAX)
			return fail_at(r, ENAMETOOLONG);
		memcpy(name, start, len);
		name[len] = '\0';
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			if (!r->is_dir)
				return fail_at(r, ENOTDIR);
			if (name[1] == '.')
				rc = step_up(r);
			continue;
		}
		rc = enter(r, name);
	}
	return rc;
}

/* Whether the path is as resolved ones are but for a missing leading slash: no empty, "." or ".." component.
 */
static bool is_plain(const char *path)
{
	path += strspn(path, "/");
	for (;;) {
		size_t len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.') ||
		        (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[len] == '\0')
			return true;
		path += len + 1;
	}
}

static char *absolute_of(const char *path)
{
	struct vst_buf out = VST_BUF_INIT;
	vst_buf_byte(&out, '/');
	vst_buf_text(&out, path + strspn(path, "/"));
	vst_buf_byte(&out, 0);
	if (out.failed)
		vst_buf_free(&out);
	return (char *)out.data;
}

int vst_beneath_resolve_or_stop(int root_fd, const char *path, vst_beneath_each_link *each_link, void *ctx,
        int *ret_fd, char **ret_path, char **ret_stop, struct vst_err *err)
{
	struct resolution r = {.root_fd = root_fd, .fd = -1, .each_link = each_link, .each_ctx = ctx};
	struct vst_err own = VST_ERR_INIT;
	char *resolved = NULL;
	int rc = 0;

	r.err = err ? err : &own; /* its code is looked at below */
	vst_err_clear(r.err);
	if (is_plain(path) && (r.fd = open_at_once(root_fd, path)) >= 0) {
		resolved = absolute_of(path);
	} else {
		vst_buf_text(&r.todo, path);
		if ((rc = vst_buf_check(&r.todo, r.err)) != 0 || (rc = walk(&r)) != 0)
			goto out;
		resolved = absolute_of(vst_buf_cstr(&r.done));
	}
	if (!resolved) {
		rc = vst_err_nomem(r.err);
		goto out;
	}
	*ret_fd = r.fd;
	*ret_path = resolved;
	r.fd = -1;
out:
	if (rc == VST_EIO && !r.refused && ret_stop) {
		char *stop = absolute_of(vst_buf_cstr(&r.done));
		if (stop)
			*ret_stop = stop;
		else
			rc = vst_err_nomem(r.err);
	}
	if (r.fd >= 0)
		close(r.fd);
	vst_buf_free(&r.done);
	vst_buf_free(&r.todo);
	return rc;
}

int vst_beneath_resolve(int root_fd, const char *path, vst_beneath_each_link *each_link, void *ctx,
        int *ret_fd, char **ret_path, struct vst_err *err)
{
	return vst_beneath_resolve_or_stop(root_fd, path, each_link, ctx, ret_fd, ret_path, NULL, err);
}

int vst_beneath_parent(
        int root_fd, const char *resolved, int *ret_fd, const char **ret_name, struct vst_err *err)
{
	const char *slash = strrchr(resolved, '/');
	char *directory = NULL, *again = NULL;
	int fd = -1;

	if (!slash || slash[1] == '\0') {
		fd = open_retrying(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return vst_err_sys(err, errno, "/");
		*ret_fd = fd;
		*ret_name = ".";
		return 0;
	}
	directory = vst_memdup(resolved, (size_t)(slash - resolved));
	if (!directory)
		return vst_err_nomem(err);
	/* A link that appeared in it since is followed inside the root, as it would have been then. */
	int rc = vst_beneath_resolve(root_fd, directory, NULL, NULL, &fd, &again, err);
	free(directory);
	free(again);
	if (rc != 0)
		return rc;
	*ret_fd = fd;
	*ret_name = slash + 1;
	return 0;
}

/* The regular file that a resolved path leads to, opened to be read. */
static int open_regular(int root_fd, const char *resolved, int *ret_fd, struct vst_err *err)
{
	const char *name;
	struct stat st;
	int dirfd = -1, fd = -1;
	int rc = vst_beneath_parent(root_fd, resolved, &dirfd, &name, err);
	if (rc != 0)
		return rc;
	fd = vst_beneath_open_at(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		rc = vst_err_sys(err, errno, "open");
	else if (fstat(fd, &st) != 0)
		rc = vst_err_sys(err, errno, "stat");
	else if (!S_ISREG(st.st_mode))
		rc = vst_err_set(err, VST_EUNSUPPORTED, "not a regular file");
	close(dirfd);
	if (rc != 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

int vst_beneath_read(int root_fd, const char *path, size_t max, struct vst_buf *out, struct vst_err *err)
{
	struct vst_err own = VST_ERR_INIT;
	struct stat st;
	char *resolved = NULL;
	int path_fd = -1, fd = -1;

	err = err ? err : &own;
	int rc = vst_beneath_resolve(root_fd, path, NULL, NULL, &path_fd, &resolved, err);
	if (rc == VST_EIO && (err->sys == ENOENT || err->sys == ENOTDIR))
		return vst_err_set(err, VST_ENOTFOUND, "%s: no such file", path);
	if (rc != 0)
		return rc;
	/* Looked at before it is opened: a device may act on being opened. */
	if (fstat(path_fd, &st) != 0)
		rc = vst_err_sys(err, errno, "stat");
	else if (!S_ISREG(st.st_mode))
		rc = vst_err_set(err, VST_EUNSUPPORTED, "not a regular file");
	if (rc == 0)
		rc = open_regular(root_fd, resolved, &fd, err);
	if (rc == 0)
		rc = vst_io_read_all(fd, max, out, err);
	close(path_fd);
	if (fd >= 0)
		close(fd);
	free(resolved);
	return rc == 0 ? 0 : vst_err_prepend(err, "%s", path);
}
