/* Where a series of snapshots has holes: over made-up times and numbers, and in a real case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>

#include "vestige/series_holes.h"
#include "vestige/timefmt.h"
#include "workflow/case_fixture.h"

#define HOUR (INT64_C(3600) * VST_NS_PER_S)
#define DAY (24 * HOUR)
#define BEGIN (INT64_C(20800) * DAY)
#define POINTS 64

struct series {
	struct vst_series_point points[POINTS];
	size_t count;
	struct vst_series_hole *holes;
	size_t hole_count;
};

/* A snapshot of the series, `hours` after its beginning. */
static void night(struct series *series, uint64_t number, double hours)
{
	assert_true(series->count < POINTS);
	series->points[series->count++] = (struct vst_series_point){.number = number,
	        .time = BEGIN + (int64_t)(hours * (double)HOUR),
	        .is_sealed = true,
	        .in_series = true};
}

static void nights(struct series *series, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		night(series, i + 1, 24.0 * i);
}

static void look(struct series *series, uint64_t next, double now)
{
	struct vst_err err = VST_ERR_INIT;

	free(series->holes);
	series->holes = NULL;
	series->hole_count = 99;
	assert_int_equal(
	        vst_series_holes(series->points, series->count, next, BEGIN + (int64_t)(now * (double)HOUR),
	                &series->holes, &series->hole_count, &err),
	        0);
}

static void assert_hole(const struct series *series, size_t at, size_t before, const char *text)
{
	char found[VST_SERIES_HOLE_TEXT];

	assert_true(at < series->hole_count);
	vst_series_hole_text(&series->holes[at], found);
	assert_string_equal(found, text);
	assert_int_equal(series->holes[at].before, before);
}

static void holes_are_none_in_a_regular_series(void **state)
{
	struct series series = {0};

	(void)state;
	look(&series, 0, 0);
	assert_int_equal(series.hole_count, 0);
	nights(&series, 30);
	look(&series, 0, 29 * 24 + 30);
	assert_int_equal(series.hole_count, 0);
	assert_null(series.holes);
}

static void holes_show_a_missed_night(void **state)
{
	struct series series = {0};

	(void)state;
	nights(&series, 6);
	night(&series, 7, 5 * 24 + 51);
	night(&series, 8, 6 * 24 + 51);
	look(&series, 0, 6 * 24 + 52);
	assert_int_equal(series.hole_count, 1);
	assert_hole(&series, 0, 6, "no snapshot for 2 d 3 h (usual: 1 d)");
	assert_int_equal(series.holes[0].from, BEGIN + 5 * DAY);
	assert_int_equal(series.holes[0].to, BEGIN + 5 * DAY + 51 * HOUR);
	assert_int_equal(series.holes[0].from_number, 6);
	free(series.holes);
}

static void holes_begin_at_more_than_one_and_six_tenths(void **state)
{
	struct series series = {0};

	(void)state;
	nights(&series, 5);
	night(&series, 6, 4 * 24 + 38.4);
	look(&series, 0, 4 * 24 + 39);
	assert_int_equal(series.hole_count, 0);
	series.points[5].time += VST_NS_PER_S;
	look(&series, 0, 4 * 24 + 39);
	assert_int_equal(series.hole_count, 1);
	free(series.holes);
}

static void holes_need_three_intervals_to_know_what_is_usual(void **state)
{
	struct series series = {0};

	(void)state;
	nights(&series, 3);
	night(&series, 4, 30 * 24);
	look(&series, 0, 60 * 24);
	assert_int_equal(series.hole_count, 1); /* the end: of 1 d, 1 d and 28 d, a day is usual */
	assert_hole(&series, 0, 4, "no snapshot for 30 d until now (usual: 1 d)");
	series.count = 3;
	look(&series, 0, 60 * 24);
	assert_int_equal(series.hole_count, 0);
	free(series.holes);
}

/* A hole in the first days is seen once later nights tell what is usual. */
static void holes_are_seen_at_the_beginning(void **state)
{
	struct series series = {0};

	(void)state;
	night(&series, 1, 0);
	night(&series, 2, 72);
	night(&series, 3, 96);
	night(&series, 4, 120);
	night(&series, 5, 144);
	look(&series, 0, 145);
	assert_int_equal(series.hole_count, 1);
	assert_hole(&series, 0, 1, "no snapshot for 3 d (usual: 1 d)");
	free(series.holes);
}

static void holes_show_that_the_newest_is_old(void **state)
{
	struct series series = {0};

	(void)state;
	nights(&series, 5);
	look(&series, 0, 4 * 24 + 38);
	assert_int_equal(series.hole_count, 0);
	look(&series, 0, 4 * 24 + 49);
	assert_int_equal(series.hole_count, 1);
	assert_int_equal(series.holes[0].kind, VST_HOLE_LATE);
	assert_hole(&series, 0, 5, "no snapshot for 2 d 1 h until now (usual: 1 d)");
	free(series.holes);
}

static void holes_follow_a_new_calendar(void **state)
{
	struct series series = {0};

	(void)state;
	nights(&series, 10);
	for (unsigned i = 0; i < 8; i++)
		night(&series, 11 + i, (9 + 7 * (i + 1)) * 24);
	look(&series, 0, (9 + 56) * 24);
	assert_int_equal(series.hole_count, 4);
	assert_int_equal(series.holes[3].before, 13);
	free(series.holes);
}

/* Somebody tries the program out, and later makes a snapshot by hand. */
static void holes_do_not_come_of_snapshots_of_the_same_night(void **state)
{
	struct series series = {0};
	uint64_t number = 0;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		night(&series, ++number, 0.01 * i);
	for (unsigned i = 1; i < 8; i++) {
		night(&series, ++number, 24.0 * i);
		night(&series, ++number, 24.0 * i + 0.1);
	}
	look(&series, 0, 7 * 24 + 1);
	assert_int_equal(series.hole_count, 0);
}

static void holes_do_not_come_of_clocks_that_jump(void **state)
{
	struct series series = {0};

	(void)state;
	nights(&series, 6);
	night(&series, 7, -500 * 24.0);
	night(&series, 8, -499 * 24.0);
	night(&series, 9, -498 * 24.0);
	look(&series, 0, -498 * 24.0);
	assert_int_equal(series.hole_count, 0);
	series.points[6].time = INT64_MIN + 1;
	series.points[7].time = INT64_MAX;
	look(&series, 0, -498 * 24.0);
	for (size_t i = 0; i < series.hole_count; i++)
		assert_true(series.holes[i].to > series.holes[i].from);
	free(series.holes);
}

static void holes_leave_out_what_is_of_no_series(void **state)
{
	struct series series = {0};

	(void)state;
	nights(&series, 8);
	for (size_t i = 0; i < series.count; i++)
		series.points[i].in_series = i == 2 || i == 5;
	look(&series, 0, 1000 * 24);
	assert_int_equal(series.hole_count, 0);
}

static void holes_show_numbers_that_were_used_up(void **state)
{
	struct series series = {0};

	(void)state;
	night(&series, 2, 0);
	night(&series, 3, 24);
	night(&series, 7, 48);
	series.points[series.count++] = (struct vst_series_point){.number = 5}; /* recorded by recover */
	night(&series, 8, 72);
	look(&series, 0, 73);
	assert_int_equal(series.hole_count, 3);
	assert_hole(&series, 0, 0, "EX0001 was begun and never finished");
	assert_hole(&series, 1, 2, "EX0004 was begun and never finished");
	assert_hole(&series, 2, 2, "EX0006 was begun and never finished");
	look(&series, 12, 73);
	assert_int_equal(series.hole_count, 4);
	assert_hole(&series, 3, 5, "EX0009 to EX0011 were begun and never finished");
	free(series.holes);
}

static void holes_tell_a_failed_night_before_the_gap_that_it_left(void **state)
{
	struct series series = {0};

	(void)state;
	nights(&series, 6);
	night(&series, 8, 7 * 24);
	look(&series, 0, 7 * 24);
	assert_int_equal(series.hole_count, 2);
	assert_hole(&series, 0, 6, "EX0007 was begun and never finished");
	assert_hole(&series, 1, 6, "no snapshot for 2 d (usual: 1 d)");
	free(series.holes);
}

/* ---- a case ---- */

static void look_at(struct case_fixture *fixture, bool begun, struct vst_series_hole **ret, size_t *ret_count)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_case *c = NULL;

	FIXTURE_CHECK(vst_case_open(fixture->dir, &c, &err), err);
	FIXTURE_CHECK(vst_case_holes(c, begun, vst_time_now(), ret, ret_count, &err), err);
	vst_case_free(c);
}

static void case_holes_are_unfinished_files_that_nobody_works_on(void **state)
{
	struct case_fixture fixture;
	struct vst_series_hole *holes = NULL;
	struct vst_err err = VST_ERR_INIT;
	struct vst_case *c = NULL;
	char path[256];
	size_t count = 0;

	(void)state;
	case_fixture_make(&fixture, 2);
	snprintf(path, sizeof path, "%s/exhibits/EX0003.tar.zst.age.partial", fixture.dir);
	fixture_write(path, "cut", 3);
	snprintf(path, sizeof path, "%s/exhibits/EX99999999999999999999999.tar.zst.age.partial", fixture.dir);
	fixture_write(path, "no number", 9);
	look_at(&fixture, true, &holes, &count);
	assert_int_equal(count, 1);
	assert_int_equal(holes[0].kind, VST_HOLE_NUMBERS);
	assert_int_equal(holes[0].before, 2);
	assert_int_equal(holes[0].first, 3);
	assert_int_equal(holes[0].last, 3);
	free(holes);
	holes = NULL;
	look_at(&fixture, false, &holes, &count);
	assert_int_equal(count, 0);

	/* A snapshot runs. */
	FIXTURE_CHECK(vst_case_open(fixture.dir, &c, &err), err);
	FIXTURE_CHECK(vst_case_lock_snapshot(c, &err), err);
	look_at(&fixture, true, &holes, &count);
	assert_int_equal(count, 0);
	vst_case_free(c);

	/* The next one takes the next number, and the hole is in the middle. */
	FIXTURE_CHECK(case_fixture_snapshot(&fixture, &err), err);
	look_at(&fixture, true, &holes, &count);
	assert_int_equal(count, 1);
	assert_int_equal(holes[0].before, 2);
	assert_int_equal(holes[0].first, 3);
	free(holes);
	case_fixture_remove(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(holes_are_none_in_a_regular_series),
	        cmocka_unit_test(holes_show_a_missed_night),
	        cmocka_unit_test(holes_begin_at_more_than_one_and_six_tenths),
	        cmocka_unit_test(holes_need_three_intervals_to_know_what_is_usual),
	        cmocka_unit_test(holes_are_seen_at_the_beginning),
	        cmocka_unit_test(holes_show_that_the_newest_is_old),
	        cmocka_unit_test(holes_follow_a_new_calendar),
	        cmocka_unit_test(holes_do_not_come_of_snapshots_of_the_same_night),
	        cmocka_unit_test(holes_do_not_come_of_clocks_that_jump),
	        cmocka_unit_test(holes_leave_out_what_is_of_no_series),
	        cmocka_unit_test(holes_show_numbers_that_were_used_up),
	        cmocka_unit_test(holes_tell_a_failed_night_before_the_gap_that_it_left),
	        cmocka_unit_test(case_holes_are_unfinished_files_that_nobody_works_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
