#include "collect/sqlite_tables.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define TABLES_MAX 65536
#define QUICK_CHECK_SQL "PRAGMA quick_check(20)"
#define QUICK_CHECK_TEXT_MAX 500

static char *text_of(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	return vst_strdup(text ? text : "");
}

/* ---- columns ---- */

static void free_table(struct vst_sqlite_table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		free(table->columns[i].name);
		free(table->columns[i].type);
	}
	free(table->columns);
	free(table->name);
}

static int add_column(struct vst_sqlite_table *table, sqlite3_stmt *stmt)
{
	struct vst_sqlite_column *grown =
	        vst_realloc(table->columns, table->column_count + 1, sizeof *table->columns);
	if (!grown)
		return SQLITE_NOMEM;
	table->columns = grown;
	int hidden = sqlite3_column_int(stmt, 4);
	struct vst_sqlite_column column = {
	        .name = text_of(stmt, 0),
	        .type = text_of(stmt, 1),
	        .not_null = sqlite3_column_int(stmt, 2) != 0,
	        .key = sqlite3_column_int(stmt, 3),
	        .generated = hidden == 2 || hidden == 3,
	        .computed = hidden == 2,
	};
	table->columns[table->column_count++] = column;
	table->key_count += column.key > 0;
	return column.name && column.type ? SQLITE_OK : SQLITE_NOMEM;
}

static int load_columns(sqlite3 *db, struct vst_sqlite_table *table)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db,
	        "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid",
	        -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(stmt, 1, table->name, -1, SQLITE_STATIC);
	while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		code = add_column(table, stmt);
	sqlite3_finalize(stmt);
	if (code != SQLITE_DONE && code != SQLITE_OK)
		return code;
	stmt = NULL;
	/* Of tables without rowid alone, PRAGMA index_info takes the name of a table. */
	code = sqlite3_prepare_v2(db, "SELECT count(*) FROM pragma_index_info(?1, 'main')", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(stmt, 1, table->name, -1, SQLITE_STATIC);
	if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		table->without_rowid = sqlite3_column_int(stmt, 0) > 0;
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* ---- tables ---- */

static int add_table(struct vst_sqlite_tables *tables, sqlite3_stmt *stmt)
{
	struct vst_sqlite_table *grown =
	        vst_realloc(tables->tables, tables->count + 1, sizeof *tables->tables);
	if (!grown || tables->count >= TABLES_MAX) {
		tables->tables = grown ? grown : tables->tables;
		return grown ? SQLITE_TOOBIG : SQLITE_NOMEM;
	}
	tables->tables = grown;
	struct vst_sqlite_table table = {
	        .name = text_of(stmt, 0), .is_virtual = sqlite3_column_int64(stmt, 1) == 0};
	if (!table.name)
		return SQLITE_NOMEM;
	table.internal = strncasecmp(table.name, "sqlite_", 7) == 0;
	tables->tables[tables->count++] = table;
	return SQLITE_OK;
}

int vst_sqlite_tables_load(struct vst_sqlite *s, struct vst_sqlite_tables *ret,
        struct vst_sqlite_problem *problem, struct vst_err *err)
{
	sqlite3_stmt *stmt = NULL;
	*ret = (struct vst_sqlite_tables){0};
	int code = sqlite3_prepare_v2(s->db,
	        "SELECT name, rootpage FROM main.sqlite_schema WHERE type = 'table' ORDER BY name COLLATE "
	        "BINARY",
	        -1, &stmt, NULL);
	while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		code = add_table(ret, stmt);
	sqlite3_finalize(stmt);
	code = code == SQLITE_DONE ? SQLITE_OK : code;
	for (size_t i = 0; code == SQLITE_OK && i < ret->count; i++)
		if (!ret->tables[i].is_virtual)
			code = load_columns(s->db, &ret->tables[i]);
	if (code == SQLITE_OK)
		return 0;
	return vst_sqlite_explain(s->context, s->db, code, problem, err);
}

void vst_sqlite_tables_free(struct vst_sqlite_tables *tables)
{
	for (size_t i = 0; i < tables->count; i++)
		free_table(&tables->tables[i]);
	free(tables->tables);
	*tables = (struct vst_sqlite_tables){0};
}

struct vst_sqlite_table *vst_sqlite_tables_find(const struct vst_sqlite_tables *tables, const char *name)
{
	for (size_t i = 0; i < tables->count; i++)
		if (sqlite3_stricmp(tables->tables[i].name, name) == 0)
			return &tables->tables[i];
	return NULL;
}

const struct vst_sqlite_column *vst_sqlite_table_column(
        const struct vst_sqlite_table *table, const char *name)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (sqlite3_stricmp(table->columns[i].name, name) == 0)
			return &table->columns[i];
	return NULL;
}

void vst_sqlite_quote(struct vst_buf *sql, const char *name)
{
	vst_buf_byte(sql, '"');
	for (; *name; name++) {
		if (*name == '"')
			vst_buf_byte(sql, '"');
		vst_buf_byte(sql, (uint8_t)*name);
	}
	vst_buf_byte(sql, '"');
}

int vst_sqlite_table_count(struct vst_sqlite *s, struct vst_sqlite_table *table, struct vst_err *err)
{
	struct vst_buf sql = VST_BUF_INIT;
	struct vst_sqlite_problem problem = {.status = VST_ITEM_COLLECTED};
	sqlite3_stmt *stmt = NULL;
	if (table->is_virtual || table->counted || table->problem[0])
		return 0;
	vst_buf_text(&sql, "SELECT count(*) FROM main.");
	vst_sqlite_quote(&sql, table->name);
	vst_buf_text(&sql, " NOT INDEXED");
	const char *text = vst_buf_cstr(&sql);
	int code = sql.failed ? SQLITE_NOMEM : sqlite3_prepare_v2(s->db, text, -1, &stmt, NULL);
	if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		table->rows = (uint64_t)sqlite3_column_int64(stmt, 0);
		table->counted = true;
	}
	sqlite3_finalize(stmt);
	vst_buf_free(&sql);
	if (table->counted)
		return 0;
	int rc = vst_sqlite_explain(s->context, s->db, code, &problem, err);
	memcpy(table->problem, problem.why, sizeof table->problem);
	return rc;
}

/* ---- the schema item ---- */

static void put_name(struct vst_json *json, const char *name)
{
	vst_json_key(json, "name");
	vst_json_text(json, name, strlen(name));
	if (vst_utf8_valid(name, strlen(name)))
		return;
	vst_json_key(json, "name_base64");
	vst_json_base64(json, name, strlen(name));
}

static void put_flag(struct vst_json *json, const char *key, bool value)
{
	vst_json_key(json, key);
	vst_json_bool(json, value);
}

static void put_column(struct vst_json *json, const struct vst_sqlite_column *column)
{
	vst_json_object(json);
	put_name(json, column->name);
	vst_json_key(json, "type");
	vst_json_text(json, column->type, strlen(column->type));
	put_flag(json, "not_null", column->not_null);
	vst_json_key(json, "key");
	vst_json_int(json, column->key);
	put_flag(json, "generated", column->generated);
	vst_json_end(json);
}

static void put_table(struct vst_json *json, const struct vst_sqlite_table *table)
{
	vst_json_object(json);
	put_name(json, table->name);
	vst_json_key(json, "rows");
	if (table->counted)
		vst_json_uint(json, table->rows);
	else
		vst_json_null(json);
	if (table->problem[0]) {
		vst_json_key(json, "problem");
		vst_json_string(json, table->problem);
	}
	put_flag(json, "without_rowid", table->without_rowid);
	put_flag(json, "virtual", table->is_virtual);
	vst_json_key(json, "columns");
	vst_json_array(json);
	for (size_t i = 0; i < table->column_count; i++)
		put_column(json, &table->columns[i]);
	vst_json_end(json);
	vst_json_end(json);
}

/* A value that a pragma gives, or null. */
static void put_pragma(struct vst_sqlite *s, struct vst_json *json, const char *key, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	vst_json_key(json, key);
	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
		vst_json_null(json);
	else if (sqlite3_column_type(stmt, 0) == SQLITE_INTEGER)
		vst_json_int(json, sqlite3_column_int64(stmt, 0));
	else
		vst_json_string(json, (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

int vst_sqlite_quick_check(struct vst_sqlite *s, struct vst_json *json, struct vst_err *err)
{
	struct vst_sqlite_problem problem = {.status = VST_ITEM_COLLECTED};
	sqlite3_stmt *stmt = NULL;
	int rc = 0;
	vst_json_key(json, "quick_check");
	vst_json_array(json);
	int code = sqlite3_prepare_v2(s->db, QUICK_CHECK_SQL, -1, &stmt, NULL);
	while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);
		vst_json_text(json, text ? text : "", text ? strnlen(text, QUICK_CHECK_TEXT_MAX) : 0);
		code = SQLITE_OK;
	}
	if (code != SQLITE_OK && code != SQLITE_DONE) {
		rc = vst_sqlite_explain(s->context, s->db, code, &problem, err);
		vst_json_string(json, problem.why);
	}
	sqlite3_finalize(stmt);
	vst_json_end(json);
	return rc;
}

static void put_text_column(struct vst_json *json, const char *key, sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	vst_json_key(json, key);
	if (text)
		vst_json_text(json, text, strlen(text));
	else
		vst_json_null(json);
}

static void put_objects(
        struct vst_sqlite *s, struct vst_json *json, const struct vst_sqlite_tables *tables, const bool *only)
{
	sqlite3_stmt *stmt = NULL;
	vst_json_key(json, "objects");
	vst_json_array(json);
	int code = sqlite3_prepare_v2(s->db,
	        "SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid", -1, &stmt, NULL);
	while (code == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(stmt, 2);
		const struct vst_sqlite_table *table = name ? vst_sqlite_tables_find(tables, name) : NULL;
		if (only && (!table || !only[table - tables->tables]))
			continue;
		vst_json_object(json);
		put_text_column(json, "type", stmt, 0);
		put_text_column(json, "name", stmt, 1);
		put_text_column(json, "table", stmt, 2);
		put_text_column(json, "sql", stmt, 3);
		vst_json_end(json);
	}
	sqlite3_finalize(stmt);
	vst_json_end(json);
}

int vst_sqlite_schema(struct vst_sqlite *s, const struct vst_sqlite_tables *tables, const bool *only,
        struct vst_buf *out, struct vst_err *err)
{
	struct vst_json json = vst_json_begin(out);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_json_key(&json, "database");
	vst_json_text(&json, s->path, strlen(s->path));
	vst_json_key(&json, "sqlite_version");
	vst_json_string(&json, sqlite3_libversion());
	put_pragma(s, &json, "page_size", "PRAGMA page_size");
	put_pragma(s, &json, "pages", "PRAGMA page_count");
	put_pragma(s, &json, "freelist_pages", "PRAGMA freelist_count");
	vst_json_key(&json, "journal_mode");
	vst_json_string(&json, s->journal_mode);
	put_pragma(s, &json, "encoding", "PRAGMA encoding");
	put_pragma(s, &json, "user_version", "PRAGMA user_version");
	put_pragma(s, &json, "application_id", "PRAGMA application_id");
	put_pragma(s, &json, "schema_version", "PRAGMA schema_version");
	int rc = vst_sqlite_quick_check(s, &json, err);
	vst_json_key(&json, "tables");
	vst_json_array(&json);
	for (size_t i = 0; i < tables->count; i++)
		if (!only || only[i])
			put_table(&json, &tables->tables[i]);
	vst_json_end(&json);
	put_objects(s, &json, tables, only);
	vst_json_end(&json);
	vst_buf_byte(out, '\n');
	return rc != 0 ? rc : vst_buf_check(out, err);
}
