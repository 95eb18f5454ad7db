#include "collect/live_put.h"

#include <stdio.h>
#include <string.h>

#include "vestige/text.h"

#define KEY_MAX 64

static void put_base64_key(struct vst_json *json, const char *key)
{
	char name[KEY_MAX];
	snprintf(name, sizeof name, "%s_base64", key);
	vst_json_key(json, name);
}

void vst_live_put_text(struct vst_json *json, const char *key, struct vst_text text)
{
	vst_json_key(json, key);
	vst_json_text(json, text.data, text.len);
	if (text.len > 0 && (!vst_utf8_valid(text.data, text.len) || memchr(text.data, 0, text.len))) {
		put_base64_key(json, key);
		vst_json_base64(json, text.data, text.len);
	}
}

/* The next text before a NUL. */
static bool next(struct vst_text *text, struct vst_text *ret)
{
	if (text->len == 0)
		return false;
	const char *end = memchr(text->data, '\0', text->len);
	size_t len = end ? (size_t)(end - text->data) : text->len;
	*ret = (struct vst_text){text->data, len};
	text->data += end ? len + 1 : len;
	text->len -= end ? len + 1 : len;
	return true;
}

bool vst_live_put_texts(struct vst_json *json, const char *key, struct vst_text text, size_t max)
{
	struct vst_text one, left = text;
	bool valid = true;
	vst_json_key(json, key);
	vst_json_array(json);
	for (size_t i = 0; i < max && next(&left, &one); i++) {
		vst_json_text(json, one.data, one.len);
		valid = valid && vst_utf8_valid(one.data, one.len);
	}
	vst_json_end(json);
	bool whole = left.len == 0;
	if (!valid) {
		left = text;
		put_base64_key(json, key);
		vst_json_array(json);
		for (size_t i = 0; i < max && next(&left, &one); i++)
			vst_json_base64(json, one.data, one.len);
		vst_json_end(json);
	}
	return whole;
}

void vst_live_put_uint(struct vst_json *json, const char *key, uint64_t value)
{
	char text[24];
	vst_json_key(json, key);
	if (value <= INT64_MAX) {
		vst_json_uint(json, value);
		return;
	}
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	vst_json_string(json, text);
}

void vst_live_put_bool(struct vst_json *json, const char *key, bool value)
{
	vst_json_key(json, key);
	vst_json_bool(json, value);
}

void vst_live_put_dev(struct vst_json *json, uint32_t major, uint32_t minor)
{
	char text[32];
	snprintf(text, sizeof text, "%u:%u", major, minor);
	vst_json_key(json, "dev");
	vst_json_string(json, text);
}

void vst_live_put_errno(struct vst_json *json, const char *key, int error)
{
	char number[16];
	const char *name = strerrorname_np(error);
	snprintf(number, sizeof number, "%d", error);
	vst_json_key(json, key);
	vst_json_string(json, name ? name : number);
}
