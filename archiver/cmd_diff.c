#include <stdlib.h>
#include <string.h>

#include "diff_changes.h"
#include "diff_rows.h"
#include "opened.h"
#include "progress.h"
#include "verbs.h"
#include "vestige/indexed.h"
#include "vestige/secret.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

struct diff {
	struct cli *cli;
	struct opened_options options;
	bool findings_only, wants_rows, other_key;
	struct opened before, after;
	struct cli before_cli, after_cli; /* with the case's directory, where it stands in the argument */
	struct vst_indexed *before_index, *after_index;
	struct diff_rows rows;
	struct vst_buf findings; /* as they are printed: behind the summary */
	const char *label;       /* of the exhibit that is read */
};

/* ---- opening ---- */

/* "EX0002", or "DIR:EX0002" for one of another case. */
static int open_side(struct diff *d, char *text, struct cli *cli, struct opened *opened,
        const struct opened *earlier, struct vst_err *err)
{
	struct opened_options options = d->options;
	char *colon = strrchr(text, ':');
	*cli = *d->cli;
	if (colon) {
		*colon = '\0';
		cli->dir = *text ? text : ".";
		text = colon + 1;
	}
	options.earlier = earlier;
	return opened_open(opened, cli, text, &options, err);
}

static int select_leaf(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	(void)err;
	vst_selection_add(ctx, entry->leaf);
	return 0;
}

static int record(struct opened *opened, struct vst_err *err)
{
	struct vst_selection *selection = NULL;
	int rc = vst_selection_new(&selection, err);
	if (rc == 0)
		rc = vst_exhibit_list(opened->exhibit, select_leaf, selection, err);
	if (rc == 0)
		rc = opened_record(opened, "diff", selection, err);
	vst_selection_free(selection);
	return rc;
}

/* Each in its own case's log. */
static int record_both(struct diff *d, struct vst_err *err)
{
	int rc = 0;
	if (!opened_will_record(&d->before))
		return 0;
	rc = record(&d->before, err);
	return rc == 0 && opened_will_record(&d->after) ? record(&d->after, err) : rc;
}

static void on_progress(void *ctx, uint64_t items, uint64_t total)
{
	const struct diff *d = ctx;
	(void)total;
	progress_update(&(struct progress){.label = d->label, .items = items});
}

static int index_side(struct diff *d, struct opened *opened, struct vst_series_index *earlier,
        struct vst_indexed **ret, struct vst_err *err)
{
	char name[VST_EXHIBIT_NAME_MAX];
	const struct vst_indexed_options options = {
	        .earlier = earlier,
	        .ignore_digests = d->other_key,
	        .progress = progress_is_on() ? on_progress : NULL,
	        .ctx = d,
	        .cancel = cli_catch_signals(),
	};
	vst_exhibit_name(opened->number, name);
	d->label = name;
	int rc = vst_indexed_new(opened->examination, &options, ret, err);
	progress_clear();
	if (rc == 0 && (*ret)->unread > 0)
		cli_warn("%s: contents of %llu items could not be read, and were not looked into; the first "
		         "is %s",
		        name, (unsigned long long)(*ret)->unread, cli_show_text((*ret)->unread_why));
	return rc;
}

static int index_both(struct diff *d, struct vst_err *err)
{
	uint8_t before[VST_HASH_LEN], after[VST_HASH_LEN];
	bool has_before, has_after;
	int rc = vst_indexed_digest_key(d->before.examination, before, &has_before, err);
	if (rc == 0)
		rc = vst_indexed_digest_key(d->after.examination, after, &has_after, err);
	if (rc != 0)
		return rc;
	d->other_key = has_before && has_after && memcmp(before, after, VST_HASH_LEN) != 0;
	vst_wipe(before, sizeof before);
	vst_wipe(after, sizeof after);
	rc = index_side(d, &d->before, NULL, &d->before_index, err);
	return rc == 0 ? index_side(d, &d->after, d->before_index->side.index, &d->after_index, err) : rc;
}

/* ---- findings ---- */

static enum cli_style style_of(enum vst_severity severity)
{
	return severity == VST_SEVERITY_HIGH     ? CLI_RED
	       : severity == VST_SEVERITY_MEDIUM ? CLI_YELLOW
	                                         : CLI_DIM;
}

static void put_line(struct vst_buf *out, const char *label, const char *text)
{
	if (text)
		vst_buf_printf(out, "         %-9s %s\n", label, cli_show_text(text));
}

static void put_places(struct vst_buf *out, const struct vst_finding *finding)
{
	char before[VST_EXHIBIT_NAME_MAX], after[VST_EXHIBIT_NAME_MAX];
	vst_exhibit_name(finding->before.exhibit, before);
	vst_exhibit_name(finding->after.exhibit, after);
	if (finding->before.exhibit == 0 && finding->after.exhibit == 0)
		return;
	vst_buf_text(out, "         in        ");
	if (finding->before.exhibit)
		vst_buf_printf(out, "%s item %llu%s", before, (unsigned long long)finding->before.seq,
		        finding->after.exhibit ? ", " : "");
	if (finding->after.exhibit)
		vst_buf_printf(out, "%s item %llu", after, (unsigned long long)finding->after.seq);
	vst_buf_byte(out, '\n');
}

static int on_finding(void *ctx, const struct vst_finding *finding, struct vst_err *err)
{
	struct diff *d = ctx;
	struct vst_buf *out = &d->findings;
	if (d->cli->json) {
		struct vst_json json = vst_json_begin(out);
		vst_json_object(&json);
		vst_json_key(&json, "type");
		vst_json_string(&json, "finding");
		vst_json_key(&json, "finding");
		vst_finding_write(finding, &json);
		vst_json_end(&json);
		vst_buf_byte(out, '\n');
		return vst_buf_check(out, err);
	}
	vst_buf_printf(out, "%s%-8s%s %s", cli_style(d->cli, style_of(finding->severity)),
	        vst_severity_name(finding->severity), cli_style(d->cli, CLI_PLAIN), finding->rule);
	if (finding->path)
		vst_buf_printf(out, "  %s:%s", finding->source ? cli_show_text(finding->source) : "",
		        cli_show_text(finding->path));
	vst_buf_byte(out, '\n');
	put_line(out, "expected", finding->expected);
	put_line(out, "found", finding->found);
	put_line(out, "innocent", finding->innocent);
	put_places(out, finding);
	return vst_buf_check(out, err);
}

/* ---- changes ---- */

static int count_change(void *ctx, const struct vst_change *change, struct vst_err *err)
{
	struct diff *d = ctx;
	if (cli_signal())
		return vst_err_set(err, VST_ECANCELLED, "interrupted");
	return diff_rows_take(&d->rows, change, err);
}

static int tell_change(void *ctx, const struct vst_change *change, struct vst_err *err)
{
	struct diff *d = ctx;
	if (cli_signal())
		return vst_err_set(err, VST_ECANCELLED, "interrupted");
	diff_change_print(d->cli, change);
	return diff_rows_tell(&d->rows, change, err);
}

/* ---- the summary ---- */

static void json_side(struct vst_json *json, const char *key, const struct opened *opened,
        const struct vst_indexed *indexed)
{
	const struct vst_seal *seal = vst_examine_seal(opened->examination);
	vst_json_key(json, key);
	vst_json_object(json);
	vst_json_key(json, "case");
	vst_json_string(json, vst_custody_case(vst_case_custody(opened->c))->id);
	vst_json_key(json, "exhibit");
	vst_json_uint(json, opened->number);
	vst_json_key(json, "started");
	vst_json_time(json, seal->started);
	vst_json_key(json, "items");
	vst_json_uint(json, indexed->items);
	vst_json_key(json, "unread");
	vst_json_uint(json, indexed->unread);
	vst_json_end(json);
}

static void json_count(struct vst_json *json, const char *key, uint64_t count)
{
	vst_json_key(json, key);
	vst_json_uint(json, count);
}

static void json_rows(struct vst_json *json, const struct diff *d, const struct vst_compare_result *result)
{
	const struct diff_rows_totals *totals = &d->rows.totals;
	vst_json_key(json, "rows");
	vst_json_object(json);
	json_count(json, "tables", totals->tables);
	json_count(json, "added", totals->added);
	json_count(json, "removed", totals->removed);
	json_count(json, "changed", totals->changed);
	json_count(json, "unknown", totals->unknown);
	json_count(json, "not_compared", totals->not_compared);
	vst_json_end(json);
	vst_json_key(json, "digests");
	vst_json_object(json);
	vst_json_key(json, "comparable");
	vst_json_bool(json, !d->other_key);
	json_count(json, "unchanged", result->digests.unchanged);
	json_count(json, "changed", result->digests.changed);
	json_count(json, "unknown", result->digests.unknown);
	vst_json_end(json);
}

static void json_summary(const struct diff *d, const struct vst_compare_result *result)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "summary");
	json_side(&json, "before", &d->before, d->before_index);
	json_side(&json, "after", &d->after, d->after_index);
	vst_json_key(&json, "changes");
	vst_json_object(&json);
	for (int kind = 0; kind < VST_CHANGE_KINDS; kind++) {
		vst_json_key(&json, vst_change_kind_name((enum vst_change_kind)kind));
		vst_json_uint(&json, result->total.kinds[kind]);
	}
	vst_json_key(&json, "content");
	vst_json_uint(&json, result->total.content);
	vst_json_end(&json);
	json_rows(&json, d, result);
	vst_json_key(&json, "findings");
	vst_findings_count_write(result->findings, &json);
	vst_json_key(&json, "findings_left_out");
	vst_json_uint(&json, result->findings_left_out);
	cli_json_end(&json);
}

static void print_rows(const struct diff *d, const struct vst_compare_result *result)
{
	const struct diff_rows_totals *totals = &d->rows.totals;
	const struct vst_compare_digests *digests = &result->digests;
	const uint64_t counts[] = {totals->added, totals->removed, totals->changed, totals->unknown,
	        digests->unchanged, digests->changed, digests->unknown};
	char text[sizeof counts / sizeof *counts][32];
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		vst_text_count(counts[i], text[i]);
	if (totals->tables > 0)
		cli_print("  rows      added %s · removed %s · changed %s · unknown %s\n", text[0], text[1],
		        text[2], text[3]);
	if (totals->not_compared > 0)
		cli_print("            of %llu of %llu tables rows were not compared\n",
		        (unsigned long long)totals->not_compared, (unsigned long long)totals->tables);
	if (d->other_key)
		cli_print("  digests   not comparable: the two have them by different keys; unknown %s\n",
		        text[6]);
	else if (digests->unchanged + digests->changed + digests->unknown > 0)
		cli_print("  digests   unchanged %s · changed %s · unknown %s\n", text[4], text[5], text[6]);
}

static void print_summary(const struct diff *d, const struct vst_compare_result *result)
{
	char before[VST_EXHIBIT_NAME_MAX], after[VST_EXHIBIT_NAME_MAX], was[VST_TIME_TEXT], is[VST_TIME_TEXT];
	char counts[VST_CHANGE_KINDS][32], items[2][32], content[32];
	const uint64_t *findings = result->findings;
	if (d->cli->json) {
		json_summary(d, result);
		return;
	}
	vst_exhibit_name(d->before.number, before);
	vst_exhibit_name(d->after.number, after);
	vst_time_format(d->before_index->side.time, was);
	vst_time_format(d->after_index->side.time, is);
	for (int kind = 0; kind < VST_CHANGE_KINDS; kind++)
		vst_text_count(result->total.kinds[kind], counts[kind]);
	vst_text_count(d->before_index->items, items[0]);
	vst_text_count(d->after_index->items, items[1]);
	vst_text_count(result->total.content, content);
	cli_print("%s%s → %s%s  %.19sZ → %.19sZ\n", cli_style(d->cli, CLI_BOLD), before, after,
	        cli_style(d->cli, CLI_PLAIN), was, is);
	cli_print("  items     %s → %s\n", items[0], items[1]);
	cli_print("  changes   added %s · removed %s · moved %s · changed %s · unchanged %s",
	        counts[VST_CHANGE_ADDED], counts[VST_CHANGE_REMOVED], counts[VST_CHANGE_MOVED],
	        counts[VST_CHANGE_CHANGED], counts[VST_CHANGE_UNCHANGED]);
	if (result->total.kinds[VST_CHANGE_UNKNOWN] > 0)
		cli_print(" · unknown %s", counts[VST_CHANGE_UNKNOWN]);
	cli_print("\n  contents  %s differ\n", content);
	print_rows(d, result);
	cli_print("  findings  high %llu · medium %llu · low %llu · info %llu\n",
	        (unsigned long long)findings[VST_SEVERITY_HIGH],
	        (unsigned long long)findings[VST_SEVERITY_MEDIUM],
	        (unsigned long long)findings[VST_SEVERITY_LOW],
	        (unsigned long long)findings[VST_SEVERITY_INFO]);
	if (result->findings_left_out > 0)
		cli_print("            %llu of them are not shown: more than %d of one rule\n",
		        (unsigned long long)result->findings_left_out, VST_FINDINGS_PER_RULE);
}

static int show(struct diff *d, int *ret_status, struct vst_err *err)
{
	struct vst_compare_result result;
	struct vst_compare_options options = {
	        .before = &d->before_index->side,
	        .after = &d->after_index->side,
	        .findings = {on_finding, d},
	        .other_key = d->other_key,
	        .change = count_change,
	        .ctx = d,
	};
	int rc = diff_rows_start(
	        &d->rows, d->cli, d->wants_rows, d->before.examination, d->after.examination, err);
	if (rc == 0)
		rc = vst_compare(&options, &result, err);
	progress_clear();
	if (rc != 0)
		return rc;
	if (d->rows.unread > 0)
		cli_warn("rows of %llu tables could not be read, and were not compared; the first is %s",
		        (unsigned long long)d->rows.unread, cli_show_text(d->rows.unread_why));
	*ret_status = result.findings[VST_SEVERITY_HIGH] > 0 ? CLI_DIFFERENT : CLI_GOOD;
	print_summary(d, &result);
	if (d->findings.len > 0)
		cli_print("%s", vst_buf_cstr(&d->findings));
	if (d->findings_only || d->cli->quiet)
		return 0;
	/* Once more, now that what is said first is said: nothing of a million changes is kept in memory. */
	options.findings = (struct vst_finding_sink){0};
	options.change = tell_change;
	return vst_compare(&options, &result, err);
}

static int diff(struct diff *d, char **args, int *ret_status, struct vst_err *err)
{
	progress_start(!d->cli->quiet && !d->cli->json);
	int rc = open_side(d, args[0], &d->before_cli, &d->before, NULL, err);
	if (rc == 0)
		rc = open_side(d, args[1], &d->after_cli, &d->after, &d->before, err);
	if (rc == 0)
		rc = record_both(d, err);
	if (rc == 0)
		rc = index_both(d, err);
	return rc == 0 ? show(d, ret_status, err) : rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct diff d = {.cli = cli};
	const struct cli_option table[] = {
	        {"identity", 'i', CLI_LIST, &d.options.identities},
	        {"signing-key", 0, CLI_VALUE, &d.options.signing_key},
	        {"findings", 0, CLI_FLAG, &d.findings_only},
	        {"rows", 0, CLI_FLAG, &d.wants_rows},
	};
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 2, 2, &args, &count);
	if (status < 0) {
		cli_catch_signals();
		int rc = diff(&d, args, &status, &err);
		progress_clear();
		if (rc != 0)
			status = cli_fail(&err);
	}
	diff_rows_end(&d.rows);
	vst_indexed_free(d.before_index);
	vst_indexed_free(d.after_index);
	opened_close(&d.after); /* it may have the identities of the other */
	opened_close(&d.before);
	vst_buf_free(&d.findings);
	cli_list_free(&d.options.identities);
	return status;
}

const struct cli_verb verb_diff = {
        .name = "diff",
        .summary = "what changed between two exhibits, and signs of tampering",
        .help = "usage: vestige diff -i FILE [--rows] [--findings] EX EX\n\n"
                "Compares two exhibits of one case, or of two (DIR:EX): first a summary, then\n"
                "findings, each with what was expected, what was found, the innocent explanation\n"
                "if there is one, and the items in both exhibits; then every change, and of\n"
                "tables of a database how many rows were added, removed and changed.\n\n"
                "  -i FILE            age identity, or VESTIGE_IDENTITY; of two cases -i for each\n"
                "  --rows             of tables also each row: key, and columns that differ\n"
                "  --findings         no list of changes\n"
                "  --signing-key KEY  an examiner's key: the opening is recorded in the log\n\n"
                "exit status: 0 compared; 1 compared, and there are findings of severity high.\n\n"
                "example: vestige diff -i analyst.key latest~1 latest\n",
        .run = run,
};
