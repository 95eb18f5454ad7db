#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opened.h"
#include "progress.h"
#include "selector.h"
#include "verbs.h"
#include "vestige/exhibit_extract.h"
#include "vestige/io.h"
#include "vestige/text.h"

struct extraction {
	struct opened opened;
	struct selector selector;
	struct vst_selection *selection;
	uint64_t out, nothing, unasked, failed, bytes, total;
};

static bool select_item(void *ctx, const struct vst_item *item)
{
	struct extraction *x = ctx;
	return selector_matches(&x->selector, item);
}

static int count_entry(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	struct extraction *x = ctx;
	(void)err;
	if (!selector_matches(&x->selector, entry->item))
		return 0;
	vst_selection_add(x->selection, entry->leaf);
	uint64_t bytes = 0;
	if (vst_item_content_size(entry->item, &bytes))
		x->total += bytes;
	return 0;
}

static int on_done(void *ctx, const struct vst_item *item, enum vst_extract_outcome outcome,
        const char *problem, struct vst_err *err)
{
	struct extraction *x = ctx;
	switch (outcome) {
	case VST_EXTRACT_OUT:
		x->out++;
		break;
	case VST_EXTRACT_NOTHING:
		if (item->content != VST_ITEM_CONTENT_FULL)
			x->unasked++;
		else
			x->nothing++;
		break;
	case VST_EXTRACT_FAILED:
		x->failed++;
		cli_warn("%s: %s", cli_show_text(item->path), cli_show_text(problem));
		break;
	}
	if (x->opened.cli->json) {
		static const char *const words[] = {"out", "nothing", "failed"};
		struct vst_buf line = VST_BUF_INIT;
		struct vst_json json = cli_json_begin(&line, "extracted");
		vst_json_key(&json, "source");
		vst_json_string(&json, item->source);
		vst_json_key(&json, "path");
		vst_json_text(&json, item->path, strlen(item->path));
		vst_json_key(&json, "status");
		vst_json_string(&json, vst_item_status_name(item->status));
		vst_json_key(&json, "outcome");
		vst_json_string(&json, words[outcome]);
		vst_json_key(&json, "problem");
		vst_json_string(&json, problem);
		cli_json_end(&json);
	}
	uint64_t bytes = 0;
	if (vst_item_content_size(item, &bytes))
		x->bytes += bytes;
	progress_update(&(struct progress){"extract", x->bytes, x->total, x->out});
	return cli_signal() ? vst_err_set(err, VST_ECANCELLED, "interrupted; what is out stays") : 0;
}

static int open_output(const char *path, int *ret_fd, struct vst_err *err)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return vst_err_sys(err, errno, "%s", path);
	return vst_io_open_dir(AT_FDCWD, path, ret_fd, err);
}

static int extract(struct extraction *x, const char *path, bool preserve, struct vst_err *err)
{
	char size[16], count[32];
	int fd = -1;
	int rc = vst_selection_new(&x->selection, err);
	if (rc == 0)
		rc = vst_exhibit_list(x->opened.exhibit, count_entry, x, err);
	if (rc == 0)
		rc = open_output(path, &fd, err);
	if (rc == 0 && opened_will_record(&x->opened))
		rc = opened_record(&x->opened, "extract", x->selection, err);
	if (rc == 0) {
		const struct vst_exhibit_extract_options options = {.out_dirfd = fd,
		        .preserve = preserve,
		        .select = select_item,
		        .done = on_done,
		        .ctx = x};
		progress_start(!x->opened.cli->quiet && !x->opened.cli->json);
		rc = vst_exhibit_extract(x->opened.exhibit, &options, err);
		progress_clear();
	}
	if (rc == 0) {
		vst_text_size(x->bytes, size);
		vst_text_count(x->out, count);
		cli_say(x->opened.cli, "%s items, %s, into %s", count, size, cli_show_text(path));
		if (x->nothing > 0)
			cli_say(x->opened.cli,
			        "%llu items of the manifest have nothing to take out (absent, denied, "
			        "devices, …)",
			        (unsigned long long)x->nothing);
		if (x->unasked > 0)
			cli_say(x->opened.cli,
			        "%llu files are in the exhibit by their metadata or digest only: the policy "
			        "asked for no content of them",
			        (unsigned long long)x->unasked);
		if (x->out + x->nothing + x->unasked + x->failed == 0)
			rc = vst_err_set(err, VST_ENOTFOUND, "nothing in the exhibit matches");
	}
	if (fd >= 0)
		close(fd);
	vst_selection_free(x->selection);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct opened_options options = {0};
	struct extraction x = {0};
	const char *output = NULL;
	bool preserve = false;
	const struct cli_option table[] = {
	        {"identity", 'i', CLI_LIST, &options.identities},
	        {"signing-key", 0, CLI_VALUE, &options.signing_key},
	        {"output", 'o', CLI_VALUE, &output},
	        {"preserve", 0, CLI_FLAG, &preserve},
	};
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status =
	        cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 1, 100000, &args, &count);
	if (status < 0 && !output)
		status = cli_usage(cli, "-o DIR is missing: where the items go");
	if (status < 0) {
		cli_catch_signals();
		int rc = selector_make(&x.selector, args + 1, count - 1, &err);
		if (rc == 0)
			rc = opened_open(&x.opened, cli, args[0], &options, &err);
		if (rc == 0)
			rc = extract(&x, output, preserve, &err);
		status = rc != 0 ? cli_fail(&err) : x.failed > 0 ? CLI_DIFFERENT : CLI_GOOD;
		opened_close(&x.opened);
		selector_free(&x.selector);
	}
	cli_list_free(&options.identities);
	return status;
}

const struct cli_verb verb_extract = {
        .name = "extract",
        .summary = "take items out into a directory",
        .help = "usage: vestige extract -i FILE EX [GLOB…] -o DIR\n\n"
                "Writes items below DIR as items/SOURCE/PATH, the names that tar gives them, each\n"
                "only if its digest is the sealed one. Nothing is overwritten, no link followed.\n"
                "GLOB is a path as on the host (a directory means all below it), with * ? [] {}\n"
                "and **; without a slash it matches names at any depth. Without GLOB: all.\n\n"
                "  -i FILE            age identity, or VESTIGE_IDENTITY\n"
                "  -o DIR             where to; made if it is not there\n"
                "  --preserve         owners, set-id bits, ACLs, xattrs, flags and devices too\n"
                "                     (as root); else plain files of yours, with their times\n"
                "  --signing-key KEY  an examiner's key: the opening is recorded in the log\n\n"
                "exit status: 1 an item was not as sealed, or could not be written.\n\n"
                "example: vestige extract -i analyst.key latest '/var/log/**' -o out\n",
        .run = run,
};
