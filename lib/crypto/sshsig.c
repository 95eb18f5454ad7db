#include "vestige/sshsig.h"

#include <string.h>

#include "crypto/ssharmor.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/reader.h"
#include "vestige/signer.h"
#include "vestige/text.h"

/*
 * The blob:    "SSHSIG", u32 1, string public key, string namespace, string reserved, string hash, string
 * signature What it covers: "SSHSIG", string namespace, string reserved, string hash, string H(message) There
 * is no NUL behind the magic.
 */
#define MAGIC "SSHSIG"
#define VERSION 1
#define HASH_NAME_MAX 16
#define PART_MAX VST_SSHSIG_MAX

static const char label[] = "SSH SIGNATURE";
static const char begin_line[] = "-----BEGIN SSH SIGNATURE-----\n";
static const char end_line[] = "-----END SSH SIGNATURE-----\n";

static void append_string(struct vst_buf *out, const void *data, size_t len)
{
	vst_buf_u32be(out, (uint32_t)len);
	vst_buf_bytes(out, data, len);
}

static void append_text(struct vst_buf *out, const char *text)
{
	append_string(out, text, strlen(text));
}

/* What the key signs. `hash` is "sha256" or "sha512". */
static void append_covered(
        struct vst_buf *out, const char *name_space, const char *hash, const void *message, size_t len)
{
	uint8_t digest[VST_SHA512_LEN];
	bool is_sha256 = strcmp(hash, "sha256") == 0;

	if (is_sha256)
		vst_sha256(message, len, digest);
	else
		vst_sha512(message, len, digest);
	vst_buf_text(out, MAGIC);
	append_text(out, name_space);
	append_text(out, "");
	append_text(out, hash);
	append_string(out, digest, is_sha256 ? VST_HASH_LEN : VST_SHA512_LEN);
}

int vst_sshsig_sign(struct vst_signer *signer, const char *name_space, const void *message, size_t len,
        struct vst_buf *out, struct vst_err *err)
{
	struct vst_buf covered = VST_BUF_INIT, blob = VST_BUF_INIT, wire = VST_BUF_INIT,
	               signature = VST_BUF_INIT;
	size_t start = out->len;
	int rc;

	if (name_space[0] == '\0' || strlen(name_space) > VST_SSHSIG_NAMESPACE_MAX)
		return vst_err_set(err, VST_EUSAGE, "SSH signature: a namespace has 1 to %d bytes",
		        VST_SSHSIG_NAMESPACE_MAX);
	append_covered(&covered, name_space, "sha512", message, len);
	if ((rc = vst_buf_check(&covered, err)) != 0)
		goto out;
	if ((rc = vst_signer_sign_ssh(signer, covered.data, covered.len, &signature, err)) != 0)
		goto out;
	vst_ssh_public_wire(vst_signer_public(signer), &wire);
	vst_buf_text(&blob, MAGIC);
	vst_buf_u32be(&blob, VERSION);
	append_string(&blob, wire.data, wire.len);
	append_text(&blob, name_space);
	append_text(&blob, "");
	append_text(&blob, "sha512");
	append_string(&blob, signature.data, signature.len);
	if ((rc = vst_buf_check(&wire, err)) != 0 || (rc = vst_buf_check(&blob, err)) != 0)
		goto out;
	vst_ssh_armor_append(out, label, blob.data, blob.len);
	if ((rc = vst_buf_check(out, err)) != 0)
		out->len = start;
out:
	vst_buf_free(&covered);
	vst_buf_free(&blob);
	vst_buf_free(&wire);
	vst_buf_free(&signature);
	return rc;
}

/* ---- reading ---- */

static bool ends_with(const uint8_t *text, size_t len, const char *end, size_t end_len)
{
	return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

/*
 * Takes the armour apart without care for line lengths, then writes it anew and compares: what is not byte
 * for byte what the writer makes is refused, so a signature has one spelling only.
 */
static int armour_decode(const uint8_t *text, size_t len, struct vst_buf *out, struct vst_err *err)
{
	struct vst_buf digits = VST_BUF_INIT, again = VST_BUF_INIT;
	size_t begin_len = strlen(begin_line), end_len = strlen(end_line);
	int rc;

	if (len > VST_SSHSIG_MAX)
		return vst_err_set(err, VST_EFORMAT, "SSH signature: longer than %d bytes", VST_SSHSIG_MAX);
	if (len == 0 || text[len - 1] != '\n')
		end_len--;
	if (len < begin_len + end_len || memcmp(text, begin_line, begin_len) != 0 ||
	        !ends_with(text, len, end_line, end_len))
		return vst_err_set(err, VST_EFORMAT, "SSH signature: no armour, or something around it");
	for (size_t i = begin_len; i < len - end_len; i++)
		if (text[i] != '\n')
			vst_buf_byte(&digits, text[i]);
	bool decoded = vst_base64_decode(digits.data, digits.len, VST_BASE64_PADDED, out);
	vst_ssh_armor_append(&again, label, out->data, out->len);
	if ((rc = vst_buf_check(&digits, err)) != 0 || (rc = vst_buf_check(out, err)) != 0 ||
	        (rc = vst_buf_check(&again, err)) != 0)
		goto out;
	if (text[len - 1] != '\n')
		again.len--;
	if (!decoded || again.len != len || memcmp(again.data, text, len) != 0)
		rc = vst_err_set(
		        err, VST_EFORMAT, "SSH signature: not base64 in lines of %d", VST_SSH_ARMOR_COLUMNS);
out:
	vst_buf_free(&digits);
	vst_buf_free(&again);
	return rc;
}

struct sshsig {
	struct vst_ssh_public key;
	const char *hash;
	const uint8_t *name_space, *signature; /* borrowed from the blob */
	size_t name_space_len, signature_len;
};

static int blob_parse(const struct vst_buf *blob, struct sshsig *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(blob->data, blob->len);
	const uint8_t *wire, *reserved, *hash;
	size_t wire_len, reserved_len, hash_len;
	uint32_t version;
	int rc;

	if (!vst_reader_literal(&in, MAGIC) || !vst_reader_u32be(&in, &version))
		return vst_err_set(err, VST_EFORMAT, "SSH signature: does not begin with %s", MAGIC);
	if (version != VERSION)
		return vst_err_set(err, VST_EFORMAT, "SSH signature: version %u is not known", version);
	if (!vst_reader_ssh_string(&in, PART_MAX, &wire, &wire_len) ||
	        !vst_reader_ssh_string(
	                &in, VST_SSHSIG_NAMESPACE_MAX, &ret->name_space, &ret->name_space_len) ||
	        !vst_reader_ssh_string(&in, PART_MAX, &reserved, &reserved_len) ||
	        !vst_reader_ssh_string(&in, HASH_NAME_MAX, &hash, &hash_len) ||
	        !vst_reader_ssh_string(&in, PART_MAX, &ret->signature, &ret->signature_len) ||
	        !vst_reader_at_end(&in))
		return vst_err_set(err, VST_EFORMAT, "SSH signature: damaged, or data after its end");
	if (reserved_len != 0)
		return vst_err_set(err, VST_EFORMAT, "SSH signature: something in the reserved field");
	if (hash_len != 6 || (memcmp(hash, "sha256", 6) != 0 && memcmp(hash, "sha512", 6) != 0))
		return vst_err_set(err, VST_EFORMAT, "SSH signature: its hash is neither sha256 nor sha512");
	ret->hash = memcmp(hash, "sha256", 6) == 0 ? "sha256" : "sha512";
	if ((rc = vst_ssh_public_from_wire(wire, wire_len, &ret->key, err)) != 0)
		vst_err_prepend(err, "SSH signature");
	return rc;
}

int vst_sshsig_verify(const void *armour, size_t armour_len, const char *name_space, const void *message,
        size_t len, struct vst_ssh_public *ret_key, struct vst_err *err)
{
	struct vst_buf blob = VST_BUF_INIT, covered = VST_BUF_INIT;
	struct sshsig sig;
	int rc;

	if ((rc = armour_decode(armour, armour_len, &blob, err)) != 0 ||
	        (rc = blob_parse(&blob, &sig, err)) != 0)
		goto out;
	if (sig.name_space_len != strlen(name_space) ||
	        memcmp(sig.name_space, name_space, sig.name_space_len) != 0) {
		rc = vst_err_set(
		        err, VST_EAUTH, "SSH signature: made for another purpose than `%s`", name_space);
		goto out;
	}
	append_covered(&covered, name_space, sig.hash, message, len);
	if ((rc = vst_buf_check(&covered, err)) != 0)
		goto out;
	rc = vst_ssh_verify(&sig.key, covered.data, covered.len, sig.signature, sig.signature_len, err);
	if (rc == 0 && ret_key)
		*ret_key = sig.key;
out:
	vst_buf_free(&blob);
	vst_buf_free(&covered);
	return rc;
}
