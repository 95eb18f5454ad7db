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

/*
 * Entries in two orders. Those that can be taken are found without going over the ones before them again:
 * from a place in an order, `next` leads to the first place from there on whose entry was not yet known to be
 * of no use, and is shortened as it is followed.
 */
struct order {
	uint32_t *sorted; /* positions in `entries` */
	uint32_t *next;
};

struct vst_moves {
	struct entry *entries;
	size_t count, cap;
	struct order by_inode, by_content; /* made by the first question */
};

int vst_moves_new(struct vst_moves **ret, struct vst_err *err)
{
	*ret = vst_calloc(1, sizeof **ret);
	return *ret ? 0 : vst_err_nomem(err);
}

static void free_orders(struct vst_moves *moves)
{
	free(moves->by_inode.sorted);
	free(moves->by_inode.next);
	free(moves->by_content.sorted);
	free(moves->by_content.next);
	moves->by_inode = moves->by_content = (struct order){0};
}

void vst_moves_free(struct vst_moves *moves)
{
	if (!moves)
		return;
	free(moves->entries);
	free_orders(moves);
	free(moves);
}

int vst_moves_add(struct vst_moves *moves, uint64_t seq, const struct vst_series_record *record,
        bool is_added, struct vst_err *err)
{
	if (moves->count == UINT32_MAX || !(record->flags & VST_SERIES_STAT))
		return 0; /* what has no inode and was not had has not moved here */
	struct entry *entries = vst_grow(moves->entries, moves->count, &moves->cap, sizeof *entries);
	if (!entries)
		return vst_err_nomem(err);
	moves->entries = entries;
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

static int order_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* The same inode has the same type and age, as far as that is known. */
static int order_inodes(const struct entry *a, const struct entry *b)
{
	int order = order_numbers(a->ino, b->ino);
	if (order == 0)
		order = order_numbers(a->dev_major, b->dev_major);
	if (order == 0)
		order = order_numbers(a->dev_minor, b->dev_minor);
	return order ? order : order_numbers(a->type, b->type);
}

static int order_inodes_of_age(const struct entry *a, const struct entry *b)
{
	int order = order_inodes(a, b);
	return order ? order : a->btime < b->btime ? -1 : a->btime > b->btime;
}

static int order_contents(const struct entry *a, const struct entry *b)
{
	int order = memcmp(a->content, b->content, VST_HASH_LEN);
	return order ? order : order_numbers(a->type, b->type);
}

static int compare_inodes(const void *a, const void *b, void *ctx)
{
	const struct entry *entries = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = order_inodes_of_age(&entries[x], &entries[y]);
	return order ? order : x < y ? -1 : x > y;
}

static int compare_contents(const void *a, const void *b, void *ctx)
{
	const struct entry *entries = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = order_contents(&entries[x], &entries[y]);
	return order ? order : x < y ? -1 : x > y;
}

static bool make_order(const struct vst_moves *moves, struct order *order,
        int (*compare)(const void *, const void *, void *))
{
	order->sorted = vst_calloc(moves->count, sizeof *order->sorted);
	order->next = vst_calloc(moves->count + 1, sizeof *order->next);
	if (!order->sorted || !order->next)
		return false;
	for (size_t i = 0; i < moves->count; i++)
		order->sorted[i] = order->next[i] = (uint32_t)i;
	order->next[moves->count] = (uint32_t)moves->count;
	qsort_r(order->sorted, moves->count, sizeof *order->sorted, compare, moves->entries);
	return true;
}

static bool prepare(struct vst_moves *moves)
{
	if (moves->by_content.sorted)
		return true;
	if (moves->count == 0)
		return false;
	if (make_order(moves, &moves->by_inode, compare_inodes) &&
	        make_order(moves, &moves->by_content, compare_contents))
		return true;
	free_orders(moves); /* a move that is not seen is an item removed and another added */
	return false;
}

/* ---- questions ---- */

typedef int ordering(const struct entry *a, const struct entry *b);

/* The first of a run of equals. */
static size_t lower_bound(
        const struct vst_moves *moves, const struct order *order, const struct entry *key, ordering *by)
{
	size_t low = 0, high = moves->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by(&moves->entries[order->sorted[middle]], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool can_be_taken(const struct entry *entry)
{
	return entry->is_added && !entry->taken;
}

/* The first place from `at` on whose entry can be taken; moves->count: none. */
static size_t skip(const struct vst_moves *moves, struct order *order, size_t at)
{
	while (at < moves->count) {
		if (order->next[at] == at && can_be_taken(&moves->entries[order->sorted[at]]))
			return at;
		if (order->next[at] == at)
			order->next[at] = (uint32_t)at + 1;
		order->next[at] = order->next[order->next[at]];
		at = order->next[at];
	}
	return at;
}

/* The first of those that are equal to the key by this ordering. */
static struct entry *find(
        struct vst_moves *moves, struct order *order, const struct entry *key, ordering *by, bool to_take)
{
	size_t at = lower_bound(moves, order, key, by);
	if (to_take)
		at = skip(moves, order, at);
	if (at >= moves->count)
		return NULL;
	struct entry *entry = &moves->entries[order->sorted[at]];
	return by(entry, key) == 0 ? entry : NULL;
}

static struct entry *find_inode(struct vst_moves *moves, const struct entry *key, bool to_take)
{
	struct entry unknown = *key;
	if (!prepare(moves))
		return NULL;
	if (key->btime == VST_TIME_NONE)
		return find(moves, &moves->by_inode, key, order_inodes, to_take);
	struct entry *entry = find(moves, &moves->by_inode, key, order_inodes_of_age, to_take);
	unknown.btime = VST_TIME_NONE;
	return entry ? entry : find(moves, &moves->by_inode, &unknown, order_inodes_of_age, to_take);
}

static struct entry *find_content(struct vst_moves *moves, const struct entry *key, bool to_take)
{
	return prepare(moves) ? find(moves, &moves->by_content, key, order_contents, to_take) : NULL;
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
	const struct entry *entry = before->flags & VST_SERIES_STAT ? find_inode(moves, &key, false) : NULL;
	if (entry)
		*ret_seq = entry->seq;
	return entry != NULL;
}

bool vst_moves_by_content(struct vst_moves *moves, const struct vst_series_record *before, uint64_t *ret_seq)
{
	const struct entry key = key_of(before);
	const struct entry *entry = has_content(&key) ? find_content(moves, &key, false) : NULL;
	if (entry)
		*ret_seq = entry->seq;
	return entry != NULL;
}

bool vst_moves_take(struct vst_moves *moves, const struct vst_series_record *before, uint64_t *ret_seq)
{
	const struct entry key = key_of(before);
	struct entry *entry = before->flags & VST_SERIES_STAT ? find_inode(moves, &key, true) : NULL;
	if (!entry && has_content(&key))
		entry = find_content(moves, &key, true);
	if (!entry)
		return false;
	entry->taken = true;
	*ret_seq = entry->seq;
	return true;
}
