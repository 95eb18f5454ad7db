/*
 * What the parts of the live collector that ask the kernel have in common beside live.h: small files of /proc
 * and /sys, and lines that say what could not be had. Members of lines: live_put.h.
 */
#ifndef COLLECT_LIVE_FIELD_H
#define COLLECT_LIVE_FIELD_H

#include "collect/live.h"
#include "collect/live_put.h"
#include "vestige/reader.h"

/* vst_live_put_text() of bytes and of a string. */
void vst_live_text(struct vst_json *json, const char *key, const void *text, size_t len);
void vst_live_string(struct vst_json *json, const char *key, const char *text);

/* A line {"format":1,…,"error":"EACCES","what":…} in the open item. `netns` 0: not of one. */
int vst_live_trouble(struct vst_live *live, uint64_t netns, int error, const char *what, struct vst_err *err);

/*
 * Ends the item as collected; or, if nothing of it could be had, as denied or error: `error` and `what` then
 * say why (what was written stays).
 */
int vst_live_close(struct vst_live *live, int error, const char *what, struct vst_err *err);

/* Opens `path` for reading without waiting; -1 with errno. */
int vst_live_open(int dirfd, const char *path);

/*
 * Reads up to `max` bytes of a file of /proc or /sys into `out` (cleared first). `*ret_error` is the errno,
 * or 0; EFBIG when there was more: what was read is there. Returns non-zero for want of memory only.
 */
int vst_live_read(
        int dirfd, const char *path, size_t max, struct vst_buf *out, int *ret_error, struct vst_err *err);

/* The same for a file that anybody may have put there: links stay inside the root, and nothing but a regular
 * file is opened. */
int vst_live_read_file(
        int root_fd, const char *path, size_t max, struct vst_buf *out, int *ret_error, struct vst_err *err);

/* The length without white space at the end. */
size_t vst_live_trim(const struct vst_buf *text);

/*
 * Each line of a file, without its LF. A line longer than VST_LIVE_LINE_MAX is cut there, once. `*ret_error`
 * as above. Returns what `each` returned, if it was not 0.
 */
#define VST_LIVE_LINE_MAX (64 * 1024)
#define VST_LIVE_LINES_MAX (512 * 1024 * 1024) /* bytes of a file that is read in lines */
typedef int vst_live_each_line(void *ctx, const char *line, size_t len, struct vst_err *err);
int vst_live_lines(int dirfd, const char *path, vst_live_each_line *each, void *ctx, int *ret_error,
        struct vst_err *err);

/* The next word of a line (blanks and tabs part them). False if there is none. */
bool vst_live_word(struct vst_reader *in, const char **ret, size_t *ret_len);
/* A number in digits of the base up to 16, with nothing behind it; false if it is none or too large. */
bool vst_live_number(const char *text, size_t len, unsigned base, uint64_t *ret);

#endif
