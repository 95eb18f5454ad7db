#include "exhibit/entry_content.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/text.h"

#define PART_INFIX "/part-"

struct vst_content_hasher {
	unsigned hashes;
	struct vst_hash *own, *stream, *whole;
	struct vst_content now;
	bool is_part;          /* the present member goes on with the stream */
	uint64_t next_part;    /* 0: no stream is open */
	struct vst_buf prefix; /* the stream's entry name */
	uint64_t stream_size;
	uint64_t whole_at; /* logical bytes that `whole` has */
};

int vst_content_hasher_new(struct vst_content_hasher **ret, unsigned hashes, struct vst_err *err)
{
	struct vst_content_hasher *hasher = vst_calloc(1, sizeof(*hasher));
	int rc = 0;

	if (hasher == NULL)
		return vst_err_nomem(err);
	hasher->hashes = hashes | VST_HASH_SHA256;
	if ((rc = vst_hash_new(&hasher->own, hasher->hashes, err)) != 0 ||
	        (rc = vst_hash_new(&hasher->stream, hasher->hashes, err)) != 0 ||
	        (rc = vst_hash_new(&hasher->whole, VST_HASH_SHA256, err)) != 0) {
		vst_content_hasher_free(hasher);
		return rc;
	}
	*ret = hasher;
	return 0;
}

void vst_content_hasher_free(struct vst_content_hasher *hasher)
{
	if (hasher == NULL)
		return;
	vst_hash_free(hasher->own);
	vst_hash_free(hasher->stream);
	vst_hash_free(hasher->whole);
	vst_buf_free(&hasher->prefix);
	free(hasher);
}

/* Whether a name is `PREFIX/part-NNNNNN` (at least six digits). */
static bool part_of(const char *name, size_t len, size_t *ret_prefix_len, uint64_t *ret_part)
{
	size_t digits = 0, zeros = 0, infix = strlen(PART_INFIX);
	struct vst_reader in = {0};

	while (digits < len && name[len - digits - 1] >= '0' && name[len - digits - 1] <= '9')
		digits++;
	if (digits < 6 || len < digits + infix || memcmp(name + len - digits - infix, PART_INFIX, infix) != 0)
		return false;
	if (digits > 6 && name[len - digits] == '0')
		return false; /* more digits than are ever written */
	*ret_prefix_len = len - digits - infix;
	name += len - digits;
	zeros = strspn(name, "0");
	in = vst_reader_of(name + zeros, digits - zeros);
	return vst_reader_decimal(&in, ret_part) && vst_reader_at_end(&in);
}

static void begin_part(struct vst_content_hasher *hasher, const struct vst_tar_member *member)
{
	size_t prefix_len = 0;
	uint64_t part = 0;

	hasher->is_part = member->type == '0' && !member->sparse &&
	                  part_of(member->name, member->name_len, &prefix_len, &part);
	if (hasher->is_part && part == VST_PART_FIRST) {
		vst_hash_reset(hasher->stream);
		vst_buf_clear(&hasher->prefix);
		vst_buf_bytes(&hasher->prefix, member->name, prefix_len);
		hasher->stream_size = 0;
	} else if (hasher->is_part) {
		hasher->is_part = part == hasher->next_part && hasher->prefix.len == prefix_len &&
		                  memcmp(hasher->prefix.data, member->name, prefix_len) == 0;
	}
	hasher->next_part = hasher->is_part ? part + 1 : 0;
}

static void map_digest(
        const struct vst_item_extent *extents, size_t count, struct vst_hash *hash, uint8_t ret[VST_HASH_LEN])
{
	vst_hash_reset(hash);
	for (size_t i = 0; i < count; i++) {
		uint64_t pair[2] = {extents[i].offset, extents[i].len};

		vst_hash_update(hash, pair, sizeof(pair));
	}
	memcpy(ret, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
}

int vst_content_begin(struct vst_content_hasher *hasher, const struct vst_tar_member *member,
        const struct vst_item_extent *extents, size_t extent_count, struct vst_err *err)
{
	uint64_t stored = member->body;
	uint8_t map[VST_HASH_LEN] = {0};

	vst_hash_reset(hasher->own);
	begin_part(hasher, member);
	if (vst_buf_check(&hasher->prefix, err) != 0)
		return VST_ENOMEM;
	if (member->sparse) {
		stored = 0;
		for (size_t i = 0; i < extent_count; i++)
			stored += extents[i].len;
		map_digest(extents, extent_count, hasher->whole, map);
		vst_hash_reset(hasher->whole);
	}
	hasher->whole_at = 0;
	hasher->now = (struct vst_content){.hashes = hasher->hashes, .stored = stored, .size = member->size};
	hasher->now.is_part = hasher->is_part;
	hasher->now.sparse = member->sparse;
	memcpy(hasher->now.map_sha256, map, sizeof(map));
	hasher->now.has_whole = member->sparse && member->size - stored <= VST_SPARSE_WHOLE_HASH_MAX;
	return 0;
}

static void whole_zeros(struct vst_content_hasher *hasher, uint64_t upto)
{
	static const uint8_t zeros[65536];

	while (hasher->whole_at < upto) {
		uint64_t left = upto - hasher->whole_at;
		size_t len = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);

		vst_hash_update(hasher->whole, zeros, len);
		hasher->whole_at += len;
	}
}

void vst_content_data(struct vst_content_hasher *hasher, uint64_t offset, const void *data, size_t len)
{
	vst_hash_update(hasher->own, data, len);
	if (hasher->is_part)
		vst_hash_update(hasher->stream, data, len);
	if (hasher->now.has_whole) {
		whole_zeros(hasher, offset);
		vst_hash_update(hasher->whole, data, len);
		hasher->whole_at += len;
	}
}

void vst_content_lost(struct vst_content_hasher *hasher, uint64_t len)
{
	hasher->now.lost += len;
	hasher->now.has_whole = false;
	hasher->next_part = 0;
}

static int peek_all(
        const struct vst_hash *hash, unsigned hashes, struct vst_content_digests *ret, struct vst_err *err)
{
	int rc = vst_hash_peek(hash, VST_HASH_SHA256, ret->sha256, err);

	if (rc == 0 && (hashes & VST_HASH_SHA1) != 0)
		rc = vst_hash_peek(hash, VST_HASH_SHA1, ret->sha1, err);
	if (rc == 0 && (hashes & VST_HASH_MD5) != 0)
		rc = vst_hash_peek(hash, VST_HASH_MD5, ret->md5, err);
	return rc;
}

static void final_all(struct vst_hash *hash, unsigned hashes, struct vst_content_digests *ret)
{
	memcpy(ret->sha256, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
	if ((hashes & VST_HASH_SHA1) != 0)
		memcpy(ret->sha1, vst_hash_final(hash, VST_HASH_SHA1), VST_SHA1_LEN);
	if ((hashes & VST_HASH_MD5) != 0)
		memcpy(ret->md5, vst_hash_final(hash, VST_HASH_MD5), VST_MD5_LEN);
}

int vst_content_end(struct vst_content_hasher *hasher, struct vst_content *ret, struct vst_err *err)
{
	int rc = 0;

	final_all(hasher->own, hasher->hashes, &hasher->now.own);
	if (hasher->is_part) {
		hasher->stream_size += hasher->now.size;
		hasher->now.stream_size = hasher->stream_size;
		if ((rc = peek_all(hasher->stream, hasher->hashes, &hasher->now.stream, err)) != 0)
			return rc;
	}
	if (hasher->now.has_whole) {
		whole_zeros(hasher, hasher->now.size);
		memcpy(hasher->now.whole_sha256, vst_hash_final(hasher->whole, VST_HASH_SHA256),
		        VST_HASH_LEN);
	}
	*ret = hasher->now;
	return 0;
}

/* ---- comparison ---- */

static int digest_match(
        const char *name, const uint8_t *line, const uint8_t *content, size_t len, struct vst_err *err)
{
	char said[2 * VST_HASH_LEN + 1], is[2 * VST_HASH_LEN + 1];

	if (memcmp(line, content, len) == 0)
		return 0;
	vst_hex(line, len, said);
	vst_hex(content, len, is);
	return vst_err_set(
	        err, VST_ETAMPERED, "the content's %s is %s, its manifest line says %s", name, is, said);
}

/* libarchive writes a file whose one extent is all of it as an ordinary one. */
static int map_match(const struct vst_content *content, const struct vst_item *item, struct vst_err *err)
{
	bool full =
	        item->extent_count == 1 && item->extents[0].offset == 0 && item->extents[0].len == item->size;
	struct vst_hash *hash = NULL;
	uint8_t map[VST_HASH_LEN];
	int rc = 0;

	if (!content->sparse)
		return !item->is_sparse || full || item->size == 0
		               ? 0
		               : vst_err_set(err, VST_ETAMPERED,
		                         "its manifest line says sparse, its entry does not");
	if (!item->is_sparse)
		return vst_err_set(
		        err, VST_ETAMPERED, "its entry is sparse, its manifest line does not say so");
	if ((rc = vst_hash_new(&hash, VST_HASH_SHA256, err)) != 0)
		return rc;
	map_digest(item->extents, item->extent_count, hash, map);
	vst_hash_free(hash);
	if (memcmp(map, content->map_sha256, sizeof(map)) != 0)
		return vst_err_set(
		        err, VST_ETAMPERED, "the map of its holes is not what its manifest line says");
	return 0;
}

int vst_content_match(const struct vst_content *last, const struct vst_item *item, struct vst_err *err)
{
	bool stream = item->type == VST_ITEM_STREAM;
	const struct vst_content_digests *digests = stream ? &last->stream : &last->own;
	uint64_t size = stream ? last->stream_size : last->size;
	int rc = 0;

	if (!item->has_content)
		return last->stored == 0 ? 0
		                         : vst_err_set(err, VST_ETAMPERED,
		                                   "content that its manifest line does not know");
	if (last->lost > 0)
		return vst_err_set(err, VST_ETAMPERED, "%llu bytes of its content are damaged",
		        (unsigned long long)last->lost);
	if (stream && !last->is_part)
		return vst_err_set(err, VST_ETAMPERED, "its parts do not follow each other");
	if (size != item->size)
		return vst_err_set(err, VST_ETAMPERED,
		        "the content has %llu bytes, its manifest line says %llu", (unsigned long long)size,
		        (unsigned long long)item->size);
	if ((rc = map_match(last, item, err)) != 0)
		return rc;
	if ((item->hashes & ~last->hashes) != 0)
		return vst_err_set(err, VST_ETAMPERED,
		        "a digest that the exhibit's first items do not have: not checked");
	if ((rc = digest_match("SHA-256", item->sha256, digests->sha256, VST_HASH_LEN, err)) != 0)
		return rc;
	if ((item->hashes & VST_HASH_SHA1) != 0 &&
	        (rc = digest_match("SHA-1", item->sha1, digests->sha1, VST_SHA1_LEN, err)) != 0)
		return rc;
	if ((item->hashes & VST_HASH_MD5) != 0 &&
	        (rc = digest_match("MD5", item->md5, digests->md5, VST_MD5_LEN, err)) != 0)
		return rc;
	if (item->has_whole_sha256 && !last->has_whole)
		return vst_err_set(err, VST_ETAMPERED, "a digest over holes larger than are ever hashed");
	if (item->has_whole_sha256)
		return digest_match(
		        "SHA-256 with its holes", item->whole_sha256, last->whole_sha256, VST_HASH_LEN, err);
	return 0;
}
