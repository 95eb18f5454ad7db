/* What the serial numbers of the audit system's records tell, over all files of an exhibit together. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/audit_facts.h"
#include "compare/facts_read.h"
#include "compare/serial_set.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define REORDERED 64 /* serials at the very end, of which some may still be on their way */
#define RANGES_TOLD 16
#define NEAR_MS INT64_C(1000)
#define STOPPING_MS INT64_C(60000)
#define NS_PER_MS INT64_C(1000000)
#define TIME_MAX_MS (INT64_MAX / NS_PER_MS)

struct boot {
	struct vst_serial_set set;
	int64_t first, last; /* ms */
};

struct mark {
	int64_t time;
	int kind;
	uint64_t serial;
	size_t owner;
};

/* All facts of one exhibit. */
struct all {
	const struct vst_observed_set *items;
	struct boot *boots;
	size_t boot_count, boot_cap;
	struct mark *marks;
	size_t mark_count, mark_cap;
	uint64_t lost;
};

/* ---- facts ---- */

/* Times that a record can have: facts may hold anything. */
static int64_t time_at(const json_t *array, size_t index)
{
	int64_t time = vst_facts_at(array, index, 0);
	return time < 0 ? 0 : time > TIME_MAX_MS ? TIME_MAX_MS : time;
}

static bool read_range(const json_t *from, size_t owner, struct vst_serial_range *ret)
{
	int64_t low = vst_facts_at(from, 0, -1), high = vst_facts_at(from, 1, -1);
	if (low < 0 || high < low)
		return false;
	*ret = (struct vst_serial_range){
	        .from = (uint64_t)low,
	        .to = (uint64_t)high,
	        .first = time_at(from, 2),
	        .last = time_at(from, 3),
	        .owner = owner,
	};
	return true;
}

static int read_boot(struct all *all, const json_t *from, size_t owner, struct vst_err *err)
{
	const json_t *ranges = vst_facts_array(from, "ranges");
	size_t count = json_array_size(ranges);
	struct boot *boots = vst_grow(all->boots, all->boot_count, &all->boot_cap, sizeof *boots);
	if (!boots)
		return vst_err_nomem(err);
	all->boots = boots;
	struct boot boot = {.set.grain = vst_facts_uint(from, "grain")};
	boot.set.ranges = vst_calloc(count + 1, sizeof *boot.set.ranges);
	if (!boot.set.ranges)
		return vst_err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct vst_serial_range *to = &boot.set.ranges[boot.set.count];
		if (!read_range(json_array_get(ranges, i), owner, to))
			continue;
		boot.first = boot.set.count == 0 || to->first < boot.first ? to->first : boot.first;
		boot.last = boot.set.count == 0 || to->last > boot.last ? to->last : boot.last;
		boot.set.count++;
	}
	if (boot.set.count == 0) {
		free(boot.set.ranges);
		return 0;
	}
	vst_serial_set_join(&boot.set);
	all->boots[all->boot_count++] = boot;
	return 0;
}

static int read_marks(struct all *all, const json_t *from, size_t owner, struct vst_err *err)
{
	for (size_t i = 0; i < json_array_size(from); i++) {
		const json_t *mark = json_array_get(from, i);
		struct mark *marks = vst_grow(all->marks, all->mark_count, &all->mark_cap, sizeof *marks);
		if (!marks)
			return vst_err_nomem(err);
		all->marks = marks;
		marks[all->mark_count++] = (struct mark){
		        .time = time_at(mark, 0),
		        .kind = (int)vst_facts_at(mark, 1, 0),
		        .serial = (uint64_t)vst_facts_at(mark, 2, 0),
		        .owner = owner,
		};
	}
	return 0;
}

static int read_item(struct all *all, size_t index, struct vst_err *err)
{
	json_t *facts;
	int rc = vst_facts_read(all->items->items[index].facts, all->items->items[index].len, &facts, err);
	if (rc != 0 || !facts)
		return rc;
	const json_t *boots = vst_facts_array(facts, "boots");
	for (size_t i = 0; rc == 0 && i < json_array_size(boots); i++)
		rc = read_boot(all, json_array_get(boots, i), index, err);
	if (rc == 0)
		rc = read_marks(all, vst_facts_array(facts, "marks"), index, err);
	uint64_t lost = vst_facts_uint(facts, "lost");
	if (lost > all->lost)
		all->lost = lost;
	json_decref(facts);
	return rc;
}

/* ---- boots of all files ---- */

static int by_time(const void *a, const void *b)
{
	const struct boot *x = a, *y = b;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->set.ranges[0].from > y->set.ranges[0].from) -
	       (x->set.ranges[0].from < y->set.ranges[0].from);
}

static uint64_t lowest(const struct boot *boot)
{
	return boot->set.ranges[0].from;
}

static uint64_t highest(const struct boot *boot)
{
	return boot->set.ranges[boot->set.count - 1].to;
}

/* `next` begins no earlier than `boot`. Numbers that go on are of the same boot, and so are those of the same
 * time: a copy. */
static bool is_same_boot(const struct boot *boot, const struct boot *next)
{
	return next->first <= boot->last + NEAR_MS || lowest(next) > highest(boot);
}

static int append(struct boot *boot, struct boot *next, struct vst_err *err)
{
	size_t count = boot->set.count + next->set.count;
	struct vst_serial_range *ranges = vst_realloc(boot->set.ranges, count, sizeof *ranges);
	if (!ranges)
		return vst_err_nomem(err);
	memcpy(ranges + boot->set.count, next->set.ranges, next->set.count * sizeof *ranges);
	boot->set.ranges = ranges;
	boot->set.count = boot->set.cap = count;
	boot->last = next->last > boot->last ? next->last : boot->last;
	boot->set.grain = next->set.grain > boot->set.grain ? next->set.grain : boot->set.grain;
	vst_serial_set_join(&boot->set);
	vst_serial_set_free(&next->set);
	return 0;
}

static int read_all(struct all *all, const struct vst_observed_set *items, struct vst_err *err)
{
	int rc = 0;
	*all = (struct all){.items = items};
	for (size_t i = 0; rc == 0 && items && i < items->count; i++)
		rc = read_item(all, i, err);
	if (rc != 0 || all->boot_count == 0)
		return rc;
	qsort(all->boots, all->boot_count, sizeof *all->boots, by_time);
	size_t kept = 0;
	for (size_t i = 1; rc == 0 && i < all->boot_count; i++) {
		if (is_same_boot(&all->boots[kept], &all->boots[i])) {
			rc = append(&all->boots[kept], &all->boots[i], err);
		} else if (++kept != i) {
			all->boots[kept] = all->boots[i];
			all->boots[i] = (struct boot){0};
		}
	}
	if (rc == 0)
		all->boot_count = kept + 1;
	return rc;
}

static void free_all(struct all *all)
{
	for (size_t i = 0; i < all->boot_count; i++)
		vst_serial_set_free(&all->boots[i].set);
	free(all->boots);
	free(all->marks);
}

/* ---- gaps ---- */

enum class {
	GONE,      /* the earlier exhibit had them */
	MISSING,   /* nobody has */
	EXPLAINED, /* nobody has, and the daemon was stopped or started in between */
	CLASSES
};

struct piece {
	uint64_t from, to;
};

struct group {
	uint64_t numbers, piece_count;
	struct piece pieces[RANGES_TOLD];
	int64_t since, until; /* ms: of the records around all of it */
	size_t before, after; /* owners */
	bool has_before;
};

struct judging {
	const struct all *before, *after;
	const struct vst_finding_sink *findings;
	struct group groups[CLASSES];
};

static void add_piece(struct group *group, uint64_t from, uint64_t to, const struct vst_serial_range *low,
        const struct vst_serial_range *high)
{
	if (group->piece_count == 0 || low->last < group->since)
		group->since = low->last;
	if (group->piece_count == 0 || high->first > group->until)
		group->until = high->first;
	if (group->piece_count == 0)
		group->after = low->owner;
	if (group->piece_count < RANGES_TOLD)
		group->pieces[group->piece_count] = (struct piece){from, to};
	group->piece_count++;
	group->numbers += to - from + 1;
}

static bool daemon_between(const struct all *all, int64_t since, int64_t until)
{
	for (size_t i = 0; i < all->mark_count; i++)
		if (all->marks[i].kind != VST_AUDIT_DISABLED && all->marks[i].time >= since - NEAR_MS &&
		        all->marks[i].time <= until + NEAR_MS)
			return true;
	return false;
}

/* The earlier exhibit's boot of which this is the continuation. */
static const struct boot *earlier(const struct all *before, const struct boot *boot)
{
	for (size_t i = 0; i < before->boot_count; i++) {
		const struct boot *b = &before->boots[i];
		if (b->first <= boot->last && b->last >= boot->first && lowest(b) <= highest(boot) &&
		        highest(b) >= lowest(boot))
			return b;
	}
	return NULL;
}

static void piece_of_nobody(struct judging *j, uint64_t from, uint64_t to, const struct vst_serial_range *low,
        const struct vst_serial_range *high)
{
	bool explained = daemon_between(j->after, low->last, high->first);
	add_piece(&j->groups[explained ? EXPLAINED : MISSING], from, to, low, high);
}

/* The part of a gap that lies where the earlier exhibit had records: what it had is gone, what it had not is
 * known. */
static void compare_gap(struct judging *j, const struct vst_serial_set *old, uint64_t from, uint64_t to,
        const struct vst_serial_range *low, const struct vst_serial_range *high)
{
	struct group *gone = &j->groups[GONE];
	for (size_t i = 0; i < old->count; i++) {
		const struct vst_serial_range *range = &old->ranges[i];
		uint64_t first = range->from > from ? range->from : from;
		uint64_t last = range->to < to ? range->to : to;
		if (first > last || last - first + 1 <= old->grain)
			continue;
		if (!gone->has_before)
			gone->before = range->owner;
		gone->has_before = true;
		add_piece(gone, first, last, low, high);
	}
	/* At the very end of the earlier exhibit some were still on their way: that they never came is new. */
	uint64_t end = old->ranges[old->count - 1].to;
	for (size_t i = 1; i < old->count; i++) {
		uint64_t first = old->ranges[i - 1].to + 1, last = old->ranges[i].from - 1;
		first = first > from ? first : from;
		last = last < to ? last : to;
		if (first <= last && end - last < REORDERED)
			piece_of_nobody(j, first, last, low, high);
	}
}

static void judge_gap(struct judging *j, const struct boot *boot, size_t index, const struct boot *old)
{
	const struct vst_serial_range *low = &boot->set.ranges[index - 1], *high = &boot->set.ranges[index];
	uint64_t from = low->to + 1, to = high->from - 1;
	if (highest(boot) - to < REORDERED && to - from < REORDERED / 4 &&
	        boot == &j->after->boots[j->after->boot_count - 1])
		return; /* still on their way, perhaps: the next exhibit tells */
	if (!old) {
		piece_of_nobody(j, from, to, low, high);
		return;
	}
	compare_gap(j, &old->set, from, to, low, high);
	if (from < lowest(old))
		piece_of_nobody(j, from, to < lowest(old) ? to : lowest(old) - 1, low, high);
	if (to > highest(old))
		piece_of_nobody(j, from > highest(old) ? from : highest(old) + 1, to, low, high);
}

/* ---- findings ---- */

static void write_details(const struct group *group, const struct all *all, struct vst_buf *out)
{
	struct vst_json json = vst_json_begin(out);
	vst_json_object(&json);
	vst_json_key(&json, "serials");
	vst_json_uint(&json, group->numbers <= INT64_MAX ? group->numbers : INT64_MAX);
	vst_json_key(&json, "gaps");
	vst_json_uint(&json, group->piece_count);
	vst_json_key(&json, "ranges");
	vst_json_array(&json);
	for (size_t i = 0; i < group->piece_count && i < RANGES_TOLD; i++) {
		vst_json_array(&json);
		vst_json_uint(&json, group->pieces[i].from);
		vst_json_uint(&json, group->pieces[i].to);
		vst_json_end(&json);
	}
	vst_json_end(&json);
	vst_json_key(&json, "since");
	vst_json_time(&json, group->since * NS_PER_MS);
	vst_json_key(&json, "until");
	vst_json_time(&json, group->until * NS_PER_MS);
	vst_json_key(&json, "lost_by_kernel");
	vst_json_uint(&json, all->lost);
	vst_json_end(&json);
}

static void place(struct vst_finding *finding, const struct all *all, size_t owner)
{
	const struct vst_observed *item = &all->items->items[owner];
	finding->source = item->item->source;
	finding->path = item->item->path;
	finding->after = item->place;
}

static int tell(struct judging *j, enum class class, struct vst_err *err)
{
	static const char *const rules[] = {
	        "audit_records_gone", "audit_serials_missing", "audit_serials_missing"};
	static const char *const innocents[] = {NULL,
	        "the kernel lost records under load, or the disk was full, and told it nowhere that was "
	        "collected",
	        "auditd was stopped, restarted or upgraded, and nobody wrote meanwhile"};
	const struct group *group = &j->groups[class];
	struct vst_buf details = VST_BUF_INIT;
	char found[200];
	if (group->piece_count == 0)
		return 0;
	struct vst_finding finding = {
	        .rule = rules[class],
	        .severity = class == EXPLAINED ? VST_SEVERITY_LOW : VST_SEVERITY_HIGH,
	        .expected = class == GONE ? "the records that the earlier exhibit has, as long as older and "
	                                    "newer ones are there"
	                                  : "serial numbers of the audit system's events without a gap from "
	                                    "one start of the kernel to the next",
	        .found = found,
	        .innocent = innocents[class],
	};
	bool in_counter = class == MISSING && group->numbers <= j->after->lost;
	if (in_counter) {
		finding.severity = VST_SEVERITY_MEDIUM;
		finding.innocent = "the kernel told that it lost at least as many records";
	}
	snprintf(found, sizeof found, "%" PRIu64 " serial numbers from %" PRIu64 " on are %s", group->numbers,
	        group->pieces[0].from, class == GONE ? "gone" : "missing between records that are there");
	place(&finding, j->after, group->after);
	if (class == GONE)
		finding.before = j->before->items->items[group->before].place;
	write_details(group, j->after, &details);
	int rc = vst_buf_check(&details, err);
	finding.details = (const char *)details.data;
	finding.details_len = details.len;
	if (rc == 0)
		rc = j->findings->take(j->findings->ctx, &finding, err);
	vst_buf_free(&details);
	return rc;
}

static int judge_boot(struct judging *j, const struct boot *boot, struct vst_err *err)
{
	const struct boot *old = earlier(j->before, boot);
	int rc = 0;
	memset(j->groups, 0, sizeof j->groups);
	for (size_t i = 1; i < boot->set.count; i++)
		judge_gap(j, boot, i, old);
	for (int class = 0; rc == 0 && class < CLASSES; class ++)
		rc = tell(j, class, err);
	return rc;
}

/* ---- marks ---- */

static bool was_known(const struct all *before, const struct mark *mark)
{
	for (size_t i = 0; i < before->mark_count; i++)
		if (before->marks[i].kind == mark->kind && before->marks[i].time == mark->time &&
		        before->marks[i].serial == mark->serial)
			return true;
	return false;
}

/* Some hosts disable auditing whenever the daemon is stopped (audit-stop.rules). */
static bool is_stopping(const struct all *all, const struct mark *mark)
{
	for (size_t i = 0; i < all->mark_count; i++)
		if (all->marks[i].kind == VST_AUDIT_DAEMON_END &&
		        llabs(all->marks[i].time - mark->time) < STOPPING_MS)
			return true;
	return false;
}

/* The last that the daemon says is that it ended, and the host was not started since. */
static bool ended_for_good(const struct all *all, const struct mark *mark)
{
	int64_t boot_time = all->items->boot_time;
	if (boot_time != VST_TIME_NONE && boot_time / NS_PER_MS > mark->time)
		return false;
	for (size_t i = 0; i < all->mark_count; i++)
		if (all->marks[i].time > mark->time)
			return false;
	for (size_t i = 0; i < all->boot_count; i++)
		if (all->boots[i].last > mark->time + STOPPING_MS)
			return false;
	return true;
}

static int judge_mark(struct judging *j, const struct mark *mark, struct vst_err *err)
{
	char time[VST_TIME_TEXT], found[160];
	struct vst_finding finding = {.severity = VST_SEVERITY_MEDIUM, .found = found};
	const char *what;
	if (was_known(j->before, mark))
		return 0;
	if (mark->kind == VST_AUDIT_DISABLED) {
		finding.rule = "audit_disabled";
		finding.expected = "auditing stays on";
		finding.innocent = "an administrator turned it off, or rules for the end of the daemon do "
		                   "(audit-stop.rules)";
		what = "auditing was disabled";
		if (is_stopping(j->after, mark))
			finding.severity = VST_SEVERITY_LOW;
	} else if (mark->kind == VST_AUDIT_DAEMON_ABORT) {
		finding.rule = "audit_daemon_aborted";
		finding.expected = "the audit daemon runs on";
		finding.innocent = "an error in its configuration";
		what = "the audit daemon gave up";
	} else if (mark->kind == VST_AUDIT_DAEMON_END && ended_for_good(j->after, mark)) {
		finding.rule = "audit_daemon_stopped";
		finding.expected = "the audit daemon runs";
		finding.innocent = "it was being restarted while the snapshot ran";
		what = "the audit daemon was stopped and not started again";
	} else {
		return 0;
	}
	vst_time_format(mark->time * NS_PER_MS, time);
	snprintf(found, sizeof found, "%s at %s", what, time);
	place(&finding, j->after, mark->owner);
	return j->findings->take(j->findings->ctx, &finding, err);
}

int vst_audit_judge(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct all old = {0}, new = {0};
	struct judging j = {.before = &old, .after = &new, .findings = findings};
	int rc = read_all(&old, before, err);
	if (rc == 0)
		rc = read_all(&new, after, err);
	for (size_t i = 0; rc == 0 && i < new.boot_count; i++)
		rc = judge_boot(&j, &new.boots[i], err);
	for (size_t i = 0; rc == 0 && i < new.mark_count; i++)
		rc = judge_mark(&j, &new.marks[i], err);
	free_all(&old);
	free_all(&new);
	return rc;
}
