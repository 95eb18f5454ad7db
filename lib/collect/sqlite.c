#include "collect/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/limits.h"
#include "collect/row_digest.h"
#include "collect/sqlite_details.h"
#include "collect/sqlite_open.h"
#include "collect/sqlite_rows.h"
#include "collect/sqlite_tables.h"
#include "collect/stream.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"

#define BLOCK ((size_t)64 * 1024)
#define VIRTUAL_RULE "a virtual table: it has no rows of its own, and its code is not run"

struct run {
	struct vst_collect_context *context;
	const struct vst_policy_source *source;
	const struct vst_policy_sqlite *policy;
	const struct vst_sink *sink;
	struct vst_err *err;
	struct vst_sqlite s;
	struct vst_sqlite_tables tables;
	bool *wanted; /* by table */
	struct vst_stream out;
	struct vst_buf path, details;
	bool *ret_unreadable;
};

/* ---- paths ---- */

void vst_sqlite_table_path(struct vst_buf *out, const char *database, const char *table)
{
	struct vst_buf name = VST_BUF_INIT;
	size_t len = strlen(table);
	vst_stream_component(&name, table, len);
	vst_buf_text(out, database);
	vst_buf_text(out, ".tables/");
	if (name.len > VST_SQLITE_NAME_MAX) {
		uint8_t digest[VST_HASH_LEN];
		vst_sha256(table, len, digest);
		vst_buf_bytes(out, name.data, VST_SQLITE_NAME_MAX - 18);
		vst_buf_text(out, "%~");
		vst_hex_append(out, digest, 8);
	} else
		vst_buf_bytes(out, name.data, name.len);
	out->failed |= name.failed;
	vst_buf_text(out, ".csv");
	vst_buf_free(&name);
}

static const char *path_of(struct run *run, const char *suffix)
{
	vst_buf_clear(&run->path);
	vst_buf_text(&run->path, run->s.path ? run->s.path : run->policy->database);
	vst_buf_text(&run->path, suffix);
	return vst_buf_cstr(&run->path);
}

static const char *path_of_table(struct run *run, const char *table)
{
	vst_buf_clear(&run->path);
	vst_sqlite_table_path(&run->path, run->s.path ? run->s.path : run->policy->database, table);
	return vst_buf_cstr(&run->path);
}

static bool is_whole(const struct run *run)
{
	return run->policy->table_count == 0 && !run->policy->query;
}

static enum vst_item_content content_of(const struct run *run)
{
	return run->source->content == VST_CONTENT_DIGEST ? VST_ITEM_CONTENT_DIGEST
	       : run->source->content == VST_CONTENT_FULL ? VST_ITEM_CONTENT_FULL
	                                                  : VST_ITEM_CONTENT_METADATA;
}

/* ---- what could not be had ---- */

static int note(struct run *run, const char *path, const struct vst_sqlite_problem *problem)
{
	const struct vst_note note = {
	        .path = path,
	        .type = VST_ITEM_STREAM,
	        .status = problem->status,
	        .rule = problem->why[0] ? problem->why : NULL,
	        .error = problem->error,
	};
	int rc = vst_buf_check(&run->path, run->err);
	return rc == 0 ? vst_stream_note(&run->out, &note, run->err) : rc;
}

static int note_rows(struct run *run, const struct vst_sqlite_problem *problem)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < run->policy->table_count; i++)
		rc = note(run, path_of_table(run, run->policy->tables[i]), problem);
	if (rc == 0 && run->policy->query)
		rc = note(run, path_of(run, ".query.csv"), problem);
	return rc;
}

static int note_all(struct run *run, const struct vst_sqlite_problem *problem)
{
	if (problem->status == VST_ITEM_ABSENT)
		return note(run, path_of(run, ""), problem);
	*run->ret_unreadable |= problem->unreadable;
	int rc = 0;
	if (is_whole(run) && run->source->content == VST_CONTENT_FULL)
		rc = note(run, path_of(run, ".backup"), problem);
	if (rc == 0)
		rc = note(run, path_of(run, ".schema.json"), problem);
	return rc == 0 ? note_rows(run, problem) : rc;
}

/* ---- the whole database ---- */

static int write_file(struct run *run)
{
	uint8_t *block = vst_alloc(BLOCK);
	int rc = block ? 0 : vst_err_nomem(run->err), error = 0;
	for (off_t at = 0; rc == 0 && !run->out.cut;) {
		ssize_t got = pread(run->s.bytes_fd, block, BLOCK, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			error = errno;
		if (got <= 0)
			break;
		at += got;
		rc = vst_stream_write(&run->out, block, (size_t)got, run->err);
	}
	free(block);
	if (rc != 0)
		return rc;
	return error ? vst_stream_fail(&run->out, error, "read the copy", &run->details, run->err)
	             : vst_stream_close(&run->out, &run->details, run->err);
}

static int write_memory(struct run *run)
{
	const struct vst_sqlite *d = &run->s;
	const size_t behind = VST_SQLITE_VERSIONS + sizeof d->versions;
	int rc = vst_stream_write(&run->out, d->bytes, VST_SQLITE_VERSIONS, run->err);
	if (rc == 0)
		rc = vst_stream_write(&run->out, d->versions, sizeof d->versions, run->err);
	if (rc == 0)
		rc = vst_stream_write(&run->out, d->bytes + behind, d->bytes_len - behind, run->err);
	return rc == 0 ? vst_stream_close(&run->out, &run->details, run->err) : rc;
}

static int take_backup(struct run *run)
{
	vst_buf_clear(&run->details);
	struct vst_json json = vst_json_begin(&run->details);
	vst_json_object(&json);
	vst_json_key(&json, "copied");
	vst_json_string(&json, run->s.how);
	vst_json_key(&json, "journal_mode");
	vst_json_string(&json, run->s.journal_mode);
	int rc = vst_sqlite_quick_check(&run->s, &json, run->err);
	vst_json_end(&json);
	if (rc == 0)
		rc = vst_stream_open(&run->out, path_of(run, ".backup"), run->err);
	if (rc != 0)
		return rc;
	return run->s.bytes_fd >= 0 ? write_file(run) : write_memory(run);
}

/* ---- rows ---- */

/* Ends the open item as its rows ended. */
static int close_rows(struct run *run, const struct vst_sqlite_rows *rows)
{
	if (rows->problem.status == VST_ITEM_EXCLUDED)
		run->out.cut = VST_RULE_SOURCE_TIME;
	if (rows->problem.status == VST_ITEM_COLLECTED || rows->problem.status == VST_ITEM_EXCLUDED)
		return vst_stream_close(&run->out, &run->details, run->err);
	return vst_stream_fail(&run->out, rows->problem.error, rows->problem.why, &run->details, run->err);
}

static int describe(struct run *run, const struct vst_sqlite_table *table, sqlite3_stmt *stmt, uint64_t rows,
        struct vst_row_digest *digest)
{
	const struct vst_sqlite_details what = {
	        .source = run->source, .table = table, .stmt = stmt, .rows = rows, .digest = digest};
	return vst_sqlite_details_write(&what, &run->details, run->err);
}

static int write_rows(
        struct run *run, const struct vst_sqlite_table *table, sqlite3_stmt *stmt, const char *path)
{
	struct vst_sqlite_rows rows;
	int rc = vst_stream_open(&run->out, path, run->err);
	if (rc == 0)
		rc = vst_sqlite_rows_write(&run->s, stmt, &run->out, &rows, run->err);
	if (rc == 0)
		rc = describe(run, table, stmt, rows.rows, NULL);
	return rc == 0 ? close_rows(run, &rows) : rc;
}

/* An item without content: what is known of the rows stands in its details. */
static int note_known(struct run *run, const char *path, const struct vst_sqlite_problem *problem)
{
	bool good = problem->status == VST_ITEM_COLLECTED;
	const struct vst_note note = {
	        .path = path,
	        .type = VST_ITEM_STREAM,
	        .status = problem->status,
	        .content = good ? content_of(run) : VST_ITEM_CONTENT_FULL,
	        .rule = good ? NULL : problem->why,
	        .error = problem->error,
	        .details = &run->details,
	};
	return vst_stream_note(&run->out, &note, run->err);
}

static int digest_rows(
        struct run *run, const struct vst_sqlite_table *table, sqlite3_stmt *stmt, const char *path)
{
	struct vst_row_digest digest;
	struct vst_sqlite_rows rows;
	int rc = vst_row_digest_init(&digest, run->context->digest_key, run->err);
	if (rc == 0)
		rc = vst_sqlite_rows_digest(&run->s, stmt, &digest, &rows, run->err);
	if (rc == 0) {
		bool good = rows.problem.status == VST_ITEM_COLLECTED;
		rc = describe(run, table, stmt, rows.rows, good ? &digest : NULL);
	}
	if (rc == 0)
		rc = note_known(run, path, &rows.problem);
	vst_row_digest_free(&digest);
	return rc;
}

static int count_rows(
        struct run *run, const struct vst_sqlite_table *table, sqlite3_stmt *stmt, const char *path)
{
	struct vst_sqlite_rows rows = {.problem = {.status = VST_ITEM_COLLECTED}};
	int rc = 0;
	if (table && table->counted)
		rows.rows = table->rows;
	else
		rc = vst_sqlite_rows_count(&run->s, stmt, &rows, run->err);
	if (rc == 0)
		rc = describe(run, table, stmt, rows.rows, NULL);
	return rc == 0 ? note_known(run, path, &rows.problem) : rc;
}

/* Rows of a statement, or the problem that there is none. `table` NULL: a query's. */
static int take_rows(struct run *run, const struct vst_sqlite_table *table, sqlite3_stmt *stmt,
        struct vst_sqlite_problem *problem, const char *path)
{
	const char *full = vst_limits_full(run->context);
	if (problem->status == VST_ITEM_COLLECTED && run->source->content == VST_CONTENT_DIGEST &&
	        !run->context->digest_key) {
		problem->status = VST_ITEM_ERROR;
		snprintf(problem->why, sizeof problem->why, "no digest key");
	}
	if (problem->status == VST_ITEM_COLLECTED && full && strcmp(full, VST_RULE_SOURCE_TIME) == 0) {
		problem->status = VST_ITEM_EXCLUDED;
		snprintf(problem->why, sizeof problem->why, "%s", full);
	}
	if (problem->status != VST_ITEM_COLLECTED)
		return note(run, path, problem);
	switch (run->source->content) {
	case VST_CONTENT_DIGEST:
		return digest_rows(run, table, stmt, path);
	case VST_CONTENT_METADATA:
		return count_rows(run, table, stmt, path);
	default:
		return write_rows(run, table, stmt, path);
	}
}

static int take_table(struct run *run, const struct vst_sqlite_table *table)
{
	struct vst_sqlite_problem problem = {.status = VST_ITEM_COLLECTED};
	sqlite3_stmt *stmt = NULL;
	int rc = 0;
	const char *path = path_of_table(run, table->name);
	if (run->sink->has(run->sink->ctx, path))
		return 0;
	if (table->is_virtual) {
		problem.status = VST_ITEM_EXCLUDED;
		snprintf(problem.why, sizeof problem.why, "%s", VIRTUAL_RULE);
	} else
		rc = vst_sqlite_rows_of_table(&run->s, table, run->source->content == VST_CONTENT_DIGEST,
		        &stmt, &problem, run->err);
	if (rc == 0)
		rc = take_rows(run, table, stmt, &problem, path);
	sqlite3_finalize(stmt);
	return rc;
}

static int take_query(struct run *run)
{
	struct vst_sqlite_problem problem = {.status = VST_ITEM_COLLECTED};
	sqlite3_stmt *stmt = NULL;
	int rc = vst_sqlite_rows_of_query(&run->s, run->policy->query, &stmt, &problem, run->err);
	if (rc == 0)
		rc = take_rows(run, NULL, stmt, &problem, path_of(run, ".query.csv"));
	sqlite3_finalize(stmt);
	return rc;
}

/* ---- what the policy asks for ---- */

static int choose(struct run *run)
{
	int rc = 0;
	run->wanted = vst_calloc(run->tables.count + 1, sizeof *run->wanted);
	if (!run->wanted)
		return vst_err_nomem(run->err);
	for (size_t i = 0; i < run->tables.count; i++)
		run->wanted[i] = run->policy->table_count == 0;
	for (size_t i = 0; rc == 0 && i < run->policy->table_count; i++) {
		const char *name = run->policy->tables[i];
		const struct vst_sqlite_table *table = vst_sqlite_tables_find(&run->tables, name);
		const struct vst_sqlite_problem absent = {.status = VST_ITEM_ABSENT};
		if (table)
			run->wanted[table - run->tables.tables] = true;
		else
			rc = note(run, path_of_table(run, name), &absent);
	}
	return rc;
}

static int take_schema(struct run *run)
{
	struct vst_buf text = VST_BUF_INIT;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < run->tables.count; i++)
		if (run->wanted[i])
			rc = vst_sqlite_table_count(&run->s, &run->tables.tables[i], run->err);
	if (rc == 0)
		rc = vst_sqlite_schema(&run->s, &run->tables, run->policy->table_count ? run->wanted : NULL,
		        &text, run->err);
	if (rc == 0)
		rc = vst_stream_open(&run->out, path_of(run, ".schema.json"), run->err);
	if (rc == 0)
		rc = vst_stream_write(&run->out, text.data, text.len, run->err);
	if (rc == 0)
		rc = vst_stream_close(&run->out, NULL, run->err);
	vst_buf_free(&text);
	return rc;
}

static int take_tables(struct run *run)
{
	bool all = is_whole(run);
	int rc = 0;
	if ((all && run->source->content == VST_CONTENT_FULL) || run->policy->query)
		return 0;
	for (size_t i = 0; rc == 0 && i < run->tables.count; i++)
		if (run->wanted[i] && !(all && run->tables.tables[i].internal))
			rc = take_table(run, &run->tables.tables[i]);
	return rc;
}

static int take_all(struct run *run)
{
	struct vst_sqlite_problem problem = {.status = VST_ITEM_COLLECTED};
	int rc = 0;
	if (is_whole(run) && run->source->content == VST_CONTENT_FULL)
		rc = take_backup(run);
	if (rc == 0)
		rc = vst_sqlite_tables_load(&run->s, &run->tables, &problem, run->err);
	if (rc != 0)
		return rc;
	if (problem.status == VST_ITEM_COLLECTED && vst_sqlite_rows_prepare(run->s.db) != SQLITE_OK)
		return vst_err_nomem(run->err);
	if (problem.status != VST_ITEM_COLLECTED) {
		*run->ret_unreadable |= problem.status == VST_ITEM_ERROR && !is_whole(run);
		rc = note(run, path_of(run, ".schema.json"), &problem);
		return rc == 0 ? note_rows(run, &problem) : rc;
	}
	rc = choose(run);
	if (rc == 0)
		rc = take_schema(run);
	if (rc == 0)
		rc = take_tables(run);
	if (rc == 0 && run->policy->query)
		rc = take_query(run);
	return rc;
}

/* ---- dry runs ---- */

static int announce(struct run *run, const char *path, uint64_t size)
{
	if (run->sink->has(run->sink->ctx, path))
		return 0;
	int rc = vst_stream_open(&run->out, path, run->err);
	run->out.item.read_got = size;
	return rc == 0 ? vst_stream_close(&run->out, NULL, run->err) : rc;
}

static int announce_all(struct run *run)
{
	bool full = run->source->content == VST_CONTENT_FULL;
	int rc = 0;
	if (full && is_whole(run))
		rc = announce(run, path_of(run, ".backup"), run->s.size);
	if (rc == 0)
		rc = announce(run, path_of(run, ".schema.json"), 0);
	for (size_t i = 0; rc == 0 && full && i < run->policy->table_count; i++)
		rc = announce(run, path_of_table(run, run->policy->tables[i]), 0);
	if (rc == 0 && full && run->policy->query)
		rc = announce(run, path_of(run, ".query.csv"), 0);
	return rc;
}

/* ---- one source ---- */

/* Asked for, and against the policy's own `content`. */
static int refuse_raw(struct run *run)
{
	struct vst_sqlite_problem problem = {.status = VST_ITEM_EXCLUDED};
	if (!run->policy->raw || run->source->content == VST_CONTENT_FULL)
		return 0;
	snprintf(problem.why, sizeof problem.why, "content: %s",
	        vst_policy_content_name(run->source->content));
	return note(run, path_of(run, ""), &problem);
}

int vst_collect_sqlite(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, bool *ret_unreadable, struct vst_err *err)
{
	struct vst_sqlite_problem problem;
	struct run run = {
	        .context = context,
	        .source = source,
	        .policy = &source->sqlite,
	        .sink = sink,
	        .err = err,
	        .out = vst_stream_of(context, source->name, sink),
	        .ret_unreadable = ret_unreadable,
	};
	*ret_unreadable = false;
	int rc = context->content ? vst_sqlite_open(&run.s, context, source->sqlite.database, &problem, err)
	                          : vst_sqlite_look(&run.s, context, source->sqlite.database, &problem, err);
	if (rc == 0 && problem.status != VST_ITEM_COLLECTED)
		rc = note_all(&run, &problem);
	else if (rc == 0 && (rc = refuse_raw(&run)) == 0)
		rc = context->content ? take_all(&run) : announce_all(&run);
	if (context->progress)
		context->progress(context->progress_ctx, "");
	vst_sqlite_tables_free(&run.tables);
	free(run.wanted);
	vst_sqlite_close(&run.s);
	vst_stream_free(&run.out);
	vst_buf_free(&run.path);
	vst_buf_free(&run.details);
	return rc;
}
