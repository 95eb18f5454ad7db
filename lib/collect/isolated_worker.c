#include "collect/isolated_worker.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/isolated_item.h"
#include "vestige/err.h"

#define SPACE ((uint32_t)256 * 1024) /* content read into the ring at once */

struct worker {
	struct ring *ring;
	struct vst_buf bytes; /* of the item at hand */
	void *space;          /* reserved, and not yet sent */
	bool weighs;          /* the sink at the other end may want an item once more */
};

/* ---- sending ---- */

static void send_bytes(struct worker *worker, uint32_t type, const void *data, size_t len)
{
	const uint8_t *at = data;
	worker->space = NULL; /* what was reserved is given back by reserving anew */
	while (len > RING_MESSAGE_MAX) {
		memcpy(ring_reserve(worker->ring, RING_MESSAGE_MAX), at, RING_MESSAGE_MAX);
		ring_commit(worker->ring, ISOLATED_MORE, RING_MESSAGE_MAX);
		at += RING_MESSAGE_MAX;
		len -= RING_MESSAGE_MAX;
	}
	void *to = ring_reserve(worker->ring, (uint32_t)len);
	if (len > 0)
		memcpy(to, at, len);
	ring_commit(worker->ring, type, (uint32_t)len);
}

static int send_item(struct worker *worker, uint32_t type, const struct vst_item *item,
        const char *link_source, const char *link_path, struct vst_err *err)
{
	vst_buf_clear(&worker->bytes);
	isolated_item_put(&worker->bytes, item, link_source, link_path);
	int rc = vst_buf_check(&worker->bytes, err);
	if (rc == 0)
		send_bytes(worker, type, worker->bytes.data, worker->bytes.len);
	return rc;
}

/* ---- the sink that the collectors write to ---- */

static bool sink_has(void *ctx, const char *path)
{
	struct worker *worker = ctx;
	uint32_t before = atomic_load(&worker->ring->answers);
	send_bytes(worker, ISOLATED_HAS, path, strlen(path) + 1);
	return ring_await_answer(worker->ring, before, NULL) != 0;
}

static int sink_begin(void *ctx, const struct vst_item *item, struct vst_err *err)
{
	return send_item(ctx, ISOLATED_BEGIN, item, NULL, NULL, err);
}

static void *sink_space(void *ctx, size_t *ret_len)
{
	struct worker *worker = ctx;
	worker->space = ring_reserve(worker->ring, SPACE);
	*ret_len = SPACE;
	return worker->space;
}

static int sink_data(void *ctx, const void *data, size_t len, struct vst_err *err)
{
	struct worker *worker = ctx;
	(void)err;
	if (data == worker->space && len <= SPACE) {
		worker->space = NULL;
		ring_commit(worker->ring, ISOLATED_DATA, (uint32_t)len);
		return 0;
	}
	for (const uint8_t *at = data; len > 0;) {
		size_t n = len < SPACE ? len : SPACE;
		send_bytes(worker, ISOLATED_DATA, at, n);
		at += n;
		len -= n;
	}
	return 0;
}

static int sink_end(void *ctx, struct vst_item *item, uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct worker *worker = ctx;
	uint32_t before = atomic_load(&worker->ring->answers);
	int rc = send_item(worker, ret_leaf ? ISOLATED_END_LEAF : ISOLATED_END, item, NULL, NULL, err);
	if (rc == 0 && ret_leaf)
		ring_await_answer(worker->ring, before, ret_leaf);
	return rc;
}

static int sink_item(void *ctx, struct vst_item *item, const char *link_source, const char *link_path,
        uint8_t ret_leaf[VST_HASH_LEN], struct vst_err *err)
{
	struct worker *worker = ctx;
	uint32_t before = atomic_load(&worker->ring->answers);
	int rc = send_item(
	        worker, ret_leaf ? ISOLATED_ITEM_LEAF : ISOLATED_ITEM, item, link_source, link_path, err);
	if (rc == 0 && ret_leaf)
		ring_await_answer(worker->ring, before, ret_leaf);
	return rc;
}

static bool sink_again(void *ctx)
{
	struct worker *worker = ctx;
	uint32_t before = atomic_load(&worker->ring->answers);
	send_bytes(worker, ISOLATED_AGAIN, NULL, 0);
	return ring_await_answer(worker->ring, before, NULL) != 0;
}

static void sink_finding(void *ctx, const char *text)
{
	send_bytes(ctx, ISOLATED_FINDING, text, strlen(text) + 1);
}

/* Where we are, for whoever has to say where we hung. */
static void note_path(void *ctx, const char *path)
{
	struct worker *worker = ctx;
	size_t len = strlen(path);
	if (len > RING_PATH_MAX)
		len = RING_PATH_MAX;
	if (len == 0) /* the source's end */
		return;
	memcpy(worker->ring->path, path, len);
	atomic_store(&worker->ring->path_len, (uint32_t)len);
}

/* ---- a source at a time ---- */

static void work_on(struct worker *worker, const struct isolated_task *task,
        struct vst_collect_context *context, const struct vst_policy *policy)
{
	const struct vst_sink sink = {.ctx = worker,
	        .has = sink_has,
	        .begin = sink_begin,
	        .data = sink_data,
	        .space = sink_space,
	        .end = sink_end,
	        .item = sink_item,
	        .again = worker->weighs ? sink_again : NULL,
	        .finding = sink_finding};
	struct vst_err err = VST_ERR_INIT;
	context->exhibit_left = task->exhibit_left;
	context->source_left = task->source_left;
	int rc = vst_collect(context, &policy->sources[task->source], &sink, &err);
	send_bytes(worker, ISOLATED_DONE, &err, rc == 0 ? 0 : sizeof err);
}

_Noreturn void isolated_work(
        struct ring *ring, int tasks, struct vst_collect_context *context, const struct vst_policy *policy)
{
	struct worker worker = {.ring = ring, .bytes = VST_BUF_INIT, .weighs = context->weighs};
	struct isolated_task task;
	context->cancel = &ring->cancel;
	context->expired = &ring->expired;
	context->begun = &ring->begun;
	context->progress = note_path;
	context->progress_ctx = &worker;
	while (recv(tasks, &task, sizeof task, 0) == (ssize_t)sizeof task &&
	        task.source < policy->source_count)
		work_on(&worker, &task, context, policy);
	_exit(0);
}
