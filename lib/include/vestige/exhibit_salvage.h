/*
 * Getting out of a damaged or unfinished exhibit what can be got: `recover`.
 */
#ifndef VESTIGE_EXHIBIT_SALVAGE_H
#define VESTIGE_EXHIBIT_SALVAGE_H

#include "vestige/age.h"
#include "vestige/io.h"
#include "vestige/manifest.h"

enum vst_salvage_state {
	VST_SALVAGE_WHOLE,      /* its manifest line is there and the content has its digest */
	VST_SALVAGE_PARTIAL,    /* its line is there, content is missing or damaged; what is left is given, with where the gaps are */
	VST_SALVAGE_UNVERIFIED, /* content is there, its manifest segment is lost */
};
const char *vst_salvage_state_name(enum vst_salvage_state state);

struct vst_salvage_damage {
	uint64_t offset, len; /* in the exhibit file, bytes */
	const char *what;     /* "age chunk 17 does not authenticate", "zstd frame 3 …", "cut short" */
};

struct vst_salvage_options {
	int out_dirfd; /* -1: only report */
	int (*damage)(void *ctx, const struct vst_salvage_damage *damage, struct vst_err *err);
	/* `item` has only path and type when its line is lost. */
	int (*item)(void *ctx, const struct vst_item *item, enum vst_salvage_state state, const char *what,
		struct vst_err *err);
	void (*progress)(void *ctx, uint64_t bytes, uint64_t total);
	void *ctx;
};
struct vst_salvage_result {
	uint64_t whole, partial, unverified, missing; /* missing: a line is there and nothing of the content that it promises */
	uint64_t elsewhere; /* of the whole ones: content of them is in earlier exhibits, all of it or all before a tail */
	uint64_t damaged_bytes;
};
/*
 * Reads what can be read of a file: each chunk that still authenticates is used; frames that are whole are decompressed (a lost seek table
 * is made up for by looking for frames); tar headers are found again at block boundaries after a gap. Items go to
 * `<state>/items/…` below out_dirfd: regular files of mode 0600 and directories of 0700 only, a symbolic link as a file that holds its
 * target. Works on a file that a killed snapshot left (no trailer, no last chunk). An item whose line alone is left is given as partial
 * and counted as missing; one that has no content to lose (absent, denied, …) is whole by its line. So is one whose content is in an
 * earlier exhibit, which is not looked for, and of a tail what is here, as `<path>@<offset>`: `what` says so.
 *
 * Names may come from a hostile host: none leads out of out_dirfd, follows a link or overwrites; an item whose name cannot be had there
 * stays as `.salvage-N`, and `what` says so. A tar inside the evidence is told apart as long as the seek table and the index are left,
 * or else by the names and digests of what was read before the damage; where all of these are lost, an unverified item may be one of
 * an inner tar that has names of our layout. Errors: as vst_age_reader_open(), VST_EIO, VST_ENOMEM, the callbacks' codes.
 */
int vst_exhibit_salvage(const struct vst_input *in, const struct vst_age_identities *identities,
	const struct vst_salvage_options *options, struct vst_salvage_result *ret, struct vst_err *err);

#endif
