#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collect/limits.h"
#include "collect/live_field.h"
#include "collect/live_tree.h"
#include "vestige/err.h"
#include "vestige/hash.h"
#include "vestige/mem.h"

#define PATH "/bpf.jsonl"
#define PINNED "sys/fs/bpf"
#define OBJECTS_MAX (1024 * 1024)           /* of each kind */
#define MAPS_MAX 4096                       /* of one program that are told */
#define INSTRUCTIONS_MAX (64 * 1024 * 1024) /* bytes of one program's code */
#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char *const program_types[] = {"unspec", "socket_filter", "kprobe", "sched_cls", "sched_act",
        "tracepoint", "xdp", "perf_event", "cgroup_skb", "cgroup_sock", "lwt_in", "lwt_out", "lwt_xmit",
        "sock_ops", "sk_skb", "cgroup_device", "sk_msg", "raw_tracepoint", "cgroup_sock_addr",
        "lwt_seg6local", "lirc_mode2", "sk_reuseport", "flow_dissector", "cgroup_sysctl",
        "raw_tracepoint_writable", "cgroup_sockopt", "tracing", "struct_ops", "ext", "lsm", "sk_lookup",
        "syscall", "netfilter"};

static const char *const map_types[] = {"unspec", "hash", "array", "prog_array", "perf_event_array",
        "percpu_hash", "percpu_array", "stack_trace", "cgroup_array", "lru_hash", "lru_percpu_hash",
        "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap", "sockhash",
        "cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack", "sk_storage",
        "devmap_hash", "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter",
        "user_ringbuf", "cgrp_storage", "arena"};

static const char *const link_types[] = {"unspec", "raw_tracepoint", "tracing", "cgroup", "iter", "netns",
        "xdp", "perf_event", "kprobe_multi", "struct_ops", "netfilter", "tcx", "uprobe_multi", "netkit",
        "sockmap"};

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int info_of(int fd, void *info, size_t size)
{
	union bpf_attr attr = {0};
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = (uint32_t)size;
	attr.info.info = (uintptr_t)info;
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) != 0 ? errno : 0;
}

static void write_type(struct vst_json *json, uint32_t type, const char *const *names, size_t count)
{
	vst_json_key(json, "type");
	if (type < count)
		vst_json_string(json, names[type]);
	else
		vst_json_uint(json, type);
}

static void write_name(struct vst_json *json, const char *name, size_t size)
{
	vst_live_text(json, "name", name, strnlen(name, size));
}

/* ---- programs ---- */

/* The code as the verifier left it: the same for all who may see it, so its digest can be compared between
 * hosts. */
static int write_code(int fd, uint32_t len, struct vst_json *json, struct vst_err *err)
{
	struct bpf_prog_info info = {0};
	uint8_t digest[VST_HASH_LEN];
	if (len == 0 || len > INSTRUCTIONS_MAX)
		return 0;
	void *code = vst_calloc(1, len);
	if (!code)
		return vst_err_nomem(err);
	info.xlated_prog_len = len;
	info.xlated_prog_insns = (uintptr_t)code;
	/* The kernel clears the address where it does not give the code away. */
	if (info_of(fd, &info, sizeof info) == 0 && info.xlated_prog_insns != 0 &&
	        info.xlated_prog_len <= len) {
		vst_sha256(code, info.xlated_prog_len, digest);
		vst_json_key(json, "xlated_sha256");
		vst_json_hex(json, digest, sizeof digest);
	}
	free(code);
	return 0;
}

static void write_maps(int fd, uint32_t count, struct vst_json *json)
{
	uint32_t maps[MAPS_MAX];
	struct bpf_prog_info info = {
	        .nr_map_ids = count < MAPS_MAX ? count : MAPS_MAX, .map_ids = (uintptr_t)maps};
	if (count == 0 || info_of(fd, &info, sizeof info) != 0)
		return;
	uint32_t got = info.nr_map_ids < MAPS_MAX ? info.nr_map_ids : MAPS_MAX;
	vst_json_key(json, "maps");
	vst_json_array(json);
	for (uint32_t i = 0; i < got && i < count; i++)
		vst_json_uint(json, maps[i]);
	vst_json_end(json);
}

static int write_program(int fd, struct vst_json *json, int *ret_error, struct vst_err *err)
{
	struct bpf_prog_info info = {0};
	*ret_error = info_of(fd, &info, sizeof info);
	if (*ret_error != 0)
		return 0;
	write_type(json, info.type, program_types, COUNT(program_types));
	write_name(json, info.name, sizeof info.name);
	vst_json_key(json, "tag");
	vst_json_hex(json, info.tag, sizeof info.tag);
	vst_live_put_uint(json, "loaded_ns_after_boot", info.load_time);
	vst_live_put_uint(json, "uid", info.created_by_uid);
	vst_live_put_bool(json, "gpl", info.gpl_compatible);
	vst_live_put_uint(json, "jited_len", info.jited_prog_len);
	vst_live_put_uint(json, "xlated_len", info.xlated_prog_len);
	if (info.ifindex != 0)
		vst_live_put_uint(json, "interface", info.ifindex);
	vst_live_put_uint(json, "btf", info.btf_id);
	vst_live_put_uint(json, "attach_btf_object", info.attach_btf_obj_id);
	vst_live_put_uint(json, "attach_btf", info.attach_btf_id);
	vst_live_put_uint(json, "runs", info.run_cnt);
	vst_live_put_uint(json, "run_ns", info.run_time_ns);
	write_maps(fd, info.nr_map_ids, json);
	return write_code(fd, info.xlated_prog_len, json, err);
}

/* ---- maps, types, links ---- */

static int write_map(int fd, struct vst_json *json, int *ret_error, struct vst_err *err)
{
	struct bpf_map_info info = {0};
	(void)err;
	*ret_error = info_of(fd, &info, sizeof info);
	if (*ret_error != 0)
		return 0;
	write_type(json, info.type, map_types, COUNT(map_types));
	write_name(json, info.name, sizeof info.name);
	vst_live_put_uint(json, "key_size", info.key_size);
	vst_live_put_uint(json, "value_size", info.value_size);
	vst_live_put_uint(json, "max_entries", info.max_entries);
	vst_live_put_uint(json, "flags", info.map_flags);
	vst_live_put_uint(json, "btf", info.btf_id);
	return 0;
}

static int write_btf(int fd, struct vst_json *json, int *ret_error, struct vst_err *err)
{
	char name[128] = {0};
	struct bpf_btf_info info = {.name = (uintptr_t)name, .name_len = sizeof name};
	(void)err;
	*ret_error = info_of(fd, &info, sizeof info);
	/* ENOSPC: the name was cut. */
	if (*ret_error != 0 && *ret_error != ENOSPC)
		return 0;
	*ret_error = 0;
	write_name(json, name, sizeof name);
	vst_live_put_uint(json, "size", info.btf_size);
	vst_live_put_bool(json, "kernel", info.kernel_btf != 0);
	return 0;
}

static int write_link(int fd, struct vst_json *json, int *ret_error, struct vst_err *err)
{
	struct bpf_link_info info = {0};
	char name[128] = {0};
	(void)err;
	*ret_error = info_of(fd, &info, sizeof info);
	if (*ret_error != 0)
		return 0;
	write_type(json, info.type, link_types, COUNT(link_types));
	vst_live_put_uint(json, "program", info.prog_id);
	switch (info.type) {
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		info = (struct bpf_link_info){
		        .raw_tracepoint = {.tp_name = (uintptr_t)name, .tp_name_len = sizeof name}};
		if (info_of(fd, &info, sizeof info) == 0)
			vst_live_text(json, "tracepoint", name, strnlen(name, sizeof name));
		break;
	case BPF_LINK_TYPE_TRACING:
		vst_live_put_uint(json, "attach_type", info.tracing.attach_type);
		vst_live_put_uint(json, "target_object", info.tracing.target_obj_id);
		vst_live_put_uint(json, "target_btf", info.tracing.target_btf_id);
		break;
	case BPF_LINK_TYPE_CGROUP:
		vst_live_put_uint(json, "cgroup", info.cgroup.cgroup_id);
		vst_live_put_uint(json, "attach_type", info.cgroup.attach_type);
		break;
	case BPF_LINK_TYPE_NETNS:
		vst_live_put_uint(json, "netns", info.netns.netns_ino);
		vst_live_put_uint(json, "attach_type", info.netns.attach_type);
		break;
	case BPF_LINK_TYPE_XDP:
		vst_live_put_uint(json, "interface", info.xdp.ifindex);
		break;
	default:
		break;
	}
	return 0;
}

/* ---- all ---- */

static const struct kind {
	const char *name, *link; /* the latter: what the descriptor's link reads */
	enum bpf_cmd next, open;
	int (*write)(int fd, struct vst_json *json, int *ret_error, struct vst_err *err);
} kinds[] = {
        {"program", "anon_inode:bpf-prog", BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, write_program},
        {"map", "anon_inode:bpf-map", BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, write_map},
        {"link", "anon_inode:bpf_link", BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID, write_link},
        {"btf", "anon_inode:btf", BPF_BTF_GET_NEXT_ID, BPF_BTF_GET_FD_BY_ID, write_btf},
};

static int write_object(struct vst_live *live, const struct kind *kind, uint32_t id, struct vst_err *err)
{
	union bpf_attr attr = {0};
	attr.prog_id = id;
	int error, rc = 0, fd = bpf(kind->open, &attr);
	error = fd < 0 ? errno : 0;
	if (error == ENOENT) /* gone since */
		return 0;
	struct vst_json json = vst_live_begin(live);
	vst_live_string(&json, "kind", kind->name);
	vst_live_put_uint(&json, "id", id);
	if (error == 0)
		rc = kind->write(fd, &json, &error, err);
	if (error != 0)
		vst_live_put_errno(&json, "error", error);
	if (fd >= 0)
		close(fd);
	return rc != 0 ? rc : vst_live_end(live, &json, err);
}

/* `*ret_denied`: errno where we may not ask. */
static int list_kind(struct vst_live *live, const struct kind *kind, int *ret_denied, struct vst_err *err)
{
	char what[64];
	uint32_t id = 0;
	int rc = 0, error = 0;
	for (size_t i = 0; rc == 0 && error == 0; i++) {
		union bpf_attr attr = {0};
		attr.start_id = id;
		error = i >= OBJECTS_MAX ? E2BIG : bpf(kind->next, &attr) != 0 ? errno : 0;
		if (error == 0 && attr.next_id <= id)
			error = EBADMSG;
		id = attr.next_id;
		if (error == 0)
			rc = write_object(live, kind, id, err);
		if (rc == 0)
			rc = vst_limits_check_cancel(live->context, err);
	}
	if (rc != 0 || error == ENOENT) /* ENOENT: there is no next */
		return rc;
	if (error == EPERM || error == EACCES)
		*ret_denied = error;
	snprintf(what, sizeof what, "list of BPF objects: %s", kind->name);
	return vst_live_trouble(live, 0, error, what, err);
}

static uint64_t number_of(const struct kind *kind, int fd)
{
	union {
		struct bpf_prog_info program;
		struct bpf_map_info map;
		struct bpf_link_info link;
		struct bpf_btf_info btf;
	} info = {0};
	if (info_of(fd, &info,
	            kind == &kinds[0]   ? sizeof info.program
	            : kind == &kinds[1] ? sizeof info.map
	            : kind == &kinds[2] ? sizeof info.link
	                                : sizeof info.btf) != 0)
		return 0;
	return kind == &kinds[3] ? info.btf.id : info.program.id;
}

static void write_target(int fd, struct vst_json *json)
{
	char path[64], link[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(path, link, sizeof link);
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (len == (ssize_t)strlen(kinds[i].link) && memcmp(link, kinds[i].link, (size_t)len) == 0) {
			vst_live_string(json, "object", kinds[i].name);
			vst_live_put_uint(json, "id", number_of(&kinds[i], fd));
		}
}

static int see_pinned(void *ctx, const char *path, enum vst_item_type type, int error, struct vst_err *err)
{
	struct vst_live *live = ctx;
	union bpf_attr attr = {0};
	char whole[4096];
	int fd = -1;
	if (error == ENOENT && strcmp(path, PINNED) == 0)
		return 0;
	if (snprintf(whole, sizeof whole, "/%s", path) >= (int)sizeof whole && error == 0)
		error = ENAMETOOLONG;
	if (error == 0 && type == VST_ITEM_FILE) {
		attr.pathname = (uintptr_t)whole;
		attr.file_flags = BPF_F_RDONLY;
		fd = bpf(BPF_OBJ_GET, &attr);
		if (fd < 0) { /* links and programs know no such flag */
			attr.file_flags = 0;
			fd = bpf(BPF_OBJ_GET, &attr);
		}
		error = fd < 0 ? errno : 0;
	}
	struct vst_json json = vst_live_begin(live);
	vst_live_string(&json, "kind", "pinned");
	vst_live_text(&json, "path", whole, strlen(whole));
	if (fd >= 0) {
		write_target(fd, &json);
		close(fd);
	}
	if (error != 0)
		vst_live_put_errno(&json, "error", error);
	return vst_live_end(live, &json, err);
}

int vst_live_bpf(struct vst_live *live, struct vst_err *err)
{
	int denied = 0;
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc == 0 && live->context->content) {
		for (size_t i = 0; rc == 0 && i < COUNT(kinds); i++)
			rc = list_kind(live, &kinds[i], &denied, err);
		if (rc == 0)
			rc = vst_live_tree(live, PINNED, NULL, see_pinned, live, err);
	}
	return rc != 0 ? rc : vst_live_close(live, denied, "bpf", err);
}
