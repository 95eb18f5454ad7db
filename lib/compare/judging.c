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
	struct vst_observed *list; /* facts: all observers' together; 0 bytes: they are not to be compared */
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
	uint64_t seq, count = vst_series_listed(side->index, VST_SERIES_WITH_FACTS);
	for (uint64_t i = 0; rc == 0 && i < count; i++)
		if (vst_series_listed_at(side->index, VST_SERIES_WITH_FACTS, i, &seq, &record))
			rc = load_one(side->index, seq, &record, all, err);
	return rc;
}

static bool is_kept(const struct vst_observed *observed)
{
	size_t at, len;
	return observed->len > 0 && facts_member(observed->facts, observed->len, FACTS_KEPT, &at, &len);
}

/* What the later exhibit only kept tells nothing of it: as if there were none. */
static void forget_kept(struct observed_all *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (is_kept(&all->list[i]))
			all->list[i].len = 0;
}

static bool member_of(const struct vst_observed *all, const char *name, struct vst_observed *ret)
{
	size_t at, len;
	if (all->len == 0 || !facts_member(all->facts, all->len, name, &at, &len))
		return false;
	*ret = (struct vst_observed){all->place, all->item, all->facts + at, len};
	return true;
}

/* ---- what nobody looked into any more ---- */

static const struct vst_observed *at_seq(const struct observed_all *all, uint64_t seq)
{
	size_t low = 0, high = all->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (all->list[middle].place.seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < all->count && all->list[low].place.seq == seq ? &all->list[low] : NULL;
}

/* Whether some observer's facts are in the earlier exhibit and not in the later. */
static bool lacks_facts(const struct vst_observed *was, const struct vst_observed *is)
{
	struct vst_observed member;
	for (const struct vst_observer *const *observer = vst_observers; *observer; observer++)
		if (member_of(was, (*observer)->name, &member) &&
		        (!is || !member_of(is, (*observer)->name, &member)))
			return true;
	return false;
}

static const char *why_not(const struct vst_item *item)
{
	if (item->is_hardlink)
		return "it is a hard link now, and its content was read under another name, for which nobody "
		       "looked into it";
	if (item->has_whole && item->whole.trusted)
		return "it was not read, because its size, inode and times are as they were";
	switch (item->status) {
	case VST_ITEM_DENIED:
		return "reading it was refused";
	case VST_ITEM_TRUNCATED:
	case VST_ITEM_EXCLUDED:
		return "a limit or rule of the policy left it out or cut it";
	case VST_ITEM_ERROR:
		return "it could not be read to its end";
	default:
		return item->content == VST_ITEM_CONTENT_FULL
		               ? "it is there, and nothing of its content is known"
		               : "the policy does not ask for its content any more";
	}
}

static int tell_unobserved(const struct vst_observed *was, const struct vst_item *item,
        const struct vst_place *place, const struct vst_finding_sink *findings, struct vst_err *err)
{
	bool wanted_so = item->content != VST_ITEM_CONTENT_FULL || (item->has_whole && item->whole.trusted) ||
	                 (item->status == VST_ITEM_EXCLUDED && item->rule &&
	                         strncmp(item->rule, "exclude: ", strlen("exclude: ")) == 0);
	const struct vst_finding finding = {
	        .rule = "content_not_observed",
	        .severity = wanted_so ? VST_SEVERITY_INFO : VST_SEVERITY_MEDIUM,
	        .source = item->source,
	        .path = item->path,
	        .before = was->place,
	        .after = *place,
	        .expected = "content that can be compared with that of the earlier exhibit",
	        .found = why_not(item),
	        .innocent = "other permissions, a limit that was reached, a disk that fails, or a backup "
	                    "that makes hard links",
	};
	return findings->take(findings->ctx, &finding, err);
}

/* One item of the earlier exhibit. Of what is there and was not looked into it is not known what is gone: its
 * facts are not compared. */
static int look_for(struct vst_observed *was, struct vst_series_index *index,
        const struct observed_all *after, const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct vst_series_record record;
	struct vst_item *item = NULL;
	uint8_t path[VST_HASH_LEN];
	uint64_t seq;
	vst_item_path_digest(was->item->source, was->item->path, path);
	if (!vst_series_find_digest(index, path, &seq, &record) || record.status == VST_ITEM_ABSENT ||
	        record.status == VST_ITEM_VANISHED || !lacks_facts(was, at_seq(after, seq)))
		return 0;
	const struct vst_place place = {vst_series_exhibit(index), seq};
	int rc = vst_series_item(index, &record, &item, err);
	if (rc == 0 && !is_kept(was)) /* else it was told when it began */
		rc = tell_unobserved(was, item, &place, findings, err);
	/* Something else in its place, a link to /dev/null, is no file that could not be read. */
	if (rc == 0 && (item->type == was->item->type || item->type == VST_ITEM_UNKNOWN))
		was->len = 0;
	vst_item_free(item);
	return rc;
}

static int look_for_all(struct observed_all *before, struct vst_series_index *index,
        const struct observed_all *after, const struct vst_finding_sink *findings, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < before->count; i++)
		rc = look_for(&before->list[i], index, after, findings, err);
	return rc;
}

/* ---- judging ---- */

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
	forget_kept(&after_all);
	if (rc == 0 && before)
		rc = load_all(before, &before_all, err);
	if (rc == 0 && before)
		rc = look_for_all(&before_all, after->index, &after_all, findings, err);
	for (const struct vst_observer *const *observer = vst_observers; rc == 0 && *observer; observer++)
		rc = judge_one(*observer, before, &before_all, after, &after_all, findings, err);
	free_all(&before_all);
	free_all(&after_all);
	return rc;
}
