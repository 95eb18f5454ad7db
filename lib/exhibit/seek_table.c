#include "exhibit/seek_table.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"
#include "vestige/reader.h"

#define TABLE_MAGIC UINT32_C(0x184D2A5E)
#define FOOTER_MAGIC UINT32_C(0x8F92EAB1)
#define FRAME_MAGIC UINT32_C(0xFD2FB528)
#define FRAME_CHECKSUM_LEN 4
#define DESCRIPTOR_CHECKSUM 0x80u
#define DESCRIPTOR_RESERVED 0x7Cu

_Static_assert(
        VST_SEEK_COMPRESSED_MAX > ZSTD_COMPRESSBOUND(VST_FRAME_MAX), "an incompressible frame has to fit");

static size_t entry_len(uint8_t descriptor)
{
	return descriptor & DESCRIPTOR_CHECKSUM ? 12 : 8;
}

static int bad(struct vst_err *err, const char *what)
{
	return vst_err_set(err, VST_EFORMAT, "seek table: %s", what);
}

int vst_seek_table_len(
        const uint8_t footer[VST_SEEK_FOOTER_LEN], uint64_t stream_size, size_t *ret_len, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(footer, VST_SEEK_FOOTER_LEN);
	uint32_t count = 0, magic = 0;
	uint8_t descriptor = 0;
	uint64_t len;

	if (!vst_reader_u32le(&in, &count) || !vst_reader_u8(&in, &descriptor) ||
	        !vst_reader_u32le(&in, &magic) || magic != FOOTER_MAGIC)
		return bad(err, "not there: the stream does not end in one");
	if (descriptor & DESCRIPTOR_RESERVED)
		return bad(err, "reserved bits are set");
	if (count > VST_SEEK_FRAMES_MAX)
		return vst_err_set(err, VST_ELIMIT, "seek table: %u frames are more than %u", count,
		        VST_SEEK_FRAMES_MAX);
	len = VST_SEEK_HEADER_LEN + (uint64_t)count * entry_len(descriptor) + VST_SEEK_FOOTER_LEN;
	if (len > stream_size || stream_size - len < (uint64_t)count * VST_SEEK_FRAME_MIN)
		return bad(err, "more frames than the stream has room for");
	*ret_len = (size_t)len;
	return 0;
}

static int read_entries(struct vst_reader *in, struct vst_seek_table *table, struct vst_err *err)
{
	uint64_t offset = 0, tar_offset = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		uint32_t len = 0, tar_len = 0;

		if (!vst_reader_u32le(in, &len) || !vst_reader_u32le(in, &tar_len) ||
		        (table->has_checksums && !vst_reader_u32le(in, &table->checksums[i])))
			return bad(err, "cut short");
		if (len < VST_SEEK_FRAME_MIN || len > VST_SEEK_COMPRESSED_MAX)
			return vst_err_set(
			        err, VST_EFORMAT, "seek table: frame %u of %u compressed bytes", i, len);
		if (tar_len > VST_FRAME_MAX)
			return vst_err_set(err, VST_EFORMAT, "seek table: frame %u of %u bytes", i, tar_len);
		table->offsets[i] = offset;
		table->tar_offsets[i] = tar_offset;
		offset += len; /* at most 2^24 frames of less than 2^23 bytes */
		tar_offset += tar_len;
	}
	table->offsets[table->count] = table->size = offset;
	table->tar_offsets[table->count] = table->tar_size = tar_offset;
	return 0;
}

int vst_seek_table_parse(
        const void *data, size_t len, uint64_t stream_size, struct vst_seek_table *ret, struct vst_err *err)
{
	struct vst_seek_table table = {0};
	struct vst_reader in = vst_reader_of(data, len);
	const uint8_t *footer;
	uint32_t magic = 0, follows = 0;
	size_t stated = 0;
	int rc;

	if (len < VST_SEEK_HEADER_LEN + VST_SEEK_FOOTER_LEN)
		return bad(err, "cut short");
	footer = in.data + len - VST_SEEK_FOOTER_LEN;
	if ((rc = vst_seek_table_len(footer, stream_size, &stated, err)) != 0)
		return rc;
	if (stated != len || !vst_reader_u32le(&in, &magic) || magic != TABLE_MAGIC ||
	        !vst_reader_u32le(&in, &follows) || follows != len - VST_SEEK_HEADER_LEN)
		return bad(err, "its frame and its footer disagree");

	table.count = (uint32_t)footer[0] | (uint32_t)footer[1] << 8 | (uint32_t)footer[2] << 16 |
	              (uint32_t)footer[3] << 24;
	table.has_checksums = footer[4] & DESCRIPTOR_CHECKSUM;
	table.offsets = vst_calloc((size_t)table.count + 1, sizeof *table.offsets);
	table.tar_offsets = vst_calloc((size_t)table.count + 1, sizeof *table.tar_offsets);
	if (table.has_checksums)
		table.checksums = vst_calloc((size_t)table.count + 1, sizeof *table.checksums);
	if (!table.offsets || !table.tar_offsets || (table.has_checksums && !table.checksums)) {
		rc = vst_err_nomem(err);
		goto out;
	}
	if ((rc = read_entries(&in, &table, err)) != 0)
		goto out;
	if (table.size != stream_size - len) {
		rc = bad(err, "its frames do not fill the stream");
		goto out;
	}
	*ret = table;
	table = (struct vst_seek_table){0};
out:
	vst_seek_table_free(&table);
	return rc;
}

void vst_seek_table_free(struct vst_seek_table *table)
{
	free(table->offsets);
	free(table->tar_offsets);
	free(table->checksums);
	*table = (struct vst_seek_table){0};
}

struct vst_seek_frame vst_seek_table_frame(const struct vst_seek_table *table, uint32_t index)
{
	return (struct vst_seek_frame){
	        .offset = table->offsets[index],
	        .tar_offset = table->tar_offsets[index],
	        .len = (uint32_t)(table->offsets[index + 1] - table->offsets[index]),
	        .tar_len = (uint32_t)(table->tar_offsets[index + 1] - table->tar_offsets[index]),
	        .checksum = table->has_checksums ? table->checksums[index] : 0,
	};
}

uint32_t vst_seek_table_find(const struct vst_seek_table *table, uint64_t tar_offset)
{
	uint32_t low = 0, high = table->count; /* tar_offsets[low] <= tar_offset < tar_offsets[high] */

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (table->tar_offsets[middle] <= tar_offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Whether the bytes are exactly one frame as the table has it: a skippable frame or a second one could hide
 * bytes in it. */
static int check_frame(
        const struct vst_seek_frame *frame, bool has_checksum, const uint8_t *data, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(data, frame->len);
	struct vst_reader end = vst_reader_of(data + frame->len - FRAME_CHECKSUM_LEN, FRAME_CHECKSUM_LEN);
	unsigned long long content = ZSTD_getFrameContentSize(data, frame->len);
	uint32_t magic = 0, checksum = 0;
	uint8_t descriptor = 0;

	if (!vst_reader_u32le(&in, &magic) || magic != FRAME_MAGIC || !vst_reader_u8(&in, &descriptor))
		return vst_err_set(err, VST_EFORMAT, "not a Zstandard frame");
	if (ZSTD_findFrameCompressedSize(data, frame->len) != frame->len)
		return vst_err_set(err, VST_EFORMAT, "not one Zstandard frame of %u bytes", frame->len);
	if (content == ZSTD_CONTENTSIZE_ERROR ||
	        (content != ZSTD_CONTENTSIZE_UNKNOWN && content != frame->tar_len))
		return vst_err_set(err, VST_EFORMAT, "frame and seek table disagree on the content's size");
	if (has_checksum && (descriptor & 0x04) && vst_reader_u32le(&end, &checksum) &&
	        checksum != frame->checksum)
		return vst_err_set(err, VST_EAUTH, "frame and seek table disagree on the checksum");
	return 0;
}

int vst_seek_frame_decode(struct ZSTD_DCtx_s *context, const struct vst_seek_frame *frame, bool has_checksum,
        const uint8_t *data, uint8_t *ret, struct vst_err *err)
{
	size_t got;
	int rc;

	if ((rc = check_frame(frame, has_checksum, data, err)) != 0)
		return rc;
	got = ZSTD_decompressDCtx(context, ret, frame->tar_len, data, frame->len);
	if (ZSTD_isError(got)) {
		ZSTD_ErrorCode code = ZSTD_getErrorCode(got);

		if (code == ZSTD_error_memory_allocation)
			return vst_err_nomem(err);
		return vst_err_set(err, code == ZSTD_error_checksum_wrong ? VST_EAUTH : VST_EFORMAT,
		        "zstd: %s", ZSTD_getErrorName(got));
	}
	if (got != frame->tar_len)
		return vst_err_set(err, VST_EFORMAT, "frame holds %zu bytes, the seek table says %u", got,
		        frame->tar_len);
	return 0;
}
