/*
 * Rules over pairs of items: what an earlier and a later exhibit have at one place, or only one of them.
 *
 * To add one: a function of type vst_rule in rules_<concept>.c, declared below, and its line in the table of
 * rules.c; its word in vestige-findings(7)'s list; a test that plants it. A rule of the table sees pairs that
 * differ, and asks the context for what else it has to know: whether another item has the inode or the content
 * now, what neighbours look like.
 */
#ifndef COMPARE_RULES_H
#define COMPARE_RULES_H

#include <stdbool.h>

#include "vestige/compare.h"

struct vst_moves;
struct vst_families;
struct vst_held;

/* Both sides, for rules that have to look further than their pair. */
struct vst_rule_context {
	const struct vst_compare_side *before, *after; /* before is never NULL */
	struct vst_finding_sink findings;
	struct vst_moves *moves;                                     /* where things are now (moves.h) */
	const struct vst_families *families_before, *families_after; /* logs (family.h) */
	const struct vst_held *held; /* earlier contents that later logs begin with (lengths.h) */
};

struct vst_pair {
	enum vst_change_kind kind;             /* added, removed, changed, moved */
	unsigned fields;                       /* enum vst_change_field, as in the change */
	const struct vst_item *before, *after; /* NULL: none */
	struct vst_place before_place, after_place;
	struct vst_series_record before_record, after_record; /* zeros: none */
};

typedef int vst_rule(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err);

/* A finding of this pair: source, path and places are filled in. */
int vst_rule_find(const struct vst_rule_context *context, const struct vst_pair *pair,
        const struct vst_finding *finding, struct vst_err *err);

/* All rules of the table, on one pair. */
int vst_rules_apply(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err);

/* rules_logs.c: append-only logs that were rewritten, truncated, removed, rotated or replaced. */
vst_rule vst_rule_logs;
/* rules_times.c: what times of files tell that cannot be. */
vst_rule vst_rule_times;
/* rules_persistence.c: new ways to come back: set-id programs, capabilities, jobs, units, preloaded
 * libraries. */
vst_rule vst_rule_persistence;
/* rules_packages.c: files that are not what their package brought. Not in the table: packages_all.h applies it to
 * pairs that do not differ too. Of the context it knows `findings` alone, and the pair has no records. */
vst_rule vst_rule_packages;

#endif
