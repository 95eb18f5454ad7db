#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/limits.h"
#include "collect/postgres_tables.h"
#include "collect/postgres_text.h"
#include "collect/row_digest.h"
#include "vestige/err.h"

/* How reading one table went. */
struct reading {
	bool ok;
	struct vst_postgres_failure failure;
	uint64_t rows;     /* seen */
	uint64_t reported; /* by the server, at the end */
	bool rewritten;    /* the table was truncated or rewritten since the snapshot */
};

static void fail_with(struct reading *reading, int error, const char *why)
{
	reading->ok = false;
	reading->failure.error = error;
	vst_buf_clear(&reading->failure.why);
	vst_buf_text(&reading->failure.why, why);
}

/*
 * TRUNCATE and some forms of ALTER TABLE do not care for snapshots: rows that our moment had are gone. The
 * catalog as of our moment knows the file that the table had then.
 */
static int check_rewritten(struct vst_postgres_run *run, const struct vst_postgres_table *table,
        struct reading *reading, struct vst_err *err)
{
	PGresult *result = NULL;
	const struct vst_postgres_statement statement = {
	        .sql = "SELECT pg_catalog.pg_relation_filenode($1::pg_catalog.oid)",
	        .count = 1,
	        .values = &table->oid,
	};
	if (!table->oid || strcmp(table->filenode, "0") == 0)
		return 0;
	int rc = vst_postgres_query(run->session, run->context, &statement, &result, &reading->failure, err);
	if (rc != 0)
		return rc;
	if (!result)
		reading->ok = false;
	else if (strcmp(PQgetvalue(result, 0, 0), table->filenode) != 0)
		reading->rewritten = true;
	PQclear(result);
	if (reading->rewritten)
		fail_with(reading, ESTALE,
		        "the table was truncated or rewritten after the snapshot was taken: rows may be "
		        "missing");
	return 0;
}

static int finish_reading(struct vst_postgres_run *run, const struct vst_postgres_table *table,
        struct reading *reading, struct vst_err *err)
{
	if (!reading->ok)
		return 0;
	int rc = check_rewritten(run, table, reading, err);
	if (rc == 0 && reading->ok && reading->rows != reading->reported)
		fail_with(reading, EPROTO, "the server sent another number of rows than it says");
	return rc;
}

/* ---- rows as CSV ---- */

static int stream_rows(struct vst_postgres_run *run, const struct vst_postgres_table *table,
        struct reading *reading, struct vst_err *err)
{
	char *row = NULL;
	size_t len = 0;
	uint64_t lines = 0;
	vst_postgres_table_copy(run, table, true);
	int rc = vst_buf_check(&run->sql, err);
	if (rc != 0)
		return rc;
	const struct vst_postgres_statement statement = {.sql = vst_buf_cstr(&run->sql)};
	rc = vst_postgres_copy(run->session, run->context, &statement, &reading->ok, &reading->failure, err);
	if (rc != 0 || !reading->ok)
		return rc;
	while ((rc = vst_postgres_copy_row(run->session, run->context, &statement, &row, &len, &reading->ok,
	                &reading->reported, &reading->failure, err)) == 0 &&
	        row) {
		rc = vst_stream_write(&run->out, row, len, err);
		PQfreemem(row);
		lines++;
		if (rc != 0)
			return rc;
		if (run->out.cut)
			return vst_postgres_stop(run->session, run->context, err);
	}
	reading->rows = lines > 0 ? lines - 1 : 0; /* without the header */
	return rc == 0 ? finish_reading(run, table, reading, err) : rc;
}

static int close_stream(struct vst_postgres_run *run, const struct vst_postgres_table *table,
        struct reading *reading, struct vst_err *err)
{
	struct vst_json json = vst_postgres_table_details(run, table);
	/* Time that is over ends a statement of the server's before a row comes. */
	if (!reading->ok && vst_limits_expired(run->context) &&
	        strcmp(reading->failure.sqlstate, "57014") == 0)
		run->out.cut = VST_RULE_SOURCE_TIME;
	if (!run->out.cut) {
		vst_json_key(&json, "rows");
		vst_json_uint(&json, reading->rows);
	}
	vst_json_end(&json);
	if (reading->ok || run->out.cut)
		return vst_stream_close(&run->out, &run->details, err);
	return vst_stream_fail(
	        &run->out, reading->failure.error, vst_buf_cstr(&reading->failure.why), &run->details, err);
}

/* ---- rows as a digest, and as a number ---- */

static int digest_row(struct vst_row_digest *digest, const char *row, size_t len, size_t columns,
        struct vst_buf *value, struct vst_err *err)
{
	const char *at = row, *end = row + len - (len > 0 && row[len - 1] == '\n');
	vst_row_digest_begin(digest, columns);
	for (size_t i = 0; i < columns; i++) {
		bool null = false;
		if (!at)
			return vst_err_set(err, VST_EFORMAT, "a row of the server's lacks columns");
		vst_postgres_next_field(&at, end, value, &null);
		int rc = vst_buf_check(value, err);
		if (rc != 0)
			return rc;
		vst_row_digest_value(digest,
		        null          ? NULL
		        : value->data ? value->data
		                      : (const uint8_t *)"",
		        value->len);
	}
	if (columns > 0 && at)
		return vst_err_set(err, VST_EFORMAT, "a row of the server's has more columns than it says");
	return vst_row_digest_end(digest, err);
}

static int digest_rows(struct vst_postgres_run *run, const struct vst_postgres_table *table,
        struct vst_row_digest *digest, struct reading *reading, struct vst_err *err)
{
	struct vst_buf value = VST_BUF_INIT;
	struct vst_err why = VST_ERR_INIT;
	char *row = NULL;
	size_t len = 0, columns = (size_t)PQntuples(table->columns);
	vst_postgres_table_copy(run, table, false);
	int rc = vst_buf_check(&run->sql, err);
	if (rc != 0)
		return rc;
	const struct vst_postgres_statement statement = {.sql = vst_buf_cstr(&run->sql), .quiet = true};
	rc = vst_postgres_copy(run->session, run->context, &statement, &reading->ok, &reading->failure, err);
	if (rc != 0 || !reading->ok)
		return rc;
	while ((rc = vst_postgres_copy_row(run->session, run->context, &statement, &row, &len, &reading->ok,
	                &reading->reported, &reading->failure, err)) == 0 &&
	        row) {
		rc = digest_row(digest, row, len, columns, &value, &why);
		PQfreemem(row);
		if (rc != 0)
			break;
		if (vst_limits_expired(run->context)) {
			fail_with(reading, 0, VST_RULE_SOURCE_TIME);
			memcpy(reading->failure.sqlstate, "57014", 6);
			break;
		}
		if ((digest->rows & 0xfff) == 0 && (rc = vst_limits_check_cancel(run->context, err)) != 0)
			break;
	}
	vst_buf_free(&value);
	reading->rows = digest->rows;
	if (rc == VST_EFORMAT) {
		fail_with(reading, EPROTO, why.text);
		rc = 0;
	} else if (rc != 0 && rc == why.code) {
		return vst_err_set(err, rc, "%s", why.text);
	}
	if (rc == 0 && row)
		return vst_postgres_stop(run->session, run->context, err);
	return rc == 0 ? finish_reading(run, table, reading, err) : rc;
}

static int count_rows(struct vst_postgres_run *run, const struct vst_postgres_table *table,
        struct reading *reading, struct vst_err *err)
{
	PGresult *result = NULL;
	vst_postgres_table_count(run, table);
	int rc = vst_buf_check(&run->sql, err);
	if (rc != 0)
		return rc;
	const struct vst_postgres_statement statement = {.sql = vst_buf_cstr(&run->sql), .quiet = true};
	rc = vst_postgres_query(run->session, run->context, &statement, &result, &reading->failure, err);
	reading->ok = rc == 0 && result;
	if (!reading->ok)
		return rc;
	reading->rows = reading->reported = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return finish_reading(run, table, reading, err);
}

static int note_rows(struct vst_postgres_run *run, const struct vst_postgres_table *table,
        const struct reading *reading, struct vst_row_digest *digest, struct vst_err *err)
{
	struct vst_buf why = VST_BUF_INIT;
	struct vst_json json = vst_postgres_table_details(run, table);
	struct vst_note note = {
	        .path = vst_buf_cstr(&run->path),
	        .type = VST_ITEM_STREAM,
	        .status = VST_ITEM_COLLECTED,
	        .content = run->source->content == VST_CONTENT_DIGEST ? VST_ITEM_CONTENT_DIGEST
	                                                              : VST_ITEM_CONTENT_METADATA,
	        .details = &run->details,
	};
	if (reading->ok) {
		vst_json_key(&json, "rows");
		vst_json_uint(&json, reading->rows);
	}
	if (reading->ok && digest) {
		vst_json_key(&json, "digest");
		vst_row_digest_write(digest, &json);
	}
	vst_json_end(&json);
	if (!reading->ok) {
		vst_buf_bytes(&why, reading->failure.why.data, reading->failure.why.len);
		note.status = vst_stream_status_of(reading->failure.error);
		note.error = reading->failure.error;
		note.rule = vst_buf_cstr(&why);
		if (vst_limits_expired(run->context) && strcmp(reading->failure.sqlstate, "57014") == 0) {
			note.status = VST_ITEM_TRUNCATED;
			note.error = 0;
			note.rule = VST_RULE_SOURCE_TIME;
		}
	}
	int rc = vst_stream_note(&run->out, &note, err);
	vst_buf_free(&why);
	return rc;
}

/* ---- the item ---- */

/* A dry run: what it may come to, by the table's size on disk. */
static int describe(struct vst_postgres_run *run, const struct vst_postgres_table *table, struct vst_err *err)
{
	const struct vst_sink *sink = run->out.sink;
	struct vst_item item;
	vst_item_init(&item);
	item.path = vst_buf_cstr(&run->path);
	item.source = run->source->name;
	item.type = VST_ITEM_STREAM;
	item.has_content = true;
	item.size = item.read_expected = run->source->content == VST_CONTENT_FULL ? table->bytes : 0;
	int rc = sink->begin(sink->ctx, &item, err);
	return rc == 0 ? sink->end(sink->ctx, &item, NULL, err) : rc;
}

static int read_and_note(struct vst_postgres_run *run, struct vst_postgres_table *table,
        struct reading *reading, struct vst_err *err)
{
	struct vst_row_digest digest = {0};
	bool wanted = run->source->content == VST_CONTENT_DIGEST;
	int rc = 0;
	if (reading->ok && wanted && !run->context->digest_key)
		fail_with(reading, 0, "there is no digest key");
	if (reading->ok && wanted) {
		rc = vst_row_digest_init(&digest, run->context->digest_key, err);
		if (rc == 0)
			rc = digest_rows(run, table, &digest, reading, err);
	} else if (reading->ok) {
		rc = count_rows(run, table, reading, err);
	}
	if (rc == 0)
		rc = note_rows(run, table, reading, wanted ? &digest : NULL, err);
	vst_row_digest_free(&digest);
	return rc;
}

/* What was named or listed and is not there. */
static int note_gone(
        struct vst_postgres_run *run, const struct vst_postgres_table *table, struct vst_err *err)
{
	const struct vst_note note = {
	        .path = vst_buf_cstr(&run->path),
	        .type = VST_ITEM_STREAM,
	        .status = table->oid ? VST_ITEM_VANISHED : VST_ITEM_ABSENT,
	};
	return vst_stream_note(&run->out, &note, err);
}

static int take(struct vst_postgres_run *run, struct vst_postgres_table *table, struct reading *reading,
        struct vst_err *err)
{
	bool full = run->source->content == VST_CONTENT_FULL;
	int rc = vst_postgres_savepoint(run->session, run->context, &reading->ok, &reading->failure, err);
	if (rc == 0 && reading->ok)
		rc = vst_postgres_table_look(run, table, &reading->ok, &reading->failure, err);
	if (rc == 0 && !reading->ok && reading->failure.gone && table->oid)
		return note_gone(run, table, err);
	if (rc != 0)
		return rc;
	if (!run->context->content)
		return describe(run, table, err);
	if (!full)
		return read_and_note(run, table, reading, err);
	rc = vst_stream_open(&run->out, vst_buf_cstr(&run->path), err);
	if (rc == 0 && reading->ok && !run->out.cut)
		rc = stream_rows(run, table, reading, err);
	return rc == 0 ? close_stream(run, table, reading, err) : rc;
}

int vst_postgres_rows(struct vst_postgres_run *run, struct vst_postgres_table *table, struct vst_err *err)
{
	struct reading reading = {0};
	vst_postgres_path(
	        run, table->schema, table->oid ? table->name : NULL, table->oid ? ".csv" : "query.csv");
	int rc = vst_buf_check(&run->path, err);
	if (rc == 0 && !run->out.sink->has(run->out.sink->ctx, vst_buf_cstr(&run->path))) {
		rc = take(run, table, &reading, err);
		if (rc == 0)
			rc = vst_postgres_release(run->session, run->context, err);
	}
	vst_postgres_table_free(table);
	vst_postgres_failure_free(&reading.failure);
	return rc;
}
