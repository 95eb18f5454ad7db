#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/inode_set.h"
#include "collect/live.h"
#include "collect/live_field.h"
#include "collect/live_module_list.h"
#include "collect/live_mountinfo.h"
#include "collect/live_socket_info.h"
#include "collect/live_taint.h"
#include "collect/live_utmp.h"
#include "collect/live_xtables.h"
#include "collect/recorder.h"
#include "collect/tree.h"
#include "vestige/buf.h"
#include "vestige/err.h"

static bool line_of(const char *text, int family, struct vst_socket *ret)
{
	return vst_socket_line(text, strlen(text), family, SOCK_STREAM, IPPROTO_TCP, ret);
}

static void tables_of_sockets_are_read(void **state)
{
	(void)state;
	struct vst_socket socket;
	assert_true(line_of("   0: 0100007F:1F90 0200000A:0050 01 00000002:00000001 02:00000abc 00000003  "
	                    "1000        0 1612 1 "
	                    "0000000000000000 100 0 0 10 0",
	        AF_INET, &socket));
	assert_memory_equal(socket.local, "\x7f\0\0\1", 4);
	assert_memory_equal(socket.remote, "\x0a\0\0\2", 4);
	assert_int_equal(socket.local_port, 8080);
	assert_int_equal(socket.remote_port, 80);
	assert_int_equal(socket.state, 1);
	assert_int_equal(socket.send_queue, 2);
	assert_int_equal(socket.receive_queue, 1);
	assert_int_equal(socket.uid, 1000);
	assert_int_equal(socket.inode, 1612);
	assert_true(line_of(
	        "0000000000000000: 00000002 00000000 00010000 0005 01 84 /run/a b", AF_UNIX, &socket));
	assert_int_equal(socket.state, 10);
	assert_int_equal(socket.type, SOCK_SEQPACKET);
	assert_int_equal(socket.inode, 84);
	assert_int_equal(socket.name_len, 8);
	assert_memory_equal(socket.name, "/run/a b", 8);
	assert_true(line_of("00000000edfd7717 0   12   00000011 0 0 0 2 0 4 ", AF_NETLINK, &socket));
	assert_int_equal(socket.portid, 12);
	assert_int_equal(socket.groups, 0x11);
	assert_int_equal(socket.inode, 4);
	assert_true(line_of("ffff8880 3      3    0003   2     1 0      33      5555  ", AF_PACKET, &socket));
	assert_int_equal(socket.protocol, 3);
	assert_int_equal(socket.interface, 2);
	assert_int_equal(socket.uid, 33);
	assert_int_equal(socket.inode, 5555);
}

static void tables_of_sockets_refuse_what_is_no_line(void **state)
{
	(void)state;
	static const char whole[] = "   0: 0100007F:1F90 0200000A:0050 01 00000002:00000001 02:00000abc "
	                            "00000003  1000        0 1612";
	struct vst_socket socket;
	assert_true(line_of(whole, AF_INET, &socket));
	for (size_t len = 0; len < sizeof whole - 5; len++)
		assert_false(vst_socket_line(whole, len, AF_INET, SOCK_STREAM, IPPROTO_TCP, &socket));
	assert_false(line_of("  sl  local_address rem_address   st tx_queue", AF_INET, &socket));
	assert_false(line_of(whole, AF_INET6, &socket));
	assert_false(line_of("0: 0100007F:FFFFF 0200000A:0050 01 0:0 0:0 0 0 0 1", AF_INET, &socket));
	assert_false(line_of("Num       RefCount Protocol Flags    Type St Inode Path", AF_UNIX, &socket));
	assert_false(line_of("sk               Eth Pid        Groups", AF_NETLINK, &socket));
	assert_false(line_of("sk               RefCnt Type Proto  Iface", AF_PACKET, &socket));
}

static void unescape(struct vst_mount_text text, const char *expected)
{
	struct vst_buf out = VST_BUF_INIT;
	vst_mountinfo_unescape(&out, text);
	assert_string_equal(vst_buf_cstr(&out), expected);
	vst_buf_free(&out);
}

static void mounts_are_read_with_tags_and_escapes(void **state)
{
	(void)state;
	static const char line[] = "36 35 98:10 / /a\\040b\\134c\\012 rw,noatime shared:1 master:2 - fuse.x "
	                           "srv:/\\043 rw,o=\\400";
	struct vst_mountinfo mount;
	assert_true(vst_mountinfo_parse(line, sizeof line - 1, &mount));
	assert_int_equal(mount.id, 36);
	assert_int_equal(mount.parent, 35);
	assert_int_equal(mount.major, 98);
	assert_int_equal(mount.minor, 10);
	assert_int_equal(mount.tag_count, 2);
	unescape(mount.point, "/a b\\c\n");
	unescape(mount.source, "srv:/#");
	unescape(mount.super_options, "rw,o=\\400");
	static const char empty[] = "36 35 0:1 / / rw - tmpfs  rw";
	assert_true(vst_mountinfo_parse(empty, sizeof empty - 1, &mount));
	assert_int_equal(mount.tag_count, 0);
	assert_int_equal(mount.source.len, 0);
	unescape(mount.super_options, "rw");
	static const char dash[] = "36 35 0:1 / / rw tmpfs x rw";
	assert_false(vst_mountinfo_parse(dash, sizeof dash - 1, &mount));
	assert_false(vst_mountinfo_parse("x 35 0:1 / / rw - a b c", 23, &mount));
	assert_false(vst_mountinfo_parse("", 0, &mount));
}

static void put16(uint8_t *at, int16_t value)
{
	memcpy(at, &value, sizeof value);
}

static void put32(uint8_t *at, int32_t value)
{
	memcpy(at, &value, sizeof value);
}

static void utmp_records_of_both_sizes_are_told_apart(void **state)
{
	(void)state;
	uint8_t narrow[2 * VST_UTMP_RECORD] = {0}, wide[3 * VST_UTMP_RECORD_64] = {0};
	struct vst_utmp record;
	put16(narrow, 7);
	put32(narrow + 4, 123);
	memset(narrow + 8, 'l', 32);
	memcpy(narrow + 44, "ann", 3);
	put32(narrow + 340, 1700000000);
	assert_int_equal(vst_utmp_record_size(narrow, sizeof narrow), VST_UTMP_RECORD);
	assert_int_equal(vst_utmp_record_size(narrow, VST_UTMP_RECORD + 5), VST_UTMP_RECORD);
	assert_true(vst_utmp_parse(narrow, VST_UTMP_RECORD, &record));
	assert_string_equal(vst_utmp_type_name(record.type), "user_process");
	assert_int_equal(record.pid, 123);
	assert_int_equal(record.line_len, 32);
	assert_int_equal(record.user_len, 3);
	assert_int_equal(record.seconds, 1700000000);
	assert_false(vst_utmp_parse(narrow + VST_UTMP_RECORD, VST_UTMP_RECORD, &record));
	for (size_t i = 0; i < 3; i++) {
		put16(wide + i * VST_UTMP_RECORD_64, 7);
		put32(wide + i * VST_UTMP_RECORD_64 + 344, 1700000000);
	}
	assert_int_equal(vst_utmp_record_size(wide, sizeof wide), VST_UTMP_RECORD_64);
	assert_true(vst_utmp_parse(wide, VST_UTMP_RECORD_64, &record));
	assert_int_equal(record.seconds, 1700000000);
	assert_int_equal(vst_utmp_record_size(NULL, 0), VST_UTMP_RECORD);
	assert_null(vst_utmp_type_name(-1));
	assert_null(vst_utmp_type_name(10));
}

static void modules_are_read_and_compared(void **state)
{
	(void)state;
	static const char text[] = "nvidia 123 - nvidia_drm,x, Live 0xffffffffc0000000 (POE)";
	struct vst_module_line line;
	const char *name;
	size_t len;
	assert_true(vst_module_line_parse(text, sizeof text - 1, &line));
	assert_int_equal(line.size, 123);
	assert_false(line.has_references);
	assert_memory_equal(line.taint, "(POE)", 5);
	assert_false(vst_module_line_parse(text, 20, &line));
	static const char symbol[] = "ffffffffc0000000 t f\t[evil]", builtin[] = "ffffffffc0000000 t f",
	                  bpf[] = "ffffffffc0000000 t bpf_prog_1\t[bpf]";
	assert_true(vst_module_symbol(symbol, sizeof symbol - 1, &name, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(name, "evil", 4);
	assert_false(vst_module_symbol(builtin, sizeof builtin - 1, &name, &len));
	assert_false(vst_module_symbol(bpf, sizeof bpf - 1, &name, &len));
	const unsigned all = VST_MODULES_PROC | VST_MODULES_SYS | VST_MODULES_SYMBOLS;
	assert_false(vst_modules_differ(&(struct vst_module){"a", VST_MODULES_PROC | VST_MODULES_SYS}, all));
	assert_true(vst_modules_differ(&(struct vst_module){"a", VST_MODULES_SYS}, all));
	assert_true(vst_modules_differ(&(struct vst_module){"a", VST_MODULES_PROC}, all));
	assert_true(vst_modules_differ(&(struct vst_module){"a", VST_MODULES_SYMBOLS}, all));
	assert_false(vst_modules_differ(&(struct vst_module){"a", VST_MODULES_SYS}, VST_MODULES_SYS));
	assert_false(vst_modules_differ(&(struct vst_module){"a", VST_MODULES_SYMBOLS}, VST_MODULES_SYMBOLS));
}

/* ---- modules of a made-up host ---- */

static void write_text(int root, const char *path, const char *text)
{
	tree_write(root, path, text, strlen(text));
}

static char *lines_of(struct recorder *recorder, const char *path)
{
	const struct record *record = recorder_find(recorder, path);
	assert_non_null(record);
	return (char *)vst_memdup(
	        record->content.len ? (const void *)record->content.data : "", record->content.len);
}

static void modules_that_one_list_hides_are_findings(void **state)
{
	(void)state;
	int root = tree_make();
	tree_mkdirs(root, "proc");
	write_text(root, "proc/modules", "good 16384 1 - Live 0x0\nnosys 16384 0 - Live 0x0 (OE)\n");
	write_text(root, "proc/kallsyms", "0 t a\n0 t b\t[good]\n0 t c\t[ghost]\n0 t d\t[bpf]\n");
	tree_mkdirs(root, "sys");
	tree_mkdirs(root, "sys/module");
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"good", "builtin", "hidden"};
		char path[64];
		snprintf(path, sizeof path, "sys/module/%s", names[i]);
		tree_mkdirs(root, path);
		snprintf(path, sizeof path, "sys/module/%s/initstate", names[i]);
		if (i != 1)
			write_text(root, path, "live\n");
	}
	struct recorder recorder = {.keep = true};
	struct vst_collect_context context = {.root_fd = root,
	        .live = true,
	        .item_limit = UINT64_MAX,
	        .exhibit_left = UINT64_MAX,
	        .source_left = UINT64_MAX,
	        .content = true};
	char source_name[] = "live";
	const struct vst_policy_source source = {
	        .name = source_name, .kind = VST_SOURCE_LIVE, .live = VST_LIVE_MODULES};
	const struct vst_sink sink = recorder_sink(&recorder);
	struct vst_err err = VST_ERR_INIT;
	snprintf(recorder.current_source, sizeof recorder.current_source, "live");
	assert_int_equal(vst_collect(&context, &source, &sink, &err), 0);
	char *modules = lines_of(&recorder, "/modules.jsonl"),
	     *findings = lines_of(&recorder, "/findings.jsonl");
	assert_non_null(strstr(
	        modules, "\"from\":\"/proc/modules\",\"name\":\"good\",\"size\":16384,\"references\":1"));
	assert_non_null(strstr(modules, "\"name\":\"nosys\""));
	assert_non_null(strstr(modules, "\"taint\":\"(OE)\""));
	assert_non_null(
	        strstr(modules, "\"from\":\"/sys/module\",\"name\":\"hidden\",\"initstate\":\"live\""));
	assert_non_null(strstr(modules, "\"from\":\"/proc/kallsyms\",\"name\":\"ghost\""));
	assert_null(strstr(modules, "builtin"));
	assert_non_null(strstr(findings, "\"name\":\"nosys\",\"listed_by\":[\"/proc/modules\"]"));
	assert_non_null(strstr(findings, "\"name\":\"hidden\",\"listed_by\":[\"/sys/module\"]"));
	assert_non_null(strstr(findings, "\"name\":\"ghost\",\"listed_by\":[\"/proc/kallsyms\"]"));
	assert_null(strstr(findings, "\"name\":\"good\""));
	assert_null(strstr(findings, "builtin"));
	assert_null(strstr(findings, "\"name\":\"bpf\""));
	free(modules);
	free(findings);
	recorder_free(&recorder);
	tree_remove(root);
}

static void legacy_tables_with_lengths_that_lie_are_not_followed(void **state)
{
	(void)state;
	const struct vst_xtables_layout *layout = vst_xtables_layout_of(AF_INET);
	uint8_t entries[2 * 152] = {0};
	struct vst_xtables_info info = {.hooks = 2, .underflow = {[1] = 152}, .count = 2};
	for (size_t at = 0; at < sizeof entries; at += 152) {
		put16(entries + at + layout->target_offset, 112);
		put16(entries + at + layout->next_offset, 152);
		put32(entries + at + 144, at == 0 ? -2 : -1);
	}
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&line);
	vst_json_object(&json);
	assert_true(vst_xtables_write(layout, &info, entries, sizeof entries, &json));
	vst_json_end(&json);
	assert_string_equal(vst_buf_cstr(&line), "{\"policies\":{\"INPUT\":\"DROP\"},\"rules\":[{\"verdict\":"
	                                         "\"ACCEPT\",\"packets\":0,\"bytes\":0},"
	                                         "{\"verdict\":\"DROP\",\"packets\":0,\"bytes\":0}]}");
	static const int16_t lies[] = {0, 111, 143, 153, -1};
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		put16(entries + 152 + layout->next_offset, lies[i]);
		vst_buf_clear(&line);
		json = vst_json_begin(&line);
		vst_json_object(&json);
		assert_false(vst_xtables_write(layout, &info, entries, sizeof entries, &json));
		vst_json_end(&json);
	}
	vst_buf_free(&line);
}

static void numbers_are_whole_and_fit(void **state)
{
	(void)state;
	uint64_t number;
	assert_true(vst_live_number("18446744073709551615", 20, 10, &number));
	assert_true(number == UINT64_MAX);
	assert_false(vst_live_number("18446744073709551616", 20, 10, &number));
	assert_false(vst_live_number("", 0, 10, &number));
	assert_false(vst_live_number("1 ", 2, 10, &number));
	assert_false(vst_live_number("8", 1, 8, &number));
	assert_true(vst_live_number("aF", 2, 16, &number));
	assert_int_equal(number, 0xaf);
}

static void sets_of_inodes_hold_each(void **state)
{
	(void)state;
	struct vst_inode_set set = {0};
	assert_false(vst_inode_set_has(&set, 0));
	for (uint64_t i = 1000; i > 0; i--)
		assert_int_equal(vst_inode_set_add(&set, i * 3, NULL), 0);
	assert_int_equal(vst_inode_set_add(&set, 0, NULL), 0);
	assert_int_equal(set.count, 1000);
	assert_true(vst_inode_set_has(&set, 3000));
	assert_false(vst_inode_set_has(&set, 3001));
	assert_false(vst_inode_set_has(&set, 0));
	vst_inode_set_free(&set);
}

static void taints_have_letters(void **state)
{
	(void)state;
	assert_int_equal(vst_taint_of(0)->letter, 'P');
	assert_int_equal(vst_taint_of(12)->letter, 'O');
	assert_int_equal(vst_taint_of(13)->letter, 'E');
	assert_null(vst_taint_of(VST_TAINTS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(tables_of_sockets_are_read),
	        cmocka_unit_test(tables_of_sockets_refuse_what_is_no_line),
	        cmocka_unit_test(mounts_are_read_with_tags_and_escapes),
	        cmocka_unit_test(utmp_records_of_both_sizes_are_told_apart),
	        cmocka_unit_test(modules_are_read_and_compared),
	        cmocka_unit_test(modules_that_one_list_hides_are_findings),
	        cmocka_unit_test(legacy_tables_with_lengths_that_lie_are_not_followed),
	        cmocka_unit_test(numbers_are_whole_and_fit),
	        cmocka_unit_test(sets_of_inodes_hold_each),
	        cmocka_unit_test(taints_have_letters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
