#include "collect/file_digest.h"

#include "vestige/err.h"
#include "vestige/json.h"

int vst_file_digest_init(struct vst_file_digest *digest, const uint8_t key[VST_HASH_LEN], struct vst_err *err)
{
	return vst_hmac_new(&digest->hmac, key, VST_HASH_LEN, err);
}

void vst_file_digest_free(struct vst_file_digest *digest)
{
	vst_hmac_free(digest->hmac);
	vst_buf_free(&digest->details);
	*digest = (struct vst_file_digest){0};
}

void vst_file_digest_begin(struct vst_file_digest *digest, const struct vst_file_map *map, uint64_t size)
{
	uint64_t data = 0;
	for (size_t i = 0; map && i < map->count; i++)
		data += map->extents[i].len;
	digest->by_map = map && size - data > VST_SPARSE_WHOLE_HASH_MAX;
	digest->at = 0;
	vst_hmac_reset(digest->hmac);
}

static void add_zeros(struct vst_file_digest *digest, uint64_t until)
{
	static const uint8_t zeros[64 * 1024];
	while (digest->at < until) {
		uint64_t left = until - digest->at;
		size_t len = left < sizeof zeros ? (size_t)left : sizeof zeros;
		vst_hmac_update(digest->hmac, zeros, len);
		digest->at += len;
	}
}

void vst_file_digest_add(struct vst_file_digest *digest, uint64_t offset, const void *data, size_t len)
{
	if (!digest->by_map && len > 0)
		add_zeros(digest, offset);
	vst_hmac_update(digest->hmac, data, len);
	digest->at += len;
}

static void add_number(struct vst_file_digest *digest, uint64_t number)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	vst_hmac_update(digest->hmac, bytes, sizeof bytes);
}

/* Behind the data, and its length last: so the whole can be read in one way only, from its end. */
static void add_map(struct vst_file_digest *digest, const struct vst_file_map *map, uint64_t size)
{
	for (size_t i = 0; i < map->count; i++) {
		add_number(digest, map->extents[i].offset);
		add_number(digest, map->extents[i].len);
	}
	add_number(digest, size);
	add_number(digest, map->count);
}

int vst_file_digest_end(struct vst_file_digest *digest, struct vst_file_map *map, uint64_t got, uint64_t size,
        bool whole, struct vst_item *item, struct vst_err *err)
{
	uint8_t code[VST_HASH_LEN];
	if (digest->by_map) {
		uint64_t end = vst_file_map_cut(map, got);
		add_map(digest, map, whole ? size : end);
	} else if (whole) {
		add_zeros(digest, size);
	}
	vst_hmac_final(digest->hmac, code);
	vst_buf_clear(&digest->details);
	struct vst_json json = vst_json_begin(&digest->details);
	vst_json_object(&json);
	vst_json_key(&json, "digest");
	vst_json_object(&json);
	vst_json_key(&json, "bytes");
	vst_json_uint(&json, digest->at);
	vst_json_key(&json, digest->by_map ? "map_hmac_sha256" : "hmac_sha256");
	vst_json_hex(&json, code, sizeof code);
	vst_json_end(&json);
	vst_json_end(&json);
	item->details = (const char *)digest->details.data;
	item->details_len = digest->details.len;
	return vst_buf_check(&digest->details, err);
}
