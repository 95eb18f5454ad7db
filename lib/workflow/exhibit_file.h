/*
 * An exhibit file against its seal, without a key: length and digest of the whole and of the payload behind
 * the age header.
 */
#ifndef WORKFLOW_EXHIBIT_FILE_H
#define WORKFLOW_EXHIBIT_FILE_H

#include "vestige/seal.h"

struct vst_err;

typedef void exhibit_file_progress(void *ctx, uint64_t done, uint64_t total);

/* Opens a regular file for reading, no link followed. VST_ENOTFOUND if it is not there. */
int exhibit_file_open(
        int exhibits_fd, const char *name, int *ret_fd, uint64_t *ret_bytes, struct vst_err *err);

/* SHA-256 of all of a file. */
int exhibit_file_digest(int fd, uint64_t bytes, exhibit_file_progress *progress, void *ctx,
        uint8_t ret[VST_HASH_LEN], struct vst_err *err);

/* 0 if the file is what the seal says; VST_ETAMPERED says in what it differs; VST_ENOTFOUND; VST_EIO. */
int exhibit_file_check(int exhibits_fd, const char *name, const struct vst_seal *seal,
        exhibit_file_progress *progress, void *ctx, struct vst_err *err);

/* The same for a file that is open; its name is not in the errors. */
int exhibit_file_check_open(int fd, uint64_t bytes, const struct vst_seal *seal,
        exhibit_file_progress *progress, void *ctx, struct vst_err *err);

#endif
