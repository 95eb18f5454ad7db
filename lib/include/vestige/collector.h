/*
 * Collectors: code that turns a source of a policy into items. They write to a sink and know nothing else of
 * exhibits.
 *
 * To add one: a kind in policy.h, a file lib/collect/<kind>.c with one vst_collect_<kind>() of this shape, an
 * entry in the table of collector.c. Collectors never include each other. What they share: stream.h (items
 * whose length nobody knows), limits.h, row_digest.h (tables that are not copied).
 *
 * Rules for all: evidence that cannot be read is an item with a status, never only a message; a collector
 * fails (returns non-zero) only when the sink failed, memory ran out, or it was cancelled.
 */
#ifndef VESTIGE_COLLECTOR_H
#define VESTIGE_COLLECTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vestige/accounts.h"
#include "vestige/manifest.h"
#include "vestige/policy.h"

struct vst_err;

/* Where items go. The exhibit writer is one sink (workflow connects them); a dry run that only counts is
 * another. */
struct vst_sink {
	void *ctx;
	/* True if the current source has an item of this path already: overlapping patterns take a path
	 * once. */
	bool (*has)(void *ctx, const char *path);
	/* As vst_exhibit_writer_begin, _data, _end, _item. The item's pointers are good during the call;
	 * leaves may not be wanted (NULL). */
	int (*begin)(void *ctx, const struct vst_item *item, struct vst_err *err);
	int (*data)(void *ctx, const void *data, size_t len, struct vst_err *err);
	/* Where content of the item that was begun may be put to spare a copy, for the next data() call
	 * alone: *ret_len bytes, or NULL. The member may be NULL. */
	void *(*space)(void *ctx, size_t *ret_len);
	int (*end)(void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err);
	int (*item)(void *ctx, struct vst_item *item, const char *link_source, const char *link_path,
	        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err);
	/*
	 * Whether the item that was just ended is wanted once more: begin, data and end follow again for the
	 * same path, and what was given before is forgotten. A sink that hopes to have the content already
	 * hashes it without keeping it, and may hope in vain. Asked after the end of a file of more than
	 * VST_SINK_KEEPS bytes of data. The member may be NULL: never.
	 */
	bool (*again)(void *ctx);
	/*
	 * Something that a person must hear of now, e.g. a hidden process: one line, for the screen. It is
	 * evidence only as an item, which the collector writes too. The member may be NULL.
	 */
	void (*finding)(void *ctx, const char *text);
};

#define VST_SINK_KEEPS (1024 * 1024) /* bytes of content that a sink keeps in memory if it has to */

struct vst_file_id {
	uint32_t dev_major, dev_minor;
	uint64_t ino;
};

/* Something that is never taken, known by device and inode: our own case directory. It becomes an item
 * `excluded` with `rule`. */
struct vst_exclusion {
	struct vst_file_id id;
	const char *rule;
};

struct vst_series_index;

struct vst_postgres_sessions; /* open transactions, one a database (lib/collect/postgres_connect.c) */

struct vst_packages; /* the package database, read when it is first asked for (lib/collect/packages.c) */

struct vst_hardlinks; /* which inodes have been archived, across sources (lib/collect/hardlinks.c) */

struct vst_collect_context {
	int root_fd; /* "/" or the directory of a mounted image; everything is resolved beneath it */
	bool live;   /* root is this host's own "/" */
	const struct vst_accounts *accounts; /* of the evidence, never of the analyst's host */
	const struct vst_exclusion *exclusions;
	size_t exclusion_count;
	/* Limits (limits.h): bytes of data, without holes; UINT64_MAX: none. Of the two that are left,
	 * collectors count down. */
	uint64_t item_limit, source_left, exhibit_left;
	/* Set when the source's time is over; checked between reads and names. NULL: no limit. */
	const atomic_bool *expired;
	/* VST_HASH_LEN bytes: the case's key for `content: digest`; NULL: there is none. */
	const uint8_t *digest_key;
	/*
	 * An earlier exhibit's items, to trust where a file's size, inode, mtime and ctime are as they were:
	 * such a file is not opened, and comes as an item of status unchanged whose `whole` says `trusted`
	 * and nothing else. NULL: every file is read. The policy is the one that those items were collected
	 * by. Only a ctime before `trusted_before` (ns) is trusted: one as young as the reading may hide a
	 * change within the clock's tick.
	 */
	const struct vst_series_index *trusted;
	int64_t trusted_before;
	bool weighs; /* the sink's `again` will be set: known before the collectors' process is made */
	int scratch_fd; /* a directory for files without names, on the case's disk; -1: there is none (a dry run) */
	struct vst_hardlinks *hardlinks; /* made once an acquisition */
	/* Made once an acquisition; NULL: each source its own transaction. */
	struct vst_postgres_sessions *postgres;
	struct vst_packages *packages; /* made once an acquisition; NULL: files are not compared with it */
	const atomic_bool *cancel;     /* set by a signal handler; checked between reads */
	bool source_begun; /* the source has items already: a files collector asks the sink for each path */
	/*
	 * False: a dry run. Files are described and not opened; begin and end come for each without data,
	 * `size` as it is now and `read_expected` (without has_read) what archiving it would cost, which is
	 * less for a sparse file.
	 */
	bool content;
	_Atomic uint32_t *begun; /* counts the source's patterns as they are begun; NULL: nobody asks */
	/* The path being worked on, for a progress line; good until the next call, which comes with "" at the
	 * end. NULL: none. */
	void (*progress)(void *ctx, const char *path);
	void *progress_ctx;
};

int vst_hardlinks_new(struct vst_hardlinks **ret, struct vst_err *err);
void vst_hardlinks_free(struct vst_hardlinks *hardlinks);

int vst_packages_new(struct vst_packages **ret, struct vst_err *err);
void vst_packages_free(struct vst_packages *packages);

/* Free it after the last source: transactions stay open until then, and end by ROLLBACK. */
int vst_postgres_sessions_new(struct vst_postgres_sessions **ret, struct vst_err *err);
void vst_postgres_sessions_free(struct vst_postgres_sessions *sessions);

/*
 * Runs the collector of the source's kind.
 *
 * Files: a pattern whose last component is literal and names a directory takes its whole tree, as tar and
 * restic do; one that ends in a wild component takes the directories that match without what is in them (`**`
 * takes both). A literal path or glob that matches nothing is an item `absent` with the pattern (of several
 * alternatives: that one) as its path. A symbolic link below a literal prefix that a pattern would have to
 * follow is an item itself. Rules of `excluded` items: "exclude: PATTERN", "other file system",
 * "limits.exhibit", an exclusion's own, "reading it acts on the host" (/proc/kmsg and the like).
 *
 * Artifacts: commands first, as /command/NAME/SOURCE/… (lib/collect/command.h); then what is not to be had,
 * /artifacts/NAME[/SOURCE[/PATH]], `excluded` with the reason or `error` where a definition is missing or
 * wrong, and /accounts/LINE for a home of passwd that was not looked into; then the files of all definitions
 * as one files source.
 */
int vst_collect(struct vst_collect_context *context, const struct vst_policy_source *source,
        const struct vst_sink *sink, struct vst_err *err);

#endif
