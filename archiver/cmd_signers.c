#include <stdio.h>

#include "open_case.h"
#include "verbs.h"

static void print_json(const struct vst_signers_entry *entry, bool may_sign_next)
{
	char fingerprint[VST_SSH_FINGERPRINT_TEXT];
	struct vst_buf line = VST_BUF_INIT, key = VST_BUF_INIT;
	vst_ssh_public_text(&entry->key, &key);
	vst_ssh_public_fingerprint(&entry->key, fingerprint);
	struct vst_json json = cli_json_begin(&line, "signer");
	vst_json_key(&json, "principal");
	vst_json_string(&json, entry->principal);
	vst_json_key(&json, "key");
	vst_json_string(&json, vst_buf_cstr(&key));
	vst_json_key(&json, "fingerprint");
	vst_json_string(&json, fingerprint);
	vst_json_key(&json, "collector");
	vst_json_bool(&json, vst_signers_is_collector(entry));
	vst_json_key(&json, "may_sign_next");
	vst_json_bool(&json, may_sign_next);
	line.failed = line.failed || key.failed;
	cli_json_end(&json);
	vst_buf_free(&key);
}

/* The file's exact bytes: principals were checked to be safe to show when the log was. */
static int print_file(const struct vst_signers *signers, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	vst_signers_write(signers, &text);
	int rc = vst_buf_check(&text, err);
	if (rc == 0 && text.len > 0)
		cli_print("%s", vst_buf_cstr(&text));
	vst_buf_free(&text);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct vst_case *c = NULL;
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status = cli_parse(cli, NULL, 0, argc, argv, 0, 0, &args, &count);
	if (status >= 0)
		return status;
	int rc = open_case(cli, &c, &err);
	if (rc != 0)
		return cli_fail(&err);
	const struct vst_signers *all = vst_custody_all_signers(vst_case_custody(c));
	const struct vst_signers *next = vst_custody_signers(vst_case_custody(c));
	if (cli->json)
		for (size_t i = 0; i < all->count; i++)
			print_json(&all->list[i], vst_signers_find(next, &all->list[i].key) != NULL);
	else
		rc = print_file(all, &err);
	vst_case_free(c);
	return rc == 0 ? CLI_GOOD : cli_fail(&err);
}

const struct cli_verb verb_signers = {
        .name = "signers",
        .summary = "all who ever could sign, for git and ssh-keygen",
        .help = "usage: vestige signers\n\n"
                "Prints every key that was ever allowed to sign an event of the checked log, in\n"
                "the format of allowed_signers (ssh-keygen(1)), so that stock git can check the\n"
                "signatures of all commits at once. It does not say who may sign the next event:\n"
                "--json does (may_sign_next), and so does the file allowed_signers in the trail.\n\n"
                "example: vestige -C case signers >all.txt\n"
                "         git -C case/trail -c gpg.ssh.allowedSignersFile=\"$PWD/all.txt\" \\\n"
                "             log --show-signature\n",
        .run = run,
};
