#include "collect/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "vestige/err.h"
#include "vestige/mem.h"

#define TYPE_MASK 0x3fff /* of an attribute; the rest is NLA_F_NESTED and NLA_F_NET_BYTEORDER */

static void skip_padding(struct vst_reader *in, size_t len)
{
	size_t padding = (4 - len % 4) % 4, left = vst_reader_left(in);
	in->pos += padding < left ? padding : left;
}

int vst_netlink_next(struct vst_reader *datagram, struct vst_netlink_message *ret)
{
	struct vst_reader in = *datagram;
	struct nlmsghdr header;
	const uint8_t *body;
	if (vst_reader_at_end(&in))
		return 0;
	if (!vst_netlink_take(&in, &header, sizeof header) || header.nlmsg_len < sizeof header)
		return -1;
	size_t len = header.nlmsg_len - sizeof header;
	if (!vst_reader_bytes(&in, len, &body))
		return -1;
	skip_padding(&in, len);
	*ret = (struct vst_netlink_message){
	        header.nlmsg_type, header.nlmsg_flags, header.nlmsg_seq, vst_reader_of(body, len)};
	*datagram = in;
	return 1;
}

bool vst_netlink_attr(struct vst_reader *in, uint16_t *ret_type, struct vst_reader *ret_value)
{
	struct vst_reader at = *in;
	const uint8_t *bytes;
	uint16_t head[2];
	if (!vst_reader_bytes(&at, sizeof head, &bytes))
		return false;
	memcpy(head, bytes, sizeof head);
	if (head[0] < sizeof head || !vst_reader_bytes(&at, head[0] - sizeof head, &bytes))
		return false;
	skip_padding(&at, head[0]);
	*ret_type = head[1] & TYPE_MASK;
	*ret_value = vst_reader_of(bytes, head[0] - sizeof head);
	*in = at;
	return true;
}

bool vst_netlink_take(struct vst_reader *in, void *ret, size_t size)
{
	const uint8_t *bytes;
	if (!vst_reader_bytes(in, size, &bytes))
		return false;
	memcpy(ret, bytes, size);
	skip_padding(in, size);
	return true;
}

bool vst_netlink_put(
        uint8_t *request, size_t room, size_t *len, uint16_t type, const void *value, size_t value_len)
{
	size_t whole = value_len + 4, padded = (whole + 3) & ~(size_t)3;
	uint16_t head[2] = {(uint16_t)whole, type};
	if (value_len > UINT16_MAX - 8 || *len > room || padded > room - *len)
		return false;
	memset(request + *len, 0, padded);
	memcpy(request + *len, head, sizeof head);
	if (value_len > 0)
		memcpy(request + *len + sizeof head, value, value_len);
	*len += padded;
	return true;
}

int vst_netlink_open(int protocol, struct vst_netlink *ret)
{
	static const struct timeval wait = {.tv_sec = VST_NETLINK_WAIT};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	*ret = (struct vst_netlink){.fd = fd};
	if (fd < 0)
		return errno;
	const struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
	        bind(fd, (const struct sockaddr *)&own, sizeof own) == 0)
		return 0;
	int error = errno;
	vst_netlink_close(ret);
	return error;
}

void vst_netlink_close(struct vst_netlink *netlink)
{
	if (netlink->fd >= 0)
		close(netlink->fd);
	netlink->fd = -1;
}

static int ask(struct vst_netlink *netlink, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	uint8_t request[sizeof(struct nlmsghdr) + VST_NETLINK_REQUEST_MAX] = {0};
	struct nlmsghdr header = {.nlmsg_len = (uint32_t)(sizeof header + len),
	        .nlmsg_type = type,
	        .nlmsg_flags = flags | NLM_F_REQUEST,
	        .nlmsg_seq = ++netlink->seq};
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	if (len > VST_NETLINK_REQUEST_MAX)
		return E2BIG;
	memcpy(request, &header, sizeof header);
	memcpy(request + sizeof header, body, len);
	ssize_t sent;
	do
		sent = sendto(netlink->fd, request, sizeof header + len, 0, (const struct sockaddr *)&kernel,
		        sizeof kernel);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? errno : 0;
}

/* A datagram of the kernel's own; those of other processes are dropped. Returns 0 or an errno. */
static int receive(struct vst_netlink *netlink, uint8_t *datagram, size_t *ret_len)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t from_len = sizeof from;
		ssize_t len = recvfrom(netlink->fd, datagram, VST_NETLINK_DATAGRAM_MAX, MSG_TRUNC,
		        (struct sockaddr *)&from, &from_len);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		if (from.nl_pid != 0)
			continue;
		*ret_len = (size_t)len;
		return len > VST_NETLINK_DATAGRAM_MAX ? EMSGSIZE : 0;
	}
}

/* NLMSG_ERROR and NLMSG_DONE begin with the negated errno; old kernels leave it out of the latter. */
static int error_of(const struct vst_netlink_message *message)
{
	struct vst_reader body = message->body;
	int32_t error = 0;
	if (!vst_netlink_take(&body, &error, sizeof error))
		return message->type == NLMSG_ERROR ? EBADMSG : 0;
	return error > 0 || error < -4095 ? EBADMSG : -error;
}

static int take_datagram(struct vst_reader in, uint32_t seq, bool many, vst_netlink_each *each, void *ctx,
        bool *ret_done, struct vst_netlink_result *ret, struct vst_err *err)
{
	struct vst_netlink_message message;
	int more, rc = 0;
	while (rc == 0 && !*ret_done && (more = vst_netlink_next(&in, &message)) != 0) {
		if (more < 0) {
			ret->error = EBADMSG;
			*ret_done = true;
			break;
		}
		if (message.seq != seq)
			continue;
		if (message.flags & NLM_F_DUMP_INTR)
			ret->interrupted = true;
		if (message.type == NLMSG_ERROR || message.type == NLMSG_DONE) {
			ret->error = error_of(&message);
			*ret_done = true;
		} else if (message.type >= NLMSG_MIN_TYPE) {
			ret->messages++;
			rc = each(ctx, &message, err);
			*ret_done = !many;
		}
	}
	return rc;
}

int vst_netlink_dump(struct vst_netlink *netlink, uint16_t type, uint16_t flags, const void *body, size_t len,
        vst_netlink_each *each, void *ctx, struct vst_netlink_result *ret, struct vst_err *err)
{
	uint8_t *datagram = vst_alloc(VST_NETLINK_DATAGRAM_MAX);
	bool done = false;
	int rc = 0;
	*ret = (struct vst_netlink_result){0};
	if (!datagram)
		return vst_err_nomem(err);
	ret->error = ask(netlink, type, flags, body, len);
	done = ret->error != 0;
	for (size_t i = 0; rc == 0 && !done; i++) {
		size_t got = 0;
		ret->error = i < VST_NETLINK_DATAGRAMS_MAX ? receive(netlink, datagram, &got) : EFBIG;
		/* After a datagram that did not fit, or none in time, what follows cannot be told apart. */
		if (ret->error != 0)
			break;
		rc = take_datagram(vst_reader_of(datagram, got), netlink->seq,
		        (flags & NLM_F_DUMP) == NLM_F_DUMP, each, ctx, &done, ret, err);
	}
	free(datagram);
	return rc;
}
