#include "exhibit/series_contents.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/scratch.h"
#include "vestige/sorter.h"

/* An entry while it is sorted: key 32, seq of the item that brought it 4 (big-endian, so that it takes part
   in the order), then what stands behind the key in the file. */
#define SORT_KEY 36
#define SORT_LEN (SORT_KEY + VST_SERIES_CONTENT_LEN - VST_HASH_LEN)
#define SORT_ENTRIES ((size_t)48 * 1024)
#define PIECES_BUFFER ((size_t)64 * 1024)

struct vst_series_contents {
	struct vst_series_map *earlier;
	uint8_t carried[VST_HASH_LEN]; /* the key of the earlier one that was carried on last */
	struct vst_sorter *sorter;
	struct vst_scratch *pieces;
	uint64_t pieces_count, count;
	struct vst_item_stored room[VST_ITEM_STORED_MAX];
};

int vst_series_contents_new(
        int scratch_fd, struct vst_series_map *earlier, struct vst_series_contents **ret, struct vst_err *err)
{
	struct vst_series_contents *contents = vst_calloc(1, sizeof *contents);
	int rc;
	if (!contents)
		return vst_err_nomem(err);
	contents->earlier = earlier;
	if ((rc = vst_sorter_new(scratch_fd, SORT_LEN, SORT_KEY, SORT_ENTRIES, &contents->sorter, err)) !=
	                0 ||
	        (rc = vst_scratch_new(scratch_fd, PIECES_BUFFER, &contents->pieces, err)) != 0) {
		vst_series_contents_free(contents);
		return rc;
	}
	*ret = contents;
	return 0;
}

void vst_series_contents_free(struct vst_series_contents *contents)
{
	if (!contents)
		return;
	vst_sorter_free(contents->sorter);
	vst_scratch_free(contents->pieces);
	free(contents);
}

static int add_piece(
        struct vst_series_contents *contents, const struct vst_item_stored *piece, struct vst_err *err)
{
	uint8_t packed[VST_SERIES_PIECE_LEN];
	int rc;
	vst_series_piece_pack(piece, packed);
	rc = vst_scratch_append(contents->pieces, packed, sizeof packed, err);
	if (rc == 0)
		contents->pieces_count++;
	return rc;
}

static bool has_size(
        const struct vst_item_stored *pieces, size_t count, const struct vst_item_stored *own, uint64_t size)
{
	uint64_t left = size;
	for (size_t i = 0; i < count + (own != NULL); i++) {
		const struct vst_item_stored *piece = i < count ? &pieces[i] : own;
		if (piece->bytes > left)
			return false;
		left -= piece->bytes;
	}
	return left == 0;
}

int vst_series_contents_add(struct vst_series_contents *contents, const uint8_t key[VST_HASH_LEN],
        uint64_t size, uint64_t seq, const struct vst_item_stored *pieces, size_t count,
        const struct vst_item_stored *own, struct vst_err *err)
{
	uint8_t entry[SORT_LEN], packed[VST_SERIES_CONTENT_LEN];
	struct vst_series_content content = {.size = size, .where = contents->pieces_count};
	size_t all = count + (own != NULL);
	int rc = 0;
	if (all > VST_ITEM_STORED_MAX)
		return 0;
	if (!has_size(pieces, count, own, size))
		return vst_err_set(err, VST_EUSAGE, "series index: pieces that are not as long as the whole");
	memcpy(content.key, key, VST_HASH_LEN);
	content.pieces = (uint32_t)all;
	if (all == 1) {
		const struct vst_item_stored *piece = count ? pieces : own;
		if (piece->seq > UINT32_MAX)
			return vst_err_set(err, VST_EUSAGE, "series index: a seq that no exhibit has");
		content.seq = (uint32_t)piece->seq;
		content.where = piece->exhibit;
	} else {
		for (size_t i = 0; i < all && rc == 0; i++)
			rc = add_piece(contents, i < count ? &pieces[i] : own, err);
		if (rc != 0)
			return rc;
	}
	vst_series_content_pack(&content, packed);
	memcpy(entry, key, VST_HASH_LEN);
	for (unsigned i = 0; i < 4; i++)
		entry[VST_HASH_LEN + i] = (uint8_t)(seq >> (8 * (3 - i)));
	memcpy(entry + SORT_KEY, packed + VST_HASH_LEN, sizeof packed - VST_HASH_LEN);
	return vst_sorter_add(contents->sorter, entry, err);
}

/* ---- writing: two sorted lists become one ---- */

static int write_content(struct vst_series_contents *contents, const struct vst_output *out,
        const struct vst_series_content *content, struct vst_err *err)
{
	uint8_t packed[VST_SERIES_CONTENT_LEN];
	vst_series_content_pack(content, packed);
	contents->count++;
	return out->write(out->ctx, packed, sizeof packed, err);
}

static int unread(const struct vst_series_map *earlier, struct vst_err *err)
{
	if (err)
		*err = earlier->file.failure;
	return earlier->file.failure.code;
}

/* Its pieces move behind those that are there. */
static int carry_on(struct vst_series_contents *contents, struct vst_series_content content,
        const struct vst_output *out, struct vst_err *err)
{
	size_t count;
	int rc = 0;
	if (!vst_series_map_pieces(contents->earlier, &content, contents->room, &count)) {
		if (contents->earlier->file.failure.code != 0)
			return unread(contents->earlier, err);
		return vst_err_set(
		        err, VST_EFORMAT, "series index: the earlier one has a content without its pieces");
	}
	if (count != 1) {
		content.where = contents->pieces_count;
		for (size_t i = 0; i < count && rc == 0; i++)
			rc = add_piece(contents, &contents->room[i], err);
	}
	return rc != 0 ? rc : write_content(contents, out, &content, err);
}

static int write_new(struct vst_series_contents *contents, const uint8_t *entry, const struct vst_output *out,
        struct vst_err *err)
{
	uint8_t packed[VST_SERIES_CONTENT_LEN];
	struct vst_series_content content;
	memcpy(packed, entry, VST_HASH_LEN);
	memcpy(packed + VST_HASH_LEN, entry + SORT_KEY, sizeof packed - VST_HASH_LEN);
	vst_series_content_unpack(packed, &content);
	return write_content(contents, out, &content, err);
}

/* All of the earlier ones whose key is below `entry`'s or the same (NULL: all that are left). */
static int carry_up_to(struct vst_series_contents *contents, uint64_t *at, const uint8_t *entry,
        uint8_t last[VST_HASH_LEN], const struct vst_output *out, struct vst_err *err)
{
	struct vst_series_map *earlier = contents->earlier;
	while (earlier && *at < earlier->counts.contents) {
		struct vst_series_content content;
		int rc;
		if (!vst_series_map_content(earlier, *at, &content))
			return unread(earlier, err);
		if (entry && memcmp(content.key, entry, VST_HASH_LEN) > 0)
			return 0;
		if (*at > 0 && memcmp(content.key, contents->carried, VST_HASH_LEN) <= 0)
			return vst_err_set(err, VST_EFORMAT, "series index: the earlier one is out of order");
		if ((rc = carry_on(contents, content, out, err)) != 0)
			return rc;
		memcpy(last, content.key, VST_HASH_LEN);
		memcpy(contents->carried, content.key, VST_HASH_LEN);
		++*at;
	}
	return 0;
}

static int write_pieces(
        struct vst_series_contents *contents, const struct vst_output *out, struct vst_err *err)
{
	uint64_t size = vst_scratch_size(contents->pieces);
	for (uint64_t at = 0; at < size; at += VST_SERIES_PIECE_LEN) {
		uint8_t packed[VST_SERIES_PIECE_LEN];
		int rc = vst_scratch_read(contents->pieces, at, packed, sizeof packed, err);
		if (rc != 0 || (rc = out->write(out->ctx, packed, sizeof packed, err)) != 0)
			return rc;
	}
	return 0;
}

int vst_series_contents_write(struct vst_series_contents *contents, const struct vst_output *out,
        struct vst_series_counts *counts, struct vst_err *err)
{
	uint8_t last[VST_HASH_LEN];
	const uint8_t *entry;
	uint64_t at = 0;
	int rc = vst_sorter_sort(contents->sorter, err);
	do {
		if (rc != 0 || (rc = vst_sorter_next(contents->sorter, &entry, err)) != 0 ||
		        (rc = carry_up_to(contents, &at, entry, last, out, err)) != 0)
			return rc;
		if (entry && (contents->count == 0 || memcmp(entry, last, VST_HASH_LEN) != 0)) {
			memcpy(last, entry, VST_HASH_LEN);
			rc = write_new(contents, entry, out, err);
		}
	} while (entry || rc != 0);
	if ((rc = write_pieces(contents, out, err)) != 0)
		return rc;
	counts->contents = contents->count;
	counts->pieces = contents->pieces_count;
	return 0;
}
