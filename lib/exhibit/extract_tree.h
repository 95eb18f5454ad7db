/*
 * The directory that items are taken out to, and the only way to names in it.
 *
 * Names come from a hostile host. Each is walked component by component from the directory's descriptor with
 * O_NOFOLLOW, so neither `..` nor a symbolic link (one that an earlier item of the same exhibit planted, or
 * one that was there before) can lead out. Directories that this extraction made are remembered by device and
 * inode: only theirs is the metadata that it may change.
 */
#ifndef VESTIGE_EXHIBIT_EXTRACT_TREE_H
#define VESTIGE_EXHIBIT_EXTRACT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct vst_err;

struct vst_tree_id {
	uint64_t dev, ino;
	bool used;
};

struct vst_tree {
	int root;   /* borrowed */
	int parent; /* the directory that was asked for last, -1: none */
	char *path; /* its name */
	size_t path_len;
	struct vst_tree_id *made; /* open addressing, a power of two */
	size_t made_count, made_size;
};

void vst_tree_init(struct vst_tree *tree, int root);
void vst_tree_free(struct vst_tree *tree);

/* Whether a name can be walked: relative, no empty component, none that is `.` or `..`. One closing slash is
 * allowed. */
bool vst_tree_name_safe(const char *name);
/* How many components a name has. */
uint32_t vst_tree_depth(const char *name);

/*
 * The directory that holds `name` (borrowed until the next call), and the last component (owned by the
 * caller). With `make`, directories on the way are made with mode 0700. VST_EFORMAT: an unsafe name.
 * VST_EEXIST: something that is no directory is in the way. VST_ENOTFOUND: not there, and not to be made.
 */
int vst_tree_parent(struct vst_tree *tree, const char *name, bool make, int *ret_parent, char **ret_base,
        struct vst_err *err);

/* Makes the directory `base`, or finds that this extraction made it on the way. VST_EEXIST: it was there
 * before. */
int vst_tree_mkdir(struct vst_tree *tree, int parent, const char *base, struct vst_err *err);
/* Opens a directory that this extraction made. */
int vst_tree_open_made(struct vst_tree *tree, int parent, const char *base, int *ret_fd, struct vst_err *err);

#endif
