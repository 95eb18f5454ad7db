#include "compare/judging.h"

#include <stdlib.h>
#include <string.h>

#include "compare/facts_member.h"
#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/mem.h"

/* ---- the gate ---- */

static uint64_t *count_of(struct findings_gate *gate, const char *rule)
{
	for (size_t i = 0; i < gate->rule_count; i++)
		if (strcmp(gate->rules[i].rule, rule) == 0)
			return &gate->rules[i].count;
	if (gate->rule_count == FINDING_RULES_MAX)
		return NULL;
	char *copy = vst_strdup(rule);
	if (!copy)
		return NULL;
	gate->rules[gate->rule_count].rule = copy;
	gate->rules[gate->rule_count].count = 0;
	return &gate->rules[gate->rule_count++].count;
}

static int pass(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct findings_gate *gate = ctx;
	uint64_t *count = count_of(gate, finding->rule);
	gate->result->findings[finding->severity]++;
	if (count && (*count)++ >= VST_FINDINGS_PER_RULE) {
		gate->result->findings_left_out++;
		return 0;
	}
	return gate->to.take(gate->to.ctx, finding, err);
}

struct vst_finding_sink findings_gate_sink(struct findings_gate *gate)
{
	return (struct vst_finding_sink){pass, gate};
}

void findings_gate_release(struct findings_gate *gate)
{
	for (size_t i = 0; i < gate->rule_count; i++)
		free(gate->rules[i].rule);
	gate->rule_count = 0;
}

/* ---- observations ---- */

/* All items of one exhibit that have facts, with what owns them. */
struct observed_all {
	struct vst_observed *list; /* facts: all observers' together */
	char **texts;
	size_t count, cap;
};

static void free_all(struct observed_all *all)
{
	for (size_t i = 0; i < all->count; i++) {
		vst_item_free((struct vst_item *)(uintptr_t)all->list[i].item);
		free(all->texts[i]);
	}
	free(all->list);
	free(all->texts);
}

static int grow(struct observed_all *all, struct vst_err *err)
{
	size_t cap = all->cap ? all->cap * 2 : 64;
	struct vst_observed *list = vst_realloc(all->list, cap, sizeof *list);
	if (list)
		all->list = list;
	char **texts = list ? vst_realloc(all->texts, cap, sizeof *texts) : NULL;
	if (!texts)
		return vst_err_nomem(err);
	all->texts = texts;
	all->cap = cap;
	return 0;
}

static int load_one(struct vst_series_index *index, uint64_t seq, const struct vst_series_record *record,
        struct observed_all *all, struct vst_err *err)
{
	struct vst_buf facts = VST_BUF_INIT;
	struct vst_item *item = NULL;
	char *text = NULL;
	int rc = all->count == all->cap ? grow(all, err) : 0;
	if (rc == 0)
		rc = vst_series_item(index, record, &item, err);
	if (rc == 0)
		rc = vst_series_line(index, record, NULL, &facts, err);
	if (rc == 0 && !(text = vst_memdup(facts.data, facts.len)))
		rc = vst_err_nomem(err);
	if (rc == 0) {
		all->texts[all->count] = text;
		all->list[all->count++] = (struct vst_observed){.place = {vst_series_exhibit(index), seq},
		        .item = item,
		        .facts = text,
		        .len = facts.len};
		item = NULL;
	}
	vst_item_free(item);
	vst_buf_free(&facts);
	return rc;
}

static int load_all(const struct vst_compare_side *side, struct observed_all *all, struct vst_err *err)
{
	struct vst_series_record record;
	int rc = 0;
	uint64_t seqs = vst_series_seqs(side->index);
	for (uint64_t seq = 0; rc == 0 && seq < seqs; seq++)
		if (vst_series_at(side->index, seq, &record) && record.facts_len > 0)
			rc = load_one(side->index, seq, &record, all, err);
	return rc;
}

static bool member_of(const struct vst_observed *all, const char *name, struct vst_observed *ret)
{
	size_t at, len;
	if (!facts_member(all->facts, all->len, name, &at, &len))
		return false;
	*ret = (struct vst_observed){all->place, all->item, all->facts + at, len};
	return true;
}

/* The set of one observer, as a list of its own. */
static int select_set(const struct observed_all *all, const struct vst_compare_side *side, const char *name,
        struct vst_observed_set *ret, struct vst_observed **ret_list, struct vst_err *err)
{
	struct vst_observed *list = vst_calloc(all->count + 1, sizeof *list);
	*ret_list = list;
	if (!list)
		return vst_err_nomem(err);
	*ret = (struct vst_observed_set){.items = list, .time = side->time, .boot_time = side->boot_time};
	memcpy(ret->boot_id, side->boot_id, sizeof ret->boot_id);
	for (size_t i = 0; i < all->count; i++)
		if (member_of(&all->list[i], name, &list[ret->count]))
			ret->count++;
	return 0;
}

static int judge_one(const struct vst_observer *observer, const struct vst_compare_side *before_side,
        const struct observed_all *before, const struct vst_compare_side *after_side,
        const struct observed_all *after, const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct vst_observed_set before_set, after_set;
	struct vst_observed *before_list = NULL, *after_list = NULL;
	int rc = select_set(after, after_side, observer->name, &after_set, &after_list, err);
	if (rc == 0 && before_side)
		rc = select_set(before, before_side, observer->name, &before_set, &before_list, err);
	if (rc == 0 && (after_set.count > 0 || (before_side && before_set.count > 0)))
		rc = observer->judge(before_side ? &before_set : NULL, &after_set, findings, err);
	free(before_list);
	free(after_list);
	return rc;
}

int judge_observations(const struct vst_compare_side *before, const struct vst_compare_side *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct observed_all before_all = {0}, after_all = {0};
	int rc = load_all(after, &after_all, err);
	if (rc == 0 && before)
		rc = load_all(before, &before_all, err);
	for (const struct vst_observer *const *observer = vst_observers; rc == 0 && *observer; observer++)
		rc = judge_one(*observer, before, &before_all, after, &after_all, findings, err);
	free_all(&before_all);
	free_all(&after_all);
	return rc;
}
