/*
 * What the names of artifacts meant on the day of an acquisition: definitions change, and a policy has but their names.
 */
#ifndef WORKFLOW_SEAL_DEFINITIONS_H
#define WORKFLOW_SEAL_DEFINITIONS_H

#include "vestige/exhibit_writer.h"
#include "vestige/policy.h"

/*
 * Writes the definitions that the policy's artifacts sources use, and no others, byte for byte: records definitions/FILE, file by file
 * of the directory that they were loaded from; of a second directory definitions/2/FILE.
 */
int seal_definitions(struct vst_exhibit_writer *writer, const struct vst_policy *policy, struct vst_err *err);

#endif
