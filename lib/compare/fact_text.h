/*
 * The host's texts in facts: shown (vst_text_show), so that facts are always UTF-8 without control
 * characters, and capped. One that was cut ends in "~" and 16 digits of the SHA-256 of all its bytes:
 * different texts stay different. facts_read.h reads them back.
 */
#ifndef COMPARE_FACT_TEXT_H
#define COMPARE_FACT_TEXT_H

#include <stddef.h>

#include "vestige/json.h"

#define VST_FACT_TEXT_MAX 96  /* bytes of a text before it is cut */
#define VST_FACT_DIGEST_LEN 8 /* of a SHA-256, where facts need to tell things apart and no more */

void vst_fact_text(struct vst_json *json, const void *text, size_t len);

/* The first bytes of the SHA-256 as hex. */
void vst_fact_digest(struct vst_json *json, const void *data, size_t len);

#endif
