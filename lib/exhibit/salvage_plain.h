/*
 * The age plaintext of a damaged file: which chunks authenticate, and reading from those.
 */
#ifndef EXHIBIT_SALVAGE_PLAIN_H
#define EXHIBIT_SALVAGE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vst_age_identities;
struct vst_err;
struct vst_input;
struct vst_salvage_options;
struct vst_salvage_plain;

/* Tries every chunk. Runs of damaged ones are reported as they are found. */
int vst_salvage_plain_open(struct vst_salvage_plain **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, const struct vst_salvage_options *options,
        struct vst_err *err);
void vst_salvage_plain_free(struct vst_salvage_plain *plain);

uint64_t vst_salvage_plain_size(const struct vst_salvage_plain *plain);
uint64_t vst_salvage_plain_damaged(const struct vst_salvage_plain *plain); /* bytes of the file */
bool vst_salvage_plain_closed(
        const struct vst_salvage_plain *plain); /* the last chunk is there and says that it is the last */

/* How many bytes from `offset` on are good; 0: the one there is not. */
uint64_t vst_salvage_plain_run(const struct vst_salvage_plain *plain, uint64_t offset);
/* The first good byte at or behind `offset`; the size if there is none. */
uint64_t vst_salvage_plain_next(const struct vst_salvage_plain *plain, uint64_t offset);
/* Reads good bytes. */
int vst_salvage_plain_read(
        struct vst_salvage_plain *plain, uint64_t offset, void *ret_data, size_t len, struct vst_err *err);

/* Where a byte of the plaintext lies in the file. */
uint64_t vst_salvage_plain_in_file(const struct vst_salvage_plain *plain, uint64_t offset);

#endif
