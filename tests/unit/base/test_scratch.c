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
#include "vestige/scratch.h"

#define BUFFER 16

static void scratch_gives_back_what_was_appended(void **state)
{
	(void)state;
	char dir[] = "/tmp/vestige-scratch-XXXXXX", want[100], got[100];
	struct vst_scratch *scratch = NULL;
	struct vst_err err = VST_ERR_INIT;
	assert_non_null(mkdtemp(dir));
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof want; i++)
		want[i] = (char)i;
	assert_int_equal(vst_scratch_new(dirfd, BUFFER, &scratch, &err), 0);
	for (size_t at = 0, len = 1; at < sizeof want; at += len, len++) {
		if (len > sizeof want - at)
			len = sizeof want - at;
		assert_int_equal(vst_scratch_append(scratch, want + at, len, &err), 0);
		assert_int_equal(vst_scratch_size(scratch), at + len);
		assert_int_equal(vst_scratch_read(scratch, 0, got, at + len, &err), 0);
		assert_memory_equal(got, want, at + len);
	}
	/* Over the border between file and buffer, and behind it. */
	assert_int_equal(vst_scratch_append(scratch, "abc", 3, &err), 0);
	for (size_t at = 0; at + 5 <= 103; at++) {
		assert_int_equal(vst_scratch_replace(scratch, at, "12345", 5, &err), 0);
		assert_int_equal(vst_scratch_read(scratch, at, got, 5, &err), 0);
		assert_memory_equal(got, "12345", 5);
	}
	assert_int_equal(vst_scratch_append(scratch, "end", 3, &err), 0);
	assert_int_equal(vst_scratch_read(scratch, 101, got, 5, &err), 0);
	assert_memory_equal(got, "45end", 5);
	assert_int_equal(vst_scratch_read(scratch, 102, got, 5, &err), VST_EUSAGE);
	assert_int_equal(vst_scratch_read(scratch, UINT64_MAX, got, 5, &err), VST_EUSAGE);
	assert_int_equal(rmdir(dir), 0); /* nothing lies in it meanwhile */
	vst_scratch_free(scratch);
	close(dirfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scratch_gives_back_what_was_appended)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
