#include "collect/limits.h"

#include "vestige/err.h"

uint64_t vst_limits_room(const struct vst_collect_context *context, const char **ret_rule)
{
	uint64_t room = context->item_limit;
	*ret_rule = VST_RULE_ITEM_LIMIT;
	if (context->source_left < room) {
		room = context->source_left;
		*ret_rule = VST_RULE_SOURCE_LIMIT;
	}
	if (context->exhibit_left < room) {
		room = context->exhibit_left;
		*ret_rule = VST_RULE_EXHIBIT_LIMIT;
	}
	return room;
}

static void count_down(uint64_t *left, uint64_t bytes)
{
	if (*left != UINT64_MAX)
		*left -= bytes < *left ? bytes : *left;
}

void vst_limits_count(struct vst_collect_context *context, uint64_t bytes)
{
	count_down(&context->source_left, bytes);
	count_down(&context->exhibit_left, bytes);
}

void vst_limits_give_back(struct vst_collect_context *context, uint64_t bytes)
{
	if (context->source_left != UINT64_MAX)
		context->source_left += bytes;
	if (context->exhibit_left != UINT64_MAX)
		context->exhibit_left += bytes;
}

const char *vst_limits_full(const struct vst_collect_context *context)
{
	if (vst_limits_expired(context))
		return VST_RULE_SOURCE_TIME;
	if (context->exhibit_left == 0)
		return VST_RULE_EXHIBIT_LIMIT;
	return context->source_left == 0 ? VST_RULE_SOURCE_LIMIT : NULL;
}

bool vst_limits_expired(const struct vst_collect_context *context)
{
	return context->expired && atomic_load_explicit(context->expired, memory_order_relaxed);
}

int vst_limits_check_cancel(const struct vst_collect_context *context, struct vst_err *err)
{
	if (context->cancel && atomic_load_explicit(context->cancel, memory_order_relaxed))
		return vst_err_set(err, VST_ECANCELLED, "stopped");
	return 0;
}
