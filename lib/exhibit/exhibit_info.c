#include "vestige/exhibit_info.h"

#include <stdlib.h>
#include <string.h>

#include "exhibit/info_json.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"

#define PROGRAM "vestige"
#define ZONE_OFFSET_MAX (26 * 3600) /* no zone ever was so far from UTC */

/* ---- what cannot be ---- */

static bool missing(const char *text)
{
	return !text || !text[0];
}

static bool name_missing(const char *name)
{
	return missing(name) || strlen(name) > VST_SOURCE_NAME_MAX;
}

/* Why the record cannot be written, or NULL. */
static const char *fault_of(const struct vst_exhibit_info *info)
{
	if (missing(info->case_id))
		return "the case is missing";
	if (info->exhibit == 0 || info->exhibit > INT64_MAX)
		return "the exhibit's number is none";
	if (missing(info->operator_name))
		return "the operator is missing";
	if (missing(info->root))
		return "the root is missing";
	if (info->has_zone_offset &&
	        (info->zone_offset < -ZONE_OFFSET_MAX || info->zone_offset > ZONE_OFFSET_MAX))
		return "the zone's offset is none";
	if (missing(info->program_version))
		return "the program's version is missing";
	for (size_t i = 0; i < info->mapped_count; i++)
		if (missing(info->mapped[i].path))
			return "a mapped object has no path";
	if (missing(info->policy_name))
		return "the policy's name is missing";
	if (info->source_count == 0)
		return "there are no sources";
	for (size_t i = 0; i < info->source_count; i++)
		if (name_missing(info->sources[i]))
			return "a source's name is missing or too long";
	return vst_info_clocks_fault(&info->clocks);
}

/* ---- writing ---- */

static void put_host(struct vst_json *json, const struct vst_exhibit_info *info)
{
	vst_json_key(json, "host");
	vst_json_object(json);
	vst_info_put_text(json, "name", info->host_name);
	vst_info_put_text(json, "kernel", info->kernel);
	vst_info_put_text(json, "machine", info->machine);
	vst_info_put_text(json, "os", info->os);
	vst_info_put_text(json, "machine_id", info->machine_id);
	vst_json_end(json);
	vst_json_key(json, "zone");
	vst_json_object(json);
	vst_info_put_text(json, "name", info->zone_name);
	vst_json_key(json, "offset");
	if (info->has_zone_offset)
		vst_json_int(json, info->zone_offset);
	else
		vst_json_null(json);
	vst_json_end(json);
}

static void put_program(struct vst_json *json, const struct vst_exhibit_info *info)
{
	vst_json_key(json, "program");
	vst_json_object(json);
	vst_info_put_text(json, "name", PROGRAM);
	vst_info_put_text(json, "version", info->program_version);
	vst_info_put_digest(json, "sha256", info->has_program_sha256, info->program_sha256);
	vst_json_end(json);
	vst_json_key(json, "mapped");
	vst_json_array(json);
	for (size_t i = 0; i < info->mapped_count; i++) {
		vst_json_object(json);
		vst_info_put_text(json, "path", info->mapped[i].path);
		vst_info_put_digest(json, "sha256", info->mapped[i].has_sha256, info->mapped[i].sha256);
		vst_json_end(json);
	}
	vst_json_end(json);
}

static void put_policy(struct vst_json *json, const struct vst_exhibit_info *info)
{
	vst_json_key(json, "policy");
	vst_json_object(json);
	vst_info_put_text(json, "name", info->policy_name);
	vst_info_put_digest(json, "sha256", true, info->policy_sha256);
	vst_json_end(json);
	vst_json_key(json, "sources");
	vst_json_array(json);
	for (size_t i = 0; i < info->source_count; i++)
		vst_json_string(json, info->sources[i]);
	vst_json_end(json);
}

int vst_exhibit_info_encode(const struct vst_exhibit_info *info, struct vst_buf *out, struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT;
	const char *fault = fault_of(info);
	if (fault)
		return vst_err_set(err, VST_EUSAGE, VST_ENTRY_EXHIBIT ": %s", fault);

	struct vst_json json = vst_json_begin(&bytes);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_info_put_text(&json, "case", info->case_id);
	vst_json_key(&json, "exhibit");
	vst_json_uint(&json, info->exhibit);
	vst_info_put_text(&json, "operator", info->operator_name);
	vst_info_put_text(&json, "reason", info->reason);
	vst_info_put_text(&json, "root", info->root);
	put_host(&json, info);
	vst_info_put_clocks(&json, &info->clocks);
	put_program(&json, info);
	vst_info_put_digest(&json, "predecessor", info->has_predecessor, info->predecessor);
	put_policy(&json, info);
	vst_json_end(&json);
	vst_buf_byte(&bytes, '\n');
	return vst_info_finish(&bytes, VST_ENTRY_EXHIBIT, out, err);
}

/* ---- reading ---- */

static void take_host(struct vst_json_take *take, struct vst_exhibit_info *info)
{
	struct vst_json_take host = vst_info_take_object(take, "host");
	info->host_name = vst_info_take_text(&host, "name", true);
	info->kernel = vst_info_take_text(&host, "kernel", true);
	info->machine = vst_info_take_text(&host, "machine", true);
	info->os = vst_info_take_text(&host, "os", true);
	info->machine_id = vst_info_take_text(&host, "machine_id", true);
	vst_json_take_end(&host);

	struct vst_json_take zone = vst_info_take_object(take, "zone");
	info->zone_name = vst_info_take_text(&zone, "name", true);
	json_t *offset = vst_json_take_any(&zone, "offset");
	if (offset && !json_is_null(offset)) {
		json_int_t seconds = json_integer_value(offset);
		if (!json_is_integer(offset) || seconds < -ZONE_OFFSET_MAX || seconds > ZONE_OFFSET_MAX)
			vst_json_take_fail(&zone, "key \"offset\" should be seconds from UTC or null");
		info->has_zone_offset = true;
		info->zone_offset = (int32_t)seconds;
	}
	vst_json_take_end(&zone);
}

static void take_mapped(struct vst_json_take *take, struct vst_exhibit_info *info)
{
	json_t *list = vst_json_take_value(take, "mapped", JSON_ARRAY);
	size_t count = list ? json_array_size(list) : 0;
	if (count == 0)
		return;
	info->mapped = vst_calloc(count, sizeof *info->mapped);
	if (!info->mapped) {
		vst_err_nomem(take->err);
		return;
	}
	info->mapped_count = count;
	for (size_t i = 0; i < count; i++) {
		struct vst_json_take object = vst_json_take_of(json_array_get(list, i), take->err);
		struct vst_mapped_object *to = &info->mapped[i];
		to->path = vst_info_take_text(&object, "path", false);
		to->has_sha256 = vst_info_take_digest(&object, "sha256", true, to->sha256);
		if (vst_json_take_end(&object) != 0)
			return;
	}
}

static void take_program(struct vst_json_take *take, struct vst_exhibit_info *info)
{
	struct vst_json_take program = vst_info_take_object(take, "program");
	if (strcmp(vst_json_take_string(&program, "name"), PROGRAM) != 0)
		vst_json_take_fail(&program, "key \"name\" of the program should be \"" PROGRAM "\"");
	info->program_version = vst_info_take_text(&program, "version", false);
	info->has_program_sha256 = vst_info_take_digest(&program, "sha256", true, info->program_sha256);
	vst_json_take_end(&program);
}

static void take_sources(struct vst_json_take *take, struct vst_exhibit_info *info)
{
	json_t *list = vst_json_take_value(take, "sources", JSON_ARRAY);
	size_t count = list ? json_array_size(list) : 0;
	if (count == 0)
		return;
	info->sources = vst_calloc(count, sizeof *info->sources);
	if (!info->sources) {
		vst_err_nomem(take->err);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		if (!name) {
			vst_json_take_fail(take, "key \"sources\" should be a list of names");
			return;
		}
		info->sources[i] = vst_strdup(name);
		if (!info->sources[i]) {
			vst_err_nomem(take->err);
			return;
		}
		info->source_count++;
	}
}

static int take_info(struct vst_json_take *take, struct vst_exhibit_info *info)
{
	info->case_id = vst_info_take_text(take, "case", false);
	info->exhibit = vst_json_take_uint(take, "exhibit");
	info->operator_name = vst_info_take_text(take, "operator", false);
	info->reason = vst_info_take_text(take, "reason", true);
	info->root = vst_info_take_text(take, "root", false);
	take_host(take, info);
	vst_info_take_clocks(take, &info->clocks);
	take_program(take, info);
	take_mapped(take, info);
	info->has_predecessor = vst_info_take_digest(take, "predecessor", true, info->predecessor);
	struct vst_json_take policy = vst_info_take_object(take, "policy");
	info->policy_name = vst_info_take_text(&policy, "name", false);
	vst_info_take_digest(&policy, "sha256", false, info->policy_sha256);
	vst_json_take_end(&policy);
	take_sources(take, info);
	return vst_json_take_end(take);
}

static int check_info(const struct vst_exhibit_info *info, const void *bytes, size_t len, struct vst_err *err)
{
	struct vst_buf again = VST_BUF_INIT;
	const char *fault = fault_of(info);
	if (fault)
		return vst_err_set(err, VST_EFORMAT, "%s", fault);
	int rc = vst_exhibit_info_encode(info, &again, err);
	if (rc == 0)
		return vst_info_compare(&again, bytes, len, err);
	vst_buf_free(&again);
	return rc;
}

int vst_exhibit_info_parse(const void *bytes, size_t len, struct vst_exhibit_info **ret, struct vst_err *err)
{
	struct vst_err scratch = VST_ERR_INIT;
	struct vst_exhibit_info *info = vst_calloc(1, sizeof *info);
	struct vst_json_take take;
	json_t *object = NULL;
	if (!err)
		err = &scratch;
	if (!info)
		return vst_err_nomem(err);
	int rc = vst_info_open(bytes, len, &object, &take, err);
	if (rc == 0)
		rc = take_info(&take, info);
	if (rc == 0)
		rc = check_info(info, bytes, len, err);
	json_decref(object);
	if (rc != 0) {
		vst_exhibit_info_free(info);
		return vst_err_prepend(err, VST_ENTRY_EXHIBIT);
	}
	*ret = info;
	return 0;
}

void vst_exhibit_info_free(struct vst_exhibit_info *info)
{
	if (!info)
		return;
	char *const texts[] = {info->case_id, info->operator_name, info->reason, info->root, info->host_name,
	        info->kernel, info->machine, info->os, info->machine_id, info->zone_name,
	        info->program_version, info->policy_name};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	for (size_t i = 0; i < info->mapped_count; i++)
		free(info->mapped[i].path);
	for (size_t i = 0; i < info->source_count; i++)
		free(info->sources[i]);
	free(info->mapped);
	free(info->sources);
	free(info);
}
