#include "exhibit/series_format.h"

#include <string.h>

_Static_assert(sizeof VST_SERIES_MAGIC - 1 == VST_SERIES_MAGIC_LEN, "the header's magic");
_Static_assert(sizeof VST_SERIES_END_MAGIC - 1 == VST_SERIES_END_MAGIC_LEN, "the trailer's magic");

void vst_series_record_pack(const struct vst_series_record *record, uint8_t ret[VST_SERIES_RECORD_LEN])
{
	memcpy(ret, record->path, VST_HASH_LEN);
	memcpy(ret + 32, record->content, VST_HASH_LEN);
	memcpy(ret + 64, record->meta, sizeof record->meta);
	vst_series_put(ret + 80, record->size, 8);
	vst_series_put(ret + 88, (uint64_t)record->mtime, 8);
	vst_series_put(ret + 96, (uint64_t)record->ctime, 8);
	vst_series_put(ret + 104, (uint64_t)record->btime, 8);
	vst_series_put(ret + 112, record->ino, 8);
	vst_series_put(ret + 120, record->dev_major, 4);
	vst_series_put(ret + 124, record->dev_minor, 4);
	vst_series_put(ret + 128, record->mode, 2);
	vst_series_put(ret + 130, record->source, 2);
	ret[132] = record->type;
	ret[133] = record->status;
	ret[134] = record->extent;
	ret[135] = record->flags | VST_SERIES_PRESENT;
	vst_series_put(ret + 136, record->line_len, 4);
	vst_series_put(ret + 140, record->facts_len, 4);
	vst_series_put(ret + 144, record->line_at, 8);
}

bool vst_series_record_unpack(
        const uint8_t packed[VST_SERIES_RECORD_LEN], uint64_t sources, struct vst_series_record *ret)
{
	uint32_t mode = (uint32_t)vst_series_get(packed + 128, 2), source;
	source = (uint32_t)vst_series_get(packed + 130, 2);
	if (!(packed[135] & VST_SERIES_PRESENT) || mode > 07777 || source >= sources ||
	        packed[132] >= VST_ITEM_TYPES || packed[133] >= VST_ITEM_STATUSES ||
	        packed[134] >= VST_ITEM_CONTENTS)
		return false;
	memcpy(ret->path, packed, VST_HASH_LEN);
	memcpy(ret->content, packed + 32, VST_HASH_LEN);
	memcpy(ret->meta, packed + 64, sizeof ret->meta);
	ret->size = vst_series_get(packed + 80, 8);
	ret->mtime = (int64_t)vst_series_get(packed + 88, 8);
	ret->ctime = (int64_t)vst_series_get(packed + 96, 8);
	ret->btime = (int64_t)vst_series_get(packed + 104, 8);
	ret->ino = vst_series_get(packed + 112, 8);
	ret->dev_major = (uint32_t)vst_series_get(packed + 120, 4);
	ret->dev_minor = (uint32_t)vst_series_get(packed + 124, 4);
	ret->mode = mode;
	ret->source = source;
	ret->type = packed[132];
	ret->status = packed[133];
	ret->extent = packed[134];
	ret->flags = packed[135] & (uint8_t)~VST_SERIES_PRESENT;
	ret->line_len = (uint32_t)vst_series_get(packed + 136, 4);
	ret->facts_len = (uint32_t)vst_series_get(packed + 140, 4);
	ret->line_at = vst_series_get(packed + 144, 8);
	return true;
}

void vst_series_content_pack(const struct vst_series_content *content, uint8_t ret[VST_SERIES_CONTENT_LEN])
{
	memcpy(ret, content->key, VST_HASH_LEN);
	vst_series_put(ret + 32, content->size, 8);
	vst_series_put(ret + 40, content->pieces, 4);
	vst_series_put(ret + 44, content->seq, 4);
	vst_series_put(ret + 48, content->where, 8);
}

void vst_series_content_unpack(const uint8_t packed[VST_SERIES_CONTENT_LEN], struct vst_series_content *ret)
{
	memcpy(ret->key, packed, VST_HASH_LEN);
	ret->size = vst_series_get(packed + 32, 8);
	ret->pieces = (uint32_t)vst_series_get(packed + 40, 4);
	ret->seq = (uint32_t)vst_series_get(packed + 44, 4);
	ret->where = vst_series_get(packed + 48, 8);
}

void vst_series_piece_pack(const struct vst_item_stored *piece, uint8_t ret[VST_SERIES_PIECE_LEN])
{
	vst_series_put(ret, piece->exhibit, 8);
	vst_series_put(ret + 8, piece->seq, 8);
	vst_series_put(ret + 16, piece->bytes, 8);
}

void vst_series_piece_unpack(const uint8_t packed[VST_SERIES_PIECE_LEN], struct vst_item_stored *ret)
{
	ret->exhibit = vst_series_get(packed, 8);
	ret->seq = vst_series_get(packed + 8, 8);
	ret->bytes = vst_series_get(packed + 16, 8);
}

void vst_series_trailer_pack(const struct vst_series_counts *counts, uint8_t ret[VST_SERIES_TRAILER_LEN])
{
	memset(ret, 0, VST_SERIES_TRAILER_LEN);
	vst_series_put(ret, counts->exhibit, 8);
	vst_series_put(ret + 8, counts->full, 8);
	vst_series_put(ret + 16, counts->seqs, 8);
	vst_series_put(ret + 24, counts->items, 8);
	vst_series_put(ret + 32, counts->contents, 8);
	vst_series_put(ret + 40, counts->pieces, 8);
	vst_series_put(ret + 48, counts->sources, 8);
	vst_series_put(ret + 56, counts->sources_len, 8);
	vst_series_put(ret + 64, counts->text_len, 8);
	vst_series_put(ret + 72, counts->blocks_len, 8);
	vst_series_put(ret + 80, counts->listed[VST_SERIES_WITH_FACTS], 8);
	vst_series_put(ret + 88, counts->listed[VST_SERIES_GROWING], 8);
	memcpy(ret + VST_SERIES_TRAILER_MAGIC, VST_SERIES_END_MAGIC, VST_SERIES_END_MAGIC_LEN);
}

bool vst_series_trailer_unpack(const uint8_t packed[VST_SERIES_TRAILER_LEN], struct vst_series_counts *ret)
{
	if (memcmp(packed + VST_SERIES_TRAILER_MAGIC, VST_SERIES_END_MAGIC, VST_SERIES_END_MAGIC_LEN) != 0)
		return false;
	ret->exhibit = vst_series_get(packed, 8);
	ret->full = vst_series_get(packed + 8, 8);
	ret->seqs = vst_series_get(packed + 16, 8);
	ret->items = vst_series_get(packed + 24, 8);
	ret->contents = vst_series_get(packed + 32, 8);
	ret->pieces = vst_series_get(packed + 40, 8);
	ret->sources = vst_series_get(packed + 48, 8);
	ret->sources_len = vst_series_get(packed + 56, 8);
	ret->text_len = vst_series_get(packed + 64, 8);
	ret->blocks_len = vst_series_get(packed + 72, 8);
	ret->listed[VST_SERIES_WITH_FACTS] = vst_series_get(packed + 80, 8);
	ret->listed[VST_SERIES_GROWING] = vst_series_get(packed + 88, 8);
	return true;
}
