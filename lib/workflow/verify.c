/*
 * The order of verification: log, then what carries it, then the exhibits that it names, then what lies
 * beside them. Later steps use only what earlier ones found good.
 */
#include "vestige/verify.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vestige/checkpoint.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/text.h"
#include "workflow/case_internal.h"
#include "workflow/verify_internal.h"

#define LOOKS_MAX 40 /* while others commit without a pause */

const char *vst_verdict_name(enum vst_verdict verdict)
{
	static const char *const names[] = {"good", "note", "unchecked", "unrecorded", "missing", "tampered"};
	return names[verdict];
}

int verify_say(struct verification *v, enum vst_verdict verdict, const char *subject, const char *hint,
        const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	struct vst_verify_finding finding = {verdict, subject, text, hint};
	if (v->holding)
		return verify_hold_add(v, &finding);
	v->result->counts[verdict]++;
	if (v->stopped == 0 && v->options->finding)
		v->stopped = v->options->finding(v->options->ctx, &finding);
	return v->stopped;
}

/* A failure of reading or of memory is no finding: nothing was found out. */
bool verify_is_finding(int rc)
{
	switch (rc) {
	case VST_ETAMPERED:
	case VST_EAUTH:
	case VST_EFORMAT:
	case VST_ELIMIT:
	case VST_ENOTFOUND:
		return true;
	default:
		return false;
	}
}

/* ---- the log ---- */

static int check_events(struct verification *v, struct vst_err *err)
{
	uint8_t genesis[VST_HASH_LEN];
	char digits[2 * VST_HASH_LEN + 1] = "";
	int rc = case_log_load(v->c.trail, v->c.custody, err);
	uint64_t good = vst_custody_size(v->c.custody);

	if (rc != 0 && !verify_is_finding(rc))
		return rc;
	if (vst_custody_genesis(v->c.custody, genesis) == 0)
		vst_hex(genesis, 8, digits);
	if (good > 0)
		verify_say(v, VST_GOOD, "log", NULL,
		        "%llu event%s, chain and signatures from genesis %.8s %.8s…",
		        (unsigned long long)good, good == 1 ? "" : "s", digits, digits + 8);
	if (rc != 0) {
		verify_say(v, VST_TAMPERED, "log", NULL, "%s",
		        err ? err->text : "an event does not follow the rules of the log");
		if (vst_trail_size(v->c.trail) > good + 1)
			verify_say(v, VST_UNCHECKED, "log", NULL,
			        "%llu later events, because they stand on a bad one",
			        (unsigned long long)(vst_trail_size(v->c.trail) - good - 1));
		vst_err_clear(err);
	}
	return 0;
}

static void describe_case(struct verification *v)
{
	const struct vst_case_file *file = vst_custody_case(v->c.custody);
	struct vst_verify_result *result = v->result;
	result->events = vst_custody_size(v->c.custody);
	result->has_log = result->events > 0;
	if (!result->has_log)
		return;
	vst_custody_root(v->c.custody, result->root);
	vst_custody_genesis(v->c.custody, result->genesis);
	snprintf(result->case_id, sizeof result->case_id, "%s", file->id);
	size_t len = strnlen(file->title, sizeof result->title - 1);
	while (len > 0 && !vst_utf8_valid(file->title, len))
		len--; /* cut between characters */
	memcpy(result->title, file->title, len);
	result->title[len] = '\0';
}

static void check_fingerprint(struct verification *v)
{
	if (!v->options->fingerprint || !v->result->has_log)
		return;
	if (memcmp(v->options->fingerprint, v->result->genesis, VST_HASH_LEN) == 0)
		verify_say(v, VST_GOOD, "genesis", NULL, "has the fingerprint that was given");
	else
		verify_say(v, VST_TAMPERED, "genesis",
		        "if the fingerprint was copied rightly, this is not the case that was made then",
		        "has another fingerprint than the one given: the log was re-created");
}

static int check_expected(struct verification *v, struct vst_err *err)
{
	const struct vst_verify_options *options = v->options;
	struct vst_checkpoint expected;
	uint8_t root[VST_HASH_LEN];
	if (!options->expect || !v->result->has_log)
		return 0;
	const struct vst_note_key *log_key = &vst_custody_case(v->c.custody)->log_key;
	int rc = vst_checkpoint_open(options->expect, options->expect_len, log_key, NULL, &expected, err);
	if (rc != 0) {
		if (!verify_is_finding(rc))
			return rc;
		verify_say(v, VST_TAMPERED, "expected checkpoint",
		        "a checkpoint is the file trail/checkpoint, kept from an earlier day",
		        "is not signed by this log's key: %s", err ? err->text : "");
		vst_err_clear(err);
		return 0;
	}
	if (expected.size > vst_custody_size(v->c.custody)) {
		verify_say(v, VST_TAMPERED, "log",
		        "events were cut from its end, or an older copy was put in place",
		        "has %llu good events, the expected checkpoint was over %llu",
		        (unsigned long long)v->result->events, (unsigned long long)expected.size);
		return 0;
	}
	rc = vst_custody_root_at(v->c.custody, expected.size, root);
	if (rc == 0 && memcmp(root, expected.root, VST_HASH_LEN) == 0)
		verify_say(v, VST_GOOD, "log", NULL, "extends the expected checkpoint of %llu events",
		        (unsigned long long)expected.size);
	else
		verify_say(v, VST_TAMPERED, "log", "events were changed or re-created since that checkpoint",
		        "does not extend the expected checkpoint: its first %llu events have another root",
		        (unsigned long long)expected.size);
	return rc;
}

static void say_limits(struct verification *v)
{
	if (!v->options->expect)
		verify_say(v, VST_NOTE, "log", NULL,
		        "a cut tail cannot be seen from inside: compare with --expect CHECKPOINT");
	if (!v->options->fingerprint && !v->options->expect)
		verify_say(v, VST_NOTE, "log", NULL,
		        "a log that was wholly re-created cannot be seen from inside: compare with "
		        "--fingerprint");
}

/* ---- what carries the log ---- */

static int on_carrier(void *ctx, enum vst_trail_finding finding, const char *path, const char *what)
{
	struct verification *v = ctx;
	char subject[512];
	snprintf(subject, sizeof subject, CASE_TRAIL "/%s", path);
	v->carrier_findings++;
	switch (finding) {
	case VST_TRAIL_DIFFERENT:
		return verify_say(v, VST_TAMPERED, subject, NULL, "%s", what);
	case VST_TRAIL_BEHIND:
		if (v->interrupted)
			return verify_say(v, VST_NOTE, subject, NULL,
			        "an interrupted commit: the next command that writes completes it");
		return verify_say(v, VST_TAMPERED, subject,
		        "the log itself is judged by HEAD; the next command that writes restores the file",
		        "%s", what);
	case VST_TRAIL_STRANGER:
		return verify_say(v, VST_UNRECORDED, subject, NULL, "%s", what);
	case VST_TRAIL_TEMPORARY:
		return verify_say(v, VST_NOTE, subject, NULL, "temporary file of an interrupted write");
	case VST_TRAIL_UNUSED:
		return verify_say(v, VST_NOTE, subject, NULL,
		        "sound object that no event uses: of an interrupted commit, or of a log that was "
		        "cut");
	}
	return verify_say(v, VST_TAMPERED, subject, NULL, "%s", what);
}

static int check_carrier(struct verification *v, struct vst_err *err)
{
	int rc = vst_trail_check(v->c.trail, on_carrier, v, err);
	if (rc != 0 && v->stopped != 0)
		return v->stopped;
	if (rc != 0 && verify_is_finding(rc)) {
		verify_say(v, VST_TAMPERED, CASE_TRAIL, NULL, "%s", err ? err->text : "damaged");
		vst_err_clear(err);
		return 0;
	}
	if (rc == 0 && v->carrier_findings == 0)
		verify_say(v, VST_GOOD, CASE_TRAIL, NULL,
		        "repository, index and work tree hold the log and nothing else");
	return rc;
}

/* ---- all of it ---- */

static int open_parts(struct verification *v, struct vst_err *err)
{
	char path[4096];
	const char *dir = v->options->dir;
	v->c.fd = v->c.exhibits_fd = v->c.private_fd = v->c.snapshot_lock = v->c.commit_lock = -1;
	if ((size_t)snprintf(path, sizeof path, "%s/" CASE_TRAIL, dir) >= sizeof path)
		return vst_err_set(err, VST_EUSAGE, "the case's path is too long");
	int rc = vst_io_open_dir(AT_FDCWD, dir, &v->c.fd, err);
	if (rc == 0)
		rc = vst_custody_new(&v->c.custody, err);
	if (rc != 0)
		return rc;
	if (vst_io_open_dir(v->c.fd, CASE_PRIVATE, &v->c.private_fd, NULL) != 0)
		v->c.private_fd = -1;
	rc = vst_io_open_dir(v->c.fd, CASE_EXHIBITS, &v->c.exhibits_fd, err);
	if (rc == VST_ENOTFOUND) { /* then each exhibit is missing, and so is the directory */
		vst_err_clear(err);
		verify_say(v, VST_MISSING, CASE_EXHIBITS, NULL, "the directory is not there");
		rc = 0;
	}
	if (rc != 0)
		return rc;
	if ((rc = verify_private_read(v, err)) != 0)
		return rc;
	rc = vst_trail_open(path, &v->c.trail, err);
	/* There is a repository, so there was a case: without its branch it is not one that never was. */
	if (rc == VST_ENOCASE && faccessat(v->c.fd, CASE_TRAIL "/.git/objects", F_OK, 0) == 0)
		rc = VST_ETAMPERED;
	if (rc != 0 && verify_is_finding(rc)) {
		verify_say(v, VST_TAMPERED, CASE_TRAIL, NULL, "%s", err ? err->text : "damaged");
		verify_say(v, VST_UNCHECKED, "exhibits", NULL,
		        "without a readable log there is nothing to check them against");
		vst_err_clear(err);
		return 0;
	}
	return rc;
}

/* What a commit changes: log, carrier, private/, the names in exhibits/. */
static int look(struct verification *v, struct vst_err *err)
{
	int rc = open_parts(v, err);
	if (rc != 0 || !v->c.trail)
		return rc;
	rc = check_events(v, err);
	if (rc == 0) {
		describe_case(v);
		check_fingerprint(v);
		rc = check_expected(v, err);
	}
	if (rc == 0)
		rc = verify_private_judge(v, err);
	if (rc == 0)
		rc = check_carrier(v, err);
	if (rc == 0 && v->result->has_log && v->options->exhibit_count == 0)
		rc = verify_exhibits_directory(v, err);
	if (rc == 0 && v->result->has_log && v->options->exhibit_count == 0)
		rc = verify_series(v, err);
	return rc;
}

/* Looks until nobody wrote meanwhile, or nothing was found that a writer could have caused. */
static int look_settled(struct verification *v, struct vst_err *err)
{
	const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
	for (int tries = 0;; tries++) {
		struct verify_activity before, after;
		v->holding = true;
		verify_activity(v->options->dir, &before);
		int rc = look(v, err);
		verify_activity(v->options->dir, &after);
		if (rc == 0 && v->hold_failed)
			rc = vst_err_nomem(err);
		if ((rc == 0 && verify_hold_is_good(v)) || !verify_was_busy(&before, &after) ||
		        tries == LOOKS_MAX) {
			verify_hold_emit(v);
			return rc;
		}
		verify_hold_drop(v);
		verify_release(v);
		*v->result = (struct vst_verify_result){0};
		*v = (struct verification){.options = v->options, .result = v->result};
		vst_err_clear(err);
		nanosleep(&pause, NULL);
	}
}

int vst_verify(const struct vst_verify_options *options, struct vst_verify_result *ret, struct vst_err *err)
{
	struct vst_verify_result result = {0};
	struct verification v = {.options = options, .result = &result};
	int rc = look_settled(&v, err);
	if (rc == 0 && v.c.trail) {
		if (result.has_log)
			rc = verify_exhibits(&v, err);
		if (rc == 0)
			say_limits(&v);
	}
	if (v.stopped != 0) /* whoever passed it on had no words for it */
		rc = vst_err_set(err, VST_ECANCELLED, "interrupted: not all was checked");
	result.good =
	        result.has_log &&
	        result.counts[VST_UNRECORDED] + result.counts[VST_MISSING] + result.counts[VST_TAMPERED] == 0;
	if (rc == 0)
		*ret = result;
	verify_release(&v);
	return rc;
}

void verify_release(struct verification *v)
{
	int fds[] = {v->c.fd, v->c.exhibits_fd, v->c.private_fd};
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	verify_references_free(v->references);
	case_keys_free(&v->keys);
	case_pending_free(&v->pending);
	vst_event_free(v->waiting);
	vst_custody_free(v->c.custody);
	vst_trail_free(v->c.trail);
}
