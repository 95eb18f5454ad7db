/*
 * The keeper: a process that was forked while ours had one thread, and that does nothing but fork collector
 * processes and wait for them. A process that has threads cannot safely do that itself: a lock that another
 * thread holds stays locked in the child.
 */
#ifndef COLLECT_ISOLATED_KEEPER_H
#define COLLECT_ISOLATED_KEEPER_H

#include <sys/types.h>

#include "collect/isolated_ring.h"
#include "vestige/collector.h"

struct vst_err;

/* Gives the socket on which the keeper listens; closing it ends the keeper and all collector processes that
 * can end. */
int keeper_start(struct vst_collect_context *context, const struct vst_policy *policy, int *ret_socket,
        pid_t *ret_pid, struct vst_err *err);

struct keeper_worker {
	pid_t pid;
	int tasks; /* datagrams of struct isolated_task; hangs up when the process ends */
	struct ring *ring;
};
int keeper_spawn(int socket, struct keeper_worker *ret, struct vst_err *err);
/* The wait status of a process that has ended. */
int keeper_wait(int socket, pid_t pid, int *ret_status, struct vst_err *err);
/* Kills it and gives it up, whether it dies or not. */
void keeper_give_up(struct keeper_worker *worker);

#endif
