#include "collect/sqlite_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/limits.h"
#include "collect/sqlite_guard.h"
#include "collect/sqlite_vfs.h"
#include "vestige/beneath.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define NAME_MAX_LEN 255
#define HEADER_READ_VERSION (VST_SQLITE_VERSIONS + 1)
#define COPY_BLOCK (256 * 1024)

const char *const vst_sqlite_suffixes[VST_SQLITE_FILES] = {"", "-wal", "-journal", "-shm"};

static void spell(const struct vst_sqlite_source *source, enum vst_sqlite_file file, char name[300])
{
	snprintf(name, 300, "%.*s%s", NAME_MAX_LEN, source->name, vst_sqlite_suffixes[file]);
}

/* ---- finding ---- */

static void set_problem(struct vst_sqlite_problem *problem, int error, const char *what)
{
	problem->status = error == ENOENT || error == ENOTDIR ? VST_ITEM_ABSENT
	                  : error == EACCES || error == EPERM ? VST_ITEM_DENIED
	                                                      : VST_ITEM_ERROR;
	problem->error = problem->status == VST_ITEM_ABSENT ? 0 : error;
	snprintf(problem->why, sizeof problem->why, "%s", problem->status == VST_ITEM_ABSENT ? "" : what);
}

int vst_sqlite_source_find(struct vst_sqlite_source *source, const struct vst_collect_context *context,
        const char *path, struct vst_sqlite_problem *problem, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	int fd = -1;
	*source = (struct vst_sqlite_source){.context = context, .dirfd = -1};
	int rc = vst_beneath_resolve(context->root_fd, path, NULL, NULL, &fd, &source->path, &why);
	if (rc == 0)
		rc = vst_beneath_parent(context->root_fd, source->path, &source->dirfd, &source->name, &why);
	if (fd >= 0)
		close(fd);
	if (rc == VST_ENOMEM)
		return vst_err_nomem(err);
	int error = rc != 0 ? why.sys : vst_sqlite_source_look(source);
	if (rc != 0 || error)
		set_problem(problem, error ? error : EIO, "open");
	else if (!S_ISREG(source->stats[VST_SQLITE_MAIN].st_mode)) {
		problem->status = VST_ITEM_ERROR;
		snprintf(problem->why, sizeof problem->why, "not a regular file");
	}
	return 0;
}

static int read_header(struct vst_sqlite_source *source)
{
	uint8_t header[HEADER_READ_VERSION + 1];
	int fd = vst_beneath_open_at(source->dirfd, source->name, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return errno;
	ssize_t got = pread(fd, header, sizeof header, 0);
	int error = got < 0 ? errno : 0;
	source->is_wal = got == (ssize_t)sizeof header && header[HEADER_READ_VERSION] == 2;
	close(fd);
	return error;
}

int vst_sqlite_source_look(struct vst_sqlite_source *source)
{
	char name[300];
	for (int i = 0; i < VST_SQLITE_FILES; i++) {
		spell(source, (enum vst_sqlite_file)i, name);
		if (fstatat(source->dirfd, name, &source->stats[i], AT_SYMLINK_NOFOLLOW) != 0) {
			if (i == VST_SQLITE_MAIN)
				return errno;
			source->stats[i] = (struct stat){0};
		}
	}
	if (!S_ISREG(source->stats[VST_SQLITE_MAIN].st_mode))
		return 0;
	return source->context->content ? read_header(source) : 0;
}

enum vst_sqlite_way vst_sqlite_source_way(const struct vst_sqlite_source *source)
{
	bool has_wal = source->stats[VST_SQLITE_WAL].st_nlink > 0;
	bool fills_wal = has_wal && source->stats[VST_SQLITE_WAL].st_size > 0;
	bool has_journal = source->stats[VST_SQLITE_JOURNAL].st_size > 0;
	bool is_shared = has_wal && source->stats[VST_SQLITE_SHM].st_nlink > 0;
	if (source->context->live && (is_shared || (!source->is_wal && !fills_wal)))
		return VST_SQLITE_SHARED;
	if (has_journal && source->is_wal)
		return VST_SQLITE_COPY; /* in either mode one of the two logs would be passed over */
	return fills_wal || has_journal ? VST_SQLITE_PRIVATE : VST_SQLITE_PRIVATE_PLAIN;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool vst_sqlite_source_same(const struct vst_sqlite_source *source)
{
	char name[300];
	for (int i = 0; i < VST_SQLITE_SHM; i++) {
		struct stat now;
		spell(source, (enum vst_sqlite_file)i, name);
		if (fstatat(source->dirfd, name, &now, AT_SYMLINK_NOFOLLOW) != 0)
			now = (struct stat){0};
		if (!is_same(&now, &source->stats[i]))
			return false;
	}
	return true;
}

void vst_sqlite_source_close(struct vst_sqlite_source *source)
{
	if (source->dirfd >= 0)
		close(source->dirfd);
	free(source->path);
	*source = (struct vst_sqlite_source){.dirfd = -1};
}

/* ---- connecting ---- */

static void spell_uri(struct vst_buf *uri, int dirfd, const char *name, enum vst_sqlite_way way)
{
	vst_buf_printf(uri, "file:/proc/self/fd/%d/", dirfd);
	for (const char *at = name; *at; at++)
		vst_buf_printf(uri, "%%%02X", (unsigned char)*at);
	if (way != VST_SQLITE_COPY)
		vst_buf_text(uri, "?mode=ro&readonly_shm=1");
	if (way == VST_SQLITE_PRIVATE_PLAIN)
		vst_buf_text(uri, "&immutable=1");
}

int vst_sqlite_connect(const struct vst_collect_context *context, int dirfd, const char *name,
        enum vst_sqlite_way way, sqlite3 **ret)
{
	static const char *const vfs[] = {VST_SQLITE_VFS_SHARED, VST_SQLITE_VFS_PRIVATE,
	        VST_SQLITE_VFS_PRIVATE, VST_SQLITE_VFS_SCRATCH};
	struct vst_buf uri = VST_BUF_INIT;
	int access =
	        way == VST_SQLITE_COPY ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	spell_uri(&uri, dirfd, name, way);
	const char *text = vst_buf_cstr(&uri);
	int code = uri.failed ? SQLITE_NOMEM
	                      : sqlite3_open_v2(
	                                text, ret, access | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, vfs[way]);
	vst_buf_free(&uri);
	if (code != SQLITE_OK)
		return code;
	/* Alone, SQLite keeps the index of a WAL in memory and makes no -shm. */
	if (way != VST_SQLITE_SHARED)
		code = sqlite3_exec(*ret, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
	vst_sqlite_guard(*ret, context, false);
	return code;
}

/* ---- copying ---- */

static int copy_bytes(const struct vst_collect_context *context, int from, int to)
{
	uint8_t *block = vst_alloc(COPY_BLOCK);
	int error = block ? 0 : ENOMEM;
	while (!error) {
		if (vst_limits_check_cancel(context, NULL) != 0 || vst_limits_expired(context)) {
			error = -1;
			break;
		}
		ssize_t got = read(from, block, COPY_BLOCK);
		if (got == 0)
			break;
		if (got < 0)
			error = errno;
		for (ssize_t done = 0; !error && done < got;) {
			ssize_t n = write(to, block + done, (size_t)(got - done));
			if (n < 0 && errno != EINTR)
				error = errno;
			done += n > 0 ? n : 0;
		}
	}
	free(block);
	return error;
}

int vst_sqlite_source_copy(const struct vst_sqlite_source *source, int dirfd)
{
	int error = 0;
	for (int i = 0; !error && i < VST_SQLITE_SHM; i++) {
		char name[300], copy[40];
		spell(source, (enum vst_sqlite_file)i, name);
		snprintf(copy, sizeof copy, VST_SQLITE_COPY_NAME "%s", vst_sqlite_suffixes[i]);
		if (source->stats[i].st_nlink == 0)
			continue;
		int from = vst_beneath_open_at(source->dirfd, name, O_RDONLY | O_NONBLOCK);
		error = from < 0 ? errno : 0;
		int to = error ? -1
		               : openat(dirfd, copy, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		                         0600);
		if (!error)
			error = to < 0 ? errno : copy_bytes(source->context, from, to);
		if (from >= 0)
			close(from);
		if (to >= 0 && close(to) != 0 && !error)
			error = errno;
	}
	return error;
}
