#include "exhibit/exhibit_index.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"
#include "vestige/secret.h"

#define RECORD ((size_t)VST_INDEX_RECORD_LEN)
#define AT_SEQ 32
#define AT_LINE_LEN 36
#define AT_ENTRY 40
#define AT_LINE 48
#define CAPACITY_FIRST 1024
#define SLOTS_FIRST 4096

static void put_le(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;
	for (unsigned i = bytes; i-- > 0;)
		value = value << 8 | from[i];
	return value;
}

static uint8_t *record_at(const struct vst_index *index, uint64_t place)
{
	return index->records + place * RECORD;
}

int vst_index_init(struct vst_index *index, struct vst_err *err)
{
	memset(index, 0, sizeof *index);
	index->slots = vst_calloc(SLOTS_FIRST, sizeof *index->slots);
	if (!index->slots)
		return vst_err_nomem(err);
	index->slot_count = SLOTS_FIRST;
	return vst_random(&index->seed, sizeof index->seed, err);
}

void vst_index_free(struct vst_index *index)
{
	free(index->records);
	free(index->leaves);
	free(index->notes);
	free(index->slots);
	memset(index, 0, sizeof *index);
}

/* slot_count is a power of two: the product's upper half has been touched by every bit of the digest's word. */
static uint64_t first_slot(const struct vst_index *index, const uint8_t path[VST_HASH_LEN])
{
	uint64_t mixed = (get_le(path, 8) ^ index->seed) * UINT64_C(0x9E3779B97F4A7C15);
	return (mixed >> 32) & (index->slot_count - 1);
}

/* The slot that holds the path, or the free one where it belongs. */
static uint64_t probe(const struct vst_index *index, const uint8_t path[VST_HASH_LEN])
{
	uint64_t slot = first_slot(index, path);
	while (index->slots[slot] != 0 &&
	        memcmp(record_at(index, index->slots[slot] - 1), path, VST_HASH_LEN) != 0)
		slot = (slot + 1) & (index->slot_count - 1);
	return slot;
}

bool vst_index_find(const struct vst_index *index, const uint8_t path[VST_HASH_LEN], uint64_t *ret_seq)
{
	uint64_t slot = probe(index, path);
	if (index->slots[slot] == 0)
		return false;
	*ret_seq = index->slots[slot] - 1;
	return true;
}

static int grow_slots(struct vst_index *index, struct vst_err *err)
{
	uint64_t count = index->slot_count * 2;
	uint32_t *slots = vst_calloc(count, sizeof *slots);
	if (!slots)
		return vst_err_nomem(err);
	free(index->slots);
	index->slots = slots;
	index->slot_count = count;
	for (uint64_t seq = 0; seq < index->count; seq++)
		index->slots[probe(index, record_at(index, seq))] = (uint32_t)seq + 1;
	return 0;
}

/* Memory that nobody touched costs nothing yet: growing by half keeps copies rare. */
static int grow_records(struct vst_index *index, struct vst_err *err)
{
	uint64_t capacity = index->capacity ? index->capacity + index->capacity / 2 : CAPACITY_FIRST;
	uint8_t *records = vst_realloc(index->records, capacity, RECORD), *leaves, *notes;
	if (!records)
		return vst_err_nomem(err);
	index->records = records;
	leaves = vst_realloc(index->leaves, capacity, VST_HASH_LEN);
	if (!leaves)
		return vst_err_nomem(err);
	index->leaves = leaves;
	notes = vst_realloc(index->notes, capacity, 1);
	if (!notes)
		return vst_err_nomem(err);
	index->notes = notes;
	index->capacity = capacity;
	return 0;
}

int vst_index_add(struct vst_index *index, const struct vst_index_record *record,
        const uint8_t leaf[VST_HASH_LEN], uint8_t notes, struct vst_err *err)
{
	uint8_t *to;
	int rc;
	if (index->count >= VST_EXHIBIT_ITEMS_MAX - 1)
		return vst_err_set(err, VST_ELIMIT, "more items than one exhibit can hold");
	if (index->count == index->capacity && (rc = grow_records(index, err)) != 0)
		return rc;
	if (index->count >= index->slot_count / 10 * 7 && (rc = grow_slots(index, err)) != 0)
		return rc;
	index->slots[probe(index, record->path)] = (uint32_t)index->count + 1;
	to = record_at(index, index->count);
	memcpy(to, record->path, VST_HASH_LEN);
	put_le(to + AT_SEQ, index->count, 4);
	put_le(to + AT_LINE_LEN, record->line_len, 4);
	put_le(to + AT_ENTRY, record->entry_offset, 8);
	put_le(to + AT_LINE, record->line_offset, 8);
	memcpy(index->leaves + index->count * VST_HASH_LEN, leaf, VST_HASH_LEN);
	index->notes[index->count++] = notes;
	return 0;
}

struct vst_index_record vst_index_get(const struct vst_index *index, uint64_t place)
{
	const uint8_t *from = record_at(index, place);
	struct vst_index_record record;
	memcpy(record.path, from, VST_HASH_LEN);
	record.seq = (uint32_t)get_le(from + AT_SEQ, 4);
	record.line_len = (uint32_t)get_le(from + AT_LINE_LEN, 4);
	record.entry_offset = get_le(from + AT_ENTRY, 8);
	record.line_offset = get_le(from + AT_LINE, 8);
	return record;
}

const uint8_t *vst_index_leaf(const struct vst_index *index, uint64_t seq)
{
	return index->leaves + seq * VST_HASH_LEN;
}

void vst_index_place_lines(struct vst_index *index, uint64_t seq, uint64_t base)
{
	for (; seq < index->count; seq++) {
		uint8_t *at = record_at(index, seq) + AT_LINE;
		put_le(at, get_le(at, 8) + base, 8);
	}
}

/* ---- sorting: a million records must not need a second copy, which qsort() makes ---- */

static void swap(uint8_t *a, uint8_t *b)
{
	uint8_t kept[RECORD];
	memcpy(kept, a, RECORD);
	memcpy(a, b, RECORD);
	memcpy(b, kept, RECORD);
}

/* One pass over the first byte, in place: each record is swapped to the next free place of its bucket. */
static void sort_buckets(uint8_t *records, const uint64_t end[256], uint64_t next[256])
{
	for (unsigned bucket = 0; bucket < 256; bucket++) {
		while (next[bucket] < end[bucket]) {
			uint8_t *at = records + next[bucket] * RECORD;
			unsigned home = at[0];
			if (home == bucket)
				next[bucket]++;
			else
				swap(at, records + next[home]++ * RECORD);
		}
	}
}

static void sift_down(uint8_t *records, uint64_t at, uint64_t count)
{
	for (;;) {
		uint64_t child = 2 * at + 1;
		if (child >= count)
			return;
		if (child + 1 < count &&
		        memcmp(records + child * RECORD, records + (child + 1) * RECORD, VST_HASH_LEN) < 0)
			child++;
		if (memcmp(records + at * RECORD, records + child * RECORD, VST_HASH_LEN) >= 0)
			return;
		swap(records + at * RECORD, records + child * RECORD);
		at = child;
	}
}

static void heap_sort(uint8_t *records, uint64_t count)
{
	for (uint64_t at = count / 2; at-- > 0;)
		sift_down(records, at, count);
	for (uint64_t left = count; left > 1; left--) {
		swap(records, records + (left - 1) * RECORD);
		sift_down(records, 0, left - 1);
	}
}

void vst_index_sort(struct vst_index *index)
{
	uint64_t end[256] = {0}, next[256], start = 0;
	free(index->slots); /* it knows records by their place, which is about to change */
	index->slots = NULL;
	index->slot_count = 0;
	for (uint64_t i = 0; i < index->count; i++)
		end[record_at(index, i)[0]]++;
	for (unsigned bucket = 0; bucket < 256; bucket++) {
		next[bucket] = start;
		start += end[bucket];
		end[bucket] = start;
	}
	sort_buckets(index->records, end, next);
	for (unsigned bucket = 0; bucket < 256; bucket++) {
		start = bucket ? end[bucket - 1] : 0;
		heap_sort(index->records + start * RECORD, end[bucket] - start);
	}
}
