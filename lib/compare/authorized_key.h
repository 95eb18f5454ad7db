/*
 * One line of authorized_keys: [options] type base64 [comment].
 *
 * Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT; RFC 4253 section 6.6 (a key starts with its type as a
 * string). Which words are types is not listed here: one is a type if the key behind it says the same.
 */
#ifndef COMPARE_AUTHORIZED_KEY_H
#define COMPARE_AUTHORIZED_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

struct vst_err;

struct vst_authorized_key {
	const char *type, *comment, *options; /* borrowed from the line */
	size_t type_len, comment_len, options_len;
	const char *command; /* between its quotes, as it is spelled; NULL: none */
	size_t command_len;
	bool from, cert_authority, restricted;
	uint8_t fingerprint[VST_HASH_LEN]; /* as `ssh-keygen -l` has it */
};

enum vst_authorized_line { VST_AUTHORIZED_NOTHING, VST_AUTHORIZED_KEY, VST_AUTHORIZED_ODD };

/* NOTHING: empty or a comment; ODD: sshd would find no key in it. Errors: VST_ENOMEM. */
int vst_authorized_key_parse(const char *line, size_t len, enum vst_authorized_line *ret_kind,
        struct vst_authorized_key *ret, struct vst_err *err);

#endif
