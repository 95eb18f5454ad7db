#include "vestige/self_objects.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/proc_parse.h"
#include "collect/proc_read.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define MAPS_MAX (16 * 1024 * 1024)
#define DIGEST_MAX (UINT64_C(4) << 30)

static bool digest_of(const char *path, uint8_t ret[VST_HASH_LEN])
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool good = vst_proc_digest(NULL, fd, DIGEST_MAX, ret) == 0;
	close(fd);
	return good;
}

bool vst_self_program_digest(uint8_t ret[VST_HASH_LEN])
{
	return digest_of("/proc/self/exe", ret);
}

static struct vst_self_object *find(struct vst_self_objects *objects, const struct vst_buf *path)
{
	for (size_t i = 0; i < objects->count; i++)
		if (strlen(objects->objects[i].path) == path->len &&
		        memcmp(objects->objects[i].path, path->data, path->len) == 0)
			return &objects->objects[i];
	return NULL;
}

/* By the range that is mapped, which no later file of that name can stand in for; where that is not allowed,
 * by name. */
static void digest_object(const struct vst_proc_map *map, struct vst_self_object *object)
{
	char name[80];
	snprintf(name, sizeof name, "/proc/self/map_files/%jx-%jx", (uintmax_t)map->start,
	        (uintmax_t)map->end);
	object->has_sha256 = digest_of(name, object->sha256) || digest_of(object->path, object->sha256);
}

static int add(struct vst_self_objects *objects, const struct vst_proc_map *map, struct vst_buf *path,
        struct vst_err *err)
{
	struct vst_self_object *object = find(objects, path);
	if (!object) {
		struct vst_self_object *list =
		        vst_realloc(objects->objects, objects->count + 1, sizeof *list);
		if (!list)
			return vst_err_nomem(err);
		objects->objects = list;
		object = &list[objects->count];
		*object = (struct vst_self_object){
		        .dev_major = map->dev_major, .dev_minor = map->dev_minor, .ino = map->ino};
		object->path = vst_memdup(path->data, path->len);
		if (!object->path)
			return vst_err_nomem(err);
		objects->count++;
		digest_object(map, object);
	}
	object->is_executable = object->is_executable || map->perms[2] == 'x';
	return 0;
}

int vst_self_objects_read(struct vst_self_objects *ret, struct vst_err *err)
{
	struct vst_self_objects objects = {0};
	struct vst_buf maps = VST_BUF_INIT, path = VST_BUF_INIT;
	struct vst_text line;
	struct vst_proc_map map;
	int rc = 0;
	(void)vst_proc_read(AT_FDCWD, "/proc/self/maps", MAPS_MAX, &maps, NULL);
	struct vst_text text = vst_proc_text(&maps);
	while (rc == 0 && vst_text_line(&text, &line)) {
		if (!vst_proc_parse_map(line, &map) || !vst_text_starts(map.path, "/"))
			continue;
		vst_buf_clear(&path);
		vst_proc_unescape(map.path, &path);
		rc = vst_buf_check(&path, err);
		if (rc == 0)
			rc = add(&objects, &map, &path, err);
	}
	vst_buf_free(&maps);
	vst_buf_free(&path);
	if (rc != 0) {
		vst_self_objects_free(&objects);
		return rc;
	}
	*ret = objects;
	return 0;
}

void vst_self_objects_free(struct vst_self_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		free(objects->objects[i].path);
	free(objects->objects);
	*objects = (struct vst_self_objects){0};
}
