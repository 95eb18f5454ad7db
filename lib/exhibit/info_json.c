#include "exhibit/info_json.h"

#include <stdio.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define BOOT_ID_LEN 36
#define KEY_MAX 48

static void base64_key(const char *key, char ret[KEY_MAX])
{
	snprintf(ret, KEY_MAX, "%s_base64", key);
}

/* ---- writing ---- */

void vst_info_put_text(struct vst_json *json, const char *key, const char *text)
{
	char exact[KEY_MAX];
	vst_json_key(json, key);
	vst_json_string(json, text);
	if (!text || vst_utf8_valid(text, strlen(text)))
		return;
	base64_key(key, exact);
	vst_json_key(json, exact);
	vst_json_base64(json, text, strlen(text));
}

void vst_info_put_digest(
        struct vst_json *json, const char *key, bool known, const uint8_t digest[VST_HASH_LEN])
{
	vst_json_key(json, key);
	if (known)
		vst_json_hex(json, digest, VST_HASH_LEN);
	else
		vst_json_null(json);
}

void vst_info_put_clocks(struct vst_json *json, const struct vst_clocks *clocks)
{
	vst_json_key(json, "clocks");
	vst_json_object(json);
	vst_json_key(json, "realtime");
	vst_json_time(json, clocks->realtime);
	vst_json_key(json, "boottime_ns");
	vst_json_int(json, clocks->boottime_ns);
	vst_json_key(json, "boot_id");
	vst_json_string(json, clocks->boot_id[0] ? clocks->boot_id : NULL);
	vst_json_key(json, "ntp");
	if (clocks->ntp_known) {
		vst_json_object(json);
		vst_json_key(json, "synchronised");
		vst_json_bool(json, clocks->ntp_synchronised);
		vst_json_key(json, "offset_ns");
		vst_json_int(json, clocks->ntp_offset_ns);
		vst_json_key(json, "max_error_us");
		vst_json_int(json, clocks->ntp_max_error_us);
		vst_json_end(json);
	} else {
		vst_json_null(json);
	}
	vst_json_end(json);
}

static bool boot_id_valid(const char *id)
{
	return strlen(id) == BOOT_ID_LEN && strspn(id, "0123456789abcdef-") == BOOT_ID_LEN;
}

const char *vst_info_clocks_fault(const struct vst_clocks *clocks)
{
	if (clocks->realtime == VST_TIME_NONE)
		return "the time is missing";
	if (clocks->boot_id[0] &&
	        (!memchr(clocks->boot_id, '\0', sizeof clocks->boot_id) || !boot_id_valid(clocks->boot_id)))
		return "the boot id is none";
	return NULL;
}

int vst_info_finish(struct vst_buf *bytes, const char *name, struct vst_buf *out, struct vst_err *err)
{
	int rc = vst_buf_check(bytes, err);
	if (rc == 0 && bytes->len > VST_EXHIBIT_INFO_MAX)
		rc = vst_err_set(err, VST_ELIMIT, "%s: longer than %d bytes", name, VST_EXHIBIT_INFO_MAX);
	if (rc == 0) {
		vst_buf_bytes(out, bytes->data, bytes->len);
		rc = vst_buf_check(out, err);
	}
	vst_buf_free(bytes);
	return rc;
}

/* ---- reading ---- */

static char *copy(struct vst_json_take *take, const void *text, size_t len)
{
	char *result = vst_memdup(text, len);
	if (!result) {
		vst_err_nomem(take->err);
		take->failed = true;
	}
	return result;
}

static char *take_exact(struct vst_json_take *take, const char *key)
{
	struct vst_buf bytes = VST_BUF_INIT;
	char *result = NULL;
	const char *text = vst_json_take_string(take, key);
	if (take->failed)
		return NULL;
	bool good = vst_base64_decode(text, strlen(text), VST_BASE64_PADDED, &bytes);
	if (bytes.failed) {
		vst_err_nomem(take->err);
		take->failed = true;
	} else if (!good || bytes.len == 0 || memchr(bytes.data, 0, bytes.len)) {
		vst_json_take_fail(take, "key \"%s\" should be text in base64", key);
	} else {
		result = copy(take, bytes.data, bytes.len);
	}
	vst_buf_free(&bytes);
	return result;
}

char *vst_info_take_text(struct vst_json_take *take, const char *key, bool may_be_null)
{
	char exact[KEY_MAX];
	json_t *value = vst_json_take_any(take, key);
	if (!value || (may_be_null && json_is_null(value)))
		return NULL;
	if (!json_is_string(value)) {
		vst_json_take_fail(take, "key \"%s\" should be text%s", key, may_be_null ? " or null" : "");
		return NULL;
	}
	base64_key(key, exact);
	/* Whether the two say the same shows when it is all written again. */
	if (vst_json_take_is(take, exact))
		return take_exact(take, exact);
	return copy(take, json_string_value(value), json_string_length(value));
}

bool vst_info_take_digest(
        struct vst_json_take *take, const char *key, bool may_be_null, uint8_t ret[VST_HASH_LEN])
{
	json_t *next = may_be_null && vst_json_take_is(take, key) ? json_object_iter_value(take->iter) : NULL;
	memset(ret, 0, VST_HASH_LEN);
	if (next && json_is_null(next)) {
		vst_json_take_any(take, key);
		return false;
	}
	vst_json_take_hex(take, key, ret, VST_HASH_LEN);
	return !take->failed;
}

struct vst_json_take vst_info_take_object(struct vst_json_take *take, const char *key)
{
	return vst_json_take_of(vst_json_take_value(take, key, JSON_OBJECT), take->err);
}

static void take_ntp(struct vst_json_take *take, struct vst_clocks *ret)
{
	json_t *value = vst_json_take_any(take, "ntp");
	if (!value || json_is_null(value))
		return;
	struct vst_json_take ntp = vst_json_take_of(value, take->err);
	ret->ntp_known = true;
	ret->ntp_synchronised = vst_json_take_bool(&ntp, "synchronised");
	ret->ntp_offset_ns = vst_json_take_int(&ntp, "offset_ns");
	ret->ntp_max_error_us = vst_json_take_int(&ntp, "max_error_us");
	vst_json_take_end(&ntp);
}

void vst_info_take_clocks(struct vst_json_take *take, struct vst_clocks *ret)
{
	struct vst_json_take clocks = vst_info_take_object(take, "clocks");
	*ret = (struct vst_clocks){0};
	ret->realtime = vst_json_take_time(&clocks, "realtime");
	ret->boottime_ns = vst_json_take_int(&clocks, "boottime_ns");
	json_t *boot_id = vst_json_take_any(&clocks, "boot_id");
	if (boot_id && !json_is_null(boot_id)) {
		const char *text = json_string_value(boot_id);
		if (text && boot_id_valid(text))
			memcpy(ret->boot_id, text, BOOT_ID_LEN + 1);
		else
			vst_json_take_fail(&clocks, "key \"boot_id\" should be a boot id or null");
	}
	take_ntp(&clocks, ret);
	vst_json_take_end(&clocks);
}

int vst_info_open(const void *bytes, size_t len, json_t **ret_object, struct vst_json_take *ret_take,
        struct vst_err *err)
{
	vst_err_clear(err); /* the takes read an earlier failure as one of this document */
	if (len > VST_EXHIBIT_INFO_MAX)
		return vst_err_set(err, VST_ELIMIT, "longer than %d bytes", VST_EXHIBIT_INFO_MAX);
	if (len == 0 || ((const uint8_t *)bytes)[len - 1] != '\n')
		return vst_err_set(err, VST_EFORMAT, "no line feed at the end");
	int rc = vst_json_parse(bytes, len - 1, ret_object, err);
	if (rc != 0)
		return rc;
	*ret_take = vst_json_take_of(*ret_object, err);
	uint64_t format = vst_json_take_uint(ret_take, "format");
	if (ret_take->failed)
		return err->code;
	if (format != 1)
		return vst_err_set(err, VST_EVERSION, "format %llu is not known", (unsigned long long)format);
	return 0;
}

int vst_info_compare(struct vst_buf *again, const void *bytes, size_t len, struct vst_err *err)
{
	bool same = again->len == len && memcmp(again->data, bytes, len) == 0;
	vst_buf_free(again);
	return same ? 0 : vst_err_set(err, VST_EFORMAT, "not written as this format is written");
}
