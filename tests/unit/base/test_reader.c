#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "vestige/reader.h"

static void reader_takes_numbers(void **state)
{
	(void)state;
	static const uint8_t data[] = {
	        9, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 2, 3, 4, 0xff, 2, 3, 4, 5, 6, 7, 8};
	struct vst_reader in = vst_reader_of(data, sizeof data);
	uint8_t u8;
	uint32_t u32;
	uint64_t u64;
	assert_true(vst_reader_u8(&in, &u8));
	assert_int_equal(u8, 9);
	assert_true(vst_reader_u32be(&in, &u32));
	assert_int_equal(u32, 0x01020304);
	assert_true(vst_reader_u64be(&in, &u64));
	assert_true(u64 == UINT64_C(0x0102030405060708));
	assert_true(vst_reader_u32le(&in, &u32));
	assert_int_equal(u32, 0x040302ff);
	assert_true(vst_reader_u64le(&in, &u64));
	assert_true(u64 == UINT64_C(0x08070605040302ff));
	assert_true(vst_reader_at_end(&in));
}

static void reader_short_input_moves_nothing(void **state)
{
	(void)state;
	struct vst_reader in = vst_reader_of("abc", 3);
	uint32_t u32 = 5;
	uint64_t u64 = 5, decimal = 5;
	const uint8_t *p = NULL;
	size_t len = 5;
	assert_false(vst_reader_u32be(&in, &u32));
	assert_false(vst_reader_u32le(&in, &u32));
	assert_false(vst_reader_u64be(&in, &u64));
	assert_false(vst_reader_u64le(&in, &u64));
	assert_false(vst_reader_bytes(&in, 4, &p));
	assert_false(vst_reader_bytes(&in, SIZE_MAX, &p));
	assert_false(vst_reader_literal(&in, "abcd"));
	assert_false(vst_reader_literal(&in, "x"));
	assert_false(vst_reader_line(&in, &p, &len));
	assert_false(vst_reader_until(&in, 'z', &p, &len));
	assert_false(vst_reader_ssh_string(&in, 10, &p, &len));
	assert_false(vst_reader_decimal(&in, &decimal));
	assert_int_equal(in.pos, 0);
	assert_true(u32 == 5 && u64 == 5 && len == 5 && decimal == 5);
	assert_null(p);
}

static void reader_empty_input_is_at_end(void **state)
{
	(void)state;
	struct vst_reader in = vst_reader_of(NULL, 0);
	const uint8_t *p;
	size_t len;
	uint8_t u8;
	assert_true(vst_reader_at_end(&in));
	assert_false(vst_reader_u8(&in, &u8));
	assert_false(vst_reader_line(&in, &p, &len));
	assert_true(vst_reader_literal(&in, ""));
	assert_true(vst_reader_bytes(&in, 0, &p));
}

static void reader_takes_lines(void **state)
{
	(void)state;
	struct vst_reader in = vst_reader_of("one\n\ntail", 9);
	const uint8_t *p;
	size_t len;
	assert_true(vst_reader_line(&in, &p, &len));
	assert_int_equal(len, 3);
	assert_memory_equal(p, "one", 3);
	assert_true(vst_reader_line(&in, &p, &len));
	assert_int_equal(len, 0);
	assert_false(vst_reader_line(&in, &p, &len));
	assert_int_equal(vst_reader_left(&in), 4);
	assert_true(vst_reader_until(&in, 'i', &p, &len));
	assert_int_equal(len, 2);
	assert_true(vst_reader_literal(&in, "l"));
	assert_true(vst_reader_at_end(&in));
}

static void reader_ssh_string_obeys_the_cap(void **state)
{
	(void)state;
	static const uint8_t data[] = {0, 0, 0, 3, 'a', 'b', 'c', 0xff, 0xff, 0xff, 0xff, 'x'};
	struct vst_reader in = vst_reader_of(data, sizeof data);
	const uint8_t *p;
	size_t len;
	assert_false(vst_reader_ssh_string(&in, 2, &p, &len));
	assert_int_equal(in.pos, 0);
	assert_true(vst_reader_ssh_string(&in, 3, &p, &len));
	assert_int_equal(len, 3);
	assert_memory_equal(p, "abc", 3);
	assert_false(vst_reader_ssh_string(&in, SIZE_MAX, &p, &len));
	assert_int_equal(in.pos, 7);
}

static bool decimal(const char *text, uint64_t *ret, size_t *ret_pos)
{
	struct vst_reader in = vst_reader_of(text, strlen(text));
	bool ok = vst_reader_decimal(&in, ret);
	*ret_pos = in.pos;
	return ok;
}

static void reader_decimal_is_canonical(void **state)
{
	(void)state;
	uint64_t value;
	size_t pos;
	assert_true(decimal("0", &value, &pos));
	assert_int_equal(value, 0);
	assert_true(decimal("18446744073709551615\n", &value, &pos));
	assert_true(value == UINT64_MAX);
	assert_int_equal(pos, 20);
	const char *bad[] = {
	        "", "-1", "+1", " 1", "00", "01", "18446744073709551616", "99999999999999999999999"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(decimal(bad[i], &value, &pos));
		assert_int_equal(pos, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reader_takes_numbers),
	        cmocka_unit_test(reader_short_input_moves_nothing),
	        cmocka_unit_test(reader_empty_input_is_at_end),
	        cmocka_unit_test(reader_takes_lines),
	        cmocka_unit_test(reader_ssh_string_obeys_the_cap),
	        cmocka_unit_test(reader_decimal_is_canonical),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
