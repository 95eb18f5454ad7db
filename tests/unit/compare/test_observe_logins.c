#include "compare/observing.h"

extern const struct vst_observer vst_observe_logins;
static const struct vst_observer *const observer = &vst_observe_logins;

enum { BOOT = 2, NEW_TIME = 3, LOGIN = 6, USER = 7, DEAD = 8 };
#define START 1700000000u

struct log {
	uint8_t *bytes;
	size_t len, room, size;
	bool big;
};

static void number(uint8_t *at, size_t len, uint64_t value, bool big)
{
	for (size_t i = 0; i < len; i++)
		at[big ? len - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static void record(struct log *log, unsigned type, const char *user, uint32_t time)
{
	size_t size = log->size ? log->size : 384;
	if (log->len + size > log->room) {
		log->room = 2 * (log->len + size);
		log->bytes = realloc(log->bytes, log->room);
	}
	uint8_t *at = log->bytes + log->len;
	memset(at, 0, size);
	number(at, 2, type, log->big);
	number(at + 4, 4, time & 0xffff, log->big);
	strcpy((char *)at + 8, type == BOOT ? "~" : "pts/0");
	strcpy((char *)at + 44, user);
	strcpy((char *)at + 76, "192.0.2.7");
	if (size == 384)
		number(at + 340, 4, time, log->big);
	else
		number(at + 344, 8, time, log->big);
	log->len += size;
}

static void blank(struct log *log)
{
	record(log, 0, "", 0);
	memset(log->bytes + log->len - 384, 0, 384);
}

/* `count` logins, a minute apart. */
static struct log logins(unsigned from, unsigned count)
{
	struct log log = {0};
	for (unsigned i = from; i < from + count; i++)
		record(&log, i % 2 ? DEAD : USER, i % 2 ? "" : "anna", START + 60 * i);
	return log;
}

static void cut_out(struct log *log, size_t at)
{
	memmove(log->bytes + at * 384, log->bytes + (at + 1) * 384, log->len - (at + 1) * 384);
	log->len -= 384;
}

static void put(struct exhibit *exhibit, const char *path, const struct log *log, uint64_t inode)
{
	struct vst_item *item =
	        add_file(exhibit, observer, path, log->bytes ? log->bytes : (const uint8_t *)"", log->len);
	item->has_stat = inode != 0;
	item->ino = inode;
}

struct pair {
	struct exhibit before, after;
};

static void pair_of(struct pair *pair)
{
	exhibit_of(&pair->before, 1);
	exhibit_of(&pair->after, 2);
}

static void finds(struct pair *pair, const char *expected)
{
	assert_string_equal(judged(observer, &pair->before, &pair->after), expected);
	exhibit_free(&pair->before);
	exhibit_free(&pair->after);
}

static void wants_by_path(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		bool wanted;
	} cases[] = {{"/run/utmp", true}, {"/var/log/wtmp", true}, {"/var/log/wtmp.1", true},
	        {"/var/log/btmp-20261101", true}, {"/var/log/btmp.2.gz", true}, {"/var/log/x/wtmp", false},
	        {"/var/log/lastlog", false}, {"/srv/wtmp", false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct vst_item item;
		vst_item_init(&item);
		item.type = VST_ITEM_FILE;
		item.path = cases[i].path;
		assert_int_equal(observer->wants(&item), cases[i].wanted);
	}
}

static void forms_are_told_by_content(void **state)
{
	(void)state;
	for (int form = 0; form < 4; form++) {
		struct exhibit exhibit;
		struct log log = {.size = form & 1 ? 400 : 384, .big = form & 2};
		char expected[320];
		record(&log, BOOT, "reboot", START);
		record(&log, USER, "root", START + 100);
		record(&log, DEAD, "", START + 200);
		log.len -= 3;
		exhibit_of(&exhibit, 1);
		put(&exhibit, "/var/log/wtmp", &log, 0);
		snprintf(expected, sizeof expected,
		        "{\"format\":1,\"record\":%zu,\"endian\":\"%s\",\"count\":2,\"over\":%zu,\"first\":"
		        "1700000000,\"last\":1700000100,"
		        "\"blank\":0,\"blanks\":[],\"back\":0,\"backs\":[],\"blocks\":\"\",\"from\":0,"
		        "\"records\":\"",
		        log.size, log.big ? "big" : "little", log.size - 3);
		assert_memory_equal(facts_of(&exhibit, 0), expected, strlen(expected));
		assert_string_equal(judged(observer, NULL, &exhibit),
		        form & 1 ? "medium login_file_odd: 397 bytes stand behind the last whole record\n"
		                 : "medium login_file_odd: 381 bytes stand behind the last whole record\n");
		exhibit_free(&exhibit);
		free(log.bytes);
	}
}

static void other_content_is_told(void **state)
{
	(void)state;
	struct exhibit exhibit;
	exhibit_of(&exhibit, 1);
	add_text(&exhibit, observer, "/var/log/wtmp", "hello");
	add_text(&exhibit, observer, "/var/log/btmp.1.gz", "\x1f\x8b\x08");
	add_text(&exhibit, observer, "/var/log/btmp", "");
	assert_string_equal(facts_of(&exhibit, 0), "{\"format\":1,\"record\":0}");
	assert_string_equal(facts_of(&exhibit, 1), "{\"format\":1,\"record\":0,\"packed\":true}");
	assert_string_equal(judged(observer, NULL, &exhibit),
	        "medium login_file_odd: the file does not hold login records\n");
	assert_string_equal(judged(observer, &exhibit, &exhibit), "");
	exhibit_free(&exhibit);
}

static void growth_is_honest(void **state)
{
	(void)state;
	struct pair pair;
	struct log was = logins(0, 40), now = logins(0, 90);
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &was, 5);
	put(&pair.after, "/var/log/wtmp", &now, 5);
	finds(&pair, "");
	free(was.bytes);
	free(now.bytes);
}

static void a_removed_record_is_missed(void **state)
{
	(void)state;
	static const size_t places[] = {0, 17, 39};
	for (size_t i = 0; i < 3; i++) {
		struct pair pair;
		struct log was = logins(0, 40), now = logins(0, 45);
		cut_out(&now, places[i]);
		pair_of(&pair);
		put(&pair.before, "/var/log/wtmp", &was, 5);
		put(&pair.after, "/var/log/wtmp", &now, 6);
		finds(&pair, "high login_records_removed: 1 of 40 records are gone\n");
		free(was.bytes);
		free(now.bytes);
	}
}

static void records_blanked_in_place(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) {
		struct pair pair;
		struct log was = logins(0, 40), now = logins(0, 45);
		/* All of it, or the name alone as some tools do. */
		memset(now.bytes + 10 * 384 + (way ? 44 : 0), 0, way ? 32 : 384);
		pair_of(&pair);
		put(&pair.before, "/var/log/wtmp", &was, 5);
		put(&pair.after, "/var/log/wtmp", &now, 5);
		finds(&pair, "high login_records_zeroed: 1 records are blanked\n");
		pair_of(&pair);
		put(&pair.before, "/var/log/wtmp", &now, 5);
		put(&pair.after, "/var/log/wtmp", &now, 5);
		finds(&pair, "");
		free(was.bytes);
		free(now.bytes);
	}
}

static void a_changed_record_is_missed(void **state)
{
	(void)state;
	struct pair pair;
	struct log was = logins(0, 40), now = logins(0, 40);
	memcpy(now.bytes + 10 * 384 + 76, "10.0.0.1\0", 9);
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &was, 5);
	put(&pair.after, "/var/log/wtmp", &now, 5);
	finds(&pair, "high login_records_removed: 1 of 40 records are gone\n");
	free(was.bytes);
	free(now.bytes);
}

static void zeros_of_a_crash_are_less_than_zeros_amid_records(void **state)
{
	(void)state;
	for (int crash = 0; crash < 2; crash++) {
		struct pair pair;
		struct log was = logins(0, 4), now = logins(0, 4);
		blank(&now);
		blank(&now);
		record(&now, crash ? BOOT : USER, crash ? "reboot" : "anna", START + 9000);
		pair_of(&pair);
		put(&pair.before, "/var/log/wtmp", &was, 5);
		put(&pair.after, "/var/log/wtmp", &now, 5);
		finds(&pair, crash ? "medium login_records_zeroed: 2 records are blanked\n"
		                   : "high login_records_zeroed: 2 records are blanked\n");
		free(was.bytes);
		free(now.bytes);
	}
}

static void rotation_is_honest(void **state)
{
	(void)state;
	struct pair pair;
	struct log oldest = logins(0, 20), old = logins(100, 30), grown = logins(100, 33),
	           fresh = logins(200, 2), none = {0};
	/* rotate 1: the oldest file is gone, the next took its name. */
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &old, 5);
	put(&pair.before, "/var/log/wtmp.1", &oldest, 6);
	put(&pair.after, "/var/log/wtmp", &none, 6);
	put(&pair.after, "/var/log/wtmp.1", &grown, 5);
	finds(&pair, "");
	/* dateext */
	pair_of(&pair);
	put(&pair.before, "/var/log/btmp", &old, 5);
	put(&pair.before, "/var/log/btmp-20261001", &oldest, 6);
	put(&pair.after, "/var/log/btmp", &fresh, 7);
	put(&pair.after, "/var/log/btmp-20261101", &grown, 5);
	finds(&pair, "");
	/* The first rotation ever. */
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &old, 5);
	put(&pair.after, "/var/log/wtmp", &fresh, 7);
	put(&pair.after, "/var/log/wtmp.1", &grown, 5);
	finds(&pair, "");
	/* The younger one was empty: it shows by its inode alone. */
	pair_of(&pair);
	put(&pair.before, "/var/log/btmp", &none, 5);
	put(&pair.before, "/var/log/btmp.1", &oldest, 6);
	put(&pair.after, "/var/log/btmp", &none, 7);
	put(&pair.after, "/var/log/btmp.1", &none, 5);
	finds(&pair, "");
	/* To a file that is compressed at once. */
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &old, 5);
	put(&pair.after, "/var/log/wtmp", &fresh, 7);
	add_text(&pair.after, observer, "/var/log/wtmp.1.gz", "\x1f\x8b\x08");
	finds(&pair, "info login_records_unchecked: not all records could be looked for: a file was "
	             "compressed since\n");
	free(oldest.bytes);
	free(old.bytes);
	free(grown.bytes);
	free(fresh.bytes);
}

static void rotation_does_not_excuse_a_younger_file(void **state)
{
	(void)state;
	struct pair pair;
	struct log oldest = logins(0, 20), old = logins(100, 30), fresh = logins(200, 2), none = {0};
	/* wtmp.2 was there before and after: wtmp.1 was not its turn. */
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &fresh, 5);
	put(&pair.before, "/var/log/wtmp.1", &old, 6);
	put(&pair.before, "/var/log/wtmp.2", &oldest, 7);
	put(&pair.after, "/var/log/wtmp.1", &fresh, 5);
	put(&pair.after, "/var/log/wtmp.2", &none, 8);
	put(&pair.after, "/var/log/wtmp.3", &oldest, 7);
	finds(&pair, "high login_records_removed: 30 of 30 records are gone: all that were known\n");
	/* Records that were removed while the file was rotated. */
	struct log cut = logins(100, 30);
	cut_out(&cut, 3);
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &old, 5);
	put(&pair.after, "/var/log/wtmp", &none, 6);
	put(&pair.after, "/var/log/wtmp.1", &cut, 5);
	finds(&pair, "high login_records_removed: 1 of 30 records are gone\n");
	free(oldest.bytes);
	free(old.bytes);
	free(fresh.bytes);
	free(cut.bytes);
}

static void an_emptied_file_is_told(void **state)
{
	(void)state;
	struct pair pair;
	struct log was = logins(0, 40), oldest = logins(500, 9), none = {0};
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &was, 5);
	put(&pair.after, "/var/log/wtmp", &none, 5);
	finds(&pair, "high login_records_removed: 40 of 40 records are gone: all that were known\n");
	/* Removed and made anew, with a rotated file that was not touched. */
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &was, 5);
	put(&pair.before, "/var/log/wtmp.1", &oldest, 6);
	put(&pair.after, "/var/log/wtmp", &none, 9);
	put(&pair.after, "/var/log/wtmp.1", &oldest, 6);
	finds(&pair, "high login_records_removed: 40 of 40 records are gone: all that were known\n");
	/* Where rotated files are not collected this may be one. */
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &was, 5);
	put(&pair.after, "/var/log/wtmp", &none, 9);
	finds(&pair, "medium login_records_removed: 40 of 40 records are gone: all that were known\n");
	free(was.bytes);
	free(oldest.bytes);
}

static void utmp_is_written_over(void **state)
{
	(void)state;
	struct pair pair;
	struct log was = logins(0, 6), now = logins(50, 3);
	pair_of(&pair);
	put(&pair.before, "/run/utmp", &was, 5);
	put(&pair.after, "/run/utmp", &now, 9);
	finds(&pair, "");
	/* But nobody blanks a slot of it. */
	struct log hidden = logins(0, 6);
	memset(hidden.bytes + 2 * 384, 0, 384);
	pair_of(&pair);
	put(&pair.before, "/run/utmp", &was, 5);
	put(&pair.after, "/run/utmp", &hidden, 5);
	finds(&pair, "high login_records_zeroed: 1 records are blanked\n");
	free(was.bytes);
	free(now.bytes);
	free(hidden.bytes);
}

static void time_goes_back_once(void **state)
{
	(void)state;
	struct pair pair;
	struct log was = logins(0, 20), now = logins(0, 20);
	record(&now, USER, "eve", START);
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &was, 5);
	put(&pair.after, "/var/log/wtmp", &now, 5);
	finds(&pair, "medium login_time_backwards: time steps back at 1 records\n");
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &now, 5);
	put(&pair.after, "/var/log/wtmp.1", &now, 5);
	finds(&pair, "");
	/* A boot, or a clock that was set, explains it. */
	struct log booted = logins(0, 20);
	record(&booted, BOOT, "reboot", START - 5000);
	record(&booted, USER, "anna", START - 4000);
	record(&booted, NEW_TIME, "date", START - 9000);
	record(&booted, USER, "anna", START - 8000);
	pair_of(&pair);
	put(&pair.before, "/var/log/wtmp", &was, 5);
	put(&pair.after, "/var/log/wtmp", &booted, 5);
	finds(&pair, "");
	free(was.bytes);
	free(now.bytes);
	free(booted.bytes);
}

/* More records than facts have digests for: blocks tell of the older ones. */
static void large_files_are_known_by_blocks(void **state)
{
	(void)state;
	struct pair pair;
	struct log was = logins(0, 20000), now = logins(0, 60000);
	pair_of(&pair);
	put(&pair.before, "/var/log/btmp", &was, 5);
	put(&pair.after, "/var/log/btmp", &now, 5);
	/* The last block was not full. */
	finds(&pair, "info login_records_unchecked: not all records could be looked for: more were added "
	             "since than facts hold\n");
	cut_out(&now, 19000);
	pair_of(&pair);
	put(&pair.before, "/var/log/btmp", &was, 5);
	put(&pair.after, "/var/log/btmp", &now, 5);
	finds(&pair, "high login_records_removed: older records have changed, in 2 blocks of 512\n");
	pair_of(&pair);
	cut_out(&was, 300);
	cut_out(&was, 300);
	struct log whole = logins(0, 20100);
	put(&pair.before, "/var/log/btmp", &whole, 5);
	put(&pair.after, "/var/log/btmp", &was, 5);
	const char *found = judged(observer, &pair.before, &pair.after);
	assert_has(found, "high login_records_removed: 10");
	exhibit_free(&pair.before);
	exhibit_free(&pair.after);
	free(was.bytes);
	free(now.bytes);
	free(whole.bytes);
}

static void a_hole_costs_nothing(void **state)
{
	(void)state;
	struct vst_item item;
	struct vst_buf facts = VST_BUF_INIT;
	void *reading;
	struct log log = logins(0, 3);
	vst_item_init(&item);
	item.path = "/var/log/wtmp";
	assert_int_equal(observer->open(&reading, &item, NULL), 0);
	assert_int_equal(observer->data(reading, 0, log.bytes, log.len, NULL), 0);
	assert_int_equal(observer->data(reading, UINT64_C(384) << 40, log.bytes, log.len, NULL), 0);
	assert_int_equal(observer->close(reading, &facts, NULL), 0);
	observer->free(reading);
	assert_has(vst_buf_cstr(&facts), "\"count\":1099511627779,\"over\":0");
	assert_has(vst_buf_cstr(&facts), "\"blank\":1099511627773,\"blanks\":[[3,1099511627773,false]]");
	vst_buf_free(&facts);
	free(log.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(wants_by_path),
	        cmocka_unit_test(forms_are_told_by_content),
	        cmocka_unit_test(other_content_is_told),
	        cmocka_unit_test(growth_is_honest),
	        cmocka_unit_test(a_removed_record_is_missed),
	        cmocka_unit_test(records_blanked_in_place),
	        cmocka_unit_test(a_changed_record_is_missed),
	        cmocka_unit_test(zeros_of_a_crash_are_less_than_zeros_amid_records),
	        cmocka_unit_test(rotation_is_honest),
	        cmocka_unit_test(rotation_does_not_excuse_a_younger_file),
	        cmocka_unit_test(an_emptied_file_is_told),
	        cmocka_unit_test(utmp_is_written_over),
	        cmocka_unit_test(time_goes_back_once),
	        cmocka_unit_test(large_files_are_known_by_blocks),
	        cmocka_unit_test(a_hole_costs_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
