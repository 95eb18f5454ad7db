/*
 * The tables of two opened exhibits compared: of each that compare.h tells to differ, what became of its
 * rows.
 *
 *     vst_row_diff_new(); for each struct vst_change { vst_row_diff_change() }; vst_row_diff_free()
 *
 * A table is an item that its details call so (table_details.h). Where both exhibits have the rows they are
 * joined as rows.h says. Where the policy asked for a digest or for metadata, there is the number of rows
 * alone.
 *
 * A side that a limit cut, that failed half-way, or was denied does not have all rows: what the other has
 * alone is unknown then, and neither added nor removed. A table that is not there has no rows.
 *
 * Rows lie, in the clear and while they are compared, in files without a name in the directory for temporary
 * files (TMPDIR, else /var/tmp).
 */
#ifndef VESTIGE_ROW_DIFF_H
#define VESTIGE_ROW_DIFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/compare.h"
#include "vestige/exhibit_reader.h"
#include "vestige/rows.h"

struct vst_row_diff;

struct vst_row_diff_options {
	struct vst_exhibit *exhibits[VST_ROWS_SIDES]; /* borrowed */
	vst_rows_each *each;                          /* NULL: numbers alone */
	void *ctx;
	/* Bytes of both contents that were read so far. NULL: not wanted. */
	void (*progress)(void *ctx, const struct vst_item *item, uint64_t done, uint64_t total);
	const atomic_bool *cancel; /* NULL: none */
};

#define VST_ROW_DIFF_WHY_MAX 512

struct vst_row_diff_result { /* names are borrowed until the next call */
	bool is_table;       /* else nothing else is set */
	bool compared;       /* `rows` is set */
	bool unread;         /* an exhibit has rows that could not be read, or are none */
	size_t unread_side;
	struct vst_rows_result rows;
	const char *const *key;
	size_t key_count;
	bool has_count[VST_ROWS_SIDES]; /* rows, as the exhibits' details have it; a table that is not there
	                                   has 0 */
	uint64_t count[VST_ROWS_SIDES];
	/* Why not all rows of this side could be had, or none be compared; empty: they could. May hold any
	   bytes of the host. */
	char why[VST_ROWS_SIDES][VST_ROW_DIFF_WHY_MAX];
};

/* `options` is copied. Owns: the caller. */
int vst_row_diff_new(
        const struct vst_row_diff_options *options, struct vst_row_diff **ret, struct vst_err *err);
void vst_row_diff_free(struct vst_row_diff *diff);
/* The directory for temporary files; borrowed. */
int vst_row_diff_scratch(const struct vst_row_diff *diff);
/*
 * Contents that cannot be read or are no rows are said in `why`. Errors: VST_ENOMEM, VST_EIO for the
 * temporary files, VST_ECANCELLED, what `each` returned.
 */
int vst_row_diff_change(struct vst_row_diff *diff, const struct vst_change *change,
        struct vst_row_diff_result *ret, struct vst_err *err);

#endif
