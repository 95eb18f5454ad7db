#include "receipt.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "operator.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/sshsig.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

struct receipt {
	char *path, *signature_path;
	struct vst_buf findings;
};

/* verify never writes into a case, so a receipt may not lie in one. */
static int refuse_inside(const char *dir, const char *path, struct vst_err *err)
{
	char copy[PATH_MAX], parent[PATH_MAX], case_dir[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	if (!realpath(dirname(copy), parent) || !realpath(dir, case_dir))
		return vst_err_set(err, VST_ENOTFOUND, "--receipt %s: its directory does not exist", path);
	size_t len = strlen(case_dir);
	if (strncmp(parent, case_dir, len) == 0 && (parent[len] == '/' || parent[len] == '\0'))
		return vst_err_set(err, VST_EUSAGE,
		        "--receipt %s: lies inside the case, and verify does not write there", path);
	return 0;
}

int receipt_begin(const char *dir, const char *path, const char *signing_key, struct vst_signer **ret_signer,
        struct receipt **ret, struct vst_err *err)
{
	struct receipt *receipt = vst_calloc(1, sizeof *receipt);
	struct vst_buf signature = VST_BUF_INIT;
	int rc = receipt ? refuse_inside(dir, path, err) : vst_err_nomem(err);
	if (rc == 0)
		rc = keys_signer(signing_key, ret_signer, err);
	if (rc == 0 && !*ret_signer) {
		rc = vst_err_set(err, VST_EUSAGE, "--receipt needs a key to sign it with");
		vst_err_hint(err,
		        "give --signing-key FILE, an OpenSSH Ed25519 key; ssh-keygen -t ed25519 makes one");
	}
	if (rc == 0) {
		vst_buf_printf(&signature, "%s.sig", path);
		receipt->path = vst_strdup(path);
		receipt->signature_path = vst_strdup(vst_buf_cstr(&signature));
		if (!receipt->path || !receipt->signature_path)
			rc = vst_err_nomem(err);
	}
	if (rc == 0 && (access(path, F_OK) == 0 || access(receipt->signature_path, F_OK) == 0)) {
		rc = vst_err_set(err, VST_EEXIST,
		        "--receipt %s: it or its .sig exists, and nothing is overwritten", path);
		vst_err_hint(err, "give another name");
	}
	vst_buf_free(&signature);
	if (rc != 0) {
		receipt_free(receipt);
		return rc;
	}
	*ret = receipt;
	return 0;
}

void receipt_add(struct receipt *receipt, const struct vst_verify_finding *finding)
{
	struct vst_buf *out = &receipt->findings;
	vst_buf_printf(out, "%-10s ", vst_verdict_name(finding->verdict));
	vst_text_show(out, finding->subject, strlen(finding->subject));
	vst_buf_text(out, ": ");
	vst_text_show(out, finding->text, strlen(finding->text));
	vst_buf_byte(out, '\n');
}

static void put_digest(struct vst_buf *out, const char *label, const uint8_t digest[VST_HASH_LEN])
{
	vst_buf_text(out, label);
	vst_hex_append(out, digest, VST_HASH_LEN);
	vst_buf_byte(out, '\n');
}

static void compose(const struct receipt *receipt, const struct vst_verify_options *options,
        const struct vst_verify_result *result, const struct vst_signer *signer, struct vst_buf *out)
{
	char now[VST_TIME_TEXT], fingerprint[VST_SSH_FINGERPRINT_TEXT], host[256] = "";
	char *who = operator_name();
	vst_time_format(vst_time_now() / VST_NS_PER_S * VST_NS_PER_S, now);
	vst_ssh_public_fingerprint(vst_signer_public(signer), fingerprint);
	gethostname(host, sizeof host - 1);

	vst_buf_text(out, "RECEIPT OF A VERIFICATION\n\n");
	vst_buf_printf(out, "result     %s\n",
	        result->good ? "GOOD: all that could be checked is as it was recorded"
	                     : "NOT GOOD: see the lines marked tampered, missing or unrecorded");
	vst_buf_printf(out, "date       %.19sZ, by the clock of host ", now);
	vst_text_show(out, host, strlen(host));
	vst_buf_text(out, "\nby         ");
	vst_text_show(out, who ? who : "unknown", strlen(who ? who : "unknown"));
	vst_buf_printf(out, ", key %s\nprogram    vestige " VST_VERSION "\n", fingerprint);
	if (result->has_log) {
		vst_buf_text(out, "case       ");
		vst_text_show(out, result->title, strlen(result->title));
		vst_buf_printf(out, "\ncase id    %s\n", result->case_id);
		put_digest(out, "genesis    ", result->genesis);
		vst_buf_printf(out, "events     %llu\n", (unsigned long long)result->events);
		put_digest(out, "log root   ", result->root);
	}
	vst_buf_printf(out, "exhibits   %llu checked\n", (unsigned long long)result->exhibits_checked);
	if (result->exhibits_disposed > 0)
		vst_buf_printf(out,
		        "disposed   %llu more, by events of the log: their files are gone, "
		        "their seals stay\n",
		        (unsigned long long)result->exhibits_disposed);
	if (options->exhibit_count > 0)
		vst_buf_printf(out, "           only those that were asked for, not all of the case\n");
	if (!options->deep)
		vst_buf_text(out, "contents   not opened\n");
	else if (result->exhibits_opened == result->exhibits_checked)
		vst_buf_text(out, "contents   opened with an identity and each item checked\n");
	else
		vst_buf_printf(out,
		        "contents   %llu of these exhibits opened with an identity, and each item of those "
		        "checked\n",
		        (unsigned long long)result->exhibits_opened);
	vst_buf_printf(out, "compared   %s genesis fingerprint, %s earlier checkpoint\n",
	        options->fingerprint ? "with a given" : "with no", options->expect ? "with an" : "with no");
	vst_buf_text(out, "\nWHAT WAS FOUND\n\n");
	vst_buf_bytes(out, receipt->findings.data, receipt->findings.len);
	vst_buf_text(out,
	        "\nWHAT THIS DOES NOT PROVE\n\n"
	        "Whoever controlled the host during a snapshot could show it false data. Without an\n"
	        "earlier checkpoint a cut end of the log cannot be seen, and without the genesis\n"
	        "fingerprint a log that was wholly re-created cannot be seen. The date above is that of\n"
	        "the clock of the host that verified.\n");
	free(who);
}

int receipt_write(struct receipt *receipt, const struct vst_verify_options *options,
        const struct vst_verify_result *result, struct vst_signer *signer, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT, signature = VST_BUF_INIT;
	compose(receipt, options, result, signer, &text);
	int rc = vst_buf_check(&receipt->findings, err);
	if (rc == 0)
		rc = vst_buf_check(&text, err);
	if (rc == 0)
		rc = vst_sshsig_sign(signer, RECEIPT_NAMESPACE, text.data, text.len, &signature, err);
	if (rc == 0)
		rc = vst_io_write_file(AT_FDCWD, receipt->path, 0644, text.data, text.len, VST_IO_NEW, err);
	if (rc == 0)
		rc = vst_io_write_file(AT_FDCWD, receipt->signature_path, 0644, signature.data, signature.len,
		        VST_IO_NEW, err);
	vst_buf_free(&text);
	vst_buf_free(&signature);
	return rc == 0 ? 0 : vst_err_prepend(err, "receipt");
}

void receipt_free(struct receipt *receipt)
{
	if (!receipt)
		return;
	vst_buf_free(&receipt->findings);
	free(receipt->path);
	free(receipt->signature_path);
	free(receipt);
}
