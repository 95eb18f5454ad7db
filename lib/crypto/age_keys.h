/*
 * What recipients and identities hold, and how each wraps and unwraps a file key.
 *
 *     X25519        -> X25519 SHARE                       key: HKDF(ECDH, SHARE || recipient, label)
 *     ssh-ed25519   -> ssh-ed25519 TAG SHARE              the same, ECDH tweaked by the SSH key
 *     passphrase    -> scrypt SALT LOG2N                  key: scrypt(passphrase, label || SALT, N, r = 8, p
 * = 1)
 *
 * Each body is the file key under ChaCha20-Poly1305 with a zero nonce.
 */
#ifndef VESTIGE_CRYPTO_AGE_KEYS_H
#define VESTIGE_CRYPTO_AGE_KEYS_H

#include "crypto/age_header.h"
#include "vestige/age.h"
#include "vestige/curve.h"

#define VST_AGE_PASSPHRASE_MAX 1024
#define VST_AGE_SSH_WIRE_LEN 51 /* string "ssh-ed25519", string of 32 bytes */
#define VST_AGE_RECIPIENT_HRP "age"
#define VST_AGE_IDENTITY_HRP "AGE-SECRET-KEY-"

enum vst_age_kind { VST_AGE_X25519 = 1, VST_AGE_SSH_ED25519, VST_AGE_PASSPHRASE };

/* What can be known of a key by anybody. */
struct vst_age_public {
	uint8_t point[VST_X25519_LEN];          /* X25519, ssh-ed25519 */
	uint8_t ssh_wire[VST_AGE_SSH_WIRE_LEN]; /* ssh-ed25519 */
};

/* A passphrase in secure memory. */
struct vst_age_passphrase {
	char *text; /* of `len` bytes and a NUL */
	size_t len;
};

struct vst_age_recipient {
	enum vst_age_kind kind;
	struct vst_age_public public_key;
	struct vst_age_passphrase passphrase;
	unsigned work_factor;
	char *text;
};

struct vst_age_identity {
	enum vst_age_kind kind;
	struct vst_age_public public_key;
	struct vst_age_passphrase passphrase;
	uint8_t *scalar; /* X25519, ssh-ed25519: VST_X25519_LEN bytes of secure memory */
};

/* VST_EUSAGE if it is empty, VST_ELIMIT if it is too long. */
int vst_age_passphrase_copy(const char *text, struct vst_age_passphrase *ret, struct vst_err *err);
void vst_age_passphrase_free(struct vst_age_passphrase *passphrase);

int vst_age_recipient_from_x25519(
        const uint8_t point[VST_X25519_LEN], struct vst_age_recipient **ret, struct vst_err *err);
/* `wire` is that of an ssh-ed25519 key. VST_EFORMAT if no file can be encrypted to it. */
int vst_age_recipient_from_ssh(
        const uint8_t wire[VST_AGE_SSH_WIRE_LEN], struct vst_age_recipient **ret, struct vst_err *err);

/* Appends the recipient's stanza. */
int vst_age_wrap(const struct vst_age_recipient *recipient, const uint8_t file_key[VST_AGE_FILE_KEY_LEN],
        struct vst_buf *out, struct vst_err *err);

/*
 * The file key, from the first stanza that this identity opens; VST_EKEY if there is none. A stanza of the
 * identity's kind that is malformed, and comes first, is VST_EFORMAT (VST_ELIMIT: a work factor above the
 * cap), as in the reference implementation.
 */
int vst_age_unwrap(const struct vst_age_identity *identity, const struct vst_age_header *header,
        uint8_t ret_file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err);

#endif
