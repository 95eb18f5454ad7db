/*
 * Hard links in a series index: an item that is one names the leaf of the item that holds the content, which
 * has come before, and gets that one's content and size in its record. Joined by sorting, so that memory does
 * not grow with links.
 */
#ifndef EXHIBIT_SERIES_LINKS_H
#define EXHIBIT_SERIES_LINKS_H

#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

struct vst_err;
struct vst_scratch;
struct vst_series_links;

/* `scratch_fd` is borrowed. Owns: the caller. Errors, of all: VST_ENOMEM, VST_EIO for scratch files. */
int vst_series_links_new(int scratch_fd, struct vst_series_links **ret, struct vst_err *err);
void vst_series_links_free(struct vst_series_links *links);
/* An item with content that others may be links of; `line` as in vst_series_writer_add(). */
int vst_series_links_target(
        struct vst_series_links *links, const void *line, size_t line_len, uint64_t seq, struct vst_err *err);
int vst_series_links_link(
        struct vst_series_links *links, const uint8_t leaf[VST_HASH_LEN], uint64_t seq, struct vst_err *err);
/* Completes the records, which lie packed by seq. A link whose target did not come stays as it is. */
int vst_series_links_resolve(
        struct vst_series_links *links, struct vst_scratch *records, struct vst_err *err);

#endif
