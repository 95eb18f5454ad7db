/*
 * Secrets: memory that is not swapped, not dumped, and wiped; comparison in constant time; starting
 * libgcrypt.
 */
#ifndef VESTIGE_SECRET_H
#define VESTIGE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;

/*
 * Starts libgcrypt with secure memory, and libcrypto without the host's configuration (which can load
 * modules), once and from any thread. Everything in crypto calls it itself; a program that uses other
 * libraries calls it first of all, because whichever library starts these two decides.
 */
int vst_crypto_start(struct vst_err *err);

/* No core dumps, not traceable (PR_SET_DUMPABLE 0, RLIMIT_CORE 0): called before the first key is loaded. */
void vst_secret_guard_process(void);

/*
 * Secure memory, from a pool that grows; NULL if there is none. Where mlock is refused it may be swapped.
 * vst_secret_free() wipes; NULL is allowed.
 */
void *vst_secret_alloc(size_t len);
void vst_secret_free(void *secret, size_t len);

/* Overwrites memory in a way that the compiler keeps. */
void vst_wipe(void *data, size_t len);

/* Constant time in the contents. */
bool vst_secret_equal(const void *a, const void *b, size_t len);

/* Random bytes from the kernel. In builds with VESTIGE_FAULTS, VESTIGE_SEED makes them repeatable for golden
 * files. */
int vst_random(void *ret, size_t len, struct vst_err *err);

#endif
