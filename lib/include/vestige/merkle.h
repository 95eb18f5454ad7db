/*
 * Merkle trees as in RFC 6962 / RFC 9162: SHA-256(0x00 ‖ leaf), SHA-256(0x01 ‖ left ‖ right), empty tree
 * SHA-256("").
 *
 * Both the items of an exhibit and the events of a custody log are leaves of such trees. Appending needs
 * memory for one hash a level; proofs are made from the leaf hashes.
 */
#ifndef VESTIGE_MERKLE_H
#define VESTIGE_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

#define VST_MERKLE_DEPTH 64

struct vst_merkle {
	uint64_t size;
	uint8_t stack[VST_MERKLE_DEPTH][VST_HASH_LEN]; /* the complete subtrees, largest first */
};

struct vst_merkle_path {
	size_t count;
	uint8_t hashes[VST_MERKLE_DEPTH][VST_HASH_LEN]; /* from the leaf upwards */
};

void vst_merkle_leaf(const void *data, size_t len, uint8_t ret[VST_HASH_LEN]);
void vst_merkle_init(struct vst_merkle *tree);
void vst_merkle_append(struct vst_merkle *tree, const uint8_t leaf[VST_HASH_LEN]);
void vst_merkle_root(const struct vst_merkle *tree, uint8_t ret[VST_HASH_LEN]);

/* `leaves` is count * VST_HASH_LEN bytes of leaf hashes. Time O(count), memory O(log count). */
void vst_merkle_root_of(const uint8_t *leaves, uint64_t count, uint8_t ret[VST_HASH_LEN]);
/* VST_EUSAGE if index >= count. */
int vst_merkle_inclusion(const uint8_t *leaves, uint64_t count, uint64_t index, struct vst_merkle_path *ret);
/* VST_EUSAGE if old > count. The proof for old = 0 or old = count is empty. */
int vst_merkle_consistency(const uint8_t *leaves, uint64_t count, uint64_t old, struct vst_merkle_path *ret);

/* RFC 9162 section 2.1.3.2. 0, or VST_EAUTH; also for index >= size and a path of the wrong length. */
int vst_merkle_check_inclusion(const uint8_t leaf[VST_HASH_LEN], uint64_t index, uint64_t size,
        const struct vst_merkle_path *path, const uint8_t root[VST_HASH_LEN]);
/* RFC 9162 section 2.1.4.2. Refuses a non-empty proof for old = 0 or old = size; old = size still compares
 * the roots. */
int vst_merkle_check_consistency(uint64_t old, const uint8_t old_root[VST_HASH_LEN], uint64_t size,
        const uint8_t root[VST_HASH_LEN], const struct vst_merkle_path *path);

#endif
