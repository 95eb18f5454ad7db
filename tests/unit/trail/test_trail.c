#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <git2.h>

#include "trail_fixture.h"

static struct vst_err err;

static struct vst_trail *reopen(const char *name)
{
	struct vst_trail *trail = NULL;

	assert_int_equal(vst_trail_open(in_scratch(name), &trail, &err), 0);
	return trail;
}

static void assert_git_happy(const char *name)
{
	if (run("git -C %s fsck --strict --full", name) != 0)
		fail_msg("git fsck: %s", run_output);
	if (run("git -C %s status --porcelain", name) != 0 || run_output[0])
		fail_msg("git status: %s", run_output);
}

static void assert_good(struct vst_trail *trail)
{
	struct findings findings = {.print = true};

	if (vst_trail_check(trail, take_finding, &findings, &err) != 0)
		fail_msg("check: %s", err.text);
	assert_int_equal(findings.total, 0);
}

static void read_all(struct vst_trail *trail)
{
	struct vst_trail_record record = {0};

	for (uint64_t i = 0; i < vst_trail_size(trail); i++)
		if (vst_trail_read(trail, i, &record, &err) != 0)
			fail_msg("read %u: %s", (unsigned)i, err.text);
	vst_trail_record_free(&record);
}

/* ---- making ---- */

static void trail_create_refuses_what_exists(void **state)
{
	struct vst_trail *trail = NULL;

	(void)state;
	assert_int_equal(vst_trail_create(scratch, &trail, &err), VST_EEXIST);
	assert_null(trail);
}

static void trail_open_tells_missing_and_empty_from_broken(void **state)
{
	struct vst_trail *trail = NULL;

	(void)state;
	assert_int_equal(vst_trail_open(in_scratch("nothing"), &trail, &err), VST_ENOCASE);
	assert_int_equal(vst_trail_open(scratch, &trail, &err), VST_ENOCASE);
	trail = trail_make("t", 0);
	assert_non_null(trail);
	assert_int_equal(vst_trail_size(trail), 0);
	assert_good(trail);
	vst_trail_free(trail);
	trail = NULL;
	assert_int_equal(vst_trail_open(in_scratch("t"), &trail, &err), VST_ENOCASE);
	assert_int_equal(run("echo broken >t/.git/HEAD"), 0);
	assert_int_equal(vst_trail_open(in_scratch("t"), &trail, &err), VST_ETAMPERED);
}

static void trail_append_gives_what_git_accepts(void **state)
{
	struct vst_trail *trail;

	(void)state;
	for (uint64_t count = 0; count < 4; count++) {
		char name[8];

		snprintf(name, sizeof(name), "t%u", (unsigned)count);
		trail = trail_make(name, count);
		assert_non_null(trail);
		if (count > 0) {
			assert_git_happy(name);
			assert_int_equal(run("git -C %s log --format=%%an,%%ae,%%at,%%s", name), 0);
			assert_non_null(
			        strstr(run_output, "collector@web1,collector@web1,1790000000,note: event 0"));
		}
		assert_good(trail);
		vst_trail_free(trail);
	}
}

static void trail_append_refuses_a_wrong_number(void **state)
{
	struct vst_trail *trail = trail_make("t", 1);

	(void)state;
	assert_int_equal(add_commit(trail, 0, false, &err), VST_EUSAGE);
	assert_int_equal(add_commit(trail, 2, false, &err), VST_EUSAGE);
	assert_int_equal(vst_trail_size(trail), 1);
	vst_trail_free(trail);
}

static void trail_append_refuses_a_stale_handle(void **state)
{
	struct vst_trail *first = trail_make("t", 1), *second;

	(void)state;
	second = reopen("t");
	assert_int_equal(add_commit(first, 1, false, &err), 0);
	assert_int_equal(add_commit(second, 1, true, &err), VST_ELOCKED);
	assert_int_equal(vst_trail_size(second), 1);
	assert_good(first);
	vst_trail_free(first);
	vst_trail_free(second);
}

static int refuse(void *ctx, const void *payload, size_t len, struct vst_buf *out, struct vst_err *e)
{
	(void)ctx;
	(void)payload;
	(void)len;
	(void)out;
	return vst_err_set(e, VST_EKEY, "no key");
}

static void trail_append_leaves_nothing_without_a_signature(void **state)
{
	struct vst_trail *trail = trail_make("t", 1);
	struct vst_buf text = VST_BUF_INIT;
	struct vst_trail_commit commit = {.number = 1,
	        .author = "a",
	        .event = &text,
	        .case_file = &text,
	        .recipients = &text,
	        .allowed_signers = &text,
	        .checkpoint = &text,
	        .message = &text};

	(void)state;
	vst_buf_text(&text, "another text\n");
	assert_int_equal(vst_trail_append(trail, &commit, refuse, NULL, &err), VST_EKEY);
	assert_int_equal(vst_trail_size(trail), 1);
	assert_good(trail);
	vst_buf_free(&text);
	vst_trail_free(trail);
}

static void trail_append_refuses_names_git_cannot_carry(void **state)
{
	static const char *const names[] = {"", " a", "a ", "a<b", "a>b", "a\nb", "\xff", "a\x7f"};
	struct vst_trail *trail = trail_make("t", 0);
	struct vst_buf text = VST_BUF_INIT;
	struct vst_trail_commit commit = {.event = &text,
	        .case_file = &text,
	        .recipients = &text,
	        .allowed_signers = &text,
	        .checkpoint = &text,
	        .message = &text};

	(void)state;
	vst_buf_text(&text, "x\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		commit.author = names[i];
		assert_int_equal(vst_trail_append(trail, &commit, fake_sign, NULL, &err), VST_EUSAGE);
	}
	commit.author = "Jörg O'Neil, \"Esq.\" (lab)";
	assert_int_equal(vst_trail_append(trail, &commit, fake_sign, NULL, &err), 0);
	assert_git_happy("t");
	read_all(trail);
	vst_buf_free(&text);
	vst_trail_free(trail);
}

static void trail_append_removes_what_a_killed_predecessor_left(void **state)
{
	struct vst_trail *trail = trail_make("t", 1);
	struct findings findings = {0};

	(void)state;
	vst_trail_free(trail);
	assert_int_equal(
	        run("cd t && touch .git/index.lock .git/refs/heads/main.lock .git/objects/tmp_object_git2_AB "
	            ".git/objects/pack/tmp_pack_x events/0000/00/.00000001.json.tmp-0011 .checkpoint.tmp-22 "
	            "&& "
	            "mkdir .git/vst-pack-tmp && touch .git/vst-pack-tmp/pack-1.pack && mkdir -p "
	            ".git/objects/00 && "
	            "touch .git/objects/00/.x.tmp-1"),
	        0);
	trail = reopen("t");
	assert_int_equal(vst_trail_check(trail, take_finding, &findings, &err), 0);
	assert_int_equal(findings.count[VST_TRAIL_TEMPORARY], 8);
	assert_int_equal(findings.total, 8);
	assert_int_equal(add_commit(trail, 1, false, &err), 0);
	assert_good(trail);
	assert_git_happy("t");
	vst_trail_free(trail);
}

/* ---- reading ---- */

static void trail_read_gives_back_what_was_appended(void **state)
{
	struct vst_trail *trail = trail_make("t", 3);
	struct vst_trail_record record = {0};

	(void)state;
	vst_trail_free(trail);
	trail = reopen("t");
	assert_int_equal(vst_trail_size(trail), 3);
	for (uint64_t i = 3; i-- > 0;) {
		char expected[64];

		assert_int_equal(vst_trail_read(trail, i, &record, &err), 0);
		snprintf(expected, sizeof(expected), "{\"format\":1,\"event\":%u,", (unsigned)i);
		assert_non_null(strstr(vst_buf_cstr(&record.event), expected));
		assert_string_equal(vst_buf_cstr(&record.author), "collector@web1");
		assert_int_equal(record.author_seconds, 1790000000 + (int64_t)i);
		snprintf(expected, sizeof(expected), "note: event %u\n\nVestige-Event: %u\n", (unsigned)i,
		        (unsigned)i);
		assert_string_equal(vst_buf_cstr(&record.payload) + record.message_offset, expected);
		snprintf(expected, sizeof(expected), "age1%u\n", i == 1 ? 1 : 0);
		assert_string_equal(vst_buf_cstr(&record.recipients), expected);
		snprintf(expected, sizeof(expected), "collector@web1 ssh-ed25519 AAAA%u\n", i == 1 ? 1 : 0);
		assert_string_equal(vst_buf_cstr(&record.allowed_signers), expected);
		assert_string_equal(vst_buf_cstr(&record.case_file), "{\"format\":1,\"id\":\"9f3c61d2\"}\n");
	}
	assert_int_equal(vst_trail_read(trail, 3, &record, &err), VST_ENOTFOUND);
	vst_trail_record_free(&record);
	vst_trail_free(trail);
}

static void trail_read_payload_equals_libgit2s(void **state)
{
	struct vst_trail *trail = trail_make("t", 2);
	struct vst_trail_record record = {0};
	git_repository *repo = NULL;

	(void)state;
	assert_true(git_libgit2_init() > 0);
	assert_int_equal(git_repository_open(&repo, in_scratch("t")), 0);
	for (uint64_t i = 0; i < 2; i++) {
		git_buf signature = {0}, payload = {0};
		char hex[VST_TRAIL_ID_TEXT];
		git_oid id;

		assert_int_equal(vst_trail_read(trail, i, &record, &err), 0);
		assert_int_equal(git_oid_fromstr(&id, vst_trail_commit_id(trail, i, hex)), 0);
		assert_int_equal(git_commit_extract_signature(&signature, &payload, repo, &id, NULL), 0);
		assert_int_equal(record.payload.len, payload.size);
		assert_memory_equal(record.payload.data, payload.ptr, payload.size);
		/* libgit2 leaves out the last line's LF, which ssh-keygen and git's own check have. */
		assert_int_equal(record.signature.len, signature.size + 1);
		assert_memory_equal(record.signature.data, signature.ptr, signature.size);
		assert_int_equal(record.signature.data[signature.size], '\n');
		git_buf_dispose(&signature);
		git_buf_dispose(&payload);
	}
	git_repository_free(repo);
	vst_trail_record_free(&record);
	vst_trail_free(trail);
}

static void trail_read_is_blind_to_configuration_and_replacement(void **state)
{
	struct vst_trail *trail = trail_make("t", 3);
	struct findings findings = {0};

	(void)state;
	vst_trail_free(trail);
	assert_int_equal(
	        run("cd t && git replace HEAD HEAD~1 && mkdir other && rmdir other && git init -q ../alt && "
	            "echo $PWD/../alt/.git/objects >.git/objects/info/alternates && "
	            "git rev-parse HEAD~1 >.git/shallow && git rev-parse HEAD >.git/info/grafts && "
	            "printf '[core]\\n\\tworktree = /nonexistent\\n\\trepositoryformatversion = 9\\n' "
	            ">.git/config"),
	        0);
	trail = reopen("t");
	assert_int_equal(vst_trail_size(trail), 3);
	read_all(trail);
	assert_int_equal(vst_trail_check(trail, take_finding, &findings, &err), 0);
	assert_int_equal(findings.count[VST_TRAIL_STRANGER], 4); /* replace, alternates, shallow, grafts */
	assert_int_equal(findings.total, 4);
	vst_trail_free(trail);
}

static void trail_reads_a_stock_clone(void **state)
{
	struct vst_trail *trail = trail_make("t", 205);

	(void)state;
	vst_trail_free(trail);
	assert_int_equal(
	        run("git clone -q --no-local t c && git clone -q t d && cd c && git pack-refs --all"), 0);
	trail = reopen("c");
	assert_int_equal(vst_trail_size(trail), 205);
	read_all(trail);
	assert_good(trail);
	vst_trail_free(trail);
	trail = reopen("d");
	read_all(trail);
	assert_good(trail);
	/* A clone goes on as a trail. */
	assert_int_equal(add_commit(trail, 205, false, &err), 0);
	assert_good(trail);
	assert_git_happy("d");
	vst_trail_free(trail);
}

static void trail_reads_what_stock_git_packed(void **state)
{
	struct vst_trail *trail = trail_make("t", 12);

	(void)state;
	vst_trail_free(trail);
	assert_int_equal(run("git -C t -c gc.writeCommitGraph=false gc -q --aggressive && git -C t tag -a -m "
	                     "x v1 2>&1 | true"),
	        0);
	trail = reopen("t");
	read_all(trail);
	assert_good(trail);
	assert_int_equal(add_commit(trail, 12, true, &err), 0);
	assert_good(trail);
	assert_git_happy("t");
	vst_trail_free(trail);
}

static void trail_loose_reference_wins_over_packed(void **state)
{
	struct vst_trail *trail = trail_make("t", 2);

	(void)state;
	assert_int_equal(run("git -C t pack-refs --all"), 0);
	assert_int_equal(add_commit(trail, 2, false, &err), 0);
	vst_trail_free(trail);
	trail = reopen("t");
	assert_int_equal(vst_trail_size(trail), 3);
	assert_good(trail);
	vst_trail_free(trail);
}

/* ---- what may not be in a commit ---- */

/* Makes a commit with stock git's plumbing and moves the branch; a shell snippet changes the index or the
 * text. */
static int open_and_read(const char *name)
{
	struct vst_trail *trail = NULL;
	struct vst_trail_record record = {0};
	int rc = vst_trail_open(in_scratch(name), &trail, &err);

	for (uint64_t i = 0; rc == 0 && i < vst_trail_size(trail); i++)
		rc = vst_trail_read(trail, i, &record, &err);
	vst_trail_record_free(&record);
	vst_trail_free(trail);
	return rc;
}

static void assert_commit_refused(const char *edit, const char *why)
{
	struct vst_trail *trail = trail_make("t", 3);

	vst_trail_free(trail);
	assert_int_equal(open_and_read("t"), 0);
	if (run("cd t && git cat-file commit HEAD >../commit && %s && "
	        "git update-ref refs/heads/main $(git hash-object -t commit -w --stdin --literally "
	        "<../commit)",
	            edit) != 0)
		fail_msg("%s: %s", edit, run_output);
	assert_int_equal(open_and_read("t"), VST_ETAMPERED);
	if (!strstr(err.text, why))
		fail_msg("%s: wrong error: %s", edit, err.text);
	tree_remove(in_scratch("t"));
}

static void trail_read_refuses_other_commit_forms(void **state)
{
	(void)state;
	assert_commit_refused("sed -i '/^committer/a encoding UTF-8' ../commit", "not signed");
	assert_commit_refused("sed -i '/^ -----END/a encoding UTF-8' ../commit", "header that no trail has");
	assert_commit_refused("sed -i '/^ -----END/a gpgsig x' ../commit", "header that no trail has");
	assert_commit_refused("sed -i '/^gpgsig/,/^ -----END/d' ../commit", "not signed");
	assert_commit_refused("sed -i \"/^parent/a parent $(git rev-parse HEAD~2)\" ../commit", "merge");
	assert_commit_refused("sed -i '/^parent/d' ../commit", "not the last event");
	assert_commit_refused("sed -i 's/^committer.*/committer b <b> 1 +0000/' ../commit", "differ");
	assert_commit_refused("sed -i 's/+0000$/+0100/' ../commit", "author or committer");
	assert_commit_refused("sed -i 's/<collector@web1>/<x@y>/' ../commit", "author or committer");
	assert_commit_refused("sed -i 's/^tree \\(.*\\)/tree \\U\\1/' ../commit", "without a tree");
	assert_commit_refused("printf 'x\\0y' >>../commit", "NUL");
}

#define RETREE " && sed -i \"s/^tree.*/tree $(git write-tree)/\" ../commit"

static void trail_read_refuses_other_trees(void **state)
{
	(void)state;
	assert_commit_refused("echo x >more && git add more" RETREE, "not those of a trail");
	assert_commit_refused("git rm -q --cached recipients" RETREE, "not those of a trail");
	assert_commit_refused("git update-index --chmod=+x case.json" RETREE, "not those of a trail");
	assert_commit_refused(
	        "echo x >events/0000/00/00000000.json && git add events" RETREE, "changes more");
	assert_commit_refused("git rm -q --cached events/0000/00/00000000.json" RETREE, "changes more");
	assert_commit_refused("git rm -q --cached events/0000/00/00000002.json" RETREE, "not the last event");
	assert_commit_refused(
	        "echo x >events/0000/00/00000003.json && git add events" RETREE, "not the last event");
	assert_commit_refused(
	        "mkdir -p events/0001/00 && echo x >events/0001/00/x && git add events" RETREE, "not");
}

/* ---- the work tree ---- */

static void trail_restore_repairs_work_tree_and_index(void **state)
{
	struct vst_trail *trail = trail_make("t", 3);

	(void)state;
	assert_int_equal(run("cd t && rm -r events && echo x >checkpoint && rm case.json && ln -s "
	                     "/etc/passwd case.json && "
	                     "rm .git/index && touch .recipients.tmp-1"),
	        0);
	assert_int_equal(vst_trail_restore_work_tree(trail, &err), 0);
	assert_good(trail);
	assert_git_happy("t");
	vst_trail_free(trail);
}

/* ---- packing ---- */

static void trail_append_packs_when_loose_objects_pile_up(void **state)
{
	struct vst_trail *trail = trail_make("t", 480);
	uint64_t count = 480;
	int packs = 0;

	(void)state;
	for (; packs == 0 && count < 700; count++) {
		assert_int_equal(add_commit(trail, count, true, &err), 0);
		if (run("ls t/.git/objects/pack/*.pack") == 0)
			packs = 1;
	}
	assert_int_equal(packs, 1);
	assert_int_equal(run("git -C t count-objects"), 0);
	assert_int_equal(atoi(run_output), 0);
	assert_good(trail);
	assert_git_happy("t");
	assert_int_equal(add_commit(trail, count++, false, &err), 0);
	vst_trail_free(trail);
	trail = reopen("t");
	assert_int_equal(vst_trail_size(trail), count);
	read_all(trail);
	assert_good(trail);
	vst_trail_free(trail);
}

static void trail_pack_makes_many_packs_one(void **state)
{
	struct vst_trail *trail = trail_make("t", 1), *reader = reopen("t");
	unsigned most = 0, last = 0;

	(void)state;
	for (uint64_t i = 1; i < 27; i++) {
		assert_int_equal(vst_trail_pack(trail, &err), 0);
		assert_int_equal(add_commit(trail, i, true, &err), 0);
		assert_int_equal(run("ls t/.git/objects/pack/*.pack | wc -l"), 0);
		last = (unsigned)atoi(run_output);
		most = last > most ? last : most;
	}
	assert_int_equal(most, 24);
	assert_in_range(last, 1, 2);
	assert_good(trail);
	assert_git_happy("t");
	read_all(reader);
	vst_trail_free(reader);
	vst_trail_free(trail);
}

static void trail_open_handle_survives_packing_by_another(void **state)
{
	struct vst_trail *trail = trail_make("t", 5), *reader;

	(void)state;
	reader = reopen("t");
	assert_int_equal(run("git -C t -c gc.writeCommitGraph=false gc -q --prune=now"), 0);
	read_all(reader);
	assert_good(reader);
	vst_trail_free(reader);
	vst_trail_free(trail);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_drop)
	const struct CMUnitTest tests[] = {
	        TEST(trail_create_refuses_what_exists),
	        TEST(trail_open_tells_missing_and_empty_from_broken),
	        TEST(trail_append_gives_what_git_accepts),
	        TEST(trail_append_refuses_a_wrong_number),
	        TEST(trail_append_refuses_a_stale_handle),
	        TEST(trail_append_leaves_nothing_without_a_signature),
	        TEST(trail_append_refuses_names_git_cannot_carry),
	        TEST(trail_append_removes_what_a_killed_predecessor_left),
	        TEST(trail_read_gives_back_what_was_appended),
	        TEST(trail_read_payload_equals_libgit2s),
	        TEST(trail_read_is_blind_to_configuration_and_replacement),
	        TEST(trail_reads_a_stock_clone),
	        TEST(trail_reads_what_stock_git_packed),
	        TEST(trail_loose_reference_wins_over_packed),
	        TEST(trail_read_refuses_other_commit_forms),
	        TEST(trail_read_refuses_other_trees),
	        TEST(trail_restore_repairs_work_tree_and_index),
	        TEST(trail_append_packs_when_loose_objects_pile_up),
	        TEST(trail_pack_makes_many_packs_one),
	        TEST(trail_open_handle_survives_packing_by_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
