/*
 * Comparing two exhibits of which there are series indexes (series_index.h): what was added, removed, changed
 * or moved, and which of it looks like tampering.
 *
 *     before.index ─┐                    ┌─▶ changes   diff shows them, a seal counts them
 *                   ├─▶ vst_compare() ───┤
 *     after.index ──┘                    └─▶ findings  of pairs of items (compare/rules.h), and of what their
 *                                                      content says (compare/observer.h)
 *
 * A snapshot compares with what private/ kept of the exhibit before it; `diff` with what it has read out of
 * two exhibits. Both run the same rules.
 */
#ifndef VESTIGE_COMPARE_H
#define VESTIGE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/finding.h"
#include "vestige/manifest.h"
#include "vestige/series_index.h"

struct vst_err;
struct vst_buf;

/* ---- what content says: observers at work on one item ---- */

/*
 * What an exhibit's contents are looked at for, made once: observers, and for logs the lengths that those of
 * the exhibit before had. `before` may be NULL; it is borrowed while the lookout is made. `scratch_fd`
 * (borrowed; -1: none) is for files without a name: a rotated log that was compressed is kept there until it
 * can be expanded. `any_length`: not only where a log is new at its place; what a snapshot takes from the
 * hash that runs anyway has to be computed where there is none.
 */
struct vst_lookout;
int vst_lookout_new(struct vst_series_index *before, int scratch_fd, bool any_length,
        struct vst_lookout **ret, struct vst_err *err);
void vst_lookout_free(struct vst_lookout *lookout);

struct vst_observation;

/* NULL in *ret if nobody wants the item, which has its source. `append_only`: its source's policy says so.
 * Owns: the caller. */
int vst_observe_begin(const struct vst_lookout *lookout, const struct vst_item *item, bool append_only,
        struct vst_observation **ret, struct vst_err *err);
/* The content, in pieces of any size from its first byte on, as exhibits hold it: without the holes of a sparse
 * file, whose extents `item` has. */
int vst_observe_content(struct vst_observation *observation, const struct vst_item *item, const void *data,
        size_t len, struct vst_err *err);
/*
 * Appends the facts: one JSON object, with a member for each observer that wanted the item. `item`: as it was
 * ended. Of a file that was cut or could not be read to its end observers' facts are left out, which would be
 * judged as if the rest were gone; of a stream that failed they are kept: what it has is all there is.
 */
int vst_observe_end(struct vst_observation *observation, const struct vst_item *item,
        struct vst_buf *ret_facts, struct vst_err *err);
void vst_observe_free(struct vst_observation *observation);
/*
 * Facts that are kept for an item which is there and was not looked into this time: the next exhibit is
 * compared with them, so that a night without them hides nothing. Appends them marked as what an earlier
 * exhibit found. `facts` are an object, marked already or not.
 */
void vst_observe_keep(const void *facts, size_t len, struct vst_buf *ret_facts);

/* ---- changes ---- */

enum vst_change_kind {
	VST_CHANGE_UNCHANGED,
	VST_CHANGE_ADDED,
	VST_CHANGE_REMOVED,
	VST_CHANGE_CHANGED,
	VST_CHANGE_MOVED,
	VST_CHANGE_UNKNOWN /* nothing else differs, and whether its content does cannot be told */
};
#define VST_CHANGE_KINDS (VST_CHANGE_UNKNOWN + 1)
const char *vst_change_kind_name(enum vst_change_kind kind);

/* What of an item differs; a set. */
enum vst_change_field {
	VST_FIELD_CONTENT = 1 << 0, /* its bytes; of `content: digest` its keyed digest */
	VST_FIELD_SIZE = 1 << 1,
	VST_FIELD_TYPE = 1 << 2,
	VST_FIELD_STATUS = 1 << 3, /* had and not had: collected, unchanged and tail are the same here */
	VST_FIELD_MODE = 1 << 4,
	VST_FIELD_OWNER = 1 << 5,
	VST_FIELD_GROUP = 1 << 6,
	VST_FIELD_TARGET = 1 << 7,
	VST_FIELD_XATTRS = 1 << 8,
	VST_FIELD_ACL = 1 << 9,
	VST_FIELD_FLAGS = 1 << 10,
	VST_FIELD_DEVICE = 1 << 11, /* of a device node */
	VST_FIELD_MTIME = 1 << 12,
	VST_FIELD_CTIME = 1 << 13,
	VST_FIELD_BTIME = 1 << 14,
	VST_FIELD_INODE = 1 << 15,
	VST_FIELD_LINKS = 1 << 16,
};
#define VST_FIELDS 17
const char *vst_change_field_name(unsigned bit); /* of 1 << bit; NULL past the last */

/* One item in one or both exhibits. The parsed items are borrowed for the call. */
struct vst_change {
	enum vst_change_kind kind;
	unsigned fields; /* changed, moved */
	const struct vst_item *before, *after;
	struct vst_place before_place, after_place;
	const char *unknown; /* why it cannot be told whether their content is the same; NULL: it can */
};

struct vst_compare_side {
	struct vst_series_index *index;
	int64_t time;      /* when that snapshot began, ns UTC */
	int64_t boot_time; /* when the host had started; VST_TIME_NONE: unknown */
	char boot_id[40];  /* empty: unknown */
};

struct vst_compare_options {
	const struct vst_compare_side *before; /* NULL: there is nothing to compare with; what is wrong inside
	                                          `after` alone is found */
	const struct vst_compare_side *after;
	/* Each difference: in the order of `after`, then what was removed in the order of `before`. NULL: not
	 * wanted. Non-zero stops. */
	int (*change)(void *ctx, const struct vst_change *change, struct vst_err *err);
	void *ctx;
	struct vst_finding_sink findings; /* take NULL: not wanted */
	bool other_key; /* the digests that stand for content are by another key on each side: they tell
	                   nothing */
};

struct vst_compare_counts {
	uint64_t kinds[VST_CHANGE_KINDS];
	uint64_t content; /* of the changed: those whose bytes differ */
};

/* Items of both exhibits that are there as a keyed digest alone. */
struct vst_compare_digests {
	uint64_t unchanged, changed, unknown;
};

struct vst_compare_result {
	struct vst_compare_counts total;
	struct vst_compare_digests digests;
	uint64_t findings[VST_SEVERITIES];
	uint64_t findings_left_out; /* past VST_FINDINGS_PER_RULE of one rule: counted above, not given */
};
#define VST_FINDINGS_PER_RULE 1000

/*
 * Memory: 4 bytes an item of `after`, a bit an item of `before`, some 100 bytes for each that was added, and
 * what the two maps touch. Errors: VST_EFORMAT for a damaged index, VST_ENOMEM, the callbacks' codes.
 */
int vst_compare(
        const struct vst_compare_options *options, struct vst_compare_result *ret, struct vst_err *err);

#endif
