/*
 * The login files of one kind in one exhibit, out of their facts, and which of a later exhibit goes on from
 * which.
 *
 * Files go on from each other by what they hold, as rotation renames them: the later file that has most of
 * the earlier one's records, else the one with its inode.
 */
#ifndef COMPARE_LOGIN_SET_H
#define COMPARE_LOGIN_SET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/buf.h"

struct vst_err;
struct vst_observed;
struct vst_observed_set;

#define VST_LOGIN_FILES 128 /* of one kind; further ones are not compared, and that is told */

/* utmp has a slot for each terminal and is written over; the others grow. */
enum vst_login_kind { VST_LOGIN_NONE, VST_LOGIN_UTMP, VST_LOGIN_WTMP, VST_LOGIN_BTMP };

enum vst_login_kind vst_login_kind_of(const char *path);

struct vst_login_log {
	const struct vst_observed *item; /* borrowed from the observed set */
	json_t *facts;                   /* owned */
	bool known, packed;              /* known: it has records, or could have */
	uint64_t count, from, over;
	struct vst_buf records, blocks; /* digests */
	uint64_t rank;                  /* how often it was rotated: 0 never, larger: older */
};

struct vst_login_set {
	struct vst_login_log *logs;
	size_t count;
	bool cut; /* there are more files of the kind than VST_LOGIN_FILES */
};

/* Owns: the caller, vst_login_set_free(); `observed` outlives it and may be NULL. Errors: VST_EFORMAT,
 * VST_ENOMEM. */
int vst_login_set_read(const struct vst_observed_set *observed, enum vst_login_kind kind,
        struct vst_login_set *ret, struct vst_err *err);
void vst_login_set_free(struct vst_login_set *set);

/* Digest of a record (VST_LOGIN_DIGEST bytes, borrowed), NULL if facts do not have it. */
const uint8_t *vst_login_record(const struct vst_login_log *log, uint64_t at);
bool vst_login_is_blank(const uint8_t *digest);
/* Whether both have this block, and whether it is the same. */
bool vst_login_has_block(const struct vst_login_log *log, uint64_t block);
bool vst_login_same_block(const struct vst_login_log *a, const struct vst_login_log *b, uint64_t block);
bool vst_login_same_inode(const struct vst_login_log *a, const struct vst_login_log *b);
/* Borrowed; NULL: there is none. */
const struct vst_login_log *vst_login_by_path(const struct vst_login_set *set, const char *path);
/* Records that are not blank: whether there is one. */
bool vst_login_has_records(const struct vst_login_log *log);

/* All records of a set, sorted, for looking up. Owns: the caller. Errors: VST_ENOMEM. */
struct vst_login_known;
int vst_login_known_new(const struct vst_login_set *set, struct vst_login_known **ret, struct vst_err *err);
void vst_login_known_free(struct vst_login_known *known);
bool vst_login_known_has(const struct vst_login_known *known, const uint8_t *digest);

/* For each of `before`, which of `after` goes on from it; `ret` has room for before->count; NULL: none. */
void vst_login_match(const struct vst_login_set *before, const struct vst_login_set *after,
        const struct vst_login_known *known, const struct vst_login_log **ret);

#endif
