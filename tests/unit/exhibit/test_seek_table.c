#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "exhibit/seek_table.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"

/* A table of `count` frames of the given sizes; `checksum` appends one to each. */
static void put_table(struct vst_buf *out, const uint32_t (*sizes)[2], uint32_t count, uint8_t descriptor)
{
	bool checksums = descriptor & 0x80;

	vst_buf_u32le(out, 0x184D2A5E);
	vst_buf_u32le(out, count * (checksums ? 12 : 8) + 9);
	for (uint32_t i = 0; i < count; i++) {
		vst_buf_u32le(out, sizes[i][0]);
		vst_buf_u32le(out, sizes[i][1]);
		if (checksums)
			vst_buf_u32le(out, 0xABCD0000 + i);
	}
	vst_buf_u32le(out, count);
	vst_buf_byte(out, descriptor);
	vst_buf_u32le(out, 0x8F92EAB1);
}

static int parse(
        const struct vst_buf *buf, uint64_t frames_size, struct vst_seek_table *ret, struct vst_err *err)
{
	return vst_seek_table_parse(buf->data, buf->len, frames_size + buf->len, ret, err);
}

static const uint32_t three[][2] = {{100, 4096}, {50, 0}, {70, 1000}};

static void seek_table_reads_frames_with_checksums(void **state)
{
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_seek_table table;
	struct vst_seek_frame frame;
	size_t len = 0;

	(void)state;
	put_table(&buf, three, 3, 0x80);
	assert_int_equal(vst_seek_table_len(buf.data + buf.len - 9, 220 + buf.len, &len, NULL), 0);
	assert_int_equal(len, buf.len);
	assert_int_equal(parse(&buf, 220, &table, NULL), 0);
	assert_int_equal(table.count, 3);
	assert_true(table.has_checksums);
	assert_int_equal(table.size, 220);
	assert_int_equal(table.tar_size, 5096);
	frame = vst_seek_table_frame(&table, 2);
	assert_int_equal(frame.offset, 150);
	assert_int_equal(frame.len, 70);
	assert_int_equal(frame.tar_offset, 4096);
	assert_int_equal(frame.tar_len, 1000);
	assert_int_equal(frame.checksum, 0xABCD0002);
	vst_seek_table_free(&table);
	vst_buf_free(&buf);
}

static void seek_table_reads_frames_without_checksums(void **state)
{
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_seek_table table;

	(void)state;
	put_table(&buf, three, 3, 0x03); /* the two unused bits mean nothing */
	assert_int_equal(parse(&buf, 220, &table, NULL), 0);
	assert_false(table.has_checksums);
	assert_null(table.checksums);
	vst_seek_table_free(&table);
	vst_buf_free(&buf);
}

static void seek_table_of_no_frames_is_a_table(void **state)
{
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_seek_table table;

	(void)state;
	put_table(&buf, three, 0, 0x80);
	assert_int_equal(parse(&buf, 0, &table, NULL), 0);
	assert_int_equal(table.tar_size, 0);
	vst_seek_table_free(&table);
	vst_buf_free(&buf);
}

static void seek_table_finds_the_frame_of_each_byte(void **state)
{
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_seek_table table;

	(void)state;
	put_table(&buf, three, 3, 0);
	assert_int_equal(parse(&buf, 220, &table, NULL), 0);
	assert_int_equal(vst_seek_table_find(&table, 0), 0);
	assert_int_equal(vst_seek_table_find(&table, 4095), 0);
	assert_int_equal(vst_seek_table_find(&table, 4096), 2); /* not the frame without content */
	assert_int_equal(vst_seek_table_find(&table, 5095), 2);
	vst_seek_table_free(&table);
	vst_buf_free(&buf);
}

static void refuses(
        const uint32_t (*sizes)[2], uint32_t count, uint8_t descriptor, uint64_t frames_size, int code)
{
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_seek_table table = {.count = 77};
	struct vst_err err = VST_ERR_INIT;

	put_table(&buf, sizes, count, descriptor);
	assert_int_equal(parse(&buf, frames_size, &table, &err), code);
	assert_int_equal(err.code, code);
	assert_int_equal(table.count, 77); /* untouched */
	vst_buf_free(&buf);
}

static void seek_table_refuses_sums_that_do_not_fill_the_stream(void **state)
{
	(void)state;
	refuses(three, 3, 0x80, 219, VST_EFORMAT);
	refuses(three, 3, 0x80, 221, VST_EFORMAT);
}

static void seek_table_refuses_frames_above_the_cap(void **state)
{
	static const uint32_t large[][2] = {{100, VST_FRAME_MAX + 1}},
	                      huge[][2] = {{VST_SEEK_COMPRESSED_MAX + 1, 1}},
	                      largest[][2] = {{100, VST_FRAME_MAX}};
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_seek_table table;

	(void)state;
	refuses(large, 1, 0, 100, VST_EFORMAT);
	refuses(huge, 1, 0, VST_SEEK_COMPRESSED_MAX + 1, VST_EFORMAT);
	put_table(&buf, largest, 1, 0);
	assert_int_equal(parse(&buf, 100, &table, NULL), 0);
	vst_seek_table_free(&table);
	vst_buf_free(&buf);
}

static void seek_table_refuses_frames_too_small_to_be_one(void **state)
{
	static const uint32_t small[][2] = {{0, 10}, {100, 10}};

	(void)state;
	refuses(small, 2, 0, 100, VST_EFORMAT);
}

static void seek_table_refuses_reserved_bits(void **state)
{
	(void)state;
	refuses(three, 3, 0x84, 220, VST_EFORMAT);
}

static void seek_table_bounds_the_number_of_frames_by_the_stream(void **state)
{
	uint8_t footer[9] = {0xff, 0xff, 0x0f, 0, 0, 0xb1, 0xea, 0x92, 0x8f};
	size_t len = 1;

	(void)state;
	assert_int_equal(vst_seek_table_len(footer, 1000, &len, NULL), VST_EFORMAT);
	memset(footer, 0xff, 4);
	assert_int_equal(vst_seek_table_len(footer, UINT64_MAX, &len, NULL), VST_ELIMIT);
	assert_int_equal(len, 1);
}

static void seek_table_refuses_another_magic_and_every_cut(void **state)
{
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_seek_table table;

	(void)state;
	put_table(&buf, three, 3, 0x80);
	for (size_t len = 0; len < buf.len; len++)
		assert_int_equal(vst_seek_table_parse(buf.data, len, 220 + len, &table, NULL), VST_EFORMAT);
	buf.data[0] ^= 1;
	assert_int_equal(parse(&buf, 220, &table, NULL), VST_EFORMAT);
	buf.data[0] ^= 1;
	buf.data[4] ^= 1;
	assert_int_equal(parse(&buf, 220, &table, NULL), VST_EFORMAT);
	vst_buf_free(&buf);
}

/* ---- frames ---- */

struct made {
	uint8_t data[4096], plain[1000], out[1000];
	struct vst_seek_frame frame;
	ZSTD_DCtx *context;
};

static void make(struct made *made, bool checksum, bool size)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();

	memset(made->plain, 'v', sizeof made->plain);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum);
	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, size);
	made->frame = (struct vst_seek_frame){.tar_len = sizeof made->plain};
	made->frame.len = (uint32_t)ZSTD_compress2(
	        context, made->data, sizeof made->data, made->plain, sizeof made->plain);
	memcpy(&made->frame.checksum, made->data + made->frame.len - 4, 4);
	made->context = ZSTD_createDCtx();
	ZSTD_freeCCtx(context);
}

static int decode(struct made *made, bool checksum)
{
	/* From memory of exactly that length, so that a sanitizer sees a read beyond it. */
	uint8_t *data = malloc(made->frame.len);
	int rc;

	memcpy(data, made->data, made->frame.len);
	rc = vst_seek_frame_decode(made->context, &made->frame, checksum, data, made->out, NULL);
	free(data);
	ZSTD_freeDCtx(made->context);
	return rc;
}

static void seek_frame_decodes_with_and_without_size_and_checksum(void **state)
{
	struct made made;

	(void)state;
	for (int i = 0; i < 4; i++) {
		make(&made, i & 1, i & 2);
		assert_int_equal(decode(&made, i & 1), 0);
		assert_memory_equal(made.out, made.plain, sizeof made.out);
	}
}

static void seek_frame_refuses_another_checksum_in_the_table(void **state)
{
	struct made made;

	(void)state;
	make(&made, true, true);
	made.frame.checksum ^= 1;
	assert_int_equal(decode(&made, true), VST_EAUTH);
}

static void seek_frame_refuses_damaged_content(void **state)
{
	struct made made;

	(void)state;
	make(&made, true, true);
	made.data[made.frame.len - 1] ^= 1;
	assert_int_equal(decode(&made, false), VST_EAUTH);
}

static void seek_frame_refuses_another_size_than_the_table(void **state)
{
	struct made made;

	(void)state;
	for (int size = 0; size < 2; size++) {
		make(&made, true, size);
		made.frame.tar_len--;
		assert_int_equal(decode(&made, false), VST_EFORMAT);
		make(&made, false, size);
		made.frame.tar_len = 0;
		assert_int_equal(decode(&made, false), VST_EFORMAT);
	}
}

static void seek_frame_refuses_bytes_beside_the_frame(void **state)
{
	static const uint8_t skippable[] = {0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 'x'};
	struct made made;

	(void)state;
	make(&made, true, true);
	memcpy(made.data + made.frame.len, skippable, sizeof skippable);
	made.frame.len += sizeof skippable;
	assert_int_equal(decode(&made, false), VST_EFORMAT);
	make(&made, true, true);
	memmove(made.data + sizeof skippable, made.data, made.frame.len);
	memcpy(made.data, skippable, sizeof skippable);
	made.frame.len += sizeof skippable;
	assert_int_equal(decode(&made, false), VST_EFORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(seek_table_reads_frames_with_checksums),
	        cmocka_unit_test(seek_table_reads_frames_without_checksums),
	        cmocka_unit_test(seek_table_of_no_frames_is_a_table),
	        cmocka_unit_test(seek_table_finds_the_frame_of_each_byte),
	        cmocka_unit_test(seek_table_refuses_sums_that_do_not_fill_the_stream),
	        cmocka_unit_test(seek_table_refuses_frames_above_the_cap),
	        cmocka_unit_test(seek_table_refuses_frames_too_small_to_be_one),
	        cmocka_unit_test(seek_table_refuses_reserved_bits),
	        cmocka_unit_test(seek_table_bounds_the_number_of_frames_by_the_stream),
	        cmocka_unit_test(seek_table_refuses_another_magic_and_every_cut),
	        cmocka_unit_test(seek_frame_decodes_with_and_without_size_and_checksum),
	        cmocka_unit_test(seek_frame_refuses_another_checksum_in_the_table),
	        cmocka_unit_test(seek_frame_refuses_damaged_content),
	        cmocka_unit_test(seek_frame_refuses_another_size_than_the_table),
	        cmocka_unit_test(seek_frame_refuses_bytes_beside_the_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
