#include "compare/observing.h"

#include "compare/authorized_key.h"

extern const struct vst_observer vst_observe_authorized_keys;
static const struct vst_observer *const observer = &vst_observe_authorized_keys;

/* Made by ssh-keygen, fingerprints by `ssh-keygen -l`. */
#define ECDSA                                                                                                \
	"ecdsa-sha2-nistp256 "                                                                               \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCf9ChCq8RpjyUBiqm/T4I7k+ruCrLqg5byqMQnb3hC3/"  \
	"MXJQkkOZ1bNjXAYmeqtscC"                                                                             \
	"SSlKbVuhxL8kMwJg6VG0="
#define ECDSA_PRINT "SHA256:oTXZCj3rA/De5XZZ642rLg90UWRlG1pgC+yx2V7+0JI"
#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDWLkKrfLBAhI65k9oK2MBUVju8UBrlFatjdkcq0HHhx"
#define ED25519_PRINT "SHA256:lnYCeNqcjyz68O1MMo4w9Htoa1xx676EjE3KtHyo79Q"
#define OTHER "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICRGGnJRfYaq09NUT/xOWUH3N5TQBfsUvK4/xvMh8gnk"
#define OTHER_PRINT "SHA256:VYbrscj6ZTdk/CSg1bRc0xDf7onacxy6INLic18zZp0"

#define HOME "/home/anna/.ssh/authorized_keys"

static const char *judged_texts(const char *before_text, const char *path, const char *after_text)
{
	static struct exhibit before, after;
	exhibit_of(&before, 1);
	exhibit_of(&after, 2);
	if (before_text)
		add_text(&before, observer, HOME, before_text);
	if (after_text)
		add_text(&after, observer, path, after_text);
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
	} cases[] = {{HOME, true}, {"/root/.ssh/authorized_keys2", true},
	        {"/root/.ssh/authorized_keys~", false}, {"/etc/ssh/authorized_keys/anna", true},
	        {"/etc/ssh/authorized_keys", false}, {"/srv/authorized_keys", false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct vst_item item;
		vst_item_init(&item);
		item.type = VST_ITEM_FILE;
		item.path = cases[i].path;
		assert_int_equal(observer->wants(&item), cases[i].wanted);
	}
}

static void fingerprints_are_those_of_ssh_keygen(void **state)
{
	(void)state;
	struct exhibit exhibit;
	exhibit_of(&exhibit, 1);
	add_text(&exhibit, observer, HOME,
	        "# comment\n\n" ECDSA " anna@ecdsa host\r\n"
	        "  restrict,Command=\"echo \\\"a b\\\", c\",from=\"10.0.0.0/8,::1\" " ED25519 "\t anna\n"
	        "cert-authority " OTHER);
	assert_string_equal(facts_of(&exhibit, 0),
	        "{\"format\":1,\"keys\":[[\"" ECDSA_PRINT
	        "\",\"ecdsa-sha2-nistp256\",\"anna@ecdsa host\",\"\",\"\",false,false,false],"
	        "[\"" ED25519_PRINT "\",\"ssh-ed25519\",\"anna\",\"c5ef186a8b40a5a6\","
	        "\"87cb4b633b09c593a770b929758986866c198b9d949e9632cc7539cde9944ad4\",true,false,true],"
	        "[\"" OTHER_PRINT "\",\"ssh-ed25519\",\"\",\"38658d413e337384\",\"\",false,true,false]],"
	        "\"lines\":3,\"odd\":0}");
	exhibit_free(&exhibit);
}

static void what_is_no_key_is_odd(void **state)
{
	(void)state;
	static const char *const odd[] = {
	        "ssh-rsa "
	        "AAAAC3NzaC1lZDI1NTE5AAAAIDWLkKrfLBAhI65k9oK2MBUVju8UBrlFatjdkcq0HHhx",
	        "ssh-ed25519", "ssh-ed25519 AAAA", "command=\"x " ED25519, "x", "from=\"\" x " ED25519,
	        "ssh-ed25519 !!!! " ED25519};
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		enum vst_authorized_line kind;
		struct vst_authorized_key key;
		assert_int_equal(vst_authorized_key_parse(odd[i], strlen(odd[i]), &kind, &key, NULL), 0);
		assert_int_equal(kind, VST_AUTHORIZED_ODD);
	}
	assert_string_equal(judged_texts(ED25519 "\n", HOME, ED25519 "\nhello world\n"),
	        "low authorized_keys_odd: 1 lines hold no key\n");
}

static void keys_come_and_go(void **state)
{
	(void)state;
	assert_string_equal(judged_texts(ED25519 " a\n", HOME, "# new comment\n" ED25519 " b\n"), "");
	assert_string_equal(judged_texts(ED25519 " a\n", HOME, ED25519 " a\n" OTHER " evil\x1b[2J\n"),
	        "medium authorized_key_added: ssh-ed25519 key " OTHER_PRINT
	        " (evil\\x1b[2J) may log in now\n");
	assert_string_equal(judged_texts(ED25519 " a\n" OTHER "\n", HOME, OTHER "\n"),
	        "low authorized_key_removed: ssh-ed25519 key " ED25519_PRINT " (a) was removed\n");
	assert_string_equal(judged_texts(ED25519 "\n", HOME, ED25519 "\ncert-authority " OTHER "\n"),
	        "medium authorized_key_added: ssh-ed25519 key " OTHER_PRINT
	        " () may now certify keys that log in\n");
	assert_string_equal(judged_texts(NULL, HOME, OTHER " x\n"),
	        "medium authorized_key_added: ssh-ed25519 key " OTHER_PRINT
	        " (x) may log in now, in a file that is new\n");
	/* The file's absence is told by its metadata. */
	assert_string_equal(judged_texts(OTHER "\n", HOME, NULL), "");
}

static void options_count(void **state)
{
	(void)state;
	assert_string_equal(judged_texts("command=\"x\" " OTHER " x\n", HOME, OTHER " x\n"),
	        "medium authorized_key_changed: ssh-ed25519 key " OTHER_PRINT
	        " (x) is no longer bound to one command\n");
	assert_string_equal(
	        judged_texts("from=\"a\" " OTHER " x\n", HOME, "from=\"a\" " OTHER " x\n" OTHER " x\n"),
	        "medium authorized_key_changed: ssh-ed25519 key " OTHER_PRINT " (x) has other options\n");
	/* Both lines are known then. */
	assert_string_equal(
	        judged_texts("from=\"a\" " OTHER "\n" OTHER "\n", HOME, "from=\"a\" " OTHER "\n" OTHER "\n"),
	        "");
}

static void keys_may_move_to_the_other_file_of_a_user(void **state)
{
	(void)state;
	assert_string_equal(judged_texts(OTHER "\n", HOME "2", OTHER "\n"), "");
	assert_has(judged_texts(OTHER "\n", "/root/.ssh/authorized_keys", OTHER "\n"),
	        "medium authorized_key_added");
}

static void no_earlier_exhibit_no_findings(void **state)
{
	(void)state;
	struct exhibit exhibit;
	exhibit_of(&exhibit, 1);
	add_text(&exhibit, observer, HOME, OTHER "\n");
	assert_string_equal(judged(observer, NULL, &exhibit), "");
	exhibit_free(&exhibit);
}

static void long_files_are_cut(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	struct exhibit before, after;
	exhibit_of(&before, 1);
	exhibit_of(&after, 2);
	add_text(&before, observer, HOME, "");
	for (int i = 0; i < 3000; i++)
		vst_buf_printf(&text, "command=\"%d\" " OTHER " comment %d\n", i, i);
	add_file(&after, observer, HOME, text.data, text.len);
	assert_has(facts_of(&after, 0), "\"cut\":true");
	const char *found = judged(observer, &before, &after);
	assert_has(found, "medium authorized_keys_odd: 0 lines hold no key, and there are more keys than can "
	                  "be compared");
	assert_has(found, "keys more\n");
	assert_string_equal(judged(observer, &after, &after), "");
	vst_buf_free(&text);
	exhibit_free(&before);
	exhibit_free(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(wants_by_path),
	        cmocka_unit_test(fingerprints_are_those_of_ssh_keygen),
	        cmocka_unit_test(what_is_no_key_is_odd),
	        cmocka_unit_test(keys_come_and_go),
	        cmocka_unit_test(options_count),
	        cmocka_unit_test(keys_may_move_to_the_other_file_of_a_user),
	        cmocka_unit_test(no_earlier_exhibit_no_findings),
	        cmocka_unit_test(long_files_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
