/* cmocka wants this order */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

#include "crypto/ssh_samples.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/signers.h"

#define KEY2 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define OPTIONS " namespaces=\"git\" "
#define TWO_LINES "collector@web1" OPTIONS SAMPLE_PUBLIC "\nanna@example.org" OPTIONS KEY2 "\n"

static int parse(const char *text, struct vst_err *err)
{
	struct vst_signers signers = {0};
	int rc = vst_signers_parse(text, strlen(text), &signers, err);
	if (rc != 0) {
		assert_null(signers.list);
		assert_int_equal(signers.count, 0);
	}
	vst_signers_free(&signers);
	return rc;
}

static struct vst_ssh_public key_of(uint32_t number)
{
	struct vst_ssh_public key = {.type = VST_SSH_ED25519};
	memcpy(key.key + 16, &number, sizeof number); /* the first bytes alike: the index must cope */
	return key;
}

static void file_round_trips_in_order(void **state)
{
	(void)state;
	struct vst_signers signers;
	struct vst_buf out = VST_BUF_INIT;
	assert_int_equal(vst_signers_parse(TWO_LINES, strlen(TWO_LINES), &signers, NULL), 0);
	assert_int_equal(signers.count, 2);
	assert_string_equal(signers.list[0].principal, "collector@web1");
	assert_true(vst_signers_is_collector(&signers.list[0]));
	assert_false(vst_signers_is_collector(&signers.list[1]));
	vst_signers_write(&signers, &out);
	assert_string_equal(vst_buf_cstr(&out), TWO_LINES);
	vst_buf_free(&out);
	vst_signers_free(&signers);
	assert_null(signers.list);
}

static void empty_file_has_no_signers(void **state)
{
	(void)state;
	assert_int_equal(parse("", NULL), 0);
}

static void hardware_key_round_trips(void **state)
{
	(void)state;
	struct vst_ssh_public key = {.type = VST_SSH_SK_ED25519, .key = {3}, .application = "ssh:"};
	struct vst_signers signers = {0}, back;
	struct vst_buf out = VST_BUF_INIT;
	assert_int_equal(vst_signers_add(&signers, "anna", &key, NULL), 0);
	vst_signers_write(&signers, &out);
	assert_int_equal(vst_signers_parse(out.data, out.len, &back, NULL), 0);
	assert_non_null(vst_signers_find(&back, &key));
	strcpy(key.application, "ssh:other");
	assert_null(vst_signers_find(&back, &key));
	vst_signers_free(&signers);
	vst_signers_free(&back);
	vst_buf_free(&out);
}

/* Each means something to OpenSSH or to a reader, and none of it is ours. */
static void parse_rejects_all_but_the_written_form(void **state)
{
	(void)state;
	static const char *const bad[] = {
	        "\n",
	        "# comment\n",
	        "anna" OPTIONS SAMPLE_PUBLIC,
	        "anna" OPTIONS SAMPLE_PUBLIC "\n\n",
	        "anna" OPTIONS SAMPLE_PUBLIC "\r\n",
	        "anna" OPTIONS SAMPLE_PUBLIC " \n",
	        "anna" OPTIONS SAMPLE_PUBLIC " comment\n",
	        " anna" OPTIONS SAMPLE_PUBLIC "\n",
	        "anna " OPTIONS SAMPLE_PUBLIC "\n",
	        "anna" OPTIONS " " SAMPLE_PUBLIC "\n",
	        "anna\tnamespaces=\"git\" " SAMPLE_PUBLIC "\n",
	        "anna " SAMPLE_PUBLIC "\n",
	        "anna namespaces=\"git,file\" " SAMPLE_PUBLIC "\n",
	        "anna namespaces=git " SAMPLE_PUBLIC "\n",
	        "anna Namespaces=\"git\" " SAMPLE_PUBLIC "\n",
	        "anna namespaces=\"git\",valid-before=\"20200101\" " SAMPLE_PUBLIC "\n",
	        "anna cert-authority,namespaces=\"git\" " SAMPLE_PUBLIC "\n",
	        "*" OPTIONS SAMPLE_PUBLIC "\n",
	        "an?a" OPTIONS SAMPLE_PUBLIC "\n",
	        "!anna" OPTIONS SAMPLE_PUBLIC "\n",
	        "anna,bert" OPTIONS SAMPLE_PUBLIC "\n",
	        "\"anna\"" OPTIONS SAMPLE_PUBLIC "\n",
	        "#anna" OPTIONS SAMPLE_PUBLIC "\n",
	        "an\x1b[1mna" OPTIONS SAMPLE_PUBLIC "\n",
	        "an\xffna" OPTIONS SAMPLE_PUBLIC "\n",
	        "an\xe2\x80\xaena" OPTIONS SAMPLE_PUBLIC "\n",
	        "an\xc2\xa0na" OPTIONS SAMPLE_PUBLIC "\n",
	        OPTIONS SAMPLE_PUBLIC "\n",
	        "anna" OPTIONS "ssh-ed25519 AAAA\n",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct vst_err err = VST_ERR_INIT;
		assert_int_equal(parse(bad[i], &err), VST_EFORMAT);
		assert_non_null(strstr(err.text, "signers: line "));
	}
}

static void parse_rejects_nul(void **state)
{
	(void)state;
	static const char text[] = "an\0a" OPTIONS SAMPLE_PUBLIC "\n";
	struct vst_signers signers;
	assert_int_equal(vst_signers_parse(text, sizeof text - 1, &signers, NULL), VST_EFORMAT);
}

static void parse_names_the_line(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(parse(TWO_LINES "bad\n", &err), VST_EFORMAT);
	assert_non_null(strstr(err.text, "line 3"));
}

static void parse_says_other_key_types_are_unsupported(void **state)
{
	(void)state;
	assert_int_equal(parse("anna" OPTIONS SAMPLE_ECDSA_PUBLIC "\n", NULL), VST_EUNSUPPORTED);
}

static void parse_rejects_a_key_that_stands_twice(void **state)
{
	(void)state;
	assert_int_equal(parse("anna" OPTIONS KEY2 "\nbert" OPTIONS KEY2 "\n", NULL), VST_EFORMAT);
}

static void one_person_may_have_two_keys(void **state)
{
	(void)state;
	assert_int_equal(parse("anna" OPTIONS KEY2 "\nanna" OPTIONS SAMPLE_PUBLIC "\n", NULL), 0);
}

static void parse_stops_at_the_limit(void **state)
{
	(void)state;
	struct vst_signers signers = {0};
	struct vst_buf text = VST_BUF_INIT;
	for (uint32_t i = 0; i <= VST_SIGNERS_MAX; i++) {
		struct vst_ssh_public key = {.type = VST_SSH_ED25519};
		memcpy(key.key, &i, sizeof i);
		assert_int_equal(vst_signers_add(&signers, "anna", &key, NULL), 0);
	}
	vst_signers_write(&signers, &text);
	vst_signers_free(&signers);
	assert_int_equal(vst_signers_parse(text.data, text.len, &signers, NULL), VST_ELIMIT);
	vst_buf_free(&text);
}

static void add_refuses_names_that_cannot_stand_there(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "a b", "a\tb", "a\nb", "a\"b", "a'b", "a,b", "a#b", "a*",
	        "?", "!a", "a+b", "a\\b", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "\xed\xa0\x80"};
	struct vst_signers signers = {0};
	struct vst_ssh_public key = key_of(1);
	char longest[VST_PRINCIPAL_MAX + 2];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(vst_signers_add(&signers, bad[i], &key, NULL), VST_EUSAGE);
	memset(longest, 'a', sizeof longest);
	longest[VST_PRINCIPAL_MAX + 1] = '\0';
	assert_int_equal(vst_signers_add(&signers, longest, &key, NULL), VST_EUSAGE);
	longest[VST_PRINCIPAL_MAX] = '\0';
	assert_int_equal(vst_signers_add(&signers, longest, &key, NULL), 0);
	key = key_of(2);
	assert_int_equal(vst_signers_add(&signers, "J\xc3\xbcrgen@polizei.example", &key, NULL), 0);
	vst_signers_free(&signers);
}

static void add_refuses_a_known_key(void **state)
{
	(void)state;
	struct vst_signers signers = {0};
	struct vst_ssh_public key = key_of(1);
	assert_int_equal(vst_signers_add(&signers, "anna", &key, NULL), 0);
	assert_int_equal(vst_signers_add(&signers, "bert", &key, NULL), VST_EEXIST);
	assert_int_equal(signers.count, 1);
	vst_signers_free(&signers);
}

static void find_works_while_the_set_grows(void **state)
{
	(void)state;
	struct vst_signers signers = {0};
	for (uint32_t i = 0; i < 500; i++) {
		struct vst_ssh_public key = key_of(i);
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		assert_null(vst_signers_find(&signers, &key));
		assert_int_equal(vst_signers_add(&signers, name, &key, NULL), 0);
	}
	for (uint32_t i = 0; i < 500; i++) {
		struct vst_ssh_public key = key_of(i);
		assert_ptr_equal(vst_signers_find(&signers, &key), &signers.list[i]);
	}
	vst_signers_free(&signers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(file_round_trips_in_order),
	        cmocka_unit_test(empty_file_has_no_signers),
	        cmocka_unit_test(hardware_key_round_trips),
	        cmocka_unit_test(parse_rejects_all_but_the_written_form),
	        cmocka_unit_test(parse_rejects_nul),
	        cmocka_unit_test(parse_names_the_line),
	        cmocka_unit_test(parse_says_other_key_types_are_unsupported),
	        cmocka_unit_test(parse_rejects_a_key_that_stands_twice),
	        cmocka_unit_test(one_person_may_have_two_keys),
	        cmocka_unit_test(parse_stops_at_the_limit),
	        cmocka_unit_test(add_refuses_names_that_cannot_stand_there),
	        cmocka_unit_test(add_refuses_a_known_key),
	        cmocka_unit_test(find_works_while_the_set_grows),
	};
	return cmocka_run_group_tests_name("signers", tests, NULL, NULL);
}
