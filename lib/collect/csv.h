/*
 * Rows as CSV: RFC 4180 with LF line ends, as PostgreSQL's COPY … CSV HEADER writes them.
 *
 * A field that is quoted is text, always: NULL is an empty field without quotes, an empty text is "". Binary
 * values are \x and hexadecimal digits without quotes; text that starts with \x is quoted. Real numbers have
 * as many digits as are needed to read the same number again, and a point or an exponent; Infinity, -Infinity
 * and NaN are words. Text is written byte by byte as it is, whatever its encoding.
 *
 * Source: RFC 4180; PostgreSQL's manual, "COPY", "CSV Format". All append to a buffer, whose failure sticks.
 */
#ifndef COLLECT_CSV_H
#define COLLECT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_buf;

void vst_csv_text(struct vst_buf *out, const void *text, size_t len);
void vst_csv_int(struct vst_buf *out, int64_t value);
void vst_csv_real(struct vst_buf *out, double value);

/* For long values, piece by piece: a quote, escaped pieces, a quote; or \x and hexadecimal digits. */
bool vst_csv_needs_quotes(const void *text, size_t len);
void vst_csv_escape(struct vst_buf *out, const void *piece, size_t len);

#endif
