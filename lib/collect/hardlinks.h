/*
 * Which inodes with several names have been archived whole, across the sources of one acquisition.
 *
 * Memory: one record for each such inode; files with one name cost nothing.
 */
#ifndef COLLECT_HARDLINKS_H
#define COLLECT_HARDLINKS_H

#include "vestige/collector.h"

struct vst_hardlink {
	struct vst_file_id id;
	struct vst_item_stat stat; /* as it was archived: a file that changed since is archived anew */
	uint8_t leaf[VST_HASH_LEN];
	bool has_md5; /* the content's, where it was compared with a package database */
	uint8_t md5[VST_MD5_LEN];
	const char *source; /* where its first name stands */
	const char *path;
};

/* Borrowed until the next add; NULL if this inode, in this state, has not been archived. */
const struct vst_hardlink *vst_hardlinks_find(
        const struct vst_hardlinks *links, const struct vst_file_id *id, const struct vst_item_stat *stat);
/* Copies all; replaces an older state of the inode. */
int vst_hardlinks_add(struct vst_hardlinks *links, const struct vst_hardlink *link, struct vst_err *err);

#endif
