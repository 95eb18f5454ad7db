#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opened.h"
#include "verbs.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

struct listing {
	struct cli *cli;
	bool wanted[VST_ITEM_STATUSES]; /* by --status */
	bool long_form;
	struct vst_selection *selection; /* first pass, when the opening is recorded */
};

static int parse_statuses(const struct cli *cli, const char *text, struct listing *listing)
{
	for (int i = 0; i < VST_ITEM_STATUSES; i++)
		listing->wanted[i] = text == NULL;
	while (text && *text) {
		char word[32] = "";
		size_t len = strcspn(text, ",");
		enum vst_item_status status;
		if (len < sizeof word)
			memcpy(word, text, len);
		if (!vst_item_status_parse(word, &status))
			return cli_usage(cli,
			        "--status '%s': one or more, with commas, of collected, changed, truncated, "
			        "excluded, denied, absent, "
			        "vanished, error, unchanged, tail",
			        cli_show(text, len));
		listing->wanted[status] = true;
		text += len + (text[len] == ',');
	}
	return -1;
}

static int select_entry(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	struct listing *listing = ctx;
	(void)err;
	if (listing->wanted[entry->item->status])
		vst_selection_add(listing->selection, entry->leaf);
	return 0;
}

/* The manifest line itself, which is JSON already, with a type in front. */
static void print_json(const struct vst_exhibit_entry *entry)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_json json = cli_json_begin(&line, "item");
	vst_json_key(&json, "leaf");
	vst_json_hex(&json, entry->leaf, VST_HASH_LEN);
	vst_json_key(&json, "item");
	vst_json_null(&json);
	line.len -= strlen("null");
	vst_buf_bytes(&line, entry->line, entry->line_len);
	cli_json_end(&json);
}

static char type_letter(const struct vst_item *item)
{
	switch (item->type) {
	case VST_ITEM_DIRECTORY:
		return 'd';
	case VST_ITEM_SYMLINK:
		return 'l';
	case VST_ITEM_FIFO:
		return 'p';
	case VST_ITEM_SOCKET:
		return 's';
	case VST_ITEM_CHAR_DEVICE:
		return 'c';
	case VST_ITEM_BLOCK_DEVICE:
		return 'b';
	case VST_ITEM_UNKNOWN:
		return '?';
	default:
		return '-';
	}
}

static void print_long(const struct vst_item *item)
{
	char time[VST_TIME_TEXT] = "", owner[64] = "", mode[8] = "";
	if (item->has_stat) {
		if (item->mtime != VST_TIME_NONE)
			vst_time_format(item->mtime, time);
		snprintf(mode, sizeof mode, "%04o", item->mode);
		snprintf(owner, sizeof owner, "%.24s:%.24s", item->user ? cli_show_text(item->user) : "?",
		        item->group ? cli_show_text(item->group) : "?");
	}
	cli_print("%c%-4s %-17s %-20.19s ", type_letter(item), mode, owner, time);
}

static int print_entry(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	struct listing *listing = ctx;
	const struct vst_item *item = entry->item;
	char size[16] = "";
	if (!listing->wanted[item->status])
		return 0;
	if (listing->cli->json) {
		print_json(entry);
		return cli_signal() ? vst_err_set(err, VST_ECANCELLED, "interrupted") : 0;
	}
	uint64_t bytes = item->size;
	if (vst_item_content_size(item, &bytes) || (item->content != VST_ITEM_CONTENT_FULL && item->has_stat))
		vst_text_size(bytes, size);
	if (listing->long_form)
		print_long(item);
	cli_print("%-9s %9s  %s:%s", vst_item_status_name(item->status), size, cli_show_text(item->source),
	        cli_show_text(item->path));
	if (item->target)
		cli_print(" -> %s", cli_show_text(item->target));
	if (item->content != VST_ITEM_CONTENT_FULL)
		cli_print("  %s", cli_content_note(item->content));
	if (item->rule)
		cli_print("  (%s)", cli_show_text(item->rule));
	else if (item->error)
		cli_print("  (%s)", strerror(item->error));
	cli_print("\n");
	return cli_signal() ? vst_err_set(err, VST_ECANCELLED, "interrupted") : 0;
}

static int list(struct opened *opened, struct listing *listing, struct vst_err *err)
{
	int rc = 0;
	if (opened_will_record(opened)) {
		rc = vst_selection_new(&listing->selection, err);
		if (rc == 0)
			rc = vst_exhibit_list(opened->exhibit, select_entry, listing, err);
		if (rc == 0)
			rc = opened_record(opened, "ls", listing->selection, err);
		vst_selection_free(listing->selection);
	}
	return rc == 0 ? vst_exhibit_list(opened->exhibit, print_entry, listing, err) : rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct listing listing = {.cli = cli};
	struct opened_options options = {0};
	struct opened opened = {0};
	const char *statuses = NULL;
	const struct cli_option table[] = {
	        {"identity", 'i', CLI_LIST, &options.identities},
	        {"signing-key", 0, CLI_VALUE, &options.signing_key},
	        {"status", 0, CLI_VALUE, &statuses},
	        {"long", 'l', CLI_FLAG, &listing.long_form},
	};
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 0, 1, &args, &count);
	if (status < 0)
		status = parse_statuses(cli, statuses, &listing);
	if (status < 0) {
		cli_catch_signals();
		int rc = opened_open(&opened, cli, count ? args[0] : "latest", &options, &err);
		if (rc == 0)
			rc = list(&opened, &listing, &err);
		status = rc == 0 ? CLI_GOOD : cli_fail(&err);
		opened_close(&opened);
	}
	cli_list_free(&options.identities);
	return status;
}

const struct cli_verb verb_ls = {
        .name = "ls",
        .summary = "the items of an exhibit",
        .help = "usage: vestige ls -i FILE [--status S[,S…]] [-l] [EX]\n\n"
                "Lists the items of an exhibit with their status, each checked against the seal.\n\n"
                "  -i FILE            age identity, or VESTIGE_IDENTITY\n"
                "  --status S         only these: collected, changed, truncated, excluded,\n"
                "                     denied, absent, vanished, error, unchanged, tail\n"
                "  -l, --long         type, mode, owner and time as well\n"
                "  --signing-key KEY  an examiner's key: the opening is recorded in the log\n\n"
                "example: vestige ls -i analyst.key --status denied latest\n",
        .run = run,
};
