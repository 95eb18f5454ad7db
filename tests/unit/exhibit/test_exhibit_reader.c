#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exhibit/forge.h"

/* Some small things, in frames of 8 KiB. */
static struct forge *small(void)
{
	struct forge *f = forge_new();
	struct vst_item item;

	vst_item_init(&item);
	item.source = VST_SOURCE_EXHIBIT;
	item.path = "exhibit.json";
	item.type = VST_ITEM_RECORD;
	forge_item(f, &item, "{}", 2, NULL);
	forge_file(f, "/etc/passwd", "root:x:0:0::/:/bin/sh\n");
	item = forge_describe(VST_ITEM_DIRECTORY, "/etc", 0755);
	forge_item(f, &item, NULL, 0, NULL);
	item = forge_describe(VST_ITEM_SYMLINK, "/etc/mtab", 0777);
	item.target = "../proc/self/mounts";
	forge_item(f, &item, NULL, 0, NULL);
	item = forge_describe(VST_ITEM_SOCKET, "/run/log", 0666);
	forge_item(f, &item, NULL, 0, NULL);
	item = forge_describe(VST_ITEM_FILE, "/etc/shadow", 0600);
	item.status = VST_ITEM_DENIED;
	item.error = 13;
	forge_item(f, &item, NULL, 0, NULL);
	return f;
}

static int find(
        struct vst_exhibit *exhibit, const char *source, const char *path, struct vst_exhibit_entry *ret)
{
	struct vst_err err = VST_ERR_INIT;
	int rc = vst_exhibit_find(exhibit, source, path, ret, &err);

	assert_int_equal(rc, err.code);
	return rc;
}

static int content(struct vst_exhibit *exhibit, const char *path, bool expand, struct vst_buf *ret)
{
	struct vst_exhibit_entry entry = {0};
	struct vst_output out = vst_output_buf(ret);
	struct vst_err err = VST_ERR_INIT;
	int rc = find(exhibit, "src", path, &entry);

	if (rc == 0)
		rc = vst_exhibit_content(exhibit, &entry, expand, &out, &err);
	vst_exhibit_entry_free(&entry);
	return rc;
}

static int open_code(struct forge *f)
{
	struct vst_exhibit *exhibit = NULL;
	struct vst_err err = VST_ERR_INIT;
	int rc = vst_exhibit_open(&exhibit, &f->input, &f->identities, &f->expect, &err);

	assert_int_equal(rc, err.code);
	if (rc != 0)
		assert_null(exhibit);
	vst_exhibit_free(exhibit);
	return rc;
}

static void reader_finds_each_item_by_its_place(void **state)
{
	struct forge *f = small();
	struct vst_exhibit_entry entry = {0};
	struct vst_exhibit *exhibit;

	(void)state;
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(vst_exhibit_items(exhibit), 6);
	assert_int_equal(find(exhibit, "src", "/etc/passwd", &entry), 0);
	assert_string_equal(entry.item->path, "/etc/passwd");
	assert_int_equal(entry.item->seq, 1);
	assert_memory_equal(entry.leaf, f->items[1].leaf, VST_HASH_LEN);
	assert_int_equal(entry.line_len, f->items[1].line_len);
	vst_exhibit_entry_free(&entry);
	assert_int_equal(find(exhibit, "src", "/run/log", &entry), 0);
	assert_true(entry.tar_offset == UINT64_MAX);
	vst_exhibit_entry_free(&entry);
	assert_int_equal(find(exhibit, "src", "/etc/group", &entry), VST_ENOTFOUND);
	assert_int_equal(find(exhibit, "other", "/etc/passwd", &entry), VST_ENOTFOUND);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_finds_every_one_of_many(void **state)
{
	struct forge *f = forge_new();
	struct vst_exhibit *exhibit;
	char path[64];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		snprintf(path, sizeof path, "/many/%d", i);
		forge_file(f, path, path);
	}
	forge_seal(f);
	exhibit = forge_open(f);
	for (int i = 0; i < 3000; i += 7) {
		struct vst_exhibit_entry entry = {0};

		snprintf(path, sizeof path, "/many/%d", i);
		assert_int_equal(find(exhibit, "src", path, &entry), 0);
		assert_int_equal(entry.item->seq, i);
		vst_exhibit_entry_free(&entry);
		snprintf(path, sizeof path, "/none/%d", i);
		assert_int_equal(find(exhibit, "src", path, &entry), VST_ENOTFOUND);
	}
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_finds_a_path_in_whichever_source(void **state)
{
	static const char *const names[] = {"src", "two"};
	struct forge *f = small();
	struct vst_exhibit_entry entry = {0};
	struct vst_exhibit *exhibit;
	struct vst_item item = forge_describe(VST_ITEM_DIRECTORY, "/etc", 0755);
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	item.source = "two";
	forge_item(f, &item, NULL, 0, NULL);
	forge_seal(f);
	for (int known = 0; known < 2; known++) {
		f->expect.sources = known ? names : NULL;
		f->expect.source_count = known ? 2 : 0;
		exhibit = forge_open(f);
		assert_int_equal(find(exhibit, NULL, "/etc/passwd", &entry), 0);
		assert_string_equal(entry.item->source, "src");
		vst_exhibit_entry_free(&entry);
		assert_int_equal(find(exhibit, NULL, "exhibit.json", &entry), 0);
		vst_exhibit_entry_free(&entry);
		assert_int_equal(vst_exhibit_find(exhibit, NULL, "/etc", &entry, &err), VST_EUSAGE);
		assert_non_null(strstr(err.hint, "src, two"));
		assert_int_equal(find(exhibit, NULL, "/nowhere", &entry), VST_ENOTFOUND);
		vst_exhibit_free(exhibit);
	}
	forge_free(f);
}

static int count_in_order(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	uint64_t *next = ctx;

	(void)err;
	assert_int_equal(entry->item->seq, *next);
	return ++*next == 4 ? VST_ECANCELLED : 0;
}

static void reader_lists_in_order_and_stops_when_told(void **state)
{
	struct forge *f = small();
	struct vst_exhibit *exhibit;
	uint64_t next = 0;

	(void)state;
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(vst_exhibit_list(exhibit, count_in_order, &next, NULL), VST_ECANCELLED);
	assert_int_equal(next, 4);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_opens_an_exhibit_without_items_or_checksums(void **state)
{
	struct forge *f = forge_new();
	struct vst_exhibit *exhibit;
	struct vst_exhibit_entry entry = {0};
	uint64_t next = 0;

	(void)state;
	f->no_checksums = true;
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(vst_exhibit_list(exhibit, count_in_order, &next, NULL), 0);
	assert_int_equal(find(exhibit, "src", "/x", &entry), VST_ENOTFOUND);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_gives_content_of_files_streams_and_links(void **state)
{
	struct forge *f = small();
	struct vst_item item = forge_describe(VST_ITEM_STREAM, "/proc/cpuinfo", 0444);
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit *exhibit;
	char *large = malloc(100000);

	(void)state;
	memset(large, 's', 100000);
	item.parts = 3;
	forge_item(f, &item, large, 100000, NULL);
	item = forge_describe(VST_ITEM_FILE, "/etc/passwd-", 0640);
	item.is_hardlink = true;
	memcpy(item.hardlink, f->items[1].leaf, VST_HASH_LEN);
	forge_item(f, &item, NULL, 0, "items/src/etc/passwd");
	forge_file(f, "/empty", "");
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(content(exhibit, "/etc/passwd", true, &out), 0);
	assert_string_equal(vst_buf_cstr(&out), "root:x:0:0::/:/bin/sh\n");
	vst_buf_clear(&out);
	assert_int_equal(content(exhibit, "/etc/passwd-", true, &out), 0);
	assert_string_equal(vst_buf_cstr(&out), "root:x:0:0::/:/bin/sh\n");
	vst_buf_clear(&out);
	assert_int_equal(content(exhibit, "/proc/cpuinfo", true, &out), 0);
	assert_int_equal(out.len, 100000);
	assert_memory_equal(out.data, large, 100000);
	vst_buf_clear(&out);
	assert_int_equal(content(exhibit, "/empty", true, &out), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(content(exhibit, "/etc", true, &out), VST_ENOTFOUND);
	assert_int_equal(content(exhibit, "/etc/shadow", true, &out), VST_ENOTFOUND);
	vst_buf_free(&out);
	free(large);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_gives_sparse_files_with_and_without_holes(void **state)
{
	static const struct vst_item_extent extents[] = {{4096, 4096}, {65536, 100}};
	struct forge *f = small();
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/sparse", 0640);
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit *exhibit;
	uint8_t *data = calloc(1, 100000);

	(void)state;
	memset(data + 4096, 'a', 4096);
	memset(data + 65536, 'b', 100);
	item.is_sparse = true;
	item.extents = extents;
	item.extent_count = 2;
	item.has_whole_sha256 = true;
	vst_sha256(data, 100000, item.whole_sha256);
	forge_item(f, &item, data, 100000, NULL);
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(content(exhibit, "/sparse", true, &out), 0);
	assert_int_equal(out.len, 100000);
	assert_int_equal(out.data[4096], 'a');
	assert_int_equal(out.data[65536 + 99], 'b');
	assert_int_equal(out.data[65536 + 100], 0);
	vst_buf_clear(&out);
	assert_int_equal(content(exhibit, "/sparse", false, &out), 0);
	assert_int_equal(out.len, 4196);
	vst_buf_free(&out);
	free(data);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

/* Bytes that do not compress, so that what is decrypted can be told from what is not. */
static uint8_t *noise(size_t len)
{
	uint8_t *data = malloc(len);
	uint64_t x = 88172645463325252;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (uint8_t)x;
	}
	return data;
}

static void reader_reads_a_large_item_ahead(void **state)
{
	const size_t len = 40 * 1024 * 1024 + 17;
	struct forge *f = forge_new();
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/large", 0640);
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit *exhibit;
	uint8_t *data = noise(len);

	(void)state;
	f->frame = 1000000;
	forge_item(f, &item, data, len, NULL);
	forge_file(f, "/small", "after it");
	forge_seal(f);
	exhibit = forge_open(f);
	for (int i = 0; i < 2; i++) {
		vst_buf_clear(&out);
		assert_int_equal(content(exhibit, "/large", true, &out), 0);
		assert_int_equal(out.len, len);
		assert_memory_equal(out.data, data, len);
		vst_buf_clear(&out);
		assert_int_equal(content(exhibit, "/small", true, &out), 0);
		assert_string_equal(vst_buf_cstr(&out), "after it");
	}
	vst_buf_free(&out);
	free(data);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_decrypts_only_what_an_item_needs(void **state)
{
	const size_t len = 20 * 1024 * 1024;
	struct forge *f = forge_new();
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/large", 0640);
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit *exhibit;
	uint8_t *data = noise(len);
	uint64_t read = 0, total = 0;

	(void)state;
	f->frame = 256 * 1024;
	forge_item(f, &item, data, len, NULL);
	forge_file(f, "/small", "needle");
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(content(exhibit, "/small", true, &out), 0);
	vst_exhibit_coverage(exhibit, &read, &total);
	assert_int_equal(total, f->file.len);
	assert_true(read > 0);
	assert_true(read < 600 * 1024);
	assert_int_equal(content(exhibit, "/large", true, &out), 0);
	vst_exhibit_coverage(exhibit, &read, &total);
	assert_int_equal(read, total);
	vst_buf_free(&out);
	free(data);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

/* ---- what must not be taken for good ---- */

static void reader_refuses_another_identity(void **state)
{
	struct forge *f = small(), *other = forge_new();
	struct vst_exhibit *exhibit = NULL;

	(void)state;
	forge_seal(f);
	assert_int_equal(
	        vst_exhibit_open(&exhibit, &f->input, &other->identities, &f->expect, NULL), VST_EKEY);
	forge_free(other);
	forge_free(f);
}

static void reader_refuses_another_root_than_the_seal(void **state)
{
	struct forge *f = small();

	(void)state;
	forge_seal(f);
	f->expect.root[31] ^= 1;
	assert_int_equal(open_code(f), VST_ETAMPERED);
	f->expect.root[31] ^= 1;
	f->expect.items++;
	assert_int_equal(open_code(f), VST_ETAMPERED);
	forge_free(f);
}

static void reader_refuses_every_cut(void **state)
{
	struct forge *f = small();
	struct vst_err err = VST_ERR_INIT;
	struct vst_exhibit *exhibit = NULL;

	(void)state;
	forge_seal(f);
	for (size_t cut = 1; cut <= f->file.len; cut += cut < 200 ? 1 : 97) {
		f->input = vst_input_memory(f->file.data, f->file.len - cut);
		int rc = vst_exhibit_open(&exhibit, &f->input, &f->identities, &f->expect, &err);

		assert_true(rc == VST_EFORMAT || rc == VST_EAUTH);
		assert_string_not_equal(err.hint, "");
		vst_err_clear(&err);
	}
	forge_free(f);
}

static void reader_refuses_a_tar_without_trailer(void **state)
{
	struct forge *f = small();

	(void)state;
	f->no_trailer = true;
	forge_seal(f);
	assert_int_equal(open_code(f), VST_EFORMAT);
	forge_free(f);
}

static void reader_refuses_a_later_version(void **state)
{
	struct forge *f = small();

	(void)state;
	f->trailer_version = 2;
	forge_seal(f);
	assert_int_equal(open_code(f), VST_EVERSION);
	forge_free(f);
}

static void reader_refuses_leaves_that_do_not_give_the_root(void **state)
{
	struct forge *f = small();
	struct vst_exhibit *exhibit;
	struct vst_exhibit_entry entry = {0};
	uint64_t next = 0;

	(void)state;
	f->wrong_leaf = 4; /* not the item that is asked for */
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(find(exhibit, "src", "/etc/passwd", &entry), VST_ETAMPERED);
	assert_int_equal(vst_exhibit_list(exhibit, count_in_order, &next, NULL), VST_ETAMPERED);
	assert_int_equal(next, 0);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_refuses_a_line_that_is_not_in_the_tree(void **state)
{
	struct forge *f = small();
	struct vst_exhibit *exhibit;
	struct vst_exhibit_entry entry = {0};

	(void)state;
	f->wrong_line = 1;
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(find(exhibit, "src", "/etc/passwd", &entry), VST_ETAMPERED);
	assert_int_equal(find(exhibit, "src", "/etc", &entry), 0);
	vst_exhibit_entry_free(&entry);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_refuses_an_index_out_of_order(void **state)
{
	struct forge *f = small();
	struct vst_exhibit *exhibit;
	uint64_t next = 0;

	(void)state;
	f->index_unsorted = true;
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(vst_exhibit_list(exhibit, count_in_order, &next, NULL), VST_ETAMPERED);
	assert_int_equal(next, 0);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_refuses_an_index_with_another_digest(void **state)
{
	struct forge *f = small();
	struct vst_exhibit *exhibit;
	uint64_t next = 0;

	(void)state;
	f->wrong_index_digest = true;
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(vst_exhibit_list(exhibit, count_in_order, &next, NULL), VST_ETAMPERED);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_refuses_an_index_that_points_to_another_item(void **state)
{
	struct forge *f = small();
	struct vst_exhibit *exhibit;
	struct vst_exhibit_entry entry = {0};

	(void)state;
	forge_file(f, "/etc/other", "root:x:0:0::/:/bin/sh\n");
	memcpy(f->items[6].path, f->items[1].path, VST_HASH_LEN);
	f->items[1].path[0] ^= 0x80;
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(find(exhibit, "src", "/etc/passwd", &entry), VST_ETAMPERED);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_refuses_wrong_content(void **state)
{
	struct forge *f = small();
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/x", 0640);
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit *exhibit;
	uint64_t offset;

	(void)state;
	/* The line of one content, the entry of another of the same size. */
	item.has_content = true;
	item.size = 4;
	item.hashes = VST_HASH_SHA256;
	offset = forge_put(f, forge_entry(f, &item, "items/src/x", NULL), "evil", 4);
	forge_hash(&item, (const uint8_t *)"good", 4);
	forge_line(f, &item, offset);
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(content(exhibit, "/x", true, &out), VST_ETAMPERED);
	vst_buf_free(&out);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void bend_mode(struct archive_entry *entry)
{
	archive_entry_set_perm(entry, 04755);
}

static void bend_owner(struct archive_entry *entry)
{
	archive_entry_set_uid(entry, 1);
}

static void bend_user(struct archive_entry *entry)
{
	archive_entry_set_uname(entry, "root");
}

static void bend_mtime(struct archive_entry *entry)
{
	archive_entry_set_mtime(entry, 1700000000, 123456788);
}

static void bend_type(struct archive_entry *entry)
{
	archive_entry_set_filetype(entry, AE_IFLNK);
	archive_entry_set_symlink(entry, "/etc/shadow");
	archive_entry_set_size(entry, 0);
}

static void bend_hardlink(struct archive_entry *entry)
{
	archive_entry_set_hardlink(entry, "items/src/etc/passwd");
	archive_entry_set_size(entry, 0);
}

static void bend_xattr(struct archive_entry *entry)
{
	archive_entry_xattr_add_entry(entry, "security.capability", "x", 1);
}

static void bend_acl(struct archive_entry *entry)
{
	forge_entry_acl(entry, "user::rw-,user:1000:rw-,group::r--,mask::rw-,other::---",
	        ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
}

static void bend_flags(struct archive_entry *entry)
{
	archive_entry_set_fflags(entry, 0x10, 0);
}

static void bend_atime(struct archive_entry *entry)
{
	archive_entry_set_atime(entry, 7, 0);
}

static void reader_refuses_an_entry_that_disagrees_with_its_line(void **state)
{
	static void (*const bends[])(struct archive_entry *) = {bend_mode, bend_owner, bend_user, bend_mtime,
	        bend_type, bend_hardlink, bend_xattr, bend_acl, bend_flags, bend_atime};

	(void)state;
	for (size_t i = 0; i < sizeof bends / sizeof *bends; i++) {
		struct forge *f = small();
		struct vst_buf out = VST_BUF_INIT;
		struct vst_exhibit *exhibit;

		f->bend = bends[i];
		forge_file(f, "/x", "");
		f->name = "items/src/z";
		forge_file(f, "/y", "other name");
		forge_seal(f);
		exhibit = forge_open(f);
		assert_int_equal(content(exhibit, "/x", true, &out), VST_ETAMPERED);
		assert_int_equal(content(exhibit, "/y", true, &out), VST_ETAMPERED);
		assert_int_equal(out.len, 0);
		vst_buf_free(&out);
		vst_exhibit_free(exhibit);
		forge_free(f);
	}
}

static void reader_accepts_metadata_that_agrees(void **state)
{
	static const struct vst_item_xattr xattrs[] = {
	        {"user.a=b", "v=w", 3}, {"user.\xff", "a\0b\n", 4}, {"user.plain", "", 0}};
	struct vst_item_xattr sorted[3] = {xattrs[0], xattrs[2], xattrs[1]};
	struct forge *f = small();
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/\xff\xc3\xa4 \n", 06750);
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit *exhibit;

	(void)state;
	item.uid = UINT64_C(3000000000);
	item.gid = 7;
	item.user = "m\xc3\xbcller";
	item.acl = "user::rwx,user:1000:r--,group::---,mask::r-x,other::---";
	item.xattrs = sorted;
	item.xattr_count = 3;
	item.flags = "iae";
	item.mtime = INT64_C(5000000001);
	forge_item(f, &item, "x", 1, NULL);
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(content(exhibit, item.path, true, &out), 0);
	vst_buf_free(&out);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

static void reader_refuses_hard_links_to_nothing_and_to_links(void **state)
{
	struct forge *f = small();
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/one", 0640);
	struct vst_buf out = VST_BUF_INIT;
	struct vst_exhibit *exhibit;

	(void)state;
	item.is_hardlink = true;
	memset(item.hardlink, 7, VST_HASH_LEN);
	forge_item(f, &item, NULL, 0, "items/src/etc/passwd");
	item = forge_describe(VST_ITEM_FILE, "/two", 0640);
	item.is_hardlink = true;
	memcpy(item.hardlink, f->items[6].leaf, VST_HASH_LEN);
	forge_item(f, &item, NULL, 0, "items/src/one");
	item = forge_describe(VST_ITEM_FILE, "/three", 0640);
	item.is_hardlink = true;
	memcpy(item.hardlink, f->items[1].leaf, VST_HASH_LEN);
	forge_item(f, &item, NULL, 0, "items/src/elsewhere");
	forge_seal(f);
	exhibit = forge_open(f);
	assert_int_equal(content(exhibit, "/one", true, &out), VST_ETAMPERED);
	assert_int_equal(content(exhibit, "/two", true, &out), VST_ETAMPERED);
	assert_int_equal(content(exhibit, "/three", true, &out), VST_ETAMPERED);
	vst_buf_free(&out);
	vst_exhibit_free(exhibit);
	forge_free(f);
}

/* Nothing that any flipped byte does may give the wrong bytes of an item. */
static void reader_never_gives_wrong_content_of_a_damaged_file(void **state)
{
	struct forge *f = small();
	unsigned good = 0, bad = 0;

	(void)state;
	forge_seal(f);
	for (size_t at = 0; at < f->file.len; at += at < 400 ? 1 : 5) {
		struct vst_exhibit *exhibit = NULL;
		struct vst_buf out = VST_BUF_INIT;

		f->file.data[at] ^= 0x10;
		if (vst_exhibit_open(&exhibit, &f->input, &f->identities, &f->expect, NULL) != 0 ||
		        content(exhibit, "/etc/passwd", true, &out) != 0) {
			bad++;
		} else {
			assert_string_equal(vst_buf_cstr(&out), "root:x:0:0::/:/bin/sh\n");
			good++;
		}
		vst_buf_free(&out);
		vst_exhibit_free(exhibit);
		f->file.data[at] ^= 0x10;
	}
	assert_int_equal(good, 0); /* one chunk: every byte of it counts */
	assert_true(bad > 100);
	forge_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reader_finds_each_item_by_its_place),
	        cmocka_unit_test(reader_finds_every_one_of_many),
	        cmocka_unit_test(reader_finds_a_path_in_whichever_source),
	        cmocka_unit_test(reader_lists_in_order_and_stops_when_told),
	        cmocka_unit_test(reader_opens_an_exhibit_without_items_or_checksums),
	        cmocka_unit_test(reader_gives_content_of_files_streams_and_links),
	        cmocka_unit_test(reader_gives_sparse_files_with_and_without_holes),
	        cmocka_unit_test(reader_reads_a_large_item_ahead),
	        cmocka_unit_test(reader_decrypts_only_what_an_item_needs),
	        cmocka_unit_test(reader_refuses_another_identity),
	        cmocka_unit_test(reader_refuses_another_root_than_the_seal),
	        cmocka_unit_test(reader_refuses_every_cut),
	        cmocka_unit_test(reader_refuses_a_tar_without_trailer),
	        cmocka_unit_test(reader_refuses_a_later_version),
	        cmocka_unit_test(reader_refuses_leaves_that_do_not_give_the_root),
	        cmocka_unit_test(reader_refuses_a_line_that_is_not_in_the_tree),
	        cmocka_unit_test(reader_refuses_an_index_out_of_order),
	        cmocka_unit_test(reader_refuses_an_index_with_another_digest),
	        cmocka_unit_test(reader_refuses_an_index_that_points_to_another_item),
	        cmocka_unit_test(reader_refuses_wrong_content),
	        cmocka_unit_test(reader_refuses_an_entry_that_disagrees_with_its_line),
	        cmocka_unit_test(reader_accepts_metadata_that_agrees),
	        cmocka_unit_test(reader_refuses_hard_links_to_nothing_and_to_links),
	        cmocka_unit_test(reader_never_gives_wrong_content_of_a_damaged_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
