#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opened.h"
#include "verbs.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/text.h"

/* As ls prints it, `source:/path` or `exhibit:exhibit.json`; or a path alone. Paths of items are absolute, so
 * the first colon is ours. */
static int find_item(
        struct opened *opened, const char *place, struct vst_exhibit_entry *ret, struct vst_err *err)
{
	const char *colon = strchr(place, ':');
	if (place[0] == '/' || !colon)
		return vst_exhibit_find(opened->exhibit, NULL, place, ret, err);
	char *source = vst_memdup(place, (size_t)(colon - place));
	if (!source)
		return vst_err_nomem(err);
	int rc = vst_exhibit_find(opened->exhibit, source, colon + 1, ret, err);
	free(source);
	return rc;
}

static int record(struct opened *opened, const struct vst_exhibit_entry *entry, struct vst_err *err)
{
	struct vst_selection *selection = NULL;
	int rc = vst_selection_new(&selection, err);
	if (rc == 0) {
		vst_selection_add(selection, entry->leaf);
		rc = opened_record(opened, "cat", selection, err);
	}
	vst_selection_free(selection);
	return rc;
}

static void say_coverage(const struct opened *opened)
{
	uint64_t read, total;
	char read_text[16], total_text[16];
	vst_exhibit_coverage(opened->exhibit, &read, &total);
	vst_text_size(read, read_text);
	vst_text_size(total, total_text);
	if (read < total)
		cli_say(opened->cli,
		        "this item is as sealed; %s of %s were read, the rest of the exhibit was not looked "
		        "at",
		        read_text, total_text);
}

static int write_item(struct opened *opened, const char *place, struct vst_err *err)
{
	struct vst_exhibit_entry entry = {0};
	struct vst_output out = vst_output_fd(STDOUT_FILENO);
	int rc = find_item(opened, place, &entry, err);
	if (rc != 0)
		(void)vst_err_prepend(err, "%s", place);
	if (rc == VST_ENOTFOUND)
		vst_err_hint(err, "vestige ls shows what the exhibit has, as source:/path");
	if (rc == 0 && opened_will_record(opened))
		rc = record(opened, &entry, err);
	if (rc == 0 && (rc = vst_exhibit_content(opened->exhibit, &entry, true, &out, err)) == VST_ENOTFOUND)
		(void)vst_err_prepend(err, "%s", place);
	if (rc == 0)
		say_coverage(opened);
	vst_exhibit_entry_free(&entry);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct opened_options options = {0};
	struct opened opened = {0};
	const struct cli_option table[] = {
	        {"identity", 'i', CLI_LIST, &options.identities},
	        {"signing-key", 0, CLI_VALUE, &options.signing_key},
	};
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 2, 2, &args, &count);
	if (status < 0) {
		int rc = opened_open(&opened, cli, args[0], &options, &err);
		if (rc == 0)
			rc = write_item(&opened, args[1], &err);
		status = rc == 0 ? CLI_GOOD : cli_fail(&err);
		opened_close(&opened);
	}
	cli_list_free(&options.identities);
	return status;
}

const struct cli_verb verb_cat = {
        .name = "cat",
        .summary = "one item's content, to standard output",
        .help = "usage: vestige cat -i FILE EX PATH\n\n"
                "Writes the content of one item. Only the parts of the exhibit that it needs are\n"
                "decrypted; the item is checked against the seal by its inclusion path. PATH is\n"
                "as on the host, or source:/path where two sources have it.\n\n"
                "  -i FILE            age identity, or VESTIGE_IDENTITY\n"
                "  --signing-key KEY  an examiner's key: the opening is recorded in the log\n\n"
                "exit status: 1 the content is not what was sealed (bytes were written then).\n\n"
                "example: vestige cat -i analyst.key latest /var/log/auth.log\n",
        .run = run,
};
