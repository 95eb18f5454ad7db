/*
 * The published age test files (C2SP/CCTV): each is a short text header, an empty line, and an age file.
 *
 * They lie outside the repository: VESTIGE_VECTORS names their parent directory. Without them the test says
 * so and is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/reader.h"
#include "vestige/text.h"

#define FILE_MAX (8 * 1024 * 1024)
#define INFLATED_MAX (32 * 1024 * 1024)
/* 19 name a post-quantum identity; one of these fails before it is needed. */
#define UNSUPPORTED_FILES 18
#define ALL_FILES 143

enum outcome { SUCCESS, ARMOR_FAILURE, HEADER_FAILURE, HMAC_FAILURE, NO_MATCH, PAYLOAD_FAILURE, UNSUPPORTED };

static const char *const outcome_names[] = {"success", "armor failure", "header failure", "HMAC failure",
        "no match", "payload failure", "unsupported"};

struct vector {
	char expect[32];
	char payload[65];
	bool armored;
	bool compressed;
	bool post_quantum;
	struct vst_age_identities identities;
	struct vst_buf age;
};

static void vector_free(struct vector *vector)
{
	vst_age_identities_free(&vector->identities);
	vst_buf_free(&vector->age);
}

static void copy_text(char *ret, size_t size, const char *text, size_t len)
{
	assert_true(len < size);
	memcpy(ret, text, len);
	ret[len] = '\0';
}

static void add_identity(struct vector *vector, const char *text, size_t len)
{
	struct vst_err err = VST_ERR_INIT;
	int rc = vst_age_identities_parse(text, len, NULL, NULL, &vector->identities, &err);

	if (rc == VST_EUNSUPPORTED)
		vector->post_quantum = true;
	else
		assert_int_equal(rc, 0);
}

static void add_passphrase(struct vector *vector, const char *text, size_t len)
{
	char passphrase[128];
	struct vst_age_identity *identity = NULL;

	copy_text(passphrase, sizeof passphrase, text, len);
	assert_int_equal(vst_age_identity_passphrase(passphrase, &identity, NULL), 0);
	assert_int_equal(vst_age_identities_add(&vector->identities, identity, NULL), 0);
}

static void parse_field(struct vector *vector, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);

	assert_non_null(colon);
	size_t name = (size_t)(colon - line);
	const char *value = colon + 2;
	size_t value_len = len - name - 2;
	if (name == 6 && memcmp(line, "expect", name) == 0)
		copy_text(vector->expect, sizeof vector->expect, value, value_len);
	else if (name == 7 && memcmp(line, "payload", name) == 0)
		copy_text(vector->payload, sizeof vector->payload, value, value_len);
	else if (name == 8 && memcmp(line, "identity", name) == 0)
		add_identity(vector, value, value_len);
	else if (name == 10 && memcmp(line, "passphrase", name) == 0)
		add_passphrase(vector, value, value_len);
	else if (name == 7 && memcmp(line, "armored", name) == 0)
		vector->armored = true;
	else if (name == 10 && memcmp(line, "compressed", name) == 0)
		vector->compressed = true;
}

/* zlib is no dependency of this layer, and only the larger vectors are compressed: it is taken where it is
 * found. */
static void inflate_vector(struct vst_buf *buf)
{
	typedef int uncompress_function(uint8_t *, unsigned long *, const uint8_t *, unsigned long);
	uncompress_function *uncompress;
	void *zlib = dlopen("libz.so.1", RTLD_NOW);
	unsigned long len = INFLATED_MAX;
	struct vst_buf out = VST_BUF_INIT;

	assert_non_null(zlib);
	*(void **)&uncompress = dlsym(zlib, "uncompress");
	assert_non_null(uncompress);
	vst_buf_reserve(&out, len);
	assert_int_equal(uncompress(out.data, &len, buf->data, buf->len), 0);
	out.len = len;
	vst_buf_free(buf);
	*buf = out;
	dlclose(zlib);
}

static void load(int dir, const char *name, struct vector *ret)
{
	struct vst_buf file = VST_BUF_INIT;
	const uint8_t *line;
	size_t len;

	assert_int_equal(vst_io_read_file(dir, name, FILE_MAX, &file, NULL), 0);
	struct vst_reader in = vst_reader_of(file.data, file.len);
	while (vst_reader_line(&in, &line, &len) && len > 0)
		parse_field(ret, (const char *)line, len);
	vst_buf_bytes(&ret->age, file.data + in.pos, file.len - in.pos);
	if (ret->compressed)
		inflate_vector(&ret->age);
	vst_buf_free(&file);
}

static enum outcome open_failure(int rc)
{
	switch (rc) {
	case VST_EFORMAT:
	case VST_EVERSION:
	case VST_ELIMIT:
		return HEADER_FAILURE;
	case VST_EAUTH:
		return HMAC_FAILURE;
	case VST_EKEY:
		return NO_MATCH;
	default:
		fail_msg("unexpected code %d", rc);
		return UNSUPPORTED;
	}
}

/* Opening apart from decrypting, because both may say VST_EAUTH. */
static enum outcome decrypt(
        const struct vst_buf *age, const struct vector *vector, struct vst_buf *plain, int *ret_code)
{
	const struct vst_input in = vst_input_memory(age->data, age->len);
	const struct vst_output out = vst_output_buf(plain);
	struct vst_age_reader *reader = NULL;
	int rc = vst_age_reader_open(&reader, &in, &vector->identities, NULL);

	vst_age_reader_free(reader);
	*ret_code = rc;
	if (rc != 0)
		return open_failure(rc);
	rc = vst_age_decrypt(&in, &vector->identities, &out, NULL);
	*ret_code = rc;
	assert_true(rc == 0 || rc == VST_EAUTH);
	return rc == 0 ? SUCCESS : PAYLOAD_FAILURE;
}

static enum outcome run(const struct vector *vector, struct vst_buf *plain, int *ret_code)
{
	struct vst_buf binary = VST_BUF_INIT;
	enum outcome outcome;

	*ret_code = VST_EUNSUPPORTED;
	if (vector->post_quantum && vector->identities.count == 0)
		return UNSUPPORTED;
	if (!vector->armored)
		return decrypt(&vector->age, vector, plain, ret_code);
	*ret_code = vst_age_armor_decode(vector->age.data, vector->age.len, &binary, NULL);
	outcome = *ret_code == 0 ? decrypt(&binary, vector, plain, ret_code) : ARMOR_FAILURE;
	assert_true(outcome != ARMOR_FAILURE || *ret_code == VST_EFORMAT);
	vst_buf_free(&binary);
	return outcome;
}

/* The finer codes that a header failure has. */
static int header_code(const char *name)
{
	if (strcmp(name, "version_unsupported") == 0)
		return VST_EVERSION;
	if (strcmp(name, "scrypt_work_factor_23") == 0 || strcmp(name, "scrypt_work_factor_overflow") == 0)
		return VST_ELIMIT;
	return VST_EFORMAT;
}

static enum outcome check(int dir, const char *name, unsigned *failures)
{
	struct vector vector = {.age = VST_BUF_INIT};
	struct vst_buf plain = VST_BUF_INIT;
	uint8_t digest[VST_HASH_LEN];
	char text[2 * VST_HASH_LEN + 1];
	int code;

	load(dir, name, &vector);
	enum outcome outcome = run(&vector, &plain, &code);
	vst_sha256(plain.data, plain.len, digest);
	vst_hex(digest, sizeof digest, text);
	bool same = strcmp(outcome_names[outcome], vector.expect) == 0;
	bool released = vector.payload[0] ? strcmp(text, vector.payload) == 0 : plain.len == 0;
	bool right_code = outcome != HEADER_FAILURE || code == header_code(name);
	if (outcome != UNSUPPORTED && (!same || !released || !right_code)) {
		print_message("%s: expected %s, got %s (%d)%s\n", name, vector.expect, outcome_names[outcome],
		        code, released ? "" : ", and another plaintext");
		(*failures)++;
	}
	vst_buf_free(&plain);
	vector_free(&vector);
	return outcome;
}

static void age_vectors_give_the_published_results(void **state)
{
	(void)state;
	const char *base = getenv("VESTIGE_VECTORS");
	char path[PATH_MAX];
	unsigned count = 0, unsupported = 0, failures = 0;

	snprintf(path, sizeof path, "%s/age", base ? base : VST_TEST_VECTORS);
	DIR *dir = opendir(path);
	if (!dir) {
		print_message("%s is absent: the published age vectors are not checked\n", path);
		skip();
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		unsupported += check(dirfd(dir), entry->d_name, &failures) == UNSUPPORTED;
		count++;
	}
	closedir(dir);
	print_message("%u age vectors, %u of them post-quantum and unsupported\n", count, unsupported);
	assert_int_equal(failures, 0);
	assert_int_equal(count, ALL_FILES);
	assert_int_equal(unsupported, UNSUPPORTED_FILES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(age_vectors_give_the_published_results)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
