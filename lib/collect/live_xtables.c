#include "collect/live_xtables.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/live_field.h"

#define TARGET_NAME 29 /* XT_EXTENSION_MAXNAMELEN */
#define TARGET_HEAD 32

const struct vst_xtables_layout *vst_xtables_layout_of(int family)
{
	static const struct vst_xtables_layout v4 = {offsetof(struct ipt_entry, target_offset),
	        offsetof(struct ipt_entry, next_offset), offsetof(struct ipt_entry, counters),
	        sizeof(struct ipt_entry)};
	static const struct vst_xtables_layout v6 = {offsetof(struct ip6t_entry, target_offset),
	        offsetof(struct ip6t_entry, next_offset), offsetof(struct ip6t_entry, counters),
	        sizeof(struct ip6t_entry)};
	return family == AF_INET6 ? &v6 : &v4;
}

struct entry {
	uint64_t packets, bytes;
	const uint8_t *target; /* TARGET_HEAD bytes at least */
	size_t target_len, next;
};

static bool entry_at(const struct vst_xtables_layout *layout, const uint8_t *entries, size_t len, size_t at,
        struct entry *ret)
{
	uint16_t target, next;
	if (at > len || len - at < layout->head)
		return false;
	memcpy(&target, entries + at + layout->target_offset, sizeof target);
	memcpy(&next, entries + at + layout->next_offset, sizeof next);
	if (next < layout->head || next > len - at || target < layout->head || target > next ||
	        (size_t)(next - target) < TARGET_HEAD)
		return false;
	memcpy(&ret->packets, entries + at + layout->counters, sizeof ret->packets);
	memcpy(&ret->bytes, entries + at + layout->counters + sizeof ret->packets, sizeof ret->bytes);
	ret->target = entries + at + target;
	ret->target_len = (size_t)(next - target);
	ret->next = at + next;
	return true;
}

static const char *verdict_name(const struct entry *entry)
{
	int32_t verdict;
	if (entry->target_len < TARGET_HEAD + sizeof verdict)
		return "unknown";
	memcpy(&verdict, entry->target + TARGET_HEAD, sizeof verdict);
	switch (verdict) {
	case -NF_DROP - 1:
		return "DROP";
	case -NF_ACCEPT - 1:
		return "ACCEPT";
	case -NF_QUEUE - 1:
		return "QUEUE";
	case XT_RETURN:
		return "RETURN";
	default:
		return verdict >= 0 ? "jump" : "unknown";
	}
}

static void write_entry(struct vst_json *json, const struct entry *entry)
{
	const char *name = (const char *)entry->target + 2;
	size_t len = strnlen(name, TARGET_NAME);
	vst_json_object(json);
	if (len == 0)
		vst_live_string(json, "verdict", verdict_name(entry));
	else
		vst_live_text(json, "target", name, len);
	if (len == 5 && memcmp(name, "ERROR", 5) == 0 && entry->target_len > TARGET_HEAD)
		vst_live_text(json, "chain", entry->target + TARGET_HEAD,
		        strnlen((const char *)entry->target + TARGET_HEAD, entry->target_len - TARGET_HEAD));
	vst_live_put_uint(json, "packets", entry->packets);
	vst_live_put_uint(json, "bytes", entry->bytes);
	vst_json_end(json);
}

/* A hook's chain ends with the entry at its underflow, whose verdict is the policy. */
static bool write_policies(const struct vst_xtables_layout *layout, const struct vst_xtables_info *info,
        const uint8_t *entries, size_t len, struct vst_json *json)
{
	static const char *const chains[] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"};
	bool good = true;
	vst_json_key(json, "policies");
	vst_json_object(json);
	for (size_t i = 0; i < VST_XTABLES_HOOKS; i++) {
		struct entry entry;
		if (!(info->hooks & 1U << i))
			continue;
		if (entry_at(layout, entries, len, info->underflow[i], &entry))
			vst_live_string(json, chains[i], verdict_name(&entry));
		else
			good = false;
	}
	vst_json_end(json);
	return good;
}

bool vst_xtables_write(const struct vst_xtables_layout *layout, const struct vst_xtables_info *info,
        const uint8_t *entries, size_t len, struct vst_json *json)
{
	bool good = write_policies(layout, info, entries, len, json);
	struct entry entry;
	size_t at = 0, count = 0;
	vst_json_key(json, "rules");
	vst_json_array(json);
	for (; at < len && entry_at(layout, entries, len, at, &entry); at = entry.next)
		if (count++ < VST_XTABLES_ENTRIES_MAX)
			write_entry(json, &entry);
	vst_json_end(json);
	return good && at == len && count == info->count;
}
