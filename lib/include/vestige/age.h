/*
 * age v1: who can open an exhibit (recipients), with what (identities), and the encrypted stream itself.
 *
 * Source: C2SP age specification; ssh-ed25519 stanzas as the `age` program writes them.
 *
 *     header   age-encryption.org/v1 LF, stanzas, "--- " and the MAC
 *     nonce    16 bytes                                             ┐ payload: what the seal digests apart
 * from chunks   up to 65,536 bytes of plaintext and a 16-byte tag    ┘ the header, so that re-wrapping stays
 * checkable
 *
 * Sealing needs recipients alone. Each chunk is decrypted on its own; none is released before its tag is
 * checked.
 */
#ifndef VESTIGE_AGE_H
#define VESTIGE_AGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

#define VST_AGE_CHUNK 65536
#define VST_AGE_TAG 16
#define VST_AGE_NONCE 16
#define VST_AGE_HEADER_MAX (1024 * 1024)
#define VST_AGE_WORK_FACTOR_MAX 22
#define VST_AGE_WORK_FACTOR 18

struct vst_buf;
struct vst_err;
struct vst_input;
struct vst_output;

/* ---- recipients ---- */

struct vst_age_recipient;

/* `age1…` or `ssh-ed25519 AAAA… [comment]`. Errors name what is wrong with the text; other ssh key types:
 * VST_EUNSUPPORTED. */
int vst_age_recipient_parse(
        const char *text, size_t len, struct vst_age_recipient **ret, struct vst_err *err);
/* log2 of scrypt's N: VST_AGE_WORK_FACTOR unless a test wants less. Sole recipient of its file. At most 1,024
 * bytes. */
int vst_age_recipient_passphrase(
        const char *passphrase, unsigned work_factor, struct vst_age_recipient **ret, struct vst_err *err);
void vst_age_recipient_free(struct vst_age_recipient *recipient);
/* Canonical text without comment; "passphrase" for a passphrase. Borrowed. */
const char *vst_age_recipient_text(const struct vst_age_recipient *recipient);
bool vst_age_recipient_is_passphrase(const struct vst_age_recipient *recipient);
/* SHA-256 of the canonical text: how a seal names a recipient. */
void vst_age_recipient_fingerprint(const struct vst_age_recipient *recipient, uint8_t ret[VST_HASH_LEN]);

struct vst_age_recipients {
	struct vst_age_recipient **list; /* owned */
	size_t count;
};

/*
 * The format of `age -R`: one a line, empty lines and `#` comments allowed, at least one recipient. Errors
 * name the line. Adds to `set`, which stays as it was on failure.
 */
int vst_age_recipients_parse(
        const void *text, size_t len, struct vst_age_recipients *set, struct vst_err *err);
/* Takes ownership of `recipient` on success. A recipient that is already there is dropped. */
int vst_age_recipients_add(
        struct vst_age_recipients *set, struct vst_age_recipient *recipient, struct vst_err *err);
void vst_age_recipients_free(struct vst_age_recipients *set);

/* ---- identities ---- */

struct vst_age_identity;

struct vst_age_identities {
	struct vst_age_identity **list; /* owned */
	size_t count;
};

int vst_age_identity_generate(struct vst_age_identity **ret, struct vst_err *err);
int vst_age_identity_passphrase(const char *passphrase, struct vst_age_identity **ret, struct vst_err *err);
void vst_age_identity_free(struct vst_age_identity *identity);
/* Appends `AGE-SECRET-KEY-1…` (X25519 only): the caller wipes the buffer. */
int vst_age_identity_text(const struct vst_age_identity *identity, struct vst_buf *out, struct vst_err *err);
int vst_age_identity_recipient(
        const struct vst_age_identity *identity, struct vst_age_recipient **ret, struct vst_err *err);

/* Asks a person for the passphrase of `what`; fills secure memory of `max` bytes with NUL-terminated text.
   VST_EKEY when there is nobody to ask. */
typedef int vst_age_ask(void *ctx, const char *what, char *ret_passphrase, size_t max, struct vst_err *err);

/*
 * An identity file: lines `AGE-SECRET-KEY-1…` with comments; an OpenSSH private key (Ed25519, without
 * passphrase: for others the error says how to convert or to use the agent's file); or an age file, armoured
 * or not, that a passphrase opens to the first form (`ask` may be NULL: VST_EKEY). Adds to `set`, which stays
 * as it was on failure.
 */
int vst_age_identities_parse(const void *text, size_t len, vst_age_ask *ask, void *ask_ctx,
        struct vst_age_identities *set, struct vst_err *err);
int vst_age_identities_add(
        struct vst_age_identities *set, struct vst_age_identity *identity, struct vst_err *err);
void vst_age_identities_free(struct vst_age_identities *set);

/* ---- writing ---- */

struct vst_age_writer;

/* Writes the header to `out` at once. One passphrase alone, or any number (at least one) of keys: else
 * VST_EUSAGE. */
int vst_age_writer_new(struct vst_age_writer **ret, const struct vst_age_recipients *recipients,
        const struct vst_output *out, struct vst_err *err);
int vst_age_writer_write(struct vst_age_writer *writer, const void *data, size_t len, struct vst_err *err);
/* Writes the last chunk. Without it the file does not decrypt to its end. */
int vst_age_writer_finish(struct vst_age_writer *writer, struct vst_err *err);
uint64_t vst_age_writer_header_len(const struct vst_age_writer *writer); /* bytes before the nonce */
void vst_age_writer_free(struct vst_age_writer *writer);

/* ---- reading ---- */

struct vst_age_reader;

/*
 * Parses the header, finds the file key with one of the identities, checks the MAC. What stands behind `in`
 * is borrowed and must outlive the reader. The size of the plaintext follows from the length of the file;
 * that the last chunk is the last is checked when it is read.
 *
 * Errors: VST_EFORMAT (no age file, malformed header, cut before the payload), VST_EVERSION, VST_ELIMIT
 * (header longer than VST_AGE_HEADER_MAX, work factor above VST_AGE_WORK_FACTOR_MAX), VST_EKEY (no identity
 * fits), VST_EAUTH (MAC).
 */
int vst_age_reader_open(struct vst_age_reader **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, struct vst_err *err);
void vst_age_reader_free(struct vst_age_reader *reader);
uint64_t vst_age_reader_header_len(const struct vst_age_reader *reader);
/* Plaintext bytes, if the file is whole; of a last chunk too short for its tag, none. */
uint64_t vst_age_reader_size(const struct vst_age_reader *reader);
uint64_t vst_age_reader_chunks(const struct vst_age_reader *reader); /* at least 1 */

/*
 * Chunk `index` into ret_data, checked; ret_data is wiped if it fails its check. Safe from several threads at
 * once. VST_EAUTH: damaged, cut, or not the chunk that stood here; VST_EUSAGE: beyond the end.
 */
int vst_age_reader_chunk(const struct vst_age_reader *reader, uint64_t index, uint8_t ret_data[VST_AGE_CHUNK],
        size_t *ret_len, struct vst_err *err);
/*
 * For damaged files: like _chunk, but a full chunk is taken as well when it is the last of its file and
 * something follows (a file that was continued), or when it is not and nothing does (a file that was cut).
 * Says whether it was meant as the last. Behind a short last chunk nothing can be told apart: where the true
 * length is known, open the input with that size.
 */
int vst_age_reader_salvage_chunk(const struct vst_age_reader *reader, uint64_t index,
        uint8_t ret_data[VST_AGE_CHUNK], size_t *ret_len, bool *ret_last, struct vst_err *err);

/*
 * Decrypts all into `out`, chunk by chunk; what is written before an error was authenticated. Errors as of
 * opening, then VST_EAUTH for a damaged, cut or continued payload, or what `out` gave.
 */
int vst_age_decrypt(const struct vst_input *in, const struct vst_age_identities *identities,
        const struct vst_output *out, struct vst_err *err);

/* Only the header's length, without any key: where the payload's nonce begins. Errors as of opening. */
int vst_age_header_len(const struct vst_input *in, uint64_t *ret_len, struct vst_err *err);

/* ASCII armour (strict, as age reads it): appends the binary file. VST_EFORMAT, and `out` as it was. */
int vst_age_armor_decode(const void *text, size_t len, struct vst_buf *out, struct vst_err *err);

#endif
