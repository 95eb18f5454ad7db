/*
 * CSV as the database collectors write it (RFC 4180 with LF line ends; an empty field without quotes is NULL,
 * with quotes an empty text; one without quotes that starts with \x is binary), taken as it comes and made
 * into rows for comparison: two fields are the same value exactly if their encoded bytes are the same,
 * whatever their quotes.
 *
 * An encoded field: kind 1, length of the value 8 (little-endian), then the value; of one longer than
 * VST_ROW_INLINE bytes its first VST_ROW_PREFIX bytes and the SHA-256 of all. So memory is bounded by the
 * number of columns.
 */
#ifndef COMPARE_ROWS_READER_H
#define COMPARE_ROWS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;
struct vst_rows_reader;

#define VST_ROW_INLINE 1024
#define VST_ROW_PREFIX 256
#define VST_ROW_COLUMNS_MAX 4096 /* PostgreSQL gives at most 1664, SQLite 2000 */

enum vst_row_kind { VST_ROW_NULL, VST_ROW_VALUE, VST_ROW_BINARY };

/* A row, or the header: `count` encoded fields end to end. Borrowed for the call. */
typedef int vst_row_take(void *ctx, const void *row, size_t len, size_t count, struct vst_err *err);

int vst_rows_reader_new(vst_row_take *take, void *ctx, struct vst_rows_reader **ret, struct vst_err *err);
void vst_rows_reader_free(struct vst_rows_reader *reader);
/* Any piece of the text. VST_EFORMAT with the row's number, VST_ELIMIT for too many columns, or what `take`
 * returned. */
int vst_rows_reader_write(struct vst_rows_reader *reader, const void *data, size_t len, struct vst_err *err);
/* The end: a row without its LF is dropped if the text was cut, else VST_EFORMAT. */
int vst_rows_reader_end(struct vst_rows_reader *reader, bool cut, struct vst_err *err);

struct vst_row_field {
	enum vst_row_kind kind;
	uint64_t len;         /* of the value */
	const uint8_t *bytes; /* the first `shown` of them */
	size_t shown;
	const uint8_t *encoded;
	size_t encoded_len;
};

/* The field at *at, which moves behind it. False: the bytes end before it does. */
bool vst_row_next(const uint8_t *row, size_t len, size_t *at, struct vst_row_field *ret);

#endif
