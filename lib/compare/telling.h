/*
 * One finding about an item, put together from a fixed frame and a sentence with the host's names in it.
 *
 *     struct vst_telling telling = {findings, "account_added", VST_SEVERITY_MEDIUM, before, after, "…", "…"};
 *     struct vst_json json = vst_telling_details(&telling);   // optional: then write one object
 *     rc = vst_telling_end(&telling, err, "account %s was added", name);
 */
#ifndef COMPARE_TELLING_H
#define COMPARE_TELLING_H

#include "vestige/buf.h"
#include "vestige/finding.h"
#include "vestige/json.h"

struct vst_err;
struct vst_observed;

struct vst_telling {
	const struct vst_finding_sink *sink;
	const char *rule;
	enum vst_severity severity;
	/* NULL: not in that exhibit. Source and path are those of `after` if there is one. */
	const struct vst_observed *before, *after;
	const char *expected, *innocent;
	struct vst_buf details; /* starts empty */
};

/* Where details are written; ended by the caller, and borrowed until vst_telling_end(). */
struct vst_json vst_telling_details(struct vst_telling *telling);
/* Gives it to the sink and frees the details, also on failure. Texts out of facts are shown already
 * (fact_text.h). */
int vst_telling_end(struct vst_telling *telling, struct vst_err *err, const char *found, ...)
        __attribute__((format(printf, 3, 4)));

#endif
