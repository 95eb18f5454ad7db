#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collect/journal_bytes.h"
#include "collect/journal_export.h"
#include "collect/journal_facts.h"
#include "vestige/err.h"

static int check(void *ctx, struct vst_err *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

static void add(struct vst_journal_facts *facts, const char *path, struct journal_bytes *j)
{
	const struct vst_journal_bytes bytes = journal_source(j);
	assert_int_equal(vst_journal_facts_add(facts, path, &bytes, check, NULL, NULL), 0);
	vst_buf_free(&j->data);
}

static json_t *written(const struct vst_journal_facts *facts, size_t max)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&text);
	json_t *parsed = NULL;
	vst_json_object(&json);
	vst_journal_facts_write(facts, max, &json);
	vst_json_end(&json);
	assert_int_equal(vst_json_span(text.data, text.len), text.len);
	assert_int_equal(vst_json_parse(text.data, text.len, &parsed, NULL), 0);
	vst_buf_free(&text);
	return parsed;
}

/* Two files of one sequence that fill each other's holes: what neither has is the gap. */
static void journal_gaps_are_of_all_files_together(void **state)
{
	struct vst_journal_facts facts = {0};
	struct journal_bytes j;
	static const uint64_t odd[] = {1, 3, 5, 20}, even[] = {2, 4, 21, 5};
	(void)state;
	journal_start(&j, false);
	for (size_t i = 0; i < 4; i++)
		journal_add(&j, odd[i], 1000 + odd[i], 1);
	add(&facts, "/a", &j);
	journal_start(&j, true);
	for (size_t i = 0; i < 4; i++)
		journal_add(&j, even[i], 1000 + even[i], 1);
	add(&facts, "/b", &j);
	vst_journal_facts_finish(&facts);
	assert_int_equal(facts.seqnum_count, 1);
	const struct vst_journal_seqnums *s = &facts.seqnums[0];
	assert_int_equal(s->present, 7);
	assert_int_equal(s->count, 2);
	assert_int_equal(s->ranges[0].to, 5);
	assert_int_equal(s->ranges[1].from, 20);
	assert_int_equal(s->last, 21);
	json_t *json = written(&facts, SIZE_MAX);
	json_t *gap = json_array_get(
	        json_object_get(json_array_get(json_object_get(json, "seqnums"), 0), "gaps"), 0);
	assert_int_equal(json_integer_value(json_array_get(gap, 0)), 6);
	assert_int_equal(json_integer_value(json_array_get(gap, 1)), 19);
	json_decref(json);
	vst_journal_facts_free(&facts);
}

static void journal_boots_are_in_order_of_time(void **state)
{
	struct vst_journal_facts facts = {0};
	struct journal_bytes j;
	(void)state;
	journal_start(&j, false);
	journal_add(&j, 1, 500, 9);
	journal_add(&j, 2, 600, 9);
	journal_add(&j, 3, 700, 1);
	journal_add(&j, 4, 100, 5); /* the clock went back */
	add(&facts, "/a", &j);
	vst_journal_facts_finish(&facts);
	assert_int_equal(facts.boot_count, 3);
	assert_int_equal(facts.boots[0].id[0], 5);
	assert_int_equal(facts.boots[1].id[0], 9);
	assert_int_equal(facts.boots[1].first, 500);
	assert_int_equal(facts.boots[1].last, 600);
	assert_int_equal(facts.boots[1].entries, 2);
	assert_int_equal(facts.boots[2].id[0], 1);
	assert_int_equal(facts.last_realtime, 700);
	json_t *json = written(&facts, 1);
	assert_int_equal(json_integer_value(json_object_get(json, "boot_count")), 3);
	assert_int_equal(json_array_size(json_object_get(json, "boots")), 1);
	json_decref(json);
	vst_journal_facts_free(&facts);
}

/* Numbers and times that no manifest can hold; the last and the first number there are. */
static void journal_facts_hold_any_number(void **state)
{
	struct vst_journal_facts facts = {0};
	struct journal_bytes j;
	(void)state;
	journal_start(&j, false);
	journal_add(&j, UINT64_MAX, UINT64_MAX, 1);
	journal_add(&j, 0, 0, 1);
	add(&facts, "/\xff", &j);
	vst_journal_facts_finish(&facts);
	assert_int_equal(facts.seqnums[0].present, 2);
	json_t *json = written(&facts, SIZE_MAX);
	json_t *s = json_array_get(json_object_get(json, "seqnums"), 0);
	assert_string_equal(json_string_value(json_object_get(s, "last")), "18446744073709551615");
	json_decref(json);
	vst_journal_facts_free(&facts);
}

static void journal_facts_name_what_is_broken(void **state)
{
	struct vst_journal_facts facts = {0};
	struct journal_bytes j;
	(void)state;
	journal_start(&j, false);
	j.data.len = 0;
	add(&facts, "/empty", &j);
	journal_start(&j, false);
	j.data.len = 100;
	add(&facts, "/cut", &j);
	assert_int_equal(vst_journal_facts_add_error(&facts, "/gone", "gone", NULL), 0);
	journal_start(&j, false);
	add(&facts, "/none", &j);
	vst_journal_facts_finish(&facts);
	assert_int_equal(vst_journal_facts_broken(&facts), 3);
	assert_string_equal(facts.files[0].error, "empty");
	assert_string_equal(facts.files[1].error, "cut within its header");
	assert_string_equal(facts.files[2].error, "gone");
	assert_null(facts.files[3].error);
	json_decref(written(&facts, SIZE_MAX));
	vst_journal_facts_free(&facts);
}

static void journal_values_are_text_or_not(void **state)
{
	(void)state;
	assert_true(vst_journal_is_text("", 0));
	assert_true(vst_journal_is_text("tab\t and \xc3\xa4", 11));
	assert_false(vst_journal_is_text("a\nb", 3));
	assert_false(vst_journal_is_text("a\0b", 3));
	assert_false(vst_journal_is_text("\x1b[1m", 4));
	assert_false(vst_journal_is_text("\xff", 1));
}

static void journal_units_are_services_by_default(void **state)
{
	static const char *const names[][2] = {{"ssh", "ssh.service"}, {"ssh.service", "ssh.service"},
	        {"a.b", "a.b.service"}, {"x.slice", "x.slice"}, {"getty@tty1", "getty@tty1.service"}};
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct vst_buf name = VST_BUF_INIT;
		vst_journal_unit_name(names[i][0], &name);
		assert_string_equal(vst_buf_cstr(&name), names[i][1]);
		vst_buf_free(&name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(journal_gaps_are_of_all_files_together),
	        cmocka_unit_test(journal_boots_are_in_order_of_time),
	        cmocka_unit_test(journal_facts_hold_any_number),
	        cmocka_unit_test(journal_facts_name_what_is_broken),
	        cmocka_unit_test(journal_values_are_text_or_not),
	        cmocka_unit_test(journal_units_are_services_by_default),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
