#include "collect/stream.h"

#include <errno.h>
#include <string.h>

#include "collect/limits.h"
#include "vestige/err.h"
#include "vestige/timefmt.h"

#define BLOCK ((size_t)64 * 1024) /* bytes gathered before the sink gets them */

struct vst_stream vst_stream_of(
        struct vst_collect_context *context, const char *source, const struct vst_sink *sink)
{
	struct vst_stream out = {.context = context, .source = source, .sink = sink};
	vst_item_init(&out.item);
	return out;
}

void vst_stream_free(struct vst_stream *out)
{
	vst_buf_free(&out->path);
	vst_buf_free(&out->block);
}

static int set_path(struct vst_stream *out, const char *path, struct vst_err *err)
{
	vst_buf_clear(&out->path);
	vst_buf_text(&out->path, path);
	out->item.path = vst_buf_cstr(&out->path);
	out->item.source = out->source;
	if (out->context->progress)
		out->context->progress(out->context->progress_ctx, out->item.path);
	return vst_buf_check(&out->path, err);
}

static void set_details(struct vst_item *item, const struct vst_buf *details)
{
	item->details = details ? (const char *)details->data : NULL;
	item->details_len = details ? details->len : 0;
}

int vst_stream_open(struct vst_stream *out, const char *path, struct vst_err *err)
{
	vst_item_init(&out->item);
	int rc = set_path(out, path, err);
	if (rc == 0)
		rc = vst_limits_check_cancel(out->context, err);
	if (rc != 0)
		return rc;
	out->item.type = VST_ITEM_STREAM;
	out->item.has_content = true;
	out->item.has_read = true;
	out->item.read_start = vst_time_now();
	out->cut = vst_limits_full(out->context);
	out->room = vst_limits_room(out->context, &out->room_rule);
	vst_buf_clear(&out->block);
	rc = out->sink->begin(out->sink->ctx, &out->item, err);
	out->is_open = rc == 0;
	return rc;
}

static int flush(struct vst_stream *out, struct vst_err *err)
{
	int rc = vst_buf_check(&out->block, err);
	if (rc == 0 && out->block.len > 0)
		rc = out->sink->data(out->sink->ctx, out->block.data, out->block.len, err);
	vst_buf_clear(&out->block);
	return rc != 0 ? rc : vst_limits_check_cancel(out->context, err);
}

int vst_stream_write(struct vst_stream *out, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *at = data;
	if (!out->cut && vst_limits_expired(out->context))
		out->cut = VST_RULE_SOURCE_TIME;
	if (out->cut || !out->context->content)
		return 0;
	if (len > out->room) {
		len = (size_t)out->room;
		out->cut = out->room_rule;
	}
	out->room -= len;
	out->item.read_got += len;
	vst_limits_count(out->context, len);
	while (len > 0) {
		size_t n = BLOCK - out->block.len < len ? BLOCK - out->block.len : len;
		vst_buf_bytes(&out->block, at, n);
		at += n;
		len -= n;
		int rc = out->block.len == BLOCK || out->block.failed ? flush(out, err) : 0;
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int end(struct vst_stream *out, const struct vst_buf *details, struct vst_err *err)
{
	int rc = flush(out, err);
	if (rc == 0 && details)
		rc = vst_buf_check(details, err);
	if (rc != 0)
		return rc;
	out->item.size = out->item.read_expected = out->item.read_got;
	out->item.read_end = vst_time_now();
	set_details(&out->item, details);
	out->is_open = false;
	return out->sink->end(out->sink->ctx, &out->item, NULL, err);
}

int vst_stream_close(struct vst_stream *out, const struct vst_buf *details, struct vst_err *err)
{
	out->item.status = out->cut ? VST_ITEM_TRUNCATED : VST_ITEM_COLLECTED;
	out->item.rule = out->cut;
	return end(out, details, err);
}

enum vst_item_status vst_stream_status_of(int error)
{
	return error == EACCES || error == EPERM ? VST_ITEM_DENIED : VST_ITEM_ERROR;
}

int vst_stream_fail(struct vst_stream *out, int error, const char *what, const struct vst_buf *details,
        struct vst_err *err)
{
	out->item.status = vst_stream_status_of(error);
	out->item.error = error;
	out->item.rule = what;
	return end(out, details, err);
}

int vst_stream_note(struct vst_stream *out, const struct vst_note *note, struct vst_err *err)
{
	vst_item_init(&out->item);
	int rc = set_path(out, note->path, err);
	if (rc == 0 && note->details)
		rc = vst_buf_check(note->details, err);
	if (rc != 0)
		return rc;
	if (out->sink->has(out->sink->ctx, out->item.path))
		return 0;
	out->item.type = note->type;
	out->item.status = note->status;
	out->item.content = note->content;
	out->item.rule = note->rule;
	out->item.error = note->error;
	set_details(&out->item, note->details);
	return out->sink->item(out->sink->ctx, &out->item, NULL, NULL, NULL, err);
}

void vst_stream_component(struct vst_buf *path, const char *text, size_t len)
{
	bool dots = (len == 1 && text[0] == '.') || (len == 2 && text[0] == '.' && text[1] == '.');
	if (len == 0)
		vst_buf_byte(path, '%');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '/' || text[i] == '%' || text[i] == '\0' || dots)
			vst_buf_printf(path, "%%%02X", (unsigned char)text[i]);
		else
			vst_buf_byte(path, (uint8_t)text[i]);
	}
}
