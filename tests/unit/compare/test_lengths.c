#include "compare/comparing.h"

#include <zstd.h>

#include "compare/lengths.h"

#define OLD "one\ntwo\n"

/* An earlier exhibit with /log/x of this content, and what a later file tells of its lengths. */
struct looking {
	struct side before;
	struct vst_families *families;
};

static void look_open(struct looking *l, struct vst_item item)
{
	struct vst_err err = VST_ERR_INIT;
	side_open(&l->before, 1);
	put(&l->before, item, NULL, VST_SERIES_APPEND_ONLY);
	side_end(&l->before);
	assert_int_equal(vst_families_new(l->before.index, &l->families, &err), 0);
}

static void look_close(struct looking *l)
{
	vst_families_free(l->families);
	side_close(&l->before);
}

/* The value, or "" where nobody looks. Freed by the caller. */
static char *look(struct looking *l, const struct vst_item *item, const void *bytes, size_t len, size_t step)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_lengths *lengths = NULL;
	struct vst_buf value = VST_BUF_INIT;
	assert_int_equal(vst_lengths_begin(l->families, item, l->before.dirfd, false, &lengths, &err), 0);
	for (size_t at = 0; lengths && at < len; at += step)
		assert_int_equal(vst_lengths_data(lengths, (const uint8_t *)bytes + at,
		                         len - at < step ? len - at : step, &err),
		        0);
	if (lengths)
		assert_int_equal(vst_lengths_end(lengths, &value, &err), 0);
	vst_lengths_free(lengths);
	char *text = strdup(value.len ? vst_buf_cstr(&value) : "");
	vst_buf_free(&value);
	return text;
}

static void expect_held(struct looking *l, const struct vst_item *item, const void *bytes, size_t len,
        bool expanded, bool held)
{
	char hex[2 * VST_HASH_LEN + 1], want[256];
	uint8_t digest[VST_HASH_LEN];
	static const size_t steps[] = {1, 3, 100000};
	vst_sha256(OLD, strlen(OLD), digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	snprintf(want, sizeof want, "{\"expanded\":%s,\"at\":[[%zu,\"%s\"]]}", expanded ? "true" : "false",
	        strlen(OLD), hex);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		char *value = look(l, item, bytes, len, steps[i]);
		assert_string_equal(value, held ? want : "");
		free(value);
	}
}

static void lengths_knows_a_rotated_log_by_its_beginning(void **state)
{
	(void)state;
	struct looking l;
	look_open(&l, file_of("/log/x", OLD, 10));
	struct vst_item item = file_of("/log/x.1", OLD "three\n", 10);
	touch(&item, NOON);
	expect_held(&l, &item, OLD "three\n", 14, false, true);
	item = file_of("/log/x.1", OLD, 11); /* copied, and not one byte longer */
	expect_held(&l, &item, OLD, 8, false, true);
	item = file_of("/log/x.1", "one\n", 11); /* shorter than what is looked for */
	expect_held(&l, &item, "one\n", 4, false, false);
	item = file_of("/log/other.1", OLD, 12); /* of no log that was there */
	expect_held(&l, &item, OLD, 8, false, false);
	look_close(&l);
}

static void lengths_leaves_to_the_sink_what_merely_grew(void **state)
{
	(void)state;
	struct looking l;
	look_open(&l, file_of("/log/x", OLD, 10));
	struct vst_item item = file_of("/log/x", OLD "three\n", 10);
	touch(&item, NOON);
	expect_held(&l, &item, OLD "three\n", 14, false, false);
	item.path = "/log/x.1"; /* only renamed: its size and time are as they were */
	item = file_of("/log/x.1", OLD, 10);
	expect_held(&l, &item, OLD, 8, false, false);
	look_close(&l);
}

static void lengths_expands_what_was_compressed(void **state)
{
	(void)state;
	uint8_t packed[256];
	struct looking l;
	look_open(&l, file_of("/log/x", OLD, 10));
	size_t len = ZSTD_compress(packed, sizeof packed, OLD "three\n", 14, 3);
	assert_false(ZSTD_isError(len));
	struct vst_item item = file_of("/log/x.1.zst", "", 11);
	item.size = len;
	expect_held(&l, &item, packed, len, true, true);
	expect_held(&l, &item, packed, len - 9, true, false); /* cut before its first block ended */
	expect_held(&l, &item, packed, 2, true, false);
	memset(packed + 6, 0xff, len - 6);
	expect_held(&l, &item, packed, len, true, false); /* damaged: no error, and no digest */
	look_close(&l);
}

static void lengths_of_sparse_and_empty_logs_are_none(void **state)
{
	(void)state;
	struct looking l;
	look_open(&l, file_of("/log/x", "", 10));
	struct vst_item item = file_of("/log/x.1", OLD, 11);
	expect_held(&l, &item, OLD, 8, false, false);
	look_close(&l);
	look_open(&l, file_of("/log/x", OLD, 10));
	item.is_sparse = true;
	expect_held(&l, &item, OLD, 8, false, false);
	look_close(&l);
}

/* A family of any size has as many lengths as are kept, and asking for them takes no time. */
static void lengths_are_bounded(void **state)
{
	(void)state;
	enum { MANY = 5000 };
	struct vst_err err = VST_ERR_INIT;
	struct looking l;
	static char text[MANY + 1];
	char path[64];
	memset(text, 'x', MANY);
	side_open(&l.before, 1);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(path, sizeof path, "/log/x.%u", i);
		put(&l.before, file_of(path, text + i, 10 + i), NULL, VST_SERIES_APPEND_ONLY);
	}
	side_end(&l.before);
	assert_int_equal(vst_families_new(l.before.index, &l.families, &err), 0);
	struct vst_item item = file_of("/log/x.9999", text, 9);
	char *value = look(&l, &item, text, MANY, 1000);
	unsigned count = 0;
	for (const char *at = value; (at = strstr(at, ",\"")); at++)
		count++;
	assert_int_equal(count, VST_LENGTHS_MAX + 1); /* "at" as well */
	free(value);
	look_close(&l);
}

static void held_finds_what_facts_tell_and_survives_others(void **state)
{
	(void)state;
	static const char *const odd[] = {"{}", "{\"lengths\":{}}", "{\"lengths\":[1]}",
	        "{\"lengths\":{\"expanded\":true,\"at\":[[1]]}}",
	        "{\"lengths\":{\"expanded\":true,\"at\":[[1,\"zz\"]]}}", "{\"lengths\":3}"};
	struct side s;
	struct vst_err err = VST_ERR_INIT;
	struct vst_held *held = NULL;
	struct vst_buf facts = VST_BUF_INIT;
	uint8_t digest[VST_HASH_LEN];
	uint64_t seq;
	char path[32];
	side_open(&s, 2);
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		snprintf(path, sizeof path, "/odd/%zu", i);
		put(&s, file_of(path, "x", 100 + i), odd[i], 0);
	}
	memset(digest, 0xab, sizeof digest);
	vst_buf_text(&facts, "{\"lengths\":{\"expanded\":true,\"at\":[[3,\"");
	for (size_t i = 0; i < sizeof digest; i++)
		vst_buf_text(&facts, "ab");
	vst_buf_text(&facts, "\"]]}}");
	put(&s, file_of("/log/x.1", "x", 10), vst_buf_cstr(&facts), 0);
	side_end(&s);
	assert_int_equal(vst_held_new(s.index, &held, &err), 0);
	assert_true(vst_held_find(held, 3, digest, &seq));
	assert_int_equal(seq, sizeof odd / sizeof *odd);
	assert_false(vst_held_find(held, 4, digest, &seq));
	digest[31]++;
	assert_false(vst_held_find(held, 3, digest, &seq));
	vst_held_free(held);
	vst_buf_free(&facts);
	side_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(lengths_knows_a_rotated_log_by_its_beginning),
	        cmocka_unit_test(lengths_leaves_to_the_sink_what_merely_grew),
	        cmocka_unit_test(lengths_expands_what_was_compressed),
	        cmocka_unit_test(lengths_of_sparse_and_empty_logs_are_none),
	        cmocka_unit_test(lengths_are_bounded),
	        cmocka_unit_test(held_finds_what_facts_tell_and_survives_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
