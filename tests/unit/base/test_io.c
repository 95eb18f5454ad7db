#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"

/* Each test has an empty directory of its own; its descriptor is the state. */
static char root[64];
static int dir;

static int set_up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/vst-io-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int entries(void)
{
	DIR *list = opendir(root);
	int count = 0;
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(list);
	return count;
}

static int tear_down(void **state)
{
	(void)state;
	DIR *list = opendir(root);
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		if (unlinkat(dir, entry->d_name, 0) != 0)
			unlinkat(dir, entry->d_name, AT_REMOVEDIR);
	closedir(list);
	close(dir);
	return rmdir(root);
}

static void holds(const char *name, const char *expected)
{
	struct vst_buf buf = VST_BUF_INIT;
	assert_int_equal(vst_io_read_file(dir, name, 1000, &buf, NULL), 0);
	assert_string_equal(vst_buf_cstr(&buf), expected);
	vst_buf_free(&buf);
}

static void write_file_makes_a_file_with_its_mode(void **state)
{
	(void)state;
	struct stat st;
	mode_t old = umask(022);
	assert_int_equal(vst_io_write_file(dir, "a", 0666, "one", 3, VST_IO_NEW, NULL), 0);
	umask(old);
	holds("a", "one");
	assert_int_equal(fstatat(dir, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(entries(), 1);
}

static void write_file_new_keeps_what_is_there(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_io_write_file(dir, "a", 0600, "one", 3, VST_IO_NEW, NULL), 0);
	assert_int_equal(vst_io_write_file(dir, "a", 0600, "two", 3, VST_IO_NEW, &err), VST_EEXIST);
	assert_string_equal(err.text, "a: exists already");
	holds("a", "one");
	assert_int_equal(entries(), 1);
}

static void write_file_replaces_when_told(void **state)
{
	(void)state;
	assert_int_equal(vst_io_write_file(dir, "a", 0600, "one", 3, VST_IO_REPLACE, NULL), 0);
	assert_int_equal(vst_io_write_file(dir, "a", 0600, NULL, 0, VST_IO_REPLACE, NULL), 0);
	holds("a", "");
	assert_int_equal(entries(), 1);
}

static void write_file_does_not_follow_a_link_at_its_name(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(vst_io_write_file(dir, "target", 0600, "one", 3, VST_IO_NEW, NULL), 0);
	assert_int_equal(symlinkat("target", dir, "link"), 0);
	assert_int_equal(vst_io_write_file(dir, "link", 0600, "two", 3, VST_IO_REPLACE, NULL), 0);
	holds("target", "one");
	assert_int_equal(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void write_file_into_a_missing_directory_is_not_found(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_io_write_file(dir, "no/a", 0600, "x", 1, VST_IO_NEW, &err), VST_ENOTFOUND);
	assert_string_equal(err.text, "no: does not exist");
}

static void write_file_needs_the_name_of_a_file(void **state)
{
	(void)state;
	static const char *const bad[] = {"", ".", "..", "a/", "a/.."};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(vst_io_write_file(dir, bad[i], 0600, "x", 1, VST_IO_NEW, NULL), VST_EUSAGE);
	assert_int_equal(entries(), 0);
}

static void write_file_takes_the_longest_name_and_absolute_paths(void **state)
{
	(void)state;
	char name[256], path[400];
	memset(name, 'n', 255);
	name[255] = '\0';
	snprintf(path, sizeof path, "%s/%s", root, name);
	assert_int_equal(vst_io_write_file(-1, path, 0600, "x", 1, VST_IO_NEW, NULL), 0);
	holds(name, "x");
}

static void read_file_tells_what_it_cannot_read(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf buf = VST_BUF_INIT;
	vst_buf_text(&buf, "kept");
	assert_int_equal(vst_io_read_file(dir, "no", 10, &buf, &err), VST_ENOTFOUND);
	assert_string_equal(err.text, "no: does not exist");
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(vst_io_read_file(dir, "fifo", 10, &buf, &err), VST_EUNSUPPORTED);
	assert_int_equal(vst_io_read_file(dir, ".", 10, &buf, &err), VST_EUNSUPPORTED);
	assert_int_equal(symlinkat("fifo", dir, "link"), 0);
	assert_int_equal(vst_io_read_file(dir, "link", 10, &buf, &err), VST_EIO);
	assert_string_equal(vst_buf_cstr(&buf), "kept");
	vst_buf_free(&buf);
}

static void read_file_obeys_the_cap(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf buf = VST_BUF_INIT;
	vst_io_write_file(dir, "a", 0600, "12345", 5, VST_IO_NEW, NULL);
	assert_int_equal(vst_io_read_file(dir, "a", 5, &buf, NULL), 0);
	assert_int_equal(buf.len, 5);
	assert_int_equal(vst_io_read_file(dir, "a", 4, &buf, &err), VST_ELIMIT);
	assert_string_equal(err.text, "a: longer than 4 bytes");
	assert_int_equal(vst_io_read_file(dir, "a", 0, &buf, &err), VST_ELIMIT);
	assert_int_equal(buf.len, 5);
	assert_int_equal(vst_io_read_file(dir, "a", SIZE_MAX, &buf, NULL), 0);
	assert_int_equal(buf.len, 10);
	vst_buf_free(&buf);
}

static void read_file_takes_files_that_claim_no_size(void **state)
{
	(void)state;
	struct vst_buf buf = VST_BUF_INIT;
	assert_int_equal(vst_io_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &buf, NULL), 0);
	assert_true(buf.len > 100);
	vst_buf_free(&buf);
}

static void read_all_takes_a_pipe_in_pieces(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		static uint8_t block[300000];
		for (int i = 0; i < 3; i++)
			if (vst_io_write(ends[1], block, sizeof block, NULL) != 0)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	/* Non-blocking as a terminal program may leave it: the reader waits. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	struct vst_buf buf = VST_BUF_INIT;
	assert_int_equal(vst_io_read_all(ends[0], SIZE_MAX, &buf, NULL), 0);
	assert_int_equal(buf.len, 900000);
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	close(ends[0]);
	vst_buf_free(&buf);
}

static void pread_stops_at_the_end(void **state)
{
	(void)state;
	char data[8];
	size_t len = 99;
	vst_io_write_file(dir, "a", 0600, "12345", 5, VST_IO_NEW, NULL);
	int fd = openat(dir, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(vst_io_pread(fd, 3, data, 8, &len, NULL), 0);
	assert_int_equal(len, 2);
	assert_int_equal(vst_io_pread(fd, 30, data, 8, &len, NULL), 0);
	assert_int_equal(len, 0);
	len = 99;
	assert_int_equal(vst_io_pread(fd, UINT64_MAX, data, 8, &len, NULL), VST_EIO);
	assert_int_equal(len, 99);
	close(fd);
}

static void input_checks_its_range(void **state)
{
	(void)state;
	char data[8] = "";
	struct vst_err err = VST_ERR_INIT;
	vst_io_write_file(dir, "a", 0600, "12345", 5, VST_IO_NEW, NULL);
	int fd = openat(dir, "a", O_RDWR | O_CLOEXEC);
	struct vst_input from_fd;
	assert_int_equal(vst_input_fd(fd, &from_fd, NULL), 0);
	struct vst_input inputs[2] = {vst_input_memory("12345", 5), from_fd};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(inputs[i].size, 5);
		assert_int_equal(vst_input_read(&inputs[i], 1, data, 4, NULL), 0);
		assert_memory_equal(data, "2345", 4);
		assert_int_equal(vst_input_read(&inputs[i], 5, data, 0, NULL), 0);
		assert_int_equal(vst_input_read(&inputs[i], 1, data, 5, &err), VST_EFORMAT);
		assert_string_equal(err.text, "cut short: 5 bytes wanted at 1 of 5");
		assert_int_equal(vst_input_read(&inputs[i], UINT64_MAX, data, 2, NULL), VST_EFORMAT);
		assert_int_equal(vst_input_read(&inputs[i], 6, data, 0, NULL), VST_EFORMAT);
	}
	assert_int_equal(ftruncate(fd, 2), 0);
	assert_int_equal(vst_input_read(&from_fd, 0, data, 5, &err), VST_EFORMAT);
	assert_string_equal(err.text, "cut short while it was read");
	close(fd);
}

static void input_needs_a_size(void **state)
{
	(void)state;
	int ends[2];
	struct vst_input in;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(vst_input_fd(ends[0], &in, NULL), VST_EUNSUPPORTED);
	assert_int_equal(vst_input_fd(dir, &in, NULL), VST_EUNSUPPORTED);
	assert_int_equal(vst_input_fd(-1, &in, NULL), VST_EIO);
	close(ends[0]);
	close(ends[1]);
}

static void outputs_write_in_order(void **state)
{
	(void)state;
	struct vst_buf buf = VST_BUF_INIT;
	int fd = openat(dir, "a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct vst_output outputs[2] = {vst_output_buf(&buf), vst_output_fd(fd)};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(outputs[i].write(outputs[i].ctx, "one", 3, NULL), 0);
		assert_int_equal(outputs[i].write(outputs[i].ctx, "two", 3, NULL), 0);
	}
	close(fd);
	assert_string_equal(vst_buf_cstr(&buf), "onetwo");
	holds("a", "onetwo");
	vst_buf_free(&buf);
}

static void rename_keep_refuses_an_existing_target(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	vst_io_write_file(dir, "a", 0600, "one", 3, VST_IO_NEW, NULL);
	vst_io_write_file(dir, "b", 0600, "two", 3, VST_IO_NEW, NULL);
	assert_int_equal(vst_io_rename(dir, "a", dir, "b", true, &err), VST_EEXIST);
	holds("a", "one");
	holds("b", "two");
	assert_int_equal(vst_io_rename(dir, "a", dir, "c", true, NULL), 0);
	assert_int_equal(vst_io_rename(dir, "c", dir, "b", false, NULL), 0);
	holds("b", "one");
	assert_int_equal(entries(), 1);
	assert_int_equal(vst_io_rename(dir, "gone", dir, "b", false, &err), VST_EIO);
	assert_string_equal(err.text, "b: rename: No such file or directory");
}

static void erase_overwrites_every_link_of_the_bytes(void **state)
{
	(void)state;
	vst_io_write_file(dir, "key", 0600, "secret", 6, VST_IO_NEW, NULL);
	assert_int_equal(linkat(dir, "key", dir, "witness", 0), 0);
	assert_int_equal(vst_io_erase_file(dir, "key", NULL), 0);
	struct vst_buf buf = VST_BUF_INIT;
	assert_int_equal(vst_io_read_file(dir, "witness", 10, &buf, NULL), 0);
	assert_int_equal(buf.len, 6);
	assert_memory_equal(buf.data, "\0\0\0\0\0\0", 6);
	assert_int_equal(entries(), 1);
	assert_int_equal(vst_io_erase_file(dir, "key", NULL), VST_ENOTFOUND);
	vst_buf_free(&buf);
}

static void lock_excludes_other_descriptors_of_this_process(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	int first = -1, second = -1;
	assert_int_equal(vst_io_lock(dir, "lock", false, &first, NULL), 0);
	assert_int_equal(vst_io_lock(dir, "lock", false, &second, &err), VST_ELOCKED);
	assert_int_equal(second, -1);
	/* Closing another descriptor of the file must not release it, as it would a POSIX lock. */
	close(openat(dir, "lock", O_RDONLY | O_CLOEXEC));
	assert_int_equal(vst_io_lock(dir, "lock", false, &second, &err), VST_ELOCKED);
	close(first);
	assert_int_equal(vst_io_lock(dir, "lock", true, &second, NULL), 0);
	close(second);
}

static void lock_excludes_other_processes(void **state)
{
	(void)state;
	int fd = -1, status;
	assert_int_equal(vst_io_lock(dir, "lock", true, &fd, NULL), 0);
	pid_t child = fork();
	if (child == 0) {
		int mine;
		close(fd);
		_exit(vst_io_lock(dir, "lock", false, &mine, NULL) == VST_ELOCKED ? 0 : 1);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	close(fd);
}

static void mkdir_tells_what_is_there(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	int fd = -1;
	assert_int_equal(vst_io_mkdir(dir, "sub/", 0700, NULL), 0);
	assert_int_equal(vst_io_mkdir(dir, "sub", 0700, &err), VST_EEXIST);
	assert_string_equal(err.text, "sub: exists already");
	assert_int_equal(vst_io_mkdir(dir, "no/sub", 0700, &err), VST_ENOTFOUND);
	assert_int_equal(vst_io_open_dir(dir, "sub", &fd, NULL), 0);
	close(fd);
	assert_int_equal(vst_io_fsync_dir(dir, "sub", NULL), 0);
	assert_int_equal(vst_io_fsync_dir(dir, ".", NULL), 0);
}

static void open_dir_needs_a_directory(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	int fd = -1;
	vst_io_write_file(dir, "a", 0600, "", 0, VST_IO_NEW, NULL);
	assert_int_equal(vst_io_open_dir(dir, "a", &fd, &err), VST_ENOTFOUND);
	assert_string_equal(err.text, "a: not a directory");
	assert_int_equal(vst_io_open_dir(dir, "b", &fd, &err), VST_ENOTFOUND);
	assert_int_equal(fd, -1);
}

#define io_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        io_test(write_file_makes_a_file_with_its_mode),
	        io_test(write_file_new_keeps_what_is_there),
	        io_test(write_file_replaces_when_told),
	        io_test(write_file_does_not_follow_a_link_at_its_name),
	        io_test(write_file_into_a_missing_directory_is_not_found),
	        io_test(write_file_needs_the_name_of_a_file),
	        io_test(write_file_takes_the_longest_name_and_absolute_paths),
	        io_test(read_file_tells_what_it_cannot_read),
	        io_test(read_file_obeys_the_cap),
	        io_test(read_file_takes_files_that_claim_no_size),
	        io_test(read_all_takes_a_pipe_in_pieces),
	        io_test(pread_stops_at_the_end),
	        io_test(input_checks_its_range),
	        io_test(input_needs_a_size),
	        io_test(outputs_write_in_order),
	        io_test(rename_keep_refuses_an_existing_target),
	        io_test(erase_overwrites_every_link_of_the_bytes),
	        io_test(lock_excludes_other_descriptors_of_this_process),
	        io_test(lock_excludes_other_processes),
	        io_test(mkdir_tells_what_is_there),
	        io_test(open_dir_needs_a_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
