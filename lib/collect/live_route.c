#include "collect/live_route.h"

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/live_attrs.h"
#include "collect/live_field.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TABLE(list)                                                                                          \
	{                                                                                                    \
		NULL, list, COUNT(list)                                                                      \
	}

/* ---- attributes ---- */

static const struct vst_attr info_list[] = {
        {IFLA_INFO_KIND, VST_ATTR_TEXT, "kind", NULL, NULL, 0},
        {IFLA_INFO_DATA, VST_ATTR_BYTES, "data_base64", NULL, NULL, 0},
        {IFLA_INFO_SLAVE_KIND, VST_ATTR_TEXT, "slave_kind", NULL, NULL, 0},
        {IFLA_INFO_SLAVE_DATA, VST_ATTR_BYTES, "slave_data_base64", NULL, NULL, 0},
};
static const struct vst_attr_table info = TABLE(info_list);

static const struct vst_attr name_list[] = {{IFLA_ALT_IFNAME, VST_ATTR_TEXT, "name", NULL, NULL, 0}};
static const struct vst_attr_table name = TABLE(name_list);

static const struct vst_attr xdp_list[] = {
        {IFLA_XDP_ATTACHED, VST_ATTR_UINT, "attached", NULL, NULL, 0},
        {IFLA_XDP_FLAGS, VST_ATTR_UINT, "flags", NULL, NULL, 0},
        {IFLA_XDP_PROG_ID, VST_ATTR_UINT, "program", NULL, NULL, 0},
        {IFLA_XDP_DRV_PROG_ID, VST_ATTR_UINT, "driver_program", NULL, NULL, 0},
        {IFLA_XDP_SKB_PROG_ID, VST_ATTR_UINT, "generic_program", NULL, NULL, 0},
        {IFLA_XDP_HW_PROG_ID, VST_ATTR_UINT, "hardware_program", NULL, NULL, 0},
};
static const struct vst_attr_table xdp = TABLE(xdp_list);

static const char *const operational[] = {
        "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"};

static const struct vst_attr interface_list[] = {
        {IFLA_IFNAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {IFLA_ADDRESS, VST_ATTR_HEX, "mac", NULL, NULL, 0},
        {IFLA_BROADCAST, VST_ATTR_HEX, "broadcast", NULL, NULL, 0},
        {IFLA_PERM_ADDRESS, VST_ATTR_HEX, "permanent_mac", NULL, NULL, 0},
        {IFLA_MTU, VST_ATTR_UINT, "mtu", NULL, NULL, 0},
        {IFLA_LINK, VST_ATTR_UINT, "link", NULL, NULL, 0},
        {IFLA_LINK_NETNSID, VST_ATTR_UINT, "link_netnsid", NULL, NULL, 0},
        {IFLA_QDISC, VST_ATTR_TEXT, "qdisc", NULL, NULL, 0},
        {IFLA_MASTER, VST_ATTR_UINT, "master", NULL, NULL, 0},
        {IFLA_TXQLEN, VST_ATTR_UINT, "queue_length", NULL, NULL, 0},
        {IFLA_OPERSTATE, VST_ATTR_UINT, "state", NULL, operational, COUNT(operational)},
        {IFLA_LINKMODE, VST_ATTR_UINT, "mode", NULL, NULL, 0},
        {IFLA_LINKINFO, VST_ATTR_NEST, "info", &info, NULL, 0},
        {IFLA_IFALIAS, VST_ATTR_TEXT, "alias", NULL, NULL, 0},
        {IFLA_GROUP, VST_ATTR_UINT, "group", NULL, NULL, 0},
        {IFLA_PROMISCUITY, VST_ATTR_UINT, "promiscuity", NULL, NULL, 0},
        {IFLA_CARRIER, VST_ATTR_UINT, "carrier", NULL, NULL, 0},
        {IFLA_CARRIER_CHANGES, VST_ATTR_UINT, "carrier_changes", NULL, NULL, 0},
        {IFLA_NUM_TX_QUEUES, VST_ATTR_UINT, "send_queues", NULL, NULL, 0},
        {IFLA_NUM_RX_QUEUES, VST_ATTR_UINT, "receive_queues", NULL, NULL, 0},
        {IFLA_XDP, VST_ATTR_NEST, "xdp", &xdp, NULL, 0},
        {IFLA_PROP_LIST, VST_ATTR_VALUES, "other_names", &name, NULL, 0},
        {IFLA_PARENT_DEV_NAME, VST_ATTR_TEXT, "device", NULL, NULL, 0},
        {IFLA_PARENT_DEV_BUS_NAME, VST_ATTR_TEXT, "bus", NULL, NULL, 0},
};
static const struct vst_attr_table interfaces = TABLE(interface_list);

static const struct vst_attr address_list[] = {
        {IFA_ADDRESS, VST_ATTR_IP, "address", NULL, NULL, 0},
        {IFA_LOCAL, VST_ATTR_IP, "local", NULL, NULL, 0},
        {IFA_LABEL, VST_ATTR_TEXT, "label", NULL, NULL, 0},
        {IFA_BROADCAST, VST_ATTR_IP, "broadcast", NULL, NULL, 0},
        {IFA_ANYCAST, VST_ATTR_IP, "anycast", NULL, NULL, 0},
        {IFA_MULTICAST, VST_ATTR_IP, "multicast", NULL, NULL, 0},
        {IFA_FLAGS, VST_ATTR_UINT, "all_flags", NULL, NULL, 0},
        {IFA_RT_PRIORITY, VST_ATTR_UINT, "priority", NULL, NULL, 0},
};
static const struct vst_attr_table addresses = TABLE(address_list);

static const struct vst_attr route_list[] = {
        {RTA_DST, VST_ATTR_IP, "destination", NULL, NULL, 0},
        {RTA_SRC, VST_ATTR_IP, "source", NULL, NULL, 0},
        {RTA_IIF, VST_ATTR_UINT, "input", NULL, NULL, 0},
        {RTA_OIF, VST_ATTR_UINT, "output", NULL, NULL, 0},
        {RTA_GATEWAY, VST_ATTR_IP, "gateway", NULL, NULL, 0},
        {RTA_PRIORITY, VST_ATTR_UINT, "priority", NULL, NULL, 0},
        {RTA_PREFSRC, VST_ATTR_IP, "preferred_source", NULL, NULL, 0},
        {RTA_MULTIPATH, VST_ATTR_BYTES, "multipath_base64", NULL, NULL, 0},
        {RTA_TABLE, VST_ATTR_UINT, "table", NULL, NULL, 0},
        {RTA_MARK, VST_ATTR_UINT, "mark", NULL, NULL, 0},
        {RTA_PREF, VST_ATTR_UINT, "preference", NULL, NULL, 0},
        {RTA_NH_ID, VST_ATTR_UINT, "nexthop", NULL, NULL, 0},
};
static const struct vst_attr_table routes = TABLE(route_list);

static const struct vst_attr rule_list[] = {
        {FRA_DST, VST_ATTR_IP, "destination", NULL, NULL, 0},
        {FRA_SRC, VST_ATTR_IP, "source", NULL, NULL, 0},
        {FRA_IIFNAME, VST_ATTR_TEXT, "input", NULL, NULL, 0},
        {FRA_OIFNAME, VST_ATTR_TEXT, "output", NULL, NULL, 0},
        {FRA_GOTO, VST_ATTR_UINT, "goto", NULL, NULL, 0},
        {FRA_PRIORITY, VST_ATTR_UINT, "priority", NULL, NULL, 0},
        {FRA_FWMARK, VST_ATTR_UINT, "mark", NULL, NULL, 0},
        {FRA_FWMASK, VST_ATTR_UINT, "mark_mask", NULL, NULL, 0},
        {FRA_SUPPRESS_PREFIXLEN, VST_ATTR_UINT, "suppress_prefix", NULL, NULL, 0},
        {FRA_TABLE, VST_ATTR_UINT, "table", NULL, NULL, 0},
        {FRA_PROTOCOL, VST_ATTR_UINT, "origin", NULL, NULL, 0},
        {FRA_IP_PROTO, VST_ATTR_UINT, "ip_protocol", NULL, NULL, 0},
        {FRA_L3MDEV, VST_ATTR_UINT, "l3mdev", NULL, NULL, 0},
};
static const struct vst_attr_table rules = TABLE(rule_list);

static const struct vst_attr neighbour_list[] = {
        {NDA_DST, VST_ATTR_IP, "address", NULL, NULL, 0},
        {NDA_LLADDR, VST_ATTR_HEX, "mac", NULL, NULL, 0},
        {NDA_PROBES, VST_ATTR_UINT, "probes", NULL, NULL, 0},
        {NDA_VLAN, VST_ATTR_UINT, "vlan", NULL, NULL, 0},
        {NDA_MASTER, VST_ATTR_UINT, "master", NULL, NULL, 0},
        {NDA_IFINDEX, VST_ATTR_UINT, "via_interface", NULL, NULL, 0},
};
static const struct vst_attr_table neighbours = TABLE(neighbour_list);

/* ---- headers ---- */

struct flag {
	uint32_t bit;
	const char *name;
};

static void write_flags(
        struct vst_json *json, const char *key, uint32_t flags, const struct flag *list, size_t count)
{
	vst_json_key(json, key);
	vst_json_array(json);
	for (size_t i = 0; i < count; i++)
		if (flags & list[i].bit)
			vst_json_string(json, list[i].name);
	vst_json_end(json);
}

static void write_family(struct vst_json *json, uint8_t family)
{
	vst_json_key(json, "family");
	if (family == AF_INET || family == AF_INET6 || family == AF_BRIDGE)
		vst_json_string(json, family == AF_INET ? "inet" : family == AF_INET6 ? "inet6" : "bridge");
	else
		vst_json_uint(json, family);
}

static void write_statistics(struct vst_json *json, struct vst_reader attrs)
{
	static const char *const names[] = {"received_packets", "sent_packets", "received_bytes",
	        "sent_bytes", "receive_errors", "send_errors", "receive_dropped", "send_dropped"};
	struct vst_reader value = vst_attrs_find(attrs, IFLA_STATS64);
	uint64_t numbers[COUNT(names)];
	if (!vst_netlink_take(&value, numbers, sizeof numbers))
		return;
	vst_json_key(json, "statistics");
	vst_json_object(json);
	for (size_t i = 0; i < COUNT(names); i++)
		vst_live_put_uint(json, names[i], numbers[i]);
	vst_json_end(json);
}

static bool write_interface(struct vst_reader body, struct vst_json *json, bool *ret_promiscuous)
{
	static const struct flag flags[] = {{IFF_UP, "up"}, {IFF_BROADCAST, "broadcast"},
	        {IFF_DEBUG, "debug"}, {IFF_LOOPBACK, "loopback"}, {IFF_POINTOPOINT, "pointopoint"},
	        {IFF_RUNNING, "running"}, {IFF_NOARP, "noarp"}, {IFF_PROMISC, "promisc"},
	        {IFF_ALLMULTI, "allmulti"}, {IFF_MASTER, "master"}, {IFF_SLAVE, "slave"},
	        {IFF_MULTICAST, "multicast"}, {IFF_PORTSEL, "portsel"}, {IFF_AUTOMEDIA, "automedia"},
	        {IFF_DYNAMIC, "dynamic"}, {1 << 16, "lower_up"}, {1 << 17, "dormant"}, {1 << 18, "echo"}};
	struct ifinfomsg head;
	uint32_t promiscuity = 0;
	if (!vst_netlink_take(&body, &head, sizeof head))
		return false;
	struct vst_reader count = vst_attrs_find(body, IFLA_PROMISCUITY);
	vst_netlink_take(&count, &promiscuity, sizeof promiscuity);
	*ret_promiscuous = (head.ifi_flags & IFF_PROMISC) != 0 || promiscuity > 0;
	vst_live_put_uint(json, "index", (uint64_t)(uint32_t)head.ifi_index);
	vst_live_put_uint(json, "hardware", head.ifi_type);
	vst_live_put_uint(json, "flags_number", head.ifi_flags);
	write_flags(json, "flags", head.ifi_flags, flags, COUNT(flags));
	write_statistics(json, body);
	vst_attrs_write(json, body, &interfaces);
	return true;
}

static bool write_address(struct vst_reader body, struct vst_json *json)
{
	struct ifaddrmsg head;
	if (!vst_netlink_take(&body, &head, sizeof head))
		return false;
	write_family(json, head.ifa_family);
	vst_live_put_uint(json, "index", head.ifa_index);
	vst_live_put_uint(json, "prefix", head.ifa_prefixlen);
	vst_live_put_uint(json, "scope", head.ifa_scope);
	vst_live_put_uint(json, "flags_number", head.ifa_flags);
	vst_attrs_write(json, body, &addresses);
	return true;
}

static void write_enum(
        struct vst_json *json, const char *key, uint8_t value, const char *const *names, size_t count)
{
	vst_json_key(json, key);
	if (value < count && names[value])
		vst_json_string(json, names[value]);
	else
		vst_json_uint(json, value);
}

/* The number in the header is of 8 bits: where there is an attribute, it counts. */
static bool has_table(struct vst_reader attrs, uint16_t number)
{
	struct vst_reader value;
	uint16_t type;
	while (vst_netlink_attr(&attrs, &type, &value))
		if (type == number && (value.len == 1 || value.len == 2 || value.len == 4 || value.len == 8))
			return true;
	return false;
}

static bool write_route(struct vst_reader body, struct vst_json *json)
{
	static const char *const types[] = {"unspec", "unicast", "local", "broadcast", "anycast", "multicast",
	        "blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve"};
	static const char *const origins[] = {"unspec", "redirect", "kernel", "boot", "static", [9] = "ra",
	        [16] = "dhcp", [11] = "zebra", [12] = "bird", [186] = "bgp", [188] = "ospf"};
	struct rtmsg head;
	if (!vst_netlink_take(&body, &head, sizeof head))
		return false;
	write_family(json, head.rtm_family);
	write_enum(json, "route_type", head.rtm_type, types, COUNT(types));
	write_enum(json, "origin", head.rtm_protocol, origins, COUNT(origins));
	vst_live_put_uint(json, "scope", head.rtm_scope);
	vst_live_put_uint(json, "prefix", head.rtm_dst_len);
	vst_live_put_uint(json, "source_prefix", head.rtm_src_len);
	vst_live_put_uint(json, "tos", head.rtm_tos);
	vst_live_put_uint(json, "flags_number", head.rtm_flags);
	if (!has_table(body, RTA_TABLE))
		vst_live_put_uint(json, "table", head.rtm_table);
	vst_attrs_write(json, body, &routes);
	return true;
}

static bool write_rule(struct vst_reader body, struct vst_json *json)
{
	static const char *const actions[] = {[1] = "to_table",
	        [2] = "goto",
	        [3] = "nop",
	        [6] = "blackhole",
	        [7] = "unreachable",
	        [8] = "prohibit"};
	struct fib_rule_hdr head;
	if (!vst_netlink_take(&body, &head, sizeof head))
		return false;
	write_family(json, head.family);
	write_enum(json, "action", head.action, actions, COUNT(actions));
	vst_live_put_uint(json, "prefix", head.dst_len);
	vst_live_put_uint(json, "source_prefix", head.src_len);
	vst_live_put_uint(json, "tos", head.tos);
	vst_live_put_uint(json, "flags_number", head.flags);
	if (!has_table(body, FRA_TABLE))
		vst_live_put_uint(json, "table", head.table);
	vst_attrs_write(json, body, &rules);
	return true;
}

static bool write_neighbour(struct vst_reader body, struct vst_json *json)
{
	static const struct flag states[] = {{NUD_INCOMPLETE, "incomplete"}, {NUD_REACHABLE, "reachable"},
	        {NUD_STALE, "stale"}, {NUD_DELAY, "delay"}, {NUD_PROBE, "probe"}, {NUD_FAILED, "failed"},
	        {NUD_NOARP, "noarp"}, {NUD_PERMANENT, "permanent"}};
	struct ndmsg head;
	if (!vst_netlink_take(&body, &head, sizeof head))
		return false;
	write_family(json, head.ndm_family);
	vst_live_put_uint(json, "index", (uint64_t)(uint32_t)head.ndm_ifindex);
	write_flags(json, "states", head.ndm_state, states, COUNT(states));
	vst_live_put_uint(json, "flags_number", head.ndm_flags);
	vst_live_put_uint(json, "neighbour_type", head.ndm_type);
	vst_attrs_write(json, body, &neighbours);
	return true;
}

/* ---- all kinds ---- */

static const struct {
	const char *name;
	uint16_t request, answer;
} kinds[VST_ROUTE_KINDS] = {
        [VST_ROUTE_INTERFACE] = {"interface", RTM_GETLINK, RTM_NEWLINK},
        [VST_ROUTE_ADDRESS] = {"address", RTM_GETADDR, RTM_NEWADDR},
        [VST_ROUTE_ROUTE] = {"route", RTM_GETROUTE, RTM_NEWROUTE},
        [VST_ROUTE_RULE] = {"rule", RTM_GETRULE, RTM_NEWRULE},
        [VST_ROUTE_NEIGHBOUR] = {"neighbour", RTM_GETNEIGH, RTM_NEWNEIGH},
};

const char *vst_route_kind_name(enum vst_route_kind kind)
{
	return kinds[kind].name;
}

uint16_t vst_route_request(enum vst_route_kind kind)
{
	return kinds[kind].request;
}

bool vst_route_write(enum vst_route_kind kind, const struct vst_netlink_message *message,
        struct vst_json *json, bool *ret_promiscuous)
{
	*ret_promiscuous = false;
	if (message->type != kinds[kind].answer)
		return false;
	switch (kind) {
	case VST_ROUTE_INTERFACE:
		return write_interface(message->body, json, ret_promiscuous);
	case VST_ROUTE_ADDRESS:
		return write_address(message->body, json);
	case VST_ROUTE_ROUTE:
		return write_route(message->body, json);
	case VST_ROUTE_RULE:
		return write_rule(message->body, json);
	default:
		return write_neighbour(message->body, json);
	}
}
