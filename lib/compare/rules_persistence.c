/*
 * Ways to come back: what runs with more rights than who starts it, what starts by itself, what is loaded
 * into everything. An honest host gets such things with packages and by its administrators, so most of it is
 * for somebody to explain; only what has no everyday reason is of severity high.
 */
#include <fnmatch.h>
#include <string.h>

#include "compare/changes.h"
#include "compare/package_of.h"
#include "compare/rules.h"

#define SET_ID 06000u
#define EXECUTABLE 0111u

/* ---- places from which something is started or loaded ---- */

struct place {
	const char *pattern; /* fnmatch(3), `*` also over slashes */
	const char *rule;
	enum vst_severity severity; /* of what no package explains */
	const char *what;
};

/* The first that fits counts. */
static const struct place places[] = {
        {"/etc/ld.so.preload", "preload_changed", VST_SEVERITY_HIGH,
                "a library that is loaded into every program"},
        {"/etc/ld.so.conf*", "loader_changed", VST_SEVERITY_MEDIUM, "where programs look for libraries"},
        {"/etc/crontab", "job_changed", VST_SEVERITY_MEDIUM, "a scheduled job"},
        {"/etc/anacrontab", "job_changed", VST_SEVERITY_MEDIUM, "a scheduled job"},
        {"/etc/cron.*/*", "job_changed", VST_SEVERITY_MEDIUM, "a scheduled job"},
        {"/var/spool/cron/*", "job_changed", VST_SEVERITY_MEDIUM, "a scheduled job"},
        {"/var/spool/at*/*", "job_changed", VST_SEVERITY_MEDIUM, "a scheduled job"},
        {"*/systemd/system-generators/*", "unit_changed", VST_SEVERITY_MEDIUM,
                "a program that makes units at every start"},
        {"*/systemd/user-generators/*", "unit_changed", VST_SEVERITY_MEDIUM,
                "a program that makes units at every login"},
        {"*/systemd/system/*", "unit_changed", VST_SEVERITY_MEDIUM, "a unit of the service manager"},
        {"*/systemd/user/*", "unit_changed", VST_SEVERITY_MEDIUM, "a unit of users' service managers"},
        {"*/systemd/system-shutdown/*", "unit_changed", VST_SEVERITY_MEDIUM,
                "a program that runs at shutdown"},
        {"*/systemd/system-sleep/*", "unit_changed", VST_SEVERITY_MEDIUM,
                "a program that runs at sleep and waking"},
        {"/etc/init.d/*", "unit_changed", VST_SEVERITY_MEDIUM, "a program that runs at every start"},
        {"/etc/rc*.d/*", "unit_changed", VST_SEVERITY_LOW, "a program that runs at every start"},
        {"/etc/rc.local", "unit_changed", VST_SEVERITY_MEDIUM, "a program that runs at every start"},
        {"/etc/inittab", "unit_changed", VST_SEVERITY_MEDIUM, "what runs at every start"},
        {"/etc/profile", "login_script_changed", VST_SEVERITY_MEDIUM, "what every login runs"},
        {"/etc/profile.d/*", "login_script_changed", VST_SEVERITY_MEDIUM, "what every login runs"},
        {"/etc/bash.bashrc", "login_script_changed", VST_SEVERITY_MEDIUM, "what every shell runs"},
        {"/etc/zsh/*", "login_script_changed", VST_SEVERITY_MEDIUM, "what every shell runs"},
        {"*/.bashrc", "login_script_changed", VST_SEVERITY_LOW, "what a user's shell runs"},
        {"*/.bash_profile", "login_script_changed", VST_SEVERITY_LOW, "what a user's login runs"},
        {"*/.bash_login", "login_script_changed", VST_SEVERITY_LOW, "what a user's login runs"},
        {"*/.profile", "login_script_changed", VST_SEVERITY_LOW, "what a user's login runs"},
        {"*/.zshrc", "login_script_changed", VST_SEVERITY_LOW, "what a user's shell runs"},
        {"*/.config/autostart/*", "login_script_changed", VST_SEVERITY_LOW, "what a user's desktop starts"},
        {"/etc/xdg/autostart/*", "login_script_changed", VST_SEVERITY_LOW, "what every desktop starts"},
        {"*/.ssh/rc", "login_script_changed", VST_SEVERITY_MEDIUM, "what a login by SSH runs"},
        {"/etc/ssh/sshrc", "login_script_changed", VST_SEVERITY_MEDIUM, "what a login by SSH runs"},
        {"*/.ssh/authorized_keys*", "authorized_keys_changed", VST_SEVERITY_MEDIUM, "keys that may log in"},
        {"/etc/ssh/sshd_config*", "access_changed", VST_SEVERITY_MEDIUM, "how the SSH server lets users in"},
        {"/etc/pam.d/*", "access_changed", VST_SEVERITY_MEDIUM, "how logins are decided"},
        {"*/security/pam_*.so", "access_changed", VST_SEVERITY_MEDIUM, "a module that decides logins"},
        {"/etc/nsswitch.conf", "access_changed", VST_SEVERITY_MEDIUM, "where accounts come from"},
        {"/etc/sudoers*", "access_changed", VST_SEVERITY_MEDIUM, "who may become root"},
        {"/etc/doas.conf", "access_changed", VST_SEVERITY_MEDIUM, "who may become root"},
        {"/etc/polkit-1/*", "access_changed", VST_SEVERITY_MEDIUM, "who may do what as root"},
        {"*/udev/rules.d/*", "unit_changed", VST_SEVERITY_MEDIUM, "what runs when a device appears"},
        {"*/modules-load.d/*", "module_changed", VST_SEVERITY_MEDIUM,
                "kernel modules that are loaded at every start"},
        {"*/modprobe.d/*", "module_changed", VST_SEVERITY_MEDIUM, "how kernel modules are loaded"},
        {"/etc/modules", "module_changed", VST_SEVERITY_MEDIUM,
                "kernel modules that are loaded at every start"},
        {"*/lib/modules/*.ko*", "module_changed", VST_SEVERITY_MEDIUM, "a kernel module"},
        {"*/binfmt.d/*", "loader_changed", VST_SEVERITY_MEDIUM, "what programs of a foreign kind are run by"},
        {"/etc/update-motd.d/*", "login_script_changed", VST_SEVERITY_MEDIUM, "what every login runs"},
        {"/etc/network/if-*.d/*", "unit_changed", VST_SEVERITY_MEDIUM, "what runs when the network comes up"},
        {"/etc/dhcp/dhclient-*-hooks.d/*", "unit_changed", VST_SEVERITY_MEDIUM,
                "what runs when an address is had"},
        {"/etc/NetworkManager/dispatcher.d/*", "unit_changed", VST_SEVERITY_MEDIUM,
                "what runs when the network comes up"},
        {"/etc/apt/apt.conf.d/*", "package_source_changed", VST_SEVERITY_MEDIUM,
                "how packages are installed"},
        {"/etc/apt/sources.list*", "package_source_changed", VST_SEVERITY_MEDIUM, "where packages come from"},
        {"/etc/apt/trusted.gpg*", "package_source_changed", VST_SEVERITY_MEDIUM,
                "whose packages are trusted"},
        {"/usr/share/keyrings/*", "package_source_changed", VST_SEVERITY_MEDIUM,
                "whose packages are trusted"},
        {"/etc/yum.repos.d/*", "package_source_changed", VST_SEVERITY_MEDIUM, "where packages come from"},
};

/* What their lines say is told by observers, where the policy takes the content. */
static const char *const observed_places[] = {"*/.ssh/authorized_keys*", "/etc/sudoers*"};

static const char *const program_places[] = {
        "/bin/*", "/sbin/*", "/usr/bin/*", "/usr/sbin/*", "/usr/local/bin/*", "/usr/local/sbin/*"};

static const char *const served_places[] = {"/var/www/*", "/srv/www/*", "/srv/http/*", "/usr/share/nginx/*",
        "/usr/lib/cgi-bin/*", "*/htdocs/*", "*/public_html/*", "*/webapps/*"};
static const char *const served_names[] = {"*.php", "*.php[3-8]", "*.phtml", "*.phar", "*.jsp", "*.jspx",
        "*.asp", "*.aspx", "*.cgi", "*.pl", "*.py", "*.sh", "*.war", "*.htaccess", "*.user.ini"};

static const char *const histories[] = {"*/.bash_history", "*/.zsh_history", "*/.sh_history",
        "*/.ash_history", "*/.local/share/fish/fish_history", "*/.mysql_history", "*/.psql_history",
        "*/.python_history"};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static bool fits(const char *path, const char *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fnmatch(patterns[i], path, 0) == 0)
			return true;
	return false;
}

/* A source that has another name in the policy now moves all of its items, and nothing on the host. */
static bool has_moved(const struct vst_pair *pair)
{
	return pair->kind == VST_CHANGE_MOVED && strcmp(pair->before->path, pair->after->path) != 0;
}

static bool is_new_content(const struct vst_pair *pair)
{
	return pair->kind == VST_CHANGE_ADDED || has_moved(pair) ||
	       (pair->before && pair->after &&
	               pair->fields & (VST_FIELD_CONTENT | VST_FIELD_TARGET | VST_FIELD_TYPE));
}

/* Nothing of this source is in the earlier exhibit: the policy asks for it since. What is new to us need not
 * be new on the host. */
static bool is_new_source(const struct vst_rule_context *context, const struct vst_pair *pair)
{
	struct vst_series_index *before = context->before->index;
	for (size_t i = 0; pair->kind == VST_CHANGE_ADDED && i < vst_series_sources(before); i++)
		if (strcmp(vst_series_source(before, (uint32_t)i), pair->after->source) == 0)
			return false;
	return pair->kind == VST_CHANGE_ADDED;
}

/* ---- with more rights than who starts it ---- */

static enum vst_severity unless_packaged(enum package_state package, enum vst_severity severity)
{
	return package == PACKAGE_SAME && severity > VST_SEVERITY_LOW ? VST_SEVERITY_LOW : severity;
}

static int set_id(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item *item = pair->after, *was = pair->before;
	unsigned had = was && was->type == VST_ITEM_FILE ? was->mode & SET_ID : 0;
	bool is_program = item->type == VST_ITEM_FILE && item->mode & EXECUTABLE;
	if (!is_program || !(item->mode & SET_ID))
		return 0;
	bool gained = item->mode & SET_ID & ~had;
	if (!gained && !is_new_content(pair))
		return 0;
	enum package_state package = package_of(context, item);
	if (!gained && package == PACKAGE_SAME)
		return 0;
	bool root = item->mode & 04000 && item->uid == 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = gained ? "set_id_added" : "set_id_content_changed",
	                .severity = unless_packaged(
	                        package, gained && root ? VST_SEVERITY_HIGH : VST_SEVERITY_MEDIUM),
	                .expected = gained ? "no new program that runs with another's rights"
	                                   : "the same content in a program that runs with another's rights",
	                .found = root ? "a program that runs as root, whoever starts it"
	                              : "a program that runs with another user's or group's rights",
	                .innocent = "a package, or an administrator, put it there",
	        },
	        err);
}

static const struct vst_item_xattr *capability_of(const struct vst_item *item)
{
	for (size_t i = 0; item && i < item->xattr_count; i++)
		if (strcmp(item->xattrs[i].name, "security.capability") == 0)
			return &item->xattrs[i];
	return NULL;
}

static int capability(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item_xattr *has = capability_of(pair->after), *had = capability_of(pair->before);
	if (!has || (had && had->len == has->len && memcmp(had->value, has->value, has->len) == 0))
		return 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = "capability_added",
	                .severity = unless_packaged(package_of(context, pair->after), VST_SEVERITY_HIGH),
	                .expected = had ? "the same capabilities on a program"
	                                : "no new program with capabilities",
	                .found = "capabilities of the kernel that who starts the program does not have",
	                .innocent = "a package, or an administrator (setcap), put them there",
	        },
	        err);
}

/* ---- what starts by itself ---- */

static int place(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item *item = pair->after;
	if (!is_new_content(pair) || (item->type != VST_ITEM_FILE && item->type != VST_ITEM_SYMLINK))
		return 0;
	for (size_t i = 0; i < LENGTH(places); i++) {
		if (fnmatch(places[i].pattern, item->path, 0) != 0)
			continue;
		if (item->content == VST_ITEM_CONTENT_FULL && item->type == VST_ITEM_FILE &&
		        fits(item->path, observed_places, LENGTH(observed_places)))
			return 0;
		bool preload = places[i].severity == VST_SEVERITY_HIGH;
		if (preload && pair->after_record.size == 0)
			return 0;
		return vst_rule_find(context, pair,
		        &(struct vst_finding){
		                .rule = places[i].rule,
		                .severity = unless_packaged(package_of(context, item), places[i].severity),
		                .expected = pair->before ? "the same as before" : "nothing new here",
		                .found = places[i].what,
		                .innocent = "a package, or an administrator, put it there",
		        },
		        err);
	}
	return 0;
}

static int program(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item *item = pair->after;
	if (!is_new_content(pair) || item->type != VST_ITEM_FILE || !(item->mode & EXECUTABLE) ||
	        !fits(item->path, program_places, LENGTH(program_places)) ||
	        package_of(context, item) != PACKAGE_NONE)
		return 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = pair->before ? "program_changed" : "program_added",
	                .severity = pair->before ? VST_SEVERITY_LOW : VST_SEVERITY_MEDIUM,
	                .expected = "programs on the path that come from packages",
	                .found = "a program that no package is known to have",
	                .innocent = "built or installed by hand, or the policy does not compare with "
	                            "packages (packages: true)",
	        },
	        err);
}

static int served(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item *item = pair->after;
	if (!is_new_content(pair) || item->type != VST_ITEM_FILE ||
	        !fits(item->path, served_places, LENGTH(served_places)) ||
	        !fits(item->path, served_names, LENGTH(served_names)))
		return 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = pair->before ? "served_code_changed" : "served_code_added",
	                .severity = VST_SEVERITY_MEDIUM,
	                .expected = "code that is served changes when it is deployed",
	                .found = "code that the web server may run",
	                .innocent = "a deployment",
	        },
	        err);
}

/* ---- what hides ---- */

static int history(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item *was = pair->before, *is = pair->after;
	if (!was || was->type != VST_ITEM_FILE || pair->before_record.size == 0 ||
	        !fits(was->path, histories, LENGTH(histories)))
		return 0;
	bool gone = !is, linked = is && is->type == VST_ITEM_SYMLINK;
	bool emptied = is && is->type == VST_ITEM_FILE && changes_was_had(is->status) &&
	               pair->after_record.size == 0;
	if (!gone && !linked && !emptied)
		return 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = "history_cleared",
	                .severity = VST_SEVERITY_MEDIUM,
	                .expected = "a history of commands that is kept",
	                .found = gone     ? "the file is gone"
	                         : linked ? "a symbolic link in its place"
	                                  : "an empty file",
	                .innocent = "the user cleared it, or the account was removed",
	        },
	        err);
}

static bool has_flag(const struct vst_item *item, char flag)
{
	return item && item->flags && strchr(item->flags, flag);
}

static int flags(const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	const struct vst_item *is = pair->after, *was = pair->before;
	bool immutable = has_flag(is, 'i') && !has_flag(was, 'i');
	bool no_append = was && is && has_flag(was, 'a') && !has_flag(is, 'a');
	if (!immutable && !no_append)
		return 0;
	return vst_rule_find(context, pair,
	        &(struct vst_finding){
	                .rule = immutable ? "immutable_set" : "append_only_cleared",
	                .severity = VST_SEVERITY_MEDIUM,
	                .expected =
	                        immutable ? "a file that its owner can change" : "a file that can only grow",
	                .found = immutable ? "the immutable flag, which keeps it from being removed"
	                                   : "the append-only flag was taken off",
	                .innocent = "an administrator's chattr",
	        },
	        err);
}

int vst_rule_persistence(
        const struct vst_rule_context *context, const struct vst_pair *pair, struct vst_err *err)
{
	static vst_rule *const parts[] = {set_id, capability, place, program, served, flags};
	int rc = history(context, pair, err);
	if (!pair->after || !changes_was_had(pair->after->status) || is_new_source(context, pair))
		return rc;
	for (size_t i = 0; rc == 0 && i < LENGTH(parts); i++)
		rc = parts[i](context, pair, err);
	return rc;
}
