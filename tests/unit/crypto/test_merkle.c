#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "vestige/err.h"
#include "vestige/merkle.h"
#include "vestige/text.h"

#define SIZE_MAX_TESTED 70

/* The eight leaves that the tests of Certificate Transparency's first implementation published, and their
 * roots. */
static const struct {
	const char *data;
	size_t len;
} ct_leaves[8] = {{"", 0}, {"\x00", 1}, {"\x10", 1}, {"\x20\x21", 2}, {"\x30\x31", 2},
        {"\x40\x41\x42\x43", 4}, {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16}};

static const char *const ct_roots[9] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

#define P_0 "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define P_1 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define P_01 "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define P_23 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define P_03 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define P_4 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define P_45 "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define P_67 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define P_47 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

struct proof {
	uint64_t from, size;
	const char *path[4];
};

static const struct proof ct_inclusion[] = {
        {0, 1, {NULL}},
        {0, 8, {P_1, P_23, P_47}},
        {5, 8, {P_4, P_67, P_03}},
        {2, 3, {P_01}},
        {1, 5, {P_0, P_23, P_4}},
};

static const struct proof ct_consistency[] = {
        {1, 1, {NULL}},
        {1, 8, {P_1, P_23, P_47}},
        {6, 8, {P_45, P_67, P_03}},
        {2, 5, {P_23, P_4}},
};

static void unhex(const char *text, uint8_t ret[VST_HASH_LEN])
{
	assert_true(vst_hex_decode(text, strlen(text), ret, VST_HASH_LEN));
}

static void ct_hashes(uint8_t leaves[8][VST_HASH_LEN])
{
	for (size_t i = 0; i < 8; i++)
		vst_merkle_leaf(ct_leaves[i].data, ct_leaves[i].len, leaves[i]);
}

static void assert_path(const struct vst_merkle_path *path, const char *const expected[4])
{
	size_t count = 0;

	for (; count < 4 && expected[count]; count++) {
		uint8_t hash[VST_HASH_LEN];

		unhex(expected[count], hash);
		assert_true(count < path->count);
		assert_memory_equal(path->hashes[count], hash, VST_HASH_LEN);
	}
	assert_int_equal(path->count, count);
}

static void merkle_has_the_published_roots(void **state)
{
	struct vst_merkle tree;
	uint8_t leaves[8][VST_HASH_LEN], root[VST_HASH_LEN], expected[VST_HASH_LEN];

	(void)state;
	ct_hashes(leaves);
	vst_merkle_init(&tree);
	for (size_t size = 0; size <= 8; size++) {
		unhex(ct_roots[size], expected);
		vst_merkle_root(&tree, root);
		assert_memory_equal(root, expected, VST_HASH_LEN);
		vst_merkle_root_of(leaves[0], size, root);
		assert_memory_equal(root, expected, VST_HASH_LEN);
		if (size < 8)
			vst_merkle_append(&tree, leaves[size]);
	}
}

static void merkle_makes_the_published_inclusion_proofs(void **state)
{
	uint8_t leaves[8][VST_HASH_LEN];

	(void)state;
	ct_hashes(leaves);
	for (size_t i = 0; i < sizeof ct_inclusion / sizeof *ct_inclusion; i++) {
		struct vst_merkle_path path;

		assert_int_equal(
		        vst_merkle_inclusion(leaves[0], ct_inclusion[i].size, ct_inclusion[i].from, &path),
		        0);
		assert_path(&path, ct_inclusion[i].path);
	}
}

static void merkle_makes_the_published_consistency_proofs(void **state)
{
	uint8_t leaves[8][VST_HASH_LEN];

	(void)state;
	ct_hashes(leaves);
	for (size_t i = 0; i < sizeof ct_consistency / sizeof *ct_consistency; i++) {
		struct vst_merkle_path path;

		assert_int_equal(vst_merkle_consistency(
		                         leaves[0], ct_consistency[i].size, ct_consistency[i].from, &path),
		        0);
		assert_path(&path, ct_consistency[i].path);
	}
}

/* ---- every size ---- */

static uint8_t many[SIZE_MAX_TESTED][VST_HASH_LEN];
static uint8_t roots[SIZE_MAX_TESTED + 1][VST_HASH_LEN];

static void plain_root(uint64_t first, uint64_t count, uint8_t ret[VST_HASH_LEN])
{
	/* RFC 6962 section 2.1 read literally, in bottom-up passes, as an implementation of another kind. */
	uint8_t level[SIZE_MAX_TESTED][VST_HASH_LEN];

	if (count == 0) {
		vst_sha256("", 0, ret);
		return;
	}
	memcpy(level, many[first], count * VST_HASH_LEN);
	while (count > 1) {
		uint64_t up = 0;

		for (uint64_t i = 0; i < count; i += 2, up++) {
			uint8_t pair[1 + 2 * VST_HASH_LEN] = {1};

			if (i + 1 == count) {
				memcpy(level[up], level[i], VST_HASH_LEN);
				continue;
			}
			memcpy(pair + 1, level[i], VST_HASH_LEN);
			memcpy(pair + 1 + VST_HASH_LEN, level[i + 1], VST_HASH_LEN);
			vst_sha256(pair, sizeof pair, level[up]);
		}
		count = up;
	}
	memcpy(ret, level[0], VST_HASH_LEN);
}

static int make_many(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < SIZE_MAX_TESTED; i++)
		vst_merkle_leaf(&i, 1, many[i]);
	for (uint64_t size = 0; size <= SIZE_MAX_TESTED; size++)
		plain_root(0, size, roots[size]);
	return 0;
}

static void merkle_appends_every_size(void **state)
{
	struct vst_merkle tree;
	uint8_t root[VST_HASH_LEN];

	(void)state;
	vst_merkle_init(&tree);
	for (uint64_t size = 0; size < SIZE_MAX_TESTED; size++) {
		vst_merkle_append(&tree, many[size]);
		vst_merkle_root(&tree, root);
		assert_memory_equal(root, roots[size + 1], VST_HASH_LEN);
		vst_merkle_root_of(many[0], size + 1, root);
		assert_memory_equal(root, roots[size + 1], VST_HASH_LEN);
		assert_int_equal(tree.size, size + 1);
	}
}

/* The proof is good; changed in any way that changes a meaning it is not. */
static void check_one_inclusion(uint64_t size, uint64_t index)
{
	struct vst_merkle_path path;

	assert_int_equal(vst_merkle_inclusion(many[0], size, index, &path), 0);
	assert_int_equal(vst_merkle_check_inclusion(many[index], index, size, &path, roots[size]), 0);
	for (uint64_t other = 0; other <= size + 1; other++)
		if (other != index)
			assert_int_equal(
			        vst_merkle_check_inclusion(many[index], other, size, &path, roots[size]),
			        VST_EAUTH);
	assert_int_equal(vst_merkle_check_inclusion(
	                         many[(index + 1) % SIZE_MAX_TESTED], index, size, &path, roots[size]),
	        VST_EAUTH);
	assert_int_equal(
	        vst_merkle_check_inclusion(many[index], index, size, &path, roots[size - 1]), VST_EAUTH);
	for (size_t i = 0; i < path.count; i++) {
		path.hashes[i][i % VST_HASH_LEN] ^= 1;
		assert_int_equal(
		        vst_merkle_check_inclusion(many[index], index, size, &path, roots[size]), VST_EAUTH);
		path.hashes[i][i % VST_HASH_LEN] ^= 1;
	}
}

static void merkle_proves_inclusion_at_every_size(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= SIZE_MAX_TESTED; size++)
		for (uint64_t index = 0; index < size; index++)
			check_one_inclusion(size, index);
}

static void merkle_rejects_short_and_long_inclusion_proofs(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= SIZE_MAX_TESTED; size++) {
		for (uint64_t index = 0; index < size; index++) {
			struct vst_merkle_path path;
			size_t full;

			assert_int_equal(vst_merkle_inclusion(many[0], size, index, &path), 0);
			full = path.count;
			for (size_t count = 0; count <= full + 2; count++) {
				for (size_t i = full; i < count; i++)
					memcpy(path.hashes[i], roots[0], VST_HASH_LEN);
				path.count = count;
				assert_int_equal(vst_merkle_check_inclusion(
				                         many[index], index, size, &path, roots[size]),
				        count == full ? 0 : VST_EAUTH);
			}
			path.count = VST_MERKLE_DEPTH + 1;
			assert_int_equal(
			        vst_merkle_check_inclusion(many[index], index, size, &path, roots[size]),
			        VST_EAUTH);
		}
	}
}

static void check_one_consistency(uint64_t size, uint64_t old)
{
	struct vst_merkle_path path;

	assert_int_equal(vst_merkle_consistency(many[0], size, old, &path), 0);
	assert_int_equal(vst_merkle_check_consistency(old, roots[old], size, roots[size], &path), 0);
	for (size_t i = 0; i < path.count; i++) {
		path.hashes[i][i % VST_HASH_LEN] ^= 1;
		assert_int_equal(
		        vst_merkle_check_consistency(old, roots[old], size, roots[size], &path), VST_EAUTH);
		path.hashes[i][i % VST_HASH_LEN] ^= 1;
	}
	for (uint64_t other = 0; other <= size; other++)
		if (other != old)
			assert_int_equal(
			        vst_merkle_check_consistency(old, roots[other], size, roots[size], &path),
			        VST_EAUTH);
	/* Nothing can be said against any tree by one who knew only the empty one. */
	for (uint64_t other = 0; old > 0 && other <= SIZE_MAX_TESTED; other++)
		if (other != size)
			assert_int_equal(
			        vst_merkle_check_consistency(old, roots[old], size, roots[other], &path),
			        VST_EAUTH);
}

static void merkle_proves_consistency_at_every_size(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= SIZE_MAX_TESTED; size++)
		for (uint64_t old = 0; old <= size; old++)
			check_one_consistency(size, old);
}

static void merkle_rejects_short_and_long_consistency_proofs(void **state)
{
	(void)state;
	for (uint64_t size = 0; size <= SIZE_MAX_TESTED; size++) {
		for (uint64_t old = 0; old <= size; old++) {
			struct vst_merkle_path path;
			size_t full;

			assert_int_equal(vst_merkle_consistency(many[0], size, old, &path), 0);
			full = path.count;
			for (size_t count = 0; count <= full + 2; count++) {
				for (size_t i = full; i < count; i++)
					memcpy(path.hashes[i], roots[0], VST_HASH_LEN);
				path.count = count;
				assert_int_equal(vst_merkle_check_consistency(
				                         old, roots[old], size, roots[size], &path),
				        count == full ? 0 : VST_EAUTH);
			}
			path.count = VST_MERKLE_DEPTH + 1;
			assert_int_equal(
			        vst_merkle_check_consistency(old, roots[old], size, roots[size], &path),
			        VST_EAUTH);
		}
	}
}

static void merkle_rejects_a_proof_where_none_belongs(void **state)
{
	struct vst_merkle_path path = {.count = 1};

	(void)state;
	assert_int_equal(vst_merkle_check_consistency(0, roots[0], 5, roots[5], &path), VST_EAUTH);
	assert_int_equal(vst_merkle_check_consistency(5, roots[5], 5, roots[5], &path), VST_EAUTH);
	path.count = 0;
	assert_int_equal(vst_merkle_check_consistency(5, roots[5], 5, roots[5], &path), 0);
	assert_int_equal(vst_merkle_check_consistency(5, roots[4], 5, roots[5], &path), VST_EAUTH);
	assert_int_equal(vst_merkle_check_consistency(0, roots[1], 5, roots[5], &path), VST_EAUTH);
	assert_int_equal(vst_merkle_check_consistency(6, roots[6], 5, roots[5], &path), VST_EAUTH);
	assert_int_equal(vst_merkle_check_consistency(0, roots[0], 0, roots[0], &path), 0);
	assert_int_equal(vst_merkle_check_consistency(0, roots[0], 0, roots[1], &path), VST_EAUTH);
}

static void merkle_refuses_indexes_outside_the_tree(void **state)
{
	struct vst_merkle_path path = {.count = 0};

	(void)state;
	assert_int_equal(vst_merkle_inclusion(many[0], 5, 5, &path), VST_EUSAGE);
	assert_int_equal(vst_merkle_inclusion(many[0], 0, 0, &path), VST_EUSAGE);
	assert_int_equal(vst_merkle_consistency(many[0], 5, 6, &path), VST_EUSAGE);
	assert_int_equal(vst_merkle_check_inclusion(many[0], 0, 0, &path, roots[0]), VST_EAUTH);
	assert_int_equal(
	        vst_merkle_check_inclusion(many[0], UINT64_MAX, UINT64_MAX, &path, roots[1]), VST_EAUTH);
	assert_int_equal(
	        vst_merkle_check_inclusion(many[0], UINT64_MAX - 1, UINT64_MAX, &path, roots[1]), VST_EAUTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(merkle_has_the_published_roots),
	        cmocka_unit_test(merkle_makes_the_published_inclusion_proofs),
	        cmocka_unit_test(merkle_makes_the_published_consistency_proofs),
	        cmocka_unit_test(merkle_appends_every_size),
	        cmocka_unit_test(merkle_proves_inclusion_at_every_size),
	        cmocka_unit_test(merkle_rejects_short_and_long_inclusion_proofs),
	        cmocka_unit_test(merkle_proves_consistency_at_every_size),
	        cmocka_unit_test(merkle_rejects_short_and_long_consistency_proofs),
	        cmocka_unit_test(merkle_rejects_a_proof_where_none_belongs),
	        cmocka_unit_test(merkle_refuses_indexes_outside_the_tree),
	};

	return cmocka_run_group_tests(tests, make_many, NULL);
}
