/*
 * What the manifest says of a table or a query beside its rows (sqlite.h has the keys). Names of a hostile
 * length are cut, and lists of columns that would not fit into a manifest line are left out and said to be.
 */
#ifndef COLLECT_SQLITE_DETAILS_H
#define COLLECT_SQLITE_DETAILS_H

#include "collect/sqlite_tables.h"

struct vst_row_digest;

struct vst_sqlite_details {
	const struct vst_policy_source *source;
	const struct vst_sqlite_table *table; /* NULL: a query */
	sqlite3_stmt *stmt;                   /* whose columns are listed; NULL: none */
	uint64_t rows;
	struct vst_row_digest *digest; /* NULL: none; used up */
};

/* Into `out`, which is cleared first. */
int vst_sqlite_details_write(const struct vst_sqlite_details *what, struct vst_buf *out, struct vst_err *err);

#endif
