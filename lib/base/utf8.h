/*
 * One character of UTF-8 (RFC 3629), for whatever writes text character by character.
 */
#ifndef VESTIGE_BASE_UTF8_H
#define VESTIGE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes taken by the character at the start of `text` (1 to 4), 0 if no valid one stands there. */
size_t vst_utf8_next(const uint8_t *text, size_t len, uint32_t *ret_char);

#endif
