/*
 * The listings of sockets that live_sockets.c takes, and their comparison.
 */
#ifndef COLLECT_LIVE_SOCKETS_H
#define COLLECT_LIVE_SOCKETS_H

#include "collect/inode_set.h"
#include "collect/live_namespaces.h"
#include "collect/live_socket_info.h"
#include "collect/netlink.h"

struct vst_socket_listing {
	int family, type, protocol;
	const char *word;  /* "tcp" */
	const char *table; /* file of /proc/net; NULL: none has it */
	bool diag;         /* sock_diag(7) lists it */
	bool compared;     /* both list the same sockets on an honest kernel */
};

typedef int vst_socket_each(void *ctx, const struct vst_socket *socket, struct vst_err *err);

/* By sock_diag, in the namespace of the calling thread. `*ret_error`: errno; EINTR when the list changed
 * under the dump. */
int vst_socket_list_diag(const struct vst_socket_listing *listing, vst_socket_each *each, void *ctx,
        int *ret_error, struct vst_err *err);
int vst_socket_list_table(struct vst_live *live, const struct vst_netns *at,
        const struct vst_socket_listing *listing, vst_socket_each *each, void *ctx, int *ret_error,
        struct vst_err *err);

/*
 * Sockets that one of two listings has and the other has not, in `diag` and `table` and again in both when
 * they are taken anew, are findings `hidden_socket`.
 */
int vst_sockets_compare(struct vst_live *live, const struct vst_netns *at,
        const struct vst_socket_listing *listing, struct vst_inode_set *diag, struct vst_inode_set *table,
        struct vst_err *err);

#endif
