#include "vestige/finding.h"

#include <string.h>

#include "vestige/json.h"
#include "vestige/text.h"

static const char *const names[VST_SEVERITIES] = {"info", "low", "medium", "high"};

const char *vst_severity_name(enum vst_severity severity)
{
	return (unsigned)severity < VST_SEVERITIES ? names[severity] : NULL;
}

bool vst_severity_parse(const char *name, enum vst_severity *ret)
{
	for (int i = 0; i < VST_SEVERITIES; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum vst_severity)i;
			return true;
		}
	}
	return false;
}

void vst_findings_count_write(const uint64_t counts[VST_SEVERITIES], struct vst_json *json)
{
	vst_json_object(json);
	for (int i = VST_SEVERITIES - 1; i >= 0; i--) {
		vst_json_key(json, names[i]);
		vst_json_uint(json, counts[i]);
	}
	vst_json_end(json);
}

static void write_place(struct vst_json *json, const char *key, const struct vst_place *place)
{
	if (place->exhibit == 0)
		return;
	vst_json_key(json, key);
	vst_json_object(json);
	vst_json_key(json, "exhibit");
	vst_json_uint(json, place->exhibit);
	vst_json_key(json, "seq");
	vst_json_uint(json, place->seq);
	vst_json_end(json);
}

static void write_text(struct vst_json *json, const char *key, const char *text)
{
	if (!text)
		return;
	vst_json_key(json, key);
	vst_json_text(json, text, strlen(text));
}

static void write_path(struct vst_json *json, const char *path)
{
	write_text(json, "path", path);
	if (!path || vst_utf8_valid(path, strlen(path)))
		return;
	vst_json_key(json, "path_base64");
	vst_json_base64(json, path, strlen(path));
}

void vst_finding_write(const struct vst_finding *finding, struct vst_json *json)
{
	vst_json_object(json);
	vst_json_key(json, "format");
	vst_json_uint(json, 1);
	write_text(json, "rule", finding->rule);
	write_text(json, "severity", vst_severity_name(finding->severity));
	write_text(json, "source", finding->source);
	write_path(json, finding->path);
	write_place(json, "before", &finding->before);
	write_place(json, "after", &finding->after);
	write_text(json, "expected", finding->expected);
	write_text(json, "found", finding->found);
	write_text(json, "innocent", finding->innocent);
	if (finding->details) {
		vst_json_key(json, "details");
		vst_json_raw(json, finding->details, finding->details_len);
	}
	vst_json_end(json);
}
