#include "watching.h"

#include <time.h>

#include "compare/log_time.h"

extern const struct vst_observer vst_observe_cadence;

#define T0 INT64_C(1764028800) /* 2025-11-25T00:00:00Z */
#define HOUR 3600
#define DAY 86400
#define SYSLOG "/var/log/syslog"

enum shape { RFC3164, RFC3339, CLF };

static void add_line(struct vst_buf *out, enum shape shape, int64_t time, const char *text)
{
	char stamp[80];
	struct tm tm;
	time_t t = (time_t)time;
	gmtime_r(&t, &tm);
	if (shape == RFC3164)
		strftime(stamp, sizeof stamp, "%b %e %H:%M:%S web ", &tm);
	else if (shape == RFC3339)
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S.5+00:00 web ", &tm);
	else
		strftime(stamp, sizeof stamp, "10.0.0.1 - - [%d/%b/%Y:%H:%M:%S +0000] ", &tm);
	vst_buf_printf(out, "%s%s\n", stamp, text);
}

/* One line each five minutes. */
static void add_lines(struct vst_buf *out, enum shape shape, int64_t from, int64_t to)
{
	for (int64_t time = from; time < to; time += 300)
		add_line(out, shape, time, "CRON[77]: (root) CMD (run-parts)");
}

static void watch_log(struct watched *w, const char *path, int64_t mtime, struct vst_buf *text)
{
	watch(w, &vst_observe_cadence, path, VST_ITEM_FILE, mtime * VST_NS_PER_S, text->data, text->len);
	vst_buf_free(text);
}

/* A log without anything, until the snapshot. */
static void watch_steady(struct watched *w, const char *path, enum shape shape, int64_t from, int64_t to)
{
	struct vst_buf text = VST_BUF_INIT;
	add_lines(&text, shape, from, to);
	watch_log(w, path, to - 300, &text);
}

static void start(struct watched *w, uint64_t exhibit, int64_t time)
{
	watch_start(w, exhibit, time * VST_NS_PER_S);
}

static void log_time_reads_the_usual_shapes(void **state)
{
	static const struct {
		const char *line;
		int64_t seconds;
		bool has_zone;
	} good[] = {
	        {"Nov 25 00:00:01 web cron[1]: x", T0 + 1, false},
	        {"<13>Nov 25 00:00:01 web x", T0 + 1, false},
	        {"Dec  5 10:00:00 web x", T0 + 10 * DAY + 10 * HOUR, false},
	        {"2025-11-25T01:00:00.123456+01:00 web x", T0, true},
	        {"<13>1 2025-11-25T00:00:00Z web x", T0, true},
	        {"2025-11-25 00:00:00,123 INFO x", T0, false},
	        {"2025-11-25 00:00:00.123 UTC [12] LOG:  x", T0, true},
	        {"2025/11/25 00:00:00 [error] 1#1: x", T0, false},
	        {"[2025-11-25 00:00:00] x", T0, false},
	        {"[Tue Nov 25 00:00:00.123456 2025] [core:notice] x", T0, false},
	        {"Tue Nov 25 00:00:00 2025 x", T0, false},
	        {"1764028800 x", T0, true},
	        {"1764028800.123 12 x", T0, true},
	        {"1764028800123", T0, true},
	        {"10.0.0.1 - a [25/Nov/2025:02:00:00 +0200] \"GET / HTTP/1.1\" 200 5", T0, true},
	        {"::1 - [odd] [24/Nov/2025:19:00:00 -0500] \"GET\"", T0, true},
	        {"type=LOGIN msg=audit(1764028800.123:4): pid=1", T0, true},
	        {"node=a type=LOGIN msg=audit(1764028800.123:4): pid=1", T0, true},
	};
	static const char *const bad[] = {"", "Nov", "Nov 32 00:00:00 x", "2025-13-25 00:00:00", "2025-11-25",
	        "12345 x", "1764028800abc", "9999999999999 x", "\tat Foo.java", "[", "[25/Nov/2025:02:00:00]",
	        "Nov 25 24:00:00 x"};
	struct vst_log_time time;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!vst_log_time_parse(good[i].line, strlen(good[i].line), 2025, &time) ||
		        time.seconds != good[i].seconds || time.has_zone != good[i].has_zone)
			fail_msg("%s: %lld", good[i].line, (long long)time.seconds);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (vst_log_time_parse(bad[i], strlen(bad[i]), 2025, &time))
			fail_msg("%s", bad[i]);
	assert_int_equal(vst_log_time_year(T0), 2025);
	assert_int_equal(vst_log_time_year(-1), 1969);
	assert_int_equal(vst_log_time_shift(T0 + 5, -1), T0 + 5 - 365 * DAY);
	assert_int_equal(vst_log_time_shift(1709164800 /* 2024-02-29 */, 1), 1740787200 /* 2025-03-01 */);
}

static void cadence_wants_text_logs_only(void **state)
{
	struct vst_item item;
	(void)state;
	vst_item_init(&item);
	item.type = VST_ITEM_FILE;
	const char *const yes[] = {SYSLOG, SYSLOG ".1", "/var/log/nginx/access.log-20251125", "/srv/app.log",
	        "/opt/x/logs/out", "/var/log/audit/audit.log"};
	const char *const no[] = {SYSLOG ".2.gz", "/var/log/wtmp", "/var/log/wtmp.1", "/var/log/btmp",
	        "/var/log/lastlog", "/var/log/journal/1/system.journal", "/etc/passwd"};
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true((item.path = yes[i], vst_observe_cadence.wants(&item)));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false((item.path = no[i], vst_observe_cadence.wants(&item)));
}

static void cadence_facts_of_a_log(void **state)
{
	struct watched w;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&w, 1, T0);
	add_line(&text, RFC3164, T0, "a");
	vst_buf_text(&text, "  continued\n");
	add_line(&text, RFC3164, T0 + 2, "b");
	add_line(&text, RFC3164, T0 + 2 * HOUR, "c");
	add_line(&text, RFC3164, T0 + 2 * HOUR - 100, "d");
	add_line(&text, RFC3164, T0 + 2 * HOUR + 1, "kernel: Linux version 6.1");
	watch_log(&w, SYSLOG, T0 + 2 * HOUR + 1, &text);
	assert_string_equal(vst_buf_cstr(&w.facts[0]),
	        "{\"format\":1,\"lines\":6,\"timed\":5,\"kind\":\"syslog\",\"zoned\":false,\"dated\":true,"
	        "\"first\":1764028800,\"last\":1764036001,\"end\":1764036001,"
	        "\"ahead\":[2,1,0,0,0,0,0,0,0,0,0,0,1],\"back\":[0,0,0,0,0,0,1],"
	        "\"gaps\":[[1764028802,1764036000,56,1]],\"steps\":[[1764036000,1764035900,78,0]]}");
	watch(&w, &vst_observe_cadence, "/var/log/x", VST_ITEM_FILE, 0, "\0\1\2\3\4\5abcdef", 12);
	assert_string_equal(vst_buf_cstr(&w.facts[1]), "{\"format\":1,\"binary\":true}");
	watch(&w, &vst_observe_cadence, "/var/log/y", VST_ITEM_FILE, 0, "", 0);
	assert_string_equal(vst_buf_cstr(&w.facts[2]), "{\"format\":1,\"lines\":0,\"timed\":0}");
	watch_end(&w);
}

static void cadence_finds_the_year_over_new_year(void **state)
{
	struct watched w;
	const int64_t new_year = 1767225600; /* 2026-01-01T00:00:00Z */
	(void)state;
	start(&w, 1, new_year + DAY);
	watch_steady(&w, SYSLOG, RFC3164, new_year - DAY, new_year + HOUR);
	assert_non_null(strstr(vst_buf_cstr(&w.facts[0]), "\"first\":1767139200,\"last\":1767228900,"));
	assert_non_null(strstr(vst_buf_cstr(&w.facts[0]), "\"gaps\":[],\"steps\":[]"));
	watch_end(&w);
}

/* Three days, with a hole of `hours` in the third. */
static void watch_with_hole(struct watched *w, enum shape shape, int64_t from, int64_t to, const char *behind)
{
	struct vst_buf text = VST_BUF_INIT;
	add_lines(&text, shape, T0, from);
	if (behind)
		add_line(&text, shape, to, behind);
	add_lines(&text, shape, to, T0 + 3 * DAY);
	watch_log(w, SYSLOG, T0 + 3 * DAY - 300, &text);
}

static void cadence_silence_is_medium(void **state)
{
	struct watched before, after;
	struct told told;
	(void)state;
	start(&before, 1, T0 + 2 * DAY);
	start(&after, 2, T0 + 3 * DAY);
	watch_steady(&before, SYSLOG, RFC3164, T0, T0 + 2 * DAY);
	watch_with_hole(&after, RFC3164, T0 + 2 * DAY + 5 * HOUR, T0 + 2 * DAY + 8 * HOUR, NULL);
	watch_judge(&vst_observe_cadence, &before, &after, &told);
	assert_string_equal(vst_buf_cstr(&told.rules), "log_silent/medium ");
	assert_non_null(
	        strstr(vst_buf_cstr(&told.found), "no line for 185 minutes since 2025-11-27T04:55:00Z"));
	watch_told_end(&told);
	expect_told(&vst_observe_cadence, NULL, &after, "log_silent/low ");
	expect_told(&vst_observe_cadence, &after, &after, "");
	/* The kernel says that the host was started then. */
	after.set.boot_time = (T0 + 2 * DAY + 8 * HOUR) * VST_NS_PER_S;
	expect_told(&vst_observe_cadence, &before, &after, "log_silent/info ");
	watch_end(&before);
	watch_end(&after);
}

static void cadence_lines_taken_out_are_medium_whatever_stands_there(void **state)
{
	struct watched before, after;
	(void)state;
	start(&before, 1, T0 + 2 * DAY);
	start(&after, 2, T0 + 3 * DAY);
	watch_steady(&before, SYSLOG, RFC3339, T0, T0 + 2 * DAY);
	watch_with_hole(&after, RFC3339, T0 + 5 * HOUR, T0 + 8 * HOUR, "kernel: Linux version 6.1");
	expect_told(&vst_observe_cadence, &before, &after, "log_silent/medium ");
	watch_end(&before);
	watch_end(&after);
}

static void cadence_silence_of_a_host_that_is_off_is_less(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, 1, T0 + 2 * DAY);
	start(&after, 2, T0 + 3 * DAY);
	watch_steady(&before, SYSLOG, RFC3164, T0, T0 + 2 * DAY);
	watch_with_hole(&after, RFC3164, T0 + 2 * DAY + 5 * HOUR, T0 + 2 * DAY + 8 * HOUR,
	        "kernel: Linux version 6.1");
	expect_told(&vst_observe_cadence, &before, &after, "log_silent/info ");
	watch_end(&after);
	start(&after, 2, T0 + 3 * DAY);
	watch_with_hole(&after, RFC3164, T0 + 2 * DAY + 5 * HOUR, T0 + 2 * DAY + 8 * HOUR, NULL);
	add_lines(&text, CLF, T0, T0 + 2 * DAY + 5 * HOUR);
	add_lines(&text, CLF, T0 + 2 * DAY + 8 * HOUR, T0 + 3 * DAY);
	watch_log(&after, "/var/log/nginx/access.log", T0 + 3 * DAY - 300, &text);
	expect_told(&vst_observe_cadence, &before, &after, "log_silent/low log_silent/low ");
	watch_end(&before);
	watch_end(&after);
}

static void cadence_silence_until_the_snapshot_needs_a_witness(void **state)
{
	struct watched before, after;
	(void)state;
	start(&before, 1, T0 + 2 * DAY);
	start(&after, 2, T0 + 3 * DAY);
	watch_steady(&before, SYSLOG, RFC3164, T0, T0 + 2 * DAY);
	watch_steady(&after, SYSLOG, RFC3164, T0, T0 + 2 * DAY);
	expect_told(&vst_observe_cadence, &before, &after, "");
	watch_steady(&after, "/var/log/nginx/access.log", CLF, T0, T0 + 3 * DAY);
	expect_told(&vst_observe_cadence, &before, &after, "log_silent/medium ");
	watch_end(&before);
	watch_end(&after);
}

static void cadence_rotation_is_no_silence(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, 1, T0 + 2 * DAY);
	start(&after, 2, T0 + 3 * DAY);
	watch_steady(&before, SYSLOG ".1", RFC3164, T0, T0 + DAY);
	watch_steady(&before, SYSLOG, RFC3164, T0 + DAY, T0 + 2 * DAY);
	watch_steady(&after, SYSLOG ".1", RFC3164, T0 + DAY, T0 + 3 * DAY - 300);
	watch_log(&after, SYSLOG, T0 + 3 * DAY - 300, &text);
	expect_told(&vst_observe_cadence, &before, &after, "");
	watch_end(&before);
	watch_end(&after);
}

static void cadence_of_quiet_nights_is_its_own(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, 1, T0 + 5 * DAY);
	start(&after, 2, T0 + 6 * DAY);
	for (int day = 0; day < 5; day++)
		add_lines(&text, CLF, T0 + day * DAY + 6 * HOUR, T0 + day * DAY + 23 * HOUR);
	watch_log(&before, "/var/log/nginx/access.log", T0 + 5 * DAY - HOUR, &text);
	for (int day = 0; day < 6; day++)
		add_lines(&text, CLF, T0 + day * DAY + 6 * HOUR, T0 + day * DAY + 23 * HOUR);
	watch_log(&after, "/var/log/nginx/access.log", T0 + 6 * DAY - HOUR, &text);
	expect_told(&vst_observe_cadence, &before, &after, "");
	watch_end(&before);
	watch_end(&after);
}

static void cadence_line_newer_than_its_file(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, 1, T0 + 2 * DAY);
	start(&after, 2, T0 + 3 * DAY);
	watch_steady(&before, SYSLOG, RFC3164, T0, T0 + 2 * DAY);
	watch_steady(&before, "/var/log/a.log", RFC3339, T0, T0 + 2 * DAY);
	add_lines(&text, RFC3164, T0, T0 + 3 * DAY);
	watch_log(&after, SYSLOG, T0 + 3 * DAY - 300 - 2 * HOUR, &text);
	add_lines(&text, RFC3339, T0, T0 + 3 * DAY);
	watch_log(&after, "/var/log/a.log", T0 + 3 * DAY - 300 - 10, &text);
	expect_told(&vst_observe_cadence, &before, &after,
	        "line_newer_than_mtime/medium line_newer_than_mtime/medium ");
	expect_told(&vst_observe_cadence, &after, &after, "");
	/* Alone, lines without a zone cannot tell. */
	after.set.count = 1;
	expect_told(&vst_observe_cadence, NULL, &after, "");
	watch_end(&before);
	watch_end(&after);
}

static void cadence_of_a_zone_is_no_newer_line(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, 1, T0 + 2 * DAY);
	start(&after, 2, T0 + 3 * DAY);
	add_lines(&text, RFC3164, T0, T0 + 2 * DAY);
	watch_log(&before, SYSLOG, T0 + 2 * DAY - 300 - HOUR, &text);
	add_lines(&text, RFC3164, T0, T0 + 3 * DAY);
	watch_log(&after, SYSLOG, T0 + 3 * DAY - 300 - HOUR, &text);
	expect_told(&vst_observe_cadence, &before, &after, "");
	watch_end(&before);
	watch_end(&after);
}

static void watch_step(struct watched *w, enum shape shape, int64_t step, const char *behind)
{
	struct vst_buf text = VST_BUF_INIT;
	add_lines(&text, shape, T0, T0 + DAY);
	add_line(&text, shape, T0 + DAY - step, behind);
	add_lines(&text, shape, T0 + DAY, T0 + 2 * DAY);
	watch_log(w, SYSLOG, T0 + 2 * DAY - 300, &text);
}

static void cadence_lines_out_of_order(void **state)
{
	static const struct {
		enum shape shape;
		int64_t step;
		const char *behind, *rules;
	} cases[] = {
	        {RFC3339, 5 * HOUR, "sshd[1]: x", "lines_out_of_order/medium "},
	        {RFC3339, HOUR, "sshd[1]: x", "lines_out_of_order/medium "},
	        {RFC3164, HOUR + 300, "sshd[1]: x", "lines_out_of_order/low "},
	        {RFC3164, 40 * 60, "sshd[1]: x", "lines_out_of_order/low "}, /* of a log that speaks seldom */
	        {RFC3339, 40 * 60, "sshd[1]: x", "lines_out_of_order/medium "},
	        {RFC3339, 5 * HOUR, "kernel: Linux version 6", "lines_out_of_order/low "},
	        {CLF, HOUR, "x", "lines_out_of_order/low "},
	        {RFC3339, 302, "x", ""},
	        {RFC3339, -5 * HOUR, "forged", "lines_out_of_order/medium "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct watched before, after;
		start(&before, 1, T0 + DAY);
		start(&after, 2, T0 + 2 * DAY);
		watch_steady(&before, SYSLOG, cases[i].shape, T0, T0 + DAY);
		watch_step(&after, cases[i].shape, cases[i].step, cases[i].behind);
		expect_told(&vst_observe_cadence, &before, &after, cases[i].rules);
		expect_told(&vst_observe_cadence, &after, &after, "");
		watch_end(&before);
		watch_end(&after);
	}
}

/* Thirty nights of a host that rotates, restarts and is quiet at times. */
static void watch_night(struct watched *w, unsigned night)
{
	const int64_t now = T0 + night * DAY + 3 * HOUR;
	struct vst_buf text = VST_BUF_INIT;
	start(w, night + 1, now);
	for (int file = 0; file < 2; file++) { /* the day before midnight, and since */
		int64_t from = T0 + ((int64_t)night - 1 + file) * DAY, to = file ? now : from + DAY, last = 0;
		for (int64_t time = from; time < to; time += 37 + time % 211)
			if (!((time - T0) / DAY % 7 == 3 && time % DAY > HOUR &&
			            time % DAY < 2 * HOUR + 1800)) {
				add_line(&text, RFC3164, last = time, "systemd[1]: Started something");
				if (time % DAY < 300)
					add_line(&text, RFC3164, time - 2, "kernel: late");
			}
		watch_log(w, file ? SYSLOG : SYSLOG ".1", last, &text);
	}
	for (int64_t time = T0 + (int64_t)(night / 7) * 7 * DAY; time < now; time += 3600)
		add_line(&text, RFC3164, time + time % 1777,
		        "CRON[7]: pam_unix(cron:session): session opened");
	watch_log(w, "/var/log/auth.log", now - HOUR, &text);
	if (night % 7 == 3)
		w->set.boot_time = (T0 + night * DAY + 2 * HOUR + 1800) * VST_NS_PER_S;
}

static void cadence_of_thirty_honest_nights_has_no_medium(void **state)
{
	(void)state;
	struct watched *nights = calloc(2, sizeof *nights);
	watch_night(&nights[0], 0);
	for (unsigned night = 1; night < 30; night++) {
		struct told told;
		struct watched *before = &nights[(night - 1) % 2], *after = &nights[night % 2];
		watch_night(after, night);
		watch_judge(&vst_observe_cadence, before, after, &told);
		if (strstr(vst_buf_cstr(&told.rules), "/medium") ||
		        strstr(vst_buf_cstr(&told.rules), "/high"))
			fail_msg("night %u: %s%s", night, vst_buf_cstr(&told.rules),
			        vst_buf_cstr(&told.found));
		watch_told_end(&told);
		watch_end(before);
	}
	watch_end(&nights[1]);
	free(nights);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(log_time_reads_the_usual_shapes),
	        cmocka_unit_test(cadence_wants_text_logs_only),
	        cmocka_unit_test(cadence_facts_of_a_log),
	        cmocka_unit_test(cadence_finds_the_year_over_new_year),
	        cmocka_unit_test(cadence_silence_is_medium),
	        cmocka_unit_test(cadence_lines_taken_out_are_medium_whatever_stands_there),
	        cmocka_unit_test(cadence_silence_of_a_host_that_is_off_is_less),
	        cmocka_unit_test(cadence_silence_until_the_snapshot_needs_a_witness),
	        cmocka_unit_test(cadence_rotation_is_no_silence),
	        cmocka_unit_test(cadence_of_quiet_nights_is_its_own),
	        cmocka_unit_test(cadence_line_newer_than_its_file),
	        cmocka_unit_test(cadence_of_a_zone_is_no_newer_line),
	        cmocka_unit_test(cadence_lines_out_of_order),
	        cmocka_unit_test(cadence_of_thirty_honest_nights_has_no_medium),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
