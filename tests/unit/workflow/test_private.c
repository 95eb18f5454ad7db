/*
 * What somebody who can write to a case's private/ or put back old copies must not achieve: a pending event
 * or a cut log that is taken for good, evidence renamed, the key of the true log erased.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vestige/buf.h"
#include "vestige/custody.h"
#include "vestige/err.h"
#include "vestige/io.h"
#include "vestige/verify.h"
#include "workflow/case_fixture.h"
#include "workflow/case_internal.h"
#include "workflow/exhibit_file.h"

static struct case_fixture fixture;

static int setup(void **state)
{
	(void)state;
	case_fixture_make(&fixture, 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	case_fixture_remove(&fixture);
	return 0;
}

static void in_case(const char *name, char ret[256])
{
	snprintf(ret, 256, "%s/%s", fixture.dir, name);
}

static bool exists(const char *name)
{
	char path[256];
	in_case(name, path);
	return access(path, F_OK) == 0;
}

static void shell(const char *command)
{
	char text[1024];
	snprintf(text, sizeof text, "cd %s && %s", fixture.dir, command);
	assert_int_equal(system(text), 0);
}

struct seen {
	const char *subject;
	enum vst_verdict verdict;
	bool found;
};

static int look(void *ctx, const struct vst_verify_finding *finding)
{
	struct seen *seen = ctx;
	if (finding->verdict == seen->verdict && strcmp(finding->subject, seen->subject) == 0)
		seen->found = true;
	return 0;
}

static bool verify_says(enum vst_verdict verdict, const char *subject, bool *ret_good)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_verify_result result = {0};
	struct seen seen = {subject, verdict, false};
	const struct vst_verify_options options = {.dir = fixture.dir, .finding = look, .ctx = &seen};
	FIXTURE_CHECK(vst_verify(&options, &result, &err), err);
	*ret_good = result.good;
	return seen.found;
}

/* ---- pending events ---- */

static int private_of_case(void)
{
	char path[256];
	in_case("private", path);
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	return fd;
}

static void fill(struct vst_buf *buf, const char *text)
{
	vst_buf_text(buf, text);
}

/* A pending file as its format wants it, of an event that nobody signed. */
static void plant(uint64_t number, uint64_t exhibit, const char *partial)
{
	struct vst_err err = VST_ERR_INIT;
	struct case_pending pending = {.exhibit = exhibit};
	int fd = private_of_case();
	pending.partial = partial ? vst_strdup(partial) : NULL;
	pending.draft.number = number;
	pending.draft.author = vst_strdup("collector@web1");
	fill(&pending.draft.event, "{}\n");
	fill(&pending.draft.case_file, "{}\n");
	fill(&pending.draft.recipients, "# none\n");
	fill(&pending.draft.allowed_signers, "x\n");
	fill(&pending.draft.checkpoint, "x\n");
	fill(&pending.draft.message, "x\n");
	FIXTURE_CHECK(case_pending_write(fd, &pending, &err), err);
	case_pending_free(&pending);
	close(fd);
}

static int begin_fails(void)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_case *c = NULL;
	FIXTURE_CHECK(vst_case_open(fixture.dir, &c, &err), err);
	uint64_t before = vst_custody_size(c->custody);
	int rc = vst_case_begin(c, &err);
	if (rc == 0)
		vst_case_end(c);
	vst_case_free(c);
	FIXTURE_CHECK(vst_case_open(fixture.dir, &c, &err), err); /* the log is still a good one */
	assert_int_equal(vst_custody_size(c->custody), before);
	vst_case_free(c);
	return rc;
}

static void planted_pending_event_does_not_excuse_a_strange_exhibit(void **state)
{
	bool good = true;
	(void)state;
	plant(3, 3, "EX0003.tar.zst.age.partial");
	shell("cp exhibits/EX0002.tar.zst.age exhibits/EX0003.tar.zst.age");
	assert_true(verify_says(VST_UNRECORDED, "exhibits/EX0003.tar.zst.age", &good));
	assert_false(good);
	assert_true(verify_says(VST_TAMPERED, "private/pending", &good));
}

static void planted_pending_event_does_not_excuse_an_old_work_tree(void **state)
{
	bool good = true;
	(void)state;
	plant(3, 3, "EX0003.tar.zst.age.partial");
	shell("git -C trail show HEAD~1:checkpoint > trail/checkpoint");
	assert_true(verify_says(VST_TAMPERED, "trail/checkpoint", &good));
	assert_false(good);
}

static void planted_pending_event_does_not_rename_another_exhibit(void **state)
{
	(void)state;
	plant(3, 3, "EX0001.tar.zst.age");
	assert_int_equal(begin_fails(), VST_ETAMPERED);
	assert_true(exists("exhibits/EX0001.tar.zst.age"));
	assert_false(exists("exhibits/EX0003.tar.zst.age"));
}

static void planted_pending_event_without_an_exhibit_is_not_signed(void **state)
{
	(void)state;
	plant(3, 0, NULL);
	assert_int_equal(begin_fails(), VST_ETAMPERED);
}

static void damaged_pending_event_is_a_finding(void **state)
{
	bool good = true;
	(void)state;
	shell("echo '{' > private/pending");
	assert_true(verify_says(VST_TAMPERED, "private/pending", &good));
	assert_false(good);
}

/* A true acquisition, stopped when its event is pending: the exhibit under its temporary name. */
static void stop_before_rename(void)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_case *c = NULL;
	struct case_pending pending = {0};
	struct vst_signer *next = NULL;
	struct vst_event event = {.type = VST_EVENT_ACQUIRE, .time = 1795000000000000000};
	FIXTURE_CHECK(vst_case_open(fixture.dir, &c, &err), err);
	FIXTURE_CHECK(vst_case_begin(c, &err), err);
	struct vst_seal seal = *vst_custody_exhibit_latest(c->custody)->seal;
	/* Any bytes will do for a seal without contents: an age header, and other payload than before. */
	shell("{ head -c -100 exhibits/EX0002.tar.zst.age; head -c 100 /dev/urandom; } > "
	      "exhibits/EX0003.tar.zst.age.partial");
	seal.exhibit = 3;
	seal.has_predecessor = true;
	memcpy(seal.predecessor, vst_custody_exhibit_latest(c->custody)->seal_sha256, VST_HASH_LEN);
	char path[256];
	size_t len;
	in_case("exhibits/EX0003.tar.zst.age.partial", path);
	unsigned char *data = fixture_read(path, &len);
	vst_sha256(data, len, seal.file_sha256);
	vst_sha256(data + len - seal.payload_bytes, (size_t)seal.payload_bytes, seal.payload_sha256);
	free(data);
	event.seal = &seal;
	FIXTURE_CHECK(case_keys_make(c->private_fd, &next, &err), err);
	struct vst_custody_change change = {.event = &event,
	        .actor = "collector@web1",
	        .signer = c->collector,
	        .log_signer = c->log_signer,
	        .next_key = vst_signer_public(next)};
	FIXTURE_CHECK(vst_custody_draft(c->custody, &change, &pending.draft, &err), err);
	pending.exhibit = 3;
	pending.partial = vst_strdup("EX0003.tar.zst.age.partial");
	FIXTURE_CHECK(case_pending_write(c->private_fd, &pending, &err), err);
	case_pending_free(&pending);
	free(event.actor);
	free(event.next_key);
	vst_signer_free(next);
	vst_case_end(c);
	vst_case_free(c);
}

static void true_pending_event_is_a_note_and_is_carried_through(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_case *c = NULL;
	bool good = false;
	(void)state;
	stop_before_rename();
	assert_true(verify_says(VST_NOTE, "exhibits/EX0003.tar.zst.age.partial", &good));
	assert_true(good);
	FIXTURE_CHECK(vst_case_open(fixture.dir, &c, &err), err);
	FIXTURE_CHECK(vst_case_begin(c, &err), err);
	assert_int_equal(vst_custody_size(c->custody), 4);
	vst_case_end(c);
	vst_case_free(c);
	assert_true(exists("exhibits/EX0003.tar.zst.age"));
	assert_true(verify_says(VST_GOOD, "EX0003", &good));
	assert_true(good);
}

static void true_pending_event_does_not_excuse_another_file_in_its_exhibits_place(void **state)
{
	bool good = true;
	(void)state;
	stop_before_rename();
	shell("cp exhibits/EX0001.tar.zst.age exhibits/EX0003.tar.zst.age");
	assert_true(verify_says(VST_UNRECORDED, "exhibits/EX0003.tar.zst.age", &good));
	assert_false(good);
	assert_int_equal(begin_fails(), VST_ETAMPERED);
	assert_true(exists("exhibits/EX0003.tar.zst.age.partial")); /* the true one is still there */
}

static void pending_event_whose_exhibit_is_gone_is_missing(void **state)
{
	bool good = true;
	(void)state;
	stop_before_rename();
	shell("rm exhibits/EX0003.tar.zst.age.partial");
	assert_true(verify_says(VST_MISSING, "private/pending", &good));
	assert_false(good);
	assert_int_equal(begin_fails(), VST_ENOTFOUND);
}

/* ---- old copies ---- */

static void cut_log(void)
{
	shell("git -C trail update-ref refs/heads/main HEAD~1 && git -C trail reset -q --hard &&"
	      " rm -rf trail/.git/ORIG_HEAD trail/.git/logs && git -C trail prune --expire=now &&"
	      " rm exhibits/EX0002.tar.zst.age");
}

static void log_older_than_its_collector_key_is_tampered(void **state)
{
	bool good = true;
	(void)state;
	cut_log();
	assert_true(verify_says(VST_TAMPERED, "log", &good));
	assert_false(good);
}

static void keys_that_cannot_be_read_are_said_to_be_unchecked(void **state)
{
	bool good = false;
	(void)state;
	shell("mkfifo private/collector-x.key");
	assert_true(verify_says(VST_UNCHECKED, "private", &good));
	assert_true(good);
}

static void cut_log_is_not_continued_and_its_key_not_erased(void **state)
{
	(void)state;
	shell("cp -a private/. ../kept");
	cut_log();
	assert_int_equal(begin_fails(), VST_ETAMPERED);
	shell("for key in ../kept/collector-*; do cmp $key private/${key##*/} || exit 1; done");
}

static void key_that_was_used_is_still_erased(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	(void)state;
	shell("mkdir ../old && cp private/collector-* ../old");
	FIXTURE_CHECK(case_fixture_snapshot(&fixture, &err), err);
	shell("cp ../old/collector-* private");
	FIXTURE_CHECK(case_fixture_snapshot(&fixture, &err), err);
	shell("for key in ../old/collector-*; do test ! -e private/${key##*/} || exit 1; done");
}

/* Overwritten before it goes, it would be no event for a moment, and for good after a kill in that moment. */
static void pending_event_is_removed_without_being_overwritten(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_case *c = NULL;
	(void)state;
	stop_before_rename();
	shell("ln private/pending ../link && cp private/pending ../copy");
	FIXTURE_CHECK(vst_case_open(fixture.dir, &c, &err), err);
	FIXTURE_CHECK(vst_case_begin(c, &err), err);
	vst_case_end(c);
	vst_case_free(c);
	assert_false(exists("private/pending"));
	shell("cmp ../link ../copy");
}

/* ---- a case that is written meanwhile ---- */

static void *finish_commit(void *lock)
{
	const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
	char path[256];
	nanosleep(&pause, NULL);
	in_case("exhibits/EX0003.tar.zst.age", path);
	unlink(path);
	close(*(int *)lock);
	return NULL;
}

static void commit_under_way_is_not_called_tampering(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_verify_result result = {0};
	const struct vst_verify_options options = {.dir = fixture.dir};
	pthread_t thread;
	int fd = private_of_case(), lock = -1;
	(void)state;
	FIXTURE_CHECK(vst_io_lock(fd, PRIVATE_COMMIT_LOCK, false, &lock, &err), err);
	shell("cp exhibits/EX0002.tar.zst.age exhibits/EX0003.tar.zst.age");
	assert_int_equal(pthread_create(&thread, NULL, finish_commit, &lock), 0);
	FIXTURE_CHECK(vst_verify(&options, &result, &err), err);
	pthread_join(thread, NULL);
	close(fd);
	assert_true(result.good);
	assert_int_equal(result.counts[VST_UNRECORDED], 0);
}

static void lock_that_nobody_gives_back_hides_nothing(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	bool good = true;
	int fd = private_of_case(), lock = -1;
	(void)state;
	FIXTURE_CHECK(vst_io_lock(fd, PRIVATE_COMMIT_LOCK, false, &lock, &err), err);
	shell("cp exhibits/EX0002.tar.zst.age exhibits/EX0003.tar.zst.age");
	assert_true(verify_says(VST_UNRECORDED, "exhibits/EX0003.tar.zst.age", &good));
	assert_false(good);
	close(lock);
	close(fd);
}

/* ---- what else verify must not pass over ---- */

static void trail_without_its_branch_is_tampered_and_not_no_case(void **state)
{
	bool good = true;
	(void)state;
	shell("rm trail/.git/refs/heads/main");
	assert_true(verify_says(VST_TAMPERED, "trail", &good));
	assert_false(good);
}

static void missing_exhibits_directory_is_missing(void **state)
{
	bool good = true;
	(void)state;
	shell("rm -r exhibits");
	assert_true(verify_says(VST_MISSING, "exhibits", &good));
	assert_false(good);
}

/* The superuser reads what the mode forbids, so he verifies as nobody. */
static int verify_as_nobody(struct vst_verify_result *ret, struct vst_err *err)
{
	const struct vst_verify_options options = {.dir = fixture.dir};
	bool root = geteuid() == 0;
	if (root)
		assert_int_equal(seteuid(65534), 0);
	int rc = vst_verify(&options, ret, err);
	if (root)
		assert_int_equal(seteuid(0), 0);
	return rc;
}

static void unreadable_exhibit_does_not_hide_a_tampered_one(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_verify_result result = {0};
	(void)state;
	shell("chmod 755 .. . && chmod -R a+rX trail exhibits && chmod 000 exhibits/EX0001.tar.zst.age");
	assert_int_equal(verify_as_nobody(&result, &err), VST_EIO);
	shell("echo more >> exhibits/EX0002.tar.zst.age");
	vst_err_clear(&err);
	FIXTURE_CHECK(verify_as_nobody(&result, &err), err);
	assert_false(result.good);
	assert_int_equal(result.counts[VST_TAMPERED], 1);
	assert_int_equal(result.counts[VST_UNCHECKED], 1);
}

static void wrong_identity_does_not_hide_a_missing_exhibit(void **state)
{
	struct vst_err err = VST_ERR_INIT;
	struct vst_verify_result result = {0};
	struct vst_age_identity *identity = NULL;
	struct vst_age_identities identities = {0};
	(void)state;
	FIXTURE_CHECK(vst_age_identity_generate(&identity, &err), err);
	FIXTURE_CHECK(vst_age_identities_add(&identities, identity, &err), err);
	const struct vst_verify_options options = {
	        .dir = fixture.dir, .deep = true, .identities = &identities};
	assert_int_equal(vst_verify(&options, &result, &err), VST_EKEY);
	shell("rm exhibits/EX0001.tar.zst.age");
	vst_err_clear(&err);
	FIXTURE_CHECK(vst_verify(&options, &result, &err), err);
	assert_false(result.good);
	assert_int_equal(result.counts[VST_MISSING], 1);
	assert_int_equal(result.exhibits_opened, 0);
	vst_age_identities_free(&identities);
}

int main(void)
{
#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        CASE_TEST(planted_pending_event_does_not_excuse_a_strange_exhibit),
	        CASE_TEST(planted_pending_event_does_not_excuse_an_old_work_tree),
	        CASE_TEST(planted_pending_event_does_not_rename_another_exhibit),
	        CASE_TEST(planted_pending_event_without_an_exhibit_is_not_signed),
	        CASE_TEST(damaged_pending_event_is_a_finding),
	        CASE_TEST(true_pending_event_is_a_note_and_is_carried_through),
	        CASE_TEST(true_pending_event_does_not_excuse_another_file_in_its_exhibits_place),
	        CASE_TEST(pending_event_whose_exhibit_is_gone_is_missing),
	        CASE_TEST(log_older_than_its_collector_key_is_tampered),
	        CASE_TEST(keys_that_cannot_be_read_are_said_to_be_unchecked),
	        CASE_TEST(cut_log_is_not_continued_and_its_key_not_erased),
	        CASE_TEST(key_that_was_used_is_still_erased),
	        CASE_TEST(pending_event_is_removed_without_being_overwritten),
	        CASE_TEST(commit_under_way_is_not_called_tampering),
	        CASE_TEST(lock_that_nobody_gives_back_hides_nothing),
	        CASE_TEST(trail_without_its_branch_is_tampered_and_not_no_case),
	        CASE_TEST(missing_exhibits_directory_is_missing),
	        CASE_TEST(unreadable_exhibit_does_not_hide_a_tampered_one),
	        CASE_TEST(wrong_identity_does_not_hide_a_missing_exhibit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
