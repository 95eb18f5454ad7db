#include <stdlib.h>
#include <string.h>

#include "crypto/age_keys.h"
#include "vestige/bech32.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/secret.h"
#include "vestige/sshprivate.h"

#define IDENTITY_FILE_MAX (1024 * 1024)
#define ARMOR_START "-----BEGIN AGE ENCRYPTED FILE-----"
#define BINARY_START "age-encryption.org/"
#define PLUGIN_START "AGE-PLUGIN-"

/* ---- one identity ---- */

void vst_age_identity_free(struct vst_age_identity *identity)
{
	if (!identity)
		return;
	vst_age_passphrase_free(&identity->passphrase);
	vst_secret_free(identity->scalar, VST_X25519_LEN);
	free(identity);
}

/* With room for the scalar, which is zero. */
static int new_point_identity(enum vst_age_kind kind, struct vst_age_identity **ret, struct vst_err *err)
{
	struct vst_age_identity *identity = vst_calloc(1, sizeof *identity);

	if (identity)
		identity->scalar = vst_secret_alloc(VST_X25519_LEN);
	if (!identity || !identity->scalar) {
		vst_age_identity_free(identity);
		return vst_err_nomem(err);
	}
	identity->kind = kind;
	*ret = identity;
	return 0;
}

int vst_age_identity_generate(struct vst_age_identity **ret, struct vst_err *err)
{
	struct vst_age_identity *identity = NULL;
	int rc = new_point_identity(VST_AGE_X25519, &identity, err);

	if (rc == 0)
		rc = vst_random(identity->scalar, VST_X25519_LEN, err);
	if (rc == 0)
		rc = vst_x25519_public(identity->scalar, identity->public_key.point, err);
	if (rc == 0) {
		*ret = identity;
		identity = NULL;
	}
	vst_age_identity_free(identity);
	return rc;
}

int vst_age_identity_passphrase(const char *passphrase, struct vst_age_identity **ret, struct vst_err *err)
{
	struct vst_age_identity *identity = vst_calloc(1, sizeof *identity);
	int rc;

	if (!identity)
		return vst_err_nomem(err);
	identity->kind = VST_AGE_PASSPHRASE;
	rc = vst_age_passphrase_copy(passphrase, &identity->passphrase, err);
	if (rc == 0)
		*ret = identity;
	else
		vst_age_identity_free(identity);
	return rc;
}

int vst_age_identity_text(const struct vst_age_identity *identity, struct vst_buf *out, struct vst_err *err)
{
	if (identity->kind != VST_AGE_X25519)
		return vst_err_set(err, VST_EUSAGE, "only an X25519 identity has a text");
	return vst_bech32_encode(VST_AGE_IDENTITY_HRP, identity->scalar, VST_X25519_LEN, out, err);
}

int vst_age_identity_recipient(
        const struct vst_age_identity *identity, struct vst_age_recipient **ret, struct vst_err *err)
{
	switch (identity->kind) {
	case VST_AGE_X25519:
		return vst_age_recipient_from_x25519(identity->public_key.point, ret, err);
	case VST_AGE_SSH_ED25519:
		return vst_age_recipient_from_ssh(identity->public_key.ssh_wire, ret, err);
	case VST_AGE_PASSPHRASE:
		return vst_age_recipient_passphrase(identity->passphrase.text, VST_AGE_WORK_FACTOR, ret, err);
	}
	return vst_err_set(err, VST_EUSAGE, "no such kind of identity");
}

/* ---- reading one ---- */

/* No error text quotes the line: it is, or was meant to be, a secret. */
static int parse_x25519(const char *text, size_t len, struct vst_age_identity **ret, struct vst_err *err)
{
	char hrp[VST_BECH32_HRP_MAX + 1];
	struct vst_buf scalar = VST_BUF_INIT;
	struct vst_age_identity *identity = NULL;
	int rc = vst_bech32_decode(text, len, hrp, &scalar, err);

	if (rc == 0 && strcmp(hrp, VST_AGE_IDENTITY_HRP) != 0)
		rc = vst_err_set(err, VST_EUNSUPPORTED, "post-quantum identities are not supported");
	if (rc == 0 && scalar.len != VST_X25519_LEN)
		rc = vst_err_set(err, VST_EFORMAT, "the identity has %zu bytes and not %d", scalar.len,
		        VST_X25519_LEN);
	if (rc == 0)
		rc = new_point_identity(VST_AGE_X25519, &identity, err);
	if (rc == 0) {
		memcpy(identity->scalar, scalar.data, VST_X25519_LEN);
		rc = vst_x25519_public(identity->scalar, identity->public_key.point, err);
	}
	if (rc == 0) {
		*ret = identity;
		identity = NULL;
	}
	vst_age_identity_free(identity);
	vst_buf_wipe(&scalar);
	return rc;
}

/* The X25519 secret that belongs to an Ed25519 seed: the first half of its SHA-512 (RFC 8032, 5.1.5). */
static int parse_ssh(const void *text, size_t len, struct vst_age_identity **ret, struct vst_err *err)
{
	struct vst_age_identity *identity = NULL;
	struct vst_ssh_public ssh;
	struct vst_buf wire = VST_BUF_INIT;
	uint8_t digest[VST_SHA512_LEN];
	uint8_t *seed = vst_secret_alloc(VST_ED25519_SEED_LEN);
	int rc = seed ? vst_ssh_private_parse(text, len, seed, &ssh, err) : vst_err_nomem(err);

	if (rc == 0)
		rc = new_point_identity(VST_AGE_SSH_ED25519, &identity, err);
	if (rc != 0)
		goto out;
	vst_sha512(seed, VST_ED25519_SEED_LEN, digest);
	memcpy(identity->scalar, digest, VST_X25519_LEN);
	vst_ssh_public_wire(&ssh, &wire);
	rc = vst_buf_check(&wire, err);
	if (rc == 0 && wire.len != VST_AGE_SSH_WIRE_LEN)
		rc = vst_err_set(
		        err, VST_EUNSUPPORTED, "nothing can be decrypted with a hardware (sk-) SSH key");
	if (rc == 0)
		rc = vst_x25519_from_ed25519(ssh.key, identity->public_key.point, err);
	if (rc == 0) {
		memcpy(identity->public_key.ssh_wire, wire.data, VST_AGE_SSH_WIRE_LEN);
		*ret = identity;
		identity = NULL;
	}
out:
	vst_wipe(digest, sizeof digest);
	vst_secret_free(seed, VST_ED25519_SEED_LEN);
	vst_buf_free(&wire);
	vst_age_identity_free(identity);
	return rc;
}

static bool starts_with(const char *text, size_t len, const char *prefix)
{
	size_t prefix_len = strlen(prefix);

	return len >= prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

static int parse_line(const char *text, size_t len, struct vst_age_identity **ret, struct vst_err *err)
{
	if (starts_with(text, len, VST_AGE_IDENTITY_HRP))
		return parse_x25519(text, len, ret, err);
	if (starts_with(text, len, PLUGIN_START))
		return vst_err_set(err, VST_EUNSUPPORTED, "identities of age plugins are not supported");
	if (starts_with(text, len, "age1") || starts_with(text, len, "ssh-")) {
		vst_err_set(
		        err, VST_EFORMAT, "this is a recipient: its identity, the secret half, is wanted");
		vst_err_hint(err, "an identity starts with %s1", VST_AGE_IDENTITY_HRP);
		return VST_EFORMAT;
	}
	return vst_err_set(
	        err, VST_EFORMAT, "this is no identity: one starts with %s1", VST_AGE_IDENTITY_HRP);
}

/* ---- sets ---- */

int vst_age_identities_add(
        struct vst_age_identities *set, struct vst_age_identity *identity, struct vst_err *err)
{
	struct vst_age_identity **grown = vst_realloc(set->list, set->count + 1, sizeof *grown);

	if (!grown)
		return vst_err_nomem(err);
	set->list = grown;
	set->list[set->count++] = identity;
	return 0;
}

static void drop_after(struct vst_age_identities *set, size_t count)
{
	while (set->count > count)
		vst_age_identity_free(set->list[--set->count]);
}

void vst_age_identities_free(struct vst_age_identities *set)
{
	drop_after(set, 0);
	free(set->list);
	set->list = NULL;
}

/* ---- files ---- */

static int add_or_free(struct vst_age_identities *set, struct vst_age_identity *identity, struct vst_err *err)
{
	int rc = vst_age_identities_add(set, identity, err);

	if (rc != 0)
		vst_age_identity_free(identity);
	return rc;
}

static int parse_lines(const void *text, size_t len, struct vst_age_identities *set, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(text, len);
	size_t number = 0;
	size_t found = 0;

	while (!vst_reader_at_end(&in)) {
		struct vst_age_identity *identity = NULL;
		const uint8_t *line;
		size_t line_len;

		number++;
		if (!vst_reader_line(&in, &line, &line_len)) {
			line_len = vst_reader_left(&in);
			vst_reader_bytes(&in, line_len, &line);
		}
		if (line_len > 0 && line[line_len - 1] == '\r')
			line_len--;
		if (line_len == 0 || line[0] == '#')
			continue;
		int rc = parse_line((const char *)line, line_len, &identity, err);
		if (rc == 0)
			rc = add_or_free(set, identity, err);
		if (rc != 0) {
			vst_err_prepend(err, "line %zu", number);
			return rc;
		}
		found++;
	}
	return found > 0 ? 0 : vst_err_set(err, VST_EFORMAT, "there are no identities in it");
}

static int parse_plain(const void *text, size_t len, struct vst_age_identities *set, struct vst_err *err)
{
	struct vst_age_identity *identity = NULL;
	int rc;

	if (!vst_ssh_private_is(text, len))
		return parse_lines(text, len, set, err);
	rc = parse_ssh(text, len, &identity, err);
	return rc == 0 ? add_or_free(set, identity, err) : rc;
}

static int ask_identity(
        vst_age_ask *ask, void *ask_ctx, struct vst_age_identities *ret_set, struct vst_err *err)
{
	struct vst_age_identity *identity = NULL;
	char *passphrase;
	int rc;

	if (!ask) {
		vst_err_set(err, VST_EKEY,
		        "the identity file is protected by a passphrase, and there is nobody to ask");
		vst_err_hint(err, "run this on a terminal, or decrypt the file with `age -d` first");
		return VST_EKEY;
	}
	passphrase = vst_secret_alloc(VST_AGE_PASSPHRASE_MAX + 1);
	if (!passphrase)
		return vst_err_nomem(err);
	passphrase[0] = '\0';
	rc = ask(ask_ctx, "the identity file", passphrase, VST_AGE_PASSPHRASE_MAX + 1, err);
	if (rc == 0)
		rc = vst_age_identity_passphrase(passphrase, &identity, err);
	if (rc == 0)
		rc = add_or_free(ret_set, identity, err);
	vst_secret_free(passphrase, VST_AGE_PASSPHRASE_MAX + 1);
	return rc;
}

/* The header is read before anybody is asked: what no passphrase opens needs no asking. */
static int check_passphrase_file(const struct vst_input *in, struct vst_err *err)
{
	struct vst_age_header header = VST_AGE_HEADER_INIT;
	int rc = vst_age_header_read(in, &header, err);

	if (rc == 0 && !vst_age_stanza_is(&header, &header.stanzas[0], "scrypt")) {
		rc = vst_err_set(
		        err, VST_EKEY, "the identity file is encrypted to a key and not by a passphrase");
		vst_err_hint(err, "decrypt it with `age -d -i KEY` first");
	}
	vst_age_header_free(&header);
	return rc;
}

static int parse_encrypted(const void *data, size_t len, vst_age_ask *ask, void *ask_ctx,
        struct vst_age_identities *set, struct vst_err *err)
{
	const struct vst_input in = vst_input_memory(data, len);
	struct vst_age_identities opener = {0};
	struct vst_buf plain = VST_BUF_INIT;
	const struct vst_output out = vst_output_buf(&plain);
	int rc = check_passphrase_file(&in, err);

	if (rc == 0)
		rc = ask_identity(ask, ask_ctx, &opener, err);
	if (rc != 0)
		goto out;
	/* Room for all at once: a buffer that grows would leave copies of the secret behind. */
	vst_buf_reserve(&plain, len);
	rc = vst_age_decrypt(&in, &opener, &out, err);
	if (rc == VST_EKEY)
		rc = vst_err_set(err, VST_EKEY, "the passphrase does not fit");
	if (rc == 0)
		rc = parse_plain(plain.data, plain.len, set, err);
out:
	vst_buf_wipe(&plain);
	vst_age_identities_free(&opener);
	return rc;
}

int vst_age_identities_parse(const void *text, size_t len, vst_age_ask *ask, void *ask_ctx,
        struct vst_age_identities *set, struct vst_err *err)
{
	struct vst_buf binary = VST_BUF_INIT;
	const char *start = text;
	size_t before = set->count;
	size_t skipped = 0;
	int rc;

	if (len > IDENTITY_FILE_MAX)
		return vst_err_set(err, VST_ELIMIT, "the identity file is longer than 1 MiB");
	while (skipped < len && memchr(" \t\r\n", start[skipped], 4))
		skipped++;
	if (starts_with(start + skipped, len - skipped, ARMOR_START)) {
		rc = vst_age_armor_decode(text, len, &binary, err);
		if (rc == 0)
			rc = parse_encrypted(binary.data, binary.len, ask, ask_ctx, set, err);
	} else if (starts_with(start, len, BINARY_START)) {
		rc = parse_encrypted(text, len, ask, ask_ctx, set, err);
	} else {
		rc = parse_plain(text, len, set, err);
	}
	if (rc != 0)
		drop_after(set, before);
	vst_buf_free(&binary);
	return rc;
}
