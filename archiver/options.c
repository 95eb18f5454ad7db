#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/mem.h"

#define OPTIONS_MAX 48
#define FIRST_LONG 256

/* Options that every verb takes, before or behind its name. */
enum global {
	GLOBAL_DIR = OPTIONS_MAX,
	GLOBAL_JSON,
	GLOBAL_QUIET,
	GLOBAL_VERBOSE,
	GLOBAL_NO_COLOR,
	GLOBAL_HELP,
	GLOBAL_COUNT
};

static const struct {
	const char *name;
	char letter;
	bool value;
} globals[] = {
        {NULL, 'C', true},
        {"json", 0, false},
        {"quiet", 'q', false},
        {"verbose", 'v', false},
        {"no-color", 0, false},
        {"help", 'h', false},
};

void cli_list_free(struct cli_list *list)
{
	free(list->values);
	*list = (struct cli_list){0};
}

static bool list_add(struct cli_list *list, const char *value)
{
	const char **values = vst_realloc(list->values, list->count + 1, sizeof *values);
	if (!values)
		return false;
	list->values = values;
	list->values[list->count++] = value;
	return true;
}

struct parser {
	struct option long_options[OPTIONS_MAX + GLOBAL_COUNT];
	char letters[2 * (OPTIONS_MAX + GLOBAL_COUNT) + 2];
	int index_of_letter[256];
};

static void add_option(
        struct parser *parser, size_t *at, const char *name, char letter, bool value, int index)
{
	if (letter) {
		size_t len = strlen(parser->letters);
		parser->letters[len++] = letter;
		if (value)
			parser->letters[len++] = ':';
		parser->letters[len] = '\0';
		parser->index_of_letter[(unsigned char)letter] = index;
	}
	if (name)
		parser->long_options[(*at)++] = (struct option){
		        name, value ? required_argument : no_argument, NULL, FIRST_LONG + index};
}

static void build_parser(struct parser *parser, const struct cli_option *options, size_t count)
{
	size_t at = 0;
	*parser = (struct parser){0};
	strcpy(parser->letters, ":"); /* a missing value is told apart from an unknown option */
	for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
		add_option(parser, &at, globals[i].name, globals[i].letter, globals[i].value,
		        (int)(GLOBAL_DIR + i));
	for (size_t i = 0; i < count; i++) /* a verb's own letter wins over a global one */
		add_option(
		        parser, &at, options[i].name, options[i].letter, options[i].kind != CLI_FLAG, (int)i);
}

static bool take(const struct cli_option *option, const char *value)
{
	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)option->to = true;
		return true;
	case CLI_VALUE:
		*(const char **)option->to = value;
		return true;
	case CLI_LIST:
		return list_add(option->to, value);
	}
	return false;
}

static void take_global(struct cli *cli, int index, const char *value)
{
	switch (index) {
	case GLOBAL_DIR:
		cli->dir = value;
		break;
	case GLOBAL_JSON:
		cli->json = true;
		break;
	case GLOBAL_QUIET:
		cli->quiet = true;
		break;
	case GLOBAL_VERBOSE:
		cli->verbose = true;
		break;
	case GLOBAL_NO_COLOR:
		cli->color = false;
		break;
	default:
		break;
	}
}

int cli_parse(struct cli *cli, const struct cli_option *options, size_t option_count, int argc, char **argv,
        size_t min, size_t max, char ***ret_args, size_t *ret_count)
{
	struct parser parser;
	build_parser(&parser, options, option_count);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, parser.letters, parser.long_options, NULL)) != -1;) {
		if (c == '?' || c == ':') {
			const char *what = c == ':' ? "needs a value" : "is not an option of this verb";
			if (optopt > 0 && optopt < FIRST_LONG)
				return cli_usage(cli, "-%c %s", optopt, what);
			return cli_usage(cli, "%s %s", cli_show_text(argv[optind - 1]), what);
		}
		int index = c >= FIRST_LONG ? c - FIRST_LONG : parser.index_of_letter[(unsigned char)c];
		if (index == GLOBAL_HELP) {
			cli_print("%s", cli->verb->help);
			return cli_finish(CLI_GOOD);
		}
		if (index >= GLOBAL_DIR)
			take_global(cli, index, optarg);
		else if (!take(&options[index], optarg))
			return cli_usage(cli, "no memory for the options");
	}
	size_t count = (size_t)(argc - optind);
	if (count < min)
		return cli_usage(cli, min == 1 ? "an argument is missing" : "arguments are missing");
	if (count > max)
		return cli_usage(
		        cli, "'%s' is one argument too many", cli_show_text(argv[optind + (int)max]));
	*ret_args = argv + optind;
	*ret_count = count;
	return -1;
}
