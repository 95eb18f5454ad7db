/* The files of an SQLite database: itself, and the logs that stand beside it (sqlite.org/tempfiles.html). */
#ifndef COLLECT_SQLITE_FILES_H
#define COLLECT_SQLITE_FILES_H

#include "vestige/collector.h"

#define VST_SQLITE_FILES 4

/*
 * Paths: the database as the policy names it, whether it is there or not, and those of its -wal, -journal and
 * -shm that are, beside the file that a link leads to. The caller frees each. VST_ENOMEM.
 */
int vst_sqlite_files(const struct vst_collect_context *context, const char *database,
        char *ret[VST_SQLITE_FILES], size_t *ret_count, struct vst_err *err);

#endif
