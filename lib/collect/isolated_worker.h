/*
 * The two ends of the channel agree on these. isolated_worker.c is the collector process, isolated.c ours.
 */
#ifndef COLLECT_ISOLATED_WORKER_H
#define COLLECT_ISOLATED_WORKER_H

#include "collect/isolated_ring.h"
#include "vestige/collector.h"

/* Messages of the ring. */
enum isolated_message {
	ISOLATED_MORE = 1, /* the beginning of a payload longer than a message: the rest follows */
	ISOLATED_BEGIN,    /* an item */
	ISOLATED_DATA,     /* content */
	ISOLATED_END,      /* an item; no answer */
	ISOLATED_END_LEAF, /* an item; answered by its leaf */
	ISOLATED_ITEM,     /* an item and what it links to; no answer */
	ISOLATED_ITEM_LEAF,
	ISOLATED_HAS,     /* a path; answered by 0 or 1 */
	ISOLATED_AGAIN,   /* empty: is the item that was ended wanted once more? answered by 0 or 1 */
	ISOLATED_FINDING, /* a line for the screen */
	ISOLATED_DONE,    /* empty: the source is finished; else a struct vst_err */
};

/* What the collector process is told: on its socket, one datagram a source. */
struct isolated_task {
	uint32_t source;
	uint64_t exhibit_left, source_left;
};

/* The life of a collector process: tasks from `tasks` until it is closed. Does not return. */
_Noreturn void isolated_work(
        struct ring *ring, int tasks, struct vst_collect_context *context, const struct vst_policy *policy);

#endif
