/*
 * PostgreSQL: schema, roles and rows of one database, all sources of it in one read-only transaction.
 *
 * A server that refuses, or stops half-way, gives items of status error or denied; other sources go on.
 */
#ifndef COLLECT_POSTGRES_H
#define COLLECT_POSTGRES_H

#include "vestige/collector.h"

int vst_collect_postgres(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err);

#endif
