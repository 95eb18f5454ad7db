#include "collect/journal_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/file_stat.h"
#include "collect/limits.h"
#include "collect/listing.h"
#include "vestige/beneath.h"
#include "vestige/err.h"
#include "vestige/mem.h"

struct place {
	char *path;
	unsigned depth;
};

struct find {
	const struct vst_collect_context *context;
	struct vst_journal_finds *finds;
	bool open;
	struct place *places; /* directories, looked at in order */
	size_t count;
	struct vst_err *err;
};

/* Takes `path`, on failure too. */
static int add_place(struct find *f, char *path, unsigned depth)
{
	struct place *more = path ? vst_realloc(f->places, f->count + 1, sizeof *more) : NULL;
	if (!more) {
		free(path);
		return vst_err_nomem(f->err);
	}
	f->places = more;
	more[f->count++] = (struct place){path, depth};
	return 0;
}

/* Takes the path and the descriptor, on failure too. */
static int add(struct find *f, struct vst_journal_found found)
{
	struct vst_journal_found *more =
	        found.path ? vst_realloc(f->finds->list, f->finds->count + 1, sizeof *more) : NULL;
	if (!more) {
		free(found.path);
		if (found.fd >= 0)
			close(found.fd);
		return vst_err_nomem(f->err);
	}
	f->finds->list = more;
	more[f->finds->count++] = found;
	f->finds->files += found.type == VST_ITEM_FILE;
	return 0;
}

static int add_failed(struct find *f, const char *path, enum vst_item_type type, int error, const char *what)
{
	return add(
	        f, (struct vst_journal_found){
	                   .path = vst_strdup(path), .fd = -1, .type = type, .error = error, .what = what});
}

static char *join(const char *directory, const char *name)
{
	struct vst_buf path = VST_BUF_INIT;
	if (strcmp(directory, "/") != 0)
		vst_buf_text(&path, directory);
	vst_buf_byte(&path, '/');
	vst_buf_text(&path, name);
	vst_buf_cstr(&path);
	if (vst_buf_check(&path, NULL) != 0) {
		vst_buf_free(&path);
		return NULL;
	}
	return (char *)path.data;
}

/* Opens what a path leads to, links followed inside the root. 0, an errno, or -1 for want of memory. */
static int open_path(struct find *f, const char *path, int flags, int *ret_fd, char **ret_path)
{
	struct vst_err why = VST_ERR_INIT;
	const char *name;
	char *resolved = NULL;
	int fd = -1, dirfd = -1;
	int rc = vst_beneath_resolve(f->context->root_fd, path, NULL, NULL, &fd, &resolved, &why);
	if (rc == 0) {
		close(fd);
		rc = vst_beneath_parent(f->context->root_fd, resolved, &dirfd, &name, &why);
	}
	if (rc != 0) {
		free(resolved);
		return why.sys ? why.sys : -1;
	}
	/* The root itself has no name in itself. */
	fd = strcmp(name, ".") == 0 ? openat(dirfd, ".", flags | O_CLOEXEC)
	                            : vst_beneath_open_at(dirfd, name, flags);
	int error = fd < 0 ? errno : 0;
	close(dirfd);
	if (error) {
		free(resolved);
		return error;
	}
	*ret_fd = fd;
	*ret_path = resolved;
	return 0;
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);
	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static bool is_known(const struct vst_journal_finds *finds, const struct vst_file_id *id)
{
	for (size_t i = 0; i < finds->count; i++)
		if (finds->list[i].fd >= 0 && vst_file_id_equal(&finds->list[i].id, id))
			return true;
	return false;
}

/* Takes `path`. */
static int take_file(struct find *f, char *path, enum vst_item_type type)
{
	struct vst_journal_found found = {.path = path, .fd = -1, .type = VST_ITEM_FILE};
	struct statx st;
	char *resolved = NULL;
	if (f->finds->files >= VST_JOURNAL_FILES_MAX) {
		found.what = "more journal files than are looked at";
		return add(f, found);
	}
	if (!f->open)
		return add(f, found);
	found.error = open_path(f, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &found.fd, &resolved);
	if (found.error < 0) {
		free(path);
		return vst_err_nomem(f->err);
	}
	if (found.error) {
		found.what = "open";
		if (found.error == ENOENT && type != VST_ITEM_SYMLINK)
			found.missing = VST_JOURNAL_VANISHED;
		return add(f, found);
	}
	free(path);
	found.path = resolved;
	found.error = vst_file_stat(found.fd, &st);
	found.what = found.error ? "stat" : !S_ISREG(st.stx_mode) ? "not a regular file" : NULL;
	if (!found.what)
		found.id = vst_file_id(&st);
	if (found.what || is_known(f->finds, &found.id)) {
		close(found.fd);
		found.fd = -1;
	}
	if (found.what)
		return add(f, found);
	if (found.fd < 0) {
		free(found.path);
		return 0;
	}
	return add(f, found);
}

static int take_name(struct find *f, const struct place *place, const char *name, enum vst_item_type type)
{
	bool is_file = ends_in(name, ".journal") || ends_in(name, ".journal~");
	bool is_directory = type == VST_ITEM_DIRECTORY && place->depth < VST_JOURNAL_DEPTH_MAX;
	if (!is_file && !is_directory)
		return 0;
	char *path = join(place->path, name);
	if (!path)
		return vst_err_nomem(f->err);
	return type == VST_ITEM_DIRECTORY
	               ? (is_directory ? add_place(f, path, place->depth + 1) : (free(path), 0))
	               : take_file(f, path, type);
}

static int take_listing(struct find *f, const struct place *place, const char *path, int fd)
{
	struct vst_listing listing = {0};
	int error = 0;
	int rc = vst_listing_read(&listing, fd, &error, f->err);
	for (size_t i = 0; rc == 0 && i < listing.count; i++) {
		enum vst_item_type type = vst_listing_type(&listing, i);
		const char *name = vst_listing_name(&listing, i);
		struct statx st;
		if (type == VST_ITEM_UNKNOWN && vst_file_stat_name(fd, name, &st) == 0)
			type = vst_file_type(&st);
		rc = take_name(f, place, name, type);
		if (rc == 0)
			rc = vst_limits_check_cancel(f->context, f->err);
	}
	vst_listing_free(&listing);
	return rc == 0 && error ? add_failed(f, path, VST_ITEM_DIRECTORY, error, "list") : rc;
}

static int take_directory(struct find *f, struct place place)
{
	char *path = NULL;
	int fd = -1;
	int error = open_path(f, place.path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, &fd, &path);
	if (error < 0)
		return vst_err_nomem(f->err);
	if (error) {
		int rc = add_failed(f, place.path, VST_ITEM_DIRECTORY, error, "open");
		if (rc == 0 && (error == ENOENT || error == ENOTDIR))
			f->finds->list[f->finds->count - 1].missing =
			        place.depth == 0 ? VST_JOURNAL_ABSENT : VST_JOURNAL_VANISHED;
		return rc;
	}
	struct place resolved = {path, place.depth};
	int rc = take_listing(f, &resolved, path, fd);
	close(fd);
	free(path);
	return rc;
}

int vst_journal_find(const struct vst_collect_context *context, const char *directory, bool open,
        struct vst_journal_finds *finds, struct vst_err *err)
{
	struct find f = {.context = context, .finds = finds, .open = open, .err = err};
	int rc = add_place(&f, vst_strdup(directory), 0);
	for (size_t i = 0; rc == 0 && i < f.count; i++)
		rc = take_directory(&f, f.places[i]);
	for (size_t i = 0; i < f.count; i++)
		free(f.places[i].path);
	free(f.places);
	return rc;
}

void vst_journal_finds_free(struct vst_journal_finds *finds)
{
	for (size_t i = 0; i < finds->count; i++) {
		free(finds->list[i].path);
		if (finds->list[i].fd >= 0)
			close(finds->list[i].fd);
	}
	free(finds->list);
	*finds = (struct vst_journal_finds){0};
}
