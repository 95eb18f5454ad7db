#include "compare/lengths.h"

#include <stdlib.h>
#include <string.h>

#include "compare/facts_member.h"
#include "vestige/err.h"
#include "vestige/expand.h"
#include "vestige/hash.h"
#include "vestige/json.h"
#include "vestige/json_pull.h"
#include "vestige/mem.h"
#include "vestige/scratch.h"

#define LOOKS_MAX 4096 /* members of a family */
#define SPOOL_BUFFER ((size_t)256 * 1024)

struct vst_lengths {
	uint64_t wanted[VST_LENGTHS_MAX]; /* rising */
	size_t count, next;
	uint8_t digests[VST_LENGTHS_MAX][VST_HASH_LEN];
	struct vst_hash *hash;
	uint64_t at; /* bytes hashed */
	/* The first bytes tell whether it is compressed; if so it is kept until its end, and expanded then. */
	uint8_t first[VST_EXPAND_MAGIC];
	size_t first_len;
	bool decided, compressed;
	int scratch_fd;
	struct vst_scratch *spool;
	uint64_t spool_at;
};

/* ---- which lengths ---- */

static int compare_sizes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void want(struct vst_lengths *l, uint64_t size)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->wanted[i] == size)
			return;
	if (size > 0 && l->count < VST_LENGTHS_MAX)
		l->wanted[l->count++] = size;
}

/* A sparse file's size in the record is that of its data: it is no log that was appended to. */
static bool is_plain(const struct vst_family_member *member)
{
	return !(member->record.flags & VST_SERIES_SPARSE);
}

static void want_family(
        struct vst_lengths *l, const struct vst_families *families, const struct vst_item *item)
{
	const struct vst_family_member *same =
	        vst_families_by_inode(families, item->dev_major, item->dev_minor, item->ino);
	size_t count;
	const struct vst_family_member *members =
	        vst_families_of(families, vst_family_of(item->source, item->path), &count);
	if (same && is_plain(same))
		want(l, same->record.size);
	size_t looks = 0; /* a hostile host has families of any size, and all of one length */
	for (size_t i = count; i > 0 && l->count < VST_LENGTHS_MAX && looks < LOOKS_MAX;
	        i--, looks++) /* newest first */
		if (is_plain(&members[i - 1]))
			want(l, members[i - 1].record.size);
	qsort(l->wanted, l->count, sizeof *l->wanted, compare_sizes);
}

/* Whether the earlier exhibit had the very file: at this place or, where it was only renamed, at another. */
static bool is_known(const struct vst_families *families, const struct vst_item *item, bool any)
{
	uint8_t path[VST_HASH_LEN];
	const struct vst_family_member *same =
	        vst_families_by_inode(families, item->dev_major, item->dev_minor, item->ino);
	if (!same)
		return false;
	vst_item_path_digest(item->source, item->path, path);
	return (!any && memcmp(same->record.path, path, VST_HASH_LEN) == 0) ||
	       (same->record.size == item->size && same->record.mtime == item->mtime);
}

int vst_lengths_begin(const struct vst_families *families, const struct vst_item *item, int scratch_fd,
        bool any, struct vst_lengths **ret, struct vst_err *err)
{
	*ret = NULL;
	if (item->type != VST_ITEM_FILE || item->is_sparse || !item->has_stat ||
	        is_known(families, item, any))
		return 0;
	struct vst_lengths *l = vst_calloc(1, sizeof *l);
	if (!l)
		return vst_err_nomem(err);
	l->scratch_fd = scratch_fd;
	want_family(l, families, item);
	int rc = l->count > 0 ? vst_hash_new(&l->hash, VST_HASH_SHA256, err) : 0;
	if (rc != 0 || l->count == 0) {
		vst_lengths_free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

void vst_lengths_free(struct vst_lengths *l)
{
	if (!l)
		return;
	vst_hash_free(l->hash);
	vst_scratch_free(l->spool);
	free(l);
}

/* ---- content ---- */

static int hash(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct vst_lengths *l = ctx;
	const uint8_t *at = data;
	int rc = 0;
	while (rc == 0 && len > 0 && l->next < l->count) {
		uint64_t left = l->wanted[l->next] - l->at;
		size_t n = len < left ? len : (size_t)left;
		vst_hash_update(l->hash, at, n);
		l->at += n;
		at += n;
		len -= n;
		if (l->at == l->wanted[l->next])
			rc = vst_hash_peek(l->hash, VST_HASH_SHA256, l->digests[l->next++], err);
	}
	return rc;
}

static int take(struct vst_lengths *l, const void *data, size_t len, struct vst_err *err)
{
	return l->compressed ? vst_scratch_append(l->spool, data, len, err) : hash(l, data, len, err);
}

static int decide(struct vst_lengths *l, struct vst_err *err)
{
	l->decided = true;
	l->compressed = l->scratch_fd >= 0 && vst_expand_knows(l->first, l->first_len);
	int rc = l->compressed ? vst_scratch_new(l->scratch_fd, SPOOL_BUFFER, &l->spool, err) : 0;
	return rc == 0 ? take(l, l->first, l->first_len, err) : rc;
}

int vst_lengths_data(struct vst_lengths *l, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *at = data;
	int rc = 0;
	if (!l->decided) {
		size_t n = sizeof l->first - l->first_len;
		if (n > len)
			n = len;
		memcpy(l->first + l->first_len, at, n);
		l->first_len += n;
		at += n;
		len -= n;
		if (l->first_len == sizeof l->first)
			rc = decide(l, err);
	}
	return rc == 0 && len > 0 ? take(l, at, len, err) : rc;
}

static int read_spool(void *ctx, void *data, size_t len, size_t *ret_len, struct vst_err *err)
{
	struct vst_lengths *l = ctx;
	uint64_t left = vst_scratch_size(l->spool) - l->spool_at;
	*ret_len = len < left ? len : (size_t)left;
	int rc = *ret_len > 0 ? vst_scratch_read(l->spool, l->spool_at, data, *ret_len, err) : 0;
	l->spool_at += *ret_len;
	return rc;
}

/* What is damaged holds as much as came out. */
static int expand(struct vst_lengths *l, struct vst_err *err)
{
	const struct vst_expand how = {
	        .read = read_spool, .data = hash, .ctx = l, .max = l->wanted[l->count - 1]};
	struct vst_err why = VST_ERR_INIT;
	bool whole;
	int rc = vst_expand(&how, &whole, &why);
	if (rc == 0 || rc == VST_EFORMAT || rc == VST_EUNSUPPORTED)
		return 0;
	if (err)
		*err = why;
	return rc;
}

int vst_lengths_end(struct vst_lengths *l, struct vst_buf *ret_value, struct vst_err *err)
{
	int rc = l->decided ? 0 : decide(l, err);
	if (rc == 0 && l->compressed)
		rc = expand(l, err);
	if (rc != 0 || l->next == 0)
		return rc;
	struct vst_json json = vst_json_begin(ret_value);
	vst_json_object(&json);
	vst_json_key(&json, "expanded");
	vst_json_bool(&json, l->compressed);
	vst_json_key(&json, "at");
	vst_json_array(&json);
	for (size_t i = 0; i < l->next; i++) {
		vst_json_array(&json);
		vst_json_uint(&json, l->wanted[i]);
		vst_json_hex(&json, l->digests[i], VST_HASH_LEN);
		vst_json_end(&json);
	}
	vst_json_end(&json);
	vst_json_end(&json);
	return vst_buf_check(ret_value, err);
}

/* ---- what is held ---- */

struct held {
	uint64_t size, seq;
	uint8_t sha256[VST_HASH_LEN];
};

struct vst_held {
	struct held *list;
	size_t count, cap;
};

static int compare_held(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return memcmp(x->sha256, y->sha256, VST_HASH_LEN);
}

static int hold(struct vst_held *held, const struct held *one, struct vst_err *err)
{
	struct held *list = vst_grow(held->list, held->count, &held->cap, sizeof *list);
	if (!list)
		return vst_err_nomem(err);
	held->list = list;
	held->list[held->count++] = *one;
	return 0;
}

static int read_value(struct vst_held *held, uint64_t seq, void *value, size_t len, struct vst_err *err)
{
	struct vst_json_pull in = vst_json_pull_of(value, len, NULL);
	int rc = 0;
	vst_json_pull_enter_object(&in, NULL);
	(void)vst_json_pull_bool(&in, "expanded");
	vst_json_pull_enter_array(&in, "at");
	while (rc == 0 && vst_json_pull_more(&in)) {
		struct held one = {.seq = seq};
		vst_json_pull_enter_array(&in, NULL);
		one.size = vst_json_pull_uint(&in, NULL);
		vst_json_pull_hex(&in, NULL, one.sha256, VST_HASH_LEN);
		vst_json_pull_leave_array(&in);
		if (in.rc == 0)
			rc = hold(held, &one, err);
	}
	return rc;
}

static int read_facts(struct vst_held *held, struct vst_series_index *index, uint64_t seq,
        const struct vst_series_record *record, struct vst_err *err)
{
	struct vst_buf facts = VST_BUF_INIT;
	size_t at, len;
	int rc = vst_series_line(index, record, NULL, &facts, err);
	if (rc == 0 && facts_member((const char *)facts.data, facts.len, VST_LENGTHS_NAME, &at, &len))
		rc = read_value(held, seq, facts.data + at, len, err);
	vst_buf_free(&facts);
	return rc;
}

int vst_held_new(struct vst_series_index *index, struct vst_held **ret, struct vst_err *err)
{
	struct vst_held *held = vst_calloc(1, sizeof *held);
	struct vst_series_record record;
	int rc = held ? 0 : vst_err_nomem(err);
	uint64_t seq, count = vst_series_listed(index, VST_SERIES_WITH_FACTS);
	for (uint64_t i = 0; rc == 0 && i < count; i++)
		if (vst_series_listed_at(index, VST_SERIES_WITH_FACTS, i, &seq, &record))
			rc = read_facts(held, index, seq, &record, err);
	if (rc != 0) {
		vst_held_free(held);
		return rc;
	}
	if (held->count > 0)
		qsort(held->list, held->count, sizeof *held->list, compare_held);
	*ret = held;
	return 0;
}

void vst_held_free(struct vst_held *held)
{
	if (!held)
		return;
	free(held->list);
	free(held);
}

bool vst_held_find(
        const struct vst_held *held, uint64_t size, const uint8_t sha256[VST_HASH_LEN], uint64_t *ret_seq)
{
	struct held key = {.size = size};
	memcpy(key.sha256, sha256, VST_HASH_LEN);
	const struct held *found =
	        held->count > 0 ? bsearch(&key, held->list, held->count, sizeof *held->list, compare_held)
	                        : NULL;
	if (found)
		*ret_seq = found->seq;
	return found != NULL;
}
