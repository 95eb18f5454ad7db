#include "exhibit/content_out.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/tar_out.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"

#define PARTS_MAX UINT64_C(999999999)

static const uint8_t zeros[64 * 1024];

struct vst_content_out {
	struct vst_tar_out *tar; /* borrowed */
	struct vst_hash *hash, *whole;
	unsigned hashes;
	int64_t time;

	enum vst_item_type type;
	uint64_t size;     /* logical, as announced; of a stream: bytes so far */
	uint64_t expected; /* bytes of data: without holes */
	uint64_t done;     /* of these */
	uint64_t offset;   /* of the first header */

	bool sparse, wants_whole;
	struct vst_item_extent *extents; /* owned */
	size_t extent_count, extent;
	uint64_t at; /* logical position: all before it is in the tar */

	struct vst_buf name;  /* a stream's, without the part */
	struct vst_buf chunk; /* the part that is being collected */
	uint64_t parts;
};

int vst_content_out_new(struct vst_tar_out *tar, unsigned hashes, int64_t time, struct vst_content_out **ret,
        struct vst_err *err)
{
	struct vst_content_out *content = vst_calloc(1, sizeof *content);
	int rc;
	if (!content)
		return vst_err_nomem(err);
	content->tar = tar;
	content->hashes = hashes;
	content->time = time;
	if ((rc = vst_hash_new(&content->hash, hashes, err)) != 0 ||
	        (rc = vst_hash_new(&content->whole, VST_HASH_SHA256, err)) != 0) {
		vst_content_out_free(content);
		return rc;
	}
	*ret = content;
	return 0;
}

void vst_content_out_free(struct vst_content_out *content)
{
	if (!content)
		return;
	vst_hash_free(content->hash);
	vst_hash_free(content->whole);
	free(content->extents);
	vst_buf_free(&content->name);
	vst_buf_free(&content->chunk);
	free(content);
}

/* ---- beginning ---- */

static int take_extents(struct vst_content_out *content, const struct vst_item *item, struct vst_err *err)
{
	content->expected = 0;
	for (size_t i = 0; i < item->extent_count; i++)
		content->expected += item->extents[i].len;
	content->wants_whole = item->size - content->expected <= VST_SPARSE_WHOLE_HASH_MAX;
	vst_hash_reset(content->whole);
	if (item->extent_count == 0)
		return 0;
	content->extents = vst_memdup(item->extents, item->extent_count * sizeof *item->extents);
	if (!content->extents)
		return vst_err_nomem(err);
	content->extent_count = item->extent_count;
	return 0;
}

int vst_content_out_begin(struct vst_content_out *content, const struct vst_item *item, struct vst_err *err)
{
	bool stream = item->type == VST_ITEM_STREAM;
	int rc;
	vst_hash_reset(content->hash);
	vst_buf_clear(&content->name);
	vst_buf_clear(&content->chunk);
	free(content->extents);
	content->extents = NULL;
	content->extent_count = content->extent = 0;
	content->type = item->type;
	content->size = content->expected = stream ? 0 : item->size;
	content->done = content->at = content->parts = 0;
	content->sparse = item->is_sparse;
	content->wants_whole = false;
	if ((content->sparse && (rc = take_extents(content, item, err)) != 0) ||
	        (rc = vst_item_entry_name(item, &content->name, err)) != 0)
		return rc;
	rc = vst_tar_out_describe(
	        content->tar, item, vst_buf_cstr(&content->name), NULL, content->size, content->time, err);
	if (rc == 0 && !stream)
		rc = vst_tar_out_header(content->tar, &content->offset, err);
	return rc;
}

/* ---- streams ---- */

static int put_part(struct vst_content_out *content, struct vst_err *err)
{
	size_t prefix = content->name.len;
	uint64_t offset;
	int rc;
	if (content->parts >= PARTS_MAX)
		return vst_err_set(
		        err, VST_ELIMIT, "a stream of more than %llu parts", (unsigned long long)PARTS_MAX);
	content->parts++;
	vst_buf_printf(&content->name, "/part-%06llu", (unsigned long long)content->parts);
	if ((rc = vst_buf_check(&content->name, err)) != 0)
		return rc;
	vst_tar_out_rename(content->tar, vst_buf_cstr(&content->name), content->chunk.len);
	content->name.len = prefix;
	if ((rc = vst_tar_out_header(content->tar, &offset, err)) != 0 ||
	        (rc = vst_tar_out_data(content->tar, content->chunk.data, content->chunk.len, err)) != 0 ||
	        (rc = vst_tar_out_end(content->tar, err)) != 0)
		return rc;
	if (content->parts == 1)
		content->offset = offset;
	vst_buf_clear(&content->chunk);
	return 0;
}

static int add_to_stream(
        struct vst_content_out *content, const uint8_t *data, size_t len, struct vst_err *err)
{
	vst_hash_update(content->hash, data, len);
	content->size += len;
	while (len > 0) {
		size_t room = VST_PART_MAX - content->chunk.len;
		int rc;
		if (room > len)
			room = len;
		vst_buf_bytes(&content->chunk, data, room);
		if ((rc = vst_buf_check(&content->chunk, err)) != 0)
			return rc;
		data += room;
		len -= room;
		if (content->chunk.len == VST_PART_MAX && (rc = put_part(content, err)) != 0)
			return rc;
	}
	return 0;
}

/* ---- sparse files ---- */

/* A hole from `at` to `to`: nothing in the tar, zeros in the digest of the whole. */
static int skip_hole(struct vst_content_out *content, uint64_t to, struct vst_err *err)
{
	uint64_t len = to - content->at;
	int rc = vst_tar_out_zeros(content->tar, len, err);
	if (rc != 0)
		return rc;
	content->at = to;
	if (content->wants_whole)
		vst_hash_zeros(content->whole, len);
	return 0;
}

/* The caller has checked that the extents have room for all of it. */
static int add_to_extents(
        struct vst_content_out *content, const uint8_t *data, size_t len, struct vst_err *err)
{
	while (len > 0) {
		const struct vst_item_extent *extent = &content->extents[content->extent];
		size_t some = len;
		int rc;
		if (content->at < extent->offset && (rc = skip_hole(content, extent->offset, err)) != 0)
			return rc;
		if (some > extent->offset + extent->len - content->at)
			some = (size_t)(extent->offset + extent->len - content->at);
		if ((rc = vst_tar_out_data(content->tar, data, some, err)) != 0)
			return rc;
		if (content->wants_whole)
			vst_hash_update(content->whole, data, some);
		content->at += some;
		data += some;
		len -= some;
		if (content->at == extent->offset + extent->len)
			content->extent++;
	}
	return 0;
}

/* ---- data and end ---- */

bool vst_content_out_is_stream(const struct vst_content_out *content)
{
	return content->type == VST_ITEM_STREAM;
}

int vst_content_out_so_far(
        const struct vst_content_out *content, uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	return vst_hash_peek(content->hash, VST_HASH_SHA256, ret, err);
}

int vst_content_out_data(struct vst_content_out *content, const void *data, size_t len, struct vst_err *err)
{
	if (len == 0)
		return 0;
	if (content->type == VST_ITEM_STREAM)
		return add_to_stream(content, data, len, err);
	if (len > content->expected - content->done)
		return vst_err_set(err, VST_EUSAGE, "more content than the item announced");
	vst_hash_update(content->hash, data, len);
	content->done += len;
	return content->sparse ? add_to_extents(content, data, len, err)
	                       : vst_tar_out_data(content->tar, data, len, err);
}

static int fill_up(struct vst_content_out *content, struct vst_err *err)
{
	while (content->done < content->expected) {
		uint64_t len = content->expected - content->done;
		int rc = vst_content_out_data(
		        content, zeros, len < sizeof zeros ? (size_t)len : sizeof zeros, err);
		if (rc != 0)
			return rc;
	}
	if (content->sparse && content->at < content->size)
		return skip_hole(content, content->size, err);
	return 0;
}

static void set_digests(struct vst_content_out *content, struct vst_item *item)
{
	item->hashes = content->hashes;
	memcpy(item->sha256, vst_hash_final(content->hash, VST_HASH_SHA256), sizeof item->sha256);
	if (content->hashes & VST_HASH_SHA1)
		memcpy(item->sha1, vst_hash_final(content->hash, VST_HASH_SHA1), sizeof item->sha1);
	if (content->hashes & VST_HASH_MD5)
		memcpy(item->md5, vst_hash_final(content->hash, VST_HASH_MD5), sizeof item->md5);
	item->has_whole_sha256 = content->wants_whole;
	if (content->wants_whole)
		memcpy(item->whole_sha256, vst_hash_final(content->whole, VST_HASH_SHA256),
		        sizeof item->whole_sha256);
}

int vst_content_out_end(
        struct vst_content_out *content, struct vst_item *item, uint64_t *ret_offset, struct vst_err *err)
{
	bool stream = content->type == VST_ITEM_STREAM;
	uint64_t padding = content->expected - content->done;
	int rc;
	if (stream)
		rc = content->chunk.len > 0 || content->parts == 0 ? put_part(content, err) : 0;
	else if ((rc = fill_up(content, err)) == 0)
		rc = vst_tar_out_end(content->tar, err);
	if (rc != 0)
		return rc;
	set_digests(content, item);
	item->has_content = true;
	item->size = content->size;
	item->parts = content->parts;
	item->read_padding = stream ? 0 : padding;
	*ret_offset = content->offset;
	return 0;
}
