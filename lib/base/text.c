#include "vestige/text.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "vestige/buf.h"

/* ---- hexadecimal ---- */

static const char hex_digits[] = "0123456789abcdef";

static void hex_write(const uint8_t *data, size_t len, char *ret_text)
{
	for (size_t i = 0; i < len; i++) {
		ret_text[2 * i] = hex_digits[data[i] >> 4];
		ret_text[2 * i + 1] = hex_digits[data[i] & 15];
	}
}

void vst_hex(const void *data, size_t len, char *ret_text)
{
	hex_write(data, len, ret_text);
	ret_text[2 * len] = '\0';
}

void vst_hex_append(struct vst_buf *out, const void *data, size_t len)
{
	if (len > SIZE_MAX / 2) {
		out->failed = true;
		return;
	}
	vst_buf_reserve(out, 2 * len);
	if (out->failed || len == 0)
		return;
	hex_write(data, len, (char *)out->data + out->len);
	out->len += 2 * len;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool vst_hex_decode(const char *text, size_t text_len, uint8_t *ret, size_t len)
{
	if (text_len % 2 != 0 || text_len / 2 != len)
		return false;
	/* Looked at first, so that a failure leaves `ret` as it was. */
	for (size_t i = 0; i < text_len; i++)
		if (hex_value(text[i]) < 0)
			return false;
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
	return true;
}

/* ---- base64 ---- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A digit's value plus one; 0 for what is no digit. */
#define B64_ROW(c, v) [c] = (v) + 1
static const uint8_t base64_values[256] = {
        B64_ROW('A', 0),
        B64_ROW('B', 1),
        B64_ROW('C', 2),
        B64_ROW('D', 3),
        B64_ROW('E', 4),
        B64_ROW('F', 5),
        B64_ROW('G', 6),
        B64_ROW('H', 7),
        B64_ROW('I', 8),
        B64_ROW('J', 9),
        B64_ROW('K', 10),
        B64_ROW('L', 11),
        B64_ROW('M', 12),
        B64_ROW('N', 13),
        B64_ROW('O', 14),
        B64_ROW('P', 15),
        B64_ROW('Q', 16),
        B64_ROW('R', 17),
        B64_ROW('S', 18),
        B64_ROW('T', 19),
        B64_ROW('U', 20),
        B64_ROW('V', 21),
        B64_ROW('W', 22),
        B64_ROW('X', 23),
        B64_ROW('Y', 24),
        B64_ROW('Z', 25),
        B64_ROW('a', 26),
        B64_ROW('b', 27),
        B64_ROW('c', 28),
        B64_ROW('d', 29),
        B64_ROW('e', 30),
        B64_ROW('f', 31),
        B64_ROW('g', 32),
        B64_ROW('h', 33),
        B64_ROW('i', 34),
        B64_ROW('j', 35),
        B64_ROW('k', 36),
        B64_ROW('l', 37),
        B64_ROW('m', 38),
        B64_ROW('n', 39),
        B64_ROW('o', 40),
        B64_ROW('p', 41),
        B64_ROW('q', 42),
        B64_ROW('r', 43),
        B64_ROW('s', 44),
        B64_ROW('t', 45),
        B64_ROW('u', 46),
        B64_ROW('v', 47),
        B64_ROW('w', 48),
        B64_ROW('x', 49),
        B64_ROW('y', 50),
        B64_ROW('z', 51),
        B64_ROW('0', 52),
        B64_ROW('1', 53),
        B64_ROW('2', 54),
        B64_ROW('3', 55),
        B64_ROW('4', 56),
        B64_ROW('5', 57),
        B64_ROW('6', 58),
        B64_ROW('7', 59),
        B64_ROW('8', 60),
        B64_ROW('9', 61),
        B64_ROW('+', 62),
        B64_ROW('/', 63),
};

void vst_base64_append(struct vst_buf *out, const void *data, size_t len, enum vst_base64 form)
{
	if (len > SIZE_MAX / 2) {
		out->failed = true;
		return;
	}
	vst_buf_reserve(out, len / 3 * 4 + 4);
	if (out->failed || len == 0)
		return;

	const uint8_t *in = data;
	uint8_t *to = out->data + out->len;
	for (; len >= 3; len -= 3, in += 3, to += 4) {
		to[0] = (uint8_t)base64_digits[in[0] >> 2];
		to[1] = (uint8_t)base64_digits[(in[0] & 3) << 4 | in[1] >> 4];
		to[2] = (uint8_t)base64_digits[(in[1] & 15) << 2 | in[2] >> 6];
		to[3] = (uint8_t)base64_digits[in[2] & 63];
	}
	if (len > 0) {
		uint8_t second = len == 2 ? in[1] : 0;
		*to++ = (uint8_t)base64_digits[in[0] >> 2];
		*to++ = (uint8_t)base64_digits[(in[0] & 3) << 4 | second >> 4];
		if (len == 2)
			*to++ = (uint8_t)base64_digits[(second & 15) << 2];
		for (size_t i = len; i < 3 && form == VST_BASE64_PADDED; i++)
			*to++ = '=';
	}
	out->len = (size_t)(to - out->data);
}

/* Decodes `len` digits, none of them padding. False for a byte that is no digit and for stray bits at the
 * end. */
static bool base64_digits_decode(const uint8_t *text, size_t len, uint8_t *to)
{
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t value = base64_values[text[i]];
		if (value == 0)
			return false;
		bits = bits << 6 | (uint32_t)(value - 1);
		held += 6;
		if (held >= 8) {
			held -= 8;
			*to++ = (uint8_t)(bits >> held);
			bits &= (1u << held) - 1;
		}
	}
	return bits == 0;
}

bool vst_base64_decode(const void *text, size_t text_len, enum vst_base64 form, struct vst_buf *out)
{
	const uint8_t *in = text;
	size_t len = text_len;
	if (form == VST_BASE64_PADDED) {
		if (text_len % 4 != 0)
			return false;
		if (len > 0 && in[len - 1] == '=')
			len -= in[len - 2] == '=' ? 2 : 1;
	}
	if (len % 4 == 1)
		return false;
	size_t bytes = len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0);
	vst_buf_reserve(out, bytes);
	if (out->failed)
		return false;
	if (bytes > 0 && !base64_digits_decode(in, len, out->data + out->len))
		return false;
	out->len += bytes;
	return true;
}

/* ---- UTF-8 ---- */

size_t vst_utf8_next(const uint8_t *text, size_t len, uint32_t *ret_char)
{
	if (len == 0)
		return 0;
	uint8_t first = text[0];
	size_t more;
	uint32_t value, least;
	if (first < 0x80) {
		*ret_char = first;
		return 1;
	} else if (first >= 0xc2 && first <= 0xdf) {
		more = 1, value = first & 0x1f, least = 0x80;
	} else if (first >= 0xe0 && first <= 0xef) {
		more = 2, value = first & 0x0f, least = 0x800;
	} else if (first >= 0xf0 && first <= 0xf4) {
		more = 3, value = first & 0x07, least = 0x10000;
	} else {
		return 0;
	}
	if (len <= more)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3f);
	}
	if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*ret_char = value;
	return more + 1;
}

bool vst_utf8_valid(const void *text, size_t len)
{
	const uint8_t *in = text;
	while (len > 0) {
		uint64_t word;
		while (len >= sizeof word) {
			memcpy(&word, in, sizeof word);
			if (word & UINT64_C(0x8080808080808080))
				break;
			in += sizeof word;
			len -= sizeof word;
		}
		uint32_t c;
		size_t n = vst_utf8_next(in, len, &c);
		if (n == 0 && len > 0)
			return false;
		in += n;
		len -= n;
	}
	return true;
}

/* ---- showing ---- */

/* Characters that have no picture of their own and change how others are read: bidirectional controls,
   invisible format characters, line separators, tags. Joiners (U+200C, U+200D) are left: scripts need them.
 */
static bool is_deceptive(uint32_t c)
{
	return (c >= 0x80 && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e || c == 0x200b ||
	       (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

static void show_byte(struct vst_buf *out, uint8_t byte)
{
	char text[4] = {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
	vst_buf_bytes(out, text, sizeof text);
}

static void show_ascii(struct vst_buf *out, uint8_t c)
{
	if (c == '\n')
		vst_buf_text(out, "\\n");
	else if (c == '\t')
		vst_buf_text(out, "\\t");
	else if (c == '\\')
		vst_buf_text(out, "\\\\");
	else if (c < 0x20 || c == 0x7f)
		show_byte(out, c);
	else
		vst_buf_byte(out, c);
}

void vst_text_show(struct vst_buf *out, const void *text, size_t len)
{
	const uint8_t *in = text;
	while (len > 0) {
		uint32_t c;
		size_t n = vst_utf8_next(in, len, &c);
		if (n == 0) {
			show_byte(out, *in);
			n = 1;
		} else if (n == 1) {
			show_ascii(out, (uint8_t)c);
		} else if (is_deceptive(c)) {
			vst_buf_printf(out, "\\u{%04x}", (unsigned)c);
		} else {
			vst_buf_bytes(out, in, n);
		}
		in += n;
		len -= n;
	}
}

void vst_text_size(uint64_t bytes, char ret_text[16])
{
	static const char units[][4] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	if (bytes < 1024) {
		snprintf(ret_text, 16, "%u B", (unsigned)bytes);
		return;
	}
	for (unsigned i = 0; i < 6; i++) {
		unsigned shift = 10 * (i + 1);
		uint64_t whole = bytes >> shift;
		uint64_t rest = bytes & ((UINT64_C(1) << shift) - 1);
		/* The fraction to 1/1024: finer than what is shown, and no product overflows. */
		uint64_t tenths = whole * 10 + ((rest >> (shift - 10)) * 10 + 512) / 1024;
		if (tenths < 1000) {
			snprintf(ret_text, 16, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
			        units[i]);
			return;
		}
		uint64_t rounded = whole + (rest >> (shift - 1));
		if (rounded < 1024) {
			snprintf(ret_text, 16, "%u %s", (unsigned)rounded, units[i]);
			return;
		}
	}
	snprintf(ret_text, 16, "%u EiB", (unsigned)(bytes >> 60)); /* not reached: 2^64 is 16 EiB */
}

void vst_text_count(uint64_t count, char ret_text[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
	char *to = ret_text;
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
}
