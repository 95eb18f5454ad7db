/*
 * Path patterns: `*` and `?` within a component, `[abc]` `[a-z]` `[!a]` (or `[^a]`), `{a,b}` alternatives,
 * also nested, empty or with slashes, `**` any number of components, none included (so as the last component:
 * the directory itself and everything below, at every depth), `**N` (N from 1 to 10) at most N components, also
 * none; a backslash takes the next byte literally.
 * Bytes, not characters; a leading dot is ordinary; one final slash means nothing; no recursion, time linear
 * in pattern times path.
 *
 * A pattern that does not start at the root matches the last components of a path, as if it began with an
 * any-depth component, and that is how it is kept: `*.iso` any name that ends so, `mysql/error.log` that file
 * in any directory `mysql`.
 */
#ifndef VESTIGE_PATTERN_H
#define VESTIGE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#define VST_PATTERN_MAX 4096
#define VST_PATTERN_ALTERNATIVES_MAX 1024 /* after braces are expanded */
#define VST_PATTERN_BRACES_MAX 64         /* pairs in a pattern */
#define VST_PATTERN_COMPONENTS_MAX 4096   /* of an alternative; `**N` counts as N */
#define VST_PATTERN_DEPTH_MAX 10          /* of `**N` */

struct vst_err;

/* One alternative, split at slashes. */
struct vst_pattern_component {
	enum {
		VST_COMPONENT_LITERAL,
		VST_COMPONENT_WILD,
		VST_COMPONENT_ANY_DEPTH,
		VST_COMPONENT_OPTIONAL /* one component of any name, or none: `**N` is N of them */
	} kind;
	/* literal: unescaped; wild: as written; the first of the optional ones: `**N`, the others: "" */
	char *text;
};

struct vst_pattern_alternative {
	struct vst_pattern_component *components;
	size_t count; /* 0: the root itself */
	/* How many leading components are literal: the prefix whose links are followed inside the root. */
	size_t literal;
	bool bounded; /* has optional components */
};

struct vst_pattern {
	char *text; /* as given */
	bool absolute;
	struct vst_pattern_alternative *alternatives; /* in the order in which a shell expands them */
	size_t count;
};

/*
 * VST_EFORMAT: empty, too long, an unbalanced [ { or }, a class with a slash, a `[:name:]` or a range that
 * runs backwards,
 * `**` next to other characters (but `**1` to `**10`), more components than above, `..` or `.` as a component, `//`, a backslash before a slash or the end,
 * absolute and relative alternatives, more alternatives than above.
 */
int vst_pattern_compile(const char *text, struct vst_pattern **ret, struct vst_err *err);
void vst_pattern_free(struct vst_pattern *pattern);

/* One component's name against one wild component. */
bool vst_pattern_match_name(const char *component, const char *name);
/* A whole path (absolute, no `.`/`..`; empty components are passed over). */
bool vst_pattern_match(const struct vst_pattern *pattern, const char *path);
/* Whether anything below directory `path` could match: false lets a walk leave it out. */
bool vst_pattern_may_match_below(const struct vst_pattern *pattern, const char *path);

#endif
