#include "collect/live_socket_info.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "collect/live_field.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* As in <linux/in.h>; older headers do not know it. */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static const char *const types[] = {[SOCK_STREAM] = "stream",
        [SOCK_DGRAM] = "dgram",
        [SOCK_RAW] = "raw",
        [SOCK_RDM] = "rdm",
        [SOCK_SEQPACKET] = "seqpacket",
        [SOCK_DCCP] = "dccp",
        [SOCK_PACKET] = "packet"};

static const char *const states[] = {[1] = "established",
        [2] = "syn_sent",
        [3] = "syn_recv",
        [4] = "fin_wait_1",
        [5] = "fin_wait_2",
        [6] = "time_wait",
        [7] = "close",
        [8] = "close_wait",
        [9] = "last_ack",
        [10] = "listen",
        [11] = "closing",
        [12] = "new_syn_recv",
        [13] = "bound"};

static const char *const timers[] = {"off", "on", "keepalive", "time_wait", "persist"};

static const char *const netlinks[] = {[0] = "route",
        [2] = "usersock",
        [4] = "sock_diag",
        [5] = "nflog",
        [6] = "xfrm",
        [7] = "selinux",
        [8] = "iscsi",
        [9] = "audit",
        [10] = "fib_lookup",
        [11] = "connector",
        [12] = "netfilter",
        [15] = "kobject_uevent",
        [16] = "generic",
        [18] = "scsitransport",
        [19] = "ecryptfs",
        [20] = "rdma",
        [21] = "crypto",
        [22] = "smc"};

/* The name, or the number where there is none; nothing for a negative number. */
static void named(struct vst_json *json, const char *key, int value, const char *const *names, size_t count)
{
	if (value < 0)
		return;
	vst_json_key(json, key);
	if ((size_t)value < count && names[value])
		vst_json_string(json, names[value]);
	else
		vst_json_uint(json, (uint64_t)value);
}

static void write_family(int family, struct vst_json *json)
{
	static const char *const families[] = {[AF_UNIX] = "unix",
	        [AF_INET] = "inet",
	        [AF_INET6] = "inet6",
	        [AF_NETLINK] = "netlink",
	        [AF_PACKET] = "packet",
	        [AF_VSOCK] = "vsock"};
	named(json, "family", family, families, COUNT(families));
}

static void write_protocol(const struct vst_socket *socket, struct vst_json *json)
{
	static const char *const protocols[] = {[IPPROTO_ICMP] = "icmp",
	        [IPPROTO_TCP] = "tcp",
	        [IPPROTO_UDP] = "udp",
	        [IPPROTO_DCCP] = "dccp",
	        [IPPROTO_ICMPV6] = "icmp6",
	        [IPPROTO_SCTP] = "sctp",
	        [IPPROTO_UDPLITE] = "udplite",
	        [IPPROTO_RAW] = "raw",
	        [IPPROTO_MPTCP] = "mptcp"};
	if (socket->family == AF_NETLINK)
		named(json, "protocol", socket->protocol, netlinks, COUNT(netlinks));
	else if (socket->family == AF_PACKET)
		vst_live_put_uint(json, "ethertype", (uint64_t)(socket->protocol < 0 ? 0 : socket->protocol));
	else
		named(json, "protocol", socket->protocol, protocols, COUNT(protocols));
}

static void write_address(int family, const uint8_t *address, const char *key, struct vst_json *json)
{
	char text[INET6_ADDRSTRLEN];
	vst_live_string(json, key, inet_ntop(family, address, text, sizeof text));
}

static void write_inet(const struct vst_socket *socket, struct vst_json *json)
{
	write_address(socket->family, socket->local, "local", json);
	if (socket->protocol == IPPROTO_RAW) /* a raw socket's "port" is the protocol that it takes */
		vst_live_put_uint(json, "ip_protocol", socket->local_port);
	else
		vst_live_put_uint(json, "local_port", socket->local_port);
	write_address(socket->family, socket->remote, "remote", json);
	vst_live_put_uint(json, "remote_port", socket->remote_port);
}

static void write_unix(const struct vst_socket *socket, struct vst_json *json)
{
	if (socket->name && socket->name_is_shown)
		vst_live_text(json, socket->name[0] == '@' ? "abstract_as_shown" : "path", socket->name,
		        socket->name_len);
	else if (socket->name_len > 0 && socket->name[0] == 0)
		vst_live_text(json, "abstract", socket->name + 1, socket->name_len - 1);
	else if (socket->name_len > 0)
		vst_live_text(json, "path", socket->name, socket->name_len);
	if (socket->has_file) {
		vst_live_put_uint(json, "path_inode", socket->file_inode);
		vst_live_put_uint(json, "path_device", socket->file_device);
	}
	if (socket->has_peer)
		vst_live_put_uint(json, "peer_inode", socket->peer);
}

static void write_family_fields(const struct vst_socket *socket, struct vst_json *json)
{
	if (socket->has_addresses)
		write_inet(socket, json);
	if (socket->family == AF_UNIX)
		write_unix(socket, json);
	if (socket->family == AF_NETLINK) {
		vst_live_put_uint(json, "portid", socket->portid);
		vst_live_put_uint(json, "remote_portid", socket->remote_portid);
		vst_live_put_uint(json, "groups", socket->groups);
	}
	if (socket->has_cids) {
		vst_live_put_uint(json, "local_cid", socket->local_cid);
		vst_live_put_uint(json, "local_port", socket->local_vsock_port);
		vst_live_put_uint(json, "remote_cid", socket->remote_cid);
		vst_live_put_uint(json, "remote_port", socket->remote_vsock_port);
	}
	if (socket->filter_len > 0) {
		vst_json_key(json, "filter_base64");
		vst_json_base64(json, socket->filter, socket->filter_len);
	}
}

void vst_socket_write(const struct vst_socket *socket, struct vst_json *json)
{
	write_family(socket->family, json);
	named(json, "type", socket->type, types, COUNT(types));
	write_protocol(socket, json);
	named(json, "state", socket->state, states, COUNT(states));
	vst_live_put_uint(json, "inode", socket->inode);
	write_family_fields(socket, json);
	if (socket->has_uid)
		vst_live_put_uint(json, "uid", socket->uid);
	if (socket->has_queues) {
		vst_live_put_uint(json, "receive_queue", socket->receive_queue);
		vst_live_put_uint(json, "send_queue", socket->send_queue);
	}
	if (socket->interface != 0)
		vst_live_put_uint(json, "interface", socket->interface);
	if (socket->has_mark)
		vst_live_put_uint(json, "mark", socket->mark);
	if (socket->has_timer && socket->timer != 0) {
		named(json, "timer", socket->timer, timers, COUNT(timers));
		vst_live_put_uint(json, "timer_expires_ms", socket->expires);
		vst_live_put_uint(json, "retransmits", socket->retransmits);
	}
	if (socket->shutdown != 0)
		vst_live_put_uint(json, "shutdown", socket->shutdown);
	if (socket->collector)
		vst_live_put_bool(json, "collector", true);
	if (socket->congestion_len > 0)
		vst_live_text(json, "congestion", socket->congestion, socket->congestion_len);
	if (socket->cookie != 0) {
		vst_json_key(json, "cookie");
		uint8_t bytes[8];
		for (int i = 0; i < 8; i++)
			bytes[i] = (uint8_t)(socket->cookie >> (56 - 8 * i));
		vst_json_hex(json, bytes, sizeof bytes);
	}
}
