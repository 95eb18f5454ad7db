/*
 * What an artifacts source of a policy comes to, for `policy show`: as on a host whose homes are /root and
 * /home/NAME, for a policy does not know which host it is for.
 */
#ifndef ARCHIVER_POLICY_ARTIFACTS_H
#define ARCHIVER_POLICY_ARTIFACTS_H

#include "cli.h"
#include "vestige/json.h"
#include "vestige/policy.h"

void policy_artifacts_show(const struct cli *cli, const struct vst_policy_source *source);
/* Members of an object that is open. */
void policy_artifacts_json(struct vst_json *json, const struct vst_policy_source *source);

#endif
