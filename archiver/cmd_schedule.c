#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calendar.h"
#include "open_case.h"
#include "policies.h"
#include "verbs.h"
#include "vestige/io.h"
#include "vestige/mem.h"
#include "vestige/timefmt.h"
#include "vestige/unit_file.h"

#define DEFAULT_DIR "/etc/systemd/system"
#define DEFAULT_CALENDAR "*-*-* 03:40:00"
#define DEFAULT_FULL_EVERY "30d"
#define UNIT_FILE_MAX (64 * 1024)

struct schedule {
	struct cli *cli;
	const char *policy, *calendar, *full_every, *keep, *name, *metrics, *program, *dir;
	bool print, remove;
	/* Made of them; owned. */
	char *case_dir, *policy_path, *metrics_path, *program_path, *made_name;
	struct vst_unit_plan plan;
};

/* ---- what the units shall say ---- */

static int absolute(const char *what, const char *path, char **ret, struct vst_err *err)
{
	*ret = realpath(path, NULL);
	return *ret ? 0 : vst_err_sys(err, errno, "%s %s", what, path);
}

/* The file need not be there yet, its directory must. */
static int absolute_file(const char *what, const char *path, char **ret, struct vst_err *err)
{
	char joined[PATH_MAX];
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char *parent = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup("."),
	     *dir = NULL;
	int rc = parent ? absolute(what, parent, &dir, err) : vst_err_nomem(err);

	if (rc == 0 && (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0))
		rc = vst_err_set(err, VST_EUSAGE, "%s %s: not a file's name", what, path);
	if (rc == 0 && (size_t)snprintf(joined, sizeof joined, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
	                       base) >= sizeof joined)
		rc = vst_err_set(err, VST_EUSAGE, "%s: the path is too long", what);
	if (rc == 0 && !(*ret = vst_strdup(joined)))
		rc = vst_err_nomem(err);
	free(parent);
	free(dir);
	return rc;
}

/* Read and parsed now: at night nobody sees that it cannot be. A shipped one is named by its name, unless
 * this shell's environment found it. */
static int find_policy(struct schedule *s, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT;
	struct vst_policy *policy = NULL;
	const char *places = getenv("VESTIGE_POLICIES");
	char *path = NULL;
	int rc;

	if (strcmp(s->policy, "-") == 0)
		return vst_err_set(err, VST_EUSAGE,
		        "--policy -: a scheduled snapshot has no standard input to read it from");
	rc = policies_load(s->policy, &path, &text, &policy, err);
	if (rc == 0 && path[0] == '/' && !strchr(s->policy, '/') && (!places || !*places))
		s->policy_path = vst_strdup(s->policy); /* found where it is installed */
	else if (rc == 0 && access(path, F_OK) != 0)
		s->policy_path = vst_strdup(s->policy); /* built in */
	else if (rc == 0)
		rc = absolute("--policy", path, &s->policy_path, err);
	if (rc == 0 && !s->policy_path)
		rc = vst_err_nomem(err);
	if (rc == 0 && !s->full_every && policy->full_every.count == 0 && policy->full_every.seconds == 0)
		s->full_every = DEFAULT_FULL_EVERY;
	vst_policy_free(policy);
	vst_buf_free(&text);
	free(path);
	return rc;
}

static int find_program(struct schedule *s, struct vst_err *err)
{
	struct stat st;
	int rc = absolute("--program", s->program ? s->program : "/proc/self/exe", &s->program_path, err);

	if (rc == 0 && (stat(s->program_path, &st) != 0 || !S_ISREG(st.st_mode) ||
	                       access(s->program_path, X_OK) != 0))
		rc = vst_err_set(err, VST_EUSAGE, "--program %s: not a program", s->program_path);
	if (rc == 0 && (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH))))
		cli_warn("%s: others than root can change it, and root will run it every night",
		        cli_show_text(s->program_path));
	return rc;
}

/* "vestige-shop" for /srv/shop: what a unit's name cannot have becomes '-'. */
static int make_name(struct schedule *s, struct vst_err *err)
{
	const char *base = strrchr(s->case_dir, '/') + 1;
	struct vst_buf name = VST_BUF_INIT;
	int rc;

	vst_buf_text(&name, "vestige-");
	for (const char *p = base; *p && name.len < VST_UNIT_NAME_MAX; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		             (*p >= '0' && *p <= '9') || *p == '_' || *p == '.';
		vst_buf_byte(&name, plain ? (uint8_t)*p : '-');
	}
	rc = vst_buf_check(&name, err);
	if (rc == 0 && !(s->made_name = vst_strdup(vst_buf_cstr(&name))))
		rc = vst_err_nomem(err);
	vst_buf_free(&name);
	return rc;
}

/* Whether root, without the capability to override modes, cannot write in the directory. */
static bool is_of_another(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && st.st_uid != 0;
}

static int check_case(struct schedule *s, struct vst_err *err)
{
	struct vst_age_recipients recipients = {0};
	struct vst_case *c = NULL;
	bool by_passphrase = false;
	int rc = vst_case_open(s->case_dir, &c, err);

	if (rc == 0)
		rc = vst_case_recipients(c, &recipients, &by_passphrase, err);
	if (rc == 0 && by_passphrase) {
		rc = vst_err_set(err, VST_EKEY,
		        "%s: its exhibits are sealed to a passphrase, and at night nobody types it",
		        s->case_dir);
		vst_err_hint(err, "a baseline needs a case that is sealed to recipients: vestige init DIR "
		                  "--title T -r RECIPIENT");
	}
	if (rc == 0 && !vst_case_is_writable(c))
		rc = vst_err_set(
		        err, VST_EKEY, "%s: this copy of the case has no keys to add to it", s->case_dir);
	vst_age_recipients_free(&recipients);
	vst_case_free(c);
	return rc;
}

static int make_plan(struct schedule *s, struct vst_err *err)
{
	bool known = false;
	int rc = check_case(s, err);

	if (rc == 0)
		rc = find_policy(s, err);
	if (rc == 0)
		rc = find_program(s, err);
	if (rc == 0 && s->metrics)
		rc = absolute_file("--metrics", s->metrics, &s->metrics_path, err);
	if (rc != 0)
		return rc;
	s->plan = (struct vst_unit_plan){.name = s->name ? s->name : s->made_name,
	        .program = s->program_path,
	        .case_dir = s->case_dir,
	        .policy = s->policy_path,
	        .calendar = s->calendar,
	        .full_every = s->full_every,
	        .keep = s->keep,
	        .metrics = s->metrics_path,
	        .writes_as_owner = is_of_another(s->case_dir)};
	if (s->metrics_path) {
		char *dir = strdup(s->metrics_path);

		if (!dir)
			return vst_err_nomem(err);
		dir[strrchr(dir, '/') == dir ? 1 : strrchr(dir, '/') - dir] = '\0';
		s->plan.writes_as_owner = s->plan.writes_as_owner || is_of_another(dir);
		free(dir);
	}
	if ((rc = vst_unit_check(&s->plan, err)) != 0)
		return rc;
	rc = calendar_check(s->calendar, &known, err);
	if (rc == 0 && !known)
		cli_warn("no systemd-analyze here: whether '%s' is a calendar is not checked", s->calendar);
	return rc;
}

/* ---- the files ---- */

static const char *const endings[] = {".service", ".timer"};

static void file_name(const char *name, size_t which, char ret[VST_UNIT_NAME_MAX + 16])
{
	snprintf(ret, VST_UNIT_NAME_MAX + 16, "%.*s%s", VST_UNIT_NAME_MAX, name, endings[which]);
}

/* A file of that name must be ours before it is replaced or removed. `case_dir` NULL: of any case.
 * VST_ENOTFOUND. */
static int check_ours(int dirfd, const char *name, const char *case_dir, struct vst_err *err)
{
	struct vst_buf text = VST_BUF_INIT, mark = VST_BUF_INIT;
	int rc = vst_io_read_file(dirfd, name, UNIT_FILE_MAX, &text, err);

	if (case_dir)
		vst_unit_mark(case_dir, &mark);
	else
		vst_buf_text(&mark, VST_UNIT_MARK);
	if (rc == 0)
		rc = vst_buf_check(&mark, err);
	if (rc == 0 && (text.len < mark.len || memcmp(text.data, mark.data, mark.len) != 0)) {
		rc = vst_err_set(err, VST_EEXIST,
		        "%s: is there, and not a unit that vestige made for this case", name);
		vst_err_hint(err, "give another name with --name");
	}
	vst_buf_free(&text);
	vst_buf_free(&mark);
	return rc;
}

static int write_units(struct schedule *s, struct vst_err *err)
{
	char name[VST_UNIT_NAME_MAX + 16];
	int dirfd = -1, rc = vst_io_open_dir(AT_FDCWD, s->dir, &dirfd, err);
	mode_t before;

	for (size_t i = 0; rc == 0 && i < 2; i++) {
		file_name(s->plan.name, i, name);
		if ((rc = check_ours(dirfd, name, s->case_dir, err)) == VST_ENOTFOUND) {
			vst_err_clear(err);
			rc = 0;
		}
	}
	before = umask(022); /* units are read by everybody who asks systemd for them */
	for (size_t i = 0; rc == 0 && i < 2; i++) {
		struct vst_buf text = VST_BUF_INIT;

		file_name(s->plan.name, i, name);
		if (i == 0)
			vst_unit_service(&s->plan, &text);
		else
			vst_unit_timer(&s->plan, &text);
		if ((rc = vst_buf_check(&text, err)) == 0)
			rc = vst_io_write_file(dirfd, name, 0644, text.data, text.len, VST_IO_REPLACE, err);
		vst_buf_free(&text);
	}
	umask(before);
	if (dirfd >= 0)
		close(dirfd);
	return rc == 0 ? 0 : vst_err_prepend(err, "%s", s->dir);
}

static int remove_units(const struct schedule *s, const char *unit, struct vst_err *err)
{
	char name[VST_UNIT_NAME_MAX + 16];
	int dirfd = -1, rc = vst_io_open_dir(AT_FDCWD, s->dir, &dirfd, err);
	unsigned missing = 0;

	for (int pass = 0; pass < 2; pass++) /* all is looked at before anything is removed */
		for (size_t i = 2; rc == 0 && i-- > 0;) {
			file_name(unit, i, name);
			rc = check_ours(dirfd, name, s->case_dir, err);
			if (rc == VST_ENOTFOUND && (missing += pass == 0) < 2) {
				vst_err_clear(err);
				rc = 0;
			} else if (rc == 0 && pass == 1 && unlinkat(dirfd, name, 0) != 0) {
				rc = vst_err_sys(err, errno, "%s: remove", name);
			}
		}
	if (rc == 0)
		rc = vst_io_fsync_dir(dirfd, ".", err);
	if (dirfd >= 0)
		close(dirfd);
	return rc == 0 ? 0 : vst_err_prepend(err, "%s", s->dir);
}

/* ---- the verb ---- */

static void print_units(const struct schedule *s)
{
	struct vst_buf text = VST_BUF_INIT;

	for (size_t i = 0; i < 2; i++) {
		char name[VST_UNIT_NAME_MAX + 16];

		vst_buf_clear(&text);
		file_name(s->plan.name, i, name);
		if (i == 0)
			vst_unit_service(&s->plan, &text);
		else
			vst_unit_timer(&s->plan, &text);
		if (s->cli->json) {
			struct vst_buf line = VST_BUF_INIT;
			struct vst_json json = cli_json_begin(&line, "unit");

			vst_json_key(&json, "name");
			vst_json_string(&json, name);
			vst_json_key(&json, "text");
			vst_json_text(&json, text.data, text.len);
			cli_json_end(&json);
		} else {
			cli_print("%s# %s\n%s", i == 0 ? "" : "\n", name, vst_buf_cstr(&text));
		}
	}
	vst_buf_free(&text);
}

static void print_done(const struct schedule *s, const char *unit, bool removed)
{
	for (size_t i = 0; i < 2; i++) {
		char name[VST_UNIT_NAME_MAX + 16], path[PATH_MAX + VST_UNIT_NAME_MAX + 32];

		file_name(unit, i, name);
		snprintf(path, sizeof path, "%s/%s", s->dir, name);
		if (s->cli->json) {
			struct vst_buf line = VST_BUF_INIT;
			struct vst_json json = cli_json_begin(&line, removed ? "removed" : "written");

			vst_json_key(&json, "path");
			vst_json_text(&json, path, strlen(path));
			cli_json_end(&json);
		} else {
			cli_print("%s %s\n", removed ? "removed" : "wrote  ", cli_show_text(path));
		}
	}
	if (removed)
		cli_say(s->cli, "hint: systemctl stop %s.timer; systemctl daemon-reload", unit);
	else
		cli_say(s->cli, "hint: systemctl daemon-reload && systemctl enable --now %s.timer", unit);
}

static int schedule(struct schedule *s, struct vst_err *err)
{
	int rc;

	/* With its name alone, units can be removed of a case that is gone. */
	if (!s->remove || !s->name || s->cli->dir) {
		rc = open_case_find(s->cli, &s->case_dir, err);
		if (rc == 0)
			rc = make_name(s, err);
		if (rc != 0)
			return rc;
	}
	if (s->remove) {
		const char *unit = s->name ? s->name : s->made_name;
		const struct vst_unit_plan named = {
		        .name = unit, .program = "/", .case_dir = "/", .policy = "-", .calendar = "daily"};

		if ((rc = vst_unit_check(&named, err)) == 0 && (rc = remove_units(s, unit, err)) == 0)
			print_done(s, unit, true);
		return rc;
	}
	if ((rc = make_plan(s, err)) != 0)
		return rc;
	if (s->print) {
		print_units(s);
		return 0;
	}
	if ((rc = write_units(s, err)) == 0)
		print_done(s, s->plan.name, false);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct schedule s = {.cli = cli,
	        .calendar = DEFAULT_CALENDAR,

	        .dir = DEFAULT_DIR};
	const struct cli_option table[] = {
	        {"policy", 0, CLI_VALUE, &s.policy},
	        {"calendar", 0, CLI_VALUE, &s.calendar},
	        {"full-every", 0, CLI_VALUE, &s.full_every},
	        {"keep", 0, CLI_VALUE, &s.keep},
	        {"name", 0, CLI_VALUE, &s.name},
	        {"metrics", 0, CLI_VALUE, &s.metrics},
	        {"program", 0, CLI_VALUE, &s.program},
	        {"dir", 0, CLI_VALUE, &s.dir},
	        {"print", 0, CLI_FLAG, &s.print},
	        {"remove", 0, CLI_FLAG, &s.remove},
	};
	struct vst_err err = VST_ERR_INIT;
	char **args;
	size_t count;
	int status = cli_parse(cli, table, sizeof table / sizeof *table, argc, argv, 0, 0, &args, &count);

	if (status >= 0)
		return status;
	if (s.print && s.remove)
		return cli_usage(cli, "--print and --remove do not go together");
	struct vst_policy_every every;
	uint64_t seconds;
	if (s.full_every && !vst_policy_every_parse(s.full_every, &every))
		return cli_usage(cli, "--full-every '%s': a number of snapshots (30), or a time (30d)",
		        cli_show_text(s.full_every));
	if (s.keep && !vst_duration_parse(s.keep, &seconds))
		return cli_usage(cli, "--keep '%s': a time, such as 90d", cli_show_text(s.keep));
	if (!s.policy && !s.remove)
		return cli_usage(cli, "--policy is missing: what shall be taken every night?");
	status = schedule(&s, &err) == 0 ? CLI_GOOD : cli_fail(&err);
	free(s.case_dir);
	free(s.policy_path);
	free(s.metrics_path);
	free(s.program_path);
	free(s.made_name);
	return status;
}

const struct cli_verb verb_schedule = {
        .name = "schedule",
        .summary = "a snapshot every night: a systemd service and timer",
        .help = "usage: vestige schedule --policy POLICY [--calendar SPEC] [--full-every D]\n"
                "                        [--keep D] [--metrics FILE] [--name NAME] [--print]\n"
                "       vestige schedule --remove [--name NAME]\n\n"
                "Writes a hardened systemd service and its timer for incremental snapshots of\n"
                "this host into the case. It starts nothing; it says what to type for that.\n\n"
                "  --policy POLICY  a file, or a shipped policy (baseline is made for this)\n"
                "  --calendar SPEC  systemd.time(7); *-*-* 03:40:00 unless given\n"
                "  --full-every D   a full exhibit after D (30, 30d); the policy, or 30d\n"
                "  --keep D         dispose of generations that are older, by the custody log\n"
                "  --metrics FILE   figures for Prometheus's node exporter after each snapshot\n"
                "  --name NAME      of the units; vestige- and the case's directory unless given\n"
                "  --program PATH   the vestige to run; this one unless given\n"
                "  --dir DIR        where units go; /etc/systemd/system unless given\n"
                "  --print          print the units, write nothing\n"
                "  --remove         remove the units\n\n"
                "example: vestige -C /srv/baseline schedule --policy baseline --keep 90d\n",
        .run = run,
};
