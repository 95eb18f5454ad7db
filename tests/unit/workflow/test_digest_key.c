/*
 * private/digest.key: made once, read strictly, never replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/tree.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "workflow/case_internal.h"

static int private_fd;

static int setup(void **state)
{
	(void)state;
	private_fd = tree_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(private_fd);
	return 0;
}

static void key_is_read_as_it_was_made(void **state)
{
	(void)state;
	uint8_t made[VST_HASH_LEN], read[VST_HASH_LEN], again[VST_HASH_LEN];
	struct vst_err err = VST_ERR_INIT;
	struct stat st;
	assert_int_equal(case_digest_key_read(private_fd, read, &err), VST_ENOTFOUND);
	vst_err_clear(&err);
	assert_int_equal(case_digest_key_make(private_fd, made, &err), 0);
	assert_int_equal(case_digest_key_read(private_fd, read, &err), 0);
	assert_memory_equal(made, read, sizeof read);
	assert_int_equal(fstatat(private_fd, "digest.key", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 2 * VST_HASH_LEN + 1);
	assert_int_equal(case_digest_key_make(private_fd, again, &err), VST_EEXIST);
	assert_int_equal(case_digest_key_read(private_fd, read, NULL), 0);
	assert_memory_equal(made, read, sizeof read);
}

static void damaged_keys_are_refused(void **state)
{
	(void)state;
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
	static const char *const texts[] = {"", "\n", ZEROS, ZEROS "\n\n", ZEROS "00\n", "x" ZEROS,
	        " 000000000000000000000000000000000000000000000000000000000000000\n"};
	uint8_t key[VST_HASH_LEN];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct vst_err err = VST_ERR_INIT;
		unlinkat(private_fd, "digest.key", 0);
		tree_write(private_fd, "digest.key", texts[i], strlen(texts[i]));
		if (case_digest_key_read(private_fd, key, &err) != VST_EFORMAT)
			fail_msg("'%s' is a key", texts[i]);
		assert_non_null(strstr(err.text, "private/digest.key"));
		assert_true(err.hint[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(key_is_read_as_it_was_made, setup, teardown),
	        cmocka_unit_test_setup_teardown(damaged_keys_are_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
