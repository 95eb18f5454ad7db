#include "calendar.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vestige/io.h"

#define ANSWER_MAX 4096

static const char *find_program(void)
{
	static const char *const places[] = {"/usr/bin/systemd-analyze", "/bin/systemd-analyze"};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* Runs it with its output in a pipe. *ret_status as waitpid(2) gives it. */
static int ask(const char *program, const char *calendar, struct vst_buf *answer, int *ret_status,
        struct vst_err *err)
{
	const char *arguments[] = {"systemd-analyze", "calendar", "--", calendar, NULL};
	char *environment[] = {
	        (char[]){"LC_ALL=C"}, (char[]){"SYSTEMD_COLORS=0"}, (char[]){"SYSTEMD_PAGER="}, NULL};
	char *argv[5];
	posix_spawn_file_actions_t actions;
	int ends[2], sys;
	pid_t pid;

	for (size_t i = 0; i < sizeof argv / sizeof *argv; i++)
		argv[i] = (char *)(uintptr_t)arguments[i]; /* execve(2) changes none of them */
	if (pipe2(ends, O_CLOEXEC) != 0)
		return vst_err_sys(err, errno, "pipe");
	sys = posix_spawn_file_actions_init(&actions);
	if (sys == 0) {
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
		posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
		sys = posix_spawn(&pid, program, &actions, NULL, argv, environment);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(ends[1]);
	if (sys != 0) {
		close(ends[0]);
		return vst_err_sys(err, sys, "%s", program);
	}
	/* More than that is no answer; it dies of the closed pipe. */
	vst_io_read_all(ends[0], ANSWER_MAX, answer, NULL);
	close(ends[0]);
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return vst_err_sys(err, errno, "%s: wait", program);
	return 0;
}

int calendar_check(const char *calendar, bool *ret_known, struct vst_err *err)
{
	const char *program = find_program();
	struct vst_buf answer = VST_BUF_INIT;
	int status = 0, rc = program ? ask(program, calendar, &answer, &status, err) : 0;

	*ret_known = program && rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (rc == 0 && program && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
		const char *text = vst_buf_cstr(&answer);

		rc = vst_err_set(
		        err, VST_EUSAGE, "--calendar %s: %.*s", calendar, (int)strcspn(text, "\n"), text);
		vst_err_hint(err, "systemd.time(7), such as '*-*-* 03:40:00' or 'Mon..Fri 22:00'");
	}
	vst_buf_free(&answer);
	return rc;
}
