#include "vestige/hash.h"

#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/secret.h"

#define PARTS_MAX 8
#define SHA256_BLOCK 64
#define ALL_HASHES (VST_HASH_SHA256 | VST_HASH_SHA1 | VST_HASH_MD5 | VST_HASH_SHA512)

struct vst_hash {
	gcry_md_hd_t handle;
	unsigned set;
};

static const struct algorithm {
	enum vst_hash_set bit;
	int gcrypt;
	size_t len;
} algorithms[] = {
        {VST_HASH_SHA256, GCRY_MD_SHA256, VST_HASH_LEN},
        {VST_HASH_SHA1, GCRY_MD_SHA1, VST_SHA1_LEN},
        {VST_HASH_MD5, GCRY_MD_MD5, VST_MD5_LEN},
        {VST_HASH_SHA512, GCRY_MD_SHA512, VST_SHA512_LEN},
};

#define ALGORITHM_COUNT (sizeof algorithms / sizeof algorithms[0])

static const struct algorithm *find_algorithm(unsigned set, enum vst_hash_set bit)
{
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		if (algorithms[i].bit == bit && (set & (unsigned)bit))
			return &algorithms[i];
	return NULL;
}

static int gcrypt_failed(struct vst_err *err, const char *what, gcry_error_t error)
{
	if (gcry_err_code(error) == GPG_ERR_ENOMEM)
		return vst_err_nomem(err);
	return vst_err_set(err, VST_ELIBRARY, "%s: %s", what, gcry_strerror(error));
}

/* ---- running digests ---- */

int vst_hash_new(struct vst_hash **ret, unsigned set, struct vst_err *err)
{
	struct vst_hash *hash = NULL;
	gcry_error_t error;
	int rc = vst_crypto_start(err);

	if (rc != 0)
		return rc;
	if (set == 0 || (set & ~(unsigned)ALL_HASHES))
		return vst_err_set(err, VST_EUSAGE, "no such set of digests: 0x%x", set);
	hash = vst_calloc(1, sizeof *hash);
	if (!hash)
		return vst_err_nomem(err);
	hash->set = set;
	error = gcry_md_open(&hash->handle, 0, 0);
	for (size_t i = 0; i < ALGORITHM_COUNT && !error; i++)
		if (set & (unsigned)algorithms[i].bit)
			error = gcry_md_enable(hash->handle, algorithms[i].gcrypt);
	if (error) {
		vst_hash_free(hash);
		return gcrypt_failed(err, "start digest", error);
	}
	*ret = hash;
	return 0;
}

void vst_hash_free(struct vst_hash *hash)
{
	if (!hash)
		return;
	gcry_md_close(hash->handle);
	free(hash);
}

void vst_hash_reset(struct vst_hash *hash)
{
	gcry_md_reset(hash->handle);
}

void vst_hash_update(struct vst_hash *hash, const void *data, size_t len)
{
	if (len > 0)
		gcry_md_write(hash->handle, data, len);
}

void vst_hash_zeros(struct vst_hash *hash, uint64_t count)
{
	static const uint8_t zeros[64 * 1024];
	while (count > 0) {
		size_t some = count < sizeof zeros ? (size_t)count : sizeof zeros;
		vst_hash_update(hash, zeros, some);
		count -= some;
	}
}

int vst_hash_peek(const struct vst_hash *hash, enum vst_hash_set algorithm, uint8_t *ret, struct vst_err *err)
{
	const struct algorithm *found = find_algorithm(hash->set, algorithm);
	gcry_md_hd_t copy = NULL;

	if (!found)
		return vst_err_set(err, VST_EUSAGE, "digest 0x%x is not being computed", (unsigned)algorithm);
	gcry_error_t error = gcry_md_copy(&copy, hash->handle);
	if (error)
		return gcrypt_failed(err, "copy digest", error);
	memcpy(ret, gcry_md_read(copy, found->gcrypt), found->len);
	gcry_md_close(copy);
	return 0;
}

const uint8_t *vst_hash_final(struct vst_hash *hash, enum vst_hash_set algorithm)
{
	const struct algorithm *found = find_algorithm(hash->set, algorithm);

	return found ? gcry_md_read(hash->handle, found->gcrypt) : NULL;
}

/* ---- digests of what is in memory ---- */

/*
 * These cannot fail for want of memory: libgcrypt keeps the state on the stack. What remains is a libgcrypt
 * that is missing or has failed its self tests, and then no digest may be believed: stop, as libgcrypt itself
 * would.
 */
static void must_start(void)
{
	if (vst_crypto_start(NULL) != 0)
		abort();
}

void vst_sha256(const void *data, size_t len, uint8_t ret[VST_HASH_LEN])
{
	must_start();
	gcry_md_hash_buffer(GCRY_MD_SHA256, ret, len ? data : "", len);
}

void vst_sha512(const void *data, size_t len, uint8_t ret[VST_SHA512_LEN])
{
	must_start();
	gcry_md_hash_buffer(GCRY_MD_SHA512, ret, len ? data : "", len);
}

/* gcry_buffer_t has no const; the data is only read. */
static gcry_buffer_t buffer_of(const void *data, size_t len)
{
	return (gcry_buffer_t){.size = len, .len = len, .data = (void *)(uintptr_t)data};
}

/* SHA-256 of `prefix` (unless NULL) and the parts. */
static void hash_parts(const uint8_t *prefix, const struct vst_part *parts, size_t count, uint8_t *ret)
{
	gcry_buffer_t buffers[1 + PARTS_MAX];
	int used = 0;

	must_start();
	if (count > PARTS_MAX)
		abort();
	if (prefix)
		buffers[used++] = buffer_of(prefix, SHA256_BLOCK);
	for (size_t i = 0; i < count; i++)
		if (parts[i].len > 0)
			buffers[used++] = buffer_of(parts[i].data, parts[i].len);
	if (used == 0)
		buffers[used++] = buffer_of("", 0);
	if (gcry_md_hash_buffers(GCRY_MD_SHA256, 0, ret, buffers, used) != 0)
		abort();
}

void vst_sha256_parts(const struct vst_part *parts, size_t count, uint8_t ret[VST_HASH_LEN])
{
	hash_parts(NULL, parts, count, ret);
}

/*
 * RFC 2104 over the one-shot digest: no handle to open, so no allocation and no way to fail. The blocks
 * derived from the key live on the stack for the call and are wiped.
 */
void vst_hmac_sha256(const void *key, size_t key_len, const struct vst_part *parts, size_t count,
        uint8_t ret[VST_HASH_LEN])
{
	uint8_t block[SHA256_BLOCK] = {0};
	uint8_t inner[VST_HASH_LEN];

	if (key_len > sizeof block)
		vst_sha256(key, key_len, block);
	else if (key_len > 0)
		memcpy(block, key, key_len);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0x36;
	hash_parts(block, parts, count, inner);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0x36 ^ 0x5c;
	hash_parts(block, &(struct vst_part){inner, sizeof inner}, 1, ret);
	vst_wipe(block, sizeof block);
	vst_wipe(inner, sizeof inner);
}

/* ---- running codes ---- */

struct vst_hmac {
	gcry_md_hd_t handle;
};

int vst_hmac_new(struct vst_hmac **ret, const void *key, size_t key_len, struct vst_err *err)
{
	struct vst_hmac *hmac = NULL;
	int rc = vst_crypto_start(err);
	if (rc != 0)
		return rc;
	if (!(hmac = vst_calloc(1, sizeof *hmac)))
		return vst_err_nomem(err);
	gcry_error_t error =
	        gcry_md_open(&hmac->handle, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC | GCRY_MD_FLAG_SECURE);
	if (!error)
		error = gcry_md_setkey(hmac->handle, key_len ? key : "", key_len);
	if (error) {
		vst_hmac_free(hmac);
		return gcrypt_failed(err, "start authentication code", error);
	}
	*ret = hmac;
	return 0;
}

void vst_hmac_free(struct vst_hmac *hmac)
{
	if (!hmac)
		return;
	gcry_md_close(hmac->handle);
	free(hmac);
}

void vst_hmac_reset(struct vst_hmac *hmac)
{
	gcry_md_reset(hmac->handle);
}

void vst_hmac_update(struct vst_hmac *hmac, const void *data, size_t len)
{
	if (len > 0)
		gcry_md_write(hmac->handle, data, len);
}

void vst_hmac_final(struct vst_hmac *hmac, uint8_t ret[VST_HASH_LEN])
{
	memcpy(ret, gcry_md_read(hmac->handle, GCRY_MD_SHA256), VST_HASH_LEN);
	gcry_md_reset(hmac->handle);
}

void vst_hkdf_sha256(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
        const void *info, size_t info_len, uint8_t *ret, size_t len)
{
	static const uint8_t no_salt[VST_HASH_LEN];
	uint8_t extracted[VST_HASH_LEN];
	uint8_t block[VST_HASH_LEN];
	uint8_t number = 0;

	if (len > 255 * VST_HASH_LEN)
		abort();
	vst_hmac_sha256(salt_len ? salt : no_salt, salt_len ? salt_len : sizeof no_salt,
	        &(struct vst_part){secret, secret_len}, 1, extracted);
	for (size_t done = 0; done < len;) {
		const struct vst_part parts[] = {{block, number ? sizeof block : 0}, {info, info_len},
		        {&(uint8_t){(uint8_t)(number + 1)}, 1}};
		size_t take = len - done < sizeof block ? len - done : sizeof block;
		vst_hmac_sha256(extracted, sizeof extracted, parts, 3, block);
		memcpy(ret + done, block, take);
		done += take;
		number++;
	}
	vst_wipe(extracted, sizeof extracted);
	vst_wipe(block, sizeof block);
}
