/*
 * A consistent copy of a SQLite database, taken without a trace on the evidence, and open for reading.
 *
 * The copy is made by SQLite's online backup, from one of:
 *
 *  shared   a live host: under SQLite's own locks, held for a slice of pages at a time; with a WAL, under one
 *           read mark, which keeps nobody from writing
 *  private  an image, or a log that nobody has open: the log is read into our own memory; that nothing
 *           changed meanwhile is checked, and where it did the copy is made again
 *  copy     a rollback journal that a crash left (hot): database and journal are copied first, and the
 *           rollback happens in the copy
 *
 * The copies lie in a directory of their own below context->scratch_fd, and have lost their names as soon as
 * they are open. Without scratch_fd the copy is in memory and may have VST_SQLITE_MEMORY_MAX bytes.
 *
 * Source: sqlite.org/backup.html, sqlite.org/fileformat2.html, sqlite.org/security.html.
 */
#ifndef COLLECT_SQLITE_OPEN_H
#define COLLECT_SQLITE_OPEN_H

#include <sqlite3.h>

#include "vestige/collector.h"

#define VST_SQLITE_MEMORY_MAX ((uint64_t)64 * 1024 * 1024)
#define VST_SQLITE_WHY_MAX 256
#define VST_SQLITE_HEADER 100
#define VST_SQLITE_VERSIONS 18 /* offset of the file format's write and read version: 2 is WAL */

/* What an item says that could not be had. Status collected: all is well. */
struct vst_sqlite_problem {
	enum vst_item_status status;
	int error;                    /* errno, or 0 */
	bool unreadable;              /* there is a file, and it cannot be read as a database */
	char why[VST_SQLITE_WHY_MAX]; /* the rule of the item */
};

struct vst_sqlite {
	struct vst_collect_context *context; /* borrowed */
	sqlite3 *db;                         /* the copy */
	char *path;                          /* resolved, of the evidence */
	const char *how;                     /* shared, private, copy */
	const char *journal_mode;            /* of the evidence: wal or delete, as the header says */
	int scratch_fd;                      /* our directory; -1: none */
	char scratch_name[40];
	int bytes_fd;   /* the copy's bytes, if it is a file; else −1 */
	uint8_t *bytes; /* … or in memory, with other versions than these in its header */
	size_t bytes_len;
	uint8_t versions[2];
	uint64_t size; /* of the evidence's file */
	bool reliable; /* nothing changed while it was copied without locks */
};

/*
 * Opens it. Returns 0 with a problem where the evidence could not be had: absent, denied, error, or excluded
 * by limits.source_time. `s` is to be closed in any case. Errors: VST_ENOMEM, VST_ECANCELLED.
 */
int vst_sqlite_open(struct vst_sqlite *s, struct vst_collect_context *context, const char *path,
        struct vst_sqlite_problem *problem, struct vst_err *err);
void vst_sqlite_close(struct vst_sqlite *s);

/* Only path and size, for a dry run: nothing is opened. */
int vst_sqlite_look(struct vst_sqlite *s, struct vst_collect_context *context, const char *path,
        struct vst_sqlite_problem *problem, struct vst_err *err);

/* What SQLite's code means for an item; VST_ECANCELLED if it was us who stopped it. `db` may be NULL. */
int vst_sqlite_explain(const struct vst_collect_context *context, sqlite3 *db, int code,
        struct vst_sqlite_problem *problem, struct vst_err *err);

#endif
