/*
 * Holes in a series of snapshots: a night on which none was made, and one that was begun and never finished.
 * Who watches a host every night must hear of the night when nobody watched; whoever hides something from the
 * next snapshot begins with stopping it.
 *
 * The cadence is taken from the series itself: the median of the last intervals. So nothing needs to be
 * configured, and nothing is said of a case that is no series.
 */
#ifndef VESTIGE_SERIES_HOLES_H
#define VESTIGE_SERIES_HOLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;
struct vst_case;

#define VST_SERIES_INTERVALS_LEAST 3 /* fewer say nothing about what is usual */
#define VST_SERIES_INTERVALS 7       /* that are looked at: a change of the calendar is believed after four */
/* Snapshots closer than this to the one before belong to the same night: somebody tried something out. Units:
 * ns. */
#define VST_SERIES_APART (INT64_C(10) * 60 * 1000 * 1000 * 1000)

/* An exhibit that the log names, in the log's order. */
struct vst_series_point {
	uint64_t number;
	int64_t time; /* when it was begun; ns */
	bool is_sealed;
	bool in_series; /* its time tells of the cadence */
};

enum vst_series_hole_kind {
	VST_HOLE_NUMBERS, /* used up by snapshots that were never sealed nor recorded */
	VST_HOLE_GAP,     /* between two snapshots */
	VST_HOLE_LATE,    /* since the newest one */
};

struct vst_series_hole {
	enum vst_series_hole_kind kind;
	size_t before;        /* it lies before this point; the number of points: behind them all */
	uint64_t first, last; /* NUMBERS: which */
	uint64_t from_number; /* GAP, LATE: the exhibit that it follows */
	int64_t from, to;     /* GAP, LATE: between these times; ns */
	int64_t usual;        /* GAP, LATE: the interval that was to be expected; ns */
};

/*
 * Finds them, in order of `before`, numbers before gaps. `next` is a number above all that were used up, 0:
 * one above the highest of the points. A gap is more than 1.6 times the usual interval; clocks that went
 * backwards make none. Owns: the caller frees *ret (NULL if there are none). VST_ENOMEM.
 */
int vst_series_holes(const struct vst_series_point *points, size_t count, uint64_t next, int64_t now,
        struct vst_series_hole **ret, size_t *ret_count, struct vst_err *err);

/*
 * Those of a case, as of `now`. A number whose unfinished file lies in exhibits/ is one of them if `begun` is
 * true; that of a snapshot which is running, or waits to be recorded, never is. The points are the exhibits
 * of the log, in order.
 */
int vst_case_holes(const struct vst_case *c, bool begun, int64_t now, struct vst_series_hole **ret,
        size_t *ret_count, struct vst_err *err);

/* What happened, for people: "no snapshot for 2 d 3 h (usual: 1 d)", "EX0007 was begun and never finished". */
#define VST_SERIES_HOLE_TEXT 160
void vst_series_hole_text(const struct vst_series_hole *hole, char ret_text[VST_SERIES_HOLE_TEXT]);

#endif
