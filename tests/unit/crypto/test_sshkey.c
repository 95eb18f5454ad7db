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
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/sshkey.h"
#include "vestige/text.h"

#define SK_TYPE "sk-ssh-ed25519@openssh.com"

static int parse(const char *text, struct vst_ssh_public *ret)
{
	return vst_ssh_public_parse(text, strlen(text), ret, NULL, NULL, NULL);
}

static struct vst_ssh_public sample(void)
{
	struct vst_ssh_public key;
	assert_int_equal(parse(SAMPLE_PUBLIC, &key), 0);
	return key;
}

static void ssh_string(struct vst_buf *out, const char *text)
{
	vst_buf_u32be(out, (uint32_t)strlen(text));
	vst_buf_text(out, text);
}

static void public_text_round_trips(void **state)
{
	(void)state;
	struct vst_ssh_public key = sample();
	struct vst_buf out = VST_BUF_INIT;
	assert_int_equal(key.type, VST_SSH_ED25519);
	vst_ssh_public_text(&key, &out);
	assert_string_equal(vst_buf_cstr(&out), SAMPLE_PUBLIC);
	vst_buf_free(&out);
}

static void public_comment_is_given_without_line_end(void **state)
{
	(void)state;
	static const char *const lines[] = {
	        SAMPLE_PUBLIC " a b", SAMPLE_PUBLIC "  a b \n", SAMPLE_PUBLIC "\ta b\r\n"};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct vst_ssh_public key;
		const char *comment = NULL;
		size_t len = 99;
		assert_int_equal(
		        vst_ssh_public_parse(lines[i], strlen(lines[i]), &key, &comment, &len, NULL), 0);
		assert_int_equal(len, 3);
		assert_memory_equal(comment, "a b", 3);
	}
}

static void public_without_comment_gives_length_zero(void **state)
{
	(void)state;
	struct vst_ssh_public key;
	const char *comment = NULL;
	size_t len = 99;
	assert_int_equal(vst_ssh_public_parse(
	                         SAMPLE_PUBLIC "\n", strlen(SAMPLE_PUBLIC) + 1, &key, &comment, &len, NULL),
	        0);
	assert_int_equal(len, 0);
	assert_non_null(comment);
}

static void public_rejects_what_is_not_one_key_line(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "\n", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 AAAA",
	        " " SAMPLE_PUBLIC, SAMPLE_PUBLIC "A", SAMPLE_PUBLIC "=", SAMPLE_PUBLIC "\n\n",
	        SAMPLE_PUBLIC "\n" SAMPLE_PUBLIC, SAMPLE_PUBLIC " a\x1b[2J", SAMPLE_PUBLIC " a\rb",
	        "ssh-ed25519 !AAAC3NzaC1lZDI1NTE5AAAAICHK/HIdhAXLbgVAk/VVFSm9Sc8wEFjH8G/LfCDgcL4w",
	        SK_TYPE " AAAAC3NzaC1lZDI1NTE5AAAAICHK/HIdhAXLbgVAk/VVFSm9Sc8wEFjH8G/LfCDgcL4w",
	        "hello world"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct vst_ssh_public key = {.application = "kept"};
		assert_int_equal(parse(bad[i], &key), VST_EFORMAT);
		assert_string_equal(key.application, "kept");
	}
}

static void public_rejects_nul_in_text(void **state)
{
	(void)state;
	struct vst_ssh_public key;
	assert_int_equal(
	        vst_ssh_public_parse(SAMPLE_PUBLIC "\0x", sizeof SAMPLE_PUBLIC + 1, &key, NULL, NULL, NULL),
	        VST_EFORMAT);
}

static void public_says_other_types_are_unsupported(void **state)
{
	(void)state;
	struct vst_ssh_public key;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_ssh_public_parse(
	                         SAMPLE_ECDSA_PUBLIC, strlen(SAMPLE_ECDSA_PUBLIC), &key, NULL, NULL, &err),
	        VST_EUNSUPPORTED);
	assert_non_null(strstr(err.text, "ecdsa-sha2-nistp256"));
	assert_true(err.hint[0] != '\0');
	assert_int_equal(parse("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", &key), VST_EUNSUPPORTED);
}

static void public_rejects_a_long_file(void **state)
{
	(void)state;
	static char text[VST_SSH_FILE_MAX + 2];
	struct vst_ssh_public key;
	memset(text, 'a', sizeof text - 1);
	assert_int_equal(parse(text, &key), VST_ELIMIT);
}

static void wire_round_trips_and_rejects_every_cut(void **state)
{
	(void)state;
	struct vst_ssh_public key = sample(), back;
	struct vst_buf wire = VST_BUF_INIT;
	vst_ssh_public_wire(&key, &wire);
	assert_int_equal(wire.len, 51);
	assert_int_equal(vst_ssh_public_from_wire(wire.data, wire.len, &back, NULL), 0);
	assert_true(vst_ssh_public_equal(&key, &back));
	for (size_t len = 0; len < wire.len; len++)
		assert_int_equal(vst_ssh_public_from_wire(wire.data, len, &back, NULL), VST_EFORMAT);
	vst_buf_byte(&wire, 0);
	assert_int_equal(vst_ssh_public_from_wire(wire.data, wire.len, &back, NULL), VST_EFORMAT);
	vst_buf_free(&wire);
}

static void hardware_key_round_trips(void **state)
{
	(void)state;
	struct vst_ssh_public key = sample(), back;
	struct vst_buf text = VST_BUF_INIT;
	key.type = VST_SSH_SK_ED25519;
	strcpy(key.application, "ssh:court");
	vst_ssh_public_text(&key, &text);
	assert_int_equal(parse(vst_buf_cstr(&text), &back), 0);
	assert_true(vst_ssh_public_equal(&key, &back));
	strcpy(back.application, "ssh:");
	assert_false(vst_ssh_public_equal(&key, &back));
	vst_buf_free(&text);
}

static void hardware_key_rejects_bad_application(void **state)
{
	(void)state;
	static const char *const bad[] = {"ssh:\n", "ssh:\x7f"};
	struct vst_ssh_public key;
	for (size_t i = 0; i < 3; i++) {
		struct vst_buf wire = VST_BUF_INIT;
		ssh_string(&wire, SK_TYPE);
		ssh_string(&wire, "0123456789abcdef0123456789abcdef");
		if (i < 2) {
			ssh_string(&wire, bad[i]);
		} else {
			vst_buf_u32be(&wire, VST_SSH_APPLICATION_MAX + 1);
			for (int n = 0; n <= VST_SSH_APPLICATION_MAX; n++)
				vst_buf_byte(&wire, 'a');
		}
		assert_int_equal(vst_ssh_public_from_wire(wire.data, wire.len, &key, NULL), VST_EFORMAT);
		vst_buf_free(&wire);
	}
}

static void fingerprint_is_what_ssh_keygen_prints(void **state)
{
	(void)state;
	struct vst_ssh_public key = sample();
	char text[VST_SSH_FINGERPRINT_TEXT];
	vst_ssh_public_fingerprint(&key, text);
	assert_string_equal(text, SAMPLE_FINGERPRINT);
}

static void fingerprint_of_hardware_key_covers_its_wire_form(void **state)
{
	(void)state;
	struct vst_ssh_public key = sample();
	struct vst_buf wire = VST_BUF_INIT, text = VST_BUF_INIT;
	uint8_t digest[VST_HASH_LEN];
	char fingerprint[VST_SSH_FINGERPRINT_TEXT];
	key.type = VST_SSH_SK_ED25519;
	strcpy(key.application, "ssh:");
	vst_ssh_public_wire(&key, &wire);
	vst_sha256(wire.data, wire.len, digest);
	vst_buf_text(&text, "SHA256:");
	vst_base64_append(&text, digest, sizeof digest, VST_BASE64_RAW);
	vst_ssh_public_fingerprint(&key, fingerprint);
	assert_string_equal(fingerprint, vst_buf_cstr(&text));
	vst_buf_free(&wire);
	vst_buf_free(&text);
}

/* ---- signatures ---- */

static const uint8_t seed[VST_ED25519_SEED_LEN] = {1, 2, 3};

static struct vst_ssh_public key_of_seed(enum vst_ssh_type type)
{
	struct vst_ssh_public key = {.type = type};
	assert_int_equal(vst_ed25519_public(seed, key.key, NULL), 0);
	if (type == VST_SSH_SK_ED25519)
		strcpy(key.application, "ssh:");
	return key;
}

/* What a token does: signs the digests of the application and of the message, with flags and counter between
 * them. */
static void sk_sign(uint8_t flags, uint32_t counter, const char *message, struct vst_buf *out)
{
	struct vst_buf covered = VST_BUF_INIT;
	uint8_t digest[VST_HASH_LEN], signature[VST_ED25519_SIG_LEN];
	vst_sha256("ssh:", 4, digest);
	vst_buf_bytes(&covered, digest, sizeof digest);
	vst_buf_byte(&covered, flags);
	vst_buf_u32be(&covered, counter);
	vst_sha256(message, strlen(message), digest);
	vst_buf_bytes(&covered, digest, sizeof digest);
	assert_int_equal(vst_ed25519_sign(seed, covered.data, covered.len, signature, NULL), 0);
	ssh_string(out, SK_TYPE);
	vst_buf_u32be(out, sizeof signature);
	vst_buf_bytes(out, signature, sizeof signature);
	vst_buf_byte(out, flags);
	vst_buf_u32be(out, counter);
	vst_buf_free(&covered);
}

static void verify_accepts_a_touched_hardware_key(void **state)
{
	(void)state;
	struct vst_ssh_public key = key_of_seed(VST_SSH_SK_ED25519);
	struct vst_buf blob = VST_BUF_INIT;
	sk_sign(1, 7, "m", &blob);
	assert_int_equal(vst_ssh_verify(&key, "m", 1, blob.data, blob.len, NULL), 0);
	assert_int_equal(vst_ssh_verify(&key, "n", 1, blob.data, blob.len, NULL), VST_EAUTH);
	strcpy(key.application, "ssh:x");
	assert_int_equal(vst_ssh_verify(&key, "m", 1, blob.data, blob.len, NULL), VST_EAUTH);
	vst_buf_free(&blob);
}

static void verify_refuses_an_untouched_hardware_key(void **state)
{
	(void)state;
	struct vst_ssh_public key = key_of_seed(VST_SSH_SK_ED25519);
	struct vst_buf blob = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	sk_sign(4, 7, "m", &blob);
	assert_int_equal(vst_ssh_verify(&key, "m", 1, blob.data, blob.len, &err), VST_EAUTH);
	assert_non_null(strstr(err.text, "touched"));
	vst_buf_free(&blob);
}

static void verify_refuses_changed_flags_and_counter(void **state)
{
	(void)state;
	struct vst_ssh_public key = key_of_seed(VST_SSH_SK_ED25519);
	struct vst_buf blob = VST_BUF_INIT;
	sk_sign(1, 7, "m", &blob);
	blob.data[blob.len - 1] ^= 1;
	assert_int_equal(vst_ssh_verify(&key, "m", 1, blob.data, blob.len, NULL), VST_EAUTH);
	blob.data[blob.len - 1] ^= 1;
	blob.data[blob.len - 5] |= 4;
	assert_int_equal(vst_ssh_verify(&key, "m", 1, blob.data, blob.len, NULL), VST_EAUTH);
	vst_buf_free(&blob);
}

static void verify_refuses_a_signature_of_another_type(void **state)
{
	(void)state;
	struct vst_ssh_public plain = key_of_seed(VST_SSH_ED25519),
	                      hardware = key_of_seed(VST_SSH_SK_ED25519);
	struct vst_buf blob = VST_BUF_INIT;
	uint8_t signature[VST_ED25519_SIG_LEN];
	sk_sign(1, 7, "m", &blob);
	assert_int_equal(vst_ssh_verify(&plain, "m", 1, blob.data, blob.len, NULL), VST_EAUTH);
	vst_buf_clear(&blob);
	assert_int_equal(vst_ed25519_sign(seed, "m", 1, signature, NULL), 0);
	ssh_string(&blob, "ssh-ed25519");
	vst_buf_u32be(&blob, sizeof signature);
	vst_buf_bytes(&blob, signature, sizeof signature);
	assert_int_equal(vst_ssh_verify(&plain, "m", 1, blob.data, blob.len, NULL), 0);
	assert_int_equal(vst_ssh_verify(&hardware, "m", 1, blob.data, blob.len, NULL), VST_EAUTH);
	vst_buf_free(&blob);
}

static void verify_rejects_cut_and_longer_blobs(void **state)
{
	(void)state;
	struct vst_ssh_public key = key_of_seed(VST_SSH_SK_ED25519);
	struct vst_buf blob = VST_BUF_INIT;
	sk_sign(1, 7, "m", &blob);
	for (size_t len = 0; len < blob.len; len++)
		assert_int_equal(vst_ssh_verify(&key, "m", 1, blob.data, len, NULL), VST_EFORMAT);
	vst_buf_byte(&blob, 0);
	assert_int_equal(vst_ssh_verify(&key, "m", 1, blob.data, blob.len, NULL), VST_EFORMAT);
	vst_buf_free(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(public_text_round_trips),
	        cmocka_unit_test(public_comment_is_given_without_line_end),
	        cmocka_unit_test(public_without_comment_gives_length_zero),
	        cmocka_unit_test(public_rejects_what_is_not_one_key_line),
	        cmocka_unit_test(public_rejects_nul_in_text),
	        cmocka_unit_test(public_says_other_types_are_unsupported),
	        cmocka_unit_test(public_rejects_a_long_file),
	        cmocka_unit_test(wire_round_trips_and_rejects_every_cut),
	        cmocka_unit_test(hardware_key_round_trips),
	        cmocka_unit_test(hardware_key_rejects_bad_application),
	        cmocka_unit_test(fingerprint_is_what_ssh_keygen_prints),
	        cmocka_unit_test(fingerprint_of_hardware_key_covers_its_wire_form),
	        cmocka_unit_test(verify_accepts_a_touched_hardware_key),
	        cmocka_unit_test(verify_refuses_an_untouched_hardware_key),
	        cmocka_unit_test(verify_refuses_changed_flags_and_counter),
	        cmocka_unit_test(verify_refuses_a_signature_of_another_type),
	        cmocka_unit_test(verify_rejects_cut_and_longer_blobs),
	};
	return cmocka_run_group_tests_name("sshkey", tests, NULL, NULL);
}
