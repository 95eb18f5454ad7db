/*
 * Which processes hold which socket: from the links /proc/PID/fd/N, which read "socket:[INODE]".
 */
#ifndef COLLECT_LIVE_SOCKET_OWNERS_H
#define COLLECT_LIVE_SOCKET_OWNERS_H

#include <stddef.h>
#include <stdint.h>

#include "vestige/json.h"

#define VST_SOCKET_OWNERS_MAX (4 * 1024 * 1024) /* descriptors that are sockets */
#define VST_SOCKET_OWNERS_EACH_MAX 1024         /* holders that are told of one socket; the rest is counted */
#define VST_COMM_MAX 64

struct vst_err;

struct vst_socket_owner {
	uint64_t inode;
	uint32_t fd, process; /* the latter: number in `processes` */
};

struct vst_socket_process {
	uint64_t pid;
	uint32_t comm_len;
	char comm[VST_COMM_MAX];
};

struct vst_socket_owners {
	struct vst_socket_owner *list; /* sorted by inode, process, descriptor */
	size_t count, cap;
	struct vst_socket_process *processes;
	size_t process_count, process_cap;
	uint64_t denied; /* processes whose descriptors could not be seen */
	int denied_error;
	bool cut;
};

int vst_socket_owners_find(int root_fd, struct vst_socket_owners *ret, struct vst_err *err);
void vst_socket_owners_free(struct vst_socket_owners *owners);

/* Writes the keys `processes` (an array, if there are any) and says how many there are. */
size_t vst_socket_owners_write(const struct vst_socket_owners *owners, uint64_t inode, struct vst_json *json);

#endif
