#include <linux/inet_diag.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/in.h>
#include <string.h>

#include "collect/live_socket_info.h"

static uint64_t cookie_of(const uint32_t halves[2])
{
	return halves[0] | (uint64_t)halves[1] << 32;
}

static uint32_t u32_of(struct vst_reader value)
{
	uint32_t number = 0;
	return vst_netlink_take(&value, &number, sizeof number) ? number : 0;
}

static uint8_t u8_of(struct vst_reader value)
{
	uint8_t number = 0;
	vst_reader_u8(&value, &number);
	return number;
}

static int type_of_protocol(int protocol)
{
	switch (protocol) {
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return SOCK_DGRAM;
	case IPPROTO_RAW:
		return SOCK_RAW;
	case IPPROTO_SCTP:
		return SOCK_SEQPACKET;
	default:
		return SOCK_STREAM;
	}
}

static void inet_attr(uint16_t type, struct vst_reader value, struct vst_socket *ret)
{
	switch (type) {
	case INET_DIAG_MARK:
		ret->has_mark = true;
		ret->mark = u32_of(value);
		break;
	case INET_DIAG_SHUTDOWN:
		ret->shutdown = u8_of(value);
		break;
	case INET_DIAG_CONG:
		ret->congestion = value.data;
		ret->congestion_len = strnlen((const char *)value.data, value.len);
		break;
	default:
		break;
	}
}

static bool inet(struct vst_reader body, int protocol, struct vst_socket *ret)
{
	struct inet_diag_msg message;
	struct vst_reader value;
	uint16_t type;
	if (!vst_netlink_take(&body, &message, sizeof message))
		return false;
	ret->family = message.idiag_family;
	ret->type = type_of_protocol(protocol);
	ret->protocol = protocol;
	ret->state = message.idiag_state;
	ret->inode = message.idiag_inode;
	ret->cookie = cookie_of(message.id.idiag_cookie);
	ret->has_uid = ret->has_queues = ret->has_timer = ret->has_addresses = true;
	ret->uid = message.idiag_uid;
	ret->receive_queue = message.idiag_rqueue;
	ret->send_queue = message.idiag_wqueue;
	ret->interface = message.id.idiag_if;
	ret->timer = message.idiag_timer;
	ret->retransmits = message.idiag_retrans;
	ret->expires = message.idiag_expires;
	ret->local_port = ntohs(message.id.idiag_sport);
	ret->remote_port = ntohs(message.id.idiag_dport);
	memcpy(ret->local, message.id.idiag_src, sizeof ret->local);
	memcpy(ret->remote, message.id.idiag_dst, sizeof ret->remote);
	while (vst_netlink_attr(&body, &type, &value))
		inet_attr(type, value, ret);
	return true;
}

static void unix_attr(uint16_t type, struct vst_reader value, struct vst_socket *ret)
{
	struct unix_diag_vfs file;
	struct unix_diag_rqlen queues;
	switch (type) {
	case UNIX_DIAG_NAME:
		ret->name = value.data;
		ret->name_len = value.len;
		break;
	case UNIX_DIAG_VFS:
		ret->has_file = vst_netlink_take(&value, &file, sizeof file);
		ret->file_inode = ret->has_file ? file.udiag_vfs_ino : 0;
		ret->file_device = ret->has_file ? file.udiag_vfs_dev : 0;
		break;
	case UNIX_DIAG_PEER:
		ret->has_peer = true;
		ret->peer = u32_of(value);
		break;
	case UNIX_DIAG_RQLEN:
		ret->has_queues = vst_netlink_take(&value, &queues, sizeof queues);
		ret->receive_queue = ret->has_queues ? queues.udiag_rqueue : 0;
		ret->send_queue = ret->has_queues ? queues.udiag_wqueue : 0;
		break;
	case UNIX_DIAG_SHUTDOWN:
		ret->shutdown = u8_of(value);
		break;
	case UNIX_DIAG_UID:
		ret->has_uid = true;
		ret->uid = u32_of(value);
		break;
	default:
		break;
	}
}

static bool local(struct vst_reader body, struct vst_socket *ret)
{
	struct unix_diag_msg message;
	struct vst_reader value;
	uint16_t type;
	if (!vst_netlink_take(&body, &message, sizeof message))
		return false;
	ret->family = message.udiag_family;
	ret->type = message.udiag_type;
	ret->state = message.udiag_state;
	ret->inode = message.udiag_ino;
	ret->cookie = cookie_of(message.udiag_cookie);
	while (vst_netlink_attr(&body, &type, &value))
		unix_attr(type, value, ret);
	/* A path is told with the NUL that ends it, an abstract name is of all its bytes. */
	if (ret->name_len > 1 && ret->name[0] != 0)
		ret->name_len = strnlen((const char *)ret->name, ret->name_len);
	return true;
}

static bool netlink(struct vst_reader body, struct vst_socket *ret)
{
	struct netlink_diag_msg message;
	struct vst_reader value;
	uint16_t type;
	if (!vst_netlink_take(&body, &message, sizeof message))
		return false;
	ret->family = message.ndiag_family;
	ret->type = message.ndiag_type;
	ret->protocol = message.ndiag_protocol;
	ret->state = message.ndiag_state;
	ret->inode = message.ndiag_ino;
	ret->cookie = cookie_of(message.ndiag_cookie);
	ret->portid = message.ndiag_portid;
	ret->remote_portid = message.ndiag_dst_portid;
	while (vst_netlink_attr(&body, &type, &value))
		if (type == NETLINK_DIAG_GROUPS)
			ret->groups = u32_of(value);
	return true;
}

static bool packet(struct vst_reader body, struct vst_socket *ret)
{
	struct packet_diag_msg message;
	struct packet_diag_info info;
	struct vst_reader value;
	uint16_t type;
	if (!vst_netlink_take(&body, &message, sizeof message))
		return false;
	ret->family = message.pdiag_family;
	ret->type = message.pdiag_type;
	ret->protocol = message.pdiag_num;
	ret->inode = message.pdiag_ino;
	ret->cookie = cookie_of(message.pdiag_cookie);
	while (vst_netlink_attr(&body, &type, &value)) {
		if (type == PACKET_DIAG_INFO && vst_netlink_take(&value, &info, sizeof info))
			ret->interface = info.pdi_index;
		if (type == PACKET_DIAG_FILTER) {
			ret->filter = value.data;
			ret->filter_len = value.len;
		}
		if (type == PACKET_DIAG_UID) {
			ret->has_uid = true;
			ret->uid = u32_of(value);
		}
	}
	return true;
}

static bool vsock(struct vst_reader body, struct vst_socket *ret)
{
	struct vsock_diag_msg message;
	if (!vst_netlink_take(&body, &message, sizeof message))
		return false;
	ret->family = message.vdiag_family;
	ret->type = message.vdiag_type;
	ret->state = message.vdiag_state;
	ret->shutdown = message.vdiag_shutdown;
	ret->inode = message.vdiag_ino;
	ret->cookie = cookie_of(message.vdiag_cookie);
	ret->has_cids = true;
	ret->local_cid = message.vdiag_src_cid;
	ret->remote_cid = message.vdiag_dst_cid;
	ret->local_vsock_port = message.vdiag_src_port;
	ret->remote_vsock_port = message.vdiag_dst_port;
	return true;
}

bool vst_socket_diag(const struct vst_netlink_message *message, int protocol, struct vst_socket *ret)
{
	*ret = (struct vst_socket){.family = -1, .type = -1, .protocol = -1, .state = -1};
	if (message->type != SOCK_DIAG_BY_FAMILY || vst_reader_at_end(&message->body))
		return false;
	switch (message->body.data[message->body.pos]) {
	case AF_INET:
	case AF_INET6:
		return inet(message->body, protocol, ret);
	case AF_UNIX:
		return local(message->body, ret);
	case AF_NETLINK:
		return netlink(message->body, ret);
	case AF_PACKET:
		return packet(message->body, ret);
	case AF_VSOCK:
		return vsock(message->body, ret);
	default:
		return false;
	}
}
