#include "trail/trail_internal.h"

void vst_trail_record_free(struct vst_trail_record *record)
{
	vst_buf_free(&record->event);
	vst_buf_free(&record->case_file);
	vst_buf_free(&record->recipients);
	vst_buf_free(&record->allowed_signers);
	vst_buf_free(&record->checkpoint);
	vst_buf_free(&record->payload);
	vst_buf_free(&record->signature);
	vst_buf_free(&record->author);
	*record = (struct vst_trail_record){0};
}

/* Most commits leave most files as they were: the last content of each is kept. */
static int read_file(struct vst_trail *trail, enum trail_file file, const git_oid *id, struct vst_buf *out,
        struct vst_err *err)
{
	struct trail_cache *cache = &trail->cache[file];
	int rc;

	if (!cache->valid || !git_oid_equal(&cache->id, id)) {
		cache->valid = false;
		vst_buf_clear(&cache->bytes);
		rc = vst_trail_object_read(trail, id, GIT_OBJECT_BLOB, &cache->bytes, err);
		if (rc != 0)
			return rc;
		cache->id = *id;
		cache->valid = true;
	}
	vst_buf_clear(out);
	vst_buf_bytes(out, cache->bytes.data, cache->bytes.len);
	return vst_buf_check(out, err);
}

static int read_files(struct vst_trail *trail, const struct trail_state *state, struct vst_trail_record *ret,
        struct vst_err *err)
{
	struct vst_buf *const outs[TRAIL_FILES] = {
	        [TRAIL_SIGNERS] = &ret->allowed_signers,
	        [TRAIL_CASE] = &ret->case_file,
	        [TRAIL_CHECKPOINT] = &ret->checkpoint,
	        [TRAIL_RECIPIENTS] = &ret->recipients,
	};
	char path[TRAIL_EVENT_PATH];
	int rc;

	vst_buf_clear(&ret->event);
	rc = vst_trail_object_read(trail, &state->event, GIT_OBJECT_BLOB, &ret->event, err);
	if (rc != 0) {
		vst_trail_event_path(state->number, path);
		return vst_err_prepend(err, "%s", path);
	}
	for (int file = 0; file < TRAIL_FILES; file++) {
		rc = read_file(trail, (enum trail_file)file, &state->files[file], outs[file], err);
		if (rc != 0)
			return vst_err_prepend(err, "%s", vst_trail_file_names[file]);
	}
	return 0;
}

static int read_commit(struct vst_trail *trail, uint64_t number, struct vst_trail_record *ret,
        struct trail_commit_parts *parts, struct vst_err *err)
{
	int rc;

	vst_buf_clear(&ret->payload);
	vst_buf_clear(&ret->signature);
	vst_buf_clear(&ret->author);
	rc = vst_trail_commit_read(
	        trail, &trail->commits[number], parts, &ret->payload, &ret->signature, err);
	if (rc != 0)
		return rc;
	vst_buf_bytes(&ret->author, ret->payload.data + parts->author_offset, parts->author_len);
	ret->author_seconds = parts->seconds;
	ret->message_offset = parts->message_offset;
	return vst_buf_check(&ret->author, err);
}

/* Reads the tree of commit `number` and compares it with the one before; the handle then keeps it for the
 * next. */
static int read_state(struct vst_trail *trail, uint64_t number, const git_oid *root, struct vst_err *err)
{
	const struct trail_state *prev = NULL;
	struct trail_state next;
	int rc;

	if (number > 0) {
		rc = vst_trail_state_load(trail, number - 1, &prev, err);
		if (rc != 0)
			return vst_err_prepend(err, "the commit before");
	}
	rc = vst_trail_state_read(trail, number, root, &next, err);
	if (rc != 0)
		return rc;
	rc = vst_trail_state_follows(prev, &next, err);
	if (rc != 0) {
		vst_trail_state_free(&next);
		return rc;
	}
	next.commit = trail->commits[number];
	vst_trail_state_free(&trail->state);
	trail->state = next;
	return 0;
}

int vst_trail_read(
        struct vst_trail *trail, uint64_t number, struct vst_trail_record *ret, struct vst_err *err)
{
	struct trail_commit_parts parts;
	int rc;

	if (number >= trail->size)
		return vst_err_set(err, VST_ENOTFOUND, "event %llu: the trail holds %zu",
		        (unsigned long long)number, trail->size);
	rc = read_commit(trail, number, ret, &parts, err);
	if (rc == 0)
		rc = read_state(trail, number, &parts.tree, err);
	if (rc == 0)
		rc = read_files(trail, &trail->state, ret, err);
	if (rc != 0)
		return vst_err_prepend(err, "event %llu", (unsigned long long)number);
	return 0;
}
