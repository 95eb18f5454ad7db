/*
 * Which processes exist and are not listed.
 *
 * A rootkit usually takes names out of what readdir() gives for /proc, and leaves other ways to ask about a
 * process as they are. A process that was started or ended between two questions looks the same for a moment,
 * so each suspect is asked again: it must exist before and after a new listing, as the same process, and not
 * be in it, twice.
 *
 * The comparison asks through `struct vst_pid_world`, so that it can be tested without a rootkit.
 */
#ifndef COLLECT_PROC_HIDDEN_H
#define COLLECT_PROC_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_pid_set { /* zero-initialise; sorted by vst_pids_sort() */
	uint32_t *ids;
	size_t count, cap;
	bool failed; /* no memory; sticks */
};

void vst_pids_free(struct vst_pid_set *set);
void vst_pids_clear(struct vst_pid_set *set);
void vst_pids_add(struct vst_pid_set *set, uint64_t id); /* ids that cannot be a process's are left out */
void vst_pids_sort(struct vst_pid_set *set);             /* and once each */
bool vst_pids_has(const struct vst_pid_set *set, uint64_t id); /* of a sorted set */

struct vst_pid_world {
	void *ctx;
	/* Adds the ids of all listed processes and of their threads. 0 or an errno. */
	int (*list)(void *ctx, struct vst_pid_set *listed);
	/* Whether there is such a process or thread now. `*ret_start`: when it was started, so that a number
	   that is used anew is told from the old one; 0 if unknown. */
	bool (*exists)(void *ctx, uint32_t id, uint64_t *ret_start);
};

/* Adds to `hidden` those of `suspects` (sorted) that exist and are not listed; it is sorted then. 0 or an
 * errno. */
int vst_pids_hidden(
        const struct vst_pid_world *world, const struct vst_pid_set *suspects, struct vst_pid_set *hidden);

#endif
