#include <stdlib.h>
#include <string.h>

#include "exhibit/info_json.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/exhibit_info.h"
#include "vestige/mem.h"

/* Why these cannot be written, or NULL. */
static const char *fault_of(
        const struct vst_clocks *clocks, const struct vst_exhibit_source_counts *sources, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!sources[i].name[0] || !memchr(sources[i].name, '\0', sizeof sources[i].name))
			return "a source's name is missing or too long";
		for (size_t status = 0; status < VST_ITEM_STATUSES; status++)
			if (sources[i].items[status] > INT64_MAX)
				return "a count is too large";
		if (sources[i].bytes > INT64_MAX)
			return "a sum of bytes is too large";
	}
	return vst_info_clocks_fault(clocks);
}

static void put_source(struct vst_json *json, const struct vst_exhibit_source_counts *source)
{
	vst_json_object(json);
	vst_json_key(json, "name");
	vst_json_string(json, source->name);
	vst_json_key(json, "counts");
	vst_json_object(json);
	for (int status = 0; status < VST_ITEM_STATUSES; status++) {
		if (source->items[status] == 0)
			continue;
		vst_json_key(json, vst_item_status_name((enum vst_item_status)status));
		vst_json_uint(json, source->items[status]);
	}
	vst_json_end(json);
	vst_json_key(json, "bytes");
	vst_json_uint(json, source->bytes);
	vst_json_end(json);
}

int vst_exhibit_closing_encode(const struct vst_clocks *clocks,
        const struct vst_exhibit_source_counts *sources, size_t source_count, struct vst_buf *out,
        struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT;
	const char *fault = fault_of(clocks, sources, source_count);
	if (fault)
		return vst_err_set(err, VST_EUSAGE, VST_ENTRY_CLOSING ": %s", fault);
	struct vst_json json = vst_json_begin(&bytes);
	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_info_put_clocks(&json, clocks);
	vst_json_key(&json, "sources");
	vst_json_array(&json);
	for (size_t i = 0; i < source_count; i++)
		put_source(&json, &sources[i]);
	vst_json_end(&json);
	vst_json_end(&json);
	vst_buf_byte(&bytes, '\n');
	return vst_info_finish(&bytes, VST_ENTRY_CLOSING, out, err);
}

/* ---- reading ---- */

static void take_source(json_t *value, struct vst_exhibit_source_counts *ret, struct vst_err *err)
{
	struct vst_json_take source = vst_json_take_of(value, err);
	const char *name = vst_json_take_string(&source, "name");
	if (strlen(name) >= sizeof ret->name)
		vst_json_take_fail(&source, "key \"name\" is too long");
	else
		memcpy(ret->name, name, strlen(name) + 1);
	struct vst_json_take counts = vst_info_take_object(&source, "counts");
	for (int status = 0; status < VST_ITEM_STATUSES; status++) {
		const char *key = vst_item_status_name((enum vst_item_status)status);
		if (vst_json_take_is(&counts, key))
			ret->items[status] = vst_json_take_uint(&counts, key);
	}
	vst_json_take_end(&counts);
	ret->bytes = vst_json_take_uint(&source, "bytes");
	vst_json_take_end(&source);
}

static int take_closing(struct vst_json_take *take, struct vst_exhibit_closing *closing)
{
	vst_info_take_clocks(take, &closing->clocks);
	json_t *list = vst_json_take_value(take, "sources", JSON_ARRAY);
	size_t count = list ? json_array_size(list) : 0;
	int rc = vst_json_take_end(take);
	if (rc != 0 || count == 0)
		return rc;
	closing->sources = vst_calloc(count, sizeof *closing->sources);
	if (!closing->sources)
		return vst_err_nomem(take->err);
	closing->source_count = count;
	for (size_t i = 0; i < count && take->err->code == 0; i++)
		take_source(json_array_get(list, i), &closing->sources[i], take->err);
	return take->err->code;
}

static int check_closing(
        const struct vst_exhibit_closing *closing, const void *bytes, size_t len, struct vst_err *err)
{
	struct vst_buf again = VST_BUF_INIT;
	const char *fault = fault_of(&closing->clocks, closing->sources, closing->source_count);
	if (fault)
		return vst_err_set(err, VST_EFORMAT, "%s", fault);
	int rc = vst_exhibit_closing_encode(
	        &closing->clocks, closing->sources, closing->source_count, &again, err);
	if (rc == 0)
		return vst_info_compare(&again, bytes, len, err);
	vst_buf_free(&again);
	return rc;
}

int vst_exhibit_closing_parse(
        const void *bytes, size_t len, struct vst_exhibit_closing **ret, struct vst_err *err)
{
	struct vst_err scratch = VST_ERR_INIT;
	struct vst_exhibit_closing *closing = vst_calloc(1, sizeof *closing);
	struct vst_json_take take;
	json_t *object = NULL;
	if (!err)
		err = &scratch;
	if (!closing)
		return vst_err_nomem(err);
	int rc = vst_info_open(bytes, len, &object, &take, err);
	if (rc == 0)
		rc = take_closing(&take, closing);
	if (rc == 0)
		rc = check_closing(closing, bytes, len, err);
	json_decref(object);
	if (rc != 0) {
		vst_exhibit_closing_free(closing);
		return vst_err_prepend(err, VST_ENTRY_CLOSING);
	}
	*ret = closing;
	return 0;
}

void vst_exhibit_closing_free(struct vst_exhibit_closing *closing)
{
	if (!closing)
		return;
	free(closing->sources);
	free(closing);
}
