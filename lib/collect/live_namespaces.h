/*
 * Which network and mount namespaces there are, and work inside a network namespace.
 *
 * Found by the threads of all processes (/proc/PID/task/TID/ns), and network namespaces also by descriptors
 * that keep them open and by mounts of them (ip-netns(8)), so that one without a process is seen too.
 */
#ifndef COLLECT_LIVE_NAMESPACES_H
#define COLLECT_LIVE_NAMESPACES_H

#include "collect/live.h"

#define VST_NAMESPACES_MAX 65536
#define VST_NAMESPACE_PATH_MAX 4096

struct vst_namespace {
	uint64_t inode; /* its number, as in "net:[4026531840]" */
	uint64_t pid;   /* a process in it; 0: none is known */
	uint64_t tasks; /* threads in it */
	char *path;     /* within the root, without a slash in front: what leads to it */
	char *name;     /* the last component of its mount, e.g. of /run/netns/NAME; NULL: none */
	bool own;       /* the collector's own */
};

struct vst_namespaces {
	struct vst_namespace *list; /* sorted by inode */
	size_t count, cap;
	uint64_t denied; /* threads whose namespace could not be seen */
	int denied_error;
	bool cut; /* more than VST_NAMESPACES_MAX */
};

/* `kind` is "net" or "mnt". Returns non-zero for want of memory or when cancelled. */
int vst_namespaces_find(
        struct vst_live *live, const char *kind, struct vst_namespaces *ret, struct vst_err *err);
void vst_namespaces_free(struct vst_namespaces *namespaces);

/* Where the network namespace is seen from: /proc/thread-self/net, or, if it could not be entered, a
 * process's. */
struct vst_netns {
	const struct vst_namespace *ns;
	int refused;       /* errno of entering it; 0: the thread is in it */
	char proc_net[64]; /* directory within the root; empty: there is none */
};

typedef int vst_netns_work(void *ctx, const struct vst_netns *at, struct vst_err *err);

/*
 * Does the work in a thread that has entered the namespace: the program itself stays where it is. Where it
 * may not be entered, the work is done all the same and told so. Returns what the work did.
 */
int vst_netns_do(struct vst_live *live, const struct vst_namespace *ns, vst_netns_work *work, void *ctx,
        struct vst_err *err);

/* Does it in each, and says in lines of the open item what of the namespaces could not be seen. */
int vst_netns_each(struct vst_live *live, vst_netns_work *work, void *ctx, struct vst_err *err);

#endif
