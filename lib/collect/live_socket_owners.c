#include "collect/live_socket_owners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/listing.h"
#include "collect/live_field.h"
#include "vestige/err.h"
#include "vestige/mem.h"

static int grow(void **list, size_t count, size_t *cap, size_t size, struct vst_err *err)
{
	if (count < *cap)
		return 0;
	size_t wanted = *cap ? *cap * 2 : 256;
	void *grown = vst_realloc(*list, wanted, size);
	if (!grown)
		return vst_err_nomem(err);
	*list = grown;
	*cap = wanted;
	return 0;
}

static int add(struct vst_socket_owners *owners, uint64_t inode, uint64_t fd, struct vst_err *err)
{
	if (owners->count == VST_SOCKET_OWNERS_MAX) {
		owners->cut = true;
		return 0;
	}
	void *list = owners->list;
	int rc = grow(&list, owners->count, &owners->cap, sizeof *owners->list, err);
	owners->list = list;
	if (rc == 0)
		owners->list[owners->count++] =
		        (struct vst_socket_owner){inode, (uint32_t)fd, (uint32_t)(owners->process_count - 1)};
	return rc;
}

/* The process becomes the newest of the list; `comm` is empty where it cannot be read. */
static int add_process(struct vst_socket_owners *owners, int root, uint64_t pid, struct vst_err *err)
{
	struct vst_buf comm = VST_BUF_INIT;
	char path[64];
	int error;
	snprintf(path, sizeof path, "proc/%llu/comm", (unsigned long long)pid);
	int rc = vst_live_read(root, path, VST_COMM_MAX, &comm, &error, err);
	void *list = owners->processes;
	if (rc == 0)
		rc = grow(&list, owners->process_count, &owners->process_cap, sizeof *owners->processes, err);
	owners->processes = list;
	if (rc == 0) {
		struct vst_socket_process *process = &owners->processes[owners->process_count++];
		*process = (struct vst_socket_process){.pid = pid};
		process->comm_len =
		        (uint32_t)(comm.len > 0 && comm.data[comm.len - 1] == '\n' ? comm.len - 1 : comm.len);
		if (process->comm_len > 0)
			memcpy(process->comm, comm.data, process->comm_len);
	}
	vst_buf_free(&comm);
	return rc;
}

static bool is_socket(int dir, const char *name, uint64_t *ret_inode)
{
	char text[64];
	ssize_t len = readlinkat(dir, name, text, sizeof text);
	return len > 9 && len < (ssize_t)sizeof text && memcmp(text, "socket:[", 8) == 0 &&
	       text[len - 1] == ']' && vst_live_number(text + 8, (size_t)len - 9, 10, ret_inode);
}

static int see_process(struct vst_socket_owners *owners, int root, uint64_t pid, struct vst_err *err)
{
	struct vst_listing fds = {0};
	char path[64];
	bool told = false;
	int error = 0, rc = 0;
	snprintf(path, sizeof path, "proc/%llu/fd", (unsigned long long)pid);
	int dir = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		rc = vst_listing_read(&fds, dir, &error, err);
	else
		error = errno;
	if (error != 0 && error != ENOENT && error != ESRCH) {
		owners->denied++;
		owners->denied_error = error;
	}
	for (size_t i = 0; rc == 0 && i < fds.count; i++) {
		uint64_t inode, fd;
		const char *name = vst_listing_name(&fds, i);
		if (!is_socket(dir, name, &inode) || !vst_live_number(name, strlen(name), 10, &fd))
			continue;
		if (!told)
			rc = add_process(owners, root, pid, err);
		told = true;
		if (rc == 0)
			rc = add(owners, inode, fd, err);
	}
	if (dir >= 0)
		close(dir);
	vst_listing_free(&fds);
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct vst_socket_owner *x = a, *y = b;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

int vst_socket_owners_find(int root_fd, struct vst_socket_owners *ret, struct vst_err *err)
{
	struct vst_listing pids = {0};
	int error = 0, rc = 0, dir = openat(root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		ret->denied = 1;
		ret->denied_error = errno;
		return 0;
	}
	rc = vst_listing_read(&pids, dir, &error, err);
	close(dir);
	for (size_t i = 0; rc == 0 && i < pids.count; i++) {
		const char *name = vst_listing_name(&pids, i);
		uint64_t pid;
		if (vst_live_number(name, strlen(name), 10, &pid))
			rc = see_process(ret, root_fd, pid, err);
	}
	vst_listing_free(&pids);
	if (ret->count > 1)
		qsort(ret->list, ret->count, sizeof *ret->list, compare);
	return rc;
}

void vst_socket_owners_free(struct vst_socket_owners *owners)
{
	free(owners->list);
	free(owners->processes);
	*owners = (struct vst_socket_owners){0};
}

static size_t first_of(const struct vst_socket_owners *owners, uint64_t inode)
{
	size_t low = 0, high = owners->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (owners->list[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t vst_socket_owners_write(const struct vst_socket_owners *owners, uint64_t inode, struct vst_json *json)
{
	size_t first = first_of(owners, inode), at = first;
	if (inode == 0 || at == owners->count || owners->list[at].inode != inode)
		return 0;
	vst_json_key(json, "processes");
	vst_json_array(json);
	for (; at < owners->count && owners->list[at].inode == inode; at++) {
		const struct vst_socket_process *process = &owners->processes[owners->list[at].process];
		if (at - first >= VST_SOCKET_OWNERS_EACH_MAX)
			continue;
		vst_json_object(json);
		vst_live_put_uint(json, "pid", process->pid);
		vst_live_put_uint(json, "fd", owners->list[at].fd);
		vst_live_text(json, "comm", process->comm, process->comm_len);
		vst_json_end(json);
	}
	vst_json_end(json);
	if (at - first > VST_SOCKET_OWNERS_EACH_MAX)
		vst_live_put_uint(json, "holders", at - first);
	return at - first;
}
