/*
 * What a set of journal files says of itself: files, boots, sequence numbers and their gaps.
 *
 * Gaps are those of all files of one sequence number id together: entries of one journal are spread over
 * files, and each file alone is full of holes.
 */
#ifndef COLLECT_JOURNAL_FACTS_H
#define COLLECT_JOURNAL_FACTS_H

#include "collect/journal_file.h"
#include "vestige/buf.h"
#include "vestige/json.h"

#define VST_JOURNAL_BOOTS_MAX 65536
#define VST_JOURNAL_RANGES_MAX ((size_t)1 << 22) /* of sequence numbers; 64 MiB */

struct vst_journal_file {
	char *path;
	bool has_header;
	struct vst_journal_header header;
	uint64_t read;                      /* entries */
	uint64_t first_seqnum, last_seqnum; /* lowest and highest, if any was read */
	uint64_t first_realtime, last_realtime;
	char *error; /* NULL: all of it could be read */
};

struct vst_journal_boot {
	uint8_t id[VST_JOURNAL_ID];
	uint64_t first, last, entries; /* µs */
};

struct vst_journal_range {
	uint64_t from, to; /* both are in it */
};

struct vst_journal_seqnums {
	uint8_t id[VST_JOURNAL_ID];
	struct vst_journal_range *ranges; /* rising and apart once the facts are finished */
	size_t count, cap;
	uint64_t first, last, present; /* how many different ones */
	bool incomplete;               /* there were more ranges than are kept: gaps are unknown */
};

struct vst_journal_facts { /* zero-initialise */
	struct vst_journal_file *files;
	size_t file_count;
	struct vst_journal_boot *boots; /* by id; once finished, by the time of their last entry */
	size_t boot_count, boot_cap;
	struct vst_journal_seqnums *seqnums;
	size_t seqnum_count;
	bool boots_incomplete;
	uint64_t last_realtime; /* of all entries */
};

/* Adds what `bytes` holds, under its path; what is broken becomes the file's error. Fails as `check` does,
 * which is asked now and then, and for want of memory. */
typedef int vst_journal_check(void *ctx, struct vst_err *err);
int vst_journal_facts_add(struct vst_journal_facts *facts, const char *path,
        const struct vst_journal_bytes *bytes, vst_journal_check *check, void *ctx, struct vst_err *err);
/* The same for a file that could not even be opened. */
int vst_journal_facts_add_error(
        struct vst_journal_facts *facts, const char *path, const char *error, struct vst_err *err);
void vst_journal_facts_finish(struct vst_journal_facts *facts);
void vst_journal_facts_free(struct vst_journal_facts *facts);

/* The last sequence number seen of that id; false: none was. */
bool vst_journal_facts_last(
        const struct vst_journal_facts *facts, const uint8_t id[VST_JOURNAL_ID], uint64_t *ret);
uint64_t vst_journal_facts_broken(const struct vst_journal_facts *facts); /* files */

/* The keys files, boots, seqnums and their counts, into an object that is open; of each list at most `max`
 * elements. */
void vst_journal_facts_write(const struct vst_journal_facts *facts, size_t max, struct vst_json *json);
/* Microseconds since the epoch, as a time; null if they are none. */
void vst_journal_write_time(struct vst_json *json, uint64_t realtime);

#endif
