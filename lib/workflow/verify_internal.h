/*
 * What the two halves of verification share: verify.c (the log and its carrier) and verify_exhibits.c (the
 * exhibits and their directory).
 */
#ifndef WORKFLOW_VERIFY_INTERNAL_H
#define WORKFLOW_VERIFY_INTERNAL_H

#include "vestige/err.h"
#include "vestige/verify.h"
#include "workflow/case_internal.h"
#include "workflow/verify_references.h"

struct held_finding {
	enum vst_verdict verdict;
	char *subject, *text, *hint;
};

struct verification {
	const struct vst_verify_options *options;
	struct vst_verify_result *result;
	struct vst_case
	        c; /* read-only parts; not opened by vst_case_open(), which stops at the first bad event */
	struct case_keys
	        keys; /* of private/, read before the trail: the log may grow meanwhile, they may not */
	struct vst_err keys_why; /* why they could not be read */
	int pending_rc;          /* of reading private/pending, before the trail as well */
	struct vst_err pending_why;
	struct case_pending pending;
	struct vst_event
	        *waiting; /* the pending event, once it was judged good and while it is not committed */
	bool digest_key_is_damaged;
	bool exhibit_waits; /* its exhibit was seen in exhibits/ */
	bool interrupted;   /* the last commit was, so the work tree may be behind */
	uint64_t carrier_findings;
	bool key_fitted, key_failed;          /* of the exhibits opened with --deep */
	struct verify_references *references; /* with --deep and identities */
	bool holding, hold_failed;
	struct held_finding *held;
	size_t held_count, held_cap;
	int stopped; /* what the finding callback returned, once it is not 0 */
};

/* Counts and reports one finding. Returns v->stopped. */
int verify_say(struct verification *v, enum vst_verdict verdict, const char *subject, const char *hint,
        const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Whether an error means "looked at and bad" rather than "could not look". */
bool verify_is_finding(int rc);
/* Who writes to the case just now, as far as can be told without waiting. */
struct verify_activity {
	bool locked;   /* a commit is under way */
	char head[64]; /* the branch's file */
};
void verify_activity(const char *dir, struct verify_activity *ret);
bool verify_was_busy(const struct verify_activity *before, const struct verify_activity *after);
/* Findings held back while `holding`, to be given out, or to be dropped and looked for anew. */
int verify_hold_add(struct verification *v, const struct vst_verify_finding *finding);
bool verify_hold_is_good(const struct verification *v);
void verify_hold_emit(struct verification *v);
void verify_hold_drop(struct verification *v);
/* private/: an event that waits to be committed, and keys that are ahead of the log. */
int verify_private_read(struct verification *v, struct vst_err *err);
int verify_private_judge(struct verification *v, struct vst_err *err);
int verify_exhibits_directory(struct verification *v, struct vst_err *err);
int verify_series(struct verification *v, struct vst_err *err);
int verify_exhibits(struct verification *v, struct vst_err *err);
/* An exhibit that an event disposed of. */
int verify_disposed(struct verification *v, const struct vst_custody_exhibit *exhibit, struct vst_err *err);
/* The file of one that none disposed of is not there; `speaks_of` is what its event does, "seals". */
int verify_missing(struct verification *v, const struct vst_custody_exhibit *exhibit, const char *speaks_of,
        struct vst_err *err);
void verify_release(struct verification *v);

#endif
