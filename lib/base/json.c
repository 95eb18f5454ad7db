#include "vestige/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_escape.h"
#include "base/utf8.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

/* ---- writing ---- */

struct vst_json vst_json_begin(struct vst_buf *out)
{
	return (struct vst_json){.out = out};
}

/* A comma if a value stood before, and the note that one stands there now. */
static void separate(struct vst_json *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->depth == 0)
		return;
	assert(!json->is_object[json->depth - 1]);
	if (json->comma[json->depth - 1])
		vst_buf_byte(json->out, ',');
	json->comma[json->depth - 1] = true;
}

static void open_level(struct vst_json *json, bool is_object)
{
	assert(json->depth < VST_JSON_DEPTH);
	separate(json);
	if (json->depth >= VST_JSON_DEPTH) {
		json->out->failed = true;
		return;
	}
	json->comma[json->depth] = false;
	json->is_object[json->depth] = is_object;
	json->depth++;
	vst_buf_byte(json->out, is_object ? '{' : '[');
}

void vst_json_object(struct vst_json *json)
{
	open_level(json, true);
}

void vst_json_array(struct vst_json *json)
{
	open_level(json, false);
}

void vst_json_end(struct vst_json *json)
{
	assert(json->depth > 0 && !json->after_key);
	if (json->depth == 0) {
		json->out->failed = true;
		return;
	}
	json->depth--;
	vst_buf_byte(json->out, json->is_object[json->depth] ? '}' : ']');
}

static void escape_char(struct vst_buf *out, uint32_t c)
{
	static const char shorts[][3] = {
	        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
	if (c == '"' || c == '\\') {
		vst_buf_byte(out, '\\');
		vst_buf_byte(out, (uint8_t)c);
	} else if (c < sizeof shorts / sizeof shorts[0] && shorts[c][0]) {
		vst_buf_bytes(out, shorts[c], 2);
	} else {
		vst_buf_printf(out, "\\u%04x", (unsigned)c);
	}
}

static void put_string(struct vst_buf *out, const uint8_t *in, size_t len)
{
	vst_buf_byte(out, '"');
	while (len > 0) {
		size_t run = 0;
		while (run < len && vst_json_plain[in[run]])
			run++;
		vst_buf_bytes(out, in, run);
		in += run;
		len -= run;
		if (len == 0)
			break;

		uint32_t c;
		size_t n = vst_utf8_next(in, len, &c);
		if (n == 0) {
			vst_buf_text(out, "\xef\xbf\xbd");
			n = 1;
		} else if (c < VST_JSON_C1_END) {
			escape_char(out, c);
		} else {
			vst_buf_bytes(out, in, n);
		}
		in += n;
		len -= n;
	}
	vst_buf_byte(out, '"');
}

void vst_json_key(struct vst_json *json, const char *key)
{
	assert(json->depth > 0 && json->is_object[json->depth - 1] && !json->after_key);
	if (json->depth == 0) {
		json->out->failed = true;
		return;
	}
	if (json->comma[json->depth - 1])
		vst_buf_byte(json->out, ',');
	json->comma[json->depth - 1] = true;
	put_string(json->out, (const uint8_t *)key, strlen(key));
	vst_buf_byte(json->out, ':');
	json->after_key = true;
}

static void put_number(struct vst_buf *out, uint64_t value, bool negative)
{
	char digits[24];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	if (negative)
		digits[--at] = '-';
	vst_buf_bytes(out, digits + at, sizeof digits - at);
}

void vst_json_uint(struct vst_json *json, uint64_t value)
{
	separate(json);
	put_number(json->out, value, false);
}

void vst_json_int(struct vst_json *json, int64_t value)
{
	separate(json);
	put_number(json->out, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

void vst_json_bool(struct vst_json *json, bool value)
{
	separate(json);
	vst_buf_text(json->out, value ? "true" : "false");
}

void vst_json_null(struct vst_json *json)
{
	separate(json);
	vst_buf_text(json->out, "null");
}

void vst_json_string(struct vst_json *json, const char *text)
{
	if (text)
		vst_json_text(json, text, strlen(text));
	else
		vst_json_null(json);
}

void vst_json_text(struct vst_json *json, const void *text, size_t len)
{
	separate(json);
	put_string(json->out, text, len);
}

void vst_json_hex(struct vst_json *json, const void *data, size_t len)
{
	separate(json);
	vst_buf_byte(json->out, '"');
	vst_hex_append(json->out, data, len);
	vst_buf_byte(json->out, '"');
}

void vst_json_base64(struct vst_json *json, const void *data, size_t len)
{
	separate(json);
	vst_buf_byte(json->out, '"');
	vst_base64_append(json->out, data, len, VST_BASE64_PADDED);
	vst_buf_byte(json->out, '"');
}

void vst_json_time(struct vst_json *json, int64_t ns)
{
	char text[VST_TIME_TEXT];
	if (ns == VST_TIME_NONE) {
		vst_json_null(json);
		return;
	}
	vst_time_format(ns, text);
	vst_json_string(json, text);
}

void vst_json_raw(struct vst_json *json, const void *text, size_t len)
{
	separate(json);
	vst_buf_bytes(json->out, text, len);
}

/* ---- reading ---- */

/* Jansson recurses as deep as the text does. So the depth is counted before it sees the text; whether the
   brackets fit together is for it to say. Also finds NUL, which its own end-of-text check might take for the
   end. */
static int scan(const uint8_t *text, size_t len, struct vst_err *err)
{
	bool in_string = false;
	unsigned depth = 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = text[i];
		if (c == 0)
			return vst_err_set(err, VST_EFORMAT, "JSON: NUL at byte %zu", i);
		if (in_string) {
			if (c == '\\' && i + 1 < len && text[i + 1] != 0)
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > VST_JSON_DEPTH)
				return vst_err_set(err, VST_EFORMAT,
				        "JSON: nested deeper than %d at byte %zu", VST_JSON_DEPTH, i);
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return 0;
}

int vst_json_parse(const void *text, size_t len, json_t **ret, struct vst_err *err)
{
	int rc = scan(text, len, err);
	if (rc != 0)
		return rc;
	json_error_t error;
	json_t *value = json_loadb(len ? text : "", len, JSON_REJECT_DUPLICATES, &error);
	if (!value) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return vst_err_nomem(err);
		return vst_err_set(err, VST_EFORMAT, "JSON: %s, at byte %d", error.text, error.position);
	}
	if (!json_is_object(value)) {
		json_decref(value);
		return vst_err_set(err, VST_EFORMAT, "JSON: not an object");
	}
	vst_err_clear(err);
	*ret = value;
	return 0;
}

/* ---- taking apart ---- */

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

/* A failure anywhere in the same document counts: the record is shared with the takes of inner and outer
 * objects. */
static bool has_failed(const struct vst_json_take *take)
{
	return take->failed || take->err->code != 0;
}

struct vst_json_take vst_json_take_of(json_t *object, struct vst_err *err)
{
	struct vst_json_take take = {.object = object, .err = err};
	if (json_is_object(object))
		take.iter = json_object_iter(object);
	else
		vst_json_take_fail(&take, "not an object");
	return take;
}

void vst_json_take_fail(struct vst_json_take *take, const char *format, ...)
{
	if (!has_failed(take)) {
		char text[VST_ERR_TEXT_MAX];
		va_list args;
		va_start(args, format);
		vsnprintf(text, sizeof text, format, args);
		va_end(args);
		vst_err_set(take->err, VST_EFORMAT, "%s", text);
	}
	take->failed = true;
}

bool vst_json_take_is(const struct vst_json_take *take, const char *key)
{
	return !has_failed(take) && take->iter && strcmp(json_object_iter_key(take->iter), key) == 0;
}

json_t *vst_json_take_any(struct vst_json_take *take, const char *key)
{
	if (has_failed(take)) {
		take->failed = true;
		return NULL;
	}
	if (!take->iter) {
		vst_json_take_fail(take, "key \"%s\" is missing", key);
		return NULL;
	}
	if (!vst_json_take_is(take, key)) {
		vst_json_take_fail(take, "key \"%s\" should stand where \"%.64s\" does", key,
		        json_object_iter_key(take->iter));
		return NULL;
	}
	json_t *value = json_object_iter_value(take->iter);
	take->iter = json_object_iter_next(take->object, take->iter);
	return value;
}

json_t *vst_json_take_value(struct vst_json_take *take, const char *key, json_type type)
{
	json_t *value = vst_json_take_any(take, key);
	if (value && json_typeof(value) != type) {
		vst_json_take_fail(take, "key \"%s\" should be %s", key, type_name(type));
		return NULL;
	}
	return value;
}

uint64_t vst_json_take_uint(struct vst_json_take *take, const char *key)
{
	int64_t value = vst_json_take_int(take, key);
	if (value < 0) {
		vst_json_take_fail(take, "key \"%s\" should not be negative", key);
		return 0;
	}
	return (uint64_t)value;
}

int64_t vst_json_take_int(struct vst_json_take *take, const char *key)
{
	json_t *value = vst_json_take_value(take, key, JSON_INTEGER);
	return value ? (int64_t)json_integer_value(value) : 0;
}

bool vst_json_take_bool(struct vst_json_take *take, const char *key)
{
	json_t *value = vst_json_take_any(take, key);
	if (value && !json_is_boolean(value)) {
		vst_json_take_fail(take, "key \"%s\" should be true or false", key);
		return false;
	}
	return value && json_is_true(value);
}

const char *vst_json_take_string(struct vst_json_take *take, const char *key)
{
	json_t *value = vst_json_take_value(take, key, JSON_STRING);
	return value ? json_string_value(value) : "";
}

void vst_json_take_hex(struct vst_json_take *take, const char *key, uint8_t *ret, size_t len)
{
	memset(ret, 0, len);
	json_t *value = vst_json_take_value(take, key, JSON_STRING);
	if (!value)
		return;
	const char *text = json_string_value(value);
	/* Upper case would be a second spelling of the same value. */
	if (strpbrk(text, "ABCDEF") || !vst_hex_decode(text, json_string_length(value), ret, len))
		vst_json_take_fail(
		        take, "key \"%s\" should be %zu bytes in lower-case hexadecimal", key, len);
}

int64_t vst_json_take_time(struct vst_json_take *take, const char *key)
{
	int64_t ns = VST_TIME_NONE;
	json_t *value = vst_json_take_value(take, key, JSON_STRING);
	if (value && !vst_time_parse(json_string_value(value), json_string_length(value), &ns))
		vst_json_take_fail(take, "key \"%s\" should be a time like 2026-11-22T03:40:13Z", key);
	return ns;
}

int vst_json_take_end(struct vst_json_take *take)
{
	if (!has_failed(take) && take->iter)
		vst_json_take_fail(take, "unknown key \"%.64s\"", json_object_iter_key(take->iter));
	return has_failed(take) ? take->err->code : 0;
}
