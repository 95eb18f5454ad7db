#include "trail/trail_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vestige/io.h"

/* ---- the files of a state ---- */

uint64_t vst_trail_path_count(const struct trail_state *state)
{
	return state->number + 1 + TRAIL_FILES;
}

/* By name: allowed_signers, case.json, checkpoint, events/…, recipients. */
void vst_trail_path_at(const struct trail_state *state, const git_oid *events, uint64_t i,
        char ret_path[TRAIL_EVENT_PATH], git_oid *ret_id)
{
	uint64_t count = state->number + 1;
	enum trail_file file;

	if (i >= TRAIL_RECIPIENTS && i < TRAIL_RECIPIENTS + count) {
		vst_trail_event_path(i - TRAIL_RECIPIENTS, ret_path);
		*ret_id = events[i - TRAIL_RECIPIENTS];
		return;
	}
	file = i < TRAIL_RECIPIENTS ? (enum trail_file)i : TRAIL_RECIPIENTS;
	snprintf(ret_path, TRAIL_EVENT_PATH, "%s", vst_trail_file_names[file]);
	*ret_id = state->files[file];
}

/* ---- the work tree ---- */

int vst_trail_work_dir(struct vst_trail *trail, const char *path, bool make, int *ret_fd,
        const char **ret_base, struct vst_err *err)
{
	const char *slash;
	int fd = -1, rc;

	rc = vst_trail_dir_open(trail->dirfd, ".", &fd, err);
	while (rc == 0 && (slash = strchr(path, '/')) != NULL) {
		char name[16];
		int below;

		snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
		rc = vst_trail_dir_open(fd, name, &below, err);
		if (rc == VST_ENOTFOUND && make) {
			vst_err_clear(err);
			rc = vst_io_mkdir(fd, name, 0755, err);
			if (rc == 0)
				rc = vst_trail_dir_open(fd, name, &below, err);
		}
		if (rc == 0) {
			close(fd);
			fd = below;
			path = slash + 1;
		}
	}
	if (rc != 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*ret_fd = fd;
	*ret_base = path;
	return 0;
}

int vst_trail_work_id(struct vst_trail *trail, const char *path, git_oid *ret, struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT;
	const char *base;
	int fd, rc;

	rc = vst_trail_work_dir(trail, path, false, &fd, &base, err);
	if (rc != 0)
		return rc;
	rc = vst_trail_file_read(fd, base, TRAIL_OBJECT_MAX, &bytes, NULL, err);
	close(fd);
	if (rc == 0 &&
	        git_odb_hash(ret, bytes.len ? (const void *)bytes.data : "", bytes.len, GIT_OBJECT_BLOB) < 0)
		rc = vst_trail_lib_err(err, VST_ETAMPERED, path);
	vst_buf_free(&bytes);
	return rc;
}

int vst_trail_work_write(
        struct vst_trail *trail, const char *path, const void *data, size_t len, struct vst_err *err)
{
	const char *base;
	int fd, rc;

	rc = vst_trail_work_dir(trail, path, true, &fd, &base, err);
	if (rc == 0) {
		rc = vst_io_write_file(fd, base, 0644, data, len, VST_IO_REPLACE, err);
		close(fd);
	}
	return rc == 0 ? 0 : vst_err_prepend(err, "%s", path);
}

/* ---- after a crash ---- */

static int restore_file(struct vst_trail *trail, const char *path, const git_oid *id, struct vst_err *err)
{
	struct vst_buf bytes = VST_BUF_INIT;
	git_oid now;
	int rc;

	rc = vst_trail_work_id(trail, path, &now, err);
	if (rc == 0 && git_oid_equal(&now, id))
		return 0;
	if (rc != 0 && rc != VST_ENOTFOUND && rc != VST_ETAMPERED)
		return rc;
	vst_err_clear(err);
	rc = vst_trail_object_read(trail, id, GIT_OBJECT_BLOB, &bytes, err);
	if (rc == 0)
		rc = vst_trail_work_write(trail, path, bytes.data, bytes.len, err);
	vst_buf_free(&bytes);
	return rc;
}

int vst_trail_restore_work_tree(struct vst_trail *trail, struct vst_err *err)
{
	const struct trail_state *state;
	struct trail_index index = {.bytes = VST_BUF_INIT};
	git_oid *events = NULL;
	int rc;

	if (trail->size == 0)
		return 0;
	trail->swept = false;
	rc = vst_trail_sweep(trail, err);
	if (rc == 0)
		rc = vst_trail_state_load(trail, trail->size - 1, &state, err);
	if (rc == 0)
		rc = vst_trail_state_events(trail, state, &events, err);
	for (uint64_t i = 0; rc == 0 && i < vst_trail_path_count(state); i++) {
		char path[TRAIL_EVENT_PATH];
		git_oid id;

		vst_trail_path_at(state, events, i, path, &id);
		rc = restore_file(trail, path, &id, err);
	}
	if (rc != 0)
		goto out;
	if (vst_trail_index_read(trail->gitfd, &index, NULL) != 0 ||
	        !vst_trail_index_is(&index, state, events))
		rc = vst_trail_index_write(trail, state, events, 0, err);
out:
	vst_trail_index_free(&index);
	free(events);
	return rc;
}
