#include "vestige/custody.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/custody_state.h"
#include "vestige/err.h"
#include "vestige/mem.h"

/* ---- saying which rule ---- */

int vst_custody_broken(struct vst_err *err, int rule, const char *format, ...)
{
	char text[VST_ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return vst_err_set(err, VST_ETAMPERED, "rule %d: %s", rule, text);
}

int vst_custody_broken_by(struct vst_err *err, int rule, int rc)
{
	switch (rc) {
	case VST_ENOMEM:
	case VST_EIO:
	case VST_ELIBRARY:
	case VST_ECANCELLED:
	case VST_EVERSION:
		return rc;
	default:
		vst_err_prepend(err, "rule %d", rule);
		if (err)
			err->code = VST_ETAMPERED;
		return VST_ETAMPERED;
	}
}

/* ---- an empty log ---- */

int vst_custody_new(struct vst_custody **ret, struct vst_err *err)
{
	struct vst_custody *custody = vst_calloc(1, sizeof *custody);
	int rc;

	if (!custody)
		return vst_err_nomem(err);
	vst_merkle_init(&custody->tree);
	if ((rc = vst_key_index_init(&custody->numbers, err)) != 0 ||
	        (rc = vst_key_index_init(&custody->payloads, err)) != 0) {
		vst_custody_free(custody);
		return rc;
	}
	*ret = custody;
	return 0;
}

static void free_last(struct vst_custody *custody)
{
	if (custody->last && custody->last->type == VST_EVENT_ACQUIRE)
		custody->last->seal = NULL;
	vst_event_free(custody->last);
	custody->last = NULL;
}

/* The seals are the exhibits' own, though a reader sees them as borrowed. */
static void free_seal(const struct vst_seal *seal)
{
	union {
		const struct vst_seal *borrowed;
		struct vst_seal *owned;
	} pointer = {seal};

	vst_seal_free(pointer.owned);
}

void vst_custody_free(struct vst_custody *custody)
{
	if (!custody)
		return;
	free_last(custody);
	for (size_t i = 0; i < custody->exhibit_count; i++)
		free_seal(custody->exhibits[i].seal);
	free(custody->exhibits);
	free(custody->leaves);
	free(custody->fingerprints);
	vst_case_file_free(custody->file);
	vst_buf_free(&custody->case_bytes);
	vst_buf_free(&custody->recipients);
	vst_buf_free(&custody->allowed_signers);
	vst_signers_free(&custody->signers);
	vst_signers_free(&custody->all);
	vst_key_index_free(&custody->numbers);
	vst_key_index_free(&custody->payloads);
	free(custody);
}

/* ---- rule 1: the event and its files ---- */

static bool same_bytes(const struct vst_bytes *a, const struct vst_buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Most steps leave the files as they were: what was hashed once is compared, which costs less. */
static int check_digest(const struct vst_bytes *bytes, const struct vst_buf *known,
        const uint8_t known_sha256[VST_HASH_LEN], const uint8_t stated[VST_HASH_LEN], const char *name,
        struct vst_err *err)
{
	uint8_t sha256[VST_HASH_LEN];

	if (known->len > 0 && same_bytes(bytes, known))
		memcpy(sha256, known_sha256, VST_HASH_LEN);
	else
		vst_sha256(bytes->data, bytes->len, sha256);
	if (memcmp(sha256, stated, VST_HASH_LEN) == 0)
		return 0;
	return vst_custody_broken(err, 1, "%s is not the file that the event states", name);
}

static int check_place(const struct vst_custody *custody, const struct vst_event *event, struct vst_err *err)
{
	if (event->number != custody->tree.size)
		return vst_custody_broken(
		        err, 1, "the event calls itself number %llu", (unsigned long long)event->number);
	if (event->number > 0 && memcmp(event->previous, custody->last_sha256, VST_HASH_LEN) != 0)
		return vst_custody_broken(err, 1, "the event follows another event than the one before it");
	return 0;
}

static int read_genesis(struct custody_next *next, struct vst_err *err)
{
	const struct vst_custody_step *step = next->step;
	int rc;

	if ((rc = vst_case_file_parse(step->case_file.data, step->case_file.len, &next->file, err)) != 0)
		return vst_custody_broken_by(err, 1, rc);
	next->log_key = &next->file->log_key;
	rc = vst_signers_parse(step->allowed_signers.data, step->allowed_signers.len, &next->listed, err);
	if (rc != 0) {
		vst_err_prepend(err, "allowed_signers");
		return vst_custody_broken_by(err, 1, rc);
	}
	return 0;
}

int vst_custody_read_next(const struct vst_custody *custody, struct custody_next *next, struct vst_err *err)
{
	const struct vst_custody_step *step = next->step;
	const struct vst_event *event;
	int rc;

	if ((rc = vst_event_parse(step->event.data, step->event.len, &next->event, err)) != 0)
		return vst_custody_broken_by(err, 1, rc);
	event = next->event;
	if ((rc = check_place(custody, event, err)) != 0 ||
	        (rc = check_digest(&step->case_file, &custody->case_bytes, custody->case_sha256,
	                 event->case_sha256, "case.json", err)) != 0 ||
	        (rc = check_digest(&step->recipients, &custody->recipients, custody->recipients_sha256,
	                 event->recipients_sha256, "recipients", err)) != 0 ||
	        (rc = check_digest(&step->allowed_signers, &custody->allowed_signers, custody->signers_sha256,
	                 event->signers_sha256, "allowed_signers", err)) != 0)
		return rc;
	vst_sha256(step->event.data, step->event.len, next->event_sha256);
	vst_merkle_leaf(step->event.data, step->event.len, next->leaf);
	next->tree = custody->tree;
	vst_merkle_append(&next->tree, next->leaf);
	vst_merkle_root(&next->tree, next->root);
	if (event->number == 0)
		return read_genesis(next, err);
	next->log_key = &custody->file->log_key;
	return 0;
}

void vst_custody_next_free(struct custody_next *next)
{
	vst_event_free(next->event);
	vst_case_file_free(next->file);
	vst_signers_free(&next->listed);
	vst_signers_free(&next->signers);
	free(next->fingerprints);
}

/* ---- rule 3: who ---- */

int vst_custody_find_signer(const struct vst_custody *custody, struct custody_next *next,
        const struct vst_ssh_public *key, struct vst_err *err)
{
	const struct vst_signers *allowed = next->event->number == 0 ? &next->listed : &custody->signers;
	const struct vst_signers_entry *once = vst_signers_find(&custody->all, key);

	next->who = vst_signers_find(allowed, key);
	if (!next->who && !once)
		return vst_custody_broken(err, 3, "signed by a key that the log does not know");
	if (!next->who && vst_signers_is_collector(once))
		return vst_custody_broken(
		        err, 5, "signed by a collector key that was used or replaced before");
	if (!next->who)
		return vst_custody_broken(err, 3, "signed by %s, who may not sign any more", once->principal);
	next->by_collector = vst_signers_is_collector(next->who);
	if (strcmp(next->who->principal, next->event->actor) != 0)
		return vst_custody_broken(err, 3, "the event names %s as its actor, but %s signed it",
		        next->event->actor, next->who->principal);
	return 0;
}

/* ---- taking an event in ---- */

/* What has to be allocated before anything of the state changes. */
struct intake {
	struct vst_buf case_bytes, recipients, allowed_signers;
	bool new_all;
	struct vst_signers all;
};

static int copy_if_new(
        const struct vst_bytes *bytes, const struct vst_buf *known, struct vst_buf *out, struct vst_err *err)
{
	if (same_bytes(bytes, known))
		return 0;
	vst_buf_bytes(out, bytes->data, bytes->len);
	return vst_buf_check(out, err);
}

/* Room for one more. */
static int grow(void **list, size_t *cap, size_t count, size_t size, struct vst_err *err)
{
	size_t want = *cap ? *cap * 2 : 16;
	void *grown;

	if (count < *cap)
		return 0;
	grown = want > *cap ? vst_realloc(*list, want, size) : NULL;
	if (!grown)
		return vst_err_nomem(err);
	*list = grown;
	*cap = want;
	return 0;
}

/* realloc keeps the old bytes, so more room than needed leaves the log as it was. */
static int reserve(struct vst_custody *custody, struct vst_err *err)
{
	void *leaves = custody->leaves, *exhibits = custody->exhibits;
	int rc;

	rc = grow(&leaves, &custody->leaf_cap, (size_t)custody->tree.size, sizeof *custody->leaves, err);
	custody->leaves = leaves;
	if (rc == 0)
		rc = grow(&exhibits, &custody->exhibit_cap, custody->exhibit_count, sizeof *custody->exhibits,
		        err);
	custody->exhibits = exhibits;
	if (rc != 0 || (rc = vst_key_index_reserve(&custody->numbers, 1, err)) != 0)
		return rc;
	return vst_key_index_reserve(&custody->payloads, 1, err);
}

/* Adds to `all` every key of `set` that it does not have. */
static int unite(struct vst_signers *all, const struct vst_signers *set, struct vst_err *err)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct vst_signers_entry *entry = &set->list[i];
		int rc = vst_signers_find(all, &entry->key)
		                 ? 0
		                 : vst_signers_add(all, entry->principal, &entry->key, err);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static size_t count_unknown(const struct vst_signers *all, const struct vst_signers *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		if (!vst_signers_find(all, &set->list[i].key))
			count++;
	return count;
}

/*
 * The last step that can fail. One new key, as nearly all events bring, is added in place: that succeeds or
 * changes nothing. Of several, the last may fail, so a copy takes them in.
 */
static int name_keys(struct vst_custody *custody, const struct custody_next *next, struct intake *intake,
        struct vst_err *err)
{
	const struct vst_signers *set = next->event->number == 0 ? &next->listed : &next->signers;
	int rc;

	if (count_unknown(&custody->all, set) <= 1)
		return unite(&custody->all, set, err);
	intake->new_all = true;
	if ((rc = unite(&intake->all, &custody->all, err)) != 0)
		return rc;
	return unite(&intake->all, set, err);
}

static int prepare(struct vst_custody *custody, const struct custody_next *next, struct intake *intake,
        struct vst_err *err)
{
	const struct vst_custody_step *step = next->step;
	int rc;

	if ((rc = copy_if_new(&step->case_file, &custody->case_bytes, &intake->case_bytes, err)) != 0 ||
	        (rc = copy_if_new(&step->recipients, &custody->recipients, &intake->recipients, err)) != 0 ||
	        (rc = copy_if_new(&step->allowed_signers, &custody->allowed_signers, &intake->allowed_signers,
	                 err)) != 0 ||
	        (rc = reserve(custody, err)) != 0)
		return rc;
	return name_keys(custody, next, intake, err);
}

static void swap_bufs(struct vst_buf *a, struct vst_buf *b)
{
	struct vst_buf keep = *a;

	*a = *b;
	*b = keep;
}

static void take_in_files(struct vst_custody *custody, const struct vst_event *event, struct intake *intake)
{
	if (intake->case_bytes.len > 0)
		swap_bufs(&custody->case_bytes, &intake->case_bytes);
	if (intake->recipients.len > 0)
		swap_bufs(&custody->recipients, &intake->recipients);
	if (intake->allowed_signers.len > 0)
		swap_bufs(&custody->allowed_signers, &intake->allowed_signers);
	memcpy(custody->case_sha256, event->case_sha256, VST_HASH_LEN);
	memcpy(custody->recipients_sha256, event->recipients_sha256, VST_HASH_LEN);
	memcpy(custody->signers_sha256, event->signers_sha256, VST_HASH_LEN);
}

static void take_in_signers(struct vst_custody *custody, struct custody_next *next, struct intake *intake)
{
	if (intake->new_all) {
		vst_signers_free(&custody->all);
		custody->all = intake->all;
		intake->all = (struct vst_signers){0};
	}
	if (next->new_signers) {
		vst_signers_free(&custody->signers); /* next->who pointed into it */
		next->who = NULL;
		custody->signers = next->signers;
		next->signers = (struct vst_signers){0};
	}
}

static void take_in_exhibit(struct vst_custody *custody, const struct custody_next *next)
{
	uint8_t digest[VST_HASH_LEN];

	vst_custody_number_digest(next->exhibit.number, digest);
	vst_key_index_put(&custody->numbers, digest, custody->exhibit_count);
	custody->exhibits[custody->exhibit_count++] = next->exhibit;
	if (next->exhibit.seal) {
		vst_key_index_put(&custody->payloads, next->exhibit.seal->payload_sha256, 0);
		custody->latest = custody->exhibit_count;
	}
}

/* That the log has them was checked. */
static void take_in_disposal(struct vst_custody *custody, const struct vst_event *event)
{
	for (size_t i = 0; i < event->dispose.exhibit_count; i++) {
		uint8_t digest[VST_HASH_LEN];
		uint64_t place;

		vst_custody_number_digest(event->dispose.exhibits[i].exhibit, digest);
		if (!vst_key_index_get(&custody->numbers, digest, &place))
			continue;
		custody->exhibits[place].disposed = event->number;
		custody->exhibits[place].disposed_time = event->time;
		custody->disposed_count++;
	}
}

static void take_in(struct vst_custody *custody, struct custody_next *next, struct intake *intake)
{
	memcpy(custody->leaves[custody->tree.size], next->leaf, VST_HASH_LEN);
	if (custody->tree.size == 0)
		memcpy(custody->genesis_sha256, next->event_sha256, VST_HASH_LEN);
	custody->tree = next->tree;
	memcpy(custody->last_sha256, next->event_sha256, VST_HASH_LEN);
	if (next->file) {
		custody->file = next->file;
		next->file = NULL;
	}
	take_in_files(custody, next->event, intake);
	take_in_signers(custody, next, intake);
	if (next->new_recipients) {
		free(custody->fingerprints);
		custody->fingerprints = next->fingerprints;
		custody->fingerprint_count = next->fingerprint_count;
		next->fingerprints = NULL;
	}
	if (next->adds_exhibit)
		take_in_exhibit(custody, next);
	if (next->event->type == VST_EVENT_DISPOSE)
		take_in_disposal(custody, next->event);
	free_last(custody);
	custody->last = next->event;
	next->event = NULL;
}

static void free_intake(struct intake *intake)
{
	vst_buf_free(&intake->case_bytes);
	vst_buf_free(&intake->recipients);
	vst_buf_free(&intake->allowed_signers);
	vst_signers_free(&intake->all);
}

/*
 * Who signed comes before what it says: the files of a step are taken apart only after their digests, which
 * the signed event states, were found right (genesis brings its own signers and has to be read first).
 */
int vst_custody_apply(struct vst_custody *custody, const struct vst_custody_step *step, struct vst_err *err)
{
	struct custody_next next = {.step = step};
	struct intake intake = {0};
	int rc;

	if ((rc = vst_custody_read_next(custody, &next, err)) != 0 ||
	        (rc = vst_custody_check_signature(custody, &next, err)) != 0 ||
	        (rc = vst_custody_check_payload(&next, err)) != 0 ||
	        (rc = vst_custody_check_checkpoint(&next, err)) != 0 ||
	        (rc = vst_custody_check_rules(custody, &next, err)) != 0 ||
	        (rc = prepare(custody, &next, &intake, err)) != 0) {
		vst_err_prepend(err, "event %llu", (unsigned long long)custody->tree.size);
		goto out;
	}
	take_in(custody, &next, &intake);
out:
	free_intake(&intake);
	vst_custody_next_free(&next);
	return rc;
}

/* ---- what the log says ---- */

uint64_t vst_custody_size(const struct vst_custody *custody)
{
	return custody->tree.size;
}

void vst_custody_root(const struct vst_custody *custody, uint8_t ret[VST_HASH_LEN])
{
	vst_merkle_root(&custody->tree, ret);
}

int vst_custody_root_at(const struct vst_custody *custody, uint64_t size, uint8_t ret[VST_HASH_LEN])
{
	if (size > custody->tree.size)
		return VST_EUSAGE;
	vst_merkle_root_of(vst_custody_leaves(custody), size, ret);
	return 0;
}

const uint8_t *vst_custody_leaves(const struct vst_custody *custody)
{
	return (const uint8_t *)custody->leaves;
}

int vst_custody_genesis(const struct vst_custody *custody, uint8_t ret[VST_HASH_LEN])
{
	if (custody->tree.size == 0)
		return VST_ENOTFOUND;
	memcpy(ret, custody->genesis_sha256, VST_HASH_LEN);
	return 0;
}

const struct vst_event *vst_custody_last(const struct vst_custody *custody)
{
	return custody->last;
}

const struct vst_case_file *vst_custody_case(const struct vst_custody *custody)
{
	return custody->file;
}

const struct vst_signers *vst_custody_signers(const struct vst_custody *custody)
{
	return &custody->signers;
}

const struct vst_signers *vst_custody_all_signers(const struct vst_custody *custody)
{
	return &custody->all;
}

static struct vst_bytes bytes_of(const struct vst_buf *buf)
{
	return (struct vst_bytes){buf->data, buf->len};
}

struct vst_bytes vst_custody_recipients(const struct vst_custody *custody)
{
	return bytes_of(&custody->recipients);
}

struct vst_bytes vst_custody_allowed_signers(const struct vst_custody *custody)
{
	return bytes_of(&custody->allowed_signers);
}

struct vst_bytes vst_custody_case_bytes(const struct vst_custody *custody)
{
	return bytes_of(&custody->case_bytes);
}

const uint8_t *vst_custody_fingerprints(const struct vst_custody *custody, size_t *ret_count)
{
	*ret_count = custody->fingerprint_count;
	return (const uint8_t *)custody->fingerprints;
}

size_t vst_custody_exhibit_count(const struct vst_custody *custody)
{
	return custody->exhibit_count;
}

const struct vst_custody_exhibit *vst_custody_exhibit_at(const struct vst_custody *custody, size_t i)
{
	return i < custody->exhibit_count ? &custody->exhibits[i] : NULL;
}

const struct vst_custody_exhibit *vst_custody_exhibit_find(const struct vst_custody *custody, uint64_t number)
{
	uint8_t digest[VST_HASH_LEN];
	uint64_t place;

	vst_custody_number_digest(number, digest);
	return vst_key_index_get(&custody->numbers, digest, &place) ? &custody->exhibits[place] : NULL;
}

const struct vst_custody_exhibit *vst_custody_exhibit_latest(const struct vst_custody *custody)
{
	return custody->latest ? &custody->exhibits[custody->latest - 1] : NULL;
}
