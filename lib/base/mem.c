#include "vestige/mem.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/fault.h"

#define GROW_FIRST 16

static int refused(void)
{
	if (vst_fault(VST_FAULT_MALLOC, NULL) != 0) {
		errno = ENOMEM;
		return 1;
	}
	return 0;
}

/* A size of zero still gets memory of its own, so that NULL always means failure. */
void *vst_alloc(size_t size)
{
	return refused() ? NULL : malloc(size ? size : 1);
}

void *vst_calloc(size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return refused() ? NULL : calloc(1, total ? total : 1);
}

void *vst_realloc(void *old, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return refused() ? NULL : realloc(old, total ? total : 1);
}

void *vst_grow(void *list, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return list;
	size_t more = *cap ? *cap * 2 : GROW_FIRST;
	void *moved = vst_realloc(list, more, size);
	if (moved)
		*cap = more;
	return moved;
}

char *vst_strdup(const char *text)
{
	return vst_memdup(text, strlen(text));
}

void *vst_memdup(const void *data, size_t len)
{
	if (len == SIZE_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	unsigned char *copy = vst_alloc(len + 1);
	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, data, len);
	copy[len] = 0;
	return copy;
}

int vst_err_nomem(struct vst_err *err)
{
	vst_err_set(err, VST_ENOMEM, "out of memory");
	if (err)
		err->sys = ENOMEM;
	return VST_ENOMEM;
}
