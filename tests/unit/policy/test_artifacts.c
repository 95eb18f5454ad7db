#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vestige/artifacts.h"
#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/pattern.h"

#define NAMED(name, sources) "---\nname: " name "\ndoc: d\nsources:\n" sources
#define PATHS(paths) "- type: FILE\n  attributes: {paths: [" paths "]}\n"
#define GROUP(names) "- type: ARTIFACT_GROUP\n  attributes: {names: [" names "]}\n"

static struct vst_artifact_set *read_bytes(const char *text, size_t len)
{
	struct vst_artifact_set *set = NULL;
	struct vst_err err = VST_ERR_INIT;
	assert_int_equal(vst_artifacts_new(&set, &err), 0);
	if (vst_artifacts_add(set, "a.yaml", text, len, &err) != 0)
		fail_msg("%s", err.text);
	return set;
}

static struct vst_artifact_set *read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

/* Read without anything wrong. */
static struct vst_artifact_set *good(const char *text)
{
	struct vst_artifact_set *set = read_text(text);
	if (vst_artifacts_problem_count(set) > 0)
		fail_msg("%s", vst_artifacts_problem(set, 0)->text);
	return set;
}

/* One definition that is wrong in a line. */
static void wrong(const char *text, size_t line, const char *why)
{
	struct vst_artifact_set *set = read_text(text);
	assert_int_equal(vst_artifacts_problem_count(set), 1);
	const struct vst_artifact_problem *problem = vst_artifacts_problem(set, 0);
	if (!strstr(problem->text, why))
		fail_msg("'%s' is not about '%s'", problem->text, why);
	assert_string_equal(problem->file, "a.yaml");
	assert_int_equal(problem->line, line);
	vst_artifacts_free(set);
}

static const struct vst_artifact_account accounts[] = {
        {"root", "/root", 1, NULL},
        {"daemon", "/", 2, NULL},
        {"nobody", "/nonexistent", 3, NULL},
        {"alice", "/home/alice/", 4, NULL},
        {"b*b", "/srv//b{o}b", 5, NULL},
        {"gone", "/srv/gone", 6, "does not exist"},
        {"a/b", "/srv/ab", 7, NULL},
};

/* The plan as lines: "PATHS NAME/1: a b", "COMMAND NAME/1: program arguments", "NOT NAME/1/2: reason",
 * "FAILED …". */
static char *planned(const struct vst_artifact_set *set, const char *names)
{
	static const char *const kinds[] = {"PATHS", "COMMAND", "NOT", "FAILED"};
	static char text[65536];
	char list[256], *parts[16];
	size_t count = 0, at = 0;
	struct vst_artifact_plan *plan = NULL;
	struct vst_err err = VST_ERR_INIT;
	snprintf(list, sizeof list, "%s", names);
	for (char *part = strtok(list, " "); part; part = strtok(NULL, " "))
		parts[count++] = part;
	if (vst_artifacts_resolve(
	            set, parts, count, accounts, sizeof accounts / sizeof *accounts, &plan, &err) != 0)
		fail_msg("%s", err.text);
	text[0] = '\0';
	for (size_t i = 0; i < plan->count; i++) {
		const struct vst_artifact_step *step = &plan->steps[i];
		at += (size_t)snprintf(text + at, sizeof text - at, "%s ", kinds[step->kind]);
		if (step->artifact)
			at += (size_t)snprintf(text + at, sizeof text - at, "%s", step->artifact);
		else
			at += (size_t)snprintf(text + at, sizeof text - at, "line %zu", step->line);
		if (step->source)
			at += (size_t)snprintf(text + at, sizeof text - at, "/%zu", step->source);
		if (step->path)
			at += (size_t)snprintf(text + at, sizeof text - at, "/%zu", step->path);
		at += (size_t)snprintf(text + at, sizeof text - at, ":");
		if (step->command)
			at += (size_t)snprintf(text + at, sizeof text - at, " %s", step->command);
		for (size_t k = 0; k < step->count; k++)
			at += (size_t)snprintf(text + at, sizeof text - at, " %s", step->texts[k]);
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s\n", step->reason ? " " : "",
		        step->reason ? step->reason : "");
	}
	vst_artifact_plan_free(plan);
	return text;
}

static void plans(const char *text, const char *names, const char *expected)
{
	struct vst_artifact_set *set = good(text);
	assert_string_equal(planned(set, names), expected);
	vst_artifacts_free(set);
}

/* ---- reading ---- */

static void artifacts_are_read_in_their_order(void **state)
{
	(void)state;
	struct vst_artifact_set *set =
	        good("# a comment\n" NAMED("A", PATHS("/a")) NAMED("B", PATHS("/b")) "---\n");
	assert_int_equal(vst_artifacts_count(set), 2);
	assert_string_equal(vst_artifacts_at(set, 0)->name, "A");
	assert_int_equal(vst_artifacts_at(set, 0)->line, 2);
	assert_string_equal(vst_artifacts_at(set, 1)->name, "B");
	assert_int_equal(vst_artifacts_at(set, 1)->line, 8);
	assert_string_equal(vst_artifacts_find(set, "B")->file, "a.yaml");
	assert_null(vst_artifacts_find(set, "C"));
	assert_string_equal(vst_artifacts_nearest(set, "b"), "A");
	assert_null(vst_artifacts_nearest(set, "SomethingElse"));
	vst_artifacts_free(set);
}

static void artifacts_take_every_key_that_the_format_has(void **state)
{
	(void)state;
	vst_artifacts_free(good(
	        "name: A\ndoc: |\n  --- not a marker\n\n  More.\nsources:\n"
	        "- type: COMMAND\n  attributes: {cmd: /bin/ps, args: ['-ef', 1, '']}\n  conditions: [x]\n"
	        "- type: REGISTRY_KEY\n  attributes: {keys: ['HKLM\\X']}\n  returned_types: [a]\n"
	        "- type: REGISTRY_VALUE\n  attributes: {key_value_pairs: [{key: 'HK\\X', value: ''}]}\n"
	        "- type: WMI\n  attributes: {query: SELECT, base_object: x}\n  supported_os: [Windows]\n"
	        "- type: DIRECTORY\n  attributes: {paths: ['\\a\\b'], separator: '\\'}\n  provides: [a]\n"
	        "- type: PATH\n  attributes: {paths: [/a], separator: /}\n"
	        "aliases: [B]\nconditions: [os >= 6]\nlabels: [Logs]\nprovides: [{key: x}]\n"
	        "supported_os: [Linux, Windows]\nurls: ['https://x/']\n"));
}

static void artifacts_stand_without_markers_marks_and_ends(void **state)
{
	(void)state;
	struct vst_artifact_set *set =
	        good("\xef\xbb\xbf%YAML 1.1\n---\r\nname: A\r\ndoc: d\r\nsources: "
	             "[{type: FILE, attributes: {paths: [/a]}}]"
	             "\r\n...\r\n# end\r\n%YAML 1.1\r\n--- \nname: B\ndoc: d\nsources: [{type: "
	             "FILE, attributes: {paths: [/b]}}]");
	assert_int_equal(vst_artifacts_count(set), 2);
	vst_artifacts_free(set);
	set = good("");
	assert_int_equal(vst_artifacts_count(set), 0);
	vst_artifacts_free(set);
	vst_artifacts_free(good("---"));
	vst_artifacts_free(good("---\n---\n# nothing\n"));
}

static void artifacts_say_what_is_wrong_and_where(void **state)
{
	(void)state;
	wrong(NAMED("A", PATHS("/a")) "urlz: []\n", 7, "A: unknown key 'urlz'");
	wrong(NAMED("A", PATHS("/a")) "doc: again\n", 7, "A: key 'doc' is here twice");
	wrong("name: A\nsources: []\n", 1, "A: key 'doc' is missing");
	wrong("doc: d\nsources: []\n", 1, "key 'name' is missing");
	wrong("name: A\ndoc: d\n", 1, "A: key 'sources' is missing");
	wrong("name: A\ndoc: d\nsources: []\n", 3, "A: sources: an empty list");
	wrong("name: A\ndoc:\nsources: []\n", 2, "A: doc: empty");
	wrong("name: [A]\ndoc: d\nsources: []\n", 1, "name: must be text, not a list");
	wrong("name: a/b\ndoc: d\nsources: []\n", 1, "'a/b' is not a name");
	wrong("name: ..\ndoc: d\nsources: []\n", 1, "'..' is not a name");
	wrong("- a\n", 1, "must be a mapping (key: value), not a list");
	wrong("just text\n", 1, "must be a mapping (key: value), not text");
	wrong(NAMED("A", "- FILE\n"), 5, "A: sources[0]: must be a mapping");
	wrong(NAMED("A", "- type: FIEL\n  attributes: {}\n"), 5,
	        "A: sources[0].type: unknown type of source 'FIEL'");
	wrong(NAMED("A", "- type: FILE\n"), 5, "key 'attributes' is missing");
	wrong(NAMED("A", "- type: FILE\n  attributes: {path: [/a]}\n"), 6, "unknown key 'path'");
	wrong(NAMED("A", "- type: FILE\n  attributes: {paths: /a}\n"), 6, "paths: must be a list, not text");
	wrong(NAMED("A", "- type: FILE\n  attributes: {paths: [[/a]]}\n"), 6, "paths[0]: must be text");
	wrong(NAMED("A", "- type: FILE\n  attributes: {paths: [~]}\n"), 6, "paths[0]: empty");
	wrong(NAMED("A", "- type: FILE\n  attributes: {paths: [/a], separator: '|'}\n"), 6,
	        "must be '/' or '\\'");
	wrong(NAMED("A", "- type: COMMAND\n  attributes: {args: []}\n"), 6, "key 'cmd' is missing");
	wrong(NAMED("A", "- type: COMMAND\n  attributes: {cmd: ''}\n"), 6, "cmd: empty");
	wrong(NAMED("A", "- type: WMI\n  attributes: {query: [a]}\n"), 6, "query: must be text");
	wrong(NAMED("A", PATHS("/a")) "supported_os: [linux]\n", 7, "unknown system 'linux'");
	wrong(NAMED("A", PATHS("/a")) "supported_os: Linux\n", 7, "supported_os: must be a list");
	wrong(NAMED("A", PATHS("/a")) "aliases: ['a b']\n", 7, "'a b' is not a name");
	wrong(NAMED("A", PATHS("&x /a")), 6, "an anchor, 'x', is not taken in definitions");
	wrong(NAMED("A", PATHS("!!str /a")), 6, "is not taken in definitions");
	wrong(NAMED("A", PATHS("*x")), 6, "an alias, 'x', is not taken in definitions");
	wrong(NAMED("A", PATHS("[[[[[[/a]]]]]]")), 6, "levels deep");
	wrong(NAMED("A", PATHS("%%users.homedir%%/x")), 6, "A: ");
	wrong(NAMED("A", PATHS("\"/a\\0b\"")), 6, "zero byte");
	wrong(NAMED("A", PATHS("/\xff")), 6, "not a text in UTF-8");
}

static void artifacts_that_are_wrong_hide_no_other(void **state)
{
	(void)state;
	struct vst_artifact_set *set = read_text(
	        NAMED("A", PATHS("/a")) "---\nname: 'Bad'\n  doc: [\n"
	                                "---\n[}\n" NAMED("B", PATHS("/b")) "x: y\n" NAMED("C", PATHS("/c")));
	assert_int_equal(vst_artifacts_problem_count(set), 3);
	assert_int_equal(vst_artifacts_problem(set, 0)->line, 9);
	assert_non_null(strstr(vst_artifacts_problem(set, 0)->text, "Bad: not YAML"));
	assert_int_equal(vst_artifacts_problem(set, 1)->line, 11);
	assert_int_equal(vst_artifacts_problem(set, 2)->line, 18);
	assert_null(vst_artifacts_problem(set, 3));
	assert_non_null(vst_artifacts_find(set, "Bad")->broken);
	assert_non_null(vst_artifacts_find(set, "B")->broken);
	assert_null(vst_artifacts_find(set, "A")->broken);
	assert_string_equal(planned(set, "A Bad C"), "PATHS A/1: /a\n"
	                                             "FAILED Bad: the definition of Bad is wrong: a.yaml:9: "
	                                             "not YAML: did not find expected key, while "
	                                             "parsing a block mapping\n"
	                                             "PATHS C/1: /c\n");
	vst_artifacts_free(set);
}

static void artifacts_of_one_name_count_once(void **state)
{
	(void)state;
	struct vst_artifact_set *set = read_text(NAMED("A", PATHS("/a")) "aliases: [X, B, Y]\n" NAMED(
	        "A", PATHS("/other")) NAMED("B", PATHS("/b")) "aliases: [A, Y, Z]\n");
	assert_int_equal(vst_artifacts_problem_count(set), 4);
	assert_string_equal(
	        vst_artifacts_problem(set, 0)->text, "A is defined in a.yaml:1 already; that one counts");
	assert_string_equal(
	        vst_artifacts_problem(set, 1)->text, "B is an alias of A as well; the definition counts");
	assert_string_equal(
	        vst_artifacts_problem(set, 2)->text, "B: its alias A is a name of A already, which counts");
	assert_string_equal(planned(set, "A B"), "PATHS A/1: /a\nPATHS B/1: /b\n");
	assert_string_equal(planned(set, "Y Z X A"), "PATHS A/1: /a\nPATHS B/1: /b\n");
	vst_artifacts_free(set);
}

static void artifacts_count_problems_that_are_not_kept(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	for (int i = 0; i < VST_ARTIFACT_PROBLEMS_MAX + 5; i++)
		vst_buf_text(&text, "---\nbad\n");
	struct vst_artifact_set *set = read_bytes((const char *)text.data, text.len);
	assert_int_equal(vst_artifacts_problem_count(set), VST_ARTIFACT_PROBLEMS_MAX + 5);
	assert_non_null(vst_artifacts_problem(set, VST_ARTIFACT_PROBLEMS_MAX - 1));
	assert_null(vst_artifacts_problem(set, VST_ARTIFACT_PROBLEMS_MAX));
	vst_artifacts_free(set);
	vst_buf_free(&text);
}

static void artifacts_bound_files_and_definitions(void **state)
{
	(void)state;
	struct vst_artifact_set *set = NULL;
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf text = VST_BUF_INIT;
	char *big = calloc(1, VST_ARTIFACT_FILE_MAX + 1);
	assert_non_null(big);
	assert_int_equal(vst_artifacts_new(&set, &err), 0);
	assert_int_equal(
	        vst_artifacts_add(set, "big.yaml", big, VST_ARTIFACT_FILE_MAX + 1, &err), VST_ELIMIT);
	free(big);
	for (int i = 0; i < VST_ARTIFACT_FILES_MAX; i++)
		assert_int_equal(vst_artifacts_add(set, "f.yaml", NULL, 0, &err), 0);
	assert_int_equal(vst_artifacts_add(set, "f.yaml", NULL, 0, &err), VST_ELIMIT);
	vst_artifacts_free(set);

	for (int i = 0; i < VST_ARTIFACTS_MAX + 3; i++)
		vst_buf_printf(&text,
		        "---\nname: N%d\ndoc: d\nsources: [{type: FILE, attributes: {paths: [/a]}}]\n", i);
	set = read_bytes((const char *)text.data, text.len);
	assert_int_equal(vst_artifacts_count(set), VST_ARTIFACTS_MAX);
	assert_int_equal(vst_artifacts_problem_count(set), 1);
	assert_non_null(strstr(vst_artifacts_problem(set, 0)->text, "more than 16384 definitions"));
	vst_artifacts_free(set);
	vst_buf_free(&text);
}

/* ---- resolving ---- */

static void artifacts_groups_nest_and_give_each_thing_once(void **state)
{
	(void)state;
	plans(NAMED("G", GROUP("A, H, B, A")) NAMED("H", GROUP("B, C") PATHS("/a, /h"))
	                NAMED("A", PATHS("/a, /a, /b")) NAMED("B", PATHS("/b"))
	                        NAMED("C", "- type: COMMAND\n  attributes: {cmd: ps, args: [-e, f]}\n"
	                                   "- type: COMMAND\n  attributes: {cmd: ps, args: [-e f]}\n"
	                                   "- type: COMMAND\n  attributes: {cmd: ps, args: [-e, f]}\n"),
	        "G A", "PATHS A/1: /a /b\nCOMMAND C/1: ps -e f\nCOMMAND C/2: ps -e f\nPATHS H/2: /h\n");
}

static void artifacts_groups_that_name_themselves_are_told(void **state)
{
	(void)state;
	plans(NAMED("G", GROUP("G, A")) NAMED("A", PATHS("/a")), "G",
	        "NOT G/1/1: group G names itself\nPATHS A/1: /a\n");
	plans(NAMED("G", GROUP("H")) NAMED("H", GROUP("I")) NAMED("I", GROUP("A, H, G"))
	                NAMED("A", PATHS("/a")),
	        "G",
	        "PATHS A/1: /a\n"
	        "NOT I/1/2: group H names itself by way of I\n"
	        "NOT I/1/3: group G names itself by way of H, I\n");
}

static void artifacts_deep_groups_need_no_stack(void **state)
{
	(void)state;
	struct vst_buf text = VST_BUF_INIT;
	for (int i = 0; i < 10000; i++)
		vst_buf_printf(&text,
		        "---\nname: N%d\ndoc: d\nsources: [{type: ARTIFACT_GROUP, attributes: {names: "
		        "[N%d]}}]\n",
		        i, i + 1);
	vst_buf_text(&text, NAMED("N10000", PATHS("/end")));
	struct vst_artifact_set *set = read_bytes((const char *)text.data, text.len);
	assert_string_equal(planned(set, "N0"), "PATHS N10000/1: /end\n");
	vst_artifacts_free(set);
	vst_buf_free(&text);
}

static void artifacts_that_are_not_there_are_told(void **state)
{
	(void)state;
	plans(NAMED("G", GROUP("LinuxPaswd, Zzz, LinuxPasswd")) NAMED("LinuxPasswd", PATHS("/etc/passwd")),
	        "G Nothing",
	        "FAILED G/1/1: unknown artifact LinuxPaswd (did you mean LinuxPasswd?)\n"
	        "FAILED G/1/2: unknown artifact Zzz\n"
	        "PATHS LinuxPasswd/1: /etc/passwd\n"
	        "FAILED Nothing: unknown artifact Nothing\n");
}

static void artifacts_of_other_systems_are_told(void **state)
{
	(void)state;
	plans(NAMED("W", PATHS("/w")) "supported_os: [Windows, Darwin]\n" NAMED(
	              "E", PATHS("/e")) "supported_os: [ESXi]\n" NAMED("M",
	              PATHS("/m") "  supported_os: [Windows]\n" PATHS("/n") "  supported_os: [Linux]\n" PATHS(
	                      "/o")) "supported_os: [Linux, Windows]\n" NAMED("R",
	              "- type: REGISTRY_KEY\n  attributes: {keys: [HK]}\n- type: WMI\n  attributes: {query: "
	              "q}\n"),
	        "W E M R",
	        "NOT W: for Windows, Darwin only\nNOT E: for ESXi only\n"
	        "NOT M/1: this FILE is for Windows only\nPATHS M/2: /n\nPATHS M/3: /o\n"
	        "NOT R/1: REGISTRY_KEY is for Windows\nNOT R/2: WMI is for Windows\n");
}

#define HOMES                                                                                                \
	"NOT line 2: home / of daemon: the root is everybody's\n"                                            \
	"NOT line 3: home /nonexistent of nobody: a name that says that there is none\n"                     \
	"NOT line 6: home /srv/gone of gone: does not exist\n"

static void artifacts_homes_are_those_of_the_accounts(void **state)
{
	(void)state;
	plans(NAMED("A", PATHS("'%%users.homedir%%/.x'")), "A",
	        "PATHS A/1: /root/.x /home/alice/.x /srv/b\\{o\\}b/.x /srv/ab/.x /home/*/.x\n" HOMES);
	plans(NAMED("A", PATHS("'/cron/%%users.username%%'")), "A",
	        "PATHS A/1: /cron/root /cron/daemon /cron/nobody /cron/alice /cron/b\\*b /cron/gone\n");
	plans(NAMED("A", PATHS("'%%users.homedir%%/{%%users.username%%,a}'")), "A",
	        "PATHS A/1: /root/{root,a} /home/alice/{alice,a} /srv/b\\{o\\}b/{b\\*b,a} "
	        "/home/*/{*,a}\n" HOMES);
}

static void artifacts_homes_that_would_take_everything_are_refused(void **state)
{
	(void)state;
	static const char *const refused[] = {"", "/", "//", "/nonexistent", "/nonexistent/x", "/dev/null",
	        "home/x", "/home/../etc", "/..", "/.", "/home/./x", "/proc", "/proc/1/root", "/sys"};
	static const char *const taken[] = {
	        "/root", "/home/alice", "/var/lib/x", "/nonexistent2", "/home/..a/", "/dev"};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (!vst_artifact_home_refusal(refused[i]))
			fail_msg("'%s' was taken", refused[i]);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (vst_artifact_home_refusal(taken[i]))
			fail_msg("'%s' was refused", taken[i]);
}

static void artifacts_variables_of_windows_mean_nothing(void **state)
{
	(void)state;
	plans(NAMED("A", PATHS("'%%users.appdata%%\\x', /a, '%%environ_systemroot%%/b', '/c%%x'")), "A",
	        "NOT A/1/1: the variable %%users.appdata%% has no meaning on Linux\n"
	        "NOT A/1/3: the variable %%environ_systemroot%% has no meaning on Linux\n"
	        "FAILED A/1/4: '/c%%x': a %% without its second\n"
	        "PATHS A/1: /a\n");
}

static void artifacts_depths_go_from_one_level_down(void **state)
{
	(void)state;
	plans(NAMED("A", PATHS("'/a/**'")), "A", "PATHS A/1: /a/*/**9\n");
	plans(NAMED("A", PATHS("'/a/**1', '/a/**2/x', '/**10/y/**'")), "A",
	        "PATHS A/1: /a/* /a/*/**1/x /*/**9/y/*/**9\n");
	plans(NAMED("A", PATHS("'/a/{b/**2,c}/x'")), "A", "PATHS A/1: /a/b/*/**1/x /a/c/x\n");
	struct vst_artifact_set *set =
	        good(NAMED("A", PATHS("'/a/**0', '/a/**11', '/a/b**', '/a/**x', '/ok'")));
	const char *text = planned(set, "A");
	for (int i = 1; i <= 4; i++) {
		char start[32];
		snprintf(start, sizeof start, "FAILED A/1/%d: pattern", i);
		assert_non_null(strstr(text, start));
	}
	assert_non_null(strstr(text, "PATHS A/1: /ok\n"));
	vst_artifacts_free(set);
}

static void artifacts_paths_keep_their_own_bytes(void **state)
{
	(void)state;
	plans(NAMED("A", PATHS("'/a\\b', '/gc.log.[0-9]', '/x//y/', /a b")), "A",
	        "PATHS A/1: /a\\\\b /gc.log.[0-9] /x/y/ /a b\n");
	plans(NAMED("A", "- type: PATH\n  attributes: {paths: ['\\a\\b\\**2', '\\'], separator: '\\'}\n"),
	        "A", "PATHS A/1: /a/b/*/**1 /\n");
	plans(NAMED("A", PATHS("a/b, '/a/../b', '/[a'")), "A",
	        "FAILED A/1/1: 'a/b' is not an absolute path\n"
	        "FAILED A/1/2: pattern '/a/../b': '..' is not a name\n"
	        "FAILED A/1/3: pattern '/[a': a '[' without its ']'\n");
}

static void artifacts_accounts_beyond_the_bound_are_told(void **state)
{
	(void)state;
	size_t count = VST_ARTIFACT_ACCOUNTS_MAX + 1;
	struct vst_artifact_account *many = calloc(count, sizeof *many);
	char(*homes)[32] = calloc(count, sizeof *homes);
	char name[] = "A", *names[] = {name};
	struct vst_artifact_plan *plan = NULL;
	struct vst_err err = VST_ERR_INIT;
	assert_non_null(many);
	assert_non_null(homes);
	for (size_t i = 0; i < count; i++) {
		snprintf(homes[i], sizeof homes[i], "/h/%zu", i);
		many[i] = (struct vst_artifact_account){"u", homes[i], i + 1, NULL};
	}
	struct vst_artifact_set *set = good(NAMED("A", PATHS("'%%users.homedir%%/x'")));
	assert_int_equal(vst_artifacts_resolve(set, names, 1, many, count, &plan, &err), 0);
	assert_int_equal(plan->count, 2);
	assert_int_equal(plan->steps[0].count, VST_ARTIFACT_ACCOUNTS_MAX + 2);
	assert_int_equal(plan->steps[1].kind, VST_ARTIFACT_FAILED);
	assert_int_equal(plan->steps[1].line, count);
	vst_artifact_plan_free(plan);
	vst_artifacts_free(set);
	free(many);
	free(homes);
}

/* ---- what was used ---- */

static int put_file(void *ctx, const char *file, const void *text, size_t len, struct vst_err *err)
{
	struct vst_buf *out = ctx;
	(void)err;
	vst_buf_printf(out, "<%s>\n", file);
	vst_buf_bytes(out, text, len);
	return 0;
}

static void artifacts_used_are_given_as_they_stand(void **state)
{
	(void)state;
	static const char a[] = "# head\nname: A\ndoc: 'd'   # why\nsources: [{type: ARTIFACT_GROUP, "
	                        "attributes: {names: [C]}}]\n";
	static const char b[] =
	        "---\nname: B\ndoc: d\nsources: [{type: FILE, attributes: {paths: [/b]}}]\n\n";
	static const char c[] = "---  \nname: C\ndoc: d\nsources: [{type: FILE, attributes: {paths: [/c]}}]";
	char whole[1024], expected[1024], name[] = "A", *names[] = {name};
	struct vst_artifact_plan *plan = NULL;
	struct vst_err err = VST_ERR_INIT;
	struct vst_buf out = VST_BUF_INIT;
	snprintf(whole, sizeof whole, "%s%s%s", a, b, c);
	struct vst_artifact_set *set = good(whole);
	assert_int_equal(vst_artifacts_resolve(set, names, 1, NULL, 0, &plan, &err), 0);
	assert_int_equal(vst_artifacts_each_used(set, plan->used, put_file, &out, &err), 0);
	snprintf(expected, sizeof expected, "<a.yaml>\n%s%s", a, c);
	assert_string_equal(vst_buf_cstr(&out), expected);
	vst_artifact_plan_free(plan);
	vst_artifacts_free(set);
	vst_buf_free(&out);
}

/* ---- directories ---- */

static void put_text(const char *directory, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void artifacts_directory_is_read_by_name(void **state)
{
	(void)state;
	static const char *const names[] = {"b.yaml", "a.yaml", ".c.yaml", "d.yml", "e.yaml"};
	char directory[] = "/tmp/vst-artifacts-XXXXXX", path[512];
	struct vst_artifact_set *set = NULL;
	struct vst_err err = VST_ERR_INIT;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(vst_artifacts_load(directory, &set, &err), VST_ENOTFOUND);
	put_text(directory, "b.yaml", NAMED("B", PATHS("/b")) NAMED("A", PATHS("/again")));
	put_text(directory, "a.yaml", NAMED("A", PATHS("/a")));
	put_text(directory, ".c.yaml", "bad");
	put_text(directory, "d.yml", "bad");
	snprintf(path, sizeof path, "%s/e.yaml", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	if (vst_artifacts_load(directory, &set, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(vst_artifacts_at(set, 0)->file, "a.yaml");
	assert_string_equal(planned(set, "A"), "PATHS A/1: /a\n");
	assert_int_equal(vst_artifacts_problem_count(set), 2);
	assert_string_equal(vst_artifacts_problem(set, 0)->file, "b.yaml");
	assert_string_equal(vst_artifacts_problem(set, 1)->text, "not a regular file");
	assert_int_equal(vst_artifacts_problem(set, 1)->line, 0);
	vst_artifacts_free(set);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
	assert_int_equal(vst_artifacts_load(directory, &set, &err), VST_ENOTFOUND);
}

/* The ones that Debian has, all at once: nothing of them is wrong, and each path is a pattern. */
static void artifacts_of_debian_all_mean_something(void **state)
{
	(void)state;
	struct vst_artifact_set *set = NULL;
	struct vst_artifact_plan *plan = NULL;
	struct vst_err err = VST_ERR_INIT;
	if (vst_artifacts_load("/usr/share/artifacts", &set, &err) != 0)
		skip();
	if (vst_artifacts_problem_count(set) > 0)
		fail_msg("%s", vst_artifacts_problem(set, 0)->text);
	size_t count = vst_artifacts_count(set), patterns = 0;
	char **names = calloc(count, sizeof *names);
	assert_non_null(names);
	for (size_t i = 0; i < count; i++)
		names[i] = strdup(vst_artifacts_at(set, i)->name);
	assert_int_equal(vst_artifacts_resolve(set, names, count, accounts, 1, &plan, &err), 0);
	for (size_t i = 0; i < plan->count; i++) {
		const struct vst_artifact_step *step = &plan->steps[i];
		if (step->kind == VST_ARTIFACT_FAILED)
			fail_msg("%s: %s", step->artifact, step->reason);
		for (size_t k = 0; step->kind == VST_ARTIFACT_PATHS && k < step->count; k++) {
			struct vst_pattern *pattern = NULL;
			assert_int_equal(vst_pattern_compile(step->texts[k], &pattern, &err), 0);
			assert_true(pattern->absolute);
			vst_pattern_free(pattern);
			patterns++;
		}
	}
	assert_true(patterns > 500);
	vst_artifact_plan_free(plan);
	vst_artifacts_free(set);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(artifacts_are_read_in_their_order),
	        cmocka_unit_test(artifacts_take_every_key_that_the_format_has),
	        cmocka_unit_test(artifacts_stand_without_markers_marks_and_ends),
	        cmocka_unit_test(artifacts_say_what_is_wrong_and_where),
	        cmocka_unit_test(artifacts_that_are_wrong_hide_no_other),
	        cmocka_unit_test(artifacts_of_one_name_count_once),
	        cmocka_unit_test(artifacts_count_problems_that_are_not_kept),
	        cmocka_unit_test(artifacts_bound_files_and_definitions),
	        cmocka_unit_test(artifacts_groups_nest_and_give_each_thing_once),
	        cmocka_unit_test(artifacts_groups_that_name_themselves_are_told),
	        cmocka_unit_test(artifacts_deep_groups_need_no_stack),
	        cmocka_unit_test(artifacts_that_are_not_there_are_told),
	        cmocka_unit_test(artifacts_of_other_systems_are_told),
	        cmocka_unit_test(artifacts_homes_are_those_of_the_accounts),
	        cmocka_unit_test(artifacts_homes_that_would_take_everything_are_refused),
	        cmocka_unit_test(artifacts_variables_of_windows_mean_nothing),
	        cmocka_unit_test(artifacts_depths_go_from_one_level_down),
	        cmocka_unit_test(artifacts_paths_keep_their_own_bytes),
	        cmocka_unit_test(artifacts_accounts_beyond_the_bound_are_told),
	        cmocka_unit_test(artifacts_used_are_given_as_they_stand),
	        cmocka_unit_test(artifacts_directory_is_read_by_name),
	        cmocka_unit_test(artifacts_of_debian_all_mean_something),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
