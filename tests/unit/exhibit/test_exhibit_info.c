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
#include "vestige/exhibit_info.h"
#include "vestige/timefmt.h"

#define HEX(digit)                                                                                           \
	digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit      \
	        digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit    \
	                digit

#define BLIND_CLOCKS                                                                                         \
	"\"clocks\":{\"realtime\":\"1970-01-01T00:00:00Z\",\"boottime_ns\":0,\"boot_id\":null,\"ntp\":null}"

static const char full[] =
        "{\"format\":1,\"case\":\"0123456789abcdef0123456789abcdef\",\"exhibit\":7,\"operator\":\"Eve "
        "\\\"E\\\"\","
        "\"reason\":\"ticket 12\",\"root\":\"/\",\"host\":{\"name\":\"web1\",\"kernel\":\"6.1.0\","
        "\"machine\":\"x86_64\",\"os\":\"Debian GNU/Linux 12\",\"machine_id\":\"f00d\"},"
        "\"zone\":{\"name\":\"Europe/Berlin\",\"offset\":3600},"
        "\"clocks\":{\"realtime\":\"2026-11-22T03:40:13.500000000Z\",\"boottime_ns\":123456789,"
        "\"boot_id\":\"01234567-89ab-cdef-0123-456789abcdef\","
        "\"ntp\":{\"synchronised\":true,\"offset_ns\":-1500,\"max_error_us\":2000}},"
        "\"program\":{\"name\":\"vestige\",\"version\":\"0.1.0\",\"sha256\":\"" HEX(
                "01") "\"},"
                      "\"mapped\":[{\"path\":\"/usr/bin/vestige\",\"sha256\":\"" HEX(
                              "01") "\"},"
                                    "{\"path\":\"/memfd:x "
                                    "(deleted)\",\"sha256\":null}],\"predecessor\":\"" HEX(
                                            "02") "\","
                                                  "\"policy\":{\"name\":\"linux-logs\",\"sha256\":\"" HEX(
                                                          "03") "\"},\"sources\":[\"logs\",\"etc\"]}\n";

static const char least[] =
        "{\"format\":1,\"case\":\"c\",\"exhibit\":1,\"operator\":\"o\",\"reason\":null,\"root\":\"/mnt\","
        "\"host\":{\"name\":null,\"kernel\":null,\"machine\":null,\"os\":null,\"machine_id\":null},"
        "\"zone\":{\"name\":null,\"offset\":null}," BLIND_CLOCKS ","
        "\"program\":{\"name\":\"vestige\",\"version\":\"v\",\"sha256\":null},\"mapped\":[],\"predecessor\":"
        "null,"
        "\"policy\":{\"name\":\"p\",\"sha256\":\"" HEX("03") "\"},\"sources\":[\"s\"]}\n";

static const char closing[] =
        "{\"format\":1," BLIND_CLOCKS ",\"sources\":[{\"name\":\"logs\",\"counts\":{\"collected\":12,"
        "\"denied\":1},\"bytes\":34567},{\"name\":\"etc\",\"counts\":{},\"bytes\":0}]}\n";

static struct vst_exhibit_info *parsed(const char *text)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_exhibit_info *info = NULL;
	if (vst_exhibit_info_parse(text, strlen(text), &info, &err) != 0)
		fail_msg("%s", err.text);
	return info;
}

static void same(const char *text)
{
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit_info *info = parsed(text);
	assert_int_equal(vst_exhibit_info_encode(info, &out, NULL), 0);
	assert_string_equal(vst_buf_cstr(&out), text);
	vst_exhibit_info_free(info);
	vst_buf_free(&out);
}

/* `text` with the first `from` put as `to`; static. */
static const char *with(const char *text, const char *from, const char *to)
{
	static char changed[8192];
	const char *at = strstr(text, from);
	if (!at)
		fail_msg("no '%s'", from);
	snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return changed;
}

static void rejected_as(const char *text, int code, const char *why)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_exhibit_info *info = NULL;
	assert_int_equal(vst_exhibit_info_parse(text, strlen(text), &info, &err), code);
	assert_null(info);
	if (strncmp(err.text, "exhibit.json: ", 14) != 0 || !strstr(err.text, why))
		fail_msg("'%s' is not about '%s'", err.text, why);
}

static void rejected(const char *text, const char *why)
{
	rejected_as(text, VST_EFORMAT, why);
}

static void exhibit_info_round_trips(void **state)
{
	(void)state;
	same(full);
	same(least);
}

static void exhibit_info_fills_everything(void **state)
{
	(void)state;
	struct vst_exhibit_info *info = parsed(full);
	assert_string_equal(info->case_id, "0123456789abcdef0123456789abcdef");
	assert_int_equal(info->exhibit, 7);
	assert_string_equal(info->operator_name, "Eve \"E\"");
	assert_string_equal(info->reason, "ticket 12");
	assert_string_equal(info->root, "/");
	assert_string_equal(info->host_name, "web1");
	assert_string_equal(info->kernel, "6.1.0");
	assert_string_equal(info->machine, "x86_64");
	assert_string_equal(info->os, "Debian GNU/Linux 12");
	assert_string_equal(info->machine_id, "f00d");
	assert_string_equal(info->zone_name, "Europe/Berlin");
	assert_true(info->has_zone_offset);
	assert_int_equal(info->zone_offset, 3600);
	assert_true(info->clocks.realtime % VST_NS_PER_S == VST_NS_PER_S / 2);
	assert_true(info->clocks.boottime_ns == 123456789);
	assert_string_equal(info->clocks.boot_id, "01234567-89ab-cdef-0123-456789abcdef");
	assert_true(info->clocks.ntp_known && info->clocks.ntp_synchronised);
	assert_true(info->clocks.ntp_offset_ns == -1500 && info->clocks.ntp_max_error_us == 2000);
	assert_string_equal(info->program_version, "0.1.0");
	assert_true(info->has_program_sha256 && info->program_sha256[31] == 1);
	assert_int_equal(info->mapped_count, 2);
	assert_string_equal(info->mapped[1].path, "/memfd:x (deleted)");
	assert_true(info->mapped[0].has_sha256 && !info->mapped[1].has_sha256);
	assert_true(info->has_predecessor && info->predecessor[0] == 2);
	assert_string_equal(info->policy_name, "linux-logs");
	assert_int_equal(info->policy_sha256[31], 3);
	assert_int_equal(info->source_count, 2);
	assert_string_equal(info->sources[1], "etc");
	vst_exhibit_info_free(info);
	vst_exhibit_info_free(NULL);
}

static void exhibit_info_leaves_unknown_things_out(void **state)
{
	(void)state;
	struct vst_exhibit_info *info = parsed(least);
	assert_null(info->reason);
	assert_null(info->host_name);
	assert_null(info->zone_name);
	assert_false(info->has_zone_offset);
	assert_string_equal(info->clocks.boot_id, "");
	assert_false(info->clocks.ntp_known);
	assert_false(info->has_program_sha256);
	assert_null(info->mapped);
	assert_false(info->has_predecessor);
	vst_exhibit_info_free(info);
}

static void exhibit_info_keeps_bytes_that_are_not_utf8(void **state)
{
	(void)state;
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit_info *info = parsed(least);
	free(info->root);
	info->root = strdup("/mnt/\xff\n");
	assert_int_equal(vst_exhibit_info_encode(info, &out, NULL), 0);
	vst_exhibit_info_free(info);
	assert_non_null(strstr(
	        vst_buf_cstr(&out), "\"root\":\"/mnt/\xef\xbf\xbd\\n\",\"root_base64\":\"L21udC//Cg==\","));
	info = parsed(vst_buf_cstr(&out));
	assert_string_equal(info->root, "/mnt/\xff\n");
	vst_exhibit_info_free(info);
	vst_buf_free(&out);

	rejected(with(least, "\"/mnt\"", "\"/mnt\",\"root_base64\":\"L21udA==\""), "not written as");
	rejected(with(least, "\"/mnt\"", "\"/mnt\",\"root_base64\":\"L21udA\""), "text in base64");
	rejected(with(least, "\"/mnt\"", "\"/mnt\",\"root_base64\":\"\""), "text in base64");
	rejected(with(least, "\"/mnt\"", "\"/mnt\",\"root_base64\":\"/wA=\""), "text in base64");
	rejected(with(least, "\"/mnt\"", "\"x\",\"root_base64\":\"/w==\""), "not written as");
}

static void exhibit_info_rejects_other_spellings(void **state)
{
	(void)state;
	rejected(with(full, "]}\n", "]}"), "no line feed");
	rejected("", "no line feed");
	rejected("\n", "JSON");
	rejected(with(full, "]}\n", "]}\n\n"), "not written as");
	rejected(with(full, "\"exhibit\":7", "\"exhibit\": 7"), "not written as");
	rejected(with(full, "web1", "\\u0077eb1"), "not written as");
	rejected(with(full, HEX("01"), HEX("0A")), "lower-case");
	rejected(with(full, "13.500000000Z", "13.5Z"), "should be a time");
	rejected(with(full, "\"exhibit\":7", "\"exhibit\":-7"), "negative");
	rejected(with(full, "-1500", "-1500.0"), "whole number");
}

static void exhibit_info_rejects_missing_unknown_and_moved_keys(void **state)
{
	(void)state;
	rejected(with(full, "\"exhibit\":7,", ""), "\"exhibit\" should stand where \"operator\"");
	rejected(with(full, "\"reason\":", "\"raison\":"), "\"reason\" should stand where \"raison\"");
	rejected(with(full, "\"etc\"]", "\"etc\"],\"more\":1"), "unknown key \"more\"");
	rejected(with(full, ",\"machine_id\":\"f00d\"", ""), "\"machine_id\" is missing");
	rejected(with(full, "\"offset\":3600", "\"offset\":3600,\"x\":1"), "unknown key \"x\"");
	rejected(with(full, "\"boot_id\":", "\"boot\":"), "\"boot_id\" should stand");
	rejected(with(full, ",\"max_error_us\":2000", ""), "\"max_error_us\" is missing");
	rejected(with(full, "\"version\":\"0.1.0\",", ""), "\"version\" should stand");
	rejected(with(full, ",\"sha256\":null}]", "}]"), "\"sha256\" is missing");
	rejected(with(full, "\"case\":", "\"format\":1,\"case\":"), "JSON");
}

static void exhibit_info_rejects_wrong_types(void **state)
{
	(void)state;
	rejected(with(full, "\"exhibit\":7", "\"exhibit\":\"7\""), "\"exhibit\" should be a whole number");
	rejected(with(full, "\"reason\":\"ticket 12\"", "\"reason\":1"), "\"reason\" should be text or null");
	rejected(with(full, "\"root\":\"/\"", "\"root\":null"), "\"root\" should be text");
	rejected(with(full, "\"name\":\"web1\"", "\"name\":[]"), "\"name\" should be text or null");
	rejected(with(full, "\"offset\":3600", "\"offset\":\"+1\""), "\"offset\" should be seconds");
	rejected(with(full, "\"offset\":3600", "\"offset\":93601"), "\"offset\" should be seconds");
	rejected(with(full, "\"boot_id\":\"0", "\"boot_id\":\"G"), "\"boot_id\" should be");
	rejected(with(full, "\"boot_id\":\"0", "\"boot_id\":\""), "\"boot_id\" should be");
	rejected(with(full, "\"synchronised\":true", "\"synchronised\":1"), "true or false");
	rejected(with(full, "\"vestige\",\"version\"", "\"other\",\"version\""), "should be \"vestige\"");
	rejected(with(full, "[{\"path\":\"/usr/bin/vestige\"", "[1,{\"path\":\"/usr/bin/vestige\""),
	        "not an object");
	rejected(with(full, "\"predecessor\":\"" HEX("02") "\"", "\"predecessor\":\"02\""), "32 bytes");
	rejected(with(full, "\"predecessor\":\"" HEX("02") "\"", "\"predecessor\":0"), "should be text");
	rejected(with(full, "\"" HEX("03") "\"", "null"), "should be text");
	rejected(with(full, "[\"logs\",", "[1,"), "list of names");
	rejected(with(full, "\"web1\"", "\"a\\u0000b\""), "JSON");
}

static void exhibit_info_rejects_what_cannot_be(void **state)
{
	(void)state;
	rejected(with(full, "\"exhibit\":7", "\"exhibit\":0"), "number is none");
	rejected(with(full, "\"Eve \\\"E\\\"\"", "\"\""), "operator is missing");
	rejected(with(full, "[\"logs\",\"etc\"]", "[]"), "no sources");
	rejected(with(full, "[\"logs\"", "[\"\""), "source's name");
	rejected(with(full, "[\"logs\"", "[\"" HEX("xx") "x\""), "source's name");
	rejected(with(full, "\"/usr/bin/vestige\"", "\"\""), "no path");
}

static void exhibit_info_tells_another_format(void **state)
{
	(void)state;
	rejected_as(with(full, "\"format\":1", "\"format\":2"), VST_EVERSION, "format 2 is not known");
	rejected_as("{\"format\":2}\n", VST_EVERSION, "format 2 is not known");
	rejected("{\"format\":\"1\"}\n", "whole number");
}

static void exhibit_info_encoder_refuses_what_the_parser_would(void **state)
{
	(void)state;
	struct vst_buf out = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	struct vst_exhibit_info *info = parsed(full);
	vst_buf_text(&out, "x");
	info->clocks.realtime = VST_TIME_NONE;
	assert_int_equal(vst_exhibit_info_encode(info, &out, &err), VST_EUSAGE);
	assert_string_equal(err.text, "exhibit.json: the time is missing");
	info->clocks.realtime = 0;
	memset(info->clocks.boot_id, 'a', sizeof info->clocks.boot_id);
	assert_int_equal(vst_exhibit_info_encode(info, &out, &err), VST_EUSAGE);
	info->clocks.boot_id[0] = '\0';
	info->exhibit = UINT64_MAX;
	assert_int_equal(vst_exhibit_info_encode(info, &out, &err), VST_EUSAGE);
	info->exhibit = 1;
	assert_int_equal(out.len, 1);
	assert_int_equal(vst_exhibit_info_encode(info, &out, &err), 0);
	vst_exhibit_info_free(info);
	vst_buf_free(&out);
}

/* Every cut and every flipped bit is refused, or is a record that encodes back to exactly those bytes. */
static void exhibit_info_survives_damage(void **state)
{
	(void)state;
	char text[sizeof full];
	for (size_t i = 0; i + 1 < sizeof full - 1; i++) {
		struct vst_exhibit_info *info = NULL;
		assert_int_equal(vst_exhibit_info_parse(full, i, &info, NULL), VST_EFORMAT);
		for (int bit = 0; bit < 8; bit++) {
			struct vst_buf out = VST_BUF_INIT;
			memcpy(text, full, sizeof full);
			text[i] = (char)(text[i] ^ 1 << bit);
			if (vst_exhibit_info_parse(text, sizeof full - 1, &info, NULL) != 0)
				continue;
			assert_int_equal(vst_exhibit_info_encode(info, &out, NULL), 0);
			assert_int_equal(out.len, sizeof full - 1);
			assert_memory_equal(out.data, text, out.len);
			vst_exhibit_info_free(info);
			vst_buf_free(&out);
		}
	}
}

/* ---- closing.json ---- */

static void closing_rejected(const char *text, int code, const char *why)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_exhibit_closing *record = NULL;
	assert_int_equal(vst_exhibit_closing_parse(text, strlen(text), &record, &err), code);
	assert_null(record);
	if (strncmp(err.text, "closing.json: ", 14) != 0 || !strstr(err.text, why))
		fail_msg("'%s' is not about '%s'", err.text, why);
}

static void exhibit_closing_round_trips(void **state)
{
	(void)state;
	struct vst_exhibit_closing *record = NULL;
	struct vst_buf out = VST_BUF_INIT;
	assert_int_equal(vst_exhibit_closing_parse(closing, strlen(closing), &record, NULL), 0);
	assert_int_equal(record->source_count, 2);
	assert_string_equal(record->sources[0].name, "logs");
	assert_int_equal(record->sources[0].items[VST_ITEM_COLLECTED], 12);
	assert_int_equal(record->sources[0].items[VST_ITEM_DENIED], 1);
	assert_int_equal(record->sources[0].items[VST_ITEM_ERROR], 0);
	assert_int_equal(record->sources[0].bytes, 34567);
	assert_int_equal(vst_exhibit_closing_encode(
	                         &record->clocks, record->sources, record->source_count, &out, NULL),
	        0);
	assert_string_equal(vst_buf_cstr(&out), closing);
	vst_exhibit_closing_free(record);
	vst_exhibit_closing_free(NULL);
	vst_buf_free(&out);
}

static void exhibit_closing_rejects(void **state)
{
	(void)state;
	closing_rejected(with(closing, "\"format\":1", "\"format\":2"), VST_EVERSION, "format 2");
	closing_rejected(
	        with(closing, "\"collected\":12,", "\"collected\":0,"), VST_EFORMAT, "not written as");
	closing_rejected(with(closing, "\"collected\":12,\"denied\":1", "\"denied\":1,\"collected\":12"),
	        VST_EFORMAT, "unknown key \"collected\"");
	closing_rejected(with(closing, "denied", "taken"), VST_EFORMAT, "unknown key \"taken\"");
	closing_rejected(with(closing, "\"bytes\":34567", "\"bytes\":\"a\""), VST_EFORMAT, "whole number");
	closing_rejected(with(closing, "\"bytes\":34567", "\"bytes\":-1"), VST_EFORMAT, "negative");
	closing_rejected(with(closing, "\"logs\"", "\"\""), VST_EFORMAT, "source's name");
	closing_rejected(with(closing, "\"logs\"", "\"" HEX("xx") "x\""), VST_EFORMAT, "too long");
	closing_rejected(with(closing, "\"counts\":{}", "\"counts\":[]"), VST_EFORMAT, "should be an object");
	closing_rejected(with(closing, "]}\n", "],\"x\":1}\n"), VST_EFORMAT, "unknown key \"x\"");
	closing_rejected(with(closing, "]}\n", "]}"), VST_EFORMAT, "no line feed");
}

static void exhibit_closing_encoder_refuses_large_numbers(void **state)
{
	(void)state;
	struct vst_exhibit_source_counts counts = {.name = "s", .bytes = UINT64_MAX};
	struct vst_clocks clocks = {0};
	struct vst_buf out = VST_BUF_INIT;
	assert_int_equal(vst_exhibit_closing_encode(&clocks, &counts, 1, &out, NULL), VST_EUSAGE);
	counts.bytes = INT64_MAX;
	counts.items[VST_ITEM_ABSENT] = UINT64_MAX;
	assert_int_equal(vst_exhibit_closing_encode(&clocks, &counts, 1, &out, NULL), VST_EUSAGE);
	counts.items[VST_ITEM_ABSENT] = 1;
	assert_int_equal(vst_exhibit_closing_encode(&clocks, &counts, 1, &out, NULL), 0);
	vst_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(exhibit_info_round_trips),
	        cmocka_unit_test(exhibit_info_fills_everything),
	        cmocka_unit_test(exhibit_info_leaves_unknown_things_out),
	        cmocka_unit_test(exhibit_info_keeps_bytes_that_are_not_utf8),
	        cmocka_unit_test(exhibit_info_rejects_other_spellings),
	        cmocka_unit_test(exhibit_info_rejects_missing_unknown_and_moved_keys),
	        cmocka_unit_test(exhibit_info_rejects_wrong_types),
	        cmocka_unit_test(exhibit_info_rejects_what_cannot_be),
	        cmocka_unit_test(exhibit_info_tells_another_format),
	        cmocka_unit_test(exhibit_info_encoder_refuses_what_the_parser_would),
	        cmocka_unit_test(exhibit_info_survives_damage),
	        cmocka_unit_test(exhibit_closing_round_trips),
	        cmocka_unit_test(exhibit_closing_rejects),
	        cmocka_unit_test(exhibit_closing_encoder_refuses_large_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
