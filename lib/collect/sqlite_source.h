/*
 * The evidence's files of a SQLite database: where they are, how they stand, and a connection that only
 * reads.
 */
#ifndef COLLECT_SQLITE_SOURCE_H
#define COLLECT_SQLITE_SOURCE_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "collect/sqlite_open.h"

enum vst_sqlite_file {
	VST_SQLITE_MAIN,
	VST_SQLITE_WAL,
	VST_SQLITE_JOURNAL,
	VST_SQLITE_SHM,
	VST_SQLITE_FILES
};
extern const char *const vst_sqlite_suffixes[VST_SQLITE_FILES];

enum vst_sqlite_way { VST_SQLITE_SHARED, VST_SQLITE_PRIVATE, VST_SQLITE_PRIVATE_PLAIN, VST_SQLITE_COPY };

struct vst_sqlite_source {
	const struct vst_collect_context *context;
	int dirfd;                           /* O_PATH */
	char *path;                          /* resolved */
	const char *name;                    /* in path, or constant */
	struct stat stats[VST_SQLITE_FILES]; /* st_nlink 0: not there */
	bool is_wal;                         /* by the header */
};

/* 0 with a problem if it is not there or not a regular file. The source is to be closed in any case. */
int vst_sqlite_source_find(struct vst_sqlite_source *source, const struct vst_collect_context *context,
        const char *path, struct vst_sqlite_problem *problem, struct vst_err *err);
/* Looks at the files and at the header, anew. 0, or an errno. */
int vst_sqlite_source_look(struct vst_sqlite_source *source);
enum vst_sqlite_way vst_sqlite_source_way(const struct vst_sqlite_source *source);
/* Whether database and logs are as they were at the last look; the -shm may come and go. */
bool vst_sqlite_source_same(const struct vst_sqlite_source *source);
void vst_sqlite_source_close(struct vst_sqlite_source *source);

/* A connection to DIRFD/NAME. Returns SQLite's code; *ret is to be closed in any case. */
int vst_sqlite_connect(const struct vst_collect_context *context, int dirfd, const char *name,
        enum vst_sqlite_way way, sqlite3 **ret);
/* Copies database and logs to DIRFD/copy… Returns 0, an errno, or −1 if it was stopped. */
int vst_sqlite_source_copy(const struct vst_sqlite_source *source, int dirfd);
#define VST_SQLITE_COPY_NAME "copy"

#endif
