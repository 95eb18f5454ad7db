/* What an honest log is, and what it says. The refusals: test_custody_carrier.c, _collectors.c, _rules.c. */
#include "ledger/custody_kit.h"

#include <time.h>

static void custody_is_empty_at_first(void **state)
{
	struct kit *kit = kit_empty();
	uint8_t root[VST_HASH_LEN], empty[VST_HASH_LEN];

	(void)state;
	vst_sha256("", 0, empty);
	vst_custody_root(kit->custody, root);
	assert_memory_equal(root, empty, VST_HASH_LEN);
	assert_int_equal(vst_custody_size(kit->custody), 0);
	assert_int_equal(vst_custody_genesis(kit->custody, root), VST_ENOTFOUND);
	assert_null(vst_custody_last(kit->custody));
	assert_null(vst_custody_case(kit->custody));
	assert_int_equal(vst_custody_signers(kit->custody)->count, 0);
	assert_null(vst_custody_exhibit_latest(kit->custody));
	assert_null(vst_custody_exhibit_at(kit->custody, 0));
	assert_null(vst_custody_exhibit_find(kit->custody, 1));
	assert_int_equal(vst_custody_root_at(kit->custody, 1, root), VST_EUSAGE);
	kit_free(kit);
}

static void custody_takes_in_genesis(void **state)
{
	struct kit *kit = kit_new();
	uint8_t genesis[VST_HASH_LEN], root[VST_HASH_LEN];
	const struct vst_event *event = vst_custody_last(kit->custody);
	struct vst_buf bytes = VST_BUF_INIT;

	(void)state;
	assert_int_equal(vst_custody_size(kit->custody), 1);
	assert_int_equal(event->type, VST_EVENT_GENESIS);
	assert_int_equal(vst_event_encode(event, &bytes, NULL), 0);
	vst_sha256(bytes.data, bytes.len, root);
	assert_int_equal(vst_custody_genesis(kit->custody, genesis), 0);
	assert_memory_equal(genesis, root, VST_HASH_LEN);
	vst_merkle_leaf(bytes.data, bytes.len, genesis);
	assert_memory_equal(vst_custody_leaves(kit->custody), genesis, VST_HASH_LEN);
	vst_custody_root(kit->custody, root);
	assert_memory_equal(root, genesis, VST_HASH_LEN);
	assert_string_equal(vst_custody_case(kit->custody)->id, KIT_ID);
	vst_buf_free(&bytes);
	kit_free(kit);
}

static void custody_knows_who_may_sign_next(void **state)
{
	struct kit *kit = kit_new();
	const struct vst_signers *signers = vst_custody_signers(kit->custody);

	(void)state;
	assert_int_equal(signers->count, 2); /* the genesis key has signed */
	assert_non_null(vst_signers_find(signers, vst_signer_public(kit->host)));
	assert_non_null(vst_signers_find(signers, vst_signer_public(kit->alice)));
	assert_null(vst_signers_find(signers, vst_signer_public(kit->old)));
	assert_int_equal(vst_custody_all_signers(kit->custody)->count, 3);
	kit_snapshot(kit);
	signers = vst_custody_signers(kit->custody);
	assert_int_equal(signers->count, 2);
	assert_non_null(vst_signers_find(signers, vst_signer_public(kit->host)));
	assert_null(vst_signers_find(signers, vst_signer_public(kit->old)));
	assert_int_equal(vst_custody_all_signers(kit->custody)->count, 4);
	kit_free(kit);
}

static void custody_drops_the_genesis_line_with_the_next_collector_step(void **state)
{
	struct kit *kit = kit_new();
	struct vst_buf key = VST_BUF_INIT;
	struct vst_bytes file = vst_custody_allowed_signers(kit->custody);

	(void)state;
	vst_ssh_public_text(vst_signer_public(kit->old), &key);
	assert_non_null(memmem(file.data, file.len, key.data, key.len));
	kit_snapshot(kit);
	file = vst_custody_allowed_signers(kit->custody);
	assert_null(memmem(file.data, file.len, key.data, key.len));
	vst_buf_free(&key);
	kit_free(kit);
}

static void custody_lists_exhibits(void **state)
{
	struct kit *kit = kit_new();
	const struct vst_custody_exhibit *exhibit;
	uint8_t digest[VST_HASH_LEN];

	(void)state;
	kit_snapshot(kit);
	assert_int_equal(kit_as_collector(kit, kit_recover(kit, 2), NULL), 0);
	kit->exhibit = 2;
	kit_snapshot(kit);
	assert_int_equal(kit_as_examiner(kit, kit->alice, "alice", kit_extract(kit, 1), NULL), 0);
	assert_int_equal(vst_custody_exhibit_count(kit->custody), 3);
	exhibit = vst_custody_exhibit_at(kit->custody, 1);
	assert_int_equal(exhibit->number, 2);
	assert_int_equal(exhibit->event, 2);
	assert_int_equal(exhibit->file_bytes, 77);
	assert_null(exhibit->seal);
	exhibit = vst_custody_exhibit_latest(kit->custody);
	assert_ptr_equal(exhibit, vst_custody_exhibit_find(kit->custody, 3));
	assert_int_equal(exhibit->number, 3);
	assert_int_equal(vst_seal_digest(exhibit->seal, digest, NULL), 0);
	assert_memory_equal(digest, exhibit->seal_sha256, VST_HASH_LEN);
	assert_memory_equal(exhibit->seal->predecessor, vst_custody_exhibit_at(kit->custody, 0)->seal_sha256,
	        VST_HASH_LEN);
	assert_null(vst_custody_exhibit_find(kit->custody, 4));
	assert_int_equal(vst_custody_last(kit->custody)->type, VST_EVENT_EXTRACT);
	kit_free(kit);
}

static void custody_gives_earlier_roots(void **state)
{
	struct kit *kit = kit_new();
	uint8_t then[VST_HASH_LEN], again[VST_HASH_LEN], now[VST_HASH_LEN];
	struct vst_merkle_path path;

	(void)state;
	kit_snapshot(kit);
	kit_snapshot(kit);
	vst_custody_root(kit->custody, then);
	kit_snapshot(kit);
	kit_snapshot(kit);
	vst_custody_root(kit->custody, now);
	assert_int_equal(vst_custody_root_at(kit->custody, 3, again), 0);
	assert_memory_equal(again, then, VST_HASH_LEN);
	assert_int_equal(vst_merkle_consistency(vst_custody_leaves(kit->custody), 5, 3, &path), 0);
	assert_int_equal(vst_merkle_check_consistency(3, then, 5, now, &path), 0);
	kit_free(kit);
}

static void custody_lets_examiners_change_signers_and_recipients(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};
	size_t count;
	uint8_t before[VST_HASH_LEN];

	(void)state;
	memcpy(before, vst_custody_fingerprints(kit->custody, &count), VST_HASH_LEN);
	assert_int_equal(count, 1);
	kit_copy_signers(vst_custody_signers(kit->custody), &signers);
	kit_signers_add(&signers, "bob", kit->bob);
	assert_int_equal(kit_key_event(kit, kit->alice, "alice", &signers, KIT_OTHER_RECIPIENTS, NULL), 0);
	assert_memory_not_equal(vst_custody_fingerprints(kit->custody, &count), before, VST_HASH_LEN);
	kit_snapshot(kit);
	assert_int_equal(kit_as_examiner(kit, kit->bob, "bob", kit_extract(kit, 1), NULL), 0);
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_lets_an_examiner_replace_a_collector(void **state)
{
	struct kit *kit = kit_new();
	struct vst_signers signers = {0};

	(void)state;
	kit_next_key(kit); /* the key of genesis' next is lost */
	kit_signers_add(&signers, KIT_HOST, kit->host);
	kit_signers_add(&signers, "alice", kit->alice);
	assert_int_equal(kit_key_event(kit, kit->alice, "alice", &signers, NULL, NULL), 0);
	kit_snapshot(kit);
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_lets_examiners_acquire_and_recover(void **state)
{
	struct kit *kit = kit_new();
	struct vst_err err = VST_ERR_INIT;

	(void)state;
	assert_int_equal(kit_as_examiner(kit, kit->alice, "alice", kit_acquire(kit, 1), &err), 0);
	assert_int_equal(kit_as_examiner(kit, kit->alice, "alice", kit_recover(kit, 2), &err), 0);
	kit->exhibit = 2;
	kit_snapshot(kit);
	kit_free(kit);
}

static void custody_allows_clocks_that_step_back(void **state)
{
	struct kit *kit = kit_new();

	(void)state;
	kit_snapshot(kit);
	kit->time -= 86400 * VST_NS_PER_S;
	kit_snapshot(kit);
	assert_int_equal(vst_custody_size(kit->custody), 3);
	kit_free(kit);
}

static void custody_seals_to_a_passphrase(void **state)
{
	struct kit *kit = kit_empty();
	uint8_t digest[VST_HASH_LEN];
	size_t count;

	(void)state;
	kit->recipients = "# passphrase\n";
	assert_int_equal(kit_genesis(kit, NULL), 0);
	vst_sha256("passphrase", 10, digest);
	assert_memory_equal(vst_custody_fingerprints(kit->custody, &count), digest, VST_HASH_LEN);
	assert_int_equal(count, 1);
	kit_snapshot(kit);
	kit_free(kit);
}

static void custody_keeps_fingerprints_in_the_files_order(void **state)
{
	struct kit *kit = kit_empty();
	struct vst_age_recipients set = {0};
	uint8_t digest[VST_HASH_LEN];
	const uint8_t *fingerprints;
	size_t count;

	(void)state;
	kit->recipients = KIT_RECIPIENTS "\n" KIT_OTHER_RECIPIENTS;
	assert_int_equal(kit_genesis(kit, NULL), 0);
	fingerprints = vst_custody_fingerprints(kit->custody, &count);
	assert_int_equal(count, 2);
	assert_int_equal(vst_age_recipients_parse(kit->recipients, strlen(kit->recipients), &set, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		vst_age_recipient_fingerprint(set.list[i], digest);
		assert_memory_equal(fingerprints + i * VST_HASH_LEN, digest, VST_HASH_LEN);
	}
	kit_snapshot(kit);
	vst_age_recipients_free(&set);
	kit_free(kit);
}

static void custody_message_has_its_trailers(void **state)
{
	struct kit *kit = kit_new();
	struct vst_buf message = VST_BUF_INIT;
	uint8_t a[VST_HASH_LEN], b[VST_HASH_LEN];

	(void)state;
	kit_snapshot(kit);
	struct forge *forge = forge_begin(kit, kit_extract(kit, 1), kit->alice, "alice", false);
	memset(a, 0xaa, sizeof a);
	memset(b, 0xbb, sizeof b);
	memset(forge->event->previous, 0xcc, VST_HASH_LEN);
	assert_int_equal(vst_custody_message(forge->event, a, 3, b, &message, NULL), 0);
	assert_string_equal(vst_buf_cstr(&message),
	        "Event 2: extract EX0001 (cat)\n\n"
	        "Vestige-Event: 2\n"
	        "Event-SHA256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	        "Previous-SHA256: cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\n"
	        "Log-Size: 3\n"
	        "Log-Root: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n");
	vst_buf_free(&message);
	forge_free(forge);
	kit_free(kit);
}

/* ---- drafts that make no sense are the caller's mistake, found before anything is signed ---- */

static void assert_no_draft(
        struct kit *kit, const struct vst_custody_change *change, int code, const char *why)
{
	struct vst_custody_draft draft = {.number = 77};
	struct vst_err err = VST_ERR_INIT;

	assert_int_equal(vst_custody_draft(kit->custody, change, &draft, &err), code);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
	assert_int_equal(err.code, code);
	assert_int_equal(draft.number, 77);
	vst_event_free(change->event);
}

static void custody_draft_refuses_a_log_without_genesis(void **state)
{
	struct kit *kit = kit_empty();
	struct vst_custody_change change = {.event = kit_event(kit, VST_EVENT_KEY),
	        .actor = KIT_HOST,
	        .signer = kit->host,
	        .log_signer = kit->log};

	(void)state;
	assert_no_draft(kit, &change, VST_EUSAGE, "begins with genesis");
	change.event = kit_event(kit, VST_EVENT_GENESIS);
	assert_no_draft(kit, &change, VST_EUSAGE, "genesis needs");
	kit_free(kit);
}

static void custody_draft_refuses_what_the_rules_refuse(void **state)
{
	struct kit *kit = kit_new();
	struct vst_custody_change change = {.actor = KIT_HOST, .signer = kit->host, .log_signer = kit->log};

	(void)state;
	change.event = kit_acquire(kit, 1);
	assert_no_draft(kit, &change, VST_EUSAGE, "names no next key");
	change.event = kit_acquire(kit, 1);
	change.next_key = vst_signer_public(kit->host);
	assert_no_draft(kit, &change, VST_EUSAGE, "named before");
	change.event = kit_acquire(kit, 1);
	change.next_key = vst_signer_public(kit->alice);
	assert_no_draft(kit, &change, VST_EUSAGE, "named before");
	change.event = kit_acquire(kit, 1);
	change.next_key = vst_signer_public(kit->next);
	change.signer = kit->bob;
	assert_no_draft(kit, &change, VST_EUSAGE, "does not know");
	change.event = kit_acquire(kit, 1);
	change.signer = kit->host;
	change.new_case = &kit->file;
	assert_no_draft(kit, &change, VST_EUSAGE, "case.json");
	change.new_case = NULL;
	change.event = kit_acquire(kit, 1);
	change.new_signers = vst_custody_signers(kit->custody);
	assert_no_draft(kit, &change, VST_EUSAGE, "only a key event");
	kit_free(kit);
}

static void custody_draft_refuses_a_foreign_log_key(void **state)
{
	struct kit *kit = kit_new();
	struct vst_custody_change change = {.event = kit_acquire(kit, 1),
	        .actor = KIT_HOST,
	        .signer = kit->host,
	        .log_signer = kit->bob,
	        .next_key = vst_signer_public(kit->next)};

	(void)state;
	assert_no_draft(kit, &change, VST_EKEY, "not by vestige/00112233");
	kit_free(kit);
}

static void custody_draft_refuses_genesis_without_its_own_key(void **state)
{
	struct kit *kit = kit_empty();
	struct vst_signers signers = {0};
	struct vst_bytes recipients = {KIT_RECIPIENTS, strlen(KIT_RECIPIENTS)};
	struct vst_custody_change change = {.event = kit_event(kit, VST_EVENT_GENESIS),
	        .actor = KIT_HOST,
	        .signer = kit->host,
	        .log_signer = kit->log,
	        .next_key = vst_signer_public(kit->next),
	        .new_case = &kit->file,
	        .new_signers = &signers,
	        .new_recipients = &recipients};

	(void)state;
	kit_signers_add(&signers, "alice", kit->alice);
	assert_no_draft(kit, &change, VST_EUSAGE, "does not know");
	vst_signers_free(&signers);
	kit_free(kit);
}

static void custody_takes_in_thousands_of_events(void **state)
{
	struct kit *kit = kit_new();
	struct timespec start, end;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned i = 0; i < 1000; i++)
		kit_snapshot(kit);
	clock_gettime(CLOCK_MONOTONIC, &end);
	print_message("1000 events drafted, signed and applied in %.2f s\n",
	        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
	assert_int_equal(vst_custody_size(kit->custody), 1001);
	assert_int_equal(vst_custody_exhibit_find(kit->custody, 777)->event, 777);
	assert_int_equal(vst_custody_all_signers(kit->custody)->count, 1003);
	kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(custody_is_empty_at_first),
	        cmocka_unit_test(custody_takes_in_genesis),
	        cmocka_unit_test(custody_knows_who_may_sign_next),
	        cmocka_unit_test(custody_drops_the_genesis_line_with_the_next_collector_step),
	        cmocka_unit_test(custody_lists_exhibits),
	        cmocka_unit_test(custody_gives_earlier_roots),
	        cmocka_unit_test(custody_lets_examiners_change_signers_and_recipients),
	        cmocka_unit_test(custody_lets_an_examiner_replace_a_collector),
	        cmocka_unit_test(custody_lets_examiners_acquire_and_recover),
	        cmocka_unit_test(custody_allows_clocks_that_step_back),
	        cmocka_unit_test(custody_seals_to_a_passphrase),
	        cmocka_unit_test(custody_keeps_fingerprints_in_the_files_order),
	        cmocka_unit_test(custody_message_has_its_trailers),
	        cmocka_unit_test(custody_draft_refuses_a_log_without_genesis),
	        cmocka_unit_test(custody_draft_refuses_what_the_rules_refuse),
	        cmocka_unit_test(custody_draft_refuses_a_foreign_log_key),
	        cmocka_unit_test(custody_draft_refuses_genesis_without_its_own_key),
	        cmocka_unit_test(custody_takes_in_thousands_of_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
