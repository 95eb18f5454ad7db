/*
 * What a run over one source of PostgreSQL carries, and how its items are named:
 *
 *     /<database>/server.json            settings, position in the log, what the server calls itself
 *     /<database>/schema.jsonl           one object a line, by "type"
 *     /<database>/roles.jsonl
 *     /<database>/<schema>/<table>.csv   rows
 *     /<database>/query.csv
 */
#ifndef COLLECT_POSTGRES_ITEMS_H
#define COLLECT_POSTGRES_ITEMS_H

#include "collect/postgres_session.h"
#include "collect/stream.h"
#include "vestige/json.h"

struct vst_postgres_run {
	struct vst_collect_context *context; /* borrowed, as source and session are */
	const struct vst_policy_source *source;
	struct vst_postgres_session *session;
	struct vst_stream out;
	struct vst_buf path, sql, details;
};

/* The path of an item in `run->path`: components as text, NULL where there is none; `suffix` as it is. */
const char *vst_postgres_path(
        struct vst_postgres_run *run, const char *schema, const char *name, const char *suffix);

/* server.json, schema.jsonl and roles.jsonl. */
int vst_postgres_catalog(struct vst_postgres_run *run, struct vst_err *err);
/* The rows of the tables that the source asks for, or of its query. */
int vst_postgres_tables(struct vst_postgres_run *run, struct vst_err *err);

#endif
