/*
 * The collector of kind `live` (vestige/policy.h: enum vst_live_kind), and what its parts share. Each kind of live state is one
 * file live_<kind>.c with one function that writes its items; what they hold is told by vestige-live(5).
 *
 * A part fails only as collectors do (vestige/collector.h). What could not be had is an item with a status, or is named in the line.
 */
#ifndef COLLECT_LIVE_H
#define COLLECT_LIVE_H

#include "collect/stream.h"
#include "vestige/buf.h"
#include "vestige/collector.h"
#include "vestige/json.h"

#define VST_LIVE_FORMAT 1 /* of every line */
#define VST_RULE_NOT_RUNNING "not a running host"

struct vst_live {               /* one live source at work, shared by the files live_*.c */
	struct vst_collect_context *context;
	const struct vst_policy_source *source;
	const struct vst_sink *sink;
	struct vst_stream out;      /* the item that is being written */
	struct vst_buf line;        /* the JSON line at hand */
	struct vst_stream findings; /* not open: findings are gathered in `finding_lines` and become /findings.jsonl at the end */
	struct vst_buf finding_lines;
	uint64_t finding_count;
};

/* A line of the open item: {"format":1,…}: begin gives the writer, with `format` written; end appends LF and writes it. */
struct vst_json vst_live_begin(struct vst_live *live);
int vst_live_end(struct vst_live *live, struct vst_json *json, struct vst_err *err);

/*
 * Something wrong with the host: to the screen (sink->finding) and into /findings.jsonl. `finding` is a fixed word like
 * "hidden_process", `severity` high, medium or low, `text` one sentence for people (any bytes), `innocent` the explanation that an
 * honest host would have; `details` a JSON object by json.h, or NULL.
 */
int vst_live_finding(struct vst_live *live, const char *finding, const char *severity, const char *text,
	const char *innocent, const struct vst_buf *details, struct vst_err *err);

typedef int vst_live_part(struct vst_live *live, struct vst_err *err);
vst_live_part vst_live_processes, vst_live_deleted_files, vst_live_self, vst_live_sockets, vst_live_network, vst_live_packet_filter,
	vst_live_bpf, vst_live_modules, vst_live_mounts, vst_live_sessions, vst_live_kernel;

int vst_collect_live(struct vst_collect_context *context, const struct vst_policy_source *source, const struct vst_sink *sink,
	struct vst_err *err);

#endif
