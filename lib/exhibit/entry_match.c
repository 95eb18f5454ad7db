#include "exhibit/entry_match.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <linux/fs.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/acl_text.h"
#include "exhibit/tar_out.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/manifest.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/timefmt.h"

#define NAME_SHOWN 200       /* of a name in an error's text, bytes */
#define XATTRS_MAX 16384     /* listxattr(2) gives at most 64 KiB of names */
#define ACL_ENTRIES_MAX 8192 /* an ACL of 64 KiB, the most that Linux stores */

/* ---- reading ---- */

int vst_entry_reader_new(struct archive **ret, struct vst_err *err)
{
	struct archive *archive = archive_read_new();

	if (!archive)
		return vst_err_nomem(err);
	if (archive_read_support_format_tar(archive) != ARCHIVE_OK) {
		archive_read_free(archive);
		return vst_err_nomem(err);
	}
	*ret = archive;
	return 0;
}

/*
 * In a UTF-8 locale libarchive brings names into normal form C, so that a name which is not would never be
 * what its line says; in the C locale it finds that it cannot convert them, warns, and gives their bytes as
 * they are.
 */
static int next_header(struct archive *archive, struct archive_entry **ret)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), old;
	int got;

	if (!c)
		return ARCHIVE_FATAL;
	old = uselocale(c);
	got = archive_read_next_header(archive, ret);
	uselocale(old);
	freelocale(c);
	return got;
}

int vst_entry_next(struct archive *archive, struct archive_entry **ret, struct vst_err *err)
{
	struct archive_entry *entry = NULL;
	int got = next_header(archive, &entry);
	const char *text = archive_error_string(archive);

	if (got == ARCHIVE_OK || got == ARCHIVE_WARN) {
		*ret = entry;
		return 0;
	}
	if (got == ARCHIVE_EOF)
		return vst_err_set(err, VST_ENOTFOUND, "the end of the tar");
	if (archive_errno(archive) == ENOMEM)
		return vst_err_nomem(err);
	return vst_err_set(err, VST_EFORMAT, "not a tar entry: %s", text ? text : "damaged");
}

void vst_entry_part_name(struct vst_buf *name, uint64_t part)
{
	vst_buf_printf(name, "/part-%06llu", (unsigned long long)part);
}

/* ---- inode flags ---- */

bool vst_entry_flags_parse(const char *letters, unsigned *ret_bits)
{
	static const struct {
		char letter;
		unsigned bit;
	} known[] = {
	        {'s', FS_SECRM_FL},
	        {'u', FS_UNRM_FL},
	        {'S', FS_SYNC_FL},
	        {'D', FS_DIRSYNC_FL},
	        {'i', FS_IMMUTABLE_FL},
	        {'a', FS_APPEND_FL},
	        {'d', FS_NODUMP_FL},
	        {'A', FS_NOATIME_FL},
	        {'c', FS_COMPR_FL},
	        {'B', FS_COMPRBLK_FL},
	        {'Z', FS_DIRTY_FL},
	        {'X', FS_NOCOMP_FL},
	        {'m', FS_NOCOMP_FL},
	        {'E', FS_ENCRYPT_FL},
	        {'j', FS_JOURNAL_DATA_FL},
	        {'I', FS_INDEX_FL},
	        {'t', FS_NOTAIL_FL},
	        {'T', FS_TOPDIR_FL},
	        {'e', FS_EXTENT_FL},
	        {'h', FS_HUGE_FILE_FL},
	        {'C', FS_NOCOW_FL},
	        {'x', FS_DAX_FL},
	        {'F', FS_CASEFOLD_FL},
	        {'N', FS_INLINE_DATA_FL},
	        {'P', FS_PROJINHERIT_FL},
	        {'V', FS_VERITY_FL},
	};
	unsigned bits = 0;
	bool all = true;

	for (; letters && *letters; letters++) {
		size_t i = 0;

		while (i < sizeof known / sizeof *known && known[i].letter != *letters)
			i++;
		if (i < sizeof known / sizeof *known)
			bits |= known[i].bit;
		else
			all = false;
	}
	*ret_bits = bits;
	return all;
}

/* ---- comparing ---- */

static int differs(struct vst_err *err, const char *field)
{
	return vst_err_set(err, VST_ETAMPERED, "the tar entry's %s is not what the manifest says", field);
}

static int differs_number(struct vst_err *err, const char *field, long long entry, long long line)
{
	return vst_err_set(
	        err, VST_ETAMPERED, "the tar entry's %s is %lld, the manifest says %lld", field, entry, line);
}

static int differs_text(struct vst_err *err, const char *field, const char *entry, const char *line)
{
	return vst_err_set(err, VST_ETAMPERED, "the tar entry's %s is \"%.*s\", the manifest says \"%.*s\"",
	        field, NAME_SHOWN, entry ? entry : "", NAME_SHOWN, line ? line : "");
}

/* Tar writes a directory with a slash behind its name. */
static bool same_name(const char *entry, const struct vst_buf *want, bool directory)
{
	size_t len = entry ? strlen(entry) : 0;

	if (directory && len > 0 && entry[len - 1] == '/')
		len--;
	return entry && len == want->len && memcmp(entry, want->data, len) == 0;
}

static int match_name(
        struct archive_entry *entry, const struct vst_item *item, uint64_t part, struct vst_err *err)
{
	struct vst_buf want = VST_BUF_INIT;
	const char *name = archive_entry_pathname(entry);
	bool directory = item->type == VST_ITEM_DIRECTORY;
	int rc;

	if ((rc = vst_item_entry_name(item, &want, err)) != 0)
		goto out;
	if (part != VST_ENTRY_NO_PART)
		vst_entry_part_name(&want, part);
	if ((rc = vst_buf_check(&want, err)) != 0)
		goto out;
	if (directory && want.len > 0 && want.data[want.len - 1] == '/')
		want.len--; /* the item "/" */
	if (!same_name(name, &want, directory))
		rc = differs_text(err, "name", name, vst_buf_cstr(&want));
out:
	vst_buf_free(&want);
	return rc;
}

static int match_type(
        struct archive_entry *entry, const struct vst_item *item, const char *link_name, struct vst_err *err)
{
	static const unsigned types[VST_ITEM_TYPES] = {
	        [VST_ITEM_FILE] = AE_IFREG,
	        [VST_ITEM_DIRECTORY] = AE_IFDIR,
	        [VST_ITEM_SYMLINK] = AE_IFLNK,
	        [VST_ITEM_FIFO] = AE_IFIFO,
	        [VST_ITEM_CHAR_DEVICE] = AE_IFCHR,
	        [VST_ITEM_BLOCK_DEVICE] = AE_IFBLK,
	        [VST_ITEM_STREAM] = AE_IFREG,
	        [VST_ITEM_RECORD] = AE_IFREG,
	};
	const char *link = archive_entry_hardlink(entry);
	unsigned type = archive_entry_filetype(entry);

	if (item->is_hardlink) {
		if (!link)
			return differs(err, "type");
		if (link_name && strcmp(link, link_name) != 0)
			return differs_text(err, "hard link", link, link_name);
		return archive_entry_size(entry) == 0 ? 0 : differs(err, "size");
	}
	if (link || type == 0 || (unsigned)item->type >= VST_ITEM_TYPES || type != types[item->type])
		return differs(err, "type");
	return 0;
}

static int match_size(
        struct archive_entry *entry, const struct vst_item *item, uint64_t part, struct vst_err *err)
{
	uint64_t want = item->has_content ? item->size : 0;
	int64_t size = archive_entry_size(entry);

	if (item->is_hardlink || part != VST_ENTRY_NO_PART)
		return 0;
	if (item->type != VST_ITEM_FILE && item->type != VST_ITEM_RECORD)
		want = 0;
	return size >= 0 && (uint64_t)size == want ? 0 : differs_number(err, "size", size, (long long)want);
}

static int match_text(const char *entry, const char *line, const char *field, struct vst_err *err)
{
	return strcmp(entry ? entry : "", line ? line : "") == 0 ? 0 : differs_text(err, field, entry, line);
}

static int match_owner(struct archive_entry *entry, const struct vst_item *item, struct vst_err *err)
{
	unsigned mode = archive_entry_perm(entry), want = item->mode, mask = 07777;
	int rc;

	if (!item->has_stat) /* the line says nothing of mode and owner: nothing that stock tar could make
	                        dangerous */
		return mode & 07000 ? differs(err, "mode") : 0;
	if (item->acl)
		mask = 07707; /* libarchive makes the group's bits those of the ACL's group entry: compared
		                 there */
	if ((mode & mask) != (want & mask))
		return vst_err_set(err, VST_ETAMPERED, "the tar entry's mode is %04o, the manifest says %04o",
		        mode & mask, want & mask);
	if (archive_entry_uid(entry) < 0 || (uint64_t)archive_entry_uid(entry) != item->uid)
		return differs_number(err, "uid", archive_entry_uid(entry), (long long)item->uid);
	if (archive_entry_gid(entry) < 0 || (uint64_t)archive_entry_gid(entry) != item->gid)
		return differs_number(err, "gid", archive_entry_gid(entry), (long long)item->gid);
	if ((rc = match_text(archive_entry_uname(entry), item->user, "user", err)) != 0)
		return rc;
	return match_text(archive_entry_gname(entry), item->group, "group", err);
}

static int match_time(bool is_set, bool required, int64_t seconds, long ns, int64_t line, const char *field,
        struct vst_err *err)
{
	int64_t want_seconds = 0;
	long want_ns = 0;

	if (line == VST_TIME_NONE) /* one that no line can hold: what tar has to have is not compared */
		return is_set && !required ? differs(err, field) : 0;
	if (!is_set)
		return required ? differs(err, field) : 0;
	vst_tar_time(line, &want_seconds, &want_ns);
	return seconds == want_seconds && ns == want_ns ? 0 : differs(err, field);
}

static int match_times(struct archive_entry *entry, const struct vst_item *item, struct vst_err *err)
{
	int rc;

	if (!item->has_stat)
		return 0;
	if ((rc = match_time(archive_entry_mtime_is_set(entry), true, archive_entry_mtime(entry),
	             archive_entry_mtime_nsec(entry), item->mtime, "mtime", err)) != 0 ||
	        (rc = match_time(archive_entry_atime_is_set(entry), false, archive_entry_atime(entry),
	                 archive_entry_atime_nsec(entry), item->atime, "atime", err)) != 0 ||
	        (rc = match_time(archive_entry_ctime_is_set(entry), false, archive_entry_ctime(entry),
	                 archive_entry_ctime_nsec(entry), item->ctime, "ctime", err)) != 0)
		return rc;
	return match_time(archive_entry_birthtime_is_set(entry), false, archive_entry_birthtime(entry),
	        archive_entry_birthtime_nsec(entry), item->btime, "btime", err);
}

static int match_target(struct archive_entry *entry, const struct vst_item *item, struct vst_err *err)
{
	bool device = item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE;

	if (item->is_hardlink)
		return 0;
	if (item->type == VST_ITEM_SYMLINK)
		return match_text(archive_entry_symlink(entry), item->target, "link target", err);
	if (device && (archive_entry_rdevmajor(entry) != item->rdev_major ||
	                      archive_entry_rdevminor(entry) != item->rdev_minor))
		return differs(err, "device number");
	return 0;
}

/* ---- ACLs ---- */

static int compare_acl(const void *a, const void *b)
{
	const struct vst_acl_entry *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->permset < y->permset ? -1 : x->permset > y->permset;
}

/* Ids above INT_MAX are in the name alone. */
static uint32_t acl_id(int id, const char *name)
{
	struct vst_reader in = vst_reader_of(name ? name : "", name ? strlen(name) : 0);
	uint64_t number = 0;

	if (vst_reader_decimal(&in, &number) && vst_reader_at_end(&in) && number <= UINT32_MAX)
		return (uint32_t)number;
	return (uint32_t)id;
}

static bool acl_entry_of(int permset, int tag, uint32_t id, struct vst_acl_entry *ret)
{
	static const struct {
		int tag;
		enum vst_acl_tag ours;
	} tags[] = {
	        {ARCHIVE_ENTRY_ACL_USER_OBJ, VST_ACL_USER_OBJ},
	        {ARCHIVE_ENTRY_ACL_USER, VST_ACL_USER},
	        {ARCHIVE_ENTRY_ACL_GROUP_OBJ, VST_ACL_GROUP_OBJ},
	        {ARCHIVE_ENTRY_ACL_GROUP, VST_ACL_GROUP},
	        {ARCHIVE_ENTRY_ACL_MASK, VST_ACL_MASK},
	        {ARCHIVE_ENTRY_ACL_OTHER, VST_ACL_OTHER},
	};

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		if (tags[i].tag != tag)
			continue;
		*ret = (struct vst_acl_entry){.tag = tags[i].ours, .permset = (unsigned)permset & 7u};
		if (ret->tag == VST_ACL_USER || ret->tag == VST_ACL_GROUP)
			ret->id = id;
		return (permset & ~7) == 0;
	}
	return false;
}

/* Reads both into arrays of at most ACL_ENTRIES_MAX, sorts and compares. */
static int match_acl(
        struct archive_entry *entry, int type, const char *line, const char *field, struct vst_err *err)
{
	struct vst_acl_entry *theirs = NULL, *ours = NULL;
	size_t their_count = 0, our_count = 0;
	int kind = 0, permset = 0, tag = 0, id = 0, rc = 0;
	const char *name = NULL, *at = line;

	if (!line)
		return archive_entry_acl_types(entry) & type ? differs(err, field) : 0;
	theirs = vst_calloc(ACL_ENTRIES_MAX, sizeof *theirs);
	ours = vst_calloc(ACL_ENTRIES_MAX, sizeof *ours);
	if (!theirs || !ours) {
		rc = vst_err_nomem(err);
		goto out;
	}
	rc = differs(err, field);
	archive_entry_acl_reset(entry, type);
	while (archive_entry_acl_next(entry, type, &kind, &permset, &tag, &id, &name) == ARCHIVE_OK) {
		if (their_count == ACL_ENTRIES_MAX ||
		        !acl_entry_of(permset, tag, acl_id(id, name), &theirs[their_count++]))
			goto out;
	}
	while (at) {
		if (our_count == ACL_ENTRIES_MAX || !vst_acl_next(&at, &ours[our_count++]))
			goto out;
	}
	if (our_count != their_count)
		goto out;
	qsort(theirs, their_count, sizeof *theirs, compare_acl);
	qsort(ours, our_count, sizeof *ours, compare_acl);
	for (size_t i = 0; i < our_count; i++)
		if (compare_acl(&ours[i], &theirs[i]) != 0)
			goto out;
	vst_err_clear(err);
	rc = 0;
out:
	free(theirs);
	free(ours);
	return rc;
}

/* ---- extended attributes ---- */

/* libarchive writes an xattr's name URL-encoded and reads it as it stands. */
static bool same_xattr_name(const char *entry, const char *line)
{
	static const char digits[] = "0123456789ABCDEF";

	if (strcmp(entry, line) == 0)
		return true;
	for (; *line; line++) {
		unsigned char byte = (unsigned char)*line;

		if (byte < 33 || byte > 126 || byte == '%' || byte == '=') {
			if (entry[0] != '%' || entry[1] != digits[byte >> 4] || entry[2] != digits[byte & 15])
				return false;
			entry += 3;
		} else if (*entry++ != *line) {
			return false;
		}
	}
	return *entry == '\0';
}

static int match_xattrs(struct archive_entry *entry, const struct vst_item *item, struct vst_err *err)
{
	bool *seen = NULL;
	const char *name = NULL;
	const void *value = NULL;
	size_t len = 0, i, found = 0;
	int rc = 0;

	if (item->xattr_count > XATTRS_MAX)
		return vst_err_set(err, VST_ELIMIT, "more than %d xattrs", XATTRS_MAX);
	if (item->xattr_count == 0)
		return archive_entry_xattr_count(entry) == 0 ? 0 : differs(err, "xattrs");
	if (!(seen = vst_calloc(item->xattr_count, sizeof *seen)))
		return vst_err_nomem(err);
	archive_entry_xattr_reset(entry);
	while (rc == 0 && archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK) {
		for (i = 0; i < item->xattr_count; i++)
			if (!seen[i] && name && same_xattr_name(name, item->xattrs[i].name))
				break;
		if (i == item->xattr_count || len != item->xattrs[i].len ||
		        (len > 0 && memcmp(value, item->xattrs[i].value, len) != 0)) {
			rc = differs_text(err, "xattrs", name, "something else");
			break;
		}
		seen[i] = true;
		found++;
	}
	if (rc == 0 && found != item->xattr_count)
		rc = differs(err, "xattrs");
	free(seen);
	return rc;
}

/* Tar has no words for some flags, so fewer are right and others are not. */
static int match_flags(struct archive_entry *entry, const struct vst_item *item, struct vst_err *err)
{
	unsigned long set = 0, clear = 0;
	unsigned bits = 0;

	(void)vst_entry_flags_parse(item->flags, &bits);
	archive_entry_fflags(entry, &set, &clear);
	return set & ~(unsigned long)bits || clear & bits ? differs(err, "inode flags") : 0;
}

int vst_entry_match(struct archive_entry *entry, const struct vst_item *item, uint64_t part,
        const char *link_name, struct vst_err *err)
{
	int rc;

	if ((rc = match_name(entry, item, part, err)) != 0 ||
	        (rc = match_type(entry, item, link_name, err)) != 0 ||
	        (rc = match_size(entry, item, part, err)) != 0 || (rc = match_owner(entry, item, err)) != 0 ||
	        (rc = match_times(entry, item, err)) != 0 || (rc = match_target(entry, item, err)) != 0)
		return rc;
	if ((rc = match_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, item->acl, "ACL", err)) != 0 ||
	        (rc = match_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, item->default_acl, "default ACL",
	                 err)) != 0 ||
	        (rc = match_xattrs(entry, item, err)) != 0)
		return rc;
	return match_flags(entry, item, err);
}
