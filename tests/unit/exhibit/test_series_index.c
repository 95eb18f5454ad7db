#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exhibit/series_map.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/merkle.h"
#include "vestige/series_index.h"
#include "vestige/timefmt.h"

struct kit {
	char dir[64];
	int dirfd;
	struct vst_series_writer *writer;
	int fd;
	uint8_t digest[VST_HASH_LEN];
};

static int set_up(void **state)
{
	struct kit *kit = calloc(1, sizeof *kit);
	strcpy(kit->dir, "/tmp/vestige-series-XXXXXX");
	assert_non_null(mkdtemp(kit->dir));
	kit->dirfd = open(kit->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	kit->fd = -1;
	*state = kit;
	return 0;
}

/* The directory is empty: scratch files leave nothing. */
static int tear_down(void **state)
{
	struct kit *kit = *state;
	vst_series_writer_free(kit->writer);
	if (kit->fd >= 0)
		close(kit->fd);
	close(kit->dirfd);
	assert_int_equal(rmdir(kit->dir), 0);
	free(kit);
	return 0;
}

static int new_file(struct kit *kit)
{
	int fd = openat(kit->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void begin(struct kit *kit, uint64_t exhibit, uint64_t full, const struct vst_series_index *earlier)
{
	struct vst_err err = VST_ERR_INIT;
	kit->fd = new_file(kit);
	if (vst_series_writer_new(kit->fd, kit->dirfd, exhibit, full, earlier, &kit->writer, &err) != 0)
		fail_msg("new: %s", err.text);
}

static int add(struct kit *kit, const struct vst_item *item, const char *facts, unsigned flags)
{
	struct vst_err err = VST_ERR_INIT;
	char line[128];
	snprintf(line, sizeof line, "{\"line\":%llu,\"of\":\"%.64s\"}", (unsigned long long)item->seq,
	        item->path);
	return vst_series_writer_add(
	        kit->writer, item, line, strlen(line), facts, facts ? strlen(facts) : 0, flags, &err);
}

/* `copy` NULL: not wanted; else the file's bytes. */
static struct vst_series_index *end_in(struct kit *kit, struct vst_buf *copy)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_series_index *index = NULL;
	if (vst_series_writer_finish(kit->writer, kit->digest, &err) != 0)
		fail_msg("finish: %s", err.text);
	vst_series_writer_free(kit->writer);
	kit->writer = NULL;
	if (vst_series_index_open(kit->fd, kit->digest, &index, &err) != 0)
		fail_msg("open: %s", err.text);
	if (copy) {
		assert_int_equal(lseek(kit->fd, 0, SEEK_SET), 0);
		assert_int_equal(vst_io_read_all(kit->fd, SIZE_MAX / 2, copy, &err), 0);
	}
	close(kit->fd);
	kit->fd = -1;
	return index;
}

static struct vst_series_index *end(struct kit *kit)
{
	return end_in(kit, NULL);
}

static struct vst_item file_item(uint64_t seq, const char *path, const char *content)
{
	struct vst_item item;
	vst_item_init(&item);
	item.seq = seq;
	item.source = "logs";
	item.path = path;
	item.type = VST_ITEM_FILE;
	item.has_content = true;
	item.size = strlen(content);
	vst_sha256(content, strlen(content), item.sha256);
	item.hashes = VST_HASH_SHA256;
	item.has_stat = true;
	item.mode = 0640;
	item.mtime = 5;
	item.ctime = -7;
	item.dev_major = 8;
	item.dev_minor = 1;
	item.ino = 40 + seq;
	item.nlink = 1;
	return item;
}

static struct vst_item unchanged_item(
        uint64_t seq, const char *path, const char *content, const struct vst_item_stored *stored)
{
	struct vst_item item = file_item(seq, path, content);
	item.status = VST_ITEM_UNCHANGED;
	item.has_content = false;
	item.hashes = 0;
	item.has_whole = true;
	item.whole.size = item.size;
	memcpy(item.whole.sha256, item.sha256, sizeof item.sha256);
	item.whole.hashes = VST_HASH_SHA256;
	item.whole.stored = stored;
	item.whole.stored_count = 1;
	return item;
}

static struct vst_item tail_item(uint64_t seq, const char *path, const char *whole, size_t tail,
        const struct vst_item_stored *stored, size_t count)
{
	struct vst_item item = file_item(seq, path, whole + strlen(whole) - tail);
	item.status = VST_ITEM_TAIL;
	item.has_whole = true;
	item.whole.size = strlen(whole);
	vst_sha256(whole, strlen(whole), item.whole.sha256);
	item.whole.hashes = VST_HASH_SHA256;
	item.whole.stored = stored;
	item.whole.stored_count = count;
	return item;
}

static void assert_pieces(const struct vst_series_index *index, const uint8_t *key, uint64_t size,
        const struct vst_item_stored *want, size_t count)
{
	struct vst_item_stored *got = calloc(VST_ITEM_STORED_MAX, sizeof *got);
	size_t got_count = 0;
	uint64_t got_size = 0;
	assert_true(vst_series_content(index, key, got, &got_count, &got_size));
	assert_int_equal(got_size, size);
	assert_int_equal(got_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(got[i].exhibit, want[i].exhibit);
		assert_int_equal(got[i].seq, want[i].seq);
		assert_int_equal(got[i].bytes, want[i].bytes);
	}
	assert_true(vst_series_has_size(index, size));
	free(got);
}

static void assert_text_known(const struct vst_series_index *index, const char *text,
        const struct vst_item_stored *want, size_t count)
{
	uint8_t key[VST_HASH_LEN];
	vst_sha256(text, strlen(text), key);
	assert_pieces(index, key, strlen(text), want, count);
}

static bool knows(const struct vst_series_index *index, const char *text)
{
	struct vst_item_stored *got = calloc(VST_ITEM_STORED_MAX, sizeof *got);
	uint8_t key[VST_HASH_LEN];
	uint64_t size;
	size_t count;
	bool yes;
	vst_sha256(text, strlen(text), key);
	yes = vst_series_content(index, key, got, &count, &size);
	free(got);
	return yes;
}

/* ---- */

static void series_gives_back_what_was_added(void **state)
{
	struct kit *kit = *state;
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf line = VST_BUF_INIT, facts = VST_BUF_INIT;
	struct vst_series_record record;
	uint64_t seq;
	begin(kit, 3, 3, NULL);
	struct vst_item item = file_item(1, "/var/log/a", "alpha");
	item.mode = 04755;
	item.btime = 1;
	assert_int_equal(add(kit, &item, "{\"n\":1}", VST_SERIES_APPEND_ONLY), 0);
	struct vst_item other = file_item(4, "/var/log/b", "");
	other.source = "etc";
	assert_int_equal(add(kit, &other, NULL, 0), 0);
	struct vst_series_index *index = end(kit);

	assert_int_equal(vst_series_exhibit(index), 3);
	assert_int_equal(vst_series_full(index), 3);
	assert_int_equal(vst_series_seqs(index), 5);
	assert_int_equal(vst_series_items(index), 2);
	assert_int_equal(vst_series_sources(index), 2);
	assert_string_equal(vst_series_source(index, 1), "etc");
	assert_null(vst_series_source(index, 2));
	assert_false(vst_series_at(index, 0, &record));
	assert_false(vst_series_at(index, 3, &record));
	assert_false(vst_series_at(index, 5, &record));
	assert_false(vst_series_find(index, "etc", "/var/log/a", &seq, &record));
	assert_true(vst_series_find(index, "logs", "/var/log/a", &seq, &record));
	assert_int_equal(seq, 1);
	assert_memory_equal(record.content, item.sha256, VST_HASH_LEN);
	assert_int_equal(record.size, 5);
	assert_int_equal(record.mode, 04755);
	assert_int_equal(record.mtime, 5);
	assert_int_equal(record.ctime, -7);
	assert_int_equal(record.btime, 1);
	assert_int_equal(record.ino, 41);
	assert_int_equal(record.dev_major, 8);
	assert_int_equal(record.type, VST_ITEM_FILE);
	assert_int_equal(record.source, 0);
	assert_int_equal(record.flags, VST_SERIES_STAT | VST_SERIES_SET_ID | VST_SERIES_APPEND_ONLY);
	assert_int_equal(vst_series_line(index, &record, &line, &facts, &err), 0);
	assert_string_equal(vst_buf_cstr(&line), "{\"line\":1,\"of\":\"/var/log/a\"}");
	assert_string_equal(vst_buf_cstr(&facts), "{\"n\":1}");
	assert_true(vst_series_at(index, 4, &record));
	assert_int_equal(record.btime, VST_TIME_NONE);
	assert_int_equal(vst_series_line(index, &record, NULL, &facts, &err), 0);
	assert_int_equal(facts.len, 0);
	assert_text_known(index, "alpha", &(struct vst_item_stored){3, 1, 5}, 1);
	assert_text_known(index, "", &(struct vst_item_stored){3, 4, 0}, 1);
	assert_false(knows(index, "beta"));
	vst_buf_free(&line);
	vst_buf_free(&facts);
	vst_series_index_free(index);
}

static void series_parses_a_line(void **state)
{
	struct kit *kit = *state;
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf line = VST_BUF_INIT;
	struct vst_series_record record;
	struct vst_item *parsed = NULL;
	struct vst_item item = file_item(0, "/var/log/a", "alpha");
	begin(kit, 1, 1, NULL);
	assert_int_equal(vst_item_encode(&item, &line, &err), 0);
	assert_int_equal(vst_series_writer_add(kit->writer, &item, line.data, line.len, NULL, 0, 0, &err), 0);
	struct vst_series_index *index = end(kit);
	assert_true(vst_series_at(index, 0, &record));
	assert_int_equal(vst_series_item(index, &record, &parsed, &err), 0);
	assert_string_equal(parsed->path, "/var/log/a");
	vst_item_free(parsed);
	record.line_at++;
	assert_int_equal(vst_series_item(index, &record, &parsed, &err), VST_EFORMAT);
	record.line_at = UINT64_MAX - 1;
	assert_int_equal(vst_series_line(index, &record, &line, NULL, &err), VST_EFORMAT);
	vst_buf_free(&line);
	vst_series_index_free(index);
}

static void series_of_nothing_is_one(void **state)
{
	struct kit *kit = *state;
	struct vst_series_record record;
	uint64_t seq;
	begin(kit, 1, 1, NULL);
	struct vst_series_index *index = end(kit);
	assert_int_equal(vst_series_seqs(index), 0);
	assert_int_equal(vst_series_in_order(index, 0), 0);
	assert_false(vst_series_find(index, "a", "/b", &seq, &record));
	assert_false(vst_series_has_size(index, 0));
	assert_false(knows(index, ""));
	vst_series_index_free(index);
}

static void series_orders_by_path_digest(void **state)
{
	struct kit *kit = *state;
	struct vst_series_record record, before = {0};
	begin(kit, 1, 1, NULL);
	for (uint64_t seq = 0; seq < 1000; seq++) {
		char path[32];
		snprintf(path, sizeof path, "/f/%llu", (unsigned long long)seq);
		struct vst_item item = file_item(seq, path, path);
		assert_int_equal(add(kit, &item, NULL, 0), 0);
	}
	struct vst_series_index *index = end(kit);
	for (uint64_t at = 0; at < 1000; at++) {
		uint64_t seq;
		assert_true(vst_series_at(index, vst_series_in_order(index, at), &record));
		assert_true(at == 0 || memcmp(before.path, record.path, VST_HASH_LEN) < 0);
		assert_true(vst_series_find_digest(index, record.path, &seq, &before));
		assert_int_equal(seq, vst_series_in_order(index, at));
	}
	vst_series_index_free(index);
}

/* ---- an index in memory, where it can be altered and fail ---- */

struct memory {
	struct vst_buf bytes;
	bool fails;
	struct vst_series_counts counts;
};

static int memory_read(void *ctx, uint64_t offset, void *ret, size_t len, struct vst_err *err)
{
	struct memory *memory = ctx;
	if (memory->fails)
		return vst_err_set(err, VST_EIO, "read: no");
	memcpy(ret, memory->bytes.data + offset, len);
	return 0;
}

static struct vst_series_index *memory_open(struct memory *memory)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_series_index *index = NULL;
	const struct vst_input in = {memory, memory->bytes.len, memory_read};
	if (vst_series_index_read(in, NULL, &index, &err) != 0)
		fail_msg("open: %s", err.text);
	return index;
}

/* Of the items that were added. */
static void memory_end(struct kit *kit, struct memory *ret)
{
	*ret = (struct memory){.bytes = VST_BUF_INIT};
	vst_series_index_free(end_in(kit, &ret->bytes));
	assert_true(vst_series_trailer_unpack(
	        ret->bytes.data + ret->bytes.len - VST_SERIES_TRAILER_LEN, &ret->counts));
}

static void series_tells_apart_what_begins_alike(void **state)
{
	struct kit *kit = *state;
	struct memory memory;
	struct vst_series_record record;
	uint64_t seq;
	begin(kit, 1, 1, NULL);
	for (seq = 0; seq < 900; seq++) { /* more than a block of them */
		char path[32];
		snprintf(path, sizeof path, "/f/%llu", (unsigned long long)seq);
		struct vst_item item = file_item(seq, path, path);
		assert_int_equal(add(kit, &item, NULL, 0), 0);
	}
	memory_end(kit, &memory);
	uint8_t *records = memory.bytes.data + VST_SERIES_HEADER_LEN + memory.counts.blocks_len;
	uint8_t *order = records + memory.counts.seqs * VST_SERIES_RECORD_LEN;
	for (seq = 0; seq < 900; seq++) {
		memset(records + seq * VST_SERIES_RECORD_LEN, 0x77, 8);
		memset(order + seq * VST_SERIES_ORDER_LEN, 0x77, 8);
	}
	struct vst_series_index *index = memory_open(&memory);
	for (uint64_t i = 0; i < 900; i += 13) {
		uint8_t path[VST_HASH_LEN];
		memcpy(path, records + i * VST_SERIES_RECORD_LEN, sizeof path);
		assert_true(vst_series_find_digest(index, path, &seq, &record));
		assert_int_equal(seq, i);
		path[31] ^= 1;
		assert_false(vst_series_find_digest(index, path, &seq, &record));
	}
	assert_int_equal(vst_series_error(index, NULL), 0);
	vst_series_index_free(index);
	vst_buf_free(&memory.bytes);
}

static void series_tells_that_it_could_not_be_read(void **state)
{
	struct kit *kit = *state;
	struct memory memory;
	struct vst_err err = VST_ERR_INIT;
	struct vst_series_record record;
	struct vst_buf line = VST_BUF_INIT;
	uint64_t seq;
	begin(kit, 1, 1, NULL);
	struct vst_item item = file_item(0, "/a", "alpha");
	assert_int_equal(add(kit, &item, NULL, 0), 0);
	memory_end(kit, &memory);
	struct vst_series_index *index = memory_open(&memory);
	assert_int_equal(vst_series_index_fd(index), -1);
	assert_false(vst_series_find(index, "logs", "/b", &seq, &record));
	assert_int_equal(vst_series_error(index, &err), 0);
	memory.fails = true;
	assert_false(vst_series_find(index, "logs", "/a", &seq, &record));
	assert_int_equal(vst_series_error(index, &err), VST_EIO);
	assert_non_null(strstr(err.text, "read: no"));
	memory.fails = false;
	assert_true(vst_series_find(index, "logs", "/a", &seq, &record));
	assert_int_equal(vst_series_error(index, &err), VST_EIO); /* one answer was wrong */
	memory.fails = true;
	assert_int_equal(vst_series_line(index, &record, &line, NULL, &err), VST_EIO);
	vst_buf_free(&line);
	vst_series_index_free(index);

	/* Nor is a content carried on that could not be read. */
	memory.fails = false;
	index = memory_open(&memory);
	begin(kit, 2, 1, index);
	vst_series_index_map(index)->contents.have = 0;
	memset(vst_series_index_map(index)->contents.held, 0, sizeof(uint64_t));
	memory.fails = true;
	assert_int_equal(vst_series_writer_finish(kit->writer, kit->digest, &err), VST_EIO);
	vst_series_index_free(index);
	vst_buf_free(&memory.bytes);
}

static void series_lists_what_is_looked_for(void **state)
{
	struct kit *kit = *state;
	struct vst_series_record record;
	uint64_t seq, facts = 0, growing = 0;
	begin(kit, 1, 1, NULL);
	for (seq = 0; seq < 9000; seq += 2) {
		char path[32];
		snprintf(path, sizeof path, "/f/%llu", (unsigned long long)seq);
		struct vst_item item = file_item(seq, path, "x");
		assert_int_equal(add(kit, &item, seq % 6 == 0 ? "{}" : NULL,
		                         seq % 8 == 0 ? VST_SERIES_APPEND_ONLY : 0),
		        0);
	}
	struct vst_series_index *index = end(kit);
	assert_int_equal(vst_series_listed(index, VST_SERIES_WITH_FACTS), 1500);
	assert_int_equal(vst_series_listed(index, VST_SERIES_GROWING), 1125);
	for (; vst_series_listed_at(index, VST_SERIES_WITH_FACTS, facts, &seq, &record); facts++) {
		assert_int_equal(seq, 6 * facts);
		assert_int_equal(record.facts_len, 2);
	}
	for (; vst_series_listed_at(index, VST_SERIES_GROWING, growing, &seq, &record); growing++) {
		assert_int_equal(seq, 8 * growing);
		assert_true(record.flags & VST_SERIES_APPEND_ONLY);
	}
	assert_int_equal(facts, 1500);
	assert_int_equal(growing, 1125);
	vst_series_index_free(index);
}

/* As a collector's process does: the file is at the same place for both, and none moves it for the other. */
static void series_is_read_by_a_child_too(void **state)
{
	struct kit *kit = *state;
	struct vst_series_record record;
	uint64_t seq;
	int status;
	begin(kit, 1, 1, NULL);
	for (seq = 0; seq < 3000; seq++) {
		char path[32];
		snprintf(path, sizeof path, "/f/%llu", (unsigned long long)seq);
		struct vst_item item = file_item(seq, path, path);
		assert_int_equal(add(kit, &item, NULL, 0), 0);
	}
	struct vst_series_index *index = end(kit);
	assert_true(vst_series_index_fd(index) >= 0);
	fflush(NULL);
	pid_t pid = fork();
	for (uint64_t i = 0; i < 3000; i++) {
		char path[32];
		uint64_t want = pid == 0 ? i : 2999 - i;
		snprintf(path, sizeof path, "/f/%llu", (unsigned long long)want);
		bool good = vst_series_find(index, "logs", path, &seq, &record) && seq == want;
		if (pid == 0 && !good)
			_exit(1);
		assert_true(good);
	}
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	vst_series_index_free(index);
}

static void series_carries_a_generation_on(void **state)
{
	struct kit *kit = *state;
	struct vst_item_stored in_first = {1, 1, 5}, in_second = {2, 1, 4};
	begin(kit, 1, 1, NULL);
	struct vst_item a = file_item(1, "/a", "alpha"), gone = file_item(2, "/gone", "gone");
	assert_int_equal(add(kit, &a, NULL, 0), 0);
	assert_int_equal(add(kit, &gone, NULL, 0), 0);
	struct vst_series_index *first = end(kit);

	begin(kit, 2, 1, first);
	struct vst_item b = file_item(1, "/b", "beta"), same = file_item(2, "/same", "alpha");
	struct vst_item still = unchanged_item(3, "/a", "alpha", &in_first);
	assert_int_equal(add(kit, &b, NULL, 0), 0);
	assert_int_equal(add(kit, &same, NULL, 0), 0);
	assert_int_equal(add(kit, &still, NULL, 0), 0);
	struct vst_series_index *second = end(kit);
	vst_series_index_free(first);

	assert_text_known(second, "alpha", &in_first, 1);
	assert_text_known(second, "gone", &(struct vst_item_stored){1, 2, 4}, 1);
	assert_text_known(second, "beta", &in_second, 1);
	struct vst_series_record record;
	uint64_t seq;
	assert_true(vst_series_find(second, "logs", "/a", &seq, &record));
	assert_memory_equal(record.content, a.sha256, VST_HASH_LEN);
	assert_int_equal(record.size, 5);
	assert_false(vst_series_find(second, "logs", "/gone", &seq, &record));

	struct vst_err err = VST_ERR_INIT;
	kit->fd = new_file(kit);
	assert_int_equal(
	        vst_series_writer_new(kit->fd, kit->dirfd, 3, 3, second, &kit->writer, &err), VST_EUSAGE);
	assert_int_equal(
	        vst_series_writer_new(kit->fd, kit->dirfd, 2, 1, second, &kit->writer, &err), VST_EUSAGE);
	vst_series_index_free(second);
}

static void series_puts_tails_together(void **state)
{
	struct kit *kit = *state;
	const struct vst_item_stored pieces[] = {{1, 0, 4}, {2, 0, 3}, {3, 0, 2}};
	begin(kit, 1, 1, NULL);
	struct vst_item log = file_item(0, "/log", "one\n");
	assert_int_equal(add(kit, &log, NULL, 0), 0);
	struct vst_series_index *first = end(kit);
	begin(kit, 2, 1, first);
	log = tail_item(0, "/log", "one\ntwo", 3, pieces, 1);
	assert_int_equal(add(kit, &log, NULL, 0), 0);
	struct vst_series_index *second = end(kit);
	begin(kit, 3, 1, second);
	log = tail_item(0, "/log", "one\ntwo\n3", 2, pieces, 2);
	assert_int_equal(add(kit, &log, NULL, 0), 0);
	struct vst_series_index *third = end(kit);

	assert_text_known(second, "one\ntwo", pieces, 2);
	assert_text_known(third, "one\n", pieces, 1);
	assert_text_known(third, "one\ntwo", pieces, 2);
	assert_text_known(third, "one\ntwo\n3", pieces, 3);
	struct vst_series_record record;
	assert_true(vst_series_at(third, 0, &record));
	assert_memory_equal(record.content, log.whole.sha256, VST_HASH_LEN);
	assert_int_equal(record.size, 9);
	/* The tail alone is in an entry, but is no file's content. */
	assert_false(knows(third, "\n3"));
	vst_series_index_free(first);
	vst_series_index_free(second);
	vst_series_index_free(third);
}

static void series_takes_unchanged_where_nothing_is_carried(void **state)
{
	struct kit *kit = *state;
	struct vst_item_stored stored = {1, 7, 5};
	begin(kit, 2, 1, NULL);
	struct vst_item item = unchanged_item(0, "/a", "alpha", &stored);
	assert_int_equal(add(kit, &item, NULL, 0), 0);
	struct vst_series_index *index = end(kit);
	assert_text_known(index, "alpha", &stored, 1);
	vst_series_index_free(index);
}

static void series_does_not_build_on_what_failed(void **state)
{
	static const struct {
		enum vst_item_status status;
		bool known;
	} cases[] = {{VST_ITEM_COLLECTED, true}, {VST_ITEM_CHANGED, true}, {VST_ITEM_TRUNCATED, false},
	        {VST_ITEM_ERROR, false}, {VST_ITEM_DENIED, false}, {VST_ITEM_VANISHED, false}};
	struct kit *kit = *state;
	char path[16];
	begin(kit, 1, 1, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(path, sizeof path, "/%zu", i);
		struct vst_item item = file_item(i, path, path);
		item.status = cases[i].status;
		assert_int_equal(add(kit, &item, NULL, 0), 0);
	}
	struct vst_series_index *index = end(kit);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(path, sizeof path, "/%zu", i);
		assert_int_equal(knows(index, path), cases[i].known);
	}
	vst_series_index_free(index);
}

static void series_keys_tell_sparse_maps_apart(void **state)
{
	struct kit *kit = *state;
	const struct vst_item_extent at_0[] = {{0, 5}}, at_9[] = {{9, 5}};
	uint8_t plain[VST_HASH_LEN], first[VST_HASH_LEN], moved[VST_HASH_LEN], longer[VST_HASH_LEN],
	        whole[VST_HASH_LEN];
	struct vst_item item = file_item(0, "/a", "alpha");
	assert_true(vst_series_content_key(&item, plain));
	item.is_sparse = true;
	item.size = 100;
	item.extents = at_0;
	item.extent_count = 1;
	assert_true(vst_series_content_key(&item, first));
	begin(kit, 1, 1, NULL);
	assert_int_equal(add(kit, &item, NULL, 0), 0);
	item.extents = at_9;
	assert_true(vst_series_content_key(&item, moved));
	item.size = 101;
	assert_true(vst_series_content_key(&item, longer));
	assert_memory_not_equal(plain, first, VST_HASH_LEN);
	assert_memory_not_equal(first, moved, VST_HASH_LEN);
	assert_memory_not_equal(moved, longer, VST_HASH_LEN);
	/* Found unchanged it has the same key: its data are those of `whole`. */
	item.has_content = false;
	item.status = VST_ITEM_UNCHANGED;
	item.has_whole = true;
	item.whole.size = 5;
	memcpy(item.whole.sha256, item.sha256, VST_HASH_LEN);
	assert_true(vst_series_content_key(&item, whole));
	assert_memory_equal(longer, whole, VST_HASH_LEN);

	/* sparse\0, extent, size, data: written out by hand. */
	uint8_t bytes[7 + 24 + 32] = "sparse", by_hand[VST_HASH_LEN];
	bytes[7 + 8] = 5;
	bytes[7 + 16] = 100;
	memcpy(bytes + 7 + 24, item.sha256, 32);
	vst_sha256(bytes, sizeof bytes, by_hand);
	assert_memory_equal(first, by_hand, VST_HASH_LEN);

	struct vst_series_index *index = end(kit);
	struct vst_series_record record;
	assert_true(vst_series_at(index, 0, &record));
	assert_int_equal(record.size, 5);
	assert_int_equal(record.flags & VST_SERIES_SPARSE, VST_SERIES_SPARSE);
	assert_pieces(index, first, 5, &(struct vst_item_stored){1, 0, 5}, 1);
	vst_series_index_free(index);
}

static void series_takes_digests_from_details(void **state)
{
	struct kit *kit = *state;
	struct vst_item item = file_item(0, "/secret", "alpha");
	uint8_t key[VST_HASH_LEN], hmac[VST_HASH_LEN];
	char hex[2 * VST_HASH_LEN + 1], details[160];
	memset(hmac, 0xa5, sizeof hmac);
	for (size_t i = 0; i < VST_HASH_LEN; i++)
		memcpy(hex + 2 * i, "a5", 3);
	item.has_content = false;
	item.hashes = 0;
	item.content = VST_ITEM_CONTENT_DIGEST;
	item.size = 99;
	assert_false(vst_series_content_key(&item, key));
	snprintf(details, sizeof details, "{\"digest\":{\"bytes\":77,\"hmac_sha256\":\"%s\"}}", hex);
	item.details = details;
	item.details_len = strlen(details);
	assert_true(vst_series_content_key(&item, key));
	assert_memory_equal(key, hmac, VST_HASH_LEN);
	begin(kit, 1, 1, NULL);
	assert_int_equal(add(kit, &item, NULL, 0), 0);
	struct vst_series_index *index = end(kit);
	struct vst_series_record record;
	assert_true(vst_series_at(index, 0, &record));
	assert_memory_equal(record.content, hmac, VST_HASH_LEN);
	assert_int_equal(record.size, 77);
	assert_int_equal(record.extent, VST_ITEM_CONTENT_DIGEST);
	assert_false(vst_series_has_size(index, 77)); /* no exhibit has it */
	vst_series_index_free(index);
	snprintf(details, sizeof details, "{\"digest\":{\"bytes\":77,\"map_hmac_sha256\":\"%s\"}}", hex);
	item.details_len = strlen(details);
	assert_true(vst_series_content_key(&item, key));
	for (size_t cut = 0; cut < strlen(details) - 1; cut++) {
		item.details_len = cut;
		assert_false(vst_series_content_key(&item, key));
	}
}

static void series_completes_hard_links(void **state)
{
	struct kit *kit = *state;
	struct vst_err err = VST_ERR_INIT;
	struct vst_item target = file_item(0, "/a", "alpha"), link = file_item(1, "/b", "");
	struct vst_item stray = file_item(2, "/c", "");
	target.nlink = link.nlink = stray.nlink = 2;
	link.is_hardlink = stray.is_hardlink = true;
	link.has_content = stray.has_content = false;
	link.size = 0;
	vst_merkle_leaf("target", 6, link.hardlink);
	begin(kit, 1, 1, NULL);
	assert_int_equal(vst_series_writer_add(kit->writer, &target, "target", 6, NULL, 0, 0, &err), 0);
	assert_int_equal(add(kit, &link, NULL, 0), 0);
	assert_int_equal(add(kit, &stray, NULL, 0), 0);
	struct vst_series_index *index = end(kit);
	struct vst_series_record record;
	const uint8_t none[VST_HASH_LEN] = {0};
	assert_true(vst_series_at(index, 1, &record));
	assert_memory_equal(record.content, target.sha256, VST_HASH_LEN);
	assert_int_equal(record.size, 5);
	assert_int_equal(record.flags, VST_SERIES_STAT | VST_SERIES_HARDLINK);
	assert_int_equal(record.ino, 41);
	assert_true(vst_series_at(index, 2, &record));
	assert_memory_equal(record.content, none, VST_HASH_LEN);
	vst_series_index_free(index);
}

static void meta_of(struct kit *kit, const struct vst_item *item, uint8_t ret[VST_HASH_LEN / 2])
{
	struct vst_series_record record;
	begin(kit, 1, 1, NULL);
	assert_int_equal(add(kit, item, NULL, 0), 0);
	struct vst_series_index *index = end(kit);
	assert_true(vst_series_at(index, item->seq, &record));
	memcpy(ret, record.meta, sizeof record.meta);
	vst_series_index_free(index);
}

static void series_meta_covers_metadata_and_no_times(void **state)
{
	struct kit *kit = *state;
	static const struct vst_item_xattr xattrs[] = {{"user.a", "1", 1}, {"user.b", NULL, 0}};
	uint8_t same[VST_HASH_LEN / 2], meta[VST_HASH_LEN / 2];
	struct vst_item base = file_item(0, "/a", "alpha");
	meta_of(kit, &base, same);
	struct vst_item item = file_item(3, "/b", "other");
	item.mtime = item.ctime = item.atime = item.btime = 99;
	item.status = VST_ITEM_CHANGED;
	item.has_read = true;
	meta_of(kit, &item, meta);
	assert_memory_equal(meta, same, sizeof meta);
	struct vst_item others[10];
	for (size_t i = 0; i < 10; i++)
		others[i] = base;
	others[0].mode = 0644;
	others[1].uid = 1;
	others[2].gid = 1;
	others[3].user = "root";
	others[4].group = "root";
	others[5].flags = "i";
	others[6].acl = "user::rw-,group::r--,other::---";
	others[7].nlink = 2;
	others[8].xattrs = xattrs;
	others[8].xattr_count = 2;
	others[9].type = VST_ITEM_STREAM;
	for (size_t i = 0; i < 10; i++) {
		meta_of(kit, &others[i], meta);
		assert_memory_not_equal(meta, same, sizeof meta);
	}
	/* A directory's links are its entries. */
	base.type = VST_ITEM_DIRECTORY;
	base.has_content = false;
	meta_of(kit, &base, same);
	base.nlink = 17;
	meta_of(kit, &base, meta);
	assert_memory_equal(meta, same, sizeof meta);
}

static void series_refuses_what_makes_no_sense(void **state)
{
	struct kit *kit = *state;
	struct vst_err err = VST_ERR_INIT;
	uint8_t digest[VST_HASH_LEN];
	struct vst_item item = file_item(5, "/a", "alpha");
	struct vst_item_stored wrong = {1, 0, 1};
	begin(kit, 2, 1, NULL);
	assert_int_equal(add(kit, &item, NULL, 0), 0);
	assert_int_equal(add(kit, &item, NULL, 0), VST_EUSAGE); /* the same seq */
	item.seq = 6;
	assert_int_equal(add(kit, &item, NULL, 0), VST_EUSAGE); /* the failure stays */
	assert_int_equal(vst_series_writer_finish(kit->writer, digest, &err), VST_EUSAGE);
	vst_series_writer_free(kit->writer);
	close(kit->fd);

	begin(kit, 2, 1, NULL);
	item = tail_item(0, "/a", "alpha", 2, &wrong, 1);
	assert_int_equal(add(kit, &item, NULL, 0), VST_EUSAGE); /* pieces that do not add up */
	vst_series_writer_free(kit->writer);
	close(kit->fd);

	begin(kit, 2, 1, NULL);
	item = file_item(0, "/a", "alpha");
	assert_int_equal(add(kit, &item, NULL, 0), 0);
	item.seq = 1;
	assert_int_equal(add(kit, &item, NULL, 0), 0); /* the same place: found when they are sorted */
	assert_int_equal(vst_series_writer_finish(kit->writer, digest, &err), VST_EUSAGE);
}

/* Whatever a damaged index says, all of it can be asked. */
static void ask_all(struct vst_series_index *index)
{
	struct vst_item_stored *stored = calloc(VST_ITEM_STORED_MAX, sizeof *stored);
	struct vst_buf line = VST_BUF_INIT, facts = VST_BUF_INIT;
	struct vst_series_record record;
	uint64_t seq, size;
	size_t count;
	for (uint64_t at = 0; at <= vst_series_items(index) && at < 100; at++) {
		if (vst_series_at(index, vst_series_in_order(index, at), &record)) {
			(void)vst_series_line(index, &record, &line, &facts, NULL);
			(void)vst_series_content(index, record.content, stored, &count, &size);
		}
	}
	(void)vst_series_find(index, "logs", "/log", &seq, &record);
	(void)vst_series_has_size(index, 5);
	for (int list = 0; list < VST_SERIES_LISTS; list++)
		(void)vst_series_listed_at(index, (enum vst_series_list)list, 0, &seq, &record);
	vst_buf_free(&line);
	vst_buf_free(&facts);
	free(stored);
}

static void series_never_takes_damage_for_good(void **state)
{
	struct kit *kit = *state;
	const struct vst_item_stored pieces[] = {{1, 0, 4}};
	struct vst_err err = VST_ERR_INIT;
	struct vst_series_index *index = NULL;
	begin(kit, 2, 1, NULL);
	struct vst_item log = tail_item(0, "/log", "one\ntwo", 3, pieces, 1);
	struct vst_item other = file_item(2, "/other", "alpha");
	assert_int_equal(add(kit, &log, "{}", 0), 0);
	assert_int_equal(add(kit, &other, NULL, 0), 0);
	assert_int_equal(vst_series_writer_finish(kit->writer, kit->digest, &err), 0);
	off_t size = lseek(kit->fd, 0, SEEK_END);
	assert_true(size > 0 && size < 4096);
	for (off_t at = 0; at < size; at++) {
		static const uint8_t flips[] = {0x01, 0x80, 0xff};
		uint8_t was, is;
		assert_int_equal(pread(kit->fd, &was, 1, at), 1);
		for (size_t i = 0; i < sizeof flips; i++) {
			is = was ^ flips[i];
			assert_int_equal(pwrite(kit->fd, &is, 1, at), 1);
			assert_int_equal(
			        vst_series_index_open(kit->fd, kit->digest, &index, &err), VST_ETAMPERED);
			if (vst_series_index_open(kit->fd, NULL, &index, &err) == 0) {
				ask_all(index);
				vst_series_index_free(index);
				index = NULL;
			} else {
				assert_true(err.code == VST_EFORMAT || err.code == VST_EVERSION);
			}
		}
		assert_int_equal(pwrite(kit->fd, &was, 1, at), 1);
	}
	for (off_t cut = size - 1; cut >= 0; cut--) {
		assert_int_equal(ftruncate(kit->fd, cut), 0);
		assert_int_equal(vst_series_index_open(kit->fd, NULL, &index, &err), VST_EFORMAT);
	}
}

static void series_keeps_long_lines_and_facts(void **state)
{
	struct kit *kit = *state;
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf line = VST_BUF_INIT, facts = VST_BUF_INIT;
	size_t len = 3 * VST_SERIES_BLOCK + 17;
	char *text = malloc(len);
	struct vst_series_record record;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i * i % 26);
	begin(kit, 1, 1, NULL);
	for (uint64_t seq = 0; seq < 5; seq++) {
		char path[16];
		snprintf(path, sizeof path, "/%llu", (unsigned long long)seq);
		struct vst_item item = file_item(seq, path, path);
		assert_int_equal(vst_series_writer_add(kit->writer, &item, text, len - seq, text + seq,
		                         seq == 4 ? len - 4 : 3, 0, &err),
		        0);
	}
	struct vst_series_index *index = end(kit);
	for (uint64_t seq = 5; seq-- > 0;) {
		assert_true(vst_series_at(index, seq, &record));
		assert_int_equal(vst_series_line(index, &record, &line, &facts, &err), 0);
		assert_int_equal(line.len, len - seq);
		assert_memory_equal(line.data, text, line.len);
		assert_int_equal(facts.len, seq == 4 ? len - 4 : 3);
		assert_memory_equal(facts.data, text + seq, facts.len);
	}
	vst_buf_free(&line);
	vst_buf_free(&facts);
	vst_series_index_free(index);
	free(text);
}

/* ---- many ---- */

#define MANY UINT64_C(200000)
#ifdef __SANITIZE_ADDRESS__
#define MEASURED false /* what was freed stays for a while */
#else
#define MEASURED true
#endif
#define MEMORY_KIB 40960 /* sorters, buffers, zstd, the test itself */

static long peak_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void write_many(struct kit *kit)
{
	char line[600], path[64];
	memset(line, 'x', sizeof line);
	for (uint64_t seq = 0; seq < MANY; seq++) {
		snprintf(path, sizeof path, "/usr/share/doc/%llu/copyright", (unsigned long long)seq);
		struct vst_item item = file_item(seq, path, path);
		memcpy(line, path, strlen(path));
		if (vst_series_writer_add(kit->writer, &item, line, sizeof line, NULL, 0, 0, NULL) != 0)
			fail_msg("item %llu", (unsigned long long)seq);
	}
}

static void series_of_many_items_needs_little_memory(void **state)
{
	struct kit *kit = *state;
	pid_t pid;
	int status;
	fflush(NULL);
	kit->fd = -1;
	if ((pid = fork()) == 0) {
		struct vst_series_record record;
		uint64_t seq;
		long before = peak_kib();
		begin(kit, 1, 1, NULL);
		write_many(kit);
		if (vst_series_writer_finish(kit->writer, kit->digest, NULL) != 0)
			_exit(2);
		vst_series_writer_free(kit->writer);
		struct vst_series_index *index = NULL;
		if (vst_series_index_open(kit->fd, kit->digest, &index, NULL) != 0)
			_exit(4);
		for (uint64_t i = 0; i < MANY; i++) {
			char path[64];
			snprintf(path, sizeof path, "/usr/share/doc/%llu/copyright", (unsigned long long)i);
			if (!vst_series_find(index, "logs", path, &seq, &record) || seq != i ||
			        !knows(index, path))
				_exit(5);
		}
		vst_series_index_free(index);
		if (MEASURED && peak_kib() - before > MEMORY_KIB)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(series_gives_back_what_was_added),
	        TEST(series_parses_a_line),
	        TEST(series_of_nothing_is_one),
	        TEST(series_orders_by_path_digest),
	        TEST(series_tells_apart_what_begins_alike),
	        TEST(series_tells_that_it_could_not_be_read),
	        TEST(series_lists_what_is_looked_for),
	        TEST(series_is_read_by_a_child_too),
	        TEST(series_carries_a_generation_on),
	        TEST(series_puts_tails_together),
	        TEST(series_takes_unchanged_where_nothing_is_carried),
	        TEST(series_does_not_build_on_what_failed),
	        TEST(series_keys_tell_sparse_maps_apart),
	        TEST(series_takes_digests_from_details),
	        TEST(series_completes_hard_links),
	        TEST(series_meta_covers_metadata_and_no_times),
	        TEST(series_refuses_what_makes_no_sense),
	        TEST(series_never_takes_damage_for_good),
	        TEST(series_keeps_long_lines_and_facts),
	        TEST(series_of_many_items_needs_little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
