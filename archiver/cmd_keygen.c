#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "verbs.h"
#include "vestige/age.h"
#include "vestige/io.h"
#include "vestige/secret.h"
#include "vestige/timefmt.h"

static void compose(const char *secret, const char *recipient, struct vst_buf *out)
{
	char now[VST_TIME_TEXT];
	vst_time_format(vst_time_now() / VST_NS_PER_S * VST_NS_PER_S, now);
	vst_buf_printf(out, "# created: %.19sZ\n# public key: %s\n%s\n", now, recipient, secret);
}

static int write_identity(const char *path, const struct vst_buf *text, struct vst_err *err)
{
	if (!path || (path[0] == '-' && !path[1]))
		return vst_io_write(STDOUT_FILENO, text->data, text->len, err);
	int rc = vst_io_write_file(AT_FDCWD, path, 0600, text->data, text->len, VST_IO_NEW, err);
	if (rc == VST_EEXIST) {
		vst_err_set(err, rc, "%s exists, and an identity is never overwritten", path);
		vst_err_hint(err, "give another name with -o");
	}
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *path = NULL;
	const struct cli_option options[] = {{"output", 'o', CLI_VALUE, &path}};
	struct vst_age_identity *identity = NULL;
	struct vst_age_recipient *recipient = NULL;
	struct vst_buf secret = VST_BUF_INIT, text = VST_BUF_INIT, line = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;

	int status = cli_parse(cli, options, 1, argc, argv, 0, 0, &args, &count);
	if (status >= 0)
		return status;
	vst_secret_guard_process();
	vst_buf_reserve(&secret, 256);
	vst_buf_reserve(&text, 1024);
	int rc = vst_age_identity_generate(&identity, &err);
	if (rc == 0)
		rc = vst_age_identity_recipient(identity, &recipient, &err);
	if (rc == 0)
		rc = vst_age_identity_text(identity, &secret, &err);
	if (rc == 0) {
		compose(vst_buf_cstr(&secret), vst_age_recipient_text(recipient), &text);
		rc = vst_buf_check(&text, &err);
	}
	if (rc == 0)
		rc = write_identity(path, &text, &err);
	if (rc == 0 && cli->json) {
		struct vst_json json = cli_json_begin(&line, "identity");
		vst_json_key(&json, "recipient");
		vst_json_string(&json, vst_age_recipient_text(recipient));
		vst_json_key(&json, "file");
		vst_json_string(&json, path);
		cli_json_end(&json);
	} else if (rc == 0 && path && !(path[0] == '-' && !path[1])) {
		cli_print("%s\n", vst_age_recipient_text(recipient));
		cli_say(cli,
		        "the identity is in %s: keep it off the hosts that are collected from,\nit opens "
		        "everything that is sealed to the recipient above",
		        cli_show_text(path));
	} else if (rc == 0) {
		cli_say(cli, "recipient: %s", vst_age_recipient_text(recipient));
	}
	vst_buf_wipe(&secret);
	vst_buf_wipe(&text);
	vst_age_recipient_free(recipient);
	vst_age_identity_free(identity);
	return rc == 0 ? CLI_GOOD : cli_fail(&err);
}

const struct cli_verb verb_keygen = {
        .name = "keygen",
        .summary = "make an age identity; its recipient can be sealed to",
        .help = "usage: vestige keygen [-o FILE]\n\n"
                "Makes an age X25519 identity (mode 0600) and prints its recipient. The identity\n"
                "belongs on the analyst's machine; hosts need the recipient alone.\n\n"
                "  -o FILE   where the identity goes; without it, to standard output\n\n"
                "example: vestige keygen -o analyst.key\n",
        .run = run,
};
