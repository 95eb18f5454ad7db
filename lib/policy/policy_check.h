/*
 * Everything that a policy must be, checked on the tree, where the lines are known.
 */
#ifndef POLICY_POLICY_CHECK_H
#define POLICY_POLICY_CHECK_H

#include <stdint.h>

#include "policy/policy_tree.h"

/* Keys are known and once, values are of their type and mean something. VST_EFORMAT with file, line and key.
 */
int policy_check(const struct policy_tree *tree, struct vst_err *err);

/* "1048576", "8GiB": from 1 byte to INT64_MAX. */
bool policy_size(const char *text, uint64_t *ret);

#endif
