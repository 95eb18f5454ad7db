#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "collect/collecting.h"

/* ---- what is taken ---- */

static void files_take_a_tree_in_order(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "log/b/deep");
	tree_mkdirs(c->root, "log/a");
	tree_write(c->root, "log/b/deep/x", "x", 1);
	tree_write(c->root, "log/z", "z", 1);
	tree_write(c->root, "log/B", "B", 1);
	tree_write(c->root, "log/.hidden", "h", 1);
	tree_write(c->root, "other", "o", 1);
	collecting_run_path(c, "/log/**");
	collecting_expect(
	        c, "/log\n/log/.hidden\n/log/B\n/log/a\n/log/b\n/log/b/deep\n/log/b/deep/x\n/log/z\n");
	collecting_status(c, "/log/z", VST_ITEM_COLLECTED, NULL);
	collecting_content(c, "/log/z", "z");
	assert_int_equal(collecting_item(c, "/log/b")->type, VST_ITEM_DIRECTORY);
}

static void files_take_the_tree_of_a_literal_directory(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "etc/ssh");
	tree_write(c->root, "etc/ssh/config", "c", 1);
	collecting_run_path(c, "/etc");
	collecting_expect(c, "/etc\n/etc/ssh\n/etc/ssh/config\n");
}

static void files_take_what_a_glob_matches_and_no_more(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "home/ann/.ssh");
	tree_mkdirs(c->root, "home/bob/.ssh");
	tree_mkdirs(c->root, "home/cy");
	tree_write(c->root, "home/ann/.ssh/known", "a", 1);
	tree_write(c->root, "home/bob/.ssh/known", "b", 1);
	tree_write(c->root, "home/ann/other", "o", 1);
	collecting_path(c, "/home/*");
	collecting_path(c, "/home/*/.ssh/k*");
	collecting_run(c);
	collecting_expect(c, "/home/ann\n/home/bob\n/home/cy\n/home/ann/.ssh/known\n/home/bob/.ssh/known\n");
}

static void files_match_any_depth_in_the_middle(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "srv/a/b/logs");
	tree_mkdirs(c->root, "srv/logs");
	tree_write(c->root, "srv/logs/1.log", "1", 1);
	tree_write(c->root, "srv/a/b/logs/2.log", "2", 1);
	tree_write(c->root, "srv/a/b/3.log", "3", 1);
	collecting_run_path(c, "/srv/**/logs/*.log");
	collecting_expect(c, "/srv/a/b/logs/2.log\n/srv/logs/1.log\n");
}

static void files_take_the_whole_root(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "a", "a", 1);
	collecting_run_path(c, "/");
	collecting_expect(c, "/\n/a\n");
}

static void files_take_a_path_once_from_overlapping_patterns(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "log/sub");
	tree_write(c->root, "log/a", "a", 1);
	tree_write(c->root, "log/sub/b", "b", 1);
	collecting_path(c, "/log/*");
	collecting_path(c, "/log/**");
	collecting_path(c, "/log/{a,sub}");
	collecting_run(c);
	collecting_expect(c, "/log/a\n/log/sub\n/log\n/log/sub/b\n");
}

static void files_name_what_is_absent(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "etc");
	tree_write(c->root, "etc/file", "f", 1);
	collecting_path(c, "/nothing/here");
	collecting_path(c, "/etc/*.conf");
	collecting_path(c, "/etc/{file,gone}");
	collecting_path(c, "/etc/file/below");
	collecting_run(c);
	collecting_expect(c, "/nothing/here\n/etc/*.conf\n/etc/file\n/etc/gone\n/etc/file/below\n");
	collecting_status(c, "/nothing/here", VST_ITEM_ABSENT, NULL);
	collecting_status(c, "/etc/*.conf", VST_ITEM_ABSENT, NULL);
	collecting_status(c, "/etc/gone", VST_ITEM_ABSENT, NULL);
	collecting_status(c, "/etc/file/below", VST_ITEM_ABSENT, NULL);
	assert_int_equal(collecting_item(c, "/etc/*.conf")->type, VST_ITEM_UNKNOWN);
}

/* ---- links ---- */

static void files_follow_links_of_a_literal_prefix_only(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "run/x");
	tree_mkdirs(c->root, "var");
	tree_write(c->root, "run/utmp", "u", 1);
	assert_int_equal(symlinkat("/run", c->root, "var/run"), 0);
	assert_int_equal(symlinkat("/etc/passwd", c->root, "run/out"), 0);
	assert_int_equal(symlinkat("..", c->root, "run/x/up"), 0);
	collecting_path(c, "/var/run/**");
	collecting_path(c, "/var/run/utmp");
	collecting_run(c);
	collecting_expect(c, "/var/run\n/run\n/run/out\n/run/utmp\n/run/x\n/run/x/up\n");
	assert_int_equal(collecting_item(c, "/var/run")->type, VST_ITEM_SYMLINK);
	assert_string_equal(collecting_item(c, "/var/run")->target, "/run");
	assert_string_equal(collecting_item(c, "/run/out")->target, "/etc/passwd");
	collecting_status(c, "/run/out", VST_ITEM_COLLECTED, NULL);
}

static void files_tell_a_link_on_the_way_below_the_prefix(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "home/ann");
	tree_mkdirs(c->root, "elsewhere");
	tree_write(c->root, "elsewhere/key", "k", 1);
	assert_int_equal(symlinkat("/elsewhere", c->root, "home/ann/.ssh"), 0);
	collecting_run_path(c, "/home/*/.ssh/key");
	collecting_expect(c, "/home/ann/.ssh\n");
}

static void files_name_the_missing_end_of_a_link(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "var");
	assert_int_equal(symlinkat("/gone/away", c->root, "var/run"), 0);
	assert_int_equal(symlinkat("self", c->root, "self"), 0);
	collecting_path(c, "/var/run");
	collecting_path(c, "/self/x");
	collecting_run(c);
	collecting_expect(c, "/var/run\n/gone\n/self\n/self/x\n");
	collecting_status(c, "/gone", VST_ITEM_ABSENT, NULL);
	collecting_status(c, "/self/x", VST_ITEM_ERROR, "resolve");
	assert_int_equal(collecting_item(c, "/self/x")->error, ELOOP);
}

static void files_take_hard_links_once(void **state)
{
	struct collecting *c = *state;
	char second[] = "second";
	tree_mkdirs(c->root, "d");
	tree_write(c->root, "d/a", "content", 7);
	assert_int_equal(linkat(c->root, "d/a", c->root, "d/b", 0), 0);
	assert_int_equal(linkat(c->root, "d/a", c->root, "other", 0), 0);
	collecting_run_path(c, "/d/**");
	collecting_content(c, "/d/a", "content");
	const struct record *b = collecting_record(c, "/d/b");
	assert_true(b->item->is_hardlink);
	assert_int_equal(b->item->hardlink[0], 2); /* the second item's leaf, as the recorder makes them */
	assert_string_equal(b->link_path, "/d/a");
	assert_null(b->link_source);
	assert_int_equal(b->content.len, 0);

	c->source.name = second;
	free(c->paths[0]);
	c->source.files.path_count = 0;
	collecting_run_path(c, "/other");
	const struct record *other = collecting_record(c, "/other");
	assert_true(other->item->is_hardlink);
	assert_string_equal(other->link_source, "logs");
	assert_string_equal(other->link_path, "/d/a");
}

static void files_take_hard_links_of_links_and_fifos(void **state)
{
	struct collecting *c = *state;
	assert_int_equal(symlinkat("target", c->root, "a"), 0);
	assert_int_equal(linkat(c->root, "a", c->root, "b", 0), 0);
	assert_int_equal(mkfifoat(c->root, "fifo1", 0600), 0);
	assert_int_equal(linkat(c->root, "fifo1", c->root, "fifo2", 0), 0);
	collecting_run_path(c, "/*");
	assert_false(collecting_item(c, "/a")->is_hardlink);
	assert_true(collecting_item(c, "/b")->is_hardlink);
	assert_string_equal(collecting_item(c, "/b")->target, "target");
	assert_string_equal(collecting_record(c, "/b")->link_path, "/a");
	assert_false(collecting_item(c, "/fifo1")->is_hardlink);
	assert_string_equal(collecting_record(c, "/fifo2")->link_path, "/fifo1");
}

static void files_take_a_hard_link_anew_if_it_changed_or_was_cut(void **state)
{
	struct collecting *c = *state;
	char second[] = "second";
	tree_mkdirs(c->root, "d");
	tree_write(c->root, "d/a", "content", 7);
	assert_int_equal(linkat(c->root, "d/a", c->root, "d/b", 0), 0);
	c->context.item_limit = 3;
	collecting_run_path(c, "/d/*");
	collecting_status(c, "/d/a", VST_ITEM_TRUNCATED, "limits.item");
	collecting_status(c, "/d/b", VST_ITEM_TRUNCATED, "limits.item");
	collecting_content(c, "/d/b", "con");

	c->context.item_limit = UINT64_MAX;
	c->source.name = second;
	recorder_free(&c->recorder);
	c->recorder.keep = true;
	collecting_run(c);
	assert_true(collecting_item(c, "/d/b")->is_hardlink);
	tree_write(c->root, "d/a", "changed", 7);
	recorder_free(&c->recorder);
	c->recorder.keep = true;
	collecting_run(c);
	assert_false(collecting_item(c, "/d/a")->is_hardlink);
	collecting_content(c, "/d/a", "changed");
}

/* ---- metadata ---- */

static void make_socket(int dirfd, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dirfd, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	close(fd);
}

static void files_describe_everything_that_is_no_file(void **state)
{
	struct collecting *c = *state;
	assert_int_equal(mkfifoat(c->root, "fifo", 0640), 0);
	make_socket(c->root, "socket");
	bool devices = mknodat(c->root, "char", S_IFCHR | 0600, makedev(4, 77)) == 0 &&
	               mknodat(c->root, "block", S_IFBLK | 0600, makedev(7, 200)) == 0;
	assert_int_equal(symlinkat("-> \n\xff", c->root, "link"), 0);
	collecting_run_path(c, "/*");
	assert_int_equal(collecting_item(c, "/fifo")->type, VST_ITEM_FIFO);
	assert_int_equal(collecting_item(c, "/fifo")->mode, 0640);
	collecting_status(c, "/fifo", VST_ITEM_COLLECTED, NULL);
	assert_int_equal(collecting_item(c, "/socket")->type, VST_ITEM_SOCKET);
	assert_string_equal(collecting_item(c, "/link")->target, "-> \n\xff");
	if (!devices)
		return;
	assert_int_equal(collecting_item(c, "/char")->type, VST_ITEM_CHAR_DEVICE);
	assert_int_equal(collecting_item(c, "/char")->rdev_major, 4);
	assert_int_equal(collecting_item(c, "/char")->rdev_minor, 77);
	assert_int_equal(collecting_item(c, "/block")->type, VST_ITEM_BLOCK_DEVICE);
}

static void files_have_the_metadata_of_their_stat(void **state)
{
	struct collecting *c = *state;
	const struct timespec times[2] = {{1000000000, 1}, {-5, 999999999}};
	struct statx st;
	tree_write(c->root, "f", "12345", 5);
	assert_int_equal(fchmodat(c->root, "f", 04751, 0), 0);
	if (fchownat(c->root, "f", 1234, 5678, 0) == 0)
		assert_int_equal(fchmodat(c->root, "f", 04751, 0), 0);
	assert_int_equal(utimensat(c->root, "f", times, 0), 0);
	assert_int_equal(statx(c->root, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &st), 0);
	collecting_run_path(c, "/f");
	const struct vst_item *item = collecting_item(c, "/f");
	assert_int_equal(item->mode, 04751);
	assert_int_equal(item->uid, st.stx_uid);
	assert_int_equal(item->gid, st.stx_gid);
	assert_int_equal(item->atime, INT64_C(1000000000000000001));
	assert_int_equal(item->mtime, INT64_C(-4000000001));
	assert_int_equal(item->ino, st.stx_ino);
	assert_int_equal(item->nlink, 1);
	if (st.stx_mask & STATX_BTIME)
		assert_int_equal(
		        item->btime, st.stx_btime.tv_sec * INT64_C(1000000000) + st.stx_btime.tv_nsec);
	assert_true(item->has_read);
	assert_int_equal(item->read_expected, 5);
	assert_int_equal(item->read_got, 5);
	assert_int_equal(item->before.size, 5);
	assert_int_equal(item->after.size, 5);
	assert_true(item->read_start <= item->read_end);
}

static void files_are_read_without_a_trace_in_atime(void **state)
{
	struct collecting *c = *state;
	const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
	struct stat st;
	tree_mkdirs(c->root, "d");
	tree_write(c->root, "d/f", "x", 1);
	assert_int_equal(utimensat(c->root, "d/f", old, 0), 0);
	assert_int_equal(utimensat(c->root, "d", old, 0), 0);
	collecting_run_path(c, "/d");
	assert_int_equal(fstatat(c->root, "d/f", &st, 0), 0);
	assert_int_equal(st.st_atim.tv_sec, 1000000000);
	assert_int_equal(fstatat(c->root, "d", &st, 0), 0);
	assert_int_equal(st.st_atim.tv_sec, 1000000000);
}

static void files_have_owner_names_of_the_evidence(void **state)
{
	struct collecting *c = *state;
	struct vst_accounts *accounts = NULL;
	char passwd[64], group[64];
	snprintf(passwd, sizeof passwd, "inside:x:%u:0:::\n", (unsigned)geteuid());
	snprintf(group, sizeof group, "insiders:x:%u:\n", (unsigned)getegid());
	tree_mkdirs(c->root, "etc");
	tree_write(c->root, "etc/passwd", passwd, strlen(passwd));
	tree_write(c->root, "etc/group", group, strlen(group));
	assert_int_equal(vst_accounts_load(c->root, &accounts, NULL), 0);
	c->context.accounts = accounts;
	collecting_run_path(c, "/etc/passwd");
	assert_string_equal(collecting_item(c, "/etc/passwd")->user, "inside");
	assert_string_equal(collecting_item(c, "/etc/passwd")->group, "insiders");
	vst_accounts_free(accounts);
}

static void files_have_their_extended_attributes(void **state)
{
	struct collecting *c = *state;
	char big[3000];
	memset(big, 7, sizeof big);
	tree_write(c->root, "f", "x", 1);
	int fd = openat(c->root, "f", O_RDONLY | O_CLOEXEC);
	if (fsetxattr(fd, "user.zz", "\0\1", 2, 0) != 0) {
		close(fd);
		skip();
	}
	assert_int_equal(fsetxattr(fd, "user.aa", big, sizeof big, 0), 0);
	assert_int_equal(fsetxattr(fd, "user.empty", "", 0, 0), 0);
	close(fd);
	collecting_run_path(c, "/f");
	const struct vst_item *item = collecting_item(c, "/f");
	assert_int_equal(item->xattr_count, 3);
	assert_string_equal(item->xattrs[0].name, "user.aa");
	assert_int_equal(item->xattrs[0].len, sizeof big);
	assert_memory_equal(item->xattrs[0].value, big, sizeof big);
	assert_int_equal(item->xattrs[1].len, 0);
	assert_memory_equal(item->xattrs[2].value, "\0\1", 2);
	assert_null(item->xattrs_error);
}

static void files_have_attributes_of_links_and_not_of_their_targets(void **state)
{
	struct collecting *c = *state;
	char link[64];
	tree_write(c->root, "f", "x", 1);
	assert_int_equal(symlinkat("f", c->root, "link"), 0);
	assert_int_equal(mkfifoat(c->root, "fifo", 0600), 0);
	snprintf(link, sizeof link, "/proc/self/fd/%d/link", c->root);
	int fd = openat(c->root, "f", O_RDONLY | O_CLOEXEC);
	if (geteuid() != 0 || fsetxattr(fd, "trusted.file", "f", 1, 0) != 0 ||
	        lsetxattr(link, "trusted.link", "l", 1, 0) != 0) {
		close(fd);
		skip();
	}
	close(fd);
	collecting_run_path(c, "/*");
	assert_int_equal(collecting_item(c, "/link")->xattr_count, 1);
	assert_string_equal(collecting_item(c, "/link")->xattrs[0].name, "trusted.link");
	assert_string_equal(collecting_item(c, "/f")->xattrs[0].name, "trusted.file");
	assert_int_equal(collecting_item(c, "/fifo")->xattr_count, 0);
	assert_null(collecting_item(c, "/fifo")->xattrs_error);
}

static void files_have_acls_with_numeric_ids(void **state)
{
	struct collecting *c = *state;
	static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0x92, 0x10, 0,
	        0, 4, 0, 4, 0, 255, 255, 255, 255, 0x10, 0, 5, 0, 255, 255, 255, 255, 0x20, 0, 0, 0, 255, 255,
	        255, 255};
	tree_mkdirs(c->root, "d");
	int fd = openat(c->root, "d", O_RDONLY | O_CLOEXEC);
	if (fsetxattr(fd, "system.posix_acl_access", acl, sizeof acl, 0) != 0 ||
	        fsetxattr(fd, "system.posix_acl_default", acl, sizeof acl, 0) != 0) {
		close(fd);
		skip();
	}
	close(fd);
	collecting_run_path(c, "/d");
	const struct vst_item *item = collecting_item(c, "/d");
	assert_string_equal(item->acl, "user::rw-,user:4242:r--,group::r--,mask::r-x,other::---");
	assert_string_equal(item->default_acl, item->acl);
	assert_int_equal(item->xattr_count, 0);
}

/* ---- names ---- */

static void files_take_names_of_any_bytes(void **state)
{
	struct collecting *c = *state;
	static const char *const names[] = {
	        "-rf", "new\nline", "\xff\xfe", " ", "*", "a\\b", "\033[2J", "..."};
	tree_mkdirs(c->root, "d");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[64];
		snprintf(path, sizeof path, "d/%s", names[i]);
		tree_write(c->root, path, names[i], strlen(names[i]));
	}
	collecting_run_path(c, "/d/*");
	assert_int_equal(c->recorder.count, sizeof names / sizeof *names);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[64];
		snprintf(path, sizeof path, "/d/%s", names[i]);
		collecting_status(c, path, VST_ITEM_COLLECTED, NULL);
		collecting_content(c, path, names[i]);
	}
}

/* Makes `depth` directories of `len` bytes each, one in the other, and a file "end" in the last. */
static void make_deep(int root, size_t depth, size_t len)
{
	char name[NAME_MAX + 1];
	memset(name, 'd', len);
	name[len] = '\0';
	int dir = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(dir, name, 0755), 0);
		int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		tree_write(dir, "~behind", "b", 1); /* comes after the way down */
		close(dir);
		dir = next;
	}
	tree_write(dir, "end", "end", 3);
	close(dir);
}

static void files_take_paths_longer_than_the_kernel_takes(void **state)
{
	struct collecting *c = *state;
	make_deep(c->root, 100, 120);
	collecting_run_path(c, "/*/**");
	assert_int_equal(c->recorder.count, 100 + 100 - 1 + 1 + 1); /* "~behind" in the root is "*" itself */
	const struct vst_item *deepest = NULL;
	for (size_t i = 0; i < c->recorder.count; i++) {
		const struct vst_item *item = c->recorder.records[i].item;
		assert_int_equal(item->status, VST_ITEM_COLLECTED);
		if (strcmp(strrchr(item->path, '/'), "/end") == 0)
			deepest = item;
	}
	assert_non_null(deepest);
	assert_int_equal(strlen(deepest->path), 100 * 121 + 4);
}

static void files_use_few_descriptors_however_deep(void **state)
{
	struct collecting *c = *state;
	struct rlimit limit, small = {.rlim_cur = 64};
	make_deep(c->root, 300, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	small.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	collecting_path(c, "/**");
	int rc = collecting_try(c);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(c->recorder.count, 1 + 300 + 300 + 1);
	for (size_t i = 0; i < c->recorder.count; i++)
		assert_int_equal(c->recorder.records[i].item->status, VST_ITEM_COLLECTED);
}

static void files_tell_of_a_directory_that_is_too_deep(void **state)
{
	struct collecting *c = *state;
	make_deep(c->root, 280, 250);
	collecting_run_path(c, "/**");
	size_t refused = 0;
	for (size_t i = 0; i < c->recorder.count; i++) {
		const struct vst_item *item = c->recorder.records[i].item;
		if (item->status == VST_ITEM_COLLECTED)
			continue;
		refused++;
		assert_int_equal(item->status, VST_ITEM_ERROR);
		assert_int_equal(item->error, ENAMETOOLONG);
		assert_int_equal(item->type, VST_ITEM_DIRECTORY);
	}
	assert_int_equal(refused, 1);
}

/* ---- what is left out ---- */

static void files_exclude_by_pattern_and_say_so(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "log/big/sub");
	tree_mkdirs(c->root, "log/sub");
	tree_write(c->root, "log/a.iso", "12345", 5);
	tree_write(c->root, "log/sub/b.iso", "b", 1);
	tree_write(c->root, "log/big/sub/c", "c", 1);
	tree_write(c->root, "log/kept", "k", 1);
	collecting_exclude(c, "*.iso");
	collecting_exclude(c, "/log/big");
	collecting_run_path(c, "/log");
	collecting_expect(c, "/log\n/log/a.iso\n/log/big\n/log/kept\n/log/sub\n/log/sub/b.iso\n");
	collecting_status(c, "/log/a.iso", VST_ITEM_EXCLUDED, "exclude: *.iso");
	assert_int_equal(collecting_item(c, "/log/a.iso")->size, 5);
	assert_false(collecting_item(c, "/log/a.iso")->has_content);
	collecting_status(c, "/log/big", VST_ITEM_EXCLUDED, "exclude: /log/big");
	assert_int_equal(collecting_item(c, "/log/big")->type, VST_ITEM_DIRECTORY);
}

static void exclude_case(struct collecting *c, struct vst_exclusion *exclusion)
{
	struct stat st;
	assert_int_equal(fstatat(c->root, "root/case", &st, 0), 0);
	*exclusion =
	        (struct vst_exclusion){{major(st.st_dev), minor(st.st_dev), st.st_ino}, "the case itself"};
	c->context.exclusions = exclusion;
	c->context.exclusion_count = 1;
}

static void files_exclude_the_case_by_inode_only(void **state)
{
	struct collecting *c = *state;
	struct vst_exclusion exclusion;
	tree_mkdirs(c->root, "root/case/exhibits");
	tree_mkdirs(c->root, "root/other/case");
	tree_write(c->root, "root/case/exhibits/EX0001", "x", 1);
	tree_write(c->root, "root/other/case/f", "f", 1);
	exclude_case(c, &exclusion);
	collecting_path(c, "/root/**");
	collecting_path(c, "/root/case/exhibits/EX0001");
	collecting_run(c);
	collecting_expect(c, "/root\n/root/case\n/root/other\n/root/other/case\n/root/other/case/f\n/root/"
	                     "case/exhibits/EX0001\n");
	collecting_status(c, "/root/case", VST_ITEM_EXCLUDED, "the case itself");
	collecting_status(c, "/root/case/exhibits/EX0001", VST_ITEM_EXCLUDED, "the case itself");
}

static void files_stay_on_their_file_system_when_asked(void **state)
{
	struct collecting *c = *state;
	char target[300], source[300];
	tree_mkdirs(c->root, "d/tmpfs");
	tree_mkdirs(c->root, "d/bind");
	tree_mkdirs(c->root, "d/sub");
	tree_write(c->root, "d/bound-file", "b", 1);
	tree_write(c->root, "d/sub/f", "f", 1);
	snprintf(target, sizeof target, "%s/d/tmpfs", tree_path);
	if (mount("none", target, "tmpfs", 0, NULL) != 0)
		skip();
	tree_write(c->root, "d/tmpfs/inside", "i", 1);
	snprintf(source, sizeof source, "%s/d/sub", tree_path);
	snprintf(target, sizeof target, "%s/d/bind", tree_path);
	assert_int_equal(mount(source, target, NULL, MS_BIND, NULL), 0);
	snprintf(source, sizeof source, "%s/d/sub/f", tree_path);
	snprintf(target, sizeof target, "%s/d/bound-file", tree_path);
	assert_int_equal(mount(source, target, NULL, MS_BIND, NULL), 0);

	collecting_path(c, "/d/**");
	collecting_path(c, "/d/tmpfs/**"); /* a prefix on the mount itself */
	c->source.files.one_file_system = true;
	int rc = collecting_try(c);
	snprintf(target, sizeof target, "%s/d/bound-file", tree_path);
	assert_int_equal(umount(target), 0);
	snprintf(target, sizeof target, "%s/d/bind", tree_path);
	assert_int_equal(umount(target), 0);
	snprintf(target, sizeof target, "%s/d/tmpfs", tree_path);
	assert_int_equal(umount(target), 0);
	assert_int_equal(rc, 0);
	collecting_expect(c, "/d\n/d/bind\n/d/bound-file\n/d/sub\n/d/sub/f\n/d/tmpfs\n/d/tmpfs/inside\n");
	collecting_status(c, "/d/tmpfs", VST_ITEM_EXCLUDED, "other file system");
	collecting_status(c, "/d/bind", VST_ITEM_EXCLUDED, "other file system");
	collecting_status(c, "/d/bound-file", VST_ITEM_EXCLUDED, "other file system");
}

/* ---- limits ---- */

static void files_are_cut_by_the_item_limit(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "fits", "1234", 4);
	tree_write(c->root, "long", "12345", 5);
	c->context.item_limit = 4;
	collecting_run_path(c, "/*");
	collecting_status(c, "/fits", VST_ITEM_COLLECTED, NULL);
	collecting_status(c, "/long", VST_ITEM_TRUNCATED, "limits.item");
	collecting_content(c, "/long", "1234");
	assert_int_equal(collecting_item(c, "/long")->size, 4);
	assert_int_equal(collecting_item(c, "/long")->read_expected, 5);
}

static void files_are_cut_and_then_left_out_by_the_exhibit_limit(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "1", "1234", 4);
	tree_write(c->root, "2", "1234", 4);
	tree_write(c->root, "3", "1234", 4);
	tree_write(c->root, "4-empty", "", 0);
	c->context.exhibit_left = 6;
	collecting_run_path(c, "/*");
	collecting_status(c, "/1", VST_ITEM_COLLECTED, NULL);
	collecting_status(c, "/2", VST_ITEM_TRUNCATED, "limits.exhibit");
	collecting_content(c, "/2", "12");
	collecting_status(c, "/3", VST_ITEM_EXCLUDED, "limits.exhibit");
	assert_int_equal(collecting_item(c, "/3")->size, 4);
	collecting_status(c, "/4-empty", VST_ITEM_COLLECTED, NULL);
	assert_int_equal(c->context.exhibit_left, 0);
}

/* ---- runs ---- */

static void files_stop_when_cancelled(void **state)
{
	struct collecting *c = *state;
	atomic_bool cancel = true;
	tree_write(c->root, "a", "a", 1);
	c->context.cancel = &cancel;
	collecting_path(c, "/**");
	assert_int_equal(collecting_try(c), VST_ECANCELLED);
}

static void files_stop_when_the_sink_fails(void **state)
{
	struct collecting *c = *state;
	tree_mkdirs(c->root, "var");
	tree_mkdirs(c->root, "run");
	assert_int_equal(symlinkat("../run", c->root, "var/run"), 0);
	tree_write(c->root, "run/a", "a", 1);
	collecting_path(c, "/var/run/**");
	for (int at = 1; at <= 5; at++) { /* link, directory, begin, data, end */
		recorder_free(&c->recorder);
		c->recorder.fail_at = at;
		assert_int_equal(collecting_try(c), VST_EIO);
		assert_non_null(strstr(c->err.text, "the sink is full"));
	}
	recorder_free(&c->recorder);
	collecting_run(c);
}

static void files_are_described_and_not_read_by_a_dry_run(void **state)
{
	struct collecting *c = *state;
	tree_write(c->root, "f", "12345", 5);
	assert_int_equal(mkfifoat(c->root, "fifo", 0600), 0);
	int fd = openat(c->root, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	close(fd);
	c->context.content = false;
	collecting_run_path(c, "/*");
	assert_true(collecting_item(c, "/f")->has_content);
	assert_int_equal(collecting_item(c, "/f")->size, 5);
	assert_int_equal(collecting_item(c, "/sparse")->size, 1 << 30);
	collecting_status(c, "/fifo", VST_ITEM_COLLECTED, NULL);
}

static void files_refuse_a_pattern_that_is_none(void **state)
{
	struct collecting *c = *state;
	collecting_path(c, "/a/../b");
	assert_int_equal(collecting_try(c), VST_EFORMAT);
	assert_non_null(strstr(c->err.text, "/a/../b"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, collecting_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(files_take_a_tree_in_order),
	        TEST(files_take_the_tree_of_a_literal_directory),
	        TEST(files_take_what_a_glob_matches_and_no_more),
	        TEST(files_match_any_depth_in_the_middle),
	        TEST(files_take_the_whole_root),
	        TEST(files_take_a_path_once_from_overlapping_patterns),
	        TEST(files_name_what_is_absent),
	        TEST(files_follow_links_of_a_literal_prefix_only),
	        TEST(files_tell_a_link_on_the_way_below_the_prefix),
	        TEST(files_name_the_missing_end_of_a_link),
	        TEST(files_take_hard_links_once),
	        TEST(files_take_hard_links_of_links_and_fifos),
	        TEST(files_take_a_hard_link_anew_if_it_changed_or_was_cut),
	        TEST(files_describe_everything_that_is_no_file),
	        TEST(files_have_the_metadata_of_their_stat),
	        TEST(files_are_read_without_a_trace_in_atime),
	        TEST(files_have_owner_names_of_the_evidence),
	        TEST(files_have_their_extended_attributes),
	        TEST(files_have_attributes_of_links_and_not_of_their_targets),
	        TEST(files_have_acls_with_numeric_ids),
	        TEST(files_take_names_of_any_bytes),
	        TEST(files_take_paths_longer_than_the_kernel_takes),
	        TEST(files_use_few_descriptors_however_deep),
	        TEST(files_tell_of_a_directory_that_is_too_deep),
	        TEST(files_exclude_by_pattern_and_say_so),
	        TEST(files_exclude_the_case_by_inode_only),
	        TEST(files_stay_on_their_file_system_when_asked),
	        TEST(files_are_cut_by_the_item_limit),
	        TEST(files_are_cut_and_then_left_out_by_the_exhibit_limit),
	        TEST(files_stop_when_cancelled),
	        TEST(files_stop_when_the_sink_fails),
	        TEST(files_are_described_and_not_read_by_a_dry_run),
	        TEST(files_refuse_a_pattern_that_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
