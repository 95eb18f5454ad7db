/*
 * One line of /processes.jsonl: what the live_process*.c files share.
 */
#ifndef COLLECT_LIVE_PROCESS_H
#define COLLECT_LIVE_PROCESS_H

#include "collect/inode_map.h"
#include "collect/live.h"
#include "collect/live_put.h"
#include "collect/proc_read.h"
#include "collect/proc_search.h"

/* Digests of executables, so that a file that many processes run is read once. */
struct vst_exe_digest {
	uint64_t size;
	int64_t mtime, ctime; /* ns */
	int error;            /* errno of reading it */
	uint8_t sha256[VST_HASH_LEN];
};

struct vst_processes { /* the run over all of them */
	struct vst_live *live;
	struct vst_proc proc;
	struct vst_inode_map exe_map; /* numbers of `digests` */
	struct vst_exe_digest *digests;
	size_t digest_count, digest_cap;
	struct vst_pid_set written;  /* that have a line */
	struct vst_pid_set known;    /* and their threads */
	struct vst_pid_set referred; /* parents, tracers, groups, sessions */
	int64_t boot;                /* when the host was started, by its clock as it is now; ns */
	uint64_t ticks;              /* of start times, a second */
	struct vst_buf text, stat_text, status_text; /* what was read */
	struct vst_buf link, name;
	bool was_searched;
	uint64_t count, hidden, vanished, incomplete;
};

enum vst_process_listing { VST_PROCESS_LISTED, VST_PROCESS_HIDDEN };

struct vst_process { /* one process at hand */
	struct vst_processes *run;
	uint64_t pid;
	int fd; /* its directory */
	struct vst_json *json;
	struct vst_proc_stat stat;
	struct vst_proc_status status;
	bool has_stat, is_kernel, is_gone;
	struct vst_buf error_lines, cuts; /* JSON values, with commas between */
	/* For findings. */
	struct vst_buf exe;      /* path, without " (deleted)" */
	struct vst_buf argument; /* the first */
	bool has_cmdline, has_exe, exe_deleted, exe_memfd;
	int exe_error;
};

/* A field that could not be had. ESRCH tells that the process has ended. */
void vst_process_error(struct vst_process *p, const char *field, int error);
/* A field of which there was more than its cap. */
void vst_process_cut(struct vst_process *p, const char *field);

/* Writes the line of one process. Fails as collectors do. */
int vst_process_write(
        struct vst_processes *run, uint64_t pid, enum vst_process_listing listing, struct vst_err *err);
void vst_process_put_files(struct vst_process *p);                 /* fds */
void vst_process_put_maps(struct vst_process *p);                  /* maps, anonymous_executable */
void vst_process_put_exe(struct vst_process *p);                   /* exe */
int vst_process_judge(struct vst_process *p, struct vst_err *err); /* findings */

#endif
