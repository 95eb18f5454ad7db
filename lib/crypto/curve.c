#include "vestige/curve.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/secret.h"

#define FIELD_LEN 32

/* All numbers little-endian, as the encodings are. */

/* p = 2^255 - 19 */
static const uint8_t field_prime[FIELD_LEN] = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0x7f};

/* L = 2^252 + 27742317777372353535851937790883648493 */
static const uint8_t group_order[FIELD_LEN] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c,
        0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10};

/* d = -121665/121666 mod p */
static const uint8_t edwards_d[FIELD_LEN] = {0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75, 0xab, 0xd8, 0x41,
        0x41, 0x4d, 0x0a, 0x70, 0x00, 0x98, 0xe8, 0x79, 0x77, 0x79, 0x40, 0xc7, 0x8c, 0x73, 0xfe, 0x6f, 0x2b,
        0xee, 0x6c, 0x03, 0x52};

/* The y of every point whose order divides 8: order 1, 2, 4, and the two of order 8. Each x has either sign.
 */
static const uint8_t low_order_y[5][FIELD_LEN] = {
        {1},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
                0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
                0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* Public numbers only: not in constant time. */
static bool less_than(const uint8_t a[FIELD_LEN], const uint8_t b[FIELD_LEN])
{
	for (size_t i = FIELD_LEN; i-- > 0;)
		if (a[i] != b[i])
			return a[i] < b[i];
	return false;
}

/* The y of an encoded point if it is canonical and the point not of low order; that it is on the curve is not
 * checked. */
static bool strict_y(const uint8_t encoded[FIELD_LEN], uint8_t ret_y[FIELD_LEN])
{
	memcpy(ret_y, encoded, FIELD_LEN);
	ret_y[FIELD_LEN - 1] &= 0x7f;
	if (!less_than(ret_y, field_prime))
		return false;
	for (size_t i = 0; i < sizeof low_order_y / sizeof low_order_y[0]; i++)
		if (memcmp(ret_y, low_order_y[i], FIELD_LEN) == 0)
			return false;
	return true;
}

/*
 * What libcrypto reports goes to a queue of the thread; it is emptied here so that it never piles up or
 * misleads a later caller.
 */
static int libcrypto_failed(struct vst_err *err, const char *what)
{
	unsigned long code = ERR_peek_error();
	char reason[160];

	ERR_error_string_n(code, reason, sizeof reason);
	ERR_clear_error();
	if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
		return vst_err_set(err, VST_ENOMEM, "%s: out of memory", what);
	return vst_err_set(err, VST_ELIBRARY, "%s: %s", what, code ? reason : "libcrypto gives no reason");
}

/*
 * libcrypto looks its algorithms up by name on each use, in a cache that drops what nobody holds: these are
 * held, so that a use costs a look-up and not a search of the providers.
 */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_KEYMGMT *held_ed25519;
static EVP_KEYMGMT *held_x25519;
static EVP_SIGNATURE *held_signature;
static EVP_KEYEXCH *held_exchange;

static void fetch(void)
{
	held_ed25519 = EVP_KEYMGMT_fetch(NULL, "ED25519", NULL);
	held_x25519 = EVP_KEYMGMT_fetch(NULL, "X25519", NULL);
	held_signature = EVP_SIGNATURE_fetch(NULL, "ED25519", NULL);
	held_exchange = EVP_KEYEXCH_fetch(NULL, "X25519", NULL);
}

static int start_libcrypto(struct vst_err *err)
{
	int rc = vst_crypto_start(err);

	if (rc != 0)
		return rc;
	if (pthread_once(&fetch_once, fetch) != 0 || !held_ed25519 || !held_x25519 || !held_signature ||
	        !held_exchange)
		return libcrypto_failed(err, "find Ed25519 and X25519 in libcrypto");
	return 0;
}

/* ---- Ed25519 ---- */

int vst_ed25519_public(
        const uint8_t seed[VST_ED25519_SEED_LEN], uint8_t ret[VST_ED25519_KEY_LEN], struct vst_err *err)
{
	EVP_PKEY *key = NULL;
	uint8_t public_key[VST_ED25519_KEY_LEN];
	size_t len = sizeof public_key;
	int rc = start_libcrypto(err);

	if (rc != 0)
		return rc;
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, VST_ED25519_SEED_LEN);
	if (!key || EVP_PKEY_get_raw_public_key(key, public_key, &len) != 1 || len != sizeof public_key)
		rc = libcrypto_failed(err, "Ed25519 public key");
	else
		memcpy(ret, public_key, sizeof public_key);
	EVP_PKEY_free(key);
	return rc;
}

int vst_ed25519_sign(const uint8_t seed[VST_ED25519_SEED_LEN], const void *message, size_t len,
        uint8_t ret[VST_ED25519_SIG_LEN], struct vst_err *err)
{
	EVP_PKEY *key = NULL;
	EVP_MD_CTX *context = NULL;
	uint8_t signature[VST_ED25519_SIG_LEN];
	size_t signature_len = sizeof signature;
	int rc = start_libcrypto(err);

	if (rc != 0)
		return rc;
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, VST_ED25519_SEED_LEN);
	context = EVP_MD_CTX_new();
	if (!key || !context || EVP_DigestSignInit(context, NULL, NULL, NULL, key) != 1 ||
	        EVP_DigestSign(context, signature, &signature_len, len ? message : (const void *)"", len) !=
	                1 ||
	        signature_len != sizeof signature)
		rc = libcrypto_failed(err, "Ed25519 signature");
	else
		memcpy(ret, signature, sizeof signature);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return rc;
}

int vst_ed25519_verify(const uint8_t key[VST_ED25519_KEY_LEN], const void *message, size_t len,
        const uint8_t signature[VST_ED25519_SIG_LEN], struct vst_err *err)
{
	uint8_t y[FIELD_LEN];
	EVP_PKEY *public_key = NULL;
	EVP_MD_CTX *context = NULL;
	int rc;

	if (!strict_y(key, y))
		return vst_err_set(
		        err, VST_EAUTH, "signature is not good: the key is not canonical or of low order");
	if (!strict_y(signature, y) || !less_than(signature + FIELD_LEN, group_order))
		return vst_err_set(
		        err, VST_EAUTH, "signature is not good: it is not canonical or of low order");
	rc = start_libcrypto(err);
	if (rc != 0)
		return rc;
	public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, VST_ED25519_KEY_LEN);
	context = EVP_MD_CTX_new();
	if (!public_key || !context || EVP_DigestVerifyInit(context, NULL, NULL, NULL, public_key) != 1) {
		rc = libcrypto_failed(err, "check Ed25519 signature");
	} else if (EVP_DigestVerify(context, signature, VST_ED25519_SIG_LEN, len ? message : (const void *)"",
	                   len) != 1) {
		ERR_clear_error();
		rc = vst_err_set(err, VST_EAUTH, "signature is not good");
	}
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(public_key);
	return rc;
}

/* ---- X25519 ---- */

int vst_x25519(const uint8_t scalar[VST_X25519_LEN], const uint8_t point[VST_X25519_LEN],
        uint8_t ret[VST_X25519_LEN], struct vst_err *err)
{
	static const uint8_t zero[VST_X25519_LEN];
	EVP_PKEY *private_key = NULL;
	EVP_PKEY *peer = NULL;
	EVP_PKEY_CTX *context = NULL;
	uint8_t shared[VST_X25519_LEN] = {0};
	size_t len = sizeof shared;
	bool low_order = false;
	int rc = start_libcrypto(err);

	if (rc != 0)
		goto out;
	private_key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, scalar, VST_X25519_LEN);
	peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, VST_X25519_LEN);
	context = private_key ? EVP_PKEY_CTX_new_from_pkey(NULL, private_key, NULL) : NULL;
	/* libcrypto's own check of the peer would only tell what the result tells below. */
	if (!peer || !context || EVP_PKEY_derive_init(context) != 1 ||
	        EVP_PKEY_derive_set_peer_ex(context, peer, 0) != 1) {
		rc = libcrypto_failed(err, "X25519");
		goto out;
	}
	/* The one way in which derivation fails after this is an all-zero result. */
	if (EVP_PKEY_derive(context, shared, &len) != 1)
		low_order = ERR_GET_REASON(ERR_peek_error()) != ERR_R_MALLOC_FAILURE;
	if (low_order || vst_secret_equal(shared, zero, sizeof zero)) {
		ERR_clear_error();
		rc = vst_err_set(
		        err, VST_EAUTH, "the public key is a low-order point: there is no shared secret");
	} else if (len != sizeof shared) {
		rc = libcrypto_failed(err, "X25519");
	}
out:
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(private_key);
	if (rc == 0)
		memcpy(ret, shared, sizeof shared);
	else
		vst_wipe(ret, VST_X25519_LEN);
	vst_wipe(shared, sizeof shared);
	return rc;
}

int vst_x25519_public(const uint8_t scalar[VST_X25519_LEN], uint8_t ret[VST_X25519_LEN], struct vst_err *err)
{
	EVP_PKEY *key = NULL;
	uint8_t public_key[VST_X25519_LEN];
	size_t len = sizeof public_key;
	int rc = start_libcrypto(err);

	if (rc != 0)
		return rc;
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, scalar, VST_X25519_LEN);
	if (!key || EVP_PKEY_get_raw_public_key(key, public_key, &len) != 1 || len != sizeof public_key)
		rc = libcrypto_failed(err, "X25519 public key");
	else
		memcpy(ret, public_key, sizeof public_key);
	EVP_PKEY_free(key);
	return rc;
}

/* ---- from Edwards to Montgomery ---- */

/* What the arithmetic below needs; made and freed together. Public numbers only. */
struct field {
	BN_CTX *context;
	BIGNUM *p, *d, *y, *numerator, *denominator, *product, *power;
};

static bool field_new(struct field *f)
{
	*f = (struct field){.context = BN_CTX_new(),
	        .p = BN_lebin2bn(field_prime, FIELD_LEN, NULL),
	        .d = BN_lebin2bn(edwards_d, FIELD_LEN, NULL),
	        .y = BN_new(),
	        .numerator = BN_new(),
	        .denominator = BN_new(),
	        .product = BN_new(),
	        .power = BN_new()};
	return f->context && f->p && f->d && f->y && f->numerator && f->denominator && f->product && f->power;
}

static void field_free(struct field *f)
{
	BN_free(f->p);
	BN_free(f->d);
	BN_free(f->y);
	BN_free(f->numerator);
	BN_free(f->denominator);
	BN_free(f->product);
	BN_free(f->power);
	BN_CTX_free(f->context);
}

/*
 * Whether some x goes with y: x² = (y² - 1) / (d·y² + 1). A quotient is a square exactly when the product of
 * its parts is, and by Euler's criterion that is when its (p-1)/2-th power is 1. (0 would be a point of low
 * order, refused before.)
 */
static bool field_on_curve(struct field *f, bool *ret)
{
	BIGNUM *square = f->power;

	if (!BN_mod_sqr(square, f->y, f->p, f->context) || !BN_copy(f->numerator, square) ||
	        !BN_sub_word(f->numerator, 1) ||
	        !BN_mod_mul(f->denominator, f->d, square, f->p, f->context) ||
	        !BN_add_word(f->denominator, 1) ||
	        !BN_mod_mul(f->product, f->numerator, f->denominator, f->p, f->context) ||
	        !BN_copy(f->power, f->p) || !BN_rshift1(f->power, f->power) ||
	        !BN_mod_exp(f->product, f->product, f->power, f->p, f->context))
		return false;
	*ret = BN_is_one(f->product);
	return true;
}

/* u = (1+y) / (1-y) into numerator. */
static bool field_montgomery(struct field *f)
{
	return BN_one(f->numerator) && BN_mod_sub(f->denominator, f->numerator, f->y, f->p, f->context) &&
	       BN_mod_add(f->numerator, f->numerator, f->y, f->p, f->context) &&
	       BN_mod_inverse(f->denominator, f->denominator, f->p, f->context) &&
	       BN_mod_mul(f->numerator, f->numerator, f->denominator, f->p, f->context);
}

int vst_x25519_from_ed25519(
        const uint8_t key[VST_ED25519_KEY_LEN], uint8_t ret[VST_X25519_LEN], struct vst_err *err)
{
	struct field field;
	uint8_t y[FIELD_LEN];
	bool on_curve = false;
	int rc = 0;

	if (!strict_y(key, y))
		return vst_err_set(err, VST_EFORMAT, "the Ed25519 key is not canonical or of low order");
	if (!field_new(&field) || !BN_lebin2bn(y, FIELD_LEN, field.y) || !field_on_curve(&field, &on_curve))
		rc = libcrypto_failed(err, "convert Ed25519 key");
	else if (!on_curve)
		rc = vst_err_set(err, VST_EFORMAT, "the Ed25519 key is not a point of the curve");
	else if (!field_montgomery(&field) || BN_bn2lebinpad(field.numerator, ret, VST_X25519_LEN) < 0)
		rc = libcrypto_failed(err, "convert Ed25519 key");
	field_free(&field);
	return rc;
}
