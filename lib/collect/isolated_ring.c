#include "collect/isolated_ring.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HEADER ((uint32_t)8)
#define FILLER 0
#define SECOND_MS 1000

static uint32_t padded(uint32_t len)
{
	return HEADER + (len + 7) / 8 * 8;
}

static void futex_wait(_Atomic uint32_t *word, uint32_t seen, int milliseconds)
{
	const struct timespec limit = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
	syscall(SYS_futex, word, FUTEX_WAIT, seen, &limit, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Moves a position on and wakes who waits for it. */
static void advance(_Atomic uint32_t *position, uint32_t by, _Atomic uint32_t *waits)
{
	atomic_fetch_add(position, by);
	if (atomic_exchange(waits, 0))
		futex_wake(position);
}

/* ---- the writer ---- */

static void await_room(struct ring *ring, uint32_t want)
{
	for (;;) {
		uint32_t taken = atomic_load(&ring->taken);
		if (RING_SIZE - (atomic_load(&ring->written) - taken) >= want)
			return;
		atomic_store(&ring->writer_waits, 1);
		if (atomic_load(&ring->taken) == taken)
			futex_wait(&ring->taken, taken, SECOND_MS);
	}
}

static void put_header(struct ring *ring, uint32_t at, uint32_t type, uint32_t len)
{
	const uint32_t header[2] = {len, type};
	memcpy(ring->data + at, header, sizeof header);
}

void *ring_reserve(struct ring *ring, uint32_t len)
{
	uint32_t at = atomic_load(&ring->written) % RING_SIZE, left = RING_SIZE - at;
	if (left < padded(len)) { /* a message lies in one piece */
		await_room(ring, left);
		put_header(ring, at, FILLER, left - HEADER);
		advance(&ring->written, left, &ring->reader_waits);
		at = 0;
	}
	await_room(ring, padded(len));
	return ring->data + at + HEADER;
}

void ring_commit(struct ring *ring, uint32_t type, uint32_t len)
{
	put_header(ring, atomic_load(&ring->written) % RING_SIZE, type, len);
	advance(&ring->written, padded(len), &ring->reader_waits);
}

uint32_t ring_await_answer(struct ring *ring, uint32_t before, uint8_t ret_leaf[VST_HASH_LEN])
{
	while (atomic_load(&ring->answers) == before)
		futex_wait(&ring->answers, before, SECOND_MS);
	if (ret_leaf)
		memcpy(ret_leaf, ring->leaf, VST_HASH_LEN);
	return ring->answer;
}

/* ---- the reader ---- */

static enum ring_state peek(struct ring *ring, uint32_t *ret_type, const uint8_t **ret, uint32_t *ret_len)
{
	uint32_t taken = atomic_load(&ring->taken), there = atomic_load(&ring->written) - taken;
	uint32_t at = taken % RING_SIZE, header[2];
	if (there == 0)
		return RING_EMPTY;
	if (there < HEADER || there > RING_SIZE || at % 8 != 0)
		return RING_BROKEN;
	memcpy(header, ring->data + at, sizeof header);
	if (header[0] > RING_SIZE - HEADER || padded(header[0]) > there || padded(header[0]) > RING_SIZE - at)
		return RING_BROKEN;
	*ret_len = header[0];
	*ret_type = header[1];
	*ret = ring->data + at + HEADER;
	return RING_MESSAGE;
}

enum ring_state ring_next(
        struct ring *ring, int milliseconds, uint32_t *ret_type, const uint8_t **ret, uint32_t *ret_len)
{
	enum ring_state state;
	bool waited = false;
	for (;;) {
		uint32_t written = atomic_load(&ring->written);
		state = peek(ring, ret_type, ret, ret_len);
		if (state == RING_MESSAGE && *ret_type == FILLER) {
			ring_release(ring, *ret_len);
			continue;
		}
		if (state != RING_EMPTY || waited)
			return state;
		atomic_store(&ring->reader_waits, 1);
		if (atomic_load(&ring->written) == written)
			futex_wait(&ring->written, written, milliseconds);
		waited = true;
	}
}

void ring_release(struct ring *ring, uint32_t len)
{
	advance(&ring->taken, padded(len), &ring->writer_waits);
}

void ring_answer(struct ring *ring, uint32_t answer, const uint8_t *leaf)
{
	ring->answer = answer;
	if (leaf)
		memcpy(ring->leaf, leaf, VST_HASH_LEN);
	atomic_fetch_add(&ring->answers, 1);
	futex_wake(&ring->answers);
}
