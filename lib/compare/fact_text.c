#include "compare/fact_text.h"

#include <string.h>

#include "vestige/buf.h"
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
