#include <stdlib.h>
#include <string.h>

#include "policy/artifacts_set.h"
#include "policy/policy_tree.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/pattern.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

struct reading {
	struct policy_tree tree;
	struct artifact_definition *definition;
	struct vst_err *err; /* what is wrong with the document */
	bool nomem;
};

static const char *const type_names[ARTIFACT_TYPES] = {
        [ARTIFACT_GROUP] = "ARTIFACT_GROUP",
        [ARTIFACT_COMMAND] = "COMMAND",
        [ARTIFACT_FILE] = "FILE",
        [ARTIFACT_PATH] = "PATH",
        [ARTIFACT_DIRECTORY] = "DIRECTORY",
        [ARTIFACT_REGISTRY_KEY] = "REGISTRY_KEY",
        [ARTIFACT_REGISTRY_VALUE] = "REGISTRY_VALUE",
        [ARTIFACT_WMI] = "WMI",
};

const char *artifact_type_name(enum artifact_type type)
{
	return type_names[type];
}

static void texts_free(struct artifact_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->texts[i]);
	free(texts->texts);
}

static void contents_free(struct artifact_definition *definition)
{
	for (size_t i = 0; i < definition->source_count; i++) {
		free(definition->sources[i].os.names);
		free(definition->sources[i].command);
		texts_free(&definition->sources[i].texts);
	}
	free(definition->sources);
	free(definition->os.names);
	texts_free(&definition->aliases);
	definition->sources = NULL;
	definition->source_count = 0;
	definition->os.names = NULL;
	definition->aliases = (struct artifact_texts){0};
}

void artifact_definition_free(struct artifact_definition *definition)
{
	if (!definition)
		return;
	contents_free(definition);
	free(definition->name);
	free(definition->broken);
	free(definition);
}

/* ---- the tree: each returns 0, or not after it has said what is wrong ---- */

static struct policy_node *node_of(const struct reading *r, size_t node)
{
	return &r->tree.nodes[node];
}

static int nomem(struct reading *r)
{
	r->nomem = true;
	return vst_err_nomem(r->err);
}

/* 0: there is none. */
static size_t child_of(const struct reading *r, size_t map, const char *key)
{
	size_t child = node_of(r, map)->kind == POLICY_MAP ? node_of(r, map)->first : 0;
	while (child != 0 && strcmp(node_of(r, child)->key, key) != 0)
		child = node_of(r, child)->next;
	return child;
}

static bool is_null(const struct policy_node *at)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	for (size_t i = 0; i < LENGTH(nulls); i++)
		if (at->plain && strcmp(at->text, nulls[i]) == 0)
			return true;
	return false;
}

static int want_kind(struct reading *r, size_t node, enum policy_kind kind)
{
	static const char *const names[] = {"text", "a list", "a mapping (key: value)"};
	const struct policy_node *at = node_of(r, node);
	if (at->kind == POLICY_TEXT && is_null(at))
		return policy_tree_error(&r->tree, node, at->line, r->err, "empty");
	if (at->kind != kind)
		return policy_tree_error(
		        &r->tree, node, at->line, r->err, "must be %s, not %s", names[kind], names[at->kind]);
	return 0;
}

static int want_list(struct reading *r, size_t node, size_t min)
{
	int rc = want_kind(r, node, POLICY_LIST);
	if (rc == 0 && min > 0 && node_of(r, node)->first == 0)
		rc = policy_tree_error(&r->tree, node, node_of(r, node)->line, r->err, "an empty list");
	return rc;
}

/* Keys are known and there once; those after `required` of them may be missing. */
static int want_keys(struct reading *r, size_t map, const char *const *keys, size_t required, size_t count)
{
	unsigned seen = 0;
	int rc = want_kind(r, map, POLICY_MAP);
	for (size_t child = rc == 0 ? node_of(r, map)->first : 0; child != 0;
	        child = node_of(r, child)->next) {
		const struct policy_node *at = node_of(r, child);
		size_t i = 0;
		while (i < count && strcmp(keys[i], at->key) != 0)
			i++;
		if (i == count)
			return policy_tree_error(
			        &r->tree, map, at->key_line, r->err, "unknown key '%.64s'", at->key);
		if (seen >> i & 1)
			return policy_tree_error(
			        &r->tree, map, at->key_line, r->err, "key '%s' is here twice", at->key);
		seen |= 1U << i;
	}
	for (size_t i = 0; rc == 0 && i < required; i++)
		if (!(seen >> i & 1))
			rc = policy_tree_error(
			        &r->tree, map, node_of(r, map)->line, r->err, "key '%s' is missing", keys[i]);
	return rc;
}

/* Takes the texts of a list out of the tree. */
static int take_texts(struct reading *r, size_t list, struct artifact_texts *ret)
{
	size_t count = 0;
	for (size_t child = node_of(r, list)->first; child != 0; child = node_of(r, child)->next) {
		int rc = want_kind(r, child, POLICY_TEXT);
		if (rc != 0)
			return rc;
		count++;
	}
	if (count > 0 && !(ret->texts = vst_calloc(count, sizeof *ret->texts)))
		return nomem(r);
	for (size_t child = node_of(r, list)->first; child != 0; child = node_of(r, child)->next) {
		ret->texts[ret->count++] = node_of(r, child)->text;
		node_of(r, child)->text = NULL;
	}
	return 0;
}

/* ---- names ---- */

static bool is_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(text);
	return len > 0 && len <= VST_ARTIFACT_NAME_MAX && strspn(text, letters) == len &&
	       !strchr("-_.", text[0]);
}

static int want_name(struct reading *r, size_t node)
{
	int rc = want_kind(r, node, POLICY_TEXT);
	if (rc == 0 && !is_name(node_of(r, node)->text))
		rc = policy_tree_error(&r->tree, node, node_of(r, node)->line, r->err,
		        "'%.80s' is not a name (a letter or digit, then letters, digits, '-', '_', '.'; at "
		        "most "
		        "%d)",
		        node_of(r, node)->text, VST_ARTIFACT_NAME_MAX);
	return rc;
}

static int take_names(struct reading *r, size_t list, size_t min, struct artifact_texts *ret)
{
	int rc = want_list(r, list, min);
	for (size_t child = rc == 0 ? node_of(r, list)->first : 0; rc == 0 && child != 0;
	        child = node_of(r, child)->next)
		rc = want_name(r, child);
	return rc == 0 ? take_texts(r, list, ret) : rc;
}

/* ---- supported_os ---- */

static int take_os(struct reading *r, size_t map, struct artifact_os *ret)
{
	static const char *const known[] = {"Android", "Darwin", "ESXi", "iOS", "Linux", "Windows"};
	struct vst_buf names = VST_BUF_INIT;
	size_t list = child_of(r, map, "supported_os");
	ret->linux_host = true;
	if (list == 0)
		return 0;
	int rc = want_list(r, list, 1);
	ret->linux_host = false;
	for (size_t child = rc == 0 ? node_of(r, list)->first : 0; rc == 0 && child != 0;
	        child = node_of(r, child)->next) {
		size_t i = 0;
		if ((rc = want_kind(r, child, POLICY_TEXT)) != 0)
			break;
		const struct policy_node *at = node_of(r, child);
		while (i < LENGTH(known) && strcmp(known[i], at->text) != 0)
			i++;
		if (i == LENGTH(known)) {
			rc = policy_tree_error(&r->tree, child, at->line, r->err,
			        "unknown system '%.64s' (known: Android, Darwin, ESXi, iOS, Linux, Windows)",
			        at->text);
			break;
		}
		ret->linux_host = ret->linux_host || strcmp(at->text, "Linux") == 0;
		vst_buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", at->text);
	}
	vst_buf_byte(&names, 0);
	if (rc == 0 && names.failed)
		rc = nomem(r);
	if (rc != 0) {
		vst_buf_free(&names);
		return rc;
	}
	ret->names = (char *)names.data;
	return 0;
}

/* ---- sources ---- */

static int take_command(struct reading *r, size_t attributes, struct artifact_source *ret)
{
	static const char *const keys[] = {"cmd", "args"};
	int rc = want_keys(r, attributes, keys, 1, LENGTH(keys));
	size_t cmd = rc == 0 ? child_of(r, attributes, "cmd") : 0;
	size_t args = rc == 0 ? child_of(r, attributes, "args") : 0;
	if (rc == 0)
		rc = want_kind(r, cmd, POLICY_TEXT);
	if (rc == 0 && node_of(r, cmd)->text[0] == '\0')
		rc = policy_tree_error(&r->tree, cmd, node_of(r, cmd)->line, r->err, "empty");
	if (rc == 0 && args != 0 && (rc = want_list(r, args, 0)) == 0)
		rc = take_texts(r, args, &ret->texts);
	if (rc == 0) {
		ret->command = node_of(r, cmd)->text;
		node_of(r, cmd)->text = NULL;
	}
	return rc;
}

static int take_paths(struct reading *r, size_t attributes, struct artifact_source *ret)
{
	static const char *const keys[] = {"paths", "separator"};
	int rc = want_keys(r, attributes, keys, 1, LENGTH(keys));
	if (rc != 0)
		return rc;
	size_t separator = child_of(r, attributes, "separator"), paths = child_of(r, attributes, "paths");
	ret->separator = '/';
	if (separator != 0) {
		if ((rc = want_kind(r, separator, POLICY_TEXT)) != 0)
			return rc;
		const struct policy_node *at = node_of(r, separator);
		if (strcmp(at->text, "/") != 0 && strcmp(at->text, "\\") != 0)
			return policy_tree_error(&r->tree, separator, at->line, r->err,
			        "must be '/' or '\\', not '%.64s'", at->text);
		ret->separator = at->text[0];
	}
	if ((rc = want_list(r, paths, 1)) == 0)
		rc = take_texts(r, paths, &ret->texts);
	return rc;
}

/* What is for Windows is read no closer than for its shape. */
static int check_windows(struct reading *r, size_t attributes, enum artifact_type type)
{
	static const char *const key[] = {"keys"}, *const value[] = {"key_value_pairs"},
	                         *const wmi[] = {"query", "base_object"};
	int rc;
	if (type == ARTIFACT_WMI) {
		rc = want_keys(r, attributes, wmi, 1, LENGTH(wmi));
		return rc == 0 ? want_kind(r, child_of(r, attributes, wmi[0]), POLICY_TEXT) : rc;
	}
	const char *const *keys = type == ARTIFACT_REGISTRY_KEY ? key : value;
	rc = want_keys(r, attributes, keys, 1, 1);
	return rc == 0 ? want_list(r, child_of(r, attributes, keys[0]), 1) : rc;
}

static int take_type(struct reading *r, size_t node, enum artifact_type *ret)
{
	int rc = want_kind(r, node, POLICY_TEXT);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < ARTIFACT_TYPES; i++)
		if (strcmp(node_of(r, node)->text, type_names[i]) == 0) {
			*ret = (enum artifact_type)i;
			return 0;
		}
	return policy_tree_error(&r->tree, node, node_of(r, node)->line, r->err,
	        "unknown type of source '%.64s'", node_of(r, node)->text);
}

static int take_source(struct reading *r, size_t node, struct artifact_source *ret)
{
	static const char *const keys[] = {
	        "type", "attributes", "supported_os", "conditions", "provides", "returned_types"};
	static const char *const group_keys[] = {"names"};
	int rc = want_keys(r, node, keys, 2, LENGTH(keys));
	if (rc == 0)
		rc = take_type(r, child_of(r, node, "type"), &ret->type);
	if (rc == 0)
		rc = take_os(r, node, &ret->os);
	if (rc != 0)
		return rc;
	size_t attributes = child_of(r, node, "attributes");
	switch (ret->type) {
	case ARTIFACT_GROUP:
		rc = want_keys(r, attributes, group_keys, 1, 1);
		return rc == 0 ? take_names(r, child_of(r, attributes, "names"), 1, &ret->texts) : rc;
	case ARTIFACT_COMMAND:
		return take_command(r, attributes, ret);
	case ARTIFACT_FILE:
	case ARTIFACT_PATH:
	case ARTIFACT_DIRECTORY:
		return take_paths(r, attributes, ret);
	default:
		return check_windows(r, attributes, ret->type);
	}
}

static int take_sources(struct reading *r, size_t list)
{
	size_t count = 0;
	int rc = want_list(r, list, 1);
	for (size_t child = rc == 0 ? node_of(r, list)->first : 0; child != 0;
	        child = node_of(r, child)->next)
		count++;
	if (rc == 0 && !(r->definition->sources = vst_calloc(count, sizeof *r->definition->sources)))
		return nomem(r);
	for (size_t child = rc == 0 ? node_of(r, list)->first : 0; rc == 0 && child != 0;
	        child = node_of(r, child)->next)
		rc = take_source(r, child, &r->definition->sources[r->definition->source_count++]);
	return rc;
}

/* ---- definitions ---- */

/* Its name first, so that what is wrong with the rest can be told of it. */
static int take_name(struct reading *r)
{
	int rc = want_kind(r, 0, POLICY_MAP);
	size_t name = rc == 0 ? child_of(r, 0, "name") : 0;
	if (name == 0)
		return rc;
	if ((rc = want_name(r, name)) == 0 && !(r->definition->name = vst_strdup(node_of(r, name)->text)))
		rc = nomem(r);
	return rc;
}

static int take_definition(struct reading *r)
{
	static const char *const keys[] = {"name", "doc", "sources", "aliases", "supported_os", "urls",
	        "conditions", "labels", "provides"};
	int rc = take_name(r);
	if (rc == 0)
		rc = want_keys(r, 0, keys, 3, LENGTH(keys));
	if (rc == 0)
		rc = want_kind(r, child_of(r, 0, "doc"), POLICY_TEXT);
	for (size_t i = 5; rc == 0 && i < LENGTH(keys); i++)
		if (child_of(r, 0, keys[i]) != 0)
			rc = want_list(r, child_of(r, 0, keys[i]), 0);
	if (rc == 0 && child_of(r, 0, "aliases") != 0)
		rc = take_names(r, child_of(r, 0, "aliases"), 0, &r->definition->aliases);
	if (rc == 0)
		rc = take_os(r, 0, &r->definition->os);
	if (rc == 0)
		rc = take_sources(r, child_of(r, 0, "sources"));
	return rc;
}

/* Where the document is no YAML: the line that would be the name. */
static int find_name(struct reading *r, const char *text, size_t len)
{
	static const char key[] = "name:";
	const char *end = text + len;
	for (const char *line = text; line < end;) {
		const char *lf = memchr(line, '\n', (size_t)(end - line)), *stop = lf ? lf : end;
		if ((size_t)(stop - line) > strlen(key) && memcmp(line, key, strlen(key)) == 0) {
			const char *from = line + strlen(key);
			while (from < stop && strchr(" \t'\"", *from) && *from)
				from++;
			while (stop > from && strchr(" \t\r'\"", stop[-1]) && stop[-1])
				stop--;
			char *name = vst_memdup(from, (size_t)(stop - from));
			if (!name)
				return nomem(r);
			if (strlen(name) == (size_t)(stop - from) && is_name(name))
				r->definition->name = name;
			else
				free(name);
			return 0;
		}
		line = lf ? lf + 1 : end;
	}
	return 0;
}

static bool is_nothing(const struct policy_tree *tree)
{
	return tree->count == 1 && tree->nodes[0].kind == POLICY_TEXT && tree->nodes[0].plain &&
	       tree->nodes[0].text[0] == '\0';
}

/* "linux.yaml:7: …" */
static size_t line_in(const char *file, const char *text)
{
	size_t len = strlen(file);
	return strncmp(text, file, len) == 0 && text[len] == ':' ? (size_t)strtoul(text + len + 1, NULL, 10)
	                                                         : 0;
}

int artifact_parse(const char *file, size_t lines_before, const char *text, size_t len,
        struct artifact_definition **ret, size_t *ret_line, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	struct reading r = {.tree = {.what = "definitions", .lines_before = lines_before}, .err = &why};
	*ret = NULL;
	if (!(r.definition = vst_calloc(1, sizeof *r.definition)))
		return vst_err_nomem(err);
	int rc = policy_tree_read(text, len, file, &r.tree, &why);
	r.nomem = rc == VST_ENOMEM;
	if (rc == 0 && is_nothing(&r.tree)) {
		artifact_definition_free(r.definition);
		policy_tree_free(&r.tree);
		return 0;
	}
	if (rc == 0)
		rc = take_definition(&r);
	else if (!r.nomem)
		find_name(&r, text, len);
	policy_tree_free(&r.tree);
	if (rc != 0 && !r.nomem) {
		contents_free(r.definition);
		*ret_line = line_in(file, why.text);
		r.definition->broken = vst_strdup(why.text);
		r.nomem = r.definition->broken == NULL;
	}
	if (r.nomem) {
		artifact_definition_free(r.definition);
		return vst_err_nomem(err);
	}
	*ret = r.definition;
	return 0;
}
