#include "vestige/checkpoint.h"

#include <string.h>

#include "ledger/plain.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/reader.h"
#include "vestige/signer.h"
#include "vestige/text.h"

void vst_checkpoint_text(const struct vst_checkpoint *checkpoint, struct vst_buf *out)
{
	vst_buf_printf(out, "%s\n%llu\n", checkpoint->origin, (unsigned long long)checkpoint->size);
	vst_base64_append(out, checkpoint->root, VST_HASH_LEN, VST_BASE64_PADDED);
	vst_buf_byte(out, '\n');
}

static int read_root(const uint8_t *line, size_t len, struct vst_checkpoint *checkpoint, struct vst_err *err)
{
	struct vst_buf root = VST_BUF_INIT;
	int rc = 0;

	/* The length first: a hostile line costs no memory. */
	if (len != (VST_HASH_LEN + 2) / 3 * 4 || !vst_base64_decode(line, len, VST_BASE64_PADDED, &root) ||
	        root.len != VST_HASH_LEN) {
		rc = vst_buf_check(&root, err);
		if (rc == 0)
			rc = vst_err_set(err, VST_EFORMAT,
			        "checkpoint: the root is not the base64 of %d bytes", VST_HASH_LEN);
		goto out;
	}
	memcpy(checkpoint->root, root.data, VST_HASH_LEN);
out:
	vst_buf_free(&root);
	return rc;
}

int vst_checkpoint_parse(const void *text, size_t len, struct vst_checkpoint *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(text, len);
	struct vst_checkpoint checkpoint = {0};
	const uint8_t *line;
	size_t line_len;
	int rc;

	if (!vst_reader_line(&in, &line, &line_len) || line_len == 0 || line_len > VST_NOTE_NAME_MAX)
		return vst_err_set(err, VST_EFORMAT, "checkpoint: no origin, or one that is too long");
	memcpy(checkpoint.origin, line, line_len);
	if (memchr(line, '\0', line_len) || !vst_plain_text(checkpoint.origin, VST_NOTE_NAME_MAX))
		return vst_err_set(err, VST_EFORMAT, "checkpoint: the origin is no plain text");
	if (!vst_reader_decimal(&in, &checkpoint.size) || !vst_reader_literal(&in, "\n"))
		return vst_err_set(err, VST_EFORMAT, "checkpoint: the size is no decimal number");
	if (!vst_reader_line(&in, &line, &line_len))
		return vst_err_set(err, VST_EFORMAT, "checkpoint: no root");
	if ((rc = read_root(line, line_len, &checkpoint, err)) != 0)
		return rc;
	if (!vst_reader_at_end(&in))
		return vst_err_set(err, VST_EFORMAT, "checkpoint: more than three lines");
	*ret = checkpoint;
	return 0;
}

int vst_checkpoint_sign(const struct vst_checkpoint *checkpoint, struct vst_signer *log_signer,
        const char *principal, struct vst_signer *signer, struct vst_buf *out, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT, note = VST_BUF_INIT;
	int rc;

	vst_checkpoint_text(checkpoint, &text);
	if ((rc = vst_buf_check(&text, err)) != 0)
		goto out;
	if ((rc = vst_note_begin(text.data, text.len, &note, err)) != 0 ||
	        (rc = vst_note_add_signature(log_signer, checkpoint->origin, &note, err)) != 0)
		goto out;
	if (signer && vst_signer_signs_raw(signer) &&
	        (rc = vst_note_add_signature(signer, principal, &note, err)) != 0)
		goto out;
	if ((rc = vst_buf_check(&note, err)) != 0)
		goto out;
	vst_buf_bytes(out, note.data, note.len);
	rc = vst_buf_check(out, err);
out:
	if (rc != 0)
		vst_err_prepend(err, "checkpoint");
	vst_buf_free(&text);
	vst_buf_free(&note);
	return rc;
}

/* A signature that has to be there: a missing one is as bad as a wrong one. */
static int need_signature(const struct vst_note *note, const struct vst_note_key *key, struct vst_err *err)
{
	int rc = vst_note_verify(note, key, err);

	if (rc == VST_ENOTFOUND)
		rc = vst_err_set(err, VST_EAUTH, "not signed by %s", key->name);
	return rc;
}

int vst_checkpoint_open(const void *note, size_t len, const struct vst_note_key *log_key,
        const struct vst_note_key *signer_key, struct vst_checkpoint *ret, struct vst_err *err)
{
	struct vst_checkpoint checkpoint;
	struct vst_note parsed = {0};
	int rc;

	if ((rc = vst_note_parse(note, len, &parsed, err)) != 0)
		return vst_err_prepend(err, "checkpoint"), rc;
	if ((rc = need_signature(&parsed, log_key, err)) != 0 ||
	        (signer_key && (rc = need_signature(&parsed, signer_key, err)) != 0)) {
		vst_err_prepend(err, "checkpoint");
		goto out;
	}
	if ((rc = vst_checkpoint_parse(parsed.text, parsed.text_len, &checkpoint, err)) != 0)
		goto out;
	if (strcmp(checkpoint.origin, log_key->name) != 0) {
		rc = vst_err_set(err, VST_EAUTH, "checkpoint: of another log");
		goto out;
	}
	*ret = checkpoint;
out:
	vst_note_free(&parsed);
	return rc;
}
