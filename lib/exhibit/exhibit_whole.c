/* Content of which not all is in the exhibit that describes it: pieces of earlier exhibits, end to end. */
#include <stdlib.h>
#include <string.h>

#include "exhibit/exhibit_state.h"
#include "vestige/err.h"

/* A file as it comes together. */
struct joining {
	const struct vst_item *item;
	struct vst_hash *hash;
	vst_exhibit_sink *sink;
	void *ctx;
	uint64_t done;          /* bytes of content so far */
	size_t extent;          /* sparse: the one that the next byte belongs to */
	uint64_t extent_offset; /* sparse: how far into it */
};

/* The next bytes to where the map has them. */
static int place_sparse(struct joining *joining, const uint8_t *data, size_t len, struct vst_err *err)
{
	const struct vst_item *item = joining->item;
	int rc = 0;

	while (rc == 0 && len > 0) {
		const struct vst_item_extent *extent;
		uint64_t room;
		size_t take;

		if (joining->extent >= item->extent_count)
			return vst_err_set(err, VST_ETAMPERED, "more content than the map has room for");
		extent = &item->extents[joining->extent];
		room = extent->len - joining->extent_offset;
		take = room < len ? (size_t)room : len;
		if (joining->sink)
			rc = joining->sink(
			        joining->ctx, extent->offset + joining->extent_offset, data, take, err);
		data += take;
		len -= take;
		joining->extent_offset += take;
		if (joining->extent_offset == extent->len) {
			joining->extent++;
			joining->extent_offset = 0;
		}
	}
	return rc;
}

/* Bytes of a piece, which come in their order: where its own exhibit has holes does not matter here. */
static int take_bytes(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	struct joining *joining = ctx;
	uint64_t at = joining->done;

	(void)offset;
	if (len > joining->item->whole.size - at)
		return vst_err_set(err, VST_ETAMPERED, "more content than the manifest says");
	vst_hash_update(joining->hash, data, len);
	joining->done += len;
	if (joining->item->is_sparse)
		return place_sparse(joining, data, len, err);
	return joining->sink ? joining->sink(joining->ctx, at, data, len, err) : 0;
}

static int read_piece(struct vst_exhibit *exhibit, const struct vst_item_stored *piece,
        vst_exhibit_sink *sink, void *ctx, struct vst_err *err)
{
	struct vst_exhibit_entry entry = {0};
	struct vst_exhibit *other = NULL;
	uint64_t bytes = 0;
	int rc;

	if (!exhibit->library.open)
		rc = vst_err_set(err, VST_ENOTFOUND, "that exhibit is not at hand");
	else
		rc = exhibit->library.open(exhibit->library.ctx, piece->exhibit, &other, err);
	if (rc == 0 && (rc = vst_exhibit_entry_at(other, piece->seq, &entry, err)) == VST_ENOTFOUND)
		rc = vst_err_set(err, VST_ETAMPERED, "there is no such item");
	if (rc == 0 && (!vst_item_holds(entry.item, &bytes) || bytes != piece->bytes))
		rc = vst_err_set(err, VST_ETAMPERED, "that item does not hold %llu bytes",
		        (unsigned long long)piece->bytes);
	if (rc == 0)
		rc = vst_exhibit_read_item(other, &entry, NULL, sink, ctx, err);
	if (rc != 0 && rc != VST_ECANCELLED)
		vst_err_prepend(err, "its content is in EX%04llu, item %llu",
		        (unsigned long long)piece->exhibit, (unsigned long long)piece->seq);
	vst_exhibit_entry_free(&entry);
	return rc;
}

static int check_digest(const struct joining *joining, enum vst_hash_set algorithm, const uint8_t *want,
        size_t len, const char *name, struct vst_err *err)
{
	if (!(joining->item->whole.hashes & (unsigned)algorithm) ||
	        memcmp(vst_hash_final(joining->hash, algorithm), want, len) == 0)
		return 0;
	return vst_err_set(err, VST_ETAMPERED, "the content's %s is not the sealed one", name);
}

static int check_whole(const struct joining *joining, struct vst_err *err)
{
	const struct vst_item_whole *whole = &joining->item->whole;
	int rc;

	if (joining->done != whole->size)
		return vst_err_set(err, VST_ETAMPERED, "less content than the manifest says");
	if ((rc = check_digest(joining, VST_HASH_SHA256, whole->sha256, VST_HASH_LEN, "SHA-256", err)) != 0 ||
	        (rc = check_digest(joining, VST_HASH_SHA1, whole->sha1, VST_SHA1_LEN, "SHA-1", err)) != 0)
		return rc;
	return check_digest(joining, VST_HASH_MD5, whole->md5, VST_MD5_LEN, "MD5", err);
}

int vst_exhibit_read_whole(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry,
        vst_exhibit_sink *sink, void *ctx, struct vst_err *err)
{
	const struct vst_item *item = entry->item;
	struct joining joining = {.item = item, .sink = sink, .ctx = ctx};
	int rc;

	if (!item->has_whole)
		return vst_exhibit_read_item(exhibit, entry, NULL, sink, ctx, err);
	if ((rc = vst_hash_new(&joining.hash, item->whole.hashes, err)) != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < item->whole.stored_count; i++)
		rc = read_piece(exhibit, &item->whole.stored[i], take_bytes, &joining, err);
	if (rc == 0 && vst_item_is_tail(item))
		rc = vst_exhibit_read_item(exhibit, entry, NULL, take_bytes, &joining, err);
	if (rc == 0)
		rc = check_whole(&joining, err);
	vst_hash_free(joining.hash);
	return rc;
}

/* ---- the bytes that others refer to ---- */

static int put_bytes(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	const struct vst_output *out = ctx;

	(void)offset;
	return out->write(out->ctx, data, len, err);
}

int vst_exhibit_stored(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry,
        const struct vst_output *out, struct vst_err *err)
{
	struct vst_output to = *out;
	uint64_t bytes = 0;

	if (!vst_item_holds(entry->item, &bytes))
		return vst_err_set(err, VST_ENOTFOUND, "the item has no content of its own");
	return vst_exhibit_read_item(exhibit, entry, NULL, put_bytes, &to, err);
}
