/* Two exhibits as series indexes made of items, and what comparing them gives. */
#ifndef TEST_COMPARE_COMPARING_H
#define TEST_COMPARE_COMPARING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/compare.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/timefmt.h"

#define DAY (86400 * VST_NS_PER_S)
#define NOON (INT64_C(1790000000) * VST_NS_PER_S) /* when the earlier snapshot began; the later a day after  \
	                                           */

struct side {
	int dirfd, fd;
	uint64_t exhibit, seq;
	struct vst_series_writer *writer;
	struct vst_series_index *index;
};

struct pair {
	struct side before, after;
	bool first; /* there is no earlier exhibit */
	struct vst_compare_result result;
	struct vst_buf findings; /* "rule/severity path " of each */
	struct vst_buf changes;  /* "kind path " of each */
};

static inline void side_open(struct side *s, uint64_t exhibit)
{
	struct vst_err err = VST_ERR_INIT;
	*s = (struct side){.exhibit = exhibit};
	s->dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->fd = openat(s->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(s->fd >= 0);
	if (vst_series_writer_new(s->fd, s->dirfd, exhibit, exhibit, NULL, &s->writer, &err) != 0)
		fail_msg("%s", err.text);
}

static inline void side_close(struct side *s)
{
	vst_series_writer_free(s->writer);
	vst_series_index_free(s->index);
	close(s->fd);
	close(s->dirfd);
}

static inline struct pair *pair_new(void)
{
	struct pair *p = calloc(1, sizeof *p);
	side_open(&p->before, 1);
	side_open(&p->after, 2);
	return p;
}

static inline void pair_free(struct pair *p)
{
	side_close(&p->before);
	side_close(&p->after);
	vst_buf_free(&p->findings);
	vst_buf_free(&p->changes);
	free(p);
}

/* A file of this content that was written a day before the earlier snapshot. */
static inline struct vst_item file_of(const char *path, const char *content, uint64_t ino)
{
	struct vst_item item;
	vst_item_init(&item);
	item.source = "host";
	item.path = path;
	item.type = VST_ITEM_FILE;
	item.has_content = true;
	item.size = strlen(content);
	item.hashes = VST_HASH_SHA256;
	vst_sha256(content, strlen(content), item.sha256);
	item.has_stat = true;
	item.mode = 0644;
	item.user = item.group = "root";
	item.mtime = item.ctime = item.btime = NOON - DAY + 123456789;
	item.dev_major = 8;
	item.ino = ino;
	item.nlink = 1;
	return item;
}

static inline void touch(struct vst_item *item, int64_t time)
{
	item->mtime = item->ctime = time;
}

static inline void put(struct side *s, struct vst_item item, const char *facts, unsigned flags)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf line = VST_BUF_INIT;
	item.seq = s->seq++;
	if (vst_item_encode(&item, &line, &err) != 0 ||
	        vst_series_writer_add(s->writer, &item, line.data, line.len, facts, facts ? strlen(facts) : 0,
	                flags, &err) != 0)
		fail_msg("%s: %s", item.path, err.text);
	vst_buf_free(&line);
}

/* The same in both. */
static inline void put_both(struct pair *p, struct vst_item item, unsigned flags)
{
	put(&p->before, item, NULL, flags);
	put(&p->after, item, NULL, flags);
}

static inline int pair_take_finding(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct pair *p = ctx;
	(void)err;
	vst_buf_printf(&p->findings, "%s/%s %s ", finding->rule, vst_severity_name(finding->severity),
	        finding->path ? finding->path : "-");
	return 0;
}

static inline int pair_take_change(void *ctx, const struct vst_change *change, struct vst_err *err)
{
	struct pair *p = ctx;
	const struct vst_item *item = change->after ? change->after : change->before;
	(void)err;
	vst_buf_printf(&p->changes, "%s %s ", vst_change_kind_name(change->kind), item->path);
	return 0;
}

static inline void side_end(struct side *s)
{
	struct vst_err err = VST_ERR_INIT;
	uint8_t digest[VST_HASH_LEN];
	if (vst_series_writer_finish(s->writer, digest, &err) != 0 ||
	        vst_series_index_open(s->fd, digest, &s->index, &err) != 0)
		fail_msg("%s", err.text);
}

static inline void pair_compare(struct pair *p)
{
	struct vst_err err = VST_ERR_INIT;
	side_end(&p->before);
	side_end(&p->after);
	const struct vst_compare_side before = {
	        .index = p->before.index, .time = NOON, .boot_time = VST_TIME_NONE};
	const struct vst_compare_side after = {
	        .index = p->after.index, .time = NOON + DAY, .boot_time = VST_TIME_NONE};
	const struct vst_compare_options options = {.before = p->first ? NULL : &before,
	        .after = &after,
	        .change = pair_take_change,
	        .ctx = p,
	        .findings = {pair_take_finding, p}};
	if (vst_compare(&options, &p->result, &err) != 0)
		fail_msg("%s", err.text);
}

/* Compares and frees. The findings, and nothing else. */
static inline void expect_findings(struct pair *p, const char *want)
{
	pair_compare(p);
	assert_string_equal(p->findings.len ? vst_buf_cstr(&p->findings) : "", want);
	pair_free(p);
}

static inline void expect_changes(struct pair *p, const char *want)
{
	pair_compare(p);
	assert_string_equal(p->changes.len ? vst_buf_cstr(&p->changes) : "", want);
	pair_free(p);
}

#endif
