#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/text.h"

static void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
	char text[2 * 128 + 1];

	assert_true(len <= 128);
	vst_hex(data, len, text);
	assert_string_equal(text, hex);
}

static void sha256_of_fips_messages(void **state)
{
	(void)state;
	const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	uint8_t digest[VST_HASH_LEN];

	vst_sha256("abc", 3, digest);
	assert_hex(digest, sizeof digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	vst_sha256(two_blocks, strlen(two_blocks), digest);
	assert_hex(digest, sizeof digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	vst_sha256(NULL, 0, digest);
	assert_hex(digest, sizeof digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha512_of_fips_message(void **state)
{
	(void)state;
	uint8_t digest[VST_SHA512_LEN];

	vst_sha512("abc", 3, digest);
	assert_hex(digest, sizeof digest,
	        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void parts_hash_as_one_message(void **state)
{
	(void)state;
	const struct vst_part parts[8] = {{"a", 1}, {NULL, 0}, {"bcdbcdec", 8},
	        {"defdefgefghfghighijhij", 22}, {"kijkljklmklmnl", 14}, {"", 0}, {"mnomnopnop", 10},
	        {"q", 1}};
	uint8_t digest[VST_HASH_LEN];

	vst_sha256_parts(parts, 8, digest);
	assert_hex(digest, sizeof digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	vst_sha256_parts(NULL, 0, digest);
	assert_hex(digest, sizeof digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void one_hash_gives_every_digest_of_its_set(void **state)
{
	(void)state;
	struct vst_hash *hash = NULL;

	assert_int_equal(
	        vst_hash_new(&hash, VST_HASH_SHA256 | VST_HASH_SHA1 | VST_HASH_MD5 | VST_HASH_SHA512, NULL),
	        0);
	vst_hash_update(hash, "a", 1);
	vst_hash_update(hash, NULL, 0);
	vst_hash_update(hash, "bc", 2);
	assert_hex(vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN,
	        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_hex(vst_hash_final(hash, VST_HASH_SHA1), VST_SHA1_LEN,
	        "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_hex(vst_hash_final(hash, VST_HASH_MD5), VST_MD5_LEN, "900150983cd24fb0d6963f7d28e17f72");
	assert_hex(vst_hash_final(hash, VST_HASH_SHA512), VST_SHA512_LEN,
	        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
	vst_hash_free(hash);
}

static void peek_leaves_the_hash_running(void **state)
{
	(void)state;
	struct vst_hash *hash = NULL;
	uint8_t digest[VST_HASH_LEN];

	assert_int_equal(vst_hash_new(&hash, VST_HASH_SHA256, NULL), 0);
	assert_int_equal(vst_hash_peek(hash, VST_HASH_SHA256, digest, NULL), 0);
	assert_hex(digest, sizeof digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	vst_hash_update(hash, "abc", 3);
	assert_int_equal(vst_hash_peek(hash, VST_HASH_SHA256, digest, NULL), 0);
	assert_hex(digest, sizeof digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	vst_hash_update(hash, "dbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 53);
	assert_hex(vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN,
	        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	vst_hash_free(hash);
}

static void reset_starts_over(void **state)
{
	(void)state;
	struct vst_hash *hash = NULL;

	assert_int_equal(vst_hash_new(&hash, VST_HASH_SHA256, NULL), 0);
	vst_hash_update(hash, "something else", 14);
	assert_non_null(vst_hash_final(hash, VST_HASH_SHA256));
	vst_hash_reset(hash);
	vst_hash_update(hash, "abc", 3);
	assert_hex(vst_hash_final(hash, VST_HASH_SHA256), VST_HASH_LEN,
	        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	vst_hash_free(hash);
}

static void hash_refuses_what_is_not_in_its_set(void **state)
{
	(void)state;
	struct vst_hash *hash = NULL;
	uint8_t digest[VST_HASH_LEN];

	assert_int_equal(vst_hash_new(&hash, 0, NULL), VST_EUSAGE);
	assert_int_equal(vst_hash_new(&hash, 16, NULL), VST_EUSAGE);
	assert_null(hash);
	assert_int_equal(vst_hash_new(&hash, VST_HASH_SHA256, NULL), 0);
	assert_int_equal(vst_hash_peek(hash, VST_HASH_MD5, digest, NULL), VST_EUSAGE);
	assert_null(vst_hash_final(hash, VST_HASH_MD5));
	vst_hash_free(hash);
	vst_hash_free(NULL);
}

/* The code of memory, which the running one gives too, byte by byte and a second time. */
static void both_hmacs(
        const void *key, size_t key_len, const struct vst_part *parts, size_t count, uint8_t *ret_mac)
{
	struct vst_hmac *hmac = NULL;
	uint8_t running[VST_HASH_LEN];
	vst_hmac_sha256(key, key_len, parts, count, ret_mac);
	assert_int_equal(vst_hmac_new(&hmac, key, key_len, NULL), 0);
	for (int time = 0; time < 2; time++) {
		for (size_t i = 0; i < count; i++)
			for (size_t at = 0; at < parts[i].len; at++)
				vst_hmac_update(hmac, (const uint8_t *)parts[i].data + at, 1);
		vst_hmac_final(hmac, running);
		assert_memory_equal(running, ret_mac, sizeof running);
	}
	vst_hmac_update(hmac, "x", 1);
	vst_hmac_reset(hmac);
	for (size_t i = 0; i < count; i++)
		vst_hmac_update(hmac, parts[i].data, parts[i].len);
	vst_hmac_final(hmac, running);
	assert_memory_equal(running, ret_mac, sizeof running);
	vst_hmac_free(hmac);
	vst_hmac_free(NULL);
}

/* RFC 4231, cases 1 to 4, 6 and 7. */
static void hmac_of_rfc_4231(void **state)
{
	(void)state;
	static const struct {
		int key_byte;
		size_t key_len;
		const char *data;
		const char *mac;
	} cases[] = {
	        {0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	        {0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
	                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	        {0xaa, 131,
	                "This is a test using a larger than block-size key and a larger than block-size "
	                "data. The key "
	                "needs to be hashed before being used by the HMAC algorithm.",
	                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
	};
	uint8_t key[131];
	uint8_t data[50];
	uint8_t mac[VST_HASH_LEN];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = strlen(cases[i].data);
		const struct vst_part parts[2] = {{cases[i].data, 3}, {cases[i].data + 3, len - 3}};
		memset(key, cases[i].key_byte, sizeof key);
		both_hmacs(key, cases[i].key_len, parts, 2, mac);
		assert_hex(mac, sizeof mac, cases[i].mac);
	}
	both_hmacs("Jefe", 4, &(struct vst_part){"what do ya want for nothing?", 28}, 1, mac);
	assert_hex(mac, sizeof mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, 20);
	memset(data, 0xdd, sizeof data);
	both_hmacs(key, 20, &(struct vst_part){data, sizeof data}, 1, mac);
	assert_hex(mac, sizeof mac, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	for (uint8_t i = 0; i < 25; i++)
		key[i] = (uint8_t)(i + 1);
	memset(data, 0xcd, sizeof data);
	both_hmacs(key, 25, &(struct vst_part){data, sizeof data}, 1, mac);
	assert_hex(mac, sizeof mac, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

static void hmac_with_empty_key_and_message(void **state)
{
	(void)state;
	uint8_t mac[VST_HASH_LEN];

	both_hmacs(NULL, 0, NULL, 0, mac);
	assert_hex(mac, sizeof mac, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 5869, appendix A.1 to A.3. */
static void hkdf_of_rfc_5869(void **state)
{
	(void)state;
	uint8_t input[80], salt[80], info[80], output[82];

	memset(input, 0x0b, 22);
	for (uint8_t i = 0; i < 13; i++)
		salt[i] = i;
	for (uint8_t i = 0; i < 10; i++)
		info[i] = (uint8_t)(0xf0 + i);
	vst_hkdf_sha256(input, 22, salt, 13, info, 10, output, 42);
	assert_hex(output, 42,
	        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");

	vst_hkdf_sha256(input, 22, NULL, 0, NULL, 0, output, 42);
	assert_hex(output, 42,
	        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");

	for (uint8_t i = 0; i < 80; i++) {
		input[i] = i;
		salt[i] = (uint8_t)(0x60 + i);
		info[i] = (uint8_t)(0xb0 + i);
	}
	vst_hkdf_sha256(input, 80, salt, 80, info, 80, output, 82);
	assert_hex(output, 82,
	        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e59"
	        "0e09"
	        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sha256_of_fips_messages),
	        cmocka_unit_test(sha512_of_fips_message),
	        cmocka_unit_test(parts_hash_as_one_message),
	        cmocka_unit_test(one_hash_gives_every_digest_of_its_set),
	        cmocka_unit_test(peek_leaves_the_hash_running),
	        cmocka_unit_test(reset_starts_over),
	        cmocka_unit_test(hash_refuses_what_is_not_in_its_set),
	        cmocka_unit_test(hmac_of_rfc_4231),
	        cmocka_unit_test(hmac_with_empty_key_and_message),
	        cmocka_unit_test(hkdf_of_rfc_5869),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
