#include "collect/file_attributes.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#define VALUE_ROOM 1024 /* most values are shorter: one call reads them */

void vst_file_attributes_free(struct vst_file_attributes *attributes)
{
	vst_buf_free(&attributes->names);
	vst_buf_free(&attributes->values);
	vst_buf_free(&attributes->error);
	vst_buf_free(&attributes->acl);
	vst_buf_free(&attributes->default_acl);
	free(attributes->xattrs);
	*attributes = (struct vst_file_attributes){0};
}

/* ---- inode flags ---- */

void vst_file_flags_text(unsigned flags, char ret_text[VST_FILE_FLAGS_TEXT])
{
	/* Those without a name in linux/fs.h are private to ext4 or younger than the header. */
	static const struct {
		unsigned flag;
		char letter;
	} letters[] = {
	        {FS_SECRM_FL, 's'},
	        {FS_UNRM_FL, 'u'},
	        {FS_SYNC_FL, 'S'},
	        {FS_DIRSYNC_FL, 'D'},
	        {FS_IMMUTABLE_FL, 'i'},
	        {FS_APPEND_FL, 'a'},
	        {FS_NODUMP_FL, 'd'},
	        {FS_NOATIME_FL, 'A'},
	        {FS_COMPR_FL, 'c'},
	        {FS_ENCRYPT_FL, 'E'},
	        {FS_JOURNAL_DATA_FL, 'j'},
	        {FS_INDEX_FL, 'I'},
	        {FS_NOTAIL_FL, 't'},
	        {FS_TOPDIR_FL, 'T'},
	        {FS_EXTENT_FL, 'e'},
	        {FS_NOCOW_FL, 'C'},
	        {FS_DAX_FL, 'x'},
	        {FS_CASEFOLD_FL, 'F'},
	        {FS_INLINE_DATA_FL, 'N'},
	        {FS_PROJINHERIT_FL, 'P'},
	        {FS_VERITY_FL, 'V'},
	        {FS_NOCOMP_FL, 'm'},
	};
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (flags & letters[i].flag)
			*ret_text++ = letters[i].letter;
	*ret_text = '\0';
}

static void read_flags(struct vst_file_attributes *attributes, int fd, struct vst_item *item)
{
	unsigned long flags = 0; /* the kernel writes an int, whatever the request's number says */
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		return; /* most file systems have none */
	vst_file_flags_text((unsigned)flags, attributes->flags);
	if (attributes->flags[0])
		item->flags = attributes->flags;
}

void vst_file_attributes_flags(
        struct vst_file_attributes *attributes, const struct statx *st, struct vst_item *item)
{
	static const struct {
		uint64_t attribute;
		unsigned flag;
	} told[] = {
	        {STATX_ATTR_COMPRESSED, FS_COMPR_FL},
	        {STATX_ATTR_IMMUTABLE, FS_IMMUTABLE_FL},
	        {STATX_ATTR_APPEND, FS_APPEND_FL},
	        {STATX_ATTR_NODUMP, FS_NODUMP_FL},
	        {STATX_ATTR_ENCRYPTED, FS_ENCRYPT_FL},
	        {STATX_ATTR_VERITY, FS_VERITY_FL},
	        {STATX_ATTR_DAX, FS_DAX_FL},
	};
	unsigned flags = 0;
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		if (st->stx_attributes & st->stx_attributes_mask & told[i].attribute)
			flags |= told[i].flag;
	vst_file_flags_text(flags, attributes->flags);
	if (attributes->flags[0])
		item->flags = attributes->flags;
}

/* ---- POSIX ACLs ---- */

/*
 * Source: linux/posix_acl_xattr.h. Little-endian: version 2 (32 bits), then entries of tag (16), permissions
 * (16), id (32).
 */
#define ACL_VERSION 2
#define ACL_ENTRY 8

static bool put_acl_entry(struct vst_buf *out, unsigned tag, unsigned permissions, uint32_t id)
{
	static const struct {
		unsigned tag;
		const char *word;
		bool has_id;
	} tags[] = {{0x01, "user", false}, {0x02, "user", true}, {0x04, "group", false},
	        {0x08, "group", true}, {0x10, "mask", false}, {0x20, "other", false}};
	if (permissions > 7)
		return false;
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		if (tags[i].tag != tag)
			continue;
		if (tags[i].has_id && id == UINT32_MAX)
			return false;
		vst_buf_text(out, tags[i].word);
		vst_buf_byte(out, ':');
		if (tags[i].has_id)
			vst_buf_printf(out, "%u", id);
		vst_buf_printf(out, ":%c%c%c", permissions & 4 ? 'r' : '-', permissions & 2 ? 'w' : '-',
		        permissions & 1 ? 'x' : '-');
		return true;
	}
	return false;
}

bool vst_file_acl_text(const void *value, size_t len, struct vst_buf *out)
{
	struct vst_reader in = vst_reader_of(value, len);
	size_t before = out->len;
	uint32_t version, word, id;
	bool good = vst_reader_u32le(&in, &version) && version == ACL_VERSION && len > 4;
	while (good && !vst_reader_at_end(&in)) {
		good = vst_reader_u32le(&in, &word) && vst_reader_u32le(&in, &id);
		if (good && out->len > before)
			vst_buf_byte(out, ',');
		good = good && put_acl_entry(out, word & 0xffff, word >> 16, id);
	}
	if (!good)
		out->len = before;
	return good;
}

/* ---- extended attributes ---- */

/* The file, by descriptor; an O_PATH descriptor only through /proc, which does not follow a link that it
 * stands for. */
struct subject {
	int fd;
	bool is_path;
	char path[40];
};

static ssize_t list_names(const struct subject *subject, void *data, size_t size)
{
	return subject->is_path ? listxattr(subject->path, data, size) : flistxattr(subject->fd, data, size);
}

static ssize_t get_value(const struct subject *subject, const char *name, void *data, size_t size)
{
	return subject->is_path ? getxattr(subject->path, name, data, size)
	                        : fgetxattr(subject->fd, name, data, size);
}

static void put_error(struct vst_file_attributes *attributes, const char *what, const char *why)
{
	if (attributes->error.len)
		vst_buf_text(&attributes->error, "; ");
	vst_buf_text(&attributes->error, what);
	vst_buf_text(&attributes->error, ": ");
	vst_buf_text(&attributes->error, why);
}

/* Fills `names`; false if there are none or they could not be had. */
static bool read_names(struct vst_file_attributes *attributes, const struct subject *subject)
{
	struct vst_buf *names = &attributes->names;
	vst_buf_clear(names);
	vst_buf_reserve(names, XATTR_LIST_MAX + 1);
	if (names->failed)
		return false;
	ssize_t len = list_names(subject, names->data, XATTR_LIST_MAX);
	if (len < 0 && errno != ENOTSUP && errno != ENOSYS)
		put_error(attributes, "list",
		        subject->is_path && errno == ENOENT ? "/proc is not mounted" : strerror(errno));
	if (len <= 0)
		return false;
	names->len = (size_t)len;
	vst_buf_byte(names, 0); /* a list that does not end in NUL is still bounded */
	return true;
}

/* Appends the value to `values`; false if it is gone or could not be had. */
static bool read_value(
        struct vst_file_attributes *attributes, const struct subject *subject, const char *name)
{
	struct vst_buf *values = &attributes->values;
	ssize_t len = VALUE_ROOM;
	for (int tries = 0; tries < 4; tries++) { /* it may grow in between */
		if (values->len + (size_t)len > VST_FILE_XATTRS_MAX) {
			put_error(attributes, name, "left out, the values are too large together");
			return false;
		}
		vst_buf_reserve(values, (size_t)len);
		if (values->failed)
			return false;
		len = get_value(subject, name, values->data + values->len, (size_t)len);
		if (len >= 0) {
			values->len += (size_t)len;
			return true;
		}
		if (errno != ERANGE)
			break;
		len = get_value(subject, name, NULL, 0);
		if (len < 0)
			break;
		if (len == 0)
			len = 1;
	}
	if (errno != ENODATA)
		put_error(attributes, name, strerror(errno));
	return false;
}

static bool add_room(struct vst_file_attributes *attributes, size_t count)
{
	if (count < attributes->cap)
		return true;
	size_t cap = attributes->cap ? attributes->cap * 2 : 8;
	struct vst_item_xattr *grown = vst_realloc(attributes->xattrs, cap, sizeof *grown);
	if (!grown)
		return false;
	attributes->xattrs = grown;
	attributes->cap = cap;
	return true;
}

/* True if the value is an ACL that is now text: then it is no attribute any more. */
static bool take_acl(
        struct vst_file_attributes *attributes, const char *name, size_t value_at, struct vst_item *item)
{
	struct vst_buf *values = &attributes->values, *text;
	bool is_default = strcmp(name, "system.posix_acl_default") == 0;
	if (!is_default && strcmp(name, "system.posix_acl_access") != 0)
		return false;
	text = is_default ? &attributes->default_acl : &attributes->acl;
	vst_buf_clear(text);
	if (!vst_file_acl_text(values->data + value_at, values->len - value_at, text))
		return false;
	values->len = value_at;
	*(is_default ? &item->default_acl : &item->acl) = vst_buf_cstr(text);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct vst_item_xattr *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* Values move while the buffer grows, so they are pointed to when all are there. */
static void point_to_values(struct vst_file_attributes *attributes, struct vst_item *item, size_t count)
{
	const uint8_t *value = attributes->values.data;
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		attributes->xattrs[i].value = value;
		value += attributes->xattrs[i].len;
	}
	qsort(attributes->xattrs, count, sizeof *attributes->xattrs, compare);
	for (size_t i = 0; i < count; i++) /* a broken file system may list a name twice */
		if (kept == 0 || compare(&attributes->xattrs[kept - 1], &attributes->xattrs[i]) != 0)
			attributes->xattrs[kept++] = attributes->xattrs[i];
	item->xattrs = attributes->xattrs;
	item->xattr_count = kept;
}

int vst_file_attributes_read(struct vst_file_attributes *attributes, int fd, bool is_path,
        struct vst_item *item, struct vst_err *err)
{
	struct subject subject = {.fd = fd, .is_path = is_path};
	size_t count = 0;

	vst_buf_clear(&attributes->values);
	vst_buf_clear(&attributes->error);
	if (is_path)
		snprintf(subject.path, sizeof subject.path, "/proc/self/fd/%d", fd);
	else if (item->type == VST_ITEM_FILE || item->type == VST_ITEM_DIRECTORY)
		read_flags(attributes, fd, item);
	if (read_names(attributes, &subject)) {
		const char *end = (const char *)attributes->names.data + attributes->names.len;
		for (const char *name = (const char *)attributes->names.data; name < end;
		        name += strlen(name) + 1) {
			size_t value_at = attributes->values.len;
			if (*name == '\0' || !read_value(attributes, &subject, name) ||
			        take_acl(attributes, name, value_at, item))
				continue;
			if (!add_room(attributes, count))
				return vst_err_nomem(err);
			attributes->xattrs[count++] =
			        (struct vst_item_xattr){name, NULL, attributes->values.len - value_at};
		}
	}
	if (attributes->names.failed || attributes->values.failed || attributes->error.failed ||
	        attributes->acl.failed || attributes->default_acl.failed)
		return vst_err_nomem(err);
	if (count)
		point_to_values(attributes, item, count);
	if (attributes->error.len)
		item->xattrs_error = vst_buf_cstr(&attributes->error);
	return vst_buf_check(&attributes->error, err);
}
