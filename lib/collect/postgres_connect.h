/*
 * Where sessions come from: connecting, pinning what changes how values are written, and the transaction.
 *
 * Pinned, as far as the server knows them: client_encoding UTF8 (SQL_ASCII for a database that has no
 * encoding), DateStyle ISO, IntervalStyle postgres, TimeZone UTC, extra_float_digits 3, bytea_output hex,
 * lc_monetary C; no time limit but for locks; search_path pg_catalog; row_security off, so that rows which a
 * policy would hide are an error and never missing silently; one process, and tables read from their
 * beginning, so that the order of rows is the table's own.
 *
 * No snapshot is exported: that would write a file into the server's data directory.
 */
#ifndef COLLECT_POSTGRES_CONNECT_H
#define COLLECT_POSTGRES_CONNECT_H

#include "collect/postgres_session.h"

/*
 * The session of a source's database, opened now or before: sources share one that name the same service or
 * URI, or reach the same server, database and role. Borrowed from `sessions`. A session without `conn` could
 * not be opened and says why; it is not tried again, because later would be another moment. Errors:
 * VST_ENOMEM, VST_ECANCELLED.
 */
int vst_postgres_connect(struct vst_postgres_sessions *sessions, const struct vst_collect_context *context,
        const struct vst_policy_postgres *policy, struct vst_postgres_session **ret, struct vst_err *err);

#endif
