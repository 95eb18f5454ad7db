/*
 * Records of the kernel's audit system as auditd writes them, raw or ENRICHED:
 *
 *     [node=NAME ]type=SYSCALL msg=audit(1700000000.123:4567): arch=c000003e …
 *
 * and what the kernel says in its own log of records that it lost. Source: linux kernel/audit.c
 * (audit_log_start, audit_log_lost), audit's auditd.conf(5), ausearch(8).
 */
#include <stdlib.h>
#include <string.h>

#include "compare/audit_facts.h"
#include "compare/log_lines.h"
#include "compare/serial_set.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"

#define BOOTS_MAX 64
#define MARKS_MAX 256
#define RANGES_KEPT 2000 /* of all boots together */
#define FAR_BACK 4096    /* serials: no reordering goes so far */
#define SECONDS_MAX UINT64_C(99999999999)
#define NODE_MAX 256
#define LATER_MS 1000

struct mark {
	int64_t time;
	enum vst_audit_mark kind;
	uint64_t serial; /* of a mark of the kernel */
};

struct audit {
	struct vst_log_lines lines;
	struct vst_serial_set boots[BOOTS_MAX];
	size_t boot_count;
	uint64_t high; /* of the boot that is open */
	int64_t high_time;
	struct mark marks[MARKS_MAX];
	size_t mark_count;
	uint64_t line_count, record_count, other_nodes, lost, backlog;
	char node[NODE_MAX]; /* whose records these are: those of the first line */
	size_t node_len;
	bool cut;
};

struct record {
	const char *node; /* empty: none is named */
	size_t node_len;
	const char *type;
	size_t type_len;
	int64_t time; /* ms */
	uint64_t serial;
};

/* ---- which items ---- */

static bool has_ending(const char *name, const char *ending)
{
	size_t len = strlen(name), end = strlen(ending);
	return len >= end && strcmp(name + len - end, ending) == 0;
}

static bool is_compressed(const char *name)
{
	return has_ending(name, ".gz") || has_ending(name, ".xz") || has_ending(name, ".bz2") ||
	       has_ending(name, ".zst");
}

static bool wants(const struct vst_item *item)
{
	static const char *const kernel_logs[] = {"kern.log", "syslog", "messages", "kernel.log"};
	if (item->type != VST_ITEM_FILE || !item->path)
		return false;
	const char *slash = strrchr(item->path, '/');
	const char *name = slash ? slash + 1 : item->path;
	if (is_compressed(name))
		return false;
	if (strncmp(name, "audit.log", 9) == 0 || strstr(item->path, "/audit/"))
		return true;
	for (size_t i = 0; i < sizeof kernel_logs / sizeof *kernel_logs; i++)
		if (strncmp(name, kernel_logs[i], strlen(kernel_logs[i])) == 0)
			return strstr(item->path, "/log/") != NULL;
	return false;
}

/* ---- lines ---- */

static bool take_word(const char **at, const char *end, const char *word)
{
	size_t len = strlen(word);
	if ((size_t)(end - *at) < len || memcmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool take_number(const char **at, const char *end, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	const char *start = *at;
	for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
		value = value * 10 + (uint64_t)(**at - '0');
		if (value > max)
			return false;
	}
	*ret = value;
	return *at > start;
}

static bool parse_record(const char *line, size_t len, struct record *ret)
{
	const char *at = line, *end = line + len;
	uint64_t seconds, ms;
	*ret = (struct record){.node = ""};
	if (take_word(&at, end, "node=")) {
		ret->node = at;
		at = memchr(at, ' ', (size_t)(end - at));
		if (!at || at - ret->node > NODE_MAX)
			return false;
		ret->node_len = (size_t)(at - ret->node);
		at++;
	}
	if (!take_word(&at, end, "type="))
		return false;
	ret->type = at;
	at = memchr(at, ' ', (size_t)(end - at));
	if (!at)
		return false;
	ret->type_len = (size_t)(at - ret->type);
	if (!take_word(&at, end, " msg=audit(") || !take_number(&at, end, SECONDS_MAX, &seconds) ||
	        !take_word(&at, end, ".") || !take_number(&at, end, 999, &ms) || !take_word(&at, end, ":") ||
	        !take_number(&at, end, INT64_MAX / 16, &ret->serial) || !take_word(&at, end, ")"))
		return false;
	ret->time = (int64_t)(seconds * 1000 + ms);
	return true;
}

static bool is_type(const struct record *record, const char *type)
{
	return strlen(type) == record->type_len && memcmp(record->type, type, record->type_len) == 0;
}

static void add_mark(struct audit *a, const struct record *record, enum vst_audit_mark kind)
{
	if (a->mark_count == MARKS_MAX) {
		a->cut = true;
		return;
	}
	a->marks[a->mark_count++] = (struct mark){record->time, kind, record->serial};
}

/* Of the daemon itself: it counts by itself, from a number taken at random. */
static void take_daemon(struct audit *a, const struct record *record)
{
	if (is_type(record, "DAEMON_START"))
		add_mark(a, record, VST_AUDIT_DAEMON_START);
	else if (is_type(record, "DAEMON_END"))
		add_mark(a, record, VST_AUDIT_DAEMON_END);
	else if (is_type(record, "DAEMON_ABORT"))
		add_mark(a, record, VST_AUDIT_DAEMON_ABORT);
	else if (is_type(record, "DAEMON_RESUME") || is_type(record, "DAEMON_ERR"))
		add_mark(a, record, VST_AUDIT_DAEMON_OTHER);
}

/*
 * A number and the time of its event are taken together, so within one boot a lower number has no later time,
 * in whatever order the records come. Where it has, or is far lower, the kernel has begun to count anew.
 */
static bool is_new_boot(const struct audit *a, const struct record *record)
{
	if (a->boot_count == 0)
		return true;
	if (record->serial >= a->high)
		return false;
	return record->time > a->high_time + LATER_MS || a->high - record->serial > FAR_BACK;
}

static int take_record(struct audit *a, const struct record *record, struct vst_err *err)
{
	if (is_new_boot(a, record)) {
		if (a->boot_count == BOOTS_MAX) {
			a->cut = true;
			return 0;
		}
		a->boot_count++;
		a->high = 0;
	}
	if (record->serial >= a->high) {
		a->high = record->serial;
		a->high_time = record->time;
	}
	return vst_serial_set_add(&a->boots[a->boot_count - 1], record->serial, record->time, err);
}

/* "audit: audit_lost=7 audit_rate_limit=0 audit_backlog_limit=64" and "audit: backlog limit exceeded", of the
 * kernel. */
static void take_kernel(struct audit *a, const char *line, size_t len)
{
	static const char lost[] = "audit_lost=";
	if (!vst_log_line_has(line, len, "audit") || !vst_log_line_has(line, len, "kernel"))
		return;
	const char *at = memmem(line, len, lost, sizeof lost - 1);
	uint64_t value;
	a->backlog += vst_log_line_has(line, len, "backlog limit exceeded");
	if (!at)
		return;
	at += sizeof lost - 1;
	if (take_number(&at, line + len, UINT32_MAX, &value) && value > a->lost)
		a->lost = value;
}

/* Each host counts by itself: of a log that collects many, the first one's records are looked at. */
static bool is_of_node(struct audit *a, const struct record *record)
{
	if (a->record_count == 0) {
		memcpy(a->node, record->node, record->node_len);
		a->node_len = record->node_len;
	}
	return a->node_len == record->node_len && memcmp(a->node, record->node, record->node_len) == 0;
}

static int take_line(void *ctx, uint64_t offset, const char *line, size_t len, struct vst_err *err)
{
	struct audit *a = ctx;
	struct record record;
	(void)offset;
	a->line_count++;
	if (!parse_record(line, len, &record)) {
		take_kernel(a, line, len);
		return 0;
	}
	if (!is_of_node(a, &record)) {
		a->other_nodes++;
		return 0;
	}
	a->record_count++;
	if (record.type_len > 7 && memcmp(record.type, "DAEMON_", 7) == 0) {
		take_daemon(a, &record);
		return 0;
	}
	if (is_type(&record, "CONFIG_CHANGE") && vst_log_line_has(line, len, "audit_enabled=0") &&
	        !vst_log_line_has(line, len, " old=0") && !vst_log_line_has(line, len, " res=0"))
		add_mark(a, &record, VST_AUDIT_DISABLED);
	return take_record(a, &record, err);
}

/* ---- the observer ---- */

static int open_audit(void **ret_state, const struct vst_item *item, struct vst_err *err)
{
	(void)item;
	*ret_state = vst_calloc(1, sizeof(struct audit));
	return *ret_state ? 0 : vst_err_nomem(err);
}

static int data(void *state, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	struct audit *a = state;
	return vst_log_lines_feed(&a->lines, offset, bytes, len, take_line, a, err);
}

static void fit(struct audit *a)
{
	for (;;) {
		size_t sum = 0, most = 0;
		for (size_t i = 0; i < a->boot_count; i++) {
			sum += a->boots[i].count;
			if (a->boots[i].count > a->boots[most].count)
				most = i;
		}
		if (sum <= RANGES_KEPT)
			return;
		vst_serial_set_coarsen(&a->boots[most], a->boots[most].count / 2);
		a->cut = true;
	}
}

static void write_boot(const struct vst_serial_set *boot, struct vst_json *json)
{
	vst_json_object(json);
	vst_json_key(json, "grain");
	vst_json_uint(json, boot->grain <= INT64_MAX ? boot->grain : INT64_MAX);
	vst_json_key(json, "ranges");
	vst_json_array(json);
	for (size_t i = 0; i < boot->count; i++) {
		vst_json_array(json);
		vst_json_uint(json, boot->ranges[i].from);
		vst_json_uint(json, boot->ranges[i].to);
		vst_json_int(json, boot->ranges[i].first);
		vst_json_int(json, boot->ranges[i].last);
		vst_json_end(json);
	}
	vst_json_end(json);
	vst_json_end(json);
}

static void key_uint(struct vst_json *json, const char *key, uint64_t value)
{
	vst_json_key(json, key);
	vst_json_uint(json, value);
}

static int close_audit(void *state, struct vst_buf *ret_facts, struct vst_err *err)
{
	struct audit *a = state;
	int rc = vst_log_lines_end(&a->lines, take_line, a, err);
	if (rc != 0)
		return rc;
	fit(a);
	struct vst_json json = vst_json_begin(ret_facts);
	vst_json_object(&json);
	key_uint(&json, "format", 1);
	key_uint(&json, "lines", a->line_count);
	key_uint(&json, "records", a->record_count);
	if (a->other_nodes > 0)
		key_uint(&json, "other_nodes", a->other_nodes);
	vst_json_key(&json, "boots");
	vst_json_array(&json);
	for (size_t i = 0; i < a->boot_count; i++)
		write_boot(&a->boots[i], &json);
	vst_json_end(&json);
	vst_json_key(&json, "marks");
	vst_json_array(&json);
	for (size_t i = 0; i < a->mark_count; i++) {
		vst_json_array(&json);
		vst_json_int(&json, a->marks[i].time);
		vst_json_int(&json, a->marks[i].kind);
		vst_json_uint(&json, a->marks[i].serial);
		vst_json_end(&json);
	}
	vst_json_end(&json);
	key_uint(&json, "lost", a->lost);
	key_uint(&json, "backlog", a->backlog);
	if (a->cut) {
		vst_json_key(&json, "cut");
		vst_json_bool(&json, true);
	}
	vst_json_end(&json);
	return vst_buf_check(ret_facts, err);
}

static void free_audit(void *state)
{
	struct audit *a = state;
	for (size_t i = 0; a && i < a->boot_count; i++)
		vst_serial_set_free(&a->boots[i]);
	free(a);
}

const struct vst_observer vst_observe_audit = {
        .name = "audit",
        .wants = wants,
        .open = open_audit,
        .data = data,
        .close = close_audit,
        .free = free_audit,
        .judge = vst_audit_judge,
};
