/*
 * Logs and their rotated forms: which files of an exhibit are one log, by their names.
 *
 * A family is what has the same directory and the same name once rotation's marks are taken off: `.1`,
 * `-20261124`, `.2026-11-24`, `.old`, `.gz` and the like, before or behind an extension. syslog, syslog.1 and
 * syslog.2.gz are one; app.log and app-20261124.log.xz too.
 */
#ifndef COMPARE_FAMILY_H
#define COMPARE_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/series_index.h"

struct vst_err;
struct vst_buf;

/* Appends the name of the family (with the directory) and a NUL; *ret_rotated: something was taken off;
   *ret_compressed: an extension of a compressor. */
void vst_family_name(const char *path, struct vst_buf *ret, bool *ret_rotated, bool *ret_compressed);
/* By what a family is known: the first bytes of a digest of source and name; 0: no memory. */
uint64_t vst_family_of(const char *source, const char *path);

struct vst_family_member {
	uint64_t family; /* of source and name: a digest's first bytes */
	uint64_t seq;
	bool rotated, compressed;
	struct vst_series_record record;
};

/* All append-only files of an index, by family and by inode: some 190 bytes each. `index` may be NULL, then there
 * are none. Owns: the caller. Errors: those of vst_series_item(), VST_ENOMEM. */
struct vst_families;
int vst_families_new(struct vst_series_index *index, struct vst_families **ret, struct vst_err *err);
void vst_families_free(struct vst_families *families);
size_t vst_families_count(const struct vst_families *families);

/* The members of one, from the oldest modification time on: *ret_count of them; NULL: none. Borrowed. */
const struct vst_family_member *vst_families_of(
        const struct vst_families *families, uint64_t family, size_t *ret_count);
/* The member with this inode; NULL: none. Borrowed. */
const struct vst_family_member *vst_families_by_inode(
        const struct vst_families *families, uint32_t dev_major, uint32_t dev_minor, uint64_t ino);

#endif
