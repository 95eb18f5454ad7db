#include "exhibit/check_table.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/secret.h"

#define BLOCK_ITEMS 4096
#define FIRST_SLOTS 8192

struct block {
	uint8_t records[BLOCK_ITEMS][VST_INDEX_RECORD_LEN];
	uint8_t leaves[BLOCK_ITEMS][VST_HASH_LEN];
	uint8_t kinds[BLOCK_ITEMS];
};

struct vst_check_table {
	struct block **blocks;
	size_t block_count, block_cap;
	uint64_t items;
	uint32_t *seqs; /* open addressing; seq + 1, 0: free */
	size_t seq_slots;
	uint64_t *names; /* open addressing; 0: free */
	size_t name_slots, name_count;
	uint8_t key[16];
};

int vst_check_table_new(struct vst_check_table **ret, struct vst_err *err)
{
	struct vst_check_table *table = vst_calloc(1, sizeof(*table));
	int rc = 0;

	if (table == NULL)
		return vst_err_nomem(err);
	table->seq_slots = table->name_slots = FIRST_SLOTS;
	table->seqs = vst_calloc(table->seq_slots, sizeof(*table->seqs));
	table->names = vst_calloc(table->name_slots, sizeof(*table->names));
	if (table->seqs == NULL || table->names == NULL)
		rc = vst_err_nomem(err);
	else
		rc = vst_random(table->key, sizeof(table->key), err);
	if (rc != 0) {
		vst_check_table_free(table);
		return rc;
	}
	*ret = table;
	return 0;
}

void vst_check_table_free(struct vst_check_table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->block_count; i++)
		free(table->blocks[i]);
	free(table->blocks);
	free(table->seqs);
	free(table->names);
	free(table);
}

uint64_t vst_check_table_items(const struct vst_check_table *table)
{
	return table->items;
}

const uint8_t *vst_check_table_record(const struct vst_check_table *table, uint64_t seq)
{
	return table->blocks[seq / BLOCK_ITEMS]->records[seq % BLOCK_ITEMS];
}

const uint8_t *vst_check_table_leaf(const struct vst_check_table *table, uint64_t seq)
{
	return table->blocks[seq / BLOCK_ITEMS]->leaves[seq % BLOCK_ITEMS];
}

uint8_t vst_check_table_kind(const struct vst_check_table *table, uint64_t seq)
{
	return table->blocks[seq / BLOCK_ITEMS]->kinds[seq % BLOCK_ITEMS];
}

/* ---- path digests ---- */

static size_t seq_slot(
        const uint32_t *seqs, size_t slots, const struct vst_check_table *table, const uint8_t *path_digest)
{
	uint64_t start = 0;
	size_t slot = 0;

	memcpy(&start, path_digest, sizeof(start));
	for (slot = (size_t)start & (slots - 1); seqs[slot] != 0; slot = (slot + 1) & (slots - 1))
		if (memcmp(vst_check_table_record(table, seqs[slot] - 1), path_digest, VST_HASH_LEN) == 0)
			break;
	return slot;
}

static int seqs_grow(struct vst_check_table *table, struct vst_err *err)
{
	size_t slots = table->seq_slots * 2;
	uint32_t *seqs = NULL;

	if (table->items < table->seq_slots / 4 * 3)
		return 0;
	seqs = vst_calloc(slots, sizeof(*seqs));
	if (seqs == NULL)
		return vst_err_nomem(err);
	for (size_t i = 0; i < table->seq_slots; i++) {
		uint32_t seq = table->seqs[i];

		if (seq != 0)
			seqs[seq_slot(seqs, slots, table, vst_check_table_record(table, seq - 1))] = seq;
	}
	free(table->seqs);
	table->seqs = seqs;
	table->seq_slots = slots;
	return 0;
}

uint64_t vst_check_table_find(const struct vst_check_table *table, const uint8_t path_digest[VST_HASH_LEN])
{
	uint32_t seq = table->seqs[seq_slot(table->seqs, table->seq_slots, table, path_digest)];

	return seq == 0 ? VST_CHECK_NOT_THERE : seq - 1;
}

/* ---- items ---- */

static int block_for_next(struct vst_check_table *table, struct vst_err *err)
{
	if (table->items / BLOCK_ITEMS < table->block_count)
		return 0;
	if (table->block_count == table->block_cap) {
		size_t cap = table->block_cap * 2 + 16;
		struct block **blocks = vst_realloc(table->blocks, cap, sizeof(struct block *));

		if (blocks == NULL)
			return vst_err_nomem(err);
		table->blocks = blocks;
		table->block_cap = cap;
	}
	table->blocks[table->block_count] = vst_calloc(1, sizeof(struct block));
	if (table->blocks[table->block_count] == NULL)
		return vst_err_nomem(err);
	table->block_count++;
	return 0;
}

static void put_le(uint8_t *at, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

int vst_check_table_add(struct vst_check_table *table, const struct vst_check_record *record, bool *ret_twice,
        struct vst_err *err)
{
	uint64_t seq = table->items;
	struct block *block = NULL;
	uint8_t *at = NULL;
	size_t slot = 0;
	int rc = 0;

	if (seq >= VST_EXHIBIT_ITEMS_MAX)
		return vst_err_set(err, VST_ELIMIT, "more items than an exhibit can hold");
	if ((rc = block_for_next(table, err)) != 0 || (rc = seqs_grow(table, err)) != 0)
		return rc;
	block = table->blocks[seq / BLOCK_ITEMS];
	at = block->records[seq % BLOCK_ITEMS];
	memcpy(at, record->path_digest, VST_HASH_LEN);
	put_le(at + 32, seq, 4);
	put_le(at + 36, record->line_len, 4);
	put_le(at + 40, record->tar_offset, 8);
	put_le(at + 48, record->line_offset, 8);
	memcpy(block->leaves[seq % BLOCK_ITEMS], record->leaf, VST_HASH_LEN);
	block->kinds[seq % BLOCK_ITEMS] = record->kind;
	slot = seq_slot(table->seqs, table->seq_slots, table, record->path_digest);
	*ret_twice = table->seqs[slot] != 0;
	if (!*ret_twice)
		table->seqs[slot] = (uint32_t)seq + 1;
	table->items++;
	return 0;
}

/* ---- names ---- */

static size_t name_slot(const uint64_t *names, size_t slots, uint64_t hash)
{
	size_t slot = (size_t)hash & (slots - 1);

	while (names[slot] != 0 && names[slot] != hash)
		slot = (slot + 1) & (slots - 1);
	return slot;
}

static int names_grow(struct vst_check_table *table, struct vst_err *err)
{
	size_t slots = table->name_slots * 2;
	uint64_t *names = NULL;

	if (table->name_count < table->name_slots / 4 * 3)
		return 0;
	names = vst_calloc(slots, sizeof(*names));
	if (names == NULL)
		return vst_err_nomem(err);
	for (size_t i = 0; i < table->name_slots; i++)
		if (table->names[i] != 0)
			names[name_slot(names, slots, table->names[i])] = table->names[i];
	free(table->names);
	table->names = names;
	table->name_slots = slots;
	return 0;
}

int vst_check_table_name(
        struct vst_check_table *table, const char *name, size_t len, bool *ret_twice, struct vst_err *err)
{
	const struct vst_part parts[] = {{table->key, sizeof(table->key)}, {name, len}};
	uint8_t digest[VST_HASH_LEN];
	uint64_t hash = 0;
	size_t slot = 0;
	int rc = names_grow(table, err);

	if (rc != 0)
		return rc;
	vst_sha256_parts(parts, 2, digest);
	memcpy(&hash, digest, sizeof(hash));
	hash += hash == 0;
	slot = name_slot(table->names, table->name_slots, hash);
	*ret_twice = table->names[slot] != 0;
	table->names[slot] = hash;
	table->name_count += !*ret_twice;
	return 0;
}
