/* Rules about lastlog: a last login goes forward and does not go away. */
#include <inttypes.h>
#include <string.h>

#include "compare/account_rules.h"
#include "compare/account_set.h"
#include "compare/facts_read.h"
#include "compare/observer.h"
#include "compare/telling.h"
#include "vestige/timefmt.h"

#define TOLD_MAX 32       /* entries that are named in one finding */
#define CLOCK_AHEAD 86400 /* seconds */

/* The account with a number, "" if there is none or its file is not there. */
static const char *name_of(const struct vst_account_set *set, int64_t uid)
{
	const char *name;
	json_t *entry;
	json_object_foreach(set->tables[VST_ACCOUNT_PASSWD].by_name, name, entry)
	{
		if (vst_facts_at(entry, VST_PASSWD_UID, 0) == uid)
			return name;
	}
	return "";
}

/* useradd clears the entry of the number that it gives out; userdel frees it. Either is told of passwd. */
static bool owner_changed(
        const struct vst_account_set *before, const struct vst_account_set *after, int64_t uid)
{
	if (!before->tables[VST_ACCOUNT_PASSWD].facts || !after->tables[VST_ACCOUNT_PASSWD].facts)
		return false;
	const char *was = name_of(before, uid), *now = name_of(after, uid);
	return *was && strcmp(was, now) != 0;
}

enum change { SAME, GONE, EARLIER, REWRITTEN };

static enum change change_of(const json_t *was, const json_t *now)
{
	if (!now)
		return GONE;
	int64_t old_time = vst_facts_at(was, VST_LASTLOG_TIME, 0),
	        time = vst_facts_at(now, VST_LASTLOG_TIME, 0);
	if (time == 0 && old_time != 0)
		return GONE;
	if (time < old_time)
		return EARLIER;
	/* A login gives its own time: the same with another content was not one. */
	return time == old_time && strcmp(vst_facts_text_at(was, VST_LASTLOG_DIGEST),
	                                   vst_facts_text_at(now, VST_LASTLOG_DIGEST)) != 0
	               ? REWRITTEN
	               : SAME;
}

struct judging {
	const struct vst_account_set *before, *after;
	int64_t earlier; /* when the earlier snapshot began, seconds */
	const struct vst_finding_sink *findings;
};

static bool is_explained(const struct judging *judging, const json_t *was)
{
	int64_t time = vst_facts_at(was, VST_LASTLOG_TIME, 0);
	/* A clock that ran ahead and was set right since. Logins while the snapshot ran are no such. */
	return time > judging->earlier + CLOCK_AHEAD ||
	       owner_changed(judging->before, judging->after, vst_facts_at(was, VST_LASTLOG_UID, 0));
}

static void write_entry(
        struct vst_json *json, const struct judging *judging, const json_t *was, const json_t *now)
{
	vst_json_object(json);
	vst_json_key(json, "uid");
	vst_json_int(json, vst_facts_at(was, VST_LASTLOG_UID, 0));
	vst_json_key(json, "name");
	vst_json_string(json, name_of(judging->before, vst_facts_at(was, VST_LASTLOG_UID, 0)));
	vst_json_key(json, "before");
	vst_json_int(json, vst_facts_at(was, VST_LASTLOG_TIME, 0));
	vst_json_key(json, "after");
	vst_json_int(json, vst_facts_at(now, VST_LASTLOG_TIME, 0));
	vst_json_end(json);
}

/* All entries of one change and of one severity are one finding. */
static int judge(const struct judging *judging, enum change change, bool explained, const char *rule,
        const char *what, struct vst_err *err)
{
	const struct vst_account_table *was = &judging->before->tables[VST_ACCOUNT_LASTLOG];
	const struct vst_account_table *now = &judging->after->tables[VST_ACCOUNT_LASTLOG];
	struct vst_telling telling = {.sink = judging->findings,
	        .rule = rule,
	        .severity = explained ? VST_SEVERITY_LOW : VST_SEVERITY_HIGH,
	        .before = was->item,
	        .after = now->item,
	        .expected = "the last login of an account goes forward and stays",
	        .innocent =
	                explained
	                        ? "the number went to another account, or the clock had run ahead"
	                        : "an administrator cleared it (lastlog --clear), or the clock was set back"};
	struct vst_json json = vst_telling_details(&telling);
	const char *uid;
	json_t *entry;
	uint64_t count = 0;
	vst_json_object(&json);
	vst_json_key(&json, "entries");
	vst_json_array(&json);
	json_object_foreach(was->by_name, uid, entry)
	{
		const json_t *then = vst_account_find(judging->after, VST_ACCOUNT_LASTLOG, uid);
		/* Facts that were cut end with the highest numbers that they hold. */
		if ((!then && now->cut) || change_of(entry, then) != change ||
		        is_explained(judging, entry) != explained)
			continue;
		if (count++ < TOLD_MAX)
			write_entry(&json, judging, entry, then);
	}
	vst_json_end(&json);
	vst_json_key(&json, "count");
	vst_json_uint(&json, count);
	vst_json_end(&json);
	if (count == 0) {
		vst_buf_free(&telling.details);
		return 0;
	}
	return vst_telling_end(&telling, err, "%" PRIu64 " accounts' last logins %s", count, what);
}

int vst_lastlog_rules(const struct vst_account_set *before, const struct vst_account_set *after,
        const struct vst_observed_set *earlier, const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct judging judging = {.before = before, .after = after, .findings = findings};
	int rc = 0;
	if (!earlier || !before->tables[VST_ACCOUNT_LASTLOG].facts ||
	        !after->tables[VST_ACCOUNT_LASTLOG].facts)
		return 0;
	judging.earlier = earlier->time / VST_NS_PER_S;
	for (int explained = 0; rc == 0 && explained < 2; explained++) {
		rc = judge(&judging, GONE, explained, "lastlog_entry_gone", "are gone", err);
		if (rc == 0)
			rc = judge(&judging, EARLIER, explained, "lastlog_entry_earlier",
			        "are earlier than before", err);
		if (rc == 0)
			rc = judge(&judging, REWRITTEN, explained, "lastlog_entry_rewritten",
			        "have the same time and another content", err);
	}
	return rc;
}
