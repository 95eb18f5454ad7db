#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "open_case.h"
#include "progress.h"
#include "verbs.h"
#include "vestige/examine.h"
#include "vestige/exhibit_salvage.h"
#include "vestige/io.h"
#include "vestige/text.h"

struct recovery {
	struct cli *cli;
	struct cli_list identities;
	const char *output, *signing_key;
};

/* ---- recording an unfinished exhibit of a case ---- */

/* The case whose exhibits/ directory the file lies in; NULL if it lies elsewhere. */
static char *case_of(const char *path)
{
	char real[PATH_MAX];
	char *dir = NULL;
	if (!realpath(path, real))
		return NULL;
	char *parent = dirname(real);
	char *slash = strrchr(parent, '/');
	if (!slash || strcmp(slash + 1, "exhibits") != 0)
		return NULL;
	*slash = '\0';
	if (vst_case_find(*parent ? parent : "/", &dir, NULL) != 0)
		return NULL;
	if (strcmp(dir, *parent ? parent : "/") != 0) {
		free(dir);
		return NULL;
	}
	return dir;
}

static bool is_partial(const char *path)
{
	size_t len = strlen(path), end = strlen(VST_PARTIAL_SUFFIX);
	return len > end && strcmp(path + len - end, VST_PARTIAL_SUFFIX) == 0;
}

static int record(struct recovery *r, const char *path, const char *dir, struct vst_err *err)
{
	char copy[PATH_MAX];
	struct vst_case *c = NULL;
	struct vst_signer *signer = NULL;
	uint64_t event = 0;
	strncpy(copy, path, sizeof copy - 1);
	copy[sizeof copy - 1] = '\0';
	int rc = vst_case_open(dir, &c, err);
	if (rc == 0)
		rc = keys_signer(r->signing_key, &signer, err);
	if (rc == 0)
		rc = vst_recover_record(c, basename(copy), signer, &event, err);
	if (rc == 0 && r->cli->json) {
		struct vst_buf line = VST_BUF_INIT;
		struct vst_json json = cli_json_begin(&line, "recorded");
		vst_json_key(&json, "event");
		vst_json_uint(&json, event);
		cli_json_end(&json);
	} else if (rc == 0) {
		cli_print("recorded   the unfinished file by digest and length, as event %llu\n",
		        (unsigned long long)event);
	} else if (rc == VST_EEXIST) {
		vst_err_clear(err); /* recorded before: what it holds can still be taken out */
		rc = 0;
		cli_say(r->cli, "the log already speaks of this file");
	}
	vst_signer_free(signer);
	vst_case_free(c);
	return rc;
}

/* ---- taking out what can be read ---- */

static int on_damage(void *ctx, const struct vst_salvage_damage *damage, struct vst_err *err)
{
	struct recovery *r = ctx;
	(void)err;
	if (r->cli->json) {
		struct vst_buf line = VST_BUF_INIT;
		struct vst_json json = cli_json_begin(&line, "damage");
		vst_json_key(&json, "offset");
		vst_json_uint(&json, damage->offset);
		vst_json_key(&json, "bytes");
		vst_json_uint(&json, damage->len);
		vst_json_key(&json, "what");
		vst_json_string(&json, damage->what);
		cli_json_end(&json);
	} else {
		cli_print("%sdamaged%s    bytes %llu to %llu: %s\n", cli_style(r->cli, CLI_RED),
		        cli_style(r->cli, CLI_PLAIN), (unsigned long long)damage->offset,
		        (unsigned long long)(damage->offset + damage->len), cli_show_text(damage->what));
	}
	return 0;
}

static int on_item(void *ctx, const struct vst_item *item, enum vst_salvage_state state, const char *what,
        struct vst_err *err)
{
	struct recovery *r = ctx;
	if (r->cli->json) {
		struct vst_buf line = VST_BUF_INIT;
		struct vst_json json = cli_json_begin(&line, "item");
		vst_json_key(&json, "state");
		vst_json_string(&json, vst_salvage_state_name(state));
		vst_json_key(&json, "source");
		vst_json_string(&json, item->source);
		vst_json_key(&json, "path");
		vst_json_text(&json, item->path ? item->path : "", item->path ? strlen(item->path) : 0);
		vst_json_key(&json, "what");
		vst_json_string(&json, what);
		cli_json_end(&json);
	} else if (state != VST_SALVAGE_WHOLE || r->cli->verbose) {
		cli_print("%-10s %s%s%s\n", vst_salvage_state_name(state), cli_show_text(item->path),
		        what ? ": " : "", cli_show_text(what));
	}
	return cli_signal() ? vst_err_set(err, VST_ECANCELLED, "interrupted") : 0;
}

static void on_progress(void *ctx, uint64_t bytes, uint64_t total)
{
	(void)ctx;
	progress_update(&(struct progress){"recover", bytes, total, 0});
}

static void print_result(const struct recovery *r, const struct vst_salvage_result *result)
{
	char size[16];
	vst_text_size(result->damaged_bytes, size);
	if (r->cli->json) {
		struct vst_buf line = VST_BUF_INIT;
		struct vst_json json = cli_json_begin(&line, "summary");
		vst_json_key(&json, "whole");
		vst_json_uint(&json, result->whole);
		vst_json_key(&json, "partial");
		vst_json_uint(&json, result->partial);
		vst_json_key(&json, "unverified");
		vst_json_uint(&json, result->unverified);
		vst_json_key(&json, "missing");
		vst_json_uint(&json, result->missing);
		vst_json_key(&json, "elsewhere");
		vst_json_uint(&json, result->elsewhere);
		vst_json_key(&json, "damaged_bytes");
		vst_json_uint(&json, result->damaged_bytes);
		cli_json_end(&json);
		return;
	}
	cli_print("recovered  %llu whole · %llu partial · %llu unverified · %llu missing, %s damaged\n",
	        (unsigned long long)result->whole, (unsigned long long)result->partial,
	        (unsigned long long)result->unverified, (unsigned long long)result->missing, size);
	if (result->elsewhere > 0)
		cli_print("elsewhere  of %llu of the whole items, content is in earlier exhibits\n",
		        (unsigned long long)result->elsewhere);
}

static int salvage(struct recovery *r, const char *path, bool by_passphrase,
        struct vst_salvage_result *result, struct vst_err *err)
{
	struct vst_age_identities identities = {0};
	struct vst_input in;
	int out = -1;
	/* What lies in a case that somebody was at may be a FIFO: not to be waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = fd >= 0 ? keys_identities(&r->identities, by_passphrase, &identities, err)
	                 : vst_err_sys(err, errno, "%s", path);
	if (rc == 0 && r->output) {
		if (mkdir(r->output, 0700) != 0 && errno != EEXIST)
			rc = vst_err_sys(err, errno, "%s", r->output);
		else
			rc = vst_io_open_dir(AT_FDCWD, r->output, &out, err);
	}
	if (rc == 0)
		rc = vst_input_fd(fd, &in, err);
	if (rc == 0) {
		progress_start(!r->cli->quiet && !r->cli->json);
		const struct vst_salvage_options options = {.out_dirfd = out,
		        .damage = on_damage,
		        .item = on_item,
		        .progress = progress_is_on() ? on_progress : NULL,
		        .ctx = r};
		rc = vst_exhibit_salvage(&in, &identities, &options, result, err);
		progress_clear();
	}
	if (out >= 0)
		close(out);
	if (fd >= 0)
		close(fd);
	vst_age_identities_free(&identities);
	return rc;
}

/* Whether the case that the file lies in seals to a passphrase: then there is no identity to give. */
static bool sealed_by_passphrase(const char *dir)
{
	struct vst_case *c = NULL;
	bool passphrase = false;
	if (!dir || vst_case_open(dir, &c, NULL) != 0)
		return false;
	if (keys_case_by_passphrase(c, &passphrase, NULL) != 0)
		passphrase = false;
	vst_case_free(c);
	return passphrase;
}

/* Nobody is there to be asked when a script records what a crash left. */
static bool can_ask(void)
{
	const char *path = getenv("VESTIGE_PASSPHRASE_FILE");
	return (path && *path) || isatty(STDIN_FILENO);
}

static int recover(struct recovery *r, const char *path, struct vst_err *err)
{
	struct vst_salvage_result result = {0};
	const char *from_environment = getenv("VESTIGE_IDENTITY");
	bool with_identity = r->identities.count > 0 || (from_environment && *from_environment);
	char *dir = case_of(path);
	bool recorded = false, by_passphrase = false;
	int rc = 0;
	cli_catch_signals();
	if (access(path, R_OK) != 0)
		rc = vst_err_sys(err, errno, "%s", path);
	else if (dir && is_partial(path)) {
		rc = record(r, path, dir, err);
		recorded = true; /* or why not is said below */
		if (rc != 0 && with_identity) {
			/* A disk that is full, or read-only, must not keep anybody from what was captured. */
			cli_warn("not recorded: %s", cli_show_text(err->text));
			vst_err_clear(err);
			rc = 0;
		}
	} else if (!with_identity && !(sealed_by_passphrase(dir) && can_ask())) {
		rc = vst_err_set(err, VST_EKEY,
		        "%s: only an unfinished exhibit of a case (EXnnnn" VST_PARTIAL_SUFFIX
		        ") can be recorded without an identity",
		        path);
		vst_err_hint(err, "give -i FILE to take out what can still be read");
	}
	if (rc == 0 && !with_identity && sealed_by_passphrase(dir))
		with_identity = by_passphrase = can_ask();
	free(dir);
	if (rc != 0)
		return cli_fail(err);
	if (!with_identity) {
		cli_say(r->cli, "its contents need an identity: vestige recover -i FILE -o DIR %s",
		        cli_show_text(path));
		return CLI_GOOD;
	}
	if (!recorded)
		cli_say(r->cli, "not recorded: recover reads a finished or foreign exhibit without the log");
	rc = salvage(r, path, by_passphrase, &result, err);
	if (rc != 0)
		return cli_fail(err);
	print_result(r, &result);
	return result.partial + result.unverified + result.missing + result.damaged_bytes > 0 ? CLI_DIFFERENT
	                                                                                      : CLI_GOOD;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct recovery r = {.cli = cli};
	const struct cli_option table[] = {
	        {"identity", 'i', CLI_LIST, &r.identities},
	        {"output", 'o', CLI_VALUE, &r.output},
	        {"signing-key", 0, CLI_VALUE, &r.signing_key},
	};
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 1, 1, &args, &count);
	if (status < 0)
		status = recover(&r, args[0], &err);
	cli_list_free(&r.identities);
	return status;
}

const struct cli_verb verb_recover = {
        .name = "recover",
        .summary = "damaged or unfinished exhibits: record, take out what is left",
        .help = "usage: vestige recover [-i FILE] [-o DIR] FILE\n\n"
                "FILE is an exhibit that a crash left unfinished (EX…" VST_PARTIAL_SUFFIX "), or\n"
                "any exhibit that is damaged. An unfinished one is recorded in the log by digest\n"
                "and length. With an identity every part that still authenticates is\n"
                "read: damage is named with its place, and each item is whole (its sealed hash\n"
                "matches), partial, or unverified (its hash is lost).\n\n"
                "  -i FILE            age identity, or VESTIGE_IDENTITY\n"
                "  -o DIR             items go below DIR as STATE/items/…; else only a report\n"
                "  --signing-key KEY  record as an examiner instead of as the collector\n\n"
                "exit status: 1 something was damaged or is missing.\n\n"
                "example: vestige recover -i analyst.key -o out EX0002" VST_PARTIAL_SUFFIX "\n",
        .run = run,
};
