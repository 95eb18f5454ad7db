#include "compare/rules.h"

static vst_rule *const rules[] = {
        vst_rule_logs,
        vst_rule_times,
        vst_rule_persistence,
};

int vst_rules_apply(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof rules / sizeof *rules; i++)
		rc = rules[i](context, pair, err);
	return rc;
}

int vst_rule_find(const struct vst_rule_context *context, const struct vst_pair *pair,
        const struct vst_finding *finding, struct vst_err *err)
{
	const struct vst_item *item = pair->after ? pair->after : pair->before;
	struct vst_finding whole = *finding;
	whole.source = item->source;
	whole.path = item->path;
	whole.before = pair->before_place;
	whole.after = pair->after_place;
	return context->findings.take(context->findings.ctx, &whole, err);
}
