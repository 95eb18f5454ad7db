#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "vestige/timefmt.h"

static void formats(int64_t ns, const char *expected)
{
	char text[VST_TIME_TEXT];
	int64_t back = 1;
	vst_time_format(ns, text);
	assert_string_equal(text, expected);
	assert_true(vst_time_parse(text, strlen(text), &back));
	assert_true(back == ns);
}

static void time_known_values(void **state)
{
	(void)state;
	formats(0, "1970-01-01T00:00:00Z");
	formats(-1, "1969-12-31T23:59:59.999999999Z");
	formats(INT64_C(1000000000) * VST_NS_PER_S, "2001-09-09T01:46:40Z");
	formats(INT64_C(951782400) * VST_NS_PER_S + 5, "2000-02-29T00:00:00.000000005Z");
	formats(INT64_C(1795318813) * VST_NS_PER_S + 123456789, "2026-11-22T03:40:13.123456789Z");
	formats(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
	formats(INT64_MIN + 1, "1677-09-21T00:12:43.145224193Z");
}

/* Against the C library, for every day that can be written. */
static void time_every_day_agrees_with_libc(void **state)
{
	(void)state;
	for (int64_t day = -106751; day <= 106751; day++) {
		time_t seconds = (time_t)(day * 86400 + (day & 0xffff));
		struct tm tm;
		char expected[VST_TIME_TEXT];
		gmtime_r(&seconds, &tm);
		strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm);
		formats((int64_t)seconds * VST_NS_PER_S, expected);
	}
}

static void time_rejects_other_spellings(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "2026-11-22", "2026-11-22T03:40:13", "2026-11-22T03:40:13z",
	        "2026-11-22t03:40:13Z", "2026-11-22 03:40:13Z", "2026-11-22T03:40:13+00:00",
	        "2026-11-22T03:40:13.5Z", "2026-11-22T03:40:13.000000000Z", "2026-11-22T03:40:13,123456789Z",
	        "2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "1900-02-29T00:00:00Z",
	        "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z",
	        "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
	        "2026-01-01T00:60:00Z", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z",
	        "9999-12-31T23:59:59Z", "2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224192Z",
	        "2026-11-22T03:40:13Zx", "+026-11-22T03:40:13Z", "2026-1 -22T03:40:13Z",
	        "2026-11-22T03:40:13.12345678-Z"};
	int64_t ns = 42;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (vst_time_parse(bad[i], strlen(bad[i]), &ns))
			fail_msg("accepted %s", bad[i]);
	assert_int_equal(ns, 42);
}

static void time_none_has_no_text(void **state)
{
	(void)state;
	char text[VST_TIME_TEXT] = "x";
	vst_time_format(VST_TIME_NONE, text);
	assert_string_equal(text, "");
}

static void time_from_spec_refuses_what_does_not_fit(void **state)
{
	(void)state;
	int64_t ns = 42;
	assert_true(vst_time_from_spec(&(struct timespec){.tv_sec = -1, .tv_nsec = 999999999}, &ns));
	assert_int_equal(ns, -1);
	assert_true(vst_time_from_spec(&(struct timespec){.tv_sec = 9223372036, .tv_nsec = 854775807}, &ns));
	assert_true(ns == INT64_MAX);
	assert_true(vst_time_from_spec(&(struct timespec){.tv_sec = -9223372037, .tv_nsec = 145224193}, &ns));
	assert_true(ns == INT64_MIN + 1);
	assert_false(
	        vst_time_from_spec(&(struct timespec){.tv_sec = -9223372037, .tv_nsec = 145224192}, &ns));
	assert_false(vst_time_from_spec(&(struct timespec){.tv_sec = 9223372036, .tv_nsec = 854775808}, &ns));
	assert_false(vst_time_from_spec(&(struct timespec){.tv_sec = INT64_MAX}, &ns));
	assert_false(vst_time_from_spec(&(struct timespec){.tv_sec = INT64_MIN}, &ns));
	assert_false(vst_time_from_spec(&(struct timespec){.tv_nsec = 1000000000}, &ns));
	assert_false(vst_time_from_spec(&(struct timespec){.tv_nsec = -1}, &ns));
	assert_true(ns == INT64_MIN + 1);
}

static void time_now_is_in_this_century(void **state)
{
	(void)state;
	int64_t now = vst_time_now();
	assert_true(now > INT64_C(1700000000) * VST_NS_PER_S);
	assert_true(vst_time_now() >= now);
}

static void duration_has_a_number_and_a_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = {{"90s", 90}, {"10min", 600}, {"2h", 7200}, {"30d", 2592000}, {"1s", 1},
	        {"4294967295d", UINT64_C(4294967295) * 86400}};
	static const char *const bad[] = {"", "s", "d", "0d", "30", "30D", "30 d", "-1d", "+1d", "1.5h", "1w", "30dd",
	        " 1d", "4294967296s", "99999999999999999999999999d", "1m", "0x1d"};
	uint64_t seconds = 77;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(vst_duration_parse(good[i].text, &seconds));
		assert_int_equal(seconds, good[i].seconds);
	}
	seconds = 77;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (vst_duration_parse(bad[i], &seconds) || seconds != 77)
			fail_msg("'%s' is a duration", bad[i]);
}

static void duration_is_rounded_to_its_second_unit(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} samples[] = {{-5, "0 s"}, {0, "0 s"}, {59, "59 s"}, {60, "1 min"}, {89, "1 min"}, {90, "2 min"},
	        {3570, "1 h"}, {3659, "1 h 1 min"}, {19200, "5 h 20 min"}, {86389, "1 d"}, {86400, "1 d"},
	        {86400 + 1799, "1 d"}, {86400 + 1800, "1 d 1 h"}, {2 * 86400 + 3 * 3600, "2 d 3 h"}};
	char text[VST_DURATION_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		vst_duration_text(samples[i].seconds * VST_NS_PER_S, text);
		assert_string_equal(text, samples[i].text);
	}
	vst_duration_text(INT64_MAX, text);
	assert_string_equal(text, "106752 d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(time_known_values),
	        cmocka_unit_test(time_every_day_agrees_with_libc),
	        cmocka_unit_test(time_rejects_other_spellings),
	        cmocka_unit_test(time_none_has_no_text),
	        cmocka_unit_test(time_from_spec_refuses_what_does_not_fit),
	        cmocka_unit_test(time_now_is_in_this_century),
	        cmocka_unit_test(duration_has_a_number_and_a_unit),
	        cmocka_unit_test(duration_is_rounded_to_its_second_unit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
