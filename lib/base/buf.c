#include "vestige/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"

#define CAP_FIRST 64
#define CAP_MAX ((size_t)PTRDIFF_MAX)

void vst_buf_free(struct vst_buf *buf)
{
	free(buf->data);
	*buf = (struct vst_buf)VST_BUF_INIT;
}

void vst_buf_clear(struct vst_buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

void vst_buf_wipe(struct vst_buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap);
	vst_buf_free(buf);
}

/* Makes room for `more` bytes behind the present ones; false if that failed, now or earlier. */
static bool grow(struct vst_buf *buf, size_t more)
{
	if (buf->failed)
		return false;
	if (more <= buf->cap - buf->len)
		return true;
	if (more > CAP_MAX - buf->len) {
		buf->failed = true;
		return false;
	}
	size_t need = buf->len + more;
	size_t cap = buf->cap ? buf->cap : CAP_FIRST;
	while (cap < need)
		cap = cap > CAP_MAX / 2 ? CAP_MAX : cap * 2;
	uint8_t *data = vst_realloc(buf->data, cap, 1);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	return true;
}

void vst_buf_reserve(struct vst_buf *buf, size_t more)
{
	grow(buf, more);
}

void vst_buf_bytes(struct vst_buf *buf, const void *data, size_t len)
{
	if (len == 0 || !grow(buf, len))
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

void vst_buf_text(struct vst_buf *buf, const char *text)
{
	vst_buf_bytes(buf, text, strlen(text));
}

void vst_buf_byte(struct vst_buf *buf, uint8_t byte)
{
	if (grow(buf, 1))
		buf->data[buf->len++] = byte;
}

void vst_buf_u32be(struct vst_buf *buf, uint32_t value)
{
	uint8_t bytes[4];
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (24 - 8 * i));
	vst_buf_bytes(buf, bytes, sizeof bytes);
}

void vst_buf_u64be(struct vst_buf *buf, uint64_t value)
{
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	vst_buf_bytes(buf, bytes, sizeof bytes);
}

void vst_buf_u32le(struct vst_buf *buf, uint32_t value)
{
	uint8_t bytes[4];
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	vst_buf_bytes(buf, bytes, sizeof bytes);
}

void vst_buf_u64le(struct vst_buf *buf, uint64_t value)
{
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	vst_buf_bytes(buf, bytes, sizeof bytes);
}

__attribute__((format(printf, 2, 0))) static int print_behind(
        struct vst_buf *buf, const char *format, va_list args)
{
	return vsnprintf((char *)buf->data + buf->len, buf->cap - buf->len, format, args);
}

void vst_buf_printf(struct vst_buf *buf, const char *format, ...)
{
	if (!grow(buf, CAP_FIRST))
		return;
	va_list args;
	va_start(args, format);
	int n = print_behind(buf, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n >= buf->cap - buf->len) {
		if (!grow(buf, (size_t)n + 1)) /* vsnprintf wants room for its NUL */
			return;
		va_start(args, format);
		n = print_behind(buf, format, args);
		va_end(args);
	}
	if (n < 0)
		buf->failed = true;
	else
		buf->len += (size_t)n;
}

int vst_buf_check(const struct vst_buf *buf, struct vst_err *err)
{
	return buf->failed ? vst_err_nomem(err) : 0;
}

const char *vst_buf_cstr(struct vst_buf *buf)
{
	if (!grow(buf, 1))
		return "";
	buf->data[buf->len] = 0;
	return (const char *)buf->data;
}
