#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "collect/live_field.h"
#include "collect/live_socket_info.h"

#define UNIX_LISTENS 0x10000 /* __SO_ACCEPTCON in the flags of /proc/net/unix */
#define UNIX_CONNECTED 3     /* SS_CONNECTED */
#define STATE_ESTABLISHED 1
#define STATE_CLOSE 7
#define STATE_LISTEN 10

static bool number(struct vst_reader *in, unsigned base, uint64_t max, uint64_t *ret)
{
	const char *word;
	size_t len;
	return vst_live_word(in, &word, &len) && vst_live_number(word, len, base, ret) && *ret <= max;
}

/* A word of two numbers with a colon between them. */
static bool pair(struct vst_reader *in, const char **ret_left, size_t *ret_left_len, uint64_t *ret_right)
{
	size_t len;
	if (!vst_live_word(in, ret_left, &len))
		return false;
	const char *colon = memchr(*ret_left, ':', len);
	if (!colon)
		return false;
	*ret_left_len = (size_t)(colon - *ret_left);
	return vst_live_number(colon + 1, len - *ret_left_len - 1, 16, ret_right) && *ret_right <= UINT32_MAX;
}

static bool pair_of_numbers(struct vst_reader *in, uint64_t *ret_left, uint64_t *ret_right)
{
	const char *left;
	size_t len;
	return pair(in, &left, &len, ret_right) && vst_live_number(left, len, 16, ret_left) &&
	       *ret_left <= UINT32_MAX;
}

/* The address is in words of 32 bits, each shown as a number of this machine. */
static bool address(struct vst_reader *in, size_t words, uint8_t ret[16], uint16_t *ret_port)
{
	const char *text;
	size_t len;
	uint64_t port;
	if (!pair(in, &text, &len, &port) || len != words * 8 || port > UINT16_MAX)
		return false;
	for (size_t i = 0; i < words; i++) {
		uint64_t word;
		if (!vst_live_number(text + i * 8, 8, 16, &word))
			return false;
		uint32_t part = (uint32_t)word;
		memcpy(ret + i * 4, &part, sizeof part);
	}
	*ret_port = (uint16_t)port;
	return true;
}

static bool inet(struct vst_reader in, struct vst_socket *ret)
{
	size_t words = ret->family == AF_INET6 ? 4 : 1, len;
	uint64_t state, send, receive, timer, expires, retransmits, uid, timeout;
	const char *slot;
	if (!vst_live_word(&in, &slot, &len) || slot[len - 1] != ':' ||
	        !address(&in, words, ret->local, &ret->local_port) ||
	        !address(&in, words, ret->remote, &ret->remote_port) || !number(&in, 16, UINT8_MAX, &state) ||
	        !pair_of_numbers(&in, &send, &receive) || !pair_of_numbers(&in, &timer, &expires) ||
	        !number(&in, 16, UINT32_MAX, &retransmits) || !number(&in, 10, UINT32_MAX, &uid) ||
	        !number(&in, 10, UINT64_MAX, &timeout) || !number(&in, 10, UINT64_MAX, &ret->inode))
		return false;
	ret->state = (int)state;
	ret->has_addresses = ret->has_queues = ret->has_uid = true;
	ret->send_queue = (uint32_t)send;
	ret->receive_queue = (uint32_t)receive;
	ret->timer = (uint8_t)timer;
	ret->retransmits = (uint8_t)retransmits;
	ret->uid = (uint32_t)uid;
	return true;
}

static bool local(struct vst_reader in, struct vst_socket *ret)
{
	const char *word;
	size_t len;
	uint64_t references, protocol, flags, type, state;
	if (!vst_live_word(&in, &word, &len) || word[len - 1] != ':' ||
	        !number(&in, 16, UINT64_MAX, &references) || !number(&in, 16, UINT32_MAX, &protocol) ||
	        !number(&in, 16, UINT32_MAX, &flags) || !number(&in, 16, UINT16_MAX, &type) ||
	        !number(&in, 16, UINT8_MAX, &state) || !number(&in, 10, UINT64_MAX, &ret->inode))
		return false;
	ret->type = (int)type;
	ret->state = flags & UNIX_LISTENS      ? STATE_LISTEN
	             : state == UNIX_CONNECTED ? STATE_ESTABLISHED
	                                       : STATE_CLOSE;
	/* One blank, then all is the name, blanks too. */
	if (vst_reader_left(&in) > 1) {
		ret->name = in.data + in.pos + 1;
		ret->name_len = vst_reader_left(&in) - 1;
		ret->name_is_shown = true;
	}
	return true;
}

static bool netlink(struct vst_reader in, struct vst_socket *ret)
{
	const char *word;
	size_t len;
	uint64_t protocol, portid, groups, skipped;
	if (!vst_live_word(&in, &word, &len) || !number(&in, 10, INT32_MAX, &protocol) ||
	        !number(&in, 10, UINT32_MAX, &portid) || !number(&in, 16, UINT32_MAX, &groups))
		return false;
	for (int i = 0; i < 2; i++)
		if (!vst_live_word(&in, &word, &len))
			return false;
	for (int i = 0; i < 3; i++)
		if (!number(&in, 10, UINT64_MAX, &skipped))
			return false;
	ret->protocol = (int)protocol;
	ret->portid = (uint32_t)portid;
	ret->groups = (uint32_t)groups;
	return number(&in, 10, UINT64_MAX, &ret->inode);
}

static bool packet(struct vst_reader in, struct vst_socket *ret)
{
	const char *word;
	size_t len;
	uint64_t references, type, protocol, interface, running, receive, uid;
	if (!vst_live_word(&in, &word, &len) || !number(&in, 10, UINT64_MAX, &references) ||
	        !number(&in, 10, INT32_MAX, &type) || !number(&in, 16, UINT16_MAX, &protocol) ||
	        !number(&in, 10, UINT32_MAX, &interface) || !number(&in, 10, UINT32_MAX, &running) ||
	        !number(&in, 10, UINT32_MAX, &receive) || !number(&in, 10, UINT32_MAX, &uid) ||
	        !number(&in, 10, UINT64_MAX, &ret->inode))
		return false;
	ret->type = (int)type;
	ret->protocol = (int)protocol;
	ret->interface = (uint32_t)interface;
	ret->has_uid = true;
	ret->uid = (uint32_t)uid;
	return true;
}

bool vst_socket_line(const char *line, size_t len, int family, int type, int protocol, struct vst_socket *ret)
{
	struct vst_reader in = vst_reader_of(line, len);
	*ret = (struct vst_socket){.family = family, .type = type, .protocol = protocol, .state = -1};
	switch (family) {
	case AF_INET:
	case AF_INET6:
		return inet(in, ret);
	case AF_UNIX:
		return local(in, ret);
	case AF_NETLINK:
		return netlink(in, ret);
	case AF_PACKET:
		return packet(in, ret);
	default:
		return false;
	}
}
