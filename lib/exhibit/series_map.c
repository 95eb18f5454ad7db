#include "exhibit/series_map.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/exhibit_format.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/text.h"

/*
 * The caches. Records are mostly asked for in the order in which they were made, by seq or by a walk over the
 * same tree; order and contents by digests, which lie anywhere, so that hardly a block serves twice.
 */
#define BLOCK ((size_t)4 * 1024)
#define SLOTS 64
#define FEW_SLOTS 8

static int refuse(struct vst_err *err, const char *what)
{
	return vst_err_set(err, VST_EFORMAT, "series index: %s", what);
}

static int failure(const struct vst_series_map *map, struct vst_err *err)
{
	if (err)
		*err = map->file.failure;
	return map->file.failure.code;
}

static int check_counts(const struct vst_series_counts *counts, struct vst_err *err)
{
	if (counts->seqs > VST_EXHIBIT_ITEMS_MAX || counts->items > counts->seqs)
		return refuse(err, "a number of items that cannot be");
	if (counts->sources > VST_SERIES_SOURCES_MAX ||
	        counts->sources_len > counts->sources * (1 + VST_SOURCE_NAME_MAX))
		return refuse(err, "too many sources");
	if (counts->full == 0 || counts->full > counts->exhibit)
		return refuse(err, "its exhibit is not in its generation");
	return 0;
}

/* ---- parts ---- */

struct layout {
	struct vst_series_map *map;
	uint64_t at, end;
};

/* The next part; false if there is no room for it. */
static bool take(struct layout *layout, uint64_t count, size_t each, size_t block, size_t slots,
        struct vst_series_table *ret)
{
	if (count > (layout->end - layout->at) / each)
		return false;
	vst_series_table_init(ret, &layout->map->file, layout->at, count, each, block, slots);
	layout->at += count * each;
	return true;
}

static bool take_parts(struct layout *layout)
{
	struct vst_series_map *map = layout->map;
	const struct vst_series_counts *counts = &map->counts;
	map->blocks_count = counts->text_len / VST_SERIES_BLOCK + (counts->text_len % VST_SERIES_BLOCK != 0);
	map->blocks = layout->at;
	if (counts->blocks_len > layout->end - layout->at)
		return false;
	layout->at += counts->blocks_len;
	return take(layout, counts->seqs, VST_SERIES_RECORD_LEN, BLOCK, SLOTS, &map->records) &&
	       take(layout, counts->items, VST_SERIES_ORDER_LEN, BLOCK, SLOTS, &map->order) &&
	       take(layout, counts->contents, VST_SERIES_CONTENT_LEN, BLOCK, SLOTS, &map->contents) &&
	       take(layout, counts->pieces, VST_SERIES_PIECE_LEN, BLOCK, FEW_SLOTS, &map->pieces) &&
	       take(layout, map->blocks_count, VST_SERIES_END_LEN, BLOCK, FEW_SLOTS, &map->ends) &&
	       take(layout, counts->listed[VST_SERIES_WITH_FACTS], VST_SERIES_LISTED_LEN, BLOCK, 1,
	               &map->lists[VST_SERIES_WITH_FACTS]) &&
	       take(layout, counts->listed[VST_SERIES_GROWING], VST_SERIES_LISTED_LEN, BLOCK, 1,
	               &map->lists[VST_SERIES_GROWING]) &&
	       counts->sources_len == layout->end - layout->at;
}

static int take_sources(struct vst_series_map *map, struct vst_reader *in, struct vst_err *err)
{
	for (uint64_t i = 0; i < map->counts.sources; i++) {
		uint8_t len;
		const uint8_t *name;
		if (!vst_reader_u8(in, &len) || len == 0 || len > VST_SOURCE_NAME_MAX ||
		        !vst_reader_bytes(in, len, &name) || memchr(name, 0, len) ||
		        !vst_utf8_valid(name, len))
			return refuse(err, "the name of a source");
		if (!(map->sources[i] = vst_memdup(name, len)))
			return vst_err_nomem(err);
	}
	return vst_reader_at_end(in) ? 0 : refuse(err, "more names than sources");
}

static int read_sources(struct vst_series_map *map, uint64_t at, struct vst_err *err)
{
	size_t len = (size_t)map->counts.sources_len;
	uint8_t *names = vst_alloc(len + 1);
	int rc;
	map->sources = vst_calloc((size_t)map->counts.sources + 1, sizeof *map->sources);
	if (!names || !map->sources) {
		rc = vst_err_nomem(err);
	} else if (!vst_series_file_read(&map->file, at, names, len)) {
		rc = failure(map, err);
	} else {
		struct vst_reader in = vst_reader_of(names, len);
		rc = take_sources(map, &in, err);
	}
	free(names);
	return rc;
}

static int take_apart(struct vst_series_map *map, struct vst_err *err)
{
	uint8_t header[VST_SERIES_HEADER_LEN], trailer[VST_SERIES_TRAILER_LEN];
	struct layout layout = {.map = map, .at = sizeof header};
	uint64_t size = map->file.in.size;
	int rc;
	if (size < sizeof header + sizeof trailer)
		return refuse(err, "not one");
	layout.end = size - sizeof trailer;
	if (!vst_series_file_read(&map->file, 0, header, sizeof header) ||
	        !vst_series_file_read(&map->file, layout.end, trailer, sizeof trailer))
		return failure(map, err);
	if (memcmp(header, VST_SERIES_MAGIC, VST_SERIES_MAGIC_LEN) != 0)
		return refuse(err, "not one");
	if (header[VST_SERIES_MAGIC_LEN] != VST_SERIES_FORMAT)
		return vst_err_set(
		        err, VST_EVERSION, "series index: format %u", header[VST_SERIES_MAGIC_LEN]);
	if (!vst_series_trailer_unpack(trailer, &map->counts))
		return refuse(err, "cut short");
	if ((rc = check_counts(&map->counts, err)) != 0)
		return rc;
	if (!take_parts(&layout))
		return refuse(err, "its parts do not fill it");
	if ((rc = read_sources(map, layout.at, err)) != 0 ||
	        (rc = vst_series_table_fence(&map->order, err)) != 0)
		return rc;
	return vst_series_table_fence(&map->contents, err);
}

int vst_series_map_new(struct vst_input in, struct vst_series_map **ret, struct vst_err *err)
{
	struct vst_series_map *map = vst_calloc(1, sizeof *map);
	if (!map)
		return vst_err_nomem(err);
	map->file.in = in;
	int rc = take_apart(map, err);
	if (rc != 0) {
		vst_series_map_free(map);
		return rc;
	}
	*ret = map;
	return 0;
}

void vst_series_map_free(struct vst_series_map *map)
{
	if (!map)
		return;
	for (uint64_t i = 0; map->sources && i < map->counts.sources; i++)
		free(map->sources[i]);
	free(map->sources);
	vst_series_table_release(&map->records);
	vst_series_table_release(&map->order);
	vst_series_table_release(&map->contents);
	vst_series_table_release(&map->pieces);
	vst_series_table_release(&map->ends);
	for (int i = 0; i < VST_SERIES_LISTS; i++)
		vst_series_table_release(&map->lists[i]);
	free(map);
}

/* ---- searching ---- */

bool vst_series_map_record(struct vst_series_map *map, uint64_t seq, struct vst_series_record *ret)
{
	const uint8_t *packed = vst_series_table_at(&map->records, seq);
	return packed && vst_series_record_unpack(packed, map->counts.sources, ret);
}

/* Those whose digests begin alike stand next to each other. */
bool vst_series_map_find(struct vst_series_map *map, const uint8_t path[VST_HASH_LEN], uint64_t *ret_seq,
        struct vst_series_record *ret)
{
	uint64_t word = vst_series_table_word(path);
	uint64_t at = vst_series_table_search(&map->order, word);
	const uint8_t *entry;
	for (; (entry = vst_series_table_at(&map->order, at)) && vst_series_table_word(entry) == word; at++) {
		uint64_t seq = vst_series_order_seq(entry);
		const uint8_t *packed = vst_series_table_at(&map->records, seq);
		if (!packed || memcmp(packed, path, VST_HASH_LEN) != 0)
			continue;
		*ret_seq = seq;
		return vst_series_record_unpack(packed, map->counts.sources, ret);
	}
	return false;
}

bool vst_series_map_content(struct vst_series_map *map, uint64_t at, struct vst_series_content *ret)
{
	const uint8_t *packed = vst_series_table_at(&map->contents, at);
	if (packed)
		vst_series_content_unpack(packed, ret);
	return packed != NULL;
}

bool vst_series_map_find_content(
        struct vst_series_map *map, const uint8_t key[VST_HASH_LEN], struct vst_series_content *ret)
{
	uint64_t word = vst_series_table_word(key);
	uint64_t at = vst_series_table_search(&map->contents, word);
	const uint8_t *packed;
	for (; (packed = vst_series_table_at(&map->contents, at)) && vst_series_table_word(packed) == word;
	        at++) {
		if (memcmp(packed, key, VST_HASH_LEN) != 0)
			continue;
		vst_series_content_unpack(packed, ret);
		return true;
	}
	return false;
}

bool vst_series_map_pieces(struct vst_series_map *map, const struct vst_series_content *content,
        struct vst_item_stored *ret, size_t *ret_count)
{
	uint64_t left = content->size;
	if (content->pieces == 1) {
		ret[0] = (struct vst_item_stored){content->where, content->seq, content->size};
		*ret_count = 1;
		return true;
	}
	if (content->pieces > VST_ITEM_STORED_MAX || content->where > map->counts.pieces ||
	        content->pieces > map->counts.pieces - content->where)
		return false;
	for (size_t i = 0; i < content->pieces; i++) {
		const uint8_t *packed = vst_series_table_at(&map->pieces, content->where + i);
		if (!packed)
			return false;
		vst_series_piece_unpack(packed, &ret[i]);
		if (ret[i].bytes > left)
			return false;
		left -= ret[i].bytes;
	}
	*ret_count = content->pieces;
	return left == 0;
}
