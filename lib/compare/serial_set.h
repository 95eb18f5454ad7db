/*
 * Serial numbers that were seen, as ranges with the times of their ends. Bounded: when there are too many
 * ranges, those that are nearest to each other become one, and `grain` says how many missing numbers between
 * two of them may have gone unseen by that.
 */
#ifndef COMPARE_SERIAL_SET_H
#define COMPARE_SERIAL_SET_H

#include <stddef.h>
#include <stdint.h>

struct vst_err;

#define VST_SERIAL_RANGES_MAX 4096

struct vst_serial_range {
	uint64_t from, to;   /* both are in it */
	int64_t first, last; /* times of these two */
	size_t owner;        /* the caller's */
};

struct vst_serial_set {                  /* zero-initialise */
	struct vst_serial_range *ranges; /* rising, apart */
	size_t count, cap;
	uint64_t grain;
};

/* Errors: VST_ENOMEM. */
int vst_serial_set_add(struct vst_serial_set *set, uint64_t serial, int64_t time, struct vst_err *err);
/* At most `max` ranges, at least 1, from now on. */
void vst_serial_set_coarsen(struct vst_serial_set *set, size_t max);
/* Brings ranges that were put there in any order into order. */
void vst_serial_set_join(struct vst_serial_set *set);
void vst_serial_set_free(struct vst_serial_set *set);

/* How many numbers of from…to are in the set. */
uint64_t vst_serial_set_within(const struct vst_serial_set *set, uint64_t from, uint64_t to);

#endif
