#include "compare/serial_set.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"

/* Ranges with at most `grain` numbers between them become one. */
static void merge(struct vst_serial_set *set, uint64_t grain)
{
	size_t kept = 0;
	for (size_t i = 1; i < set->count; i++) {
		struct vst_serial_range *last = &set->ranges[kept];
		const struct vst_serial_range *next = &set->ranges[i];
		if (next->from > last->to && next->from - last->to - 1 > grain) {
			set->ranges[++kept] = *next;
		} else if (next->to > last->to) {
			last->to = next->to;
			last->last = next->last;
			last->owner = next->owner;
		}
	}
	if (set->count > 0)
		set->count = kept + 1;
}

void vst_serial_set_coarsen(struct vst_serial_set *set, size_t max)
{
	while (set->count > max && set->count > 1) {
		set->grain = set->grain == 0 ? 1 : set->grain > UINT64_MAX / 2 ? UINT64_MAX : set->grain * 2;
		merge(set, set->grain);
	}
}

static int by_from(const void *a, const void *b)
{
	const struct vst_serial_range *x = a, *y = b;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

void vst_serial_set_join(struct vst_serial_set *set)
{
	if (set->count > 1)
		qsort(set->ranges, set->count, sizeof *set->ranges, by_from);
	merge(set, 0);
}

/* The first range that ends at `serial` or behind it. */
static size_t place_of(const struct vst_serial_set *set, uint64_t serial)
{
	size_t low = 0, high = set->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (set->ranges[middle].to < serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert(
        struct vst_serial_set *set, size_t place, const struct vst_serial_range *range, struct vst_err *err)
{
	struct vst_serial_range *ranges = vst_grow(set->ranges, set->count, &set->cap, sizeof *ranges);
	if (!ranges)
		return vst_err_nomem(err);
	set->ranges = ranges;
	memmove(&set->ranges[place + 1], &set->ranges[place], (set->count - place) * sizeof *set->ranges);
	set->ranges[place] = *range;
	set->count++;
	if (set->count > VST_SERIAL_RANGES_MAX)
		vst_serial_set_coarsen(set, VST_SERIAL_RANGES_MAX / 2);
	return 0;
}

int vst_serial_set_add(struct vst_serial_set *set, uint64_t serial, int64_t time, struct vst_err *err)
{
	size_t place = set->count;
	/* Mostly it is the last one's or the next one. */
	if (set->count > 0 && set->ranges[set->count - 1].from <= serial)
		place = set->count - (set->ranges[set->count - 1].to >= serial);
	else
		place = place_of(set, serial);
	struct vst_serial_range *next = place < set->count ? &set->ranges[place] : NULL;
	struct vst_serial_range *before = place > 0 ? &set->ranges[place - 1] : NULL;
	if (next && next->from <= serial)
		return 0;
	if (before && serial - before->to == 1) {
		before->to = serial;
		before->last = time;
		if (next && next->from - serial == 1) {
			before->to = next->to;
			before->last = next->last;
			memmove(next, next + 1, (set->count - place - 1) * sizeof *next);
			set->count--;
		}
		return 0;
	}
	if (next && next->from - serial == 1) {
		next->from = serial;
		next->first = time;
		return 0;
	}
	return insert(set, place,
	        &(struct vst_serial_range){.from = serial, .to = serial, .first = time, .last = time}, err);
}

uint64_t vst_serial_set_within(const struct vst_serial_set *set, uint64_t from, uint64_t to)
{
	uint64_t sum = 0;
	for (size_t i = place_of(set, from); i < set->count && set->ranges[i].from <= to; i++) {
		uint64_t low = set->ranges[i].from > from ? set->ranges[i].from : from;
		uint64_t high = set->ranges[i].to < to ? set->ranges[i].to : to;
		sum += high - low + 1;
	}
	return sum;
}

void vst_serial_set_free(struct vst_serial_set *set)
{
	free(set->ranges);
	*set = (struct vst_serial_set){0};
}
