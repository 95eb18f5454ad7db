#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exhibit_kit.h"
#include "vestige/exhibit_check.h"
#include "vestige/text.h"

#define FRAME 4096

/* What a check said: a line for each problem. */
struct said {
	struct vst_buf text;
	struct vst_buf records;
	int stop;
};

static int on_problem(void *ctx, const char *source, const char *path, const char *what)
{
	struct said *said = ctx;

	vst_buf_printf(&said->text, "%s|%s|%s\n", source ? source : "-", path ? path : "-", what);
	return said->stop;
}

static int on_record(void *ctx, const char *name, const void *data, size_t len, struct vst_err *err)
{
	struct said *said = ctx;

	(void)err;
	vst_buf_printf(&said->records, "%s=%.*s;", name, (int)len, (const char *)data);
	return 0;
}

static struct vst_exhibit_check_result check(struct kit *kit, struct said *said)
{
	struct vst_input in = vst_input_memory(kit->file.data, kit->file.len);
	struct vst_exhibit_check_options options = {.problem = on_problem, .record = on_record, .ctx = said};
	struct vst_exhibit_check_result result = {0};
	struct vst_err err = VST_ERR_INIT;

	memset(said, 0, sizeof(*said));
	kit_must(vst_exhibit_check(&in, &kit->identities, &kit->expect, &options, &result, &err), &err,
	        "check");
	return result;
}

static void said_free(struct said *said)
{
	vst_buf_free(&said->text);
	vst_buf_free(&said->records);
}

static void assert_said(struct said *said, const char *what)
{
	if (strstr(vst_buf_cstr(&said->text), what) == NULL)
		fail_msg("not said: %s\nbut:\n%s", what, vst_buf_cstr(&said->text));
}

/* Seals the bent tar again, checks, and wants to hear `what`. Frees the kit. */
static void bent(struct kit *kit, const char *what)
{
	struct said said;
	struct vst_exhibit_check_result result;

	kit_pack(kit, FRAME, true);
	result = check(kit, &said);
	assert_true(result.problems > 0);
	assert_said(&said, what);
	said_free(&said);
	kit_free(kit);
}

static struct kit *plain_kit(void)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);

	kit_text(kit, "/var/log/a", "the first file\n");
	kit_text(kit, "/var/log/b", "the other file\n");
	kit_text(kit, "/var/log/c", "the third file\n");
	kit_finish(kit);
	kit_unpack(kit);
	return kit;
}

/* Every kind of item that tar carries. */
static struct kit *rich_kit(unsigned hashes)
{
	static const struct vst_item_xattr xattrs[] = {{"user.one", "1", 1}, {"user.t\xc3\xa4st", "a\0b", 3}};
	static const struct vst_item_extent extents[] = {{4096, 4096}, {20480, 100}};
	struct kit *kit = kit_new(hashes);
	uint8_t *big = malloc(9 * 1024 * 1024);
	struct vst_item item;
	char path[5000];

	for (size_t i = 0; i < 9 * 1024 * 1024; i++)
		big[i] = (uint8_t)(i * i >> 7);
	kit_stat(&item, "/", VST_ITEM_DIRECTORY);
	kit_item(kit, &item, NULL);
	kit_stat(&item, "/var/log", VST_ITEM_DIRECTORY);
	item.default_acl = "user::rwx,user:1001:r-x,group::r-x,mask::r-x,other::---";
	kit_item(kit, &item, NULL);
	kit_text(kit, "/var/log/empty", "");
	kit_file(kit, "/var/log/big", big, 9 * 1024 * 1024);
	kit_stat(&item, "/var/log/meta", VST_ITEM_FILE);
	item.acl = "user::rw-,user:1000:r--,group::r--,mask::r--,other::---";
	item.xattrs = xattrs;
	item.xattr_count = 2;
	item.mtime = -1500000000;
	item.size = 3;
	kit_put(kit, &item, "abc", 3);
	kit_stat(&item, "/var/log/lastlog", VST_ITEM_FILE);
	item.size = 1 << 20;
	item.is_sparse = true;
	item.extents = extents;
	item.extent_count = 2;
	kit_put(kit, &item, big, 4196);
	kit_stat(&item, "/var/log/hollow", VST_ITEM_FILE);
	item.size = 1 << 20;
	item.is_sparse = true;
	kit_put(kit, &item, big, 0);
	kit_stat(&item, "/var/log/link", VST_ITEM_SYMLINK);
	item.target = "../evil\nname";
	item.size = strlen(item.target);
	kit_item(kit, &item, NULL);
	kit_stat(&item, "/var/log/hard", VST_ITEM_FILE);
	kit_item(kit, &item, "/var/log/big");
	kit_stat(&item, "/dev/console", VST_ITEM_CHAR_DEVICE);
	item.rdev_major = 5;
	item.rdev_minor = 1;
	kit_item(kit, &item, NULL);
	kit_stat(&item, "/run/fifo", VST_ITEM_FIFO);
	kit_item(kit, &item, NULL);
	kit_stat(&item, "/run/socket", VST_ITEM_SOCKET);
	kit_item(kit, &item, NULL);
	kit_stat(&item, "/etc/shadow", VST_ITEM_FILE);
	item.status = VST_ITEM_DENIED;
	item.error = 13;
	kit_item(kit, &item, NULL);
	kit_stream(kit, "/proc/journal", big, 9 * 1024 * 1024);
	kit_stream(kit, "/proc/empty", big, 0);
	kit_text(kit, "/var/log/\xff\xfe bad utf-8 \n", "x");
	memset(path, 'd', sizeof(path));
	for (size_t i = 0; i < 4000; i += 200)
		path[i] = '/';
	path[4000] = 0;
	kit_text(kit, path, "long name");
	path[4000] = 'd';
	path[4600] = 0;
	kit_text(kit, path, "name that tar cannot carry");
	kit_text(kit, "/srv/part-000001", "no part");
	kit_text(kit, "/srv/part-000002", "no part, either");
	kit_finish(kit);
	free(big);
	return kit;
}

static void check_finds_nothing_wrong_with_what_the_writer_wrote(void **state)
{
	struct kit *kit = rich_kit(VST_HASH_SHA256);
	struct said said;
	struct vst_exhibit_check_result result = check(kit, &said);

	(void)state;
	assert_string_equal(vst_buf_cstr(&said.text), "");
	assert_int_equal(result.problems, 0);
	assert_int_equal(result.items, kit->expect.items);
	assert_true(result.bytes > 18 * 1024 * 1024);
	assert_string_equal(vst_buf_cstr(&said.records),
	        "exhibit.json={\"case\":1};policy.yaml=policy: x\n;closing.json={\"end\":1};");
	said_free(&said);
	kit_free(kit);
}

static void check_knows_other_digests(void **state)
{
	struct kit *kit = rich_kit(VST_HASH_SHA256 | VST_HASH_SHA1 | VST_HASH_MD5);
	struct said said;

	(void)state;
	assert_int_equal(check(kit, &said).problems, 0);
	said_free(&said);
	kit_free(kit);
}

static void check_reads_many_segments(void **state)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);
	struct said said;
	char path[64];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(path, sizeof(path), "/srv/%d/file", i);
		kit_text(kit, path, path);
	}
	kit_finish(kit);
	assert_int_equal(check(kit, &said).problems, 0);
	said_free(&said);
	kit_free(kit);
}

static void check_finds_changed_content(void **state)
{
	struct kit *kit = plain_kit();

	(void)state;
	kit->tar.data[kit_find(kit, "items/logs/var/log/b").body] ^= 1;
	bent(kit, "logs|/var/log/b|the content's SHA-256 is ");
}

static void check_finds_changed_metadata(void **state)
{
	struct kit *kit = plain_kit();
	size_t header = kit_find(kit, "items/logs/var/log/b").header;

	(void)state;
	kit->tar.data[header + 100 + 3] = '7';
	kit_checksum(kit, header);
	bent(kit, "logs|/var/log/b|the tar entry's mode is");
}

static void check_finds_an_extra_entry(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member member = kit_find(kit, "items/logs/var/log/b");
	uint8_t copy[8192];
	size_t len = member.end - member.at;
	uint8_t *at = memmem(kit->tar.data + member.at, len, "items/logs/var/log/b", 20);

	(void)state;
	assert_non_null(at);
	memcpy(copy, kit->tar.data + member.at, len);
	kit_insert(kit, member.end, copy, len);
	kit->tar.data[member.end + (member.header - member.at) + 19] = 'x';
	if (memcmp(kit->tar.data + member.end + (member.header - member.at), "items/logs/var/log/x", 21) != 0)
		fail_msg("the name is not where it should be");
	kit_checksum(kit, member.end + (member.header - member.at));
	bent(kit, "-|items/logs/var/log/x|an entry of the tar that no manifest line names");
}

static void check_finds_a_missing_entry(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member member = kit_find(kit, "items/logs/var/log/b");

	(void)state;
	kit_remove(kit, member.at, member.end);
	bent(kit, "logs|/var/log/b|its manifest line promises the entry items/logs/var/log/b, which the tar "
	          "does not have");
}

static void check_finds_swapped_entries(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member a = kit_find(kit, "items/logs/var/log/a"),
	                  b = kit_find(kit, "items/logs/var/log/b");
	uint8_t copy[8192];

	(void)state;
	assert_int_equal(a.end - a.at, b.end - b.at);
	memcpy(copy, kit->tar.data + a.at, a.end - a.at);
	memcpy(kit->tar.data + a.at, kit->tar.data + b.at, b.end - b.at);
	memcpy(kit->tar.data + b.at, copy, b.end - b.at);
	bent(kit, "its entry stands in another order than its manifest line");
}

static void check_finds_a_name_twice(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member member = kit_find(kit, "items/logs/var/log/b");
	uint8_t copy[8192];

	(void)state;
	memcpy(copy, kit->tar.data + member.at, member.end - member.at);
	kit_insert(kit, member.end, copy, member.end - member.at);
	bent(kit, "-|items/logs/var/log/b|the tar has this name twice");
}

static uint8_t *line_of(struct kit *kit, const char *path)
{
	struct kit_member member = kit_find(kit, "manifest/000001.jsonl");
	uint8_t *at = memmem(kit->tar.data + member.body, member.size, path, strlen(path));

	assert_non_null(at);
	while (at[-1] != '\n' && at > kit->tar.data + member.body)
		at--;
	return at;
}

static void check_finds_a_wrong_digest_in_a_line(void **state)
{
	struct kit *kit = plain_kit();
	uint8_t *line = line_of(kit, "/var/log/b"),
	        *digest = (uint8_t *)strstr((char *)line, "\"sha256\":\"") + 10;

	(void)state;
	*digest = *digest == '0' ? '1' : '0';
	bent(kit, "logs|/var/log/b|the content's SHA-256 is ");
}

static void check_finds_a_changed_line_by_the_root(void **state)
{
	struct kit *kit = plain_kit();
	uint8_t *salt = (uint8_t *)strstr((char *)line_of(kit, "/var/log/b"), "\"salt\":\"") + 8;

	(void)state;
	*salt = *salt == '0' ? '1' : '0';
	bent(kit, "-|-|the root of the manifest lines is not the seal's");
}

static void check_finds_a_line_that_is_none(void **state)
{
	struct kit *kit = plain_kit();

	(void)state;
	*line_of(kit, "/var/log/b") = '[';
	bent(kit, "-|-|manifest segment 1, line 4: ");
}

/* Grows the manifest's content by `len` bytes at `at` (all within its padding, so that nothing moves). */
static void grow_manifest(struct kit *kit, uint8_t *at, const void *data, size_t len)
{
	struct kit_member member = kit_find(kit, "manifest/000001.jsonl");
	uint8_t *end = kit->tar.data + member.body + member.size;
	char digits[13];
	size_t room = member.end - member.body - member.size, offset = (size_t)(at - kit->tar.data);

	if (room < len) {
		static const uint8_t zeros[4096];

		kit_insert(kit, member.end, zeros, (len - room + 511) / 512 * 512);
		end = kit->tar.data + member.body + member.size;
		at = kit->tar.data + offset;
	}
	memmove(at + len, at, (size_t)(end - at));
	memcpy(at, data, len);
	(void)snprintf(digits, sizeof(digits), "%011zo", member.size + len);
	memcpy(kit->tar.data + member.header + 124, digits, 11);
	kit_checksum(kit, member.header);
}

static void check_finds_an_added_line(void **state)
{
	struct kit *kit = plain_kit();
	uint8_t *line = line_of(kit, "/var/log/b");
	size_t len = (size_t)((uint8_t *)strchr((char *)line, '\n') - line) + 1;
	char *copy = malloc(len);

	(void)state;
	memcpy(copy, line, len);
	grow_manifest(kit, line, copy, len);
	free(copy);
	bent(kit, "logs|/var/log/b|two manifest lines have this path");
}

static void check_finds_a_line_out_of_order(void **state)
{
	struct kit *kit = plain_kit();
	uint8_t *line = line_of(kit, "/var/log/b"), *seq = (uint8_t *)strstr((char *)line, "\"seq\":") + 6;

	(void)state;
	*seq = '7';
	bent(kit, "logs|/var/log/b|its manifest line has number 7 where 3 is due");
}

static void check_finds_a_missing_segment(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member member = kit_find(kit, "manifest/000001.jsonl");

	(void)state;
	kit_remove(kit, member.at, member.end);
	bent(kit, "-|items/logs/var/log/b|an entry of the tar that no manifest line names");
}

static void check_finds_a_segment_of_another_number(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member member = kit_find(kit, "manifest/000001.jsonl");

	(void)state;
	kit->tar.data[member.header + 14] = '2';
	kit_checksum(kit, member.header);
	bent(kit, "-|manifest/000002.jsonl|a manifest segment out of order");
}

static void check_finds_a_changed_index(void **state)
{
	struct kit *kit = plain_kit();

	(void)state;
	kit->tar.data[kit_find(kit, "index").body + 40] ^= 1;
	bent(kit, "-|-|index: record 0 is not what was read");
}

static void check_finds_an_index_out_of_order(void **state)
{
	struct kit *kit = plain_kit();
	uint8_t *index = kit->tar.data + kit_find(kit, "index").body, copy[VST_INDEX_RECORD_LEN];

	(void)state;
	memcpy(copy, index, sizeof(copy));
	memcpy(index, index + sizeof(copy), sizeof(copy));
	memcpy(index + sizeof(copy), copy, sizeof(copy));
	bent(kit, "-|-|index: record 1 is not in order");
}

static void check_finds_changed_leaves(void **state)
{
	struct kit *kit = plain_kit();

	(void)state;
	kit->tar.data[kit_find(kit, "leaves").body + 3 * 32 + 5] ^= 1;
	bent(kit, "-|-|leaves: hash 3 is not its manifest line's");
}

static void reseal_trailer(struct kit *kit, size_t offset, uint8_t flip)
{
	uint8_t *trailer = kit->tar.data + kit_find(kit, "trailer").body;

	trailer[offset] ^= flip;
	vst_sha256(trailer, 480, trailer + 480);
}

static void check_finds_a_changed_trailer(void **state)
{
	static const struct {
		size_t offset;
		const char *said;
	} changes[] = {
	        {17, "trailer: not one of version 1"},
	        {24, "trailer: the number of items is given as "},
	        {32, "trailer: the place of the index is given as "},
	        {40, "trailer: the place of the leaves is given as "},
	        {48, "trailer: its own place is given as "},
	        {56, "trailer: the number of manifest segments is given as "},
	        {64, "trailer: its root is not the root of the manifest lines"},
	        {70, "trailer: its root is not the seal's"},
	        {96, "trailer: its digest of the index does not fit the index"},
	        {300, "trailer: bytes where zeros belong"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct kit *kit = plain_kit();

		reseal_trailer(kit, changes[i].offset, 1);
		bent(kit, changes[i].said);
	}
}

static void check_finds_a_trailer_that_does_not_fit_its_digest(void **state)
{
	struct kit *kit = plain_kit();

	(void)state;
	kit->tar.data[kit_find(kit, "trailer").body + 24] ^= 1;
	bent(kit, "-|-|trailer: its own digest does not fit it");
}

static void check_finds_a_missing_trailer(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member member = kit_find(kit, "trailer");

	(void)state;
	kit_remove(kit, member.at, member.end);
	bent(kit, "-|-|the exhibit has no trailer");
}

static void check_finds_another_seals_root_and_count(void **state)
{
	struct kit *kit = plain_kit();

	(void)state;
	kit->expect.root[0] ^= 1;
	bent(kit, "-|-|the root of the manifest lines is not the seal's");
	kit = plain_kit();
	kit->expect.items++;
	bent(kit, "-|-|the seal says 7 items, the manifest has 6");
}

static void check_refuses_headers_that_tars_read_differently(void **state)
{
	struct kit *kit = plain_kit();
	size_t header = kit_find(kit, "items/logs/var/log/b").header;

	(void)state;
	kit->tar.data[header + 156] = 'S';
	kit_checksum(kit, header);
	bent(kit, "a tar header of type 0x53, which our writer does not write");
	kit = plain_kit();
	header = kit_find(kit, "items/logs/var/log/b").at;
	assert_int_equal(kit->tar.data[header + 156], 'x');
	kit->tar.data[header + 156] = 'g';
	kit_checksum(kit, header);
	bent(kit, "a tar header of type 0x67, which our writer does not write");
	kit = plain_kit();
	header = kit_find(kit, "items/logs/var/log/b").header;
	kit->tar.data[header + 90] = 'x';
	kit_checksum(kit, header);
	bent(kit, "the tar header's name is not as our writer writes it");
	kit = plain_kit();
	header = kit_find(kit, "items/logs/var/log/b").header;
	kit->tar.data[header + 148] = '0';
	kit->tar.data[header + 149] = '0';
	bent(kit, "the tar header's checksum is wrong");
}

static void check_refuses_pax_keywords_of_other_programs(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member member = kit_find(kit, "items/logs/var/log/b");
	uint8_t *at = memmem(kit->tar.data + member.at, member.header - member.at, " mtime=", 7);

	(void)state;
	assert_non_null(at);
	memcpy(at + 1, "Mtime", 5);
	bent(kit, "pax keyword Mtime: our writer does not write it");
	kit = plain_kit();
	member = kit_find(kit, "items/logs/var/log/b");
	at = memmem(kit->tar.data + member.at, member.header - member.at, " atime=", 7);
	assert_non_null(at);
	memcpy(at + 1, "mtime", 5);
	bent(kit, "pax keyword mtime: given twice");
}

static void check_finds_padding_and_bytes_behind_the_end(void **state)
{
	struct kit *kit = plain_kit();
	struct kit_member member = kit_find(kit, "items/logs/var/log/b");
	static const uint8_t more[512] = {0};

	(void)state;
	kit->tar.data[member.body + member.size] = 1;
	bent(kit, "padding that is not zeros");
	kit = plain_kit();
	vst_buf_bytes(&kit->tar, more, sizeof(more));
	bent(kit, "bytes after the end of the archive");
	kit = plain_kit();
	kit->tar.len -= 512;
	bent(kit, "the tar stream ends without its two zero blocks");
}

static void check_names_the_item_that_a_damaged_chunk_hits(void **state)
{
	struct kit *kit = kit_new(VST_HASH_SHA256);
	uint8_t *noise = malloc(3 * 1024 * 1024);
	struct said said;
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < 3 * 1024 * 1024; i++)
		noise[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
	kit_text(kit, "/a", "before");
	kit_file(kit, "/noise", noise, 3 * 1024 * 1024);
	kit_text(kit, "/z", "behind");
	kit_finish(kit);
	kit_unpack(kit);
	kit_pack(kit, 65536, true);
	kit->file.data[kit->file.len / 2] ^= 1;
	assert_true(check(kit, &said).problems > 0);
	assert_said(&said, "logs|/noise|");
	assert_said(&said, "bytes of its content are damaged");
	assert_null(strstr(vst_buf_cstr(&said.text), "|/a|"));
	assert_null(strstr(vst_buf_cstr(&said.text), "|/z|"));
	said_free(&said);
	free(noise);
	kit_free(kit);
}

static void check_never_likes_a_flipped_byte(void **state)
{
	struct kit *kit = plain_kit();
	struct vst_exhibit_check_options options = {0};
	size_t quiet = 0;

	(void)state;
	kit_pack(kit, FRAME, true);
	for (size_t i = 0; i < kit->file.len; i++) {
		struct vst_input in = vst_input_memory(kit->file.data, kit->file.len);
		struct vst_exhibit_check_result result = {0};

		kit->file.data[i] ^= 0x10;
		if (vst_exhibit_check(&in, &kit->identities, &kit->expect, &options, &result, NULL) == 0 &&
		        result.problems == 0)
			quiet++;
		kit->file.data[i] ^= 0x10;
	}
	assert_int_equal(quiet, 0);
	kit_free(kit);
}

static void check_never_likes_a_cut_file(void **state)
{
	struct kit *kit = plain_kit();
	struct vst_exhibit_check_options options = {0};

	(void)state;
	kit_pack(kit, FRAME, true);
	for (size_t len = 0; len < kit->file.len; len += 7) {
		struct vst_input in = vst_input_memory(kit->file.data, len);
		struct vst_exhibit_check_result result = {0};

		if (vst_exhibit_check(&in, &kit->identities, &kit->expect, &options, &result, NULL) == 0)
			assert_true(result.problems > 0);
	}
	kit_free(kit);
}

static void check_stops_when_told(void **state)
{
	struct kit *kit = plain_kit();
	struct said said = {.stop = VST_ECANCELLED};
	struct vst_exhibit_check_options options = {.problem = on_problem, .ctx = &said};
	struct vst_exhibit_check_result result = {0};
	struct vst_input in;

	(void)state;
	kit->tar.data[kit_find(kit, "items/logs/var/log/b").body] ^= 1;
	kit_pack(kit, FRAME, true);
	in = vst_input_memory(kit->file.data, kit->file.len);
	assert_int_equal(vst_exhibit_check(&in, &kit->identities, &kit->expect, &options, &result, NULL),
	        VST_ECANCELLED);
	said_free(&said);
	kit_free(kit);
}

static void check_says_that_no_key_fits(void **state)
{
	struct kit *kit = plain_kit(), *other = plain_kit();
	struct vst_input in = vst_input_memory(kit->file.data, kit->file.len);
	struct vst_exhibit_check_options options = {0};
	struct vst_exhibit_check_result result = {0};

	(void)state;
	assert_int_equal(
	        vst_exhibit_check(&in, &other->identities, &kit->expect, &options, &result, NULL), VST_EKEY);
	kit_free(kit);
	kit_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(check_finds_nothing_wrong_with_what_the_writer_wrote),
	        cmocka_unit_test(check_knows_other_digests),
	        cmocka_unit_test(check_reads_many_segments),
	        cmocka_unit_test(check_finds_changed_content),
	        cmocka_unit_test(check_finds_changed_metadata),
	        cmocka_unit_test(check_finds_an_extra_entry),
	        cmocka_unit_test(check_finds_a_missing_entry),
	        cmocka_unit_test(check_finds_swapped_entries),
	        cmocka_unit_test(check_finds_a_name_twice),
	        cmocka_unit_test(check_finds_a_wrong_digest_in_a_line),
	        cmocka_unit_test(check_finds_a_changed_line_by_the_root),
	        cmocka_unit_test(check_finds_a_line_that_is_none),
	        cmocka_unit_test(check_finds_an_added_line),
	        cmocka_unit_test(check_finds_a_line_out_of_order),
	        cmocka_unit_test(check_finds_a_missing_segment),
	        cmocka_unit_test(check_finds_a_segment_of_another_number),
	        cmocka_unit_test(check_finds_a_changed_index),
	        cmocka_unit_test(check_finds_an_index_out_of_order),
	        cmocka_unit_test(check_finds_changed_leaves),
	        cmocka_unit_test(check_finds_a_changed_trailer),
	        cmocka_unit_test(check_finds_a_trailer_that_does_not_fit_its_digest),
	        cmocka_unit_test(check_finds_a_missing_trailer),
	        cmocka_unit_test(check_finds_another_seals_root_and_count),
	        cmocka_unit_test(check_refuses_headers_that_tars_read_differently),
	        cmocka_unit_test(check_refuses_pax_keywords_of_other_programs),
	        cmocka_unit_test(check_finds_padding_and_bytes_behind_the_end),
	        cmocka_unit_test(check_names_the_item_that_a_damaged_chunk_hits),
	        cmocka_unit_test(check_never_likes_a_flipped_byte),
	        cmocka_unit_test(check_never_likes_a_cut_file),
	        cmocka_unit_test(check_stops_when_told),
	        cmocka_unit_test(check_says_that_no_key_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
