/* The index, the leaves, and the ways to an item's record. */
#include <stdlib.h>
#include <string.h>

#include "exhibit/exhibit_state.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"
#include "vestige/merkle.h"
#include "vestige/reader.h"

#define RECORDS_AT_ONCE 1024

struct probe {
	uint8_t digest[VST_HASH_LEN];
	uint64_t seq;
	struct vst_exhibit_record record;
};

static uint64_t key_of(const uint8_t digest[VST_HASH_LEN])
{
	struct vst_reader in = vst_reader_of(digest, VST_HASH_LEN);
	uint64_t key = 0;

	(void)vst_reader_u64be(&in, &key);
	return key;
}

static int parse_record(
        const struct vst_exhibit *exhibit, const uint8_t *data, struct probe *ret, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(data, VST_INDEX_RECORD_LEN);
	uint64_t tar_size = vst_tar_stream_size(exhibit->stream);
	struct vst_exhibit_record *record = &ret->record;
	const uint8_t *digest = NULL;
	uint32_t seq = 0;

	if (!vst_reader_bytes(&in, VST_HASH_LEN, &digest) || !vst_reader_u32le(&in, &seq) ||
	        !vst_reader_u32le(&in, &record->line_len) || !vst_reader_u64le(&in, &record->tar_offset) ||
	        !vst_reader_u64le(&in, &record->line_offset) || !vst_reader_at_end(&in))
		return vst_err_set(err, VST_EFORMAT, "index: record cut short");
	memcpy(ret->digest, digest, VST_HASH_LEN);
	ret->seq = seq;
	record->path = key_of(digest);
	if (seq >= exhibit->items || record->line_len == 0 || record->line_len > VST_MANIFEST_LINE_MAX ||
	        record->line_offset >= tar_size || record->line_len >= tar_size - record->line_offset ||
	        (record->tar_offset != UINT64_MAX && record->tar_offset >= exhibit->index_offset))
		return vst_err_set(err, VST_EFORMAT, "index: a record points out of the exhibit");
	return 0;
}

static int read_probe(struct vst_exhibit *exhibit, uint64_t at, struct probe *ret, struct vst_err *err)
{
	uint8_t data[VST_INDEX_RECORD_LEN];
	int rc = vst_tar_stream_read(
	        exhibit->stream, exhibit->index_offset + at * VST_INDEX_RECORD_LEN, data, sizeof data, err);

	return rc != 0 ? rc : parse_record(exhibit, data, ret, err);
}

/* Where a key would stand if digests lay evenly between both ends: they are digests, so they nearly do. */
static uint64_t guess(uint64_t low, uint64_t high, uint64_t low_key, uint64_t high_key, uint64_t key)
{
	long double share;
	uint64_t at;

	if (high_key <= low_key || key <= low_key)
		return low;
	share = (long double)(key - low_key) / (long double)(high_key - low_key);
	at = low + (uint64_t)(share * (long double)(high - low));
	return at >= high ? high - 1 : at;
}

int vst_exhibit_probe(struct vst_exhibit *exhibit, const uint8_t digest[VST_HASH_LEN], uint64_t *ret_seq,
        struct vst_exhibit_record *ret, struct vst_err *err)
{
	uint64_t low = 0, high = exhibit->items, key = key_of(digest);
	uint8_t low_digest[VST_HASH_LEN] = {0}, high_digest[VST_HASH_LEN];
	bool halve = false;

	memset(high_digest, 0xff, sizeof high_digest);
	while (low < high) {
		/* Every second step halves, so that an index made to mislead costs twice a binary search. */
		uint64_t at = halve ? low + (high - low) / 2
		                    : guess(low, high, key_of(low_digest), key_of(high_digest), key);
		struct probe probe;
		int order, rc = read_probe(exhibit, at, &probe, err);

		if (rc != 0)
			return rc;
		if (memcmp(probe.digest, low_digest, VST_HASH_LEN) < 0 ||
		        memcmp(probe.digest, high_digest, VST_HASH_LEN) > 0)
			return vst_err_set(err, VST_ETAMPERED, "index: not in order");
		if ((order = memcmp(digest, probe.digest, VST_HASH_LEN)) == 0) {
			*ret_seq = probe.seq;
			*ret = probe.record;
			return 0;
		}
		if (order > 0) {
			low = at + 1;
			memcpy(low_digest, probe.digest, VST_HASH_LEN);
		} else {
			high = at;
			memcpy(high_digest, probe.digest, VST_HASH_LEN);
		}
		halve = !halve;
	}
	return vst_err_set(err, VST_ENOTFOUND, "no such item");
}

int vst_exhibit_load_leaves(struct vst_exhibit *exhibit, struct vst_err *err)
{
	uint8_t root[VST_HASH_LEN];
	uint8_t *leaves;
	int rc;

	if (exhibit->leaves)
		return 0;
	/* One byte more, so that an exhibit without items has leaves too. */
	if (exhibit->items > (SIZE_MAX - 1) / VST_HASH_LEN ||
	        !(leaves = vst_alloc((size_t)exhibit->items * VST_HASH_LEN + 1)))
		return vst_err_nomem(err);
	rc = vst_tar_stream_read(
	        exhibit->stream, exhibit->leaves_offset, leaves, (size_t)exhibit->items * VST_HASH_LEN, err);
	if (rc != 0) {
		vst_err_prepend(err, "leaves");
		goto out;
	}
	vst_merkle_root_of(leaves, exhibit->items, root);
	if (memcmp(root, exhibit->root, sizeof root) != 0) {
		rc = vst_err_set(err, VST_ETAMPERED, "the leaf hashes do not give the sealed Merkle root");
		goto out;
	}
	exhibit->leaves = leaves;
	leaves = NULL;
out:
	free(leaves);
	return rc;
}

/* ---- all records, by seq ---- */

struct loading {
	struct vst_exhibit_record *records;
	struct vst_hash *hash;
	uint8_t last[VST_HASH_LEN];
	bool any;
};

static int load_record(
        const struct vst_exhibit *exhibit, struct loading *loading, const uint8_t *data, struct vst_err *err)
{
	struct probe probe;
	int rc = parse_record(exhibit, data, &probe, err);

	if (rc != 0)
		return rc;
	if (loading->any && memcmp(loading->last, probe.digest, VST_HASH_LEN) >= 0)
		return vst_err_set(err, VST_ETAMPERED, "index: not in order");
	if (loading->records[probe.seq].line_len != 0)
		return vst_err_set(
		        err, VST_ETAMPERED, "index: item %llu is there twice", (unsigned long long)probe.seq);
	memcpy(loading->last, probe.digest, VST_HASH_LEN);
	loading->any = true;
	loading->records[probe.seq] = probe.record;
	return 0;
}

static int load_all(struct vst_exhibit *exhibit, struct loading *loading, struct vst_err *err)
{
	uint8_t *data = vst_alloc((size_t)RECORDS_AT_ONCE * VST_INDEX_RECORD_LEN);
	int rc = data ? 0 : vst_err_nomem(err);

	for (uint64_t done = 0; rc == 0 && done < exhibit->items;) {
		uint64_t left = exhibit->items - done;
		size_t count = left < RECORDS_AT_ONCE ? (size_t)left : RECORDS_AT_ONCE;

		rc = vst_tar_stream_read(exhibit->stream, exhibit->index_offset + done * VST_INDEX_RECORD_LEN,
		        data, count * VST_INDEX_RECORD_LEN, err);
		if (rc == 0)
			vst_hash_update(loading->hash, data, count * VST_INDEX_RECORD_LEN);
		for (size_t i = 0; rc == 0 && i < count; i++)
			rc = load_record(exhibit, loading, data + i * VST_INDEX_RECORD_LEN, err);
		done += count;
	}
	free(data);
	return rc;
}

int vst_exhibit_load_records(struct vst_exhibit *exhibit, struct vst_err *err)
{
	struct loading loading = {0};
	int rc;

	if (exhibit->records)
		return 0;
	if ((rc = vst_hash_new(&loading.hash, VST_HASH_SHA256, err)) != 0)
		return rc;
	loading.records = exhibit->items < SIZE_MAX
	                          ? vst_calloc((size_t)exhibit->items + 1, sizeof *loading.records)
	                          : NULL;
	if (!loading.records) {
		rc = vst_err_nomem(err);
		goto out;
	}
	/* As many records as items, none twice: so each has one. */
	if ((rc = load_all(exhibit, &loading, err)) != 0)
		goto out;
	if (memcmp(vst_hash_final(loading.hash, VST_HASH_SHA256), exhibit->index_sha256, VST_HASH_LEN) != 0) {
		rc = vst_err_set(err, VST_ETAMPERED, "index: not what the trailer's digest says");
		goto out;
	}
	exhibit->records = loading.records;
	loading.records = NULL;
out:
	free(loading.records);
	vst_hash_free(loading.hash);
	return rc;
}

/* ---- by leaf hash ---- */

static int compare_by_leaf(const void *a, const void *b, void *ctx)
{
	const uint32_t *x = a, *y = b;
	const uint8_t *leaves = ctx;
	int order =
	        memcmp(leaves + (size_t)*x * VST_HASH_LEN, leaves + (size_t)*y * VST_HASH_LEN, VST_HASH_LEN);

	return order != 0 ? order : *x < *y ? -1 : *x > *y;
}

static int sort_by_leaf(struct vst_exhibit *exhibit, struct vst_err *err)
{
	if (exhibit->by_leaf)
		return 0;
	exhibit->by_leaf = vst_calloc((size_t)exhibit->items + 1, sizeof *exhibit->by_leaf);
	if (!exhibit->by_leaf)
		return vst_err_nomem(err);
	for (uint64_t i = 0; i < exhibit->items; i++)
		exhibit->by_leaf[i] = (uint32_t)i;
	qsort_r(exhibit->by_leaf, (size_t)exhibit->items, sizeof *exhibit->by_leaf, compare_by_leaf,
	        exhibit->leaves);
	return 0;
}

int vst_exhibit_seq_of_leaf(
        struct vst_exhibit *exhibit, const uint8_t leaf[VST_HASH_LEN], uint64_t *ret_seq, struct vst_err *err)
{
	uint64_t low = 0, high = exhibit->items;
	int rc;

	if ((rc = vst_exhibit_load_leaves(exhibit, err)) != 0 || (rc = sort_by_leaf(exhibit, err)) != 0)
		return rc;
	while (low < high) { /* the first that is not below `leaf` */
		uint64_t middle = low + (high - low) / 2;
		const uint8_t *have = exhibit->leaves + (size_t)exhibit->by_leaf[middle] * VST_HASH_LEN;

		if (memcmp(have, leaf, VST_HASH_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == exhibit->items || memcmp(exhibit->leaves + (size_t)exhibit->by_leaf[low] * VST_HASH_LEN,
	                                     leaf, VST_HASH_LEN) != 0)
		return vst_err_set(err, VST_ENOTFOUND, "no item has that leaf hash");
	*ret_seq = exhibit->by_leaf[low];
	return 0;
}
