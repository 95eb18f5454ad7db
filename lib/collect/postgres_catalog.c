#include <string.h>

#include "collect/limits.h"
#include "collect/postgres_items.h"
#include "collect/postgres_text.h"
#include "vestige/err.h"

/*
 * A section is one query whose rows are one JSON text each: the server knows its own types best. Keys that
 * not every version has are taken from the row as JSON (`to_json(p) ->> 'prokind'`), where a key that is not
 * there is NULL.
 */
struct section {
	const char *name, *sql;
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define NO_SYSTEM "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
#define TEXTS(expression) "(" expression ")::text[]"
/* What somebody has locked against everybody: asking for its definition would wait. Its line says "locked"
 * then. */
#define HELD                                                                                                 \
	"(SELECT k.relation FROM pg_locks k WHERE k.mode = 'AccessExclusiveLock' AND k.granted AND "         \
	"k.relation IS NOT NULL"                                                                             \
	" AND k.pid <> pg_backend_pid())"
#define VIEW_HELD                                                                                            \
	"c.oid IN (SELECT r.ev_class FROM pg_rewrite r JOIN pg_depend d ON d.classid = "                     \
	"'pg_rewrite'::regclass AND d.objid ="                                                               \
	" r.oid WHERE d.refobjid IN " HELD ")"
#define OWNER(column) "pg_get_userbyid(" column ")"

static const struct section server_parts[] = {
        {"server", "SELECT version() AS version, current_database() AS database, current_user AS \"user\","
                   " session_user AS session_user, inet_server_addr()::text AS address, inet_server_port() "
                   "AS port,"
                   " pg_backend_pid() AS backend_pid, pg_postmaster_start_time() AS started,"
                   " pg_is_in_recovery() AS in_recovery, pg_database_size(current_database()) AS "
                   "database_bytes"},
        {"transaction", "SELECT transaction_timestamp() AS time, current_setting('transaction_isolation') AS "
                        "isolation,"
                        " current_setting('transaction_read_only') AS read_only"},
        {"control",
                "SELECT system_identifier::text AS system_identifier, pg_control_version, catalog_version_no"
                " FROM pg_control_system()"},
        {"timeline", "SELECT checkpoint_lsn::text, redo_lsn::text, timeline_id, next_xid, checkpoint_time"
                     " FROM pg_control_checkpoint()"},
        {"database",
                "SELECT d.oid::bigint AS oid, datname AS name, " OWNER(
                        "datdba") " AS owner,"
                                  " pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, "
                                  "datctype AS ctype,"
                                  " to_json(d) ->> 'datcollversion' AS collation_version, " TEXTS(
                                          "datacl") " AS acl,"
                                                    " datfrozenxid::text AS frozen_xid, datallowconn AS "
                                                    "allow_connections, datistemplate AS template"
                                                    " FROM pg_database d WHERE datname = current_database()"},
        {"databases", "SELECT array(SELECT datname::text FROM pg_database ORDER BY 1) AS names"},
        {"settings",
                "SELECT array(SELECT row_to_json(s) FROM (SELECT name, CASE WHEN name = 'primary_conninfo' "
                "THEN"
                " '(left out: it may hold a password)' ELSE setting END AS setting, unit, source, sourcefile"
                " FROM pg_settings WHERE source NOT IN ('default', 'session', 'client') OR name IN "
                "('data_checksums',"
                " 'server_version', 'server_encoding', 'block_size', 'wal_level', 'fsync', 'archive_mode',"
                " 'archive_command', 'log_destination', 'logging_collector', 'log_directory', 'log_filename',"
                " 'log_statement', 'log_connections', 'log_disconnections', 'shared_preload_libraries', "
                "'ssl',"
                " 'password_encryption', 'hba_file', 'config_file', 'data_directory', 'listen_addresses')"
                " ORDER BY name) s) AS settings"},
        {"activity",
                "SELECT array(SELECT row_to_json(a) FROM (SELECT pid, datname, usename, application_name,"
                " client_addr::text, client_port, backend_start, xact_start, state, backend_type FROM "
                "pg_stat_activity"
                " ORDER BY pid) a) AS sessions"},
        {"replication", "SELECT array(SELECT row_to_json(r) FROM (SELECT slot_name, plugin, slot_type, "
                        "database, active,"
                        " restart_lsn::text FROM pg_replication_slots ORDER BY slot_name) r) AS slots"},
};

static const struct section schema_parts[] = {
        {"schemas", "SELECT 'schema' AS type, n.nspname AS name, " OWNER("n.nspowner") " AS owner, " TEXTS(
                            "n.nspacl") " AS acl, obj_description(n.oid, 'pg_namespace') AS comment FROM "
                                        "pg_namespace n WHERE " NO_SYSTEM " ORDER BY n.nspname"},
        {"extensions", "SELECT 'extension' AS type, e.extname AS name, e.extversion AS version, n.nspname AS "
                       "schema, " OWNER("e.extowner") " AS owner FROM pg_extension e JOIN pg_namespace n ON "
                                                      "n.oid = e.extnamespace"
                                                      " ORDER BY e.extname"},
        {"tables",
                "SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'm' THEN"
                " 'materialized view' WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' ELSE 'composite "
                "type' END AS type,"
                " n.nspname AS schema, c.relname AS name, c.oid::bigint AS oid, " OWNER(
                        "c.relowner") " AS owner, " TEXTS("c.relacl") " AS acl,"
                                                                      " c.relpersistence AS persistence, "
                                                                      "c.relrowsecurity AS row_security,"
                                                                      " c.relforcerowsecurity AS "
                                                                      "force_row_security, "
                                                                      "c.reltuples::float8 AS row_estimate,"
                                                                      " c.relpages AS pages, c.reloptions AS "
                                                                      "options, c.relispartition AS "
                                                                      "is_partition,"
                                                                      " pg_get_expr(c.relpartbound, c.oid) "
                                                                      "AS partition_bound,"
                                                                      " CASE WHEN c.relkind = 'p' THEN "
                                                                      "pg_get_partkeydef(c.oid) END AS "
                                                                      "partition_key,"
                                                                      " array(SELECT "
                                                                      "i.inhparent::regclass::text FROM "
                                                                      "pg_inherits i WHERE i.inhrelid = c.oid"
                                                                      " ORDER BY i.inhseqno) AS parents,"
                                                                      " (SELECT f.srvname FROM "
                                                                      "pg_foreign_table t JOIN "
                                                                      "pg_foreign_server f ON f.oid ="
                                                                      " t.ftserver WHERE t.ftrelid = c.oid) "
                                                                      "AS foreign_server,"
                                                                      " obj_description(c.oid, 'pg_class') "
                                                                      "AS comment,"
                                                                      " array(SELECT row_to_json(x) FROM "
                                                                      "(SELECT a.attname AS name,"
                                                                      " format_type(a.atttypid, a.atttypmod) "
                                                                      "AS type, a.attnotnull AS not_null,"
                                                                      " pg_get_expr(d.adbin, d.adrelid) AS "
                                                                      "\"default\", a.attidentity AS "
                                                                      "identity,"
                                                                      " to_json(a) ->> 'attgenerated' AS "
                                                                      "generated, " TEXTS(
                                                                              "a.attacl") " AS acl,"
                                                                                          " (SELECT "
                                                                                          "l.collname FROM "
                                                                                          "pg_collation l "
                                                                                          "WHERE l.oid ="
                                                                                          " a.attcollation) "
                                                                                          "AS collation,"
                                                                                          " col_description("
                                                                                          "a.attrelid, "
                                                                                          "a.attnum) AS "
                                                                                          "comment"
                                                                                          " FROM "
                                                                                          "pg_attribute a "
                                                                                          "LEFT JOIN "
                                                                                          "pg_attrdef d ON "
                                                                                          "d.adrelid ="
                                                                                          " a.attrelid AND "
                                                                                          "d.adnum = "
                                                                                          "a.attnum WHERE "
                                                                                          "a.attrelid = "
                                                                                          "c.oid AND"
                                                                                          " a.attnum > 0 AND "
                                                                                          "NOT "
                                                                                          "a.attisdropped "
                                                                                          "ORDER BY "
                                                                                          "a.attnum) x)"
                                                                                          " AS columns"
                                                                                          " FROM pg_class c "
                                                                                          "JOIN pg_namespace "
                                                                                          "n ON n.oid = "
                                                                                          "c.relnamespace"
                                                                                          " WHERE c.relkind "
                                                                                          "IN ('r', 'p', "
                                                                                          "'m', 'v', 'f', "
                                                                                          "'c') "
                                                                                          "AND " NO_SYSTEM
                                                                                          " ORDER BY "
                                                                                          "n.nspname, "
                                                                                          "c.relname"},
        {"constraints",
                "SELECT 'constraint' AS type, n.nspname AS schema, c.relname AS \"table\", o.conname AS name,"
                " o.contype AS kind, o.convalidated AS validated, pg_get_constraintdef(o.oid) AS definition"
                " FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = "
                "c.relnamespace"
                " WHERE " NO_SYSTEM " ORDER BY n.nspname, c.relname, o.conname"},
        {"indexes", "SELECT 'index' AS type, n.nspname AS schema, c.relname AS \"table\", x.relname AS name,"
                    " i.indisunique AS is_unique, i.indisprimary AS is_primary, i.indisvalid AS valid,"
                    " i.indrelid IN " HELD " AS locked, CASE WHEN i.indrelid NOT IN " HELD
                    " THEN pg_get_indexdef(i.indexrelid) END AS definition FROM pg_index i JOIN pg_class c "
                    "ON c.oid = "
                    "i.indrelid"
                    " JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
                    " WHERE " NO_SYSTEM " ORDER BY n.nspname, c.relname, x.relname"},
        {"sequences", "SELECT 'sequence' AS type, s.schemaname AS schema, s.sequencename AS name, "
                      "s.sequenceowner AS owner,"
                      " s.data_type::text, s.start_value, s.min_value, s.max_value, s.increment_by, s.cycle, "
                      "s.last_value"
                      " FROM pg_sequences s ORDER BY 2, 3"},
        {"functions",
                "SELECT 'function' AS type, n.nspname AS schema, p.proname AS name,"
                " pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS "
                "result,"
                " to_json(p) ->> 'prokind' AS kind, l.lanname AS language, " OWNER(
                        "p.proowner") " AS owner, " TEXTS("p.proacl") " AS acl,"
                                                                      " p.prosecdef AS security_definer, "
                                                                      "p.provolatile AS volatility, "
                                                                      "p.proconfig AS"
                                                                      " settings, p.probin AS binary, "
                                                                      "encode(sha256(convert_to(p.prosrc, "
                                                                      "'UTF8')), 'hex') AS"
                                                                      " source_sha256 FROM pg_proc p JOIN "
                                                                      "pg_namespace n ON n.oid = "
                                                                      "p.pronamespace"
                                                                      " JOIN pg_language l ON l.oid = "
                                                                      "p.prolang WHERE " NO_SYSTEM
                                                                      " ORDER BY n.nspname, p.proname, 4"},
        {"triggers",
                "SELECT 'trigger' AS type, n.nspname AS schema, c.relname AS \"table\", t.tgname AS name,"
                " t.tgenabled AS enabled, pg_get_triggerdef(t.oid) AS definition FROM pg_trigger t"
                " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE NOT t.tgisinternal AND " NO_SYSTEM " ORDER BY n.nspname, c.relname, t.tgname"},
        {"event triggers", "SELECT 'event trigger' AS type, e.evtname AS name, e.evtevent AS event, " OWNER(
                                   "e.evtowner") " AS owner, e.evtfoid::regprocedure::text AS function, "
                                                 "e.evtenabled AS enabled"
                                                 " FROM pg_event_trigger e ORDER BY e.evtname"},
        {"policies", "SELECT 'policy' AS type, p.schemaname AS schema, p.tablename AS \"table\", "
                     "p.policyname AS name,"
                     " p.permissive, p.roles::text[], p.cmd, p.qual, p.with_check FROM pg_policies p ORDER "
                     "BY 2, 3, 4"},
        {"types", "SELECT 'type' AS type, n.nspname AS schema, t.typname AS name, t.typtype AS kind, " OWNER(
                          "t.typowner") " AS owner, CASE WHEN t.typbasetype <> 0 THEN "
                                        "format_type(t.typbasetype, t.typtypmod) END AS base,"
                                        " array(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = "
                                        "t.oid ORDER BY e.enumsortorder)"
                                        " AS labels FROM pg_type t JOIN pg_namespace n ON n.oid = "
                                        "t.typnamespace"
                                        " WHERE t.typtype IN ('e', 'd', 'r') AND " NO_SYSTEM
                                        " ORDER BY n.nspname, t.typname"},
        {"default privileges",
                "SELECT 'default privileges' AS type, " OWNER(
                        "d.defaclrole") " AS owner,"
                                        " d.defaclnamespace::regnamespace::text AS schema, d.defaclobjtype "
                                        "AS objects, " TEXTS("d.defaclacl") " AS acl FROM pg_default_acl d "
                                                                            "ORDER BY 2, 3, 4"},
        {"publications", "SELECT 'publication' AS type, p.pubname AS name, " OWNER(
                                 "p.pubowner") " AS owner,"
                                               " p.puballtables AS all_tables FROM pg_publication p ORDER BY "
                                               "p.pubname"},
        /* Last: reading a view's definition waits for locks on what it shows. */
        {"view definitions",
                "SELECT 'view definition' AS type, n.nspname AS schema, c.relname AS name,"
                " " VIEW_HELD " AS locked, CASE WHEN NOT (" VIEW_HELD
                ") THEN pg_get_viewdef(c.oid) END AS definition FROM pg_class c JOIN pg_namespace n ON n.oid "
                "= "
                "c.relnamespace"
                " WHERE c.relkind IN ('v', 'm') AND " NO_SYSTEM " ORDER BY n.nspname, c.relname"},
};

/* Never a password, nor what is made of one. */
static const struct section role_parts[] = {
        {"roles", "SELECT 'role' AS type, r.oid::bigint AS oid, r.rolname AS name, r.rolsuper AS superuser, "
                  "r.rolinherit AS"
                  " inherit, r.rolcreaterole AS create_role, r.rolcreatedb AS create_db, r.rolcanlogin AS "
                  "can_login,"
                  " r.rolreplication AS replication, r.rolbypassrls AS bypass_row_security, r.rolconnlimit AS"
                  " connection_limit, r.rolvaliduntil AS password_valid_until,"
                  " shobj_description(r.oid, 'pg_authid') AS comment FROM pg_roles r ORDER BY r.rolname"},
        {"memberships",
                "SELECT 'membership' AS type, " OWNER("m.roleid") " AS role, " OWNER(
                        "m.member") " AS member, " OWNER("m.grantor") " AS grantor, m.admin_option FROM "
                                                                      "pg_auth_members m ORDER BY 2, 3, 4"},
        {"role settings",
                "SELECT 'role settings' AS type, CASE WHEN s.setrole <> 0 THEN " OWNER(
                        "s.setrole") " END AS role,"
                                     " d.datname AS database, s.setconfig AS settings FROM "
                                     "pg_db_role_setting s"
                                     " LEFT JOIN pg_database d ON d.oid = s.setdatabase ORDER BY 2, 3"},
};

/* ---- one section ---- */

/* The rows of a section, each behind `before` and followed by `after`. */
static int write_rows(struct vst_postgres_run *run, const struct vst_postgres_statement *statement,
        const char *after, bool *ret_ok, struct vst_postgres_failure *failure, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	uint64_t rows = 0;
	char *row = NULL;
	size_t len = 0;
	int rc;
	while ((rc = vst_postgres_copy_row(run->session, run->context, statement, &row, &len, ret_ok, &rows,
	                failure, err)) == 0 &&
	        row) {
		const char *at = row;
		bool null = false;
		vst_postgres_next_field(&at, row + len - (row[len - 1] == '\n'), &text, &null);
		PQfreemem(row);
		vst_buf_text(&text, after);
		rc = vst_buf_check(&text, err);
		if (rc == 0)
			rc = vst_stream_write(&run->out, text.data, text.len, err);
		if (rc != 0)
			break;
		if (run->out.cut) {
			rc = vst_postgres_stop(run->session, run->context, err);
			break;
		}
	}
	vst_buf_free(&text);
	return rc;
}

/* False in *ret_ok: `failure` says why, and what was written of it before stays. */
static int write_section(struct vst_postgres_run *run, const struct section *section, const char *after,
        bool *ret_ok, struct vst_postgres_failure *failure, struct vst_err *err)
{
	*ret_ok = false;
	vst_buf_clear(&run->sql);
	vst_buf_printf(
	        &run->sql, "COPY (SELECT row_to_json(section) FROM (%s) section) TO STDOUT", section->sql);
	int rc = vst_buf_check(&run->sql, err);
	if (rc == 0)
		rc = vst_postgres_savepoint(run->session, run->context, ret_ok, failure, err);
	if (rc != 0 || !*ret_ok)
		return rc;
	const struct vst_postgres_statement statement = {.sql = vst_buf_cstr(&run->sql)};
	rc = vst_postgres_copy(run->session, run->context, &statement, ret_ok, failure, err);
	if (rc == 0 && *ret_ok)
		rc = write_rows(run, &statement, after, ret_ok, failure, err);
	if (rc == 0)
		rc = vst_postgres_release(run->session, run->context, err);
	return rc;
}

/* ---- items ---- */

/* What could not be had of an item, to be said when it ends. */
struct shortfall {
	struct vst_buf names;
	int error;
};

static int note_shortfall(struct vst_postgres_run *run, struct shortfall *shortfall,
        const struct section *section, const struct vst_postgres_failure *failure, struct vst_err *err)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&line);
	if (shortfall->names.len == 0)
		shortfall->error = failure->error;
	vst_buf_text(&shortfall->names, shortfall->names.len > 0 ? "; " : "");
	vst_buf_printf(&shortfall->names, "%s: ", section->name);
	vst_buf_bytes(&shortfall->names, failure->why.data, failure->why.len);
	vst_json_object(&json);
	vst_json_key(&json, "type");
	vst_json_string(&json, "error");
	vst_json_key(&json, "of");
	vst_json_string(&json, section->name);
	vst_json_key(&json, "reason");
	vst_json_text(&json, failure->why.data, failure->why.len);
	vst_json_end(&json);
	vst_buf_byte(&line, '\n');
	int rc = vst_buf_check(&line, err);
	if (rc == 0)
		rc = vst_stream_write(&run->out, line.data, line.len, err);
	vst_buf_free(&line);
	return rc;
}

static int close_item(struct vst_postgres_run *run, struct shortfall *shortfall, struct vst_err *err)
{
	int rc = vst_buf_check(&shortfall->names, err);
	if (rc == 0 && shortfall->names.len > 0 && !run->out.cut)
		rc = vst_stream_fail(&run->out, shortfall->error, vst_buf_cstr(&shortfall->names), NULL, err);
	else if (rc == 0)
		rc = vst_stream_close(&run->out, NULL, err);
	vst_buf_free(&shortfall->names);
	return rc;
}

static int write_lines(struct vst_postgres_run *run, const char *name, const struct section *sections,
        size_t count, struct vst_err *err)
{
	struct shortfall shortfall = {0};
	struct vst_postgres_failure failure = {0};
	int rc = vst_stream_open(&run->out, vst_postgres_path(run, NULL, NULL, name), err);
	for (size_t i = 0; rc == 0 && i < count && !run->out.cut && run->context->content; i++) {
		bool ok = false;
		rc = write_section(run, &sections[i], "\n", &ok, &failure, err);
		if (rc == 0 && !ok && !run->out.cut)
			rc = note_shortfall(run, &shortfall, &sections[i], &failure, err);
		/* What is lost once is not asked for section by section. */
		if (!run->session->conn)
			break;
	}
	if (rc == 0)
		rc = close_item(run, &shortfall, err);
	vst_buf_free(&shortfall.names);
	vst_postgres_failure_free(&failure);
	return rc;
}

/* The beginning of server.json: what we know ourselves. */
static int write_head(struct vst_postgres_run *run, struct vst_err *err)
{
	const struct vst_postgres_session *session = run->session;
	struct vst_buf text = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&text);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_json_key(&json, "name");
	vst_json_string(&json, session->database);
	vst_json_key(&json, "time");
	vst_json_string(&json, session->time);
	vst_json_key(&json, "lsn");
	vst_json_string(&json, session->lsn);
	vst_json_key(&json, "snapshot");
	vst_json_string(&json, session->snapshot);
	vst_json_key(&json, "client_encoding");
	vst_json_string(&json, session->sql_ascii ? "SQL_ASCII" : "UTF8");
	vst_json_key(&json, "host");
	vst_json_string(&json, PQhost(session->conn));
	vst_json_key(&json, "port");
	vst_json_string(&json, PQport(session->conn));
	vst_json_key(&json, "role");
	vst_json_string(&json, PQuser(session->conn));
	vst_json_key(&json, "encrypted");
	vst_json_bool(&json, PQsslInUse(session->conn));
	vst_json_key(&json, "search_path");
	vst_json_string(&json, session->search_path);
	int rc = vst_buf_check(&text, err);
	if (rc == 0)
		rc = vst_stream_write(&run->out, text.data, text.len, err);
	vst_buf_free(&text);
	return rc;
}

/* One object over several sections; a section that could not be had is null, and is named at the end. */
static int write_server(struct vst_postgres_run *run, struct vst_err *err)
{
	struct vst_postgres_failure failure = {0};
	struct vst_buf missing = VST_BUF_INIT, key = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&missing);
	vst_json_object(&json);
	int rc = vst_stream_open(&run->out, vst_postgres_path(run, NULL, NULL, "server.json"), err);
	if (rc == 0 && run->context->content)
		rc = write_head(run, err);
	for (size_t i = 0; rc == 0 && run->context->content && !run->out.cut && i < LENGTH(server_parts);
	        i++) {
		bool ok = false;
		vst_buf_clear(&key);
		vst_buf_printf(&key, ",\"%s\":", server_parts[i].name);
		rc = vst_buf_check(&key, err);
		if (rc == 0)
			rc = vst_stream_write(&run->out, key.data, key.len, err);
		if (rc == 0)
			rc = write_section(run, &server_parts[i], "", &ok, &failure, err);
		if (rc == 0 && !ok && !run->out.cut) {
			rc = vst_stream_write(&run->out, "null", 4, err);
			vst_json_key(&json, server_parts[i].name);
			vst_json_text(&json, failure.why.data, failure.why.len);
		}
	}
	vst_json_end(&json);
	if (rc == 0)
		rc = vst_buf_check(&missing, err);
	if (rc == 0 && run->context->content)
		rc = vst_stream_write(&run->out, ",\"missing\":", 11, err);
	if (rc == 0)
		rc = vst_stream_write(&run->out, missing.data, missing.len, err);
	if (rc == 0)
		rc = vst_stream_write(&run->out, "}\n", 2, err);
	if (rc == 0 && !run->session->conn)
		rc = vst_stream_fail(
		        &run->out, run->session->error, vst_buf_cstr(&run->session->why), NULL, err);
	else if (rc == 0)
		rc = vst_stream_close(&run->out, NULL, err);
	vst_postgres_failure_free(&failure);
	vst_buf_free(&missing);
	vst_buf_free(&key);
	return rc;
}

int vst_postgres_catalog(struct vst_postgres_run *run, struct vst_err *err)
{
	int rc = write_server(run, err);
	if (rc == 0)
		rc = write_lines(run, "schema.jsonl", schema_parts, LENGTH(schema_parts), err);
	if (rc == 0)
		rc = write_lines(run, "roles.jsonl", role_parts, LENGTH(role_parts), err);
	return rc;
}
