/*
 * Finding a policy: a path, or the name of a shipped one.
 */
#ifndef ARCHIVER_POLICIES_H
#define ARCHIVER_POLICIES_H

#include "cli.h"
#include "vestige/policy.h"

/*
 * A name without '/' is looked for in VESTIGE_POLICIES, beside the program (a build or source tree), in the
 * installed place and inside the program; the static program asks neither the second nor the third, which may
 * be the host's. Else it is a path. The caller frees the path ("built in" for one inside the program) and the
 * policy; `ret_text` has the exact bytes.
 */
int policies_load(const char *name, char **ret_path, struct vst_buf *ret_text, struct vst_policy **ret,
        struct vst_err *err);

/* Each shipped policy that is found, in order: its name, and what to give policies_load(). Non-zero stops. */
typedef int policy_each(void *ctx, const char *name, const char *policy);
int policies_each(policy_each *each, void *ctx);

#endif
