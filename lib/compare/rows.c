/*
 * A merge of two sorted lists of digests. An entry of a side: the digest of its key, that of the whole row
 * (both over the encoded fields of the columns that both sides have), its number, and where it is in the
 * spool.
 *
 * Invariants of the merge: 1. all entries of keys before `group` are settled; 2. of the group, `kept` has for
 * each side the first entry that no equal row of the other side cancelled, and `left` how many there are; all
 * but the kept ones are settled as removed or added.
 */
#include "vestige/rows.h"

#include <stdlib.h>
#include <string.h>

#include "compare/rows_columns.h"
#include "compare/rows_table.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/mem.h"
#include "vestige/sorter.h"

/* Of a side: key digest, row digest, number (big-endian: equal rows stay in order), place. */
#define AT_ROW VST_HASH_LEN
#define AT_NUMBER (2 * VST_HASH_LEN)
#define AT_PLACE (AT_NUMBER + 8)
#define ENTRY_LEN (AT_PLACE + 8)
#define ENTRIES ((size_t)64 * 1024)

/* Of a difference: number by which it is told, change, then number and place on each side (number 0: not
 * there). */
#define DIFFERENCE_KEY 9
#define DIFFERENCE_LEN (DIFFERENCE_KEY + 32)
#define DIFFERENCES ((size_t)32 * 1024)

struct row_place {
	uint64_t number, at;
};

struct vst_rows {
	int scratch_fd;
	const char *const *key;
	size_t key_count;
	struct vst_rows_table tables[VST_ROWS_SIDES];
	struct vst_rows_columns columns;
	struct vst_sorter *sorted[VST_ROWS_SIDES];
	struct vst_sorter *differences; /* NULL: only numbers are wanted */
	struct vst_rows_result result;
	struct vst_buf room;
	const char **changed; /* names */

	uint8_t group[VST_HASH_LEN];
	struct row_place kept[VST_ROWS_SIDES];
	uint64_t left[VST_ROWS_SIDES];
};

int vst_rows_new(
        int scratch_fd, const char *const *key, size_t key_count, struct vst_rows **ret, struct vst_err *err)
{
	struct vst_rows *rows = vst_calloc(1, sizeof *rows);
	int rc;
	if (!rows)
		return vst_err_nomem(err);
	rows->scratch_fd = scratch_fd;
	rows->key = key;
	rows->key_count = key_count;
	if ((rc = vst_rows_table_init(&rows->tables[VST_ROWS_BEFORE], scratch_fd, err)) != 0 ||
	        (rc = vst_rows_table_init(&rows->tables[VST_ROWS_AFTER], scratch_fd, err)) != 0) {
		vst_rows_free(rows);
		return rc;
	}
	*ret = rows;
	return 0;
}

void vst_rows_free(struct vst_rows *rows)
{
	if (!rows)
		return;
	for (size_t side = 0; side < VST_ROWS_SIDES; side++) {
		vst_sorter_free(rows->sorted[side]);
		vst_rows_table_free(&rows->tables[side]);
	}
	vst_sorter_free(rows->differences);
	vst_rows_columns_free(&rows->columns);
	vst_buf_free(&rows->room);
	free(rows->changed);
	free(rows);
}

static int write_table(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct vst_rows_table *table = ctx;
	return vst_rows_reader_write(table->reader, data, len, err);
}

struct vst_output vst_rows_input(struct vst_rows *rows, enum vst_rows_side side)
{
	return (struct vst_output){&rows->tables[side], write_table};
}

int vst_rows_end(struct vst_rows *rows, enum vst_rows_side side, bool cut, struct vst_err *err)
{
	return vst_rows_table_end(&rows->tables[side], cut, err);
}

/* ---- digests ---- */

static void put_be(uint8_t *to, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (uint8_t)(value >> (8 * (7 - i)));
}

static uint64_t get_be(const uint8_t *from)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < 8; i++)
		value = value << 8 | from[i];
	return value;
}

static int digest_fields(struct vst_rows *rows, const struct vst_rows_table *table, const size_t *places,
        size_t count, uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	int rc;
	vst_buf_clear(&rows->room);
	for (size_t i = 0; i < count; i++)
		vst_buf_bytes(
		        &rows->room, table->fields[places[i]].encoded, table->fields[places[i]].encoded_len);
	if ((rc = vst_buf_check(&rows->room, err)) == 0)
		vst_sha256(rows->room.data, rows->room.len, ret);
	return rc;
}

static int digest_rows(struct vst_rows *rows, size_t side, struct vst_err *err)
{
	struct vst_rows_table *table = &rows->tables[side];
	const struct vst_rows_columns *columns = &rows->columns;
	uint64_t at = 0;
	int rc = vst_sorter_new(rows->scratch_fd, ENTRY_LEN, AT_PLACE, ENTRIES, &rows->sorted[side], err);
	for (uint64_t number = 1; rc == 0 && number <= table->rows; number++) {
		uint8_t entry[ENTRY_LEN];
		put_be(entry + AT_NUMBER, number);
		put_be(entry + AT_PLACE, at);
		if ((rc = vst_rows_table_read(table, at, &at, err)) != 0 ||
		        (rc = digest_fields(rows, table, columns->shared[side], columns->shared_count,
		                 entry + AT_ROW, err)) != 0)
			return rc;
		if (columns->shared_count == 0) /* nothing is compared, so nothing is the same */
			memset(entry + AT_ROW, (int)side + 1, VST_HASH_LEN);
		if (columns->key_count > 0)
			rc = digest_fields(rows, table, columns->key[side], columns->key_count, entry, err);
		else
			memcpy(entry, entry + AT_ROW, VST_HASH_LEN);
		if (rc == 0)
			rc = vst_sorter_add(rows->sorted[side], entry, err);
	}
	return rc != 0 ? rc : vst_sorter_sort(rows->sorted[side], err);
}

/* ---- merging ---- */

static struct row_place place_of(const uint8_t *entry)
{
	return (struct row_place){get_be(entry + AT_NUMBER), get_be(entry + AT_PLACE)};
}

static int settle(struct vst_rows *rows, enum vst_rows_change change, const struct row_place *before,
        const struct row_place *after, struct vst_err *err)
{
	uint8_t difference[DIFFERENCE_LEN] = {0};
	if ((change == VST_ROWS_ADDED && rows->tables[VST_ROWS_BEFORE].cut) ||
	        (change == VST_ROWS_REMOVED && rows->tables[VST_ROWS_AFTER].cut)) {
		rows->result.unknown++;
		return 0;
	}
	rows->result.added += change == VST_ROWS_ADDED;
	rows->result.removed += change == VST_ROWS_REMOVED;
	rows->result.changed += change == VST_ROWS_CHANGED;
	if (!rows->differences)
		return 0;
	put_be(difference, after ? after->number : before->number);
	difference[8] = (uint8_t)change;
	if (before) {
		put_be(difference + DIFFERENCE_KEY, before->number);
		put_be(difference + DIFFERENCE_KEY + 8, before->at);
	}
	if (after) {
		put_be(difference + DIFFERENCE_KEY + 16, after->number);
		put_be(difference + DIFFERENCE_KEY + 24, after->at);
	}
	return vst_sorter_add(rows->differences, difference, err);
}

static int settle_alone(
        struct vst_rows *rows, size_t side, const struct row_place *place, struct vst_err *err)
{
	if (side == VST_ROWS_BEFORE)
		return settle(rows, VST_ROWS_REMOVED, place, NULL, err);
	return settle(rows, VST_ROWS_ADDED, NULL, place, err);
}

static int end_group(struct vst_rows *rows, struct vst_err *err)
{
	const struct row_place *kept = rows->kept;
	int rc = 0;
	if (rows->result.keyed && rows->left[VST_ROWS_BEFORE] == 1 && rows->left[VST_ROWS_AFTER] == 1) {
		rc = settle(rows, VST_ROWS_CHANGED, &kept[VST_ROWS_BEFORE], &kept[VST_ROWS_AFTER], err);
	} else {
		for (size_t side = 0; side < VST_ROWS_SIDES && rc == 0; side++) {
			if (rows->left[side] > 0)
				rc = settle_alone(rows, side, &kept[side], err);
		}
	}
	memset(rows->left, 0, sizeof rows->left);
	return rc;
}

/* A row that the other side does not have as it is. */
static int leave(struct vst_rows *rows, size_t side, const uint8_t *entry, struct vst_err *err)
{
	const struct row_place place = place_of(entry);
	int rc = 0;
	if (memcmp(rows->group, entry, VST_HASH_LEN) != 0) {
		if ((rc = end_group(rows, err)) != 0)
			return rc;
		memcpy(rows->group, entry, VST_HASH_LEN);
	}
	if (rows->left[side]++ == 0)
		rows->kept[side] = place;
	else
		rc = settle_alone(rows, side, &place, err);
	return rc;
}

static int merge(struct vst_rows *rows, struct vst_err *err)
{
	const uint8_t *entries[VST_ROWS_SIDES];
	int rc;
	if ((rc = vst_sorter_next(rows->sorted[0], &entries[0], err)) != 0 ||
	        (rc = vst_sorter_next(rows->sorted[1], &entries[1], err)) != 0)
		return rc;
	while (entries[0] || entries[1]) {
		int order = !entries[0] ? 1 : !entries[1] ? -1 : memcmp(entries[0], entries[1], AT_NUMBER);
		rows->result.same += order == 0;
		if (order != 0 && (rc = leave(rows, order > 0, entries[order > 0], err)) != 0)
			return rc;
		if (order <= 0 && (rc = vst_sorter_next(rows->sorted[0], &entries[0], err)) != 0)
			return rc;
		if (order >= 0 && (rc = vst_sorter_next(rows->sorted[1], &entries[1], err)) != 0)
			return rc;
	}
	return end_group(rows, err);
}

/* ---- telling ---- */

static bool needs_quotes(const struct vst_row_field *field)
{
	if (field->kind != VST_ROW_VALUE)
		return false;
	if (field->len == 0 || (field->shown >= 2 && memcmp(field->bytes, "\\x", 2) == 0))
		return true;
	for (size_t i = 0; i < field->shown; i++) {
		if (field->bytes[i] == ',' || field->bytes[i] == '"' || field->bytes[i] == '\n' ||
		        field->bytes[i] == '\r')
			return true;
	}
	return false;
}

static void put_value(struct vst_buf *out, const struct vst_row_field *field)
{
	bool quotes = needs_quotes(field);
	if (quotes)
		vst_buf_byte(out, '"');
	for (size_t i = 0; i < field->shown; i++) {
		if (field->bytes[i] == '"')
			vst_buf_byte(out, '"');
		vst_buf_byte(out, field->bytes[i]);
	}
	if (field->len > field->shown)
		vst_buf_text(out, "…");
	if (quotes)
		vst_buf_byte(out, '"');
}

static int put_key(struct vst_rows *rows, size_t side, struct vst_err *err)
{
	const struct vst_rows_table *table = &rows->tables[side];
	struct vst_buf *out = &rows->room;
	vst_buf_clear(out);
	for (size_t i = 0; i < rows->columns.key_count; i++) {
		if (i > 0)
			vst_buf_byte(out, ',');
		put_value(out, &table->fields[rows->columns.key[side][i]]);
	}
	if (out->len > VST_ROWS_KEY_TEXT_MAX) {
		out->len = VST_ROWS_KEY_TEXT_MAX - strlen("…");
		vst_buf_text(out, "…");
	}
	return vst_buf_check(out, err);
}

/* Both rows are read. */
static size_t find_changed(struct vst_rows *rows)
{
	const struct vst_rows_table *before = &rows->tables[VST_ROWS_BEFORE],
	                            *after = &rows->tables[VST_ROWS_AFTER];
	const struct vst_rows_columns *columns = &rows->columns;
	size_t count = 0;
	for (size_t i = 0; i < columns->shared_count; i++) {
		size_t place = columns->shared[VST_ROWS_AFTER][i];
		const struct vst_row_field *was = &before->fields[columns->shared[VST_ROWS_BEFORE][i]];
		const struct vst_row_field *is = &after->fields[place];
		if (was->encoded_len != is->encoded_len ||
		        memcmp(was->encoded, is->encoded, is->encoded_len) != 0)
			rows->changed[count++] = after->names[place];
	}
	return count;
}

static int tell(
        struct vst_rows *rows, const uint8_t *entry, vst_rows_each *each, void *ctx, struct vst_err *err)
{
	struct vst_rows_difference difference = {.change = (enum vst_rows_change)entry[8]};
	size_t side = difference.change == VST_ROWS_REMOVED ? VST_ROWS_BEFORE : VST_ROWS_AFTER;
	uint64_t next;
	int rc = 0;
	for (size_t i = 0; i < VST_ROWS_SIDES; i++) {
		const uint8_t *place = entry + DIFFERENCE_KEY + 16 * i;
		difference.row[i] = get_be(place);
		if (difference.row[i] && rows->result.keyed &&
		        (rc = vst_rows_table_read(&rows->tables[i], get_be(place + 8), &next, err)) != 0)
			return rc;
	}
	if (rows->result.keyed) {
		if ((rc = put_key(rows, side, err)) != 0)
			return rc;
		difference.key = rows->room.data;
		difference.key_len = rows->room.len;
	}
	if (difference.change == VST_ROWS_CHANGED) {
		difference.columns = rows->changed;
		difference.column_count = find_changed(rows);
	}
	return each(ctx, &difference, err);
}

static int tell_all(struct vst_rows *rows, vst_rows_each *each, void *ctx, struct vst_err *err)
{
	const uint8_t *entry;
	int rc = vst_sorter_sort(rows->differences, err);
	while (rc == 0 && (rc = vst_sorter_next(rows->differences, &entry, err)) == 0 && entry)
		rc = tell(rows, entry, each, ctx, err);
	return rc;
}

int vst_rows_compare(struct vst_rows *rows, vst_rows_each *each, void *ctx, struct vst_rows_result *ret,
        struct vst_err *err)
{
	struct vst_rows_result *result = &rows->result;
	struct vst_rows_columns *columns = &rows->columns;
	int rc = vst_rows_table_like(&rows->tables[VST_ROWS_BEFORE], &rows->tables[VST_ROWS_AFTER], err);
	if (rc == 0)
		rc = vst_rows_table_like(&rows->tables[VST_ROWS_AFTER], &rows->tables[VST_ROWS_BEFORE], err);
	if (rc == 0)
		rc = vst_rows_columns_match(columns, rows->tables, rows->key, rows->key_count, err);
	if (rc != 0)
		return rc;
	result->keyed = columns->key_count > 0;
	for (size_t side = 0; side < VST_ROWS_SIDES; side++)
		result->rows[side] = rows->tables[side].rows;
	result->columns_added = columns->added;
	result->columns_added_count = columns->added_count;
	result->columns_removed = columns->removed;
	result->columns_removed_count = columns->removed_count;
	rows->changed = vst_calloc(columns->shared_count, sizeof *rows->changed);
	if (!rows->changed)
		return vst_err_nomem(err);
	if (each && (rc = vst_sorter_new(rows->scratch_fd, DIFFERENCE_LEN, DIFFERENCE_KEY, DIFFERENCES,
	                     &rows->differences, err)) != 0)
		return rc;
	if ((rc = digest_rows(rows, VST_ROWS_BEFORE, err)) != 0 ||
	        (rc = digest_rows(rows, VST_ROWS_AFTER, err)) != 0 || (rc = merge(rows, err)) != 0 ||
	        (each && (rc = tell_all(rows, each, ctx, err)) != 0))
		return rc;
	*ret = *result;
	return 0;
}
