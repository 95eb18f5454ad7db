#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exhibit/exhibit_kit.h"
#include "vestige/exhibit_check.h"
#include "vestige/exhibit_extract.h"
#include "vestige/exhibit_salvage.h"

/* A full exhibit and two that refer to it, with a library over them. */
#define SHELF 3

struct shelf {
	struct kit *kits[SHELF + 1]; /* by number, from 1 */
	struct vst_exhibit *open[SHELF + 1];
	struct vst_input in[SHELF + 1];
	unsigned hashes;
	uint64_t missing; /* an exhibit that is not there */
};

static int shelf_open(void *ctx, uint64_t number, struct vst_exhibit **ret, struct vst_err *err)
{
	struct shelf *shelf = ctx;
	const struct vst_exhibit_library library = {shelf_open, shelf};
	struct kit *kit = number >= 1 && number <= SHELF ? shelf->kits[number] : NULL;
	int rc;

	if (!kit || number == shelf->missing)
		return vst_err_set(err, VST_ENOTFOUND, "is missing");
	if (!shelf->open[number]) {
		shelf->in[number] = vst_input_memory(kit->file.data, kit->file.len);
		rc = vst_exhibit_open(
		        &shelf->open[number], &shelf->in[number], &kit->identities, &kit->expect, err);
		if (rc != 0)
			return rc;
		vst_exhibit_set_library(shelf->open[number], &library);
	}
	*ret = shelf->open[number];
	return 0;
}

static void shelf_close(struct shelf *shelf)
{
	for (int i = 1; i <= SHELF; i++) {
		vst_exhibit_free(shelf->open[i]);
		shelf->open[i] = NULL;
	}
}

static void shelf_free(struct shelf *shelf)
{
	shelf_close(shelf);
	for (int i = 1; i <= SHELF; i++)
		if (shelf->kits[i])
			kit_free(shelf->kits[i]);
	free(shelf);
}

/* What an item's line says of content that is elsewhere. */
static void whole_of(struct vst_item *item, const struct shelf *shelf, const void *bytes, size_t len,
        const struct vst_item_stored *stored, size_t count)
{
	struct vst_hash *hash = NULL;

	assert_int_equal(vst_hash_new(&hash, VST_HASH_SHA256 | shelf->hashes, NULL), 0);
	vst_hash_update(hash, bytes, len);
	item->has_whole = true;
	item->whole.size = len;
	item->whole.hashes = VST_HASH_SHA256 | shelf->hashes;
	memcpy(item->whole.sha256, vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN);
	if (shelf->hashes & VST_HASH_MD5)
		memcpy(item->whole.md5, vst_hash_final(hash, VST_HASH_MD5), VST_MD5_LEN);
	item->whole.stored = stored;
	item->whole.stored_count = count;
	vst_hash_free(hash);
}

static void put_unchanged(struct shelf *shelf, unsigned number, const char *path, const char *text,
        const struct vst_item_stored *stored, size_t count)
{
	struct vst_item item;

	kit_stat(&item, path, VST_ITEM_FILE);
	item.status = VST_ITEM_UNCHANGED;
	item.size = strlen(text);
	whole_of(&item, shelf, text, strlen(text), stored, count);
	kit_item(shelf->kits[number], &item, NULL);
}

static void put_tail(struct shelf *shelf, unsigned number, const char *path, const char *text, size_t at,
        const struct vst_item_stored *stored, size_t count)
{
	struct vst_item item;

	kit_stat(&item, path, VST_ITEM_FILE);
	item.status = VST_ITEM_TAIL;
	item.size = strlen(text) - at;
	whole_of(&item, shelf, text, strlen(text), stored, count);
	kit_put(shelf->kits[number], &item, text + at, strlen(text) - at);
}

static const struct vst_item_extent holes[] = {{4096, 4096}, {12288, 4}};
static uint8_t sparse_data[4100], sparse_expanded[20000];
static char long_stream[VST_PART_MAX + 100];

static void put_sparse(struct kit *kit, bool unchanged, const struct shelf *shelf)
{
	static const struct vst_item_stored stored = {1, 6, sizeof sparse_data};
	struct vst_item item;

	kit_stat(&item, "/sparse", VST_ITEM_FILE);
	item.size = 20000;
	item.is_sparse = true;
	item.extents = holes;
	item.extent_count = 2;
	if (!unchanged) {
		kit_put(kit, &item, sparse_data, sizeof sparse_data);
		return;
	}
	item.status = VST_ITEM_UNCHANGED;
	item.has_whole_sha256 = true;
	vst_sha256(sparse_expanded, sizeof sparse_expanded, item.whole_sha256);
	whole_of(&item, shelf, sparse_data, sizeof sparse_data, &stored, 1);
	kit_item(kit, &item, NULL);
}

static void put_links(struct kit *kit)
{
	struct vst_item item;

	kit_stat(&item, "/same-link", VST_ITEM_FILE);
	kit_item(kit, &item, "/same");
	kit_stat(&item, "/log-link", VST_ITEM_FILE);
	kit_item(kit, &item, "/log");
	kit_stat(&item, "/@dir", VST_ITEM_DIRECTORY);
	kit_item(kit, &item, NULL);
}

#define LOG1 "first night\n"
#define LOG2 LOG1 "second night\n"
#define LOG3 LOG2 "third night\n"

static const struct vst_item_stored log_pieces[] = {{1, 4, 12}, {2, 4, 13}};

/* As the tree was in the third night, stored in full. */
static void fill_full(struct kit *kit)
{
	kit_text(kit, "/same", "never changes"); /* seq 2 */
	kit_text(kit, "/empty", "");
	kit_text(kit, "/log", LOG3); /* 4 */
	kit_stream(kit, "/stream", long_stream, sizeof long_stream);
	put_sparse(kit, false, NULL); /* 6 */
	put_links(kit);
	kit_text(kit, "/log@25", "has the name of a tail");
}

static struct shelf *shelf_new(unsigned hashes)
{
	static const struct vst_item_stored same = {1, 2, 13}, stream = {1, 5, sizeof long_stream};
	struct shelf *shelf = calloc(1, sizeof *shelf);
	struct vst_item item;

	memset(long_stream, 's', sizeof long_stream);
	memset(sparse_data, 'd', sizeof sparse_data);
	memset(sparse_expanded + 4096, 'd', 4096);
	memset(sparse_expanded + 12288, 'd', 4);
	shelf->hashes = hashes;
	for (unsigned i = 1; i <= SHELF; i++)
		shelf->kits[i] = kit_new(hashes);
	kit_text(shelf->kits[1], "/same", "never changes");
	kit_text(shelf->kits[1], "/empty", "");
	kit_text(shelf->kits[1], "/log", LOG1);
	kit_stream(shelf->kits[1], "/stream", long_stream, sizeof long_stream);
	put_sparse(shelf->kits[1], false, shelf);
	kit_finish(shelf->kits[1]);

	put_unchanged(shelf, 2, "/same", "never changes", &same, 1);
	put_unchanged(shelf, 2, "/empty", "", NULL, 0);
	put_tail(shelf, 2, "/log", LOG2, strlen(LOG1), log_pieces, 1);
	kit_finish(shelf->kits[2]);

	put_unchanged(shelf, 3, "/same", "never changes", &same, 1);
	put_unchanged(shelf, 3, "/empty", "", NULL, 0);
	put_tail(shelf, 3, "/log", LOG3, strlen(LOG2), log_pieces, 2);
	kit_stat(&item, "/stream", VST_ITEM_STREAM);
	item.status = VST_ITEM_UNCHANGED;
	whole_of(&item, shelf, long_stream, sizeof long_stream, &stream, 1);
	kit_item(shelf->kits[3], &item, NULL);
	put_sparse(shelf->kits[3], true, shelf);
	put_links(shelf->kits[3]);
	kit_text(shelf->kits[3], "/log@25", "has the name of a tail");
	kit_finish(shelf->kits[3]);
	return shelf;
}

static int content(
        struct shelf *shelf, unsigned number, const char *path, struct vst_buf *out, struct vst_err *err)
{
	const struct vst_output to = vst_output_buf(out);
	struct vst_exhibit_entry entry = {0};
	struct vst_exhibit *exhibit = NULL;
	int rc;

	vst_buf_clear(out);
	vst_err_clear(err);
	kit_must(shelf_open(shelf, number, &exhibit, err), err, "open");
	kit_must(vst_exhibit_find(exhibit, "logs", path, &entry, err), err, path);
	rc = vst_exhibit_content(exhibit, &entry, true, &to, err);
	vst_exhibit_entry_free(&entry);
	return rc;
}

static void expect_content(
        struct shelf *shelf, unsigned number, const char *path, const void *want, size_t len)
{
	struct vst_buf out = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	kit_must(content(shelf, number, path, &out, &err), &err, path);
	assert_int_equal(out.len, len);
	if (len > 0)
		assert_memory_equal(out.data, want, len);
	vst_buf_free(&out);
}

static void series_gives_content_of_earlier_exhibits(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct shelf *shelf = shelf_new(i ? VST_HASH_SHA256 | VST_HASH_MD5 : VST_HASH_SHA256);

		expect_content(shelf, 2, "/log", LOG2, strlen(LOG2));
		expect_content(shelf, 3, "/same", "never changes", 13);
		expect_content(shelf, 3, "/empty", "", 0);
		expect_content(shelf, 3, "/log", LOG3, strlen(LOG3));
		expect_content(shelf, 3, "/log@25", "has the name of a tail", 22);
		expect_content(shelf, 3, "/stream", long_stream, sizeof long_stream);
		expect_content(shelf, 3, "/sparse", sparse_expanded, sizeof sparse_expanded);
		expect_content(shelf, 3, "/same-link", "never changes", 13);
		expect_content(shelf, 3, "/log-link", LOG3, strlen(LOG3));
		vst_exhibit_rest(shelf->open[1]);
		expect_content(shelf, 3, "/same", "never changes", 13);
		shelf_free(shelf);
	}
}

static void series_gives_what_an_entry_holds_itself(void **state)
{
	struct shelf *shelf = shelf_new(0);
	struct vst_exhibit_entry entry = {0};
	struct vst_exhibit *exhibit = NULL;
	struct vst_buf out = VST_BUF_INIT;
	struct vst_output to = vst_output_buf(&out);
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	kit_must(shelf_open(shelf, 3, &exhibit, &err), &err, "open");
	kit_must(vst_exhibit_find(exhibit, "logs", "/log", &entry, &err), &err, "/log");
	kit_must(vst_exhibit_stored(exhibit, &entry, &to, &err), &err, "/log");
	assert_string_equal(vst_buf_cstr(&out), "third night\n");
	vst_exhibit_entry_free(&entry);
	kit_must(vst_exhibit_find(exhibit, "logs", "/same", &entry, &err), &err, "/same");
	assert_int_equal(vst_exhibit_stored(exhibit, &entry, &to, &err), VST_ENOTFOUND);
	vst_exhibit_entry_free(&entry);
	assert_int_equal(vst_exhibit_entry_at(exhibit, 4711, &entry, &err), VST_ENOTFOUND);
	vst_buf_free(&out);
	shelf_free(shelf);
}

static void series_says_which_exhibit_is_missing(void **state)
{
	struct shelf *shelf = shelf_new(0);
	struct vst_buf out = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	shelf->missing = 2;
	expect_content(shelf, 3, "/same", "never changes", 13);
	assert_int_equal(content(shelf, 3, "/log", &out, &err), VST_ENOTFOUND);
	assert_non_null(strstr(err.text, "EX0002, item 4: is missing"));
	/* Without a library at all. */
	vst_exhibit_set_library(shelf->open[3], &(struct vst_exhibit_library){0});
	assert_int_equal(content(shelf, 3, "/same", &out, &err), VST_ENOTFOUND);
	assert_non_null(strstr(err.text, "EX0001, item 2: that exhibit is not at hand"));
	expect_content(shelf, 3, "/log@25", "has the name of a tail", 22);
	vst_buf_free(&out);
	shelf_free(shelf);
}

/* Sealed lines that say what is not so. */
static void series_refuses_references_that_do_not_hold(void **state)
{
	static const struct {
		struct vst_item_stored stored;
		const char *text, *why;
	} cases[] = {
	        {{1, 2, 13}, "something els", "SHA-256 is not the sealed one"},
	        {{1, 2, 12}, "never change", "does not hold 12 bytes"},
	        {{1, 1, 10}, "policy: x\n", "does not hold"}, /* a record */
	        {{1, 4711, 13}, "never changes", "no such item"},
	        {{2, 2, 13}, "never changes", "does not hold"}, /* unchanged itself */
	        {{2, 4, 25}, LOG2, "does not hold 25 bytes"},   /* a tail holds its tail */
	        {{9, 2, 13}, "never changes", "is missing"},
	};
	struct vst_buf out = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct shelf *shelf = shelf_new(0);

		shelf_close(shelf);
		kit_free(shelf->kits[3]);
		shelf->kits[3] = kit_new(0);
		put_unchanged(shelf, 3, "/forged", cases[i].text, &cases[i].stored, 1);
		kit_finish(shelf->kits[3]);
		assert_int_equal(content(shelf, 3, "/forged", &out, &err),
		        cases[i].stored.exhibit == 9 ? VST_ENOTFOUND : VST_ETAMPERED);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%zu: %s", i, err.text);
		shelf_free(shelf);
	}
	vst_buf_free(&out);
}

/* ---- extraction ---- */

static int done(void *ctx, const struct vst_item *item, enum vst_extract_outcome outcome, const char *problem,
        struct vst_err *err)
{
	(void)err;
	if (outcome == VST_EXTRACT_FAILED) {
		if (!ctx)
			fail_msg("%s: %s", item->path, problem);
		++*(unsigned *)ctx;
	}
	return 0;
}

static void extract_to(struct vst_exhibit *exhibit, int top, const char *name, unsigned *failed)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_exhibit_extract_options options = {.done = done, .ctx = failed};

	assert_int_equal(mkdirat(top, name, 0700), 0);
	options.out_dirfd = openat(top, name, O_RDONLY | O_DIRECTORY);
	kit_must(vst_exhibit_extract(exhibit, &options, &err), &err, name);
	close(options.out_dirfd);
}

static void series_extracts_what_a_full_exhibit_would(void **state)
{
	struct shelf *shelf = shelf_new(0);
	struct vst_exhibit *exhibit = NULL;
	struct vst_err err = VST_ERR_INIT;
	char dir[] = "/tmp/vestige-series-XXXXXX", command[512];
	unsigned failed = 0;
	int top;

	(void)state;
	assert_non_null(mkdtemp(dir));
	top = open(dir, O_RDONLY | O_DIRECTORY);
	kit_must(shelf_open(shelf, 3, &exhibit, &err), &err, "open");
	extract_to(exhibit, top, "incremental", NULL);
	shelf->missing = 1;
	shelf_close(shelf);
	kit_must(shelf_open(shelf, 3, &exhibit, &err), &err, "open");
	extract_to(exhibit, top, "lacking", &failed);
	assert_int_equal(failed, 6); /* all but the directory, the empty file, and what is its own */
	shelf_close(shelf);
	kit_free(shelf->kits[3]);
	shelf->kits[3] = kit_new(0);
	fill_full(shelf->kits[3]);
	kit_finish(shelf->kits[3]);
	kit_must(shelf_open(shelf, 3, &exhibit, &err), &err, "open");
	extract_to(exhibit, top, "full", NULL);
	snprintf(command, sizeof command,
	        "cd %s && diff -r full/items incremental/items && "
	        "list() { (cd $1/items && find . -mindepth 2 -printf '%%p %%y %%m %%s %%b %%n %%T@\\n' | "
	        "sort); } && "
	        "test \"$(list full)\" = \"$(list incremental)\"",
	        dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	close(top);
	shelf_free(shelf);
}

/* ---- stock tools ---- */

static void write_at(int top, const char *name, const void *data, size_t len)
{
	int fd = openat(top, name, O_WRONLY | O_CREAT | O_APPEND, 0600);
	struct vst_err err = VST_ERR_INIT;

	assert_true(fd >= 0);
	kit_must(vst_io_write(fd, data, len, &err), &err, name);
	close(fd);
}

/* The README's script, over exhibits whose identities are all in one file. */
static void series_is_rebuilt_by_the_readme(void **state)
{
	struct shelf *shelf = shelf_new(0);
	struct vst_exhibit *exhibit = NULL;
	struct vst_err err = VST_ERR_INIT;
	char dir[] = "/tmp/vestige-series-XXXXXX", command[1024], name[64];
	int top;

	(void)state;
	assert_non_null(mkdtemp(dir));
	top = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(top, "exhibits", 0700), 0);
	for (size_t i = 1; i <= SHELF; i++) {
		struct vst_buf text = VST_BUF_INIT;

		snprintf(name, sizeof name, "exhibits/EX%04zu.tar.zst.age", i);
		write_at(top, name, shelf->kits[i]->file.data, shelf->kits[i]->file.len);
		kit_must(
		        vst_age_identity_text(shelf->kits[i]->identities.list[0], &text, &err), &err, "text");
		vst_buf_byte(&text, '\n');
		write_at(top, "key", text.data, text.len);
		vst_buf_wipe(&text);
	}
	kit_must(shelf_open(shelf, 3, &exhibit, &err), &err, "open");
	extract_to(exhibit, top, "ours", NULL);
	snprintf(command, sizeof command,
	        "cd %s && sed -n '/<!-- stock-rebuild begin -->/,/<!-- stock-rebuild end -->/p' "
	        "%s/../../README.md | "
	        "sed -n '/^```sh$/,/^```$/p' | sed '1d;$d' >rebuild && test -s rebuild && "
	        "sh rebuild . 3 key theirs && diff -r ours/items theirs/items && "
	        "list() { (cd $1/items && find . ! -type d -printf '%%p %%y %%m %%s %%n %%T@\n' | sort); } "
	        "&& "
	        "test \"$(list ours)\" = \"$(list theirs)\"",
	        dir, VST_TEST_DATA);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	close(top);
	shelf_free(shelf);
}

/* ---- the deep check ---- */

#define SAID 4096

static int add_problem(void *ctx, const char *source, const char *path, const char *what)
{
	char *text = ctx;
	size_t len = strlen(text);

	snprintf(text + len, SAID - len, "%s:%s: %s\n", source ? source : "", path ? path : "", what);
	return 0;
}

static uint64_t check(struct kit *kit, char text[SAID])
{
	struct vst_exhibit_check_options options = {.problem = add_problem, .ctx = text};
	struct vst_exhibit_check_result result = {0};
	struct vst_input in = vst_input_memory(kit->file.data, kit->file.len);
	struct vst_err err = VST_ERR_INIT;

	text[0] = '\0';
	kit_must(vst_exhibit_check(&in, &kit->identities, &kit->expect, &options, &result, &err), &err,
	        "check");
	return result.problems;
}

static void series_passes_the_check_of_each_exhibit(void **state)
{
	struct shelf *shelf = shelf_new(VST_HASH_MD5);
	char text[SAID];

	(void)state;
	for (int i = 1; i <= SHELF; i++)
		if (check(shelf->kits[i], text) != 0)
			fail_msg("%d: %s", i, text);
	shelf_free(shelf);
}

static void series_check_finds_a_changed_tail(void **state)
{
	struct shelf *shelf = shelf_new(0);
	struct kit_member member;
	char text[SAID];

	(void)state;
	kit_unpack(shelf->kits[3]);
	member = kit_find(shelf->kits[3], "items/logs/log@25");
	shelf->kits[3]->tar.data[member.body] ^= 1;
	kit_pack(shelf->kits[3], 4096, true);
	assert_true(check(shelf->kits[3], text) > 0);
	assert_non_null(strstr(text, "logs:/log: "));
	shelf_free(shelf);
}

/* The line of the link that is unchanged, bent to name another leaf: the root tells too. */
static void series_check_finds_a_link_to_nothing(void **state)
{
	struct shelf *shelf = shelf_new(0);
	uint8_t *at;
	char text[SAID];

	(void)state;
	kit_unpack(shelf->kits[3]);
	at = memmem(shelf->kits[3]->tar.data, shelf->kits[3]->tar.len, "\"hardlink\":\"", 12);
	assert_non_null(at);
	at[12] = at[12] == '0' ? '1' : '0';
	kit_pack(shelf->kits[3], 4096, true);
	assert_true(check(shelf->kits[3], text) > 0);
	if (!strstr(text, "is a hard link to what is no earlier item"))
		fail_msg("%s", text);
	shelf_free(shelf);
}

/* `/a@5` has a long name because of the tail of `/a`; a link in the tar to the tail's name is not a link to
 * it. */
static void series_check_finds_a_link_to_a_tail_by_the_name_of_another(void **state)
{
	static const struct vst_item_stored stored = {1, 3, 5};
	struct shelf *shelf = calloc(1, sizeof *shelf);
	struct kit *kit = shelf->kits[3] = kit_new(0);
	struct kit_member member;
	struct vst_item item;
	char text[SAID];

	(void)state;
	put_tail(shelf, 3, "/a", "12345678", 5, &stored, 1);
	kit_text(kit, "/a@5", "a file");
	kit_stat(&item, "/b", VST_ITEM_FILE);
	kit_item(kit, &item, "/a@5");
	kit_finish(kit);
	if (check(kit, text) != 0)
		fail_msg("%s", text);
	kit_unpack(kit);
	member = kit_find(kit, "items/logs/b");
	assert_string_equal((char *)kit->tar.data + member.header + 157, "items/long/3");
	strcpy((char *)kit->tar.data + member.header + 157, "items/logs/a@5");
	kit_checksum(kit, member.header);
	kit_pack(kit, 4096, true);
	assert_true(check(kit, text) > 0);
	assert_non_null(strstr(text, "which is not the item that its manifest line names"));
	shelf_free(shelf);
}

/* ---- salvage ---- */

static int salvaged(void *ctx, const struct vst_item *item, enum vst_salvage_state state, const char *what,
        struct vst_err *err)
{
	char *text = ctx;
	size_t len = strlen(text);

	(void)err;
	snprintf(text + len, SAID - len, "%s %s: %s\n", vst_salvage_state_name(state), item->path,
	        what ? what : "");
	return 0;
}

static void series_salvage_says_what_is_elsewhere(void **state)
{
	struct shelf *shelf = shelf_new(0);
	struct kit *kit = shelf->kits[3];
	char dir[] = "/tmp/vestige-series-XXXXXX", command[256], text[SAID] = "";
	struct vst_input in = vst_input_memory(kit->file.data, kit->file.len);
	struct vst_salvage_options options = {.item = salvaged, .ctx = text};
	struct vst_salvage_result result = {0};
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	options.out_dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	kit_must(vst_exhibit_salvage(&in, &kit->identities, &options, &result, &err), &err, "salvage");
	close(options.out_dirfd);
	assert_int_equal(result.elsewhere, 7);
	assert_int_equal(result.missing + result.partial + result.unverified, 0);
	assert_non_null(strstr(text, "whole /same: its content is in an earlier exhibit\n"));
	assert_non_null(strstr(text, "whole /log: from byte 25 on; what is before is in earlier exhibits\n"));
	snprintf(command, sizeof command,
	        "cd %s/whole/items && test \"$(cat logs/log@25)\" = 'third night' && rm -r %s", dir, dir);
	assert_int_equal(system(command), 0);
	shelf_free(shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(series_gives_content_of_earlier_exhibits),
	        cmocka_unit_test(series_gives_what_an_entry_holds_itself),
	        cmocka_unit_test(series_says_which_exhibit_is_missing),
	        cmocka_unit_test(series_refuses_references_that_do_not_hold),
	        cmocka_unit_test(series_extracts_what_a_full_exhibit_would),
	        cmocka_unit_test(series_is_rebuilt_by_the_readme),
	        cmocka_unit_test(series_passes_the_check_of_each_exhibit),
	        cmocka_unit_test(series_check_finds_a_changed_tail),
	        cmocka_unit_test(series_check_finds_a_link_to_nothing),
	        cmocka_unit_test(series_salvage_says_what_is_elsewhere),
	        cmocka_unit_test(series_check_finds_a_link_to_a_tail_by_the_name_of_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
