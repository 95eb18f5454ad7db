/* That the library's ChaCha20-Poly1305 and scrypt are those of the RFCs, in the forms in which age uses them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gcrypt.h>
#include <string.h>

#include "crypto/age_stream.h"
#include "vestige/err.h"
#include "vestige/secret.h"
#include "vestige/text.h"

static void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
	char text[2 * 128 + 1];

	assert_true(len <= 128);
	vst_hex(data, len, text);
	assert_string_equal(text, hex);
}

/* RFC 8439, section 2.8.2. */
static void chacha20_poly1305_of_rfc_8439(void **state)
{
	(void)state;
	static const char plain[] =
	        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
	        "future, sunscreen would be it.";
	static const uint8_t data[] = {
	        0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
	static const uint8_t nonce[] = {7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
	uint8_t key[32], sealed[sizeof plain - 1], tag[16];
	gcry_cipher_hd_t cipher;

	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(0x80 + i);
	assert_int_equal(vst_crypto_start(NULL), 0);
	assert_int_equal(gcry_cipher_open(&cipher, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, 0), 0);
	assert_int_equal(gcry_cipher_setkey(cipher, key, sizeof key), 0);
	assert_int_equal(gcry_cipher_setiv(cipher, nonce, sizeof nonce), 0);
	assert_int_equal(gcry_cipher_authenticate(cipher, data, sizeof data), 0);
	assert_int_equal(gcry_cipher_encrypt(cipher, sealed, sizeof sealed, plain, sizeof plain - 1), 0);
	assert_int_equal(gcry_cipher_gettag(cipher, tag, sizeof tag), 0);
	gcry_cipher_close(cipher);
	assert_hex(sealed, sizeof sealed,
	        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92"
	        "728b"
	        "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831"
	        "d7bc"
	        "3ff4def08e4b7a9de576d26586cec64b6116");
	assert_hex(tag, sizeof tag, "1ae10b594f09e26a7e902ecbd0600691");
}

/* RFC 7914, section 12: those with age's block size of 8 that fit in a test. */
static void scrypt_of_rfc_7914(void **state)
{
	(void)state;
	uint8_t key[64];

	assert_int_equal(vst_crypto_start(NULL), 0);
	assert_int_equal(
	        gcry_kdf_derive("password", 8, GCRY_KDF_SCRYPT, 1024, "NaCl", 4, 16, sizeof key, key), 0);
	assert_hex(key, sizeof key,
	        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d98"
	        "30da"
	        "c727afb94a83ee6d8360cbdfa2cc0640");
	assert_int_equal(gcry_kdf_derive("pleaseletmein", 13, GCRY_KDF_SCRYPT, 16384, "SodiumChloride", 14, 1,
	                         sizeof key, key),
	        0);
	assert_hex(key, sizeof key,
	        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a"
	        "9af9"
	        "e61e85dc0d651e40dfcf017b45575887");
}

static void sealed_chunk_opens_only_in_its_place(void **state)
{
	(void)state;
	const uint8_t key[VST_AGE_KEY_LEN] = {1, 2, 3}, zero[5] = {0};
	struct vst_age_cipher *cipher = NULL;
	uint8_t sealed[5 + VST_AGE_TAG], plain[5];

	assert_int_equal(vst_age_cipher_new(&cipher, key, NULL), 0);
	assert_int_equal(
	        vst_age_cipher_seal(cipher, UINT64_MAX, true, (const uint8_t *)"chunk", 5, sealed, NULL), 0);
	assert_int_equal(
	        vst_age_cipher_open(cipher, UINT64_MAX, true, sealed, sizeof sealed, plain, NULL), 0);
	assert_memory_equal(plain, "chunk", 5);
	assert_int_equal(vst_age_cipher_open(cipher, UINT64_MAX, false, sealed, sizeof sealed, plain, NULL),
	        VST_EAUTH);
	assert_memory_equal(plain, zero, 5);
	assert_int_equal(
	        vst_age_cipher_open(cipher, UINT64_MAX - 1, true, sealed, sizeof sealed, plain, NULL),
	        VST_EAUTH);
	for (size_t i = 0; i < sizeof sealed; i++) {
		sealed[i] ^= 1;
		assert_int_equal(
		        vst_age_cipher_open(cipher, UINT64_MAX, true, sealed, sizeof sealed, plain, NULL),
		        VST_EAUTH);
		assert_memory_equal(plain, zero, 5);
		sealed[i] ^= 1;
	}
	assert_int_equal(
	        vst_age_cipher_open(cipher, UINT64_MAX, true, sealed, sizeof sealed, plain, NULL), 0);
	vst_age_cipher_free(cipher);
	vst_age_cipher_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(chacha20_poly1305_of_rfc_8439),
	        cmocka_unit_test(scrypt_of_rfc_7914),
	        cmocka_unit_test(sealed_chunk_opens_only_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
