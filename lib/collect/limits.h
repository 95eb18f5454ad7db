/*
 * What a policy's limits leave of an item: collectors ask before they take content, and count what they took.
 */
#ifndef COLLECT_LIMITS_H
#define COLLECT_LIMITS_H

#include "vestige/collector.h"

#define VST_RULE_ITEM_LIMIT "limits.item"
#define VST_RULE_SOURCE_LIMIT "limits.source"
#define VST_RULE_EXHIBIT_LIMIT "limits.exhibit"
#define VST_RULE_SOURCE_TIME "limits.source_time"

/* Bytes that may still be taken of one item, and the rule that says so: the first that would be reached. */
uint64_t vst_limits_room(const struct vst_collect_context *context, const char **ret_rule);
void vst_limits_count(struct vst_collect_context *context, uint64_t bytes);
/* Takes back what was counted of an item that is read once more. */
void vst_limits_give_back(struct vst_collect_context *context, uint64_t bytes);
/* The rule by which nothing more of any item is taken; NULL: there is room and time. */
const char *vst_limits_full(const struct vst_collect_context *context);
/* Whether the source's time is over. */
bool vst_limits_expired(const struct vst_collect_context *context);
/* VST_ECANCELLED if somebody wants an end. */
int vst_limits_check_cancel(const struct vst_collect_context *context, struct vst_err *err);

#endif
