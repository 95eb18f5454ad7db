#include "collect/isolated_item.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/mem.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define XATTRS_MAX 65536
#define NONE UINT32_MAX /* the length of a string that is NULL */

/* The members that are strings. */
static const size_t strings[] = {
        offsetof(struct vst_item, path),
        offsetof(struct vst_item, rule),
        offsetof(struct vst_item, user),
        offsetof(struct vst_item, group),
        offsetof(struct vst_item, flags),
        offsetof(struct vst_item, acl),
        offsetof(struct vst_item, default_acl),
        offsetof(struct vst_item, xattrs_error),
        offsetof(struct vst_item, target),
};

/* ---- to bytes ---- */

static void put_number(struct vst_buf *out, uint32_t number)
{
	vst_buf_bytes(out, &number, sizeof number);
}

static void put_bytes(struct vst_buf *out, const void *data, size_t len)
{
	if (len >= NONE)
		out->failed = true;
	put_number(out, data ? (uint32_t)len : NONE);
	if (!data)
		return;
	vst_buf_bytes(out, data, len);
	vst_buf_byte(out, 0);
}

static void put_string(struct vst_buf *out, const char *text)
{
	put_bytes(out, text, text ? strlen(text) : 0);
}

void isolated_item_put(
        struct vst_buf *out, const struct vst_item *item, const char *link_source, const char *link_path)
{
	vst_buf_bytes(out, item, sizeof *item);
	for (size_t i = 0; i < LENGTH(strings); i++)
		put_string(out, *(const char *const *)((const uint8_t *)item + strings[i]));
	put_string(out, link_source);
	put_string(out, link_path);
	put_bytes(out, item->details, item->details_len);
	for (size_t i = 0; i < item->xattr_count; i++) {
		put_string(out, item->xattrs[i].name);
		put_bytes(out, item->xattrs[i].value ? item->xattrs[i].value : "", item->xattrs[i].len);
	}
	if (item->extent_count > 0)
		vst_buf_bytes(out, item->extents, item->extent_count * sizeof *item->extents);
}

/* ---- and back ---- */

struct taking {
	const uint8_t *at;
	size_t left;
	bool good;
};

static const void *take(struct taking *in, size_t len)
{
	const void *bytes = in->at;
	if (!in->good || len > in->left) {
		in->good = false;
		return NULL;
	}
	in->at += len;
	in->left -= len;
	return bytes;
}

static const char *take_bytes(struct taking *in, size_t *ret_len)
{
	uint32_t len = NONE;
	const void *number = take(in, sizeof len);
	*ret_len = 0;
	if (number)
		memcpy(&len, number, sizeof len);
	if (len == NONE)
		return NULL;
	const char *bytes = take(in, (size_t)len + 1);
	if (bytes && bytes[len] != '\0')
		in->good = false;
	*ret_len = len;
	return in->good ? bytes : NULL;
}

static const char *take_string(struct taking *in)
{
	size_t len;
	const char *text = take_bytes(in, &len);
	if (text && strlen(text) != len)
		in->good = false;
	return in->good ? text : NULL;
}

static void take_xattrs(struct taking *in, struct isolated_item *to)
{
	size_t count = to->item.xattr_count;
	to->item.xattrs = NULL;
	to->item.xattr_count = 0;
	if (count > XATTRS_MAX || (count > 0 && !(to->xattrs = vst_calloc(count, sizeof *to->xattrs))))
		in->good = false;
	for (size_t i = 0; in->good && i < count; i++) {
		to->xattrs[i].name = take_string(in);
		to->xattrs[i].value = take_bytes(in, &to->xattrs[i].len);
		in->good = in->good && to->xattrs[i].name && to->xattrs[i].value;
	}
	if (in->good && count > 0) {
		to->item.xattrs = to->xattrs;
		to->item.xattr_count = count;
	}
}

/* Copied, since they may lie at any address. */
static void take_extents(struct taking *in, struct isolated_item *to)
{
	size_t count = to->item.extent_count;
	to->item.extents = NULL;
	to->item.extent_count = 0;
	if (count > VST_SPARSE_EXTENTS_MAX ||
	        (count > 0 && !(to->extents = vst_calloc(count, sizeof *to->extents))))
		in->good = false;
	const void *bytes = count > 0 && in->good ? take(in, count * sizeof *to->extents) : NULL;
	if (!bytes)
		return;
	memcpy(to->extents, bytes, count * sizeof *to->extents);
	to->item.extents = to->extents;
	to->item.extent_count = count;
}

/* A byte that somebody else wrote need not be one of the two that a bool may have. */
static bool true_of(const bool *flag)
{
	uint8_t byte;
	memcpy(&byte, flag, sizeof byte);
	return byte == 1;
}

bool isolated_item_take(const uint8_t *bytes, size_t len, struct isolated_item *ret)
{
	struct taking in = {bytes, len, true};
	*ret = (struct isolated_item){0};
	const void *item = take(&in, sizeof ret->item);
	if (!item)
		return false;
	memcpy(&ret->item, item, sizeof ret->item);
	ret->item.source = NULL;
	/* What is stored where, and what the exhibit before had, the collector does not know. All that it may say is
	 * that it did not read a file because that is as it was sealed. */
	bool trusted = true_of(&ret->item.has_whole) && true_of(&ret->item.whole.trusted);
	const uint64_t size = ret->item.whole.size;
	memset(&ret->item.whole, 0, sizeof ret->item.whole);
	ret->item.has_whole = ret->item.whole.trusted = trusted;
	ret->item.whole.size = trusted ? size : 0;
	ret->item.has_prefix = ret->item.long_entry = false;
	for (size_t i = 0; i < LENGTH(strings); i++)
		*(const char **)((uint8_t *)&ret->item + strings[i]) = take_string(&in);
	ret->link_source = take_string(&in);
	ret->link_path = take_string(&in);
	ret->item.details = take_bytes(&in, &ret->item.details_len);
	take_xattrs(&in, ret);
	take_extents(&in, ret);
	return in.good && in.left == 0 && ret->item.path != NULL;
}

void isolated_item_release(struct isolated_item *item)
{
	free(item->xattrs);
	free(item->extents);
	*item = (struct isolated_item){0};
}
