/*
 * What the custody log's files share: the state after the last good event, and the event that wants to
 * follow.
 *
 * custody.c           the order of the checks, taking an event in, what the log says
 * custody_envelope.c  how an event is carried: payload, signature, message, checkpoint (rules 2 to 4)
 * custody_rules.c     what an event may do (rules 5 to 8)
 * custody_dispose.c   generations of exhibits, and which may be disposed of (rule 9)
 * custody_draft.c     making the next event
 *
 * An event is judged in a struct custody_next, which owns all that it adds. The state changes only in
 * custody.c's take_in(), which cannot fail: so a refused event leaves no trace.
 */
#ifndef LEDGER_CUSTODY_STATE_H
#define LEDGER_CUSTODY_STATE_H

#include "ledger/key_index.h"
#include "vestige/custody.h"

struct vst_err;

struct vst_custody {
	struct vst_merkle tree; /* its size is the log's */
	uint8_t (*leaves)[VST_HASH_LEN];
	size_t leaf_cap;
	uint8_t genesis_sha256[VST_HASH_LEN];
	uint8_t last_sha256[VST_HASH_LEN];
	struct vst_event *last; /* an acquire event's seal belongs to its exhibit */
	struct vst_case_file *file;

	/* The three files as the last event left them, and their digests. */
	struct vst_buf case_bytes, recipients, allowed_signers;
	uint8_t case_sha256[VST_HASH_LEN], recipients_sha256[VST_HASH_LEN], signers_sha256[VST_HASH_LEN];

	/* Who may sign the next event: the file without the collector keys that have signed (the genesis
	 * key). */
	struct vst_signers signers;
	/* Every key that the log ever named, once, with the principal that it belongs to. */
	struct vst_signers all;

	uint8_t (*fingerprints)[VST_HASH_LEN]; /* of the recipients, in the file's order */
	size_t fingerprint_count;

	struct vst_custody_exhibit *exhibits; /* they own their seals */
	size_t exhibit_count, exhibit_cap;
	size_t latest;         /* the place of the newest sealed exhibit plus one; 0: none */
	struct index numbers;  /* exhibit number: its place in `exhibits` */
	struct index payloads; /* digests of sealed payloads */
	size_t disposed_count;
};

struct custody_next {
	const struct vst_custody_step
	        *step; /* payload, signature, message and author are unset while drafting */
	struct vst_event *event;
	uint8_t event_sha256[VST_HASH_LEN];
	uint8_t leaf[VST_HASH_LEN];
	struct vst_merkle tree; /* with this event */
	uint8_t root[VST_HASH_LEN];

	struct vst_case_file *file;         /* at genesis */
	const struct vst_note_key *log_key; /* borrowed: of the case file in force */

	struct vst_signers listed;           /* at genesis: its own allowed_signers */
	const struct vst_signers_entry *who; /* borrowed: the line of the signing key */
	bool by_collector;
	struct vst_ssh_public next_key; /* of a collector's event */

	bool new_signers; /* a collector's event, and key: who may sign what follows */
	struct vst_signers signers;
	bool new_recipients; /* genesis and key */
	uint8_t (*fingerprints)[VST_HASH_LEN];
	size_t fingerprint_count;

	bool adds_exhibit; /* acquire and recover; the seal stays the event's until the event is taken in */
	struct vst_custody_exhibit exhibit;
};

/* The event breaks rule `rule` of custody.h. Returns VST_ETAMPERED. */
int vst_custody_broken(struct vst_err *err, int rule, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The same for a failure from below: what the bytes caused breaks the rule, what the machine caused stays as
 * it is. */
int vst_custody_broken_by(struct vst_err *err, int rule, int rc);

/* Rule 1: takes the event apart; at genesis the case file and the signers as well. */
int vst_custody_read_next(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err);
void vst_custody_next_free(struct custody_next *next);
/* Rule 3, second half: finds the line of `key` and compares the actor. */
int vst_custody_find_signer(const struct vst_custody *custody, struct custody_next *next,
        const struct vst_ssh_public *key, struct vst_err *err);

/* custody_envelope.c */
int vst_custody_check_signature(
        const struct vst_custody *custody, struct custody_next *next, struct vst_err *err);
int vst_custody_check_payload(const struct custody_next *next, struct vst_err *err);
int vst_custody_check_checkpoint(const struct custody_next *next, struct vst_err *err);

/* custody_rules.c */
int vst_custody_check_rules(
        const struct vst_custody *custody, struct custody_next *next, struct vst_err *err);
void vst_custody_number_digest(uint64_t exhibit, uint8_t ret[VST_HASH_LEN]);
/* Fills `ret` (empty) with `signers`, the line of key `own` changed to `next_key`, or left out if `next_key`
 * is NULL. */
int vst_custody_signers_after(const struct vst_signers *signers, const struct vst_ssh_public *own,
        const struct vst_ssh_public *next_key, struct vst_signers *ret, struct vst_err *err);

/* custody_dispose.c */
int vst_custody_check_dispose(
        const struct vst_custody *custody, const struct custody_next *next, struct vst_err *err);

#endif
