#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/secret.h"

static void *start_and_allocate(void *arg)
{
	uint8_t *secret = vst_crypto_start(NULL) == 0 ? vst_secret_alloc(1024) : NULL;

	(void)arg;
	if (secret)
		memset(secret, 1, 1024);
	vst_secret_free(secret, 1024);
	return secret ? (void *)1 : NULL;
}

static void starts_from_any_thread(void **state)
{
	(void)state;
	pthread_t threads[8];

	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, start_and_allocate, NULL), 0);
	for (size_t i = 0; i < 8; i++) {
		void *worked = NULL;
		assert_int_equal(pthread_join(threads[i], &worked), 0);
		assert_non_null(worked);
	}
}

static void secret_memory_grows_beyond_its_first_pool(void **state)
{
	(void)state;
	enum { COUNT = 64, SIZE = 16 * 1024 };
	uint8_t *secrets[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		secrets[i] = vst_secret_alloc(SIZE);
		assert_non_null(secrets[i]);
		memset(secrets[i], (int)i, SIZE);
	}
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(secrets[i][SIZE - 1], (uint8_t)i);
		vst_secret_free(secrets[i], SIZE);
	}
	vst_secret_free(NULL, 0);
}

static void equal_compares_every_byte(void **state)
{
	(void)state;
	uint8_t a[33], b[33];

	memset(a, 7, sizeof a);
	memset(b, 7, sizeof b);
	assert_true(vst_secret_equal(a, b, sizeof a));
	assert_true(vst_secret_equal(a, b, 0));
	for (size_t i = 0; i < sizeof a; i++) {
		b[i] ^= 0x80;
		assert_false(vst_secret_equal(a, b, sizeof a));
		b[i] ^= 0x80;
	}
}

static void wipe_clears(void **state)
{
	(void)state;
	uint8_t data[3] = {1, 2, 3};
	const uint8_t zero[3] = {0};

	vst_wipe(data, sizeof data);
	vst_wipe(NULL, 0);
	assert_memory_equal(data, zero, sizeof data);
}

static void random_fills_all_and_differs(void **state)
{
	(void)state;
	uint8_t a[1000] = {0}, b[1000] = {0};
	bool touched[sizeof a] = {false};

	/* A byte that stays zero in 20 draws was never written. */
	for (unsigned draw = 0; draw < 20; draw++) {
		assert_int_equal(vst_random(a, sizeof a, NULL), 0);
		for (size_t i = 0; i < sizeof a; i++)
			touched[i] |= a[i] != 0;
	}
	for (size_t i = 0; i < sizeof a; i++)
		assert_true(touched[i]);
	assert_int_equal(vst_random(b, sizeof b, NULL), 0);
	assert_memory_not_equal(a, b, sizeof a);
}

static void seed_is_heard_only_in_fault_builds(void **state)
{
	(void)state;
#ifdef VESTIGE_FAULTS
	/* The stream is what golden files rest on: HMAC-SHA-256 of the seed over a counter, 32 bytes a block.
	 */
	uint8_t drawn[4][VST_HASH_LEN], expected[VST_HASH_LEN];
	setenv("VESTIGE_SEED", "golden", 1);
	assert_int_equal(vst_random(drawn, 40, NULL), 0);
	assert_int_equal(vst_random(drawn[2], 2 * VST_HASH_LEN, NULL), 0);
	unsetenv("VESTIGE_SEED");
	for (uint8_t i = 2; i < 4; i++) {
		const uint8_t number[8] = {[7] = i};
		vst_hmac_sha256("golden", 6, &(struct vst_part){number, sizeof number}, 1, expected);
		assert_memory_equal(drawn[i], expected, sizeof expected);
	}
#else
	uint8_t a[32], b[32];
	setenv("VESTIGE_SEED", "golden", 1);
	assert_int_equal(vst_random(a, sizeof a, NULL), 0);
	assert_int_equal(vst_random(b, sizeof b, NULL), 0);
	unsetenv("VESTIGE_SEED");
	assert_memory_not_equal(a, b, sizeof a);
#endif
}

static void guarded_process_leaves_no_core(void **state)
{
	(void)state;
	struct rlimit limit;

	vst_secret_guard_process();
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(starts_from_any_thread),
	        cmocka_unit_test(secret_memory_grows_beyond_its_first_pool),
	        cmocka_unit_test(equal_compares_every_byte),
	        cmocka_unit_test(wipe_clears),
	        cmocka_unit_test(random_fills_all_and_differs),
	        cmocka_unit_test(seed_is_heard_only_in_fault_builds),
	        cmocka_unit_test(guarded_process_leaves_no_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
