#include "vestige/manifest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "exhibit/errno_name.h"
#include "exhibit/manifest_check.h"
#include "exhibit/manifest_names.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/json.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

static const char *const type_names[VST_ITEM_TYPES] = {"unknown", "file", "directory", "symlink", "fifo",
        "socket", "char_device", "block_device", "stream", "record"};
static const char *const status_names[VST_ITEM_STATUSES] = {"collected", "changed", "truncated", "excluded",
        "denied", "absent", "vanished", "error", "unchanged", "tail"};

static const char *const content_names[VST_ITEM_CONTENTS] = {"full", "digest", "metadata"};

const char *vst_item_type_name(enum vst_item_type type)
{
	return (unsigned)type < VST_ITEM_TYPES ? type_names[type] : "unknown";
}

bool vst_item_type_parse(const char *name, enum vst_item_type *ret)
{
	for (int i = 0; i < VST_ITEM_TYPES; i++) {
		if (strcmp(type_names[i], name) == 0) {
			*ret = (enum vst_item_type)i;
			return true;
		}
	}
	return false;
}

const char *vst_item_status_name(enum vst_item_status status)
{
	return (unsigned)status < VST_ITEM_STATUSES ? status_names[status] : "invalid";
}

bool vst_item_status_parse(const char *name, enum vst_item_status *ret)
{
	for (int i = 0; i < VST_ITEM_STATUSES; i++) {
		if (strcmp(status_names[i], name) == 0) {
			*ret = (enum vst_item_status)i;
			return true;
		}
	}
	return false;
}

bool vst_item_content_parse(const char *name, enum vst_item_content *ret)
{
	for (int i = VST_ITEM_CONTENT_FULL + 1; i < VST_ITEM_CONTENTS; i++) {
		if (strcmp(content_names[i], name) == 0) {
			*ret = (enum vst_item_content)i;
			return true;
		}
	}
	return false;
}

void vst_item_init(struct vst_item *item)
{
	memset(item, 0, sizeof *item);
	item->mtime = item->atime = item->ctime = item->btime = VST_TIME_NONE;
	item->read_start = item->read_end = VST_TIME_NONE;
	item->before = item->after = (struct vst_item_stat){0, VST_TIME_NONE, VST_TIME_NONE};
}

bool vst_item_has_entry(const struct vst_item *item)
{
	switch (item->status) {
	case VST_ITEM_EXCLUDED:
	case VST_ITEM_ABSENT:
	case VST_ITEM_UNCHANGED:
		return false;
	default:
		break;
	}
	if (item->is_hardlink || item->has_content)
		return true;
	if (item->status != VST_ITEM_COLLECTED && item->status != VST_ITEM_CHANGED &&
	        item->status != VST_ITEM_TRUNCATED)
		return false;
	switch (item->type) {
	case VST_ITEM_DIRECTORY:
	case VST_ITEM_FIFO:
	case VST_ITEM_CHAR_DEVICE:
	case VST_ITEM_BLOCK_DEVICE:
		return item->has_stat;
	case VST_ITEM_SYMLINK:
		return item->has_stat && item->target;
	default:
		return false;
	}
}

/* Text that a host or a person chose: readable, and exact where it is not UTF-8. */
static void put_text(struct vst_json *json, const char *key, const char *key_base64, const char *text)
{
	size_t len;
	if (!text)
		return;
	len = strlen(text);
	vst_json_key(json, key);
	vst_json_text(json, text, len);
	if (!vst_utf8_valid(text, len)) {
		vst_json_key(json, key_base64);
		vst_json_base64(json, text, len);
	}
}

static void put_uint(struct vst_json *json, const char *key, uint64_t value)
{
	vst_json_key(json, key);
	vst_json_uint(json, value);
}

static void put_string(struct vst_json *json, const char *key, const char *text)
{
	if (text) {
		vst_json_key(json, key);
		vst_json_string(json, text);
	}
}

static void put_hex(struct vst_json *json, const char *key, const void *data, size_t len)
{
	vst_json_key(json, key);
	vst_json_hex(json, data, len);
}

static void put_time(struct vst_json *json, const char *key, int64_t ns)
{
	if (ns != VST_TIME_NONE) {
		vst_json_key(json, key);
		vst_json_time(json, ns);
	}
}

static void put_device(struct vst_json *json, const char *key, uint32_t major, uint32_t minor)
{
	char text[24];
	snprintf(text, sizeof text, "%u:%u", major, minor);
	put_string(json, key, text);
}

static void put_status(struct vst_json *json, const struct vst_item *item)
{
	put_string(json, "type", type_names[item->type]);
	put_string(json, "status", status_names[item->status]);
	put_text(json, "rule", "rule_base64", item->rule);
	if (item->error) {
		char name[VST_ERRNO_TEXT];
		vst_errno_name(item->error, name);
		put_string(json, "errno", name);
	}
	if (item->content != VST_ITEM_CONTENT_FULL)
		put_string(json, "content", content_names[item->content]);
}

static void put_content(struct vst_json *json, const struct vst_item *item)
{
	if (item->target)
		put_uint(json, "size", strlen(item->target));
	else if (item->has_content || (item->type == VST_ITEM_FILE && item->has_stat && !item->is_hardlink))
		put_uint(json, "size", item->size);
	if (!item->has_content)
		return;
	put_hex(json, "sha256", item->sha256, sizeof item->sha256);
	if (item->hashes & VST_HASH_SHA1)
		put_hex(json, "sha1", item->sha1, sizeof item->sha1);
	if (item->hashes & VST_HASH_MD5)
		put_hex(json, "md5", item->md5, sizeof item->md5);
	if (item->type == VST_ITEM_STREAM)
		put_uint(json, "parts", item->parts);
}

/* Overlay file systems use the highest bit, which readers of JSON numbers have no room for. */
static void put_inode(struct vst_json *json, uint64_t ino)
{
	char text[24];
	if (ino <= INT64_MAX) {
		put_uint(json, "ino", ino);
		return;
	}
	snprintf(text, sizeof text, "%llu", (unsigned long long)ino);
	put_string(json, "ino", text);
}

static void put_stat(struct vst_json *json, const struct vst_item *item)
{
	char mode[8];
	snprintf(mode, sizeof mode, "%04o", item->mode & 07777u);
	put_string(json, "mode", mode);
	put_uint(json, "uid", item->uid);
	put_uint(json, "gid", item->gid);
	put_text(json, "user", "user_base64", item->user);
	put_text(json, "group", "group_base64", item->group);
	put_time(json, "mtime", item->mtime);
	put_time(json, "atime", item->atime);
	put_time(json, "ctime", item->ctime);
	put_time(json, "btime", item->btime);
	put_device(json, "dev", item->dev_major, item->dev_minor);
	put_inode(json, item->ino);
	put_uint(json, "nlink", item->nlink);
	if (item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE)
		put_device(json, "rdev", item->rdev_major, item->rdev_minor);
}

/* Names with other characters than these stand in `xattrs_base64`: as keys they would need escapes, or run
 * together. */
static bool xattr_name_plain(const char *name)
{
	for (; *name; name++) {
		if (*name <= ' ' || *name > '~' || *name == '"' || *name == '\\')
			return false;
	}
	return true;
}

static void put_xattrs(struct vst_json *json, const struct vst_item *item)
{
	bool open = false;
	for (size_t i = 0; i < item->xattr_count; i++) {
		const struct vst_item_xattr *xattr = &item->xattrs[i];
		if (!xattr_name_plain(xattr->name))
			continue;
		if (!open) {
			vst_json_key(json, "xattrs");
			vst_json_object(json);
			open = true;
		}
		vst_json_key(json, xattr->name);
		vst_json_base64(json, xattr->value, xattr->len);
	}
	if (open)
		vst_json_end(json);
}

static void put_xattrs_base64(struct vst_json *json, const struct vst_item *item)
{
	bool open = false;
	for (size_t i = 0; i < item->xattr_count; i++) {
		const struct vst_item_xattr *xattr = &item->xattrs[i];
		if (xattr_name_plain(xattr->name))
			continue;
		if (!open) {
			vst_json_key(json, "xattrs_base64");
			vst_json_array(json);
			open = true;
		}
		vst_json_array(json);
		vst_json_base64(json, xattr->name, strlen(xattr->name));
		vst_json_base64(json, xattr->value, xattr->len);
		vst_json_end(json);
	}
	if (open)
		vst_json_end(json);
}

static void put_sparse(struct vst_json *json, const struct vst_item *item)
{
	vst_json_key(json, "sparse");
	vst_json_object(json);
	vst_json_key(json, "map");
	vst_json_array(json);
	for (size_t i = 0; i < item->extent_count; i++) {
		vst_json_array(json);
		vst_json_uint(json, item->extents[i].offset);
		vst_json_uint(json, item->extents[i].len);
		vst_json_end(json);
	}
	vst_json_end(json);
	if (item->has_whole_sha256)
		put_hex(json, "sha256", item->whole_sha256, sizeof item->whole_sha256);
	vst_json_end(json);
}

static void put_whole(struct vst_json *json, const struct vst_item_whole *whole)
{
	vst_json_key(json, "whole");
	vst_json_object(json);
	put_uint(json, "size", whole->size);
	put_hex(json, "sha256", whole->sha256, sizeof whole->sha256);
	if (whole->hashes & VST_HASH_SHA1)
		put_hex(json, "sha1", whole->sha1, sizeof whole->sha1);
	if (whole->hashes & VST_HASH_MD5)
		put_hex(json, "md5", whole->md5, sizeof whole->md5);
	if (whole->trusted) {
		vst_json_key(json, "trusted");
		vst_json_bool(json, true);
	}
	vst_json_key(json, "stored");
	vst_json_array(json);
	for (size_t i = 0; i < whole->stored_count; i++) {
		vst_json_array(json);
		vst_json_uint(json, whole->stored[i].exhibit);
		vst_json_uint(json, whole->stored[i].seq);
		vst_json_uint(json, whole->stored[i].bytes);
		vst_json_end(json);
	}
	vst_json_end(json);
	vst_json_end(json);
}

static void put_series(struct vst_json *json, const struct vst_item *item)
{
	if (item->has_whole)
		put_whole(json, &item->whole);
	if (item->has_prefix) {
		vst_json_key(json, "prefix");
		vst_json_object(json);
		put_uint(json, "size", item->prefix_size);
		put_hex(json, "sha256", item->prefix_sha256, sizeof item->prefix_sha256);
		vst_json_end(json);
	}
	if (item->long_entry)
		put_string(json, "entry", "long");
}

static void put_read_stat(struct vst_json *json, const char *key, const struct vst_item_stat *stat)
{
	vst_json_key(json, key);
	vst_json_object(json);
	put_uint(json, "size", stat->size);
	put_time(json, "mtime", stat->mtime);
	put_time(json, "ctime", stat->ctime);
	vst_json_end(json);
}

static void put_read(struct vst_json *json, const struct vst_item *item)
{
	vst_json_key(json, "read");
	vst_json_object(json);
	put_time(json, "start", item->read_start);
	put_time(json, "end", item->read_end);
	put_uint(json, "expected", item->read_expected);
	put_uint(json, "read", item->read_got);
	put_uint(json, "padding", item->read_padding);
	put_read_stat(json, "before", &item->before);
	if (item->has_after)
		put_read_stat(json, "after", &item->after);
	vst_json_end(json);
}

int vst_item_encode(const struct vst_item *item, struct vst_buf *out, struct vst_err *err)
{
	int rc = vst_item_check(item, err);
	size_t start = out->len;
	struct vst_json json;
	if (rc != 0)
		return rc;
	json = vst_json_begin(out);
	vst_json_object(&json);
	put_uint(&json, "format", 1);
	put_hex(&json, "salt", item->salt, sizeof item->salt);
	put_uint(&json, "seq", item->seq);
	put_string(&json, "source", item->source);
	put_text(&json, "path", "path_base64", item->path);
	put_status(&json, item);
	put_content(&json, item);
	if (item->has_stat)
		put_stat(&json, item);
	put_string(&json, "flags", item->flags);
	put_string(&json, "acl", item->acl);
	put_string(&json, "default_acl", item->default_acl);
	put_xattrs(&json, item);
	put_xattrs_base64(&json, item);
	put_text(&json, "xattrs_error", "xattrs_error_base64", item->xattrs_error);
	put_text(&json, "target", "target_base64", item->target);
	if (item->is_hardlink)
		put_hex(&json, "hardlink", item->hardlink, sizeof item->hardlink);
	if (item->is_sparse)
		put_sparse(&json, item);
	if (item->has_read)
		put_read(&json, item);
	put_series(&json, item);
	if (item->details) {
		vst_json_key(&json, "details");
		vst_json_raw(&json, item->details, item->details_len);
	}
	vst_json_end(&json);
	if ((rc = vst_buf_check(out, err)) != 0)
		return rc;
	if (out->len - start > VST_MANIFEST_LINE_MAX)
		return vst_err_set(err, VST_ELIMIT, "item: its manifest line is too long");
	return 0;
}

bool vst_item_is_tail(const struct vst_item *item)
{
	return item->has_whole && item->has_content;
}

uint64_t vst_item_tail_offset(const struct vst_item *item)
{
	uint64_t offset = 0;
	for (size_t i = 0; vst_item_is_tail(item) && i < item->whole.stored_count; i++)
		offset += item->whole.stored[i].bytes;
	return offset;
}

bool vst_item_content_size(const struct vst_item *item, uint64_t *ret)
{
	if (!item->has_whole && !item->has_content)
		return false;
	*ret = item->has_whole && !item->is_sparse ? item->whole.size : item->size;
	return true;
}

uint64_t vst_item_data_size(const struct vst_item *item)
{
	uint64_t bytes = 0;
	if (!item->is_sparse)
		return item->size;
	for (size_t i = 0; i < item->extent_count; i++)
		bytes += item->extents[i].len;
	return bytes;
}

bool vst_item_holds(const struct vst_item *item, uint64_t *ret_bytes)
{
	if ((item->type != VST_ITEM_FILE && item->type != VST_ITEM_STREAM) || item->is_hardlink ||
	        !item->has_content || !vst_item_has_entry(item))
		return false;
	*ret_bytes = vst_item_data_size(item);
	return true;
}

/* What stands behind the path: of a tail, where it begins. */
static size_t entry_suffix(const struct vst_item *item, char ret[VST_ENTRY_SUFFIX])
{
	ret[0] = '\0';
	if (!vst_item_is_tail(item))
		return 0;
	return (size_t)snprintf(
	        ret, VST_ENTRY_SUFFIX, "@%llu", (unsigned long long)vst_item_tail_offset(item));
}

bool vst_item_entry_fits(const struct vst_item *item)
{
	/* What stock tar appends: a directory's slash, a part's number. With it, the name must still be a
	 * path. */
	size_t room = item->type == VST_ITEM_STREAM      ? strlen("/part-000001")
	              : item->type == VST_ITEM_DIRECTORY ? 1
	                                                 : 0;
	char suffix[VST_ENTRY_SUFFIX];
	size_t path = strlen(item->path + strspn(item->path, "/")) + entry_suffix(item, suffix);
	return strlen("items//") + strlen(item->source) + path + room < PATH_MAX;
}

int vst_item_entry_name(const struct vst_item *item, struct vst_buf *out, struct vst_err *err)
{
	const char *path = item->path;
	char suffix[VST_ENTRY_SUFFIX];
	if (item->type == VST_ITEM_RECORD) {
		vst_buf_text(out, path);
		return vst_buf_check(out, err);
	}
	path += strspn(path, "/");
	vst_buf_text(out, "items/");
	if (item->long_entry || !vst_item_entry_fits(item)) {
		vst_buf_printf(out, "long/%llu", (unsigned long long)item->seq);
		return vst_buf_check(out, err);
	}
	vst_buf_text(out, item->source);
	if (*path) {
		vst_buf_byte(out, '/');
		vst_buf_text(out, path);
	}
	(void)entry_suffix(item, suffix);
	vst_buf_text(out, suffix);
	return vst_buf_check(out, err);
}

void vst_item_path_digest(const char *source, const char *path, uint8_t ret[VST_HASH_LEN])
{
	const struct vst_part parts[] = {{source, strlen(source) + 1}, {path, strlen(path)}};
	vst_sha256_parts(parts, 2, ret);
}
