#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"
#include "open_case.h"
#include "progress.h"
#include "receipt.h"
#include "verbs.h"
#include "vestige/io.h"
#include "vestige/text.h"
#include "vestige/verify.h"

#define CHECKPOINT_MAX (64 * 1024)

struct run {
	struct cli *cli;
	const char *expect, *fingerprint, *receipt, *signing_key;
	bool deep;
	struct cli_list identities;
	struct receipt *record; /* NULL: none wanted */
};

static enum cli_style style_of(enum vst_verdict verdict)
{
	switch (verdict) {
	case VST_GOOD:
		return CLI_GREEN;
	case VST_NOTE:
		return CLI_DIM;
	case VST_UNCHECKED:
		return CLI_YELLOW;
	default:
		return CLI_RED;
	}
}

static int on_finding(void *ctx, const struct vst_verify_finding *finding)
{
	struct run *r = ctx;
	if (r->record)
		receipt_add(r->record, finding);
	if (r->cli->json) {
		struct vst_buf line = VST_BUF_INIT;
		struct vst_json json = cli_json_begin(&line, "finding");
		vst_json_key(&json, "verdict");
		vst_json_string(&json, vst_verdict_name(finding->verdict));
		vst_json_key(&json, "subject");
		vst_json_text(&json, finding->subject, strlen(finding->subject));
		vst_json_key(&json, "text");
		vst_json_text(&json, finding->text, strlen(finding->text));
		vst_json_key(&json, "hint");
		vst_json_string(&json, finding->hint);
		cli_json_end(&json);
	} else if (!r->cli->quiet || finding->verdict >= VST_UNRECORDED) {
		cli_print("%s%-10s%s %s: %s\n", cli_style(r->cli, style_of(finding->verdict)),
		        vst_verdict_name(finding->verdict), cli_style(r->cli, CLI_PLAIN),
		        cli_show_text(finding->subject), cli_show_text(finding->text));
		if (finding->hint)
			cli_print("           hint: %s\n", cli_show_text(finding->hint));
	}
	return cli_signal() ? VST_ECANCELLED : 0;
}

static void on_progress(void *ctx, const char *subject, uint64_t done, uint64_t total, uint64_t items)
{
	(void)ctx;
	progress_update(&(struct progress){subject, done, total, items});
}

/* 64 hexadecimal digits; the groups that init prints may keep their spaces. */
static int parse_fingerprint(const char *text, uint8_t ret[VST_HASH_LEN], struct vst_err *err)
{
	char digits[2 * VST_HASH_LEN];
	size_t len = 0;
	for (const char *p = text; *p; p++) {
		if (*p == ' ' || *p == '\n' || *p == '\t')
			continue;
		if (len < sizeof digits)
			digits[len] = *p;
		len++;
	}
	if (len == sizeof digits && vst_hex_decode(digits, len, ret, VST_HASH_LEN))
		return 0;
	vst_err_set(err, VST_EUSAGE, "--fingerprint: wants the 64 hexadecimal digits that init printed");
	return VST_EUSAGE;
}

static int read_expected(const char *path, struct vst_buf *out, struct vst_err *err)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return vst_err_sys(err, errno, "--expect %s", path);
	int rc = vst_io_read_all(fd, CHECKPOINT_MAX, out, err);
	close(fd);
	return rc == 0 ? 0 : vst_err_prepend(err, "--expect %s", path);
}

/* EX arguments need the log's word for `latest`; numbers alone do not, so that a case with a bad log can
 * still be asked about. */
static int parse_exhibits(
        const struct cli *cli, char **args, size_t count, uint64_t *ret, struct vst_err *err)
{
	struct vst_case *c = NULL;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const char *digits = strncmp(args[i], "EX", 2) == 0 ? args[i] + 2 : args[i];
		if (*digits && strspn(digits, "0123456789") == strlen(digits) && strlen(digits) <= 7) {
			ret[i] = strtoull(digits, NULL, 10);
			continue;
		}
		if (!c)
			rc = open_case(cli, &c, err);
		if (rc == 0)
			rc = vst_case_exhibit_parse(c, args[i], &ret[i], err);
	}
	vst_case_free(c);
	return rc;
}

static void print_summary(const struct cli *cli, const struct vst_verify_result *result)
{
	struct vst_buf line = VST_BUF_INIT;
	if (!cli->json)
		return;
	struct vst_json json = cli_json_begin(&line, "summary");
	vst_json_key(&json, "good");
	vst_json_bool(&json, result->good);
	vst_json_key(&json, "events");
	vst_json_uint(&json, result->events);
	vst_json_key(&json, "root");
	vst_json_hex(&json, result->root, VST_HASH_LEN);
	vst_json_key(&json, "genesis");
	vst_json_hex(&json, result->genesis, VST_HASH_LEN);
	vst_json_key(&json, "exhibits");
	vst_json_uint(&json, result->exhibits_checked);
	vst_json_key(&json, "disposed");
	vst_json_uint(&json, result->exhibits_disposed);
	vst_json_key(&json, "items");
	vst_json_uint(&json, result->items_checked);
	vst_json_key(&json, "findings");
	vst_json_object(&json);
	for (int verdict = 0; verdict <= VST_TAMPERED; verdict++) {
		vst_json_key(&json, vst_verdict_name((enum vst_verdict)verdict));
		vst_json_uint(&json, result->counts[verdict]);
	}
	vst_json_end(&json);
	cli_json_end(&json);
}

static int load_options(struct run *r, const char *dir, struct vst_verify_options *options,
        struct vst_age_identities *identities, struct vst_buf *expected, uint8_t fingerprint[VST_HASH_LEN],
        struct vst_err *err)
{
	int rc = 0;
	bool by_passphrase = false;
	options->dir = dir;
	if (r->fingerprint && (rc = parse_fingerprint(r->fingerprint, fingerprint, err)) == 0)
		options->fingerprint = fingerprint;
	if (rc == 0 && r->expect && (rc = read_expected(r->expect, expected, err)) == 0) {
		options->expect = expected->data;
		options->expect_len = expected->len;
	}
	if (rc != 0 || !r->deep)
		return rc;
	struct vst_case *c = NULL;
	if (vst_case_open(dir, &c, NULL) == 0) /* a bad log is verify's own finding */
		rc = keys_case_by_passphrase(c, &by_passphrase, err);
	vst_case_free(c);
	if (rc == 0)
		rc = keys_identities(&r->identities, by_passphrase, identities, err);
	options->deep = true;
	options->identities = identities;
	return rc;
}

static int verify(struct run *r, char **args, size_t count, struct vst_err *err)
{
	struct vst_age_identities identities = {0};
	struct vst_buf expected = VST_BUF_INIT;
	struct vst_verify_result result = {0};
	struct vst_signer *signer = NULL;
	uint8_t fingerprint[VST_HASH_LEN];
	char *dir = NULL;
	int status = CLI_CANNOT;
	struct vst_verify_options options = {.finding = on_finding, .ctx = r};
	uint64_t *numbers = calloc(count + 1, sizeof *numbers);

	cli_catch_signals();
	int rc = numbers ? open_case_find(r->cli, &dir, err) : vst_err_set(err, VST_ENOMEM, "no memory");
	if (rc == 0)
		rc = parse_exhibits(r->cli, args, count, numbers, err);
	if (rc == 0)
		rc = load_options(r, dir, &options, &identities, &expected, fingerprint, err);
	if (rc == 0 && r->receipt)
		rc = receipt_begin(dir, r->receipt, r->signing_key, &signer, &r->record, err);
	if (rc == 0) {
		options.exhibits = count ? numbers : NULL;
		options.exhibit_count = count;
		progress_start(!r->cli->quiet && !r->cli->json);
		options.progress = progress_is_on() ? on_progress : NULL;
		rc = vst_verify(&options, &result, err);
		progress_clear();
	}
	if (rc == 0) {
		status = result.good ? CLI_GOOD : CLI_DIFFERENT;
		print_summary(r->cli, &result);
		if (r->record && (rc = receipt_write(r->record, &options, &result, signer, err)) == 0)
			cli_say(r->cli, "receipt in %s, signature in %s.sig", cli_show_text(r->receipt),
			        cli_show_text(r->receipt));
	}
	receipt_free(r->record);
	vst_signer_free(signer);
	vst_age_identities_free(&identities);
	vst_buf_free(&expected);
	free(numbers);
	free(dir);
	return rc == 0 ? status : cli_fail(err);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct run r = {.cli = cli};
	const struct cli_option table[] = {
	        {"deep", 0, CLI_FLAG, &r.deep},
	        {"identity", 'i', CLI_LIST, &r.identities},
	        {"expect", 0, CLI_VALUE, &r.expect},
	        {"fingerprint", 0, CLI_VALUE, &r.fingerprint},
	        {"receipt", 0, CLI_VALUE, &r.receipt},
	        {"signing-key", 0, CLI_VALUE, &r.signing_key},
	};
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 0, 10000, &args, &count);
	if (status < 0)
		status = verify(&r, args, count, &err);
	cli_list_free(&r.identities);
	return status;
}

const struct cli_verb verb_verify = {
        .name = "verify",
        .summary = "check the log, the exhibits, and with an identity each item",
        .help = "usage: vestige verify [EX…] [--deep -i FILE] [--expect CHECKPOINT]\n"
                "                      [--fingerprint FP] [--receipt FILE --signing-key KEY]\n\n"
                "Checks the custody log from its first event, the repository that carries it,\n"
                "and every exhibit against its seal. Never writes to the case.\n\n"
                "  --deep              every item as well; needs an identity\n"
                "  -i FILE             age identity, or VESTIGE_IDENTITY\n"
                "  --expect FILE       an earlier trail/checkpoint: the log must extend it\n"
                "  --fingerprint FP    the genesis fingerprint that init printed\n"
                "  --receipt FILE      a dated result for the file, signed into FILE.sig\n"
                "  --signing-key KEY   OpenSSH key (or .pub with ssh-agent) for the receipt\n\n"
                "exit status: 0 all that could be checked is good; 1 something is tampered,\n"
                "missing or unrecorded; 2 could not be read; 12 the identity does not fit.\n\n"
                "example: vestige -C case verify --deep -i analyst.key\n",
        .run = run,
};
