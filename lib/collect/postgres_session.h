/*
 * Connections to PostgreSQL: one a database and acquisition, each in one REPEATABLE READ READ ONLY
 * transaction that begins before anything is read, so that all sources of a database show one moment. Ended
 * by ROLLBACK.
 *
 * Invariants of an open session: every statement is a single one (the extended protocol takes no more) and
 * runs between vst_postgres_savepoint() and vst_postgres_release(), so that what fails costs itself only;
 * nothing blocks for longer than VST_POSTGRES_TICK_MS without a look at cancel and expiry. (libpq resolves
 * host names while it connects, and that it does by the system's resolver and in one go.)
 *
 * Secrets: none comes from the policy. libpq takes them from where it always does: PGPASSFILE, ~/.pgpass, a
 * service file, certificates, Kerberos.
 *
 * Source: PostgreSQL's manual, "libpq: Asynchronous Command Processing", "Functions Associated with the COPY
 * Command".
 */
#ifndef COLLECT_POSTGRES_SESSION_H
#define COLLECT_POSTGRES_SESSION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "vestige/buf.h"
#include "vestige/collector.h"

#define VST_POSTGRES_CONNECT_S 15 /* seconds until a server must have let us in */
#define VST_POSTGRES_LOCK_S 10    /* seconds that we wait for a lock somebody holds */
#define VST_POSTGRES_CANCEL_S 2   /* seconds until a server must have taken the wish to stop a statement */
#define VST_POSTGRES_DRAIN_S 20   /* seconds that a cancelled statement may take to end */
#define VST_POSTGRES_TICK_MS 200

struct vst_postgres_session {
	PGconn *conn;   /* NULL: not connected, or lost */
	char *key;      /* "service:…" or "uri:…" */
	char *database; /* its name, or what stands for it if there was no connection */
	char *path;     /* current_schemas() and search_path as the role and the database have them */
	char *search_path;
	char *lsn, *snapshot, *time; /* of the transaction; NULL: could not be had */
	bool sql_ascii;              /* the database has no encoding, and text comes as it lies there */
	struct vst_postgres_session *same,
	        *next;      /* another that reached the same database first; of the list */
	int error;          /* why there is no connection: an errno */
	struct vst_buf why; /* and in words */
};

/* Why a statement failed, for an item's status. */
struct vst_postgres_failure {
	int error; /* EACCES: denied; ECONNRESET: the connection is lost; 0: `why` alone says it */
	bool gone; /* what was named is not there (any more) */
	char sqlstate[6];
	struct vst_buf why;
};
void vst_postgres_failure_free(struct vst_postgres_failure *failure);

/*
 * All below: 0, or VST_ENOMEM and VST_ECANCELLED, which end the acquisition. Whether the server did it,
 * `*ret_ok` says, and `failure` (which may be NULL) why not. `quiet`: words of the server's that may quote
 * values are left out of it.
 */
int vst_postgres_savepoint(struct vst_postgres_session *session, const struct vst_collect_context *context,
        bool *ret_ok, struct vst_postgres_failure *failure, struct vst_err *err);
/* Back to it, whatever happened since; locks stay. */
int vst_postgres_release(
        struct vst_postgres_session *session, const struct vst_collect_context *context, struct vst_err *err);

struct vst_postgres_statement {
	const char *sql;
	int count;                 /* of parameters, at most 2 */
	const char *const *values; /* as text; NULL: none */
	bool quiet;
	bool patient; /* goes on when the source's time is over */
};
/* `*ret` is the caller's, PQclear(); NULL unless *ret_ok. */
int vst_postgres_query(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const struct vst_postgres_statement *statement, PGresult **ret, struct vst_postgres_failure *failure,
        struct vst_err *err);

/* Starts a COPY … TO STDOUT. */
int vst_postgres_copy(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const struct vst_postgres_statement *statement, bool *ret_ok, struct vst_postgres_failure *failure,
        struct vst_err *err);
/*
 * The next row: *ret_len bytes, PQfreemem(). *ret is NULL when it is over: then `*ret_ok` says whether all of
 * it came, and
 * `*ret_rows` how many rows the server says it sent. No row is longer than a GiB, which libpq holds in
 * memory.
 */
int vst_postgres_copy_row(struct vst_postgres_session *session, const struct vst_collect_context *context,
        const struct vst_postgres_statement *statement, char **ret, size_t *ret_len, bool *ret_ok,
        uint64_t *ret_rows, struct vst_postgres_failure *failure, struct vst_err *err);
/* Stops what is under way, and takes what the server still says. A server that does not stop loses its
 * connection. */
int vst_postgres_stop(
        struct vst_postgres_session *session, const struct vst_collect_context *context, struct vst_err *err);

#endif
