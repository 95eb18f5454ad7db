/*
 * What of an item is compared: the digests of its content and of its metadata (vestige/series_index.h).
 */
#ifndef EXHIBIT_SERIES_KEYS_H
#define EXHIBIT_SERIES_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "vestige/hash.h"

struct vst_buf;
struct vst_err;
struct vst_item;

/* The key and the bytes of content that it speaks of; *ret_has false: none is known, the others are as they
   were. `room` is used. Fails for want of memory only. */
int vst_series_key_of(const struct vst_item *item, struct vst_buf *room, uint8_t ret_key[VST_HASH_LEN],
        uint64_t *ret_size, bool *ret_has, struct vst_err *err);

/*
 * SHA-256, its first half, over: type 1, has_stat 1; with a stat mode 4, uid 8, gid 8, user, group, nlink 8
 * (0 for directories: their entries tell), and for devices rdev 4 and 4; then flags, acl, default_acl,
 * target; the number of xattrs 8, and of each name and value. Integers little-endian; each text or value as a
 * byte 1, its length in 8 bytes and itself, or as a byte 0 if there is none.
 */
int vst_series_meta_of(const struct vst_item *item, struct vst_buf *room, uint8_t ret[VST_HASH_LEN / 2],
        struct vst_err *err);

#endif
