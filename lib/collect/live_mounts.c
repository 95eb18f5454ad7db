#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collect/limits.h"
#include "collect/live_field.h"
#include "collect/live_mountinfo.h"
#include "collect/live_namespaces.h"
#include "vestige/err.h"

/* Nothing is asked of a file system itself (statfs): one that is away would hold us for ever. */

#define PATH "/mounts.jsonl"

struct mounts {
	struct vst_live *live;
	const struct vst_namespace *ns;
	struct vst_buf text;
};

static void write_unescaped(
        struct mounts *m, struct vst_json *json, const char *key, struct vst_mount_text text)
{
	vst_buf_clear(&m->text);
	vst_mountinfo_unescape(&m->text, text);
	vst_live_text(json, key, m->text.len > 0 ? (const char *)m->text.data : "", m->text.len);
}

static int write_mount(void *ctx, const char *line, size_t len, struct vst_err *err)
{
	struct mounts *m = ctx;
	struct vst_mountinfo mount;
	char device[48];
	struct vst_json json = vst_live_begin(m->live);
	vst_live_put_uint(&json, "mntns", m->ns->inode);
	if (!vst_mountinfo_parse(line, len, &mount)) {
		vst_live_put_errno(&json, "error", EBADMSG);
		vst_live_text(&json, "what", line, len);
		return vst_live_end(m->live, &json, err);
	}
	snprintf(device, sizeof device, "%llu:%llu", (unsigned long long)mount.major,
	        (unsigned long long)mount.minor);
	vst_live_put_uint(&json, "id", mount.id);
	vst_live_put_uint(&json, "parent", mount.parent);
	vst_live_string(&json, "device", device);
	write_unescaped(m, &json, "root", mount.root);
	write_unescaped(m, &json, "point", mount.point);
	write_unescaped(m, &json, "options", mount.options);
	vst_json_key(&json, "tags");
	vst_json_array(&json);
	for (size_t i = 0; i < mount.tag_count; i++)
		vst_json_text(&json, mount.tags[i].text, mount.tags[i].len);
	vst_json_end(&json);
	write_unescaped(m, &json, "type", mount.type);
	write_unescaped(m, &json, "source", mount.source);
	write_unescaped(m, &json, "super_options", mount.super_options);
	int rc = vst_buf_check(&m->text, err);
	return rc != 0 ? rc : vst_live_end(m->live, &json, err);
}

static int take_namespace(struct mounts *m, const struct vst_namespace *ns, struct vst_err *err)
{
	struct vst_json json = vst_live_begin(m->live);
	char path[64], what[96];
	int error;
	m->ns = ns;
	vst_live_put_uint(&json, "mntns", ns->inode);
	vst_live_put_uint(&json, "seen_from_pid", ns->pid);
	vst_live_put_uint(&json, "threads", ns->tasks);
	vst_live_put_bool(&json, "own", ns->own);
	int rc = vst_live_end(m->live, &json, err);
	snprintf(path, sizeof path, "proc/%llu/mountinfo", (unsigned long long)ns->pid);
	if (rc == 0)
		rc = vst_live_lines(m->live->context->root_fd, path, write_mount, m, &error, err);
	snprintf(what, sizeof what, "mounts of namespace %llu from /%s", (unsigned long long)ns->inode, path);
	return rc == 0 && error != 0 ? vst_live_trouble(m->live, 0, error, what, err) : rc;
}

static int take(struct mounts *m, struct vst_err *err)
{
	struct vst_namespaces all = {0};
	char what[96];
	int rc = vst_namespaces_find(m->live, "mnt", &all, err);
	if (rc == 0 && all.denied > 0) {
		snprintf(what, sizeof what, "mount namespaces of %llu threads",
		        (unsigned long long)all.denied);
		rc = vst_live_trouble(m->live, 0, all.denied_error, what, err);
	}
	if (rc == 0 && all.cut)
		rc = vst_live_trouble(m->live, 0, E2BIG, "mount namespaces beyond 65536", err);
	for (size_t i = 0; rc == 0 && i < all.count && !m->live->out.cut; i++) {
		rc = take_namespace(m, &all.list[i], err);
		if (rc == 0)
			rc = vst_limits_check_cancel(m->live->context, err);
	}
	vst_namespaces_free(&all);
	return rc;
}

int vst_live_mounts(struct vst_live *live, struct vst_err *err)
{
	struct mounts m = {.live = live};
	int rc = vst_stream_open(&live->out, PATH, err);
	if (rc == 0 && live->context->content)
		rc = take(&m, err);
	vst_buf_free(&m.text);
	return rc != 0 ? rc : vst_live_close(live, 0, NULL, err);
}
