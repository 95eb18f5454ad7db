/*
 * The content of one item on its way into the tar: counted, digested, placed around holes, cut into parts
 * when its length is not known, filled up when it falls short.
 */
#ifndef EXHIBIT_CONTENT_OUT_H
#define EXHIBIT_CONTENT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/manifest.h"

struct vst_content_out;
struct vst_err;
struct vst_tar_out;

/* `hashes`: set of enum vst_hash_set for contents, VST_HASH_SHA256 among them. `time`: of entries without a
 * time, seconds. */
int vst_content_out_new(struct vst_tar_out *tar, unsigned hashes, int64_t time, struct vst_content_out **ret,
        struct vst_err *err);
void vst_content_out_free(struct vst_content_out *content);

/* Parts of a stream are put together in memory of their own. */
bool vst_content_out_is_stream(const struct vst_content_out *content);

/* Writes the entry's header, or, for a stream, remembers what its parts will look like. `item->seq` is
 * set. */
int vst_content_out_begin(struct vst_content_out *content, const struct vst_item *item, struct vst_err *err);
/* The SHA-256 of the open item's content so far (of a sparse file: of its data). */
int vst_content_out_so_far(
        const struct vst_content_out *content, uint8_t ret[VST_HASH_LEN], struct vst_err *err);
int vst_content_out_data(struct vst_content_out *content, const void *data, size_t len, struct vst_err *err);

/*
 * Fills up, writes a stream's last part; sets size, digests, parts and read_padding of the item, and gives
 * the offset of its first tar header.
 */
int vst_content_out_end(
        struct vst_content_out *content, struct vst_item *item, uint64_t *ret_offset, struct vst_err *err);

#endif
