#include "compare/comparing.h"

#include <time.h>

/* ---- what differs ---- */

static void compare_tells_kinds_apart(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	struct vst_item item = file_of("/same", "same", 10);
	put(&p->before, item, NULL, 0);
	item.atime = NOON; /* the last access is no difference */
	put(&p->after, item, NULL, 0);
	item = file_of("/changed", "one", 11);
	put(&p->before, item, NULL, 0);
	item = file_of("/changed", "two", 11);
	touch(&item, NOON + 5);
	put(&p->after, item, NULL, 0);
	put(&p->before, file_of("/old-name", "moved", 12), NULL, 0);
	put(&p->after, file_of("/new-name", "moved", 12), NULL, 0);
	put(&p->before, file_of("/gone", "gone", 13), NULL, 0);
	item = file_of("/new", "new", 14);
	item.btime = NOON + 5;
	touch(&item, NOON + 5);
	put(&p->after, item, NULL, 0);
	/* The policy asked for less of it than before. */
	item = file_of("/unknown", "unknown", 15);
	put(&p->before, item, NULL, 0);
	item.content = VST_ITEM_CONTENT_DIGEST;
	item.has_content = false;
	item.hashes = 0;
	put(&p->after, item, NULL, 0);
	pair_compare(p);
	assert_string_equal(vst_buf_cstr(&p->changes),
	        "changed /changed moved /new-name added /new unknown /unknown removed /gone ");
	for (int kind = 0; kind < VST_CHANGE_KINDS; kind++)
		assert_int_equal(p->result.total.kinds[kind], 1);
	assert_int_equal(p->result.total.content, 1);
	assert_int_equal(p->result.digests.unknown, 1);
	pair_free(p);
}

static struct vst_item stored_elsewhere(struct vst_item item, const struct vst_item_stored *stored)
{
	item.status = VST_ITEM_UNCHANGED;
	item.has_whole = true;
	item.whole = (struct vst_item_whole){
	        .size = item.size, .hashes = VST_HASH_SHA256, .stored = stored, .stored_count = 1};
	memcpy(item.whole.sha256, item.sha256, VST_HASH_LEN);
	item.has_content = false;
	item.hashes = 0;
	return item;
}

/* Where content lies is no difference, nor that a file was called changed since it grew while it was read. */
static void compare_does_not_care_where_content_lies(void **state)
{
	(void)state;
	static const struct vst_item_stored stored = {1, 0, 4};
	struct pair *p = pair_new();
	struct vst_item item = file_of("/a", "same", 10);
	put(&p->before, item, NULL, 0);
	put(&p->after, stored_elsewhere(item, &stored), NULL, 0);
	pair_compare(p);
	assert_int_equal(p->changes.len, 0);
	pair_free(p);
}

static void compare_keeps_equal_inodes_of_two_devices_apart(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	struct vst_item item = file_of("/disk/a", "content of a", 10);
	put(&p->before, item, NULL, 0);
	item = file_of("/other/b", "content of b", 10);
	item.dev_minor = 5;
	touch(&item, NOON + 5);
	item.btime = VST_TIME_NONE;
	put(&p->after, item, NULL, 0);
	expect_changes(p, "added /other/b removed /disk/a ");
}

/* ---- bounds ---- */

static void compare_caps_a_storm_and_counts_all_of_it(void **state)
{
	(void)state;
	enum { MANY = 3000 };
	struct pair *p = pair_new();
	char path[64];
	for (unsigned i = 0; i < MANY; i++) { /* another root in the same case */
		snprintf(path, sizeof path, "/usr/bin/old-%u", i);
		put(&p->before, file_of(path, path, i + 1), NULL, 0);
		snprintf(path, sizeof path, "/usr/bin/new-%u", i);
		struct vst_item item = file_of(path, path, MANY + i);
		item.mode = 04755;
		item.btime = item.mtime + 1;
		put(&p->after, item, NULL, 0);
	}
	pair_compare(p);
	assert_int_equal(p->result.total.kinds[VST_CHANGE_ADDED], MANY);
	assert_int_equal(p->result.total.kinds[VST_CHANGE_REMOVED], MANY);
	assert_int_equal(p->result.findings[VST_SEVERITY_HIGH], MANY);   /* set_id_added */
	assert_int_equal(p->result.findings[VST_SEVERITY_MEDIUM], MANY); /* program_added */
	assert_int_equal(p->result.findings_left_out, 2 * (MANY - VST_FINDINGS_PER_RULE));
	pair_free(p);
}

static void compare_takes_many_of_one_content(void **state)
{
	(void)state;
	enum { MANY = 60000 };
	struct pair *p = pair_new();
	char path[64];
	clock_t start = clock();
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(path, sizeof path, "/srv/old/%u", i);
		put(&p->before, file_of(path, "all the same", 1000 + i), NULL, 0);
		snprintf(path, sizeof path, "/srv/new/%u", i);
		put(&p->after, file_of(path, "all the same", 1000000 + i), NULL, 0);
	}
	pair_compare(p);
	assert_int_equal(p->result.total.kinds[VST_CHANGE_MOVED], MANY);
	assert_true(clock() - start < 60 * CLOCKS_PER_SEC);
	pair_free(p);
}

/* ---- observations ---- */

#define PASSWD "root:x:0:0:root:/root:/bin/bash\n"

/* Facts as the observers make them of this content. */
static char *facts_of(const struct vst_item *item, const char *content)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_lookout *lookout = NULL;
	struct vst_observation *observation = NULL;
	struct vst_buf facts = VST_BUF_INIT;
	assert_int_equal(vst_lookout_new(NULL, -1, false, &lookout, &err), 0);
	assert_int_equal(vst_observe_begin(lookout, item, false, &observation, &err), 0);
	assert_non_null(observation);
	assert_int_equal(vst_observe_content(observation, item, content, strlen(content), &err), 0);
	assert_int_equal(vst_observe_end(observation, item, &facts, &err), 0);
	vst_observe_free(observation);
	vst_lookout_free(lookout);
	char *text = strdup(vst_buf_cstr(&facts));
	vst_buf_free(&facts);
	return text;
}

/* `after` stands where /etc/passwd was, without facts. */
static struct pair *unobserved(struct vst_item after)
{
	struct pair *p = pair_new();
	struct vst_item item = file_of("/etc/passwd", PASSWD, 10);
	char *facts = facts_of(&item, PASSWD);
	put(&p->before, item, facts, 0);
	put(&p->after, after, NULL, 0);
	free(facts);
	return p;
}

static struct vst_item without_content(struct vst_item item, enum vst_item_status status, const char *rule)
{
	item.has_content = false;
	item.hashes = 0;
	item.status = status;
	item.rule = rule;
	return item;
}

/* ln /etc/passwd /etc/.a: the content is that of /etc/.a, which nobody looks into, and nothing was said. */
static void compare_tells_what_is_there_and_was_not_looked_into(void **state)
{
	(void)state;
	struct vst_item item = file_of("/etc/passwd", PASSWD, 10), other;
	other = without_content(item, VST_ITEM_COLLECTED, NULL);
	other.is_hardlink = true;
	other.size = 0;
	other.nlink = 2;
	expect_findings(unobserved(other), "content_not_observed/medium /etc/passwd ");
	other = without_content(item, VST_ITEM_DENIED, NULL);
	other.error = 13;
	expect_findings(unobserved(other), "content_not_observed/medium /etc/passwd ");
	other = without_content(item, VST_ITEM_EXCLUDED, "limits.exhibit");
	expect_findings(unobserved(other), "content_not_observed/medium /etc/passwd ");
	other = without_content(item, VST_ITEM_EXCLUDED, "exclude: /etc/passwd");
	expect_findings(unobserved(other), "content_not_observed/info /etc/passwd ");
	other = item;
	other.status = VST_ITEM_TRUNCATED;
	other.rule = "limits.item";
	expect_findings(unobserved(other), "content_not_observed/medium /etc/passwd ");
	other = without_content(item, VST_ITEM_COLLECTED, NULL);
	other.content = VST_ITEM_CONTENT_METADATA;
	expect_findings(unobserved(other), "content_not_observed/info /etc/passwd ");
	other = without_content(item, VST_ITEM_VANISHED, NULL);
	struct pair *p = unobserved(other);
	pair_compare(p);
	assert_null(strstr(p->findings.len ? vst_buf_cstr(&p->findings) : "", "not_observed"));
	pair_free(p);
}

static void compare_is_silent_on_what_was_looked_into(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	struct vst_item item = file_of("/etc/passwd", PASSWD, 10);
	char *facts = facts_of(&item, PASSWD);
	put(&p->before, item, facts, 0);
	put(&p->after, item, facts, 0);
	item.path = "/etc/group"; /* no facts before either */
	put_both(p, item, 0);
	free(facts);
	expect_findings(p, "");
}

/* A wtmp that could not be read was said to have lost all of its records. */
static void compare_does_not_take_unread_for_gone(void **state)
{
	(void)state;
	uint8_t records[4 * 384] = {0};
	struct pair *p = pair_new();
	struct vst_err err = VST_ERR_INIT;
	struct vst_lookout *lookout = NULL;
	struct vst_observation *observation = NULL;
	struct vst_buf facts = VST_BUF_INIT;
	struct vst_item item = file_of("/var/log/wtmp", "", 10);
	item.size = sizeof records;
	for (size_t i = 0; i < 4; i++) {
		uint32_t sec = (uint32_t)(NOON / VST_NS_PER_S) - 1000 + (uint32_t)i * 100;
		records[i * 384] = 7; /* USER_PROCESS */
		memcpy(records + i * 384 + 8, "pts/0", 5);
		memcpy(records + i * 384 + 44, "anna", 4);
		memcpy(records + i * 384 + 340, &sec, 4);
	}
	vst_sha256(records, sizeof records, item.sha256);
	assert_int_equal(vst_lookout_new(NULL, -1, false, &lookout, &err), 0);
	assert_int_equal(vst_observe_begin(lookout, &item, false, &observation, &err), 0);
	assert_int_equal(vst_observe_content(observation, &item, records, sizeof records, &err), 0);
	assert_int_equal(vst_observe_end(observation, &item, &facts, &err), 0);
	put(&p->before, item, vst_buf_cstr(&facts), 0);
	/* Cut in its middle: facts of what was read would tell of lost records as well. */
	item.status = VST_ITEM_TRUNCATED;
	item.rule = "limits.source_time";
	vst_buf_clear(&facts);
	assert_int_equal(vst_observe_end(observation, &item, &facts, &err), 0);
	assert_string_equal(vst_buf_cstr(&facts), "{}");
	put(&p->after, item, vst_buf_cstr(&facts), 0);
	vst_observe_free(observation);
	vst_lookout_free(lookout);
	vst_buf_free(&facts);
	expect_findings(p, "content_not_observed/medium /var/log/wtmp ");
}

/* A stream that failed has what it has: the journal's facts are kept. */
static void compare_keeps_the_facts_of_streams_that_failed(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	struct vst_lookout *lookout = NULL;
	struct vst_observation *observation = NULL;
	struct vst_buf facts = VST_BUF_INIT;
	struct vst_item item;
	vst_item_init(&item);
	item.source = "journal";
	item.path = "/journal/facts";
	item.type = VST_ITEM_STREAM;
	assert_int_equal(vst_lookout_new(NULL, -1, false, &lookout, &err), 0);
	assert_int_equal(vst_observe_begin(lookout, &item, false, &observation, &err), 0);
	item.status = VST_ITEM_ERROR;
	assert_int_equal(vst_observe_end(observation, &item, &facts, &err), 0);
	assert_non_null(strstr(vst_buf_cstr(&facts), "journal"));
	vst_observe_free(observation);
	vst_lookout_free(lookout);
	vst_buf_free(&facts);
}

/* ---- packages ---- */

static struct vst_item packaged(const char *same)
{
	static char details[256];
	struct vst_item item = file_of("/usr/bin/ls", "ls", 10);
	item.mode = 0755;
	snprintf(details, sizeof details,
	        "{\"package\":{\"name\":\"coreutils\",\"version\":\"9.1-1\",\"md5\":"
	        "\"0123456789abcdef0123456789abcdef\"%s}}",
	        same);
	if (*same) {
		item.details = details;
		item.details_len = strlen(details);
	}
	return item;
}

/* Rules only see pairs that differ: in the first exhibit, and where packages were switched on, nobody looked.
 */
static void compare_judges_packages_of_all_items(void **state)
{
	(void)state;
	static const char *const told = "package_file_differs/high /usr/bin/ls ";
	struct pair *p = pair_new();
	p->first = true;
	put(&p->after, packaged(",\"same\":false"), NULL, 0);
	expect_findings(p, told);
	p = pair_new();
	put(&p->before, packaged(""), NULL, 0);
	put(&p->after, packaged(",\"same\":false"), NULL, 0);
	expect_findings(p, told);
	p = pair_new();
	put(&p->before, packaged(",\"same\":false"), NULL, 0);
	put(&p->after, packaged(",\"same\":false"), NULL, 0);
	expect_findings(p, "");
	p = pair_new();
	put(&p->before, packaged(",\"same\":true"), NULL, 0);
	put(&p->after, packaged(",\"same\":true"), NULL, 0);
	expect_findings(p, "");
	p = pair_new(); /* one that differs is told once */
	put(&p->before, packaged(",\"same\":true"), NULL, 0);
	struct vst_item item = packaged(",\"same\":false");
	vst_sha256("LS", 2, item.sha256);
	touch(&item, NOON + 5);
	put(&p->after, item, NULL, 0);
	expect_findings(p, told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(compare_tells_kinds_apart),
	        cmocka_unit_test(compare_does_not_care_where_content_lies),
	        cmocka_unit_test(compare_keeps_equal_inodes_of_two_devices_apart),
	        cmocka_unit_test(compare_caps_a_storm_and_counts_all_of_it),
	        cmocka_unit_test(compare_takes_many_of_one_content),
	        cmocka_unit_test(compare_tells_what_is_there_and_was_not_looked_into),
	        cmocka_unit_test(compare_is_silent_on_what_was_looked_into),
	        cmocka_unit_test(compare_does_not_take_unread_for_gone),
	        cmocka_unit_test(compare_keeps_the_facts_of_streams_that_failed),
	        cmocka_unit_test(compare_judges_packages_of_all_items),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
