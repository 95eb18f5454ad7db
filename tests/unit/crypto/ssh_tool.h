/* Runs other people's programs in a scratch directory. Tests skip what needs a program that is not there. */
#ifndef VESTIGE_TESTS_SSH_TOOL_H
#define VESTIGE_TESTS_SSH_TOOL_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/io.h"

static char tool_dir[PATH_MAX];

static inline int tool_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* cmocka group fixtures: a directory of our own, which is also the working directory. */
static inline int tool_setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(tool_dir, sizeof tool_dir, "%s/vst-test-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
	return mkdtemp(tool_dir) && chdir(tool_dir) == 0 ? 0 : -1;
}

static inline int tool_teardown(void **state)
{
	(void)state;
	return chdir("/") == 0 && nftw(tool_dir, tool_remove, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -1;
}

static inline bool tool_has(const char *name)
{
	char path[PATH_MAX], list[4096];
	snprintf(list, sizeof list, "%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	for (char *save = NULL, *dir = strtok_r(list, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		snprintf(path, sizeof path, "%s/%s", dir, name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static inline void tool_write(const char *name, const void *data, size_t len, mode_t mode)
{
	unlink(name);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len || close(fd) != 0)
		abort();
}

/* Starts a program without waiting; standard input from `input` (a file name), output and messages into
 * `output`. */
static inline pid_t tool_start(const char *const argv[], const char *input, const char *output)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	int in = open(input, O_RDONLY);
	int out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	char *copy[16] = {NULL};
	for (size_t i = 0; argv[i] && i < 15; i++)
		copy[i] = strdup(argv[i]);
	execvp(copy[0], copy);
	_exit(127);
}

/* Runs a program to its end; gives its exit status and in `ret_output` (may be NULL) all that it wrote. */
static inline int tool_run(const char *const argv[], const char *input, struct vst_buf *ret_output)
{
	int status = 0;
	pid_t pid = tool_start(argv, input ? input : "/dev/null", "tool.out");
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (ret_output) {
		vst_buf_clear(ret_output);
		if (vst_io_read_file(AT_FDCWD, "tool.out", 1 << 20, ret_output, NULL) != 0)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define TOOL_RUN(output, input, ...) tool_run((const char *const[]){__VA_ARGS__, NULL}, input, output)

#endif
