#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "collect/journal_bytes.h"
#include "vestige/err.h"

struct walked {
	char text[256];
	int stop_at;
	int count;
};

static int each(void *ctx, const struct vst_journal_entry *entry, struct vst_err *err)
{
	struct walked *w = ctx;
	size_t len = strlen(w->text);
	snprintf(w->text + len, sizeof w->text - len, "%llu ", (unsigned long long)entry->seqnum);
	return ++w->count == w->stop_at ? vst_err_set(err, VST_ECANCELLED, "stop") : 0;
}

static int walk(struct journal_bytes *j, struct walked *w, struct vst_err *err)
{
	struct vst_journal_header header;
	const struct vst_journal_bytes bytes = journal_source(j);
	assert_int_equal(vst_journal_header_parse(j->data.data, &header, err), 0);
	return vst_journal_walk(&bytes, &header, each, w, err);
}

static void make(struct journal_bytes *j, bool compact)
{
	journal_start(j, compact);
	for (unsigned i = 1; i <= 5; i++)
		journal_add(j, i, i * 100, 1);
}

static void expect(struct journal_bytes *j, int wanted, const char *entries, const char *error)
{
	struct walked w = {0};
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(walk(j, &w, &err), wanted);
	assert_string_equal(w.text, entries);
	if (error && !strstr(err.text, error))
		fail_msg("%s", err.text);
	vst_buf_free(&j->data);
}

static void journal_walk_gives_every_entry(void **state)
{
	struct journal_bytes j;
	(void)state;
	for (int compact = 0; compact < 2; compact++) {
		make(&j, compact);
		expect(&j, 0, "1 2 3 4 5 ", NULL);
	}
	journal_start(&j, false);
	expect(&j, 0, "", NULL);
}

static void journal_walk_passes_over_a_broken_entry(void **state)
{
	struct journal_bytes j;
	(void)state;
	make(&j, false);
	j.data.data[j.entry_at[1]] = 1;
	expect(&j, VST_EFORMAT, "1 3 4 5 ", "1 of 5 entries cannot be read: not an object of type 3");
	make(&j, true);
	journal_put(&j, j.array_at[1] + 24, 0xfffffff8, 4);
	expect(&j, VST_EFORMAT, "1 2 4 5 ", "1 of 5 entries cannot be read: cut before");
	make(&j, false);
	journal_put(&j, j.array_at[0] + 24, j.entry_at[0] + 4, 8);
	expect(&j, VST_EFORMAT, "2 3 4 5 ", "no object can be at offset");
	make(&j, false);
	journal_put(&j, j.entry_at[4] + 8, UINT64_MAX, 8);
	expect(&j, VST_EFORMAT, "1 2 3 4 ", "cut within the object");
}

static void journal_walk_ends_at_a_broken_array(void **state)
{
	struct journal_bytes j;
	(void)state;
	make(&j, false);
	j.data.data[j.array_at[1]] = 9;
	expect(&j, VST_EFORMAT, "1 2 ", "3 of 5 entries cannot be read: not an object of type 6");
	make(&j, false);
	journal_put(&j, j.array_at[1] + 16, j.array_at[0], 8);
	expect(&j, VST_EFORMAT, "1 2 3 4 ", "leads backwards");
	make(&j, false);
	journal_put(&j, j.array_at[0] + 16, j.array_at[0], 8);
	expect(&j, VST_EFORMAT, "1 2 ", "leads backwards");
	make(&j, false);
	journal_put(&j, j.array_at[1] + 16, 0, 8);
	expect(&j, VST_EFORMAT, "1 2 3 4 ", "1 of 5 entries are missing");
	make(&j, false);
	journal_put(&j, j.array_at[0] + 8, 23, 8);
	expect(&j, VST_EFORMAT, "", "5 of 5 entries cannot be read");
}

static void journal_walk_tells_what_a_cut_left(void **state)
{
	struct journal_bytes j;
	(void)state;
	make(&j, false);
	j.data.len = j.entry_at[3];
	expect(&j, VST_EFORMAT, "1 2 3 ", "and 3 of 5 entries are here");
}

static void journal_walk_stops_when_told(void **state)
{
	struct journal_bytes j;
	struct walked w = {.stop_at = 2};
	struct vst_err err = VST_ERR_INIT;
	(void)state;
	make(&j, false);
	assert_int_equal(walk(&j, &w, &err), VST_ECANCELLED);
	assert_string_equal(w.text, "1 2 ");
	vst_buf_free(&j.data);
}

static void journal_header_refuses_what_is_none(void **state)
{
	struct journal_bytes j;
	struct vst_journal_header header = {0};
	struct vst_err err = VST_ERR_INIT;
	(void)state;
	journal_start(&j, false);
	journal_put(&j, 12, 1 << 7, 4);
	assert_int_equal(vst_journal_header_parse(j.data.data, &header, &err), VST_EUNSUPPORTED);
	assert_int_equal(header.file_id[0], 0xf1);
	journal_put(&j, 12, 0, 4);
	journal_put(&j, 96, UINT64_MAX, 8);
	assert_int_equal(vst_journal_header_parse(j.data.data, &header, &err), VST_EFORMAT);
	journal_put(&j, 96, 0, 8);
	journal_put(&j, 88, 8, 8);
	assert_int_equal(vst_journal_header_parse(j.data.data, &header, &err), VST_EFORMAT);
	j.data.data[0] = 'l';
	assert_int_equal(vst_journal_header_parse(j.data.data, &header, &err), VST_EFORMAT);
	vst_buf_free(&j.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(journal_walk_gives_every_entry),
	        cmocka_unit_test(journal_walk_passes_over_a_broken_entry),
	        cmocka_unit_test(journal_walk_ends_at_a_broken_array),
	        cmocka_unit_test(journal_walk_tells_what_a_cut_left),
	        cmocka_unit_test(journal_walk_stops_when_told),
	        cmocka_unit_test(journal_header_refuses_what_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
