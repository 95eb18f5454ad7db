#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/event.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D64 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define FILES                                                                                                \
	"\"case_sha256\":\"" B64 "\",\"recipients_sha256\":\"" C64 "\",\"allowed_signers_sha256\":\"" D64 "\""
#define NEXT "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define HEAD(number, type, previous, actor)                                                                  \
	"{\"format\":1,\"event\":" number ",\"type\":\"" type                                                \
	"\",\"time\":\"2026-11-22T03:40:13.500000000Z\",\"previous\":" previous ",\"actor\":\"" actor        \
	"\"," FILES

#define GENESIS                                                                                              \
	HEAD("0", "genesis", "null", "collector@web1")                                                       \
	",\"next_key\":\"" NEXT "\",\"program\":\"vestige 0.1.0\"}\n"
#define RECOVER                                                                                              \
	HEAD("2", "recover", "\"" A64 "\"", "collector@web1")                                                \
	",\"next_key\":\"" NEXT "\",\"exhibit\":2,\"file\":{\"sha256\":\"" D64 "\",\"bytes\":77}}\n"
#define EXTRACT                                                                                              \
	HEAD("3", "extract", "\"" A64 "\"", "alice")                                                         \
	",\"exhibit\":1,\"verb\":\"cat\",\"items\":1,\"selection_sha256\":\"" D64 "\"}\n"
#define DISPOSE                                                                                              \
	HEAD("5", "dispose", "\"" A64 "\"", "collector@web1")                                                \
	",\"next_key\":\"" NEXT "\",\"generation\":1,\"exhibits\":[{\"exhibit\":1,\"seal_sha256\":\"" B64  \
	"\"},{\"exhibit\":3,\"seal_sha256\":\"" C64 "\"}],\"cause\":\"retention\"}\n"
#define KEY HEAD("4", "key", "\"" A64 "\"", "alice") "}\n"
#define ACQUIRE                                                                                              \
	HEAD("1", "acquire", "\"" A64 "\"", "collector@web1")                                                \
	",\"next_key\":\"" NEXT "\",\"seal\":{\"format\":1,\"exhibit\":1,\"file\":{\"sha256\":\"" A64        \
	"\",\"bytes\":1000},\"payload\":{\"sha256\":\"" B64 "\",\"bytes\":800},\"merkle\":{\"root\":\"" C64  \
	"\",\"size\":12},\"policy_sha256\":\"" D64 "\",\"predecessor\":null,\"recipients\":[\"" A64          \
	"\"],\"counts\":{\"logs\":{\"collected\":12}},\"started\":\"2026-11-22T03:40:00Z\","                 \
	"\"sealed\":\"2026-11-22T03:40:13Z\"}}\n"

static int parse(const char *text, struct vst_event **ret, struct vst_err *err)
{
	return vst_event_parse(text, strlen(text), ret, err);
}

static void event_reads_and_writes_every_type(void **state)
{
	static const char *const texts[] = {GENESIS, ACQUIRE, RECOVER, EXTRACT, KEY, DISPOSE};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct vst_event *event = NULL;
		struct vst_err err = VST_ERR_INIT;
		struct vst_buf out = VST_BUF_INIT;

		parse(texts[i], &event, &err);
		assert_string_equal(err.text, "");
		assert_int_equal(event->number, i);
		assert_int_equal(vst_event_encode(event, &out, &err), 0);
		assert_string_equal(vst_buf_cstr(&out), texts[i]);
		vst_buf_free(&out);
		vst_event_free(event);
	}
}

static void event_gives_its_fields(void **state)
{
	struct vst_event *event = NULL;

	(void)state;
	assert_int_equal(parse(RECOVER, &event, NULL), 0);
	assert_int_equal(event->type, VST_EVENT_RECOVER);
	assert_int_equal(event->time, INT64_C(1795318813500000000));
	assert_string_equal(event->actor, "collector@web1");
	assert_string_equal(event->next_key, NEXT);
	assert_int_equal(event->previous[0], 0xaa);
	assert_int_equal(event->case_sha256[0], 0xbb);
	assert_int_equal(event->recipients_sha256[0], 0xcc);
	assert_int_equal(event->signers_sha256[0], 0xdd);
	assert_int_equal(event->recover.exhibit, 2);
	assert_int_equal(event->recover.file_bytes, 77);
	assert_int_equal(event->recover.file_sha256[31], 0xdd);
	vst_event_free(event);
}

static void assert_not_parsed(const char *text, size_t len, int code)
{
	struct vst_event *event = NULL;
	struct vst_err err = VST_ERR_INIT;
	int rc = vst_event_parse(text, len, &event, &err);

	if (rc != code)
		fail_msg("%d '%s' for %.*s", rc, err.text, (int)len, text);
	assert_int_equal(err.code, code);
	assert_null(event);
}

/* The text with the first `from` changed. */
static void assert_refuses(const char *text, const char *from, const char *to, int code)
{
	struct vst_buf changed = VST_BUF_INIT;
	const char *at = strstr(text, from);

	assert_non_null(at);
	vst_buf_bytes(&changed, text, (size_t)(at - text));
	vst_buf_text(&changed, to);
	vst_buf_text(&changed, at + strlen(from));
	assert_not_parsed((const char *)changed.data, changed.len, code);
	vst_buf_free(&changed);
}

static void event_refuses_another_spelling(void **state)
{
	(void)state;
	assert_refuses(KEY, "{\"format\"", "{ \"format\"", VST_EFORMAT);
	assert_refuses(KEY, "\"format\":1,\"event\":4", "\"event\":4,\"format\":1", VST_EFORMAT);
	assert_refuses(KEY, "\"event\":4", "\"event\":4.0", VST_EFORMAT);
	assert_refuses(KEY, "\"event\":4", "\"event\":04", VST_EFORMAT);
	assert_refuses(KEY, "\"event\":4", "\"event\":-4", VST_EFORMAT);
	assert_refuses(KEY, "\"event\":4", "\"event\":4e0", VST_EFORMAT);
	assert_refuses(KEY, "alice", "\\u0061lice", VST_EFORMAT);
	assert_refuses(KEY, "alice", "ali\\/ce", VST_EFORMAT);
	assert_refuses(KEY, A64,
	        "A"
	        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	        VST_EFORMAT);
	assert_refuses(KEY, "03:40:13.500000000Z", "03:40:13.5Z", VST_EFORMAT);
	assert_refuses(KEY, "03:40:13.500000000Z", "03:40:13.500000000+00:00", VST_EFORMAT);
	assert_refuses(KEY, "}\n", "}", VST_EFORMAT);
	assert_refuses(KEY, "}\n", "}\n\n", VST_EFORMAT);
	assert_refuses(KEY, "}\n", "} \n", VST_EFORMAT);
	assert_refuses(KEY, "}\n", "}\r\n", VST_EFORMAT);
	assert_refuses(KEY, "}\n", ",\"note\":1}\n", VST_EFORMAT);
	assert_refuses(KEY, "\"event\":4", "\"event\":4,\"event\":4", VST_EFORMAT);
	assert_refuses(EXTRACT, ",\"items\":1", "", VST_EFORMAT);
	assert_not_parsed("", 0, VST_EFORMAT);
	assert_not_parsed("\n", 1, VST_EFORMAT);
	assert_not_parsed("[]\n", 3, VST_EFORMAT);
	assert_not_parsed("{}\n", 3, VST_EFORMAT);
}

static void event_refuses_every_cut(void **state)
{
	static const char text[] = ACQUIRE;

	(void)state;
	for (size_t len = 0; len < sizeof text - 1; len++)
		assert_not_parsed(text, len, VST_EFORMAT);
}

static void event_says_when_it_does_not_know_the_format(void **state)
{
	(void)state;
	assert_refuses(KEY, "\"format\":1", "\"format\":2", VST_EVERSION);
	assert_refuses(KEY, "\"type\":\"key\"", "\"type\":\"hold\"", VST_EVERSION);
	assert_refuses(ACQUIRE, "\"seal\":{\"format\":1", "\"seal\":{\"format\":2", VST_EVERSION);
}

static void event_refuses_values_out_of_range(void **state)
{
	(void)state;
	assert_refuses(KEY, "\"event\":4", "\"event\":100000000", VST_EFORMAT);
	assert_refuses(KEY, "\"event\":4", "\"event\":9223372036854775808", VST_EFORMAT);
	assert_refuses(KEY, "2026-11-22", "1969-11-22", VST_EFORMAT);
	assert_refuses(RECOVER, "\"exhibit\":2", "\"exhibit\":0", VST_EFORMAT);
	assert_refuses(RECOVER, "\"exhibit\":2", "\"exhibit\":10000000", VST_EFORMAT);
	assert_refuses(EXTRACT, "\"exhibit\":1", "\"exhibit\":0", VST_EFORMAT);
	assert_refuses(EXTRACT, "\"cat\"", "\"rm\"", VST_EFORMAT);
	assert_refuses(GENESIS, "vestige 0.1.0", "", VST_EFORMAT);
	assert_refuses(GENESIS, "vestige 0.1.0", "vestige\\u001b", VST_EFORMAT);
}

static void event_ties_genesis_to_number_zero(void **state)
{
	(void)state;
	assert_refuses(GENESIS, "\"previous\":null", "\"previous\":\"" A64 "\"", VST_EFORMAT);
	assert_refuses(GENESIS, "\"event\":0", "\"event\":1", VST_EFORMAT);
	assert_refuses(KEY, "\"event\":4", "\"event\":0", VST_EFORMAT);
	assert_refuses(KEY, "\"previous\":\"" A64 "\"", "\"previous\":null", VST_EFORMAT);
}

static void event_refuses_actors_that_a_commit_cannot_carry(void **state)
{
	static const char *const actors[] = {"", "a b", "a<b", "a>b", ".a", "a.", ":a", "a;", "a+b", "a,b",
	        "a\\\"b", "a'b", "a*", "a?", "!a", "#a", "a\\\\b", "a\\nb", "a\\u007fb", "a\\u0085b"};

	(void)state;
	for (size_t i = 0; i < sizeof actors / sizeof *actors; i++)
		assert_refuses(KEY, "alice", actors[i], VST_EFORMAT);
}

static void event_takes_actors_of_any_language(void **state)
{
	(void)state;
	assert_true(vst_event_actor_valid("zo\xc3\xab@example.com"));
	assert_true(vst_event_actor_valid("\xe8\x8a\xb1\xe5\xad\x90"));
	assert_true(vst_event_actor_valid("o.k-_~%/=a"));
	assert_false(vst_event_actor_valid(NULL));
	assert_false(vst_event_actor_valid("\xff"));
	assert_false(vst_event_actor_valid("a\xc2\x80"));
	char long_name[257];
	memset(long_name, 'a', 256);
	long_name[256] = '\0';
	assert_false(vst_event_actor_valid(long_name));
	assert_true(vst_event_actor_valid(long_name + 1));
}

static void event_wants_a_next_key_only_where_a_collector_signs(void **state)
{
	(void)state;
	assert_refuses(KEY, "}\n", ",\"next_key\":\"" NEXT "\"}\n", VST_EFORMAT);
	assert_refuses(EXTRACT, ",\"exhibit\"", ",\"next_key\":\"" NEXT "\",\"exhibit\"", VST_EFORMAT);
	assert_refuses(RECOVER, NEXT, NEXT " comment", VST_EFORMAT);
	assert_refuses(RECOVER, "ssh-ed25519 AAAA", "ssh-ed25519  AAAA", VST_EFORMAT);
	assert_refuses(RECOVER, "ssh-ed25519 AAAA", "AAAA", VST_EFORMAT);
	assert_refuses(RECOVER, "\"next_key\":\"" NEXT "\"", "\"next_key\":null", VST_EFORMAT);
	assert_refuses(RECOVER, NEXT,
	        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAINdamAGCsQq31Uv+"
	        "08lkBzoO4XLz2qYjJa8CGmj3B1EaAAAABHNzaDo=",
	        VST_EFORMAT);
}

static void event_refuses_to_write_what_it_could_not_read(void **state)
{
	static char actor[] = "alice", bad_actor[] = "a b";
	struct vst_event event = {.number = 4, .type = VST_EVENT_KEY, .time = 1, .actor = actor};
	struct vst_buf out = VST_BUF_INIT;

	(void)state;
	assert_int_equal(vst_event_encode(&event, &out, NULL), 0);
	vst_buf_clear(&out);
	event.actor = bad_actor;
	assert_int_equal(vst_event_encode(&event, &out, NULL), VST_EUSAGE);
	event.actor = NULL;
	assert_int_equal(vst_event_encode(&event, &out, NULL), VST_EUSAGE);
	event.actor = actor;
	event.time = -1;
	assert_int_equal(vst_event_encode(&event, &out, NULL), VST_EUSAGE);
	event.time = 1;
	event.number = 0;
	assert_int_equal(vst_event_encode(&event, &out, NULL), VST_EUSAGE);
	event.number = 4;
	event.type = 77;
	assert_int_equal(vst_event_encode(&event, &out, NULL), VST_EUSAGE);
	event.type = VST_EVENT_ACQUIRE;
	assert_int_equal(vst_event_encode(&event, &out, NULL), VST_EUSAGE);
	event.type = VST_EVENT_EXTRACT;
	event.extract.exhibit = 1;
	event.extract.verb = NULL;
	assert_int_equal(vst_event_encode(&event, &out, NULL), VST_EUSAGE);
	assert_int_equal(out.len, 0);
	vst_buf_free(&out);
}

static void event_is_not_longer_than_its_limit(void **state)
{
	char *text = malloc(VST_EVENT_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', VST_EVENT_MAX + 1);
	assert_not_parsed(text, VST_EVENT_MAX + 1, VST_ELIMIT);
	assert_not_parsed(text, VST_EVENT_MAX, VST_EFORMAT);
	free(text);
}

static void event_names_what_was_disposed_of(void **state)
{
	struct vst_event *event = NULL;
	struct vst_buf text = VST_BUF_INIT;

	(void)state;
	assert_int_equal(parse(DISPOSE, &event, NULL), 0);
	assert_int_equal(event->dispose.generation, 1);
	assert_int_equal(event->dispose.cause, VST_DISPOSE_RETENTION);
	assert_int_equal(event->dispose.exhibit_count, 2);
	assert_true(event->dispose.exhibits[1].is_sealed);
	assert_int_equal(event->dispose.exhibits[1].exhibit, 3);
	assert_int_equal(event->dispose.exhibits[1].seal_sha256[31], 0xcc);
	/* An unfinished file, by an examiner's request. */
	free(event->next_key);
	event->next_key = NULL;
	event->dispose.exhibit_count = 1;
	event->dispose.exhibits[0].is_sealed = false;
	event->dispose.cause = VST_DISPOSE_REQUEST;
	assert_int_equal(vst_event_encode(event, &text, NULL), 0);
	vst_event_free(event);
	assert_non_null(strstr(vst_buf_cstr(&text),
	        ",\"generation\":1,\"exhibits\":[{\"exhibit\":1,\"seal_sha256\":null}],\"cause\":\"request\"}\n"));
	assert_int_equal(vst_event_parse(text.data, text.len, &event, NULL), 0);
	assert_false(event->dispose.exhibits[0].is_sealed);
	vst_event_free(event);
	vst_buf_free(&text);
	assert_string_equal(vst_dispose_cause_name(VST_DISPOSE_REQUEST), "request");
	assert_string_equal(vst_dispose_cause_name(0), "unknown");
	assert_string_equal(vst_dispose_cause_name(77), "unknown");
}

static void event_refuses_a_disposal_of_no_generation(void **state)
{
	(void)state;
	assert_refuses(DISPOSE, "\"retention\"", "\"theft\"", VST_EFORMAT);
	assert_refuses(DISPOSE, "\"retention\"", "\"\"", VST_EFORMAT);
	assert_refuses(DISPOSE, ",\"cause\":\"retention\"", "", VST_EFORMAT);
	assert_refuses(DISPOSE, "\"cause\"", "\"reason\":\"x\",\"cause\"", VST_EFORMAT);
	assert_refuses(DISPOSE, "\"generation\":1", "\"generation\":3", VST_EFORMAT);
	assert_refuses(DISPOSE, "{\"exhibit\":3", "{\"exhibit\":1", VST_EFORMAT);
	assert_refuses(DISPOSE, "{\"exhibit\":3", "{\"exhibit\":10000000", VST_EFORMAT);
	assert_refuses(DISPOSE, "{\"exhibit\":1", "{\"exhibit\":0", VST_EFORMAT);
	assert_refuses(DISPOSE, "\"" C64 "\"", "\"" C64 "00\"", VST_EFORMAT);
	assert_refuses(DISPOSE, "\"" C64 "\"", "7", VST_EFORMAT);
	assert_refuses(DISPOSE, "{\"exhibit\":3,", "{", VST_EFORMAT);
	assert_refuses(DISPOSE, "{\"exhibit\":3,", "{\"exhibit\":3,\"size\":1,", VST_EFORMAT);
	assert_refuses(DISPOSE, "{\"exhibit\":3,\"seal_sha256\":\"" C64 "\"}", "3", VST_EFORMAT);
	assert_refuses(DISPOSE,
	        "[{\"exhibit\":1,\"seal_sha256\":\"" B64 "\"},{\"exhibit\":3,\"seal_sha256\":\"" C64 "\"}]", "[]",
	        VST_EFORMAT);
}

static void event_forgets_an_earlier_error(void **state)
{
	struct vst_event *event = NULL;
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	vst_err_set(&err, VST_EIO, "something before");
	assert_int_equal(parse(ACQUIRE, &event, &err), 0);
	vst_event_free(event);
}

static void event_has_its_place_in_the_trail(void **state)
{
	char path[40];

	(void)state;
	vst_event_path(0, path);
	assert_string_equal(path, "events/0000/00/00000000.json");
	vst_event_path(12345678, path);
	assert_string_equal(path, "events/1234/56/12345678.json");
	vst_event_path(VST_EVENT_NUMBER_MAX, path);
	assert_string_equal(path, "events/9999/99/99999999.json");
}

static void event_knows_who_may_sign_which_type(void **state)
{
	(void)state;
	assert_true(vst_event_by_collector(VST_EVENT_GENESIS));
	assert_true(vst_event_by_collector(VST_EVENT_ACQUIRE));
	assert_true(vst_event_by_collector(VST_EVENT_RECOVER));
	assert_false(vst_event_by_collector(VST_EVENT_EXTRACT));
	assert_false(vst_event_by_collector(VST_EVENT_KEY));
	assert_true(vst_event_by_collector(VST_EVENT_DISPOSE));
	assert_string_equal(vst_event_type_name(VST_EVENT_EXTRACT), "extract");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(event_reads_and_writes_every_type),
	        cmocka_unit_test(event_gives_its_fields),
	        cmocka_unit_test(event_refuses_another_spelling),
	        cmocka_unit_test(event_refuses_every_cut),
	        cmocka_unit_test(event_says_when_it_does_not_know_the_format),
	        cmocka_unit_test(event_refuses_values_out_of_range),
	        cmocka_unit_test(event_ties_genesis_to_number_zero),
	        cmocka_unit_test(event_refuses_actors_that_a_commit_cannot_carry),
	        cmocka_unit_test(event_takes_actors_of_any_language),
	        cmocka_unit_test(event_wants_a_next_key_only_where_a_collector_signs),
	        cmocka_unit_test(event_refuses_to_write_what_it_could_not_read),
	        cmocka_unit_test(event_is_not_longer_than_its_limit),
	        cmocka_unit_test(event_names_what_was_disposed_of),
	        cmocka_unit_test(event_refuses_a_disposal_of_no_generation),
	        cmocka_unit_test(event_forgets_an_earlier_error),
	        cmocka_unit_test(event_has_its_place_in_the_trail),
	        cmocka_unit_test(event_knows_who_may_sign_which_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
