/*
 * The files collector at work on one source, shared by its parts:
 *
 *     files.c        patterns, their literal prefixes and links
 *     files_walk.c   directories, down the tree
 *     file_item.c    one name that is no directory: an item
 *     file_read.c    a regular file's content
 *     file_digest.c  a keyed digest of it, where the policy asks for that alone
 *     file_package.c whether it is as its package brought it, where the policy asks for that
 *
 * Each function returns non-zero only when the sink failed, memory ran out or the run was cancelled;
 * everything else is an item.
 */
#ifndef COLLECT_FILES_RUN_H
#define COLLECT_FILES_RUN_H

#include "collect/file_attributes.h"
#include "collect/file_digest.h"
#include "collect/file_map.h"
#include "collect/file_package.h"
#include "collect/file_stat.h"
#include "collect/limits.h"
#include "vestige/buf.h"
#include "vestige/collector.h"
#include "vestige/pattern.h"

#define VST_FILES_BLOCK (256 * 1024) /* bytes read at once */

#define VST_RULE_OTHER_FILE_SYSTEM "other file system"
#define VST_RULE_READING_ACTS "reading it acts on the host"
#define VST_RULE_READING_ENDLESS "reading it has no end"
#define VST_RULE_EXCLUDE "exclude: " /* the pattern follows */

struct vst_files_exclude {
	struct vst_pattern *pattern;
	char *rule;
};

struct vst_files_run {
	struct vst_collect_context *context;
	const struct vst_policy_source *source;
	const struct vst_sink *sink;
	struct vst_err *err;
	struct vst_files_exclude *excludes;
	size_t exclude_count;

	bool may_repeat; /* the sink may have a path already: it is asked */
	bool matched;    /* the pattern at hand led to something */
	bool stay;       /* on the file system `home` */
	struct vst_file_mount home;

	struct vst_buf path; /* of what is being worked on */
	struct vst_file_attributes attributes;
	struct vst_file_map map;
	struct vst_file_digest digest;       /* used if source->content asks for one */
	struct vst_file_package package;     /* used if source->files.packages */
	struct vst_buf target;               /* of a symbolic link */
	uint8_t *block;                      /* VST_FILES_BLOCK bytes */
	uint32_t pseudo_major, pseudo_minor; /* the device that `pseudo` speaks of, */
	bool pseudo_known, pseudo;           /* if it is known: sizes there mean nothing (procfs, sysfs…) */
};

/* ---- files.c ---- */

/* Sets run->path to `directory_len` of its bytes and the name behind them. */
int vst_files_set_path(struct vst_files_run *run, size_t directory_len, const char *name);
const char *vst_files_path(struct vst_files_run *run);
/* VST_ECANCELLED if somebody wants an end. */
int vst_files_check_cancel(const struct vst_files_run *run);

/* ---- file_item.c: each works on run->path, which is `name` in `dirfd` ---- */

/* True if the sink has run->path already. */
bool vst_files_has(struct vst_files_run *run);
/* Why what stands at run->path is left out by a pattern of the policy; NULL: it is not. */
const char *vst_files_excluding(struct vst_files_run *run);
/* The same by what it is: our own case, another file system. */
const char *vst_files_ruling_out(const struct vst_files_run *run, const struct statx *st);

/* An item without content; `item` has all but source and path. Does nothing if the sink has this path. */
int vst_files_emit(struct vst_files_run *run, struct vst_item *item);
/* What the source's time left no room for: an item by what is known, and nothing is looked up. */
int vst_files_emit_expired(struct vst_files_run *run, enum vst_item_type listed);
/* An item `excluded`. `st` NULL: looked up here. */
int vst_files_emit_excluded(struct vst_files_run *run, int dirfd, const char *name, enum vst_item_type listed,
        const struct statx *st, const char *rule);
/*
 * What is there, not opened. `error` 0: it is an item as it is, unless its type is not the one `listed`; else
 * a call (`what`) failed on it with that errno, and that is the item's status.
 */
int vst_files_describe(struct vst_files_run *run, int dirfd, const char *name, enum vst_item_type listed,
        int error, const char *what);
/* Any name but a directory's. `listed` may be unknown. */
int vst_files_take(struct vst_files_run *run, int dirfd, const char *name, enum vst_item_type listed);

/* Status, errno and reason of something that failed. `error` 0: `what` alone is the reason. */
void vst_files_set_error(struct vst_item *item, int error, const char *what);

/* Notes an item that is whole, so that other names of its inode become hard links. `state` is what it was
 * archived as. */
int vst_files_remember(struct vst_files_run *run, const struct vst_item *item,
        const struct vst_item_stat *state, const uint8_t leaf[VST_HASH_LEN]);

/* ---- file_read.c ---- */

/* A regular file's content and all that follows from reading it. `item` has its metadata, `st` is where they
 * came from. */
int vst_files_read(struct vst_files_run *run, int fd, const struct statx *st, struct vst_item *item);
/* The same without reading: sizes and limits only. */
int vst_files_measure(struct vst_files_run *run, const struct statx *st, struct vst_item *item);

/* ---- files_walk.c ---- */

/* Everything of an alternative whose literal prefix is `name` in `dirfd`, at run->path. */
int vst_files_walk(struct vst_files_run *run, int dirfd, const char *name,
        const struct vst_pattern_alternative *alternative);

#endif
