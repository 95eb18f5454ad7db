#include "vestige/merkle.h"

#include <string.h>

#include "vestige/err.h"

static void node(
        const uint8_t left[VST_HASH_LEN], const uint8_t right[VST_HASH_LEN], uint8_t ret[VST_HASH_LEN])
{
	static const uint8_t prefix = 0x01;
	const struct vst_part parts[] = {{&prefix, 1}, {left, VST_HASH_LEN}, {right, VST_HASH_LEN}};

	vst_sha256_parts(parts, 3, ret);
}

/* Complete subtrees on the stack: one for each bit that is set in the size. */
static unsigned subtrees(uint64_t size)
{
	unsigned count = 0;

	for (; size; size &= size - 1)
		count++;
	return count;
}

/* The size of the left subtree of a tree of `size` > 1 leaves: the largest power of two below it. */
static uint64_t split(uint64_t size)
{
	uint64_t left = 1;

	while (left < size - left)
		left <<= 1;
	return left;
}

void vst_merkle_leaf(const void *data, size_t len, uint8_t ret[VST_HASH_LEN])
{
	static const uint8_t prefix = 0x00;
	const struct vst_part parts[] = {{&prefix, 1}, {data, len}};

	vst_sha256_parts(parts, 2, ret);
}

void vst_merkle_init(struct vst_merkle *tree)
{
	memset(tree, 0, sizeof *tree);
}

void vst_merkle_append(struct vst_merkle *tree, const uint8_t leaf[VST_HASH_LEN])
{
	unsigned depth = subtrees(tree->size);
	uint8_t hash[VST_HASH_LEN];

	memcpy(hash, leaf, VST_HASH_LEN);
	/* Two subtrees of one size become one of twice the size, like a carry in binary addition. */
	for (uint64_t bits = tree->size; bits & 1; bits >>= 1)
		node(tree->stack[--depth], hash, hash);
	memcpy(tree->stack[depth], hash, VST_HASH_LEN);
	tree->size++;
}

void vst_merkle_root(const struct vst_merkle *tree, uint8_t ret[VST_HASH_LEN])
{
	unsigned depth = subtrees(tree->size);
	uint8_t hash[VST_HASH_LEN];

	if (depth == 0) {
		vst_sha256("", 0, ret);
		return;
	}
	memcpy(hash, tree->stack[--depth], VST_HASH_LEN);
	while (depth > 0)
		node(tree->stack[--depth], hash, hash);
	memcpy(ret, hash, VST_HASH_LEN);
}

void vst_merkle_root_of(const uint8_t *leaves, uint64_t count, uint8_t ret[VST_HASH_LEN])
{
	struct vst_merkle tree;

	vst_merkle_init(&tree);
	for (uint64_t i = 0; i < count; i++)
		vst_merkle_append(&tree, leaves + i * VST_HASH_LEN);
	vst_merkle_root(&tree, ret);
}

/* Proofs are collected from the root downwards and stand in a path from the leaf upwards. */
static void reverse(struct vst_merkle_path *path)
{
	for (size_t i = 0, j = path->count; i + 1 < j; i++) {
		uint8_t swap[VST_HASH_LEN];

		j--;
		memcpy(swap, path->hashes[i], VST_HASH_LEN);
		memcpy(path->hashes[i], path->hashes[j], VST_HASH_LEN);
		memcpy(path->hashes[j], swap, VST_HASH_LEN);
	}
}

int vst_merkle_inclusion(const uint8_t *leaves, uint64_t count, uint64_t index, struct vst_merkle_path *ret)
{
	uint64_t first = 0, size = count;

	if (index >= count)
		return VST_EUSAGE;
	ret->count = 0;
	while (size > 1) {
		uint64_t left = split(size);
		uint8_t *sibling = ret->hashes[ret->count++];

		if (index - first < left) {
			vst_merkle_root_of(leaves + (first + left) * VST_HASH_LEN, size - left, sibling);
			size = left;
		} else {
			vst_merkle_root_of(leaves + first * VST_HASH_LEN, left, sibling);
			first += left;
			size -= left;
		}
	}
	reverse(ret);
	return 0;
}

int vst_merkle_consistency(const uint8_t *leaves, uint64_t count, uint64_t old, struct vst_merkle_path *ret)
{
	uint64_t first = 0, size = count, within = old;

	if (old > count)
		return VST_EUSAGE;
	ret->count = 0;
	if (old == 0 || old == count)
		return 0;
	while (within != size) {
		uint64_t left = split(size);
		uint8_t *sibling = ret->hashes[ret->count++];

		if (within <= left) {
			vst_merkle_root_of(leaves + (first + left) * VST_HASH_LEN, size - left, sibling);
			size = left;
		} else {
			vst_merkle_root_of(leaves + first * VST_HASH_LEN, left, sibling);
			first += left;
			size -= left;
			within -= left;
		}
	}
	/* Where the old tree is itself a subtree that starts at the first leaf, the verifier has its root
	 * already. */
	if (first > 0)
		vst_merkle_root_of(leaves + first * VST_HASH_LEN, size, ret->hashes[ret->count++]);
	reverse(ret);
	return 0;
}

int vst_merkle_check_inclusion(const uint8_t leaf[VST_HASH_LEN], uint64_t index, uint64_t size,
        const struct vst_merkle_path *path, const uint8_t root[VST_HASH_LEN])
{
	uint64_t at = index, last = size - 1;
	uint8_t hash[VST_HASH_LEN];

	if (index >= size || path->count > VST_MERKLE_DEPTH)
		return VST_EAUTH;
	memcpy(hash, leaf, VST_HASH_LEN);
	for (size_t i = 0; i < path->count; i++) {
		if (last == 0)
			return VST_EAUTH;
		if ((at & 1) || at == last) {
			node(path->hashes[i], hash, hash);
			/* The last leaf of an uneven tree moves up without a sibling. */
			while (at != 0 && !(at & 1)) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			node(hash, path->hashes[i], hash);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && memcmp(hash, root, VST_HASH_LEN) == 0 ? 0 : VST_EAUTH;
}

/* Both tree sizes are known to differ and the old one is not zero. */
static int fold_consistency(uint64_t old, const uint8_t old_root[VST_HASH_LEN], uint64_t size,
        const uint8_t root[VST_HASH_LEN], const struct vst_merkle_path *path)
{
	uint64_t at = old - 1, last = size - 1;
	uint8_t old_hash[VST_HASH_LEN], hash[VST_HASH_LEN];
	size_t next = 0;

	/* An old tree of 2^k leaves is a subtree of the new one: its root is left out of the proof. */
	const uint8_t *start = (old & (old - 1)) == 0 ? old_root : path->hashes[next++];

	while (at & 1) {
		at >>= 1;
		last >>= 1;
	}
	memcpy(old_hash, start, VST_HASH_LEN);
	memcpy(hash, start, VST_HASH_LEN);
	for (; next < path->count; next++) {
		const uint8_t *sibling = path->hashes[next];

		if (last == 0)
			return VST_EAUTH;
		if ((at & 1) || at == last) {
			node(sibling, old_hash, old_hash);
			node(sibling, hash, hash);
			while (at != 0 && !(at & 1)) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			node(hash, sibling, hash);
		}
		at >>= 1;
		last >>= 1;
	}
	if (last != 0 || memcmp(old_hash, old_root, VST_HASH_LEN) != 0 ||
	        memcmp(hash, root, VST_HASH_LEN) != 0)
		return VST_EAUTH;
	return 0;
}

int vst_merkle_check_consistency(uint64_t old, const uint8_t old_root[VST_HASH_LEN], uint64_t size,
        const uint8_t root[VST_HASH_LEN], const struct vst_merkle_path *path)
{
	uint8_t empty[VST_HASH_LEN];

	if (old > size || path->count > VST_MERKLE_DEPTH)
		return VST_EAUTH;
	vst_sha256("", 0, empty);
	if (size == 0 && memcmp(root, empty, VST_HASH_LEN) != 0)
		return VST_EAUTH;
	if (old == 0)
		return path->count == 0 && memcmp(old_root, empty, VST_HASH_LEN) == 0 ? 0 : VST_EAUTH;
	if (old == size)
		return path->count == 0 && memcmp(old_root, root, VST_HASH_LEN) == 0 ? 0 : VST_EAUTH;
	if (path->count == 0)
		return VST_EAUTH;
	return fold_consistency(old, old_root, size, root, path);
}
