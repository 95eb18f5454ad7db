/*
 * Digests, HMAC and HKDF (libgcrypt underneath).
 *
 * Source: FIPS 180-4, RFC 1321, RFC 2104, RFC 5869.
 */
#ifndef VESTIGE_HASH_H
#define VESTIGE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define VST_HASH_LEN 32 /* SHA-256, the digest of everything that is chained */
#define VST_SHA512_LEN 64
#define VST_SHA1_LEN 20
#define VST_MD5_LEN 16

struct vst_err;
struct vst_hash;

/* Which digests to compute at once; a set. SHA-1 and MD5 only for comparison with old hash sets. */
enum vst_hash_set { VST_HASH_SHA256 = 1, VST_HASH_SHA1 = 2, VST_HASH_MD5 = 4, VST_HASH_SHA512 = 8 };

/* A running digest of one or more algorithms. Owns: the caller, vst_hash_free(). */
int vst_hash_new(struct vst_hash **ret, unsigned set, struct vst_err *err);
void vst_hash_free(struct vst_hash *hash);
void vst_hash_reset(struct vst_hash *hash);
void vst_hash_update(struct vst_hash *hash, const void *data, size_t len);
void vst_hash_zeros(struct vst_hash *hash, uint64_t count); /* so many bytes 0 */
/* The digest so far of one algorithm of the set; the hash may be updated further (it works on a copy). */
int vst_hash_peek(
        const struct vst_hash *hash, enum vst_hash_set algorithm, uint8_t *ret, struct vst_err *err);
/* The final digest of one algorithm of the set; borrowed until reset or free; no update may follow. */
const uint8_t *vst_hash_final(struct vst_hash *hash, enum vst_hash_set algorithm);

/* These do not fail: they need no memory. Should libgcrypt not start, or there be too many parts, they abort.
 */
void vst_sha256(const void *data, size_t len, uint8_t ret[VST_HASH_LEN]);
void vst_sha512(const void *data, size_t len, uint8_t ret[VST_SHA512_LEN]);
/* SHA-256 over parts laid end to end, without copying them together (the hot path of Merkle trees). At most 8
 * parts. */
struct vst_part {
	const void *data;
	size_t len;
};
void vst_sha256_parts(const struct vst_part *parts, size_t count, uint8_t ret[VST_HASH_LEN]);

void vst_hmac_sha256(const void *key, size_t key_len, const struct vst_part *parts, size_t count,
        uint8_t ret[VST_HASH_LEN]);
/*
 * A running HMAC-SHA-256, its state in secure memory. vst_hmac_final() gives the code and starts over with the same key. Owns:
 * the caller, vst_hmac_free().
 */
struct vst_hmac;
int vst_hmac_new(struct vst_hmac **ret, const void *key, size_t key_len, struct vst_err *err);
void vst_hmac_free(struct vst_hmac *hmac);
void vst_hmac_reset(struct vst_hmac *hmac); /* the key stays */
void vst_hmac_update(struct vst_hmac *hmac, const void *data, size_t len);
void vst_hmac_final(struct vst_hmac *hmac, uint8_t ret[VST_HASH_LEN]);

/* RFC 5869 with SHA-256; len at most 255 * 32. The output is written to `ret`, which may be secure memory. */
void vst_hkdf_sha256(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
        const void *info, size_t info_len, uint8_t *ret, size_t len);

#endif
