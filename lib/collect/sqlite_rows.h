/*
 * Rows of a table or a query: as CSV (csv.h), or as keyed digests (row_digest.h).
 *
 * Order: by the primary key, compared as bytes; without one by rowid, and for digests by the rows' codes. A
 * value's code, also what is digested, is a byte and the value: i and 8 bytes (two's complement), r and 8
 * bytes (IEEE 754), both little-endian, t and the text in UTF-8, b and the bytes; NULL has none. Indexes are
 * not used: one that is damaged would hide rows. Columns that the database computes when they are read are
 * left out: an intruder's expressions are not run.
 */
#ifndef COLLECT_SQLITE_ROWS_H
#define COLLECT_SQLITE_ROWS_H

#include "collect/sqlite_tables.h"
#include "collect/stream.h"

struct vst_row_digest;

/* What became of the rows: a problem other than collected came after `rows` of them. */
struct vst_sqlite_rows {
	uint64_t rows;
	struct vst_sqlite_problem problem;
};

/* The function that orders by codes; once a connection. Returns SQLite's code. */
int vst_sqlite_rows_prepare(sqlite3 *db);

/* A statement for all rows, or NULL with a problem. The caller finalizes. */
int vst_sqlite_rows_of_table(struct vst_sqlite *s, const struct vst_sqlite_table *table, bool for_digest,
        sqlite3_stmt **ret, struct vst_sqlite_problem *problem, struct vst_err *err);
/* Only a single SELECT, which can do nothing but read. */
int vst_sqlite_rows_of_query(struct vst_sqlite *s, const char *query, sqlite3_stmt **ret,
        struct vst_sqlite_problem *problem, struct vst_err *err);

/* Into an open stream, with a header line. Ends early where the stream is cut. */
int vst_sqlite_rows_write(struct vst_sqlite *s, sqlite3_stmt *stmt, struct vst_stream *out,
        struct vst_sqlite_rows *ret, struct vst_err *err);
int vst_sqlite_rows_digest(struct vst_sqlite *s, sqlite3_stmt *stmt, struct vst_row_digest *digest,
        struct vst_sqlite_rows *ret, struct vst_err *err);
int vst_sqlite_rows_count(
        struct vst_sqlite *s, sqlite3_stmt *stmt, struct vst_sqlite_rows *ret, struct vst_err *err);

#endif
