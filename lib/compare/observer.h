/*
 * Observers: code that reads the content of one kind of evidence as it passes and keeps a few facts of it, so
 * that two exhibits can be compared by what their files say. A snapshot has the earlier exhibit's facts in
 * private/ (it cannot open that exhibit); `diff` makes them again from the contents of both.
 *
 *     content ─▶ open, data…, close ─▶ facts (a JSON object)
 *     all facts before, all facts after ─▶ judge ─▶ findings
 *
 * To add one: lib/compare/observe_<kind>.c with one `const struct vst_observer vst_observe_<kind>`, its line
 * in observers.c, its words in vestige-findings(7), a unit test and a fuzz target. Observers do not include
 * each other.
 *
 * Content comes from a hostile host: bounded memory whatever the size of the file, no recursion, no
 * backtracking, every count capped by a named constant and the cap told in the facts ("cut":true). A file
 * that is not what its name says gives facts that say so, and never an error: observers fail for want of
 * memory only.
 *
 * Facts are deterministic: the same bytes give the same facts. They hold what findings need and no secrets
 * (no password hashes).
 */
#ifndef COMPARE_OBSERVER_H
#define COMPARE_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/buf.h"
#include "vestige/finding.h"
#include "vestige/manifest.h"

#define VST_FACTS_MAX (256 * 1024) /* bytes of one item's facts */

/* The facts of one item. Borrowed. */
struct vst_observed {
	struct vst_place place;
	const struct vst_item *item; /* its manifest line, parsed: source, path, metadata */
	const char *facts;           /* JSON as json.h writes it, not ended by NUL */
	size_t len;
};

/* All items of one observer in one exhibit, in the order of the exhibit. */
struct vst_observed_set {
	const struct vst_observed *items;
	size_t count;
	int64_t time;      /* when the snapshot began, ns UTC */
	int64_t boot_time; /* when the host had started, ns UTC; VST_TIME_NONE: unknown */
	char boot_id[40];  /* empty: unknown */
};

struct vst_observer {
	const char *name; /* a fixed word; the prefix of nothing else's */
	/* By source, path and type alone: an item of status collected, changed, unchanged or tail that has
	   content. Cheap: asked for every item of a snapshot. */
	bool (*wants)(const struct vst_item *item);
	/* One item's content: open, data in order of rising offset (holes of a sparse file are not given:
	   offsets jump), close, which appends one JSON object of at most VST_FACTS_MAX bytes; free in every
	   case. */
	int (*open)(void **ret_state, const struct vst_item *item, struct vst_err *err);
	int (*data)(void *state, uint64_t offset, const void *bytes, size_t len, struct vst_err *err);
	int (*close)(void *state, struct vst_buf *ret_facts, struct vst_err *err);
	void (*free)(void *state);
	/*
	 * All of `after` against all of `before` (NULL: there is no earlier exhibit; then only what is wrong
	 * inside one is found). Sets, so that a record which moved into a rotated file is found there.
	 * Something that `before` showed already is no new finding.
	 */
	int (*judge)(const struct vst_observed_set *before, const struct vst_observed_set *after,
	        const struct vst_finding_sink *findings, struct vst_err *err);
};

/* observers.c: the table, ended by NULL. */
extern const struct vst_observer *const vst_observers[];

#endif
