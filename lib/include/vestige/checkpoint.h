/*
 * Checkpoints: the size and root of a custody log, as a signed note.
 *
 * Source: C2SP tlog-checkpoint. Three text lines, no extension lines: origin, size in decimal, base64 of the
 * root.
 */
#ifndef VESTIGE_CHECKPOINT_H
#define VESTIGE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"
#include "vestige/note.h"

struct vst_checkpoint {
	char origin[VST_NOTE_NAME_MAX + 1];
	uint64_t size;
	uint8_t root[VST_HASH_LEN];
};

void vst_checkpoint_text(const struct vst_checkpoint *checkpoint, struct vst_buf *out);
int vst_checkpoint_parse(const void *text, size_t len, struct vst_checkpoint *ret, struct vst_err *err);

/*
 * The whole note: signed by the log key, and by the event's signer under its principal as the name. `signer`
 * may be NULL or unable to sign raw (a hardware key): its line is left out.
 */
int vst_checkpoint_sign(const struct vst_checkpoint *checkpoint, struct vst_signer *log_signer,
        const char *principal, struct vst_signer *signer, struct vst_buf *out, struct vst_err *err);

/*
 * Parses a note and checks the log key's signature and the origin. `signer_key` (may be NULL): its line must
 * be there and good as well. Lines of other keys (witnesses) are ignored. VST_EAUTH: a signature is missing
 * or does not fit, or the log is another; VST_EFORMAT.
 */
int vst_checkpoint_open(const void *note, size_t len, const struct vst_note_key *log_key,
        const struct vst_note_key *signer_key, struct vst_checkpoint *ret, struct vst_err *err);

#endif
