#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exhibit/series_table.h"
#include "vestige/err.h"

#define EACH 12
#define START 5 /* the table is a part of something */
#define COUNT UINT64_C(1000)

/* Entries whose words rise by 10, with runs of equals: 0 10 20 20 20 30 … Reads can be made to fail. */
struct kit {
	uint8_t bytes[START + COUNT * EACH + 3];
	uint64_t words[COUNT];
	bool fails;
	unsigned reads;
	struct vst_series_file file;
	struct vst_series_table table;
};

static int read_at(void *ctx, uint64_t offset, void *ret, size_t len, struct vst_err *err)
{
	struct kit *kit = ctx;
	kit->reads++;
	if (kit->fails)
		return vst_err_set(err, VST_EIO, "the disk");
	memcpy(ret, kit->bytes + offset, len);
	return 0;
}

static int set_up(void **state)
{
	struct kit *kit = calloc(1, sizeof *kit);
	uint64_t word = 0;
	for (uint64_t i = 0; i < COUNT; i++) {
		/* Runs that lie over the ends of blocks: of 3, and one of 100. */
		if (!(i % 7 == 3 || i % 7 == 4) && !(i > 400 && i < 500))
			word += 10;
		kit->words[i] = word;
		uint8_t *entry = kit->bytes + START + i * EACH;
		for (unsigned byte = 0; byte < 8; byte++)
			entry[byte] = (uint8_t)(word >> (8 * (7 - byte)));
		entry[8] = (uint8_t)i;
		entry[9] = (uint8_t)(i >> 8);
	}
	kit->file.in = (struct vst_input){kit, sizeof kit->bytes, read_at};
	vst_series_table_init(&kit->table, &kit->file, START, COUNT, EACH, 8 * EACH + 5, 3);
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	vst_series_table_release(&kit->table);
	free(kit);
	return 0;
}

static void assert_entry(struct kit *kit, uint64_t at)
{
	const uint8_t *entry = vst_series_table_at(&kit->table, at);
	assert_non_null(entry);
	assert_memory_equal(entry, kit->bytes + START + at * EACH, EACH);
}

static void table_gives_every_entry_in_any_order(void **state)
{
	struct kit *kit = *state;
	for (uint64_t i = 0; i < COUNT; i++)
		assert_entry(kit, i);
	assert_int_equal(kit->reads, (COUNT / 8 + 2) / 3); /* as many blocks as there is room for */
	for (uint64_t i = 0; i < 3 * COUNT; i++)
		assert_entry(kit, i * 7919 % COUNT);
	for (uint64_t i = COUNT; i-- > 0;)
		assert_entry(kit, i);
	assert_null(vst_series_table_at(&kit->table, COUNT));
	assert_null(vst_series_table_at(&kit->table, UINT64_MAX));
	assert_int_equal(kit->file.failure.code, 0);
}

static uint64_t lower_bound(const struct kit *kit, uint64_t word)
{
	uint64_t i = 0;
	while (i < COUNT && kit->words[i] < word)
		i++;
	return i;
}

static void table_finds_the_first_of_equals(void **state)
{
	struct kit *kit = *state;
	assert_int_equal(vst_series_table_fence(&kit->table, NULL), 0);
	for (uint64_t word = 0; word <= kit->words[COUNT - 1] + 15; word += 5)
		assert_int_equal(vst_series_table_search(&kit->table, word), lower_bound(kit, word));
	assert_int_equal(vst_series_table_search(&kit->table, UINT64_MAX), COUNT);
}

static void table_search_reads_one_block(void **state)
{
	struct kit *kit = *state;
	assert_int_equal(vst_series_table_fence(&kit->table, NULL), 0);
	for (uint64_t word = 0; word <= kit->words[COUNT - 1]; word += 370) {
		kit->reads = 0;
		(void)vst_series_table_search(&kit->table, word);
		assert_true(kit->reads <= 1);
	}
}

static void table_of_nothing_has_nothing(void **state)
{
	struct kit *kit = *state;
	kit->table.count = 0;
	assert_int_equal(vst_series_table_fence(&kit->table, NULL), 0);
	assert_int_equal(vst_series_table_search(&kit->table, 5), 0);
	assert_null(vst_series_table_at(&kit->table, 0));
}

static void table_remembers_that_it_could_not_be_read(void **state)
{
	struct kit *kit = *state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_series_table_fence(&kit->table, NULL), 0);
	assert_entry(kit, 0);
	kit->fails = true;
	assert_entry(kit, 7); /* the same block */
	assert_null(vst_series_table_at(&kit->table, 8));
	assert_null(vst_series_table_at(&kit->table, 8 * 24));
	assert_int_equal(vst_series_table_search(&kit->table, 555), COUNT);
	assert_int_equal(kit->file.failure.code, VST_EIO);
	assert_string_equal(kit->file.failure.text, "series index: the disk");
	kit->fails = false;
	/* What failed is no content of the cache. */
	for (uint64_t i = 0; i < COUNT; i++)
		assert_entry(kit, i);
	assert_int_equal(kit->file.failure.code, VST_EIO);

	vst_series_table_release(&kit->table);
	vst_series_table_init(&kit->table, &kit->file, START, COUNT, EACH, 8 * EACH, 3);
	kit->fails = true;
	assert_int_equal(vst_series_table_fence(&kit->table, &err), VST_EIO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(table_gives_every_entry_in_any_order),
	        TEST(table_finds_the_first_of_equals),
	        TEST(table_search_reads_one_block),
	        TEST(table_of_nothing_has_nothing),
	        TEST(table_remembers_that_it_could_not_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
