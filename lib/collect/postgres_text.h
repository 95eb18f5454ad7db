/*
 * Text that goes to and comes from PostgreSQL: quoting, names as policies write them, rows in COPY's text
 * format, and a server's words made fit for a manifest. Pure functions; no libpq.
 *
 * Source: PostgreSQL's manual, "Lexical Structure" (identifiers) and COPY, "Text Format" as servers write it.
 */
#ifndef COLLECT_POSTGRES_TEXT_H
#define COLLECT_POSTGRES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "vestige/buf.h"

#define VST_POSTGRES_REASON_MAX 400 /* bytes of a server's message that are kept */

/* Appends an identifier in double quotes. */
void vst_postgres_quote(struct vst_buf *sql, const char *name);

/*
 * Splits a policy's `name` or `schema.name` at the first dot outside double quotes; a part in quotes may hold
 * dots, a quote in it is doubled. Letters keep their case. False: an empty part, a quote without its end, or
 * more than two parts. `ret_schema` stays empty where there is none.
 */
bool vst_postgres_split_name(const char *text, struct vst_buf *ret_schema, struct vst_buf *ret_name);

/* A query without the white space and the semicolons at its end: what may stand in parentheses. */
size_t vst_postgres_query_len(const char *query);

/*
 * Takes the next field of a row in COPY's text format, without its escapes, into `ret_value` (which is
 * cleared first). `*at` moves behind the field and its tab; NULL when the row is over. The row comes without
 * its line feed.
 */
void vst_postgres_next_field(const char **at, const char *end, struct vst_buf *ret_value, bool *ret_null);

/*
 * A message of the server's or of libpq's on one line, without control characters, at most
 * VST_POSTGRES_REASON_MAX bytes, whole UTF-8 characters.
 */
void vst_postgres_reason(struct vst_buf *out, const char *message);

#endif
