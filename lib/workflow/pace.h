/*
 * Holding a snapshot back, so that the host goes on with its work: a rate of reading, a share of a
 * processor's time, and the priority of input and output. Whoever takes content in asks after each piece, and
 * is delayed by as much as it is ahead.
 *
 * A share is that of one processor, over all our threads and the collector processes. Both limits hold over
 * each second or so: time in which little was done is not saved up for a burst later.
 */
#ifndef WORKFLOW_PACE_H
#define WORKFLOW_PACE_H

#include <stdint.h>

#include "vestige/policy.h"

struct vst_isolated;

struct pace {
	uint64_t read_rate;                  /* bytes a second; 0: none */
	unsigned cpu;                        /* percent; 0: none */
	const struct vst_isolated *isolated; /* whose processor time counts too; NULL: none */
	int64_t rate_from, cpu_from;         /* monotonic ns: from when on it is counted */
	uint64_t bytes;                      /* read since rate_from */
	uint64_t used;                       /* processor ns at cpu_from */
	int64_t checked;                     /* when the processor time was last looked at */
};

/* Starts counting, and sets the priority of this thread's and all later threads' and processes' input and
 * output. */
void pace_start(struct pace *pace, const struct vst_policy_limits *limits);
/* `bytes` more were read (0: none): sleeps as long as that was too fast. */
void pace_keep(struct pace *pace, uint64_t bytes);

#endif
