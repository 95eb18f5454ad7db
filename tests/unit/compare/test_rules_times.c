#include "compare/comparing.h"

static void expect_times(struct vst_item before, struct vst_item after, const char *want)
{
	struct pair *p = pair_new();
	put(&p->before, before, NULL, 0);
	put(&p->after, after, NULL, 0);
	expect_findings(p, want);
}

static void times_move_when_content_does(void **state)
{
	(void)state;
	struct vst_item was = file_of("/srv/a", "one", 10), is = file_of("/srv/a", "two", 10);
	touch(&is, NOON + 5);
	expect_times(was, is, "");
	is.mtime = was.mtime;
	expect_times(was, is, "content_changed_mtime_same/high /srv/a ");
	is.ino = 11; /* a file put back from a copy */
	is.btime = NOON + 5;
	expect_times(was, is, "content_changed_mtime_same/medium /srv/a mtime_before_btime/low /srv/a ");
	is = file_of("/srv/a", "two", 10);
	is.ctime = NOON + 5;
	was.status = VST_ITEM_CHANGED; /* it was written to while it was read */
	expect_times(was, is, "");
}

static void times_that_are_unknown_tell_nothing(void **state)
{
	(void)state;
	struct vst_item was = file_of("/srv/a", "one", 10), is = file_of("/srv/a", "three", 10);
	was.btime = is.btime = was.mtime = is.mtime = is.ctime = was.ctime = VST_TIME_NONE;
	expect_times(was, is, "");
}

static void times_are_not_set_back(void **state)
{
	(void)state;
	struct vst_item was = file_of("/srv/a", "one", 10), is = file_of("/srv/a", "three", 10);
	was.btime = is.btime = NOON - 10 * DAY;
	is.mtime = NOON - 2 * DAY + 7;
	is.ctime = NOON + 5;
	expect_times(was, is, "mtime_set_back/medium /srv/a ");
	is.mtime = NOON - 20 * DAY + 7;
	expect_times(was, is, "mtime_set_back/medium /srv/a mtime_before_btime/medium /srv/a ");
}

/* touch -r, on a file whose content is as it was. */
static void times_of_system_files_do_not_change_alone(void **state)
{
	(void)state;
	struct vst_item was = file_of("/usr/bin/a", "one", 10), is;
	was.mtime = was.btime = NOON - 60 * DAY + 3;
	is = was;
	is.ctime = NOON + 5;
	expect_times(was, is, "ctime_long_after_mtime/low /usr/bin/a ");
	is.mode = 0640; /* chmod explains it */
	expect_times(was, is, "");
}

static void put_neighbours(struct pair *p, unsigned from, unsigned count, bool precise)
{
	static char paths[64][32];
	for (unsigned i = from; i < from + count; i++) {
		snprintf(paths[i], sizeof paths[i], "/srv/%02u", i);
		struct vst_item item = file_of(paths[i], paths[i], 100 + i);
		if (!precise)
			item.mtime -= item.mtime % VST_NS_PER_S;
		put_both(p, item, 0);
	}
}

static void expect_whole_second(bool precise, unsigned count, const char *want)
{
	struct pair *p = pair_new();
	put_neighbours(p, 0, count, precise);
	struct vst_item item = file_of("/srv/planted", "planted", 10);
	item.btime = NOON + DAY / 2;
	item.ctime = NOON + DAY / 2 + 77;
	item.mtime = NOON + DAY / 2 + VST_NS_PER_S; /* a whole one */
	put(&p->after, item, NULL, 0);
	put_neighbours(p, count, count, precise);
	expect_findings(p, want);
}

static void times_of_a_whole_second_stand_out_among_precise_ones(void **state)
{
	(void)state;
	assert_int_equal(NOON % VST_NS_PER_S, 0);
	expect_whole_second(true, 8, "whole_second_time/low /srv/planted ");
	expect_whole_second(false, 8, ""); /* a directory that was unpacked */
	expect_whole_second(true, 2, "");  /* too few to tell */
	struct vst_item was = file_of("/srv/a", "one", 10), is = file_of("/srv/a", "two", 10);
	is.ctime = NOON + DAY / 2 + 77;
	is.mtime = NOON + DAY / 2;
	expect_times(was, is, "whole_second_time/medium /srv/a ");
	is.ctime = is.mtime; /* a file system without more */
	expect_times(was, is, "");
}

/* The content was not changed: the policy does not ask for it any more, or it could not be had. */
static void times_say_nothing_of_content_that_was_not_taken(void **state)
{
	(void)state;
	struct vst_item was = file_of("/srv/a", "one", 10), is = was;
	is.has_content = false;
	is.hashes = 0;
	is.content = VST_ITEM_CONTENT_METADATA;
	expect_times(was, is, "");
	expect_times(is, was, "");
	is.content = VST_ITEM_CONTENT_FULL;
	is.status = VST_ITEM_ERROR;
	is.error = 5;
	expect_times(was, is, "");
	expect_times(is, was, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(times_move_when_content_does),
	        cmocka_unit_test(times_that_are_unknown_tell_nothing),
	        cmocka_unit_test(times_are_not_set_back),
	        cmocka_unit_test(times_of_system_files_do_not_change_alone),
	        cmocka_unit_test(times_of_a_whole_second_stand_out_among_precise_ones),
	        cmocka_unit_test(times_say_nothing_of_content_that_was_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
