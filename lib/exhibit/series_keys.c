#include "exhibit/series_keys.h"

#include <string.h>

#include "vestige/buf.h"
#include "vestige/json_pull.h"
#include "vestige/manifest.h"
#include "vestige/reader.h"
#include "vestige/series_index.h"
#include "vestige/text.h"

/* Of a file of content "digest" the details begin with this (manifest.h). */
static bool digest_of(const struct vst_item *item, uint8_t ret_key[VST_HASH_LEN], uint64_t *ret_size)
{
	struct vst_reader in;
	const uint8_t *hex;
	uint8_t key[VST_HASH_LEN];
	uint64_t bytes;
	if (!item->details)
		return false;
	in = vst_reader_of(item->details, item->details_len);
	if (!vst_reader_literal(&in, "{\"digest\":{\"bytes\":") || !vst_reader_decimal(&in, &bytes))
		return false;
	if (!vst_reader_literal(&in, ",\"hmac_sha256\":\"") &&
	        !vst_reader_literal(&in, ",\"map_hmac_sha256\":\""))
		return false;
	if (!vst_reader_bytes(&in, (size_t)2 * VST_HASH_LEN, &hex) ||
	        !vst_hex_decode((const char *)hex, (size_t)2 * VST_HASH_LEN, key, sizeof key) ||
	        !vst_reader_literal(&in, "\"}"))
		return false;
	memcpy(ret_key, key, sizeof key);
	*ret_size = bytes;
	return true;
}

/* Of a table its rows, and of content "digest" the keyed digest over them in order
   (collect/row_digest.h). */
struct table {
	bool has_rows, has_digest;
	uint64_t rows;
	uint8_t ordered[VST_HASH_LEN];
};

static void pull_digest(struct vst_json_pull *in, struct table *table)
{
	uint8_t root[VST_HASH_LEN];
	vst_json_pull_enter_object(in, NULL);
	table->has_digest = vst_json_pull_is(in, "rows");
	table->rows = vst_json_pull_uint(in, "rows");
	vst_json_pull_hex(in, "ordered", table->ordered, sizeof table->ordered);
	vst_json_pull_hex(in, "root", root, sizeof root);
	vst_json_pull_leave_object(in);
}

static int table_of(const struct vst_item *item, struct vst_buf *room, struct table *ret, struct vst_err *err)
{
	int rc;
	size_t len;
	*ret = (struct table){0};
	vst_buf_clear(room);
	vst_buf_bytes(room, item->details, item->details_len);
	if ((rc = vst_buf_check(room, err)) != 0)
		return rc;
	struct vst_json_pull in = vst_json_pull_of(room->data, room->len, NULL);
	vst_json_pull_enter_object(&in, NULL);
	while (vst_json_pull_more(&in)) {
		const char *key = vst_json_pull_key(&in);
		if (strcmp(key, "digest") == 0) {
			pull_digest(&in, ret);
			ret->has_rows = true;
		} else if (strcmp(key, "rows") == 0) {
			ret->rows = vst_json_pull_uint(&in, NULL);
			ret->has_rows = true;
		} else {
			vst_json_pull_raw(&in, NULL, &len);
		}
	}
	vst_json_pull_leave_object(&in);
	if (vst_json_pull_end(&in) != 0)
		*ret = (struct table){0};
	return 0;
}

static int table_key(const struct vst_item *item, struct vst_buf *room, uint8_t ret_key[VST_HASH_LEN],
        uint64_t *ret_size, bool *ret_has, struct vst_err *err)
{
	struct table table;
	int rc = table_of(item, room, &table, err);
	if (rc != 0)
		return rc;
	if (table.has_rows)
		*ret_size = table.rows;
	*ret_has = table.has_digest && item->content == VST_ITEM_CONTENT_DIGEST;
	if (*ret_has)
		memcpy(ret_key, table.ordered, VST_HASH_LEN);
	return 0;
}

static int sparse_key(const struct vst_item *item, const uint8_t data[VST_HASH_LEN], struct vst_buf *room,
        uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	int rc;
	vst_buf_clear(room);
	vst_buf_bytes(room, "sparse", sizeof "sparse");
	for (size_t i = 0; i < item->extent_count; i++) {
		vst_buf_u64le(room, item->extents[i].offset);
		vst_buf_u64le(room, item->extents[i].len);
	}
	vst_buf_u64le(room, item->size);
	vst_buf_bytes(room, data, VST_HASH_LEN);
	if ((rc = vst_buf_check(room, err)) == 0)
		vst_sha256(room->data, room->len, ret);
	return rc;
}

int vst_series_key_of(const struct vst_item *item, struct vst_buf *room, uint8_t ret_key[VST_HASH_LEN],
        uint64_t *ret_size, bool *ret_has, struct vst_err *err)
{
	const uint8_t *sha256 = item->has_whole ? item->whole.sha256 : item->sha256;
	uint64_t size = item->has_whole ? item->whole.size : item->size;
	int rc;
	*ret_has = false;
	if (item->content == VST_ITEM_CONTENT_DIGEST && (*ret_has = digest_of(item, ret_key, ret_size)))
		return 0;
	if (item->content != VST_ITEM_CONTENT_FULL)
		return item->type == VST_ITEM_STREAM && item->details
		               ? table_key(item, room, ret_key, ret_size, ret_has, err)
		               : 0;
	/* A tail without its whole would be taken for a file of just these bytes. */
	if (!item->has_whole && (!item->has_content || item->status == VST_ITEM_TAIL))
		return 0;
	if (item->is_sparse) {
		if ((rc = sparse_key(item, sha256, room, ret_key, err)) != 0)
			return rc;
		size = vst_item_data_size(item);
	} else {
		memcpy(ret_key, sha256, VST_HASH_LEN);
	}
	*ret_size = size;
	*ret_has = true;
	return 0;
}

bool vst_series_content_key(const struct vst_item *item, uint8_t ret[VST_HASH_LEN])
{
	struct vst_buf room = VST_BUF_INIT;
	uint64_t size;
	bool has = false;
	if (vst_series_key_of(item, &room, ret, &size, &has, NULL) != 0)
		has = false;
	vst_buf_free(&room);
	return has;
}

/* ---- metadata ---- */

static void put_bytes(struct vst_buf *out, const void *data, size_t len)
{
	vst_buf_byte(out, 1);
	vst_buf_u64le(out, len);
	vst_buf_bytes(out, data, len);
}

static void put_text(struct vst_buf *out, const char *text)
{
	if (text)
		put_bytes(out, text, strlen(text));
	else
		vst_buf_byte(out, 0);
}

static void put_stat(struct vst_buf *out, const struct vst_item *item)
{
	vst_buf_u32le(out, item->mode);
	vst_buf_u64le(out, item->uid);
	vst_buf_u64le(out, item->gid);
	put_text(out, item->user);
	put_text(out, item->group);
	vst_buf_u64le(out, item->type == VST_ITEM_DIRECTORY ? 0 : item->nlink);
	if (item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE) {
		vst_buf_u32le(out, item->rdev_major);
		vst_buf_u32le(out, item->rdev_minor);
	}
}

int vst_series_meta_of(
        const struct vst_item *item, struct vst_buf *room, uint8_t ret[VST_HASH_LEN / 2], struct vst_err *err)
{
	uint8_t digest[VST_HASH_LEN];
	int rc;
	vst_buf_clear(room);
	vst_buf_byte(room, (uint8_t)item->type);
	vst_buf_byte(room, item->has_stat);
	if (item->has_stat)
		put_stat(room, item);
	put_text(room, item->flags);
	put_text(room, item->acl);
	put_text(room, item->default_acl);
	put_text(room, item->target);
	vst_buf_u64le(room, item->xattr_count);
	for (size_t i = 0; i < item->xattr_count; i++) {
		put_text(room, item->xattrs[i].name);
		put_bytes(room, item->xattrs[i].value, item->xattrs[i].len);
	}
	if ((rc = vst_buf_check(room, err)) != 0)
		return rc;
	vst_sha256(room->data, room->len, digest);
	memcpy(ret, digest, VST_HASH_LEN / 2);
	return 0;
}
