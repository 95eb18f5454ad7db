/*
 * One run of the files collector over a tree, recorded.
 */
#ifndef TEST_COLLECT_COLLECTING_H
#define TEST_COLLECT_COLLECTING_H

#include "collect/recorder.h"
#include "collect/tree.h"

#define STRINGS_MAX 8

struct collecting {
	int root;
	struct recorder recorder;
	struct vst_collect_context context;
	struct vst_policy_source source;
	char *paths[STRINGS_MAX], *exclude[STRINGS_MAX];
	char name[16];
	struct vst_err err;
};

static inline int collecting_setup(void **state)
{
	struct collecting *c = calloc(1, sizeof *c);
	assert_non_null(c);
	c->root = tree_make();
	snprintf(c->name, sizeof c->name, "logs");
	c->recorder.keep = true;
	c->context = (struct vst_collect_context){
	        .root_fd = c->root,
	        .item_limit = UINT64_MAX,
	        .exhibit_left = UINT64_MAX,
	        .source_left = UINT64_MAX,
	        .content = true,
	};
	assert_int_equal(vst_hardlinks_new(&c->context.hardlinks, NULL), 0);
	c->source = (struct vst_policy_source){
	        .name = c->name,
	        .kind = VST_SOURCE_FILES,
	        .files = {.paths = c->paths, .exclude = c->exclude},
	};
	*state = c;
	return 0;
}

static inline int collecting_teardown(void **state)
{
	struct collecting *c = *state;
	for (size_t i = 0; i < STRINGS_MAX; i++) {
		free(c->paths[i]);
		free(c->exclude[i]);
	}
	recorder_free(&c->recorder);
	vst_hardlinks_free(c->context.hardlinks);
	tree_remove(c->root);
	free(c);
	return 0;
}

static inline void collecting_path(struct collecting *c, const char *path)
{
	c->paths[c->source.files.path_count++] = vst_strdup(path);
}

static inline void collecting_exclude(struct collecting *c, const char *pattern)
{
	c->exclude[c->source.files.exclude_count++] = vst_strdup(pattern);
}

static inline int collecting_try(struct collecting *c)
{
	const struct vst_sink sink = recorder_sink(&c->recorder);
	c->recorder.dry = !c->context.content;
	snprintf(c->recorder.current_source, sizeof c->recorder.current_source, "%s", c->name);
	return vst_collect(&c->context, &c->source, &sink, &c->err);
}

static inline void collecting_run(struct collecting *c)
{
	if (collecting_try(c) != 0)
		fail_msg("%s", c->err.text);
}

static inline void collecting_run_path(struct collecting *c, const char *path)
{
	collecting_path(c, path);
	collecting_run(c);
}

static inline const struct record *collecting_record(const struct collecting *c, const char *path)
{
	const struct record *record = recorder_find(&c->recorder, path);
	if (!record)
		fail_msg("no item %s", path);
	return record;
}

static inline const struct vst_item *collecting_item(const struct collecting *c, const char *path)
{
	return collecting_record(c, path)->item;
}

/* Paths of all items, each with a line end. */
static inline void collecting_expect(const struct collecting *c, const char *expected)
{
	struct vst_buf got = VST_BUF_INIT;
	for (size_t i = 0; i < c->recorder.count; i++) {
		vst_buf_text(&got, c->recorder.records[i].item->path);
		vst_buf_byte(&got, '\n');
	}
	assert_string_equal(vst_buf_cstr(&got), expected);
	vst_buf_free(&got);
}

static inline void collecting_status(
        const struct collecting *c, const char *path, enum vst_item_status status, const char *rule)
{
	const struct vst_item *item = collecting_item(c, path);
	if (item->status != status)
		fail_msg("%s is %s, not %s", path, vst_item_status_name(item->status),
		        vst_item_status_name(status));
	if (rule)
		assert_string_equal(item->rule ? item->rule : "(none)", rule);
	else
		assert_null(item->rule);
}

static inline void collecting_content(const struct collecting *c, const char *path, const char *expected)
{
	const struct record *record = collecting_record(c, path);
	assert_int_equal(record->content.len, strlen(expected));
	assert_memory_equal(
	        record->content.data ? (const char *)record->content.data : "", expected, strlen(expected));
}

#endif
