#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/beneath_walk.h"
#include "collect/tree.h"
#include "vestige/buf.h"
#include "vestige/err.h"

static int root = -1;

/*
 * root/a/b/c/file   root/run/file   root/etc/only-inside
 * Links: see below.
 */
static int setup(void **state)
{
	(void)state;
	root = tree_make();
	tree_mkdirs(root, "a/b/c");
	tree_mkdirs(root, "run");
	tree_mkdirs(root, "var");
	tree_write(root, "a/b/c/file", "deep", 4);
	tree_write(root, "run/file", "run", 3);
	assert_int_equal(symlinkat("/run", root, "var/run"), 0);
	assert_int_equal(symlinkat("../../../../../../etc/passwd", root, "a/out"), 0);
	assert_int_equal(symlinkat("/proc/self/root/etc/passwd", root, "a/magic"), 0);
	assert_int_equal(symlinkat("loop2", root, "loop1"), 0);
	assert_int_equal(symlinkat("loop1", root, "loop2"), 0);
	assert_int_equal(symlinkat("b/../b/./c", root, "a/updown"), 0);
	assert_int_equal(symlinkat("a//b/", root, "slashes"), 0);
	assert_int_equal(symlinkat("run/file/", root, "file-slash"), 0);
	assert_int_equal(symlinkat("nowhere", root, "dangling"), 0);
	assert_int_equal(symlinkat("/", root, "to-root"), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(root);
	return 0;
}

static void gives(const char *path, const char *expected)
{
	for (int way = 0; way < 2; way++) {
		struct vst_err err = VST_ERR_INIT;
		char *resolved = NULL;
		int fd = -1;
		vst_beneath_force_walk(way == 1);
		if (vst_beneath_resolve(root, path, NULL, NULL, &fd, &resolved, &err) != 0)
			fail_msg("%s: %s", path, err.text);
		assert_string_equal(resolved, expected);
		struct stat by_fd, by_path;
		assert_int_equal(fstat(fd, &by_fd), 0);
		assert_int_equal(fstatat(root, strcmp(expected, "/") ? expected + 1 : ".", &by_path, 0), 0);
		assert_int_equal(by_fd.st_ino, by_path.st_ino);
		close(fd);
		free(resolved);
	}
	vst_beneath_force_walk(false);
}

static void fails(const char *path, int expected, const char *expected_stop)
{
	for (int way = 0; way < 2; way++) {
		struct vst_err err = VST_ERR_INIT;
		char *resolved = NULL, *stop = NULL;
		int fd = -1;
		vst_beneath_force_walk(way == 1);
		int rc = vst_beneath_resolve_or_stop(root, path, NULL, NULL, &fd, &resolved, &stop, &err);
		assert_int_equal(rc, VST_EIO);
		assert_int_equal(err.sys, expected);
		assert_int_equal(fd, -1);
		assert_null(resolved);
		assert_string_equal(stop, expected_stop);
		free(stop);
	}
	vst_beneath_force_walk(false);
}

static void beneath_resolves_plain_paths(void **state)
{
	(void)state;
	gives("/a/b/c/file", "/a/b/c/file");
	gives("a/b", "/a/b");
	gives("/", "/");
	gives("", "/");
	gives("//a//b/", "/a/b");
	gives("/a/./b/../b", "/a/b");
}

static void beneath_follows_links_inside_the_root(void **state)
{
	(void)state;
	gives("/var/run", "/run");
	gives("/var/run/file", "/run/file");
	gives("/a/updown/file", "/a/b/c/file");
	gives("/slashes/c", "/a/b/c");
	gives("/to-root/to-root/run", "/run");
}

static void beneath_stops_dot_dot_at_the_root(void **state)
{
	(void)state;
	gives("/../../a", "/a");
	gives("/a/../../../run/file", "/run/file");
}

static void beneath_does_not_leave_by_links(void **state)
{
	(void)state;
	fails("/a/out", ENOENT, "/etc");
	fails("/a/magic", ENOENT, "/proc");
	tree_mkdirs(root, "etc");
	tree_write(root, "etc/passwd", "inside", 6);
	gives("/a/out", "/etc/passwd");
	assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
	assert_int_equal(unlinkat(root, "etc", AT_REMOVEDIR), 0);
}

static void beneath_tells_why_it_failed(void **state)
{
	(void)state;
	fails("/loop1", ELOOP, "/loop1");
	fails("/nothing/below", ENOENT, "/nothing");
	fails("/dangling", ENOENT, "/nowhere");
	fails("/run/file/below", ENOTDIR, "/run/file");
	fails("/run/file/..", ENOTDIR, "/run/file");
	fails("/run/file/", ENOTDIR, "/run/file");
	fails("/file-slash", ENOTDIR, "/run/file");
}

static int count_link(void *ctx, const char *path, int parent_fd, const char *name, struct vst_err *err)
{
	char *seen = ctx;
	struct stat st;
	(void)err;
	assert_int_equal(fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	strcat(seen, path);
	strcat(seen, ";");
	return 0;
}

static void beneath_tells_each_link(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) {
		char seen[256] = "", *resolved = NULL;
		int fd = -1;
		vst_beneath_force_walk(way == 1);
		assert_int_equal(vst_beneath_resolve(root, "/to-root/var/run/file", count_link, seen, &fd,
		                         &resolved, NULL),
		        0);
		assert_string_equal(seen, "/to-root;/var/run;");
		close(fd);
		free(resolved);
	}
	vst_beneath_force_walk(false);
}

static int refuse_link(void *ctx, const char *path, int parent_fd, const char *name, struct vst_err *err)
{
	(void)ctx, (void)path, (void)parent_fd, (void)name;
	return vst_err_sys(err, ENOSPC, "sink");
}

static void beneath_ends_when_the_callback_fails(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	char *resolved = NULL, *stop = NULL;
	int fd = -1;
	assert_int_equal(
	        vst_beneath_resolve_or_stop(root, "/var/run", refuse_link, NULL, &fd, &resolved, &stop, &err),
	        VST_EIO);
	assert_int_equal(err.sys, ENOSPC);
	assert_null(stop);
}

static void beneath_resolves_paths_longer_than_the_kernel_takes(void **state)
{
	(void)state;
	struct vst_buf path = VST_BUF_INIT;
	int dir = openat(root, "run", O_PATH | O_DIRECTORY | O_CLOEXEC);
	vst_buf_text(&path, "/run");
	for (int i = 0; i < 40; i++) {
		char name[201];
		memset(name, 'a' + i % 26, 200);
		name[200] = '\0';
		assert_int_equal(mkdirat(dir, name, 0755), 0);
		int next = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
		vst_buf_byte(&path, '/');
		vst_buf_text(&path, name);
	}
	assert_true(path.len > 8000);
	for (int way = 0; way < 2; way++) {
		char *resolved = NULL;
		int fd = -1;
		struct stat st, expected;
		vst_beneath_force_walk(way == 1);
		assert_int_equal(
		        vst_beneath_resolve(root, vst_buf_cstr(&path), NULL, NULL, &fd, &resolved, NULL), 0);
		assert_string_equal(resolved, vst_buf_cstr(&path));
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(fstat(dir, &expected), 0);
		assert_int_equal(st.st_ino, expected.st_ino);
		close(fd);
		free(resolved);
	}
	vst_beneath_force_walk(false);
	close(dir);
	vst_buf_free(&path);
}

static void beneath_opens_one_name_only(void **state)
{
	(void)state;
	static const char *const refused[] = {"", "..", "a/b", "/", "/a"};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		errno = 0;
		assert_int_equal(vst_beneath_open_at(root, refused[i], O_PATH), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(vst_beneath_open_at(root, "dangling", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	int fd = vst_beneath_open_at(root, "a", O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NOATIME);
	close(fd);
}

static void beneath_open_falls_back_where_noatime_is_refused(void **state)
{
	(void)state;
	assert_int_equal(fchmodat(root, "run/file", 0644, 0), 0);
	int dir = openat(root, "run", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (geteuid() != 0 || seteuid(65534) != 0) {
		close(dir);
		skip();
	}
	int fd = vst_beneath_open_at(dir, "file", O_RDONLY);
	int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
	assert_int_equal(seteuid(0), 0);
	assert_true(fd >= 0);
	assert_false(flags & O_NOATIME);
	close(fd);
	close(dir);
}

static void beneath_reads_regular_files_only(void **state)
{
	(void)state;
	struct vst_buf out = VST_BUF_INIT;
	assert_int_equal(mkfifoat(root, "run/fifo", 0600), 0);
	assert_int_equal(vst_beneath_read(root, "/var/run/file", 16, &out, NULL), 0);
	assert_int_equal(out.len, 3);
	assert_int_equal(vst_beneath_read(root, "/var/run/file", 2, &out, NULL), VST_ELIMIT);
	assert_int_equal(vst_beneath_read(root, "/var/run/fifo", 16, &out, NULL), VST_EUNSUPPORTED);
	assert_int_equal(vst_beneath_read(root, "/a", 16, &out, NULL), VST_EUNSUPPORTED);
	assert_int_equal(vst_beneath_read(root, "/none", 16, &out, NULL), VST_ENOTFOUND);
	assert_int_equal(vst_beneath_read(root, "/a/out", 16, &out, NULL), VST_ENOTFOUND);
	vst_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(beneath_resolves_plain_paths),
	        cmocka_unit_test(beneath_follows_links_inside_the_root),
	        cmocka_unit_test(beneath_stops_dot_dot_at_the_root),
	        cmocka_unit_test(beneath_does_not_leave_by_links),
	        cmocka_unit_test(beneath_tells_why_it_failed),
	        cmocka_unit_test(beneath_tells_each_link),
	        cmocka_unit_test(beneath_ends_when_the_callback_fails),
	        cmocka_unit_test(beneath_resolves_paths_longer_than_the_kernel_takes),
	        cmocka_unit_test(beneath_opens_one_name_only),
	        cmocka_unit_test(beneath_open_falls_back_where_noatime_is_refused),
	        cmocka_unit_test(beneath_reads_regular_files_only),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
