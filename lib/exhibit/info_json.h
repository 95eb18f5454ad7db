/*
 * What exhibit.json and closing.json have in common, written and read.
 */
#ifndef EXHIBIT_INFO_JSON_H
#define EXHIBIT_INFO_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "vestige/exhibit_info.h"
#include "vestige/json.h"

/* A value, or null for NULL; NAME_base64 behind it where it is not UTF-8. */
void vst_info_put_text(struct vst_json *json, const char *key, const char *text);
void vst_info_put_digest(
        struct vst_json *json, const char *key, bool known, const uint8_t digest[VST_HASH_LEN]);
void vst_info_put_clocks(struct vst_json *json, const struct vst_clocks *clocks);
/* Why these cannot be written, or NULL. */
const char *vst_info_clocks_fault(const struct vst_clocks *clocks);
/* Adds what `bytes` holds, if it could be made and is not too long, to `out`; frees `bytes`. */
int vst_info_finish(struct vst_buf *bytes, const char *name, struct vst_buf *out, struct vst_err *err);

/* The caller's to free; NULL for null, if that is allowed, and on failure. */
char *vst_info_take_text(struct vst_json_take *take, const char *key, bool may_be_null);
/* False for null, if that is allowed, and on failure; then zeros. */
bool vst_info_take_digest(
        struct vst_json_take *take, const char *key, bool may_be_null, uint8_t ret[VST_HASH_LEN]);
void vst_info_take_clocks(struct vst_json_take *take, struct vst_clocks *ret);
/* The next key's value as an object of its own. */
struct vst_json_take vst_info_take_object(struct vst_json_take *take, const char *key);

/*
 * Opens a file of format 1: length, line feed, JSON, the key `format`. The caller releases *ret_object, also
 * after a failure.
 */
int vst_info_open(const void *bytes, size_t len, json_t **ret_object, struct vst_json_take *ret_take,
        struct vst_err *err);
/* Whether what was encoded again is what was read; VST_EFORMAT. Frees `again`. */
int vst_info_compare(struct vst_buf *again, const void *bytes, size_t len, struct vst_err *err);

#endif
