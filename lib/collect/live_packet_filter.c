/* Before the kernel's own headers, which know of it. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/live_field.h"
#include "collect/live_namespaces.h"
#include "collect/live_nft.h"
#include "collect/live_xtables.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define PATH "/packet_filter.jsonl"
#define SETS_MAX 65536                /* whose elements are asked for */
#define LEGACY_MAX (64 * 1024 * 1024) /* bytes of one legacy table */
#define ENTRIES_OFFSET 40             /* of the entries in struct ipt_get_entries and ip6t_get_entries */

struct filter {
	struct vst_live *live;
	const struct vst_netns *at;
	enum vst_nft_kind kind;
	bool bad;
	struct vst_buf sets; /* for each: u32 length of the request, and the request */
	size_t set_count;
	uint64_t got; /* messages and tables */
	int denied;   /* errno where we may not ask */
};

static int trouble(struct filter *f, int error, const char *what, const char *more, struct vst_err *err)
{
	char text[160];
	if (error == EPERM || error == EACCES)
		f->denied = error;
	snprintf(text, sizeof text, "%s%s%s", what, more ? " " : "", more ? more : "");
	return vst_live_trouble(f->live, f->at->ns->inode, error, text, err);
}

/* ---- nf_tables ---- */

static void remember_set(struct filter *f, const struct vst_netlink_message *message)
{
	uint8_t request[VST_NETLINK_REQUEST_MAX];
	struct vst_nft_set set;
	if (!vst_nft_set_of(message, &set) || f->set_count++ >= SETS_MAX)
		return;
	const struct nfgenmsg head = {.nfgen_family = set.family, .version = NFNETLINK_V0};
	size_t len = sizeof head;
	memcpy(request, &head, sizeof head);
	if (!vst_netlink_put(
	            request, sizeof request, &len, NFTA_SET_ELEM_LIST_TABLE, set.table.data, set.table.len) ||
	        !vst_netlink_put(
	                request, sizeof request, &len, NFTA_SET_ELEM_LIST_SET, set.name.data, set.name.len)) {
		f->bad = true;
		return;
	}
	vst_buf_u32le(&f->sets, (uint32_t)len);
	vst_buf_bytes(&f->sets, request, len);
}

static int take_message(void *ctx, const struct vst_netlink_message *message, struct vst_err *err)
{
	struct filter *f = ctx;
	struct vst_json json = vst_live_begin(f->live);
	vst_live_put_uint(&json, "netns", f->at->ns->inode);
	vst_live_string(&json, "kind", vst_nft_kind_name(f->kind));
	if (!vst_nft_write(f->kind, message, &json)) {
		f->bad = true;
		return 0;
	}
	f->got++;
	if (f->kind == VST_NFT_SET)
		remember_set(f, message);
	return vst_live_end(f->live, &json, err);
}

/* `*ret_error`: what the kernel said. */
static int list(struct filter *f, struct vst_netlink *netlink, enum vst_nft_kind kind, const void *request,
        size_t len, int *ret_error, struct vst_err *err)
{
	struct vst_netlink_result result;
	f->kind = kind;
	f->bad = false;
	int rc = vst_netlink_dump(netlink, vst_nft_request(kind), kind == VST_NFT_GENERATION ? 0 : NLM_F_DUMP,
	        request, len, take_message, f, &result, err);
	*ret_error = result.error ? result.error : f->bad ? EBADMSG : result.interrupted ? EINTR : 0;
	return rc;
}

static int list_elements(struct filter *f, struct vst_netlink *netlink, struct vst_err *err)
{
	struct vst_reader in = vst_reader_of(f->sets.data, f->sets.len);
	const uint8_t *request;
	uint32_t len;
	int error, rc = vst_buf_check(&f->sets, err);
	while (rc == 0 && vst_reader_u32le(&in, &len) && vst_reader_bytes(&in, len, &request)) {
		rc = list(f, netlink, VST_NFT_ELEMENTS, request, len, &error, err);
		if (rc == 0 && error != 0)
			rc = trouble(f, error, "elements of a set of nf_tables", NULL, err);
	}
	if (rc == 0 && f->set_count > SETS_MAX)
		rc = trouble(f, E2BIG, "elements of the sets beyond the first 65536", NULL, err);
	return rc;
}

static int take_nft(struct filter *f, struct vst_err *err)
{
	static const enum vst_nft_kind order[] = {VST_NFT_GENERATION, VST_NFT_TABLE, VST_NFT_CHAIN,
	        VST_NFT_RULE, VST_NFT_SET, VST_NFT_OBJECT, VST_NFT_FLOWTABLE};
	const struct nfgenmsg head = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0};
	struct vst_netlink netlink;
	int rc = 0, error = vst_netlink_open(NETLINK_NETFILTER, &netlink);
	if (error != 0)
		return trouble(f, error, "nf_tables: the kernel has no netfilter netlink", NULL, err);
	vst_buf_clear(&f->sets);
	f->set_count = 0;
	for (size_t i = 0; rc == 0 && i < sizeof order / sizeof *order; i++) {
		rc = list(f, &netlink, order[i], &head, sizeof head, &error, err);
		/* EINVAL is what a kernel without the subsystem says to its first question. */
		if (rc == 0 && i == 0 && (error == EINVAL || error == EOPNOTSUPP || error == ENOENT)) {
			rc = trouble(f, error, "nf_tables: the kernel has it not, or not loaded", NULL, err);
			break;
		}
		if (rc == 0 && error != 0)
			rc = trouble(f, error, "nf_tables list:", vst_nft_kind_name(order[i]), err);
		if (error == EPERM)
			break;
	}
	if (rc == 0)
		rc = list_elements(f, &netlink, err);
	vst_netlink_close(&netlink);
	return rc;
}

/* ---- legacy tables ---- */

struct legacy {
	struct filter *filter;
	int family, fd;
	const char *word;
};

static int write_legacy(
        struct legacy *l, const struct ipt_getinfo *info, const uint8_t *entries, struct vst_err *err)
{
	struct vst_xtables_info known = {.hooks = info->valid_hooks, .count = info->num_entries};
	struct vst_live *live = l->filter->live;
	l->filter->got++;
	memcpy(known.entry, info->hook_entry, sizeof known.entry);
	memcpy(known.underflow, info->underflow, sizeof known.underflow);
	struct vst_json json = vst_live_begin(live);
	vst_live_put_uint(&json, "netns", l->filter->at->ns->inode);
	vst_live_string(&json, "kind", "legacy_table");
	vst_live_string(&json, "family", l->word);
	vst_live_text(&json, "name", info->name, strnlen(info->name, sizeof info->name));
	vst_live_put_uint(&json, "entries", info->num_entries);
	bool good = vst_xtables_write(vst_xtables_layout_of(l->family), &known, entries, info->size, &json);
	vst_live_put_bool(&json, "consistent", good);
	vst_json_key(&json, "entries_base64");
	vst_json_base64(&json, entries, info->size);
	return vst_live_end(live, &json, err);
}

_Static_assert(
        sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "both families tell the same of a table");

/* The table may change between both calls: then the second fails with EAGAIN, and it is tried again. */
static int take_table(struct legacy *l, const char *name, size_t len, struct vst_err *err)
{
	bool v6 = l->family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, error = EAGAIN, rc = 0;
	uint8_t *block = NULL;
	struct ipt_getinfo info;
	for (int i = 0; error == EAGAIN && i < 4; i++) {
		socklen_t size = sizeof info;
		memset(&info, 0, sizeof info);
		memcpy(info.name, name, len);
		error = getsockopt(l->fd, level, v6 ? IP6T_SO_GET_INFO : IPT_SO_GET_INFO, &info, &size) != 0
		                ? errno
		                : 0;
		if (error == 0 && info.size > LEGACY_MAX)
			error = EFBIG;
		if (error != 0)
			break;
		free(block);
		size = ENTRIES_OFFSET + info.size;
		if (!(block = vst_calloc(1, size)))
			return vst_err_nomem(err);
		memcpy(block, info.name, sizeof info.name);
		memcpy(block + sizeof info.name, &info.size, sizeof info.size);
		if (getsockopt(l->fd, level, v6 ? IP6T_SO_GET_ENTRIES : IPT_SO_GET_ENTRIES, block, &size) !=
		        0)
			error = errno;
	}
	rc = error == 0 ? write_legacy(l, &info, block + ENTRIES_OFFSET, err)
	                : trouble(l->filter, error, "legacy table of", l->word, err);
	free(block);
	return rc;
}

static int take_name(void *ctx, const char *line, size_t len, struct vst_err *err)
{
	return len > 0 && len < XT_TABLE_MAXNAMELEN ? take_table(ctx, line, len, err) : 0;
}

static int take_legacy(struct filter *f, int family, const char *word, const char *names, struct vst_err *err)
{
	struct legacy l = {.filter = f, .family = family, .word = word};
	char path[96];
	int error, rc = 0;
	l.fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (l.fd < 0)
		return trouble(f, errno, "legacy tables of", word, err);
	snprintf(path, sizeof path, "%s/%s", f->at->proc_net, names);
	rc = vst_live_lines(f->live->context->root_fd, path, take_name, &l, &error, err);
	close(l.fd);
	/* A kernel without the legacy tables has no list of them. */
	return rc == 0 && error != 0
	               ? trouble(f, error, error == ENOENT ? "no legacy tables of" : "legacy tables of", word,
	                         err)
	               : rc;
}

static int take_namespace(void *ctx, const struct vst_netns *at, struct vst_err *err)
{
	struct filter *f = ctx;
	f->at = at;
	if (at->refused != 0)
		return trouble(f, at->refused, "entering the network namespace", NULL, err);
	int rc = take_nft(f, err);
	if (rc == 0)
		rc = take_legacy(f, AF_INET, "ip", "ip_tables_names", err);
	if (rc == 0)
		rc = take_legacy(f, AF_INET6, "ip6", "ip6_tables_names", err);
	return rc;
}

int vst_live_packet_filter(struct vst_live *live, struct vst_err *err)
{
	struct filter f = {.live = live};
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc == 0 && live->context->content)
		rc = vst_netns_each(live, take_namespace, &f, err);
	vst_buf_free(&f.sets);
	return rc != 0 ? rc : vst_live_close(live, f.got == 0 ? f.denied : 0, "netfilter", err);
}
