#include "compare/fact_text.h"

#include <string.h>

#include "compare/observer.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/text.h"

void vst_fact_text(struct vst_json *json, const void *text, size_t len)
{
	struct vst_buf shown = VST_BUF_INIT;
	/* Each byte shows as at least one: more than these would be cut in any case. */
	vst_text_show(&shown, text, len <= VST_FACT_TEXT_MAX ? len : VST_FACT_TEXT_MAX);
	if (len > VST_FACT_TEXT_MAX || shown.len > VST_FACT_TEXT_MAX) {
		uint8_t digest[VST_HASH_LEN];
		if (shown.len > VST_FACT_TEXT_MAX)
			shown.len = VST_FACT_TEXT_MAX;
		vst_sha256(text, len, digest);
		vst_buf_byte(&shown, '~');
		vst_hex_append(&shown, digest, VST_FACT_DIGEST_LEN);
	}
	/* A failed text fails the facts. */
	if (shown.failed)
		json->out->failed = true;
	vst_json_text(json, shown.len ? shown.data : (const uint8_t *)"", shown.len);
	vst_buf_free(&shown);
}

void vst_fact_digest(struct vst_json *json, const void *data, size_t len)
{
	uint8_t digest[VST_HASH_LEN];
	vst_sha256(data, len, digest);
	vst_json_hex(json, digest, VST_FACT_DIGEST_LEN);
}

int vst_fact_read(const struct vst_observed *observed, uint64_t format, json_t **ret, struct vst_err *err)
{
	json_t *facts = NULL;
	int rc = vst_json_parse(observed->facts, observed->len, &facts, err);
	if (rc != 0)
		return vst_err_prepend(err, "facts of %s", observed->item->path);
	if (vst_fact_int(facts, "format") != (int64_t)format) {
		json_decref(facts);
		facts = NULL;
	}
	*ret = facts;
	return 0;
}

int64_t vst_fact_int(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

int64_t vst_fact_int_at(const json_t *array, size_t at)
{
	return json_integer_value(json_array_get(array, at));
}

const char *vst_fact_text_at(const json_t *array, size_t at)
{
	const char *text = json_string_value(json_array_get(array, at));
	return text ? text : "";
}
