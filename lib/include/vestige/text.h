/*
 * Text: base64, hexadecimal, UTF-8, and showing bytes that a hostile host may have chosen.
 */
#ifndef VESTIGE_TEXT_H
#define VESTIGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_buf;

/* ---- hexadecimal: lower case when written, exactly 2*len digits of either case when read ---- */
void vst_hex_append(struct vst_buf *out, const void *data, size_t len);
void vst_hex(const void *data, size_t len, char *ret_text /* 2*len + 1 */);
bool vst_hex_decode(const char *text, size_t text_len, uint8_t *ret, size_t len);

/* ---- base64, RFC 4648 section 4: canonical only (no white space, no stray bits in the last digit) ---- */
enum vst_base64 { VST_BASE64_PADDED, VST_BASE64_RAW /* no padding, as age writes it */ };
void vst_base64_append(struct vst_buf *out, const void *data, size_t len, enum vst_base64 form);
/* Appends the bytes; false (and `out` as it was) if the text is not canonical. */
bool vst_base64_decode(const void *text, size_t text_len, enum vst_base64 form, struct vst_buf *out);

/* ---- UTF-8, RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF ---- */
bool vst_utf8_valid(const void *text, size_t len);

/*
 * Appends bytes so that they are safe on a terminal and in a line-based file: printable UTF-8 as it is;
 * control characters (C0, DEL, C1), bidirectional overrides, line separators, invalid bytes and the backslash
 * as \n, \t, \\, \xHH, \u{HHHH}. The result is always valid UTF-8 on one line.
 */
void vst_text_show(struct vst_buf *out, const void *text, size_t len);

/* "311 MiB", "2.4 GiB", "96 B": at most 4 significant characters and the unit. */
void vst_text_size(uint64_t bytes, char ret_text[16]);
/* "13,022" */
void vst_text_count(uint64_t count, char ret_text[32]);

#endif
