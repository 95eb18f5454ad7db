/*
 * What statx(2) says of a file, as an item's metadata.
 */
#ifndef COLLECT_FILE_STAT_H
#define COLLECT_FILE_STAT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "vestige/accounts.h"
#include "vestige/collector.h"
#include "vestige/manifest.h"

/* Each returns 0 or an errno. No link is followed and no automounter woken. */
int vst_file_stat(int fd, struct statx *ret);                           /* of what `fd` is, O_PATH too */
int vst_file_stat_name(int dirfd, const char *name, struct statx *ret); /* of a name */
/* The same from what the kernel has at hand: a network file system that hangs is not asked. */
int vst_file_stat_place(int dirfd, const char *name, struct statx *ret);
/* Size and times only. */
int vst_file_stat_state(int fd, struct vst_item_stat *ret);

enum vst_item_type vst_file_type(const struct statx *st);
const char *vst_file_type_words(enum vst_item_type type); /* "a regular file" */
struct vst_file_id vst_file_id(const struct statx *st);
bool vst_file_id_equal(const struct vst_file_id *a, const struct vst_file_id *b);
struct vst_item_stat vst_file_state(const struct statx *st);

/* Sets type, has_stat and all that belongs to it; size for a file. Names of owners are borrowed from
 * `accounts`. */
void vst_file_fill(const struct statx *st, const struct vst_accounts *accounts, struct vst_item *item);

/* Which mount something is on. */
struct vst_file_mount {
	uint32_t dev_major, dev_minor;
	bool has_id;
	uint64_t id;
};
struct vst_file_mount vst_file_mount(const struct statx *st);
/*
 * Whether it lies on another file system than `home`. By mount id where both have one, which also tells bind
 * mounts; a directory by device too (subvolumes). A file's device alone says nothing: overlay file systems
 * give several.
 */
bool vst_file_is_elsewhere(const struct statx *st, const struct vst_file_mount *home);

#endif
