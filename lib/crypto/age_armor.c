/*
 * ASCII armour: base64 in lines of 64 between two marker lines. Stricter than PEM, as the age specification
 * has it: no headers, no white space but around the whole, canonical base64, every line full but the last.
 */
#include <string.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/reader.h"
#include "vestige/text.h"

#define COLUMNS 64
#define BEGIN_LINE "-----BEGIN AGE ENCRYPTED FILE-----"
#define END_LINE "-----END AGE ENCRYPTED FILE-----"
#define WHITESPACE_MAX 1024 /* on either side */

static int bad(struct vst_err *err, const char *what)
{
	return vst_err_set(err, VST_EFORMAT, "age armour: %s", what);
}

/* A line, ended by LF, CR LF or the end of the text; false at the end. */
static bool take_line(struct vst_reader *in, const uint8_t **ret, size_t *ret_len)
{
	size_t left = vst_reader_left(in);

	if (left == 0)
		return false;
	if (!vst_reader_line(in, ret, ret_len)) {
		*ret_len = left;
		vst_reader_bytes(in, left, ret);
	}
	if (*ret_len > 0 && (*ret)[*ret_len - 1] == '\r')
		(*ret_len)--;
	return true;
}

static bool is_line(const uint8_t *line, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(line, text, len) == 0;
}

/* How many bytes of white space come next. */
static size_t count_space(const struct vst_reader *in)
{
	size_t count = 0;

	while (count < vst_reader_left(in) && memchr(" \t\r\n", in->data[in->pos + count], 4))
		count++;
	return count;
}

static int skip_leading(struct vst_reader *in, struct vst_err *err)
{
	const uint8_t *line;
	size_t len;
	size_t space = count_space(in);

	if (space > WHITESPACE_MAX)
		return bad(err, "too much white space before it");
	/* Only whole lines: the first marker stands at the start of its own. */
	if (space > 0 && (!vst_reader_bytes(in, space, &line) || line[space - 1] != '\n'))
		return bad(err, "it does not begin with its first line");
	if (!take_line(in, &line, &len) || !is_line(line, len, BEGIN_LINE))
		return bad(err, "it does not begin with its first line");
	return 0;
}

static int decode_lines(struct vst_reader *in, struct vst_buf *out, struct vst_err *err)
{
	const uint8_t *line;
	size_t len;
	bool full = true;

	for (;;) {
		if (!take_line(in, &line, &len))
			return bad(err, "its last line is missing");
		if (is_line(line, len, END_LINE))
			return 0;
		if (!full)
			return bad(err, "a line in its middle is short");
		if (len == 0 || len > COLUMNS)
			return bad(err, "a line is empty or longer than 64 characters");
		if (!vst_base64_decode(line, len, VST_BASE64_PADDED, out))
			return out->failed ? vst_buf_check(out, err)
			                   : bad(err, "a line is not canonical base64");
		/* Padding ends the data even in a line that is full. */
		full = len == COLUMNS && line[len - 1] != '=';
	}
}

int vst_age_armor_decode(const void *text, size_t len, struct vst_buf *out, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(text, len);
	size_t before = out->len;
	int rc = skip_leading(&in, err);

	if (rc == 0) {
		vst_buf_reserve(out, len / 4 * 3);
		rc = decode_lines(&in, out, err);
	}
	if (rc == 0 && (count_space(&in) != vst_reader_left(&in) || count_space(&in) > WHITESPACE_MAX))
		rc = bad(err, "something follows its last line");
	if (rc != 0)
		out->len = before;
	return rc;
}
