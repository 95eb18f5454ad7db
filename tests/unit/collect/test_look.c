/*
 * A look at where a pattern leads: counts and the first names, never a whole tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collect/tree.h"
#include "vestige/err.h"
#include "vestige/look.h"

static int root;

static int setup(void **state)
{
	(void)state;
	root = tree_make();
	tree_mkdirs(root, "a/deep/er");
	tree_mkdirs(root, "b");
	tree_mkdirs(root, "usr/lib");
	tree_write(root, "a/1.log", "", 0);
	tree_write(root, "a/2.log", "", 0);
	tree_write(root, "a/3.log", "", 0);
	tree_write(root, "a/4.log", "", 0);
	tree_write(root, "b/1.log", "", 0);
	tree_write(root, "usr/lib/x", "", 0);
	return symlinkat("/usr/lib", root, "lib") + symlinkat("../..", root, "b/up");
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(root);
	return 0;
}

static void expect(const char *pattern, uint64_t matches, bool any_depth, const char *first)
{
	struct vst_look look = {0};
	struct vst_err err = VST_ERR_INIT;
	if (vst_look(root, pattern, &look, &err) != 0)
		fail_msg("%s: %s", pattern, err.text);
	if (look.matches != matches)
		fail_msg("%s: %d matches", pattern, (int)look.matches);
	assert_int_equal(look.any_depth, any_depth);
	assert_false(look.more);
	assert_int_equal(look.denied + look.failed, 0);
	if (first)
		assert_string_equal(look.examples[0], first);
	else
		assert_null(look.examples[0]);
	vst_look_free(&look);
}

static void literal_paths_are_there_or_not(void **state)
{
	(void)state;
	expect("/a", 1, false, "/a");
	expect("/a/1.log", 1, false, "/a/1.log");
	expect("/a/1.log/", 1, false, "/a/1.log");
	expect("/none/at/all", 0, false, NULL);
	expect("/a/1.log/below", 0, false, NULL);
	expect("/", 1, false, "/");
}

static void wild_components_are_counted(void **state)
{
	(void)state;
	expect("/a/*.log", 4, false, "/a/1.log");
	expect("/*/1.log", 2, false, "/a/1.log");
	expect("/*/*.log", 5, false, "/a/1.log");
	expect("/{a,b}/2.log", 1, false, "/a/2.log");
	expect("/*/none", 0, false, NULL);
}

static void any_depth_ends_the_look(void **state)
{
	(void)state;
	expect("/a/**/*.log", 1, true, "/a");
	expect("/*/**", 3, true, "/a");
	expect("/**/x", 1, true, "/");
}

static void links_are_followed_in_the_prefix_only(void **state)
{
	(void)state;
	expect("/lib/x", 1, false, "/usr/lib/x");
	expect("/lib/*", 1, false, "/usr/lib/x");
	expect("/b/u*/a", 0, false, NULL);
	expect("/b/u*", 1, false, "/b/up");
}

static void relative_patterns_are_refused(void **state)
{
	(void)state;
	struct vst_look look = {0};
	assert_int_equal(vst_look(root, "*.log", &look, NULL), VST_EFORMAT);
	assert_int_equal(vst_look(root, "/[", &look, NULL), VST_EFORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(literal_paths_are_there_or_not),
	        cmocka_unit_test(wild_components_are_counted),
	        cmocka_unit_test(any_depth_ends_the_look),
	        cmocka_unit_test(links_are_followed_in_the_prefix_only),
	        cmocka_unit_test(relative_patterns_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
