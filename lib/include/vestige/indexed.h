/*
 * An opened exhibit as one side of a comparison (compare.h): the series index that its snapshot had in
 * private/, made again from its manifest, with the facts that observers find in its contents.
 *
 * The index lies in a file without a name in the directory for temporary files (TMPDIR, else /var/tmp), never
 * in the case.
 */
#ifndef VESTIGE_INDEXED_H
#define VESTIGE_INDEXED_H

#include <stdatomic.h>

#include "vestige/compare.h"
#include "vestige/examine.h"

struct vst_indexed {
	struct vst_compare_side side;
	uint64_t items;  /* without the exhibit's own records */
	uint64_t unread; /* items with content that observers would have looked at, and could not be read */
	char unread_why[512]; /* of the first of them: "source:path: reason" */
};

struct vst_indexed_options {
	struct vst_series_index
	        *earlier;    /* what it is to be compared with; NULL: it is itself the earlier one */
	bool ignore_digests; /* `content: digest` tells nothing: the other side has them by another key */
	void (*progress)(void *ctx, uint64_t items, uint64_t total); /* NULL: none */
	void *ctx;
	const atomic_bool *cancel; /* NULL: none */
};

/* Errors: those of reading an exhibit; VST_EIO for the temporary file; VST_ECANCELLED. Owns: the caller. */
int vst_indexed_new(struct vst_examination *examination, const struct vst_indexed_options *options,
        struct vst_indexed **ret, struct vst_err *err);
void vst_indexed_free(struct vst_indexed *indexed);

/* The key by which this exhibit's digests stand for content. *ret_has false: it has none. */
int vst_indexed_digest_key(
        struct vst_examination *examination, uint8_t ret[VST_HASH_LEN], bool *ret_has, struct vst_err *err);

#endif
