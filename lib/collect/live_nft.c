#include "collect/live_nft.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "collect/live_attrs.h"
#include "collect/live_field.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* ---- attributes ---- */

static const char *const cmp_names[] = {"eq", "neq", "lt", "lte", "gt", "gte"};
static const char *const range_names[] = {"eq", "neq"};
static const char *const meta_names[] = {"len", "protocol", "priority", "mark", "iif", "oif", "iifname",
        "oifname", "iiftype", "oiftype", "skuid", "skgid", "nftrace", "rtclassid", "secmark", "nfproto",
        "l4proto", "bri_iifname", "bri_oifname", "pkttype", "cpu", "iifgroup", "oifgroup", "cgroup",
        "prandom", "secpath", "iifkind", "oifkind", "bri_iifpvid", "bri_iifvproto", "time_ns", "time_day",
        "time_hour", "sdif", "sdifname"};
static const char *const base_names[] = {"ll", "network", "transport", "inner"};
static const char *const ct_names[] = {"state", "direction", "status", "mark", "secmark", "expiration",
        "helper", "l3protocol", "src", "dst", "protocol", "proto_src", "proto_dst", "labels", "pkts", "bytes",
        "avgpkt", "zone", "eventmask", "src_ip", "dst_ip", "src_ip6", "dst_ip6", "id"};
static const char *const nat_names[] = {"snat", "dnat"};
static const char *const op_names[] = {"ntoh", "hton"};
static const char *const bitop_names[] = {"bool", "lshift", "rshift"};
static const char *const reject_names[] = {"icmp", "tcp_reset", "icmpx"};
static const char *const rt_names[] = {"classid", "nexthop4", "nexthop6", "tcpmss", "ipsec"};
static const char *const fib_names[] = {"unspec", "oif", "oifname", "addrtype"};
static const char *const sock_names[] = {"transparent", "mark", "wildcard", "cgroupv2"};
static const char *const limit_names[] = {"packets", "bytes"};
static const char *const dynop_names[] = {"add", "update", "delete"};
static const char *const policy_names[] = {"drop", "accept"};
static const char *const obj_names[] = {"unspec", "counter", "quota", "ct_helper", "limit", "connlimit",
        "tunnel", "ct_timeout", "secmark", "ct_expect", "synproxy"};
static const char *const ng_names[] = {"inc", "random"};
static const char *const hash_names[] = {"jenkins", "symmetric"};
static const char *const exthdr_names[] = {"ipv6", "tcpopt", "ipv4", "sctp", "dccp"};
static const char *const loglevel_names[] = {
        "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"};
static const char *const xfrm_names[] = {
        "unspec", "daddr_ip4", "daddr_ip6", "saddr_ip4", "saddr_ip6", "reqid", "spi"};

/* An expression's attributes hold expressions again. */
static const struct vst_attr_table expression;

static const struct vst_attr verdict_list[] = {
        {NFTA_VERDICT_CODE, VST_ATTR_BE_SIGNED, "code", NULL, NULL, 0},
        {NFTA_VERDICT_CHAIN, VST_ATTR_TEXT, "chain", NULL, NULL, 0},
};
static const struct vst_attr_table verdict = {NULL, verdict_list, COUNT(verdict_list)};

static const struct vst_attr data_list[] = {
        {NFTA_DATA_VALUE, VST_ATTR_HEX, "value", NULL, NULL, 0},
        {NFTA_DATA_VERDICT, VST_ATTR_NEST, "verdict", &verdict, NULL, 0},
};
static const struct vst_attr_table data = {NULL, data_list, COUNT(data_list)};

static const struct vst_attr counter_list[] = {
        {NFTA_COUNTER_BYTES, VST_ATTR_BE, "bytes", NULL, NULL, 0},
        {NFTA_COUNTER_PACKETS, VST_ATTR_BE, "packets", NULL, NULL, 0},
};
static const struct vst_attr_table counter = {NULL, counter_list, COUNT(counter_list)};

static const struct vst_attr limit_list[] = {
        {NFTA_LIMIT_RATE, VST_ATTR_BE, "rate", NULL, NULL, 0},
        {NFTA_LIMIT_UNIT, VST_ATTR_BE, "per_seconds", NULL, NULL, 0},
        {NFTA_LIMIT_BURST, VST_ATTR_BE, "burst", NULL, NULL, 0},
        {NFTA_LIMIT_TYPE, VST_ATTR_BE, "type", NULL, limit_names, COUNT(limit_names)},
        {NFTA_LIMIT_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr quota_list[] = {
        {NFTA_QUOTA_BYTES, VST_ATTR_BE, "bytes", NULL, NULL, 0},
        {NFTA_QUOTA_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_QUOTA_CONSUMED, VST_ATTR_BE, "consumed", NULL, NULL, 0},
};

static const struct vst_attr connlimit_list[] = {
        {NFTA_CONNLIMIT_COUNT, VST_ATTR_BE, "count", NULL, NULL, 0},
        {NFTA_CONNLIMIT_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr last_list[] = {
        {NFTA_LAST_SET, VST_ATTR_BE, "set", NULL, NULL, 0},
        {NFTA_LAST_MSECS, VST_ATTR_BE, "ms", NULL, NULL, 0},
};

static const struct vst_attr x_immediate_list[] = {
        {NFTA_IMMEDIATE_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_IMMEDIATE_DATA, VST_ATTR_NEST, "data", &data, NULL, 0},
};

static const struct vst_attr x_bitwise_list[] = {
        {NFTA_BITWISE_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
        {NFTA_BITWISE_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_BITWISE_LEN, VST_ATTR_BE, "len", NULL, NULL, 0},
        {NFTA_BITWISE_MASK, VST_ATTR_NEST, "mask", &data, NULL, 0},
        {NFTA_BITWISE_XOR, VST_ATTR_NEST, "xor", &data, NULL, 0},
        {NFTA_BITWISE_OP, VST_ATTR_BE, "op", NULL, bitop_names, COUNT(bitop_names)},
        {NFTA_BITWISE_DATA, VST_ATTR_NEST, "data", &data, NULL, 0},
};

static const struct vst_attr x_byteorder_list[] = {
        {NFTA_BYTEORDER_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
        {NFTA_BYTEORDER_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_BYTEORDER_OP, VST_ATTR_BE, "op", NULL, op_names, COUNT(op_names)},
        {NFTA_BYTEORDER_LEN, VST_ATTR_BE, "len", NULL, NULL, 0},
        {NFTA_BYTEORDER_SIZE, VST_ATTR_BE, "size", NULL, NULL, 0},
};

static const struct vst_attr x_cmp_list[] = {
        {NFTA_CMP_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
        {NFTA_CMP_OP, VST_ATTR_BE, "op", NULL, cmp_names, COUNT(cmp_names)},
        {NFTA_CMP_DATA, VST_ATTR_NEST, "data", &data, NULL, 0},
};

static const struct vst_attr x_range_list[] = {
        {NFTA_RANGE_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
        {NFTA_RANGE_OP, VST_ATTR_BE, "op", NULL, range_names, COUNT(range_names)},
        {NFTA_RANGE_FROM_DATA, VST_ATTR_NEST, "from", &data, NULL, 0},
        {NFTA_RANGE_TO_DATA, VST_ATTR_NEST, "to", &data, NULL, 0},
};

static const struct vst_attr x_lookup_list[] = {
        {NFTA_LOOKUP_SET, VST_ATTR_TEXT, "set", NULL, NULL, 0},
        {NFTA_LOOKUP_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
        {NFTA_LOOKUP_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_LOOKUP_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr x_dynset_list[] = {
        {NFTA_DYNSET_SET_NAME, VST_ATTR_TEXT, "set", NULL, NULL, 0},
        {NFTA_DYNSET_OP, VST_ATTR_BE, "op", NULL, dynop_names, COUNT(dynop_names)},
        {NFTA_DYNSET_SREG_KEY, VST_ATTR_BE, "sreg_key", NULL, NULL, 0},
        {NFTA_DYNSET_SREG_DATA, VST_ATTR_BE, "sreg_data", NULL, NULL, 0},
        {NFTA_DYNSET_TIMEOUT, VST_ATTR_BE, "timeout_ms", NULL, NULL, 0},
        {NFTA_DYNSET_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_DYNSET_EXPR, VST_ATTR_NEST, "expression", &expression, NULL, 0},
        {NFTA_DYNSET_EXPRESSIONS, VST_ATTR_LIST, "expressions", &expression, NULL, 0},
};

static const struct vst_attr x_payload_list[] = {
        {NFTA_PAYLOAD_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_PAYLOAD_BASE, VST_ATTR_BE, "base", NULL, base_names, COUNT(base_names)},
        {NFTA_PAYLOAD_OFFSET, VST_ATTR_BE, "offset", NULL, NULL, 0},
        {NFTA_PAYLOAD_LEN, VST_ATTR_BE, "len", NULL, NULL, 0},
        {NFTA_PAYLOAD_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
        {NFTA_PAYLOAD_CSUM_TYPE, VST_ATTR_BE, "csum_type", NULL, NULL, 0},
        {NFTA_PAYLOAD_CSUM_OFFSET, VST_ATTR_BE, "csum_offset", NULL, NULL, 0},
        {NFTA_PAYLOAD_CSUM_FLAGS, VST_ATTR_BE, "csum_flags", NULL, NULL, 0},
};

static const struct vst_attr x_exthdr_list[] = {
        {NFTA_EXTHDR_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_EXTHDR_TYPE, VST_ATTR_BE, "header", NULL, NULL, 0},
        {NFTA_EXTHDR_OFFSET, VST_ATTR_BE, "offset", NULL, NULL, 0},
        {NFTA_EXTHDR_LEN, VST_ATTR_BE, "len", NULL, NULL, 0},
        {NFTA_EXTHDR_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_EXTHDR_OP, VST_ATTR_BE, "op", NULL, exthdr_names, COUNT(exthdr_names)},
        {NFTA_EXTHDR_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
};

static const struct vst_attr x_meta_list[] = {
        {NFTA_META_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_META_KEY, VST_ATTR_BE, "key", NULL, meta_names, COUNT(meta_names)},
        {NFTA_META_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
};

static const struct vst_attr x_hash_list[] = {
        {NFTA_HASH_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
        {NFTA_HASH_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_HASH_LEN, VST_ATTR_BE, "len", NULL, NULL, 0},
        {NFTA_HASH_MODULUS, VST_ATTR_BE, "modulus", NULL, NULL, 0},
        {NFTA_HASH_SEED, VST_ATTR_BE, "seed", NULL, NULL, 0},
        {NFTA_HASH_OFFSET, VST_ATTR_BE, "offset", NULL, NULL, 0},
        {NFTA_HASH_TYPE, VST_ATTR_BE, "type", NULL, hash_names, COUNT(hash_names)},
};

static const struct vst_attr x_rt_list[] = {
        {NFTA_RT_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_RT_KEY, VST_ATTR_BE, "key", NULL, rt_names, COUNT(rt_names)},
};

static const struct vst_attr x_socket_list[] = {
        {NFTA_SOCKET_KEY, VST_ATTR_BE, "key", NULL, sock_names, COUNT(sock_names)},
        {NFTA_SOCKET_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_SOCKET_LEVEL, VST_ATTR_BE, "level", NULL, NULL, 0},
};

static const struct vst_attr x_ct_list[] = {
        {NFTA_CT_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_CT_KEY, VST_ATTR_BE, "key", NULL, ct_names, COUNT(ct_names)},
        {NFTA_CT_DIRECTION, VST_ATTR_BE, "direction", NULL, NULL, 0},
        {NFTA_CT_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
};

static const struct vst_attr x_log_list[] = {
        {NFTA_LOG_GROUP, VST_ATTR_BE, "group", NULL, NULL, 0},
        {NFTA_LOG_PREFIX, VST_ATTR_TEXT, "prefix", NULL, NULL, 0},
        {NFTA_LOG_SNAPLEN, VST_ATTR_BE, "snaplen", NULL, NULL, 0},
        {NFTA_LOG_QTHRESHOLD, VST_ATTR_BE, "queue_threshold", NULL, NULL, 0},
        {NFTA_LOG_LEVEL, VST_ATTR_BE, "level", NULL, loglevel_names, COUNT(loglevel_names)},
        {NFTA_LOG_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr x_queue_list[] = {
        {NFTA_QUEUE_NUM, VST_ATTR_BE, "number", NULL, NULL, 0},
        {NFTA_QUEUE_TOTAL, VST_ATTR_BE, "total", NULL, NULL, 0},
        {NFTA_QUEUE_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_QUEUE_SREG_QNUM, VST_ATTR_BE, "sreg", NULL, NULL, 0},
};

static const struct vst_attr x_reject_list[] = {
        {NFTA_REJECT_TYPE, VST_ATTR_BE, "type", NULL, reject_names, COUNT(reject_names)},
        {NFTA_REJECT_ICMP_CODE, VST_ATTR_BE, "icmp_code", NULL, NULL, 0},
};

static const struct vst_attr x_nat_list[] = {
        {NFTA_NAT_TYPE, VST_ATTR_BE, "type", NULL, nat_names, COUNT(nat_names)},
        {NFTA_NAT_FAMILY, VST_ATTR_BE, "family", NULL, NULL, 0},
        {NFTA_NAT_REG_ADDR_MIN, VST_ATTR_BE, "reg_addr_min", NULL, NULL, 0},
        {NFTA_NAT_REG_ADDR_MAX, VST_ATTR_BE, "reg_addr_max", NULL, NULL, 0},
        {NFTA_NAT_REG_PROTO_MIN, VST_ATTR_BE, "reg_proto_min", NULL, NULL, 0},
        {NFTA_NAT_REG_PROTO_MAX, VST_ATTR_BE, "reg_proto_max", NULL, NULL, 0},
        {NFTA_NAT_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr x_tproxy_list[] = {
        {NFTA_TPROXY_FAMILY, VST_ATTR_BE, "family", NULL, NULL, 0},
        {NFTA_TPROXY_REG_ADDR, VST_ATTR_BE, "reg_addr", NULL, NULL, 0},
        {NFTA_TPROXY_REG_PORT, VST_ATTR_BE, "reg_port", NULL, NULL, 0},
};

static const struct vst_attr x_masq_list[] = {
        {NFTA_MASQ_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_MASQ_REG_PROTO_MIN, VST_ATTR_BE, "reg_proto_min", NULL, NULL, 0},
        {NFTA_MASQ_REG_PROTO_MAX, VST_ATTR_BE, "reg_proto_max", NULL, NULL, 0},
};

static const struct vst_attr x_redir_list[] = {
        {NFTA_REDIR_REG_PROTO_MIN, VST_ATTR_BE, "reg_proto_min", NULL, NULL, 0},
        {NFTA_REDIR_REG_PROTO_MAX, VST_ATTR_BE, "reg_proto_max", NULL, NULL, 0},
        {NFTA_REDIR_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr x_dup_list[] = {
        {NFTA_DUP_SREG_ADDR, VST_ATTR_BE, "sreg_addr", NULL, NULL, 0},
        {NFTA_DUP_SREG_DEV, VST_ATTR_BE, "sreg_dev", NULL, NULL, 0},
};

static const struct vst_attr x_fwd_list[] = {
        {NFTA_FWD_SREG_DEV, VST_ATTR_BE, "sreg_dev", NULL, NULL, 0},
        {NFTA_FWD_SREG_ADDR, VST_ATTR_BE, "sreg_addr", NULL, NULL, 0},
        {NFTA_FWD_NFPROTO, VST_ATTR_BE, "family", NULL, NULL, 0},
};

static const struct vst_attr x_objref_list[] = {
        {NFTA_OBJREF_IMM_TYPE, VST_ATTR_BE, "type", NULL, obj_names, COUNT(obj_names)},
        {NFTA_OBJREF_IMM_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_OBJREF_SET_SREG, VST_ATTR_BE, "sreg", NULL, NULL, 0},
        {NFTA_OBJREF_SET_NAME, VST_ATTR_TEXT, "set", NULL, NULL, 0},
};

static const struct vst_attr x_fib_list[] = {
        {NFTA_FIB_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_FIB_RESULT, VST_ATTR_BE, "result", NULL, fib_names, COUNT(fib_names)},
        {NFTA_FIB_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr x_flow_offload_list[] = {
        {NFTA_FLOW_TABLE_NAME, VST_ATTR_TEXT, "flowtable", NULL, NULL, 0},
};

static const struct vst_attr x_numgen_list[] = {
        {NFTA_NG_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_NG_MODULUS, VST_ATTR_BE, "modulus", NULL, NULL, 0},
        {NFTA_NG_TYPE, VST_ATTR_BE, "type", NULL, ng_names, COUNT(ng_names)},
        {NFTA_NG_OFFSET, VST_ATTR_BE, "offset", NULL, NULL, 0},
};

static const struct vst_attr x_osf_list[] = {
        {NFTA_OSF_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_OSF_TTL, VST_ATTR_BE, "ttl", NULL, NULL, 0},
        {NFTA_OSF_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr x_synproxy_list[] = {
        {NFTA_SYNPROXY_MSS, VST_ATTR_BE, "mss", NULL, NULL, 0},
        {NFTA_SYNPROXY_WSCALE, VST_ATTR_BE, "window_scale", NULL, NULL, 0},
        {NFTA_SYNPROXY_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};

static const struct vst_attr x_xfrm_list[] = {
        {NFTA_XFRM_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_XFRM_KEY, VST_ATTR_BE, "key", NULL, xfrm_names, COUNT(xfrm_names)},
        {NFTA_XFRM_DIR, VST_ATTR_BE, "direction", NULL, NULL, 0},
        {NFTA_XFRM_SPNUM, VST_ATTR_BE, "number", NULL, NULL, 0},
};

static const struct vst_attr x_tunnel_list[] = {
        {NFTA_TUNNEL_KEY, VST_ATTR_BE, "key", NULL, NULL, 0},
        {NFTA_TUNNEL_DREG, VST_ATTR_BE, "dreg", NULL, NULL, 0},
        {NFTA_TUNNEL_MODE, VST_ATTR_BE, "mode", NULL, NULL, 0},
};

static const struct vst_attr x_match_list[] = {
        {NFTA_MATCH_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_MATCH_REV, VST_ATTR_BE, "revision", NULL, NULL, 0},
        {NFTA_MATCH_INFO, VST_ATTR_BYTES, "info_base64", NULL, NULL, 0},
};

static const struct vst_attr x_target_list[] = {
        {NFTA_TARGET_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_TARGET_REV, VST_ATTR_BE, "revision", NULL, NULL, 0},
        {NFTA_TARGET_INFO, VST_ATTR_BYTES, "info_base64", NULL, NULL, 0},
};

/* By the name that the kernel gives an expression. */
static const struct vst_attr_table expressions[] = {
        {"counter", counter_list, COUNT(counter_list)},
        {"limit", limit_list, COUNT(limit_list)},
        {"quota", quota_list, COUNT(quota_list)},
        {"connlimit", connlimit_list, COUNT(connlimit_list)},
        {"last", last_list, COUNT(last_list)},
        {"immediate", x_immediate_list, COUNT(x_immediate_list)},
        {"bitwise", x_bitwise_list, COUNT(x_bitwise_list)},
        {"byteorder", x_byteorder_list, COUNT(x_byteorder_list)},
        {"cmp", x_cmp_list, COUNT(x_cmp_list)},
        {"range", x_range_list, COUNT(x_range_list)},
        {"lookup", x_lookup_list, COUNT(x_lookup_list)},
        {"dynset", x_dynset_list, COUNT(x_dynset_list)},
        {"payload", x_payload_list, COUNT(x_payload_list)},
        {"exthdr", x_exthdr_list, COUNT(x_exthdr_list)},
        {"meta", x_meta_list, COUNT(x_meta_list)},
        {"hash", x_hash_list, COUNT(x_hash_list)},
        {"rt", x_rt_list, COUNT(x_rt_list)},
        {"socket", x_socket_list, COUNT(x_socket_list)},
        {"ct", x_ct_list, COUNT(x_ct_list)},
        {"log", x_log_list, COUNT(x_log_list)},
        {"queue", x_queue_list, COUNT(x_queue_list)},
        {"reject", x_reject_list, COUNT(x_reject_list)},
        {"nat", x_nat_list, COUNT(x_nat_list)},
        {"tproxy", x_tproxy_list, COUNT(x_tproxy_list)},
        {"masq", x_masq_list, COUNT(x_masq_list)},
        {"redir", x_redir_list, COUNT(x_redir_list)},
        {"dup", x_dup_list, COUNT(x_dup_list)},
        {"fwd", x_fwd_list, COUNT(x_fwd_list)},
        {"objref", x_objref_list, COUNT(x_objref_list)},
        {"fib", x_fib_list, COUNT(x_fib_list)},
        {"flow_offload", x_flow_offload_list, COUNT(x_flow_offload_list)},
        {"numgen", x_numgen_list, COUNT(x_numgen_list)},
        {"osf", x_osf_list, COUNT(x_osf_list)},
        {"synproxy", x_synproxy_list, COUNT(x_synproxy_list)},
        {"xfrm", x_xfrm_list, COUNT(x_xfrm_list)},
        {"tunnel", x_tunnel_list, COUNT(x_tunnel_list)},
        {"match", x_match_list, COUNT(x_match_list)},
        {"target", x_target_list, COUNT(x_target_list)},
        {NULL, NULL, 0},
};

static const struct vst_attr expression_list[] = {
        {NFTA_EXPR_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_EXPR_DATA, VST_ATTR_CHOICE, "data", expressions, NULL, 0},
};
static const struct vst_attr_table expression = {NULL, expression_list, COUNT(expression_list)};

static const struct vst_attr device_list[] = {
        {NFTA_DEVICE_NAME, VST_ATTR_TEXT, "device", NULL, NULL, 0},
};
static const struct vst_attr_table device = {NULL, device_list, COUNT(device_list)};

static const struct vst_attr hook_list[] = {
        {NFTA_HOOK_HOOKNUM, VST_ATTR_BE, "number", NULL, NULL, 0},
        {NFTA_HOOK_PRIORITY, VST_ATTR_BE_SIGNED, "priority", NULL, NULL, 0},
        {NFTA_HOOK_DEV, VST_ATTR_TEXT, "device", NULL, NULL, 0},
        {NFTA_HOOK_DEVS, VST_ATTR_VALUES, "devices", &device, NULL, 0},
};
static const struct vst_attr_table hook = {NULL, hook_list, COUNT(hook_list)};

static const struct vst_attr nft_table_list[] = {
        {NFTA_TABLE_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_TABLE_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_TABLE_USE, VST_ATTR_BE, "use", NULL, NULL, 0},
        {NFTA_TABLE_HANDLE, VST_ATTR_BE, "handle", NULL, NULL, 0},
        {NFTA_TABLE_USERDATA, VST_ATTR_BYTES, "userdata_base64", NULL, NULL, 0},
        {NFTA_TABLE_OWNER, VST_ATTR_BE, "owner", NULL, NULL, 0},
};
static const struct vst_attr_table nft_table = {NULL, nft_table_list, COUNT(nft_table_list)};

static const struct vst_attr nft_chain_list[] = {
        {NFTA_CHAIN_TABLE, VST_ATTR_TEXT, "table", NULL, NULL, 0},
        {NFTA_CHAIN_HANDLE, VST_ATTR_BE, "handle", NULL, NULL, 0},
        {NFTA_CHAIN_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_CHAIN_HOOK, VST_ATTR_NEST, "hook", &hook, NULL, 0},
        {NFTA_CHAIN_POLICY, VST_ATTR_BE, "policy", NULL, policy_names, COUNT(policy_names)},
        {NFTA_CHAIN_USE, VST_ATTR_BE, "use", NULL, NULL, 0},
        {NFTA_CHAIN_TYPE, VST_ATTR_TEXT, "chain_type", NULL, NULL, 0},
        {NFTA_CHAIN_COUNTERS, VST_ATTR_NEST, "counters", &counter, NULL, 0},
        {NFTA_CHAIN_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_CHAIN_USERDATA, VST_ATTR_BYTES, "userdata_base64", NULL, NULL, 0},
};
static const struct vst_attr_table nft_chain = {NULL, nft_chain_list, COUNT(nft_chain_list)};

static const struct vst_attr compat_list[] = {
        {NFTA_RULE_COMPAT_PROTO, VST_ATTR_BE, "protocol", NULL, NULL, 0},
        {NFTA_RULE_COMPAT_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};
static const struct vst_attr_table compat = {NULL, compat_list, COUNT(compat_list)};

static const struct vst_attr nft_rule_list[] = {
        {NFTA_RULE_TABLE, VST_ATTR_TEXT, "table", NULL, NULL, 0},
        {NFTA_RULE_CHAIN, VST_ATTR_TEXT, "chain", NULL, NULL, 0},
        {NFTA_RULE_HANDLE, VST_ATTR_BE, "handle", NULL, NULL, 0},
        {NFTA_RULE_POSITION, VST_ATTR_BE, "position", NULL, NULL, 0},
        {NFTA_RULE_EXPRESSIONS, VST_ATTR_LIST, "expressions", &expression, NULL, 0},
        {NFTA_RULE_COMPAT, VST_ATTR_NEST, "compat", &compat, NULL, 0},
        {NFTA_RULE_USERDATA, VST_ATTR_BYTES, "userdata_base64", NULL, NULL, 0},
};
static const struct vst_attr_table nft_rule = {NULL, nft_rule_list, COUNT(nft_rule_list)};

static const struct vst_attr field_list[] = {
        {NFTA_SET_FIELD_LEN, VST_ATTR_BE, "len", NULL, NULL, 0},
};
static const struct vst_attr_table field = {NULL, field_list, COUNT(field_list)};

static const struct vst_attr set_desc_list[] = {
        {NFTA_SET_DESC_SIZE, VST_ATTR_BE, "size", NULL, NULL, 0},
        {NFTA_SET_DESC_CONCAT, VST_ATTR_LIST, "fields", &field, NULL, 0},
};
static const struct vst_attr_table set_desc = {NULL, set_desc_list, COUNT(set_desc_list)};

static const struct vst_attr nft_set_list[] = {
        {NFTA_SET_TABLE, VST_ATTR_TEXT, "table", NULL, NULL, 0},
        {NFTA_SET_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_SET_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_SET_KEY_TYPE, VST_ATTR_BE, "key_type", NULL, NULL, 0},
        {NFTA_SET_KEY_LEN, VST_ATTR_BE, "key_len", NULL, NULL, 0},
        {NFTA_SET_DATA_TYPE, VST_ATTR_BE, "data_type", NULL, NULL, 0},
        {NFTA_SET_DATA_LEN, VST_ATTR_BE, "data_len", NULL, NULL, 0},
        {NFTA_SET_POLICY, VST_ATTR_BE, "policy", NULL, NULL, 0},
        {NFTA_SET_DESC, VST_ATTR_NEST, "description", &set_desc, NULL, 0},
        {NFTA_SET_TIMEOUT, VST_ATTR_BE, "timeout_ms", NULL, NULL, 0},
        {NFTA_SET_GC_INTERVAL, VST_ATTR_BE, "gc_interval", NULL, NULL, 0},
        {NFTA_SET_USERDATA, VST_ATTR_BYTES, "userdata_base64", NULL, NULL, 0},
        {NFTA_SET_OBJ_TYPE, VST_ATTR_BE, "object_type", NULL, obj_names, COUNT(obj_names)},
        {NFTA_SET_HANDLE, VST_ATTR_BE, "handle", NULL, NULL, 0},
        {NFTA_SET_EXPR, VST_ATTR_NEST, "expression", &expression, NULL, 0},
        {NFTA_SET_EXPRESSIONS, VST_ATTR_LIST, "expressions", &expression, NULL, 0},
};
static const struct vst_attr_table nft_set = {NULL, nft_set_list, COUNT(nft_set_list)};

static const struct vst_attr element_list[] = {
        {NFTA_SET_ELEM_KEY, VST_ATTR_NEST, "key", &data, NULL, 0},
        {NFTA_SET_ELEM_KEY_END, VST_ATTR_NEST, "key_end", &data, NULL, 0},
        {NFTA_SET_ELEM_DATA, VST_ATTR_NEST, "data", &data, NULL, 0},
        {NFTA_SET_ELEM_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
        {NFTA_SET_ELEM_TIMEOUT, VST_ATTR_BE, "timeout_ms", NULL, NULL, 0},
        {NFTA_SET_ELEM_EXPIRATION, VST_ATTR_BE, "expires_ms", NULL, NULL, 0},
        {NFTA_SET_ELEM_USERDATA, VST_ATTR_BYTES, "userdata_base64", NULL, NULL, 0},
        {NFTA_SET_ELEM_EXPR, VST_ATTR_NEST, "expression", &expression, NULL, 0},
        {NFTA_SET_ELEM_OBJREF, VST_ATTR_TEXT, "object", NULL, NULL, 0},
        {NFTA_SET_ELEM_EXPRESSIONS, VST_ATTR_LIST, "expressions", &expression, NULL, 0},
};
static const struct vst_attr_table element = {NULL, element_list, COUNT(element_list)};

static const struct vst_attr nft_elements_list[] = {
        {NFTA_SET_ELEM_LIST_TABLE, VST_ATTR_TEXT, "table", NULL, NULL, 0},
        {NFTA_SET_ELEM_LIST_SET, VST_ATTR_TEXT, "set", NULL, NULL, 0},
        {NFTA_SET_ELEM_LIST_ELEMENTS, VST_ATTR_LIST, "elements", &element, NULL, 0},
};
static const struct vst_attr_table nft_elements = {NULL, nft_elements_list, COUNT(nft_elements_list)};

static const struct vst_attr nft_object_list[] = {
        {NFTA_OBJ_TABLE, VST_ATTR_TEXT, "table", NULL, NULL, 0},
        {NFTA_OBJ_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_OBJ_TYPE, VST_ATTR_BE, "object_type", NULL, obj_names, COUNT(obj_names)},
        {NFTA_OBJ_DATA, VST_ATTR_BYTES, "data_base64", NULL, NULL, 0},
        {NFTA_OBJ_USE, VST_ATTR_BE, "use", NULL, NULL, 0},
        {NFTA_OBJ_HANDLE, VST_ATTR_BE, "handle", NULL, NULL, 0},
        {NFTA_OBJ_USERDATA, VST_ATTR_BYTES, "userdata_base64", NULL, NULL, 0},
};
static const struct vst_attr_table nft_object = {NULL, nft_object_list, COUNT(nft_object_list)};

static const struct vst_attr flow_hook_list[] = {
        {NFTA_FLOWTABLE_HOOK_NUM, VST_ATTR_BE, "number", NULL, NULL, 0},
        {NFTA_FLOWTABLE_HOOK_PRIORITY, VST_ATTR_BE_SIGNED, "priority", NULL, NULL, 0},
        {NFTA_FLOWTABLE_HOOK_DEVS, VST_ATTR_VALUES, "devices", &device, NULL, 0},
};
static const struct vst_attr_table flow_hook = {NULL, flow_hook_list, COUNT(flow_hook_list)};

static const struct vst_attr nft_flowtable_list[] = {
        {NFTA_FLOWTABLE_TABLE, VST_ATTR_TEXT, "table", NULL, NULL, 0},
        {NFTA_FLOWTABLE_NAME, VST_ATTR_TEXT, "name", NULL, NULL, 0},
        {NFTA_FLOWTABLE_HOOK, VST_ATTR_NEST, "hook", &flow_hook, NULL, 0},
        {NFTA_FLOWTABLE_USE, VST_ATTR_BE, "use", NULL, NULL, 0},
        {NFTA_FLOWTABLE_HANDLE, VST_ATTR_BE, "handle", NULL, NULL, 0},
        {NFTA_FLOWTABLE_FLAGS, VST_ATTR_BE, "flags", NULL, NULL, 0},
};
static const struct vst_attr_table nft_flowtable = {NULL, nft_flowtable_list, COUNT(nft_flowtable_list)};

static const struct vst_attr nft_generation_list[] = {
        {NFTA_GEN_ID, VST_ATTR_BE, "id", NULL, NULL, 0},
        {NFTA_GEN_PROC_PID, VST_ATTR_BE, "pid", NULL, NULL, 0},
        {NFTA_GEN_PROC_NAME, VST_ATTR_TEXT, "process", NULL, NULL, 0},
};
static const struct vst_attr_table nft_generation = {NULL, nft_generation_list, COUNT(nft_generation_list)};
/* ---- messages ---- */

static const struct {
	const char *name;
	uint8_t request, answer;
	const struct vst_attr_table *table;
} kinds[VST_NFT_KINDS] = {
        [VST_NFT_GENERATION] = {"generation", NFT_MSG_GETGEN, NFT_MSG_NEWGEN, &nft_generation},
        [VST_NFT_TABLE] = {"table", NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, &nft_table},
        [VST_NFT_CHAIN] = {"chain", NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, &nft_chain},
        [VST_NFT_RULE] = {"rule", NFT_MSG_GETRULE, NFT_MSG_NEWRULE, &nft_rule},
        [VST_NFT_SET] = {"set", NFT_MSG_GETSET, NFT_MSG_NEWSET, &nft_set},
        [VST_NFT_ELEMENTS] = {"elements", NFT_MSG_GETSETELEM, NFT_MSG_NEWSETELEM, &nft_elements},
        [VST_NFT_OBJECT] = {"object", NFT_MSG_GETOBJ, NFT_MSG_NEWOBJ, &nft_object},
        [VST_NFT_FLOWTABLE] = {"flowtable", NFT_MSG_GETFLOWTABLE, NFT_MSG_NEWFLOWTABLE, &nft_flowtable},
};

const char *vst_nft_kind_name(enum vst_nft_kind kind)
{
	return kinds[kind].name;
}

static uint16_t type_of(uint8_t message)
{
	return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
}

uint16_t vst_nft_request(enum vst_nft_kind kind)
{
	return type_of(kinds[kind].request);
}

static void write_family(struct vst_json *json, uint8_t family)
{
	static const char *const families[] = {[NFPROTO_INET] = "inet",
	        [NFPROTO_IPV4] = "ip",
	        [NFPROTO_ARP] = "arp",
	        [NFPROTO_NETDEV] = "netdev",
	        [NFPROTO_BRIDGE] = "bridge",
	        [NFPROTO_IPV6] = "ip6"};
	vst_json_key(json, "family");
	if (family < COUNT(families) && families[family])
		vst_json_string(json, families[family]);
	else
		vst_json_uint(json, family);
}

bool vst_nft_write(enum vst_nft_kind kind, const struct vst_netlink_message *message, struct vst_json *json)
{
	struct vst_reader body = message->body;
	struct nfgenmsg head;
	if (message->type != type_of(kinds[kind].answer) || !vst_netlink_take(&body, &head, sizeof head))
		return false;
	write_family(json, head.nfgen_family);
	vst_attrs_write(json, body, kinds[kind].table);
	return true;
}

bool vst_nft_set_of(const struct vst_netlink_message *message, struct vst_nft_set *ret)
{
	struct vst_reader body = message->body;
	struct nfgenmsg head;
	if (message->type != type_of(NFT_MSG_NEWSET) || !vst_netlink_take(&body, &head, sizeof head))
		return false;
	ret->family = head.nfgen_family;
	ret->table = vst_attrs_find(body, NFTA_SET_TABLE);
	ret->name = vst_attrs_find(body, NFTA_SET_NAME);
	return ret->table.len > 0 && ret->name.len > 0;
}
