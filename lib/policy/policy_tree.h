/*
 * A policy's YAML as a tree with line numbers, taken from libyaml's events: one document, neither aliases,
 * anchors nor tags, no text with NUL, keys that are text, at most POLICY_DEPTH levels and POLICY_NODES
 * values.
 */
#ifndef POLICY_POLICY_TREE_H
#define POLICY_POLICY_TREE_H

#include <stdbool.h>
#include <stddef.h>

#define POLICY_DEPTH 8
#define POLICY_NODES 65536

struct vst_err;

enum policy_kind { POLICY_TEXT, POLICY_LIST, POLICY_MAP };

/* Nodes are named by index. 0 is the root, and as a child or sibling it means that there is none. */
struct policy_node {
	enum policy_kind kind;
	size_t line;     /* from 1 */
	size_t parent;   /* 0 also for the root itself */
	size_t position; /* among its siblings, from 0 */
	size_t next;
	size_t first, last; /* children of a list or map */
	char *key;          /* within a map, else NULL */
	size_t key_line;
	char *text; /* of POLICY_TEXT */
	bool plain; /* written without quotes */
};

struct policy_tree {
	const char *name;    /* of the file, for errors; borrowed */
	const char *what;    /* what the text is one of, for errors: NULL is "policies" */
	size_t lines_before; /* of the file, before the text */
	struct policy_node *nodes;
	size_t count, cap;
};

/* VST_EFORMAT. `ret` starts zeroed, except for `what` and `lines_before`, and is freed by the caller, also
 * after a failure. */
int policy_tree_read(
        const void *text, size_t len, const char *name, struct policy_tree *ret, struct vst_err *err);
void policy_tree_free(struct policy_tree *tree);

/* "policy.yaml:7: sources[0].files: " and what is wrong there. Returns VST_EFORMAT. */
int policy_tree_error(const struct policy_tree *tree, size_t node, size_t line, struct vst_err *err,
        const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
