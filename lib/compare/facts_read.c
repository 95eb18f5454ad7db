#include "compare/facts_read.h"

#include "vestige/err.h"
#include "vestige/json.h"

int vst_facts_read(const void *facts, size_t len, json_t **ret, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	*ret = NULL;
	if (!facts || len == 0)
		return 0;
	int rc = vst_json_parse(facts, len, ret, &why);
	if (rc == 0)
		return 0;
	*ret = NULL;
	if (rc != VST_ENOMEM)
		return 0;
	if (err)
		*err = why;
	return rc;
}

int vst_facts_read_item(
        const struct vst_observed *observed, uint64_t format, json_t **ret, struct vst_err *err)
{
	json_t *facts = NULL;
	int rc = vst_json_parse(observed->facts, observed->len, &facts, err);
	if (rc != 0)
		return vst_err_prepend(err, "facts of %s", observed->item->path);
	if (vst_facts_int(facts, "format", 0) != (int64_t)format) {
		json_decref(facts);
		facts = NULL;
	}
	*ret = facts;
	return 0;
}

int64_t vst_facts_int(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

uint64_t vst_facts_uint(const json_t *object, const char *key)
{
	int64_t value = vst_facts_int(object, key, 0);
	return value > 0 ? (uint64_t)value : 0;
}

bool vst_facts_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

const char *vst_facts_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

const json_t *vst_facts_array(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_array(value) ? value : NULL;
}

int64_t vst_facts_at(const json_t *array, size_t index, int64_t otherwise)
{
	const json_t *value = json_array_get(array, index);
	return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

const char *vst_facts_text_at(const json_t *array, size_t index)
{
	const char *text = json_string_value(json_array_get(array, index));
	return text ? text : "";
}

const uint8_t *vst_facts_sha256(const struct vst_item *item)
{
	if (item->is_sparse) /* its digest changes with its holes, that of what is read from it does not */
		return item->has_whole_sha256 ? item->whole_sha256 : NULL;
	if (item->has_whole)
		return item->whole.sha256;
	return item->has_content ? item->sha256 : NULL;
}
