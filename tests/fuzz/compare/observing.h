/*
 * Any bytes as the content of one item: facts are one JSON object of bounded length, the same whatever the
 * pieces are, and judging them, against nothing, themselves and half of them, finds what can be written. The
 * input's first byte chooses the path.
 */
#ifndef FUZZ_COMPARE_OBSERVING_H
#define FUZZ_COMPARE_OBSERVING_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/json.h"

static inline int fuzz_take(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct vst_buf out = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&out);
	unsigned *count = ctx;
	(void)err;
	vst_finding_write(finding, &json);
	if (vst_json_span(out.data, out.len) != out.len)
		abort();
	vst_buf_free(&out);
	++*count;
	return 0;
}

static inline void fuzz_observe(const struct vst_observer *observer, const struct vst_item *item,
        const uint8_t *data, size_t size, size_t step, uint64_t hole, struct vst_buf *facts)
{
	void *state = NULL;
	if (observer->open(&state, item, NULL) != 0)
		abort();
	for (size_t at = 0; at < size; at += step) {
		uint64_t offset = at < size / 2 / step * step ? at : at + hole;
		if (observer->data(state, offset, data + at, size - at < step ? size - at : step, NULL) != 0)
			abort();
	}
	if (observer->close(state, facts, NULL) != 0)
		abort();
	observer->free(state);
	if (facts->len > VST_FACTS_MAX || vst_json_span(facts->data, facts->len) != facts->len)
		abort();
}

static inline unsigned fuzz_judge(const struct vst_observer *observer, const struct vst_item *item,
        const struct vst_buf *before, const struct vst_buf *after)
{
	unsigned count = 0;
	struct vst_finding_sink sink = {fuzz_take, &count};
	struct vst_observed items[2] = {{.place = {1, 2}, .item = item}, {.place = {2, 2}, .item = item}};
	struct vst_observed_set sets[2] = {
	        {.items = &items[0], .count = 1}, {.items = &items[1], .count = 1}};
	items[1].facts = (const char *)after->data;
	items[1].len = after->len;
	if (before) {
		items[0].facts = (const char *)before->data;
		items[0].len = before->len;
	}
	if (observer->judge(before ? &sets[0] : NULL, &sets[1], &sink, NULL) != 0)
		abort();
	return count;
}

static inline void fuzz_content(const struct vst_observer *observer, const char *const *paths,
        size_t path_count, const uint8_t *data, size_t size)
{
	struct vst_item item;
	struct vst_buf whole = VST_BUF_INIT, pieces = VST_BUF_INIT, half = VST_BUF_INIT, holed = VST_BUF_INIT;
	if (size == 0)
		return;
	vst_item_init(&item);
	item.source = "s";
	item.path = paths[data[0] % path_count];
	item.type = VST_ITEM_FILE;
	item.status = VST_ITEM_COLLECTED;
	if (!observer->wants(&item))
		abort();
	data++;
	size--;
	fuzz_observe(observer, &item, data, size, size ? size : 1, 0, &whole);
	fuzz_observe(observer, &item, data, size, 13, 0, &pieces);
	if (whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0)
		abort();
	fuzz_observe(observer, &item, data, size / 2, 4096, 0, &half);
	fuzz_observe(observer, &item, data, size, 64, (uint64_t)size << 30, &holed);
	fuzz_judge(observer, &item, NULL, &whole);
	fuzz_judge(observer, &item, &half, &whole);
	fuzz_judge(observer, &item, &whole, &half);
	fuzz_judge(observer, &item, &whole, &holed);
	if (fuzz_judge(observer, &item, &whole, &whole) != 0)
		abort();
	vst_buf_free(&whole);
	vst_buf_free(&pieces);
	vst_buf_free(&half);
	vst_buf_free(&holed);
}

#endif
