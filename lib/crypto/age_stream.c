#include "crypto/age_stream.h"

#include <gcrypt.h>
#include <stdlib.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/secret.h"

#define CIPHER_NONCE 12

struct vst_age_cipher {
	gcry_cipher_hd_t handle;
};

static int gcrypt_failed(struct vst_err *err, const char *what, gcry_error_t error)
{
	if (gcry_err_code(error) == GPG_ERR_ENOMEM)
		return vst_err_nomem(err);
	return vst_err_set(err, VST_ELIBRARY, "%s: %s", what, gcry_strerror(error));
}

int vst_age_cipher_new(struct vst_age_cipher **ret, const uint8_t key[VST_AGE_KEY_LEN], struct vst_err *err)
{
	struct vst_age_cipher *cipher = NULL;
	gcry_error_t error;
	int rc = vst_crypto_start(err);

	if (rc != 0)
		return rc;
	cipher = vst_calloc(1, sizeof *cipher);
	if (!cipher)
		return vst_err_nomem(err);
	error = gcry_cipher_open(
	        &cipher->handle, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, GCRY_CIPHER_SECURE);
	if (!error)
		error = gcry_cipher_setkey(cipher->handle, key, VST_AGE_KEY_LEN);
	if (error) {
		vst_age_cipher_free(cipher);
		return gcrypt_failed(err, "start ChaCha20-Poly1305", error);
	}
	*ret = cipher;
	return 0;
}

void vst_age_cipher_free(struct vst_age_cipher *cipher)
{
	if (!cipher)
		return;
	gcry_cipher_close(cipher->handle);
	free(cipher);
}

static gcry_error_t set_nonce(struct vst_age_cipher *cipher, uint64_t chunk, bool last)
{
	uint8_t nonce[CIPHER_NONCE] = {0};

	for (size_t i = 0; i < 8; i++)
		nonce[CIPHER_NONCE - 2 - i] = (uint8_t)(chunk >> (8 * i));
	nonce[CIPHER_NONCE - 1] = last;
	return gcry_cipher_setiv(cipher->handle, nonce, sizeof nonce);
}

int vst_age_cipher_seal(struct vst_age_cipher *cipher, uint64_t chunk, bool last, const uint8_t *data,
        size_t len, uint8_t *ret, struct vst_err *err)
{
	gcry_error_t error = set_nonce(cipher, chunk, last);

	if (!error && len > 0)
		error = gcry_cipher_encrypt(cipher->handle, ret, len, data, len);
	if (!error)
		error = gcry_cipher_gettag(cipher->handle, ret + len, VST_AGE_TAG);
	return error ? gcrypt_failed(err, "encrypt", error) : 0;
}

int vst_age_cipher_open(struct vst_age_cipher *cipher, uint64_t chunk, bool last, const uint8_t *sealed,
        size_t sealed_len, uint8_t *ret, struct vst_err *err)
{
	size_t len = sealed_len - VST_AGE_TAG;
	gcry_error_t error = set_nonce(cipher, chunk, last);

	if (!error && len > 0)
		error = gcry_cipher_decrypt(cipher->handle, ret, len, sealed, len);
	if (!error)
		error = gcry_cipher_checktag(cipher->handle, sealed + len, VST_AGE_TAG);
	if (!error)
		return 0;
	/* Decryption comes before the check: what it left must not be taken for anything. */
	vst_wipe(ret, len);
	if (gcry_err_code(error) == GPG_ERR_CHECKSUM)
		return vst_err_set(err, VST_EAUTH, "the tag does not fit");
	return gcrypt_failed(err, "decrypt", error);
}

void vst_age_payload_key(const uint8_t file_key[VST_AGE_FILE_KEY_LEN], const uint8_t nonce[VST_AGE_NONCE],
        uint8_t ret[VST_AGE_KEY_LEN])
{
	static const char label[] = "payload";

	vst_hkdf_sha256(file_key, VST_AGE_FILE_KEY_LEN, nonce, VST_AGE_NONCE, label, sizeof label - 1, ret,
	        VST_AGE_KEY_LEN);
}
