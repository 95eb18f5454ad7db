#include "collect/live_field.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/beneath.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"

void vst_live_text(struct vst_json *json, const char *key, const void *text, size_t len)
{
	vst_live_put_text(json, key, (struct vst_text){text, len});
}

void vst_live_string(struct vst_json *json, const char *key, const char *text)
{
	vst_json_key(json, key);
	vst_json_string(json, text);
}

int vst_live_trouble(struct vst_live *live, uint64_t netns, int error, const char *what, struct vst_err *err)
{
	struct vst_json json = vst_live_begin(live);
	if (netns != 0)
		vst_live_put_uint(&json, "netns", netns);
	vst_live_put_errno(&json, "error", error);
	vst_live_text(&json, "what", what, strlen(what));
	vst_live_string(&json, "reason", strerror(error));
	return vst_live_end(live, &json, err);
}

int vst_live_close(struct vst_live *live, int error, const char *what, struct vst_err *err)
{
	if (error != 0 && !live->out.cut)
		return vst_stream_fail(&live->out, error, what, NULL, err);
	return vst_stream_close(&live->out, NULL, err);
}

int vst_live_open(int dirfd, const char *path)
{
	return openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static ssize_t read_some(int fd, void *data, size_t len)
{
	ssize_t got;
	do
		got = read(fd, data, len);
	while (got < 0 && errno == EINTR);
	return got;
}

int vst_live_read(
        int dirfd, const char *path, size_t max, struct vst_buf *out, int *ret_error, struct vst_err *err)
{
	char block[4096];
	int fd = vst_live_open(dirfd, path);
	vst_buf_clear(out);
	*ret_error = fd < 0 ? errno : 0;
	while (fd >= 0) {
		ssize_t got = read_some(fd, block, sizeof block);
		if (got < 0)
			*ret_error = errno;
		if (got <= 0)
			break;
		size_t room = max - out->len;
		vst_buf_bytes(out, block, (size_t)got < room ? (size_t)got : room);
		if ((size_t)got > room) {
			*ret_error = EFBIG;
			break;
		}
		if (out->failed)
			break;
	}
	if (fd >= 0)
		close(fd);
	return vst_buf_check(out, err);
}

int vst_live_read_file(
        int root_fd, const char *path, size_t max, struct vst_buf *out, int *ret_error, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	vst_buf_clear(out);
	int rc = vst_beneath_read(root_fd, path, max, out, &why);
	*ret_error = rc == 0               ? 0
	             : rc == VST_ENOTFOUND ? ENOENT
	             : rc == VST_ELIMIT    ? EFBIG
	             : why.sys             ? why.sys
	                                   : EINVAL;
	return rc == VST_ENOMEM ? vst_err_nomem(err) : 0;
}

size_t vst_live_trim(const struct vst_buf *text)
{
	size_t len = text->len;
	while (len > 0 && strchr(" \t\n", text->data[len - 1]) && text->data[len - 1] != 0)
		len--;
	return len;
}

/* Gives all whole lines of the block, or its beginning if it is full of one, and moves the rest to the front.
 */
static int give_lines(
        char *block, size_t *len, bool *in_long, vst_live_each_line *each, void *ctx, struct vst_err *err)
{
	size_t at = 0;
	int rc = 0;
	while (rc == 0 && at < *len) {
		const char *lf = memchr(block + at, '\n', *len - at);
		size_t n = lf ? (size_t)(lf - block) - at : *len - at;
		if (!lf && (at > 0 || n < VST_LIVE_LINE_MAX))
			break;
		if (!*in_long)
			rc = each(ctx, block + at, n, err);
		*in_long = !lf;
		at += n + (lf != NULL);
	}
	memmove(block, block + at, *len - at);
	*len -= at;
	return rc;
}

int vst_live_lines(
        int dirfd, const char *path, vst_live_each_line *each, void *ctx, int *ret_error, struct vst_err *err)
{
	int fd = vst_live_open(dirfd, path), rc = 0;
	size_t len = 0, total = 0;
	bool in_long = false;
	*ret_error = fd < 0 ? errno : 0;
	if (fd < 0)
		return 0;
	char *block = vst_alloc(VST_LIVE_LINE_MAX);
	if (!block) {
		close(fd);
		return vst_err_nomem(err);
	}
	while (rc == 0) {
		ssize_t got = read_some(fd, block + len, VST_LIVE_LINE_MAX - len);
		if (got < 0)
			*ret_error = errno;
		if (got <= 0)
			break;
		len += (size_t)got;
		total += (size_t)got;
		rc = give_lines(block, &len, &in_long, each, ctx, err);
		if (total > VST_LIVE_LINES_MAX) {
			*ret_error = EFBIG;
			break;
		}
	}
	if (rc == 0 && len > 0 && !in_long)
		rc = each(ctx, block, len, err);
	free(block);
	close(fd);
	return rc;
}

bool vst_live_word(struct vst_reader *in, const char **ret, size_t *ret_len)
{
	size_t at = in->pos;
	while (at < in->len && (in->data[at] == ' ' || in->data[at] == '\t'))
		at++;
	size_t start = at;
	while (at < in->len && in->data[at] != ' ' && in->data[at] != '\t')
		at++;
	if (at == start)
		return false;
	*ret = (const char *)in->data + start;
	*ret_len = at - start;
	in->pos = at;
	return true;
}

bool vst_live_number(const char *text, size_t len, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = 16;
		if (text[i] >= '0' && text[i] <= '9')
			digit = (unsigned)(text[i] - '0');
		else if (text[i] >= 'a' && text[i] <= 'f')
			digit = (unsigned)(text[i] - 'a') + 10;
		else if (text[i] >= 'A' && text[i] <= 'F')
			digit = (unsigned)(text[i] - 'A') + 10;
		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return true;
}
