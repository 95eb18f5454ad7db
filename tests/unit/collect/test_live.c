#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/collecting.h"
#include "collect/live.h"

/* What the host runs is no business of a unit test: of live state, our own process alone. */
static int setup(void **state)
{
	int rc = collecting_setup(state);
	struct collecting *c = *state;
	c->source.kind = VST_SOURCE_LIVE;
	c->source.live = VST_LIVE_SELF;
	c->context.live = true;
	return rc;
}

static void live_tells_of_our_own_process(void **state)
{
	struct collecting *c = *state;
	collecting_run(c);
	collecting_expect(c, "/self.jsonl\n/findings.jsonl\n");
	collecting_status(c, "/self.jsonl", VST_ITEM_COLLECTED, NULL);
	const struct record *record = collecting_record(c, "/self.jsonl");
	assert_non_null(
	        memmem(record->content.data, record->content.len, "{\"format\":1,\"kind\":\"object\"", 26));
}

static void live_findings_are_there_when_there_are_none(void **state)
{
	struct collecting *c = *state;
	c->source.live = 0;
	collecting_run(c);
	collecting_expect(c, "/findings.jsonl\n");
	collecting_content(c, "/findings.jsonl", "");
	const struct vst_item *item = collecting_item(c, "/findings.jsonl");
	assert_int_equal(item->details_len, 14);
	assert_memory_equal(item->details, "{\"findings\":0}", 14);
}

static char shown[256];
static void show(void *ctx, const char *text)
{
	(void)ctx;
	snprintf(shown, sizeof shown, "%s", text);
}

static void live_finding_goes_to_the_screen_and_into_the_exhibit(void **state)
{
	struct collecting *c = *state;
	struct vst_sink sink = recorder_sink(&c->recorder);
	struct vst_buf details = VST_BUF_INIT;
	sink.finding = show;
	struct vst_live live = {.context = &c->context, .source = &c->source, .sink = &sink};
	vst_buf_text(&details, "{\"pid\":1}");
	assert_int_equal(
	        vst_live_finding(&live, "odd", "low", "it is \xff odd\n", "a test", &details, NULL), 0);
	assert_string_equal(shown, "it is \xff odd\n");
	const char *line = vst_buf_cstr(&live.finding_lines);
	assert_non_null(strstr(line,
	        "\"finding\":\"odd\",\"severity\":\"low\",\"text\":\"it is \xef\xbf\xbd odd\\n\","
	        "\"innocent\":\"a test\",\"details\":{\"pid\":1}}\n"));
	vst_buf_free(&live.finding_lines);
	vst_buf_free(&details);
}

static void live_state_of_an_image_is_excluded(void **state)
{
	struct collecting *c = *state;
	c->context.live = false;
	c->source.live = VST_LIVE_SELF | VST_LIVE_PROCESSES;
	collecting_run(c);
	collecting_expect(c, "/processes.jsonl\n/self.jsonl\n");
	collecting_status(c, "/processes.jsonl", VST_ITEM_EXCLUDED, VST_RULE_NOT_RUNNING);
}

static void live_stops_when_the_sink_does(void **state)
{
	struct collecting *c = *state;
	int fail_at = 1;
	for (;; fail_at++) {
		c->recorder.fail_at = fail_at;
		int rc = collecting_try(c);
		free(c->recorder.open_path);
		c->recorder.open_path = NULL;
		recorder_free(&c->recorder);
		c->recorder = (struct recorder){0};
		if (rc == 0)
			break;
		assert_int_equal(rc, VST_EIO);
	}
	assert_true(fail_at > 4);
}

static void live_keeps_to_a_limit(void **state)
{
	struct collecting *c = *state;
	c->context.item_limit = 100;
	collecting_run(c);
	collecting_status(c, "/self.jsonl", VST_ITEM_TRUNCATED, "limits.item");
	assert_int_equal(collecting_item(c, "/self.jsonl")->size, 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, collecting_teardown)
	const struct CMUnitTest tests[] = {
	        TEST(live_tells_of_our_own_process),
	        TEST(live_findings_are_there_when_there_are_none),
	        TEST(live_finding_goes_to_the_screen_and_into_the_exhibit),
	        TEST(live_state_of_an_image_is_excluded),
	        TEST(live_stops_when_the_sink_does),
	        TEST(live_keeps_to_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
