#include <stdlib.h>
#include <unistd.h>

#include "keys.h"
#include "new_case.h"
#include "verbs.h"

static int run(struct cli *cli, int argc, char **argv)
{
	struct new_case_options options = {0};
	bool passphrase = false;
	const struct cli_option table[] = {
	        {"title", 0, CLI_VALUE, &options.title},
	        {"number", 0, CLI_VALUE, &options.number},
	        {"recipient", 'r', CLI_LIST, &options.recipients},
	        {"recipients-file", 'R', CLI_LIST, &options.recipient_files},
	        {"examiner", 0, CLI_LIST, &options.examiners},
	        {"passphrase", 'p', CLI_FLAG, &passphrase},
	};
	struct vst_case *c = NULL;
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;

	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 1, 1, &args, &count);
	if (status >= 0)
		goto out;
	if (!options.title) {
		status = cli_usage(cli, "--title is missing: a case has a name");
		goto out;
	}
	options.dir = args[0];
	options.by_passphrase = passphrase;
	int rc = new_case(&options, &c, &err);
	if (rc == 0)
		new_case_print(cli, c);
	status = rc == 0 ? CLI_GOOD : cli_fail(&err);
out:
	vst_case_free(c);
	new_case_options_free(&options);
	return status;
}

const struct cli_verb verb_init = {
        .name = "init",
        .summary = "make a case and print its genesis fingerprint",
        .help = "usage: vestige init DIR --title T [--number N] -r RECIPIENT… [-R FILE]\n"
                "                    [--examiner NAME=FILE.pub]…\n\n"
                "Makes a case in DIR, which must not exist or be empty: a custody log with its\n"
                "first event, and the keys that sign it. Write the printed fingerprint down off\n"
                "this host: it proves later that the case was not replaced.\n\n"
                "  --title T          what the case is called\n"
                "  --number N         reference number of an authority or a firm\n"
                "  -r RECIPIENT       who can open exhibits: age1… or ssh-ed25519 …; repeatable\n"
                "  -R FILE            recipients from a file, one a line\n"
                "  -p, --passphrase   seal to a passphrase instead of recipients\n"
                "  --examiner N=FILE  a person who may sign, with an OpenSSH public key\n\n"
                "example: vestige init shop-2026 --title \"Web shop intrusion\" -r age1…\n",
        .run = run,
};
