#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "compare/rules.h"
#include "vestige/err.h"

struct seen {
	size_t count;
	char rule[64], details[512], expected[512], path[64];
	enum vst_severity severity;
	struct vst_place before, after;
	bool innocent;
};

static int take(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct seen *seen = ctx;
	(void)err;
	seen->count++;
	snprintf(seen->rule, sizeof seen->rule, "%s", finding->rule);
	snprintf(seen->details, sizeof seen->details, "%.*s", (int)finding->details_len, finding->details);
	snprintf(seen->expected, sizeof seen->expected, "%s", finding->expected);
	snprintf(seen->path, sizeof seen->path, "%s", finding->path);
	seen->severity = finding->severity;
	seen->before = finding->before;
	seen->after = finding->after;
	seen->innocent = finding->innocent != NULL;
	return 0;
}

/* NULL: there is no such item; "": one without details. */
static struct seen judge(const char *before, const char *after)
{
	struct seen seen = {0};
	const struct vst_rule_context context = {.findings = {take, &seen}};
	struct vst_item was = {.source = "programs", .path = "/usr/bin/ls"}, is = was;
	if (before && before[0]) {
		was.details = before;
		was.details_len = strlen(before);
	}
	if (after[0]) {
		is.details = after;
		is.details_len = strlen(after);
	}
	struct vst_pair pair = {.after = &is, .after_place = {2, 20}};
	if (before) {
		pair.before = &was;
		pair.before_place = (struct vst_place){1, 10};
	}
	assert_int_equal(vst_rule_packages(&context, &pair, NULL), 0);
	return seen;
}

#define PACKAGE(version, rest)                                                                               \
	"{\"package\":{\"name\":\"coreutils\",\"version\":\"" version "\",\"md5\":\"00ff\"" rest "}}"
#define SAME PACKAGE("9.1-1", ",\"same\":true")
#define DIFFERS PACKAGE("9.1-1", ",\"same\":false")

static void rules_packages_finds_what_differs_now(void **state)
{
	(void)state;
	struct seen seen = judge(SAME, DIFFERS);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.rule, "package_file_differs");
	assert_int_equal(seen.severity, VST_SEVERITY_HIGH);
	assert_string_equal(seen.path, "/usr/bin/ls");
	assert_true(seen.before.exhibit == 1 && seen.before.seq == 10 && seen.after.exhibit == 2 &&
	            seen.after.seq == 20);
	assert_string_equal(
	        seen.details, "{\"package\":\"coreutils\",\"version\":\"9.1-1\",\"md5\":\"00ff\"}");
	assert_non_null(strstr(seen.expected, "coreutils 9.1-1"));
	assert_true(seen.innocent);
	assert_int_equal(judge(NULL, DIFFERS).count, 1);
	assert_true(judge(NULL, DIFFERS).before.exhibit == 0);
	assert_int_equal(judge("", DIFFERS).count, 1);
	assert_int_equal(judge("{\"digest\":{\"bytes\":1}}", DIFFERS).count, 1);
}

static void rules_packages_says_nothing_twice(void **state)
{
	(void)state;
	assert_int_equal(judge(DIFFERS, DIFFERS).count, 0);
	assert_int_equal(judge(PACKAGE("9.0", ",\"same\":false"), DIFFERS).count, 0);
}

static void rules_packages_says_nothing_of_what_is_same(void **state)
{
	(void)state;
	assert_int_equal(judge(NULL, SAME).count, 0);
	assert_int_equal(judge(DIFFERS, SAME).count, 0);
	assert_int_equal(judge(SAME, "").count, 0);
	assert_int_equal(judge(NULL, PACKAGE("1", "")).count, 0);
	assert_int_equal(judge(NULL, "{\"other\":\"package\"}").count, 0);
	assert_int_equal(judge(NULL, "{\"package\":7}").count, 0);
	assert_int_equal(judge(NULL, "{\"package\":{\"same\":false}}").count, 0);
	assert_int_equal(judge(NULL, "{\"package\":").count, 0);
}

static void rules_packages_tells_of_an_upgrade(void **state)
{
	(void)state;
	struct seen seen = judge(SAME, PACKAGE("9.2", ",\"same\":false"));
	assert_int_equal(seen.severity, VST_SEVERITY_HIGH);
	assert_non_null(strstr(seen.details, "\"version_before\":\"9.1-1\""));
}

static void rules_packages_tells_of_what_could_not_be_compared(void **state)
{
	(void)state;
	struct seen seen = judge(SAME, PACKAGE("9.1-1", ""));
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.rule, "package_file_unread");
	assert_int_equal(seen.severity, VST_SEVERITY_MEDIUM);
	assert_int_equal(judge(DIFFERS, PACKAGE("9.1-1", "")).count, 0);
}

static int refuse(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	(void)ctx;
	(void)finding;
	return vst_err_set(err, VST_EIO, "full");
}

static void rules_packages_fails_as_its_sink_does(void **state)
{
	(void)state;
	const struct vst_rule_context context = {.findings = {refuse, NULL}};
	const struct vst_item is = {
	        .source = "s", .path = "/p", .details = DIFFERS, .details_len = sizeof DIFFERS - 1};
	const struct vst_pair pair = {.after = &is};
	assert_int_equal(vst_rule_packages(&context, &pair, NULL), VST_EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rules_packages_finds_what_differs_now),
	        cmocka_unit_test(rules_packages_says_nothing_twice),
	        cmocka_unit_test(rules_packages_says_nothing_of_what_is_same),
	        cmocka_unit_test(rules_packages_tells_of_an_upgrade),
	        cmocka_unit_test(rules_packages_tells_of_what_could_not_be_compared),
	        cmocka_unit_test(rules_packages_fails_as_its_sink_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
