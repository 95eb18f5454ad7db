#include "collect/live_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/limits.h"
#include "collect/listing.h"
#include "collect/live_field.h"
#include "collect/live_mountinfo.h"
#include "vestige/err.h"
#include "vestige/mem.h"

#define MOUNT_NAMESPACES_MAX 4096 /* whose mounts are searched for network namespaces */

struct search {
	struct vst_live *live;
	const char *kind;
	struct vst_namespaces *found;
	int root;
	uint64_t pid; /* the process whose mounts are searched */
};

static struct vst_namespace *known(const struct vst_namespaces *found, uint64_t inode)
{
	for (size_t i = 0; i < found->count; i++)
		if (found->list[i].inode == inode)
			return &found->list[i];
	return NULL;
}

static int add(
        struct vst_namespaces *found, uint64_t inode, uint64_t pid, const char *path, struct vst_err *err)
{
	if (found->count == VST_NAMESPACES_MAX) {
		found->cut = true;
		return 0;
	}
	if (found->count == found->cap) {
		size_t cap = found->cap ? found->cap * 2 : 16;
		struct vst_namespace *grown = vst_realloc(found->list, cap, sizeof *grown);
		if (!grown)
			return vst_err_nomem(err);
		found->list = grown;
		found->cap = cap;
	}
	char *copy = vst_strdup(path);
	if (!copy)
		return vst_err_nomem(err);
	found->list[found->count++] = (struct vst_namespace){.inode = inode, .pid = pid, .path = copy};
	return 0;
}

static bool is_number(const char *name)
{
	return name[0] != '\0' && strspn(name, "0123456789") == strlen(name);
}

/* "net:[4026531840]" */
static bool parse_link(const char *text, const char *kind, uint64_t *ret_inode)
{
	size_t len = strlen(text), kind_len = strlen(kind);
	return len > kind_len + 3 && strncmp(text, kind, kind_len) == 0 && text[kind_len] == ':' &&
	       text[kind_len + 1] == '[' && text[len - 1] == ']' &&
	       vst_live_number(text + kind_len + 2, len - kind_len - 3, 10, ret_inode);
}

static bool read_link(int root, const char *path, const char *kind, uint64_t *ret_inode, int *ret_error)
{
	char text[64];
	ssize_t len = readlinkat(root, path, text, sizeof text - 1);
	*ret_error = len < 0 ? errno : 0;
	if (len < 0)
		return false;
	text[len] = '\0';
	return parse_link(text, kind, ret_inode);
}

static int list(int root, const char *path, struct vst_listing *ret, struct vst_err *err)
{
	int error = 0, fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	int rc = vst_listing_read(ret, fd, &error, err);
	close(fd);
	return rc;
}

/* ---- by threads ---- */

static int see_task(struct search *s, const char *path, uint64_t pid, struct vst_err *err)
{
	uint64_t inode;
	int error;
	if (!read_link(s->root, path, s->kind, &inode, &error)) {
		if (error != 0 && error != ENOENT && error != ESRCH) {
			s->found->denied++;
			s->found->denied_error = error;
		}
		return 0;
	}
	struct vst_namespace *ns = known(s->found, inode);
	int rc = ns ? 0 : add(s->found, inode, pid, path, err);
	ns = ns ? ns : known(s->found, inode);
	if (ns)
		ns->tasks++;
	return rc;
}

static int see_process(struct search *s, const char *pid, struct vst_err *err)
{
	struct vst_listing tasks = {0};
	char path[96];
	snprintf(path, sizeof path, "proc/%.20s/task", pid);
	int rc = list(s->root, path, &tasks, err);
	for (size_t i = 0; rc == 0 && i < tasks.count; i++) {
		snprintf(path, sizeof path, "proc/%.20s/task/%.20s/ns/%s", pid, vst_listing_name(&tasks, i),
		        s->kind);
		rc = see_task(s, path, strtoull(pid, NULL, 10), err);
	}
	vst_listing_free(&tasks);
	return rc;
}

/* ---- network namespaces that are kept without a thread ---- */

static int see_descriptors(struct search *s, const char *pid, struct vst_err *err)
{
	struct vst_listing fds = {0};
	char path[96];
	uint64_t inode;
	int error;
	snprintf(path, sizeof path, "proc/%.20s/fd", pid);
	int rc = list(s->root, path, &fds, err);
	for (size_t i = 0; rc == 0 && i < fds.count; i++) {
		snprintf(path, sizeof path, "proc/%.20s/fd/%.20s", pid, vst_listing_name(&fds, i));
		if (read_link(s->root, path, s->kind, &inode, &error) && !known(s->found, inode))
			rc = add(s->found, inode, 0, path, err);
	}
	vst_listing_free(&fds);
	return rc;
}

static int see_mount(void *ctx, const char *line, size_t len, struct vst_err *err)
{
	struct search *s = ctx;
	struct vst_mountinfo mount;
	struct vst_buf path = VST_BUF_INIT, root = VST_BUF_INIT;
	uint64_t inode;
	int rc = 0;
	if (!vst_mountinfo_parse(line, len, &mount) || mount.type.len != 4 ||
	        memcmp(mount.type.text, "nsfs", 4) != 0)
		return 0;
	vst_buf_bytes(&root, mount.root.text, mount.root.len);
	vst_buf_printf(&path, "proc/%" PRIu64 "/root", s->pid);
	vst_mountinfo_unescape(&path, mount.point);
	const char *text = vst_buf_cstr(&path);
	if (parse_link(vst_buf_cstr(&root), s->kind, &inode) && path.len < VST_NAMESPACE_PATH_MAX) {
		struct vst_namespace *ns = known(s->found, inode);
		rc = ns ? 0 : add(s->found, inode, 0, text, err);
		ns = ns ? ns : known(s->found, inode);
		const char *slash = strrchr(text, '/');
		if (ns && !ns->name && slash && !(ns->name = vst_strdup(slash + 1)))
			rc = vst_err_nomem(err);
	}
	vst_buf_free(&path);
	vst_buf_free(&root);
	return rc;
}

static int see_mounts(struct search *s, struct vst_err *err)
{
	struct vst_namespaces mounts = {0};
	char path[64];
	int error, rc = vst_namespaces_find(s->live, "mnt", &mounts, err);
	for (size_t i = 0; rc == 0 && i < mounts.count && i < MOUNT_NAMESPACES_MAX; i++) {
		s->pid = mounts.list[i].pid;
		snprintf(path, sizeof path, "proc/%" PRIu64 "/mountinfo", s->pid);
		rc = vst_live_lines(s->root, path, see_mount, s, &error, err);
	}
	vst_namespaces_free(&mounts);
	return rc;
}

/* ---- all ---- */

static int compare(const void *a, const void *b)
{
	const struct vst_namespace *x = a, *y = b;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

int vst_namespaces_find(
        struct vst_live *live, const char *kind, struct vst_namespaces *ret, struct vst_err *err)
{
	struct search s = {.live = live, .kind = kind, .found = ret, .root = live->context->root_fd};
	struct vst_listing pids = {0};
	char path[64];
	uint64_t own;
	int error;
	int rc = list(s.root, "proc", &pids, err);
	for (size_t i = 0; rc == 0 && i < pids.count; i++) {
		if (is_number(vst_listing_name(&pids, i)))
			rc = see_process(&s, vst_listing_name(&pids, i), err);
		if (rc == 0)
			rc = vst_limits_check_cancel(live->context, err);
	}
	if (strcmp(kind, "net") == 0) {
		for (size_t i = 0; rc == 0 && i < pids.count; i++)
			if (is_number(vst_listing_name(&pids, i)))
				rc = see_descriptors(&s, vst_listing_name(&pids, i), err);
		if (rc == 0)
			rc = see_mounts(&s, err);
	}
	vst_listing_free(&pids);
	snprintf(path, sizeof path, "proc/thread-self/ns/%s", kind);
	if (rc == 0 && read_link(s.root, path, kind, &own, &error)) {
		struct vst_namespace *ns = known(ret, own);
		if (!ns)
			rc = add(ret, own, (uint64_t)getpid(), path, err);
		ns = known(ret, own);
		if (ns)
			ns->own = true;
	}
	if (ret->count > 1)
		qsort(ret->list, ret->count, sizeof *ret->list, compare);
	return rc;
}

void vst_namespaces_free(struct vst_namespaces *namespaces)
{
	for (size_t i = 0; i < namespaces->count; i++) {
		free(namespaces->list[i].path);
		free(namespaces->list[i].name);
	}
	free(namespaces->list);
	*namespaces = (struct vst_namespaces){0};
}

/* ---- work inside one ---- */

struct visit {
	struct vst_netns at;
	int fd;
	vst_netns_work *work;
	void *ctx;
	struct vst_err *err;
	int rc;
};

static void *visit(void *ctx)
{
	struct visit *v = ctx;
	if (v->at.refused == 0 && setns(v->fd, CLONE_NEWNET) != 0)
		v->at.refused = errno;
	if (v->at.refused == 0)
		snprintf(v->at.proc_net, sizeof v->at.proc_net, "proc/thread-self/net");
	v->rc = v->work(v->ctx, &v->at, v->err);
	return NULL;
}

/* Signals are for the program's other threads. */
static int run_thread(struct visit *v)
{
	sigset_t all, before;
	pthread_t thread;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread, NULL, visit, v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error != 0 ? error : pthread_join(thread, NULL);
}

/*
 * What the path leads to now may be something else, put there to be opened: it is looked at first (O_PATH
 * does nothing), and opened only if it is the namespace that was found.
 */
static int open_namespace(int root, const struct vst_namespace *ns, int *ret_error)
{
	char path[64];
	struct stat st, own;
	int fd = -1, place = openat(root, ns->path, O_PATH | O_CLOEXEC);
	if (place < 0 || fstat(place, &st) != 0 || fstatat(root, "proc/thread-self/ns/net", &own, 0) != 0) {
		*ret_error = errno;
	} else if (st.st_ino != ns->inode || st.st_dev != own.st_dev) {
		*ret_error = ESTALE;
	} else {
		snprintf(path, sizeof path, "proc/self/fd/%d", place);
		fd = openat(root, path, O_RDONLY | O_CLOEXEC);
		*ret_error = fd < 0 ? errno : 0;
	}
	if (place >= 0)
		close(place);
	return fd;
}

int vst_netns_do(struct vst_live *live, const struct vst_namespace *ns, vst_netns_work *work, void *ctx,
        struct vst_err *err)
{
	struct visit v = {.at = {.ns = ns}, .fd = -1, .work = work, .ctx = ctx, .err = err};
	if (ns->own) {
		snprintf(v.at.proc_net, sizeof v.at.proc_net, "proc/thread-self/net");
		return work(ctx, &v.at, err);
	}
	if (ns->pid != 0)
		snprintf(v.at.proc_net, sizeof v.at.proc_net, "proc/%" PRIu64 "/net", ns->pid);
	v.fd = open_namespace(live->context->root_fd, ns, &v.at.refused);
	int error = v.at.refused == 0 ? run_thread(&v) : v.at.refused;
	if (error != 0) {
		v.at.refused = error;
		/* The process may be over, and the namespace with it. */
		if (v.at.proc_net[0] && faccessat(live->context->root_fd, v.at.proc_net, F_OK, 0) != 0)
			v.at.proc_net[0] = '\0';
		v.rc = work(ctx, &v.at, err);
	}
	if (v.fd >= 0)
		close(v.fd);
	return v.rc;
}

int vst_netns_each(struct vst_live *live, vst_netns_work *work, void *ctx, struct vst_err *err)
{
	struct vst_namespaces all = {0};
	char what[96];
	int rc = vst_namespaces_find(live, "net", &all, err);
	if (rc == 0 && all.denied > 0) {
		snprintf(what, sizeof what, "network namespaces of %" PRIu64 " threads", all.denied);
		rc = vst_live_trouble(live, 0, all.denied_error, what, err);
	}
	if (rc == 0 && all.cut)
		rc = vst_live_trouble(live, 0, E2BIG, "network namespaces beyond 65536", err);
	for (size_t i = 0; rc == 0 && i < all.count; i++) {
		if (!live->out.cut)
			rc = vst_netns_do(live, &all.list[i], work, ctx, err);
		if (rc == 0)
			rc = vst_limits_check_cancel(live->context, err);
	}
	vst_namespaces_free(&all);
	return rc;
}
