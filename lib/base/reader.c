#include "vestige/reader.h"

#include <string.h>

bool vst_reader_bytes(struct vst_reader *in, size_t len, const uint8_t **ret)
{
	if (len > vst_reader_left(in))
		return false;
	*ret = in->data + in->pos;
	in->pos += len;
	return true;
}

bool vst_reader_u8(struct vst_reader *in, uint8_t *ret)
{
	const uint8_t *p;
	if (!vst_reader_bytes(in, 1, &p))
		return false;
	*ret = *p;
	return true;
}

static bool big_endian(struct vst_reader *in, size_t len, uint64_t *ret)
{
	const uint8_t *p;
	if (!vst_reader_bytes(in, len, &p))
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | p[i];
	*ret = value;
	return true;
}

static bool little_endian(struct vst_reader *in, size_t len, uint64_t *ret)
{
	const uint8_t *p;
	if (!vst_reader_bytes(in, len, &p))
		return false;
	uint64_t value = 0;
	for (size_t i = len; i > 0; i--)
		value = value << 8 | p[i - 1];
	*ret = value;
	return true;
}

bool vst_reader_u32be(struct vst_reader *in, uint32_t *ret)
{
	uint64_t value;
	if (!big_endian(in, 4, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool vst_reader_u64be(struct vst_reader *in, uint64_t *ret)
{
	return big_endian(in, 8, ret);
}

bool vst_reader_u32le(struct vst_reader *in, uint32_t *ret)
{
	uint64_t value;
	if (!little_endian(in, 4, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool vst_reader_u64le(struct vst_reader *in, uint64_t *ret)
{
	return little_endian(in, 8, ret);
}

bool vst_reader_literal(struct vst_reader *in, const char *text)
{
	size_t len = strlen(text);
	if (len > vst_reader_left(in) || (len && memcmp(in->data + in->pos, text, len) != 0))
		return false;
	in->pos += len;
	return true;
}

bool vst_reader_until(struct vst_reader *in, uint8_t stop, const uint8_t **ret, size_t *ret_len)
{
	size_t left = vst_reader_left(in);
	const uint8_t *start = in->data + in->pos;
	const uint8_t *end = left ? memchr(start, stop, left) : NULL;
	if (!end)
		return false;
	*ret = start;
	*ret_len = (size_t)(end - start);
	in->pos += *ret_len + 1;
	return true;
}

bool vst_reader_line(struct vst_reader *in, const uint8_t **ret, size_t *ret_len)
{
	return vst_reader_until(in, '\n', ret, ret_len);
}

bool vst_reader_ssh_string(struct vst_reader *in, size_t max, const uint8_t **ret, size_t *ret_len)
{
	struct vst_reader at = *in;
	uint32_t len;
	if (!vst_reader_u32be(&at, &len) || len > max || !vst_reader_bytes(&at, len, ret))
		return false;
	*ret_len = len;
	*in = at;
	return true;
}

bool vst_reader_decimal(struct vst_reader *in, uint64_t *ret)
{
	size_t pos = in->pos;
	uint64_t value = 0;
	for (; pos < in->len && in->data[pos] >= '0' && in->data[pos] <= '9'; pos++) {
		if (pos > in->pos && value == 0) /* a zero stood first */
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		        __builtin_add_overflow(value, in->data[pos] - '0', &value))
			return false;
	}
	if (pos == in->pos)
		return false;
	in->pos = pos;
	*ret = value;
	return true;
}
