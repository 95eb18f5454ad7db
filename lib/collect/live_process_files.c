#include "collect/live_process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FDS_MAX 16384               /* open files of one process that are listed */
#define FDINFO_MAX 4096             /* bytes; an epoll or inotify set may have many lines, ours come first */
#define MAPS_MAX (32 * 1024 * 1024) /* bytes of a maps file */
#define MAP_FILES_MAX 16384         /* runs of mappings of one file */
#define ANONYMOUS_MAX 1024          /* executable regions without a file that are listed */

/* ---- open files ---- */

struct files {
	struct vst_process *p;
	size_t count;
};

static void put_fdinfo(struct vst_process *p, uint64_t number)
{
	char name[48];
	struct vst_proc_fdinfo info;
	snprintf(name, sizeof name, "fdinfo/%ju", (uintmax_t)number);
	int error = vst_proc_read(p->fd, name, FDINFO_MAX, &p->run->text, NULL);
	if (error != 0) {
		vst_live_put_errno(p->json, "errno", error);
		return;
	}
	vst_proc_parse_fdinfo(vst_proc_text(&p->run->text), &info);
	if (info.has_flags) {
		snprintf(name, sizeof name, "0%jo", (uintmax_t)info.flags);
		vst_json_key(p->json, "flags");
		vst_json_string(p->json, name);
	}
	if (info.has_pos)
		vst_live_put_uint(p->json, "pos", info.pos);
	if (info.has_mnt_id)
		vst_live_put_uint(p->json, "mnt_id", info.mnt_id);
}

static int put_fd(void *ctx, uint64_t number)
{
	struct files *files = ctx;
	struct vst_process *p = files->p;
	struct vst_text word;
	uint64_t inode;
	char name[32];
	if (files->count++ >= FDS_MAX)
		return E2BIG;
	snprintf(name, sizeof name, "fd/%ju", (uintmax_t)number);
	int error = vst_proc_link(p->fd, name, &p->run->link);
	if (error == ENOENT) /* closed since it was listed */
		return 0;
	vst_json_object(p->json);
	vst_live_put_uint(p->json, "fd", number);
	if (error == 0) {
		struct vst_text target = vst_proc_text(&p->run->link), path = target;
		vst_live_put_text(p->json, "target", target);
		if (vst_proc_strip_deleted(&path))
			vst_live_put_bool(p->json, "deleted", true);
		if (vst_proc_parse_bracketed(target, &word, &inode) && word.len == 6 &&
		        vst_text_starts(word, "socket"))
			vst_live_put_uint(p->json, "socket", inode);
		put_fdinfo(p, number);
	} else {
		vst_live_put_errno(p->json, "errno", error);
	}
	vst_json_end(p->json);
	return 0;
}

void vst_process_put_files(struct vst_process *p)
{
	struct files files = {p, 0};
	vst_json_key(p->json, "fds");
	vst_json_array(p->json);
	int error = vst_proc_numbers(p->fd, "fd", put_fd, &files);
	vst_json_end(p->json);
	if (error == E2BIG)
		vst_process_cut(p, "fds");
	else if (error != 0)
		vst_process_error(p, "fds", error);
}

/* ---- mappings ---- */

static void put_range(struct vst_json *json, const struct vst_proc_map *map)
{
	char range[48];
	snprintf(range, sizeof range, "%jx-%jx", (uintmax_t)map->start, (uintmax_t)map->end);
	vst_json_key(json, "range");
	vst_json_string(json, range);
	vst_live_put_text(json, "perms", (struct vst_text){map->perms, 4});
}

/* A maps line says \012 for LF and leaves a backslash as it is. Where that is not certain, the link of the
 * range knows. */
static struct vst_text true_path(struct vst_process *p, const struct vst_proc_map *map)
{
	char name[64];
	struct vst_buf *path = &p->run->name;
	if (!memmem(map->path.data, map->path.len, "\\012", 4))
		return map->path;
	snprintf(name, sizeof name, "map_files/%jx-%jx", (uintmax_t)map->start, (uintmax_t)map->end);
	if (vst_proc_link(p->fd, name, path) != 0) {
		vst_buf_clear(path);
		vst_proc_unescape(map->path, path);
	}
	return vst_proc_text(path);
}

static bool is_same_file(const struct vst_proc_map *a, const struct vst_proc_map *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
	       a->path.len == b->path.len && memcmp(a->path.data, b->path.data, a->path.len) == 0;
}

static void open_file(struct vst_process *p, const struct vst_proc_map *map)
{
	struct vst_text path = true_path(p, map);
	vst_json_object(p->json);
	bool deleted = vst_proc_strip_deleted(&path);
	vst_live_put_text(p->json, "path", path);
	if (deleted)
		vst_live_put_bool(p->json, "deleted", true);
	vst_live_put_dev(p->json, map->dev_major, map->dev_minor);
	vst_live_put_uint(p->json, "ino", map->ino);
	vst_json_key(p->json, "ranges");
	vst_json_array(p->json);
}

static void close_file(struct vst_process *p)
{
	vst_json_end(p->json);
	vst_json_end(p->json);
}

static void put_mapped_files(struct vst_process *p, struct vst_text text)
{
	struct vst_text line;
	struct vst_proc_map map, last = {0};
	bool is_open = false;
	size_t count = 0;
	while (vst_text_line(&text, &line)) {
		if (!vst_proc_parse_map(line, &map) || map.path.len == 0 || map.path.data[0] != '/')
			continue;
		if (is_open && !is_same_file(&map, &last)) {
			close_file(p);
			is_open = false;
		}
		if (!is_open && count++ >= MAP_FILES_MAX) {
			vst_process_cut(p, "maps");
			break;
		}
		if (!is_open)
			open_file(p, &map);
		is_open = true;
		last = map;
		vst_json_object(p->json);
		put_range(p->json, &map);
		vst_live_put_uint(p->json, "offset", map.offset);
		vst_json_end(p->json);
	}
	if (is_open)
		close_file(p);
}

static void put_anonymous_code(struct vst_process *p, struct vst_text text)
{
	struct vst_text line;
	struct vst_proc_map map;
	uint64_t count = 0, bytes = 0;
	vst_json_key(p->json, "anonymous_executable");
	vst_json_object(p->json);
	vst_json_key(p->json, "regions");
	vst_json_array(p->json);
	while (vst_text_line(&text, &line)) {
		if (!vst_proc_parse_map(line, &map) || !vst_proc_map_is_anonymous_code(&map))
			continue;
		bytes += map.end - map.start;
		if (count++ >= ANONYMOUS_MAX)
			continue;
		vst_json_object(p->json);
		put_range(p->json, &map);
		if (map.path.len > 0)
			vst_live_put_text(p->json, "name", map.path);
		vst_json_end(p->json);
	}
	vst_json_end(p->json);
	vst_live_put_uint(p->json, "count", count);
	vst_live_put_uint(p->json, "bytes", bytes);
	vst_json_end(p->json);
	if (count > ANONYMOUS_MAX)
		vst_process_cut(p, "anonymous_executable");
}

void vst_process_put_maps(struct vst_process *p)
{
	bool cut = false;
	int error = vst_proc_read(p->fd, "maps", MAPS_MAX, &p->run->text, &cut);
	struct vst_text text = vst_proc_text(&p->run->text);
	vst_json_key(p->json, "maps");
	vst_json_array(p->json);
	put_mapped_files(p, text);
	vst_json_end(p->json);
	put_anonymous_code(p, text);
	if (error != 0)
		vst_process_error(p, "maps", error);
	else if (cut)
		vst_process_cut(p, "maps");
}
