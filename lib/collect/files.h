/*
 * The collector of kind `files` (vestige/policy.h: paths, exclude, one_file_system).
 */
#ifndef COLLECT_FILES_H
#define COLLECT_FILES_H

#include "vestige/collector.h"

int vst_collect_files(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err);

#endif
