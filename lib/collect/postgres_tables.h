/*
 * One table or one query of PostgreSQL: its columns, the order of its rows, and the statements that read it.
 */
#ifndef COLLECT_POSTGRES_TABLES_H
#define COLLECT_POSTGRES_TABLES_H

#include "collect/postgres_items.h"

/* Tables without a primary key, up to this size, are ordered by the text of their rows; larger ones stay as
 * they lie. */
#define VST_POSTGRES_SORT_MAX (UINT64_C(256) * 1024 * 1024)

enum vst_postgres_order {
	VST_POSTGRES_BY_KEY,
	VST_POSTGRES_BY_ROW,
	VST_POSTGRES_PHYSICAL,
	VST_POSTGRES_OF_QUERY
};

struct vst_postgres_table {
	const char *oid, *schema, *name, *filenode; /* borrowed; all NULL: the source's query */
	PGresult *columns; /* rows: name, type, place in the primary key or NULL, has a collation */
	uint64_t bytes;    /* on disk */
	enum vst_postgres_order order;
};

/* Columns, size and order. */
int vst_postgres_table_look(struct vst_postgres_run *run, struct vst_postgres_table *table, bool *ret_ok,
        struct vst_postgres_failure *failure, struct vst_err *err);
void vst_postgres_table_free(struct vst_postgres_table *table);

/* Into run->sql: the COPY of all rows as CSV, or for digests as text; or how many there are. */
void vst_postgres_table_copy(struct vst_postgres_run *run, const struct vst_postgres_table *table, bool csv);
void vst_postgres_table_count(struct vst_postgres_run *run, const struct vst_postgres_table *table);

/* What the rows' item says of itself: opens the object in run->details; the caller ends it. */
struct vst_json vst_postgres_table_details(
        struct vst_postgres_run *run, const struct vst_postgres_table *table);

/* The rows as an item, as the source's `content` wants them; a status if they cannot be had. */
int vst_postgres_rows(struct vst_postgres_run *run, struct vst_postgres_table *table, struct vst_err *err);

#endif
