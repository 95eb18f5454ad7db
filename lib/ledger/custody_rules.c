/*
 * What an event may do: who may sign which type, what it may change, which exhibits it may name (rules 5 to 8
 * of custody.h; what it may dispose of: custody_dispose.c).
 */
#include <stdlib.h>
#include <string.h>

#include "ledger/custody_state.h"
#include "vestige/age.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/reader.h"
#include "vestige/text.h"

#define PASSPHRASE_LINE "# passphrase"

void vst_custody_number_digest(uint64_t exhibit, uint8_t ret[VST_HASH_LEN])
{
	memset(ret, 0, VST_HASH_LEN);
	memcpy(ret, &exhibit, sizeof exhibit);
}

static bool unchanged(const struct vst_bytes *bytes, const struct vst_buf *known)
{
	return bytes->len == known->len &&
	       (bytes->len == 0 || memcmp(bytes->data, known->data, bytes->len) == 0);
}

/* The event is authentic, so a key of a type that we do not know is one that a later program knew. */
static int broken_file(struct vst_err *err, int rc)
{
	if (rc != VST_EUNSUPPORTED)
		return vst_custody_broken_by(err, 6, rc);
	if (err)
		err->code = VST_EVERSION;
	return VST_EVERSION;
}

/* ---- recipients ---- */

/* The file is committed and shown: plain lines only. Counts those that are neither empty nor a comment. */
static int check_recipient_lines(
        const struct vst_bytes *file, size_t *ret_keys, bool *ret_passphrase, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(file->data, file->len);
	const uint8_t *line;
	size_t len;

	*ret_keys = 0;
	*ret_passphrase = false;
	if (file->len > VST_CUSTODY_RECIPIENTS_MAX)
		return vst_err_set(err, VST_ELIMIT, "longer than %d bytes", VST_CUSTODY_RECIPIENTS_MAX);
	while (vst_reader_line(&in, &line, &len)) {
		if (!vst_utf8_valid(line, len))
			return vst_err_set(err, VST_EFORMAT, "not UTF-8");
		for (size_t i = 0; i < len; i++)
			if (line[i] < 0x20 || line[i] == 0x7f)
				return vst_err_set(err, VST_EFORMAT, "a control character");
		if (len == strlen(PASSPHRASE_LINE) && memcmp(line, PASSPHRASE_LINE, len) == 0)
			*ret_passphrase = true;
		if (len > 0 && line[0] != '#')
			++*ret_keys;
	}
	if (!vst_reader_at_end(&in))
		return vst_err_set(err, VST_EFORMAT, "no line feed at the end");
	return 0;
}

static int take_fingerprints(
        const struct vst_age_recipients *set, struct custody_next *next, struct vst_err *err)
{
	size_t count = set->count > 0 ? set->count : 1;

	next->fingerprints = vst_calloc(count, sizeof *next->fingerprints);
	if (!next->fingerprints)
		return vst_err_nomem(err);
	next->fingerprint_count = count;
	for (size_t i = 0; i < set->count; i++)
		vst_age_recipient_fingerprint(set->list[i], next->fingerprints[i]);
	/* What the fingerprint of a passphrase recipient is: it has no text of its own that could be told. */
	if (set->count == 0)
		vst_sha256("passphrase", strlen("passphrase"), next->fingerprints[0]);
	next->new_recipients = true;
	return 0;
}

static int read_recipients(struct custody_next *next, struct vst_err *err)
{
	const struct vst_bytes *file = &next->step->recipients;
	struct vst_age_recipients set = {0};
	size_t keys;
	bool passphrase;
	int rc;

	if ((rc = check_recipient_lines(file, &keys, &passphrase, err)) != 0)
		goto out;
	if (keys == 0 && !passphrase)
		rc = vst_err_set(err, VST_EFORMAT, "neither a key nor the line '%s'", PASSPHRASE_LINE);
	else if (keys > 0 && passphrase)
		rc = vst_err_set(err, VST_EFORMAT,
		        "keys and the line '%s': exhibits are sealed to one or the other", PASSPHRASE_LINE);
	else if (keys > VST_SEAL_RECIPIENTS_MAX)
		rc = vst_err_set(err, VST_ELIMIT, "more than %d", VST_SEAL_RECIPIENTS_MAX);
	else if (keys > 0)
		rc = vst_age_recipients_parse(file->data, file->len, &set, err);
	if (rc == 0)
		rc = take_fingerprints(&set, next, err);
out:
	vst_age_recipients_free(&set);
	if (rc == 0)
		return 0;
	vst_err_prepend(err, "recipients");
	return broken_file(err, rc);
}

/* ---- signers ---- */

/* One line of a new allowed_signers. */
static int check_entry(const struct vst_custody *custody, const struct custody_next *next,
        const struct vst_signers_entry *entry, struct vst_err *err)
{
	const struct vst_signers_entry *known = vst_signers_find(&custody->all, &entry->key);
	bool collector = vst_signers_is_collector(entry);

	if (!vst_event_actor_valid(entry->principal))
		return vst_custody_broken(
		        err, 8, "a commit and a note cannot carry the name %s", entry->principal);
	if (memcmp(entry->key.key, next->log_key->key, VST_ED25519_KEY_LEN) == 0)
		return vst_custody_broken(err, 8, "%s has the log's own key", entry->principal);
	if (known && strcmp(known->principal, entry->principal) != 0)
		return vst_custody_broken(
		        err, 8, "the key of %s is given to %s", known->principal, entry->principal);
	if (collector && entry->key.type != VST_SSH_ED25519)
		return vst_custody_broken(
		        err, 8, "the key of %s is not of type ssh-ed25519", entry->principal);
	if (collector && known && !vst_signers_find(&custody->signers, &entry->key))
		return vst_custody_broken(err, 5,
		        "a key of %s that was used or replaced before is named again", entry->principal);
	return 0;
}

/* What the lines of a new file have been seen to hold. */
struct census {
	struct index collectors; /* by digest of the principal */
	size_t collector_count, examiner_count;
};

static int count_entry(const struct custody_next *next, const struct vst_signers_entry *entry,
        struct census *census, struct vst_err *err)
{
	uint8_t principal[VST_HASH_LEN];

	if (!vst_signers_is_collector(entry)) {
		census->examiner_count++;
		return 0;
	}
	census->collector_count++;
	vst_sha256(entry->principal, strlen(entry->principal), principal);
	/* Genesis lists the key that signs it next to the one that follows. */
	if (next->event->number > 0 && vst_key_index_get(&census->collectors, principal, NULL))
		return vst_custody_broken(err, 5, "%s is given two keys", entry->principal);
	vst_key_index_put(&census->collectors, principal, 0);
	return 0;
}

/* That no key stands there twice was checked when the file was parsed. */
static int check_listed(const struct vst_custody *custody, const struct custody_next *next,
        const struct vst_signers *listed, struct census *census, struct vst_err *err)
{
	int rc;

	if ((rc = vst_key_index_init(&census->collectors, err)) != 0 ||
	        (rc = vst_key_index_reserve(&census->collectors, listed->count, err)) != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < listed->count; i++)
		if ((rc = check_entry(custody, next, &listed->list[i], err)) == 0)
			rc = count_entry(next, &listed->list[i], census, err);
	vst_key_index_free(&census->collectors);
	return rc;
}

/* ---- the collector's part: rule 5 ---- */

static int read_next_key(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const char *text = next->event->next_key;
	int rc;

	if (!text)
		return vst_custody_broken(err, 5, "a collector's event that names no next key");
	if ((rc = vst_ssh_public_parse(text, strlen(text), &next->next_key, NULL, NULL, err)) != 0)
		return vst_custody_broken_by(err, 5, rc);
	if (memcmp(next->next_key.key, next->log_key->key, VST_ED25519_KEY_LEN) == 0)
		return vst_custody_broken(err, 8, "the next key is the log's own");
	if (vst_signers_find(&custody->all, &next->next_key))
		return vst_custody_broken(err, 5, "the next key was named before");
	return 0;
}

int vst_custody_signers_after(const struct vst_signers *signers, const struct vst_ssh_public *own,
        const struct vst_ssh_public *next_key, struct vst_signers *ret, struct vst_err *err)
{
	struct vst_signers after = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < signers->count; i++) {
		const struct vst_signers_entry *entry = &signers->list[i];
		const struct vst_ssh_public *key = &entry->key;

		if (vst_ssh_public_equal(key, own))
			key = next_key;
		if (key)
			rc = vst_signers_add(&after, entry->principal, key, err);
	}
	if (rc == 0) {
		*ret = after;
		after = (struct vst_signers){0};
	}
	vst_signers_free(&after);
	return rc;
}

static int check_collector_step(
        const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const struct vst_custody_step *step = next->step;
	struct vst_buf expected = VST_BUF_INIT;
	int rc;

	if ((rc = read_next_key(custody, next, err)) != 0)
		return rc;
	if (!unchanged(&step->recipients, &custody->recipients))
		return vst_custody_broken(err, 5, "a collector changed the recipients");
	next->new_signers = true;
	rc = vst_custody_signers_after(
	        &custody->signers, &next->who->key, &next->next_key, &next->signers, err);
	if (rc != 0)
		return vst_custody_broken_by(err, 5, rc);
	vst_signers_write(&next->signers, &expected);
	if ((rc = vst_buf_check(&expected, err)) == 0 && !unchanged(&step->allowed_signers, &expected))
		rc = vst_custody_broken(
		        err, 5, "a collector changed more of allowed_signers than its own key");
	vst_buf_free(&expected);
	return rc;
}

static int check_genesis(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const struct vst_signers_entry *entry;
	struct census census = {0};
	int rc;

	if (!next->by_collector)
		return vst_custody_broken(err, 5, "genesis is not signed by a collector");
	if ((rc = read_next_key(custody, next, err)) != 0 ||
	        (rc = check_listed(custody, next, &next->listed, &census, err)) != 0)
		return rc;
	entry = vst_signers_find(&next->listed, &next->next_key);
	if (vst_ssh_public_equal(&next->next_key, &next->who->key))
		return vst_custody_broken(err, 5, "genesis names its own key as the next");
	if (!entry || strcmp(entry->principal, next->who->principal) != 0)
		return vst_custody_broken(err, 5, "genesis does not list the next key of its collector");
	if (census.collector_count != 2)
		return vst_custody_broken(err, 5, "genesis lists other collectors than its own");
	/* The genesis key has signed its one event. */
	next->new_signers = true;
	if ((rc = vst_custody_signers_after(&next->listed, &next->who->key, NULL, &next->signers, err)) != 0)
		return vst_custody_broken_by(err, 5, rc);
	return read_recipients(next, err);
}

/* ---- the examiner's part: rule 6 ---- */

static int check_key_event(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const struct vst_bytes *file = &next->step->allowed_signers;
	struct census census = {0};
	int rc;

	if ((rc = vst_signers_parse(file->data, file->len, &next->signers, err)) != 0) {
		vst_err_prepend(err, "allowed_signers");
		return broken_file(err, rc);
	}
	next->new_signers = true;
	if ((rc = check_listed(custody, next, &next->signers, &census, err)) != 0)
		return rc;
	if (census.examiner_count == 0)
		return vst_custody_broken(err, 6, "the last examiner is removed");
	return read_recipients(next, err);
}

static int check_examiner_step(
        const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	if (next->event->next_key)
		return vst_custody_broken(err, 6, "an examiner's event names a next key");
	if (next->event->type == VST_EVENT_KEY)
		return check_key_event(custody, next, err);
	if (!unchanged(&next->step->allowed_signers, &custody->allowed_signers))
		return vst_custody_broken(err, 6, "allowed_signers changed without a key event");
	if (!unchanged(&next->step->recipients, &custody->recipients))
		return vst_custody_broken(err, 6, "the recipients changed without a key event");
	return 0;
}

/* ---- exhibits: rule 7 ---- */

static int check_number_is_new(const struct vst_custody *custody, uint64_t number, struct vst_err *err)
{
	if (vst_custody_exhibit_find(custody, number))
		return vst_custody_broken(
		        err, 7, "exhibit %llu was recorded before", (unsigned long long)number);
	return 0;
}

static int check_predecessor(
        const struct vst_custody *custody, const struct vst_seal *seal, struct vst_err *err)
{
	const struct vst_custody_exhibit *latest = vst_custody_exhibit_latest(custody);

	if (!latest)
		return seal->has_predecessor
		               ? vst_custody_broken(err, 7, "the first seal names a predecessor")
		               : 0;
	if (!seal->has_predecessor || memcmp(seal->predecessor, latest->seal_sha256, VST_HASH_LEN) != 0)
		return vst_custody_broken(
		        err, 7, "the seal does not name the seal before it as its predecessor");
	if (seal->exhibit <= latest->number)
		return vst_custody_broken(err, 7, "exhibit %llu follows exhibit %llu",
		        (unsigned long long)seal->exhibit, (unsigned long long)latest->number);
	return 0;
}

/*
 * A generation is contiguous: whoever has the newest exhibit and those back to the one that it names has all
 * that its items refer to. A seal without a series is a generation of its own, which nothing continues: it
 * left no index to tell what is stored.
 */
static int check_series(const struct vst_custody *custody, const struct vst_seal *seal, struct vst_err *err)
{
	const struct vst_custody_exhibit *latest = vst_custody_exhibit_latest(custody);
	const struct vst_custody_exhibit *full;
	unsigned long long number = (unsigned long long)seal->series.full;

	if (!seal->has_series || seal->series.full == seal->exhibit)
		return 0;
	full = vst_custody_exhibit_find(custody, seal->series.full);
	if (!full || !full->seal)
		return vst_custody_broken(
		        err, 7, "the exhibit continues exhibit %llu, which was never sealed", number);
	if (!full->seal->has_series || full->seal->series.full != full->number)
		return vst_custody_broken(
		        err, 7, "the exhibit continues exhibit %llu, which opens no series", number);
	if (!latest->seal->has_series || latest->seal->series.full != seal->series.full)
		return vst_custody_broken(
		        err, 7, "the exhibit continues exhibit %llu, but a later series has begun", number);
	return 0;
}

static int check_acquire(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const struct vst_event *event = next->event;
	const struct vst_seal *seal = event->seal;
	int rc;

	if ((rc = check_number_is_new(custody, seal->exhibit, err)) != 0 ||
	        (rc = check_predecessor(custody, seal, err)) != 0 ||
	        (rc = check_series(custody, seal, err)) != 0)
		return rc;
	if (seal->recipient_count != custody->fingerprint_count ||
	        memcmp(seal->recipients, custody->fingerprints, seal->recipient_count * VST_HASH_LEN) != 0)
		return vst_custody_broken(err, 7, "the exhibit is not sealed to the recipients of the case");
	if (vst_key_index_get(&custody->payloads, seal->payload_sha256, NULL))
		return vst_custody_broken(err, 7, "the exhibit's payload is that of an earlier exhibit");
	next->adds_exhibit = true;
	next->exhibit = (struct vst_custody_exhibit){.number = seal->exhibit,
	        .event = event->number,
	        .time = event->time,
	        .seal = seal,
	        .file_bytes = seal->file_bytes};
	memcpy(next->exhibit.file_sha256, seal->file_sha256, VST_HASH_LEN);
	return vst_seal_digest(seal, next->exhibit.seal_sha256, err);
}

static int check_recover(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const struct vst_event *event = next->event;
	int rc = check_number_is_new(custody, event->recover.exhibit, err);

	if (rc != 0)
		return rc;
	next->adds_exhibit = true;
	next->exhibit = (struct vst_custody_exhibit){.number = event->recover.exhibit,
	        .event = event->number,
	        .time = event->time,
	        .file_bytes = event->recover.file_bytes};
	memcpy(next->exhibit.file_sha256, event->recover.file_sha256, VST_HASH_LEN);
	return 0;
}

static int check_extract(
        const struct vst_custody *custody, const struct custody_next *next, struct vst_err *err)
{
	const struct vst_event *event = next->event;
	const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(custody, event->extract.exhibit);

	if (!exhibit)
		return vst_custody_broken(
		        err, 7, "the log knows no exhibit %llu", (unsigned long long)event->extract.exhibit);
	if (exhibit->disposed)
		return vst_custody_broken(err, 9, "exhibit %llu was disposed of before, by event %llu",
		        (unsigned long long)exhibit->number, (unsigned long long)exhibit->disposed);
	if (exhibit->seal && event->extract.items > exhibit->seal->items)
		return vst_custody_broken(err, 7, "more items were taken out of exhibit %llu than it holds",
		        (unsigned long long)event->extract.exhibit);
	return 0;
}

static int check_exhibits(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	switch (next->event->type) {
	case VST_EVENT_ACQUIRE:
		return check_acquire(custody, next, err);
	case VST_EVENT_RECOVER:
		return check_recover(custody, next, err);
	case VST_EVENT_EXTRACT:
		return check_extract(custody, next, err);
	case VST_EVENT_DISPOSE:
		return vst_custody_check_dispose(custody, next, err);
	case VST_EVENT_GENESIS:
	case VST_EVENT_KEY:
		break;
	}
	return 0;
}

int vst_custody_check_rules(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const struct vst_event *event = next->event;
	int rc;

	if (next->by_collector && !vst_event_by_collector(event->type))
		return vst_custody_broken(
		        err, 5, "a collector signed an event of type %s", vst_event_type_name(event->type));
	if (event->number == 0)
		return check_genesis(custody, next, err);
	if (!unchanged(&next->step->case_file, &custody->case_bytes))
		return vst_custody_broken(err, 6, "case.json was changed after genesis");
	if (next->by_collector)
		rc = check_collector_step(custody, next, err);
	else
		rc = check_examiner_step(custody, next, err);
	return rc != 0 ? rc : check_exhibits(custody, next, err);
}
