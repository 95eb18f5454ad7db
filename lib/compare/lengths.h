/*
 * What a log began with: its digest at the lengths that logs of its family had in the earlier exhibit, taken
 * while its content passes. A rotated or copied log is known by it, a compressed one by what it expands to.
 * So a log that is gone from its place can be told from one whose old lines are gone.
 *
 * Only files that are new at their place or have another inode there are looked at: what merely grew is known
 * by the digest at one length, which the series sink takes from the hash that runs anyway (manifest.h,
 * `prefix`).
 *
 * Facts, the member "lengths": {"expanded":bool,"at":[[length,sha256],…]}, rising, of lengths that it has.
 */
#ifndef COMPARE_LENGTHS_H
#define COMPARE_LENGTHS_H

#include <stdbool.h>

#include "compare/family.h"
#include "vestige/buf.h"

#define VST_LENGTHS_MAX 64 /* lengths of one item */
#define VST_LENGTHS_NAME "lengths"

struct vst_lengths;

/* NULL in *ret: there is nothing to look for. Owns: the caller. Errors: VST_ENOMEM. `families` are those of
 * the earlier exhibit; `scratch_fd` -1: compressed ones are not looked at; `any`: also one that stands where
 * it stood. */
int vst_lengths_begin(const struct vst_families *families, const struct vst_item *item, int scratch_fd,
        bool any, struct vst_lengths **ret, struct vst_err *err);
int vst_lengths_data(struct vst_lengths *lengths, const void *data, size_t len, struct vst_err *err);
/* Appends the value; nothing if it has none of the lengths. */
int vst_lengths_end(struct vst_lengths *lengths, struct vst_buf *ret_value, struct vst_err *err);
void vst_lengths_free(struct vst_lengths *lengths);

/* What the facts of a later exhibit's logs hold: digests of earlier contents. Owns: the caller; nothing of
 * `index` is kept. Errors: those of vst_series_line(), VST_ENOMEM. */
struct vst_held;
int vst_held_new(struct vst_series_index *index, struct vst_held **ret, struct vst_err *err);
void vst_held_free(struct vst_held *held);
/* The item that begins with exactly this content; false: none. */
bool vst_held_find(
        const struct vst_held *held, uint64_t size, const uint8_t sha256[VST_HASH_LEN], uint64_t *ret_seq);

#endif
