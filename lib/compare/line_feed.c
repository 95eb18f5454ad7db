#include "compare/line_feed.h"

#include <string.h>

int vst_line_feed_init(
        struct vst_line_feed *feed, size_t max, vst_line_take *take, void *ctx, struct vst_err *err)
{
	*feed = (struct vst_line_feed){.take = take, .ctx = ctx, .max = max};
	/* At once and never again: growing would leave copies behind that are not wiped. */
	vst_buf_reserve(&feed->line, max + 1);
	return vst_buf_check(&feed->line, err);
}

static void keep(struct vst_line_feed *feed, const void *bytes, size_t len)
{
	size_t room = feed->max - feed->line.len;
	if (len > room) {
		feed->cut = true;
		len = room;
	}
	if (len > 0)
		vst_buf_bytes(&feed->line, bytes, len);
}

static int give(struct vst_line_feed *feed, struct vst_err *err)
{
	const char *line = feed->line.len ? (const char *)feed->line.data : "";
	int rc = feed->take(feed->ctx, line, strnlen(line, feed->line.len), !feed->cut, err);
	vst_buf_clear(&feed->line);
	feed->cut = false;
	return rc;
}

int vst_line_feed_data(
        struct vst_line_feed *feed, uint64_t offset, const void *bytes, size_t len, struct vst_err *err)
{
	const char *at = bytes, *end = at + len;
	if (offset > feed->offset)
		keep(feed, "", 1);
	feed->offset = offset + len;
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		keep(feed, at, (size_t)((lf ? lf : end) - at));
		if (!lf)
			break;
		int rc = give(feed, err);
		if (rc != 0)
			return rc;
		at = lf + 1;
	}
	return 0;
}

int vst_line_feed_end(struct vst_line_feed *feed, struct vst_err *err)
{
	return feed->line.len > 0 || feed->cut ? give(feed, err) : 0;
}

void vst_line_feed_free(struct vst_line_feed *feed)
{
	vst_buf_wipe(&feed->line);
}
