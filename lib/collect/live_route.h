/*
 * Messages of rtnetlink(7) as lines of /network.jsonl: interfaces, addresses, routes, rules, neighbours.
 *
 * Each is told by the fields of its fixed header and by its attributes (live_attrs.h).
 */
#ifndef COLLECT_LIVE_ROUTE_H
#define COLLECT_LIVE_ROUTE_H

#include "collect/netlink.h"
#include "vestige/json.h"

enum vst_route_kind {
	VST_ROUTE_INTERFACE,
	VST_ROUTE_ADDRESS,
	VST_ROUTE_ROUTE,
	VST_ROUTE_RULE,
	VST_ROUTE_NEIGHBOUR,
	VST_ROUTE_KINDS,
};

/* "interface" */
const char *vst_route_kind_name(enum vst_route_kind kind);
/* The request (RTM_GETLINK…) that lists them. */
uint16_t vst_route_request(enum vst_route_kind kind);

/*
 * Writes the keys of a message into the open object. False, and nothing written, if it is not of the kind or
 * too short.
 * `*ret_promiscuous` (of interfaces) tells of one that takes packets that are for others.
 */
bool vst_route_write(enum vst_route_kind kind, const struct vst_netlink_message *message,
        struct vst_json *json, bool *ret_promiscuous);

#endif
