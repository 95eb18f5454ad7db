/*
 * Disposing of exhibits: their files go, and what the log says of them stays. So a host that seals every
 * night does not fill its disk, and what a person must not keep can be taken away, and nobody can call that a
 * loss or a theft.
 *
 * What is disposed of is a generation (seal.h): a full exhibit and all that store only what changed since.
 * Never that of the latest sealed exhibit. Each generation is one event (rule 9 of custody.h).
 *
 * The event is durable before the first file is unlinked: a kill between leaves files that the log calls
 * disposed of, and whoever opens the case for writing next takes them away (vst_case_begin()). Unlinking is
 * not erasing: storage may keep the ciphertext, which nobody opens without an identity.
 *
 * For retention no person looks. So a generation with a file that is not there, or has another length than
 * was recorded, is kept: that is verify's finding, and disposing of it would hide it. By request it can be
 * disposed of.
 */
#ifndef VESTIGE_DISPOSE_H
#define VESTIGE_DISPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/event.h"

struct vst_case;
struct vst_err;
struct vst_signer;

enum vst_disposal_file {
	VST_DISPOSAL_THERE,
	VST_DISPOSAL_MISSING,
	VST_DISPOSAL_DIFFERENT /* not a regular file, or not as long as recorded; contents are not looked at */
};

struct vst_disposal_exhibit {
	uint64_t number;
	enum vst_disposal_file file;
};

/* What one event disposes of, or would. */
struct vst_disposal {
	uint64_t generation;
	enum vst_dispose_cause cause;
	struct vst_disposal_exhibit *exhibits; /* in the log's order */
	size_t exhibit_count;
	size_t lacking; /* of them, how many files are missing or different */
	uint64_t bytes; /* of the files that are there */
	uint64_t event; /* that recorded it; 0: none yet */
};
void vst_disposal_free(struct vst_disposal *disposal);

/*
 * What disposing of that generation would take away. Nothing is written. `generation` is the number of the
 * exhibit that opens it (vst_custody_generation()). Errors: VST_ENOTFOUND it is not there, or was disposed
 * of; VST_EUNSUPPORTED it is the newest; VST_ETAMPERED something that cannot be unlinked stands under an
 * exhibit's name, or the cause is retention and a file is missing or different.
 */
int vst_disposal_plan(struct vst_case *c, uint64_t generation, enum vst_dispose_cause cause,
        struct vst_disposal *ret, struct vst_err *err);

/*
 * Records it and unlinks the files. `examiner` NULL: the collector signs, which it may for retention alone.
 * Not between vst_case_begin() and vst_case_end(). *ret may be NULL; it is filled in once the event is
 * recorded. Errors: those of vst_disposal_plan(); VST_EKEY; VST_EIO. If it is recorded and a file could not
 * be unlinked, the text says so.
 */
int vst_dispose(struct vst_case *c, uint64_t generation, enum vst_dispose_cause cause,
        struct vst_signer *examiner, struct vst_disposal *ret, struct vst_err *err);

/*
 * The generations that retention is over for: the newest exhibit in each was sealed longer than `keep`
 * seconds before `now` (ns), and it is not the newest generation. The caller frees *ret. An unfinished file
 * counts by the time of the event that recorded it.
 */
int vst_dispose_expired(const struct vst_case *c, uint64_t keep, int64_t now, uint64_t **ret,
        size_t *ret_count, struct vst_err *err);

struct vst_retention {
	uint64_t keep;               /* seconds */
	int64_t now;                 /* ns */
	struct vst_signer *examiner; /* NULL: the collector */
	/* Each may be NULL. */
	void (*disposed)(void *ctx, const struct vst_disposal *disposal);
	void (*kept)(
	        void *ctx, uint64_t generation, const struct vst_err *why); /* VST_ETAMPERED, see above */
	void *ctx;
};

struct vst_retention_result {
	uint64_t generations, exhibits, bytes; /* disposed of */
	uint64_t kept;                         /* generations that had to be */
};

/*
 * Disposes of each generation of vst_dispose_expired(), one event each, oldest first. One that has to be kept
 * is told and does not stop the others; nor does a file that cannot be unlinked, but then the first such
 * error is returned in the end. *ret is filled in either way. Nothing is written if there is nothing to
 * dispose of.
 */
int vst_dispose_retain(struct vst_case *c, const struct vst_retention *retention,
        struct vst_retention_result *ret, struct vst_err *err);

#endif
