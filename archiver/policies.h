/*
 * Finding a policy: a path, or the name of a shipped one.
 */
#ifndef ARCHIVER_POLICIES_H
#define ARCHIVER_POLICIES_H

#include "cli.h"
#include "vestige/policy.h"

/*
 * A name without '/' is looked for in VESTIGE_POLICIES, beside the program (a build or source tree) and in
 * the installed place; else it is a path. The caller frees the path and the policy; `ret_text` has the exact
 * bytes.
 */
int policies_load(const char *name, char **ret_path, struct vst_buf *ret_text, struct vst_policy **ret,
        struct vst_err *err);

/* Each shipped policy that is found, by name and in order. Non-zero from `each` stops. */
int policies_each(int (*each)(void *ctx, const char *name, const char *path), void *ctx, struct vst_err *err);

#endif
