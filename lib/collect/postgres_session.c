#include "collect/postgres_session.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/limits.h"
#include "collect/postgres_text.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

void vst_postgres_failure_free(struct vst_postgres_failure *failure)
{
	vst_buf_free(&failure->why);
}

/* ---- waiting ---- */

/* Looks at the socket for one tick; true: something came, or it is broken. */
static bool tick(PGconn *conn)
{
	struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
	if (fd.fd < 0)
		return true;
	/* What could not be sent in one go must go out first; a server may wait for it. */
	if (PQflush(conn) > 0)
		fd.events |= POLLOUT;
	return poll(&fd, 1, VST_POSTGRES_TICK_MS) != 0;
}

static void *send_cancel(void *ctx)
{
	char ignored[256];
	PQcancel(ctx, ignored, sizeof ignored);
	PQfreeCancel(ctx);
	return NULL;
}

/*
 * Asks the server to stop the statement. libpq waits for the answer without an end, so a thread waits in our
 * place; false: there was none, and a request that is still under way could hit a later statement.
 */
static bool ask_to_stop(PGconn *conn)
{
	struct timespec until;
	pthread_t thread;
	PGcancel *cancel = PQgetCancel(conn);
	if (!cancel)
		return false;
	if (pthread_create(&thread, NULL, send_cancel, cancel) != 0) {
		PQfreeCancel(cancel);
		return false;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += VST_POSTGRES_CANCEL_S;
	if (pthread_timedjoin_np(thread, NULL, &until) == 0)
		return true;
	pthread_detach(thread);
	return false;
}

static void lose(struct vst_postgres_session *session, const char *why)
{
	session->error = ECONNRESET;
	vst_buf_clear(&session->why);
	vst_buf_text(&session->why, "the connection was lost: ");
	vst_postgres_reason(&session->why, why);
	PQfinish(session->conn);
	session->conn = NULL;
}

static void cancel_statement(struct vst_postgres_session *session)
{
	if (!ask_to_stop(session->conn))
		lose(session, "the server does not stop a statement");
}

/* Until the statement has an answer. Time that is over stops the statement, once; the answer says so then. */
static int wait_for_answer(struct vst_postgres_session *session, const struct vst_collect_context *context,
        bool patient, struct vst_err *err)
{
	bool stopped = patient;
	while (PQisBusy(session->conn)) {
		int rc = vst_limits_check_cancel(context, err);
		if (rc != 0)
			return rc;
		if (!stopped && vst_limits_expired(context)) {
			cancel_statement(session);
			stopped = true;
		}
		if (!session->conn || (tick(session->conn) && !PQconsumeInput(session->conn)))
			break;
	}
	return 0;
}

/* ---- failures ---- */

static int errno_of(const char *state)
{
	static const struct {
		const char *state;
		int error;
	} known[] = {
	        {"42501", EACCES},     /* insufficient_privilege */
	        {"55P03", EBUSY},      /* lock_not_available */
	        {"25006", EROFS},      /* read_only_sql_transaction */
	        {"53100", ENOSPC},     /* disk_full, of a sort */
	        {"53200", ENOMEM},     /* out_of_memory, of the server's */
	        {"57014", ECANCELED},  /* query_canceled */
	        {"57P01", ECONNRESET}, /* admin_shutdown */
	        {"57P02", ECONNRESET}, /* crash_shutdown */
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(state, known[i].state) == 0)
			return known[i].error;
	return 0;
}

/* Classes whose messages speak of objects and states, not of values. */
static bool speaks_of_no_value(const char *state)
{
	static const char *const classes[] = {
	        "08", "0A", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"};
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (strncmp(state, classes[i], 2) == 0)
			return true;
	return false;
}

static void say_lost(const struct vst_postgres_session *session, struct vst_postgres_failure *failure)
{
	if (!failure)
		return;
	failure->error = session->error;
	failure->gone = false;
	memset(failure->sqlstate, 0, sizeof failure->sqlstate);
	vst_buf_clear(&failure->why);
	vst_buf_bytes(&failure->why, session->why.data, session->why.len);
}

static void say_failure(struct vst_postgres_session *session, const PGresult *result, bool quiet,
        struct vst_postgres_failure *failure)
{
	if (!session->conn) {
		say_lost(session, failure);
		return;
	}
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *words = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	bool lost = PQstatus(session->conn) == CONNECTION_BAD;
	if (!words)
		words = PQerrorMessage(session->conn);
	if (failure) {
		vst_buf_clear(&failure->why);
		failure->error = lost ? ECONNRESET : state ? errno_of(state) : 0;
		failure->gone = state && (strcmp(state, "42P01") == 0 || strcmp(state, "3F000") == 0);
		memset(failure->sqlstate, 0, sizeof failure->sqlstate);
		if (state)
			memcpy(failure->sqlstate, state, strnlen(state, sizeof failure->sqlstate - 1));
		if (lost)
			vst_buf_text(&failure->why, "the connection was lost: ");
		if (quiet && !(state ? speaks_of_no_value(state) : lost))
			vst_buf_printf(&failure->why, "the server reports an error, SQLSTATE %.5s",
			        state ? state : "?");
		else
			vst_postgres_reason(&failure->why, words);
	}
	if (lost)
		lose(session, words);
}

/* ---- statements ---- */

/* Takes all answers; the last one that is no error, or the first error. */
static int take_answers(struct vst_postgres_session *session, const struct vst_collect_context *context,
        bool patient, PGresult **ret, struct vst_err *err)
{
	PGresult *kept = NULL, *next;
	int rc;
	while ((rc = wait_for_answer(session, context, patient, err)) == 0 &&
	        (next = PQgetResult(session->conn))) {
		ExecStatusType status = PQresultStatus(next);
		if (kept && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
			PQclear(next);
		} else {
			PQclear(kept);
			kept = next;
		}
		if (status == PGRES_COPY_OUT || PQstatus(session->conn) == CONNECTION_BAD)
			break;
	}
	if (rc != 0)
		PQclear(kept);
	else
		*ret = kept;
	return rc;
}

static int run(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const struct vst_postgres_statement *statement, ExecStatusType wanted, PGresult **ret,
        struct vst_postgres_failure *failure, struct vst_err *err)
{
	PGresult *result = NULL;
	*ret = NULL;
	if (!session->conn) {
		say_lost(session, failure);
		return 0;
	}
	if (!PQsendQueryParams(session->conn, statement->sql, statement->count, NULL, statement->values, NULL,
	            NULL, 0)) {
		say_failure(session, NULL, statement->quiet, failure);
		return 0;
	}
	int rc = take_answers(session, context, statement->patient, &result, err);
	if (rc != 0)
		return rc;
	ExecStatusType status = result ? PQresultStatus(result) : PGRES_FATAL_ERROR;
	if (status == wanted || (wanted == PGRES_TUPLES_OK && status == PGRES_COMMAND_OK)) {
		*ret = result;
		return 0;
	}
	say_failure(session, result, statement->quiet, failure);
	PQclear(result);
	return failure && failure->why.failed ? vst_err_nomem(err) : 0;
}

int vst_postgres_query(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const struct vst_postgres_statement *statement, PGresult **ret, struct vst_postgres_failure *failure,
        struct vst_err *err)
{
	return run(session, context, statement, PGRES_TUPLES_OK, ret, failure, err);
}

static int command(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const char *sql, bool *ret_ok, struct vst_postgres_failure *failure, struct vst_err *err)
{
	const struct vst_postgres_statement statement = {.sql = sql, .patient = true};
	PGresult *result;
	int rc = run(session, context, &statement, PGRES_COMMAND_OK, &result, failure, err);
	*ret_ok = rc == 0 && result;
	if (rc == 0)
		PQclear(result);
	return rc;
}

int vst_postgres_savepoint(struct vst_postgres_session *session, const struct vst_collect_context *context,
        bool *ret_ok, struct vst_postgres_failure *failure, struct vst_err *err)
{
	return command(session, context, "SAVEPOINT vestige", ret_ok, failure, err);
}

int vst_postgres_release(
        struct vst_postgres_session *session, const struct vst_collect_context *context, struct vst_err *err)
{
	bool ok = true;
	if (!session->conn)
		return 0;
	int rc = command(session, context, "ROLLBACK TO SAVEPOINT vestige", &ok, NULL, err);
	/* A request to stop the statement before may have come late. */
	if (rc == 0 && !ok && session->conn)
		rc = command(session, context, "ROLLBACK TO SAVEPOINT vestige", &ok, NULL, err);
	if (rc == 0 && ok)
		rc = command(session, context, "RELEASE SAVEPOINT vestige", &ok, NULL, err);
	/* Without its transaction a session shows another moment: better none. */
	if (rc == 0 && !ok && session->conn)
		lose(session, "the transaction could not be restored");
	return rc;
}

/* ---- COPY ---- */

int vst_postgres_copy(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const struct vst_postgres_statement *statement, bool *ret_ok, struct vst_postgres_failure *failure,
        struct vst_err *err)
{
	PGresult *result;
	int rc = run(session, context, statement, PGRES_COPY_OUT, &result, failure, err);
	*ret_ok = rc == 0 && result;
	if (rc == 0)
		PQclear(result);
	return rc;
}

static int copy_ended(struct vst_postgres_session *session, const struct vst_collect_context *context,
        bool quiet, bool *ret_ok, uint64_t *ret_rows, struct vst_postgres_failure *failure,
        struct vst_err *err)
{
	PGresult *result = NULL;
	int rc = take_answers(session, context, true, &result, err);
	*ret_ok = rc == 0 && result && PQresultStatus(result) == PGRES_COMMAND_OK;
	if (rc != 0)
		return rc;
	if (*ret_ok)
		*ret_rows = strtoull(PQcmdTuples(result), NULL, 10);
	else
		say_failure(session, result, quiet, failure);
	PQclear(result);
	return 0;
}

int vst_postgres_copy_row(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const struct vst_postgres_statement *statement, char **ret, size_t *ret_len, bool *ret_ok,
        uint64_t *ret_rows, struct vst_postgres_failure *failure, struct vst_err *err)
{
	bool stopped = false;
	*ret = NULL;
	for (;;) {
		int len = PQgetCopyData(session->conn, ret, 1);
		if (len > 0) {
			*ret_len = (size_t)len;
			return 0;
		}
		if (len < 0)
			return copy_ended(session, context, statement->quiet, ret_ok, ret_rows, failure, err);
		int rc = vst_limits_check_cancel(context, err);
		if (rc != 0)
			return rc;
		if (!stopped && vst_limits_expired(context)) {
			cancel_statement(session);
			stopped = true;
		}
		if (!session->conn || (tick(session->conn) && !PQconsumeInput(session->conn))) {
			*ret_ok = false;
			say_failure(session, NULL, statement->quiet, failure);
			return 0;
		}
	}
}

int vst_postgres_stop(
        struct vst_postgres_session *session, const struct vst_collect_context *context, struct vst_err *err)
{
	int64_t until = vst_time_now() + VST_POSTGRES_DRAIN_S * VST_NS_PER_S;
	if (!session->conn)
		return 0;
	cancel_statement(session);
	while (session->conn && vst_time_now() < until) {
		char *row = NULL;
		int rc = vst_limits_check_cancel(context, err);
		if (rc != 0)
			return rc;
		int len = PQgetCopyData(session->conn, &row, 1);
		PQfreemem(row);
		if (len < 0) {
			PGresult *result = NULL;
			rc = take_answers(session, context, true, &result, err);
			if (rc == 0)
				PQclear(result);
			if (rc == 0 && PQstatus(session->conn) == CONNECTION_BAD)
				lose(session, PQerrorMessage(session->conn));
			return rc;
		}
		if (len == 0 && tick(session->conn) && !PQconsumeInput(session->conn)) {
			lose(session, PQerrorMessage(session->conn));
			return 0;
		}
	}
	if (session->conn)
		lose(session, "the server does not stop a statement");
	return 0;
}
