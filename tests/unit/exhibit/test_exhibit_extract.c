#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "exhibit/extract_tree.h"
#include "exhibit/forge.h"
#include "vestige/exhibit_extract.h"

/* A directory to extract to, with one outside of it beside it. */
struct place {
	char path[64];
	int top, dir;
	unsigned out, nothing, failed;
	char problems[4096];
	struct forge *forge;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	strcpy(place->path, "/tmp/vestige-extract-XXXXXX");
	if (!mkdtemp(place->path))
		return -1;
	place->top = open(place->path, O_RDONLY | O_DIRECTORY);
	mkdirat(place->top, "in", 0700);
	mkdirat(place->top, "outside", 0700);
	place->dir = openat(place->top, "in", O_RDONLY | O_DIRECTORY);
	place->forge = forge_new();
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	char command[256];

	close(place->dir);
	close(place->top);
	snprintf(
	        command, sizeof command, "chattr -R -ia %s 2>/dev/null; rm -rf %s", place->path, place->path);
	forge_free(place->forge);
	free(place);
	return system(command) == 0 ? 0 : -1;
}

static int done(void *ctx, const struct vst_item *item, enum vst_extract_outcome outcome, const char *problem,
        struct vst_err *err)
{
	struct place *place = ctx;
	size_t len = strlen(place->problems);

	(void)err;
	place->out += outcome == VST_EXTRACT_OUT;
	place->nothing += outcome == VST_EXTRACT_NOTHING;
	place->failed += outcome == VST_EXTRACT_FAILED;
	assert_int_equal(outcome == VST_EXTRACT_FAILED, problem != NULL);
	if (problem)
		snprintf(place->problems + len, sizeof place->problems - len, "%.40s: %s\n", item->path,
		        problem);
	return 0;
}

static const char *only;

static bool select_only(void *ctx, const struct vst_item *item)
{
	(void)ctx;
	return !only || strcmp(item->path, only) == 0;
}

static int extract(struct place *place, bool preserve)
{
	struct vst_exhibit_extract_options options = {.out_dirfd = place->dir,
	        .preserve = preserve,
	        .select = select_only,
	        .done = done,
	        .ctx = place};
	struct vst_err err = VST_ERR_INIT;
	struct vst_exhibit *exhibit;
	int rc;

	if (!place->forge->file.data)
		forge_seal(place->forge);
	place->out = place->nothing = place->failed = 0;
	place->problems[0] = '\0';
	exhibit = forge_open(place->forge);
	rc = vst_exhibit_extract(exhibit, &options, &err);
	vst_exhibit_free(exhibit);
	assert_int_equal(rc, err.code);
	return rc;
}

static void expect_counts(const struct place *place, unsigned out, unsigned nothing, unsigned failed)
{
	if (place->out != out || place->nothing != nothing || place->failed != failed)
		fail_msg("out %u, nothing %u, failed %u\n%s", place->out, place->nothing, place->failed,
		        place->problems);
}

static void expect_file(int dirfd, const char *name, const char *want)
{
	struct vst_buf buf = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;

	if (vst_io_read_file(dirfd, name, 1 << 20, &buf, &err) != 0)
		fail_msg("%s: %s", name, err.text);
	assert_string_equal(vst_buf_cstr(&buf), want);
	vst_buf_free(&buf);
}

static bool exists(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Neither the place outside nor a forgotten temporary file. */
static void expect_clean(const struct place *place, const char *dir)
{
	int fd = openat(place->top, "outside", O_RDONLY | O_DIRECTORY);
	DIR *list = fdopendir(fd);

	for (struct dirent *entry; (entry = readdir(list));)
		if (entry->d_name[0] != '.')
			fail_msg("outside: %s", entry->d_name);
	closedir(list);
	fd = openat(place->dir, dir, O_RDONLY | O_DIRECTORY);
	list = fdopendir(fd);
	for (struct dirent *entry; list && (entry = readdir(list));)
		if (strncmp(entry->d_name, ".vestige-", 9) == 0)
			fail_msg("left behind: %s", entry->d_name);
	if (list)
		closedir(list);
}

static void put(struct forge *f, enum vst_item_type type, const char *path, uint32_t mode, const char *target)
{
	struct vst_item item = forge_describe(type, path, mode);

	item.target = target;
	forge_item(f, &item, NULL, 0, NULL);
}

/* ---- what comes out ---- */

static void extract_writes_files_directories_and_links(void **state)
{
	struct place *place = *state;
	struct forge *f = place->forge;
	struct vst_item item;
	struct stat st, other;
	char text[64] = {0};

	put(f, VST_ITEM_DIRECTORY, "/", 0755, NULL);
	put(f, VST_ITEM_DIRECTORY, "/d", 0500, NULL);
	forge_file(f, "/d/file", "content");
	put(f, VST_ITEM_SYMLINK, "/d/link", 0777, "../../anywhere");
	item = forge_describe(VST_ITEM_FILE, "/d/hard", 0640);
	item.is_hardlink = true;
	memcpy(item.hardlink, f->items[2].leaf, VST_HASH_LEN);
	forge_item(f, &item, NULL, 0, "items/src/d/file");
	item = forge_describe(VST_ITEM_STREAM, "/stream", 0444);
	item.parts = 2;
	forge_item(f, &item, "abcdef", 6, NULL);
	put(f, VST_ITEM_FIFO, "/pipe", 0600, NULL);
	only = NULL;
	assert_int_equal(extract(place, false), 0);
	expect_counts(place, 6, 1, 0);
	expect_file(place->dir, "items/src/d/file", "content");
	expect_file(place->dir, "items/src/stream", "abcdef");
	assert_int_equal(readlinkat(place->dir, "items/src/d/link", text, sizeof text), 14);
	assert_int_equal(fstatat(place->dir, "items/src/d/file", &st, 0), 0);
	assert_int_equal(fstatat(place->dir, "items/src/d/hard", &other, 0), 0);
	assert_int_equal(st.st_ino, other.st_ino);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_mtim.tv_sec, 1700000000);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(fstatat(place->dir, "items/src/d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0500);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(fstatat(place->dir, "items/src", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_false(exists(place->dir, "items/src/pipe"));
	expect_clean(place, "items/src/d");
}

static void extract_takes_one_item_and_a_link_without_its_target(void **state)
{
	struct place *place = *state;
	struct forge *f = place->forge;
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/hard", 0600);

	forge_file(f, "/file", "content");
	item.is_hardlink = true;
	memcpy(item.hardlink, f->items[0].leaf, VST_HASH_LEN);
	forge_item(f, &item, NULL, 0, "items/src/file");
	only = "/hard";
	assert_int_equal(extract(place, false), 0);
	only = NULL;
	expect_counts(place, 1, 0, 0);
	expect_file(place->dir, "items/src/hard", "content");
	assert_false(exists(place->dir, "items/src/file"));
}

static void extract_leaves_out_what_the_exhibit_does_not_hold(void **state)
{
	struct place *place = *state;
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/denied", 0600);

	item.status = VST_ITEM_DENIED;
	item.error = EACCES;
	forge_item(place->forge, &item, NULL, 0, NULL);
	assert_int_equal(extract(place, false), 0);
	expect_counts(place, 0, 1, 0);
}

static void extract_keeps_holes(void **state)
{
	static const struct vst_item_extent extents[] = {{1 << 20, 4096}};
	struct place *place = *state;
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/sparse", 0640);
	uint8_t *data = calloc(1, 8 << 20);
	struct stat st;

	memset(data + (1 << 20), 'x', 4096);
	item.is_sparse = true;
	item.extents = extents;
	item.extent_count = 1;
	forge_item(place->forge, &item, data, 8 << 20, NULL);
	assert_int_equal(extract(place, false), 0);
	expect_counts(place, 1, 0, 0);
	assert_int_equal(fstatat(place->dir, "items/src/sparse", &st, 0), 0);
	assert_int_equal(st.st_size, 8 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);
	free(data);
}

static void extract_takes_names_of_raw_bytes_and_of_any_length(void **state)
{
	struct place *place = *state;
	struct vst_buf path = VST_BUF_INIT, name = VST_BUF_INIT;
	struct vst_item item;

	forge_file(place->forge, "/-rf\n\xff\x1b[2J", "raw");
	while (path.len < 5000)
		vst_buf_text(&path, "/component");
	forge_file(place->forge, vst_buf_cstr(&path), "long");
	item = forge_describe(VST_ITEM_FILE, vst_buf_cstr(&path), 0640);
	item.seq = 1;
	assert_int_equal(vst_item_entry_name(&item, &name, NULL), 0);
	assert_int_equal(extract(place, false), 0);
	expect_counts(place, 2, 0, 0);
	expect_file(place->dir, "items/src/-rf\n\xff\x1b[2J", "raw");
	expect_file(place->dir, vst_buf_cstr(&name), "long");
	vst_buf_free(&path);
	vst_buf_free(&name);
}

static void extract_preserves_all_metadata(void **state)
{
	static const struct vst_item_xattr xattrs[] = {{"trusted.t", "a\0b", 3}, {"user.u", "v", 1}};
	struct place *place = *state;
	struct forge *f = place->forge;
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/d/file", 06710);
	char value[256];
	struct stat st;
	int fd, flags = 0;

	if (geteuid() != 0)
		skip();
	item.uid = 12345;
	item.gid = 23456;
	item.acl = "user::rwx,user:1000:r--,group::---,mask::--x,other::---";
	item.xattrs = xattrs;
	item.xattr_count = 2;
	item.flags = "ia";
	item.atime = INT64_C(-5000000001);
	forge_item(f, &item, "x", 1, NULL);
	item = forge_describe(VST_ITEM_FILE, "/hard", 06710);
	item.is_hardlink = true;
	memcpy(item.hardlink, f->items[0].leaf, VST_HASH_LEN);
	forge_item(f, &item, NULL, 0, "items/src/d/file");
	item = forge_describe(VST_ITEM_DIRECTORY, "/d", 02750);
	item.uid = 7;
	item.default_acl = "user::rwx,user:1000:r--,group::r-x,mask::r-x,other::---";
	item.flags = "i";
	forge_item(f, &item, NULL, 0, NULL);
	item = forge_describe(VST_ITEM_CHAR_DEVICE, "/null", 0666);
	item.rdev_major = 1;
	item.rdev_minor = 3;
	forge_item(f, &item, NULL, 0, NULL);
	put(f, VST_ITEM_FIFO, "/fifo", 0640, NULL);
	put(f, VST_ITEM_SOCKET, "/socket", 0755, NULL);
	item = forge_describe(VST_ITEM_SYMLINK, "/link", 0777);
	item.target = "d/file";
	item.uid = 99;
	forge_item(f, &item, NULL, 0, NULL);
	assert_int_equal(extract(place, true), 0);
	expect_counts(place, 7, 0, 0);

	assert_int_equal(fstatat(place->dir, "items/src/d/file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 06710);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 23456);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(st.st_atim.tv_sec, -6);
	assert_int_equal(st.st_atim.tv_nsec, 999999999);
	fd = openat(place->dir, "items/src/d/file", O_RDONLY);
	assert_int_equal(fgetxattr(fd, "trusted.t", value, sizeof value), 3);
	assert_int_equal(fgetxattr(fd, "user.u", value, sizeof value), 1);
	assert_int_equal(fgetxattr(fd, "system.posix_acl_access", value, sizeof value), 4 + 5 * 8);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0)
		assert_int_equal(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL), FS_IMMUTABLE_FL | FS_APPEND_FL);
	close(fd);
	fd = openat(place->dir, "items/src/d", O_RDONLY | O_DIRECTORY);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 02750);
	assert_int_equal(st.st_uid, 7);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_true(fgetxattr(fd, "system.posix_acl_default", value, sizeof value) > 0);
	close(fd);
	assert_int_equal(fstatat(place->dir, "items/src/null", &st, 0), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_rdev, makedev(1, 3));
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_int_equal(fstatat(place->dir, "items/src/fifo", &st, 0), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(fstatat(place->dir, "items/src/socket", &st, 0), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(fstatat(place->dir, "items/src/link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_uid, 99);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
}

static void extract_gives_no_special_rights_unless_asked(void **state)
{
	struct place *place = *state;
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/suid", 06755);
	struct stat st;

	item.uid = 4321;
	forge_item(place->forge, &item, "x", 1, NULL);
	assert_int_equal(extract(place, false), 0);
	assert_int_equal(fstatat(place->dir, "items/src/suid", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(st.st_uid, geteuid());
}

/* ---- what a hostile exhibit tries ---- */

static void extract_does_not_write_through_a_planted_link(void **state)
{
	struct place *place = *state;
	struct forge *f = place->forge;

	put(f, VST_ITEM_SYMLINK, "/a", 0777, "../../../outside");
	forge_file(f, "/a/file", "escaped");
	put(f, VST_ITEM_DIRECTORY, "/a/dir", 0777, NULL);
	put(f, VST_ITEM_SYMLINK, "/b", 0777, "../../../outside/b");
	forge_file(f, "/c", "victim");
	assert_int_equal(extract(place, true), 0);
	expect_counts(place, 3, 0, 2);
	assert_non_null(strstr(place->problems, "in the way"));
	expect_clean(place, "items/src");
}

static void extract_refuses_a_line_whose_path_leads_out(void **state)
{
	struct place *place = *state;
	struct forge *f = place->forge;
	uint8_t *at;

	forge_file(f, "/xx/yy/xx/outside/x", "x");
	/* The encoder writes no such line: bend it into one. */
	at = memmem(f->lines.data, f->lines.len, "/xx/yy/xx/", 10);
	assert_non_null(at);
	memcpy(at, "/../../../", 10);
	vst_merkle_leaf(f->lines.data, f->items[0].line_len, f->items[0].leaf);
	assert_int_equal(extract(place, true), VST_EFORMAT);
	assert_false(exists(place->dir, "items"));
	expect_clean(place, ".");
}

static void tree_refuses_names_that_lead_out(void **state)
{
	static const char *const names[] = {"", "/", "/etc", "..", "../outside/x", "items/../../outside/x",
	        "items/./x", "items//x", "items/..", "items/.", "items/x//"};
	struct place *place = *state;
	struct vst_tree tree;
	char *base = NULL;
	int parent = -1;

	vst_tree_init(&tree, place->dir);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_false(vst_tree_name_safe(names[i]));
		assert_int_equal(vst_tree_parent(&tree, names[i], true, &parent, &base, NULL), VST_EFORMAT);
	}
	assert_false(exists(place->dir, "items"));
	assert_true(vst_tree_name_safe("items/...x/..y/"));
	assert_int_equal(vst_tree_depth("items/src/a/"), 3);
	vst_tree_free(&tree);
}

static void tree_changes_only_directories_that_it_made(void **state)
{
	struct place *place = *state;
	struct vst_tree tree;
	char *base = NULL;
	int parent = -1, fd = -1;

	vst_tree_init(&tree, place->dir);
	mkdirat(place->dir, "before", 0700);
	assert_int_equal(vst_tree_parent(&tree, "before", true, &parent, &base, NULL), 0);
	assert_int_equal(vst_tree_mkdir(&tree, parent, base, NULL), VST_EEXIST);
	assert_int_equal(vst_tree_open_made(&tree, parent, base, &fd, NULL), VST_EEXIST);
	free(base);
	for (int i = 0; i < 500; i++) {
		char name[32];

		snprintf(name, sizeof name, "d%d/x", i);
		assert_int_equal(vst_tree_parent(&tree, name, true, &parent, &base, NULL), 0);
		free(base);
		name[strlen(name) - 2] = '\0';
		assert_int_equal(vst_tree_parent(&tree, name, false, &parent, &base, NULL), 0);
		assert_int_equal(vst_tree_mkdir(&tree, parent, base, NULL), 0);
		free(base);
	}
	assert_int_equal(vst_tree_parent(&tree, "none/x", false, &parent, &base, NULL), VST_ENOTFOUND);
	vst_tree_free(&tree);
}

static void extract_follows_no_link_that_was_there_before(void **state)
{
	struct place *place = *state;

	assert_int_equal(symlinkat("../outside", place->dir, "items"), 0);
	forge_file(place->forge, "/x", "x");
	assert_int_equal(extract(place, true), 0);
	expect_counts(place, 0, 0, 1);
	expect_clean(place, ".");
}

static void extract_overwrites_nothing(void **state)
{
	struct place *place = *state;
	struct vst_err err = VST_ERR_INIT;
	struct stat st;

	mkdirat(place->dir, "items", 0700);
	mkdirat(place->dir, "items/src", 0711);
	assert_int_equal(symlinkat("nowhere", place->dir, "items/src/dangling"), 0);
	int fd = openat(place->dir, "items/src", O_RDONLY | O_DIRECTORY);
	assert_int_equal(vst_io_write_file(fd, "file", 0600, "mine", 4, VST_IO_NEW, &err), 0);
	close(fd);
	forge_file(place->forge, "/file", "theirs");
	forge_file(place->forge, "/dangling", "theirs");
	put(place->forge, VST_ITEM_SYMLINK, "/dangling2", 0777, "ok");
	put(place->forge, VST_ITEM_DIRECTORY, "/", 0777, NULL);
	assert_int_equal(extract(place, true), 0);
	expect_counts(place, 1, 0, 3);
	expect_file(place->dir, "items/src/file", "mine");
	assert_false(exists(place->dir, "items/src/nowhere"));
	assert_int_equal(fstatat(place->dir, "items/src", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(extract(place, true), 0);
	expect_counts(place, 0, 0, 4);
	expect_clean(place, "items/src");
}

static void extract_removes_files_whose_digest_is_wrong(void **state)
{
	struct place *place = *state;
	struct forge *f = place->forge;
	struct vst_item item = forge_describe(VST_ITEM_FILE, "/x", 0640);
	uint64_t offset;

	item.has_content = true;
	item.size = 4;
	item.hashes = VST_HASH_SHA256;
	offset = forge_put(f, forge_entry(f, &item, "items/src/x", NULL), "evil", 4);
	forge_hash(&item, (const uint8_t *)"good", 4);
	forge_line(f, &item, offset);
	forge_file(f, "/y", "right");
	assert_int_equal(extract(place, false), 0);
	expect_counts(place, 1, 0, 1);
	assert_non_null(strstr(place->problems, "/x: the content's SHA-256"));
	assert_false(exists(place->dir, "items/src/x"));
	expect_file(place->dir, "items/src/y", "right");
	expect_clean(place, "items/src");
}

static void bend_target(struct archive_entry *entry)
{
	archive_entry_set_symlink(entry, "/etc/shadow");
}

static void bend_mode(struct archive_entry *entry)
{
	archive_entry_set_perm(entry, 0777);
}

static void extract_refuses_entries_that_disagree_with_their_lines(void **state)
{
	struct place *place = *state;
	struct vst_item item = forge_describe(VST_ITEM_SYMLINK, "/link", 0777);

	item.target = "harmless";
	place->forge->bend = bend_target;
	forge_item(place->forge, &item, NULL, 0, NULL);
	place->forge->bend = bend_mode;
	put(place->forge, VST_ITEM_DIRECTORY, "/d", 0700, NULL);
	place->forge->bend = bend_mode;
	forge_file(place->forge, "/f", "x");
	assert_int_equal(extract(place, true), 0);
	expect_counts(place, 0, 0, 3);
	assert_false(exists(place->dir, "items/src/link"));
	assert_false(exists(place->dir, "items/src/d"));
	assert_false(exists(place->dir, "items/src/f"));
	expect_clean(place, "items/src");
}

static int stop(void *ctx, const struct vst_item *item, enum vst_extract_outcome outcome, const char *problem,
        struct vst_err *err)
{
	(void)ctx;
	(void)item;
	(void)outcome;
	(void)problem;
	return vst_err_set(err, VST_ECANCELLED, "stopped");
}

static void extract_stops_when_told(void **state)
{
	struct place *place = *state;
	struct vst_exhibit_extract_options options = {.out_dirfd = place->dir, .done = stop};
	struct vst_exhibit *exhibit;

	forge_file(place->forge, "/a", "x");
	forge_file(place->forge, "/b", "x");
	forge_seal(place->forge);
	exhibit = forge_open(place->forge);
	assert_int_equal(vst_exhibit_extract(exhibit, &options, NULL), VST_ECANCELLED);
	assert_true(exists(place->dir, "items/src/a"));
	assert_false(exists(place->dir, "items/src/b"));
	vst_exhibit_free(exhibit);
}

static void extract_refuses_an_exhibit_whose_lines_are_not_sealed(void **state)
{
	struct place *place = *state;

	forge_file(place->forge, "/a", "x");
	place->forge->wrong_leaf = 0;
	assert_int_equal(extract(place, false), VST_ETAMPERED);
	assert_false(exists(place->dir, "items"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(extract_writes_files_directories_and_links),
	        TEST(extract_takes_one_item_and_a_link_without_its_target),
	        TEST(extract_leaves_out_what_the_exhibit_does_not_hold),
	        TEST(extract_keeps_holes),
	        TEST(extract_takes_names_of_raw_bytes_and_of_any_length),
	        TEST(extract_preserves_all_metadata),
	        TEST(extract_gives_no_special_rights_unless_asked),
	        TEST(extract_does_not_write_through_a_planted_link),
	        TEST(extract_refuses_a_line_whose_path_leads_out),
	        TEST(tree_refuses_names_that_lead_out),
	        TEST(tree_changes_only_directories_that_it_made),
	        TEST(extract_follows_no_link_that_was_there_before),
	        TEST(extract_overwrites_nothing),
	        TEST(extract_removes_files_whose_digest_is_wrong),
	        TEST(extract_refuses_entries_that_disagree_with_their_lines),
	        TEST(extract_stops_when_told),
	        TEST(extract_refuses_an_exhibit_whose_lines_are_not_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
