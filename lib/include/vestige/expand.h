/*
 * What a compressed file holds: gzip (RFC 1952), xz, zstd (RFC 8878), bzip2, told apart by their first bytes.
 * By libarchive's filters, and only those that are built in: no program of the host is started.
 */
#ifndef VESTIGE_EXPAND_H
#define VESTIGE_EXPAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_err;

#define VST_EXPAND_MAGIC 6 /* bytes that tell a format */
/* Whether these first bytes of a file are those of a format that is read here. */
bool vst_expand_knows(const void *first, size_t len);

struct vst_expand {
	/* Up to `len` bytes of the compressed file, in order; 0 in *ret_len: its end. */
	int (*read)(void *ctx, void *data, size_t len, size_t *ret_len, struct vst_err *err);
	/* What it holds, in order. */
	int (*data)(void *ctx, const void *data, size_t len, struct vst_err *err);
	void *ctx;
	uint64_t max; /* bytes of it that are wanted: no more are expanded */
};

/*
 * *ret_whole: its end was reached, and not `max`. VST_EFORMAT: cut, or damaged so that the decoder sees
 * it (no gzip checksum is compared); what came before was given. Empty content may be VST_EFORMAT too.
 * VST_EUNSUPPORTED: none of these formats. One inside of another is left as it is. The callbacks' codes.
 */
int vst_expand(const struct vst_expand *expand, bool *ret_whole, struct vst_err *err);

#endif
