/*
 * The keyed digest that stands for a file's content where the policy says `content: digest`. Format:
 * manifest.h, `details`.
 */
#ifndef COLLECT_FILE_DIGEST_H
#define COLLECT_FILE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/file_map.h"
#include "vestige/buf.h"
#include "vestige/hash.h"
#include "vestige/manifest.h"

struct vst_file_digest {       /* zero-initialise; the key and memory are kept from file to file */
	struct vst_hmac *hmac; /* NULL: none is asked for, or there is no key */
	bool by_map;           /* holes are too large to be hashed: data extents and their map are */
	uint64_t at;           /* bytes of the file that the code has seen, or of its data if by_map */
	struct vst_buf details;
};

int vst_file_digest_init(
        struct vst_file_digest *digest, const uint8_t key[VST_HASH_LEN], struct vst_err *err);
void vst_file_digest_free(struct vst_file_digest *digest);

/* A file begins: `map` has its data (NULL: no holes) within `size` bytes. */
void vst_file_digest_begin(struct vst_file_digest *digest, const struct vst_file_map *map, uint64_t size);
/* Content at `offset`, which rises. */
void vst_file_digest_add(struct vst_file_digest *digest, uint64_t offset, const void *data, size_t len);
/*
 * The end: sets the item's details, which point into `digest`. `map` is cut here to `got` bytes of data.
 * `whole`: all of the file was read, so that it has `size` bytes, the last of which may be a hole.
 */
int vst_file_digest_end(struct vst_file_digest *digest, struct vst_file_map *map, uint64_t got, uint64_t size,
        bool whole, struct vst_item *item, struct vst_err *err);

#endif
