/*
 * The escapes in strings as vst_json_*() writes them, one for each character that needs one: for readers that
 * take no other.
 */
#ifndef BASE_JSON_ESCAPE_H
#define BASE_JSON_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

#define VST_JSON_C1_END 0xa0 /* characters below it are escaped, unless they are plain */

/* 1 for what stands in a string as it is: ASCII without controls, quote, backslash and DEL. */
extern const uint8_t vst_json_plain[256];
/* Lower-case hexadecimal digits plus one; 0 for what is none. */
extern const uint8_t vst_json_digits[256];

/* The escape at `at` (a backslash), decoded to `*to`, which moves on by at most 2 bytes: the escape's length,
   0 if the writer writes no such one. */
size_t vst_json_unescape(const uint8_t *at, const uint8_t *end, uint8_t **to);

#endif
