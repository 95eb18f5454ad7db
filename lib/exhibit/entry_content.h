/*
 * The digests of a tar member's content as it passes, and their comparison with a manifest line.
 *
 * The line comes after the content: so whatever a line could ask for is computed, and kept until then. A
 * member that may be a stream's part (its name ends in `/part-NNNNNN`) is hashed on its own and together with
 * the parts before it.
 */
#ifndef EXHIBIT_ENTRY_CONTENT_H
#define EXHIBIT_ENTRY_CONTENT_H

#include "exhibit/tar_member.h"
#include "vestige/hash.h"
#include "vestige/manifest.h"

struct vst_buf;
struct vst_err;

struct vst_content_digests {
	uint8_t sha256[VST_HASH_LEN], sha1[VST_SHA1_LEN], md5[VST_MD5_LEN];
};

struct vst_content {
	unsigned hashes; /* that were computed */
	uint64_t stored; /* data bytes, without holes */
	uint64_t size;   /* logical */
	struct vst_content_digests own;
	bool is_part; /* in an unbroken row of parts from the first on: */
	struct vst_content_digests stream;
	uint64_t stream_size;
	bool sparse;
	uint8_t map_sha256[VST_HASH_LEN]; /* of its extents, however they are laid out in memory */
	bool has_whole;                   /* sparse, and its holes are not too large to hash: */
	uint8_t whole_sha256[VST_HASH_LEN];
	uint64_t lost; /* bytes that damage swallowed: then no digest means anything */
};

#define VST_PART_FIRST 1

struct vst_content_hasher;
int vst_content_hasher_new(struct vst_content_hasher **ret, unsigned hashes, struct vst_err *err);
void vst_content_hasher_free(struct vst_content_hasher *hasher);

/* One member: begin, data in order, end. */
int vst_content_begin(struct vst_content_hasher *hasher, const struct vst_tar_member *member,
        const struct vst_item_extent *extents, size_t extent_count, struct vst_err *err);
void vst_content_data(struct vst_content_hasher *hasher, uint64_t offset, const void *data, size_t len);
void vst_content_lost(struct vst_content_hasher *hasher, uint64_t len);
int vst_content_end(struct vst_content_hasher *hasher, struct vst_content *ret, struct vst_err *err);

/*
 * Compares with what the item's line says: size and every digest. `last`: the content of its only member, or
 * of a stream's last part. VST_ETAMPERED with what differs.
 */
int vst_content_match(const struct vst_content *last, const struct vst_item *item, struct vst_err *err);

#endif
