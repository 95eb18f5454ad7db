/*
 * Lines out of content that comes in pieces. A line ends at its LF, or where the content ends; it is given up
 * to its first NUL, as programs in C read it. A hole of a sparse file is a NUL. Of a line longer than `max`
 * only the first bytes are given.
 */
#ifndef COMPARE_LINE_FEED_H
#define COMPARE_LINE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/buf.h"

struct vst_err;

/* Whoever takes lines. `whole`: nothing was cut. Non-zero stops and is returned. */
typedef int vst_line_take(void *ctx, const char *line, size_t len, bool whole, struct vst_err *err);

struct vst_line_feed {
	vst_line_take *take;
	void *ctx;
	size_t max;
	struct vst_buf line; /* wiped on free: it may have held a password's hash */
	bool cut;
	uint64_t offset;
};

int vst_line_feed_init(
        struct vst_line_feed *feed, size_t max, vst_line_take *take, void *ctx, struct vst_err *err);
int vst_line_feed_data(
        struct vst_line_feed *feed, uint64_t offset, const void *bytes, size_t len, struct vst_err *err);
int vst_line_feed_end(struct vst_line_feed *feed, struct vst_err *err);
void vst_line_feed_free(struct vst_line_feed *feed);

#endif
