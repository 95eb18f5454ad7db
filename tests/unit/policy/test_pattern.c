#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/fault.h"
#include "vestige/pattern.h"

static struct vst_pattern *compiled(const char *text)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_pattern *pattern = NULL;
	if (vst_pattern_compile(text, &pattern, &err) != 0)
		fail_msg("%s", err.text);
	assert_non_null(pattern);
	return pattern;
}

static bool matches(const char *text, const char *path)
{
	struct vst_pattern *pattern = compiled(text);
	bool result = vst_pattern_match(pattern, path);
	vst_pattern_free(pattern);
	return result;
}

static bool reaches(const char *text, const char *path)
{
	struct vst_pattern *pattern = compiled(text);
	bool result = vst_pattern_may_match_below(pattern, path);
	vst_pattern_free(pattern);
	return result;
}

static void rejected(const char *text, const char *why)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_pattern *pattern = NULL;
	assert_int_equal(vst_pattern_compile(text, &pattern, &err), VST_EFORMAT);
	assert_null(pattern);
	if (!strstr(err.text, why))
		fail_msg("'%s' is not about '%s'", err.text, why);
}

static void pattern_literal_matches_itself_alone(void **state)
{
	(void)state;
	assert_true(matches("/var/log", "/var/log"));
	assert_false(matches("/var/log", "/var/log/syslog"));
	assert_false(matches("/var/log", "/var/lo"));
	assert_false(matches("/var/log", "/var/logs"));
	assert_false(matches("/var/log", "/var"));
	assert_false(matches("/var/log", "/"));
	assert_false(matches("/var/log", "/srv/var/log"));
}

static void pattern_root_is_a_path(void **state)
{
	(void)state;
	struct vst_pattern *pattern = compiled("/");
	assert_true(pattern->absolute);
	assert_int_equal(pattern->count, 1);
	assert_int_equal(pattern->alternatives[0].count, 0);
	assert_true(vst_pattern_match(pattern, "/"));
	assert_false(vst_pattern_match(pattern, "/var"));
	vst_pattern_free(pattern);
}

static void pattern_final_slash_means_nothing(void **state)
{
	(void)state;
	assert_true(matches("/var/log/", "/var/log"));
	assert_true(matches("log/", "/var/log"));
	assert_true(matches("/var/log", "/var/log/"));
	rejected("/var/log//", "two slashes");
}

static void pattern_star_stays_within_a_component(void **state)
{
	(void)state;
	assert_true(matches("/var/*/x", "/var/log/x"));
	assert_false(matches("/var/*/x", "/var/log/a/x"));
	assert_false(matches("/var/*", "/var"));
	assert_true(matches("/var/*.log", "/var/.log"));
	assert_true(matches("/home/*", "/home/.hidden"));
	assert_true(matches("/a/b*c*d", "/a/bxcxcxd"));
	assert_false(matches("/a/b*c*d", "/a/bxcxcxdx"));
	assert_true(matches("/a/*a*a*a", "/a/aaa"));
	assert_false(matches("/a/*a*a*a", "/a/aa"));
}

static void pattern_question_mark_is_one_byte(void **state)
{
	(void)state;
	assert_true(matches("/a?", "/ab"));
	assert_false(matches("/a?", "/a"));
	assert_false(matches("/a?b", "/a/b"));
	assert_false(matches("/?", "/\xc3\xa9"));
	assert_true(matches("/??", "/\xc3\xa9"));
	assert_true(matches("/a?", "/a\n"));
	assert_true(matches("/a?", "/a\xff"));
}

static void pattern_classes(void **state)
{
	(void)state;
	assert_true(matches("/[abc]", "/b"));
	assert_false(matches("/[abc]", "/d"));
	assert_true(matches("/[a-cx-z0-9]", "/y"));
	assert_false(matches("/[!a-c]", "/b"));
	assert_true(matches("/[!a-c]", "/d"));
	assert_true(matches("/[^a-c]", "/d"));
	assert_false(matches("/[^a-c]", "/a"));
	assert_true(matches("/[]a]", "/]"));
	assert_true(matches("/[!]a]", "/b"));
	assert_false(matches("/[!]a]", "/]"));
	assert_true(matches("/[a-]", "/-"));
	assert_true(matches("/[-a]", "/-"));
	assert_true(matches("/[\\]\\\\]x", "/\\x"));
	assert_true(matches("/[\\]\\\\]x", "/]x"));
	assert_true(matches("/[\\!a]", "/!"));
	assert_true(matches("/[\x80-\xff]", "/\xc3"));
	assert_true(matches("/[{,}]", "/,"));
	assert_true(matches("/[*?]", "/*"));
	assert_false(matches("/[*?]", "/a"));
	assert_true(matches("/a]", "/a]"));
}

static void pattern_any_depth_includes_none(void **state)
{
	(void)state;
	assert_true(matches("/var/**", "/var"));
	assert_true(matches("/var/**", "/var/log/a/b/c"));
	assert_false(matches("/var/**", "/varx"));
	assert_true(matches("/var/**/x", "/var/x"));
	assert_true(matches("/var/**/x", "/var/a/b/x"));
	assert_true(matches("/var/**/x", "/var/x/x"));
	assert_false(matches("/var/**/x", "/var/x/y"));
	assert_true(matches("/**/a/b/**/c", "/a/a/b/a/b/d/c"));
	assert_false(matches("/**/a/b/**/c", "/a/a/c/a/d/c"));
	assert_true(matches("/**", "/"));
	assert_true(matches("/**/*", "/a/b"));
	assert_false(matches("/**/*", "/"));
	assert_true(matches("**", "/a/b"));
}

static void pattern_any_depth_next_to_another_is_kept_once(void **state)
{
	(void)state;
	struct vst_pattern *pattern = compiled("/a/**/**/**/b");
	assert_int_equal(pattern->alternatives[0].count, 3);
	assert_int_equal(pattern->alternatives[0].components[1].kind, VST_COMPONENT_ANY_DEPTH);
	assert_string_equal(pattern->alternatives[0].components[2].text, "b");
	vst_pattern_free(pattern);
	pattern = compiled("**/b");
	assert_int_equal(pattern->alternatives[0].count, 2);
	vst_pattern_free(pattern);
}

static void pattern_bounded_depth_takes_up_to_n_components(void **state)
{
	(void)state;
	assert_true(matches("/var/**2", "/var"));
	assert_true(matches("/var/**2", "/var/a"));
	assert_true(matches("/var/**2", "/var/a/b"));
	assert_false(matches("/var/**2", "/var/a/b/c"));
	assert_false(matches("/var/*/**2", "/var"));
	assert_true(matches("/var/*/**2", "/var/a/b/c"));
	assert_true(matches("/**10/x", "/1/2/3/4/5/6/7/8/9/10/x"));
	assert_false(matches("/**10/x", "/1/2/3/4/5/6/7/8/9/10/11/x"));
	/* What was taken must be given back: the first x is not the one. */
	assert_true(matches("/**2/x/y", "/x/x/y"));
	assert_true(matches("/**/x/**1/y", "/x/a/x/b/y"));
	assert_false(matches("/**/x/**1/y", "/x/a/b/y"));
	assert_true(matches("/{a,b/**1}/c", "/b/z/c"));
	assert_true(matches("**1/c", "/a/b/c"));
	assert_true(matches("/**1", "/"));
	assert_true(matches("/\\**3", "/*x3"));
}

static void pattern_bounded_depth_is_so_many_components(void **state)
{
	(void)state;
	struct vst_pattern *pattern = compiled("/a/**3/b");
	assert_int_equal(pattern->alternatives[0].count, 5);
	assert_int_equal(pattern->alternatives[0].literal, 1);
	assert_true(pattern->alternatives[0].bounded);
	for (size_t i = 1; i < 4; i++) {
		assert_int_equal(pattern->alternatives[0].components[i].kind, VST_COMPONENT_OPTIONAL);
		assert_string_equal(pattern->alternatives[0].components[i].text, i == 1 ? "**3" : "");
	}
	vst_pattern_free(pattern);
	pattern = compiled("/a/**/b");
	assert_false(pattern->alternatives[0].bounded);
	vst_pattern_free(pattern);
	rejected("/a/**0", "component of its own");
	rejected("/a/**11", "component of its own");
	rejected("/a/**01", "component of its own");
	rejected("/a/**3x", "component of its own");
	rejected("/a/x**3", "component of its own");
	rejected("/a/***3", "component of its own");
}

static void pattern_bounded_depth_ends_a_walk(void **state)
{
	(void)state;
	assert_true(reaches("/var/**2", "/"));
	assert_true(reaches("/var/**2", "/var"));
	assert_true(reaches("/var/**2", "/var/a"));
	assert_false(reaches("/var/**2", "/var/a/b"));
	assert_true(reaches("/var/**2/x", "/var/a/b"));
	assert_false(reaches("/var/**2/x", "/var/a/b/c"));
	assert_false(reaches("/var/**2", "/etc"));
}

static void pattern_relative_matches_the_last_components(void **state)
{
	(void)state;
	assert_true(matches("*.iso", "/srv/images/a.iso"));
	assert_true(matches("*.iso", "/a.iso"));
	assert_false(matches("*.iso", "/a.iso/b"));
	assert_true(matches("mysql/*.log", "/var/log/mysql/error.log"));
	assert_false(matches("mysql/*.log", "/var/log/mysql/old/error.log"));
	struct vst_pattern *pattern = compiled("*.iso");
	assert_false(pattern->absolute);
	assert_int_equal(pattern->alternatives[0].literal, 0);
	vst_pattern_free(pattern);
}

static void pattern_braces_multiply_in_the_order_of_a_shell(void **state)
{
	(void)state;
	static const char *const expected[] = {"a1x", "a1y", "a2x", "a2y", "bx", "by"};
	struct vst_pattern *pattern = compiled("/{a{1,2},b}{x,y}");
	assert_int_equal(pattern->count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(pattern->alternatives[i].count, 1);
		assert_string_equal(pattern->alternatives[i].components[0].text, expected[i]);
	}
	vst_pattern_free(pattern);
}

static void pattern_braces_may_be_empty_nested_and_hold_slashes(void **state)
{
	(void)state;
	assert_true(matches("/log/a{,.1,.2.gz}", "/log/a"));
	assert_true(matches("/log/a{,.1,.2.gz}", "/log/a.2.gz"));
	assert_false(matches("/log/a{,.1,.2.gz}", "/log/a.3"));
	assert_true(matches("{/var/log,/etc}/x", "/etc/x"));
	assert_true(matches("/a{b}c", "/abc"));
	assert_true(matches("/a{}c", "/ac"));
	assert_true(matches("/a{b,c/{d,e}/f}/g", "/ac/e/f/g"));
	assert_true(matches("/{*.log,[a,]}", "/,"));
	assert_true(matches("/a,b", "/a,b"));
	assert_true(matches("/{a\\,b,c}", "/a,b"));
	assert_false(matches("/{a\\,b,c}", "/b"));
}

static void pattern_backslash_takes_the_next_byte_literally(void **state)
{
	(void)state;
	struct vst_pattern *pattern = compiled("/\\*\\?\\[\\{\\}\\\\\\a");
	assert_int_equal(pattern->alternatives[0].components[0].kind, VST_COMPONENT_LITERAL);
	assert_string_equal(pattern->alternatives[0].components[0].text, "*?[{}\\a");
	assert_int_equal(pattern->alternatives[0].literal, 1);
	vst_pattern_free(pattern);
	assert_true(matches("/\\**", "/*x"));
	assert_false(matches("/\\**", "/x"));
	assert_true(matches("/*\\*", "/x*"));
	assert_true(matches("/\\*\\*", "/**"));
}

static void pattern_knows_its_literal_prefix(void **state)
{
	(void)state;
	struct vst_pattern *pattern = compiled("/var/log/{nginx,a*}/x");
	assert_string_equal(pattern->text, "/var/log/{nginx,a*}/x");
	assert_true(pattern->absolute);
	assert_int_equal(pattern->alternatives[0].literal, 4);
	assert_int_equal(pattern->alternatives[1].literal, 2);
	assert_int_equal(pattern->alternatives[1].components[2].kind, VST_COMPONENT_WILD);
	assert_string_equal(pattern->alternatives[1].components[2].text, "a*");
	assert_true(vst_pattern_match_name(pattern->alternatives[1].components[2].text, "apache2"));
	assert_false(vst_pattern_match_name(pattern->alternatives[1].components[2].text, "nginx"));
	vst_pattern_free(pattern);
}

static void pattern_says_where_a_walk_may_stop(void **state)
{
	(void)state;
	assert_true(reaches("/var/log/*.log", "/"));
	assert_true(reaches("/var/log/*.log", "/var"));
	assert_true(reaches("/var/log/*.log", "/var/log"));
	assert_false(reaches("/var/log/*.log", "/var/log/a.log"));
	assert_false(reaches("/var/log/*.log", "/var/lib"));
	assert_false(reaches("/var/log", "/var/log"));
	assert_true(reaches("/home/*/.ssh", "/home/eve"));
	assert_true(reaches("/var/**", "/var"));
	assert_true(reaches("/var/**/x", "/var/a/b"));
	assert_false(reaches("/var/**/x", "/etc"));
	assert_true(reaches("*.iso", "/etc"));
	assert_true(reaches("{/etc,/var/x}", "/var"));
	assert_false(reaches("/", "/"));
}

static void pattern_rejects_what_it_cannot_mean(void **state)
{
	(void)state;
	rejected("", "an empty pattern");
	rejected("/a/[b", "'[' without its ']'");
	rejected("/a/[]", "'[' without its ']'");
	rejected("/a/[!]", "'[' without its ']'");
	rejected("/a/[b\\]", "'[' without its ']'");
	rejected("/a/[b/c]", "'/' between [ and ]");
	rejected("/a/[[:digit:]]", "by name");
	rejected("/a/[z-a]", "z-a runs backwards");
	rejected("/a/{b,c", "'{' without its '}'");
	rejected("/a/b,c}", "'}' without its '{'");
	rejected("/a/}{", "'}' without its '{'");
	rejected("/a/**b", "component of its own");
	rejected("/a/***", "component of its own");
	rejected("/a/b**/c", "component of its own");
	rejected("/a/../b", "'..' is not a name");
	rejected("/./b", "'.' is not a name");
	rejected("/\\.\\./b", "'..' is not a name");
	rejected("..", "'..' is not a name");
	rejected("//a", "two slashes");
	rejected("/a//b", "two slashes");
	rejected("//", "two slashes");
	rejected("/a{,/}/b", "two slashes");
	rejected("/a\\", "nothing behind it");
	rejected("/a\\/b", "nothing behind it");
	rejected("{/a,b}", "some alternatives start with '/'");
	rejected("{a,}", "an alternative is empty");
	rejected("{}", "an alternative is empty");
}

static void pattern_bounds_its_size(void **state)
{
	(void)state;
	char text[VST_PATTERN_MAX + 2];
	memset(text, 'a', sizeof text);
	text[0] = '/';
	text[VST_PATTERN_MAX] = '\0';
	vst_pattern_free(compiled(text));
	text[VST_PATTERN_MAX] = 'a';
	text[VST_PATTERN_MAX + 1] = '\0';
	rejected(text, "longer than 4096 bytes");

	vst_pattern_free(compiled("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"));
	rejected("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "more than 1024 alternatives");
	strcpy(text, "/");
	for (int i = 0; i < 65; i++)
		strcat(text, "{a}");
	rejected(text, "more than 64 pairs");
	memset(text, '{', 3000);
	text[3000] = '\0';
	rejected(text, "more than 64 pairs");
}

static void pattern_takes_no_exponential_time(void **state)
{
	(void)state;
	char text[VST_PATTERN_MAX], path[VST_PATTERN_MAX];
	size_t at = 0;
	for (int i = 0; i < 1000; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "*a");
	memset(path, 'a', 2000);
	path[2000] = 'b';
	path[2001] = '\0';
	assert_false(vst_pattern_match_name(text, path));

	at = 0;
	for (int i = 0; i < 600; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "/**/a");
	for (int i = 0; i < 2000; i++)
		memcpy(path + 2 * i, "/a", 2);
	strcpy(path + 4000, "/b");
	assert_false(matches(text, path));
	strcpy(path + 4000, "/a");
	assert_true(matches(text, path));
}

/* All short names over a small alphabet against all short patterns, as the C library's fnmatch() sees them.
 */
static void pattern_agrees_with_fnmatch(void **state)
{
	(void)state;
	static const char letters[] = "ab*?";
	for (unsigned p = 1; p < 4 * 4 * 4 * 4 * 4; p++) {
		char text[8] = "", name[8] = "";
		for (unsigned i = 0; i < 5; i++)
			text[i] = letters[p >> (2 * i) & 3];
		/* Below its highest bit, which only ends it, n spells the name. */
		for (unsigned n = 2; n < 64; n++) {
			size_t len = 0;
			for (unsigned bits = n; bits > 1; bits >>= 1)
				name[len++] = (bits & 1) != 0 ? 'b' : 'a';
			name[len] = '\0';
			if (vst_pattern_match_name(text, name) != (fnmatch(text, name, 0) == 0))
				fail_msg("%s against %s", text, name);
		}
	}
}

static void pattern_survives_what_was_not_compiled(void **state)
{
	(void)state;
	assert_true(vst_pattern_match_name("[", "["));
	assert_true(vst_pattern_match_name("a\\", "a\\"));
	assert_true(vst_pattern_match_name("[a\\", "[a\\"));
	assert_false(vst_pattern_match_name("[!", "x"));
	assert_true(vst_pattern_match_name("", ""));
	assert_false(vst_pattern_match_name("", "a"));
	vst_pattern_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pattern_literal_matches_itself_alone),
	        cmocka_unit_test(pattern_root_is_a_path),
	        cmocka_unit_test(pattern_final_slash_means_nothing),
	        cmocka_unit_test(pattern_star_stays_within_a_component),
	        cmocka_unit_test(pattern_question_mark_is_one_byte),
	        cmocka_unit_test(pattern_classes),
	        cmocka_unit_test(pattern_any_depth_includes_none),
	        cmocka_unit_test(pattern_any_depth_next_to_another_is_kept_once),
	        cmocka_unit_test(pattern_bounded_depth_takes_up_to_n_components),
	        cmocka_unit_test(pattern_bounded_depth_is_so_many_components),
	        cmocka_unit_test(pattern_bounded_depth_ends_a_walk),
	        cmocka_unit_test(pattern_relative_matches_the_last_components),
	        cmocka_unit_test(pattern_braces_multiply_in_the_order_of_a_shell),
	        cmocka_unit_test(pattern_braces_may_be_empty_nested_and_hold_slashes),
	        cmocka_unit_test(pattern_backslash_takes_the_next_byte_literally),
	        cmocka_unit_test(pattern_knows_its_literal_prefix),
	        cmocka_unit_test(pattern_says_where_a_walk_may_stop),
	        cmocka_unit_test(pattern_rejects_what_it_cannot_mean),
	        cmocka_unit_test(pattern_bounds_its_size),
	        cmocka_unit_test(pattern_takes_no_exponential_time),
	        cmocka_unit_test(pattern_agrees_with_fnmatch),
	        cmocka_unit_test(pattern_survives_what_was_not_compiled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
