/*
 * What the files of the case module share. Nothing outside lib/workflow/case*.c and verify*.c includes this.
 */
#ifndef WORKFLOW_CASE_INTERNAL_H
#define WORKFLOW_CASE_INTERNAL_H

#include "vestige/case.h"

#define CASE_TRAIL "trail"
#define CASE_EXHIBITS "exhibits"
#define CASE_PRIVATE "private"
#define PRIVATE_LOG_KEY "log.key"
#define PRIVATE_DIGEST_KEY "digest.key"
#define PRIVATE_PENDING "pending"
#define PRIVATE_SNAPSHOT_LOCK "snapshot.lock"
#define PRIVATE_COMMIT_LOCK "commit.lock"
#define CASE_FILE_NAME_MAX (2 * VST_EXHIBIT_NAME_MAX)
#define PRIVATE_KEY_FILE_MAX (16 * 1024)
#define PRIVATE_PENDING_MAX (64 * 1024 * 1024)

struct vst_case {
	char *dir;
	int fd, exhibits_fd;
	int private_fd; /* -1: there is none, or it may not be read; reading a case does not need it */
	int snapshot_lock, commit_lock;
	struct vst_trail *trail;
	struct vst_custody *custody;
	struct vst_signer *log_signer; /* loaded by vst_case_begin */
	struct vst_signer *collector;  /* the key that may sign the next event; NULL: none here */
};

/* ---- case_log.c: the trail's commits through the ledger's rules ---- */

/* One record as a custody step; borrows from the record. */
struct vst_custody_step case_step(const struct vst_trail_record *record);

/*
 * Applies the trail's commits from vst_custody_size() to its end. On failure the custody stands at the last
 * good event, and the error says which event failed.
 */
int case_log_load(struct vst_trail *trail, struct vst_custody *custody, struct vst_err *err);

/* ---- case_keys.c: collector keys in private/ ---- */

/* A fresh collector key, durable in private/. The signer is the caller's. */
int case_keys_make(int private_fd, struct vst_signer **ret, struct vst_err *err);
/* The key in private/ that is a collector's in `allowed`; *ret NULL if there is none. */
int case_keys_find(
        int private_fd, const struct vst_signers *allowed, struct vst_signer **ret, struct vst_err *err);
/* The public keys of all collector key files; damaged files are none. */
struct case_keys {
	struct vst_ssh_public *list;
	size_t count;
};
int case_keys_list(int private_fd, struct case_keys *ret, struct vst_err *err);
void case_keys_free(struct case_keys *keys);
/* Whether the log is older than these keys: none of them may sign its next event, and it has not heard of one
 * of them. Only a cut or replaced log comes to that. */
bool case_keys_are_newer(const struct case_keys *keys, const struct vst_custody *custody);
/*
 * Erases every collector key file that may not sign the next event. While none may, a key that the log does
 * not know stays: if the trail was replaced by an older copy, it is the one that continues the true log.
 */
int case_keys_erase_stale(int private_fd, const struct vst_custody *custody, struct vst_err *err);
int case_keys_write_log_key(int private_fd, const uint8_t seed[VST_ED25519_SEED_LEN], struct vst_err *err);
int case_keys_read_log_key(int private_fd, struct vst_signer **ret, struct vst_err *err);

/* ---- case_digest.c: the key of digests that stand for content ---- */

int case_digest_key_make(int private_fd, uint8_t ret_key[VST_HASH_LEN], struct vst_err *err);
/* VST_ENOTFOUND if there is none, VST_EFORMAT if it is damaged. */
int case_digest_key_read(int private_fd, uint8_t ret_key[VST_HASH_LEN], struct vst_err *err);

/* ---- case_pending.c: an event that is about to be committed ---- */

struct case_pending {
	struct vst_custody_draft draft;
	char *partial;    /* name in exhibits/ of the finished file; NULL if the event acquires none */
	uint64_t exhibit; /* 0 if none */
};
int case_pending_write(int private_fd, const struct case_pending *pending, struct vst_err *err);
/* VST_ENOTFOUND if nothing is pending. */
int case_pending_read(int private_fd, struct case_pending *ret, struct vst_err *err);
int case_pending_remove(int private_fd, struct vst_err *err);
void case_pending_free(struct case_pending *pending);

/* ---- case_disposed.c: exhibits whose files went by an event ---- */

/* Returns VST_ENOTFOUND, with when and by which event. */
int case_say_disposed(const struct vst_custody_exhibit *exhibit, struct vst_err *err);
/* The name of its file in exhibits/. */
void case_exhibit_file(const struct vst_custody_exhibit *exhibit, char ret_name[CASE_FILE_NAME_MAX]);
/* Takes away what a crash left between the event and the last unlink. What cannot be removed keeps nobody
 * from writing to the case: verify tells of it. */
void case_finish_disposals(struct vst_case *c);

/* ---- case_append.c ---- */

/* Commits a draft that `signer` signs, and takes it into the custody by reading it back. */
int case_commit(
        struct vst_case *c, struct vst_custody_draft *draft, struct vst_signer *signer, struct vst_err *err);
int case_carry_pending(struct vst_case *c, struct vst_err *err);
/* Whether the log has the pending event already: the kill came between its commit and the file's removal. */
bool case_pending_is_committed(const struct vst_custody *custody, const struct case_pending *pending);
/*
 * Judges a pending event that is not committed: it may follow in this log, was signed by the log key and its
 * actor, and names the file of the exhibit that it acquires. The event is the caller's. VST_ETAMPERED.
 */
int case_pending_judge(const struct vst_custody *custody, const struct case_pending *pending,
        struct vst_event **ret, struct vst_err *err);

#endif
