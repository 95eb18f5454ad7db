/*
 * Reading an exhibit with an identity, one item at a time, by its index: what `ls`, `cat` and `extract` stand
 * on.
 *
 * Nothing is trusted because it decrypts (age does not authenticate its sender): the trailer's root must be
 * the seal's, each manifest line must be in the tree under that root, each tar entry must agree with its
 * line, each content must have its line's digest. Sizes in the seek table, the frames and the tar are claims,
 * bounded before they are used.
 *
 * One thread drives an exhibit; it has workers of its own for large contents. The other ways to read one are
 * exhibit_extract.h, exhibit_check.h (all of it, from front to back) and exhibit_salvage.h (damaged files).
 */
#ifndef VESTIGE_EXHIBIT_READER_H
#define VESTIGE_EXHIBIT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/age.h"
#include "vestige/io.h"
#include "vestige/manifest.h"

/* What the seal says: the reader checks the exhibit against it. */
struct vst_exhibit_expectation {
	uint8_t root[VST_HASH_LEN];
	uint64_t items;
	/* The seal's source names (borrowed while the exhibit is open); 0: unknown. They only spare
	   vst_exhibit_find() the reading of every manifest line when it is asked for a path in whichever
	   source. */
	const char *const *sources;
	size_t source_count;
};

struct vst_exhibit;

/*
 * Opens by header, seek table and trailer; reads no item. `in` and `expect->sources` are borrowed.
 * Errors: VST_EKEY: no identity fits. VST_ETAMPERED: the root or the number of items is not what is expected.
 * VST_EFORMAT, VST_EAUTH: damaged or cut (with a hint). VST_EVERSION: a later format.
 */
int vst_exhibit_open(struct vst_exhibit **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, const struct vst_exhibit_expectation *expect,
        struct vst_err *err);
void vst_exhibit_free(struct vst_exhibit *exhibit);
uint64_t vst_exhibit_items(const struct vst_exhibit *exhibit);

/*
 * The other exhibits of the case, as an incremental one refers to them. `open` gives exhibit `number`, opened
 * against its own seal; it stays open at least until the next call. Which exhibits may be referred to is for
 * the library to say (VST_ETAMPERED for another).
 */
struct vst_exhibit_library {
	int (*open)(void *ctx, uint64_t number, struct vst_exhibit **ret, struct vst_err *err);
	void *ctx;
};
/* Copied; `ctx` is borrowed while the exhibit is open. Without a library, content of earlier exhibits is
 * VST_ENOTFOUND. */
void vst_exhibit_set_library(struct vst_exhibit *exhibit, const struct vst_exhibit_library *library);
/* Gives back the memory of frames that were decompressed lately. */
void vst_exhibit_rest(struct vst_exhibit *exhibit);

/* One item with what is needed to read it; its line was found in the tree. Owns `item` and `line`. */
struct vst_exhibit_entry {
	struct vst_item *item;
	uint8_t *line; /* the leaf's bytes, no LF */
	size_t line_len;
	uint8_t leaf[VST_HASH_LEN];
	uint64_t tar_offset; /* of its first tar header; UINT64_MAX: no entry */
};
void vst_exhibit_entry_free(struct vst_exhibit_entry *entry);

/*
 * By number: as below. VST_ENOTFOUND: there are not so many items.
 */
int vst_exhibit_entry_at(
        struct vst_exhibit *exhibit, uint64_t seq, struct vst_exhibit_entry *ret, struct vst_err *err);
/*
 * By place: checks the line's leaf hash against the leaves, and them against the root. VST_ENOTFOUND: the
 * index does not have it (an index that hides something is found by exhibit_check.h, not here). `source` may
 * be NULL: then the path must be in one source only, else VST_EUSAGE with a hint naming the sources.
 */
int vst_exhibit_find(struct vst_exhibit *exhibit, const char *source, const char *path,
        struct vst_exhibit_entry *ret, struct vst_err *err);

/*
 * Every item in order of seq, each line checked; the leaves hash to the root and the index has every item
 * once before the first call. `entry` is borrowed for the call, which may take its fields by setting them
 * NULL. Non-zero from `each` stops and is returned.
 */
typedef int vst_exhibit_each(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err);
int vst_exhibit_list(struct vst_exhibit *exhibit, vst_exhibit_each *each, void *ctx, struct vst_err *err);

/*
 * Content of one item to `out`: exactly the logical bytes (holes as zeros when `expand`, else data extents
 * only; a hard link gives its target's content; a stream's parts follow each other; what earlier exhibits
 * hold of it comes from them, each piece checked in its own exhibit and the whole against this one's line).
 * VST_ENOTFOUND if the exhibit holds no content of it. VST_ETAMPERED if the tar entry does not agree with the
 * line (nothing went out then) or the digest differs: that is known at the end, after the bytes went out, so
 * a caller which must not release unchecked bytes writes to a temporary place. Frames are decompressed ahead
 * by workers when the item is large.
 */
int vst_exhibit_content(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry, bool expand,
        const struct vst_output *out, struct vst_err *err);

/* The bytes that an item's own entry holds, without holes: of a tail the tail alone. Checked against its
 * line, as above. */
int vst_exhibit_stored(struct vst_exhibit *exhibit, const struct vst_exhibit_entry *entry,
        const struct vst_output *out, struct vst_err *err);

/* How much of the file was decrypted so far, to say what was not looked at. Units: bytes of ciphertext. */
void vst_exhibit_coverage(const struct vst_exhibit *exhibit, uint64_t *ret_read, uint64_t *ret_total);

#endif
