#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collect/isolated_item.h"
#include "collect/isolated_ring.h"

static const struct vst_item_xattr xattrs[] = {{"security.a", "\0\1", 2}, {"user.b", "", 0}};
static const struct vst_item_extent extents[] = {{0, 4096}, {65536, 10}};

static struct vst_item full_item(void)
{
	struct vst_item item;
	vst_item_init(&item);
	item.path = "/srv/a \xff b";
	item.rule = "limits.item";
	item.user = "root";
	item.group = "";
	item.flags = "ia";
	item.acl = "user::rw-";
	item.target = "../x";
	item.size = 70000;
	item.xattrs = xattrs;
	item.xattr_count = 2;
	item.is_sparse = true;
	item.extents = extents;
	item.extent_count = 2;
	item.details = "{\"a\":1} and not this";
	item.details_len = 7;
	return item;
}

/* A process that was taken over knew of no exhibit, and named pieces of one all the same. */
static void item_brings_no_knowledge_of_exhibits(void **state)
{
	(void)state;
	static const struct vst_item_stored stored = {1, 2, 3};
	struct vst_item item = full_item();
	struct vst_buf bytes = VST_BUF_INIT;
	struct isolated_item back;
	item.has_whole = item.has_prefix = item.long_entry = true;
	item.whole.stored = &stored;
	item.whole.stored_count = 1;
	item.whole.size = 3;
	item.whole.hashes = VST_HASH_SHA256;
	for (int i = 0; i < 2; i++) {
		item.whole.trusted = i;
		vst_buf_clear(&bytes);
		isolated_item_put(&bytes, &item, NULL, NULL);
		assert_true(isolated_item_take(bytes.data, bytes.len, &back));
		assert_int_equal(back.item.has_whole, i);
		assert_int_equal(back.item.whole.trusted, i);
		assert_int_equal(back.item.whole.size, i ? 3 : 0);
		assert_null(back.item.whole.stored);
		assert_int_equal(back.item.whole.stored_count, 0);
		assert_int_equal(back.item.whole.hashes, 0);
		assert_false(back.item.has_prefix);
		assert_false(back.item.long_entry);
		isolated_item_release(&back);
	}
	uint8_t odd = 2;
	memcpy(bytes.data + offsetof(struct vst_item, has_whole), &odd, 1);
	memcpy(bytes.data + offsetof(struct vst_item, has_prefix), &odd, 1);
	assert_true(isolated_item_take(bytes.data, bytes.len, &back));
	assert_false(back.item.has_whole);
	assert_false(back.item.has_prefix);
	isolated_item_release(&back);
	vst_buf_free(&bytes);
}

static void item_comes_back_as_it_was(void **state)
{
	(void)state;
	struct vst_item item = full_item();
	struct vst_buf bytes = VST_BUF_INIT;
	struct isolated_item back;
	isolated_item_put(&bytes, &item, NULL, "/other");
	assert_true(isolated_item_take(bytes.data, bytes.len, &back));
	assert_string_equal(back.item.path, item.path);
	assert_string_equal(back.item.rule, item.rule);
	assert_string_equal(back.item.group, "");
	assert_null(back.item.default_acl);
	assert_null(back.link_source);
	assert_string_equal(back.link_path, "/other");
	assert_int_equal(back.item.size, 70000);
	assert_int_equal(back.item.xattr_count, 2);
	assert_string_equal(back.item.xattrs[1].name, "user.b");
	assert_int_equal(back.item.xattrs[0].len, 2);
	assert_memory_equal(back.item.extents, extents, sizeof extents);
	assert_int_equal(back.item.details_len, 7);
	assert_memory_equal(back.item.details, "{\"a\":1}", 7);
	isolated_item_release(&back);
	vst_buf_free(&bytes);
}

/* The other side may send anything. */
static void item_that_is_cut_is_refused(void **state)
{
	(void)state;
	struct vst_item item = full_item();
	struct vst_buf bytes = VST_BUF_INIT;
	struct isolated_item back;
	isolated_item_put(&bytes, &item, "s", "/other");
	for (size_t len = 0; len < bytes.len; len++) {
		uint8_t *copy = malloc(len + 1); /* exact, so that a read behind it is seen */
		assert_non_null(copy);
		memcpy(copy, bytes.data, len);
		assert_false(isolated_item_take(copy, len, &back));
		isolated_item_release(&back);
		free(copy);
	}
	bytes.data[sizeof item] = 3; /* a path shorter than what ends in NUL there */
	assert_false(isolated_item_take(bytes.data, bytes.len, &back));
	isolated_item_release(&back);
	vst_buf_free(&bytes);
}

static void ring_keeps_order_around_its_end(void **state)
{
	(void)state;
	struct ring *ring = aligned_alloc(64, (sizeof *ring + 63) / 64 * 64);
	assert_non_null(ring);
	memset(ring, 0, sizeof *ring);
	for (uint32_t i = 0; i < 40000; i++) {
		uint32_t len = i * 7919 % 5000, type, got;
		const uint8_t *bytes;
		memset(ring_reserve(ring, len), (int)(i & 0xff), len);
		ring_commit(ring, i + 1, len);
		assert_int_equal(ring_next(ring, 0, &type, &bytes, &got), RING_MESSAGE);
		assert_int_equal(type, i + 1);
		assert_int_equal(got, len);
		assert_true(len == 0 || (bytes[0] == (i & 0xff) && bytes[len - 1] == (i & 0xff)));
		ring_release(ring, got);
		assert_int_equal(ring_next(ring, 0, &type, &bytes, &got), RING_EMPTY);
	}
	free(ring);
}

static void ring_refuses_lying_lengths(void **state)
{
	(void)state;
	struct ring *ring = aligned_alloc(64, (sizeof *ring + 63) / 64 * 64);
	const uint32_t lies[] = {1, RING_SIZE - 8, RING_SIZE, UINT32_MAX};
	uint32_t type, len;
	const uint8_t *bytes;
	assert_non_null(ring);
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		memset(ring, 0, sizeof *ring);
		memcpy(ring->data, &lies[i], 4);
		ring->written = 8; /* a header, and nothing of what it announces */
		assert_int_equal(ring_next(ring, 0, &type, &bytes, &len), RING_BROKEN);
	}
	ring->written = RING_SIZE + 8;
	assert_int_equal(ring_next(ring, 0, &type, &bytes, &len), RING_BROKEN);
	free(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(item_brings_no_knowledge_of_exhibits),
	        cmocka_unit_test(item_comes_back_as_it_was),
	        cmocka_unit_test(item_that_is_cut_is_refused),
	        cmocka_unit_test(ring_keeps_order_around_its_end),
	        cmocka_unit_test(ring_refuses_lying_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
