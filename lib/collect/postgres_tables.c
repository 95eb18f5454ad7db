#include "collect/postgres_tables.h"

#include <stdlib.h>
#include <string.h>

#include "collect/postgres_text.h"
#include "vestige/err.h"

enum { COLUMN_NAME, COLUMN_TYPE, COLUMN_KEY, COLUMN_COLLATED };

void vst_postgres_table_free(struct vst_postgres_table *table)
{
	PQclear(table->columns);
	table->columns = NULL;
}

/* ---- looking ---- */

static int look_at_query(struct vst_postgres_run *run, struct vst_postgres_table *table,
        struct vst_postgres_failure *failure, struct vst_err *err)
{
	const char *query = run->source->postgres.query;
	PGresult *shape = NULL, *path = NULL;
	/* The query means what it means to its role; but what the system has goes first. */
	const struct vst_postgres_statement set_path = {
	        .sql = "SELECT set_config('search_path', 'pg_catalog, ' || $1, true)",
	        .count = 1,
	        .values = (const char *const[]){run->session->search_path},
	};
	int rc = vst_postgres_query(run->session, run->context, &set_path, &path, failure, err);
	PQclear(path);
	if (rc != 0 || !path)
		return rc;
	vst_buf_clear(&run->sql);
	vst_buf_text(&run->sql, "SELECT * FROM (\n");
	vst_buf_bytes(&run->sql, query, vst_postgres_query_len(query));
	vst_buf_text(&run->sql, "\n) r LIMIT 0");
	if ((rc = vst_buf_check(&run->sql, err)) != 0)
		return rc;
	const struct vst_postgres_statement statement = {
	        .sql = vst_buf_cstr(&run->sql), .quiet = run->source->content != VST_CONTENT_FULL};
	rc = vst_postgres_query(run->session, run->context, &statement, &shape, failure, err);
	if (rc != 0 || !shape)
		return rc;
	/* Names travel as an array of types only: they are put back in from the shape. */
	vst_buf_clear(&run->sql);
	vst_buf_text(&run->sql,
	        "SELECT name, pg_catalog.format_type(type::pg_catalog.oid, mod), NULL, 'f' FROM (VALUES ");
	for (int i = 0; i < PQnfields(shape); i++) {
		char *name =
		        PQescapeLiteral(run->session->conn, PQfname(shape, i), strlen(PQfname(shape, i)));
		vst_buf_printf(&run->sql, "%s(%d, %s, %u, %d)", i > 0 ? ", " : "", i, name ? name : "NULL",
		        PQftype(shape, i), PQfmod(shape, i));
		PQfreemem(name);
	}
	if (PQnfields(shape) == 0)
		vst_buf_text(&run->sql, "(0, '', 0, 0)");
	vst_buf_printf(&run->sql, ") v(n, name, type, mod) WHERE n < %d ORDER BY n", PQnfields(shape));
	PQclear(shape);
	if ((rc = vst_buf_check(&run->sql, err)) != 0)
		return rc;
	const struct vst_postgres_statement types = {.sql = vst_buf_cstr(&run->sql)};
	return vst_postgres_query(run->session, run->context, &types, &table->columns, failure, err);
}

static int look_at_table(struct vst_postgres_run *run, struct vst_postgres_table *table,
        struct vst_postgres_failure *failure, struct vst_err *err)
{
	const struct vst_postgres_statement columns = {
	        .sql = "SELECT a.attname, format_type(a.atttypid, a.atttypmod), (SELECT k.n FROM pg_index i,"
	               " unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n) WHERE i.indrelid = a.attrelid "
	               "AND"
	               " i.indisprimary AND i.indisvalid AND k.attnum = a.attnum), a.attcollation <> 0"
	               " FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT "
	               "a.attisdropped"
	               " ORDER BY a.attnum",
	        .count = 1,
	        .values = &table->oid,
	};
	const struct vst_postgres_statement size = {
	        .sql = "SELECT pg_table_size($1::oid)", .count = 1, .values = &table->oid};
	PGresult *result = NULL;
	int rc = vst_postgres_query(run->session, run->context, &columns, &table->columns, failure, err);
	if (rc != 0 || !table->columns)
		return rc;
	/* This waits for a lock that somebody holds, as reading would. */
	rc = vst_postgres_query(run->session, run->context, &size, &result, failure, err);
	if (rc == 0 && !result)
		vst_postgres_table_free(table);
	if (rc != 0 || !result)
		return rc;
	table->bytes = PQgetisnull(result, 0, 0) ? 0 : strtoull(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return 0;
}

static bool has_key(const struct vst_postgres_table *table)
{
	for (int i = 0; i < PQntuples(table->columns); i++)
		if (!PQgetisnull(table->columns, i, COLUMN_KEY))
			return true;
	return false;
}

int vst_postgres_table_look(struct vst_postgres_run *run, struct vst_postgres_table *table, bool *ret_ok,
        struct vst_postgres_failure *failure, struct vst_err *err)
{
	bool digest = run->source->content == VST_CONTENT_DIGEST;
	int rc = table->oid ? look_at_table(run, table, failure, err)
	                    : look_at_query(run, table, failure, err);
	*ret_ok = rc == 0 && table->columns;
	if (!*ret_ok)
		return rc;
	if (table->oid && has_key(table))
		table->order = VST_POSTGRES_BY_KEY;
	else if (digest || (table->oid && table->bytes <= VST_POSTGRES_SORT_MAX))
		table->order = VST_POSTGRES_BY_ROW;
	else
		table->order = table->oid ? VST_POSTGRES_PHYSICAL : VST_POSTGRES_OF_QUERY;
	return 0;
}

/* ---- statements ---- */

static void put_from(struct vst_postgres_run *run, const struct vst_postgres_table *table)
{
	const char *query = run->source->postgres.query;
	if (table->oid) {
		vst_buf_text(&run->sql, " FROM ONLY ");
		vst_postgres_quote(&run->sql, table->schema);
		vst_buf_byte(&run->sql, '.');
		vst_postgres_quote(&run->sql, table->name);
		vst_buf_text(&run->sql, " AS r");
		return;
	}
	vst_buf_text(&run->sql, " FROM (\n");
	vst_buf_bytes(&run->sql, query, vst_postgres_query_len(query));
	vst_buf_text(&run->sql, "\n) AS r");
}

static void put_columns(struct vst_postgres_run *run, const struct vst_postgres_table *table)
{
	if (!table->oid) {
		vst_buf_text(&run->sql, "r.*");
		return;
	}
	for (int i = 0; i < PQntuples(table->columns); i++) {
		vst_buf_text(&run->sql, i > 0 ? ", r." : "r.");
		vst_postgres_quote(&run->sql, PQgetvalue(table->columns, i, COLUMN_NAME));
	}
}

/* The column at that place of the key; -1: the key is shorter. */
static int key_column(const struct vst_postgres_table *table, int place)
{
	for (int i = 0; i < PQntuples(table->columns); i++)
		if (!PQgetisnull(table->columns, i, COLUMN_KEY) &&
		        atoi(PQgetvalue(table->columns, i, COLUMN_KEY)) == place)
			return i;
	return -1;
}

/* Digests must not depend on how a library sorts words this year; rows come as the key's index has them. */
static void put_order(struct vst_postgres_run *run, const struct vst_postgres_table *table, bool csv)
{
	if (table->order == VST_POSTGRES_BY_ROW)
		vst_buf_text(&run->sql, " ORDER BY (r.*)::pg_catalog.text COLLATE pg_catalog.\"C\"");
	if (table->order != VST_POSTGRES_BY_KEY)
		return;
	for (int place = 1, column; (column = key_column(table, place)) >= 0; place++) {
		vst_buf_text(&run->sql, place > 1 ? ", r." : " ORDER BY r.");
		vst_postgres_quote(&run->sql, PQgetvalue(table->columns, column, COLUMN_NAME));
		if (!csv && strcmp(PQgetvalue(table->columns, column, COLUMN_COLLATED), "t") == 0)
			vst_buf_text(&run->sql, " COLLATE pg_catalog.\"C\"");
	}
}

void vst_postgres_table_copy(struct vst_postgres_run *run, const struct vst_postgres_table *table, bool csv)
{
	const char *query = run->source->postgres.query;
	vst_buf_clear(&run->sql);
	if (table->order == VST_POSTGRES_OF_QUERY) {
		/* Not as a part of another: its own order is kept. */
		vst_buf_text(&run->sql, "COPY (\n");
		vst_buf_bytes(&run->sql, query, vst_postgres_query_len(query));
		vst_buf_byte(&run->sql, '\n');
	} else {
		vst_buf_text(&run->sql, "COPY (SELECT ");
		put_columns(run, table);
		put_from(run, table);
		put_order(run, table, csv);
	}
	vst_buf_text(&run->sql, csv ? ") TO STDOUT (FORMAT csv, HEADER)" : ") TO STDOUT");
}

void vst_postgres_table_count(struct vst_postgres_run *run, const struct vst_postgres_table *table)
{
	vst_buf_clear(&run->sql);
	vst_buf_text(&run->sql, "SELECT pg_catalog.count(*)");
	put_from(run, table);
}

/* ---- details ---- */

static bool has_column(const struct vst_postgres_table *table, const char *name)
{
	for (int i = 0; i < PQntuples(table->columns); i++)
		if (strcmp(PQgetvalue(table->columns, i, COLUMN_NAME), name) == 0)
			return true;
	return false;
}

static void put_columns_of_policy(
        struct vst_json *json, const struct vst_postgres_run *run, const struct vst_postgres_table *table)
{
	const struct vst_policy_source *source = run->source;
	if (source->subject) {
		vst_json_key(json, "subject");
		vst_json_string(json, source->subject);
	}
	if (source->column_count > 0) {
		vst_json_key(json, "categories");
		vst_json_object(json);
		for (size_t i = 0; i < source->column_count; i++) {
			vst_json_key(json, source->columns[i].column);
			vst_json_string(json, source->columns[i].category);
		}
		vst_json_end(json);
	}
	if (!table->columns || (!source->subject && source->column_count == 0))
		return;
	vst_json_key(json, "missing_columns");
	vst_json_array(json);
	if (source->subject && !has_column(table, source->subject))
		vst_json_string(json, source->subject);
	for (size_t i = 0; i < source->column_count; i++)
		if (!has_column(table, source->columns[i].column) &&
		        !(source->subject && strcmp(source->subject, source->columns[i].column) == 0))
			vst_json_string(json, source->columns[i].column);
	vst_json_end(json);
}

static void put_shape(struct vst_json *json, const struct vst_postgres_table *table)
{
	static const char *const orders[] = {"primary key", "row text", "physical", "query"};
	vst_json_key(json, "columns");
	vst_json_array(json);
	for (int i = 0; i < PQntuples(table->columns); i++) {
		vst_json_object(json);
		vst_json_key(json, "name");
		vst_json_string(json, PQgetvalue(table->columns, i, COLUMN_NAME));
		vst_json_key(json, "type");
		vst_json_string(json, PQgetvalue(table->columns, i, COLUMN_TYPE));
		vst_json_end(json);
	}
	vst_json_end(json);
	vst_json_key(json, "key");
	vst_json_array(json);
	for (int place = 1, column; (column = key_column(table, place)) >= 0; place++)
		vst_json_string(json, PQgetvalue(table->columns, column, COLUMN_NAME));
	vst_json_end(json);
	vst_json_key(json, "ordered_by");
	vst_json_string(json, orders[table->order]);
}

struct vst_json vst_postgres_table_details(
        struct vst_postgres_run *run, const struct vst_postgres_table *table)
{
	const struct vst_postgres_session *session = run->session;
	vst_buf_clear(&run->details);
	struct vst_json json = vst_json_begin(&run->details);
	vst_json_object(&json);
	vst_json_key(&json, "database");
	vst_json_string(&json, session->database);
	if (table->oid) {
		vst_json_key(&json, "schema");
		vst_json_string(&json, table->schema);
		vst_json_key(&json, "table");
		vst_json_string(&json, table->name);
	}
	vst_json_key(&json, "encoding");
	vst_json_string(&json, session->sql_ascii ? "SQL_ASCII" : "UTF8");
	vst_json_key(&json, "time");
	vst_json_string(&json, session->time);
	vst_json_key(&json, "lsn");
	vst_json_string(&json, session->lsn);
	vst_json_key(&json, "snapshot");
	vst_json_string(&json, session->snapshot);
	if (table->columns)
		put_shape(&json, table);
	put_columns_of_policy(&json, run, table);
	return json;
}
