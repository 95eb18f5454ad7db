/*
 * Each allocation and each read fails once, in turn. Without memory the run ends and says so; a file or
 * directory that cannot be read is an item, and all others are there. A plan of faults is read once a
 * process, so each turn is a child of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/tree.h"
#include "vestige/collector.h"
#include "vestige/err.h"

#ifndef VESTIGE_FAULTS

static void collect_faults_need_a_build_with_faults(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(collect_faults_need_a_build_with_faults)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <sys/wait.h>

enum { DONE = 0, WRONG_CODE = 10, WRONG_ITEMS = 11, NO_MEMORY = 12, ONE_FAILED = 13 };

#define ITEMS 12

/* A sink that allocates nothing. */
struct counts {
	unsigned items, failed;
};

static bool sink_has(void *ctx, const char *path)
{
	(void)ctx, (void)path;
	return false;
}

static int sink_begin(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	(void)ctx, (void)item, (void)err;
	return 0;
}

static int sink_data(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	(void)ctx, (void)data, (void)len, (void)err;
	return 0;
}

static int sink_end(void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct counts *counts = ctx;
	(void)err;
	counts->items++;
	counts->failed += item->status == VST_ITEM_ERROR && item->error == EIO;
	if (ret_leaf)
		memset(ret_leaf, 1, VST_HASH_LEN);
	return 0;
}

static int sink_item(void *ctx, struct vst_item *item, const char *link_source, const char *link_path,
        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	(void)link_source, (void)link_path;
	return sink_end(ctx, item, ret_leaf, err);
}

static const char dpkg_status[] = "Package: p\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n"
                                  "Conffiles:\n /etc/p 0123456789abcdef0123456789abcdef\n";
static const char dpkg_diversions[] = "/run/x\n/run/y\n:\n";
static const char dpkg_list[] = "0123456789abcdef0123456789abcdef  run/sub/big\n"
                                "0cc175b9c0f1b6a831c399e269772661  run/a\n"
                                "0123456789abcdef0123456789abcdef  run/x\n";

static void make_tree(int root)
{
	static char block[300000];
	tree_mkdirs(root, "etc");
	tree_mkdirs(root, "run/sub");
	tree_mkdirs(root, "var");
	tree_write(root, "etc/passwd", "root:x:0:0:::\n", 14);
	tree_mkdirs(root, "var/lib/dpkg/info");
	tree_mkdirs(root, "var/lib/dpkg/updates");
	tree_write(root, "var/lib/dpkg/status", dpkg_status, sizeof dpkg_status - 1);
	tree_write(root, "var/lib/dpkg/updates/0001", dpkg_status, sizeof dpkg_status - 1);
	tree_write(root, "var/lib/dpkg/diversions", dpkg_diversions, sizeof dpkg_diversions - 1);
	tree_write(root, "var/lib/dpkg/info/p.md5sums", dpkg_list, sizeof dpkg_list - 1);
	assert_int_equal(symlinkat("../run", root, "var/run"), 0);
	assert_int_equal(symlinkat("nowhere", root, "run/link"), 0);
	tree_write(root, "run/sub/big", block, sizeof block);
	tree_write(root, "run/a", "a", 1);
	tree_write(root, "run/empty", "", 0);
	tree_write(root, "run/skipped.iso", "s", 1);
	assert_int_equal(linkat(root, "run/a", root, "run/b", 0), 0);
	int fd = openat(root, "run/sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, "x", 1, 1 << 20), 1);
	close(fd);
}

static enum vst_policy_content content; /* what is taken of it */

static int collect(int root, struct counts *counts)
{
	static const uint8_t key[VST_HASH_LEN];
	char name[] = "run", path1[] = "/var/run/**", path2[] = "/gone/{a,b}", exclude[] = "*.iso";
	char *paths[] = {path1, path2}, *excludes[] = {exclude};
	const struct vst_policy_source source = {
	        .name = name,
	        .kind = VST_SOURCE_FILES,
	        .content = content,
	        .files = {.paths = paths,
	                .path_count = 2,
	                .exclude = excludes,
	                .exclude_count = 1,
	                .packages = content != VST_CONTENT_METADATA},
	};
	const struct vst_sink sink = {.ctx = counts,
	        .has = sink_has,
	        .begin = sink_begin,
	        .data = sink_data,
	        .end = sink_end,
	        .item = sink_item};
	struct vst_collect_context context = {
	        .root_fd = root, .item_limit = UINT64_MAX, .exhibit_left = UINT64_MAX, .source_left = UINT64_MAX, .content = true, .digest_key = key};
	struct vst_accounts *accounts = NULL;
	int rc = vst_accounts_load(root, &accounts, NULL);
	if (rc == 0)
		rc = vst_hardlinks_new(&context.hardlinks, NULL);
	if (rc == 0)
		rc = vst_packages_new(&context.packages, NULL);
	context.accounts = accounts;
	if (rc == 0)
		rc = vst_collect(&context, &source, &sink, NULL);
	vst_accounts_free(accounts);
	vst_packages_free(context.packages);
	vst_hardlinks_free(context.hardlinks);
	return rc;
}

static int run_child(int root, const char *kind, unsigned nth, const char *what)
{
	int status;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct counts counts = {0, 0};
		char plan[64];
		snprintf(plan, sizeof plan, "%s:%u:%s", kind, nth, what);
		setenv("VESTIGE_FAULT", plan, 1);
		int rc = collect(root, &counts);
		close(root);
		if (rc == VST_ENOMEM)
			exit(NO_MEMORY); /* and not _exit(): a leak would be told */
		if (rc != 0)
			exit(WRONG_CODE);
		if (counts.items != ITEMS + (content != VST_CONTENT_METADATA) && counts.failed == 0)
			exit(WRONG_ITEMS);
		exit(counts.failed ? ONE_FAILED : DONE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void collect_ends_at_every_failed_allocation(void **state)
{
	int root = *(int *)*state;
	for (content = VST_CONTENT_FULL; content <= VST_CONTENT_METADATA; content++) {
		unsigned nth = 1;
		int how;
		while ((how = run_child(root, "malloc", nth, "ENOMEM")) == NO_MEMORY)
			nth++;
		assert_int_equal(how, DONE);
		assert_true(nth > 20);
	}
	content = VST_CONTENT_FULL;
}

static void collect_tells_every_failed_read(void **state)
{
	int root = *(int *)*state;
	unsigned failed = 0;
	for (unsigned nth = 1; nth < 40; nth++) {
		int how = run_child(root, "read", nth, "EIO");
		assert_true(how == DONE || how == ONE_FAILED);
		failed += how == ONE_FAILED;
	}
	assert_true(failed >= 8); /* three directories' ends, and files */
}

static void collect_goes_on_after_interrupted_and_short_reads(void **state)
{
	int root = *(int *)*state;
	for (content = VST_CONTENT_FULL; content <= VST_CONTENT_METADATA; content++) {
		for (unsigned nth = 1; nth < 30; nth++) {
			assert_int_equal(run_child(root, "read", nth, "EINTR"), DONE);
			assert_int_equal(run_child(root, "read", nth, "short"), DONE);
		}
	}
	content = VST_CONTENT_FULL;
}

static int setup(void **state)
{
	static int root;
	root = tree_make();
	make_tree(root);
	*state = &root;
	return 0;
}

static int teardown(void **state)
{
	tree_remove(*(int *)*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(collect_ends_at_every_failed_allocation),
	        cmocka_unit_test(collect_tells_every_failed_read),
	        cmocka_unit_test(collect_goes_on_after_interrupted_and_short_reads),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

#endif
