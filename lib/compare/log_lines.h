/*
 * Lines of a text that comes in pieces. Of each line its first VST_LOG_LINE_MAX bytes, without LF, whatever
 * the pieces were: the same text gives the same lines. A hole in the text ends a line.
 */
#ifndef COMPARE_LOG_LINES_H
#define COMPARE_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;

#define VST_LOG_LINE_MAX 512

/* Non-zero stops and is returned. `offset` is that of the line's first byte. */
typedef int vst_log_line(void *ctx, uint64_t offset, const char *line, size_t len, struct vst_err *err);

struct vst_log_lines { /* zero-initialise */
	char head[VST_LOG_LINE_MAX];
	size_t len;
	uint64_t start, next; /* offsets: of the open line, behind the last byte */
	bool is_open;
};

int vst_log_lines_feed(struct vst_log_lines *lines, uint64_t offset, const void *bytes, size_t len,
        vst_log_line *each, void *ctx, struct vst_err *err);
/* The last line, if no LF ended it. */
int vst_log_lines_end(struct vst_log_lines *lines, vst_log_line *each, void *ctx, struct vst_err *err);

/* Whether `word` stands in the line. */
bool vst_log_line_has(const char *line, size_t len, const char *word);

#endif
