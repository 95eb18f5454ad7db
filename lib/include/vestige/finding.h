/*
 * A finding: something that looks as if somebody covered tracks or took hold, with what an honest host would
 * have had instead.
 *
 * Findings come out of rules (lib/compare/), between two exhibits or inside one. They say what was seen and
 * never what it proves: each has the innocent explanation where there is one, and leads to the items in both
 * exhibits that it stands on.
 *
 * As JSON, one object, keys in this order, those that do not apply are left out:
 *   format    1
 *   rule      a fixed word: "log_rewritten"
 *   severity  high, medium, low, info
 *   source    the policy's source
 *   path      of the item (and path_base64 if it is not UTF-8)
 *   before    {exhibit, seq}: the item in the earlier exhibit
 *   after     {exhibit, seq}: in the later one
 *   expected found innocent     one sentence each, for people
 *   details   an object with what only this rule knows
 */
#ifndef VESTIGE_FINDING_H
#define VESTIGE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_json;
struct vst_err;

enum vst_severity {
	VST_SEVERITY_INFO,   /* worth knowing */
	VST_SEVERITY_LOW,    /* usual on a host that is worked on */
	VST_SEVERITY_MEDIUM, /* somebody should be able to say why */
	VST_SEVERITY_HIGH,   /* an honest host does not do this by itself */
};
#define VST_SEVERITIES (VST_SEVERITY_HIGH + 1)
const char *vst_severity_name(enum vst_severity severity);
bool vst_severity_parse(const char *name, enum vst_severity *ret);

/* An item of an exhibit. */
struct vst_place {
	uint64_t exhibit; /* 0: there is none */
	uint64_t seq;
};

/* All pointers are borrowed, texts may hold any bytes of the host. */
struct vst_finding {
	const char *rule;
	enum vst_severity severity;
	const char *source, *path; /* NULL: of no single item */
	struct vst_place before, after;
	const char *expected, *found;
	const char *innocent; /* NULL: there is none */
	const char *details;  /* a JSON object as json.h writes it; NULL: none */
	size_t details_len;
};

/* Whoever takes findings. Non-zero stops and is returned. */
struct vst_finding_sink {
	int (*take)(void *ctx, const struct vst_finding *finding, struct vst_err *err);
	void *ctx;
};

/* How many of each severity, as an object: {high, medium, low, info}. */
void vst_findings_count_write(const uint64_t counts[VST_SEVERITIES], struct vst_json *json);

/* Writes the object, at the place where the writer is. */
void vst_finding_write(const struct vst_finding *finding, struct vst_json *json);

#endif
