/*
 * allowed_signers: OpenSSH's list of who may sign, as the trail carries it.
 *
 * Source: ssh-keygen(1), ALLOWED SIGNERS. Written form, one a line: `principal namespaces="git" ssh-ed25519
 * AAAA…`. Principals that begin with `collector@` are collectors (hosts); all others are examiners (people).
 */
#ifndef VESTIGE_SIGNERS_H
#define VESTIGE_SIGNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/sshkey.h"

#define VST_SIGNERS_MAX 4096 /* in a file; a set in memory may grow further, as the union over a log does */
#define VST_PRINCIPAL_MAX 255
#define VST_COLLECTOR_PREFIX "collector@"

struct vst_buf;
struct vst_err;

struct vst_signers_entry {
	/*
	 * Valid UTF-8, not empty, no white space, quotes, commas, `#`, pattern characters (`*?!`), `+` (it is
	 * a note's key name too), backslash, nor anything that does not show as itself (control characters,
	 * bidirectional overrides).
	 */
	char *principal;
	struct vst_ssh_public key;
};

/* Plain to read; changed by vst_signers_add() alone, since an index goes with the list. {0} is the empty set.
 */
struct vst_signers {
	struct vst_signers_entry *list; /* owned, in file order */
	size_t count;
	uint32_t *slots; /* owned: an index by key, for a union of a long log's signers */
	size_t slot_count;
};

/*
 * Strict: only the written form (the option namespaces="git" and no other, no comments, no empty lines): the
 * trail's file is ours, and an option that we ignored could mean something to stock git. VST_EFORMAT names
 * the line; VST_EUNSUPPORTED for a key that is not Ed25519.
 */
int vst_signers_parse(const void *text, size_t len, struct vst_signers *ret, struct vst_err *err);
void vst_signers_write(const struct vst_signers *signers, struct vst_buf *out);
/* VST_EUSAGE for a principal that cannot stand in the file, VST_EEXIST if this key is there already. */
int vst_signers_add(struct vst_signers *signers, const char *principal, const struct vst_ssh_public *key,
        struct vst_err *err);
const struct vst_signers_entry *vst_signers_find(
        const struct vst_signers *signers, const struct vst_ssh_public *key);
bool vst_signers_is_collector(const struct vst_signers_entry *entry);
void vst_signers_free(struct vst_signers *signers); /* leaves it empty and usable */

#endif
