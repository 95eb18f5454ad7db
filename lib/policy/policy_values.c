#include "policy/policy_values.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/nearest.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/policy.h"
#include "vestige/timefmt.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define FIELDS_MAX 32

const struct policy_node *policy_node(const struct policy_check *c, size_t node)
{
	return &c->tree->nodes[node];
}

size_t policy_child(const struct policy_check *c, size_t map, const char *key)
{
	size_t child = policy_node(c, map)->first;
	while (child != 0 && strcmp(policy_node(c, child)->key, key) != 0)
		child = policy_node(c, child)->next;
	return child;
}

int policy_error(struct policy_check *c, size_t node, const char *format, ...)
{
	char what[VST_ERR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	return policy_tree_error(c->tree, node, policy_node(c, node)->line, c->err, "%s", what);
}

static const char *kind_name(enum policy_kind kind)
{
	static const char *const names[] = {"text", "a list", "a mapping"};
	return names[kind];
}

/* ---- what was most likely meant ---- */

#define WORD_MAX 24 /* longer words are near to nothing */

static const char *nearest(const char *word, const char *const *known, size_t count)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) < 5 ? 2 : 3;
	if (strlen(word) > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t d = policy_distance(word, known[i]);
		if (d < best_distance) {
			best_distance = d;
			best = known[i];
		}
	}
	return best;
}

static int unknown(struct policy_check *c, size_t node, size_t line, const char *what, const char *word,
        const char *const *known, size_t count)
{
	const char *meant = nearest(word, known, count);
	if (meant)
		return policy_tree_error(c->tree, node, line, c->err,
		        "unknown %s '%.64s' (did you mean '%s'?)", what, word, meant);
	struct vst_buf list = VST_BUF_INIT;
	for (size_t i = 0; i < count; i++)
		vst_buf_printf(&list, "%s%s", i > 0 ? ", " : "", known[i]);
	int rc = policy_tree_error(c->tree, node, line, c->err, "unknown %s '%.64s' (known: %s)", what, word,
	        vst_buf_cstr(&list));
	vst_buf_free(&list);
	return rc;
}

/* ---- types ---- */

static int wrong_type(struct policy_check *c, size_t node, const char *wanted)
{
	const struct policy_node *at = policy_node(c, node);
	int rc = policy_error(c, node, "must be %s, not %s", wanted, kind_name(at->kind));
	if (at->kind != POLICY_TEXT)
		vst_err_hint(c->err, "text that starts with [ or { or holds ': ' needs quotes");
	return rc;
}

/* Text with something in it; what YAML takes for null is nothing. */
static int check_text(struct policy_check *c, size_t node)
{
	static const char *const nulls[] = {"~", "null", "Null", "NULL"};
	const struct policy_node *at = policy_node(c, node);
	if (at->kind != POLICY_TEXT)
		return wrong_type(c, node, "text");
	bool empty = at->text[0] == '\0';
	for (size_t i = 0; i < LENGTH(nulls); i++)
		empty = empty || (at->plain && strcmp(at->text, nulls[i]) == 0);
	return empty ? policy_error(c, node, "empty") : 0;
}

int policy_take_text(struct policy_check *c, size_t node, void *to)
{
	char **text = to;
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	*text = vst_strdup(policy_node(c, node)->text);
	return *text ? 0 : vst_err_nomem(c->err);
}

int policy_take_flag(struct policy_check *c, size_t node, void *to)
{
	const struct policy_node *at = policy_node(c, node);
	bool *flag = to;
	if (at->kind != POLICY_TEXT)
		return wrong_type(c, node, "true or false");
	*flag = strcmp(at->text, "true") == 0;
	if (at->plain && (*flag || strcmp(at->text, "false") == 0))
		return 0;
	return policy_error(c, node, "must be true or false, not %s%.64s%s", at->plain ? "" : "the text '",
	        at->text, at->plain ? "" : "'");
}

int policy_take_list(
        struct policy_check *c, size_t node, size_t min, policy_take *take, size_t size, void *to)
{
	const struct policy_node *at = policy_node(c, node);
	struct {
		uint8_t *list;
		size_t count;
	} *head = to;
	size_t count = 0;
	int rc = 0;
	if (at->kind != POLICY_LIST)
		return wrong_type(c, node, "a list");
	if (min > 0 && at->first == 0)
		return policy_error(c, node, "an empty list");
	for (size_t child = at->first; child != 0; child = policy_node(c, child)->next)
		count++;
	if (count > 0 && !(head->list = vst_calloc(count, size)))
		return vst_err_nomem(c->err);
	for (size_t child = at->first; rc == 0 && child != 0; child = policy_node(c, child)->next) {
		size_t place = head->count++; /* what it has stored so far is released with the rest */
		rc = take(c, child, head->list + place * size);
	}
	return rc;
}

static int unknown_key(
        struct policy_check *c, size_t map, size_t child, const struct policy_field *fields, size_t count)
{
	const char *known[FIELDS_MAX];
	for (size_t i = 0; i < count; i++)
		known[i] = fields[i].key;
	return unknown(
	        c, map, policy_node(c, child)->key_line, "key", policy_node(c, child)->key, known, count);
}

int policy_take_map(
        struct policy_check *c, size_t node, const struct policy_field *fields, size_t count, void *to)
{
	const struct policy_node *at = policy_node(c, node);
	unsigned seen = 0;
	int rc = 0;
	if (at->kind != POLICY_MAP)
		return wrong_type(c, node, "a mapping (key: value)");
	for (size_t child = at->first; rc == 0 && child != 0; child = policy_node(c, child)->next) {
		size_t i = 0;
		while (i < count && strcmp(fields[i].key, policy_node(c, child)->key) != 0)
			i++;
		if (i == count)
			return unknown_key(c, node, child, fields, count);
		if (seen >> i & 1)
			return policy_tree_error(c->tree, node, policy_node(c, child)->key_line, c->err,
			        "key '%s' is here twice", fields[i].key);
		seen |= 1U << i;
		rc = fields[i].take(c, child, (uint8_t *)to + fields[i].offset);
	}
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (fields[i].required && !(seen >> i & 1))
			rc = policy_error(c, node, "key '%s' is missing", fields[i].key);
	return rc;
}

/* ---- words ---- */

bool policy_is_name(const char *text, const char *marks)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	if (!strchr(letters, text[0]) || strlen(text) > VST_POLICY_NAME_MAX)
		return false;
	for (; *text; text++)
		if (!strchr(letters, *text) && !strchr(marks, *text))
			return false;
	return true;
}

/* The lists are short, or bounded here. */
int policy_check_once(struct policy_check *c, size_t node)
{
	size_t earlier = policy_node(c, policy_node(c, node)->parent)->first;
	if (policy_node(c, node)->position >= VST_POLICY_SOURCES_MAX)
		return policy_error(c, node, "more than %d of them", VST_POLICY_SOURCES_MAX);
	for (; earlier != node; earlier = policy_node(c, earlier)->next)
		if (strcmp(policy_node(c, earlier)->text, policy_node(c, node)->text) == 0)
			return policy_error(
			        c, node, "'%.64s' is in the list already", policy_node(c, node)->text);
	return 0;
}

int policy_take_word(struct policy_check *c, size_t node, const char *what, const char *const *known,
        size_t count, size_t *ret)
{
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const struct policy_node *at = policy_node(c, node);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(at->text, known[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return unknown(c, node, at->line, what, at->text, known, count);
}

static int take_text_once(struct policy_check *c, size_t node, void *to)
{
	int rc = policy_take_text(c, node, to);
	return rc == 0 ? policy_check_once(c, node) : rc;
}

int policy_take_texts(struct policy_check *c, size_t node, void *to)
{
	return policy_take_list(c, node, 1, take_text_once, sizeof(char *), to);
}

/* ---- numbers ---- */

/* Digits at `*at`, which moves behind them. */
static bool take_digits(const char **at, uint64_t *ret)
{
	const char *first = *at;
	*ret = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		if (__builtin_mul_overflow(*ret, UINT64_C(10), ret) ||
		        __builtin_add_overflow(*ret, (uint64_t)(**at - '0'), ret))
			return false;
	}
	return *at > first;
}

static const struct {
	const char *name;
	unsigned shift;
} units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};

bool policy_parse_size(const char *text, const char *suffix, uint64_t *ret)
{
	uint64_t value;
	const char *at = text;
	if (!take_digits(&at, &value))
		return false;
	at += *at == ' ' && at[1] != '\0';
	for (size_t i = 0; i < LENGTH(units); i++) {
		size_t len = strlen(units[i].name);
		if (strncmp(at, units[i].name, len) != 0 || strcmp(at + len, suffix) != 0)
			continue;
		if (value == 0 || value > (uint64_t)INT64_MAX >> units[i].shift)
			return false;
		*ret = value << units[i].shift;
		return true;
	}
	return false;
}

int policy_take_size(struct policy_check *c, size_t node, void *to)
{
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const char *text = policy_node(c, node)->text;
	if (policy_parse_size(text, "", to))
		return 0;
	rc = policy_error(c, node, "'%.64s' is not a size (from 1 byte to 8388607TiB)", text);
	vst_err_hint(c->err, "whole numbers, alone for bytes or with KiB, MiB, GiB or TiB: 8GiB");
	return rc;
}

int policy_take_rate(struct policy_check *c, size_t node, void *to)
{
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const char *text = policy_node(c, node)->text;
	if (policy_parse_size(text, "/s", to))
		return 0;
	rc = policy_error(c, node, "'%.64s' is not a rate", text);
	vst_err_hint(c->err, "whole numbers with KiB/s, MiB/s or GiB/s: 200MiB/s");
	return rc;
}

bool vst_policy_every_parse(const char *text, struct vst_policy_every *ret)
{
	const char *at = text;
	*ret = (struct vst_policy_every){0};
	if (take_digits(&at, &ret->count) && *at == '\0' && ret->count > 0 && ret->count <= UINT32_MAX)
		return true;
	ret->count = 0;
	return vst_duration_parse(text, &ret->seconds);
}

int policy_take_every(struct policy_check *c, size_t node, void *to)
{
	int rc = check_text(c, node);
	if (rc != 0 || vst_policy_every_parse(policy_node(c, node)->text, to))
		return rc;
	rc = policy_error(
	        c, node, "'%.64s' is neither a number of snapshots nor a time", policy_node(c, node)->text);
	vst_err_hint(c->err, "30 makes every 30th snapshot a full one, 30d the first of each 30 days");
	return rc;
}

int policy_take_duration(struct policy_check *c, size_t node, void *to)
{
	int rc = check_text(c, node);
	if (rc != 0 || vst_duration_parse(policy_node(c, node)->text, to))
		return rc;
	rc = policy_error(c, node, "'%.64s' is not a time", policy_node(c, node)->text);
	vst_err_hint(c->err, "whole numbers with s, min, h or d: 10min");
	return rc;
}

int policy_take_number(struct policy_check *c, size_t node, void *to)
{
	uint64_t *number = to;
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const char *at = policy_node(c, node)->text;
	if (take_digits(&at, number) && *at == '\0' && *number > 0 && *number <= UINT32_MAX)
		return 0;
	return policy_error(c, node, "'%.64s' is not a whole number from 1", policy_node(c, node)->text);
}

int policy_take_percent(struct policy_check *c, size_t node, void *to)
{
	uint64_t value;
	unsigned *percent = to;
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const char *at = policy_node(c, node)->text;
	if (!take_digits(&at, &value) || strcmp(at, "%") != 0 || value == 0 || value > 6400) {
		rc = policy_error(c, node, "'%.64s' is not a share", policy_node(c, node)->text);
		vst_err_hint(c->err, "percent of one processor's time, from 1%% to 6400%%: 50%%");
		return rc;
	}
	*percent = (unsigned)value;
	return 0;
}
