#include "compare/comparing.h"

/* Made since the earlier exhibit; 0: at all times. */
static struct vst_item new_file(const char *path, const char *content, unsigned mode)
{
	struct vst_item item = file_of(path, content, 77);
	item.mode = mode;
	item.btime = NOON + 5;
	touch(&item, NOON + 123456);
	return item;
}

/* Something of the source is there in both: it is not new. */
static struct pair *pair_of_host(void)
{
	struct pair *p = pair_new();
	put_both(p, file_of("/srv/always", "always", 5), 0);
	return p;
}

static void expect_added(struct vst_item item, const char *want)
{
	struct pair *p = pair_of_host();
	put(&p->after, item, NULL, 0);
	expect_findings(p, want);
}

static void persistence_sees_new_set_id_programs(void **state)
{
	(void)state;
	struct vst_item item = new_file("/srv/x", "x", 04755);
	expect_added(item, "set_id_added/high /srv/x ");
	item.uid = 1000;
	expect_added(item, "set_id_added/medium /srv/x ");
	item.mode = 04644; /* nobody can start it */
	expect_added(item, "");
	item = new_file("/srv/x", "x", 04755);
	item.details = "{\"package\":{\"name\":\"x\",\"version\":\"1\",\"md5\":"
	               "\"0123456789abcdef0123456789abcdef\",\"same\":true}}";
	item.details_len = strlen(item.details);
	expect_added(item, "set_id_added/low /srv/x ");
}

static void persistence_sees_set_id_that_is_gained_or_has_other_content(void **state)
{
	(void)state;
	struct pair *p = pair_new();
	struct vst_item item = file_of("/srv/x", "x", 10);
	item.mode = 0755;
	put(&p->before, item, NULL, 0);
	item.mode = 04755;
	item.ctime = NOON + 5;
	put(&p->after, item, NULL, 0);
	expect_findings(p, "set_id_added/high /srv/x ");
	p = pair_new();
	put(&p->before, item, NULL, 0);
	vst_sha256("y", 1, item.sha256);
	touch(&item, NOON + 5);
	put(&p->after, item, NULL, 0);
	expect_findings(p, "set_id_content_changed/medium /srv/x ");
}

static void persistence_sees_capabilities(void **state)
{
	(void)state;
	static const struct vst_item_xattr cap = {"security.capability", "\1\0\0\2", 4};
	struct vst_item item = new_file("/srv/x", "x", 0755);
	item.xattrs = &cap;
	item.xattr_count = 1;
	expect_added(item, "capability_added/high /srv/x ");
}

static void persistence_sees_what_starts_by_itself(void **state)
{
	(void)state;
	expect_added(new_file("/etc/ld.so.preload", "/tmp/x.so", 0644),
	        "preload_changed/high /etc/ld.so.preload ");
	expect_added(new_file("/etc/ld.so.preload", "", 0644), "");
	expect_added(new_file("/etc/cron.d/x", "x", 0644), "job_changed/medium /etc/cron.d/x ");
	expect_added(new_file("/etc/systemd/system/x.service", "x", 0644),
	        "unit_changed/medium /etc/systemd/system/x.service ");
	expect_added(new_file("/usr/local/bin/x", "x", 0755), "program_added/medium /usr/local/bin/x ");
	expect_added(
	        new_file("/var/www/html/x.php", "x", 0644), "served_code_added/medium /var/www/html/x.php ");
	expect_added(new_file("/etc/sudoers.d/x", "x", 0440), ""); /* observers read it */
}

/* It was known to be absent: a place that the policy names is told of when something is there. */
static void persistence_sees_what_was_absent(void **state)
{
	(void)state;
	struct pair *p = pair_of_host();
	struct vst_item item;
	vst_item_init(&item);
	item.source = "host";
	item.path = "/etc/ld.so.preload";
	item.status = VST_ITEM_ABSENT;
	put(&p->before, item, NULL, 0);
	put(&p->after, new_file("/etc/ld.so.preload", "/tmp/x.so", 0644), NULL, 0);
	expect_findings(p, "preload_changed/high /etc/ld.so.preload ");
}

static void persistence_sees_histories_that_go(void **state)
{
	(void)state;
	struct pair *p = pair_of_host();
	put(&p->before, file_of("/root/.bash_history", "ls", 10), NULL, 0);
	expect_findings(p, "history_cleared/medium /root/.bash_history ");
}

static void persistence_sees_chattr(void **state)
{
	(void)state;
	struct pair *p = pair_of_host();
	struct vst_item item = file_of("/srv/x", "x", 10);
	item.flags = "a";
	put(&p->before, item, NULL, 0);
	item.flags = "i";
	item.ctime = NOON + 5;
	put(&p->after, item, NULL, 0);
	expect_findings(p, "immutable_set/medium /srv/x ");
}

/* The policy calls a source otherwise now, or asks for one more: on the host nothing has happened. */
static void persistence_knows_a_policy_that_changed(void **state)
{
	(void)state;
	struct pair *p = pair_of_host();
	struct vst_item item = file_of("/usr/bin/sudo", "sudo", 10);
	item.mode = 04755;
	put(&p->before, item, NULL, 0);
	item.source = "programs";
	put(&p->after, item, NULL, 0);
	expect_findings(p, "");
	p = pair_of_host();
	put(&p->after, item, NULL, 0);
	expect_findings(p, "");
	/* A file that moved on the host is another matter. */
	p = pair_of_host();
	item.source = "host";
	put(&p->before, item, NULL, 0);
	item.path = "/usr/bin/.sudo";
	item.ctime = NOON + 5;
	put(&p->after, item, NULL, 0);
	pair_compare(p);
	assert_non_null(strstr(vst_buf_cstr(&p->findings), "/usr/bin/.sudo"));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(persistence_sees_new_set_id_programs),
	        cmocka_unit_test(persistence_sees_set_id_that_is_gained_or_has_other_content),
	        cmocka_unit_test(persistence_sees_capabilities),
	        cmocka_unit_test(persistence_sees_what_starts_by_itself),
	        cmocka_unit_test(persistence_sees_what_was_absent),
	        cmocka_unit_test(persistence_sees_histories_that_go),
	        cmocka_unit_test(persistence_sees_chattr),
	        cmocka_unit_test(persistence_knows_a_policy_that_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
