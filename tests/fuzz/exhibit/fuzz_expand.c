/* A compressed file from anybody, as a rotated log is read: no more comes out than was asked for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/expand.h"

#define MAX 300000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct expansion {
	const uint8_t *data;
	size_t size, at;
	uint64_t out;
};

static int read_some(void *ctx, void *data, size_t len, size_t *ret_len, struct vst_err *err)
{
	struct expansion *x = ctx;
	(void)err;
	*ret_len = x->size - x->at < 97 ? x->size - x->at : 97;
	if (*ret_len > len)
		*ret_len = len;
	if (*ret_len > 0)
		memcpy(data, x->data + x->at, *ret_len);
	x->at += *ret_len;
	return 0;
}

static int take(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct expansion *x = ctx;
	(void)data;
	(void)err;
	x->out += len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct expansion x = {.data = data, .size = size};
	const struct vst_expand how = {.read = read_some, .data = take, .ctx = &x, .max = MAX};
	bool whole = true;
	int rc = vst_expand(&how, &whole, NULL);
	if (x.out > MAX || (whole && (rc != 0 || x.out == MAX + 1)) ||
	        (rc == 0 && !vst_expand_knows(data, size)))
		abort();
	return 0;
}
