#include "custody.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "open_case.h"
#include "vestige/dispose.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define ARGS_MAX 10000

struct run {
	struct cli *cli;
	const char *keep, *signing_key;
	bool whole, dry;
	uint64_t seconds; /* of --keep */
	struct vst_case *c;
	struct vst_signer *examiner; /* NULL: the collector */
};

/* ---- what is printed ---- */

/* "EX0001 to EX0003, EX0005" */
static void name_exhibits(const struct vst_disposal *disposal, struct vst_buf *out)
{
	char name[VST_EXHIBIT_NAME_MAX];
	for (size_t i = 0; i < disposal->exhibit_count;) {
		size_t last = i;
		while (last + 1 < disposal->exhibit_count &&
		        disposal->exhibits[last + 1].number == disposal->exhibits[last].number + 1)
			last++;
		vst_exhibit_name(disposal->exhibits[i].number, name);
		vst_buf_printf(out, "%s%s", i > 0 ? ", " : "", name);
		vst_exhibit_name(disposal->exhibits[last].number, name);
		if (last > i)
			vst_buf_printf(out, "%s%s", last == i + 1 ? ", " : " to ", name);
		i = last + 1;
	}
}

static void print_json(const struct run *r, const struct vst_disposal *disposal)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "disposal");
	vst_json_key(&json, "generation");
	vst_json_uint(&json, disposal->generation);
	vst_json_key(&json, "exhibits");
	vst_json_array(&json);
	for (size_t i = 0; i < disposal->exhibit_count; i++)
		vst_json_uint(&json, disposal->exhibits[i].number);
	vst_json_end(&json);
	vst_json_key(&json, "bytes");
	vst_json_uint(&json, disposal->bytes);
	vst_json_key(&json, "cause");
	vst_json_string(&json, vst_dispose_cause_name(disposal->cause));
	vst_json_key(&json, "dry_run");
	vst_json_bool(&json, r->dry);
	vst_json_key(&json, "event");
	if (disposal->event > 0)
		vst_json_uint(&json, disposal->event);
	else
		vst_json_null(&json);
	cli_json_end(&json);
}

/* Before and after it is done: what goes, and that it went. */
static void print_disposal(const struct run *r, const struct vst_disposal *disposal)
{
	struct vst_buf names = VST_BUF_INIT;
	char size[16], count[32], event[32] = "";
	if (r->cli->json) {
		print_json(r, disposal);
		return;
	}
	name_exhibits(disposal, &names);
	vst_text_size(disposal->bytes, size);
	vst_text_count(disposal->exhibit_count, count);
	if (disposal->event > 0)
		snprintf(event, sizeof event, ", event %llu", (unsigned long long)disposal->event);
	cli_print("%s %s: %s exhibit%s, %s%s%s\n", r->dry ? "would dispose of" : "disposed of",
	        vst_buf_cstr(&names), count, disposal->exhibit_count == 1 ? "" : "s", size,
	        r->dry ? "" : " freed", event);
	vst_buf_free(&names);
}

static void warn_lacking(const struct vst_disposal *disposal)
{
	char name[VST_EXHIBIT_NAME_MAX];
	for (size_t i = 0; i < disposal->exhibit_count; i++) {
		if (disposal->exhibits[i].file == VST_DISPOSAL_THERE)
			continue;
		vst_exhibit_name(disposal->exhibits[i].number, name);
		cli_warn("%s: %s", name,
		        disposal->exhibits[i].file == VST_DISPOSAL_MISSING
		                ? "its file is missing already"
		                : "its file is not the one that was recorded");
	}
}

static void say_coming(const struct run *r, const struct vst_disposal *disposal)
{
	struct vst_buf names = VST_BUF_INIT;
	name_exhibits(disposal, &names);
	cli_say(r->cli, "disposing of %s", vst_buf_cstr(&names));
	vst_buf_free(&names);
}

/* ---- by request ---- */

static bool is_named(uint64_t number, const uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* A part cannot go: what an incremental exhibit stores is only what others of its generation do not. */
static int check_whole(const struct run *r, const struct vst_disposal *disposal, const uint64_t *numbers,
        size_t count, struct vst_err *err)
{
	struct vst_buf names = VST_BUF_INIT;
	bool all = true;
	for (size_t i = 0; i < disposal->exhibit_count; i++)
		all = all && is_named(disposal->exhibits[i].number, numbers, count);
	if (all || r->whole)
		return 0;
	name_exhibits(disposal, &names);
	vst_err_set(err, VST_EUSAGE, "%s are one generation, and go together or not at all",
	        vst_buf_cstr(&names));
	vst_err_hint(err, "name all of them, or say with --generation that all of them are meant");
	vst_buf_free(&names);
	return VST_EUSAGE;
}

static int plan_each(const struct run *r, const uint64_t *numbers, size_t count, struct vst_disposal *plans,
        size_t *ret_count, struct vst_err *err)
{
	int rc = 0;
	*ret_count = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct vst_custody *custody = vst_case_custody(r->c);
		uint64_t generation = vst_custody_generation(vst_custody_exhibit_find(custody, numbers[i]));
		bool planned = false;
		for (size_t k = 0; k < *ret_count; k++)
			planned = planned || plans[k].generation == generation;
		if (planned)
			continue;
		rc = vst_disposal_plan(r->c, generation, VST_DISPOSE_REQUEST, &plans[*ret_count], err);
		if (rc == 0)
			rc = check_whole(r, &plans[(*ret_count)++], numbers, count, err);
	}
	return rc;
}

static int dispose_of(const struct run *r, struct vst_disposal *plan, struct vst_err *err)
{
	struct vst_disposal done = {0};
	warn_lacking(plan);
	if (r->dry) {
		print_disposal(r, plan);
		return 0;
	}
	say_coming(r, plan);
	int rc = vst_dispose(r->c, plan->generation, plan->cause, r->examiner, &done, err);
	if (done.event > 0)
		print_disposal(r, &done);
	vst_disposal_free(&done);
	return rc;
}

/* All are looked at before the first goes. */
static int by_request(const struct run *r, char **args, size_t count, struct vst_err *err)
{
	uint64_t *numbers = vst_calloc(count, sizeof *numbers);
	struct vst_disposal *plans = vst_calloc(count, sizeof *plans);
	size_t planned = 0;
	int rc = numbers && plans ? 0 : vst_err_set(err, VST_ENOMEM, "no memory");
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = vst_case_recorded_parse(r->c, args[i], &numbers[i], err);
	if (rc == 0)
		rc = plan_each(r, numbers, count, plans, &planned, err);
	for (size_t i = 0; rc == 0 && i < planned; i++)
		rc = dispose_of(r, &plans[i], err);
	for (size_t i = 0; i < planned; i++)
		vst_disposal_free(&plans[i]);
	free(plans);
	free(numbers);
	return rc;
}

/* ---- by retention ---- */

static void on_disposed(void *ctx, const struct vst_disposal *disposal)
{
	print_disposal(ctx, disposal);
}

static void on_kept(void *ctx, uint64_t generation, const struct vst_err *why)
{
	char name[VST_EXHIBIT_NAME_MAX];
	(void)ctx;
	vst_exhibit_name(generation, name);
	cli_warn("the generation of %s is kept: %s", name, cli_show_text(why->text));
	if (why->hint[0])
		cli_warn("%s", cli_show_text(why->hint));
}

static int show_expired(struct run *r, int64_t now, struct vst_retention_result *result, struct vst_err *err)
{
	uint64_t *list = NULL;
	size_t count = 0;
	int rc = vst_dispose_expired(r->c, r->seconds, now, &list, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct vst_disposal plan = {0};
		struct vst_err why = VST_ERR_INIT;
		rc = vst_disposal_plan(r->c, list[i], VST_DISPOSE_RETENTION, &plan, &why);
		if (rc == 0) {
			result->generations++;
			print_disposal(r, &plan);
		} else if (rc == VST_ETAMPERED) {
			result->kept++;
			on_kept(r, list[i], &why);
			rc = 0;
		} else {
			*err = why;
		}
		vst_disposal_free(&plan);
	}
	free(list);
	return rc;
}

static int by_retention(struct run *r, int *ret_status, struct vst_err *err)
{
	struct vst_retention_result result = {0};
	int64_t now = vst_time_now();
	const struct vst_retention retention = {
	        .keep = r->seconds,
	        .now = now,
	        .examiner = r->examiner,
	        .disposed = on_disposed,
	        .kept = on_kept,
	        .ctx = r,
	};
	int rc = r->dry ? show_expired(r, now, &result, err)
	                : vst_dispose_retain(r->c, &retention, &result, err);
	if (rc == 0 && result.generations + result.kept == 0)
		cli_say(r->cli, "no generation but the newest is wholly older than %s",
		        cli_show_text(r->keep));
	*ret_status = result.kept > 0 ? CLI_DIFFERENT : CLI_GOOD;
	return rc;
}

/* ---- the action ---- */

static int dispose(struct run *r, char **args, size_t count)
{
	struct vst_err err = VST_ERR_INIT;
	int status = CLI_GOOD;
	int rc = open_case(r->cli, &r->c, &err);
	if (rc == 0)
		rc = keys_signer(r->signing_key, &r->examiner, &err);
	if (rc == 0 && !r->keep && !r->examiner && !r->dry) {
		rc = vst_err_set(&err, VST_EKEY, "only an examiner disposes of exhibits by request");
		vst_err_hint(&err,
		        "give --signing-key; the host itself disposes only of what is older than --keep");
	}
	if (rc == 0)
		rc = r->keep ? by_retention(r, &status, &err) : by_request(r, args, count, &err);
	vst_signer_free(r->examiner);
	vst_case_free(r->c);
	return rc == 0 ? status : cli_fail(&err);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct run r = {.cli = cli};
	const struct cli_option table[] = {
	        {"keep", 0, CLI_VALUE, &r.keep},
	        {"generation", 0, CLI_FLAG, &r.whole},
	        {"dry-run", 'n', CLI_FLAG, &r.dry},
	        {"signing-key", 0, CLI_VALUE, &r.signing_key},
	};
	char **args;
	size_t count;
	int status =
	        cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 0, ARGS_MAX, &args, &count);
	if (status >= 0)
		return status;
	if (r.keep && count > 0)
		return cli_usage(cli, "either exhibits or --keep");
	if (!r.keep && count == 0)
		return cli_usage(cli, "wants exhibits, or --keep");
	if (r.keep && !vst_duration_parse(r.keep, &r.seconds))
		return cli_usage(cli, "--keep %s: a whole number with s, min, h or d, such as 90d",
		        cli_show_text(r.keep));
	return dispose(&r, args, count);
}

const struct cli_verb custody_dispose = {
        .name = "custody dispose",
        .summary = "take away exhibits' files; what the log says of them stays",
        .help = "usage: vestige custody dispose EX… --signing-key KEY [--generation] [-n]\n"
                "       vestige custody dispose --keep DURATION [--signing-key KEY] [-n]\n\n"
                "Records that exhibits are disposed of, then unlinks their files. Their seals\n"
                "stay in the log, and verify calls them good. An incremental exhibit goes with\n"
                "all of its generation; the newest generation never goes.\n\n"
                "  --keep DURATION    generations that are wholly older (90d, 12h, 30min)\n"
                "  --generation       all of the generation that an EX belongs to is meant\n"
                "  -n, --dry-run      only say what would go\n"
                "  --signing-key KEY  an examiner's key; with --keep the host's own does as well\n\n"
                "exit status: 1 a generation was kept because a file of it is missing or differs.\n\n"
                "example: vestige -C case custody dispose --keep 90d\n",
        .run = run,
};
