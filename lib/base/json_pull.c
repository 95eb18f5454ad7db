/*
 * Invariants: 1. start <= at <= end; bytes from `at` on are as they were given; 2. a take that succeeds moves
 * `at` behind the value, one that fails sets `rc`; 3. decoded bytes lie between the quotes of their own
 * string, so none overwrites another.
 */
#include "vestige/json_pull.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_escape.h"
#include "base/utf8.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define KEY_SHOWN 64 /* bytes of an unexpected key that an error quotes */

struct vst_json_pull vst_json_pull_of(void *text, size_t len, struct vst_err *err)
{
	struct vst_json_pull in = {.start = text, .at = text, .end = text, .err = err};
	if (len > 0)
		in.end += len;
	return in;
}

/* ---- failing ---- */

static size_t left(const struct vst_json_pull *in)
{
	return (size_t)(in->end - in->at);
}

static size_t offset_of(const struct vst_json_pull *in, const uint8_t *at)
{
	return (size_t)(at - in->start);
}

void vst_json_pull_fail(struct vst_json_pull *in, const char *format, ...)
{
	char text[VST_ERR_TEXT_MAX];
	va_list args;
	if (in->rc != 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	in->rc = vst_err_set(in->err, VST_EFORMAT, "%s", text);
}

void vst_json_pull_stop(struct vst_json_pull *in, int rc)
{
	if (in->rc == 0)
		in->rc = rc;
}

static void wrong_type(struct vst_json_pull *in, const char *key, const char *should)
{
	if (key)
		vst_json_pull_fail(in, "key \"%s\" should be %s", key, should);
	else
		vst_json_pull_fail(
		        in, "JSON: the value at byte %zu should be %s", offset_of(in, in->at), should);
}

static void wrong_byte(struct vst_json_pull *in, const char *key, const uint8_t *at, const char *what)
{
	if (at == in->end)
		what = "the text ends early";
	if (key)
		vst_json_pull_fail(in, "key \"%s\": %s, at byte %zu", key, what, offset_of(in, at));
	else
		vst_json_pull_fail(in, "JSON: %s, at byte %zu", what, offset_of(in, at));
}

/* The key that stands next, cut to what an error shows; false if none does. */
static bool found_key(const struct vst_json_pull *in, const uint8_t **ret, int *ret_len)
{
	const uint8_t *at = in->at;
	size_t max = left(in), len = 0;
	if (max < 2 || (in->comma && (*at++ != ',' || --max == 0)) || *at++ != '"')
		return false;
	max = max - 1 < KEY_SHOWN ? max - 1 : KEY_SHOWN;
	while (len < max && at[len] != '"')
		len++;
	*ret = at;
	*ret_len = (int)len;
	return true;
}

static void wrong_key(struct vst_json_pull *in, const char *key)
{
	const uint8_t *found = NULL;
	int len = 0;
	if (left(in) > 0 && *in->at == '}')
		vst_json_pull_fail(in, "key \"%s\" is missing", key);
	else if (found_key(in, &found, &len))
		vst_json_pull_fail(in, "key \"%s\" should stand where \"%.*s\" does", key, len, found);
	else
		wrong_byte(in, key, in->at, "it should stand where something else does");
}

/* ---- what stands next ---- */

/* Behind `key` and its colon; NULL if something else stands next. */
static uint8_t *behind_key(const struct vst_json_pull *in, const char *key)
{
	uint8_t *at = in->at;
	size_t len = strlen(key);
	if (in->rc != 0 || left(in) < len + 3 + in->comma)
		return NULL;
	if (in->comma && *at++ != ',')
		return NULL;
	if (*at++ != '"' || memcmp(at, key, len) != 0 || at[len] != '"' || at[len + 1] != ':')
		return NULL;
	return at + len + 2;
}

bool vst_json_pull_is(const struct vst_json_pull *in, const char *key)
{
	return behind_key(in, key) != NULL;
}

bool vst_json_pull_is_string(const struct vst_json_pull *in, const char *key)
{
	const uint8_t *at = behind_key(in, key);
	return at && at < in->end && *at == '"';
}

bool vst_json_pull_more(const struct vst_json_pull *in)
{
	return in->rc == 0 && left(in) > 0 && *in->at != '}' && *in->at != ']';
}

static bool take_comma(struct vst_json_pull *in)
{
	if (!in->comma)
		return true;
	if (left(in) == 0 || *in->at != ',') {
		wrong_byte(in, NULL, in->at, "a comma should stand here");
		return false;
	}
	in->at++;
	return true;
}

/* To the first byte of the value; true if there is one. */
static bool begin(struct vst_json_pull *in, const char *key)
{
	if (in->rc != 0)
		return false;
	if (key) {
		uint8_t *at = behind_key(in, key);
		if (!at) {
			wrong_key(in, key);
			return false;
		}
		in->at = at;
	} else if (!take_comma(in)) {
		return false;
	}
	in->comma = true;
	if (left(in) == 0) {
		wrong_byte(in, key, in->at, "the text ends early");
		return false;
	}
	return true;
}

static void enter(struct vst_json_pull *in, const char *key, char bracket, const char *type)
{
	if (!begin(in, key))
		return;
	if (*in->at != bracket) {
		wrong_type(in, key, type);
		return;
	}
	in->at++;
	in->comma = false;
}

void vst_json_pull_enter_object(struct vst_json_pull *in, const char *key)
{
	enter(in, key, '{', "an object");
}

void vst_json_pull_enter_array(struct vst_json_pull *in, const char *key)
{
	enter(in, key, '[', "a list");
}

static bool leave(struct vst_json_pull *in, char bracket)
{
	if (in->rc != 0)
		return true;
	if (left(in) == 0 || *in->at != bracket)
		return false;
	in->at++;
	in->comma = true;
	return true;
}

void vst_json_pull_leave_object(struct vst_json_pull *in)
{
	const uint8_t *found = NULL;
	int len = 0;
	if (leave(in, '}'))
		return;
	if (found_key(in, &found, &len))
		vst_json_pull_fail(in, "unknown key \"%.*s\"", len, found);
	else
		wrong_byte(in, NULL, in->at, "the object should end here");
}

void vst_json_pull_leave_array(struct vst_json_pull *in)
{
	if (!leave(in, ']'))
		wrong_byte(in, NULL, in->at, "the list should end here");
}

int vst_json_pull_end(struct vst_json_pull *in)
{
	if (in->rc == 0 && in->at != in->end)
		vst_json_pull_fail(in, "JSON: trailing data at byte %zu", offset_of(in, in->at));
	return in->rc;
}

/* ---- strings ---- */

/* From the first byte that is not plain on. */
static bool decode_string(struct vst_json_pull *in, const char *key, uint8_t *at, size_t *ret_len)
{
	uint8_t *to = at;
	while (at < in->end && *at != '"') {
		uint32_t c = 0;
		size_t n = 1;
		if (vst_json_plain[*at]) {
			*to++ = *at;
		} else if (*at == '\\') {
			n = vst_json_unescape(at, in->end, &to);
			if (n == 0) {
				wrong_byte(in, key, at, "an escape that the format does not write");
				return false;
			}
		} else {
			n = vst_utf8_next(at, (size_t)(in->end - at), &c);
			if (n == 0 || c < VST_JSON_C1_END) {
				wrong_byte(in, key, at, n == 0 ? "not UTF-8" : "a control character");
				return false;
			}
			memmove(to, at, n);
			to += n;
		}
		at += n;
	}
	if (at == in->end) {
		wrong_byte(in, key, at, "");
		return false;
	}
	*ret_len = (size_t)(to - in->at - 1);
	*to = '\0';
	in->at = at + 1;
	return true;
}

/* The string at `at`, decoded where it stands; NULL on failure. */
static char *take_quoted(struct vst_json_pull *in, const char *key, size_t *ret_len)
{
	uint8_t *text = in->at + 1, *at = text;
	if (*in->at != '"') {
		wrong_type(in, key, "text");
		return NULL;
	}
	while (at < in->end && vst_json_plain[*at])
		at++;
	if (at < in->end && *at == '"') {
		*at = '\0';
		*ret_len = (size_t)(at - text);
		in->at = at + 1;
	} else if (!decode_string(in, key, at, ret_len)) {
		return NULL;
	}
	return (char *)text;
}

const char *vst_json_pull_string(struct vst_json_pull *in, const char *key)
{
	const char *text = NULL;
	size_t len = 0;
	if (begin(in, key))
		text = take_quoted(in, key, &len);
	return text ? text : "";
}

const char *vst_json_pull_key(struct vst_json_pull *in)
{
	const char *key = NULL;
	size_t len = 0;
	if (begin(in, NULL))
		key = take_quoted(in, NULL, &len);
	if (!key)
		return "";
	if (left(in) == 0 || *in->at != ':') {
		wrong_byte(in, NULL, in->at, "a colon should stand here");
		return "";
	}
	in->at++;
	in->comma = false;
	return key;
}

const char *vst_json_pull_base64(struct vst_json_pull *in, const char *key, size_t *ret_len)
{
	struct vst_buf out = VST_BUF_INIT;
	char *text = NULL;
	size_t len = 0;
	*ret_len = 0;
	if (begin(in, key))
		text = take_quoted(in, key, &len);
	if (!text)
		return "";
	/* Bytes are written behind the digits that they are read from, and there are fewer of them: the
	 * buffer is the string itself, and never has to grow. */
	out.data = (uint8_t *)text;
	out.cap = len;
	if (!vst_base64_decode(text, len, VST_BASE64_PADDED, &out)) {
		wrong_type(in, key, "base64");
		return "";
	}
	text[out.len] = '\0';
	*ret_len = out.len;
	return text;
}

/* Whether `text` is what vst_json_text() makes of `exact`. */
static bool shows(const char *text, const char *exact, size_t len)
{
	const uint8_t *at = (const uint8_t *)exact;
	size_t text_len = strlen(text);
	while (len > 0) {
		uint32_t c;
		size_t n = vst_utf8_next(at, len, &c), shown = n ? n : 3;
		if (text_len < shown || memcmp(text, n ? (const char *)at : "\xef\xbf\xbd", shown) != 0)
			return false;
		n = n ? n : 1;
		at += n;
		len -= n;
		text += shown;
		text_len -= shown;
	}
	return text_len == 0;
}

const char *vst_json_pull_text(struct vst_json_pull *in, const char *key, const char *key_base64)
{
	const char *text = vst_json_pull_string(in, key), *exact;
	size_t len;
	if (!vst_json_pull_is(in, key_base64))
		return text;
	exact = vst_json_pull_base64(in, key_base64, &len);
	if (in->rc != 0)
		return "";
	if (memchr(exact, '\0', len))
		vst_json_pull_fail(in, "key \"%s\": a NUL in it", key_base64);
	else if (vst_utf8_valid(exact, len))
		vst_json_pull_fail(in, "key \"%s\": bytes that text can hold", key_base64);
	else if (!shows(text, exact, len))
		vst_json_pull_fail(in, "key \"%s\": other bytes than those of \"%s\"", key_base64, key);
	return in->rc == 0 ? exact : "";
}

void vst_json_pull_hex(struct vst_json_pull *in, const char *key, uint8_t *ret, size_t len)
{
	const uint8_t *at;
	char should[64];
	bool good;
	memset(ret, 0, len);
	if (!begin(in, key))
		return;
	if (*in->at != '"') {
		wrong_type(in, key, "text");
		return;
	}
	at = in->at + 1;
	good = left(in) >= 2 && len <= (left(in) - 2) / 2 && at[2 * len] == '"';
	for (size_t i = 0; good && i < len; i++) {
		unsigned high = vst_json_digits[at[2 * i]], low = vst_json_digits[at[2 * i + 1]];
		good = high && low;
		ret[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	if (good) {
		in->at += 2 * len + 2;
		return;
	}
	memset(ret, 0, len);
	snprintf(should, sizeof should, "%zu bytes in lower-case hexadecimal", len);
	wrong_type(in, key, should);
}

int64_t vst_json_pull_time(struct vst_json_pull *in, const char *key)
{
	static const size_t lens[] = {20, 30}; /* without and with a fraction */
	int64_t ns = VST_TIME_NONE;
	if (!begin(in, key))
		return VST_TIME_NONE;
	for (size_t i = 0; i < 2; i++) {
		size_t len = lens[i];
		if (left(in) < len + 2 || *in->at != '"' || in->at[len + 1] != '"')
			continue;
		if (!vst_time_parse((const char *)in->at + 1, len, &ns))
			break;
		in->at += len + 2;
		return ns;
	}
	wrong_type(in, key, "a time like 2026-11-22T03:40:13Z");
	return VST_TIME_NONE;
}

/* ---- numbers and truth ---- */

/* Up to `max`; the sign has been taken. */
static uint64_t take_digits(struct vst_json_pull *in, const char *key, uint8_t *at, uint64_t max)
{
	const uint8_t *first = at;
	uint64_t value = 0;
	for (; at < in->end && *at >= '0' && *at <= '9'; at++) {
		unsigned digit = *at - '0';
		if (value > (max - digit) / 10) {
			wrong_type(in, key, "a smaller number");
			return 0;
		}
		value = value * 10 + digit;
	}
	if (at == first || (at < in->end && (*at == '.' || *at == 'e' || *at == 'E'))) {
		wrong_type(in, key, "a whole number");
		return 0;
	}
	if (*first == '0' && (at != first + 1 || first != in->at)) {
		wrong_type(in, key, "a number without a zero in front or a sign before zero");
		return 0;
	}
	in->at = at;
	return value;
}

uint64_t vst_json_pull_uint(struct vst_json_pull *in, const char *key)
{
	if (!begin(in, key))
		return 0;
	if (*in->at == '-') {
		if (key)
			vst_json_pull_fail(in, "key \"%s\" should not be negative", key);
		else
			wrong_type(in, key, "not negative");
		return 0;
	}
	return take_digits(in, key, in->at, INT64_MAX);
}

int64_t vst_json_pull_int(struct vst_json_pull *in, const char *key)
{
	uint64_t value;
	bool negative;
	if (!begin(in, key))
		return 0;
	negative = *in->at == '-';
	value = take_digits(in, key, in->at + negative, (uint64_t)INT64_MAX + negative);
	/* No way round by -INT64_MIN, which there is not. */
	return negative ? -(int64_t)(value > 0 ? value - 1 : 0) - (value > 0) : (int64_t)value;
}

bool vst_json_pull_bool(struct vst_json_pull *in, const char *key)
{
	if (!begin(in, key))
		return false;
	if (left(in) >= 4 && memcmp(in->at, "true", 4) == 0) {
		in->at += 4;
		return true;
	}
	if (left(in) >= 5 && memcmp(in->at, "false", 5) == 0)
		in->at += 5;
	else
		wrong_type(in, key, "true or false");
	return false;
}

/* ---- whole values ---- */

const char *vst_json_pull_raw(struct vst_json_pull *in, const char *key, size_t *ret_len)
{
	const char *text = NULL;
	*ret_len = 0;
	if (!begin(in, key))
		return "";
	*ret_len = vst_json_span(in->at, left(in));
	if (*ret_len == 0) {
		wrong_type(in, key, "a value as this format writes it");
		return "";
	}
	text = (const char *)in->at;
	in->at += *ret_len;
	return text;
}
