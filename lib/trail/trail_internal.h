/*
 * What the trail's files share: the handle, the object store, references, trees, index.
 *
 * Invariants:
 *  1. libgit2 never sees the repository, only packs whose index vst_trail_pack_load() has checked and our own
 * loose backend. So configuration, alternates, replace references, grafts, multi-pack-index and commit-graph
 * have no way in.
 *  2. Every object is hashed when it is read (libgit2's collision-detecting SHA-1) and compared with its
 * name.
 *  3. `commits` is the chain from the first commit to the branch, as the handle last saw it.
 */
#ifndef TRAIL_INTERNAL_H
#define TRAIL_INTERNAL_H

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/trail.h"

#define TRAIL_REF "refs/heads/" VST_TRAIL_BRANCH
#define TRAIL_OBJECT_MAX (32u << 20) /* content of one object, or one file of the work tree */
#define TRAIL_SMALL_MAX (64u << 10)  /* HEAD, one reference */
#define TRAIL_REF_MAX 1024u          /* name of a reference */
#define TRAIL_PACKED_REFS_MAX (4u << 20)
#define TRAIL_INDEX_MAX (2047u << 20)      /* .git/index, a pack's index */
#define TRAIL_COUNT_MAX UINT64_C(99999999) /* eight digits name an event */
#define TRAIL_EVENT_PATH 32                /* "events/AAAA/BB/AAAABBCC.json" and NUL */
#define TRAIL_PACKS_MAX 24                 /* packs that may pile up before all are made one */
#define TRAIL_PACK_TEMPORARY "vst-pack-tmp"

/* Files that may be replaced; `files` of a state in this order, which is git's order of names. */
enum trail_file { TRAIL_SIGNERS, TRAIL_CASE, TRAIL_CHECKPOINT, TRAIL_RECIPIENTS, TRAIL_FILES };
extern const char *const vst_trail_file_names[TRAIL_FILES];

/* The three levels of directories that lead to an event. */
enum trail_level { TRAIL_EVENTS, TRAIL_UPPER, TRAIL_LOWER, TRAIL_LEVELS };

/* The tree of one commit, as far as it can differ from the one before. */
struct trail_state {
	bool valid;
	uint64_t number;
	git_oid commit, root, event;
	git_oid files[TRAIL_FILES];
	git_oid trees[TRAIL_LEVELS];
	struct vst_buf bytes[TRAIL_LEVELS]; /* the tree objects' contents */
};

struct trail_loose; /* the loose backend, owned by the object store that it was added to */

struct vst_trail {
	char *path;    /* absolute */
	int dirfd;     /* the work tree */
	int gitfd;     /* .git */
	int objectsfd; /* .git/objects */
	git_odb *odb;
	size_t packs;
	struct vst_err loose_err; /* why the loose backend failed; libgit2 carries only a code */
	git_oid *commits;
	size_t size, cap;
	struct trail_state state; /* of the last commit read: the next read compares with it */
	struct trail_cache {
		bool valid;
		git_oid id;
		struct vst_buf bytes;
	} cache[TRAIL_FILES]; /* last content of each file: most stay as they are */
	bool swept;           /* temporary files of a killed predecessor are gone */
	size_t loose;         /* loose objects, valid once swept */
};

/* ---- trail.c ---- */
int vst_trail_lib_start(struct vst_err *err);
/* Turns libgit2's failure into ours: VST_ENOMEM, or `code`. `what` gets libgit2's words behind it. */
int vst_trail_lib_err(struct vst_err *err, int code, const char *what);
int vst_trail_add_commit(struct vst_trail *trail, const git_oid *id, struct vst_err *err);
/* Opens the object store anew, to see packs that another process made. */
int vst_trail_odb_open(struct vst_trail *trail, struct vst_err *err);

/* ---- trail_files.c: plain files ---- */
/* Appends a regular file's bytes; a link, FIFO, device is VST_ETAMPERED. `ret_stat` may be NULL. */
int vst_trail_file_read(int dirfd, const char *name, size_t max, struct vst_buf *out, struct stat *ret_stat,
        struct vst_err *err);
/* A directory, reached without following a link in its last component. VST_ENOTFOUND if there is none. */
int vst_trail_dir_open(int dirfd, const char *name, int *ret_fd, struct vst_err *err);
/* Names in a directory but "." and "..", sorted, each NUL-terminated. */
struct trail_names {
	char **names;
	size_t count;
};
int vst_trail_names_read(int dirfd, struct trail_names *ret, struct vst_err *err);
void vst_trail_names_free(struct trail_names *names);

/* ---- trail_sweep.c ---- */
enum trail_place { TRAIL_IN_WORK, TRAIL_IN_GIT, TRAIL_IN_PACK_TEMPORARY /* where all is temporary */ };
/* Is this how our, libgit2's or git's unfinished files and locks are called? */
bool vst_trail_is_temporary(const char *name, enum trail_place place);
/* Removes what a killed predecessor left; counts loose objects on the way. */
int vst_trail_sweep(struct vst_trail *trail, struct vst_err *err);

/* ---- trail_refs.c ---- */
bool vst_trail_ref_valid(const void *text, size_t len);
bool vst_trail_oid_parse(const void *text, size_t len, git_oid *ret);
/* VST_ENOTFOUND if the branch does not exist yet. */
int vst_trail_head_read(int gitfd, git_oid *ret, struct vst_err *err);
/* Moves the branch from `old` (NULL: it must not exist) to `new_id`. VST_ELOCKED if it is elsewhere or
 * locked. */
int vst_trail_head_move(int gitfd, const git_oid *old, const git_oid *new_id, struct vst_err *err);
/* Takes packed-refs apart. `name` is borrowed for the call; `peeled` is a `^` line's id or NULL. */
typedef int vst_trail_packed_ref(
        void *ctx, const char *name, const git_oid *id, const git_oid *peeled, struct vst_err *err);
int vst_trail_packed_refs_parse(
        const void *data, size_t len, vst_trail_packed_ref *each, void *ctx, struct vst_err *err);

/* ---- trail_loose.c ---- */
/* Reads "xx/…38" in objects, strictly. VST_ENOTFOUND if there is none, VST_ETAMPERED for anything unlike its
 * form or name. */
int vst_trail_loose_read(int objectsfd, const git_oid *id, git_object_t *ret_type, struct vst_buf *content,
        struct vst_err *err);
int vst_trail_loose_write(int objectsfd, const git_oid *id, git_object_t type, const void *data, size_t len,
        struct vst_err *err);
int vst_trail_loose_backend(struct vst_trail *trail, git_odb_backend **ret, struct vst_err *err);
void vst_trail_loose_name(const git_oid *id, char ret_name[GIT_OID_HEXSZ + 2]);

/* ---- trail_object.c ---- */
/* Appends an object's content. VST_ETAMPERED if it is missing, damaged or of another type. */
int vst_trail_object_read(struct vst_trail *trail, const git_oid *id, git_object_t type, struct vst_buf *out,
        struct vst_err *err);
/* The same for one object store, without looking for new packs. */
int vst_trail_odb_read(struct vst_trail *trail, git_odb *odb, const git_oid *id, git_object_t *ret_type,
        struct vst_buf *out, struct vst_err *err);

/* A commit object taken apart; offsets into `payload`, the object without its gpgsig header. */
struct trail_commit_parts {
	git_oid tree, parent;
	bool has_parent;
	size_t author_offset, author_len;
	int64_t seconds;
	size_t message_offset;
};
/* `payload` and `signature` are appended to; either may be NULL. Strict: one spelling only, signature
 * required. */
int vst_trail_commit_parse(const void *data, size_t len, struct trail_commit_parts *ret,
        struct vst_buf *payload, struct vst_buf *signature, struct vst_err *err);
/* Only the parent and tree, for the walk. */
int vst_trail_commit_read(struct vst_trail *trail, const git_oid *id, struct trail_commit_parts *ret,
        struct vst_buf *payload, struct vst_buf *signature, struct vst_err *err);
bool vst_trail_author_valid(const char *name, size_t len);
void vst_trail_author_address(struct vst_buf *out, const char *name, size_t len);

/* ---- trail_tree.c ---- */
void vst_trail_event_path(uint64_t number, char ret_path[TRAIL_EVENT_PATH]);
void vst_trail_level_name(enum trail_level level, uint64_t number, char ret_name[16]);
/* Reads the tree of commit `number`, `commit` its parts; checks its form but not against the commit before.
 */
int vst_trail_state_read(struct vst_trail *trail, uint64_t number, const git_oid *root,
        struct trail_state *ret, struct vst_err *err);
/* Does `next` hold exactly one event more than `prev` (NULL: none)? */
int vst_trail_state_follows(
        const struct trail_state *prev, const struct trail_state *next, struct vst_err *err);
/* What the tree objects of the commit after `prev` (NULL: none) hold; ids filled in, from next->event and
 * next->files. */
int vst_trail_state_next(
        const struct trail_state *prev, struct trail_state *next, struct vst_buf *root, struct vst_err *err);
void vst_trail_state_free(struct trail_state *state);
/* Ids of all events of a state, in order; free() by the caller. Reads every directory below it. */
int vst_trail_state_events(
        struct vst_trail *trail, const struct trail_state *state, git_oid **ret, struct vst_err *err);
/* The state of commit `number` and its parts, through the handle's cache. Owned by the handle. */
int vst_trail_state_load(
        struct vst_trail *trail, uint64_t number, const struct trail_state **ret, struct vst_err *err);

/* ---- trail_packfile.c ---- */
struct trail_pack_entry {
	git_oid id;
	uint32_t crc;
	uint64_t offset;
};
struct trail_pack {
	struct trail_pack_entry *entries; /* in the order of their ids */
	uint32_t count;
	uint8_t checksum[20]; /* of the pack, as the index has it */
	uint64_t size;        /* of the pack file */
};
bool vst_trail_pack_name(const char *name, const char *suffix);
/* Reads and checks NAME.idx and the size and header of NAME.pack in `packfd`; `stem` is NAME. */
int vst_trail_pack_load(int packfd, const char *stem, struct trail_pack *ret, struct vst_err *err);
void vst_trail_pack_free(struct trail_pack *pack);
/* Reads everything of a loaded pack: checksums, CRCs, every object; `dir` is its directory's path. */
int vst_trail_pack_verify(struct vst_trail *trail, int packfd, const char *dir, const char *stem,
        const struct trail_pack *pack, struct vst_err *err);
/* trail_packdelta.c: does every delta lead to a whole object of the same pack? */
int vst_trail_pack_deltas(int fd, const struct trail_pack *pack, struct vst_err *err);
int vst_trail_rev_verify(int packfd, const char *name, const struct trail_pack *pack, struct vst_err *err);

/* ---- trail_index.c ---- */
struct trail_index_entry {
	uint32_t stat[9]; /* ctime s, ns, mtime s, ns, dev, ino, uid, gid, size */
	git_oid id;
	const char *path; /* borrowed from the index's bytes, NUL-terminated */
};
struct trail_index {
	struct vst_buf bytes;
	struct trail_index_entry *entries;
	uint32_t count;
};
/* VST_ENOTFOUND if there is none, VST_ETAMPERED if it is not one as git writes it for plain files (version
 * 2). */
int vst_trail_index_read(int gitfd, struct trail_index *ret, struct vst_err *err);
void vst_trail_index_free(struct trail_index *index);
/* Writes the index of `state`. Stat data come from the old index where an entry stays, else from the file if
   it was written or compared just now: events from `fresh_from` on, and the other four. Else there are none,
   and git reads the file. */
int vst_trail_index_write(struct vst_trail *trail, const struct trail_state *state, const git_oid *events,
        uint64_t fresh_from, struct vst_err *err);
bool vst_trail_index_is(
        const struct trail_index *index, const struct trail_state *state, const git_oid *events);

/* ---- trail_work.c ---- */
/* Number of files of a state: its events and the four others. In the order of their names, the path and id of
 * the i-th. */
uint64_t vst_trail_path_count(const struct trail_state *state);
void vst_trail_path_at(const struct trail_state *state, const git_oid *events, uint64_t i,
        char ret_path[TRAIL_EVENT_PATH], git_oid *ret_id);
/* Opens the directory of a path in the work tree without following links; `ret_base` is borrowed from `path`.
   With `make` missing ones are made. */
int vst_trail_work_dir(struct vst_trail *trail, const char *path, bool make, int *ret_fd,
        const char **ret_base, struct vst_err *err);
/* Id of a regular file of the work tree; VST_ENOTFOUND, or VST_ETAMPERED if it is not a regular file. */
int vst_trail_work_id(struct vst_trail *trail, const char *path, git_oid *ret, struct vst_err *err);
int vst_trail_work_write(
        struct vst_trail *trail, const char *path, const void *data, size_t len, struct vst_err *err);

/* ---- trail_check_git.c, trail_check_work.c ---- */
struct trail_check {
	struct vst_trail *trail;
	vst_trail_report *report;
	void *ctx;
	git_oid *reached; /* sorted ids of all that HEAD reaches */
	size_t reached_count, reached_cap;
	bool complete;    /* the whole chain could be walked, so that `reached` is all */
	git_oid *present; /* sorted ids of all objects that are there and sound */
	size_t present_count, present_cap;
	git_oid *events;
	const struct trail_state *state; /* of HEAD; NULL while empty */
	struct trail_state before;       /* of the commit before, if there is one */
};
int vst_trail_check_say(
        struct trail_check *check, enum vst_trail_finding finding, const char *path, const char *what);
int vst_trail_oids_add(git_oid **ids, size_t *count, size_t *cap, const git_oid *id, struct vst_err *err);
void vst_trail_oids_sort(git_oid *ids, size_t *count);
bool vst_trail_oids_has(const git_oid *ids, size_t count, const git_oid *id);
int vst_trail_check_objects(struct trail_check *check, struct vst_err *err);
int vst_trail_check_git(struct trail_check *check, struct vst_err *err);
int vst_trail_check_index(struct trail_check *check, struct vst_err *err);
int vst_trail_check_work(struct trail_check *check, struct vst_err *err);

#endif
