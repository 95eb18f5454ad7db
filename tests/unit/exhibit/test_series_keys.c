#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exhibit/series_keys.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/manifest.h"

#define ORDERED "0101010101010101010101010101010101010101010101010101010101010101"
#define ROOT "0202020202020202020202020202020202020202020202020202020202020202"

struct known {
	bool has;
	uint8_t key[VST_HASH_LEN];
	uint64_t size;
};

static struct known known_of(enum vst_item_content content, enum vst_item_type type, const char *details)
{
	struct known known = {.size = 77};
	struct vst_buf room = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	struct vst_item item;
	vst_item_init(&item);
	item.type = type;
	item.content = content;
	item.details = details;
	item.details_len = details ? strlen(details) : 0;
	assert_int_equal(vst_series_key_of(&item, &room, known.key, &known.size, &known.has, &err), 0);
	vst_buf_free(&room);
	return known;
}

static void assert_nothing_known(const char *details)
{
	struct known known = known_of(VST_ITEM_CONTENT_DIGEST, VST_ITEM_STREAM, details);
	assert_false(known.has);
	assert_int_equal(known.size, 77);
}

static void keys_of_tables_are_their_digests(void **state)
{
	(void)state;
	uint8_t ordered[VST_HASH_LEN];
	memset(ordered, 1, sizeof ordered);
	struct known known = known_of(VST_ITEM_CONTENT_DIGEST, VST_ITEM_STREAM,
	        "{\"table\":\"t\",\"rows\":5,\"columns\":[\"a\"],\"key\":[],\"order\":\"row "
	        "bytes\",\"digest\":{"
	        "\"rows\":5,\"ordered\":\"" ORDERED "\",\"root\":\"" ROOT "\"}}");
	assert_true(known.has);
	assert_int_equal(known.size, 5);
	assert_memory_equal(known.key, ordered, sizeof ordered);
}

static void rows_of_tables_are_their_size(void **state)
{
	(void)state;
	struct known known =
	        known_of(VST_ITEM_CONTENT_METADATA, VST_ITEM_STREAM, "{\"table\":\"t\",\"rows\":5}");
	assert_false(known.has);
	assert_int_equal(known.size, 5);
	/* Of a file metadata say nothing that is not in its stat. */
	assert_int_equal(known_of(VST_ITEM_CONTENT_METADATA, VST_ITEM_FILE, "{\"rows\":5}").size, 77);
}

static void keys_of_files_are_their_digests(void **state)
{
	(void)state;
	static const enum vst_item_type types[] = {VST_ITEM_FILE, VST_ITEM_STREAM};
	for (size_t i = 0; i < 2; i++) {
		struct known known = known_of(VST_ITEM_CONTENT_DIGEST, types[i],
		        "{\"digest\":{\"bytes\":9,\"hmac_sha256\":\"" ROOT "\"}}");
		assert_true(known.has);
		assert_int_equal(known.size, 9);
	}
}

static void keys_are_not_made_of_anything_else(void **state)
{
	(void)state;
	assert_nothing_known(NULL);
	assert_nothing_known("");
	assert_nothing_known("{}");
	assert_nothing_known("{\"rows\":5,\"digest\":{\"rows\":5,\"ordered\":\"" ORDERED "\"}}");
	assert_nothing_known("{\"rows\":5,\"digest\":{\"rows\":5,\"ordered\":\"01\",\"root\":\"" ROOT "\"}}");
	assert_nothing_known("{\"rows\":5,\"digest\":7}");
	assert_nothing_known("{\"rows\":5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(keys_of_tables_are_their_digests),
	        cmocka_unit_test(rows_of_tables_are_their_size),
	        cmocka_unit_test(keys_of_files_are_their_digests),
	        cmocka_unit_test(keys_are_not_made_of_anything_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
