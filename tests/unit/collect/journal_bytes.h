/*
 * Small journal files in memory: a header, entries, arrays of two entries each.
 */
#ifndef TEST_COLLECT_JOURNAL_BYTES_H
#define TEST_COLLECT_JOURNAL_BYTES_H

#include <stdbool.h>
#include <string.h>

#include "collect/journal_file.h"
#include "vestige/buf.h"

#define ARRAY_ITEMS 2

struct journal_bytes {
	struct vst_buf data;
	uint64_t entry_at[16], array_at[16];
	size_t entries, arrays;
	bool compact;
};

static inline void journal_put(struct journal_bytes *j, uint64_t at, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		j->data.data[at + i] = (uint8_t)(value >> 8 * i);
}

static inline uint64_t journal_object(struct journal_bytes *j, unsigned type, size_t size)
{
	uint64_t at = j->data.len;
	for (size_t i = 0; i < (size + 7) / 8 * 8; i++)
		vst_buf_byte(&j->data, 0);
	journal_put(j, at, type, 1);
	journal_put(j, at + 8, size, 8);
	return at;
}

static inline void journal_start(struct journal_bytes *j, bool compact)
{
	*j = (struct journal_bytes){.compact = compact};
	for (size_t i = 0; i < VST_JOURNAL_HEADER_MIN; i++)
		vst_buf_byte(&j->data, 0);
	memcpy(j->data.data, "LPKSHHRH", 8);
	journal_put(j, 12, compact ? VST_JOURNAL_COMPACT : 0, 4);
	memset(j->data.data + 24, 0xf1, VST_JOURNAL_ID);
	memset(j->data.data + 72, 0x5e, VST_JOURNAL_ID);
	journal_put(j, 88, VST_JOURNAL_HEADER_MIN, 8);
}

static inline void journal_add(struct journal_bytes *j, uint64_t seqnum, uint64_t realtime, uint8_t boot)
{
	size_t width = j->compact ? 4 : 8, number = j->entries++;
	uint64_t at = journal_object(j, 3, 64 + width);
	journal_put(j, at + 16, seqnum, 8);
	journal_put(j, at + 24, realtime, 8);
	memset(j->data.data + at + 40, boot, VST_JOURNAL_ID);
	j->entry_at[number] = at;
	if (number % ARRAY_ITEMS == 0) {
		uint64_t array = journal_object(j, 6, 24 + width * ARRAY_ITEMS);
		journal_put(j, j->arrays ? j->array_at[j->arrays - 1] + 16 : 176, array, 8);
		j->array_at[j->arrays++] = array;
	}
	journal_put(j, j->array_at[j->arrays - 1] + 24 + width * (number % ARRAY_ITEMS), at, width);
	journal_put(j, 152, j->entries, 8);
	journal_put(j, 160, seqnum, 8);
	journal_put(j, 96, j->data.len - VST_JOURNAL_HEADER_MIN, 8);
}

static inline int journal_read(void *ctx, uint64_t at, void *ret, size_t len)
{
	const struct vst_buf *data = ctx;
	if (at > data->len || data->len - at < len)
		return -1;
	memcpy(ret, data->data + at, len);
	return 0;
}

static inline uint64_t journal_size(void *ctx)
{
	const struct vst_buf *data = ctx;
	return data->len;
}

static inline struct vst_journal_bytes journal_source(struct journal_bytes *j)
{
	return (struct vst_journal_bytes){.read = journal_read, .size = journal_size, .ctx = &j->data};
}

#endif
