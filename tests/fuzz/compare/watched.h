/* Any bytes as content of an observer, in one piece and in pieces: the same facts, of bounded size; any bytes
 * as facts: no crash. */
#ifndef FUZZ_COMPARE_WATCHED_H
#define FUZZ_COMPARE_WATCHED_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/timefmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline int fuzz_take(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct vst_buf *out = ctx;
	struct vst_json json = vst_json_begin(out);
	vst_buf_clear(out);
	vst_finding_write(finding, &json);
	return vst_buf_check(out, err);
}

static inline void fuzz_facts(const struct vst_observer *observer, const struct vst_item *item,
        const uint8_t *data, size_t size, size_t step, struct vst_buf *ret)
{
	struct vst_err err = VST_ERR_INIT;
	void *state = NULL;
	if (observer->open(&state, item, &err) != 0)
		abort();
	for (size_t at = 0; at < size; at += step)
		if (observer->data(state, at, data + at, size - at < step ? size - at : step, &err) != 0)
			abort();
	if (observer->close(state, ret, &err) != 0 || ret->len > VST_FACTS_MAX)
		abort();
	observer->free(state);
}

static inline void fuzz_observer(
        const struct vst_observer *observer, const struct vst_item *item, const uint8_t *data, size_t size)
{
	struct vst_buf facts = VST_BUF_INIT, again = VST_BUF_INIT, out = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	json_t *parsed = NULL;
	fuzz_facts(observer, item, data, size, size + 1, &facts);
	fuzz_facts(observer, item, data, size, 13, &again);
	if (facts.len != again.len || memcmp(facts.data, again.data, facts.len) != 0 ||
	        vst_json_parse(facts.data, facts.len, &parsed, &err) != 0)
		abort();
	json_decref(parsed);
	struct vst_observed made = {
	        .place = {2, 1}, .item = item, .facts = (char *)facts.data, .len = facts.len};
	struct vst_observed raw = {.place = {1, 1}, .item = item, .facts = (const char *)data, .len = size};
	struct vst_observed_set after = {.items = &made, .count = 1, .time = 0, .boot_time = VST_TIME_NONE};
	struct vst_observed_set before = {.items = &raw, .count = 1, .time = 0, .boot_time = VST_TIME_NONE};
	const struct vst_finding_sink sink = {fuzz_take, &out};
	if (observer->judge(NULL, &after, &sink, &err) != 0 ||
	        observer->judge(&before, &after, &sink, &err) != 0 ||
	        observer->judge(&after, &before, &sink, &err) != 0)
		abort();
	vst_buf_free(&facts);
	vst_buf_free(&again);
	vst_buf_free(&out);
}

#endif
