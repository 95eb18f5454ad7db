/*
 * One source of a policy: its name, its kind, and what the kind wants to know. A new kind is a take function
 * and a row here.
 */
#ifndef POLICY_POLICY_SOURCES_H
#define POLICY_POLICY_SOURCES_H

#include "policy/policy_values.h"
#include "vestige/policy.h"

policy_take policy_take_source; /* struct vst_policy_source * */
/* What policy_take_source() has stored. */
void policy_source_release(struct vst_policy_source *source);

#endif
