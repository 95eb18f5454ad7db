#include "exhibit/tar_out.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "exhibit/acl_text.h"
#include "exhibit/entry_match.h"
#include "exhibit/frames.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define ZEROS_LEN ((size_t)256 * 1024 * 1024) /* of address space, not of memory */

struct vst_tar_out {
	struct vst_frames *frames; /* borrowed */
	struct archive *archive;
	struct archive_entry *entry;
	locale_t locale;        /* for libarchive's idea of what is UTF-8 */
	void *zeros;            /* never written, so never more than one page of memory */
	bool abandoned;         /* nothing more goes out */
	struct vst_err failure; /* of the frames, told to libarchive as a failed write */
};

static la_ssize_t write_block(struct archive *archive, void *ctx, const void *data, size_t len)
{
	struct vst_tar_out *out = ctx;
	if (!out->abandoned && vst_frames_write(out->frames, data, len, &out->failure) == 0)
		return (la_ssize_t)len;
	archive_set_error(archive, EIO, "write");
	return -1;
}

/* The failure beneath, if libarchive failed for that; else its own. */
static int archive_failed(struct vst_tar_out *out, const char *what, struct vst_err *err)
{
	const char *text = archive_error_string(out->archive);
	if (out->failure.code != 0) {
		if (err)
			*err = out->failure;
		return out->failure.code;
	}
	if (archive_errno(out->archive) == ENOMEM)
		return vst_err_nomem(err);
	return vst_err_set(err, VST_ELIBRARY, "tar: %s: %s", what, text ? text : "unknown error");
}

int vst_tar_out_new(struct vst_frames *frames, struct vst_tar_out **ret, struct vst_err *err)
{
	struct vst_tar_out *out = vst_calloc(1, sizeof *out);
	int rc;
	if (!out)
		return vst_err_nomem(err);
	out->frames = frames;
	out->zeros = MAP_FAILED;
	out->archive = archive_write_new();
	out->entry = archive_entry_new();
	/* Without it, names beyond ASCII are marked as BINARY: the same bytes, and a word that GNU tar
	 * wonders at. */
	out->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!out->locale)
		out->locale = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
	out->zeros = mmap(NULL, ZEROS_LEN, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!out->archive || !out->entry || !out->locale || out->zeros == MAP_FAILED) {
		rc = vst_err_nomem(err);
		goto out;
	}
	if (archive_write_set_format_pax(out->archive) != ARCHIVE_OK ||
	        archive_write_set_format_option(out->archive, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
	        archive_write_set_bytes_per_block(out->archive, 0) != ARCHIVE_OK ||
	        archive_write_set_bytes_in_last_block(out->archive, 1) != ARCHIVE_OK ||
	        archive_write_open(out->archive, out, NULL, write_block, NULL) != ARCHIVE_OK) {
		rc = archive_failed(out, "start", err);
		goto out;
	}
	*ret = out;
	return 0;
out:
	vst_tar_out_free(out);
	return rc;
}

void vst_tar_out_free(struct vst_tar_out *out)
{
	if (!out)
		return;
	if (out->archive) {
		/* It would finish what was left unfinished; without the close it would keep some of its
		 * memory. */
		out->abandoned = true;
		archive_write_close(out->archive);
		archive_write_free(out->archive);
	}
	archive_entry_free(out->entry);
	if (out->locale)
		freelocale(out->locale);
	if (out->zeros != MAP_FAILED)
		munmap(out->zeros, ZEROS_LEN);
	free(out);
}

void vst_tar_time(int64_t ns, int64_t *ret_seconds, long *ret_ns)
{
	if (ns < 0 && ns > -VST_NS_PER_S) {
		*ret_seconds = -1;
		*ret_ns = 0;
		return;
	}
	*ret_seconds = ns / VST_NS_PER_S;
	*ret_ns = labs((long)(ns % VST_NS_PER_S));
}

static void describe_times(struct archive_entry *entry, const struct vst_item *item, int64_t time)
{
	int64_t seconds;
	long ns;
	archive_entry_set_mtime(entry, time, 0);
	if (!item->has_stat)
		return;
	/* No birth time: tar has no word for it, and GNU tar would complain about libarchive's, item by item.
	 */
	if (item->mtime != VST_TIME_NONE) {
		vst_tar_time(item->mtime, &seconds, &ns);
		archive_entry_set_mtime(entry, seconds, ns);
	}
	if (item->atime != VST_TIME_NONE) {
		vst_tar_time(item->atime, &seconds, &ns);
		archive_entry_set_atime(entry, seconds, ns);
	}
	if (item->ctime != VST_TIME_NONE) {
		vst_tar_time(item->ctime, &seconds, &ns);
		archive_entry_set_ctime(entry, seconds, ns);
	}
}

static unsigned file_type(enum vst_item_type type)
{
	switch (type) {
	case VST_ITEM_DIRECTORY:
		return AE_IFDIR;
	case VST_ITEM_SYMLINK:
		return AE_IFLNK;
	case VST_ITEM_FIFO:
		return AE_IFIFO;
	case VST_ITEM_CHAR_DEVICE:
		return AE_IFCHR;
	case VST_ITEM_BLOCK_DEVICE:
		return AE_IFBLK;
	default:
		return AE_IFREG;
	}
}

static int describe_acl(struct vst_tar_out *out, int type, const char *text, struct vst_err *err)
{
	static const int tags[] = {
	        [VST_ACL_USER_OBJ] = ARCHIVE_ENTRY_ACL_USER_OBJ,
	        [VST_ACL_USER] = ARCHIVE_ENTRY_ACL_USER,
	        [VST_ACL_GROUP_OBJ] = ARCHIVE_ENTRY_ACL_GROUP_OBJ,
	        [VST_ACL_GROUP] = ARCHIVE_ENTRY_ACL_GROUP,
	        [VST_ACL_MASK] = ARCHIVE_ENTRY_ACL_MASK,
	        [VST_ACL_OTHER] = ARCHIVE_ENTRY_ACL_OTHER,
	};
	struct vst_acl_entry acl;
	while (text) {
		char name[16];
		int id = -1;
		if (!vst_acl_next(&text, &acl))
			return vst_err_set(err, VST_EUSAGE, "tar: an ACL that is not in numeric form");
		/* Without a name libarchive writes the number; a number beyond int it would write as 0, which
		 * is root. */
		snprintf(name, sizeof name, "%u", acl.id);
		if ((acl.tag == VST_ACL_USER || acl.tag == VST_ACL_GROUP) && acl.id <= INT_MAX)
			id = (int)acl.id;
		if (archive_entry_acl_add_entry(out->entry, type, (int)acl.permset, tags[acl.tag], id,
		            acl.id > INT_MAX ? name : NULL) != ARCHIVE_OK)
			return vst_err_set(err, VST_EUNSUPPORTED, "tar: an ACL that libarchive cannot carry");
	}
	return 0;
}

static void describe_sparse(struct archive_entry *entry, const struct vst_item *item, uint64_t size)
{
	for (size_t i = 0; i < item->extent_count; i++)
		archive_entry_sparse_add_entry(
		        entry, (la_int64_t)item->extents[i].offset, (la_int64_t)item->extents[i].len);
	if (item->extent_count == 0 && size > 0)
		archive_entry_sparse_add_entry(entry, 0, 0); /* how libarchive says: nothing but a hole */
}

static int describe_extras(struct vst_tar_out *out, const struct vst_item *item, struct vst_err *err)
{
	unsigned flags = 0;
	int rc;
	if ((rc = describe_acl(out, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, item->acl, err)) != 0 ||
	        (rc = describe_acl(out, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, item->default_acl, err)) != 0)
		return rc;
	for (size_t i = 0; i < item->xattr_count; i++)
		archive_entry_xattr_add_entry(
		        out->entry, item->xattrs[i].name, item->xattrs[i].value, item->xattrs[i].len);
	(void)vst_entry_flags_parse(item->flags, &flags); /* tar has names for some of them */
	archive_entry_set_fflags(out->entry, flags, 0);
	return 0;
}

int vst_tar_out_describe(struct vst_tar_out *out, const struct vst_item *item, const char *name,
        const char *link, uint64_t size, int64_t time, struct vst_err *err)
{
	struct archive_entry *entry = archive_entry_clear(out->entry);
	archive_entry_copy_pathname(entry, name);
	archive_entry_set_filetype(entry, file_type(item->type));
	archive_entry_set_perm(entry, item->has_stat ? item->mode & 07777 : 0644);
	archive_entry_set_uid(entry, item->has_stat ? (la_int64_t)item->uid : 0);
	archive_entry_set_gid(entry, item->has_stat ? (la_int64_t)item->gid : 0);
	if (item->user)
		archive_entry_copy_uname(entry, item->user);
	if (item->group)
		archive_entry_copy_gname(entry, item->group);
	describe_times(entry, item, time);
	archive_entry_set_size(entry, (la_int64_t)size);
	if (item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE) {
		archive_entry_set_rdevmajor(entry, item->rdev_major);
		archive_entry_set_rdevminor(entry, item->rdev_minor);
	}
	if (link)
		archive_entry_copy_hardlink(entry, link);
	else if (item->type == VST_ITEM_SYMLINK)
		archive_entry_copy_symlink(entry, item->target);
	if (item->is_sparse)
		describe_sparse(entry, item, size);
	return describe_extras(out, item, err);
}

void vst_tar_out_rename(struct vst_tar_out *out, const char *name, uint64_t size)
{
	archive_entry_copy_pathname(out->entry, name);
	archive_entry_set_size(out->entry, (la_int64_t)size);
}

int vst_tar_out_header(struct vst_tar_out *out, uint64_t *ret_offset, struct vst_err *err)
{
	uint64_t offset = vst_frames_position(out->frames);
	locale_t old = uselocale(out->locale);
	int result = archive_write_header(out->archive, out->entry);
	uselocale(old);
	/* A warning is a name that is not UTF-8: written as its bytes. */
	if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
		return archive_failed(out, "header", err);
	*ret_offset = offset;
	return 0;
}

int vst_tar_out_data(struct vst_tar_out *out, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *from = data;
	while (len > 0) {
		la_ssize_t put = archive_write_data(out->archive, from, len);
		if (put < 0)
			return archive_failed(out, "data", err);
		if (put == 0)
			return vst_err_set(err, VST_EUSAGE, "tar: more data than the entry has room for");
		from += put;
		len -= (size_t)put;
	}
	return 0;
}

int vst_tar_out_zeros(struct vst_tar_out *out, uint64_t len, struct vst_err *err)
{
	while (len > 0) {
		size_t some = len < ZEROS_LEN ? (size_t)len : ZEROS_LEN;
		int rc = vst_tar_out_data(out, out->zeros, some, err);
		if (rc != 0)
			return rc;
		len -= some;
	}
	return 0;
}

int vst_tar_out_end(struct vst_tar_out *out, struct vst_err *err)
{
	return archive_write_finish_entry(out->archive) == ARCHIVE_OK
	               ? 0
	               : archive_failed(out, "end of entry", err);
}

int vst_tar_out_close(struct vst_tar_out *out, struct vst_err *err)
{
	return archive_write_close(out->archive) == ARCHIVE_OK ? 0 : archive_failed(out, "end", err);
}
