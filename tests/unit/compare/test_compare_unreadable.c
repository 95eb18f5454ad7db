#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/compare.h"
#include "vestige/err.h"

#define ITEMS 500

/* An index of files, all alike but for their names; *ret_fd is another descriptor of its file. */
static struct vst_series_index *index_of(uint64_t exhibit, int *ret_fd)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_series_writer *writer = NULL;
	struct vst_series_index *index = NULL;
	uint8_t digest[VST_HASH_LEN];
	int dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(dir >= 0 && fd >= 0);
	assert_int_equal(vst_series_writer_new(fd, dir, exhibit, exhibit, NULL, &writer, &err), 0);
	for (uint64_t seq = 0; seq < ITEMS; seq++) {
		struct vst_item item;
		char path[32], line[64];
		vst_item_init(&item);
		snprintf(path, sizeof path, "/f/%llu", (unsigned long long)seq);
		item.seq = seq;
		item.source = "all";
		item.path = path;
		item.type = VST_ITEM_FILE;
		item.has_stat = true;
		item.ino = seq + 1;
		snprintf(line, sizeof line, "{\"seq\":%llu}", (unsigned long long)seq);
		assert_int_equal(
		        vst_series_writer_add(writer, &item, line, strlen(line), NULL, 0, 0, &err), 0);
	}
	assert_int_equal(vst_series_writer_finish(writer, digest, &err), 0);
	vst_series_writer_free(writer);
	assert_int_equal(vst_series_index_open(fd, digest, &index, &err), 0);
	close(dir);
	*ret_fd = fd;
	return index;
}

static int ignore(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	(void)ctx;
	(void)finding;
	(void)err;
	return 0;
}

static int never(void *ctx, const struct vst_change *change, struct vst_err *err)
{
	(void)ctx;
	(void)change;
	(void)err;
	fail_msg("a change is told");
	return 0;
}

static int compare(struct vst_series_index *before, struct vst_series_index *after,
        struct vst_compare_result *ret, struct vst_err *err)
{
	struct vst_compare_side before_side = {.index = before}, after_side = {.index = after};
	const struct vst_compare_options options = {.before = before ? &before_side : NULL,
	        .after = &after_side,
	        .change = never,
	        .findings = {ignore, NULL}};
	return vst_compare(&options, ret, err);
}

static void compare_finds_the_same_unchanged(void **state)
{
	struct vst_compare_result result;
	struct vst_err err = VST_ERR_INIT;
	int before_fd, after_fd;
	struct vst_series_index *before = index_of(1, &before_fd), *after = index_of(2, &after_fd);
	(void)state;
	assert_int_equal(compare(before, after, &result, &err), 0);
	assert_int_equal(result.total.kinds[VST_CHANGE_UNCHANGED], ITEMS);
	vst_series_index_free(before);
	vst_series_index_free(after);
	close(before_fd);
	close(after_fd);
}

/* Items of which nothing could be read are not removed ones. */
static void compare_fails_where_an_index_cannot_be_read(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		struct vst_compare_result result;
		struct vst_err err = VST_ERR_INIT;
		int before_fd, after_fd;
		struct vst_series_index *before = index_of(1, &before_fd), *after = index_of(2, &after_fd);
		assert_int_equal(ftruncate(side ? after_fd : before_fd, 100), 0);
		assert_int_not_equal(compare(before, after, &result, &err), 0);
		assert_non_null(strstr(err.text, "series index"));
		vst_series_index_free(before);
		vst_series_index_free(after);
		close(before_fd);
		close(after_fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(compare_finds_the_same_unchanged),
	        cmocka_unit_test(compare_fails_where_an_index_cannot_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
