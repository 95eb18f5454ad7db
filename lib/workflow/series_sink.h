/*
 * Between the collectors and the exhibit's writer: what passes here is compared with the exhibit before.
 *
 *     collectors ─▶ series sink ─┬─▶ exhibit writer   items, and content that no earlier exhibit holds
 *                                ├─▶ observers        content of the kinds that they know ─▶ facts
 *                                └─▶ series index     each item, for the next snapshot
 *
 * Every byte is hashed here or in the writer. Where an earlier exhibit may have the content it is hashed
 * first and stored only if it was not there after all: from memory up to VST_SINK_KEEPS bytes, else the
 * collector is asked to read the file again. A file that only grew is known by the digest at its earlier
 * length, taken from the running hash: what follows is stored as its tail.
 *
 * Invariant: an item that was ended and is owed (asked for again) becomes an item of status error unless the
 * collector comes back with it: nothing is silently missing, whatever the collector does.
 */
#ifndef WORKFLOW_SERIES_SINK_H
#define WORKFLOW_SERIES_SINK_H

#include "vestige/exhibit_writer.h"
#include "vestige/policy.h"
#include "vestige/series_index.h"

struct series_sink;

struct series_sink_options {
	struct vst_exhibit_writer *writer;
	struct vst_series_index
	        *earlier; /* of the exhibit before; NULL: there is none, or it is not to be trusted */
	bool incremental; /* content of its generation is not stored again */
	struct vst_series_writer *index; /* what the next snapshot will have */
	int scratch_fd;                  /* for files without a name */
	unsigned hashes;                 /* set of enum vst_hash_set, as the writer's */
};

/* All of `options` is borrowed while the sink is there. */
int series_sink_new(const struct series_sink_options *options, struct series_sink **ret, struct vst_err *err);
void series_sink_free(struct series_sink *sink);

/* Items of this source follow (borrowed); the writer has been told. */
void series_sink_source(struct series_sink *sink, const struct vst_policy_source *source);
/* No more items of it: what is still owed is written as an error. */
int series_sink_source_end(struct series_sink *sink, struct vst_err *err);

/* As the functions of struct vst_sink; the item given to begin stays in place until its end. */
int series_sink_begin(struct series_sink *sink, const struct vst_item *item, struct vst_err *err);
int series_sink_data(struct series_sink *sink, const void *data, size_t len, struct vst_err *err);
int series_sink_end(
        struct series_sink *sink, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err);
int series_sink_item(struct series_sink *sink, struct vst_item *item, const char *link_source,
        const char *link_path, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err);
bool series_sink_again(struct series_sink *sink);

/* Bytes of content that the items so far describe, stored here or in an earlier exhibit. */
uint64_t series_sink_described(const struct series_sink *sink);

#endif
