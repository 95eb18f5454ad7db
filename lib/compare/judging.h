/* From rules and observers to whoever takes findings: counted, and of each rule no more than a reader can
 * use. */
#ifndef COMPARE_JUDGING_H
#define COMPARE_JUDGING_H

#include "vestige/compare.h"

#define FINDING_RULES_MAX 256 /* different words */

struct findings_gate {
	struct vst_finding_sink to;
	struct vst_compare_result *result;
	struct {
		char *rule; /* owned */
		uint64_t count;
	} rules[FINDING_RULES_MAX];
	size_t rule_count;
};

/* Counts by severity, passes on up to VST_FINDINGS_PER_RULE of each rule. */
struct vst_finding_sink findings_gate_sink(struct findings_gate *gate);
void findings_gate_release(struct findings_gate *gate);

/* What the observers' facts of both sides say (observer.h). `before` may be NULL. */
int judge_observations(const struct vst_compare_side *before, const struct vst_compare_side *after,
        const struct vst_finding_sink *findings, struct vst_err *err);

#endif
