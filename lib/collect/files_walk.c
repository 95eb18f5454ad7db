#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/files_run.h"
#include "collect/listing.h"
#include "collect/path_match.h"
#include "vestige/beneath.h"
#include "vestige/err.h"
#include "vestige/mem.h"

/*
 * Down a tree by directory descriptors, without recursion: no path is ever given to the kernel, so its length
 * does not matter.
 *
 * 1. Level 0 is the literal prefix; level n + 1 is a directory in level n.
 * 2. A level's names were all read before its first item was taken.
 * 3. The descriptors of level 0 and of the deepest OPEN_MAX levels are open; another level's is had again
 * when the walk comes back to it, and only if it is the same directory.
 * 4. run->path begins with the path of the deepest level.
 */
#define OPEN_MAX 32
#define NAME_ROOM 4096 /* longer than any name; a directory too deep for one more is not entered */

struct level {
	int fd; /* -1: closed until it is needed again, or lost */
	bool lost;
	bool all; /* everything below matches */
	struct vst_file_id id;
	struct vst_file_mount mount;
	size_t path_len; /* 0 for the root, so that a slash and a name always follow */
	struct vst_listing listing;
	size_t next;
};

struct walk {
	struct vst_files_run *run;
	struct vst_path_match match;
	struct level *levels;
	size_t depth, cap;
	uint64_t *sets; /* for each level match.words words: where the pattern stands */
	uint64_t *step; /* the same for the name at hand */
};

static uint64_t *set_of(const struct walk *walk, size_t level)
{
	return walk->sets + level * walk->match.words;
}

/* ---- levels ---- */

static int make_room(struct walk *walk)
{
	if (walk->depth < walk->cap)
		return 0;
	size_t cap = walk->cap ? walk->cap * 2 : 16, words;
	struct level *levels = vst_realloc(walk->levels, cap, sizeof *levels);
	if (!levels)
		return vst_err_nomem(walk->run->err);
	walk->levels = levels;
	if (__builtin_mul_overflow(cap, walk->match.words, &words))
		return vst_err_nomem(walk->run->err);
	uint64_t *sets = vst_realloc(walk->sets, words, sizeof *sets);
	if (!sets)
		return vst_err_nomem(walk->run->err);
	walk->sets = sets;
	walk->cap = cap;
	return 0;
}

/* Takes the descriptor and the listing. */
static int push(struct walk *walk, const struct level *level)
{
	int rc = make_room(walk);
	if (rc != 0)
		return rc;
	memcpy(set_of(walk, walk->depth), walk->step, walk->match.words * sizeof *walk->step);
	walk->levels[walk->depth++] = *level;
	if (walk->depth > OPEN_MAX + 1) {
		struct level *far = &walk->levels[walk->depth - 1 - OPEN_MAX];
		if (far->fd >= 0)
			close(far->fd);
		far->fd = -1;
	}
	return 0;
}

static void drop(struct level *level)
{
	if (level->fd >= 0)
		close(level->fd);
	level->fd = -1;
	vst_listing_free(&level->listing);
}

static bool is_level(const struct level *level, int fd)
{
	struct statx st;
	if (vst_file_stat(fd, &st) != 0)
		return false;
	struct vst_file_id id = vst_file_id(&st);
	return vst_file_id_equal(&id, &level->id);
}

/* From level 0 down by the names walked before. -1 if they lead elsewhere now. */
static int open_again_from_top(const struct walk *walk, size_t to)
{
	const char *path = vst_files_path(walk->run);
	int fd = fcntl(walk->levels[0].fd, F_DUPFD_CLOEXEC, 0);
	for (size_t i = 1; i <= to && fd >= 0; i++) {
		char name[NAME_MAX + 1];
		size_t start = walk->levels[i - 1].path_len + 1, len = walk->levels[i].path_len - start;
		int next = -1;
		if (len <= NAME_MAX) {
			memcpy(name, path + start, len);
			name[len] = '\0';
			next = vst_beneath_open_at(fd, name, O_PATH | O_DIRECTORY);
		}
		close(fd);
		fd = next;
	}
	return fd;
}

/* The level above the deepest, which is about to go: its descriptor is opened again if it was closed. */
static void open_above(struct walk *walk)
{
	struct level *above = &walk->levels[walk->depth - 2];
	int below = walk->levels[walk->depth - 1].fd;
	if (above->fd >= 0)
		return;
	int fd = below >= 0 ? openat(below, "..", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0 && !is_level(above, fd)) { /* the directory was moved */
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		fd = open_again_from_top(walk, walk->depth - 2);
	if (fd >= 0 && !is_level(above, fd)) {
		close(fd);
		fd = -1;
	}
	above->fd = fd;
	above->lost = fd < 0;
}

static void pop(struct walk *walk)
{
	if (walk->depth > 1 && !vst_limits_expired(walk->run->context))
		open_above(walk);
	drop(&walk->levels[--walk->depth]);
}

/* A directory that contains itself, by the same mount: a broken file system. Elsewhere a bind mount ends by
 * itself. */
static bool is_loop(const struct walk *walk, const struct statx *st)
{
	struct vst_file_id id = vst_file_id(st);
	struct vst_file_mount mount = vst_file_mount(st);
	for (size_t i = 0; i < walk->depth; i++) {
		const struct level *level = &walk->levels[i];
		if (vst_file_id_equal(&level->id, &id) && level->mount.has_id == mount.has_id &&
		        level->mount.id == mount.id)
			return true;
	}
	return false;
}

/* ---- one directory ---- */

/* Why it is not entered, before it is opened; 0: it is. `*ret_rc` is then what telling so gave. */
static bool is_refused(struct walk *walk, int dirfd, const char *name, int *ret_rc)
{
	struct vst_files_run *run = walk->run;
	struct statx st;
	const char *rule;
	int error = vst_file_stat_place(dirfd, name, &st);
	if (error || !S_ISDIR(st.stx_mode))
		*ret_rc = vst_files_describe(run, dirfd, name, VST_ITEM_DIRECTORY, error, "stat");
	else if ((rule = vst_files_ruling_out(run, &st)) != NULL)
		*ret_rc = vst_files_emit_excluded(run, dirfd, name, VST_ITEM_DIRECTORY, &st, rule);
	else if (is_loop(walk, &st))
		*ret_rc = vst_files_describe(
		        run, dirfd, name, VST_ITEM_DIRECTORY, ELOOP, "a directory that contains itself");
	else if (run->path.len + NAME_ROOM > VST_ITEM_PATH_MAX)
		*ret_rc = vst_files_describe(run, dirfd, name, VST_ITEM_DIRECTORY, ENAMETOOLONG,
		        "not entered: the paths below are too long");
	else
		return false;
	return true;
}

static int emit_directory(struct vst_files_run *run, int fd, const struct statx *st, int error)
{
	struct vst_item item;
	vst_item_init(&item);
	vst_file_fill(st, run->context->accounts, &item);
	if (run->context->content) {
		int rc = vst_file_attributes_read(&run->attributes, fd, false, &item, run->err);
		if (rc != 0)
			return rc;
	}
	item.status = VST_ITEM_COLLECTED;
	if (error)
		vst_files_set_error(&item, error, "list");
	return vst_files_emit(run, &item);
}

/* Opened and not refused: its item, and its names if they matter. */
static int take_directory(
        struct walk *walk, const struct statx *st, struct level *level, bool wanted, bool enter)
{
	struct vst_files_run *run = walk->run;
	int error = 0, rc = 0;
	if (enter && (rc = vst_listing_read(&level->listing, level->fd, &error, run->err)) != 0)
		return rc;
	if (wanted || error)
		rc = emit_directory(run, level->fd, st, error);
	if (rc != 0 || !enter)
		return rc;
	level->id = vst_file_id(st);
	level->mount = vst_file_mount(st);
	level->path_len = run->path.len == 1 ? 0 : run->path.len;
	level->all = vst_path_match_all_below(&walk->match, walk->step);
	if ((rc = push(walk, level)) == 0)
		*level = (struct level){.fd = -1}; /* it is the walk's now */
	return rc;
}

/* `wanted`: it is an item. `enter`: something below it may be one, though the directory itself was taken
 * before. */
static int visit_directory(struct walk *walk, int dirfd, const char *name, bool wanted, bool enter)
{
	struct vst_files_run *run = walk->run;
	struct level level = {.fd = -1};
	struct statx st;
	const char *rule = vst_files_excluding(run);
	int rc = 0;
	if (rule)
		return vst_files_emit_excluded(run, dirfd, name, VST_ITEM_DIRECTORY, NULL, rule);
	if (is_refused(walk, dirfd, name, &rc))
		return rc;
	level.fd = vst_beneath_open_at(dirfd, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	if (level.fd < 0)
		return vst_files_describe(run, dirfd, name, VST_ITEM_DIRECTORY, errno, "open");
	int error = vst_file_stat(level.fd, &st);
	if (error)
		rc = vst_files_describe(run, dirfd, name, VST_ITEM_DIRECTORY, error, "stat");
	else if ((rule = vst_files_ruling_out(run, &st)) != NULL)
		rc = vst_files_emit_excluded(run, dirfd, name, VST_ITEM_DIRECTORY, &st, rule);
	else
		rc = take_directory(walk, &st, &level, wanted, enter);
	drop(&level);
	return rc;
}

/* ---- one name ---- */

/* run->path is it, walk->step where the pattern stands. */
static int visit(struct walk *walk, int dirfd, const char *name, enum vst_item_type type)
{
	struct vst_files_run *run = walk->run;
	bool done = vst_path_match_done(&walk->match, walk->step);
	bool below = vst_path_match_below(&walk->match, walk->step);
	struct statx st;
	if (type == VST_ITEM_UNKNOWN && vst_file_stat_name(dirfd, name, &st) == 0)
		type = vst_file_type(&st);
	if (run->context->progress && (done || type == VST_ITEM_DIRECTORY))
		run->context->progress(run->context->progress_ctx, vst_files_path(run));
	if (type == VST_ITEM_DIRECTORY)
		return visit_directory(walk, dirfd, name, done, below);
	/* A link on the way to what was asked for is not followed, and is told instead. */
	if (done || (below && type == VST_ITEM_SYMLINK))
		return vst_files_take(run, dirfd, name, type);
	return 0;
}

/* The directory that a name was listed in has gone away below us. */
static int visit_lost(struct walk *walk, enum vst_item_type type)
{
	struct vst_item item;
	bool wanted = vst_path_match_done(&walk->match, walk->step) || type == VST_ITEM_DIRECTORY;
	if (!wanted)
		return 0;
	vst_item_init(&item);
	item.type = type;
	item.status = VST_ITEM_VANISHED;
	return vst_files_emit(walk->run, &item);
}

/* The source's time is over: nothing more is asked of a file system that may be what took so long. */
static int visit_expired(struct walk *walk, enum vst_item_type type)
{
	bool done = vst_path_match_done(&walk->match, walk->step);
	bool leads_on = type == VST_ITEM_DIRECTORY || type == VST_ITEM_SYMLINK || type == VST_ITEM_UNKNOWN;
	if (!done && !(leads_on && vst_path_match_below(&walk->match, walk->step)))
		return 0;
	return vst_files_emit_expired(walk->run, type);
}

static int next_name(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	size_t number = level->next++;
	const char *name = vst_listing_name(&level->listing, number);
	enum vst_item_type type = vst_listing_type(&level->listing, number);
	const uint64_t *set = set_of(walk, walk->depth - 1);

	int rc = vst_files_check_cancel(walk->run);
	if (rc != 0)
		return rc;
	if (level->all)
		memcpy(walk->step, set, walk->match.words * sizeof *set);
	else if (!vst_path_match_step(&walk->match, set, name, walk->step))
		return 0;
	if ((rc = vst_files_set_path(walk->run, level->path_len, name)) != 0)
		return rc;
	if (vst_limits_expired(walk->run->context))
		return visit_expired(walk, type);
	return level->lost ? visit_lost(walk, type) : visit(walk, level->fd, name, type);
}

int vst_files_walk(struct vst_files_run *run, int dirfd, const char *name,
        const struct vst_pattern_alternative *alternative)
{
	struct walk walk = {.run = run};
	int rc = 0;
	vst_path_match_init(&walk.match, alternative);
	walk.step = vst_alloc(walk.match.words * sizeof *walk.step);
	if (!walk.step)
		return vst_err_nomem(run->err);
	vst_path_match_start(&walk.match, walk.step);
	rc = visit(&walk, dirfd, name, VST_ITEM_UNKNOWN);
	while (rc == 0 && walk.depth > 0) {
		const struct level *level = &walk.levels[walk.depth - 1];
		if (level->next < level->listing.count)
			rc = next_name(&walk);
		else
			pop(&walk);
	}
	while (walk.depth > 0)
		drop(&walk.levels[--walk.depth]);
	free(walk.levels);
	free(walk.sets);
	free(walk.step);
	return rc;
}
