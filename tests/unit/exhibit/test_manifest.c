#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/manifest.h"
#include "vestige/timefmt.h"

#define S VST_NS_PER_S

static const struct vst_item_xattr two_xattrs[] = {
        {"security.capability", "\x01\x00\x02", 3}, {"user.a", "", 0}};
static const struct vst_item_xattr odd_xattrs[] = {
        {"user.\"", "q", 1}, {"user.a", "v", 1}, {"user.\xff", "x", 1}};
static const struct vst_item_extent two_extents[] = {{0, 4096}, {8192, 10}};

static struct vst_item file_item(void)
{
	struct vst_item item;
	vst_item_init(&item);
	memset(item.salt, 0xab, sizeof item.salt);
	item.seq = 7;
	item.source = "logs";
	item.path = "/var/log/syslog";
	item.type = VST_ITEM_FILE;
	item.has_content = true;
	item.size = 10000;
	memset(item.sha256, 0x11, sizeof item.sha256);
	item.hashes = VST_HASH_SHA256;
	item.has_stat = true;
	item.mode = 0640;
	item.gid = 4;
	item.user = "root";
	item.group = "adm";
	item.mtime = 1 * S + 5;
	item.atime = 2 * S;
	item.ctime = 3 * S;
	item.dev_major = 8;
	item.dev_minor = 1;
	item.ino = 42;
	item.nlink = 1;
	return item;
}

static void encode(const struct vst_item *item, struct vst_buf *out)
{
	struct vst_err err = VST_ERR_INIT;
	if (vst_item_encode(item, out, &err) != 0)
		fail_msg("encode: %s", err.text);
}

/* Parses what `item` encodes to; the caller frees both. */
static struct vst_item *round_trip(const struct vst_item *item, struct vst_buf *line)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_item *parsed = NULL;
	struct vst_buf again = VST_BUF_INIT;
	encode(item, line);
	if (vst_item_parse(line->data, line->len, &parsed, &err) != 0)
		fail_msg("parse: %s\n%s", err.text, vst_buf_cstr(line));
	encode(parsed, &again);
	assert_int_equal(again.len, line->len);
	assert_memory_equal(again.data, line->data, line->len);
	vst_buf_free(&again);
	return parsed;
}

static void assert_line(const struct vst_item *item, const char *part)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_item *parsed = round_trip(item, &line);
	if (!strstr(vst_buf_cstr(&line), part))
		fail_msg("no %s in\n%s", part, vst_buf_cstr(&line));
	vst_item_free(parsed);
	vst_buf_free(&line);
}

static void assert_refused(const struct vst_item *item, const char *why)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_item_encode(item, &line, &err), VST_EUSAGE);
	if (!strstr(err.text, why))
		fail_msg("refused with: %s", err.text);
	assert_int_equal(line.len, 0);
	vst_buf_free(&line);
}

static void assert_bad_line(const char *line, int code)
{
	struct vst_item *parsed = NULL;
	struct vst_err err = VST_ERR_INIT;
	if (vst_item_parse(line, strlen(line), &parsed, &err) != code)
		fail_msg("%d %s for %s", err.code, err.text, line);
	assert_int_equal(err.code, code);
	assert_null(parsed);
}

static void manifest_writes_a_file_in_the_stated_order(void **state)
{
	(void)state;
	struct vst_item item = file_item();
	struct vst_buf line = VST_BUF_INIT;
	encode(&item, &line);
	assert_string_equal(vst_buf_cstr(&line),
	        "{\"format\":1,\"salt\":\"abababababababababababababababab\",\"seq\":7,\"source\":\"logs\","
	        "\"path\":\"/var/log/syslog\",\"type\":\"file\",\"status\":\"collected\",\"size\":10000,"
	        "\"sha256\":\"1111111111111111111111111111111111111111111111111111111111111111\","
	        "\"mode\":\"0640\",\"uid\":0,\"gid\":4,\"user\":\"root\",\"group\":\"adm\","
	        "\"mtime\":\"1970-01-01T00:00:01.000000005Z\",\"atime\":\"1970-01-01T00:00:02Z\","
	        "\"ctime\":\"1970-01-01T00:00:03Z\",\"dev\":\"8:1\",\"ino\":42,\"nlink\":1}");
	vst_buf_free(&line);
}

static struct vst_item full_item(void)
{
	struct vst_item item = file_item();
	item.status = VST_ITEM_CHANGED;
	item.hashes = VST_HASH_SHA256 | VST_HASH_SHA1 | VST_HASH_MD5;
	memset(item.sha1, 0x22, sizeof item.sha1);
	memset(item.md5, 0x33, sizeof item.md5);
	item.btime = -1;
	item.flags = "ia";
	item.acl = "user::rw-,user:1000:r--,group::r--,mask::r--,other::---";
	item.xattrs = two_xattrs;
	item.xattr_count = 2;
	item.xattrs_error = "too many";
	item.is_sparse = true;
	item.extents = two_extents;
	item.extent_count = 2;
	item.has_whole_sha256 = true;
	memset(item.whole_sha256, 0x44, sizeof item.whole_sha256);
	item.has_read = true;
	item.read_start = 4 * S;
	item.read_end = 5 * S;
	item.read_expected = 10000;
	item.read_got = 9000;
	item.read_padding = 1000;
	item.before = (struct vst_item_stat){10000, 1 * S, 3 * S};
	item.has_after = true;
	item.after = (struct vst_item_stat){9000, 6 * S, VST_TIME_NONE};
	return item;
}

static void manifest_carries_every_field_of_a_file(void **state)
{
	(void)state;
	struct vst_item item = full_item();
	struct vst_buf line = VST_BUF_INIT;
	struct vst_item *parsed = round_trip(&item, &line);
	assert_int_equal(parsed->status, VST_ITEM_CHANGED);
	assert_int_equal(parsed->hashes, item.hashes);
	assert_memory_equal(parsed->sha1, item.sha1, sizeof item.sha1);
	assert_memory_equal(parsed->md5, item.md5, sizeof item.md5);
	assert_int_equal(parsed->btime, -1);
	assert_string_equal(parsed->acl, item.acl);
	assert_int_equal(parsed->xattr_count, 2);
	assert_string_equal(parsed->xattrs[0].name, "security.capability");
	assert_int_equal(parsed->xattrs[0].len, 3);
	assert_memory_equal(parsed->xattrs[0].value, "\x01\x00\x02", 3);
	assert_int_equal(parsed->xattrs[1].len, 0);
	assert_int_equal(parsed->extent_count, 2);
	assert_int_equal(parsed->extents[1].offset, 8192);
	assert_int_equal(parsed->extents[1].len, 10);
	assert_true(parsed->has_whole_sha256);
	assert_int_equal(parsed->read_padding, 1000);
	assert_int_equal(parsed->after.size, 9000);
	assert_int_equal(parsed->after.ctime, VST_TIME_NONE);
	vst_item_free(parsed);
	vst_buf_free(&line);
}

static void manifest_keeps_names_that_are_not_utf8(void **state)
{
	(void)state;
	struct vst_item item = file_item();
	struct vst_buf line = VST_BUF_INIT;
	item.path = "/tmp/a\xff\n\x1b[0m";
	item.user = "b\xc0";
	struct vst_item *parsed = round_trip(&item, &line);
	assert_string_equal(parsed->path, item.path);
	assert_string_equal(parsed->user, item.user);
	assert_non_null(strstr(vst_buf_cstr(&line), "\"path_base64\":\"L3RtcC9h/wobWzBt\""));
	assert_null(strchr(vst_buf_cstr(&line), '\n'));
	vst_item_free(parsed);
	vst_buf_free(&line);
}

static void manifest_keeps_xattr_names_that_are_no_plain_keys(void **state)
{
	(void)state;
	struct vst_item item = file_item();
	struct vst_buf line = VST_BUF_INIT;
	item.xattrs = odd_xattrs;
	item.xattr_count = 3;
	struct vst_item *parsed = round_trip(&item, &line);
	assert_int_equal(parsed->xattr_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(parsed->xattrs[i].name, odd_xattrs[i].name);
		assert_memory_equal(parsed->xattrs[i].value, odd_xattrs[i].value, 1);
	}
	vst_item_free(parsed);
	vst_buf_free(&line);
}

static void manifest_writes_other_types(void **state)
{
	(void)state;
	struct vst_item link = file_item();
	link.type = VST_ITEM_SYMLINK;
	link.has_content = false;
	link.hashes = 0;
	link.size = 0;
	link.target = "../x\xfe";
	assert_line(&link, "\"size\":5,\"mode\"");
	assert_line(&link, "\"target\":\"../x\xef\xbf\xbd\",\"target_base64\":\"Li4veP4=\"");

	struct vst_item device = file_item();
	device.type = VST_ITEM_BLOCK_DEVICE;
	device.has_content = false;
	device.hashes = 0;
	device.rdev_major = 259;
	device.rdev_minor = UINT32_MAX;
	assert_line(&device, "\"nlink\":1,\"rdev\":\"259:4294967295\"}");

	struct vst_item hard = file_item();
	hard.has_content = false;
	hard.hashes = 0;
	hard.is_hardlink = true;
	memset(hard.hardlink, 0x55, sizeof hard.hardlink);
	assert_line(&hard, "\"status\":\"collected\",\"mode\"");
	assert_line(&hard, "\"hardlink\":\"5555");
}

static void manifest_writes_a_stream_and_its_parts(void **state)
{
	(void)state;
	struct vst_item item = file_item();
	item.type = VST_ITEM_STREAM;
	item.parts = 1;
	item.size = 0;
	assert_line(&item, "\"parts\":1,");
	item.size = 8 * 1024 * 1024 + 1;
	assert_refused(&item, "too few parts");
	item.parts = 2;
	assert_line(&item, "\"parts\":2,");
	item.parts = 0;
	item.size = 0;
	assert_refused(&item, "number of parts");
	item.parts = 2;
	item.size = 1;
	assert_refused(&item, "number of parts");
}

static void manifest_says_why_something_is_not_there(void **state)
{
	(void)state;
	struct vst_item item;
	vst_item_init(&item);
	item.source = "logs";
	item.path = "/var/log/private";
	item.type = VST_ITEM_UNKNOWN;
	item.status = VST_ITEM_DENIED;
	item.error = EACCES;
	assert_line(&item, "\"status\":\"denied\",\"errno\":\"EACCES\"}");
	item.error = 524;
	assert_line(&item, "\"errno\":\"524\"}");
	item.status = VST_ITEM_ERROR;
	item.error = EAGAIN;
	item.rule = "read";
	assert_line(&item, "\"status\":\"error\",\"rule\":\"read\",\"errno\":\"EAGAIN\"}");
	item.error = 0;
	item.status = VST_ITEM_EXCLUDED;
	item.rule = "exclude *.iso";
	assert_line(&item, "\"status\":\"excluded\",\"rule\":\"exclude *.iso\"}");
	item.rule = NULL;
	assert_refused(&item, "without saying by what");
	item.status = VST_ITEM_DENIED;
	assert_refused(&item, "without saying why");
	item.status = VST_ITEM_ABSENT;
	assert_line(&item, "\"status\":\"absent\"}");
	item.error = EIO;
	assert_refused(&item, "errno");
}

static void manifest_keeps_the_size_of_a_file_that_was_left_out(void **state)
{
	(void)state;
	struct vst_item item = file_item();
	item.has_content = false;
	item.hashes = 0;
	item.status = VST_ITEM_EXCLUDED;
	item.rule = "limit";
	struct vst_buf line = VST_BUF_INIT;
	struct vst_item *parsed = round_trip(&item, &line);
	assert_int_equal(parsed->size, 10000);
	assert_false(parsed->has_content);
	assert_false(vst_item_has_entry(parsed));
	vst_item_free(parsed);
	vst_buf_free(&line);
}

static void manifest_keeps_extreme_numbers(void **state)
{
	(void)state;
	struct vst_item item = file_item();
	item.ino = UINT64_MAX;
	item.uid = UINT32_MAX;
	item.mtime = INT64_MAX;
	item.ctime = INT64_MIN + 1;
	struct vst_buf line = VST_BUF_INIT;
	struct vst_item *parsed = round_trip(&item, &line);
	assert_true(parsed->ino == UINT64_MAX);
	assert_true(parsed->mtime == INT64_MAX);
	assert_true(parsed->ctime == INT64_MIN + 1);
	vst_item_free(parsed);
	vst_buf_free(&line);
	item.ino = INT64_MAX;
	assert_line(&item, "\"ino\":9223372036854775807,");
}

static void manifest_refuses_places_that_are_none(void **state)
{
	(void)state;
	static const char *const sources[] = {NULL, "", ".", "..", "long", "a/b", "a b", "a\n", "exhibit",
	        "\xff", "0123456789012345678901234567890123456789012345678901234567890123X"};
	static const char *const paths[] = {
	        NULL, "", "a", "var/log", "//", "/a//b", "/a/", "/./a", "/a/..", "/../a"};
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		struct vst_item item = file_item();
		item.source = sources[i];
		assert_refused(&item, "source");
	}
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct vst_item item = file_item();
		item.path = paths[i];
		assert_refused(&item, "path");
	}
	struct vst_item root = file_item();
	root.path = "/";
	assert_line(&root, "\"path\":\"/\"");
	root.path = "/...";
	assert_line(&root, "\"path\":\"/...\"");
}

static void manifest_refuses_records_in_the_way_of_the_layout(void **state)
{
	(void)state;
	static const char *const bad[] = {"items/a", "items", "manifest/000001.jsonl", "index", "leaves",
	        "trailer", "/a", "../a", "a//b"};
	static const char *const good[] = {
	        "exhibit.json", "definitions/linux.yaml", "items.json", "trailers"};
	struct vst_item item;
	vst_item_init(&item);
	item.source = VST_SOURCE_EXHIBIT;
	item.type = VST_ITEM_RECORD;
	item.has_content = true;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		item.path = bad[i];
		assert_refused(&item, "name");
	}
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		item.path = good[i];
		assert_line(&item, good[i]);
	}
	item.source = "logs";
	assert_refused(&item, "belong together");
}

#define REFUSE(change, why)                                                                                  \
	do {                                                                                                 \
		struct vst_item item = full_item();                                                          \
		change;                                                                                      \
		assert_refused(&item, why);                                                                  \
	} while (0)

static void manifest_refuses_contradictions(void **state)
{
	(void)state;
	static const struct vst_item_extent touching[] = {{0, 4096}, {4096, 10}},
	                                    beyond[] = {{0, 4096}, {9999, 2}}, empty[] = {{0, 0}},
	                                    falling[] = {{8192, 1}, {0, 1}},
	                                    wrapping[] = {{4096, UINT64_MAX}};
	static const struct vst_item_xattr twice[] = {{"user.a", "", 0}, {"user.a", "", 0}},
	                                   unsorted[] = {{"user.b", "", 0}, {"user.a", "", 0}};
	REFUSE(item.has_content = false, "without content");
	REFUSE(item.is_hardlink = true, "content where there can be none");
	REFUSE(item.type = VST_ITEM_DIRECTORY, "content where there can be none");
	REFUSE(item.status = VST_ITEM_ABSENT, "not collected");
	REFUSE(item.rule = "x", "rule");
	REFUSE(item.error = -1, "errno");
	REFUSE(item.target = "x", "target");
	REFUSE(item.parts = 1, "parts");
	REFUSE(item.has_stat = false, "without a stat");
	REFUSE(item.mode = 0100644, "mode");
	REFUSE(item.rdev_minor = 1, "device");
	REFUSE(item.flags = "", "flags");
	REFUSE(item.flags = "i a", "flags");
	REFUSE(item.acl = "", "ACL");
	REFUSE(item.acl = "user::rw-,", "ACL");
	REFUSE(item.acl = "user:root:rw-", "ACL");
	REFUSE(item.acl = "user:01:rw-", "ACL");
	REFUSE(item.acl = "user:4294967295:rw-", "ACL");
	REFUSE(item.default_acl = "other::rwxx", "ACL");
	REFUSE(item.default_acl = "mask:1:rwx", "ACL");
	REFUSE(item.xattrs = twice, "attributes");
	REFUSE(item.xattrs = unsorted, "attributes");
	REFUSE(item.extents = touching, "extents");
	REFUSE(item.extents = beyond, "extents");
	REFUSE(item.extents = falling, "extents");
	REFUSE((item.extents = empty, item.extent_count = 1), "extents");
	REFUSE((item.extents = wrapping, item.extent_count = 1), "extents");
	REFUSE(item.is_sparse = false, "sparse");
	REFUSE(item.read_padding = 10001, "padding");
	REFUSE(item.hashes |= VST_HASH_SHA512, "digest");
	REFUSE(item.size = UINT64_MAX, "number");
}

static void manifest_accepts_one_spelling_only(void **state)
{
	(void)state;
#define HEAD "{\"format\":1,\"salt\":\"abababababababababababababababab\",\"seq\":7,\"source\":\"logs\","
	assert_bad_line("", VST_EFORMAT);
	assert_bad_line("{}", VST_EFORMAT);
	assert_bad_line("[]", VST_EFORMAT);
	assert_bad_line("{\"format\":2}", VST_EVERSION);
	assert_bad_line(HEAD "\"path\":\"/a\",\"type\":\"unknown\",\"status\":\"absent\"} ", VST_EFORMAT);
	assert_bad_line(HEAD " \"path\":\"/a\",\"type\":\"unknown\",\"status\":\"absent\"}", VST_EFORMAT);
	assert_bad_line(HEAD "\"type\":\"unknown\",\"path\":\"/a\",\"status\":\"absent\"}", VST_EFORMAT);
	assert_bad_line(
	        HEAD "\"path\":\"/\\u0061\",\"type\":\"unknown\",\"status\":\"absent\"}", VST_EFORMAT);
	assert_bad_line(
	        HEAD "\"path\":\"/a\",\"type\":\"unknown\",\"status\":\"absent\",\"more\":1}", VST_EFORMAT);
	assert_bad_line(HEAD
	        "\"path\":\"/a\",\"path_base64\":\"L2E=\",\"type\":\"unknown\",\"status\":\"absent\"}",
	        VST_EFORMAT);
	assert_bad_line(HEAD
	        "\"path\":\"/a\",\"path_base64\":\"L2EA\",\"type\":\"unknown\",\"status\":\"absent\"}",
	        VST_EFORMAT);
	assert_bad_line(HEAD "\"path\":\"/a\",\"type\":\"thing\",\"status\":\"absent\"}", VST_EFORMAT);
	assert_bad_line(HEAD "\"path\":\"/a\",\"type\":\"unknown\",\"status\":\"gone\"}", VST_EFORMAT);
	assert_bad_line(HEAD "\"path\":\"/a\",\"type\":\"unknown\",\"status\":\"denied\",\"errno\":\"13\"}",
	        VST_EFORMAT);
	assert_bad_line(HEAD "\"path\":\"/../a\",\"type\":\"unknown\",\"status\":\"absent\"}", VST_EFORMAT);
	assert_bad_line(HEAD "\"path\":\"/a\",\"type\":\"unknown\",\"status\":\"denied\"}", VST_EFORMAT);
#undef HEAD
}

/* Each byte of a line changed, and each cut: a different item or no item, never the same item in two
 * spellings. */
static void manifest_line_survives_no_change_unnoticed(void **state)
{
	(void)state;
	struct vst_item item = full_item();
	struct vst_buf line = VST_BUF_INIT, again = VST_BUF_INIT;
	encode(&item, &line);
	for (size_t i = 0; i < line.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			struct vst_item *parsed = NULL;
			line.data[i] ^= (uint8_t)(1 << bit);
			if (vst_item_parse(line.data, line.len, &parsed, NULL) == 0) {
				vst_buf_clear(&again);
				encode(parsed, &again);
				assert_int_equal(again.len, line.len);
				assert_memory_equal(again.data, line.data, line.len);
				vst_item_free(parsed);
			}
			line.data[i] ^= (uint8_t)(1 << bit);
		}
		struct vst_item *cut = NULL;
		assert_int_not_equal(vst_item_parse(line.data, i, &cut, NULL), 0);
	}
	vst_buf_free(&line);
	vst_buf_free(&again);
}

/* More of both than have room at first. */
static void many_item(struct vst_item *item, struct vst_item_xattr xattrs[20], char names[20][32],
        struct vst_item_extent extents[40])
{
	*item = full_item();
	for (size_t i = 0; i < 20; i++) {
		/* Every third has a name that is no key, so that the two lists interleave. */
		snprintf(names[i], sizeof names[i], "user.%02zu%s", i, i % 3 == 0 ? "\xff" : "");
		xattrs[i] = (struct vst_item_xattr){names[i], names[i], i};
	}
	for (size_t i = 0; i < 40; i++)
		extents[i] = (struct vst_item_extent){i * 20, 10};
	item->xattrs = xattrs;
	item->xattr_count = 20;
	item->extents = extents;
	item->extent_count = 40;
}

static void manifest_carries_many_xattrs_and_extents(void **state)
{
	(void)state;
	struct vst_item item;
	struct vst_item_xattr xattrs[20];
	struct vst_item_extent extents[40];
	char names[20][32] = {{0}};
	many_item(&item, xattrs, names, extents);
	for (size_t count = 0; count <= 20; count++) {
		struct vst_buf line = VST_BUF_INIT;
		item.xattr_count = count;
		item.extent_count = 2 * count;
		struct vst_item *parsed = round_trip(&item, &line);
		assert_int_equal(parsed->xattr_count, count);
		assert_int_equal(parsed->extent_count, 2 * count);
		for (size_t i = 0; i < count; i++) {
			assert_string_equal(parsed->xattrs[i].name, names[i]);
			assert_int_equal(parsed->xattrs[i].len, i);
			assert_memory_equal(parsed->xattrs[i].value, xattrs[i].value, i);
		}
		for (size_t i = 0; i < 2 * count; i++)
			assert_memory_equal(&parsed->extents[i], &extents[i], sizeof *extents);
		vst_item_free(parsed);
		vst_buf_free(&line);
	}
}

/* `item` encoded, with `from` replaced by `to`: refused, for this reason. */
static void assert_respelled(const struct vst_item *item, const char *from, const char *to, const char *why)
{
	struct vst_buf line = VST_BUF_INIT, other = VST_BUF_INIT;
	struct vst_item *parsed = NULL;
	struct vst_err err = VST_ERR_INIT;
	encode(item, &line);
	const char *text = vst_buf_cstr(&line), *at = strstr(text, from);
	if (!at)
		fail_msg("no %s in %s", from, text);
	vst_buf_bytes(&other, text, (size_t)(at - text));
	vst_buf_text(&other, to);
	vst_buf_text(&other, at + strlen(from));
	assert_int_equal(vst_item_parse(other.data, other.len, &parsed, &err), VST_EFORMAT);
	assert_int_equal(err.code, VST_EFORMAT);
	assert_null(parsed);
	if (strncmp(err.text, "manifest line: ", 15) != 0 || !strstr(err.text, why))
		fail_msg("%s\ninstead of %s", err.text, why);
	vst_buf_free(&line);
	vst_buf_free(&other);
}

static void manifest_says_what_is_spelled_otherwise(void **state)
{
	(void)state;
	struct vst_item item = full_item(), link = file_item(), device = file_item(), stream = file_item();
	link.type = VST_ITEM_SYMLINK;
	link.target = "../x";
	device.type = VST_ITEM_CHAR_DEVICE;
	stream.type = VST_ITEM_STREAM;
	stream.parts = 1;
	link.has_content = device.has_content = false;
	link.hashes = device.hashes = 0;

	assert_respelled(&item, "\"seq\":7,", "\"seq\":07,", "key \"seq\" should be a number without a zero");
	assert_respelled(&item, "\"seq\":7,", "\"seq\":-7,", "key \"seq\" should not be negative");
	assert_respelled(&item, "\"seq\":7,", "", "key \"seq\" should stand where \"source\" does");
	assert_respelled(&item, "\"seq\":7,", "\"seq\": 7,", "key \"seq\" should be a whole number");
	assert_respelled(&item, "\"abab", "\"ABab", "key \"salt\" should be 16 bytes in lower-case");
	assert_respelled(&item, "\"flags\"", "\"flagz\"", "unknown key \"flagz\"");
	assert_respelled(&item, "\"0640\"", "\"640\"", "mode: not four octal digits");
	assert_respelled(&item, "\"0640\"", "\"0648\"", "mode: not four octal digits");
	assert_respelled(&item, "\"8:1\"", "\"8:01\"", "dev: not major:minor");
	assert_respelled(&item, "\"8:1\"", "\"8:4294967296\"", "dev: not major:minor");
	assert_respelled(
	        &item, "\"ino\":42", "\"ino\":\"42\"", "ino: not a number, or one that needs no text");
	assert_respelled(&item, "\"ino\":42", "\"ino\":\"9223372036854775807\"", "ino: not a number");
	assert_respelled(&item, "\"ino\":42", "\"ino\":9223372036854775808", "\"ino\" should be a smaller");
	assert_respelled(&item, "\"ino\":42", "\"ino\":\"18446744073709551616\"", "ino: not a number");
	assert_respelled(&item, ".000000005Z", ".000000005z", "key \"mtime\" should be a time");
	assert_respelled(&item, "{\"size\":10000,\"mtime\"", "{\"mtime\"", "key \"size\" should stand where");

	/* Keys that stand, or not, by what else the item is. */
	assert_respelled(&item, "\"size\":10000,\"sha256\"", "\"sha256\"", "key \"size\" is missing");
	assert_respelled(&item, ",\"mode\"", ",\"parts\":0,\"mode\"", "unknown key \"parts\"");
	assert_respelled(&item, "\"nlink\":1", "\"nlink\":1,\"rdev\":\"0:0\"", "unknown key \"rdev\"");
	assert_respelled(&device, ",\"rdev\":\"0:0\"", "", "key \"rdev\" is missing");
	assert_respelled(&device, "\"mode\"", "\"size\":1,\"mode\"", "size: of something that has none");
	assert_respelled(&stream, "\"parts\":1,", "", "key \"parts\" should stand where");
	assert_respelled(&link, "\"size\":4,", "", "key \"size\" is missing");
	assert_respelled(&link, "\"size\":4,", "\"size\":5,", "size: not the length of the target");

	/* Lists that would come back in another form. */
	assert_respelled(&item, "{\"security.capability\":\"AQAC\",\"user.a\":\"\"}", "{}", "xattrs: empty");
	assert_respelled(
	        &item, "\"xattrs_error\"", "\"xattrs_base64\":[],\"xattrs_error\"", "xattrs_base64: empty");
	assert_respelled(&item, "\"user.a\"", "\"a\"", "xattrs: not sorted by name");
	assert_respelled(&item, "\"user.a\"", "\"security.capability\"", "xattrs: not sorted by name");
	assert_respelled(&item, "\"user.a\"", "\"user. a\"", "xattrs: a name that belongs to xattrs_base64");
	assert_respelled(&item, "\"xattrs_error\"",
	        "\"xattrs_base64\":[[\"dXNlci5h\",\"\"]],\"xattrs_error\"",
	        "xattrs_base64: a name that belongs to xattrs");
	assert_respelled(&item, "\"xattrs_error\"", "\"xattrs_base64\":[[\"/wA=\",\"\"]],\"xattrs_error\"",
	        "xattrs_base64: a NUL in a name");
	assert_respelled(&item, "\"xattrs_error\"",
	        "\"xattrs_base64\":[[\"/w==\",\"\"],[\"/g==\",\"\"]],\"xattrs_error\"",
	        "xattrs: not sorted by name");
	assert_respelled(&item, "\"xattrs_error\"", "\"xattrs_base64\":[[\"/w==\"]],\"xattrs_error\"",
	        "a comma should stand here");
	assert_respelled(&item, "[0,4096]", "[0,4096,1]", "the list should end here");
	assert_respelled(&item, "[0,4096]", "{}", "should be a list");
}

static void manifest_refuses_more_extents_than_a_map_may_have(void **state)
{
	(void)state;
	struct vst_item item = full_item();
	struct vst_buf map = VST_BUF_INIT;
	for (size_t i = 0; i <= VST_SPARSE_EXTENTS_MAX; i++)
		vst_buf_text(&map, "[1,1],");
	assert_respelled(&item, "[0,4096],", vst_buf_cstr(&map), "sparse: too many extents");
	vst_buf_free(&map);
}

#ifdef VESTIGE_FAULTS
enum { PARSED = 0, NO_MEMORY = 10, NO_MEMORY_TO_ENCODE = 11, OTHERWISE = 12 };

/* In a process of its own, since a plan of faults is read once in each. */
static int parse_with_fault(unsigned nth)
{
	struct vst_item item, *parsed = NULL;
	struct vst_item_xattr xattrs[20];
	struct vst_item_extent extents[40];
	struct vst_buf line = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	char names[20][32] = {{0}}, plan[32];
	int rc;
	snprintf(plan, sizeof plan, "malloc:%u:ENOMEM", nth);
	setenv("VESTIGE_FAULT", plan, 1);
	many_item(&item, xattrs, names, extents);
	rc = vst_item_encode(&item, &line, NULL);
	if (rc != 0) {
		vst_buf_free(&line);
		return rc == VST_ENOMEM ? NO_MEMORY_TO_ENCODE : OTHERWISE;
	}
	rc = vst_item_parse(line.data, line.len, &parsed, &err);
	vst_buf_free(&line);
	if (rc != 0)
		return rc == VST_ENOMEM && err.code == VST_ENOMEM && !parsed ? NO_MEMORY : OTHERWISE;
	vst_item_free(parsed);
	return PARSED;
}

/* The first of all tests: nothing may have been allocated before. */
static void manifest_line_without_memory_says_so(void **state)
{
	(void)state;
	unsigned refused = 0;
	int result = NO_MEMORY;
	for (unsigned nth = 1; result != PARSED; nth++) {
		int status = 0;
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			exit(parse_with_fault(nth));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		result = WEXITSTATUS(status);
		assert_true(result == PARSED || result == NO_MEMORY || result == NO_MEMORY_TO_ENCODE);
		refused += result == NO_MEMORY;
	}
	/* The item with its line, xattrs 4, 7 and 13 (room for 3, 6, 12, 24), extents 1, 9, 17 and 33. */
	assert_int_equal(refused, 1 + 3 + 4);
}
#endif

static void manifest_names_entries(void **state)
{
	(void)state;
	struct vst_item item = file_item();
	struct vst_buf name = VST_BUF_INIT;
	char *path = malloc(5000);
	assert_non_null(path);
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_string_equal(vst_buf_cstr(&name), "items/logs/var/log/syslog");
	vst_buf_clear(&name);
	item.path = "/";
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_string_equal(vst_buf_cstr(&name), "items/logs");
	/* "items/logs/" and 4,084 bytes: 4,095, the longest path; one more, or a slash for a directory, is
	 * too long. */
	memset(path, 'x', 5000);
	path[0] = '/';
	path[4085] = '\0';
	item.path = path;
	vst_buf_clear(&name);
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_int_equal(name.len, 4095);
	item.type = VST_ITEM_DIRECTORY;
	vst_buf_clear(&name);
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_string_equal(vst_buf_cstr(&name), "items/long/7");
	item.type = VST_ITEM_FILE;
	path[4085] = 'x';
	path[4086] = '\0';
	vst_buf_clear(&name);
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_string_equal(vst_buf_cstr(&name), "items/long/7");
	free(path);
	vst_buf_free(&name);
}

/* ---- content in earlier exhibits ---- */

static const struct vst_item_stored three_pieces[] = {{1, 5, 4000}, {1, 9, 96}, {3, 2, 904}};

static struct vst_item unchanged_item(void)
{
	struct vst_item item = file_item();
	item.status = VST_ITEM_UNCHANGED;
	item.has_content = false;
	item.hashes = 0;
	item.size = 5000;
	item.has_whole = true;
	item.whole.size = 5000;
	item.whole.hashes = VST_HASH_SHA256;
	memset(item.whole.sha256, 0x55, sizeof item.whole.sha256);
	item.whole.stored = three_pieces;
	item.whole.stored_count = 3;
	return item;
}

static struct vst_item tail_item(void)
{
	struct vst_item item = unchanged_item();
	item.status = VST_ITEM_TAIL;
	item.has_content = true;
	item.hashes = VST_HASH_SHA256;
	item.size = 7;
	item.whole.size = 5007;
	return item;
}

#define WHOLE_55 "5555555555555555555555555555555555555555555555555555555555555555"
#define DIGEST_11 "1111111111111111111111111111111111111111111111111111111111111111"

static void manifest_writes_what_an_earlier_exhibit_has(void **state)
{
	(void)state;
	struct vst_item item = unchanged_item();
	assert_false(vst_item_has_entry(&item));
	assert_line(&item, "\"status\":\"unchanged\",\"size\":5000,\"mode\"");
	assert_line(&item, "\"nlink\":1,\"whole\":{\"size\":5000,\"sha256\":\"" WHOLE_55
	                   "\",\"stored\":[[1,5,4000],[1,9,96],[3,2,904]]}}");
	item.whole.trusted = true;
	item.whole.hashes |= VST_HASH_SHA1 | VST_HASH_MD5;
	item.has_prefix = true;
	item.prefix_size = 5000;
	item.details = "{}";
	item.details_len = 2;
	assert_line(&item, "\",\"sha1\":\"0000000000000000000000000000000000000000\",\"md5\":"
	                   "\"00000000000000000000000000000000\",\"trusted\":true,\"stored\":[");
	assert_line(&item, "]},\"prefix\":{\"size\":5000,\"sha256\":\"0000");
	assert_line(&item, "0000\"},\"details\":{}}");

	item = tail_item();
	assert_true(vst_item_has_entry(&item));
	assert_int_equal(vst_item_tail_offset(&item), 5000);
	assert_line(&item, "\"status\":\"tail\",\"size\":7,\"sha256\":\"" DIGEST_11 "\",\"mode\"");
	assert_line(&item, "\"whole\":{\"size\":5007,");
	item.long_entry = true;
	assert_line(&item, "]},\"entry\":\"long\"}");
}

/* A tail that was cut or failed says so: it would have passed for one that is complete. */
static void manifest_lets_a_tail_say_how_its_reading_went(void **state)
{
	(void)state;
	static const enum vst_item_status may[] = {
	        VST_ITEM_CHANGED, VST_ITEM_TRUNCATED, VST_ITEM_DENIED, VST_ITEM_ERROR};
	static const enum vst_item_status may_not[] = {
	        VST_ITEM_COLLECTED, VST_ITEM_EXCLUDED, VST_ITEM_ABSENT, VST_ITEM_VANISHED, VST_ITEM_UNCHANGED};
	struct vst_item item;
	for (size_t i = 0; i < sizeof may / sizeof *may; i++) {
		item = tail_item();
		item.status = may[i];
		item.rule = may[i] == VST_ITEM_CHANGED ? NULL : "why";
		assert_true(vst_item_is_tail(&item));
		assert_int_equal(vst_item_tail_offset(&item), 5000);
		assert_line(&item, "\"whole\":{\"size\":5007,");
	}
	for (size_t i = 0; i < sizeof may_not / sizeof *may_not; i++) {
		item = tail_item();
		item.status = may_not[i];
		item.rule = may_not[i] == VST_ITEM_EXCLUDED ? "why" : NULL;
		assert_refused(&item, "item: ");
	}
	item = tail_item();
	item.has_content = false;
	item.hashes = 0;
	item.status = VST_ITEM_ERROR;
	item.rule = "why";
	assert_false(vst_item_is_tail(&item));
	assert_refused(&item, "status that has none");
}

static void manifest_keeps_empty_streams_links_and_holes_of_earlier_exhibits(void **state)
{
	(void)state;
	struct vst_item item = unchanged_item();
	item.type = VST_ITEM_STREAM;
	item.has_stat = false;
	item.user = item.group = NULL;
	item.mode = 0;
	item.gid = 0;
	item.mtime = item.atime = item.ctime = VST_TIME_NONE;
	item.size = 0;
	item.whole.size = 0;
	item.whole.stored_count = 0;
	assert_line(&item, "\"status\":\"unchanged\",\"whole\":{\"size\":0,");
	assert_line(&item, "\"stored\":[]}}");

	item = unchanged_item();
	item.has_whole = false;
	item.is_hardlink = true;
	assert_line(&item, "\"status\":\"unchanged\",\"mode\"");
	assert_false(vst_item_has_entry(&item));

	item = unchanged_item();
	item.is_sparse = true;
	item.extents = two_extents;
	item.extent_count = 2;
	item.size = 1000000;
	item.whole.size = 4106;
	item.whole.stored_count = 1;
	static const struct vst_item_stored data = {1, 5, 4106};
	item.whole.stored = &data;
	item.has_whole_sha256 = true;
	assert_line(&item, "\"size\":1000000,\"mode\"");
	item.extent_count = 1;
	assert_refused(&item, "does not add up");
	item = file_item();
	item.long_entry = true;
	item.has_prefix = true;
	item.prefix_size = 10000;
	assert_line(&item, "\"prefix\":{\"size\":10000,");
}

static void manifest_refuses_wholes_that_contradict_themselves(void **state)
{
	(void)state;
	static const struct vst_item_stored bad[][2] = {{{0, 1, 4000}, {1, 1, 1000}},
	        {{1, UINT32_MAX, 4000}, {2, 1, 1000}}, {{2, 1, 4000}, {1, 1, 1000}},
	        {{1, 1, 4000}, {1, 1, 1000}}, {{1, 1, 5000}, {2, 1, 0}}, {{1, 1, 4000}, {2, 1, 1001}},
	        {{1, 1, UINT64_MAX}, {2, 1, 5001}}};
	struct vst_item item;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		item = unchanged_item();
		item.whole.stored = bad[i];
		item.whole.stored_count = 2;
		assert_refused(&item, i < 2 ? "there cannot be" : i < 4 ? "oldest first" : "empty or more");
	}
	item = unchanged_item();
	item.whole.stored_count = 2;
	assert_refused(&item, "less than it");
	item.whole.stored_count = VST_ITEM_STORED_MAX + 1;
	assert_refused(&item, "more pieces");
	item = unchanged_item();
	item.has_whole = false;
	assert_refused(&item, "and not which");
	item = unchanged_item();
	item.is_hardlink = true;
	assert_refused(&item, "status that has none");
	item = unchanged_item();
	item.has_content = true;
	item.hashes = VST_HASH_SHA256;
	assert_refused(&item, "was not collected");
	item = unchanged_item();
	item.content = VST_ITEM_CONTENT_DIGEST;
	assert_refused(&item, "did not ask for");
	item = unchanged_item();
	item.type = VST_ITEM_DIRECTORY;
	assert_refused(&item, "no content");
	item = unchanged_item();
	item.long_entry = true;
	assert_refused(&item, "choice of entry");
	item = unchanged_item();
	item.has_prefix = true;
	item.prefix_size = 5001;
	assert_refused(&item, "prefix");
	item = unchanged_item();
	item.whole.hashes = 0;
	assert_refused(&item, "without its digest");
	item = unchanged_item();
	item.rule = "x";
	assert_refused(&item, "a rule");

	item = tail_item();
	item.type = VST_ITEM_STREAM;
	item.parts = 1;
	assert_refused(&item, "no file");
	item = tail_item();
	item.size = 8;
	assert_refused(&item, "does not begin where");
	item.size = 5007;
	item.whole.stored_count = 0;
	assert_refused(&item, "does not begin where");
	item = tail_item();
	item.size = 0;
	item.whole.size = 5000;
	assert_refused(&item, "does not begin where");
	item = tail_item();
	item.whole.trusted = true;
	assert_refused(&item, "not read");
	item = tail_item();
	item.is_sparse = true;
	item.extents = two_extents;
	item.extent_count = 1;
	assert_refused(&item, "tail of a sparse");
	item = tail_item();
	item.is_hardlink = true;
	item.has_content = false;
	item.hashes = 0;
	assert_refused(&item, "hard link");
	item = file_item();
	item.has_whole = true;
	assert_refused(&item, "status that has none");
}

static void manifest_takes_one_spelling_of_wholes(void **state)
{
	(void)state;
	static const char *const swaps[][2] = {{"\"stored\":[[1,5,4000]", "\"stored\":[[1,5,4000,1]"},
	        {"\"sha256\":\"" WHOLE_55 "\",\"stored\"", "\"stored\""},
	        {",\"stored\"", ",\"trusted\":false,\"stored\""},
	        {"\"entry\":\"long\"", "\"entry\":\"short\""}, {",\"entry\":\"long\"", ",\"entry\":1"},
	        {"]},\"entry\":\"long\"", "],\"entry\":\"long\"}"},
	        {",\"entry\":\"long\"",
	                ",\"entry\":\"long\",\"prefix\":{\"size\":1,\"sha256\":\"" WHOLE_55 "\"}"},
	        {"[1,9,96]", "[1,9,97]"}};
	struct vst_item item = tail_item();
	struct vst_buf line = VST_BUF_INIT;
	item.long_entry = true;
	encode(&item, &line);
	for (size_t i = 0; i < sizeof swaps / sizeof *swaps; i++) {
		const char *text = vst_buf_cstr(&line), *at = strstr(text, swaps[i][0]);
		struct vst_buf bent = VST_BUF_INIT;
		assert_non_null(at);
		vst_buf_bytes(&bent, text, (size_t)(at - text));
		vst_buf_text(&bent, swaps[i][1]);
		vst_buf_text(&bent, at + strlen(swaps[i][0]));
		assert_bad_line(vst_buf_cstr(&bent), VST_EFORMAT);
		vst_buf_free(&bent);
	}
	vst_buf_free(&line);
}

static void manifest_names_the_entries_of_tails(void **state)
{
	(void)state;
	struct vst_item item = tail_item();
	struct vst_buf name = VST_BUF_INIT;
	char *path = malloc(5000);
	assert_non_null(path);
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_string_equal(vst_buf_cstr(&name), "items/logs/var/log/syslog@5000");
	item.long_entry = true;
	vst_buf_clear(&name);
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_string_equal(vst_buf_cstr(&name), "items/long/7");
	/* The offset takes room: with it, this name is one byte too long, and to say so once more is refused.
	 */
	memset(path, 'x', 5000);
	path[0] = '/';
	path[4095 - strlen("items/logs/") - strlen("@5000") + 1] = '\0';
	item.path = path;
	item.long_entry = false;
	vst_buf_clear(&name);
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_int_equal(name.len, 4095);
	item.long_entry = true;
	assert_line(&item, "\"entry\":\"long\"");
	path[strlen(path)] = 'x';
	path[4095 - strlen("items/logs/") - strlen("@5000") + 2] = '\0';
	assert_refused(&item, "choice of entry");
	item.long_entry = false;
	vst_buf_clear(&name);
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_string_equal(vst_buf_cstr(&name), "items/long/7");
	free(path);
	vst_buf_free(&name);
}

static void manifest_names_status_and_type_both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < VST_ITEM_STATUSES; i++) {
		enum vst_item_status status;
		assert_true(vst_item_status_parse(vst_item_status_name((enum vst_item_status)i), &status));
		assert_int_equal(status, i);
	}
	enum vst_item_status status = VST_ITEM_TAIL;
	assert_false(vst_item_status_parse("good", &status));
	assert_int_equal(status, VST_ITEM_TAIL);
	assert_string_equal(vst_item_type_name(VST_ITEM_CHAR_DEVICE), "char_device");
}

static void manifest_path_digest_separates_source_and_path(void **state)
{
	(void)state;
	uint8_t a[VST_HASH_LEN], b[VST_HASH_LEN], want[VST_HASH_LEN];
	vst_item_path_digest("a", "/b", a);
	vst_item_path_digest("a/", "b", b);
	assert_memory_not_equal(a, b, sizeof a);
	vst_sha256("a\0/b", 4, want);
	assert_memory_equal(a, want, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef VESTIGE_FAULTS
	        cmocka_unit_test(manifest_line_without_memory_says_so),
#endif
	        cmocka_unit_test(manifest_writes_a_file_in_the_stated_order),
	        cmocka_unit_test(manifest_carries_every_field_of_a_file),
	        cmocka_unit_test(manifest_keeps_names_that_are_not_utf8),
	        cmocka_unit_test(manifest_keeps_xattr_names_that_are_no_plain_keys),
	        cmocka_unit_test(manifest_writes_other_types),
	        cmocka_unit_test(manifest_writes_a_stream_and_its_parts),
	        cmocka_unit_test(manifest_says_why_something_is_not_there),
	        cmocka_unit_test(manifest_keeps_the_size_of_a_file_that_was_left_out),
	        cmocka_unit_test(manifest_keeps_extreme_numbers),
	        cmocka_unit_test(manifest_refuses_places_that_are_none),
	        cmocka_unit_test(manifest_refuses_records_in_the_way_of_the_layout),
	        cmocka_unit_test(manifest_refuses_contradictions),
	        cmocka_unit_test(manifest_accepts_one_spelling_only),
	        cmocka_unit_test(manifest_line_survives_no_change_unnoticed),
	        cmocka_unit_test(manifest_carries_many_xattrs_and_extents),
	        cmocka_unit_test(manifest_says_what_is_spelled_otherwise),
	        cmocka_unit_test(manifest_refuses_more_extents_than_a_map_may_have),
	        cmocka_unit_test(manifest_names_entries),
	        cmocka_unit_test(manifest_writes_what_an_earlier_exhibit_has),
	        cmocka_unit_test(manifest_keeps_empty_streams_links_and_holes_of_earlier_exhibits),
	        cmocka_unit_test(manifest_lets_a_tail_say_how_its_reading_went),
	        cmocka_unit_test(manifest_refuses_wholes_that_contradict_themselves),
	        cmocka_unit_test(manifest_takes_one_spelling_of_wholes),
	        cmocka_unit_test(manifest_names_the_entries_of_tails),
	        cmocka_unit_test(manifest_names_status_and_type_both_ways),
	        cmocka_unit_test(manifest_path_digest_separates_source_and_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
