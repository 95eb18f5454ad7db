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
#include "vestige/sshprivate.h"
#include "vestige/text.h"

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END "-----END OPENSSH PRIVATE KEY-----\n"
#define CHECK_OFFSET 98 /* of the first check number in the decoded file */

static int parse(const char *text, uint8_t ret_seed[VST_ED25519_SEED_LEN])
{
	return vst_ssh_private_parse(text, strlen(text), ret_seed, NULL, NULL);
}

/* The bytes inside the armour of an unencrypted file. */
static void decode(const char *text, struct vst_buf *out)
{
	struct vst_buf digits = VST_BUF_INIT;
	const char *end = strstr(text, "-----END");
	for (const char *at = text + strlen(BEGIN); at < end; at++)
		if (*at != '\n')
			vst_buf_byte(&digits, (uint8_t)*at);
	assert_true(vst_base64_decode(digits.data, digits.len, VST_BASE64_PADDED, out));
	vst_buf_free(&digits);
}

/* One long line: wrapping is free when a file is read. */
static void encode(const struct vst_buf *bytes, struct vst_buf *out)
{
	vst_buf_clear(out);
	vst_buf_text(out, BEGIN);
	vst_base64_append(out, bytes->data, bytes->len, VST_BASE64_PADDED);
	vst_buf_text(out, "\n" END);
	vst_buf_cstr(out);
}

static void parse_gives_seed_and_public_key(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN], derived[VST_ED25519_KEY_LEN];
	struct vst_ssh_public key;
	struct vst_buf text = VST_BUF_INIT;
	assert_int_equal(vst_ssh_private_parse(SAMPLE_PRIVATE, strlen(SAMPLE_PRIVATE), seed, &key, NULL), 0);
	assert_int_equal(vst_ed25519_public(seed, derived, NULL), 0);
	assert_memory_equal(derived, key.key, sizeof derived);
	vst_ssh_public_text(&key, &text);
	assert_string_equal(vst_buf_cstr(&text), SAMPLE_PUBLIC);
	vst_buf_free(&text);
}

static void parse_reads_other_wrapping_and_line_ends(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN], again[VST_ED25519_SEED_LEN];
	struct vst_buf bytes = VST_BUF_INIT, text = VST_BUF_INIT, crlf = VST_BUF_INIT;
	assert_int_equal(parse(SAMPLE_PRIVATE, seed), 0);
	decode(SAMPLE_PRIVATE, &bytes);
	encode(&bytes, &text);
	assert_int_equal(parse((const char *)text.data, again), 0);
	assert_memory_equal(seed, again, sizeof seed);
	for (const char *at = SAMPLE_PRIVATE; *at; at++) {
		if (*at == '\n')
			vst_buf_byte(&crlf, '\r');
		vst_buf_byte(&crlf, (uint8_t)*at);
	}
	vst_buf_text(&crlf, "\r\n\n");
	assert_int_equal(parse(vst_buf_cstr(&crlf), again), 0);
	assert_int_equal(
	        vst_ssh_private_parse(SAMPLE_PRIVATE, strlen(SAMPLE_PRIVATE) - 1, again, NULL, NULL), 0);
	vst_buf_free(&bytes);
	vst_buf_free(&text);
	vst_buf_free(&crlf);
}

static void parse_rejects_every_cut(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN] = {9};
	for (size_t len = 0; len < strlen(SAMPLE_PRIVATE) - 1; len++)
		assert_int_equal(vst_ssh_private_parse(SAMPLE_PRIVATE, len, seed, NULL, NULL), VST_EFORMAT);
	assert_int_equal(seed[0], 9);
}

static void parse_rejects_text_around_the_key(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN];
	assert_int_equal(parse("\n" SAMPLE_PRIVATE, seed), VST_EFORMAT);
	assert_int_equal(parse(SAMPLE_PRIVATE "x\n", seed), VST_EFORMAT);
	assert_int_equal(parse(SAMPLE_PRIVATE SAMPLE_PRIVATE, seed), VST_EFORMAT);
	assert_int_equal(parse(BEGIN END, seed), VST_EFORMAT);
}

/* Each byte that matters: any change is refused, except in the comment, which nothing checks. */
static void parse_rejects_every_flipped_byte(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN];
	struct vst_buf bytes = VST_BUF_INIT, text = VST_BUF_INIT;
	decode(SAMPLE_PRIVATE, &bytes);
	size_t comment = bytes.len - 1 - strlen(SAMPLE_COMMENT);
	assert_memory_equal(bytes.data + comment, SAMPLE_COMMENT, strlen(SAMPLE_COMMENT));
	for (size_t i = 0; i < bytes.len; i++) {
		if (i >= comment && i < comment + strlen(SAMPLE_COMMENT))
			continue;
		bytes.data[i] ^= 0x20;
		encode(&bytes, &text);
		int rc = parse((const char *)text.data, seed);
		assert_true(rc == VST_EFORMAT || rc == VST_EUNSUPPORTED || rc == VST_EKEY);
		bytes.data[i] ^= 0x20;
	}
	vst_buf_free(&bytes);
	vst_buf_free(&text);
}

static void parse_rejects_a_foreign_public_key(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN] = {5}, other[VST_ED25519_KEY_LEN];
	struct vst_buf bytes = VST_BUF_INIT, text = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	decode(SAMPLE_PRIVATE, &bytes);
	assert_int_equal(vst_ed25519_public(seed, other, NULL), 0);
	/* All three copies agree with one another, but not with the seed. */
	uint8_t mine[VST_ED25519_KEY_LEN];
	memcpy(mine, bytes.data + 62, sizeof mine);
	unsigned replaced = 0;
	for (size_t i = 0; i + sizeof mine <= bytes.len; i++) {
		if (memcmp(bytes.data + i, mine, sizeof mine) == 0) {
			memcpy(bytes.data + i, other, sizeof other);
			replaced++;
		}
	}
	assert_int_equal(replaced, 3);
	encode(&bytes, &text);
	assert_int_equal(vst_ssh_private_parse(text.data, text.len, seed, NULL, &err), VST_EFORMAT);
	assert_non_null(strstr(err.text, "not its own"));
	vst_buf_free(&bytes);
	vst_buf_free(&text);
}

static void parse_says_what_to_do_with_an_encrypted_key(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN];
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_ssh_private_parse(SAMPLE_ENCRYPTED, strlen(SAMPLE_ENCRYPTED), seed, NULL, &err),
	        VST_EKEY);
	assert_non_null(strstr(err.text, "passphrase"));
	assert_non_null(strstr(err.hint, "ssh-add"));
}

static void parse_says_other_types_are_unsupported(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN];
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(
	        vst_ssh_private_parse(SAMPLE_ECDSA_PRIVATE, strlen(SAMPLE_ECDSA_PRIVATE), seed, NULL, &err),
	        VST_EUNSUPPORTED);
	assert_non_null(strstr(err.text, "ecdsa-sha2-nistp256"));
}

static void parse_rejects_a_long_file(void **state)
{
	(void)state;
	static char text[VST_SSH_FILE_MAX + 2];
	uint8_t seed[VST_ED25519_SEED_LEN];
	memset(text, 'A', sizeof text - 1);
	memcpy(text, BEGIN, strlen(BEGIN));
	assert_int_equal(parse(text, seed), VST_ELIMIT);
}

static void peek_reads_the_public_key_of_an_encrypted_file(void **state)
{
	(void)state;
	struct vst_ssh_public key;
	struct vst_buf text = VST_BUF_INIT;
	assert_int_equal(vst_ssh_private_peek(SAMPLE_ENCRYPTED, strlen(SAMPLE_ENCRYPTED), &key, NULL), 0);
	vst_ssh_public_text(&key, &text);
	assert_string_equal(vst_buf_cstr(&text), SAMPLE_PUBLIC);
	vst_buf_free(&text);
}

/* All but the random check number is byte for byte what ssh-keygen wrote. */
static void text_is_what_ssh_keygen_writes(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN];
	struct vst_buf text = VST_BUF_INIT, ours = VST_BUF_INIT, theirs = VST_BUF_INIT;
	assert_int_equal(parse(SAMPLE_PRIVATE, seed), 0);
	assert_int_equal(vst_ssh_private_text(seed, SAMPLE_COMMENT, &text, NULL), 0);
	assert_int_equal(text.len, strlen(SAMPLE_PRIVATE));
	for (size_t i = 0; i < text.len; i++)
		assert_int_equal(text.data[i] == '\n', SAMPLE_PRIVATE[i] == '\n');
	decode(vst_buf_cstr(&text), &ours);
	decode(SAMPLE_PRIVATE, &theirs);
	assert_memory_equal(ours.data + CHECK_OFFSET, ours.data + CHECK_OFFSET + 4, 4);
	memcpy(ours.data + CHECK_OFFSET, theirs.data + CHECK_OFFSET, 8);
	assert_int_equal(ours.len, theirs.len);
	assert_memory_equal(ours.data, theirs.data, ours.len);
	vst_buf_free(&text);
	vst_buf_free(&ours);
	vst_buf_free(&theirs);
}

static void text_round_trips_for_every_padding(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN] = {1}, back[VST_ED25519_SEED_LEN];
	char comment[VST_SSH_COMMENT_MAX + 1] = "";
	for (size_t len = 0; len <= VST_SSH_COMMENT_MAX; len += len < 17 ? 1 : 34) {
		struct vst_buf text = VST_BUF_INIT;
		memset(comment, 'c', len);
		comment[len] = '\0';
		assert_int_equal(vst_ssh_private_text(seed, comment, &text, NULL), 0);
		assert_int_equal(parse(vst_buf_cstr(&text), back), 0);
		assert_memory_equal(seed, back, sizeof seed);
		vst_buf_wipe(&text);
	}
}

static void text_refuses_a_comment_of_two_lines(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN] = {1};
	char comment[VST_SSH_COMMENT_MAX + 2];
	struct vst_buf text = VST_BUF_INIT;
	memset(comment, 'c', sizeof comment - 1);
	comment[sizeof comment - 1] = '\0';
	assert_int_equal(vst_ssh_private_text(seed, "a\nb", &text, NULL), VST_EUSAGE);
	assert_int_equal(vst_ssh_private_text(seed, comment, &text, NULL), VST_EUSAGE);
	assert_int_equal(text.len, 0);
}

static void ssh_keygen_reads_our_private_key(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN] = {0x42, 7};
	struct vst_ssh_public key = {.type = VST_SSH_ED25519};
	struct vst_buf text = VST_BUF_INIT, expected = VST_BUF_INIT, output = VST_BUF_INIT;
	if (!tool_has("ssh-keygen"))
		skip();
	static const char *const comments[] = {
	        "", "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"};
	for (size_t i = 0; i < sizeof comments / sizeof comments[0]; i++) {
		vst_buf_clear(&text);
		vst_buf_clear(&expected);
		assert_int_equal(vst_ssh_private_text(seed, comments[i], &text, NULL), 0);
		tool_write("ours", text.data, text.len, 0600);
		assert_int_equal(TOOL_RUN(&output, NULL, "ssh-keygen", "-y", "-f", "ours"), 0);
		assert_int_equal(vst_ed25519_public(seed, key.key, NULL), 0);
		vst_ssh_public_text(&key, &expected);
		vst_buf_printf(&expected, "%s%s\n", comments[i][0] ? " " : "", comments[i]);
		assert_string_equal(vst_buf_cstr(&output), vst_buf_cstr(&expected));
	}
	vst_buf_wipe(&text);
	vst_buf_free(&expected);
	vst_buf_free(&output);
}

static void we_read_a_fresh_key_of_ssh_keygen(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN];
	struct vst_ssh_public key, expected;
	struct vst_buf text = VST_BUF_INIT;
	if (!tool_has("ssh-keygen"))
		skip();
	assert_int_equal(
	        TOOL_RUN(NULL, NULL, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "theirs"), 0);
	assert_int_equal(vst_io_read_file(AT_FDCWD, "theirs", 65536, &text, NULL), 0);
	assert_int_equal(vst_ssh_private_parse(text.data, text.len, seed, &key, NULL), 0);
	vst_buf_clear(&text);
	assert_int_equal(vst_io_read_file(AT_FDCWD, "theirs.pub", 65536, &text, NULL), 0);
	assert_int_equal(
	        vst_ssh_public_parse((const char *)text.data, text.len, &expected, NULL, NULL, NULL), 0);
	assert_true(vst_ssh_public_equal(&key, &expected));
	vst_buf_wipe(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(parse_gives_seed_and_public_key),
	        cmocka_unit_test(parse_reads_other_wrapping_and_line_ends),
	        cmocka_unit_test(parse_rejects_every_cut),
	        cmocka_unit_test(parse_rejects_text_around_the_key),
	        cmocka_unit_test(parse_rejects_every_flipped_byte),
	        cmocka_unit_test(parse_rejects_a_foreign_public_key),
	        cmocka_unit_test(parse_says_what_to_do_with_an_encrypted_key),
	        cmocka_unit_test(parse_says_other_types_are_unsupported),
	        cmocka_unit_test(parse_rejects_a_long_file),
	        cmocka_unit_test(peek_reads_the_public_key_of_an_encrypted_file),
	        cmocka_unit_test(text_is_what_ssh_keygen_writes),
	        cmocka_unit_test(text_round_trips_for_every_padding),
	        cmocka_unit_test(text_refuses_a_comment_of_two_lines),
	        cmocka_unit_test(ssh_keygen_reads_our_private_key),
	        cmocka_unit_test(we_read_a_fresh_key_of_ssh_keygen),
	};
	return cmocka_run_group_tests_name("sshprivate", tests, tool_setup, tool_teardown);
}
