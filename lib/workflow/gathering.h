/*
 * What collectors need, opened once for all sources of a policy, and the process that they run in: for a
 * snapshot and for a dry run.
 */
#ifndef WORKFLOW_GATHERING_H
#define WORKFLOW_GATHERING_H

#include "vestige/case.h"
#include "vestige/collector.h"
#include "vestige/isolated.h"

struct gathering {
	const struct vst_policy *policy;
	const char *root;               /* NULL: this host */
	struct vst_exclusion exclusion; /* the case itself, if there is one */
	struct vst_accounts *accounts;
	/* Still to be set by the caller: content, cancel, progress, digest_key. */
	struct vst_collect_context context;
	struct vst_isolated *isolated; /* the process that collects */
	int private_fd;
};

/* `g` starts zeroed but for context.root_fd and .scratch_fd, which are -1, and is closed by the caller, also
 * after a failure. `c` may be NULL. */
int gathering_open(struct gathering *g, const struct vst_policy *policy, const char *root,
        const struct vst_case *c, struct vst_err *err);
/* A directory in the case's private/ for files that collectors need meanwhile; emptied now and at the end.
 * Holds the snapshot's lock. */
int gathering_scratch(struct gathering *g, const struct vst_case *c, struct vst_err *err);
/* Gives the collectors a process of their own if they need one: while ours has one thread, once all of the
 * context is set. */
int gathering_isolate(struct gathering *g, struct vst_err *err);
/* One source. `seconds` 0: no limit. */
int gathering_collect(struct gathering *g, size_t source, const struct vst_sink *sink, uint64_t seconds,
        struct vst_err *err);
void gathering_close(struct gathering *g);

/* Starts a `struct gathering` that gathering_close() may be given. */
#define GATHERING_INIT                                                                                       \
	{                                                                                                    \
		.context = {.root_fd = -1, .scratch_fd = -1 }                                                \
	}

#endif
