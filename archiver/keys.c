#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/secret.h"

#define KEY_FILE_MAX (1024 * 1024)

/* A key file, or stdin for `-`. The caller wipes `out`. */
static int read_key_file(const char *path, struct vst_buf *out, struct vst_err *err)
{
	int rc;
	vst_buf_reserve(
	        out, 64 * 1024); /* a secret that makes the buffer grow would stay behind in freed memory */
	if (strcmp(path, "-") == 0)
		return vst_io_read_all(STDIN_FILENO, KEY_FILE_MAX, out, err);
	/* Not vst_io_read_file: people give links, and pipes of their shell. */
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rc = vst_err_sys(err, errno, "%s", path);
		if (errno == ENOENT)
			vst_err_hint(err, "is the path right? `vestige keygen -o FILE` makes a new identity");
		return rc;
	}
	rc = vst_io_read_all(fd, KEY_FILE_MAX, out, err);
	close(fd);
	return rc == 0 ? 0 : vst_err_prepend(err, "%s", path);
}

/* ---- passphrases ---- */

static int read_line(int fd, char *ret, size_t max, struct vst_err *err)
{
	size_t len = 0;
	for (;;) {
		char byte;
		ssize_t got = read(fd, &byte, 1);
		if (got < 0 && errno == EINTR)
			return vst_err_set(err, VST_ECANCELLED, "passphrase: interrupted");
		if (got < 0)
			return vst_err_sys(err, errno, "passphrase");
		if (got == 0 || byte == '\n')
			break;
		if (len + 1 >= max)
			return vst_err_set(err, VST_ELIMIT, "passphrase: longer than %zu bytes", max - 1);
		ret[len++] = byte;
	}
	ret[len] = '\0';
	return len > 0 ? 0 : vst_err_set(err, VST_EKEY, "passphrase: nothing was entered");
}

static int ask_terminal(const char *what, const char *again, char *ret, size_t max, struct vst_err *err)
{
	struct termios before, silent;
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (tty < 0) {
		vst_err_set(err, VST_EKEY,
		        "%s: a passphrase is needed, and there is no terminal to ask for it", what);
		vst_err_hint(err, "set VESTIGE_PASSPHRASE_FILE to a file that holds it");
		return VST_EKEY;
	}
	dprintf(tty, "%sassphrase for %s: ", again, cli_show_text(what));
	bool hidden = tcgetattr(tty, &before) == 0;
	if (hidden) {
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(tty, TCSAFLUSH, &silent);
	}
	int rc = read_line(tty, ret, max, err);
	if (hidden)
		tcsetattr(tty, TCSAFLUSH, &before);
	dprintf(tty, "\n");
	close(tty);
	return rc;
}

static int passphrase_from_file(const char *path, char *ret, size_t max, struct vst_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return vst_err_sys(err, errno, "VESTIGE_PASSPHRASE_FILE: %s", path);
	int rc = read_line(fd, ret, max, err);
	close(fd);
	return rc;
}

static int ask(void *ctx, const char *what, char *ret_passphrase, size_t max, struct vst_err *err)
{
	const char *path = getenv("VESTIGE_PASSPHRASE_FILE");
	(void)ctx;
	if (path && *path)
		return passphrase_from_file(path, ret_passphrase, max, err);
	return ask_terminal(what, "P", ret_passphrase, max, err);
}

int keys_passphrase(const char *what, bool twice, char **ret, struct vst_err *err)
{
	const char *path = getenv("VESTIGE_PASSPHRASE_FILE");
	vst_secret_guard_process();
	char *first = vst_secret_alloc(PASSPHRASE_MAX), *second = vst_secret_alloc(PASSPHRASE_MAX);
	int rc = first && second ? ask(NULL, what, first, PASSPHRASE_MAX, err)
	                         : vst_err_set(err, VST_ENOMEM, "no secure memory");
	if (rc == 0 && twice && !(path && *path)) {
		rc = ask_terminal(what, "Again, the p", second, PASSPHRASE_MAX, err);
		if (rc == 0 && strcmp(first, second) != 0)
			rc = vst_err_set(err, VST_EKEY, "the two passphrases differ");
	}
	vst_secret_free(second, PASSPHRASE_MAX);
	if (rc != 0) {
		vst_secret_free(first, PASSPHRASE_MAX);
		return rc;
	}
	*ret = first;
	return 0;
}

/* ---- recipients and identities ---- */

int keys_recipients(const struct cli_list *texts, const struct cli_list *files,
        struct vst_age_recipients *ret, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < texts->count; i++) {
		struct vst_age_recipient *recipient = NULL;
		rc = vst_age_recipient_parse(texts->values[i], strlen(texts->values[i]), &recipient, err);
		if (rc == 0 && (rc = vst_age_recipients_add(ret, recipient, err)) != 0)
			vst_age_recipient_free(recipient);
		if (rc != 0) {
			if (strncmp(texts->values[i], "AGE-SECRET-KEY-", 15) == 0)
				vst_err_hint(err, "that is an identity, which belongs on the analyst's "
				                  "machine only; -r takes the public key, age1…");
			vst_err_prepend(err, "recipient -r"); /* never its text: it may be a secret */
		}
	}
	for (size_t i = 0; rc == 0 && i < files->count; i++) {
		struct vst_buf text = VST_BUF_INIT;
		rc = read_key_file(files->values[i], &text, err);
		if (rc == 0 && (rc = vst_age_recipients_parse(text.data, text.len, ret, err)) != 0)
			vst_err_prepend(err, "%s", files->values[i]);
		vst_buf_wipe(&text); /* an identity given by mistake */
	}
	return rc;
}

static int add_identity_file(const char *path, struct vst_age_identities *set, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	int rc = read_key_file(path, &text, err);
	if (rc == 0 && (rc = vst_age_identities_parse(text.data, text.len, ask, NULL, set, err)) != 0)
		vst_err_prepend(err, "%s", path);
	vst_buf_wipe(&text);
	return rc;
}

static int add_passphrase(struct vst_age_identities *set, struct vst_err *err)
{
	char *passphrase = NULL;
	struct vst_age_identity *identity = NULL;
	int rc = keys_passphrase("the exhibits of this case", false, &passphrase, err);
	if (rc == 0)
		rc = vst_age_identity_passphrase(passphrase, &identity, err);
	if (rc == 0 && (rc = vst_age_identities_add(set, identity, err)) != 0)
		vst_age_identity_free(identity);
	vst_secret_free(passphrase, PASSPHRASE_MAX);
	return rc;
}

int keys_identities(
        const struct cli_list *files, bool by_passphrase, struct vst_age_identities *ret, struct vst_err *err)
{
	const char *path = getenv("VESTIGE_IDENTITY");
	int rc = 0;
	vst_secret_guard_process();
	for (size_t i = 0; rc == 0 && i < files->count; i++)
		rc = add_identity_file(files->values[i], ret, err);
	if (rc == 0 && files->count == 0 && path && *path)
		rc = add_identity_file(path, ret, err);
	else if (rc == 0 && files->count == 0 && by_passphrase)
		rc = add_passphrase(ret, err);
	if (rc == 0 && ret->count == 0) {
		rc = vst_err_set(err, VST_EKEY, "an identity is needed to open an exhibit");
		vst_err_hint(err, "give the file with -i FILE or VESTIGE_IDENTITY; only its owner can open "
		                  "what was sealed");
	}
	return rc;
}

int keys_case_by_passphrase(const struct vst_case *c, bool *ret, struct vst_err *err)
{
	struct vst_age_recipients recipients = {0};
	int rc = vst_case_recipients(c, &recipients, ret, err);
	vst_age_recipients_free(&recipients);
	return rc;
}

/* ---- signers ---- */

int keys_signer(const char *path, struct vst_signer **ret, struct vst_err *err)
{
	const char *from_environment = getenv("VESTIGE_SIGNING_KEY");
	*ret = NULL;
	if (!path && from_environment && *from_environment)
		path = from_environment;
	if (!path)
		return 0;
	vst_secret_guard_process();
	int rc = vst_signer_open(path, ret, err);
	return rc == 0 ? 0 : vst_err_prepend(err, "signing key %s", path);
}

int keys_examiners(
        const struct cli_list *list, struct vst_case_examiner **ret, size_t *ret_count, struct vst_err *err)
{
	struct vst_case_examiner *examiners = vst_calloc(list->count + 1, sizeof *examiners);
	int rc = examiners ? 0 : vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		struct vst_buf text = VST_BUF_INIT;
		char *name = (char *)(uintptr_t)list->values[i]; /* argv, ours to cut */
		char *equals = strchr(name, '=');
		if (!equals || equals == name || !equals[1]) {
			rc = vst_err_set(err, VST_EUSAGE, "--examiner %s: wants NAME=FILE.pub", name);
			break;
		}
		*equals = '\0';
		rc = read_key_file(equals + 1, &text, err);
		if (rc == 0)
			rc = vst_ssh_public_parse(
			        (const char *)text.data, text.len, &examiners[i].key, NULL, NULL, err);
		if (rc != 0)
			vst_err_prepend(err, "--examiner %s", name);
		examiners[i].name = name;
		vst_buf_wipe(&text); /* a private key given by mistake */
	}
	if (rc != 0) {
		free(examiners);
		return rc;
	}
	*ret = examiners;
	*ret_count = list->count;
	return 0;
}
