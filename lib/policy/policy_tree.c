#include "policy/policy_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"

struct builder {
	struct policy_tree *tree;
	struct vst_err *err;
	size_t open[POLICY_DEPTH]; /* lists and maps that are not closed, outermost first */
	size_t depth;
	char *key; /* of the open map, waiting for its value */
	size_t key_line;
	size_t documents;
};

void policy_tree_free(struct policy_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->nodes[i].key);
		free(tree->nodes[i].text);
	}
	free(tree->nodes);
	*tree = (struct policy_tree){0};
}

/* ---- errors ---- */

static void put_path(const struct policy_tree *tree, size_t node, struct vst_buf *out)
{
	size_t path[POLICY_DEPTH + 1], depth = 0;
	for (; node != 0 && depth <= POLICY_DEPTH; node = tree->nodes[node].parent)
		path[depth++] = node;
	while (depth > 0) {
		const struct policy_node *at = &tree->nodes[path[--depth]];
		if (at->key)
			vst_buf_printf(out, "%s%.64s", out->len > 0 ? "." : "", at->key);
		else
			vst_buf_printf(out, "[%zu]", at->position);
	}
	if (out->len > 0)
		vst_buf_text(out, ": ");
}

int policy_tree_error(const struct policy_tree *tree, size_t node, size_t line, struct vst_err *err,
        const char *format, ...)
{
	char what[VST_ERR_TEXT_MAX];
	struct vst_buf path = VST_BUF_INIT;
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	put_path(tree, node, &path);
	int rc = vst_err_set(err, VST_EFORMAT, "%s:%zu: %s%s", tree->name, line, vst_buf_cstr(&path), what);
	vst_buf_free(&path);
	return rc;
}

static size_t line_of(const struct builder *builder, yaml_mark_t mark)
{
	return builder->tree->lines_before + mark.line + 1;
}

/* Where the value that comes next belongs: the open list or map, the root before there is any. */
static size_t parent_of_next(const struct builder *builder)
{
	return builder->depth > 0 ? builder->open[builder->depth - 1] : 0;
}

/* What people most often get wrong: a pattern that YAML takes for something of its own. */
static void hint_quotes(struct vst_err *err)
{
	vst_err_hint(err, "put patterns into quotes, such as \"*.iso\" or \"/srv/{a,b}\"");
}

static int yaml_error(struct builder *builder, const yaml_parser_t *parser, const char *text, size_t len)
{
	const char *name = builder->tree->name;
	const char *problem = parser->problem ? parser->problem : "unreadable";
	if (parser->error == YAML_MEMORY_ERROR)
		return vst_err_nomem(builder->err);
	if (parser->error == YAML_READER_ERROR) {
		/* The reader runs ahead of the parser and knows the offset alone. */
		size_t line = builder->tree->lines_before + 1;
		for (size_t i = 0; i < len && i < parser->problem_offset; i++)
			line += text[i] == '\n';
		return vst_err_set(
		        builder->err, VST_EFORMAT, "%s:%zu: not a text in UTF-8: %s", name, line, problem);
	}
	int rc = vst_err_set(builder->err, VST_EFORMAT, "%s:%zu: not YAML: %s%s%s", name,
	        line_of(builder, parser->problem_mark), problem, parser->context ? ", " : "",
	        parser->context ? parser->context : "");
	if (strstr(problem, "tab "))
		vst_err_hint(builder->err, "YAML is indented by spaces");
	else if (strstr(problem, "start any token"))
		vst_err_hint(builder->err,
		        "text that starts with %%, @ or ` needs quotes; indent by spaces, not tabs");
	else if (parser->context &&
	         (strstr(parser->context, "flow") || strstr(parser->context, "alias") ||
	                 strstr(parser->context, "anchor") || strstr(parser->context, "tag")))
		hint_quotes(builder->err);
	return rc;
}

/* ---- building ---- */

static int new_node(struct builder *builder, enum policy_kind kind, size_t line, size_t *ret)
{
	struct policy_tree *tree = builder->tree;
	size_t parent = parent_of_next(builder);
	if (tree->count == POLICY_NODES)
		return policy_tree_error(
		        tree, parent, line, builder->err, "more than %d values", POLICY_NODES);
	if (tree->count == tree->cap) {
		size_t cap = tree->cap ? 2 * tree->cap : 64;
		struct policy_node *grown = vst_realloc(tree->nodes, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(builder->err);
		tree->nodes = grown;
		tree->cap = cap;
	}
	size_t node = tree->count++;
	tree->nodes[node] = (struct policy_node){.kind = kind, .line = line, .parent = parent};
	tree->nodes[node].key = builder->key;
	tree->nodes[node].key_line = builder->key_line;
	builder->key = NULL;
	if (node > 0) {
		struct policy_node *above = &tree->nodes[parent];
		if (above->last) {
			tree->nodes[above->last].next = node;
			tree->nodes[node].position = tree->nodes[above->last].position + 1;
		} else {
			above->first = node;
		}
		above->last = node;
	}
	*ret = node;
	return 0;
}

static bool wants_key(const struct builder *builder)
{
	return builder->depth > 0 && !builder->key &&
	       builder->tree->nodes[builder->open[builder->depth - 1]].kind == POLICY_MAP;
}

static int take_scalar(struct builder *builder, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length, line = line_of(builder, event->start_mark), node;
	if (memchr(text, '\0', len))
		return policy_tree_error(
		        builder->tree, parent_of_next(builder), line, builder->err, "text with a zero byte");
	char *copy = vst_memdup(text, len);
	if (!copy)
		return vst_err_nomem(builder->err);
	if (wants_key(builder)) {
		builder->key = copy;
		builder->key_line = line;
		return 0;
	}
	int rc = new_node(builder, POLICY_TEXT, line, &node);
	if (rc != 0) {
		free(copy);
		return rc;
	}
	builder->tree->nodes[node].text = copy;
	builder->tree->nodes[node].plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static int open_level(struct builder *builder, enum policy_kind kind, const yaml_event_t *event)
{
	size_t line = line_of(builder, event->start_mark), node;
	if (wants_key(builder)) {
		int rc = policy_tree_error(builder->tree, parent_of_next(builder), line, builder->err,
		        "a key must be text, not a list or a mapping");
		hint_quotes(builder->err);
		return rc;
	}
	if (builder->depth == POLICY_DEPTH)
		return policy_tree_error(builder->tree, parent_of_next(builder), line, builder->err,
		        "more than %d levels deep", POLICY_DEPTH);
	int rc = new_node(builder, kind, line, &node);
	if (rc == 0)
		builder->open[builder->depth++] = node;
	return rc;
}

static int refuse(
        struct builder *builder, const yaml_event_t *event, const char *what, const yaml_char_t *name)
{
	int rc = policy_tree_error(builder->tree, parent_of_next(builder),
	        line_of(builder, event->start_mark), builder->err, "%s, '%.64s', is not taken in %s", what,
	        (const char *)name, builder->tree->what ? builder->tree->what : "policies");
	hint_quotes(builder->err);
	return rc;
}

/* Anchors and tags change what a reader sees, and libyaml hands them out with the node that they stand
 * before. */
static int refuse_properties(
        struct builder *builder, const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return refuse(builder, event, "an anchor", anchor);
	if (tag)
		return refuse(builder, event, "a tag", tag);
	return 0;
}

static int start_document(struct builder *builder, const yaml_event_t *event)
{
	size_t line = line_of(builder, event->start_mark);
	if (builder->documents++ > 0)
		return vst_err_set(
		        builder->err, VST_EFORMAT, "%s:%zu: a second document", builder->tree->name, line);
	if (event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
		return vst_err_set(
		        builder->err, VST_EFORMAT, "%s:%zu: a %%TAG directive", builder->tree->name, line);
	return 0;
}

static int take_event(struct builder *builder, const yaml_event_t *event)
{
	int rc;
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return start_document(builder, event);
	case YAML_ALIAS_EVENT:
		return refuse(builder, event, "an alias", event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		rc = refuse_properties(builder, event, event->data.scalar.anchor, event->data.scalar.tag);
		return rc != 0 ? rc : take_scalar(builder, event);
	case YAML_SEQUENCE_START_EVENT:
		rc = refuse_properties(
		        builder, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
		return rc != 0 ? rc : open_level(builder, POLICY_LIST, event);
	case YAML_MAPPING_START_EVENT:
		rc = refuse_properties(
		        builder, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
		return rc != 0 ? rc : open_level(builder, POLICY_MAP, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		builder->depth--;
		return 0;
	default:
		return 0;
	}
}

int policy_tree_read(
        const void *text, size_t len, const char *name, struct policy_tree *ret, struct vst_err *err)
{
	struct builder builder = {.tree = ret, .err = err};
	yaml_parser_t parser;
	yaml_event_t event;
	int rc = 0;

	ret->name = name;
	if (!yaml_parser_initialize(&parser))
		return vst_err_nomem(err);
	yaml_parser_set_input_string(&parser, text, len);
	/* Else a byte order mark could choose UTF-16, and people would not see what we read. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	for (bool done = false; rc == 0 && !done;) {
		if (!yaml_parser_parse(&parser, &event)) {
			rc = yaml_error(&builder, &parser, text, len);
			break;
		}
		done = event.type == YAML_STREAM_END_EVENT;
		rc = take_event(&builder, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	free(builder.key);
	if (rc == 0 && ret->count == 0)
		rc = vst_err_set(err, VST_EFORMAT, "%s: empty", name);
	return rc;
}
