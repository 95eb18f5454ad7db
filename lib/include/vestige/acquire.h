/*
 * One acquisition: policy in, sealed and recorded exhibit out.
 *
 *   snapshot lock ─▶ number ─▶ EXnnnn….partial ─▶ records, collectors ─▶ finish, fsync
 *                 ─▶ commit lock ─▶ pending ─▶ rename ─▶ event
 */
#ifndef VESTIGE_ACQUIRE_H
#define VESTIGE_ACQUIRE_H

#include <stdatomic.h>

#include "vestige/case.h"
#include "vestige/finding.h"
#include "vestige/manifest.h"
#include "vestige/policy.h"

struct vst_exhibit_info;

struct vst_acquire_progress {
	const char *source;
	const char *path; /* may hold any bytes */
	uint64_t items, content_bytes, out_bytes;
	uint64_t expected_bytes; /* from the first look over the sources; 0: unknown */
	uint64_t findings;
};

struct vst_acquire_options {
	const struct vst_policy *policy;
	const void *policy_text; /* the exact bytes, sealed as policy.yaml */
	size_t policy_len;
	const char *root; /* NULL: this host */
	const char *operator_name;
	const char *reason;     /* NULL: none */
	const char *program;    /* version, for exhibit.json */
	const char *passphrase; /* for a case that seals to one; else NULL */
	unsigned workers;
	bool incremental; /* content that the generation holds is not stored again, if there is one to continue */
	struct vst_policy_every full_every; /* both 0: as the policy says */
	/* Where it is incremental, and the policy is the same as then: files whose stat is as sealed are not
	 * read. */
	bool trust_ctime;
	const atomic_bool *cancel;
	void (*progress)(void *ctx, const struct vst_acquire_progress *progress); /* NULL: none */
	/* Something wrong with the host that a person must hear of now: one line, any bytes. NULL: nobody
	 * listens. */
	void (*finding)(void *ctx, const char *text);
	/* What the comparison with the exhibit before found, once all is collected; sealed by then. NULL:
	 * nobody listens. */
	void (*compared)(void *ctx, const struct vst_finding *finding);
	void *ctx;
};

struct vst_acquire_result {
	uint64_t exhibit, event;
	struct vst_seal *seal;  /* owned: vst_seal_free() */
	uint64_t content_bytes; /* stored in it */
	uint64_t read_bytes;    /* that collectors gave, also what was not stored again */
	uint8_t log_root[VST_HASH_LEN];
	/* Told to options->finding; they are items too. Those of the comparison are counted in the seal. */
	uint64_t findings;
	/* Incremental was asked for, and it is full: why. A fixed text; NULL: it is as was asked. */
	const char *full_because;
	bool incomplete;   /* an item was denied, failed, or cut or left out by a limit: exit status 3 */
	uint64_t left_out; /* items that a limit left out */
	bool digest_key_is_new; /* made now, in a case with earlier exhibits: keyed digests compare with none of theirs */
	bool on_evidence_disk; /* the case lies on a file system that was collected from */
};

int vst_acquire(struct vst_case *c, const struct vst_acquire_options *options, struct vst_acquire_result *ret,
        struct vst_err *err);

/* What would be taken: each item to `each` (sizes as found now), nothing read, nothing written. */
typedef int vst_acquire_each(void *ctx, const struct vst_item *item, struct vst_err *err);
int vst_acquire_dry_run(const struct vst_acquire_options *options,
        const struct vst_case *c /* excluded; may be NULL */, vst_acquire_each *each, void *ctx,
        struct vst_err *err);

/* What a snapshot would read, found like a dry run. Content that is made as it is read (exports, rows, live
 * state) is not in it. */
struct vst_acquire_estimate {
	uint64_t items, bytes;
};
int vst_acquire_estimate(const struct vst_acquire_options *options,
        const struct vst_case *c /* may be NULL */, struct vst_acquire_estimate *ret, struct vst_err *err);

#endif
