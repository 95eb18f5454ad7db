#include "compare/rows_columns.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"

#define NONE SIZE_MAX

static int allocate(struct vst_rows_columns *columns, const struct vst_rows_table tables[VST_ROWS_SIDES],
        size_t key_count, struct vst_err *err)
{
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		columns->shared[side] = vst_calloc(tables[VST_ROWS_BEFORE].columns, sizeof(size_t));
		columns->key[side] = vst_calloc(key_count, sizeof(size_t));
		if (!columns->shared[side] || !columns->key[side])
			return vst_err_nomem(err);
	}
	columns->added = vst_calloc(tables[VST_ROWS_AFTER].columns, sizeof *columns->added);
	columns->removed = vst_calloc(tables[VST_ROWS_BEFORE].columns, sizeof *columns->removed);
	return columns->added && columns->removed ? 0 : vst_err_nomem(err);
}

/* The first column of this name that is not taken; most stand where they stood. */
static size_t find(const struct vst_rows_table *table, const char *name, size_t guess, const bool *taken)
{
	if (guess < table->columns && !taken[guess] && strcmp(table->names[guess], name) == 0)
		return guess;
	for (size_t i = 0; i < table->columns; i++) {
		if (!taken[i] && strcmp(table->names[i], name) == 0)
			return i;
	}
	return NONE;
}

static int match(struct vst_rows_columns *columns, const struct vst_rows_table tables[VST_ROWS_SIDES],
        struct vst_err *err)
{
	const struct vst_rows_table *before = &tables[VST_ROWS_BEFORE], *after = &tables[VST_ROWS_AFTER];
	bool *taken = vst_calloc(after->columns, sizeof *taken);
	if (!taken)
		return vst_err_nomem(err);
	for (size_t i = 0; i < before->columns; i++) {
		size_t found = find(after, before->names[i], i, taken);
		if (found == NONE) {
			columns->removed[columns->removed_count++] = before->names[i];
			continue;
		}
		taken[found] = true;
		columns->shared[VST_ROWS_BEFORE][columns->shared_count] = i;
		columns->shared[VST_ROWS_AFTER][columns->shared_count++] = found;
	}
	for (size_t i = 0; i < after->columns; i++) {
		if (!taken[i])
			columns->added[columns->added_count++] = after->names[i];
	}
	free(taken);
	return 0;
}

static bool find_key(struct vst_rows_columns *columns, const struct vst_rows_table tables[VST_ROWS_SIDES],
        const char *name, size_t at)
{
	for (size_t i = 0; i < columns->shared_count; i++) {
		size_t before = columns->shared[VST_ROWS_BEFORE][i];
		if (strcmp(tables[VST_ROWS_BEFORE].names[before], name) != 0)
			continue;
		columns->key[VST_ROWS_BEFORE][at] = before;
		columns->key[VST_ROWS_AFTER][at] = columns->shared[VST_ROWS_AFTER][i];
		return true;
	}
	return false;
}

int vst_rows_columns_match(struct vst_rows_columns *columns,
        const struct vst_rows_table tables[VST_ROWS_SIDES], const char *const *key, size_t key_count,
        struct vst_err *err)
{
	int rc;
	memset(columns, 0, sizeof *columns);
	if ((rc = allocate(columns, tables, key_count, err)) != 0 || (rc = match(columns, tables, err)) != 0)
		return rc;
	for (size_t i = 0; i < key_count; i++) {
		if (!find_key(columns, tables, key[i], i))
			return 0;
	}
	columns->key_count = key_count;
	return 0;
}

void vst_rows_columns_free(struct vst_rows_columns *columns)
{
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		free(columns->shared[side]);
		free(columns->key[side]);
	}
	free(columns->added);
	free(columns->removed);
}
