/* What honest hosts do that looked like an intruder's work: each was a finding once. */
#include "compare/comparing.h"

#define LOG VST_SERIES_APPEND_ONLY
#define BORN (NOON - DAY + 123456789) /* as file_of() has it */

static struct vst_item made(const char *path, const char *content, uint64_t ino, int64_t birth, int64_t mtime)
{
	struct vst_item item = file_of(path, content, ino);
	item.btime = birth;
	item.mtime = mtime + 17;
	item.ctime = mtime + 17;
	return item;
}

/* copytruncate empties the log in its place: the birth of the log itself says nothing. */
static void honest_copytruncate_goes_round_more_often_than_files_are_kept(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	put(&p->before, file_of("/var/log/a.log", "one\ntwo\n", 10), NULL, LOG);
	put(&p->after, made("/var/log/a.log", "nine\n", 10, BORN, NOON + DAY / 2), NULL, LOG);
	put(&p->after, made("/var/log/a.log.1", "eight\n", 11, NOON + DAY / 3, NOON + DAY / 3), NULL, LOG);
	expect_findings(p, "log_rotated_away/medium /var/log/a.log ");
}

/* What was made since from an older file is no younger: nothing went round, and the bytes are gone. */
static void honest_rotation_does_not_excuse_who_truncates(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	put(&p->before, file_of("/var/log/a.log", "one\ntwo\n", 10), NULL, LOG);
	put(&p->before, made("/var/log/a.log.1", "eight\n", 11, NOON - DAY, NOON - DAY / 2), NULL, LOG);
	put(&p->after, made("/var/log/a.log", "nine\n", 10, BORN, NOON + DAY / 2), NULL, LOG);
	put(&p->after, made("/var/log/a.log.1", "eight\n", 11, NOON - DAY, NOON - DAY / 2), NULL, LOG);
	put(&p->after, made("/var/log/a.log.2.gz", "zipped", 12, NOON + DAY / 3, NOON - DAY / 2), NULL, LOG);
	expect_findings(p, "log_truncated/high /var/log/a.log ");
}

static void honest_compressors_give_the_time_of_what_they_read(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	put(&p->after, made("/var/log/a.log.2.gz", "zipped", 12, NOON + DAY / 3, NOON - DAY), NULL, LOG);
	put(&p->after, made("/srv/evil", "evil", 13, NOON + DAY / 3, NOON - DAY), NULL, 0);
	expect_findings(p, "mtime_before_btime/low /srv/evil ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(honest_copytruncate_goes_round_more_often_than_files_are_kept),
	        cmocka_unit_test(honest_rotation_does_not_excuse_who_truncates),
	        cmocka_unit_test(honest_compressors_give_the_time_of_what_they_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
