/*
 * What the files of /proc/PID say, taken apart: pure functions over text that a hostile host may have chosen.
 *
 * Pointers in results point into the text. Numbers that do not fit, or stand where they should not, make a
 * line invalid; nothing is guessed.
 *
 * Source: proc(5), and fs/proc/array.c, task_mmu.c, fd.c and fs/seq_file.c of the kernel for what is escaped.
 */
#ifndef COLLECT_PROC_PARSE_H
#define COLLECT_PROC_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_buf;

#define VST_PROC_KTHREAD 0x00200000u /* PF_KTHREAD of a stat line's flags */
#define VST_PROC_CAPS 5              /* inheritable, permitted, effective, bounding, ambient */

struct vst_text {
	const char *data;
	size_t len;
};

/* The next line of the text without its LF, and moves on; false at the end. A last line needs no LF. */
bool vst_text_line(struct vst_text *text, struct vst_text *ret_line);
/* The next field between blanks and tabs; false if there is none. */
bool vst_text_field(struct vst_text *text, struct vst_text *ret_field);
/* All of the field is a number: no sign, no blank. Base 8, 10 or 16. */
bool vst_text_number(struct vst_text field, unsigned base, uint64_t *ret);
bool vst_text_starts(struct vst_text text, const char *prefix);
bool vst_text_ends(struct vst_text text, const char *suffix);

/* /proc/PID/stat. The name stands between the first ( and the last ), and may hold anything. */
struct vst_proc_stat {
	struct vst_text comm;
	char state;
	uint64_t pid, ppid, pgrp, session, tty, flags, threads, start_ticks, utime, stime;
	int64_t nice;
};
bool vst_proc_parse_stat(struct vst_text text, struct vst_proc_stat *ret);

/* /proc/PID/status. Lines that a kernel does not have leave has_… false. */
struct vst_proc_status {
	bool has_tgid, has_ids, has_tracer, has_no_new_privs, has_seccomp, has_umask, has_kthread;
	bool has_caps[VST_PROC_CAPS];
	uint64_t tgid, tracer, no_new_privs, seccomp, umask, kthread;
	uint64_t uids[4], gids[4]; /* real, effective, saved, file system */
	uint64_t caps[VST_PROC_CAPS];
	struct vst_text groups, ns_pids; /* numbers between blanks */
};
void vst_proc_parse_status(struct vst_text text, struct vst_proc_status *ret);

/* A line of /proc/PID/maps. */
struct vst_proc_map {
	uint64_t start, end, offset, ino;
	uint32_t dev_major, dev_minor;
	char perms[5];
	struct vst_text path; /* as the kernel writes it: LF is \012; empty: anonymous */
};
bool vst_proc_parse_map(struct vst_text line, struct vst_proc_map *ret);
/* A region of memory that is no file and can be run, save those that the kernel puts into every process. */
bool vst_proc_map_is_anonymous_code(const struct vst_proc_map *map);
/* Memory that has the face of a nameless file: System V and anonymous shared memory, buffers of devices. */
bool vst_proc_is_kernel_memory(struct vst_text path);

/* Appends with \ooo put back: a maps path, or a field of mountinfo. */
void vst_proc_unescape(struct vst_text text, struct vst_buf *out);

/* /proc/PID/fdinfo/N. */
struct vst_proc_fdinfo {
	bool has_pos, has_flags, has_mnt_id;
	uint64_t pos, flags, mnt_id;
};
void vst_proc_parse_fdinfo(struct vst_text text, struct vst_proc_fdinfo *ret);

/* A line of /proc/PID/cgroup: hierarchy:controllers:path. */
struct vst_proc_cgroup {
	uint64_t hierarchy;
	struct vst_text controllers, path;
};
bool vst_proc_parse_cgroup(struct vst_text line, struct vst_proc_cgroup *ret);

/* "net:[4026531840]", "socket:[123]": the word before the colon, and the number. */
bool vst_proc_parse_bracketed(struct vst_text link, struct vst_text *ret_word, uint64_t *ret);

/* Takes " (deleted)" off the end of a link's or map's text; false if it has none. */
bool vst_proc_strip_deleted(struct vst_text *path);

/* A line of mountinfo: where something is mounted (escaped), and its type. */
bool vst_proc_parse_mount(struct vst_text line, struct vst_text *ret_point, struct vst_text *ret_type);

#endif
