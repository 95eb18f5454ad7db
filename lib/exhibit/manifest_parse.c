/*
 * Manifest lines back into items. The parser is generous where the encoder is exact: in the end the item is
 * encoded again and must give the same bytes, so that there is one spelling of each item and nothing in a
 * line that an item does not hold.
 */
#include <stdlib.h>
#include <string.h>

#include "exhibit/errno_name.h"
#include "exhibit/manifest_check.h"
#include "exhibit/manifest_names.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/manifest.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

/* What owns the memory behind an item's pointers. `item` is the first member: vst_item_free() gets its
 * address. */
struct parsed {
	struct vst_item item;
	json_t *root; /* strings are borrowed from it */
	char *arena;  /* decoded base64: never longer in sum than the line */
	size_t used, size;
	struct vst_item_xattr *xattrs;
	struct vst_item_extent *extents;
	bool nomem;
};

struct parse {
	struct parsed *to;
	struct vst_json_take take;
	struct vst_buf scratch;
};

/* Decodes into the arena with a NUL behind it; NULL (and the take failed) if it is not base64. */
static const char *take_base64(struct parse *in, const char *key, const char *text, size_t *ret_len)
{
	struct parsed *to = in->to;
	char *at = to->arena + to->used;
	vst_buf_clear(&in->scratch);
	if (!vst_base64_decode(text, strlen(text), VST_BASE64_PADDED, &in->scratch)) {
		vst_json_take_fail(&in->take, "%s: not base64", key);
		return NULL;
	}
	if (in->scratch.failed || in->scratch.len >= to->size - to->used) {
		to->nomem = true;
		vst_json_take_fail(&in->take, "%s: no memory", key);
		return NULL;
	}
	if (in->scratch.len > 0)
		memcpy(at, in->scratch.data, in->scratch.len);
	at[in->scratch.len] = '\0';
	to->used += in->scratch.len + 1;
	*ret_len = in->scratch.len;
	return at;
}

/* Text with its exact bytes beside it where it is not UTF-8. NULL if the key is not there. */
static const char *take_text(struct parse *in, const char *key, const char *key_base64)
{
	const char *text, *exact;
	size_t len = 0;
	if (!vst_json_take_is(&in->take, key))
		return NULL;
	text = vst_json_take_string(&in->take, key);
	if (!vst_json_take_is(&in->take, key_base64))
		return text;
	exact = take_base64(in, key_base64, vst_json_take_string(&in->take, key_base64), &len);
	if (exact && strlen(exact) != len)
		vst_json_take_fail(&in->take, "%s: a NUL in it", key_base64);
	return exact;
}

static const char *take_string(struct parse *in, const char *key)
{
	return vst_json_take_is(&in->take, key) ? vst_json_take_string(&in->take, key) : NULL;
}

static int64_t take_time(struct vst_json_take *take, const char *key)
{
	return vst_json_take_is(take, key) ? vst_json_take_time(take, key) : VST_TIME_NONE;
}

static void take_device(struct parse *in, const char *key, uint32_t *ret_major, uint32_t *ret_minor)
{
	const char *text = vst_json_take_string(&in->take, key);
	struct vst_reader at = vst_reader_of(text, strlen(text));
	uint64_t major, minor;
	if (!vst_reader_decimal(&at, &major) || !vst_reader_literal(&at, ":") ||
	        !vst_reader_decimal(&at, &minor) || !vst_reader_at_end(&at) || major > UINT32_MAX ||
	        minor > UINT32_MAX) {
		vst_json_take_fail(&in->take, "%s: not major:minor", key);
		return;
	}
	*ret_major = (uint32_t)major;
	*ret_minor = (uint32_t)minor;
}

static bool get_uint(const json_t *value, uint64_t *ret)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

static uint32_t take_mode(struct parse *in)
{
	const char *text = vst_json_take_string(&in->take, "mode");
	uint32_t mode = 0;
	for (size_t i = 0; i < 4; i++) {
		if (text[i] < '0' || text[i] > '7') {
			vst_json_take_fail(&in->take, "mode: not four octal digits");
			return 0;
		}
		mode = mode << 3 | (uint32_t)(text[i] - '0');
	}
	if (text[4] != '\0')
		vst_json_take_fail(&in->take, "mode: not four octal digits");
	return mode;
}

static void take_place(struct parse *in)
{
	struct vst_item *item = &in->to->item;
	const char *name;
	vst_json_take_hex(&in->take, "salt", item->salt, sizeof item->salt);
	item->seq = vst_json_take_uint(&in->take, "seq");
	item->source = vst_json_take_string(&in->take, "source");
	item->path = take_text(in, "path", "path_base64");
	name = vst_json_take_string(&in->take, "type");
	if (!vst_item_type_parse(name, &item->type))
		vst_json_take_fail(&in->take, "type: unknown");
	name = vst_json_take_string(&in->take, "status");
	if (!vst_item_status_parse(name, &item->status))
		vst_json_take_fail(&in->take, "status: unknown");
	item->rule = take_text(in, "rule", "rule_base64");
	if (vst_json_take_is(&in->take, "errno") &&
	        !vst_errno_parse(vst_json_take_string(&in->take, "errno"), &item->error))
		vst_json_take_fail(&in->take, "errno: unknown");
}

static void take_content(struct parse *in)
{
	struct vst_item *item = &in->to->item;
	if (vst_json_take_is(&in->take, "size"))
		item->size = vst_json_take_uint(&in->take, "size");
	if (!vst_json_take_is(&in->take, "sha256"))
		return;
	item->has_content = true;
	item->hashes = VST_HASH_SHA256;
	vst_json_take_hex(&in->take, "sha256", item->sha256, sizeof item->sha256);
	if (vst_json_take_is(&in->take, "sha1")) {
		item->hashes |= VST_HASH_SHA1;
		vst_json_take_hex(&in->take, "sha1", item->sha1, sizeof item->sha1);
	}
	if (vst_json_take_is(&in->take, "md5")) {
		item->hashes |= VST_HASH_MD5;
		vst_json_take_hex(&in->take, "md5", item->md5, sizeof item->md5);
	}
	if (vst_json_take_is(&in->take, "parts"))
		item->parts = vst_json_take_uint(&in->take, "parts");
}

/* A number, or text from 2^63 on. */
static uint64_t take_inode(struct parse *in)
{
	json_t *value = vst_json_take_any(&in->take, "ino");
	const char *text = json_string_value(value);
	struct vst_reader at = vst_reader_of(text, text ? strlen(text) : 0);
	uint64_t ino = 0;
	if (text ? !vst_reader_decimal(&at, &ino) || !vst_reader_at_end(&at) : !get_uint(value, &ino))
		vst_json_take_fail(&in->take, "ino: not a number");
	return ino;
}

static void take_stat(struct parse *in)
{
	struct vst_item *item = &in->to->item;
	if (!vst_json_take_is(&in->take, "mode"))
		return;
	item->has_stat = true;
	item->mode = take_mode(in);
	item->uid = vst_json_take_uint(&in->take, "uid");
	item->gid = vst_json_take_uint(&in->take, "gid");
	item->user = take_text(in, "user", "user_base64");
	item->group = take_text(in, "group", "group_base64");
	item->mtime = take_time(&in->take, "mtime");
	item->atime = take_time(&in->take, "atime");
	item->ctime = take_time(&in->take, "ctime");
	item->btime = take_time(&in->take, "btime");
	take_device(in, "dev", &item->dev_major, &item->dev_minor);
	item->ino = take_inode(in);
	item->nlink = vst_json_take_uint(&in->take, "nlink");
	if (vst_json_take_is(&in->take, "rdev"))
		take_device(in, "rdev", &item->rdev_major, &item->rdev_minor);
}

static void add_xattr(struct parse *in, const char *name, const char *value)
{
	struct vst_item *item = &in->to->item;
	size_t len = 0;
	const char *data = take_base64(in, "xattrs", value, &len);
	in->to->xattrs[item->xattr_count++] = (struct vst_item_xattr){name, data, len};
}

static void take_xattrs_base64(struct parse *in, json_t *array)
{
	for (size_t i = 0; i < json_array_size(array) && !in->take.failed; i++) {
		json_t *pair = json_array_get(array, i);
		const char *name = json_string_value(json_array_get(pair, 0));
		const char *value = json_string_value(json_array_get(pair, 1));
		size_t len = 0;
		if (!name || !value || json_array_size(pair) != 2) {
			vst_json_take_fail(&in->take, "xattrs_base64: not a pair of strings");
			return;
		}
		name = take_base64(in, "xattrs_base64", name, &len);
		if (name && strlen(name) != len)
			vst_json_take_fail(&in->take, "xattrs_base64: a NUL in a name");
		if (name)
			add_xattr(in, name, value);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct vst_item_xattr *)a)->name, ((const struct vst_item_xattr *)b)->name);
}

static void take_xattrs(struct parse *in)
{
	json_t *plain = NULL, *coded = NULL, *value;
	const char *name;
	size_t count;
	if (vst_json_take_is(&in->take, "xattrs"))
		plain = vst_json_take_value(&in->take, "xattrs", JSON_OBJECT);
	if (vst_json_take_is(&in->take, "xattrs_base64"))
		coded = vst_json_take_value(&in->take, "xattrs_base64", JSON_ARRAY);
	count = json_object_size(plain) + json_array_size(coded);
	if (count == 0 || in->take.failed)
		return;
	in->to->xattrs = vst_calloc(count, sizeof *in->to->xattrs);
	if (!in->to->xattrs) {
		in->to->nomem = true;
		vst_json_take_fail(&in->take, "xattrs: no memory");
		return;
	}
	json_object_foreach(plain, name, value)
	{
		if (!json_is_string(value))
			vst_json_take_fail(&in->take, "xattrs: not a string");
		else
			add_xattr(in, name, json_string_value(value));
	}
	take_xattrs_base64(in, coded);
	qsort(in->to->xattrs, in->to->item.xattr_count, sizeof *in->to->xattrs, by_name);
	in->to->item.xattrs = in->to->xattrs;
}

static void take_map(struct parse *in, struct vst_json_take *take)
{
	struct vst_item *item = &in->to->item;
	json_t *map = vst_json_take_value(take, "map", JSON_ARRAY);
	size_t count = json_array_size(map);
	if (count == 0)
		return;
	if (count > VST_SPARSE_EXTENTS_MAX) {
		vst_json_take_fail(take, "sparse: too many extents");
		return;
	}
	in->to->extents = vst_calloc(count, sizeof *in->to->extents);
	if (!in->to->extents) {
		in->to->nomem = true;
		vst_json_take_fail(take, "sparse: no memory");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		json_t *pair = json_array_get(map, i);
		struct vst_item_extent *extent = &in->to->extents[i];
		if (json_array_size(pair) != 2 || !get_uint(json_array_get(pair, 0), &extent->offset) ||
		        !get_uint(json_array_get(pair, 1), &extent->len)) {
			vst_json_take_fail(take, "sparse: not an extent");
			return;
		}
	}
	item->extents = in->to->extents;
	item->extent_count = count;
}

static void take_sparse(struct parse *in)
{
	struct vst_item *item = &in->to->item;
	struct vst_json_take take;
	json_t *object;
	if (!vst_json_take_is(&in->take, "sparse"))
		return;
	object = vst_json_take_value(&in->take, "sparse", JSON_OBJECT);
	if (!object)
		return;
	item->is_sparse = true;
	take = vst_json_take_of(object, in->take.err);
	take_map(in, &take);
	if (vst_json_take_is(&take, "sha256")) {
		item->has_whole_sha256 = true;
		vst_json_take_hex(&take, "sha256", item->whole_sha256, sizeof item->whole_sha256);
	}
	if (vst_json_take_end(&take) != 0)
		in->take.failed = true;
}

static void take_read_stat(struct vst_json_take *from, const char *key, struct vst_item_stat *ret)
{
	json_t *object = vst_json_take_value(from, key, JSON_OBJECT);
	struct vst_json_take take;
	if (!object)
		return;
	take = vst_json_take_of(object, from->err);
	ret->size = vst_json_take_uint(&take, "size");
	ret->mtime = take_time(&take, "mtime");
	ret->ctime = take_time(&take, "ctime");
	if (vst_json_take_end(&take) != 0)
		from->failed = true;
}

static void take_read(struct parse *in)
{
	struct vst_item *item = &in->to->item;
	struct vst_json_take take;
	json_t *object;
	if (!vst_json_take_is(&in->take, "read"))
		return;
	object = vst_json_take_value(&in->take, "read", JSON_OBJECT);
	if (!object)
		return;
	item->has_read = true;
	take = vst_json_take_of(object, in->take.err);
	item->read_start = take_time(&take, "start");
	item->read_end = take_time(&take, "end");
	item->read_expected = vst_json_take_uint(&take, "expected");
	item->read_got = vst_json_take_uint(&take, "read");
	item->read_padding = vst_json_take_uint(&take, "padding");
	take_read_stat(&take, "before", &item->before);
	if (vst_json_take_is(&take, "after")) {
		item->has_after = true;
		take_read_stat(&take, "after", &item->after);
	}
	if (vst_json_take_end(&take) != 0)
		in->take.failed = true;
}

static int take_item(struct parse *in, struct vst_err *err)
{
	struct vst_item *item = &in->to->item;
	uint64_t format = vst_json_take_uint(&in->take, "format");
	int rc;
	if (!in->take.failed && format != 1)
		return vst_err_set(err, VST_EVERSION, "manifest line: format %llu is unknown",
		        (unsigned long long)format);
	take_place(in);
	take_content(in);
	take_stat(in);
	item->flags = take_string(in, "flags");
	item->acl = take_string(in, "acl");
	item->default_acl = take_string(in, "default_acl");
	take_xattrs(in);
	item->xattrs_error = take_text(in, "xattrs_error", "xattrs_error_base64");
	item->target = take_text(in, "target", "target_base64");
	if (vst_json_take_is(&in->take, "hardlink")) {
		item->is_hardlink = true;
		vst_json_take_hex(&in->take, "hardlink", item->hardlink, sizeof item->hardlink);
	}
	take_sparse(in);
	take_read(in);
	rc = vst_json_take_end(&in->take);
	if (in->to->nomem)
		return vst_err_nomem(err);
	return rc;
}

/* Contradictions in a line are the line's fault, not the caller's. */
static int check_again(struct parse *in, const void *line, size_t len, struct vst_err *err)
{
	int rc;
	vst_buf_clear(&in->scratch);
	rc = vst_item_encode(&in->to->item, &in->scratch, err);
	if (rc == VST_EUSAGE) {
		if (err)
			err->code = VST_EFORMAT;
		return VST_EFORMAT;
	}
	if (rc != 0)
		return rc;
	if (in->scratch.len != len || memcmp(in->scratch.data, line, len) != 0)
		return vst_err_set(err, VST_EFORMAT, "not spelled as the format spells it");
	return 0;
}

int vst_item_parse(const void *line, size_t len, struct vst_item **ret, struct vst_err *err)
{
	struct parse in = {0};
	struct vst_err local = VST_ERR_INIT;
	int rc;
	if (!err)
		err = &local;
	if (len > VST_MANIFEST_LINE_MAX)
		return vst_err_set(err, VST_ELIMIT, "manifest line: too long");
	in.to = vst_calloc(1, sizeof *in.to);
	if (!in.to)
		return vst_err_nomem(err);
	vst_item_init(&in.to->item);
	if ((rc = vst_json_parse(line, len, &in.to->root, err)) != 0)
		goto out;
	in.to->size = len + 1;
	in.to->arena = vst_alloc(in.to->size);
	if (!in.to->arena) {
		rc = vst_err_nomem(err);
		goto out;
	}
	in.take = vst_json_take_of(in.to->root, err);
	if ((rc = take_item(&in, err)) != 0 || (rc = check_again(&in, line, len, err)) != 0)
		goto out;
	*ret = &in.to->item;
	in.to = NULL;
out:
	if (rc != 0 && rc != VST_ENOMEM && rc != VST_EVERSION)
		vst_err_prepend(err, "manifest line");
	vst_buf_free(&in.scratch);
	if (in.to)
		vst_item_free(&in.to->item);
	return rc;
}

void vst_item_free(struct vst_item *item)
{
	struct parsed *parsed = (struct parsed *)item; /* its first member */
	if (!parsed)
		return;
	json_decref(parsed->root);
	free(parsed->arena);
	free(parsed->xattrs);
	free(parsed->extents);
	free(parsed);
}
