/*
 * Three passes. 1. Every item of `after`, by its place in `before`: what is new or has another inode or
 * content is noted. 2. Every item of `before` that no place of `after` met: where has it gone? 3. Every item
 * of `after` again, and what was removed: now all is known that a change and a rule have to say. Records
 * alone decide what differs; lines are read of what does. Last, what is to be looked for in all of `after`,
 * whatever it is compared with: packages and what observers found.
 */
#include "vestige/compare.h"

#include <stdlib.h>
#include <string.h>

#include "compare/changes.h"
#include "compare/family.h"
#include "compare/judging.h"
#include "compare/lengths.h"
#include "compare/moves.h"
#include "compare/packages_all.h"
#include "compare/rules.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define NOWHERE UINT32_MAX

static const char *const kind_names[VST_CHANGE_KINDS] = {
        "unchanged", "added", "removed", "changed", "moved", "unknown"};

const char *vst_change_kind_name(enum vst_change_kind kind)
{
	return (unsigned)kind < VST_CHANGE_KINDS ? kind_names[kind] : NULL;
}

struct comparison {
	const struct vst_compare_options *options;
	struct vst_compare_result *result;
	struct vst_series_index *before, *after; /* before NULL: none */
	uint64_t before_seqs, after_seqs;
	uint32_t *origin; /* for each seq of after: the seq in before it is compared with, or NOWHERE */
	uint8_t *met;     /* a bit for each seq of before */
	struct vst_moves *moves;
	struct vst_families *families_before, *families_after;
	struct vst_held *held;
	struct findings_gate gate;
};

static void set_met(struct comparison *c, uint64_t seq)
{
	c->met[seq / 8] |= (uint8_t)(1u << (seq % 8));
}

static bool is_met(const struct comparison *c, uint64_t seq)
{
	return c->met[seq / 8] >> (seq % 8) & 1;
}

/* What could not be read looks like what is not there. */
static int check_read(const struct comparison *c, struct vst_err *err)
{
	int rc = c->before ? vst_series_error(c->before, err) : 0;
	return rc == 0 ? vst_series_error(c->after, err) : rc;
}

/* ---- which item is compared with which ---- */

/* A digest by another key is not another content: nothing is known of it. */
static void forget_digest(const struct comparison *c, struct vst_series_record *record)
{
	if (c->options->other_key && record->extent == VST_ITEM_CONTENT_DIGEST)
		memset(record->content, 0, sizeof record->content);
}

static bool record_at(const struct comparison *c, const struct vst_series_index *index, uint64_t seq,
        struct vst_series_record *ret)
{
	if (!vst_series_at(index, seq, ret))
		return false;
	forget_digest(c, ret);
	return true;
}

static int meet(
        struct comparison *c, uint64_t seq, const struct vst_series_record *after, struct vst_err *err)
{
	struct vst_series_record before;
	uint64_t origin;
	if (!vst_series_find_digest(c->before, after->path, &origin, &before))
		return vst_moves_add(c->moves, seq, after, true, err);
	forget_digest(c, &before);
	c->origin[seq] = (uint32_t)origin;
	set_met(c, origin);
	bool other = before.ino != after->ino || before.dev_major != after->dev_major ||
	             before.dev_minor != after->dev_minor ||
	             memcmp(before.content, after->content, VST_HASH_LEN) != 0;
	return other ? vst_moves_add(c->moves, seq, after, false, err) : 0;
}

static int meet_all(struct comparison *c, struct vst_err *err)
{
	struct vst_series_record record;
	int rc = 0;
	for (uint64_t seq = 0; rc == 0 && seq < c->after_seqs; seq++)
		if (record_at(c, c->after, seq, &record))
			rc = meet(c, seq, &record, err);
	/* Ones that are gone from their place, and stand elsewhere now. */
	for (uint64_t seq = 0; rc == 0 && seq < c->before_seqs; seq++) {
		uint64_t to;
		if (is_met(c, seq) || !record_at(c, c->before, seq, &record) ||
		        !vst_moves_take(c->moves, &record, &to))
			continue;
		c->origin[to] = (uint32_t)seq;
		set_met(c, seq);
	}
	return rc == 0 ? check_read(c, err) : rc;
}

/* ---- what is told of a pair ---- */

static int load(struct vst_series_index *index, const struct vst_series_record *record, struct vst_item **ret,
        struct vst_err *err)
{
	return index ? vst_series_item(index, record, ret, err) : 0;
}

static void count(struct comparison *c, const struct vst_pair *pair)
{
	c->result->total.kinds[pair->kind]++;
	if ((pair->kind == VST_CHANGE_CHANGED || pair->kind == VST_CHANGE_MOVED) &&
	        pair->fields & VST_FIELD_CONTENT)
		c->result->total.content++;
}

static void count_digest(struct comparison *c, const struct vst_pair *pair, const char *unknown)
{
	const struct vst_series_record *before = &pair->before_record, *after = &pair->after_record;
	struct vst_compare_digests *digests = &c->result->digests;
	static const uint8_t none[VST_HASH_LEN];
	if (before->extent != VST_ITEM_CONTENT_DIGEST && after->extent != VST_ITEM_CONTENT_DIGEST)
		return;
	if (unknown)
		digests->unknown++;
	else if (memcmp(before->content, after->content, VST_HASH_LEN) != 0)
		digests->changed++;
	else
		digests->unchanged += memcmp(after->content, none, VST_HASH_LEN) != 0;
}

static int tell(struct comparison *c, const struct vst_pair *pair, const char *unknown, struct vst_err *err)
{
	const struct vst_change change = {.kind = pair->kind,
	        .fields = pair->fields,
	        .before = pair->before,
	        .after = pair->after,
	        .before_place = pair->before_place,
	        .after_place = pair->after_place,
	        .unknown = unknown};
	const struct vst_rule_context context = {.before = c->options->before,
	        .after = c->options->after,
	        .findings = findings_gate_sink(&c->gate),
	        .moves = c->moves,
	        .families_before = c->families_before,
	        .families_after = c->families_after,
	        .held = c->held};
	int rc = c->options->change ? c->options->change(c->options->ctx, &change, err) : 0;
	bool judge = c->options->findings.take && pair->kind != VST_CHANGE_UNKNOWN;
	return rc == 0 && judge ? vst_rules_apply(&context, pair, err) : rc;
}

/* An index that leaves digests out has the items' lines all the same. */
static bool has_digest(const struct vst_pair *pair)
{
	uint8_t key[VST_HASH_LEN];
	return vst_series_content_key(pair->before, key) || vst_series_content_key(pair->after, key);
}

static enum vst_change_kind kind_of(const struct vst_pair *pair, bool was, bool is)
{
	if (!was)
		return VST_CHANGE_ADDED;
	if (!is)
		return VST_CHANGE_REMOVED;
	if (memcmp(pair->before_record.path, pair->after_record.path, VST_HASH_LEN) != 0)
		return VST_CHANGE_MOVED;
	return changes_differ(&pair->before_record, &pair->after_record) ? VST_CHANGE_CHANGED
	                                                                 : VST_CHANGE_UNCHANGED;
}

/* Of a pair whose items are loaded. */
static int take_items(struct comparison *c, struct vst_pair *pair, const char *unknown, struct vst_err *err)
{
	bool both = pair->before && pair->after;
	if (unknown && c->options->other_key && pair->after_record.extent == VST_ITEM_CONTENT_DIGEST &&
	        !has_digest(pair))
		unknown = NULL;
	if (pair->kind == VST_CHANGE_UNCHANGED && unknown)
		pair->kind = VST_CHANGE_UNKNOWN;
	if (both) {
		pair->fields =
		        changes_fields(&pair->before_record, pair->before, &pair->after_record, pair->after);
		count_digest(c, pair, unknown);
	}
	count(c, pair);
	return pair->kind == VST_CHANGE_UNCHANGED ? 0 : tell(c, pair, unknown, err);
}

/* `before` or `after` may be NOWHERE. */
static int take_pair(struct comparison *c, uint64_t before, uint64_t after, struct vst_err *err)
{
	struct vst_item *before_item = NULL, *after_item = NULL;
	struct vst_pair pair = {0};
	const char *unknown = NULL;
	int rc = 0;
	bool was = before != NOWHERE && record_at(c, c->before, before, &pair.before_record);
	bool is = after != NOWHERE && record_at(c, c->after, after, &pair.after_record);
	if ((rc = check_read(c, err)) != 0)
		return rc;
	if (!was && !is) /* a record of the exhibit's own */
		return 0;
	pair.kind = kind_of(&pair, was, is);
	if (was && is)
		unknown = changes_unknown(&pair.before_record, &pair.after_record, c->options->other_key);
	if (pair.kind == VST_CHANGE_UNCHANGED && !unknown) {
		count(c, &pair);
		count_digest(c, &pair, NULL);
		return 0;
	}
	if (was) {
		pair.before_place = (struct vst_place){vst_series_exhibit(c->before), before};
		rc = load(c->before, &pair.before_record, &before_item, err);
	}
	if (rc == 0 && is) {
		pair.after_place = (struct vst_place){vst_series_exhibit(c->after), after};
		rc = load(c->after, &pair.after_record, &after_item, err);
	}
	pair.before = before_item;
	pair.after = after_item;
	if (rc == 0)
		rc = take_items(c, &pair, unknown, err);
	vst_item_free(before_item);
	vst_item_free(after_item);
	return rc;
}

static int take_all(struct comparison *c, struct vst_err *err)
{
	int rc = 0;
	for (uint64_t seq = 0; rc == 0 && seq < c->after_seqs; seq++)
		rc = take_pair(c, c->origin[seq], seq, err);
	for (uint64_t seq = 0; rc == 0 && seq < c->before_seqs; seq++)
		if (!is_met(c, seq))
			rc = take_pair(c, seq, NOWHERE, err);
	return rc;
}

/* ---- all of it ---- */

static int prepare(struct comparison *c, struct vst_err *err)
{
	c->before_seqs = vst_series_seqs(c->before);
	c->after_seqs = vst_series_seqs(c->after);
	if (c->before_seqs >= NOWHERE || c->after_seqs >= NOWHERE)
		return vst_err_set(err, VST_ELIMIT, "more items than can be compared");
	c->origin = vst_calloc((size_t)c->after_seqs + 1, sizeof *c->origin);
	c->met = vst_calloc((size_t)(c->before_seqs / 8) + 1, 1);
	if (!c->origin || !c->met)
		return vst_err_nomem(err);
	memset(c->origin, 0xff, ((size_t)c->after_seqs + 1) * sizeof *c->origin);
	int rc = vst_moves_new(&c->moves, err);
	if (rc == 0)
		rc = vst_families_new(c->before, &c->families_before, err);
	if (rc == 0)
		rc = vst_families_new(c->after, &c->families_after, err);
	return rc == 0 ? vst_held_new(c->after, &c->held, err) : rc;
}

int vst_compare(
        const struct vst_compare_options *options, struct vst_compare_result *ret, struct vst_err *err)
{
	struct comparison c = {.options = options,
	        .result = ret,
	        .before = options->before ? options->before->index : NULL,
	        .after = options->after->index,
	        .gate = {.to = options->findings, .result = ret}};
	int rc = 0;
	*ret = (struct vst_compare_result){0};
	if (c.before && (rc = prepare(&c, err)) == 0 && (rc = meet_all(&c, err)) == 0)
		rc = take_all(&c, err);
	if (rc == 0 && options->findings.take) {
		const struct vst_finding_sink sink = findings_gate_sink(&c.gate);
		rc = packages_judge_all(c.before, c.origin, c.after, &sink, err);
		if (rc == 0)
			rc = judge_observations(options->before, options->after, &sink, err);
	}
	if (rc == 0)
		rc = check_read(&c, err);
	free(c.origin);
	free(c.met);
	vst_moves_free(c.moves);
	vst_families_free(c.families_before);
	vst_families_free(c.families_after);
	vst_held_free(c.held);
	findings_gate_release(&c.gate);
	return rc;
}
