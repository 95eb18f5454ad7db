#include "exhibit/series_table.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/mem.h"

#define AHEAD ((size_t)8)

bool vst_series_file_read(struct vst_series_file *file, uint64_t at, void *ret, size_t len)
{
	struct vst_err why = VST_ERR_INIT;
	if (vst_input_read(&file->in, at, ret, len, &why) == 0)
		return true;
	vst_err_prepend(&why, "series index");
	if (file->failure.code == 0)
		file->failure = why;
	return false;
}

void vst_series_table_init(struct vst_series_table *table, struct vst_series_file *file, uint64_t start,
        uint64_t count, size_t each, size_t block, size_t slots)
{
	*table = (struct vst_series_table){.file = file,
	        .start = start,
	        .count = count,
	        .each = each,
	        .per_block = block / each,
	        .slots = slots};
}

void vst_series_table_release(struct vst_series_table *table)
{
	free(table->data);
	free(table->held);
	free(table->fences);
}

static bool make_room(struct vst_series_table *table)
{
	table->data = vst_calloc(table->slots, table->per_block * table->each);
	table->held = vst_calloc(table->slots, sizeof *table->held);
	if (table->data && table->held)
		return true;
	free(table->data);
	free(table->held);
	table->data = NULL;
	table->held = NULL;
	if (table->file->failure.code == 0)
		(void)vst_err_nomem(&table->file->failure);
	return false;
}

/* Into the slots from `slot` on: the block, and those behind it if one after the other is asked for. */
static bool read_blocks(struct vst_series_table *table, uint64_t number, size_t slot)
{
	uint64_t first = number * table->per_block, left = table->count - first;
	size_t blocks = number == table->next ? AHEAD : 1;
	if (blocks > table->slots - slot)
		blocks = table->slots - slot;
	size_t some = left < blocks * table->per_block ? (size_t)left : blocks * table->per_block;
	table->have = 0; /* the last one may have lain here */
	memset(table->held + slot, 0, blocks * sizeof *table->held);
	if (!vst_series_file_read(table->file, table->start + first * table->each,
	            table->data + slot * table->per_block * table->each, some * table->each))
		return false;
	for (size_t i = 0; i * table->per_block < some; i++)
		table->held[slot + i] = number + i + 1;
	return true;
}

/* Makes the block the last one. */
static bool take_block(struct vst_series_table *table, uint64_t number)
{
	uint64_t first = number * table->per_block, left = table->count - first;
	size_t slot = (size_t)(number % table->slots);
	if (!table->data && !make_room(table))
		return false;
	if (table->held[slot] != number + 1 && !read_blocks(table, number, slot))
		return false;
	table->first = first;
	table->have = left < table->per_block ? left : table->per_block;
	table->last = table->data + slot * table->per_block * table->each;
	table->next = number + 1;
	return true;
}

const uint8_t *vst_series_table_at(struct vst_series_table *table, uint64_t at)
{
	if (at >= table->count)
		return NULL;
	/* Below `first` the difference is larger than any block. */
	if (at - table->first >= table->have && !take_block(table, at / table->per_block))
		return NULL;
	return table->last + (size_t)(at - table->first) * table->each;
}

/* ---- searching ---- */

uint64_t vst_series_table_word(const uint8_t *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	return be64toh(word);
}

static uint64_t blocks_of(const struct vst_series_table *table)
{
	return table->count / table->per_block + (table->count % table->per_block != 0);
}

int vst_series_table_fence(struct vst_series_table *table, struct vst_err *err)
{
	uint64_t blocks = blocks_of(table);
	table->fences = vst_calloc((size_t)blocks + 1, sizeof *table->fences);
	if (!table->fences)
		return vst_err_nomem(err);
	for (uint64_t i = 0; i < blocks; i++) {
		const uint8_t *entry = vst_series_table_at(table, i * table->per_block);
		if (!entry) {
			if (err)
				*err = table->file->failure;
			return table->file->failure.code;
		}
		table->fences[i] = vst_series_table_word(entry);
	}
	return 0;
}

uint64_t vst_series_table_search(struct vst_series_table *table, uint64_t word)
{
	uint64_t low = 0, high = blocks_of(table);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (table->fences[middle] < word)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return 0;
	/* In the last block that begins below it, or at the start of the next. */
	high = low * table->per_block;
	low = high - table->per_block;
	if (high > table->count)
		high = table->count;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		const uint8_t *entry = vst_series_table_at(table, middle);
		if (!entry)
			return table->count;
		if (vst_series_table_word(entry) < word)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
