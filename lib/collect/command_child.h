/*
 * The other process: started, watched and ended.
 */
#ifndef COLLECT_COMMAND_CHILD_H
#define COLLECT_COMMAND_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct vst_child {
	pid_t pid;          /* 0: there is none. Its process group as well */
	int out_fd, err_fd; /* what it says, not blocking; -1: closed */
	bool known;         /* how it ended: */
	int status;         /* as of wait(2) */
};

/* Starts the program that `program_fd` is open for. `argv` and `envp` end with NULL. Returns 0 or the errno
 * of what failed. */
int vst_child_start(
        struct vst_child *child, int program_fd, bool is_script, char *const *argv, char *const *envp);
/* True once its first process has ended; what it left of its group is killed then. */
bool vst_child_ended(struct vst_child *child);
/* Kills what there still is of it, and waits. */
void vst_child_end(struct vst_child *child);

#endif
