#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "age_fixture.h"
#include "vestige/bech32.h"
#include "vestige/hash.h"
#include "vestige/sshprivate.h"

#define IDENTITY "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0"
/* The first key of RFC 8032, section 7.1, as OpenSSH writes it. */
#define SSH_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3URGa"

static int parse(const char *text, struct vst_age_recipient **ret, struct vst_err *err)
{
	return vst_age_recipient_parse(text, strlen(text), ret, err);
}

static int parse_identities(
        const void *text, size_t len, vst_age_ask *ask, struct vst_age_identities *set, struct vst_err *err)
{
	return vst_age_identities_parse(text, len, ask, NULL, set, err);
}

/* ---- recipients ---- */

static void recipient_text_is_canonical(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	const char *text = vst_age_recipient_text(keys.recipients.list[0]);
	struct vst_age_recipient *again = NULL;
	uint8_t a[VST_HASH_LEN], b[VST_HASH_LEN];

	assert_int_equal(strlen(text), 62);
	assert_memory_equal(text, "age1", 4);
	assert_int_equal(parse(text, &again, NULL), 0);
	assert_string_equal(vst_age_recipient_text(again), text);
	vst_sha256(text, strlen(text), a);
	vst_age_recipient_fingerprint(again, b);
	assert_memory_equal(a, b, sizeof a);
	assert_false(vst_age_recipient_is_passphrase(again));
	vst_age_recipient_free(again);
	vst_age_recipient_free(NULL);
	age_keys_free(&keys);
}

static void ssh_recipient_loses_its_comment(void **state)
{
	(void)state;
	struct vst_age_recipient *recipient = NULL;

	assert_int_equal(parse(SSH_KEY " alice@example.org", &recipient, NULL), 0);
	assert_string_equal(vst_age_recipient_text(recipient), SSH_KEY);
	vst_age_recipient_free(recipient);
}

static void refuses(const char *text, int code, const char *why)
{
	struct vst_age_recipient *recipient = NULL;
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(parse(text, &recipient, &err), code);
	if (!strstr(err.text, why))
		fail_msg("%s: %s", text, err.text);
	assert_null(recipient);
}

static void low_order_recipient(struct vst_buf *out)
{
	const uint8_t zero[32] = {0};

	assert_int_equal(vst_bech32_encode("age", zero, sizeof zero, out, NULL), 0);
}

static void recipient_that_is_none_is_refused(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;

	refuses("", VST_EFORMAT, "no recipient");
	refuses("alice", VST_EFORMAT, "no recipient");
	refuses("AGE1QYQSZQGP", VST_EFORMAT, "no recipient");
	refuses(IDENTITY, VST_EFORMAT, "a secret");
	refuses("age1qqqqqq", VST_EFORMAT, "checksum");
	refuses("ssh-ed25519 AAAA", VST_EFORMAT, "SSH");
	refuses("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", VST_EUNSUPPORTED, "");
	low_order_recipient(&text);
	refuses(vst_buf_cstr(&text), VST_EFORMAT, "low-order");
	vst_buf_clear(&text);
	assert_int_equal(vst_bech32_encode("age", (const uint8_t *)"short", 5, &text, NULL), 0);
	refuses(vst_buf_cstr(&text), VST_EFORMAT, "5 bytes");
	vst_buf_clear(&text);
	assert_int_equal(vst_bech32_encode("age1pq", (const uint8_t *)"long", 4, &text, NULL), 0);
	refuses(vst_buf_cstr(&text), VST_EUNSUPPORTED, "post-quantum");
	vst_buf_free(&text);
}

static void secret_in_place_of_recipient_is_not_quoted(void **state)
{
	(void)state;
	struct vst_age_recipient *recipient = NULL;
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(parse(IDENTITY, &recipient, &err), VST_EFORMAT);
	assert_null(strstr(err.text, "EGTZ"));
	assert_null(strstr(err.hint, "EGTZ"));
}

static void mistyped_recipient_hints(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	char *text = strdup(vst_age_recipient_text(keys.recipients.list[0]));
	struct vst_age_recipient *recipient = NULL;
	struct vst_err err = VST_ERR_INIT;

	text[20] = text[20] == 'q' ? 'p' : 'q';
	assert_int_equal(parse(text, &recipient, &err), VST_EFORMAT);
	assert_non_null(strstr(err.hint, "mistyped"));
	free(text);
	age_keys_free(&keys);
}

static void recipients_file_takes_comments_and_drops_repeats(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	const char *text = vst_age_recipient_text(keys.recipients.list[0]);
	struct vst_age_recipients set = {0};
	struct vst_buf file = VST_BUF_INIT;

	vst_buf_printf(&file, "# team\n\n%s\r\n" SSH_KEY " a\n%s\n" SSH_KEY " b", text, text);
	assert_int_equal(vst_age_recipients_parse(file.data, file.len, &set, NULL), 0);
	assert_int_equal(set.count, 2);
	assert_string_equal(vst_age_recipient_text(set.list[0]), text);
	assert_string_equal(vst_age_recipient_text(set.list[1]), SSH_KEY);
	vst_age_recipients_free(&set);
	vst_buf_free(&file);
	age_keys_free(&keys);
}

static void recipients_file_error_names_the_line(void **state)
{
	(void)state;
	static const char file[] = "# one\n" SSH_KEY "\n\nage1oops\n";
	struct vst_age_recipients set = {0};
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(vst_age_recipients_parse(file, sizeof file - 1, &set, &err), VST_EFORMAT);
	assert_memory_equal(err.text, "line 4: ", 8);
	assert_int_equal(set.count, 0);
	/* Without a record too, the code is right. */
	assert_int_equal(vst_age_recipients_parse(file, sizeof file - 1, &set, NULL), VST_EFORMAT);
	assert_int_equal(vst_age_recipients_parse("# none\n", 7, &set, &err), VST_EFORMAT);
	assert_int_equal(vst_age_recipients_parse("", 0, &set, &err), VST_EFORMAT);
	vst_age_recipients_free(&set);
}

static void passphrase_recipient_has_bounds(void **state)
{
	(void)state;
	struct vst_age_recipient *recipient = NULL;
	char *text = calloc(1, 1026);

	assert_int_equal(vst_age_recipient_passphrase("", 10, &recipient, NULL), VST_EUSAGE);
	assert_int_equal(vst_age_recipient_passphrase("p", 0, &recipient, NULL), VST_EUSAGE);
	assert_int_equal(vst_age_recipient_passphrase("p", 23, &recipient, NULL), VST_EUSAGE);
	memset(text, 'a', 1025);
	assert_int_equal(vst_age_recipient_passphrase(text, 10, &recipient, NULL), VST_ELIMIT);
	text[1024] = '\0';
	assert_int_equal(vst_age_recipient_passphrase(text, 10, &recipient, NULL), 0);
	assert_true(vst_age_recipient_is_passphrase(recipient));
	assert_string_equal(vst_age_recipient_text(recipient), "passphrase");
	vst_age_recipient_free(recipient);
	free(text);
}

/* ---- identities ---- */

static void identity_text_comes_back(void **state)
{
	(void)state;
	struct vst_age_identities set = {0};
	struct vst_buf text = VST_BUF_INIT;
	struct vst_age_recipient *recipient = NULL;

	assert_int_equal(parse_identities(IDENTITY, strlen(IDENTITY), NULL, &set, NULL), 0);
	assert_int_equal(set.count, 1);
	assert_int_equal(vst_age_identity_text(set.list[0], &text, NULL), 0);
	assert_string_equal(vst_buf_cstr(&text), IDENTITY);
	assert_int_equal(vst_age_identity_recipient(set.list[0], &recipient, NULL), 0);
	assert_string_equal(vst_age_recipient_text(recipient),
	        "age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef");
	vst_age_recipient_free(recipient);
	vst_buf_wipe(&text);
	vst_age_identities_free(&set);
}

static void identity_file_takes_comments(void **state)
{
	(void)state;
	static const char file[] = "# created: today\n# public key: age1...\n" IDENTITY "\r\n\n" IDENTITY;
	struct vst_age_identities set = {0};

	assert_int_equal(parse_identities(file, sizeof file - 1, NULL, &set, NULL), 0);
	assert_int_equal(set.count, 2);
	vst_age_identities_free(&set);
}

static void identity_file_error_names_the_line_and_no_secret(void **state)
{
	(void)state;
	static const char file[] =
	        IDENTITY "\nAGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM1\n";
	struct vst_age_identities set = {0};
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(parse_identities(file, sizeof file - 1, NULL, &set, &err), VST_EFORMAT);
	assert_memory_equal(err.text, "line 2: ", 8);
	assert_null(strstr(err.text, "EGTZ"));
	assert_int_equal(set.count, 0);
	assert_int_equal(parse_identities("", 0, NULL, &set, &err), VST_EFORMAT);
	assert_int_equal(parse_identities(SSH_KEY, strlen(SSH_KEY), NULL, &set, &err), VST_EFORMAT);
	assert_non_null(strstr(err.text, "this is a recipient"));
	assert_int_equal(parse_identities("AGE-PLUGIN-X-1QQ", 16, NULL, &set, &err), VST_EUNSUPPORTED);
	vst_age_identities_free(&set);
}

static void ssh_identity_opens_what_its_public_half_sealed(void **state)
{
	(void)state;
	uint8_t seed[VST_ED25519_SEED_LEN] = {42};
	struct vst_buf text = VST_BUF_INIT, file = VST_BUF_INIT, plain = VST_BUF_INIT;
	struct age_keys keys = {0};
	struct vst_age_recipient *recipient = NULL;

	assert_int_equal(vst_ssh_private_text(seed, "test", &text, NULL), 0);
	assert_int_equal(parse_identities(text.data, text.len, NULL, &keys.identities, NULL), 0);
	assert_int_equal(vst_age_identity_recipient(keys.identities.list[0], &recipient, NULL), 0);
	assert_memory_equal(vst_age_recipient_text(recipient), "ssh-ed25519 ", 12);
	assert_int_equal(vst_age_recipients_add(&keys.recipients, recipient, NULL), 0);
	assert_int_equal(age_seal(&keys.recipients, (const uint8_t *)"hello", 5, 5, &file, NULL), 0);
	assert_int_equal(age_open(&file, &keys.identities, &plain, NULL), 0);
	assert_string_equal(vst_buf_cstr(&plain), "hello");
	/* It has no age text: its own format is OpenSSH's. */
	assert_int_equal(vst_age_identity_text(keys.identities.list[0], &plain, NULL), VST_EUSAGE);
	vst_buf_wipe(&text);
	vst_buf_free(&file);
	vst_buf_free(&plain);
	age_keys_free(&keys);
}

/* ---- identity files under a passphrase ---- */

static int answer(void *ctx, const char *what, char *ret_passphrase, size_t max, struct vst_err *err)
{
	(void)ctx, (void)err;
	assert_non_null(what);
	assert_true(max > 7);
	strcpy(ret_passphrase, "correct");
	return 0;
}

static int answer_wrongly(void *ctx, const char *what, char *ret_passphrase, size_t max, struct vst_err *err)
{
	(void)ctx, (void)what, (void)max, (void)err;
	strcpy(ret_passphrase, "wrong");
	return 0;
}

static int refuse(void *ctx, const char *what, char *ret_passphrase, size_t max, struct vst_err *err)
{
	(void)ctx, (void)what, (void)ret_passphrase, (void)max;
	return vst_err_set(err, VST_ECANCELLED, "interrupted");
}

static void protect(const char *text, struct vst_buf *ret_file)
{
	struct age_keys keys = age_keys_passphrase("correct");

	assert_int_equal(
	        age_seal(&keys.recipients, (const uint8_t *)text, strlen(text), strlen(text), ret_file, NULL),
	        0);
	age_keys_free(&keys);
}

static void protected_identity_file_opens(void **state)
{
	(void)state;
	struct vst_age_identities set = {0};
	struct vst_buf file = VST_BUF_INIT, text = VST_BUF_INIT;

	protect("# key\n" IDENTITY "\n", &file);
	assert_int_equal(parse_identities(file.data, file.len, answer, &set, NULL), 0);
	assert_int_equal(set.count, 1);
	assert_int_equal(vst_age_identity_text(set.list[0], &text, NULL), 0);
	assert_string_equal(vst_buf_cstr(&text), IDENTITY);
	vst_buf_free(&text);
	vst_buf_free(&file);
	vst_age_identities_free(&set);
}

static void protected_identity_file_that_stays_shut_says_why(void **state)
{
	(void)state;
	struct vst_age_identities set = {0};
	struct vst_buf file = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	protect(IDENTITY "\n", &file);
	assert_int_equal(parse_identities(file.data, file.len, NULL, &set, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "nobody to ask"));
	assert_int_equal(parse_identities(file.data, file.len, answer_wrongly, &set, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "does not fit"));
	assert_int_equal(parse_identities(file.data, file.len, refuse, &set, &err), VST_ECANCELLED);
	file.data[file.len - 1] ^= 1;
	assert_int_equal(parse_identities(file.data, file.len, answer, &set, &err), VST_EAUTH);
	assert_int_equal(set.count, 0);
	vst_buf_free(&file);
	vst_age_identities_free(&set);
}

static void identity_file_sealed_to_a_key_is_not_asked_about(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_new();
	struct vst_age_identities set = {0};
	struct vst_buf file = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(
	        age_seal(&keys.recipients, (const uint8_t *)IDENTITY, strlen(IDENTITY), 100, &file, NULL), 0);
	assert_int_equal(parse_identities(file.data, file.len, refuse, &set, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "not by a passphrase"));
	vst_buf_free(&file);
	age_keys_free(&keys);
}

static void protected_file_within_a_protected_file_is_refused(void **state)
{
	(void)state;
	struct age_keys keys = age_keys_passphrase("correct");
	struct vst_age_identities set = {0};
	struct vst_buf inner = VST_BUF_INIT, outer = VST_BUF_INIT;

	protect(IDENTITY "\n", &inner);
	assert_int_equal(age_seal(&keys.recipients, inner.data, inner.len, inner.len, &outer, NULL), 0);
	assert_int_equal(parse_identities(outer.data, outer.len, answer, &set, NULL), VST_EFORMAT);
	vst_buf_free(&inner);
	vst_buf_free(&outer);
	age_keys_free(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(recipient_text_is_canonical),
	        cmocka_unit_test(ssh_recipient_loses_its_comment),
	        cmocka_unit_test(recipient_that_is_none_is_refused),
	        cmocka_unit_test(secret_in_place_of_recipient_is_not_quoted),
	        cmocka_unit_test(mistyped_recipient_hints),
	        cmocka_unit_test(recipients_file_takes_comments_and_drops_repeats),
	        cmocka_unit_test(recipients_file_error_names_the_line),
	        cmocka_unit_test(passphrase_recipient_has_bounds),
	        cmocka_unit_test(identity_text_comes_back),
	        cmocka_unit_test(identity_file_takes_comments),
	        cmocka_unit_test(identity_file_error_names_the_line_and_no_secret),
	        cmocka_unit_test(ssh_identity_opens_what_its_public_half_sealed),
	        cmocka_unit_test(protected_identity_file_opens),
	        cmocka_unit_test(protected_identity_file_that_stays_shut_says_why),
	        cmocka_unit_test(identity_file_sealed_to_a_key_is_not_asked_about),
	        cmocka_unit_test(protected_file_within_a_protected_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
