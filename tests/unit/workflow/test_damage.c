/*
 * Each byte of a small exhibit and of each file of a small trail changed, one at a time, and each file cut at
 * every length: verification never calls the case good, nor crashes, but for the files of .git that trail.h
 * lists as never used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/verify.h"
#include "workflow/case_fixture.h"

#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 11 /* the sanitized build looks for crashes; the plain one at every byte */
#else
#define STRIDE 1
#endif

#define FILES_MAX 256

static struct case_fixture fixture;
static char files[FILES_MAX][256];
static size_t file_count;

static int setup(void **state)
{
	(void)state;
	case_fixture_make(&fixture, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	case_fixture_remove(&fixture);
	return 0;
}

static bool is_good(bool deep)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_verify_result result = {0};
	const struct vst_verify_options options = {
	        .dir = fixture.dir,
	        .deep = deep,
	        .identities = deep ? &fixture.identities : NULL,
	        .workers = 1,
	};
	return vst_verify(&options, &result, &err) == 0 && result.good;
}

/* What git does not authenticate and nothing uses: trail.h. */
static bool is_ignored(const char *path)
{
	static const char *const ignored[] = {
	        "/.git/logs/", "/.git/info/", "/.git/hooks/", "/.git/description", "/.git/config"};
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (strstr(path, ignored[i]))
			return true;
	return false;
}

static int note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type != FTW_F || is_ignored(path))
		return 0;
	if (file_count == FILES_MAX)
		return 1;
	snprintf(files[file_count++], sizeof files[0], "%s", path);
	return 0;
}

static void find_files(const char *below)
{
	char path[256];
	file_count = 0;
	snprintf(path, sizeof path, "%s/%s", fixture.dir, below);
	assert_int_equal(nftw(path, note_file, 16, FTW_PHYS), 0);
	assert_true(file_count > 0);
}

static void flip_each_byte(const char *path, bool deep)
{
	static const unsigned char masks[] = {0xff, 0x01, 0x80, 0x20};
	size_t len;
	unsigned char *data = fixture_read(path, &len);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	chmod(path, 0600); /* git's objects are read-only */
	for (size_t i = 0; i < len; i += STRIDE) {
		unsigned char was = data[i];
		data[i] = was ^ masks[i % sizeof masks];
		fixture_write(path, data, len);
		if (is_good(deep))
			fail_msg("%s: byte %zu changed from %02x to %02x, and the case is called good", path,
			        i, was, data[i]);
		data[i] = was;
	}
	fixture_write(path, data, len);
	chmod(path, st.st_mode & 07777);
	free(data);
}

static void cut_at_each_length(const char *path, bool deep)
{
	size_t len;
	unsigned char *data = fixture_read(path, &len);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	chmod(path, 0600);
	for (size_t keep = 0; keep < len; keep += STRIDE) {
		fixture_write(path, data, keep);
		if (is_good(deep))
			fail_msg("%s: cut to %zu of %zu bytes, and the case is called good", path, keep, len);
	}
	fixture_write(path, data, len);
	chmod(path, st.st_mode & 07777);
	free(data);
}

static void damage_below(const char *below, void damage(const char *path, bool deep), bool deep)
{
	find_files(below);
	assert_true(is_good(true));
	for (size_t i = 0; i < file_count; i++)
		damage(files[i], deep);
	assert_true(is_good(true)); /* every change was taken back, so each verdict above was about its own */
}

static void verify_sees_each_flipped_byte_of_the_trail(void **state)
{
	(void)state;
	damage_below("trail", flip_each_byte, false);
}

static void verify_sees_each_cut_of_a_file_of_the_trail(void **state)
{
	(void)state;
	damage_below("trail", cut_at_each_length, false);
}

static void verify_sees_each_flipped_byte_of_an_exhibit(void **state)
{
	(void)state;
	damage_below("exhibits", flip_each_byte, false);
}

static void verify_sees_each_cut_of_an_exhibit(void **state)
{
	(void)state;
	damage_below("exhibits", cut_at_each_length, false);
}

static void verify_sees_each_removed_file(void **state)
{
	(void)state;
	char aside[256];
	snprintf(aside, sizeof aside, "%s/aside", fixture.work);
	static const char *const below[] = {"trail", "exhibits"};
	for (size_t k = 0; k < 2; k++) {
		find_files(below[k]);
		for (size_t i = 0; i < file_count; i++) {
			assert_int_equal(rename(files[i], aside), 0);
			if (is_good(false))
				fail_msg("%s: removed, and the case is called good", files[i]);
			assert_int_equal(rename(aside, files[i]), 0);
		}
	}
	assert_true(is_good(true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(verify_sees_each_flipped_byte_of_the_trail),
	        cmocka_unit_test(verify_sees_each_cut_of_a_file_of_the_trail),
	        cmocka_unit_test(verify_sees_each_flipped_byte_of_an_exhibit),
	        cmocka_unit_test(verify_sees_each_cut_of_an_exhibit),
	        cmocka_unit_test(verify_sees_each_removed_file),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
