/* The strict tar parser of the deep check and of salvage: any bytes, in pieces, with a gap where the first
 * two bytes say. */
#include <stdint.h>
#include <stdlib.h>

#include "exhibit/tar_scan.h"

struct seen {
	uint64_t member_size, at;
	int open;
};

static int on_member(void *ctx, struct vst_tar_member *member, const struct vst_item_extent *extents,
        size_t count, struct vst_err *err)
{
	struct seen *seen = ctx;

	(void)err;
	if (seen->open || member->name_len == 0)
		abort();
	for (size_t i = 0; i < count; i++)
		if (extents[i].len == 0 || extents[i].offset + extents[i].len > member->size)
			abort();
	seen->open = 1;
	seen->at = 0;
	seen->member_size = member->size;
	return 0;
}

static int on_data(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	struct seen *seen = ctx;

	(void)data;
	(void)err;
	if (!seen->open || offset < seen->at || len > seen->member_size || offset > seen->member_size - len)
		abort();
	seen->at = offset + len;
	return 0;
}

static int on_lost(void *ctx, uint64_t offset, uint64_t len, struct vst_err *err)
{
	struct seen *seen = ctx;

	(void)err;
	if (!seen->open || offset < seen->at || len > seen->member_size || offset > seen->member_size - len)
		abort();
	seen->at = offset + len;
	return 0;
}

static int on_end(void *ctx, struct vst_err *err)
{
	struct seen *seen = ctx;

	(void)err;
	if (!seen->open)
		abort();
	seen->open = 0;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen seen = {0};
	const struct vst_tar_events events = {&seen, on_member, on_data, on_lost, on_end};
	struct vst_tar_scan *scan = NULL;
	size_t first = 0, gap = 0;

	if (len < 2 || vst_tar_scan_new(&scan, &events, NULL) != 0)
		return 0;
	first = (size_t)data[0] * 16;
	gap = (size_t)data[1] * 4;
	data += 2;
	len -= 2;
	first = first < len ? first : len;
	if (vst_tar_scan_push(scan, data, first, NULL) == 0 &&
	        (gap == 0 || vst_tar_scan_gap(scan, gap, NULL) == 0))
		(void)vst_tar_scan_push(scan, data + first, len - first, NULL);
	(void)vst_tar_scan_stop(scan, NULL);
	if (seen.open && !vst_tar_scan_lost(scan) && !vst_tar_scan_ended(scan))
		abort();
	vst_tar_scan_free(scan);
	return 0;
}
