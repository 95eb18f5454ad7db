/*
 * Which files without a name are still open, mapped or run, and where: gathered over all processes before any
 * of them is read, so that each is read once.
 */
#ifndef COLLECT_DELETED_LIST_H
#define COLLECT_DELETED_LIST_H

#include "collect/inode_map.h"
#include "collect/proc_hidden.h"
#include "collect/proc_read.h"

#define VST_DELETED_MAX 65536     /* files */
#define VST_DELETED_PLACES_MAX 64 /* of one file; more are counted */
#define VST_PROC_COMM_MAX 64

enum vst_place_kind { VST_PLACE_EXE, VST_PLACE_FD, VST_PLACE_MAP };

struct vst_place { /* /proc/PID/exe, /proc/PID/fd/A, /proc/PID/map_files/A-B */
	uint32_t pid;
	enum vst_place_kind kind;
	uint64_t a, b;
};

struct vst_deleted {
	struct vst_inode inode;
	bool is_certain; /* inode, size and mode are of a stat, not of a maps line */
	uint32_t mode;
	uint64_t size, nlink;
	char *was; /* the path that it had */
	size_t was_len;
	char comm[VST_PROC_COMM_MAX]; /* of the first process */
	size_t comm_len;
	struct vst_place *places;
	size_t place_count;
	uint64_t more_places;
};

struct vst_deleted_list { /* zero-initialise */
	struct vst_deleted *files;
	size_t count, cap;
	struct vst_inode_map map;
	uint64_t left_out;             /* files over the cap */
	uint64_t processes;            /* that were looked at */
	struct vst_pid_set unreadable; /* of which not all could be seen */
};

/* Of all processes but ours: `self`, those who started it, and those that they started, if they run our
 * program. 0 or an errno. */
int vst_deleted_gather(const struct vst_proc *proc, uint64_t self, struct vst_deleted_list *ret);
void vst_deleted_free(struct vst_deleted_list *list);
/* "exe", "fd/3", "map_files/7f00-7f01" */
#define VST_PLACE_TEXT 64
void vst_place_name(const struct vst_place *place, char ret_text[VST_PLACE_TEXT]);

#endif
