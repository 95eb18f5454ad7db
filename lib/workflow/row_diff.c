#include "vestige/row_diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/table_details.h"
#include "workflow/scratch_dir.h"

struct vst_row_diff {
	struct vst_row_diff_options options;
	int scratch_fd;
	struct vst_table_details details[VST_ROWS_SIDES];
	struct vst_rows *rows; /* names of the last result are in it */
};

/* One pair at work. */
struct pairing {
	struct vst_row_diff *diff;
	const struct vst_item *items[VST_ROWS_SIDES];
	uint64_t seqs[VST_ROWS_SIDES];
	struct vst_row_diff_result *result;
	uint64_t done, total; /* bytes */
};

/* Rows on their way from an exhibit: a failure of its reader is the exhibit's, one in here is not. */
struct feed {
	struct pairing *pairing;
	size_t side;
	struct vst_output to;
	int rc;
};

int vst_row_diff_new(
        const struct vst_row_diff_options *options, struct vst_row_diff **ret, struct vst_err *err)
{
	struct vst_row_diff *diff = vst_calloc(1, sizeof *diff);
	if (!diff)
		return vst_err_nomem(err);
	diff->options = *options;
	int rc = scratch_dir_open(&diff->scratch_fd, err);
	if (rc != 0) {
		free(diff);
		return rc;
	}
	*ret = diff;
	return 0;
}

static void forget(struct vst_row_diff *diff)
{
	vst_rows_free(diff->rows);
	diff->rows = NULL;
	for (size_t side = 0; side < VST_ROWS_SIDES; side++)
		vst_table_details_free(&diff->details[side]);
}

void vst_row_diff_free(struct vst_row_diff *diff)
{
	if (!diff)
		return;
	forget(diff);
	close(diff->scratch_fd);
	free(diff);
}

int vst_row_diff_scratch(const struct vst_row_diff *diff)
{
	return diff->scratch_fd;
}

/* ---- what an exhibit has of a table ---- */

static bool holds_rows(const struct vst_item *item)
{
	return item && item->content == VST_ITEM_CONTENT_FULL && (item->has_content || item->has_whole);
}

/* No item, or one that says there is no such table. */
static bool is_absent(const struct vst_item *item)
{
	return !item || item->status == VST_ITEM_ABSENT || item->status == VST_ITEM_VANISHED;
}

/* Rows that were read one by one without a limit or a failure. */
static bool is_whole(const struct vst_item *item)
{
	return is_absent(item) || item->status == VST_ITEM_COLLECTED || item->status == VST_ITEM_UNCHANGED;
}

static void say_status(const struct vst_item *item, char why[VST_ROW_DIFF_WHY_MAX])
{
	snprintf(why, VST_ROW_DIFF_WHY_MAX, "%s%s%.400s", vst_item_status_name(item->status),
	        item->rule ? ": " : "", item->rule ? item->rule : "");
}

static uint64_t size_of(const struct vst_item *item)
{
	return !holds_rows(item) ? 0 : item->has_whole ? item->whole.size : item->size;
}

/* ---- feeding ---- */

static int feed_rows(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct feed *feed = ctx;
	struct pairing *p = feed->pairing;
	const struct vst_row_diff_options *options = &p->diff->options;
	if (options->cancel && atomic_load(options->cancel))
		return feed->rc = vst_err_set(err, VST_ECANCELLED, "stopped");
	p->done += len;
	if (options->progress)
		options->progress(options->ctx, p->items[feed->side], p->done, p->total);
	return feed->rc = feed->to.write(feed->to.ctx, data, len, err);
}

/* Text that is no rows is the table's fault; all else is ours, and ends the comparison. */
static bool is_ours(int rc)
{
	return rc != 0 && rc != VST_EFORMAT && rc != VST_ELIMIT;
}

static int read_side(struct pairing *p, size_t side, struct vst_err *err)
{
	struct vst_row_diff *diff = p->diff;
	struct feed feed = {
	        .pairing = p, .side = side, .to = vst_rows_input(diff->rows, (enum vst_rows_side)side)};
	const struct vst_output out = {&feed, feed_rows};
	struct vst_exhibit_entry entry = {0};
	struct vst_err why = VST_ERR_INIT;
	const struct vst_item *item = p->items[side];
	int rc = 0;
	if (holds_rows(item)) {
		rc = vst_exhibit_entry_at(diff->options.exhibits[side], p->seqs[side], &entry, &why);
		if (rc == 0)
			rc = vst_exhibit_content(diff->options.exhibits[side], &entry, false, &out, &why);
		vst_exhibit_entry_free(&entry);
	}
	if (rc == 0)
		rc = vst_rows_end(diff->rows, (enum vst_rows_side)side, !is_whole(item), &why);
	if (rc == 0)
		return 0;
	if (rc == VST_ENOMEM || rc == VST_ECANCELLED || is_ours(feed.rc)) {
		if (err)
			*err = why;
		return rc;
	}
	p->result->compared = false;
	p->result->unread = true;
	p->result->unread_side = side;
	snprintf(p->result->why[side], VST_ROW_DIFF_WHY_MAX, "%.500s", why.text);
	return 0;
}

static int compare_rows(struct pairing *p, struct vst_err *err)
{
	struct vst_row_diff *diff = p->diff;
	struct vst_row_diff_result *result = p->result;
	int rc = vst_rows_new(diff->scratch_fd, result->key, result->key_count, &diff->rows, err);
	result->compared = true;
	for (size_t side = 0; rc == 0 && result->compared && side < VST_ROWS_SIDES; side++) {
		if (!is_whole(p->items[side]))
			say_status(p->items[side], result->why[side]);
		rc = read_side(p, side, err);
	}
	if (rc != 0 || !result->compared)
		return rc;
	return vst_rows_compare(diff->rows, diff->options.each, diff->options.ctx, &result->rows, err);
}

/* ---- a pair ---- */

static void say_counts(struct pairing *p)
{
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		const struct vst_table_details *details = &p->diff->details[side];
		const struct vst_item *item = p->items[side];
		/* Of one that failed half-way the details have the rows till then. */
		p->result->has_count[side] = is_absent(item) || (details->has_rows && is_whole(item));
		p->result->count[side] = is_absent(item) ? 0 : details->rows;
	}
}

/* Rows are joined by the key that the table has now. */
static void choose_key(struct pairing *p)
{
	for (size_t side = VST_ROWS_SIDES; side-- > 0 && p->result->key_count == 0;) {
		p->result->key = p->diff->details[side].key;
		p->result->key_count = p->diff->details[side].key_count;
	}
}

/* Whether a policy asked for rows: a table of which a digest was sealed has none to compare. */
static bool is_comparable(const struct pairing *p)
{
	bool any = false;
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		const struct vst_item *item = p->items[side];
		if (item && item->content != VST_ITEM_CONTENT_FULL)
			return false;
		any |= holds_rows(item);
	}
	return any;
}

int vst_row_diff_change(struct vst_row_diff *diff, const struct vst_change *change,
        struct vst_row_diff_result *ret, struct vst_err *err)
{
	struct pairing p = {.diff = diff,
	        .items = {change->before, change->after},
	        .seqs = {change->before_place.seq, change->after_place.seq},
	        .result = ret};
	int rc = 0;
	memset(ret, 0, sizeof *ret);
	forget(diff);
	for (size_t side = 0; rc == 0 && side < VST_ROWS_SIDES; side++) {
		const struct vst_item *item = p.items[side];
		p.total += size_of(item);
		if (!item || item->type != VST_ITEM_STREAM)
			continue;
		rc = vst_table_details_parse(item->details, item->details_len, &diff->details[side], err);
		ret->is_table |= diff->details[side].is_table;
	}
	if (rc != 0 || !ret->is_table)
		return rc;
	say_counts(&p);
	choose_key(&p);
	if (is_comparable(&p))
		return compare_rows(&p, err);
	for (size_t side = 0; side < VST_ROWS_SIDES; side++)
		if (!is_whole(p.items[side]))
			say_status(p.items[side], ret->why[side]);
	return 0;
}
