/*
 * Messages from the collector's process to ours, through memory that both share: one writes, one reads, in
 * order, without copies.
 *
 *     message: length of the payload 4, type 4, payload, zeros to a multiple of 8. Type 0 fills up what is
 * left at the end of the ring.
 *
 * The reader trusts nothing: the other side may have been taken over by what it parsed. A message is looked
 * at once, or copied.
 */
#ifndef COLLECT_ISOLATED_RING_H
#define COLLECT_ISOLATED_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vestige/hash.h"

#define RING_SIZE ((uint32_t)2 * 1024 * 1024) /* a power of two */
#define RING_MESSAGE_MAX ((uint32_t)512 * 1024)
#define RING_PATH_MAX 4096

struct ring {
	/* Bytes written and taken since the beginning, modulo 2^32; futexes too. */
	_Atomic uint32_t written, taken;
	_Atomic uint32_t reader_waits, writer_waits;
	/* The answer to a question: it is there when `answers` has moved on. */
	_Atomic uint32_t answers;
	uint32_t answer;
	uint8_t leaf[VST_HASH_LEN];
	/* From the reader's side: end it, or end this source. */
	atomic_bool cancel, expired;
	/* How far the collector is, for when it does not come back: patterns begun, and the path at hand. */
	_Atomic uint32_t begun, path_len;
	char path[RING_PATH_MAX];
	uint8_t data[RING_SIZE] __attribute__((aligned(64)));
};

/* ---- the writer ---- */

/* Room for a payload of up to `len` (at most RING_MESSAGE_MAX) bytes; waits for it. Good until the commit. */
void *ring_reserve(struct ring *ring, uint32_t len);
/* Sends the reserved payload, or less of it. */
void ring_commit(struct ring *ring, uint32_t type, uint32_t len);
/* Waits for the answer to what was sent last: call with `ring->answers` as it was before that was sent. */
uint32_t ring_await_answer(struct ring *ring, uint32_t before, uint8_t ret_leaf[VST_HASH_LEN]);

/* ---- the reader ---- */

enum ring_state { RING_MESSAGE, RING_EMPTY, RING_BROKEN };
/* The next message, its payload in place until ring_release(); waits up to `milliseconds`. */
enum ring_state ring_next(
        struct ring *ring, int milliseconds, uint32_t *ret_type, const uint8_t **ret, uint32_t *ret_len);
void ring_release(struct ring *ring, uint32_t len);
void ring_answer(struct ring *ring, uint32_t answer, const uint8_t *leaf /* may be NULL */);

#endif
