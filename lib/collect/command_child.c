#include "collect/command_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD_FALLBACK_MAX 65536 /* descriptors looked at on a kernel without close_range */

struct start {
	int program_fd, null_fd, out_fd, err_fd, report_fd;
	bool is_script;
	char *const *argv, *const *envp;
	pid_t parent;
};

/* ---- in the child: between fork and exec nothing but system calls, for there may have been other threads
 * ---- */

static void forget_descriptors(void)
{
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	struct rlimit limit;
	int max = FD_FALLBACK_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FD_FALLBACK_MAX)
		max = (int)limit.rlim_cur;
	for (int fd = 3; fd < max; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void reset_signals(void)
{
	struct sigaction usual;
	memset(&usual, 0, sizeof usual);
	usual.sa_handler = SIG_DFL;
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &usual, NULL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become(const struct start *s)
{
	const struct rlimit no_core = {0, 0};
	/* Not the other way round: a parent that dies in between would be missed. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return errno;
	if (getppid() != s->parent)
		return ESRCH;
	if (setsid() < 0 || chdir("/") != 0)
		return errno;
	setrlimit(RLIMIT_CORE, &no_core);
	umask(077);
	if (dup2(s->null_fd, 0) < 0 || dup2(s->out_fd, 1) < 0 || dup2(s->err_fd, 2) < 0)
		return errno;
	forget_descriptors();
	/* The kernel hands a script to its interpreter as /dev/fd/N, which must be open then. */
	if (s->is_script && fcntl(s->program_fd, F_SETFD, 0) != 0)
		return errno;
	reset_signals();
	syscall(SYS_execveat, s->program_fd, "", s->argv, s->envp, AT_EMPTY_PATH);
	return errno;
}

/* ---- in the parent ---- */

static void close_if(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A pipe whose ends are neither of the first three descriptors, which the child gives a meaning of their own.
 */
static int make_pipe(int ret[2])
{
	int made[2], error = 0;
	ret[0] = ret[1] = -1;
	if (pipe2(made, O_CLOEXEC) != 0)
		return errno;
	for (int i = 0; i < 2; i++) {
		if ((ret[i] = fcntl(made[i], F_DUPFD_CLOEXEC, 3)) < 0 && !error)
			error = errno;
		close(made[i]);
	}
	return error;
}

/* The child's errno; 0 if the pipe was closed by a successful exec. */
static int read_report(int fd)
{
	int report = 0;
	ssize_t n;
	do
		n = read(fd, &report, sizeof report);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof report ? report : 0;
}

static int launch(struct vst_child *child, struct start *s, int report_read_fd)
{
	/* A signal between fork and exec would run our handlers in the child. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		int error = become(s);
		ssize_t n = write(s->report_fd, &error, sizeof error);
		_exit(n == (ssize_t)sizeof error ? 127 : 126);
	}
	int error = pid < 0 ? errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close_if(&s->report_fd);
	if (error)
		return error;
	child->pid = pid;
	return read_report(report_read_fd);
}

int vst_child_start(
        struct vst_child *child, int program_fd, bool is_script, char *const *argv, char *const *envp)
{
	struct start s = {
	        .program_fd = program_fd, .null_fd = -1, .is_script = is_script, .argv = argv, .envp = envp};
	int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1}, error = 0;
	*child = (struct vst_child){.out_fd = -1, .err_fd = -1};
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd < 0)
		return errno;
	if ((s.null_fd = fcntl(null_fd, F_DUPFD_CLOEXEC, 3)) < 0)
		error = errno;
	close(null_fd);
	if (!error && (error = make_pipe(out)) == 0 && (error = make_pipe(err)) == 0)
		error = make_pipe(report);
	s.out_fd = out[1];
	s.err_fd = err[1];
	s.report_fd = report[1];
	if (!error && (fcntl(out[0], F_SETFL, O_NONBLOCK) != 0 || fcntl(err[0], F_SETFL, O_NONBLOCK) != 0))
		error = errno;
	if (!error)
		error = launch(child, &s, report[0]);
	close_if(&s.report_fd);
	close_if(&report[0]);
	close_if(&s.null_fd);
	close_if(&out[1]);
	close_if(&err[1]);
	child->out_fd = out[0];
	child->err_fd = err[0];
	if (error)
		vst_child_end(child);
	return error;
}

/* It was killed: its status, however long that takes. */
static void reap(struct vst_child *child)
{
	int status;
	pid_t waited;
	do
		waited = waitpid(child->pid, &status, 0);
	while (waited < 0 && errno == EINTR);
	child->known = waited == child->pid;
	child->status = child->known ? status : 0;
	child->pid = 0;
}

bool vst_child_ended(struct vst_child *child)
{
	siginfo_t info = {0};
	if (child->pid == 0)
		return true;
	/* It is not waited for before its group is killed: until then nothing else can have got its number.
	 */
	int rc = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	if (rc == 0 && info.si_pid == 0)
		return false;
	if (rc != 0 && errno == EINTR)
		return false;
	kill(-child->pid, SIGKILL);
	reap(child);
	return true;
}

void vst_child_end(struct vst_child *child)
{
	if (child->pid != 0) {
		/* The group is there once it has called setsid; before, it is one process. */
		kill(child->pid, SIGKILL);
		kill(-child->pid, SIGKILL);
		reap(child);
	}
	close_if(&child->out_fd);
	close_if(&child->err_fd);
}
