#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "vestige/buf.h"
#include "vestige/text.h"

static void hex_round_trips(void **state)
{
	(void)state;
	static const uint8_t data[] = {0x00, 0x9f, 0xab, 0xff};
	uint8_t back[4];
	char text[9];
	struct vst_buf buf = VST_BUF_INIT;
	vst_hex(data, sizeof data, text);
	assert_string_equal(text, "009fabff");
	vst_hex_append(&buf, data, sizeof data);
	vst_hex_append(&buf, NULL, 0);
	assert_string_equal(vst_buf_cstr(&buf), text);
	assert_true(vst_hex_decode("009fAbFF", 8, back, 4));
	assert_memory_equal(back, data, 4);
	vst_buf_free(&buf);
}

static void hex_rejects_wrong_length_and_digits(void **state)
{
	(void)state;
	uint8_t back[2] = {7, 7};
	assert_false(vst_hex_decode("0000", 4, back, 1));
	assert_false(vst_hex_decode("00", 2, back, 2));
	assert_false(vst_hex_decode("000", 3, back, 1));
	assert_false(vst_hex_decode("000g", 4, back, 2));
	assert_false(vst_hex_decode("0 00", 4, back, 2));
	assert_int_equal(back[0], 7);
}

/* RFC 4648, section 10 */
static void base64_rfc4648_vectors(void **state)
{
	(void)state;
	static const char *const vectors[][3] = {
	        {"", "", ""},
	        {"f", "Zg==", "Zg"},
	        {"fo", "Zm8=", "Zm8"},
	        {"foo", "Zm9v", "Zm9v"},
	        {"foob", "Zm9vYg==", "Zm9vYg"},
	        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
	        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	};
	for (size_t i = 0; i < 7; i++)
		for (int form = 0; form < 2; form++) {
			struct vst_buf text = VST_BUF_INIT, back = VST_BUF_INIT;
			const char *expected = vectors[i][1 + form];
			vst_base64_append(&text, vectors[i][0], strlen(vectors[i][0]), (enum vst_base64)form);
			assert_string_equal(vst_buf_cstr(&text), expected);
			assert_true(
			        vst_base64_decode(expected, strlen(expected), (enum vst_base64)form, &back));
			assert_string_equal(vst_buf_cstr(&back), vectors[i][0]);
			vst_buf_free(&text);
			vst_buf_free(&back);
		}
}

static void base64_every_byte_round_trips(void **state)
{
	(void)state;
	uint8_t data[256];
	for (int i = 0; i < 256; i++)
		data[i] = (uint8_t)(i * 167 + 13);
	for (size_t len = 0; len <= sizeof data; len++) {
		struct vst_buf text = VST_BUF_INIT, back = VST_BUF_INIT;
		vst_base64_append(&text, data, len, VST_BASE64_PADDED);
		assert_true(vst_base64_decode(text.data, text.len, VST_BASE64_PADDED, &back));
		assert_int_equal(back.len, len);
		if (len)
			assert_memory_equal(back.data, data, len);
		vst_buf_free(&text);
		vst_buf_free(&back);
	}
}

static void base64_rejects_what_is_not_canonical(void **state)
{
	(void)state;
	static const char *const padded[] = {"Zg", "Zg=", "Zh==", "Zm9=", "Zg===", "=",
	        "==", "====", "Z===", "Zg==Zg==", "Zm 9v", "Zm9v\n", "\nZm9v", "Zm-_", "Z=g=", "Zm9vY",
	        "Zm9vYg==="};
	static const char *const raw[] = {"Z", "Zh", "Zm9", "Zg==", "Zm9vY", "Zm8=", "Zm9v\n"};
	struct vst_buf out = VST_BUF_INIT;
	vst_buf_text(&out, "kept");
	for (size_t i = 0; i < sizeof padded / sizeof padded[0]; i++)
		if (vst_base64_decode(padded[i], strlen(padded[i]), VST_BASE64_PADDED, &out))
			fail_msg("accepted %s", padded[i]);
	for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++)
		if (vst_base64_decode(raw[i], strlen(raw[i]), VST_BASE64_RAW, &out))
			fail_msg("accepted %s", raw[i]);
	assert_string_equal(vst_buf_cstr(&out), "kept");
	vst_buf_free(&out);
}

static void utf8_accepts_the_limits_of_each_length(void **state)
{
	(void)state;
	static const char *const good[] = {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
	        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
	        "12345678\xc3\xa9z2345678"};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(vst_utf8_valid(good[i], strlen(good[i])));
	assert_true(vst_utf8_valid("a\0b", 3));
}

static void utf8_rejects_overlong_surrogate_cut_and_too_high(void **state)
{
	(void)state;
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
	        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2",
	        "\xe2\x82", "\xf0\x9f\x90", "\xc2 ", "\xe2\x82 ", "12345678\xe2\x82"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(vst_utf8_valid(bad[i], strlen(bad[i])));
}

static void shows(const char *text, size_t len, const char *expected)
{
	struct vst_buf out = VST_BUF_INIT;
	vst_text_show(&out, text, len);
	assert_string_equal(vst_buf_cstr(&out), expected);
	assert_true(vst_utf8_valid(out.data, out.len));
	vst_buf_free(&out);
}

static void show_leaves_printable_text(void **state)
{
	(void)state;
	shows("caf\xc3\xa9 \xf0\x9f\x90\xa7 \"'", 13, "caf\xc3\xa9 \xf0\x9f\x90\xa7 \"'");
}

static void show_escapes_controls_and_invalid_bytes(void **state)
{
	(void)state;
	shows("a\n\t\\\x1b[31m\x7f\r", 11, "a\\n\\t\\\\\\x1b[31m\\x7f\\x0d");
	shows("\0", 1, "\\x00");
	shows("\xff\xc3", 2, "\\xff\\xc3");
	shows("\xc2\x9b", 2, "\\u{009b}");
}

static void show_escapes_what_reorders_or_hides(void **state)
{
	(void)state;
	static const uint32_t chars[] = {0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c,
	        0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0xfeff};
	for (size_t i = 0; i < sizeof chars / sizeof chars[0]; i++) {
		uint32_t c = chars[i];
		uint8_t text[3] = {(uint8_t)(0xe0 | c >> 12), (uint8_t)(0x80 | (c >> 6 & 63)),
		        (uint8_t)(0x80 | (c & 63))};
		size_t skip = 0;
		if (c < 0x800) {
			text[1] = (uint8_t)(0xc0 | c >> 6);
			skip = 1;
		}
		struct vst_buf expected = VST_BUF_INIT;
		vst_buf_printf(&expected, "\\u{%04x}", (unsigned)c);
		shows((const char *)text + skip, 3 - skip, vst_buf_cstr(&expected));
		vst_buf_free(&expected);
	}
}

static void sizes_read_as_people_write_them(void **state)
{
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
	        {0, "0 B"},
	        {96, "96 B"},
	        {1023, "1023 B"},
	        {1024, "1.0 KiB"},
	        {1536, "1.5 KiB"},
	        {102348, "99.9 KiB"},
	        {102399, "100 KiB"},
	        {1048575, "1.0 MiB"},
	        {UINT64_C(311) << 20, "311 MiB"},
	        {UINT64_C(2576980378), "2.4 GiB"},
	        {UINT64_MAX, "16.0 EiB"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[16];
		vst_text_size(rows[i].bytes, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void counts_have_thousands(void **state)
{
	(void)state;
	char text[32];
	vst_text_count(0, text);
	assert_string_equal(text, "0");
	vst_text_count(999, text);
	assert_string_equal(text, "999");
	vst_text_count(13022, text);
	assert_string_equal(text, "13,022");
	vst_text_count(UINT64_MAX, text);
	assert_string_equal(text, "18,446,744,073,709,551,615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(hex_round_trips),
	        cmocka_unit_test(hex_rejects_wrong_length_and_digits),
	        cmocka_unit_test(base64_rfc4648_vectors),
	        cmocka_unit_test(base64_every_byte_round_trips),
	        cmocka_unit_test(base64_rejects_what_is_not_canonical),
	        cmocka_unit_test(utf8_accepts_the_limits_of_each_length),
	        cmocka_unit_test(utf8_rejects_overlong_surrogate_cut_and_too_high),
	        cmocka_unit_test(show_leaves_printable_text),
	        cmocka_unit_test(show_escapes_controls_and_invalid_bytes),
	        cmocka_unit_test(show_escapes_what_reorders_or_hides),
	        cmocka_unit_test(sizes_read_as_people_write_them),
	        cmocka_unit_test(counts_have_thousands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
