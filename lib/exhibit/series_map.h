/*
 * A series index taken apart (series_format.h): where its parts are, and its sorted tables searched. It reads
 * through a struct vst_input, a file or memory, whose bytes may be anything.
 *
 * What returns false or NULL has not found, or could not read: then `file.failure` is set, and stays.
 */
#ifndef EXHIBIT_SERIES_MAP_H
#define EXHIBIT_SERIES_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exhibit/series_format.h"
#include "exhibit/series_table.h"

struct vst_err;

struct vst_series_map {
	struct vst_series_file file;
	struct vst_series_counts counts;
	uint64_t blocks_count, blocks; /* where the first starts */
	struct vst_series_table records, order, contents, pieces, ends, lists[VST_SERIES_LISTS];
	char **sources;
};

/* Checks that the parts fill the input exactly, and reads the sources; not what the tables hold. The input's
 * ctx outlives it. VST_EFORMAT, VST_EVERSION. */
int vst_series_map_new(struct vst_input in, struct vst_series_map **ret, struct vst_err *err);
void vst_series_map_free(struct vst_series_map *map);

bool vst_series_map_record(struct vst_series_map *map, uint64_t seq, struct vst_series_record *ret);
bool vst_series_map_find(struct vst_series_map *map, const uint8_t path[VST_HASH_LEN], uint64_t *ret_seq,
        struct vst_series_record *ret);
bool vst_series_map_content(struct vst_series_map *map, uint64_t at, struct vst_series_content *ret);
bool vst_series_map_find_content(
        struct vst_series_map *map, const uint8_t key[VST_HASH_LEN], struct vst_series_content *ret);
/* Its pieces, VST_ITEM_STORED_MAX at most, which together have its size. False: they have not, or are not
 * there. */
bool vst_series_map_pieces(struct vst_series_map *map, const struct vst_series_content *content,
        struct vst_item_stored *ret, size_t *ret_count);

/* Of an open index: what a writer carries on. */
struct vst_series_map *vst_series_index_map(const struct vst_series_index *index);
/* vst_series_index_open() of any input, whose ctx outlives it. */
int vst_series_index_read(
        struct vst_input in, const uint8_t *expected, struct vst_series_index **ret, struct vst_err *err);

#endif
