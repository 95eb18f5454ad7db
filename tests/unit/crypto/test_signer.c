/* cmocka wants this order */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "crypto/agent.h"
#include "crypto/ssh_samples.h"
#include "crypto/ssh_tool.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/signer.h"
#include "vestige/sshprivate.h"

static const uint8_t seed[VST_ED25519_SEED_LEN] = {0x77, 1};
static pid_t agent_pid = -1; /* a real ssh-agent that holds SAMPLE_PRIVATE, or -1 */

static bool connects(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	bool good = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return good;
}

static void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int setup(void **state)
{
	if (tool_setup(state) != 0)
		return -1;
	tool_write("key", SAMPLE_PRIVATE, strlen(SAMPLE_PRIVATE), 0600);
	tool_write("key.pub", SAMPLE_PUBLIC "\n", strlen(SAMPLE_PUBLIC) + 1, 0600);
	tool_write("locked", SAMPLE_ENCRYPTED, strlen(SAMPLE_ENCRYPTED), 0600);
	unsetenv("SSH_AUTH_SOCK");
	if (!tool_has("ssh-agent") || !tool_has("ssh-add"))
		return 0;
	/* Under timeout(1), so that a crash of this test does not leave an agent behind for long. */
	const char *const argv[] = {"timeout", "120", "ssh-agent", "-D", "-a", "agent.sock", NULL};
	agent_pid = tool_start(argv, "/dev/null", "agent.out");
	const struct timespec moment = {0, 10000000};
	for (int i = 0; i < 500 && !connects("agent.sock"); i++)
		nanosleep(&moment, NULL);
	setenv("SSH_AUTH_SOCK", "agent.sock", 1);
	bool added = TOOL_RUN(NULL, NULL, "ssh-add", "-q", "key") == 0;
	unsetenv("SSH_AUTH_SOCK");
	return added ? 0 : -1;
}

static int teardown(void **state)
{
	if (agent_pid > 0) {
		kill(agent_pid, SIGTERM); /* timeout(1) hands it on */
		waitpid(agent_pid, NULL, 0);
	}
	return tool_teardown(state);
}

static int open_signer(const char *path, const char *agent, struct vst_signer **ret, struct vst_err *err)
{
	if (agent)
		setenv("SSH_AUTH_SOCK", agent, 1);
	else
		unsetenv("SSH_AUTH_SOCK");
	int rc = vst_signer_open(path, ret, err);
	unsetenv("SSH_AUTH_SOCK");
	return rc;
}

/* Both kinds of signature are good, and the public key is the sample's. */
static void assert_signs_as_sample(struct vst_signer *signer)
{
	struct vst_buf text = VST_BUF_INIT, blob = VST_BUF_INIT;
	uint8_t raw[VST_ED25519_SIG_LEN];
	const struct vst_ssh_public *key = vst_signer_public(signer);
	vst_ssh_public_text(key, &text);
	assert_string_equal(vst_buf_cstr(&text), SAMPLE_PUBLIC);
	assert_true(vst_signer_signs_raw(signer));
	vst_buf_text(&blob, "before");
	assert_int_equal(vst_signer_sign_ssh(signer, "data", 4, &blob, NULL), 0);
	assert_memory_equal(blob.data, "before", 6);
	assert_int_equal(vst_ssh_verify(key, "data", 4, blob.data + 6, blob.len - 6, NULL), 0);
	assert_int_equal(vst_signer_sign_raw(signer, "data", 4, raw, NULL), 0);
	assert_int_equal(vst_ed25519_verify(key->key, "data", 4, raw, NULL), 0);
	assert_int_equal(vst_signer_sign_raw(signer, "", 0, raw, NULL), 0);
	assert_int_equal(vst_ed25519_verify(key->key, "", 0, raw, NULL), 0);
	vst_buf_free(&text);
	vst_buf_free(&blob);
}

/* ---- files ---- */

static void seed_signs(void **state)
{
	(void)state;
	struct vst_signer *signer;
	uint8_t sample_seed[VST_ED25519_SEED_LEN];
	assert_int_equal(
	        vst_ssh_private_parse(SAMPLE_PRIVATE, strlen(SAMPLE_PRIVATE), sample_seed, NULL, NULL), 0);
	assert_int_equal(vst_signer_from_seed(sample_seed, &signer, NULL), 0);
	assert_signs_as_sample(signer);
	vst_signer_free(signer);
	vst_signer_free(NULL);
}

static void private_file_signs_without_an_agent(void **state)
{
	(void)state;
	struct vst_signer *signer;
	assert_int_equal(open_signer("key", NULL, &signer, NULL), 0);
	assert_signs_as_sample(signer);
	vst_signer_free(signer);
}

static void private_file_may_be_a_link(void **state)
{
	(void)state;
	struct vst_signer *signer;
	assert_int_equal(symlink("key", "link"), 0);
	assert_int_equal(open_signer("link", NULL, &signer, NULL), 0);
	vst_signer_free(signer);
}

static void open_names_the_file_and_what_is_wrong(void **state)
{
	(void)state;
	struct vst_signer *signer = NULL;
	struct vst_err err = VST_ERR_INIT;
	char large[VST_SSH_FILE_MAX + 1];
	memset(large, 'x', sizeof large);
	tool_write("junk", "hello\n", 6, 0600);
	tool_write("pem", "-----BEGIN RSA PRIVATE KEY-----\n", 32, 0600);
	tool_write("ecdsa", SAMPLE_ECDSA_PRIVATE, strlen(SAMPLE_ECDSA_PRIVATE), 0600);
	tool_write("ecdsa.pub", SAMPLE_ECDSA_PUBLIC "\n", strlen(SAMPLE_ECDSA_PUBLIC) + 1, 0600);
	tool_write("cut", SAMPLE_PRIVATE, 200, 0600);
	tool_write("large", large, sizeof large, 0600);
	tool_write("empty", "", 0, 0600);
	const struct {
		const char *path, *text;
		int code;
	} cases[] = {
	        {"missing", "missing: open: No such file", VST_ENOTFOUND},
	        {".", "Is a directory", VST_EIO},
	        {"junk", "junk: neither", VST_EFORMAT},
	        {"empty", "empty: neither", VST_EFORMAT},
	        {"cut", "cut: SSH private key: damaged", VST_EFORMAT},
	        {"pem", "pem: a private key, but not in OpenSSH's format", VST_EUNSUPPORTED},
	        {"ecdsa", "ecdsa-sha2-nistp256", VST_EUNSUPPORTED},
	        {"ecdsa.pub", "ecdsa-sha2-nistp256", VST_EUNSUPPORTED},
	        {"large", "large: too long", VST_ELIMIT},
	        {"key.pub", "key.pub: no ssh-agent", VST_EKEY},
	        {"locked", "locked: protected by a passphrase: no ssh-agent", VST_EKEY},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(open_signer(cases[i].path, NULL, &signer, &err), cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		if (!strstr(err.text, cases[i].text))
			assert_string_equal(err.text, cases[i].text);
		assert_null(signer);
	}
}

/* ---- a real agent ---- */

static void agent_signs_for_a_public_file(void **state)
{
	(void)state;
	struct vst_signer *signer;
	if (agent_pid < 0)
		skip();
	assert_int_equal(open_signer("key.pub", "agent.sock", &signer, NULL), 0);
	assert_signs_as_sample(signer);
	vst_signer_free(signer);
}

static void agent_signs_for_an_encrypted_file(void **state)
{
	(void)state;
	struct vst_signer *signer;
	if (agent_pid < 0)
		skip();
	assert_int_equal(open_signer("locked", "agent.sock", &signer, NULL), 0);
	assert_signs_as_sample(signer);
	vst_signer_free(signer);
}

static void agent_without_the_key_is_said(void **state)
{
	(void)state;
	struct vst_signer *signer;
	struct vst_err err = VST_ERR_INIT;
	struct vst_ssh_public key = {.type = VST_SSH_ED25519};
	struct vst_buf text = VST_BUF_INIT;
	if (agent_pid < 0)
		skip();
	assert_int_equal(vst_ed25519_public(seed, key.key, NULL), 0);
	vst_ssh_public_text(&key, &text);
	tool_write("other.pub", text.data, text.len, 0600);
	assert_int_equal(open_signer("other.pub", "agent.sock", &signer, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "does not hold the key"));
	assert_non_null(strstr(err.hint, "ssh-add"));
	vst_buf_clear(&text);
	assert_int_equal(vst_agent_sign("agent.sock", &key, "m", 1, 5000, &text, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "refuses"));
	vst_buf_free(&text);
}

static void agent_refuses_too_much_data(void **state)
{
	(void)state;
	static const uint8_t data[VST_AGENT_MESSAGE_MAX];
	struct vst_ssh_public key = {.type = VST_SSH_ED25519};
	struct vst_buf out = VST_BUF_INIT;
	assert_int_equal(vst_agent_sign("agent.sock", &key, data, sizeof data, 5000, &out, NULL), VST_ELIMIT);
	vst_buf_free(&out);
}

/* ---- agents that misbehave: a child that answers each connection with the same bytes ---- */

enum manner { ANSWER, SILENT, HANG_UP, NEVER_ACCEPT };

static pid_t start_fake(const char *path, enum manner manner, const void *answer, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	unlink(path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, manner == NEVER_ACCEPT ? 0 : 8), 0);
	pid_t pid = fork();
	if (pid != 0) {
		close(listener);
		return pid;
	}
	alarm(60); /* never outlives a broken test for long */
	for (;;) {
		char request[4096];
		if (manner == NEVER_ACCEPT) {
			pause();
			continue;
		}
		int fd = accept(listener, NULL, NULL);
		if (manner != HANG_UP && read(fd, request, sizeof request) > 0 && manner == ANSWER)
			send(fd, answer, len, MSG_NOSIGNAL);
		if (manner == SILENT)
			pause();
		close(fd);
	}
}

static int ask_fake(enum manner manner, const void *answer, size_t len, bool sign, struct vst_err *err)
{
	struct vst_ssh_public key = {.type = VST_SSH_ED25519};
	struct vst_buf out = VST_BUF_INIT;
	pid_t pid = start_fake("fake.sock", manner, answer, len);
	int rc = sign ? vst_agent_sign("fake.sock", &key, "m", 1, 300, &out, err)
	              : vst_agent_holds("fake.sock", &key, 300, err);
	stop(pid);
	vst_buf_free(&out);
	return rc;
}

static void missing_agent_is_said(void **state)
{
	(void)state;
	struct vst_signer *signer;
	struct vst_err err = VST_ERR_INIT;
	char path[200];
	assert_int_equal(open_signer("key.pub", "nowhere.sock", &signer, &err), VST_EKEY);
	assert_int_equal(err.code, VST_EKEY);
	assert_non_null(strstr(err.text, "nowhere.sock: No such file"));
	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(open_signer("key.pub", path, &signer, &err), VST_EKEY);
}

static void silent_agent_times_out(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(ask_fake(SILENT, NULL, 0, false, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "in time"));
	/* half an answer is none */
	assert_int_equal(ask_fake(ANSWER, "\0\0\0\x9\x0c", 5, true, &err), VST_EKEY);
}

static void agent_with_a_full_backlog_times_out(void **state)
{
	(void)state;
	struct vst_ssh_public key = {.type = VST_SSH_ED25519};
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "fake.sock"};
	struct vst_err err = VST_ERR_INIT;
	pid_t pid = start_fake("fake.sock", NEVER_ACCEPT, NULL, 0);
	int fds[4];
	for (size_t i = 0; i < 4; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(fds[i], (const struct sockaddr *)&address, sizeof address);
	}
	assert_int_equal(vst_agent_holds("fake.sock", &key, 300, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "does not take connections"));
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	stop(pid);
}

static void agent_that_hangs_up_is_an_error(void **state)
{
	(void)state;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(ask_fake(HANG_UP, NULL, 0, false, &err), VST_EKEY);
	assert_non_null(strstr(err.text, "closed"));
}

static void nonsense_from_an_agent_is_an_error(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		bool sign;
	} cases[] = {
	        {"\0\0\0\0", 4, false},                            /* empty message */
	        {"\0\x04\0\x01\x0c", 5, false},                    /* longer than 256 KiB */
	        {"\xff\xff\xff\xff\x0c", 5, false},                /* 4 GiB */
	        {"\0\0\0\x01\x05", 5, false},                      /* failure */
	        {"\0\0\0\x01\x05", 5, true},                       /* failure */
	        {"\0\0\0\x01\x0c", 5, false},                      /* no count */
	        {"\0\0\0\x05\x0c\xff\xff\xff\xff", 9, false},      /* four milliard keys, none there */
	        {"\0\0\0\x09\x0c\0\0\0\x01\0\0\0\x09", 13, false}, /* a key longer than the message */
	        {"\0\0\0\x05\x0e\0\0\0\x09", 9, true},             /* a signature longer than the message */
	        {"\0\0\0\x06\x0e\0\0\0\0x", 10, true},             /* data after the signature */
	        {"\0\0\0\x05\x0c\0\0\0\0", 9, true},               /* the answer to another question */
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(
		        ask_fake(ANSWER, cases[i].bytes, cases[i].len, cases[i].sign, NULL), VST_EKEY);
}

/* The signer was opened with an honest agent; then another one sits at the same path. */
static void wrong_signature_of_an_agent_is_never_used(void **state)
{
	(void)state;
	struct vst_signer *liar, *signer;
	struct vst_buf answer = VST_BUF_INIT, blob = VST_BUF_INIT, out = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	uint8_t raw[VST_ED25519_SIG_LEN];
	if (agent_pid < 0)
		skip();
	unlink("swapped.sock");
	assert_int_equal(link("agent.sock", "swapped.sock"), 0);
	assert_int_equal(open_signer("key.pub", "swapped.sock", &signer, NULL), 0);
	assert_int_equal(vst_signer_from_seed(seed, &liar, NULL), 0);
	assert_int_equal(vst_signer_sign_ssh(liar, "data", 4, &blob, NULL), 0);
	vst_buf_u32be(&answer, (uint32_t)blob.len + 5);
	vst_buf_byte(&answer, 14);
	vst_buf_u32be(&answer, (uint32_t)blob.len);
	vst_buf_bytes(&answer, blob.data, blob.len);
	pid_t pid = start_fake("swapped.sock", ANSWER, answer.data, answer.len);
	assert_int_equal(vst_signer_sign_ssh(signer, "data", 4, &out, &err), VST_EKEY);
	assert_int_equal(err.code, VST_EKEY);
	assert_non_null(strstr(err.text, "does not verify"));
	assert_int_equal(out.len, 0);
	assert_int_equal(vst_signer_sign_raw(signer, "data", 4, raw, NULL), VST_EKEY);
	stop(pid);
	vst_signer_free(liar);
	vst_signer_free(signer);
	vst_buf_free(&answer);
	vst_buf_free(&blob);
	vst_buf_free(&out);
}

/* A hardware key, played by an agent that says it holds it. */
static void hardware_key_signs_nothing_raw(void **state)
{
	(void)state;
	struct vst_ssh_public key = {.type = VST_SSH_SK_ED25519, .key = {1}, .application = "ssh:"};
	struct vst_buf wire = VST_BUF_INIT, answer = VST_BUF_INIT, text = VST_BUF_INIT;
	struct vst_signer *signer;
	uint8_t raw[VST_ED25519_SIG_LEN];
	vst_ssh_public_text(&key, &text);
	tool_write("sk.pub", text.data, text.len, 0600);
	vst_ssh_public_wire(&key, &wire);
	vst_buf_u32be(&answer, (uint32_t)(1 + 4 + 4 + wire.len + 4 + 1));
	vst_buf_byte(&answer, 12);
	vst_buf_u32be(&answer, 1);
	vst_buf_u32be(&answer, (uint32_t)wire.len);
	vst_buf_bytes(&answer, wire.data, wire.len);
	vst_buf_u32be(&answer, 1);
	vst_buf_text(&answer, "c");
	pid_t pid = start_fake("fake.sock", ANSWER, answer.data, answer.len);
	assert_int_equal(open_signer("sk.pub", "fake.sock", &signer, NULL), 0);
	stop(pid);
	assert_false(vst_signer_signs_raw(signer));
	assert_int_equal(vst_signer_sign_raw(signer, "data", 4, raw, NULL), VST_EUNSUPPORTED);
	vst_signer_free(signer);
	vst_buf_free(&wire);
	vst_buf_free(&answer);
	vst_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(seed_signs),
	        cmocka_unit_test(private_file_signs_without_an_agent),
	        cmocka_unit_test(private_file_may_be_a_link),
	        cmocka_unit_test(open_names_the_file_and_what_is_wrong),
	        cmocka_unit_test(agent_signs_for_a_public_file),
	        cmocka_unit_test(agent_signs_for_an_encrypted_file),
	        cmocka_unit_test(agent_without_the_key_is_said),
	        cmocka_unit_test(agent_refuses_too_much_data),
	        cmocka_unit_test(missing_agent_is_said),
	        cmocka_unit_test(silent_agent_times_out),
	        cmocka_unit_test(agent_with_a_full_backlog_times_out),
	        cmocka_unit_test(agent_that_hangs_up_is_an_error),
	        cmocka_unit_test(nonsense_from_an_agent_is_an_error),
	        cmocka_unit_test(wrong_signature_of_an_agent_is_never_used),
	        cmocka_unit_test(hardware_key_signs_nothing_raw),
	};
	return cmocka_run_group_tests_name("signer", tests, setup, teardown);
}
