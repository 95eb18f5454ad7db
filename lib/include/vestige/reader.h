/*
 * The bounded reader: the only way in which bytes from outside are taken apart.
 *
 * Each function either takes what it says and moves on, or returns false and leaves the position where it
 * was. No call can read beyond the end. A parser that is done checks vst_reader_at_end(): trailing data is an
 * error.
 */
#ifndef VESTIGE_READER_H
#define VESTIGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_reader {
	const uint8_t *data; /* borrowed */
	size_t len;
	size_t pos;
};

static inline struct vst_reader vst_reader_of(const void *data, size_t len)
{
	return (struct vst_reader){(const uint8_t *)data, len, 0};
}

static inline size_t vst_reader_left(const struct vst_reader *in)
{
	return in->len - in->pos;
}

static inline bool vst_reader_at_end(const struct vst_reader *in)
{
	return in->pos == in->len;
}

bool vst_reader_u8(struct vst_reader *in, uint8_t *ret);
bool vst_reader_u32be(struct vst_reader *in, uint32_t *ret);
bool vst_reader_u64be(struct vst_reader *in, uint64_t *ret);
bool vst_reader_u32le(struct vst_reader *in, uint32_t *ret);
bool vst_reader_u64le(struct vst_reader *in, uint64_t *ret);

/* `len` bytes, borrowed from the input. */
bool vst_reader_bytes(struct vst_reader *in, size_t len, const uint8_t **ret);

/* Steps over `text` if that is what comes next. */
bool vst_reader_literal(struct vst_reader *in, const char *text);

/* A line without its LF, borrowed. False if no LF follows: a last line without one is the caller's to judge.
 */
bool vst_reader_line(struct vst_reader *in, const uint8_t **ret, size_t *ret_len);

/* All up to (not including) the next `stop`, then steps over `stop`. False if there is none. */
bool vst_reader_until(struct vst_reader *in, uint8_t stop, const uint8_t **ret, size_t *ret_len);

/* SSH's string: u32 big-endian length and the bytes, at most `max` of them. */
bool vst_reader_ssh_string(struct vst_reader *in, size_t max, const uint8_t **ret, size_t *ret_len);

/* A decimal number without sign or leading zeros (except "0" itself), up to the first byte that is no digit.
 */
bool vst_reader_decimal(struct vst_reader *in, uint64_t *ret);

#endif
