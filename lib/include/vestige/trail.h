/*
 * The trail: a git repository with a work tree that carries the custody log, one event a commit (libgit2
 * underneath).
 *
 * Git is the carrier and not the root of trust: this module gives the bytes of each commit and checks that
 * the repository holds nothing else; whether the bytes are a valid log is the ledger's question (custody.h).
 *
 *     case.json  recipients  allowed_signers  checkpoint  events/AAAA/BB/AAAABBCC.json
 *
 * Rules: HEAD is `ref: refs/heads/main`, a chain of commits with one parent each. Commit n adds the event
 * file of number n, replaces `checkpoint`, and may replace case.json, recipients, allowed_signers; nothing
 * else. All files have mode 100644. Reading uses the object store alone: configuration, hooks, replace refs,
 * grafts, alternates, multi-pack-index, commit-graph of the repository have no effect. Objects are checked
 * against their names; SHA-1 collisions that the known attacks make are refused by libgit2. A commit object
 * is `tree`, one `parent` (none in the first), `author`, `committer`, `gpgsig`, an empty line and the
 * message, and nothing else.
 *
 * Our loose objects are stored without compression (packs compress): so no flipped bit can leave the content
 * as it was.
 *
 * Source: gitformat-pack(5), gitformat-index(5), gitrepository-layout(5).
 */
#ifndef VESTIGE_TRAIL_H
#define VESTIGE_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/buf.h"

#define VST_TRAIL_ID_TEXT 41 /* a commit id in hexadecimal, and NUL */
#define VST_TRAIL_BRANCH "main"
#define VST_TRAIL_LOOSE_MAX 4000 /* loose objects that vst_trail_append() lets pile up before it packs them  \
	                          */

struct vst_err;
struct vst_trail;

/* ---- making and opening ---- */

/* A new, empty repository in directory `path` (which must not exist). Nothing is committed. */
int vst_trail_create(const char *path, struct vst_trail **ret, struct vst_err *err);

/*
 * Opens for reading: walks from HEAD to the first commit and notes the commits' ids. VST_ENOCASE if there is
 * no repository or no commit, VST_ETAMPERED for broken references, a missing or damaged object, a merge. The
 * handle also serves for appending, by whoever holds the case's commit lock. It sees the commits that were
 * there when it was opened, and packs that others make later. Not for use by two threads at once.
 */
int vst_trail_open(const char *path, struct vst_trail **ret, struct vst_err *err);
void vst_trail_free(struct vst_trail *trail);

uint64_t vst_trail_size(const struct vst_trail *trail); /* commits = events */
/* Returns ret_id; "" if there is no such commit. */
const char *vst_trail_commit_id(
        const struct vst_trail *trail, uint64_t number, char ret_id[VST_TRAIL_ID_TEXT]);

/* ---- reading ---- */

/* One commit's bytes. Owned by whoever declared the record; may be used for one read after the other. */
struct vst_trail_record {
	struct vst_buf event, case_file, recipients, allowed_signers, checkpoint;
	struct vst_buf payload;   /* the commit object without its gpgsig header: what was signed */
	struct vst_buf signature; /* armoured, as ssh-keygen writes it, LF at the end (libgit2 leaves that one
	                             out) */
	size_t message_offset;    /* in payload; the message goes to its end */
	struct vst_buf author; /* name of author and committer, which must be equal in name, address and time
	                          (zone +0000) */
	int64_t author_seconds;
};

/*
 * Reads commit `number` and checks the rules above against commit number-1, so that reading all of them, best
 * in order, checks them all. VST_ETAMPERED says what is wrong and where. After a failure the record may hold
 * parts: do not use it.
 */
int vst_trail_read(
        struct vst_trail *trail, uint64_t number, struct vst_trail_record *ret, struct vst_err *err);
void vst_trail_record_free(struct vst_trail_record *record);

/* ---- writing ---- */

struct vst_trail_commit {
	uint64_t number;
	const char *author; /* used as name: UTF-8 without <, >, control characters, outer spaces, else
	                       VST_EUSAGE; the address is the name with `-` for all but letters, digits and
	                       @._+- */
	int64_t seconds;    /* since 1970 */
	const struct vst_buf *event, *case_file, *recipients, *allowed_signers, *checkpoint, *message;
};

/* Signs a commit's payload: appends the armoured SSHSIG to `out`. */
typedef int vst_trail_sign(
        void *ctx, const void *payload, size_t len, struct vst_buf *out, struct vst_err *err);

/*
 * Adds one commit and moves the branch to it (compare and swap on the parent: VST_ELOCKED if it moved since
 * the handle saw it, or git holds its lock), then brings work tree and index in line. The caller holds the
 * case's commit lock; lock and temporary files that a killed predecessor left are removed. Everything is
 * fsynced. When it returns 0, all is durable. When it fails before the branch moved, the log is as it was (a
 * refused signature leaves nothing, a failed write perhaps objects that nothing names). When it fails after,
 * vst_trail_size() has grown by one: the event is recorded, and vst_trail_restore_work_tree() puts the rest
 * right. Packs loose objects when there are more than VST_TRAIL_LOOSE_MAX; the new pack is read back before
 * loose objects go. Failing in that is no error: the objects then stay loose. Steps for faults:
 * trail-objects, trail-ref, trail-worktree, trail-index; trail-packed (built and read back), trail-pack (in
 * place).
 */
int vst_trail_append(struct vst_trail *trail, const struct vst_trail_commit *commit, vst_trail_sign *sign,
        void *sign_ctx, struct vst_err *err);

/*
 * Makes index and work tree equal to HEAD again, after a crash: rewrites what differs (a link in a file's
 * place goes, a directory is an error), removes temporary files. Files that no event names stay: they are the
 * check's to report.
 */
int vst_trail_restore_work_tree(struct vst_trail *trail, struct vst_err *err);

/* Packs all loose objects now. The caller holds the commit lock. */
int vst_trail_pack(struct vst_trail *trail, struct vst_err *err);

/* ---- checking what carries it ---- */

enum vst_trail_finding {
	VST_TRAIL_DIFFERENT, /* a file of the work tree, the index or .git is not as HEAD has it, or damaged
	                      */
	VST_TRAIL_BEHIND,   /* the index, or a file of the work tree, is exactly as the commit before HEAD had
	                       it (or not there yet):   an interrupted commit */
	VST_TRAIL_STRANGER, /* a file that no event names, in the work tree or in .git */
	VST_TRAIL_TEMPORARY, /* left by an interrupted write (named as our or libgit2's temporary and lock
	                        files are) */
	VST_TRAIL_UNUSED,    /* a sound object that HEAD does not reach: an interrupted commit */
};

/* `path` is relative to the trail and may hold any bytes. Returning non-zero stops the check with that code.
 */
typedef int vst_trail_report(void *ctx, enum vst_trail_finding finding, const char *path, const char *what);

/*
 * Checks the whole carrier and reports each finding: the chain from the first commit to HEAD; every object
 * (loose ones: zlib form, no trailing bytes, padding bits zero, name equal to SHA-1 of content; packs, their
 * indexes and reverse indexes: checksums over the whole file, CRCs, every object readable); references, HEAD,
 * packed-refs, shallow, alternates, grafts, replace refs; the index (checksum, entries equal to HEAD's tree,
 * no flags); the work tree (exactly HEAD's files with exactly their bytes, regular files, no links).
 * VST_ETAMPERED never comes from here: damage is reported; an error means that something could not be looked
 * at.
 *
 * Not looked at, because git itself does not authenticate it and we never use it: time stamps in .git/index,
 * .git/logs, .git/description, .git/info (but grafts), .git/hooks, .git/config. Tolerated, so that a stock
 * clone is good, since they are names and no content: refs/remotes and refs/tags whose values are objects
 * that are here, FETCH_HEAD and ORIG_HEAD (their lines begin with such ids), objects/info/packs, optional
 * extensions of the index, empty directories in .git. Not tolerated, since they can mislead stock git: caches
 * such as commit-graph, multi-pack-index, bitmaps (git makes them anew), other branches, notes. Objects that
 * stock git wrote loose are compressed; deflate can spell one content in several ways, so a changed bit in
 * such a file that leaves the content as it was may go unseen. In what vst_trail_append() wrote every bit
 * counts.
 */
int vst_trail_check(struct vst_trail *trail, vst_trail_report *report, void *ctx, struct vst_err *err);

#endif
