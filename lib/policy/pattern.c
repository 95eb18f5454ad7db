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

static int make_component(char *text, struct vst_pattern_component *ret, struct vst_err *err)
{
	if (text[0] == '\0')
		return vst_err_set(err, VST_EFORMAT, "two slashes with nothing between them");
	ret->text = text;
	if (strcmp(text, "**") == 0) {
		ret->kind = VST_COMPONENT_ANY_DEPTH;
		return 0;
	}
	if (has_double_star(text)) {
		int rc = vst_err_set(err, VST_EFORMAT, "'**' is a component of its own, not part of a name");
		vst_err_hint(err, "'*' is any text within a name, '/**/' any number of directories");
		return rc;
	}
	ret->kind = make_literal(text) ? VST_COMPONENT_LITERAL : VST_COMPONENT_WILD;
	if (ret->kind == VST_COMPONENT_LITERAL && (strcmp(text, ".") == 0 || strcmp(text, "..") == 0))
		return vst_err_set(err, VST_EFORMAT, "'%s' is not a name", text);
	return 0;
}

static size_t count_slashes(const char *text)
{
	size_t count = 0;
	for (; *text; text++)
		count += *text == '/';
	return count;
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
	size_t max = count_slashes(rest) + 2, len = strlen(rest);
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

/* The same as for names, one level up: '**' is the star, components are the tokens. */
static bool alternative_matches(const struct vst_pattern_alternative *alternative, const char *path)
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

bool vst_pattern_match(const struct vst_pattern *pattern, const char *path)
{
	for (size_t i = 0; i < pattern->count; i++)
		if (alternative_matches(&pattern->alternatives[i], path))
			return true;
	return false;
}

/* Behind a '**' anything is possible; before it, each component must match its own. */
static bool alternative_reaches_below(const struct vst_pattern_alternative *alternative, const char *path)
{
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
