#include "vestige/exhibit_extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "exhibit/exhibit_state.h"
#include "exhibit/extract_meta.h"
#include "exhibit/extract_tree.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/secret.h"
#include "vestige/text.h"

/*
 * Invariants: 1. A name appears only when its content's digest was right; until then the file has a random
 * name, and a failure removes it. 2. Nothing that existed before is changed. 3. What makes a file or
 * directory resist changes (its flags, a directory's mode) is set after everything else, from a list of what
 * is `late`.
 */
struct late {
	uint32_t seq;
	uint32_t depth; /* directories: 1 and more, deepest first; files with inode flags: UINT32_MAX, before
	                   them */
};

struct extraction {
	struct vst_exhibit *exhibit;
	const struct vst_exhibit_extract_options *options;
	struct vst_tree tree;
	uint8_t *out; /* a bit for each item: it has a name in the directory that a hard link may repeat */
	struct late *late;
	size_t late_count, late_size;
};

#define TEMPORARY_PREFIX ".vestige-"
#define TEMPORARY_RANDOM 12
#define TEMPORARY_LEN (sizeof TEMPORARY_PREFIX + 2 * TEMPORARY_RANDOM)

static void set_out(struct extraction *x, uint64_t seq)
{
	x->out[seq / 8] |= (uint8_t)(1u << (seq % 8));
}

static bool is_out(const struct extraction *x, uint64_t seq)
{
	return x->out[seq / 8] >> (seq % 8) & 1;
}

/* Errors after which no other item would do better. */
static bool is_fatal(int rc, const struct vst_err *err)
{
	return rc == VST_ENOMEM || rc == VST_ECANCELLED ||
	       (rc == VST_EIO && (err->sys == ENOSPC || err->sys == EDQUOT || err->sys == EROFS));
}

static int add_late(struct extraction *x, uint64_t seq, uint32_t depth, struct vst_err *err)
{
	if (x->late_count == x->late_size) {
		size_t size = x->late_size ? x->late_size * 2 : 256;
		struct late *late = vst_realloc(x->late, size, sizeof *late);

		if (!late)
			return vst_err_nomem(err);
		x->late = late;
		x->late_size = size;
	}
	x->late[x->late_count++] = (struct late){.seq = (uint32_t)seq, .depth = depth};
	return 0;
}

/* Its name in the tar of an exhibit that has all of its content: a tail comes out as the file. */
static int entry_name(const struct vst_item *item, char **ret, struct vst_err *err)
{
	struct vst_item whole = *item;
	struct vst_buf name = VST_BUF_INIT;
	char *text = NULL;
	int rc;

	whole.long_entry = false;
	whole.has_whole = false;
	rc = vst_item_entry_name(&whole, &name, err);

	if (rc == 0 && (rc = vst_buf_check(&name, err)) == 0) {
		if (!(text = vst_memdup(name.data, name.len)))
			rc = vst_err_nomem(err);
		else
			*ret = text;
	}
	vst_buf_free(&name);
	return rc;
}

/* ---- files ---- */

struct file {
	int fd;
	uint64_t at;
};

static int write_data(void *ctx, uint64_t offset, const void *data, size_t len, struct vst_err *err)
{
	struct file *file = ctx;

	if (offset != file->at && lseek(file->fd, (off_t)offset, SEEK_SET) < 0)
		return vst_err_sys(err, errno, "seek");
	file->at = offset + len;
	return vst_io_write(file->fd, data, len, err);
}

/* Gives the file its name unless something has it. */
static int take_name(int parent, const char *from, const char *to, struct vst_err *err)
{
	if (renameat2(parent, from, parent, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS) { /* a file system without that flag */
		if (linkat(parent, from, parent, to, 0) == 0)
			return unlinkat(parent, from, 0) == 0 ? 0 : vst_err_sys(err, errno, "unlink");
	}
	return errno == EEXIST ? vst_err_set(err, VST_EEXIST, "exists already")
	                       : vst_err_sys(err, errno, "rename");
}

static int temporary_name(char ret[TEMPORARY_LEN], struct vst_err *err)
{
	uint8_t random[TEMPORARY_RANDOM];
	int rc = vst_random(random, sizeof random, err);

	if (rc != 0)
		return rc;
	memcpy(ret, TEMPORARY_PREFIX, sizeof TEMPORARY_PREFIX);
	vst_hex(random, sizeof random, ret + sizeof TEMPORARY_PREFIX - 1);
	return 0;
}

/* `content` is the entry that holds the bytes, `item` the one whose metadata the file gets. */
static int write_file(struct extraction *x, const struct vst_exhibit_entry *content,
        const struct vst_item *item, int parent, const char *base, struct vst_err *meta, struct vst_err *err)
{
	char temporary[TEMPORARY_LEN];
	struct file file = {.fd = -1};
	bool there = false;
	int rc;

	/* Early, so that gigabytes are not written in vain; take_name() decides. */
	if (faccessat(parent, base, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return vst_err_set(err, VST_EEXIST, "exists already");
	if ((rc = temporary_name(temporary, err)) != 0)
		return rc;
	file.fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file.fd < 0)
		return vst_err_sys(err, errno, "create");
	there = true;
	if ((rc = vst_exhibit_read_whole(x->exhibit, content, write_data, &file, err)) != 0)
		goto out;
	if (content->item->is_sparse && ftruncate(file.fd, (off_t)content->item->size) != 0) {
		rc = vst_err_sys(err, errno, "truncate");
		goto out;
	}
	(void)vst_meta_apply(file.fd, item, x->options->preserve, meta);
	rc = take_name(parent, temporary, base, err);
	there = rc != 0;
out:
	if (there)
		(void)unlinkat(parent, temporary, 0);
	if (close(file.fd) != 0 && rc == 0) { /* a quota on a network file system speaks up here */
		rc = vst_err_sys(err, errno, "close");
		(void)unlinkat(parent, base, 0);
	}
	return rc;
}

/* ---- the other types ---- */

static int make_node(const struct vst_item *item, int parent, const char *base, struct vst_err *err)
{
	mode_t type = item->type == VST_ITEM_FIFO          ? S_IFIFO
	              : item->type == VST_ITEM_SOCKET      ? S_IFSOCK
	              : item->type == VST_ITEM_CHAR_DEVICE ? S_IFCHR
	                                                   : S_IFBLK;
	int made = item->type == VST_ITEM_SYMLINK
	                   ? symlinkat(item->target ? item->target : "", parent, base)
	                   : mknodat(parent, base, type | 0600, makedev(item->rdev_major, item->rdev_minor));

	if (made == 0)
		return 0;
	return errno == EEXIST ? vst_err_set(err, VST_EEXIST, "exists already")
	                       : vst_err_sys(err, errno, "create");
}

static bool is_content(enum vst_item_type type)
{
	return type == VST_ITEM_FILE || type == VST_ITEM_STREAM || type == VST_ITEM_RECORD;
}

/* Without `preserve` nothing comes out that a program which opens it would wait for, or worse. */
static bool comes_out(const struct extraction *x, const struct vst_exhibit_entry *entry)
{
	const struct vst_item *item = entry->item;
	bool special = item->type == VST_ITEM_FIFO || item->type == VST_ITEM_SOCKET ||
	               item->type == VST_ITEM_CHAR_DEVICE || item->type == VST_ITEM_BLOCK_DEVICE;

	if (special && !x->options->preserve)
		return false;
	/* A socket is in the manifest alone. */
	if (item->type == VST_ITEM_SOCKET && !item->is_hardlink)
		return item->has_stat &&
		       (item->status == VST_ITEM_COLLECTED || item->status == VST_ITEM_CHANGED);
	return entry->tar_offset != UINT64_MAX || item->status == VST_ITEM_UNCHANGED;
}

static int take_link(struct extraction *x, const struct vst_exhibit_entry *target, int parent,
        const char *base, struct vst_err *err)
{
	char *name = NULL, *target_base = NULL;
	int keep = -1, target_parent = -1, rc;

	/* vst_tree_parent() gives one directory at a time. */
	if ((keep = fcntl(parent, F_DUPFD_CLOEXEC, 0)) < 0)
		return vst_err_sys(err, errno, "dup");
	if ((rc = entry_name(target->item, &name, err)) != 0 ||
	        (rc = vst_tree_parent(&x->tree, name, false, &target_parent, &target_base, err)) != 0)
		goto out;
	if (linkat(target_parent, target_base, keep, base, 0) != 0)
		rc = errno == EEXIST ? vst_err_set(err, VST_EEXIST, "exists already")
		                     : vst_err_sys(err, errno, "link");
out:
	close(keep);
	free(target_base);
	free(name);
	return rc;
}

/* One item that is no directory. `meta` gets what could not be set though the item is there. */
static int take_leaf(struct extraction *x, const struct vst_exhibit_entry *entry, const char *name,
        struct vst_err *meta, struct vst_err *err)
{
	struct vst_exhibit_entry target = {0};
	const struct vst_item *item = entry->item;
	char *base = NULL;
	int parent = -1, rc = 0;

	if (item->is_hardlink && (rc = vst_exhibit_link_target(x->exhibit, item, &target, err)) != 0)
		goto out;
	/* Its own tar entry has to say the same, also where all is made from the line. */
	if ((item->is_hardlink || !is_content(item->type)) && entry->tar_offset != UINT64_MAX &&
	        (rc = vst_exhibit_read_item(x->exhibit, entry, target.item, NULL, NULL, err)) != 0)
		goto out;
	if ((rc = vst_tree_parent(&x->tree, name, true, &parent, &base, err)) != 0)
		goto out;
	if (item->is_hardlink && is_out(x, target.item->seq)) {
		rc = take_link(x, &target, parent, base, err);
	} else if (is_content(item->type)) {
		rc = write_file(x, item->is_hardlink ? &target : entry, item, parent, base, meta, err);
	} else if ((rc = make_node(item, parent, base, err)) == 0) {
		(void)vst_meta_apply_at(parent, base, item, x->options->preserve, meta);
	}
out:
	vst_exhibit_entry_free(&target);
	free(base);
	return rc;
}

static int take_directory(
        struct extraction *x, const struct vst_exhibit_entry *entry, const char *name, struct vst_err *err)
{
	char *base = NULL;
	int parent = -1, rc;

	if ((rc = vst_exhibit_read_item(x->exhibit, entry, NULL, NULL, NULL, err)) != 0 ||
	        (rc = vst_tree_parent(&x->tree, name, true, &parent, &base, err)) != 0)
		return rc;
	rc = vst_tree_mkdir(&x->tree, parent, base, err);
	free(base);
	return rc;
}

/* ---- one after the other ---- */

/* `meta` has a code if the item is there but not all of its metadata. */
static int tell(struct extraction *x, const struct vst_item *item, int rc, const struct vst_err *meta,
        const struct vst_err *why, struct vst_err *err)
{
	char problem[VST_ERR_TEXT_MAX + 32];
	enum vst_extract_outcome outcome = rc != 0 || meta->code != 0 ? VST_EXTRACT_FAILED : VST_EXTRACT_OUT;

	if (rc != 0)
		snprintf(problem, sizeof problem, "%s", why->text);
	else
		snprintf(problem, sizeof problem, "it is there, but not its %s", meta->text);
	if (!x->options->done)
		return 0;
	return x->options->done(
	        x->options->ctx, item, outcome, outcome == VST_EXTRACT_OUT ? NULL : problem, err);
}

static int take_item(struct extraction *x, const struct vst_exhibit_entry *entry, struct vst_err *err)
{
	const struct vst_item *item = entry->item;
	struct vst_err why = VST_ERR_INIT, meta = VST_ERR_INIT;
	bool directory = item->type == VST_ITEM_DIRECTORY;
	char *name = NULL;
	int rc, stop = 0;

	if ((rc = entry_name(item, &name, &why)) == 0)
		rc = directory ? take_directory(x, entry, name, &why)
		               : take_leaf(x, entry, name, &meta, &why);
	if (rc != 0 && is_fatal(rc, &why)) {
		if (err)
			*err = why;
		stop = rc;
		vst_err_prepend(err, "%s", item->path);
		goto out;
	}
	if (rc == 0 && !directory)
		set_out(x, item->seq);
	if (rc == 0 && directory)
		stop = add_late(x, item->seq, vst_tree_depth(name), err);
	else if (rc == 0 && meta.code == 0 && x->options->preserve && is_content(item->type) &&
	         vst_meta_has_flags(item))
		stop = add_late(x, item->seq, UINT32_MAX, err);
	else
		stop = tell(x, item, rc, &meta, &why, err);
out:
	free(name);
	return stop;
}

static int take_entry(void *ctx, struct vst_exhibit_entry *entry, struct vst_err *err)
{
	struct extraction *x = ctx;
	const struct vst_exhibit_extract_options *options = x->options;

	if (options->select && !options->select(options->ctx, entry->item))
		return 0;
	if (comes_out(x, entry))
		return take_item(x, entry, err);
	return options->done ? options->done(options->ctx, entry->item, VST_EXTRACT_NOTHING, NULL, err) : 0;
}

static int compare_late(const void *a, const void *b)
{
	const struct late *x = a, *y = b;

	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int open_late(
        struct extraction *x, const struct vst_item *item, const char *name, int *ret_fd, struct vst_err *err)
{
	char *base = NULL;
	int parent = -1, fd, rc = vst_tree_parent(&x->tree, name, false, &parent, &base, err);

	if (rc != 0)
		return rc;
	if (item->type == VST_ITEM_DIRECTORY) {
		rc = vst_tree_open_made(&x->tree, parent, base, ret_fd, err);
	} else if ((fd = openat(parent, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC)) >=
	           0) {
		*ret_fd = fd;
	} else {
		rc = vst_err_sys(err, errno, "open");
	}
	free(base);
	return rc;
}

static int finish_late(struct extraction *x, const struct late *late, struct vst_err *err)
{
	struct vst_exhibit_entry entry = {0};
	struct vst_err why = VST_ERR_INIT, meta = VST_ERR_INIT;
	char *name = NULL;
	int fd = -1, rc;

	if ((rc = vst_exhibit_entry_at(x->exhibit, late->seq, &entry, err)) != 0)
		return rc;
	if ((rc = entry_name(entry.item, &name, &why)) == 0 &&
	        (rc = open_late(x, entry.item, name, &fd, &why)) == 0) {
		if (entry.item->type == VST_ITEM_DIRECTORY)
			(void)vst_meta_apply(fd, entry.item, x->options->preserve, &meta);
		if (x->options->preserve && meta.code == 0 && vst_meta_has_flags(entry.item))
			(void)vst_meta_apply_flags(fd, entry.item, &meta);
		close(fd);
	}
	rc = tell(x, entry.item, rc, &meta, &why, err);
	free(name);
	vst_exhibit_entry_free(&entry);
	return rc;
}

int vst_exhibit_extract(
        struct vst_exhibit *exhibit, const struct vst_exhibit_extract_options *options, struct vst_err *err)
{
	struct extraction x = {.exhibit = exhibit, .options = options};
	int rc;

	vst_tree_init(&x.tree, options->out_dirfd);
	if (!(x.out = vst_calloc((size_t)(exhibit->items / 8 + 1), 1))) {
		rc = vst_err_nomem(err);
		goto out;
	}
	if ((rc = vst_exhibit_list(exhibit, take_entry, &x, err)) != 0)
		goto out;
	if (x.late_count > 0)
		qsort(x.late, x.late_count, sizeof *x.late, compare_late);
	for (size_t i = 0; rc == 0 && i < x.late_count; i++)
		rc = finish_late(&x, &x.late[i], err);
out:
	vst_tree_free(&x.tree);
	free(x.late);
	free(x.out);
	return rc;
}
