/* Policies from anybody. What is accepted keeps what the header promises, and libcyaml agrees with our own
 * check. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/pattern.h"
#include "vestige/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_patterns(char *const *texts, size_t count, bool absolute)
{
	for (size_t i = 0; i < count; i++) {
		struct vst_pattern *pattern = NULL;
		int rc = vst_pattern_compile(texts[i], &pattern, NULL);
		if ((rc != 0 && rc != VST_ENOMEM) || (rc == 0 && absolute && !pattern->absolute))
			abort();
		vst_pattern_free(pattern);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_policy *policy = NULL;
	struct vst_err err = VST_ERR_INIT;
	int rc = vst_policy_parse(data, size, "policy.yaml", &policy, &err);
	if (rc == VST_ELIBRARY || (rc != 0 && (policy || rc != err.code)))
		abort();
	if (rc != 0)
		return 0;
	if (!policy->name || !policy->name[0] || policy->source_count == 0 || !(policy->hashes & 1))
		abort();
	for (size_t i = 0; i < policy->source_count; i++) {
		const struct vst_policy_source *source = &policy->sources[i];
		if (!source->name || source->kind != VST_SOURCE_FILES || source->files.path_count == 0)
			abort();
		look_at_patterns(source->files.paths, source->files.path_count, true);
		look_at_patterns(source->files.exclude, source->files.exclude_count, false);
	}
	vst_policy_free(policy);
	return 0;
}
