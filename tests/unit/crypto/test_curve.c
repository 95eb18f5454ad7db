#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/curve.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/text.h"

static void from_hex(const char *hex, uint8_t *ret, size_t len)
{
	assert_true(vst_hex_decode(hex, strlen(hex), ret, len));
}

static void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
	char text[2 * 64 + 1];

	assert_true(len <= 64);
	vst_hex(data, len, text);
	assert_string_equal(text, hex);
}

/* RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc). */
static const struct {
	const char *seed, *key, *message, *signature;
} rfc_8032[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
                "b46b"
                "d25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
                "1d8c"
                "387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
                "c659"
                "4a7c15e9716ed28dc027beceea1ec40a"},
        {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
                "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fe"
                "ebbd"
                "454d4423643ce80e2a9ac94fa54ca49f",
                "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431"
                "e030"
                "3dca179c138ac17ad9bef1177331a704"},
};

static void ed25519_of_rfc_8032(void **state)
{
	(void)state;
	uint8_t seed[32], key[32], signature[64], message[64];

	for (size_t i = 0; i < sizeof rfc_8032 / sizeof rfc_8032[0]; i++) {
		size_t len = strlen(rfc_8032[i].message) / 2;
		from_hex(rfc_8032[i].seed, seed, sizeof seed);
		from_hex(rfc_8032[i].message, message, len);
		assert_int_equal(vst_ed25519_public(seed, key, NULL), 0);
		assert_hex(key, sizeof key, rfc_8032[i].key);
		assert_int_equal(vst_ed25519_sign(seed, len ? message : NULL, len, signature, NULL), 0);
		assert_hex(signature, sizeof signature, rfc_8032[i].signature);
		assert_int_equal(vst_ed25519_verify(key, len ? message : NULL, len, signature, NULL), 0);
	}
}

/* A good signature over "evidence" and its key. */
static void make_signature(uint8_t ret_key[32], uint8_t ret_signature[64])
{
	uint8_t seed[32];

	from_hex(rfc_8032[0].seed, seed, sizeof seed);
	assert_int_equal(vst_ed25519_public(seed, ret_key, NULL), 0);
	assert_int_equal(vst_ed25519_sign(seed, "evidence", 8, ret_signature, NULL), 0);
}

static void verify_rejects_every_flipped_bit(void **state)
{
	(void)state;
	uint8_t key[32], signature[64];

	make_signature(key, signature);
	assert_int_equal(vst_ed25519_verify(key, "evidence", 8, signature, NULL), 0);
	assert_int_equal(vst_ed25519_verify(key, "evidencf", 8, signature, NULL), VST_EAUTH);
	assert_int_equal(vst_ed25519_verify(key, "evidence", 7, signature, NULL), VST_EAUTH);
	for (size_t bit = 0; bit < 512; bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(vst_ed25519_verify(key, "evidence", 8, signature, NULL), VST_EAUTH);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 256; bit++) {
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(vst_ed25519_verify(key, "evidence", 8, signature, NULL), VST_EAUTH);
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* S and S + L satisfy the same equation: the second would be another signature of the same content. */
static void verify_rejects_s_plus_order(void **state)
{
	(void)state;
	uint8_t key[32], signature[64], order[32];
	unsigned carry = 0;

	from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order, sizeof order);
	make_signature(key, signature);
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)signature[32 + i] + order[i];
		signature[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	assert_int_equal(vst_ed25519_verify(key, "evidence", 8, signature, NULL), VST_EAUTH);
	memcpy(signature + 32, order, 32);
	assert_int_equal(vst_ed25519_verify(key, "evidence", 8, signature, NULL), VST_EAUTH);
}

/* All encodings of the eight points of small order, those that are not canonical included. */
static const char *const low_order[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
};

static void low_order_points_are_refused_everywhere(void **state)
{
	(void)state;
	uint8_t key[32], signature[64], point[32], out[32];

	for (size_t i = 0; i < sizeof low_order / sizeof low_order[0]; i++) {
		make_signature(key, signature);
		from_hex(low_order[i], point, sizeof point);
		assert_int_equal(vst_ed25519_verify(point, "evidence", 8, signature, NULL), VST_EAUTH);
		memcpy(signature, point, sizeof point);
		assert_int_equal(vst_ed25519_verify(key, "evidence", 8, signature, NULL), VST_EAUTH);
		assert_int_equal(vst_x25519_from_ed25519(point, out, NULL), VST_EFORMAT);
	}
}

static void ed25519_vectors_never_accept_what_they_must_not(void **state)
{
	(void)state;
	const char *base = getenv("VESTIGE_VECTORS");
	const char *const forbidden[] = {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"};
	char path[PATH_MAX];
	json_t *vector;
	size_t number, accepted = 0;

	snprintf(path, sizeof path, "%s/ed25519/ed25519vectors.json", base ? base : VST_TEST_VECTORS);
	if (access(path, R_OK) != 0) {
		print_message("%s is absent: the published Ed25519 vectors are not checked\n", path);
		skip();
	}
	json_t *vectors = json_load_file(path, 0, NULL);
	assert_int_equal(json_array_size(vectors), 914);
	json_array_foreach(vectors, number, vector)
	{
		uint8_t key[32], signature[64], out[32], scalar[32] = {9};
		const char *message = json_string_value(json_object_get(vector, "msg"));
		from_hex(json_string_value(json_object_get(vector, "key")), key, sizeof key);
		from_hex(json_string_value(json_object_get(vector, "sig")), signature, sizeof signature);
		int rc = vst_ed25519_verify(key, message, strlen(message), signature, NULL);
		assert_true(rc == 0 || rc == VST_EAUTH);
		accepted += rc == 0;
		json_t *flags = json_object_get(vector, "flags");
		for (size_t i = 0; i < json_array_size(flags) && rc == 0; i++)
			for (size_t j = 0; j < sizeof forbidden / sizeof forbidden[0]; j++)
				assert_string_not_equal(
				        json_string_value(json_array_get(flags, i)), forbidden[j]);
		/* The same odd points where a recipient or a share is expected. */
		rc = vst_x25519_from_ed25519(key, out, NULL);
		assert_true(rc == 0 || rc == VST_EFORMAT);
		rc = vst_x25519(scalar, key, out, NULL);
		assert_true(rc == 0 || rc == VST_EAUTH);
	}
	json_decref(vectors);
	print_message("914 Ed25519 vectors, %zu accepted\n", accepted);
	/* Those that every verification equation accepts, with components of small order that cancel out. */
	assert_int_equal(accepted, 43);
}

/* RFC 7748, section 5.2 and 6.1. */
static void x25519_of_rfc_7748(void **state)
{
	(void)state;
	static const struct {
		const char *scalar, *point, *result;
	} cases[] = {
	        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
	                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
	                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
	        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
	                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
	                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
	        {"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
	                "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	                "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
	};
	uint8_t scalar[32], point[32], result[32];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		from_hex(cases[i].scalar, scalar, sizeof scalar);
		from_hex(cases[i].point, point, sizeof point);
		assert_int_equal(vst_x25519(scalar, point, result, NULL), 0);
		assert_hex(result, sizeof result, cases[i].result);
	}
	from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", scalar, sizeof scalar);
	assert_int_equal(vst_x25519_public(scalar, point, NULL), 0);
	assert_hex(point, sizeof point, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
}

static void x25519_iterated_1000_times(void **state)
{
	(void)state;
	uint8_t scalar[32] = {9}, point[32] = {9}, result[32];

	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(vst_x25519(scalar, point, result, NULL), 0);
		memcpy(point, scalar, sizeof point);
		memcpy(scalar, result, sizeof scalar);
		if (i == 0)
			assert_hex(result, sizeof result,
			        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
	}
	assert_hex(scalar, sizeof scalar, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

static void x25519_refuses_low_order_points_and_wipes(void **state)
{
	(void)state;
	static const char *const points[] = {
	        "0000000000000000000000000000000000000000000000000000000000000000",
	        "0100000000000000000000000000000000000000000000000000000000000000",
	        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	        "0000000000000000000000000000000000000000000000000000000000000080",
	};
	const uint8_t scalar[32] = {1, 2, 3}, zero[32] = {0};
	uint8_t point[32], result[32];

	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		struct vst_err err = VST_ERR_INIT;
		from_hex(points[i], point, sizeof point);
		memset(result, 1, sizeof result);
		assert_int_equal(vst_x25519(scalar, point, result, &err), VST_EAUTH);
		assert_non_null(strstr(err.text, "low-order"));
		assert_memory_equal(result, zero, sizeof zero);
	}
}

/* Both ways to the same Montgomery point: convert the public key, or multiply by the secret scalar. */
static void conversion_agrees_with_the_secret_half(void **state)
{
	(void)state;
	uint8_t seed[32] = {0}, digest[VST_SHA512_LEN], key[32], converted[32], multiplied[32];

	for (uint8_t i = 0; i < 50; i++) {
		seed[0] = i;
		assert_int_equal(vst_ed25519_public(seed, key, NULL), 0);
		assert_int_equal(vst_x25519_from_ed25519(key, converted, NULL), 0);
		vst_sha512(seed, sizeof seed, digest);
		assert_int_equal(vst_x25519_public(digest, multiplied, NULL), 0);
		assert_memory_equal(converted, multiplied, sizeof converted);
	}
}

static void conversion_refuses_what_is_no_point(void **state)
{
	(void)state;
	uint8_t key[32] = {2}, out[32];

	/* No x goes with y = 2; y = p + 3 is another name of y = 3. */
	assert_int_equal(vst_x25519_from_ed25519(key, out, NULL), VST_EFORMAT);
	from_hex("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", key, sizeof key);
	assert_int_equal(vst_x25519_from_ed25519(key, out, NULL), VST_EFORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ed25519_of_rfc_8032),
	        cmocka_unit_test(verify_rejects_every_flipped_bit),
	        cmocka_unit_test(verify_rejects_s_plus_order),
	        cmocka_unit_test(low_order_points_are_refused_everywhere),
	        cmocka_unit_test(ed25519_vectors_never_accept_what_they_must_not),
	        cmocka_unit_test(x25519_of_rfc_7748),
	        cmocka_unit_test(x25519_iterated_1000_times),
	        cmocka_unit_test(x25519_refuses_low_order_points_and_wipes),
	        cmocka_unit_test(conversion_agrees_with_the_secret_half),
	        cmocka_unit_test(conversion_refuses_what_is_no_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
