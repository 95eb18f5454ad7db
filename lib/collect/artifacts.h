/*
 * The collector of kind `artifacts` (vestige/policy.h: names, definitions, commands): definitions become
 * commands, which are run or not, and patterns, which the files collector takes. Its items are told in
 * vestige/collector.h.
 */
#ifndef COLLECT_ARTIFACTS_H
#define COLLECT_ARTIFACTS_H

#include "vestige/collector.h"

int vst_collect_artifacts(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err);

#endif
