/*
 * The columns of two tables matched by name. Of several with one name the first goes with the first, and so
 * on.
 */
#ifndef COMPARE_ROWS_COLUMNS_H
#define COMPARE_ROWS_COLUMNS_H

#include "compare/rows_table.h"
#include "vestige/rows.h"

struct vst_rows_columns {
	size_t *shared[VST_ROWS_SIDES]; /* places of the columns that both have, in the same order */
	size_t shared_count;
	size_t *key[VST_ROWS_SIDES];   /* places of the key's columns */
	size_t key_count;              /* 0: there is no key, or not on both sides */
	const char **added, **removed; /* names borrowed from the tables */
	size_t added_count, removed_count;
};

/* The caller frees `columns`, also on failure; the tables outlive it. Errors: VST_ENOMEM. */
int vst_rows_columns_match(struct vst_rows_columns *columns,
        const struct vst_rows_table tables[VST_ROWS_SIDES], const char *const *key, size_t key_count,
        struct vst_err *err);
void vst_rows_columns_free(struct vst_rows_columns *columns);

#endif
