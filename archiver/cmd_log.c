#include <stdlib.h>
#include <string.h>

#include "open_case.h"
#include "series_view.h"
#include "verbs.h"
#include "vestige/series_holes.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"
#include "vestige/trail.h"

struct holes {
	struct vst_series_hole *list;
	size_t count;
};

/* What an event did, in words. */
static void describe(const struct vst_event *event, struct vst_buf *out)
{
	char name[VST_EXHIBIT_NAME_MAX], size[16], count[32];
	switch (event->type) {
	case VST_EVENT_GENESIS:
		vst_buf_printf(out, "the case was made, by %s", event->genesis.program);
		break;
	case VST_EVENT_ACQUIRE:
		vst_exhibit_name(event->seal->exhibit, name);
		vst_text_size(event->seal->file_bytes, size);
		vst_text_count(event->seal->items, count);
		vst_buf_printf(out, "%s sealed, %s items in %s", name, count, size);
		break;
	case VST_EVENT_RECOVER:
		vst_exhibit_name(event->recover.exhibit, name);
		vst_text_size(event->recover.file_bytes, size);
		vst_buf_printf(out, "%s was never finished; the file of %s is recorded as it is", name, size);
		break;
	case VST_EVENT_EXTRACT:
		vst_exhibit_name(event->extract.exhibit, name);
		vst_text_count(event->extract.items, count);
		vst_buf_printf(out, "%s opened (%s), %s item%s", name, event->extract.verb, count,
		        event->extract.items == 1 ? "" : "s");
		break;
	case VST_EVENT_DISPOSE:
		vst_exhibit_name(event->dispose.generation, name);
		vst_text_count(event->dispose.exhibit_count, count);
		if (event->dispose.exhibit_count > 1) {
			vst_buf_printf(out, "%s to ", name);
			vst_exhibit_name(
			        event->dispose.exhibits[event->dispose.exhibit_count - 1].exhibit, name);
		}
		vst_buf_printf(out, "%s disposed of (%s), %s exhibit%s", name,
		        vst_dispose_cause_name(event->dispose.cause), count,
		        event->dispose.exhibit_count == 1 ? "" : "s");
		break;
	case VST_EVENT_KEY:
		vst_buf_text(out, "signers or recipients were changed");
		break;
	}
}

static int print_json(struct vst_case *c, const struct vst_event *event,
        const struct vst_trail_record *record, uint64_t n, struct vst_err *err)
{
	char id[VST_TRAIL_ID_TEXT];
	uint8_t digest[VST_HASH_LEN];
	json_t *object = NULL;
	int rc = vst_json_parse(record->event.data, record->event.len, &object, err);
	if (rc != 0)
		return rc;
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!text)
		return vst_err_set(err, VST_ENOMEM, "no memory for a result");
	vst_sha256(record->event.data, record->event.len, digest);
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "event");
	vst_json_key(&json, "number");
	vst_json_uint(&json, n);
	vst_json_key(&json, "event_type");
	vst_json_string(&json, vst_event_type_name(event->type));
	vst_json_key(&json, "sha256");
	vst_json_hex(&json, digest, sizeof digest);
	vst_json_key(&json, "commit");
	vst_json_string(&json, vst_trail_commit_id(vst_case_trail(c), n, id));
	vst_json_key(&json, "record");
	vst_json_null(&json);
	/* The event's own object takes the place of that null, so that its keys and numbers stay as they are. */
	line.len -= strlen("null");
	vst_buf_text(&line, text);
	cli_json_end(&json);
	free(text);
	return 0;
}

static void print_text(
        const struct cli *cli, const struct vst_event *event, const struct vst_trail_record *record)
{
	char time[VST_TIME_TEXT], digits[2 * VST_HASH_LEN + 1];
	uint8_t digest[VST_HASH_LEN];
	struct vst_buf what = VST_BUF_INIT;
	vst_time_format(event->time / VST_NS_PER_S * VST_NS_PER_S, time);
	vst_sha256(record->event.data, record->event.len, digest);
	vst_hex(digest, sizeof digest, digits);
	describe(event, &what);
	cli_print("%s%5llu%s  %.19sZ  %-8s  %s\n", cli_style(cli, CLI_BOLD),
	        (unsigned long long)event->number, cli_style(cli, CLI_PLAIN), time,
	        vst_event_type_name(event->type), cli_show_text(vst_buf_cstr(&what)));
	cli_print("%s       by %s, event %.16s…%s\n", cli_style(cli, CLI_DIM), cli_show_text(event->actor),
	        digits, cli_style(cli, CLI_PLAIN));
	vst_buf_free(&what);
}

/* The holes that lie before an exhibit, from `told` on. Returns how many are told then. */
static size_t print_holes(const struct cli *cli, const struct holes *holes, size_t told, size_t before)
{
	char text[VST_SERIES_HOLE_TEXT];
	for (; told < holes->count && holes->list[told].before <= before; told++) {
		vst_series_hole_text(&holes->list[told], text);
		if (cli->json)
			series_view_json_hole(&holes->list[told]);
		else
			cli_print("%s       %s%s\n", cli_style(cli, CLI_YELLOW), text,
			        cli_style(cli, CLI_PLAIN));
	}
	return told;
}

static int print_log(
        const struct cli *cli, struct vst_case *c, const struct holes *holes, struct vst_err *err)
{
	struct vst_trail_record record = {0};
	const struct vst_custody *custody = vst_case_custody(c);
	size_t exhibit = 0, told = 0;
	int rc = 0;
	for (uint64_t n = 0; rc == 0 && n < vst_custody_size(custody); n++) {
		struct vst_event *event = NULL;
		if (exhibit < vst_custody_exhibit_count(custody) &&
		        vst_custody_exhibit_at(custody, exhibit)->event == n)
			told = print_holes(cli, holes, told, exhibit++);
		rc = vst_trail_read(vst_case_trail(c), n, &record, err);
		if (rc == 0)
			rc = vst_event_parse(record.event.data, record.event.len, &event, err);
		if (rc == 0 && cli->json)
			rc = print_json(c, event, &record, n, err);
		else if (rc == 0)
			print_text(cli, event, &record);
		vst_event_free(event);
	}
	if (rc == 0)
		print_holes(cli, holes, told, exhibit);
	vst_trail_record_free(&record);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct vst_case *c = NULL;
	struct holes holes = {0};
	struct vst_err err = VST_ERR_INIT;
	bool graph = false;
	const struct cli_option table[] = {{"graph", 0, CLI_FLAG, &graph}};
	char **args;
	size_t count;
	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 0, 0, &args, &count);
	if (status >= 0)
		return status;
	int rc = open_case(cli, &c, &err);
	if (rc == 0)
		rc = vst_case_holes(c, true, vst_time_now(), &holes.list, &holes.count, &err);
	if (rc == 0 && graph)
		series_view_graph(cli, vst_case_custody(c), holes.list, holes.count);
	else if (rc == 0)
		rc = print_log(cli, c, &holes, &err);
	free(holes.list);
	vst_case_free(c);
	return rc == 0 ? CLI_GOOD : cli_fail(&err);
}

const struct cli_verb verb_log = {
        .name = "log",
        .summary = "the custody log, for people",
        .help = "usage: vestige log [--graph]\n\n"
                "Prints each event of the checked custody log: number, time, what was done, by\n"
                "whom. With --json each line has the event's own record. Where a series of\n"
                "snapshots has a hole (a night missed, or begun and never finished), it says so.\n\n"
                "  --graph    the exhibits alone, by generation: each full one, those that stand\n"
                "             on it below, in the columns of `vestige list`\n\n"
                "example: vestige -C case log\n",
        .run = run,
};
