/*
 * Ways to ask whether a process exists, other than listing /proc.
 */
#ifndef COLLECT_PROC_SEARCH_H
#define COLLECT_PROC_SEARCH_H

#include "collect/proc_hidden.h"
#include "collect/proc_read.h"

/* What answers for a process; a set. */
enum vst_proc_answer {
	VST_ANSWER_SESSION = 1 << 0,  /* getsid(2) */
	VST_ANSWER_GROUP = 1 << 1,    /* getpgid(2) */
	VST_ANSWER_SIGNAL = 1 << 2,   /* kill(2) with signal 0, which sends nothing */
	VST_ANSWER_SCHEDULE = 1 << 3, /* sched_getscheduler(2) */
	VST_ANSWER_PROC = 1 << 4,     /* /proc/PID */
	VST_ANSWER_CGROUP = 1 << 5,   /* a cgroup.procs file */
};
#define VST_PROC_ANSWERS 6
const char *vst_proc_answer_name(unsigned bit);

/* All of them that answer now. `*ret_start` (may be NULL) in clock ticks since boot, 0 if unknown. */
unsigned vst_proc_ask(const struct vst_proc *proc, uint32_t id, uint64_t *ret_start);

/* Adds all ids, of processes and threads, that answer to getsid(2), up to the kernel's pid_max, or that are
   found by name in /proc or in a cgroup. */
void vst_proc_search(const struct vst_proc *proc, struct vst_pid_set *found);

/* As struct vst_pid_world wants it; ctx is a struct vst_proc. */
struct vst_pid_world vst_proc_world(const struct vst_proc *proc);
/* Adds the ids of all threads of a process, whose directory is given; at most VST_PROC_THREADS_MAX. 0 or an
 * errno. */
int vst_proc_threads(int pid_fd, struct vst_pid_set *threads);
#define VST_PROC_THREADS_MAX 65536

#endif
