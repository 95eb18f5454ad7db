/*
 * An acquisition as a member of a series: what it compares with, what it need not store, what it leaves for
 * the next, and what the comparison found. Between acquire.c, which knows the order of steps, and
 * series_sink.h, which all items pass.
 */
#ifndef WORKFLOW_ACQUIRE_SERIES_H
#define WORKFLOW_ACQUIRE_SERIES_H

#include "vestige/acquire.h"
#include "vestige/collector.h"
#include "workflow/case_series.h"
#include "workflow/series_sink.h"

struct acquire_series { /* zero-initialise, fd -1 */
	struct vst_case *c;
	const struct vst_acquire_options *options;
	struct case_series before;
	uint64_t before_number; /* 0: none */
	int64_t before_started;
	bool incremental;
	const char *full_because;
	int fd;
	bool other_key;       /* the digest key was made anew: digests compare with none before */
	bool may_be_recorded; /* the event is on its way: its index stays, whatever comes */
	struct vst_series_writer *index;
	struct series_sink *sink;
	struct vst_buf findings; /* lines */
	struct vst_seal_series seal;
};

/* Under the snapshot lock, before the collectors' process is made, which gets to know what is to be
 * trusted. */
int acquire_series_open(struct acquire_series *s, struct vst_case *c,
        const struct vst_acquire_options *options, struct vst_collect_context *context, struct vst_err *err);
/* The exhibit `number` is begun: items go into s->sink from here on. `scratch_fd` is for files without a
 * name. */
int acquire_series_begin(struct acquire_series *s, uint64_t number, struct vst_exhibit_writer *writer,
        int scratch_fd, struct vst_err *err);
/* All is collected: ends the index, compares, writes the record findings.jsonl, and fills s->seal. */
int acquire_series_compare(struct acquire_series *s, struct vst_exhibit_writer *writer, int64_t started,
        int64_t boot_time, const char *boot_id, struct vst_err *err);
/* The event is committed. Where this fails nothing is lost: the next snapshot knows the new index by its
 * digest. */
void acquire_series_adopt(struct acquire_series *s);
void acquire_series_close(struct acquire_series *s);

#endif
