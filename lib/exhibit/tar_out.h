/*
 * The tar side of an exhibit in the making: entries by libarchive's pax writer, their bytes into Zstandard
 * frames.
 *
 * An item's metadata that stock tar restores goes into its entry; all of it is in the manifest. Names are
 * bytes: where they are not UTF-8, libarchive marks the entry with hdrcharset=BINARY, whatever the process's
 * locale.
 */
#ifndef EXHIBIT_TAR_OUT_H
#define EXHIBIT_TAR_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "vestige/manifest.h"

struct archive_entry;
struct vst_err;
struct vst_frames;
struct vst_tar_out;

int vst_tar_out_new(struct vst_frames *frames, struct vst_tar_out **ret, struct vst_err *err);
void vst_tar_out_free(struct vst_tar_out *out);

/* ---- an item's entry: described once, used for one header or, for the parts of a stream, for several ----
 */

/*
 * Makes `name` and the item's metadata the current entry. `link`: the entry name that a hard link repeats, or
 * NULL. `size` is the content's logical size. `time` (seconds) is for items that have none.
 */
int vst_tar_out_describe(struct vst_tar_out *out, const struct vst_item *item, const char *name,
        const char *link, uint64_t size, int64_t time, struct vst_err *err);
/* For the next part of a stream. */
void vst_tar_out_rename(struct vst_tar_out *out, const char *name, uint64_t size);

/* Writes the header of the current entry; gives the offset of its first byte in the tar. */
int vst_tar_out_header(struct vst_tar_out *out, uint64_t *ret_offset, struct vst_err *err);
int vst_tar_out_data(struct vst_tar_out *out, const void *data, size_t len, struct vst_err *err);
/* Zeros or, where the entry has a hole, nothing at the cost of nothing. */
int vst_tar_out_zeros(struct vst_tar_out *out, uint64_t len, struct vst_err *err);
/* Padding of the entry's last block. */
int vst_tar_out_end(struct vst_tar_out *out, struct vst_err *err);

/* Two zero blocks. */
int vst_tar_out_close(struct vst_tar_out *out, struct vst_err *err);

/*
 * A time as libarchive has to be given it, and gives it back, so that the entry says what POSIX means: its
 * writer puts the sign before the seconds and the nanoseconds behind them as they are, so -1.5 s is (-1,
 * 500000000). Between -1 s and 0 there is no such pair: -1 s.
 */
void vst_tar_time(int64_t ns, int64_t *ret_seconds, long *ret_ns);

#endif
