/*
 * OpenSSH private key files with one Ed25519 key.
 *
 * Source: OpenSSH PROTOCOL.key. Base64 between a BEGIN and an END line of:
 *
 *     "openssh-key-v1" NUL
 *     string cipher, string kdf, string kdf options       "none", "none", "" without a passphrase
 *     u32 number of keys                                  always 1
 *     string public key
 *     string private section, encrypted or not:
 *         u32 check, u32 check (the same)
 *         string type, string public 32 bytes, string seed and public 64 bytes, string comment
 *         padding 1, 2, 3 … to a multiple of the cipher's block
 */
#ifndef VESTIGE_SSHPRIVATE_H
#define VESTIGE_SSHPRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/sshkey.h"

#define VST_SSH_COMMENT_MAX 255

struct vst_buf;
struct vst_err;

/* True for an OpenSSH private key file, whatever it holds. */
bool vst_ssh_private_is(const void *text, size_t len);

/*
 * A private key file with one Ed25519 key and no passphrase; `ret_public` may be NULL.
 * `ret_seed` is the caller's secure memory. VST_EKEY for an encrypted file (the hint says what to do),
 * VST_EUNSUPPORTED for another type, VST_EFORMAT also when its public key is not the seed's own.
 */
int vst_ssh_private_parse(const void *text, size_t len, uint8_t ret_seed[VST_ED25519_SEED_LEN],
        struct vst_ssh_public *ret_public, struct vst_err *err);
/* The public key that a private key file carries in the clear, also an encrypted one; not checked against the
 * private half. */
int vst_ssh_private_peek(
        const void *text, size_t len, struct vst_ssh_public *ret_public, struct vst_err *err);
/* Writes the same format, so that stock ssh-keygen can use our keys; the comment is at most
   VST_SSH_COMMENT_MAX bytes on one line (VST_EUSAGE). The caller wipes `out`. */
int vst_ssh_private_text(const uint8_t seed[VST_ED25519_SEED_LEN], const char *comment, struct vst_buf *out,
        struct vst_err *err);

#endif
