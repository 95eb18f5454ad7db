/*
 * What a snapshot would take: the same collectors, told to look and not to read, and a sink that counts or
 * shows.
 */
#include "workflow/acquire_plan.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/err.h"
#include "vestige/mem.h"
#include "workflow/gathering.h"

#define MEASURE_SECONDS 5 /* a source that takes longer to look over is not measured beforehand */

struct plan {
	vst_acquire_each *each;
	void *each_ctx;
	const char *source; /* the name of the one at hand */
	bool remember;      /* paths shown, in `shown`, a tsearch(3) tree */
	void *shown;
};

/* What a dry run has shown, by path digest: overlapping patterns take a path once, as a snapshot would. */
struct shown {
	uint8_t digest[VST_HASH_LEN];
};

static int compare_shown(const void *a, const void *b)
{
	return memcmp(a, b, VST_HASH_LEN);
}

static bool dry_has(void *ctx, const char *path)
{
	struct plan *p = ctx;
	struct shown key;
	if (!p->remember)
		return false;
	vst_item_path_digest(p->source, path, key.digest);
	return tfind(&key, &p->shown, compare_shown) != NULL;
}

static int remember(struct plan *p, const struct vst_item *item, struct vst_err *err)
{
	struct shown *key;
	if (!p->remember)
		return 0;
	if (!(key = vst_alloc(sizeof *key)))
		return vst_err_nomem(err);
	vst_item_path_digest(p->source, item->path, key->digest);
	struct shown **node = tsearch(key, &p->shown, compare_shown);
	if (!node || *node != key)
		free(key);
	return node ? 0 : vst_err_nomem(err);
}

static int dry_begin(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	(void)ctx;
	(void)item;
	(void)err;
	return 0;
}

static int dry_data(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	(void)ctx;
	(void)data;
	(void)len;
	(void)err;
	return 0;
}

static int dry_end(void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct plan *p = ctx;
	if (ret_leaf)
		memset(ret_leaf, 0, VST_HASH_LEN);
	item->source = p->source; /* as the exhibit's writer would: another process does not say */
	int rc = remember(p, item, err);
	return rc == 0 ? p->each(p->each_ctx, item, err) : rc;
}

static int dry_item(void *ctx, struct vst_item *item, const char *link_source, const char *link_path,
        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	(void)link_source;
	(void)link_path;
	return dry_end(ctx, item, ret_leaf, err);
}

/* `seconds`: of each source; the rest is left out once one took longer, which VST_EIO then says. 0: as the
 * policy says. */
static int dry_run(const struct vst_acquire_options *options, const struct vst_case *c, bool remember_paths,
        uint64_t seconds, vst_acquire_each *each, void *ctx, struct vst_err *err)
{
	uint64_t limit = seconds ? seconds : options->policy->limits.source_time;
	struct plan p = {.each = each, .each_ctx = ctx, .remember = remember_paths};
	struct gathering g = GATHERING_INIT;
	const struct vst_sink sink = {.ctx = &p,
	        .has = dry_has,
	        .begin = dry_begin,
	        .data = dry_data,
	        .end = dry_end,
	        .item = dry_item};
	int rc = gathering_open(&g, options->policy, options->root, c, err);
	g.context.cancel = options->cancel;
	if (rc == 0)
		rc = gathering_isolate(&g, err);
	for (size_t i = 0; rc == 0 && i < options->policy->source_count; i++) {
		p.source = options->policy->sources[i].name;
		rc = gathering_collect(&g, i, &sink, limit, err);
		if (rc == 0 && seconds && g.isolated && vst_isolated_expired(g.isolated))
			rc = vst_err_set(err, VST_EIO, "source %s: looking over it takes too long", p.source);
	}
	tdestroy(p.shown, free);
	gathering_close(&g);
	return rc;
}

int vst_acquire_dry_run(const struct vst_acquire_options *options, const struct vst_case *c,
        vst_acquire_each *each, void *ctx, struct vst_err *err)
{
	return dry_run(options, c, true, 0, each, ctx, err);
}

/* What reading an item would cost, as a dry run leaves it: a sparse file's holes cost nothing. */
static int add_cost(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	struct vst_acquire_estimate *estimate = ctx;
	(void)err;
	bool read = item->has_content || item->content == VST_ITEM_CONTENT_DIGEST;
	estimate->items++;
	if (read && item->read_expected <= UINT64_MAX - estimate->bytes)
		estimate->bytes += item->read_expected;
	return 0;
}

int vst_acquire_estimate(const struct vst_acquire_options *options, const struct vst_case *c,
        struct vst_acquire_estimate *ret, struct vst_err *err)
{
	*ret = (struct vst_acquire_estimate){0};
	return dry_run(options, c, true, 0, add_cost, ret, err);
}

/* For the time left on a terminal; a guess that failed is no reason not to collect. */
void acquire_measure(const struct vst_acquire_options *options, const struct vst_case *c, uint64_t *ret_bytes)
{
	struct vst_acquire_estimate estimate = {0};
	if (dry_run(options, c, false, MEASURE_SECONDS, add_cost, &estimate, NULL) == 0)
		*ret_bytes = estimate.bytes;
}
