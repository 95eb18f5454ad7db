#include "trail/trail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool starts(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static bool ends(const char *name, const char *with)
{
	size_t len = strlen(name), with_len = strlen(with);

	return len > with_len && strcmp(name + len - with_len, with) == 0;
}

bool vst_trail_is_temporary(const char *name, enum trail_place place)
{
	if (place == TRAIL_IN_PACK_TEMPORARY)
		return true;
	if (name[0] == '.' && strstr(name, ".tmp-"))
		return true; /* base's vst_io_write_file() */
	if (place == TRAIL_IN_WORK)
		return false;
	return ends(name, ".lock") || starts(name, "tmp_obj") || starts(name, "tmp_pack_") ||
	       starts(name, "tmp_idx_") || starts(name, "tmp_rev_") || starts(name, "pack_git2_") ||
	       strcmp(name, TRAIL_PACK_TEMPORARY) == 0;
}

static bool is_object_name(const char *name)
{
	return strlen(name) == GIT_OID_HEXSZ - 2 && strspn(name, "0123456789abcdef") == GIT_OID_HEXSZ - 2;
}

/* One directory; missing ones are fine. Names that are no regular file are left to the check. */
static int sweep_dir(int at, const char *dir, enum trail_place place, size_t *objects, struct vst_err *err)
{
	struct trail_names names = {0};
	int fd = -1, rc;

	rc = vst_trail_dir_open(at, dir, &fd, err);
	if (rc == VST_ENOTFOUND) {
		vst_err_clear(err);
		return 0;
	}
	if (rc != 0)
		return rc;
	rc = vst_trail_names_read(fd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		if (objects && is_object_name(names.names[i]))
			++*objects;
		else if (vst_trail_is_temporary(names.names[i], place))
			unlinkat(fd, names.names[i], 0);
	}
	vst_trail_names_free(&names);
	close(fd);
	return rc;
}

static int sweep_objects(struct vst_trail *trail, struct vst_err *err)
{
	size_t count = 0;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < 256; i++) {
		char dir[3];

		snprintf(dir, sizeof(dir), "%02x", i);
		rc = sweep_dir(trail->objectsfd, dir, TRAIL_IN_GIT, &count, err);
	}
	if (rc == 0)
		trail->loose = count;
	return rc;
}

/* The directories that an interrupted commit of event `number` was writing to. */
static int sweep_work(struct vst_trail *trail, uint64_t number, struct vst_err *err)
{
	char path[TRAIL_EVENT_PATH];
	int rc;

	rc = sweep_dir(trail->dirfd, ".", TRAIL_IN_WORK, NULL, err);
	vst_trail_event_path(number, path);
	for (char *slash = strrchr(path, '/'); rc == 0 && slash; slash = strrchr(path, '/')) {
		*slash = '\0';
		rc = sweep_dir(trail->dirfd, path, TRAIL_IN_WORK, NULL, err);
	}
	return rc;
}

/* Packing was interrupted between index and pack. Nothing is lost with an index that has no pack. */
static int sweep_indexes(struct vst_trail *trail, struct vst_err *err)
{
	struct trail_names names = {0};
	int fd = -1, rc;

	rc = vst_trail_dir_open(trail->objectsfd, "pack", &fd, err);
	if (rc != 0)
		return rc;
	rc = vst_trail_names_read(fd, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		char pack[64];

		if (!vst_trail_pack_name(names.names[i], ".idx"))
			continue;
		snprintf(pack, sizeof(pack), "%.45s.pack", names.names[i]);
		if (faccessat(fd, pack, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
			unlinkat(fd, names.names[i], 0);
	}
	vst_trail_names_free(&names);
	close(fd);
	return rc;
}

int vst_trail_sweep(struct vst_trail *trail, struct vst_err *err)
{
	static const char *const dirs[] = {
	        ".", "info", "refs/heads", "objects", "objects/pack", "objects/info"};
	int rc = 0;

	if (trail->swept)
		return 0;
	rc = sweep_dir(trail->gitfd, TRAIL_PACK_TEMPORARY, TRAIL_IN_PACK_TEMPORARY, NULL, err);
	if (rc == 0)
		unlinkat(trail->gitfd, TRAIL_PACK_TEMPORARY, AT_REMOVEDIR);
	for (size_t i = 0; rc == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++)
		rc = sweep_dir(trail->gitfd, dirs[i], TRAIL_IN_GIT, NULL, err);
	if (rc == 0)
		rc = sweep_indexes(trail, err);
	if (rc == 0)
		rc = sweep_objects(trail, err);
	if (rc == 0)
		rc = sweep_work(trail, trail->size, err);
	if (rc == 0 && trail->size > 0)
		rc = sweep_work(trail, trail->size - 1, err);
	if (rc == 0)
		trail->swept = true;
	return rc;
}
