#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/live_attrs.h"
#include "collect/live_field.h"
#include "collect/live_namespaces.h"
#include "collect/live_route.h"
#include "vestige/err.h"

#define PATH "/network.jsonl"

struct network {
	struct vst_live *live;
	uint64_t netns;
	enum vst_route_kind kind;
	bool bad;
};

static int find_promiscuous(struct network *n, struct vst_reader body, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT, text = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&details);
	struct ifinfomsg head = {0};
	vst_netlink_take(&body, &head, sizeof head);
	struct vst_reader name = vst_attrs_find(body, IFLA_IFNAME);
	size_t len = strnlen((const char *)name.data, name.len);
	vst_json_object(&json);
	vst_live_put_uint(&json, "netns", n->netns);
	vst_live_put_uint(&json, "index", (uint64_t)(uint32_t)head.ifi_index);
	vst_live_text(&json, "name", name.data, len);
	vst_json_end(&json);
	vst_buf_text(&text, "the interface ");
	vst_buf_bytes(&text, name.data, len);
	vst_buf_text(&text, " takes packets that are for others (promiscuous)");
	int rc = vst_live_finding(n->live, "promiscuous_interface", "medium", vst_buf_cstr(&text),
	        "a bridge's port, a virtual machine's or container's interface, or a monitoring program such "
	        "as tcpdump",
	        &details, err);
	vst_buf_free(&details);
	vst_buf_free(&text);
	return rc;
}

static int take_message(void *ctx, const struct vst_netlink_message *message, struct vst_err *err)
{
	struct network *n = ctx;
	struct vst_json json = vst_live_begin(n->live);
	bool promiscuous;
	vst_live_put_uint(&json, "netns", n->netns);
	vst_live_string(&json, "kind", vst_route_kind_name(n->kind));
	if (!vst_route_write(n->kind, message, &json, &promiscuous)) {
		n->bad = true;
		return 0;
	}
	int rc = vst_live_end(n->live, &json, err);
	return rc == 0 && promiscuous ? find_promiscuous(n, message->body, err) : rc;
}

static int trouble(struct network *n, int error, const char *what, struct vst_err *err)
{
	char text[96];
	snprintf(text, sizeof text, "%s list by rtnetlink", what);
	return vst_live_trouble(n->live, n->netns, error, text, err);
}

static int take_kind(struct network *n, struct vst_netlink *netlink, struct vst_err *err)
{
	/* As long as the longest header: kernels that check strictly are not asked to. */
	static const union {
		struct ifinfomsg link;
		struct rtmsg route;
	} request = {.link = {.ifi_family = AF_UNSPEC}};
	struct vst_netlink_result result;
	n->bad = false;
	int rc = vst_netlink_dump(netlink, vst_route_request(n->kind), NLM_F_DUMP, &request, sizeof request,
	        take_message, n, &result, err);
	int error = result.error ? result.error : n->bad ? EBADMSG : result.interrupted ? EINTR : 0;
	return rc == 0 && error != 0 ? trouble(n, error, vst_route_kind_name(n->kind), err) : rc;
}

/* What a process's view still tells where the namespace may not be entered: tables of text, as they are. */
static int take_tables(struct network *n, const struct vst_netns *at, struct vst_err *err)
{
	static const char *const tables[] = {"dev", "if_inet6", "route", "ipv6_route", "arp", "fib_trie"};
	struct vst_buf text = VST_BUF_INIT;
	char path[96];
	int rc = vst_live_trouble(n->live, n->netns, at->refused, "entering the network namespace", err);
	for (size_t i = 0; rc == 0 && at->proc_net[0] && i < sizeof tables / sizeof *tables; i++) {
		int error;
		snprintf(path, sizeof path, "%s/%s", at->proc_net, tables[i]);
		rc = vst_live_read(n->live->context->root_fd, path, 1024 * 1024, &text, &error, err);
		if (rc == 0 && error != 0)
			rc = vst_live_trouble(n->live, n->netns, error, path, err);
		if (rc != 0 || text.len == 0)
			continue;
		struct vst_json json = vst_live_begin(n->live);
		vst_live_put_uint(&json, "netns", n->netns);
		vst_live_string(&json, "kind", "table");
		vst_live_string(&json, "name", tables[i]);
		vst_live_text(&json, "text", text.data, text.len);
		rc = vst_live_end(n->live, &json, err);
	}
	vst_buf_free(&text);
	return rc;
}

static int write_namespace(struct network *n, const struct vst_namespace *ns, struct vst_err *err)
{
	struct vst_json json = vst_live_begin(n->live);
	vst_live_put_uint(&json, "netns", n->netns);
	vst_live_string(&json, "kind", "namespace");
	if (ns->name)
		vst_live_text(&json, "name", ns->name, strlen(ns->name));
	if (ns->pid != 0)
		vst_live_put_uint(&json, "pid", ns->pid);
	vst_live_put_uint(&json, "threads", ns->tasks);
	vst_live_text(&json, "path", ns->path, strlen(ns->path));
	vst_live_put_bool(&json, "own", ns->own);
	return vst_live_end(n->live, &json, err);
}

static int take_namespace(void *ctx, const struct vst_netns *at, struct vst_err *err)
{
	struct network *n = ctx;
	struct vst_netlink netlink;
	n->netns = at->ns->inode;
	int rc = write_namespace(n, at->ns, err);
	if (rc != 0 || at->refused != 0)
		return rc != 0 ? rc : take_tables(n, at, err);
	int error = vst_netlink_open(NETLINK_ROUTE, &netlink);
	if (error != 0)
		return trouble(n, error, "every", err);
	for (int kind = 0; rc == 0 && kind < VST_ROUTE_KINDS; kind++) {
		n->kind = (enum vst_route_kind)kind;
		rc = take_kind(n, &netlink, err);
	}
	vst_netlink_close(&netlink);
	return rc;
}

int vst_live_network(struct vst_live *live, struct vst_err *err)
{
	struct network n = {.live = live};
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc == 0 && live->context->content)
		rc = vst_netns_each(live, take_namespace, &n, err);
	return rc != 0 ? rc : vst_live_close(live, 0, NULL, err);
}
