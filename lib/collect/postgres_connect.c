#include "collect/postgres_connect.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "collect/limits.h"
#include "collect/postgres_text.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define SERVER_MIN 100000 /* PostgreSQL 10: older ones name the log's positions otherwise */

struct vst_postgres_sessions {
	struct vst_postgres_session *first;
};

int vst_postgres_sessions_new(struct vst_postgres_sessions **ret, struct vst_err *err)
{
	struct vst_postgres_sessions *sessions = vst_calloc(1, sizeof *sessions);
	if (!sessions)
		return vst_err_nomem(err);
	*ret = sessions;
	return 0;
}

static void free_session(struct vst_postgres_session *session)
{
	/* No wait for an answer: a connection that closes rolls back. */
	PQfinish(session->conn);
	free(session->key);
	free(session->database);
	free(session->path);
	free(session->search_path);
	free(session->lsn);
	free(session->snapshot);
	free(session->time);
	vst_buf_free(&session->why);
	free(session);
}

void vst_postgres_sessions_free(struct vst_postgres_sessions *sessions)
{
	if (!sessions)
		return;
	for (struct vst_postgres_session *at = sessions->first, *next; at; at = next) {
		next = at->next;
		free_session(at);
	}
	free(sessions);
}

/* ---- reaching the server ---- */

static void give_up(struct vst_postgres_session *session, int error, const char *what, const char *message)
{
	session->error = error;
	vst_buf_clear(&session->why);
	vst_buf_text(&session->why, what);
	if (message)
		vst_postgres_reason(&session->why, message);
	PQfinish(session->conn);
	session->conn = NULL;
}

/* Policies are checked for passwords as text; here as libpq reads them. */
static bool holds_secret(const char *uri)
{
	PQconninfoOption *options = PQconninfoParse(uri, NULL);
	bool found = false;
	for (const PQconninfoOption *at = options; at && at->keyword; at++)
		if (at->val && at->val[0] &&
		        (strcmp(at->keyword, "password") == 0 || strcmp(at->keyword, "sslpassword") == 0))
			found = true;
	PQconninfoFree(options);
	return found;
}

static void ignore_notice(void *ctx, const PGresult *result)
{
	(void)ctx;
	(void)result;
}

static void say_refused(struct vst_postgres_session *session)
{
	if (PQconnectionNeedsPassword(session->conn))
		give_up(session, EACCES,
		        "the server asks for a password, and none is at hand: put it into ~/.pgpass, or into "
		        "a file of "
		        "mode 0600 that PGPASSFILE names",
		        NULL);
	else
		give_up(session, 0, "no connection: ", PQerrorMessage(session->conn));
}

/* One step of the handshake, waiting at most one tick. */
static void wait_for_server(const struct vst_postgres_session *session, PostgresPollingStatusType state)
{
	struct pollfd fd = {
	        .fd = PQsocket(session->conn), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};
	poll(&fd, 1, VST_POSTGRES_TICK_MS);
}

static int shake_hands(
        struct vst_postgres_session *session, const struct vst_collect_context *context, struct vst_err *err)
{
	int64_t until = vst_time_now() + VST_POSTGRES_CONNECT_S * VST_NS_PER_S;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	if (PQstatus(session->conn) == CONNECTION_BAD)
		state = PGRES_POLLING_FAILED;
	while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
		struct pollfd fd = {.fd = PQsocket(session->conn)};
		int rc = vst_limits_check_cancel(context, err);
		if (rc != 0)
			return rc;
		if (vst_time_now() > until || vst_limits_expired(context)) {
			give_up(session, ETIMEDOUT, "the server did not answer in time", NULL);
			return 0;
		}
		wait_for_server(session, state);
		fd.events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		if (poll(&fd, 1, 0) != 0)
			state = PQconnectPoll(session->conn);
	}
	if (state == PGRES_POLLING_FAILED)
		say_refused(session);
	return 0;
}

static int reach(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const struct vst_policy_postgres *policy, struct vst_err *err)
{
	/* Later ones win over earlier ones: what a policy's URI says of them holds. */
	const char *const keys[] = {"fallback_application_name", "tcp_user_timeout", "keepalives_idle",
	        policy->uri ? "dbname" : "service", NULL};
	const char *const values[] = {
	        "vestige", "30000", "10", policy->uri ? policy->uri : policy->service, NULL};
	if (policy->uri && holds_secret(policy->uri)) {
		give_up(session, EINVAL, "the policy's URI holds a password", NULL);
		return 0;
	}
	session->conn = PQconnectStartParams(keys, values, 1);
	if (!session->conn)
		return vst_err_nomem(err);
	const char *database = PQdb(session->conn);
	if (database && database[0] && !(session->database = vst_strdup(database)))
		return vst_err_nomem(err);
	PQsetNoticeReceiver(session->conn, ignore_notice, NULL); /* its own writes to stderr */
	int rc = shake_hands(session, context, err);
	if (rc == 0 && session->conn && PQserverVersion(session->conn) < SERVER_MIN)
		give_up(session, EPROTO, "the server is older than PostgreSQL 10", NULL);
	return rc;
}

/* ---- pinning ---- */

/* The first row of a query that must succeed. */
static int ask(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const char *sql, PGresult **ret, struct vst_err *err)
{
	const struct vst_postgres_statement statement = {.sql = sql};
	struct vst_postgres_failure failure = {0};
	int rc = vst_postgres_query(session, context, &statement, ret, &failure, err);
	if (rc == 0 && !*ret && session->conn) {
		struct vst_buf why = failure.why;
		give_up(session, failure.error, "the session could not be prepared: ", vst_buf_cstr(&why));
		failure.why = why;
	}
	vst_postgres_failure_free(&failure);
	return rc;
}

static int keep_text(const PGresult *result, int column, char **ret, struct vst_err *err)
{
	if (PQntuples(result) < 1 || PQgetisnull(result, 0, column))
		return 0;
	free(*ret);
	*ret = vst_strdup(PQgetvalue(result, 0, column));
	return *ret ? 0 : vst_err_nomem(err);
}

static int pin(
        struct vst_postgres_session *session, const struct vst_collect_context *context, struct vst_err *err)
{
	static const char utf8[] = "SELECT pg_catalog.set_config('search_path', 'pg_catalog', false),"
	                           " pg_catalog.set_config('client_encoding', 'UTF8', false)";
	static const char ascii[] = "SELECT pg_catalog.set_config('search_path', 'pg_catalog', false),"
	                            " pg_catalog.set_config('client_encoding', 'SQL_ASCII', false)";
	/* Joined to what the server knows: a name that it does not know would be an error. */
	static const char others[] =
	        "SELECT set_config(s.name, v.value, false) FROM (VALUES ('DateStyle', 'ISO, YMD'),"
	        " ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'), ('extra_float_digits', '3'),"
	        " ('bytea_output', 'hex'), ('xmloption', 'content'), ('lc_monetary', 'C'), ('lc_numeric', "
	        "'C'),"
	        " ('lc_time', 'C'), ('statement_timeout', '0'), ('transaction_timeout', '0'), "
	        "('lock_timeout', '10s'),"
	        " ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'),"
	        " ('default_transaction_read_only', 'on'), ('row_security', 'off'), ('synchronize_seqscans', "
	        "'off'),"
	        " ('max_parallel_workers_per_gather', '0'), ('jit', 'off')) v(name, value)"
	        " JOIN pg_settings s ON s.name = v.name";
	PGresult *result = NULL;
	int rc = ask(session, context,
	        "SELECT pg_catalog.current_schemas(false)::pg_catalog.text, "
	        "pg_catalog.current_setting('search_path')",
	        &result, err);
	if (rc != 0 || !result)
		return rc;
	rc = keep_text(result, 0, &session->path, err);
	if (rc == 0)
		rc = keep_text(result, 1, &session->search_path, err);
	PQclear(result);
	result = NULL;
	const char *encoding = PQparameterStatus(session->conn, "server_encoding");
	session->sql_ascii = encoding && strcmp(encoding, "SQL_ASCII") == 0;
	if (rc == 0)
		rc = ask(session, context, session->sql_ascii ? ascii : utf8, &result, err);
	if (rc != 0 || !result)
		return rc;
	PQclear(result);
	rc = ask(session, context, others, &result, err);
	if (rc == 0)
		PQclear(result);
	return rc;
}

/* ---- the transaction ---- */

static int begin(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const char *marks, struct vst_err *err)
{
	PGresult *result = NULL;
	int rc = ask(session, context, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", &result, err);
	if (rc != 0 || !result)
		return rc;
	PQclear(result);
	/* The first query of the transaction: its moment is the snapshot's. */
	const struct vst_postgres_statement statement = {.sql = marks};
	rc = vst_postgres_query(session, context, &statement, &result, NULL, err);
	if (rc != 0 || !result)
		return rc;
	bool enforced = PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), "on") == 0 &&
	                strcmp(PQgetvalue(result, 0, 1), "repeatable read") == 0;
	rc = keep_text(result, 2, &session->time, err);
	if (rc == 0)
		rc = keep_text(result, 3, &session->snapshot, err);
	if (rc == 0)
		rc = keep_text(result, 4, &session->lsn, err);
	PQclear(result);
	if (rc == 0 && !enforced)
		give_up(session, EROFS, "the server did not make the transaction repeatable and read-only",
		        NULL);
	return rc;
}

#define MARKS                                                                                                \
	"SELECT current_setting('transaction_read_only'), current_setting('transaction_isolation'),"         \
	" to_char(transaction_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define LSN ", CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END"

static int start_transaction(
        struct vst_postgres_session *session, const struct vst_collect_context *context, struct vst_err *err)
{
	const char *marks = PQserverVersion(session->conn) >= 130000 ? MARKS ", pg_current_snapshot()" LSN
	                                                             : MARKS ", txid_current_snapshot()" LSN;
	PGresult *result = NULL;
	int rc = begin(session, context, marks, err);
	if (rc != 0 || !session->conn || session->time)
		return rc;
	/* A server that guards these functions: its rows are worth having without. */
	rc = ask(session, context, "ROLLBACK", &result, err);
	if (rc != 0 || !result)
		return rc;
	PQclear(result);
	rc = begin(session, context, MARKS ", NULL, NULL", err);
	if (rc == 0 && session->conn && !session->time)
		give_up(session, 0, "the transaction could not be started", NULL);
	return rc;
}

/* ---- the list ---- */

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static struct vst_postgres_session *find_same(
        const struct vst_postgres_sessions *sessions, const struct vst_postgres_session *session)
{
	for (struct vst_postgres_session *at = sessions->first; at; at = at->next)
		if (at != session && at->conn && same_text(PQhost(at->conn), PQhost(session->conn)) &&
		        same_text(PQhostaddr(at->conn), PQhostaddr(session->conn)) &&
		        same_text(PQport(at->conn), PQport(session->conn)) &&
		        same_text(PQdb(at->conn), PQdb(session->conn)) &&
		        same_text(PQuser(at->conn), PQuser(session->conn)))
			return at;
	return NULL;
}

/* What the database is called, though nobody may have reached it. */
static int name_database(
        struct vst_postgres_session *session, const struct vst_policy_postgres *policy, struct vst_err *err)
{
	const char *name = NULL;
	PQconninfoOption *options = NULL;
	if (session->database)
		return 0;
	if (policy->uri) {
		options = PQconninfoParse(policy->uri, NULL);
		for (const PQconninfoOption *at = options; at && at->keyword; at++)
			if (strcmp(at->keyword, "dbname") == 0 && at->val)
				name = at->val;
	}
	if (!name || !name[0])
		name = policy->service ? policy->service : "postgres";
	session->database = vst_strdup(name);
	PQconninfoFree(options);
	return session->database ? 0 : vst_err_nomem(err);
}

static int open_session(struct vst_postgres_sessions *sessions, const struct vst_collect_context *context,
        const struct vst_policy_postgres *policy, struct vst_postgres_session *session, struct vst_err *err)
{
	int rc = reach(session, context, policy, err);
	if (rc == 0)
		rc = name_database(session, policy, err);
	if (rc != 0 || !session->conn)
		return rc;
	if ((session->same = find_same(sessions, session))) {
		PQfinish(session->conn);
		session->conn = NULL;
		return 0;
	}
	rc = pin(session, context, err);
	if (rc == 0 && session->conn)
		rc = start_transaction(session, context, err);
	return rc;
}

int vst_postgres_connect(struct vst_postgres_sessions *sessions, const struct vst_collect_context *context,
        const struct vst_policy_postgres *policy, struct vst_postgres_session **ret, struct vst_err *err)
{
	struct vst_buf key = VST_BUF_INIT;
	struct vst_postgres_session *session = sessions->first;
	vst_buf_printf(&key, "%s", policy->uri ? "uri:" : "service:");
	vst_buf_text(&key, policy->uri ? policy->uri : policy->service);
	int rc = vst_buf_check(&key, err);
	while (rc == 0 && session && strcmp(session->key, vst_buf_cstr(&key)) != 0)
		session = session->next;
	if (rc == 0 && !session) {
		session = vst_calloc(1, sizeof *session);
		if (session && !(session->key = vst_strdup(vst_buf_cstr(&key)))) {
			free(session);
			session = NULL;
		}
		rc = session ? 0 : vst_err_nomem(err);
		if (rc == 0) {
			session->next = sessions->first;
			sessions->first = session;
			rc = open_session(sessions, context, policy, session, err);
		}
	}
	if (rc == 0)
		rc = vst_buf_check(&session->why, err);
	vst_buf_free(&key);
	if (rc == 0)
		*ret = session->same ? session->same : session;
	return rc;
}
