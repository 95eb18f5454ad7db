#include <stdlib.h>
#include <string.h>

#include "crypto/age_keys.h"
#include "vestige/bech32.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/secret.h"
#include "vestige/sshkey.h"

#define SSH_PREFIX "ssh-"
#define SK_PREFIX "sk-"

static bool starts_with(const char *text, size_t len, const char *prefix)
{
	size_t prefix_len = strlen(prefix);

	return len >= prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

/* ---- passphrases ---- */

int vst_age_passphrase_copy(const char *text, struct vst_age_passphrase *ret, struct vst_err *err)
{
	size_t len = strnlen(text, VST_AGE_PASSPHRASE_MAX + 1);
	char *copy;

	if (len == 0)
		return vst_err_set(err, VST_EUSAGE, "the passphrase is empty");
	if (len > VST_AGE_PASSPHRASE_MAX)
		return vst_err_set(
		        err, VST_ELIMIT, "the passphrase is longer than %d bytes", VST_AGE_PASSPHRASE_MAX);
	copy = vst_secret_alloc(len + 1);
	if (!copy)
		return vst_err_nomem(err);
	memcpy(copy, text, len);
	copy[len] = '\0';
	*ret = (struct vst_age_passphrase){copy, len};
	return 0;
}

void vst_age_passphrase_free(struct vst_age_passphrase *passphrase)
{
	vst_secret_free(passphrase->text, passphrase->text ? passphrase->len + 1 : 0);
	*passphrase = (struct vst_age_passphrase){0};
}

/* ---- one recipient ---- */

void vst_age_recipient_free(struct vst_age_recipient *recipient)
{
	if (!recipient)
		return;
	vst_age_passphrase_free(&recipient->passphrase);
	free(recipient->text);
	free(recipient);
}

/* Takes over `text`, which is empty for want of memory or complete. */
static int new_recipient(enum vst_age_kind kind, const struct vst_age_public *public_key,
        struct vst_buf *text, struct vst_age_recipient **ret, struct vst_err *err)
{
	struct vst_age_recipient *recipient = NULL;
	int rc = vst_buf_check(text, err);

	if (rc != 0)
		return rc;
	recipient = vst_calloc(1, sizeof *recipient);
	if (recipient)
		recipient->text = vst_memdup(text->data, text->len);
	if (!recipient || !recipient->text) {
		free(recipient);
		return vst_err_nomem(err);
	}
	recipient->kind = kind;
	recipient->public_key = *public_key;
	*ret = recipient;
	return 0;
}

/* Nobody can agree on a secret with a low-order point: better refused now than when the evidence is to be
 * sealed. */
static int check_point(const uint8_t point[VST_X25519_LEN], struct vst_err *err)
{
	static const uint8_t any_scalar[VST_X25519_LEN] = {1};
	uint8_t unused[VST_X25519_LEN];
	int rc = vst_x25519(any_scalar, point, unused, err);

	if (rc == VST_EAUTH)
		return vst_err_set(
		        err, VST_EFORMAT, "the key is a low-order point: nothing can be encrypted to it");
	return rc;
}

int vst_age_recipient_from_x25519(
        const uint8_t point[VST_X25519_LEN], struct vst_age_recipient **ret, struct vst_err *err)
{
	struct vst_age_public public_key = {0};
	struct vst_buf text = VST_BUF_INIT;
	int rc = check_point(point, err);

	if (rc == 0)
		rc = vst_bech32_encode(VST_AGE_RECIPIENT_HRP, point, VST_X25519_LEN, &text, err);
	if (rc == 0) {
		memcpy(public_key.point, point, VST_X25519_LEN);
		rc = new_recipient(VST_AGE_X25519, &public_key, &text, ret, err);
	}
	vst_buf_free(&text);
	return rc;
}

int vst_age_recipient_from_ssh(
        const uint8_t wire[VST_AGE_SSH_WIRE_LEN], struct vst_age_recipient **ret, struct vst_err *err)
{
	struct vst_age_public public_key = {0};
	struct vst_ssh_public ssh;
	struct vst_buf text = VST_BUF_INIT;
	int rc = vst_ssh_public_from_wire(wire, VST_AGE_SSH_WIRE_LEN, &ssh, err);

	if (rc == 0)
		rc = vst_x25519_from_ed25519(ssh.key, public_key.point, err);
	if (rc == 0)
		rc = check_point(public_key.point, err);
	if (rc == 0) {
		memcpy(public_key.ssh_wire, wire, sizeof public_key.ssh_wire);
		vst_ssh_public_text(&ssh, &text);
		rc = new_recipient(VST_AGE_SSH_ED25519, &public_key, &text, ret, err);
	}
	vst_buf_free(&text);
	return rc;
}

static int parse_x25519(const char *text, size_t len, struct vst_age_recipient **ret, struct vst_err *err)
{
	char hrp[VST_BECH32_HRP_MAX + 1];
	struct vst_buf point = VST_BUF_INIT;
	int rc = vst_bech32_decode(text, len, hrp, &point, err);

	if (rc != 0)
		return rc;
	/* A longer prefix is a well-formed key of a kind that came later. */
	if (strcmp(hrp, VST_AGE_RECIPIENT_HRP) != 0)
		rc = vst_err_set(
		        err, VST_EUNSUPPORTED, "post-quantum and plugin recipients are not supported");
	else if (point.len != VST_X25519_LEN)
		rc = vst_err_set(err, VST_EFORMAT, "the recipient has %zu bytes and not %d", point.len,
		        VST_X25519_LEN);
	else
		rc = vst_age_recipient_from_x25519(point.data, ret, err);
	vst_buf_free(&point);
	return rc;
}

static int parse_ssh(const char *text, size_t len, struct vst_age_recipient **ret, struct vst_err *err)
{
	struct vst_ssh_public ssh;
	struct vst_buf wire = VST_BUF_INIT;
	int rc = vst_ssh_public_parse(text, len, &ssh, NULL, NULL, err);

	if (rc != 0)
		return rc;
	if (ssh.type != VST_SSH_ED25519) {
		vst_err_set(err, VST_EUNSUPPORTED, "nothing can be encrypted to a hardware (sk-) SSH key");
		vst_err_hint(err, "make a key with `vestige keygen`, or give an ssh-ed25519 key");
		return VST_EUNSUPPORTED;
	}
	vst_ssh_public_wire(&ssh, &wire);
	rc = vst_buf_check(&wire, err);
	if (rc == 0 && wire.len != VST_AGE_SSH_WIRE_LEN)
		rc = vst_err_set(err, VST_EFORMAT, "the SSH key has a wrong length");
	if (rc == 0)
		rc = vst_age_recipient_from_ssh(wire.data, ret, err);
	vst_buf_free(&wire);
	return rc;
}

int vst_age_recipient_parse(const char *text, size_t len, struct vst_age_recipient **ret, struct vst_err *err)
{
	if (starts_with(text, len, SSH_PREFIX) || starts_with(text, len, SK_PREFIX))
		return parse_ssh(text, len, ret, err);
	if (starts_with(text, len, VST_AGE_IDENTITY_HRP)) {
		vst_err_set(err, VST_EFORMAT, "this is an identity, a secret: its recipient is wanted");
		vst_err_hint(err, "the recipient starts with age1; keep the identity off this host");
		return VST_EFORMAT;
	}
	if (starts_with(text, len, "age1"))
		return parse_x25519(text, len, ret, err);
	vst_err_set(err, VST_EFORMAT, "this is no recipient");
	vst_err_hint(err, "a recipient looks like age1… or ssh-ed25519 AAAA…");
	return VST_EFORMAT;
}

int vst_age_recipient_passphrase(
        const char *passphrase, unsigned work_factor, struct vst_age_recipient **ret, struct vst_err *err)
{
	const struct vst_age_public none = {0};
	struct vst_age_passphrase copy = {0};
	struct vst_buf text = VST_BUF_INIT;
	int rc;

	if (work_factor < 1 || work_factor > VST_AGE_WORK_FACTOR_MAX)
		return vst_err_set(
		        err, VST_EUSAGE, "the work factor must be from 1 to %d", VST_AGE_WORK_FACTOR_MAX);
	rc = vst_age_passphrase_copy(passphrase, &copy, err);
	if (rc != 0)
		return rc;
	vst_buf_text(&text, "passphrase");
	rc = new_recipient(VST_AGE_PASSPHRASE, &none, &text, ret, err);
	if (rc == 0) {
		(*ret)->passphrase = copy;
		(*ret)->work_factor = work_factor;
	} else {
		vst_age_passphrase_free(&copy);
	}
	vst_buf_free(&text);
	return rc;
}

const char *vst_age_recipient_text(const struct vst_age_recipient *recipient)
{
	return recipient->text;
}

bool vst_age_recipient_is_passphrase(const struct vst_age_recipient *recipient)
{
	return recipient->kind == VST_AGE_PASSPHRASE;
}

void vst_age_recipient_fingerprint(const struct vst_age_recipient *recipient, uint8_t ret[VST_HASH_LEN])
{
	vst_sha256(recipient->text, strlen(recipient->text), ret);
}

/* ---- sets ---- */

int vst_age_recipients_add(
        struct vst_age_recipients *set, struct vst_age_recipient *recipient, struct vst_err *err)
{
	/* Two passphrases may differ and cannot stand together anyway: the writer is to see both. */
	for (size_t i = 0; i < set->count && recipient->kind != VST_AGE_PASSPHRASE; i++)
		if (strcmp(set->list[i]->text, recipient->text) == 0) {
			vst_age_recipient_free(recipient);
			return 0;
		}
	struct vst_age_recipient **grown = vst_realloc(set->list, set->count + 1, sizeof *grown);
	if (!grown)
		return vst_err_nomem(err);
	set->list = grown;
	set->list[set->count++] = recipient;
	return 0;
}

static void drop_after(struct vst_age_recipients *set, size_t count)
{
	while (set->count > count)
		vst_age_recipient_free(set->list[--set->count]);
}

void vst_age_recipients_free(struct vst_age_recipients *set)
{
	drop_after(set, 0);
	free(set->list);
	set->list = NULL;
}

int vst_age_recipients_parse(
        const void *text, size_t len, struct vst_age_recipients *set, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(text, len);
	size_t before = set->count;
	size_t number = 0;
	size_t found = 0;
	int rc = 0;

	while (rc == 0 && !vst_reader_at_end(&in)) {
		struct vst_age_recipient *recipient = NULL;
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
		rc = vst_age_recipient_parse((const char *)line, line_len, &recipient, err);
		if (rc == 0)
			rc = vst_age_recipients_add(set, recipient, err);
		else
			recipient = NULL;
		if (rc != 0) {
			vst_age_recipient_free(recipient);
			vst_err_prepend(err, "line %zu", number);
		}
		found++;
	}
	if (rc == 0 && found == 0)
		rc = vst_err_set(err, VST_EFORMAT, "there are no recipients in it");
	if (rc != 0)
		drop_after(set, before);
	return rc;
}
