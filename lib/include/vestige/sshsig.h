/*
 * SSHSIG: detached signatures that `ssh-keygen -Y verify` and git accept.
 *
 * Source: OpenSSH PROTOCOL.sshsig. Written with SHA-512, read with SHA-256 or SHA-512.
 */
#ifndef VESTIGE_SSHSIG_H
#define VESTIGE_SSHSIG_H

#include <stddef.h>

#include "vestige/sshkey.h"

struct vst_buf;
struct vst_err;
struct vst_signer;

#define VST_SSHSIG_MAX 8192 /* an armoured signature; ours have some 300 bytes, the longest RSA one 6,000 */
#define VST_SSHSIG_NAMESPACE_MAX 255

/* Appends the armoured signature, LF at the end, and nothing on failure. Namespace as in "git": VST_EUSAGE if
 * it is empty. */
int vst_sshsig_sign(struct vst_signer *signer, const char *name_space, const void *message, size_t len,
        struct vst_buf *out, struct vst_err *err);

/*
 * Checks an armoured signature (exactly one, nothing before or after; canonical base64 in lines of 70) and
 * gives the key that made it. The footer's LF may be missing, as it is once a git header was unfolded: a
 * caller for whom the bytes are an identity looks at that itself. Any other spelling of the same signature is
 * refused; whether that key may sign is the caller's question. VST_EFORMAT: not a signature; VST_EAUTH: does
 * not fit the message, the namespace, or is not strict (S ≥ L, non-canonical points); VST_EUNSUPPORTED: made
 * by a key of another type.
 */
int vst_sshsig_verify(const void *armour, size_t armour_len, const char *name_space, const void *message,
        size_t len, struct vst_ssh_public *ret_key, struct vst_err *err);

#endif
