#include "compare/comparing.h"

#include <time.h>

#define LOG VST_SERIES_APPEND_ONLY
#define OLD "one\ntwo\n"

static struct vst_item log_now(const char *path, const char *content, uint64_t ino)
{
	struct vst_item item = file_of(path, content, ino);
	touch(&item, NOON + DAY / 2);
	return item;
}

/* Made since the earlier exhibit. */
static struct vst_item log_new(const char *path, const char *content, uint64_t ino)
{
	struct vst_item item = log_now(path, content, ino);
	item.btime = NOON + DAY / 4;
	return item;
}

static struct vst_item with_prefix(struct vst_item item, const char *prefix)
{
	item.has_prefix = true;
	item.prefix_size = strlen(prefix);
	vst_sha256(prefix, strlen(prefix), item.prefix_sha256);
	return item;
}

/* What the sink says of a log that is new at its place. */
static char *lengths_facts(const char *content)
{
	struct vst_buf facts = VST_BUF_INIT;
	uint8_t digest[VST_HASH_LEN];
	char hex[2 * VST_HASH_LEN + 1];
	vst_sha256(content, strlen(content), digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	vst_buf_printf(
	        &facts, "{\"lengths\":{\"expanded\":false,\"at\":[[%zu,\"%s\"]]}}", strlen(content), hex);
	char *text = strdup(vst_buf_cstr(&facts));
	vst_buf_free(&facts);
	return text;
}

static void expect_log(struct vst_item after, const char *want)
{
	struct pair *p = pair_new();
	put(&p->before, file_of("/var/log/a.log", OLD, 10), NULL, LOG);
	put(&p->after, after, NULL, LOG);
	expect_findings(p, want);
}

static void logs_may_grow(void **state)
{
	(void)state;
	expect_log(with_prefix(log_now("/var/log/a.log", OLD "three\n", 10), OLD), "");
	/* While its end was read it changed: it has grown all the same. */
	struct vst_item item = with_prefix(log_now("/var/log/a.log", OLD "three\n", 10), OLD);
	item.status = VST_ITEM_CHANGED;
	expect_log(item, "");
}

static void logs_are_not_to_be_rewritten(void **state)
{
	(void)state;
	expect_log(with_prefix(log_now("/var/log/a.log", "ONE\ntwo\nthree\n", 10), "ONE\ntwo\n"),
	        "log_rewritten/high /var/log/a.log ");
	expect_log(log_now("/var/log/a.log", "two\n", 10), "log_truncated/high /var/log/a.log ");
	expect_log(log_now("/var/log/a.log", "", 10), "log_truncated/high /var/log/a.log ");
	expect_log(log_new("/var/log/a.log", "other\n", 11), "log_replaced/high /var/log/a.log ");
	expect_log(log_now("/var/log/b.log", "b\n", 12), "log_removed/high /var/log/a.log ");
}

static void logs_that_could_not_be_read_are_said_to_be_so(void **state)
{
	(void)state;
	struct vst_item item = log_now("/var/log/a.log", OLD, 10);
	item.has_content = false;
	item.hashes = 0;
	item.status = VST_ITEM_DENIED;
	item.error = 13;
	expect_log(item, "log_unread/medium /var/log/a.log ");
	item.status = VST_ITEM_COLLECTED;
	item.error = 0;
	item.content = VST_ITEM_CONTENT_METADATA; /* the policy asks for less now */
	expect_log(item, "log_unread/info /var/log/a.log ");
}

/* `content: digest` tells nothing of a beginning: a log that grew was said to be rewritten each night. */
static void logs_of_which_only_a_digest_is_taken_are_left_alone(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	struct vst_item item = log_now("/var/log/a.log", OLD, 10);
	item.has_content = false;
	item.hashes = 0;
	item.content = VST_ITEM_CONTENT_DIGEST;
	item.details = "{\"digest\":{\"bytes\":8,\"hmac_sha256\":"
	               "\"0101010101010101010101010101010101010101010101010101010101010101\"}}";
	item.details_len = strlen(item.details);
	put(&p->before, item, NULL, LOG);
	item.details = "{\"digest\":{\"bytes\":9,\"hmac_sha256\":"
	               "\"0202020202020202020202020202020202020202020202020202020202020202\"}}";
	item.details_len = strlen(item.details);
	item.size++;
	touch(&item, NOON + DAY / 2);
	put(&p->after, item, NULL, LOG);
	expect_findings(p, "");
}

/* copytruncate while the earlier exhibit was made: it has zeros that nobody else has. */
static void logs_that_were_torn_are_of_low_severity(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	struct vst_item item = file_of("/var/log/a.log", OLD, 10);
	item.status = VST_ITEM_CHANGED;
	item.has_read = true;
	item.read_expected = 8;
	item.read_got = 5;
	item.read_padding = 3;
	put(&p->before, item, NULL, LOG);
	put(&p->after, log_now("/var/log/a.log", "x", 10), NULL, LOG);
	expect_findings(p, "log_truncated/low /var/log/a.log ");
}

/* ---- rotation ---- */

static void logs_may_be_rotated(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	char *facts = lengths_facts(OLD);
	put(&p->before, file_of("/var/log/a.log", OLD, 10), NULL, LOG);
	put(&p->after, log_new("/var/log/a.log", "new\n", 11), NULL, LOG);
	put(&p->after, log_now("/var/log/a.log.1", OLD "three\n", 10), facts, LOG);
	expect_findings(p, "");
	/* Copied or compressed: another inode, known by what it begins with. */
	p = pair_new();
	put(&p->before, file_of("/var/log/a.log", OLD, 10), NULL, LOG);
	put(&p->after, log_now("/var/log/a.log", "new\n", 10), NULL, LOG);
	put(&p->after, log_new("/var/log/a.log.1.gz", "\x1f\x8b compressed", 12), facts, LOG);
	expect_findings(p, "");
	free(facts);
}

static void logs_rotated_into_another_content_are_told(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	char *facts = lengths_facts("ONE\ntwo\n");
	put(&p->before, file_of("/var/log/a.log", OLD, 10), NULL, LOG);
	put(&p->after, log_now("/var/log/a.log.1", "ONE\ntwo\nthree\n", 10), facts, LOG);
	put(&p->after, log_new("/var/log/a.log", "new\n", 11), NULL, LOG);
	pair_compare(p);
	assert_non_null(strstr(vst_buf_cstr(&p->findings), "/high /var/log/a.log"));
	pair_free(p);
	free(facts);
}

static void logs_may_be_dropped_by_rotation_from_the_oldest_on(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	struct vst_item oldest = file_of("/var/log/a.log.2", "oldest\n", 30);
	touch(&oldest, NOON - 3 * DAY);
	struct vst_item old = file_of("/var/log/a.log.1", "older\n", 20);
	touch(&old, NOON - 2 * DAY);
	put(&p->before, file_of("/var/log/a.log", OLD, 10), NULL, LOG);
	put(&p->before, old, NULL, LOG);
	put(&p->before, oldest, NULL, LOG);
	put(&p->after, log_new("/var/log/a.log", "new\n", 40), NULL, LOG);
	struct vst_item now = file_of("/var/log/a.log.1", OLD, 10);
	put(&p->after, now, NULL, LOG);
	now = old;
	now.path = "/var/log/a.log.2";
	put(&p->after, now, NULL, LOG);
	expect_findings(p, "");
	/* One from the middle is not dropped by rotation. */
	p = pair_new();
	put(&p->before, old, NULL, LOG);
	put(&p->before, oldest, NULL, LOG);
	put(&p->after, oldest, NULL, LOG);
	pair_compare(p);
	assert_non_null(strstr(vst_buf_cstr(&p->findings), "log_removed/high /var/log/a.log.1"));
	pair_free(p);
}

static void logs_may_go_round_more_often_than_files_are_kept(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	put(&p->before, file_of("/var/log/a.log", OLD, 10), NULL, LOG);
	put(&p->after, log_new("/var/log/a.log", "new\n", 11), NULL, LOG);
	put(&p->after, log_new("/var/log/a.log.1", "newer than old\n", 12), NULL, LOG);
	expect_findings(p, "log_rotated_away/medium /var/log/a.log ");
}

/* ---- the policy ---- */

static void logs_of_a_source_with_another_name_are_the_same(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	char *facts = lengths_facts(OLD);
	put(&p->before, file_of("/var/log/a.log", OLD, 10), NULL, LOG);
	struct vst_item item = log_now("/var/log/a.log", OLD "three\n", 10);
	item.source = "logs";
	put(&p->after, item, facts, LOG);
	expect_findings(p, "");
	free(facts);
}

static void logs_are_such_if_they_were_before(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	put(&p->before, file_of("/var/log/a.log", OLD, 10), NULL, 0);
	put(&p->after, log_now("/var/log/a.log", "x", 10), NULL, LOG);
	expect_findings(p, "");
}

/* A hostile host has as many rotated files as it likes. */
static void logs_of_one_large_family_are_judged_in_time(void **state)
{
	(void)state;
	enum { MANY = 30000 };
	struct pair *p = pair_new();
	char path[64], text[64];
	clock_t start = clock();
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(path, sizeof path, "/var/log/a.log.%u", i);
		snprintf(text, sizeof text, "old %u", i);
		put(&p->before, file_of(path, text, 10 + i), NULL, LOG);
		snprintf(text, sizeof text, "new %u", i);
		put(&p->after, log_now(path, text, 10 + i), NULL, LOG);
	}
	pair_compare(p);
	assert_int_equal(p->result.findings[VST_SEVERITY_HIGH], MANY);
	assert_true(clock() - start < 30 * CLOCKS_PER_SEC);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(logs_may_grow),
	        cmocka_unit_test(logs_are_not_to_be_rewritten),
	        cmocka_unit_test(logs_that_could_not_be_read_are_said_to_be_so),
	        cmocka_unit_test(logs_of_which_only_a_digest_is_taken_are_left_alone),
	        cmocka_unit_test(logs_that_were_torn_are_of_low_severity),
	        cmocka_unit_test(logs_may_be_rotated),
	        cmocka_unit_test(logs_rotated_into_another_content_are_told),
	        cmocka_unit_test(logs_may_be_dropped_by_rotation_from_the_oldest_on),
	        cmocka_unit_test(logs_may_go_round_more_often_than_files_are_kept),
	        cmocka_unit_test(logs_of_a_source_with_another_name_are_the_same),
	        cmocka_unit_test(logs_are_such_if_they_were_before),
	        cmocka_unit_test(logs_of_one_large_family_are_judged_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
