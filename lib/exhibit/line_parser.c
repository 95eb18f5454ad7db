/*
 * Invariants, under the lock: 1. batches taken <= begun <= pushed, at most BATCHES apart; 2. a batch that was
 * begun and is not done belongs to the thread that began it; 3. the batch number `pushed` is the caller's,
 * who fills it; only the caller pushes and takes.
 *
 * Lines travel in batches because a lock and a wake-up for each would cost more than the thread saves.
 */
#include "exhibit/line_parser.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/mem.h"
#include "vestige/merkle.h"

#define BATCHES 4
#define BATCH_LINES (VST_LINE_PARSER_LINES / BATCHES)
#define BATCH_BYTES (VST_LINE_PARSER_BYTES / BATCHES)

struct batch {
	struct vst_buf text; /* the lines, end to end */
	size_t count, next;  /* next: the one that is taken next */
	bool done;
	struct vst_parsed_line lines[BATCH_LINES];
};

struct vst_line_parser {
	pthread_mutex_t lock;
	pthread_cond_t pushed_some, done_some;
	pthread_t thread;
	bool has_thread, stop;
	uint64_t taken, begun, pushed;
	struct batch batches[BATCHES];
};

static void parse(struct batch *batch)
{
	const uint8_t *at = batch->text.data;

	for (size_t i = 0; i < batch->count; i++) {
		struct vst_parsed_line *line = &batch->lines[i];

		vst_merkle_leaf(at, line->len, line->leaf);
		line->rc = vst_item_parse(at, line->len, &line->item, &line->err);
		at += line->len;
	}
}

static void *run(void *ctx)
{
	struct vst_line_parser *parser = ctx;

	pthread_mutex_lock(&parser->lock);
	while (!parser->stop) {
		struct batch *batch = NULL;

		if (parser->begun == parser->pushed) {
			pthread_cond_wait(&parser->pushed_some, &parser->lock);
			continue;
		}
		batch = &parser->batches[parser->begun++ % BATCHES];
		pthread_mutex_unlock(&parser->lock);
		parse(batch);
		pthread_mutex_lock(&parser->lock);
		batch->done = true;
		pthread_cond_signal(&parser->done_some);
	}
	pthread_mutex_unlock(&parser->lock);
	return NULL;
}

int vst_line_parser_new(struct vst_line_parser **ret, struct vst_err *err)
{
	struct vst_line_parser *parser = vst_calloc(1, sizeof(*parser));
	sigset_t all, old;

	if (parser == NULL)
		return vst_err_nomem(err);
	if (pthread_mutex_init(&parser->lock, NULL) != 0) {
		free(parser);
		return vst_err_nomem(err);
	}
	if (pthread_cond_init(&parser->pushed_some, NULL) != 0) {
		pthread_mutex_destroy(&parser->lock);
		free(parser);
		return vst_err_nomem(err);
	}
	if (pthread_cond_init(&parser->done_some, NULL) != 0) {
		pthread_cond_destroy(&parser->pushed_some);
		pthread_mutex_destroy(&parser->lock);
		free(parser);
		return vst_err_nomem(err);
	}
	sigfillset(&all); /* signals are for the caller's thread */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	parser->has_thread = pthread_create(&parser->thread, NULL, run, parser) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	*ret = parser;
	return 0;
}

void vst_line_parser_free(struct vst_line_parser *parser)
{
	if (parser == NULL)
		return;
	if (parser->has_thread) {
		pthread_mutex_lock(&parser->lock);
		parser->stop = true;
		pthread_cond_signal(&parser->pushed_some);
		pthread_mutex_unlock(&parser->lock);
		(void)pthread_join(parser->thread, NULL);
	}
	for (size_t i = 0; i < BATCHES; i++) {
		struct batch *batch = &parser->batches[i];

		for (size_t n = batch->next; n < batch->count; n++)
			vst_item_free(batch->lines[n].item);
		vst_buf_free(&batch->text);
	}
	pthread_cond_destroy(&parser->done_some);
	pthread_cond_destroy(&parser->pushed_some);
	pthread_mutex_destroy(&parser->lock);
	free(parser);
}

static void push_batch(struct vst_line_parser *parser)
{
	pthread_mutex_lock(&parser->lock);
	parser->pushed++;
	pthread_cond_signal(&parser->pushed_some);
	pthread_mutex_unlock(&parser->lock);
}

bool vst_line_parser_has_room(struct vst_line_parser *parser, size_t len)
{
	struct batch *batch = &parser->batches[parser->pushed % BATCHES];

	if (parser->pushed - parser->taken == BATCHES)
		return false;
	if (batch->count == 0 || (batch->count < BATCH_LINES && batch->text.len + len <= BATCH_BYTES))
		return true;
	push_batch(parser);
	return parser->pushed - parser->taken < BATCHES;
}

int vst_line_parser_push(
        struct vst_line_parser *parser, const void *line, size_t len, uint64_t at, struct vst_err *err)
{
	struct batch *batch = &parser->batches[parser->pushed % BATCHES];

	vst_buf_bytes(&batch->text, line, len);
	if (vst_buf_check(&batch->text, err) != 0)
		return VST_ENOMEM;
	batch->lines[batch->count++] = (struct vst_parsed_line){.at = at, .len = (uint32_t)len};
	return 0;
}

/* Waits until the oldest batch is parsed, or does it. */
static void finish_batch(struct vst_line_parser *parser, struct batch *batch)
{
	bool own = false;

	pthread_mutex_lock(&parser->lock);
	own = parser->begun == parser->taken;
	if (own)
		parser->begun++;
	while (!own && !batch->done)
		pthread_cond_wait(&parser->done_some, &parser->lock);
	pthread_mutex_unlock(&parser->lock);
	if (own)
		parse(batch);
	batch->done = true;
}

bool vst_line_parser_take(struct vst_line_parser *parser, struct vst_parsed_line *ret)
{
	struct batch *batch = &parser->batches[parser->taken % BATCHES];

	if (parser->taken == parser->pushed && batch->count == 0)
		return false;
	if (parser->taken == parser->pushed)
		push_batch(parser);
	if (!batch->done)
		finish_batch(parser, batch);
	*ret = batch->lines[batch->next];
	batch->lines[batch->next++].item = NULL;
	if (batch->next < batch->count)
		return true;
	batch->count = batch->next = 0;
	batch->done = false;
	if (batch->text.cap > 2 * BATCH_BYTES)
		vst_buf_free(&batch->text); /* one long line's memory is not kept */
	vst_buf_clear(&batch->text);
	parser->taken++;
	return true;
}
