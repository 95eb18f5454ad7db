/*
 * A series index in memory, taken apart (series_format.h): where its parts are, and its sorted tables
 * searched. Pure functions; the bytes may be anything.
 */
#ifndef EXHIBIT_SERIES_MAP_H
#define EXHIBIT_SERIES_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exhibit/series_format.h"

struct vst_err;

struct vst_series_map { /* all borrowed from the bytes */
	struct vst_series_counts counts;
	uint64_t blocks_count;
	const uint8_t *blocks, *records, *order, *contents, *pieces, *ends, *sources;
};

/* Checks that the parts fill the bytes exactly, and the sources; not what the tables hold. VST_EFORMAT,
 * VST_EVERSION. */
int vst_series_map_of(const void *data, size_t len, struct vst_series_map *ret, struct vst_err *err);

bool vst_series_map_find(
        const struct vst_series_map *map, const uint8_t path[VST_HASH_LEN], uint64_t *ret_seq);
/* `at` below counts.contents. */
void vst_series_map_content(const struct vst_series_map *map, uint64_t at, struct vst_series_content *ret);
bool vst_series_map_find_content(
        const struct vst_series_map *map, const uint8_t key[VST_HASH_LEN], struct vst_series_content *ret);
/* Its pieces, VST_ITEM_STORED_MAX at most, which together have its size. False: they have not, or are not
 * there. */
bool vst_series_map_pieces(const struct vst_series_map *map, const struct vst_series_content *content,
        struct vst_item_stored *ret, size_t *ret_count);

/* Of a mapped index: what a writer carries on. */
const struct vst_series_map *vst_series_index_map(const struct vst_series_index *index);

#endif
