/*
 * The host's texts in facts: shown (vst_text_show), so that facts are always UTF-8 without control
 * characters, and capped. One that was cut ends in "~" and 16 digits of the SHA-256 of all its bytes:
 * different texts stay different.
 */
#ifndef COMPARE_FACT_TEXT_H
#define COMPARE_FACT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "vestige/json.h"

struct vst_err;
struct vst_observed;

#define VST_FACT_TEXT_MAX 96  /* bytes of a text before it is cut */
#define VST_FACT_DIGEST_LEN 8 /* of a SHA-256, where facts need to tell things apart and no more */

void vst_fact_text(struct vst_json *json, const void *text, size_t len);

/* The first bytes of the SHA-256 as hex. */
void vst_fact_digest(struct vst_json *json, const void *data, size_t len);

/*
 * The facts of an item as an object. NULL if their `format` is another: an observer of another version made
 * them, and they are not compared. Owns: the caller, json_decref(). Errors: VST_EFORMAT, VST_ENOMEM.
 */
int vst_fact_read(const struct vst_observed *observed, uint64_t format, json_t **ret, struct vst_err *err);

/* Parts of facts that may not be there: 0, "" and NULL then. Borrowed. */
int64_t vst_fact_int(const json_t *object, const char *key);
int64_t vst_fact_int_at(const json_t *array, size_t at);
const char *vst_fact_text_at(const json_t *array, size_t at);

#endif
