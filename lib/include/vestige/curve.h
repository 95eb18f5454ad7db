/*
 * Curve25519: Ed25519 signatures (RFC 8032) and X25519 agreement (RFC 7748).
 *
 * Verification is done by libcrypto behind checks of our own (crypto-formats: S < L, canonical A and R, no
 * low-order point), because libgcrypt 1.10 accepts S ≥ L and aborts on some keys; so an input that one
 * library would take and another refuse is refused here.
 */
#ifndef VESTIGE_CURVE_H
#define VESTIGE_CURVE_H

#include <stddef.h>
#include <stdint.h>

#define VST_ED25519_SEED_LEN 32
#define VST_ED25519_KEY_LEN 32
#define VST_ED25519_SIG_LEN 64
#define VST_X25519_LEN 32

struct vst_err;

/* The public key of a seed. */
int vst_ed25519_public(
        const uint8_t seed[VST_ED25519_SEED_LEN], uint8_t ret[VST_ED25519_KEY_LEN], struct vst_err *err);
int vst_ed25519_sign(const uint8_t seed[VST_ED25519_SEED_LEN], const void *message, size_t len,
        uint8_t ret[VST_ED25519_SIG_LEN], struct vst_err *err);
/* 0 only if the signature is good; VST_EAUTH for every other input, however malformed. Never aborts. */
int vst_ed25519_verify(const uint8_t key[VST_ED25519_KEY_LEN], const void *message, size_t len,
        const uint8_t signature[VST_ED25519_SIG_LEN], struct vst_err *err);

/* VST_EAUTH if the result is all zero (a low-order point), checked in constant time. `ret` is wiped on
 * failure. */
int vst_x25519(const uint8_t scalar[VST_X25519_LEN], const uint8_t point[VST_X25519_LEN],
        uint8_t ret[VST_X25519_LEN], struct vst_err *err);
int vst_x25519_public(const uint8_t scalar[VST_X25519_LEN], uint8_t ret[VST_X25519_LEN], struct vst_err *err);
/* Montgomery u of an Edwards public key, (1+y)/(1-y); VST_EFORMAT if the key is no canonical, full-order
 * point encoding. */
int vst_x25519_from_ed25519(
        const uint8_t key[VST_ED25519_KEY_LEN], uint8_t ret[VST_X25519_LEN], struct vst_err *err);

#endif
