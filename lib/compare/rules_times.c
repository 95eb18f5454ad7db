/*
 * Times that cannot be, or that somebody set. Clocks of file systems and of archives explain many of them, so
 * what one alone tells is little; a content that changed under a time that says it did not is much.
 */
#include <string.h>

#include "compare/changes.h"
#include "compare/family.h"
#include "compare/package_of.h"
#include "compare/rules.h"
#include "vestige/buf.h"
#include "vestige/timefmt.h"

#define SLACK (2 * VST_NS_PER_S) /* between a clock and a file system's idea of it */
#define LONG_AFTER (30 * 86400 * VST_NS_PER_S)
#define NEIGHBOURS 8        /* on each side, in the order of the exhibit */
#define NEIGHBOURS_ENOUGH 6 /* of which so many must be there */

static bool is_file(const struct vst_item *item)
{
	return item && item->type == VST_ITEM_FILE && item->has_stat && changes_was_had(item->status);
}

static bool was_read_in_peace(const struct vst_item *item)
{
	return item->status != VST_ITEM_CHANGED;
}

static bool in_place(const struct vst_pair *pair)
{
	return !(pair->fields & (VST_FIELD_INODE | VST_FIELD_BTIME));
}

/* ---- content against mtime ---- */

static int changed_under_mtime(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	bool same = !(pair->fields & (VST_FIELD_MTIME | VST_FIELD_SIZE));
	struct vst_finding finding = {
	        .rule = "content_changed_mtime_same",
	        .severity = VST_SEVERITY_HIGH,
	        .expected = "content that changes gets a new modification time",
	        .found = "other content in the same inode, of the same size and with the same modification "
	                 "time",
	        .innocent = "a program that writes through a memory map and had not been synced, or one that "
	                    "restores times (rsync --inplace)",
	};
	if (!same || !was_read_in_peace(pair->before) || !was_read_in_peace(pair->after))
		return 0;
	if (!in_place(pair)) {
		if (package_of(context, pair->after) == PACKAGE_SAME)
			return 0;
		finding.severity = VST_SEVERITY_MEDIUM;
		finding.found = "another inode with other content, of the same size and with the same "
		                "modification time";
		finding.innocent = "a package that was built again with the times of its source, or a file "
		                   "put back from a copy";
	}
	return vst_rule_find(context, pair, &finding, err);
}

/* What changed since the exhibit before was modified since. */
static int changed_before_it_could(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	struct vst_finding finding = {
	        .rule = "mtime_set_back",
	        .severity = VST_SEVERITY_MEDIUM,
	        .expected =
	                "content that changed since the earlier exhibit has a modification time since then",
	        .found =
	                "other content in the same inode, and a modification time before the earlier exhibit",
	        .innocent = "a program that restores times: cp -p, rsync -t, tar",
	};
	if (!(pair->fields & VST_FIELD_MTIME) || pair->after->mtime == VST_TIME_NONE ||
	        pair->after->mtime >= context->before->time - SLACK ||
	        pair->after->mtime >= pair->before->mtime)
		return 0;
	if (!in_place(pair)) {
		if (package_of(context, pair->after) == PACKAGE_SAME)
			return 0;
		finding.severity = VST_SEVERITY_LOW;
		finding.found = "another inode, and a modification time before the earlier exhibit and "
		                "before its own";
		finding.innocent = "a file put back from a copy, or a package that was downgraded";
	}
	return vst_rule_find(context, pair, &finding, err);
}

/* ---- times against each other ---- */

/* gzip, xz and zstd give what they make the time of what they read. */
static bool is_compressed_log(const struct vst_pair *pair)
{
	struct vst_buf name = VST_BUF_INIT;
	bool rotated, compressed;
	vst_family_name(pair->after->path, &name, &rotated, &compressed);
	vst_buf_free(&name);
	return rotated && compressed;
}

static int before_birth(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item *item = pair->after, *was = pair->before;
	if (item->btime == VST_TIME_NONE || item->mtime == VST_TIME_NONE ||
	        item->mtime >= item->btime - SLACK)
		return 0;
	bool set_back = was && in_place(pair) && was->mtime >= was->btime && pair->fields & VST_FIELD_MTIME;
	if (was && !set_back && !(pair->fields & VST_FIELD_BTIME)) /* it was so before */
		return 0;
	if (!set_back && (is_compressed_log(pair) || package_of(context, item) == PACKAGE_SAME))
		return 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = "mtime_before_btime",
	                .severity = set_back ? VST_SEVERITY_MEDIUM : VST_SEVERITY_LOW,
	                .expected = "a file is modified after it is made",
	                .found = set_back ? "a modification time that was set to before the file was made"
	                                  : "a modification time from before the file was made",
	                .innocent = "unpacked or copied with its times (tar, cp -p, a package)",
	        },
	        err);
}

static int late_ctime(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	static const char *const system[] = {
	        "/bin/", "/sbin/", "/lib", "/usr/bin/", "/usr/sbin/", "/usr/lib", "/boot/", "/etc/"};
	const unsigned explained = VST_FIELD_CONTENT | VST_FIELD_MODE | VST_FIELD_OWNER | VST_FIELD_GROUP |
	                           VST_FIELD_XATTRS | VST_FIELD_ACL | VST_FIELD_LINKS | VST_FIELD_FLAGS |
	                           VST_FIELD_INODE;
	const struct vst_item *item = pair->after;
	bool is_system = false;
	if (!pair->before || !(pair->fields & VST_FIELD_CTIME) || pair->fields & explained ||
	        pair->kind == VST_CHANGE_MOVED || item->ctime == VST_TIME_NONE ||
	        item->mtime == VST_TIME_NONE || item->ctime - item->mtime < LONG_AFTER)
		return 0;
	for (size_t i = 0; i < sizeof system / sizeof *system; i++)
		is_system |= strncmp(item->path, system[i], strlen(system[i])) == 0;
	if (!is_system)
		return 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = "ctime_long_after_mtime",
	                .severity = VST_SEVERITY_LOW,
	                .expected =
	                        "the inode of a system file changes with its content, mode, owner or links",
	                .found = "the inode was changed long after the content, and nothing of it differs",
	                .innocent = "a backup that puts the time of access back, or a rename and back",
	        },
	        err);
}

static bool is_whole(int64_t time)
{
	return time != VST_TIME_NONE && time % VST_NS_PER_S == 0;
}

/* Whether the items around it have times that a clock gave. */
static bool neighbours_are_precise(const struct vst_rule_context *context, const struct vst_pair *pair)
{
	uint64_t seq = pair->after_place.seq, from = seq > NEIGHBOURS ? seq - NEIGHBOURS : 0;
	unsigned seen = 0, precise = 0;
	for (uint64_t at = from; at <= seq + NEIGHBOURS; at++) {
		struct vst_series_record record;
		if (at == seq || !vst_series_at(context->after->index, at, &record) ||
		        record.source != pair->after_record.source || record.type != VST_ITEM_FILE ||
		        record.mtime == VST_TIME_NONE)
			continue;
		seen++;
		precise += !is_whole(record.mtime);
	}
	return seen >= NEIGHBOURS_ENOUGH && precise * 5 >= seen * 4;
}

static int whole_second(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item *item = pair->after, *was = pair->before;
	if (!is_whole(item->mtime) ||
	        (item->ctime != VST_TIME_NONE && is_whole(item->ctime))) /* a file system without more */
		return 0;
	bool lost = was && in_place(pair) && pair->fields & VST_FIELD_MTIME && !is_whole(was->mtime);
	if (!lost && (was || !neighbours_are_precise(context, pair)))
		return 0;
	if (package_of(context, item) == PACKAGE_SAME)
		return 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = "whole_second_time",
	                .severity = lost ? VST_SEVERITY_MEDIUM : VST_SEVERITY_LOW,
	                .expected =
	                        lost ? "a modification time to the nanosecond, as it was"
	                             : "a modification time to the nanosecond, as the files around it have",
	                .found = "a modification time of a whole second, in an inode with finer times",
	                .innocent = "unpacked or copied by a program that keeps whole seconds, or touch -d",
	        },
	        err);
}

int vst_rule_times(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	int rc = 0;
	if (!is_file(pair->after) || (pair->before && !is_file(pair->before)))
		return 0;
	bool append_only = pair->after_record.flags & VST_SERIES_APPEND_ONLY; /* rules_logs.c */
	if (pair->kind == VST_CHANGE_CHANGED && pair->fields & VST_FIELD_CONTENT) {
		rc = changed_under_mtime(context, pair, err);
		if (rc == 0 && !append_only)
			rc = changed_before_it_could(context, pair, err);
	}
	if (rc == 0 && pair->kind != VST_CHANGE_MOVED)
		rc = before_birth(context, pair, err);
	if (rc == 0)
		rc = late_ctime(context, pair, err);
	return rc == 0 && pair->kind != VST_CHANGE_MOVED ? whole_second(context, pair, err) : rc;
}
