#include "collect/file_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vestige/timefmt.h"

#define WANTED (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

static int stat_by(int dirfd, const char *name, int flags, unsigned wanted, struct statx *ret)
{
	while (statx(dirfd, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, wanted, ret) != 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

int vst_file_stat(int fd, struct statx *ret)
{
	return stat_by(fd, "", AT_EMPTY_PATH, WANTED, ret);
}

int vst_file_stat_name(int dirfd, const char *name, struct statx *ret)
{
	return stat_by(dirfd, name, 0, WANTED, ret);
}

int vst_file_stat_place(int dirfd, const char *name, struct statx *ret)
{
	return stat_by(dirfd, name, AT_STATX_DONT_SYNC, WANTED, ret);
}

static int64_t time_of(const struct statx_timestamp *stamp)
{
	const struct timespec spec = {.tv_sec = stamp->tv_sec, .tv_nsec = (long)stamp->tv_nsec};
	int64_t ns;
	return vst_time_from_spec(&spec, &ns) ? ns : VST_TIME_NONE;
}

struct vst_item_stat vst_file_state(const struct statx *st)
{
	return (struct vst_item_stat){st->stx_size, time_of(&st->stx_mtime), time_of(&st->stx_ctime)};
}

int vst_file_stat_state(int fd, struct vst_item_stat *ret)
{
	struct statx st;
	int error = stat_by(fd, "", AT_EMPTY_PATH, STATX_SIZE | STATX_MTIME | STATX_CTIME, &st);
	if (error == 0)
		*ret = vst_file_state(&st);
	return error;
}

enum vst_item_type vst_file_type(const struct statx *st)
{
	switch (st->stx_mode & S_IFMT) {
	case S_IFREG:
		return VST_ITEM_FILE;
	case S_IFDIR:
		return VST_ITEM_DIRECTORY;
	case S_IFLNK:
		return VST_ITEM_SYMLINK;
	case S_IFIFO:
		return VST_ITEM_FIFO;
	case S_IFSOCK:
		return VST_ITEM_SOCKET;
	case S_IFCHR:
		return VST_ITEM_CHAR_DEVICE;
	case S_IFBLK:
		return VST_ITEM_BLOCK_DEVICE;
	default:
		return VST_ITEM_UNKNOWN;
	}
}

const char *vst_file_type_words(enum vst_item_type type)
{
	switch (type) {
	case VST_ITEM_FILE:
		return "a regular file";
	case VST_ITEM_DIRECTORY:
		return "a directory";
	case VST_ITEM_SYMLINK:
		return "a symbolic link";
	case VST_ITEM_FIFO:
		return "a FIFO";
	case VST_ITEM_SOCKET:
		return "a socket";
	case VST_ITEM_CHAR_DEVICE:
		return "a character device";
	case VST_ITEM_BLOCK_DEVICE:
		return "a block device";
	default:
		return "something unknown";
	}
}

struct vst_file_id vst_file_id(const struct statx *st)
{
	return (struct vst_file_id){st->stx_dev_major, st->stx_dev_minor, st->stx_ino};
}

bool vst_file_id_equal(const struct vst_file_id *a, const struct vst_file_id *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

void vst_file_fill(const struct statx *st, const struct vst_accounts *accounts, struct vst_item *item)
{
	item->type = vst_file_type(st);
	item->has_stat = true;
	item->mode = st->stx_mode & 07777;
	item->uid = st->stx_uid;
	item->gid = st->stx_gid;
	item->user = vst_accounts_user(accounts, st->stx_uid);
	item->group = vst_accounts_group(accounts, st->stx_gid);
	item->mtime = time_of(&st->stx_mtime);
	item->atime = time_of(&st->stx_atime);
	item->ctime = time_of(&st->stx_ctime);
	item->btime = st->stx_mask & STATX_BTIME ? time_of(&st->stx_btime) : VST_TIME_NONE;
	item->dev_major = st->stx_dev_major;
	item->dev_minor = st->stx_dev_minor;
	item->ino = st->stx_ino;
	item->nlink = st->stx_nlink;
	if (item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE) {
		item->rdev_major = st->stx_rdev_major;
		item->rdev_minor = st->stx_rdev_minor;
	}
	/* A size that no file can have comes from a broken file system. */
	if (item->type == VST_ITEM_FILE && st->stx_size <= INT64_MAX)
		item->size = st->stx_size;
}

struct vst_file_mount vst_file_mount(const struct statx *st)
{
	return (struct vst_file_mount){
	        .dev_major = st->stx_dev_major,
	        .dev_minor = st->stx_dev_minor,
	        .has_id = st->stx_mask & STATX_MNT_ID,
	        .id = st->stx_mask & STATX_MNT_ID ? st->stx_mnt_id : 0,
	};
}

bool vst_file_is_elsewhere(const struct statx *st, const struct vst_file_mount *home)
{
	struct vst_file_mount here = vst_file_mount(st);
	if (here.has_id && home->has_id && here.id != home->id)
		return true;
	return S_ISDIR(st->stx_mode) &&
	       (here.dev_major != home->dev_major || here.dev_minor != home->dev_minor);
}
