#include "collect/file_map.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/mem.h"

/* Joined when twice as many as allowed are there, so that joining is rare. */
#define EXTENTS_ROOM (2 * (size_t)VST_SPARSE_EXTENTS_MAX)

void vst_file_map_free(struct vst_file_map *map)
{
	free(map->extents);
	*map = (struct vst_file_map){0};
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static uint64_t gap_before(const struct vst_file_map *map, size_t i)
{
	return map->extents[i].offset - map->extents[i - 1].offset - map->extents[i - 1].len;
}

int vst_file_map_join(struct vst_file_map *map, size_t max, struct vst_err *err)
{
	if (map->count <= max)
		return 0;
	size_t joins = map->count - max, kept = 0;
	uint64_t *gaps = vst_alloc((map->count - 1) * sizeof *gaps);
	if (!gaps)
		return vst_err_nomem(err);
	for (size_t i = 1; i < map->count; i++)
		gaps[i - 1] = gap_before(map, i);
	qsort(gaps, map->count - 1, sizeof *gaps, compare);
	uint64_t largest = gaps[joins - 1];
	size_t equal = 0; /* of the gaps that are as large, only so many go */
	while (equal < joins && gaps[joins - 1 - equal] == largest)
		equal++;
	free(gaps);
	for (size_t i = 1; i < map->count; i++) {
		uint64_t gap = map->extents[i].offset - map->extents[kept].offset - map->extents[kept].len;
		if (gap < largest || (gap == largest && equal > 0 && equal--))
			map->extents[kept].len += gap + map->extents[i].len;
		else
			map->extents[++kept] = map->extents[i];
	}
	map->count = kept + 1;
	return 0;
}

static int add(struct vst_file_map *map, uint64_t offset, uint64_t len, struct vst_err *err)
{
	struct vst_item_extent *last = map->count ? &map->extents[map->count - 1] : NULL;
	if (last && last->offset + last->len == offset) {
		last->len += len;
		return 0;
	}
	if (map->count == EXTENTS_ROOM) {
		int rc = vst_file_map_join(map, VST_SPARSE_EXTENTS_MAX, err);
		if (rc != 0)
			return rc;
	}
	if (map->count == map->cap) {
		size_t cap = map->cap ? map->cap * 2 : 64;
		struct vst_item_extent *grown = vst_realloc(map->extents, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		map->extents = grown;
		map->cap = cap;
	}
	map->extents[map->count++] = (struct vst_item_extent){offset, len};
	return 0;
}

/* The next stretch of data at or behind `from`. False: there is none (*ret_error 0), or nobody can tell. */
static bool next_data(
        int fd, uint64_t from, uint64_t size, uint64_t *ret_start, uint64_t *ret_end, int *ret_error)
{
	off_t start = lseek(fd, (off_t)from, SEEK_DATA);
	*ret_error = start < 0 && errno != ENXIO ? errno : 0;
	if (start < 0 || (uint64_t)start >= size)
		return false;
	off_t end = lseek(fd, start, SEEK_HOLE);
	if (end <= start) {
		/* ENXIO: the file was cut meanwhile; reading will find out. */
		*ret_error = end < 0 && errno == ENXIO ? 0 : EINVAL;
		return false;
	}
	*ret_start = (uint64_t)start;
	*ret_end = (uint64_t)end < size ? (uint64_t)end : size;
	return true;
}

int vst_file_map_read(struct vst_file_map *map, int fd, uint64_t size, const atomic_bool *cancel,
        bool *ret_sparse, struct vst_err *err)
{
	uint64_t at = 0, start, end;
	int error = 0;
	map->count = 0;
	while (at < size && next_data(fd, at, size, &start, &end, &error)) {
		if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
			return vst_err_set(err, VST_ECANCELLED, "stopped");
		int rc = start < at ? 0 : add(map, start, end - start, err);
		if (rc != 0)
			return rc;
		at = end > at ? end : size;
	}
	if (error == 0 && map->count > VST_SPARSE_EXTENTS_MAX) {
		int rc = vst_file_map_join(map, VST_SPARSE_EXTENTS_MAX, err);
		if (rc != 0)
			return rc;
	}
	bool whole = map->count == 1 && map->extents[0].offset == 0 && map->extents[0].len == size;
	*ret_sparse = error == 0 && !whole;
	return 0;
}

uint64_t vst_file_map_cut(struct vst_file_map *map, uint64_t bytes)
{
	size_t kept = 0;
	while (kept < map->count && bytes > 0) {
		struct vst_item_extent *extent = &map->extents[kept++];
		if (extent->len > bytes)
			extent->len = bytes;
		bytes -= extent->len;
	}
	map->count = kept;
	return kept ? map->extents[kept - 1].offset + map->extents[kept - 1].len : 0;
}
