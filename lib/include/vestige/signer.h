/*
 * Signers: what makes raw Ed25519 signatures, a key in secure memory or an ssh-agent that holds it.
 *
 * Source: OpenSSH PROTOCOL.agent (draft-miller-ssh-agent), PROTOCOL.u2f.
 */
#ifndef VESTIGE_SIGNER_H
#define VESTIGE_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/sshkey.h"

struct vst_buf;
struct vst_err;
struct vst_signer;

/* Owns: the caller, vst_signer_free(). The seed is copied into secure memory. */
int vst_signer_from_seed(
        const uint8_t seed[VST_ED25519_SEED_LEN], struct vst_signer **ret, struct vst_err *err);

/*
 * `path` names a private key file, or a public key file (.pub) whose private half is in the agent at
 * SSH_AUTH_SOCK. A private key file that is encrypted, or that stands for a hardware key, works too when the
 * agent has its key. Errors say which of these was tried: VST_EKEY (no agent, or it does not hold the key),
 * VST_EFORMAT, VST_EUNSUPPORTED, VST_ENOTFOUND.
 */
int vst_signer_open(const char *path, struct vst_signer **ret, struct vst_err *err);
void vst_signer_free(struct vst_signer *signer);

/* Borrowed. */
const struct vst_ssh_public *vst_signer_public(const struct vst_signer *signer);

/* False for sk keys: their signatures cover more than the message, so a signed note cannot carry them. */
bool vst_signer_signs_raw(const struct vst_signer *signer);

/*
 * Appends the SSH signature blob {string type, string signature [, u8 flags, u32 counter]} over `data`, and
 * nothing on failure. What an agent answers is verified before it is used. An agent that refuses, is gone or
 * does not answer is VST_EKEY.
 */
int vst_signer_sign_ssh(
        struct vst_signer *signer, const void *data, size_t len, struct vst_buf *out, struct vst_err *err);

/* 64 raw bytes; VST_EUNSUPPORTED for sk keys. */
int vst_signer_sign_raw(struct vst_signer *signer, const void *data, size_t len,
        uint8_t ret[VST_ED25519_SIG_LEN], struct vst_err *err);

#endif
