#include "collect/sqlite_rows.h"

#include <stdio.h>
#include <string.h>

#include "collect/csv.h"
#include "collect/row_digest.h"
#include "collect/sqlite_guard.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define PIECE ((size_t)64 * 1024) /* of a long value */
#define CODE_ARGUMENTS 100        /* SQLite's functions take 127 at most */
#define CODE_FUNCTION "vestige_code"

/* ---- codes ---- */

static void put_u64(struct vst_buf *out, uint64_t value)
{
	vst_buf_u64le(out, value);
}

/* SQLite gives NULL for an empty BLOB, and for any value when it finds no memory. */
static void put_bytes(struct vst_buf *out, char kind, const void *bytes, size_t len)
{
	vst_buf_byte(out, (uint8_t)kind);
	if (bytes)
		vst_buf_bytes(out, bytes, len);
	else if (kind == 't' || len > 0)
		out->failed = true;
}

static void put_code(struct vst_buf *out, sqlite3_value *value)
{
	double real;
	uint64_t bits;
	switch (sqlite3_value_type(value)) {
	case SQLITE_INTEGER:
		vst_buf_byte(out, 'i');
		put_u64(out, (uint64_t)sqlite3_value_int64(value));
		break;
	case SQLITE_FLOAT:
		real = sqlite3_value_double(value);
		memcpy(&bits, &real, sizeof bits);
		vst_buf_byte(out, 'r');
		put_u64(out, bits);
		break;
	case SQLITE_BLOB:
		put_bytes(out, 'b', sqlite3_value_blob(value), (size_t)sqlite3_value_bytes(value));
		break;
	default:
		put_bytes(out, 't', sqlite3_value_text(value), (size_t)sqlite3_value_bytes(value));
	}
}

/* Each value with its length before it, so that no row's code starts another's. */
static void order_code(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct vst_buf all = VST_BUF_INIT, one = VST_BUF_INIT;
	for (int i = 0; i < count; i++) {
		bool is_null = sqlite3_value_type(values[i]) == SQLITE_NULL;
		vst_buf_byte(&all, !is_null);
		if (is_null)
			continue;
		vst_buf_clear(&one);
		put_code(&one, values[i]);
		all.failed |= one.failed;
		put_u64(&all, one.len);
		vst_buf_bytes(&all, one.data, one.len);
	}
	if (all.failed)
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_blob64(context, all.data, all.len, SQLITE_TRANSIENT);
	vst_buf_free(&all);
	vst_buf_free(&one);
}

int vst_sqlite_rows_prepare(sqlite3 *db)
{
	return sqlite3_create_function_v2(db, CODE_FUNCTION, -1,
	        SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, order_code, NULL, NULL, NULL);
}

/* ---- statements ---- */

static void put_columns(struct vst_buf *sql, const struct vst_sqlite_table *table)
{
	const char *before = "SELECT ";
	for (size_t i = 0; i < table->column_count; i++) {
		if (table->columns[i].computed)
			continue;
		vst_buf_text(sql, before);
		vst_sqlite_quote(sql, table->columns[i].name);
		before = ", ";
	}
	vst_buf_text(sql, " FROM main.");
	vst_sqlite_quote(sql, table->name);
	vst_buf_text(sql, " NOT INDEXED");
}

static void put_key_order(struct vst_buf *sql, const struct vst_sqlite_table *table, const char **before)
{
	for (int place = 1; (size_t)place <= table->key_count; place++) {
		for (size_t i = 0; i < table->column_count; i++) {
			if (table->columns[i].key != place)
				continue;
			vst_buf_text(sql, *before);
			vst_sqlite_quote(sql, table->columns[i].name);
			vst_buf_text(sql, " COLLATE BINARY");
			*before = ", ";
		}
	}
}

static void put_code_order(struct vst_buf *sql, const struct vst_sqlite_table *table, const char *before)
{
	size_t count = 0;
	for (size_t i = 0; i < table->column_count; i++) {
		if (table->columns[i].computed)
			continue;
		if (count % CODE_ARGUMENTS == 0) {
			vst_buf_text(sql, count ? "), " : before);
			vst_buf_text(sql, CODE_FUNCTION "(");
		} else
			vst_buf_text(sql, ", ");
		vst_sqlite_quote(sql, table->columns[i].name);
		count++;
	}
	vst_buf_byte(sql, ')');
}

/* A primary key may hold NULL, and NULLs do not differ: then only the whole row tells an order. */
static bool has_exact_key(const struct vst_sqlite_table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct vst_sqlite_column *column = &table->columns[i];
		bool is_rowid = table->key_count == 1 && sqlite3_stricmp(column->type, "INTEGER") == 0;
		if (column->key > 0 && !column->not_null && !table->without_rowid && !is_rowid)
			return false;
	}
	return table->key_count > 0;
}

int vst_sqlite_rows_of_table(struct vst_sqlite *s, const struct vst_sqlite_table *table, bool for_digest,
        sqlite3_stmt **ret, struct vst_sqlite_problem *problem, struct vst_err *err)
{
	struct vst_buf sql = VST_BUF_INIT;
	const char *before = " ORDER BY ";
	put_columns(&sql, table);
	put_key_order(&sql, table, &before);
	if (for_digest && !has_exact_key(table))
		put_code_order(&sql, table, before);
	const char *text = vst_buf_cstr(&sql);
	int rc = vst_buf_check(&sql, err);
	int code = rc == 0 ? sqlite3_prepare_v2(s->db, text, -1, ret, NULL) : SQLITE_OK;
	vst_buf_free(&sql);
	return code == SQLITE_OK ? rc : vst_sqlite_explain(s->context, s->db, code, problem, err);
}

static int prepare_query(sqlite3 *db, const char *query, sqlite3_stmt **ret, const char **ret_why)
{
	sqlite3_stmt *more = NULL;
	const char *tail = "";
	int code = sqlite3_prepare_v2(db, query, -1, ret, &tail);
	if (code == SQLITE_OK && *ret && *tail && sqlite3_prepare_v2(db, tail, -1, &more, NULL) != SQLITE_OK)
		*ret_why = "query: more than one statement";
	if (more)
		*ret_why = "query: more than one statement";
	sqlite3_finalize(more);
	if (code == SQLITE_OK && (!*ret || !sqlite3_stmt_readonly(*ret) || sqlite3_column_count(*ret) == 0))
		*ret_why = "query: not a SELECT";
	if (code == SQLITE_AUTH)
		*ret_why = "query: refused, it does more than SELECT";
	return code;
}

int vst_sqlite_rows_of_query(struct vst_sqlite *s, const char *query, sqlite3_stmt **ret,
        struct vst_sqlite_problem *problem, struct vst_err *err)
{
	const char *why = NULL;
	vst_sqlite_only_select(s->db);
	int code = prepare_query(s->db, query, ret, &why);
	if (why) {
		problem->status = VST_ITEM_ERROR;
		snprintf(problem->why, sizeof problem->why, "%s", why);
		sqlite3_finalize(*ret);
		*ret = NULL;
		return 0;
	}
	return code == SQLITE_OK ? 0 : vst_sqlite_explain(s->context, s->db, code, problem, err);
}

/* ---- rows ---- */

/* One more row; false at the end, whose reason is in ret->problem. */
static bool next(
        struct vst_sqlite *s, sqlite3_stmt *stmt, struct vst_sqlite_rows *ret, int *rc, struct vst_err *err)
{
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		*rc = vst_sqlite_explain(s->context, s->db, code, &ret->problem, err);
	return false;
}

static int flush(struct vst_stream *out, struct vst_buf *row, size_t from, struct vst_err *err)
{
	int rc = vst_buf_check(row, err);
	if (rc == 0 && row->len >= from) {
		rc = vst_stream_write(out, row->data, row->len, err);
		vst_buf_clear(row);
	}
	return rc;
}

static int write_text(
        struct vst_stream *out, struct vst_buf *row, const uint8_t *text, size_t len, struct vst_err *err)
{
	int rc = 0;
	bool quoted = vst_csv_needs_quotes(text, len);
	if (quoted)
		vst_buf_byte(row, '"');
	for (size_t at = 0; rc == 0 && at < len; at += PIECE) {
		size_t piece = len - at < PIECE ? len - at : PIECE;
		if (quoted)
			vst_csv_escape(row, text + at, piece);
		else
			vst_buf_bytes(row, text + at, piece);
		rc = flush(out, row, PIECE, err);
	}
	if (quoted)
		vst_buf_byte(row, '"');
	return rc;
}

static int write_blob(
        struct vst_stream *out, struct vst_buf *row, const uint8_t *blob, size_t len, struct vst_err *err)
{
	int rc = 0;
	vst_buf_text(row, "\\x");
	for (size_t at = 0; rc == 0 && at < len; at += PIECE) {
		vst_hex_append(row, blob + at, len - at < PIECE ? len - at : PIECE);
		rc = flush(out, row, PIECE, err);
	}
	return rc;
}

static int write_value(
        struct vst_stream *out, struct vst_buf *row, sqlite3_stmt *stmt, int column, struct vst_err *err)
{
	const uint8_t *bytes;
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_NULL:
		return 0;
	case SQLITE_INTEGER:
		vst_csv_int(row, sqlite3_column_int64(stmt, column));
		return 0;
	case SQLITE_FLOAT:
		vst_csv_real(row, sqlite3_column_double(stmt, column));
		return 0;
	case SQLITE_BLOB:
		bytes = sqlite3_column_blob(stmt, column);
		if (!bytes && sqlite3_column_bytes(stmt, column) > 0)
			return vst_err_nomem(err);
		return write_blob(out, row, bytes, (size_t)sqlite3_column_bytes(stmt, column), err);
	default:
		bytes = sqlite3_column_text(stmt, column);
		if (!bytes)
			return vst_err_nomem(err);
		return write_text(out, row, bytes, (size_t)sqlite3_column_bytes(stmt, column), err);
	}
}

static int write_row(
        struct vst_stream *out, struct vst_buf *row, sqlite3_stmt *stmt, int columns, struct vst_err *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < columns; i++) {
		if (i > 0)
			vst_buf_byte(row, ',');
		rc = write_value(out, row, stmt, i, err);
	}
	vst_buf_byte(row, '\n');
	return rc == 0 ? flush(out, row, 0, err) : rc;
}

int vst_sqlite_rows_write(struct vst_sqlite *s, sqlite3_stmt *stmt, struct vst_stream *out,
        struct vst_sqlite_rows *ret, struct vst_err *err)
{
	struct vst_buf row = VST_BUF_INIT;
	int columns = sqlite3_column_count(stmt);
	*ret = (struct vst_sqlite_rows){.problem = {.status = VST_ITEM_COLLECTED}};
	for (int i = 0; i < columns; i++) {
		const char *name = sqlite3_column_name(stmt, i);
		if (i > 0)
			vst_buf_byte(&row, ',');
		vst_csv_text(&row, name ? name : "", name ? strlen(name) : 0);
	}
	vst_buf_byte(&row, '\n');
	int rc = flush(out, &row, 0, err);
	while (rc == 0 && !out->cut && next(s, stmt, ret, &rc, err)) {
		rc = write_row(out, &row, stmt, columns, err);
		ret->rows += !out->cut;
	}
	vst_buf_free(&row);
	return rc;
}

int vst_sqlite_rows_digest(struct vst_sqlite *s, sqlite3_stmt *stmt, struct vst_row_digest *digest,
        struct vst_sqlite_rows *ret, struct vst_err *err)
{
	struct vst_buf code = VST_BUF_INIT;
	int rc = 0, columns = sqlite3_column_count(stmt);
	*ret = (struct vst_sqlite_rows){.problem = {.status = VST_ITEM_COLLECTED}};
	while (rc == 0 && next(s, stmt, ret, &rc, err)) {
		vst_row_digest_begin(digest, (size_t)columns);
		for (int i = 0; i < columns; i++) {
			bool is_null = sqlite3_column_type(stmt, i) == SQLITE_NULL;
			vst_buf_clear(&code);
			if (!is_null)
				put_code(&code, sqlite3_column_value(stmt, i));
			digest->code.failed |= code.failed;
			vst_row_digest_value(digest, is_null ? NULL : code.data, code.len);
		}
		rc = vst_row_digest_end(digest, err);
		ret->rows++;
	}
	vst_buf_free(&code);
	return rc;
}

int vst_sqlite_rows_count(
        struct vst_sqlite *s, sqlite3_stmt *stmt, struct vst_sqlite_rows *ret, struct vst_err *err)
{
	int rc = 0;
	*ret = (struct vst_sqlite_rows){.problem = {.status = VST_ITEM_COLLECTED}};
	while (rc == 0 && next(s, stmt, ret, &rc, err))
		ret->rows++;
	return rc;
}
