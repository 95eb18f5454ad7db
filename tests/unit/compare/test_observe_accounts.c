#include "compare/observing.h"

extern const struct vst_observer vst_observe_accounts;
static const struct vst_observer *const observer = &vst_observe_accounts;

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
                             "postgres:x:110:117:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n"
                             "anna:x:1000:1000:Anna,,,:/home/anna:/bin/bash\n";
static const char shadow[] =
        "root:*:19000:0:99999:7:::\n"
        "daemon:*:19000:0:99999:7:::\n"
        "postgres:!:19000::::::\n"
        "anna:$y$j9T$Vv1Q8s3T4XaJg0Fq2T.2d1$kq1Cq7eS5b1D4Q5wNf0Z9o7o8y9yQpQhJr5uCqBz4B5:19500:0:99999:7:::\n";
static const char group[] = "root:x:0:\nadm:x:4:\nsudo:x:27:anna\npostgres:x:117:\nanna:x:1000:\n";
static const char sudoers[] = "# Comment \\\n"
                              "Defaults\tenv_reset\n"
                              "root\tALL=(ALL:ALL) ALL\n"
                              "%sudo ALL=(ALL:ALL) \\\n ALL\n"
                              "@includedir /etc/sudoers.d\n";

static void exhibit_with(struct exhibit *exhibit, uint64_t day, const char *passwd_text,
        const char *shadow_text, const char *group_text, const char *sudoers_text)
{
	exhibit_of(exhibit, day);
	if (passwd_text)
		add_text(exhibit, observer, "/etc/passwd", passwd_text);
	if (shadow_text)
		add_text(exhibit, observer, "/etc/shadow", shadow_text);
	if (group_text)
		add_text(exhibit, observer, "/etc/group", group_text);
	if (sudoers_text)
		add_text(exhibit, observer, "/etc/sudoers", sudoers_text);
}

static void text_after(char *to, const char *text, const char *more)
{
	strcpy(to, text);
	strcat(to, more);
}

static const char *judged_texts(
        const char *new_passwd, const char *new_shadow, const char *new_group, const char *new_sudoers)
{
	static struct exhibit before, after;
	exhibit_with(&before, 1, passwd, shadow, group, sudoers);
	exhibit_with(&after, 2, new_passwd, new_shadow, new_group, new_sudoers);
	const char *found = judged(observer, &before, &after);
	exhibit_free(&before);
	exhibit_free(&after);
	return found;
}

static void wants_by_path(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		bool wanted;
	} cases[] = {{"/etc/passwd", true}, {"/etc/passwd-", false}, {"/etc/shadow", true},
	        {"/srv/etc/shadow", false}, {"/etc/sudoers.d/90-cloud-init-users", true},
	        {"/etc/sudoers.d/README.dpkg-old", false}, {"/etc/sudoers.d/x~", false},
	        {"/etc/sudoers.d/", false}, {"/etc/sudoers.d/a/b", false}, {"/var/log/lastlog", true}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct vst_item item;
		vst_item_init(&item);
		item.type = VST_ITEM_FILE;
		item.path = cases[i].path;
		assert_int_equal(observer->wants(&item), cases[i].wanted);
		item.type = VST_ITEM_SYMLINK;
		assert_false(observer->wants(&item));
	}
}

static void facts_hold_no_hashes(void **state)
{
	(void)state;
	struct exhibit exhibit;
	exhibit_with(&exhibit, 1,
	        "toor:$1$abcdefgh$ijklmnopqrstuvwxyz0123:0:0::/:/bin/sh\nold:ABCDEFGHIJKLM:5:5::/:\n", shadow,
	        NULL, NULL);
	add_text(&exhibit, observer, "/etc/group", "sudo:x:27:b,,c\nusers:x:100:d\nzero:x:0:e\n");
	assert_string_equal(facts_of(&exhibit, 0),
	        "{\"format\":1,\"kind\":\"passwd\",\"entries\":[[\"toor\",0,0,\"/\",\"/bin/sh\",\"set\"],"
	        "[\"old\",5,5,\"/\",\"\",\"set\"]],\"lines\":2,\"odd\":0}");
	assert_string_equal(facts_of(&exhibit, 1),
	        "{\"format\":1,\"kind\":\"shadow\",\"entries\":[[\"root\",\"locked\",\"\",19000],"
	        "[\"daemon\",\"locked\",\"\",19000],[\"postgres\",\"locked\",\"\",19000],[\"anna\",\"set\","
	        "\"y\",19500]],"
	        "\"lines\":4,\"odd\":0}");
	assert_string_equal(facts_of(&exhibit, 2), "{\"format\":1,\"kind\":\"group\",\"entries\":[[\"sudo\","
	                                           "27,[\"b\",\"c\"]],[\"zero\",0,[\"e\"]]],"
	                                           "\"lines\":3,\"odd\":0}");
	exhibit_free(&exhibit);
}

static void same_files_find_nothing(void **state)
{
	(void)state;
	assert_string_equal(judged_texts(passwd, shadow, group, sudoers), "");
	struct exhibit first;
	exhibit_with(&first, 1, passwd, shadow, group, sudoers);
	assert_string_equal(judged(observer, NULL, &first), "");
	exhibit_free(&first);
}

static void what_a_later_exhibit_lacks_is_no_removal(void **state)
{
	(void)state;
	assert_string_equal(judged_texts(passwd, NULL, NULL, NULL), "");
	assert_string_equal(judged_texts(NULL, shadow, group, sudoers), "");
}

static void packages_add_accounts_of_services(void **state)
{
	(void)state;
	char p[2048], s[2048], g[2048];
	text_after(p, passwd,
	        "_chrony:x:111:118:Chrony "
	        "daemon,,,:/var/lib/chrony:/usr/sbin/nologin\ngit:x:112:119::/srv/git:/bin/sh\n");
	text_after(s, shadow, "_chrony:!:19700::::::\ngit:!:19700::::::\n");
	text_after(g, group, "docker:x:120:_chrony\n");
	assert_string_equal(judged_texts(p, s, g, sudoers),
	        "info account_added: account _chrony (number 111, shell /usr/sbin/nologin) was added\n"
	        "low account_added: account git (number 112, shell /bin/sh) was added\n"
	        "low group_member_added: _chrony is now a member of the privileged group docker\n");
}

static void users_come_and_go(void **state)
{
	(void)state;
	char p[2048];
	text_after(p, passwd, "otto:x:1001:1001::/home/otto:/bin/sh\n");
	assert_string_equal(judged_texts(p, shadow, group, sudoers),
	        "medium account_added: account otto (number 1001, shell /bin/sh) was added\n");
	assert_string_equal(judged_texts("root:x:0:0:root:/root:/bin/bash\n", shadow, group, sudoers),
	        "low account_removed: account daemon (number 1, shell /usr/sbin/nologin) was removed\n"
	        "low account_removed: account postgres (number 110, shell /bin/bash) was removed\n"
	        "low account_removed: account anna (number 1000, shell /bin/bash) was removed\n");
}

static void a_second_root_is_found_once(void **state)
{
	(void)state;
	char p[2048];
	text_after(p, passwd, "toor::0:0::/root:/bin/bash\n");
	const char *found = judged_texts(p, shadow, group, sudoers);
	assert_has(found,
	        "high account_uid_zero: account toor (number 0, shell /bin/bash) has all of root's rights\n");
	assert_has(found, "high account_password_empty: account toor can be entered without a password\n");
	struct exhibit before, after;
	exhibit_with(&before, 1, p, shadow, NULL, NULL);
	exhibit_with(&after, 2, p, shadow, NULL, NULL);
	assert_string_equal(judged(observer, &before, &after), "");
	assert_has(judged(observer, NULL, &after), "high account_uid_zero: ");
	assert_has(judged(observer, NULL, &after), "medium account_password_empty: ");
	exhibit_free(&before);
	exhibit_free(&after);
	assert_has(judged_texts("root:x:0:0:::\nanna:x:0:1000:Anna,,,:/home/anna:/bin/bash\n", shadow, group,
	                   sudoers),
	        "high account_uid_zero: account anna ");
}

static void services_do_not_get_passwords(void **state)
{
	(void)state;
	static const char opened[] =
	        "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"
	        "postgres:$6$abcdefgh$0123456789:19700::::::\nanna:$1$abcdefgh$0123:19400:0:99999:7:::\n";
	const char *found = judged_texts(passwd, opened, group, sudoers);
	assert_has(found, "high account_system_opened: account postgres (number 110, shell /bin/bash) can be "
	                  "logged in to\n");
	assert_has(found, "low account_password_changed: there is now a password for postgres\n");
	assert_has(found, "medium account_password_changed: a weaker method hashes the password of anna\n");
	/* An earlier exhibit without shadow does not tell that it was closed. */
	struct exhibit before, after;
	exhibit_with(&before, 1, passwd, NULL, NULL, NULL);
	exhibit_with(&after, 2, passwd, opened, NULL, NULL);
	assert_string_equal(judged(observer, &before, &after), "");
	exhibit_free(&before);
	exhibit_free(&after);
}

static void shells_open(void **state)
{
	(void)state;
	static const char opened[] = "root:x:0:0:root:/root:/bin/bash\n"
	                             "daemon:x:1:1:daemon:/usr/sbin:/bin/sh\n"
	                             "postgres:x:110:117:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n"
	                             "anna:x:1005:4:Anna,,,:/home/anna:/bin/bash\n";
	assert_string_equal(judged_texts(opened, shadow, group, sudoers),
	        "medium account_shell_opened: account daemon had the shell /usr/sbin/nologin and has "
	        "/bin/sh\n"
	        "medium account_uid_changed: account anna had number 1000 and has 1005\n"
	        "medium group_member_added: anna is now a member of the privileged group adm\n");
}

static void groups_and_passwords(void **state)
{
	(void)state;
	static const char emptied[] =
	        "root::19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\npostgres:!:19000::::::\n"
	        "anna:$y$j9T$other$other:19600:0:99999:7:::\n";
	assert_string_equal(
	        judged_texts(passwd, emptied,
	                "root:x:0:\nadm:x:4:\nsudo:x:27:anna,daemon,postgres\nanna:x:0:\n+:::\n", sudoers),
	        "high account_password_empty: account root can be entered without a password\n"
	        "low account_password_changed: there is another password for anna\n"
	        "medium account_file_odd: 1 lines of group do not follow its format\n"
	        "low group_member_added: daemon is now a member of the privileged group sudo\n"
	        "medium group_member_added: postgres is now a member of the privileged group sudo\n"
	        "medium group_number_zero: group anna has number 0\n");
}

static void sudoers_lines(void **state)
{
	(void)state;
	char s[2048];
	text_after(s, sudoers,
	        "anna ALL=(ALL) NOPASSWD:ALL\n"
	        "postgres ALL = NOPASSWD : SETENV: /usr/bin/x, ALL # why\n"
	        "daemon ALL=(root) NOPASSWD: /usr/bin/ALL\n"
	        "#1000 ALL=ALL\n# 1000 ALL=ALL\n#include /tmp/x\n"
	        "Defaults !authenticate\nDefaults:anna !authenticate\nDefaults use_pty\n");
	assert_string_equal(judged_texts(passwd, shadow, group, s),
	        "medium sudoers_line_added: a line for anna, without asking for a password, was added\n"
	        "high sudoers_line_added: a line for postgres, without asking for a password, was added\n"
	        "medium sudoers_line_added: a line for daemon, without asking for a password, was added\n"
	        "medium sudoers_line_added: a line for #1000 was added\n"
	        "medium sudoers_line_added: a line for #include was added\n"
	        "high sudoers_line_added: a line for Defaults, without asking for a password, was added\n"
	        "medium sudoers_line_added: a line for Defaults:anna, without asking for a password, was "
	        "added\n"
	        "low sudoers_line_added: a line for Defaults was added\n");
	assert_string_equal(
	        judged_texts(passwd, shadow, group,
	                "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"),
	        "low sudoers_line_removed: a line for %sudo was removed\n");
}

static void a_line_may_move_between_files(void **state)
{
	(void)state;
	struct exhibit before, after;
	exhibit_with(&before, 1, NULL, NULL, NULL, sudoers);
	exhibit_with(&after, 2, NULL, NULL, NULL,
	        "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n");
	add_text(&after, observer, "/etc/sudoers.d/admins", "%sudo ALL=(ALL:ALL) \\\n ALL\n");
	assert_string_equal(judged(observer, &before, &after), "");
	exhibit_free(&before);
	exhibit_free(&after);
}

static void names_cannot_inject(void **state)
{
	(void)state;
	char p[4096], name[600];
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = 0;
	snprintf(p, sizeof p, "%sev\x1b[2Jil\xff\":x:1001:1001::/:/bin/sh\n%s:x:1002:1002::/:/bin/sh\n",
	        passwd, name);
	const char *found = judged_texts(p, shadow, group, sudoers);
	assert_has(found, "account ev\\x1b[2Jil\\xff\" (number");
	assert_has(found, "aaa~");
	assert_null(strchr(found, 0x1b));
}

static void long_files_are_cut_but_not_of_roots(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	struct exhibit before, after;
	for (int i = 0; i < 9000; i++)
		vst_buf_printf(&text, "user%d:x:%d:100::/home/user%d:/bin/bash\n", i, 2000 + i, i);
	exhibit_of(&before, 1);
	exhibit_of(&after, 2);
	add_file(&before, observer, "/etc/passwd", text.data, text.len);
	vst_buf_text(&text, "zz:x:0:0::/:/bin/sh\n");
	add_file(&after, observer, "/etc/passwd", text.data, text.len);
	assert_has(facts_of(&after, 0), "\"cut\":true");
	assert_string_equal(judged(observer, &before, &after),
	        "high account_uid_zero: account zz (number 0, shell /bin/sh) has all of root's rights\n"
	        "medium account_file_odd: 0 lines of passwd do not follow its format, and it has more lines "
	        "than can be compared\n");
	assert_string_equal(judged(observer, &after, &after), "");
	vst_buf_free(&text);
	exhibit_free(&before);
	exhibit_free(&after);
}

/* ---- lastlog ---- */

static void lastlog_entry(uint8_t *file, size_t size, unsigned uid, uint32_t time, bool big, const char *host)
{
	uint8_t *at = file + (size_t)uid * size;
	size_t len = size == 292 ? 4 : 8;
	memset(at, 0, size);
	for (size_t i = 0; i < 4; i++)
		at[big ? len - 1 - i : i] = (uint8_t)(time >> 8 * i);
	if (time)
		strcpy((char *)at + len, "pts/0");
	if (time)
		strcpy((char *)at + len + 32, host);
}

static void lastlog_forms(void **state)
{
	(void)state;
	uint8_t file[296 * 20];
	for (int form = 0; form < 4; form++) {
		size_t size = form & 1 ? 296 : 292;
		bool big = form & 2;
		struct exhibit exhibit;
		char expected[200];
		memset(file, 0, sizeof file);
		lastlog_entry(file, size, 0, 1700000000, big, "10.0.0.1");
		lastlog_entry(file, size, 17, 1700000001, big, "10.0.0.2");
		exhibit_of(&exhibit, 1);
		add_file(&exhibit, observer, "/var/log/lastlog", file, 20 * size);
		snprintf(expected, sizeof expected,
		        "{\"format\":1,\"kind\":\"lastlog\",\"record\":%zu,\"endian\":\"%s\",\"entries\":[[0,"
		        "1700000000,",
		        size, big ? "big" : "little");
		assert_has(facts_of(&exhibit, 0), expected);
		assert_has(facts_of(&exhibit, 0), "[17,1700000001,");
		exhibit_free(&exhibit);
	}
}

static void lastlog_may_be_sparse(void **state)
{
	(void)state;
	uint8_t record[292];
	struct vst_item item;
	struct vst_buf facts = VST_BUF_INIT;
	void *reading;
	vst_item_init(&item);
	item.path = "/var/log/lastlog";
	lastlog_entry(record, 292, 0, 1700000000, false, "host");
	assert_int_equal(observer->open(&reading, &item, NULL), 0);
	assert_int_equal(observer->data(reading, 0, record, 292, NULL), 0);
	assert_int_equal(observer->data(reading, UINT64_C(4294967294) * 292, record, 292, NULL), 0);
	assert_int_equal(observer->close(reading, &facts, NULL), 0);
	observer->free(reading);
	assert_has(vst_buf_cstr(&facts), "[4294967294,1700000000,");
	vst_buf_free(&facts);
}

static void last_logins_do_not_go_away(void **state)
{
	(void)state;
	uint8_t file[292 * 1010];
	struct exhibit before, after;
	memset(file, 0, sizeof file);
	lastlog_entry(file, 292, 0, 1700000000, false, "a");
	lastlog_entry(file, 292, 110, 1700000100, false, "b");
	lastlog_entry(file, 292, 1000, 1700000200, false, "c");
	lastlog_entry(file, 292, 1001, 1700000300, false, "d");
	exhibit_with(&before, 1, passwd, NULL, NULL, NULL);
	add_file(&before, observer, "/var/log/lastlog", file, sizeof file);
	lastlog_entry(file, 292, 0, 0, false, "");
	lastlog_entry(file, 292, 110, 1600000000, false, "b");
	lastlog_entry(file, 292, 1000, 1700000200, false, "x");
	lastlog_entry(file, 292, 1001, 1700086400, false, "d");
	exhibit_with(&after, 2, passwd, NULL, NULL, NULL);
	add_file(&after, observer, "/var/log/lastlog", file, sizeof file);
	assert_string_equal(judged(observer, &before, &after),
	        "high lastlog_entry_gone: 1 accounts' last logins are gone\n"
	        "high lastlog_entry_earlier: 1 accounts' last logins are earlier than before\n"
	        "high lastlog_entry_rewritten: 1 accounts' last logins have the same time and another "
	        "content\n");
	exhibit_free(&before);
	exhibit_free(&after);
}

/* useradd gives out the number of an account that was removed, and clears its entry. */
static void a_new_owner_starts_without_a_last_login(void **state)
{
	(void)state;
	uint8_t file[292 * 1010];
	struct exhibit before, after;
	memset(file, 0, sizeof file);
	lastlog_entry(file, 292, 1000, 1700000200, false, "c");
	exhibit_with(&before, 1, passwd, NULL, NULL, NULL);
	add_file(&before, observer, "/var/log/lastlog", file, sizeof file);
	lastlog_entry(file, 292, 1000, 0, false, "");
	exhibit_with(&after, 2, "root:x:0:0:::\notto:x:1000:1000::/home/otto:/bin/bash\n", NULL, NULL, NULL);
	add_file(&after, observer, "/var/log/lastlog", file, sizeof file);
	const char *found = judged(observer, &before, &after);
	assert_has(found, "low lastlog_entry_gone");
	assert_null(strstr(found, "high"));
	exhibit_free(&before);
	exhibit_free(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(wants_by_path),
	        cmocka_unit_test(facts_hold_no_hashes),
	        cmocka_unit_test(same_files_find_nothing),
	        cmocka_unit_test(what_a_later_exhibit_lacks_is_no_removal),
	        cmocka_unit_test(packages_add_accounts_of_services),
	        cmocka_unit_test(users_come_and_go),
	        cmocka_unit_test(a_second_root_is_found_once),
	        cmocka_unit_test(services_do_not_get_passwords),
	        cmocka_unit_test(shells_open),
	        cmocka_unit_test(groups_and_passwords),
	        cmocka_unit_test(sudoers_lines),
	        cmocka_unit_test(a_line_may_move_between_files),
	        cmocka_unit_test(names_cannot_inject),
	        cmocka_unit_test(long_files_are_cut_but_not_of_roots),
	        cmocka_unit_test(lastlog_forms),
	        cmocka_unit_test(lastlog_may_be_sparse),
	        cmocka_unit_test(last_logins_do_not_go_away),
	        cmocka_unit_test(a_new_owner_starts_without_a_last_login),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
