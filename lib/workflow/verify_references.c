#include "workflow/verify_references.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/exhibit_reader.h"
#include "vestige/hash.h"
#include "vestige/mem.h"
#include "workflow/case_internal.h"
#include "workflow/exhibit_library.h"
#include "workflow/verify_internal.h"

#define REFERENCE_STATES 4096 /* running digests that are kept: of one file each */

/* What an entry holds. */
struct fact {
	uint64_t bytes;
	uint32_t seq;
	uint8_t sha256[VST_HASH_LEN];
	uint8_t form
	        [16]; /* of all else that a line says of content: other digests, the map of a sparse file */
};

struct facts {
	uint64_t exhibit;
	struct fact *list; /* by seq */
	size_t count, cap;
	bool sorted;
	bool checked; /* its contents were read and hashed in this run, or are just now */
	bool lacking; /* its manifest could not be had, and that was said */
};

/* A digest over the pieces of this list. */
struct running {
	uint8_t key[VST_HASH_LEN];
	struct vst_hash *hash; /* NULL: free */
};

struct verify_references {
	struct exhibit_library *library;
	verify_references_say *say;
	struct facts **facts;
	size_t count;
	struct running running[REFERENCE_STATES];

	/* the exhibit at hand */
	uint64_t number;
	void *ctx;
	uint64_t items;
	struct facts *own;
	uint64_t *later; /* items that have to be read */
	size_t later_count, later_cap;
};

int verify_references_new(const struct vst_case *c, const struct vst_age_identities *identities,
        verify_references_say *say, struct verify_references **ret, struct vst_err *err)
{
	struct verify_references *references = vst_calloc(1, sizeof *references);
	if (!references)
		return vst_err_nomem(err);
	references->say = say;
	int rc = exhibit_library_new(c, identities, &references->library, err);
	if (rc != 0) {
		free(references);
		return rc;
	}
	*ret = references;
	return 0;
}

static void facts_free(struct facts *facts)
{
	if (facts)
		free(facts->list);
	free(facts);
}

void verify_references_free(struct verify_references *references)
{
	if (!references)
		return;
	for (size_t i = 0; i < references->count; i++)
		facts_free(references->facts[i]);
	free(references->facts);
	for (size_t i = 0; i < REFERENCE_STATES; i++)
		vst_hash_free(references->running[i].hash);
	free(references->later);
	exhibit_library_free(references->library);
	free(references);
}

static int tell(const struct verify_references *references, const struct vst_item *item, const char *what)
{
	return references->say(
	        references->ctx, VST_TAMPERED, item ? item->source : NULL, item ? item->path : NULL, what);
}

/* ---- what entries hold ---- */

static void hash_uint(struct vst_hash *hash, uint64_t value)
{
	vst_hash_update(hash, &value, sizeof value);
}

/* Two items of one SHA-256 and one form say the same of their content. */
static int form_of(const struct vst_item *item, unsigned hashes, const uint8_t *sha1, const uint8_t *md5,
        uint8_t ret[16], struct vst_err *err)
{
	struct vst_hash *hash = NULL;
	memset(ret, 0, 16);
	if (hashes == VST_HASH_SHA256 && !item->is_sparse)
		return 0;
	int rc = vst_hash_new(&hash, VST_HASH_SHA256, err);
	if (rc != 0)
		return rc;
	hash_uint(hash, hashes);
	if (hashes & VST_HASH_SHA1)
		vst_hash_update(hash, sha1, VST_SHA1_LEN);
	if (hashes & VST_HASH_MD5)
		vst_hash_update(hash, md5, VST_MD5_LEN);
	hash_uint(hash, item->is_sparse ? item->size : 0);
	for (size_t i = 0; i < item->extent_count; i++) {
		hash_uint(hash, item->extents[i].offset);
		hash_uint(hash, item->extents[i].len);
	}
	if (item->has_whole_sha256)
		vst_hash_update(hash, item->whole_sha256, VST_HASH_LEN);
	memcpy(ret, vst_hash_final(hash, VST_HASH_SHA256), 16);
	vst_hash_free(hash);
	return 0;
}

static int add_fact(struct facts *facts, const struct vst_item *item, struct vst_err *err)
{
	struct fact fact = {.seq = (uint32_t)item->seq};
	if (!vst_item_holds(item, &fact.bytes) || fact.bytes == 0)
		return 0;
	int rc = form_of(item, item->hashes, item->sha1, item->md5, fact.form, err);
	if (rc != 0)
		return rc;
	memcpy(fact.sha256, item->sha256, sizeof fact.sha256);
	if (facts->count == facts->cap) {
		size_t cap = facts->cap ? facts->cap + facts->cap / 2 : 256;
		struct fact *list = vst_realloc(facts->list, cap, sizeof *list);
		if (!list)
			return vst_err_nomem(err);
		facts->list = list;
		facts->cap = cap;
	}
	if (facts->count > 0 && facts->list[facts->count - 1].seq >= fact.seq)
		facts->sorted = false; /* only in an exhibit that was tampered with */
	facts->list[facts->count++] = fact;
	return 0;
}

static int add_fact_of(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	return add_fact(ctx, entry->item, err);
}

static int compare_facts(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static const struct fact *find_fact(struct facts *facts, uint64_t seq)
{
	struct fact wanted = {.seq = (uint32_t)seq};
	if (!facts->sorted)
		qsort(facts->list, facts->count, sizeof *facts->list, compare_facts);
	facts->sorted = true;
	return facts->count > 0
	               ? bsearch(&wanted, facts->list, facts->count, sizeof *facts->list, compare_facts)
	               : NULL;
}

static int facts_new(
        struct verify_references *references, uint64_t number, struct facts **ret, struct vst_err *err)
{
	struct facts **more = vst_realloc(references->facts, references->count + 1, sizeof *more);
	if (!more)
		return vst_err_nomem(err);
	references->facts = more;
	struct facts *facts = vst_calloc(1, sizeof *facts);
	if (!facts)
		return vst_err_nomem(err);
	facts->exhibit = number;
	facts->sorted = true;
	more[references->count++] = facts;
	*ret = facts;
	return 0;
}

/* Once for each exhibit that cannot be looked into. */
static int say_lacking(struct verify_references *references, uint64_t number, int rc, struct vst_err *why)
{
	char text[VST_ERR_TEXT_MAX + 96];
	enum vst_verdict verdict = rc == VST_EKEY        ? VST_UNCHECKED
	                           : rc == VST_ENOTFOUND ? VST_MISSING
	                                                 : VST_TAMPERED;
	snprintf(text, sizeof text, "content of it is in EX%04llu, which could not be read: %s",
	        (unsigned long long)number, why->text);
	return references->say(references->ctx, verdict, NULL, NULL, text);
}

/* From the check of that exhibit, if there was one, else from its manifest. */
static int facts_for(
        struct verify_references *references, uint64_t number, struct facts **ret, struct vst_err *err)
{
	struct vst_exhibit *exhibit = NULL;
	struct vst_err why = VST_ERR_INIT;
	for (size_t i = 0; i < references->count; i++) {
		if (references->facts[i]->exhibit == number) {
			*ret = references->facts[i];
			return 0;
		}
	}
	int rc = facts_new(references, number, ret, err);
	if (rc != 0)
		return rc;
	rc = exhibit_library_open(references->library, number, &exhibit, &why);
	if (rc == 0)
		rc = vst_exhibit_list(exhibit, add_fact_of, *ret, &why);
	if (rc == 0)
		return 0;
	(*ret)->lacking = true;
	if (rc == VST_ENOTFOUND || rc == VST_EKEY || verify_is_finding(rc))
		return say_lacking(references, number, rc, &why);
	if (err)
		*err = why;
	return rc;
}

/* ---- one exhibit ---- */

/* Exhibits of a generation follow one another: what an older one holds is of no use any more. */
static void forget_others(struct verify_references *references, uint64_t number)
{
	size_t kept = 0;
	for (size_t i = 0; i < references->count; i++) {
		struct facts *facts = references->facts[i];
		bool useful = facts->exhibit != number &&
		              exhibit_library_allows(references->library, number, facts->exhibit, NULL) == 0;
		if (useful)
			references->facts[kept++] = facts;
		else
			facts_free(facts);
	}
	references->count = kept;
}

int verify_references_begin(
        struct verify_references *references, uint64_t number, void *ctx, struct vst_err *err)
{
	forget_others(references, number);
	references->number = number;
	references->ctx = ctx;
	references->items = 0;
	references->later_count = 0;
	int rc = facts_new(references, number, &references->own, err);
	if (rc == 0)
		references->own->checked = true;
	return rc;
}

static int read_later(struct verify_references *references, uint64_t seq, struct vst_err *err)
{
	uint64_t *later =
	        vst_grow(references->later, references->later_count, &references->later_cap, sizeof *later);
	if (!later)
		return vst_err_nomem(err);
	references->later = later;
	references->later[references->later_count++] = seq;
	return 0;
}

static int check_piece(struct verify_references *references, const struct vst_item *item,
        const struct vst_item_stored *piece, const struct fact **ret, bool *ret_checked, struct vst_err *err)
{
	char text[VST_ERR_TEXT_MAX + 96];
	struct vst_err why = VST_ERR_INIT;
	struct facts *facts = NULL;
	*ret = NULL;
	int rc = exhibit_library_allows(references->library, references->number, piece->exhibit, &why);
	if (rc != 0) {
		snprintf(text, sizeof text, "its content is said to be in EX%04llu: %s",
		        (unsigned long long)piece->exhibit, why.text);
		return tell(references, item, text);
	}
	if ((rc = facts_for(references, piece->exhibit, &facts, err)) != 0 || facts->lacking)
		return rc;
	*ret = find_fact(facts, piece->seq);
	*ret_checked = facts->checked;
	if (*ret && (*ret)->bytes == piece->bytes)
		return 0;
	*ret = NULL;
	snprintf(text, sizeof text,
	        "its content is said to be in EX%04llu, item %llu, which does not hold %llu bytes",
	        (unsigned long long)piece->exhibit, (unsigned long long)piece->seq,
	        (unsigned long long)piece->bytes);
	return tell(references, item, text);
}

/* All of it is in one place. */
static int check_only(struct verify_references *references, const struct vst_item *item,
        const struct fact *fact, bool checked, struct vst_err *err)
{
	const struct vst_item_whole *whole = &item->whole;
	uint8_t form[16];
	if (memcmp(fact->sha256, whole->sha256, VST_HASH_LEN) != 0)
		return tell(
		        references, item, "the entry that is said to hold its content has another digest");
	int rc = form_of(item, whole->hashes, whole->sha1, whole->md5, form, err);
	if (rc != 0)
		return rc;
	if (checked && (memcmp(form, fact->form, sizeof form) == 0 ||
	                       (whole->hashes == VST_HASH_SHA256 && !item->has_whole_sha256)))
		return 0;
	return read_later(references, item->seq, err);
}

int verify_references_item(
        struct verify_references *references, const struct vst_item *item, struct vst_err *err)
{
	const struct fact *fact = NULL;
	bool all = true, checked = false;
	int rc = add_fact(references->own, item, err);
	references->items += item->status == VST_ITEM_UNCHANGED || item->has_whole;
	if (rc != 0 || !item->has_whole)
		return rc;
	for (size_t i = 0; rc == 0 && i < item->whole.stored_count; i++) {
		rc = check_piece(references, item, &item->whole.stored[i], &fact, &checked, err);
		all = all && fact;
	}
	if (rc != 0 || !all)
		return rc;
	if (item->status == VST_ITEM_UNCHANGED && item->whole.stored_count == 1)
		return check_only(references, item, fact, checked, err);
	return read_later(references, item->seq, err);
}

/* ---- content of several pieces ---- */

static int swallow(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	(void)ctx;
	(void)data;
	(void)len;
	(void)err;
	return 0;
}

static int add_to_hash(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	(void)err;
	vst_hash_update(ctx, data, len);
	return 0;
}

static void key_next(uint8_t key[VST_HASH_LEN], const struct vst_item_stored *piece)
{
	const struct vst_part parts[] = {{key, VST_HASH_LEN}, {&piece->exhibit, sizeof piece->exhibit},
	        {&piece->seq, sizeof piece->seq}};
	vst_sha256_parts(parts, 3, key);
}

static struct running *running_at(struct verify_references *references, const uint8_t key[VST_HASH_LEN])
{
	return &references->running[(key[0] | (size_t)key[1] << 8) % REFERENCE_STATES];
}

/* The digest over as many of the first pieces as were read before, taken out; *ret_done says how many. */
static int resume(struct verify_references *references, unsigned hashes, const struct vst_item_stored *pieces,
        size_t count, size_t *ret_done, uint8_t ret_key[VST_HASH_LEN], struct vst_hash **ret,
        struct vst_err *err)
{
	uint8_t key[VST_HASH_LEN] = {0};
	struct running *best = NULL;
	key[0] = (uint8_t)hashes;
	memcpy(ret_key, key, sizeof key);
	*ret_done = 0;
	for (size_t i = 0; i < count; i++) {
		key_next(key, &pieces[i]);
		struct running *running = running_at(references, key);
		if (!running->hash || memcmp(running->key, key, sizeof key) != 0)
			continue;
		best = running;
		*ret_done = i + 1;
		memcpy(ret_key, key, sizeof key);
	}
	if (!best)
		return vst_hash_new(ret, hashes, err);
	*ret = best->hash;
	best->hash = NULL;
	return 0;
}

static int add_pieces(struct verify_references *references, struct vst_hash *hash,
        const struct vst_item_stored *pieces, size_t count, uint8_t key[VST_HASH_LEN], struct vst_err *err)
{
	const struct vst_output out = {hash, add_to_hash};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct vst_exhibit_entry entry = {0};
		struct vst_exhibit *exhibit = NULL;
		if ((rc = exhibit_library_open(references->library, pieces[i].exhibit, &exhibit, err)) == 0 &&
		        (rc = vst_exhibit_entry_at(exhibit, pieces[i].seq, &entry, err)) == 0)
			rc = vst_exhibit_stored(exhibit, &entry, &out, err);
		vst_exhibit_entry_free(&entry);
		key_next(key, &pieces[i]);
	}
	return rc;
}

static int compare(const struct vst_hash *hash, enum vst_hash_set algorithm, const uint8_t *want, size_t len,
        struct vst_err *err)
{
	uint8_t have[VST_SHA512_LEN];
	int rc = vst_hash_peek(hash, algorithm, have, err);
	if (rc != 0 || memcmp(have, want, len) == 0)
		return rc;
	return vst_err_set(err, VST_ETAMPERED, "the pieces of its content do not have its digest");
}

static int compare_all(const struct vst_hash *hash, const struct vst_item_whole *whole, struct vst_err *err)
{
	int rc = compare(hash, VST_HASH_SHA256, whole->sha256, VST_HASH_LEN, err);
	if (rc == 0 && whole->hashes & VST_HASH_SHA1)
		rc = compare(hash, VST_HASH_SHA1, whole->sha1, VST_SHA1_LEN, err);
	if (rc == 0 && whole->hashes & VST_HASH_MD5)
		rc = compare(hash, VST_HASH_MD5, whole->md5, VST_MD5_LEN, err);
	return rc;
}

/* Its pieces end to end, the last of them its own, and the digest kept for the exhibit that follows. */
static int read_pieces(struct verify_references *references, const struct vst_item *item, struct vst_err *err)
{
	size_t count = item->whole.stored_count, done = 0;
	struct vst_item_stored *pieces = vst_calloc(count + 1, sizeof *pieces);
	struct vst_hash *hash = NULL;
	uint8_t key[VST_HASH_LEN];
	if (!pieces)
		return vst_err_nomem(err);
	if (count > 0)
		memcpy(pieces, item->whole.stored, count * sizeof *pieces);
	if (vst_item_is_tail(item))
		pieces[count++] = (struct vst_item_stored){references->number, item->seq, item->size};
	int rc = resume(references, item->whole.hashes, pieces, count, &done, key, &hash, err);
	if (rc == 0)
		rc = add_pieces(references, hash, pieces + done, count - done, key, err);
	if (rc == 0 && (rc = compare_all(hash, &item->whole, err)) == 0) {
		struct running *running = running_at(references, key);
		vst_hash_free(running->hash);
		memcpy(running->key, key, sizeof key);
		running->hash = hash;
		hash = NULL;
	}
	vst_hash_free(hash);
	free(pieces);
	return rc;
}

static int read_item(
        struct verify_references *references, struct vst_exhibit *exhibit, uint64_t seq, struct vst_err *err)
{
	const struct vst_output nowhere = {NULL, swallow};
	struct vst_exhibit_entry entry = {0};
	struct vst_err why = VST_ERR_INIT;
	int rc = vst_exhibit_entry_at(exhibit, seq, &entry, &why);
	if (rc == 0 && entry.item->is_sparse)
		rc = vst_exhibit_content(exhibit, &entry, entry.item->has_whole_sha256, &nowhere, &why);
	else if (rc == 0)
		rc = read_pieces(references, entry.item, &why);
	if (rc != 0 && (verify_is_finding(rc) || rc == VST_ENOTFOUND))
		rc = tell(references, entry.item, why.text);
	else if (rc != 0 && err)
		*err = why;
	vst_exhibit_entry_free(&entry);
	return rc;
}

void verify_references_drop(struct verify_references *references)
{
	references->own->exhibit = 0;
	references->own->count = 0;
}

int verify_references_end(struct verify_references *references, uint64_t *ret_items, struct vst_err *err)
{
	struct exhibit_referrer referrer = {references->library, references->number};
	struct vst_exhibit *exhibit = NULL;
	struct vst_err why = VST_ERR_INIT;
	int rc = 0;
	*ret_items = references->items;
	if (references->later_count == 0)
		return 0;
	if ((rc = exhibit_library_open(references->library, references->number, &exhibit, &why)) != 0) {
		if (verify_is_finding(rc))
			return tell(references, NULL, why.text);
		if (err)
			*err = why;
		return rc;
	}
	exhibit_library_lend(&referrer, exhibit);
	for (size_t i = 0; rc == 0 && i < references->later_count; i++)
		rc = read_item(references, exhibit, references->later[i], err);
	vst_exhibit_set_library(exhibit, &(struct vst_exhibit_library){0});
	return rc;
}
