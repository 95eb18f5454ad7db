/*
 * The header of an age file, as bytes: stanzas and the MAC. What stanzas mean is in age_keys.h.
 *
 *     age-encryption.org/v1 LF
 *     -> TYPE [ARG...] LF          one or more stanzas; arguments of printable ASCII, one space before each
 *     BODY LF                      canonical base64 without padding, lines of 64, the last one shorter,
 * perhaps empty
 *     --- MAC LF                   HMAC-SHA-256 over all from the start to and with the three dashes
 */
#ifndef VESTIGE_CRYPTO_AGE_HEADER_H
#define VESTIGE_CRYPTO_AGE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/age_stream.h"
#include "vestige/buf.h"
#include "vestige/hash.h"

#define VST_AGE_VERSION_LINE "age-encryption.org/v1\n"

struct vst_err;
struct vst_input;

/* Positions and not pointers: the buffers behind them may still move while a header is read. */
struct vst_age_stanza {
	size_t args_at; /* type and arguments, in `raw` */
	size_t args_len;
	size_t arg_count; /* without the type */
	size_t body_at;   /* decoded, in `bodies` */
	size_t body_len;
};

struct vst_age_header {
	struct vst_buf raw; /* the whole header; its length is the header's */
	struct vst_buf bodies;
	struct vst_age_stanza *stanzas;
	size_t count;
	size_t cap;
	size_t mac_covers; /* bytes of `raw` */
	uint8_t mac[VST_HASH_LEN];
};

#define VST_AGE_HEADER_INIT                                                                                  \
	{                                                                                                    \
		.raw = VST_BUF_INIT                                                                          \
	}

/*
 * Reads and checks the form, and that a passphrase stanza stands alone. VST_EFORMAT, VST_EVERSION,
 * VST_ELIMIT. To be freed in either case.
 */
int vst_age_header_read(const struct vst_input *in, struct vst_age_header *ret, struct vst_err *err);
void vst_age_header_free(struct vst_age_header *header);

bool vst_age_stanza_is(
        const struct vst_age_header *header, const struct vst_age_stanza *stanza, const char *type);
/* Argument `number` from 0, which must be below arg_count. Borrowed. */
const char *vst_age_stanza_arg(const struct vst_age_header *header, const struct vst_age_stanza *stanza,
        size_t number, size_t *ret_len);
const uint8_t *vst_age_stanza_body(const struct vst_age_header *header, const struct vst_age_stanza *stanza);

void vst_age_header_mac(const uint8_t file_key[VST_AGE_FILE_KEY_LEN], const uint8_t *data, size_t len,
        uint8_t ret[VST_HASH_LEN]);

#endif
