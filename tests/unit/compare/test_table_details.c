#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/table_details.h"

static struct vst_table_details parse(const char *text)
{
	struct vst_table_details details;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_table_details_parse(text, text ? strlen(text) : 0, &details, &err), 0);
	return details;
}

static void assert_no_table(const char *text)
{
	struct vst_table_details details = parse(text);
	assert_false(details.is_table);
	assert_null(details.text);
	assert_null(details.key);
	assert_int_equal(details.key_count, 0);
}

static void details_of_sqlite(void **state)
{
	(void)state;
	struct vst_table_details details = parse("{\"table\":\"users\",\"rows\":3,\"columns\":[\"id\",\"n\"],"
	                                         "\"key\":[\"id\"],\"order\":\"key\"}");
	assert_true(details.is_table);
	assert_true(details.has_rows);
	assert_int_equal(details.rows, 3);
	assert_int_equal(details.key_count, 1);
	assert_string_equal(details.key[0], "id");
	vst_table_details_free(&details);
	details = parse("{\"query\":\"SELECT 1\",\"rows\":1,\"columns\":[\"1\"],\"order\":\"query\"}");
	assert_true(details.is_table);
	assert_int_equal(details.key_count, 0);
	vst_table_details_free(&details);
	details = parse("{\"table\":\"wide\",\"rows\":0,\"columns_left_out\":true,\"order\":\"key\"}");
	assert_true(details.is_table);
	assert_true(details.has_rows);
	vst_table_details_free(&details);
}

static void details_of_postgres(void **state)
{
	(void)state;
	struct vst_table_details details = parse(
	        "{\"database\":\"d\",\"schema\":\"s\",\"table\":\"t\",\"encoding\":\"UTF8\",\"columns\":[{"
	        "\"name\":\"b\",\"type\":\"int\"},{\"name\":\"a\\n\",\"type\":\"text\"}],\"key\":[\"a\\n\","
	        "\"b\"],\"ordered_by\":\"primary key\",\"rows\":12}");
	assert_true(details.is_table);
	assert_int_equal(details.rows, 12);
	assert_int_equal(details.key_count, 2);
	assert_string_equal(details.key[0], "a\n");
	assert_string_equal(details.key[1], "b");
	vst_table_details_free(&details);
	/* A query that was cut: neither a name nor a number. */
	details = parse("{\"database\":\"d\",\"encoding\":\"UTF8\",\"columns\":[],\"key\":[]}");
	assert_true(details.is_table);
	assert_false(details.has_rows);
	vst_table_details_free(&details);
}

static void details_of_other_items(void **state)
{
	(void)state;
	assert_no_table(NULL);
	assert_no_table("");
	assert_no_table("{}");
	assert_no_table("{\"digest\":{\"bytes\":3,\"hmac_sha256\":\"00\"}}");
	assert_no_table("{\"rows\":3,\"key\":[\"a\"]}");
	assert_no_table("{\"table\":254}");
	assert_no_table("{\"columns\":\"many\"}");
}

static void details_that_are_damaged(void **state)
{
	(void)state;
	assert_no_table("{\"table\":\"t\",\"key\":[\"a\"");
	assert_no_table("{\"table\":\"t\",\"key\":[1]}");
	assert_no_table("{\"table\":\"t\",\"rows\":-1}");
	assert_no_table("{\"table\":\"t\"} ");
	assert_no_table("[\"table\"]");
}

static void details_of_a_key_without_end(void **state)
{
	(void)state;
	for (size_t count = VST_TABLE_KEY_MAX; count <= VST_TABLE_KEY_MAX + 1; count++) {
		struct vst_buf text = VST_BUF_INIT;
		struct vst_table_details details;
		vst_buf_text(&text, "{\"table\":\"t\",\"key\":[");
		for (size_t i = 0; i < count; i++)
			vst_buf_text(&text, i > 0 ? ",\"c\"" : "\"c\"");
		vst_buf_text(&text, "]}");
		details = parse(vst_buf_cstr(&text));
		assert_int_equal(details.is_table, count <= VST_TABLE_KEY_MAX);
		vst_table_details_free(&details);
		vst_buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(details_of_sqlite),
	        cmocka_unit_test(details_of_postgres),
	        cmocka_unit_test(details_of_other_items),
	        cmocka_unit_test(details_that_are_damaged),
	        cmocka_unit_test(details_of_a_key_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
