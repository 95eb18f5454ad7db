#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/deleted_list.h"
#include "collect/file_stat.h"
#include "collect/limits.h"
#include "collect/live.h"
#include "collect/live_put.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define PATH "/deleted_files.jsonl"
#define BLOCK ((size_t)128 * 1024)
#define HOLES_MAX (UINT64_C(1) << 30) /* bytes of holes that are written as zeros */
#define EXTENTS_MAX 4096
#define PATH_TEXT 128
#define EFTYPE_NOT_REGULAR (-1) /* in place of an errno */

#define RULE_NOT_REGULAR "not a regular file"
#define RULE_KERNEL_MEMORY "memory that never was a file"
#define REASON_UNREADABLE "processes that could not be looked into"
#define RULE_EXTENTS "more than 4096 extents of data"

struct recovery { /* of one file */
	struct vst_live *live;
	const struct vst_proc *proc;
	const struct vst_deleted *file;
	struct vst_place place; /* where it was found at last */
	char path[PATH_TEXT];   /* of the item */
	int fd;
	struct statx st;
	bool is_changed;
	struct vst_buf extents; /* JSON values, if holes were left out */
	uint8_t *block;
};

/* ---- what is said of it ---- */

static void place_path(const struct vst_place *place, char ret[PATH_TEXT])
{
	char name[VST_PLACE_TEXT];
	vst_place_name(place, name);
	snprintf(ret, PATH_TEXT, "/proc/%u/%s", place->pid, name);
}

static void put_facts(const struct recovery *r, struct vst_json *json)
{
	const struct vst_deleted *file = r->file;
	char path[PATH_TEXT];
	vst_live_put_text(json, "was", (struct vst_text){file->was, file->was_len});
	vst_live_put_bool(
	        json, "memfd", vst_text_starts((struct vst_text){file->was, file->was_len}, "/memfd:"));
	vst_live_put_uint(json, "pid", r->place.pid);
	vst_live_put_text(json, "comm", (struct vst_text){file->comm, file->comm_len});
	vst_live_put_dev(json, file->inode.dev_major, file->inode.dev_minor);
	vst_live_put_uint(json, "ino", file->inode.ino);
	if (file->is_certain) {
		vst_live_put_uint(json, "size", r->fd >= 0 ? r->st.stx_size : file->size);
		vst_live_put_uint(json, "nlink", file->nlink);
	}
	vst_json_key(json, "also");
	vst_json_array(json);
	for (size_t i = 0; i < file->place_count; i++) {
		place_path(&file->places[i], path);
		if (strcmp(path, r->path) != 0)
			vst_json_string(json, path);
	}
	vst_json_end(json);
	if (file->more_places > 0)
		vst_live_put_uint(json, "also_more", file->more_places);
	if (r->is_changed)
		vst_live_put_bool(json, "changed", true);
	if (r->extents.len > 0) {
		vst_json_key(json, "extents");
		vst_json_array(json);
		vst_json_raw(json, r->extents.data, r->extents.len);
		vst_json_end(json);
	}
}

static void put_details(const struct recovery *r, struct vst_buf *details)
{
	struct vst_json json = vst_json_begin(details);
	vst_json_object(&json);
	put_facts(r, &json);
	vst_json_end(&json);
}

/* ---- opening ---- */

/*
 * By the magic link twice: first without opening, to see what it is, then the very same file for reading.
 * That gives a new description, so that the process's position in it stays.
 */
static int open_place(struct recovery *r, const struct vst_place *place)
{
	char name[VST_PLACE_TEXT], self[48];
	int error = 0;
	int dir = vst_proc_open_pid(r->proc, place->pid);
	if (dir < 0)
		return errno;
	vst_place_name(place, name);
	int handle = openat(dir, name, O_PATH | O_CLOEXEC);
	if (handle < 0)
		error = errno;
	else
		error = vst_file_stat(handle, &r->st);
	const struct vst_inode *inode = &r->file->inode;
	if (error == 0 && r->file->is_certain &&
	        (r->st.stx_ino != inode->ino || r->st.stx_dev_major != inode->dev_major ||
	                r->st.stx_dev_minor != inode->dev_minor))
		error = ENOENT; /* the number is another file's by now */
	if (error == 0 && !S_ISREG(r->st.stx_mode))
		error = EFTYPE_NOT_REGULAR;
	if (error == 0) {
		snprintf(self, sizeof self, "thread-self/fd/%d", handle);
		r->fd = vst_proc_open_file(r->proc->fd, self);
		error = r->fd < 0 ? errno : 0;
	}
	if (handle >= 0)
		close(handle);
	close(dir);
	return error;
}

static int open_any(struct recovery *r)
{
	int error = ENOENT;
	for (size_t i = 0; i < r->file->place_count; i++) {
		r->place = r->file->places[i];
		int failure = open_place(r, &r->place);
		if (failure == 0 || failure == EFTYPE_NOT_REGULAR)
			return failure;
		if (failure != ENOENT && failure != ESRCH)
			error = failure;
	}
	r->place = r->file->places[0];
	return error;
}

/* ---- reading ---- */

/* Bytes from `offset` up to `end`; stops before it where the file ends. `*ret_error`: errno of a read that
 * failed. */
static int copy(struct recovery *r, uint64_t offset, uint64_t end, int *ret_error, struct vst_err *err)
{
	struct vst_stream *out = &r->live->out;
	int rc = 0;
	while (rc == 0 && !out->cut && offset < end) {
		size_t len = end - offset < BLOCK ? (size_t)(end - offset) : BLOCK;
		ssize_t n = pread(r->fd, r->block, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			*ret_error = errno;
		if (n <= 0)
			break;
		rc = vst_stream_write(out, r->block, (size_t)n, err);
		offset += (uint64_t)n;
	}
	return rc;
}

/* Data alone, and where it was: a file of terabytes of holes would otherwise be as many of zeros. */
static int copy_extents(struct recovery *r, int *ret_error, struct vst_err *err)
{
	int rc = 0;
	uint64_t at = 0, size = r->st.stx_size;
	for (unsigned count = 0; rc == 0 && *ret_error == 0 && at < size && !r->live->out.cut; count++) {
		off_t start = lseek(r->fd, (off_t)at, SEEK_DATA);
		off_t end = start < 0 ? -1 : lseek(r->fd, start, SEEK_HOLE);
		if (start < 0 && errno == ENXIO)
			break;
		if (end < 0 || count == EXTENTS_MAX) {
			*ret_error = end < 0 ? errno : 0;
			r->live->out.cut = end < 0 ? NULL : RULE_EXTENTS;
			break;
		}
		vst_buf_printf(&r->extents, "%s[%jd,%jd]", count > 0 ? "," : "", (intmax_t)start,
		        (intmax_t)(end - start));
		rc = copy(r, (uint64_t)start, (uint64_t)end, ret_error, err);
		at = (uint64_t)end;
	}
	return rc;
}

static int collect(struct recovery *r, struct vst_err *err)
{
	struct vst_stream *out = &r->live->out;
	struct vst_buf details = VST_BUF_INIT;
	struct vst_item_stat before = vst_file_state(&r->st), after = before;
	uint64_t stored = r->st.stx_blocks * 512;
	int error = 0;
	int rc = vst_stream_open(out, r->path, err);
	if (rc != 0)
		return rc;
	if (r->live->context->content) {
		bool has_holes = r->st.stx_size > stored && r->st.stx_size - stored > HOLES_MAX;
		rc = has_holes ? copy_extents(r, &error, err) : copy(r, 0, r->st.stx_size, &error, err);
		if (vst_file_stat_state(r->fd, &after) == 0) {
			out->item.before = before;
			out->item.after = after;
			out->item.has_after = true;
		}
		r->is_changed = after.size != before.size || after.mtime != before.mtime;
	}
	put_details(r, &details);
	if (rc == 0)
		rc = vst_buf_check(&r->extents, err);
	if (rc == 0)
		rc = error != 0 ? vst_stream_fail(out, error, "read", &details, err)
		                : vst_stream_close(out, &details, err);
	vst_buf_free(&details);
	return rc;
}

static int note(
        struct recovery *r, enum vst_item_status status, const char *rule, int error, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT;
	put_details(r, &details);
	const struct vst_note about = {.path = r->path,
	        .type = VST_ITEM_STREAM,
	        .status = status,
	        .rule = rule,
	        .error = error,
	        .details = &details};
	int rc = vst_stream_note(&r->live->out, &about, err);
	vst_buf_free(&details);
	return rc;
}

static int recover_file(struct recovery *r, struct vst_err *err)
{
	const struct vst_deleted *file = r->file;
	const char *full = vst_limits_full(r->live->context);
	r->place = file->places[0];
	place_path(&r->place, r->path);
	if (file->is_certain && !S_ISREG(file->mode))
		return note(r, VST_ITEM_EXCLUDED, RULE_NOT_REGULAR, 0, err);
	if (vst_proc_is_kernel_memory((struct vst_text){file->was, file->was_len}))
		return note(r, VST_ITEM_EXCLUDED, RULE_KERNEL_MEMORY, 0, err);
	if (full)
		return note(r, VST_ITEM_EXCLUDED, full, 0, err);
	int error = open_any(r);
	place_path(&r->place, r->path);
	if (error == EFTYPE_NOT_REGULAR)
		return note(r, VST_ITEM_EXCLUDED, RULE_NOT_REGULAR, 0, err);
	if (error == ENOENT || error == ESRCH)
		return note(r, VST_ITEM_VANISHED, NULL, 0, err);
	if (error != 0)
		return note(r, vst_stream_status_of(error), "open", error, err);
	return collect(r, err);
}

/* ---- all ---- */

static void add_line(const struct recovery *r, struct vst_buf *lines)
{
	struct vst_json json = vst_json_begin(lines);
	vst_json_object(&json);
	vst_live_put_uint(&json, "format", VST_LIVE_FORMAT);
	vst_json_key(&json, "item");
	vst_json_string(&json, r->path);
	vst_json_key(&json, "status");
	vst_json_string(&json, vst_item_status_name(r->live->out.item.status));
	put_facts(r, &json);
	vst_json_end(&json);
	vst_buf_byte(lines, '\n');
}

static int recover_all(struct vst_live *live, const struct vst_proc *proc,
        const struct vst_deleted_list *list, struct vst_buf *lines, struct vst_err *err)
{
	int rc = 0;
	uint8_t *block = vst_alloc(BLOCK);
	if (!block)
		return vst_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		struct recovery r = {
		        .live = live, .proc = proc, .file = &list->files[i], .fd = -1, .block = block};
		rc = recover_file(&r, err);
		add_line(&r, lines);
		if (r.fd >= 0)
			close(r.fd);
		vst_buf_free(&r.extents);
		if (rc == 0)
			rc = vst_limits_check_cancel(live->context, err);
	}
	free(block);
	return rc;
}

/* A process whose files we may not see may hold deleted ones. */
static void add_unreadable(const struct vst_pid_set *pids, struct vst_buf *lines)
{
	for (size_t i = 0; i < pids->count; i++) {
		struct vst_json json = vst_json_begin(lines);
		vst_json_object(&json);
		vst_live_put_uint(&json, "format", VST_LIVE_FORMAT);
		vst_live_put_uint(&json, "pid", pids->ids[i]);
		vst_json_key(&json, "status");
		vst_json_string(&json, vst_item_status_name(VST_ITEM_DENIED));
		vst_json_end(&json);
		vst_buf_byte(lines, '\n');
	}
}

static int write_index(struct vst_live *live, const struct vst_deleted_list *list,
        const struct vst_buf *lines, bool is_hiding, int error, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_live_put_uint(&json, "files", list->count);
	vst_live_put_uint(&json, "left_out", list->left_out);
	vst_live_put_uint(&json, "processes", list->processes);
	vst_live_put_uint(&json, "unreadable", list->unreadable.count);
	vst_json_end(&json);
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc == 0)
		rc = vst_stream_write(&live->out, lines->data, lines->len, err);
	if (rc == 0 && error != 0)
		rc = vst_stream_fail(&live->out, error, "list /proc", &details, err);
	else if (rc == 0 && is_hiding)
		rc = vst_stream_fail(&live->out, EACCES, VST_REASON_HIDEPID, &details, err);
	else if (rc == 0 && list->unreadable.count > 0)
		rc = vst_stream_fail(&live->out, EACCES, REASON_UNREADABLE, &details, err);
	else if (rc == 0)
		rc = vst_stream_close(&live->out, &details, err);
	vst_buf_free(&details);
	return rc;
}

int vst_live_deleted_files(struct vst_live *live, struct vst_err *err)
{
	struct vst_proc proc = {.fd = -1};
	struct vst_deleted_list list = {0};
	struct vst_buf lines = VST_BUF_INIT;
	int error = vst_proc_open(&proc);
	if (error == 0)
		error = vst_deleted_gather(&proc, (uint64_t)getpid(), &list);
	int rc = error == ENOMEM ? vst_err_nomem(err) : 0;
	if (rc == 0)
		rc = recover_all(live, &proc, &list, &lines, err);
	add_unreadable(&list.unreadable, &lines);
	if (rc == 0)
		rc = vst_buf_check(&lines, err);
	if (rc == 0)
		rc = write_index(live, &list, &lines, proc.is_hiding, error, err);
	vst_proc_close(&proc);
	vst_deleted_free(&list);
	vst_buf_free(&lines);
	return rc;
}
