#include "exhibit/sealing.h"

#include "vestige/merkle.h"

/* ---- round trips by stock tools ---- */

static void writer_gives_a_tar_that_stock_tools_restore(void **state)
{
	(void)state;
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	struct vst_item item = plain_item(VST_ITEM_DIRECTORY, "/etc");
	item.mode = 01750;
	item.uid = 1234;
	item.gid = 4321;
	item.user = "u\xff";
	item.group = "staff";
	put_item(&s, &item, NULL);
	put_file(&s, "/etc/passwd", "root:x:0:0\n");
	item = plain_item(VST_ITEM_SYMLINK, "/etc/link");
	item.target = "../passwd\xff";
	put_item(&s, &item, NULL);
	item = plain_item(VST_ITEM_FILE, "/etc/hard");
	put_item(&s, &item, "/etc/passwd");
	item = plain_item(VST_ITEM_FIFO, "/etc/fifo");
	put_item(&s, &item, NULL);
	item = plain_item(VST_ITEM_CHAR_DEVICE, "/etc/null");
	item.rdev_major = 1;
	item.rdev_minor = 3;
	put_item(&s, &item, NULL);
	item = plain_item(VST_ITEM_SOCKET, "/etc/socket");
	put_item(&s, &item, NULL);
	put_file(&s, "/--leading", "dash\n");
	put_file(&s, "/new\nline", "newline\n");
	put_file(&s, "/bytes\xff\xfe", "bytes\n");
	put_file(&s, "/\xc3\xa9\xf0\x9f\x98\x80", "utf-8\n");
	put_file(&s, "/empty", "");
	sealing_finish(&s);
	shell(&s, "tar --numeric-owner --delay-directory-restore -C x -xpf tar");
	shell(&s, "cd x/items/src; test \"$(cat etc/passwd)\" = root:x:0:0; test etc/passwd -ef etc/hard");
	shell(&s, "cd x/items/src; test \"$(stat -c '%%a %%u %%g' etc)\" = '1750 1234 4321'");
	shell(&s, "cd x/items/src; test \"$(readlink etc/link)\" = \"$(printf '../passwd\\377')\"; test -p "
	          "etc/fifo");
	shell(&s,
	        "cd x/items/src; test \"$(stat -c '%%F %%t %%T' etc/null)\" = 'character special file 1 3'");
	shell(&s,
	        "cd x/items/src; test ! -e etc/socket; test \"$(cat ./--leading)\" = dash; test ! -s empty");
	shell(&s, "cd x/items/src; test \"$(cat \"$(printf 'new\\nline')\")\" = newline");
	shell(&s, "cd x/items/src; test \"$(cat \"$(printf 'bytes\\377\\376')\")\" = bytes");
	shell(&s, "cd x/items/src; test \"$(cat \"$(printf '\\303\\251\\360\\237\\230\\200')\")\" = utf-8");
	shell(&s, "test \"$(stat -c %%.9Y x/items/src/etc/passwd)\" = 1700000000.123456789");
	shell(&s, "LC_ALL=C tar -tvf tar | LC_ALL=C grep -aF \"$(printf 'u\\377/staff')\" >/dev/null");
	sealing_close(&s);
}

static void writer_keeps_times_before_1970_as_posix_reads_them(void **state)
{
	(void)state;
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	static const struct {
		const char *path;
		int64_t mtime;
	} cases[] = {{"/a", -1500000000}, {"/b", -1000000001}, {"/c", -2000000000}, {"/d", -1},
	        {"/e", INT64_MAX}, {"/f", INT64_MIN + 1}};
	for (size_t i = 0; i < 6; i++) {
		struct vst_item item = plain_item(VST_ITEM_FILE, cases[i].path);
		item.mtime = cases[i].mtime;
		put_content(&s, &item, "", 0);
	}
	sealing_finish(&s);
	shell(&s, "tar -C x -xf tar");
	shell(&s, "cd x/items/src; test \"$(stat -c %%y a | cut -d. -f1)\" = \"$(date -d @-2 '+%%F %%T')\"");
	shell(&s, "cd x/items/src; test \"$(stat -c %%y a | cut -d. -f2 | cut -c1-9)\" = 500000000");
	shell(&s, "cd x/items/src; test \"$(stat -c %%y b | cut -d. -f2 | cut -c1-9)\" = 999999999");
	shell(&s, "cd x/items/src; test \"$(stat -c %%Y c d | tr '\\n' ' ')\" = '-2 -1 '");
	shell(&s, "tar --full-time -tvf tar | grep -F '2262-04-11 ' >/dev/null");
	shell(&s, "tar --full-time -tvf tar | grep -F '1677-09-21 ' >/dev/null");
	sealing_close(&s);
}

static void writer_carries_acls_and_xattrs_to_stock_tar(void **state)
{
	(void)state;
	static const struct vst_item_xattr xattrs[] = {
	        {"user.note", "a\0b\n", 4}, {"user.with=sign%", "v", 1}};
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	struct vst_item item = plain_item(VST_ITEM_FILE, "/f");
	item.mode = 0670;
	item.acl = "user::rw-,user:54321:r--,group::r--,group:54322:rwx,mask::rwx,other::---";
	item.xattrs = xattrs;
	item.xattr_count = 2;
	item.flags = "de";
	put_content(&s, &item, "", 0);
	item = plain_item(VST_ITEM_DIRECTORY, "/d");
	item.default_acl = "user::rwx,user:54321:rwx,group::---,mask::rwx,other::---";
	put_item(&s, &item, NULL);
	item = plain_item(VST_ITEM_FILE, "/extents");
	item.flags = "e";
	put_content(&s, &item, "", 0);
	sealing_finish(&s);
	shell(&s, "tar --acls --xattrs --xattrs-include='*' -C x -xpf tar");
	shell(&s, "test \"$(getfacl -cnE x/items/src/f | tr '\\n' ,)\" = "
	          "user::rw-,user:54321:r--,group::r--,group:54322:rwx,mask::rwx,other::---,,");
	shell(&s, "test \"$(getfacl -cnEd x/items/src/d | tr '\\n' ,)\" = "
	          "user::rwx,user:54321:rwx,group::---,mask::rwx,other::---,,");
	shell(&s, "test \"$(getfattr --only-values -n user.note x/items/src/f | od -An -tx1)\" = ' 61 00 62 "
	          "0a'");
	shell(&s, "test \"$(getfattr --only-values -n 'user.with=sign%%' x/items/src/f)\" = v");
	shell(&s, "test \"$(stat -c %%a x/items/src/f)\" = 670");
	shell(&s, "test $(grep -ac SCHILY.fflags tar) = 1; grep -aF SCHILY.fflags=nodump tar >/dev/null");
	sealing_close(&s);
}

static void writer_keeps_holes(void **state)
{
	(void)state;
	static const struct vst_item_extent extents[] = {{4096, 4096}, {UINT64_C(1) << 29, 3}};
	static const struct vst_item_extent far[] = {{(UINT64_C(1) << 40) - 4096, 4096}};
	struct sealing s;
	char data[4099];
	memset(data, 'x', sizeof data);
	sealing_open(&s);
	sealing_start(&s, 0);
	struct vst_item item = plain_item(VST_ITEM_FILE, "/sparse");
	item.size = (UINT64_C(1) << 29) + 100;
	item.is_sparse = true;
	item.extents = extents;
	item.extent_count = 2;
	put_content(&s, &item, data, sizeof data);
	assert_true(item.has_whole_sha256);
	shell(&s,
	        "head -c 4096 /dev/zero | tr '\\0' x > a; printf xxx > b; truncate -s %llu w; "
	        "dd status=none conv=notrunc bs=4096 seek=1 if=a of=w; dd status=none conv=notrunc bs=4096 "
	        "seek=%llu "
	        "if=b of=w",
	        (unsigned long long)item.size, (unsigned long long)(extents[1].offset / 4096));
	struct vst_buf digest = VST_BUF_INIT;
	shell(&s, "sha256sum < w | head -c 64 > digest; (cat a b) | sha256sum | head -c 64 >> digest");
	read_back(&s, "digest", &digest);
	uint8_t want[2 * VST_HASH_LEN];
	for (size_t i = 0; i < sizeof want; i++)
		assert_int_equal(sscanf((const char *)digest.data + 2 * i, "%2hhx", &want[i]), 1);
	assert_memory_equal(item.whole_sha256, want, VST_HASH_LEN);
	assert_memory_equal(item.sha256, want + VST_HASH_LEN, VST_HASH_LEN);
	vst_buf_free(&digest);

	struct vst_item huge = plain_item(VST_ITEM_FILE, "/tebibyte");
	huge.size = UINT64_C(1) << 40;
	huge.is_sparse = true;
	huge.extents = far;
	huge.extent_count = 1;
	put_content(&s, &huge, data, 4096);
	assert_false(huge.has_whole_sha256);
	struct vst_item hole = plain_item(VST_ITEM_FILE, "/hole");
	hole.size = 1000000;
	hole.is_sparse = true;
	put_content(&s, &hole, NULL, 0);
	static const struct vst_item_extent all[] = {{0, 3}};
	struct vst_item full = plain_item(VST_ITEM_FILE, "/full");
	full.size = 3;
	full.is_sparse = true;
	full.extents = all;
	full.extent_count = 1;
	put_content(&s, &full, "abc", 3);
	assert_false(full.is_sparse);
	sealing_finish(&s);
	assert_true(s.summary.tar_bytes < 200000);
	shell(&s, "tar -C x -xf tar; cmp w x/items/src/sparse; cd x/items/src; test $(du -k sparse | cut "
	          "-f1) -lt 100");
	shell(&s, "cd x/items/src; test $(stat -c %%s hole) = 1000000; test $(du -k hole | cut -f1) -lt 100");
	shell(&s, "cd x/items/src; test $(stat -c %%s tebibyte) = 1099511627776; tail -c 4096 tebibyte | cmp "
	          "- ../../../a");
	sealing_close(&s);
}

static void writer_carries_paths_of_any_length(void **state)
{
	(void)state;
	struct sealing s;
	struct vst_buf path = VST_BUF_INIT;
	sealing_open(&s);
	sealing_start(&s, 0);
	for (int i = 0; i < 20; i++)
		vst_buf_printf(&path, "/%0200d", i);
	put_file(&s, vst_buf_cstr(&path), "4,020 bytes");
	vst_buf_printf(&path, "/%076d", 7);
	assert_int_equal(path.len, 4097);
	put_file(&s, vst_buf_cstr(&path), "too long for a path");
	struct vst_item hard = plain_item(VST_ITEM_FILE, "/short");
	put_item(&s, &hard, vst_buf_cstr(&path));
	sealing_finish(&s);
	/* Relative names below 4,096 bytes that no absolute path reaches any more: tar is asked for the
	 * content. */
	shell(&s, "test \"$(tar -xOf tar items/long/2)\" = 'too long for a path'");
	shell(&s, "tar -C x -xf tar; test x/items/long/2 -ef x/items/src/short");
	shell(&s, "tar -tf tar | awk '{ if (length > n) n = length } END { exit n != 4029 }'");
	vst_buf_free(&path);
	sealing_close(&s);
}

static void writer_cuts_streams_into_parts(void **state)
{
	(void)state;
	struct sealing s;
	size_t len = VST_PART_MAX + 5;
	char *data = malloc(len);
	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 31 >> 3);
	sealing_open(&s);
	sealing_start(&s, VST_HASH_MD5);
	struct vst_item item = plain_item(VST_ITEM_STREAM, "/journal");
	put_content(&s, &item, data, len);
	assert_int_equal(item.parts, 2);
	assert_int_equal(item.size, len);
	assert_int_equal(item.hashes, VST_HASH_SHA256 | VST_HASH_MD5);
	struct vst_item exact = plain_item(VST_ITEM_STREAM, "/exact");
	put_content(&s, &exact, data, VST_PART_MAX);
	assert_int_equal(exact.parts, 1);
	struct vst_item empty = plain_item(VST_ITEM_STREAM, "/proc/1/maps");
	put_content(&s, &empty, NULL, 0);
	assert_int_equal(empty.parts, 1);
	assert_int_equal(empty.size, 0);
	sealing_finish(&s);
	struct vst_buf back = VST_BUF_INIT;
	shell(&s, "tar -C x -xf tar; cat x/items/src/journal/part-00000[12] > back; test ! -s "
	          "x/items/src/proc/1/maps/*");
	read_back(&s, "back", &back);
	assert_int_equal(back.len, len);
	assert_memory_equal(back.data, data, len);
	vst_buf_free(&back);
	free(data);
	sealing_close(&s);
}

/* ---- content that is not what was announced ---- */

static void writer_fills_up_what_falls_short(void **state)
{
	(void)state;
	struct sealing s;
	uint8_t want[VST_HASH_LEN];
	char full[100000] = "short";
	sealing_open(&s);
	sealing_start(&s, 0);
	struct vst_item item = plain_item(VST_ITEM_FILE, "/shrunk");
	item.size = sizeof full;
	assert_int_equal(vst_exhibit_writer_begin(s.writer, &item, &s.err), 0);
	assert_int_equal(vst_exhibit_writer_data(s.writer, full, 5, &s.err), 0);
	item.status = VST_ITEM_CHANGED;
	item.has_read = true;
	item.read_expected = sizeof full;
	item.read_got = 5;
	assert_int_equal(vst_exhibit_writer_end(s.writer, &item, NULL, &s.err), 0);
	assert_int_equal(item.read_padding, sizeof full - 5);
	vst_sha256(full, sizeof full, want);
	assert_memory_equal(item.sha256, want, sizeof want);
	put_file(&s, "/next", "intact");
	sealing_finish(&s);
	shell(&s, "tar -C x -xf tar; cd x/items/src; test $(stat -c %%s shrunk) = 100000; test \"$(cat "
	          "next)\" = intact");
	sealing_close(&s);
}

static void writer_refuses_more_than_was_announced(void **state)
{
	(void)state;
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	struct vst_item item = plain_item(VST_ITEM_FILE, "/grown");
	item.size = 3;
	assert_int_equal(vst_exhibit_writer_begin(s.writer, &item, &s.err), 0);
	assert_int_equal(vst_exhibit_writer_data(s.writer, "abcd", 4, &s.err), VST_EUSAGE);
	/* After a failure nothing more: not even what would be right. */
	assert_int_equal(vst_exhibit_writer_end(s.writer, &item, NULL, &s.err), VST_EUSAGE);
	assert_int_equal(vst_exhibit_writer_finish(s.writer, &s.summary, &s.err), VST_EUSAGE);
	sealing_close(&s);
}

static void writer_takes_a_path_once_in_a_source(void **state)
{
	(void)state;
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	put_file(&s, "/a", "1");
	assert_true(vst_exhibit_writer_has(s.writer, "/a"));
	assert_false(vst_exhibit_writer_has(s.writer, "/b"));
	struct vst_item item = plain_item(VST_ITEM_FILE, "/a");
	assert_int_equal(vst_exhibit_writer_begin(s.writer, &item, &s.err), VST_EEXIST);
	item = plain_item(VST_ITEM_DIRECTORY, "/a");
	assert_int_equal(vst_exhibit_writer_item(s.writer, &item, NULL, NULL, NULL, &s.err), VST_EEXIST);
	assert_int_equal(vst_exhibit_writer_source(s.writer, "src", &s.err), VST_EEXIST);
	assert_int_equal(vst_exhibit_writer_source(s.writer, "long", &s.err), VST_EUSAGE);
	assert_int_equal(vst_exhibit_writer_source(s.writer, "exhibit", &s.err), VST_EUSAGE);
	assert_int_equal(vst_exhibit_writer_source(s.writer, "other", &s.err), 0);
	assert_false(vst_exhibit_writer_has(s.writer, "/a"));
	put_file(&s, "/a", "2");
	sealing_finish(&s);
	assert_int_equal(s.summary.items, 4);
	sealing_close(&s);
}

static void writer_refuses_a_link_to_what_is_not_there(void **state)
{
	(void)state;
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	struct vst_item item = plain_item(VST_ITEM_FILE, "/gone");
	item.status = VST_ITEM_VANISHED;
	put_item(&s, &item, NULL);
	item = plain_item(VST_ITEM_FILE, "/hard");
	assert_int_equal(
	        vst_exhibit_writer_item(s.writer, &item, NULL, "/gone", NULL, &s.err), VST_ENOTFOUND);
	assert_int_equal(
	        vst_exhibit_writer_item(s.writer, &item, NULL, "/never", NULL, &s.err), VST_ENOTFOUND);
	assert_int_equal(vst_exhibit_writer_item(s.writer, &item, NULL, NULL, NULL, &s.err), VST_EUSAGE);
	sealing_finish(&s);
	sealing_close(&s);
}

/* ---- incremental ---- */

static const struct vst_item_stored earlier = {1, 4, 5};

static struct vst_item tail_of(const char *path, const char *bytes)
{
	struct vst_item item = plain_item(VST_ITEM_FILE, path);
	item.status = VST_ITEM_TAIL;
	item.size = strlen(bytes);
	item.has_whole = true;
	item.whole.stored = &earlier;
	item.whole.stored_count = 1;
	return item;
}

static void put_tail(struct sealing *s, const char *path, const char *bytes, bool is_long)
{
	struct vst_item item = tail_of(path, bytes);
	assert_int_equal(vst_exhibit_writer_begin(s->writer, &item, &s->err), 0);
	assert_int_equal(vst_exhibit_writer_data(s->writer, bytes, strlen(bytes), &s->err), 0);
	item.whole.hashes = VST_HASH_SHA256;
	if (vst_exhibit_writer_end(s->writer, &item, NULL, &s->err) != 0)
		fail_msg("%s", s->err.text);
	assert_int_equal(item.whole.size, 5 + strlen(bytes));
	assert_int_equal(item.long_entry, is_long);
}

static void put_unchanged(struct sealing *s, const char *path)
{
	struct vst_item item = plain_item(VST_ITEM_FILE, path);
	item.status = VST_ITEM_UNCHANGED;
	item.size = item.whole.size = 5;
	item.has_whole = true;
	item.whole.hashes = VST_HASH_SHA256;
	item.whole.stored = &earlier;
	item.whole.stored_count = 1;
	put_item(s, &item, NULL);
}

static void writer_leaves_out_what_earlier_exhibits_have(void **state)
{
	(void)state;
	const struct vst_exhibit_source_counts *counts;
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	put_unchanged(&s, "/same");
	put_tail(&s, "/log", "tail", false);
	struct vst_item item = plain_item(VST_ITEM_FILE, "/same-link");
	put_item(&s, &item, "/same");
	assert_int_equal(item.status, VST_ITEM_UNCHANGED);
	assert_true(item.is_hardlink);
	assert_false(vst_item_has_entry(&item));
	item = plain_item(VST_ITEM_FILE, "/log-link");
	item.status = VST_ITEM_CHANGED;
	put_item(&s, &item, "/log");
	assert_int_equal(item.status, VST_ITEM_UNCHANGED);
	put_file(&s, "/new", "new");
	item = plain_item(VST_ITEM_FILE, "/new-link");
	put_item(&s, &item, "/new");
	assert_int_equal(item.status, VST_ITEM_COLLECTED);
	assert_int_equal(vst_exhibit_writer_counts(s.writer, &counts), 2);
	assert_int_equal(counts[1].items[VST_ITEM_UNCHANGED], 3);
	assert_int_equal(counts[1].items[VST_ITEM_TAIL], 1);
	assert_int_equal(counts[1].bytes, 7);
	sealing_finish(&s);
	shell(&s, "tar -C x -xf tar; cd x/items/src; test \"$(ls | tr '\\n' ' ')\" = 'log@5 new new-link '");
	shell(&s, "cd x/items/src; test \"$(cat log@5)\" = tail; test new -ef new-link");
	sealing_close(&s);
}

static void writer_gives_another_name_to_who_comes_second(void **state)
{
	(void)state;
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	put_file(&s, "/a@5", "file");
	put_tail(&s, "/a", "tail of a", true);
	put_tail(&s, "/b", "tail of b", false);
	put_file(&s, "/b@5", "file b");
	struct vst_item item = plain_item(VST_ITEM_FILE, "/b@5-link");
	put_item(&s, &item, "/b@5");
	put_tail(&s, "/d", "tail of d", false);
	item = plain_item(VST_ITEM_DIRECTORY, "/d@5");
	put_item(&s, &item, NULL);
	assert_true(item.long_entry);
	/* Without an entry there is no clash. */
	put_unchanged(&s, "/e@5");
	put_tail(&s, "/e", "tail of e", false);
	put_tail(&s, "/f", "tail of f", false);
	put_unchanged(&s, "/f@5");
	/* The name is taken in its source only. */
	assert_int_equal(vst_exhibit_writer_source(s.writer, "other", &s.err), 0);
	put_file(&s, "/b@5", "another b");
	sealing_finish(&s);
	shell(&s, "tar -C x -xf tar; cd x/items; test \"$(cat src/a@5 src/b@5)\" = 'filetail of b'");
	shell(&s, "cd x/items; test \"$(cat long/2)\" = 'tail of a'; test -d long/7; test ! -d src/d@5");
	shell(&s, "cd x/items; test \"$(cat long/4)\" = 'file b'; test long/4 -ef src/b@5-link");
	shell(&s, "test \"$(cat x/items/other/b@5)\" = 'another b'");
	shell(&s, "test -z \"$(tar -tf tar | sort | uniq -d)\"");
	sealing_close(&s);
}

static void writer_refuses_tails_that_are_none(void **state)
{
	(void)state;
	static const struct vst_item_stored other = {1, 4, 6};
	struct sealing s;
	sealing_open(&s);
	sealing_start(&s, 0);
	struct vst_item item = tail_of("/a", "");
	assert_int_equal(vst_exhibit_writer_begin(s.writer, &item, &s.err), VST_EUSAGE);
	item = tail_of("/a", "b");
	item.whole.stored_count = 0;
	assert_int_equal(vst_exhibit_writer_begin(s.writer, &item, &s.err), VST_EUSAGE);
	item = tail_of("/a", "b");
	item.has_whole = false;
	assert_int_equal(vst_exhibit_writer_begin(s.writer, &item, &s.err), VST_EUSAGE);
	item = tail_of("/a", "b");
	assert_int_equal(vst_exhibit_writer_begin(s.writer, &item, &s.err), 0);
	assert_int_equal(vst_exhibit_writer_data(s.writer, "b", 1, &s.err), 0);
	item.whole.hashes = VST_HASH_SHA256;
	item.whole.stored = &other; /* its entry has another name by now */
	assert_int_equal(vst_exhibit_writer_end(s.writer, &item, NULL, &s.err), VST_EUSAGE);
	sealing_close(&s);
}

static void assert_last_line(struct sealing *s, const struct vst_item *item)
{
	const uint8_t *line;
	struct vst_item *parsed = NULL;
	size_t len;
	vst_exhibit_writer_line(s->writer, &line, &len);
	if (vst_item_parse(line, len, &parsed, &s->err) != 0)
		fail_msg("%s", s->err.text);
	assert_string_equal(parsed->path, item->path);
	assert_int_equal(parsed->seq, item->seq);
	assert_memory_equal(parsed->salt, item->salt, sizeof item->salt);
	vst_item_free(parsed);
}

static void writer_tells_the_line_of_the_last_item(void **state)
{
	(void)state;
	struct sealing s;
	const uint8_t *line;
	size_t len = 1;
	char path[16];
	sealing_open(&s);
	const struct vst_exhibit_writer_options options = {
	        .recipients = &s.recipients, .out = vst_output_buf(&s.out), .workers = 1};
	assert_int_equal(vst_exhibit_writer_new(&options, &s.writer, &s.err), 0);
	vst_exhibit_writer_line(s.writer, &line, &len);
	assert_int_equal(len, 0);
	assert_int_equal(vst_exhibit_writer_source(s.writer, "src", &s.err), 0);
	/* Over the ends of two segments. */
	for (unsigned i = 0; i < 2 * VST_SEGMENT_ITEMS + 2; i++) {
		snprintf(path, sizeof path, "/%u", i);
		struct vst_item item = plain_item(VST_ITEM_SOCKET, path);
		put_item(&s, &item, NULL);
		assert_last_line(&s, &item);
	}
	sealing_finish(&s);
	sealing_close(&s);
}

/* ---- layout ---- */

static uint64_t le(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;
	while (bytes-- > 0)
		value = value << 8 | from[bytes];
	return value;
}

/* Each index record: its line hashes to its leaf, its path to its digest, its entry begins with a tar header.
 */
static void check_record(const struct sealing *s, const uint8_t *record, const uint8_t *leaves)
{
	uint64_t seq = le(record + 32, 4), len = le(record + 36, 4), entry = le(record + 40, 8),
	         line = le(record + 48, 8);
	uint8_t leaf[VST_HASH_LEN], path[VST_HASH_LEN];
	struct vst_item *item = NULL;
	struct vst_err err = VST_ERR_INIT;
	assert_true(line + len < s->tar.len && s->tar.data[line + len] == '\n');
	vst_merkle_leaf(s->tar.data + line, len, leaf);
	assert_memory_equal(leaf, leaves + seq * VST_HASH_LEN, VST_HASH_LEN);
	if (vst_item_parse(s->tar.data + line, len, &item, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(item->seq, seq);
	vst_item_path_digest(item->source, item->path, path);
	assert_memory_equal(path, record, VST_HASH_LEN);
	assert_int_equal(entry == UINT64_MAX, !vst_item_has_entry(item));
	if (entry != UINT64_MAX) {
		assert_true(entry % 512 == 0 && entry + 512 <= s->tar.len);
		assert_memory_equal(s->tar.data + entry + 257, "ustar", 6);
	}
	vst_item_free(item);
}

static void writer_lays_index_and_trailer_where_they_are_said_to_be(void **state)
{
	(void)state;
	struct sealing s;
	uint8_t digest[VST_HASH_LEN];
	char path[32];
	sealing_open(&s);
	sealing_start(&s, 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof path, "/dir/%d", i);
		put_file(&s, path, path);
	}
	struct vst_item denied = plain_item(VST_ITEM_FILE, "/denied");
	denied.status = VST_ITEM_DENIED;
	denied.error = 13;
	put_item(&s, &denied, NULL);
	sealing_finish(&s);

	const uint8_t *trailer = s.tar.data + s.tar.len - 1024 - VST_TRAILER_LEN;
	uint64_t items = le(trailer + 24, 8), index = le(trailer + 32, 8), leaves = le(trailer + 40, 8);
	assert_memory_equal(trailer, VST_TRAILER_MAGIC, 16);
	assert_int_equal(le(trailer + 16, 4), 1);
	assert_int_equal(le(trailer + 20, 4), VST_INDEX_RECORD_LEN);
	assert_int_equal(items, 5003);
	assert_int_equal(items, s.summary.items);
	assert_int_equal(le(trailer + 48, 8), s.tar.len - 1024 - VST_TRAILER_LEN - 512);
	assert_int_equal(le(trailer + 56, 8), 2);
	assert_memory_equal(trailer + 64, s.summary.root, VST_HASH_LEN);
	vst_merkle_root_of(s.tar.data + leaves, items, digest);
	assert_memory_equal(digest, s.summary.root, VST_HASH_LEN);
	vst_sha256(s.tar.data + index, items * VST_INDEX_RECORD_LEN, digest);
	assert_memory_equal(digest, trailer + 96, VST_HASH_LEN);
	vst_sha256(trailer, 480, digest);
	assert_memory_equal(digest, trailer + 480, VST_HASH_LEN);
	for (uint64_t i = 0; i < items; i++) {
		const uint8_t *record = s.tar.data + index + i * VST_INDEX_RECORD_LEN;
		check_record(&s, record, s.tar.data + leaves);
		if (i > 0)
			assert_true(memcmp(record - VST_INDEX_RECORD_LEN, record, VST_HASH_LEN) < 0);
	}
	shell(&s,
	        "test \"$(tar -tf tar | head -1)\" = exhibit.json; tar -tf tar | tail -5 | tr '\\n' ' ' > t; "
	        "test \"$(cat t)\" = 'closing.json manifest/000002.jsonl index leaves trailer '");
	shell(&s, "tar -xOf tar manifest/000001.jsonl manifest/000002.jsonl > m; test $(wc -l < m) = 5003; "
	          "test $(jq -s 'map(.seq) == [range(5003)]' m) = true");
	sealing_close(&s);
}

static void writer_tells_the_digests_of_what_it_wrote(void **state)
{
	(void)state;
	struct sealing s;
	uint8_t digest[VST_HASH_LEN];
	uint64_t header = 0;
	sealing_open(&s);
	sealing_start(&s, 0);
	put_file(&s, "/a", "content");
	sealing_finish(&s);
	struct vst_input in = vst_input_memory(s.out.data, s.out.len);
	assert_int_equal(s.summary.file_bytes, s.out.len);
	vst_sha256(s.out.data, s.out.len, digest);
	assert_memory_equal(digest, s.summary.file_sha256, VST_HASH_LEN);
	assert_int_equal(vst_age_header_len(&in, &header, &s.err), 0);
	assert_int_equal(s.summary.payload_bytes, s.out.len - header);
	vst_sha256(s.out.data + header, s.out.len - header, digest);
	assert_memory_equal(digest, s.summary.payload_sha256, VST_HASH_LEN);
	sealing_close(&s);
}

static void writer_counts_by_source_and_status(void **state)
{
	(void)state;
	struct sealing s;
	const struct vst_exhibit_source_counts *counts = NULL;
	sealing_open(&s);
	sealing_start(&s, 0);
	put_file(&s, "/a", "12345");
	struct vst_item item = plain_item(VST_ITEM_UNKNOWN, "/absent");
	vst_item_init(&item);
	item.path = "/absent";
	item.status = VST_ITEM_ABSENT;
	put_item(&s, &item, NULL);
	assert_int_equal(vst_exhibit_writer_source(s.writer, "none", &s.err), 0);
	sealing_finish(&s);
	assert_int_equal(vst_exhibit_writer_counts(s.writer, &counts), 3);
	assert_string_equal(counts[0].name, "exhibit");
	assert_int_equal(counts[0].items[VST_ITEM_COLLECTED], 2);
	assert_string_equal(counts[1].name, "src");
	assert_int_equal(counts[1].items[VST_ITEM_COLLECTED], 1);
	assert_int_equal(counts[1].items[VST_ITEM_ABSENT], 1);
	assert_int_equal(counts[1].bytes, 5);
	assert_string_equal(counts[2].name, "none");
	sealing_close(&s);
}

/* ---- failures ---- */

static int write_until_full(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	size_t *left = ctx;
	(void)data;
	if (len > *left)
		return vst_err_sys(err, 28 /* ENOSPC */, "write");
	*left -= len;
	return 0;
}

static void writer_tells_when_the_output_fails_and_stays_failed(void **state)
{
	(void)state;
	struct sealing s;
	size_t left = 3000000;
	char *random = malloc(VST_FRAME_MAX);
	unsigned x = 1;
	int rc = 0;
	assert_non_null(random);
	for (size_t i = 0; i < VST_FRAME_MAX; i++)
		random[i] = (char)((x = x * 1103515245 + 12345) >> 16);
	sealing_open(&s);
	const struct vst_exhibit_writer_options options = {
	        .recipients = &s.recipients, .out = {&left, write_until_full}, .workers = 1};
	assert_int_equal(vst_exhibit_writer_new(&options, &s.writer, &s.err), 0);
	assert_int_equal(vst_exhibit_writer_source(s.writer, "src", &s.err), 0);
	struct vst_item item = plain_item(VST_ITEM_STREAM, "/endless");
	assert_int_equal(vst_exhibit_writer_begin(s.writer, &item, &s.err), 0);
	for (int i = 0; i < 64 && rc == 0; i++)
		rc = vst_exhibit_writer_data(s.writer, random, VST_FRAME_MAX, &s.err);
	assert_int_equal(rc, VST_EIO);
	assert_int_equal(s.err.sys, 28);
	assert_int_equal(vst_exhibit_writer_end(s.writer, &item, NULL, &s.err), VST_EUSAGE);
	free(random);
	sealing_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(writer_gives_a_tar_that_stock_tools_restore),
	        cmocka_unit_test(writer_keeps_times_before_1970_as_posix_reads_them),
	        cmocka_unit_test(writer_carries_acls_and_xattrs_to_stock_tar),
	        cmocka_unit_test(writer_keeps_holes),
	        cmocka_unit_test(writer_carries_paths_of_any_length),
	        cmocka_unit_test(writer_cuts_streams_into_parts),
	        cmocka_unit_test(writer_fills_up_what_falls_short),
	        cmocka_unit_test(writer_refuses_more_than_was_announced),
	        cmocka_unit_test(writer_takes_a_path_once_in_a_source),
	        cmocka_unit_test(writer_refuses_a_link_to_what_is_not_there),
	        cmocka_unit_test(writer_leaves_out_what_earlier_exhibits_have),
	        cmocka_unit_test(writer_gives_another_name_to_who_comes_second),
	        cmocka_unit_test(writer_refuses_tails_that_are_none),
	        cmocka_unit_test(writer_tells_the_line_of_the_last_item),
	        cmocka_unit_test(writer_lays_index_and_trailer_where_they_are_said_to_be),
	        cmocka_unit_test(writer_tells_the_digests_of_what_it_wrote),
	        cmocka_unit_test(writer_counts_by_source_and_status),
	        cmocka_unit_test(writer_tells_when_the_output_fails_and_stays_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
