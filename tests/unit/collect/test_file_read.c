#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>

#include "collect/collecting.h"
#include "collect/file_attributes.h"
#include "collect/file_map.h"

#define BIG (3 * 1024 * 1024)

static void write_big(struct collecting *c, const char *path, size_t len)
{
	char *data = malloc(len);
	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 31 + i / 4096);
	tree_write(c->root, path, data, len);
	free(data);
}

/* ---- files that do not stay as they are ---- */

struct mutation {
	struct collecting *c;
	void (*change)(struct collecting *c);
	bool done;
};

static void mutate_once(void *ctx, const char *path)
{
	struct mutation *mutation = ctx;
	(void)path;
	if (!mutation->done)
		mutation->change(mutation->c);
	mutation->done = true;
}

/* Takes /big, and changes it when its first data arrive. */
static const struct record *take_changing(struct collecting *c, void (*change)(struct collecting *c))
{
	struct mutation mutation = {c, change, false};
	write_big(c, "big", BIG);
	c->recorder.on_data = mutate_once;
	c->recorder.on_data_ctx = &mutation;
	collecting_run_path(c, "/big");
	assert_true(mutation.done);
	return collecting_record(c, "/big");
}

static void grow(struct collecting *c)
{
	int fd = openat(c->root, "big", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "more", 4), 4);
	close(fd);
}

static void file_read_tells_that_a_file_grew(void **state)
{
	struct collecting *c = *state;
	const struct record *record = take_changing(c, grow);
	collecting_status(c, "/big", VST_ITEM_CHANGED, NULL);
	assert_int_equal(record->content.len, BIG);
	assert_int_equal(record->item->size, BIG);
	assert_int_equal(record->item->before.size, BIG);
	assert_int_equal(record->item->after.size, BIG + 4);
	assert_int_equal(record->item->read_padding, 0);
}

static void shrink(struct collecting *c)
{
	int fd = openat(c->root, "big", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, BIG / 2), 0);
	close(fd);
}

static void file_read_tells_that_a_file_shrank(void **state)
{
	struct collecting *c = *state;
	const struct record *record = take_changing(c, shrink);
	collecting_status(c, "/big", VST_ITEM_CHANGED, NULL);
	assert_int_equal(record->item->read_expected, BIG);
	assert_int_equal(record->item->read_got, BIG / 2);
	assert_int_equal(record->item->read_padding, BIG - BIG / 2);
	assert_int_equal(record->item->after.size, BIG / 2);
}

static void overwrite(struct collecting *c)
{
	int fd = openat(c->root, "big", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "OTHER", 5, 0), 5);
	close(fd);
}

static void file_read_tells_that_a_file_was_written_to(void **state)
{
	struct collecting *c = *state;
	const struct record *record = take_changing(c, overwrite);
	collecting_status(c, "/big", VST_ITEM_CHANGED, NULL);
	assert_int_equal(record->item->read_got, BIG);
	assert_true(record->item->before.mtime < record->item->after.mtime);
}

static void take_away(struct collecting *c)
{
	assert_int_equal(unlinkat(c->root, "big", 0), 0);
}

static void file_read_reads_on_when_the_name_is_gone(void **state)
{
	struct collecting *c = *state;
	const struct record *record = take_changing(c, take_away);
	collecting_status(c, "/big", VST_ITEM_CHANGED, NULL); /* its ctime tells */
	assert_int_equal(record->item->read_got, BIG);
}

/* What comes after /d/1-big in /d has been listed when its data arrive. */
static void take_listed(struct collecting *c, void (*change)(struct collecting *c))
{
	struct mutation mutation = {c, change, false};
	tree_mkdirs(c->root, "d/dir/sub");
	write_big(c, "d/1-big", 1);
	tree_write(c->root, "d/dir/f", "f", 1);
	tree_write(c->root, "d/file", "f", 1);
	assert_int_equal(symlinkat("target", c->root, "d/link"), 0);
	c->recorder.on_data = mutate_once;
	c->recorder.on_data_ctx = &mutation;
	collecting_run_path(c, "/d/**");
}

static void remove_listed(struct collecting *c)
{
	assert_int_equal(unlinkat(c->root, "d/file", 0), 0);
	assert_int_equal(unlinkat(c->root, "d/link", 0), 0);
	assert_int_equal(unlinkat(c->root, "d/dir/f", 0), 0);
	assert_int_equal(unlinkat(c->root, "d/dir/sub", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(c->root, "d/dir", AT_REMOVEDIR), 0);
}

static void file_read_tells_what_vanished(void **state)
{
	struct collecting *c = *state;
	take_listed(c, remove_listed);
	collecting_expect(c, "/d\n/d/1-big\n/d/dir\n/d/file\n/d/link\n");
	collecting_status(c, "/d/dir", VST_ITEM_VANISHED, NULL);
	collecting_status(c, "/d/file", VST_ITEM_VANISHED, NULL);
	collecting_status(c, "/d/link", VST_ITEM_VANISHED, NULL);
	assert_int_equal(collecting_item(c, "/d/file")->type, VST_ITEM_FILE);
	assert_int_equal(collecting_item(c, "/d/dir")->type, VST_ITEM_DIRECTORY);
}

static void swap_types(struct collecting *c)
{
	remove_listed(c);
	assert_int_equal(mkfifoat(c->root, "d/file", 0600), 0);
	tree_write(c->root, "d/link", "no link", 7);
	assert_int_equal(symlinkat("/etc", c->root, "d/dir"), 0);
}

static void file_read_tells_what_changed_its_type_and_does_not_hang(void **state)
{
	struct collecting *c = *state;
	take_listed(c, swap_types);
	collecting_status(
	        c, "/d/file", VST_ITEM_ERROR, "its type changed: listed as a regular file, then a FIFO");
	collecting_status(
	        c, "/d/dir", VST_ITEM_ERROR, "its type changed: listed as a directory, then a symbolic link");
	collecting_status(c, "/d/link", VST_ITEM_ERROR,
	        "its type changed: listed as a symbolic link, then a regular file");
}

static void swap_to_link(struct collecting *c)
{
	assert_int_equal(unlinkat(c->root, "d/file", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", c->root, "d/file"), 0);
}

static void file_read_does_not_follow_a_link_put_in_place(void **state)
{
	struct collecting *c = *state;
	take_listed(c, swap_to_link);
	collecting_status(c, "/d/file", VST_ITEM_ERROR,
	        "its type changed: listed as a regular file, then a symbolic link");
	assert_int_equal(collecting_item(c, "/d/file")->type, VST_ITEM_SYMLINK);
}

/* A directory moved away while the walk is deep inside it: what is left in it is told. */
static void move_deep(struct collecting *c)
{
	assert_int_equal(renameat(c->root, "m/1/2", c->root, "elsewhere"), 0);
}

static void file_read_does_not_leave_the_tree_when_a_directory_is_moved(void **state)
{
	struct collecting *c = *state;
	struct mutation mutation = {c, move_deep, false};
	char path[400] = "m/1/2";
	for (int i = 0; i < 60; i++)
		strcat(path, "/x");
	tree_mkdirs(c->root, path);
	strcat(path, "/file");
	tree_write(c->root, path, "f", 1);
	tree_write(c->root, "m/1/2/z-after", "z", 1);
	tree_write(c->root, "m/1/z-after", "z", 1);
	c->recorder.on_data = mutate_once;
	c->recorder.on_data_ctx = &mutation;
	collecting_run_path(c, "/m");
	collecting_status(
	        c, "/m/1/2/z-after", VST_ITEM_COLLECTED, NULL); /* same directory, reached by descriptor */
	collecting_status(c, "/m/1/z-after", VST_ITEM_COLLECTED, NULL);
}

/* ---- files that refuse ---- */

static void file_read_tells_what_is_denied(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "d/closed");
	tree_mkdirs(c->root, "d/unlistable");
	tree_write(c->root, "d/secret", "12345", 5);
	tree_write(c->root, "d/open", "o", 1);
	tree_write(c->root, "d/closed/f", "f", 1);
	assert_int_equal(fchmodat(c->root, "d/secret", 0, 0), 0);
	assert_int_equal(fchmodat(c->root, "d/closed", 0, 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	collecting_path(c, "/d/**");
	collecting_path(c, "/d/closed/f");
	int rc = collecting_try(c);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(fchmodat(c->root, "d/closed", 0755, 0), 0);
	assert_int_equal(rc, 0);
	collecting_status(c, "/d/secret", VST_ITEM_DENIED, "open");
	assert_int_equal(collecting_item(c, "/d/secret")->error, EACCES);
	assert_int_equal(collecting_item(c, "/d/secret")->size, 5);
	collecting_status(c, "/d/closed", VST_ITEM_DENIED, "open");
	collecting_status(c, "/d/closed/f", VST_ITEM_DENIED, "resolve");
	collecting_status(c, "/d/open", VST_ITEM_COLLECTED, NULL);
}

/* ---- sparse files ---- */

static void file_read_takes_a_sparse_terabyte_for_what_its_data_costs(void **state)
{
	struct collecting *c = *state;
	struct timespec start, end;
	int fd = openat(c->root, "lastlog", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (ftruncate(fd, INT64_C(1) << 40) != 0) {
		close(fd);
		skip();
	}
	assert_int_equal(pwrite(fd, "root", 4, 0), 4);
	assert_int_equal(pwrite(fd, "user", 4, (INT64_C(1) << 39) + 292), 4);
	close(fd);
	c->context.item_limit = 1024 * 1024; /* of data: the holes do not count */
	clock_gettime(CLOCK_MONOTONIC, &start);
	collecting_run_path(c, "/lastlog");
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - start.tv_sec < 20);
	const struct record *record = collecting_record(c, "/lastlog");
	collecting_status(c, "/lastlog", VST_ITEM_COLLECTED, NULL);
	assert_true(record->item->is_sparse);
	assert_int_equal(record->item->size, UINT64_C(1) << 40);
	assert_int_equal(record->item->extent_count, 2);
	assert_int_equal(record->item->extents[0].offset, 0);
	uint64_t at =
	        (UINT64_C(1) << 39) + 292 - record->item->extents[1].offset + record->item->extents[0].len;
	assert_true(record->content.len < 1024 * 1024);
	assert_memory_equal(record->content.data, "root", 4);
	assert_memory_equal(record->content.data + at, "user", 4);
}

static void file_read_takes_a_file_that_is_one_hole(void **state)
{
	struct collecting *c = *state;
	int fd = openat(c->root, "hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(fd, BIG), 0);
	close(fd);
	collecting_run_path(c, "/hole");
	const struct record *record = collecting_record(c, "/hole");
	collecting_status(c, "/hole", VST_ITEM_COLLECTED, NULL);
	assert_int_equal(record->item->size, BIG);
	assert_true(record->item->is_sparse || record->content.len == BIG);
	assert_int_equal(record->item->read_padding, 0);
}

static void file_read_cuts_a_sparse_file_at_a_limit_of_data(void **state)
{
	struct collecting *c = *state;
	int fd = openat(c->root, "s", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	char block[65536];
	memset(block, 'x', sizeof block);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pwrite(fd, block, sizeof block, i * (1 << 20)), sizeof block);
	close(fd);
	c->context.item_limit = 65536 + 100;
	collecting_run_path(c, "/s");
	const struct record *record = collecting_record(c, "/s");
	if (!record->item->is_sparse)
		skip();
	collecting_status(c, "/s", VST_ITEM_TRUNCATED, "limits.item");
	assert_int_equal(record->item->extent_count, 2);
	assert_int_equal(record->item->size, (1 << 20) + 100);
	assert_int_equal(record->content.len, 65536 + 100);
}

static void file_map_joins_the_extents_with_the_smallest_gaps(void **state)
{
	(void)state;
	struct vst_file_map map = {0};
	static const struct vst_item_extent extents[] = {
	        {0, 10}, {20, 10}, {1000, 10}, {1015, 5}, {1030, 1}, {5000, 1}};
	map.extents = malloc(sizeof extents);
	memcpy(map.extents, extents, sizeof extents);
	map.count = map.cap = 6;
	assert_int_equal(vst_file_map_join(&map, 4, NULL), 0);
	assert_int_equal(map.count, 4);
	assert_int_equal(map.extents[0].len, 30); /* of two gaps of ten bytes the first goes, … */
	assert_int_equal(map.extents[1].offset, 1000);
	assert_int_equal(map.extents[1].len, 20); /* … and the one of five */
	assert_int_equal(map.extents[2].offset, 1030);
	assert_int_equal(map.extents[3].offset, 5000);
	assert_int_equal(vst_file_map_join(&map, 1, NULL), 0);
	assert_int_equal(map.count, 1);
	assert_int_equal(map.extents[0].len, 5001);
	vst_file_map_free(&map);
}

/* ---- files without a size ---- */

static void file_read_takes_proc_files_as_streams(void **state)
{
	struct collecting *c = *state;
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		skip();
	c->context.root_fd = proc;
	collecting_path(c, "/comm");
	collecting_path(c, "/cmdline");
	collecting_path(c, "/mem");
	collecting_path(c, "/exe");
	int rc = collecting_try(c);
	close(proc);
	assert_int_equal(rc, 0);
	assert_int_equal(collecting_item(c, "/comm")->type, VST_ITEM_STREAM);
	collecting_status(c, "/comm", VST_ITEM_COLLECTED, NULL);
	collecting_content(c, "/comm", "test_file_read\n");
	assert_int_equal(collecting_item(c, "/mem")->type, VST_ITEM_FILE);
	collecting_status(c, "/mem", VST_ITEM_ERROR, "read");
	assert_int_equal(collecting_item(c, "/mem")->error, EIO);
	assert_false(collecting_item(c, "/mem")->has_content);
	assert_int_equal(collecting_item(c, "/exe")->type, VST_ITEM_SYMLINK);
}

static void file_read_leaves_alone_what_acts_on_the_host(void **state)
{
	struct collecting *c = *state;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	if (proc < 0 || fstatat(proc, "kmsg", &st, 0) != 0 || geteuid() != 0) {
		close(proc);
		skip();
	}
	c->context.root_fd = proc;
	collecting_path(c, "/kmsg");
	tree_write(c->root, "kmsg", "an ordinary file", 16);
	int rc = collecting_try(c);
	close(proc);
	assert_int_equal(rc, 0);
	collecting_status(c, "/kmsg", VST_ITEM_EXCLUDED, "reading it acts on the host");
	recorder_free(&c->recorder);
	c->recorder.keep = true;
	c->context.root_fd = c->root;
	collecting_run(c);
	collecting_content(c, "/kmsg", "an ordinary file");
}

static void file_read_cuts_streams_at_a_limit(void **state)
{
	struct collecting *c = *state;
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		skip();
	c->context.root_fd = proc;
	c->context.item_limit = 5;
	collecting_path(c, "/comm");
	collecting_path(c, "/timerslack_ns"); /* "50000" and a line end */
	int rc = collecting_try(c);
	close(proc);
	assert_int_equal(rc, 0);
	collecting_status(c, "/comm", VST_ITEM_TRUNCATED, "limits.item");
	collecting_content(c, "/comm", "test_");
}

static void file_read_takes_empty_files(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "empty", "", 0);
	collecting_run_path(c, "/empty");
	assert_int_equal(collecting_item(c, "/empty")->type, VST_ITEM_FILE);
	assert_int_equal(collecting_item(c, "/empty")->size, 0);
	assert_true(collecting_item(c, "/empty")->has_content);
	collecting_status(c, "/empty", VST_ITEM_COLLECTED, NULL);
}

static void file_read_takes_sizes_around_a_block(void **state)
{
	struct collecting *c = *state;
	static const size_t sizes[] = {262143, 262144, 262145, 524288, 524289};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char name[32];
		snprintf(name, sizeof name, "f%zu", sizes[i]);
		write_big(c, name, sizes[i]);
	}
	collecting_run_path(c, "/f*");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const struct record *record = &c->recorder.records[i];
		assert_int_equal(record->item->status, VST_ITEM_COLLECTED);
		assert_int_equal(record->content.len, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at += 1000)
			assert_int_equal((char)record->content.data[at], (char)(at * 31 + at / 4096));
	}
}

/* ---- page cache ---- */

static size_t cached_pages(int fd, size_t len)
{
	unsigned char *pages = malloc(len / 4096);
	size_t cached = 0;
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mincore(map, len, pages), 0);
	for (size_t i = 0; i < len / 4096; i++)
		cached += pages[i] & 1;
	munmap(map, len);
	free(pages);
	return cached;
}

static void file_read_drops_only_pages_that_were_not_cached(void **state)
{
	struct collecting *c = *state;
	const size_t len = 48 << 20;
	write_big(c, "cold", len);
	write_big(c, "warm", len);
	int cold = openat(c->root, "cold", O_RDONLY | O_CLOEXEC),
	    warm = openat(c->root, "warm", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsync(cold), 0);
	assert_int_equal(fsync(warm), 0);
	assert_int_equal(posix_fadvise(cold, 0, 0, POSIX_FADV_DONTNEED), 0);
	size_t before = cached_pages(cold, len);
	c->recorder.keep = false;
	collecting_run_path(c, "/*");
	size_t cold_after = cached_pages(cold, len), warm_after = cached_pages(warm, len);
	close(cold);
	close(warm);
	if (before > 0) /* a file system in memory */
		skip();
	assert_true(cold_after < len / 4096 / 8);
	assert_true(warm_after > len / 4096 / 2);
}

/* ---- texts ---- */

static void file_attributes_spell_acls(void **state)
{
	(void)state;
	struct vst_buf out = VST_BUF_INIT;
	static const uint8_t good[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 8, 0, 1, 0, 1, 0, 0, 0};
	assert_true(vst_file_acl_text(good, sizeof good, &out));
	assert_string_equal(vst_buf_cstr(&out), "user::rwx,group:1:--x");
	vst_buf_clear(&out);
	for (size_t len = 0; len < sizeof good; len++)
		assert_int_equal(vst_file_acl_text(good, len, &out), len == 12);
	vst_buf_clear(&out);
	for (size_t at = 0; at < 8; at++) { /* version, tag, permissions of no ACL that we know */
		uint8_t bad[sizeof good];
		memcpy(bad, good, sizeof good);
		bad[at] ^= 0x80;
		assert_false(vst_file_acl_text(bad, sizeof bad, &out));
		assert_int_equal(out.len, 0);
	}
	static const uint8_t nobody[] = {2, 0, 0, 0, 2, 0, 7, 0, 255, 255, 255, 255};
	assert_false(vst_file_acl_text(nobody, sizeof nobody, &out));
	vst_buf_free(&out);
}

static void file_attributes_spell_flags_as_lsattr(void **state)
{
	(void)state;
	char text[VST_FILE_FLAGS_TEXT];
	vst_file_flags_text(0x80000 | 0x10 | 0x20, text);
	assert_string_equal(text, "iae");
	vst_file_flags_text(0, text);
	assert_string_equal(text, "");
	vst_file_flags_text(UINT32_MAX, text);
	assert_true(strlen(text) < VST_FILE_FLAGS_TEXT - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, collecting_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(file_read_tells_that_a_file_grew),
	        TEST(file_read_tells_that_a_file_shrank),
	        TEST(file_read_tells_that_a_file_was_written_to),
	        TEST(file_read_reads_on_when_the_name_is_gone),
	        TEST(file_read_tells_what_vanished),
	        TEST(file_read_tells_what_changed_its_type_and_does_not_hang),
	        TEST(file_read_does_not_follow_a_link_put_in_place),
	        TEST(file_read_does_not_leave_the_tree_when_a_directory_is_moved),
	        TEST(file_read_tells_what_is_denied),
	        TEST(file_read_takes_a_sparse_terabyte_for_what_its_data_costs),
	        TEST(file_read_takes_a_file_that_is_one_hole),
	        TEST(file_read_cuts_a_sparse_file_at_a_limit_of_data),
	        cmocka_unit_test(file_map_joins_the_extents_with_the_smallest_gaps),
	        TEST(file_read_takes_proc_files_as_streams),
	        TEST(file_read_leaves_alone_what_acts_on_the_host),
	        TEST(file_read_cuts_streams_at_a_limit),
	        TEST(file_read_takes_empty_files),
	        TEST(file_read_takes_sizes_around_a_block),
	        TEST(file_read_drops_only_pages_that_were_not_cached),
	        cmocka_unit_test(file_attributes_spell_acls),
	        cmocka_unit_test(file_attributes_spell_flags_as_lsattr),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
