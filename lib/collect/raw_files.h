/*
 * Files as they are, taken by a source of another kind beside what it makes of them: a journal's, a
 * database's.
 */
#ifndef COLLECT_RAW_FILES_H
#define COLLECT_RAW_FILES_H

#include "vestige/collector.h"

/*
 * Each path and, if it is a directory, all below it, as the files collector takes it; absent ones are items
 * too. Paths are literal: no byte of them is a wildcard. One that is longer than a pattern may be is an item
 * `error`.
 */
int vst_collect_raw_files(struct vst_collect_context *context, const char *source, const char *const *paths,
        size_t count, const struct vst_sink *sink, struct vst_err *err);

#endif
