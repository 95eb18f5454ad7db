#include "trail/trail_internal.h"

#include <stdlib.h>
#include <string.h>

int vst_trail_check_say(
        struct trail_check *check, enum vst_trail_finding finding, const char *path, const char *what)
{
	return check->report(check->ctx, finding, path, what);
}

static int reach(struct trail_check *check, const git_oid *id, struct vst_err *err)
{
	return vst_trail_oids_add(&check->reached, &check->reached_count, &check->reached_cap, id, err);
}

static int reach_state(struct trail_check *check, const struct trail_state *state, struct vst_err *err)
{
	int rc = reach(check, &state->commit, err);

	if (rc == 0)
		rc = reach(check, &state->root, err);
	if (rc == 0)
		rc = reach(check, &state->event, err);
	for (int i = 0; rc == 0 && i < TRAIL_FILES; i++)
		rc = reach(check, &state->files[i], err);
	for (int i = 0; rc == 0 && i < TRAIL_LEVELS; i++)
		rc = reach(check, &state->trees[i], err);
	return rc;
}

/* Every commit against the one before. The first that does not fit is reported; what comes after it cannot be
 * judged. */
static int check_chain(struct trail_check *check, struct vst_err *err)
{
	struct vst_trail *trail = check->trail;
	struct trail_state prev = {0};
	int rc = 0;

	check->complete = true;
	for (uint64_t i = 0; rc == 0 && check->complete && i < trail->size; i++) {
		struct trail_commit_parts parts;
		struct trail_state next = {0};
		struct vst_err why = VST_ERR_INIT;

		rc = vst_trail_commit_read(trail, &trail->commits[i], &parts, NULL, NULL, &why);
		if (rc == 0)
			rc = vst_trail_state_read(trail, i, &parts.tree, &next, &why);
		if (rc == 0)
			rc = vst_trail_state_follows(i > 0 ? &prev : NULL, &next, &why);
		if (rc == 0) {
			next.commit = trail->commits[i];
			rc = reach_state(check, &next, err);
		} else if (rc == VST_ETAMPERED) {
			char id[VST_TRAIL_ID_TEXT];

			check->complete = false;
			rc = vst_trail_check_say(
			        check, VST_TRAIL_DIFFERENT, vst_trail_commit_id(trail, i, id), why.text);
		} else if (err) {
			*err = why;
		}
		vst_trail_state_free(&prev);
		prev = next;
	}
	vst_trail_state_free(&prev);
	vst_trail_oids_sort(check->reached, &check->reached_count);
	return rc;
}

/* The last state and the one before; without them index and work tree have nothing to be compared with. */
static int load_ends(struct trail_check *check, struct vst_err *err)
{
	struct vst_trail *trail = check->trail;
	struct trail_commit_parts parts;
	int rc = 0;

	if (trail->size > 1) {
		uint64_t number = trail->size - 2;

		rc = vst_trail_commit_read(trail, &trail->commits[number], &parts, NULL, NULL, err);
		if (rc == 0)
			rc = vst_trail_state_read(trail, number, &parts.tree, &check->before, err);
	}
	if (rc == 0)
		rc = vst_trail_state_load(trail, trail->size - 1, &check->state, err);
	if (rc == 0)
		rc = vst_trail_state_events(trail, check->state, &check->events, err);
	return rc;
}

/* HEAD and the branch were read when the trail was opened; they must still be what they were. */
static int check_head(struct trail_check *check, struct vst_err *err)
{
	struct vst_trail *trail = check->trail;
	struct vst_err why = VST_ERR_INIT;
	git_oid head;
	int rc;

	rc = vst_trail_head_read(trail->gitfd, &head, &why);
	if (rc == VST_ENOTFOUND && trail->size == 0)
		return 0;
	if (rc == VST_ENOTFOUND || rc == VST_ETAMPERED)
		return vst_trail_check_say(check, VST_TRAIL_DIFFERENT, ".git/HEAD", why.text);
	if (rc != 0) {
		if (err)
			*err = why;
		return rc;
	}
	if (trail->size == 0 || !git_oid_equal(&head, &trail->commits[trail->size - 1]))
		return vst_trail_check_say(
		        check, VST_TRAIL_DIFFERENT, ".git/" TRAIL_REF, "moved since the trail was opened");
	return 0;
}

int vst_trail_check(struct vst_trail *trail, vst_trail_report *report, void *ctx, struct vst_err *err)
{
	struct trail_check check = {.trail = trail, .report = report, .ctx = ctx};
	int rc;

	vst_err_clear(err);
	rc = check_head(&check, err);
	if (rc == 0)
		rc = check_chain(&check, err);
	if (rc == 0)
		rc = vst_trail_check_objects(&check, err);
	if (rc == 0)
		rc = vst_trail_check_git(&check, err);
	/* A broken chain was reported: then there is nothing to hold index and work tree against. */
	if (rc == 0 && check.complete && trail->size > 0)
		rc = load_ends(&check, err);
	if (rc == VST_ETAMPERED) {
		check.complete = false;
		rc = vst_trail_check_say(
		        &check, VST_TRAIL_DIFFERENT, ".git/objects", err ? err->text : "damaged");
	}
	if (rc == 0 && check.complete && check.state)
		rc = vst_trail_check_index(&check, err);
	if (rc == 0 && check.complete && check.state)
		rc = vst_trail_check_work(&check, err);
	vst_trail_state_free(&check.before);
	free(check.reached);
	free(check.present);
	free(check.events);
	if (rc != 0 && err && err->code == 0)
		vst_err_set(err, rc, "check stopped");
	return rc;
}
