/*
 * Where a sparse file has data.
 */
#ifndef COLLECT_FILE_MAP_H
#define COLLECT_FILE_MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vestige/manifest.h"

struct vst_file_map { /* zero-initialise; memory is kept from file to file */
	struct vst_item_extent *extents;
	size_t count, cap;
};

/*
 * Maps the first `size` bytes by SEEK_DATA and SEEK_HOLE; moves the descriptor's offset. `*ret_sparse` is
 * false if there are no holes or the file system does not tell. Of more than VST_SPARSE_EXTENTS_MAX extents,
 * those with the smallest holes between them become one. Errors: VST_ENOMEM, VST_ECANCELLED.
 */
int vst_file_map_read(struct vst_file_map *map, int fd, uint64_t size, const atomic_bool *cancel,
        bool *ret_sparse, struct vst_err *err);
void vst_file_map_free(struct vst_file_map *map);

/* Cuts the map so that it holds at most `bytes` of data. Returns where the last extent then ends. */
uint64_t vst_file_map_cut(struct vst_file_map *map, uint64_t bytes);

/* Joins neighbours with the smallest gaps until at most `max` (≥ 1) are left. For vst_file_map_read() and its
 * tests. */
int vst_file_map_join(struct vst_file_map *map, size_t max, struct vst_err *err);

#endif
