/*
 * Retention: what is old enough, what is kept all the same, and that the log comes first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vestige/case.h"
#include "vestige/dispose.h"
#include "vestige/timefmt.h"
#include "workflow/case_fixture.h"

#define DAY INT64_C(86400)

static struct case_fixture fixture;
static struct vst_case *c;

static int setup(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	(void)state;
	case_fixture_make(&fixture, 4);
	FIXTURE_CHECK(vst_case_open(fixture.dir, &c, &err), err);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vst_case_free(c);
	c = NULL;
	case_fixture_remove(&fixture);
	return 0;
}

static const struct vst_custody_exhibit *exhibit_of(uint64_t number)
{
	return vst_custody_exhibit_find(vst_case_custody(c), number);
}

static bool is_there(uint64_t number)
{
	char path[192];
	snprintf(path, sizeof path, "%s/exhibits/EX%04d" VST_EXHIBIT_SUFFIX, fixture.dir, (int)number);
	return access(path, F_OK) == 0;
}

static void spoil(uint64_t number, const char *text)
{
	char path[192];
	snprintf(path, sizeof path, "%s/exhibits/EX%04d" VST_EXHIBIT_SUFFIX, fixture.dir, (int)number);
	if (text)
		fixture_write(path, text, strlen(text));
	else
		assert_int_equal(unlink(path), 0);
}

static size_t expired(uint64_t keep, int64_t now, uint64_t *ret_first)
{
	struct vst_err err = VST_ERR_INIT;
	uint64_t *list = NULL;
	size_t count = 0;
	FIXTURE_CHECK(vst_dispose_expired(c, keep, now, &list, &count, &err), err);
	*ret_first = count > 0 ? list[0] : 0;
	free(list);
	return count;
}

static void retention_counts_from_the_sealing(void **state)
{
	uint64_t first;
	int64_t second = exhibit_of(2)->seal->sealed;
	(void)state;
	assert_int_equal(expired(DAY, second, &first), 0);
	assert_int_equal(
	        expired(DAY, second + DAY * VST_NS_PER_S, &first), 1); /* not older than, only as old as */
	assert_int_equal(first, 1);
	assert_int_equal(expired(DAY, second + DAY * VST_NS_PER_S + 1, &first), 2);
	/* Never the newest, however old. */
	assert_int_equal(expired(DAY, second + 3650 * DAY * VST_NS_PER_S, &first), 3);
	assert_int_equal(expired(0, second + 3650 * DAY * VST_NS_PER_S, &first), 3);
}

static void retention_of_an_age_keeps_all(void **state)
{
	uint64_t first;
	(void)state;
	assert_int_equal(expired(UINT64_MAX, vst_time_now(), &first), 0);
	assert_int_equal(expired(UINT64_C(4294967295) * 86400, vst_time_now(), &first), 0);
	assert_int_equal(expired(INT64_MAX / VST_NS_PER_S, INT64_MIN + 1, &first), 0);
	assert_int_equal(expired(DAY, 0, &first), 0); /* a clock that was reset */
}

struct told {
	unsigned disposed, kept;
	uint64_t last_kept;
	char why[VST_ERR_TEXT_MAX];
};

static void on_disposed(void *ctx, const struct vst_disposal *disposal)
{
	struct told *told = ctx;
	told->disposed++;
	assert_true(disposal->event > 0);
	assert_int_equal(disposal->exhibit_count, 1);
	assert_int_equal(disposal->bytes, exhibit_of(disposal->generation)->file_bytes);
}

static void on_kept(void *ctx, uint64_t generation, const struct vst_err *why)
{
	struct told *told = ctx;
	told->kept++;
	told->last_kept = generation;
	snprintf(told->why, sizeof told->why, "%s", why->text);
}

static int retain(struct told *told, struct vst_retention_result *result, struct vst_err *err)
{
	const struct vst_retention retention = {.keep = 1,
	        .now = vst_time_now() + 10 * VST_NS_PER_S,
	        .disposed = on_disposed,
	        .kept = on_kept,
	        .ctx = told};
	return vst_dispose_retain(c, &retention, result, err);
}

static void retention_disposes_of_all_but_the_newest(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_retention_result result;
	struct told told = {0};
	(void)state;
	FIXTURE_CHECK(retain(&told, &result, &err), err);
	assert_int_equal(result.generations, 3);
	assert_int_equal(result.exhibits, 3);
	assert_int_equal(result.kept, 0);
	assert_int_equal(told.disposed, 3);
	for (uint64_t number = 1; number <= 3; number++) {
		assert_false(is_there(number));
		assert_int_equal(exhibit_of(number)->disposed, 4 + number);
	}
	assert_true(is_there(4));
	/* Once more: nothing to do, and nothing written. */
	FIXTURE_CHECK(retain(&told, &result, &err), err);
	assert_int_equal(result.generations, 0);
	assert_int_equal(vst_custody_size(vst_case_custody(c)), 8);
}

static void retention_hides_no_loss(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_retention_result result;
	struct told told = {0};
	(void)state;
	spoil(1, NULL);
	spoil(2, "something shorter");
	FIXTURE_CHECK(retain(&told, &result, &err), err);
	assert_int_equal(result.generations, 1);
	assert_int_equal(result.kept, 2);
	assert_int_equal(told.last_kept, 2);
	assert_non_null(
	        strstr(told.why, "exhibits/EX0002.tar.zst.age is not the file that the log speaks of"));
	assert_int_equal(exhibit_of(1)->disposed, 0);
	assert_int_equal(exhibit_of(2)->disposed, 0);
	assert_true(is_there(2));
	assert_false(is_there(3));
}

static void request_needs_an_examiner(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	(void)state;
	assert_int_equal(vst_dispose(c, 1, VST_DISPOSE_REQUEST, NULL, NULL, &err), VST_EKEY);
	assert_true(is_there(1));
	assert_int_equal(vst_custody_size(vst_case_custody(c)), 5);
}

static void plan_looks_at_each_file(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_disposal disposal = {.generation = 77};
	(void)state;
	assert_int_equal(vst_disposal_plan(c, 4, VST_DISPOSE_RETENTION, &disposal, &err), VST_EUNSUPPORTED);
	assert_int_equal(vst_disposal_plan(c, 9, VST_DISPOSE_RETENTION, &disposal, &err), VST_ENOTFOUND);
	assert_int_equal(disposal.generation, 77);
	FIXTURE_CHECK(vst_disposal_plan(c, 1, VST_DISPOSE_REQUEST, &disposal, &err), err);
	assert_int_equal(disposal.lacking, 0);
	assert_int_equal(disposal.bytes, exhibit_of(1)->file_bytes);
	vst_disposal_free(&disposal);
	spoil(1, NULL);
	FIXTURE_CHECK(vst_disposal_plan(c, 1, VST_DISPOSE_REQUEST, &disposal, &err), err);
	assert_int_equal(disposal.lacking, 1);
	assert_int_equal(disposal.bytes, 0);
	assert_int_equal(disposal.exhibits[0].file, VST_DISPOSAL_MISSING);
	vst_disposal_free(&disposal);
	assert_int_equal(vst_disposal_plan(c, 1, VST_DISPOSE_RETENTION, &disposal, &err), VST_ETAMPERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(retention_counts_from_the_sealing, setup, teardown),
	        cmocka_unit_test_setup_teardown(retention_of_an_age_keeps_all, setup, teardown),
	        cmocka_unit_test_setup_teardown(retention_disposes_of_all_but_the_newest, setup, teardown),
	        cmocka_unit_test_setup_teardown(retention_hides_no_loss, setup, teardown),
	        cmocka_unit_test_setup_teardown(request_needs_an_examiner, setup, teardown),
	        cmocka_unit_test_setup_teardown(plan_looks_at_each_file, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
