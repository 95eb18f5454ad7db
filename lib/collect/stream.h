/*
 * Items that are made while they are read and whose length nobody knows: rows, exports, live state.
 *
 *     struct vst_stream out = vst_stream_of(context, source->name, sink);
 *     rc = vst_stream_open(&out, "/processes.jsonl", err);
 *     while (rc == 0 && more && !out.cut)
 *             rc = vst_stream_write(&out, line, len, err);
 *     if (rc == 0)
 *             rc = vst_stream_close(&out, NULL, err);
 *     vst_stream_free(&out);
 *
 * Functions fail only as collectors do: when the sink failed, memory ran out, or the run was cancelled. A
 * limit that is reached does not fail: `cut` then names the rule, what is written from there on is dropped,
 * and the item ends as truncated by it.
 *
 * In a dry run (context->content false) the item is described without content; writes are dropped.
 */
#ifndef COLLECT_STREAM_H
#define COLLECT_STREAM_H

#include "vestige/buf.h"
#include "vestige/collector.h"

struct vst_stream {
	struct vst_collect_context *context; /* borrowed, as source and sink are */
	const char *source;
	const struct vst_sink *sink;
	const char *cut; /* the limit that was reached */
	bool is_open;
	struct vst_buf path, block;
	struct vst_item item; /* metadata set between open and close goes into the manifest line, if it is of
	                         no stat */
	uint64_t room;
	const char *room_rule;
};

struct vst_stream vst_stream_of(
        struct vst_collect_context *context, const char *source, const struct vst_sink *sink);
void vst_stream_free(struct vst_stream *out);

/* An item of type stream. `path` is absolute, without empty, `.` and `..` components (vst_stream_component()
 * helps). */
int vst_stream_open(struct vst_stream *out, const char *path, struct vst_err *err);
int vst_stream_write(struct vst_stream *out, const void *data, size_t len, struct vst_err *err);
/*
 * Ends it: collected, or truncated where it was cut. `details` (a JSON object by json.h; NULL: none) goes
 * into its manifest line. The stream can be opened again for another item.
 */
int vst_stream_close(struct vst_stream *out, const struct vst_buf *details, struct vst_err *err);
/* Ends it as denied (EACCES, EPERM) or error; what was written stays. `error` 0: `what` alone is the reason.
 */
int vst_stream_fail(struct vst_stream *out, int error, const char *what, const struct vst_buf *details,
        struct vst_err *err);

/*
 * An item without content: absent, vanished, excluded (`rule`), denied or error (`error`, and in `rule` what
 * failed). Nothing if the source has the path.
 */
struct vst_note {
	const char *path;
	enum vst_item_type type;
	enum vst_item_status status;
	enum vst_item_content content; /* digest: a stream that is described in `details` alone */
	const char *rule;
	int error;
	const struct vst_buf *details; /* NULL: none */
};
int vst_stream_note(struct vst_stream *out, const struct vst_note *note, struct vst_err *err);

/* Denied for EACCES and EPERM, error for all else. */
enum vst_item_status vst_stream_status_of(int error);

/*
 * Appends any text as one component of a path: `/` and `%` become %2F and %25, "." and ".." are spelled %2E,
 * an empty text is `%`.
 */
void vst_stream_component(struct vst_buf *path, const char *text, size_t len);

#endif
