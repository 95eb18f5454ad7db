/* What only the snapshot itself wants of a plan. */
#ifndef WORKFLOW_ACQUIRE_PLAN_H
#define WORKFLOW_ACQUIRE_PLAN_H

#include "vestige/acquire.h"

/* For the time left on a terminal: bytes to read; untouched where looking takes too long or fails, which is
 * no reason not to collect. */
void acquire_measure(
        const struct vst_acquire_options *options, const struct vst_case *c, uint64_t *ret_bytes);

#endif
