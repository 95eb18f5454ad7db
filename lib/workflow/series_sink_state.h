/*
 * The series sink at work, shared by its parts:
 *
 *     series_sink.c        items that are begun, read and ended
 *     series_sink_trust.c  items that are not read, because their stat is as sealed
 */
#ifndef WORKFLOW_SERIES_SINK_STATE_H
#define WORKFLOW_SERIES_SINK_STATE_H

#include "vestige/buf.h"
#include "vestige/hash.h"
#include "workflow/series_sink.h"

struct vst_lookout;
struct vst_observation;

enum series_sink_mode {
	SINK_STORE,  /* into the exhibit as it comes */
	SINK_WEIGH,  /* hashed, in the hope that the generation has it */
	SINK_PREFIX, /* hashed up to the length that the exhibit before had; then SINK_TAIL or SINK_WEIGH */
	SINK_TAIL,   /* what follows a prefix that is stored: hashed, and into the exhibit */
};

struct series_sink {
	struct series_sink_options options;
	const struct vst_policy_source *source;
	struct vst_lookout *lookout;
	uint64_t described;

	/* The open item. */
	enum series_sink_mode mode;
	const struct vst_item *begun;
	struct vst_item tail; /* SINK_TAIL: as the writer was told */
	uint64_t announced;   /* bytes of data that will come; UINT64_MAX: nobody knows */
	uint64_t at;          /* that came */
	uint64_t mark;        /* at this length the digest so far is wanted; 0: nowhere */
	bool marked;
	uint8_t mark_sha256[VST_HASH_LEN];
	struct vst_hash *hash; /* all modes but SINK_STORE */
	bool keeps;            /* what came is in `kept` */
	struct vst_buf kept;
	/* VST_ITEM_STORED_MAX: where the generation has the prefix, or all of it */
	struct vst_item_stored *stored;
	size_t stored_count;
	/* Weighed: if it is as it was, so are its facts, and nobody has to look at it again. */
	bool observes_later;
	struct vst_observation *observation;
	struct vst_buf facts;

	/* The exhibit before has this place. */
	bool is_known;
	struct vst_series_record known;

	bool owed;                           /* an item of this path was ended and has to come again */
	struct vst_buf owed_path, owed_line; /* what is known of it without its content */
	bool forced;                         /* it has come again: to be stored */
};

/* The item is in the exhibit: the next snapshot's index gets it. `facts` NULL: nobody looked into it. */
int series_sink_note(
        struct series_sink *s, const struct vst_item *item, const struct vst_buf *facts, struct vst_err *err);
/* An item that is said to be as it was sealed (whole.trusted): taken on what the exhibit before says of it, or
 * refused, then it is an item of status error. */
int series_sink_trusted(struct series_sink *s, struct vst_item *item, uint8_t *ret_leaf, struct vst_err *err);

#endif
