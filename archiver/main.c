/*
 * vestige: finds the verb and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "verbs.h"
#include "vestige/mem.h"
#include "vestige/secret.h"

static const struct cli_verb *const verbs[] = {
        &verb_keygen,
        &verb_init,
        &verb_snapshot,
        &verb_list,
        &verb_show,
        &verb_log,
        &verb_verify,
        &verb_ls,
        &verb_cat,
        &verb_extract,
        &verb_diff,
        &verb_recover,
        &verb_custody,
        &verb_schedule,
        &verb_signers,
        &verb_policy,
};
#ifdef VESTIGE_STATIC
static const char linkage[] = " static";
#else
static const char linkage[] = "";
#endif
#define VERB_COUNT (sizeof verbs / sizeof *verbs)

static void print_help(void)
{
	cli_print("usage: vestige [-C DIR] [--json] [-q] [-v] [--no-color] VERB [ARG…]\n\n"
	          "Snapshots logs and files of a host into sealed exhibits, records every\n"
	          "handling of them in a signed custody log, and verifies both.\n\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		cli_print("  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	cli_print("\n  -C DIR      the case (else VESTIGE_CASE, else searched upwards from here)\n"
	          "  --json      results as JSON Lines\n"
	          "  -q, -v      say less, say more\n"
	          "  --no-color  no colour, also with NO_COLOR in the environment\n\n"
	          "`vestige VERB --help` tells more. A first case:\n\n"
	          "  vestige keygen -o analyst.key\n"
	          "  vestige snapshot linux-logs --new case -r age1…\n"
	          "  vestige -C case verify --deep -i analyst.key\n");
}

static const struct cli_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

/* The verb that a mistyped one most likely meant: the same first two letters. */
static const char *similar_verb(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strncmp(verbs[i]->name, name, 2) == 0)
			return verbs[i]->name;
	return NULL;
}

static int unknown_verb(const char *name)
{
	const char *similar = similar_verb(name);
	fprintf(stderr, "vestige: '%s' is not a verb\n", cli_show_text(name));
	if (similar)
		fprintf(stderr, "hint: did you mean 'vestige %s'?\n", similar);
	else
		fprintf(stderr, "hint: vestige --help lists them\n");
	return CLI_USAGE;
}

/* Options before the verb. Returns the index of the verb, 0 if the program is done, -1 for a usage error. */
static int take_leading_options(struct cli *cli, int argc, char **argv)
{
	int i = 1;
	for (; i < argc && argv[i][0] == '-'; i++) {
		const char *arg = argv[i];
		if (strcmp(arg, "-C") == 0 && i + 1 < argc)
			cli->dir = argv[++i];
		else if (strncmp(arg, "-C", 2) == 0 && arg[2])
			cli->dir = arg + 2;
		else if (strcmp(arg, "--json") == 0)
			cli->json = true;
		else if (strcmp(arg, "-q") == 0 || strcmp(arg, "--quiet") == 0)
			cli->quiet = true;
		else if (strcmp(arg, "-v") == 0 || strcmp(arg, "--verbose") == 0)
			cli->verbose = true;
		else if (strcmp(arg, "--no-color") == 0)
			cli->color = false;
		else if (strcmp(arg, "--version") == 0) {
			cli_print("vestige %s%s\n", VST_VERSION, linkage);
			return 0;
		} else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
			print_help();
			return 0;
		} else {
			fprintf(stderr,
			        "vestige: '%s' is not an option that stands before the verb\nhint: vestige "
			        "--help\n",
			        cli_show_text(arg));
			return -1;
		}
	}
	return i;
}

int main(int argc, char **argv)
{
	const char *no_color = getenv("NO_COLOR");
	struct cli cli = {
	        .dir = getenv("VESTIGE_CASE"),
	        .color = isatty(STDOUT_FILENO) && !(no_color && *no_color),
	};
	struct vst_err err = VST_ERR_INIT;
	json_set_alloc_funcs(vst_alloc, free);
	/* Before any other library starts these two: then the host's configuration cannot load modules into
	 * this process. */
	if (vst_crypto_start(&err) != 0)
		return cli_fail(&err);
	unsetenv("TZ"); /* the zone that is recorded is the host's, not this shell's; we print UTC */
	umask(077);     /* whatever is made belongs to the investigator alone */

	int at = take_leading_options(&cli, argc, argv);
	if (at <= 0)
		return at == 0 ? cli_finish(CLI_GOOD) : CLI_USAGE;
	if (at == argc) {
		print_help();
		cli_finish(CLI_GOOD);
		return CLI_USAGE;
	}
	if (strcmp(argv[at], "help") == 0) {
		const struct cli_verb *about = at + 1 < argc ? find_verb(argv[at + 1]) : NULL;
		if (at + 1 < argc && !about)
			return unknown_verb(argv[at + 1]);
		if (about) { /* by itself: the help of some is more than a text */
			char option[] = "--help", *ask[] = {argv[at + 1], option, NULL};
			cli.verb = about;
			return cli_finish(about->run(&cli, 2, ask));
		}
		print_help();
		return cli_finish(CLI_GOOD);
	}
	cli.verb = find_verb(argv[at]);
	if (!cli.verb)
		return unknown_verb(argv[at]);
	return cli_finish(cli.verb->run(&cli, argc - at, argv + at));
}
