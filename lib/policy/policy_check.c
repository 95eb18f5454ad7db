#include "policy/policy_check.h"

#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/pattern.h"
#include "vestige/policy.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

struct check {
	const struct policy_tree *tree;
	struct vst_err *err;
	size_t alternatives; /* of all patterns so far */
};

/* A key of a map, and what its value must be. */
struct field {
	const char *key;
	bool required;
	int (*check)(struct check *c, size_t node);
};

static const struct policy_node *node_of(const struct check *c, size_t node)
{
	return &c->tree->nodes[node];
}

static const char *kind_name(enum policy_kind kind)
{
	static const char *const names[] = {"text", "a list", "a mapping"};
	return names[kind];
}

/* ---- what was most likely meant ---- */

#define WORD_MAX 24

/* How many letters have to be put in, taken out or changed to make one word of the other. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], b_len = strlen(b);
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t best = diagonal + (a[i] != b[j]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	return row[b_len];
}

static const char *nearest(const char *word, const char *const *known, size_t count)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) < 5 ? 2 : 3;
	if (strlen(word) > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t d = distance(word, known[i]);
		if (d < best_distance) {
			best_distance = d;
			best = known[i];
		}
	}
	return best;
}

static int unknown(struct check *c, size_t node, size_t line, const char *what, const char *word,
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

static int wrong_type(struct check *c, size_t node, const char *wanted)
{
	const struct policy_node *at = node_of(c, node);
	int rc = policy_tree_error(
	        c->tree, node, at->line, c->err, "must be %s, not %s", wanted, kind_name(at->kind));
	if (at->kind != POLICY_TEXT)
		vst_err_hint(c->err, "text that starts with [ or { or holds ': ' needs quotes");
	return rc;
}

/* Text with something in it; what YAML takes for null is nothing. */
static int check_text(struct check *c, size_t node)
{
	static const char *const nulls[] = {"~", "null", "Null", "NULL"};
	const struct policy_node *at = node_of(c, node);
	if (at->kind != POLICY_TEXT)
		return wrong_type(c, node, "text");
	bool empty = at->text[0] == '\0';
	for (size_t i = 0; i < LENGTH(nulls); i++)
		empty = empty || (at->plain && strcmp(at->text, nulls[i]) == 0);
	return empty ? policy_tree_error(c->tree, node, at->line, c->err, "empty") : 0;
}

static int check_flag(struct check *c, size_t node)
{
	const struct policy_node *at = node_of(c, node);
	if (at->kind != POLICY_TEXT)
		return wrong_type(c, node, "true or false");
	if (at->plain && (strcmp(at->text, "true") == 0 || strcmp(at->text, "false") == 0))
		return 0;
	return policy_tree_error(c->tree, node, at->line, c->err, "must be true or false, not %s%.64s%s",
	        at->plain ? "" : "the text '", at->text, at->plain ? "" : "'");
}

static int check_list(struct check *c, size_t node, size_t min, int (*check)(struct check *c, size_t node))
{
	const struct policy_node *at = node_of(c, node);
	if (at->kind != POLICY_LIST)
		return wrong_type(c, node, "a list");
	if (min > 0 && at->first == 0)
		return policy_tree_error(c->tree, node, at->line, c->err, "an empty list");
	int rc = 0;
	for (size_t child = at->first; rc == 0 && child != 0; child = node_of(c, child)->next)
		rc = check(c, child);
	return rc;
}

static int unknown_key(struct check *c, size_t map, size_t child, const struct field *fields, size_t count)
{
	const char *known[16];
	for (size_t i = 0; i < count; i++)
		known[i] = fields[i].key;
	return unknown(c, map, node_of(c, child)->key_line, "key", node_of(c, child)->key, known, count);
}

static int check_map(struct check *c, size_t node, const struct field *fields, size_t count)
{
	const struct policy_node *at = node_of(c, node);
	unsigned seen = 0;
	int rc = 0;
	if (at->kind != POLICY_MAP)
		return wrong_type(c, node, "a mapping (key: value)");
	for (size_t child = at->first; rc == 0 && child != 0; child = node_of(c, child)->next) {
		size_t i = 0;
		while (i < count && strcmp(fields[i].key, node_of(c, child)->key) != 0)
			i++;
		if (i == count)
			return unknown_key(c, node, child, fields, count);
		if (seen >> i & 1)
			return policy_tree_error(c->tree, node, node_of(c, child)->key_line, c->err,
			        "key '%s' is here twice", fields[i].key);
		seen |= 1U << i;
		rc = fields[i].check(c, child);
	}
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (fields[i].required && !(seen >> i & 1))
			rc = policy_tree_error(
			        c->tree, node, at->line, c->err, "key '%s' is missing", fields[i].key);
	return rc;
}

/* ---- names ---- */

static bool is_name(const char *text, const char *marks)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	if (!strchr(letters, text[0]) || strlen(text) > VST_POLICY_NAME_MAX)
		return false;
	for (; *text; text++)
		if (!strchr(letters, *text) && !strchr(marks, *text))
			return false;
	return true;
}

static int check_dotted_name(struct check *c, size_t node)
{
	int rc = check_text(c, node);
	if (rc != 0 || is_name(node_of(c, node)->text, "-_."))
		return rc;
	return policy_tree_error(c->tree, node, node_of(c, node)->line, c->err,
	        "'%.80s' is not a name (a letter or digit, then letters, digits, '-', '_', '.'; at most %d)",
	        node_of(c, node)->text, VST_POLICY_NAME_MAX);
}

static int check_source_name(struct check *c, size_t node)
{
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const struct policy_node *at = node_of(c, node);
	if (!is_name(at->text, "-_"))
		return policy_tree_error(c->tree, node, at->line, c->err,
		        "'%.80s' is not a name (a letter or digit, then letters, digits, '-', '_'; at most "
		        "%d)",
		        at->text, VST_POLICY_NAME_MAX);
	if (strcmp(at->text, "exhibit") == 0 || strcmp(at->text, "long") == 0)
		return policy_tree_error(c->tree, node, at->line, c->err,
		        "'%s' is a name that exhibits use themselves", at->text);
	return 0;
}

/* The lists are short, or bounded before. */
static int check_no_repetition(struct check *c, size_t node)
{
	size_t earlier = node_of(c, node_of(c, node)->parent)->first;
	for (; earlier != node; earlier = node_of(c, earlier)->next)
		if (strcmp(node_of(c, earlier)->text, node_of(c, node)->text) == 0)
			return policy_tree_error(c->tree, node, node_of(c, node)->line, c->err,
			        "'%.64s' is in the list already", node_of(c, node)->text);
	if (node_of(c, node)->position >= VST_POLICY_SOURCES_MAX)
		return policy_tree_error(c->tree, node, node_of(c, node)->line, c->err,
		        "more than %d of them", VST_POLICY_SOURCES_MAX);
	return 0;
}

/* The words that a case's own list of regimes takes. */
static int check_regime(struct check *c, size_t node)
{
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const char *text = node_of(c, node)->text;
	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(text) ||
	        strlen(text) > VST_POLICY_NAME_MAX)
		return policy_tree_error(c->tree, node, node_of(c, node)->line, c->err,
		        "'%.80s' is not a word (a-z, 0-9, '-', '_'; at most %d)", text, VST_POLICY_NAME_MAX);
	return check_no_repetition(c, node);
}

static int check_regimes(struct check *c, size_t node)
{
	return check_list(c, node, 0, check_regime);
}

static int check_about(struct check *c, size_t node)
{
	int rc = check_text(c, node);
	if (rc == 0 && strlen(node_of(c, node)->text) > VST_POLICY_ABOUT_MAX)
		rc = policy_tree_error(c->tree, node, node_of(c, node)->line, c->err, "longer than %d bytes",
		        VST_POLICY_ABOUT_MAX);
	return rc;
}

static int check_hash(struct check *c, size_t node)
{
	static const char *const known[] = {"sha256", "sha1", "md5"};
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const struct policy_node *at = node_of(c, node);
	for (size_t i = 0; i < LENGTH(known); i++)
		if (strcmp(at->text, known[i]) == 0)
			return check_no_repetition(c, node);
	return unknown(c, node, at->line, "hash", at->text, known, LENGTH(known));
}

static int check_hashes(struct check *c, size_t node)
{
	return check_list(c, node, 0, check_hash);
}

/* ---- sizes ---- */

static const struct {
	const char *name;
	unsigned shift;
} units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};

bool policy_size(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	const char *at = text;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		        __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	}
	if (at == text)
		return false;
	at += *at == ' ' && at[1] != '\0';
	for (size_t i = 0; i < LENGTH(units); i++) {
		if (strcmp(at, units[i].name) != 0)
			continue;
		if (value == 0 || value > (uint64_t)INT64_MAX >> units[i].shift)
			return false;
		*ret = value << units[i].shift;
		return true;
	}
	return false;
}

static int check_size(struct check *c, size_t node)
{
	uint64_t size;
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const struct policy_node *at = node_of(c, node);
	if (policy_size(at->text, &size))
		return 0;
	rc = policy_tree_error(c->tree, node, at->line, c->err,
	        "'%.64s' is not a size (from 1 byte to 8388607TiB)", at->text);
	vst_err_hint(c->err, "whole numbers, alone for bytes or with KiB, MiB, GiB or TiB: 8GiB");
	return rc;
}

static int check_limits(struct check *c, size_t node)
{
	static const struct field fields[] = {{"item", false, check_size}, {"exhibit", false, check_size}};
	return check_map(c, node, fields, LENGTH(fields));
}

/* ---- sources ---- */

static int check_pattern(struct check *c, size_t node, bool absolute)
{
	struct vst_pattern *pattern = NULL;
	struct vst_err why = VST_ERR_INIT;
	int rc = check_text(c, node);
	if (rc != 0)
		return rc;
	const struct policy_node *at = node_of(c, node);
	if ((rc = vst_pattern_compile(at->text, &pattern, &why)) == VST_EFORMAT) {
		rc = policy_tree_error(c->tree, node, at->line, c->err, "%.512s", why.text);
		if (why.hint[0])
			vst_err_hint(c->err, "%s", why.hint);
		return rc;
	}
	if (rc != 0)
		return vst_err_nomem(c->err);
	c->alternatives += pattern->count;
	if (c->alternatives > VST_POLICY_ALTERNATIVES_MAX) {
		rc = policy_tree_error(c->tree, node, at->line, c->err,
		        "all patterns together have more than %d alternatives", VST_POLICY_ALTERNATIVES_MAX);
	} else if (absolute && !pattern->absolute) {
		rc = policy_tree_error(
		        c->tree, node, at->line, c->err, "'%.128s' must start with '/'", at->text);
		vst_err_hint(c->err, "'/**/%.64s' takes it at any depth", at->text);
	}
	vst_pattern_free(pattern);
	return rc;
}

static int check_path(struct check *c, size_t node)
{
	return check_pattern(c, node, true);
}

static int check_excluded(struct check *c, size_t node)
{
	return check_pattern(c, node, false);
}

static int check_paths(struct check *c, size_t node)
{
	return check_list(c, node, 1, check_path);
}

static int check_exclude(struct check *c, size_t node)
{
	return check_list(c, node, 0, check_excluded);
}

static int check_files(struct check *c, size_t node)
{
	static const struct field fields[] = {
	        {"paths", true, check_paths},
	        {"exclude", false, check_exclude},
	        {"append_only", false, check_flag},
	        {"one_file_system", false, check_flag},
	};
	return check_map(c, node, fields, LENGTH(fields));
}

static size_t find_child(const struct check *c, size_t map, const char *key)
{
	size_t child = node_of(c, map)->first;
	while (child != 0 && strcmp(node_of(c, child)->key, key) != 0)
		child = node_of(c, child)->next;
	return child;
}

static int check_source(struct check *c, size_t node)
{
	static const struct field fields[] = {
	        {"name", true, check_source_name}, {"files", true, check_files}};
	int rc = check_map(c, node, fields, LENGTH(fields));
	if (rc != 0)
		return rc;
	if (node_of(c, node)->position >= VST_POLICY_SOURCES_MAX)
		return policy_tree_error(c->tree, node, node_of(c, node)->line, c->err,
		        "more than %d sources", VST_POLICY_SOURCES_MAX);
	size_t name = find_child(c, node, "name");
	size_t earlier = node_of(c, node_of(c, node)->parent)->first;
	for (; earlier != node; earlier = node_of(c, earlier)->next) {
		const struct policy_node *other = node_of(c, find_child(c, earlier, "name"));
		if (strcmp(other->text, node_of(c, name)->text) == 0)
			return policy_tree_error(c->tree, name, node_of(c, name)->line, c->err,
			        "'%s' is the name of the source in line %zu already", other->text,
			        other->line);
	}
	return 0;
}

static int check_sources(struct check *c, size_t node)
{
	return check_list(c, node, 1, check_source);
}

int policy_check(const struct policy_tree *tree, struct vst_err *err)
{
	static const struct field fields[] = {
	        {"policy", true, check_dotted_name},
	        {"about", false, check_about},
	        {"regimes", false, check_regimes},
	        {"hashes", false, check_hashes},
	        {"limits", false, check_limits},
	        {"sources", true, check_sources},
	};
	struct check c = {.tree = tree, .err = err};
	return check_map(&c, 0, fields, LENGTH(fields));
}
