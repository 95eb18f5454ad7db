/*
 * A policy as it was understood, and what its path patterns lead to on this host.
 */
#ifndef ARCHIVER_POLICY_SHOW_H
#define ARCHIVER_POLICY_SHOW_H

#include "cli.h"
#include "vestige/hash.h"
#include "vestige/policy.h"

/* `path`: the policy's file. `digest`: of its bytes. */
void policy_show_text(const struct cli *cli, const struct vst_policy *policy, const char *path,
        const uint8_t digest[VST_HASH_LEN]);
void policy_show_json(const struct vst_policy *policy, const char *path, const uint8_t digest[VST_HASH_LEN]);

#endif
