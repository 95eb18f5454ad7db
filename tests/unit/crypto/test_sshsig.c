/* cmocka wants this order */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "crypto/ssh_samples.h"
#include "crypto/ssh_tool.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/signer.h"
#include "vestige/signers.h"
#include "vestige/sshprivate.h"
#include "vestige/sshsig.h"
#include "vestige/text.h"

#define BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define END "-----END SSH SIGNATURE-----\n"
#define SK_TYPE "sk-ssh-ed25519@openssh.com"

static const uint8_t seed[VST_ED25519_SEED_LEN] = {8, 9, 10};

static int verify(const char *armour, const char *name_space, const char *message)
{
	struct vst_ssh_public key;
	return vst_sshsig_verify(armour, strlen(armour), name_space, message, strlen(message), &key, NULL);
}

static void decode(const char *armour, struct vst_buf *out)
{
	struct vst_buf digits = VST_BUF_INIT;
	for (const char *at = armour + strlen(BEGIN); at < strstr(armour, "-----END"); at++)
		if (*at != '\n')
			vst_buf_byte(&digits, (uint8_t)*at);
	vst_buf_clear(out);
	assert_true(vst_base64_decode(digits.data, digits.len, VST_BASE64_PADDED, out));
	vst_buf_free(&digits);
}

static void encode_wrapped(const struct vst_buf *blob, size_t columns, struct vst_buf *out)
{
	struct vst_buf digits = VST_BUF_INIT;
	vst_base64_append(&digits, blob->data, blob->len, VST_BASE64_PADDED);
	vst_buf_clear(out);
	vst_buf_text(out, BEGIN);
	for (size_t at = 0; at < digits.len; at += columns) {
		vst_buf_bytes(out, digits.data + at, digits.len - at < columns ? digits.len - at : columns);
		vst_buf_byte(out, '\n');
	}
	vst_buf_text(out, END);
	vst_buf_cstr(out);
	vst_buf_free(&digits);
}

static int verify_blob(const struct vst_buf *blob)
{
	struct vst_buf armour = VST_BUF_INIT;
	encode_wrapped(blob, 70, &armour);
	int rc = verify((const char *)armour.data, "git", SAMPLE_MESSAGE);
	vst_buf_free(&armour);
	return rc;
}

static void ssh_string(struct vst_buf *out, const void *data, size_t len)
{
	vst_buf_u32be(out, (uint32_t)len);
	vst_buf_bytes(out, data, len);
}

static void verify_accepts_ssh_keygen_and_gives_its_key(void **state)
{
	(void)state;
	struct vst_ssh_public key;
	struct vst_buf text = VST_BUF_INIT;
	assert_int_equal(vst_sshsig_verify(SAMPLE_SSHSIG, strlen(SAMPLE_SSHSIG), "git", SAMPLE_MESSAGE,
	                         strlen(SAMPLE_MESSAGE), &key, NULL),
	        0);
	vst_ssh_public_text(&key, &text);
	assert_string_equal(vst_buf_cstr(&text), SAMPLE_PUBLIC);
	assert_int_equal(verify(SAMPLE_SSHSIG_SHA256, "git", SAMPLE_MESSAGE), 0);
	vst_buf_free(&text);
}

/* Ed25519 signs the same message in one way only: so ours is ssh-keygen's to the last byte. */
static void sign_writes_the_bytes_of_ssh_keygen(void **state)
{
	(void)state;
	uint8_t sample_seed[VST_ED25519_SEED_LEN];
	struct vst_signer *signer;
	struct vst_buf out = VST_BUF_INIT;
	assert_int_equal(
	        vst_ssh_private_parse(SAMPLE_PRIVATE, strlen(SAMPLE_PRIVATE), sample_seed, NULL, NULL), 0);
	assert_int_equal(vst_signer_from_seed(sample_seed, &signer, NULL), 0);
	assert_int_equal(
	        vst_sshsig_sign(signer, "git", SAMPLE_MESSAGE, strlen(SAMPLE_MESSAGE), &out, NULL), 0);
	assert_string_equal(vst_buf_cstr(&out), SAMPLE_SSHSIG);
	vst_buf_free(&out);
	vst_signer_free(signer);
}

static void sign_refuses_an_empty_or_long_namespace(void **state)
{
	(void)state;
	struct vst_signer *signer;
	struct vst_buf out = VST_BUF_INIT;
	char name[VST_SSHSIG_NAMESPACE_MAX + 2] = "";
	memset(name, 'n', sizeof name - 1);
	assert_int_equal(vst_signer_from_seed(seed, &signer, NULL), 0);
	assert_int_equal(vst_sshsig_sign(signer, "", "m", 1, &out, NULL), VST_EUSAGE);
	assert_int_equal(vst_sshsig_sign(signer, name, "m", 1, &out, NULL), VST_EUSAGE);
	assert_int_equal(out.len, 0);
	vst_signer_free(signer);
}

static void verify_refuses_another_message_or_namespace(void **state)
{
	(void)state;
	assert_int_equal(verify(SAMPLE_SSHSIG, "git", "hellp"), VST_EAUTH);
	assert_int_equal(verify(SAMPLE_SSHSIG, "git", "hello\n"), VST_EAUTH);
	assert_int_equal(verify(SAMPLE_SSHSIG, "git", ""), VST_EAUTH);
	assert_int_equal(verify(SAMPLE_SSHSIG, "file", SAMPLE_MESSAGE), VST_EAUTH);
	assert_int_equal(verify(SAMPLE_SSHSIG, "gi", SAMPLE_MESSAGE), VST_EAUTH);
}

static void verify_allows_the_last_line_feed_to_be_missing(void **state)
{
	(void)state;
	assert_int_equal(vst_sshsig_verify(SAMPLE_SSHSIG, strlen(SAMPLE_SSHSIG) - 1, "git", SAMPLE_MESSAGE,
	                         strlen(SAMPLE_MESSAGE), NULL, NULL),
	        0);
}

/* OpenSSH 9.2 takes most of these. */
static void verify_rejects_every_other_spelling(void **state)
{
	(void)state;
	struct vst_buf blob = VST_BUF_INIT, armour = VST_BUF_INIT, crlf = VST_BUF_INIT;
	decode(SAMPLE_SSHSIG, &blob);
	assert_int_equal(verify_blob(&blob), 0);
	static const size_t columns[] = {1, 64, 69, 71, 76, 10000};
	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
		encode_wrapped(&blob, columns[i], &armour);
		assert_int_equal(verify((const char *)armour.data, "git", SAMPLE_MESSAGE), VST_EFORMAT);
	}
	for (const char *at = SAMPLE_SSHSIG; *at; at++) {
		if (*at == '\n')
			vst_buf_byte(&crlf, '\r');
		vst_buf_byte(&crlf, (uint8_t)*at);
	}
	assert_int_equal(verify(vst_buf_cstr(&crlf), "git", SAMPLE_MESSAGE), VST_EFORMAT);
	assert_int_equal(verify(SAMPLE_SSHSIG "\n", "git", SAMPLE_MESSAGE), VST_EFORMAT);
	assert_int_equal(verify(SAMPLE_SSHSIG "junk", "git", SAMPLE_MESSAGE), VST_EFORMAT);
	assert_int_equal(verify(SAMPLE_SSHSIG SAMPLE_SSHSIG, "git", SAMPLE_MESSAGE), VST_EFORMAT);
	assert_int_equal(verify("\n" SAMPLE_SSHSIG, "git", SAMPLE_MESSAGE), VST_EFORMAT);
	assert_int_equal(verify(" " SAMPLE_SSHSIG, "git", SAMPLE_MESSAGE), VST_EFORMAT);
	vst_buf_free(&blob);
	vst_buf_free(&armour);
	vst_buf_free(&crlf);
}

static void verify_rejects_every_cut(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(SAMPLE_SSHSIG) - 1; len++)
		assert_int_equal(vst_sshsig_verify(SAMPLE_SSHSIG, len, "git", SAMPLE_MESSAGE,
		                         strlen(SAMPLE_MESSAGE), NULL, NULL),
		        VST_EFORMAT);
}

static void verify_rejects_every_flipped_bit(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	vst_buf_text(&text, SAMPLE_SSHSIG);
	for (size_t i = 0; i < text.len * 8; i++) {
		text.data[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_int_not_equal(verify(vst_buf_cstr(&text), "git", SAMPLE_MESSAGE), 0);
		text.data[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	vst_buf_free(&text);
}

static void verify_rejects_data_after_the_blob(void **state)
{
	(void)state;
	struct vst_buf blob = VST_BUF_INIT;
	decode(SAMPLE_SSHSIG, &blob);
	vst_buf_byte(&blob, 0);
	assert_int_equal(verify_blob(&blob), VST_EFORMAT);
	vst_buf_free(&blob);
}

/* Adding the group order L to S gives a second signature that OpenSSH 9.2 accepts. */
static void verify_refuses_s_plus_l(void **state)
{
	(void)state;
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
	        0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10};
	struct vst_buf blob = VST_BUF_INIT;
	decode(SAMPLE_SSHSIG, &blob);
	uint8_t *s = blob.data + blob.len - 32;
	unsigned carry = 0;
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)s[i] + order[i];
		s[i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(verify_blob(&blob), VST_EAUTH);
	vst_buf_free(&blob);
}

struct fields {
	const char *magic, *name_space, *reserved, *hash;
	uint32_t version;
};

/* A blob with a good signature over whatever the fields say. */
static void build(const struct fields *fields, struct vst_buf *out)
{
	struct vst_buf covered = VST_BUF_INIT, wire = VST_BUF_INIT, signature = VST_BUF_INIT;
	struct vst_signer *signer;
	uint8_t digest[VST_SHA512_LEN];
	bool short_hash = strcmp(fields->hash, "sha256") == 0;
	assert_int_equal(vst_signer_from_seed(seed, &signer, NULL), 0);
	if (short_hash)
		vst_sha256(SAMPLE_MESSAGE, strlen(SAMPLE_MESSAGE), digest);
	else
		vst_sha512(SAMPLE_MESSAGE, strlen(SAMPLE_MESSAGE), digest);
	vst_buf_text(&covered, "SSHSIG");
	ssh_string(&covered, fields->name_space, strlen(fields->name_space));
	ssh_string(&covered, fields->reserved, strlen(fields->reserved));
	ssh_string(&covered, fields->hash, strlen(fields->hash));
	ssh_string(&covered, digest, short_hash ? VST_HASH_LEN : VST_SHA512_LEN);
	assert_int_equal(vst_signer_sign_ssh(signer, covered.data, covered.len, &signature, NULL), 0);
	vst_ssh_public_wire(vst_signer_public(signer), &wire);
	vst_buf_clear(out);
	vst_buf_text(out, fields->magic);
	vst_buf_u32be(out, fields->version);
	ssh_string(out, wire.data, wire.len);
	ssh_string(out, fields->name_space, strlen(fields->name_space));
	ssh_string(out, fields->reserved, strlen(fields->reserved));
	ssh_string(out, fields->hash, strlen(fields->hash));
	ssh_string(out, signature.data, signature.len);
	vst_signer_free(signer);
	vst_buf_free(&covered);
	vst_buf_free(&wire);
	vst_buf_free(&signature);
}

static void verify_rejects_fields_that_it_does_not_know(void **state)
{
	(void)state;
	static const struct {
		struct fields fields;
		int expected;
	} cases[] = {
	        {{"SSHSIG", "git", "", "sha512", 1}, 0},
	        {{"SSHSIG", "git", "", "sha256", 1}, 0},
	        {{"SSHSIG", "git", "", "sha512", 2}, VST_EFORMAT},
	        {{"SSHSIG", "git", "", "sha512", 0}, VST_EFORMAT},
	        {{"SSHSIH", "git", "", "sha512", 1}, VST_EFORMAT},
	        {{"SSHSIG", "git", "x", "sha512", 1}, VST_EFORMAT},
	        {{"SSHSIG", "git", "", "sha384", 1}, VST_EFORMAT},
	        {{"SSHSIG", "git", "", "SHA512", 1}, VST_EFORMAT},
	        {{"SSHSIG", "git", "", "", 1}, VST_EFORMAT},
	        {{"SSHSIG", "", "", "sha512", 1}, VST_EAUTH},
	};
	struct vst_buf blob = VST_BUF_INIT;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		build(&cases[i].fields, &blob);
		assert_int_equal(verify_blob(&blob), cases[i].expected);
	}
	vst_buf_free(&blob);
}

/* What ssh-keygen would write with a hardware key, the token played by a key in memory. */
static void hardware_armour(uint8_t flags, struct vst_ssh_public *ret_key, struct vst_buf *out)
{
	struct vst_buf covered = VST_BUF_INIT, touched = VST_BUF_INIT, wire = VST_BUF_INIT,
	               blob = VST_BUF_INIT;
	struct vst_ssh_public key = {.type = VST_SSH_SK_ED25519, .application = "ssh:"};
	uint8_t digest[VST_SHA512_LEN], signature[VST_ED25519_SIG_LEN];
	assert_int_equal(vst_ed25519_public(seed, key.key, NULL), 0);
	vst_sha512(SAMPLE_MESSAGE, strlen(SAMPLE_MESSAGE), digest);
	vst_buf_text(&covered, "SSHSIG");
	ssh_string(&covered, "git", 3);
	ssh_string(&covered, "", 0);
	ssh_string(&covered, "sha512", 6);
	ssh_string(&covered, digest, VST_SHA512_LEN);
	vst_sha256("ssh:", 4, digest);
	vst_buf_bytes(&touched, digest, VST_HASH_LEN);
	vst_buf_byte(&touched, flags);
	vst_buf_u32be(&touched, 77);
	vst_sha256(covered.data, covered.len, digest);
	vst_buf_bytes(&touched, digest, VST_HASH_LEN);
	assert_int_equal(vst_ed25519_sign(seed, touched.data, touched.len, signature, NULL), 0);
	vst_ssh_public_wire(&key, &wire);
	vst_buf_text(&blob, "SSHSIG");
	vst_buf_u32be(&blob, 1);
	ssh_string(&blob, wire.data, wire.len);
	ssh_string(&blob, "git", 3);
	ssh_string(&blob, "", 0);
	ssh_string(&blob, "sha512", 6);
	vst_buf_u32be(&blob, 4 + strlen(SK_TYPE) + 4 + sizeof signature + 5);
	ssh_string(&blob, SK_TYPE, strlen(SK_TYPE));
	ssh_string(&blob, signature, sizeof signature);
	vst_buf_byte(&blob, flags);
	vst_buf_u32be(&blob, 77);
	encode_wrapped(&blob, 70, out);
	*ret_key = key;
	vst_buf_free(&covered);
	vst_buf_free(&touched);
	vst_buf_free(&wire);
	vst_buf_free(&blob);
}

static void verify_accepts_a_hardware_key_only_when_touched(void **state)
{
	(void)state;
	struct vst_buf armour = VST_BUF_INIT;
	struct vst_ssh_public expected, key;
	hardware_armour(1, &expected, &armour);
	assert_int_equal(vst_sshsig_verify(armour.data, armour.len, "git", SAMPLE_MESSAGE,
	                         strlen(SAMPLE_MESSAGE), &key, NULL),
	        0);
	assert_true(vst_ssh_public_equal(&key, &expected));
	hardware_armour(0, &expected, &armour);
	assert_int_equal(verify((const char *)armour.data, "git", SAMPLE_MESSAGE), VST_EAUTH);
	vst_buf_free(&armour);
}

/* ---- ssh-keygen as the other side ---- */

static void write_allowed(const char *principal, const struct vst_ssh_public *key)
{
	struct vst_signers signers = {0};
	struct vst_buf text = VST_BUF_INIT;
	assert_int_equal(vst_signers_add(&signers, principal, key, NULL), 0);
	vst_signers_write(&signers, &text);
	tool_write("allowed", text.data, text.len, 0600);
	vst_signers_free(&signers);
	vst_buf_free(&text);
}

static int keygen_verify(void)
{
	return TOOL_RUN(NULL, "message", "ssh-keygen", "-Y", "verify", "-f", "allowed", "-I",
	        "collector@web1", "-n", "git", "-s", "sig");
}

static void ssh_keygen_accepts_ours(void **state)
{
	(void)state;
	struct vst_signer *signer;
	struct vst_buf armour = VST_BUF_INIT, output = VST_BUF_INIT;
	if (!tool_has("ssh-keygen"))
		skip();
	assert_int_equal(vst_signer_from_seed(seed, &signer, NULL), 0);
	write_allowed("collector@web1", vst_signer_public(signer));
	static const size_t lengths[] = {0, 1, 70, 5000};
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		char message[5000];
		memset(message, 'x', sizeof message);
		vst_buf_clear(&armour);
		assert_int_equal(vst_sshsig_sign(signer, "git", message, lengths[i], &armour, NULL), 0);
		tool_write("message", message, lengths[i], 0600);
		tool_write("sig", armour.data, armour.len, 0600);
		assert_int_equal(keygen_verify(), 0);
	}
	assert_int_equal(
	        TOOL_RUN(&output, NULL, "ssh-keygen", "-Y", "find-principals", "-f", "allowed", "-s", "sig"),
	        0);
	assert_string_equal(vst_buf_cstr(&output), "collector@web1\n");
	tool_write("message", "other", 5, 0600);
	assert_int_not_equal(keygen_verify(), 0);
	vst_signer_free(signer);
	vst_buf_free(&armour);
	vst_buf_free(&output);
}

static void ssh_keygen_agrees_on_our_hardware_sample(void **state)
{
	(void)state;
	struct vst_buf armour = VST_BUF_INIT;
	struct vst_ssh_public key;
	if (!tool_has("ssh-keygen"))
		skip();
	hardware_armour(1, &key, &armour);
	write_allowed("collector@web1", &key);
	tool_write("message", SAMPLE_MESSAGE, strlen(SAMPLE_MESSAGE), 0600);
	tool_write("sig", armour.data, armour.len, 0600);
	assert_int_equal(keygen_verify(), 0);
	vst_buf_free(&armour);
}

static void we_accept_ssh_keygen(void **state)
{
	(void)state;
	struct vst_signer *signer;
	struct vst_buf text = VST_BUF_INIT, again = VST_BUF_INIT;
	struct vst_ssh_public key;
	if (!tool_has("ssh-keygen"))
		skip();
	assert_int_equal(
	        TOOL_RUN(NULL, NULL, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "theirs"), 0);
	tool_write("letter", "dear court\n", 11, 0600);
	assert_int_equal(TOOL_RUN(NULL, NULL, "ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", "theirs",
	                         "letter"),
	        0);
	assert_int_equal(vst_io_read_file(AT_FDCWD, "letter.sig", 65536, &text, NULL), 0);
	assert_int_equal(vst_sshsig_verify(text.data, text.len, "file", "dear court\n", 11, &key, NULL), 0);
	assert_int_equal(vst_signer_open("theirs", &signer, NULL), 0);
	assert_true(vst_ssh_public_equal(&key, vst_signer_public(signer)));
	assert_int_equal(vst_sshsig_sign(signer, "file", "dear court\n", 11, &again, NULL), 0);
	assert_string_equal(vst_buf_cstr(&again), vst_buf_cstr(&text));
	vst_signer_free(signer);
	vst_buf_free(&text);
	vst_buf_free(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(verify_accepts_ssh_keygen_and_gives_its_key),
	        cmocka_unit_test(sign_writes_the_bytes_of_ssh_keygen),
	        cmocka_unit_test(sign_refuses_an_empty_or_long_namespace),
	        cmocka_unit_test(verify_refuses_another_message_or_namespace),
	        cmocka_unit_test(verify_allows_the_last_line_feed_to_be_missing),
	        cmocka_unit_test(verify_rejects_every_other_spelling),
	        cmocka_unit_test(verify_rejects_every_cut),
	        cmocka_unit_test(verify_rejects_every_flipped_bit),
	        cmocka_unit_test(verify_rejects_data_after_the_blob),
	        cmocka_unit_test(verify_refuses_s_plus_l),
	        cmocka_unit_test(verify_rejects_fields_that_it_does_not_know),
	        cmocka_unit_test(verify_accepts_a_hardware_key_only_when_touched),
	        cmocka_unit_test(ssh_keygen_accepts_ours),
	        cmocka_unit_test(ssh_keygen_agrees_on_our_hardware_sample),
	        cmocka_unit_test(we_accept_ssh_keygen),
	};
	return cmocka_run_group_tests_name("sshsig", tests, tool_setup, tool_teardown);
}
