/*
 * The journal files in directories beneath the root: *.journal and *.journal~ in each and in what is below
 * it.
 */
#ifndef COLLECT_JOURNAL_FIND_H
#define COLLECT_JOURNAL_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "vestige/collector.h"

#define VST_JOURNAL_DEPTH_MAX                                                                                \
	4 /* directories below the one named: machine, and what remote receivers make of it */
#define VST_JOURNAL_FILES_MAX 16384

struct vst_journal_found {
	char *path; /* within the root, without links */
	int fd;     /* to be read; -1: not opened */
	struct vst_file_id id;
	enum vst_item_type type; /* directory for one that could not be read */
	int error;               /* errno; 0 with fd -1: a dry run, or `what` alone says why */
	const char *what;        /* what failed, constant; NULL: nothing */
	enum {
		VST_JOURNAL_THERE,
		VST_JOURNAL_ABSENT,  /* a directory that the policy names and that does not exist */
		VST_JOURNAL_VANISHED /* listed, then gone */
	} missing;
};

struct vst_journal_finds { /* zero-initialise */
	struct vst_journal_found *list;
	size_t count;
	size_t files; /* of them: journal files, readable or not */
};

/* Adds what is in a directory. A file that was found before, under any name, is not found again. `open`
 * false: the files are not opened. Errors: VST_ENOMEM, VST_ECANCELLED. */
int vst_journal_find(const struct vst_collect_context *context, const char *directory, bool open,
        struct vst_journal_finds *finds, struct vst_err *err);
void vst_journal_finds_free(struct vst_journal_finds *finds); /* closes too */

#endif
