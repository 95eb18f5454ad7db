/*
 * Netlink (RFC 3549; linux/netlink.h): dumps of what the kernel knows, asked for and taken apart by us.
 *
 * The kernel answers a dump with many messages in many datagrams and closes it with NLMSG_DONE. A list that
 * changed between two datagrams is marked NLM_F_DUMP_INTR: entries may be missing or twice. Messages and
 * attributes are aligned to four bytes and in the machine's byte order, unless a family says otherwise.
 *
 *     offset  message                       attribute
 *     0       u32 length with this header   u16 length with this header
 *     4       u16 type, u16 flags           2: u16 type, its two highest bits flags
 *     8       u32 sequence, u32 port
 *     16      body                          4: value
 */
#ifndef COLLECT_NETLINK_H
#define COLLECT_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/reader.h"

#define VST_NETLINK_DATAGRAM_MAX (1024 * 1024)  /* bytes of one datagram; a longer one is noted as cut */
#define VST_NETLINK_DATAGRAMS_MAX (1024 * 1024) /* of one dump */
#define VST_NETLINK_WAIT 10                     /* seconds for a datagram */
#define VST_NETLINK_REQUEST_MAX 1024            /* bytes of a request */

struct vst_err;

struct vst_netlink_message {
	uint16_t type, flags;
	uint32_t seq;
	struct vst_reader body;
};

/* The next message of a datagram: 1, 0 at its end, -1 if what follows is none (EBADMSG). Borrowed. */
int vst_netlink_next(struct vst_reader *datagram, struct vst_netlink_message *ret);

/* The next attribute, its type without flags. False at the end and where none follows: vst_reader_at_end()
 * tells. Padding is stepped over. */
bool vst_netlink_attr(struct vst_reader *in, uint16_t *ret_type, struct vst_reader *ret_value);

/*
 * A fixed structure at the start of a body, and the padding behind it. False if the body is shorter: the
 * reader is as it was.
 */
bool vst_netlink_take(struct vst_reader *in, void *ret, size_t size);

/* Appends an attribute to a request that is being built; false if it has no room. */
bool vst_netlink_put(
        uint8_t *request, size_t room, size_t *len, uint16_t type, const void *value, size_t value_len);

struct vst_netlink {
	int fd; /* -1: not open */
	uint32_t seq;
};

/* In the network namespace of the calling thread. Returns 0 or an errno. */
int vst_netlink_open(int protocol, struct vst_netlink *ret);
void vst_netlink_close(struct vst_netlink *netlink);

struct vst_netlink_result {
	int error;        /* errno of the call, or the kernel's reply; 0: the dump is complete */
	bool interrupted; /* NLM_F_DUMP_INTR was seen */
	uint64_t messages;
};

typedef int vst_netlink_each(void *ctx, const struct vst_netlink_message *message, struct vst_err *err);

/*
 * Asks (NLM_F_REQUEST is added to `flags`) and gives each message to `each`, until the dump ends. Without
 * NLM_F_DUMP in `flags` the answer is one message. Returns non-zero only if `each` did; all else is in
 * `*ret`.
 */
int vst_netlink_dump(struct vst_netlink *netlink, uint16_t type, uint16_t flags, const void *body, size_t len,
        vst_netlink_each *each, void *ctx, struct vst_netlink_result *ret, struct vst_err *err);

#endif
