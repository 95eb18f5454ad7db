/*
 * Bech32 (BIP 173) without its length limit, as age uses it for keys.
 */
#ifndef VESTIGE_BECH32_H
#define VESTIGE_BECH32_H

#include <stddef.h>
#include <stdint.h>

#define VST_BECH32_HRP_MAX 83
#define VST_BECH32_DATA_MAX 4096

struct vst_buf;
struct vst_err;

/* Appends the text. `hrp` decides the case: all lower or all upper. */
int vst_bech32_encode(
        const char *hrp, const uint8_t *data, size_t len, struct vst_buf *out, struct vst_err *err);
/* Appends the bytes to `out` and gives the human-readable part as it was written. VST_EFORMAT: mixed case,
   bad character, wrong checksum (said as such, with a hint that the key was mistyped), non-zero padding. */
int vst_bech32_decode(const char *text, size_t len, char ret_hrp[VST_BECH32_HRP_MAX + 1], struct vst_buf *out,
        struct vst_err *err);

#endif
