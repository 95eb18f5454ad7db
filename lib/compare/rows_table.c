#include "compare/rows_table.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/scratch.h"

#define SPOOL_BUFFER ((size_t)256 * 1024)
#define WINDOW ((size_t)16 * 1024) /* rows are read back nearly in order */
#define LENGTH 4

/* The fields of a row that this program encoded. */
static int split(const uint8_t *row, size_t len, size_t count, struct vst_row_field *ret, struct vst_err *err)
{
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		if (!vst_row_next(row, len, &at, &ret[i]))
			return vst_err_set(err, VST_EIO, "scratch file: a row is not as it was written");
	}
	return 0;
}

static int take_header(
        struct vst_rows_table *table, const void *row, size_t len, size_t count, struct vst_err *err)
{
	int rc;
	table->has_header = true;
	table->columns = count;
	vst_buf_bytes(&table->header, row, len);
	if ((rc = vst_buf_check(&table->header, err)) != 0)
		return rc;
	table->names = vst_calloc(count, sizeof *table->names);
	table->fields = vst_calloc(count, sizeof *table->fields);
	if (!table->names || !table->fields)
		return vst_err_nomem(err);
	if ((rc = split(table->header.data, table->header.len, count, table->fields, err)) != 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		table->names[i] = vst_memdup(table->fields[i].bytes, table->fields[i].shown);
		if (!table->names[i])
			return vst_err_nomem(err);
	}
	return 0;
}

static int take(void *ctx, const void *row, size_t len, size_t count, struct vst_err *err)
{
	struct vst_rows_table *table = ctx;
	uint8_t length[LENGTH];
	int rc;
	if (!table->has_header)
		return take_header(table, row, len, count, err);
	table->rows++;
	if (count != table->columns)
		return vst_err_set(err, VST_EFORMAT, "row %llu: %zu columns where the header has %zu",
		        (unsigned long long)table->rows, count, table->columns);
	for (unsigned i = 0; i < LENGTH; i++)
		length[i] = (uint8_t)(len >> (8 * i));
	rc = vst_scratch_append(table->spool, length, sizeof length, err);
	return rc != 0 ? rc : vst_scratch_append(table->spool, row, len, err);
}

int vst_rows_table_init(struct vst_rows_table *table, int scratch_fd, struct vst_err *err)
{
	int rc;
	memset(table, 0, sizeof *table);
	table->window = vst_alloc(WINDOW);
	if (!table->window)
		return vst_err_nomem(err);
	if ((rc = vst_rows_reader_new(take, table, &table->reader, err)) != 0)
		return rc;
	return vst_scratch_new(scratch_fd, SPOOL_BUFFER, &table->spool, err);
}

void vst_rows_table_free(struct vst_rows_table *table)
{
	vst_rows_reader_free(table->reader);
	vst_scratch_free(table->spool);
	vst_buf_free(&table->header);
	for (size_t i = 0; table->names && i < table->columns; i++)
		free(table->names[i]);
	free(table->names);
	free(table->fields);
	free(table->window);
	vst_buf_free(&table->row);
}

int vst_rows_table_end(struct vst_rows_table *table, bool cut, struct vst_err *err)
{
	table->cut = cut;
	return vst_rows_reader_end(table->reader, cut, err);
}

int vst_rows_table_like(struct vst_rows_table *table, const struct vst_rows_table *other, struct vst_err *err)
{
	if (table->has_header || !other->has_header)
		return 0;
	return take_header(table, other->header.data, other->header.len, other->columns, err);
}

static int read_spool(
        struct vst_rows_table *table, uint64_t at, uint8_t *ret, size_t len, struct vst_err *err)
{
	uint64_t size = vst_scratch_size(table->spool);
	int rc;
	if (len > WINDOW || at > size || len > size - at)
		return vst_scratch_read(table->spool, at, ret, len, err);
	if (at < table->window_at || at + len > table->window_at + table->window_len) {
		size_t some = size - at < WINDOW ? (size_t)(size - at) : WINDOW;
		table->window_len = 0;
		if ((rc = vst_scratch_read(table->spool, at, table->window, some, err)) != 0)
			return rc;
		table->window_at = at;
		table->window_len = some;
	}
	memcpy(ret, table->window + (at - table->window_at), len);
	return 0;
}

int vst_rows_table_read(struct vst_rows_table *table, uint64_t at, uint64_t *ret_next, struct vst_err *err)
{
	uint8_t length[LENGTH];
	size_t len = 0;
	int rc = read_spool(table, at, length, sizeof length, err);
	if (rc != 0)
		return rc;
	for (unsigned i = LENGTH; i-- > 0;)
		len = len << 8 | length[i];
	vst_buf_clear(&table->row);
	vst_buf_reserve(&table->row, len);
	if ((rc = vst_buf_check(&table->row, err)) != 0 ||
	        (rc = read_spool(table, at + LENGTH, table->row.data, len, err)) != 0)
		return rc;
	table->row.len = len;
	*ret_next = at + LENGTH + len;
	return split(table->row.data, len, table->columns, table->fields, err);
}
