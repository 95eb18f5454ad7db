/*
 * The state of a salvage, shared by its parts: the walk over the pieces (exhibit_salvage.c), the hunt for
 * headers behind damage (salvage_hunt.c), and items, lines and files (salvage_items.c).
 *
 * Invariants: 1. every entry that was read is in `items` until a line names it, a later segment shows that
 * its line is lost, or the hunt finds that it was none; 2. an item's content is in a temporary file until its
 * state is known; 3. while `provisional`, nothing that was read since the hunt is reported.
 */
#ifndef EXHIBIT_SALVAGE_STATE_H
#define EXHIBIT_SALVAGE_STATE_H

#include "exhibit/entry_content.h"
#include "exhibit/extract_tree.h"
#include "exhibit/salvage_source.h"
#include "exhibit/tar_scan.h"
#include "vestige/buf.h"
#include "vestige/exhibit_salvage.h"

#define VST_SALVAGE_TEMP ".salvage-%llu" /* in out_dirfd, until an item's state is known */
#define VST_SALVAGE_NOWHERE UINT64_MAX

struct vst_salvage_entry {
	struct archive_entry *entry;
	const char *name;
	size_t name_len;
	char type;
	uint64_t offset;
	struct vst_content content;
	struct vst_buf gaps; /* words for what is lost of it */
	uint64_t temp;       /* number of its temporary file, 0: none */
	bool header_lost;    /* name and size are from its manifest line */
	bool provisional;
	bool used;
};

enum vst_salvage_kind { VST_SALVAGE_KIND_ITEM, VST_SALVAGE_KIND_SEGMENT, VST_SALVAGE_KIND_OTHER };

struct vst_salvage {
	const struct vst_salvage_options *options;
	struct vst_salvage_result result;
	struct vst_salvage_source *source;
	struct vst_tar_scan *scan;
	struct vst_content_hasher *hasher;
	struct vst_tree tree;

	struct vst_salvage_entry *entries;
	size_t entry_count, entry_cap, entry_next;
	enum vst_salvage_kind kind; /* of the open member */
	int fd;                     /* of the open member's temporary file */
	uint64_t fd_at;
	uint64_t temps; /* made so far */

	/* the manifest */
	uint64_t segments, segments_before; /* numbers of the newest and of the one before it */
	uint64_t next_seq;
	struct vst_buf line;
	bool line_skip;
	struct vst_buf held; /* lines of a segment that the hunt found, until it is known for one of ours */
	size_t held_entries; /* that they name */

	/* the hunt */
	bool provisional;
	bool another_gap;      /* since it began */
	uint64_t hunt_target;  /* a header stands here: the index says so; or nowhere */
	struct vst_buf prefix; /* what a name must begin with before the target: a stream's parts */
	uint64_t last_header;
	uint64_t beyond; /* a header found whose content would end behind all that is here */
	bool allow_beyond;
};

/* ---- salvage_items.c ---- */
int vst_salvage_entry_begin(struct vst_salvage *salvage, struct vst_tar_member *member,
        const struct vst_item_extent *extents, size_t count, struct vst_err *err);
int vst_salvage_entry_data(
        struct vst_salvage *salvage, uint64_t offset, const void *data, size_t len, struct vst_err *err);
int vst_salvage_entry_lost(struct vst_salvage *salvage, uint64_t offset, uint64_t len, struct vst_err *err);
int vst_salvage_entry_end(struct vst_salvage *salvage, struct vst_err *err);
/* What no line names (any more): unverified; provisional entries are dropped instead when `drop`. */
int vst_salvage_entries_flush(struct vst_salvage *salvage, bool drop, struct vst_err *err);
void vst_salvage_entries_confirm(struct vst_salvage *salvage);
void vst_salvage_entries_drop_provisional(struct vst_salvage *salvage);
void vst_salvage_entries_free(struct vst_salvage *salvage);

/*
 * A line of a segment that the hunt found: the first lines of ours name what was read before the damage.
 * `ret_known`: all of that is named now. VST_EFORMAT: it is no segment of this exhibit.
 */
int vst_salvage_line_plausible(
        struct vst_salvage *salvage, const uint8_t *line, size_t len, bool *ret_known, struct vst_err *err);
/* One line of a manifest segment. VST_EFORMAT: not a line. */
int vst_salvage_line(struct vst_salvage *salvage, const uint8_t *line, size_t len, struct vst_err *err);

/* ---- salvage_files.c ---- */
int vst_salvage_temp_open(struct vst_salvage *salvage, struct vst_salvage_entry *entry, struct vst_err *err);
void vst_salvage_temp_drop(struct vst_salvage *salvage, struct vst_salvage_entry *entry);
/* Gives what was read of an entry its place below the state's directory; where it cannot have it, appends why
 * to `what`. */
int vst_salvage_place(struct vst_salvage *salvage, struct vst_salvage_entry *entry,
        enum vst_salvage_state state, struct vst_buf *what, struct vst_err *err);

/* ---- salvage_hunt.c ---- */
/* Headers are lost: decides how to go on from `position` on. `exact`: the index may be asked. */
int vst_salvage_hunt_begin(struct vst_salvage *salvage, uint64_t position, bool exact, struct vst_err *err);
/* Looks for the next header in a piece's bytes from `position` on, and resumes the scan there. Gives where,
 * or NOWHERE. */
int vst_salvage_hunt(struct vst_salvage *salvage, uint64_t position, const uint8_t *data, size_t len,
        uint64_t *ret_position, struct vst_err *err);
/* Whether a member found by the hunt can be one of ours: VST_EFORMAT if not. */
int vst_salvage_hunt_member(
        struct vst_salvage *salvage, const struct vst_tar_member *member, struct vst_err *err);

#endif
