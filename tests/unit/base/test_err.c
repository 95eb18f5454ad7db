#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "vestige/err.h"

static void err_set_returns_and_records_the_code(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_err_set(&err, VST_EFORMAT, "line %d", 7), VST_EFORMAT);
	assert_int_equal(err.code, VST_EFORMAT);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.text, "line 7");
}

static void err_null_record_still_gives_the_code(void **state)
{
	(void)state;
	assert_int_equal(vst_err_set(NULL, VST_EAUTH, "x"), VST_EAUTH);
	assert_int_equal(vst_err_sys(NULL, EIO, "x"), VST_EIO);
	assert_int_equal(vst_err_sys(NULL, ENOMEM, "x"), VST_ENOMEM);
	assert_int_equal(vst_err_prepend(NULL, "x"), -1);
	vst_err_hint(NULL, "x");
	vst_err_clear(NULL);
}

static void err_sys_ends_in_the_reason(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_err_sys(&err, EIO, "read"), VST_EIO);
	assert_string_equal(err.text, "read: Input/output error");
	assert_int_equal(err.sys, EIO);
	vst_err_sys(&err, 9999, "read");
	assert_string_equal(err.text, "read: error 9999");
}

static void err_prepend_reads_from_the_outside_in(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	vst_err_sys(&err, EIO, "read");
	vst_err_prepend(&err, "%s", "/var/log/x");
	assert_int_equal(vst_err_prepend(&err, "source %s", "logs"), VST_EIO);
	assert_string_equal(err.text, "source logs: /var/log/x: read: Input/output error");
	assert_int_equal(err.sys, EIO);
}

static void err_prepend_without_error_is_no_success(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_err_prepend(&err, "x"), VST_ELIBRARY);
	assert_string_equal(err.text, "x: failed without a reason");
}

static void err_keeps_where_and_why_of_long_texts(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	char path[4096];
	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	vst_err_sys(&err, EIO, "%s: read", path);
	for (int i = 0; i < 30; i++)
		vst_err_prepend(&err, "context number %d", i);
	assert_true(strlen(err.text) < VST_ERR_TEXT_MAX);
	assert_memory_equal(err.text, "context number 29: ", 19);
	assert_non_null(strstr(err.text, "..."));
	assert_string_equal(err.text + strlen(err.text) - 24, "read: Input/output error");
}

static void err_does_not_cut_inside_a_character(void **state)
{
	(void)state;
	for (int shift = 0; shift < 4; shift++) {
		struct vst_err err = VST_ERR_INIT;
		char text[2048] = "";
		memset(text, 'a', (size_t)shift);
		for (int i = 0; i < 400; i++)
			strcat(text, "\xf0\x9f\x90\xa7");
		vst_err_set(&err, VST_EFORMAT, "%s", text);
		char *dots = strstr(err.text, "...");
		assert_non_null(dots);
		assert_int_equal((dots - err.text - shift) % 4, 0);
		assert_int_equal((unsigned char)dots[3], 0xf0);
		assert_int_equal(strlen(dots + 3) % 4, 0);
	}
}

static void err_may_print_its_own_text(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	vst_err_set(&err, VST_EIO, "inner");
	vst_err_set(&err, VST_ETAMPERED, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
}

static void err_first_hint_stays(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	vst_err_set(&err, VST_EKEY, "no key");
	vst_err_hint(&err, "try %s", "-i");
	vst_err_hint(&err, "call a friend");
	assert_string_equal(err.hint, "try -i");
	vst_err_set(&err, VST_EKEY, "another");
	assert_string_equal(err.hint, "");
}

static void err_clear_forgets_all(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	vst_err_sys(&err, EIO, "x");
	vst_err_hint(&err, "y");
	vst_err_clear(&err);
	assert_int_equal(err.code, 0);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.text, "");
	assert_string_equal(err.hint, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(err_set_returns_and_records_the_code),
	        cmocka_unit_test(err_null_record_still_gives_the_code),
	        cmocka_unit_test(err_sys_ends_in_the_reason),
	        cmocka_unit_test(err_prepend_reads_from_the_outside_in),
	        cmocka_unit_test(err_prepend_without_error_is_no_success),
	        cmocka_unit_test(err_keeps_where_and_why_of_long_texts),
	        cmocka_unit_test(err_does_not_cut_inside_a_character),
	        cmocka_unit_test(err_may_print_its_own_text),
	        cmocka_unit_test(err_first_hint_stays),
	        cmocka_unit_test(err_clear_forgets_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
