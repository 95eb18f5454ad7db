/*
 * JSON: written by us with keys in a fixed order and no white space (RFC 8259), read by jansson with the
 * strictness that evidence needs.
 *
 * Writing is a hot path (a line for every file of a host), so it appends to a buffer and builds no tree:
 *
 *     struct vst_json json = vst_json_begin(&buf);
 *     vst_json_object(&json);
 *     vst_json_key(&json, "format"); vst_json_uint(&json, 1);
 *     vst_json_key(&json, "path");   vst_json_text(&json, path, path_len);
 *     vst_json_end(&json);
 *
 * Commas are put by the writer. Failure to allocate sticks to the buffer: check that.
 */
#ifndef VESTIGE_JSON_H
#define VESTIGE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VST_JSON_DEPTH 16

struct vst_buf;
struct vst_err;

struct vst_json {
	struct vst_buf *out; /* borrowed */
	int depth;
	bool comma[VST_JSON_DEPTH];
	bool is_object[VST_JSON_DEPTH];
	bool after_key;
};

struct vst_json vst_json_begin(struct vst_buf *out);
void vst_json_object(struct vst_json *json);
void vst_json_array(struct vst_json *json);
void vst_json_end(struct vst_json *json); /* closes the innermost object or array */
void vst_json_key(struct vst_json *json, const char *key);
void vst_json_uint(struct vst_json *json, uint64_t value);
void vst_json_int(struct vst_json *json, int64_t value);
void vst_json_bool(struct vst_json *json, bool value);
void vst_json_null(struct vst_json *json);
void vst_json_string(struct vst_json *json, const char *text); /* NULL writes null */
/* Valid UTF-8 as it is (", \, and control characters escaped, DEL and C1 too); invalid bytes become U+FFFD,
   so the caller adds the base64 form next to it when vst_utf8_valid() says no. */
void vst_json_text(struct vst_json *json, const void *text, size_t len);
void vst_json_hex(struct vst_json *json, const void *data, size_t len);    /* a string of lower-case digits */
void vst_json_base64(struct vst_json *json, const void *data, size_t len); /* padded */
void vst_json_time(struct vst_json *json, int64_t ns); /* RFC 3339; VST_TIME_NONE writes null */
/* A value that was written before by these functions, e.g. into another buffer: as it is. */
void vst_json_raw(struct vst_json *json, const void *text, size_t len);

/*
 * The length of the value at the start of `text`, if it is spelled as the functions above spell it (no white space, one escape for
 * each character, whole numbers, at most VST_JSON_DEPTH deep); 0 if not. Keys that stand twice are not found.
 */
size_t vst_json_span(const void *text, size_t len);

/* ---- reading ---- */

/*
 * Parses one object: no duplicate keys, no trailing data, no NUL in strings, depth at most VST_JSON_DEPTH.
 * Jansson keeps the keys in the order of the text. Owns: the caller, json_decref(). Clears `err` on success.
 * Errors: VST_EFORMAT with the position, VST_ENOMEM.
 */
int vst_json_parse(const void *text, size_t len, json_t **ret, struct vst_err *err);

/*
 * Takes an object apart key by key, in the order in which the format wants them. A key that is missing, out
 * of order or of the wrong type fails; vst_json_take_end() fails when keys are left over. The first failure
 * sticks to `err` (which must not be NULL), so that a parser reads as a list of its fields and checks once.
 * Takes of inner and outer objects share that `err`: a failure in one fails all. It must be clear at the
 * start, which vst_json_parse() sees to.
 */
struct vst_json_take {
	json_t *object; /* borrowed */
	void *iter;
	struct vst_err *err;
	bool failed;
};

struct vst_json_take vst_json_take_of(json_t *object, struct vst_err *err);
bool vst_json_take_is(const struct vst_json_take *take, const char *key); /* is this the next key? */
json_t *vst_json_take_any(struct vst_json_take *take, const char *key);   /* borrowed; NULL on failure */
json_t *vst_json_take_value(struct vst_json_take *take, const char *key, json_type type);
uint64_t vst_json_take_uint(struct vst_json_take *take, const char *key); /* 0 to INT64_MAX */
int64_t vst_json_take_int(struct vst_json_take *take, const char *key);
bool vst_json_take_bool(struct vst_json_take *take, const char *key);
const char *vst_json_take_string(struct vst_json_take *take, const char *key); /* borrowed; "" on failure */
/* Lower case only; zeros on failure. */
void vst_json_take_hex(struct vst_json_take *take, const char *key, uint8_t *ret, size_t len);
/* Not null: a time that is not known has no key. VST_TIME_NONE on failure. */
int64_t vst_json_take_time(struct vst_json_take *take, const char *key);
int vst_json_take_end(struct vst_json_take *take);
/* For a check of the parser's own: marks the take as failed (VST_EFORMAT) unless it already is. */
void vst_json_take_fail(struct vst_json_take *take, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

#endif
