/*
 * Appending and packing while allocations, reads, writes, fsyncs and renames fail, or the process is killed:
 * afterwards the trail holds the commit or does not, everything in it can be read, and the next append brings
 * it back in line. The work is done by this program itself, called with a verb, so that each run has a plan
 * of faults of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>

#include "trail_fixture.h"

#define COMMITS 3

static struct vst_err err;
static char self[PATH_MAX];

/* ---- the child ---- */

static int child(const char *verb, const char *path)
{
	struct vst_trail *trail = NULL;
	int rc = vst_trail_open(path, &trail, &err);

	if (rc == 0 && strcmp(verb, "append") == 0)
		rc = add_commit(trail, vst_trail_size(trail), true, &err);
	else if (rc == 0)
		rc = vst_trail_pack(trail, &err);
	vst_trail_free(trail);
	if (rc != 0)
		fprintf(stderr, "%d: %s\n", rc, err.text);
	return rc != 0;
}

/* ---- the judge ---- */

static void read_all(struct vst_trail *trail, const char *plan)
{
	struct vst_trail_record record = {0};

	for (uint64_t i = 0; i < vst_trail_size(trail); i++)
		if (vst_trail_read(trail, i, &record, &err) != 0)
			fail_msg("%s: read: %s", plan, err.text);
	vst_trail_record_free(&record);
}

static struct findings check(struct vst_trail *trail, const char *plan)
{
	struct findings findings = {0};

	if (vst_trail_check(trail, take_finding, &findings, &err) != 0)
		fail_msg("%s: check: %s", plan, err.text);
	if (findings.count[VST_TRAIL_DIFFERENT] || findings.count[VST_TRAIL_STRANGER])
		fail_msg("%s: %s: %s", plan, findings.last_path, findings.last_what);
	return findings;
}

static void judge(const char *verb, const char *plan, bool done)
{
	bool append = strcmp(verb, "append") == 0;
	uint64_t most = COMMITS + (append ? 1 : 0);
	struct vst_trail *trail = NULL;
	struct findings findings;

	if (vst_trail_open(in_scratch("t"), &trail, &err) != 0)
		fail_msg("%s: open: %s", plan, err.text);
	if (vst_trail_size(trail) != (done ? most : COMMITS) && vst_trail_size(trail) != most)
		fail_msg("%s: %u commits", plan, (unsigned)vst_trail_size(trail));
	read_all(trail, plan);
	findings = check(trail, plan);
	if (done && append && findings.total != 0)
		fail_msg("%s: said that it was done, but %s: %s", plan, findings.last_path,
		        findings.last_what);
	if (vst_trail_restore_work_tree(trail, &err) != 0)
		fail_msg("%s: restore: %s", plan, err.text);
	if (add_commit(trail, vst_trail_size(trail), true, &err) != 0)
		fail_msg("%s: next append: %s", plan, err.text);
	read_all(trail, plan);
	findings = check(trail, plan);
	if (findings.total != findings.count[VST_TRAIL_UNUSED])
		fail_msg("%s: after repair: %s: %s", plan, findings.last_path, findings.last_what);
	vst_trail_free(trail);
}

static void run_plan(const char *verb, const char *plan)
{
	int status;

	tree_remove(in_scratch("t"));
	assert_int_equal(run("cp -a base t"), 0);
	status = run("VESTIGE_FAULT=%s '%s' %s t", plan, self, verb);
	if (strstr(run_output, "Sanitizer") || strstr(run_output, "runtime error"))
		fail_msg("%s: %s", plan, run_output);
	judge(verb, plan, status == 0);
}

/* How often does a run without faults come to `kind`? */
static unsigned occasions(const char *verb, const char *kind)
{
	char *line;

	tree_remove(in_scratch("t"));
	assert_int_equal(
	        run("cp -a base t && VESTIGE_FAULT_COUNT=counts '%s' %s t && cat counts", self, verb), 0);
	line = strstr(run_output, kind);
	return line ? (unsigned)strtoul(line + strlen(kind), NULL, 10) : 0;
}

static void every(const char *verb, const char *kind, const char *what)
{
	unsigned count = occasions(verb, kind);

	assert_true(count > 0);
	/* The same code runs for each object: enough of a long row is a sample that wanders over all of it.
	 */
	for (unsigned n = 1; n <= count; n += 1 + (count > 40 ? n % (count / 20) : 0)) {
		char plan[64];

		snprintf(plan, sizeof(plan), "%s:%u:%s", kind, n, what);
		run_plan(verb, plan);
	}
}

#ifdef VESTIGE_FAULTS
#define NEEDS_FAULTS() ((void)0)
#else
#define NEEDS_FAULTS() skip()
#endif

static int make_base(void **state)
{
	if (scratch_make(state) != 0)
		return -1;
	struct vst_trail *trail = trail_make("base", COMMITS);
	vst_trail_free(trail);
	return trail ? 0 : -1;
}

static void append_survives_failed_allocations(void **state)
{
	(void)state;
	NEEDS_FAULTS();
	every("append", "malloc", "ENOMEM");
}

static void append_survives_failed_reads(void **state)
{
	(void)state;
	NEEDS_FAULTS();
	every("append", "read", "EIO");
	every("append", "read", "EINTR");
	every("append", "read", "short");
}

static void append_survives_failed_writes(void **state)
{
	(void)state;
	NEEDS_FAULTS();
	every("append", "write", "ENOSPC");
	every("append", "write", "short");
	every("append", "write", "kill");
}

static void append_survives_failed_fsyncs(void **state)
{
	(void)state;
	NEEDS_FAULTS();
	every("append", "fsync", "EIO");
	every("append", "fsync", "kill");
}

static void append_survives_failed_renames(void **state)
{
	(void)state;
	NEEDS_FAULTS();
	every("append", "rename", "EIO");
	every("append", "rename", "kill");
}

static void append_survives_being_killed_between_its_steps(void **state)
{
	static const char *const plans[] = {"step=trail-objects:1:kill", "step=trail-ref:1:kill",
	        "step=trail-worktree:1:kill", "step=trail-index:1:kill"};

	(void)state;
	NEEDS_FAULTS();
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		run_plan("append", plans[i]);
}

static void pack_survives_faults(void **state)
{
	(void)state;
	NEEDS_FAULTS();
	every("pack", "malloc", "ENOMEM");
	every("pack", "read", "EIO");
	every("pack", "fsync", "EIO");
	every("pack", "fsync", "kill");
	every("pack", "rename", "EIO");
	every("pack", "rename", "kill");
	run_plan("pack", "step=trail-packed:1:kill");
	run_plan("pack", "step=trail-pack:1:kill");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_base, scratch_drop)
	const struct CMUnitTest tests[] = {
	        TEST(append_survives_failed_allocations),
	        TEST(append_survives_failed_reads),
	        TEST(append_survives_failed_writes),
	        TEST(append_survives_failed_fsyncs),
	        TEST(append_survives_failed_renames),
	        TEST(append_survives_being_killed_between_its_steps),
	        TEST(pack_survives_faults),
	};

	if (argc == 3)
		return child(argv[1], argv[2]);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
