#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "exhibit/exhibit_kit.h"
#include "vestige/collector.h"
#include "vestige/merkle.h"
#include "workflow/series_sink.h"

/* Nights of one case: each a real exhibit and its index, filled through the sink. */
#define NIGHTS 3

struct nights {
	char dir[64];
	int dirfd, fd;
	unsigned hashes;
	struct vst_policy_source source;
	struct kit *kits[NIGHTS + 1]; /* by number, from 1 */
	struct vst_exhibit *open[NIGHTS + 1];
	struct vst_input in[NIGHTS + 1];
	struct vst_series_index *index[NIGHTS + 1];
	unsigned number; /* of the one at work */
	struct vst_series_writer *writer;
	struct series_sink *sink;
	struct vst_err err;
	struct vst_item *last; /* as its line says */
};

static int set_up(void **state)
{
	struct nights *n = calloc(1, sizeof *n);
	strcpy(n->dir, "/tmp/vestige-sink-XXXXXX");
	assert_non_null(mkdtemp(n->dir));
	n->dirfd = open(n->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n->source.name = (char *)(uintptr_t) "logs";
	n->source.kind = VST_SOURCE_FILES;
	n->source.content = VST_CONTENT_FULL;
	*state = n;
	return 0;
}

static int tear_down(void **state)
{
	struct nights *n = *state;
	series_sink_free(n->sink);
	vst_series_writer_free(n->writer);
	for (int i = 1; i <= NIGHTS; i++) {
		vst_exhibit_free(n->open[i]);
		vst_series_index_free(n->index[i]);
		if (n->kits[i])
			kit_free(n->kits[i]);
	}
	vst_item_free(n->last);
	close(n->dirfd);
	assert_int_equal(rmdir(n->dir), 0);
	free(n);
	return 0;
}

static void begin_night(struct nights *n, bool incremental)
{
	unsigned number = ++n->number;
	struct vst_series_index *earlier = n->index[number - 1];
	uint64_t full = incremental ? vst_series_full(earlier) : number;
	n->kits[number] = kit_new(n->hashes);
	n->fd = openat(n->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	kit_must(vst_series_writer_new(
	                 n->fd, n->dirfd, number, full, incremental ? earlier : NULL, &n->writer, &n->err),
	        &n->err, "index");
	const struct series_sink_options options = {.writer = n->kits[number]->writer,
	        .earlier = earlier,
	        .incremental = incremental,
	        .index = n->writer,
	        .scratch_fd = n->dirfd,
	        .hashes = n->hashes};
	kit_must(series_sink_new(&options, &n->sink, &n->err), &n->err, "sink");
	series_sink_source(n->sink, &n->source);
}

static void end_night(struct nights *n)
{
	uint8_t digest[VST_HASH_LEN];
	kit_must(series_sink_source_end(n->sink, &n->err), &n->err, "end of source");
	series_sink_free(n->sink);
	n->sink = NULL;
	kit_must(vst_series_writer_finish(n->writer, digest, &n->err), &n->err, "index");
	vst_series_writer_free(n->writer);
	n->writer = NULL;
	kit_must(vst_series_index_open(n->fd, digest, &n->index[n->number], &n->err), &n->err, "index");
	close(n->fd);
	kit_finish(n->kits[n->number]);
}

/* ---- what a collector does ---- */

static void take_line(struct nights *n)
{
	const uint8_t *line;
	size_t len;
	vst_item_free(n->last);
	n->last = NULL;
	vst_exhibit_writer_line(n->kits[n->number]->writer, &line, &len);
	kit_must(vst_item_parse(line, len, &n->last, &n->err), &n->err, "line");
}

struct reading {
	const char *path;
	const void *bytes;
	size_t len;      /* that come */
	size_t size;     /* that were announced */
	size_t expected; /* that the file has; 0: `size` */
	enum vst_item_type type;
	enum vst_item_status status;
	const char *rule;
	int error;
	uint64_t ino, nlink;
	const struct vst_item_extent *extents;
	size_t extent_count;
	uint64_t logical;
};

static struct vst_item item_of(const struct reading *r)
{
	struct vst_item item;
	kit_stat(&item, r->path, r->type ? r->type : VST_ITEM_FILE);
	item.source = NULL; /* collectors leave it to the writer */
	item.size = r->extents ? r->logical : r->size;
	item.has_content = true;
	item.ino = r->ino ? r->ino : 4711;
	item.nlink = r->nlink ? r->nlink : 1;
	if (r->extents) {
		item.is_sparse = true;
		item.extents = r->extents;
		item.extent_count = r->extent_count;
	}
	if (item.type == VST_ITEM_FILE) {
		item.has_read = true;
		item.read_expected = r->expected ? r->expected : r->size;
		item.before = (struct vst_item_stat){item.size, item.mtime, item.ctime};
	}
	return item;
}

/* Once through begin, data and end. */
static void read_once(struct nights *n, const struct reading *r)
{
	struct vst_item item = item_of(r), end;
	uint8_t leaf[VST_HASH_LEN];
	const uint8_t *at = r->bytes;
	kit_must(series_sink_begin(n->sink, &item, &n->err), &n->err, "begin");
	for (size_t done = 0; done < r->len;) { /* blocks that meet no boundary of ours */
		size_t len = r->len - done < 60001 ? r->len - done : 60001;
		kit_must(series_sink_data(n->sink, at + done, len, &n->err), &n->err, "data");
		done += len;
	}
	end = item;
	end.status = r->status;
	end.rule = r->rule;
	end.error = r->error;
	end.read_got = r->len;
	if (item.type == VST_ITEM_STREAM)
		end.size = r->len;
	kit_must(series_sink_end(n->sink, &end, leaf, &n->err), &n->err, "end");
	if (!series_sink_again(n->sink))
		take_line(n);
}

/* As a collector reads: once more if it is asked to. */
static bool read_file(struct nights *n, const struct reading *r)
{
	read_once(n, r);
	bool again = series_sink_again(n->sink);
	if (again)
		read_once(n, r);
	assert_false(series_sink_again(n->sink));
	return again;
}

static bool read_bytes(struct nights *n, const char *path, const void *bytes, size_t len)
{
	return read_file(n, &(struct reading){.path = path, .bytes = bytes, .len = len, .size = len});
}

static void read_link(struct nights *n, const char *path, const char *target)
{
	struct vst_item item;
	kit_stat(&item, path, VST_ITEM_FILE);
	kit_must(series_sink_item(n->sink, &item, NULL, target, NULL, &n->err), &n->err, path);
	take_line(n);
}

/* ---- what the exhibits have then ---- */

static int library(void *ctx, uint64_t number, struct vst_exhibit **ret, struct vst_err *err)
{
	struct nights *n = ctx;
	const struct vst_exhibit_library shelf = {library, n};
	assert_in_range(number, 1, NIGHTS);
	struct kit *kit = n->kits[number];
	if (!n->open[number]) {
		n->in[number] = vst_input_memory(kit->file.data, kit->file.len);
		int rc = vst_exhibit_open(
		        &n->open[number], &n->in[number], &kit->identities, &kit->expect, err);
		if (rc != 0)
			return rc;
		vst_exhibit_set_library(n->open[number], &shelf);
	}
	*ret = n->open[number];
	return 0;
}

static void expect_content(struct nights *n, unsigned number, const char *path, const void *want, size_t len)
{
	struct vst_buf out = VST_BUF_INIT;
	const struct vst_output to = vst_output_buf(&out);
	struct vst_exhibit_entry entry = {0};
	struct vst_exhibit *exhibit = NULL;
	kit_must(library(n, number, &exhibit, &n->err), &n->err, "open");
	kit_must(vst_exhibit_find(exhibit, "logs", path, &entry, &n->err), &n->err, path);
	kit_must(vst_exhibit_content(exhibit, &entry, true, &to, &n->err), &n->err, path);
	assert_int_equal(out.len, len);
	if (len > 0)
		assert_memory_equal(out.data, want, len);
	vst_exhibit_entry_free(&entry);
	vst_buf_free(&out);
}

static void expect_last(const struct nights *n, enum vst_item_status status, uint64_t size, bool tail)
{
	assert_string_equal(vst_item_status_name(n->last->status), vst_item_status_name(status));
	assert_int_equal(n->last->size, size);
	assert_int_equal(vst_item_is_tail(n->last), tail);
}

static uint8_t *noise(size_t len, unsigned seed)
{
	uint8_t *bytes = malloc(len + 1);
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		bytes[i] = (uint8_t)(seed >> 16);
	}
	return bytes;
}

#define OLD "one\ntwo\n"
#define LARGE (3u * 1024 * 1024)

/* ---- unchanged, grown, rewritten ---- */

static void sink_stores_what_is_new_and_refers_to_the_rest(void **state)
{
	struct nights *n = *state;
	begin_night(n, false);
	read_bytes(n, "/log", OLD, 8);
	read_bytes(n, "/same", "same", 4);
	read_bytes(n, "/other", "other", 5);
	read_bytes(n, "/empty", "", 0);
	end_night(n);
	begin_night(n, true);
	read_bytes(n, "/log", OLD "three\n", 14);
	expect_last(n, VST_ITEM_TAIL, 6, true);
	read_bytes(n, "/same", "same", 4);
	expect_last(n, VST_ITEM_UNCHANGED, 4, false);
	read_bytes(n, "/other", "OTHER", 5);
	expect_last(n, VST_ITEM_COLLECTED, 5, false);
	read_bytes(n, "/empty", "", 0);
	read_bytes(n, "/moved", "other", 5); /* the same content at another place */
	expect_last(n, VST_ITEM_UNCHANGED, 5, false);
	read_link(n, "/log-link", "/log");
	expect_last(n, VST_ITEM_UNCHANGED, 0, false);
	assert_true(n->last->is_hardlink);
	read_link(n, "/same-link", "/same");
	assert_true(n->last->is_hardlink);
	assert_int_equal(series_sink_described(n->sink), 14 + 4 + 5 + 5);
	end_night(n);
	begin_night(n, true);
	read_bytes(n, "/log", OLD "three\nfour\n", 19);
	expect_last(n, VST_ITEM_TAIL, 5, true);
	assert_int_equal(n->last->whole.stored_count, 2);
	end_night(n);
	expect_content(n, 2, "/log", OLD "three\n", 14);
	expect_content(n, 2, "/log-link", OLD "three\n", 14);
	expect_content(n, 2, "/moved", "other", 5);
	expect_content(n, 2, "/empty", "", 0);
	expect_content(n, 3, "/log", OLD "three\nfour\n", 19);
}

static void sink_asks_again_for_what_it_hoped_in_vain_to_have(void **state)
{
	struct nights *n = *state;
	uint8_t *was = noise(LARGE, 1), *is = noise(LARGE, 2);
	begin_night(n, false);
	assert_false(read_bytes(n, "/a", was, LARGE));
	end_night(n);
	begin_night(n, true);
	assert_true(read_bytes(n, "/a", is, LARGE));
	expect_last(n, VST_ITEM_COLLECTED, LARGE, false);
	assert_false(read_bytes(n, "/b", was, LARGE));
	expect_last(n, VST_ITEM_UNCHANGED, LARGE, false);
	assert_false(read_bytes(n, "/c", is, LARGE - 1)); /* of this length there is nothing */
	end_night(n);
	expect_content(n, 2, "/a", is, LARGE);
	expect_content(n, 2, "/b", was, LARGE);
	free(was);
	free(is);
}

static void sink_keeps_up_to_a_limit_and_not_one_byte_more(void **state)
{
	struct nights *n = *state;
	uint8_t *was = noise(VST_SINK_KEEPS + 1, 3), *is = noise(VST_SINK_KEEPS + 1, 4);
	begin_night(n, false);
	read_bytes(n, "/just", was, VST_SINK_KEEPS);
	read_bytes(n, "/more", was, VST_SINK_KEEPS + 1);
	end_night(n);
	begin_night(n, true);
	assert_false(read_bytes(n, "/just", is, VST_SINK_KEEPS));
	assert_true(read_bytes(n, "/more", is, VST_SINK_KEEPS + 1));
	end_night(n);
	expect_content(n, 2, "/just", is, VST_SINK_KEEPS);
	expect_content(n, 2, "/more", is, VST_SINK_KEEPS + 1);
	free(was);
	free(is);
}

/* A log that was rewritten and is longer now: its beginning is not the old one. */
static void sink_stores_all_of_what_was_rewritten(void **state)
{
	struct nights *n = *state;
	uint8_t *was = noise(LARGE, 5), *is = noise(LARGE + 100, 5);
	is[17] ^= 1;
	n->source.files.append_only = true;
	begin_night(n, false);
	read_bytes(n, "/small", OLD, 8);
	read_bytes(n, "/large", was, LARGE);
	end_night(n);
	begin_night(n, true);
	assert_false(read_bytes(n, "/small", "ONE\ntwo\nthree\n", 14));
	expect_last(n, VST_ITEM_COLLECTED, 14, false);
	assert_true(n->last->has_prefix);
	assert_int_equal(n->last->prefix_size, 8);
	assert_true(read_bytes(n, "/large", is, LARGE + 100));
	expect_last(n, VST_ITEM_COLLECTED, LARGE + 100, false);
	assert_true(n->last->has_prefix);
	end_night(n);
	expect_content(n, 2, "/large", is, LARGE + 100);
	free(was);
	free(is);
}

static void sink_tells_the_prefix_in_a_full_exhibit_too(void **state)
{
	struct nights *n = *state;
	uint8_t digest[VST_HASH_LEN];
	n->source.files.append_only = true;
	begin_night(n, false);
	read_bytes(n, "/log", OLD, 8);
	assert_false(n->last->has_prefix);
	end_night(n);
	begin_night(n, false);
	read_bytes(n, "/log", OLD "three\n", 14);
	expect_last(n, VST_ITEM_COLLECTED, 14, false);
	assert_true(n->last->has_prefix);
	assert_int_equal(n->last->prefix_size, 8);
	vst_sha256(OLD, 8, digest);
	assert_memory_equal(n->last->prefix_sha256, digest, VST_HASH_LEN);
	end_night(n);
}

/* ---- while it is read ---- */

/* The end of a log went wrong: it was said to be a tail, and the exhibit refused it, or worse took it. */
static void sink_says_how_the_reading_of_a_tail_went(void **state)
{
	struct nights *n = *state;
	static const struct reading readings[] = {
	        {.path = "/grew", .bytes = OLD "three\n", .len = 14, .size = 14, .status = VST_ITEM_CHANGED},
	        {.path = "/shrank", .bytes = OLD "th", .len = 10, .size = 14, .status = VST_ITEM_CHANGED},
	        {.path = "/late",
	                .bytes = OLD "th",
	                .len = 10,
	                .size = 14,
	                .status = VST_ITEM_TRUNCATED,
	                .rule = "limits.source_time"},
	        {.path = "/broken",
	                .bytes = OLD "th",
	                .len = 10,
	                .size = 14,
	                .status = VST_ITEM_ERROR,
	                .rule = "read",
	                .error = EIO},
	        {.path = "/no-byte",
	                .bytes = OLD,
	                .len = 8,
	                .size = 14,
	                .status = VST_ITEM_ERROR,
	                .rule = "read",
	                .error = EIO}};
	size_t count = sizeof readings / sizeof *readings;
	begin_night(n, false);
	for (size_t i = 0; i < count; i++)
		read_bytes(n, readings[i].path, OLD, 8);
	end_night(n);
	begin_night(n, true);
	for (size_t i = 0; i < count; i++) {
		assert_false(read_file(n, &readings[i]));
		expect_last(n, readings[i].status, 6, true);
		assert_int_equal(n->last->error, readings[i].error);
		assert_int_equal(n->last->read_padding, 14 - readings[i].len);
	}
	end_night(n);
	expect_content(n, 2, "/grew", OLD "three\n", 14);
	expect_content(n, 2, "/shrank", OLD "th\0\0\0\0", 14);
	expect_content(n, 2, "/broken", OLD "th\0\0\0\0", 14);
	/* On what failed nothing is built, on what merely changed the next tail is. */
	begin_night(n, true);
	read_bytes(n, "/grew", OLD "three\nfour\n", 19);
	expect_last(n, VST_ITEM_TAIL, 5, true);
	read_bytes(n, "/broken", OLD "three\nfour\n", 19);
	expect_last(n, VST_ITEM_COLLECTED, 19, false);
	end_night(n);
	expect_content(n, 3, "/broken", OLD "three\nfour\n", 19);
}

static void sink_stores_what_shrank_before_its_old_end(void **state)
{
	struct nights *n = *state;
	uint8_t *was = noise(LARGE, 6);
	begin_night(n, false);
	read_bytes(n, "/small", OLD, 8);
	read_bytes(n, "/large", was, LARGE);
	end_night(n);
	begin_night(n, true);
	assert_false(read_file(n,
	        &(struct reading){
	                .path = "/small", .bytes = OLD, .len = 5, .size = 14, .status = VST_ITEM_CHANGED}));
	expect_last(n, VST_ITEM_CHANGED, 14, false);
	assert_true(read_file(n, &(struct reading){.path = "/large",
	                                 .bytes = was,
	                                 .len = LARGE - 10,
	                                 .size = LARGE,
	                                 .status = VST_ITEM_CHANGED}));
	expect_last(n, VST_ITEM_CHANGED, LARGE, false);
	assert_int_equal(n->last->read_padding, 10);
	end_night(n);
	expect_content(n, 2, "/small", "one\nt\0\0\0\0\0\0\0\0\0", 14);
	free(was);
}

/* The second reading found another file than the first; it is the one that counts. */
static void sink_believes_the_second_reading(void **state)
{
	struct nights *n = *state;
	uint8_t *was = noise(LARGE, 7), *is = noise(LARGE, 8);
	n->source.files.append_only = true;
	begin_night(n, false);
	read_bytes(n, "/a", was, LARGE);
	read_bytes(n, "/b", was, LARGE);
	end_night(n);
	begin_night(n, true);
	struct reading r = {.path = "/a", .bytes = is, .len = LARGE, .size = LARGE};
	read_once(n, &r);
	assert_true(series_sink_again(n->sink));
	r.bytes = was; /* it is as sealed by now, and is stored all the same */
	r.status = VST_ITEM_CHANGED;
	read_once(n, &r);
	assert_false(series_sink_again(n->sink));
	expect_last(n, VST_ITEM_CHANGED, LARGE, false);
	r.path = "/b";
	r.bytes = is;
	read_once(n, &r);
	assert_true(series_sink_again(n->sink));
	r.len = r.size = 7; /* it is short by now: no prefix of the old length may be left */
	r.expected = LARGE;
	r.status = VST_ITEM_TRUNCATED;
	r.rule = "limits.source_time";
	read_once(n, &r);
	expect_last(n, VST_ITEM_TRUNCATED, 7, false);
	assert_false(n->last->has_prefix);
	end_night(n);
	expect_content(n, 2, "/a", was, LARGE);
	expect_content(n, 2, "/b", is, 7);
	free(was);
	free(is);
}

/* ---- facts ---- */

#define PASSWD "root:x:0:0:root:/root:/bin/bash\n"

static bool has_facts(struct nights *n, unsigned number, const char *path)
{
	struct vst_series_record record;
	struct vst_buf facts = VST_BUF_INIT;
	uint64_t seq;
	assert_true(vst_series_find(n->index[number], "logs", path, &seq, &record));
	kit_must(vst_series_line(n->index[number], &record, NULL, &facts, &n->err), &n->err, path);
	bool has = facts.len > 0 && strstr(vst_buf_cstr(&facts), "accounts");
	vst_buf_free(&facts);
	return has;
}

/* The exhibit before had the content and had not looked into it, since it was a hard link there, or cut: that
 * there were no facts was taken over with the content, for as long as it stayed the same. */
static void sink_looks_again_into_what_was_not_looked_into(void **state)
{
	struct nights *n = *state;
	begin_night(n, false);
	read_file(n, &(struct reading){.path = "/.a",
	                     .bytes = PASSWD,
	                     .len = sizeof PASSWD - 1,
	                     .size = sizeof PASSWD - 1,
	                     .nlink = 2});
	read_bytes(n, "/.b", "root:x:0:\n", 10);
	read_link(n, "/etc/passwd", "/.a");
	read_file(n, &(struct reading){.path = "/etc/group",
	                     .bytes = "root:x:0:\n",
	                     .len = 10,
	                     .size = 10,
	                     .expected = 20,
	                     .status = VST_ITEM_TRUNCATED,
	                     .rule = "limits.item"});
	read_bytes(n, "/etc/shadow", "root:*:1::::::\n", 15);
	end_night(n);
	assert_false(has_facts(n, 1, "/etc/passwd"));
	assert_false(has_facts(n, 1, "/etc/group"));
	assert_true(has_facts(n, 1, "/etc/shadow"));
	begin_night(n, true);
	read_bytes(n, "/etc/passwd", PASSWD, sizeof PASSWD - 1);
	expect_last(n, VST_ITEM_UNCHANGED, sizeof PASSWD - 1, false);
	read_bytes(n, "/etc/group", "root:x:0:\n", 10);
	read_bytes(n, "/etc/shadow", "root:*:1::::::\n", 15);
	end_night(n);
	assert_true(has_facts(n, 2, "/etc/passwd"));
	assert_true(has_facts(n, 2, "/etc/group"));
	assert_true(has_facts(n, 2, "/etc/shadow"));
}

/* ---- what is owed ---- */

static void owe(struct nights *n, const char *path, const uint8_t *bytes, enum vst_item_status status,
        const char *rule)
{
	read_once(n, &(struct reading){.path = path,
	                     .bytes = bytes,
	                     .len = LARGE,
	                     .size = LARGE,
	                     .status = status,
	                     .rule = rule});
	assert_true(series_sink_again(n->sink));
}

static struct vst_item *item_at(struct nights *n, const char *path)
{
	struct vst_series_record record;
	struct vst_item *item = NULL;
	uint64_t seq;
	assert_true(vst_series_find(n->index[n->number], "logs", path, &seq, &record));
	kit_must(vst_series_item(n->index[n->number], &record, &item, &n->err), &n->err, path);
	return item;
}

static void expect_owed(struct nights *n, const char *path, const char *rule)
{
	struct vst_item *item = item_at(n, path);
	assert_int_equal(item->status, VST_ITEM_ERROR);
	assert_string_equal(item->rule, rule);
	assert_true(item->has_stat); /* what was known of it is not lost with its content */
	assert_int_equal(item->uid, 1000);
	assert_false(item->has_content);
	vst_item_free(item);
}

static void sink_writes_an_error_for_what_never_comes_again(void **state)
{
	static const char not_again[] = "its content was wanted a second time, and was not there any more";
	struct nights *n = *state;
	uint8_t *was = noise(LARGE, 9), *is = noise(LARGE, 10);
	struct vst_item item;
	begin_night(n, false);
	read_bytes(n, "/a", was, LARGE);
	end_night(n);
	begin_night(n, true);
	owe(n, "/another-begins", is, VST_ITEM_COLLECTED, NULL);
	read_bytes(n, "/next", "x", 1);
	owe(n, "/another-item", is, VST_ITEM_COLLECTED, NULL);
	kit_stat(&item, "/dir", VST_ITEM_DIRECTORY);
	kit_must(series_sink_item(n->sink, &item, NULL, NULL, NULL, &n->err), &n->err, "dir");
	owe(n, "/late", is, VST_ITEM_TRUNCATED, "limits.source_time");
	/* The process was given up, and the path that it was at is noted. */
	vst_item_init(&item);
	item.path = "/late";
	item.status = VST_ITEM_TRUNCATED;
	item.rule = "limits.source_time";
	kit_must(series_sink_item(n->sink, &item, NULL, NULL, NULL, &n->err), &n->err, "late");
	assert_false(series_sink_again(n->sink));
	owe(n, "/unreadable", is, VST_ITEM_COLLECTED, NULL);
	kit_stat(&item, "/unreadable", VST_ITEM_FILE);
	item.status = VST_ITEM_ERROR;
	item.rule = "read";
	item.error = EIO;
	kit_must(series_sink_item(n->sink, &item, NULL, NULL, NULL, &n->err), &n->err, "unreadable");
	owe(n, "/last", is, VST_ITEM_COLLECTED, NULL);
	end_night(n);
	expect_owed(n, "/another-begins", not_again);
	expect_owed(n, "/another-item", not_again);
	expect_owed(n, "/late", "limits.source_time");
	expect_owed(n, "/unreadable", "read");
	expect_owed(n, "/last", not_again);
	free(was);
	free(is);
}

/* ---- streams, holes, limits ---- */

static void sink_refers_to_streams_and_lets_go_of_long_ones(void **state)
{
	struct nights *n = *state;
	uint8_t *was = noise(LARGE, 11), *is = noise(LARGE, 12);
	struct reading small = {.path = "/small", .bytes = "rows", .len = 4, .type = VST_ITEM_STREAM};
	struct reading large = {.path = "/large", .bytes = was, .len = LARGE, .type = VST_ITEM_STREAM};
	struct reading none = {.path = "/none", .bytes = "", .type = VST_ITEM_STREAM};
	begin_night(n, false);
	read_file(n, &small);
	read_file(n, &large);
	read_file(n, &none);
	end_night(n);
	begin_night(n, true);
	read_file(n, &small);
	expect_last(n, VST_ITEM_UNCHANGED, 0, false);
	large.bytes = is;
	assert_false(read_file(n, &large));
	expect_last(n, VST_ITEM_COLLECTED, LARGE, false);
	read_file(n, &none);
	end_night(n);
	expect_content(n, 2, "/small", "rows", 4);
	expect_content(n, 2, "/large", is, LARGE);
	free(was);
	free(is);
}

static void sink_refers_to_sparse_files_with_the_same_holes_alone(void **state)
{
	struct nights *n = *state;
	static const struct vst_item_extent first[] = {{4096, 4096}}, second[] = {{8192, 4096}};
	uint8_t *data = noise(4096, 13), *expanded = calloc(1, 16384);
	struct reading r = {.path = "/s",
	        .bytes = data,
	        .len = 4096,
	        .extents = first,
	        .extent_count = 1,
	        .logical = 16384,
	        .expected = 4096};
	begin_night(n, false);
	read_file(n, &r);
	end_night(n);
	begin_night(n, true);
	read_file(n, &r);
	expect_last(n, VST_ITEM_UNCHANGED, 16384, false);
	r.path = "/shifted";
	r.extents = second;
	read_file(n, &r);
	expect_last(n, VST_ITEM_COLLECTED, 16384, false);
	end_night(n);
	memcpy(expanded + 4096, data, 4096);
	expect_content(n, 2, "/s", expanded, 16384);
	free(expanded);
	free(data);
}

/* What a limit cut is no whole that a later file could refer to. */
static void sink_stores_what_a_limit_cuts(void **state)
{
	struct nights *n = *state;
	begin_night(n, false);
	read_bytes(n, "/a", OLD, 8);
	end_night(n);
	begin_night(n, true);
	read_file(n, &(struct reading){.path = "/a",
	                     .bytes = OLD,
	                     .len = 8,
	                     .size = 8,
	                     .expected = 14,
	                     .status = VST_ITEM_TRUNCATED,
	                     .rule = "limits.item"});
	expect_last(n, VST_ITEM_TRUNCATED, 8, false);
	end_night(n);
	expect_content(n, 2, "/a", OLD, 8);
}

static void sink_refuses_more_than_was_announced(void **state)
{
	struct nights *n = *state;
	begin_night(n, false);
	read_bytes(n, "/a", OLD, 8);
	end_night(n);
	begin_night(n, true);
	struct vst_item item = item_of(&(struct reading){.path = "/a", .size = 8});
	kit_must(series_sink_begin(n->sink, &item, &n->err), &n->err, "begin");
	kit_must(series_sink_data(n->sink, OLD, 8, &n->err), &n->err, "data");
	assert_int_equal(series_sink_data(n->sink, "x", 1, &n->err), VST_EUSAGE);
	close(n->fd);
}

/* ---- trusted ---- */

static struct vst_item trusted_item(const char *path, uint64_t size)
{
	struct vst_item item;
	kit_stat(&item, path, VST_ITEM_FILE);
	item.status = VST_ITEM_UNCHANGED;
	item.size = item.whole.size = size;
	item.has_whole = item.whole.trusted = true;
	return item;
}

static void expect_trust(struct nights *n, struct vst_item item, bool is_trusted)
{
	kit_must(series_sink_item(n->sink, &item, NULL, NULL, NULL, &n->err), &n->err, item.path);
	take_line(n);
	assert_int_equal(n->last->status, is_trusted ? VST_ITEM_UNCHANGED : VST_ITEM_ERROR);
	assert_int_equal(n->last->has_whole, is_trusted);
}

/* The collector may be wrong, or not ours any more. */
static void sink_trusts_what_the_exhibit_before_has_and_nothing_else(void **state)
{
	struct nights *n = *state;
	struct vst_item item;
	begin_night(n, false);
	read_bytes(n, "/a", OLD, 8);
	read_bytes(n, "/empty", "", 0);
	read_bytes(n, "/other-size", OLD, 8);
	read_bytes(n, "/other-ctime", OLD, 8);
	read_bytes(n, "/other-inode", OLD, 8);
	read_bytes(n, "/other-type", OLD, 8);
	read_file(
	        n, &(struct reading){
	                   .path = "/unrest", .bytes = OLD, .len = 8, .size = 8, .status = VST_ITEM_CHANGED});
	read_link(n, "/link", "/a");
	end_night(n);
	begin_night(n, true);
	expect_trust(n, trusted_item("/a", 8), true);
	assert_true(n->last->whole.trusted);
	expect_trust(n, trusted_item("/empty", 0), true);
	expect_trust(n, trusted_item("/never-seen", 8), false);
	expect_trust(n, trusted_item("/other-size", 9), false);
	item = trusted_item("/other-ctime", 8);
	item.ctime++;
	expect_trust(n, item, false);
	item = trusted_item("/other-inode", 8);
	item.ino++;
	expect_trust(n, item, false);
	item = trusted_item("/other-type", 8);
	item.type = VST_ITEM_DIRECTORY;
	expect_trust(n, item, false);
	expect_trust(n, trusted_item("/unrest", 8), false);
	expect_trust(n, trusted_item("/link", 0), false);
	end_night(n);
	expect_content(n, 2, "/a", OLD, 8);
	expect_content(n, 2, "/empty", "", 0);
}

static void sink_does_not_trust_where_a_digest_is_missing(void **state)
{
	struct nights *n = *state;
	n->hashes = VST_HASH_SHA256;
	begin_night(n, false);
	read_bytes(n, "/a", OLD, 8);
	end_night(n);
	n->hashes = VST_HASH_SHA256 | VST_HASH_SHA1;
	begin_night(n, true);
	expect_trust(n, trusted_item("/a", 8), false);
	read_bytes(n, "/b", OLD, 8);
	expect_last(n, VST_ITEM_UNCHANGED, 8, false);
	assert_int_equal(n->last->whole.hashes, VST_HASH_SHA256 | VST_HASH_SHA1);
	end_night(n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(sink_stores_what_is_new_and_refers_to_the_rest),
	        TEST(sink_asks_again_for_what_it_hoped_in_vain_to_have),
	        TEST(sink_keeps_up_to_a_limit_and_not_one_byte_more),
	        TEST(sink_stores_all_of_what_was_rewritten),
	        TEST(sink_tells_the_prefix_in_a_full_exhibit_too),
	        TEST(sink_says_how_the_reading_of_a_tail_went),
	        TEST(sink_stores_what_shrank_before_its_old_end),
	        TEST(sink_believes_the_second_reading),
	        TEST(sink_looks_again_into_what_was_not_looked_into),
	        TEST(sink_writes_an_error_for_what_never_comes_again),
	        TEST(sink_refers_to_streams_and_lets_go_of_long_ones),
	        TEST(sink_refers_to_sparse_files_with_the_same_holes_alone),
	        TEST(sink_stores_what_a_limit_cuts),
	        TEST(sink_refuses_more_than_was_announced),
	        TEST(sink_trusts_what_the_exhibit_before_has_and_nothing_else),
	        TEST(sink_does_not_trust_where_a_digest_is_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
