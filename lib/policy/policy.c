/*
 * Policies in two steps: libyaml's events become a tree with line numbers, and the tree is checked for all that a policy must be
 * and stored as it is checked: one reading of the text, one schema.
 */
#include "vestige/policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy/policy_check.h"
#include "policy/policy_sources.h"
#include "vestige/err.h"
#include "vestige/mem.h"

void vst_policy_free(struct vst_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->source_count; i++)
		policy_source_release(&policy->sources[i]);
	free(policy->sources);
	for (size_t i = 0; i < policy->regime_count; i++)
		free(policy->regimes[i]);
	free(policy->regimes);
	free(policy->about);
	free(policy->name);
	free(policy);
}

int vst_policy_parse(
        const void *text, size_t len, const char *name, struct vst_policy **ret, struct vst_err *err)
{
	struct policy_tree tree = {0};
	struct vst_policy *policy = NULL;
	if (len > VST_POLICY_MAX)
		return vst_err_set(err, VST_ELIMIT, "%s: longer than %d bytes", name, VST_POLICY_MAX);
	/* Some editors put a byte order mark before UTF-8. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text = (const char *)text + 3;
		len -= 3;
	}
	int rc = policy_tree_read(text, len, name, &tree, err);
	if (rc == 0 && !(policy = vst_calloc(1, sizeof *policy)))
		rc = vst_err_nomem(err);
	if (rc == 0)
		rc = policy_check(&tree, policy, err);
	policy_tree_free(&tree);
	if (rc != 0) {
		vst_policy_free(policy);
		return rc;
	}
	*ret = policy;
	return 0;
}
