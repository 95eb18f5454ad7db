/*
 * The tables of a database, from its copy: columns, keys, counts; and the schema item.
 *
 * DATABASE.schema.json, format 1, one object: {"format":1,"database","sqlite_version","page_size","pages",
 * "freelist_pages","journal_mode","encoding","user_version","application_id","schema_version",
 * "quick_check":[text, …],"tables":[…],"objects":[{"type","name","table","sql"}, …]}. A table is {"name",
 * "rows" (null: they could not be counted, "problem" says why),"without_rowid","virtual","columns":[{"name",
 * "type","not_null","key" (its place in the primary key, from 1; 0: not in it),"generated"}]}. Names that are
 * not UTF-8 are followed by name_base64.
 */
#ifndef COLLECT_SQLITE_TABLES_H
#define COLLECT_SQLITE_TABLES_H

#include "collect/sqlite_open.h"
#include "vestige/buf.h"

struct vst_sqlite_column {
	char *name, *type;
	int key;                            /* place in the primary key, from 1 */
	bool not_null, generated, computed; /* computed: not stored, made by an expression when it is read */
};

struct vst_sqlite_table {
	char *name;
	bool is_virtual, without_rowid, internal, counted;
	uint64_t rows;
	struct vst_sqlite_column *columns;
	size_t column_count, key_count;
	char problem[VST_SQLITE_WHY_MAX]; /* empty: none */
};

struct vst_sqlite_tables {
	struct vst_sqlite_table *tables; /* by name */
	size_t count;
};

/* 0 with a problem if the schema cannot be read. Rows are not counted yet. */
int vst_sqlite_tables_load(struct vst_sqlite *s, struct vst_sqlite_tables *ret,
        struct vst_sqlite_problem *problem, struct vst_err *err);
void vst_sqlite_tables_free(struct vst_sqlite_tables *tables);
/* As SQLite compares names: ASCII letters in either case. NULL: none. */
struct vst_sqlite_table *vst_sqlite_tables_find(const struct vst_sqlite_tables *tables, const char *name);
const struct vst_sqlite_column *vst_sqlite_table_column(
        const struct vst_sqlite_table *table, const char *name);
int vst_sqlite_table_count(struct vst_sqlite *s, struct vst_sqlite_table *table, struct vst_err *err);

/* Appends "name" with its quotes. */
void vst_sqlite_quote(struct vst_buf *sql, const char *name);

/* The schema item's text; of `tables` alone if `only` is not NULL (by index, true: wanted). */
int vst_sqlite_schema(struct vst_sqlite *s, const struct vst_sqlite_tables *tables, const bool *only,
        struct vst_buf *out, struct vst_err *err);

/* "quick_check":[…], as a key and its value. */
struct vst_json;
int vst_sqlite_quick_check(struct vst_sqlite *s, struct vst_json *json, struct vst_err *err);

#endif
