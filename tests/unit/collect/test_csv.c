#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collect/csv.h"
#include "vestige/buf.h"

static void expect_text(const char *text, size_t len, const char *expected)
{
	struct vst_buf out = VST_BUF_INIT;
	vst_csv_text(&out, text, len);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
	vst_buf_free(&out);
}

static void expect_real(double value, const char *expected)
{
	struct vst_buf out = VST_BUF_INIT;
	vst_csv_real(&out, value);
	assert_string_equal(vst_buf_cstr(&out), expected);
	vst_buf_free(&out);
}

static void csv_quotes_what_needs_it(void **state)
{
	(void)state;
	expect_text("plain", 5, "plain");
	expect_text("", 0, "\"\"");
	expect_text("a,b", 3, "\"a,b\"");
	expect_text("say \"no\"", 8, "\"say \"\"no\"\"\"");
	expect_text("\"", 1, "\"\"\"\"");
	expect_text("two\nlines", 9, "\"two\nlines\"");
	expect_text("cr\r", 3, "\"cr\r\"");
	expect_text(" x", 2, "\" x\"");
	expect_text("x ", 2, "\"x \"");
}

static void csv_tells_text_from_binary(void **state)
{
	(void)state;
	expect_text("\\x00", 4, "\"\\x00\"");
	expect_text("\\.", 2, "\"\\.\"");
	expect_text("\\.x", 3, "\\.x");
	expect_text("a\\x", 3, "a\\x");
}

static void csv_keeps_bytes(void **state)
{
	struct vst_buf out = VST_BUF_INIT;
	(void)state;
	vst_csv_text(&out, "\xff\0\xfe", 3);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "\xff\0\xfe", 3);
	vst_buf_free(&out);
}

static void csv_reals_come_back(void **state)
{
	static const double values[] = {0.1, 1.0 / 3, 1e300, DBL_MIN, DBL_MAX, 5e-324, 123456789012345680.0};
	(void)state;
	expect_real(1, "1.0");
	expect_real(0.1, "0.1");
	expect_real(-0.0, "-0.0");
	expect_real(1e300, "1e+300");
	expect_real(INFINITY, "Infinity");
	expect_real(-INFINITY, "-Infinity");
	expect_real(NAN, "NaN");
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct vst_buf out = VST_BUF_INIT;
		vst_csv_real(&out, values[i]);
		assert_true(strtod(vst_buf_cstr(&out), NULL) == values[i]);
		vst_buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(csv_quotes_what_needs_it),
	        cmocka_unit_test(csv_tells_text_from_binary),
	        cmocka_unit_test(csv_keeps_bytes),
	        cmocka_unit_test(csv_reals_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
