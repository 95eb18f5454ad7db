#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>

#include "trail_fixture.h"

static struct vst_err err;

/* Opens, reads everything, checks. True if all of it is good. */
static bool all_good(const char *name, struct findings *findings)
{
	struct vst_trail *trail = NULL;
	struct vst_trail_record record = {0};
	int rc = vst_trail_open(in_scratch(name), &trail, &err);

	for (uint64_t i = 0; rc == 0 && i < vst_trail_size(trail); i++)
		rc = vst_trail_read(trail, i, &record, &err);
	if (rc == 0)
		rc = vst_trail_check(trail, take_finding, findings, &err);
	vst_trail_record_free(&record);
	vst_trail_free(trail);
	return rc == 0 && findings->total == 0;
}

static void assert_finding(const char *name, enum vst_trail_finding finding, const char *path)
{
	struct vst_trail *trail = NULL;
	struct findings findings = {0};

	assert_int_equal(vst_trail_open(in_scratch(name), &trail, &err), 0);
	assert_int_equal(vst_trail_check(trail, take_finding, &findings, &err), 0);
	vst_trail_free(trail);
	if (findings.total != 1 || findings.count[finding] != 1 || strcmp(findings.last_path, path) != 0)
		fail_msg("%u findings, %u as expected; last: %s: %s", findings.total, findings.count[finding],
		        findings.last_path, findings.last_what);
}

/* ---- every byte ---- */

/* What the header says nobody authenticates. */
static bool ignored(const char *path)
{
	static const char *const prefixes[] = {
	        ".git/logs", ".git/description", ".git/info", ".git/hooks", ".git/config"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static void put_file(const char *path, const uint8_t *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static void put_byte(int fd, size_t at, uint8_t byte)
{
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void flip_and_cut(const char *trail, const char *path, unsigned *count)
{
	static const uint8_t masks[] = {0x01, 0x80, 0xff};
	static uint8_t data[1 << 20];
	struct findings findings = {0};
	struct stat st;
	size_t len;
	int fd;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(chmod(path, 0644), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0 && st.st_size < (off_t)sizeof(data));
	len = (size_t)read(fd, data, sizeof(data));
	for (size_t i = 0; i < len; i++)
		for (size_t j = 0; j < sizeof(masks); j++) {
			put_byte(fd, i, data[i] ^ masks[j]);
			if (all_good(trail, &findings))
				fail_msg("%s: byte %zu xor %02x goes unseen", path, i, masks[j]);
			put_byte(fd, i, data[i]);
			memset(&findings, 0, sizeof(findings));
			++*count;
		}
	close(fd);
	for (size_t cut = 0; cut < len; cut += cut < 8 || cut + 24 > len ? 1 : 17) {
		put_file(path, data, cut);
		if (all_good(trail, &findings))
			fail_msg("%s: cut to %zu goes unseen", path, cut);
		memset(&findings, 0, sizeof(findings));
		++*count;
	}
	data[len] = '\n';
	put_file(path, data, len + 1);
	if (all_good(trail, &findings))
		fail_msg("%s: a byte more goes unseen", path);
	put_file(path, data, len);
	assert_int_equal(chmod(path, st.st_mode & 07777), 0);
}

static char listed[256][400];
static size_t listed_count;
static size_t listed_root;

static int list_file(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (flag == FTW_F && !ignored(path + listed_root)) {
		assert_true(listed_count < 256);
		snprintf(listed[listed_count++], sizeof(listed[0]), "%s", path);
	}
	return 0;
}

static void flip_everything(const char *name)
{
	struct findings findings = {.print = true};
	unsigned count = 0;

	assert_true(all_good(name, &findings));
	listed_count = 0;
	listed_root = strlen(in_scratch(name)) + 1;
	assert_int_equal(nftw(in_scratch(name), list_file, 16, FTW_PHYS), 0);
	assert_true(listed_count > 9);
	for (size_t i = 0; i < listed_count; i++)
		flip_and_cut(name, listed[i], &count);
	assert_true(all_good(name, &findings));
	assert_true(count > 5000);
}

static void check_sees_every_flipped_byte(void **state)
{
	(void)state;
	vst_trail_free(trail_make("t", 3));
	flip_everything("t");
}

static void check_sees_every_flipped_byte_of_a_pack(void **state)
{
	(void)state;
	vst_trail_free(trail_make("u", 3));
	/* As a clone is: one pack, and the branch in packed-refs alone. */
	assert_int_equal(run("git clone -q --no-local u p && cd p && rm -rf .git/refs/remotes/* && git "
	                     "remote remove origin; "
	                     "git pack-refs --all && rm -f .git/ORIG_HEAD && git config index.version 2"),
	        0);
	flip_everything("p");
}

/* ---- what is where it does not belong ---- */

static void check_names_strangers(void **state)
{
	static const char *const strangers[] = {"more", "events/x", "events/0000/x", "events/0000/00/x",
	        "events/0000/00/00000003.json", "events/0000/00/00000100.json", ".gitattributes", ".git/more",
	        ".git/objects/more", ".git/objects/00/more", ".git/objects/pack/more",
	        ".git/objects/info/alternates", ".git/objects/info/commit-graph",
	        ".git/objects/pack/multi-pack-index", ".git/shallow", ".git/info/grafts", ".git/MERGE_HEAD"};

	(void)state;
	vst_trail_free(trail_make("t", 3));
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		assert_int_equal(
		        run("mkdir -p t/$(dirname %s) && echo x >t/%s", strangers[i], strangers[i]), 0);
		assert_finding("t", VST_TRAIL_STRANGER, strangers[i]);
		assert_int_equal(run("rm t/%s", strangers[i]), 0);
	}
	assert_int_equal(run("mkdir t/events/0001"), 0);
	assert_finding("t", VST_TRAIL_STRANGER, "events/0001");
}

static void check_names_links_and_pipes(void **state)
{
	static const char *const paths[] = {"case.json", "events/0000/00/00000001.json", ".git/index"};

	(void)state;
	vst_trail_free(trail_make("t", 3));
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(
		        run("cd t && mv %s ../kept && ln -s $PWD/../kept %s", paths[i], paths[i]), 0);
		assert_finding("t", VST_TRAIL_DIFFERENT, paths[i]);
		assert_int_equal(run("cd t && rm %s && mkfifo %s", paths[i], paths[i]), 0);
		assert_finding("t", VST_TRAIL_DIFFERENT, paths[i]);
		assert_int_equal(run("cd t && rm %s && mkdir %s", paths[i], paths[i]), 0);
		assert_finding("t", VST_TRAIL_DIFFERENT, paths[i]);
		assert_int_equal(run("cd t && rmdir %s && mv ../kept %s", paths[i], paths[i]), 0);
	}
	/* A pipe in place of an object or a reference: nobody waits for its writer. */
	assert_int_equal(run("cd t && rm .git/refs/heads/main && mkfifo .git/refs/heads/main"), 0);
	struct vst_trail *trail = NULL;
	assert_int_equal(vst_trail_open(in_scratch("t"), &trail, &err), VST_ETAMPERED);
}

static void check_names_foreign_references(void **state)
{
	(void)state;
	vst_trail_free(trail_make("t", 3));
	assert_int_equal(run("cd t && git update-ref refs/heads/other HEAD~1"), 0);
	assert_finding("t", VST_TRAIL_STRANGER, ".git/refs/heads/other");
	assert_int_equal(run("cd t && git pack-refs --all"), 0);
	assert_finding("t", VST_TRAIL_STRANGER, ".git/packed-refs");
	assert_int_equal(
	        run("cd t && git update-ref -d refs/heads/other && git update-ref refs/notes/x HEAD"), 0);
	assert_finding("t", VST_TRAIL_STRANGER, ".git/refs/notes/x");
	assert_int_equal(run("cd t && git update-ref -d refs/notes/x && git tag v1 HEAD~1"), 0);
	struct findings findings = {.print = true};
	assert_true(all_good("t", &findings));
	assert_int_equal(run("cd t && echo 1111111111111111111111111111111111111111 >.git/refs/tags/v2"), 0);
	assert_finding("t", VST_TRAIL_DIFFERENT, ".git/refs/tags/v2");
	assert_int_equal(run("cd t && rm .git/refs/tags/v2 && mkdir -p .git/refs/remotes/o && "
	                     "echo 'ref: refs/remotes/o/main' >.git/refs/remotes/o/HEAD"),
	        0);
	assert_finding("t", VST_TRAIL_DIFFERENT, ".git/refs/remotes/o/HEAD");
}

static void check_tolerates_a_clone_that_pulled(void **state)
{
	struct vst_trail *trail = trail_make("t", 3);
	struct findings findings = {.print = true};

	(void)state;
	assert_int_equal(run("git clone -q t c"), 0);
	assert_int_equal(add_commit(trail, 3, true, &err), 0);
	vst_trail_free(trail);
	assert_int_equal(run("cd c && git pull -q"), 0);
	assert_true(all_good("c", &findings));
}

/* ---- interrupted commits ---- */

static void check_tells_behind_from_different(void **state)
{
	(void)state;
	vst_trail_free(trail_make("t", 4));
	assert_int_equal(run("cd t && git cat-file blob HEAD~1:checkpoint >checkpoint"), 0);
	assert_finding("t", VST_TRAIL_BEHIND, "checkpoint");
	assert_int_equal(run("cd t && git cat-file blob HEAD:checkpoint >checkpoint && rm "
	                     "events/0000/00/00000003.json"),
	        0);
	assert_finding("t", VST_TRAIL_BEHIND, "events/0000/00/00000003.json");
	assert_int_equal(run("cd t && git checkout -q events && git read-tree HEAD~1"), 0);
	assert_finding("t", VST_TRAIL_BEHIND, ".git/index");
	assert_int_equal(run("cd t && git read-tree HEAD~2"), 0);
	assert_finding("t", VST_TRAIL_DIFFERENT, ".git/index");
	assert_int_equal(run("cd t && git read-tree HEAD && git update-index --chmod=+x checkpoint"), 0);
	assert_finding("t", VST_TRAIL_DIFFERENT, ".git/index");
	assert_int_equal(
	        run("cd t && git read-tree HEAD && git update-index --assume-unchanged checkpoint"), 0);
	assert_finding("t", VST_TRAIL_DIFFERENT, ".git/index");
	assert_int_equal(run("cd t && git read-tree HEAD && rm events/0000/00/00000001.json"), 0);
	assert_finding("t", VST_TRAIL_DIFFERENT, "events/0000/00/00000001.json");
}

static void check_names_unused_objects(void **state)
{
	(void)state;
	vst_trail_free(trail_make("t", 2));
	assert_int_equal(run("cd t && echo x | git hash-object -w --stdin"), 0);
	assert_finding("t", VST_TRAIL_UNUSED, ".git/objects/58/7be6b4c3f93f93c489c0111bba5596147a26cb");
}

static int stop(void *ctx, enum vst_trail_finding finding, const char *path, const char *what)
{
	(void)finding;
	(void)path;
	(void)what;
	++*(int *)ctx;
	return VST_ECANCELLED;
}

static void check_stops_when_told(void **state)
{
	struct vst_trail *trail = trail_make("t", 1);
	int calls = 0;

	(void)state;
	assert_int_equal(run("touch t/a t/b"), 0);
	assert_int_equal(vst_trail_check(trail, stop, &calls, &err), VST_ECANCELLED);
	assert_int_equal(calls, 1);
	vst_trail_free(trail);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_drop)
	const struct CMUnitTest tests[] = {
	        TEST(check_sees_every_flipped_byte),
	        TEST(check_sees_every_flipped_byte_of_a_pack),
	        TEST(check_names_strangers),
	        TEST(check_names_links_and_pipes),
	        TEST(check_names_foreign_references),
	        TEST(check_tolerates_a_clone_that_pulled),
	        TEST(check_tells_behind_from_different),
	        TEST(check_names_unused_objects),
	        TEST(check_stops_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
