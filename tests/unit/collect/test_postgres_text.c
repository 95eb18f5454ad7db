#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collect/postgres_text.h"

static void quoted(const char *name, const char *wanted)
{
	struct vst_buf sql = VST_BUF_INIT;
	vst_postgres_quote(&sql, name);
	assert_string_equal(vst_buf_cstr(&sql), wanted);
	vst_buf_free(&sql);
}

static void quote_doubles_quotes(void **state)
{
	(void)state;
	quoted("plain", "\"plain\"");
	quoted("a\"; DROP TABLE b; --", "\"a\"\"; DROP TABLE b; --\"");
	quoted("", "\"\"");
	quoted("back\\slash\n", "\"back\\slash\n\"");
}

static void split(const char *text, const char *schema, const char *name)
{
	struct vst_buf s = VST_BUF_INIT, n = VST_BUF_INIT;
	assert_int_equal(vst_postgres_split_name(text, &s, &n), name != NULL);
	if (name) {
		assert_string_equal(vst_buf_cstr(&s), schema);
		assert_string_equal(vst_buf_cstr(&n), name);
	}
	vst_buf_free(&s);
	vst_buf_free(&n);
}

static void names_are_split_at_the_dot(void **state)
{
	(void)state;
	split("cards", "", "cards");
	split("sales.orders", "sales", "orders");
	split("Sales.Orders", "Sales", "Orders");
	split("\"a.b\".\"c\"\"d\"", "a.b", "c\"d");
	split("\"..\"", "", "..");
	split("a.\"b.c\"", "a", "b.c");
	split("a b.c d", "a b", "c d");
}

static void names_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "", ".", "a.", ".a", "a.b.c", "a..b", "\"a", "\"\"", "\"a\"b", "a.\"b", "\"a\".\"\""};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		split(bad[i], NULL, NULL);
}

static void a_query_loses_its_end(void **state)
{
	(void)state;
	assert_int_equal(vst_postgres_query_len("SELECT 1"), 8);
	assert_int_equal(vst_postgres_query_len("SELECT 1 ; \n;\t"), 8);
	assert_int_equal(vst_postgres_query_len(" ;"), 0);
}

/* `fields` by '|', NULL as <null>. */
static void row(const char *text, size_t len, const char *fields)
{
	struct vst_buf value = VST_BUF_INIT, all = VST_BUF_INIT;
	for (const char *at = text; at;) {
		bool null = false;
		vst_postgres_next_field(&at, text + len, &value, &null);
		if (null)
			vst_buf_text(&all, "<null>");
		vst_buf_bytes(&all, value.data, value.len);
		if (at)
			vst_buf_byte(&all, '|');
	}
	assert_int_equal(all.len, strlen(fields));
	if (all.len > 0)
		assert_memory_equal(all.data, fields, all.len);
	vst_buf_free(&value);
	vst_buf_free(&all);
}

static void rows_lose_their_escapes(void **state)
{
	(void)state;
#define ROW(text, fields) row(text, sizeof(text) - 1, fields)
	ROW("", "");
	ROW("a\tb", "a|b");
	ROW("\t", "|");
	ROW("\\N\t\\\\N\t", "<null>|\\N|");
	ROW("\\N", "<null>");
	ROW("x\\N", "xN");
	ROW("\\t\\n\\r\\b\\f\\v\\\\", "\t\n\r\b\f\v\\");
	ROW("\\.", ".");
	ROW("\\101\\60\\7", "A0\a");
	ROW("\\x41\\x4G\\xg", "A\x04Gxg");
	ROW("\\\tend\\", "|end");
}

static void reasons_fit_one_line(void **state)
{
	(void)state;
	struct vst_buf out = VST_BUF_INIT;
	char longer[2 * VST_POSTGRES_REASON_MAX];
	vst_postgres_reason(&out, "\n  one\r\n\ttwo \x1b[31mred\x7f \n");
	assert_string_equal(vst_buf_cstr(&out), "one two [31mred");
	vst_buf_clear(&out);
	memset(longer, 'x', sizeof longer);
	memcpy(longer + VST_POSTGRES_REASON_MAX - 1, "\xc3\xbc", 2);
	longer[sizeof longer - 1] = '\0';
	vst_postgres_reason(&out, longer);
	assert_int_equal(out.len, VST_POSTGRES_REASON_MAX - 1);
	vst_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(quote_doubles_quotes),
	        cmocka_unit_test(names_are_split_at_the_dot),
	        cmocka_unit_test(names_that_are_none_are_refused),
	        cmocka_unit_test(a_query_loses_its_end),
	        cmocka_unit_test(rows_lose_their_escapes),
	        cmocka_unit_test(reasons_fit_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
