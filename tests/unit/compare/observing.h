/* Contents given to an observer in pieces, and what it finds between two exhibits of them. */
#ifndef TEST_COMPARE_OBSERVING_H
#define TEST_COMPARE_OBSERVING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/json.h"

#define EXHIBIT_ITEMS 8

struct exhibit {
	struct vst_observed_set set;
	struct vst_observed items[EXHIBIT_ITEMS];
	struct vst_item lines[EXHIBIT_ITEMS];
	struct vst_buf facts[EXHIBIT_ITEMS];
};

static inline void exhibit_of(struct exhibit *exhibit, uint64_t day)
{
	memset(exhibit, 0, sizeof *exhibit);
	exhibit->set = (struct vst_observed_set){.items = exhibit->items,
	        .time = (int64_t)(1700000000 + 86400 * day) * 1000000000,
	        .boot_time = 0};
	strcpy(exhibit->set.boot_id, "11111111-1111-1111-1111-111111111111");
}

/* Observes with pieces of `step` bytes. */
static inline void observe(const struct vst_observer *observer, const struct vst_item *item,
        const void *bytes, size_t len, size_t step, struct vst_buf *facts)
{
	struct vst_err err = VST_ERR_INIT;
	void *state = NULL;
	assert_int_equal(observer->open(&state, item, &err), 0);
	for (size_t at = 0; at < len; at += step)
		assert_int_equal(observer->data(state, at, (const char *)bytes + at,
		                         len - at < step ? len - at : step, &err),
		        0);
	assert_int_equal(observer->close(state, facts, &err), 0);
	observer->free(state);
}

static inline struct vst_item *add_file(struct exhibit *exhibit, const struct vst_observer *observer,
        const char *path, const void *bytes, size_t len)
{
	size_t at = exhibit->set.count++;
	struct vst_item *item = &exhibit->lines[at];
	struct vst_buf again = VST_BUF_INIT;
	json_t *parsed = NULL;
	assert_true(at < EXHIBIT_ITEMS);
	vst_item_init(item);
	item->source = "s";
	item->path = path;
	item->type = VST_ITEM_FILE;
	item->status = VST_ITEM_COLLECTED;
	item->seq = at + 2;
	item->has_content = true;
	item->size = len;
	assert_true(observer->wants(item));
	observe(observer, item, bytes, len, len ? len : 1, &exhibit->facts[at]);
	observe(observer, item, bytes, len, 7, &again);
	assert_int_equal(exhibit->facts[at].len, again.len);
	assert_memory_equal(exhibit->facts[at].data, again.data, again.len);
	assert_true(again.len <= VST_FACTS_MAX);
	assert_int_equal(vst_json_span(again.data, again.len), again.len);
	assert_int_equal(vst_json_parse(again.data, again.len, &parsed, NULL), 0);
	json_decref(parsed);
	vst_buf_free(&again);
	exhibit->items[at] = (struct vst_observed){.place = {exhibit->set.time > 0 ? 1 : 0, item->seq},
	        .item = item,
	        .facts = (const char *)exhibit->facts[at].data,
	        .len = exhibit->facts[at].len};
	return item;
}

static inline void add_text(
        struct exhibit *exhibit, const struct vst_observer *observer, const char *path, const char *text)
{
	add_file(exhibit, observer, path, text, strlen(text));
}

static inline const char *facts_of(struct exhibit *exhibit, size_t at)
{
	return vst_buf_cstr(&exhibit->facts[at]);
}

static inline void exhibit_free(struct exhibit *exhibit)
{
	for (size_t i = 0; i < EXHIBIT_ITEMS; i++)
		vst_buf_free(&exhibit->facts[i]);
}

/* A line for each finding: "severity rule: found\n". */
static inline int note_finding(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct vst_buf *out = ctx, written = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&written);
	vst_finding_write(finding, &json);
	assert_int_equal(vst_json_span(written.data, written.len), written.len);
	assert_non_null(finding->expected);
	vst_buf_free(&written);
	vst_buf_printf(
	        out, "%s %s: %s\n", vst_severity_name(finding->severity), finding->rule, finding->found);
	return vst_buf_check(out, err);
}

static inline const char *judged(
        const struct vst_observer *observer, const struct exhibit *before, const struct exhibit *after)
{
	static char text[16384];
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf out = VST_BUF_INIT;
	struct vst_finding_sink sink = {note_finding, &out};
	assert_int_equal(observer->judge(before ? &before->set : NULL, &after->set, &sink, &err), 0);
	snprintf(text, sizeof text, "%s", vst_buf_cstr(&out));
	vst_buf_free(&out);
	return text;
}

#define assert_has(text, part) assert_non_null(strstr(text, part))

#endif
