#include "collect/isolated_keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect/isolated_worker.h"
#include "vestige/err.h"
#include "vestige/series_index.h"

#define KEPT_MAX 8

enum request { SPAWN, WAIT };

struct message {
	enum request request;
	pid_t pid;
	int status; /* an answer's: errno of SPAWN, wait status of WAIT */
};

/* ---- descriptors over a socket (unix(7), cmsg(3)) ---- */

#define FDS 2
#define CONTROL_LEN (CMSG_SPACE(FDS * sizeof(int)))

static int send_answer(int socket, const struct message *message, const int *fds)
{
	_Alignas(struct cmsghdr) char control[CONTROL_LEN] = {0};
	struct iovec part = {(void *)(uintptr_t)message, sizeof *message};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	if (fds) {
		header.msg_control = control;
		header.msg_controllen = sizeof control;
		struct cmsghdr *first = CMSG_FIRSTHDR(&header);
		first->cmsg_level = SOL_SOCKET;
		first->cmsg_type = SCM_RIGHTS;
		first->cmsg_len = CMSG_LEN(FDS * sizeof(int));
		memcpy(CMSG_DATA(first), fds, FDS * sizeof(int));
	}
	return sendmsg(socket, &header, MSG_NOSIGNAL) == (ssize_t)sizeof *message ? 0 : errno;
}

/* `fds` NULL: none are expected. */
static int receive_answer(int socket, struct message *ret, int *fds)
{
	_Alignas(struct cmsghdr) char control[CONTROL_LEN] = {0};
	struct iovec part = {ret, sizeof *ret};
	struct msghdr header = {
	        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t n;
	do
		n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof *ret)
		return n < 0 ? errno : ECONNRESET;
	const struct cmsghdr *first = CMSG_FIRSTHDR(&header);
	bool has = first && first->cmsg_type == SCM_RIGHTS && first->cmsg_len == CMSG_LEN(FDS * sizeof(int));
	if (has && fds)
		memcpy(fds, CMSG_DATA(first), FDS * sizeof(int));
	return !fds || has || ret->status ? 0 : EPROTO;
}

/* ---- in the keeper ---- */

static bool is_kept(int fd, const int *kept, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (kept[i] == fd)
			return true;
	return false;
}

/*
 * A collector that hangs for ever must hold nothing of ours: neither the case's locks nor the pipe that
 * somebody reads our output from.
 */
static void close_others(const int *kept, size_t count)
{
	DIR *dir = opendir("/proc/self/fd");
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (dir) {
		for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
			int fd = atoi(entry->d_name);
			if (fd > STDERR_FILENO && fd != dirfd(dir) && fd != nothing &&
			        !is_kept(fd, kept, count))
				close(fd);
		}
		closedir(dir);
	} else {
		for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
			if (fd != nothing && !is_kept(fd, kept, count))
				close(fd);
	}
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (nothing < 0 || dup2(nothing, fd) < 0)
			close(fd);
	if (nothing > STDERR_FILENO)
		close(nothing);
}

static void die_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static struct ring *make_ring(int *ret_fd)
{
	int fd = memfd_create("vestige", MFD_CLOEXEC);
	struct ring *ring = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, sizeof *ring) == 0)
		ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*ret_fd = fd;
	return ring;
}

static void answer_spawn(int socket, struct vst_collect_context *context, const struct vst_policy *policy)
{
	struct message answer = {.request = SPAWN, .pid = -1};
	int tasks[2] = {-1, -1}, memory = -1;
	pid_t self = getpid();
	struct ring *ring = make_ring(&memory);
	if (!ring || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tasks) != 0 ||
	        (answer.pid = fork()) < 0)
		answer.status = errno ? errno : ENOMEM;
	if (answer.pid == 0) {
		die_with_parent(self);
		close(socket);
		close(tasks[0]);
		close(memory);
		isolated_work(ring, tasks[1], context, policy);
	}
	send_answer(socket, &answer, answer.status ? NULL : (const int[]){memory, tasks[0]});
	if (ring) {
		munmap(ring, sizeof *ring);
		close(memory);
	}
	for (int i = 0; i < 2; i++)
		if (tasks[i] >= 0)
			close(tasks[i]);
}

static void answer_wait(int socket, pid_t pid)
{
	struct message answer = {.request = WAIT, .pid = pid};
	while (waitpid(pid, &answer.status, 0) < 0)
		if (errno != EINTR)
			break;
	send_answer(socket, &answer, NULL);
}

/* So that the processor time of collector processes counts as ours. One that hangs is not waited for. */
static void reap(void)
{
	static const struct timespec pause = {.tv_nsec = 5000000};
	pid_t pid = 0;
	for (int tries = 0; tries < 40 && pid >= 0; tries++) {
		pid = waitpid(-1, NULL, WNOHANG);
		if (pid == 0)
			nanosleep(&pause, NULL);
	}
}

static _Noreturn void keep(
        int socket, pid_t parent, struct vst_collect_context *context, const struct vst_policy *policy)
{
	int trusted = context->trusted ? vst_series_index_fd(context->trusted) : -1;
	const int kept[KEPT_MAX] = {socket, context->root_fd, context->scratch_fd, trusted};
	struct message message;
	die_with_parent(parent);
	signal(SIGINT, SIG_IGN); /* ours to hear: the ring tells */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	close_others(kept, 4);
	while (receive_answer(socket, &message, NULL) == 0) {
		if (message.request == SPAWN)
			answer_spawn(socket, context, policy);
		else
			answer_wait(socket, message.pid);
	}
	reap();
	_exit(0);
}

/* ---- in our process ---- */

int keeper_start(struct vst_collect_context *context, const struct vst_policy *policy, int *ret_socket,
        pid_t *ret_pid, struct vst_err *err)
{
	int sockets[2];
	pid_t self = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
		return vst_err_sys(err, errno, "collector process: socket");
	pid_t pid = fork();
	if (pid == 0)
		keep(sockets[1], self, context, policy);
	int error = errno;
	close(sockets[1]);
	if (pid < 0) {
		close(sockets[0]);
		return vst_err_sys(err, error, "collector process: fork");
	}
	*ret_socket = sockets[0];
	*ret_pid = pid;
	return 0;
}

int keeper_spawn(int socket, struct keeper_worker *ret, struct vst_err *err)
{
	struct message message = {.request = SPAWN};
	int fds[FDS] = {-1, -1};
	int error = send_answer(socket, &message, NULL);
	if (!error)
		error = receive_answer(socket, &message, fds);
	if (!error)
		error = message.status;
	if (error)
		return vst_err_sys(err, error, "collector process");
	struct ring *ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	error = errno;
	close(fds[0]);
	if (ring == MAP_FAILED) {
		close(fds[1]);
		return vst_err_sys(err, error, "collector process: memory");
	}
	*ret = (struct keeper_worker){message.pid, fds[1], ring};
	return 0;
}

int keeper_wait(int socket, pid_t pid, int *ret_status, struct vst_err *err)
{
	struct message message = {.request = WAIT, .pid = pid};
	int error = send_answer(socket, &message, NULL);
	if (!error)
		error = receive_answer(socket, &message, NULL);
	if (error)
		return vst_err_sys(err, error, "collector process: wait");
	*ret_status = message.status;
	return 0;
}

void keeper_give_up(struct keeper_worker *worker)
{
	if (worker->pid > 0)
		kill(worker->pid, SIGKILL);
	if (worker->tasks >= 0)
		close(worker->tasks);
	if (worker->ring)
		munmap(worker->ring, sizeof *worker->ring);
	*worker = (struct keeper_worker){.tasks = -1};
}
