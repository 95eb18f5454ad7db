/*
 * Members of a live line: bytes that a host chose, and errors by name.
 */
#ifndef COLLECT_LIVE_PUT_H
#define COLLECT_LIVE_PUT_H

#include "collect/proc_parse.h"
#include "vestige/json.h"

/* "key":"text", and if it is not UTF-8 or holds a NUL, then "key_base64":"…" with the bytes. */
void vst_live_put_text(struct vst_json *json, const char *key, struct vst_text text);
/* The same for texts that end in NUL, one after the other (the last one's may be missing): an array of them,
   and a second one with all of them in base64 if any is not UTF-8. At most `max` elements; returns false if
   there were more. */
bool vst_live_put_texts(struct vst_json *json, const char *key, struct vst_text text, size_t max);
/* Over 63 bits, which readers of JSON do not take: a string of its digits. */
void vst_live_put_uint(struct vst_json *json, const char *key, uint64_t value);
void vst_live_put_bool(struct vst_json *json, const char *key, bool value);
void vst_live_put_dev(struct vst_json *json, uint32_t major, uint32_t minor); /* "dev":"8:1" */
/* "key":"EIO", the number as text if it has no name. */
void vst_live_put_errno(struct vst_json *json, const char *key, int error);

#endif
