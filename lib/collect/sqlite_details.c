#include "collect/sqlite_details.h"

#include <string.h>

#include "collect/row_digest.h"
#include "vestige/json.h"

#define NAME_SHOWN 4096 /* bytes of a name */
#define LISTS_MAX                                                                                            \
	((size_t)VST_ITEM_DETAILS_MAX / 2) /* bytes of all names together; escapes make them longer */

static void put_text(struct vst_json *json, const char *text)
{
	vst_json_text(json, text ? text : "", text ? strnlen(text, NAME_SHOWN) : 0);
}

static bool fits(const struct vst_sqlite_details *what)
{
	size_t total = 0;
	int columns = sqlite3_column_count(what->stmt);
	for (int i = 0; i < columns && total < LISTS_MAX; i++) {
		const char *name = sqlite3_column_name(what->stmt, i);
		/* A byte may become six, and a name may stand among the key's, too. */
		total += name ? strnlen(name, NAME_SHOWN) * 12 + 8 : 8;
	}
	return total < LISTS_MAX;
}

static void put_columns(const struct vst_sqlite_details *what, struct vst_json *json)
{
	int columns = sqlite3_column_count(what->stmt);
	vst_json_key(json, "columns");
	vst_json_array(json);
	for (int i = 0; i < columns; i++)
		put_text(json, sqlite3_column_name(what->stmt, i));
	vst_json_end(json);
}

static void put_key(const struct vst_sqlite_table *table, struct vst_json *json)
{
	vst_json_key(json, "key");
	vst_json_array(json);
	for (int place = 1; (size_t)place <= table->key_count; place++)
		for (size_t i = 0; i < table->column_count; i++)
			if (table->columns[i].key == place)
				put_text(json, table->columns[i].name);
	vst_json_end(json);
}

static bool has_column(const struct vst_sqlite_details *what, const char *name)
{
	int columns = sqlite3_column_count(what->stmt);
	for (int i = 0; i < columns; i++) {
		const char *found = sqlite3_column_name(what->stmt, i);
		if (found && sqlite3_stricmp(found, name) == 0)
			return true;
	}
	return false;
}

/* What the policy says of columns, of those that are there; and which are not. */
static void put_policy(const struct vst_sqlite_details *what, struct vst_json *json)
{
	const struct vst_policy_source *source = what->source;
	bool has_subject = source->subject && has_column(what, source->subject);
	if (has_subject) {
		vst_json_key(json, "subject");
		put_text(json, source->subject);
	}
	if (source->column_count > 0) {
		vst_json_key(json, "categories");
		vst_json_object(json);
		for (size_t i = 0; i < source->column_count; i++) {
			if (!has_column(what, source->columns[i].column))
				continue;
			vst_json_key(json, source->columns[i].column);
			put_text(json, source->columns[i].category);
		}
		vst_json_end(json);
	}
	if (!source->subject && source->column_count == 0)
		return;
	vst_json_key(json, "missing");
	vst_json_array(json);
	if (source->subject && !has_subject)
		put_text(json, source->subject);
	for (size_t i = 0; i < source->column_count; i++)
		if (!has_column(what, source->columns[i].column))
			put_text(json, source->columns[i].column);
	vst_json_end(json);
}

static const char *order_of(const struct vst_sqlite_details *what)
{
	if (!what->table)
		return "query";
	if (what->table->key_count > 0)
		return "key";
	return what->source->content == VST_CONTENT_DIGEST ? "row bytes" : "rowid";
}

int vst_sqlite_details_write(const struct vst_sqlite_details *what, struct vst_buf *out, struct vst_err *err)
{
	vst_buf_clear(out);
	struct vst_json json = vst_json_begin(out);
	vst_json_object(&json);
	vst_json_key(&json, what->table ? "table" : "query");
	put_text(&json, what->table ? what->table->name : what->source->sqlite.query);
	vst_json_key(&json, "rows");
	vst_json_uint(&json, what->rows);
	if (fits(what)) {
		put_columns(what, &json);
		if (what->table)
			put_key(what->table, &json);
	} else {
		vst_json_key(&json, "columns_left_out");
		vst_json_bool(&json, true);
	}
	vst_json_key(&json, "order");
	vst_json_string(&json, order_of(what));
	put_policy(what, &json);
	if (what->digest) {
		vst_json_key(&json, "digest");
		vst_row_digest_write(what->digest, &json);
	}
	vst_json_end(&json);
	return vst_buf_check(out, err);
}
