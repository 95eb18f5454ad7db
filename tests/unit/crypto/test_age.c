#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "age_fixture.h"
#include "vestige/secret.h"

static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 131073, 5 * 1024 * 1024};
#define SIZES (sizeof sizes / sizeof sizes[0])

/* ---- whole files ---- */

static void round_trip(struct age_keys *keys)
{
	for (size_t i = 0; i < SIZES; i++) {
		uint8_t *plain = age_plain(sizes[i]);
		struct vst_buf file = VST_BUF_INIT, back = VST_BUF_INIT;
		assert_int_equal(age_seal(&keys->recipients, plain, sizes[i], sizes[i] + 1, &file, NULL), 0);
		assert_int_equal(age_open(&file, &keys->identities, &back, NULL), 0);
		assert_int_equal(back.len, sizes[i]);
		if (sizes[i] > 0)
			assert_memory_equal(back.data, plain, sizes[i]);
		vst_buf_free(&file);
		vst_buf_free(&back);
		free(plain);
	}
}

static void x25519_file_comes_back(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();

	round_trip(&keys);
	age_keys_free(&keys);
}

static void passphrase_file_comes_back(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_passphrase("correct horse");

	round_trip(&keys);
	age_keys_free(&keys);
}

static void size_of_writes_does_not_matter(void **state)
{
	(void)state;
	static const size_t steps[] = {1, 1000, 65535, 65536, 65537, 131072, 200000};
	enum { LEN = 3 * 65536 };
	struct age_keys keys = age_keys_new();
	uint8_t *plain = age_plain(LEN);

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct vst_buf file = VST_BUF_INIT, back = VST_BUF_INIT;
		assert_int_equal(age_seal(&keys.recipients, plain, LEN, steps[i], &file, NULL), 0);
		assert_int_equal(age_open(&file, &keys.identities, &back, NULL), 0);
		assert_int_equal(back.len, LEN);
		assert_memory_equal(back.data, plain, LEN);
		vst_buf_free(&file);
		vst_buf_free(&back);
	}
	free(plain);
	age_keys_free(&keys);
}

static void each_of_several_recipients_opens(void **state)
{
	(void)state;
	struct age_keys a = age_keys_new(), b = age_keys_new(), stranger = age_keys_new();
	struct vst_age_recipients both = {0};
	struct vst_buf file = VST_BUF_INIT, plain = VST_BUF_INIT;

	both.list = calloc(2, sizeof *both.list);
	both.list[0] = a.recipients.list[0];
	both.list[1] = b.recipients.list[0];
	both.count = 2;
	assert_int_equal(age_seal(&both, (const uint8_t *)"hello", 5, 5, &file, NULL), 0);
	assert_int_equal(age_open(&file, &a.identities, &plain, NULL), 0);
	assert_int_equal(age_open(&file, &b.identities, &plain, NULL), 0);
	assert_int_equal(plain.len, 10);
	assert_int_equal(age_open(&file, &stranger.identities, &plain, NULL), VST_EKEY);
	assert_int_equal(plain.len, 10);
	free(both.list);
	vst_buf_free(&file);
	vst_buf_free(&plain);
	age_keys_free(&a);
	age_keys_free(&b);
	age_keys_free(&stranger);
}

static void wrong_passphrase_is_said(void **state)
{
	(void)state;
	struct age_keys right = age_keys_passphrase("right"), wrong = age_keys_passphrase("wrong");
	struct age_keys key = age_keys_new();
	struct vst_buf file = VST_BUF_INIT, plain = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(age_seal(&right.recipients, NULL, 0, 1, &file, NULL), 0);
	assert_int_equal(age_open(&file, &wrong.identities, &plain, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "passphrase does not fit"));
	assert_int_equal(age_open(&file, &key.identities, &plain, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "none is given"));
	vst_buf_free(&file);
	age_keys_free(&right);
	age_keys_free(&wrong);
	age_keys_free(&key);
}

static void writer_refuses_impossible_recipients(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	struct vst_age_recipients none = {0};
	struct vst_age_recipient *passphrase = NULL;
	struct vst_buf file = VST_BUF_INIT;

	assert_int_equal(age_seal(&none, NULL, 0, 1, &file, NULL), VST_EUSAGE);
	assert_int_equal(vst_age_recipient_passphrase("p", TEST_WORK_FACTOR, &passphrase, NULL), 0);
	assert_int_equal(vst_age_recipients_add(&keys.recipients, passphrase, NULL), 0);
	assert_int_equal(age_seal(&keys.recipients, NULL, 0, 1, &file, NULL), VST_EUSAGE);
	assert_int_equal(file.len, 0);
	age_keys_free(&keys);
}

static int fail_after(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	unsigned *left = ctx;

	(void)data, (void)len;
	return (*left)-- == 0 ? vst_err_set(err, VST_EIO, "disk full") : 0;
}

static void writer_stops_after_a_failed_write(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	uint8_t *plain = age_plain(300000);

	for (unsigned good = 0; good < 7; good++) {
		unsigned left = good;
		const struct vst_output out = {&left, fail_after};
		struct vst_age_writer *writer = NULL;
		int rc = vst_age_writer_new(&writer, &keys.recipients, &out, NULL);
		assert_int_equal(rc, good < 2 ? VST_EIO : 0);
		if (rc != 0) {
			assert_null(writer);
			continue;
		}
		rc = vst_age_writer_write(writer, plain, 300000, NULL);
		assert_int_equal(rc, good < 6 ? VST_EIO : 0);
		assert_int_equal(vst_age_writer_finish(writer, NULL), good < 6 ? VST_EUSAGE : VST_EIO);
		vst_age_writer_free(writer);
	}
	free(plain);
	age_keys_free(&keys);
}

static void writer_refuses_to_write_after_the_end(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	struct vst_buf file = VST_BUF_INIT;
	const struct vst_output out = vst_output_buf(&file);
	struct vst_age_writer *writer = NULL;

	assert_int_equal(vst_age_writer_new(&writer, &keys.recipients, &out, NULL), 0);
	assert_int_equal(vst_age_writer_finish(writer, NULL), 0);
	size_t len = file.len;
	assert_int_equal(vst_age_writer_write(writer, "x", 1, NULL), VST_EUSAGE);
	assert_int_equal(vst_age_writer_finish(writer, NULL), VST_EUSAGE);
	assert_int_equal(file.len, len);
	vst_age_writer_free(writer);
	vst_buf_free(&file);
	age_keys_free(&keys);
}

/* ---- damage ---- */

static void every_flipped_byte_is_found(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	struct vst_buf file = VST_BUF_INIT;

	assert_int_equal(age_seal(&keys.recipients, (const uint8_t *)"evidence", 8, 8, &file, NULL), 0);
	for (size_t i = 0; i < file.len; i++) {
		struct vst_buf plain = VST_BUF_INIT;
		for (unsigned bit = 0; bit < 8; bit++) {
			file.data[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(age_open(&file, &keys.identities, &plain, NULL), 0);
			assert_int_equal(plain.len, 0);
			file.data[i] ^= (uint8_t)(1 << bit);
		}
		vst_buf_free(&plain);
	}
	vst_buf_free(&file);
	age_keys_free(&keys);
}

static void every_cut_is_found(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	struct vst_buf file = VST_BUF_INIT;

	assert_int_equal(age_seal(&keys.recipients, (const uint8_t *)"evidence", 8, 8, &file, NULL), 0);
	for (size_t len = 0; len < file.len; len++) {
		struct vst_buf plain = VST_BUF_INIT, cut = VST_BUF_INIT;
		/* A copy of just this length, so that a sanitizer sees what lies beyond. */
		vst_buf_bytes(&cut, file.data, len);
		int rc = age_open(&cut, &keys.identities, &plain, NULL);
		assert_true(rc == VST_EFORMAT || rc == VST_EAUTH);
		assert_int_equal(plain.len, 0);
		vst_buf_free(&plain);
		vst_buf_free(&cut);
	}
	vst_buf_free(&file);
	age_keys_free(&keys);
}

static void cut_at_a_chunk_gives_what_was_whole(void **state)
{
	(void)state;
	enum { LEN = 3 * 65536 + 10 };
	struct age_keys keys = age_keys_new();
	uint8_t *plain = age_plain(LEN);
	struct vst_buf file = VST_BUF_INIT, back = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(age_seal(&keys.recipients, plain, LEN, LEN, &file, NULL), 0);
	file.len -= 10 + VST_AGE_TAG;
	assert_int_equal(age_open(&file, &keys.identities, &back, &err), VST_EAUTH);
	assert_non_null(strstr(err.text, "cut short"));
	assert_int_equal(back.len, 3 * 65536);
	assert_memory_equal(back.data, plain, back.len);
	vst_buf_free(&file);
	vst_buf_free(&back);
	free(plain);
	age_keys_free(&keys);
}

static void header_of_another_file_does_not_fit(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	struct vst_buf a = VST_BUF_INIT, b = VST_BUF_INIT, plain = VST_BUF_INIT;
	uint64_t header;

	assert_int_equal(age_seal(&keys.recipients, (const uint8_t *)"one", 3, 3, &a, NULL), 0);
	assert_int_equal(age_seal(&keys.recipients, (const uint8_t *)"two", 3, 3, &b, NULL), 0);
	const struct vst_input in = vst_input_memory(a.data, a.len);
	assert_int_equal(vst_age_header_len(&in, &header, NULL), 0);
	memcpy(a.data, b.data, (size_t)header);
	assert_int_equal(age_open(&a, &keys.identities, &plain, NULL), VST_EAUTH);
	assert_int_equal(plain.len, 0);
	vst_buf_free(&a);
	vst_buf_free(&b);
	age_keys_free(&keys);
}

static void huge_header_is_refused(void **state)
{
	(void)state;
	struct vst_buf file = VST_BUF_INIT;
	uint64_t len;

	vst_buf_text(&file, "age-encryption.org/v1\n");
	while (file.len <= VST_AGE_HEADER_MAX)
		vst_buf_text(&file, "-> grease\n\n");
	const struct vst_input in = vst_input_memory(file.data, file.len);
	assert_int_equal(vst_age_header_len(&in, &len, NULL), VST_ELIMIT);
	vst_buf_free(&file);
}

/* ---- chunks ---- */

static void chunks_are_read_in_any_order(void **state)
{
	(void)state;
	enum { LEN = 5 * 65536 + 7 };
	static const uint64_t order[] = {5, 0, 3, 3, 1};
	struct age_keys keys = age_keys_new();
	uint8_t *plain = age_plain(LEN);
	struct vst_buf file = VST_BUF_INIT;
	struct vst_age_reader *reader = NULL;
	uint8_t *chunk = malloc(VST_AGE_CHUNK);
	uint64_t header;
	size_t len;

	assert_int_equal(age_seal(&keys.recipients, plain, LEN, LEN, &file, NULL), 0);
	const struct vst_input in = vst_input_memory(file.data, file.len);
	assert_int_equal(vst_age_reader_open(&reader, &in, &keys.identities, NULL), 0);
	assert_int_equal(vst_age_header_len(&in, &header, NULL), 0);
	assert_int_equal(vst_age_reader_header_len(reader), header);
	assert_int_equal(vst_age_reader_size(reader), LEN);
	assert_int_equal(vst_age_reader_chunks(reader), 6);
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		assert_int_equal(vst_age_reader_chunk(reader, order[i], chunk, &len, NULL), 0);
		assert_int_equal(len, order[i] == 5 ? 7 : VST_AGE_CHUNK);
		assert_memory_equal(chunk, plain + order[i] * VST_AGE_CHUNK, len);
	}
	assert_int_equal(vst_age_reader_chunk(reader, 6, chunk, &len, NULL), VST_EUSAGE);
	assert_int_equal(vst_age_reader_chunk(reader, UINT64_MAX, chunk, &len, NULL), VST_EUSAGE);
	vst_age_reader_free(reader);
	vst_buf_free(&file);
	free(chunk);
	free(plain);
	age_keys_free(&keys);
}

static void damaged_chunk_costs_only_itself(void **state)
{
	(void)state;
	enum { LEN = 3 * 65536 };
	struct age_keys keys = age_keys_new();
	uint8_t *plain = age_plain(LEN);
	struct vst_buf file = VST_BUF_INIT;
	struct vst_age_reader *reader = NULL;
	struct vst_err err = VST_ERR_INIT;
	uint8_t *chunk = malloc(VST_AGE_CHUNK);
	size_t len;

	assert_int_equal(age_seal(&keys.recipients, plain, LEN, LEN, &file, NULL), 0);
	file.data[file.len - VST_AGE_CHUNK - 100] ^= 1;
	const struct vst_input in = vst_input_memory(file.data, file.len);
	assert_int_equal(vst_age_reader_open(&reader, &in, &keys.identities, NULL), 0);
	assert_int_equal(vst_age_reader_chunk(reader, 0, chunk, &len, NULL), 0);
	assert_int_equal(vst_age_reader_chunk(reader, 1, chunk, &len, &err), VST_EAUTH);
	assert_non_null(strstr(err.text, "chunk 1"));
	for (size_t i = 0; i < VST_AGE_CHUNK; i++)
		assert_int_equal(chunk[i], 0);
	assert_int_equal(vst_age_reader_chunk(reader, 2, chunk, &len, NULL), 0);
	assert_memory_equal(chunk, plain + 2 * VST_AGE_CHUNK, VST_AGE_CHUNK);
	vst_age_reader_free(reader);
	vst_buf_free(&file);
	free(chunk);
	free(plain);
	age_keys_free(&keys);
}

static void salvage_takes_a_chunk_whatever_its_standing(void **state)
{
	(void)state;
	enum { LEN = 2 * 65536 };
	struct age_keys keys = age_keys_new();
	uint8_t *plain = age_plain(LEN);
	struct vst_buf file = VST_BUF_INIT;
	struct vst_age_reader *reader = NULL;
	uint8_t *chunk = malloc(VST_AGE_CHUNK);
	bool last;
	size_t len;

	assert_int_equal(age_seal(&keys.recipients, plain, LEN, LEN, &file, NULL), 0);
	/* Cut: the first chunk stands last but was not meant so. */
	struct vst_input in = vst_input_memory(file.data, file.len - VST_AGE_CHUNK - VST_AGE_TAG);
	assert_int_equal(vst_age_reader_open(&reader, &in, &keys.identities, NULL), 0);
	assert_int_equal(vst_age_reader_chunk(reader, 0, chunk, &len, NULL), VST_EAUTH);
	assert_int_equal(vst_age_reader_salvage_chunk(reader, 0, chunk, &len, &last, NULL), 0);
	assert_false(last);
	assert_memory_equal(chunk, plain, VST_AGE_CHUNK);
	vst_age_reader_free(reader);
	/* Continued: the second stands in the middle but was meant as the last. */
	vst_buf_text(&file, "junk behind the end");
	in = vst_input_memory(file.data, file.len);
	assert_int_equal(vst_age_reader_open(&reader, &in, &keys.identities, NULL), 0);
	assert_int_equal(vst_age_reader_chunks(reader), 3);
	assert_int_equal(vst_age_reader_chunk(reader, 1, chunk, &len, NULL), VST_EAUTH);
	assert_int_equal(vst_age_reader_salvage_chunk(reader, 1, chunk, &len, &last, NULL), 0);
	assert_true(last);
	assert_int_equal(vst_age_reader_salvage_chunk(reader, 2, chunk, &len, &last, NULL), VST_EAUTH);
	vst_age_reader_free(reader);
	vst_buf_free(&file);
	free(chunk);
	free(plain);
	age_keys_free(&keys);
}

struct parallel {
	const struct vst_age_reader *reader;
	const uint8_t *plain;
	bool good;
};

static void *read_all(void *arg)
{
	struct parallel *job = arg;
	uint8_t *chunk = malloc(VST_AGE_CHUNK);
	size_t len;

	job->good = chunk != NULL;
	for (uint64_t i = 0; job->good && i < vst_age_reader_chunks(job->reader); i++)
		job->good = vst_age_reader_chunk(job->reader, i, chunk, &len, NULL) == 0 &&
		            memcmp(chunk, job->plain + i * VST_AGE_CHUNK, len) == 0;
	free(chunk);
	return NULL;
}

static void threads_share_a_reader(void **state)
{
	(void)state;
	enum { LEN = 20 * 65536 + 1, THREADS = 4 };
	struct age_keys keys = age_keys_new();
	uint8_t *plain = age_plain(LEN);
	struct vst_buf file = VST_BUF_INIT;
	struct vst_age_reader *reader = NULL;
	struct parallel jobs[THREADS];
	pthread_t threads[THREADS];

	assert_int_equal(age_seal(&keys.recipients, plain, LEN, LEN, &file, NULL), 0);
	const struct vst_input in = vst_input_memory(file.data, file.len);
	assert_int_equal(vst_age_reader_open(&reader, &in, &keys.identities, NULL), 0);
	for (size_t i = 0; i < THREADS; i++) {
		jobs[i] = (struct parallel){reader, plain, false};
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &jobs[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(jobs[i].good);
	}
	vst_age_reader_free(reader);
	vst_buf_free(&file);
	free(plain);
	age_keys_free(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(x25519_file_comes_back),
	        cmocka_unit_test(passphrase_file_comes_back),
	        cmocka_unit_test(size_of_writes_does_not_matter),
	        cmocka_unit_test(each_of_several_recipients_opens),
	        cmocka_unit_test(wrong_passphrase_is_said),
	        cmocka_unit_test(writer_refuses_impossible_recipients),
	        cmocka_unit_test(writer_stops_after_a_failed_write),
	        cmocka_unit_test(writer_refuses_to_write_after_the_end),
	        cmocka_unit_test(every_flipped_byte_is_found),
	        cmocka_unit_test(every_cut_is_found),
	        cmocka_unit_test(cut_at_a_chunk_gives_what_was_whole),
	        cmocka_unit_test(header_of_another_file_does_not_fit),
	        cmocka_unit_test(huge_header_is_refused),
	        cmocka_unit_test(chunks_are_read_in_any_order),
	        cmocka_unit_test(damaged_chunk_costs_only_itself),
	        cmocka_unit_test(salvage_takes_a_chunk_whatever_its_standing),
	        cmocka_unit_test(threads_share_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
