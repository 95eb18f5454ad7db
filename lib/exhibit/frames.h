/*
 * Zstandard frames made by a pool of workers and handed on in order, closed by the seek table of the seekable
 * format.
 *
 *   caller: copies into a frame ─▶ workers: compress ─▶ one sealing thread: out.write in order of the frames
 *
 * Memory is bounded: VST_FRAMES_SLOTS(workers) frames of `frame_size` and as much again for their compressed
 * form, and a compression context for each worker. The caller waits when all are full.
 */
#ifndef EXHIBIT_FRAMES_H
#define EXHIBIT_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "vestige/io.h"

#define VST_FRAMES_WORKERS_MAX 16
#define VST_FRAMES_SLOTS(workers)                                                                            \
	((workers) + 2) /* one is filled, one is sealed, the others are compressed */

struct vst_err;
struct vst_frames;

struct vst_frames_options {
	unsigned workers;  /* 1 to VST_FRAMES_WORKERS_MAX */
	size_t frame_size; /* bytes of content in a frame, at most VST_FRAME_MAX */
	struct vst_output
	        out; /* called from the sealing thread until _finish, from the caller's thread then */
};

int vst_frames_new(const struct vst_frames_options *options, struct vst_frames **ret, struct vst_err *err);
/* Stops the threads, wherever they are. */
void vst_frames_free(struct vst_frames *frames);

/* The rest of the frame that is being filled, at least one byte: what is put there and then written is not copied. Waits for
   a free frame. NULL after a failure. Good until the next call. */
uint8_t *vst_frames_space(struct vst_frames *frames, size_t *ret_len);

/* Content, in order. A failure of a worker or of `out` is told by the next call, and by every later one. */
int vst_frames_write(struct vst_frames *frames, const void *data, size_t len, struct vst_err *err);
/* Last frame, all of them out, seek table out. Only _free may follow. */
int vst_frames_finish(struct vst_frames *frames, struct vst_err *err);

uint64_t vst_frames_position(const struct vst_frames *frames); /* bytes of content so far */
uint64_t vst_frames_written(struct vst_frames *frames); /* bytes of whole frames given to `out` so far */

#endif
