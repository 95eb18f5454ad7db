/*
 * Manifest lines back into items, in one pass over a copy of the line and with one allocation for most: the
 * item, its strings and a few extended attributes lie together.
 *
 * There is one spelling of each item and nothing in a line that an item does not hold. Why that is so without
 * encoding the item again: 1. json_pull.h takes one spelling of each value only; 2. the keys are asked for in
 * the encoder's order, and where the item so far says whether a key must stand, that is what is asked for;
 * 3. what is left for the end to tell is in check_spelling(). Whoever changes the encoder changes this too;
 * the fuzz target fails on an item that encodes to other bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "exhibit/errno_name.h"
#include "exhibit/manifest_check.h"
#include "exhibit/manifest_names.h"
#include "vestige/err.h"
#include "vestige/json_pull.h"
#include "vestige/manifest.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/timefmt.h"

#define XATTRS_INSIDE 3 /* a label, capabilities and one more: nearly all files have no others */

/* What owns the memory behind an item's pointers. `item` is the first member: vst_item_free() gets its
 * address. */
struct parsed {
	struct vst_item item;
	struct vst_item_xattr *xattrs; /* NULL as long as those inside suffice */
	struct vst_item_extent *extents;
	struct vst_item_stored *stored;
	struct vst_item_xattr inside[XATTRS_INSIDE];
	uint8_t line[];
};

struct parse {
	struct vst_json_pull pull;
	struct parsed *to;
	struct vst_item *item;
	bool has_size;
	size_t xattr_cap, extent_cap, stored_cap;
};

/* ---- kinds of values ---- */

static const char *take_text(struct parse *in, const char *key, const char *key_base64)
{
	return vst_json_pull_is(&in->pull, key) ? vst_json_pull_text(&in->pull, key, key_base64) : NULL;
}

static const char *take_string(struct parse *in, const char *key)
{
	return vst_json_pull_is(&in->pull, key) ? vst_json_pull_string(&in->pull, key) : NULL;
}

static int64_t take_time(struct parse *in, const char *key)
{
	return vst_json_pull_is(&in->pull, key) ? vst_json_pull_time(&in->pull, key) : VST_TIME_NONE;
}

/* False if the key is not there. */
static bool take_hex(struct parse *in, const char *key, uint8_t *ret, size_t len)
{
	if (!vst_json_pull_is(&in->pull, key))
		return false;
	vst_json_pull_hex(&in->pull, key, ret, len);
	return true;
}

static void take_device(struct parse *in, const char *key, uint32_t *ret_major, uint32_t *ret_minor)
{
	const char *text = vst_json_pull_string(&in->pull, key);
	struct vst_reader at = vst_reader_of(text, strlen(text));
	uint64_t major, minor;
	if (!vst_reader_decimal(&at, &major) || !vst_reader_literal(&at, ":") ||
	        !vst_reader_decimal(&at, &minor) || !vst_reader_at_end(&at) || major > UINT32_MAX ||
	        minor > UINT32_MAX) {
		vst_json_pull_fail(&in->pull, "%s: not major:minor", key);
		return;
	}
	*ret_major = (uint32_t)major;
	*ret_minor = (uint32_t)minor;
}

static uint32_t take_mode(struct parse *in)
{
	const char *text = vst_json_pull_string(&in->pull, "mode");
	uint32_t mode = 0;
	if (strlen(text) != 4 || strspn(text, "01234567") != 4) {
		vst_json_pull_fail(&in->pull, "mode: not four octal digits");
		return 0;
	}
	for (size_t i = 0; i < 4; i++)
		mode = mode << 3 | (uint32_t)(text[i] - '0');
	return mode;
}

/* A number, or text from 2^63 on. */
static uint64_t take_inode(struct parse *in)
{
	struct vst_reader at;
	const char *text;
	uint64_t ino = 0;
	if (!vst_json_pull_is_string(&in->pull, "ino"))
		return vst_json_pull_uint(&in->pull, "ino");
	text = vst_json_pull_string(&in->pull, "ino");
	at = vst_reader_of(text, strlen(text));
	if (!vst_reader_decimal(&at, &ino) || !vst_reader_at_end(&at) || ino <= INT64_MAX)
		vst_json_pull_fail(&in->pull, "ino: not a number, or one that needs no text");
	return ino;
}

/* Twice the room for an array that is full; NULL (and the parse ended) without memory. */
static void *more_room(struct parse *in, void *old, size_t *cap, size_t size)
{
	size_t twice = *cap ? 2 * *cap : 8;
	void *array = vst_realloc(old, twice, size);
	if (array)
		*cap = twice;
	else
		vst_json_pull_stop(&in->pull, vst_err_nomem(in->pull.err));
	return array;
}

/* ---- the item's parts, in the order of the format ---- */

static void take_format(struct parse *in)
{
	uint64_t format = vst_json_pull_uint(&in->pull, "format");
	if (in->pull.rc == 0 && format != 1)
		vst_json_pull_stop(&in->pull,
		        vst_err_set(in->pull.err, VST_EVERSION, "manifest line: format %llu is unknown",
		                (unsigned long long)format));
}

static void take_place(struct parse *in)
{
	struct vst_item *item = in->item;
	vst_json_pull_hex(&in->pull, "salt", item->salt, sizeof item->salt);
	item->seq = vst_json_pull_uint(&in->pull, "seq");
	item->source = vst_json_pull_string(&in->pull, "source");
	item->path = vst_json_pull_text(&in->pull, "path", "path_base64");
	if (!vst_item_type_parse(vst_json_pull_string(&in->pull, "type"), &item->type))
		vst_json_pull_fail(&in->pull, "type: unknown");
	if (!vst_item_status_parse(vst_json_pull_string(&in->pull, "status"), &item->status))
		vst_json_pull_fail(&in->pull, "status: unknown");
	item->rule = take_text(in, "rule", "rule_base64");
	if (vst_json_pull_is(&in->pull, "errno") &&
	        !vst_errno_parse(vst_json_pull_string(&in->pull, "errno"), &item->error))
		vst_json_pull_fail(&in->pull, "errno: unknown");
	if (vst_json_pull_is(&in->pull, "content") &&
	        !vst_item_content_parse(vst_json_pull_string(&in->pull, "content"), &item->content))
		vst_json_pull_fail(&in->pull, "content: unknown");
}

static void take_content(struct parse *in)
{
	struct vst_item *item = in->item;
	in->has_size = vst_json_pull_is(&in->pull, "size");
	if (in->has_size)
		item->size = vst_json_pull_uint(&in->pull, "size");
	item->has_content = take_hex(in, "sha256", item->sha256, sizeof item->sha256);
	if (!item->has_content)
		return;
	item->hashes = VST_HASH_SHA256;
	if (take_hex(in, "sha1", item->sha1, sizeof item->sha1))
		item->hashes |= VST_HASH_SHA1;
	if (take_hex(in, "md5", item->md5, sizeof item->md5))
		item->hashes |= VST_HASH_MD5;
	if (item->type == VST_ITEM_STREAM)
		item->parts = vst_json_pull_uint(&in->pull, "parts");
}

static void take_stat(struct parse *in)
{
	struct vst_item *item = in->item;
	item->has_stat = vst_json_pull_is(&in->pull, "mode");
	if (!item->has_stat)
		return;
	item->mode = take_mode(in);
	item->uid = vst_json_pull_uint(&in->pull, "uid");
	item->gid = vst_json_pull_uint(&in->pull, "gid");
	item->user = take_text(in, "user", "user_base64");
	item->group = take_text(in, "group", "group_base64");
	item->mtime = take_time(in, "mtime");
	item->atime = take_time(in, "atime");
	item->ctime = take_time(in, "ctime");
	item->btime = take_time(in, "btime");
	take_device(in, "dev", &item->dev_major, &item->dev_minor);
	item->ino = take_inode(in);
	item->nlink = vst_json_pull_uint(&in->pull, "nlink");
	if (item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE)
		take_device(in, "rdev", &item->rdev_major, &item->rdev_minor);
}

/* ---- extended attributes ---- */

/* The encoder's rule for which names are keys. */
static bool name_is_key(const char *name)
{
	for (; *name; name++) {
		if (*name <= ' ' || *name > '~' || *name == '"' || *name == '\\')
			return false;
	}
	return true;
}

static struct vst_item_xattr *xattrs_of(struct parse *in)
{
	return in->to->xattrs ? in->to->xattrs : in->to->inside;
}

/* `first`: the number of those that stood before the list to which this one belongs. */
static void add_xattr(struct parse *in, size_t first, struct vst_item_xattr xattr)
{
	struct parsed *to = in->to;
	size_t count = in->item->xattr_count;
	if (in->pull.rc != 0)
		return;
	if (count > first && strcmp(xattrs_of(in)[count - 1].name, xattr.name) >= 0) {
		vst_json_pull_fail(&in->pull, "xattrs: not sorted by name");
		return;
	}
	if (count == in->xattr_cap) {
		struct vst_item_xattr *more = more_room(in, to->xattrs, &in->xattr_cap, sizeof *more);
		if (!more)
			return;
		if (!to->xattrs)
			memcpy(more, to->inside, sizeof to->inside);
		to->xattrs = more;
	}
	xattrs_of(in)[in->item->xattr_count++] = xattr;
}

static void take_xattrs_plain(struct parse *in)
{
	if (!vst_json_pull_is(&in->pull, "xattrs"))
		return;
	vst_json_pull_enter_object(&in->pull, "xattrs");
	if (!vst_json_pull_more(&in->pull))
		vst_json_pull_fail(&in->pull, "xattrs: empty");
	while (vst_json_pull_more(&in->pull)) {
		struct vst_item_xattr xattr = {.name = vst_json_pull_key(&in->pull)};
		xattr.value = vst_json_pull_base64(&in->pull, NULL, &xattr.len);
		if (!name_is_key(xattr.name))
			vst_json_pull_fail(&in->pull, "xattrs: a name that belongs to xattrs_base64");
		add_xattr(in, 0, xattr);
	}
	vst_json_pull_leave_object(&in->pull);
}

static void take_xattrs_base64(struct parse *in)
{
	size_t first = in->item->xattr_count;
	if (!vst_json_pull_is(&in->pull, "xattrs_base64"))
		return;
	vst_json_pull_enter_array(&in->pull, "xattrs_base64");
	if (!vst_json_pull_more(&in->pull))
		vst_json_pull_fail(&in->pull, "xattrs_base64: empty");
	while (vst_json_pull_more(&in->pull)) {
		struct vst_item_xattr xattr;
		size_t len;
		vst_json_pull_enter_array(&in->pull, NULL);
		xattr.name = vst_json_pull_base64(&in->pull, NULL, &len);
		xattr.value = vst_json_pull_base64(&in->pull, NULL, &xattr.len);
		vst_json_pull_leave_array(&in->pull);
		if (strlen(xattr.name) != len)
			vst_json_pull_fail(&in->pull, "xattrs_base64: a NUL in a name");
		if (name_is_key(xattr.name))
			vst_json_pull_fail(&in->pull, "xattrs_base64: a name that belongs to xattrs");
		add_xattr(in, first, xattr);
	}
	vst_json_pull_leave_array(&in->pull);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct vst_item_xattr *)a)->name, ((const struct vst_item_xattr *)b)->name);
}

/* Each of the two lists is sorted and they have no name in common, so one order of both gives them back. */
static void take_xattrs(struct parse *in)
{
	size_t plain, *count = &in->item->xattr_count;
	take_xattrs_plain(in);
	plain = *count;
	take_xattrs_base64(in);
	if (*count == 0 || in->pull.rc != 0)
		return;
	if (plain > 0 && *count > plain)
		qsort(xattrs_of(in), *count, sizeof *in->to->xattrs, by_name);
	in->item->xattrs = xattrs_of(in);
}

/* ---- content that has holes, and how it was read ---- */

static void take_extent(struct parse *in)
{
	struct vst_item *item = in->item;
	struct vst_item_extent extent;
	vst_json_pull_enter_array(&in->pull, NULL);
	extent.offset = vst_json_pull_uint(&in->pull, NULL);
	extent.len = vst_json_pull_uint(&in->pull, NULL);
	vst_json_pull_leave_array(&in->pull);
	if (item->extent_count == VST_SPARSE_EXTENTS_MAX)
		vst_json_pull_fail(&in->pull, "sparse: too many extents");
	if (in->pull.rc != 0)
		return;
	if (item->extent_count == in->extent_cap) {
		struct vst_item_extent *more = more_room(in, in->to->extents, &in->extent_cap, sizeof *more);
		if (!more)
			return;
		item->extents = in->to->extents = more;
	}
	in->to->extents[item->extent_count++] = extent;
}

static void take_sparse(struct parse *in)
{
	struct vst_item *item = in->item;
	item->is_sparse = vst_json_pull_is(&in->pull, "sparse");
	if (!item->is_sparse)
		return;
	vst_json_pull_enter_object(&in->pull, "sparse");
	vst_json_pull_enter_array(&in->pull, "map");
	while (vst_json_pull_more(&in->pull))
		take_extent(in);
	vst_json_pull_leave_array(&in->pull);
	item->has_whole_sha256 = take_hex(in, "sha256", item->whole_sha256, sizeof item->whole_sha256);
	vst_json_pull_leave_object(&in->pull);
}

static void take_read_stat(struct parse *in, const char *key, struct vst_item_stat *ret)
{
	vst_json_pull_enter_object(&in->pull, key);
	ret->size = vst_json_pull_uint(&in->pull, "size");
	ret->mtime = take_time(in, "mtime");
	ret->ctime = take_time(in, "ctime");
	vst_json_pull_leave_object(&in->pull);
}

static void take_read(struct parse *in)
{
	struct vst_item *item = in->item;
	item->has_read = vst_json_pull_is(&in->pull, "read");
	if (!item->has_read)
		return;
	vst_json_pull_enter_object(&in->pull, "read");
	item->read_start = take_time(in, "start");
	item->read_end = take_time(in, "end");
	item->read_expected = vst_json_pull_uint(&in->pull, "expected");
	item->read_got = vst_json_pull_uint(&in->pull, "read");
	item->read_padding = vst_json_pull_uint(&in->pull, "padding");
	take_read_stat(in, "before", &item->before);
	item->has_after = vst_json_pull_is(&in->pull, "after");
	if (item->has_after)
		take_read_stat(in, "after", &item->after);
	vst_json_pull_leave_object(&in->pull);
}

/* ---- content that is in earlier exhibits ---- */

static void take_stored(struct parse *in)
{
	struct vst_item_whole *whole = &in->item->whole;
	struct vst_item_stored piece;
	vst_json_pull_enter_array(&in->pull, NULL);
	piece.exhibit = vst_json_pull_uint(&in->pull, NULL);
	piece.seq = vst_json_pull_uint(&in->pull, NULL);
	piece.bytes = vst_json_pull_uint(&in->pull, NULL);
	vst_json_pull_leave_array(&in->pull);
	if (whole->stored_count == VST_ITEM_STORED_MAX)
		vst_json_pull_fail(&in->pull, "stored: too many pieces");
	if (in->pull.rc != 0)
		return;
	if (whole->stored_count == in->stored_cap) {
		struct vst_item_stored *more = more_room(in, in->to->stored, &in->stored_cap, sizeof *more);
		if (!more)
			return;
		whole->stored = in->to->stored = more;
	}
	in->to->stored[whole->stored_count++] = piece;
}

static void take_whole(struct parse *in)
{
	struct vst_item_whole *whole = &in->item->whole;
	vst_json_pull_enter_object(&in->pull, "whole");
	whole->size = vst_json_pull_uint(&in->pull, "size");
	vst_json_pull_hex(&in->pull, "sha256", whole->sha256, sizeof whole->sha256);
	whole->hashes = VST_HASH_SHA256;
	if (take_hex(in, "sha1", whole->sha1, sizeof whole->sha1))
		whole->hashes |= VST_HASH_SHA1;
	if (take_hex(in, "md5", whole->md5, sizeof whole->md5))
		whole->hashes |= VST_HASH_MD5;
	whole->trusted = vst_json_pull_is(&in->pull, "trusted");
	if (whole->trusted && !vst_json_pull_bool(&in->pull, "trusted"))
		vst_json_pull_fail(&in->pull, "trusted: said where it is not so");
	vst_json_pull_enter_array(&in->pull, "stored");
	while (vst_json_pull_more(&in->pull))
		take_stored(in);
	vst_json_pull_leave_array(&in->pull);
	vst_json_pull_leave_object(&in->pull);
}

static void take_series(struct parse *in)
{
	struct vst_item *item = in->item;
	item->has_whole = vst_json_pull_is(&in->pull, "whole");
	if (item->has_whole)
		take_whole(in);
	item->has_prefix = vst_json_pull_is(&in->pull, "prefix");
	if (item->has_prefix) {
		vst_json_pull_enter_object(&in->pull, "prefix");
		item->prefix_size = vst_json_pull_uint(&in->pull, "size");
		vst_json_pull_hex(&in->pull, "sha256", item->prefix_sha256, sizeof item->prefix_sha256);
		vst_json_pull_leave_object(&in->pull);
	}
	item->long_entry = vst_json_pull_is(&in->pull, "entry");
	if (item->long_entry && strcmp(vst_json_pull_string(&in->pull, "entry"), "long") != 0)
		vst_json_pull_fail(&in->pull, "entry: unknown");
}

/* ---- the whole ---- */

static int take_item(struct parse *in)
{
	struct vst_item *item = in->item;
	vst_json_pull_enter_object(&in->pull, NULL);
	take_format(in);
	take_place(in);
	take_content(in);
	take_stat(in);
	item->flags = take_string(in, "flags");
	item->acl = take_string(in, "acl");
	item->default_acl = take_string(in, "default_acl");
	take_xattrs(in);
	item->xattrs_error = take_text(in, "xattrs_error", "xattrs_error_base64");
	item->target = take_text(in, "target", "target_base64");
	item->is_hardlink = take_hex(in, "hardlink", item->hardlink, sizeof item->hardlink);
	take_sparse(in);
	take_read(in);
	take_series(in);
	if (vst_json_pull_is(&in->pull, "details"))
		item->details = vst_json_pull_raw(&in->pull, "details", &item->details_len);
	vst_json_pull_leave_object(&in->pull);
	return vst_json_pull_end(&in->pull);
}

/* Whether `size` stands depends on what comes behind it. */
static int check_spelling(struct parse *in, struct vst_err *err)
{
	const struct vst_item *item = in->item;
	bool wants_size = item->target || item->has_content ||
	                  (item->type == VST_ITEM_FILE && item->has_stat && !item->is_hardlink);
	if (in->has_size && !wants_size)
		return vst_err_set(err, VST_EFORMAT, "size: of something that has none here");
	if (!in->has_size && wants_size)
		return vst_err_set(err, VST_EFORMAT, "key \"size\" is missing");
	if (item->target && item->size != strlen(item->target))
		return vst_err_set(err, VST_EFORMAT, "size: not the length of the target");
	return 0;
}

/* Contradictions in a line are the line's fault, not the caller's. */
static int check_sense(const struct vst_item *item, struct vst_err *err)
{
	int rc = vst_item_check(item, err);
	if (rc != VST_EUSAGE)
		return rc;
	if (err)
		err->code = VST_EFORMAT;
	return VST_EFORMAT;
}

int vst_item_parse(const void *line, size_t len, struct vst_item **ret, struct vst_err *err)
{
	struct parse in = {.xattr_cap = XATTRS_INSIDE};
	int rc;
	if (len > VST_MANIFEST_LINE_MAX)
		return vst_err_set(err, VST_ELIMIT, "manifest line: too long");
	in.to = vst_alloc(sizeof *in.to + len);
	if (!in.to)
		return vst_err_nomem(err);
	in.to->xattrs = NULL;
	in.to->extents = NULL;
	in.to->stored = NULL;
	in.item = &in.to->item;
	vst_item_init(in.item);
	if (len > 0)
		memcpy(in.to->line, line, len);
	in.pull = vst_json_pull_of(in.to->line, len, err);
	if ((rc = take_item(&in)) == 0 && (rc = check_spelling(&in, err)) == 0)
		rc = check_sense(in.item, err);
	if (rc == 0) {
		*ret = in.item;
		return 0;
	}
	if (rc != VST_ENOMEM && rc != VST_EVERSION)
		vst_err_prepend(err, "manifest line");
	vst_item_free(in.item);
	return rc;
}

void vst_item_free(struct vst_item *item)
{
	struct parsed *parsed = (struct parsed *)item; /* its first member */
	if (!parsed)
		return;
	free(parsed->xattrs);
	free(parsed->extents);
	free(parsed->stored);
	free(parsed);
}
