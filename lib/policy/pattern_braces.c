#include "policy/pattern_braces.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/pattern.h"

/* ---- tokens ---- */

/* Behind the class's '[' and, if it has one, its negation. */
static const char *class_body(const char *token, bool *ret_negated)
{
	const char *at = token + 1;
	*ret_negated = *at == '!' || *at == '^';
	return *ret_negated ? at + 1 : at;
}

/* The class's ']'; NULL if there is none. The first byte of the body is never the end: `[]a]`. */
static const char *class_end(const char *token)
{
	bool negated;
	const char *body = class_body(token, &negated);
	for (const char *at = body; *at; at++) {
		if (*at == ']' && at > body)
			return at;
		if (*at == '\\' && *++at == '\0')
			return NULL;
	}
	return NULL;
}

const char *pattern_token_end(const char *token)
{
	if (token[0] == '\\' && token[1])
		return token + 2;
	if (token[0] == '[') {
		const char *end = class_end(token);
		return end ? end + 1 : token + 1;
	}
	return token + 1;
}

/* One end of a range, unescaped. Returns what is behind it. */
static const char *class_member(const char *at, unsigned char *ret)
{
	if (*at == '\\')
		at++;
	*ret = (unsigned char)*at;
	return at + 1;
}

static const char *class_range(
        const char *at, const char *end, unsigned char *ret_low, unsigned char *ret_high)
{
	at = class_member(at, ret_low);
	*ret_high = *ret_low;
	/* A '-' before the ']' is itself. */
	if (*at == '-' && at + 1 < end)
		at = class_member(at + 1, ret_high);
	return at;
}

int pattern_token_takes(const char *token, unsigned char byte)
{
	if (token[0] == '\\' && token[1])
		return (unsigned char)token[1] == byte;
	if (token[0] == '?')
		return 1;
	const char *end = token[0] == '[' ? class_end(token) : NULL;
	if (!end)
		return (unsigned char)token[0] == byte;

	bool negated, found = false;
	const char *at = class_body(token, &negated);
	while (at < end) {
		unsigned char low, high;
		at = class_range(at, end, &low, &high);
		found = found || (low <= byte && byte <= high);
	}
	return found != negated;
}

/* ---- what can be wrong ---- */

static int check_class(const char *token, struct vst_err *err)
{
	const char *end = class_end(token);
	if (!end) {
		int rc = vst_err_set(err, VST_EFORMAT, "a '[' without its ']'");
		vst_err_hint(err, "write \\[ for a bracket in a name");
		return rc;
	}
	bool negated;
	const char *at = class_body(token, &negated);
	if (memchr(at, '/', (size_t)(end - at)))
		return vst_err_set(err, VST_EFORMAT, "a '/' between [ and ]");
	while (at < end) {
		if (at[0] == '[' && (at[1] == ':' || at[1] == '.' || at[1] == '='))
			return vst_err_set(
			        err, VST_EFORMAT, "classes by name, such as [:digit:], are not known");
		unsigned char low, high;
		at = class_range(at, end, &low, &high);
		if (low > high)
			return vst_err_set(err, VST_EFORMAT, "the range %c-%c runs backwards", low, high);
	}
	return 0;
}

static int check_braces(char byte, size_t *depth, size_t *pairs, struct vst_err *err)
{
	if (byte == '{') {
		++*depth;
		if (++*pairs > VST_PATTERN_BRACES_MAX)
			return vst_err_set(
			        err, VST_EFORMAT, "more than %d pairs of braces", VST_PATTERN_BRACES_MAX);
	} else if (byte == '}' && (*depth)-- == 0) {
		int rc = vst_err_set(err, VST_EFORMAT, "a '}' without its '{'");
		vst_err_hint(err, "write \\} for a brace in a name");
		return rc;
	}
	return 0;
}

int pattern_check(const char *text, struct vst_err *err)
{
	if (text[0] == '\0')
		return vst_err_set(err, VST_EFORMAT, "an empty pattern");
	if (strlen(text) > VST_PATTERN_MAX)
		return vst_err_set(err, VST_EFORMAT, "longer than %d bytes", VST_PATTERN_MAX);

	int rc = 0;
	size_t depth = 0, pairs = 0;
	for (const char *at = text; *at && rc == 0; at = pattern_token_end(at)) {
		if (*at == '\\' && (at[1] == '\0' || at[1] == '/'))
			rc = vst_err_set(
			        err, VST_EFORMAT, "a '\\' with nothing behind it that it could escape");
		else if (*at == '[')
			rc = check_class(at, err);
		else
			rc = check_braces(*at, &depth, &pairs, err);
	}
	if (rc == 0 && depth > 0) {
		rc = vst_err_set(err, VST_EFORMAT, "a '{' without its '}'");
		vst_err_hint(err, "write \\{ for a brace in a name");
	}
	return rc;
}

/* ---- braces ---- */

void pattern_texts_free(struct pattern_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->texts[i]);
	free(texts->texts);
	*texts = (struct pattern_texts){0};
}

/* Takes `text` over, also when it fails. */
static int texts_push(struct pattern_texts *texts, char *text, struct vst_err *err)
{
	if (!text)
		return vst_err_nomem(err);
	if (texts->count == texts->cap) {
		size_t cap = texts->cap ? 2 * texts->cap : 4;
		char **grown = vst_realloc(texts->texts, cap, sizeof *grown);
		if (!grown) {
			free(text);
			return vst_err_nomem(err);
		}
		texts->texts = grown;
		texts->cap = cap;
	}
	texts->texts[texts->count++] = text;
	return 0;
}

/* The first '{' that is a token of its own. */
static const char *find_brace(const char *text)
{
	while (*text && *text != '{')
		text = pattern_token_end(text);
	return *text ? text : NULL;
}

/* The ',' or '}' that ends the piece, at the piece's own depth. */
static const char *piece_end(const char *at)
{
	size_t depth = 0;
	for (; *at; at = pattern_token_end(at)) {
		if (depth == 0 && (*at == ',' || *at == '}'))
			break;
		if (*at == '{')
			depth++;
		else if (*at == '}')
			depth--;
	}
	return at;
}

static char *join(
        const char *prefix, size_t prefix_len, const char *piece, size_t piece_len, const char *suffix)
{
	size_t suffix_len = strlen(suffix);
	char *text =
	        vst_alloc(prefix_len + piece_len + suffix_len + 1); /* less than VST_PATTERN_MAX together */
	if (!text)
		return NULL;
	memcpy(text, prefix, prefix_len);
	memcpy(text + prefix_len, piece, piece_len);
	memcpy(text + prefix_len + piece_len, suffix, suffix_len + 1);
	return text;
}

static void reverse(char **texts, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		char *text = texts[i];
		texts[i] = texts[count - 1 - i];
		texts[count - 1 - i] = text;
	}
}

/* Pushes the text once for each piece of its first pair of braces, the first piece last, to be popped first.
 */
static int push_pieces(
        const char *text, const char *brace, struct pattern_texts *open, size_t max, struct vst_err *err)
{
	const char *close = brace;
	do
		close = piece_end(close + 1);
	while (*close == ',');

	size_t first = open->count;
	const char *piece = brace + 1, *end;
	do {
		end = piece_end(piece);
		if (open->count >= max)
			return vst_err_set(
			        err, VST_EFORMAT, "more than %d alternatives", VST_PATTERN_ALTERNATIVES_MAX);
		int rc = texts_push(open,
		        join(text, (size_t)(brace - text), piece, (size_t)(end - piece), close + 1), err);
		if (rc != 0)
			return rc;
		piece = end + 1;
	} while (end < close);
	reverse(open->texts + first, open->count - first);
	return 0;
}

int pattern_expand(const char *text, struct pattern_texts *ret, struct vst_err *err)
{
	struct pattern_texts open = {0};
	int rc = texts_push(&open, vst_strdup(text), err);
	while (rc == 0 && open.count > 0) {
		char *next = open.texts[--open.count];
		const char *brace = find_brace(next);
		if (!brace) {
			rc = texts_push(ret, next, err);
			continue;
		}
		rc = push_pieces(next, brace, &open, VST_PATTERN_ALTERNATIVES_MAX - ret->count, err);
		free(next);
	}
	pattern_texts_free(&open);
	return rc;
}
