#include "collect/live.h"

#include "vestige/err.h"
#include "vestige/timefmt.h"

#define FINDINGS_MAX 10000 /* lines of /findings.jsonl; what is more is counted */

struct part {
	enum vst_live_kind kind;
	const char *path; /* the item that stands for it where there is nothing to collect */
	vst_live_part *run;
};

/* In the order of volatility (RFC 3227): what ends first is taken first. */
static const struct part parts[] = {
        {VST_LIVE_PROCESSES, "/processes.jsonl", vst_live_processes},
        {VST_LIVE_DELETED_FILES, "/deleted_files.jsonl", vst_live_deleted_files},
        {VST_LIVE_SELF, "/self.jsonl", vst_live_self},
};

struct vst_json vst_live_begin(struct vst_live *live)
{
	vst_buf_clear(&live->line);
	struct vst_json json = vst_json_begin(&live->line);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, VST_LIVE_FORMAT);
	return json;
}

int vst_live_end(struct vst_live *live, struct vst_json *json, struct vst_err *err)
{
	vst_json_end(json);
	vst_buf_byte(&live->line, '\n');
	int rc = vst_buf_check(&live->line, err);
	return rc != 0 ? rc : vst_stream_write(&live->out, live->line.data, live->line.len, err);
}

/* ---- findings ---- */

int vst_live_finding(struct vst_live *live, const char *finding, const char *severity, const char *text,
        const char *innocent, const struct vst_buf *details, struct vst_err *err)
{
	if (live->finding_count++ >= FINDINGS_MAX)
		return 0;
	if (live->sink->finding)
		live->sink->finding(live->sink->ctx, text);
	struct vst_json json = vst_json_begin(&live->finding_lines);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, VST_LIVE_FORMAT);
	vst_json_key(&json, "time");
	vst_json_time(&json, vst_time_now());
	vst_json_key(&json, "finding");
	vst_json_string(&json, finding);
	vst_json_key(&json, "severity");
	vst_json_string(&json, severity);
	vst_json_key(&json, "text");
	vst_json_string(&json, text);
	vst_json_key(&json, "innocent");
	vst_json_string(&json, innocent);
	if (details) {
		vst_json_key(&json, "details");
		vst_json_raw(&json, details->data, details->len);
	}
	vst_json_end(&json);
	vst_buf_byte(&live->finding_lines, '\n');
	return vst_buf_check(&live->finding_lines, err);
}

static int write_findings(struct vst_live *live, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_json_key(&json, "findings");
	vst_json_uint(&json, live->finding_count);
	if (live->finding_count > FINDINGS_MAX) {
		vst_json_key(&json, "cut");
		vst_json_uint(&json, live->finding_count - FINDINGS_MAX);
	}
	vst_json_end(&json);
	int rc = vst_stream_open(&live->out, "/findings.jsonl", err);
	if (rc == 0)
		rc = vst_stream_write(&live->out, live->finding_lines.data, live->finding_lines.len, err);
	if (rc == 0)
		rc = vst_stream_close(&live->out, &details, err);
	vst_buf_free(&details);
	return rc;
}

/* ---- the run ---- */

/* An image has no live state: each kind that was asked for is an item that says so. */
static int note_not_running(struct vst_live *live, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof parts / sizeof *parts; i++) {
		const struct vst_note note = {.path = parts[i].path,
		        .type = VST_ITEM_STREAM,
		        .status = VST_ITEM_EXCLUDED,
		        .rule = VST_RULE_NOT_RUNNING};
		if (live->source->live & parts[i].kind)
			rc = vst_stream_note(&live->out, &note, err);
	}
	return rc;
}

static int run_parts(struct vst_live *live, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof parts / sizeof *parts; i++)
		if (live->source->live & parts[i].kind)
			rc = parts[i].run(live, err);
	return rc != 0 ? rc : write_findings(live, err);
}

int vst_collect_live(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err)
{
	struct vst_live live = {
	        .context = context,
	        .source = source,
	        .sink = sink,
	        .out = vst_stream_of(context, source->name, sink),
	        .findings = vst_stream_of(context, source->name, sink),
	};
	int rc = context->live ? run_parts(&live, err) : note_not_running(&live, err);
	vst_stream_free(&live.out);
	vst_stream_free(&live.findings);
	vst_buf_free(&live.line);
	vst_buf_free(&live.finding_lines);
	return rc;
}
