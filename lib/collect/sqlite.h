/*
 * SQLite databases: a consistent copy (sqlite_open.h) as it is, or its tables, or a query's rows.
 *
 * Items, all of them streams, PATH being the database's, links resolved:
 *
 *   PATH.backup            the whole database, as SQLite's backup gives it
 *   PATH.schema.json       tables, columns, keys, counts (sqlite_tables.h)
 *   PATH.tables/NAME.csv   a table (csv.h); a name of more than VST_SQLITE_NAME_MAX bytes is cut, with %~ and
 *                          16 digits of its SHA-256 behind it
 *   PATH.query.csv
 *
 * Details: {"table" or "query","rows","columns","key","order","subject","categories","missing","digest"}.
 */
#ifndef COLLECT_SQLITE_H
#define COLLECT_SQLITE_H

#include "vestige/collector.h"

#define VST_SQLITE_NAME_MAX 200 /* bytes of a table's name in a path, encoded */

/* `*ret_unreadable`: there is a file, and its rows could not be read as the policy wants: its bytes can. */
int vst_collect_sqlite(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, bool *ret_unreadable, struct vst_err *err);

/* Appends the path of a table's item. */
struct vst_buf;
void vst_sqlite_table_path(struct vst_buf *out, const char *database, const char *table);

#endif
