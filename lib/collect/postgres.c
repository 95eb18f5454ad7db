#include "collect/postgres.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/limits.h"
#include "collect/postgres_connect.h"
#include "collect/postgres_tables.h"
#include "collect/postgres_text.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define TABLES_MAX 200000 /* of one source */

#define LISTED                                                                                               \
	"SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relfilenode"                     \
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
enum { LIST_OID, LIST_SCHEMA, LIST_NAME, LIST_KIND, LIST_PERSISTENCE, LIST_FILENODE };
#define WITH_ROWS "c.relkind IN ('r', 'p', 'm', 'f')"
#define IN_ORDER " ORDER BY n.nspname, c.relname, c.oid LIMIT 200001"

const char *vst_postgres_path(
        struct vst_postgres_run *run, const char *schema, const char *name, const char *suffix)
{
	vst_buf_clear(&run->path);
	vst_buf_byte(&run->path, '/');
	vst_stream_component(&run->path, run->session->database, strlen(run->session->database));
	vst_buf_byte(&run->path, '/');
	if (schema) {
		vst_stream_component(&run->path, schema, strlen(schema));
		vst_buf_byte(&run->path, '/');
	}
	if (name)
		vst_stream_component(&run->path, name, strlen(name));
	vst_buf_text(&run->path, suffix);
	return vst_buf_cstr(&run->path);
}

/* ---- items without rows ---- */

static int note(struct vst_postgres_run *run, enum vst_item_status status, int error, const char *rule,
        struct vst_err *err)
{
	const struct vst_note entry = {
	        .path = vst_buf_cstr(&run->path),
	        .type = VST_ITEM_STREAM,
	        .status = status,
	        .error = error,
	        .rule = rule,
	};
	int rc = vst_buf_check(&run->path, err);
	return rc == 0 ? vst_stream_note(&run->out, &entry, err) : rc;
}

static int note_failure(
        struct vst_postgres_run *run, struct vst_postgres_failure *failure, struct vst_err *err)
{
	return note(
	        run, vst_stream_status_of(failure->error), failure->error, vst_buf_cstr(&failure->why), err);
}

/* A name of the policy's as far as it can be told apart. */
static bool split(const char *text, struct vst_buf *schema, struct vst_buf *name)
{
	if (vst_postgres_split_name(text, schema, name))
		return true;
	vst_buf_clear(schema);
	vst_buf_clear(name);
	vst_buf_text(name, text);
	return false;
}

/* Everything that the policy names, with the one reason why nothing of it could be had. */
static int note_no_connection(struct vst_postgres_run *run, struct vst_err *err)
{
	const struct vst_policy_postgres *policy = &run->source->postgres;
	struct vst_buf schema = VST_BUF_INIT, name = VST_BUF_INIT;
	struct vst_postgres_session *session = run->session;
	const char *why = vst_buf_cstr(&session->why);
	enum vst_item_status status = vst_stream_status_of(session->error);
	vst_postgres_path(run, NULL, NULL, "server.json");
	int rc = note(run, status, session->error, why, err);
	for (size_t i = 0; rc == 0 && i < policy->table_count; i++) {
		split(policy->tables[i], &schema, &name);
		vst_postgres_path(
		        run, schema.len > 0 ? vst_buf_cstr(&schema) : NULL, vst_buf_cstr(&name), ".csv");
		rc = note(run, status, session->error, why, err);
	}
	if (rc == 0 && policy->query) {
		vst_postgres_path(run, NULL, NULL, "query.csv");
		rc = note(run, status, session->error, why, err);
	}
	if (rc == 0 && run->out.sink->finding) {
		vst_buf_clear(&name);
		vst_buf_printf(
		        &name, "source %s: database %s: %s", run->source->name, session->database, why);
		rc = vst_buf_check(&name, err);
		if (rc == 0)
			run->out.sink->finding(run->out.sink->ctx, vst_buf_cstr(&name));
	}
	vst_buf_free(&schema);
	vst_buf_free(&name);
	return rc;
}

/* ---- lists of tables ---- */

/* NULL: rows can be read; else why they are not. */
static const char *rule_of(const PGresult *list, int row)
{
	if (strcmp(PQgetvalue(list, row, LIST_KIND), "f") == 0)
		return "a foreign table: reading it acts on another host";
	if (strcmp(PQgetvalue(list, row, LIST_KIND), "v") == 0)
		return "a view has no rows of its own: its definition is in schema.jsonl";
	if (strcmp(PQgetvalue(list, row, LIST_KIND), "p") == 0)
		return "a partitioned table has no rows of its own: its partitions have them";
	if (!strchr("rm", PQgetvalue(list, row, LIST_KIND)[0]))
		return "no table";
	if (strcmp(PQgetvalue(list, row, LIST_PERSISTENCE), "t") == 0)
		return "a temporary table of another session";
	return NULL;
}

static int take_list(struct vst_postgres_run *run, const PGresult *list, struct vst_err *err)
{
	int rc = 0;
	for (int i = 0; rc == 0 && i < PQntuples(list); i++) {
		const char *rule = rule_of(list, i);
		struct vst_postgres_table table = {
		        .oid = PQgetvalue(list, i, LIST_OID),
		        .schema = PQgetvalue(list, i, LIST_SCHEMA),
		        .name = PQgetvalue(list, i, LIST_NAME),
		        .filenode = PQgetvalue(list, i, LIST_FILENODE),
		};
		rc = vst_limits_check_cancel(run->context, err);
		if (rc == 0 && i >= TABLES_MAX) {
			vst_postgres_path(run, NULL, NULL, "more-tables");
			return note(run, VST_ITEM_ERROR, 0, "more tables than this program lists", err);
		}
		if (rc == 0 && rule) {
			vst_postgres_path(run, table.schema, table.name, ".csv");
			rc = note(run, VST_ITEM_EXCLUDED, 0, rule, err);
		} else if (rc == 0) {
			rc = vst_postgres_rows(run, &table, err);
		}
	}
	return rc;
}

/* What a statement lists; NULL in *ret where an item of path `run->path` says why there is nothing. */
static int find_listed(struct vst_postgres_run *run, const struct vst_postgres_statement *statement,
        bool may_be_empty, PGresult **ret, struct vst_err *err)
{
	struct vst_postgres_failure failure = {0};
	PGresult *list = NULL;
	bool ok = false;
	int rc = vst_postgres_savepoint(run->session, run->context, &ok, &failure, err);
	if (rc == 0 && ok)
		rc = vst_postgres_query(run->session, run->context, statement, &list, &failure, err);
	if (rc == 0)
		rc = vst_postgres_release(run->session, run->context, err);
	if (rc == 0 && !list)
		rc = note_failure(run, &failure, err);
	else if (rc == 0 && PQntuples(list) == 0 && !may_be_empty)
		rc = note(run, VST_ITEM_ABSENT, 0, NULL, err);
	vst_postgres_failure_free(&failure);
	if (rc == 0)
		*ret = list;
	else
		PQclear(list);
	return rc;
}

static int take_listed(
        struct vst_postgres_run *run, const struct vst_postgres_statement *statement, struct vst_err *err)
{
	PGresult *list = NULL;
	int rc = find_listed(run, statement, true, &list, err);
	if (rc == 0 && list)
		rc = take_list(run, list, err);
	PQclear(list);
	return rc;
}

static int take_all(struct vst_postgres_run *run, struct vst_err *err)
{
	const struct vst_postgres_statement statement = {
	        .sql = LISTED WITH_ROWS " AND (n.nspname NOT LIKE 'pg\\_%' OR n.nspname LIKE 'pg\\_temp\\_%')"
	                                " AND n.nspname <> 'information_schema'" IN_ORDER,
	        .patient = true};
	vst_postgres_path(run, NULL, NULL, "tables");
	return take_listed(run, &statement, err);
}

static int take_schema(struct vst_postgres_run *run, const char *schema, struct vst_err *err)
{
	const struct vst_postgres_statement exists = {.sql = "SELECT 1 FROM pg_namespace WHERE nspname = $1",
	        .count = 1,
	        .values = &schema,
	        .patient = true};
	const struct vst_postgres_statement statement = {
	        .sql = LISTED WITH_ROWS " AND n.nspname = $1" IN_ORDER,
	        .count = 1,
	        .values = &schema,
	        .patient = true};
	struct vst_postgres_failure failure = {0};
	PGresult *found = NULL;
	bool ok = false;
	int rc = vst_postgres_savepoint(run->session, run->context, &ok, &failure, err);
	if (rc == 0 && ok)
		rc = vst_postgres_query(run->session, run->context, &exists, &found, &failure, err);
	if (rc == 0)
		rc = vst_postgres_release(run->session, run->context, err);
	vst_postgres_path(run, NULL, schema, "");
	if (rc == 0 && found)
		rc = PQntuples(found) == 0 ? note(run, VST_ITEM_ABSENT, 0, NULL, err)
		                           : take_listed(run, &statement, err);
	else if (rc == 0)
		rc = note_failure(run, &failure, err);
	PQclear(found);
	vst_postgres_failure_free(&failure);
	return rc;
}

/* A table of that name and, if it is partitioned, what it is made of. */
static int find_named(struct vst_postgres_run *run, const char *text, PGresult **ret, struct vst_err *err)
{
#define TREE                                                                                                 \
	", tree AS (SELECT oid FROM named UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON "          \
	"i.inhparent = tree.oid"                                                                             \
	" JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition) " LISTED                               \
	"c.oid IN (SELECT oid FROM tree) AND c.relkind NOT IN ('i', 'I', 't')" IN_ORDER
	static const char with_schema[] = "WITH RECURSIVE named AS (SELECT c.oid FROM pg_class c JOIN "
	                                  "pg_namespace n ON n.oid = c.relnamespace"
	                                  " WHERE c.relname = $1 AND n.nspname = $2)" TREE;
	static const char without[] = "WITH RECURSIVE named AS (SELECT c.oid FROM pg_class c JOIN "
	                              "pg_namespace n ON n.oid = c.relnamespace"
	                              " WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'm', 'v', 'f') AND "
	                              "n.nspname = ANY ($2::name[])"
	                              " ORDER BY array_position($2::name[], n.nspname) LIMIT 1)" TREE;
	struct vst_buf schema = VST_BUF_INIT, name = VST_BUF_INIT;
	bool good = split(text, &schema, &name);
	const char *values[] = {
	        vst_buf_cstr(&name), schema.len > 0 ? vst_buf_cstr(&schema) : run->session->path};
	const struct vst_postgres_statement statement = {
	        .sql = schema.len > 0 ? with_schema : without, .count = 2, .values = values, .patient = true};
	vst_postgres_path(run, schema.len > 0 ? values[1] : NULL, values[0], ".csv");
	int rc = schema.failed || name.failed ? vst_err_nomem(err)
	         : good                       ? find_listed(run, &statement, false, ret, err)
	                : note(run, VST_ITEM_ERROR, EINVAL, "not a name of a table", err);
	vst_buf_free(&schema);
	vst_buf_free(&name);
	return rc;
}

/* All names are looked up before the first row is read: should the server go away, each is told by its full
 * name. */
static int take_named(struct vst_postgres_run *run, struct vst_err *err)
{
	const struct vst_policy_postgres *policy = &run->source->postgres;
	PGresult **lists = vst_calloc(policy->table_count, sizeof(PGresult *));
	if (!lists)
		return vst_err_nomem(err);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < policy->table_count; i++)
		rc = find_named(run, policy->tables[i], &lists[i], err);
	for (size_t i = 0; rc == 0 && i < policy->table_count; i++)
		rc = lists[i] ? take_list(run, lists[i], err) : 0;
	for (size_t i = 0; i < policy->table_count; i++)
		PQclear(lists[i]);
	free(lists);
	return rc;
}

int vst_postgres_tables(struct vst_postgres_run *run, struct vst_err *err)
{
	const struct vst_policy_postgres *policy = &run->source->postgres;
	struct vst_postgres_table query = {0};
	int rc = 0;
	if (policy->query)
		return vst_postgres_rows(run, &query, err);
	if (policy->table_count > 0)
		rc = take_named(run, err);
	for (size_t i = 0; rc == 0 && i < policy->schema_count; i++)
		rc = take_schema(run, policy->schemas[i], err);
	if (rc == 0 && policy->table_count == 0 && policy->schema_count == 0)
		rc = take_all(run, err);
	return rc;
}

/* ---- the source ---- */

int vst_collect_postgres(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_postgres_sessions *own = NULL;
	struct vst_postgres_run run = {
	        .context = context, .source = source, .out = vst_stream_of(context, source->name, sink)};
	int rc = context->postgres ? 0 : vst_postgres_sessions_new(&own, err);
	if (rc == 0)
		rc = vst_postgres_connect(
		        own ? own : context->postgres, context, &source->postgres, &run.session, err);
	if (rc == 0 && !run.session->conn)
		rc = note_no_connection(&run, err);
	else if (rc == 0 && (rc = vst_postgres_catalog(&run, err)) == 0)
		rc = vst_postgres_tables(&run, err);
	if (context->progress)
		context->progress(context->progress_ctx, "");
	vst_stream_free(&run.out);
	vst_buf_free(&run.path);
	vst_buf_free(&run.sql);
	vst_buf_free(&run.details);
	vst_postgres_sessions_free(own);
	return rc;
}
