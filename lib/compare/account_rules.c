#include "compare/account_rules.h"

#include <inttypes.h>
#include <string.h>

#include "compare/account_set.h"
#include "compare/facts_read.h"
#include "compare/observer.h"
#include "compare/telling.h"

struct judging {
	const struct vst_account_set *before, *after;
	bool has_before; /* there is an earlier exhibit, with this file */
	const struct vst_finding_sink *findings;
};

static struct vst_telling telling_of(const struct judging *judging, enum vst_account_file kind,
        const char *rule, enum vst_severity severity, const char *expected, const char *innocent)
{
	return (struct vst_telling){.sink = judging->findings,
	        .rule = rule,
	        .severity = severity,
	        .before = judging->before->tables[kind].item,
	        .after = judging->after->tables[kind].item,
	        .expected = expected,
	        .innocent = innocent};
}

static void write_account(struct vst_json *json, const json_t *entry, const char *password)
{
	vst_json_object(json);
	vst_json_key(json, "name");
	vst_json_string(json, vst_facts_text_at(entry, VST_PASSWD_NAME));
	vst_json_key(json, "uid");
	vst_json_int(json, vst_facts_at(entry, VST_PASSWD_UID, 0));
	vst_json_key(json, "gid");
	vst_json_int(json, vst_facts_at(entry, VST_PASSWD_GID, 0));
	vst_json_key(json, "home");
	vst_json_string(json, vst_facts_text_at(entry, VST_PASSWD_HOME));
	vst_json_key(json, "shell");
	vst_json_string(json, vst_facts_text_at(entry, VST_PASSWD_SHELL));
	vst_json_key(json, "password");
	vst_json_string(json, password);
	vst_json_end(json);
}

static int tell_account(struct vst_telling *telling, const json_t *entry, const char *password,
        const char *what, struct vst_err *err)
{
	struct vst_json json = vst_telling_details(telling);
	write_account(&json, entry, password);
	return vst_telling_end(telling, err, "account %s (number %" PRId64 ", shell %s) %s",
	        vst_facts_text_at(entry, VST_PASSWD_NAME), vst_facts_at(entry, VST_PASSWD_UID, 0),
	        vst_facts_text_at(entry, VST_PASSWD_SHELL), what);
}

static int tell_uid_zero(
        const struct judging *judging, const json_t *entry, const char *password, struct vst_err *err)
{
	struct vst_telling telling = telling_of(judging, VST_ACCOUNT_PASSWD, "account_uid_zero",
	        VST_SEVERITY_HIGH, "root is the only account with number 0", NULL);
	return tell_account(&telling, entry, password, "has all of root's rights", err);
}

/* Another account had that number before: then the new one is the same to the kernel. */
static bool shares_number(const struct vst_account_set *set, const char *name, int64_t uid)
{
	const char *other;
	json_t *entry;
	json_object_foreach(set->tables[VST_ACCOUNT_PASSWD].by_name, other, entry)
	{
		if (vst_facts_at(entry, VST_PASSWD_UID, 0) == uid && strcmp(other, name) != 0)
			return true;
	}
	return false;
}

static bool is_open(const json_t *entry, const char *password)
{
	return vst_account_shell_opens(vst_facts_text_at(entry, VST_PASSWD_SHELL)) &&
	       (strcmp(password, "set") == 0 || strcmp(password, "empty") == 0);
}

/* For sure: what the earlier exhibit does not tell counts as open. */
static bool was_closed(const struct judging *judging, const json_t *was)
{
	const char *password = vst_account_password(judging->before, vst_facts_text_at(was, VST_PASSWD_NAME));
	return !vst_account_shell_opens(vst_facts_text_at(was, VST_PASSWD_SHELL)) ||
	       strcmp(password, "locked") == 0;
}

static int tell_system_opened(
        const struct judging *judging, const json_t *entry, const char *password, struct vst_err *err)
{
	struct vst_telling telling =
	        telling_of(judging, VST_ACCOUNT_PASSWD, "account_system_opened", VST_SEVERITY_HIGH,
	                "the account of a service has no shell or no password: nobody logs in by it",
	                "somebody gave it a password by hand, to work as that service");
	return tell_account(&telling, entry, password, "can be logged in to", err);
}

static int judge_added(const struct judging *judging, const json_t *entry, struct vst_err *err)
{
	const char *name = vst_facts_text_at(entry, VST_PASSWD_NAME);
	const char *password = vst_account_password(judging->after, name);
	int64_t uid = vst_facts_at(entry, VST_PASSWD_UID, 0);
	enum vst_severity severity = VST_SEVERITY_MEDIUM;
	/* Beyond the cut of the earlier facts nothing is known to be new. */
	if (!judging->has_before || judging->before->tables[VST_ACCOUNT_PASSWD].cut)
		return 0;
	if (vst_account_is_system(uid) && is_open(entry, password))
		return tell_system_opened(judging, entry, password, err);
	if (vst_account_is_system(uid) && !shares_number(judging->after, name, uid))
		severity = vst_account_shell_opens(vst_facts_text_at(entry, VST_PASSWD_SHELL))
		                   ? VST_SEVERITY_LOW
		                   : VST_SEVERITY_INFO;
	struct vst_telling telling = telling_of(judging, VST_ACCOUNT_PASSWD, "account_added", severity,
	        "the accounts of the earlier exhibit",
	        vst_account_is_system(uid) ? "packages add accounts for their services"
	                                   : "an administrator added a user");
	return tell_account(&telling, entry, password, "was added", err);
}

static int tell_changed(
        const struct judging *judging, const json_t *was, const json_t *entry, struct vst_err *err)
{
	const char *name = vst_facts_text_at(entry, VST_PASSWD_NAME);
	const char *password = vst_account_password(judging->after, name);
	const char *old_shell = vst_facts_text_at(was, VST_PASSWD_SHELL),
	           *shell = vst_facts_text_at(entry, VST_PASSWD_SHELL);
	int64_t old_uid = vst_facts_at(was, VST_PASSWD_UID, 0), uid = vst_facts_at(entry, VST_PASSWD_UID, 0);
	int rc = 0;
	if (uid != old_uid) {
		struct vst_telling telling = telling_of(judging, VST_ACCOUNT_PASSWD, "account_uid_changed",
		        VST_SEVERITY_MEDIUM, "an account keeps its number",
		        "an administrator or a package gave it another number");
		struct vst_json json = vst_telling_details(&telling);
		write_account(&json, entry, password);
		rc = vst_telling_end(&telling, err, "account %s had number %" PRId64 " and has %" PRId64,
		        name, old_uid, uid);
	}
	if (rc == 0 && vst_account_is_system(uid) && is_open(entry, password) && was_closed(judging, was))
		return tell_system_opened(judging, entry, password, err);
	if (rc != 0 || vst_account_shell_opens(old_shell) || !vst_account_shell_opens(shell))
		return rc;
	struct vst_telling telling = telling_of(judging, VST_ACCOUNT_PASSWD, "account_shell_opened",
	        VST_SEVERITY_MEDIUM, "an account without a login shell stays so",
	        "an administrator, or an upgrade, gave it a shell");
	struct vst_json json = vst_telling_details(&telling);
	write_account(&json, entry, password);
	return vst_telling_end(
	        &telling, err, "account %s had the shell %s and has %s", name, old_shell, shell);
}

static int judge_passwd_entry(const struct judging *judging, const json_t *entry, struct vst_err *err)
{
	const char *name = vst_facts_text_at(entry, VST_PASSWD_NAME);
	const json_t *was = vst_account_find(judging->before, VST_ACCOUNT_PASSWD, name);
	if (vst_facts_at(entry, VST_PASSWD_UID, 0) == 0 && strcmp(name, "root") != 0) {
		bool had = was && vst_facts_at(was, VST_PASSWD_UID, 0) == 0;
		return had ? 0
		           : tell_uid_zero(judging, entry, vst_account_password(judging->after, name), err);
	}
	return was ? tell_changed(judging, was, entry, err) : judge_added(judging, entry, err);
}

static int judge_removed(const struct judging *judging, struct vst_err *err)
{
	const char *name;
	json_t *entry;
	const struct vst_account_table *after = &judging->after->tables[VST_ACCOUNT_PASSWD];
	if (!after->facts || after->cut)
		return 0;
	json_object_foreach(judging->before->tables[VST_ACCOUNT_PASSWD].by_name, name, entry)
	{
		if (json_object_get(after->by_name, name))
			continue;
		struct vst_telling telling = telling_of(judging, VST_ACCOUNT_PASSWD, "account_removed",
		        VST_SEVERITY_LOW, "the accounts of the earlier exhibit",
		        "an administrator or a package removed it");
		int rc = tell_account(
		        &telling, entry, vst_account_password(judging->before, name), "was removed", err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* How hard a method makes guessing; crypt(5). 0: not known. */
static int strength(const char *method)
{
	static const struct {
		const char *method;
		int strength;
	} methods[] = {{"des", 1}, {"bsdi", 1}, {"3", 1}, {"1", 2}, {"md5", 2}, {"sha1", 2}, {"2", 3},
	        {"2x", 3}, {"2a", 3}, {"2b", 3}, {"2y", 3}, {"5", 3}, {"6", 3}, {"7", 4}, {"y", 4},
	        {"gy", 4}};
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (strcmp(methods[i].method, method) == 0)
			return methods[i].strength;
	return 0;
}

static int tell_password(const struct judging *judging, const char *name, const json_t *was,
        const json_t *entry, const char *found, enum vst_severity severity, struct vst_err *err)
{
	struct vst_telling telling = telling_of(judging, VST_ACCOUNT_SHADOW, "account_password_changed",
	        severity, "the password of the earlier exhibit", "the user or an administrator changed it");
	struct vst_json json = vst_telling_details(&telling);
	vst_json_object(&json);
	vst_json_key(&json, "name");
	vst_json_string(&json, name);
	vst_json_key(&json, "method_before");
	vst_json_string(&json, vst_facts_text_at(was, VST_SHADOW_METHOD));
	vst_json_key(&json, "method_after");
	vst_json_string(&json, vst_facts_text_at(entry, VST_SHADOW_METHOD));
	vst_json_key(&json, "day_before");
	vst_json_int(&json, vst_facts_at(was, VST_SHADOW_DAY, 0));
	vst_json_key(&json, "day_after");
	vst_json_int(&json, vst_facts_at(entry, VST_SHADOW_DAY, 0));
	vst_json_end(&json);
	return vst_telling_end(&telling, err, "%s %s", found, name);
}

static int judge_password(
        const struct judging *judging, const char *name, const json_t *entry, struct vst_err *err)
{
	const json_t *was = vst_account_find(judging->before, VST_ACCOUNT_SHADOW, name);
	if (!was || strcmp(vst_facts_text_at(entry, VST_SHADOW_PASSWORD), "set") != 0)
		return 0;
	int64_t day = vst_facts_at(entry, VST_SHADOW_DAY, 0), old_day = vst_facts_at(was, VST_SHADOW_DAY, 0);
	int old_strength = strength(vst_facts_text_at(was, VST_SHADOW_METHOD));
	int now = strength(vst_facts_text_at(entry, VST_SHADOW_METHOD));
	if (strcmp(vst_facts_text_at(was, VST_SHADOW_PASSWORD), "set") != 0)
		return tell_password(
		        judging, name, was, entry, "there is now a password for", VST_SEVERITY_LOW, err);
	if (now > 0 && now < old_strength)
		return tell_password(judging, name, was, entry, "a weaker method hashes the password of",
		        VST_SEVERITY_MEDIUM, err);
	/* Day 0 asks for a change at the next login, -1 turns ageing off. */
	if (day > 0 && day < old_day)
		return tell_password(judging, name, was, entry, "the day of the last change went back for",
		        VST_SEVERITY_MEDIUM, err);
	if (day > old_day || strcmp(vst_facts_text_at(was, VST_SHADOW_METHOD),
	                             vst_facts_text_at(entry, VST_SHADOW_METHOD)) != 0)
		return tell_password(
		        judging, name, was, entry, "there is another password for", VST_SEVERITY_LOW, err);
	return 0;
}

static int judge_empty(
        const struct judging *judging, enum vst_account_file kind, const char *name, struct vst_err *err)
{
	if (strcmp(vst_account_password(judging->after, name), "empty") != 0 ||
	        strcmp(vst_account_password(judging->before, name), "empty") == 0)
		return 0;
	struct vst_telling telling = telling_of(judging, kind, "account_password_empty",
	        judging->has_before ? VST_SEVERITY_HIGH : VST_SEVERITY_MEDIUM,
	        "an account has a password or is locked",
	        judging->has_before ? NULL : "some images of systems are delivered with it");
	struct vst_json json = vst_telling_details(&telling);
	vst_json_object(&json);
	vst_json_key(&json, "name");
	vst_json_string(&json, name);
	vst_json_end(&json);
	return vst_telling_end(&telling, err, "account %s can be entered without a password", name);
}

/* An entry in shadow without one in passwd is no account; one in passwd that has its own password is judged
 * there. */
static int judge_passwords(const struct judging *judging, struct vst_err *err)
{
	const char *name;
	json_t *entry;
	int rc = 0;
	json_object_foreach(judging->after->tables[VST_ACCOUNT_SHADOW].by_name, name, entry)
	{
		if (rc == 0)
			rc = judge_password(judging, name, entry, err);
		if (rc == 0)
			rc = judge_empty(judging, VST_ACCOUNT_SHADOW, name, err);
	}
	json_object_foreach(judging->after->tables[VST_ACCOUNT_PASSWD].by_name, name, entry)
	{
		if (rc == 0 && !vst_account_find(judging->after, VST_ACCOUNT_SHADOW, name))
			rc = judge_empty(judging, VST_ACCOUNT_PASSWD, name, err);
	}
	return rc;
}

static int judge_odd(const struct judging *judging, enum vst_account_file kind, struct vst_err *err)
{
	const struct vst_account_table *was = &judging->before->tables[kind],
	                               *now = &judging->after->tables[kind];
	int64_t odd = vst_facts_int(now->facts, "odd", 0), old_odd = vst_facts_int(was->facts, "odd", 0);
	bool uncompared = now->cut && (!was->cut || vst_facts_int(now->facts, "lines", 0) !=
	                                                    vst_facts_int(was->facts, "lines", 0));
	if (!now->facts || kind == VST_ACCOUNT_LASTLOG || (odd <= old_odd && !uncompared))
		return 0;
	struct vst_telling telling = telling_of(judging, kind, "account_file_odd", VST_SEVERITY_MEDIUM,
	        "each line follows the format of its file",
	        "old NIS entries, a damaged file, or a very long one");
	struct vst_json json = vst_telling_details(&telling);
	vst_json_object(&json);
	vst_json_key(&json, "odd_lines");
	vst_json_int(&json, odd);
	vst_json_key(&json, "uncompared");
	vst_json_bool(&json, uncompared);
	vst_json_end(&json);
	return vst_telling_end(&telling, err, "%" PRId64 " lines of %s do not follow its format%s", odd,
	        vst_account_file_name(kind),
	        uncompared ? ", and it has more lines than can be compared" : "");
}

static int judge_accounts(struct judging *judging, struct vst_err *err)
{
	const char *name;
	json_t *entry;
	int rc = 0;
	judging->has_before = judging->before->tables[VST_ACCOUNT_PASSWD].facts != NULL;
	json_object_foreach(judging->after->tables[VST_ACCOUNT_PASSWD].by_name, name, entry)
	{
		if (rc == 0)
			rc = judge_passwd_entry(judging, entry, err);
	}
	if (rc == 0)
		rc = judge_removed(judging, err);
	judging->has_before = judging->before->tables[VST_ACCOUNT_SHADOW].facts != NULL;
	if (rc == 0)
		rc = judge_passwords(judging, err);
	for (int kind = VST_ACCOUNT_NONE + 1; rc == 0 && kind < VST_ACCOUNT_FILES; kind++)
		rc = judge_odd(judging, kind, err);
	return rc;
}

int vst_account_rules(const struct vst_observed_set *before, const struct vst_observed_set *after,
        const struct vst_finding_sink *findings, struct vst_err *err)
{
	struct vst_account_set was = {0}, now = {0};
	int rc = vst_account_set_read(before, &was, err);
	if (rc == 0)
		rc = vst_account_set_read(after, &now, err);
	struct judging judging = {.before = &was, .after = &now, .findings = findings};
	if (rc == 0)
		rc = judge_accounts(&judging, err);
	if (rc == 0)
		rc = vst_privilege_rules(&was, &now, findings, err);
	if (rc == 0)
		rc = vst_sudoers_rules(&was, &now, after, findings, err);
	if (rc == 0)
		rc = vst_lastlog_rules(&was, &now, before, findings, err);
	vst_account_set_free(&was);
	vst_account_set_free(&now);
	return rc;
}
