/*
 * What the details of an item say of a table of a database: that it is one, its key, how many rows it has.
 *
 * Details of SQLite and of PostgreSQL have `table` or `query`, `columns` (texts, or objects), `key` (an array
 * of names of columns, in the key's order) and `rows`, in different orders and with others between them
 * (collect/sqlite.h, vestige-policy(5)). What has none of the first three is no table, whatever its source.
 */
#ifndef VESTIGE_TABLE_DETAILS_H
#define VESTIGE_TABLE_DETAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;

struct vst_table_details {
	bool is_table;
	bool has_rows;
	uint64_t rows;
	const char *const *key; /* names of its columns; borrowed from `text` */
	size_t key_count;
	char *text; /* owned */
};
#define VST_TABLE_KEY_MAX 4096 /* columns; details that name more are not of a collector */

/* Details that are nobody's make no table, and are no error. VST_ENOMEM. */
int vst_table_details_parse(
        const char *details, size_t len, struct vst_table_details *ret, struct vst_err *err);
void vst_table_details_free(struct vst_table_details *details);

#endif
