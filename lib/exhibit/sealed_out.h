/*
 * The outer side of an exhibit in the making: what the frames give is encrypted (age), digested as it goes
 * out, and written.
 *
 * Two digests at once: of the whole file, and of all behind the age header, which stays the same when the
 * exhibit is wrapped again for other recipients.
 */
#ifndef EXHIBIT_SEALED_OUT_H
#define EXHIBIT_SEALED_OUT_H

#include <stdint.h>

#include "vestige/age.h"
#include "vestige/io.h"

struct vst_sealed_out;

struct vst_sealed_digests {
	uint8_t file[VST_HASH_LEN], payload[VST_HASH_LEN];
	uint64_t file_bytes, payload_bytes;
};

/* Writes the age header at once. `out` is copied. */
int vst_sealed_out_new(const struct vst_age_recipients *recipients, const struct vst_output *out,
        struct vst_sealed_out **ret, struct vst_err *err);
void vst_sealed_out_free(struct vst_sealed_out *sealed);
/* Where plaintext goes. One thread at a time. */
struct vst_output vst_sealed_out_input(struct vst_sealed_out *sealed);
/* The last chunk. */
int vst_sealed_out_finish(struct vst_sealed_out *sealed, struct vst_sealed_digests *ret, struct vst_err *err);

#endif
