/* A database that anybody may have made, as a whole and by its tables: each run ends, with items that do not
 * contradict themselves, and nothing is changed beside it. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/collector.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/hash.h"

#define LARGEST (1024 * 1024)
#define EACH_MAX (64 * 1024 * 1024) /* of what a small database may come to */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];
static int root_fd = -1;

static void clean_up(void)
{
	unlinkat(root_fd, "d.db", 0);
	rmdir(directory);
}

static void set_up(void)
{
	snprintf(directory, sizeof directory, "/tmp/vestige-fuzz-XXXXXX");
	if (!mkdtemp(directory))
		abort();
	root_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		abort();
	atexit(clean_up);
}

/* ---- a sink that only checks ---- */

static void check(struct vst_item *item)
{
	struct vst_buf line = VST_BUF_INIT;
	struct vst_err err = VST_ERR_INIT;
	item->hashes = item->has_content ? VST_HASH_SHA256 : 0;
	if (vst_item_encode(item, &line, &err) != 0) {
		fprintf(stderr, "%s: %s\n", item->path, err.text);
		abort();
	}
	vst_buf_free(&line);
}

static bool has(void *ctx, const char *path)
{
	(void)ctx, (void)path;
	return false;
}

static int begin(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	(void)ctx, (void)item, (void)err;
	return 0;
}

static int take(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	(void)ctx, (void)data, (void)len, (void)err;
	return 0;
}

static int end(void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	(void)ctx, (void)err;
	item->parts = item->type == VST_ITEM_STREAM ? item->size / VST_PART_MAX + 1 : 0;
	if (ret_leaf)
		memset(ret_leaf, 0, VST_HASH_LEN);
	check(item);
	return 0;
}

static int without_content(void *ctx, struct vst_item *item, const char *link_source, const char *link_path,
        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	(void)link_source, (void)link_path;
	(void)ctx, (void)err, (void)ret_leaf;
	check(item);
	return 0;
}

static void collect(enum vst_policy_content content, char *table)
{
	static const uint8_t key[VST_HASH_LEN] = {1};
	char name[] = "fuzz", database[] = "/d.db";
	struct vst_err err = VST_ERR_INIT;
	struct vst_collect_context context = {
	        .root_fd = root_fd,
	        .item_limit = EACH_MAX,
	        .source_left = EACH_MAX,
	        .exhibit_left = EACH_MAX,
	        .digest_key = key,
	        .scratch_fd = -1,
	        .content = true,
	};
	const struct vst_policy_source source = {
	        .name = name,
	        .kind = VST_SOURCE_SQLITE,
	        .content = content,
	        .sqlite = {.database = database, .tables = &table, .table_count = table != NULL},
	};
	const struct vst_sink sink = {
	        .has = has, .begin = begin, .data = take, .end = end, .item = without_content};
	int rc = vst_collect(&context, &source, &sink, &err);
	if (rc != 0 && rc != VST_ENOMEM) {
		fprintf(stderr, "%d: %s\n", rc, err.text);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char table[] = "t";
	struct stat before, after;
	if (root_fd < 0)
		set_up();
	if (size > LARGEST)
		return 0;
	int fd = openat(root_fd, "d.db", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || fstat(fd, &before) != 0)
		abort();
	collect(VST_CONTENT_FULL, NULL);
	collect(VST_CONTENT_FULL, table);
	collect(VST_CONTENT_DIGEST, NULL);
	if (fstat(fd, &after) != 0 || after.st_size != before.st_size || after.st_mtime != before.st_mtime)
		abort();
	close(fd);
	return 0;
}
