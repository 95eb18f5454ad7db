/* Keys and whole files in memory, for the tests of age. */
#ifndef VESTIGE_TESTS_AGE_FIXTURE_H
#define VESTIGE_TESTS_AGE_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"

#define TEST_WORK_FACTOR 4

struct age_keys {
	struct vst_age_recipients recipients;
	struct vst_age_identities identities;
};

/* One X25519 pair. */
static inline struct age_keys age_keys_new(void)
{
	struct age_keys keys = {0};
	struct vst_age_identity *identity = NULL;
	struct vst_age_recipient *recipient = NULL;

	if (vst_age_identity_generate(&identity, NULL) != 0 ||
	        vst_age_identity_recipient(identity, &recipient, NULL) != 0 ||
	        vst_age_recipients_add(&keys.recipients, recipient, NULL) != 0 ||
	        vst_age_identities_add(&keys.identities, identity, NULL) != 0)
		abort();
	return keys;
}

static inline struct age_keys age_keys_passphrase(const char *passphrase)
{
	struct age_keys keys = {0};
	struct vst_age_identity *identity = NULL;
	struct vst_age_recipient *recipient = NULL;

	if (vst_age_identity_passphrase(passphrase, &identity, NULL) != 0 ||
	        vst_age_recipient_passphrase(passphrase, TEST_WORK_FACTOR, &recipient, NULL) != 0 ||
	        vst_age_recipients_add(&keys.recipients, recipient, NULL) != 0 ||
	        vst_age_identities_add(&keys.identities, identity, NULL) != 0)
		abort();
	return keys;
}

static inline void age_keys_free(struct age_keys *keys)
{
	vst_age_recipients_free(&keys->recipients);
	vst_age_identities_free(&keys->identities);
}

/* Bytes that differ from chunk to chunk. */
static inline uint8_t *age_plain(size_t len)
{
	uint8_t *plain = malloc(len + 1);
	uint32_t x = 1;

	if (!plain)
		abort();
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		plain[i] = (uint8_t)(x >> 24);
	}
	return plain;
}

/* Written in pieces of `step` bytes. */
static inline int age_seal(const struct vst_age_recipients *recipients, const uint8_t *plain, size_t len,
        size_t step, struct vst_buf *ret_file, struct vst_err *err)
{
	const struct vst_output out = vst_output_buf(ret_file);
	struct vst_age_writer *writer = NULL;
	int rc = vst_age_writer_new(&writer, recipients, &out, err);

	for (size_t at = 0; rc == 0 && at < len; at += step)
		rc = vst_age_writer_write(writer, plain + at, len - at < step ? len - at : step, err);
	if (rc == 0)
		rc = vst_age_writer_finish(writer, err);
	vst_age_writer_free(writer);
	return rc;
}

static inline int age_open(const struct vst_buf *file, const struct vst_age_identities *identities,
        struct vst_buf *ret_plain, struct vst_err *err)
{
	const struct vst_input in = vst_input_memory(file->data, file->len);
	const struct vst_output out = vst_output_buf(ret_plain);

	return vst_age_decrypt(&in, identities, &out, err);
}

#endif
