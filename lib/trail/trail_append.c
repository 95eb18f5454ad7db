/*
 * Adding a commit. Order: make every object in memory and have the commit signed, so that a refused signature
 * leaves nothing; write the objects; move the branch; then the work tree, then the index, which may cache
 * what the work tree has. What a crash leaves before the branch moved is objects that nothing names; after
 * it, a work tree that is behind.
 */
#include "trail/trail_internal.h"

#include <stdlib.h>
#include <string.h>

#include "vestige/fault.h"

#define OBJECTS 10 /* event, four files, three directories, root, commit */

struct object {
	git_object_t type;
	git_oid id;
	const struct vst_buf *bytes; /* borrowed */
};

struct draft {
	const struct trail_state *prev; /* NULL for the first commit */
	struct trail_state next;
	struct vst_buf root, payload, signature, commit;
	struct object objects[OBJECTS];
	size_t count;
};

static void draft_free(struct draft *draft)
{
	vst_trail_state_free(&draft->next);
	vst_buf_free(&draft->root);
	vst_buf_free(&draft->payload);
	vst_buf_free(&draft->signature);
	vst_buf_free(&draft->commit);
}

static int validate(const struct vst_trail *trail, const struct vst_trail_commit *commit, struct vst_err *err)
{
	const struct vst_buf *parts[] = {commit->event, commit->case_file, commit->recipients,
	        commit->allowed_signers, commit->checkpoint, commit->message};

	if (commit->number != trail->size)
		return vst_err_set(err, VST_EUSAGE, "event %llu cannot follow %zu others",
		        (unsigned long long)commit->number, trail->size);
	if (commit->number > TRAIL_COUNT_MAX)
		return vst_err_set(err, VST_ELIMIT, "the trail is full: eight digits number its events");
	if (!vst_trail_author_valid(commit->author, strlen(commit->author)))
		return vst_err_set(err, VST_EUSAGE, "author: not a name that git can carry");
	if (commit->seconds < 0)
		return vst_err_set(err, VST_EUSAGE, "a time before 1970");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i]->len > TRAIL_OBJECT_MAX / 2)
			return vst_err_set(err, VST_ELIMIT, "a file of the trail is longer than %u bytes",
			        TRAIL_OBJECT_MAX / 2);
	if (commit->message->len == 0 || memchr(commit->message->data, 0, commit->message->len))
		return vst_err_set(err, VST_EUSAGE, "commit message: empty, or holds a NUL");
	return 0;
}

/* Before anything is written; vst_trail_head_move() looks again when it counts. */
static int unmoved(const struct vst_trail *trail, struct vst_err *err)
{
	git_oid now;
	int rc = vst_trail_head_read(trail->gitfd, &now, err);

	if (rc == VST_ENOTFOUND && trail->size == 0) {
		vst_err_clear(err);
		return 0;
	}
	if (rc != 0 && rc != VST_ENOTFOUND)
		return rc;
	if (rc != 0 || trail->size == 0 || !git_oid_equal(&now, &trail->commits[trail->size - 1]))
		return vst_err_set(
		        err, VST_ELOCKED, "branch %s was moved by another program", VST_TRAIL_BRANCH);
	return 0;
}

/* ---- in memory ---- */

static int add_object(struct draft *draft, git_object_t type, const struct vst_buf *bytes, git_oid *ret_id,
        struct vst_err *err)
{
	struct object *object = &draft->objects[draft->count++];

	object->type = type;
	object->bytes = bytes;
	if (git_odb_hash(&object->id, bytes->len ? (const void *)bytes->data : "", bytes->len, type) < 0)
		return vst_trail_lib_err(err, VST_ELIBRARY, "hash");
	if (ret_id)
		*ret_id = object->id;
	return 0;
}

static int draft_trees(struct draft *draft, const struct vst_trail_commit *commit, struct vst_err *err)
{
	struct trail_state *next = &draft->next;
	int rc;

	next->number = commit->number;
	rc = add_object(draft, GIT_OBJECT_BLOB, commit->event, &next->event, err);
	if (rc == 0)
		rc = add_object(
		        draft, GIT_OBJECT_BLOB, commit->allowed_signers, &next->files[TRAIL_SIGNERS], err);
	if (rc == 0)
		rc = add_object(draft, GIT_OBJECT_BLOB, commit->case_file, &next->files[TRAIL_CASE], err);
	if (rc == 0)
		rc = add_object(
		        draft, GIT_OBJECT_BLOB, commit->checkpoint, &next->files[TRAIL_CHECKPOINT], err);
	if (rc == 0)
		rc = add_object(
		        draft, GIT_OBJECT_BLOB, commit->recipients, &next->files[TRAIL_RECIPIENTS], err);
	if (rc == 0)
		rc = vst_trail_state_next(draft->prev, next, &draft->root, err);
	for (int level = TRAIL_LEVELS; rc == 0 && level-- > 0;)
		rc = add_object(draft, GIT_OBJECT_TREE, &next->bytes[level], NULL, err);
	if (rc == 0)
		rc = add_object(draft, GIT_OBJECT_TREE, &draft->root, NULL, err);
	return rc;
}

static void put_ident(struct vst_buf *out, const char *keyword, const struct vst_trail_commit *commit)
{
	vst_buf_printf(out, "%s %s <", keyword, commit->author);
	vst_trail_author_address(out, commit->author, strlen(commit->author));
	vst_buf_printf(out, "> %lld +0000\n", (long long)commit->seconds);
}

/* The signature goes in as header lines, without its last LF: each line but the first behind a space. */
static void put_signature(struct vst_buf *out, const struct vst_buf *signature)
{
	size_t len = signature->len;

	while (len > 0 && signature->data[len - 1] == '\n')
		len--;
	vst_buf_text(out, "gpgsig ");
	for (size_t i = 0; i < len; i++) {
		vst_buf_byte(out, signature->data[i]);
		if (signature->data[i] == '\n')
			vst_buf_byte(out, ' ');
	}
	vst_buf_byte(out, '\n');
}

static int draft_commit(struct vst_trail *trail, struct draft *draft, const struct vst_trail_commit *commit,
        vst_trail_sign *sign, void *sign_ctx, struct vst_err *err)
{
	struct trail_commit_parts parts;
	char hex[GIT_OID_HEXSZ + 1];
	size_t header;
	int rc;

	vst_buf_printf(&draft->payload, "tree %s\n", git_oid_tostr(hex, sizeof(hex), &draft->next.root));
	if (trail->size > 0)
		vst_buf_printf(&draft->payload, "parent %s\n",
		        git_oid_tostr(hex, sizeof(hex), &trail->commits[trail->size - 1]));
	put_ident(&draft->payload, "author", commit);
	put_ident(&draft->payload, "committer", commit);
	header = draft->payload.len;
	vst_buf_byte(&draft->payload, '\n');
	vst_buf_bytes(&draft->payload, commit->message->data, commit->message->len);
	rc = vst_buf_check(&draft->payload, err);
	if (rc == 0)
		rc = sign(sign_ctx, draft->payload.data, draft->payload.len, &draft->signature, err);
	if (rc == 0)
		rc = vst_buf_check(&draft->signature, err);
	if (rc != 0)
		return rc;
	vst_buf_bytes(&draft->commit, draft->payload.data, header);
	put_signature(&draft->commit, &draft->signature);
	vst_buf_bytes(&draft->commit, draft->payload.data + header, draft->payload.len - header);
	rc = vst_buf_check(&draft->commit, err);
	if (rc == 0)
		rc = add_object(draft, GIT_OBJECT_COMMIT, &draft->commit, &draft->next.commit, err);
	/* What could not be read again must not be written. */
	if (rc == 0)
		rc = vst_trail_commit_parse(draft->commit.data, draft->commit.len, &parts, NULL, NULL, err);
	return rc;
}

/* ---- on disk ---- */

/* Objects that are there are read, not taken on trust: a damaged one is written again. */
static int write_objects(struct vst_trail *trail, const struct draft *draft, struct vst_err *err)
{
	struct vst_buf there = VST_BUF_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < draft->count; i++) {
		const struct object *object = &draft->objects[i];
		git_object_t type;

		vst_buf_clear(&there);
		if (vst_trail_odb_read(trail, trail->odb, &object->id, &type, &there, NULL) == 0)
			continue;
		rc = vst_trail_loose_write(trail->objectsfd, &object->id, object->type, object->bytes->data,
		        object->bytes->len, err);
		if (rc == 0)
			trail->loose++;
	}
	vst_buf_free(&there);
	return rc;
}

/* When the branch moved but could not be made durable, the log has the commit: the handle must know. */
static int move_branch(struct vst_trail *trail, struct draft *draft, struct vst_err *err)
{
	const git_oid *old;
	git_oid now;
	int rc, rc2;

	rc = vst_trail_add_commit(trail, &draft->next.commit, err); /* first what may find no memory */
	if (rc != 0)
		return rc;
	old = trail->size > 1 ? &trail->commits[trail->size - 2] : NULL;
	rc = vst_trail_head_move(trail->gitfd, old, &draft->next.commit, err);
	if (rc != 0) {
		rc2 = vst_trail_head_read(trail->gitfd, &now, NULL);
		if (rc2 != 0 || !git_oid_equal(&now, &draft->next.commit)) {
			trail->size--;
			return rc;
		}
	}
	draft->next.valid = true;
	vst_trail_state_free(&trail->state);
	trail->state = draft->next;
	draft->next = (struct trail_state){0};
	return rc;
}

static int write_file(
        struct vst_trail *trail, enum trail_file file, const struct vst_buf *bytes, struct vst_err *err)
{
	git_oid now;

	if (vst_trail_work_id(trail, vst_trail_file_names[file], &now, NULL) == 0 &&
	        git_oid_equal(&now, &trail->state.files[file]))
		return 0;
	return vst_trail_work_write(trail, vst_trail_file_names[file], bytes->data, bytes->len, err);
}

static int write_work_tree(
        struct vst_trail *trail, const struct vst_trail_commit *commit, struct vst_err *err)
{
	char path[TRAIL_EVENT_PATH];
	int rc;

	vst_trail_event_path(commit->number, path);
	rc = vst_trail_work_write(trail, path, commit->event->data, commit->event->len, err);
	if (rc == 0)
		rc = write_file(trail, TRAIL_SIGNERS, commit->allowed_signers, err);
	if (rc == 0)
		rc = write_file(trail, TRAIL_CASE, commit->case_file, err);
	if (rc == 0)
		rc = write_file(trail, TRAIL_RECIPIENTS, commit->recipients, err);
	if (rc == 0)
		rc = write_file(trail, TRAIL_CHECKPOINT, commit->checkpoint, err);
	return rc;
}

static int write_index(struct vst_trail *trail, struct vst_err *err)
{
	git_oid *events = NULL;
	int rc;

	rc = vst_trail_state_events(trail, &trail->state, &events, err);
	if (rc == 0)
		rc = vst_trail_index_write(trail, &trail->state, events, trail->state.number, err);
	free(events);
	return rc;
}

int vst_trail_append(struct vst_trail *trail, const struct vst_trail_commit *commit, vst_trail_sign *sign,
        void *sign_ctx, struct vst_err *err)
{
	struct draft draft = {0};
	int rc;

	rc = validate(trail, commit, err);
	if (rc == 0)
		rc = unmoved(trail, err);
	if (rc == 0)
		rc = vst_trail_sweep(trail, err);
	if (rc == 0 && trail->size > 0)
		rc = vst_trail_state_load(trail, trail->size - 1, &draft.prev, err);
	if (rc == 0)
		rc = draft_trees(&draft, commit, err);
	if (rc == 0)
		rc = draft_commit(trail, &draft, commit, sign, sign_ctx, err);
	if (rc == 0)
		rc = write_objects(trail, &draft, err);
	if (rc != 0)
		goto out;
	VST_STEP("trail-objects");
	rc = move_branch(trail, &draft, err);
	if (rc != 0)
		goto out;
	VST_STEP("trail-ref");
	rc = write_work_tree(trail, commit, err);
	if (rc != 0)
		goto out;
	VST_STEP("trail-worktree");
	rc = write_index(trail, err);
	if (rc != 0)
		goto out;
	VST_STEP("trail-index");
	/* Housekeeping: the commit is durable, and loose objects that stay loose cost only room. */
	if (trail->loose > VST_TRAIL_LOOSE_MAX)
		vst_trail_pack(trail, NULL);
out:
	draft_free(&draft);
	return rc;
}
