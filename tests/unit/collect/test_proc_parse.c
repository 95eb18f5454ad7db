#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collect/proc_parse.h"
#include "vestige/buf.h"

#define TEXT(literal) ((struct vst_text){literal, sizeof(literal) - 1})
#define REST                                                                                                 \
	" S 7 8 9 34816 -1 4194304 1 2 3 4 50 60 5 6 20 -5 3 0 698487 3133440 408 18446744073709551615 1 "   \
	"1\n"

static void expect(struct vst_text text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.data, expected, text.len);
}

static void stat_is_taken_apart(void **state)
{
	(void)state;
	struct vst_proc_stat stat;
	assert_true(vst_proc_parse_stat(TEXT("4711 (cat)" REST), &stat));
	assert_int_equal(stat.pid, 4711);
	expect(stat.comm, "cat");
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.ppid, 7);
	assert_int_equal(stat.pgrp, 8);
	assert_int_equal(stat.session, 9);
	assert_int_equal(stat.tty, 34816);
	assert_int_equal(stat.flags, 4194304);
	assert_int_equal(stat.utime, 50);
	assert_int_equal(stat.stime, 60);
	assert_int_equal(stat.nice, -5);
	assert_int_equal(stat.threads, 3);
	assert_int_equal(stat.start_ticks, 698487);
}

static void stat_takes_any_name(void **state)
{
	(void)state;
	struct vst_proc_stat stat;
	assert_true(vst_proc_parse_stat(TEXT("1 (a b)) R 2 (\n) S 1)" REST), &stat));
	expect(stat.comm, "a b)) R 2 (\n) S 1");
	assert_int_equal(stat.ppid, 7);
	assert_true(vst_proc_parse_stat(TEXT("1 ()" REST), &stat));
	expect(stat.comm, "");
	assert_true(vst_proc_parse_stat(TEXT("1 (\xff\xfe)" REST), &stat));
	expect(stat.comm, "\xff\xfe");
}

static void stat_refuses_what_is_none(void **state)
{
	(void)state;
	struct vst_proc_stat stat;
	assert_false(vst_proc_parse_stat(TEXT(""), &stat));
	assert_false(vst_proc_parse_stat(TEXT("(x)" REST), &stat));
	assert_false(vst_proc_parse_stat(TEXT("1 )x(" REST), &stat));
	assert_false(vst_proc_parse_stat(TEXT("-1 (x)" REST), &stat));
	assert_false(vst_proc_parse_stat(TEXT("1 (x) S 7 8 9"), &stat));
	assert_false(vst_proc_parse_stat(TEXT("1 (x) SS 7 8 9 0 -1 0 1 2 3 4 5 6 5 6 20 0 3 0 1"), &stat));
	assert_false(vst_proc_parse_stat(TEXT("1 (x) S 7 8 z 0 -1 0 1 2 3 4 5 6 5 6 20 0 3 0 1"), &stat));
	assert_false(vst_proc_parse_stat(
	        TEXT("1 (x) S 7 8 9 0 -1 0 1 2 3 4 5 6 5 6 20 0 3 0 99999999999999999999"), &stat));
}

static void status_is_taken_apart(void **state)
{
	(void)state;
	struct vst_proc_status status;
	vst_proc_parse_status(
	        TEXT("Name:\ta\\nUid:\t9\t9\t9\t9\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t12\n"
	             "TracerPid:\t3\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t5 6 \n"
	             "NSpid:\t12\t1\nCapInh:\t0000000000000001\nCapEff:\t000001ffffffffff\n"
	             "NoNewPrivs:\t1\nSeccomp:\t2\n"),
	        &status);
	assert_true(status.has_ids);
	assert_int_equal(status.uids[0], 1);
	assert_int_equal(status.uids[3], 4);
	assert_int_equal(status.gids[3], 8);
	assert_int_equal(status.umask, 022);
	assert_int_equal(status.tgid, 12);
	assert_int_equal(status.tracer, 3);
	assert_int_equal(status.no_new_privs, 1);
	assert_int_equal(status.seccomp, 2);
	assert_true(status.has_caps[0] && status.has_caps[2]);
	assert_false(status.has_caps[4]);
	assert_true(status.caps[2] == UINT64_C(0x1ffffffffff));
	expect(status.groups, "\t5 6 ");
	expect(status.ns_pids, "\t12\t1");
}

static void status_without_numbers_has_none(void **state)
{
	(void)state;
	struct vst_proc_status status;
	vst_proc_parse_status(
	        TEXT("Uid:\t1\t2\t3\nGid:\t1\t2\t3\t4\nTgid:\tx\nUmask:\t9\nno colon\n"), &status);
	assert_false(status.has_ids || status.has_tgid || status.has_umask);
	vst_proc_parse_status((struct vst_text){NULL, 0}, &status);
	assert_false(status.has_ids);
}

static void maps_lines_are_taken_apart(void **state)
{
	(void)state;
	struct vst_proc_map map;
	assert_true(vst_proc_parse_map(
	        TEXT("7f24c1e8c000-7f24c1ee3000 r-xp 00001000 fe:0a 320475                     /usr/lib/a b"),
	        &map));
	assert_true(map.start == UINT64_C(0x7f24c1e8c000) && map.end == UINT64_C(0x7f24c1ee3000));
	assert_string_equal(map.perms, "r-xp");
	assert_int_equal(map.offset, 4096);
	assert_int_equal(map.dev_major, 0xfe);
	assert_int_equal(map.dev_minor, 10);
	assert_int_equal(map.ino, 320475);
	expect(map.path, "/usr/lib/a b");
	assert_true(vst_proc_parse_map(TEXT("1000-2000 rwxp 00000000 00:00 0 "), &map));
	assert_int_equal(map.path.len, 0);
	assert_true(vst_proc_map_is_anonymous_code(&map));
	assert_true(vst_proc_parse_map(TEXT("1000-2000 rwxp 00000000 00:00 0"), &map));
	assert_true(vst_proc_parse_map(TEXT("1000-2000 r-xp 00000000 00:00 0   [vdso]"), &map));
	assert_false(vst_proc_map_is_anonymous_code(&map));
	assert_true(vst_proc_parse_map(TEXT("1000-2000 rwxp 00000000 00:00 0   [heap]"), &map));
	assert_true(vst_proc_map_is_anonymous_code(&map));
	assert_true(vst_proc_parse_map(TEXT("1000-2000 r-xp 00000000 00:01 9   /memfd:x (deleted)"), &map));
	assert_false(vst_proc_map_is_anonymous_code(&map));
	assert_true(vst_proc_strip_deleted(&map.path));
	expect(map.path, "/memfd:x");
}

static void maps_refuse_what_is_none(void **state)
{
	(void)state;
	struct vst_proc_map map;
	assert_false(vst_proc_parse_map(TEXT(""), &map));
	assert_false(vst_proc_parse_map(TEXT("2000-1000 r-xp 00000000 00:00 0"), &map));
	assert_false(vst_proc_parse_map(TEXT("1000 r-xp 00000000 00:00 0"), &map));
	assert_false(vst_proc_parse_map(TEXT("1000-2000 r-x 00000000 00:00 0"), &map));
	assert_false(vst_proc_parse_map(TEXT("1000-2000 r-xp 00000000 0000 0"), &map));
	assert_false(vst_proc_parse_map(TEXT("1000-2000 r-xp 00000000 00:00 0x1"), &map));
	assert_false(vst_proc_parse_map(TEXT("1000-2000 r-xp 00000000 fffffffff:00 0"), &map));
	assert_false(vst_proc_parse_map(TEXT("11111111111111111-2000 r-xp 00000000 00:00 0"), &map));
}

static void escapes_are_put_back(void **state)
{
	(void)state;
	struct vst_buf out = VST_BUF_INIT;
	vst_proc_unescape(TEXT("/a\\012b\\040\\134\\9\\01\\777\\"), &out);
	assert_string_equal(vst_buf_cstr(&out), "/a\nb \\\\9\\01\\777\\");
	vst_buf_free(&out);
}

static void kernel_memory_is_told_from_files(void **state)
{
	(void)state;
	assert_true(vst_proc_is_kernel_memory(TEXT("/dev/zero")));
	assert_true(vst_proc_is_kernel_memory(TEXT("/SYSV00000000")));
	assert_true(vst_proc_is_kernel_memory(TEXT("/drm mm object")));
	assert_false(vst_proc_is_kernel_memory(TEXT("/dev/zeroes")));
	assert_false(vst_proc_is_kernel_memory(TEXT("/dev/shm/x")));
	assert_false(vst_proc_is_kernel_memory(TEXT("/memfd:x")));
}

static void fdinfo_keeps_the_file_s_own(void **state)
{
	(void)state;
	struct vst_proc_fdinfo info;
	vst_proc_parse_fdinfo(TEXT("pos:\t100\nflags:\t0100002\nmnt_id:\t15\nino:\t7\npos:\t9\n"
	                           "tfd: 5 events: 19 data: 5 pos:0\n"),
	        &info);
	assert_true(info.has_pos && info.has_flags && info.has_mnt_id);
	assert_int_equal(info.pos, 100);
	assert_int_equal(info.flags, 0100002);
	assert_int_equal(info.mnt_id, 15);
	vst_proc_parse_fdinfo(TEXT("pos:\t-1\nflags:\t8\n"), &info);
	assert_false(info.has_pos || info.has_flags);
}

static void cgroup_paths_may_hold_colons(void **state)
{
	(void)state;
	struct vst_proc_cgroup cgroup;
	assert_true(vst_proc_parse_cgroup(TEXT("4:cpu,cpuacct:/a:b c"), &cgroup));
	assert_int_equal(cgroup.hierarchy, 4);
	expect(cgroup.controllers, "cpu,cpuacct");
	expect(cgroup.path, "/a:b c");
	assert_true(vst_proc_parse_cgroup(TEXT("0::/"), &cgroup));
	expect(cgroup.controllers, "");
	assert_false(vst_proc_parse_cgroup(TEXT("0:/"), &cgroup));
	assert_false(vst_proc_parse_cgroup(TEXT("x::/"), &cgroup));
}

static void links_of_numbers_are_read(void **state)
{
	(void)state;
	struct vst_text word;
	uint64_t number;
	assert_true(vst_proc_parse_bracketed(TEXT("net:[4026531840]"), &word, &number));
	expect(word, "net");
	assert_true(number == UINT64_C(4026531840));
	assert_false(vst_proc_parse_bracketed(TEXT("net:[]"), &word, &number));
	assert_false(vst_proc_parse_bracketed(TEXT("net:[1"), &word, &number));
	assert_false(vst_proc_parse_bracketed(TEXT("anon_inode:[eventpoll]"), &word, &number));
	assert_false(vst_proc_parse_bracketed(TEXT("/a"), &word, &number));
}

static void mounts_are_read(void **state)
{
	(void)state;
	struct vst_text point, type;
	assert_true(vst_proc_parse_mount(
	        TEXT("36 35 98:0 /mnt1 /proc/1\\040x rw,noatime master:1 shared:2 - ext4 /dev/root rw"),
	        &point, &type));
	expect(point, "/proc/1\\040x");
	expect(type, "ext4");
	assert_true(vst_proc_parse_mount(TEXT("36 35 0:5 / / rw - tmpfs none rw"), &point, &type));
	assert_false(vst_proc_parse_mount(TEXT("36 35 0:5 / / rw shared:1"), &point, &type));
	assert_false(vst_proc_parse_mount(TEXT("36 35 0:5 / x rw - tmpfs none rw"), &point, &type));
}

static void lines_need_no_end(void **state)
{
	(void)state;
	struct vst_text text = TEXT("a\n\nb"), line;
	assert_true(vst_text_line(&text, &line));
	expect(line, "a");
	assert_true(vst_text_line(&text, &line));
	assert_int_equal(line.len, 0);
	assert_true(vst_text_line(&text, &line));
	expect(line, "b");
	assert_false(vst_text_line(&text, &line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(stat_is_taken_apart),
	        cmocka_unit_test(stat_takes_any_name),
	        cmocka_unit_test(stat_refuses_what_is_none),
	        cmocka_unit_test(status_is_taken_apart),
	        cmocka_unit_test(status_without_numbers_has_none),
	        cmocka_unit_test(maps_lines_are_taken_apart),
	        cmocka_unit_test(maps_refuse_what_is_none),
	        cmocka_unit_test(escapes_are_put_back),
	        cmocka_unit_test(kernel_memory_is_told_from_files),
	        cmocka_unit_test(fdinfo_keeps_the_file_s_own),
	        cmocka_unit_test(cgroup_paths_may_hold_colons),
	        cmocka_unit_test(links_of_numbers_are_read),
	        cmocka_unit_test(mounts_are_read),
	        cmocka_unit_test(lines_need_no_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
