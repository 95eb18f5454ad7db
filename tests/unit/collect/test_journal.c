#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/collecting.h"

static int setup(void **state)
{
	int rc = collecting_setup(state);
	struct collecting *c = *state;
	c->source.kind = VST_SOURCE_JOURNAL;
	c->source.journal.raw = c->source.journal.export = true;
	tree_mkdirs(c->root, "var/log/journal/m");
	return rc;
}

static void journal_is_absent_where_there_is_none(void **state)
{
	struct collecting *c = *state;
	collecting_run(c);
	collecting_status(c, "/run/log/journal", VST_ITEM_ABSENT, NULL);
	collecting_status(c, "/journal/export", VST_ITEM_ABSENT, NULL);
}

static void journal_that_is_broken_is_taken_raw(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "var/log/journal/m/system.journal", "text", 4);
	c->source.journal.export = false;
	collecting_run(c);
	collecting_content(c, "/var/log/journal/m/system.journal", "text");
	collecting_status(
	        c, "/journal/facts", VST_ITEM_ERROR, "1 of 1 journal files could not be read whole");
	assert_non_null(collecting_item(c, "/journal/facts")->details);
}

static void journal_is_excluded_when_time_is_over(void **state)
{
	struct collecting *c = *state;
	atomic_bool expired = true;
	tree_write(c->root, "var/log/journal/m/system.journal", "text", 4);
	c->context.expired = &expired;
	c->source.journal.raw = false;
	collecting_run(c);
	collecting_expect(c, "/journal/export\n");
	collecting_status(c, "/journal/export", VST_ITEM_EXCLUDED, "limits.source_time");
}

/* Directories are names, not patterns. */
static void journal_directories_are_no_patterns(void **state)
{
	struct collecting *c = *state;
	char *directories[] = {(char[]){"/{a,b}*"}};
	tree_mkdirs(c->root, "{a,b}*");
	tree_mkdirs(c->root, "a");
	c->source.journal.directories = directories;
	c->source.journal.directory_count = 1;
	collecting_run(c);
	collecting_expect(c, "/{a,b}*\n/journal/export\n");
}

static void journal_dry_run_opens_nothing(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "var/log/journal/m/system.journal", "text", 4);
	c->context.content = false;
	c->source.journal.export = false;
	collecting_run(c);
	collecting_status(c, "/journal/facts", VST_ITEM_COLLECTED, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                journal_is_absent_where_there_is_none, setup, collecting_teardown),
	        cmocka_unit_test_setup_teardown(
	                journal_that_is_broken_is_taken_raw, setup, collecting_teardown),
	        cmocka_unit_test_setup_teardown(
	                journal_is_excluded_when_time_is_over, setup, collecting_teardown),
	        cmocka_unit_test_setup_teardown(
	                journal_directories_are_no_patterns, setup, collecting_teardown),
	        cmocka_unit_test_setup_teardown(journal_dry_run_opens_nothing, setup, collecting_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
