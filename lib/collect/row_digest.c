#include "collect/row_digest.h"

#include "vestige/err.h"

int vst_row_digest_init(struct vst_row_digest *digest, const uint8_t key[VST_HASH_LEN], struct vst_err *err)
{
	*digest = (struct vst_row_digest){.key = key};
	vst_merkle_init(&digest->tree);
	return vst_hash_new(&digest->leaves, VST_HASH_SHA256, err);
}

void vst_row_digest_free(struct vst_row_digest *digest)
{
	vst_hash_free(digest->leaves);
	vst_buf_free(&digest->code);
}

static void put_number(struct vst_buf *out, uint64_t number)
{
	for (int shift = 0; shift < 64; shift += 8)
		vst_buf_byte(out, (uint8_t)(number >> shift));
}

void vst_row_digest_begin(struct vst_row_digest *digest, size_t columns)
{
	vst_buf_clear(&digest->code);
	vst_buf_byte(&digest->code, 0);
	put_number(&digest->code, columns);
}

void vst_row_digest_value(struct vst_row_digest *digest, const void *value, size_t len)
{
	vst_buf_byte(&digest->code, value != NULL);
	if (!value)
		return;
	put_number(&digest->code, len);
	vst_buf_bytes(&digest->code, value, len);
}

int vst_row_digest_end(struct vst_row_digest *digest, struct vst_err *err)
{
	uint8_t leaf[VST_HASH_LEN], hashed[VST_HASH_LEN];
	int rc = vst_buf_check(&digest->code, err);
	if (rc != 0)
		return rc;
	const struct vst_part part = {digest->code.data, digest->code.len};
	vst_hmac_sha256(digest->key, VST_HASH_LEN, &part, 1, leaf);
	vst_hash_update(digest->leaves, leaf, sizeof leaf);
	vst_merkle_leaf(leaf, sizeof leaf, hashed);
	vst_merkle_append(&digest->tree, hashed);
	digest->rows++;
	return 0;
}

void vst_row_digest_write(struct vst_row_digest *digest, struct vst_json *json)
{
	static const uint8_t ordered_tag = 1;
	uint8_t ordered[VST_HASH_LEN], root[VST_HASH_LEN];
	const struct vst_part parts[] = {
	        {&ordered_tag, 1}, {vst_hash_final(digest->leaves, VST_HASH_SHA256), VST_HASH_LEN}};
	vst_hmac_sha256(digest->key, VST_HASH_LEN, parts, 2, ordered);
	vst_merkle_root(&digest->tree, root);
	vst_json_object(json);
	vst_json_key(json, "rows");
	vst_json_uint(json, digest->rows);
	vst_json_key(json, "ordered");
	vst_json_hex(json, ordered, sizeof ordered);
	vst_json_key(json, "root");
	vst_json_hex(json, root, sizeof root);
	vst_json_end(json);
}
