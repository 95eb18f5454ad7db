/*
 * The ssh-agent protocol, as far as signing needs it. Private to crypto.
 *
 * Source: draft-miller-ssh-agent. One connection a request. A message is a u32 length, a type byte, and its
 * content. Everything has a deadline and a size limit: an agent that is dead, stuck or hostile costs an
 * error, never a hang.
 */
#ifndef VESTIGE_CRYPTO_AGENT_H
#define VESTIGE_CRYPTO_AGENT_H

#include <stddef.h>

#define VST_AGENT_MESSAGE_MAX (256 * 1024)
#define VST_AGENT_LIST_MS 10000
#define VST_AGENT_SIGN_MS 120000 /* a person may have to touch a token or to confirm (ssh-add -c) */

struct vst_buf;
struct vst_err;
struct vst_ssh_public;

/* 0 if the agent at the socket `path` holds `key`; VST_EKEY if not, or if there is no agent. */
int vst_agent_holds(const char *path, const struct vst_ssh_public *key, int timeout_ms, struct vst_err *err);

/* Appends the SSH signature blob that the agent made over `data`; not verified. VST_EKEY, VST_ELIMIT (too
 * much data). */
int vst_agent_sign(const char *path, const struct vst_ssh_public *key, const void *data, size_t len,
        int timeout_ms, struct vst_buf *out, struct vst_err *err);

#endif
