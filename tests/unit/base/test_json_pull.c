#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/json_pull.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

/* A text in memory that is just as long as it, so that a sanitizer sees each byte read beyond it. */
struct pulled {
	struct vst_json_pull in;
	struct vst_err err;
	uint8_t *text;
};

static struct vst_json_pull *pull(struct pulled *at, const void *text, size_t len)
{
	memset(&at->err, 0, sizeof at->err);
	at->text = malloc(len);
	assert_true(at->text || len == 0);
	if (len > 0)
		memcpy(at->text, text, len);
	at->in = vst_json_pull_of(at->text, len, &at->err);
	return &at->in;
}

static struct vst_json_pull *pull_text(struct pulled *at, const char *text)
{
	return pull(at, text, strlen(text));
}

static void assert_took(struct pulled *at)
{
	if (vst_json_pull_end(&at->in) != 0)
		fail_msg("%s", at->err.text);
	free(at->text);
}

static void assert_refused(struct pulled *at, const char *why)
{
	assert_int_equal(vst_json_pull_end(&at->in), VST_EFORMAT);
	assert_int_equal(at->err.code, VST_EFORMAT);
	if (!strstr(at->err.text, why))
		fail_msg("refused with: %s\ninstead of: %s", at->err.text, why);
	free(at->text);
}

/* ---- a document with everything in it, read and written again ---- */

#define MANY 8

struct document {
	uint64_t number;
	int64_t negative, time, late;
	bool yes, no, has_late;
	const char *plain, *text, *bytes, *keys[MANY];
	size_t bytes_len, key_count, count;
	uint8_t hex[4];
	uint64_t list[MANY];
};

static void write_document(const struct document *doc, struct vst_buf *out)
{
	struct vst_json json = vst_json_begin(out);
	vst_json_object(&json);
	vst_json_key(&json, "number");
	vst_json_uint(&json, doc->number);
	vst_json_key(&json, "negative");
	vst_json_int(&json, doc->negative);
	vst_json_key(&json, "truth");
	vst_json_array(&json);
	vst_json_bool(&json, doc->yes);
	vst_json_bool(&json, doc->no);
	vst_json_end(&json);
	vst_json_key(&json, "plain");
	vst_json_string(&json, doc->plain);
	vst_json_key(&json, "text");
	vst_json_text(&json, doc->text, strlen(doc->text));
	if (!vst_utf8_valid(doc->text, strlen(doc->text))) {
		vst_json_key(&json, "text_base64");
		vst_json_base64(&json, doc->text, strlen(doc->text));
	}
	vst_json_key(&json, "bytes");
	vst_json_base64(&json, doc->bytes, doc->bytes_len);
	vst_json_key(&json, "hex");
	vst_json_hex(&json, doc->hex, sizeof doc->hex);
	vst_json_key(&json, "time");
	vst_json_time(&json, doc->time);
	if (doc->has_late) {
		vst_json_key(&json, "late");
		vst_json_time(&json, doc->late);
	}
	vst_json_key(&json, "list");
	vst_json_array(&json);
	for (size_t i = 0; i < doc->count; i++)
		vst_json_uint(&json, doc->list[i]);
	vst_json_end(&json);
	vst_json_key(&json, "keys");
	vst_json_object(&json);
	for (size_t i = 0; i < doc->key_count; i++) {
		vst_json_key(&json, doc->keys[i]);
		vst_json_bool(&json, true);
	}
	vst_json_end(&json);
	vst_json_end(&json);
	assert_int_equal(vst_buf_check(out, NULL), 0);
}

static int read_document(struct vst_json_pull *in, struct document *ret)
{
	vst_json_pull_enter_object(in, NULL);
	ret->number = vst_json_pull_uint(in, "number");
	ret->negative = vst_json_pull_int(in, "negative");
	vst_json_pull_enter_array(in, "truth");
	ret->yes = vst_json_pull_bool(in, NULL);
	ret->no = vst_json_pull_bool(in, NULL);
	vst_json_pull_leave_array(in);
	ret->plain = vst_json_pull_string(in, "plain");
	ret->text = vst_json_pull_text(in, "text", "text_base64");
	ret->bytes = vst_json_pull_base64(in, "bytes", &ret->bytes_len);
	vst_json_pull_hex(in, "hex", ret->hex, sizeof ret->hex);
	ret->time = vst_json_pull_time(in, "time");
	ret->has_late = vst_json_pull_is(in, "late");
	if (ret->has_late)
		ret->late = vst_json_pull_time(in, "late");
	vst_json_pull_enter_array(in, "list");
	for (ret->count = 0; vst_json_pull_more(in); ret->count++) {
		ret->list[ret->count % MANY] = vst_json_pull_uint(in, NULL);
		if (ret->count >= MANY)
			vst_json_pull_fail(in, "list: too long");
	}
	vst_json_pull_leave_array(in);
	vst_json_pull_enter_object(in, "keys");
	for (ret->key_count = 0; vst_json_pull_more(in); ret->key_count++) {
		ret->keys[ret->key_count % MANY] = vst_json_pull_key(in);
		if (!vst_json_pull_bool(in, NULL) || ret->key_count >= MANY)
			vst_json_pull_fail(in, "keys: wrong");
	}
	vst_json_pull_leave_object(in);
	vst_json_pull_leave_object(in);
	return vst_json_pull_end(in);
}

static const struct document sample = {
        .number = 42,
        .negative = -7,
        .yes = true,
        .plain = "as it is",
        .text = "a\"\\\n\x7f\xc2\x85\xc3\xa9\xff",
        .bytes = "\0\1\2\xff",
        .bytes_len = 4,
        .hex = {0xde, 0xad, 0xbe, 0xef},
        .time = 5 * VST_NS_PER_S,
        .has_late = true,
        .late = 7 * VST_NS_PER_S + 1,
        .list = {0, 10, INT64_MAX},
        .count = 3,
        .keys = {"user.a", "\"\t\""},
        .key_count = 2,
};

static void json_pull_takes_each_kind_of_value(void **state)
{
	(void)state;
	struct vst_buf line = VST_BUF_INIT;
	struct pulled at;
	struct document doc = {0};
	write_document(&sample, &line);
	if (read_document(pull(&at, line.data, line.len), &doc) != 0)
		fail_msg("%s", at.err.text);
	assert_true(doc.number == 42 && doc.negative == -7 && doc.yes && !doc.no);
	assert_string_equal(doc.plain, sample.plain);
	assert_string_equal(doc.text, sample.text);
	assert_int_equal(doc.bytes_len, 4);
	assert_memory_equal(doc.bytes, sample.bytes, 4);
	assert_memory_equal(doc.hex, sample.hex, 4);
	assert_true(doc.time == sample.time && doc.late == sample.late);
	assert_int_equal(doc.count, 3);
	assert_true(doc.list[2] == INT64_MAX);
	assert_int_equal(doc.key_count, 2);
	assert_string_equal(doc.keys[1], "\"\t\"");
	assert_took(&at);
	vst_buf_free(&line);
}

/* Whether the text is refused, or is what its document is written as. */
static bool reads(const uint8_t *text, size_t len)
{
	struct vst_buf again = VST_BUF_INIT;
	struct pulled at;
	struct document doc = {0};
	bool took = read_document(pull(&at, text, len), &doc) == 0;
	if (took) {
		write_document(&doc, &again);
		assert_int_equal(again.len, len);
		assert_memory_equal(again.data, text, len);
		vst_buf_free(&again);
	} else {
		assert_int_equal(at.err.code, VST_EFORMAT);
	}
	free(at.text);
	return took;
}

static void json_pull_takes_one_spelling_of_a_document(void **state)
{
	(void)state;
	struct vst_buf line = VST_BUF_INIT;
	uint8_t *text;
	size_t took = 0;
	write_document(&sample, &line);
	text = malloc(line.len + 1);
	assert_non_null(text);
	for (size_t i = 0; i <= line.len; i++) {
		size_t rest = line.len - i;
		memcpy(text, line.data, i);
		if (rest > 0) {
			assert_false(reads(line.data, i)); /* cut */
			memcpy(text + i, line.data + i + 1, rest - 1);
			took += reads(text, line.len - 1); /* a byte taken out */
			memcpy(text + i + 1, line.data + i + 1, rest - 1);
		}
		for (int byte = 0; rest > 0 && byte < 256; byte++) { /* another in its place */
			text[i] = (uint8_t)byte;
			took += reads(text, line.len);
		}
		memcpy(text + i + 1, line.data + i, rest);
		for (int byte = 0; byte < 256; byte++) { /* one put in */
			text[i] = (uint8_t)byte;
			took += reads(text, line.len + 1);
		}
	}
	assert_true(took > line.len); /* other documents there are among them */
	free(text);
	vst_buf_free(&line);
}

/* ---- strings ---- */

/* Takes the whole text as one string: NULL if refused, else the caller's. */
static char *taken_string(const void *text, size_t len)
{
	struct pulled at;
	const char *string = vst_json_pull_string(pull(&at, text, len), NULL);
	char *copy = vst_json_pull_end(&at.in) == 0 ? strdup(string) : NULL;
	free(at.text);
	return copy;
}

static void json_pull_takes_every_character_as_written(void **state)
{
	(void)state;
	struct vst_buf line = VST_BUF_INIT;
	for (uint32_t c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 61) {
		char raw[8] = "";
		if (c < 0x80) {
			raw[0] = (char)c;
		} else if (c < 0x800) {
			raw[0] = (char)(0xc0 | c >> 6);
			raw[1] = (char)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			raw[0] = (char)(0xe0 | c >> 12);
			raw[1] = (char)(0x80 | (c >> 6 & 0x3f));
			raw[2] = (char)(0x80 | (c & 0x3f));
		} else {
			raw[0] = (char)(0xf0 | c >> 18);
			raw[1] = (char)(0x80 | (c >> 12 & 0x3f));
			raw[2] = (char)(0x80 | (c >> 6 & 0x3f));
			raw[3] = (char)(0x80 | (c & 0x3f));
		}
		struct vst_json json = vst_json_begin(&line);
		vst_buf_clear(&line);
		if (c >= 0xd800 && c <= 0xdfff) {
			vst_buf_printf(&line, "\"%s\"", raw);
			assert_null(taken_string(line.data, line.len));
			continue;
		}
		vst_json_string(&json, raw);
		char *got = taken_string(line.data, line.len);
		if (!got || strcmp(got, raw) != 0)
			fail_msg("U+%04" PRIX32 ": %s", c, vst_buf_cstr(&line));
		free(got);
	}
	vst_buf_free(&line);
}

static void json_pull_takes_only_escapes_that_are_written(void **state)
{
	(void)state;
	struct vst_buf line = VST_BUF_INIT;
	unsigned took = 0;
	for (unsigned c = 0; c < 0x20000; c++) {
		char text[16], *got;
		/* Both cases of the digits; the upper one differs only where there are letters. */
		snprintf(text, sizeof text, c < 0x10000 ? "\"\\u%04x\"" : "\"\\u%04X\"", c & 0xffff);
		got = taken_string(text, strlen(text));
		if (got) {
			struct vst_json json = vst_json_begin(&line);
			vst_buf_clear(&line);
			vst_json_string(&json, got);
			assert_string_equal(vst_buf_cstr(&line), text);
			took++;
		}
		free(got);
	}
	/* 31 controls without the 5 that have short escapes, DEL, C1; and once more those without a letter in
	 * their digits: 01 to 07, 10 to 19, 80 to 89, 90 to 99. */
	assert_int_equal(took, (31 - 5) + 1 + 32 + (7 + 10 + 10 + 10));
	for (unsigned c = 1; c < 256; c++) {
		char text[] = "\"\\.\"", *got;
		text[2] = (char)c;
		got = taken_string(text, 4);
		assert_int_equal(got != NULL, strchr("\"\\btnfr", (int)c) != NULL);
		free(got);
	}
	vst_buf_free(&line);
}

static void json_pull_says_what_is_wrong_with_a_string(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} bad[] = {
	        {"{\"k\":\"a\x01\"}", "key \"k\": a control character, at byte 7"},
	        {"{\"k\":\"\x7f\"}", "a control character, at byte 6"},
	        {"{\"k\":\"\xc2\x85\"}", "a control character"},
	        {"{\"k\":\"\xff\"}", "not UTF-8, at byte 6"},
	        {"{\"k\":\"\xc0\x80\"}", "not UTF-8"},
	        {"{\"k\":\"\xed\xa0\x80\"}", "not UTF-8"},
	        {"{\"k\":\"\\/\"}", "an escape that the format does not write, at byte 6"},
	        {"{\"k\":\"\\u0041\"}", "an escape"},
	        {"{\"k\":\"\\u000a\"}", "an escape"},
	        {"{\"k\":\"\\u001F\"}", "an escape"},
	        {"{\"k\":\"\\u0000\"}", "an escape"},
	        {"{\"k\":\"\\u00a0\"}", "an escape"},
	        {"{\"k\":\"\\ud83d\\ude00\"}", "an escape"},
	        {"{\"k\":\"\\u00", "an escape"},
	        {"{\"k\":\"\\", "an escape"},
	        {"{\"k\":\"\xc3", "not UTF-8"},
	        {"{\"k\":\"abc", "key \"k\": the text ends early, at byte 9"},
	        {"{\"k\":\"a\\n", "the text ends early"},
	        {"{\"k\":\"", "the text ends early"},
	        {"{\"k\":", "the text ends early, at byte 5"},
	        {"{\"k\":1}", "key \"k\" should be text"},
	        {"{\"k\":null}", "key \"k\" should be text"},
	        {"{\"k\": \"a\"}", "key \"k\" should be text"},
	        {"{\"k\" :\"a\"}", "key \"k\" should stand where \"k\" does"},
	        {"{\"k\":\"a\" }", "the object should end here, at byte 8"},
	        {"{\"k\":\"a\"} ", "trailing data at byte 9"},
	        {"{\"k\":\"a\"}{", "trailing data at byte 9"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pulled at;
		pull_text(&at, bad[i].text);
		vst_json_pull_enter_object(&at.in, NULL);
		(void)vst_json_pull_string(&at.in, "k");
		vst_json_pull_leave_object(&at.in);
		assert_refused(&at, bad[i].why);
	}
	assert_null(taken_string("\"a\0b\"", 5));
}

static void json_pull_decodes_a_string_where_it_stands(void **state)
{
	(void)state;
	struct pulled at;
	const char *first, *second, *third;
	pull_text(&at, "[\"\\\"\\u0085\xc3\xa9\\n.\",\"plain\",\"\"]");
	vst_json_pull_enter_array(&at.in, NULL);
	first = vst_json_pull_string(&at.in, NULL);
	second = vst_json_pull_string(&at.in, NULL);
	third = vst_json_pull_string(&at.in, NULL);
	vst_json_pull_leave_array(&at.in);
	assert_string_equal(first, "\"\xc2\x85\xc3\xa9\n.");
	assert_string_equal(second, "plain");
	assert_string_equal(third, "");
	assert_ptr_equal(first, at.text + 2);
	assert_took(&at);
}

static void json_pull_text_needs_its_bytes_only_where_it_is_not_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *text, *exact, *why;
	} cases[] = {
	        {"{\"t\":\"a\xc3\xa9\"}", "a\xc3\xa9", NULL},
	        {"{\"t\":\"\xef\xbf\xbd\"}", "\xef\xbf\xbd", NULL}, /* the host's own U+FFFD */
	        {"{\"t\":\"a\xef\xbf\xbd\xef\xbf\xbd\\n\",\"t_base64\":\"Yf/+Cg==\"}", "a\xff\xfe\n", NULL},
	        {"{\"t\":\"a\xef\xbf\xbd\xef\xbf\xbd\",\"t_base64\":\"Ye+/vf8=\"}", "a\xef\xbf\xbd\xff",
	                NULL},
	        {"{\"t\":\"a\",\"t_base64\":\"YQ==\"}", NULL, "bytes that text can hold"},
	        {"{\"t\":\"\",\"t_base64\":\"\"}", NULL, "bytes that text can hold"},
	        {"{\"t\":\"a\xef\xbf\xbd\",\"t_base64\":\"Yv8=\"}", NULL, "other bytes than those of \"t\""},
	        {"{\"t\":\"a\xef\xbf\xbd.\",\"t_base64\":\"Yf8=\"}", NULL, "other bytes"},
	        {"{\"t\":\"a\",\"t_base64\":\"Yf8=\"}", NULL, "other bytes"},
	        {"{\"t\":\"a\xef\xbf\xbd\",\"t_base64\":\"Yf8A\"}", NULL, "\"t_base64\": a NUL in it"},
	        {"{\"t\":\"a\xef\xbf\xbd\",\"t_base64\":\"Yf9\"}", NULL, "\"t_base64\" should be base64"},
	        {"{\"t_base64\":\"Yf8=\"}", NULL, "key \"t\" should stand where \"t_base64\" does"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pulled at;
		const char *text;
		pull_text(&at, cases[i].text);
		vst_json_pull_enter_object(&at.in, NULL);
		text = vst_json_pull_text(&at.in, "t", "t_base64");
		vst_json_pull_leave_object(&at.in);
		assert_string_equal(text, cases[i].exact ? cases[i].exact : "");
		if (cases[i].exact)
			assert_took(&at);
		else
			assert_refused(&at, cases[i].why);
	}
}

/* ---- the other kinds ---- */

static void json_pull_takes_base64_of_every_length(void **state)
{
	(void)state;
	struct vst_buf line = VST_BUF_INIT;
	uint8_t bytes[200];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		struct vst_json json = vst_json_begin(&line);
		struct pulled at;
		const char *got, *behind;
		size_t got_len;
		vst_buf_clear(&line);
		vst_json_array(&json);
		vst_json_base64(&json, bytes, len);
		vst_json_string(&json, "behind");
		vst_json_end(&json);
		pull(&at, line.data, line.len);
		vst_json_pull_enter_array(&at.in, NULL);
		got = vst_json_pull_base64(&at.in, NULL, &got_len);
		behind = vst_json_pull_string(&at.in, NULL);
		vst_json_pull_leave_array(&at.in);
		assert_int_equal(got_len, len);
		assert_memory_equal(got, bytes, len);
		assert_int_equal(got[len], 0);
		assert_string_equal(behind, "behind");
		assert_took(&at);
	}
	vst_buf_free(&line);
}

enum kind { UINT, INT, BOOL, HEX, BASE64, TIME };

static void take(struct vst_json_pull *in, enum kind kind)
{
	uint8_t hex[2] = {1, 1};
	size_t len = 1;
	switch (kind) {
	case UINT:
		assert_true(vst_json_pull_uint(in, NULL) == 0);
		break;
	case INT:
		assert_true(vst_json_pull_int(in, NULL) == 0);
		break;
	case BOOL:
		assert_false(vst_json_pull_bool(in, NULL));
		break;
	case HEX:
		vst_json_pull_hex(in, NULL, hex, sizeof hex);
		assert_memory_equal(hex, "\0", 2);
		break;
	case BASE64:
		assert_string_equal(vst_json_pull_base64(in, NULL, &len), "");
		assert_int_equal(len, 0);
		break;
	case TIME:
		assert_true(vst_json_pull_time(in, NULL) == VST_TIME_NONE);
		break;
	}
}

static void json_pull_takes_one_spelling_of_each_value(void **state)
{
	(void)state;
	static const struct {
		enum kind kind;
		const char *text, *why;
	} bad[] = {
	        {UINT, "", "the text ends early"},
	        {UINT, "01", "a zero in front"},
	        {UINT, "00", "a zero in front"},
	        {UINT, "-1", "negative"},
	        {UINT, "+1", "a whole number"},
	        {UINT, "1.0", "a whole number"},
	        {UINT, "1e3", "a whole number"},
	        {UINT, "\"1\"", "a whole number"},
	        {UINT, "null", "a whole number"},
	        {UINT, "9223372036854775808", "a smaller number"},
	        {UINT, "99999999999999999999999", "a smaller number"},
	        {INT, "-", "a whole number"},
	        {INT, "-0", "a sign before zero"},
	        {INT, "-01", "a zero in front"},
	        {INT, "--1", "a whole number"},
	        {INT, "-9223372036854775809", "a smaller number"},
	        {INT, "9223372036854775808", "a smaller number"},
	        {BOOL, "True", "true or false"},
	        {BOOL, "tru", "true or false"},
	        {BOOL, "fals", "true or false"},
	        {BOOL, "0", "true or false"},
	        {BOOL, "null", "true or false"},
	        {HEX, "\"\"", "2 bytes in lower-case hexadecimal"},
	        {HEX, "\"", "2 bytes in lower-case"},
	        {HEX, "\"0a0", "2 bytes in lower-case"},
	        {HEX, "\"0a0b", "2 bytes in lower-case"},
	        {HEX, "\"0a0\"", "2 bytes in lower-case"},
	        {HEX, "\"0a0B\"", "2 bytes in lower-case"},
	        {HEX, "\"0a0g\"", "2 bytes in lower-case"},
	        {HEX, "\"0a0b0\"", "2 bytes in lower-case"},
	        {HEX, "\"0a0b0c\"", "2 bytes in lower-case"},
	        {HEX, "1234", "text"},
	        {BASE64, "\"AA\"", "base64"},
	        {BASE64, "\"AA=\"", "base64"},
	        {BASE64, "\"AAA\"", "base64"},
	        {BASE64, "\"AB==\"", "base64"},
	        {BASE64, "\"AAB=\"", "base64"},
	        {BASE64, "\"A===\"", "base64"},
	        {BASE64, "\"====\"", "base64"},
	        {BASE64, "\"AA==AAAA\"", "base64"},
	        {BASE64, "\"AA-_\"", "base64"},
	        {BASE64, "\"AAA\\n\"", "base64"},
	        {BASE64, "\"AAAA", "the text ends early"},
	        {BASE64, "[]", "text"},
	        {TIME, "\"\"", "a time like"},
	        {TIME, "\"1970-01-01T00:00:00Z", "a time like"},
	        {TIME, "\"1970-01-01T00:00:00z\"", "a time like"},
	        {TIME, "\"1970-01-01T00:00:00.000000000Z\"", "a time like"},
	        {TIME, "\"1970-01-01T00:00:00.5Z\"", "a time like"},
	        {TIME, "\"1970-01-01T00:00:00+00:00\"", "a time like"},
	        {TIME, "\"1970-02-30T00:00:00Z\"", "a time like"},
	        {TIME, "\"1970-01-01T24:00:00Z\"", "a time like"},
	        {TIME, "null", "a time like"},
	        {TIME, "0", "a time like"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pulled at;
		take(pull_text(&at, bad[i].text), bad[i].kind);
		assert_refused(&at, bad[i].why);
	}
}

static void json_pull_takes_the_extreme_numbers(void **state)
{
	(void)state;
	struct pulled at;
	pull_text(&at, "[0,9223372036854775807,0,-1,-9223372036854775808,9223372036854775807]");
	vst_json_pull_enter_array(&at.in, NULL);
	assert_true(vst_json_pull_uint(&at.in, NULL) == 0);
	assert_true(vst_json_pull_uint(&at.in, NULL) == INT64_MAX);
	assert_true(vst_json_pull_int(&at.in, NULL) == 0);
	assert_true(vst_json_pull_int(&at.in, NULL) == -1);
	assert_true(vst_json_pull_int(&at.in, NULL) == INT64_MIN);
	assert_true(vst_json_pull_int(&at.in, NULL) == INT64_MAX);
	vst_json_pull_leave_array(&at.in);
	assert_took(&at);
}

/* ---- keys and brackets ---- */

static void json_pull_wants_its_keys_in_order(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} bad[] = {
	        {"", "JSON: the text ends early, at byte 0"},
	        {"[]", "the value at byte 0 should be an object"},
	        {" {}", "the value at byte 0 should be an object"},
	        {"{", "key \"a\": the text ends early, at byte 1"},
	        {"{}", "key \"a\" is missing"},
	        {"{\"a\":1}", "key \"b\" is missing"},
	        {"{\"b\":2,\"a\":1}", "key \"a\" should stand where \"b\" does"},
	        {"{\"a\":1,\"a\":1}", "key \"b\" should stand where \"a\" does"},
	        {"{\"a\":1,\"bb\":2}", "key \"b\" should stand where \"bb\" does"},
	        {"{\"a\":1\"b\":2}", "key \"b\": it should stand where something else does, at byte 6"},
	        {"{,\"a\":1,\"b\":2}", "key \"a\": it should stand where something else does, at byte 1"},
	        {"{\"a\":1,,\"b\":2}", "key \"b\": it should stand where something else does, at byte 6"},
	        {"{\"a\":1,\"b\":2,}", "the object should end here, at byte 12"},
	        {"{\"a\":1,\"b\":2,\"c\":3}", "unknown key \"c\""},
	        {"{\"a\":1,\"b\":2]", "the object should end here"},
	        {"{\"a\":1,\"b\":2", "the text ends early, at byte 12"},
	        {"{\"\\u0061\":1,\"b\":2}", "key \"a\" should stand where"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pulled at;
		pull_text(&at, bad[i].text);
		vst_json_pull_enter_object(&at.in, NULL);
		(void)vst_json_pull_uint(&at.in, "a");
		(void)vst_json_pull_uint(&at.in, "b");
		vst_json_pull_leave_object(&at.in);
		assert_refused(&at, bad[i].why);
	}
}

static void json_pull_cuts_a_long_key_in_its_error(void **state)
{
	(void)state;
	char text[4096];
	struct pulled at;
	memset(text, 'x', sizeof text);
	memcpy(text, "{\"", 2);
	pull(&at, text, sizeof text);
	vst_json_pull_enter_object(&at.in, NULL);
	vst_json_pull_leave_object(&at.in);
	assert_int_equal(strlen(at.err.text), strlen("unknown key \"\"") + 64);
	assert_refused(&at, "unknown key \"xxx");
}

static void json_pull_wants_commas_in_lists(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} bad[] = {
	        {"{}", "the value at byte 0 should be a list"},
	        {"[", "the text ends early"},
	        {"[1", "the text ends early"},
	        {"[,1]", "should be a whole number"},
	        {"[1,]", "should be a whole number"},
	        {"[1 2]", "a comma should stand here, at byte 2"},
	        {"[1,2,3}", "the list should end here, at byte 6"},
	        {"[1]]", "trailing data at byte 3"},
	        {"[[1]]", "the value at byte 1 should be a whole number"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pulled at;
		pull_text(&at, bad[i].text);
		vst_json_pull_enter_array(&at.in, NULL);
		while (vst_json_pull_more(&at.in))
			(void)vst_json_pull_uint(&at.in, NULL);
		vst_json_pull_leave_array(&at.in);
		assert_refused(&at, bad[i].why);
	}
}

static void json_pull_wants_a_colon_behind_any_key(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} bad[] = {
	        {"{\"a\"1}", "a colon should stand here, at byte 4"},
	        {"{\"a\"", "the text ends early"},
	        {"{\"a\":", "the text ends early"},
	        {"{\"a\":,1}", "should be a whole number"},
	        {"{1:1}", "the value at byte 1 should be text"},
	        {"{\"a\":1\"b\":2}", "a comma should stand here, at byte 6"},
	        {"{\"a\":1,}", "the value at byte 7 should be text"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pulled at;
		pull_text(&at, bad[i].text);
		vst_json_pull_enter_object(&at.in, NULL);
		while (vst_json_pull_more(&at.in)) {
			(void)vst_json_pull_key(&at.in);
			(void)vst_json_pull_uint(&at.in, NULL);
		}
		vst_json_pull_leave_object(&at.in);
		assert_refused(&at, bad[i].why);
	}
}

static void json_pull_sees_which_key_is_next(void **state)
{
	(void)state;
	struct pulled at;
	pull_text(&at, "{\"a\":\"1\",\"bc\":2}");
	vst_json_pull_enter_object(&at.in, NULL);
	assert_true(vst_json_pull_is(&at.in, "a"));
	assert_true(vst_json_pull_is_string(&at.in, "a"));
	assert_false(vst_json_pull_is(&at.in, "bc"));
	assert_string_equal(vst_json_pull_string(&at.in, "a"), "1");
	assert_false(vst_json_pull_is(&at.in, "b"));
	assert_false(vst_json_pull_is(&at.in, "bcd"));
	assert_true(vst_json_pull_is(&at.in, "bc"));
	assert_false(vst_json_pull_is_string(&at.in, "bc"));
	assert_true(vst_json_pull_more(&at.in));
	assert_true(vst_json_pull_uint(&at.in, "bc") == 2);
	assert_false(vst_json_pull_more(&at.in));
	assert_false(vst_json_pull_is(&at.in, "bc"));
	vst_json_pull_leave_object(&at.in);
	assert_took(&at);
}

static void json_pull_keeps_the_first_failure(void **state)
{
	(void)state;
	struct pulled at;
	size_t len = 1;
	pull_text(&at, "{\"a\":x,\"b\":2}");
	vst_json_pull_enter_object(&at.in, NULL);
	assert_true(vst_json_pull_uint(&at.in, "a") == 0);
	assert_false(vst_json_pull_is(&at.in, "b"));
	assert_false(vst_json_pull_more(&at.in));
	assert_string_equal(vst_json_pull_key(&at.in), "");
	assert_string_equal(vst_json_pull_text(&at.in, "b", "c"), "");
	assert_string_equal(vst_json_pull_base64(&at.in, "b", &len), "");
	assert_true(vst_json_pull_time(&at.in, "b") == VST_TIME_NONE);
	vst_json_pull_fail(&at.in, "another");
	vst_json_pull_stop(&at.in, VST_ENOMEM);
	vst_json_pull_leave_array(&at.in);
	vst_json_pull_leave_object(&at.in);
	assert_refused(&at, "key \"a\" should be a whole number");
}

static void json_pull_stops_for_a_failure_of_its_caller(void **state)
{
	(void)state;
	struct pulled at;
	pull_text(&at, "{}");
	vst_json_pull_stop(&at.in, vst_err_set(&at.err, VST_ENOMEM, "none left"));
	vst_json_pull_enter_object(&at.in, NULL);
	vst_json_pull_leave_object(&at.in);
	assert_int_equal(vst_json_pull_end(&at.in), VST_ENOMEM);
	assert_string_equal(at.err.text, "none left");
	free(at.text);
}

static void json_pull_needs_no_record_of_the_error(void **state)
{
	(void)state;
	struct vst_json_pull in = vst_json_pull_of(NULL, 0, NULL);
	assert_false(vst_json_pull_is(&in, "a"));
	assert_false(vst_json_pull_more(&in));
	assert_int_equal(vst_json_pull_end(&in), 0);
	vst_json_pull_enter_object(&in, NULL);
	assert_int_equal(vst_json_pull_end(&in), VST_EFORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(json_pull_takes_each_kind_of_value),
	        cmocka_unit_test(json_pull_takes_one_spelling_of_a_document),
	        cmocka_unit_test(json_pull_takes_every_character_as_written),
	        cmocka_unit_test(json_pull_takes_only_escapes_that_are_written),
	        cmocka_unit_test(json_pull_says_what_is_wrong_with_a_string),
	        cmocka_unit_test(json_pull_decodes_a_string_where_it_stands),
	        cmocka_unit_test(json_pull_text_needs_its_bytes_only_where_it_is_not_utf8),
	        cmocka_unit_test(json_pull_takes_base64_of_every_length),
	        cmocka_unit_test(json_pull_takes_one_spelling_of_each_value),
	        cmocka_unit_test(json_pull_takes_the_extreme_numbers),
	        cmocka_unit_test(json_pull_wants_its_keys_in_order),
	        cmocka_unit_test(json_pull_cuts_a_long_key_in_its_error),
	        cmocka_unit_test(json_pull_wants_commas_in_lists),
	        cmocka_unit_test(json_pull_wants_a_colon_behind_any_key),
	        cmocka_unit_test(json_pull_sees_which_key_is_next),
	        cmocka_unit_test(json_pull_keeps_the_first_failure),
	        cmocka_unit_test(json_pull_stops_for_a_failure_of_its_caller),
	        cmocka_unit_test(json_pull_needs_no_record_of_the_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
