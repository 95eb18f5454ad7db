#include "base/json_escape.h"

#include <stdbool.h>

const uint8_t vst_json_plain[256] = {
        [0x20 ... 0x21] = 1,
        [0x23 ... 0x5b] = 1,
        [0x5d ... 0x7e] = 1,
};

const uint8_t vst_json_digits[256] = {
        ['0'] = 1,
        ['1'] = 2,
        ['2'] = 3,
        ['3'] = 4,
        ['4'] = 5,
        ['5'] = 6,
        ['6'] = 7,
        ['7'] = 8,
        ['8'] = 9,
        ['9'] = 10,
        ['a'] = 11,
        ['b'] = 12,
        ['c'] = 13,
        ['d'] = 14,
        ['e'] = 15,
        ['f'] = 16,
};

/* The two-character escapes: what stands behind the backslash, and the byte that it means. */
static const uint8_t short_escapes[256] = {
        ['"'] = '"', ['\\'] = '\\', ['b'] = '\b', ['t'] = '\t', ['n'] = '\n', ['f'] = '\f', ['r'] = '\r'};

/* \u00XX for controls that have no short escape, DEL and C1: 2 characters of UTF-8 at most. False for any
 * other. */
static bool unescape_long(const uint8_t *at, uint8_t **to)
{
	unsigned c;
	if (at[0] != '0' || at[1] != '0' || !vst_json_digits[at[2]] || !vst_json_digits[at[3]])
		return false;
	c = (unsigned)(vst_json_digits[at[2]] - 1) << 4 | (unsigned)(vst_json_digits[at[3]] - 1);
	if (c == 0 || c >= VST_JSON_C1_END || (c >= 0x20 && c < 0x7f) ||
	        (c >= '\b' && c <= '\r' && c != '\v'))
		return false;
	if (c >= 0x80) {
		*(*to)++ = 0xc2;
		*(*to)++ = (uint8_t)c;
	} else {
		*(*to)++ = (uint8_t)c;
	}
	return true;
}

size_t vst_json_unescape(const uint8_t *at, const uint8_t *end, uint8_t **to)
{
	if (end - at < 2)
		return 0;
	if (short_escapes[at[1]]) {
		*(*to)++ = short_escapes[at[1]];
		return 2;
	}
	if (at[1] != 'u' || end - at < 6 || !unescape_long(at + 2, to))
		return 0;
	return 6;
}
