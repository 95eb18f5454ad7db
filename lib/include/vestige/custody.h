/*
 * The custody log: the rules that decide whether an event may follow another, for writing and for checking
 * alike.
 *
 * Works on bytes and knows no git: the trail carries the bytes, `workflow` connects the two.
 *
 * Rules, checked by vst_custody_apply() for every step, so that a state only exists if all of them held. An
 * error names the rule that a step breaks.
 *  1. Event n parses, encodes back to its bytes, carries number n, the digest of event n-1 and of this
 *     step's three files.
 *  2. The commit's signed payload has tree, parent (none at genesis), author, committer and the message,
 *     and no other header. The message is exactly what vst_custody_message() makes; author and committer are
 *     equal, their name is the actor, their time is the event's second, in UTC. The parts that the trail took
 *     apart are the payload's.
 *  3. The payload's SSH signature (namespace git) is by a key of the allowed_signers of step n-1 (genesis:
 *     its own), and that line's principal is the actor.
 *  4. The checkpoint states the origin, size n+1 and the root over all events; its first signature line is
 *     the log key's, its second the event signer's (left out for a hardware key); there are no other lines.
 *  5. A collector signs genesis, acquire, recover and dispose by retention only; names its next key; each
 *     collector key signs one event and is never named again, nor is one that an examiner took away; the step
 *     changes nothing but the collector's own line, to the next key. Genesis is a collector's event; its file
 *     lists the genesis key, the next one, and no other collector's; the next step of a collector drops the
 *     genesis key's line. Later, a collector has one line.
 *  6. An examiner's event has no next_key and is not genesis. Only a `key` event of an examiner changes
 *     signers or recipients; it leaves at least one examiner; nobody changes case.json after genesis. The
 *     recipients file has keys, or no key and the line `# passphrase`.
 *  7. An exhibit number is used once, in acquire or recover; numbers of acquire events rise; each seal
 *     names the digest of the seal before it; the seal's recipients are the case's recipients of the step
 *     before, in the file's order; no payload is sealed twice. An extract event names an exhibit that is
 *     recorded, and no more items than its seal has. A seal whose series begins with another exhibit than
 *     itself names the one that the latest exhibit names, and that one is sealed and begins its own.
 *  8. A key belongs to one principal for as long as the log lasts, so a collector's never becomes an
 *     examiner's, nor the reverse; the log key is nobody's; a collector's key is of type ssh-ed25519; a
 *     principal is a valid actor (event.h).
 *  9. A dispose event names all exhibits of one generation, in the log's order, with their seals' digests,
 *     none of which was disposed of before; it is not the generation of the latest sealed exhibit. An extract
 *     event names no exhibit that was disposed of. Numbers, seals and payloads of what was disposed of stay
 *     used.
 *
 * Times may go backwards: clocks step, and a host that is taken over sets them as it likes. Whoever holds the
 * current key of a collector can sign one false event and name a next key: from there on the collector's word
 * is the intruder's, until the rightful collector finds its key used, or an examiner replaces it. What was
 * recorded before stays as it was.
 */
#ifndef VESTIGE_CUSTODY_H
#define VESTIGE_CUSTODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/buf.h"
#include "vestige/case_file.h"
#include "vestige/event.h"
#include "vestige/merkle.h"
#include "vestige/signers.h"

#define VST_CUSTODY_RECIPIENTS_MAX (1024 * 1024)

struct vst_custody;

struct vst_bytes {
	const void *data; /* borrowed */
	size_t len;
};

/* What one commit of the trail holds. */
struct vst_custody_step {
	struct vst_bytes event;
	struct vst_bytes case_file;
	struct vst_bytes recipients;
	struct vst_bytes allowed_signers;
	struct vst_bytes checkpoint;
	struct vst_bytes payload;   /* the commit object without its signature: what was signed */
	struct vst_bytes signature; /* armoured SSHSIG */
	struct vst_bytes message;   /* parts of the payload, taken apart by the trail */
	struct vst_bytes author;    /* the name; committer and author are equal, the trail has checked */
	int64_t author_seconds;
};

/* An empty log: size 0. */
int vst_custody_new(struct vst_custody **ret, struct vst_err *err);
void vst_custody_free(struct vst_custody *custody);

/*
 * Checks the step against all rules and takes it in. VST_ETAMPERED says which rule it breaks, VST_EVERSION
 * that a later program wrote it (format, event type, key type); VST_ENOMEM. On failure the state is as
 * before.
 */
int vst_custody_apply(struct vst_custody *custody, const struct vst_custody_step *step, struct vst_err *err);

/* ---- what the checked log says; all borrowed, valid until the next apply or free ---- */

uint64_t vst_custody_size(const struct vst_custody *custody);
void vst_custody_root(const struct vst_custody *custody, uint8_t ret[VST_HASH_LEN]);
/* Root of the first `size` events. VST_EUSAGE if there are fewer. */
int vst_custody_root_at(const struct vst_custody *custody, uint64_t size, uint8_t ret[VST_HASH_LEN]);
const uint8_t *vst_custody_leaves(const struct vst_custody *custody); /* size * VST_HASH_LEN */
/* SHA-256 of event 0: the genesis fingerprint that init prints. VST_ENOTFOUND while empty. */
int vst_custody_genesis(const struct vst_custody *custody, uint8_t ret[VST_HASH_LEN]);
const struct vst_event *vst_custody_last(const struct vst_custody *custody); /* NULL while empty */
const struct vst_case_file *vst_custody_case(const struct vst_custody *custody);
const struct vst_signers *vst_custody_signers(
        const struct vst_custody *custody); /* who may sign the next event: not the genesis key, though its
                                               line may still stand in the file */
const struct vst_signers *vst_custody_all_signers(
        const struct vst_custody *custody);                                 /* the union since genesis */
struct vst_bytes vst_custody_recipients(const struct vst_custody *custody); /* the file's bytes */
struct vst_bytes vst_custody_allowed_signers(const struct vst_custody *custody);
struct vst_bytes vst_custody_case_bytes(const struct vst_custody *custody);

/* Fingerprints of the recipients, count * VST_HASH_LEN bytes, in the file's order: what the next seal has to
   state. A passphrase has one, the SHA-256 of "passphrase". */
const uint8_t *vst_custody_fingerprints(const struct vst_custody *custody, size_t *ret_count);

/* Exhibits that acquire or recover events name, in order of their events. */
struct vst_custody_exhibit {
	uint64_t number;
	uint64_t event; /* which event recorded it */
	int64_t time;
	const struct vst_seal *seal; /* NULL for an unfinished file that was recovered */
	uint8_t file_sha256[VST_HASH_LEN];
	uint64_t file_bytes;
	uint8_t seal_sha256[VST_HASH_LEN]; /* of the seal, if there is one */
	uint64_t disposed;                 /* the event that disposed of it; 0: none did */
	int64_t disposed_time;             /* that event's */
};
size_t vst_custody_exhibit_count(const struct vst_custody *custody);
const struct vst_custody_exhibit *vst_custody_exhibit_at(const struct vst_custody *custody, size_t i);
const struct vst_custody_exhibit *vst_custody_exhibit_find(
        const struct vst_custody *custody, uint64_t number);
const struct vst_custody_exhibit *vst_custody_exhibit_latest(
        const struct vst_custody *custody); /* with a seal; or NULL */
size_t vst_custody_disposed_count(const struct vst_custody *custody);

/* The number of the exhibit that opens its generation: vst_seal_generation(); an unfinished file is a generation of
 * its own. */
uint64_t vst_custody_generation(const struct vst_custody_exhibit *exhibit);
/* The exhibit of that generation behind `after`, or if that is NULL the one that opens it; NULL: none. */
const struct vst_custody_exhibit *vst_custody_generation_next(
        const struct vst_custody *custody, uint64_t generation, const struct vst_custody_exhibit *after);
/* Whether it is the generation of the latest sealed exhibit, on which the next snapshot may stand. */
bool vst_custody_generation_is_newest(const struct vst_custody *custody, uint64_t generation);

/* ---- making the next step ---- */

/* The next step's bytes; owns them. */
struct vst_custody_draft {
	struct vst_buf event, case_file, recipients, allowed_signers, checkpoint, message;
	char *author; /* the actor */
	int64_t author_seconds;
	uint64_t number;
};

/*
 * Completes `event` (number, previous, digests of the files, actor, next_key; its type, time and the type's
 * own fields are the caller's, who frees what it holds) and encodes it, the checkpoint and the message.
 * `event` may be completed in part on failure. For an event that a collector signs, `next_key` becomes
 * event->next_key and the collector's new line. `new_signers`/`new_recipients`/`new_case` are NULL to keep
 * what the log has (at genesis they are required; signers without the collector's next line, which is added).
 * The draft is judged by the rules before it is given out, so it passes vst_custody_apply() once it is
 * signed. VST_EUSAGE: it would break a rule; VST_EKEY: `log_signer` is not the case's log key.
 */
struct vst_custody_change {
	struct vst_event *event;
	const char *actor;
	struct vst_signer *signer;
	struct vst_signer *log_signer;
	const struct vst_ssh_public *next_key; /* NULL for an examiner */
	const struct vst_case_file *new_case;
	const struct vst_signers *new_signers;
	const struct vst_bytes *new_recipients;
};
int vst_custody_draft(const struct vst_custody *custody, const struct vst_custody_change *change,
        struct vst_custody_draft *ret, struct vst_err *err);
/*
 * Judges a draft that comes from elsewhere than vst_custody_draft() just now, such as from a file: whether it
 * would pass vst_custody_apply() once its actor has signed the commit. Not for genesis. The checkpoint's
 * signatures are checked, so a draft that passes was made by whoever holds the log key and the actor's key.
 * VST_ETAMPERED says which rule it breaks, VST_EVERSION.
 */
int vst_custody_check_draft(
        const struct vst_custody *custody, const struct vst_custody_draft *draft, struct vst_err *err);
void vst_custody_draft_free(struct vst_custody_draft *draft);

/*
 * The commit message of an event: a subject line, an empty line, and the trailers Vestige-Event,
 * Event-SHA256, Previous-SHA256 (left out at genesis), Log-Size, Log-Root; digests in hexadecimal.
 *
 *     Event 4: extract EX0001 (cat)
 */
int vst_custody_message(const struct vst_event *event, const uint8_t event_sha256[VST_HASH_LEN],
        uint64_t log_size, const uint8_t log_root[VST_HASH_LEN], struct vst_buf *out, struct vst_err *err);

#endif
