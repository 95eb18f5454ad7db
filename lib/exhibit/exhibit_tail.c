#include "exhibit/exhibit_tail.h"

#include <string.h>

#include "exhibit/frames.h"
#include "exhibit/tar_out.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"

#define TRAILER_HASHED 480

static int put_entry(struct vst_tar_out *tar, const struct vst_frames *frames, const char *name,
        const void *data, size_t len, int64_t time, uint64_t *ret_header, uint64_t *ret_offset,
        struct vst_err *err)
{
	struct vst_item item;
	uint64_t offset;
	int rc;
	vst_item_init(&item);
	item.type = VST_ITEM_RECORD;
	if ((rc = vst_tar_out_describe(tar, &item, name, NULL, len, time, err)) != 0 ||
	        (rc = vst_tar_out_header(tar, ret_header, err)) != 0)
		return rc;
	offset = vst_frames_position(frames);
	if ((rc = vst_tar_out_data(tar, data, len, err)) != 0 || (rc = vst_tar_out_end(tar, err)) != 0)
		return rc;
	*ret_offset = offset;
	return 0;
}

int vst_exhibit_put_entry(struct vst_tar_out *tar, const struct vst_frames *frames, const char *name,
        const void *data, size_t len, int64_t time, uint64_t *ret_offset, struct vst_err *err)
{
	uint64_t header;
	return put_entry(tar, frames, name, data, len, time, &header, ret_offset, err);
}

static int put_trailer(struct vst_tar_out *tar, const struct vst_frames *frames, const struct vst_buf *fields,
        int64_t time, struct vst_err *err)
{
	uint8_t trailer[VST_TRAILER_LEN] = {0};
	uint64_t header, offset;
	int rc;
	memcpy(trailer, fields->data, fields->len);
	vst_sha256(trailer, TRAILER_HASHED, trailer + TRAILER_HASHED);
	rc = put_entry(tar, frames, VST_ENTRY_TRAILER, trailer, sizeof trailer, time, &header, &offset, err);
	/* Readers count backwards from the end: a trailer with a pax header would still be found, and yet not
	 * be the format. */
	if (rc == 0 && offset - header != 512)
		rc = vst_err_set(err, VST_ELIBRARY, "tar: a trailer with more than one header block");
	return rc;
}

int vst_exhibit_put_tail(struct vst_tar_out *tar, const struct vst_frames *frames,
        const struct vst_index *index, uint64_t segments, const uint8_t root[VST_HASH_LEN], int64_t time,
        struct vst_err *err)
{
	size_t index_len = (size_t)index->count * VST_INDEX_RECORD_LEN;
	uint64_t index_offset, leaves_offset;
	uint8_t index_sha256[VST_HASH_LEN];
	struct vst_buf fields = VST_BUF_INIT;
	int rc;
	if ((rc = vst_exhibit_put_entry(tar, frames, VST_ENTRY_INDEX, index->records, index_len, time,
	             &index_offset, err)) != 0 ||
	        (rc = vst_exhibit_put_entry(tar, frames, VST_ENTRY_LEAVES, index->leaves,
	                 (size_t)index->count * VST_HASH_LEN, time, &leaves_offset, err)) != 0)
		return rc;
	vst_sha256(index->records, index_len, index_sha256);
	vst_buf_text(&fields, VST_TRAILER_MAGIC);
	vst_buf_u32le(&fields, 1);
	vst_buf_u32le(&fields, VST_INDEX_RECORD_LEN);
	vst_buf_u64le(&fields, index->count);
	vst_buf_u64le(&fields, index_offset);
	vst_buf_u64le(&fields, leaves_offset);
	vst_buf_u64le(&fields, vst_frames_position(frames)); /* the trailer's header comes next */
	vst_buf_u64le(&fields, segments);
	vst_buf_bytes(&fields, root, VST_HASH_LEN);
	vst_buf_bytes(&fields, index_sha256, VST_HASH_LEN);
	if ((rc = vst_buf_check(&fields, err)) == 0)
		rc = put_trailer(tar, frames, &fields, time, err);
	vst_buf_free(&fields);
	return rc;
}
