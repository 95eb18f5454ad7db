/*
 * Allocation that tests can make fail. Memory from here is released with free().
 *
 * Every allocation of our own goes through these, so that a fault loop can fail the Nth (see fault.h).
 * Secrets do not belong here but in crypto's secret.h.
 */
#ifndef VESTIGE_MEM_H
#define VESTIGE_MEM_H

#include <stddef.h>

struct vst_err;

/* Each returns NULL when there is no memory or when `count * size` overflows. Sizes in bytes. */
void *vst_alloc(size_t size);
void *vst_calloc(size_t count, size_t size);
void *vst_realloc(void *old, size_t count, size_t size);
/* An array of which `count` of *cap elements are in use, with room for one more: `list`, or what takes its place
 * and then has twice as many. NULL: there is no memory, and `list` is as it was. */
void *vst_grow(void *list, size_t count, size_t *cap, size_t size);
char *vst_strdup(const char *text);
void *vst_memdup(const void *data, size_t len); /* len bytes and a NUL behind them */

/* The one error for all of them. Returns VST_ENOMEM. */
int vst_err_nomem(struct vst_err *err);

#endif
