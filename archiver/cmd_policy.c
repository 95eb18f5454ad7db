#include <stdlib.h>
#include <string.h>

#include "definitions.h"
#include "policies.h"
#include "policy_show.h"
#include "verbs.h"
#include "vestige/hash.h"

#define ARGS_MAX 4096

/* A policy as it was found: its file, the bytes and what they say. */
struct found {
	char *path;
	struct vst_buf text;
	struct vst_policy *policy;
};

static void found_free(struct found *found)
{
	vst_policy_free(found->policy);
	vst_buf_free(&found->text);
	free(found->path);
	*found = (struct found){0};
}

static int find(const char *name, struct found *ret, struct vst_err *err)
{
	*ret = (struct found){0};
	int rc = policies_load(name, &ret->path, &ret->text, &ret->policy, err);
	if (rc != 0)
		found_free(ret);
	return rc;
}

/* ---- list ---- */

struct listing {
	const struct cli *cli;
	int status;
};

static void list_json(const char *name, const struct found *found)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "policy");
	vst_json_key(&json, "name");
	vst_json_string(&json, name);
	vst_json_key(&json, "about");
	vst_json_string(&json, found->policy->about);
	vst_json_key(&json, "file");
	vst_json_string(&json, found->path);
	cli_json_end(&json);
}

/* One that cannot be read does not hide the others. */
static int list_one(void *ctx, const char *name, const char *policy)
{
	struct listing *listing = ctx;
	struct vst_err err = VST_ERR_INIT;
	struct found found;
	if (find(policy, &found, &err) != 0) {
		listing->status = cli_fail(&err);
		return 0;
	}
	if (listing->cli->json)
		list_json(name, &found);
	else
		cli_print("%-20s %s\n", cli_show_text(name), cli_show_text(found.policy->about));
	found_free(&found);
	return 0;
}

static int run_list(const struct cli *cli)
{
	struct listing listing = {cli, CLI_GOOD};
	policies_each(list_one, &listing);
	return listing.status;
}

/* ---- show ---- */

static int run_show(const struct cli *cli, const char *name)
{
	struct vst_err err = VST_ERR_INIT;
	uint8_t digest[VST_HASH_LEN];
	struct definitions definitions = {0};
	struct found found;
	if (find(name, &found, &err) != 0)
		return cli_fail(&err);
	/* Without definitions it is shown all the same, by the names in it. */
	int status = definitions_load(found.policy, &definitions, &err) == 0 ? CLI_GOOD : cli_fail(&err);
	definitions_warn(&definitions);
	vst_sha256(found.text.data, found.text.len, digest);
	if (cli->json)
		policy_show_json(found.policy, found.path, digest);
	else
		policy_show_text(cli, found.policy, found.path, digest);
	found_free(&found);
	definitions_free(&definitions);
	return status;
}

/* ---- check ---- */

static void check_json(const char *file, const struct vst_err *err)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "policy_check");
	vst_json_key(&json, "file");
	vst_json_string(&json, file);
	vst_json_key(&json, "good");
	vst_json_bool(&json, err->code == 0);
	if (err->code != 0) {
		vst_json_key(&json, "error");
		vst_json_string(&json, err->text);
	}
	if (err->code != 0 && err->hint[0]) {
		vst_json_key(&json, "hint");
		vst_json_string(&json, err->hint);
	}
	cli_json_end(&json);
}

/* The artifacts that it names are there. */
static int check_definitions(struct vst_policy *policy, struct vst_err *err)
{
	struct definitions definitions = {0};
	int rc = definitions_load(policy, &definitions, err);
	definitions_warn(&definitions);
	definitions_free(&definitions);
	return rc;
}

static int run_check(const struct cli *cli, char **files, size_t count)
{
	int status = CLI_GOOD;
	for (size_t i = 0; i < count; i++) {
		struct vst_err err = VST_ERR_INIT;
		struct found found;
		int rc = find(files[i], &found, &err);
		if (rc == 0 && (rc = check_definitions(found.policy, &err)) != 0)
			found_free(&found);
		if (rc != 0)
			status = CLI_CANNOT;
		if (cli->json)
			check_json(files[i], &err);
		else if (rc != 0)
			cli_fail(&err);
		else
			cli_print("%s: good\n", cli_show_text(files[i]));
		if (rc == 0)
			found_free(&found);
	}
	return status;
}

/* ---- the verb ---- */

static int run(struct cli *cli, int argc, char **argv)
{
	char **args;
	size_t count;
	int status = cli_parse(cli, NULL, 0, argc, argv, 1, ARGS_MAX, &args, &count);
	if (status >= 0)
		return status;
	if (strcmp(args[0], "list") == 0)
		return count == 1 ? run_list(cli) : cli_usage(cli, "list takes no argument");
	if (strcmp(args[0], "show") == 0)
		return count == 2 ? run_show(cli, args[1]) : cli_usage(cli, "show takes one policy");
	if (strcmp(args[0], "check") == 0)
		return count >= 2 ? run_check(cli, args + 1, count - 1)
		                  : cli_usage(cli, "check takes at least one file");
	return cli_usage(cli, "'%s' is neither list, show nor check", cli_show_text(args[0]));
}

const struct cli_verb verb_policy = {
        .name = "policy",
        .summary = "list, show and check policies",
        .help = "usage: vestige policy list\n"
                "       vestige policy show POLICY\n"
                "       vestige policy check POLICY…\n\n"
                "A policy says what a snapshot takes: sources with path patterns, limits, hashes.\n"
                "POLICY is a file, - for standard input, or the name of a shipped policy. The\n"
                "format is told by vestige-policy(5).\n\n"
                "  list    the shipped policies, each with what it is for\n"
                "  show    a policy as it was understood, and where its paths lead here\n"
                "  check   good, or what is wrong in which line\n\n"
                "exit status: 2 a policy could not be read or is wrong.\n\n"
                "example: vestige policy check web-server.yaml\n",
        .run = run,
};
