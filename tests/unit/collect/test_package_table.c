#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "collect/package_table.h"
#include "vestige/buf.h"
#include "vestige/text.h"

#define A "0123456789abcdef0123456789abcdef"
#define B "fedcba9876543210fedcba9876543210"
#define C "00112233445566778899aabbccddeeff"

/* Links as on a host of today. */
static int place(void *ctx, const char *dir, struct vst_buf *out, struct vst_err *err)
{
	(void)ctx;
	(void)err;
	if (strcmp(dir, "/bin") == 0 || strncmp(dir, "/lib/", 5) == 0 || strcmp(dir, "/lib") == 0)
		vst_buf_text(out, "/usr");
	vst_buf_text(out, dir);
	return 0;
}

static int setup(void **state)
{
	const struct vst_package_places places = {place, NULL};
	return vst_package_table_new(&places, (struct vst_package_table **)state, NULL);
}

static int teardown(void **state)
{
	vst_package_table_free(*state);
	return 0;
}

static void status(struct vst_package_table *table, const char *text)
{
	assert_int_equal(vst_package_table_status(table, text, strlen(text), NULL), 0);
}

static void diversions(struct vst_package_table *table, const char *text)
{
	assert_int_equal(vst_package_table_diversions(table, text, strlen(text), NULL), 0);
}

static size_t number_of(const struct vst_package_table *table, const char *name)
{
	const struct vst_package *package;
	for (size_t i = 0; (package = vst_package_table_at(table, i)) != NULL; i++)
		if (strcmp(package->name, name) == 0)
			return i;
	fail_msg("no package %s", name);
	return 0;
}

static void sums(struct vst_package_table *table, const char *package, const char *text)
{
	assert_int_equal(
	        vst_package_table_md5sums(table, number_of(table, package), text, strlen(text), NULL), 0);
}

/* What is said of a path whose MD5 is `md5`: "name version same", "name version differs", "none". */
static const char *verdict(const struct vst_package_table *table, const char *path, const char *md5)
{
	static char text[600];
	struct vst_package_claim claim;
	uint8_t digest[VST_MD5_LEN];
	bool same = false;
	assert_true(vst_hex_decode(md5, 32, digest, sizeof digest));
	bool named = vst_package_table_judge(table, path, digest, &claim, &same);
	assert_int_equal(named, vst_package_table_names(table, path));
	if (!named)
		return "none";
	snprintf(text, sizeof text, "%s %s %s", claim.package->name, claim.package->version,
	        same ? "same" : "differs");
	return text;
}

#define STANZA(name, version)                                                                                \
	"Package: " name "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " version "\n\n"

static void package_table_tells_same_from_different(void **state)
{
	status(*state, STANZA("one", "1:2.3-4+b5~x"));
	sums(*state, "one", A "  usr/bin/one\n" B "  usr/share/doc/one/a file with blanks\n");
	assert_string_equal(verdict(*state, "/usr/bin/one", A), "one 1:2.3-4+b5~x same");
	assert_string_equal(verdict(*state, "/usr/bin/one", B), "one 1:2.3-4+b5~x differs");
	assert_string_equal(
	        verdict(*state, "/usr/share/doc/one/a file with blanks", B), "one 1:2.3-4+b5~x same");
	assert_string_equal(verdict(*state, "/usr/bin/on", A), "none");
	assert_true(vst_package_table_counts(*state).files == 2);
	assert_true(vst_package_table_counts(*state).odd_lines == 0);
}

static void package_table_follows_links_of_directories(void **state)
{
	status(*state, STANZA("one", "1"));
	sums(*state, "one",
	        A "  bin/ls\n" A "  lib/x86/libc.so\n" A "  ./usr/bin/id\n" A "  /usr//bin/tty\n");
	assert_string_equal(verdict(*state, "/usr/bin/ls", A), "one 1 same");
	assert_string_equal(verdict(*state, "/usr/lib/x86/libc.so", A), "one 1 same");
	assert_string_equal(verdict(*state, "/usr/bin/id", A), "one 1 same");
	assert_string_equal(verdict(*state, "/usr/bin/tty", A), "one 1 same");
	assert_string_equal(verdict(*state, "/bin/ls", A), "none");
}

static void package_table_knows_states(void **state)
{
	static const struct {
		const char *status;
		bool unpacked;
	} cases[] = {{"install ok installed", true}, {"hold ok installed", true},
	        {"install ok unpacked", true}, {"install ok half-configured", true},
	        {"install ok triggers-awaited", true}, {"install ok triggers-pending", true},
	        {"install reinstreq half-installed", false}, {"deinstall ok config-files", false},
	        {"unknown ok not-installed", false}, {"installed", false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[256];
		snprintf(text, sizeof text, "Package: p%zu\nVersion: 1\nStatus: %s\n\n", i, cases[i].status);
		status(*state, text);
		assert_int_equal(vst_package_table_at(*state, i)->unpacked, cases[i].unpacked);
	}
	assert_null(vst_package_table_at(*state, sizeof cases / sizeof *cases));
}

static void package_table_takes_updates(void **state)
{
	status(*state, STANZA("one", "1") STANZA("two", "1"));
	status(*state,
	        "Package: one\nStatus: install reinstreq half-installed\nArchitecture: amd64\nVersion: 1\n");
	status(*state, "package: two\nstatus: install ok unpacked\nARCHITECTURE: amd64\nversion:2\n");
	assert_null(vst_package_table_at(*state, 2));
	assert_false(vst_package_table_at(*state, 0)->unpacked);
	assert_true(vst_package_table_at(*state, 1)->unpacked);
	assert_string_equal(vst_package_table_at(*state, 1)->version, "2");
}

static void package_table_leaves_configuration_files(void **state)
{
	status(*state,
	        "Package: one\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
	        "Conffiles:\n /etc/one.conf " B "\n /etc/with blank " B " obsolete\n /etc/new newconffile\n"
	        "Description: x\n /etc/not a conffile " B "\n");
	sums(*state, "one",
	        A "  etc/one.conf\n" A "  etc/with blank\n" A "  etc/new\n" A "  etc/other\n" A
	          "  etc/not\n");
	assert_string_equal(verdict(*state, "/etc/one.conf", A), "none");
	assert_string_equal(verdict(*state, "/etc/with blank", A), "none");
	assert_string_equal(verdict(*state, "/etc/new", A), "none");
	assert_string_equal(verdict(*state, "/etc/other", A), "one 1 same");
	assert_string_equal(verdict(*state, "/etc/not", A), "one 1 same");
}

static void package_table_honours_diversions(void **state)
{
	status(*state, STANZA("dash", "1") STANZA("bash", "2") STANZA("tool", "3"));
	diversions(*state, "/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/tool\n/usr/bin/tool.real\n:\n");
	sums(*state, "dash", A "  bin/sh\n");
	sums(*state, "bash", B "  bin/sh\n");
	sums(*state, "tool", C "  usr/bin/tool\n");
	assert_string_equal(verdict(*state, "/usr/bin/sh", A), "dash 1 same");
	assert_string_equal(verdict(*state, "/usr/bin/sh", B), "dash 1 differs");
	assert_string_equal(verdict(*state, "/usr/bin/sh.distrib", B), "bash 2 same");
	assert_string_equal(verdict(*state, "/usr/bin/tool.real", C), "tool 3 same");
	assert_string_equal(verdict(*state, "/usr/bin/tool", C), "none");
}

/* Replaces: the list of the package that lost the file still names it. */
static void package_table_takes_any_claim(void **state)
{
	status(*state, STANZA("old", "1") STANZA("new", "2") STANZA("third", "3"));
	sums(*state, "old", A "  usr/bin/x\n");
	sums(*state, "new", B "  usr/bin/x\n");
	sums(*state, "third", A "  usr/bin/x\n" C "  bin/x\n");
	assert_string_equal(verdict(*state, "/usr/bin/x", A), "old 1 same");
	assert_string_equal(verdict(*state, "/usr/bin/x", B), "new 2 same");
	assert_string_equal(verdict(*state, "/usr/bin/x", C), "third 3 same");
	assert_string_equal(
	        verdict(*state, "/usr/bin/x", "ffffffffffffffffffffffffffffffff"), "old 1 differs");
	assert_true(vst_package_table_counts(*state).files == 1);
}

static void package_table_counts_odd_lines(void **state)
{
	static const char odd[] = A " usr/one\n" A "  ../../etc/passwd\n" A "  a/../b\n"
	                            "0123  usr/short\n" A "  \n" A "  usr/dir/\n" A "  /\n"
	                            "\n" A "  usr/nul\0x\n" B "  usr/good";
	status(*state, "Package: ../evil\nStatus: install ok installed\nVersion: 1\n\n"
	               "Package: p\nVersion: 1\n\nno field\n\n" STANZA("one", "1"));
	assert_true(vst_package_table_counts(*state).odd_lines == 4);
	assert_null(vst_package_table_at(*state, 1));
	assert_int_equal(vst_package_table_md5sums(*state, 0, odd, sizeof odd - 1, NULL), 0);
	assert_true(vst_package_table_counts(*state).odd_lines == 12);
	assert_true(vst_package_table_counts(*state).files == 1);
	assert_string_equal(verdict(*state, "/usr/good", B), "one 1 same");
	diversions(*state, "/a\n/b\n../x\n/c\n");
	assert_true(vst_package_table_counts(*state).odd_lines == 16);
}

static void package_table_keeps_many_apart(void **state)
{
	struct vst_buf list = VST_BUF_INIT;
	status(*state, STANZA("one", "1"));
	for (unsigned i = 0; i < 5000; i++)
		vst_buf_printf(&list, "%032x  usr/share/%u/%u\n", i, i % 7, i);
	sums(*state, "one", vst_buf_cstr(&list));
	for (unsigned i = 0; i < 5000; i++) {
		char path[64], md5[33];
		snprintf(path, sizeof path, "/usr/share/%u/%u", i % 7, i);
		snprintf(md5, sizeof md5, "%032x", i);
		assert_string_equal(verdict(*state, path, md5), "one 1 same");
	}
	assert_true(vst_package_table_counts(*state).files == 5000);
	vst_buf_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	        TEST(package_table_tells_same_from_different),
	        TEST(package_table_follows_links_of_directories),
	        TEST(package_table_knows_states),
	        TEST(package_table_takes_updates),
	        TEST(package_table_leaves_configuration_files),
	        TEST(package_table_honours_diversions),
	        TEST(package_table_takes_any_claim),
	        TEST(package_table_counts_odd_lines),
	        TEST(package_table_keeps_many_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
