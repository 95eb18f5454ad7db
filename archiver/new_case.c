#include "new_case.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"
#include "vestige/text.h"

/* The line in the case's recipients says only that there is a passphrase; which one, the snapshot asks. */
static int passphrase_placeholder(struct vst_age_recipients *recipients, struct vst_err *err)
{
	struct vst_age_recipient *recipient = NULL;
	if (recipients->count > 0)
		return vst_err_set(
		        err, VST_EUSAGE, "--passphrase stands alone: it cannot be combined with recipients");
	int rc = vst_age_recipient_passphrase(
	        "not used to seal anything", VST_AGE_WORK_FACTOR, &recipient, err);
	if (rc == 0 && (rc = vst_age_recipients_add(recipients, recipient, err)) != 0)
		vst_age_recipient_free(recipient);
	return rc;
}

int new_case(const struct new_case_options *options, struct vst_case **ret, struct vst_err *err)
{
	char host[256] = "";
	struct vst_age_recipients recipients = {0};
	struct vst_case_examiner *examiners = NULL;
	size_t examiner_count = 0;
	gethostname(host, sizeof host - 1);

	int rc = keys_recipients(&options->recipients, &options->recipient_files, &recipients, err);
	if (rc == 0 && options->by_passphrase)
		rc = passphrase_placeholder(&recipients, err);
	if (rc == 0)
		rc = keys_examiners(&options->examiners, &examiners, &examiner_count, err);
	if (rc == 0) {
		const struct vst_case_init_options init = {
		        .dir = options->dir,
		        .title = options->title,
		        .number = options->number,
		        .host = host,
		        .program = "vestige " VST_VERSION,
		        .recipients = &recipients,
		        .examiners = examiners,
		        .examiner_count = examiner_count,
		};
		rc = vst_case_init(&init, ret, err);
	}
	free(examiners);
	vst_age_recipients_free(&recipients);
	return rc;
}

static const struct vst_signers_entry *collector_of(const struct vst_signers *signers)
{
	for (size_t i = 0; i < signers->count; i++)
		if (vst_signers_is_collector(&signers->list[i]))
			return &signers->list[i];
	return NULL;
}

/* In groups of eight, so that it can be copied by hand. */
static void print_fingerprint(const uint8_t genesis[VST_HASH_LEN], const char *bold, const char *plain)
{
	char digits[2 * VST_HASH_LEN + 1];
	vst_hex(genesis, VST_HASH_LEN, digits);
	cli_print("genesis   %s", bold);
	for (int i = 0; i < 8; i++)
		cli_print("%s%.8s", i == 0 ? "" : i == 4 ? "\n          " : " ", digits + 8 * i);
	cli_print("%s\n          write this down off this host: it proves later that the case was not "
	          "replaced\n",
	        plain);
}

void new_case_print(const struct cli *cli, struct vst_case *c)
{
	char fingerprint[VST_SSH_FINGERPRINT_TEXT] = "";
	uint8_t genesis[VST_HASH_LEN] = {0};
	const struct vst_custody *custody = vst_case_custody(c);
	const struct vst_case_file *file = vst_custody_case(custody);
	const struct vst_signers_entry *collector = collector_of(vst_custody_signers(custody));
	vst_custody_genesis(custody, genesis);
	if (collector)
		vst_ssh_public_fingerprint(&collector->key, fingerprint);
	if (cli->json) {
		struct vst_buf line = VST_BUF_INIT;
		struct vst_json json = cli_json_begin(&line, "case");
		vst_json_key(&json, "dir");
		vst_json_text(&json, vst_case_dir(c), strlen(vst_case_dir(c)));
		vst_json_key(&json, "id");
		vst_json_string(&json, file->id);
		vst_json_key(&json, "title");
		vst_json_string(&json, file->title);
		vst_json_key(&json, "number");
		vst_json_string(&json, file->number);
		vst_json_key(&json, "log");
		vst_json_string(&json, file->log_key.name);
		vst_json_key(&json, "signer");
		vst_json_string(&json, collector ? collector->principal : NULL);
		vst_json_key(&json, "signer_fingerprint");
		vst_json_string(&json, fingerprint);
		vst_json_key(&json, "genesis");
		vst_json_hex(&json, genesis, sizeof genesis);
		cli_json_end(&json);
		return;
	}
	cli_print("case      %s, log %s\n", cli_show_text(vst_case_dir(c)), file->log_key.name);
	cli_print("signer    %s, %s\n", collector ? collector->principal : "none", fingerprint);
	print_fingerprint(genesis, cli_style(cli, CLI_BOLD), cli_style(cli, CLI_PLAIN));
}

void new_case_options_free(struct new_case_options *options)
{
	cli_list_free(&options->recipients);
	cli_list_free(&options->recipient_files);
	cli_list_free(&options->examiners);
}
