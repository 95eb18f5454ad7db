#include "vestige/note.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/signer.h"
#include "vestige/text.h"

#define DASH "\xe2\x80\x94 " /* U+2014 and a space begin a signature line */
#define VKEY_MAX 1024

/* ---- names and keys ---- */

/* One character of valid UTF-8; gives its length. */
static size_t take_char(const uint8_t *text, uint32_t *ret)
{
	static const uint8_t first_bits[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	size_t len = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	*ret = text[0] & first_bits[len];
	for (size_t i = 1; i < len; i++)
		*ret = *ret << 6 | (text[i] & 0x3f);
	return len;
}

/* Unicode's White_Space property. */
static bool is_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
	       c == 0x3000;
}

/* The rule for other people's names in signature lines, where no length is set. */
static bool name_fits(const uint8_t *name, size_t len)
{
	uint32_t c;

	if (len == 0 || !vst_utf8_valid(name, len))
		return false;
	for (size_t i = 0; i < len;) {
		i += take_char(name + i, &c);
		if (c < 0x20 || c == '+' || is_space(c))
			return false;
	}
	return true;
}

bool vst_note_name_valid(const char *name, size_t len)
{
	return len <= VST_NOTE_NAME_MAX && memchr(name, 0x7f, len) == NULL &&
	       name_fits((const uint8_t *)name, len);
}

static void key_id(const char *name, const uint8_t key[VST_ED25519_KEY_LEN], uint8_t ret[VST_NOTE_KEY_ID_LEN])
{
	static const uint8_t between[2] = {'\n', VST_NOTE_ED25519};
	const struct vst_part parts[] = {
	        {name, strlen(name)}, {between, sizeof between}, {key, VST_ED25519_KEY_LEN}};
	uint8_t digest[VST_HASH_LEN];

	vst_sha256_parts(parts, 3, digest);
	memcpy(ret, digest, VST_NOTE_KEY_ID_LEN);
}

int vst_note_key_make(const char *name, const uint8_t key[VST_ED25519_KEY_LEN], struct vst_note_key *ret,
        struct vst_err *err)
{
	struct vst_note_key made = {{0}, {0}, {0}};

	if (!vst_note_name_valid(name, strlen(name)))
		return vst_err_set(err, VST_EUSAGE,
		        "note key: a name has 1 to %d bytes, no white space, no control characters, no `+`",
		        VST_NOTE_NAME_MAX);
	memcpy(made.name, name, strlen(name));
	memcpy(made.key, key, VST_ED25519_KEY_LEN);
	key_id(made.name, key, made.id);
	*ret = made;
	return 0;
}

static int vkey_decode(
        const uint8_t *digits, size_t len, uint8_t ret_key[VST_ED25519_KEY_LEN], struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT;
	bool decoded = vst_base64_decode(digits, len, VST_BASE64_PADDED, &bytes);
	int rc = vst_buf_check(&bytes, err);

	if (rc != 0)
		goto out;
	if (!decoded || bytes.len == 0)
		rc = vst_err_set(err, VST_EFORMAT, "note key: not base64");
	else if (bytes.data[0] != VST_NOTE_ED25519)
		rc = vst_err_set(
		        err, VST_EUNSUPPORTED, "note key: type 0x%02x is not Ed25519", bytes.data[0]);
	else if (bytes.len != 1 + VST_ED25519_KEY_LEN)
		rc = vst_err_set(err, VST_EFORMAT, "note key: not %d bytes long", VST_ED25519_KEY_LEN);
	else
		memcpy(ret_key, bytes.data + 1, VST_ED25519_KEY_LEN);
out:
	vst_buf_free(&bytes);
	return rc;
}

int vst_note_key_parse(const char *vkey, size_t len, struct vst_note_key *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(vkey, len);
	const uint8_t *name, *hex, *digits;
	size_t name_len, hex_len, digits_len;
	uint8_t id[VST_NOTE_KEY_ID_LEN], key[VST_ED25519_KEY_LEN];
	struct vst_note_key made;
	char text[VST_NOTE_NAME_MAX + 1] = "";
	int rc;

	if (len > VKEY_MAX || !vst_reader_until(&in, '+', &name, &name_len) ||
	        !vst_note_name_valid((const char *)name, name_len) ||
	        !vst_reader_until(&in, '+', &hex, &hex_len) ||
	        !vst_hex_decode((const char *)hex, hex_len, id, sizeof id))
		return vst_err_set(err, VST_EFORMAT, "note key: not of the form NAME+8HEX+BASE64");
	digits_len = vst_reader_left(&in);
	vst_reader_bytes(&in, digits_len, &digits);
	if ((rc = vkey_decode(digits, digits_len, key, err)) != 0)
		return rc;
	memcpy(text, name, name_len);
	if ((rc = vst_note_key_make(text, key, &made, err)) != 0)
		return rc;
	if (memcmp(made.id, id, sizeof id) != 0)
		return vst_err_set(err, VST_EFORMAT, "note key: its id is not that of the name and the key");
	*ret = made;
	return 0;
}

void vst_note_key_text(const struct vst_note_key *key, struct vst_buf *out)
{
	uint8_t bytes[1 + VST_ED25519_KEY_LEN] = {VST_NOTE_ED25519};

	memcpy(bytes + 1, key->key, VST_ED25519_KEY_LEN);
	vst_buf_text(out, key->name);
	vst_buf_byte(out, '+');
	vst_hex_append(out, key->id, sizeof key->id);
	vst_buf_byte(out, '+');
	vst_base64_append(out, bytes, sizeof bytes, VST_BASE64_PADDED);
}

/* ---- writing ---- */

static bool text_fits(const uint8_t *text, size_t len)
{
	if (len == 0 || text[len - 1] != '\n' || !vst_utf8_valid(text, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 && text[i] != '\n')
			return false;
	return true;
}

int vst_note_begin(const void *text, size_t len, struct vst_buf *out, struct vst_err *err)
{
	if (len >= VST_NOTE_MAX)
		return vst_err_set(err, VST_ELIMIT, "note: longer than %d bytes", VST_NOTE_MAX);
	if (out->len != 0 || !text_fits(text, len))
		return vst_err_set(
		        err, VST_EUSAGE, "note: its text is not lines of UTF-8 without control characters");
	vst_buf_bytes(out, text, len);
	vst_buf_byte(out, '\n');
	return vst_buf_check(out, err);
}

/* Where the text ends: behind the first LF of the last empty line. Signature lines have none, so it is the
 * separator. */
static bool find_text_end(const uint8_t *note, size_t len, size_t *ret)
{
	for (size_t i = len; i >= 2; i--) {
		if (note[i - 1] == '\n' && note[i - 2] == '\n') {
			*ret = i - 1;
			return true;
		}
	}
	return false;
}

int vst_note_add_signature(
        struct vst_signer *signer, const char *name, struct vst_buf *note, struct vst_err *err)
{
	uint8_t bytes[VST_NOTE_KEY_ID_LEN + VST_ED25519_SIG_LEN];
	size_t start = note->len, text_len;
	struct vst_note_key key;
	int rc;

	if ((rc = vst_note_key_make(name, vst_signer_public(signer)->key, &key, err)) != 0)
		return rc;
	if (!find_text_end(note->data, note->len, &text_len))
		return vst_err_set(err, VST_EUSAGE, "note: nothing to sign");
	memcpy(bytes, key.id, sizeof key.id);
	if ((rc = vst_signer_sign_raw(signer, note->data, text_len, bytes + VST_NOTE_KEY_ID_LEN, err)) != 0)
		return rc;
	vst_buf_text(note, DASH);
	vst_buf_text(note, name);
	vst_buf_byte(note, ' ');
	vst_base64_append(note, bytes, sizeof bytes, VST_BASE64_PADDED);
	vst_buf_byte(note, '\n');
	if ((rc = vst_buf_check(note, err)) != 0)
		note->len = start;
	return rc;
}

/* ---- reading ---- */

void vst_note_free(struct vst_note *note)
{
	for (size_t i = 0; i < note->count; i++)
		free(note->signatures[i].signature);
	free(note->signatures);
	*note = (struct vst_note){0};
}

/* `— name base64` without the LF. */
static int signature_parse(
        const uint8_t *line, size_t len, struct vst_note_signature *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(line, len);
	struct vst_buf bytes = VST_BUF_INIT;
	const uint8_t *name, *digits;
	size_t name_len, digits_len;
	int rc;

	if (!vst_reader_literal(&in, DASH) || !vst_reader_until(&in, ' ', &name, &name_len) ||
	        !name_fits(name, name_len))
		return vst_err_set(
		        err, VST_EFORMAT, "note: a signature line is not `\xe2\x80\x94 NAME BASE64`");
	digits_len = vst_reader_left(&in);
	vst_reader_bytes(&in, digits_len, &digits);
	bool decoded = vst_base64_decode(digits, digits_len, VST_BASE64_PADDED, &bytes);
	if ((rc = vst_buf_check(&bytes, err)) != 0)
		goto out;
	if (!decoded || bytes.len <= VST_NOTE_KEY_ID_LEN) {
		rc = vst_err_set(err, VST_EFORMAT, "note: a signature is not base64, or too short");
		goto out;
	}
	ret->signature_len = bytes.len - VST_NOTE_KEY_ID_LEN;
	ret->signature = vst_memdup(bytes.data + VST_NOTE_KEY_ID_LEN, ret->signature_len);
	if (!ret->signature) {
		rc = vst_err_nomem(err);
		goto out;
	}
	memcpy(ret->id, bytes.data, VST_NOTE_KEY_ID_LEN);
	ret->name = (const char *)name;
	ret->name_len = name_len;
out:
	vst_buf_free(&bytes);
	return rc;
}

static size_t count_lines(const uint8_t *text, size_t len)
{
	size_t count = 0;
	for (size_t i = 0; i < len; i++)
		count += text[i] == '\n';
	return count;
}

int vst_note_parse(const void *bytes, size_t len, struct vst_note *ret, struct vst_err *err)
{
	struct vst_note note = {.text = bytes};
	const uint8_t *line;
	size_t line_len, lines;
	int rc = 0;

	if (len > VST_NOTE_MAX)
		return vst_err_set(err, VST_ELIMIT, "note: longer than %d bytes", VST_NOTE_MAX);
	/* The caller's bytes as a whole: a control character in a name would count as well. */
	if (!text_fits(bytes, len))
		return vst_err_set(err, VST_EFORMAT, "note: not lines of UTF-8 without control characters");
	if (!find_text_end(bytes, len, &note.text_len) || note.text_len + 1 == len)
		return vst_err_set(err, VST_EFORMAT, "note: no empty line with signatures below");
	struct vst_reader in = vst_reader_of(bytes, len);
	in.pos = note.text_len + 1;
	lines = count_lines(in.data + in.pos, vst_reader_left(&in));
	if (lines > VST_NOTE_SIGNATURES_MAX)
		return vst_err_set(err, VST_ELIMIT, "note: more than %d signatures", VST_NOTE_SIGNATURES_MAX);
	note.signatures = vst_calloc(lines, sizeof *note.signatures);
	if (!note.signatures)
		return vst_err_nomem(err);
	while (rc == 0 && vst_reader_line(&in, &line, &line_len)) {
		rc = signature_parse(line, line_len, &note.signatures[note.count], err);
		if (rc == 0)
			note.count++;
	}
	if (rc == 0)
		*ret = note;
	else
		vst_note_free(&note);
	return rc;
}

int vst_note_verify(const struct vst_note *note, const struct vst_note_key *key, struct vst_err *err)
{
	size_t good = 0;
	int rc;

	for (size_t i = 0; i < note->count; i++) {
		const struct vst_note_signature *line = &note->signatures[i];
		if (line->name_len != strlen(key->name) ||
		        memcmp(line->name, key->name, line->name_len) != 0 ||
		        memcmp(line->id, key->id, sizeof line->id) != 0)
			continue;
		rc = VST_EAUTH;
		if (line->signature_len == VST_ED25519_SIG_LEN)
			rc = vst_ed25519_verify(key->key, note->text, note->text_len, line->signature, err);
		if (rc == VST_EAUTH)
			vst_err_set(err, rc, "note: the signature of %s does not verify", key->name);
		if (rc != 0)
			return rc;
		good++;
	}
	if (good == 0)
		return vst_err_set(err, VST_ENOTFOUND, "note: not signed by %s", key->name);
	return 0;
}
