#include "vestige/look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/file_stat.h"
#include "collect/listing.h"
#include "vestige/beneath.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/pattern.h"

/* Paths that the components so far lead to. */
struct places {
	char **paths;
	size_t count;
};

struct looking {
	int root_fd;
	struct vst_look *look;
	uint64_t names;
	struct places now, next;
	struct vst_buf path;
	struct vst_err *err;
};

void vst_look_free(struct vst_look *look)
{
	for (size_t i = 0; i < VST_LOOK_EXAMPLES; i++)
		free(look->examples[i]);
	*look = (struct vst_look){0};
}

static void clear(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->paths[i]);
	free(places->paths);
	*places = (struct places){0};
}

static int add_place(struct looking *l, struct places *places, const char *path)
{
	if (places->count == VST_LOOK_PLACES_MAX) {
		l->look->more = true;
		return 0;
	}
	char **grown = vst_realloc(places->paths, places->count + 1, sizeof *grown);
	if (!grown)
		return vst_err_nomem(l->err);
	places->paths = grown;
	if (!(grown[places->count] = vst_strdup(path)))
		return vst_err_nomem(l->err);
	places->count++;
	return 0;
}

static int add_match(struct looking *l, const char *path)
{
	uint64_t number = l->look->matches++;
	if (number < VST_LOOK_EXAMPLES && !(l->look->examples[number] = vst_strdup(path)))
		return vst_err_nomem(l->err);
	return 0;
}

static void count_error(struct looking *l, int error)
{
	if (error == EACCES || error == EPERM)
		l->look->denied++;
	else if (error != 0 && error != ENOENT && error != ENOTDIR)
		l->look->failed++;
}

static const char *below(struct looking *l, const char *directory, const char *name)
{
	vst_buf_clear(&l->path);
	if (strcmp(directory, "/") != 0)
		vst_buf_text(&l->path, directory);
	vst_buf_byte(&l->path, '/');
	vst_buf_text(&l->path, name);
	return vst_buf_cstr(&l->path);
}

/* The next component in one directory: `last` makes its matches those of the pattern. */
static int step_into(struct looking *l, const char *directory, int fd,
        const struct vst_pattern_component *component, bool last)
{
	struct vst_listing listing = {0};
	struct statx st;
	int error = 0, rc = 0;
	if (component->kind == VST_COMPONENT_LITERAL) {
		error = vst_file_stat_place(fd, component->text, &st);
		count_error(l, error);
		if (error)
			return 0;
		const char *path = below(l, directory, component->text);
		return last ? add_match(l, path) : add_place(l, &l->next, path);
	}
	int list_fd = vst_beneath_open_at(fd, ".", O_RDONLY | O_DIRECTORY);
	if (list_fd < 0) {
		count_error(l, errno);
		return 0;
	}
	rc = vst_listing_read(&listing, list_fd, &error, l->err);
	close(list_fd);
	count_error(l, error);
	l->names += listing.count;
	for (size_t i = 0; rc == 0 && i < listing.count; i++) {
		const char *name = vst_listing_name(&listing, i);
		enum vst_item_type type = vst_listing_type(&listing, i);
		if (!vst_pattern_match_name(component->text, name))
			continue;
		const char *path = below(l, directory, name);
		if (last)
			rc = add_match(l, path);
		else if (type == VST_ITEM_DIRECTORY || type == VST_ITEM_UNKNOWN)
			rc = add_place(l, &l->next, path);
	}
	vst_listing_free(&listing);
	return rc;
}

/* Opens a place without following its last component, which was no link when it was found. */
static int open_place(struct looking *l, const char *path)
{
	struct vst_err why = VST_ERR_INIT;
	const char *name;
	int parent = -1, fd = -1;
	if (vst_beneath_parent(l->root_fd, path, &parent, &name, &why) != 0) {
		errno = why.sys;
		return -1;
	}
	fd = vst_beneath_open_at(parent, name, O_PATH | O_DIRECTORY);
	int error = errno;
	close(parent);
	errno = error;
	return fd;
}

static int step(struct looking *l, const struct vst_pattern_component *component, bool last)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < l->now.count; i++) {
		if (l->names > VST_LOOK_NAMES_MAX) {
			l->look->more = true;
			break;
		}
		int fd = open_place(l, l->now.paths[i]);
		if (fd < 0) {
			count_error(l, errno);
			continue;
		}
		rc = step_into(l, l->now.paths[i], fd, component, last);
		close(fd);
	}
	clear(&l->now);
	l->now = l->next;
	l->next = (struct places){0};
	return rc == 0 ? vst_buf_check(&l->path, l->err) : rc;
}

static int start(struct looking *l, const struct vst_pattern_alternative *alternative)
{
	struct vst_err why = VST_ERR_INIT;
	struct vst_buf prefix = VST_BUF_INIT;
	char *resolved = NULL;
	int fd = -1;
	for (size_t i = 0; i < alternative->literal; i++) {
		vst_buf_byte(&prefix, '/');
		vst_buf_text(&prefix, alternative->components[i].text);
	}
	if (alternative->literal == 0)
		vst_buf_byte(&prefix, '/');
	const char *path = vst_buf_cstr(&prefix);
	int rc = vst_buf_check(&prefix, l->err);
	if (rc == 0 && vst_beneath_resolve(l->root_fd, path, NULL, NULL, &fd, &resolved, &why) != 0) {
		rc = why.code == VST_ENOMEM ? vst_err_nomem(l->err) : 0;
		count_error(l, why.sys);
	} else if (rc == 0) {
		rc = alternative->literal == alternative->count ? add_match(l, resolved)
		                                                : add_place(l, &l->now, resolved);
		close(fd);
	}
	free(resolved);
	vst_buf_free(&prefix);
	return rc;
}

static int look_for(struct looking *l, const struct vst_pattern_alternative *alternative)
{
	int rc = start(l, alternative);
	for (size_t i = alternative->literal; rc == 0 && i < alternative->count; i++) {
		if (alternative->components[i].kind == VST_COMPONENT_ANY_DEPTH) {
			l->look->any_depth = true;
			for (size_t k = 0; rc == 0 && k < l->now.count; k++)
				rc = add_match(l, l->now.paths[k]);
			break;
		}
		rc = step(l, &alternative->components[i], i + 1 == alternative->count);
	}
	clear(&l->now);
	return rc;
}

int vst_look(int root_fd, const char *text, struct vst_look *ret, struct vst_err *err)
{
	struct vst_err own = VST_ERR_INIT;
	struct vst_look look = {0};
	struct looking l = {.root_fd = root_fd, .look = &look, .err = err ? err : &own};
	struct vst_pattern *pattern = NULL;
	int rc = vst_pattern_compile(text, &pattern, l.err);
	if (rc == 0 && !pattern->absolute)
		rc = vst_err_set(l.err, VST_EFORMAT, "not an absolute path");
	for (size_t i = 0; rc == 0 && i < pattern->count; i++)
		rc = look_for(&l, &pattern->alternatives[i]);
	clear(&l.now);
	clear(&l.next);
	vst_buf_free(&l.path);
	vst_pattern_free(pattern);
	if (rc != 0) {
		vst_look_free(&look);
		return rc;
	}
	*ret = look;
	return 0;
}
