/*
 * Journal files as a stream in the Journal Export Format, by libsystemd.
 *
 * Source: systemd's "Journal Export Formats": an entry is a line `NAME=value` for each field and an empty
 * line at the end. A value that is no text is written as the line `NAME`, its length (u64, little-endian),
 * its bytes and LF. What is of the entry itself comes first: __CURSOR, __REALTIME_TIMESTAMP,
 * __MONOTONIC_TIMESTAMP, _BOOT_ID. The cursor tells the sequence number.
 */
#ifndef COLLECT_JOURNAL_EXPORT_H
#define COLLECT_JOURNAL_EXPORT_H

#include "collect/journal_facts.h"
#include "collect/stream.h"

#define VST_JOURNAL_FIELD_MAX                                                                                \
	((size_t)768 * 1024 * 1024) /* bytes of a field, as systemd's own programs have it */

struct vst_journal_export {
	int *fds; /* journal files opened to be read; borrowed. Refused ones are dropped, from counts too */
	uint64_t *counts; /* how many entries each has at least; borrowed */
	size_t fd_count;
	uint64_t present; /* different ones in all; 0: unknown */
	const struct vst_journal_facts
	        *facts; /* of these files: entries that were written after them are left out */
	char **units;
	size_t unit_count;                    /* 0: all */
	uint64_t since;                       /* µs since the epoch; 0: from the start */
	const struct vst_journal_boot *boots; /* the only ones; NULL: all */
	size_t boot_count;

	/* What became of it: */
	uint64_t seen;        /* entries that libsystemd gave, up to the facts' last */
	uint64_t entries;     /* written */
	uint64_t incomplete;  /* of them: their fields are not those that were written, or the format cannot
	                         hold them */
	uint64_t lost;        /* entries that could not be read at all */
	uint64_t missing;     /* entries that libsystemd passed over in silence */
	uint64_t refused;     /* files that libsystemd does not open */
	uint64_t first, last; /* wall clock, lowest and highest of those written */
	char reason[256];     /* of the first thing that went wrong, or empty */
};

/* Why this program makes no exports; NULL: it does. */
const char *vst_journal_export_missing(void);

/* Writes into an open stream, until a limit cuts it. Fails as vst_stream_write() does. */
int vst_journal_export(struct vst_journal_export *run, struct vst_stream *out, struct vst_err *err);

/* Whether a field's value is written as text: valid UTF-8 without control characters but tabs. For the tests
 * too. */
bool vst_journal_is_text(const void *value, size_t len);
/* A unit's name in full: "ssh" is "ssh.service". Appends. */
void vst_journal_unit_name(const char *unit, struct vst_buf *out);

#endif
