#include "exhibit/series_map.h"

#include <string.h>

#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/reader.h"
#include "vestige/text.h"

/* Keys are digests, spread evenly: so many guesses by their value come nearly there, and halving does the
 * rest. */
#define GUESSES 5

static int refuse(struct vst_err *err, const char *what)
{
	return vst_err_set(err, VST_EFORMAT, "series index: %s", what);
}

static int check_counts(const struct vst_series_counts *counts, struct vst_err *err)
{
	if (counts->seqs > VST_EXHIBIT_ITEMS_MAX || counts->items > counts->seqs)
		return refuse(err, "a number of items that cannot be");
	if (counts->sources > VST_SERIES_SOURCES_MAX)
		return refuse(err, "too many sources");
	if (counts->full == 0 || counts->full > counts->exhibit)
		return refuse(err, "its exhibit is not in its generation");
	return 0;
}

/* The next part of `count` entries; NULL if there is no room for it. */
static const uint8_t *take(struct vst_reader *in, uint64_t count, size_t each)
{
	const uint8_t *part;
	if (count > vst_reader_left(in) / each)
		return NULL;
	return vst_reader_bytes(in, (size_t)count * each, &part) ? part : NULL;
}

static bool parts_of(struct vst_reader *in, struct vst_series_map *map)
{
	const struct vst_series_counts *counts = &map->counts;
	map->blocks_count = counts->text_len / VST_SERIES_BLOCK + (counts->text_len % VST_SERIES_BLOCK != 0);
	return (map->blocks = take(in, counts->blocks_len, 1)) &&
	       (map->records = take(in, counts->seqs, VST_SERIES_RECORD_LEN)) &&
	       (map->order = take(in, counts->items, VST_SERIES_ORDER_LEN)) &&
	       (map->contents = take(in, counts->contents, VST_SERIES_CONTENT_LEN)) &&
	       (map->pieces = take(in, counts->pieces, VST_SERIES_PIECE_LEN)) &&
	       (map->ends = take(in, map->blocks_count, VST_SERIES_END_LEN)) &&
	       (map->sources = take(in, counts->sources_len, 1)) && vst_reader_at_end(in);
}

static int check_sources(const struct vst_series_map *map, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(map->sources, (size_t)map->counts.sources_len);
	for (uint64_t i = 0; i < map->counts.sources; i++) {
		uint8_t len;
		const uint8_t *name;
		if (!vst_reader_u8(&in, &len) || len == 0 || len > VST_SOURCE_NAME_MAX ||
		        !vst_reader_bytes(&in, len, &name) || memchr(name, 0, len) ||
		        !vst_utf8_valid(name, len))
			return refuse(err, "the name of a source");
	}
	return vst_reader_at_end(&in) ? 0 : refuse(err, "more names than sources");
}

int vst_series_map_of(const void *data, size_t len, struct vst_series_map *ret, struct vst_err *err)
{
	const uint8_t *bytes = data;
	struct vst_series_map map = {0};
	struct vst_reader in;
	int rc;
	if (len < VST_SERIES_HEADER_LEN + VST_SERIES_TRAILER_LEN ||
	        memcmp(bytes, VST_SERIES_MAGIC, VST_SERIES_MAGIC_LEN) != 0)
		return refuse(err, "not one");
	if (bytes[VST_SERIES_MAGIC_LEN] != VST_SERIES_FORMAT)
		return vst_err_set(err, VST_EVERSION, "series index: format %u", bytes[VST_SERIES_MAGIC_LEN]);
	len -= VST_SERIES_TRAILER_LEN;
	if (!vst_series_trailer_unpack(bytes + len, &map.counts))
		return refuse(err, "cut short");
	if ((rc = check_counts(&map.counts, err)) != 0)
		return rc;
	in = vst_reader_of(bytes + VST_SERIES_HEADER_LEN, len - VST_SERIES_HEADER_LEN);
	if (!parts_of(&in, &map))
		return refuse(err, "its parts do not fill it");
	if ((rc = check_sources(&map, err)) != 0)
		return rc;
	*ret = map;
	return 0;
}

/* ---- searching ---- */

/* Where `value` lies between `low` and `high`, of `count` places. */
static uint64_t place_between(uint64_t value, uint64_t low, uint64_t high, uint64_t count)
{
	double part;
	if (value <= low)
		return 0;
	if (value >= high)
		return count - 1;
	part = (double)(value - low) / (double)(high - low) * (double)count;
	return part >= (double)count ? count - 1 : (uint64_t)part;
}

static uint64_t word_of(const uint8_t *key)
{
	uint64_t word = 0;
	for (unsigned i = 0; i < sizeof word; i++)
		word = word << 8 | key[i];
	return word;
}

/* The key of the `at`-th entry of a sorted table; NULL if the table is damaged there. */
typedef const uint8_t *key_at(const struct vst_series_map *map, uint64_t at);

static bool search(const struct vst_series_map *map, uint64_t count, const uint8_t *key, key_at *key_of,
        uint64_t *ret_at)
{
	uint64_t first = 0, end = count, low = 0, high = UINT64_MAX, word = word_of(key);
	for (unsigned guess = 0; first < end; guess++) {
		uint64_t at =
		        guess < GUESSES ? place_between(word, low, high, end - first) : (end - first) / 2;
		const uint8_t *found = key_of(map, first + at);
		int order;
		if (!found)
			return false;
		order = memcmp(key, found, VST_HASH_LEN);
		if (order == 0) {
			*ret_at = first + at;
			return true;
		}
		if (order > 0) {
			first += at + 1;
			low = word_of(found);
		} else {
			end = first + at;
			high = word_of(found);
		}
	}
	return false;
}

static const uint8_t *path_at(const struct vst_series_map *map, uint64_t at)
{
	uint64_t seq = vst_series_get(map->order + at * VST_SERIES_ORDER_LEN, VST_SERIES_ORDER_LEN);
	return seq < map->counts.seqs ? map->records + seq * VST_SERIES_RECORD_LEN : NULL;
}

bool vst_series_map_find(
        const struct vst_series_map *map, const uint8_t path[VST_HASH_LEN], uint64_t *ret_seq)
{
	uint64_t at;
	if (!search(map, map->counts.items, path, path_at, &at))
		return false;
	*ret_seq = vst_series_get(map->order + at * VST_SERIES_ORDER_LEN, VST_SERIES_ORDER_LEN);
	return true;
}

static const uint8_t *content_at(const struct vst_series_map *map, uint64_t at)
{
	return map->contents + at * VST_SERIES_CONTENT_LEN;
}

void vst_series_map_content(const struct vst_series_map *map, uint64_t at, struct vst_series_content *ret)
{
	vst_series_content_unpack(content_at(map, at), ret);
}

bool vst_series_map_find_content(
        const struct vst_series_map *map, const uint8_t key[VST_HASH_LEN], struct vst_series_content *ret)
{
	uint64_t at;
	if (!search(map, map->counts.contents, key, content_at, &at))
		return false;
	vst_series_map_content(map, at, ret);
	return true;
}

bool vst_series_map_pieces(const struct vst_series_map *map, const struct vst_series_content *content,
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
		vst_series_piece_unpack(map->pieces + (content->where + i) * VST_SERIES_PIECE_LEN, &ret[i]);
		if (ret[i].bytes > left)
			return false;
		left -= ret[i].bytes;
	}
	*ret_count = content->pieces;
	return left == 0;
}
