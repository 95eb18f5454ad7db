/* A row in COPY's text format, as a hostile server may send it, and the same bytes as a table's name and as a
 * message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collect/postgres_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_row(const char *row, size_t len)
{
	struct vst_buf value = VST_BUF_INIT;
	size_t fields = 0, tabs = 0;
	for (const char *at = row; at; fields++) {
		bool null = false;
		vst_postgres_next_field(&at, row + len, &value, &null);
		if (value.len > len || (null && value.len > 0) || (at && (at < row || at > row + len)))
			abort();
	}
	for (size_t i = 0; i < len; i++)
		tabs += row[i] == '\t';
	if (fields != tabs + 1)
		abort();
	vst_buf_free(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_buf schema = VST_BUF_INIT, name = VST_BUF_INIT;
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	take_row(text, size);
	if (vst_postgres_split_name(text, &schema, &name) && name.len == 0)
		abort();
	if (vst_postgres_query_len(text) > strlen(text))
		abort();
	vst_buf_clear(&name);
	vst_postgres_reason(&name, text);
	if (name.len > VST_POSTGRES_REASON_MAX + 1 || (name.len > 0 && memchr(name.data, '\n', name.len)))
		abort();
	vst_buf_free(&schema);
	vst_buf_free(&name);
	free(text);
	return 0;
}
