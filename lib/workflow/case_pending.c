/*
 * private/pending: the exact bytes of an event between "its exhibit is durable" and "it is committed".
 *
 * Format 1, one JSON object, keys in this order: format, exhibit, partial (null if none), number, author,
 * seconds, and base64 of event, case_file, recipients, allowed_signers, checkpoint, message. The next
 * collector key is a file of its own, durable before this one.
 */
#include "workflow/case_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/json.h"
#include "vestige/mem.h"
#include "vestige/text.h"

static void put_bytes(struct vst_json *json, const char *key, const struct vst_buf *bytes)
{
	vst_json_key(json, key);
	vst_json_base64(json, bytes->data, bytes->len);
}

int case_pending_write(int private_fd, const struct case_pending *pending, struct vst_err *err)
{
	const struct vst_custody_draft *draft = &pending->draft;
	struct vst_buf text = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&text);

	vst_json_object(&json);
	vst_json_key(&json, "format");
	vst_json_uint(&json, 1);
	vst_json_key(&json, "exhibit");
	vst_json_uint(&json, pending->exhibit);
	vst_json_key(&json, "partial");
	vst_json_string(&json, pending->partial);
	vst_json_key(&json, "number");
	vst_json_uint(&json, draft->number);
	vst_json_key(&json, "author");
	vst_json_string(&json, draft->author);
	vst_json_key(&json, "seconds");
	vst_json_int(&json, draft->author_seconds);
	put_bytes(&json, "event", &draft->event);
	put_bytes(&json, "case_file", &draft->case_file);
	put_bytes(&json, "recipients", &draft->recipients);
	put_bytes(&json, "allowed_signers", &draft->allowed_signers);
	put_bytes(&json, "checkpoint", &draft->checkpoint);
	put_bytes(&json, "message", &draft->message);
	vst_json_end(&json);
	vst_buf_byte(&text, '\n');

	int rc = vst_buf_check(&text, err);
	if (rc == 0)
		rc = vst_io_write_file(
		        private_fd, PRIVATE_PENDING, 0600, text.data, text.len, VST_IO_NEW, err);
	vst_buf_free(&text);
	return rc == 0 ? 0 : vst_err_prepend(err, "private/" PRIVATE_PENDING);
}

static void take_bytes(struct vst_json_take *take, const char *key, struct vst_buf *out)
{
	const char *text = vst_json_take_string(take, key);
	if (!vst_base64_decode(text, strlen(text), VST_BASE64_PADDED, out))
		vst_json_take_fail(take, "%s: not base64", key);
}

int case_pending_read(int private_fd, struct case_pending *ret, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct case_pending pending = {0};
	json_t *object = NULL;
	struct vst_err fail = VST_ERR_INIT;

	int rc = vst_io_read_file(private_fd, PRIVATE_PENDING, PRIVATE_PENDING_MAX, &text, &fail);
	if (rc != 0)
		goto out;
	rc = vst_json_parse(text.data, text.len, &object, &fail);
	if (rc != 0)
		goto out;

	struct vst_json_take take = vst_json_take_of(object, &fail);
	if (vst_json_take_uint(&take, "format") != 1 && !take.failed) {
		rc = vst_err_set(&fail, VST_EVERSION, "unknown format");
		goto out;
	}
	pending.exhibit = vst_json_take_uint(&take, "exhibit");
	json_t *partial = vst_json_take_any(&take, "partial");
	pending.draft.number = vst_json_take_uint(&take, "number");
	const char *author = vst_json_take_string(&take, "author");
	pending.draft.author_seconds = vst_json_take_int(&take, "seconds");
	take_bytes(&take, "event", &pending.draft.event);
	take_bytes(&take, "case_file", &pending.draft.case_file);
	take_bytes(&take, "recipients", &pending.draft.recipients);
	take_bytes(&take, "allowed_signers", &pending.draft.allowed_signers);
	take_bytes(&take, "checkpoint", &pending.draft.checkpoint);
	take_bytes(&take, "message", &pending.draft.message);
	if (partial && !json_is_null(partial)) {
		const char *name = json_string_value(partial);
		if (!name || *name == '.' || strchr(name, '/'))
			vst_json_take_fail(&take, "partial: not a file name");
		else if (!(pending.partial = vst_strdup(name)))
			take.failed = true, vst_err_nomem(&fail);
	}
	rc = vst_json_take_end(&take);
	if (rc == 0 && !(pending.draft.author = vst_strdup(author)))
		rc = vst_err_nomem(&fail);
out:
	json_decref(object);
	vst_buf_free(&text);
	if (rc != 0) {
		case_pending_free(&pending);
		if (err)
			*err = fail;
		return vst_err_prepend(err, "private/" PRIVATE_PENDING), rc;
	}
	*ret = pending;
	return 0;
}

int case_pending_remove(int private_fd, struct vst_err *err)
{
	/* Not erased as keys are: it holds no secret, and a kill amid overwriting would leave a file that is
	 * no event. */
	if (unlinkat(private_fd, PRIVATE_PENDING, 0) != 0 && errno != ENOENT)
		return vst_err_sys(err, errno, "private/" PRIVATE_PENDING ": remove");
	return vst_io_fsync_dir(private_fd, ".", err);
}

void case_pending_free(struct case_pending *pending)
{
	vst_custody_draft_free(&pending->draft);
	free(pending->partial);
	*pending = (struct case_pending){0};
}
