/*
 * How the log grows. The order of steps in vst_case_append() is the one of the invariants in case.h: a kill
 * between any two leaves a case that verifies, or a pending event that the next writer carries through.
 */
#include "workflow/case_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/fault.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/sshsig.h"
#include "vestige/timefmt.h"
#include "workflow/exhibit_file.h"

static int sign_payload(void *ctx, const void *payload, size_t len, struct vst_buf *out, struct vst_err *err)
{
	return vst_sshsig_sign(ctx, "git", payload, len, out, err);
}

int case_commit(
        struct vst_case *c, struct vst_custody_draft *draft, struct vst_signer *signer, struct vst_err *err)
{
	struct vst_trail_commit commit = {
	        .number = draft->number,
	        .author = draft->author,
	        .seconds = draft->author_seconds,
	        .event = &draft->event,
	        .case_file = &draft->case_file,
	        .recipients = &draft->recipients,
	        .allowed_signers = &draft->allowed_signers,
	        .checkpoint = &draft->checkpoint,
	        .message = &draft->message,
	};
	int rc = vst_trail_append(c->trail, &commit, sign_payload, signer, err);
	/* What counts is what the next reader will find, so the event is taken in from there and not from
	 * memory. */
	if (rc == 0)
		rc = case_log_load(c->trail, c->custody, err);
	return rc == 0 ? 0 : vst_err_prepend(err, "trail");
}

/* ---- a pending event ---- */

/* The sealed file under its final name already: the kill came after the rename, or amid a file system's
 * replacement for it. */
static int check_placed_exhibit(
        struct vst_case *c, const char *file, const struct vst_seal *seal, struct vst_err *err)
{
	int rc = exhibit_file_check(c->exhibits_fd, file, seal, NULL, NULL, err);
	if (rc == VST_ETAMPERED)
		vst_err_hint(err,
		        "something else stands under that name: keep a copy of the case as it is, then move "
		        "exhibits/%s away",
		        file);
	return rc;
}

/* The exhibit's final name, given to the finished file unless it already has it. What is not the sealed file
 * is never renamed. */
static int place_pending_exhibit(struct vst_case *c, const struct case_pending *pending,
        const struct vst_seal *seal, struct vst_err *err)
{
	char name[VST_EXHIBIT_NAME_MAX], file[2 * VST_EXHIBIT_NAME_MAX];
	vst_exhibit_name(pending->exhibit, name);
	snprintf(file, sizeof file, "%s" VST_EXHIBIT_SUFFIX, name);
	int rc = exhibit_file_check(c->exhibits_fd, pending->partial, seal, NULL, NULL, err);
	if (rc == VST_ENOTFOUND) {
		vst_err_clear(err);
		return check_placed_exhibit(c, file, seal, err);
	}
	if (rc == 0)
		rc = vst_io_rename(c->exhibits_fd, pending->partial, c->exhibits_fd, file, true, err);
	if (rc == VST_EEXIST) {
		vst_err_clear(err);
		rc = check_placed_exhibit(c, file, seal, err);
	}
	return rc;
}

bool case_pending_is_committed(const struct vst_custody *custody, const struct case_pending *pending)
{
	uint8_t leaf[VST_HASH_LEN];
	if (pending->draft.number >= vst_custody_size(custody))
		return false;
	vst_merkle_leaf(pending->draft.event.data, pending->draft.event.len, leaf);
	return memcmp(leaf, vst_custody_leaves(custody) + pending->draft.number * VST_HASH_LEN,
	               VST_HASH_LEN) == 0;
}

int case_pending_judge(const struct vst_custody *custody, const struct case_pending *pending,
        struct vst_event **ret, struct vst_err *err)
{
	char name[VST_EXHIBIT_NAME_MAX], partial[2 * VST_EXHIBIT_NAME_MAX];
	struct vst_event *event = NULL;
	int rc = vst_custody_check_draft(custody, &pending->draft, err);
	if (rc == 0)
		rc = vst_event_parse(pending->draft.event.data, pending->draft.event.len, &event, err);
	if (rc != 0)
		return rc;
	bool acquires = event->type == VST_EVENT_ACQUIRE;
	vst_exhibit_name(pending->exhibit, name);
	snprintf(partial, sizeof partial, "%s" VST_PARTIAL_SUFFIX, name);
	if (acquires != (pending->partial != NULL) ||
	        (acquires && (event->seal->exhibit != pending->exhibit ||
	                             strcmp(pending->partial, partial) != 0))) {
		vst_event_free(event);
		return vst_err_set(err, VST_ETAMPERED, "does not acquire the exhibit that it names");
	}
	*ret = event;
	return 0;
}

/* A file in private/ is no order: only an event that fits the log, with the exhibit that it seals, is signed
 * and committed. */
static int commit_pending(struct vst_case *c, struct case_pending *pending, struct vst_err *err)
{
	struct vst_event *event = NULL;
	int rc = c->collector ? case_pending_judge(c->custody, pending, &event, err)
	                      : vst_err_set(err, VST_EKEY, "no key in private/ may sign the pending event");
	if (rc == 0 && pending->partial)
		rc = place_pending_exhibit(c, pending, event->seal, err);
	if (rc == 0)
		rc = case_commit(c, &pending->draft, c->collector, err);
	vst_event_free(event);
	return rc;
}

int case_carry_pending(struct vst_case *c, struct vst_err *err)
{
	struct case_pending pending = {0};
	int rc = case_pending_read(c->private_fd, &pending, err);
	if (rc == VST_ENOTFOUND) {
		vst_err_clear(err);
		return 0;
	}
	if (rc != 0)
		return rc;

	if (!case_pending_is_committed(c->custody, &pending)) {
		if (pending.draft.number != vst_custody_size(c->custody)) {
			rc = vst_err_set(err, VST_ETAMPERED,
			        "private/" PRIVATE_PENDING
			        " continues a log of %llu events, this one has %llu",
			        (unsigned long long)pending.draft.number,
			        (unsigned long long)vst_custody_size(c->custody));
			vst_err_hint(err, "the trail was replaced or rolled back since an acquisition was "
			                  "interrupted; keep a copy of the case "
			                  "as it is, then move private/" PRIVATE_PENDING " out of the way");
			goto out;
		}
		rc = commit_pending(c, &pending, err);
	}
	if (rc == 0)
		rc = case_pending_remove(c->private_fd, err);
out:
	case_pending_free(&pending);
	return rc == 0 ? 0 : vst_err_prepend(err, "pending event");
}

/* ---- begin and end ---- */

static int find_collector(struct vst_case *c, struct vst_err *err)
{
	vst_signer_free(c->collector);
	c->collector = NULL;
	return case_keys_find(c->private_fd, vst_custody_signers(c->custody), &c->collector, err);
}

/* An event added to a log that was cut would make the cut look like the end. */
static int refuse_older_log(struct vst_case *c, struct vst_err *err)
{
	struct case_keys keys = {0};
	int rc = case_keys_list(c->private_fd, &keys, err);
	if (rc == 0 && case_keys_are_newer(&keys, c->custody)) {
		rc = vst_err_set(err, VST_ETAMPERED,
		        "the log is older than the collector's key in private/: events were cut from its "
		        "end, or an older copy was put in place");
		vst_err_hint(err,
		        "nothing was written; keep a copy of the case as it is, then put back the newest "
		        "trail that there is");
	}
	case_keys_free(&keys);
	return rc;
}

static int reload(struct vst_case *c, struct vst_err *err)
{
	char path[4096];
	char before[VST_TRAIL_ID_TEXT] = "", now[VST_TRAIL_ID_TEXT] = "";
	struct vst_trail *trail = NULL;
	uint64_t size = vst_custody_size(c->custody);

	if ((size_t)snprintf(path, sizeof path, "%s/" CASE_TRAIL, c->dir) >= sizeof path)
		return vst_err_set(err, VST_EUSAGE, "the case's path is too long");
	int rc = vst_trail_open(path, &trail, err);
	if (rc != 0)
		return rc;
	if (size > 0) {
		vst_trail_commit_id(c->trail, size - 1, before);
		if (vst_trail_size(trail) < size ||
		        strcmp(before, vst_trail_commit_id(trail, size - 1, now)) != 0) {
			vst_trail_free(trail);
			return vst_err_set(err, VST_ETAMPERED, "the trail was replaced while it was in use");
		}
	}
	vst_trail_free(c->trail);
	c->trail = trail;
	return case_log_load(c->trail, c->custody, err);
}

int vst_case_begin(struct vst_case *c, struct vst_err *err)
{
	int rc;
	if (c->commit_lock >= 0)
		return vst_err_set(err, VST_EUSAGE, "the case is being written already");
	if (c->private_fd < 0) {
		rc = vst_err_set(err, VST_EKEY,
		        "the case has no private directory here: it can be read and verified, not written");
		vst_err_hint(err, "write to the case on the host where it was made");
		return rc;
	}
	if ((rc = vst_io_lock(c->private_fd, PRIVATE_COMMIT_LOCK, true, &c->commit_lock, err)) != 0)
		return vst_err_prepend(err, "commit lock");
	if ((rc = reload(c, err)) != 0 || (rc = find_collector(c, err)) != 0 ||
	        (rc = refuse_older_log(c, err)) != 0)
		goto fail;
	if (!c->log_signer && (rc = case_keys_read_log_key(c->private_fd, &c->log_signer, err)) != 0)
		goto fail;
	if ((rc = case_carry_pending(c, err)) != 0)
		goto fail;
	if ((rc = vst_trail_restore_work_tree(c->trail, err)) != 0)
		goto fail;
	if ((rc = find_collector(c, err)) != 0)
		goto fail;
	if ((rc = case_keys_erase_stale(c->private_fd, c->custody, err)) != 0)
		goto fail;
	case_finish_disposals(c);
	return 0;
fail:
	vst_case_end(c);
	return rc;
}

void vst_case_end(struct vst_case *c)
{
	if (c->commit_lock >= 0)
		close(c->commit_lock);
	c->commit_lock = -1;
}

bool vst_case_has_collector(const struct vst_case *c)
{
	return c->collector != NULL;
}

/* ---- append ---- */

static const char *actor_of(const struct vst_case *c, const struct vst_signer *signer)
{
	const struct vst_signers_entry *entry =
	        vst_signers_find(vst_custody_signers(c->custody), vst_signer_public(signer));
	return entry ? entry->principal : NULL;
}

static int append_as_examiner(struct vst_case *c, struct vst_custody_change *change, struct vst_err *err)
{
	struct vst_custody_draft draft = {0};
	int rc = vst_custody_draft(c->custody, change, &draft, err);
	if (rc == 0)
		rc = case_commit(c, &draft, change->signer, err);
	vst_custody_draft_free(&draft);
	return rc;
}

static int append_as_collector(
        struct vst_case *c, struct vst_custody_change *change, const char *partial, struct vst_err *err)
{
	struct case_pending pending = {0};
	struct vst_signer *next = NULL;
	char name[VST_EXHIBIT_NAME_MAX], file[2 * VST_EXHIBIT_NAME_MAX];
	int rc = case_keys_make(c->private_fd, &next, err);
	if (rc != 0)
		return rc;
	VST_STEP("next-key");
	change->next_key = vst_signer_public(next);
	if (partial) {
		pending.exhibit = change->event->seal->exhibit;
		if (!(pending.partial = vst_strdup(partial))) {
			rc = vst_err_nomem(err);
			goto out;
		}
	}
	if ((rc = vst_custody_draft(c->custody, change, &pending.draft, err)) != 0)
		goto out;
	if ((rc = case_pending_write(c->private_fd, &pending, err)) != 0)
		goto out;
	VST_STEP("pending");
	if (partial) {
		vst_exhibit_name(pending.exhibit, name);
		snprintf(file, sizeof file, "%s" VST_EXHIBIT_SUFFIX, name);
		if ((rc = vst_io_rename(c->exhibits_fd, partial, c->exhibits_fd, file, true, err)) != 0)
			goto pending_stays;
		VST_STEP("exhibit-named");
	}
	if ((rc = case_commit(c, &pending.draft, c->collector, err)) != 0)
		goto pending_stays;
	VST_STEP("committed");
	if ((rc = case_pending_remove(c->private_fd, err)) != 0)
		goto out;
	VST_STEP("pending-removed");
	rc = case_keys_erase_stale(c->private_fd, c->custody, err);
	vst_signer_free(c->collector);
	c->collector = next;
	next = NULL;
	goto out;

pending_stays:
	vst_err_hint(err,
	        partial ? "nothing is lost: the finished exhibit waits in the case, and the next command "
	                  "that writes to it records it"
	                : "the event waits in the case, and the next command that writes to it records it");
out:
	vst_signer_free(next);
	case_pending_free(&pending);
	return rc;
}

int vst_case_append(struct vst_case *c, struct vst_event *event, struct vst_signer *examiner,
        const char *partial, struct vst_err *err)
{
	struct vst_custody_change change = {
	        .event = event,
	        .signer = examiner ? examiner : c->collector,
	        .log_signer = c->log_signer,
	};
	if (c->commit_lock < 0)
		return vst_err_set(err, VST_EUSAGE, "append without begin");
	if (!change.signer) {
		vst_err_set(err, VST_EKEY, "no collector key in private/ may sign the next event");
		vst_err_hint(err, "only the host that made the case can snapshot into it; give --signing-key "
		                  "to act as an examiner");
		return VST_EKEY;
	}
	change.actor = actor_of(c, change.signer);
	if (!change.actor) {
		char fingerprint[VST_SSH_FINGERPRINT_TEXT];
		vst_ssh_public_fingerprint(vst_signer_public(change.signer), fingerprint);
		vst_err_set(err, VST_EKEY, "the key %s may not sign in this case", fingerprint);
		vst_err_hint(err, "the case's allowed_signers lists who may: vestige signers");
		return VST_EKEY;
	}
	if (examiner && strncmp(change.actor, VST_COLLECTOR_PREFIX, strlen(VST_COLLECTOR_PREFIX)) == 0) {
		vst_err_set(err, VST_EKEY,
		        "the key of %s is a host's, and signs what the host acquires alone", change.actor);
		vst_err_hint(err, "an examiner's own key is wanted here: vestige signers lists them");
		return VST_EKEY;
	}
	event->time = vst_time_now();
	if (examiner)
		return append_as_examiner(c, &change, err);
	return append_as_collector(c, &change, partial, err);
}
