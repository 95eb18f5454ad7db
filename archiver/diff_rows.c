#include "diff_rows.h"

#include <stdio.h>
#include <string.h>

#include "progress.h"
#include "vestige/scratch.h"
#include "vestige/text.h"

#define KEPT ((size_t)256 * 1024) /* bytes of text in memory */
#define PRINTED ((size_t)16 * 1024)

struct place {
	uint64_t before, after;  /* seqs; UINT64_MAX: not there */
	uint64_t at, keys, head; /* bytes: first the rows, then the line that stands over them */
};

static uint64_t seq_of(const struct vst_item *item, const struct vst_place *place)
{
	return item ? place->seq : UINT64_MAX;
}

static const struct vst_item *item_of(const struct vst_change *change)
{
	return change->after ? change->after : change->before;
}

static int keep(struct diff_rows *rows, struct vst_err *err)
{
	int rc = vst_buf_check(&rows->text, err);
	if (rc == 0 && rows->text.len > 0)
		rc = vst_scratch_append(rows->told, rows->text.data, rows->text.len, err);
	vst_buf_clear(&rows->text);
	return rc;
}

/* ---- one row ---- */

static void json_begin(struct vst_json *json, const struct vst_change *change, const char *type)
{
	const struct vst_item *item = item_of(change);
	vst_json_object(json);
	vst_json_key(json, "type");
	vst_json_string(json, type);
	vst_json_key(json, "source");
	vst_json_string(json, item->source);
	vst_json_key(json, "path");
	vst_json_text(json, item->path, strlen(item->path));
	if (!vst_utf8_valid(item->path, strlen(item->path))) {
		vst_json_key(json, "path_base64");
		vst_json_base64(json, item->path, strlen(item->path));
	}
}

static void json_names(struct vst_json *json, const char *key, const char *const *names, size_t count)
{
	vst_json_key(json, key);
	vst_json_array(json);
	for (size_t i = 0; i < count; i++)
		vst_json_text(json, names[i], strlen(names[i]));
	vst_json_end(json);
}

static const char *word_of(enum vst_rows_change change)
{
	return change == VST_ROWS_ADDED ? "added" : change == VST_ROWS_REMOVED ? "removed" : "changed";
}

static void json_row(struct diff_rows *rows, const struct vst_rows_difference *row)
{
	static const char *const sides[] = {"before", "after"};
	struct vst_json json = vst_json_begin(&rows->text);
	json_begin(&json, rows->change, "row");
	vst_json_key(&json, "change");
	vst_json_string(&json, word_of(row->change));
	vst_json_key(&json, "key");
	vst_json_text(&json, row->key, row->key_len);
	if (!vst_utf8_valid(row->key, row->key_len)) {
		vst_json_key(&json, "key_base64");
		vst_json_base64(&json, row->key, row->key_len);
	}
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		if (row->row[side] == 0)
			continue;
		vst_json_key(&json, sides[side]);
		vst_json_uint(&json, row->row[side]);
	}
	if (row->change == VST_ROWS_CHANGED)
		json_names(&json, "columns", row->columns, row->column_count);
	vst_json_end(&json);
	vst_buf_byte(&rows->text, '\n');
}

static void put_names(struct vst_buf *out, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		vst_buf_printf(out, "%s%s", i > 0 ? ", " : "", cli_show_text(names[i]));
}

static void text_row(struct diff_rows *rows, const struct vst_rows_difference *row)
{
	struct vst_buf *out = &rows->text;
	vst_buf_printf(out, "         %-9s %s", word_of(row->change),
	        row->key_len > 0 ? cli_show(row->key, row->key_len) : "(NULL)");
	if (row->change == VST_ROWS_CHANGED) {
		vst_buf_text(out, ": ");
		put_names(out, row->columns, row->column_count);
	}
	vst_buf_byte(out, '\n');
}

static int on_row(void *ctx, const struct vst_rows_difference *row, struct vst_err *err)
{
	struct diff_rows *rows = ctx;
	if (cli_signal())
		return vst_err_set(err, VST_ECANCELLED, "interrupted");
	if (!row->key) /* without a key no row can be named */
		return 0;
	if (rows->cli->json)
		json_row(rows, row);
	else
		text_row(rows, row);
	return rows->text.len < KEPT ? vst_buf_check(&rows->text, err) : keep(rows, err);
}

/* ---- one table ---- */

static const char *compared_by(const struct vst_change *change, const struct vst_row_diff_result *result)
{
	const struct vst_item *item = item_of(change);
	if (result->compared)
		return result->rows.keyed ? "key" : "row";
	if (change->unknown || !change->before || !change->after || item->content != change->before->content)
		return "nothing";
	return item->content == VST_ITEM_CONTENT_DIGEST     ? "digest"
	       : item->content == VST_ITEM_CONTENT_METADATA ? "count"
	                                                    : "nothing";
}

static bool count_of(const struct vst_row_diff_result *result, size_t side, uint64_t *ret)
{
	*ret = result->compared ? result->rows.rows[side] : result->count[side];
	return result->compared || result->has_count[side];
}

static void json_result(struct vst_json *json, const struct vst_row_diff_result *result)
{
	const struct vst_rows_result *r = &result->rows;
	const struct {
		const char *name;
		uint64_t count;
	} counts[] = {{"same", r->same}, {"added", r->added}, {"removed", r->removed},
	        {"changed", r->changed}, {"unknown", r->unknown}};
	if (!result->compared)
		return;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		vst_json_key(json, counts[i].name);
		vst_json_uint(json, counts[i].count);
	}
	json_names(json, "columns_added", r->columns_added, r->columns_added_count);
	json_names(json, "columns_removed", r->columns_removed, r->columns_removed_count);
}

static void json_table(struct diff_rows *rows, const struct vst_row_diff_result *result)
{
	static const char *const sides[] = {"before", "after"}, *const whys[] = {"before_why", "after_why"};
	const struct vst_change *change = rows->change;
	struct vst_json json = vst_json_begin(&rows->text);
	json_begin(&json, change, "rows");
	vst_json_key(&json, "change");
	vst_json_string(&json, vst_change_kind_name(change->kind));
	vst_json_key(&json, "by");
	vst_json_string(&json, compared_by(change, result));
	json_names(&json, "key", result->key, result->key_count);
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		uint64_t count;
		if (!count_of(result, side, &count))
			continue;
		vst_json_key(&json, sides[side]);
		vst_json_uint(&json, count);
	}
	json_result(&json, result);
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		if (!result->why[side][0])
			continue;
		vst_json_key(&json, whys[side]);
		vst_json_text(&json, result->why[side], strlen(result->why[side]));
	}
	if (change->unknown) {
		vst_json_key(&json, "why");
		vst_json_string(&json, change->unknown);
	}
	vst_json_end(&json);
	vst_buf_byte(&rows->text, '\n');
}

static void put_counts(struct vst_buf *out, const struct vst_rows_result *r, bool of_both)
{
	char text[4][32];
	vst_text_count(r->added, text[0]);
	vst_text_count(r->removed, text[1]);
	vst_text_count(r->changed, text[2]);
	vst_text_count(r->unknown, text[3]);
	vst_buf_printf(out, ": added %s · removed %s", text[0], text[1]);
	if (r->keyed)
		vst_buf_printf(out, " · changed %s", text[2]);
	if (r->unknown > 0)
		vst_buf_printf(out, " · unknown %s", text[3]);
	if (!r->keyed && of_both)
		vst_buf_text(out, "  (no key: a changed row is one removed and one added)");
}

static void put_columns(struct vst_buf *out, const struct vst_rows_result *r)
{
	if (r->columns_added_count == 0 && r->columns_removed_count == 0)
		return;
	vst_buf_printf(out, "         columns   ");
	if (r->columns_added_count > 0)
		vst_buf_text(out, "added ");
	put_names(out, r->columns_added, r->columns_added_count);
	if (r->columns_removed_count > 0)
		vst_buf_printf(out, "%sremoved ", r->columns_added_count > 0 ? " · " : "");
	put_names(out, r->columns_removed, r->columns_removed_count);
	vst_buf_byte(out, '\n');
}

static void text_table(struct diff_rows *rows, const struct vst_row_diff_result *result)
{
	struct vst_buf *out = &rows->text;
	char counts[VST_ROWS_SIDES][32];
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		uint64_t count;
		strcpy(counts[side], "?");
		if (count_of(result, side, &count))
			vst_text_count(count, counts[side]);
	}
	vst_buf_printf(out, "         rows      %s → %s", counts[0], counts[1]);
	if (result->compared)
		put_counts(out, &result->rows, rows->change->before && rows->change->after);
	else if (strcmp(compared_by(rows->change, result), "nothing") == 0)
		vst_buf_text(out, ": not compared");
	vst_buf_byte(out, '\n');
	if (result->compared)
		put_columns(out, &result->rows);
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		if (result->why[side][0])
			vst_buf_printf(out, "         %-9s not all of it: %s\n", rows->names[side],
			        cli_show_text(result->why[side]));
	}
}

static void add_up(struct diff_rows *rows, const struct vst_row_diff_result *result)
{
	struct diff_rows_totals *totals = &rows->totals;
	const struct vst_item *item = item_of(rows->change);
	totals->tables++;
	if (result->unread && rows->unread++ == 0)
		snprintf(rows->unread_why, sizeof rows->unread_why, "%.64s:%.400s: %.200s", item->source,
		        item->path, result->why[result->unread_side]);
	if (!result->compared) {
		totals->not_compared++;
		return;
	}
	totals->added += result->rows.added;
	totals->removed += result->rows.removed;
	totals->changed += result->rows.changed;
	totals->unknown += result->rows.unknown;
}

int diff_rows_take(struct diff_rows *rows, const struct vst_change *change, struct vst_err *err)
{
	struct vst_row_diff_result result;
	struct place place = {.before = seq_of(change->before, &change->before_place),
	        .after = seq_of(change->after, &change->after_place),
	        .at = vst_scratch_size(rows->told)};
	rows->change = change;
	int rc = vst_row_diff_change(rows->diff, change, &result, err);
	if (rc != 0)
		return vst_err_prepend(err, "%.64s:%.300s", item_of(change)->source, item_of(change)->path);
	if (!result.is_table)
		return 0;
	add_up(rows, &result);
	rc = keep(rows, err);
	place.keys = vst_scratch_size(rows->told) - place.at;
	if (rows->cli->json)
		json_table(rows, &result);
	else
		text_table(rows, &result);
	if (rc == 0)
		rc = keep(rows, err);
	place.head = vst_scratch_size(rows->told) - place.at - place.keys;
	vst_buf_bytes(&rows->places, &place, sizeof place);
	return rc == 0 ? vst_buf_check(&rows->places, err) : rc;
}

/* ---- telling ---- */

static int print(struct diff_rows *rows, uint64_t at, uint64_t len, struct vst_err *err)
{
	char bytes[PRINTED];
	while (len > 0) {
		size_t some = len < sizeof bytes ? (size_t)len : sizeof bytes;
		int rc = cli_signal() ? vst_err_set(err, VST_ECANCELLED, "interrupted")
		                      : vst_scratch_read(rows->told, at, bytes, some, err);
		if (rc != 0)
			return rc;
		cli_print("%.*s", (int)some, bytes);
		at += some;
		len -= some;
	}
	return 0;
}

int diff_rows_tell(struct diff_rows *rows, const struct vst_change *change, struct vst_err *err)
{
	struct place place;
	if (rows->next + sizeof place > rows->places.len)
		return 0;
	memcpy(&place, rows->places.data + rows->next, sizeof place);
	if (place.before != seq_of(change->before, &change->before_place) ||
	        place.after != seq_of(change->after, &change->after_place))
		return 0;
	rows->next += sizeof place;
	int rc = print(rows, place.at + place.keys, place.head, err);
	return rc == 0 ? print(rows, place.at, place.keys, err) : rc;
}

/* ---- all of it ---- */

static void on_progress(void *ctx, const struct vst_item *item, uint64_t done, uint64_t total)
{
	(void)ctx;
	progress_update(&(struct progress){.label = item->path, .done = done, .total = total});
}

int diff_rows_start(struct diff_rows *rows, const struct cli *cli, bool keys, struct vst_examination *before,
        struct vst_examination *after, struct vst_err *err)
{
	const struct vst_row_diff_options options = {
	        .exhibits = {vst_examine_exhibit(before), vst_examine_exhibit(after)},
	        .each = keys ? on_row : NULL,
	        .ctx = rows,
	        .progress = progress_is_on() ? on_progress : NULL,
	        .cancel = cli_catch_signals(),
	};
	*rows = (struct diff_rows){.cli = cli};
	vst_exhibit_name(vst_examine_seal(before)->exhibit, rows->names[VST_ROWS_BEFORE]);
	vst_exhibit_name(vst_examine_seal(after)->exhibit, rows->names[VST_ROWS_AFTER]);
	int rc = vst_row_diff_new(&options, &rows->diff, err);
	return rc == 0 ? vst_scratch_new(vst_row_diff_scratch(rows->diff), KEPT, &rows->told, err) : rc;
}

void diff_rows_end(struct diff_rows *rows)
{
	vst_scratch_free(rows->told);
	vst_row_diff_free(rows->diff);
	vst_buf_free(&rows->places);
	vst_buf_free(&rows->text);
	*rows = (struct diff_rows){0};
}
