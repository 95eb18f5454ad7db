#include "exhibit/tar_stream.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "vestige/age.h"
#include "vestige/err.h"
#include "vestige/exhibit_format.h"
#include "vestige/io.h"
#include "vestige/mem.h"

/*
 * Invariants, under the lock:
 * 1. A frame is in at most one slot, whatever the slot's state.
 * 2. A WORKING slot belongs to the thread that decodes into it; nobody else touches its data.
 * 3. The slot that the reader looks at (`viewed`) is READY and is not taken for another frame.
 * 4. Workers exist only once a plan asked for them; `stop` ends them.
 */
#define SLOTS_ALONE 2
#define SLOTS_PER_WORKER 1
#define WORKERS_MAX 4
#define SLOTS_MAX (SLOTS_ALONE + SLOTS_PER_WORKER * WORKERS_MAX)
#define NO_FRAME UINT32_MAX
#define NO_SLOT (-1)

enum slot_state { SLOT_EMPTY, SLOT_QUEUED, SLOT_WORKING, SLOT_READY, SLOT_FAILED };

struct slot {
	enum slot_state state;
	uint32_t frame;
	uint64_t used;      /* tick of the last use: the oldest is taken for another frame */
	uint8_t *data;      /* VST_FRAME_MAX bytes, made at first use */
	struct vst_err err; /* FAILED */
};

/* What one thread needs to decode. */
struct decoder {
	ZSTD_DCtx *zstd;
	uint8_t *compressed; /* VST_SEEK_COMPRESSED_MAX */
};

struct worker {
	struct vst_tar_stream *stream;
	struct decoder decoder;
	pthread_t thread;
};

struct vst_tar_stream {
	struct vst_age_reader *age;
	uint64_t file_size;
	struct vst_seek_table table;
	uint64_t *chunks_read; /* a bit for each age chunk; set from several threads */

	struct decoder own;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a slot was queued or is done, or `stop` */
	bool has_lock;
	bool stop;
	struct slot slots[SLOTS_MAX];
	unsigned slot_count;
	int viewed;
	uint64_t tick;
	uint32_t plan_next, plan_end; /* frames that are still to be queued */
	struct worker workers[WORKERS_MAX];
	unsigned worker_count;
	bool workers_tried;
};

/* ---- the compressed stream ---- */

int vst_age_plain_read(
        const struct vst_age_reader *age, uint64_t offset, void *ret_data, size_t len, struct vst_err *err)
{
	uint64_t size = vst_age_reader_size(age);
	uint8_t *partial = NULL;
	uint8_t *out = ret_data;
	int rc = 0;

	if (offset > size || len > size - offset)
		return vst_err_set(err, VST_EFORMAT, "beyond the end of the decrypted stream");
	while (len > 0) {
		uint64_t index = offset / VST_AGE_CHUNK;
		size_t skip = (size_t)(offset % VST_AGE_CHUNK), got = 0, take;
		bool whole = skip == 0 && len >= VST_AGE_CHUNK;

		if (!whole && !partial && !(partial = vst_alloc(VST_AGE_CHUNK))) {
			rc = vst_err_nomem(err);
			break;
		}
		if ((rc = vst_age_reader_chunk(age, index, whole ? out : partial, &got, err)) != 0)
			break;
		if (got <= skip) {
			rc = vst_err_set(
			        err, VST_EFORMAT, "age chunk %llu is short", (unsigned long long)index);
			break;
		}
		take = got - skip < len ? got - skip : len;
		if (!whole)
			memcpy(out, partial + skip, take);
		out += take;
		offset += take;
		len -= take;
	}
	free(partial);
	return rc;
}

static int plain_read(
        struct vst_tar_stream *stream, uint64_t offset, void *ret_data, size_t len, struct vst_err *err)
{
	int rc = vst_age_plain_read(stream->age, offset, ret_data, len, err);

	if (rc != 0 || len == 0)
		return rc;
	for (uint64_t i = offset / VST_AGE_CHUNK; i <= (offset + len - 1) / VST_AGE_CHUNK; i++)
		__atomic_fetch_or(&stream->chunks_read[i / 64], UINT64_C(1) << (i % 64), __ATOMIC_RELAXED);
	return 0;
}

static void decoder_free(struct decoder *decoder)
{
	ZSTD_freeDCtx(decoder->zstd);
	free(decoder->compressed);
	*decoder = (struct decoder){0};
}

static int decoder_init(struct decoder *decoder, struct vst_err *err)
{
	decoder->zstd = ZSTD_createDCtx();
	decoder->compressed = vst_alloc(VST_SEEK_COMPRESSED_MAX);
	if (decoder->zstd && decoder->compressed)
		return 0;
	decoder_free(decoder);
	return vst_err_nomem(err);
}

static int decode(
        struct vst_tar_stream *stream, struct decoder *decoder, struct slot *slot, struct vst_err *err)
{
	struct vst_seek_frame frame = vst_seek_table_frame(&stream->table, slot->frame);
	int rc;

	if ((rc = plain_read(stream, frame.offset, decoder->compressed, frame.len, err)) != 0 ||
	        (rc = vst_seek_frame_decode(decoder->zstd, &frame, stream->table.has_checksums,
	                 decoder->compressed, slot->data, err)) != 0)
		return vst_err_prepend(err, "frame %u", slot->frame);
	return 0;
}

/* ---- slots; all with the lock held ---- */

static int slot_of(const struct vst_tar_stream *stream, uint32_t frame)
{
	for (unsigned i = 0; i < stream->slot_count; i++)
		if (stream->slots[i].state != SLOT_EMPTY && stream->slots[i].frame == frame)
			return (int)i;
	return NO_SLOT;
}

/* The slot that was not used for longest and that nobody needs; queued ones only if the reader itself has no
 * other. */
static int slot_to_take(struct vst_tar_stream *stream, bool for_reader)
{
	int best = NO_SLOT;

	for (unsigned i = 0; i < stream->slot_count; i++) {
		const struct slot *slot = &stream->slots[i];

		if ((int)i == stream->viewed || slot->state == SLOT_WORKING ||
		        (slot->state == SLOT_QUEUED && !for_reader))
			continue;
		if (slot->state == SLOT_EMPTY)
			return (int)i;
		if (best == NO_SLOT || slot->used < stream->slots[best].used)
			best = (int)i;
	}
	return best;
}

static bool slot_start(struct vst_tar_stream *stream, int index, uint32_t frame, enum slot_state state)
{
	struct slot *slot = &stream->slots[index];

	if (!slot->data && !(slot->data = vst_alloc(VST_FRAME_MAX)))
		return false;
	slot->state = state;
	slot->frame = frame;
	slot->used = ++stream->tick;
	return true;
}

/* Unlocks while it decodes. */
static void slot_work(struct vst_tar_stream *stream, struct decoder *decoder, struct slot *slot)
{
	struct vst_err err = VST_ERR_INIT;
	int rc;

	slot->state = SLOT_WORKING;
	pthread_mutex_unlock(&stream->lock);
	rc = decode(stream, decoder, slot, &err);
	pthread_mutex_lock(&stream->lock);
	slot->state = rc == 0 ? SLOT_READY : SLOT_FAILED;
	if (rc != 0)
		slot->err = err;
	pthread_cond_broadcast(&stream->changed);
}

/* Queues what the plan wants next, as far as slots that hold nothing newer than the plan allow. */
static void plan_queue(struct vst_tar_stream *stream, uint32_t current)
{
	uint32_t ahead = stream->worker_count * SLOTS_PER_WORKER;
	uint32_t limit = current < NO_FRAME - ahead ? current + ahead : NO_FRAME;
	bool queued = false;

	if (stream->plan_next <= current)
		stream->plan_next = current + 1;
	for (; stream->plan_next < stream->plan_end && stream->plan_next <= limit; stream->plan_next++) {
		int index;

		if (slot_of(stream, stream->plan_next) != NO_SLOT)
			continue;
		index = slot_to_take(stream, false);
		if (index == NO_SLOT || !slot_start(stream, index, stream->plan_next, SLOT_QUEUED))
			break;
		queued = true;
	}
	if (queued)
		pthread_cond_broadcast(&stream->changed);
}

static void *worker_main(void *ctx)
{
	struct worker *worker = ctx;
	struct vst_tar_stream *stream = worker->stream;

	pthread_mutex_lock(&stream->lock);
	while (!stream->stop) {
		struct slot *next = NULL;

		for (unsigned i = 0; i < stream->slot_count; i++) {
			struct slot *slot = &stream->slots[i];

			if (slot->state == SLOT_QUEUED && (!next || slot->frame < next->frame))
				next = slot;
		}
		if (next)
			slot_work(stream, &worker->decoder, next);
		else
			pthread_cond_wait(&stream->changed, &stream->lock);
	}
	pthread_mutex_unlock(&stream->lock);
	return NULL;
}

/* Workers make it faster and nothing else: where they cannot be had, the reader decodes by itself. */
static void workers_start(struct vst_tar_stream *stream)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = processors < 1 ? 1 : processors > WORKERS_MAX ? WORKERS_MAX : (unsigned)processors;

	stream->workers_tried = true;
	while (stream->worker_count < wanted) {
		struct worker *worker = &stream->workers[stream->worker_count];

		worker->stream = stream;
		if (decoder_init(&worker->decoder, NULL) != 0)
			break;
		if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
			decoder_free(&worker->decoder);
			break;
		}
		stream->worker_count++;
		stream->slot_count = SLOTS_ALONE + SLOTS_PER_WORKER * stream->worker_count;
	}
}

/* ---- opening ---- */

static int read_table(struct vst_tar_stream *stream, struct vst_err *err)
{
	uint64_t size = vst_age_reader_size(stream->age);
	uint8_t footer[VST_SEEK_FOOTER_LEN];
	uint8_t *data = NULL;
	size_t len = 0;
	int rc;

	if (size < sizeof footer)
		return vst_err_set(err, VST_EFORMAT, "too short to hold a seek table");
	if ((rc = plain_read(stream, size - sizeof footer, footer, sizeof footer, err)) != 0 ||
	        (rc = vst_seek_table_len(footer, size, &len, err)) != 0)
		return rc;
	if (!(data = vst_alloc(len)))
		return vst_err_nomem(err);
	if ((rc = plain_read(stream, size - len, data, len, err)) == 0)
		rc = vst_seek_table_parse(data, len, size, &stream->table, err);
	free(data);
	return rc;
}

int vst_tar_stream_open(struct vst_tar_stream **ret, const struct vst_input *in,
        const struct vst_age_identities *identities, struct vst_err *err)
{
	struct vst_tar_stream *stream = vst_calloc(1, sizeof *stream);
	int rc;

	if (!stream)
		return vst_err_nomem(err);
	stream->viewed = NO_SLOT;
	stream->slot_count = SLOTS_ALONE;
	stream->file_size = in->size;
	if ((rc = vst_age_reader_open(&stream->age, in, identities, err)) != 0)
		goto out;
	stream->chunks_read = vst_calloc(
	        (size_t)(vst_age_reader_chunks(stream->age) / 64 + 1), sizeof *stream->chunks_read);
	if (!stream->chunks_read) {
		rc = vst_err_nomem(err);
		goto out;
	}
	if (pthread_mutex_init(&stream->lock, NULL) != 0) {
		rc = vst_err_nomem(err);
		goto out;
	}
	if (pthread_cond_init(&stream->changed, NULL) != 0) {
		pthread_mutex_destroy(&stream->lock);
		rc = vst_err_nomem(err);
		goto out;
	}
	stream->has_lock = true;
	if ((rc = decoder_init(&stream->own, err)) != 0 || (rc = read_table(stream, err)) != 0)
		goto out;
	*ret = stream;
	stream = NULL;
out:
	vst_tar_stream_free(stream);
	return rc;
}

void vst_tar_stream_free(struct vst_tar_stream *stream)
{
	if (!stream)
		return;
	if (stream->has_lock) {
		pthread_mutex_lock(&stream->lock);
		stream->stop = true;
		pthread_cond_broadcast(&stream->changed);
		pthread_mutex_unlock(&stream->lock);
		for (unsigned i = 0; i < stream->worker_count; i++) {
			pthread_join(stream->workers[i].thread, NULL);
			decoder_free(&stream->workers[i].decoder);
		}
		pthread_cond_destroy(&stream->changed);
		pthread_mutex_destroy(&stream->lock);
	}
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		free(stream->slots[i].data);
	decoder_free(&stream->own);
	vst_seek_table_free(&stream->table);
	free(stream->chunks_read);
	vst_age_reader_free(stream->age);
	free(stream);
}

uint64_t vst_tar_stream_size(const struct vst_tar_stream *stream)
{
	return stream->table.tar_size;
}

const struct vst_seek_table *vst_tar_stream_table(const struct vst_tar_stream *stream)
{
	return &stream->table;
}

const struct vst_age_reader *vst_tar_stream_age(const struct vst_tar_stream *stream)
{
	return stream->age;
}

/* ---- reading ---- */

/* Makes `frame` the viewed one. */
static int view_frame(struct vst_tar_stream *stream, uint32_t frame, struct vst_err *err)
{
	int rc = 0, index;

	pthread_mutex_lock(&stream->lock);
	stream->viewed = NO_SLOT;
	if ((index = slot_of(stream, frame)) == NO_SLOT) {
		/* Others may all be at work only for a moment: there are more slots than workers. */
		while ((index = slot_to_take(stream, true)) == NO_SLOT)
			pthread_cond_wait(&stream->changed, &stream->lock);
		stream->slots[index].state = SLOT_EMPTY;
		if (!slot_start(stream, index, frame, SLOT_QUEUED)) {
			rc = vst_err_nomem(err);
			goto out;
		}
	}
	if (stream->slots[index].state == SLOT_QUEUED) {
		stream->slots[index].state = SLOT_WORKING;
		plan_queue(stream, frame);
		slot_work(stream, &stream->own, &stream->slots[index]);
	} else {
		while (stream->slots[index].state == SLOT_WORKING)
			pthread_cond_wait(&stream->changed, &stream->lock);
	}
	stream->slots[index].used = ++stream->tick;
	if (stream->slots[index].state == SLOT_FAILED) {
		struct slot *slot = &stream->slots[index];

		if (err)
			*err = slot->err;
		rc = slot->err.code;
		slot->state = SLOT_EMPTY; /* what failed for want of memory may work the next time */
		goto out;
	}
	stream->viewed = index;
	plan_queue(stream, frame);
out:
	pthread_mutex_unlock(&stream->lock);
	return rc;
}

int vst_tar_stream_view(struct vst_tar_stream *stream, uint64_t offset, const uint8_t **ret_data,
        size_t *ret_len, struct vst_err *err)
{
	uint32_t frame;
	uint64_t start;
	int rc;

	if (offset > stream->table.tar_size)
		return vst_err_set(err, VST_EFORMAT, "beyond the end of the tar");
	if (offset == stream->table.tar_size) {
		*ret_data = NULL;
		*ret_len = 0;
		return 0;
	}
	frame = vst_seek_table_find(&stream->table, offset);
	if (stream->viewed == NO_SLOT || stream->slots[stream->viewed].frame != frame) {
		if ((rc = view_frame(stream, frame, err)) != 0)
			return rc;
	}
	start = stream->table.tar_offsets[frame];
	*ret_data = stream->slots[stream->viewed].data + (offset - start);
	*ret_len = (size_t)(stream->table.tar_offsets[frame + 1] - offset);
	return 0;
}

int vst_tar_stream_read(
        struct vst_tar_stream *stream, uint64_t offset, void *ret_data, size_t len, struct vst_err *err)
{
	uint8_t *out = ret_data;

	if (offset > stream->table.tar_size || len > stream->table.tar_size - offset)
		return vst_err_set(err, VST_EFORMAT, "beyond the end of the tar");
	while (len > 0) {
		const uint8_t *data;
		size_t got, take;
		int rc = vst_tar_stream_view(stream, offset, &data, &got, err);

		if (rc != 0)
			return rc;
		take = got < len ? got : len;
		memcpy(out, data, take);
		out += take;
		offset += take;
		len -= take;
	}
	return 0;
}

void vst_tar_stream_plan(struct vst_tar_stream *stream, uint64_t from, uint64_t to)
{
	if (to > stream->table.tar_size)
		to = stream->table.tar_size;
	pthread_mutex_lock(&stream->lock);
	if (from >= to) {
		stream->plan_next = stream->plan_end = 0;
	} else {
		if (!stream->workers_tried)
			workers_start(stream);
		stream->plan_next = vst_seek_table_find(&stream->table, from);
		stream->plan_end = vst_seek_table_find(&stream->table, to - 1) + 1;
	}
	pthread_mutex_unlock(&stream->lock);
}

void vst_tar_stream_rest(struct vst_tar_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	stream->viewed = NO_SLOT;
	stream->plan_next = stream->plan_end = 0;
	for (unsigned i = 0; i < stream->slot_count; i++) {
		struct slot *slot = &stream->slots[i];

		if (slot->state == SLOT_WORKING)
			continue;
		free(slot->data);
		slot->data = NULL;
		slot->state = SLOT_EMPTY;
	}
	pthread_mutex_unlock(&stream->lock);
}

void vst_tar_stream_coverage(const struct vst_tar_stream *stream, uint64_t *ret_read, uint64_t *ret_total)
{
	uint64_t payload = vst_age_reader_header_len(stream->age) + VST_AGE_NONCE, read = payload;
	uint64_t chunks = vst_age_reader_chunks(stream->age);

	for (uint64_t i = 0; i < chunks; i++) {
		uint64_t start = payload + i * (VST_AGE_CHUNK + VST_AGE_TAG);

		if (!(__atomic_load_n(&stream->chunks_read[i / 64], __ATOMIC_RELAXED) >> (i % 64) & 1))
			continue;
		read += stream->file_size - start < VST_AGE_CHUNK + VST_AGE_TAG ? stream->file_size - start
		                                                                : VST_AGE_CHUNK + VST_AGE_TAG;
	}
	*ret_read = read;
	*ret_total = stream->file_size;
}
