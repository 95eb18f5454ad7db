/* The units of a nightly snapshot: what they say, and that no path or value can say more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/unit_file.h"

static const struct vst_unit_plan plain = {.name = "vestige-shop",
        .program = "/usr/bin/vestige",
        .case_dir = "/srv/shop",
        .policy = "baseline",
        .calendar = "*-*-* 03:40:00"};

/* The value of a line "KEY=…", in a buffer that the caller frees. */
static char *value_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	size_t len;

	assert_non_null(at);
	at += strlen(key);
	len = strcspn(at, "\n");
	return strndup(at, len);
}

static void assert_value(const struct vst_unit_plan *plan, const char *key, const char *expected)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	char *value;

	assert_int_equal(vst_unit_check(plan, &err), 0);
	vst_unit_service(plan, &text);
	vst_unit_timer(plan, &text);
	value = value_of(vst_buf_cstr(&text), key);
	assert_string_equal(value, expected);
	free(value);
	vst_buf_free(&text);
}

static void unit_has_the_command(void **state)
{
	struct vst_unit_plan plan = plain;

	(void)state;
	assert_value(&plan, "\nExecStart=",
	        "/usr/bin/vestige -C /srv/shop snapshot baseline --incremental --reason scheduled");
	plan.policy = "/etc/vestige/night.yaml";
	plan.full_every = "30d";
	plan.keep = "90d";
	plan.metrics = "/var/lib/node/vestige.prom";
	assert_value(&plan, "\nExecStart=",
	        "/usr/bin/vestige -C /srv/shop snapshot /etc/vestige/night.yaml --incremental --full-every "
	        "30d --keep 90d "
	        "--metrics /var/lib/node/vestige.prom --reason scheduled");
	assert_value(&plan, "\nReadWritePaths=", "/srv/shop /var/lib/node");
	assert_value(&plan, "\nOnCalendar=", "*-*-* 03:40:00");
	plan.metrics = "/vestige.prom";
	assert_value(&plan, "\nReadWritePaths=", "/srv/shop /");
}

static void unit_quotes_what_systemd_would_read_otherwise(void **state)
{
	struct vst_unit_plan plan = plain;

	(void)state;
	plan.program = "/opt/a $b/100%/vestige";
	plan.case_dir = "/srv/it's \"$HOME\" \\ 100% %n;";
	plan.policy = "/etc/two words.yaml";
	assert_value(&plan, "\nExecStart=",
	        "\"/opt/a $b/100%%/vestige\" -C \"/srv/it's \\\"$$HOME\\\" \\\\ 100%% %%n;\" snapshot "
	        "\"/etc/two words.yaml\" "
	        "--incremental --reason scheduled");
	assert_value(&plan, "\nReadWritePaths=", "\"/srv/it's \\\"$HOME\\\" \\\\ 100%% %%n;\"");
	assert_value(&plan, "\nRequiresMountsFor=", "\"/srv/it's \\\"$HOME\\\" \\\\ 100%% %%n;\"");
}

static void unit_has_more_capabilities_only_where_they_are_needed(void **state)
{
	struct vst_unit_plan plan = plain;
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	vst_unit_service(&plan, &text);
	assert_null(strstr(vst_buf_cstr(&text), "CAP_DAC_OVERRIDE"));
	vst_buf_clear(&text);
	plan.writes_as_owner = true;
	vst_unit_service(&plan, &text);
	assert_non_null(strstr(vst_buf_cstr(&text), "\nCapabilityBoundingSet=CAP_DAC_OVERRIDE\n"));
	vst_buf_free(&text);
}

static void assert_refused(const struct vst_unit_plan *plan, const char *why)
{
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(vst_unit_check(plan, &err), VST_EUSAGE);
	if (!strstr(err.text, why))
		fail_msg("refused with '%s', not for '%s'", err.text, why);
}

static void unit_refuses_what_a_file_cannot_carry(void **state)
{
	struct vst_unit_plan plan = plain;

	(void)state;
	plan.case_dir = "/srv/a\nExecStart=/bin/sh";
	assert_refused(&plan, "the case: a unit file cannot carry");
	plan.case_dir = "/srv/\xff";
	assert_refused(&plan, "the case: a unit file cannot carry");
	plan.case_dir = "srv";
	assert_refused(&plan, "the case: not an absolute path");
	plan = plain;
	plan.program = "vestige";
	assert_refused(&plan, "the program: not an absolute path");
	plan = plain;
	plan.policy = "dir/policy.yaml";
	assert_refused(&plan, "--policy: not an absolute path");
	plan = plain;
	plan.policy = "";
	assert_refused(&plan, "--policy");
	plan = plain;
	plan.metrics = "metrics";
	assert_refused(&plan, "--metrics: not an absolute path");
	plan = plain;
	plan.keep = "90d\n";
	assert_refused(&plan, "--keep");
	plan = plain;
	plan.full_every = "";
	assert_refused(&plan, "--full-every");
}

static void unit_refuses_names_and_calendars_that_are_none(void **state)
{
	static const char *const names[] = {"", "a/b", "../x", ".hidden", "-x", "a b", "a@b", "\xc3\xa9"};
	static const char *const calendars[] = {"", " daily", "daily\nUnit=x", "%h", "daily\\", "a;b"};
	struct vst_unit_plan plan = plain;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		plan.name = names[i];
		assert_refused(&plan, "--name");
	}
	plan = plain;
	for (size_t i = 0; i < sizeof calendars / sizeof *calendars; i++) {
		plan.calendar = calendars[i];
		assert_refused(&plan, "--calendar");
	}
	plan.calendar = "Mon..Fri *-1/2-~3 22:30:0/10 Europe/Berlin";
	assert_int_equal(vst_unit_check(&plan, NULL), 0);
}

static void units_say_whose_they_are(void **state)
{
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	vst_unit_timer(&plain, &text);
	assert_true(
	        strncmp(vst_buf_cstr(&text), VST_UNIT_MARK "/srv/shop\n", strlen(VST_UNIT_MARK) + 10) == 0);
	vst_buf_clear(&text);
	vst_unit_service(&plain, &text);
	assert_true(
	        strncmp(vst_buf_cstr(&text), VST_UNIT_MARK "/srv/shop\n", strlen(VST_UNIT_MARK) + 10) == 0);
	vst_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(unit_has_the_command),
	        cmocka_unit_test(unit_quotes_what_systemd_would_read_otherwise),
	        cmocka_unit_test(unit_has_more_capabilities_only_where_they_are_needed),
	        cmocka_unit_test(unit_refuses_what_a_file_cannot_carry),
	        cmocka_unit_test(unit_refuses_names_and_calendars_that_are_none),
	        cmocka_unit_test(units_say_whose_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
