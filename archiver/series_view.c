#include "series_view.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vestige/case.h"
#include "vestige/manifest.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define SHORT_COUNT 8

/* At most six characters, exact as long as that is enough: "13,022", "99,999", "124k", "1.2M". */
static void short_count(uint64_t count, uint64_t exact_below, char ret[SHORT_COUNT])
{
	static const char units[] = "kMGTPE";
	char text[32];
	uint64_t unit = 1000;
	int i = 0;

	if (count < exact_below) {
		vst_text_count(count, text);
		snprintf(ret, SHORT_COUNT, "%.7s", text);
		return;
	}
	for (; count / unit >= 1000; i++)
		unit *= 1000;
	if (count / unit < 10)
		snprintf(ret, SHORT_COUNT, "%u.%u%c", (unsigned)(count / unit),
		        (unsigned)(count % unit / (unit / 10)), units[i]);
	else
		snprintf(ret, SHORT_COUNT, "%u%c", (unsigned)(count / unit), units[i]);
}

void series_view_lacking(const struct vst_seal *seal, struct vst_buf *out)
{
	static const enum vst_item_status lacking[] = {VST_ITEM_DENIED, VST_ITEM_ERROR, VST_ITEM_TRUNCATED};

	for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
		uint64_t count = vst_seal_total(seal, vst_item_status_name(lacking[i]));

		if (count > 0)
			vst_buf_printf(out, "%s%llu %s", out->len ? ", " : "", (unsigned long long)count,
			        vst_item_status_name(lacking[i]));
	}
}

static void changes(const struct vst_seal_series *series, char ret[32])
{
	char added[SHORT_COUNT], removed[SHORT_COUNT], changed[SHORT_COUNT];

	*ret = '\0';
	if (!series->compared)
		return;
	short_count(series->added, 10000, added);
	short_count(series->removed, 10000, removed);
	short_count(series->changed, 10000, changed);
	snprintf(ret, 32, "+%s -%s ~%s", added, removed, changed);
}

static void findings(
        const struct cli *cli, const struct vst_seal_series *series, bool gone, struct vst_buf *out)
{
	static const char *const names[VST_SEVERITIES] = {"info", "low", "med", "high"};

	for (int i = VST_SEVERITIES - 1; i >= 0; i--) {
		bool red = i == VST_SEVERITY_HIGH && !gone;
		char count[SHORT_COUNT];

		if (series->findings[i] == 0)
			continue;
		short_count(series->findings[i], 1000, count);
		vst_buf_printf(out, "%s%s%s %s%s", out->len ? " " : "", red ? cli_style(cli, CLI_RED) : "",
		        count, names[i], red ? cli_style(cli, CLI_PLAIN) : "");
	}
}

bool series_view_is_series(const struct vst_custody *custody)
{
	for (size_t i = 0; i < vst_custody_exhibit_count(custody); i++) {
		const struct vst_seal *seal = vst_custody_exhibit_at(custody, i)->seal;

		if (seal && seal->has_series)
			return true;
	}
	return false;
}

void series_view_heading(const struct cli *cli, bool graph)
{
	if (!isatty(STDOUT_FILENO))
		return;
	cli_print("%s%s%-8s%-19s%s%8s %8s %6s %-13s  %s%s\n", cli_style(cli, CLI_DIM), graph ? "    " : "",
	        "exhibit", "sealed", graph ? "" : "in     ", "stored", "content", "items", "changes",
	        "findings", cli_style(cli, CLI_PLAIN));
}

static void generation(const struct vst_custody_exhibit *exhibit, char ret[VST_EXHIBIT_NAME_MAX])
{
	const struct vst_seal *seal = exhibit->seal;

	if (seal->has_series && seal->series.full != seal->exhibit)
		vst_exhibit_name(seal->series.full, ret);
	else
		snprintf(ret, VST_EXHIBIT_NAME_MAX, "full");
}

/* With two spaces before it; empty if nothing disposed of it. */
static void disposed_text(const struct vst_custody_exhibit *exhibit, char ret[64])
{
	*ret = '\0';
	if (exhibit->disposed)
		snprintf(ret, 64, "  disposed of by event %llu", (unsigned long long)exhibit->disposed);
}

static void unfinished_line(const struct cli *cli, const struct vst_custody_exhibit *exhibit,
        const char *graph, const char *name, const char *time, const char *size)
{
	char disposed[64] = "";

	disposed_text(exhibit, disposed);
	cli_print("%s%-6s  %.16sZ  %s%*s  %sunfinished, recorded by event %llu%s%s\n", graph ? graph : "",
	        name, time, graph ? "" : "       ", 8, size, cli_style(cli, CLI_YELLOW),
	        (unsigned long long)exhibit->event, cli_style(cli, CLI_PLAIN), disposed);
}

void series_view_line(
        const struct cli *cli, const struct vst_custody_exhibit *exhibit, const char *graph, bool gone)
{
	const struct vst_seal *seal = exhibit->seal;
	char name[VST_EXHIBIT_NAME_MAX], time[VST_TIME_TEXT], in[VST_EXHIBIT_NAME_MAX], stored[16],
	        content[16] = "", items[SHORT_COUNT], changed[32] = "", disposed[64];
	struct vst_buf found = VST_BUF_INIT, lacking = VST_BUF_INIT, line = VST_BUF_INIT;
	size_t end;

	vst_exhibit_name(exhibit->number, name);
	vst_time_format(exhibit->time / VST_NS_PER_S * VST_NS_PER_S, time);
	vst_text_size(exhibit->file_bytes, stored);
	if (!seal) {
		unfinished_line(cli, exhibit, graph, name, time, stored);
		return;
	}
	generation(exhibit, in);
	short_count(seal->items, 100000, items);
	if (seal->has_series) {
		vst_text_size(seal->series.described, content);
		changes(&seal->series, changed);
		findings(cli, &seal->series, gone, &found);
	}
	series_view_lacking(seal, &lacking);
	vst_buf_printf(&line, "%-6s  %.16sZ  ", name, time);
	if (!graph)
		vst_buf_printf(&line, "%-6s ", in);
	disposed_text(exhibit, disposed);
	vst_buf_printf(&line, "%8s %8s %6s %-13s  %s%s%s%s", stored, content, items, changed,
	        vst_buf_cstr(&found), found.len && lacking.len ? "  " : "", vst_buf_cstr(&lacking), disposed);
	for (end = line.len; end > 0 && line.data[end - 1] == ' ';)
		end--;
	line.len = end;
	cli_print("%s%s%s%s\n", graph ? graph : "", gone ? cli_style(cli, CLI_DIM) : "", vst_buf_cstr(&line),
	        gone ? cli_style(cli, CLI_PLAIN) : "");
	vst_buf_free(&found);
	vst_buf_free(&lacking);
	vst_buf_free(&line);
}

/* ---- for programs ---- */

static void json_series(struct vst_json *json, const struct vst_seal *seal)
{
	const struct vst_seal_series *series = &seal->series;

	vst_json_key(json, "full");
	vst_json_uint(json, series->full);
	vst_json_key(json, "incremental");
	vst_json_bool(json, series->full != seal->exhibit);
	vst_json_key(json, "described_bytes");
	vst_json_uint(json, series->described);
	vst_json_key(json, "changes");
	if (series->compared) {
		vst_json_object(json);
		vst_json_key(json, "added");
		vst_json_uint(json, series->added);
		vst_json_key(json, "removed");
		vst_json_uint(json, series->removed);
		vst_json_key(json, "changed");
		vst_json_uint(json, series->changed);
		vst_json_end(json);
	} else {
		vst_json_null(json);
	}
	vst_json_key(json, "findings");
	vst_findings_count_write(series->findings, json);
}

void series_view_json(const struct vst_custody_exhibit *exhibit)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "exhibit");

	vst_json_key(&json, "exhibit");
	vst_json_uint(&json, exhibit->number);
	vst_json_key(&json, "event");
	vst_json_uint(&json, exhibit->event);
	vst_json_key(&json, "time");
	vst_json_time(&json, exhibit->time);
	vst_json_key(&json, "finished");
	vst_json_bool(&json, exhibit->seal != NULL);
	vst_json_key(&json, "disposed");
	if (exhibit->disposed)
		vst_json_uint(&json, exhibit->disposed);
	else
		vst_json_null(&json);
	vst_json_key(&json, "file_sha256");
	vst_json_hex(&json, exhibit->file_sha256, VST_HASH_LEN);
	vst_json_key(&json, "file_bytes");
	vst_json_uint(&json, exhibit->file_bytes);
	if (exhibit->seal) {
		vst_json_key(&json, "items");
		vst_json_uint(&json, exhibit->seal->items);
		vst_json_key(&json, "root");
		vst_json_hex(&json, exhibit->seal->root, VST_HASH_LEN);
		if (exhibit->seal->has_series)
			json_series(&json, exhibit->seal);
	}
	cli_json_end(&json);
}

void series_view_json_hole(const struct vst_series_hole *hole)
{
	static const char *const kinds[] = {"unfinished", "gap", "late"};
	char text[VST_SERIES_HOLE_TEXT];
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "hole");

	vst_json_key(&json, "hole");
	vst_json_string(&json, kinds[hole->kind]);
	if (hole->kind == VST_HOLE_NUMBERS) {
		vst_json_key(&json, "first");
		vst_json_uint(&json, hole->first);
		vst_json_key(&json, "last");
		vst_json_uint(&json, hole->last);
	} else {
		vst_json_key(&json, "after");
		vst_json_uint(&json, hole->from_number);
		vst_json_key(&json, "from");
		vst_json_time(&json, hole->from);
		vst_json_key(&json, "to");
		vst_json_time(&json, hole->to);
		vst_json_key(&json, "usual_seconds");
		vst_json_uint(&json, (uint64_t)(hole->usual / VST_NS_PER_S));
	}
	vst_series_hole_text(hole, text);
	vst_json_key(&json, "text");
	vst_json_string(&json, text);
	cli_json_end(&json);
}

/* ---- the graph ---- */

static bool continues(const struct vst_custody_exhibit *exhibit)
{
	return exhibit->seal && exhibit->seal->has_series && exhibit->seal->series.full != exhibit->number;
}

/* Whether the generation that is open before exhibit `at` goes on at it or behind it: then its line is drawn
 * on. */
static bool goes_on(const struct vst_custody *custody, size_t at)
{
	for (; at < vst_custody_exhibit_count(custody); at++) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_at(custody, at);

		if (exhibit->seal)
			return continues(exhibit);
	}
	return false;
}

static const char *branch(const struct vst_custody *custody, size_t at)
{
	const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_at(custody, at);
	bool more = goes_on(custody, at + 1);

	if (!exhibit->seal)
		return more ? "│ ✗ " : "  ✗ ";
	if (continues(exhibit))
		return more ? "├─○ " : "└─○ ";
	return "●   ";
}

static size_t draw_holes(const struct cli *cli, const struct vst_custody *custody, size_t at,
        const struct vst_series_hole *holes, size_t count, size_t drawn)
{
	char text[VST_SERIES_HOLE_TEXT];

	for (; drawn < count && holes[drawn].before <= at; drawn++) {
		vst_series_hole_text(&holes[drawn], text);
		if (cli->json)
			series_view_json_hole(&holes[drawn]);
		else
			cli_print("%s %s %s%s%s\n", goes_on(custody, at) ? "┆" : " ",
			        holes[drawn].kind == VST_HOLE_NUMBERS ? "✗" : " ", cli_style(cli, CLI_YELLOW),
			        text, cli_style(cli, CLI_PLAIN));
	}
	return drawn;
}

void series_view_graph(const struct cli *cli, const struct vst_custody *custody,
        const struct vst_series_hole *holes, size_t hole_count)
{
	size_t count = vst_custody_exhibit_count(custody), drawn = 0;

	if (!cli->json && count > 0)
		series_view_heading(cli, true);
	for (size_t i = 0; i < count; i++) {
		drawn = draw_holes(cli, custody, i, holes, hole_count, drawn);
		if (cli->json)
			series_view_json(vst_custody_exhibit_at(custody, i));
		else
			series_view_line(cli, vst_custody_exhibit_at(custody, i), branch(custody, i),
			        vst_custody_exhibit_at(custody, i)->disposed > 0);
	}
	draw_holes(cli, custody, count, holes, hole_count, drawn);
}
