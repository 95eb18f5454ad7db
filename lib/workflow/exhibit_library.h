/*
 * The sealed exhibits of a case, opened with one set of identities, each against its own seal and once: for
 * an incremental exhibit refers to those before it.
 *
 * What it may refer to: exhibits of its own generation, from the full one that opens it up to itself. A seal
 * without a place in a series is a generation of its own.
 */
#ifndef WORKFLOW_EXHIBIT_LIBRARY_H
#define WORKFLOW_EXHIBIT_LIBRARY_H

#include <stdint.h>

struct vst_age_identities;
struct vst_case;
struct vst_err;
struct vst_exhibit;
struct exhibit_library;

/* Case and identities are borrowed until it is freed. */
int exhibit_library_new(const struct vst_case *c, const struct vst_age_identities *identities,
        struct exhibit_library **ret, struct vst_err *err);
void exhibit_library_free(struct exhibit_library *library);

/*
 * The file's length and payload length, then root and count against the seal of the checked log. Borrowed; it
 * stays open. Errors name the exhibit: VST_ENOTFOUND, VST_ETAMPERED, and as vst_exhibit_open().
 */
int exhibit_library_open(
        struct exhibit_library *library, uint64_t number, struct vst_exhibit **ret, struct vst_err *err);

/* 0 if exhibit `from` may refer to exhibit `to`, else VST_ETAMPERED. */
int exhibit_library_allows(
        const struct exhibit_library *library, uint64_t from, uint64_t to, struct vst_err *err);

/* Gives `exhibit`, whose number is `number`, this library to follow its references with. */
struct exhibit_referrer {
	struct exhibit_library *library;
	uint64_t number;
};
void exhibit_library_lend(struct exhibit_referrer *referrer, struct vst_exhibit *exhibit);

#endif
