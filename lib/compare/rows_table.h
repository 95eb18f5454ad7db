/*
 * One side of a comparison of rows: its header and its rows, spooled (rows_reader.h has how a row is
 * encoded).
 */
#ifndef COMPARE_ROWS_TABLE_H
#define COMPARE_ROWS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compare/rows_reader.h"
#include "vestige/buf.h"

struct vst_err;
struct vst_scratch;

struct vst_rows_table {
	struct vst_rows_reader *reader;
	struct vst_scratch *spool; /* of each row its length in 4 bytes and its fields */
	struct vst_buf header;     /* encoded */
	char **names; /* as text; one with a NUL or longer than VST_ROW_INLINE bytes is cut there */
	size_t columns;
	uint64_t rows;
	bool has_header, cut;
	uint8_t *window; /* bytes of the spool, `window_len` from `window_at` on */
	uint64_t window_at;
	size_t window_len;
	struct vst_buf row;           /* read back */
	struct vst_row_field *fields; /* of `row` */
};

/* The caller frees it, also on failure. `scratch_fd` is borrowed. Errors: VST_ENOMEM; where the spool is
 * written or read, below and in the reader, VST_EIO. */
int vst_rows_table_init(struct vst_rows_table *table, int scratch_fd, struct vst_err *err);
void vst_rows_table_free(struct vst_rows_table *table);
/* As vst_rows_reader_end(). */
int vst_rows_table_end(struct vst_rows_table *table, bool cut, struct vst_err *err);
/* Where no text came at all, its columns are those of `other`. */
int vst_rows_table_like(
        struct vst_rows_table *table, const struct vst_rows_table *other, struct vst_err *err);
/* Reads the row at this place of the spool into `row` and `fields`; *ret_next is where the next one is. */
int vst_rows_table_read(struct vst_rows_table *table, uint64_t at, uint64_t *ret_next, struct vst_err *err);

#endif
