#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "definitions.h"
#include "keys.h"
#include "new_case.h"
#include "open_case.h"
#include "operator.h"
#include "policies.h"
#include "progress.h"
#include "verbs.h"
#include "vestige/acquire.h"
#include "vestige/dispose.h"
#include "vestige/metrics.h"
#include "vestige/secret.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define FINDINGS_SHOWN 20

struct snapshot {
	struct cli *cli;
	struct new_case_options new_case;
	const char *root, *reason, *operator_name;
	const char *full_every, *keep, *metrics;
	uint64_t keep_seconds;
	struct vst_policy_every every; /* full_every */
	struct vst_acquire_result result;
	char *case_dir; /* absolute, for metrics */
	bool dry_run, estimate, incremental, trust_ctime;
	uint64_t items[VST_ITEM_STATUSES], bytes; /* of a dry run */
	uint64_t shown;                           /* findings on the screen */
};

/* ---- a dry run ---- */

static int print_planned(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	struct snapshot *s = ctx;
	char size[16] = "";
	(void)err;
	s->items[item->status]++;
	bool read = item->has_content || item->content == VST_ITEM_CONTENT_DIGEST;
	if (read)
		s->bytes += item->size;
	if (s->cli->json) {
		struct vst_buf line = VST_BUF_INIT;
		struct vst_json json = cli_json_begin(&line, "planned");
		vst_json_key(&json, "source");
		vst_json_string(&json, item->source);
		vst_json_key(&json, "path");
		vst_json_text(&json, item->path, strlen(item->path));
		vst_json_key(&json, "item_type");
		vst_json_string(&json, vst_item_type_name(item->type));
		vst_json_key(&json, "status");
		vst_json_string(&json, vst_item_status_name(item->status));
		if (read) {
			vst_json_key(&json, "size");
			vst_json_uint(&json, item->size);
		}
		if (item->rule) {
			vst_json_key(&json, "rule");
			vst_json_string(&json, item->rule);
		}
		cli_json_end(&json);
		return 0;
	}
	if (read)
		vst_text_size(item->size, size);
	cli_print("%9s  %-9s %s%s%s%s%s\n", size,
	        item->status == VST_ITEM_COLLECTED ? "" : vst_item_status_name(item->status),
	        cli_show_text(item->path), item->content != VST_ITEM_CONTENT_FULL ? "  " : "",
	        cli_content_note(item->content), item->rule ? "  " : "",
	        item->rule ? cli_show_text(item->rule) : "");
	return 0;
}

static void print_plan(struct snapshot *s)
{
	char size[16], count[32];
	uint64_t total = 0;
	for (int i = 0; i < VST_ITEM_STATUSES; i++)
		total += s->items[i];
	vst_text_size(s->bytes, size);
	vst_text_count(total, count);
	cli_say(s->cli, "%s items, %s to read; nothing was read or written", count, size);
}

/* ---- is there room? ---- */

/* Free bytes of the file system where `dir` is, or will be made. */
static bool free_bytes(const char *dir, uint64_t *ret)
{
	char path[PATH_MAX];
	struct statvfs fs;
	if ((size_t)snprintf(path, sizeof path, "%s", dir) >= sizeof path)
		return false;
	while (statvfs(path, &fs) != 0) {
		char *slash = strrchr(path, '/');
		if (errno != ENOENT || strcmp(path, "/") == 0 || strcmp(path, ".") == 0)
			return false;
		if (!slash)
			strcpy(path, ".");
		else
			slash[slash == path] = '\0';
	}
	*ret = (uint64_t)fs.f_bavail * fs.f_frsize;
	return true;
}

/* Refuses what may not fit before anything is read: half an exhibit helps nobody. `c` NULL: the case is still to be made. */
static int check_room(const struct snapshot *s, const struct vst_acquire_options *options,
        const struct vst_case *c, struct vst_err *err)
{
	struct vst_acquire_estimate estimate;
	uint64_t left = 0;
	char need[16], have[16], count[32];
	const char *dir = c ? vst_case_dir(c) : s->new_case.dir;
	int rc = vst_acquire_estimate(options, c, &estimate, err);
	if (rc != 0)
		return rc;
	if (!free_bytes(dir, &left))
		return vst_err_sys(err, errno, "%s: free space", dir);
	/* As if nothing shrank; manifest, index and headers are about a kilobyte an item. */
	uint64_t worst = estimate.bytes + estimate.bytes / 64 + estimate.items * 1024;
	vst_text_size(worst, need);
	vst_text_size(left, have);
	vst_text_count(estimate.items, count);
	cli_say(s->cli, "estimate: %s items, at most %s; %s are free", count, need, have);
	if (worst <= left)
		return 0;
	rc = vst_err_set(err, VST_ELIMIT, "snapshot: it may need %s, and %s has %s free", need, dir, have);
	vst_err_hint(err, "put the case on another disk, or set limits: exhibit in the policy; logs shrink "
	                  "to a tenth, so without --estimate it may still fit");
	return rc;
}

/* ---- a snapshot ---- */

static void on_finding(void *ctx, const char *text)
{
	(void)ctx;
	progress_clear();
	cli_warn("finding: %s", cli_show_text(text));
}

/* On the screen those that somebody has to look into, and not all of a bad day's: the exhibit has them all. */
static void on_compared(void *ctx, const struct vst_finding *finding)
{
	struct snapshot *s = ctx;
	if (finding->severity < VST_SEVERITY_MEDIUM || s->shown >= FINDINGS_SHOWN)
		return;
	s->shown++;
	progress_clear();
	cli_warn("finding: %s: %s%s%s: %s", vst_severity_name(finding->severity), finding->rule,
	        finding->path ? ": " : "", finding->path ? cli_show_text(finding->path) : "",
	        finding->found ? cli_show_text(finding->found) : "");
}

static void on_progress(void *ctx, const struct vst_acquire_progress *now)
{
	(void)ctx;
	progress_update(&(struct progress){now->source, now->content_bytes, now->expected_bytes, now->items});
}

static void print_counts(const struct snapshot *s, const struct vst_seal *seal)
{
	const char *first = "";
	cli_print("  ");
	for (int status = 0; status < VST_ITEM_STATUSES; status++) {
		const char *name = vst_item_status_name((enum vst_item_status)status);
		uint64_t count = vst_seal_total(seal, name);
		char text[32];
		if (count == 0)
			continue;
		vst_text_count(count, text);
		bool bad =
		        status == VST_ITEM_DENIED || status == VST_ITEM_ERROR || status == VST_ITEM_TRUNCATED;
		cli_print("%s%s%s %s%s", first, bad ? cli_style(s->cli, CLI_YELLOW) : "", name, text,
		        bad ? cli_style(s->cli, CLI_PLAIN) : "");
		first = " · ";
	}
	cli_print("\n");
}

/* The completeness statement by source: what was asked for, and what came of it. */
static void print_sources(const struct snapshot *s, const struct vst_seal *seal)
{
	for (size_t i = 0; i < seal->source_count; i++) {
		const struct vst_seal_source *source = &seal->sources[i];
		if (strcmp(source->name, VST_SOURCE_EXHIBIT) == 0)
			continue;
		cli_print("  %s%-10s%s", cli_style(s->cli, CLI_DIM), source->name,
		        cli_style(s->cli, CLI_PLAIN));
		for (size_t k = 0; k < source->status_count; k++)
			cli_print(" %s%s %llu", k ? "· " : "", source->statuses[k].status,
			        (unsigned long long)source->statuses[k].count);
		cli_print("%s\n", source->status_count == 0 ? " nothing" : "");
	}
}

/* How it stands to the exhibit before. */
static void print_series(const struct snapshot *s, const struct vst_acquire_result *result)
{
	const struct vst_seal_series *series = &result->seal->series;
	char described[16], name[VST_EXHIBIT_NAME_MAX];
	vst_text_size(series->described, described);
	vst_exhibit_name(series->full, name);
	if (series->full != result->exhibit)
		cli_print("  describes %s, what is not stored here is in %s and after\n", described, name);
	else if (result->full_because)
		cli_say(s->cli, "note: this one is full: %s", result->full_because);
	if (series->compared)
		cli_print("  since the exhibit before: added %llu · removed %llu · changed %llu\n",
		        (unsigned long long)series->added, (unsigned long long)series->removed,
		        (unsigned long long)series->changed);
	const char *first = "";
	for (int i = VST_SEVERITIES - 1; i >= 0; i--) {
		if (series->findings[i] == 0)
			continue;
		cli_print("%s%s%llu %s%s", *first ? first : "  findings: ",
		        i == VST_SEVERITY_HIGH ? cli_style(s->cli, CLI_RED) : "",
		        (unsigned long long)series->findings[i], vst_severity_name((enum vst_severity)i),
		        i == VST_SEVERITY_HIGH ? cli_style(s->cli, CLI_PLAIN) : "");
		first = " · ";
	}
	if (*first)
		cli_print("\n");
}

static void print_sealed(const struct snapshot *s, const struct vst_acquire_result *result)
{
	const struct vst_seal *seal = result->seal;
	char name[VST_EXHIBIT_NAME_MAX], count[32], content[16], size[16], took[24],
	        root[2 * VST_HASH_LEN + 1];
	vst_exhibit_name(result->exhibit, name);
	vst_text_count(seal->items, count);
	vst_text_size(result->content_bytes, content);
	vst_text_size(seal->file_bytes, size);
	progress_duration(progress_seconds(), took);
	vst_hex(seal->root, VST_HASH_LEN, root);
	cli_print("%ssealed %s%s  %s items, %s in %s, %s\n", cli_style(s->cli, CLI_GREEN), name,
	        cli_style(s->cli, CLI_PLAIN), count, content, size, took);
	print_counts(s, seal);
	if (s->cli->verbose || seal->source_count > 2)
		print_sources(s, seal);
	cli_print("  root %.16s… · event %llu · not yet timestamped\n", root,
	        (unsigned long long)result->event);
	print_series(s, result);
	if (result->findings > 0)
		cli_print("  %s%llu finding%s%s\n", cli_style(s->cli, CLI_YELLOW),
		        (unsigned long long)result->findings, result->findings == 1 ? "" : "s",
		        cli_style(s->cli, CLI_PLAIN));
	if (result->incomplete)
		cli_say(s->cli,
		        "hint: not all was had: vestige ls -i ID --status denied,error,truncated%s %s",
		        result->left_out > 0 ? ",excluded" : "", name);
}

static void json_sealed(const struct vst_acquire_result *result)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "sealed");
	vst_json_key(&json, "event");
	vst_json_uint(&json, result->event);
	vst_json_key(&json, "log_root");
	vst_json_hex(&json, result->log_root, VST_HASH_LEN);
	vst_json_key(&json, "content_bytes");
	vst_json_uint(&json, result->content_bytes);
	vst_json_key(&json, "findings");
	vst_json_uint(&json, result->findings);
	vst_json_key(&json, "complete");
	vst_json_bool(&json, !result->incomplete);
	vst_json_key(&json, "seal");
	vst_seal_write(result->seal, &json);
	cli_json_end(&json);
}

static int open_or_make_case(struct snapshot *s, struct vst_case **ret, struct vst_err *err)
{
	char title[64], now[VST_TIME_TEXT];
	if (!s->new_case.dir)
		return open_case(s->cli, ret, err);
	if (!s->new_case.title) { /* on a bad day nobody wants to think of a name */
		vst_time_format(vst_time_now() / VST_NS_PER_S * VST_NS_PER_S, now);
		snprintf(title, sizeof title, "Snapshot of %.19sZ", now);
		s->new_case.title = title;
	}
	int rc = new_case(&s->new_case, ret, err);
	if (rc == 0)
		new_case_print(s->cli, *ret);
	return rc;
}

/* ---- what is kept ---- */

static void on_disposed(void *ctx, const struct vst_disposal *disposal)
{
	const struct snapshot *s = ctx;
	char name[VST_EXHIBIT_NAME_MAX], size[16];
	vst_exhibit_name(disposal->generation, name);
	vst_text_size(disposal->bytes, size);
	cli_say(s->cli, "disposed of %s and what followed it, %zu exhibits, %s: event %llu", name,
	        disposal->exhibit_count, size, (unsigned long long)disposal->event);
}

static void on_kept(void *ctx, uint64_t generation, const struct vst_err *why)
{
	char name[VST_EXHIBIT_NAME_MAX];
	(void)ctx;
	vst_exhibit_name(generation, name);
	cli_warn("%s and what followed it are kept, though they are old enough: %s", name,
	        cli_show_text(why->text));
}

/* After the new one is sealed: what is taken away is older, and its seals stay in the log. */
static int retain(struct snapshot *s, struct vst_case *c, struct vst_err *err)
{
	const struct vst_retention retention = {.keep = s->keep_seconds,
	        .now = vst_time_now(),
	        .disposed = on_disposed,
	        .kept = on_kept,
	        .ctx = s};
	struct vst_retention_result result;
	return s->keep ? vst_dispose_retain(c, &retention, &result, err) : 0;
}

/* For whoever watches from afar: also of a snapshot that failed. */
static int write_metrics(const struct snapshot *s, const char *policy, int64_t started, int status)
{
	struct vst_err err = VST_ERR_INIT;
	const char *dir = s->case_dir ? s->case_dir : s->cli->dir;
	const struct vst_metrics metrics = {
	        .case_dir = dir ? dir : ".",
	        .policy = policy,
	        .now = vst_time_now(),
	        .duration = vst_time_now() - started,
	        .exit_status = status,
	        .seal = s->result.seal,
	        .read_bytes = s->result.read_bytes,
	};
	if (!s->metrics)
		return status;
	if (vst_metrics_write(s->metrics, &metrics, &err) == 0)
		return status;
	vst_err_prepend(&err, "--metrics %s", s->metrics);
	int failed = cli_fail(&err);
	return status == CLI_GOOD || status == CLI_INCOMPLETE ? failed : status;
}

static int take_snapshot(
        struct snapshot *s, struct vst_acquire_options *options, int *ret_status, struct vst_err *err)
{
	struct vst_case *c = NULL;
	struct vst_acquire_result *result = &s->result;
	char *passphrase = NULL;
	bool by_passphrase = false;
	int rc = s->estimate && s->new_case.dir ? check_room(s, options, NULL, err) : 0;
	if (rc == 0)
		rc = open_or_make_case(s, &c, err);
	if (rc == 0 && s->estimate && !s->new_case.dir)
		rc = check_room(s, options, c, err);
	if (rc == 0 && s->metrics)
		s->case_dir = realpath(vst_case_dir(c), NULL);
	if (rc == 0)
		rc = keys_case_by_passphrase(c, &by_passphrase, err);
	if (rc == 0 && by_passphrase)
		rc = keys_passphrase("the new exhibit", true, &passphrase, err);
	if (rc == 0) {
		options->passphrase = passphrase;
		progress_start(!s->cli->quiet && !s->cli->json);
		options->progress = progress_is_on() ? on_progress : NULL;
		rc = vst_acquire(c, options, result, err);
		progress_clear();
	}
	if (rc == 0) {
		if (result->on_evidence_disk)
			cli_warn("the case lies on the file system that it collected from: it overwrote free "
			         "space there,\n"
			         "         where deleted files may have been. Put the case on another disk "
			         "when you can");
		if (result->digest_key_is_new)
			cli_warn(
			        "private/digest.key was not there and was made anew: digests of this exhibit "
			        "cannot be compared\n"
			        "         with those of earlier ones");
		if (s->cli->json)
			json_sealed(result);
		else
			print_sealed(s, result);
		*ret_status = result->incomplete ? CLI_INCOMPLETE : CLI_GOOD;
		rc = retain(s, c, err);
	}
	vst_secret_free(passphrase, PASSPHRASE_MAX);
	vst_case_free(c);
	return rc;
}

static int plan_snapshot(struct snapshot *s, struct vst_acquire_options *options, struct vst_err *err)
{
	struct vst_case *c = NULL;
	struct vst_err none = VST_ERR_INIT;
	/* A plan needs no case; if there is one, its directory is left out as it would be. */
	if (open_case(s->cli, &c, &none) != 0)
		c = NULL;
	int rc = vst_acquire_dry_run(options, c, print_planned, s, err);
	if (rc == 0)
		print_plan(s);
	vst_case_free(c);
	return rc;
}

/* The status of a usage error; CLI_GOOD: there is none. */
static int check_options(struct snapshot *s)
{
	const struct new_case_options *described = &s->new_case;
	if (!described->dir && (described->title || described->number || described->recipients.count ||
	                               described->recipient_files.count || described->examiners.count ||
	                               described->by_passphrase))
		return cli_usage(s->cli, "--title, --number, -r, -R, -p and --examiner describe a new case: "
		                         "they go with --new DIR");
	if ((s->full_every || s->trust_ctime) && !s->incremental)
		return cli_usage(s->cli, "--full-every and --trust-ctime go with --incremental");
	if (s->full_every && !vst_policy_every_parse(s->full_every, &s->every))
		return cli_usage(s->cli, "--full-every '%s': a number of snapshots (30), or a time (30d)",
		        cli_show_text(s->full_every));
	if (s->keep && !vst_duration_parse(s->keep, &s->keep_seconds))
		return cli_usage(s->cli, "--keep '%s': a time, such as 90d", cli_show_text(s->keep));
	return CLI_GOOD;
}

static int snapshot_by(struct snapshot *s, const struct vst_policy *policy, const struct vst_buf *text,
        int *ret_status, struct vst_err *err)
{
	char *who = s->operator_name ? strdup(s->operator_name) : operator_name();
	if (!who)
		return vst_err_set(err, VST_ENOMEM, "no memory");
	struct vst_acquire_options options = {
	        .policy = policy,
	        .policy_text = text->data,
	        .policy_len = text->len,
	        .root = s->root,
	        .operator_name = who,
	        .reason = s->reason,
	        .program = VST_VERSION,
	        .incremental = s->incremental,
	        .full_every = s->every,
	        .trust_ctime = s->trust_ctime,
	        .cancel = cli_catch_signals(),
	        .finding = on_finding,
	        .compared = on_compared,
	        .ctx = s,
	};
	*ret_status = CLI_GOOD;
	int rc = s->dry_run ? plan_snapshot(s, &options, err) : take_snapshot(s, &options, ret_status, err);
	free(who);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct snapshot s = {.cli = cli};
	const struct cli_option table[] = {
	        {"root", 0, CLI_VALUE, &s.root},
	        {"reason", 0, CLI_VALUE, &s.reason},
	        {"operator", 0, CLI_VALUE, &s.operator_name},
	        {"dry-run", 'n', CLI_FLAG, &s.dry_run},
	        {"estimate", 0, CLI_FLAG, &s.estimate},
	        {"incremental", 0, CLI_FLAG, &s.incremental},
	        {"full-every", 0, CLI_VALUE, &s.full_every},
	        {"trust-ctime", 0, CLI_FLAG, &s.trust_ctime},
	        {"keep", 0, CLI_VALUE, &s.keep},
	        {"metrics", 0, CLI_VALUE, &s.metrics},
	        {"new", 0, CLI_VALUE, &s.new_case.dir},
	        {"title", 0, CLI_VALUE, &s.new_case.title},
	        {"number", 0, CLI_VALUE, &s.new_case.number},
	        {"recipient", 'r', CLI_LIST, &s.new_case.recipients},
	        {"recipients-file", 'R', CLI_LIST, &s.new_case.recipient_files},
	        {"examiner", 0, CLI_LIST, &s.new_case.examiners},
	        {"passphrase", 'p', CLI_FLAG, &s.new_case.by_passphrase},
	};
	struct vst_err err = VST_ERR_INIT;
	struct vst_policy *policy = NULL;
	struct vst_buf text = VST_BUF_INIT;
	struct definitions definitions = {0};
	int64_t started = vst_time_now();
	char **args;
	size_t count;

	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 1, 1, &args, &count);
	if (status >= 0)
		goto out;
	if ((status = check_options(&s)) != CLI_GOOD)
		goto out;
	int rc = policies_load(args[0], NULL, &text, &policy, &err);
	if (rc == 0 && (rc = definitions_load(policy, &definitions, &err)) == 0)
		definitions_warn(&definitions);
	if (rc == 0)
		rc = snapshot_by(&s, policy, &text, &status, &err);
	if (rc != 0)
		status = cli_fail(&err);
	if (!s.case_dir && cli->dir)
		s.case_dir = realpath(cli->dir, NULL);
	if (!s.dry_run)
		status = write_metrics(&s, policy ? policy->name : args[0], started, status);
out:
	vst_seal_free(s.result.seal);
	free(s.case_dir);
	vst_policy_free(policy);
	definitions_free(&definitions);
	vst_buf_free(&text);
	new_case_options_free(&s.new_case);
	return status;
}

const struct cli_verb verb_snapshot = {
        .name = "snapshot",
        .summary = "acquire by a policy and seal one exhibit",
        .help = "usage: vestige snapshot POLICY [--root DIR] [--reason TEXT] [--operator NAME]\n"
                "       vestige snapshot POLICY --new DIR -r RECIPIENT…   makes the case as well\n"
                "       vestige snapshot POLICY --dry-run\n\n"
                "Takes what POLICY names (a file, or a shipped policy: vestige policy list) into\n"
                "one sealed exhibit and records it in the custody log. No secret is needed.\n\n"
                "  --root DIR       an image mounted at DIR instead of this host\n"
                "  --reason TEXT    why; kept inside the exhibit\n"
                "  --operator NAME  who; by default the person behind sudo\n"
                "  -n, --dry-run    list what would be taken; reads and writes nothing\n"
                "  --estimate       look over it first, and refuse what may not fit on the disk\n"
                "  --incremental    store only what no exhibit of this generation holds; every\n"
                "                   byte is read and compared all the same\n"
                "  --full-every N   with it: every Nth snapshot is full, or 30d: each 30 days\n"
                "  --trust-ctime    with it: do not read files whose size, inode, mtime and\n"
                "                   ctime are as sealed, under the same policy\n"
                "  --keep TIME      then dispose of generations that are older (90d); their\n"
                "                   seals stay in the log\n"
                "  --metrics FILE   figures for Prometheus, also of a snapshot that failed\n"
                "  --new DIR        make the case in DIR; with -r, -R, -p, --title, --number,\n"
                "                   --examiner as in init\n\n"
                "exit status: 0 sealed; 3 sealed, but an item was denied, failed, or cut or left\n"
                "out by a limit; 11 another snapshot runs.\n\n"
                "example: vestige snapshot linux-logs --new case -r age1… --reason \"alert 4471\"\n",
        .run = run,
};
