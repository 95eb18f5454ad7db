/*
 * What the collector `live` found wrong with the host (vestige-live(5), /findings.jsonl), and which kernel
 * modules there were: what was not so in the earlier exhibit is a finding of the comparison.
 *
 * The same thing has the same `id` each night: SHA-256 of its word and of those of its details that stay.
 * Numbers of processes, inodes and sockets do not, but for hidden processes, where each one counts.
 *
 * Facts:
 *   format    1
 *   kind      "findings": lines, list: [{id, count, is: {finding, severity, text, innocent, details}}, …], by
 *             their order; the last three are left out where there is no room
 *             "modules": list: ["name", …], sorted
 *   unread    lines that could not be read
 *   cut       true: there was more than is kept
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/facts_read.h"
#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define FINDINGS_PATH "/findings.jsonl"
#define MODULES_PATH "/modules.jsonl"
#define LINE_MAX_KEPT (256 * 1024)
#define LIST_MAX 1000
#define MODULES_MAX 2000
#define MODULE_NAME_MAX 64
#define ROOM_FOR_TEXTS (160 * 1024)
#define ROOM (180 * 1024) /* with what is around LIST_MAX entries it stays below VST_FACTS_MAX */
#define TEXT_KEPT 1024
#define WORD_KEPT 64
#define ID_LEN 16
#define ID_TEXT (2 * ID_LEN + 1)
#define TOLD_MODULES 50

struct entry {
	char id[ID_TEXT];
	uint64_t count;
	char *json; /* the value of `is` */
};

struct live {
	bool is_modules;
	struct vst_buf line;
	bool line_cut;
	struct entry list[LIST_MAX];
	char *modules[MODULES_MAX];
	size_t count, texts;
	uint64_t lines, unread;
	bool cut;
};

/* ---- which items ---- */

static bool wants(const struct vst_item *item)
{
	return item->type == VST_ITEM_STREAM && item->path &&
	       (strcmp(item->path, FINDINGS_PATH) == 0 || strcmp(item->path, MODULES_PATH) == 0);
}

/* ---- the same thing again ---- */

static bool stays(const char *finding, const char *key)
{
	static const char *const changing[] = {
	        "pid", "tgid", "ppid", "inode", "netns", "index", "time", "start", "cookie", "answers"};
	if (strcmp(finding, "hidden_process") == 0)
		return strcmp(key, "answers") != 0;
	for (size_t i = 0; i < sizeof changing / sizeof *changing; i++)
		if (strcmp(changing[i], key) == 0)
			return false;
	return true;
}

static void add_value(const json_t *value, struct vst_buf *out)
{
	if (json_is_string(value))
		vst_buf_bytes(out, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		vst_buf_printf(out, "%" PRId64, (int64_t)json_integer_value(value));
	else if (json_is_boolean(value))
		vst_buf_byte(out, json_is_true(value));
	vst_buf_byte(out, 0);
}

/* The details are flat but for lists of words. */
static void add_details(const char *finding, json_t *details, struct vst_buf *out)
{
	const char *key;
	json_t *value;
	json_object_foreach(details, key, value)
	{
		if (!stays(finding, key))
			continue;
		vst_buf_bytes(out, key, strlen(key) + 1);
		if (!json_is_array(value))
			add_value(value, out);
		for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
			add_value(json_array_get(value, i), out);
	}
}

static int identify(const char *finding, json_t *object, char ret[ID_TEXT], struct vst_err *err)
{
	struct vst_buf words = VST_BUF_INIT;
	uint8_t digest[VST_HASH_LEN];
	json_t *details = json_object_get(object, "details");
	vst_buf_bytes(&words, finding, strlen(finding) + 1);
	if (json_is_object(details))
		add_details(finding, details, &words);
	else
		add_value(json_object_get(object, "text"), &words);
	int rc = vst_buf_check(&words, err);
	if (rc == 0) {
		vst_sha256(words.data, words.len, digest);
		vst_hex(digest, ID_LEN, ret);
	}
	vst_buf_free(&words);
	return rc;
}

/* ---- lines ---- */

static void key_text(struct vst_json *json, const json_t *object, const char *key, size_t max)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_string(value))
		return;
	size_t len = json_string_length(value);
	vst_json_key(json, key);
	vst_json_text(json, json_string_value(value), len < max ? len : max);
}

/* The details as they stand in the line: what json.h wrote is taken over as it is. */
static void key_details(struct vst_json *json, const struct vst_buf *line)
{
	static const char key[] = ",\"details\":";
	size_t len = sizeof key - 1;
	for (size_t at = 0; at + len < line->len; at++) {
		if (memcmp(line->data + at, key, len) != 0)
			continue;
		size_t span = vst_json_span(line->data + at + len, line->len - at - len);
		if (span > 0 && span <= TEXT_KEPT && at + len + span + 1 == line->len &&
		        line->data[at + len] == '{') {
			vst_json_key(json, "details");
			vst_json_raw(json, line->data + at + len, span);
			return;
		}
	}
}

static int render(struct live *live, const json_t *object, struct vst_buf *ret, struct vst_err *err)
{
	struct vst_json json = vst_json_begin(ret);
	vst_json_object(&json);
	key_text(&json, object, "finding", WORD_KEPT);
	key_text(&json, object, "severity", WORD_KEPT);
	if (live->texts < ROOM_FOR_TEXTS) {
		key_text(&json, object, "text", TEXT_KEPT);
		key_text(&json, object, "innocent", TEXT_KEPT);
		key_details(&json, &live->line);
	} else {
		live->cut = true;
	}
	vst_json_end(&json);
	live->texts += ret->len;
	return vst_buf_check(ret, err);
}

static int add_entry(struct live *live, const char id[ID_TEXT], const json_t *object, struct vst_err *err)
{
	struct vst_buf json = VST_BUF_INIT;
	for (size_t i = 0; i < live->count; i++) {
		if (memcmp(live->list[i].id, id, ID_TEXT) == 0) {
			live->list[i].count++;
			return 0;
		}
	}
	if (live->count == LIST_MAX || live->texts > ROOM) {
		live->cut = true;
		return 0;
	}
	int rc = render(live, object, &json, err);
	if (rc == 0) {
		struct entry *entry = &live->list[live->count];
		memcpy(entry->id, id, ID_TEXT);
		entry->count = 1;
		entry->json = vst_memdup(json.data, json.len);
		rc = entry->json ? 0 : vst_err_nomem(err);
		live->count += rc == 0;
	}
	vst_buf_free(&json);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_plain(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '"' || name[i] == '\\')
			return false;
	return len > 0 && len <= MODULE_NAME_MAX;
}

/* A module stands once for each list that has it. */
static int add_module(struct live *live, const char *name, struct vst_err *err)
{
	if (!is_plain(name)) {
		live->unread++;
		return 0;
	}
	for (size_t i = 0; i < live->count; i++)
		if (strcmp(live->modules[i], name) == 0)
			return 0;
	if (live->count == MODULES_MAX) {
		live->cut = true;
		return 0;
	}
	live->modules[live->count] = vst_strdup(name);
	return live->modules[live->count++] ? 0 : vst_err_nomem(err);
}

static int take_object(struct live *live, json_t *object, struct vst_err *err)
{
	char id[ID_TEXT];
	if (live->is_modules)
		return add_module(live, vst_facts_text(object, "name"), err);
	const char *finding = vst_facts_text(object, "finding");
	if (finding[0] == '\0') {
		live->unread++;
		return 0;
	}
	int rc = identify(finding, object, id, err);
	return rc == 0 ? add_entry(live, id, object, err) : rc;
}

static int take_line(struct live *live, struct vst_err *err)
{
	json_t *object = NULL;
	int rc = vst_buf_check(&live->line, err);
	if (rc != 0 || (live->line.len == 0 && !live->line_cut))
		return rc;
	live->lines++;
	if (!live->line_cut)
		rc = vst_facts_read(live->line.data, live->line.len, &object, err);
	if (rc == 0 && object)
		rc = take_object(live, object, err);
	else if (rc == 0)
		live->unread++;
	json_decref(object);
	vst_buf_clear(&live->line);
	live->line_cut = false;
	return rc;
}

/* ---- the observer ---- */

static int open_live(void **ret_state, const struct vst_item *item, struct vst_err *err)
{
	struct live *live = vst_calloc(1, sizeof *live);
	if (!live)
		return vst_err_nomem(err);
	live->is_modules = strcmp(item->path, MODULES_PATH) == 0;
	*ret_state = live;
	return 0;
}

static int data(void *state, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	struct live *live = state;
	const char *at = bytes, *end = at + len;
	int rc = 0;
	(void)offset;
	while (rc == 0 && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t piece = (size_t)((stop ? stop : end) - at);
		if (piece > LINE_MAX_KEPT - live->line.len)
			live->line_cut = true;
		else
			vst_buf_bytes(&live->line, at, piece);
		if (stop)
			rc = take_line(live, err);
		at += piece + (stop ? 1 : 0);
	}
	return rc;
}

static void write_list(struct live *live, struct vst_json *json)
{
	if (live->is_modules && live->count > 1)
		qsort(live->modules, live->count, sizeof *live->modules, by_name);
	vst_json_key(json, "list");
	vst_json_array(json);
	for (size_t i = 0; i < live->count; i++) {
		if (live->is_modules) {
			vst_json_string(json, live->modules[i]);
			continue;
		}
		vst_json_object(json);
		vst_json_key(json, "id");
		vst_json_string(json, live->list[i].id);
		vst_json_key(json, "count");
		vst_json_uint(json, live->list[i].count);
		vst_json_key(json, "is");
		vst_json_raw(json, live->list[i].json, strlen(live->list[i].json));
		vst_json_end(json);
	}
	vst_json_end(json);
}

static int close_live(void *state, struct vst_buf *ret_facts, struct vst_err *err)
{
	struct live *live = state;
	int rc = take_line(live, err);
	if (rc != 0)
		return rc;
	struct vst_json json = vst_json_begin(ret_facts);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_json_key(&json, "kind");
	vst_json_string(&json, live->is_modules ? "modules" : "findings");
	vst_json_key(&json, "lines");
	vst_json_uint(&json, live->lines);
	write_list(live, &json);
	vst_json_key(&json, "unread");
	vst_json_uint(&json, live->unread);
	if (live->cut) {
		vst_json_key(&json, "cut");
		vst_json_bool(&json, true);
	}
	vst_json_end(&json);
	return vst_buf_check(ret_facts, err);
}

static void free_live(void *state)
{
	struct live *live = state;
	if (!live)
		return;
	for (size_t i = 0; i < live->count; i++) {
		free(live->list[i].json);
		free(live->modules[i]);
	}
	vst_buf_free(&live->line);
	free(live);
}

/* ---- judging ---- */

struct judging {
	const struct vst_observed_set *before, *after;
	json_t **old; /* facts of `before`, one for each item; NULL where there are none */
	const struct vst_finding_sink *findings;
};

static const json_t *list_of(const json_t *facts, const char *kind)
{
	return facts && strcmp(vst_facts_text(facts, "kind"), kind) == 0 ? vst_facts_array(facts, "list")
	                                                                 : NULL;
}

static bool had_finding(const struct judging *j, const char *id)
{
	for (size_t i = 0; j->before && i < j->before->count; i++) {
		const json_t *list = list_of(j->old[i], "findings");
		for (size_t k = 0; k < json_array_size(list); k++)
			if (strcmp(vst_facts_text(json_array_get(list, k), "id"), id) == 0)
				return true;
	}
	return false;
}

/* The same item of the earlier exhibit. */
static const struct vst_observed *earlier(
        const struct judging *j, const struct vst_observed *item, size_t *ret_index)
{
	for (size_t i = 0; j->before && i < j->before->count; i++) {
		const struct vst_observed *old = &j->before->items[i];
		if (strcmp(old->item->source, item->item->source) == 0 &&
		        strcmp(old->item->path, item->item->path) == 0) {
			*ret_index = i;
			return old;
		}
	}
	return NULL;
}

static const char *text_or(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = vst_facts_text(object, key);
	return text[0] ? text : otherwise;
}

static int tell(
        const struct judging *j, const struct vst_observed *item, const json_t *entry, struct vst_err *err)
{
	const json_t *is = json_object_get(entry, "is");
	const json_t *details = json_object_get(is, "details");
	size_t index;
	const struct vst_observed *old = earlier(j, item, &index);
	char *dumped = details ? json_dumps(details, JSON_COMPACT) : NULL;
	if (details && !dumped)
		return vst_err_nomem(err);
	struct vst_finding finding = {
	        .rule = text_or(is, "finding", "live_finding"),
	        .severity = VST_SEVERITY_MEDIUM,
	        .source = item->item->source,
	        .path = item->item->path,
	        .after = item->place,
	        .expected = old ? "a host of which the live state shows nothing that it did not show in the "
	                          "earlier exhibit"
	                        : "a host of which the live state shows nothing of this kind",
	        .found = text_or(is, "text", "a finding for whose text there was no room: the item has it"),
	        .innocent = text_or(is, "innocent", NULL),
	        .details = dumped,
	        .details_len = dumped ? strlen(dumped) : 0,
	};
	if (old)
		finding.before = old->place;
	if (!vst_severity_parse(vst_facts_text(is, "severity"), &finding.severity))
		finding.severity = VST_SEVERITY_MEDIUM;
	int rc = j->findings->take(j->findings->ctx, &finding, err);
	free(dumped);
	return rc;
}

static bool had_module(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *old = json_string_value(json_array_get(list, i));
		if (old && strcmp(old, name) == 0)
			return true;
	}
	return false;
}

/* Modules come and go with devices and programs: worth knowing, no more. A list that is cut says nothing of
 * what is missing in it. */
static int judge_modules(
        const struct judging *j, const struct vst_observed *item, const json_t *list, struct vst_err *err)
{
	size_t index, new = 0;
	const struct vst_observed *old = earlier(j, item, &index);
	if (!old || !list_of(j->old[index], "modules") || vst_facts_bool(j->old[index], "cut"))
		return 0;
	const json_t *known = list_of(j->old[index], "modules");
	struct vst_buf details = VST_BUF_INIT;
	char found[80];
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_json_key(&json, "modules");
	vst_json_array(&json);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		if (name && !had_module(known, name) && new ++ < TOLD_MODULES)
			vst_json_string(&json, name);
	}
	vst_json_end(&json);
	vst_json_end(&json);
	snprintf(found, sizeof found, "%zu kernel modules that the earlier exhibit has not", new);
	int rc = vst_buf_check(&details, err);
	const struct vst_finding finding = {
	        .rule = "kernel_module_new",
	        .severity = VST_SEVERITY_INFO,
	        .source = item->item->source,
	        .path = item->item->path,
	        .before = old->place,
	        .after = item->place,
	        .expected = "the kernel modules of the earlier exhibit",
	        .found = found,
	        .innocent = "a device was plugged in, a file system mounted, a rule of the packet filter "
	                    "set, or the kernel upgraded",
	        .details = (const char *)details.data,
	        .details_len = details.len,
	};
	if (rc == 0 && new > 0)
		rc = j->findings->take(j->findings->ctx, &finding, err);
	vst_buf_free(&details);
	return rc;
}

static int judge_item(const struct judging *j, const struct vst_observed *item, struct vst_err *err)
{
	json_t *facts;
	int rc = vst_facts_read(item->facts, item->len, &facts, err);
	if (rc != 0 || !facts)
		return rc;
	const json_t *list = list_of(facts, "findings");
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		if (!had_finding(j, vst_facts_text(entry, "id")))
			rc = tell(j, item, entry, err);
	}
	list = list_of(facts, "modules");
	if (rc == 0 && list)
		rc = judge_modules(j, item, list, err);
	json_decref(facts);
	return rc;
}

static int judge(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct judging j = {.before = before, .after = after, .findings = findings};
	size_t count = before ? before->count : 0;
	int rc = 0;
	j.old = vst_calloc(count + 1, sizeof *j.old);
	if (!j.old)
		return vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = vst_facts_read(before->items[i].facts, before->items[i].len, &j.old[i], err);
	for (size_t i = 0; rc == 0 && i < after->count; i++)
		rc = judge_item(&j, &after->items[i], err);
	for (size_t i = 0; i < count; i++)
		json_decref(j.old[i]);
	free(j.old);
	return rc;
}

const struct vst_observer vst_observe_live_findings = {
        .name = "live_findings",
        .wants = wants,
        .open = open_live,
        .data = data,
        .close = close_live,
        .free = free_live,
        .judge = judge,
};
