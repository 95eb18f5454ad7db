#include <string.h>

#include "open_case.h"
#include "verbs.h"
#include "vestige/manifest.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

static void print_json(const struct vst_custody_exhibit *exhibit)
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
	vst_json_key(&json, "file_sha256");
	vst_json_hex(&json, exhibit->file_sha256, VST_HASH_LEN);
	vst_json_key(&json, "file_bytes");
	vst_json_uint(&json, exhibit->file_bytes);
	if (exhibit->seal) {
		vst_json_key(&json, "items");
		vst_json_uint(&json, exhibit->seal->items);
		vst_json_key(&json, "root");
		vst_json_hex(&json, exhibit->seal->root, VST_HASH_LEN);
	}
	cli_json_end(&json);
}

/* What was not had, in one cell: "3 denied, 1 error". */
static void short_of(const struct vst_seal *seal, struct vst_buf *out)
{
	static const enum vst_item_status lacking[] = {VST_ITEM_DENIED, VST_ITEM_ERROR, VST_ITEM_TRUNCATED};
	for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
		uint64_t count = vst_seal_total(seal, vst_item_status_name(lacking[i]));
		if (count > 0)
			vst_buf_printf(out, "%s%llu %s", out->len ? ", " : "", (unsigned long long)count,
			        vst_item_status_name(lacking[i]));
	}
}

static void print_line(const struct cli *cli, const struct vst_custody_exhibit *exhibit)
{
	char name[VST_EXHIBIT_NAME_MAX], time[VST_TIME_TEXT], size[16], count[32];
	struct vst_buf lacking = VST_BUF_INIT;
	vst_exhibit_name(exhibit->number, name);
	vst_time_format(exhibit->time / VST_NS_PER_S * VST_NS_PER_S, time);
	vst_text_size(exhibit->file_bytes, size);
	if (!exhibit->seal) {
		cli_print("%s  %.19sZ  %9s  %sunfinished, recorded by event %llu%s\n", name, time, size,
		        cli_style(cli, CLI_YELLOW), (unsigned long long)exhibit->event,
		        cli_style(cli, CLI_PLAIN));
		return;
	}
	vst_text_count(exhibit->seal->items, count);
	short_of(exhibit->seal, &lacking);
	cli_print("%s  %.19sZ  %9s  %9s items  event %llu%s%s\n", name, time, size, count,
	        (unsigned long long)exhibit->event, lacking.len ? "  " : "", vst_buf_cstr(&lacking));
	vst_buf_free(&lacking);
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
	for (size_t i = 0; i < exhibits; i++) {
		if (cli->json)
			print_json(vst_custody_exhibit_at(custody, i));
		else
			print_line(cli, vst_custody_exhibit_at(custody, i));
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
                "the event that recorded it, and what could not be had.\n\n"
                "example: vestige -C case list --json\n",
        .run = run,
};
