#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/tree.h"
#include "vestige/accounts.h"
#include "vestige/buf.h"
#include "vestige/err.h"

static struct vst_accounts *parse(const char *passwd, size_t len)
{
	struct vst_accounts *accounts = NULL;
	assert_int_equal(vst_accounts_parse(passwd, len, NULL, 0, &accounts, NULL), 0);
	return accounts;
}

static void accounts_give_names_of_ids(void **state)
{
	(void)state;
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
	static const char group[] = "root:x:0:\nadm:x:4:ann,bob\n";
	struct vst_accounts *accounts = NULL;
	assert_int_equal(
	        vst_accounts_parse(passwd, sizeof passwd - 1, group, sizeof group - 1, &accounts, NULL), 0);
	assert_string_equal(vst_accounts_user(accounts, 0), "root");
	assert_string_equal(vst_accounts_user(accounts, 1000), "ann");
	assert_string_equal(vst_accounts_group(accounts, 4), "adm");
	assert_null(vst_accounts_user(accounts, 4));
	assert_null(vst_accounts_group(accounts, 1000));
	assert_null(vst_accounts_user(accounts, UINT64_MAX));
	vst_accounts_free(accounts);
}

static void accounts_skip_lines_that_do_not_parse(void **state)
{
	(void)state;
	static const char passwd[] = "# comment:x:1:1:\n"
	                             "\n"
	                             ":x:2:2:\n"
	                             "+nis:x:3:3:\n"
	                             "-nis:x:4:4:\n"
	                             "short\n"
	                             "short:x\n"
	                             "noid:x::5:\n"
	                             "sign:x:-6:6:\n"
	                             "plus:x:+6:6:\n"
	                             "space:x: 7:7:\n"
	                             "hex:x:0x8:8:\n"
	                             "overflow:x:18446744073709551617:1:\n"
	                             "none:x:4294967295:1:\n"
	                             "cut:x:9\n"
	                             "nul\0inside:x:10:10:\n"
	                             "good:x:11:11:\n";
	struct vst_accounts *accounts = parse(passwd, sizeof passwd - 1);
	for (uint64_t id = 0; id < 11; id++)
		assert_null(vst_accounts_user(accounts, id));
	assert_null(vst_accounts_user(accounts, UINT32_MAX));
	assert_string_equal(vst_accounts_user(accounts, 11), "good");
	vst_accounts_free(accounts);
}

static void accounts_let_the_first_entry_of_an_id_win(void **state)
{
	(void)state;
	static const char passwd[] = "root:x:0:0:::\nb:x:5:5:::\ntoor:x:0:0:::\na:x:5:5:::\n";
	struct vst_accounts *accounts = parse(passwd, sizeof passwd - 1);
	assert_string_equal(vst_accounts_user(accounts, 0), "root");
	assert_string_equal(vst_accounts_user(accounts, 5), "b");
	vst_accounts_free(accounts);
}

static void accounts_keep_names_of_any_bytes(void **state)
{
	(void)state;
	static const char passwd[] = "na\033[2J\xff me:x:7:7:::\nlast:x:8:8:";
	struct vst_accounts *accounts = parse(passwd, sizeof passwd - 1);
	assert_string_equal(vst_accounts_user(accounts, 7), "na\033[2J\xff me");
	assert_string_equal(vst_accounts_user(accounts, 8), "last");
	vst_accounts_free(accounts);
}

static void accounts_skip_names_that_are_too_long(void **state)
{
	(void)state;
	struct vst_buf passwd = VST_BUF_INIT;
	for (int i = 0; i <= VST_ACCOUNTS_NAME_MAX; i++)
		vst_buf_byte(&passwd, 'n');
	vst_buf_text(&passwd, ":x:1:1:\nok:x:2:2:\n");
	struct vst_accounts *accounts = parse((const char *)passwd.data, passwd.len);
	assert_null(vst_accounts_user(accounts, 1));
	assert_string_equal(vst_accounts_user(accounts, 2), "ok");
	vst_accounts_free(accounts);
	vst_buf_free(&passwd);
}

static void accounts_refuse_files_that_are_too_long(void **state)
{
	(void)state;
	struct vst_accounts *accounts = NULL;
	assert_int_equal(
	        vst_accounts_parse("", VST_ACCOUNTS_FILE_MAX + 1, NULL, 0, &accounts, NULL), VST_ELIMIT);
	assert_null(accounts);
}

static void accounts_load_from_the_image_and_nowhere_else(void **state)
{
	(void)state;
	static const char passwd[] = "image:x:0:0:::\n";
	struct vst_accounts *accounts = NULL;
	int root = tree_make();
	tree_mkdirs(root, "etc");
	tree_write(root, "etc/real", passwd, sizeof passwd - 1);
	assert_int_equal(symlinkat("/etc/real", root, "etc/passwd"), 0);
	/* Followed on the host, this would find the host's own. */
	assert_int_equal(symlinkat("../../../../../../etc/group", root, "etc/group"), 0);
	assert_int_equal(vst_accounts_load(root, &accounts, NULL), 0);
	assert_string_equal(vst_accounts_user(accounts, 0), "image");
	assert_null(vst_accounts_group(accounts, 0));
	vst_accounts_free(accounts);
	tree_remove(root);
}

static void accounts_load_without_files(void **state)
{
	(void)state;
	struct vst_accounts *accounts = NULL;
	int root = tree_make();
	tree_mkdirs(root, "etc");
	assert_int_equal(mkfifoat(root, "etc/passwd", 0600), 0); /* and does not wait for it */
	assert_int_equal(vst_accounts_load(root, &accounts, NULL), 0);
	assert_null(vst_accounts_user(accounts, 0));
	vst_accounts_free(accounts);
	tree_remove(root);
}

static void accounts_give_the_home_of_each_line(void **state)
{
	(void)state;
	static const char passwd[] =
	        "root:x:0:0:root:/root:/bin/sh\n# no\ntoor:x:0:0::/tmp/.x:\nroot:x:1:1:::\n"
	        "short:x:2:2\nnone:x:3:\nlast:x:4:4::/home/last";
	static const struct vst_account_home expected[] = {{"root", "/root", 1}, {"toor", "/tmp/.x", 3},
	        {"root", "", 4}, {"short", "", 5}, {"none", "", 6}, {"last", "/home/last", 7}};
	struct vst_accounts *accounts = parse(passwd, sizeof passwd - 1);
	struct vst_account_home home;
	size_t count = 0;
	for (; vst_accounts_home(accounts, count, &home); count++) {
		assert_true(count < 6);
		assert_string_equal(home.user, expected[count].user);
		assert_string_equal(home.home, expected[count].home);
		assert_int_equal(home.line, expected[count].line);
	}
	assert_int_equal(count, 6);
	vst_accounts_free(accounts);
	assert_false(vst_accounts_home(NULL, 0, &home));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(accounts_give_the_home_of_each_line),
	        cmocka_unit_test(accounts_give_names_of_ids),
	        cmocka_unit_test(accounts_skip_lines_that_do_not_parse),
	        cmocka_unit_test(accounts_let_the_first_entry_of_an_id_win),
	        cmocka_unit_test(accounts_keep_names_of_any_bytes),
	        cmocka_unit_test(accounts_skip_names_that_are_too_long),
	        cmocka_unit_test(accounts_refuse_files_that_are_too_long),
	        cmocka_unit_test(accounts_load_from_the_image_and_nowhere_else),
	        cmocka_unit_test(accounts_load_without_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
