#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "exhibit/compressor.h"
#include "exhibit/exhibit_index.h"
#include "exhibit/frames.h"
#include "exhibit/tar_out.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/timefmt.h"

#define FRAME ((size_t)100000)

static struct vst_frames *start(struct vst_buf *out, unsigned workers)
{
	const struct vst_frames_options options = {
	        .workers = workers, .frame_size = FRAME, .out = vst_output_buf(out)};
	struct vst_frames *frames = NULL;
	assert_int_equal(vst_frames_new(&options, &frames, NULL), 0);
	return frames;
}

static void fill(uint8_t *data, size_t len)
{
	uint32_t x = 7;
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = i / 30000 % 2 ? (uint8_t)(x >> 24) : (uint8_t)("log line "[i % 9]);
	}
}

static uint32_t le32(const uint8_t *from)
{
	return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* Takes the stream apart by its table: every frame alone, with content size and checksum, and all of them the
 * content. */
static void check_stream(const struct vst_buf *out, const uint8_t *data, size_t len)
{
	assert_true(out->len >= 17);
	const uint8_t *footer = out->data + out->len - 9;
	uint32_t count = le32(footer);
	assert_int_equal(footer[4], 0);
	assert_int_equal(le32(footer + 5), 0x8F92EAB1u);
	assert_int_equal(count, (len + FRAME - 1) / FRAME);
	const uint8_t *table = footer - (size_t)count * 8;
	assert_int_equal(le32(table - 8), 0x184D2A5Eu);
	assert_int_equal(le32(table - 4), count * 8 + 9);
	uint8_t *back = malloc(FRAME);
	assert_non_null(back);
	size_t at = 0, from = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t packed = le32(table + i * 8), plain = le32(table + i * 8 + 4);
		assert_int_equal(plain, len - at < FRAME ? len - at : FRAME);
		assert_int_equal(ZSTD_getFrameContentSize(out->data + from, packed), plain);
		assert_int_equal(ZSTD_findFrameCompressedSize(out->data + from, packed), packed);
		assert_true(out->data[from + 4] & 4); /* the frame header's checksum flag */
		assert_int_equal(ZSTD_decompress(back, FRAME, out->data + from, packed), plain);
		assert_memory_equal(back, data + at, plain);
		at += plain;
		from += packed;
	}
	assert_int_equal(at, len);
	assert_ptr_equal(out->data + from, table - 8);
	free(back);
}

static void frames_come_out_in_order_whatever_the_writes(void **state)
{
	(void)state;
	static const size_t lengths[] = {0, 1, FRAME - 1, FRAME, FRAME + 1, 25 * FRAME + 17};
	static const size_t steps[] = {1 << 30, 4096, 33333};
	uint8_t *data = malloc(26 * FRAME);
	assert_non_null(data);
	fill(data, 26 * FRAME);
	for (unsigned workers = 1; workers <= 4; workers += 3) {
		for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
			for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
				struct vst_buf out = VST_BUF_INIT;
				struct vst_frames *frames = start(&out, workers);
				for (size_t at = 0; at < lengths[l]; at += steps[s]) {
					size_t some = lengths[l] - at < steps[s] ? lengths[l] - at : steps[s];
					assert_int_equal(vst_frames_write(frames, data + at, some, NULL), 0);
				}
				assert_int_equal(vst_frames_position(frames), lengths[l]);
				assert_int_equal(vst_frames_finish(frames, NULL), 0);
				vst_frames_free(frames);
				check_stream(&out, data, lengths[l]);
				vst_buf_free(&out);
			}
		}
	}
	free(data);
}

static int refuse_third(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	unsigned *calls = ctx;
	(void)data;
	(void)len;
	return ++*calls >= 3 ? vst_err_sys(err, 5 /* EIO */, "third write") : 0;
}

static void frames_tell_a_failed_output_and_write_no_more(void **state)
{
	(void)state;
	unsigned calls = 0;
	const struct vst_frames_options options = {
	        .workers = 2, .frame_size = FRAME, .out = {&calls, refuse_third}};
	struct vst_frames *frames = NULL;
	struct vst_err err = VST_ERR_INIT;
	uint8_t *data = calloc(1, FRAME);
	int rc = 0;
	assert_non_null(data);
	assert_int_equal(vst_frames_new(&options, &frames, &err), 0);
	for (int i = 0; i < 20 && rc == 0; i++)
		rc = vst_frames_write(frames, data, FRAME, &err);
	assert_int_equal(rc, VST_EIO);
	assert_int_equal(err.sys, 5);
	assert_int_equal(vst_frames_finish(frames, &err), VST_EIO);
	vst_frames_free(frames);
	assert_int_equal(calls, 3);
	free(data);
}

static void frames_can_be_left_unfinished(void **state)
{
	(void)state;
	struct vst_buf out = VST_BUF_INIT;
	struct vst_frames *frames = start(&out, 2);
	uint8_t *data = calloc(3, FRAME);
	assert_non_null(data);
	assert_int_equal(vst_frames_write(frames, data, 3 * FRAME - 5, NULL), 0);
	vst_frames_free(frames);
	free(data);
	vst_buf_free(&out);
}

static void frames_refuse_sizes_beyond_the_format(void **state)
{
	(void)state;
	struct vst_buf out = VST_BUF_INIT;
	struct vst_frames *frames = NULL;
	struct vst_frames_options options = {.workers = 0, .frame_size = FRAME, .out = vst_output_buf(&out)};
	assert_int_equal(vst_frames_new(&options, &frames, NULL), VST_EUSAGE);
	options.workers = VST_FRAMES_WORKERS_MAX + 1;
	assert_int_equal(vst_frames_new(&options, &frames, NULL), VST_EUSAGE);
	options.workers = 1;
	options.frame_size = VST_FRAME_MAX + 1;
	assert_int_equal(vst_frames_new(&options, &frames, NULL), VST_EUSAGE);
	assert_null(frames);
}

static void compressor_spends_nothing_on_random_bytes(void **state)
{
	(void)state;
	struct vst_compressor *compressor = NULL;
	size_t len = 1024 * 1024, cap = vst_compressor_bound(len), packed = 0;
	uint8_t *data = malloc(len), *out = malloc(cap), *back = malloc(len);
	uint64_t x = 88172645463325252u;
	assert_true(data && out && back);
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (uint8_t)x;
	}
	assert_int_equal(vst_compressor_new(&compressor, NULL), 0);
	assert_int_equal(vst_compressor_frame(compressor, data, len, out, cap, &packed, NULL), 0);
	assert_true(packed < len + 100);
	assert_int_equal(ZSTD_decompress(back, len, out, packed), len);
	assert_memory_equal(back, data, len);
	/* And the same compressor goes back to work on the next frame. */
	memset(data, 'a', len);
	assert_int_equal(vst_compressor_frame(compressor, data, len, out, cap, &packed, NULL), 0);
	assert_true(packed < 1000);
	vst_compressor_free(compressor);
	free(data);
	free(out);
	free(back);
}

static void index_finds_and_sorts_many_records(void **state)
{
	(void)state;
	struct vst_index index;
	const uint32_t count = 30000;
	assert_int_equal(vst_index_init(&index, NULL), 0);
	for (uint32_t i = 0; i < count; i++) {
		struct vst_index_record record = {
		        .line_len = i + 1, .entry_offset = i, .line_offset = 2 * (uint64_t)i};
		uint64_t seq = 0;
		vst_sha256(&i, sizeof i, record.path);
		assert_false(vst_index_find(&index, record.path, &seq));
		assert_int_equal(vst_index_add(&index, &record, record.path, 0, NULL), 0);
		assert_true(vst_index_find(&index, record.path, &seq));
		assert_int_equal(seq, i);
	}
	vst_index_place_lines(&index, count - 1, 1000);
	assert_int_equal(vst_index_get(&index, count - 1).line_offset, 2 * (uint64_t)(count - 1) + 1000);
	assert_int_equal(vst_index_get(&index, count - 2).line_offset, 2 * (uint64_t)(count - 2));
	vst_index_sort(&index);
	uint64_t sum = 0;
	for (uint64_t i = 0; i < count; i++) {
		struct vst_index_record record = vst_index_get(&index, i);
		uint8_t digest[VST_HASH_LEN];
		vst_sha256(&record.seq, sizeof record.seq, digest);
		assert_memory_equal(digest, record.path, VST_HASH_LEN);
		assert_int_equal(record.line_len, record.seq + 1);
		if (i > 0)
			assert_true(memcmp(index.records + (i - 1) * VST_INDEX_RECORD_LEN, record.path,
			                    VST_HASH_LEN) < 0);
		sum += record.seq;
	}
	assert_int_equal(sum, (uint64_t)count * (count - 1) / 2);
	vst_index_free(&index);
}

static void tar_times_are_signed_as_posix_writes_them(void **state)
{
	(void)state;
	static const struct {
		int64_t ns, seconds;
		long rest;
	} cases[] = {{0, 0, 0}, {1500000000, 1, 500000000}, {-1500000000, -1, 500000000},
	        {-2000000000, -2, 0}, {-1, -1, 0}, {-999999999, -1, 0}, {-1000000001, -1, 1},
	        {INT64_MAX, 9223372036, 854775807}, {INT64_MIN + 1, -9223372036, 854775807}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t seconds;
		long rest;
		vst_tar_time(cases[i].ns, &seconds, &rest);
		assert_int_equal(seconds, cases[i].seconds);
		assert_int_equal(rest, cases[i].rest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(frames_come_out_in_order_whatever_the_writes),
	        cmocka_unit_test(frames_tell_a_failed_output_and_write_no_more),
	        cmocka_unit_test(frames_can_be_left_unfinished),
	        cmocka_unit_test(frames_refuse_sizes_beyond_the_format),
	        cmocka_unit_test(compressor_spends_nothing_on_random_bytes),
	        cmocka_unit_test(index_finds_and_sorts_many_records),
	        cmocka_unit_test(tar_times_are_signed_as_posix_writes_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
