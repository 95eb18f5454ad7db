#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/inode_map.h"
#include "collect/proc_hidden.h"

/* A host of ten ids. Each list() is the next moment. */
#define IDS 10
#define MOMENTS 4
struct host {
	bool exists[MOMENTS][IDS];
	bool listed[MOMENTS][IDS];
	uint64_t start[MOMENTS][IDS];
	int moment, error;
};

static int list(void *ctx, struct vst_pid_set *listed)
{
	struct host *host = ctx;
	for (uint32_t id = 1; id < IDS; id++)
		if (host->listed[host->moment][id])
			vst_pids_add(listed, id);
	host->moment++;
	return host->error;
}

static bool exists(void *ctx, uint32_t id, uint64_t *ret_start)
{
	struct host *host = ctx;
	*ret_start = host->start[host->moment][id];
	return host->exists[host->moment][id];
}

static void always(bool table[MOMENTS][IDS], uint32_t id)
{
	for (int i = 0; i < MOMENTS; i++)
		table[i][id] = true;
}

static int compare(struct host *host, uint32_t suspect, size_t *ret_count)
{
	const struct vst_pid_world world = {host, list, exists};
	struct vst_pid_set suspects = {0}, hidden = {0};
	vst_pids_add(&suspects, suspect);
	vst_pids_sort(&suspects);
	int error = vst_pids_hidden(&world, &suspects, &hidden);
	*ret_count = hidden.count;
	if (hidden.count > 0)
		assert_int_equal(hidden.ids[0], suspect);
	vst_pids_free(&suspects);
	vst_pids_free(&hidden);
	return error;
}

static void hidden_is_what_exists_and_is_never_listed(void **state)
{
	(void)state;
	struct host host = {0};
	size_t count;
	always(host.exists, 3);
	assert_int_equal(compare(&host, 3, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(host.moment, 2); /* asked twice */
}

static void listed_at_last_is_not_hidden(void **state)
{
	(void)state;
	struct host host = {0};
	size_t count;
	always(host.exists, 3);
	host.listed[1][3] = true; /* started in the middle of the first listing */
	assert_int_equal(compare(&host, 3, &count), 0);
	assert_int_equal(count, 0);
}

static void ended_is_not_hidden(void **state)
{
	(void)state;
	struct host host = {0};
	size_t count;
	host.exists[0][3] = true;
	assert_int_equal(compare(&host, 3, &count), 0);
	assert_int_equal(count, 0);
}

static void another_process_of_that_number_is_not_hidden(void **state)
{
	(void)state;
	struct host host = {0};
	size_t count;
	always(host.exists, 3);
	host.start[1][3] = 100;
	assert_int_equal(compare(&host, 3, &count), 0);
	assert_int_equal(count, 0);
}

static void nothing_is_asked_of_what_never_was(void **state)
{
	(void)state;
	struct host host = {0};
	size_t count;
	assert_int_equal(compare(&host, 3, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(host.moment, 0);
}

static void a_failed_listing_is_an_error(void **state)
{
	(void)state;
	struct host host = {.error = EIO};
	size_t count;
	always(host.exists, 3);
	assert_int_equal(compare(&host, 3, &count), EIO);
	assert_int_equal(count, 0);
}

static void sets_hold_each_id_once(void **state)
{
	(void)state;
	struct vst_pid_set set = {0};
	static const uint64_t ids[] = {5, 1, 5, 0, 4194305, UINT64_C(1) << 40, 3, 1};
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		vst_pids_add(&set, ids[i]);
	vst_pids_sort(&set);
	assert_int_equal(set.count, 3);
	assert_true(vst_pids_has(&set, 1) && vst_pids_has(&set, 3) && vst_pids_has(&set, 5));
	assert_false(vst_pids_has(&set, 2) || vst_pids_has(&set, (UINT64_C(1) << 32) + 1));
	vst_pids_free(&set);
	assert_false(vst_pids_has(&set, 1));
}

static void inodes_are_found_again(void **state)
{
	(void)state;
	struct vst_inode_map map = {0};
	struct vst_inode inode = {8, 1, 0};
	assert_true(vst_inode_map_find(&map, &inode) == VST_INODE_NONE);
	for (inode.ino = 0; inode.ino < 5000; inode.ino++)
		assert_int_equal(vst_inode_map_add(&map, &inode, (size_t)inode.ino * 2), 0);
	for (inode.ino = 0; inode.ino < 5000; inode.ino++)
		assert_int_equal(vst_inode_map_find(&map, &inode), inode.ino * 2);
	assert_true(vst_inode_map_find(&map, &inode) == VST_INODE_NONE);
	inode = (struct vst_inode){8, 2, 7};
	assert_true(vst_inode_map_find(&map, &inode) == VST_INODE_NONE);
	vst_inode_map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(hidden_is_what_exists_and_is_never_listed),
	        cmocka_unit_test(listed_at_last_is_not_hidden),
	        cmocka_unit_test(ended_is_not_hidden),
	        cmocka_unit_test(another_process_of_that_number_is_not_hidden),
	        cmocka_unit_test(nothing_is_asked_of_what_never_was),
	        cmocka_unit_test(a_failed_listing_is_an_error),
	        cmocka_unit_test(sets_hold_each_id_once),
	        cmocka_unit_test(inodes_are_found_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
