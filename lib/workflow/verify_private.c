/*
 * What private/ tells of the log. Nothing there is needed to verify, and a copy for a court has none; but a
 * pending event excuses what an interrupted acquisition leaves, so it is judged before it excuses anything,
 * and a key or an event that is ahead of the log shows that the log was cut.
 */
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/secret.h"
#include "workflow/verify_internal.h"

#define PENDING "private/" PRIVATE_PENDING

static const char cut_hint[] = "events were cut from its end, or an older copy was put in place";

/* Nothing is checked by it; but a person should hear of a damaged one before a snapshot fails. */
static int read_digest_key(struct verification *v, struct vst_err *err)
{
	struct vst_err why = VST_ERR_INIT;
	uint8_t *key = vst_secret_alloc(VST_HASH_LEN);
	if (!key)
		return vst_err_nomem(err);
	int rc = case_digest_key_read(v->c.private_fd, key, &why);
	v->digest_key_is_damaged = rc == VST_EFORMAT;
	vst_secret_free(key, VST_HASH_LEN);
	return rc == VST_ENOMEM ? vst_err_nomem(err) : 0;
}

int verify_private_read(struct verification *v, struct vst_err *err)
{
	v->pending_rc = VST_ENOTFOUND;
	if (v->c.private_fd < 0)
		return 0;
	vst_err_clear(&v->pending_why);
	v->pending_rc = case_pending_read(v->c.private_fd, &v->pending, &v->pending_why);
	if (v->pending_rc == VST_ENOMEM) {
		if (err)
			*err = v->pending_why;
		return VST_ENOMEM;
	}
	if (read_digest_key(v, err) != 0)
		return VST_ENOMEM;
	vst_err_clear(&v->keys_why);
	if (case_keys_list(v->c.private_fd, &v->keys, &v->keys_why) == VST_ENOMEM) {
		if (err)
			*err = v->keys_why;
		return VST_ENOMEM;
	}
	return 0;
}

static int judge_pending(struct verification *v, struct vst_err *err)
{
	const struct vst_custody *custody = v->c.custody;
	const struct case_pending *pending = &v->pending;
	uint64_t size = vst_custody_size(custody);
	struct vst_err why = VST_ERR_INIT;

	if (case_pending_is_committed(custody, pending)) {
		v->interrupted = pending->draft.number == size - 1;
		return v->stopped;
	}
	if (pending->draft.number != size)
		return verify_say(v, VST_TAMPERED, PENDING, cut_hint,
		        "continues a log of %llu events, this one has %llu",
		        (unsigned long long)pending->draft.number, (unsigned long long)size);
	int rc = case_pending_judge(custody, pending, &v->waiting, &why);
	if (rc != 0 && !verify_is_finding(rc)) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc != 0)
		return verify_say(v, VST_TAMPERED, PENDING,
		        "keep a copy of the case as it is, then move the file away: it stops all writing",
		        "is no event that may follow in this log: %s", why.text);
	return verify_say(v, VST_NOTE, PENDING, NULL,
	        "event %llu waits to be committed: the next command that writes to the case does it",
	        (unsigned long long)size);
}

int verify_private_judge(struct verification *v, struct vst_err *err)
{
	/* Of a log with a bad event it cannot be said what follows. */
	if (vst_custody_size(v->c.custody) == 0 ||
	        vst_custody_size(v->c.custody) < vst_trail_size(v->c.trail))
		return 0;
	if (case_keys_are_newer(&v->keys, v->c.custody))
		verify_say(v, VST_TAMPERED, "log", cut_hint,
		        "is older than the collector's key in private/, which it does not know");
	if (v->keys_why.code != 0)
		verify_say(v, VST_UNCHECKED, CASE_PRIVATE, NULL,
		        "whether the log is as new as the collector's key: %s", v->keys_why.text);
	if (v->digest_key_is_damaged)
		verify_say(v, VST_NOTE, CASE_PRIVATE "/" PRIVATE_DIGEST_KEY,
		        "keep a copy of the file, then move it away: the next snapshot that needs one makes it anew",
		        "is no key: a snapshot with digests for content will refuse to use it");
	switch (v->pending_rc) {
	case 0:
		return judge_pending(v, err);
	case VST_ENOTFOUND:
		return v->stopped;
	case VST_EIO:
		return verify_say(v, VST_UNCHECKED, PENDING, NULL, "%s", v->pending_why.text);
	default:
		return verify_say(v, VST_TAMPERED, PENDING,
		        "keep a copy of the case as it is, then move the file away: it stops all writing",
		        "is no pending event: %s", v->pending_why.text);
	}
}
