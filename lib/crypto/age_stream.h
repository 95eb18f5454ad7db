/*
 * ChaCha20-Poly1305 as age uses it: for the chunks of a payload, and with the nonce of chunk 0 for wrapped
 * file keys.
 *
 *     nonce   11 bytes chunk number, big-endian; 1 byte: 1 for the last chunk, else 0
 */
#ifndef VESTIGE_CRYPTO_AGE_STREAM_H
#define VESTIGE_CRYPTO_AGE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/age.h"

#define VST_AGE_KEY_LEN 32
#define VST_AGE_FILE_KEY_LEN 16
#define VST_AGE_SEALED_CHUNK (VST_AGE_CHUNK + VST_AGE_TAG)
#define VST_AGE_WRAPPED_LEN (VST_AGE_FILE_KEY_LEN + VST_AGE_TAG)

struct vst_err;

/* A key ready for use; the key is in secure memory. For one thread at a time. */
struct vst_age_cipher;

int vst_age_cipher_new(struct vst_age_cipher **ret, const uint8_t key[VST_AGE_KEY_LEN], struct vst_err *err);
void vst_age_cipher_free(struct vst_age_cipher *cipher);

/* Writes len + VST_AGE_TAG bytes to `ret`, which must not overlap `data`. */
int vst_age_cipher_seal(struct vst_age_cipher *cipher, uint64_t chunk, bool last, const uint8_t *data,
        size_t len, uint8_t *ret, struct vst_err *err);
/*
 * Writes sealed_len - VST_AGE_TAG bytes to `ret`, which must not overlap `sealed`; VST_EAUTH, and `ret`
 * wiped, if the tag does not fit. The caller has checked that there is a tag.
 */
int vst_age_cipher_open(struct vst_age_cipher *cipher, uint64_t chunk, bool last, const uint8_t *sealed,
        size_t sealed_len, uint8_t *ret, struct vst_err *err);

/* The payload's key: HKDF of file key and nonce. */
void vst_age_payload_key(const uint8_t file_key[VST_AGE_FILE_KEY_LEN], const uint8_t nonce[VST_AGE_NONCE],
        uint8_t ret[VST_AGE_KEY_LEN]);

#endif
