#include <gcrypt.h>
#include <string.h>

#include "crypto/age_keys.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/secret.h"
#include "vestige/text.h"

#define LABEL_X25519 "age-encryption.org/v1/X25519"
#define LABEL_SSH "age-encryption.org/v1/ssh-ed25519"
#define LABEL_SCRYPT "age-encryption.org/v1/scrypt"
#define SALT_LEN 16
#define SSH_TAG_LEN 4
#define SCRYPT_R_IS_8 1 /* libgcrypt fixes r; its `iterations` is p */

/* ---- keys that wrap ---- */

/* The wrapping key from the shared secret of both sides; `share` is the one-time public key in the stanza. */
static void agreed_key(const uint8_t secret[VST_X25519_LEN], const uint8_t share[VST_X25519_LEN],
        const struct vst_age_public *public_key, const char *label, uint8_t ret[VST_AGE_KEY_LEN])
{
	uint8_t salt[2 * VST_X25519_LEN];

	memcpy(salt, share, VST_X25519_LEN);
	memcpy(salt + VST_X25519_LEN, public_key->point, VST_X25519_LEN);
	vst_hkdf_sha256(
	        secret, VST_X25519_LEN, salt, sizeof salt, label, strlen(label), ret, VST_AGE_KEY_LEN);
}

/*
 * Both sides: `scalar` is the one-time secret and `point` the recipient's, or the identity's secret and the
 * share. For SSH keys the shared point is multiplied by a number made from the key's wire form, which binds
 * it to this use.
 */
static int agree(enum vst_age_kind kind, const uint8_t scalar[VST_X25519_LEN],
        const uint8_t point[VST_X25519_LEN], const uint8_t share[VST_X25519_LEN],
        const struct vst_age_public *public_key, uint8_t ret[VST_AGE_KEY_LEN], struct vst_err *err)
{
	uint8_t secret[VST_X25519_LEN];
	uint8_t tweak[VST_X25519_LEN];
	int rc = vst_x25519(scalar, point, secret, err);

	if (rc == 0 && kind == VST_AGE_SSH_ED25519) {
		vst_hkdf_sha256(NULL, 0, public_key->ssh_wire, sizeof public_key->ssh_wire, LABEL_SSH,
		        sizeof LABEL_SSH - 1, tweak, sizeof tweak);
		rc = vst_x25519(tweak, secret, secret, err);
	}
	if (rc == 0)
		agreed_key(secret, share, public_key, kind == VST_AGE_SSH_ED25519 ? LABEL_SSH : LABEL_X25519,
		        ret);
	vst_wipe(secret, sizeof secret);
	return rc;
}

static int passphrase_key(const struct vst_age_passphrase *passphrase, const uint8_t salt[SALT_LEN],
        unsigned work_factor, uint8_t ret[VST_AGE_KEY_LEN], struct vst_err *err)
{
	uint8_t full[sizeof LABEL_SCRYPT - 1 + SALT_LEN];
	int rc = vst_crypto_start(err);

	if (rc != 0)
		return rc;
	memcpy(full, LABEL_SCRYPT, sizeof LABEL_SCRYPT - 1);
	memcpy(full + sizeof LABEL_SCRYPT - 1, salt, SALT_LEN);
	gcry_error_t error = gcry_kdf_derive(passphrase->text, passphrase->len, GCRY_KDF_SCRYPT,
	        1 << work_factor, full, sizeof full, SCRYPT_R_IS_8, VST_AGE_KEY_LEN, ret);
	if (gcry_err_code(error) == GPG_ERR_ENOMEM)
		return vst_err_set(err, VST_ENOMEM, "out of memory: this passphrase needs %u MiB",
		        work_factor > 10 ? 1u << (work_factor - 10) : 1u);
	if (error)
		return vst_err_set(err, VST_ELIBRARY, "scrypt: %s", gcry_strerror(error));
	return 0;
}

/* ---- wrapping ---- */

static void ssh_tag(const struct vst_age_public *public_key, uint8_t ret[SSH_TAG_LEN])
{
	uint8_t digest[VST_HASH_LEN];

	vst_sha256(public_key->ssh_wire, sizeof public_key->ssh_wire, digest);
	memcpy(ret, digest, SSH_TAG_LEN);
}

static int append_body(struct vst_buf *out, const uint8_t key[VST_AGE_KEY_LEN],
        const uint8_t file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err)
{
	struct vst_age_cipher *cipher = NULL;
	uint8_t wrapped[VST_AGE_WRAPPED_LEN];
	int rc = vst_age_cipher_new(&cipher, key, err);

	if (rc == 0)
		rc = vst_age_cipher_seal(cipher, 0, false, file_key, VST_AGE_FILE_KEY_LEN, wrapped, err);
	if (rc == 0) {
		vst_buf_byte(out, '\n');
		vst_base64_append(out, wrapped, sizeof wrapped, VST_BASE64_RAW);
		vst_buf_byte(out, '\n');
		rc = vst_buf_check(out, err);
	}
	vst_age_cipher_free(cipher);
	return rc;
}

static int wrap_to_point(const struct vst_age_recipient *recipient,
        const uint8_t file_key[VST_AGE_FILE_KEY_LEN], struct vst_buf *out, struct vst_err *err)
{
	uint8_t scalar[VST_X25519_LEN];
	uint8_t share[VST_X25519_LEN];
	uint8_t key[VST_AGE_KEY_LEN];
	uint8_t tag[SSH_TAG_LEN];
	int rc = vst_random(scalar, sizeof scalar, err);

	if (rc == 0)
		rc = vst_x25519_public(scalar, share, err);
	if (rc == 0)
		rc = agree(recipient->kind, scalar, recipient->public_key.point, share,
		        &recipient->public_key, key, err);
	if (rc != 0)
		goto out;
	if (recipient->kind == VST_AGE_SSH_ED25519) {
		ssh_tag(&recipient->public_key, tag);
		vst_buf_text(out, "-> ssh-ed25519 ");
		vst_base64_append(out, tag, sizeof tag, VST_BASE64_RAW);
		vst_buf_byte(out, ' ');
	} else {
		vst_buf_text(out, "-> X25519 ");
	}
	vst_base64_append(out, share, sizeof share, VST_BASE64_RAW);
	rc = append_body(out, key, file_key, err);
out:
	vst_wipe(scalar, sizeof scalar);
	vst_wipe(key, sizeof key);
	return rc;
}

static int wrap_to_passphrase(const struct vst_age_recipient *recipient,
        const uint8_t file_key[VST_AGE_FILE_KEY_LEN], struct vst_buf *out, struct vst_err *err)
{
	uint8_t salt[SALT_LEN];
	uint8_t key[VST_AGE_KEY_LEN];
	int rc = vst_random(salt, sizeof salt, err);

	if (rc == 0)
		rc = passphrase_key(&recipient->passphrase, salt, recipient->work_factor, key, err);
	if (rc == 0) {
		vst_buf_text(out, "-> scrypt ");
		vst_base64_append(out, salt, sizeof salt, VST_BASE64_RAW);
		vst_buf_printf(out, " %u", recipient->work_factor);
		rc = append_body(out, key, file_key, err);
	}
	vst_wipe(key, sizeof key);
	return rc;
}

int vst_age_wrap(const struct vst_age_recipient *recipient, const uint8_t file_key[VST_AGE_FILE_KEY_LEN],
        struct vst_buf *out, struct vst_err *err)
{
	if (recipient->kind == VST_AGE_PASSPHRASE)
		return wrap_to_passphrase(recipient, file_key, out, err);
	return wrap_to_point(recipient, file_key, out, err);
}

/* ---- unwrapping ---- */

static int bad_stanza(struct vst_err *err, const char *type, const char *what)
{
	return vst_err_set(err, VST_EFORMAT, "age header: %s stanza: %s", type, what);
}

/* An argument that must hold exactly `len` bytes in canonical base64. */
static int decode_arg(const struct vst_age_header *header, const struct vst_age_stanza *stanza, size_t number,
        uint8_t *ret, size_t len, struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT;
	size_t arg_len;
	const char *arg = vst_age_stanza_arg(header, stanza, number, &arg_len);
	int rc = 0;

	if (vst_base64_decode(arg, arg_len, VST_BASE64_RAW, &bytes) && bytes.len == len)
		memcpy(ret, bytes.data, len);
	else
		rc = bytes.failed
		             ? vst_buf_check(&bytes, err)
		             : vst_err_set(err, VST_EFORMAT,
		                       "age header: a stanza's argument is not canonical base64 of %zu bytes",
		                       len);
	vst_buf_free(&bytes);
	return rc;
}

static int open_body(const struct vst_age_header *header, const struct vst_age_stanza *stanza,
        const uint8_t key[VST_AGE_KEY_LEN], uint8_t ret_file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err)
{
	struct vst_age_cipher *cipher = NULL;
	int rc = vst_age_cipher_new(&cipher, key, err);

	if (rc == 0)
		rc = vst_age_cipher_open(cipher, 0, false, vst_age_stanza_body(header, stanza),
		        stanza->body_len, ret_file_key, err);
	vst_age_cipher_free(cipher);
	/* It is for another key; or damaged, which nobody can tell apart. */
	return rc == VST_EAUTH ? VST_EKEY : rc;
}

static int unwrap_point(const struct vst_age_identity *identity, const struct vst_age_header *header,
        const struct vst_age_stanza *stanza, uint8_t ret_file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err)
{
	bool ssh = identity->kind == VST_AGE_SSH_ED25519;
	const char *type = ssh ? "ssh-ed25519" : "X25519";
	uint8_t share[VST_X25519_LEN];
	uint8_t key[VST_AGE_KEY_LEN];
	int rc;

	if (stanza->arg_count != (ssh ? 2 : 1))
		return bad_stanza(err, type, "wrong number of arguments");
	rc = decode_arg(header, stanza, ssh ? 1 : 0, share, sizeof share, err);
	if (rc != 0)
		return rc;
	if (ssh) {
		uint8_t own[SSH_TAG_LEN];
		uint8_t tag[SSH_TAG_LEN];
		ssh_tag(&identity->public_key, own);
		/* The tag only says whose stanza it is: whatever is not ours is somebody else's. */
		rc = decode_arg(header, stanza, 0, tag, sizeof tag, NULL);
		if (rc == VST_ENOMEM)
			return vst_err_nomem(err);
		if (rc != 0 || memcmp(own, tag, sizeof tag) != 0)
			return VST_EKEY;
	}
	/* Before anything is decrypted: a longer body could be made to open under several keys. */
	if (stanza->body_len != VST_AGE_WRAPPED_LEN)
		return bad_stanza(err, type, "the file key has a wrong length");
	rc = agree(identity->kind, identity->scalar, share, share, &identity->public_key, key, err);
	if (rc == VST_EAUTH)
		return bad_stanza(err, type, "the share is a low-order point");
	if (rc == 0)
		rc = open_body(header, stanza, key, ret_file_key, err);
	vst_wipe(key, sizeof key);
	return rc;
}

/* Decimal without sign or leading zero; a number too long to be read is above the cap as well. */
static int read_work_factor(const struct vst_age_header *header, const struct vst_age_stanza *stanza,
        unsigned *ret, struct vst_err *err)
{
	size_t len;
	const char *text = vst_age_stanza_arg(header, stanza, 1, &len);
	unsigned value = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < (i == 0 ? '1' : '0') || text[i] > '9')
			return bad_stanza(err, "scrypt", "malformed work factor");
		if (value <= VST_AGE_WORK_FACTOR_MAX)
			value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > VST_AGE_WORK_FACTOR_MAX)
		return vst_err_set(err, VST_ELIMIT,
		        "age header: scrypt stanza: work factor above %u: opening it would take "
		        "minutes and gigabytes",
		        VST_AGE_WORK_FACTOR_MAX);
	*ret = value;
	return 0;
}

static int unwrap_passphrase(const struct vst_age_identity *identity, const struct vst_age_header *header,
        const struct vst_age_stanza *stanza, uint8_t ret_file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err)
{
	uint8_t salt[SALT_LEN];
	uint8_t key[VST_AGE_KEY_LEN];
	unsigned work_factor = 0;
	int rc;

	if (stanza->arg_count != 2)
		return bad_stanza(err, "scrypt", "wrong number of arguments");
	rc = decode_arg(header, stanza, 0, salt, sizeof salt, err);
	if (rc == 0)
		rc = read_work_factor(header, stanza, &work_factor, err);
	if (rc != 0)
		return rc;
	if (stanza->body_len != VST_AGE_WRAPPED_LEN)
		return bad_stanza(err, "scrypt", "the file key has a wrong length");
	rc = passphrase_key(&identity->passphrase, salt, work_factor, key, err);
	if (rc == 0)
		rc = open_body(header, stanza, key, ret_file_key, err);
	vst_wipe(key, sizeof key);
	return rc;
}

int vst_age_unwrap(const struct vst_age_identity *identity, const struct vst_age_header *header,
        uint8_t ret_file_key[VST_AGE_FILE_KEY_LEN], struct vst_err *err)
{
	static const char *const types[] = {[VST_AGE_X25519] = "X25519",
	        [VST_AGE_SSH_ED25519] = "ssh-ed25519",
	        [VST_AGE_PASSPHRASE] = "scrypt"};
	int rc = VST_EKEY;

	for (size_t i = 0; i < header->count && rc == VST_EKEY; i++) {
		const struct vst_age_stanza *stanza = &header->stanzas[i];
		if (!vst_age_stanza_is(header, stanza, types[identity->kind]))
			continue;
		if (identity->kind == VST_AGE_PASSPHRASE)
			rc = unwrap_passphrase(identity, header, stanza, ret_file_key, err);
		else
			rc = unwrap_point(identity, header, stanza, ret_file_key, err);
	}
	if (rc == VST_EKEY)
		return vst_err_set(err, VST_EKEY, "the identity does not fit");
	return rc;
}
