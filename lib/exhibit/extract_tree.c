#include "exhibit/extract_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/mem.h"

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define MADE_AT_FIRST 64

void vst_tree_init(struct vst_tree *tree, int root)
{
	*tree = (struct vst_tree){.root = root, .parent = -1};
}

static void forget_parent(struct vst_tree *tree)
{
	if (tree->parent >= 0)
		close(tree->parent);
	free(tree->path);
	tree->parent = -1;
	tree->path = NULL;
}

void vst_tree_free(struct vst_tree *tree)
{
	forget_parent(tree);
	free(tree->made);
	tree->made = NULL;
}

/* ---- names ---- */

/* The next component at `*at`; steps over the slash behind it. False at the end. */
static bool next_component(const char **at, const char **ret, size_t *ret_len)
{
	size_t len = strcspn(*at, "/");

	if (**at == '\0')
		return false;
	*ret = *at;
	*ret_len = len;
	*at += len + ((*at)[len] == '/');
	return true;
}

bool vst_tree_name_safe(const char *name)
{
	const char *part = NULL;
	size_t len = 0;

	if (*name == '\0')
		return false;
	while (next_component(&name, &part, &len))
		if (len == 0 || (len == 1 && part[0] == '.') ||
		        (len == 2 && part[0] == '.' && part[1] == '.'))
			return false;
	return true;
}

uint32_t vst_tree_depth(const char *name)
{
	const char *part = NULL;
	size_t len = 0;
	uint32_t depth = 0;

	while (next_component(&name, &part, &len))
		depth++;
	return depth;
}

/* ---- what this extraction made ---- */

static size_t made_slot(const struct vst_tree_id *table, size_t size, uint64_t dev, uint64_t ino)
{
	size_t at = (size_t)((ino ^ dev << 32) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (size - 1);

	while (table[at].used && (table[at].dev != dev || table[at].ino != ino))
		at = (at + 1) & (size - 1);
	return at;
}

static int made_grow(struct vst_tree *tree, struct vst_err *err)
{
	size_t size = tree->made_size ? tree->made_size * 2 : MADE_AT_FIRST;
	struct vst_tree_id *table;

	if (tree->made_count * 2 < tree->made_size)
		return 0;
	if (!(table = vst_calloc(size, sizeof *table)))
		return vst_err_nomem(err);
	for (size_t i = 0; i < tree->made_size; i++)
		if (tree->made[i].used)
			table[made_slot(table, size, tree->made[i].dev, tree->made[i].ino)] = tree->made[i];
	free(tree->made);
	tree->made = table;
	tree->made_size = size;
	return 0;
}

static int remember(struct vst_tree *tree, int fd, struct vst_err *err)
{
	struct stat st;
	size_t at;
	int rc;

	if (fstat(fd, &st) != 0)
		return vst_err_sys(err, errno, "stat");
	if ((rc = made_grow(tree, err)) != 0)
		return rc;
	at = made_slot(tree->made, tree->made_size, st.st_dev, st.st_ino);
	tree->made_count += !tree->made[at].used;
	tree->made[at] = (struct vst_tree_id){.dev = st.st_dev, .ino = st.st_ino, .used = true};
	return 0;
}

static bool is_made(const struct vst_tree *tree, int fd)
{
	struct stat st;

	return tree->made_size > 0 && fstat(fd, &st) == 0 &&
	       tree->made[made_slot(tree->made, tree->made_size, st.st_dev, st.st_ino)].used;
}

/* ---- walking ---- */

static int open_component(
        struct vst_tree *tree, int at, const char *name, bool make, int *ret_fd, struct vst_err *err)
{
	int fd = openat(at, name, OPEN_DIRECTORY), rc;

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (errno == ELOOP || errno == ENOTDIR)
		return vst_err_set(err, VST_EEXIST, "something that is no directory is in the way");
	if (errno != ENOENT)
		return vst_err_sys(err, errno, "open directory");
	if (!make)
		return vst_err_set(err, VST_ENOTFOUND, "no such directory");
	if (mkdirat(at, name, 0700) != 0)
		return vst_err_sys(err, errno, "mkdir");
	if ((fd = openat(at, name, OPEN_DIRECTORY)) < 0)
		return vst_err_sys(err, errno, "open directory");
	if ((rc = remember(tree, fd, err)) != 0) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

static int walk(
        struct vst_tree *tree, const char *path, size_t path_len, bool make, int *ret_fd, struct vst_err *err)
{
	char *copy = vst_memdup(path, path_len);
	int at = dup(tree->root), rc = 0;

	if (!copy || at < 0) {
		rc = copy ? vst_err_sys(err, errno, "dup") : vst_err_nomem(err);
		goto out;
	}
	for (char *part = copy; rc == 0 && *part;) {
		size_t len = strcspn(part, "/");
		char *next = part + len + (part[len] == '/');
		int fd = -1;

		part[len] = '\0';
		if ((rc = open_component(tree, at, part, make, &fd, err)) == 0) {
			close(at);
			at = fd;
		}
		part = next;
	}
	if (rc == 0) {
		*ret_fd = at;
		at = -1;
	}
out:
	if (at >= 0)
		close(at);
	free(copy);
	return rc;
}

int vst_tree_parent(struct vst_tree *tree, const char *name, bool make, int *ret_parent, char **ret_base,
        struct vst_err *err)
{
	size_t len = strlen(name), dir_len = 0;
	char *base = NULL, *path = NULL;
	int fd = -1, rc;

	if (!vst_tree_name_safe(name))
		return vst_err_set(err, VST_EFORMAT, "a name that could lead out of the directory");
	if (name[len - 1] == '/')
		len--;
	for (size_t i = 0; i < len; i++)
		if (name[i] == '/')
			dir_len = i;
	if (!(base = vst_memdup(name + dir_len + (dir_len > 0), len - dir_len - (dir_len > 0))))
		return vst_err_nomem(err);
	if (tree->parent < 0 || tree->path_len != dir_len || memcmp(tree->path, name, dir_len) != 0) {
		if (!(path = vst_memdup(name, dir_len))) {
			rc = vst_err_nomem(err);
			goto out;
		}
		if ((rc = walk(tree, name, dir_len, make, &fd, err)) != 0)
			goto out;
		forget_parent(tree);
		tree->parent = fd;
		tree->path = path;
		tree->path_len = dir_len;
		path = NULL;
	}
	*ret_parent = tree->parent;
	*ret_base = base;
	base = NULL;
	rc = 0;
out:
	free(path);
	free(base);
	return rc;
}

int vst_tree_open_made(struct vst_tree *tree, int parent, const char *base, int *ret_fd, struct vst_err *err)
{
	int fd = openat(parent, base, OPEN_DIRECTORY);

	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return vst_err_set(err, VST_EEXIST, "exists already");
	if (fd < 0)
		return vst_err_sys(err, errno, "open directory");
	if (!is_made(tree, fd)) {
		close(fd);
		return vst_err_set(err, VST_EEXIST, "exists already");
	}
	*ret_fd = fd;
	return 0;
}

int vst_tree_mkdir(struct vst_tree *tree, int parent, const char *base, struct vst_err *err)
{
	int fd = -1, rc;

	if (mkdirat(parent, base, 0700) != 0) {
		if (errno != EEXIST)
			return vst_err_sys(err, errno, "mkdir");
		if ((rc = vst_tree_open_made(tree, parent, base, &fd, err)) == 0)
			close(fd);
		return rc;
	}
	if ((fd = openat(parent, base, OPEN_DIRECTORY)) < 0)
		return vst_err_sys(err, errno, "open directory");
	rc = remember(tree, fd, err);
	close(fd);
	return rc;
}
