#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare/moves.h"
#include "vestige/err.h"
#include "vestige/timefmt.h"

static struct vst_series_record record_of(uint64_t ino, int64_t btime, uint8_t content)
{
	struct vst_series_record record = {.ino = ino,
	        .btime = btime,
	        .size = content ? 10 : 0,
	        .dev_major = 8,
	        .dev_minor = 1,
	        .type = VST_ITEM_FILE,
	        .flags = VST_SERIES_STAT};
	memset(record.content, content, VST_HASH_LEN);
	return record;
}

static void add(struct vst_moves *moves, uint64_t seq, struct vst_series_record record, bool is_added)
{
	assert_int_equal(vst_moves_add(moves, seq, &record, is_added, NULL), 0);
}

#define expect(found, seq, want)                                                                             \
	do {                                                                                                 \
		assert_true(found);                                                                          \
		assert_int_equal(seq, want);                                                                 \
	} while (0)

static void moves_knows_inodes_by_device_age_and_type(void **state)
{
	(void)state;
	struct vst_moves *moves = NULL;
	struct vst_series_record key = record_of(5, 100, 1), other = key;
	uint64_t seq;
	assert_int_equal(vst_moves_new(&moves, NULL), 0);
	assert_false(vst_moves_take(moves, &key, &seq)); /* nothing was added */
	other.dev_minor = 2;
	add(moves, 0, other, true);
	memset(other.content, 9, VST_HASH_LEN);
	other.dev_minor = 1;
	other.btime = 200; /* the number was given again */
	add(moves, 1, other, true);
	other.type = VST_ITEM_DIRECTORY;
	other.btime = 100;
	add(moves, 2, other, true);
	assert_false(vst_moves_by_inode(moves, &key, &seq));
	key.btime = VST_TIME_NONE;
	expect(vst_moves_by_inode(moves, &key, &seq), seq, 1);
	key.flags = 0;
	assert_false(vst_moves_by_inode(moves, &key, &seq));
	vst_moves_free(moves);
}

static void moves_takes_an_unknown_age_for_the_same(void **state)
{
	(void)state;
	struct vst_moves *moves = NULL;
	struct vst_series_record key = record_of(5, 100, 1);
	uint64_t seq;
	assert_int_equal(vst_moves_new(&moves, NULL), 0);
	add(moves, 3, record_of(5, VST_TIME_NONE, 2), true);
	add(moves, 4, record_of(5, 100, 3), true);
	expect(vst_moves_take(moves, &key, &seq), seq, 4);
	expect(vst_moves_take(moves, &key, &seq), seq, 3);
	assert_false(vst_moves_take(moves, &key, &seq));
	vst_moves_free(moves);
}

static void moves_gives_each_once_and_prefers_the_inode(void **state)
{
	(void)state;
	struct vst_moves *moves = NULL;
	struct vst_series_record key = record_of(5, 100, 1), empty = record_of(99, 1, 0);
	uint64_t seq;
	assert_int_equal(vst_moves_new(&moves, NULL), 0);
	add(moves, 0, record_of(6, 100, 1), false); /* has the content, and stood there before */
	add(moves, 1, record_of(7, 100, 1), true);
	add(moves, 2, record_of(5, 100, 2), true);
	add(moves, 3, record_of(8, 100, 0), true);
	expect(vst_moves_by_content(moves, &key, &seq), seq, 0);
	expect(vst_moves_take(moves, &key, &seq), seq, 2);
	expect(vst_moves_take(moves, &key, &seq), seq, 1);
	assert_false(vst_moves_take(moves, &key, &seq));
	expect(vst_moves_by_content(moves, &key, &seq), seq, 0);
	assert_false(vst_moves_take(moves, &empty, &seq)); /* what is empty is everywhere */
	vst_moves_free(moves);
}

/* Each question went over all that was taken before: 200,000 files of one content took hours. */
static void moves_takes_many_of_one_content_in_linear_time(void **state)
{
	(void)state;
	enum { MANY = 200000 };
	struct vst_moves *moves = NULL;
	uint8_t *seen = calloc(MANY, 1);
	uint64_t seq;
	clock_t start = clock();
	assert_int_equal(vst_moves_new(&moves, NULL), 0);
	for (uint64_t i = 0; i < MANY; i++)
		add(moves, i, record_of(1000000 + i % 3, (int64_t)(i % 5), 7), i % 4 != 0);
	for (uint64_t i = 0; i < MANY; i++) {
		struct vst_series_record key = record_of(i % 2 ? i : 1000000, (int64_t)(i % 7), 7);
		bool taken = vst_moves_take(moves, &key, &seq);
		assert_int_equal(taken, i < MANY - MANY / 4);
		if (taken)
			assert_int_equal(seen[seq]++, 0);
	}
	assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
	vst_moves_free(moves);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(moves_knows_inodes_by_device_age_and_type),
	        cmocka_unit_test(moves_takes_an_unknown_age_for_the_same),
	        cmocka_unit_test(moves_gives_each_once_and_prefers_the_inode),
	        cmocka_unit_test(moves_takes_many_of_one_content_in_linear_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
