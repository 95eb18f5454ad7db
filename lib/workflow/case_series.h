/*
 * A case as a series: what the next snapshot may compare with and refer to.
 *
 * private/series.index is the index of the newest exhibit (series_index.h), bound by its digest in that
 * exhibit's seal. It is written as series.index.new, durable before the event, and takes its place after it;
 * whichever of the two has the digest that the seal names is the index, so a crash in between costs nothing.
 */
#ifndef WORKFLOW_CASE_SERIES_H
#define WORKFLOW_CASE_SERIES_H

#include "vestige/case.h"
#include "vestige/policy.h"
#include "vestige/series_index.h"

#define PRIVATE_SERIES "series.index"
#define PRIVATE_SERIES_NEW "series.index.new"

enum case_series_state {
	CASE_SERIES_NONE, /* no exhibit before, or one of a program that kept no index */
	CASE_SERIES_GOOD,
	CASE_SERIES_MISSING, /* the seal names one, and it is not there */
	CASE_SERIES_CHANGED, /* it is not the one that the seal names */
};

struct case_series {
	enum case_series_state state;
	struct vst_series_index *index; /* GOOD */
	const struct vst_custody_exhibit
	        *latest; /* the exhibit before; NULL: none. Borrowed from the custody */
};

/* Looks at what is there. Only memory and a file that cannot be read fail; the rest is a state. Under the
 * snapshot lock. */
int case_series_open(struct vst_case *c, struct case_series *ret, struct vst_err *err);
void case_series_close(struct case_series *series);

/*
 * Whether a snapshot may be incremental now; else *ret_why says why it has to be full (a fixed text): the
 * index is not there or not the right one, the generation is old enough, recipients have changed, one of its
 * exhibits is not in place.
 */
bool case_series_may_continue(const struct vst_case *c, const struct case_series *series,
        const struct vst_policy_every *every, int64_t now, const char **ret_why);

/* A file for the next index, in place of what an earlier run left. */
int case_series_create(struct vst_case *c, int *ret_fd, struct vst_err *err);
/* The event is committed: the new index is the index. */
int case_series_adopt(struct vst_case *c, struct vst_err *err);
/* No event came of it. */
void case_series_discard(struct vst_case *c);

#endif
