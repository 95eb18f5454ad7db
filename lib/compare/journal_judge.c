/*
 * What the journal files of two exhibits tell. journald only appends to a file, archives it under another
 * name in the same directory, and deletes archived files from the lowest sequence number on (vacuum). So what
 * goes in another order was taken away.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/journal_set.h"
#include "vestige/err.h"
#include "vestige/json.h"
#include "vestige/timefmt.h"

#define RANGES_TOLD 16

struct judging {
	const struct vst_journal_set *before, *after;
	bool restarted; /* the host was started in between */
	const struct vst_finding_sink *findings;
};

/* ---- small questions ---- */

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool same_directory(const char *a, const char *b)
{
	size_t a_len = (size_t)(name_of(a) - a), b_len = (size_t)(name_of(b) - b);
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool is_set_aside(const char *path) /* journald found it broken, and began another */
{
	size_t len = strlen(path);
	return len > 0 && path[len - 1] == '~';
}

/* A file that vacuum may delete, in its turn. */
static bool is_archive(const struct vst_journal_set_file *file)
{
	return file->has_header && file->state == VST_JOURNAL_ARCHIVED && strchr(name_of(file->path), '@') &&
	       !is_set_aside(file->path);
}

static bool is_volatile(const char *path)
{
	return strncmp(path, "/run/", 5) == 0;
}

static bool was_restarted(const struct vst_observed_set *before, const struct vst_observed_set *after)
{
	if (!before)
		return false;
	if (before->boot_id[0] && after->boot_id[0])
		return strcmp(before->boot_id, after->boot_id) != 0;
	return after->boot_time == VST_TIME_NONE || after->boot_time > before->time;
}

static bool was_before(const struct vst_journal_set *set, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (set->files[i].has_header &&
		        strcmp(set->files[i].file_id, set->files[index].file_id) == 0 &&
		        same_directory(set->files[i].path, set->files[index].path))
			return true;
	return false;
}

static bool is_there(const struct vst_journal_set *set, const char *file_id)
{
	for (size_t i = 0; i < set->file_count; i++)
		if (set->files[i].has_header && strcmp(set->files[i].file_id, file_id) == 0)
			return true;
	return false;
}

static const struct vst_journal_set_file *at_path(const struct vst_journal_set *set, const char *path)
{
	for (size_t i = 0; i < set->file_count; i++)
		if (strcmp(set->files[i].path, path) == 0)
			return &set->files[i];
	return NULL;
}

static bool has_broken(const struct vst_journal_set *set)
{
	for (size_t i = 0; i < set->file_count; i++)
		if (set->files[i].error)
			return true;
	return set->is_cut;
}

/* ---- telling ---- */

static void place(struct vst_finding *finding, const struct vst_journal_set *set, size_t owner, bool is_after)
{
	const struct vst_observed *item = &set->items->items[owner];
	finding->source = item->item->source;
	*(is_after ? &finding->after : &finding->before) = item->place;
}

static void key_uint(struct vst_json *json, const char *key, uint64_t value)
{
	vst_json_key(json, key);
	vst_json_uint(json, value <= INT64_MAX ? value : INT64_MAX);
}

static void write_file(const struct vst_journal_set_file *file, struct vst_json *json)
{
	static const char *const states[] = {"offline", "online", "archived", "unknown"};
	vst_json_object(json);
	vst_json_key(json, "path");
	vst_json_text(json, file->path, strlen(file->path));
	if (file->has_header) {
		vst_json_key(json, "state");
		vst_json_string(json, states[file->state]);
		vst_json_key(json, "file_id");
		vst_json_string(json, file->file_id);
		vst_json_key(json, "seqnum_id");
		vst_json_string(json, file->seqnum_id);
		key_uint(json, "head_seqnum", file->head);
		key_uint(json, "tail_seqnum", file->tail);
		key_uint(json, "entries", file->entries);
	}
	if (file->error) {
		vst_json_key(json, "error");
		vst_json_text(json, file->error, strlen(file->error));
	}
	vst_json_end(json);
}

/* Of one file: as it was, as it is (either may be NULL). */
static int tell_file(const struct judging *j, struct vst_finding *finding,
        const struct vst_journal_set_file *old, const struct vst_journal_set_file *new, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT;
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	if (old) {
		place(finding, j->before, old->owner, false);
		vst_json_key(&json, "before");
		write_file(old, &json);
	}
	if (new) {
		place(finding, j->after, new->owner, true);
		vst_json_key(&json, "after");
		write_file(new, &json);
	}
	vst_json_end(&json);
	finding->path = new ? new->path : old->path;
	finding->details = (const char *)details.data;
	finding->details_len = details.len;
	int rc = vst_buf_check(&details, err);
	if (rc == 0)
		rc = j->findings->take(j->findings->ctx, finding, err);
	vst_buf_free(&details);
	return rc;
}

/* ---- a file that is still there ---- */

static bool lost_entries(const struct vst_journal_set_file *old, const struct vst_journal_set_file *new)
{
	return new->entries < old->entries || new->tail < old->tail ||
	       (old->head > 0 && new->head != old->head);
}

static bool differs(const struct vst_journal_set_file *old, const struct vst_journal_set_file *new)
{
	if (old->sha256 && new->sha256 && old->state == VST_JOURNAL_ARCHIVED)
		return memcmp(old->sha256, new->sha256, 32) != 0;
	return lost_entries(old, new) || (old->state == VST_JOURNAL_ARCHIVED &&
	                                         (new->entries != old->entries || new->tail != old->tail));
}

/* Whether `new` is what became of `old`: the same name, or what the archived or set aside file is called now.
   A copy that lies beside the file is neither. */
static bool is_pair(const struct judging *j, const struct vst_journal_set_file *old,
        const struct vst_journal_set_file *new)
{
	if (!new->has_header || strcmp(new->file_id, old->file_id) != 0 ||
	        !same_directory(new->path, old->path))
		return false;
	if (strcmp(new->path, old->path) == 0)
		return true;
	const struct vst_journal_set_file *there = at_path(j->after, old->path);
	return !there || !there->has_header || strcmp(there->file_id, old->file_id) != 0;
}

/* The pair of views of one file that shows it, else NULL. */
static const struct vst_journal_set_file *find_different(
        const struct judging *j, const char *directory_of, const struct vst_journal_set_file **ret_old)
{
	const char *id = (*ret_old)->file_id;
	for (size_t i = 0; i < j->before->file_count; i++) {
		const struct vst_journal_set_file *old = &j->before->files[i];
		if (!old->has_header || strcmp(old->file_id, id) != 0 ||
		        !same_directory(old->path, directory_of))
			continue;
		for (size_t k = 0; k < j->after->file_count; k++) {
			const struct vst_journal_set_file *new = &j->after->files[k];
			if (is_pair(j, old, new) && differs(old, new)) {
				*ret_old = old;
				return new;
			}
		}
	}
	return NULL;
}

static int judge_kept(const struct judging *j, const struct vst_journal_set_file *old, struct vst_err *err)
{
	const struct vst_journal_set_file *new = find_different(j, old->path, &old);
	char found[200];
	if (!new)
		return 0;
	bool lost = lost_entries(old, new), archived = old->state == VST_JOURNAL_ARCHIVED;
	struct vst_finding finding = {
	        .rule = archived ? "journal_archived_changed" : "journal_entries_gone",
	        .severity = VST_SEVERITY_HIGH,
	        .expected = archived ? "a journal file that was archived stays as it was, byte for byte"
	                             : "a journal file is appended to and loses no entries",
	        .found = found,
	        .innocent = archived ? "a fault of the disk" : NULL,
	};
	if (!archived && is_set_aside(new->path)) {
		finding.severity = VST_SEVERITY_MEDIUM;
		finding.innocent = "the host lost power before the last entries were on disk, and journald "
		                   "set the file aside";
	}
	if (lost)
		snprintf(found, sizeof found,
		        "%" PRIu64 " entries up to number %" PRIu64 ", where there were %" PRIu64
		        " up to %" PRIu64,
		        new->entries, new->tail, old->entries, old->tail);
	else
		snprintf(found, sizeof found, "its content changed");
	return tell_file(j, &finding, old, new, err);
}

/* ---- a file that is gone ---- */

/* Archived files with lower numbers are there: vacuum would have taken them first. */
static const struct vst_journal_set_file *older_one(
        const struct judging *j, const struct vst_journal_set_file *old)
{
	for (size_t i = 0; i < j->after->file_count; i++) {
		const struct vst_journal_set_file *file = &j->after->files[i];
		if (is_archive(file) && file->head < old->head && file->entries > 0 &&
		        strcmp(file->seqnum_id, old->seqnum_id) == 0 && same_directory(file->path, old->path))
			return file;
	}
	return NULL;
}

/* Whether anything of its directory, or of its sequence numbers, is known now. */
static bool is_continued(const struct vst_journal_set *after, const struct vst_journal_set_file *old)
{
	for (size_t i = 0; i < after->file_count; i++)
		if (after->files[i].has_header && same_directory(after->files[i].path, old->path) &&
		        strcmp(after->files[i].seqnum_id, old->seqnum_id) == 0)
			return true;
	return false;
}

static bool is_excused(const struct judging *j, const struct vst_journal_set_file *old)
{
	const struct vst_journal_set_file *there = at_path(j->after, old->path);
	return old->entries == 0 || (is_volatile(old->path) && j->restarted) || (there && there->error) ||
	       j->after->is_cut;
}

static int judge_gone(const struct judging *j, const struct vst_journal_set_file *old, struct vst_err *err)
{
	if (is_excused(j, old))
		return 0;
	char found[200];
	const struct vst_journal_set_file *older = older_one(j, old);
	struct vst_finding finding = {
	        .rule = "journal_file_removed",
	        .severity = is_set_aside(old->path) ? VST_SEVERITY_MEDIUM : VST_SEVERITY_HIGH,
	        .expected = "journald deletes its archived files from the oldest on",
	        .found = found,
	        .innocent = is_set_aside(old->path) ? "journald had set the file aside as broken, and sorts "
	                                              "such ones by their age"
	                                            : NULL,
	};
	if (older) {
		snprintf(found, sizeof found,
		        "the file with entries from number %" PRIu64 " on is gone, and one from %" PRIu64
		        " on is there",
		        old->head, older->head);
		return tell_file(j, &finding, old, NULL, err);
	}
	if (is_continued(j->after, old) || is_volatile(old->path) || is_set_aside(old->path))
		return 0;
	finding.rule = "journal_replaced";
	finding.severity = VST_SEVERITY_MEDIUM;
	finding.expected = "a journal goes on where it was";
	finding.innocent = "an administrator deleted the journal, or keeps it elsewhere now";
	snprintf(found, sizeof found,
	        "the file is gone, and nothing in its directory goes on with its sequence numbers");
	return tell_file(j, &finding, old, NULL, err);
}

static int judge_files(const struct judging *j, struct vst_err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < j->before->file_count; i++) {
		const struct vst_journal_set_file *old = &j->before->files[i];
		if (!old->has_header || was_before(j->before, i))
			continue;
		rc = is_there(j->after, old->file_id) ? judge_kept(j, old, err) : judge_gone(j, old, err);
	}
	return rc;
}

/* ---- files that cannot be read ---- */

static int judge_broken(const struct judging *j, const struct vst_journal_set_file *file, struct vst_err *err)
{
	const struct vst_journal_set_file *old = at_path(j->before, file->path);
	if (old && old->error)
		return 0;
	bool was_archived = old && old->state == VST_JOURNAL_ARCHIVED;
	struct vst_finding finding = {
	        .rule = was_archived ? "journal_archived_changed" : "journal_file_broken",
	        .severity = was_archived              ? VST_SEVERITY_HIGH
	                    : is_archive(file) || old ? VST_SEVERITY_MEDIUM
	                                              : VST_SEVERITY_LOW,
	        .expected = was_archived ? "an archived journal file that could be read stays as it was"
	                                 : "a journal file that can be read to its end",
	        .found = file->error,
	        .innocent = was_archived ? "a fault of the disk"
	                                 : "the host lost power while journald wrote, or it wrote while the "
	                                   "file was read",
	};
	return tell_file(j, &finding, old, file, err);
}

/* ---- sequence numbers of all files together ---- */

struct pieces {
	uint64_t numbers, count;
	struct vst_serial_range list[RANGES_TOLD];
};

static void add_piece(struct pieces *pieces, uint64_t from, uint64_t to)
{
	if (from > to)
		return;
	if (pieces->count < RANGES_TOLD)
		pieces->list[pieces->count] = (struct vst_serial_range){.from = from, .to = to};
	pieces->count++;
	pieces->numbers += to - from + 1;
}

/* Numbers up to this one may have been in files that were deleted in their turn. */
static uint64_t vacuumed(const struct judging *j, const char *seqnum_id)
{
	uint64_t highest = 0;
	for (size_t i = 0; i < j->before->file_count; i++) {
		const struct vst_journal_set_file *old = &j->before->files[i];
		if (old->has_header && strcmp(old->seqnum_id, seqnum_id) == 0 &&
		        !is_there(j->after, old->file_id) && !older_one(j, old) && old->tail > highest)
			highest = old->tail;
	}
	return highest;
}

/* Splits from…to, of which the earlier exhibit had all but its gaps. */
static void split_gap(
        const struct vst_journal_set_seqnums *old, uint64_t from, uint64_t to, struct pieces *ret)
{
	uint64_t at = from > old->first ? from : old->first, end = to < old->last ? to : old->last;
	for (size_t i = 0; i < old->gaps.count && at <= end; i++) {
		const struct vst_serial_range *known = &old->gaps.ranges[i];
		if (known->to < at)
			continue;
		if (known->from > end)
			break;
		if (known->from > at)
			add_piece(ret, at, known->from - 1);
		at = known->to + 1;
	}
	if (at <= end && at >= from)
		add_piece(ret, at, end);
}

static int tell_pieces(const struct judging *j, const struct pieces *pieces, struct vst_finding *finding,
        const struct vst_journal_set_seqnums *new, struct vst_err *err)
{
	struct vst_buf details = VST_BUF_INIT;
	char found[160];
	if (pieces->count == 0)
		return 0;
	struct vst_json json = vst_json_begin(&details);
	vst_json_object(&json);
	vst_json_key(&json, "seqnum_id");
	vst_json_string(&json, new->id);
	key_uint(&json, "numbers", pieces->numbers);
	key_uint(&json, "gaps", pieces->count);
	vst_json_key(&json, "ranges");
	vst_json_array(&json);
	for (size_t i = 0; i < pieces->count && i < RANGES_TOLD; i++) {
		vst_json_array(&json);
		vst_json_uint(&json, pieces->list[i].from);
		vst_json_uint(&json, pieces->list[i].to);
		vst_json_end(&json);
	}
	vst_json_end(&json);
	vst_json_end(&json);
	snprintf(found, sizeof found, "%" PRIu64 " sequence numbers from %" PRIu64 " on are in no file",
	        pieces->numbers, pieces->list[0].from);
	finding->found = found;
	finding->details = (const char *)details.data;
	finding->details_len = details.len;
	finding->path = j->after->items->items[new->owner].item->path;
	place(finding, j->after, new->owner, true);
	int rc = vst_buf_check(&details, err);
	if (rc == 0)
		rc = j->findings->take(j->findings->ctx, finding, err);
	vst_buf_free(&details);
	return rc;
}

static int tell_missing(const struct judging *j, const struct pieces *pieces,
        const struct vst_journal_set_seqnums *old, const struct vst_journal_set_seqnums *new,
        struct vst_err *err)
{
	struct vst_finding finding = {
	        .rule = "journal_entries_missing",
	        .severity = VST_SEVERITY_HIGH,
	        .expected =
	                "the entries that the earlier exhibit has, as long as older and newer ones are there",
	};
	if (has_broken(j->after)) {
		finding.severity = VST_SEVERITY_MEDIUM;
		finding.innocent = "they are in a file that could not be read to its end";
	}
	place(&finding, j->before, old->owner, false);
	return tell_pieces(j, pieces, &finding, new, err);
}

static int tell_gaps(const struct judging *j, const struct pieces *pieces, bool is_new,
        const struct vst_journal_set_seqnums *new, struct vst_err *err)
{
	struct vst_finding finding = {
	        .rule = "journal_gap",
	        .severity = is_new && !has_broken(j->after) ? VST_SEVERITY_MEDIUM : VST_SEVERITY_LOW,
	        .expected = "sequence numbers without a gap over all files of a journal",
	        .innocent = is_new ? "the host lost power before entries were on disk, or a file could not "
	                             "be read"
	                           : "older files of the system or of a user were deleted in their turn",
	};
	return tell_pieces(j, pieces, &finding, new, err);
}

static const struct vst_journal_set_seqnums *seqnums_of(const struct vst_journal_set *set, const char *id)
{
	for (size_t i = 0; i < set->seqnum_count; i++)
		if (strcmp(set->seqnums[i].id, id) == 0)
			return &set->seqnums[i];
	return NULL;
}

static int judge_seqnums(
        const struct judging *j, const struct vst_journal_set_seqnums *new, struct vst_err *err)
{
	const struct vst_journal_set_seqnums *old = seqnums_of(j->before, new->id);
	struct pieces missing = {0}, gaps = {0};
	if (!new->is_known || new->last == 0)
		return 0;
	if (j->before->items && (!old || !old->is_known || old->last == 0))
		return 0; /* there is nothing to say which of them are new */
	uint64_t turn = old ? vacuumed(j, new->id) : 0;
	for (size_t i = 0; i < new->gaps.count; i++) {
		uint64_t from = new->gaps.ranges[i].from, to = new->gaps.ranges[i].to;
		from = from > turn ? from : turn + 1;
		if (old && from <= to)
			split_gap(old, from, to, &missing);
		if (old && from <= old->last)
			from = old->last + 1;
		add_piece(&gaps, from, to);
	}
	if (old && new->last < old->last)
		split_gap(old, new->last + 1, old->last, &missing);
	int rc = old ? tell_missing(j, &missing, old, new, err) : 0;
	return rc == 0 ? tell_gaps(j, &gaps, old != NULL, new, err) : rc;
}

/* ---- all ---- */

static int judge_all(const struct judging *j, struct vst_err *err)
{
	int rc = j->after->file_count > 0 ? judge_files(j, err) : 0;
	for (size_t i = 0; rc == 0 && i < j->after->file_count; i++)
		if (j->after->files[i].error)
			rc = judge_broken(j, &j->after->files[i], err);
	for (size_t i = 0; rc == 0 && i < j->after->seqnum_count; i++)
		if (seqnums_of(j->after, j->after->seqnums[i].id) == &j->after->seqnums[i])
			rc = judge_seqnums(j, &j->after->seqnums[i], err);
	return rc;
}

int vst_journal_judge(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct vst_journal_set old = {0}, new = {0};
	struct judging j = {.before = &old,
	        .after = &new,
	        .restarted = was_restarted(before, after),
	        .findings = findings};
	int rc = vst_journal_set_read(&old, before, err);
	if (rc == 0)
		rc = vst_journal_set_read(&new, after, err);
	if (rc == 0)
		rc = judge_all(&j, err);
	vst_journal_set_free(&old);
	vst_journal_set_free(&new);
	return rc;
}
