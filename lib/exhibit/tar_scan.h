/*
 * A tar stream taken apart as it comes: bytes are pushed in, members come out, nothing is copied but headers.
 *
 * States: at a header → (pax records → at a header) → body (map → data → padding) → at a header … → two zero
 * blocks → end.
 *
 * Invariants: 1. every byte is header, record, map, data or zero padding; 2. `position` counts all bytes, so
 * that the stream and the scan never disagree about where they are; 3. after VST_EFORMAT the scan is lost
 * until _resume.
 */
#ifndef EXHIBIT_TAR_SCAN_H
#define EXHIBIT_TAR_SCAN_H

#include "exhibit/tar_member.h"
#include "vestige/manifest.h"

struct vst_tar_scan;

/* Callbacks in the order of the stream. Non-zero stops the push with that code. */
struct vst_tar_events {
	void *ctx;
	/* May take the entry over (then sets member->entry to NULL); `extents` are a sparse member's data,
	 * borrowed until _end. */
	int (*member)(void *ctx, struct vst_tar_member *member, const struct vst_item_extent *extents,
	        size_t count, struct vst_err *err);
	/* Content: `offset` in the file's logical bytes. */
	int (*data)(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err);
	/* Content that a gap swallowed: from `offset` on, `len` bytes of it (holes between them included). */
	int (*lost)(void *ctx, uint64_t offset, uint64_t len, struct vst_err *err);
	int (*end)(void *ctx, struct vst_err *err); /* of a member's content */
};

int vst_tar_scan_new(struct vst_tar_scan **ret, const struct vst_tar_events *events, struct vst_err *err);
void vst_tar_scan_free(struct vst_tar_scan *scan);

/* VST_EFORMAT: the stream is not a tar of ours from here on. */
int vst_tar_scan_push(struct vst_tar_scan *scan, const void *data, size_t len, struct vst_err *err);
/*
 * `len` bytes are missing. Within one member's data the scan goes on behind them; otherwise VST_EFORMAT: a
 * header is lost (the member that was open has ended, with _lost for what its content lacks).
 */
int vst_tar_scan_gap(struct vst_tar_scan *scan, uint64_t len, struct vst_err *err);
/* Drops the open member without a word and is lost. */
void vst_tar_scan_abandon(struct vst_tar_scan *scan);
/* Begins again at a header which lies at `position`. */
void vst_tar_scan_resume(struct vst_tar_scan *scan, uint64_t position);
/*
 * Begins again within the data of a member whose header is lost, `data_at` bytes behind its first: takes the
 * member over (it is not sparse). Its events are as if a gap had swallowed what comes before.
 */
int vst_tar_scan_resume_data(struct vst_tar_scan *scan, struct vst_tar_member *member, uint64_t position,
        uint64_t data_at, struct vst_err *err);
/* The input is over: ends an open member (with _lost). */
int vst_tar_scan_stop(struct vst_tar_scan *scan, struct vst_err *err);

uint64_t vst_tar_scan_position(const struct vst_tar_scan *scan);
bool vst_tar_scan_lost(const struct vst_tar_scan *scan);
bool vst_tar_scan_ended(const struct vst_tar_scan *scan);   /* the two zero blocks were there */
bool vst_tar_scan_between(const struct vst_tar_scan *scan); /* the next byte is a header's first */

#endif
