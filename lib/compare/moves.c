#include "compare/moves.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

struct entry {
	uint64_t seq, ino, size;
	int64_t btime;
	uint32_t dev_major, dev_minor;
	uint8_t content[VST_HASH_LEN];
	uint8_t type;
	bool is_added, taken;
};

struct vst_moves {
	struct entry *entries;
	size_t count, cap;
	uint32_t *by_inode, *by_content; /* made by the first question */
};

int vst_moves_new(struct vst_moves **ret, struct vst_err *err)
{
	*ret = vst_calloc(1, sizeof **ret);
	return *ret ? 0 : vst_err_nomem(err);
}

void vst_moves_free(struct vst_moves *moves)
{
	if (!moves)
		return;
	free(moves->entries);
	free(moves->by_inode);
	free(moves->by_content);
	free(moves);
}

int vst_moves_add(struct vst_moves *moves, uint64_t seq, const struct vst_series_record *record,
        bool is_added, struct vst_err *err)
{
	if (moves->count == UINT32_MAX || !(record->flags & VST_SERIES_STAT))
		return 0; /* what has no inode and was not had has not moved here */
	if (moves->count == moves->cap) {
		size_t cap = moves->cap ? moves->cap * 2 : 256;
		struct entry *grown = vst_realloc(moves->entries, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		moves->entries = grown;
		moves->cap = cap;
	}
	struct entry *entry = &moves->entries[moves->count++];
	*entry = (struct entry){
	        .seq = seq,
	        .ino = record->ino,
	        .size = record->size,
	        .btime = record->btime,
	        .dev_major = record->dev_major,
	        .dev_minor = record->dev_minor,
	        .type = record->type,
	        .is_added = is_added,
	};
	memcpy(entry->content, record->content, VST_HASH_LEN);
	return 0;
}

/* ---- in order ---- */

static int order_inodes(const struct entry *a, const struct entry *b)
{
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	if (a->dev_major != b->dev_major)
		return a->dev_major < b->dev_major ? -1 : 1;
	if (a->dev_minor != b->dev_minor)
		return a->dev_minor < b->dev_minor ? -1 : 1;
	return 0;
}

static int order_contents(const struct entry *a, const struct entry *b)
{
	return memcmp(a->content, b->content, VST_HASH_LEN);
}

static int compare_inodes(const void *a, const void *b, void *ctx)
{
	const struct entry *entries = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = order_inodes(&entries[x], &entries[y]);
	return order ? order : x < y ? -1 : x > y;
}

static int compare_contents(const void *a, const void *b, void *ctx)
{
	const struct entry *entries = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = order_contents(&entries[x], &entries[y]);
	return order ? order : x < y ? -1 : x > y;
}

static bool prepare(struct vst_moves *moves)
{
	if (moves->by_content)
		return true;
	if (moves->count == 0)
		return false;
	free(moves->by_inode);
	moves->by_inode = vst_calloc(moves->count, sizeof *moves->by_inode);
	moves->by_content = vst_calloc(moves->count, sizeof *moves->by_content);
	if (!moves->by_inode ||
	        !moves->by_content) { /* a move that is not seen is an item removed and another added */
		free(moves->by_content);
		moves->by_content = NULL;
		return false;
	}
	for (size_t i = 0; i < moves->count; i++)
		moves->by_inode[i] = moves->by_content[i] = (uint32_t)i;
	qsort_r(moves->by_inode, moves->count, sizeof *moves->by_inode, compare_inodes, moves->entries);
	qsort_r(moves->by_content, moves->count, sizeof *moves->by_content, compare_contents, moves->entries);
	return true;
}

/* ---- questions ---- */

typedef int ordering(const struct entry *a, const struct entry *b);

/* The first of a run of equals. */
static size_t lower_bound(
        const struct vst_moves *moves, const uint32_t *sorted, const struct entry *key, ordering *by)
{
	size_t low = 0, high = moves->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by(&moves->entries[sorted[middle]], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool same_age(const struct entry *entry, const struct entry *key)
{
	return entry->btime == VST_TIME_NONE || key->btime == VST_TIME_NONE || entry->btime == key->btime;
}

static struct entry *find(struct vst_moves *moves, const struct entry *key, bool inode, bool to_take)
{
	ordering *by = inode ? order_inodes : order_contents;
	if (!prepare(moves))
		return NULL;
	const uint32_t *sorted = inode ? moves->by_inode : moves->by_content;
	for (size_t i = lower_bound(moves, sorted, key, by); i < moves->count; i++) {
		struct entry *entry = &moves->entries[sorted[i]];
		if (by(entry, key) != 0)
			return NULL;
		if (to_take && (!entry->is_added || entry->taken))
			continue;
		if (entry->type == key->type && (!inode || same_age(entry, key)))
			return entry;
	}
	return NULL;
}

static struct entry key_of(const struct vst_series_record *record)
{
	struct entry key = {.ino = record->ino,
	        .size = record->size,
	        .btime = record->btime,
	        .dev_major = record->dev_major,
	        .dev_minor = record->dev_minor,
	        .type = record->type};
	memcpy(key.content, record->content, VST_HASH_LEN);
	return key;
}

static bool has_content(const struct entry *key)
{
	static const uint8_t none[VST_HASH_LEN];
	return key->size > 0 && memcmp(key->content, none, VST_HASH_LEN) != 0;
}

bool vst_moves_by_inode(struct vst_moves *moves, const struct vst_series_record *before, uint64_t *ret_seq)
{
	const struct entry key = key_of(before);
	const struct entry *entry = before->flags & VST_SERIES_STAT ? find(moves, &key, true, false) : NULL;
	if (entry)
		*ret_seq = entry->seq;
	return entry != NULL;
}

bool vst_moves_by_content(struct vst_moves *moves, const struct vst_series_record *before, uint64_t *ret_seq)
{
	const struct entry key = key_of(before);
	const struct entry *entry = has_content(&key) ? find(moves, &key, false, false) : NULL;
	if (entry)
		*ret_seq = entry->seq;
	return entry != NULL;
}

bool vst_moves_take(struct vst_moves *moves, const struct vst_series_record *before, uint64_t *ret_seq)
{
	const struct entry key = key_of(before);
	struct entry *entry = before->flags & VST_SERIES_STAT ? find(moves, &key, true, true) : NULL;
	if (!entry && has_content(&key))
		entry = find(moves, &key, false, true);
	if (!entry)
		return false;
	entry->taken = true;
	*ret_seq = entry->seq;
	return true;
}
