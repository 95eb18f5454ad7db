#include "compare/rules.h"

int vst_rule_logs(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	(void)context;
	(void)pair;
	(void)err;
	return 0;
}
