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
