#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "collect/collecting.h"

#define STATUS(version)                                                                                      \
	"Package: one\nStatus: install ok installed\nArchitecture: amd64\nVersion: " version "\n"
#define MD5_EMPTY "d41d8cd98f00b204e9800998ecf8427e"
#define MD5_HELLO "b1946ac92492d2347c6235b4d2611184" /* "hello\n" */

static int setup(void **state)
{
	collecting_setup(state);
	struct collecting *c = *state;
	assert_int_equal(vst_packages_new(&c->context.packages, NULL), 0);
	c->source.files.packages = true;
	tree_mkdirs(c->root, "usr/bin");
	tree_mkdirs(c->root, "var/lib/dpkg/info");
	assert_int_equal(symlinkat("usr/bin", c->root, "bin"), 0);
	return 0;
}

static int teardown(void **state)
{
	struct collecting *c = *state;
	vst_packages_free(c->context.packages);
	return collecting_teardown(state);
}

static void write_text(struct collecting *c, const char *path, const char *text)
{
	tree_write(c->root, path, text, strlen(text));
}

static void database(struct collecting *c, const char *version, const char *list)
{
	char status[256];
	snprintf(status, sizeof status, STATUS("%s"), version);
	write_text(c, "var/lib/dpkg/status", status);
	write_text(c, "var/lib/dpkg/info/one.md5sums", list);
}

static void expect_details(const struct collecting *c, const char *path, const char *expected)
{
	const struct vst_item *item = collecting_item(c, path);
	char *text = vst_memdup(item->details ? item->details : "", item->details_len);
	assert_string_equal(text, expected);
	free(text);
}

#define DETAILS(md5, same)                                                                                   \
	"{\"package\":{\"name\":\"one\",\"version\":\"1\",\"md5\":\"" md5 "\",\"same\":" same "}}"

static void packages_are_compared_while_files_are_read(void **state)
{
	struct collecting *c = *state;
	database(c, "1", MD5_HELLO "  bin/a\n" MD5_HELLO "  usr/bin/b\n" MD5_EMPTY "  usr/bin/empty\n");
	write_text(c, "usr/bin/a", "hello\n");
	write_text(c, "usr/bin/b", "hullo\n");
	write_text(c, "usr/bin/empty", "");
	write_text(c, "usr/bin/own", "hello\n");
	collecting_run_path(c, "/bin");
	expect_details(c, "/usr/bin/a", DETAILS(MD5_HELLO, "true"));
	expect_details(c, "/usr/bin/b", DETAILS(MD5_HELLO, "false"));
	expect_details(c, "/usr/bin/empty", DETAILS(MD5_EMPTY, "true"));
	expect_details(c, "/usr/bin/own", "");
	expect_details(c, "/packages/dpkg",
	        "{\"packages\":{\"packages\":1,\"files\":3,\"odd_lines\":0,\"without_list\":0,\"unread\":0,"
	        "\"readings\":1,\"same\":2,\"differ\":1,\"not_compared\":0}}");
	collecting_status(c, "/packages/dpkg", VST_ITEM_COLLECTED, NULL);
}

static void packages_are_left_alone_unless_asked_for(void **state)
{
	struct collecting *c = *state;
	database(c, "1", MD5_HELLO "  bin/a\n");
	write_text(c, "usr/bin/a", "hello\n");
	c->source.files.packages = false;
	collecting_run_path(c, "/usr/bin");
	expect_details(c, "/usr/bin/a", "");
	assert_null(recorder_find(&c->recorder, "/packages/dpkg"));
}

static void packages_hash_holes_as_zeros(void **state)
{
	struct collecting *c = *state;
	static char whole[256 * 1024];
	uint8_t md5[VST_MD5_LEN];
	char list[128], hex[33], expected[256];
	struct vst_hash *hash = NULL;
	memcpy(whole + 65536, "middle", 6);
	memcpy(whole + 196608, "end", 3);
	assert_int_equal(vst_hash_new(&hash, VST_HASH_MD5, NULL), 0);
	vst_hash_update(hash, whole, sizeof whole);
	memcpy(md5, vst_hash_final(hash, VST_HASH_MD5), sizeof md5);
	vst_hash_free(hash);
	for (size_t i = 0; i < sizeof md5; i++)
		snprintf(hex + 2 * i, 3, "%02x", md5[i]);
	snprintf(list, sizeof list, "%s  usr/bin/sparse\n", hex);
	database(c, "1", list);
	int fd = openat(c->root, "usr/bin/sparse", O_CREAT | O_RDWR, 0644);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, whole + 65536, 4096, 65536), 4096);
	assert_int_equal(pwrite(fd, whole + 196608, 4096, 196608), 4096);
	assert_int_equal(ftruncate(fd, sizeof whole), 0);
	close(fd);
	collecting_run_path(c, "/usr/bin");
	snprintf(expected, sizeof expected, DETAILS("%s", "true"), hex);
	expect_details(c, "/usr/bin/sparse", expected);
}

/* The first name met is no package's: the other must not escape by being a link to it. */
static void packages_compare_each_name_of_a_file(void **state)
{
	struct collecting *c = *state;
	database(c, "1", MD5_HELLO "  usr/bin/b\n");
	write_text(c, "usr/bin/a", "hullo\n");
	assert_int_equal(linkat(c->root, "usr/bin/a", c->root, "usr/bin/b", 0), 0);
	collecting_run_path(c, "/usr/bin");
	expect_details(c, "/usr/bin/a", "");
	expect_details(c, "/usr/bin/b", DETAILS(MD5_HELLO, "false"));
	assert_true(collecting_item(c, "/usr/bin/b")->is_hardlink);
}

static void packages_read_a_link_that_was_not_compared(void **state)
{
	struct collecting *c = *state;
	database(c, "1", MD5_HELLO "  usr/bin/b\n");
	tree_mkdirs(c->root, "aside");
	write_text(c, "usr/bin/b", "hullo\n");
	assert_int_equal(linkat(c->root, "usr/bin/b", c->root, "aside/a", 0), 0);
	c->source.files.packages = false;
	collecting_run_path(c, "/aside");
	c->source.files.packages = true;
	free(c->paths[0]);
	c->source.files.path_count = 0;
	collecting_run_path(c, "/usr/bin");
	expect_details(c, "/usr/bin/b", DETAILS(MD5_HELLO, "false"));
	collecting_content(c, "/usr/bin/b", "hullo\n");
}

static void packages_say_when_not_all_was_read(void **state)
{
	struct collecting *c = *state;
	database(c, "1", MD5_HELLO "  usr/bin/a\n");
	write_text(c, "usr/bin/a", "hello\n");
	c->context.item_limit = 4;
	collecting_run_path(c, "/usr/bin");
	expect_details(c, "/usr/bin/a",
	        "{\"package\":{\"name\":\"one\",\"version\":\"1\",\"md5\":\"" MD5_HELLO "\"}}");
}

static void upgrade(void *ctx, const char *path)
{
	struct collecting *c = ctx;
	if (strcmp(path, "/usr/bin/b") != 0)
		return;
	write_text(c, "usr/bin/c", "hello\n");
	database(c, "2", MD5_HELLO "  usr/bin/c\n");
}

static void packages_are_read_again_when_they_change(void **state)
{
	struct collecting *c = *state;
	database(c, "1", MD5_EMPTY "  usr/bin/c\n");
	write_text(c, "usr/bin/b", "");
	write_text(c, "usr/bin/c", "");
	c->context.progress = upgrade;
	c->context.progress_ctx = c;
	collecting_run_path(c, "/usr/bin");
	expect_details(c, "/usr/bin/c",
	        "{\"package\":{\"name\":\"one\",\"version\":\"2\",\"md5\":\"" MD5_HELLO "\",\"same\":true}}");
}

static void packages_absent_are_told(void **state)
{
	struct collecting *c = *state;
	write_text(c, "usr/bin/a", "hello\n");
	collecting_run_path(c, "/usr/bin");
	expect_details(c, "/usr/bin/a", "");
	collecting_status(c, "/packages/dpkg", VST_ITEM_ABSENT, NULL);
}

static void packages_unread_are_told(void **state)
{
	struct collecting *c = *state;
	write_text(c, "var/lib/dpkg/status", STATUS("1"));
	tree_mkdirs(c->root, "var/lib/dpkg/info/one.md5sums");
	write_text(c, "usr/bin/a", "hello\n");
	collecting_run_path(c, "/usr/bin");
	assert_int_equal(collecting_item(c, "/packages/dpkg")->status, VST_ITEM_ERROR);
	assert_non_null(strstr(collecting_item(c, "/packages/dpkg")->rule, "info/one.md5sums"));
}

static void packages_of_an_architecture_have_it_in_the_name(void **state)
{
	struct collecting *c = *state;
	write_text(c, "var/lib/dpkg/status",
	        "Package: lib\nStatus: install ok installed\nMulti-Arch: same\nArchitecture: i386\nVersion: "
	        "1\n\n"
	        "Package: lib\nStatus: install ok installed\nMulti-Arch: same\nArchitecture: amd64\nVersion: "
	        "1\n\n");
	write_text(c, "var/lib/dpkg/info/lib:amd64.md5sums", MD5_HELLO "  usr/bin/amd64\n");
	write_text(c, "var/lib/dpkg/info/lib:i386.md5sums", MD5_HELLO "  usr/bin/i386\n");
	write_text(c, "usr/bin/amd64", "hello\n");
	write_text(c, "usr/bin/i386", "hullo\n");
	collecting_run_path(c, "/usr/bin");
	assert_non_null(strstr(collecting_item(c, "/usr/bin/amd64")->details, "true"));
	assert_non_null(strstr(collecting_item(c, "/usr/bin/i386")->details, "false"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	        TEST(packages_are_compared_while_files_are_read),
	        TEST(packages_are_left_alone_unless_asked_for),
	        TEST(packages_hash_holes_as_zeros),
	        TEST(packages_compare_each_name_of_a_file),
	        TEST(packages_read_a_link_that_was_not_compared),
	        TEST(packages_say_when_not_all_was_read),
	        TEST(packages_are_read_again_when_they_change),
	        TEST(packages_absent_are_told),
	        TEST(packages_unread_are_told),
	        TEST(packages_of_an_architecture_have_it_in_the_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
