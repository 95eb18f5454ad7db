#include "collect/sqlite_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "/proc/self/fd/"

/* The methods of SQLite's own get our object, which differs from theirs only in what is replaced below. */
struct shim {
	sqlite3_vfs vfs;
	const char *base, *name;
	int (*open)(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags);
	int (*remove)(sqlite3_vfs *vfs, const char *name, int sync);
	int (*access)(sqlite3_vfs *vfs, const char *name, int flags, int *ret);
};

static struct shim shims[] = {
        {.base = "unix", .name = VST_SQLITE_VFS_SHARED},
        {.base = "unix-none", .name = VST_SQLITE_VFS_PRIVATE},
        {.base = "unix-none", .name = VST_SQLITE_VFS_SCRATCH},
};
#define SCRATCH (&shims[2])

static _Thread_local int scratch_fd = -1;
static _Thread_local unsigned temporary_count;

void vst_sqlite_vfs_scratch(int directory_fd)
{
	scratch_fd = directory_fd;
}

static struct shim *shim_of(sqlite3_vfs *vfs)
{
	for (size_t i = 0; i < sizeof shims / sizeof *shims; i++)
		if (vfs == &shims[i].vfs)
			return &shims[i];
	return SCRATCH;
}

/* One name in a directory that is open: for our copies, in theirs alone. */
static bool is_ours(const struct shim *shim, const char *name)
{
	char *end;
	if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0)
		return false;
	long fd = strtol(name + sizeof PREFIX - 1, &end, 10);
	return *end == '/' && !strchr(end + 1, '/') && (shim != SCRATCH || fd == scratch_fd);
}

static int full_pathname(sqlite3_vfs *vfs, const char *name, int room, char *ret)
{
	size_t len = strlen(name);
	if (!is_ours(shim_of(vfs), name) || len >= (size_t)room)
		return SQLITE_CANTOPEN;
	memcpy(ret, name, len + 1);
	return SQLITE_OK;
}

static int open_temporary(struct shim *shim, sqlite3_file *file, int flags, int *ret_flags)
{
	char name[64];
	memset(name, 0, sizeof name); /* SQLite looks for parameters behind the first NUL */
	if (scratch_fd < 0)
		return SQLITE_CANTOPEN;
	snprintf(name, sizeof name - 2, PREFIX "%d/temporary-%u", scratch_fd, temporary_count++);
	return shim->open(&shim->vfs, name, file, flags, ret_flags);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct shim *shim = shim_of(vfs);
	file->pMethods = NULL;
	if (!name)
		return open_temporary(SCRATCH, file, flags, ret_flags);
	if (!is_ours(shim, name))
		return SQLITE_CANTOPEN;
	if (shim != SCRATCH) {
		flags &= ~(SQLITE_OPEN_CREATE | SQLITE_OPEN_READWRITE | SQLITE_OPEN_DELETEONCLOSE |
		           SQLITE_OPEN_EXCLUSIVE);
		flags |= SQLITE_OPEN_READONLY;
	}
	return shim->open(vfs, name, file, flags, ret_flags);
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct shim *shim = shim_of(vfs);
	if (shim != SCRATCH || !is_ours(shim, name))
		return SQLITE_IOERR_DELETE;
	return shim->remove(vfs, name, sync);
}

static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	struct shim *shim = shim_of(vfs);
	if (!is_ours(shim, name))
		return SQLITE_IOERR_ACCESS;
	return shim->access(vfs, name, flags, ret);
}

/* ---- system calls ---- */

static int open_regular(const char *path, int flags, int mode)
{
	struct stat st;
	int fd = -1;
	if ((flags & O_ACCMODE) == O_RDONLY)
		fd = open(path, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOATIME, mode);
	if (fd < 0 && ((flags & O_ACCMODE) != O_RDONLY || errno == EPERM))
		fd = open(path, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -1;
	/* SQLite opens directories to make a deletion durable. */
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return fd;
	close(fd);
	errno = EACCES;
	return -1;
}

static int leave_owner(int fd, uid_t uid, gid_t gid)
{
	(void)fd, (void)uid, (void)gid;
	return 0;
}

/* ---- registration ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int registered;

static int register_shim(struct shim *shim)
{
	sqlite3_vfs *base = sqlite3_vfs_find(shim->base);
	if (!base)
		return SQLITE_ERROR;
	shim->vfs = *base;
	shim->vfs.pNext = NULL;
	shim->vfs.zName = shim->name;
	shim->open = base->xOpen;
	shim->remove = base->xDelete;
	shim->access = base->xAccess;
	shim->vfs.xOpen = open_file;
	shim->vfs.xDelete = delete_file;
	shim->vfs.xAccess = access_file;
	shim->vfs.xFullPathname = full_pathname;
	return sqlite3_vfs_register(&shim->vfs, 0);
}

static void register_all(void)
{
	registered = sqlite3_initialize();
	sqlite3_vfs *unix_vfs = registered == SQLITE_OK ? sqlite3_vfs_find("unix") : NULL;
	if (!unix_vfs || unix_vfs->iVersion < 3 || !unix_vfs->xSetSystemCall) {
		registered = SQLITE_ERROR;
		return;
	}
	registered = unix_vfs->xSetSystemCall(unix_vfs, "open", (sqlite3_syscall_ptr)open_regular);
	if (registered == SQLITE_OK)
		registered = unix_vfs->xSetSystemCall(unix_vfs, "fchown", (sqlite3_syscall_ptr)leave_owner);
	for (size_t i = 0; registered == SQLITE_OK && i < sizeof shims / sizeof *shims; i++)
		registered = register_shim(&shims[i]);
}

int vst_sqlite_vfs_register(void)
{
	pthread_once(&once, register_all);
	return registered;
}
