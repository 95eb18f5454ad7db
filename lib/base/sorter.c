/*
 * Invariants of merging: 1. run r's entries from `next` to `end` are still in the scratch file, those between
 * `at` and `filled` in its part of the memory; 2. `heap` holds the runs that have an entry, the one with the
 * least at [0]; 3. the entry last given out is still in place: its run moves on in the call that follows.
 */
#include "vestige/sorter.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/scratch.h"

#define ROOM_FIRST ((size_t)256)
#define SCRATCH_BUFFER ((size_t)4 * 1024) /* runs are longer and go past it */

struct run {
	uint64_t next, end; /* entries in the scratch file */
	size_t at, filled;  /* entries in memory */
};

struct vst_sorter {
	int scratch_fd;
	size_t entry_len, key_len, capacity;
	size_t room;      /* entries that there is memory for; `capacity` before a run is spilled */
	uint8_t *entries; /* while merging divided among the runs */
	size_t count;     /* entries of the run in memory */
	struct vst_scratch *scratch;
	uint64_t spilled; /* entries in the scratch file */
	struct run *runs;
	size_t run_count, run_cap;
	size_t share; /* entries of memory that each run has while merging */
	size_t *heap;
	size_t heap_count;
	bool given; /* the least has been given out */
};

int vst_sorter_new(int scratch_fd, size_t entry_len, size_t key_len, size_t capacity, struct vst_sorter **ret,
        struct vst_err *err)
{
	struct vst_sorter *sorter = vst_calloc(1, sizeof *sorter);
	if (!sorter)
		return vst_err_nomem(err);
	sorter->scratch_fd = scratch_fd;
	sorter->entry_len = entry_len;
	sorter->key_len = key_len;
	sorter->capacity = capacity;
	*ret = sorter;
	return 0;
}

void vst_sorter_free(struct vst_sorter *sorter)
{
	if (!sorter)
		return;
	vst_scratch_free(sorter->scratch);
	free(sorter->entries);
	free(sorter->runs);
	free(sorter->heap);
	free(sorter);
}

static uint64_t word_of(const void *entry)
{
	uint64_t word;
	memcpy(&word, entry, sizeof word);
	return be64toh(word);
}

/* Digests nearly always differ in their first word. */
static int compare(const void *a, const void *b, void *ctx)
{
	uint64_t first = word_of(a), second = word_of(b);
	if (first != second)
		return first < second ? -1 : 1;
	return memcmp(a, b, *(const size_t *)ctx);
}

static void sort_run(struct vst_sorter *sorter)
{
	if (sorter->count > 1)
		qsort_r(sorter->entries, sorter->count, sorter->entry_len, compare, &sorter->key_len);
}

static int add_run(struct vst_sorter *sorter, struct vst_err *err)
{
	struct run *runs;
	/* Each needs room for one entry at least while merging. */
	if (sorter->run_count >= sorter->capacity)
		return vst_err_set(err, VST_ELIMIT, "more entries than can be sorted");
	if (sorter->run_count < sorter->run_cap)
		return 0;
	runs = vst_realloc(sorter->runs, sorter->run_cap * 2 + 8, sizeof *runs);
	if (!runs)
		return vst_err_nomem(err);
	sorter->runs = runs;
	sorter->run_cap = sorter->run_cap * 2 + 8;
	return 0;
}

static int spill(struct vst_sorter *sorter, struct vst_err *err)
{
	int rc = add_run(sorter, err);
	if (rc != 0)
		return rc;
	if (!sorter->scratch &&
	        (rc = vst_scratch_new(sorter->scratch_fd, SCRATCH_BUFFER, &sorter->scratch, err)) != 0)
		return rc;
	sort_run(sorter);
	rc = vst_scratch_append(sorter->scratch, sorter->entries, sorter->count * sorter->entry_len, err);
	if (rc != 0)
		return rc;
	sorter->runs[sorter->run_count++] =
	        (struct run){.next = sorter->spilled, .end = sorter->spilled + sorter->count};
	sorter->spilled += sorter->count;
	sorter->count = 0;
	return 0;
}

static int make_room(struct vst_sorter *sorter, struct vst_err *err)
{
	size_t room = sorter->room ? sorter->room * 2 : ROOM_FIRST;
	uint8_t *entries;
	if (sorter->room == sorter->capacity)
		return spill(sorter, err);
	if (room > sorter->capacity)
		room = sorter->capacity;
	entries = vst_realloc(sorter->entries, room, sorter->entry_len);
	if (!entries)
		return vst_err_nomem(err);
	sorter->entries = entries;
	sorter->room = room;
	return 0;
}

int vst_sorter_add(struct vst_sorter *sorter, const void *entry, struct vst_err *err)
{
	int rc;
	if (sorter->count == sorter->room && (rc = make_room(sorter, err)) != 0)
		return rc;
	memcpy(sorter->entries + sorter->count++ * sorter->entry_len, entry, sorter->entry_len);
	return 0;
}

/* ---- merging ---- */

static const uint8_t *first_of(const struct vst_sorter *sorter, size_t run)
{
	return sorter->entries + (run * sorter->share + sorter->runs[run].at) * sorter->entry_len;
}

static int refill(struct vst_sorter *sorter, size_t at, struct vst_err *err)
{
	struct run *run = &sorter->runs[at];
	size_t count = sorter->share;
	int rc;
	if (count > run->end - run->next)
		count = (size_t)(run->end - run->next);
	rc = vst_scratch_read(sorter->scratch, run->next * sorter->entry_len,
	        sorter->entries + at * sorter->share * sorter->entry_len, count * sorter->entry_len, err);
	if (rc != 0)
		return rc;
	run->next += count;
	run->filled = count;
	run->at = 0;
	return 0;
}

static bool is_less(const struct vst_sorter *sorter, size_t a, size_t b)
{
	return memcmp(first_of(sorter, sorter->heap[a]), first_of(sorter, sorter->heap[b]), sorter->key_len) <
	       0;
}

static void sift_down(struct vst_sorter *sorter, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1, kept = sorter->heap[at];
		if (child >= sorter->heap_count)
			return;
		if (child + 1 < sorter->heap_count && is_less(sorter, child + 1, child))
			child++;
		if (!is_less(sorter, child, at))
			return;
		sorter->heap[at] = sorter->heap[child];
		sorter->heap[child] = kept;
		at = child;
	}
}

int vst_sorter_sort(struct vst_sorter *sorter, struct vst_err *err)
{
	int rc;
	if (sorter->run_count == 0) { /* all in memory: one run that needs no file */
		sort_run(sorter);
		if ((rc = add_run(sorter, err)) != 0)
			return rc;
		sorter->runs[0] = (struct run){.filled = sorter->count};
		sorter->run_count = 1;
		sorter->share = sorter->capacity;
	} else if (sorter->count > 0 && (rc = spill(sorter, err)) != 0) {
		return rc;
	}
	sorter->heap = vst_calloc(sorter->run_count, sizeof *sorter->heap);
	if (!sorter->heap)
		return vst_err_nomem(err);
	if (sorter->share == 0)
		sorter->share = sorter->capacity / sorter->run_count;
	for (size_t i = 0; i < sorter->run_count; i++) {
		if (sorter->scratch && (rc = refill(sorter, i, err)) != 0)
			return rc;
		if (sorter->runs[i].filled > 0)
			sorter->heap[sorter->heap_count++] = i;
	}
	for (size_t at = sorter->heap_count / 2; at-- > 0;)
		sift_down(sorter, at);
	return 0;
}

/* Steps over the entry that was given out. */
static int step(struct vst_sorter *sorter, struct vst_err *err)
{
	size_t at = sorter->heap[0];
	struct run *run = &sorter->runs[at];
	int rc;
	run->at++;
	if (run->at == run->filled && run->next < run->end && (rc = refill(sorter, at, err)) != 0)
		return rc;
	if (run->at == run->filled)
		sorter->heap[0] = sorter->heap[--sorter->heap_count];
	if (sorter->heap_count > 0)
		sift_down(sorter, 0);
	return 0;
}

int vst_sorter_next(struct vst_sorter *sorter, const uint8_t **ret_entry, struct vst_err *err)
{
	int rc;
	if (sorter->given && (rc = step(sorter, err)) != 0)
		return rc;
	sorter->given = sorter->heap_count > 0;
	*ret_entry = sorter->given ? first_of(sorter, sorter->heap[0]) : NULL;
	return 0;
}
