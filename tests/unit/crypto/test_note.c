/* cmocka wants this order */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/note.h"
#include "vestige/signer.h"
#include "vestige/text.h"

/* The published example of Go's golang.org/x/mod/sumdb/note: key, text and signature. */
#define PN_KEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PN_TEXT                                                                                              \
	"If you think cryptography is the answer to your problem,\n"                                         \
	"then you don't know what your problem is.\n"
#define PN_LINE                                                                                              \
	"\xe2\x80\x94 PeterNeumann "                                                                         \
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define PN_NOTE PN_TEXT "\n" PN_LINE
#define UNKNOWN_LINE "\xe2\x80\x94 witness.example/w1 AAAAAAE=\n"

static const uint8_t seed[VST_ED25519_SEED_LEN] = {0x5e, 1};

static int parse(const char *text, struct vst_note *ret)
{
	return vst_note_parse(text, strlen(text), ret, NULL);
}

static int rejected(const char *text, size_t len)
{
	struct vst_note note = {.count = 77};
	int rc = vst_note_parse(text, len, &note, NULL);
	if (rc == 0)
		vst_note_free(&note);
	else
		assert_int_equal(note.count, 77);
	return rc;
}

static struct vst_note_key pn_key(void)
{
	struct vst_note_key key;
	assert_int_equal(vst_note_key_parse(PN_KEY, strlen(PN_KEY), &key, NULL), 0);
	return key;
}

/* ---- keys ---- */

static void key_text_round_trips(void **state)
{
	(void)state;
	struct vst_note_key key = pn_key(), made;
	struct vst_buf out = VST_BUF_INIT;
	vst_note_key_text(&key, &out);
	assert_string_equal(vst_buf_cstr(&out), PN_KEY);
	assert_int_equal(vst_note_key_make("PeterNeumann", key.key, &made, NULL), 0);
	assert_memory_equal(&made, &key, sizeof key);
	vst_buf_free(&out);
}

static void key_parse_rejects_damage(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "+", "++", "PeterNeumann", "PeterNeumann+c74f20a3",
	        "PeterNeumann+c74f20a3+", "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	        "PeterNeumanN+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	        "PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	        "PeterNeumann+c74f20a30+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
	        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy", PN_KEY "\n", PN_KEY "AAAA",
	        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"};
	struct vst_note_key key;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(vst_note_key_parse(bad[i], strlen(bad[i]), &key, NULL), VST_EFORMAT);
}

static void key_parse_says_other_types_are_unsupported(void **state)
{
	(void)state;
	static const char cosigner[] = "PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	struct vst_note_key key;
	assert_int_equal(vst_note_key_parse(cosigner, strlen(cosigner), &key, NULL), VST_EUNSUPPORTED);
}

static void key_make_refuses_bad_names(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "a b", "a+b", "a\nb", "\x7f", "a\xff", "\xc2\xa0",
	        "a\xe3\x80\x80z", "\xe1\x9a\x80", "\xe2\x80\x89", "\xc2\x85", "\t"};
	uint8_t key[VST_ED25519_KEY_LEN] = {0};
	struct vst_note_key ret;
	char longest[VST_NOTE_NAME_MAX + 2] = "";
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(vst_note_key_make(bad[i], key, &ret, NULL), VST_EUSAGE);
	memset(longest, 'n', VST_NOTE_NAME_MAX + 1);
	assert_int_equal(vst_note_key_make(longest, key, &ret, NULL), VST_EUSAGE);
	longest[VST_NOTE_NAME_MAX] = '\0';
	assert_int_equal(vst_note_key_make(longest, key, &ret, NULL), 0);
	assert_int_equal(vst_note_key_make("vestige/9f3c61d2", key, &ret, NULL), 0);
	assert_int_equal(vst_note_key_make("J\xc3\xbcrgen", key, &ret, NULL), 0);
}

/* ---- reading ---- */

static void verify_accepts_the_published_note(void **state)
{
	(void)state;
	struct vst_note_key key = pn_key();
	struct vst_note note;
	assert_int_equal(parse(PN_NOTE, &note), 0);
	assert_int_equal(note.text_len, strlen(PN_TEXT));
	assert_int_equal(note.count, 1);
	assert_int_equal(note.signatures[0].signature_len, VST_ED25519_SIG_LEN);
	assert_memory_equal(note.signatures[0].id, key.id, VST_NOTE_KEY_ID_LEN);
	assert_int_equal(vst_note_verify(&note, &key, NULL), 0);
	vst_note_free(&note);
	assert_null(note.signatures);
}

static void verify_ignores_unknown_keys(void **state)
{
	(void)state;
	struct vst_note_key key = pn_key();
	struct vst_note note;
	assert_int_equal(parse(PN_TEXT "\n" UNKNOWN_LINE PN_LINE UNKNOWN_LINE, &note), 0);
	assert_int_equal(note.count, 3);
	assert_int_equal(vst_note_verify(&note, &key, NULL), 0);
	vst_note_free(&note);
}

static void verify_says_when_the_key_did_not_sign(void **state)
{
	(void)state;
	struct vst_note_key key = pn_key();
	struct vst_note note;
	assert_int_equal(parse(PN_TEXT "\n" UNKNOWN_LINE, &note), 0);
	assert_int_equal(vst_note_verify(&note, &key, NULL), VST_ENOTFOUND);
	vst_note_free(&note);
	/* The same name with another id is another key. */
	assert_int_equal(parse(PN_TEXT "\n\xe2\x80\x94 PeterNeumann AAAAAAE=\n", &note), 0);
	assert_int_equal(vst_note_verify(&note, &key, NULL), VST_ENOTFOUND);
	vst_note_free(&note);
}

static void verify_refuses_one_bad_line_among_good_ones(void **state)
{
	(void)state;
	struct vst_note_key key = pn_key();
	struct vst_note note;
	struct vst_err err = VST_ERR_INIT;
	/* name and id fit, the signature is one byte */
	assert_int_equal(parse(PN_TEXT "\n" PN_LINE "\xe2\x80\x94 PeterNeumann x08gowA=\n", &note), 0);
	assert_int_equal(vst_note_verify(&note, &key, &err), VST_EAUTH);
	assert_non_null(strstr(err.text, "PeterNeumann"));
	vst_note_free(&note);
}

static void verify_refuses_a_changed_text(void **state)
{
	(void)state;
	struct vst_note_key key = pn_key();
	char text[sizeof PN_NOTE];
	for (size_t i = 0; i < strlen(PN_TEXT); i++) {
		struct vst_note note;
		memcpy(text, PN_NOTE, sizeof text);
		text[i] = text[i] == 'x' ? 'y' : 'x';
		int rc = parse(text, &note);
		/* Without the last LF the text has no end. */
		if (i == strlen(PN_TEXT) - 1) {
			assert_int_equal(rc, VST_EFORMAT);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(vst_note_verify(&note, &key, NULL), VST_EAUTH);
		vst_note_free(&note);
	}
}

static void text_may_hold_empty_lines(void **state)
{
	(void)state;
	struct vst_note note;
	assert_int_equal(parse("a\n\n\nb\n\n\n" UNKNOWN_LINE, &note), 0);
	assert_int_equal(note.text_len, strlen("a\n\n\nb\n\n"));
	vst_note_free(&note);
}

static void parse_rejects_what_is_no_note(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "\n", "\n\n", "a\n", "a\n\n", PN_TEXT, PN_TEXT PN_LINE,
	        PN_TEXT "\n", UNKNOWN_LINE, PN_NOTE "\n", PN_NOTE "x", "a\n\nb\n",
	        "a\n\n\xe2\x80\x94 n AAAAAAE=", "a\n\n\xe2\x80\x94 n AAAAAAE=\r\n",
	        "a\r\n\r\n\xe2\x80\x94 n AAAAAAE=\r\n", "a\n\n\xe2\x80\x93 n AAAAAAE=\n", /* en dash */
	        "a\n\n-- n AAAAAAE=\n",                                                   /* hyphens */
	        "a\n\n\xe2\x80\x94n AAAAAAE=\n",                                          /* no space */
	        "a\n\n\xe2\x80\x94  n AAAAAAE=\n",                                        /* two spaces */
	        "a\n\n\xe2\x80\x94 n  AAAAAAE=\n",                                        /* two spaces */
	        "a\n\n\xe2\x80\x94 n AAAAAAE= \n",                                        /* trailing space */
	        "a\n\n\xe2\x80\x94 n AAAAAAE\n",                                          /* no padding */
	        "a\n\n\xe2\x80\x94 n AAAAAAF=\n",                                         /* stray bits */
	        "a\n\n\xe2\x80\x94 n AAAAAA==\n",          /* id, but no signature */
	        "a\n\n\xe2\x80\x94 n \n",                  /* nothing */
	        "a\n\n\xe2\x80\x94 n+m AAAAAAE=\n",        /* plus in a name */
	        "a\n\n\xe2\x80\x94 n\xc2\xa0m AAAAAAE=\n", /* white space in a name */
	        "a\tb\n\n\xe2\x80\x94 n AAAAAAE=\n", "a\x1b\n\n\xe2\x80\x94 n AAAAAAE=\n",
	        "a\xff\n\n\xe2\x80\x94 n AAAAAAE=\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(rejected(bad[i], strlen(bad[i])), VST_EFORMAT);
	assert_int_equal(rejected("a\0b\n\n\xe2\x80\x94 n AAAAAAE=\n", 21), VST_EFORMAT);
}

static void parse_rejects_every_cut(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(PN_NOTE); len++)
		assert_int_equal(rejected(PN_NOTE, len), VST_EFORMAT);
}

static void parse_takes_many_signatures_up_to_the_limit(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	struct vst_note note;
	vst_buf_text(&text, "a\n\n");
	for (unsigned i = 0; i < VST_NOTE_SIGNATURES_MAX; i++)
		vst_buf_text(&text, UNKNOWN_LINE);
	assert_int_equal(vst_note_parse(text.data, text.len, &note, NULL), 0);
	assert_int_equal(note.count, VST_NOTE_SIGNATURES_MAX);
	vst_note_free(&note);
	vst_buf_text(&text, UNKNOWN_LINE);
	assert_int_equal(rejected(vst_buf_cstr(&text), text.len), VST_ELIMIT);
	vst_buf_free(&text);
}

static void parse_rejects_a_note_above_the_limit(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	while (text.len <= VST_NOTE_MAX - strlen("\n" UNKNOWN_LINE))
		vst_buf_text(&text, "x");
	vst_buf_text(&text, "\n\n" UNKNOWN_LINE);
	assert_int_equal(rejected(vst_buf_cstr(&text), text.len), VST_ELIMIT);
	vst_buf_free(&text);
}

/* ---- writing ---- */

/* The published example again, from its published private key. */
static void sign_writes_the_published_note(void **state)
{
	(void)state;
	static const char skey[] = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
	struct vst_signer *signer;
	struct vst_buf secret = VST_BUF_INIT, note = VST_BUF_INIT;
	assert_true(vst_base64_decode(skey, strlen(skey), VST_BASE64_PADDED, &secret));
	assert_int_equal(secret.len, 1 + VST_ED25519_SEED_LEN);
	assert_int_equal(vst_signer_from_seed(secret.data + 1, &signer, NULL), 0);
	assert_int_equal(vst_note_begin(PN_TEXT, strlen(PN_TEXT), &note, NULL), 0);
	assert_int_equal(vst_note_add_signature(signer, "PeterNeumann", &note, NULL), 0);
	assert_string_equal(vst_buf_cstr(&note), PN_NOTE);
	vst_signer_free(signer);
	vst_buf_free(&secret);
	vst_buf_free(&note);
}

static void second_signature_covers_the_same_text(void **state)
{
	(void)state;
	struct vst_signer *signer;
	struct vst_buf text = VST_BUF_INIT;
	struct vst_note_key first, second;
	struct vst_note note;
	assert_int_equal(vst_signer_from_seed(seed, &signer, NULL), 0);
	assert_int_equal(vst_note_begin("a\n\nb\n", 5, &text, NULL), 0);
	assert_int_equal(vst_note_add_signature(signer, "vestige/1", &text, NULL), 0);
	assert_int_equal(vst_note_add_signature(signer, "anna@example.org", &text, NULL), 0);
	assert_int_equal(vst_note_key_make("vestige/1", vst_signer_public(signer)->key, &first, NULL), 0);
	assert_int_equal(
	        vst_note_key_make("anna@example.org", vst_signer_public(signer)->key, &second, NULL), 0);
	assert_int_equal(vst_note_parse(text.data, text.len, &note, NULL), 0);
	assert_int_equal(note.count, 2);
	assert_int_equal(vst_note_verify(&note, &first, NULL), 0);
	assert_int_equal(vst_note_verify(&note, &second, NULL), 0);
	vst_note_free(&note);
	vst_signer_free(signer);
	vst_buf_free(&text);
}

static void begin_refuses_text_that_a_note_cannot_carry(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "a", "a\tb\n", "a\r\n", "\x01\n", "\xff\n"};
	struct vst_buf out = VST_BUF_INIT;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(vst_note_begin(bad[i], strlen(bad[i]), &out, NULL), VST_EUSAGE);
	assert_int_equal(vst_note_begin("a\0\n", 3, &out, NULL), VST_EUSAGE);
	assert_int_equal(vst_note_begin("a\n", 2, &out, NULL), 0);
	assert_int_equal(vst_note_begin("a\n", 2, &out, NULL), VST_EUSAGE);
	vst_buf_free(&out);
}

static void sign_refuses_a_bad_name_and_no_note(void **state)
{
	(void)state;
	struct vst_signer *signer;
	struct vst_buf note = VST_BUF_INIT;
	assert_int_equal(vst_signer_from_seed(seed, &signer, NULL), 0);
	assert_int_equal(vst_note_add_signature(signer, "a", &note, NULL), VST_EUSAGE);
	assert_int_equal(vst_note_begin("a\n", 2, &note, NULL), 0);
	assert_int_equal(vst_note_add_signature(signer, "a b", &note, NULL), VST_EUSAGE);
	assert_int_equal(note.len, 3);
	vst_signer_free(signer);
	vst_buf_free(&note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(key_text_round_trips),
	        cmocka_unit_test(key_parse_rejects_damage),
	        cmocka_unit_test(key_parse_says_other_types_are_unsupported),
	        cmocka_unit_test(key_make_refuses_bad_names),
	        cmocka_unit_test(verify_accepts_the_published_note),
	        cmocka_unit_test(verify_ignores_unknown_keys),
	        cmocka_unit_test(verify_says_when_the_key_did_not_sign),
	        cmocka_unit_test(verify_refuses_one_bad_line_among_good_ones),
	        cmocka_unit_test(verify_refuses_a_changed_text),
	        cmocka_unit_test(text_may_hold_empty_lines),
	        cmocka_unit_test(parse_rejects_what_is_no_note),
	        cmocka_unit_test(parse_rejects_every_cut),
	        cmocka_unit_test(parse_takes_many_signatures_up_to_the_limit),
	        cmocka_unit_test(parse_rejects_a_note_above_the_limit),
	        cmocka_unit_test(sign_writes_the_published_note),
	        cmocka_unit_test(second_signature_covers_the_same_text),
	        cmocka_unit_test(begin_refuses_text_that_a_note_cannot_carry),
	        cmocka_unit_test(sign_refuses_a_bad_name_and_no_note),
	};
	return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
