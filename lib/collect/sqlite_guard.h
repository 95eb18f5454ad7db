/*
 * A connection to a database that an intruder may have made: no code of its schema runs, nothing is written
 * beside it, and it stops when we are told to.
 *
 * Source: sqlite.org/security.html, "Untrusted SQLite Database Files".
 */
#ifndef COLLECT_SQLITE_GUARD_H
#define COLLECT_SQLITE_GUARD_H

#include <sqlite3.h>

#include "vestige/collector.h"

void vst_sqlite_guard(sqlite3 *db, const struct vst_collect_context *context, bool has_scratch);

/* From here on only SELECT may be prepared: what else a query of a policy asks for is refused. */
void vst_sqlite_only_select(sqlite3 *db);

#endif
