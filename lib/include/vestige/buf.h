/*
 * A growing byte buffer whose failures stick: after an append found no memory, later appends do nothing, and
 * one check at the end tells. So building a record reads as a list of its fields.
 *
 *     struct vst_buf line = VST_BUF_INIT;
 *     vst_buf_text(&line, "exhibit ");
 *     vst_buf_printf(&line, "EX%04u", number);
 *     if ((rc = vst_buf_check(&line, err)) != 0) goto out;
 *     …
 *     vst_buf_free(&line);
 */
#ifndef VESTIGE_BUF_H
#define VESTIGE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;

struct vst_buf {
	uint8_t *data; /* NULL while empty; not NUL-terminated unless vst_buf_cstr() was the last call */
	size_t len;
	size_t cap;
	bool failed;
};

/* clang-format off */
#define VST_BUF_INIT {0}
/* clang-format on */

void vst_buf_free(struct vst_buf *buf);  /* releases the memory; the buffer is empty and usable again */
void vst_buf_clear(struct vst_buf *buf); /* length 0, failure forgotten, memory kept */
/* Overwrites its memory, then frees. Does not reach what it left behind when it grew: reserve enough before a
 * secret goes in. */
void vst_buf_wipe(struct vst_buf *buf);

void vst_buf_reserve(struct vst_buf *buf, size_t more);
void vst_buf_bytes(struct vst_buf *buf, const void *data, size_t len);
void vst_buf_text(struct vst_buf *buf, const char *text);
void vst_buf_byte(struct vst_buf *buf, uint8_t byte);
void vst_buf_u32be(struct vst_buf *buf, uint32_t value);
void vst_buf_u64be(struct vst_buf *buf, uint64_t value);
void vst_buf_u32le(struct vst_buf *buf, uint32_t value);
void vst_buf_u64le(struct vst_buf *buf, uint64_t value);
void vst_buf_printf(struct vst_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0, or VST_ENOMEM if any append since the last clear failed. */
int vst_buf_check(const struct vst_buf *buf, struct vst_err *err);

/* Puts a NUL behind the bytes (not counted) and returns them as text; "" after a failure. Borrowed. */
const char *vst_buf_cstr(struct vst_buf *buf);

#endif
