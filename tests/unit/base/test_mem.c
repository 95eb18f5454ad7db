#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "vestige/mem.h"

static void grow_makes_room_for_one_more(void **state)
{
	(void)state;
	uint32_t *list = NULL;
	size_t cap = 0;
	for (size_t count = 0; count < 1000; count++) {
		uint32_t *more = vst_grow(list, count, &cap, sizeof *list);
		assert_non_null(more);
		assert_true(cap > count);
		list = more;
		list[count] = (uint32_t)count;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(list[i], i);
	free(list);
}

static void grow_moves_nothing_while_there_is_room(void **state)
{
	(void)state;
	uint64_t list[4];
	size_t cap = 4;
	assert_ptr_equal(vst_grow(list, 3, &cap, sizeof *list), list);
	assert_int_equal(cap, 4);
}

static void grow_refuses_what_cannot_be_counted(void **state)
{
	(void)state;
	size_t cap = SIZE_MAX / 4;
	assert_null(vst_grow(NULL, cap, &cap, 8));
	assert_int_equal(cap, SIZE_MAX / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(grow_makes_room_for_one_more),
	        cmocka_unit_test(grow_moves_nothing_while_there_is_room),
	        cmocka_unit_test(grow_refuses_what_cannot_be_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
