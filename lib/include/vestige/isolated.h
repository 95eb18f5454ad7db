/*
 * Collectors in a process of their own, so that what they meet cannot hold up or end the snapshot: a mount
 * that never answers blocks whoever reads it beyond the reach of any signal, and a library that a hostile
 * file makes abort takes its process along.
 *
 *   our process ─ fork ─▶ keeper (no threads, nothing open) ─ fork ─▶ collector process: vst_collect()
 *        ▲                                                                   │
 *        └──────────── shared memory: items, content, questions ◀────────────┘
 *
 * The keeper is forked before any thread exists and makes the collector processes: one, and another where one
 * was given up. When a source's time is over the collector is asked to end it (context->expired); when it
 * does not within VST_ISOLATED_GRACE seconds it is killed and given up: the item at hand ends as truncated,
 * the path that it hung at and the patterns not begun become items, and the next source begins in a new
 * process.
 */
#ifndef VESTIGE_ISOLATED_H
#define VESTIGE_ISOLATED_H

#include "vestige/collector.h"

#define VST_ISOLATED_GRACE 3 /* seconds between being asked and being killed */

struct vst_isolated;

/*
 * Forks the keeper. `context` and `policy` are borrowed and are what they are now for all that follows, but
 * for source_left and exhibit_left, which are counted here. Must be called while the process has one thread.
 */
int vst_isolated_new(struct vst_collect_context *context, const struct vst_policy *policy,
        struct vst_isolated **ret, struct vst_err *err);
void vst_isolated_free(struct vst_isolated *isolated);

/*
 * One source, as vst_collect(). `seconds` 0: no limit. Fails when the sink failed, it was cancelled, or no
 * process could be made; a collector process that failed or died is an item `error` of the source, and what
 * was not collected is said.
 */
int vst_isolated_collect(struct vst_isolated *isolated, size_t source, const struct vst_sink *sink,
        uint64_t seconds, struct vst_err *err);
/* Whether a source's time was over, in any collect so far. */
bool vst_isolated_expired(const struct vst_isolated *isolated);
/* Nanoseconds of processor time that the collector processes have used so far. */
uint64_t vst_isolated_cpu(const struct vst_isolated *isolated);

#endif
