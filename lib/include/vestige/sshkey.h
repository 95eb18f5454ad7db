/*
 * OpenSSH Ed25519 public keys, as text and as bytes, and the signatures that they check.
 *
 * Source: OpenSSH PROTOCOL.u2f, RFC 8709. Only Ed25519: `ssh-ed25519`, and for checking
 * `sk-ssh-ed25519@openssh.com`, whose private half lives in a hardware token behind the agent. What signs is
 * in signer.h.
 */
#ifndef VESTIGE_SSHKEY_H
#define VESTIGE_SSHKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/curve.h"
#include "vestige/hash.h"

#define VST_SSH_APPLICATION_MAX 127
#define VST_SSH_FILE_MAX (16 * 1024) /* a 16,384-bit RSA key still fits */
#define VST_SSH_FINGERPRINT_TEXT 51  /* "SHA256:", 43 digits, NUL */

struct vst_buf;
struct vst_err;

enum vst_ssh_type { VST_SSH_ED25519 = 1, VST_SSH_SK_ED25519 };

struct vst_ssh_public {
	enum vst_ssh_type type;
	uint8_t key[VST_ED25519_KEY_LEN];
	char application[VST_SSH_APPLICATION_MAX + 1]; /* sk keys only, "ssh:" as a rule */
};

/*
 * `ssh-ed25519 AAAA… [comment]`, one line (a trailing LF or CR LF is allowed). The comment, if wanted, is
 * borrowed from `text` (length 0 if there is none). VST_EUNSUPPORTED for other key types.
 */
int vst_ssh_public_parse(const char *text, size_t len, struct vst_ssh_public *ret, const char **ret_comment,
        size_t *ret_comment_len, struct vst_err *err);
int vst_ssh_public_from_wire(
        const uint8_t *wire, size_t len, struct vst_ssh_public *ret, struct vst_err *err);
void vst_ssh_public_wire(const struct vst_ssh_public *key, struct vst_buf *out);
void vst_ssh_public_text(
        const struct vst_ssh_public *key, struct vst_buf *out); /* "ssh-ed25519 AAAA…", no comment, no LF */
bool vst_ssh_public_equal(const struct vst_ssh_public *a, const struct vst_ssh_public *b);
void vst_ssh_public_fingerprint(const struct vst_ssh_public *key, char ret_text[VST_SSH_FINGERPRINT_TEXT]);

/*
 * Checks an SSH signature blob {string type, string signature [, u8 flags, u32 counter for sk keys]} over
 * `data`. VST_EFORMAT: no such blob, or trailing data; VST_EAUTH: of another key type, does not verify, or
 * (sk) made without the user's touch.
 */
int vst_ssh_verify(const struct vst_ssh_public *key, const void *data, size_t len, const uint8_t *blob,
        size_t blob_len, struct vst_err *err);

#endif
