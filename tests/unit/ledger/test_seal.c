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

#define SERIES                                                                                               \
	"\"series\":{\"full\":5,\"index_sha256\":\"" C64                                                     \
	"\",\"described\":90000,\"changes\":{\"added\":2,\"removed\":30,\"changed\":13},"                    \
	"\"findings\":{\"high\":1,\"medium\":2,\"low\":3,\"info\":4}},"

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

/* The sample with its series. */
static void with_series(struct vst_buf *out)
{
	const char *at = strstr(SEAL, "\"started\"");

	assert_non_null(at);
	vst_buf_bytes(out, SEAL, (size_t)(at - SEAL));
	vst_buf_text(out, SERIES);
	vst_buf_text(out, at);
}

static void seal_reads_and_writes_its_series(void **state)
{
	struct vst_buf text = VST_BUF_INIT, out = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&out);
	struct vst_seal *seal = NULL;

	(void)state;
	with_series(&text);
	assert_int_equal(read_text(vst_buf_cstr(&text), &seal, NULL), 0);
	assert_true(seal->has_series && seal->series.compared);
	assert_int_equal(seal->series.full, 5);
	assert_int_equal(seal->series.index_sha256[31], 0xcc);
	assert_int_equal(seal->series.described, 90000);
	assert_int_equal(seal->series.added, 2);
	assert_int_equal(seal->series.removed, 30);
	assert_int_equal(seal->series.changed, 13);
	assert_int_equal(seal->series.findings[VST_SEVERITY_HIGH], 1);
	assert_int_equal(seal->series.findings[VST_SEVERITY_INFO], 4);
	vst_seal_write(seal, &json);
	assert_string_equal(vst_buf_cstr(&out), vst_buf_cstr(&text));
	vst_buf_free(&text);
	vst_buf_free(&out);
	vst_seal_free(seal);
}

/* The first of a series has nothing to be compared with. */
static void seal_of_a_series_leaves_out_changes_that_nobody_looked_for(void **state)
{
	struct vst_buf out = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&out);
	struct vst_seal *seal = sample(), *again = NULL;

	(void)state;
	seal->has_series = true;
	seal->series.full = seal->exhibit;
	seal->has_predecessor = false;
	assert_int_equal(vst_seal_check(seal, NULL), 0);
	vst_seal_write(seal, &json);
	assert_null(strstr(vst_buf_cstr(&out), "changes"));
	assert_int_equal(read_text(vst_buf_cstr(&out), &again, NULL), 0);
	assert_true(again->has_series);
	assert_false(again->series.compared);
	vst_buf_free(&out);
	vst_seal_free(again);
	vst_seal_free(seal);
}

static void assert_series_refused(const char *from, const char *to)
{
	struct vst_buf text = VST_BUF_INIT, changed = VST_BUF_INIT;
	struct vst_seal *seal = NULL;
	struct vst_err err = VST_ERR_INIT;
	const char *at;
	int rc;

	with_series(&text);
	at = strstr(vst_buf_cstr(&text), from);
	assert_non_null(at);
	vst_buf_bytes(&changed, vst_buf_cstr(&text), (size_t)(at - vst_buf_cstr(&text)));
	vst_buf_text(&changed, to);
	vst_buf_text(&changed, at + strlen(from));
	rc = read_text(vst_buf_cstr(&changed), &seal, &err);
	if (rc != VST_EFORMAT)
		fail_msg("%d '%s' for %s", rc, err.text, vst_buf_cstr(&changed));
	assert_null(seal);
	vst_buf_free(&changed);
	vst_buf_free(&text);
}

static void seal_refuses_a_series_that_is_none(void **state)
{
	(void)state;
	assert_series_refused("\"full\":5", "\"full\":0");
	assert_series_refused("\"full\":5", "\"full\":8"); /* it is exhibit 7 */
	assert_series_refused("\"full\":5,", "");
	assert_series_refused("\"predecessor\":\"" B64 "\"", "\"predecessor\":null");
	assert_series_refused("\"added\":2", "\"added\":3"); /* of 15 items, 13 are changed */
	assert_series_refused("\"changed\":13", "\"changed\":9223372036854775807");
	assert_series_refused("\"removed\":30", "\"removed\":-1");
	assert_series_refused("\"removed\":30,", "");
	assert_series_refused("\"described\":90000", "\"described\":9223372036854775808");
	assert_series_refused("\"high\":1,", "");
	assert_series_refused("\"high\":1,\"medium\":2", "\"medium\":2,\"high\":1");
	assert_series_refused("\"info\":4", "\"info\":4,\"none\":0");
	assert_series_refused("\"info\":4}", "\"info\":4},\"x\":1");
	assert_series_refused("\"changes\":{", "\"changes\":[],\"x\":{");
	assert_series_refused(SERIES, "\"series\":null,");
	assert_series_refused(SERIES, SERIES SERIES);
}

static void seal_check_says_what_is_wrong_with_a_series(void **state)
{
	struct vst_seal *seal = sample();
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	seal->has_series = true;
	seal->series.full = 6;
	assert_int_equal(vst_seal_check(seal, NULL), 0);
	seal->series.added = 1;
	assert_int_equal(vst_seal_check(seal, &err), VST_EUSAGE);
	assert_string_equal(err.text, "seal: changes are counted where nothing was compared");
	seal->series.compared = true;
	assert_int_equal(vst_seal_check(seal, NULL), 0);
	seal->series.full = seal->exhibit;
	seal->has_predecessor = false;
	assert_int_equal(vst_seal_check(seal, &err), VST_EUSAGE);
	assert_string_equal(err.text, "seal: it is compared with a predecessor that it has not");
	seal->has_predecessor = true;
	seal->series.findings[VST_SEVERITY_LOW] = UINT64_MAX;
	assert_int_equal(vst_seal_check(seal, &err), VST_EUSAGE);
	assert_string_equal(err.text, "seal: a count of findings is out of range");
	vst_seal_free(seal);
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
	        cmocka_unit_test(seal_reads_and_writes_its_series),
	        cmocka_unit_test(seal_of_a_series_leaves_out_changes_that_nobody_looked_for),
	        cmocka_unit_test(seal_refuses_a_series_that_is_none),
	        cmocka_unit_test(seal_check_says_what_is_wrong_with_a_series),
	        cmocka_unit_test(seal_refuses_too_many_statuses),
	        cmocka_unit_test(seal_check_says_what_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
