#include "vestige/secret.h"

#include <errno.h>
#include <gcrypt.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "vestige/err.h"
#include "vestige/fault.h"
#include "vestige/hash.h"

#ifdef VESTIGE_FAULTS
#include <stdatomic.h>
#include <stdlib.h>
#endif

/* Enough for the keys of a usual run; the pool grows when more is needed. */
#define SECMEM_POOL (64 * 1024)
#define SECMEM_GROW (64 * 1024)

static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static bool started;

static void start(void)
{
	/*
	 * libcrypto's configuration file, or OPENSSL_CONF, can name modules to load into the process that
	 * asks: on a host that may be hostile nobody asks. What we use is built in.
	 */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return;
	/* age is ChaCha20-Poly1305, which FIPS mode refuses: better sealed than not, on a host set up so. */
	gcry_control(GCRYCTL_NO_FIPS_MODE, 0);
	if (!gcry_check_version("1.10.0"))
		return;
	/* Another library in this process may have been first; then its settings stay. */
	if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
		/* Where mlock is refused (containers), memory that may be swapped beats no sealing at all. */
		gcry_control(GCRYCTL_DISABLE_SECMEM_WARN);
		gcry_control(GCRYCTL_DISABLE_PRIV_DROP);
		gcry_control(GCRYCTL_INIT_SECMEM, SECMEM_POOL, 0);
		gcry_control(GCRYCTL_AUTO_EXPAND_SECMEM, SECMEM_GROW, 0);
		gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	}
	started = true;
}

int vst_crypto_start(struct vst_err *err)
{
	if (pthread_once(&start_once, start) != 0 || !started)
		return vst_err_set(err, VST_ELIBRARY,
		        "libcrypto and libgcrypt 1.10 or newer are needed, found %s",
		        gcry_check_version(NULL));
	return 0;
}

void vst_secret_guard_process(void)
{
	const struct rlimit none = {0, 0};

	/* Each may be refused; the other still helps, and nothing that follows depends on them. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
}

void *vst_secret_alloc(size_t len)
{
	if (vst_fault(VST_FAULT_MALLOC, NULL) != 0 || vst_crypto_start(NULL) != 0)
		return NULL;
	return gcry_malloc_secure(len ? len : 1);
}

void vst_secret_free(void *secret, size_t len)
{
	if (!secret)
		return;
	vst_wipe(secret, len);
	gcry_free(secret);
}

void vst_wipe(void *data, size_t len)
{
	if (data && len)
		explicit_bzero(data, len);
}

bool vst_secret_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *left = a;
	const volatile uint8_t *right = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= left[i] ^ right[i];
	return differ == 0;
}

#ifdef VESTIGE_FAULTS
/* Block n of the repeatable stream is HMAC(seed, n): no state but the counter, so any thread may draw. */
static bool random_from_seed(uint8_t *ret, size_t len)
{
	static atomic_uint_fast64_t counter;
	const char *seed = getenv("VESTIGE_SEED");

	if (!seed)
		return false;
	while (len > 0) {
		uint64_t n = atomic_fetch_add(&counter, 1);
		uint8_t number[8];
		uint8_t block[VST_HASH_LEN];
		for (size_t i = 0; i < sizeof number; i++)
			number[i] = (uint8_t)(n >> (56 - 8 * i));
		vst_hmac_sha256(seed, strlen(seed), &(struct vst_part){number, sizeof number}, 1, block);
		size_t take = len < sizeof block ? len : sizeof block;
		memcpy(ret, block, take);
		ret += take;
		len -= take;
	}
	return true;
}
#endif

int vst_random(void *ret, size_t len, struct vst_err *err)
{
	uint8_t *at = ret;

#ifdef VESTIGE_FAULTS
	if (random_from_seed(at, len))
		return 0;
#endif
	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			return vst_err_sys(err, errno, "getrandom");
		}
		at += got;
		len -= (size_t)got;
	}
	return 0;
}
