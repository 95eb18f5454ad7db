/*
 * Everything that a policy must be, checked on the tree, where the lines are known, and stored as it is
 * checked.
 */
#ifndef POLICY_POLICY_CHECK_H
#define POLICY_POLICY_CHECK_H

#include "policy/policy_tree.h"
#include "vestige/policy.h"

/*
 * Keys are known and once, values are of their type and mean something. `ret` starts zeroed and is released
 * by the caller, also after a failure. VST_EFORMAT with file, line and key.
 */
int policy_check(const struct policy_tree *tree, struct vst_policy *ret, struct vst_err *err);

#endif
