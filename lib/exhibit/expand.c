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
	int filter;
} formats[] = {
        {"\x1f\x8b", 2, ARCHIVE_FILTER_GZIP},
        {"\xfd"
         "7zXZ\0",
                6, ARCHIVE_FILTER_XZ},
        {"\x28\xb5\x2f\xfd", 4, ARCHIVE_FILTER_ZSTD},
        {"BZh", 3, ARCHIVE_FILTER_BZIP2},
};
#define FORMATS (sizeof formats / sizeof *formats)

static int filter_of(const void *first, size_t len)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (len >= formats[i].len && memcmp(first, formats[i].magic, formats[i].len) == 0)
			return formats[i].filter;
	return ARCHIVE_FILTER_NONE;
}

bool vst_expand_knows(const void *first, size_t len)
{
	return filter_of(first, len) != ARCHIVE_FILTER_NONE;
}

struct expanding {
	const struct vst_expand *expand;
	uint8_t *block;
	size_t first; /* bytes in the block that nobody has had yet */
	struct vst_err *err;
	int rc; /* of a callback of the caller's */
};

static la_ssize_t read_block(struct archive *archive, void *ctx, const void **ret)
{
	struct expanding *x = ctx;
	size_t len = x->first;
	*ret = x->block;
	x->first = 0;
	if (len > 0)
		return (la_ssize_t)len;
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

static int read_first(struct expanding *x)
{
	size_t len = 1;
	while (x->rc == 0 && len > 0 && x->first < VST_EXPAND_MAGIC) {
		x->rc = x->expand->read(x->expand->ctx, x->block + x->first, BLOCK - x->first, &len, x->err);
		x->first += x->rc == 0 ? len : 0;
	}
	return x->rc;
}

/* That one filter and no other: to find it, libarchive would look into what comes out of it, and put on
 * another if that is compressed again. Each level may hold a thousand times as much, and `max` counts the
 * last alone. */
static int open_archive(struct expanding *x, struct archive *archive)
{
	struct archive_entry *entry;
	int rc = read_first(x), filter = rc == 0 ? filter_of(x->block, x->first) : ARCHIVE_FILTER_NONE;
	if (rc != 0)
		return rc;
	if (filter == ARCHIVE_FILTER_NONE)
		return vst_err_set(x->err, VST_EUNSUPPORTED, "not compressed");
	/* A filter that is not built in would start a program, and says so by a warning. */
	if (archive_read_append_filter(archive, filter) != ARCHIVE_OK)
		return vst_err_set(x->err, VST_EUNSUPPORTED, "libarchive without its filters");
	if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
	        archive_read_open(archive, x, NULL, read_block, NULL) != ARCHIVE_OK ||
	        archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return fail(x, archive);
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
