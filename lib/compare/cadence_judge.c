/*
 * Silence and disorder. A cadence proves nothing by itself: nothing here is worse than medium, and what the
 * host's own times explain is told as less.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/cadence_logs.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/timefmt.h"

#define LINES_MIN 200 /* fewer tell no cadence */
#define SILENCE_MIN 3600
#define SILENCE_TIMES 12 /* as long as 99 of 100 gaps are */
#define BOOT_SLACK 300
#define SAME_SLACK 2
#define SIMILAR_USUAL 3 /* so many gaps nearly as long: it is the log's own way */
#define TOLD_MAX 4      /* of one log */
#define NEWER_SLACK 2
#define STEP_MIN 300
#define SUMMER_MIN 3300
#define SUMMER_MAX 3900
#define SUMMER_HOUR_MAX 4      /* the clocks go back at midnight or at one of these hours */
#define REQUEST_MAX (6 * 3600) /* an access log says when a request began, and writes when it ended */

struct judging {
	const struct vst_cadence_logs *before, *after;
	const struct vst_finding_sink *findings;
};

struct silence {
	const struct vst_cadence_gap *gap;
	bool is_tail;
	bool was_filled;         /* the earlier exhibit has lines there */
	unsigned others, silent; /* other logs that would have spoken, and those of them that did not */
	uint64_t similar;
	int64_t usual;
};

static int64_t seconds_of(int64_t ns)
{
	return ns / VST_NS_PER_S;
}

/* ---- cadence ---- */

/* What 99 of 100 gaps are shorter than. */
static int64_t usual_gap(const uint64_t counts[VST_CADENCE_BUCKETS], uint64_t *ret_sum)
{
	uint64_t sum = 0, seen = 0;
	for (size_t i = 0; i < VST_CADENCE_BUCKETS; i++)
		sum += counts[i];
	*ret_sum = sum;
	for (unsigned i = 0; i < VST_CADENCE_BUCKETS; i++) {
		seen += counts[i];
		if (seen >= sum - sum / 100)
			return INT64_C(2) << i;
	}
	return INT64_C(2) << VST_CADENCE_BUCKETS;
}

/* What is too long for this log; INT64_MAX if it has no cadence. */
static int64_t limit_of(
        const struct vst_cadence_log *log, const struct vst_cadence_log *old, int64_t *ret_usual)
{
	uint64_t sum = 0;
	*ret_usual = old ? usual_gap(old->ahead, &sum) : 0;
	if (!old || sum < LINES_MIN)
		*ret_usual = usual_gap(log->ahead, &sum);
	if (sum < LINES_MIN)
		return INT64_MAX;
	return *ret_usual * SILENCE_TIMES > SILENCE_MIN ? *ret_usual * SILENCE_TIMES : SILENCE_MIN;
}

/* Gaps nearly as long that the log had anyway, but those of the host's own times. */
static uint64_t similar_gaps(
        const struct vst_cadence_log *log, const struct vst_cadence_gap *but, int64_t length)
{
	uint64_t count = 0;
	for (size_t i = 0; i < log->gaps.count; i++) {
		const struct vst_cadence_gap *gap = &log->gaps.gaps[i];
		if (gap != but && !gap->boot && gap->to - gap->from >= length - length / 3)
			count++;
	}
	return count;
}

static bool near(int64_t a, int64_t b)
{
	return a - b <= SAME_SLACK && b - a <= SAME_SLACK;
}

/* Between what the two exhibits take lines without a zone for: with summer time it is another. */
static int64_t zone_shift(const struct judging *j, bool zoned)
{
	return zoned || !j->before->items ? 0 : j->after->zone - j->before->zone;
}

static bool has_gap(const struct vst_cadence_log *log, const struct vst_cadence_gap *gap, int64_t shift)
{
	for (size_t i = 0; log && i < log->gaps.count; i++)
		if (near(log->gaps.gaps[i].from, gap->from + shift) &&
		        near(log->gaps.gaps[i].to, gap->to + shift))
			return true;
	return false;
}

/* The earlier exhibit covers that time, and would have had the gap among its largest. */
static bool had_lines(const struct vst_cadence_log *old, const struct vst_cadence_gap *gap, int64_t shift)
{
	int64_t least = INT64_MAX, from = gap->from + shift, to = gap->to + shift;
	if (!old || old->first > from || old->last < to)
		return false;
	for (size_t i = 0; i < old->gaps.count; i++) {
		const struct vst_cadence_gap *known = &old->gaps.gaps[i];
		least = known->to - known->from < least ? known->to - known->from : least;
		if (known->from <= from + SAME_SLACK && known->to >= to - SAME_SLACK)
			return false;
	}
	return !old->cut || gap->to - gap->from > least;
}

/* ---- other logs ---- */

static bool is_silent(const struct vst_cadence_log *log, const struct vst_cadence_gap *gap)
{
	int64_t length = gap->to - gap->from;
	if (log->last <= gap->from + length / 5)
		return true;
	for (size_t i = 0; i < log->gaps.count; i++) {
		int64_t from = log->gaps.gaps[i].from > gap->from ? log->gaps.gaps[i].from : gap->from;
		int64_t to = log->gaps.gaps[i].to < gap->to ? log->gaps.gaps[i].to : gap->to;
		if (to - from >= length - length / 5)
			return true;
	}
	return false;
}

static void ask_others(const struct judging *j, const struct vst_cadence_log *log, struct silence *silence)
{
	const struct vst_cadence_gap *gap = silence->gap;
	int64_t usual;
	for (size_t i = 0; i < j->after->log_count; i++) {
		const struct vst_cadence_log *other = &j->after->logs[i];
		if (other == log || other->first > gap->from ||
		        (!silence->is_tail && other->last < gap->to) ||
		        (!other->zoned && !j->after->zone_known))
			continue;
		if (limit_of(other, NULL, &usual) >= gap->to - gap->from)
			continue;
		silence->others++;
		silence->silent += is_silent(other, gap);
	}
}

/* ---- telling ---- */

static void place(struct vst_finding *finding, const struct vst_cadence_logs *logs, size_t owner)
{
	const struct vst_observed *item = &logs->items->items[owner];
	finding->source = item->item->source;
	finding->path = item->item->path;
	finding->after = item->place;
}

static void key_seconds(struct vst_json *json, const char *key, int64_t seconds)
{
	vst_json_key(json, key);
	vst_json_time(json, seconds * VST_NS_PER_S);
}

static void key_uint(struct vst_json *json, const char *key, uint64_t value)
{
	vst_json_key(json, key);
	vst_json_uint(json, value <= INT64_MAX ? value : INT64_MAX);
}

static int tell(
        const struct judging *j, struct vst_finding *finding, struct vst_buf *details, struct vst_err *err)
{
	int rc = vst_buf_check(details, err);
	finding->details = (const char *)details->data;
	finding->details_len = details->len;
	if (rc == 0)
		rc = j->findings->take(j->findings->ctx, finding, err);
	vst_buf_free(details);
	return rc;
}

static bool at_boot(const struct judging *j, const struct vst_cadence_gap *gap)
{
	int64_t boot = j->after->items->boot_time;
	return gap->boot || (boot != VST_TIME_NONE && seconds_of(boot) >= gap->from - BOOT_SLACK &&
	                            seconds_of(boot) <= gap->to + BOOT_SLACK);
}

static enum vst_severity weigh(
        const struct judging *j, const struct silence *silence, const char **ret_innocent)
{
	*ret_innocent = "the host had nothing to log, or its log daemon was stopped";
	if (silence->was_filled) {
		*ret_innocent = NULL;
		return VST_SEVERITY_MEDIUM;
	}
	if (at_boot(j, silence->gap)) {
		*ret_innocent = "the host was off, asleep or restarted";
		return VST_SEVERITY_INFO;
	}
	if (silence->others > 0 && silence->silent == silence->others) {
		*ret_innocent =
		        "other logs are silent as well: the host was off, asleep or had nothing to do";
		return VST_SEVERITY_LOW;
	}
	/* A first exhibit does not tell a log that speaks always from one that speaks in bursts, as of packages. */
	return silence->similar > 0 || !j->before->items ? VST_SEVERITY_LOW : VST_SEVERITY_MEDIUM;
}

static int tell_silence(const struct judging *j, const struct vst_cadence_log *old,
        const struct silence *silence, struct vst_err *err)
{
	const struct vst_cadence_gap *gap = silence->gap;
	struct vst_buf details = VST_BUF_INIT;
	char found[160], since[VST_TIME_TEXT];
	struct vst_finding finding = {
	        .rule = "log_silent",
	        .expected = silence->was_filled ? "the lines that the earlier exhibit has at that time"
	                                        : "a log that goes on speaking as it does",
	        .found = found,
	};
	finding.severity = weigh(j, silence, &finding.innocent);
	vst_time_format(gap->from * VST_NS_PER_S, since);
	snprintf(found, sizeof found,
	        "no line for %" PRId64 " minutes since %s, where 99 of 100 follow within %" PRId64 " s",
	        (gap->to - gap->from) / 60, since, silence->usual);
	place(&finding, j->after, gap->owner);
	if (old)
		finding.before = j->before->items->items[old->last_owner].place;
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	key_seconds(&json, "since", gap->from);
	key_seconds(&json, "until", gap->to);
	if (!silence->is_tail)
		key_uint(&json, "offset", gap->offset);
	key_uint(&json, "usual_seconds", (uint64_t)silence->usual);
	key_uint(&json, "similar", silence->similar);
	key_uint(&json, "other_logs", silence->others);
	key_uint(&json, "other_logs_silent", silence->silent);
	vst_json_end(&json);
	return tell(j, &finding, &details, err);
}

/* ---- silence ---- */

static int judge_gap(const struct judging *j, const struct vst_cadence_log *log,
        const struct vst_cadence_log *old, const struct vst_cadence_gap *gap, unsigned *told,
        struct vst_err *err)
{
	struct silence silence = {.gap = gap};
	int64_t limit = limit_of(log, old, &silence.usual);
	if (gap->to - gap->from <= limit || has_gap(old, gap, zone_shift(j, log->zoned)) || *told >= TOLD_MAX)
		return 0;
	silence.was_filled = had_lines(old, gap, zone_shift(j, log->zoned));
	silence.similar = similar_gaps(old ? old : log, gap, gap->to - gap->from);
	if (silence.similar >= SIMILAR_USUAL && !silence.was_filled)
		return 0;
	ask_others(j, log, &silence);
	++*told;
	return tell_silence(j, old, &silence, err);
}

/* From the last line to the snapshot: only where other logs went on, for an image may have been lying there
 * for years. */
static int judge_tail(const struct judging *j, const struct vst_cadence_log *log,
        const struct vst_cadence_log *old, struct vst_err *err)
{
	const struct vst_cadence_gap gap = {
	        .from = log->last, .to = seconds_of(j->after->items->time), .owner = log->last_owner};
	struct silence silence = {.gap = &gap, .is_tail = true};
	int64_t limit = limit_of(log, old, &silence.usual);
	if ((!log->zoned && !j->after->zone_known) || gap.to - gap.from <= limit)
		return 0;
	if (old && near(old->last, log->last) && seconds_of(j->before->items->time) - old->last > limit)
		return 0; /* it was so before */
	silence.similar = similar_gaps(old ? old : log, NULL, gap.to - gap.from);
	ask_others(j, log, &silence);
	if (silence.similar >= SIMILAR_USUAL || silence.others == silence.silent)
		return 0;
	return tell_silence(j, old, &silence, err);
}

static int judge_log(const struct judging *j, const struct vst_cadence_log *log, struct vst_err *err)
{
	const struct vst_cadence_log *old = vst_cadence_logs_find(j->before, j->after, log);
	unsigned told = 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < log->gaps.count; i++)
		rc = judge_gap(j, log, old, &log->gaps.gaps[i], &told, err);
	return rc == 0 ? judge_tail(j, log, old, err) : rc;
}

/* ---- a line that is newer than its file ---- */

static const struct vst_cadence_file *same_file(const struct judging *j, const struct vst_cadence_file *file)
{
	const struct vst_item *item = j->after->items->items[file->owner].item;
	for (size_t i = 0; i < j->before->file_count; i++) {
		const struct vst_item *old = j->before->items->items[j->before->files[i].owner].item;
		if (strcmp(old->path, item->path) == 0 && strcmp(old->source, item->source) == 0)
			return &j->before->files[i];
	}
	return NULL;
}

/* Whether other files than this one say which zone lines without one have. */
static bool zone_is_sure(const struct judging *j, const struct vst_cadence_file *file)
{
	size_t own = file->zone == j->after->zone && file->zone != INT64_MIN;
	return file->zoned || j->after->zone_votes > own || j->before->zone_known;
}

static bool is_newer(const struct vst_cadence_file *file)
{
	return file->mtime > 0 && file->end - file->mtime > NEWER_SLACK;
}

static int judge_newer(const struct judging *j, const struct vst_cadence_file *file, struct vst_err *err)
{
	const struct vst_item *item = j->after->items->items[file->owner].item;
	const struct vst_cadence_file *old = same_file(j, file);
	int64_t newer = file->end - file->mtime;
	struct vst_buf details = VST_BUF_INIT;
	char found[120];
	if (!is_newer(file) || !zone_is_sure(j, file) || (old && is_newer(old)) ||
	        (item->status == VST_ITEM_CHANGED && !item->has_after))
		return 0;
	struct vst_finding finding = {
	        .rule = "line_newer_than_mtime",
	        .severity = VST_SEVERITY_MEDIUM,
	        .expected = "a file that was written to no earlier than its last line says",
	        .found = found,
	        .innocent = "the line is of another host whose clock is ahead, or the clock was set back",
	};
	if (!file->zoned && newer >= SUMMER_MIN && newer <= SUMMER_MAX) {
		finding.severity = VST_SEVERITY_LOW;
		finding.innocent = "the line was written before the end of summer time, and says no zone";
	}
	snprintf(found, sizeof found, "the last line is %" PRId64 " s newer than the file's mtime", newer);
	place(&finding, j->after, file->owner);
	if (old)
		finding.before = j->before->items->items[old->owner].place;
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	key_seconds(&json, "line", file->end);
	key_seconds(&json, "mtime", file->mtime);
	vst_json_end(&json);
	return tell(j, &finding, &details, err);
}

/* ---- lines out of order ---- */

static bool had_step(const struct judging *j, const struct vst_cadence_gap *step, int64_t shift)
{
	for (size_t i = 0; i < j->before->file_count; i++) {
		const struct vst_cadence_list *list = &j->before->files[i].steps;
		for (size_t k = 0; k < list->count; k++)
			if (near(list->gaps[k].from, step->from + shift) &&
			        near(list->gaps[k].to, step->to + shift))
				return true;
	}
	return false;
}

/* Steps of about this size or more, but this one. */
static uint64_t jitter(const struct vst_cadence_file *file, int64_t step)
{
	uint64_t count = 0;
	unsigned bucket = vst_cadence_bucket(step);
	for (unsigned i = bucket > 0 ? bucket - 1 : 0; i < VST_CADENCE_BUCKETS; i++)
		count += file->back[i];
	return count > 0 ? count - 1 : 0;
}

/* The end of summer time, in lines without a zone: an hour of the night is told twice, and of a log that
 * speaks seldom the step is shorter by the time between two lines. */
static bool is_summer_end(
        const struct judging *j, const struct vst_cadence_file *file, const struct vst_cadence_gap *step)
{
	int64_t length = step->from - step->to;
	int64_t next_hour = ((step->from + j->after->zone) / 3600 + 1) * 3600, hour = next_hour / 3600 % 24;
	if (file->zoned || length > SUMMER_MAX)
		return false;
	return length >= SUMMER_MIN ||
	       (hour <= SUMMER_HOUR_MAX && step->to + j->after->zone >= next_hour - 3600);
}

static const struct vst_cadence_gap *largest_new_step(
        const struct judging *j, const struct vst_cadence_file *file)
{
	const struct vst_cadence_gap *largest = NULL;
	for (size_t i = 0; i < file->steps.count; i++) {
		const struct vst_cadence_gap *step = &file->steps.gaps[i];
		int64_t length = step->from - step->to;
		if (length >= STEP_MIN && jitter(file, length) < SIMILAR_USUAL &&
		        !had_step(j, step, zone_shift(j, file->zoned)) &&
		        (!largest || length > largest->from - largest->to))
			largest = step;
	}
	return largest;
}

static int judge_steps(const struct judging *j, const struct vst_cadence_file *file, struct vst_err *err)
{
	const struct vst_cadence_gap *step = largest_new_step(j, file);
	struct vst_buf details = VST_BUF_INIT;
	char found[120];
	if (!step)
		return 0;
	int64_t length = step->from - step->to;
	struct vst_finding finding = {
	        .rule = "lines_out_of_order",
	        .severity = VST_SEVERITY_MEDIUM,
	        .expected = "lines in the order of their times, but for what the file's own jitter is",
	        .found = found,
	        .innocent = "the clock was set back, or the line is of another host",
	};
	if (step->boot || is_summer_end(j, file, step) || (file->is_access && length <= REQUEST_MAX))
		finding.severity = VST_SEVERITY_LOW;
	snprintf(found, sizeof found, "a line says a time %" PRId64 " s before that of the line before it",
	        length);
	place(&finding, j->after, file->owner);
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	key_seconds(&json, "from", step->from);
	key_seconds(&json, "to", step->to);
	key_uint(&json, "offset", step->offset);
	vst_json_end(&json);
	return tell(j, &finding, &details, err);
}

/* ---- all ---- */

int vst_cadence_judge(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct vst_cadence_logs old = {0}, new = {0};
	const struct judging j = {.before = &old, .after = &new, .findings = findings};
	int rc = vst_cadence_logs_read(&old, before, NULL, err);
	if (rc == 0)
		rc = vst_cadence_logs_read(&new, after, &old, err);
	for (size_t i = 0; rc == 0 && i < new.log_count; i++)
		rc = judge_log(&j, &new.logs[i], err);
	for (size_t i = 0; rc == 0 && i < new.file_count; i++)
		rc = judge_newer(&j, &new.files[i], err);
	for (size_t i = 0; rc == 0 && i < new.file_count; i++)
		rc = judge_steps(&j, &new.files[i], err);
	vst_cadence_logs_free(&old);
	vst_cadence_logs_free(&new);
	return rc;
}
