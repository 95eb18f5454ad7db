/* Rules about groups and sudoers: who got rights of others. */
#include <inttypes.h>
#include <string.h>

#include "compare/account_rules.h"
#include "compare/account_set.h"
#include "compare/facts_read.h"
#include "compare/observer.h"
#include "compare/telling.h"
#include "vestige/mem.h"

static bool has_member(const json_t *group, const char *member)
{
	const json_t *members = json_array_get(group, VST_GROUP_MEMBERS);
	for (size_t i = 0; i < json_array_size(members); i++)
		if (strcmp(vst_facts_text_at(members, i), member) == 0)
			return true;
	return false;
}

/* Packages put the accounts of their services into adm and the like. */
static bool is_closed_service(const struct vst_account_set *set, const char *name)
{
	const json_t *entry = vst_account_find(set, VST_ACCOUNT_PASSWD, name);
	return entry && vst_account_is_system(vst_facts_at(entry, VST_PASSWD_UID, 0)) &&
	       !vst_account_shell_opens(vst_facts_text_at(entry, VST_PASSWD_SHELL));
}

static int tell_member(const struct vst_account_set *before, const struct vst_account_set *after,
        enum vst_account_file kind, const char *group, const char *member,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct vst_telling telling = {.sink = findings,
	        .rule = "group_member_added",
	        .severity = is_closed_service(after, member) ? VST_SEVERITY_LOW : VST_SEVERITY_MEDIUM,
	        .before = before->tables[kind].item,
	        .after = after->tables[kind].item,
	        .expected = "the members that the earlier exhibit shows",
	        .innocent = "an administrator, or a package for its service, added it"};
	struct vst_json json = vst_telling_details(&telling);
	vst_json_object(&json);
	vst_json_key(&json, "group");
	vst_json_string(&json, group);
	vst_json_key(&json, "member");
	vst_json_string(&json, member);
	vst_json_end(&json);
	return vst_telling_end(&telling, err, "%s is now a member of the privileged group %s", member, group);
}

static int judge_group(const struct vst_account_set *before, const struct vst_account_set *after,
        const char *name, const json_t *group, const struct vst_finding_sink *findings, struct vst_err *err)
{
	const json_t *was = vst_account_find(before, VST_ACCOUNT_GROUP, name);
	const json_t *members = json_array_get(group, VST_GROUP_MEMBERS);
	if (vst_facts_at(group, VST_GROUP_GID, 0) == 0 && strcmp(name, "root") != 0 &&
	        (!was || vst_facts_at(was, VST_GROUP_GID, 0) != 0)) {
		struct vst_telling telling = {.sink = findings,
		        .rule = "group_number_zero",
		        .severity = VST_SEVERITY_MEDIUM,
		        .before = before->tables[VST_ACCOUNT_GROUP].item,
		        .after = after->tables[VST_ACCOUNT_GROUP].item,
		        .expected = "root is the only group with number 0"};
		int rc = vst_telling_end(&telling, err, "group %s has number 0", name);
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; before->tables[VST_ACCOUNT_GROUP].facts && i < json_array_size(members); i++) {
		const char *member = vst_facts_text_at(members, i);
		if (has_member(was, member))
			continue;
		int rc = tell_member(before, after, VST_ACCOUNT_GROUP, name, member, findings, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The group of an account that passwd names is a membership, too. A new account has it in its own finding. */
static int judge_own_groups(const struct vst_account_set *before, const struct vst_account_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	const char *name, *group_name;
	json_t *entry, *group;
	json_object_foreach(after->tables[VST_ACCOUNT_PASSWD].by_name, name, entry)
	{
		const json_t *was = vst_account_find(before, VST_ACCOUNT_PASSWD, name);
		int64_t gid = vst_facts_at(entry, VST_PASSWD_GID, 0);
		if (!was || vst_facts_at(was, VST_PASSWD_GID, 0) == gid)
			continue;
		json_object_foreach(after->tables[VST_ACCOUNT_GROUP].by_name, group_name, group)
		{
			if (vst_facts_at(group, VST_GROUP_GID, 0) != gid)
				continue;
			int rc = tell_member(
			        before, after, VST_ACCOUNT_PASSWD, group_name, name, findings, err);
			if (rc != 0)
				return rc;
			break;
		}
	}
	return 0;
}

int vst_privilege_rules(const struct vst_account_set *before, const struct vst_account_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	const char *name;
	json_t *group;
	int rc = 0;
	json_object_foreach(after->tables[VST_ACCOUNT_GROUP].by_name, name, group)
	{
		if (rc == 0)
			rc = judge_group(before, after, name, group, findings, err);
	}
	return rc ? rc : judge_own_groups(before, after, findings, err);
}

/* ---- sudoers ---- */

static enum vst_severity severity_of(const struct vst_account_set *set, const json_t *line)
{
	const char *who = vst_facts_text_at(line, VST_SUDOERS_WHO);
	bool everything = json_is_true(json_array_get(line, VST_SUDOERS_EVERYTHING));
	if (strncmp(who, "Defaults", strlen("Defaults")) == 0) {
		if (everything)
			return VST_SEVERITY_HIGH;
		return json_is_true(json_array_get(line, VST_SUDOERS_NO_PASSWORD)) ? VST_SEVERITY_MEDIUM
		                                                                   : VST_SEVERITY_LOW;
	}
	if (strcmp(who, "root") == 0)
		return VST_SEVERITY_LOW;
	const json_t *account = vst_account_find(set, VST_ACCOUNT_PASSWD, who);
	bool service = account && vst_account_is_system(vst_facts_at(account, VST_PASSWD_UID, 0));
	return everything && (service || strcmp(who, "ALL") == 0) ? VST_SEVERITY_HIGH : VST_SEVERITY_MEDIUM;
}

static int tell_line(struct vst_telling *telling, const json_t *line, const char *what, struct vst_err *err)
{
	bool no_password = json_is_true(json_array_get(line, VST_SUDOERS_NO_PASSWORD));
	const char *who = vst_facts_text_at(line, VST_SUDOERS_WHO);
	struct vst_json json = vst_telling_details(telling);
	vst_json_object(&json);
	vst_json_key(&json, "line");
	vst_json_string(&json, vst_facts_text_at(line, VST_SUDOERS_DIGEST));
	vst_json_key(&json, "who");
	vst_json_string(&json, who);
	vst_json_key(&json, "no_password");
	vst_json_bool(&json, no_password);
	vst_json_key(&json, "everything");
	vst_json_bool(&json, json_is_true(json_array_get(line, VST_SUDOERS_EVERYTHING)));
	vst_json_end(&json);
	return vst_telling_end(telling, err, "a line for %s%s was %s", who,
	        no_password ? ", without asking for a password," : "", what);
}

static const struct vst_observed *same_path(const struct vst_observed_set *set, const char *path)
{
	for (size_t i = 0; set && i < set->count; i++)
		if (strcmp(set->items[i].item->path, path) == 0)
			return &set->items[i];
	return NULL;
}

/* Added to one file, new in all of them. `told` holds digests: the same line twice is one finding. */
static int judge_file(const struct vst_account_set *before, const struct vst_account_set *after,
        const struct vst_observed *item, json_t *told, const struct vst_finding_sink *findings,
        struct vst_err *err)
{
	json_t *facts = NULL;
	int rc = vst_facts_read_item(item, VST_ACCOUNT_FORMAT, &facts, err);
	const json_t *lines = json_object_get(facts, "entries");
	for (size_t i = 0; rc == 0 && i < json_array_size(lines); i++) {
		const json_t *line = json_array_get(lines, i);
		const char *digest = vst_facts_text_at(line, VST_SUDOERS_DIGEST);
		if (vst_account_find(before, VST_ACCOUNT_SUDOERS, digest) || json_object_get(told, digest))
			continue;
		if (json_object_set_new(told, digest, json_true()) != 0) {
			rc = vst_err_nomem(err);
			break;
		}
		struct vst_telling telling = {.sink = findings,
		        .rule = "sudoers_line_added",
		        .severity = severity_of(after, line),
		        .before = before->tables[VST_ACCOUNT_SUDOERS].item,
		        .after = item,
		        .expected = "the rules that the earlier exhibit shows",
		        .innocent = "an administrator or a package added it"};
		rc = tell_line(&telling, line, "added", err);
	}
	json_decref(facts);
	return rc;
}

int vst_sudoers_rules(const struct vst_account_set *before, const struct vst_account_set *after,
        const struct vst_observed_set *items, const struct vst_finding_sink *findings, struct vst_err *err)
{
	const struct vst_account_table *was = &before->tables[VST_ACCOUNT_SUDOERS],
	                               *now = &after->tables[VST_ACCOUNT_SUDOERS];
	const char *digest;
	json_t *line, *told;
	int rc = 0;
	/* Where sudo is new all its lines are; an earlier exhibit without any account file tells nothing. */
	if (!now->facts || (!was->facts && !before->tables[VST_ACCOUNT_PASSWD].facts))
		return 0;
	told = json_object();
	for (size_t i = 0; rc == 0 && !was->cut && i < items->count; i++) {
		const struct vst_observed *item = &items->items[i];
		if (vst_account_file_of(item->item->path) == VST_ACCOUNT_SUDOERS &&
		        same_path(items, item->item->path) == item)
			rc = judge_file(before, after, item, told, findings, err);
	}
	json_decref(told);
	json_object_foreach(was->by_name, digest, line)
	{
		if (rc != 0 || now->cut || json_object_get(now->by_name, digest))
			continue;
		struct vst_telling telling = {.sink = findings,
		        .rule = "sudoers_line_removed",
		        .severity = VST_SEVERITY_LOW,
		        .before = was->item,
		        .after = now->item,
		        .expected = "the rules that the earlier exhibit shows",
		        .innocent = "an administrator or a package removed it"};
		rc = tell_line(&telling, line, "removed", err);
	}
	return rc;
}
