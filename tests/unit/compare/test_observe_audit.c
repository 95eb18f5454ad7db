#include "watching.h"

extern const struct vst_observer vst_observe_audit;

#define T0 1700000000
#define LOG "/var/log/audit/audit.log"

/* Events from…to, one a second, each of two records that stand a little out of order. */
static void add_events(struct vst_buf *out, uint64_t from, uint64_t to, uint64_t time)
{
	for (uint64_t s = from; s <= to; s++) {
		uint64_t swapped = s % 10 == 3 && s < to ? s + 1 : s % 10 == 4 && s > from ? s - 1 : s;
		unsigned long long t = time + (swapped - from);
		vst_buf_printf(out,
		        "type=SYSCALL msg=audit(%llu.123:%llu): arch=c000003e syscall=59 success=yes exit=0 "
		        "auid=1000 "
		        "uid=0 comm=\"sh\" exe=\"/bin/dash\" key=(null)\x1d"
		        "ARCH=x86_64 SYSCALL=execve AUID=\"anna\"\n"
		        "type=PROCTITLE msg=audit(%llu.123:%llu): proctitle=7368002D63\n",
		        t, (unsigned long long)swapped, t, (unsigned long long)swapped);
	}
}

static void watch_text(struct watched *w, const char *path, struct vst_buf *text)
{
	watch(w, &vst_observe_audit, path, VST_ITEM_FILE, VST_TIME_NONE, text->data, text->len);
	vst_buf_free(text);
}

static void start(struct watched *before, struct watched *after)
{
	watch_start(before, 1, (T0 + 1000) * VST_NS_PER_S);
	watch_start(after, 2, (T0 + 90000) * VST_NS_PER_S);
}

static void end(struct watched *before, struct watched *after)
{
	watch_end(before);
	watch_end(after);
}

static void audit_wants_audit_and_kernel_logs_only(void **state)
{
	struct vst_item item;
	(void)state;
	vst_item_init(&item);
	item.type = VST_ITEM_FILE;
	const char *const yes[] = {
	        LOG, LOG ".3", "/srv/log/audit/old", "/var/log/kern.log.1", "/var/log/messages"};
	const char *const no[] = {LOG ".3.gz", "/var/log/auth.log", "/home/a/messages", "/etc/audit.rules"};
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true((item.path = yes[i], vst_observe_audit.wants(&item)));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false((item.path = no[i], vst_observe_audit.wants(&item)));
	item.path = LOG;
	item.type = VST_ITEM_SYMLINK;
	assert_false(vst_observe_audit.wants(&item));
}

static void audit_facts_are_ranges_by_boot(void **state)
{
	struct watched w;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	watch_start(&w, 1, 0);
	vst_buf_text(
	        &text, "type=DAEMON_START msg=audit(1700000000.001:9321): op=start ver=3.0.9 res=success\n");
	add_events(&text, 5, 40, T0);
	add_events(&text, 50, 60, T0 + 45);
	vst_buf_text(&text, "node=other type=LOGIN msg=audit(1700000105.000:777777): pid=1\nrubbish\n"
	                    "type=CONFIG_CHANGE msg=audit(1700000106.000:61): op=set audit_enabled=0 old=1 "
	                    "auid=0 res=1\n");
	add_events(&text, 2, 9, T0 + 500);
	watch_text(&w, LOG, &text);
	assert_string_equal(vst_buf_cstr(&w.facts[0]),
	        "{\"format\":1,\"lines\":114,\"records\":112,\"other_nodes\":1,\"boots\":["
	        "{\"grain\":0,\"ranges\":[[5,40,1700000000123,1700000035123],[50,61,1700000045123,"
	        "1700000106000]]},"
	        "{\"grain\":0,\"ranges\":[[2,9,1700000500123,1700000507123]]}],"
	        "\"marks\":[[1700000000001,1,9321],[1700000106000,5,61]],\"lost\":0,\"backlog\":0}");
	watch_end(&w);
}

static void audit_rotation_and_reboot_are_honest(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, &after);
	add_events(&text, 1000, 1500, T0);
	watch_text(&before, LOG ".1", &text);
	add_events(&text, 1501, 1900, T0 + 501);
	watch_text(&before, LOG, &text);
	expect_told(&vst_observe_audit, NULL, &before, "");

	add_events(&text, 1501, 1999, T0 + 501);
	watch_text(&after, LOG ".2", &text);
	add_events(&text, 2000, 2300, T0 + 1000);
	vst_buf_text(&text, "type=DAEMON_END msg=audit(1700001302.001:9399): op=terminate res=success\n");
	vst_buf_text(&text, "type=DAEMON_START msg=audit(1700002000.001:17): op=start res=success\n");
	add_events(&text, 4, 100, T0 + 2001);
	watch_text(&after, LOG ".1", &text);
	add_events(&text, 101, 300, T0 + 2098);
	watch_text(&after, LOG, &text);
	expect_told(&vst_observe_audit, &before, &after, "");
	end(&before, &after);
}

static void audit_records_that_are_gone_are_high(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	struct told told;
	(void)state;
	start(&before, &after);
	add_events(&text, 1000, 1900, T0);
	watch_text(&before, LOG, &text);
	add_events(&text, 1000, 1299, T0);
	add_events(&text, 1310, 2000, T0 + 310);
	watch_text(&after, LOG, &text);
	watch_judge(&vst_observe_audit, &before, &after, &told);
	assert_string_equal(vst_buf_cstr(&told.rules), "audit_records_gone/high ");
	assert_string_equal(vst_buf_cstr(&told.found), "10 serial numbers from 1300 on are gone\n");
	assert_non_null(strstr(vst_buf_cstr(&told.details), "\"ranges\":[[1300,1309]]"));
	watch_told_end(&told);
	/* One exhibit alone: missing; and known once it was so before. */
	expect_told(&vst_observe_audit, NULL, &after, "audit_serials_missing/high ");
	expect_told(&vst_observe_audit, &after, &after, "");
	end(&before, &after);
}

static void audit_serials_missing_in_what_is_new_are_high(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, &after);
	add_events(&text, 1000, 1900, T0);
	watch_text(&before, LOG, &text);
	add_events(&text, 1000, 1950, T0);
	watch_text(&after, LOG ".1", &text);
	add_events(&text, 1952, 2300, T0 + 952);
	watch_text(&after, LOG, &text);
	expect_told(&vst_observe_audit, &before, &after, "audit_serials_missing/high ");
	/* The kernel says that it lost some. */
	vst_buf_text(&text, "Nov 14 22:13:20 web kernel: [ 12.3] audit: audit_lost=7 audit_rate_limit=0 "
	                    "audit_backlog_limit=64\n");
	watch_text(&after, "/var/log/kern.log", &text);
	expect_told(&vst_observe_audit, &before, &after, "audit_serials_missing/medium ");
	end(&before, &after);
}

static void audit_gap_of_a_restarted_daemon_is_low(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, &after);
	add_events(&text, 1000, 1900, T0);
	watch_text(&before, LOG, &text);
	add_events(&text, 1000, 1950, T0);
	vst_buf_text(&text, "type=DAEMON_END msg=audit(1700000951.001:9399): op=terminate res=success\n");
	vst_buf_text(&text, "type=DAEMON_START msg=audit(1700000955.001:17): op=start res=success\n");
	add_events(&text, 1955, 2300, T0 + 955);
	watch_text(&after, LOG, &text);
	expect_told(&vst_observe_audit, &before, &after, "audit_serials_missing/low ");
	end(&before, &after);
}

static void audit_tail_that_is_on_its_way_is_told_later(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, &after);
	add_events(&text, 1000, 1900, T0);
	add_events(&text, 1903, 1910, T0 + 903);
	watch_text(&before, LOG, &text);
	expect_told(&vst_observe_audit, NULL, &before, "");
	add_events(&text, 1000, 1900, T0);
	add_events(&text, 1903, 2300, T0 + 903);
	watch_text(&after, LOG, &text);
	expect_told(&vst_observe_audit, &before, &after, "audit_serials_missing/high ");
	end(&before, &after);
}

static void audit_disabled_or_stopped_is_medium(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, &after);
	add_events(&text, 1000, 1900, T0);
	watch_text(&before, LOG, &text);
	add_events(&text, 1000, 1950, T0);
	vst_buf_text(&text, "type=CONFIG_CHANGE msg=audit(1700000951.000:1951): op=set audit_enabled=0 old=1 "
	                    "auid=0 ses=3 res=1\n");
	vst_buf_text(
	        &text, "type=DAEMON_END msg=audit(1700001951.001:9399): op=terminate auid=0 res=success\n");
	watch_text(&after, LOG, &text);
	expect_told(
	        &vst_observe_audit, &before, &after, "audit_disabled/medium audit_daemon_stopped/medium ");
	expect_told(&vst_observe_audit, &after, &after, "");
	after.set.boot_time = (T0 + 80000) * VST_NS_PER_S;
	expect_told(&vst_observe_audit, &before, &after, "audit_disabled/medium ");
	end(&before, &after);
}

static void audit_facts_stay_small(void **state)
{
	struct watched w;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	watch_start(&w, 1, 0);
	for (unsigned i = 1; i < 40000; i++)
		vst_buf_printf(&text, "type=A msg=audit(%u.000:%llu): \n", T0 + i,
		        1000000000000ULL + i * (i % 7 ? 2 : 3));
	watch_text(&w, LOG, &text);
	assert_true(w.facts[0].len < VST_FACTS_MAX);
	watch_end(&w);
}

static void audit_reads_no_facts_from_rubbish(void **state)
{
	struct watched before, after;
	struct vst_buf text = VST_BUF_INIT;
	(void)state;
	start(&before, &after);
	add_events(&text, 1, 20, T0);
	watch_text(&before, LOG, &text);
	add_events(&text, 1, 20, T0);
	watch_text(&after, LOG, &text);
	static const char *const rubbish[] = {"", "{", "[]",
	        "{\"boots\":[{\"ranges\":[[1],[2,1,0,0],\"x\",[1,2,-9223372036854775808,"
	        "9223372036854775807]]},7],\"marks\":[[-9223372036854775808,3,5],[]]}"};
	for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
		struct told told;
		before.observed[0].facts = rubbish[i];
		before.observed[0].len = strlen(rubbish[i]);
		watch_judge(&vst_observe_audit, &before, &after, &told);
		watch_told_end(&told);
		watch_judge(&vst_observe_audit, NULL, &before, &told);
		watch_told_end(&told);
	}
	end(&before, &after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(audit_wants_audit_and_kernel_logs_only),
	        cmocka_unit_test(audit_facts_are_ranges_by_boot),
	        cmocka_unit_test(audit_rotation_and_reboot_are_honest),
	        cmocka_unit_test(audit_records_that_are_gone_are_high),
	        cmocka_unit_test(audit_serials_missing_in_what_is_new_are_high),
	        cmocka_unit_test(audit_gap_of_a_restarted_daemon_is_low),
	        cmocka_unit_test(audit_tail_that_is_on_its_way_is_told_later),
	        cmocka_unit_test(audit_disabled_or_stopped_is_medium),
	        cmocka_unit_test(audit_facts_stay_small),
	        cmocka_unit_test(audit_reads_no_facts_from_rubbish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
