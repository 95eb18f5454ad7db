#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"

static void buf_appends_in_order(void **state)
{
	(void)state;
	static const uint8_t expected[] = {
	        'a', 'b', 7, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1};
	struct vst_buf buf = VST_BUF_INIT;
	vst_buf_text(&buf, "ab");
	vst_buf_byte(&buf, 7);
	vst_buf_u32be(&buf, 0x01020304);
	vst_buf_u64be(&buf, UINT64_C(0x0102030405060708));
	vst_buf_u32le(&buf, 0x01020304);
	vst_buf_u64le(&buf, UINT64_C(0x0102030405060708));
	vst_buf_bytes(&buf, NULL, 0);
	assert_int_equal(vst_buf_check(&buf, NULL), 0);
	assert_int_equal(buf.len, sizeof expected);
	assert_memory_equal(buf.data, expected, sizeof expected);
	vst_buf_free(&buf);
	assert_null(buf.data);
}

static void buf_printf_of_every_length_near_its_room(void **state)
{
	(void)state;
	char text[400];
	for (int n = 0; n < 399; n++) {
		memset(text, 'x', sizeof text);
		text[n] = '\0';
		struct vst_buf buf = VST_BUF_INIT;
		vst_buf_printf(&buf, "%s", text);
		assert_int_equal(buf.len, n);
		assert_string_equal(vst_buf_cstr(&buf), text);
		assert_int_equal(buf.len, n);
		vst_buf_free(&buf);
	}
}

static void buf_failure_sticks_until_clear(void **state)
{
	(void)state;
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	vst_buf_text(&buf, "kept");
	vst_buf_reserve(&buf, SIZE_MAX);
	vst_buf_text(&buf, "dropped");
	assert_int_equal(buf.len, 4);
	assert_int_equal(vst_buf_check(&buf, &err), VST_ENOMEM);
	assert_int_equal(err.code, VST_ENOMEM);
	assert_string_equal(vst_buf_cstr(&buf), "");
	vst_buf_clear(&buf);
	vst_buf_text(&buf, "again");
	assert_int_equal(vst_buf_check(&buf, &err), 0);
	assert_string_equal(vst_buf_cstr(&buf), "again");
	vst_buf_free(&buf);
}

static void buf_refuses_sizes_that_overflow(void **state)
{
	(void)state;
	struct vst_buf buf = VST_BUF_INIT;
	vst_buf_text(&buf, "x");
	vst_buf_bytes(&buf, "", (size_t)PTRDIFF_MAX);
	assert_true(buf.failed);
	assert_int_equal(buf.len, 1);
	vst_buf_free(&buf);
}

static void buf_wipe_frees(void **state)
{
	(void)state;
	struct vst_buf buf = VST_BUF_INIT;
	vst_buf_wipe(&buf);
	vst_buf_text(&buf, "secret");
	vst_buf_wipe(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
}

static void mem_refuses_products_that_overflow(void **state)
{
	(void)state;
	volatile size_t huge = SIZE_MAX / 2;
	assert_null(vst_realloc(NULL, huge, 3));
	assert_null(vst_calloc(huge, 3));
	assert_null(vst_memdup("", SIZE_MAX));
}

static void mem_zero_bytes_are_no_failure(void **state)
{
	(void)state;
	void *a = vst_alloc(0), *b = vst_calloc(0, 8), *c = vst_realloc(NULL, 0, 8), *d = vst_memdup(NULL, 0);
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_string_equal((char *)d, "");
	free(a);
	free(b);
	free(c);
	free(d);
}

static void mem_copies_end_in_nul(void **state)
{
	(void)state;
	char *text = vst_strdup("text"), *data = vst_memdup("data!", 4);
	assert_string_equal(text, "text");
	assert_string_equal(data, "data");
	free(text);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(buf_appends_in_order),
	        cmocka_unit_test(buf_printf_of_every_length_near_its_room),
	        cmocka_unit_test(buf_failure_sticks_until_clear),
	        cmocka_unit_test(buf_refuses_sizes_that_overflow),
	        cmocka_unit_test(buf_wipe_frees),
	        cmocka_unit_test(mem_refuses_products_that_overflow),
	        cmocka_unit_test(mem_zero_bytes_are_no_failure),
	        cmocka_unit_test(mem_copies_end_in_nul),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
