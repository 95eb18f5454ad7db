#include "vestige/sshprivate.h"

#include <string.h>

#include "crypto/ssharmor.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/reader.h"
#include "vestige/secret.h"

#define TYPE_MAX 64
#define BLOB_MAX VST_SSH_FILE_MAX
#define CIPHER_BLOCK 8 /* of the cipher "none" */

static const char private_label[] = "OPENSSH PRIVATE KEY";
static const char private_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
static const char private_end[] = "-----END OPENSSH PRIVATE KEY-----";
static const char private_magic[] = "openssh-key-v1"; /* its NUL belongs to the format */
static const char type_ed25519[] = "ssh-ed25519";

static bool bytes_are(const uint8_t *bytes, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(bytes, text, len) == 0;
}

static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == 0x7f || (unsigned char)text[i] < 0x20)
			return true;
	return false;
}

/* ---- from text to bytes ---- */

bool vst_ssh_private_is(const void *text, size_t len)
{
	size_t n = strlen(private_begin);
	return len > n && memcmp(text, private_begin, n) == 0;
}

/* All ones if `c` lies between `first` and `last`, else 0; without a branch, because c is part of a secret.
 */
static int between(int c, int first, int last)
{
	return ((first - 1 - c) & (c - last - 1)) >> 8;
}

/* The value of a base64 digit, or -1. */
static int secret_digit(int c)
{
	int value = -1;
	value += between(c, 'A', 'Z') & (c - 'A' + 1);
	value += between(c, 'a', 'z') & (c - 'a' + 27);
	value += between(c, '0', '9') & (c - '0' + 53);
	value += between(c, '+', '+') & 63;
	value += between(c, '/', '/') & 64;
	return value;
}

struct secret_bytes {
	uint8_t *data; /* secure memory */
	size_t len, cap;
};

struct secret_base64 {
	struct secret_bytes *out;
	uint32_t group;
	unsigned digits; /* in the group */
	unsigned padding;
};

/* One digit into secure memory. vst_base64_decode() would leave the key in a buffer that can be swapped. */
static bool secret_base64_take(struct secret_base64 *state, uint8_t c)
{
	int value = 0;
	if (c == '=') {
		if (state->digits < 2)
			return false;
		state->padding++;
	} else if (state->padding > 0 || (value = secret_digit(c)) < 0) {
		return false;
	}
	state->group = state->group << 6 | (uint32_t)value;
	if (++state->digits < 4)
		return true;
	struct secret_bytes *out = state->out;
	if (out->cap - out->len < 3 || (state->group & ((1U << 8 * state->padding) - 1)) != 0)
		return false;
	for (unsigned i = 0; i < 3 - state->padding; i++)
		out->data[out->len++] = (uint8_t)(state->group >> (16 - 8 * i));
	state->group = 0;
	/* After padding nothing may follow: three digits are missing for ever. */
	state->digits = state->padding > 0 ? 4 : 0;
	return true;
}

/* A line without its LF or CR LF; the last one may lack it. False at the end. */
static bool take_text_line(struct vst_reader *in, const uint8_t **ret, size_t *ret_len)
{
	if (vst_reader_at_end(in))
		return false;
	if (!vst_reader_line(in, ret, ret_len)) {
		*ret_len = vst_reader_left(in);
		vst_reader_bytes(in, *ret_len, ret);
	}
	if (*ret_len > 0 && (*ret)[*ret_len - 1] == '\r')
		--*ret_len;
	return true;
}

static bool secret_base64_lines(struct vst_reader *in, struct secret_bytes *out)
{
	struct secret_base64 state = {.out = out};
	const uint8_t *line;
	size_t len;
	bool good = true, ended = false;

	while (good && !ended && take_text_line(in, &line, &len)) {
		ended = bytes_are(line, len, private_end);
		for (size_t i = 0; good && !ended && i < len; i++)
			good = state.digits < 4 && secret_base64_take(&state, line[i]);
	}
	good = good && ended && (state.digits == 0 || state.digits == 4) && out->len > 0;
	vst_wipe(&state, sizeof state);
	return good;
}

/*
 * Other programs wrap the base64 elsewhere or end their lines in CR LF, and people leave empty lines behind
 * when they copy a key: those are read. OpenSSH reads most of them too.
 */
static int private_decode(const void *text, size_t len, struct secret_bytes *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(text, len);
	struct secret_bytes bytes = {0};
	const uint8_t *line;
	size_t line_len;

	if (len > VST_SSH_FILE_MAX)
		return vst_err_set(
		        err, VST_ELIMIT, "SSH private key: longer than %d bytes", VST_SSH_FILE_MAX);
	if (!take_text_line(&in, &line, &line_len) || !bytes_are(line, line_len, private_begin))
		return vst_err_set(
		        err, VST_EFORMAT, "SSH private key: does not begin with `%s`", private_begin);
	bytes.cap = len / 4 * 3 + 3;
	bytes.data = vst_secret_alloc(bytes.cap);
	if (!bytes.data)
		return vst_err_set(err, VST_ENOMEM, "no secure memory");
	bool good = secret_base64_lines(&in, &bytes);
	while (good && take_text_line(&in, &line, &line_len))
		good = line_len == 0;
	if (!good) {
		vst_secret_free(bytes.data, bytes.cap);
		return vst_err_set(
		        err, VST_EFORMAT, "SSH private key: damaged: not base64 up to `%s`", private_end);
	}
	*ret = bytes;
	return 0;
}

/* ---- the bytes ---- */

struct private_outer {
	const uint8_t *cipher, *kdf, *kdf_options, *public, *section; /* borrowed from secure memory */
	size_t cipher_len, kdf_len, kdf_options_len, public_len, section_len;
	bool trailing; /* an authentication tag, in encrypted files of some ciphers */
};

static int private_outer_parse(
        const struct secret_bytes *bytes, struct private_outer *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(bytes->data, bytes->len);
	const uint8_t *magic;
	uint32_t count;

	if (!vst_reader_bytes(&in, sizeof private_magic, &magic) ||
	        memcmp(magic, private_magic, sizeof private_magic) != 0)
		return vst_err_set(err, VST_EFORMAT, "SSH private key: not of the format %s", private_magic);
	if (!vst_reader_ssh_string(&in, TYPE_MAX, &ret->cipher, &ret->cipher_len) ||
	        !vst_reader_ssh_string(&in, TYPE_MAX, &ret->kdf, &ret->kdf_len) ||
	        !vst_reader_ssh_string(&in, BLOB_MAX, &ret->kdf_options, &ret->kdf_options_len) ||
	        !vst_reader_u32be(&in, &count))
		return vst_err_set(err, VST_EFORMAT, "SSH private key: damaged header");
	if (count != 1)
		return vst_err_set(err, VST_EUNSUPPORTED, "SSH private key: holds %u keys, not one", count);
	if (!vst_reader_ssh_string(&in, BLOB_MAX, &ret->public, &ret->public_len) ||
	        !vst_reader_ssh_string(&in, BLOB_MAX, &ret->section, &ret->section_len))
		return vst_err_set(err, VST_EFORMAT, "SSH private key: cut short");
	ret->trailing = !vst_reader_at_end(&in);
	return 0;
}

static bool padding_is_good(struct vst_reader *in)
{
	for (uint8_t expected = 1; !vst_reader_at_end(in); expected++) {
		uint8_t byte;
		if (!vst_reader_u8(in, &byte) || byte != expected)
			return false;
	}
	return true;
}

/* The unencrypted section; `public` is the key that the header named. */
static int private_section_parse(const struct private_outer *outer, const struct vst_ssh_public *public,
        uint8_t ret_seed[VST_ED25519_SEED_LEN], struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(outer->section, outer->section_len);
	const uint8_t *name, *inner, *pair, *comment;
	size_t name_len, inner_len, pair_len, comment_len;
	uint8_t derived[VST_ED25519_KEY_LEN];
	uint32_t check, again;
	int rc;

	if (outer->section_len % CIPHER_BLOCK != 0 || !vst_reader_u32be(&in, &check) ||
	        !vst_reader_u32be(&in, &again) || check != again)
		return vst_err_set(err, VST_EFORMAT, "SSH private key: damaged: the check numbers differ");
	if (!vst_reader_ssh_string(&in, TYPE_MAX, &name, &name_len) ||
	        !bytes_are(name, name_len, type_ed25519) ||
	        !vst_reader_ssh_string(&in, VST_ED25519_KEY_LEN, &inner, &inner_len) ||
	        inner_len != VST_ED25519_KEY_LEN ||
	        !vst_reader_ssh_string(&in, VST_ED25519_SEED_LEN + VST_ED25519_KEY_LEN, &pair, &pair_len) ||
	        pair_len != VST_ED25519_SEED_LEN + VST_ED25519_KEY_LEN ||
	        !vst_reader_ssh_string(&in, BLOB_MAX, &comment, &comment_len) || !padding_is_good(&in))
		return vst_err_set(err, VST_EFORMAT, "SSH private key: damaged private section");
	/* Signing with a public key that is not the seed's own gives the seed away: all copies must be the
	 * derived one. */
	if ((rc = vst_ed25519_public(pair, derived, err)) != 0)
		return rc;
	if (memcmp(derived, public->key, sizeof derived) != 0 ||
	        memcmp(derived, inner, sizeof derived) != 0 ||
	        memcmp(derived, pair + VST_ED25519_SEED_LEN, sizeof derived) != 0)
		return vst_err_set(err, VST_EFORMAT, "SSH private key: its public key is not its own");
	memcpy(ret_seed, pair, VST_ED25519_SEED_LEN);
	return 0;
}

int vst_ssh_private_parse(const void *text, size_t len, uint8_t ret_seed[VST_ED25519_SEED_LEN],
        struct vst_ssh_public *ret_public, struct vst_err *err)
{
	struct secret_bytes bytes = {0};
	struct private_outer outer;
	struct vst_ssh_public public;
	int rc;

	if ((rc = private_decode(text, len, &bytes, err)) != 0)
		return rc;
	if ((rc = private_outer_parse(&bytes, &outer, err)) != 0)
		goto out;
	if ((rc = vst_ssh_public_from_wire(outer.public, outer.public_len, &public, err)) != 0) {
		vst_err_prepend(err, "SSH private key");
		goto out;
	}
	if (public.type != VST_SSH_ED25519) {
		rc = vst_err_set(err, VST_EUNSUPPORTED, "SSH private key: stands for a hardware key");
		vst_err_hint(err, "signing works through ssh-agent: ssh-add the key");
		goto out;
	}
	if (!bytes_are(outer.cipher, outer.cipher_len, "none")) {
		rc = vst_err_set(err, VST_EKEY, "SSH private key: protected by a passphrase");
		vst_err_hint(err, "for signing, ssh-add the key; else take the passphrase off a copy: "
		                  "ssh-keygen -p -N '' -f COPY");
		goto out;
	}
	if (!bytes_are(outer.kdf, outer.kdf_len, "none") || outer.kdf_options_len != 0 || outer.trailing) {
		rc = vst_err_set(err, VST_EFORMAT, "SSH private key: damaged header");
		goto out;
	}
	if ((rc = private_section_parse(&outer, &public, ret_seed, err)) == 0 && ret_public)
		*ret_public = public;
out:
	vst_secret_free(bytes.data, bytes.cap);
	return rc;
}

int vst_ssh_private_peek(const void *text, size_t len, struct vst_ssh_public *ret_public, struct vst_err *err)
{
	struct secret_bytes bytes = {0};
	struct private_outer outer;
	int rc;

	if ((rc = private_decode(text, len, &bytes, err)) != 0)
		return rc;
	if ((rc = private_outer_parse(&bytes, &outer, err)) == 0)
		rc = vst_ssh_public_from_wire(outer.public, outer.public_len, ret_public, err);
	vst_secret_free(bytes.data, bytes.cap);
	return rc;
}

static void put_bytes(struct secret_bytes *out, const void *data, size_t len)
{
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static void put_u32(struct secret_bytes *out, size_t value)
{
	for (unsigned i = 0; i < 4; i++)
		out->data[out->len++] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_string(struct secret_bytes *out, const void *data, size_t len)
{
	put_u32(out, len);
	put_bytes(out, data, len);
}

#define ED25519_WIRE_LEN (4 + sizeof type_ed25519 - 1 + 4 + VST_ED25519_KEY_LEN)

static size_t section_len(size_t comment_len)
{
	size_t len = 8 + ED25519_WIRE_LEN + 4 + VST_ED25519_SEED_LEN + VST_ED25519_KEY_LEN + 4 + comment_len;
	return (len + CIPHER_BLOCK - 1) / CIPHER_BLOCK * CIPHER_BLOCK;
}

static void private_put(struct secret_bytes *out, const uint8_t seed[VST_ED25519_SEED_LEN],
        const uint8_t public[VST_ED25519_KEY_LEN], uint32_t check, const char *comment)
{
	put_bytes(out, private_magic, sizeof private_magic);
	put_string(out, "none", 4);
	put_string(out, "none", 4);
	put_string(out, "", 0);
	put_u32(out, 1);
	put_u32(out, ED25519_WIRE_LEN);
	put_string(out, type_ed25519, sizeof type_ed25519 - 1);
	put_string(out, public, VST_ED25519_KEY_LEN);

	put_u32(out, section_len(strlen(comment)));
	size_t start = out->len;
	put_u32(out, check);
	put_u32(out, check);
	put_string(out, type_ed25519, sizeof type_ed25519 - 1);
	put_string(out, public, VST_ED25519_KEY_LEN);
	put_u32(out, VST_ED25519_SEED_LEN + VST_ED25519_KEY_LEN);
	put_bytes(out, seed, VST_ED25519_SEED_LEN);
	put_bytes(out, public, VST_ED25519_KEY_LEN);
	put_string(out, comment, strlen(comment));
	for (uint8_t pad = 1; (out->len - start) % CIPHER_BLOCK != 0; pad++)
		put_bytes(out, &pad, 1);
}

int vst_ssh_private_text(const uint8_t seed[VST_ED25519_SEED_LEN], const char *comment, struct vst_buf *out,
        struct vst_err *err)
{
	uint8_t public[VST_ED25519_KEY_LEN];
	struct secret_bytes bytes = {0};
	uint32_t check;
	int rc;

	if (!comment)
		comment = "";
	size_t comment_len = strlen(comment);
	if (comment_len > VST_SSH_COMMENT_MAX || has_control(comment, comment_len))
		return vst_err_set(err, VST_EUSAGE,
		        "SSH private key: a comment is one line of at most %d bytes", VST_SSH_COMMENT_MAX);
	if ((rc = vst_ed25519_public(seed, public, err)) != 0 ||
	        (rc = vst_random(&check, sizeof check, err)) != 0)
		return rc;
	bytes.cap =
	        sizeof private_magic + 8 + 8 + 4 + 4 + 4 + ED25519_WIRE_LEN + 4 + section_len(comment_len);
	bytes.data = vst_secret_alloc(bytes.cap);
	if (!bytes.data)
		return vst_err_set(err, VST_ENOMEM, "no secure memory");
	private_put(&bytes, seed, public, check, comment);
	vst_ssh_armor_append(out, private_label, bytes.data, bytes.len);
	rc = vst_buf_check(out, err);
	vst_secret_free(bytes.data, bytes.cap);
	return rc;
}
