#include "collect/postgres_text.h"

#include <string.h>

#include "vestige/text.h"

void vst_postgres_quote(struct vst_buf *sql, const char *name)
{
	vst_buf_byte(sql, '"');
	for (; *name; name++) {
		if (*name == '"')
			vst_buf_byte(sql, '"');
		vst_buf_byte(sql, (uint8_t)*name);
	}
	vst_buf_byte(sql, '"');
}

/* One part; *at is behind it afterwards, at a dot or at the end. */
static bool take_part(const char **at, struct vst_buf *out)
{
	const char *from = *at;
	if (*from != '"') {
		size_t len = strcspn(from, ".");
		vst_buf_bytes(out, from, len);
		*at = from + len;
		return len > 0;
	}
	for (from++; *from; from++) {
		if (*from == '"' && *++from != '"') {
			*at = from;
			return out->len > 0 && (*from == '.' || *from == '\0');
		}
		vst_buf_byte(out, (uint8_t)*from);
	}
	return false;
}

bool vst_postgres_split_name(const char *text, struct vst_buf *ret_schema, struct vst_buf *ret_name)
{
	vst_buf_clear(ret_schema);
	vst_buf_clear(ret_name);
	if (!take_part(&text, ret_name))
		return false;
	if (*text == '\0')
		return true;
	vst_buf_bytes(ret_schema, ret_name->data, ret_name->len);
	vst_buf_clear(ret_name);
	text++;
	return take_part(&text, ret_name) && *text == '\0';
}

size_t vst_postgres_query_len(const char *query)
{
	size_t len = strlen(query);
	while (len > 0 && strchr("; \t\r\n\f\v", query[len - 1]))
		len--;
	return len;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What stands behind a backslash; `at` is there and inside the row. */
static const char *take_escape(const char *at, const char *end, struct vst_buf *out)
{
	static const char letters[] = "bfnrtv", bytes[] = "\b\f\n\r\t\v";
	const char *letter = *at ? strchr(letters, *at) : NULL;
	unsigned value = 0;
	int digits = 0;
	if (letter) {
		vst_buf_byte(out, (uint8_t)bytes[letter - letters]);
		return at + 1;
	}
	if (is_octal(*at)) {
		for (; digits < 3 && at < end && is_octal(*at); digits++)
			value = value * 8 + (unsigned)(*at++ - '0');
		vst_buf_byte(out, (uint8_t)value);
		return at;
	}
	if (*at == 'x' && end - at > 1 && hex_digit(at[1]) >= 0) {
		for (at++; digits < 2 && at < end && hex_digit(*at) >= 0; digits++)
			value = value * 16 + (unsigned)hex_digit(*at++);
		vst_buf_byte(out, (uint8_t)value);
		return at;
	}
	vst_buf_byte(out, (uint8_t)*at);
	return at + 1;
}

void vst_postgres_next_field(const char **at, const char *end, struct vst_buf *ret_value, bool *ret_null)
{
	const char *from = *at;
	const char *tab = memchr(from, '\t', (size_t)(end - from));
	const char *stop = tab ? tab : end;
	vst_buf_clear(ret_value);
	*ret_null = stop - from == 2 && from[0] == '\\' && from[1] == 'N';
	while (!*ret_null && from < stop) {
		const char *escape = memchr(from, '\\', (size_t)(stop - from));
		vst_buf_bytes(ret_value, from, (size_t)((escape ? escape : stop) - from));
		from = escape ? escape + 1 : stop;
		if (escape && from < stop)
			from = take_escape(from, stop, ret_value);
	}
	*at = tab ? tab + 1 : NULL;
}

void vst_postgres_reason(struct vst_buf *out, const char *message)
{
	size_t start = out->len;
	bool space = false;
	for (; *message && out->len - start < VST_POSTGRES_REASON_MAX; message++) {
		unsigned char c = (unsigned char)*message;
		if (c <= ' ' || c == 0x7f) {
			space = out->len > start;
			continue;
		}
		if (space)
			vst_buf_byte(out, ' ');
		space = false;
		vst_buf_byte(out, c);
	}
	/* A character that was cut loses its beginning too. */
	if (*message)
		for (int cut = 0;
		        cut < 3 && out->len > start && !vst_utf8_valid(out->data + start, out->len - start);
		        cut++)
			out->len--;
}
