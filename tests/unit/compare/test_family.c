#include "compare/comparing.h"

#include "compare/family.h"

static void expect_name(const char *path, const char *family, bool rotated, bool compressed)
{
	struct vst_buf name = VST_BUF_INIT;
	bool was_rotated = !rotated, was_compressed = !compressed;
	vst_family_name(path, &name, &was_rotated, &was_compressed);
	if (strcmp((const char *)name.data, family) != 0 || was_rotated != rotated ||
	        was_compressed != compressed)
		fail_msg("%s: %s %d %d", path, (const char *)name.data, was_rotated, was_compressed);
	vst_buf_free(&name);
}

static void family_takes_the_marks_of_rotation_off(void **state)
{
	(void)state;
	expect_name("/var/log/syslog", "/var/log/syslog", false, false);
	expect_name("/var/log/syslog.1", "/var/log/syslog", true, false);
	expect_name("/var/log/syslog.2.gz", "/var/log/syslog", true, true);
	expect_name("/var/log/syslog.gz", "/var/log/syslog", true, true);
	expect_name("/var/log/app.log", "/var/log/app.log", false, false);
	expect_name("/var/log/app-20261124.log.xz", "/var/log/app.log", true, true);
	expect_name("/var/log/app.log-20261124", "/var/log/app.log", true, false);
	expect_name("/var/log/app.log.2026-11-24", "/var/log/app.log", true, false);
	expect_name("/var/log/app.log-2026-11-24T02", "/var/log/app.log", true, false);
	expect_name("/var/log/app.log.old", "/var/log/app.log", true, false);
	expect_name("/var/log/app.1.log", "/var/log/app.log", true, false);
	/* What a name begins with is its own. */
	expect_name("/var/log/2026.log", "/var/log/2026.log", false, false);
	expect_name("/var/log/.old", "/var/log/.old", false, false);
	expect_name("/var/log.1/syslog", "/var/log.1/syslog", false, false);
	expect_name("syslog.1", "syslog", true, false);
	expect_name("/", "/", false, false);
	expect_name("/var/log/..--__", "/var/log/..--__", false, false);
}

static void family_keeps_sources_and_directories_apart(void **state)
{
	(void)state;
	assert_true(vst_family_of("a", "/log/x.1") == vst_family_of("a", "/log/x.2.gz"));
	assert_true(vst_family_of("a", "/log/x.1") != vst_family_of("b", "/log/x.1"));
	assert_true(vst_family_of("a", "/log/x.1") != vst_family_of("a", "/log/y/x.1"));
}

static void family_finds_members_by_name_and_inode(void **state)
{
	(void)state;
	struct side s;
	struct vst_families *families = NULL;
	struct vst_err err = VST_ERR_INIT;
	static char paths[300][32];
	size_t count;
	side_open(&s, 1);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(paths[i], sizeof paths[i], "/var/log/%c.log.%u", "abc"[i % 3], i / 3);
		struct vst_item item = file_of(paths[i], "x", 1000 + i / 2);
		item.dev_minor = i % 2; /* equal inodes of two devices */
		touch(&item, NOON - (int64_t)i * VST_NS_PER_S);
		put(&s, item, NULL, VST_SERIES_APPEND_ONLY);
	}
	put(&s, file_of("/var/log/a.log", "x", 5), NULL, 0); /* of a source that does not only grow */
	side_end(&s);
	assert_int_equal(vst_families_new(s.index, &families, &err), 0);
	assert_int_equal(vst_families_count(families), 300);
	const struct vst_family_member *members =
	        vst_families_of(families, vst_family_of("host", "/var/log/b.log"), &count);
	assert_int_equal(count, 100);
	for (size_t i = 1; i < count; i++) {
		assert_true(members[i - 1].record.mtime < members[i].record.mtime);
		assert_int_equal(members[i].seq % 3, 1);
	}
	assert_null(vst_families_of(families, vst_family_of("host", "/var/log/d.log"), &count));
	assert_int_equal(count, 0);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(vst_families_by_inode(families, 8, i % 2, 1000 + i / 2)->seq, i);
	assert_null(vst_families_by_inode(families, 8, 2, 1000));
	assert_null(vst_families_by_inode(families, 8, 0, 5));
	vst_families_free(families);
	side_close(&s);
	assert_int_equal(vst_families_new(NULL, &families, &err), 0); /* there is no exhibit before */
	assert_null(vst_families_of(families, 0, &count));
	vst_families_free(families);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(family_takes_the_marks_of_rotation_off),
	        cmocka_unit_test(family_keeps_sources_and_directories_apart),
	        cmocka_unit_test(family_finds_members_by_name_and_inode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
