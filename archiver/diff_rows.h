/*
 * The tables of diff: their rows are compared while changes are counted for the summary, and told behind
 * their item's change when changes are told. What there is to tell lies in a file without a name till then.
 */
#ifndef ARCHIVER_DIFF_ROWS_H
#define ARCHIVER_DIFF_ROWS_H

#include "cli.h"
#include "vestige/examine.h"
#include "vestige/row_diff.h"

struct diff_rows_totals {
	uint64_t tables;                           /* of which an item differs, or may */
	uint64_t added, removed, changed, unknown; /* rows */
	uint64_t not_compared;                     /* tables: nothing but how many rows they have is known */
};

struct diff_rows {
	const struct cli *cli;
	struct vst_row_diff *diff;
	struct vst_scratch *told;
	struct vst_buf places; /* where each table's text is in `told`, in order */
	size_t next;
	struct vst_buf text;
	const struct vst_change *change; /* whose rows are compared */
	char names[VST_ROWS_SIDES][VST_EXHIBIT_NAME_MAX];
	struct diff_rows_totals totals;
	uint64_t unread;      /* tables whose rows an exhibit has, and that could not be read */
	char unread_why[768]; /* of the first of them: "source:path: reason" */
};

/* `keys`: each row is told. The exhibits are borrowed until the end. */
int diff_rows_start(struct diff_rows *rows, const struct cli *cli, bool keys, struct vst_examination *before,
        struct vst_examination *after, struct vst_err *err);
/* Once for each change, in order; nothing is printed. */
int diff_rows_take(struct diff_rows *rows, const struct vst_change *change, struct vst_err *err);
/* The same changes in the same order: prints what was taken of them. */
int diff_rows_tell(struct diff_rows *rows, const struct vst_change *change, struct vst_err *err);
void diff_rows_end(struct diff_rows *rows);

#endif
