/* Text logs by the times of their lines: how often they speak, when they fall silent, and whether time goes
 * back in them. */
#include <stdlib.h>
#include <string.h>

#include "compare/cadence_facts.h"
#include "compare/log_lines.h"
#include "compare/log_time.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define LOOKED_AT 4096 /* bytes, for whether it is text */
#define KIND_LINES 100
#define NEAR_LINES 16      /* behind a gap, for what they tell of the host */
#define CLOCK_SET_LINES 16 /* so many lines that stay behind: the clock was set back */
#define KEPT_LINE 256
#define AHEAD_MAX (36 * 3600) /* no line is later than the file by more: then it is of another year */

struct gap {
	int64_t from, to; /* of a step back from is the later one */
	uint64_t offset;
	bool boot;
};

struct list {
	struct gap gaps[VST_CADENCE_LIST_MAX];
	size_t count;
};

#define ACCESS_STAMP 26 /* "22/Nov/2026:03:40:13 +0100" */
#define SYSLOG_STAMP 15 /* "Nov 22 03:40:13" */

struct cadence {
	char stamp[ACCESS_STAMP]; /* of the line whose time was read last */
	struct vst_log_time stamp_time;
	int64_t stamp_year;
	bool has_stamp;
	struct vst_log_lines lines;
	size_t looked_at, odd;
	int64_t file_time; /* s; 0: unknown */
	int64_t year;
	int month; /* of the line before, where lines have no year */
	uint64_t line_count, timed;
	uint64_t kinds[VST_LOG_TIME_KINDS], zoned;
	bool yearless;
	int64_t first, end;
	int64_t high;    /* the highest time, until the clock was set */
	unsigned behind; /* lines one after the other that are far behind it */
	uint64_t ahead[VST_CADENCE_BUCKETS], back[VST_CADENCE_BUCKETS];
	struct list gaps, steps;
	bool cut;
	struct gap pending; /* the gap before the lines that are coming */
	unsigned pending_lines;
	bool pending_sure;
	char before[KEPT_LINE]; /* the line before */
	size_t before_len;
};

/* ---- which items ---- */

static bool has_ending(const char *name, const char *ending)
{
	size_t len = strlen(name), end = strlen(ending);
	return len >= end && strcmp(name + len - end, ending) == 0;
}

static bool is_no_text(const char *name)
{
	static const char *const endings[] = {".gz", ".xz", ".bz2", ".zst", ".lz4", ".zip", ".journal",
	        ".journal~", ".pcap", ".db", ".sqlite", ".jsonl"};
	static const char *const names[] = {"wtmp", "btmp", "utmp", "lastlog", "faillog", "tallylog", "sa"};
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (has_ending(name, endings[i]))
			return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0 &&
		        strcspn(name, ".-0123456789") == strlen(names[i]))
			return true;
	return false;
}

static bool wants(const struct vst_item *item)
{
	static const char *const names[] = {"syslog", "messages", "cron.log", "access", "auth.log"};
	if (item->type != VST_ITEM_FILE || !item->path)
		return false;
	const char *slash = strrchr(item->path, '/');
	const char *name = slash ? slash + 1 : item->path;
	if (is_no_text(name))
		return false;
	if (strstr(item->path, "/log/") || strstr(item->path, "/logs/") || strstr(name, ".log"))
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* ---- what lines tell of the host ---- */

static bool tells_of_boot(const char *line, size_t len)
{
	static const char *const words[] = {"Linux version ", "Command line: ", "] Booting ", "-- Reboot --",
	        "@reboot", "STARTUP (fork ok)", "DAEMON_START", "DAEMON_END", "SYSTEM_BOOT",
	        "SYSTEM_SHUTDOWN", "exiting on signal 15", "origin software=\"rsyslogd\"",
	        "syslog-ng starting up", "syslog-ng shutting down", "systemd-shutdown", "Shutting down",
	        "System is rebooting", "System is powering down", "Reached target Shutdown",
	        "Reached target Power-Off", "Reached target Reboot", "reboot: ", "PM: suspend",
	        "PM: hibernation", "Waking up from system sleep", "New seat seat0", "Stopped target ",
	        "Time has been changed"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (vst_log_line_has(line, len, words[i]))
			return true;
	return false;
}

/* ---- gaps and steps ---- */

static int64_t length_of(const struct gap *gap)
{
	return gap->to > gap->from ? gap->to - gap->from : gap->from - gap->to;
}

/* The largest stay. */
static void keep(struct cadence *c, struct list *list, const struct gap *gap)
{
	if (list->count < VST_CADENCE_LIST_MAX) {
		list->gaps[list->count++] = *gap;
		return;
	}
	size_t least = 0;
	for (size_t i = 1; i < list->count; i++)
		if (length_of(&list->gaps[i]) < length_of(&list->gaps[least]))
			least = i;
	c->cut = true;
	if (length_of(&list->gaps[least]) < length_of(gap)) {
		memmove(&list->gaps[least], &list->gaps[least + 1],
		        (list->count - least - 1) * sizeof *list->gaps);
		list->gaps[list->count - 1] = *gap;
	}
}

static void settle_pending(struct cadence *c)
{
	if (c->pending_lines > 0)
		keep(c, &c->gaps, &c->pending);
	c->pending_lines = 0;
}

/* A line that is far ahead of its neighbours on both sides is no gap: it is out of order itself. */
static void confirm_pending(struct cadence *c, int64_t time)
{
	if (c->pending_lines == 0 || c->pending_sure)
		return;
	c->pending_sure = true;
	if (time < c->pending.to - length_of(&c->pending) / 2) {
		c->pending_lines = 0;
		c->high = c->pending.from;
	}
}

static void take_ahead(struct cadence *c, uint64_t offset, int64_t time, const char *line, size_t len)
{
	int64_t gap = time - c->high;
	c->ahead[vst_cadence_bucket(gap)]++;
	if (gap >= VST_CADENCE_GAP_MIN) {
		settle_pending(c);
		c->pending = (struct gap){c->high, time, offset,
		        tells_of_boot(c->before, c->before_len) || tells_of_boot(line, len)};
		c->pending_lines = NEAR_LINES;
		c->pending_sure = false;
	}
	c->high = time;
	c->behind = 0;
}

static void take_order(struct cadence *c, uint64_t offset, int64_t time, const char *line, size_t len)
{
	int64_t step = c->end - time;
	if (step >= 2) {
		const struct gap gap = {c->end, time, offset,
		        tells_of_boot(c->before, c->before_len) || tells_of_boot(line, len)};
		c->back[vst_cadence_bucket(step)]++;
		if (step >= VST_CADENCE_STEP_MIN)
			keep(c, &c->steps, &gap);
	}
	confirm_pending(c, time);
	if (time >= c->high) {
		take_ahead(c, offset, time, line, len);
		return;
	}
	c->ahead[0]++;
	c->behind = c->high - time > VST_CADENCE_STEP_MIN ? c->behind + 1 : 0;
	if (c->behind >= CLOCK_SET_LINES) {
		c->high = time;
		c->behind = 0;
	}
}

/* ---- lines ---- */

/* Months that go from December to January, or back in a few lines out of order. */
static void turn_year(struct cadence *c, struct vst_log_time *time)
{
	if (time->has_year)
		return;
	int64_t years = 0;
	if (c->month == 0) /* before the file's own time, so that the last line is near it */
		years = c->file_time > 0 && time->seconds > c->file_time + AHEAD_MAX ? -1 : 0;
	else if (time->month < c->month - 6)
		years = 1;
	else if (time->month > c->month + 6)
		years = -1;
	if (years != 0) {
		c->year += years;
		time->seconds = vst_log_time_shift(time->seconds, years);
	}
	c->month = time->month;
	c->yearless = true;
}

/* Of a busy log many lines come in one second, and say so in the same bytes: those are read once. */
static const char *stamp_of(enum vst_log_time_kind kind, const char *line, size_t len, size_t *ret_len)
{
	const char *at = line;
	*ret_len = kind == VST_LOG_TIME_ACCESS ? ACCESS_STAMP : SYSLOG_STAMP;
	if (kind == VST_LOG_TIME_ACCESS) {
		const char *bracket = memchr(line, '[', len);
		if (!bracket)
			return NULL;
		at = bracket + 1;
	}
	return (size_t)(line + len - at) >= *ret_len ? at : NULL;
}

static bool same_stamp(const struct cadence *c, const char *line, size_t len, struct vst_log_time *ret)
{
	size_t stamp_len;
	const char *stamp = c->has_stamp ? stamp_of(c->stamp_time.kind, line, len, &stamp_len) : NULL;
	if (!stamp || memcmp(stamp, c->stamp, stamp_len) != 0 || c->year != c->stamp_year)
		return false;
	*ret = c->stamp_time;
	return true;
}

/* Only where the stamp is where it is looked for, and is all that the time was made of. */
static void keep_stamp(struct cadence *c, const char *line, size_t len, const struct vst_log_time *time)
{
	size_t stamp_len;
	bool known = time->kind == VST_LOG_TIME_ACCESS ||
	             (time->kind == VST_LOG_TIME_SYSLOG && line[0] >= 'A' && line[0] <= 'Z');
	const char *stamp = known ? stamp_of(time->kind, line, len, &stamp_len) : NULL;
	c->has_stamp = stamp && (time->kind == VST_LOG_TIME_SYSLOG || (stamp[2] == '/' && stamp[6] == '/'));
	if (!c->has_stamp)
		return;
	memcpy(c->stamp, stamp, stamp_len);
	c->stamp_time = *time;
	c->stamp_year = c->year;
}

static bool read_time(struct cadence *c, const char *line, size_t len, struct vst_log_time *ret)
{
	if (same_stamp(c, line, len, ret))
		return true;
	if (!vst_log_time_parse(line, len, c->year, ret))
		return false;
	keep_stamp(c, line, len, ret);
	return true;
}

static int take_line(void *ctx, uint64_t offset, const char *line, size_t len, struct vst_err *err)
{
	struct cadence *c = ctx;
	struct vst_log_time time;
	(void)err;
	c->line_count++;
	if (c->pending_lines > 0) {
		c->pending.boot = c->pending.boot || tells_of_boot(line, len);
		if (c->pending_lines == 1)
			settle_pending(c);
		else
			c->pending_lines--;
	}
	if (!read_time(c, line, len, &time))
		return 0;
	turn_year(c, &time);
	if (c->timed < KIND_LINES)
		c->kinds[time.kind]++;
	c->zoned += time.has_zone;
	if (c->timed++ == 0)
		c->first = c->high = time.seconds;
	else
		take_order(c, offset, time.seconds, line, len);
	c->end = time.seconds;
	c->first = time.seconds < c->first ? time.seconds : c->first;
	c->before_len = len < KEPT_LINE ? len : KEPT_LINE;
	memcpy(c->before, line, c->before_len);
	return 0;
}

/* ---- the observer ---- */

static int open_cadence(void **ret_state, const struct vst_item *item, struct vst_err *err)
{
	struct cadence *c = vst_calloc(1, sizeof *c);
	if (!c)
		return vst_err_nomem(err);
	if (item->has_stat && item->mtime != VST_TIME_NONE && item->mtime > 0)
		c->file_time = item->mtime / VST_NS_PER_S;
	c->year = vst_log_time_year(c->file_time);
	*ret_state = c;
	return 0;
}

static bool is_binary(const struct cadence *c)
{
	return c->odd * 8 > c->looked_at;
}

static int data(void *state, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	struct cadence *c = state;
	const uint8_t *at = bytes;
	for (size_t i = 0; i < len && c->looked_at < LOOKED_AT; i++, c->looked_at++)
		c->odd += at[i] < ' ' && at[i] != '\n' && at[i] != '\t' && at[i] != '\r' && at[i] != 0x1b &&
		          at[i] != 0x1d;
	if (c->looked_at == LOOKED_AT && is_binary(c))
		return 0;
	return vst_log_lines_feed(&c->lines, offset, bytes, len, take_line, c, err);
}

/* Lines without a year are of one in which the last is not later than the file. */
static int64_t years_off(const struct cadence *c)
{
	int64_t years = 0;
	while (c->yearless && c->file_time > 0 && years > -100 &&
	        vst_log_time_shift(c->end, years) > c->file_time + AHEAD_MAX)
		years--;
	return years;
}

static int64_t settled(const struct cadence *c, int64_t time, int64_t years)
{
	return years != 0 && c->yearless ? vst_log_time_shift(time, years) : time;
}

static const char *kind_of(const struct cadence *c)
{
	static const char *const names[] = {"syslog", "iso", "ctime", "epoch", "access", "audit"};
	size_t most = 0;
	for (size_t i = 1; i < VST_LOG_TIME_KINDS; i++)
		if (c->kinds[i] > c->kinds[most])
			most = i;
	return names[most];
}

static void write_counts(const uint64_t counts[VST_CADENCE_BUCKETS], struct vst_json *json)
{
	size_t count = VST_CADENCE_BUCKETS;
	while (count > 0 && counts[count - 1] == 0)
		count--;
	vst_json_array(json);
	for (size_t i = 0; i < count; i++)
		vst_json_uint(json, counts[i]);
	vst_json_end(json);
}

static void write_list(const struct cadence *c, const struct list *list, int64_t years, struct vst_json *json)
{
	vst_json_array(json);
	for (size_t i = 0; i < list->count; i++) {
		vst_json_array(json);
		vst_json_int(json, settled(c, list->gaps[i].from, years));
		vst_json_int(json, settled(c, list->gaps[i].to, years));
		vst_json_uint(json, list->gaps[i].offset <= INT64_MAX ? list->gaps[i].offset : INT64_MAX);
		vst_json_uint(json, list->gaps[i].boot);
		vst_json_end(json);
	}
	vst_json_end(json);
}

static void key_int(struct vst_json *json, const char *key, int64_t value)
{
	vst_json_key(json, key);
	vst_json_int(json, value);
}

static void key_true(struct vst_json *json, const char *key, bool value)
{
	if (!value)
		return;
	vst_json_key(json, key);
	vst_json_bool(json, true);
}

static void write_facts(const struct cadence *c, struct vst_json *json)
{
	int64_t years = years_off(c);
	vst_json_key(json, "lines");
	vst_json_uint(json, c->line_count);
	vst_json_key(json, "timed");
	vst_json_uint(json, c->timed);
	if (c->timed == 0)
		return;
	vst_json_key(json, "kind");
	vst_json_string(json, kind_of(c));
	vst_json_key(json, "zoned");
	vst_json_bool(json, c->zoned * 2 > c->timed);
	vst_json_key(json, "dated");
	vst_json_bool(json, !c->yearless || c->file_time > 0);
	key_int(json, "first", settled(c, c->first, years));
	key_int(json, "last", settled(c, c->high, years));
	key_int(json, "end", settled(c, c->end, years));
	vst_json_key(json, "ahead");
	write_counts(c->ahead, json);
	vst_json_key(json, "back");
	write_counts(c->back, json);
	vst_json_key(json, "gaps");
	write_list(c, &c->gaps, years, json);
	vst_json_key(json, "steps");
	write_list(c, &c->steps, years, json);
	key_true(json, "cut", c->cut);
}

static int close_cadence(void *state, struct vst_buf *ret_facts, struct vst_err *err)
{
	struct cadence *c = state;
	int rc = vst_log_lines_end(&c->lines, take_line, c, err);
	if (rc != 0)
		return rc;
	settle_pending(c);
	struct vst_json json = vst_json_begin(ret_facts);
	vst_json_object(&json);
	key_int(&json, "format", 1);
	key_true(&json, "binary", is_binary(c));
	if (!is_binary(c))
		write_facts(c, &json);
	vst_json_end(&json);
	return vst_buf_check(ret_facts, err);
}

const struct vst_observer vst_observe_cadence = {
        .name = "cadence",
        .wants = wants,
        .open = open_cadence,
        .data = data,
        .close = close_cadence,
        .free = free,
        .judge = vst_cadence_judge,
};
