/* Observers in tests: items with content, their facts, and the findings of two sets of them. */
#ifndef TEST_COMPARE_WATCHING_H
#define TEST_COMPARE_WATCHING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compare/observer.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/timefmt.h"

#define WATCHED_MAX 16

struct watched {
	struct vst_item items[WATCHED_MAX];
	struct vst_buf facts[WATCHED_MAX];
	struct vst_observed observed[WATCHED_MAX];
	struct vst_observed_set set;
};

struct told {
	struct vst_buf rules; /* "rule/severity " of each */
	struct vst_buf found, details;
	unsigned count;
};

static inline void watch_start(struct watched *w, uint64_t exhibit, int64_t time)
{
	memset(w, 0, sizeof *w);
	w->set = (struct vst_observed_set){.items = w->observed, .time = time, .boot_time = VST_TIME_NONE};
	w->observed[0].place.exhibit = exhibit;
}

/* The content in pieces of `step` bytes; 0: in one. */
static inline void watch_facts(const struct vst_observer *observer, const struct vst_item *item,
        const void *bytes, size_t len, size_t step, struct vst_buf *ret)
{
	struct vst_err err = VST_ERR_INIT;
	void *state = NULL;
	assert_int_equal(observer->open(&state, item, &err), 0);
	if (step == 0)
		step = len ? len : 1;
	for (size_t at = 0; at < len; at += step) {
		size_t piece = len - at < step ? len - at : step;
		assert_int_equal(observer->data(state, at, (const uint8_t *)bytes + at, piece, &err), 0);
	}
	assert_int_equal(observer->close(state, ret, &err), 0);
	observer->free(state);
	assert_true(ret->len <= VST_FACTS_MAX);
}

static inline struct vst_item *watch(struct watched *w, const struct vst_observer *observer, const char *path,
        enum vst_item_type type, int64_t mtime, const void *bytes, size_t len)
{
	size_t i = w->set.count++;
	struct vst_item *item = &w->items[i];
	struct vst_buf again = VST_BUF_INIT;
	assert_true(i < WATCHED_MAX);
	vst_item_init(item);
	item->source = "logs";
	item->path = path;
	item->type = type;
	item->status = VST_ITEM_COLLECTED;
	item->has_stat = mtime != VST_TIME_NONE;
	item->mtime = mtime;
	item->has_content = true;
	item->size = len;
	vst_sha256(bytes, len, item->sha256);
	assert_true(observer->wants(item));
	watch_facts(observer, item, bytes, len, 0, &w->facts[i]);
	watch_facts(observer, item, bytes, len, 7, &again);
	assert_int_equal(again.len, w->facts[i].len);
	assert_memory_equal(again.data, w->facts[i].data, again.len);
	vst_buf_free(&again);
	w->observed[i] = (struct vst_observed){
	        .place = {w->observed[0].place.exhibit, i},
	        .item = item,
	        .facts = (const char *)w->facts[i].data,
	        .len = w->facts[i].len,
	};
	return item;
}

static inline void watch_end(struct watched *w)
{
	for (size_t i = 0; i < WATCHED_MAX; i++)
		vst_buf_free(&w->facts[i]);
}

static inline int watch_take(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct told *told = ctx;
	(void)err;
	assert_non_null(finding->expected);
	assert_non_null(finding->found);
	told->count++;
	vst_buf_printf(&told->rules, "%s/%s ", finding->rule, vst_severity_name(finding->severity));
	vst_buf_printf(&told->found, "%s\n", finding->found);
	if (finding->details)
		vst_buf_bytes(&told->details, finding->details, finding->details_len);
	vst_buf_byte(&told->details, '\n');
	return 0;
}

static inline void watch_told_end(struct told *told)
{
	vst_buf_free(&told->rules);
	vst_buf_free(&told->found);
	vst_buf_free(&told->details);
	*told = (struct told){0};
}

static inline void watch_judge(const struct vst_observer *observer, const struct watched *before,
        const struct watched *after, struct told *ret)
{
	struct vst_err err = VST_ERR_INIT;
	const struct vst_finding_sink sink = {watch_take, ret};
	*ret = (struct told){0};
	assert_int_equal(observer->judge(before ? &before->set : NULL, &after->set, &sink, &err), 0);
}

/* What is found, as words; `before` may be NULL. */
static inline void expect_told(const struct vst_observer *observer, const struct watched *before,
        const struct watched *after, const char *rules)
{
	struct told told;
	watch_judge(observer, before, after, &told);
	assert_string_equal(vst_buf_cstr(&told.rules), rules);
	watch_told_end(&told);
}

#endif
