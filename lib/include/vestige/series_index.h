/*
 * The series index: what a case keeps, in private/, of its newest exhibit, so that the next snapshot can tell
 * what it need not store again and what has changed, without a key that opens exhibits. `diff` makes one of
 * each exhibit, from what it decrypts, and compares the two.
 *
 * For every item it has the manifest line, a record of fixed size for quick comparison, and the facts of an
 * observer (any JSON) if there are some; found by place (source and path), by seq, and content by its digest.
 * Contents are remembered for a whole generation, also of items that are gone.
 *
 * The file (format 1) is sealed: its SHA-256 stands in the seal of the exhibit that it is about. One that
 * differs is not used. Bytes inside are trusted only because of that digest; reading checks bounds all the
 * same.
 *
 * Layout: header; blocks, zstd frames of the text `line LF facts LF` of all items; the records by seq; path
 * digests' beginnings with their seqs, sorted; contents sorted by key and their pieces; where blocks end; the
 * seqs of items with facts, and of append-only ones; sources; trailer. Offsets: lib/exhibit/series_format.h.
 */
#ifndef VESTIGE_SERIES_INDEX_H
#define VESTIGE_SERIES_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/manifest.h"

struct vst_err;
struct vst_buf;
struct vst_series_writer;
struct vst_series_index;

/* What of an item is compared first. */
struct vst_series_record {
	uint8_t path[VST_HASH_LEN];    /* vst_item_path_digest() */
	uint8_t content[VST_HASH_LEN]; /* vst_series_content_key(); zeros: it has no content that is known */
	/* First half of the SHA-256 over all other metadata that the manifest has (type, owner and their
	 * names, mode, xattrs, ACLs, flags, target, device, save of directories the link count; not times, not
	 * the inode, not how it was read). The encoding: lib/exhibit/series_keys.h */
	uint8_t meta[VST_HASH_LEN / 2];
	/* Bytes of content, as `content` speaks of it (sparse: of data; of a digest: `bytes`; of a table that
	 * is no content, its rows); else the stat's size, of a symbolic link its target's length. */
	uint64_t size;
	int64_t mtime, ctime, btime; /* ns; VST_TIME_NONE */
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	uint32_t mode;   /* permission bits */
	uint8_t type;    /* enum vst_item_type */
	uint8_t status;  /* enum vst_item_status */
	uint8_t extent;  /* enum vst_item_content: what the policy asked for */
	uint8_t flags;   /* VST_SERIES_… below */
	uint32_t source; /* position in the index's list of sources */
	uint32_t line_len, facts_len;
	uint64_t line_at; /* opaque: where the line is */
};
#define VST_SERIES_STAT 1         /* has_stat */
#define VST_SERIES_SPARSE 2       /* content is that of data extents; the key covers the map */
#define VST_SERIES_SET_ID 4       /* a program with set-user-id or set-group-id */
#define VST_SERIES_CAPABILITY 8   /* has security.capability */
#define VST_SERIES_APPEND_ONLY 16 /* of a source with append_only */
#define VST_SERIES_HARDLINK 32    /* content is the target's; where known, it, `size` and SPARSE are given */

/* The key of an item's content as read: SHA-256 of the bytes (of a tail: of the whole file); of a sparse file
 * the SHA-256 over "sparse\0", each extent's offset and length in 8 bytes LE, the logical size likewise
 * (`size` of the item), and the data's SHA-256; of `content: digest` the HMAC (of a table `ordered`).
 * Whatever the status: of a file that was cut it speaks of what was read. False: none, or no memory. */
bool vst_series_content_key(const struct vst_item *item, uint8_t ret[VST_HASH_LEN]);

/* ---- writing ---- */

/*
 * Writes to `fd` (empty, at 0; borrowed), with scratch files without a name in the directory `scratch_fd`
 * (borrowed). Memory: about 10 MiB, whatever the number of items. `exhibit` is the number that the items get,
 * `full` that of the generation's first, both from 1; `earlier` an index of the same generation and an
 * earlier exhibit whose contents are carried on (NULL: none; borrowed till the end). Errors: VST_EUSAGE for
 * numbers that do not go together.
 */
int vst_series_writer_new(int fd, int scratch_fd, uint64_t exhibit, uint64_t full,
        const struct vst_series_index *earlier, struct vst_series_writer **ret, struct vst_err *err);
void vst_series_writer_free(struct vst_series_writer *writer);
/*
 * The next item, complete: seq rises by at least one (records of the exhibit's own are not given: their seqs
 * stay empty). `line` is its manifest line without LF as it was sealed, `facts` may be NULL. `flags` as
 * above, what the item itself does not tell: APPEND_ONLY. An item that is collected or changed and has
 * content adds it, one of status tail its `whole`, and one of status unchanged its `whole` if there is no
 * `earlier`, which has it otherwise. What was truncated, or failed on the way, adds nothing. The first
 * failure stays: all that follows fails in the same way. Errors: VST_EUSAGE (order, a record, pieces that are
 * not as long as the whole), VST_ELIMIT.
 */
int vst_series_writer_add(struct vst_series_writer *writer, const struct vst_item *item, const void *line,
        size_t line_len, const void *facts, size_t facts_len, unsigned flags, struct vst_err *err);
/* Ends it and makes it durable (not its name); `ret` is the SHA-256 of the file. VST_EUSAGE: two items of one
 * source and path. */
int vst_series_writer_finish(
        struct vst_series_writer *writer, uint8_t ret[VST_HASH_LEN], struct vst_err *err);

/* ---- reading ---- */

/*
 * Reads the file as it is asked, through small caches: about 2 MiB, and 2 bytes for each content (16 MiB at
 * most). It keeps a descriptor of its own; `fd` may be closed then. `expected` NULL: not compared.
 * VST_ETAMPERED: another digest; VST_EFORMAT, VST_EVERSION. One thread at a time. A process that was forked
 * from this one may ask too, if it keeps vst_series_index_fd() open.
 */
int vst_series_index_open(
        int fd, const uint8_t *expected, struct vst_series_index **ret, struct vst_err *err);
void vst_series_index_free(struct vst_series_index *index);
int vst_series_index_fd(const struct vst_series_index *index);

/*
 * The first failure to read the file; 0: none yet. It stays. What says below that something is not there may
 * say so because it could not be read: whoever draws a conclusion from it asks here before the conclusion is
 * used. Each process has its own.
 */
int vst_series_error(const struct vst_series_index *index, struct vst_err *err);

uint64_t vst_series_exhibit(const struct vst_series_index *index);
uint64_t vst_series_full(const struct vst_series_index *index);
uint64_t vst_series_seqs(const struct vst_series_index *index); /* seqs are below this; some may be empty */
size_t vst_series_sources(const struct vst_series_index *index);
/* Borrowed; NULL: there are not so many. */
const char *vst_series_source(const struct vst_series_index *index, uint32_t at);

/* False: no item has this seq. */
bool vst_series_at(const struct vst_series_index *index, uint64_t seq, struct vst_series_record *ret);
bool vst_series_find(const struct vst_series_index *index, const char *source, const char *path,
        uint64_t *ret_seq, struct vst_series_record *ret);
bool vst_series_find_digest(const struct vst_series_index *index, const uint8_t path[VST_HASH_LEN],
        uint64_t *ret_seq, struct vst_series_record *ret);
/* The seq of the `at`-th item in order of path digest: for merging two. What vst_series_seqs() gives if there
 * is none. */
uint64_t vst_series_in_order(const struct vst_series_index *index, uint64_t at);
uint64_t vst_series_items(const struct vst_series_index *index);

/* Items that are looked for among all others, by rising seq. */
enum vst_series_list { VST_SERIES_WITH_FACTS, VST_SERIES_GROWING /* APPEND_ONLY */, VST_SERIES_LISTS };
uint64_t vst_series_listed(const struct vst_series_index *index, enum vst_series_list list); /* how many */
/* The `at`-th of them. False: there are not so many. */
bool vst_series_listed_at(const struct vst_series_index *index, enum vst_series_list list, uint64_t at,
        uint64_t *ret_seq, struct vst_series_record *ret);

/* Reads line and facts (either may be NULL: not wanted; replaced). VST_EFORMAT: they are not there. */
int vst_series_line(struct vst_series_index *index, const struct vst_series_record *record,
        struct vst_buf *line, struct vst_buf *facts, struct vst_err *err);
/* The same, parsed; vst_item_free(). */
int vst_series_item(struct vst_series_index *index, const struct vst_series_record *record,
        struct vst_item **ret, struct vst_err *err);

/* Where an exhibit of the generation has this content. `stored` has room for VST_ITEM_STORED_MAX pieces.
 * False: none has. */
bool vst_series_content(const struct vst_series_index *index, const uint8_t key[VST_HASH_LEN],
        struct vst_item_stored *stored, size_t *ret_count, uint64_t *ret_size);
/* Whether some content of the generation may have this many bytes (no false no). */
bool vst_series_has_size(const struct vst_series_index *index, uint64_t size);

#endif
