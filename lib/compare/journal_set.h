/*
 * What is known of the journal files of one exhibit, from either side: the headers that the observer
 * `journal` read of files that were collected as files, and the details of the items of a source `journal:`
 * (vestige-policy(5)), which has read every entry.
 */
#ifndef COMPARE_JOURNAL_SET_H
#define COMPARE_JOURNAL_SET_H

#include "compare/observer.h"
#include "compare/serial_set.h"

#define VST_JOURNAL_ID_TEXT 33 /* 32 hexadecimal digits and NUL */

enum vst_journal_state { VST_JOURNAL_OFFLINE, VST_JOURNAL_ONLINE, VST_JOURNAL_ARCHIVED, VST_JOURNAL_UNKNOWN };

struct vst_journal_set_file {
	char *path;
	char *error; /* NULL: none */
	bool has_header;
	char file_id[VST_JOURNAL_ID_TEXT], seqnum_id[VST_JOURNAL_ID_TEXT];
	enum vst_journal_state state;
	uint64_t head, tail, entries;
	const uint8_t *sha256; /* NULL: not known, or not comparable */
	size_t owner;          /* item of the set */
};

struct vst_journal_set_seqnums {
	char id[VST_JOURNAL_ID_TEXT];
	struct vst_serial_set gaps; /* between first and last */
	uint64_t first, last;
	bool is_known; /* gaps are all of them */
	size_t owner;
};

struct vst_journal_set { /* zero-initialise */
	const struct vst_observed_set *items;
	struct vst_journal_set_file *files;
	size_t file_count, file_cap;
	struct vst_journal_set_seqnums *seqnums;
	size_t seqnum_count, seqnum_cap;
	bool is_cut; /* there are files that are not told of */
};

/* `items` may be NULL. Errors: VST_ENOMEM. */
int vst_journal_set_read(
        struct vst_journal_set *ret, const struct vst_observed_set *items, struct vst_err *err);
void vst_journal_set_free(struct vst_journal_set *set);

/* journal_judge.c */
int vst_journal_judge(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err);

#endif
