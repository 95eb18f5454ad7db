#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/sorter.h"

#define KEY 12
#define ENTRY 14
#define RUN 10

/* Counts around the borders of runs, and many runs more than entries in memory's share. */
static void sorter_sorts_any_number(void **state)
{
	(void)state;
	static const uint64_t counts[] = {0, 1, 9, 10, 11, 20, 57, 99, 100};
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		struct vst_sorter *sorter = NULL;
		struct vst_err err = VST_ERR_INIT;
		int dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		uint8_t last[ENTRY], seen[100] = {0};
		const uint8_t *entry;
		uint64_t got = 0;
		assert_int_equal(vst_sorter_new(dirfd, ENTRY, KEY, RUN, &sorter, &err), 0);
		for (uint64_t i = 0; i < counts[c]; i++) {
			uint8_t digest[KEY], add[ENTRY] = {0};
			for (size_t at = 0; at < sizeof digest; at++)
				digest[at] = (uint8_t)((i + 1) * (at + 7) * 0x9E3779B1u >> 13);
			/* The first word is the same for many. */
			add[0] = digest[0] % 3;
			memcpy(add + 8, digest, KEY - 8);
			add[KEY] = (uint8_t)i;
			assert_int_equal(vst_sorter_add(sorter, add, &err), 0);
		}
		assert_int_equal(vst_sorter_sort(sorter, &err), 0);
		for (;;) {
			assert_int_equal(vst_sorter_next(sorter, &entry, &err), 0);
			if (!entry)
				break;
			assert_true(got == 0 || memcmp(last, entry, KEY) < 0);
			memcpy(last, entry, ENTRY);
			assert_int_equal(seen[entry[KEY]]++, 0);
			got++;
		}
		assert_int_equal(got, counts[c]);
		assert_int_equal(vst_sorter_next(sorter, &entry, &err), 0);
		assert_null(entry);
		vst_sorter_free(sorter);
		close(dirfd);
	}
}

static void sorter_refuses_more_runs_than_it_can_merge(void **state)
{
	(void)state;
	struct vst_sorter *sorter = NULL;
	struct vst_err err = VST_ERR_INIT;
	int dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	assert_int_equal(vst_sorter_new(dirfd, 8, 8, 2, &sorter, &err), 0);
	for (uint64_t i = 0; i < 32 && rc == 0; i++)
		rc = vst_sorter_add(sorter, &i, &err);
	if (rc == 0)
		rc = vst_sorter_sort(sorter, &err);
	assert_int_equal(rc, VST_ELIMIT);
	vst_sorter_free(sorter);
	close(dirfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sorter_sorts_any_number),
	        cmocka_unit_test(sorter_refuses_more_runs_than_it_can_merge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
