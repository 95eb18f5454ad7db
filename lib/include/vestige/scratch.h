/*
 * Scratch files: bytes that are too many for memory and needed once. They have no name, so nothing is left of
 * them however the program ends; they are not durable and need no cleaning up.
 *
 * What goes in may be evidence: the directory is the caller's choice, on a file system where that evidence
 * may lie.
 */
#ifndef VESTIGE_SCRATCH_H
#define VESTIGE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

struct vst_err;
struct vst_scratch;

/* The file alone, for whoever writes it by other means: empty, mode 0600, to be read and written. Owns: the
 * caller, close(). Errors: VST_EIO. */
int vst_scratch_open(int dirfd, int *ret_fd, struct vst_err *err);

/* An empty file in the directory, mode 0600; nothing is made there before the first bytes leave memory.
   `dirfd` is borrowed and outlives it. `buffer`: bytes kept before they are written, at least 1. Owns: the
   caller, vst_scratch_free(). */
int vst_scratch_new(int dirfd, size_t buffer, struct vst_scratch **ret, struct vst_err *err);
void vst_scratch_free(struct vst_scratch *scratch);

uint64_t vst_scratch_size(const struct vst_scratch *scratch);
int vst_scratch_append(struct vst_scratch *scratch, const void *data, size_t len, struct vst_err *err);
/* Exactly `len` bytes that were appended before. VST_EUSAGE: not so many are there. */
int vst_scratch_read(
        struct vst_scratch *scratch, uint64_t offset, void *ret_data, size_t len, struct vst_err *err);
/* Puts other bytes where some were appended. */
int vst_scratch_replace(
        struct vst_scratch *scratch, uint64_t offset, const void *data, size_t len, struct vst_err *err);

#endif
