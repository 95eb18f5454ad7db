/*
 * Making the next event: files, event, checkpoint and message, judged by the same rules that will judge the
 * commit.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger/custody_state.h"
#include "vestige/checkpoint.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/signer.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

/* ---- the message ---- */

static void write_subject(const struct vst_event *event, struct vst_buf *out)
{
	unsigned long long exhibit = 0;

	vst_buf_printf(
	        out, "Event %llu: %s", (unsigned long long)event->number, vst_event_type_name(event->type));
	if (event->type == VST_EVENT_ACQUIRE)
		exhibit = event->seal->exhibit;
	else if (event->type == VST_EVENT_RECOVER)
		exhibit = event->recover.exhibit;
	else if (event->type == VST_EVENT_EXTRACT)
		exhibit = event->extract.exhibit;
	else if (event->type == VST_EVENT_DISPOSE)
		exhibit = event->dispose.generation;
	if (exhibit > 0)
		vst_buf_printf(out, " EX%04llu", exhibit);
	if (event->type == VST_EVENT_EXTRACT)
		vst_buf_printf(out, " (%s)", event->extract.verb);
}

static void write_digest(struct vst_buf *out, const char *trailer, const uint8_t digest[VST_HASH_LEN])
{
	vst_buf_printf(out, "%s: ", trailer);
	vst_hex_append(out, digest, VST_HASH_LEN);
	vst_buf_byte(out, '\n');
}

int vst_custody_message(const struct vst_event *event, const uint8_t event_sha256[VST_HASH_LEN],
        uint64_t log_size, const uint8_t log_root[VST_HASH_LEN], struct vst_buf *out, struct vst_err *err)
{
	write_subject(event, out);
	vst_buf_printf(out, "\n\nVestige-Event: %llu\n", (unsigned long long)event->number);
	write_digest(out, "Event-SHA256", event_sha256);
	if (event->number > 0)
		write_digest(out, "Previous-SHA256", event->previous);
	vst_buf_printf(out, "Log-Size: %llu\n", (unsigned long long)log_size);
	write_digest(out, "Log-Root", log_root);
	return vst_buf_check(out, err);
}

/* ---- the files ---- */

static int copy_bytes(const void *data, size_t len, struct vst_buf *out, struct vst_err *err)
{
	vst_buf_bytes(out, data, len);
	return vst_buf_check(out, err);
}

static int check_change(
        const struct vst_custody *custody, const struct vst_custody_change *change, struct vst_err *err)
{
	bool genesis = custody->tree.size == 0;
	bool key = change->event->type == VST_EVENT_KEY;

	if (custody->tree.size > VST_EVENT_NUMBER_MAX)
		return vst_err_set(err, VST_ELIMIT, "the log is full");
	if (genesis != (change->event->type == VST_EVENT_GENESIS))
		return vst_err_set(err, VST_EUSAGE, "a log begins with genesis, and with nothing else");
	if (genesis &&
	        (!change->new_case || !change->new_signers || !change->new_recipients || !change->next_key))
		return vst_err_set(
		        err, VST_EUSAGE, "genesis needs a case file, signers, recipients and a next key");
	if (!genesis && change->new_case)
		return vst_err_set(err, VST_EUSAGE, "case.json cannot change after genesis");
	if (!genesis && !key && (change->new_signers || change->new_recipients))
		return vst_err_set(err, VST_EUSAGE, "only a key event changes signers or recipients");
	return 0;
}

static int genesis_signers(const struct vst_custody_change *change, struct vst_buf *out, struct vst_err *err)
{
	struct vst_signers listed = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < change->new_signers->count; i++)
		rc = vst_signers_add(&listed, change->new_signers->list[i].principal,
		        &change->new_signers->list[i].key, err);
	if (rc == 0)
		rc = vst_signers_add(&listed, change->actor, change->next_key, err);
	if (rc == 0) {
		vst_signers_write(&listed, out);
		rc = vst_buf_check(out, err);
	}
	vst_signers_free(&listed);
	return rc;
}

static int make_signers(const struct vst_custody *custody, const struct vst_custody_change *change,
        struct vst_buf *out, struct vst_err *err)
{
	struct vst_signers after = {0};
	int rc;

	if (custody->tree.size == 0)
		return genesis_signers(change, out, err);
	/* A key event leaves out the genesis key's line, also when it is about recipients alone. */
	if (change->event->type == VST_EVENT_KEY) {
		vst_signers_write(change->new_signers ? change->new_signers : &custody->signers, out);
		return vst_buf_check(out, err);
	}
	if (!change->next_key)
		return copy_bytes(custody->allowed_signers.data, custody->allowed_signers.len, out, err);
	rc = vst_custody_signers_after(
	        &custody->signers, vst_signer_public(change->signer), change->next_key, &after, err);
	if (rc == 0) {
		vst_signers_write(&after, out);
		rc = vst_buf_check(out, err);
	}
	vst_signers_free(&after);
	return rc;
}

static int make_files(const struct vst_custody *custody, const struct vst_custody_change *change,
        struct vst_custody_draft *draft, struct vst_err *err)
{
	int rc;

	if (change->new_case)
		rc = vst_case_file_encode(change->new_case, &draft->case_file, err);
	else
		rc = copy_bytes(custody->case_bytes.data, custody->case_bytes.len, &draft->case_file, err);
	if (rc != 0)
		return rc;
	if (change->new_recipients)
		rc = copy_bytes(
		        change->new_recipients->data, change->new_recipients->len, &draft->recipients, err);
	else
		rc = copy_bytes(custody->recipients.data, custody->recipients.len, &draft->recipients, err);
	if (rc != 0)
		return rc;
	rc = make_signers(custody, change, &draft->allowed_signers, err);
	/* A key that stands in the file already cannot be the next. */
	return rc == VST_EEXIST ? vst_err_set(err, VST_EUSAGE, "the next key was named before") : rc;
}

/* ---- the event ---- */

static int complete_event(const struct vst_custody *custody, const struct vst_custody_change *change,
        const struct vst_custody_draft *draft, struct vst_err *err)
{
	struct vst_event *event = change->event;
	struct vst_buf next_key = VST_BUF_INIT;
	char *actor = vst_strdup(change->actor), *key = NULL;
	int rc = 0;

	if (change->next_key) {
		vst_ssh_public_text(change->next_key, &next_key);
		if ((rc = vst_buf_check(&next_key, err)) == 0)
			key = vst_strdup(vst_buf_cstr(&next_key));
	}
	if (rc == 0 && (!actor || (change->next_key && !key)))
		rc = vst_err_nomem(err);
	if (rc != 0)
		goto out;
	event->number = custody->tree.size;
	memcpy(event->previous, custody->last_sha256, VST_HASH_LEN);
	free(event->actor);
	event->actor = actor;
	actor = NULL;
	free(event->next_key);
	event->next_key = key;
	key = NULL;
	vst_sha256(draft->case_file.data, draft->case_file.len, event->case_sha256);
	vst_sha256(draft->recipients.data, draft->recipients.len, event->recipients_sha256);
	vst_sha256(draft->allowed_signers.data, draft->allowed_signers.len, event->signers_sha256);
out:
	vst_buf_free(&next_key);
	free(actor);
	free(key);
	return rc;
}

static struct vst_bytes bytes_of(const struct vst_buf *buf)
{
	return (struct vst_bytes){buf->data, buf->len};
}

/* The rules that do not need the commit. What they refuse here was asked for by our caller. */
static int judge(const struct vst_custody *custody, const struct vst_custody_change *change,
        struct custody_next *next, struct vst_err *err)
{
	int rc;

	if ((rc = vst_custody_read_next(custody, next, err)) == 0 &&
	        (rc = vst_custody_find_signer(custody, next, vst_signer_public(change->signer), err)) == 0)
		rc = vst_custody_check_rules(custody, next, err);
	if (rc == VST_ETAMPERED || rc == VST_EVERSION) {
		rc = VST_EUSAGE;
		if (err)
			err->code = rc;
	}
	return rc;
}

static int write_statements(const struct vst_custody_change *change, const struct custody_next *next,
        struct vst_custody_draft *draft, struct vst_err *err)
{
	struct vst_checkpoint checkpoint = {.size = next->tree.size};
	int rc;

	memcpy(checkpoint.origin, next->log_key->name, sizeof checkpoint.origin);
	memcpy(checkpoint.root, next->root, VST_HASH_LEN);
	rc = vst_checkpoint_sign(
	        &checkpoint, change->log_signer, change->actor, change->signer, &draft->checkpoint, err);
	if (rc != 0)
		return rc;
	return vst_custody_message(
	        change->event, next->event_sha256, next->tree.size, next->root, &draft->message, err);
}

/* A log key that is not the case's would be found out only by the next reader. */
static int check_own_checkpoint(
        struct custody_next *next, const struct vst_custody_draft *draft, struct vst_err *err)
{
	struct vst_custody_step step = *next->step;
	int rc;

	step.checkpoint = bytes_of(&draft->checkpoint);
	next->step = &step;
	rc = vst_custody_check_checkpoint(next, err);
	if (rc == VST_ETAMPERED) {
		rc = VST_EKEY;
		if (err)
			err->code = rc;
	}
	return rc;
}

static int write_draft(const struct vst_custody *custody, const struct vst_custody_change *change,
        struct vst_custody_draft *draft, struct vst_err *err)
{
	struct vst_custody_step step = {0};
	struct custody_next next = {.step = &step};
	int rc;

	if ((rc = make_files(custody, change, draft, err)) != 0 ||
	        (rc = complete_event(custody, change, draft, err)) != 0 ||
	        (rc = vst_event_encode(change->event, &draft->event, err)) != 0)
		goto out;
	step.event = bytes_of(&draft->event);
	step.case_file = bytes_of(&draft->case_file);
	step.recipients = bytes_of(&draft->recipients);
	step.allowed_signers = bytes_of(&draft->allowed_signers);
	if ((rc = judge(custody, change, &next, err)) != 0 ||
	        (rc = write_statements(change, &next, draft, err)) != 0 ||
	        (rc = check_own_checkpoint(&next, draft, err)) != 0)
		goto out;
	draft->number = change->event->number;
	draft->author_seconds = change->event->time / VST_NS_PER_S;
	draft->author = vst_strdup(change->actor);
	if (!draft->author)
		rc = vst_err_nomem(err);
out:
	vst_custody_next_free(&next);
	return rc;
}

int vst_custody_draft(const struct vst_custody *custody, const struct vst_custody_change *change,
        struct vst_custody_draft *ret, struct vst_err *err)
{
	struct vst_custody_draft draft = {0};
	int rc;

	if ((rc = check_change(custody, change, err)) != 0 ||
	        (rc = write_draft(custody, change, &draft, err)) != 0) {
		vst_err_prepend(err, "event %llu", (unsigned long long)custody->tree.size);
		goto out;
	}
	*ret = draft;
	draft = (struct vst_custody_draft){0};
out:
	vst_custody_draft_free(&draft);
	return rc;
}

/* Who has to sign an event that nobody has signed yet: its actor, by whatever key the log has for it now. */
static const struct vst_ssh_public *key_of_actor(const struct vst_custody *custody, const char *actor)
{
	for (size_t i = 0; i < custody->signers.count; i++)
		if (strcmp(custody->signers.list[i].principal, actor) == 0)
			return &custody->signers.list[i].key;
	return NULL;
}

/* What the commit will say besides the event. */
static int check_wrapping(
        const struct vst_custody_draft *draft, const struct custody_next *next, struct vst_err *err)
{
	struct vst_buf message = VST_BUF_INIT;
	int rc = vst_custody_message(
	        next->event, next->event_sha256, next->tree.size, next->root, &message, err);

	if (rc == 0 && (message.len != draft->message.len ||
	                       memcmp(message.data, draft->message.data, message.len) != 0))
		rc = vst_custody_broken(err, 2, "the message does not say what the event says");
	if (rc == 0 && (strcmp(draft->author, next->event->actor) != 0 ||
	                       draft->author_seconds != next->event->time / VST_NS_PER_S))
		rc = vst_custody_broken(err, 2, "author or time are not the event's");
	vst_buf_free(&message);
	return rc;
}

int vst_custody_check_draft(
        const struct vst_custody *custody, const struct vst_custody_draft *draft, struct vst_err *err)
{
	struct vst_custody_step step = {
	        .event = bytes_of(&draft->event),
	        .case_file = bytes_of(&draft->case_file),
	        .recipients = bytes_of(&draft->recipients),
	        .allowed_signers = bytes_of(&draft->allowed_signers),
	        .checkpoint = bytes_of(&draft->checkpoint),
	};
	struct custody_next next = {.step = &step};
	const struct vst_ssh_public *key;
	int rc;

	if ((rc = vst_custody_read_next(custody, &next, err)) != 0)
		goto out;
	if (draft->number != next.event->number) {
		rc = vst_custody_broken(
		        err, 1, "the event calls itself number %llu", (unsigned long long)next.event->number);
		goto out;
	}
	key = draft->number > 0 ? key_of_actor(custody, next.event->actor) : NULL;
	if (!key) {
		rc = vst_custody_broken(err, 3, "%s may not sign", next.event->actor);
		goto out;
	}
	if ((rc = vst_custody_find_signer(custody, &next, key, err)) == 0 &&
	        (rc = vst_custody_check_rules(custody, &next, err)) == 0 &&
	        (rc = vst_custody_check_checkpoint(&next, err)) == 0)
		rc = check_wrapping(draft, &next, err);
out:
	vst_custody_next_free(&next);
	return rc;
}

void vst_custody_draft_free(struct vst_custody_draft *draft)
{
	if (!draft)
		return;
	vst_buf_free(&draft->event);
	vst_buf_free(&draft->case_file);
	vst_buf_free(&draft->recipients);
	vst_buf_free(&draft->allowed_signers);
	vst_buf_free(&draft->checkpoint);
	vst_buf_free(&draft->message);
	free(draft->author);
	*draft = (struct vst_custody_draft){0};
}
