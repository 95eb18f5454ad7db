#include <string.h>

#include "custody.h"
#include "verbs.h"

static const struct cli_verb *const actions[] = {
        &custody_dispose,
};
#define ACTION_COUNT (sizeof actions / sizeof *actions)
static const char prefix[] = "custody ";

static const struct cli_verb *find_action(const char *name)
{
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (strcmp(actions[i]->name + strlen(prefix), name) == 0)
			return actions[i];
	return NULL;
}

static void print_help(const struct cli *cli)
{
	cli_print("%s", cli->verb->help);
	for (size_t i = 0; i < ACTION_COUNT; i++)
		cli_print("  %-10s %s\n", actions[i]->name + strlen(prefix), actions[i]->summary);
	cli_print("\n`vestige custody ACTION --help` tells more.\n\n"
	          "example: vestige -C case custody dispose --keep 90d --dry-run\n");
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
		print_help(cli);
		return CLI_GOOD;
	}
	if (!name)
		return cli_usage(cli, "an action is missing");
	const struct cli_verb *action = find_action(name);
	if (!action)
		return cli_usage(cli, "'%s' is not an action", cli_show_text(name));
	cli->verb = action;
	return action->run(cli, argc - 1, argv + 1);
}

const struct cli_verb verb_custody = {
        .name = "custody",
        .summary = "what becomes of exhibits, recorded: disposal",
        .help = "usage: vestige custody ACTION [ARG…]\n\n"
                "Adds an event to the custody log that is about exhibits as a whole.\n\n",
        .run = run,
};
