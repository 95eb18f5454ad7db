#include "vestige/sshkey.h"

#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/reader.h"
#include "vestige/text.h"

#define TYPE_MAX 64
#define SK_USER_PRESENT 0x01
#define SK_SIGNED_LEN (VST_HASH_LEN + 1 + 4 + VST_HASH_LEN)

static const char type_ed25519[] = "ssh-ed25519";
static const char type_sk_ed25519[] = "sk-ssh-ed25519@openssh.com";

static const char *type_name(enum vst_ssh_type type)
{
	return type == VST_SSH_SK_ED25519 ? type_sk_ed25519 : type_ed25519;
}

static bool bytes_are(const uint8_t *bytes, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(bytes, text, len) == 0;
}

static bool type_from_name(const uint8_t *name, size_t len, enum vst_ssh_type *ret)
{
	if (bytes_are(name, len, type_ed25519))
		*ret = VST_SSH_ED25519;
	else if (bytes_are(name, len, type_sk_ed25519))
		*ret = VST_SSH_SK_ED25519;
	else
		return false;
	return true;
}

static int unsupported_type(const uint8_t *name, size_t len, struct vst_err *err)
{
	int shown = len > TYPE_MAX ? TYPE_MAX : (int)len;
	vst_err_set(
	        err, VST_EUNSUPPORTED, "SSH key type %.*s: only Ed25519 is used", shown, (const char *)name);
	vst_err_hint(err, "make an Ed25519 key: ssh-keygen -t ed25519");
	return VST_EUNSUPPORTED;
}

static bool has_control(const uint8_t *text, size_t len, bool tab_too)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == 0x7f || (text[i] < 0x20 && (tab_too || text[i] != '\t')))
			return true;
	return false;
}

int vst_ssh_public_from_wire(const uint8_t *wire, size_t len, struct vst_ssh_public *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(wire, len);
	struct vst_ssh_public key = {0};
	const uint8_t *name, *bytes, *application;
	size_t name_len, bytes_len, application_len;

	if (!vst_reader_ssh_string(&in, TYPE_MAX, &name, &name_len) || name_len == 0)
		return vst_err_set(err, VST_EFORMAT, "SSH public key: no key type");
	if (!type_from_name(name, name_len, &key.type))
		return unsupported_type(name, name_len, err);
	if (!vst_reader_ssh_string(&in, VST_ED25519_KEY_LEN, &bytes, &bytes_len) ||
	        bytes_len != VST_ED25519_KEY_LEN)
		return vst_err_set(err, VST_EFORMAT, "SSH public key: the key is not %d bytes long",
		        VST_ED25519_KEY_LEN);
	memcpy(key.key, bytes, VST_ED25519_KEY_LEN);
	if (key.type == VST_SSH_SK_ED25519) {
		if (!vst_reader_ssh_string(&in, VST_SSH_APPLICATION_MAX, &application, &application_len))
			return vst_err_set(
			        err, VST_EFORMAT, "SSH public key: no application, or too long a one");
		if (has_control(application, application_len, true))
			return vst_err_set(
			        err, VST_EFORMAT, "SSH public key: control character in the application");
		memcpy(key.application, application, application_len);
	}
	if (!vst_reader_at_end(&in))
		return vst_err_set(err, VST_EFORMAT, "SSH public key: data after its end");
	*ret = key;
	return 0;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

static void skip_blanks(struct vst_reader *in)
{
	while (!vst_reader_at_end(in) && is_blank(in->data[in->pos]))
		in->pos++;
}

static size_t take_word(struct vst_reader *in, const uint8_t **ret)
{
	size_t start = in->pos;
	while (!vst_reader_at_end(in) && !is_blank(in->data[in->pos]))
		in->pos++;
	*ret = in->data + start;
	return in->pos - start;
}

/* A first word that OpenSSH has as a key type: said to be unsupported rather than malformed. */
static bool is_foreign_type(const uint8_t *name, size_t len)
{
	static const char *const prefixes[] = {"ssh-", "ecdsa-", "sk-"};
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		size_t n = strlen(prefixes[i]);
		if (len > n && len <= TYPE_MAX && memcmp(name, prefixes[i], n) == 0)
			return true;
	}
	return false;
}

int vst_ssh_public_parse(const char *text, size_t len, struct vst_ssh_public *ret, const char **ret_comment,
        size_t *ret_comment_len, struct vst_err *err)
{
	struct vst_buf wire = VST_BUF_INIT;
	struct vst_ssh_public key;
	enum vst_ssh_type type;
	const uint8_t *word;
	int rc;

	if (len > VST_SSH_FILE_MAX)
		return vst_err_set(err, VST_ELIMIT, "SSH public key: longer than %d bytes", VST_SSH_FILE_MAX);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	while (len > 0 && is_blank((uint8_t)text[len - 1]))
		len--;
	if (has_control((const uint8_t *)text, len, false))
		return vst_err_set(err, VST_EFORMAT, "SSH public key: not one line of text");

	struct vst_reader in = vst_reader_of(text, len);
	size_t word_len = take_word(&in, &word);
	if (!type_from_name(word, word_len, &type)) {
		if (is_foreign_type(word, word_len))
			return unsupported_type(word, word_len, err);
		return vst_err_set(err, VST_EFORMAT, "SSH public key: does not begin with `ssh-ed25519 `");
	}
	skip_blanks(&in);
	word_len = take_word(&in, &word);
	skip_blanks(&in);
	bool decoded = vst_base64_decode(word, word_len, VST_BASE64_PADDED, &wire);
	if ((rc = vst_buf_check(&wire, err)) != 0)
		goto out;
	if (!decoded || wire.len == 0) {
		rc = vst_err_set(err, VST_EFORMAT, "SSH public key: not base64");
		goto out;
	}
	if ((rc = vst_ssh_public_from_wire(wire.data, wire.len, &key, err)) != 0)
		goto out;
	if (key.type != type) {
		rc = vst_err_set(err, VST_EFORMAT, "SSH public key: holds another type than it says");
		goto out;
	}
	*ret = key;
	if (ret_comment)
		*ret_comment = text + in.pos;
	if (ret_comment_len)
		*ret_comment_len = vst_reader_left(&in);
out:
	vst_buf_free(&wire);
	return rc;
}

static void append_string(struct vst_buf *out, const void *data, size_t len)
{
	vst_buf_u32be(out, (uint32_t)len);
	vst_buf_bytes(out, data, len);
}

void vst_ssh_public_wire(const struct vst_ssh_public *key, struct vst_buf *out)
{
	const char *name = type_name(key->type);
	append_string(out, name, strlen(name));
	append_string(out, key->key, sizeof key->key);
	if (key->type == VST_SSH_SK_ED25519)
		append_string(out, key->application, strlen(key->application));
}

void vst_ssh_public_text(const struct vst_ssh_public *key, struct vst_buf *out)
{
	struct vst_buf wire = VST_BUF_INIT;
	vst_ssh_public_wire(key, &wire);
	vst_buf_text(out, type_name(key->type));
	vst_buf_byte(out, ' ');
	vst_base64_append(out, wire.data, wire.len, VST_BASE64_PADDED);
	if (wire.failed)
		out->failed = true;
	vst_buf_free(&wire);
}

bool vst_ssh_public_equal(const struct vst_ssh_public *a, const struct vst_ssh_public *b)
{
	if (a->type != b->type || memcmp(a->key, b->key, sizeof a->key) != 0)
		return false;
	return a->type != VST_SSH_SK_ED25519 || strcmp(a->application, b->application) == 0;
}

/* The digest of the wire form, laid out by parts: this must not depend on memory. */
void vst_ssh_public_fingerprint(const struct vst_ssh_public *key, char ret_text[VST_SSH_FINGERPRINT_TEXT])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *name = type_name(key->type);
	size_t application_len = strlen(key->application);
	const uint8_t name_len[4] = {0, 0, 0, (uint8_t)strlen(name)};
	const uint8_t key_len[4] = {0, 0, 0, VST_ED25519_KEY_LEN};
	const uint8_t app_len[4] = {0, 0, 0, (uint8_t)application_len};
	const struct vst_part parts[] = {{name_len, sizeof name_len}, {name, strlen(name)},
	        {key_len, sizeof key_len}, {key->key, sizeof key->key}, {app_len, sizeof app_len},
	        {key->application, application_len}};
	uint8_t digest[VST_HASH_LEN + 1];

	vst_sha256_parts(parts, key->type == VST_SSH_SK_ED25519 ? 6 : 4, digest);
	digest[VST_HASH_LEN] = 0;
	memcpy(ret_text, "SHA256:", 7);
	for (size_t i = 0, out = 7; i < VST_HASH_LEN; i += 3) {
		uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
		for (unsigned shift = 24; shift > 0 && out < VST_SSH_FINGERPRINT_TEXT - 1;) {
			shift -= 6;
			ret_text[out++] = digits[group >> shift & 63];
		}
	}
	ret_text[VST_SSH_FINGERPRINT_TEXT - 1] = '\0';
}

/* What a hardware key really signs: the message is only a digest in it (PROTOCOL.u2f, "SSH U2F Signatures").
 */
static void sk_signed(const struct vst_ssh_public *key, uint8_t flags, uint32_t counter, const void *data,
        size_t len, uint8_t ret[SK_SIGNED_LEN])
{
	vst_sha256(key->application, strlen(key->application), ret);
	ret[VST_HASH_LEN] = flags;
	for (unsigned i = 0; i < 4; i++)
		ret[VST_HASH_LEN + 1 + i] = (uint8_t)(counter >> (24 - 8 * i));
	vst_sha256(data, len, ret + VST_HASH_LEN + 5);
}

int vst_ssh_verify(const struct vst_ssh_public *key, const void *data, size_t len, const uint8_t *blob,
        size_t blob_len, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(blob, blob_len);
	const uint8_t *name, *signature;
	size_t name_len, signature_len;
	uint8_t flags = 0;
	uint32_t counter = 0;
	uint8_t covered[SK_SIGNED_LEN];

	if (!vst_reader_ssh_string(&in, TYPE_MAX, &name, &name_len))
		return vst_err_set(err, VST_EFORMAT, "SSH signature: no type");
	if (!bytes_are(name, name_len, type_name(key->type)))
		return vst_err_set(err, VST_EAUTH, "SSH signature: of another type than its key");
	if (!vst_reader_ssh_string(&in, VST_ED25519_SIG_LEN, &signature, &signature_len) ||
	        signature_len != VST_ED25519_SIG_LEN)
		return vst_err_set(err, VST_EFORMAT, "SSH signature: not %d bytes long", VST_ED25519_SIG_LEN);
	if (key->type == VST_SSH_SK_ED25519 &&
	        (!vst_reader_u8(&in, &flags) || !vst_reader_u32be(&in, &counter)))
		return vst_err_set(err, VST_EFORMAT, "SSH signature: no flags and counter");
	if (!vst_reader_at_end(&in))
		return vst_err_set(err, VST_EFORMAT, "SSH signature: data after its end");
	if (key->type != VST_SSH_SK_ED25519)
		return vst_ed25519_verify(key->key, data, len, signature, err);
	if (!(flags & SK_USER_PRESENT))
		return vst_err_set(
		        err, VST_EAUTH, "SSH signature: made by a hardware key that nobody touched");
	sk_signed(key, flags, counter, data, len, covered);
	return vst_ed25519_verify(key->key, covered, sizeof covered, signature, err);
}
