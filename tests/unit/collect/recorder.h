/*
 * A sink in memory: each item as its manifest line says, and its content. An item that contradicts itself
 * fails the test.
 */
#ifndef TEST_COLLECT_RECORDER_H
#define TEST_COLLECT_RECORDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/collector.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/hash.h"
#include "vestige/mem.h"

struct record {
	struct vst_item *item;
	struct vst_buf content;
	char *link_source, *link_path;
};

struct recorder {
	struct record *records;
	size_t count;
	char current_source[VST_SOURCE_NAME_MAX + 1];
	struct vst_buf content;
	uint64_t announced, received; /* of the item that is open */
	bool open, dry, keep;         /* keep: contents too */
	void (*on_data)(void *ctx, const char *path);
	void *on_data_ctx;
	char *open_path;
	int fail_at; /* the Nth call fails with VST_EIO; 0: none */
	int calls;
};

static inline bool recorder_fails(struct recorder *r, struct vst_err *err)
{
	if (++r->calls != r->fail_at)
		return false;
	vst_err_set(err, VST_EIO, "the sink is full");
	return true;
}

static inline bool recorder_has(void *ctx, const char *path)
{
	struct recorder *r = ctx;
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->records[i].item->path, path) == 0 &&
		        strcmp(r->records[i].item->source, r->current_source) == 0)
			return true;
	return false;
}

static inline void recorder_add(
        struct recorder *r, struct vst_item *item, const char *link_source, const char *link_path)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	struct record record = {0};
	snprintf(r->current_source, sizeof r->current_source, "%s", item->source);
	if (!r->dry && recorder_has(r, item->path))
		fail_msg("%s twice", item->path);
	item->seq = r->count;
	item->hashes = item->has_content ? VST_HASH_SHA256 : 0;
	if (vst_item_encode(item, &line, &err) != 0 ||
	        vst_item_parse(line.data, line.len, &record.item, &err) != 0)
		fail_msg("%s: %s", item->path, err.text);
	record.content = r->content;
	r->content = (struct vst_buf)VST_BUF_INIT;
	record.link_source = link_source ? vst_strdup(link_source) : NULL;
	record.link_path = link_path ? vst_strdup(link_path) : NULL;
	r->records = vst_realloc(r->records, r->count + 1, sizeof *r->records);
	assert_non_null(r->records);
	r->records[r->count++] = record;
	vst_buf_free(&line);
}

static inline int recorder_begin(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	struct recorder *r = ctx;
	assert_false(r->open);
	if (recorder_fails(r, err))
		return VST_EIO;
	r->open = true;
	r->open_path = vst_strdup(item->path);
	r->received = 0;
	r->announced = item->type == VST_ITEM_STREAM ? UINT64_MAX : item->size;
	if (item->is_sparse && !r->dry) {
		r->announced = 0;
		for (size_t i = 0; i < item->extent_count; i++)
			r->announced += item->extents[i].len;
	}
	return 0;
}

static inline int recorder_data(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct recorder *r = ctx;
	assert_true(r->open);
	assert_false(r->dry);
	if (recorder_fails(r, err))
		return VST_EIO;
	r->received += len;
	assert_true(r->received <= r->announced);
	if (r->keep)
		vst_buf_bytes(&r->content, data, len);
	if (r->on_data)
		r->on_data(r->on_data_ctx, r->open_path);
	return 0;
}

static inline int recorder_end(
        void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct recorder *r = ctx;
	assert_true(r->open);
	if (recorder_fails(r, err))
		return VST_EIO;
	r->open = false;
	free(r->open_path);
	r->open_path = NULL;
	if (item->type == VST_ITEM_STREAM) {
		item->size = r->received;
		item->parts = r->received / VST_PART_MAX + 1;
	} else if (!r->dry) {
		item->read_padding = r->announced - r->received;
	}
	if (ret_leaf)
		memset(ret_leaf, (int)(r->count + 1), VST_HASH_LEN);
	recorder_add(r, item, NULL, NULL);
	return 0;
}

static inline int recorder_item(void *ctx, struct vst_item *item, const char *link_source,
        const char *link_path, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct recorder *r = ctx;
	assert_false(r->open);
	if (recorder_fails(r, err))
		return VST_EIO;
	if (ret_leaf)
		memset(ret_leaf, (int)(r->count + 1), VST_HASH_LEN);
	recorder_add(r, item, link_source, link_path);
	return 0;
}

static inline struct vst_sink recorder_sink(struct recorder *r)
{
	return (struct vst_sink){.ctx = r,
	        .has = recorder_has,
	        .begin = recorder_begin,
	        .data = recorder_data,
	        .end = recorder_end,
	        .item = recorder_item};
}

static inline void recorder_free(struct recorder *r)
{
	for (size_t i = 0; i < r->count; i++) {
		vst_item_free(r->records[i].item);
		vst_buf_free(&r->records[i].content);
		free(r->records[i].link_source);
		free(r->records[i].link_path);
	}
	free(r->records);
	free(r->open_path);
	vst_buf_free(&r->content);
	*r = (struct recorder){0};
}

static inline const struct record *recorder_find(const struct recorder *r, const char *path)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->records[i].item->path, path) == 0)
			return &r->records[i];
	return NULL;
}

#endif
