#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/case_file.h"
#include "vestige/err.h"
#include "vestige/timefmt.h"

#define ID "9f3c61d2aabbccddeeff001122334455"
#define TITLE "Einbruch \xe2\x80\x9eLaden\xe2\x80\x9c \\\"A\\\""

/* The key of RFC 8032's first test under the origin that follows from the id. */
static struct vst_note_key log_key(void)
{
	static const uint8_t key[VST_ED25519_KEY_LEN] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5,
	        0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
	        0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
	struct vst_note_key made;

	assert_int_equal(vst_note_key_make("vestige/9f3c61d2", key, &made, NULL), 0);
	return made;
}

static void sample(struct vst_buf *out)
{
	struct vst_note_key key = log_key();
	struct vst_buf text = VST_BUF_INIT;

	vst_note_key_text(&key, &text);
	vst_buf_printf(out,
	        "{\"format\":1,\"id\":\"" ID "\",\"title\":\"" TITLE "\",\"number\":\"2026/"
	        "114\",\"created\":\"2026-11-22T03:40:13Z\",\"log\":{\"origin\":\"vestige/9f3c61d2\","
	        "\"key\":\"%s\"},\"regimes\":[\"gdpr\",\"nis2\"]}\n",
	        vst_buf_cstr(&text));
	vst_buf_free(&text);
}

static void case_file_reads_and_writes_the_same_bytes(void **state)
{
	struct vst_buf text = VST_BUF_INIT, again = VST_BUF_INIT;
	struct vst_case_file *file = NULL;
	struct vst_err err = VST_ERR_INIT;
	struct vst_note_key key = log_key();

	(void)state;
	sample(&text);
	vst_case_file_parse(text.data, text.len, &file, &err);
	assert_string_equal(err.text, "");
	assert_string_equal(file->id, ID);
	assert_string_equal(file->number, "2026/114");
	assert_string_equal(file->log_key.name, "vestige/9f3c61d2");
	assert_memory_equal(file->log_key.key, key.key, sizeof key.key);
	assert_memory_equal(file->log_key.id, key.id, sizeof key.id);
	assert_int_equal(file->regime_count, 2);
	assert_string_equal(file->regimes[1], "nis2");
	assert_int_equal(vst_case_file_encode(file, &again, &err), 0);
	assert_string_equal(vst_buf_cstr(&again), vst_buf_cstr(&text));
	vst_case_file_free(file);
	vst_buf_free(&text);
	vst_buf_free(&again);
}

static void case_file_may_have_no_number(void **state)
{
	static char id[] = ID, title[] = "t";
	struct vst_case_file file = {.id = id, .title = title, .created = 0, .log_key = log_key()};
	struct vst_case_file *again = NULL;
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	assert_int_equal(vst_case_file_encode(&file, &text, NULL), 0);
	assert_non_null(strstr(vst_buf_cstr(&text), "\"number\":null"));
	assert_non_null(strstr(vst_buf_cstr(&text), "\"regimes\":[]"));
	assert_int_equal(vst_case_file_parse(text.data, text.len, &again, NULL), 0);
	assert_null(again->number);
	vst_case_file_free(again);
	vst_buf_free(&text);
}

static void assert_refuses(const char *from, const char *to, int code)
{
	struct vst_buf text = VST_BUF_INIT, changed = VST_BUF_INIT;
	struct vst_case_file *file = NULL;
	struct vst_err err = VST_ERR_INIT;
	const char *at;
	int rc;

	sample(&text);
	at = strstr(vst_buf_cstr(&text), from);
	assert_non_null(at);
	vst_buf_bytes(&changed, text.data, (size_t)(at - (const char *)text.data));
	vst_buf_text(&changed, to);
	vst_buf_text(&changed, at + strlen(from));
	rc = vst_case_file_parse(changed.data, changed.len, &file, &err);
	if (rc != code)
		fail_msg("%d '%s' for %s", rc, err.text, vst_buf_cstr(&changed));
	assert_null(file);
	vst_buf_free(&text);
	vst_buf_free(&changed);
}

static void case_file_refuses_what_is_not_its_format(void **state)
{
	(void)state;
	assert_refuses("\"format\":1", "\"format\":2", VST_EVERSION);
	assert_refuses("{\"format\"", "{ \"format\"", VST_EFORMAT);
	assert_refuses("}\n", "}", VST_EFORMAT);
	assert_refuses("}\n", "}\n\n", VST_EFORMAT);
	assert_refuses("]}", "],\"more\":1}", VST_EFORMAT);
	assert_refuses("\"title\"", "\"titel\"", VST_EFORMAT);
	assert_refuses(ID, "9F3C61D2AABBCCDDEEFF001122334455", VST_EFORMAT);
	assert_refuses(ID, "9f3c61d2aabbccddeeff00112233445", VST_EFORMAT);
	assert_refuses(TITLE, "", VST_EFORMAT);
	assert_refuses(TITLE, "a\\u0007b", VST_EFORMAT);
	assert_refuses(TITLE, "a\\u009bb", VST_EFORMAT);
	assert_refuses(TITLE, "\\u0041", VST_EFORMAT);
	assert_refuses("\"2026/114\"", "\"\"", VST_EFORMAT);
	assert_refuses("\"2026/114\"", "2026", VST_EFORMAT);
	assert_refuses("\"2026-11-22T03:40:13Z\"", "null", VST_EFORMAT);
	assert_refuses("\"gdpr\",\"nis2\"", "\"gdpr\",\"gdpr\"", VST_EFORMAT);
	assert_refuses("\"gdpr\"", "\"GDPR\"", VST_EFORMAT);
	assert_refuses("\"gdpr\"", "7", VST_EFORMAT);
}

static void case_file_ties_the_log_to_the_id(void **state)
{
	(void)state;
	assert_refuses("\"id\":\"9f", "\"id\":\"8f", VST_EFORMAT);
	assert_refuses("\"origin\":\"vestige/9f3c61d2\"", "\"origin\":\"vestige/8f3c61d2\"", VST_EFORMAT);
	assert_refuses("\"key\":\"vestige/9f", "\"key\":\"vestige/8f", VST_EFORMAT);
}

static void case_file_refuses_every_cut(void **state)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_case_file *file = NULL;

	(void)state;
	sample(&text);
	for (size_t len = 0; len < text.len; len++)
		assert_int_equal(vst_case_file_parse(text.data, len, &file, NULL), VST_EFORMAT);
	vst_buf_free(&text);
}

static void case_file_refuses_to_write_what_it_could_not_read(void **state)
{
	static char id[] = ID, title[] = "t", bad[] = "a\nb", word[] = "Not A Word";
	char *regimes[] = {word};
	struct vst_case_file file = {.id = id, .title = title, .log_key = log_key()};
	struct vst_buf out = VST_BUF_INIT;

	(void)state;
	file.title = bad;
	assert_int_equal(vst_case_file_encode(&file, &out, NULL), VST_EUSAGE);
	file.title = title;
	file.number = bad;
	assert_int_equal(vst_case_file_encode(&file, &out, NULL), VST_EUSAGE);
	file.number = NULL;
	file.created = VST_TIME_NONE;
	assert_int_equal(vst_case_file_encode(&file, &out, NULL), VST_EUSAGE);
	file.created = 0;
	file.regimes = regimes;
	file.regime_count = 1;
	assert_int_equal(vst_case_file_encode(&file, &out, NULL), VST_EUSAGE);
	file.regime_count = 0;
	file.id = title;
	assert_int_equal(vst_case_file_encode(&file, &out, NULL), VST_EUSAGE);
	assert_int_equal(out.len, 0);
	vst_buf_free(&out);
}

static void case_file_is_not_longer_than_its_limit(void **state)
{
	char *text = calloc(1, VST_CASE_FILE_MAX + 1);
	struct vst_case_file *file = NULL;

	(void)state;
	assert_non_null(text);
	assert_int_equal(vst_case_file_parse(text, VST_CASE_FILE_MAX + 1, &file, NULL), VST_ELIMIT);
	free(text);
}

static void case_file_names_the_origin_of_an_id(void **state)
{
	char origin[VST_CASE_ORIGIN_TEXT];

	(void)state;
	assert_int_equal(vst_case_file_origin(ID, origin, NULL), 0);
	assert_string_equal(origin, "vestige/9f3c61d2");
	assert_int_equal(vst_case_file_origin("9f3c61d2", origin, NULL), VST_EUSAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(case_file_reads_and_writes_the_same_bytes),
	        cmocka_unit_test(case_file_may_have_no_number),
	        cmocka_unit_test(case_file_refuses_what_is_not_its_format),
	        cmocka_unit_test(case_file_ties_the_log_to_the_id),
	        cmocka_unit_test(case_file_refuses_every_cut),
	        cmocka_unit_test(case_file_refuses_to_write_what_it_could_not_read),
	        cmocka_unit_test(case_file_is_not_longer_than_its_limit),
	        cmocka_unit_test(case_file_names_the_origin_of_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
