#include "workflow/acquire_series.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/compare.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/json.h"
#include "vestige/timefmt.h"
#include "workflow/case_internal.h"

#define FINDINGS_MAX                                                                                         \
	((size_t)8 * 1024 * 1024) /* bytes of the record; what is more is counted in its last line */
#define TICK                                                                                                 \
	(2 * VST_NS_PER_S) /* a ctime this close to the reading may hide a change: clocks of file systems    \
	                      are coarse */

/* Under another policy more may have been asked of a file than its earlier line has: a digest, a package. */
static bool is_same_policy(const struct acquire_series *s)
{
	uint8_t digest[VST_HASH_LEN];
	const struct vst_seal *seal = s->before.latest ? s->before.latest->seal : NULL;
	vst_sha256(s->options->policy_text, s->options->policy_len, digest);
	return seal && memcmp(digest, seal->policy_sha256, VST_HASH_LEN) == 0;
}

int acquire_series_open(struct acquire_series *s, struct vst_case *c,
        const struct vst_acquire_options *options, struct vst_collect_context *context, struct vst_err *err)
{
	s->c = c;
	s->options = options;
	const struct vst_policy_every *every = &options->full_every;
	if (every->count == 0 && every->seconds == 0)
		every = &options->policy->full_every;
	int rc = case_series_open(c, &s->before, err);
	if (rc != 0)
		return rc;
	if (s->before.latest) {
		s->before_number = s->before.latest->number;
		s->before_started = s->before.latest->seal ? s->before.latest->seal->started : VST_TIME_NONE;
	}
	if (options->incremental)
		s->incremental =
		        case_series_may_continue(c, &s->before, every, vst_time_now(), &s->full_because);
	if (s->incremental && options->trust_ctime && is_same_policy(s)) {
		context->trusted = s->before.index;
		context->trusted_before = s->before_started - TICK;
	}
	context->weighs = s->incremental;
	s->before.latest = NULL; /* goes when the log is read anew */
	return 0;
}

int acquire_series_begin(struct acquire_series *s, uint64_t number, struct vst_exhibit_writer *writer,
        int scratch_fd, struct vst_err *err)
{
	uint64_t full = s->incremental ? vst_series_full(s->before.index) : number;
	int rc = case_series_create(s->c, &s->fd, err);
	s->seal.full = full;
	if (rc == 0)
		rc = vst_series_writer_new(s->fd, scratch_fd, number, full,
		        s->incremental ? s->before.index : NULL, &s->index, err);
	if (rc != 0)
		return rc;
	const struct series_sink_options options = {
	        .writer = writer,
	        .earlier = s->before.index,
	        .incremental = s->incremental,
	        .index = s->index,
	        .scratch_fd = scratch_fd,
	        .hashes = s->options->policy->hashes | VST_HASH_SHA256,
	};
	return series_sink_new(&options, &s->sink, err);
}

/* ---- findings ---- */

static int take_finding(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct acquire_series *s = ctx;
	if (s->options->compared)
		s->options->compared(s->options->ctx, finding);
	if (s->findings.len > FINDINGS_MAX) /* counted all the same */
		return 0;
	struct vst_json json = vst_json_begin(&s->findings);
	vst_finding_write(finding, &json);
	vst_buf_byte(&s->findings, '\n');
	return vst_buf_check(&s->findings, err);
}

/* The index that this series should have had was taken away or altered: nobody but an intruder gains by it. */
static int find_lost_index(struct acquire_series *s, struct vst_err *err)
{
	bool changed = s->before.state == CASE_SERIES_CHANGED;
	const struct vst_finding finding = {
	        .rule = changed ? "series_index_changed" : "series_index_missing",
	        .severity = changed ? VST_SEVERITY_HIGH : VST_SEVERITY_MEDIUM,
	        .before = {.exhibit = s->before_number},
	        .expected = "private/" PRIVATE_SERIES " as the seal of the exhibit before names it",
	        .found = changed ? "a file with another digest" : "no such file",
	        .innocent =
	                changed ? "private/ was put back from a copy" : "the case was copied here without it",
	};
	if (s->before.state != CASE_SERIES_CHANGED && s->before.state != CASE_SERIES_MISSING)
		return 0;
	s->seal.findings[finding.severity]++;
	return take_finding(s, &finding, err);
}

static int write_findings(
        struct acquire_series *s, uint64_t left_out, struct vst_exhibit_writer *writer, struct vst_err *err)
{
	if (!s->seal.compared && s->findings.len == 0) /* a first exhibit of which there is nothing to say */
		return 0;
	if (left_out > 0 || s->findings.len > FINDINGS_MAX) {
		const struct vst_finding more = {
		        .rule = "findings_left_out",
		        .severity = VST_SEVERITY_INFO,
		        .found = "more findings than are kept here: the seal counts them all, vestige diff "
		                 "shows them",
		};
		struct vst_json json = vst_json_begin(&s->findings);
		vst_finding_write(&more, &json);
		vst_buf_byte(&s->findings, '\n');
	}
	int rc = vst_buf_check(&s->findings, err);
	return rc == 0 ? vst_exhibit_writer_record(writer, VST_ENTRY_FINDINGS,
	                         s->findings.data ? (const void *)s->findings.data : "", s->findings.len, err)
	               : rc;
}

/* ---- comparing ---- */

int acquire_series_compare(struct acquire_series *s, struct vst_exhibit_writer *writer, int64_t started,
        int64_t boot_time, const char *boot_id, struct vst_err *err)
{
	struct vst_compare_side before = {
	        .index = s->before.index, .time = s->before_started, .boot_time = VST_TIME_NONE};
	struct vst_compare_side after = {.time = started, .boot_time = boot_time};
	struct vst_compare_result result = {0};
	snprintf(after.boot_id, sizeof after.boot_id, "%s", boot_id ? boot_id : "");
	s->seal.described = series_sink_described(s->sink);
	int rc = vst_series_writer_finish(s->index, s->seal.index_sha256, err);
	if (rc == 0)
		rc = vst_series_index_open(s->fd, NULL, &after.index, err);
	if (rc == 0)
		rc = find_lost_index(s, err);
	if (rc != 0)
		goto out;
	const struct vst_compare_options options = {
	        .before = s->before.index ? &before : NULL,
	        .after = &after,
	        .findings = {take_finding, s},
	        .other_key = s->other_key,
	};
	if ((rc = vst_compare(&options, &result, err)) != 0)
		goto out;
	s->seal.compared = s->before.index != NULL;
	if (s->seal.compared) {
		s->seal.added = result.total.kinds[VST_CHANGE_ADDED];
		s->seal.removed = result.total.kinds[VST_CHANGE_REMOVED];
		s->seal.changed =
		        result.total.kinds[VST_CHANGE_CHANGED] + result.total.kinds[VST_CHANGE_MOVED];
	}
	for (int i = 0; i < VST_SEVERITIES; i++)
		s->seal.findings[i] += result.findings[i];
	rc = write_findings(s, result.findings_left_out, writer, err);
out:
	vst_series_index_free(after.index);
	return rc == 0 ? 0 : vst_err_prepend(err, "comparison with the exhibit before");
}

void acquire_series_adopt(struct acquire_series *s)
{
	(void)case_series_adopt(s->c, NULL);
}

void acquire_series_close(struct acquire_series *s)
{
	series_sink_free(s->sink);
	vst_series_writer_free(s->index);
	case_series_close(&s->before);
	vst_buf_free(&s->findings);
	if (s->fd < 0)
		return;
	close(s->fd);
	if (!s->may_be_recorded)
		case_series_discard(s->c);
}
