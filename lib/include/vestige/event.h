/*
 * Events of the custody log. The exact bytes of an event are the leaf of the log's Merkle tree.
 *
 * Format 1, one JSON object without white space, keys in this order, LF at the end:
 *   format                  1
 *   event                   its number, from 0
 *   type                    genesis, acquire, recover, extract, key, dispose
 *   time
 *   previous                SHA-256 of the previous event's bytes, null at genesis
 *   actor                   principal of the signer
 *   case_sha256, recipients_sha256, allowed_signers_sha256    of this commit's files
 *   next_key                events that a collector signs: the OpenSSH text of its next key
 * then by type:
 *   genesis    program (name and version)
 *   acquire    seal
 *   recover    exhibit, file {sha256, bytes}: an acquisition that was never finished
 *   extract    exhibit, verb (ls, cat, extract, verify, diff), items, selection_sha256 (over the leaf hashes,
 *              in order)
 *   key        nothing more: the change is in the digests of allowed_signers and recipients
 *   dispose    generation (the number of the exhibit that opens it), exhibits [{exhibit, seal_sha256}] (all
 *              of it, in order; null where there is no seal), cause (retention, request): their files are
 *              taken away, and what the log says of them stays. No reason in words: those could name evidence
 *
 * A new type is added in one place: the table in event.c, with its fields here. What it may do is a rule in
 * custody_rules.c.
 */
#ifndef VESTIGE_EVENT_H
#define VESTIGE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"
#include "vestige/seal.h"

#define VST_EVENT_MAX (4 * 1024 * 1024)
#define VST_EVENT_NUMBER_MAX 99999999
#define VST_EVENT_TEXT_MAX 255 /* bytes of a program's name and version */
#define VST_EVENT_DISPOSED_MAX 32768 /* exhibits of one generation; so many fit into VST_EVENT_MAX */

enum vst_event_type {
	VST_EVENT_GENESIS = 1,
	VST_EVENT_ACQUIRE,
	VST_EVENT_RECOVER,
	VST_EVENT_EXTRACT,
	VST_EVENT_KEY,
	VST_EVENT_DISPOSE
};

enum vst_dispose_cause {
	VST_DISPOSE_RETENTION = 1, /* older than what is kept */
	VST_DISPOSE_REQUEST        /* a person wants it */
};

struct vst_event_disposed {
	uint64_t exhibit;
	bool is_sealed; /* else it is an unfinished file, and seal_sha256 is unused */
	uint8_t seal_sha256[VST_HASH_LEN];
};

struct vst_event {
	uint64_t number; /* from 0 */
	enum vst_event_type type;
	int64_t time;                   /* not before 1970: git has no time before it */
	uint8_t previous[VST_HASH_LEN]; /* unused at genesis */
	char *actor;                    /* vst_event_actor_valid() */
	uint8_t case_sha256[VST_HASH_LEN];
	uint8_t recipients_sha256[VST_HASH_LEN];
	uint8_t signers_sha256[VST_HASH_LEN];
	char *next_key; /* `ssh-ed25519 AAAA…`; NULL in events that an examiner signs */
	union {
		struct {
			char *program;
		} genesis;
		struct vst_seal *seal; /* acquire */
		struct {
			uint64_t exhibit;
			uint8_t file_sha256[VST_HASH_LEN];
			uint64_t file_bytes;
		} recover;
		struct {
			uint64_t exhibit;
			char *verb; /* ls, cat, extract, verify */
			uint64_t items;
			uint8_t selection_sha256[VST_HASH_LEN];
		} extract;
		struct {
			uint64_t generation;
			struct vst_event_disposed *exhibits;
			size_t exhibit_count;
			enum vst_dispose_cause cause;
		} dispose;
	};
};

const char *vst_event_type_name(enum vst_event_type type);
const char *vst_dispose_cause_name(enum vst_dispose_cause cause);
/* Whether a collector may sign events of this type. */
bool vst_event_by_collector(enum vst_event_type type);
/*
 * Whether a principal can be an actor: one that allowed_signers can carry (signers.h), and besides without
 * `<` and `>`, and with none of `.:;` at either end, because git takes these away from the names of authors.
 */
bool vst_event_actor_valid(const char *actor);

/* Appends. VST_EUSAGE says which field cannot be written. */
int vst_event_encode(const struct vst_event *event, struct vst_buf *out, struct vst_err *err);
/* Strict: encodes back to the same bytes, else VST_EFORMAT. VST_EVERSION for another format or an unknown
 * type, VST_ELIMIT. */
int vst_event_parse(const void *bytes, size_t len, struct vst_event **ret, struct vst_err *err);
void vst_event_free(struct vst_event *event);

/* `events/AAAA/BB/AAAABBCC.json` */
void vst_event_path(uint64_t number, char ret_path[40]);

#endif
