#include "compare/log_lines.h"

#include <string.h>

static void keep(struct vst_log_lines *lines, const char *text, size_t len)
{
	size_t room = sizeof lines->head - lines->len;
	size_t more = len < room ? len : room;
	memcpy(lines->head + lines->len, text, more);
	lines->len += more;
}

int vst_log_lines_end(struct vst_log_lines *lines, vst_log_line *each, void *ctx, struct vst_err *err)
{
	size_t len = lines->len;
	bool was_open = lines->is_open;
	lines->len = 0;
	lines->is_open = false;
	return was_open ? each(ctx, lines->start, lines->head, len, err) : 0;
}

int vst_log_lines_feed(struct vst_log_lines *lines, uint64_t offset, const void *bytes, size_t len,
        vst_log_line *each, void *ctx, struct vst_err *err)
{
	const char *at = bytes, *end = at + len;
	int rc = lines->is_open && offset != lines->next ? vst_log_lines_end(lines, each, ctx, err) : 0;
	while (rc == 0 && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t piece = (size_t)((stop ? stop : end) - at);
		if (stop && !lines->is_open) { /* all of it is here: no copy */
			rc = each(ctx, offset, at, piece < VST_LOG_LINE_MAX ? piece : VST_LOG_LINE_MAX, err);
		} else {
			if (!lines->is_open)
				lines->start = offset;
			lines->is_open = true;
			keep(lines, at, piece);
			if (stop)
				rc = vst_log_lines_end(lines, each, ctx, err);
		}
		piece += stop ? 1 : 0;
		at += piece;
		offset += piece;
	}
	lines->next = offset;
	return rc;
}

bool vst_log_line_has(const char *line, size_t len, const char *word)
{
	return memmem(line, len, word, strlen(word)) != NULL;
}
