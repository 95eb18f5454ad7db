#include <string.h>

#include "open_case.h"
#include "verbs.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

static void print_digest(const char *label, const uint8_t digest[VST_HASH_LEN])
{
	char digits[2 * VST_HASH_LEN + 1];
	vst_hex(digest, VST_HASH_LEN, digits);
	cli_print("%-12s%s\n", label, digits);
}

static void print_recipients(const struct vst_seal *seal)
{
	for (size_t i = 0; i < seal->recipient_count; i++)
		print_digest(i == 0 ? "recipients" : "", seal->recipients[i]);
}

static void print_sources(const struct vst_seal *seal)
{
	for (size_t i = 0; i < seal->source_count; i++) {
		const struct vst_seal_source *source = &seal->sources[i];
		cli_print("%-12s%-10s", i == 0 ? "sources" : "", cli_show_text(source->name));
		for (size_t k = 0; k < source->status_count; k++)
			cli_print("%s%s %llu", k ? " · " : " ", source->statuses[k].status,
			        (unsigned long long)source->statuses[k].count);
		cli_print("\n");
	}
}

static void print_series(const struct vst_seal *seal)
{
	const struct vst_seal_series *series = &seal->series;
	char full[VST_EXHIBIT_NAME_MAX], size[16];
	if (!seal->has_series)
		return;
	vst_exhibit_name(series->full, full);
	vst_text_size(series->described, size);
	cli_print("%-12s%s%s, describes %s (%llu bytes)\n", "series",
	        series->full == seal->exhibit ? "full" : "stands on ",
	        series->full == seal->exhibit ? "" : full, size, (unsigned long long)series->described);
	print_digest("  index", series->index_sha256);
	if (series->compared)
		cli_print("%-12s%llu added, %llu removed, %llu changed\n", "  changes",
		        (unsigned long long)series->added, (unsigned long long)series->removed,
		        (unsigned long long)series->changed);
	cli_print("%-12s", "  findings");
	for (int i = VST_SEVERITIES - 1; i >= 0; i--)
		cli_print("%llu %s%s", (unsigned long long)series->findings[i],
		        vst_severity_name((enum vst_severity)i), i > 0 ? ", " : "\n");
}

static void print_seal(const struct vst_custody_exhibit *exhibit)
{
	const struct vst_seal *seal = exhibit->seal;
	char name[VST_EXHIBIT_NAME_MAX], started[VST_TIME_TEXT], sealed[VST_TIME_TEXT], size[16], count[32];
	vst_exhibit_name(exhibit->number, name);
	vst_time_format(seal->started, started);
	vst_time_format(seal->sealed, sealed);
	vst_text_size(seal->file_bytes, size);
	vst_text_count(seal->items, count);
	cli_print("%-12s%s, event %llu\n", "exhibit", name, (unsigned long long)exhibit->event);
	cli_print("%-12s%s\n%-12s%s\n", "started", started, "sealed", sealed);
	if (exhibit->disposed) {
		char disposed[VST_TIME_TEXT];
		vst_time_format(exhibit->disposed_time, disposed);
		cli_print("%-12s%s, event %llu: its file is gone\n", "disposed of", disposed,
		        (unsigned long long)exhibit->disposed);
	}
	cli_print("%-12s%s (%llu bytes)\n", "file", size, (unsigned long long)seal->file_bytes);
	print_digest("  sha256", seal->file_sha256);
	cli_print("%-12s%llu bytes behind the age header\n", "payload",
	        (unsigned long long)seal->payload_bytes);
	print_digest("  sha256", seal->payload_sha256);
	cli_print("%-12s%s\n", "items", count);
	print_digest("root", seal->root);
	print_digest("policy", seal->policy_sha256);
	print_digest("seal", exhibit->seal_sha256);
	if (seal->has_predecessor)
		print_digest("predecessor", seal->predecessor);
	print_recipients(seal);
	print_sources(seal);
	print_series(seal);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct vst_case *c = NULL;
	struct vst_err err = VST_ERR_INIT;
	uint64_t number = 0;
	char **args;
	size_t count;
	int status = cli_parse(cli, NULL, 0, argc, argv, 0, 1, &args, &count);
	if (status >= 0)
		return status;
	int rc = open_case(cli, &c, &err);
	if (rc == 0)
		rc = vst_case_exhibit_parse(c, count ? args[0] : "latest", &number, &err);
	if (rc == 0) {
		const struct vst_custody_exhibit *exhibit =
		        vst_custody_exhibit_find(vst_case_custody(c), number);
		if (cli->json) {
			struct vst_buf line = VST_BUF_INIT;
			struct vst_json json = cli_json_begin(&line, "seal");
			vst_json_key(&json, "event");
			vst_json_uint(&json, exhibit->event);
			vst_json_key(&json, "disposed");
			if (exhibit->disposed)
				vst_json_uint(&json, exhibit->disposed);
			else
				vst_json_null(&json);
			vst_json_key(&json, "seal_sha256");
			vst_json_hex(&json, exhibit->seal_sha256, VST_HASH_LEN);
			vst_json_key(&json, "seal");
			vst_seal_write(exhibit->seal, &json);
			cli_json_end(&json);
		} else {
			print_seal(exhibit);
		}
	}
	vst_case_free(c);
	return rc == 0 ? CLI_GOOD : cli_fail(&err);
}

const struct cli_verb verb_show = {
        .name = "show",
        .summary = "one exhibit's seal",
        .help = "usage: vestige show [EX]\n\n"
                "Shows the seal of an exhibit as the checked log has it: digests, Merkle root,\n"
                "recipients, and what was and was not obtained from each source. EX is EX0001,\n"
                "1, latest (the default) or latest~1.\n\n"
                "example: vestige show latest\n",
        .run = run,
};
