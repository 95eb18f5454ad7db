/* Journal files from anybody, twice in one set of facts: they are always JSON of ours, and ranges rise and
 * stay apart. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collect/journal_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	const uint8_t *data;
	size_t len;
};

static int read_memory(void *ctx, uint64_t at, void *ret, size_t len)
{
	const struct memory *m = ctx;
	if (at > m->len || m->len - at < len)
		return -1;
	memcpy(ret, m->data + at, len);
	return 0;
}

static uint64_t size_of_memory(void *ctx)
{
	const struct memory *m = ctx;
	return m->len;
}

static int check(void *ctx, struct vst_err *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory memory = {data, size};
	const struct vst_journal_bytes bytes = {.read = read_memory, .size = size_of_memory, .ctx = &memory};
	struct vst_journal_facts facts = {0};
	struct vst_buf text = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&text);

	for (int i = 0; i < 2; i++)
		if (vst_journal_facts_add(&facts, "/file", &bytes, check, NULL, NULL) != 0)
			abort();
	vst_journal_facts_finish(&facts);
	for (size_t i = 0; i < facts.seqnum_count; i++)
		for (size_t j = 0; j < facts.seqnums[i].count; j++) {
			const struct vst_journal_range *range = &facts.seqnums[i].ranges[j];
			if (range->from > range->to ||
			        (j > 0 && (range->from <= range[-1].to || range->from - range[-1].to == 1)))
				abort();
		}
	vst_json_object(&json);
	vst_journal_facts_write(&facts, SIZE_MAX, &json);
	vst_json_end(&json);
	if (vst_json_span(text.data, text.len) != text.len)
		abort();
	vst_buf_free(&text);
	vst_journal_facts_free(&facts);
	return 0;
}
