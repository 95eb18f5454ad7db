#include "vestige/expand.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"

#define BLOCK ((size_t)64 * 1024)

static const struct {
	const char *magic;
	size_t len;
	int (*support)(struct archive *archive);
} formats[] = {
        {"\x1f\x8b", 2, archive_read_support_filter_gzip},
        {"\xfd"
         "7zXZ\0",
                6, archive_read_support_filter_xz},
        {"\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd},
        {"BZh", 3, archive_read_support_filter_bzip2},
};
#define FORMATS (sizeof formats / sizeof *formats)

bool vst_expand_knows(const void *first, size_t len)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (len >= formats[i].len && memcmp(first, formats[i].magic, formats[i].len) == 0)
			return true;
	return false;
}

struct expanding {
	const struct vst_expand *expand;
	uint8_t *block;
	struct vst_err *err;
	int rc; /* of a callback of the caller's */
};

static la_ssize_t read_block(struct archive *archive, void *ctx, const void **ret)
{
	struct expanding *x = ctx;
	size_t len = 0;
	*ret = x->block;
	x->rc = x->expand->read(x->expand->ctx, x->block, BLOCK, &len, x->err);
	if (x->rc == 0)
		return (la_ssize_t)len;
	archive_set_error(archive, EIO, "stopped");
	return -1;
}

static int fail(struct expanding *x, struct archive *archive)
{
	if (x->rc != 0)
		return x->rc;
	const char *why = archive_error_string(archive);
	return vst_err_set(x->err, VST_EFORMAT, "compressed content: %.200s", why ? why : "damaged");
}

static int open_archive(struct expanding *x, struct archive *archive)
{
	struct archive_entry *entry;
	/* A filter that is not built in would start a program, and says so by a warning. */
	for (size_t i = 0; i < FORMATS; i++)
		if (formats[i].support(archive) != ARCHIVE_OK)
			return vst_err_set(x->err, VST_EUNSUPPORTED, "libarchive without its filters");
	if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
	        archive_read_open(archive, x, NULL, read_block, NULL) != ARCHIVE_OK ||
	        archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return fail(x, archive);
	if (archive_filter_count(archive) < 2)
		return vst_err_set(x->err, VST_EUNSUPPORTED, "not compressed");
	return 0;
}

static int give(struct expanding *x, struct archive *archive, bool *ret_whole)
{
	uint64_t left = x->expand->max;
	while (left > 0) {
		const void *data;
		size_t len;
		la_int64_t offset;
		int status = archive_read_data_block(archive, &data, &len, &offset);
		if (status == ARCHIVE_EOF) {
			*ret_whole = true;
			return 0;
		}
		if (status != ARCHIVE_OK)
			return fail(x, archive);
		if (len > left)
			len = (size_t)left;
		left -= len;
		int rc = x->expand->data(x->expand->ctx, data, len, x->err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int vst_expand(const struct vst_expand *expand, bool *ret_whole, struct vst_err *err)
{
	struct vst_err own = VST_ERR_INIT;
	struct expanding x = {.expand = expand, .err = err ? err : &own};
	struct archive *archive = archive_read_new();
	*ret_whole = false;
	x.block = vst_alloc(BLOCK);
	int rc = archive && x.block ? open_archive(&x, archive) : vst_err_nomem(x.err);
	if (rc == 0)
		rc = give(&x, archive, ret_whole);
	if (archive)
		archive_read_free(archive);
	free(x.block);
	return rc;
}
