/*
 * Reading all of an exhibit from front to back and comparing everything with everything: `verify --deep`.
 */
#ifndef VESTIGE_EXHIBIT_CHECK_H
#define VESTIGE_EXHIBIT_CHECK_H

#include "vestige/exhibit_reader.h"

struct vst_exhibit_check_result {
	uint64_t items;
	uint64_t bytes;     /* content that was hashed */
	uint64_t tar_bytes;
	uint64_t problems;
};
struct vst_exhibit_check_options {
	unsigned workers; /* not looked at: the tar stream has one for each processor, at most 4, which one hashing thread keeps busy */
	/* Each problem, with the item's path (may be NULL) and what is wrong. Non-zero stops the check with
	 * that code. */
	int (*problem)(void *ctx, const char *source, const char *path, const char *what);
	/* Each record of source "exhibit" as it passes (exhibit.json, policy.yaml, closing.json), already
	 * compared with its line. NULL: none. */
	int (*record)(void *ctx, const char *name, const void *data, size_t len, struct vst_err *err);
	/* Each manifest line as it passes, before the root over all of them is known to be right: only to be
	   counted, and judged when the check has ended. Non-zero stops. NULL: none. */
	int (*item)(void *ctx, const struct vst_item *item, struct vst_err *err);
	void (*progress)(void *ctx, uint64_t tar_bytes, uint64_t tar_total); /* NULL: none */
	void *ctx;
};
/*
 * Decrypts and reads all, in parallel, with bounded memory (plus index and leaves): every chunk's tag, every
 * frame's checksum, the seek table against the frames, every entry against its manifest line (name, type,
 * metadata that the tar carries, size, digest), no entry without a line, no line without the entry it
 * promises, no path twice, hard links to items of that leaf hash, the order of the layout, segments, index,
 * leaves and trailer against what was read, the root against `expect` (NULL: there is no seal to compare
 * with). Of what earlier exhibits hold, the line alone is looked at: whether they do is for whoever has them
 * (`item`). Only a tar that our writer could have written is accepted: what two tar programs might read
 * differently is a problem.
 *
 * A damaged chunk costs the content of the items in it; where it costs a tar header, what follows is
 * authenticated but not compared, and that is said (recover goes on behind it). Returns 0 with problems
 * counted, also when the seek table is damaged; VST_EKEY, VST_EFORMAT or VST_EAUTH when the age header lets
 * nothing be looked at; VST_EIO, VST_ENOMEM; the callbacks' codes. Memory: 89 bytes an item and 12 to 24 of
 * hash tables, 48 for each hard link without an entry, frames in flight, the entries of one manifest segment.
 */
int vst_exhibit_check(const struct vst_input *in, const struct vst_age_identities *identities,
	const struct vst_exhibit_expectation *expect, const struct vst_exhibit_check_options *options,
	struct vst_exhibit_check_result *ret, struct vst_err *err);

#endif
