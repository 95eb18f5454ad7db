#include "watching.h"

extern const struct vst_observer vst_observe_live_findings;

#define DELETED(pid, exe)                                                                                    \
	"{\"format\":1,\"time\":\"2026-11-22T03:40:13Z\",\"finding\":\"deleted_executable\",\"severity\":"   \
	"\"medium\","                                                                                        \
	"\"text\":\"process " pid " (x) runs a program that has been deleted: " exe                          \
	"\",\"innocent\":\"a package\","                                                                     \
	"\"details\":{\"pid\":" pid ",\"comm\":\"x\",\"exe\":\"" exe "\"}}\n"
#define HIDDEN(pid)                                                                                          \
	"{\"format\":1,\"time\":\"2026-11-22T03:40:13Z\",\"finding\":\"hidden_process\",\"severity\":"       \
	"\"high\","                                                                                          \
	"\"text\":\"process " pid                                                                            \
	" exists and /proc does not list it\",\"innocent\":\"none that is known\","                          \
	"\"details\":{\"pid\":" pid ",\"answers\":[\"kill\",\"getpgid\"]}}\n"
#define HIDDEN_MODULE(name)                                                                                  \
	"{\"format\":1,\"time\":\"2026-11-22T03:40:13Z\",\"finding\":\"hidden_module\",\"severity\":"        \
	"\"high\",\"text\":\"the kernel module " name                                                        \
	" is in one list of modules and missing in another\",\"innocent\":\"a module that was being "        \
	"loaded\","                                                                                          \
	"\"details\":{\"name\":\"" name                                                                      \
	"\",\"listed_by\":[\"/sys/module\"],\"missing_in\":[\"/proc/modules\"]}}\n"
#define MODULE(name) "{\"format\":1,\"from\":\"/proc/modules\",\"name\":\"" name "\"}\n"

static void watch_text(struct watched *w, const char *path, const char *text)
{
	watch(w, &vst_observe_live_findings, path, VST_ITEM_STREAM, VST_TIME_NONE, text, strlen(text));
}

static void start(struct watched *before, struct watched *after)
{
	watch_start(before, 1, 0);
	watch_start(after, 2, 0);
}

static void end(struct watched *before, struct watched *after)
{
	watch_end(before);
	watch_end(after);
}

static void live_findings_wants_its_items_only(void **state)
{
	struct vst_item item;
	(void)state;
	vst_item_init(&item);
	item.type = VST_ITEM_STREAM;
	item.path = "/findings.jsonl";
	assert_true(vst_observe_live_findings.wants(&item));
	item.path = "/processes.jsonl";
	assert_false(vst_observe_live_findings.wants(&item));
	item.path = "/findings.jsonl";
	item.type = VST_ITEM_FILE;
	assert_false(vst_observe_live_findings.wants(&item));
}

static void live_findings_knows_a_thing_again(void **state)
{
	struct watched before, after;
	(void)state;
	start(&before, &after);
	watch_text(&before, "/findings.jsonl", DELETED("17", "/usr/sbin/x") DELETED("18", "/usr/sbin/x"));
	watch_text(&after, "/findings.jsonl", DELETED("2211", "/usr/sbin/x"));
	expect_told(&vst_observe_live_findings, &before, &after, "");
	expect_told(&vst_observe_live_findings, NULL, &after, "deleted_executable/medium ");
	assert_non_null(strstr(vst_buf_cstr(&before.facts[0]), "\"count\":2"));
	end(&before, &after);
}

static void live_findings_tells_what_is_new(void **state)
{
	struct watched before, after;
	struct told told;
	(void)state;
	start(&before, &after);
	watch_text(&before, "/findings.jsonl", DELETED("17", "/usr/sbin/x") HIDDEN("99"));
	watch_text(&after, "/findings.jsonl", DELETED("17", "/tmp/x") HIDDEN("99") HIDDEN("100"));
	watch_judge(&vst_observe_live_findings, &before, &after, &told);
	assert_string_equal(vst_buf_cstr(&told.rules), "deleted_executable/medium hidden_process/high ");
	assert_string_equal(vst_buf_cstr(&told.details),
	        "{\"pid\":17,\"comm\":\"x\",\"exe\":\"/tmp/x\"}\n"
	        "{\"pid\":100,\"answers\":[\"kill\",\"getpgid\"]}\n");
	watch_told_end(&told);
	end(&before, &after);
}

static void live_findings_tells_a_hidden_module_once(void **state)
{
	struct watched before, after;
	(void)state;
	start(&before, &after);
	watch_text(&before, "/findings.jsonl", DELETED("17", "/usr/sbin/x"));
	watch_text(&after, "/findings.jsonl", HIDDEN_MODULE("rootkit"));
	expect_told(&vst_observe_live_findings, &before, &after, "hidden_module/high ");
	expect_told(&vst_observe_live_findings, &after, &after, "");
	end(&before, &after);
}

static void live_findings_counts_what_it_cannot_read(void **state)
{
	struct watched w;
	(void)state;
	watch_start(&w, 1, 0);
	watch_text(&w, "/findings.jsonl", "{\n[]\n{\"finding\":7}\n" HIDDEN("1") "{\"finding\":\"x\"");
	assert_non_null(strstr(vst_buf_cstr(&w.facts[0]), "\"lines\":5,"));
	assert_non_null(strstr(vst_buf_cstr(&w.facts[0]), "\"unread\":4"));
	watch_end(&w);
}

static void live_findings_facts_stay_small(void **state)
{
	struct watched w;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	watch_start(&w, 1, 0);
	for (unsigned i = 0; i < 1200; i++) {
		vst_buf_printf(&text, "{\"finding\":\"w%u\",\"severity\":\"low\",\"text\":\"", i);
		for (unsigned k = 0; k < 300; k++)
			vst_buf_text(&text, "\\u0001");
		vst_buf_text(&text, "\"}\n");
	}
	watch_text(&w, "/findings.jsonl", vst_buf_cstr(&text));
	assert_non_null(strstr(vst_buf_cstr(&w.facts[0]), "\"cut\":true"));
	vst_buf_free(&text);
	watch_end(&w);
}

static void live_findings_tells_new_modules_as_info(void **state)
{
	struct watched before, after;
	(void)state;
	start(&before, &after);
	watch_text(&before, "/modules.jsonl", MODULE("ext4") MODULE("nf_tables"));
	watch_text(&after, "/modules.jsonl", MODULE("nf_tables") MODULE("ext4") MODULE("ext4"));
	expect_told(&vst_observe_live_findings, &before, &after, "");
	watch_end(&after);
	watch_start(&after, 2, 0);
	watch_text(&after, "/modules.jsonl", MODULE("nf_tables") MODULE("rootkit"));
	expect_told(&vst_observe_live_findings, &before, &after, "kernel_module_new/info ");
	expect_told(&vst_observe_live_findings, NULL, &after, "");
	end(&before, &after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(live_findings_wants_its_items_only),
	        cmocka_unit_test(live_findings_knows_a_thing_again),
	        cmocka_unit_test(live_findings_tells_what_is_new),
	        cmocka_unit_test(live_findings_tells_a_hidden_module_once),
	        cmocka_unit_test(live_findings_counts_what_it_cannot_read),
	        cmocka_unit_test(live_findings_facts_stay_small),
	        cmocka_unit_test(live_findings_tells_new_modules_as_info),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
