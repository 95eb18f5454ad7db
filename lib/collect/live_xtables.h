/*
 * What getsockopt(2) gives of a legacy packet filter table: entries end to end, a counted structure each.
 *
 *     struct ipt_entry, ip6t_entry, arpt_entry: match, u16 target_offset, u16 next_offset, …, matches, target
 *     struct xt_entry_target: u16 size, name of 29 bytes (empty: a verdict follows; "ERROR": a user's chain,
 * or the end)
 *
 * Source: linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h,
 * linux/netfilter_arp/arp_tables.h.
 */
#ifndef COLLECT_LIVE_XTABLES_H
#define COLLECT_LIVE_XTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/json.h"

#define VST_XTABLES_HOOKS 5
#define VST_XTABLES_ENTRIES_MAX 10000 /* of which the targets are told; all are in base64 */

struct vst_xtables_layout { /* of one family's entries: offsets and sizes in bytes */
	size_t target_offset, next_offset, counters, head;
};

/* family AF_INET or AF_INET6 */
const struct vst_xtables_layout *vst_xtables_layout_of(int family);

struct vst_xtables_info {
	uint32_t hooks; /* bits of those that are valid */
	uint32_t entry[VST_XTABLES_HOOKS], underflow[VST_XTABLES_HOOKS];
	uint32_t count;
};

/*
 * Writes the keys `policies` (of the hooks' chains) and `rules` (targets and counters in order) into the open
 * object. False if the entries do not hold together: what could be told is written then too.
 */
bool vst_xtables_write(const struct vst_xtables_layout *layout, const struct vst_xtables_info *info,
        const uint8_t *entries, size_t len, struct vst_json *json);

#endif
