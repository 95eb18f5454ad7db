/*
 * The armour of OpenSSH's files: a BEGIN line, base64 in lines of 70, an END line. Private to crypto.
 */
#ifndef VESTIGE_CRYPTO_SSHARMOR_H
#define VESTIGE_CRYPTO_SSHARMOR_H

#include <stddef.h>

#define VST_SSH_ARMOR_COLUMNS 70

struct vst_buf;

/* Appends the armoured form of `data`; `label` as in "SSH SIGNATURE". Makes no copies that the caller could
 * not wipe. */
void vst_ssh_armor_append(struct vst_buf *out, const char *label, const void *data, size_t len);

#endif
