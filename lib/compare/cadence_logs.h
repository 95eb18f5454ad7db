/*
 * The text logs of one exhibit: what each file says, and files of one log (rotated ones too) taken together.
 */
#ifndef COMPARE_CADENCE_LOGS_H
#define COMPARE_CADENCE_LOGS_H

#include "compare/cadence_facts.h"

struct vst_cadence_gap {
	int64_t from, to; /* UTC as far as the zone is known; of a step back `from` is the later one */
	uint64_t offset;
	bool boot;
	size_t owner; /* the item with the line behind it */
};

struct vst_cadence_list {
	struct vst_cadence_gap *gaps;
	size_t count, cap;
};

/* One file; those of which nobody knows the year are left out. */
struct vst_cadence_file {
	size_t owner;
	char *family;       /* path without what rotation adds, digits as # */
	const char *source; /* borrowed */
	uint64_t timed;
	bool zoned, is_access, cut;
	int64_t first, last, end; /* UTC as far as the zone is known */
	int64_t mtime;            /* s, the later one if it was written to meanwhile; 0: unknown */
	int64_t zone; /* what its last line and its mtime differ by, as a zone; INT64_MIN: nothing that is one */
	uint64_t ahead[VST_CADENCE_BUCKETS], back[VST_CADENCE_BUCKETS];
	struct vst_cadence_list gaps, steps;
};

/* All files of one log. */
struct vst_cadence_log {
	size_t first_file, file_count; /* of the set's files, by their first times */
	uint64_t lines;
	uint64_t ahead[VST_CADENCE_BUCKETS];
	struct vst_cadence_list gaps; /* also those between files */
	int64_t first, last;
	size_t last_owner;
	bool zoned, cut;
};

struct vst_cadence_logs { /* zero-initialise */
	const struct vst_observed_set *items;
	struct vst_cadence_file *files;
	size_t file_count, file_cap;
	struct vst_cadence_log *logs;
	size_t log_count;
	bool zone_known; /* of lines without one */
	int64_t zone;    /* s east of UTC: what most files agree on */
	size_t zone_votes;
};

/* `items` may be NULL. `other`, if given, tells the zone where these files do not. Errors: VST_ENOMEM. */
int vst_cadence_logs_read(struct vst_cadence_logs *ret, const struct vst_observed_set *items,
        const struct vst_cadence_logs *other, struct vst_err *err);
void vst_cadence_logs_free(struct vst_cadence_logs *logs);

/* The same log in another exhibit; NULL. Borrowed. */
const struct vst_cadence_log *vst_cadence_logs_find(const struct vst_cadence_logs *logs,
        const struct vst_cadence_logs *of, const struct vst_cadence_log *log);

#endif
