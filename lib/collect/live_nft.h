/*
 * Messages of nf_tables (linux/netfilter/nf_tables.h) as lines of /packet_filter.jsonl.
 *
 * Numbers are most significant byte first, but for the values that rules compare packets with, which are
 * bytes as the packet has them (hexadecimal).
 */
#ifndef COLLECT_LIVE_NFT_H
#define COLLECT_LIVE_NFT_H

#include "collect/netlink.h"
#include "vestige/json.h"

enum vst_nft_kind {
	VST_NFT_GENERATION,
	VST_NFT_TABLE,
	VST_NFT_CHAIN,
	VST_NFT_RULE,
	VST_NFT_SET,
	VST_NFT_ELEMENTS, /* of one set, asked for by family, table and name */
	VST_NFT_OBJECT,
	VST_NFT_FLOWTABLE,
	VST_NFT_KINDS,
};

const char *vst_nft_kind_name(enum vst_nft_kind kind);
uint16_t vst_nft_request(enum vst_nft_kind kind); /* with the subsystem, as in nlmsg_type */

/* Writes the keys of a message into the open object. False, and nothing written, if it is not of the kind or
 * too short. */
bool vst_nft_write(enum vst_nft_kind kind, const struct vst_netlink_message *message, struct vst_json *json);

/* Of a set's message: what its elements are asked for with. False if it has no names. Borrowed. */
struct vst_nft_set {
	uint8_t family;
	struct vst_reader table, name;
};
bool vst_nft_set_of(const struct vst_netlink_message *message, struct vst_nft_set *ret);

#endif
