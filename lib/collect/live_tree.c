#include "collect/live_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/limits.h"
#include "collect/listing.h"
#include "vestige/err.h"

struct tree {
	struct vst_live *live;
	struct vst_buf waiting; /* paths of directories, each with a NUL */
	size_t done, names;
	vst_live_skip *skip;
	vst_live_each_name *each;
	void *ctx;
};

static size_t depth_of(const char *path)
{
	size_t depth = 0;
	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static int see_name(struct tree *t, const char *path, enum vst_item_type type, struct vst_err *err)
{
	if (t->skip && t->skip(t->ctx, path))
		return 0;
	if (type != VST_ITEM_DIRECTORY)
		return t->each(t->ctx, path, type, 0, err);
	if (depth_of(path) > VST_LIVE_TREE_DEPTH)
		return t->each(t->ctx, path, type, ELOOP, err);
	vst_buf_bytes(&t->waiting, path, strlen(path) + 1);
	return vst_buf_check(&t->waiting, err);
}

static int see_directory(struct tree *t, const char *directory, struct vst_err *err)
{
	struct vst_listing listing = {0};
	struct vst_buf path = VST_BUF_INIT;
	int error = 0, rc = 0;
	int fd =
	        openat(t->live->context->root_fd, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return t->each(t->ctx, directory, VST_ITEM_DIRECTORY, errno, err);
	rc = vst_listing_read(&listing, fd, &error, err);
	close(fd);
	if (rc == 0 && error != 0)
		rc = t->each(t->ctx, directory, VST_ITEM_DIRECTORY, error, err);
	for (size_t i = 0; rc == 0 && i < listing.count && t->names < VST_LIVE_TREE_MAX; i++) {
		t->names++;
		vst_buf_clear(&path);
		vst_buf_printf(&path, "%s/%s", directory, vst_listing_name(&listing, i));
		const char *text = vst_buf_cstr(&path);
		rc = vst_buf_check(&path, err);
		if (rc == 0)
			rc = see_name(t, text, vst_listing_type(&listing, i), err);
	}
	vst_buf_free(&path);
	vst_listing_free(&listing);
	return rc;
}

int vst_live_tree(struct vst_live *live, const char *top, vst_live_skip *skip, vst_live_each_name *each,
        void *ctx, struct vst_err *err)
{
	struct tree t = {.live = live, .skip = skip, .each = each, .ctx = ctx};
	struct vst_buf directory = VST_BUF_INIT;
	vst_buf_bytes(&t.waiting, top, strlen(top) + 1);
	int rc = vst_buf_check(&t.waiting, err);
	while (rc == 0 && t.done < t.waiting.len) {
		const char *path = (const char *)t.waiting.data + t.done;
		/* A copy: the list may move while it grows. */
		vst_buf_clear(&directory);
		vst_buf_text(&directory, path);
		t.done += strlen(path) + 1;
		path = vst_buf_cstr(&directory);
		rc = vst_buf_check(&directory, err);
		if (rc == 0)
			rc = see_directory(&t, path, err);
		if (rc == 0)
			rc = vst_limits_check_cancel(live->context, err);
	}
	if (rc == 0 && t.names >= VST_LIVE_TREE_MAX)
		rc = each(ctx, top, VST_ITEM_DIRECTORY, E2BIG, err);
	vst_buf_free(&directory);
	vst_buf_free(&t.waiting);
	return rc;
}
