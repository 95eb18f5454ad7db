/*
 * Logs that only grow (`append_only`): the bytes that the earlier exhibit sealed have to be somewhere, at the
 * beginning of the file, or of one that it was rotated, copied or compressed into. Where they are nowhere,
 * how they went tells what it is called.
 *
 *     the bytes are at the beginning of the same inode   no finding        it grew
 *     … of another file of the later exhibit             no finding        it was rotated
 *     nowhere, and the oldest of its family              no finding        rotation dropped it
 *     nowhere, all of the family is younger              log_rotated_away  more rotations than files are kept
 *     nowhere, same inode, not shorter                   log_rewritten
 *     nowhere, same inode, shorter                       log_truncated
 *     nowhere, another inode, or no file                 log_replaced
 *     nowhere, no such name                              log_removed
 */
#include <fnmatch.h>
#include <string.h>

#include "compare/changes.h"
#include "compare/family.h"
#include "compare/lengths.h"
#include "compare/moves.h"
#include "compare/rules.h"
#include "vestige/buf.h"
#include "vestige/timefmt.h"

/* Written anew each time by who makes them, though they lie among logs (fnmatch(3), of the last component). */
static const char *const remade[] = {"dmesg*", "boot.log*", "boot", "Xorg.*.log*", "bootstrap.log",
        "fontconfig.log", "eipp.log*", "*.journal", "*.journal~", "lastlog", "faillog", "tallylog",
        "sa[0-9]*", "sar[0-9]*", "*.db", "*.db-*", "*.pid", "*.lock", "*.state", "status"};

static bool is_remade(const struct vst_item *item, bool rotated, bool compressed)
{
	const char *base = strrchr(item->path, '/');
	base = base ? base + 1 : item->path;
	for (size_t i = 0; i < sizeof remade / sizeof *remade; i++)
		if (fnmatch(remade[i], base, 0) == 0)
			return true;
	return compressed && !rotated; /* nobody appends to what is compressed */
}

/* Something has these bytes at its beginning. */
static bool is_held(const struct vst_rule_context *context, const struct vst_pair *pair)
{
	const struct vst_series_record *before = &pair->before_record, *after = &pair->after_record;
	const struct vst_item *item = pair->after;
	uint64_t seq;
	if (item && item->type == VST_ITEM_FILE) {
		if (after->size == before->size && memcmp(after->content, before->content, VST_HASH_LEN) == 0)
			return true;
		if (item->has_prefix && item->prefix_size == before->size &&
		        memcmp(item->prefix_sha256, before->content, VST_HASH_LEN) == 0)
			return true;
	}
	return vst_moves_by_content(context->moves, before, &seq) ||
	       vst_held_find(context->held, before->size, before->content, &seq);
}

/* Not held itself, but the file is the same to the last bit of its stat: a log that was not read again. */
static bool was_not_read(const struct vst_pair *pair)
{
	return pair->after && pair->after->has_whole && pair->after->whole.trusted;
}

/* A family is as large as a hostile host makes it. What is past this is not looked at, and what cannot be
 * told is told as a finding. */
#define FAMILY_LOOKS 1000

/* Whether a member of the earlier family that is older than `record` is still there: then rotation did not
 * drop this one. */
static bool has_older_survivor(const struct vst_rule_context *context, const struct vst_series_record *record,
        const struct vst_family_member *members, size_t count)
{
	if (count > FAMILY_LOOKS)
		return true;
	for (size_t i = 0; i < count; i++) {
		const struct vst_family_member *member = &members[i];
		uint64_t seq;
		if (member->record.mtime >= record->mtime)
			break;
		if (member->record.size == 0)
			continue;
		if (vst_moves_by_content(context->moves, &member->record, &seq) ||
		        vst_held_find(context->held, member->record.size, member->record.content, &seq))
			return true;
		struct vst_series_record now;
		if (vst_series_find_digest(context->after->index, member->record.path, &seq, &now) &&
		        memcmp(now.content, member->record.content, VST_HASH_LEN) == 0)
			return true;
	}
	return false;
}

/* Whether the family went round since: a file of it has another name now, or its name another file. */
static bool has_rotated(
        const struct vst_rule_context *context, const struct vst_family_member *members, size_t count)
{
	for (size_t i = 0; i < count && i < FAMILY_LOOKS; i++) {
		struct vst_series_record now;
		uint64_t seq;
		bool there =
		        vst_series_find_digest(context->after->index, members[i].record.path, &seq, &now);
		if (there && now.ino != members[i].record.ino)
			return true;
		if (!there && vst_moves_by_inode(context->moves, &members[i].record, &seq))
			return true;
	}
	return false;
}

/* Whether all rotated files that the later exhibit has of the family were made and filled after the earlier
 * one: it went round more often than files are kept. The log itself may be an old file: copytruncate empties
 * it in its place. */
static bool is_all_younger(const struct vst_rule_context *context, uint64_t family)
{
	size_t count, rotated = 0;
	const struct vst_family_member *members = vst_families_of(context->families_after, family, &count);
	if (count > FAMILY_LOOKS)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct vst_series_record *record = &members[i].record;
		if (!members[i].rotated)
			continue;
		/* What is compressed is made anew, and keeps the time of what it was made from. */
		if (record->mtime < context->before->time ||
		        (record->btime != VST_TIME_NONE && record->btime < context->before->time))
			return false;
		rotated++;
	}
	return rotated > 0;
}

static struct vst_finding describe(const struct vst_pair *pair)
{
	struct vst_finding finding = {
	        .severity = VST_SEVERITY_HIGH,
	        .expected = "the bytes that the earlier exhibit sealed, here or in a rotated file",
	};
	bool same_inode = pair->after && !(pair->fields & (VST_FIELD_INODE | VST_FIELD_BTIME));
	if (!pair->after || !changes_was_had(pair->after->status)) {
		finding.rule = "log_removed";
		finding.found = "no file of this name, and its content nowhere";
		finding.innocent = "its service was removed with its logs, or rotation keeps no old file";
	} else if (pair->after->type != VST_ITEM_FILE || !same_inode) {
		finding.rule = "log_replaced";
		finding.found = pair->after->type == VST_ITEM_FILE
		                        ? "a new file in its place, and its old content nowhere"
		                        : "something in its place that is no file";
		finding.innocent = "rotation that keeps no old file, or a service that writes its log anew "
		                   "at each start";
	} else if (pair->after_record.size < pair->before_record.size) {
		finding.rule = "log_truncated";
		finding.found = "the same inode with fewer bytes, and its old content nowhere";
		finding.innocent = "an administrator who made room, or copytruncate that keeps no copy";
	} else {
		finding.rule = "log_rewritten";
		finding.found = "the same inode, and other bytes where the sealed ones were";
		finding.innocent =
		        "it was truncated and has grown past its old length, or is no log that only grows";
	}
	return finding;
}

/* Why the bytes of what is there are not known. */
static int cannot_tell(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	bool other_extent = pair->after->content != VST_ITEM_CONTENT_FULL;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = "log_unread",
	                .severity = other_extent ? VST_SEVERITY_INFO : VST_SEVERITY_MEDIUM,
	                .expected = "a log that can be read, as before",
	                .found =
	                        other_extent
	                                ? "the policy does not ask for its content any more, so its old "
	                                  "bytes are unchecked"
	                                : "it is there and could not be read, so its old bytes are unchecked",
	                .innocent = "other permissions, a limit of the policy, or a disk that fails",
	        },
	        err);
}

static bool is_unread(const struct vst_pair *pair)
{
	static const uint8_t none[VST_HASH_LEN];
	const struct vst_item *item = pair->after;
	if (!item)
		return false;
	if (item->status == VST_ITEM_DENIED || item->status == VST_ITEM_ERROR ||
	        item->status == VST_ITEM_TRUNCATED || item->status == VST_ITEM_EXCLUDED)
		return true;
	return item->type == VST_ITEM_FILE && changes_was_had(item->status) &&
	       (item->content != VST_ITEM_CONTENT_FULL ||
	               memcmp(pair->after_record.content, none, VST_HASH_LEN) == 0);
}

/* What the earlier exhibit has of it ends in zeros that were never in the file: nobody has these bytes. */
static bool was_torn(const struct vst_pair *pair)
{
	return pair->before->has_read && pair->before->read_padding > 0;
}

int vst_rule_logs(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	static const uint8_t none[VST_HASH_LEN];
	const struct vst_item *item = pair->before;
	const struct vst_series_record *before = &pair->before_record;
	if (!item || item->type != VST_ITEM_FILE || !(before->flags & VST_SERIES_APPEND_ONLY) ||
	        before->extent != VST_ITEM_CONTENT_FULL || before->size == 0 ||
	        before->flags & VST_SERIES_SPARSE || memcmp(before->content, none, VST_HASH_LEN) == 0 ||
	        was_not_read(pair))
		return 0;
	if (is_held(context, pair))
		return 0;
	if (is_unread(pair))
		return cannot_tell(context, pair, err);

	struct vst_buf name = VST_BUF_INIT;
	bool rotated, compressed;
	size_t count;
	vst_family_name(item->path, &name, &rotated, &compressed);
	vst_buf_free(&name);
	uint64_t family = vst_family_of(item->source, item->path);
	const struct vst_family_member *members = vst_families_of(context->families_before, family, &count);
	bool gone = !pair->after || pair->fields & (VST_FIELD_INODE | VST_FIELD_BTIME);
	bool dropped = rotated && gone && !has_older_survivor(context, before, members, count);
	if (dropped && has_rotated(context, members, count))
		return 0;
	struct vst_finding finding = describe(pair);
	if (was_torn(pair)) {
		finding.severity = VST_SEVERITY_LOW;
		finding.innocent =
		        "it was cut or could not be read while the earlier exhibit was made, which has "
		        "zeros for what was missing";
	} else if (dropped) { /* the oldest, and nothing took its place */
		finding.severity = VST_SEVERITY_MEDIUM;
		finding.innocent = "old logs are removed by age, or by hand";
	} else if (is_remade(item, rotated, compressed)) {
		finding.severity = VST_SEVERITY_LOW;
	} else if (is_all_younger(context, family)) {
		finding.rule = "log_rotated_away";
		finding.severity = VST_SEVERITY_MEDIUM;
		finding.found = "only files that were made since, and its old content nowhere";
		finding.innocent = "more rotations since the earlier exhibit than files are kept";
	}
	return vst_rule_find(context, pair, &finding, err);
}
