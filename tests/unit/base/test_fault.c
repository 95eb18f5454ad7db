#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/fault.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#ifndef VESTIGE_FAULTS

static void fault_is_compiled_away(void **state)
{
	(void)state;
	setenv("VESTIGE_FAULT", "malloc:1+:ENOMEM", 1);
	void *memory = vst_alloc(1);
	assert_non_null(memory);
	free(memory);
	VST_STEP("none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(fault_is_compiled_away)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static char root[64];
static int dir;

static int set_up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/vst-fault-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dir, "old", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return dir >= 0 && fd >= 0 && write(fd, "before", 6) == 6 ? close(fd) : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char command[128];
	close(dir);
	snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command);
}

/* The plan is read once in a process, so each one gets a process of its own. Returns the wait status. */
static int with_plan(const char *plan, int (*run)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		setenv("VESTIGE_FAULT", plan, 1);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(99);
		_exit(run());
	}
	waitpid(child, &status, 0);
	return status;
}

static void exits(const char *plan, int (*run)(void), int code)
{
	int status = with_plan(plan, run);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void dies(const char *plan, int (*run)(void), int signal)
{
	int status = with_plan(plan, run);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
}

/* The bits of the allocations that failed. */
static int allocate_thrice(void)
{
	int failed = 0;
	for (int i = 0; i < 3; i++) {
		void *memory = i == 1 ? vst_realloc(NULL, 1, 1) : vst_alloc(1);
		failed |= memory ? 0 : 1 << i;
		free(memory);
	}
	return failed;
}

static int replace_file(void)
{
	return -vst_io_write_file(dir, "old", 0600, "after!!", 7, VST_IO_REPLACE, NULL);
}

static int make_file(void)
{
	return -vst_io_write_file(dir, "new", 0600, "after!!", 7, VST_IO_NEW, NULL);
}

static int read_file(void)
{
	struct vst_buf buf = VST_BUF_INIT;
	int rc = vst_io_read_file(dir, "old", 100, &buf, NULL);
	if (rc == 0 && (buf.len != 6 || memcmp(buf.data, "before", 6) != 0))
		return 99;
	vst_buf_free(&buf);
	return -rc;
}

static int two_steps(void)
{
	VST_STEP("one");
	if (write(openat(dir, "reached", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "x", 1) != 1)
		return 99;
	VST_STEP("two");
	return 7;
}

static bool holds(const char *name, const char *expected)
{
	char text[32] = "";
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool same = read(fd, text, sizeof text - 1) >= 0 && strcmp(text, expected) == 0;
	close(fd);
	return same;
}

static int entries(void)
{
	char command[128];
	unsigned count = 0;
	snprintf(command, sizeof command, "ls -A '%s' | wc -l", root);
	FILE *out = popen(command, "r");
	assert_int_equal(fscanf(out, "%u", &count), 1);
	pclose(out);
	return (int)count;
}

static void fault_hits_the_nth_occasion(void **state)
{
	(void)state;
	exits("", allocate_thrice, 0);
	exits("malloc:1:ENOMEM", allocate_thrice, 1);
	exits("malloc:2:ENOMEM", allocate_thrice, 2);
	exits("malloc:2+:ENOMEM", allocate_thrice, 6);
	exits("malloc:4:ENOMEM", allocate_thrice, 0);
	exits("read:1:EIO", allocate_thrice, 0);
}

static void fault_refuses_a_plan_with_a_slip(void **state)
{
	(void)state;
	static const char *const bad[] = {"x", "malloc", "malloc:", "malloc:0:EIO", "malloc:1",
	        "malloc:1:", "malloc:1:EXIST", "mallok:1:EIO", "step:1:kill", "step=:1:kill",
	        "malloc=a:1:EIO", "malloc:1:short", "read:1+:EINTR", "read:-1:EIO", "read:1x:EIO",
	        "read:99999999999999999999999:EIO", "read:1:EIO "};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		dies(bad[i], allocate_thrice, SIGABRT);
}

static void fault_in_a_write_leaves_the_old_file(void **state)
{
	(void)state;
	static const char *const plans[] = {"write:1:ENOSPC", "write:1+:EIO", "fsync:1:EIO", "rename:1:EIO"};
	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		exits(plans[i], replace_file, -VST_EIO);
		assert_true(holds("old", "before"));
		assert_int_equal(entries(), 1);
	}
}

static void fault_in_the_last_fsync_is_reported(void **state)
{
	(void)state;
	exits("fsync:2:EIO", replace_file, -VST_EIO);
	assert_true(holds("old", "after!!"));
	assert_int_equal(entries(), 1);
}

static void interrupted_and_short_transfers_are_continued(void **state)
{
	(void)state;
	static const char *const plans[] = {"write:1:EINTR", "write:2:EINTR", "write:1:short",
	        "write:1+:short", "fsync:1:EINTR", "fsync:2:EINTR", "rename:1:EINTR"};
	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		exits(plans[i], make_file, 0);
		assert_true(holds("new", "after!!"));
		assert_int_equal(unlinkat(dir, "new", 0), 0);
		assert_int_equal(entries(), 1);
	}
	exits("read:1:EINTR", read_file, 0);
	exits("read:1:EAGAIN", read_file, 0);
	exits("read:1+:short", read_file, 0);
	exits("read:2:EIO", read_file, -VST_EIO);
	exits("malloc:1:ENOMEM", read_file, -VST_ENOMEM);
}

static void rename_without_kernel_support_still_never_replaces(void **state)
{
	(void)state;
	exits("rename:1:EINVAL", make_file, 0);
	assert_true(holds("new", "after!!"));
	exits("rename:1:EINVAL", make_file, -VST_EEXIST);
	assert_int_equal(entries(), 2);
}

static void kill_before_the_rename_leaves_the_old_file(void **state)
{
	(void)state;
	dies("write:1:kill", replace_file, SIGKILL);
	dies("fsync:1:kill", replace_file, SIGKILL);
	dies("rename:1:kill", replace_file, SIGKILL);
	assert_true(holds("old", "before"));
	dies("fsync:2:kill", replace_file, SIGKILL);
	assert_true(holds("old", "after!!"));
}

static void kill_at_a_named_step(void **state)
{
	(void)state;
	dies("step=one:1:kill", two_steps, SIGKILL);
	assert_false(holds("reached", "x"));
	dies("step=two:1:kill", two_steps, SIGKILL);
	assert_true(holds("reached", "x"));
	exits("step=two:2:kill", two_steps, 7);
}

static void counts_are_written_at_exit(void **state)
{
	(void)state;
	char path[128], text[256] = "";
	int status;
	snprintf(path, sizeof path, "%s/counts", root);
	pid_t child = fork();
	if (child == 0) {
		setenv("VESTIGE_FAULT_COUNT", path, 1);
		allocate_thrice();
		make_file();
		two_steps();
		two_steps();
		exit(0);
	}
	waitpid(child, &status, 0);
	int fd = openat(dir, "counts", O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	assert_string_equal(
	        text, "malloc 3\nread 0\nwrite 1\nfsync 2\nrename 1\nstep 4\nstep=one 2\nstep=two 2\n");
}

static void *allocate_often(void *failures)
{
	for (int i = 0; i < 1000; i++) {
		void *memory = vst_alloc(1);
		if (!memory)
			++*(int *)failures;
		free(memory);
	}
	return NULL;
}

static int allocate_in_threads(void)
{
	pthread_t threads[4];
	int failures[4] = {0}, sum = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, allocate_often, &failures[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		sum += failures[i];
	}
	return sum;
}

static void threads_share_one_count(void **state)
{
	(void)state;
	exits("malloc:2500:ENOMEM", allocate_in_threads, 1);
	exits("malloc:3981+:ENOMEM", allocate_in_threads, 20);
}

static int read_clock(void)
{
	setenv("VESTIGE_CLOCK", "1795318813", 1);
	int64_t first = vst_time_now(), second = vst_time_now();
	return first == 1795318813 * VST_NS_PER_S && second == first + 1000000 ? 0 : 1;
}

static int read_bad_clock(void)
{
	setenv("VESTIGE_CLOCK", "noon", 1);
	return (int)(vst_time_now() & 1);
}

static void clock_can_be_fixed(void **state)
{
	(void)state;
	exits("", read_clock, 0);
	dies("", read_bad_clock, SIGABRT);
}

#define fault_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        fault_test(fault_hits_the_nth_occasion),
	        fault_test(fault_refuses_a_plan_with_a_slip),
	        fault_test(fault_in_a_write_leaves_the_old_file),
	        fault_test(fault_in_the_last_fsync_is_reported),
	        fault_test(interrupted_and_short_transfers_are_continued),
	        fault_test(rename_without_kernel_support_still_never_replaces),
	        fault_test(kill_before_the_rename_leaves_the_old_file),
	        fault_test(kill_at_a_named_step),
	        fault_test(counts_are_written_at_exit),
	        fault_test(threads_share_one_count),
	        fault_test(clock_can_be_fixed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
