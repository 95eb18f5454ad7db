/*
 * What the facts of the observer `cadence` look like, for the two files that make and judge them.
 *
 * One object; times are seconds since the epoch, as if zoneless ones were UTC; where lines have no year, it
 * is taken from the file's mtime:
 *   format  1
 *   binary  true: no text, and nothing follows
 *   lines   how many there are
 *   timed   of them, those with a time; if it is 0, nothing follows
 *   kind    of most of the first lines: "syslog", "iso", "ctime", "epoch", "access", "audit"
 *   zoned   whether the times have a zone, or need none
 *   dated   false: nobody knows the year
 *   first   the lowest time
 *   last    the highest, but not that of a single line ahead of all others
 *   end     that of the last line that has one
 *   ahead   [n, …] by the power of two (0: below 2 s) of the seconds from the highest time so far to a later
 *           line
 *   back    the same of lines that say an earlier time than the line before
 *   gaps    [[from, to, offset, boot], …] the largest of at least VST_CADENCE_GAP_MIN s, with the offset of
 *           the line behind; boot is 1 where a line near tells of a start or an end of the host. In the order
 *           of their times
 *   steps   [[from, to, offset, boot], …] the same of steps back of at least VST_CADENCE_STEP_MIN s
 *   cut     true: there were more gaps or steps
 */
#ifndef COMPARE_CADENCE_FACTS_H
#define COMPARE_CADENCE_FACTS_H

#include "compare/observer.h"

#define VST_CADENCE_BUCKETS 40
#define VST_CADENCE_LIST_MAX 32
#define VST_CADENCE_GAP_MIN 1800
#define VST_CADENCE_STEP_MIN 60

static inline unsigned vst_cadence_bucket(int64_t seconds)
{
	unsigned bucket = 0;
	for (; seconds >= 2 && bucket < VST_CADENCE_BUCKETS - 1; seconds /= 2)
		bucket++;
	return bucket;
}

/* cadence_judge.c */
int vst_cadence_judge(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err);

#endif
