/*
 * Invariants (all under `lock`, save where the caller alone looks):
 * 1. Frames are numbered from 0. Frame n lives in slot n % slots.
 * 2. sealed <= taken <= submitted, and submitted - sealed <= slots: the caller waits for a slot before it
 * fills the next frame.
 * 3. A slot belongs to the caller while it is filled, to a worker from `taken` until it is `done`, then to
 * the sealing thread.
 * 4. The first failure stays; after it nothing more is handed to `out`.
 */
#include "exhibit/frames.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "exhibit/compressor.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/mem.h"

#define SKIPPABLE_MAGIC 0x184D2A5Eu
#define SEEKABLE_MAGIC 0x8F92EAB1u
#define SLOTS_MAX VST_FRAMES_SLOTS(VST_FRAMES_WORKERS_MAX)

struct slot {
	uint8_t *in, *out;
	size_t in_len, out_len;
	bool done;
};

struct vst_frames {
	struct vst_frames_options options;
	size_t out_cap;
	unsigned slot_count;
	struct slot slots[SLOTS_MAX];
	struct vst_compressor *compressors[VST_FRAMES_WORKERS_MAX];

	pthread_t threads[VST_FRAMES_WORKERS_MAX + 1];
	unsigned thread_count, worker_count;
	pthread_mutex_t lock;
	pthread_cond_t has_work, has_done, has_room;
	uint64_t submitted, taken, sealed;
	uint64_t written; /* bytes given to `out` */
	bool closing;     /* no more frames will come */
	bool stop;        /* leave now */
	struct vst_err failure;

	struct slot *filling; /* the caller's; NULL until there is room */
	uint64_t position;
	struct vst_buf table; /* of the sealing thread until it has ended */
};

static void fail_locked(struct vst_frames *frames, const struct vst_err *err)
{
	if (frames->failure.code == 0)
		frames->failure = *err;
	frames->stop = true;
	pthread_cond_broadcast(&frames->has_work);
	pthread_cond_broadcast(&frames->has_done);
	pthread_cond_broadcast(&frames->has_room);
}

static struct vst_compressor *take_compressor(struct vst_frames *frames)
{
	struct vst_compressor *compressor;
	pthread_mutex_lock(&frames->lock);
	compressor = frames->compressors[frames->worker_count++];
	pthread_mutex_unlock(&frames->lock);
	return compressor;
}

static void *work(void *arg)
{
	struct vst_frames *frames = arg;
	struct vst_compressor *compressor = take_compressor(frames);
	struct vst_err err = VST_ERR_INIT;

	pthread_mutex_lock(&frames->lock);
	for (;;) {
		struct slot *slot;
		int rc;
		while (!frames->stop && !frames->closing && frames->taken == frames->submitted)
			pthread_cond_wait(&frames->has_work, &frames->lock);
		if (frames->stop || frames->taken == frames->submitted)
			break;
		slot = &frames->slots[frames->taken++ % frames->slot_count];
		pthread_mutex_unlock(&frames->lock);
		rc = vst_compressor_frame(
		        compressor, slot->in, slot->in_len, slot->out, frames->out_cap, &slot->out_len, &err);
		pthread_mutex_lock(&frames->lock);
		if (rc != 0) {
			fail_locked(frames, &err);
			break;
		}
		slot->done = true;
		pthread_cond_signal(&frames->has_done);
	}
	pthread_mutex_unlock(&frames->lock);
	return NULL;
}

static int seal(struct vst_frames *frames, const struct slot *slot, struct vst_err *err)
{
	vst_buf_u32le(&frames->table, (uint32_t)slot->out_len);
	vst_buf_u32le(&frames->table, (uint32_t)slot->in_len);
	if (frames->table.failed)
		return vst_err_nomem(err);
	return frames->options.out.write(frames->options.out.ctx, slot->out, slot->out_len, err);
}

static void *seal_in_order(void *arg)
{
	struct vst_frames *frames = arg;
	struct vst_err err = VST_ERR_INIT;

	pthread_mutex_lock(&frames->lock);
	for (;;) {
		struct slot *slot = &frames->slots[frames->sealed % frames->slot_count];
		int rc;
		while (!frames->stop && !(frames->closing && frames->sealed == frames->submitted) &&
		        !(frames->sealed < frames->submitted && slot->done))
			pthread_cond_wait(&frames->has_done, &frames->lock);
		if (frames->stop || frames->sealed == frames->submitted)
			break;
		pthread_mutex_unlock(&frames->lock);
		rc = seal(frames, slot, &err);
		pthread_mutex_lock(&frames->lock);
		if (rc != 0) {
			fail_locked(frames, &err);
			break;
		}
		slot->done = false;
		slot->in_len = 0;
		frames->written += slot->out_len;
		frames->sealed++;
		pthread_cond_signal(&frames->has_room);
	}
	pthread_mutex_unlock(&frames->lock);
	return NULL;
}

/* Signals are for the thread that drives the writer: the pool's threads block them all. */
static int start_threads(struct vst_frames *frames, struct vst_err *err)
{
	sigset_t all, old;
	int sys = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i <= frames->options.workers && sys == 0; i++) {
		sys = pthread_create(&frames->threads[i], NULL, i == 0 ? seal_in_order : work, frames);
		if (sys == 0)
			frames->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return sys ? vst_err_sys(err, sys, "start a thread") : 0;
}

static void join_threads(struct vst_frames *frames)
{
	for (unsigned i = 0; i < frames->thread_count; i++)
		pthread_join(frames->threads[i], NULL);
	frames->thread_count = 0;
}

int vst_frames_new(const struct vst_frames_options *options, struct vst_frames **ret, struct vst_err *err)
{
	struct vst_frames *frames;
	int rc = 0;
	if (options->workers == 0 || options->workers > VST_FRAMES_WORKERS_MAX || options->frame_size == 0 ||
	        options->frame_size > VST_FRAME_MAX)
		return vst_err_set(err, VST_EUSAGE, "frames: number of workers or size out of range");
	frames = vst_calloc(1, sizeof *frames);
	if (!frames)
		return vst_err_nomem(err);
	frames->options = *options;
	frames->slot_count = VST_FRAMES_SLOTS(options->workers);
	frames->out_cap = vst_compressor_bound(options->frame_size);
	pthread_mutex_init(&frames->lock, NULL);
	pthread_cond_init(&frames->has_work, NULL);
	pthread_cond_init(&frames->has_done, NULL);
	pthread_cond_init(&frames->has_room, NULL);
	for (unsigned i = 0; i < frames->slot_count && rc == 0; i++) {
		frames->slots[i].in = vst_alloc(options->frame_size);
		frames->slots[i].out = vst_alloc(frames->out_cap);
		if (!frames->slots[i].in || !frames->slots[i].out)
			rc = vst_err_nomem(err);
	}
	for (unsigned i = 0; i < options->workers && rc == 0; i++)
		rc = vst_compressor_new(&frames->compressors[i], err);
	if (rc == 0)
		rc = start_threads(frames, err);
	if (rc != 0) {
		vst_frames_free(frames);
		return rc;
	}
	frames->filling = &frames->slots[0];
	*ret = frames;
	return 0;
}

void vst_frames_free(struct vst_frames *frames)
{
	if (!frames)
		return;
	pthread_mutex_lock(&frames->lock);
	frames->stop = true;
	pthread_cond_broadcast(&frames->has_work);
	pthread_cond_broadcast(&frames->has_done);
	pthread_mutex_unlock(&frames->lock);
	join_threads(frames);
	for (unsigned i = 0; i < VST_FRAMES_WORKERS_MAX; i++)
		vst_compressor_free(frames->compressors[i]);
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		free(frames->slots[i].in);
		free(frames->slots[i].out);
	}
	pthread_mutex_destroy(&frames->lock);
	pthread_cond_destroy(&frames->has_work);
	pthread_cond_destroy(&frames->has_done);
	pthread_cond_destroy(&frames->has_room);
	vst_buf_free(&frames->table);
	free(frames);
}

static int check_failure(struct vst_frames *frames, struct vst_err *err)
{
	if (frames->failure.code == 0)
		return 0;
	if (err)
		*err = frames->failure;
	return frames->failure.code;
}

/* Hands the filled frame over; the next slot is waited for when it is needed. */
static void submit(struct vst_frames *frames)
{
	pthread_mutex_lock(&frames->lock);
	frames->submitted++;
	frames->filling = NULL;
	pthread_cond_signal(&frames->has_work);
	pthread_mutex_unlock(&frames->lock);
}

static int wait_for_room(struct vst_frames *frames, struct vst_err *err)
{
	int rc;
	pthread_mutex_lock(&frames->lock);
	while (!frames->stop && frames->submitted - frames->sealed >= frames->slot_count)
		pthread_cond_wait(&frames->has_room, &frames->lock);
	rc = check_failure(frames, err);
	if (rc == 0)
		frames->filling = &frames->slots[frames->submitted % frames->slot_count];
	pthread_mutex_unlock(&frames->lock);
	return rc;
}

uint8_t *vst_frames_space(struct vst_frames *frames, size_t *ret_len)
{
	if (!frames->filling && wait_for_room(frames, NULL) != 0)
		return NULL; /* the write that follows says why */
	*ret_len = frames->options.frame_size - frames->filling->in_len;
	return frames->filling->in + frames->filling->in_len;
}

int vst_frames_write(struct vst_frames *frames, const void *data, size_t len, struct vst_err *err)
{
	const uint8_t *from = data;
	while (len > 0) {
		struct slot *slot = frames->filling;
		size_t room;
		int rc;
		if (!slot) {
			if ((rc = wait_for_room(frames, err)) != 0)
				return rc;
			slot = frames->filling;
		}
		room = frames->options.frame_size - slot->in_len;
		if (room > len)
			room = len;
		if (from != slot->in + slot->in_len) /* it was read in place */
			memcpy(slot->in + slot->in_len, from, room);
		slot->in_len += room;
		from += room;
		len -= room;
		frames->position += room;
		if (slot->in_len == frames->options.frame_size)
			submit(frames);
	}
	return 0;
}

static int write_table(struct vst_frames *frames, struct vst_err *err)
{
	struct vst_buf out = VST_BUF_INIT;
	size_t entries = frames->table.len;
	int rc;
	vst_buf_u32le(&out, SKIPPABLE_MAGIC);
	vst_buf_u32le(&out, (uint32_t)(entries + 9));
	vst_buf_bytes(&out, frames->table.data, entries);
	vst_buf_u32le(&out, (uint32_t)(entries / 8));
	vst_buf_byte(&out, 0); /* descriptor: no checksums here, each frame has its own */
	vst_buf_u32le(&out, SEEKABLE_MAGIC);
	rc = vst_buf_check(&out, err);
	if (rc == 0)
		rc = frames->options.out.write(frames->options.out.ctx, out.data, out.len, err);
	vst_buf_free(&out);
	return rc;
}

int vst_frames_finish(struct vst_frames *frames, struct vst_err *err)
{
	int rc;
	if (frames->filling && frames->filling->in_len > 0)
		submit(frames);
	pthread_mutex_lock(&frames->lock);
	frames->closing = true;
	pthread_cond_broadcast(&frames->has_work);
	pthread_cond_broadcast(&frames->has_done);
	pthread_mutex_unlock(&frames->lock);
	join_threads(frames);
	rc = check_failure(frames, err);
	return rc != 0 ? rc : write_table(frames, err);
}

uint64_t vst_frames_position(const struct vst_frames *frames)
{
	return frames->position;
}

uint64_t vst_frames_written(struct vst_frames *frames)
{
	uint64_t written;
	pthread_mutex_lock(&frames->lock);
	written = frames->written;
	pthread_mutex_unlock(&frames->lock);
	return written;
}
