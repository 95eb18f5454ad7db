/*
 * Signed notes: a text with signature lines, as transparency logs and witnesses exchange them.
 *
 * Source: C2SP signed-note. Text ends in LF, then an empty line, then `— <name> <base64(key id ‖ signature)>`
 * lines. Signature type 0x01, Ed25519.
 */
#ifndef VESTIGE_NOTE_H
#define VESTIGE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/curve.h"

#define VST_NOTE_KEY_ID_LEN 4
#define VST_NOTE_NAME_MAX 255
#define VST_NOTE_SIGNATURES_MAX 100
#define VST_NOTE_MAX (64 * 1024)
#define VST_NOTE_ED25519 0x01

struct vst_buf;
struct vst_err;
struct vst_signer;

struct vst_note_key {
	char name[VST_NOTE_NAME_MAX + 1]; /* vst_note_name_valid() */
	uint8_t key[VST_ED25519_KEY_LEN];
	uint8_t id[VST_NOTE_KEY_ID_LEN]; /* SHA-256(name ‖ LF ‖ type ‖ key), first four bytes */
};

/* Not empty, at most VST_NOTE_NAME_MAX bytes of UTF-8, no white space (Unicode's too), no control characters,
 * no '+'. */
bool vst_note_name_valid(const char *name, size_t len);
/* VST_EUSAGE for a name that a note cannot carry. */
int vst_note_key_make(const char *name, const uint8_t key[VST_ED25519_KEY_LEN], struct vst_note_key *ret,
        struct vst_err *err);
/* `name+hex8+base64(type ‖ key)`. VST_EFORMAT, also if the id is not the key's; VST_EUNSUPPORTED for types
 * but 0x01. */
int vst_note_key_parse(const char *vkey, size_t len, struct vst_note_key *ret, struct vst_err *err);
void vst_note_key_text(const struct vst_note_key *key, struct vst_buf *out);

/*
 * Begins a note in the empty buffer `out`: text and the empty line. `text` is UTF-8, ends in LF and holds no
 * other character below U+0020: else VST_EUSAGE.
 */
int vst_note_begin(const void *text, size_t len, struct vst_buf *out, struct vst_err *err);
/*
 * Appends one signature line over the text of a note that vst_note_begin() began, and nothing on failure.
 * `name` as in the key; the signer signs raw (VST_EUNSUPPORTED for one that cannot).
 */
int vst_note_add_signature(
        struct vst_signer *signer, const char *name, struct vst_buf *note, struct vst_err *err);

struct vst_note_signature {
	const char *name; /* borrowed, not NUL-terminated */
	size_t name_len;
	uint8_t id[VST_NOTE_KEY_ID_LEN];
	uint8_t *signature; /* owned; 64 bytes for Ed25519, others for types that we do not know */
	size_t signature_len;
};

struct vst_note {
	const uint8_t *text; /* borrowed from the parsed bytes, LF included */
	size_t text_len;
	struct vst_note_signature *signatures; /* owned */
	size_t count;
};

/* VST_EFORMAT for anything that is not exactly a note, VST_ELIMIT for one that is larger than the caps above
   or has more signatures; `bytes` is borrowed by the result. At least one signature. */
int vst_note_parse(const void *bytes, size_t len, struct vst_note *ret, struct vst_err *err);
void vst_note_free(struct vst_note *note);

/*
 * Whether `key` signed the note: 0, VST_ENOTFOUND if no line is from it (by name and id), VST_EAUTH if one is
 * and does not verify (one bad line among several is enough). Lines of unknown keys are ignored.
 */
int vst_note_verify(const struct vst_note *note, const struct vst_note_key *key, struct vst_err *err);

#endif
