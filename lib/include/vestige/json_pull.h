/*
 * JSON exactly as vst_json_*() writes it, pulled key by key out of bytes that nobody vouches for.
 *
 * Our formats have one spelling: no white space, keys in a fixed order, each value written in one way. This
 * reader takes that spelling and no other, so what a parser made of it accepts, the writer gives back byte
 * for byte: strings are valid UTF-8 with just the escapes that the writer puts, whole numbers have no leading
 * zero, no sign and no fraction to spare, hexadecimal is lower-case, base64 padded and without stray bits,
 * times are those of vst_time_format(). Null is not read: what is not known has no key.
 *
 * It allocates nothing. The caller hands over bytes of its own (a copy of the line), and strings and base64
 * are decoded where they stand: what comes out is never longer than what stood there, and a NUL takes the
 * place of the closing quote. What is returned points into those bytes and lives as long as they do.
 *
 *     struct vst_json_pull in = vst_json_pull_of(copy, len, err);
 *     vst_json_pull_enter_object(&in, NULL);
 *     format = vst_json_pull_uint(&in, "format");
 *     if (vst_json_pull_is(&in, "path"))
 *             path = vst_json_pull_text(&in, "path", "path_base64");
 *     vst_json_pull_leave_object(&in);
 *     if ((rc = vst_json_pull_end(&in)) != 0) goto out;
 *
 * `key` is the key in front of the value; NULL takes a value without one: the outermost, an element of an
 * array, or what stands behind vst_json_pull_key(). Keys that a format fixes are plain: no escapes in them.
 *
 * The first failure sticks (VST_EFORMAT, with the key or the byte in the text); after it nothing is taken and
 * every take gives the empty value of its type. Loops over vst_json_pull_more() end then.
 */
#ifndef VESTIGE_JSON_PULL_H
#define VESTIGE_JSON_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;

struct vst_json_pull {
	uint8_t *start, *at, *end; /* borrowed, written to up to `at` */
	struct vst_err *err;       /* borrowed; may be NULL */
	int rc;                    /* 0, or the code of the first failure */
	bool comma;                /* a value stood before on this level */
};

struct vst_json_pull vst_json_pull_of(void *text, size_t len, struct vst_err *err);

bool vst_json_pull_is(const struct vst_json_pull *in, const char *key); /* is this the next key? */
/* The same, and is its value a string? */
bool vst_json_pull_is_string(const struct vst_json_pull *in, const char *key);
bool vst_json_pull_more(const struct vst_json_pull *in); /* does anything stand before the closing bracket? */

void vst_json_pull_enter_object(struct vst_json_pull *in, const char *key);
void vst_json_pull_leave_object(struct vst_json_pull *in); /* fails when keys are left over */
void vst_json_pull_enter_array(struct vst_json_pull *in, const char *key);
void vst_json_pull_leave_array(struct vst_json_pull *in); /* fails when elements are left over */

/* Any key, for objects whose keys are data; "" on failure. Whether it came twice is for the caller to see. */
const char *vst_json_pull_key(struct vst_json_pull *in);

uint64_t vst_json_pull_uint(struct vst_json_pull *in, const char *key); /* 0 to INT64_MAX */
int64_t vst_json_pull_int(struct vst_json_pull *in, const char *key);
bool vst_json_pull_bool(struct vst_json_pull *in, const char *key);
const char *vst_json_pull_string(struct vst_json_pull *in, const char *key); /* no NUL in it; "" on failure */
/*
 * Text under `key` and, only where it is not UTF-8, its exact bytes in base64 under `key_base64`, of which
 * the text then is what vst_json_text() makes. Gives the exact bytes: no NUL in them; "" on failure.
 */
const char *vst_json_pull_text(struct vst_json_pull *in, const char *key, const char *key_base64);
/* A NUL behind the bytes, not counted; "" and 0 on failure. */
const char *vst_json_pull_base64(struct vst_json_pull *in, const char *key, size_t *ret_len);
void vst_json_pull_hex(
        struct vst_json_pull *in, const char *key, uint8_t *ret, size_t len); /* zeros on failure */
int64_t vst_json_pull_time(struct vst_json_pull *in, const char *key);        /* VST_TIME_NONE on failure */
/* Any value, as it stands and not taken apart (vst_json_span()): no NUL follows it. "" and 0 on failure. */
const char *vst_json_pull_raw(struct vst_json_pull *in, const char *key, size_t *ret_len);

/* Trailing data is an error. Returns 0 or the code of the first failure. */
int vst_json_pull_end(struct vst_json_pull *in);

/* For a check of the parser's own: VST_EFORMAT with this text, unless something failed before. */
void vst_json_pull_fail(struct vst_json_pull *in, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* For a failure of another kind, of which `err` already tells: nothing more is taken. */
void vst_json_pull_stop(struct vst_json_pull *in, int rc);

#endif
