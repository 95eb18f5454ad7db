#include "open_case.h"
#include "series_view.h"
#include "verbs.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

static void print_line(const struct cli *cli, const struct vst_custody_exhibit *exhibit)
{
	char name[VST_EXHIBIT_NAME_MAX], time[VST_TIME_TEXT], size[16], count[32];
	struct vst_buf lacking = VST_BUF_INIT, gone = VST_BUF_INIT;
	vst_exhibit_name(exhibit->number, name);
	vst_time_format(exhibit->time / VST_NS_PER_S * VST_NS_PER_S, time);
	vst_text_size(exhibit->file_bytes, size);
	if (exhibit->disposed)
		vst_buf_printf(&gone, "  %sdisposed of by event %llu%s", cli_style(cli, CLI_DIM),
		        (unsigned long long)exhibit->disposed, cli_style(cli, CLI_PLAIN));
	if (!exhibit->seal) {
		cli_print("%s  %.19sZ  %9s  %sunfinished, recorded by event %llu%s%s\n", name, time, size,
		        cli_style(cli, CLI_YELLOW), (unsigned long long)exhibit->event,
		        cli_style(cli, CLI_PLAIN), vst_buf_cstr(&gone));
		vst_buf_free(&gone);
		return;
	}
	vst_text_count(exhibit->seal->items, count);
	series_view_lacking(exhibit->seal, &lacking);
	cli_print("%s  %.19sZ  %9s  %9s items  event %llu%s%s%s\n", name, time, size, count,
	        (unsigned long long)exhibit->event, lacking.len ? "  " : "", vst_buf_cstr(&lacking),
	        vst_buf_cstr(&gone));
	vst_buf_free(&lacking);
	vst_buf_free(&gone);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct vst_case *c = NULL;
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status = cli_parse(cli, NULL, 0, argc, argv, 0, 0, &args, &count);
	if (status >= 0)
		return status;
	if (open_case(cli, &c, &err) != 0)
		return cli_fail(&err);
	const struct vst_custody *custody = vst_case_custody(c);
	size_t exhibits = vst_custody_exhibit_count(custody);
	bool series = series_view_is_series(custody);
	if (series && !cli->json)
		series_view_heading(cli, false);
	for (size_t i = 0; i < exhibits; i++) {
		const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_at(custody, i);
		if (cli->json)
			series_view_json(exhibit);
		else if (series)
			series_view_line(cli, exhibit, NULL, exhibit->disposed > 0);
		else
			print_line(cli, exhibit);
	}
	if (exhibits == 0)
		cli_say(cli, "no exhibits yet: vestige snapshot POLICY makes one");
	vst_case_free(c);
	return CLI_GOOD;
}

const struct cli_verb verb_list = {
        .name = "list",
        .summary = "the case's exhibits",
        .help = "usage: vestige list\n\n"
                "Lists the exhibits of the case by its checked log: number, time, size, items,\n"
                "and what could not be had. Of a series of snapshots also: the full exhibit that\n"
                "each one stands on, bytes stored and described, items added (+), removed (-)\n"
                "and changed (~) since the one before, findings by severity. What was disposed of\n"
                "is said to be.\n\n"
                "example: vestige -C case list --json\n",
        .run = run,
};
