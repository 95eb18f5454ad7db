/*
 * The rows of one table in two exhibits compared: which keys were added, removed, changed, and in which
 * columns.
 *
 *     vst_rows_new();
 *     vst_rows_input(BEFORE) ◀─ CSV; vst_rows_end(BEFORE); the same for AFTER;
 *     vst_rows_compare();
 *     vst_rows_free()
 *
 * CSV as the collectors of SQLite and PostgreSQL write it (compare/rows_reader.h), in pieces of any size, the
 * two sides in any order or by turns: vst_exhibit_content() writes into such an output. No order of rows is
 * assumed: collations differ from host to host. Rows are joined by sorting digests of their keys, so memory
 * stays at some 20 MiB whatever the number and length of rows; the rows themselves, and the digests, are
 * spooled to scratch files, which are about as large as the text. Whoever cannot have them on a disk in the
 * clear gives a directory of a file system in memory.
 *
 * Columns are matched by name. Where the two sides have not the same ones, rows are compared by those that
 * both have. A side of which no text came is a table that is not there: no rows, and the other's columns.
 * Without a key, or when a side lacks a column of it, the rows are compared as multisets: then a changed row
 * is one removed and one added.
 *
 * A key that several rows of a side have (NULL in SQLite's keys, a table without its index) is a multiset,
 * too: equal rows cancel each other, one left on each side is a change, all else is removed and added.
 */
#ifndef VESTIGE_ROWS_H
#define VESTIGE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/io.h"

struct vst_rows;

enum vst_rows_side { VST_ROWS_BEFORE, VST_ROWS_AFTER };
#define VST_ROWS_SIDES 2

enum vst_rows_change { VST_ROWS_ADDED, VST_ROWS_REMOVED, VST_ROWS_CHANGED };

#define VST_ROWS_KEY_TEXT_MAX 1024 /* bytes of a key's text; a longer one ends in "…" */

/* Borrowed for the call. Values of columns outside the key are not told: they may be anyone's secrets. */
struct vst_rows_difference {
	enum vst_rows_change change;
	/* The key's values, as CSV with commas between them, NULL as nothing and an empty text as "". Any
	   bytes. NULL where rows are not keyed. */
	const uint8_t *key;
	size_t key_len;
	uint64_t row[VST_ROWS_SIDES]; /* its place in the table, from 1 behind the header; 0: not there */
	const char *const *columns;   /* changed: which; names as in `after` */
	size_t column_count;
};
/* Non-zero stops and is returned. */
typedef int vst_rows_each(void *ctx, const struct vst_rows_difference *difference, struct vst_err *err);

struct vst_rows_result { /* names borrowed from the rows */
	bool keyed;
	uint64_t rows[VST_ROWS_SIDES];
	uint64_t same, changed, added, removed;
	/* On one side only, and the other was cut: nobody knows. Not among added and removed, and not told
	 * one by one. */
	uint64_t unknown;
	const char *const *columns_added, *const *columns_removed;
	size_t columns_added_count, columns_removed_count;
};

/* `key`: names of its columns (borrowed; 0: none). `scratch_fd` is borrowed. Owns: the caller,
 * vst_rows_free(). */
int vst_rows_new(
        int scratch_fd, const char *const *key, size_t key_count, struct vst_rows **ret, struct vst_err *err);
void vst_rows_free(struct vst_rows *rows);
/* Errors of writing: VST_EFORMAT for text that is no such CSV, VST_ELIMIT for more than VST_ROW_COLUMNS_MAX
 * columns. */
struct vst_output vst_rows_input(struct vst_rows *rows, enum vst_rows_side side);
/* All of this side has come. `cut`: a limit ended it (status truncated), so that rows are missing and the
 * last one may be a part. */
int vst_rows_end(struct vst_rows *rows, enum vst_rows_side side, bool cut, struct vst_err *err);
/* Once, after both ends. `each` may be NULL; it is called in order of the rows (after; of removed ones
 * before). */
int vst_rows_compare(struct vst_rows *rows, vst_rows_each *each, void *ctx, struct vst_rows_result *ret,
        struct vst_err *err);

#endif
