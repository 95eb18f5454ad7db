/*
 * Artifact definitions for a policy's sources: where they lie, and whether they have what the policy names.
 */
#ifndef ARCHIVER_DEFINITIONS_H
#define ARCHIVER_DEFINITIONS_H

#include "cli.h"
#include "vestige/artifacts.h"
#include "vestige/policy.h"

struct definitions {
	struct vst_artifact_set **sets; /* one for each source; several may be the same */
	char **directories;             /* where each is from */
	size_t count;
};

/*
 * Loads what the policy's artifacts sources need and gives it to them: from the source's own directory, else
 * from VESTIGE_ARTIFACTS, else from <prefix>/share/artifacts beside the program, else from
 * /usr/share/artifacts. A name that no definition has is VST_ENOTFOUND: a policy like that is wrong. Must
 * outlive the policy's use.
 */
int definitions_load(struct vst_policy *policy, struct definitions *ret, struct vst_err *err);
void definitions_free(struct definitions *definitions);
/* What is wrong with the files themselves, as warnings. */
void definitions_warn(const struct definitions *definitions);

#endif
