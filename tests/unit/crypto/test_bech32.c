#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vestige/bech32.h"
#include "vestige/buf.h"
#include "vestige/err.h"

static int decode(const char *text, char *ret_hrp, struct vst_buf *out, struct vst_err *err)
{
	return vst_bech32_decode(text, strlen(text), ret_hrp, out, err);
}

/* BIP 173's valid strings whose data are whole bytes, and the long one that only age allows. */
static void decodes_and_encodes_back(void **state)
{
	(void)state;
	static const char *const texts[] = {"A12UEL5L", "a12uel5l",
	        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
	        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
	        "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
	        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "?1ezyfcl",
	        "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0"};
	char hrp[VST_BECH32_HRP_MAX + 1];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct vst_buf data = VST_BUF_INIT, text = VST_BUF_INIT;
		int rc = decode(texts[i], hrp, &data, NULL);
		if (rc == 0) {
			assert_int_equal(vst_bech32_encode(hrp, data.data, data.len, &text, NULL), 0);
			assert_string_equal(vst_buf_cstr(&text), texts[i]);
		}
		assert_int_equal(rc, 0);
		vst_buf_free(&data);
		vst_buf_free(&text);
	}
}

static void every_length_comes_back(void **state)
{
	(void)state;
	uint8_t bytes[100];
	char hrp[VST_BECH32_HRP_MAX + 1];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 251);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		struct vst_buf data = VST_BUF_INIT, text = VST_BUF_INIT;
		assert_int_equal(vst_bech32_encode("age", bytes, len, &text, NULL), 0);
		assert_int_equal(text.len, 4 + (len * 8 + 4) / 5 + 6);
		assert_int_equal(vst_bech32_decode((const char *)text.data, text.len, hrp, &data, NULL), 0);
		assert_string_equal(hrp, "age");
		assert_int_equal(data.len, len);
		if (len > 0)
			assert_memory_equal(data.data, bytes, len);
		vst_buf_free(&data);
		vst_buf_free(&text);
	}
}

static void rejects(const char *text, const char *why)
{
	struct vst_buf data = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	char hrp[VST_BECH32_HRP_MAX + 1] = "untouched";

	vst_buf_text(&data, "before");
	assert_int_equal(decode(text, hrp, &data, &err), VST_EFORMAT);
	if (!strstr(err.text, why))
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(hrp, "untouched");
	assert_int_equal(data.len, 6);
	vst_buf_free(&data);
}

static void rejects_malformed_text(void **state)
{
	(void)state;
	rejects("", "prefix");
	rejects("\x20"
	        "1nwldj5",
	        "character");
	rejects("\x7f"
	        "1axkwrx",
	        "character");
	rejects("\x80"
	        "1eym55h",
	        "character");
	rejects("pzry9x0s0muk", "prefix");
	rejects("1pzry9x0s0muk", "prefix");
	rejects("10a06t8", "prefix");
	rejects("1qzzfhee", "prefix");
	rejects("x1b4n0q5v", "character 3");
	rejects("li1dgmt3", "too short");
	rejects("A1G7SGD8", "checksum");
	rejects("a12UEL5L", "case");
	rejects("A12uEL5L", "case");
	rejects("an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
	        "prefix");
}

static void wrong_checksum_hints_at_mistyping(void **state)
{
	(void)state;
	char text[] = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
	struct vst_buf data = VST_BUF_INIT;
	char hrp[VST_BECH32_HRP_MAX + 1];

	for (size_t i = 16; i < sizeof text - 1; i++) {
		struct vst_err err = VST_ERR_INIT;
		char right = text[i];
		text[i] = right == 'Q' ? 'P' : 'Q';
		assert_int_equal(decode(text, hrp, &data, &err), VST_EFORMAT);
		assert_non_null(strstr(err.text, "checksum"));
		assert_non_null(strstr(err.hint, "mistyped"));
		text[i] = right;
	}
	vst_buf_free(&data);
}

/* One byte is two digits, the lower two bits of which must be zero. Checksums made for these texts. */
static void rejects_bits_in_the_padding(void **state)
{
	(void)state;
	rejects("age1lae6aamz", "bits");
	rejects("age1luqrr2q7m", "bits");
}

static void encode_refuses_what_has_no_text(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	char long_hrp[VST_BECH32_HRP_MAX + 2];

	memset(long_hrp, 'a', sizeof long_hrp - 1);
	long_hrp[sizeof long_hrp - 1] = '\0';
	assert_int_equal(vst_bech32_encode("", NULL, 0, &text, NULL), VST_EUSAGE);
	assert_int_equal(vst_bech32_encode("aB", NULL, 0, &text, NULL), VST_EUSAGE);
	assert_int_equal(vst_bech32_encode("a b", NULL, 0, &text, NULL), VST_EUSAGE);
	assert_int_equal(vst_bech32_encode(long_hrp, NULL, 0, &text, NULL), VST_EUSAGE);
	assert_int_equal(text.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(decodes_and_encodes_back),
	        cmocka_unit_test(every_length_comes_back),
	        cmocka_unit_test(rejects_malformed_text),
	        cmocka_unit_test(wrong_checksum_hints_at_mistyping),
	        cmocka_unit_test(rejects_bits_in_the_padding),
	        cmocka_unit_test(encode_refuses_what_has_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
