/*
 * Sources that take less than the content: metadata without opening, keyed digests without keeping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/collecting.h"
#include "vestige/text.h"

#define BIG 1000000

static const uint8_t key[VST_HASH_LEN] = "thirty-two bytes of a test's key";

static void digest_of(const void *data, size_t len, char ret[2 * VST_HASH_LEN + 1])
{
	uint8_t code[VST_HASH_LEN];
	vst_hmac_sha256(key, sizeof key, &(struct vst_part){data, len}, 1, code);
	vst_hex(code, sizeof code, ret);
}

static void expect_digest(const struct collecting *c, const char *path, const void *data, size_t len)
{
	char digits[2 * VST_HASH_LEN + 1], wanted[256];
	const struct vst_item *item = collecting_item(c, path);
	digest_of(data, len, digits);
	snprintf(wanted, sizeof wanted, "{\"digest\":{\"bytes\":%zu,\"hmac_sha256\":\"%s\"}}", len, digits);
	assert_int_equal(item->content, VST_ITEM_CONTENT_DIGEST);
	assert_false(item->has_content);
	assert_non_null(item->details);
	assert_int_equal(item->details_len, strlen(wanted));
	assert_memory_equal(item->details, wanted, strlen(wanted));
	assert_int_equal(collecting_record(c, path)->content.len, 0);
}

static void use_digests(struct collecting *c)
{
	c->source.content = VST_CONTENT_DIGEST;
	c->context.digest_key = key;
}

static char *make_big(struct collecting *c, const char *name)
{
	char *data = malloc(BIG);
	assert_non_null(data);
	for (size_t i = 0; i < BIG; i++)
		data[i] = (char)(i * 31 + i / 4096);
	int fd = openat(c->root, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, BIG), BIG);
	close(fd);
	return data;
}

static void digest_is_of_all_bytes(void **state)
{
	struct collecting *c = *state;
	use_digests(c);
	char *big = make_big(c, "big");
	tree_write(c->root, "short", "abc", strlen("abc"));
	tree_write(c->root, "empty", "", strlen(""));
	assert_int_equal(linkat(c->root, "short", c->root, "twin", 0), 0);
	collecting_run_path(c, "/");
	expect_digest(c, "/big", big, BIG);
	expect_digest(c, "/short", "abc", 3);
	expect_digest(c, "/twin", "abc", 3);
	expect_digest(c, "/empty", "", 0);
	collecting_status(c, "/big", VST_ITEM_COLLECTED, NULL);
	assert_int_equal(collecting_item(c, "/big")->size, BIG);
	assert_true(collecting_item(c, "/big")->has_read);
	assert_true(collecting_item(c, "/big")->has_after);
	assert_int_equal(collecting_item(c, "/big")->read_got, BIG);
	assert_false(collecting_item(c, "/twin")->is_hardlink);
	free(big);
}

static void digest_hashes_holes_as_zeros(void **state)
{
	struct collecting *c = *state;
	use_digests(c);
	char *whole = calloc(1, 3 * BIG);
	assert_non_null(whole);
	int fd = openat(c->root, "holes", O_RDWR | O_CREAT, 0644);
	assert_true(fd >= 0);
	memset(whole + BIG, 'x', 5000);
	assert_int_equal(pwrite(fd, whole + BIG, 5000, BIG), 5000);
	assert_int_equal(ftruncate(fd, 3 * BIG), 0);
	close(fd);
	collecting_run_path(c, "/holes");
	expect_digest(c, "/holes", whole, 3 * BIG);
	assert_false(collecting_item(c, "/holes")->is_sparse);
	free(whole);
}

static void digest_without_a_key_is_an_error(void **state)
{
	struct collecting *c = *state;
	use_digests(c);
	c->context.digest_key = NULL;
	tree_write(c->root, "short", "abc", strlen("abc"));
	collecting_run_path(c, "/short");
	collecting_status(c, "/short", VST_ITEM_ERROR, "no digest key");
	assert_null(collecting_item(c, "/short")->details);
}

static void digest_is_cut_by_limits(void **state)
{
	struct collecting *c = *state;
	use_digests(c);
	char *big = make_big(c, "big");
	tree_write(c->root, "later", "abc", strlen("abc"));
	c->context.source_left = 300000;
	collecting_path(c, "/big");
	collecting_run_path(c, "/later");
	collecting_status(c, "/big", VST_ITEM_TRUNCATED, "limits.source");
	expect_digest(c, "/big", big, 300000);
	assert_int_equal(collecting_item(c, "/big")->size, BIG);
	collecting_status(c, "/later", VST_ITEM_EXCLUDED, "limits.source");
	assert_null(collecting_item(c, "/later")->details);
	free(big);
}

static void metadata_opens_nothing(void **state)
{
	struct collecting *c = *state;
	const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000, .tv_nsec = 5}};
	struct stat st;
	c->source.content = VST_CONTENT_METADATA;
	tree_write(c->root, "file", "abc", strlen("abc"));
	assert_int_equal(linkat(c->root, "file", c->root, "twin", 0), 0);
	assert_int_equal(fchmodat(c->root, "file", 0, 0), 0);
	assert_int_equal(utimensat(c->root, "file", old, 0), 0);
	assert_int_equal(symlinkat("file", c->root, "link"), 0);
	collecting_run_path(c, "/");
	collecting_expect(c, "/\n/file\n/link\n/twin\n");
	const struct vst_item *item = collecting_item(c, "/file");
	collecting_status(c, "/file", VST_ITEM_COLLECTED, NULL);
	assert_int_equal(item->content, VST_ITEM_CONTENT_METADATA);
	assert_false(item->has_content);
	assert_false(item->has_read);
	assert_null(item->details);
	assert_int_equal(item->size, 3);
	assert_int_equal(item->nlink, 2);
	assert_int_equal(item->mtime, INT64_C(1000000000000000005));
	assert_false(collecting_item(c, "/twin")->is_hardlink);
	assert_int_equal(collecting_item(c, "/twin")->ino, item->ino);
	assert_int_equal(fstatat(c->root, "file", &st, 0), 0);
	assert_int_equal(st.st_atim.tv_sec, 1000000000);
}

static void metadata_costs_no_limit(void **state)
{
	struct collecting *c = *state;
	c->source.content = VST_CONTENT_METADATA;
	c->context.exhibit_left = 0;
	tree_write(c->root, "file", "abc", strlen("abc"));
	collecting_run_path(c, "/file");
	collecting_status(c, "/file", VST_ITEM_COLLECTED, NULL);
}

static void dry_run_tells_what_would_be_taken(void **state)
{
	struct collecting *c = *state;
	use_digests(c);
	c->context.content = false;
	tree_write(c->root, "file", "abc", strlen("abc"));
	collecting_run_path(c, "/file");
	assert_int_equal(collecting_item(c, "/file")->content, VST_ITEM_CONTENT_DIGEST);
	assert_null(collecting_item(c, "/file")->details);
}

/* ---- the source's time ---- */

static atomic_bool expired;

struct expiry {
	size_t items; /* after so many the time is over */
	struct recorder *recorder;
};

static struct expiry expiry;

static void expire_by(void *ctx, const char *path)
{
	(void)path;
	const struct expiry *e = ctx;
	if (e->recorder->count >= e->items)
		atomic_store(&expired, true);
}

static void expire_after(struct collecting *c, size_t items)
{
	atomic_store(&expired, false);
	expiry = (struct expiry){.items = items, .recorder = &c->recorder};
	c->context.expired = &expired;
	c->context.progress = expire_by;
	c->context.progress_ctx = &expiry;
}

static void names_not_reached_are_items(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "a");
	tree_write(c->root, "a/1", "1", strlen("1"));
	tree_write(c->root, "a/2", "2", strlen("2"));
	tree_write(c->root, "a/3", "3", strlen("3"));
	tree_mkdirs(c->root, "b");
	tree_write(c->root, "b/never-listed", "x", strlen("x"));
	tree_write(c->root, "c", "c", strlen("c"));
	collecting_exclude(c, "/a/3");
	expire_after(
	        c, 2); /* "/" and "/a" are taken; "/a/1" is announced and then excluded for want of time */
	collecting_path(c, "/");
	collecting_path(c, "/later/*.log");
	collecting_run_path(c, "/slash/");
	collecting_expect(c, "/\n/a\n/a/1\n/a/2\n/a/3\n/b\n/c\n/later/*.log\n/slash\n");
	collecting_status(c, "/a/1", VST_ITEM_EXCLUDED, "limits.source_time");
	collecting_status(c, "/a/2", VST_ITEM_EXCLUDED, "limits.source_time");
	collecting_status(c, "/a/3", VST_ITEM_EXCLUDED, "exclude: /a/3");
	collecting_status(c, "/b", VST_ITEM_EXCLUDED, "limits.source_time");
	collecting_status(c, "/later/*.log", VST_ITEM_EXCLUDED, "limits.source_time");
	collecting_status(c, "/slash", VST_ITEM_EXCLUDED, "limits.source_time");
	assert_false(collecting_item(c, "/a/2")->has_stat); /* nothing was asked of the file system */
	assert_false(collecting_item(c, "/c")->has_stat);
	assert_int_equal(collecting_item(c, "/b")->type, VST_ITEM_DIRECTORY);
	assert_int_equal(collecting_item(c, "/c")->type, VST_ITEM_FILE);
}

static void alternatives_not_begun_are_items(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "a", "a", strlen("a"));
	tree_write(c->root, "b", "b", strlen("b"));
	expire_after(c, 0);
	collecting_run_path(c, "/{a,b,d/*}");
	collecting_expect(c, "/a\n/b\n/d/*\n");
	collecting_status(c, "/b", VST_ITEM_EXCLUDED, "limits.source_time");
	collecting_status(c, "/d/*", VST_ITEM_EXCLUDED, "limits.source_time");
}

static void only_names_that_match_are_left_out(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "1.log", "1", strlen("1"));
	tree_write(c->root, "2.log", "2", strlen("2"));
	tree_write(c->root, "3.txt", "3", strlen("3"));
	expire_after(c, 0);
	collecting_run_path(c, "/*.log");
	collecting_expect(c, "/1.log\n/2.log\n");
}

static void expire_now(void *ctx, const char *path)
{
	(void)ctx;
	(void)path;
	atomic_store(&expired, true);
}

static void file_being_read_is_cut(void **state)
{
	struct collecting *c = *state;
	char *big = make_big(c, "big");
	atomic_store(&expired, false);
	c->context.expired = &expired;
	c->recorder.on_data = expire_now;
	collecting_run_path(c, "/big");
	collecting_status(c, "/big", VST_ITEM_TRUNCATED, "limits.source_time");
	const struct vst_item *item = collecting_item(c, "/big");
	assert_int_equal(item->size, BIG);
	assert_true(item->read_got > 0 && item->read_got < BIG);
	assert_int_equal(item->read_padding, BIG - item->read_got);
	assert_memory_equal(collecting_record(c, "/big")->content.data, big, item->read_got);
	free(big);
}

int main(void)
{
#define COLLECTS(name) cmocka_unit_test_setup_teardown(name, collecting_setup, collecting_teardown)
	const struct CMUnitTest tests[] = {
	        COLLECTS(digest_is_of_all_bytes),
	        COLLECTS(digest_hashes_holes_as_zeros),
	        COLLECTS(digest_without_a_key_is_an_error),
	        COLLECTS(digest_is_cut_by_limits),
	        COLLECTS(metadata_opens_nothing),
	        COLLECTS(metadata_costs_no_limit),
	        COLLECTS(dry_run_tells_what_would_be_taken),
	        COLLECTS(names_not_reached_are_items),
	        COLLECTS(alternatives_not_begun_are_items),
	        COLLECTS(only_names_that_match_are_left_out),
	        COLLECTS(file_being_read_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
