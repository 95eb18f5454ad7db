/*
 * Our side of a collector process.
 *
 * Invariants:
 * 1. What arrives is not trusted: a message that is none ends the process like a crash would.
 * 2. An item that the sink has begun is ended, whatever becomes of the process.
 * 3. The limits are counted here, by what arrived: a process that died cannot take its count along.
 */
#include "vestige/isolated.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect/isolated_item.h"
#include "collect/isolated_keeper.h"
#include "collect/isolated_worker.h"
#include "collect/limits.h"
#include "vestige/err.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"

#define TICK_MS 50
#define GATHER_MAX ((size_t)64 * 1024 * 1024) /* bytes of one item's description */
#define REASON_MAX VST_ERR_TEXT_MAX

struct vst_isolated {
	struct vst_collect_context *context;
	const struct vst_policy *policy;
	int keeper;
	pid_t keeper_pid;
	struct keeper_worker worker; /* ring NULL: none */
	bool has_expired;
	uint64_t cpu_before; /* of processes that are gone */
	struct vst_buf gathered;
	/* The item that the sink has begun, and the bytes that its pointers lead to. */
	bool is_open;
	struct vst_buf open_bytes;
	struct isolated_item open;
	uint64_t open_got; /* bytes of content, of the item that was ended too */
};

/* One source at work. */
struct run {
	struct vst_isolated *isolated;
	const struct vst_policy_source *source;
	const struct vst_sink *sink;
	struct vst_err *err;
	int64_t deadline, grace; /* monotonic ns; 0: none */
	bool done;
	char reason[REASON_MAX]; /* why the process cannot go on; empty: it can */
};

static int64_t monotonic(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * VST_NS_PER_S + now.tv_nsec;
}

/* ---- life ---- */

int vst_isolated_new(struct vst_collect_context *context, const struct vst_policy *policy,
        struct vst_isolated **ret, struct vst_err *err)
{
	struct vst_isolated *isolated = vst_calloc(1, sizeof *isolated);
	if (!isolated)
		return vst_err_nomem(err);
	isolated->context = context;
	isolated->policy = policy;
	isolated->worker.tasks = -1;
	int rc = keeper_start(context, policy, &isolated->keeper, &isolated->keeper_pid, err);
	if (rc != 0) {
		free(isolated);
		return rc;
	}
	*ret = isolated;
	return 0;
}

static uint64_t worker_cpu(const struct vst_isolated *isolated)
{
	struct timespec used;
	clockid_t clock;
	if (!isolated->worker.ring || clock_getcpuclockid(isolated->worker.pid, &clock) != 0 ||
	        clock_gettime(clock, &used) != 0)
		return 0;
	return (uint64_t)used.tv_sec * (uint64_t)VST_NS_PER_S + (uint64_t)used.tv_nsec;
}

uint64_t vst_isolated_cpu(const struct vst_isolated *isolated)
{
	return isolated->cpu_before + worker_cpu(isolated);
}

static void give_up(struct vst_isolated *isolated)
{
	isolated->cpu_before += worker_cpu(isolated);
	keeper_give_up(&isolated->worker);
}

void vst_isolated_free(struct vst_isolated *isolated)
{
	if (!isolated)
		return;
	give_up(isolated);
	close(isolated->keeper);
	while (waitpid(isolated->keeper_pid, NULL, 0) < 0 && errno == EINTR)
		;
	vst_buf_free(&isolated->gathered);
	vst_buf_free(&isolated->open_bytes);
	isolated_item_release(&isolated->open);
	free(isolated);
}

bool vst_isolated_expired(const struct vst_isolated *isolated)
{
	return isolated->has_expired;
}

/* ---- what arrives ---- */

static void break_off(struct run *run, const char *reason)
{
	if (run->reason[0] == '\0')
		snprintf(run->reason, sizeof run->reason, "%s", reason);
}

static int on_begin(struct run *run, const uint8_t *bytes, size_t len)
{
	struct vst_isolated *isolated = run->isolated;
	isolated_item_release(&isolated->open);
	vst_buf_clear(&isolated->open_bytes);
	vst_buf_bytes(&isolated->open_bytes, bytes, len);
	int rc = vst_buf_check(&isolated->open_bytes, run->err);
	if (rc != 0)
		return rc;
	if (isolated->is_open || !isolated_item_take(isolated->open_bytes.data, len, &isolated->open)) {
		break_off(run, "it sent no item where one should begin");
		return 0;
	}
	isolated->open_got = 0;
	isolated->open.item.has_whole = false; /* content comes: there is nothing to trust */
	rc = run->sink->begin(run->sink->ctx, &isolated->open.item, run->err);
	isolated->is_open = rc == 0;
	return rc;
}

static int on_data(struct run *run, const uint8_t *bytes, size_t len)
{
	if (!run->isolated->is_open) {
		break_off(run, "it sent content of no item");
		return 0;
	}
	run->isolated->open_got += len;
	vst_limits_count(run->isolated->context, len);
	return run->sink->data(run->sink->ctx, bytes, len, run->err);
}

static int on_item(struct run *run, enum isolated_message type, const uint8_t *bytes, size_t len)
{
	struct isolated_item taken;
	struct vst_isolated *isolated = run->isolated;
	uint8_t leaf[VST_HASH_LEN] = {0};
	bool ends = type == ISOLATED_END || type == ISOLATED_END_LEAF;
	bool asks = type == ISOLATED_END_LEAF || type == ISOLATED_ITEM_LEAF;
	int rc = 0;
	/* Looked at more than once, so it must not change under us. */
	vst_buf_clear(&isolated->gathered);
	vst_buf_bytes(&isolated->gathered, bytes, len);
	if ((rc = vst_buf_check(&isolated->gathered, run->err)) != 0)
		return rc;
	if (!isolated_item_take(isolated->gathered.data, len, &taken) || ends != isolated->is_open) {
		break_off(run, "it sent no item where one should stand");
	} else if (ends) {
		isolated->is_open = false;
		rc = run->sink->end(run->sink->ctx, &taken.item, asks ? leaf : NULL, run->err);
	} else {
		rc = run->sink->item(run->sink->ctx, &taken.item, taken.link_source, taken.link_path,
		        asks ? leaf : NULL, run->err);
	}
	isolated_item_release(&taken);
	if (rc == 0 && asks)
		ring_answer(isolated->worker.ring, 0, leaf);
	return rc;
}

static void answer_again(struct run *run)
{
	struct vst_isolated *isolated = run->isolated;
	bool again = !isolated->is_open && run->sink->again && run->sink->again(run->sink->ctx);
	if (again)
		vst_limits_give_back(isolated->context, isolated->open_got);
	isolated->open_got = 0;
	ring_answer(isolated->worker.ring, again, NULL);
}

static int on_text(struct run *run, enum isolated_message type, const uint8_t *bytes, size_t len)
{
	struct vst_isolated *isolated = run->isolated;
	vst_buf_clear(&isolated->gathered);
	vst_buf_bytes(&isolated->gathered, bytes, len);
	const char *text = vst_buf_cstr(&isolated->gathered);
	int rc = vst_buf_check(&isolated->gathered, run->err);
	if (rc != 0)
		return rc;
	if (type == ISOLATED_HAS)
		ring_answer(isolated->worker.ring, run->sink->has(run->sink->ctx, text), NULL);
	else if (run->sink->finding)
		run->sink->finding(run->sink->ctx, text);
	return 0;
}

/* A collector fails for want of memory; what the sink says it says here. */
static int on_done(struct run *run, const uint8_t *bytes, size_t len)
{
	struct vst_err failed = VST_ERR_INIT;
	run->done = true;
	if (run->isolated->is_open)
		break_off(run, "it ended within an item");
	if (len != sizeof failed)
		return 0;
	memcpy(&failed, bytes, sizeof failed);
	failed.text[sizeof failed.text - 1] = '\0';
	if (failed.code == VST_ECANCELLED)
		return vst_err_set(run->err, VST_ECANCELLED, "stopped");
	break_off(run, failed.text);
	return 0;
}

static int take(struct run *run, uint32_t type, const uint8_t *bytes, size_t len)
{
	switch ((enum isolated_message)type) {
	case ISOLATED_BEGIN:
		return on_begin(run, bytes, len);
	case ISOLATED_DATA:
		return on_data(run, bytes, len);
	case ISOLATED_END:
	case ISOLATED_END_LEAF:
	case ISOLATED_ITEM:
	case ISOLATED_ITEM_LEAF:
		return on_item(run, (enum isolated_message)type, bytes, len);
	case ISOLATED_AGAIN:
		answer_again(run);
		return 0;
	case ISOLATED_HAS:
	case ISOLATED_FINDING:
		return on_text(run, (enum isolated_message)type, bytes, len);
	case ISOLATED_DONE:
		return on_done(run, bytes, len);
	default:
		break_off(run, "it sent a message that there is not");
		return 0;
	}
}

/* One message, or a payload in several that is complete with this one. */
static int take_message(
        struct run *run, struct vst_buf *parts, uint32_t type, const uint8_t *bytes, uint32_t len)
{
	if (type != ISOLATED_MORE && parts->len == 0)
		return take(run, type, bytes, len);
	if (parts->len > GATHER_MAX) {
		break_off(run, "it sent an item without an end");
		return 0;
	}
	vst_buf_bytes(parts, bytes, len);
	int rc = vst_buf_check(parts, run->err);
	if (rc != 0 || type == ISOLATED_MORE)
		return rc;
	rc = take(run, type, parts->data, parts->len);
	vst_buf_clear(parts);
	return rc;
}

/* ---- a process that cannot go on ---- */

static int note(struct run *run, const char *path, enum vst_item_status status, const char *rule)
{
	struct vst_item item;
	if (run->sink->has(run->sink->ctx, path))
		return 0;
	vst_item_init(&item);
	item.source = run->source->name;
	item.path = path;
	item.status = status;
	item.rule = rule;
	return run->sink->item(run->sink->ctx, &item, NULL, NULL, NULL, run->err);
}

static int end_open(struct run *run, enum vst_item_status status, const char *rule)
{
	struct vst_isolated *isolated = run->isolated;
	struct vst_item *item = &isolated->open.item;
	if (!isolated->is_open)
		return 0;
	isolated->is_open = false;
	item->status = status;
	item->rule = rule;
	item->error = 0;
	if (item->has_read) {
		item->has_after = false;
		item->read_end = vst_time_now();
		item->read_got = isolated->open_got;
	}
	return run->sink->end(run->sink->ctx, item, NULL, run->err);
}

/* The path that it was at, as an item path: the process may have written anything. */
static void path_at(const struct ring *ring, struct vst_buf *ret)
{
	size_t len = atomic_load(&ring->path_len);
	char path[RING_PATH_MAX + 1];
	if (len > RING_PATH_MAX)
		len = RING_PATH_MAX;
	memcpy(path, ring->path, len);
	path[len] = '\0';
	vst_buf_clear(ret);
	for (const char *at = path; *at;) {
		at += strspn(at, "/");
		size_t part = strcspn(at, "/");
		bool dots = (part == 1 && at[0] == '.') || (part == 2 && at[0] == '.' && at[1] == '.');
		if (part > 0 && !dots) {
			vst_buf_byte(ret, '/');
			vst_buf_bytes(ret, at, part);
		}
		at += part;
	}
}

/* A pattern in the policy's own words, as far as a path may have them: `{/a,/b}` and `/a/` are no paths. */
static void put_pattern(struct vst_buf *ret, const char *pattern)
{
	size_t len = strlen(pattern);
	vst_buf_clear(ret);
	if (pattern[0] != '/')
		vst_buf_byte(ret, '/');
	vst_buf_bytes(ret, pattern, len > 1 && pattern[len - 1] == '/' ? len - 1 : len);
}

/* What was not collected: the path at hand (or what is below it, if it is an item already), and the patterns
 * not begun. */
static int note_rest(struct run *run, enum vst_item_status status, const char *rule)
{
	const struct ring *ring = run->isolated->worker.ring;
	const struct vst_policy_files *files = &run->source->files;
	struct vst_buf path = VST_BUF_INIT;
	path_at(ring, &path);
	if (path.len == 0 || run->sink->has(run->sink->ctx, vst_buf_cstr(&path)))
		vst_buf_text(&path, "/**");
	const char *text = vst_buf_cstr(&path);
	int rc = vst_buf_check(&path, run->err);
	if (rc == 0)
		rc = note(run, text, status, rule);
	for (size_t i = atomic_load(&ring->begun); rc == 0 && i < files->path_count; i++) {
		put_pattern(&path, files->paths[i]);
		text = vst_buf_cstr(&path);
		if ((rc = vst_buf_check(&path, run->err)) == 0)
			rc = note(run, text, status, rule);
	}
	vst_buf_free(&path);
	return rc;
}

static int abandon(struct run *run, enum vst_item_status status, const char *rule)
{
	int rc = end_open(run, status, rule);
	if (rc == 0)
		rc = note_rest(run, status, rule);
	give_up(run->isolated);
	return rc;
}

/* It hung up: how did it end? */
static void say_end(struct run *run)
{
	int status = 0;
	struct vst_err none = VST_ERR_INIT;
	if (keeper_wait(run->isolated->keeper, run->isolated->worker.pid, &status, &none) != 0)
		snprintf(run->reason, sizeof run->reason, "the collector process is gone");
	else if (WIFSIGNALED(status))
		snprintf(run->reason, sizeof run->reason, "the collector process was ended by signal %d (%s)",
		        WTERMSIG(status),
		        sigdescr_np(WTERMSIG(status)) ? sigdescr_np(WTERMSIG(status)) : "unknown");
	else
		snprintf(run->reason, sizeof run->reason, "the collector process ended with status %d",
		        WEXITSTATUS(status));
	run->isolated->worker.pid = -1; /* not to be killed: the number may be another's by now */
}

/* ---- one source ---- */

static int start(struct run *run, size_t source, uint64_t seconds)
{
	struct vst_isolated *isolated = run->isolated;
	const struct isolated_task task = {
	        (uint32_t)source, isolated->context->exhibit_left, isolated->context->source_left};
	int rc = isolated->worker.ring ? 0 : keeper_spawn(isolated->keeper, &isolated->worker, run->err);
	if (rc != 0)
		return rc;
	atomic_store(&isolated->worker.ring->expired, false);
	atomic_store(&isolated->worker.ring->begun, 0);
	atomic_store(&isolated->worker.ring->path_len, 0);
	if (seconds > 0)
		run->deadline = monotonic() + (int64_t)seconds * VST_NS_PER_S;
	if (send(isolated->worker.tasks, &task, sizeof task, MSG_NOSIGNAL) != (ssize_t)sizeof task)
		say_end(run);
	return 0;
}

/* Asks for an end where it is time. True if the process was asked and did not listen. */
static bool is_overdue(struct run *run)
{
	struct vst_isolated *isolated = run->isolated;
	const atomic_bool *cancel = isolated->context->cancel;
	int64_t now = monotonic();
	bool stop = cancel && atomic_load_explicit(cancel, memory_order_relaxed);
	if (run->grace)
		return now > run->grace;
	if (!stop && !(run->deadline && now > run->deadline))
		return false;
	run->grace = now + VST_ISOLATED_GRACE * VST_NS_PER_S;
	if (stop)
		atomic_store(&isolated->worker.ring->cancel, true);
	else
		isolated->has_expired = true;
	atomic_store(&isolated->worker.ring->expired, true);
	return false;
}

static bool has_hung_up(const struct vst_isolated *isolated)
{
	struct pollfd tasks = {.fd = isolated->worker.tasks};
	return poll(&tasks, 1, 0) > 0 && (tasks.revents & (POLLHUP | POLLERR));
}

static int supervise(struct run *run)
{
	struct vst_isolated *isolated = run->isolated;
	struct vst_buf parts = VST_BUF_INIT;
	int rc = 0;
	bool hung_up = false;
	while (rc == 0 && !run->done && run->reason[0] == '\0') {
		const uint8_t *bytes;
		uint32_t type, len;
		if (is_overdue(run)) {
			vst_buf_free(&parts);
			if (isolated->context->cancel && atomic_load(isolated->context->cancel))
				return vst_err_set(run->err, VST_ECANCELLED, "stopped");
			return abandon(run, VST_ITEM_TRUNCATED, VST_RULE_SOURCE_TIME);
		}
		switch (ring_next(isolated->worker.ring, TICK_MS, &type, &bytes, &len)) {
		case RING_MESSAGE:
			rc = take_message(run, &parts, type, bytes, len);
			ring_release(isolated->worker.ring, len);
			break;
		case RING_BROKEN:
			break_off(run, "the collector process sent what is no message");
			break;
		case RING_EMPTY: /* once more after it hung up: it may have sent its last just before */
			if (hung_up)
				say_end(run);
			hung_up = has_hung_up(isolated);
			break;
		}
	}
	vst_buf_free(&parts);
	return rc;
}

int vst_isolated_collect(struct vst_isolated *isolated, size_t source, const struct vst_sink *sink,
        uint64_t seconds, struct vst_err *err)
{
	struct vst_err own = VST_ERR_INIT;
	struct run run = {.isolated = isolated,
	        .source = &isolated->policy->sources[source],
	        .sink = sink,
	        .err = err ? err : &own};
	int rc = start(&run, source, seconds);
	if (rc == 0)
		rc = supervise(&run);
	if (rc == 0 && run.reason[0])
		rc = abandon(&run, VST_ITEM_ERROR, run.reason);
	if (rc != 0)
		give_up(isolated);
	return rc;
}
