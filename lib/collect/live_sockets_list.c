#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "collect/live_field.h"
#include "collect/live_sockets.h"
#include "vestige/err.h"

#define ALL_STATES UINT32_MAX
#define REQUEST_PROTOCOL 1 /* INET_DIAG_REQ_PROTOCOL: for protocols that do not fit into a byte */

struct taking {
	int protocol;
	vst_socket_each *each;
	void *ctx;
	bool bad; /* a message was too short */
	const struct vst_socket_listing *listing;
	uint64_t lines;
	uint64_t own; /* inode of the socket by which we ask */
};

static size_t build_inet(const struct vst_socket_listing *listing, uint8_t *request)
{
	const struct inet_diag_req_v2 inet = {.sdiag_family = (uint8_t)listing->family,
	        .sdiag_protocol = (uint8_t)(listing->protocol > UINT8_MAX ? UINT8_MAX : listing->protocol),
	        .idiag_ext = 1 << (INET_DIAG_CONG - 1),
	        .idiag_states = ALL_STATES};
	const uint32_t protocol = (uint32_t)listing->protocol;
	size_t len = sizeof inet;
	memcpy(request, &inet, sizeof inet);
	if (protocol > UINT8_MAX)
		vst_netlink_put(
		        request, VST_NETLINK_REQUEST_MAX, &len, REQUEST_PROTOCOL, &protocol, sizeof protocol);
	return len;
}

static size_t build_request(const struct vst_socket_listing *listing, uint8_t *request)
{
	const struct unix_diag_req local = {.sdiag_family = AF_UNIX,
	        .udiag_states = ALL_STATES,
	        .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN |
	                      UDIAG_SHOW_UID};
	const struct netlink_diag_req netlink = {.sdiag_family = AF_NETLINK,
	        .sdiag_protocol = NDIAG_PROTO_ALL,
	        .ndiag_show = NDIAG_SHOW_GROUPS};
	const struct packet_diag_req packet = {
	        .sdiag_family = AF_PACKET, .pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_FILTER};
	const struct vsock_diag_req vsock = {.sdiag_family = AF_VSOCK, .vdiag_states = ALL_STATES};
	switch (listing->family) {
	case AF_UNIX:
		memcpy(request, &local, sizeof local);
		return sizeof local;
	case AF_NETLINK:
		memcpy(request, &netlink, sizeof netlink);
		return sizeof netlink;
	case AF_PACKET:
		memcpy(request, &packet, sizeof packet);
		return sizeof packet;
	case AF_VSOCK:
		memcpy(request, &vsock, sizeof vsock);
		return sizeof vsock;
	default:
		return build_inet(listing, request);
	}
}

static int take_message(void *ctx, const struct vst_netlink_message *message, struct vst_err *err)
{
	struct taking *t = ctx;
	struct vst_socket socket;
	if (!vst_socket_diag(message, t->protocol, &socket)) {
		t->bad = true;
		return 0;
	}
	socket.collector = socket.inode != 0 && socket.inode == t->own;
	return t->each(t->ctx, &socket, err);
}

int vst_socket_list_diag(const struct vst_socket_listing *listing, vst_socket_each *each, void *ctx,
        int *ret_error, struct vst_err *err)
{
	struct taking t = {.protocol = listing->protocol, .each = each, .ctx = ctx};
	uint8_t request[VST_NETLINK_REQUEST_MAX] = {0};
	struct vst_netlink netlink;
	struct vst_netlink_result result;
	struct stat st;
	*ret_error = vst_netlink_open(NETLINK_SOCK_DIAG, &netlink);
	if (*ret_error != 0)
		return 0;
	if (fstat(netlink.fd, &st) == 0)
		t.own = st.st_ino;
	int rc = vst_netlink_dump(&netlink, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, request,
	        build_request(listing, request), take_message, &t, &result, err);
	vst_netlink_close(&netlink);
	*ret_error = result.error ? result.error : t.bad ? EBADMSG : result.interrupted ? EINTR : 0;
	return rc;
}

static int take_line(void *ctx, const char *line, size_t len, struct vst_err *err)
{
	struct taking *t = ctx;
	struct vst_socket socket;
	if (vst_socket_line(line, len, t->listing->family, t->listing->type, t->listing->protocol, &socket))
		return t->each(t->ctx, &socket, err);
	t->bad = t->bad || t->lines > 0; /* the first is the heading */
	t->lines++;
	return 0;
}

int vst_socket_list_table(struct vst_live *live, const struct vst_netns *at,
        const struct vst_socket_listing *listing, vst_socket_each *each, void *ctx, int *ret_error,
        struct vst_err *err)
{
	struct taking t = {.each = each, .ctx = ctx, .listing = listing};
	char path[96];
	*ret_error = ENOENT;
	if (!listing->table || at->proc_net[0] == '\0')
		return 0;
	snprintf(path, sizeof path, "%s/%s", at->proc_net, listing->table);
	int rc = vst_live_lines(live->context->root_fd, path, take_line, &t, ret_error, err);
	if (*ret_error == 0 && t.bad)
		*ret_error = EBADMSG;
	return rc;
}

/* ---- comparison ---- */

/* Both lists have more than what is compared: sockets that are only bound (state 13) are in no table. */
static int gather(void *ctx, const struct vst_socket *socket, struct vst_err *err)
{
	return socket->state == 13 ? 0 : vst_inode_set_add(ctx, socket->inode, err);
}

static int tell(struct vst_live *live, const struct vst_netns *at, const struct vst_socket_listing *listing,
        uint64_t inode, const char *in, const char *not_in, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&details);
	char text[160];
	vst_json_object(&json);
	vst_live_put_uint(&json, "netns", at->ns->inode);
	vst_live_string(&json, "protocol", listing->word);
	vst_live_put_uint(&json, "inode", inode);
	vst_live_string(&json, "listed_by", in);
	vst_live_string(&json, "missing_in", not_in);
	vst_json_end(&json);
	snprintf(text, sizeof text, "the %s socket %llu is listed by %s and missing in %s", listing->word,
	        (unsigned long long)inode, in, not_in);
	int rc = vst_live_finding(live, "hidden_socket", "high", text,
	        "a security module or a container's view of /proc that filters one of the two lists",
	        &details, err);
	vst_buf_free(&details);
	return rc;
}

static bool differ(struct vst_inode_set *a, struct vst_inode_set *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (!vst_inode_set_has(b, a->list[i]))
			return true;
	return false;
}

/* Sorting by the first question must not move the list under the loop, so it is sorted before. */
static int confirm(struct vst_live *live, const struct vst_netns *at,
        const struct vst_socket_listing *listing, struct vst_inode_set *in, struct vst_inode_set *out,
        struct vst_inode_set *in_again, struct vst_inode_set *out_again, bool by_diag, struct vst_err *err)
{
	int rc = 0;
	vst_inode_set_has(in, 0);
	for (size_t i = 0; rc == 0 && i < in->count; i++) {
		uint64_t inode = in->list[i];
		if ((i > 0 && in->list[i - 1] == inode) || vst_inode_set_has(out, inode) ||
		        !vst_inode_set_has(in_again, inode) || vst_inode_set_has(out_again, inode))
			continue;
		rc = tell(live, at, listing, inode, by_diag ? "sock_diag" : "/proc/net",
		        by_diag ? "/proc/net" : "sock_diag", err);
	}
	return rc;
}

int vst_sockets_compare(struct vst_live *live, const struct vst_netns *at,
        const struct vst_socket_listing *listing, struct vst_inode_set *diag, struct vst_inode_set *table,
        struct vst_err *err)
{
	struct vst_inode_set diag_again = {0}, table_again = {0};
	int error, rc = 0;
	if (diag->cut || table->cut || (!differ(diag, table) && !differ(table, diag)))
		return 0;
	rc = vst_socket_list_table(live, at, listing, gather, &table_again, &error, err);
	if (rc != 0 || error != 0)
		goto out;
	rc = vst_socket_list_diag(listing, gather, &diag_again, &error, err);
	if (rc != 0 || error != 0)
		goto out;
	rc = confirm(live, at, listing, diag, table, &diag_again, &table_again, true, err);
	if (rc == 0)
		rc = confirm(live, at, listing, table, diag, &table_again, &diag_again, false, err);
out:
	vst_inode_set_free(&diag_again);
	vst_inode_set_free(&table_again);
	return rc;
}
