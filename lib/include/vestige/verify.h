/*
 * Verification: never writes, uses nothing that it has not checked, says of each thing what it found.
 */
#ifndef VESTIGE_VERIFY_H
#define VESTIGE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/age.h"
#include "vestige/hash.h"

struct vst_err;

enum vst_verdict {
	VST_GOOD,       /* checked and as recorded */
	VST_NOTE,       /* worth knowing; no fault */
	VST_UNCHECKED,  /* could not be looked at, and why */
	VST_UNRECORDED, /* there, and no event speaks of it */
	VST_MISSING,    /* an event speaks of it, and it is not there */
	VST_TAMPERED,   /* differs from what was recorded */
};
const char *vst_verdict_name(enum vst_verdict verdict);

struct vst_verify_finding {
	enum vst_verdict verdict;
	const char *subject; /* "log", "event 3", "EX0001", "trail/checkpoint"; may hold any bytes */
	const char *text;
	const char *hint; /* NULL: none */
};

struct vst_verify_options {
	const char *dir;
	const uint64_t *exhibits; /* numbers; NULL with count 0: all */
	size_t exhibit_count;
	bool deep;                                   /* every item, with `identities` */
	const struct vst_age_identities *identities; /* NULL: none given */
	const void *expect;                          /* an earlier checkpoint note; NULL: none */
	size_t expect_len;
	const uint8_t *fingerprint; /* VST_HASH_LEN, the genesis fingerprint; NULL: none */
	unsigned workers;
	int (*finding)(void *ctx, const struct vst_verify_finding *finding); /* non-zero stops */
	void (*progress)(void *ctx, const char *subject, uint64_t done, uint64_t total,
	        uint64_t items); /* NULL: none */
	void *ctx;
};

struct vst_verify_result {
	unsigned counts[VST_TAMPERED + 1]; /* findings by verdict */
	bool good;                         /* exit 0: nothing unrecorded, missing or tampered */
	bool has_log; /* the log was good as far as `events`: what follows speaks of it */
	uint64_t events;
	uint8_t root[VST_HASH_LEN];
	uint8_t genesis[VST_HASH_LEN];
	uint64_t exhibits_checked, items_checked, bytes_checked;
	uint64_t exhibits_disposed; /* not among those checked: an event took their files away */
	uint64_t exhibits_opened; /* of those, whose contents were read with the identities to the end */
	char case_id[64];
	char title[256]; /* cut, valid UTF-8 */
};

/* 0 with the result when the check could be done, whatever it found; an error (exit 2) when it could not.
 * VST_ENOCASE. */
int vst_verify(const struct vst_verify_options *options, struct vst_verify_result *ret, struct vst_err *err);

#endif
