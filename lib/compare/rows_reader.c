/*
 * Invariants: 1. `row` holds `fields` whole encoded fields, and behind them, from `start` on, the one that is
 * being read; 2. of that `len` bytes have come; once they are more than VST_ROW_INLINE, all of them have gone
 * into `hash` and the first ones stay in `row`.
 */
#include "compare/rows_reader.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/mem.h"

#define FIELD_HEAD 9

enum state {
	FIELD_START, /* nothing of the field has come */
	PLAIN,
	QUOTED,
	QUOTE, /* in quotes, behind a quote: the end, or the first half of one */
};

struct vst_rows_reader {
	vst_row_take *take;
	void *ctx;
	struct vst_hash *hash;
	struct vst_buf row;
	size_t fields, start;
	uint64_t len;
	uint64_t number; /* of the row, the header is 0 */
	enum state state;
	bool quoted;
	bool any; /* something of this row has come */
};

int vst_rows_reader_new(vst_row_take *take, void *ctx, struct vst_rows_reader **ret, struct vst_err *err)
{
	struct vst_rows_reader *reader = vst_calloc(1, sizeof *reader);
	int rc;
	if (!reader)
		return vst_err_nomem(err);
	reader->take = take;
	reader->ctx = ctx;
	if ((rc = vst_hash_new(&reader->hash, VST_HASH_SHA256, err)) != 0) {
		vst_rows_reader_free(reader);
		return rc;
	}
	*ret = reader;
	return 0;
}

void vst_rows_reader_free(struct vst_rows_reader *reader)
{
	if (!reader)
		return;
	vst_hash_free(reader->hash);
	vst_buf_free(&reader->row);
	free(reader);
}

static int refuse(const struct vst_rows_reader *reader, const char *what, struct vst_err *err)
{
	return vst_err_set(err, VST_EFORMAT, "row %llu: %s", (unsigned long long)reader->number, what);
}

/* ---- fields ---- */

static void begin_field(struct vst_rows_reader *reader)
{
	static const uint8_t head[FIELD_HEAD];
	reader->start = reader->row.len;
	reader->len = 0;
	reader->quoted = false;
	vst_buf_bytes(&reader->row, head, sizeof head); /* filled in at its end */
}

static void add_bytes(struct vst_rows_reader *reader, const uint8_t *bytes, size_t len)
{
	struct vst_buf *row = &reader->row;
	if (row->failed)
		return;
	if (reader->len <= VST_ROW_INLINE && len > VST_ROW_INLINE - reader->len) {
		const uint8_t *value = row->data + reader->start + FIELD_HEAD;
		size_t have = (size_t)reader->len, want;
		vst_hash_reset(reader->hash);
		vst_hash_update(reader->hash, value, have);
		vst_hash_update(reader->hash, bytes, len);
		if (have >= VST_ROW_PREFIX) {
			row->len = reader->start + FIELD_HEAD + VST_ROW_PREFIX;
		} else {
			want = VST_ROW_PREFIX - have;
			vst_buf_bytes(
			        row, bytes, want); /* there are so many: together they are past INLINE */
		}
	} else if (reader->len > VST_ROW_INLINE) {
		vst_hash_update(reader->hash, bytes, len);
	} else {
		vst_buf_bytes(row, bytes, len);
	}
	reader->len += len;
}

static void end_field(struct vst_rows_reader *reader)
{
	enum vst_row_kind kind = VST_ROW_VALUE;
	uint8_t *head, *value;
	if (reader->len > VST_ROW_INLINE)
		vst_buf_bytes(&reader->row, vst_hash_final(reader->hash, VST_HASH_SHA256), VST_HASH_LEN);
	if (reader->row.failed)
		return;
	head = reader->row.data + reader->start;
	value = head + FIELD_HEAD;
	if (!reader->quoted && reader->len == 0)
		kind = VST_ROW_NULL;
	else if (!reader->quoted && reader->len >= 2 && value[0] == '\\' && value[1] == 'x')
		kind = VST_ROW_BINARY;
	head[0] = (uint8_t)kind;
	for (unsigned i = 0; i < 8; i++)
		head[1 + i] = (uint8_t)(reader->len >> (8 * i));
	reader->fields++;
}

static int end_row(struct vst_rows_reader *reader, struct vst_err *err)
{
	int rc = vst_buf_check(&reader->row, err);
	if (rc == 0)
		rc = reader->take(reader->ctx, reader->row.data, reader->row.len, reader->fields, err);
	vst_buf_clear(&reader->row);
	reader->fields = 0;
	reader->number++;
	reader->any = false;
	return rc;
}

/* ---- text ---- */

/* The comma or LF behind a field. */
static int separate(struct vst_rows_reader *reader, uint8_t byte, struct vst_err *err)
{
	end_field(reader);
	reader->state = FIELD_START;
	if (byte == '\n')
		return end_row(reader, err);
	if (reader->fields >= VST_ROW_COLUMNS_MAX)
		return vst_err_set(err, VST_ELIMIT, "row %llu: more columns than %d",
		        (unsigned long long)reader->number, VST_ROW_COLUMNS_MAX);
	return 0;
}

static size_t plain_len(const uint8_t *at, size_t len)
{
	size_t i = 0;
	while (i < len && at[i] != ',' && at[i] != '\n' && at[i] != '"')
		i++;
	return i;
}

/* Takes what needs no thought, and returns how much; 0: a byte to think about. */
static size_t take_plain(struct vst_rows_reader *reader, const uint8_t *at, size_t len)
{
	size_t some = 0;
	if (reader->state == QUOTED) {
		const uint8_t *quote = memchr(at, '"', len);
		some = quote ? (size_t)(quote - at) : len;
	} else if (reader->state == PLAIN) {
		some = plain_len(at, len);
	}
	if (some > 0)
		add_bytes(reader, at, some);
	return some;
}

static int take_byte(struct vst_rows_reader *reader, uint8_t byte, struct vst_err *err)
{
	switch (reader->state) {
	case QUOTED:
		reader->state = QUOTE; /* nothing else comes here */
		return 0;
	case QUOTE:
		if (byte == '"') {
			add_bytes(reader, &byte, 1);
			reader->state = QUOTED;
			return 0;
		}
		if (byte != ',' && byte != '\n')
			return refuse(reader, "text behind a closing quote", err);
		return separate(reader, byte, err);
	default:
		if (byte == '"')
			return refuse(reader, "a quote in a field without quotes", err);
		return separate(reader, byte, err);
	}
}

int vst_rows_reader_write(struct vst_rows_reader *reader, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *at = data, *end = at + len;
	while (at < end) {
		int rc;
		size_t some;
		reader->any = true;
		if (reader->state == FIELD_START) {
			begin_field(reader);
			reader->state = *at == '"' ? QUOTED : PLAIN;
			if (*at == '"') {
				reader->quoted = true;
				at++;
				continue;
			}
		}
		if ((some = take_plain(reader, at, (size_t)(end - at))) > 0) {
			at += some;
			continue;
		}
		if ((rc = take_byte(reader, *at++, err)) != 0)
			return rc;
	}
	return vst_buf_check(&reader->row, err);
}

int vst_rows_reader_end(struct vst_rows_reader *reader, bool cut, struct vst_err *err)
{
	if (reader->any && !cut)
		return refuse(reader, "it ends without a line feed", err);
	return 0;
}

bool vst_row_next(const uint8_t *row, size_t len, size_t *at, struct vst_row_field *ret)
{
	size_t left = len - *at, stored;
	struct vst_row_field field = {.encoded = row + *at};
	if (left < FIELD_HEAD)
		return false;
	field.kind = (enum vst_row_kind)field.encoded[0];
	for (unsigned i = 8; i-- > 0;)
		field.len = field.len << 8 | field.encoded[1 + i];
	field.shown = field.len > VST_ROW_INLINE ? VST_ROW_PREFIX : (size_t)field.len;
	stored = field.shown + (field.len > VST_ROW_INLINE ? VST_HASH_LEN : 0);
	if (stored > left - FIELD_HEAD)
		return false;
	field.bytes = field.encoded + FIELD_HEAD;
	field.encoded_len = FIELD_HEAD + stored;
	*at += field.encoded_len;
	*ret = field;
	return true;
}
