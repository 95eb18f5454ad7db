#include "collect/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"

bool vst_csv_needs_quotes(const void *text, size_t len)
{
	const uint8_t *at = text;
	if (len == 0 || at[0] == ' ' || at[len - 1] == ' ')
		return true;
	/* `\x` would pass for binary, and `\.` for the end of the data where psql reads it. */
	if (len >= 2 && at[0] == '\\' && (at[1] == 'x' || (at[1] == '.' && len == 2)))
		return true;
	for (size_t i = 0; i < len; i++)
		if (at[i] == '"' || at[i] == ',' || at[i] == '\n' || at[i] == '\r')
			return true;
	return false;
}

void vst_csv_escape(struct vst_buf *out, const void *piece, size_t len)
{
	const uint8_t *at = piece;
	while (len > 0) {
		const uint8_t *quote = memchr(at, '"', len);
		size_t plain = quote ? (size_t)(quote - at) : len;
		vst_buf_bytes(out, at, plain);
		at += plain;
		len -= plain;
		if (!quote)
			break;
		vst_buf_text(out, "\"\"");
		at++;
		len--;
	}
}

void vst_csv_text(struct vst_buf *out, const void *text, size_t len)
{
	if (!vst_csv_needs_quotes(text, len)) {
		vst_buf_bytes(out, text, len);
		return;
	}
	vst_buf_byte(out, '"');
	vst_csv_escape(out, text, len);
	vst_buf_byte(out, '"');
}

void vst_csv_int(struct vst_buf *out, int64_t value)
{
	vst_buf_printf(out, "%" PRId64, value);
}

void vst_csv_real(struct vst_buf *out, double value)
{
	char text[40];
	if (isnan(value) || isinf(value)) {
		vst_buf_text(out, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	vst_buf_text(out, text);
	if (!strpbrk(text, ".e"))
		vst_buf_text(out, ".0");
}
