#include <string.h>

#include "exhibit/check_state.h"
#include "vestige/err.h"
#include "vestige/reader.h"

static int one_difference(
        struct vst_check *check, struct vst_err *err, const char *what, uint64_t number, const char *why)
{
	if (check->differs)
		return 0;
	check->differs = true;
	return vst_check_problem(check, NULL, NULL, err, "%s %llu %s", what, (unsigned long long)number, why);
}

/* Gives every whole piece of `size` bytes to `take`. */
static int pieces(struct vst_check *check, const uint8_t *data, size_t len, size_t size,
        int (*take)(struct vst_check *, const uint8_t *, struct vst_err *), struct vst_err *err)
{
	int rc = 0;

	while (len > 0 && rc == 0) {
		size_t some = size - check->part_len;

		if (check->part_len == 0 && len >= size) {
			rc = take(check, data, err);
			some = size;
		} else {
			some = some < len ? some : len;
			memcpy(check->part + check->part_len, data, some);
			check->part_len += some;
			if (check->part_len == size) {
				check->part_len = 0;
				rc = take(check, check->part, err);
			}
		}
		data += some;
		len -= some;
	}
	return rc;
}

/* ---- index ---- */

static int take_record(struct vst_check *check, const uint8_t *record, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(record + VST_HASH_LEN, 4);
	uint64_t number = check->records++;
	uint32_t seq = 0;
	int rc = 0;

	(void)vst_reader_u32le(&in, &seq);
	if (check->broken)
		return 0;
	/* Rising digests and equality with what was read: together they say that every item is there once. */
	if (number > 0 && memcmp(check->last_digest, record, VST_HASH_LEN) >= 0)
		rc = one_difference(check, err, "index: record", number, "is not in order");
	else if (seq >= vst_check_table_items(check->table))
		rc = one_difference(check, err, "index: record", number, "names an item that is not there");
	else if (memcmp(vst_check_table_record(check->table, seq), record, VST_INDEX_RECORD_LEN) != 0)
		rc = one_difference(check, err, "index: record", number, "is not what was read");
	memcpy(check->last_digest, record, VST_HASH_LEN);
	return rc;
}

int vst_check_index_data(struct vst_check *check, const uint8_t *data, size_t len, struct vst_err *err)
{
	vst_hash_update(check->index_hash, data, len);
	return pieces(check, data, len, VST_INDEX_RECORD_LEN, take_record, err);
}

static int count_end(struct vst_check *check, const char *what, struct vst_err *err)
{
	uint64_t records = check->records;
	bool part = check->part_len > 0;

	check->records = 0;
	check->part_len = 0;
	check->differs = false;
	if (check->broken || (records == vst_check_table_items(check->table) && !part))
		return 0;
	return vst_check_problem(check, NULL, NULL, err, "the %s holds %llu items, the manifest has %llu",
	        what, (unsigned long long)records, (unsigned long long)vst_check_table_items(check->table));
}

int vst_check_index_end(struct vst_check *check, struct vst_err *err)
{
	memcpy(check->index_sha256, vst_hash_final(check->index_hash, VST_HASH_SHA256), VST_HASH_LEN);
	return count_end(check, "index", err);
}

/* ---- leaves ---- */

static int take_leaf(struct vst_check *check, const uint8_t *leaf, struct vst_err *err)
{
	uint64_t seq = check->records++;

	if (check->broken || seq >= vst_check_table_items(check->table) ||
	        memcmp(vst_check_table_leaf(check->table, seq), leaf, VST_HASH_LEN) == 0)
		return 0;
	return one_difference(check, err, "leaves: hash", seq, "is not its manifest line's");
}

int vst_check_leaves_data(struct vst_check *check, const uint8_t *data, size_t len, struct vst_err *err)
{
	return pieces(check, data, len, VST_HASH_LEN, take_leaf, err);
}

int vst_check_leaves_end(struct vst_check *check, struct vst_err *err)
{
	return count_end(check, "list of leaves", err);
}

/* ---- trailer ---- */

static int trailer_number(
        struct vst_check *check, const char *what, uint64_t said, uint64_t is, struct vst_err *err)
{
	if (said == is)
		return 0;
	return vst_check_problem(check, NULL, NULL, err, "trailer: %s is given as %llu, it is %llu", what,
	        (unsigned long long)said, (unsigned long long)is);
}

static int trailer_head(struct vst_check *check, struct vst_reader *in, struct vst_err *err)
{
	uint8_t digest[VST_HASH_LEN];
	uint32_t version = 0, record_len = 0;

	vst_sha256(check->trailer, VST_TRAILER_LEN - VST_HASH_LEN, digest);
	if (memcmp(digest, check->trailer + VST_TRAILER_LEN - VST_HASH_LEN, VST_HASH_LEN) != 0)
		return vst_check_problem(check, NULL, NULL, err, "trailer: its own digest does not fit it");
	if (!vst_reader_literal(in, VST_TRAILER_MAGIC) || !vst_reader_u32le(in, &version) || version != 1 ||
	        !vst_reader_u32le(in, &record_len) || record_len != VST_INDEX_RECORD_LEN)
		return vst_check_problem(check, NULL, NULL, err, "trailer: not one of version 1");
	return 0;
}

static int trailer_numbers(struct vst_check *check, struct vst_reader *in, struct vst_err *err)
{
	uint64_t said[5] = {0};
	const struct {
		const char *what;
		uint64_t is;
		bool known;
	} numbers[5] = {
	        {"the number of items", vst_check_table_items(check->table), !check->broken},
	        {"the place of the index", check->index_at, check->index_at != 0},
	        {"the place of the leaves", check->leaves_at, check->leaves_at != 0},
	        {"its own place", check->trailer_at, true},
	        {"the number of manifest segments", check->segments, !check->broken},
	};
	int rc = 0;

	for (size_t i = 0; i < 5; i++)
		(void)vst_reader_u64le(in, &said[i]);
	for (size_t i = 0; i < 5 && rc == 0; i++)
		if (numbers[i].known)
			rc = trailer_number(check, numbers[i].what, said[i], numbers[i].is, err);
	return rc;
}

static int trailer_digests(
        struct vst_check *check, const uint8_t *said_root, const uint8_t *said_index, struct vst_err *err)
{
	uint8_t root[VST_HASH_LEN];
	int rc = 0;

	vst_merkle_root(&check->tree, root);
	if (!check->broken && memcmp(root, said_root, VST_HASH_LEN) != 0)
		rc = vst_check_problem(
		        check, NULL, NULL, err, "trailer: its root is not the root of the manifest lines");
	if (rc == 0 && check->expect != NULL && memcmp(check->expect->root, said_root, VST_HASH_LEN) != 0)
		rc = vst_check_problem(check, NULL, NULL, err, "trailer: its root is not the seal's");
	if (rc == 0 && check->index_at != 0 && memcmp(check->index_sha256, said_index, VST_HASH_LEN) != 0)
		rc = vst_check_problem(
		        check, NULL, NULL, err, "trailer: its digest of the index does not fit the index");
	return rc;
}

int vst_check_trailer_end(struct vst_check *check, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(check->trailer, VST_TRAILER_LEN);
	const uint8_t *root = NULL, *index = NULL, *zeros = NULL;
	uint64_t before = check->result.problems;
	int rc = 0;

	if (check->trailer_len != VST_TRAILER_LEN)
		return vst_check_problem(check, NULL, NULL, err, "trailer: not of its fixed length");
	if ((rc = trailer_head(check, &in, err)) != 0 || check->result.problems != before)
		return rc;
	if ((rc = trailer_numbers(check, &in, err)) != 0)
		return rc;
	if (!vst_reader_bytes(&in, VST_HASH_LEN, &root) || !vst_reader_bytes(&in, VST_HASH_LEN, &index) ||
	        !vst_reader_bytes(&in, VST_TRAILER_LEN - VST_HASH_LEN - in.pos, &zeros))
		return vst_check_problem(check, NULL, NULL, err, "trailer: not of its fixed length");
	for (const uint8_t *at = zeros; at < check->trailer + VST_TRAILER_LEN - VST_HASH_LEN; at++)
		if (*at != 0)
			return vst_check_problem(check, NULL, NULL, err, "trailer: bytes where zeros belong");
	return trailer_digests(check, root, index, err);
}

int vst_check_root(struct vst_check *check, struct vst_err *err)
{
	uint64_t items = vst_check_table_items(check->table);
	uint8_t root[VST_HASH_LEN];
	int rc = 0;

	if (check->broken)
		return vst_check_problem(check, NULL, NULL, err,
		        "index, leaves and root were not compared with the items: parts of them are damaged");
	if (check->phase != VST_CHECK_TRAILER)
		rc = vst_check_problem(check, NULL, NULL, err, "the exhibit has no %s",
		        check->phase < VST_CHECK_INDEX    ? "index"
		        : check->phase == VST_CHECK_INDEX ? "list of leaves"
		                                          : "trailer");
	if (rc != 0 || check->expect == NULL)
		return rc;
	vst_merkle_root(&check->tree, root);
	if (items != check->expect->items)
		rc = vst_check_problem(check, NULL, NULL, err,
		        "the seal says %llu items, the manifest has %llu",
		        (unsigned long long)check->expect->items, (unsigned long long)items);
	if (rc == 0 && memcmp(root, check->expect->root, VST_HASH_LEN) != 0)
		rc = vst_check_problem(
		        check, NULL, NULL, err, "the root of the manifest lines is not the seal's");
	return rc;
}
