/* Our files opened by the `age` program, and its files by us; skipped where the program is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pty.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "age_fixture.h"
#include "ssh_tool.h"
#include "vestige/sshprivate.h"

static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 5 * 1024 * 1024};
#define SIZES (sizeof sizes / sizeof sizes[0])
#define FILE_MAX (8 * 1024 * 1024)

static void need_age(void)
{
	if (!tool_has("age"))
		skip();
}

/* "identity" for -i and "recipient" for -R, as the program reads them; the same keys for us. */
static struct age_keys x25519_pair(void)
{
	struct age_keys keys = age_keys_new();
	struct vst_buf text = VST_BUF_INIT;

	assert_int_equal(vst_age_identity_text(keys.identities.list[0], &text, NULL), 0);
	vst_buf_byte(&text, '\n');
	tool_write("identity", text.data, text.len, 0600);
	const char *recipient = vst_age_recipient_text(keys.recipients.list[0]);
	tool_write("recipient", recipient, strlen(recipient), 0600);
	vst_buf_wipe(&text);
	return keys;
}

static struct age_keys ssh_pair(void)
{
	const uint8_t seed[VST_ED25519_SEED_LEN] = {7, 7, 7};
	struct age_keys keys = {0};
	struct vst_age_recipient *recipient = NULL;
	struct vst_buf text = VST_BUF_INIT;

	assert_int_equal(vst_ssh_private_text(seed, "peer", &text, NULL), 0);
	tool_write("identity", text.data, text.len, 0600);
	assert_int_equal(
	        vst_age_identities_parse(text.data, text.len, NULL, NULL, &keys.identities, NULL), 0);
	assert_int_equal(vst_age_identity_recipient(keys.identities.list[0], &recipient, NULL), 0);
	assert_int_equal(vst_age_recipients_add(&keys.recipients, recipient, NULL), 0);
	const char *line = vst_age_recipient_text(recipient);
	tool_write("recipient", line, strlen(line), 0600);
	vst_buf_wipe(&text);
	return keys;
}

static void read_file(const char *name, struct vst_buf *ret)
{
	assert_int_equal(vst_io_read_file(AT_FDCWD, name, FILE_MAX, ret, NULL), 0);
}

static void assert_same(const struct vst_buf *got, const uint8_t *plain, size_t len)
{
	assert_int_equal(got->len, len);
	if (len > 0)
		assert_memory_equal(got->data, plain, len);
}

static void opened_by_age(struct age_keys *keys, const uint8_t *plain, size_t len)
{
	struct vst_buf file = VST_BUF_INIT, back = VST_BUF_INIT;

	assert_int_equal(age_seal(&keys->recipients, plain, len, 100000, &file, NULL), 0);
	tool_write("ours.age", file.data, file.len, 0600);
	/* The program makes its output file with the first byte: for an empty one, it is made here. */
	tool_write("back", NULL, 0, 0600);
	assert_int_equal(TOOL_RUN(NULL, NULL, "age", "-d", "-i", "identity", "-o", "back", "ours.age"), 0);
	read_file("back", &back);
	assert_same(&back, plain, len);
	vst_buf_free(&file);
	vst_buf_free(&back);
}

static void opened_by_us(struct age_keys *keys, const uint8_t *plain, size_t len, bool armor)
{
	struct vst_buf file = VST_BUF_INIT, binary = VST_BUF_INIT, back = VST_BUF_INIT;

	tool_write("plain", plain, len, 0600);
	assert_int_equal(TOOL_RUN(NULL, NULL, "age", "-e", armor ? "-a" : "-e", "-R", "recipient", "-o",
	                         "theirs.age", "plain"),
	        0);
	read_file("theirs.age", &file);
	if (armor)
		assert_int_equal(vst_age_armor_decode(file.data, file.len, &binary, NULL), 0);
	assert_int_equal(age_open(armor ? &binary : &file, &keys->identities, &back, NULL), 0);
	assert_same(&back, plain, len);
	vst_buf_free(&file);
	vst_buf_free(&binary);
	vst_buf_free(&back);
}

static void both_ways(struct age_keys *keys)
{
	for (size_t i = 0; i < SIZES; i++) {
		uint8_t *plain = age_plain(sizes[i]);
		opened_by_age(keys, plain, sizes[i]);
		opened_by_us(keys, plain, sizes[i], false);
		if (sizes[i] <= 65537)
			opened_by_us(keys, plain, sizes[i], true);
		free(plain);
	}
	age_keys_free(keys);
}

static void x25519_files_go_both_ways(void **state)
{
	(void)state;
	need_age();
	struct age_keys keys = x25519_pair();
	both_ways(&keys);
}

static void ssh_ed25519_files_go_both_ways(void **state)
{
	(void)state;
	need_age();
	struct age_keys keys = ssh_pair();
	both_ways(&keys);
}

/* ---- passphrases: the program asks for them on a terminal and nowhere else ---- */

#define PASSPHRASE "correct horse battery staple"
#define QUICK_WORK_FACTOR 10 /* ours; the program's own is what it is */

/* Runs `age FLAG -o OUT IN` on a terminal of its own and answers each prompt for a passphrase. Returns its exit status. */
static int age_on_terminal(const char *flag, const char *out, const char *in)
{
	char screen[4096], *prompt;
	size_t len = 0;
	int terminal, status = -1;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("age", "age", flag, "-o", out, in, (char *)NULL);
		_exit(127);
	}
	for (;;) {
		ssize_t got = read(terminal, screen + len, sizeof screen - 1 - len);
		if (got <= 0)
			break; /* EIO: the program has ended */
		len += (size_t)got;
		screen[len] = '\0';
		prompt = strstr(screen, "assphrase");
		if (prompt && strchr(prompt, ':')) {
			assert_int_equal(write(terminal, PASSPHRASE "\n", strlen(PASSPHRASE "\n")), strlen(PASSPHRASE "\n"));
			len = 0;
		}
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(terminal);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void passphrase_opened_by_age(const uint8_t *plain, size_t len)
{
	struct vst_age_recipient *recipient = NULL;
	struct vst_age_recipients recipients = {0};
	struct vst_buf file = VST_BUF_INIT, back = VST_BUF_INIT;

	assert_int_equal(vst_age_recipient_passphrase(PASSPHRASE, QUICK_WORK_FACTOR, &recipient, NULL), 0);
	assert_int_equal(vst_age_recipients_add(&recipients, recipient, NULL), 0);
	assert_int_equal(age_seal(&recipients, plain, len, 100000, &file, NULL), 0);
	tool_write("ours.age", file.data, file.len, 0600);
	tool_write("back", NULL, 0, 0600);
	assert_int_equal(age_on_terminal("-d", "back", "ours.age"), 0);
	read_file("back", &back);
	assert_same(&back, plain, len);
	vst_age_recipients_free(&recipients);
	vst_buf_free(&file);
	vst_buf_free(&back);
}

static void passphrase_opened_by_us(const uint8_t *plain, size_t len)
{
	struct vst_age_identity *identity = NULL;
	struct vst_age_identities identities = {0};
	struct vst_buf file = VST_BUF_INIT, back = VST_BUF_INIT;

	unlink("theirs.age");
	tool_write("plain", plain, len, 0600);
	assert_int_equal(age_on_terminal("-p", "theirs.age", "plain"), 0);
	read_file("theirs.age", &file);
	assert_int_equal(vst_age_identity_passphrase(PASSPHRASE, &identity, NULL), 0);
	assert_int_equal(vst_age_identities_add(&identities, identity, NULL), 0);
	assert_int_equal(age_open(&file, &identities, &back, NULL), 0);
	assert_same(&back, plain, len);
	vst_age_identities_free(&identities);
	vst_buf_free(&file);
	vst_buf_free(&back);
}

static void passphrase_files_go_both_ways(void **state)
{
	(void)state;
	need_age();
	for (size_t i = 0; i < SIZES; i++) {
		uint8_t *plain = age_plain(sizes[i]);
		passphrase_opened_by_age(plain, sizes[i]);
		passphrase_opened_by_us(plain, sizes[i]);
		free(plain);
	}
}

static void identity_of_age_keygen_is_read(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT, recipient = VST_BUF_INIT;
	struct vst_age_identities set = {0};
	struct vst_age_recipient *ours = NULL;

	if (!tool_has("age-keygen"))
		skip();
	unlink("keygen");
	assert_int_equal(TOOL_RUN(NULL, NULL, "age-keygen", "-o", "keygen"), 0);
	read_file("keygen", &text);
	assert_int_equal(vst_age_identities_parse(text.data, text.len, NULL, NULL, &set, NULL), 0);
	assert_int_equal(vst_age_identity_recipient(set.list[0], &ours, NULL), 0);
	assert_int_equal(TOOL_RUN(&recipient, NULL, "age-keygen", "-y", "keygen"), 0);
	recipient.len--;
	assert_string_equal(vst_buf_cstr(&recipient), vst_age_recipient_text(ours));
	vst_age_recipient_free(ours);
	vst_age_identities_free(&set);
	vst_buf_wipe(&text);
	vst_buf_free(&recipient);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(x25519_files_go_both_ways),
	        cmocka_unit_test(ssh_ed25519_files_go_both_ways),
	        cmocka_unit_test(passphrase_files_go_both_ways),
	        cmocka_unit_test(identity_of_age_keygen_is_read),
	};

	return cmocka_run_group_tests(tests, tool_setup, tool_teardown);
}
