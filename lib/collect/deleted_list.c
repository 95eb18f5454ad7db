#include "collect/deleted_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vestige/mem.h"

#define STAT_MAX 4096
#define GENERATIONS_MAX 8
#define MAPS_MAX (32 * 1024 * 1024)

struct gathering {
	const struct vst_proc *proc;
	struct vst_deleted_list *list;
	struct vst_pid_set ours; /* processes */
	struct stat program;     /* ours */
	uint32_t pid;            /* at hand */
	int fd;
	bool is_partial;
	struct vst_buf link, maps;
};

void vst_deleted_free(struct vst_deleted_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->files[i].was);
		free(list->files[i].places);
	}
	free(list->files);
	vst_inode_map_free(&list->map);
	vst_pids_free(&list->unreadable);
	*list = (struct vst_deleted_list){0};
}

void vst_place_name(const struct vst_place *place, char ret_text[VST_PLACE_TEXT])
{
	if (place->kind == VST_PLACE_EXE)
		snprintf(ret_text, VST_PLACE_TEXT, "exe");
	else if (place->kind == VST_PLACE_FD)
		snprintf(ret_text, VST_PLACE_TEXT, "fd/%ju", (uintmax_t)place->a);
	else
		snprintf(ret_text, VST_PLACE_TEXT, "map_files/%jx-%jx", (uintmax_t)place->a,
		        (uintmax_t)place->b);
}

/* ---- the list ---- */

static int add_place(struct vst_deleted *file, const struct vst_place *place)
{
	if (file->place_count == VST_DELETED_PLACES_MAX) {
		file->more_places++;
		return 0;
	}
	struct vst_place *places = vst_realloc(file->places, file->place_count + 1, sizeof *places);
	if (!places)
		return ENOMEM;
	file->places = places;
	file->places[file->place_count++] = *place;
	return 0;
}

static void read_comm(struct gathering *g, struct vst_deleted *file)
{
	struct vst_buf text = VST_BUF_INIT;
	if (vst_proc_read(g->fd, "comm", VST_PROC_COMM_MAX, &text, NULL) == 0 && text.len > 0) {
		file->comm_len = text.data[text.len - 1] == '\n' ? text.len - 1 : text.len;
		memcpy(file->comm, text.data, file->comm_len);
	}
	vst_buf_free(&text);
}

/* A file that is not in the list yet; `was` with its " (deleted)". */
static int add_file(struct gathering *g, const struct vst_deleted *found, struct vst_text was)
{
	struct vst_deleted_list *list = g->list;
	if (list->count == VST_DELETED_MAX) {
		list->left_out++;
		return 0;
	}
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 64;
		struct vst_deleted *files = vst_realloc(list->files, cap, sizeof *files);
		if (!files)
			return ENOMEM;
		list->files = files;
		list->cap = cap;
	}
	struct vst_deleted *file = &list->files[list->count];
	*file = *found;
	(void)vst_proc_strip_deleted(&was);
	file->was = vst_memdup(was.len > 0 ? was.data : "", was.len);
	file->was_len = was.len;
	if (!file->was)
		return ENOMEM;
	read_comm(g, file);
	list->count++;
	return vst_inode_map_add(&list->map, &file->inode, list->count - 1);
}

static int add(struct gathering *g, const struct vst_deleted *found, struct vst_text was,
        const struct vst_place *place)
{
	size_t before = g->list->count, number = vst_inode_map_find(&g->list->map, &found->inode);
	int error = 0;
	if (number == VST_INODE_NONE) {
		error = add_file(g, found, was);
		if (error != 0 || g->list->count == before)
			return error;
		number = before;
	}
	return add_place(&g->list->files[number], place);
}

/* ---- one process ---- */

static struct vst_deleted deleted_of(const struct stat *st)
{
	return (struct vst_deleted){
	        .inode = {major(st->st_dev), minor(st->st_dev), st->st_ino},
	        .is_certain = true,
	        .mode = st->st_mode,
	        .size = (uint64_t)st->st_size,
	        .nlink = st->st_nlink,
	};
}

/* What ended meanwhile is no gap; what was refused is one. */
static void note_error(struct gathering *g, int error)
{
	if (error == EACCES || error == EPERM)
		g->is_partial = true;
}

/* exe or an open file: the link's text tells, so that nothing else is looked at. */
static int look_at_link(struct gathering *g, const struct vst_place *place)
{
	char name[VST_PLACE_TEXT];
	struct stat st;
	vst_place_name(place, name);
	int error = vst_proc_link(g->fd, name, &g->link);
	struct vst_text text = vst_proc_text(&g->link), path = text;
	if (error != 0 && error != ENAMETOOLONG) {
		note_error(g, error);
		return error == ENOMEM ? error : 0;
	}
	if (error == 0 && (!vst_proc_strip_deleted(&path) || !vst_text_starts(text, "/")))
		return 0;
	if (fstatat(g->fd, name, &st, AT_NO_AUTOMOUNT) != 0) {
		note_error(g, errno);
		return 0;
	}
	if (!vst_proc_is_deleted(&g->link, &st))
		return 0;
	const struct vst_deleted found = deleted_of(&st);
	return add(g, &found, text, place);
}

static int look_at_fd(void *ctx, uint64_t number)
{
	struct gathering *g = ctx;
	const struct vst_place place = {g->pid, VST_PLACE_FD, number, 0};
	return look_at_link(g, &place);
}

static int look_at_map(struct gathering *g, const struct vst_proc_map *map)
{
	const struct vst_place place = {g->pid, VST_PLACE_MAP, map->start, map->end};
	struct vst_deleted found = {.inode = {map->dev_major, map->dev_minor, map->ino}};
	char name[VST_PLACE_TEXT];
	struct stat st;
	vst_place_name(&place, name);
	int error = vst_proc_link(g->fd, name, &g->link);
	if (error == ENOENT || error == ESRCH)
		return 0; /* unmapped since */
	if (error == 0 && fstatat(g->fd, name, &st, AT_NO_AUTOMOUNT) == 0) {
		if (!vst_proc_is_deleted(&g->link, &st))
			return 0;
		found = deleted_of(&st);
	} else {
		vst_buf_clear(&g->link);
		vst_proc_unescape(map->path, &g->link);
	}
	return add(g, &found, vst_proc_text(&g->link), &place);
}

static int look_at_maps(struct gathering *g)
{
	struct vst_text line;
	struct vst_proc_map map;
	struct vst_inode last = {0};
	int error = vst_proc_read(g->fd, "maps", MAPS_MAX, &g->maps, NULL);
	note_error(g, error);
	struct vst_text text = vst_proc_text(&g->maps);
	error = 0;
	while (error == 0 && vst_text_line(&text, &line)) {
		if (!vst_proc_parse_map(line, &map) || !vst_text_starts(map.path, "/") ||
		        !vst_text_ends(map.path, " (deleted)"))
			continue;
		/* The further mappings of one file in a row are no further places. */
		if (map.ino == last.ino && map.dev_major == last.dev_major && map.dev_minor == last.dev_minor)
			continue;
		last = (struct vst_inode){map.dev_major, map.dev_minor, map.ino};
		error = look_at_map(g, &map);
	}
	return error;
}

/* The parent of a process, if it runs our own program; 0 if not. */
static uint64_t parent_of(struct gathering *g, int fd)
{
	struct vst_proc_stat process;
	struct stat st;
	if (fd < 0 || fstatat(fd, "exe", &st, AT_NO_AUTOMOUNT) != 0 || st.st_dev != g->program.st_dev ||
	        st.st_ino != g->program.st_ino)
		return 0;
	return vst_proc_read(fd, "stat", STAT_MAX, &g->maps, NULL) == 0 &&
	                       vst_proc_parse_stat(vst_proc_text(&g->maps), &process)
	               ? process.ppid
	               : 0;
}

/* Ourselves, and those who started us as long as they run our program: a collector may be a process of its
 * own. */
static void find_ours(struct gathering *g, uint64_t self)
{
	if (fstatat(g->proc->fd, "self/exe", &g->program, AT_NO_AUTOMOUNT) != 0)
		g->program = (struct stat){0};
	uint64_t pid = self;
	for (int generation = 0; pid != 0 && generation < GENERATIONS_MAX; generation++) {
		int fd = vst_proc_open_pid(g->proc, pid);
		uint64_t parent = parent_of(g, fd);
		if (parent != 0 || pid == self)
			vst_pids_add(&g->ours, pid);
		if (fd >= 0)
			close(fd);
		pid = parent;
	}
	vst_pids_sort(&g->ours);
}

/* They, and what they started, hold memory of ours that is no evidence. */
static bool is_ours(struct gathering *g, uint64_t pid)
{
	return vst_pids_has(&g->ours, pid) || vst_pids_has(&g->ours, parent_of(g, g->fd));
}

static int look_at_process(void *ctx, uint64_t pid)
{
	struct gathering *g = ctx;
	if (pid > VST_PROC_PID_MAX)
		return 0;
	g->pid = (uint32_t)pid;
	g->is_partial = false;
	g->fd = vst_proc_open_pid(g->proc, pid);
	g->list->processes++;
	if (g->fd < 0) {
		if (errno != ENOENT && errno != ESRCH)
			vst_pids_add(&g->list->unreadable, pid);
		return 0;
	}
	if (is_ours(g, pid)) {
		g->list->processes--;
		close(g->fd);
		return 0;
	}
	const struct vst_place exe = {g->pid, VST_PLACE_EXE, 0, 0};
	int error = look_at_link(g, &exe);
	if (error == 0)
		error = vst_proc_numbers(g->fd, "fd", look_at_fd, g);
	if (error != ENOMEM) {
		note_error(g, error);
		error = look_at_maps(g);
	}
	close(g->fd);
	if (g->is_partial)
		vst_pids_add(&g->list->unreadable, pid);
	return error;
}

int vst_deleted_gather(const struct vst_proc *proc, uint64_t self, struct vst_deleted_list *ret)
{
	struct gathering g = {.proc = proc, .list = ret, .fd = -1};
	find_ours(&g, self);
	int error = g.ours.failed ? ENOMEM : vst_proc_numbers(proc->fd, ".", look_at_process, &g);
	vst_pids_free(&g.ours);
	vst_buf_free(&g.link);
	vst_buf_free(&g.maps);
	return error == 0 && ret->unreadable.failed ? ENOMEM : error;
}
