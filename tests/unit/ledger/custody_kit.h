/*
 * A case for tests: keys, a custody log, honest steps made by vst_custody_draft(), and a forger that can lie
 * about any one thing while everything else stays consistent and well signed.
 */
#ifndef CUSTODY_KIT_H
#define CUSTODY_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/age.h"
#include "vestige/buf.h"
#include "vestige/checkpoint.h"
#include "vestige/custody.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/signer.h"
#include "vestige/sshsig.h"
#include "vestige/text.h"
#include "vestige/timefmt.h"

#define KIT_HOST "collector@web1"
#define KIT_TIME (INT64_C(1795305600) * VST_NS_PER_S + 123456789)
#define KIT_ID "00112233445566778899aabbccddeeff"
#define KIT_RECIPIENTS "# the firm\nage1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n"
#define KIT_OTHER_RECIPIENTS "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg\n"

struct kit {
	struct vst_custody *custody;
	struct vst_signer *log, *host,
	        *next; /* the collector's key of the coming event, and the one behind it */
	struct vst_signer *alice, *bob;
	struct vst_signer *old; /* the collector's key before `host` */
	struct vst_case_file file;
	const char *recipients;
	bool with_examiner; /* genesis names alice */
	unsigned keys;
	uint64_t exhibit;
	int64_t time;
};

static inline struct vst_signer *kit_signer(const char *name, unsigned n)
{
	struct vst_signer *signer = NULL;
	uint8_t seed[VST_ED25519_SEED_LEN];
	char text[64];

	snprintf(text, sizeof text, "%s %u", name, n);
	vst_sha256(text, strlen(text), seed);
	assert_int_equal(vst_signer_from_seed(seed, &signer, NULL), 0);
	return signer;
}

static inline void kit_signers_add(
        struct vst_signers *signers, const char *principal, const struct vst_signer *signer)
{
	assert_int_equal(vst_signers_add(signers, principal, vst_signer_public(signer), NULL), 0);
}

static inline void kit_copy_signers(const struct vst_signers *from, struct vst_signers *to)
{
	for (size_t i = 0; i < from->count; i++)
		assert_int_equal(vst_signers_add(to, from->list[i].principal, &from->list[i].key, NULL), 0);
}

/* ---- commits ---- */

struct kit_commit {
	struct vst_buf payload, signature;
	struct vst_custody_step step;
};

static inline struct vst_bytes kit_bytes(const struct vst_buf *buf)
{
	return (struct vst_bytes){buf->data, buf->len};
}

static inline void kit_payload(struct vst_buf *payload, const char *author, int64_t seconds, bool parent,
        const struct vst_buf *message)
{
	vst_buf_clear(payload);
	vst_buf_text(payload, "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n");
	if (parent)
		vst_buf_text(payload, "parent 0123456789abcdef0123456789abcdef01234567\n");
	vst_buf_printf(payload, "author %s <%s> %lld +0000\n", author, author, (long long)seconds);
	vst_buf_printf(payload, "committer %s <%s> %lld +0000\n\n", author, author, (long long)seconds);
	vst_buf_bytes(payload, message->data, message->len);
}

static inline void kit_sign(
        struct vst_signer *signer, const struct vst_buf *payload, struct vst_buf *signature)
{
	vst_buf_clear(signature);
	assert_int_equal(vst_sshsig_sign(signer, "git", payload->data, payload->len, signature, NULL), 0);
}

static inline void kit_commit_draft(
        struct kit_commit *commit, const struct vst_custody_draft *draft, struct vst_signer *signer)
{
	kit_payload(
	        &commit->payload, draft->author, draft->author_seconds, draft->number > 0, &draft->message);
	kit_sign(signer, &commit->payload, &commit->signature);
	commit->step = (struct vst_custody_step){.event = kit_bytes(&draft->event),
	        .case_file = kit_bytes(&draft->case_file),
	        .recipients = kit_bytes(&draft->recipients),
	        .allowed_signers = kit_bytes(&draft->allowed_signers),
	        .checkpoint = kit_bytes(&draft->checkpoint),
	        .payload = kit_bytes(&commit->payload),
	        .signature = kit_bytes(&commit->signature),
	        .message = kit_bytes(&draft->message),
	        .author = {draft->author, strlen(draft->author)},
	        .author_seconds = draft->author_seconds};
}

static inline void kit_commit_free(struct kit_commit *commit)
{
	vst_buf_free(&commit->payload);
	vst_buf_free(&commit->signature);
}

/* Drafts, signs, applies. `err` says what went wrong; the draft's errors come first. */
static inline int kit_append(struct kit *kit, const struct vst_custody_change *change, struct vst_err *err)
{
	struct vst_custody_draft draft = {0};
	struct kit_commit commit = {0};
	int rc = vst_custody_draft(kit->custody, change, &draft, err);

	if (rc == 0) {
		kit_commit_draft(&commit, &draft, change->signer);
		rc = vst_custody_apply(kit->custody, &commit.step, err);
	}
	kit_commit_free(&commit);
	vst_custody_draft_free(&draft);
	return rc;
}

/* The collector's chain moves on by one key. */
static inline void kit_next_key(struct kit *kit)
{
	vst_signer_free(kit->old);
	kit->old = kit->host;
	kit->host = kit->next;
	kit->next = kit_signer("collector", kit->keys++);
}

/* ---- events ---- */

static inline struct vst_event *kit_event(struct kit *kit, enum vst_event_type type)
{
	struct vst_event *event = calloc(1, sizeof *event);

	assert_non_null(event);
	event->type = type;
	event->time = kit->time;
	kit->time += INT64_C(1500000000);
	if (type == VST_EVENT_GENESIS)
		event->genesis.program = strdup("vestige 0.1.0");
	return event;
}

static inline struct vst_event *kit_acquire(struct kit *kit, uint64_t exhibit)
{
	const struct vst_custody_exhibit *latest = vst_custody_exhibit_latest(kit->custody);
	struct vst_event *event = kit_event(kit, VST_EVENT_ACQUIRE);
	struct vst_seal *seal = calloc(1, sizeof *seal);
	size_t count;
	const uint8_t *fingerprints = vst_custody_fingerprints(kit->custody, &count);

	assert_non_null(seal);
	event->seal = seal;
	seal->exhibit = exhibit;
	vst_sha256(&exhibit, sizeof exhibit, seal->file_sha256);
	seal->file_bytes = 1000;
	vst_sha256(seal->file_sha256, VST_HASH_LEN, seal->payload_sha256);
	seal->payload_bytes = 800;
	seal->items = 12;
	seal->has_predecessor = latest != NULL;
	if (latest)
		memcpy(seal->predecessor, latest->seal_sha256, VST_HASH_LEN);
	seal->recipients = calloc(count, VST_HASH_LEN);
	seal->recipient_count = count;
	memcpy(seal->recipients, fingerprints, count * VST_HASH_LEN);
	seal->sources = calloc(1, sizeof *seal->sources);
	seal->source_count = 1;
	seal->sources[0].name = strdup("logs");
	seal->sources[0].status_count = 1;
	seal->sources[0].statuses[0] = (struct vst_seal_count){"collected", 12};
	seal->started = event->time;
	seal->sealed = event->time;
	return event;
}

static inline struct vst_event *kit_recover(struct kit *kit, uint64_t exhibit)
{
	struct vst_event *event = kit_event(kit, VST_EVENT_RECOVER);

	event->recover.exhibit = exhibit;
	event->recover.file_bytes = 77;
	vst_sha256("cut", 3, event->recover.file_sha256);
	return event;
}

static inline struct vst_event *kit_extract(struct kit *kit, uint64_t exhibit)
{
	struct vst_event *event = kit_event(kit, VST_EVENT_EXTRACT);

	event->extract.exhibit = exhibit;
	event->extract.verb = strdup("cat");
	event->extract.items = 1;
	return event;
}

/* ---- honest steps ---- */

static inline int kit_as_collector(struct kit *kit, struct vst_event *event, struct vst_err *err)
{
	struct vst_custody_change change = {.event = event,
	        .actor = KIT_HOST,
	        .signer = kit->host,
	        .log_signer = kit->log,
	        .next_key = vst_signer_public(kit->next)};
	int rc = kit_append(kit, &change, err);

	vst_event_free(event);
	if (rc == 0)
		kit_next_key(kit);
	return rc;
}

static inline int kit_as_examiner(struct kit *kit, struct vst_signer *signer, const char *actor,
        struct vst_event *event, struct vst_err *err)
{
	struct vst_custody_change change = {
	        .event = event, .actor = actor, .signer = signer, .log_signer = kit->log};
	int rc = kit_append(kit, &change, err);

	vst_event_free(event);
	return rc;
}

static inline int kit_key_event(struct kit *kit, struct vst_signer *signer, const char *actor,
        const struct vst_signers *signers, const char *recipients, struct vst_err *err)
{
	struct vst_event *event = kit_event(kit, VST_EVENT_KEY);
	struct vst_bytes bytes = {recipients, recipients ? strlen(recipients) : 0};
	struct vst_custody_change change = {.event = event,
	        .actor = actor,
	        .signer = signer,
	        .log_signer = kit->log,
	        .new_signers = signers,
	        .new_recipients = recipients ? &bytes : NULL};
	int rc = kit_append(kit, &change, err);

	vst_event_free(event);
	return rc;
}

static inline void kit_snapshot(struct kit *kit)
{
	struct vst_err err = VST_ERR_INIT;
	int rc = kit_as_collector(kit, kit_acquire(kit, ++kit->exhibit), &err);

	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
}

static inline int kit_genesis(struct kit *kit, struct vst_err *err)
{
	struct vst_event *event = kit_event(kit, VST_EVENT_GENESIS);
	struct vst_signers signers = {0};
	struct vst_bytes recipients = {kit->recipients, strlen(kit->recipients)};
	struct vst_custody_change change = {.event = event,
	        .actor = KIT_HOST,
	        .signer = kit->host,
	        .log_signer = kit->log,
	        .next_key = vst_signer_public(kit->next),
	        .new_case = &kit->file,
	        .new_signers = &signers,
	        .new_recipients = &recipients};
	int rc;

	kit_signers_add(&signers, KIT_HOST, kit->host);
	if (kit->with_examiner)
		kit_signers_add(&signers, "alice", kit->alice);
	rc = kit_append(kit, &change, err);
	vst_signers_free(&signers);
	vst_event_free(event);
	if (rc == 0)
		kit_next_key(kit);
	return rc;
}

/* ---- life ---- */

/* An empty log and its keys. */
static inline struct kit *kit_empty(void)
{
	static char id[] = KIT_ID, title[] = "Web shop intrusion", number[] = "2026/114";
	struct kit *kit = calloc(1, sizeof *kit);

	assert_non_null(kit);
	kit->log = kit_signer("log", 0);
	kit->host = kit_signer("collector", kit->keys++);
	kit->next = kit_signer("collector", kit->keys++);
	kit->alice = kit_signer("alice", 0);
	kit->bob = kit_signer("bob", 0);
	kit->recipients = KIT_RECIPIENTS;
	kit->with_examiner = true;
	kit->time = KIT_TIME;
	kit->file = (struct vst_case_file){.id = id, .title = title, .number = number, .created = KIT_TIME};
	assert_int_equal(vst_note_key_make("vestige/00112233", vst_signer_public(kit->log)->key,
	                         &kit->file.log_key, NULL),
	        0);
	assert_int_equal(vst_custody_new(&kit->custody, NULL), 0);
	return kit;
}

/* With genesis, which names alice as an examiner. */
static inline struct kit *kit_new(void)
{
	struct kit *kit = kit_empty();
	struct vst_err err = VST_ERR_INIT;
	int rc = kit_genesis(kit, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	return kit;
}

static inline void kit_free(struct kit *kit)
{
	vst_custody_free(kit->custody);
	vst_signer_free(kit->log);
	vst_signer_free(kit->host);
	vst_signer_free(kit->next);
	vst_signer_free(kit->old);
	vst_signer_free(kit->alice);
	vst_signer_free(kit->bob);
	free(kit);
}

/* ---- the forger ---- */

/*
 * forge_begin() fills in what an honest step of this signer would hold; the test changes what it likes;
 * forge_seal() makes event, checkpoint, message, payload and signature so that they fit; later stages can be
 * spoilt and made again.
 */
struct forge {
	struct kit *kit;
	struct vst_event *event;
	struct vst_signer *signer, *log;
	struct vst_buf case_file, recipients, allowed_signers;
	bool keep_digests;  /* forge_seal() leaves those of the files as they are */
	const char *author; /* NULL: the actor */
	int64_t seconds;    /* 0: the event's */
	bool no_parent;
	struct vst_checkpoint statement;
	struct vst_buf bytes, checkpoint, message;
	struct kit_commit commit;
};

static inline void forge_copy(struct vst_buf *out, struct vst_bytes bytes)
{
	vst_buf_clear(out);
	vst_buf_bytes(out, bytes.data, bytes.len);
}

static inline void forge_set(struct vst_buf *out, const char *text)
{
	vst_buf_clear(out);
	vst_buf_text(out, text);
}

static inline void forge_write_signers(struct forge *forge, const struct vst_signers *signers)
{
	vst_buf_clear(&forge->allowed_signers);
	vst_signers_write(signers, &forge->allowed_signers);
}

static inline void forge_set_next_key(struct forge *forge, const struct vst_ssh_public *key)
{
	struct vst_buf text = VST_BUF_INIT;

	vst_ssh_public_text(key, &text);
	free(forge->event->next_key);
	forge->event->next_key = strdup(vst_buf_cstr(&text));
	vst_buf_free(&text);
}

/* The file that a collector's event leaves: the line of `own` with the key `next`. */
static inline void forge_evolve(
        struct forge *forge, const struct vst_ssh_public *own, const struct vst_ssh_public *next)
{
	const struct vst_signers *now = vst_custody_signers(forge->kit->custody);
	struct vst_signers after = {0};

	for (size_t i = 0; i < now->count; i++)
		assert_int_equal(
		        vst_signers_add(&after, now->list[i].principal,
		                vst_ssh_public_equal(&now->list[i].key, own) ? next : &now->list[i].key,
		                NULL),
		        0);
	forge_write_signers(forge, &after);
	vst_signers_free(&after);
	forge_set_next_key(forge, next);
}

/* The digest of the event before: no secret. */
static inline void forge_previous(struct forge *forge)
{
	struct vst_buf bytes = VST_BUF_INIT;

	if (!vst_custody_last(forge->kit->custody))
		return;
	assert_int_equal(vst_event_encode(vst_custody_last(forge->kit->custody), &bytes, NULL), 0);
	vst_sha256(bytes.data, bytes.len, forge->event->previous);
	vst_buf_free(&bytes);
}

/* Owns the event. `collector`: with a next key and the file that follows from it. */
static inline struct forge *forge_begin(struct kit *kit, struct vst_event *event, struct vst_signer *signer,
        const char *actor, bool collector)
{
	struct forge *forge = calloc(1, sizeof *forge);

	assert_non_null(forge);
	forge->kit = kit;
	forge->event = event;
	forge->signer = signer;
	forge->log = kit->log;
	forge_copy(&forge->case_file, vst_custody_case_bytes(kit->custody));
	forge_copy(&forge->recipients, vst_custody_recipients(kit->custody));
	forge_copy(&forge->allowed_signers, vst_custody_allowed_signers(kit->custody));
	event->number = vst_custody_size(kit->custody);
	event->actor = strdup(actor);
	forge_previous(forge);
	if (collector)
		forge_evolve(forge, vst_signer_public(signer), vst_signer_public(kit->next));
	return forge;
}

static inline struct forge *forge_snapshot(struct kit *kit)
{
	return forge_begin(kit, kit_acquire(kit, kit->exhibit + 1), kit->host, KIT_HOST, true);
}

static inline struct forge *forge_key(struct kit *kit)
{
	return forge_begin(kit, kit_event(kit, VST_EVENT_KEY), kit->alice, "alice", false);
}

static inline void forge_event(struct forge *forge)
{
	struct vst_event *event = forge->event;
	struct vst_err err = VST_ERR_INIT;

	if (!forge->keep_digests) {
		vst_sha256(forge->case_file.data, forge->case_file.len, event->case_sha256);
		vst_sha256(forge->recipients.data, forge->recipients.len, event->recipients_sha256);
		vst_sha256(forge->allowed_signers.data, forge->allowed_signers.len, event->signers_sha256);
	}
	vst_buf_clear(&forge->bytes);
	vst_event_encode(event, &forge->bytes, &err);
	assert_string_equal(err.text, "");
}

/* The root over the log and the forged event. */
static inline void forge_statement(struct forge *forge)
{
	uint64_t size = vst_custody_size(forge->kit->custody);
	uint8_t *leaves = malloc((size + 1) * VST_HASH_LEN);

	assert_non_null(leaves);
	if (size > 0)
		memcpy(leaves, vst_custody_leaves(forge->kit->custody), size * VST_HASH_LEN);
	vst_merkle_leaf(forge->bytes.data, forge->bytes.len, leaves + size * VST_HASH_LEN);
	strcpy(forge->statement.origin, forge->kit->file.log_key.name);
	forge->statement.size = size + 1;
	vst_merkle_root_of(leaves, size + 1, forge->statement.root);
	free(leaves);
}

static inline void forge_checkpoint(struct forge *forge)
{
	vst_buf_clear(&forge->checkpoint);
	assert_int_equal(vst_checkpoint_sign(&forge->statement, forge->log, forge->event->actor,
	                         forge->signer, &forge->checkpoint, NULL),
	        0);
}

static inline void forge_message(struct forge *forge)
{
	uint8_t sha256[VST_HASH_LEN];

	vst_sha256(forge->bytes.data, forge->bytes.len, sha256);
	vst_buf_clear(&forge->message);
	assert_int_equal(vst_custody_message(forge->event, sha256, forge->statement.size,
	                         forge->statement.root, &forge->message, NULL),
	        0);
}

static inline const char *forge_author(const struct forge *forge)
{
	return forge->author ? forge->author : forge->event->actor;
}

static inline int64_t forge_seconds(const struct forge *forge)
{
	return forge->seconds ? forge->seconds : forge->event->time / VST_NS_PER_S;
}

static inline void forge_payload(struct forge *forge)
{
	kit_payload(&forge->commit.payload, forge_author(forge), forge_seconds(forge),
	        forge->event->number > 0 && !forge->no_parent, &forge->message);
}

static inline void forge_sign(struct forge *forge)
{
	kit_sign(forge->signer, &forge->commit.payload, &forge->commit.signature);
}

static inline void forge_seal(struct forge *forge)
{
	forge_event(forge);
	forge_statement(forge);
	forge_checkpoint(forge);
	forge_message(forge);
	forge_payload(forge);
	forge_sign(forge);
}

static inline int forge_apply(struct forge *forge, struct vst_err *err)
{
	const char *author = forge_author(forge);

	forge->commit.step = (struct vst_custody_step){.event = kit_bytes(&forge->bytes),
	        .case_file = kit_bytes(&forge->case_file),
	        .recipients = kit_bytes(&forge->recipients),
	        .allowed_signers = kit_bytes(&forge->allowed_signers),
	        .checkpoint = kit_bytes(&forge->checkpoint),
	        .payload = kit_bytes(&forge->commit.payload),
	        .signature = kit_bytes(&forge->commit.signature),
	        .message = kit_bytes(&forge->message),
	        .author = {author, strlen(author)},
	        .author_seconds = forge_seconds(forge)};
	return vst_custody_apply(forge->kit->custody, &forge->commit.step, err);
}

static inline void forge_free(struct forge *forge)
{
	vst_event_free(forge->event);
	vst_buf_free(&forge->case_file);
	vst_buf_free(&forge->recipients);
	vst_buf_free(&forge->allowed_signers);
	vst_buf_free(&forge->bytes);
	vst_buf_free(&forge->checkpoint);
	vst_buf_free(&forge->message);
	kit_commit_free(&forge->commit);
	free(forge);
}

/* The forged step is refused for this rule and for this reason, and leaves no trace. Frees it. */
static inline void assert_refused(struct forge *forge, int rule, const char *why)
{
	struct vst_custody *custody = forge->kit->custody;
	uint64_t size = vst_custody_size(custody);
	size_t named = vst_custody_all_signers(custody)->count, exhibits = vst_custody_exhibit_count(custody);
	uint8_t before[VST_HASH_LEN], after[VST_HASH_LEN];
	struct vst_err err = VST_ERR_INIT;
	char rule_text[32];

	vst_custody_root(custody, before);
	snprintf(rule_text, sizeof rule_text, ": rule %d: ", rule);
	assert_int_equal(forge_apply(forge, &err), VST_ETAMPERED);
	if (!strstr(err.text, rule_text) || !strstr(err.text, why))
		fail_msg("refused with '%s', not for rule %d, '%s'", err.text, rule, why);
	assert_int_equal(err.code, VST_ETAMPERED);
	vst_custody_root(custody, after);
	assert_int_equal(vst_custody_size(custody), size);
	assert_int_equal(vst_custody_all_signers(custody)->count, named);
	assert_int_equal(vst_custody_exhibit_count(custody), exhibits);
	assert_memory_equal(after, before, VST_HASH_LEN);
	forge_free(forge);
}

/* The forger's honest work passes: what a test spoils is then the only reason for a refusal. */
static inline void assert_accepted(struct forge *forge)
{
	struct vst_err err = VST_ERR_INIT;
	int rc = forge_apply(forge, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	forge_free(forge);
}

#endif
