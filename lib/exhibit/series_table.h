/*
 * A part of a series index's file (series_format.h): entries of a fixed size, read through a small cache of
 * blocks. The file may be much larger than memory; what lies in the cache is bounded whatever is asked for.
 *
 * Blocks hold whole entries, so that one is had without copying. A table that is sorted by what its entries
 * begin with has fences: the first word of each block, in memory, so that a search reads one block.
 *
 * A process at a time, and one thread in it: after fork each has its own copy.
 */
#ifndef EXHIBIT_SERIES_TABLE_H
#define EXHIBIT_SERIES_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/err.h"
#include "vestige/io.h"

/* The file, and the first failure to read it: it stays. */
struct vst_series_file {
	struct vst_input in;
	struct vst_err failure;
};

/* False: not had, and `failure` says why. */
bool vst_series_file_read(struct vst_series_file *file, uint64_t at, void *ret, size_t len);

struct vst_series_table {
	struct vst_series_file *file;
	uint64_t start, count;
	size_t each, per_block, slots;
	uint8_t *data;  /* `slots` blocks; NULL before the first use */
	uint64_t *held; /* for each slot the number of its block and 1; 0: none */
	/* The entries of the block that was asked for last. */
	uint64_t first, have;
	const uint8_t *last;
	uint64_t next; /* the block behind it */
	uint64_t *fences;
};

/* Of `count` entries of `each` bytes from `start` on, which lie inside the file; with a cache of `slots`
 * blocks of about `block` bytes. `file` is borrowed. */
void vst_series_table_init(struct vst_series_table *table, struct vst_series_file *file, uint64_t start,
        uint64_t count, size_t each, size_t block, size_t slots);
void vst_series_table_release(struct vst_series_table *table);

/* The `at`-th entry, borrowed until the next call. NULL: there are not so many, or it could not be read,
 * which the file remembers. */
const uint8_t *vst_series_table_at(struct vst_series_table *table, uint64_t at);

/* Takes note of how each block begins. Of entries of 8 bytes at least. */
int vst_series_table_fence(struct vst_series_table *table, struct vst_err *err);
/* Of a table with fences: the first entry whose first eight bytes, big-endian, are not below `word`; `count`
 * if there is none or the table could not be read. */
uint64_t vst_series_table_search(struct vst_series_table *table, uint64_t word);
uint64_t vst_series_table_word(const uint8_t *bytes);

#endif
