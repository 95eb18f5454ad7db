/* Rule 5 of custody.h: what a collector may do, and what who stole its key may not. Whoever forges here holds
 * the keys that they sign with. */
#include "ledger/custody_kit.h"

/* ---- rule 5: a stolen collector key ---- */

static void custody_rejects_a_collector_key_that_signs_twice(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers file = {0};
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	/* kit->old has signed event 1. */
	kit_signers_add(&file, KIT_HOST, kit->next);
	kit_signers_add(&file, "alice", kit->alice);
	forge = forge_begin(kit, kit_acquire(kit, 2), kit->old, KIT_HOST, false);
	forge_write_signers(forge, &file);
	forge_set_next_key(forge, vst_signer_public(kit->next));
	forge_seal(forge);
	assert_refused(forge, 5, "collector key that was used or replaced before");
	vst_signers_free(&file);
	kit_free(kit);
}

static void custody_rejects_the_genesis_key_as_signer_of_the_next_event(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signer *thief = kit_signer("thief", 0);
	struct vst_signers file = {0};
	struct forge *forge;

	(void)state;
	/* Its line still stands in allowed_signers: stock git would take it. */
	kit_signers_add(&file, KIT_HOST, thief);
	kit_signers_add(&file, "alice", kit->alice);
	kit_signers_add(&file, KIT_HOST, kit->host);
	forge = forge_begin(kit, kit_acquire(kit, 1), kit->old, KIT_HOST, false);
	forge_write_signers(forge, &file);
	forge_set_next_key(forge, vst_signer_public(thief));
	forge_seal(forge);
	assert_refused(forge, 5, "collector key that was used or replaced before");
	vst_signers_free(&file);
	vst_signer_free(thief);
	kit_free(kit);
}

static void custody_rejects_a_log_that_was_cut_and_continued(void **state)
{
	struct kit *kit = kit_new(), *cut;
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	kit_snapshot(kit);
	/* The log up to genesis alone is honest. Who took the host after event 2 has only the key of event 3.
	 */
	cut = kit_new();
	forge = forge_begin(cut, kit_acquire(cut, 1), kit->host, KIT_HOST, false);
	forge_evolve(forge, vst_signer_public(cut->host), vst_signer_public(kit->next));
	forge_seal(forge);
	assert_refused(forge, 3, "a key that the log does not know");
	kit_free(cut);
	kit_free(kit);
}

static void custody_rejects_a_collector_that_adds_a_signer(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signer *thief = kit_signer("thief", 0);
	struct vst_signers file = {0};

	(void)state;
	kit_snapshot(kit);
	kit_signers_add(&file, KIT_HOST, kit->next);
	kit_signers_add(&file, "alice", kit->alice);
	for (int as_collector = 0; as_collector < 2; as_collector++) {
		struct vst_signers more = {0};
		struct forge *forge = forge_snapshot(kit);

		kit_copy_signers(&file, &more);
		kit_signers_add(&more, as_collector ? "collector@web2" : "mallory", thief);
		forge_write_signers(forge, &more);
		forge_seal(forge);
		assert_refused(forge, 5, "more of allowed_signers than its own key");
		vst_signers_free(&more);
	}
	vst_signers_free(&file);
	vst_signer_free(thief);
	kit_free(kit);
}

static void custody_rejects_a_collector_that_removes_or_changes_an_examiner(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers file = {0};
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	kit_signers_add(&file, KIT_HOST, kit->next);
	forge_write_signers(forge, &file);
	forge_seal(forge);
	assert_refused(forge, 5, "more of allowed_signers than its own key");
	forge = forge_snapshot(kit);
	kit_signers_add(&file, "alice", kit->bob);
	forge_write_signers(forge, &file);
	forge_seal(forge);
	assert_refused(forge, 5, "more of allowed_signers than its own key");
	vst_signers_free(&file);
	kit_free(kit);
}

static void custody_rejects_a_collector_that_changes_another_collectors_line(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signer *web2 = kit_signer("web2", 0), *thief = kit_signer("thief", 0);
	struct vst_signers file = {0};
	struct forge *forge;

	(void)state;
	kit_copy_signers(vst_custody_signers(kit->custody), &file);
	kit_signers_add(&file, "collector@web2", web2);
	assert_int_equal(kit_key_event(kit, kit->alice, "alice", &file, NULL, NULL), 0);
	/* web1's key, but the next key goes into web2's line. */
	forge = forge_begin(kit, kit_acquire(kit, 1), kit->host, KIT_HOST, true);
	forge_evolve(forge, vst_signer_public(web2), vst_signer_public(thief));
	forge_seal(forge);
	assert_refused(forge, 5, "more of allowed_signers than its own key");
	vst_signers_free(&file);
	vst_signer_free(web2);
	vst_signer_free(thief);
	kit_free(kit);
}

static void custody_rejects_a_collector_that_renames_itself(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers file = {0};
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	kit_signers_add(&file, "alice", kit->alice);
	kit_signers_add(&file, "collector@web2", kit->next);
	forge_write_signers(forge, &file);
	forge_seal(forge);
	assert_refused(forge, 5, "more of allowed_signers than its own key");
	vst_signers_free(&file);
	kit_free(kit);
}

static void custody_rejects_a_collector_without_a_next_key(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_begin(kit, kit_acquire(kit, 1), kit->host, KIT_HOST, false);

	(void)state;
	forge_seal(forge);
	assert_refused(forge, 5, "names no next key");
	kit_free(kit);
}

static void custody_rejects_a_next_key_that_the_file_does_not_list(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signer *thief = kit_signer("thief", 0);
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_set_next_key(forge, vst_signer_public(thief));
	forge_seal(forge);
	assert_refused(forge, 5, "more of allowed_signers than its own key");
	vst_signer_free(thief);
	kit_free(kit);
}

static void custody_rejects_a_next_key_that_was_named_before(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signer *named[4];

	(void)state;
	kit_snapshot(kit);
	named[0] = kit->host;  /* its own key: it could sign again */
	named[1] = kit->old;   /* a used one */
	named[2] = kit->alice; /* an examiner's, who would become a collector */
	named[3] = kit_signer("collector", 0);
	for (size_t i = 0; i < 4; i++) {
		struct forge *forge = forge_begin(kit, kit_acquire(kit, 2), kit->host, KIT_HOST, true);

		forge_set_next_key(forge, vst_signer_public(named[i]));
		forge_seal(forge);
		assert_refused(forge, 5, "the next key was named before");
	}
	vst_signer_free(named[3]);
	kit_free(kit);
}

static void custody_rejects_the_log_key_as_next_key(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_evolve(forge, vst_signer_public(kit->host), vst_signer_public(kit->log));
	forge_seal(forge);
	assert_refused(forge, 8, "the next key is the log's own");
	kit_free(kit);
}

static void custody_rejects_a_collector_that_signs_extract_or_key(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge;

	(void)state;
	kit_snapshot(kit);
	forge = forge_begin(kit, kit_extract(kit, 1), kit->host, KIT_HOST, false);
	forge_seal(forge);
	assert_refused(forge, 5, "a collector signed an event of type extract");
	forge = forge_begin(kit, kit_event(kit, VST_EVENT_KEY), kit->host, KIT_HOST, false);
	forge_seal(forge);
	assert_refused(forge, 5, "a collector signed an event of type key");
	kit_free(kit);
}

static void custody_rejects_a_collector_that_changes_recipients(void **state)
{
	struct kit *kit = kit_new();
	struct forge *forge = forge_snapshot(kit);

	(void)state;
	forge_set(&forge->recipients, KIT_RECIPIENTS KIT_OTHER_RECIPIENTS);
	forge_seal(forge);
	assert_refused(forge, 5, "a collector changed the recipients");
	kit_free(kit);
}

/* ---- rule 5: genesis ---- */

static struct forge *genesis(struct kit *kit, const struct vst_signers *signers)
{
	struct forge *forge = forge_begin(kit, kit_event(kit, VST_EVENT_GENESIS), kit->host, KIT_HOST, false);

	assert_int_equal(vst_case_file_encode(&kit->file, &forge->case_file, NULL), 0);
	forge_set(&forge->recipients, kit->recipients);
	forge_write_signers(forge, signers);
	forge_set_next_key(forge, vst_signer_public(kit->next));
	return forge;
}

static void custody_rejects_genesis_whose_signers_lack_its_key(void **state)
{
	struct kit *kit = kit_empty();
	struct vst_signers signers = {0};
	struct forge *forge;

	(void)state;
	kit_signers_add(&signers, KIT_HOST, kit->next);
	kit_signers_add(&signers, "alice", kit->alice);
	forge = genesis(kit, &signers);
	forge_seal(forge);
	assert_refused(forge, 3, "a key that the log does not know");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_genesis_whose_signers_lack_the_next_key(void **state)
{
	struct kit *kit = kit_empty();
	struct vst_signers signers = {0};
	struct forge *forge;

	(void)state;
	kit_signers_add(&signers, KIT_HOST, kit->host);
	forge = genesis(kit, &signers);
	forge_seal(forge);
	assert_refused(forge, 5, "does not list the next key");
	kit_signers_add(&signers, "collector@web2", kit->next);
	forge = genesis(kit, &signers);
	forge_seal(forge);
	assert_refused(forge, 5, "does not list the next key");
	forge = genesis(kit, &signers);
	forge_set_next_key(forge, vst_signer_public(kit->host));
	forge_seal(forge);
	assert_refused(forge, 5, "names its own key as the next");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_genesis_with_other_collectors(void **state)
{
	struct kit *kit = kit_empty();
	struct vst_signers signers = {0};
	struct forge *forge;

	(void)state;
	kit_signers_add(&signers, KIT_HOST, kit->host);
	kit_signers_add(&signers, KIT_HOST, kit->next);
	forge = genesis(kit, &signers);
	forge_seal(forge);
	kit_signers_add(&signers, "collector@web2", kit->bob);
	forge_write_signers(forge, &signers);
	forge_seal(forge);
	assert_refused(forge, 5, "lists other collectors than its own");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_rejects_genesis_by_an_examiner(void **state)
{
	struct kit *kit = kit_empty();
	struct vst_signers signers = {0};
	struct forge *forge;

	(void)state;
	kit_signers_add(&signers, "alice", kit->alice);
	kit_signers_add(&signers, KIT_HOST, kit->next);
	forge = genesis(kit, &signers);
	forge->signer = kit->alice;
	free(forge->event->actor);
	forge->event->actor = strdup("alice");
	forge_seal(forge);
	assert_refused(forge, 5, "not signed by a collector");
	vst_signers_free(&signers);
	kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(custody_rejects_a_collector_key_that_signs_twice),
	        cmocka_unit_test(custody_rejects_the_genesis_key_as_signer_of_the_next_event),
	        cmocka_unit_test(custody_rejects_a_log_that_was_cut_and_continued),
	        cmocka_unit_test(custody_rejects_a_collector_that_adds_a_signer),
	        cmocka_unit_test(custody_rejects_a_collector_that_removes_or_changes_an_examiner),
	        cmocka_unit_test(custody_rejects_a_collector_that_changes_another_collectors_line),
	        cmocka_unit_test(custody_rejects_a_collector_that_renames_itself),
	        cmocka_unit_test(custody_rejects_a_collector_without_a_next_key),
	        cmocka_unit_test(custody_rejects_a_next_key_that_the_file_does_not_list),
	        cmocka_unit_test(custody_rejects_a_next_key_that_was_named_before),
	        cmocka_unit_test(custody_rejects_the_log_key_as_next_key),
	        cmocka_unit_test(custody_rejects_a_collector_that_signs_extract_or_key),
	        cmocka_unit_test(custody_rejects_a_collector_that_changes_recipients),
	        cmocka_unit_test(custody_rejects_genesis_whose_signers_lack_its_key),
	        cmocka_unit_test(custody_rejects_genesis_whose_signers_lack_the_next_key),
	        cmocka_unit_test(custody_rejects_genesis_with_other_collectors),
	        cmocka_unit_test(custody_rejects_genesis_by_an_examiner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
