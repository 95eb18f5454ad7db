/*
 * A case on disk, and the one way in which its custody log grows.
 *
 *     trail/      the log (trail.h, custody.h)
 *     exhibits/   EX0001.tar.zst.age; EX0002.tar.zst.age.partial while it is written
 *     private/    0700: log.key, collector-*.key, digest.key, pending, locks; never needed to verify
 *
 * Invariants
 *  1. An opened case is a checked case: every event passed vst_custody_apply(). Nothing unchecked is ever
 * shown.
 *  2. An event is committed only after what it speaks of is durable under its final name.
 *  3. `private/pending` holds the exact bytes of an event that is about to be committed, and the next
 * collector key. It is made durable before the exhibit gets its name, and removed after the commit and the
 * next key are durable. Whoever opens the case for writing carries a pending event through first.
 *  4. The collector key that signed is erased last. A key file whose public key may not sign the next event
 * is erased when it is seen, unless it is all there is and the log does not know it: then the log is older
 * than the key, and nothing is written.
 *  5. Numbers of exhibits are never used twice, also those of unfinished ones and of those disposed of.
 *  6. One snapshot at a time (private/snapshot.lock); one commit at a time (private/commit.lock, held for a
 * moment); readers never wait.
 */
#ifndef VESTIGE_CASE_H
#define VESTIGE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/age.h"
#include "vestige/custody.h"
#include "vestige/signer.h"
#include "vestige/trail.h"

#define VST_EXHIBIT_SUFFIX ".tar.zst.age"
#define VST_PARTIAL_SUFFIX ".tar.zst.age.partial"
#define VST_EXHIBIT_NAME_MAX 64

struct vst_case;

/* ---- finding and making ---- */

/* The case that `start` is or lies in, upwards as git does. VST_ENOCASE. The caller frees. */
int vst_case_find(const char *start, char **ret_dir, struct vst_err *err);

struct vst_case_examiner {
	const char *name;
	struct vst_ssh_public key;
};

struct vst_case_init_options {
	const char *dir; /* must not exist, or be an empty directory */
	const char *title;
	const char *number;  /* NULL: none */
	const char *host;    /* for the collector's principal; made safe */
	const char *program; /* name and version */
	const struct vst_age_recipients *recipients;
	const struct vst_case_examiner *examiners;
	size_t examiner_count;
};
/* Makes keys, directories and the genesis event. What was made is removed again when it fails. */
int vst_case_init(const struct vst_case_init_options *options, struct vst_case **ret, struct vst_err *err);

/* ---- opening ---- */

/* For reading: loads and checks the whole log. Never writes, also not the work tree. */
int vst_case_open(const char *dir, struct vst_case **ret, struct vst_err *err);
void vst_case_free(struct vst_case *c);

const char *vst_case_dir(const struct vst_case *c);
int vst_case_fd(const struct vst_case *c);          /* the case directory */
int vst_case_exhibits_fd(const struct vst_case *c); /* exhibits/ */
struct vst_trail *vst_case_trail(struct vst_case *c);
const struct vst_custody *vst_case_custody(const struct vst_case *c);
/* The recipients of the case, parsed. `passphrase` tells that exhibits are sealed to a passphrase instead. */
int vst_case_recipients(
        const struct vst_case *c, struct vst_age_recipients *ret, bool *ret_passphrase, struct vst_err *err);

void vst_exhibit_name(uint64_t number, char ret_name[VST_EXHIBIT_NAME_MAX]); /* "EX0001" */
/* "EX0001", "1", "latest", "latest~1" to a sealed exhibit of the log. `latest` passes over what was disposed
 * of; a number may name it. VST_ENOTFOUND, VST_EUSAGE. */
int vst_case_exhibit_parse(
        const struct vst_case *c, const char *text, uint64_t *ret_number, struct vst_err *err);
/* The same, and a number may name an unfinished file that was recovered. */
int vst_case_recorded_parse(
        const struct vst_case *c, const char *text, uint64_t *ret_number, struct vst_err *err);

/* ---- writing ---- */

/*
 * Takes the commit lock, loads anew, carries a pending event through, restores the work tree if a crash left
 * it behind, erases stale keys, unlinks files that the log calls disposed of. Every change to the log happens
 * between begin and end. Waits for a commit in progress.
 */
int vst_case_begin(struct vst_case *c, struct vst_err *err);
void vst_case_end(struct vst_case *c);

/* Whether this process may add events here: private/ is there, with the log key, and can be written. */
bool vst_case_is_writable(const struct vst_case *c);

/* Whether this case has a collector key that may sign the next event. */
bool vst_case_has_collector(const struct vst_case *c);

/*
 * The key of the digests that stand for content (`content: digest`), between begin and end:
 * private/digest.key, made durable first if it is not there, which *ret_made tells. `ret_key` is the caller's
 * secure memory. VST_EFORMAT if the file is damaged: it is never replaced, because what other exhibits have
 * can be compared by this key alone.
 */
int vst_case_digest_key(
        struct vst_case *c, uint8_t ret_key[VST_HASH_LEN], bool *ret_made, struct vst_err *err);

/*
 * Adds one event, between begin and end. `examiner` NULL: signed by the collector (which gives way to its
 * next key). For an acquire event, `partial` names the finished file in exhibits/ that becomes
 * `EXnnnn.tar.zst.age`; else NULL.
 */
int vst_case_append(struct vst_case *c, struct vst_event *event, struct vst_signer *examiner,
        const char *partial, struct vst_err *err);

/* The lock that one snapshot holds; VST_ELOCKED if another has it. Released with the case. */
int vst_case_lock_snapshot(struct vst_case *c, struct vst_err *err);
/* The number of the next exhibit: above all in the log and all names in exhibits/. Under the snapshot
 * lock. */
int vst_case_next_exhibit(struct vst_case *c, uint64_t *ret_number, struct vst_err *err);

#endif
