/*
 * One socket, as the kernel tells it: by sock_diag(7), or by a line of a table of /proc/net (proc_net(5),
 * proc(5)).
 *
 * What the kernel did not say has a `has_…` that is false, or is 0 or NULL.
 */
#ifndef COLLECT_LIVE_SOCKET_INFO_H
#define COLLECT_LIVE_SOCKET_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "collect/netlink.h"
#include "vestige/json.h"

struct vst_socket {
	int family, type, protocol; /* -1: not said. Protocol: of inet IPPROTO_, of netlink its number, of
	                               packet the ethertype */
	int state;                  /* TCP's numbers; -1: none */
	bool collector;             /* the socket by which we ask */
	uint64_t inode, cookie;
	bool has_uid, has_queues, has_mark, has_timer, has_addresses, has_peer, has_file, has_cids;
	uint32_t uid, receive_queue, send_queue, mark, interface;
	uint8_t timer, retransmits;
	uint32_t expires; /* ms */
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	const uint8_t *name; /* unix: borrowed; an abstract one begins with NUL */
	size_t name_len;
	bool name_is_shown; /* as a table of /proc/net shows it: '@' stands for each NUL */
	const uint8_t
	        *filter; /* packet: instructions of the classic BPF filter, struct sock_filter; borrowed */
	size_t filter_len;
	uint32_t peer, file_inode, file_device;
	uint32_t portid, remote_portid, groups; /* netlink */
	uint32_t local_cid, remote_cid, local_vsock_port, remote_vsock_port;
	uint8_t shutdown;
	const uint8_t *congestion;
	size_t congestion_len;
};

/* A message of SOCK_DIAG_BY_FAMILY; `protocol` is what was asked for. False if it is too short for its
 * family. */
bool vst_socket_diag(const struct vst_netlink_message *message, int protocol, struct vst_socket *ret);

/* A line of /proc/net/{tcp,udp,udplite,raw,icmp}[6], unix, netlink, packet; the heading is none. */
bool vst_socket_line(
        const char *line, size_t len, int family, int type, int protocol, struct vst_socket *ret);

/* Writes the keys of the socket into the open object. */
void vst_socket_write(const struct vst_socket *socket, struct vst_json *json);

#endif
