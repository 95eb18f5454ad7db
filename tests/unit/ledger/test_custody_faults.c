/*
 * Each allocation fails once, in turn: the step that met it is refused for want of memory, leaves the log as
 * it was, and is taken in when it comes again. A plan of faults is read once a process, so each turn is a
 * child of its own.
 */
#include "ledger/custody_kit.h"

#include <sys/wait.h>
#include <unistd.h>

#ifndef VESTIGE_FAULTS

static void custody_faults_need_a_build_with_faults(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(custody_faults_need_a_build_with_faults)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static struct vst_err last;

enum { DONE = 0, WRONG_CODE = 10, CHANGED = 11, NOT_AGAIN = 12, PREPARED = 13 };

/* Only one allocation fails, so what failed for want of memory succeeds the second time. */
#define AGAIN(call)                                                                                          \
	do {                                                                                                 \
		int once = (call);                                                                           \
		if (once != 0 && once != VST_ENOMEM)                                                         \
			print_error("%d: %s\n", once, last.text);                                            \
		if (once != 0 && once != VST_ENOMEM)                                                         \
			_exit(WRONG_CODE);                                                                   \
		if (once != 0 && (call) != 0)                                                                \
			_exit(NOT_AGAIN);                                                                    \
	} while (0)

static int try_payload(struct kit_commit *commit, const struct vst_custody_draft *draft)
{
	kit_payload(
	        &commit->payload, draft->author, draft->author_seconds, draft->number > 0, &draft->message);
	return vst_buf_check(&commit->payload, NULL);
}

static int try_sign(struct kit_commit *commit, struct vst_signer *signer)
{
	vst_buf_clear(&commit->signature);
	return vst_sshsig_sign(
	        signer, "git", commit->payload.data, commit->payload.len, &commit->signature, &last);
}

static int apply_or_leave(struct kit *kit, const struct vst_custody_step *step)
{
	uint8_t before[VST_HASH_LEN], after[VST_HASH_LEN];
	uint64_t size = vst_custody_size(kit->custody);
	size_t named = vst_custody_all_signers(kit->custody)->count;
	size_t may_sign = vst_custody_signers(kit->custody)->count;
	int rc;

	vst_custody_root(kit->custody, before);
	rc = vst_custody_apply(kit->custody, step, &last);
	if (rc == 0)
		return 0;
	vst_custody_root(kit->custody, after);
	if (vst_custody_size(kit->custody) != size || memcmp(before, after, VST_HASH_LEN) != 0 ||
	        vst_custody_all_signers(kit->custody)->count != named ||
	        vst_custody_signers(kit->custody)->count != may_sign)
		_exit(CHANGED);
	return rc;
}

static void append(struct kit *kit, struct vst_custody_change *change)
{
	struct vst_custody_draft draft = {0};
	struct kit_commit commit = {0};

	change->log_signer = kit->log;
	AGAIN(vst_custody_draft(kit->custody, change, &draft, &last));
	AGAIN(try_payload(&commit, &draft));
	AGAIN(try_sign(&commit, change->signer));
	commit.step = (struct vst_custody_step){.event = kit_bytes(&draft.event),
	        .case_file = kit_bytes(&draft.case_file),
	        .recipients = kit_bytes(&draft.recipients),
	        .allowed_signers = kit_bytes(&draft.allowed_signers),
	        .checkpoint = kit_bytes(&draft.checkpoint),
	        .payload = kit_bytes(&commit.payload),
	        .signature = kit_bytes(&commit.signature),
	        .message = kit_bytes(&draft.message),
	        .author = {draft.author, strlen(draft.author)},
	        .author_seconds = draft.author_seconds};
	AGAIN(apply_or_leave(kit, &commit.step));
	kit_commit_free(&commit);
	vst_custody_draft_free(&draft);
	vst_event_free(change->event);
}

static void run_log(bool only_prepare)
{
	struct kit *kit = kit_empty();
	struct vst_signer *third = kit_signer("collector", 77);
	struct vst_signers first = {0}, more = {0};
	struct vst_bytes recipients = {KIT_RECIPIENTS, strlen(KIT_RECIPIENTS)};
	struct vst_bytes others = {KIT_OTHER_RECIPIENTS, strlen(KIT_OTHER_RECIPIENTS)};
	struct vst_custody_change genesis = {.event = kit_event(kit, VST_EVENT_GENESIS),
	        .actor = KIT_HOST,
	        .signer = kit->host,
	        .next_key = vst_signer_public(kit->next),
	        .new_case = &kit->file,
	        .new_signers = &first,
	        .new_recipients = &recipients};
	struct vst_custody_change key = {.event = kit_event(kit, VST_EVENT_KEY),
	        .actor = "alice",
	        .signer = kit->alice,
	        .new_signers = &more,
	        .new_recipients = &others};
	struct vst_custody_change acquire = {
	        .actor = KIT_HOST, .signer = kit->next, .next_key = vst_signer_public(third)};
	struct vst_custody_change extract = {.actor = "alice", .signer = kit->alice};

	kit_signers_add(&first, KIT_HOST, kit->host);
	kit_signers_add(&first, "alice", kit->alice);
	kit_signers_add(&more, KIT_HOST, kit->next);
	kit_signers_add(&more, "alice", kit->alice);
	kit_signers_add(&more, "bob", kit->bob);
	kit_signers_add(&more, "collector@web2", kit->old = kit_signer("web2", 0));
	if (only_prepare)
		_exit(PREPARED);
	append(kit, &genesis);
	append(kit, &key);
	acquire.event = kit_acquire(kit, 1);
	append(kit, &acquire);
	extract.event = kit_extract(kit, 1);
	append(kit, &extract);
	vst_signers_free(&first);
	vst_signers_free(&more);
	vst_signer_free(third);
	kit_free(kit);
}

/* How a child ends. With `count_to` it writes there how often it allocated. */
static int run_child(unsigned long long nth, bool only_prepare, const char *count_to)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		char plan[64];

		snprintf(plan, sizeof plan, "malloc:%llu:ENOMEM", nth);
		if (nth > 0)
			setenv("VESTIGE_FAULT", plan, 1);
		if (count_to)
			setenv("VESTIGE_FAULT_COUNT", count_to, 1);
		/* The last of these children fails on purpose. */
		if (only_prepare &&
		        (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
			_exit(NOT_AGAIN);
		run_log(only_prepare);
		exit(DONE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static unsigned long long count_allocations(void)
{
	char path[] = "/tmp/vst-custody-XXXXXX";
	unsigned long long count = 0;
	int fd = mkstemp(path);
	FILE *file;

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(run_child(0, false, path), DONE);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "malloc %llu", &count), 1);
	fclose(file);
	unlink(path);
	return count;
}

static void custody_survives_every_failed_allocation(void **state)
{
	unsigned long long total = count_allocations(), met = 0;

	(void)state;
	assert_true(total > 100);
	for (unsigned long long n = total; n > 0; n--) {
		int end;

		/* Where keys are made for the test itself, the log is not there yet. */
		if (run_child(n, true, NULL) != PREPARED)
			break;
		end = run_child(n, false, NULL);
		if (end != DONE)
			fail_msg("allocation %llu of %llu: the child ended with %d", n, total, end);
		met++;
	}
	print_message("%llu of %llu allocations failed in turn\n", met, total);
	assert_true(met > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(custody_survives_every_failed_allocation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
