/*
 * What the deep check remembers of every item: 89 bytes, and a slot in each of two hash tables.
 *
 * The index record as it must be (exhibit_format.h) and the leaf hash, by seq, in blocks that never move; a
 * table from path digests to seq; and the set of all names in the tar. The set holds 64-bit keyed hashes: the
 * key is made anew for each check, so that nobody can have prepared two names that fall together.
 */
#ifndef EXHIBIT_CHECK_TABLE_H
#define EXHIBIT_CHECK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/exhibit_format.h"
#include "vestige/hash.h"

struct vst_err;
struct vst_check_table;

#define VST_CHECK_NOT_THERE UINT64_MAX

int vst_check_table_new(struct vst_check_table **ret, struct vst_err *err);
void vst_check_table_free(struct vst_check_table *table);

uint64_t vst_check_table_items(const struct vst_check_table *table);

/* What a link to an item has to know of it. */
#define VST_CHECK_CONTENT 1   /* it has an entry, and all of its content in it */
#define VST_CHECK_ELSEWHERE 2 /* a file of which some or all is in earlier exhibits */
#define VST_CHECK_LONG 4      /* its entry is below items/long */

struct vst_check_record {
	uint8_t path_digest[VST_HASH_LEN];
	uint8_t leaf[VST_HASH_LEN];
	uint32_t line_len;
	uint64_t tar_offset; /* UINT64_MAX: no entry */
	uint64_t line_offset;
	uint8_t kind; /* VST_CHECK_… */
};
/* Adds the next seq. `ret_twice`: the path digest was there already. */
int vst_check_table_add(struct vst_check_table *table, const struct vst_check_record *record, bool *ret_twice,
        struct vst_err *err);
/* The seq of a path digest, or VST_CHECK_NOT_THERE. */
uint64_t vst_check_table_find(const struct vst_check_table *table, const uint8_t path_digest[VST_HASH_LEN]);

/* All borrowed; seq < items. */
const uint8_t *vst_check_table_record(
        const struct vst_check_table *table, uint64_t seq); /* VST_INDEX_RECORD_LEN */
const uint8_t *vst_check_table_leaf(const struct vst_check_table *table, uint64_t seq);
uint8_t vst_check_table_kind(const struct vst_check_table *table, uint64_t seq);

/* Adds a name of the tar. `ret_twice`: it was there already. */
int vst_check_table_name(
        struct vst_check_table *table, const char *name, size_t len, bool *ret_twice, struct vst_err *err);

#endif
