#include "vestige/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/pattern_braces.h"
#include "vestige/err.h"
#include "vestige/mem.h"

/* ---- compiling ---- */

/* Unescapes `text` in place if it is literal; says whether it is. */
static bool make_literal(char *text)
{
	for (const char *at = text; *at; at = pattern_token_end(at))
		if (*at == '*' || *at == '?' || *at == '[')
			return false;
	char *out = text;
	for (const char *in = text; *in; in++) {
		if (*in == '\\')
			in++;
		*out++ = *in;
	}
	*out = '\0';
	return true;
}

static bool has_double_star(const char *text)
{
	for (const char *at = text; *at; at = pattern_token_end(at))
		if (at[0] == '*' && at[1] == '*')
			return true;
	return false;
}

/* N of `**N`; 0: it is something else. */
static size_t bounded_depth(const char *text)
{
	size_t depth = 0;
	if (strncmp(text, "**", 2) != 0 || text[2] < '1' || text[2] > '9' || strlen(text) > 4)
		return 0;
	for (text += 2; *text >= '0' && *text <= '9'; text++)
		depth = depth * 10 + (size_t)(*text - '0');
	return *text == '\0' && depth <= VST_PATTERN_DEPTH_MAX ? depth : 0;
}

static int make_component(char *text, struct vst_pattern_component *ret, struct vst_err *err)
{
	if (text[0] == '\0')
		return vst_err_set(err, VST_EFORMAT, "two slashes with nothing between them");
	ret->text = text;
	if (strcmp(text, "**") == 0) {
		ret->kind = VST_COMPONENT_ANY_DEPTH;
		return 0;
	}
	if (bounded_depth(text) > 0) {
		ret->kind = VST_COMPONENT_OPTIONAL;
		return 0;
	}
	if (has_double_star(text)) {
		int rc = vst_err_set(err, VST_EFORMAT, "'**' is a component of its own, not part of a name");
		vst_err_hint(err, "'*' is any text within a name, '/**/' any number of directories, '/**3/' "
		                  "at most 3, up to '/**10/'");
		return rc;
	}
	ret->kind = make_literal(text) ? VST_COMPONENT_LITERAL : VST_COMPONENT_WILD;
	if (ret->kind == VST_COMPONENT_LITERAL && (strcmp(text, ".") == 0 || strcmp(text, "..") == 0))
		return vst_err_set(err, VST_EFORMAT, "'%s' is not a name", text);
	return 0;
}

/* How many there can be at most. */
static size_t count_components(const char *text)
{
	size_t count = 1;
	while (*text) {
		size_t len = strcspn(text, "/");
		count += strncmp(text, "**", 2) == 0 && len > 2 ? VST_PATTERN_DEPTH_MAX : 1;
		text += len + (text[len] == '/');
	}
	return count;
}

/* What `**N` stands for: the component that was read, and as many more as are missing to N. */
static size_t repeat_optional(struct vst_pattern_component *component)
{
	static char nothing[] = "";
	size_t depth = bounded_depth(component->text);
	for (size_t i = 1; i < depth; i++)
		component[i] = (struct vst_pattern_component){VST_COMPONENT_OPTIONAL, nothing};
	return depth;
}

/*
 * The components and, behind them in the same block, their texts. An any-depth component next to another is
 * left out, which says the same and keeps matching linear.
 */
static int make_alternative(
        const char *text, bool absolute, struct vst_pattern_alternative *ret, struct vst_err *err)
{
	static char any_depth[] = "**";
	const char *rest = absolute ? text + 1 : text;
	size_t max = count_components(rest) + 1, len = strlen(rest);
	if (max > VST_PATTERN_COMPONENTS_MAX)
		return vst_err_set(err, VST_EFORMAT, "more than %d components", VST_PATTERN_COMPONENTS_MAX);
	struct vst_pattern_component *components = vst_alloc(max * sizeof *components + len + 1);
	if (!components)
		return vst_err_nomem(err);
	char *at = (char *)(components + max);
	memcpy(at, rest, len + 1);
	if (len > 1 && at[len - 1] == '/')
		at[--len] = '\0';

	size_t count = 0;
	if (!absolute)
		components[count++] = (struct vst_pattern_component){VST_COMPONENT_ANY_DEPTH, any_depth};
	int rc = 0;
	for (char *end = at + len; rc == 0 && len > 0 && at <= end;) {
		char *slash = memchr(at, '/', (size_t)(end - at));
		if (slash)
			*slash = '\0';
		rc = make_component(at, &components[count], err);
		bool again = rc == 0 && count > 0 && components[count].kind == VST_COMPONENT_ANY_DEPTH &&
		             components[count - 1].kind == VST_COMPONENT_ANY_DEPTH;
		if (rc == 0 && components[count].kind == VST_COMPONENT_OPTIONAL)
			count += repeat_optional(&components[count]);
		else
			count += rc == 0 && !again;
		at = slash ? slash + 1 : end + 1;
	}
	if (rc != 0) {
		free(components);
		return rc;
	}
	*ret = (struct vst_pattern_alternative){.components = components, .count = count};
	while (ret->literal < count && components[ret->literal].kind == VST_COMPONENT_LITERAL)
		ret->literal++;
	for (size_t i = 0; i < count; i++)
		ret->bounded = ret->bounded || components[i].kind == VST_COMPONENT_OPTIONAL;
	return 0;
}

static int make_alternatives(
        struct vst_pattern *pattern, const struct pattern_texts *texts, struct vst_err *err)
{
	pattern->alternatives = vst_calloc(texts->count, sizeof *pattern->alternatives);
	if (!pattern->alternatives)
		return vst_err_nomem(err);
	pattern->absolute = texts->texts[0][0] == '/';
	for (size_t i = 0; i < texts->count; i++) {
		const char *text = texts->texts[i];
		if (text[0] == '\0')
			return vst_err_set(err, VST_EFORMAT, "an alternative is empty");
		if (pattern->absolute != (text[0] == '/'))
			return vst_err_set(
			        err, VST_EFORMAT, "some alternatives start with '/', others do not");
		int rc = make_alternative(text, pattern->absolute, &pattern->alternatives[i], err);
		if (rc != 0)
			return rc;
		pattern->count++;
	}
	return 0;
}

int vst_pattern_compile(const char *text, struct vst_pattern **ret, struct vst_err *err)
{
	struct pattern_texts texts = {0};
	struct vst_pattern *pattern = NULL;
	int rc = pattern_check(text, err);
	if (rc == 0)
		rc = pattern_expand(text, &texts, err);
	if (rc != 0)
		goto out;

	pattern = vst_calloc(1, sizeof *pattern);
	if (!pattern || !(pattern->text = vst_strdup(text))) {
		rc = vst_err_nomem(err);
		goto out;
	}
	if ((rc = make_alternatives(pattern, &texts, err)) != 0)
		goto out;
	*ret = pattern;
	pattern = NULL;
out:
	vst_pattern_free(pattern);
	pattern_texts_free(&texts);
	return rc == VST_EFORMAT ? vst_err_prepend(err, "pattern '%.256s'", text) : rc;
}

void vst_pattern_free(struct vst_pattern *pattern)
{
	if (!pattern)
		return;
	for (size_t i = 0; i < pattern->count; i++)
		free(pattern->alternatives[i].components);
	free(pattern->alternatives);
	free(pattern->text);
	free(pattern);
}

/* ---- matching ---- */

/*
 * Every token but '*' takes exactly one byte, so what stands between two stars may be found at its first
 * place: only the last star ever needs to give way.
 */
static bool name_matches(const char *component, const char *name, size_t len)
{
	const char *star = NULL, *end = name + len, *retry = name;
	while (name < end || *component) {
		if (*component == '*') {
			star = ++component;
			retry = name;
		} else if (*component && name < end && pattern_token_takes(component, (unsigned char)*name)) {
			component = pattern_token_end(component);
			name++;
		} else if (star && retry < end) {
			component = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	return true;
}

bool vst_pattern_match_name(const char *component, const char *name)
{
	return name_matches(component, name, strlen(name));
}

/* The next component of a path, "" at its end. */
static const char *path_next(const char *path, size_t *ret_len)
{
	path += strspn(path, "/");
	*ret_len = strcspn(path, "/");
	return path;
}

static bool component_matches(const struct vst_pattern_component *component, const char *name, size_t len)
{
	if (component->kind == VST_COMPONENT_LITERAL)
		return strncmp(component->text, name, len) == 0 && component->text[len] == '\0';
	return name_matches(component->text, name, len);
}

/*
 * The same as for names, one level up: '**' is the star, components are the tokens. Only without bounded
 * depths, which may have to give back what they took.
 */
static bool unbounded_matches(const struct vst_pattern_alternative *alternative, const char *path)
{
	const struct vst_pattern_component *components = alternative->components;
	size_t at = 0, len, any = SIZE_MAX;
	const char *retry = path;
	for (;;) {
		const char *name = path_next(path, &len);
		if (at == alternative->count && len == 0)
			return true;
		if (at < alternative->count && components[at].kind == VST_COMPONENT_ANY_DEPTH) {
			any = ++at;
			retry = path;
		} else if (at < alternative->count && len > 0 &&
		           component_matches(&components[at], name, len)) {
			at++;
			path = name + len;
		} else if (any != SIZE_MAX) {
			const char *skipped = path_next(retry, &len);
			if (len == 0)
				return false;
			path = retry = skipped + len;
			at = any;
		} else {
			return false;
		}
	}
}

/*
 * A set of positions in the alternative, one bit each: which component the next name may be. Position `count`
 * means that all of it has matched.
 */
#define SET_WORDS (VST_PATTERN_COMPONENTS_MAX / 64 + 1)

struct positions {
	uint64_t bits[SET_WORDS];
	size_t words; /* in use */
};

static bool may_be_nothing(const struct vst_pattern_component *component)
{
	return component->kind == VST_COMPONENT_ANY_DEPTH || component->kind == VST_COMPONENT_OPTIONAL;
}

/* A component that may be nothing at all lets the position behind it into the set as well. */
static void put(const struct vst_pattern_alternative *alternative, struct positions *set, size_t at)
{
	set->bits[at / 64] |= UINT64_C(1) << (at % 64);
	while (at < alternative->count && may_be_nothing(&alternative->components[at])) {
		at++;
		set->bits[at / 64] |= UINT64_C(1) << (at % 64);
	}
}

static bool has(const struct positions *set, size_t at)
{
	return set->bits[at / 64] >> (at % 64) & 1;
}

static void step(const struct vst_pattern_alternative *alternative, struct positions *set, const char *name,
        size_t len)
{
	struct positions next = {.words = set->words};
	for (size_t at = 0; at < alternative->count; at++) {
		const struct vst_pattern_component *component = &alternative->components[at];
		if (!has(set, at))
			continue;
		if (component->kind == VST_COMPONENT_ANY_DEPTH)
			put(alternative, &next, at);
		else if (component->kind == VST_COMPONENT_OPTIONAL || component_matches(component, name, len))
			put(alternative, &next, at + 1);
	}
	memcpy(set->bits, next.bits, set->words * sizeof *set->bits);
}

/* The positions after all of a path. */
static void follow(const struct vst_pattern_alternative *alternative, const char *path, struct positions *ret)
{
	size_t len;
	*ret = (struct positions){.words = alternative->count / 64 + 1};
	put(alternative, ret, 0);
	for (const char *name = path_next(path, &len); len > 0; name = path_next(name + len, &len))
		step(alternative, ret, name, len);
}

static bool alternative_matches(const struct vst_pattern_alternative *alternative, const char *path)
{
	struct positions set;
	if (!alternative->bounded)
		return unbounded_matches(alternative, path);
	follow(alternative, path, &set);
	return has(&set, alternative->count);
}

bool vst_pattern_match(const struct vst_pattern *pattern, const char *path)
{
	for (size_t i = 0; i < pattern->count; i++)
		if (alternative_matches(&pattern->alternatives[i], path))
			return true;
	return false;
}

static bool bounded_reaches_below(const struct vst_pattern_alternative *alternative, const char *path)
{
	struct positions set;
	follow(alternative, path, &set);
	for (size_t at = 0; at < alternative->count; at++)
		if (has(&set, at))
			return true;
	return false;
}

/* Behind a '**' anything is possible; before it, each component must match its own. */
static bool alternative_reaches_below(const struct vst_pattern_alternative *alternative, const char *path)
{
	if (alternative->bounded)
		return bounded_reaches_below(alternative, path);
	for (size_t i = 0; i < alternative->count; i++) {
		size_t len;
		const char *name = path_next(path, &len);
		if (alternative->components[i].kind == VST_COMPONENT_ANY_DEPTH || len == 0)
			return true;
		if (!component_matches(&alternative->components[i], name, len))
			return false;
		path = name + len;
	}
	return false;
}

bool vst_pattern_may_match_below(const struct vst_pattern *pattern, const char *path)
{
	for (size_t i = 0; i < pattern->count; i++)
		if (alternative_reaches_below(&pattern->alternatives[i], path))
			return true;
	return false;
}
