#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

static void json_writes_each_kind_of_value(void **state)
{
	(void)state;
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&buf);
	vst_json_object(&json);
	vst_json_key(&json, "u");
	vst_json_uint(&json, UINT64_MAX);
	vst_json_key(&json, "i");
	vst_json_int(&json, INT64_MIN);
	vst_json_key(&json, "b");
	vst_json_bool(&json, true);
	vst_json_key(&json, "n");
	vst_json_string(&json, NULL);
	vst_json_key(&json, "a");
	vst_json_array(&json);
	vst_json_uint(&json, 0);
	vst_json_object(&json);
	vst_json_end(&json);
	vst_json_array(&json);
	vst_json_end(&json);
	vst_json_bool(&json, false);
	vst_json_end(&json);
	vst_json_key(&json, "h");
	vst_json_hex(&json, "\x01\xff", 2);
	vst_json_key(&json, "s");
	vst_json_base64(&json, "f", 1);
	vst_json_key(&json, "t");
	vst_json_time(&json, 1);
	vst_json_key(&json, "t0");
	vst_json_time(&json, VST_TIME_NONE);
	vst_json_end(&json);
	assert_int_equal(vst_buf_check(&buf, NULL), 0);
	assert_string_equal(vst_buf_cstr(&buf),
	        "{\"u\":18446744073709551615,\"i\":-9223372036854775808,\"b\":true,\"n\":null,\"a\":[0,{},[],"
	        "false],"
	        "\"h\":\"01ff\",\"s\":\"Zg==\",\"t\":\"1970-01-01T00:00:00.000000001Z\",\"t0\":null}");
	assert_int_equal(json.depth, 0);
	vst_buf_free(&buf);
}

static void writes_text(const char *text, size_t len, const char *expected)
{
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&buf);
	vst_json_text(&json, text, len);
	assert_string_equal(vst_buf_cstr(&buf), expected);
	assert_true(vst_utf8_valid(buf.data, buf.len));
	vst_buf_free(&buf);
}

static void json_escapes_text(void **state)
{
	(void)state;
	writes_text("", 0, "\"\"");
	writes_text("/var/log/x", 10, "\"/var/log/x\"");
	writes_text("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	writes_text("\b\f\n\r\t\x01\x1f\x7f", 8, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"");
	writes_text("\0", 1, "\"\\u0000\"");
	writes_text("\xc2\x85\xc2\xa0", 4, "\"\\u0085\xc2\xa0\"");
	writes_text("caf\xc3\xa9\xf0\x9f\x90\xa7", 9, "\"caf\xc3\xa9\xf0\x9f\x90\xa7\"");
}

static void json_invalid_bytes_become_replacement_characters(void **state)
{
	(void)state;
	writes_text("a\xff\xfe"
	            "b\xc3",
	        5,
	        "\"a\xef\xbf\xbd\xef\xbf\xbd"
	        "b\xef\xbf\xbd\"");
}

static void json_every_text_reads_back(void **state)
{
	(void)state;
	for (unsigned c = 1; c < 0x110000; c = c < 0x3000 ? c + 1 : c + 251) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		uint8_t text[4];
		size_t len = 0;
		if (c < 0x80) {
			text[len++] = (uint8_t)c;
		} else {
			int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
			static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
			text[len++] = (uint8_t)(lead[more] | c >> (6 * more));
			while (more-- > 0)
				text[len++] = (uint8_t)(0x80 | (c >> (6 * more) & 63));
		}
		struct vst_buf buf = VST_BUF_INIT;
		struct vst_json json = vst_json_begin(&buf);
		vst_json_object(&json);
		vst_json_key(&json, "k");
		vst_json_text(&json, text, len);
		vst_json_end(&json);
		json_t *value;
		assert_int_equal(vst_json_parse(buf.data, buf.len, &value, NULL), 0);
		json_t *string = json_object_get(value, "k");
		assert_int_equal(json_string_length(string), len);
		assert_memory_equal(json_string_value(string), text, len);
		json_decref(value);
		vst_buf_free(&buf);
	}
}

/* ---- reading ---- */

static void refuses(const char *text, size_t len, const char *part)
{
	struct vst_err err = VST_ERR_INIT;
	json_t *value = NULL;
	if (vst_json_parse(text, len, &value, &err) != VST_EFORMAT)
		fail_msg("not refused as it should be: %s", text);
	assert_null(value);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" does not say \"%s\"", err.text, part);
}

static void json_refuses_what_is_not_one_strict_object(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	        {"", "byte 0"},
	        {"{", "byte 1"},
	        {"[]", "not an object"},
	        {"1", "byte"},
	        {"{} x", "byte"},
	        {"{}{}", "byte"},
	        {"{\"a\":1,\"a\":2}", "duplicate"},
	        {"{\"a\":\"\\u0000\"}", "byte"},
	        {"{\"\\u0000\":1}", "byte"},
	        {"{\"a\":\"\xff\"}", "byte"},
	        {"{\"a\":\"\\ud800\"}", "byte"},
	        {"{\"a\":01}", "byte"},
	        {"{\"a\":9223372036854775808}", "byte"},
	        {"{\"a\":1e999}", "byte"},
	        {"{\"a\":1,}", "byte"},
	        {"{'a':1}", "byte"},
	        {"\xef\xbb\xbf{}", "byte"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		refuses(rows[i][0], strlen(rows[i][0]), rows[i][1]);
	refuses("{}\0", 3, "NUL at byte 2");
	refuses("{\"a\":\"\\\0\"}", 9, "NUL at byte 7");
}

static void json_depth_is_limited(void **state)
{
	(void)state;
	char text[256] = "{\"a\":";
	for (int i = 1; i < VST_JSON_DEPTH; i++)
		strcat(text, "[");
	for (int i = 1; i < VST_JSON_DEPTH; i++)
		strcat(text, "]");
	strcat(text, ",\"b\":\"[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"}");
	json_t *value;
	assert_int_equal(vst_json_parse(text, strlen(text), &value, NULL), 0);
	json_decref(value);

	struct vst_buf deep = VST_BUF_INIT;
	vst_buf_text(&deep, "{\"a\":");
	for (int i = 0; i < 100000; i++)
		vst_buf_byte(&deep, '[');
	refuses((const char *)deep.data, deep.len, "nested deeper than 16 at byte 20");
	vst_buf_free(&deep);
}

static json_t *parse(const char *text, struct vst_err *err)
{
	json_t *value = NULL;
	assert_int_equal(vst_json_parse(text, strlen(text), &value, err), 0);
	return value;
}

static void take_reads_fields_in_order(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	vst_err_set(&err, VST_ENOTFOUND, "of an earlier attempt");
	json_t *value = parse(
	        "{\"u\":7,\"i\":-7,\"b\":true,\"s\":\"x\",\"h\":\"00ff\",\"t\":\"1970-01-01T00:00:01Z\","
	        "\"l\":[1],\"z\":null}",
	        &err);
	struct vst_json_take take = vst_json_take_of(value, &err);
	uint8_t hex[2];
	assert_true(vst_json_take_is(&take, "u"));
	assert_false(vst_json_take_is(&take, "i"));
	assert_int_equal(vst_json_take_uint(&take, "u"), 7);
	assert_int_equal(vst_json_take_int(&take, "i"), -7);
	assert_true(vst_json_take_bool(&take, "b"));
	assert_string_equal(vst_json_take_string(&take, "s"), "x");
	vst_json_take_hex(&take, "h", hex, 2);
	assert_memory_equal(hex, "\x00\xff", 2);
	assert_int_equal(vst_json_take_time(&take, "t"), VST_NS_PER_S);
	assert_int_equal(json_array_size(vst_json_take_value(&take, "l", JSON_ARRAY)), 1);
	json_t *null = vst_json_take_any(&take, "z"); /* jansson's macros evaluate their argument twice */
	assert_true(json_is_null(null));
	assert_int_equal(vst_json_take_end(&take), 0);
	json_decref(value);
}

enum kind { UINT, INT, BOOL, STRING, HEX, TIME, OBJECT };

static void take_refuses(const char *text, const char *key, enum kind kind, const char *expected)
{
	struct vst_err err = VST_ERR_INIT;
	json_t *value = parse(text, &err);
	struct vst_json_take take = vst_json_take_of(value, &err);
	uint8_t hex[2] = {1, 1};
	switch (kind) {
	case UINT:
		assert_int_equal(vst_json_take_uint(&take, key), 0);
		break;
	case INT:
		assert_int_equal(vst_json_take_int(&take, key), 0);
		break;
	case BOOL:
		assert_false(vst_json_take_bool(&take, key));
		break;
	case STRING:
		assert_string_equal(vst_json_take_string(&take, key), "");
		break;
	case HEX:
		vst_json_take_hex(&take, key, hex, 2);
		assert_memory_equal(hex, "\0\0", 2);
		break;
	case TIME:
		assert_true(vst_json_take_time(&take, key) == VST_TIME_NONE);
		break;
	case OBJECT:
		assert_null(vst_json_take_value(&take, key, JSON_OBJECT));
		break;
	}
	assert_int_equal(vst_json_take_end(&take), VST_EFORMAT);
	assert_string_equal(err.text, expected);
	json_decref(value);
}

static void take_names_what_is_wrong(void **state)
{
	(void)state;
	take_refuses("{}", "a", UINT, "key \"a\" is missing");
	take_refuses("{\"b\":1,\"a\":1}", "a", UINT, "key \"a\" should stand where \"b\" does");
	take_refuses("{\"a\":-1}", "a", UINT, "key \"a\" should not be negative");
	take_refuses("{\"a\":1.0}", "a", UINT, "key \"a\" should be a whole number");
	take_refuses("{\"a\":\"1\"}", "a", INT, "key \"a\" should be a whole number");
	take_refuses("{\"a\":1}", "a", BOOL, "key \"a\" should be true or false");
	take_refuses("{\"a\":null}", "a", STRING, "key \"a\" should be text");
	take_refuses("{\"a\":[]}", "a", OBJECT, "key \"a\" should be an object");
	take_refuses("{\"a\":\"00FF\"}", "a", HEX, "key \"a\" should be 2 bytes in lower-case hexadecimal");
	take_refuses("{\"a\":\"00ff00\"}", "a", HEX, "key \"a\" should be 2 bytes in lower-case hexadecimal");
	take_refuses("{\"a\":null}", "a", TIME, "key \"a\" should be text");
	take_refuses(
	        "{\"a\":\"yesterday\"}", "a", TIME, "key \"a\" should be a time like 2026-11-22T03:40:13Z");
}

static void take_end_refuses_left_over_keys(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	json_t *value = parse("{\"a\":1,\"b\":2}", &err);
	struct vst_json_take take = vst_json_take_of(value, &err);
	assert_int_equal(vst_json_take_uint(&take, "a"), 1);
	assert_int_equal(vst_json_take_end(&take), VST_EFORMAT);
	assert_string_equal(err.text, "unknown key \"b\"");
	json_decref(value);
}

static void take_first_failure_stays(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	json_t *value = parse("{\"a\":\"x\",\"b\":2}", &err);
	struct vst_json_take take = vst_json_take_of(value, &err);
	vst_json_take_uint(&take, "a");
	assert_int_equal(vst_json_take_uint(&take, "b"), 0);
	vst_json_take_fail(&take, "later");
	assert_false(vst_json_take_is(&take, "b"));
	assert_int_equal(vst_json_take_end(&take), VST_EFORMAT);
	assert_string_equal(err.text, "key \"a\" should be a whole number");
	json_decref(value);
}

static void take_failure_inside_fails_the_outer_object(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	json_t *value = parse("{\"log\":{\"x\":1},\"b\":2}", &err);
	struct vst_json_take outer = vst_json_take_of(value, &err);
	struct vst_json_take inner = vst_json_take_of(vst_json_take_value(&outer, "log", JSON_OBJECT), &err);
	vst_json_take_string(&inner, "x");
	vst_json_take_uint(&outer, "b");
	assert_int_equal(vst_json_take_end(&outer), VST_EFORMAT);
	assert_string_equal(err.text, "key \"x\" should be text");

	vst_err_clear(&err);
	outer = vst_json_take_of(value, &err);
	inner = vst_json_take_of(vst_json_take_value(&outer, "key", JSON_OBJECT), &err);
	vst_json_take_string(&inner, "x");
	assert_int_equal(vst_json_take_end(&inner), VST_EFORMAT);
	assert_string_equal(err.text, "key \"key\" should stand where \"log\" does");
	json_decref(value);
}

static void take_own_check_fails_the_parser(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	json_t *value = parse("{\"a\":9}", &err);
	struct vst_json_take take = vst_json_take_of(value, &err);
	if (vst_json_take_uint(&take, "a") > 8)
		vst_json_take_fail(&take, "%d is the most", 8);
	assert_int_equal(vst_json_take_end(&take), VST_EFORMAT);
	assert_string_equal(err.text, "8 is the most");
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(json_writes_each_kind_of_value),
	        cmocka_unit_test(json_escapes_text),
	        cmocka_unit_test(json_invalid_bytes_become_replacement_characters),
	        cmocka_unit_test(json_every_text_reads_back),
	        cmocka_unit_test(json_refuses_what_is_not_one_strict_object),
	        cmocka_unit_test(json_depth_is_limited),
	        cmocka_unit_test(take_reads_fields_in_order),
	        cmocka_unit_test(take_names_what_is_wrong),
	        cmocka_unit_test(take_end_refuses_left_over_keys),
	        cmocka_unit_test(take_first_failure_stays),
	        cmocka_unit_test(take_failure_inside_fails_the_outer_object),
	        cmocka_unit_test(take_own_check_fails_the_parser),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
