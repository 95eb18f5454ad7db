/*
 * Keys that may log in. By path: the files of users (.ssh/authorized_keys, authorized_keys2) and those below
 * /etc/ssh/authorized_keys.
 *
 *     {"format":1,
 *      "keys":[[fingerprint, type, comment, options, command, from, cert authority, restricted],…],
 *      "lines":3,"odd":0,"cut":true}
 *
 * The fingerprint is as `ssh-keygen -l` shows it, options the digest of their text ("": none), command the
 * SHA-256 of the forced one ("": none). `odd` are lines in which sshd would find no key.
 *
 *     authorized_key_added     medium
 *     authorized_key_changed   medium  other options
 *     authorized_key_removed   low
 *     authorized_keys_odd      low
 *
 * A key counts as known where the same user's other file had it. Who adds a key honestly or not does the same
 * thing, so nothing here is high.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/authorized_key.h"
#include "compare/fact_text.h"
#include "compare/facts_read.h"
#include "compare/line_feed.h"
#include "compare/observer.h"
#include "compare/telling.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define FORMAT 1
#define LINE_MAX_LEN 32768
#define KEYS_MAX_LEN (240 * 1024) /* bytes of facts, behind which one more key and the end fit */
#define TOLD_MAX 64               /* findings of one rule in one file; the rest is counted */

enum { FINGERPRINT, TYPE, COMMENT, OPTIONS, COMMAND, FROM, CERT_AUTHORITY, RESTRICTED };

struct observation {
	struct vst_line_feed feed;
	struct vst_buf out;
	struct vst_json json;
	uint64_t lines, odd;
	bool cut;
};

static bool ends_in(const char *path, size_t len, const char *end)
{
	size_t n = strlen(end);
	return len >= n && memcmp(path + len - n, end, n) == 0;
}

static bool wants(const struct vst_item *item)
{
	static const char *const below[] = {"/etc/ssh/authorized_keys/", "/etc/ssh/authorized_keys.d/"};
	if (item->type != VST_ITEM_FILE || !item->path)
		return false;
	size_t len = strlen(item->path);
	if (ends_in(item->path, len, "/.ssh/authorized_keys") ||
	        ends_in(item->path, len, "/.ssh/authorized_keys2") ||
	        strcmp(item->path, "/etc/dropbear/authorized_keys") == 0)
		return true;
	for (size_t i = 0; i < sizeof below / sizeof *below; i++)
		if (strncmp(item->path, below[i], strlen(below[i])) == 0)
			return true;
	return false;
}

static void write_key(struct vst_json *json, const struct vst_authorized_key *key)
{
	char fingerprint[64] = "SHA256:";
	struct vst_buf base64 = VST_BUF_INIT;
	uint8_t command[VST_HASH_LEN];
	vst_base64_append(&base64, key->fingerprint, sizeof key->fingerprint, VST_BASE64_RAW);
	strncat(fingerprint, vst_buf_cstr(&base64), sizeof fingerprint - 8);
	if (base64.failed)
		json->out->failed = true;
	vst_buf_free(&base64);

	vst_json_array(json);
	vst_json_string(json, fingerprint);
	vst_fact_text(json, key->type, key->type_len);
	vst_fact_text(json, key->comment, key->comment_len);
	if (key->options_len > 0)
		vst_fact_digest(json, key->options, key->options_len);
	else
		vst_json_string(json, "");
	if (key->command) {
		vst_sha256(key->command, key->command_len, command);
		vst_json_hex(json, command, sizeof command);
	} else {
		vst_json_string(json, "");
	}
	vst_json_bool(json, key->from);
	vst_json_bool(json, key->cert_authority);
	vst_json_bool(json, key->restricted);
	vst_json_end(json);
}

static int take_line(void *ctx, const char *line, size_t len, bool whole, struct vst_err *err)
{
	struct observation *observation = ctx;
	enum vst_authorized_line kind;
	struct vst_authorized_key key;
	int rc = vst_authorized_key_parse(line, len, &kind, &key, err);
	if (rc != 0 || (kind == VST_AUTHORIZED_NOTHING && whole))
		return rc;
	observation->lines++;
	observation->odd += kind != VST_AUTHORIZED_KEY || !whole;
	if (kind != VST_AUTHORIZED_KEY)
		return 0;
	if (observation->out.len < KEYS_MAX_LEN)
		write_key(&observation->json, &key);
	else
		observation->cut = true;
	return vst_buf_check(&observation->out, err);
}

static void free_observation(void *state)
{
	struct observation *observation = state;
	if (!observation)
		return;
	vst_line_feed_free(&observation->feed);
	vst_buf_free(&observation->out);
	free(observation);
}

static int open_observation(void **ret_state, const struct vst_item *item, struct vst_err *err)
{
	(void)item;
	struct observation *observation = vst_calloc(1, sizeof *observation);
	if (!observation)
		return vst_err_nomem(err);
	int rc = vst_line_feed_init(&observation->feed, LINE_MAX_LEN, take_line, observation, err);
	if (rc != 0) {
		free_observation(observation);
		return rc;
	}
	observation->json = vst_json_begin(&observation->out);
	vst_json_object(&observation->json);
	vst_json_key(&observation->json, "format");
	vst_json_uint(&observation->json, FORMAT);
	vst_json_key(&observation->json, "keys");
	vst_json_array(&observation->json);
	*ret_state = observation;
	return 0;
}

static int take_data(void *state, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	struct observation *observation = state;
	return vst_line_feed_data(&observation->feed, offset, bytes, len, err);
}

static int close_observation(void *state, struct vst_buf *ret_facts, struct vst_err *err)
{
	struct observation *observation = state;
	int rc = vst_line_feed_end(&observation->feed, err);
	vst_json_end(&observation->json);
	vst_json_key(&observation->json, "lines");
	vst_json_uint(&observation->json, observation->lines);
	vst_json_key(&observation->json, "odd");
	vst_json_uint(&observation->json, observation->odd);
	if (observation->cut) {
		vst_json_key(&observation->json, "cut");
		vst_json_bool(&observation->json, true);
	}
	vst_json_end(&observation->json);
	if (rc == 0)
		rc = vst_buf_check(&observation->out, err);
	if (rc == 0) {
		vst_buf_bytes(ret_facts, observation->out.data, observation->out.len);
		rc = vst_buf_check(ret_facts, err);
	}
	return rc;
}

/* ---- judging ---- */

/* A file; files of one user follow each other, see `owner`. */
struct file {
	const struct vst_observed *item;
	json_t *facts;
	size_t owner_len; /* of its path: the directory of a user's .ssh, else all of it */
};

struct files {
	struct file *files;
	size_t count;
};

static size_t owner_len(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t len = strlen(path);
	if (name &&
	        (ends_in(path, len, "/.ssh/authorized_keys") || ends_in(path, len, "/.ssh/authorized_keys2")))
		return (size_t)(name - path);
	return len;
}

static int compare_files(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int order = strcmp(x->item->item->path, y->item->item->path);
	if (order != 0)
		return order;
	return x->item->place.seq < y->item->place.seq ? -1 : x->item->place.seq > y->item->place.seq;
}

static void free_files(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		json_decref(files->files[i].facts);
	free(files->files);
}

/* Sorted by path, each path once. */
static int read_files(const struct vst_observed_set *set, struct files *ret, struct vst_err *err)
{
	struct files files = {0};
	size_t kept = 0;
	if (!set || set->count == 0)
		return 0;
	if (!(files.files = vst_calloc(set->count, sizeof *files.files)))
		return vst_err_nomem(err);
	for (size_t i = 0; i < set->count; i++) {
		struct file *file = &files.files[files.count];
		int rc = vst_facts_read_item(&set->items[i], FORMAT, &file->facts, err);
		if (rc != 0) {
			free_files(&files);
			return rc;
		}
		file->item = &set->items[i];
		file->owner_len = owner_len(file->item->item->path);
		files.count += file->facts != NULL;
	}
	if (files.count > 0)
		qsort(files.files, files.count, sizeof *files.files, compare_files);
	for (size_t i = 0; i < files.count; i++) {
		if (kept > 0 &&
		        strcmp(files.files[kept - 1].item->item->path, files.files[i].item->item->path) == 0)
			json_decref(files.files[i].facts);
		else
			files.files[kept++] = files.files[i];
	}
	files.count = kept;
	*ret = files;
	return 0;
}

static const struct file *find_file(const struct files *files, const char *path)
{
	size_t low = 0, high = files->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(files->files[middle].item->item->path, path);
		if (order == 0)
			return &files->files[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* One key may stand in several lines, each with its own options. */
static void name_of(const json_t *key, char ret[2 * VST_FACT_TEXT_MAX + 2])
{
	snprintf(ret, 2 * VST_FACT_TEXT_MAX + 2, "%.96s %.96s", vst_facts_text_at(key, FINGERPRINT),
	        vst_facts_text_at(key, OPTIONS));
}

/* Under its fingerprint the first, and each under fingerprint and options. */
static int add_keys(json_t *to, const json_t *facts, struct vst_err *err)
{
	char name[2 * VST_FACT_TEXT_MAX + 2];
	const json_t *keys = json_object_get(facts, "keys");
	for (size_t i = 0; i < json_array_size(keys); i++) {
		json_t *key = json_array_get(keys, i);
		const char *fingerprint = vst_facts_text_at(key, FINGERPRINT);
		name_of(key, name);
		if ((!json_object_get(to, fingerprint) && json_object_set(to, fingerprint, key) != 0) ||
		        json_object_set(to, name, key) != 0)
			return vst_err_nomem(err);
	}
	return 0;
}

/* All keys of the owner of a file: those of that file first. */
static int keys_of(const struct files *files, const char *path, json_t **ret, struct vst_err *err)
{
	static const char *const names[] = {"/authorized_keys", "/authorized_keys2"};
	size_t len = owner_len(path);
	json_t *keys = json_object();
	const struct file *file = find_file(files, path);
	struct vst_buf other = VST_BUF_INIT;
	int rc = keys ? 0 : vst_err_nomem(err);
	if (rc == 0 && file)
		rc = add_keys(keys, file->facts, err);
	for (size_t i = 0; rc == 0 && path[len] && i < sizeof names / sizeof *names; i++) {
		vst_buf_clear(&other);
		vst_buf_bytes(&other, path, len);
		vst_buf_text(&other, names[i]);
		if ((file = find_file(files, vst_buf_cstr(&other))))
			rc = add_keys(keys, file->facts, err);
	}
	if (rc == 0)
		rc = vst_buf_check(&other, err);
	vst_buf_free(&other);
	if (rc == 0)
		*ret = keys;
	else
		json_decref(keys);
	return rc;
}

static void write_details(struct vst_json *json, const json_t *key)
{
	static const char *const names[] = {"fingerprint", "type", "comment", "options_digest",
	        "command_sha256", "from", "cert_authority", "restricted"};
	vst_json_object(json);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *text = vst_facts_text_at(key, i);
		if (i < FROM && !*text)
			continue;
		vst_json_key(json, names[i]);
		if (i < FROM)
			vst_json_string(json, text);
		else
			vst_json_bool(json, json_is_true(json_array_get(key, i)));
	}
	vst_json_end(json);
}

struct judging {
	const struct file *before, *after; /* either may be NULL */
	const struct vst_finding_sink *findings;
	unsigned told[2];
};

static struct vst_telling telling_of(
        const struct judging *judging, const char *rule, enum vst_severity severity, const char *innocent)
{
	return (struct vst_telling){.sink = judging->findings,
	        .rule = rule,
	        .severity = severity,
	        .before = judging->before ? judging->before->item : NULL,
	        .after = judging->after ? judging->after->item : NULL,
	        .expected = "the keys that the earlier exhibit shows",
	        .innocent = innocent};
}

static int tell_key(struct judging *judging, const json_t *was, const json_t *key, struct vst_err *err)
{
	if (judging->told[0]++ >= TOLD_MAX)
		return 0;
	struct vst_telling telling = telling_of(judging,
	        was ? "authorized_key_changed" : "authorized_key_added", VST_SEVERITY_MEDIUM,
	        was ? "the user or an administrator changed its options"
	            : "the user or an administrator added it");
	struct vst_json json = vst_telling_details(&telling);
	write_details(&json, key);
	const char *what = was ? "has other options" : "may log in now";
	if (!was && json_is_true(json_array_get(key, CERT_AUTHORITY)))
		what = "may now certify keys that log in";
	else if (was && *vst_facts_text_at(was, COMMAND) && !*vst_facts_text_at(key, COMMAND))
		what = "is no longer bound to one command";
	return vst_telling_end(&telling, err, "%s key %s (%s) %s%s", vst_facts_text_at(key, TYPE),
	        vst_facts_text_at(key, FINGERPRINT), vst_facts_text_at(key, COMMENT), what,
	        was || judging->before ? "" : ", in a file that is new");
}

static int tell_removed(struct judging *judging, const json_t *key, struct vst_err *err)
{
	if (judging->told[1]++ >= TOLD_MAX)
		return 0;
	struct vst_telling telling = telling_of(judging, "authorized_key_removed", VST_SEVERITY_LOW,
	        "the user or an administrator removed it");
	struct vst_json json = vst_telling_details(&telling);
	write_details(&json, key);
	return vst_telling_end(&telling, err, "%s key %s (%s) was removed", vst_facts_text_at(key, TYPE),
	        vst_facts_text_at(key, FINGERPRINT), vst_facts_text_at(key, COMMENT));
}

static int tell_more(const struct judging *judging, int which, struct vst_err *err)
{
	if (judging->told[which] <= TOLD_MAX)
		return 0;
	struct vst_telling telling =
	        telling_of(judging, which ? "authorized_key_removed" : "authorized_key_added",
	                which ? VST_SEVERITY_LOW : VST_SEVERITY_MEDIUM, NULL);
	return vst_telling_end(&telling, err, "%u keys more", judging->told[which] - TOLD_MAX);
}

static bool is_cut(const struct file *file)
{
	return file && json_is_true(json_object_get(file->facts, "cut"));
}

static int judge_odd(const struct judging *judging, struct vst_err *err)
{
	const json_t *facts = judging->after->facts, *old = judging->before ? judging->before->facts : NULL;
	int64_t odd = vst_facts_int(facts, "odd", 0);
	bool uncompared = is_cut(judging->after) &&
	                  (!is_cut(judging->before) ||
	                          vst_facts_int(facts, "lines", 0) != vst_facts_int(old, "lines", 0));
	if (odd <= vst_facts_int(old, "odd", 0) && !uncompared)
		return 0;
	struct vst_telling telling = telling_of(judging, "authorized_keys_odd",
	        uncompared ? VST_SEVERITY_MEDIUM : VST_SEVERITY_LOW,
	        "a line broken by an editor, or a kind of key with another form");
	telling.expected = "each line is a key";
	return vst_telling_end(&telling, err, "%" PRId64 " lines hold no key%s", odd,
	        uncompared ? ", and there are more keys than can be compared" : "");
}

static int judge_file(struct judging *judging, const struct files *before, const struct files *after,
        bool has_before, struct vst_err *err)
{
	json_t *was = NULL, *now = NULL, *key;
	char name[2 * VST_FACT_TEXT_MAX + 2];
	const char *fingerprint, *path = judging->after->item->item->path;
	int rc = judge_odd(judging, err);
	if (rc != 0 || !has_before)
		return rc;
	rc = keys_of(before, path, &was, err);
	if (rc == 0)
		rc = keys_of(after, path, &now, err);
	const json_t *keys = json_object_get(judging->after->facts, "keys");
	for (size_t i = 0; rc == 0 && !is_cut(judging->before) && i < json_array_size(keys); i++) {
		key = json_array_get(keys, i);
		name_of(key, name);
		if (!json_object_get(was, name))
			rc = tell_key(
			        judging, json_object_get(was, vst_facts_text_at(key, FINGERPRINT)), key, err);
	}
	const json_t *own = judging->before ? json_object_get(judging->before->facts, "keys") : NULL;
	for (size_t i = 0; rc == 0 && !is_cut(judging->after) && i < json_array_size(own); i++) {
		key = json_array_get(own, i);
		fingerprint = vst_facts_text_at(key, FINGERPRINT);
		if (!json_object_get(now, fingerprint))
			rc = tell_removed(judging, key, err);
	}
	for (int which = 0; rc == 0 && which < 2; which++)
		rc = tell_more(judging, which, err);
	json_decref(was);
	json_decref(now);
	return rc;
}

static int judge(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct files was = {0}, now = {0};
	int rc = read_files(before, &was, err);
	if (rc == 0)
		rc = read_files(after, &now, err);
	for (size_t i = 0; rc == 0 && i < now.count; i++) {
		struct judging judging = {.before = find_file(&was, now.files[i].item->item->path),
		        .after = &now.files[i],
		        .findings = findings};
		rc = judge_file(&judging, &was, &now, before != NULL, err);
	}
	free_files(&was);
	free_files(&now);
	return rc;
}

const struct vst_observer vst_observe_authorized_keys = {.name = "authorized_keys",
        .wants = wants,
        .open = open_observation,
        .data = take_data,
        .close = close_observation,
        .free = free_observation,
        .judge = judge};
