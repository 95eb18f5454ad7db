#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "collect/collecting.h"
#include "collect/command.h"
#include "vestige/text.h"

struct running {
	struct collecting *c;
	struct vst_command command;
	char *arguments[8];
	char program[600];
};

static struct running prepare(void **state, const char *program)
{
	struct running r = {.c = *state};
	snprintf(r.program, sizeof r.program, "%s", program);
	r.c->context.live = true;
	r.command = (struct vst_command){.artifact = "A", .source = 2};
	return r;
}

static void add_argument(struct running *r, const char *text)
{
	r->arguments[r->command.count++] = vst_strdup(text);
}

static int try_run(struct running *r)
{
	const struct vst_sink sink = recorder_sink(&r->c->recorder);
	struct vst_stream out = vst_stream_of(&r->c->context, r->c->name, &sink);
	snprintf(r->c->recorder.current_source, sizeof r->c->recorder.current_source, "%s", r->c->name);
	r->c->recorder.dry = !r->c->context.content;
	r->command.program = r->program;
	r->command.arguments = r->arguments;
	int rc = vst_command_run(&r->command, &out, &r->c->err);
	vst_stream_free(&out);
	for (size_t i = 0; i < r->command.count; i++)
		free(r->arguments[i]);
	return rc;
}

static void run(struct running *r)
{
	if (try_run(r) != 0)
		fail_msg("%s", r->c->err.text);
}

/* sh -c TEXT */
static struct running prepare_shell(void **state, const char *text)
{
	struct running r = prepare(state, "sh");
	add_argument(&r, "-c");
	add_argument(&r, text);
	return r;
}

static void details_have(const struct collecting *c, const char *path, const char *text)
{
	const struct vst_item *item = collecting_item(c, path);
	if (!item->details || !memmem(item->details, item->details_len, text, strlen(text)))
		fail_msg("%.*s: not %s", (int)item->details_len, item->details ? item->details : "", text);
}

#define NOTE "/command/A/2"
#define OUT "/command/A/2/stdout"
#define ERRORS "/command/A/2/stderr"

static void command_gives_both_outputs_and_how_it_ended(void **state)
{
	struct running r = prepare_shell(state, "echo out; echo err >&2; exit 3");
	run(&r);
	collecting_expect(r.c, OUT "\n" ERRORS "\n");
	collecting_status(r.c, OUT, VST_ITEM_COLLECTED, NULL);
	collecting_content(r.c, OUT, "out\n");
	collecting_content(r.c, ERRORS, "err\n");
	details_have(r.c, OUT, "\"exit_status\":3}");
	details_have(
	        r.c, ERRORS, "\"command\":\"sh\",\"arguments\":[\"-c\",\"echo out; echo err >&2; exit 3\"]");
}

static void command_tells_the_signal_that_ended_it(void **state)
{
	struct running r = prepare_shell(state, "kill -TERM $$");
	run(&r);
	collecting_status(r.c, OUT, VST_ITEM_COLLECTED, NULL);
	details_have(r.c, OUT, "\"signal\":15}");
}

static void command_digest_is_that_of_the_file(void **state)
{
	char *line = NULL, wanted[128];
	size_t size = 0;
	FILE *sum = popen("sha256sum < /bin/true", "r");
	assert_non_null(sum);
	assert_true(getline(&line, &size, sum) > 64);
	pclose(sum);
	struct running r = prepare(state, "/bin/true");
	run(&r);
	snprintf(wanted, sizeof wanted, "\"program_sha256\":\"%.64s\"", line);
	details_have(r.c, OUT, wanted);
	free(line);
}

static void command_gets_nothing_of_ours(void **state)
{
	/* A descriptor that anybody may inherit. */
	int fd = fcntl(((struct collecting *)*state)->root, F_DUPFD, 50);
	assert_true(fd >= 50);
	setenv("SECRET", "x", 1);
	signal(SIGUSR1, SIG_IGN);
	struct running r = prepare_shell(state, "env | sort | grep -v -e ^PWD= -e ^_= -e ^OLDPWD= -e "
	                                        "^SHLVL=; pwd; read x || echo no input; umask; "
	                                        "ls /proc/$$/fd | sort -n | tail -n 1; ps -o pid= -o pgid= "
	                                        "-o sid= -p $$ | awk '{print ($1==$2 && $2==$3)}'; "
	                                        "grep SigIgn /proc/self/status | tr -d '\\t'");
	run(&r);
	collecting_content(r.c, OUT,
	        "LC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n/\nno "
	        "input\n0077\n2\n1\nSigIgn:0000000000000000\n");
	signal(SIGUSR1, SIG_DFL);
	unsetenv("SECRET");
	close(fd);
}

static void command_arguments_are_no_shells(void **state)
{
	struct running r = prepare(state, "/bin/echo");
	add_argument(&r, "$(id) ; `id` *");
	add_argument(&r, "");
	add_argument(&r, "a b");
	run(&r);
	collecting_content(r.c, OUT, "$(id) ; `id` *  a b\n");
}

static int64_t seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void command_that_hangs_is_ended_with_its_children(void **state)
{
	struct running r = prepare_shell(state, "echo first; sleep 997531 & sleep 997531");
	int64_t start = seconds();
	r.command.milliseconds = 300;
	run(&r);
	assert_true(seconds() - start < 10);
	collecting_status(r.c, OUT, VST_ITEM_TRUNCATED, VST_RULE_COMMAND_TIME);
	collecting_status(r.c, ERRORS, VST_ITEM_TRUNCATED, VST_RULE_COMMAND_TIME);
	collecting_content(r.c, OUT, "first\n");
	details_have(r.c, OUT, "\"signal\":9,\"killed\":\"the command's time limit\"}");
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	assert_int_not_equal(system("pgrep -f '^sleep 997531$' >/dev/null"), 0);
}

static void command_that_closes_its_outputs_is_waited_for(void **state)
{
	struct running r = prepare_shell(state, "exec >&- 2>&-; sleep 0.2; exit 7");
	run(&r);
	details_have(r.c, OUT, "\"exit_status\":7}");
}

static void command_that_leaves_children_behind_has_ended(void **state)
{
	struct running r = prepare_shell(state, "sleep 997532 & setsid sleep 3 & echo done");
	int64_t start = seconds();
	run(&r);
	assert_true(seconds() - start < 3);
	collecting_status(r.c, OUT, VST_ITEM_COLLECTED, NULL);
	collecting_content(r.c, OUT, "done\n");
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	assert_int_not_equal(system("pgrep -f '^sleep 997532$' >/dev/null"), 0);
}

static void command_that_says_too_much_is_cut(void **state)
{
	struct running r = prepare_shell(state, "while :; do echo 0123456789; done");
	r.command.stdout_max = 100000;
	run(&r);
	collecting_status(r.c, OUT, VST_ITEM_TRUNCATED, VST_RULE_COMMAND_OUTPUT);
	assert_int_equal(collecting_item(r.c, OUT)->size, 100000);
}

static void command_that_complains_too_much_is_cut(void **state)
{
	struct running r = prepare_shell(state, "while :; do echo 0123456789; done >&2");
	r.command.stderr_max = 1000;
	run(&r);
	collecting_status(r.c, OUT, VST_ITEM_TRUNCATED, VST_RULE_COMMAND_OUTPUT);
	assert_int_equal(collecting_item(r.c, ERRORS)->size, 1000);
}

static void command_output_of_just_the_limit_is_whole(void **state)
{
	struct running r = prepare_shell(state, "printf 12345");
	r.command.stdout_max = 5;
	run(&r);
	collecting_status(r.c, OUT, VST_ITEM_COLLECTED, NULL);
	collecting_content(r.c, OUT, "12345");
}

static void command_keeps_the_policys_limits(void **state)
{
	struct running r = prepare_shell(state, "while :; do echo 0123456789; done");
	r.c->context.item_limit = 5000;
	run(&r);
	collecting_status(r.c, OUT, VST_ITEM_TRUNCATED, "limits.item");
	assert_int_equal(collecting_item(r.c, OUT)->size, 5000);
}

static void command_does_not_run_when_nothing_may_be_taken(void **state)
{
	struct running r = prepare(state, "/bin/true");
	r.c->context.source_left = 0;
	run(&r);
	collecting_expect(r.c, NOTE "\n");
	collecting_status(r.c, NOTE, VST_ITEM_EXCLUDED, "limits.source");
}

static void command_that_is_not_there_is_absent(void **state)
{
	struct running r = prepare(state, "/nonexistent/x");
	add_argument(&r, "-g");
	run(&r);
	collecting_status(r.c, NOTE, VST_ITEM_ABSENT, NULL);
	details_have(r.c, NOTE,
	        "{\"command\":\"/nonexistent/x\",\"arguments\":[\"-g\"],\"program\":\"/nonexistent/x\"}");
}

static void command_name_is_looked_for_in_the_systems_directories_alone(void **state)
{
	char path[600];
	snprintf(path, sizeof path, "%s:/usr/bin", tree_path);
	setenv("PATH", path, 1);
	tree_write(((struct collecting *)*state)->root, "vestige-no-such", "#!/bin/sh\necho no\n", 18);
	struct running r = prepare(state, "vestige-no-such");
	run(&r);
	collecting_status(r.c, NOTE, VST_ITEM_ABSENT, NULL);
}

static void command_that_is_neither_path_nor_name_fails(void **state)
{
	struct running r = prepare(state, "bin/true");
	run(&r);
	collecting_status(r.c, NOTE, VST_ITEM_ERROR, "neither an absolute path nor a name");
}

static void command_that_is_no_file_fails(void **state)
{
	struct running r = prepare(state, "/usr/bin");
	run(&r);
	collecting_status(r.c, NOTE, VST_ITEM_ERROR, "the program is no regular file");
}

static void command_that_cannot_be_executed_is_told(void **state)
{
	struct running r = prepare(state, "");
	tree_write(r.c->root, "plain", "no program", 10);
	snprintf(r.program, sizeof r.program, "%s/plain", tree_path);
	run(&r);
	collecting_status(r.c, NOTE, VST_ITEM_DENIED, "execute");
	details_have(r.c, NOTE, "\"program_sha256\":");
}

static void command_of_an_unknown_format_is_told(void **state)
{
	struct running r = prepare(state, "");
	tree_write(r.c->root, "odd", "no program", 10);
	assert_int_equal(fchmodat(r.c->root, "odd", 0755, 0), 0);
	snprintf(r.program, sizeof r.program, "%s/odd", tree_path);
	run(&r);
	collecting_status(r.c, NOTE, VST_ITEM_ERROR, "execute");
	assert_int_equal(collecting_item(r.c, NOTE)->error, ENOEXEC);
}

static void command_may_be_a_script(void **state)
{
	static const char text[] = "#!/bin/sh -u\necho script \"$1\"\n";
	struct running r = prepare(state, "");
	tree_write(r.c->root, "script", text, sizeof text - 1);
	assert_int_equal(fchmodat(r.c->root, "script", 0755, 0), 0);
	snprintf(r.program, sizeof r.program, "%s/script", tree_path);
	add_argument(&r, "x y");
	run(&r);
	collecting_content(r.c, OUT, "script x y\n");
	details_have(r.c, OUT, "\"interpreter\":\"/bin/sh -u\"");
}

static void command_with_too_long_arguments_fails(void **state)
{
	struct running r = prepare(state, "/bin/true");
	char *text = malloc(VST_COMMAND_ARGUMENTS_MAX + 1);
	assert_non_null(text);
	memset(text, 'a', VST_COMMAND_ARGUMENTS_MAX);
	text[VST_COMMAND_ARGUMENTS_MAX] = '\0';
	add_argument(&r, text);
	run(&r);
	collecting_status(r.c, NOTE, VST_ITEM_ERROR, "execute");
	assert_int_equal(collecting_item(r.c, NOTE)->error, E2BIG);
	free(text);
}

static void command_is_not_run_in_a_dry_run(void **state)
{
	char path[600];
	snprintf(path, sizeof path, "touch %s/ran", tree_path);
	struct running r = prepare_shell(state, path);
	r.c->context.content = false;
	run(&r);
	collecting_expect(r.c, OUT "\n" ERRORS "\n");
	assert_int_not_equal(faccessat(r.c->root, "ran", F_OK, 0), 0);
}

static void command_ends_when_somebody_wants_an_end(void **state)
{
	atomic_bool cancel = true;
	struct running r = prepare_shell(state, "sleep 997533");
	r.c->context.cancel = &cancel;
	assert_int_equal(try_run(&r), VST_ECANCELLED);
	r.c->context.cancel = NULL;
}

static void command_ends_when_the_sink_fails(void **state)
{
	struct running r = prepare_shell(state, "while :; do echo 0123456789; done");
	r.c->recorder.fail_at = 3;
	assert_int_equal(try_run(&r), VST_EIO);
	free(r.c->recorder.open_path);
	r.c->recorder.open_path = NULL;
}

static void command_dies_with_us(void **state)
{
	(void)state;
	pid_t parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		struct running r = prepare_shell(state, "exec sleep 997534");
		try_run(&r);
		_exit(0);
	}
	for (int i = 0; i < 100 && system("pgrep -f '^sleep 997534$' >/dev/null") != 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	int found = 0;
	for (int i = 0; i < 100 && (found = system("pgrep -f '^sleep 997534$' >/dev/null")) == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	assert_int_not_equal(found, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, collecting_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(command_gives_both_outputs_and_how_it_ended),
	        TEST(command_tells_the_signal_that_ended_it),
	        TEST(command_digest_is_that_of_the_file),
	        TEST(command_gets_nothing_of_ours),
	        TEST(command_arguments_are_no_shells),
	        TEST(command_that_hangs_is_ended_with_its_children),
	        TEST(command_that_closes_its_outputs_is_waited_for),
	        TEST(command_that_leaves_children_behind_has_ended),
	        TEST(command_that_says_too_much_is_cut),
	        TEST(command_that_complains_too_much_is_cut),
	        TEST(command_output_of_just_the_limit_is_whole),
	        TEST(command_keeps_the_policys_limits),
	        TEST(command_does_not_run_when_nothing_may_be_taken),
	        TEST(command_that_is_not_there_is_absent),
	        TEST(command_name_is_looked_for_in_the_systems_directories_alone),
	        TEST(command_that_is_neither_path_nor_name_fails),
	        TEST(command_that_is_no_file_fails),
	        TEST(command_that_cannot_be_executed_is_told),
	        TEST(command_of_an_unknown_format_is_told),
	        TEST(command_may_be_a_script),
	        TEST(command_with_too_long_arguments_fails),
	        TEST(command_is_not_run_in_a_dry_run),
	        TEST(command_ends_when_somebody_wants_an_end),
	        TEST(command_ends_when_the_sink_fails),
	        TEST(command_dies_with_us),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
