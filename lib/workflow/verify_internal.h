/*
 * What the two halves of verification share: verify.c (the log and its carrier) and verify_exhibits.c (the
 * exhibits and their directory).
 */
#ifndef WORKFLOW_VERIFY_INTERNAL_H
#define WORKFLOW_VERIFY_INTERNAL_H

#include "vestige/err.h"
#include "vestige/verify.h"
#include "workflow/case_internal.h"

struct verification {
	const struct vst_verify_options *options;
	struct vst_verify_result *result;
	struct vst_case
	        c; /* read-only parts; not opened by vst_case_open(), which stops at the first bad event */
	struct case_keys
	        keys;   /* of private/, read before the trail: the log may grow meanwhile, they may not */
	int pending_rc; /* of reading private/pending, before the trail as well */
	struct vst_err pending_why;
	struct case_pending pending;
	struct vst_event
	        *waiting;   /* the pending event, once it was judged good and while it is not committed */
	bool exhibit_waits; /* its exhibit was seen in exhibits/ */
	bool interrupted;   /* the last commit was, so the work tree may be behind */
	uint64_t carrier_findings;
	bool key_fitted, key_failed; /* of the exhibits opened with --deep */
	int stopped;                 /* what the finding callback returned, once it is not 0 */
};

/* Counts and reports one finding. Returns v->stopped. */
int verify_say(struct verification *v, enum vst_verdict verdict, const char *subject, const char *hint,
        const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Whether an error means "looked at and bad" rather than "could not look". */
bool verify_is_finding(int rc);
/* private/: an event that waits to be committed, and keys that are ahead of the log. */
int verify_private_read(struct verification *v, struct vst_err *err);
int verify_private_judge(struct verification *v, struct vst_err *err);
int verify_exhibits(struct verification *v, struct vst_err *err);
void verify_release(struct verification *v);

#endif
