/*
 * How far a JSON value goes that is spelled as vst_json_*() spells it, found without taking it apart and
 * without recursion.
 */
#include <string.h>

#include "base/json_escape.h"
#include "base/utf8.h"
#include "vestige/json.h"

#define DIGITS_MAX 20 /* of 2^64 - 1 */

struct span {
	const uint8_t *at, *end;
	size_t depth;
	char closing[VST_JSON_DEPTH]; /* the bracket that ends each open object or list */
};

/* Of an escape, or a character beyond ASCII; 0 for what the writer does not put. */
static size_t odd_char_len(const struct span *in)
{
	uint8_t decoded[4], *to = decoded;
	uint32_t c = 0;
	if (*in->at == '\\')
		return vst_json_unescape(in->at, in->end, &to);
	size_t n = vst_utf8_next(in->at, (size_t)(in->end - in->at), &c);
	return c < VST_JSON_C1_END ? 0 : n;
}

static bool pass_string(struct span *in)
{
	if (in->at == in->end || *in->at != '"')
		return false;
	for (in->at++; in->at < in->end && *in->at != '"';) {
		size_t n = vst_json_plain[*in->at] ? 1 : odd_char_len(in);
		if (n == 0)
			return false;
		in->at += n;
	}
	if (in->at == in->end)
		return false;
	in->at++;
	return true;
}

static bool pass_number(struct span *in)
{
	bool negative = *in->at == '-';
	in->at += negative;
	const uint8_t *first = in->at;
	while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
		in->at++;
	size_t digits = (size_t)(in->at - first);
	return digits > 0 && digits <= DIGITS_MAX && (*first != '0' || (digits == 1 && !negative));
}

static bool pass_word(struct span *in)
{
	static const char *const words[] = {"true", "false", "null"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t len = strlen(words[i]);
		if ((size_t)(in->end - in->at) >= len && memcmp(in->at, words[i], len) == 0) {
			in->at += len;
			return true;
		}
	}
	return false;
}

/* A key and its colon, where the innermost bracket is an object's. */
static bool pass_key(struct span *in)
{
	if (in->closing[in->depth - 1] != '}')
		return true;
	if (!pass_string(in) || in->at == in->end || *in->at != ':')
		return false;
	in->at++;
	return true;
}

/* A scalar, or the beginning of an object or list: then `*ret_open`. */
static bool pass_value(struct span *in, bool *ret_open)
{
	*ret_open = false;
	if (in->at == in->end)
		return false;
	if (*in->at == '{' || *in->at == '[') {
		if (in->depth == VST_JSON_DEPTH)
			return false;
		in->closing[in->depth++] = *in->at == '{' ? '}' : ']';
		in->at++;
		*ret_open = true;
		return true;
	}
	if (*in->at == '"')
		return pass_string(in);
	return *in->at == '-' || (*in->at >= '0' && *in->at <= '9') ? pass_number(in) : pass_word(in);
}

size_t vst_json_span(const void *text, size_t len)
{
	struct span in = {.at = text, .end = (const uint8_t *)text + len};
	bool fresh = false; /* directly behind an opening bracket */
	if (!pass_value(&in, &fresh))
		return 0;
	while (in.depth > 0) {
		if (in.at == in.end)
			return 0;
		if ((uint8_t)in.closing[in.depth - 1] == *in.at) {
			in.at++;
			in.depth--;
			fresh = false;
			continue;
		}
		if (!fresh && *in.at++ != ',')
			return 0;
		if (!pass_key(&in) || !pass_value(&in, &fresh))
			return 0;
	}
	return (size_t)(in.at - (const uint8_t *)text);
}
