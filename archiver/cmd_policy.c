#include <stdlib.h>
#include <string.h>

#include "definitions.h"
#include "policies.h"
#include "policy_artifacts.h"
#include "verbs.h"
#include "vestige/hash.h"
#include "vestige/text.h"

#define ARGS_MAX 4096

static const struct {
	unsigned bit;
	const char *name;
} hash_names[] = {{VST_HASH_SHA256, "sha256"}, {VST_HASH_SHA1, "sha1"}, {VST_HASH_MD5, "md5"}};

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
		cli_print("%-16s %s\n", cli_show_text(name), cli_show_text(found.policy->about));
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

static void json_texts(struct vst_json *json, const char *key, char *const *texts, size_t count)
{
	vst_json_key(json, key);
	vst_json_array(json);
	for (size_t i = 0; i < count; i++)
		vst_json_string(json, texts[i]);
	vst_json_end(json);
}

static void json_limit(struct vst_json *json, const char *key, uint64_t limit)
{
	vst_json_key(json, key);
	if (limit == UINT64_MAX)
		vst_json_null(json);
	else
		vst_json_uint(json, limit);
}

static void json_source(struct vst_json *json, const struct vst_policy_source *source)
{
	vst_json_object(json);
	vst_json_key(json, "name");
	vst_json_string(json, source->name);
	vst_json_key(json, "kind");
	vst_json_string(json, vst_source_kind_name(source->kind));
	if (source->kind == VST_SOURCE_ARTIFACTS) {
		policy_artifacts_json(json, source);
		vst_json_end(json);
		return;
	}
	json_texts(json, "paths", source->files.paths, source->files.path_count);
	json_texts(json, "exclude", source->files.exclude, source->files.exclude_count);
	vst_json_key(json, "append_only");
	vst_json_bool(json, source->files.append_only);
	vst_json_key(json, "one_file_system");
	vst_json_bool(json, source->files.one_file_system);
	vst_json_end(json);
}

static void show_json(const struct found *found, const uint8_t digest[VST_HASH_LEN])
{
	const struct vst_policy *policy = found->policy;
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "policy");
	vst_json_key(&json, "name");
	vst_json_string(&json, policy->name);
	vst_json_key(&json, "about");
	vst_json_string(&json, policy->about);
	vst_json_key(&json, "file");
	vst_json_string(&json, found->path);
	vst_json_key(&json, "sha256");
	vst_json_hex(&json, digest, VST_HASH_LEN);
	json_texts(&json, "regimes", policy->regimes, policy->regime_count);
	vst_json_key(&json, "hashes");
	vst_json_array(&json);
	for (size_t i = 0; i < sizeof hash_names / sizeof *hash_names; i++)
		if (policy->hashes & hash_names[i].bit)
			vst_json_string(&json, hash_names[i].name);
	vst_json_end(&json);
	json_limit(&json, "item_limit", policy->limits.item);
	json_limit(&json, "exhibit_limit", policy->limits.exhibit);
	vst_json_key(&json, "sources");
	vst_json_array(&json);
	for (size_t i = 0; i < policy->source_count; i++)
		json_source(&json, &policy->sources[i]);
	vst_json_end(&json);
	cli_json_end(&json);
}

static void show_texts(const char *label, char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cli_print("%-12s%s\n", i == 0 ? label : "", cli_show_text(texts[i]));
}

static void show_limit(const char *label, const char *what, uint64_t limit)
{
	char size[16];
	if (limit == UINT64_MAX) {
		cli_print("%-12s%s: none\n", label, what);
		return;
	}
	vst_text_size(limit, size);
	cli_print("%-12s%s: %s (%llu bytes)\n", label, what, size, (unsigned long long)limit);
}

static void show_source(const struct cli *cli, const struct vst_policy_source *source)
{
	const struct vst_policy_files *files = &source->files;
	if (source->kind == VST_SOURCE_ARTIFACTS) {
		policy_artifacts_show(cli, source);
		return;
	}
	cli_print("\n%-12s%s%s%s%s%s\n", "source", cli_style(cli, CLI_BOLD), cli_show_text(source->name),
	        cli_style(cli, CLI_PLAIN), files->append_only ? ", append-only" : "",
	        files->one_file_system ? ", one file system" : "");
	show_texts("  paths", files->paths, files->path_count);
	show_texts("  exclude", files->exclude, files->exclude_count);
}

static void show_text(const struct cli *cli, const struct found *found, const uint8_t digest[VST_HASH_LEN])
{
	const struct vst_policy *policy = found->policy;
	char digits[2 * VST_HASH_LEN + 1];
	vst_hex(digest, VST_HASH_LEN, digits);
	cli_print("%-12s%s\n", "policy", cli_show_text(policy->name));
	if (policy->about)
		cli_print("%-12s%s\n", "about", cli_show_text(policy->about));
	cli_print("%-12s%s\n%-12s%s\n", "file", cli_show_text(found->path), "sha256", digits);
	show_texts("regimes", policy->regimes, policy->regime_count);
	cli_print("%-12s", "hashes");
	for (size_t i = 0; i < sizeof hash_names / sizeof *hash_names; i++)
		if (policy->hashes & hash_names[i].bit)
			cli_print("%s%s", i > 0 ? ", " : "", hash_names[i].name);
	cli_print("\n");
	show_limit("limits", "item", policy->limits.item);
	show_limit("", "exhibit", policy->limits.exhibit);
	for (size_t i = 0; i < policy->source_count; i++)
		show_source(cli, &policy->sources[i]);
}

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
		show_json(&found, digest);
	else
		show_text(cli, &found, digest);
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
                "  show    a policy as it was understood\n"
                "  check   good, or what is wrong in which line\n\n"
                "exit status: 2 a policy could not be read or is wrong.\n\n"
                "example: vestige policy check web-server.yaml\n",
        .run = run,
};
