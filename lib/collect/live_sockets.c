#include "collect/live_sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "collect/live_field.h"
#include "collect/live_socket_owners.h"
#include "vestige/err.h"

#define PATH "/sockets.jsonl"
#define OWNERS_AGAIN_MAX                                                                                     \
	16 /* how often the processes are searched again for sockets that are younger than the first search  \
	    */

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static const struct vst_socket_listing listings[] = {
        {AF_INET, SOCK_STREAM, IPPROTO_TCP, "tcp", "tcp", true, true},
        {AF_INET6, SOCK_STREAM, IPPROTO_TCP, "tcp6", "tcp6", true, true},
        {AF_INET, SOCK_DGRAM, IPPROTO_UDP, "udp", "udp", true, true},
        {AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "udp6", "udp6", true, true},
        {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE, "udplite", "udplite", true, true},
        {AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE, "udplite6", "udplite6", true, true},
        {AF_INET, SOCK_RAW, IPPROTO_RAW, "raw", "raw", true, false},
        {AF_INET6, SOCK_RAW, IPPROTO_RAW, "raw6", "raw6", true, false},
        {AF_INET, SOCK_DGRAM, IPPROTO_ICMP, "icmp", "icmp", false, false},
        {AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, "icmp6", "icmp6", false, false},
        {AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP, "sctp", NULL, true, false},
        {AF_INET6, SOCK_SEQPACKET, IPPROTO_SCTP, "sctp6", NULL, true, false},
        {AF_INET, SOCK_DCCP, IPPROTO_DCCP, "dccp", NULL, true, false},
        {AF_INET6, SOCK_DCCP, IPPROTO_DCCP, "dccp6", NULL, true, false},
        {AF_INET, SOCK_STREAM, IPPROTO_MPTCP, "mptcp", NULL, true, false},
        {AF_INET6, SOCK_STREAM, IPPROTO_MPTCP, "mptcp6", NULL, true, false},
        {AF_UNIX, -1, -1, "unix", "unix", true, false},
        {AF_NETLINK, -1, -1, "netlink", "netlink", true, false},
        {AF_PACKET, -1, -1, "packet", "packet", true, false},
        {AF_VSOCK, -1, -1, "vsock", NULL, true, false},
};

struct sockets {
	struct vst_live *live;
	struct vst_socket_owners owners, again; /* of the first search and of the newest */
	int searches;
	bool searched; /* again, for this namespace */
	struct vst_inode_set seen;
	/* of the listing at hand */
	const struct vst_netns *at;
	const char *how;
	struct vst_inode_set *listed;
};

static int write_owners(
        struct sockets *s, const struct vst_socket *socket, struct vst_json *json, struct vst_err *err)
{
	uint64_t inode = socket->inode;
	int rc = 0;
	/* The kernel's own netlink sockets have no port. */
	if (inode == 0 || socket->collector || (socket->family == AF_NETLINK && socket->portid == 0) ||
	        vst_socket_owners_write(&s->owners, inode, json) > 0)
		return 0;
	if (!s->searched && s->searches < OWNERS_AGAIN_MAX) {
		s->searched = true;
		s->searches++;
		vst_socket_owners_free(&s->again);
		rc = vst_socket_owners_find(s->live->context->root_fd, &s->again, err);
	}
	if (rc != 0 || vst_socket_owners_write(&s->again, inode, json) > 0)
		return rc;
	/* Where not all processes could be seen, nobody knows. */
	if (s->owners.denied == 0 && !s->owners.cut)
		vst_live_put_bool(json, "unowned", true);
	return 0;
}

static int write_socket(void *ctx, const struct vst_socket *socket, struct vst_err *err)
{
	struct sockets *s = ctx;
	struct vst_json json = vst_live_begin(s->live);
	vst_live_put_uint(&json, "netns", s->at->ns->inode);
	vst_live_string(&json, "from", s->how);
	vst_socket_write(socket, &json);
	int rc = write_owners(s, socket, &json, err);
	if (rc == 0)
		rc = vst_live_end(s->live, &json, err);
	if (rc == 0)
		rc = vst_inode_set_add(&s->seen, socket->inode, err);
	/* State 13, bound and nothing more, is in no table of /proc/net. */
	return rc != 0 || socket->state == 13 ? rc : vst_inode_set_add(s->listed, socket->inode, err);
}

static int only_add(void *ctx, const struct vst_socket *socket, struct vst_err *err)
{
	return vst_inode_set_add(ctx, socket->inode, err);
}

static int trouble(struct sockets *s, int error, const char *how, const char *word, struct vst_err *err)
{
	char what[96];
	snprintf(what, sizeof what, "%s sockets by %s", word, how);
	return vst_live_trouble(s->live, s->at->ns->inode, error, what, err);
}

/* The table has what sock_diag could not give. A file that is not there means a protocol that the kernel has
 * not. */
static int take_table(
        struct sockets *s, const struct vst_socket_listing *listing, int why, struct vst_err *err)
{
	int error;
	s->how = "/proc/net";
	int rc = vst_socket_list_table(s->live, s->at, listing, write_socket, s, &error, err);
	if (rc == 0 && error != 0)
		rc = trouble(s, error, listing->table ? "/proc/net" : "sock_diag", listing->word, err);
	if (rc == 0 && why != 0 && why != ENOENT && listing->table)
		rc = trouble(s, why, "sock_diag", listing->word, err);
	return rc;
}

static int compare(struct sockets *s, const struct vst_socket_listing *listing, struct vst_inode_set *diag,
        struct vst_err *err)
{
	struct vst_inode_set table = {0};
	int error;
	int rc = vst_socket_list_table(s->live, s->at, listing, only_add, &table, &error, err);
	if (rc == 0 && error == 0)
		rc = vst_sockets_compare(s->live, s->at, listing, diag, &table, err);
	vst_inode_set_free(&table);
	return rc;
}

static int take_listing(struct sockets *s, const struct vst_socket_listing *listing, struct vst_err *err)
{
	struct vst_inode_set listed = {0};
	int error = listing->diag ? s->at->refused : ENOENT, rc = 0;
	s->listed = &listed;
	s->how = "sock_diag";
	if (error == 0)
		rc = vst_socket_list_diag(listing, write_socket, s, &error, err);
	if (rc == 0 && (error == EINTR || (error != 0 && listed.count > 0)))
		rc = trouble(s, error, "sock_diag", listing->word,
		        err); /* a part is there, or lines may be twice */
	else if (rc == 0 && error != 0)
		rc = take_table(s, listing, listing->diag && s->at->refused == 0 ? error : 0, err);
	else if (rc == 0 && listing->compared)
		rc = compare(s, listing, &listed, err);
	vst_inode_set_free(&listed);
	return rc;
}

static int take_namespace(void *ctx, const struct vst_netns *at, struct vst_err *err)
{
	struct sockets *s = ctx;
	int rc = 0;
	s->at = at;
	s->searched = false;
	if (at->refused != 0)
		rc = vst_live_trouble(
		        s->live, at->ns->inode, at->refused, "entering the network namespace", err);
	if (at->refused != 0 && at->proc_net[0] == '\0')
		return rc;
	for (size_t i = 0; rc == 0 && i < sizeof listings / sizeof *listings; i++)
		rc = take_listing(s, &listings[i], err);
	return rc;
}

/* What a process holds and no list has: families without one, and sockets that were made and never used. */
static int write_unlisted(struct sockets *s, struct vst_err *err)
{
	const struct vst_socket_owners *owners = &s->owners;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < owners->count; i++) {
		uint64_t inode = owners->list[i].inode;
		if ((i > 0 && owners->list[i - 1].inode == inode) || vst_inode_set_has(&s->seen, inode))
			continue;
		char path[64], protocol[64];
		snprintf(path, sizeof path, "/proc/%llu/fd/%u",
		        (unsigned long long)owners->processes[owners->list[i].process].pid,
		        owners->list[i].fd);
		ssize_t len = getxattr(path, "system.sockprotoname", protocol, sizeof protocol);
		struct vst_json json = vst_live_begin(s->live);
		vst_live_string(&json, "from", "processes");
		if (len > 0)
			vst_live_text(&json, "protocol_name", protocol, strnlen(protocol, (size_t)len));
		vst_live_put_uint(&json, "inode", inode);
		vst_socket_owners_write(owners, inode, &json);
		rc = vst_live_end(s->live, &json, err);
	}
	return rc;
}

static int take_all(struct sockets *s, struct vst_err *err)
{
	char what[96];
	int rc = vst_socket_owners_find(s->live->context->root_fd, &s->owners, err);
	if (rc == 0 && s->owners.denied > 0) {
		snprintf(what, sizeof what, "descriptors of %llu processes",
		        (unsigned long long)s->owners.denied);
		rc = vst_live_trouble(s->live, 0, s->owners.denied_error, what, err);
	}
	if (rc == 0 && s->owners.cut)
		rc = vst_live_trouble(s->live, 0, E2BIG, "descriptors beyond the first four million", err);
	if (rc == 0)
		rc = vst_netns_each(s->live, take_namespace, s, err);
	return rc != 0 ? rc : write_unlisted(s, err);
}

int vst_live_sockets(struct vst_live *live, struct vst_err *err)
{
	struct sockets s = {.live = live};
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc == 0 && live->context->content)
		rc = take_all(&s, err);
	if (rc == 0)
		rc = vst_live_close(live, 0, NULL, err);
	vst_socket_owners_free(&s.owners);
	vst_socket_owners_free(&s.again);
	vst_inode_set_free(&s.seen);
	return rc;
}
