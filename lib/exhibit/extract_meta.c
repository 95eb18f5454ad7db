#include "exhibit/extract_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "exhibit/acl_text.h"
#include "exhibit/entry_match.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/manifest.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define ACL_VERSION 2
#define ACL_NO_ID UINT32_MAX
#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/* What a program may set; the others (extents, index, encryption…) describe how the file system stored the
 * file. */
#define FLAGS_SETTABLE                                                                                       \
	(FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_IMMUTABLE_FL | FS_APPEND_FL |              \
	        FS_NODUMP_FL | FS_NOATIME_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL | FS_DIRSYNC_FL |           \
	        FS_TOPDIR_FL | FS_NOCOW_FL)

/* One way to name what is changed: an open file, or a name in a directory that is never followed. */
struct place {
	int fd; /* the file, or -1 */
	int parent;
	const char *base;
	char *link; /* `/proc/self/fd/PARENT/BASE`: for calls that know no descriptors */
};

struct first_failure {
	int rc;
	struct vst_err *err;
};

static void failed(struct first_failure *first, const char *what, const char *name)
{
	int sys = errno;

	if (first->rc == 0)
		first->rc = vst_err_sys(first->err, sys, "%s%s%s", what, name ? " " : "", name ? name : "");
}

static int place_chown(const struct place *place, uid_t uid, gid_t gid)
{
	return place->fd >= 0 ? fchown(place->fd, uid, gid)
	                      : fchownat(place->parent, place->base, uid, gid, AT_SYMLINK_NOFOLLOW);
}

static int place_chmod(const struct place *place, mode_t mode)
{
	return place->fd >= 0 ? fchmod(place->fd, mode)
	                      : fchmodat(place->parent, place->base, mode, AT_SYMLINK_NOFOLLOW);
}

static int place_times(const struct place *place, const struct timespec times[2])
{
	return place->fd >= 0 ? futimens(place->fd, times)
	                      : utimensat(place->parent, place->base, times, AT_SYMLINK_NOFOLLOW);
}

static int place_setxattr(const struct place *place, const char *name, const void *value, size_t len)
{
	return place->fd >= 0 ? fsetxattr(place->fd, name, value, len, 0)
	                      : lsetxattr(place->link, name, value, len, 0);
}

static int place_removexattr(const struct place *place, const char *name)
{
	return place->fd >= 0 ? fremovexattr(place->fd, name) : lremovexattr(place->link, name);
}

static struct timespec spec_of(int64_t ns)
{
	struct timespec spec = {.tv_sec = (time_t)(ns / VST_NS_PER_S), .tv_nsec = (long)(ns % VST_NS_PER_S)};

	if (ns == VST_TIME_NONE)
		return (struct timespec){.tv_nsec = UTIME_OMIT};
	if (spec.tv_nsec < 0) {
		spec.tv_sec--;
		spec.tv_nsec += (long)VST_NS_PER_S;
	}
	return spec;
}

static void buf_u16le(struct vst_buf *out, unsigned value)
{
	vst_buf_byte(out, (uint8_t)value);
	vst_buf_byte(out, (uint8_t)(value >> 8));
}

/* Linux's own form (linux/posix_acl_xattr.h): version, then tag, permissions and id of each entry. */
static bool acl_encode(const char *text, struct vst_buf *out)
{
	static const unsigned tags[] = {
	        [VST_ACL_USER_OBJ] = 0x01,
	        [VST_ACL_USER] = 0x02,
	        [VST_ACL_GROUP_OBJ] = 0x04,
	        [VST_ACL_GROUP] = 0x08,
	        [VST_ACL_MASK] = 0x10,
	        [VST_ACL_OTHER] = 0x20,
	};

	vst_buf_u32le(out, ACL_VERSION);
	while (text) {
		struct vst_acl_entry entry;

		if (!vst_acl_next(&text, &entry))
			return false;
		buf_u16le(out, tags[entry.tag]);
		buf_u16le(out, entry.permset);
		vst_buf_u32le(
		        out, entry.tag == VST_ACL_USER || entry.tag == VST_ACL_GROUP ? entry.id : ACL_NO_ID);
	}
	return vst_buf_check(out, NULL) == 0;
}

static void apply_acl(
        const struct place *place, const char *name, const char *text, struct first_failure *first)
{
	struct vst_buf value = VST_BUF_INIT;

	if (!text) { /* one that was inherited from the directory is not the evidence's */
		if (place_removexattr(place, name) != 0 && errno != ENODATA && errno != EOPNOTSUPP)
			failed(first, "ACL", NULL);
	} else if (!acl_encode(text, &value)) {
		errno = EINVAL;
		failed(first, "ACL", NULL);
	} else if (place_setxattr(place, name, value.data, value.len) != 0) {
		failed(first, "ACL", NULL);
	}
	vst_buf_free(&value);
}

static void apply_all(
        const struct place *place, const struct vst_item *item, bool preserve, struct first_failure *first)
{
	bool link = item->type == VST_ITEM_SYMLINK;
	struct timespec times[2] = {spec_of(item->atime), spec_of(item->mtime)};

	if (!item->has_stat)
		return;
	if (preserve && (item->uid >= UINT32_MAX || item->gid >= UINT32_MAX)) {
		errno = EINVAL;
		failed(first, "owner", NULL);
	} else if (preserve && place_chown(place, (uid_t)item->uid, (gid_t)item->gid) != 0) {
		failed(first, "owner", NULL);
	}
	if (preserve && !link) {
		apply_acl(place, ACL_ACCESS, item->acl, first);
		if (item->type == VST_ITEM_DIRECTORY)
			apply_acl(place, ACL_DEFAULT, item->default_acl, first);
	}
	if (!link && place_chmod(place, (mode_t)(preserve ? item->mode : item->mode & 0777)) != 0)
		failed(first, "mode", NULL);
	for (size_t i = 0; preserve && i < item->xattr_count; i++)
		if (place_setxattr(place, item->xattrs[i].name, item->xattrs[i].value, item->xattrs[i].len) !=
		        0)
			failed(first, "xattr", item->xattrs[i].name);
	if (place_times(place, times) != 0)
		failed(first, "times", NULL);
}

int vst_meta_apply(int fd, const struct vst_item *item, bool preserve, struct vst_err *err)
{
	struct place place = {.fd = fd, .parent = -1};
	struct first_failure first = {.err = err};

	apply_all(&place, item, preserve, &first);
	return first.rc;
}

int vst_meta_apply_at(
        int parent, const char *base, const struct vst_item *item, bool preserve, struct vst_err *err)
{
	struct vst_buf link = VST_BUF_INIT;
	struct place place = {.fd = -1, .parent = parent, .base = base};
	struct first_failure first = {.err = err};
	int rc;

	vst_buf_printf(&link, "/proc/self/fd/%d/%s", parent, base);
	vst_buf_byte(&link, '\0');
	if ((rc = vst_buf_check(&link, err)) == 0) {
		place.link = (char *)link.data;
		apply_all(&place, item, preserve, &first);
		rc = first.rc;
	}
	vst_buf_free(&link);
	return rc;
}

bool vst_meta_has_flags(const struct vst_item *item)
{
	unsigned bits = 0;

	(void)vst_entry_flags_parse(item->flags, &bits);
	return bits & FLAGS_SETTABLE;
}

int vst_meta_apply_flags(int fd, const struct vst_item *item, struct vst_err *err)
{
	unsigned bits = 0;
	int flags = 0, wanted;

	(void)vst_entry_flags_parse(item->flags, &bits);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		return vst_err_sys(err, errno, "inode flags");
	wanted = flags | (int)(bits & FLAGS_SETTABLE);
	if (wanted != flags && ioctl(fd, FS_IOC_SETFLAGS, &wanted) != 0)
		return vst_err_sys(err, errno, "inode flags");
	return 0;
}
