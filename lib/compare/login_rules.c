#include "compare/login_rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compare/facts_read.h"
#include "compare/login_file.h"
#include "compare/login_set.h"
#include "compare/observer.h"
#include "compare/telling.h"
#include "vestige/timefmt.h"

#define TOLD_MAX 16 /* positions in one finding */
#define ROTATIONS_GAP                                                                                        \
	(2 * INT64_C(86400) * VST_NS_PER_S) /* between snapshots, in which a log may be rotated twice */

struct judging {
	enum vst_login_kind kind;
	const struct vst_observed_set *earlier, *later; /* earlier may be NULL */
	struct vst_login_set before, after;
	struct vst_login_known *known;                           /* the records of `after` */
	const struct vst_login_log *successors[VST_LOGIN_FILES]; /* of each of `before` in `after` */
	const struct vst_finding_sink *findings;
};

static struct vst_telling telling_of(const struct judging *judging, const char *rule,
        enum vst_severity severity, const struct vst_login_log *before, const struct vst_login_log *after)
{
	return (struct vst_telling){.sink = judging->findings,
	        .rule = rule,
	        .severity = severity,
	        .before = before ? before->item : NULL,
	        .after = after ? after->item : NULL};
}

/* The file that this one goes on from: of several, what they hold was put together, the longest. */
static const struct vst_login_log *predecessor(const struct judging *judging, const struct vst_login_log *now)
{
	const struct vst_login_log *first = NULL;
	for (size_t i = 0; i < judging->before.count; i++)
		if (judging->successors[i] == now && (!first || judging->before.logs[i].count > first->count))
			first = &judging->before.logs[i];
	return first;
}

/* ---- records that are gone ---- */

struct losses {
	uint64_t found, missing, zeroed, unchecked;
	uint64_t blocks_same, blocks_changed; /* of those before the records that have a digest each */
	uint64_t positions[TOLD_MAX];         /* of the first missing ones */
};

static void lose(struct losses *losses, uint64_t at, bool zeroed)
{
	if (losses->missing < TOLD_MAX)
		losses->positions[losses->missing] = at;
	losses->missing++;
	losses->zeroed += zeroed;
}

static void look_for_record(const struct judging *judging, const struct vst_login_log *was,
        const struct vst_login_log *now, uint64_t at, struct losses *losses)
{
	const uint8_t *digest = vst_login_record(was, at), *there = now ? vst_login_record(now, at) : NULL;
	uint64_t block = at / VST_LOGIN_BLOCK;
	if (vst_login_is_blank(digest))
		return;
	if (vst_login_known_has(judging->known, digest) || (now && vst_login_same_block(was, now, block)))
		losses->found++;
	else if (!now || at >= now->from)
		lose(losses, at, there && vst_login_is_blank(there));
	else if (!vst_login_has_block(was, block) || !vst_login_has_block(now, block))
		losses->unchecked++;
	else
		/* Which of its records, nobody knows. A block that starts earlier was counted there. */
		losses->blocks_changed += at % VST_LOGIN_BLOCK == 0;
}

static void look_for_records(const struct judging *judging, const struct vst_login_log *was,
        const struct vst_login_log *now, struct losses *losses)
{
	for (uint64_t block = 0; now && block * VST_LOGIN_BLOCK < was->from; block++) {
		if (vst_login_same_block(was, now, block))
			losses->blocks_same++;
		else if (vst_login_has_block(was, block) &&
		         (vst_login_has_block(now, block) || now->count < was->count))
			losses->blocks_changed++;
		else
			losses->unchecked++;
	}
	for (uint64_t at = was->from; at < was->count; at++)
		look_for_record(judging, was, now, at, losses);
}

/* Whether an earlier file has another name now. One that was empty shows it by its inode, or not at all. */
static bool was_rotated(const struct judging *judging, size_t index)
{
	const struct vst_login_log *was = &judging->before.logs[index], *now = judging->successors[index];
	return now && strcmp(was->item->item->path, now->item->item->path) != 0;
}

/* The oldest of all, while a younger one was rotated. */
static bool is_rotated_out(const struct judging *judging, const struct vst_login_log *gone)
{
	bool rotated = false;
	const struct vst_login_log *there = vst_login_by_path(&judging->after, gone->item->item->path);
	for (size_t i = 0; i < judging->before.count; i++) {
		const struct vst_login_log *other = &judging->before.logs[i];
		if (other->rank > gone->rank && judging->successors[i])
			return false;
		if (other->rank < gone->rank)
			rotated |= was_rotated(judging, i) ||
			           (other->known && other->count == 0 && there && there->count == 0);
	}
	return rotated;
}

/* A compressed file that the earlier exhibit did not have under any name. */
static bool was_packed(const struct judging *judging)
{
	for (size_t i = 0; i < judging->after.count; i++) {
		const struct vst_login_log *now = &judging->after.logs[i];
		bool old = !now->packed;
		for (size_t j = 0; j < judging->before.count && !old; j++)
			old = judging->before.logs[j].packed &&
			      judging->before.logs[j].item->item->size == now->item->item->size;
		if (!old)
			return true;
	}
	return false;
}

static bool has_rotated_files(const struct vst_login_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->logs[i].rank > 0)
			return true;
	return false;
}

/* Of a file that is gone as a whole. */
static enum vst_severity severity_of_loss(
        const struct judging *judging, const struct vst_login_log *was, const char **ret_innocent)
{
	const struct vst_login_log *there = vst_login_by_path(&judging->after, was->item->item->path);
	*ret_innocent = "an administrator removed the file, or it could not be read this time";
	if (!there)
		return judging->after.count > 0 ? VST_SEVERITY_MEDIUM : VST_SEVERITY_LOW;
	*ret_innocent = "an administrator emptied the file";
	if (vst_login_same_inode(was, there))
		return VST_SEVERITY_HIGH;
	*ret_innocent = "it was rotated to a name that is not collected, or several times since";
	if (!has_rotated_files(&judging->before) && !has_rotated_files(&judging->after))
		return VST_SEVERITY_MEDIUM;
	if (judging->later->time - judging->earlier->time > ROTATIONS_GAP)
		return VST_SEVERITY_MEDIUM;
	*ret_innocent = "an administrator rotated the logs by hand, more than once";
	return VST_SEVERITY_HIGH;
}

static void write_losses(struct vst_json *json, const struct vst_login_log *was, const struct losses *losses)
{
	vst_json_object(json);
	vst_json_key(json, "records_before");
	vst_json_uint(json, was->count);
	vst_json_key(json, "missing");
	vst_json_uint(json, losses->missing);
	vst_json_key(json, "zeroed");
	vst_json_uint(json, losses->zeroed);
	vst_json_key(json, "unchecked");
	vst_json_uint(json, losses->unchecked);
	vst_json_key(json, "blocks_changed");
	vst_json_uint(json, losses->blocks_changed);
	vst_json_key(json, "positions");
	vst_json_array(json);
	for (uint64_t i = 0; i < losses->missing && i < TOLD_MAX; i++)
		vst_json_uint(json, losses->positions[i]);
	vst_json_end(json);
	vst_json_end(json);
}

static int tell_unchecked(const struct judging *judging, const struct vst_login_log *was,
        const struct vst_login_log *now, const struct losses *losses, const char *why, struct vst_err *err)
{
	struct vst_telling telling =
	        telling_of(judging, "login_records_unchecked", VST_SEVERITY_INFO, was, now);
	telling.expected = "all records of the earlier exhibit are found again";
	struct vst_json json = vst_telling_details(&telling);
	write_losses(&json, was, losses);
	return vst_telling_end(&telling, err, "not all records could be looked for: %s", why);
}

static int tell_removed(const struct judging *judging, const struct vst_login_log *was,
        const struct vst_login_log *now, const struct losses *losses, bool whole, struct vst_err *err)
{
	const char *innocent = "the file was damaged when the host crashed";
	enum vst_severity severity = whole ? severity_of_loss(judging, was, &innocent) : VST_SEVERITY_HIGH;
	uint64_t removed = losses->missing - losses->zeroed;
	struct vst_telling telling = telling_of(judging,
	        removed || losses->blocks_changed ? "login_records_removed" : "login_records_zeroed",
	        severity, was, now ? now : vst_login_by_path(&judging->after, was->item->item->path));
	telling.expected = "login records are added and never changed; rotation renames whole files";
	telling.innocent = innocent;
	struct vst_json json = vst_telling_details(&telling);
	write_losses(&json, was, losses);
	if (losses->missing == 0)
		return vst_telling_end(&telling, err,
		        "older records have changed, in %" PRIu64 " blocks of %d", losses->blocks_changed,
		        VST_LOGIN_BLOCK);
	return vst_telling_end(&telling, err, "%" PRIu64 " of %" PRIu64 " records are gone%s",
	        losses->missing, was->count,
	        whole            ? ": all that were known"
	        : losses->zeroed ? ", some of them overwritten with zeros"
	                         : "");
}

static int judge_losses(const struct judging *judging, size_t index, struct vst_err *err)
{
	const struct vst_login_log *was = &judging->before.logs[index], *now = judging->successors[index];
	struct losses losses = {0};
	if (!vst_login_has_records(was))
		return 0;
	look_for_records(judging, was, now, &losses);
	bool whole = losses.found == 0 && losses.blocks_same == 0;
	if (losses.missing == 0 && losses.blocks_changed == 0)
		return losses.unchecked == 0 ? 0
		                             : tell_unchecked(judging, was, now, &losses,
		                                       "more were added since than facts hold", err);
	if (judging->after.cut)
		return tell_unchecked(
		        judging, was, now, &losses, "there are more files than are compared", err);
	/* What is blank in its place is told of the later file. */
	if (now && losses.missing == losses.zeroed && losses.blocks_changed == 0 &&
	        predecessor(judging, now) == was)
		return 0;
	/* Overwritten in place is no rotation. */
	if (whole && losses.zeroed == 0) {
		if (is_rotated_out(judging, was))
			return 0;
		if (was_packed(judging))
			return tell_unchecked(judging, was, now, &losses, "a file was compressed since", err);
	}
	return tell_removed(judging, was, now, &losses, whole && losses.zeroed == 0, err);
}

/* ---- what is wrong inside one file, and was not before ---- */

static bool had_run(const struct vst_login_log *was, uint64_t at, uint64_t count)
{
	const json_t *runs = was ? json_object_get(was->facts, "blanks") : NULL;
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *run = json_array_get(runs, i);
		uint64_t from = (uint64_t)vst_facts_at(run, 0, 0), len = (uint64_t)vst_facts_at(run, 1, 0);
		if (from <= at && count <= len && at - from <= len - count)
			return true;
	}
	return false;
}

static bool same_boot(const struct judging *judging)
{
	return judging->earlier && judging->earlier->boot_id[0] != 0 &&
	       strcmp(judging->earlier->boot_id, judging->later->boot_id) == 0;
}

static enum vst_severity severity_of_run(
        const struct judging *judging, const struct vst_login_log *was, uint64_t at, bool before_boot)
{
	if (judging->kind == VST_LOGIN_UTMP)
		return was && at < was->count && same_boot(judging) ? VST_SEVERITY_HIGH : VST_SEVERITY_MEDIUM;
	/* In place of records that were there, no crash left them. */
	return before_boot && !(was && at < was->count) ? VST_SEVERITY_MEDIUM : VST_SEVERITY_HIGH;
}

static int judge_blanks(const struct judging *judging, const struct vst_login_log *was,
        const struct vst_login_log *now, struct vst_err *err)
{
	const json_t *runs = json_object_get(now->facts, "blanks");
	int64_t blank = vst_facts_int(now->facts, "blank", 0);
	enum vst_severity severity = VST_SEVERITY_INFO;
	uint64_t records = 0;
	if (blank == 0 || (was && blank <= vst_facts_int(was->facts, "blank", 0)))
		return 0;
	struct vst_telling telling = telling_of(judging, "login_records_zeroed", severity, was, now);
	struct vst_json json = vst_telling_details(&telling);
	vst_json_object(&json);
	vst_json_key(&json, "runs");
	vst_json_array(&json);
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *run = json_array_get(runs, i);
		uint64_t at = (uint64_t)vst_facts_at(run, 0, 0), count = (uint64_t)vst_facts_at(run, 1, 0);
		if (had_run(was, at, count))
			continue;
		enum vst_severity own =
		        severity_of_run(judging, was, at, json_is_true(json_array_get(run, 2)));
		severity = own > severity ? own : severity;
		records += count;
		vst_json_array(&json);
		vst_json_uint(&json, at);
		vst_json_uint(&json, count);
		vst_json_end(&json);
	}
	vst_json_end(&json);
	vst_json_key(&json, "blank");
	vst_json_int(&json, blank);
	vst_json_end(&json);
	/* More than the list holds: nothing tells where, nor that it was a crash. */
	if (records == 0 && json_array_size(runs) == VST_LOGIN_LIST)
		severity = VST_SEVERITY_MEDIUM;
	telling.severity = severity;
	telling.expected = "each record has a type, a time and, of a login, a user";
	telling.innocent = severity == VST_SEVERITY_HIGH
	                           ? NULL
	                           : "a crash left zeros where a record was not yet written";
	if (severity == VST_SEVERITY_INFO) {
		vst_buf_free(&telling.details);
		return 0;
	}
	return vst_telling_end(&telling, err, "%" PRId64 " records are blanked", blank);
}

static bool had_step(const struct vst_login_log *was, int64_t at)
{
	const json_t *backs = was ? json_object_get(was->facts, "backs") : NULL;
	for (size_t i = 0; i < json_array_size(backs); i++)
		if (vst_facts_at(json_array_get(backs, i), 0, 0) == at)
			return true;
	return false;
}

static int judge_times(const struct judging *judging, const struct vst_login_log *was,
        const struct vst_login_log *now, struct vst_err *err)
{
	const json_t *backs = json_object_get(now->facts, "backs");
	int64_t back = vst_facts_int(now->facts, "back", 0);
	if (judging->kind == VST_LOGIN_UTMP || back == 0 ||
	        (was && back <= vst_facts_int(was->facts, "back", 0)))
		return 0;
	struct vst_telling telling =
	        telling_of(judging, "login_time_backwards", VST_SEVERITY_MEDIUM, was, now);
	telling.expected = "the times of the records rise, unless the host starts or its clock is set";
	telling.innocent = "a clock that was set without a record of it";
	struct vst_json json = vst_telling_details(&telling);
	vst_json_object(&json);
	vst_json_key(&json, "steps");
	vst_json_array(&json);
	for (size_t i = 0; i < json_array_size(backs); i++) {
		const json_t *step = json_array_get(backs, i);
		if (had_step(was, vst_facts_at(step, 0, 0)))
			continue;
		vst_json_array(&json);
		vst_json_int(&json, vst_facts_at(step, 0, 0));
		vst_json_int(&json, vst_facts_at(step, 1, 0));
		vst_json_end(&json);
	}
	vst_json_end(&json);
	vst_json_end(&json);
	return vst_telling_end(&telling, err, "time steps back at %" PRId64 " records", back);
}

static int judge_form(const struct judging *judging, const struct vst_login_log *was,
        const struct vst_login_log *now, struct vst_err *err)
{
	bool odd = !now->known && !now->packed;
	if ((!odd && now->over == 0) || (was && (odd ? !was->known : was->over > 0)))
		return 0;
	struct vst_telling telling = telling_of(judging, "login_file_odd", VST_SEVERITY_MEDIUM, was, now);
	telling.expected = "the file consists of whole login records";
	telling.innocent = "the disk was full, or the host crashed, while a record was written";
	if (odd)
		return vst_telling_end(&telling, err, "the file does not hold login records");
	return vst_telling_end(
	        &telling, err, "%" PRIu64 " bytes stand behind the last whole record", now->over);
}

static int judge_log(const struct judging *judging, const struct vst_login_log *now, struct vst_err *err)
{
	const struct vst_login_log *was = predecessor(judging, now);
	int rc = 0;
	/* Blanked records do not tell whose they were. */
	if (!was && !vst_login_has_records(now))
		was = vst_login_by_path(&judging->before, now->item->item->path);
	if (now->known)
		rc = judge_blanks(judging, was, now, err);
	if (rc == 0 && now->known)
		rc = judge_times(judging, was, now, err);
	if (!was)
		was = vst_login_by_path(&judging->before, now->item->item->path);
	return rc ? rc : judge_form(judging, was, now, err);
}

static int judge_kind(struct judging *judging, struct vst_err *err)
{
	int rc = vst_login_set_read(judging->earlier, judging->kind, &judging->before, err);
	if (rc == 0)
		rc = vst_login_set_read(judging->later, judging->kind, &judging->after, err);
	if (rc == 0)
		rc = vst_login_known_new(&judging->after, &judging->known, err);
	if (rc == 0)
		vst_login_match(&judging->before, &judging->after, judging->known, judging->successors);
	for (size_t i = 0; rc == 0 && judging->kind != VST_LOGIN_UTMP && i < judging->before.count; i++)
		rc = judge_losses(judging, i, err);
	for (size_t i = 0; rc == 0 && i < judging->after.count; i++)
		rc = judge_log(judging, &judging->after.logs[i], err);
	vst_login_set_free(&judging->before);
	vst_login_set_free(&judging->after);
	vst_login_known_free(judging->known);
	return rc;
}

int vst_login_rules(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	int rc = 0;
	for (int kind = VST_LOGIN_UTMP; rc == 0 && kind <= VST_LOGIN_BTMP; kind++) {
		struct judging judging = {
		        .kind = kind, .earlier = before, .later = after, .findings = findings};
		rc = judge_kind(&judging, err);
	}
	return rc;
}
