#include "collect/proc_search.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/mem.h"

#define STAT_MAX 4096
#define LOOKUP_MAX 131072 /* ids that are looked up in /proc by name: 2 µs each */
#define CGROUPS_MAX 16384 /* directories of all hierarchies */
#define CGROUP_PROCS_MAX (4 * 1024 * 1024)
#define CGROUP_ROOT "/sys/fs/cgroup"

const char *vst_proc_answer_name(unsigned bit)
{
	static const char *const names[VST_PROC_ANSWERS] = {
	        "getsid", "getpgid", "kill", "sched_getscheduler", "proc", "cgroup"};
	return bit < VST_PROC_ANSWERS ? names[bit] : NULL;
}

/* ---- cgroups ---- */

struct cgroup_walk {
	char **todo; /* paths that are to be read, a stack */
	size_t count, seen;
	struct vst_pid_set *found;
	struct vst_buf text;
};

static void push(struct cgroup_walk *walk, char *path)
{
	if (!path || walk->seen >= CGROUPS_MAX) {
		free(path);
		return;
	}
	char **todo = vst_realloc(walk->todo, walk->count + 1, sizeof *todo);
	if (!todo) {
		free(path);
		return;
	}
	walk->todo = todo;
	walk->todo[walk->count++] = path;
	walk->seen++;
}

static void read_procs(struct cgroup_walk *walk, int fd)
{
	struct vst_text line;
	uint64_t id;
	if (vst_proc_read(fd, "cgroup.procs", CGROUP_PROCS_MAX, &walk->text, NULL) != 0)
		return;
	struct vst_text text = vst_proc_text(&walk->text);
	while (vst_text_line(&text, &line))
		if (vst_text_number(line, 10, &id))
			vst_pids_add(walk->found, id);
}

static void push_children(struct cgroup_walk *walk, DIR *dir, const char *path)
{
	struct dirent *entry;
	while ((entry = readdir(dir))) {
		char *child = NULL;
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (asprintf(&child, "%s/%s", path, entry->d_name) >= 0)
			push(walk, child);
	}
}

static void search_cgroups(struct vst_pid_set *found)
{
	struct cgroup_walk walk = {.found = found};
	push(&walk, vst_strdup(CGROUP_ROOT));
	while (walk.count > 0) {
		char *path = walk.todo[--walk.count];
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
		if (dir) {
			read_procs(&walk, fd);
			push_children(&walk, dir, path);
			closedir(dir);
		} else if (fd >= 0) {
			close(fd);
		}
		free(path);
	}
	free(walk.todo);
	vst_buf_free(&walk.text);
}

/* ---- questions ---- */

static bool has_name(const struct vst_proc *proc, uint32_t id)
{
	char name[16];
	snprintf(name, sizeof name, "%u", id);
	return faccessat(proc->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static uint64_t start_of(const struct vst_proc *proc, uint32_t id)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_proc_stat stat = {0};
	int fd = vst_proc_open_pid(proc, id);
	if (fd >= 0 && vst_proc_read(fd, "stat", STAT_MAX, &text, NULL) == 0)
		(void)vst_proc_parse_stat(vst_proc_text(&text), &stat);
	if (fd >= 0)
		close(fd);
	vst_buf_free(&text);
	return stat.start_ticks;
}

unsigned vst_proc_ask(const struct vst_proc *proc, uint32_t id, uint64_t *ret_start)
{
	pid_t pid = (pid_t)id;
	unsigned answers = 0;
	if (getsid(pid) >= 0 || errno == EPERM)
		answers |= VST_ANSWER_SESSION;
	if (getpgid(pid) >= 0 || errno == EPERM)
		answers |= VST_ANSWER_GROUP;
	if (kill(pid, 0) == 0 || errno == EPERM)
		answers |= VST_ANSWER_SIGNAL;
	if (sched_getscheduler(pid) >= 0 || errno == EPERM)
		answers |= VST_ANSWER_SCHEDULE;
	if (has_name(proc, id))
		answers |= VST_ANSWER_PROC;
	if (ret_start)
		*ret_start = answers & VST_ANSWER_PROC ? start_of(proc, id) : 0;
	return answers;
}

static unsigned ask_cgroups(uint32_t id)
{
	struct vst_pid_set found = {0};
	search_cgroups(&found);
	vst_pids_sort(&found);
	unsigned answer = vst_pids_has(&found, id) ? VST_ANSWER_CGROUP : 0;
	vst_pids_free(&found);
	return answer;
}

void vst_proc_search(const struct vst_proc *proc, struct vst_pid_set *found)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_text line = {0};
	uint64_t max = 0;
	if (vst_proc_read(proc->fd, "sys/kernel/pid_max", 64, &text, NULL) == 0) {
		struct vst_text all = vst_proc_text(&text);
		if (!vst_text_line(&all, &line) || !vst_text_number(line, 10, &max))
			max = 0;
	}
	vst_buf_free(&text);
	if (max == 0 || max > VST_PROC_PID_MAX)
		max = VST_PROC_PID_MAX;
	for (uint32_t id = 1; id <= max; id++)
		if (getsid((pid_t)id) >= 0 || errno == EPERM || (id <= LOOKUP_MAX && has_name(proc, id)))
			vst_pids_add(found, id);
	search_cgroups(found);
}

/* ---- the world of proc_hidden.h ---- */

struct threads {
	struct vst_pid_set *set;
	size_t count;
};

static int add_thread(void *ctx, uint64_t id)
{
	struct threads *threads = ctx;
	if (threads->count++ >= VST_PROC_THREADS_MAX)
		return E2BIG;
	vst_pids_add(threads->set, id);
	return 0;
}

int vst_proc_threads(int pid_fd, struct vst_pid_set *threads)
{
	struct threads ctx = {threads, 0};
	return vst_proc_numbers(pid_fd, "task", add_thread, &ctx);
}

struct listing {
	const struct vst_proc *proc;
	struct vst_pid_set *listed;
};

static int list_one(void *ctx, uint64_t id)
{
	struct listing *listing = ctx;
	vst_pids_add(listing->listed, id);
	int fd = vst_proc_open_pid(listing->proc, id);
	if (fd < 0)
		return 0;
	(void)vst_proc_threads(fd, listing->listed);
	close(fd);
	return 0;
}

static int world_list(void *ctx, struct vst_pid_set *listed)
{
	struct listing listing = {ctx, listed};
	return vst_proc_numbers(listing.proc->fd, ".", list_one, &listing);
}

/* Walking all cgroups for one id is slow, and only for what nothing else answers for. */
static bool world_exists(void *ctx, uint32_t id, uint64_t *ret_start)
{
	return vst_proc_ask(ctx, id, ret_start) != 0 || ask_cgroups(id) != 0;
}

struct vst_pid_world vst_proc_world(const struct vst_proc *proc)
{
	return (struct vst_pid_world){(void *)(uintptr_t)proc, world_list, world_exists};
}
