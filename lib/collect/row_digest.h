/*
 * Rows that must be proved unchanged without being copied: a keyed digest over all of them in order, and a
 * keyed Merkle root, so that one row can be proved later. The key is the case's own: card numbers are few
 * enough to guess, so plain digests of them would be the cards.
 *
 * A row's code is its number of columns and, for each, a byte (0: NULL, 1: a value) and for a value its
 * length and bytes; numbers are 8 bytes, little-endian. leaf = HMAC-SHA-256(key, 0x00 ‖ code); the tree is
 * that of RFC 6962 over the leaves (merkle.h: each leaf is hashed once more). ordered = HMAC-SHA-256(key,
 * 0x01 ‖ SHA-256(leaf 1 ‖ leaf 2 ‖ …)).
 */
#ifndef COLLECT_ROW_DIGEST_H
#define COLLECT_ROW_DIGEST_H

#include "vestige/buf.h"
#include "vestige/hash.h"
#include "vestige/json.h"
#include "vestige/merkle.h"

struct vst_row_digest {
	const uint8_t *key; /* borrowed, VST_HASH_LEN bytes */
	uint64_t rows;
	struct vst_merkle tree;
	struct vst_hash *leaves;
	struct vst_buf code;
};

int vst_row_digest_init(struct vst_row_digest *digest, const uint8_t key[VST_HASH_LEN], struct vst_err *err);
void vst_row_digest_free(struct vst_row_digest *digest);

/* One row, column by column: begin, value… (NULL for SQL's NULL), end. VST_ENOMEM from end. */
void vst_row_digest_begin(struct vst_row_digest *digest, size_t columns);
void vst_row_digest_value(struct vst_row_digest *digest, const void *value, size_t len);
int vst_row_digest_end(struct vst_row_digest *digest, struct vst_err *err);

/* {"rows":n,"ordered":hex,"root":hex}, as the value of a key that was written before. Once. */
void vst_row_digest_write(struct vst_row_digest *digest, struct vst_json *json);

#endif
