/*
 * Manifest lines: what the exhibit says about one item. Each line, without its LF, is a leaf of the exhibit's Merkle tree.
 *
 * Format 1, one JSON object without white space, keys in this order; those that do not apply are left out:
 *
 *   format    1
 *   salt      16 random bytes, hex: without it the leaf hash could be guessed from a likely path and size
 *   seq       leaf index, from 0
 *   source    name of the policy's source; "exhibit" for the exhibit's own records (exhibit.json, policy.yaml, closing.json)
 *   path      as on the host: absolute, no empty, `.` or `..` component (records: a name without leading slash). For people:
 *             invalid UTF-8 becomes U+FFFD, and then `path_base64` follows with the bytes. So too for rule, user, group,
 *             xattrs_error and target
 *   type      file, directory, symlink, fifo, socket, char_device, block_device, stream, record, unknown
 *   status    see enum vst_item_status
 *   rule      excluded, truncated: which rule or limit; denied, error: what failed, in words
 *   errno     denied, error: the symbolic name ("EIO"), the number as text ("524") if it has none
 *   content   "metadata" or "digest" (in details) where the policy asked for that much of it only: it is not in the exhibit then,
 *             and other names of the inode are no hard links but items of their own. Of metadata alone, `flags` are those that a
 *             stat tells (c i a d E V x)
 *   size      file: logical size as archived, without content as of its stat; stream: bytes archived; symlink: length of
 *             the target
 *   sha256    of exactly the bytes archived (sparse: of the data extents, end to end, padding included); sha1, md5 if asked for
 *   parts     stream: number of `PATH/part-NNNNNN` entries, from 000001; at least 1 (an empty stream has an empty part)
 *   mode      octal digits, e.g. "0640" (permission bits, set-id and sticky)
 *   uid gid user group      names by the evidence's own passwd and group; left out where there is no such account
 *   mtime atime ctime btime RFC 3339 in ns, as of the first stat (atime before our reading)
 *   dev ino nlink           dev as "major:minor"; ino as text from 2^63 on
 *   rdev      devices: "major:minor"
 *   flags     inode flags (FS_IOC_GETFLAGS) as chattr letters in lsattr's order, e.g. "ia"
 *   acl default_acl         numeric: "user::rw-,user:1000:r--,group::r--,mask::r--,other::---"
 *   xattrs    {name: base64}, sorted by name; POSIX ACLs are above and not here
 *   xattrs_base64           [[name, value], …], both base64: those whose names are not printable ASCII without " and \
 *   xattrs_error            why they could not be listed, if so
 *   target    symlink: its text (and target_base64)
 *   hardlink  hex leaf hash of the item that holds the content (same inode, earlier in this exhibit); no size, no digest then
 *   sparse    {map: [[offset, bytes], …], sha256: of the whole content with its holes; left out when holes exceed 1 GiB}
 *   read      {start, end, expected, read, padding, before {size, mtime, ctime}, after {size, mtime, ctime}}
 *             for files and streams; `after` is left out if it could not be had; padding: zero bytes that fill up what went missing
 *   whole     {size, sha256, sha1, md5, trusted, stored: [[exhibit, seq, bytes], …]} for unchanged and tail (of any status): the file as it was read, of
 *             which no or only the last bytes are in this exhibit. Its bytes are those that the entries of these items hold, end to
 *             end, and for a tail then those of its own entry; an item named here has an entry of exactly so many bytes. `size` and
 *             `sha256` are of the file (sparse: of the data extents), sha1 and md5 if asked for. `trusted` (true) if it was not read:
 *             size, inode, mtime and ctime were as sealed. `size` outside is for unchanged that of the stat, for tail that of the
 *             bytes archived, whose digest is `sha256` outside
 *   prefix    {size, sha256}: of an append-only file the digest of its first bytes, as many as the exhibit before had of it
 *   entry     "long": its entry is `items/long/<seq>` though its name would fit, because another entry has that name
 *   details   an object with what only the collector of this source knows; its keys are in that collector's page
 *             (vestige-live(5), vestige-policy(5)); spelled as all else here, at most VST_ITEM_DETAILS_MAX bytes
 *
 * Details of a file of content "digest", by the key in the exhibit's record digest.key:
 *   {"digest":{"bytes":N,"hmac_sha256":HEX}}      HMAC-SHA-256 of the N bytes that were read, holes as zeros
 *   {"digest":{"bytes":N,"map_hmac_sha256":HEX}}  where holes exceed VST_SPARSE_WHOLE_HASH_MAX: of N bytes, the data extents end to
 *             end; then offset and length of each of them; then the file's size (of one that was cut, where its last extent ends)
 *             and the number of extents, each number in 8 bytes, little-endian. Bytes that moved into or out of a hole change it
 * Details of a file that was compared with the package database, beside those:
 *   {"package":{"name":TEXT,"version":TEXT,"md5":HEX,"same":BOOL}}  `md5` is that of the database; no `same`: not all was read
 * `size` is that of the stat, `read` as of content. No digest without a key is in the line: short texts could be guessed by it.
 *
 * No offsets into the tar: two disclosed lines must not reveal their neighbours' sizes.
 */
#ifndef VESTIGE_MANIFEST_H
#define VESTIGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vestige/hash.h"

#define VST_SALT_LEN 16
#define VST_MANIFEST_LINE_MAX (16 * 1024 * 1024) /* xattrs of 64 KiB each, long sparse maps, long paths */
#define VST_ITEM_PATH_MAX (64 * 1024)
#define VST_SOURCE_NAME_MAX 64
#define VST_ITEM_DETAILS_MAX (1024 * 1024)
#define VST_SOURCE_EXHIBIT "exhibit" /* reserved name of the exhibit's own records */
#define VST_SPARSE_EXTENTS_MAX 262144
#define VST_SPARSE_WHOLE_HASH_MAX (UINT64_C(1) << 30) /* total of holes up to which the expanded content is hashed too */

struct vst_buf;
struct vst_err;

enum vst_item_type {
	VST_ITEM_UNKNOWN, VST_ITEM_FILE, VST_ITEM_DIRECTORY, VST_ITEM_SYMLINK, VST_ITEM_FIFO, VST_ITEM_SOCKET,
	VST_ITEM_CHAR_DEVICE, VST_ITEM_BLOCK_DEVICE,
	VST_ITEM_STREAM, /* content whose length was not known beforehand: /proc files, later journal exports, rows */
	VST_ITEM_RECORD, /* written by us into the exhibit */
};
#define VST_ITEM_TYPES (VST_ITEM_RECORD + 1)

enum vst_item_status {
	VST_ITEM_COLLECTED, /* all of it, and it stayed as it was while it was read */
	VST_ITEM_CHANGED,   /* grew, shrank or was modified while it was read; what was read is here */
	VST_ITEM_TRUNCATED, /* a limit of the policy cut it */
	VST_ITEM_EXCLUDED,  /* a rule left it out */
	VST_ITEM_DENIED,    /* EACCES, EPERM */
	VST_ITEM_ABSENT,    /* the policy names it, the host does not have it */
	VST_ITEM_VANISHED,  /* listed, then gone */
	VST_ITEM_ERROR,     /* anything else that failed */
	VST_ITEM_UNCHANGED, /* incremental: content is in an earlier exhibit; the entry is left out */
	VST_ITEM_TAIL,      /* incremental: only the new end is here, as an entry named `<path>@<offset>`; one that was changed, truncated,
	                       denied or failed while its end was read says that instead */
};
#define VST_ITEM_STATUSES (VST_ITEM_TAIL + 1)

/* How much of its content the policy asked for. */
enum vst_item_content { VST_ITEM_CONTENT_FULL, VST_ITEM_CONTENT_DIGEST, VST_ITEM_CONTENT_METADATA };
#define VST_ITEM_CONTENTS (VST_ITEM_CONTENT_METADATA + 1)

const char *vst_item_type_name(enum vst_item_type type);
const char *vst_item_status_name(enum vst_item_status status);
bool vst_item_status_parse(const char *name, enum vst_item_status *ret);

struct vst_item_stat { /* what is compared before and after reading */
	uint64_t size;
	int64_t mtime, ctime;
};

struct vst_item_extent {
	uint64_t offset, len; /* data, not holes; rising, not touching each other, inside the size */
};

/* Bytes of a file that an earlier exhibit holds: all that the entry of this item has. */
struct vst_item_stored {
	uint64_t exhibit, seq, bytes;
};
#define VST_ITEM_STORED_MAX 4096 /* pieces of one file */

/* A file of which not all is in this exhibit, as it was read. */
struct vst_item_whole {
	uint64_t size;   /* bytes of content: of a sparse file its data extents */
	unsigned hashes; /* set of enum vst_hash_set: sha256 always */
	uint8_t sha256[VST_HASH_LEN];
	uint8_t sha1[VST_SHA1_LEN];
	uint8_t md5[VST_MD5_LEN];
	bool trusted; /* not read: its stat was as sealed */
	const struct vst_item_stored *stored; /* at least one, unless size is 0 */
	size_t stored_count;
};

struct vst_item_xattr {
	const char *name;
	const void *value;
	size_t len;
};

/*
 * An item as collectors describe it (all pointers borrowed) and as the parser gives it (all pointers owned by the item: release with
 * vst_item_free()). Zero-initialise; times start as VST_TIME_NONE.
 */
struct vst_item {
	uint8_t salt[VST_SALT_LEN];
	uint64_t seq;
	const char *source;
	const char *path; /* raw bytes, NUL-terminated */
	enum vst_item_type type;
	enum vst_item_status status;
	const char *rule;
	int error; /* errno, 0 if none */
	enum vst_item_content content; /* other than full: no content, no entry; digests are in `details` */

	bool has_content; /* size, sha256 are set */
	uint64_t size;    /* files with has_stat: set without content too */
	unsigned hashes; /* set of enum vst_hash_set that are filled below; sha256 always with content */
	uint8_t sha256[VST_HASH_LEN];
	uint8_t sha1[VST_SHA1_LEN];
	uint8_t md5[VST_MD5_LEN];
	uint64_t parts;

	bool has_stat; /* mode, uid, gid, times, dev, ino, nlink are set */
	uint32_t mode; /* permission bits only, 07777 */
	uint64_t uid, gid;
	const char *user, *group; /* NULL if unknown */
	int64_t mtime, atime, ctime, btime; /* ns; VST_TIME_NONE where unknown */
	uint32_t dev_major, dev_minor;
	uint64_t ino, nlink;
	uint32_t rdev_major, rdev_minor;

	const char *flags; /* chattr letters; NULL if none or unknown */
	const char *acl, *default_acl;
	const struct vst_item_xattr *xattrs; /* sorted by name */
	size_t xattr_count;
	const char *xattrs_error;
	const char *target;
	bool is_hardlink;
	uint8_t hardlink[VST_HASH_LEN];

	bool is_sparse;
	const struct vst_item_extent *extents;
	size_t extent_count;
	bool has_whole_sha256;
	uint8_t whole_sha256[VST_HASH_LEN];

	bool has_read;
	int64_t read_start, read_end;
	uint64_t read_expected, read_got, read_padding;
	struct vst_item_stat before, after;
	bool has_after;

	bool has_whole; /* unchanged file or stream, and tail (vst_item_is_tail()); not with is_hardlink, where the target has it */
	struct vst_item_whole whole;
	bool has_prefix;
	uint64_t prefix_size;
	uint8_t prefix_sha256[VST_HASH_LEN];
	bool long_entry;

	const char *details; /* an object as json.h writes it, not ended by NUL; NULL: none */
	size_t details_len;
};

void vst_item_init(struct vst_item *item);

/* Whether an item of this type and status has entries of its own in the tar (sockets and things not had have none). */
bool vst_item_has_entry(const struct vst_item *item);

/*
 * Appends the line without LF. Errors: VST_EUSAGE for an item that contradicts itself, VST_ELIMIT for a line longer than
 * VST_MANIFEST_LINE_MAX.
 */
int vst_item_encode(const struct vst_item *item, struct vst_buf *out, struct vst_err *err);
/*
 * Strict: the item encodes back to the same bytes and does not contradict itself, else VST_EFORMAT. `line` without LF. Errors:
 * VST_EFORMAT, VST_EVERSION, VST_ELIMIT, VST_ENOMEM.
 */
int vst_item_parse(const void *line, size_t len, struct vst_item **ret, struct vst_err *err);
void vst_item_free(struct vst_item *item); /* only for parsed items */

/*
 * The name in the tar: `items/<source>/<path without leading slashes>`, `items/long/<seq>` if that would not fit into PATH_MAX,
 * for records the path itself; `items/<source>` for `/`; of a tail with `@<offset>` behind it. Appends. Streams: the prefix of their
 * parts. The room counts what stock tar adds, a directory's slash or a part's number.
 */
int vst_item_entry_name(const struct vst_item *item, struct vst_buf *out, struct vst_err *err);

/* Whether the entry holds the end of the file alone: it has content here and a `whole`, whatever its status. */
bool vst_item_is_tail(const struct vst_item *item);

/* Where a tail begins in its file: the bytes of the pieces that are stored elsewhere. 0 for all else. */
uint64_t vst_item_tail_offset(const struct vst_item *item);

/* The logical size of an item's content, be it in this exhibit or in earlier ones. False: it has none that a
 * line speaks of. */
bool vst_item_content_size(const struct vst_item *item, uint64_t *ret);

/* Bytes of data of an item with content, as `size` says or, of a sparse file, its extents. */
uint64_t vst_item_data_size(const struct vst_item *item);

/* Whether a file or stream has content in an entry of its own, which `stored` of another line may name, and
   how many bytes (holes left out; of a tail its own). */
bool vst_item_holds(const struct vst_item *item, uint64_t *ret_bytes);

/* SHA-256(source ‖ 0x00 ‖ path): the key of the exhibit's index. */
void vst_item_path_digest(const char *source, const char *path, uint8_t ret[VST_HASH_LEN]);

#endif
