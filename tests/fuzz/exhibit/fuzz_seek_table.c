/* The seek table: 4 bytes give the size of the frames before it, the rest is the table. */
#include <stdlib.h>

#include "exhibit/seek_table.h"
#include "vestige/exhibit_format.h"
#include "vestige/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the reader relies on. */
static void check(const struct vst_seek_table *table)
{
	uint64_t offset = 0, tar_offset = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		struct vst_seek_frame frame = vst_seek_table_frame(table, i);

		if (frame.offset != offset || frame.tar_offset != tar_offset ||
		        frame.tar_len > VST_FRAME_MAX || frame.len > VST_SEEK_COMPRESSED_MAX)
			abort();
		if (frame.tar_len > 0 &&
		        (vst_seek_table_find(table, tar_offset) != i ||
		                vst_seek_table_find(table, tar_offset + frame.tar_len - 1) != i))
			abort();
		offset += frame.len;
		tar_offset += frame.tar_len;
	}
	if (offset != table->size || tar_offset != table->tar_size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vst_reader in = vst_reader_of(data, size);
	struct vst_seek_table table;
	uint32_t frames = 0;

	if (!vst_reader_u32le(&in, &frames))
		return 0;
	if (vst_seek_table_parse(data + in.pos, vst_reader_left(&in), frames + (uint64_t)vst_reader_left(&in),
	            &table, NULL) == 0) {
		check(&table);
		vst_seek_table_free(&table);
	}
	return 0;
}
