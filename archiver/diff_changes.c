#include "diff_changes.h"

#include <stdio.h>
#include <string.h>

#include "vestige/hash.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

/* ---- as JSON ---- */

static void json_base64(struct vst_json *json, const char *key, const char *text)
{
	if (vst_utf8_valid(text, strlen(text)))
		return;
	vst_json_key(json, key);
	vst_json_base64(json, text, strlen(text));
}

static void json_text(struct vst_json *json, const char *key, const char *text)
{
	if (!text)
		return;
	vst_json_key(json, key);
	vst_json_text(json, text, strlen(text));
}

static void json_fields(struct vst_json *json, unsigned fields)
{
	vst_json_key(json, "fields");
	vst_json_array(json);
	for (unsigned bit = 0; bit < VST_FIELDS; bit++)
		if (fields >> bit & 1)
			vst_json_string(json, vst_change_field_name(bit));
	vst_json_end(json);
}

static void json_item(
        struct vst_json *json, const char *key, const struct vst_item *item, const struct vst_place *place)
{
	if (!item)
		return;
	const uint8_t *sha256 = item->has_whole     ? item->whole.sha256
	                        : item->has_content ? item->sha256
	                                            : NULL;
	vst_json_key(json, key);
	vst_json_object(json);
	vst_json_key(json, "exhibit");
	vst_json_uint(json, place->exhibit);
	vst_json_key(json, "seq");
	vst_json_uint(json, place->seq);
	vst_json_key(json, "path");
	vst_json_text(json, item->path, strlen(item->path));
	json_base64(json, "path_base64", item->path);
	vst_json_key(json, "item_type");
	vst_json_string(json, vst_item_type_name(item->type));
	vst_json_key(json, "status");
	vst_json_string(json, vst_item_status_name(item->status));
	if (item->has_whole || item->has_content) {
		vst_json_key(json, "size");
		vst_json_uint(json, item->has_whole ? item->whole.size : item->size);
		vst_json_key(json, "sha256");
		vst_json_hex(json, sha256, VST_HASH_LEN);
	}
	json_text(json, "target", item->target);
	if (item->has_stat) {
		char mode[8];
		snprintf(mode, sizeof mode, "%04o", item->mode);
		vst_json_key(json, "mode");
		vst_json_string(json, mode);
		vst_json_key(json, "uid");
		vst_json_uint(json, item->uid);
		vst_json_key(json, "gid");
		vst_json_uint(json, item->gid);
		json_text(json, "user", item->user);
		json_text(json, "group", item->group);
		vst_json_key(json, "mtime");
		vst_json_time(json, item->mtime);
		vst_json_key(json, "ctime");
		vst_json_time(json, item->ctime);
	}
	vst_json_end(json);
}

static void json_change(const struct vst_change *change)
{
	const struct vst_item *item = change->after ? change->after : change->before;
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "change");
	vst_json_key(&json, "change");
	vst_json_string(&json, vst_change_kind_name(change->kind));
	vst_json_key(&json, "source");
	vst_json_string(&json, item->source);
	vst_json_key(&json, "path");
	vst_json_text(&json, item->path, strlen(item->path));
	json_base64(&json, "path_base64", item->path);
	if (change->before && change->after)
		json_fields(&json, change->fields);
	if (change->unknown) {
		vst_json_key(&json, "content_unknown");
		vst_json_string(&json, change->unknown);
	}
	json_item(&json, "before", change->before, &change->before_place);
	json_item(&json, "after", change->after, &change->after_place);
	cli_json_end(&json);
}

/* ---- for people ---- */

static void put_owner(struct vst_buf *out, const char *name, uint64_t id)
{
	if (name)
		vst_buf_printf(out, "%s(%llu)", cli_show_text(name), (unsigned long long)id);
	else
		vst_buf_printf(out, "%llu", (unsigned long long)id);
}

static uint64_t size_of(const struct vst_item *item)
{
	return item->has_whole ? item->whole.size : item->size;
}

static void put_time(struct vst_buf *out, int64_t time)
{
	char text[VST_TIME_TEXT];
	if (time == VST_TIME_NONE)
		strcpy(text, "?");
	else
		vst_time_format(time, text);
	vst_buf_text(out, text);
}

static void put_value(struct vst_buf *out, enum vst_change_field field, const struct vst_item *item)
{
	switch (field) {
	case VST_FIELD_SIZE:
		vst_buf_printf(out, "%llu", (unsigned long long)size_of(item));
		break;
	case VST_FIELD_TYPE:
		vst_buf_text(out, vst_item_type_name(item->type));
		break;
	case VST_FIELD_STATUS:
		vst_buf_text(out, vst_item_status_name(item->status));
		break;
	case VST_FIELD_MODE:
		vst_buf_printf(out, "%04o", item->mode);
		break;
	case VST_FIELD_OWNER:
		put_owner(out, item->user, item->uid);
		break;
	case VST_FIELD_GROUP:
		put_owner(out, item->group, item->gid);
		break;
	case VST_FIELD_TARGET:
		vst_buf_text(out, cli_show_text(item->target));
		break;
	case VST_FIELD_FLAGS:
		vst_buf_text(out, item->flags ? cli_show_text(item->flags) : "none");
		break;
	case VST_FIELD_MTIME:
		put_time(out, item->mtime);
		break;
	default:
		break;
	}
}

/* A table of which no rows were sealed has a number of rows where others have a size: it is told below. */
static bool has_values(const struct vst_change *change, unsigned field)
{
	const unsigned valued = VST_FIELD_SIZE | VST_FIELD_TYPE | VST_FIELD_STATUS | VST_FIELD_MODE |
	                        VST_FIELD_OWNER | VST_FIELD_GROUP | VST_FIELD_TARGET | VST_FIELD_FLAGS |
	                        VST_FIELD_MTIME;
	return field & valued &&
	       (field != VST_FIELD_SIZE || size_of(change->before) != size_of(change->after));
}

static void put_fields(struct vst_buf *out, const struct vst_change *change)
{
	const char *between = "  ";
	for (unsigned bit = 0; bit < VST_FIELDS; bit++) {
		enum vst_change_field field = (enum vst_change_field)(1u << bit);
		if (!(change->fields & field))
			continue;
		vst_buf_printf(out, "%s%s", between, vst_change_field_name(bit));
		between = ", ";
		if (!has_values(change, field))
			continue;
		vst_buf_byte(out, ' ');
		put_value(out, field, change->before);
		vst_buf_text(out, "→");
		put_value(out, field, change->after);
	}
	if (change->unknown)
		vst_buf_printf(out, "%scontent unknown: %s", between, change->unknown);
}

static void text_change(const struct cli *cli, const struct vst_change *change)
{
	static const enum cli_style styles[VST_CHANGE_KINDS] = {[VST_CHANGE_ADDED] = CLI_GREEN,
	        [VST_CHANGE_REMOVED] = CLI_RED,
	        [VST_CHANGE_UNKNOWN] = CLI_YELLOW};
	const struct vst_item *item = change->after ? change->after : change->before;
	struct vst_buf line = VST_BUF_INIT;
	if (change->kind == VST_CHANGE_MOVED)
		vst_buf_printf(&line, "%s:%s → ", cli_show_text(change->before->source),
		        cli_show_text(change->before->path));
	vst_buf_printf(&line, "%s:%s", cli_show_text(item->source), cli_show_text(item->path));
	put_fields(&line, change);
	cli_print("%s%-8s%s %s\n", cli_style(cli, styles[change->kind]), vst_change_kind_name(change->kind),
	        cli_style(cli, CLI_PLAIN), vst_buf_cstr(&line));
	vst_buf_free(&line);
}

void diff_change_print(const struct cli *cli, const struct vst_change *change)
{
	if (cli->json)
		json_change(change);
	else
		text_change(cli, change);
}
