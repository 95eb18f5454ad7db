#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/seal.h"
#include "vestige/timefmt.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define SEAL                                                                                                 \
	"{\"format\":1,\"exhibit\":7,\"file\":{\"sha256\":\"" A64                                            \
	"\",\"bytes\":1000},\"payload\":{\"sha256\":\"" B64 "\",\"bytes\":800},\"merkle\":{\"root\":\"" C64  \
	"\",\"size\":15},\"policy_sha256\":\"" A64 "\",\"predecessor\":\"" B64 "\",\"recipients\":[\"" A64   \
	"\",\"" C64 "\"],\"counts\":{\"web \\\"logs\\\"\":{\"collected\":12,\"denied\":3},\"live\":{}},"     \
	"\"started\":\"2026-11-22T03:40:00Z\",\"sealed\":\"2026-11-22T03:40:13.250000000Z\"}"

static int read_text(const char *text, struct vst_seal **ret, struct vst_err *err)
{
	json_t *value = NULL;
	int rc = vst_json_parse(text, strlen(text), &value, err);

	if (rc == 0)
		rc = vst_seal_read(value, ret, err);
	json_decref(value);
	return rc;
}

static struct vst_seal *sample(void)
{
	struct vst_seal *seal = NULL;
	struct vst_err err = VST_ERR_INIT;

	read_text(SEAL, &seal, &err);
	assert_string_equal(err.text, "");
	return seal;
}

static void seal_reads_and_writes_the_same_bytes(void **state)
{
	struct vst_seal *seal = sample();
	struct vst_buf out = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&out);

	(void)state;
	vst_seal_write(seal, &json);
	assert_string_equal(vst_buf_cstr(&out), SEAL);
	vst_buf_free(&out);
	vst_seal_free(seal);
}

static void seal_gives_its_fields(void **state)
{
	struct vst_seal *seal = sample();

	(void)state;
	assert_int_equal(seal->exhibit, 7);
	assert_int_equal(seal->file_bytes, 1000);
	assert_int_equal(seal->payload_bytes, 800);
	assert_int_equal(seal->file_sha256[0], 0xaa);
	assert_int_equal(seal->payload_sha256[0], 0xbb);
	assert_int_equal(seal->root[0], 0xcc);
	assert_int_equal(seal->items, 15);
	assert_true(seal->has_predecessor);
	assert_int_equal(seal->predecessor[31], 0xbb);
	assert_int_equal(seal->recipient_count, 2);
	assert_int_equal(seal->recipients[1][0], 0xcc);
	assert_int_equal(seal->source_count, 2);
	assert_string_equal(seal->sources[0].name, "web \"logs\"");
	assert_int_equal(seal->sources[0].status_count, 2);
	assert_string_equal(seal->sources[0].statuses[1].status, "denied");
	assert_int_equal(seal->sources[0].statuses[1].count, 3);
	assert_int_equal(seal->sealed - seal->started, INT64_C(13250000000));
	vst_seal_free(seal);
}

static void seal_digest_is_that_of_its_bytes(void **state)
{
	struct vst_seal *seal = sample();
	uint8_t digest[VST_HASH_LEN], expected[VST_HASH_LEN];

	(void)state;
	vst_sha256(SEAL, strlen(SEAL), expected);
	assert_int_equal(vst_seal_digest(seal, digest, NULL), 0);
	assert_memory_equal(digest, expected, VST_HASH_LEN);
	seal->exhibit = 0;
	assert_int_equal(vst_seal_digest(seal, digest, NULL), VST_EUSAGE);
	vst_seal_free(seal);
}

static void seal_totals_a_status_over_all_sources(void **state)
{
	struct vst_seal *seal = sample();

	(void)state;
	seal->sources[1].status_count = 1;
	seal->sources[1].statuses[0] = (struct vst_seal_count){"collected", 30};
	assert_int_equal(vst_seal_total(seal, "collected"), 42);
	assert_int_equal(vst_seal_total(seal, "denied"), 3);
	assert_int_equal(vst_seal_total(seal, "absent"), 0);
	seal->sources[0].statuses[0].count = UINT64_MAX - 1;
	assert_true(vst_seal_total(seal, "collected") == UINT64_MAX);
	vst_seal_free(seal);
}

static void assert_refuses(const char *from, const char *to, int code)
{
	struct vst_buf changed = VST_BUF_INIT;
	struct vst_seal *seal = NULL;
	struct vst_err err = VST_ERR_INIT;
	const char *text = SEAL, *at = strstr(text, from);
	int rc;

	assert_non_null(at);
	vst_buf_bytes(&changed, text, (size_t)(at - text));
	vst_buf_text(&changed, to);
	vst_buf_text(&changed, at + strlen(from));
	rc = read_text(vst_buf_cstr(&changed), &seal, &err);
	if (rc != code)
		fail_msg("%d '%s' for %s", rc, err.text, vst_buf_cstr(&changed));
	assert_null(seal);
	vst_buf_free(&changed);
}

static void seal_refuses_what_is_not_its_format(void **state)
{
	(void)state;
	assert_refuses("\"format\":1", "\"format\":3", VST_EVERSION);
	assert_refuses("\"exhibit\":7", "\"exhibit\":0", VST_EFORMAT);
	assert_refuses("\"exhibit\":7", "\"exhibit\":10000000", VST_EFORMAT);
	assert_refuses("\"exhibit\":7", "\"exhibit\":\"7\"", VST_EFORMAT);
	assert_refuses("\"exhibit\":7,", "", VST_EFORMAT);
	assert_refuses("\"bytes\":1000", "\"bytes\":-1000", VST_EFORMAT);
	assert_refuses("\"bytes\":1000", "\"bytes\":799", VST_EFORMAT); /* less than its payload */
	assert_refuses("\"bytes\":1000}", "\"bytes\":1000,\"x\":1}", VST_EFORMAT);
	assert_refuses("\"size\":15", "\"size\":9223372036854775808", VST_EFORMAT);
	assert_refuses("\"predecessor\":\"" B64 "\"", "\"predecessor\":false", VST_EFORMAT);
	assert_refuses("\"predecessor\":\"" B64 "\"", "\"predecessor\":\"b\"", VST_EFORMAT);
	assert_refuses("\"" A64 "\",\"" C64 "\"", "", VST_EFORMAT);
	assert_refuses("\"" A64 "\",\"" C64 "\"", "\"" A64 "\",1", VST_EFORMAT);
	assert_refuses("\"collected\":12", "\"collected\":0", VST_EFORMAT);
	assert_refuses("\"collected\":12", "\"collected\":null", VST_EFORMAT);
	assert_refuses("\"collected\":12", "\"Collected\":12", VST_EFORMAT);
	assert_refuses("\"collected\":12", "\"\":12", VST_EFORMAT);
	assert_refuses("\"collected\":12", "\"abcdefghijklmnopqrstuvwx\":12", VST_EFORMAT);
	assert_refuses("\"live\":{}", "\"live\":0", VST_EFORMAT);
	assert_refuses("\"live\":{}", "\"\":{}", VST_EFORMAT);
	assert_refuses("\"live\":{}", "\"li\\u001bve\":{}", VST_EFORMAT);
	assert_refuses("03:40:13.250000000Z", "03:40:13.25Z", VST_EFORMAT);
	assert_refuses("\"sealed\":\"2026-11-22T03:40:13.250000000Z\"", "\"sealed\":null", VST_EFORMAT);
}

static void seal_refuses_too_many_statuses(void **state)
{
	struct vst_buf many = VST_BUF_INIT;

	(void)state;
	vst_buf_text(&many, "\"live\":{");
	for (int i = 0; i <= VST_SEAL_STATUSES_MAX; i++)
		vst_buf_printf(&many, "%s\"s%d\":1", i ? "," : "", i);
	vst_buf_text(&many, "}");
	assert_refuses("\"live\":{}", vst_buf_cstr(&many), VST_EFORMAT);
	vst_buf_free(&many);
}

static void seal_check_says_what_cannot_be_written(void **state)
{
	struct vst_seal *seal = sample();
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	assert_int_equal(vst_seal_check(seal, NULL), 0);
	seal->sources[1].status_count = 1;
	assert_int_equal(vst_seal_check(seal, NULL), VST_EUSAGE);
	seal->sources[1].statuses[0] = (struct vst_seal_count){"collected", 1};
	assert_int_equal(vst_seal_check(seal, NULL), 0);
	memset(seal->sources[1].statuses[0].status, 'a', sizeof seal->sources[1].statuses[0].status);
	assert_int_equal(vst_seal_check(seal, NULL), VST_EUSAGE);
	seal->sources[1].status_count = 0;
	free(seal->sources[1].name);
	seal->sources[1].name = strdup("web \"logs\"");
	assert_int_equal(vst_seal_check(seal, &err), VST_EUSAGE);
	assert_string_equal(err.text, "seal: a source is named twice");
	seal->source_count = 1;
	free(seal->sources[1].name);
	seal->started = VST_TIME_NONE;
	assert_int_equal(vst_seal_check(seal, NULL), VST_EUSAGE);
	vst_seal_free(seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(seal_reads_and_writes_the_same_bytes),
	        cmocka_unit_test(seal_gives_its_fields),
	        cmocka_unit_test(seal_digest_is_that_of_its_bytes),
	        cmocka_unit_test(seal_totals_a_status_over_all_sources),
	        cmocka_unit_test(seal_refuses_what_is_not_its_format),
	        cmocka_unit_test(seal_refuses_too_many_statuses),
	        cmocka_unit_test(seal_check_says_what_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
